/* Sending: fields to octets, octets to an endpoint, and whatever has to be remembered of them. Acks, too.
 * For blackbox_play.c and its siblings. Nothing is kept here but what struct fz_party holds. */
#include "fuzz/blackbox_play_inside.h"

#include "protocol/time.h"

enum { MAX_SEGMENTS = 200 };

static void remember_name(struct fz_party *party, struct c2w_str user)
{
	for (unsigned i = 0; i < party->asked_count; i++)
		if (c2w_str_equal(user, c2w_str_of(party->asked[i])))
			return;
	if (party->asked_count < MAX_ASKED && c2w_user_name_valid(user))
		snprintf(party->asked[party->asked_count++], KEPT_USER, "%.*s", (int)user.length, user.at);
}

/* As the scenario engine remembers it: what `the same`, time() and earlier() mean. */
static void remember(struct fz_party *party, struct c2w_str octets)
{
	struct c2w_message message;

	party->nonsense = c2w_message_parse(&message, octets.at, octets.length, 0) != C2W_OK;
	if (!party->nonsense && c2w_command_info(message.command)->beat == C2W_ACK) {
		party->held_us = -1;
		party->acked_by_hand = true; /* it may count, whenever the answer comes */
	}
	if (party->nonsense || c2w_command_info(message.command)->beat != C2W_REQUEST)
		return;
	if (octets.length <= sizeof(party->request)) {
		memmove(party->request, octets.at, octets.length);
		party->request_length = octets.length;
	}
	party->acked_by_hand = party->acked_by_hand && message.time == party->request_us;
	memcpy(party->request_time, message.time_text.at, message.time_text.length);
	party->request_time[message.time_text.length] = '\0';
	if (message.command == C2W_CONNECTION_REQUEST)
		remember_name(party, message.user);
	if (fz_moves(c2w_command_info(message.command)->family))
		party->moving = message.time;
	party->request_us = message.time;
	party->request_at = net_now(party->play->options.net);
}

static void message_sent(struct fz_party *party, const struct fz_step *step, struct c2w_str octets)
{
	struct fz_play *play = party->play;

	jd_sent(play->jd, party->index, net_now(play->options.net), octets.at, octets.length);
	play->messages++;
	fz_foresee(party, step, octets);
	remember(party, octets);
	if (step != NULL || party->probing)
		party->silent_for = 0;
}

/* TRN-05: the server closes; nobody knows which answers still come. */
static void too_long(struct fz_party *party, struct c2w_str octets)
{
	jd_sent(party->play->jd, party->index, net_now(party->play->options.net), octets.at, octets.length);
	party->over = true;
	fz_forget_expected(party->play, party->index);
}

static void stream_sent(struct fz_party *party, const struct fz_step *step, struct c2w_str octets)
{
	struct c2w_str input = octets, message;
	enum c2w_err err;

	while ((err = c2w_framer_next(&party->out, &input, &message)) == C2W_OK)
		message_sent(party, step, message);
	if (err == C2W_ERR_TOO_LONG)
		too_long(party, octets);
	else
		party->nonsense |= party->out.held > 0;
}

static void put_stream(const struct fz_party *party, struct c2w_str octets, size_t pieces, bool joined)
{
	size_t size = pieces > 0 ? pieces : octets.length;

	if (octets.length / (size > 0 ? size : 1) > MAX_SEGMENTS)
		size = octets.length / MAX_SEGMENTS + 1;
	for (size_t at = 0; at < octets.length; at += size) {
		size_t left = octets.length - at;

		net_tcp_send(party->link, octets.at + at, left < size ? left : size);
		if (!joined)
			net_tcp_push(party->link);
	}
}

static void put(struct fz_party *party, const struct fz_step *step, struct c2w_str octets)
{
	if (octets.length == 0 || party->ended || party->over)
		return;
	fz_note(party, false, octets);
	if (party->tcp) {
		put_stream(party, octets, step != NULL ? step->pieces : 0, step != NULL && step->joined);
		stream_sent(party, step, octets);
	} else {
		net_udp_send(party->udp, &party->play->options.address, NULL, octets.at, octets.length);
		message_sent(party, step, octets);
	}
}

static int64_t fresh_time(struct fz_party *party, char to[C2W_MAX_TIME_TEXT + 1])
{
	struct fz_play *play = party->play;
	static const int64_t greatest = INT64_C(9999999999999999);
	int64_t now = (net_now(play->options.net) + net_wall_offset(play->options.net)) / 1000;
	int64_t floor = play->time_last > party->guess.greatest ? play->time_last : party->guess.greatest;
	int64_t us = (now > floor ? now : floor + 1) + 999;

	us -= us % 1000;
	us = us > greatest ? greatest : us;
	if (us < greatest - 1000000)
		play->time_last = us;
	to[c2w_time_format(to, us, us == greatest ? 6 : 3)] = '\0';
	return us;
}

struct fields { /* expanded texts, and the texts of the message */
	char word[FZ_TIMES + 1], time[FZ_TIMES + 1], user[FZ_TIMES + 1], data[FZ_TIMES + 1], text[FZ_TIMES + 1];
	struct c2w_message message;
};

static struct c2w_str expand(const struct fz_text *text, char *to)
{
	size_t length = fz_text_length(text);

	for (size_t i = 0; i < length; i++)
		to[i] = text->octets[i % text->length];
	return (struct c2w_str){ to, length };
}

static void fill_time(struct fz_party *party, const struct fz_step *step, struct fields *fields)
{
	int64_t earlier = party->request_us > 0 ? party->request_us - 1 : 0;

	switch (step->time) {
	case FZ_TIME_FRESH:
		if (fields->message.time_text.length > 0)
			return;
		fresh_time(party, fields->time);
		fields->message.time_text = c2w_str_of(fields->time);
		return;
	case FZ_TIME_LAST:
		fields->message.time_text = party->request_length > 0 ? c2w_str_of(party->request_time) : C2W_STR("0");
		return;
	case FZ_TIME_EARLIER:
		fields->message.time_text = (struct c2w_str){ fields->time, c2w_time_format(fields->time, earlier, C2W_MAX_TIME_FRACTION) };
		if (party->request_length == 0)
			fields->message.time_text = C2W_STR("0");
		return;
	case FZ_TIME_TEXT:
		fields->message.time_text = expand(&step->time_text, fields->time);
		return;
	}
}

/* An ack refers to the last message of its family that was received. */
static void fill_ack(struct fz_party *party, struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;

	if (party->answers[family].time[0] == '\0')
		return;
	message->time_text = c2w_str_of(party->answers[family].time);
	*(family == C2W_CHAT ? &message->data : &message->user) = c2w_str_of(party->answers[family].user);
}

struct joined { /* into a field */
	char *at;
	size_t length;
};

static void join(struct joined *to, struct c2w_str octets)
{
	size_t room = FZ_TIMES - to->length, length = octets.length < room ? octets.length : room;

	memcpy(to->at + to->length, octets.at, length);
	to->length += length;
}

bool fz_is_title(const struct fz_world *world, struct c2w_str octets)
{
	for (unsigned i = 0; i < world->title_count; i++)
		if (c2w_str_equal(octets, c2w_str_of(world->titles[i])))
			return true;
	return false;
}

/* As the scenario engine does it: no title of the target comes of it. */
static void join_cased(struct joined *to, const struct fz_world *world, struct c2w_str octets, bool miscased)
{
	size_t from = to->length;

	join(to, octets);
	for (size_t i = from; miscased && i < to->length; i++)
		if ((to->at[i] | ' ') >= 'a' && (to->at[i] | ' ') <= 'z')
			to->at[i] ^= ' ';
	while (miscased && fz_is_title(world, (struct c2w_str){ to->at + from, to->length - from }))
		join(to, C2W_STR("?"));
}

/* Somebody's name, and what may follow it. */
static struct c2w_str named(const struct fz_party *party, const struct fz_step *step, struct fields *fields)
{
	const struct fz_play *play = party->play;
	struct joined user = { fields->user, 0 };

	join_cased(&user, play->options.world, c2w_str_of(play->parties[step->other].user), step->miscased_user);
	if (step->command != C2W_NO_COMMAND)
		join(&user, expand(&step->word, fields->word));
	return (struct c2w_str){ user.at, user.length };
}

/* A title, and what may stand around it. */
static struct c2w_str titled(const struct fz_world *world, const struct fz_step *step, struct fields *fields)
{
	struct joined title = { fields->data, 0 };

	join(&title, expand(&step->before, fields->text));
	join_cased(&title, world, c2w_str_of(world->titles[step->movie - 1]), step->miscased_title);
	join(&title, expand(&step->data_text, fields->text));
	return (struct c2w_str){ title.at, title.length };
}

/* Octets around somebody's name. */
static struct c2w_str framed(const struct fz_party *party, const struct fz_step *step, struct fields *fields, char *to)
{
	const struct c2w_str parts[] = {
		expand(&step->data_text, fields->data), c2w_str_of(party->play->parties[step->other].user), expand(&step->word, fields->word),
	};
	size_t length = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memcpy(to + length, parts[i].at, parts[i].length);
		length += parts[i].length;
	}
	return (struct c2w_str){ to, length };
}

static void fill(struct fz_party *party, const struct fz_step *step, struct fields *fields)
{
	const struct fz_world *world = party->play->options.world;
	struct c2w_message *message = &fields->message;

	*message = (struct c2w_message){ .command = step->command, .code = step->code, .user = c2w_str_of(party->user) };
	if (step->command == C2W_NO_COMMAND)
		message->command_text = expand(&step->word, fields->word);
	else if (c2w_command_info(step->command)->beat == C2W_ACK)
		fill_ack(party, message);
	fill_time(party, step, fields);
	if (step->user == FZ_USER_OTHER)
		message->user = named(party, step, fields);
	else if (step->user == FZ_USER_TEXT)
		message->user = expand(&step->user_text, fields->user);
	if (step->data == FZ_DATA_TEXT)
		message->data = expand(&step->data_text, fields->data);
	else if (step->data == FZ_DATA_MOVIE)
		message->data = titled(world, step, fields);
}

void fz_send_step(struct fz_party *party, const struct fz_step *step)
{
	static struct fields fields;
	static char octets[MAX_OCTETS + FZ_TIMES];
	long length;

	switch (step->action) {
	case FZ_SAME:
		memcpy(octets, party->request, party->request_length);
		put(party, step, (struct c2w_str){ octets, party->request_length });
		return;
	case FZ_OCTETS:
		put(party, step, step->user == FZ_USER_OTHER ? framed(party, step, &fields, octets) : expand(&step->data_text, fields.data));
		return;
	default:
		fill(party, step, &fields);
		length = c2w_message_format(octets, sizeof(octets), &fields.message);
		put(party, step, (struct c2w_str){ octets, length > 0 ? (size_t)length : 0 });
		return;
	}
}

void fz_request(struct fz_party *party, enum c2w_command command, const char *user, struct c2w_str data)
{
	char time[C2W_MAX_TIME_TEXT + 1], octets[C2W_MAX_USER + 256];
	struct c2w_message message = { .command = command, .data = data };
	long length;

	message.user = c2w_str_of(user);
	fresh_time(party, time);
	message.time_text = c2w_str_of(time);
	length = c2w_message_format(octets, sizeof(octets), &message);
	if (length > 0)
		put(party, NULL, (struct c2w_str){ octets, (size_t)length });
	if (party->tcp && party->link != NULL)
		net_tcp_push(party->link);
}

void fz_repeat(struct fz_party *party)
{
	struct c2w_str octets = { party->request, party->request_length };
	struct fz_play *play = party->play;

	fz_note(party, false, octets);
	jd_sent(play->jd, party->index, net_now(play->options.net), octets.at, octets.length);
	play->messages++;
	net_udp_send(party->udp, &play->options.address, NULL, octets.at, octets.length);
}

/* REL-02: as it stands, for NEW_MESSAGE under the own name. Texts of people who are none of ours are acked all the same: over UDP they would keep ours back. */
void fz_acknowledge(struct fz_party *party, const struct c2w_message *message, bool stranger)
{
	enum c2w_family family = c2w_command_info(message->command)->family;
	struct c2w_message ack = { .time_text = message->time_text, .command = c2w_command_of(family, C2W_ACK), .user = message->user };
	char octets[1024];
	long length;

	if (party->holds && !party->acked_by_hand && message->time == party->request_us && (family != C2W_CHAT || c2w_str_equal(message->user, c2w_str_of(party->user)))) {
		party->held_us = message->time;
		party->held = message->command;
		party->held_code = message->code;
	}
	if ((party->holds && !(stranger && family == C2W_CHAT && !party->tcp) && !fz_was_acked(party, message)) || party->mute || (party->tcp && party->out.held > 0) || message->time_text.length > C2W_MAX_COMMAND || message->user.length > C2W_MAX_USER)
		return;
	if (family == C2W_CHAT) {
		ack.user = c2w_str_of(party->session[0] ? party->session : party->user);
		ack.data = message->user;
		fz_remember_ack(party, message->time, message->user);
	}
	length = c2w_message_format(octets, sizeof(octets), &ack);
	if (length > 0)
		put(party, NULL, (struct c2w_str){ octets, (size_t)length });
}
