/* The driver of the black-box fuzzer, see blackbox_play.h: steps go out, what is due is awaited, the judges see every octet.
 * Called by its user and by the loop of its net. Everything belongs to struct fz_play; what a peer sends is bounded by the net
 * (64 KiB a datagram) and by MAX_RECEIVED. */
#include "fuzz/blackbox_play.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "judge/judge.h"
#include "protocol/frame.h"
#include "protocol/time.h"

enum {
	HONEST = FZ_CAST, PARTIES,  /* the honest client comes behind the cast */
	MAX_EXPECTED = 96, MAX_TAIL = 16, MAX_FAREWELLS = 4, MAX_ASKED = 4, MAX_FENCES = 16, MAX_RECEIVED = 16 << 20, MAX_SEGMENTS = 200,
	MAX_OCTETS = FZ_TIMES * 3 + 1024, KEPT_USER = C2W_MAX_USER + 1
};

static const int64_t MS = 1000000;
static const int64_t LEAST_PATIENCE = 2 * INT64_C(1000000);
static const int64_t CONNECT_WITHIN = 2000 * INT64_C(1000000);

struct party {
	struct fz_play *play;
	unsigned index;
	char user[KEPT_USER];
	char session[KEPT_USER];      /* as CONNECTION_GRANTED says; empty: never */
	char asked[MAX_ASKED][KEPT_USER]; /* what it asked to be called: one of these its session has, if it has one */
	unsigned asked_count;
	bool tcp, open, connected, ended;
	bool holds, deaf, mute, over; /* over: it broke TRN-05, and can do nothing more */
	struct net_udp *udp;
	struct net_tcp *link;
	struct c2w_framer in, out;
	char *buffers;                /* of both framers, TCP */
	struct fz_guess guess;
	char request[MAX_OCTETS];     /* its last one, for `the same` */
	size_t request_length;
	char request_time[C2W_MAX_TIME_TEXT + 1];
	int64_t request_us, request_at;
	bool nonsense;                /* what was sent last is no message */
	bool claimed;                 /* somebody else may have its name */
	bool probing;                 /* what goes out is no step: nothing is due for it */
	struct { char time[C2W_MAX_TIME_TEXT + 1], user[KEPT_USER]; } answers[C2W_FAMILIES]; /* what an ack refers to */
	int64_t unacked_for;          /* ns waited while holding acks or not reading */
	uint64_t event;               /* what it did last, for coverage */
	int64_t moving;               /* us: TIME of its last request that may move it; 0: it was answered */
	int64_t fence;                /* us: TIME of a fence under way; 0: none */
	bool fenced;                  /* it was answered */
	int64_t fences[MAX_FENCES];   /* us: all there were, a ring */
	unsigned fence_count;
	unsigned farewells;
};

struct expected {
	unsigned party;
	struct fz_answer answer;
	unsigned author;              /* C2W_CHAT */
	char *text;                   /* C2W_CHAT: malloc'd */
	size_t text_length;
	bool asked, met;              /* asked: it is waited for, and the script says so */
};

enum phase { PLAYING, LEAVING, OVER };

struct fz_play {
	struct fz_play_options options;
	struct jd *jd;
	struct party parties[PARTIES];
	struct expected expected[MAX_EXPECTED];
	unsigned expected_count;
	unsigned step;
	enum phase phase;
	bool pausing, fencing, batch;
	struct net_timer *timer, *finish;
	int64_t awaiting_since, fencing_since, decide_at;
	int64_t time_last;            /* us */
	struct fz_finding findings[FZ_FINDINGS];
	unsigned finding_count, messages;
	size_t received;
	bool refused, stopped, heard, silent;
	int64_t leaving_until;
	int64_t round_trip;
};

uint64_t fz_hash(uint64_t hash, const void *at, size_t length)
{
	const unsigned char *octet = at;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ octet[i]) * UINT64_C(1099511628211);
	return hash ^ hash >> 29;
}

/* ---- findings and the script ---------------------------------------------------------------- */

static char *escaped(struct c2w_str octets)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to;

	if (octets.length == 0)
		return NULL;
	to = open_memstream(&text, &size);
	assert(to != NULL);
	fz_text_print((struct c2w_str){ octets.at, octets.length < 600 ? octets.length : 600 }, to);
	fclose(to);
	return text;
}

static void find(struct fz_play *play, enum fz_kind kind, enum c2w_rule rule, const char *what, char *expected, char *got)
{
	struct fz_finding *finding = &play->findings[play->finding_count];
	bool known = play->finding_count == FZ_FINDINGS || c2w_rule_info(rule)->level != C2W_MUST;

	for (unsigned i = 0; i < play->finding_count; i++)
		known = known || (play->findings[i].rule == rule && strcmp(play->findings[i].what, what) == 0);
	if (known) {
		free(expected);
		free(got);
		return;
	}
	play->finding_count++;
	*finding = (struct fz_finding){ .kind = kind, .rule = rule, .expected = expected, .got = got };
	snprintf(finding->what, sizeof(finding->what), "%s", what);
}

static void judge_found(void *context, const struct jd_finding *finding)
{
	if (!finding->suspicion)
		find(context, FZ_VIOLATION, finding->rule, finding->what, escaped(finding->expected), escaped(finding->got));
}

static bool judge_ours(void *context, struct c2w_str user)
{
	const struct fz_play *play = context;

	for (unsigned i = 0; i < PARTIES; i++)
		if (c2w_str_equal(user, c2w_str_of(play->parties[i].user)) || (play->parties[i].session[0] && c2w_str_equal(user, c2w_str_of(play->parties[i].session))))
			return true;
	return false;
}

static const char *name_of(unsigned party)
{
	return party == HONEST ? "honest" : fz_known_names[party];
}

__attribute__((format(printf, 2, 3))) static void say(const struct fz_play *play, const char *format, ...)
{
	va_list list;

	if (play->options.script == NULL)
		return;
	va_start(list, format);
	vfprintf(play->options.script, format, list);
	va_end(list);
}

static void say_step(const struct fz_play *play, const struct fz_step *step)
{
	if (play->options.script != NULL)
		fz_step_print(step, play->batch, play->options.script);
}

static void note(const struct party *party, bool received, struct c2w_str octets)
{
	FILE *to = party->play->options.octets;

	if (to == NULL)
		return;
	fprintf(to, "%-6s %s %s ", name_of(party->index), party->tcp ? "tcp" : "udp", received ? "<" : ">");
	fz_text_print(octets, to);
	fputc('\n', to);
}

/* ---- what is due ---------------------------------------------------------------------------- */

static struct expected *expect(struct fz_play *play, unsigned party, const struct fz_answer *answer)
{
	struct expected *expected = &play->expected[play->expected_count];

	if (play->expected_count == MAX_EXPECTED)
		return NULL;
	play->expected_count++;
	*expected = (struct expected){ .party = party, .answer = *answer };
	return expected;
}

static void expect_text(struct fz_play *play, unsigned party, unsigned author, const struct fz_answer *answer, struct c2w_str text)
{
	struct expected *expected = expect(play, party, answer);

	if (expected == NULL)
		return;
	expected->author = author;
	expected->text = malloc(text.length + 1);
	assert(expected->text != NULL);
	memcpy(expected->text, text.at, text.length);
	expected->text_length = text.length;
}

static void forget_expected(struct fz_play *play, unsigned party)
{
	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].party == party && !play->expected[i].met)
			play->expected[i].asked = play->expected[i].met = true;
}

static void say_expected(const struct fz_play *play, const struct expected *expected)
{
	const struct fz_answer *answer = &expected->answer;

	say(play, "%s < %s", name_of(expected->party), c2w_command_info(answer->command)->name);
	if (answer->error >= 0)
		say(play, " %s", c2w_param_info((enum c2w_param)answer->error)->name);
	if (answer->family == C2W_CHAT) {
		say(play, " by %s ", name_of(expected->author));
		if (play->options.script != NULL)
			fz_text_print((struct c2w_str){ expected->text, expected->text_length }, play->options.script);
	}
	if (answer->command == C2W_CONNECTION_GRANTED)
		say(play, " or CONNECTION_ERROR server-full");
	say(play, " [%s]\n", c2w_rule_info(answer->rule)->id);
}

/* From now on it is waited for. */
static void ask(struct fz_play *play, unsigned party)
{
	for (unsigned i = 0; i < play->expected_count; i++) {
		struct expected *expected = &play->expected[i];

		if (expected->party != party || expected->asked || (expected->met && play->options.script == NULL))
			continue;
		expected->asked = true;
		say_expected(play, expected);
	}
	play->awaiting_since = net_now(play->options.net);
}

static struct expected *open_expectation(struct fz_play *play)
{
	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].asked && !play->expected[i].met)
			return &play->expected[i];
	return NULL;
}

/* Texts: everyone who is certainly in the author's room, reads and acks. */
static bool hears(const struct party *party, const struct party *author)
{
	const struct fz_guess *mine = &party->guess, *theirs = &author->guess;

	if (!party->open || party->ended || party->over || party->deaf || mine->lost || mine->murky[C2W_CHAT] || (party->holds && !party->tcp))
		return false;
	return mine->place == theirs->place && (mine->place != FZ_MOVIE_ROOM || mine->movie == theirs->movie);
}

static void text_sent(struct party *author, const struct fz_step *step, const struct fz_answer *answer, struct c2w_str text)
{
	struct fz_play *play = author->play;

	for (unsigned i = 0; i < FZ_CAST; i++) {
		struct party *party = &play->parties[i];
		bool certain = step != NULL && step->await && step->command == C2W_SEND_MESSAGE_REQUEST && step->action == FZ_SEND;

		if (certain && hears(party, author) && (party == author || party->moving == 0))
			expect_text(play, i, author->index, answer, text);
		else
			party->guess.murky[C2W_CHAT] |= party->guess.place != FZ_OUTSIDE;
	}
}

/* Whoever asks for another's name may get it, and then the other does not. */
static void claim(const struct party *party, struct c2w_str octets)
{
	struct fz_play *play = party->play;
	struct c2w_message message;

	c2w_message_parse(&message, octets.at, octets.length, 0);
	for (unsigned i = 0; i < FZ_CAST && message.command == C2W_CONNECTION_REQUEST; i++)
		if (i != party->index && c2w_str_equal(message.user, c2w_str_of(play->parties[i].user))) {
			play->parties[i].claimed = play->parties[i].guess.lost = true;
			forget_expected(play, i);
		}
}

static void foresee(struct party *party, const struct fz_step *step, struct c2w_str octets)
{
	struct fz_play *play = party->play;
	struct fz_answer answer = fz_guess_sent(&party->guess, play->options.world, c2w_str_of(party->user), octets);
	struct c2w_message message;

	claim(party, octets);
	if (party->tcp && step != NULL && (step->pieces > 0 || step->joined || play->batch))
		answer.rule = C2W_TRN_03;
	if (answer.due == FZ_NOTHING || party->probing)
		return;
	if (answer.family != C2W_CHAT) {
		if (answer.due == FZ_DUE)
			expect(play, party->index, &answer);
		return;
	}
	c2w_message_parse(&message, octets.at, octets.length, 0);
	text_sent(party, answer.due == FZ_DUE ? step : NULL, &answer, message.data);
}

/* ---- sending -------------------------------------------------------------------------------- */

static void remember_name(struct party *party, struct c2w_str user)
{
	for (unsigned i = 0; i < party->asked_count; i++)
		if (c2w_str_equal(user, c2w_str_of(party->asked[i])))
			return;
	if (party->asked_count < MAX_ASKED && c2w_user_name_valid(user))
		snprintf(party->asked[party->asked_count++], KEPT_USER, "%.*s", (int)user.length, user.at);
}

/* As the scenario engine remembers it: what `the same`, time() and earlier() mean. */
static void remember(struct party *party, struct c2w_str octets)
{
	struct c2w_message message;

	party->nonsense = c2w_message_parse(&message, octets.at, octets.length, 0) != C2W_OK;
	if (party->nonsense || c2w_command_info(message.command)->beat != C2W_REQUEST)
		return;
	if (octets.length <= sizeof(party->request)) {
		memmove(party->request, octets.at, octets.length);
		party->request_length = octets.length;
	}
	memcpy(party->request_time, message.time_text.at, message.time_text.length);
	party->request_time[message.time_text.length] = '\0';
	if (message.command == C2W_CONNECTION_REQUEST)
		remember_name(party, message.user);
	if (fz_moves(c2w_command_info(message.command)->family))
		party->moving = message.time;
	party->request_us = message.time;
	party->request_at = net_now(party->play->options.net);
}

static void message_sent(struct party *party, const struct fz_step *step, struct c2w_str octets)
{
	struct fz_play *play = party->play;

	jd_sent(play->jd, party->index, net_now(play->options.net), octets.at, octets.length);
	play->messages++;
	foresee(party, step, octets);
	remember(party, octets);
}

/* TRN-05: the server closes; nobody knows which answers still come. */
static void too_long(struct party *party, struct c2w_str octets)
{
	jd_sent(party->play->jd, party->index, net_now(party->play->options.net), octets.at, octets.length);
	party->over = true;
	forget_expected(party->play, party->index);
}

static void stream_sent(struct party *party, const struct fz_step *step, struct c2w_str octets)
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

static void put_stream(const struct party *party, struct c2w_str octets, size_t pieces, bool joined)
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

static void put(struct party *party, const struct fz_step *step, struct c2w_str octets)
{
	if (octets.length == 0 || party->ended || party->over)
		return;
	note(party, false, octets);
	if (party->tcp) {
		put_stream(party, octets, step != NULL ? step->pieces : 0, step != NULL && step->joined);
		stream_sent(party, step, octets);
	} else {
		net_udp_send(party->udp, &party->play->options.address, NULL, octets.at, octets.length);
		message_sent(party, step, octets);
	}
}

static int64_t fresh_time(struct party *party, char to[C2W_MAX_TIME_TEXT + 1])
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
	char word[FZ_TIMES + 1], time[FZ_TIMES + 1], user[FZ_TIMES + 1], data[FZ_TIMES + 1];
	struct c2w_message message;
};

static struct c2w_str expand(const struct fz_text *text, char *to)
{
	size_t length = fz_text_length(text);

	for (size_t i = 0; i < length; i++)
		to[i] = text->octets[i % text->length];
	return (struct c2w_str){ to, length };
}

static void fill_time(struct party *party, const struct fz_step *step, struct fields *fields)
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
static void fill_ack(struct party *party, struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;

	if (party->answers[family].time[0] == '\0')
		return;
	message->time_text = c2w_str_of(party->answers[family].time);
	*(family == C2W_CHAT ? &message->data : &message->user) = c2w_str_of(party->answers[family].user);
}

static void fill(struct party *party, const struct fz_step *step, struct fields *fields)
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
		message->user = c2w_str_of(party->play->parties[step->other].user);
	else if (step->user == FZ_USER_TEXT)
		message->user = expand(&step->user_text, fields->user);
	if (step->data == FZ_DATA_TEXT)
		message->data = expand(&step->data_text, fields->data);
	else if (step->data == FZ_DATA_MOVIE)
		message->data = c2w_str_of(world->titles[step->movie - 1]);
}

static void send_step(struct party *party, const struct fz_step *step)
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
		put(party, step, expand(&step->data_text, fields.data));
		return;
	default:
		fill(party, step, &fields);
		length = c2w_message_format(octets, sizeof(octets), &fields.message);
		put(party, step, (struct c2w_str){ octets, length > 0 ? (size_t)length : 0 });
		return;
	}
}

static void request(struct party *party, enum c2w_command command, const char *user, struct c2w_str data)
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

/* REL-02: as it stands, for NEW_MESSAGE under the own name. */
static void acknowledge(struct party *party, const struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;
	struct c2w_message ack = { .time_text = message->time_text, .command = c2w_command_of(family, C2W_ACK), .user = message->user };
	char octets[1024];
	long length;

	if (party->holds || party->mute || (party->tcp && party->out.held > 0) || message->time_text.length > C2W_MAX_COMMAND || message->user.length > C2W_MAX_USER)
		return;
	if (family == C2W_CHAT) {
		ack.user = c2w_str_of(party->session[0] ? party->session : party->user);
		ack.data = message->user;
	}
	length = c2w_message_format(octets, sizeof(octets), &ack);
	if (length > 0)
		put(party, NULL, (struct c2w_str){ octets, (size_t)length });
}

/* ---- coverage ------------------------------------------------------------------------------- */

static unsigned bucket(size_t length)
{
	unsigned bits = 0;

	for (; length > 0; length >>= 1)
		bits++;
	return bits;
}

static uint64_t mixed(uint64_t seed, const uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		seed = (seed ^ words[i]) * UINT64_C(0xbf58476d1ce4e5b9);
		seed ^= seed >> 31;
	}
	return seed;
}

static uint64_t stance_of(const struct party *party)
{
	return (uint64_t)party->guess.place | (uint64_t)party->guess.lost << 3 | (uint64_t)party->holds << 4 | (uint64_t)party->deaf << 5 |
	       (uint64_t)party->mute << 6 | (uint64_t)party->tcp << 7 | (uint64_t)(party->out.held > 0) << 8 | (uint64_t)party->open << 9;
}

static void seen(const struct party *party, uint64_t answer)
{
	const struct fz_play *play = party->play;
	uint64_t stances[FZ_CAST], own[3] = { stance_of(party), party->event, answer };

	if (play->options.seen == NULL || party->index == HONEST)
		return;
	for (unsigned i = 0; i < FZ_CAST; i++)
		stances[i] = stance_of(&play->parties[i]);
	play->options.seen(play->options.context, mixed(1, own, 3), mixed(2, stances, FZ_CAST));
}

static uint64_t event_of(const struct fz_step *step)
{
	const uint64_t what[] = {
		step->action, step->command, step->time, step->user, step->data, step->pieces > 0, step->joined, step->await,
		step->time == FZ_TIME_TEXT ? bucket(fz_text_length(&step->time_text)) : 0, step->user == FZ_USER_TEXT ? bucket(fz_text_length(&step->user_text)) : 0,
		step->data == FZ_DATA_TEXT || step->action == FZ_OCTETS ? bucket(fz_text_length(&step->data_text)) : 0,
	};

	return mixed(3, what, sizeof(what) / sizeof(what[0]));
}

static uint64_t answer_of(const struct jd_reading *reading)
{
	const uint64_t what[] = { (uint64_t)-reading->err, reading->message.command, reading->message.code, reading->repetition, bucket(reading->message.data.length) };

	return reading->stranger ? 0 : mixed(4, what, sizeof(what) / sizeof(what[0]));
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void advance(struct fz_play *play);
static void stop(struct fz_play *play);

static void keep_answer(struct party *party, const struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;

	if (message->time_text.length > C2W_MAX_TIME_TEXT || message->user.length > C2W_MAX_USER)
		return;
	memcpy(party->answers[family].time, message->time_text.at, message->time_text.length);
	party->answers[family].time[message->time_text.length] = '\0';
	memcpy(party->answers[family].user, message->user.at, message->user.length);
	party->answers[family].user[message->user.length] = '\0';
	if (message->command == C2W_CONNECTION_GRANTED)
		memcpy(party->session, party->answers[family].user, sizeof(party->session));
}

static struct expected *match(struct party *party, const struct c2w_message *message)
{
	struct fz_play *play = party->play;
	enum c2w_family family = c2w_command_info(message->command)->family;

	for (unsigned i = 0; i < play->expected_count; i++) {
		struct expected *e = &play->expected[i];

		if (e->met || e->party != party->index || e->answer.family != family)
			continue;
		if (family != C2W_CHAT || (c2w_str_equal(message->data, (struct c2w_str){ e->text, e->text_length }) &&
		                           c2w_str_equal(message->user, c2w_str_of(play->parties[e->author].user))))
			return e;
	}
	return NULL;
}

static void another_answer(struct party *party, const struct expected *expected, const struct c2w_message *message, struct c2w_str octets)
{
	const char *wanted = c2w_command_info(expected->answer.command)->name, *came = c2w_command_info(message->command)->name;
	char what[160];

	party->guess.lost = true;
	if (expected->answer.command == C2W_CONNECTION_GRANTED && c2w_code_fits(party->play->options.world->params->server_full, message->code) &&
	    message->command == C2W_CONNECTION_ERROR)
		return;
	snprintf(what, sizeof(what), "%s %u came instead of %s", came, message->code, wanted);
	find(party->play, FZ_VIOLATION, expected->answer.rule, what, escaped(c2w_str_of(wanted)), escaped(octets));
	stop(party->play);
}

static int64_t patience_of(const struct fz_play *play)
{
	int64_t patience = 4 * play->options.round_trip;

	return patience > LEAST_PATIENCE ? patience : LEAST_PATIENCE;
}

static bool is_fence(struct party *party, const struct c2w_message *message)
{
	if (message->command != C2W_ENTER_MOVIE_ERROR)
		return false;
	for (unsigned i = 0; i < party->fence_count && i < MAX_FENCES; i++)
		if (party->fences[i] == message->time)
			return true;
	return false;
}

static bool fence_is_out(const struct fz_play *play)
{
	for (unsigned i = 0; i < FZ_CAST; i++)
		if (play->parties[i].fence != 0)
			return true;
	return false;
}

static void fence_answered(struct party *party)
{
	struct fz_play *play = party->play;

	if (party->fence == 0)
		return;
	party->fence = 0;
	party->fenced = true;
	if (play->fencing && party->index != HONEST && !fence_is_out(play))
		play->decide_at = net_now(play->options.net) + patience_of(play);
}

/* REL-14: over UDP a text may wait for our ack of another, as strangers' texts do; each that comes makes it likelier that more do. */
static void text_came(struct fz_play *play)
{
	if (play->fencing && play->decide_at < INT64_MAX)
		play->decide_at = net_now(play->options.net) + 2 * patience_of(play);
}

static void measure(struct party *party, const struct c2w_message *message, int64_t at)
{
	int64_t took = at - party->request_at;

	if (message->time == party->request_us && took > 0 && (party->play->round_trip == 0 || took < party->play->round_trip))
		party->play->round_trip = took;
}

static void answered(struct party *party, const struct jd_reading *reading, struct c2w_str octets)
{
	struct fz_play *play = party->play;
	const struct c2w_message *message = &reading->message;
	struct expected *expected;

	if (message->command == C2W_NEW_MESSAGE)
		text_came(play);
	if (reading->stranger || reading->repetition)
		return;
	if (message->time == party->moving && message->command != C2W_NEW_MESSAGE)
		party->moving = 0;
	if (is_fence(party, message)) {
		fence_answered(party);
		return;
	}
	expected = match(party, message);
	if (expected == NULL)
		return;
	expected->met = true;
	if (!fz_answer_fits(&expected->answer, play->options.world, message))
		another_answer(party, expected, message, octets);
}

static void message_received(struct party *party, struct c2w_str octets, int64_t at)
{
	struct fz_play *play = party->play;
	struct jd_reading reading;

	if (play->phase == OVER || (play->received += octets.length) > MAX_RECEIVED)
		return;
	play->heard = true;
	note(party, true, octets);
	jd_received(play->jd, party->index, at, octets.at, octets.length);
	reading = *jd_last(play->jd);
	seen(party, answer_of(&reading));
	if (party->index == HONEST) /* whatever it is: somebody is there */
		fence_answered(party);
	if (reading.err != C2W_OK || !reading.from_server)
		return;
	measure(party, &reading.message, at);
	keep_answer(party, &reading.message);
	acknowledge(party, &reading.message);
	if (play->options.answered != NULL)
		play->options.answered(play->options.context, party->tcp, &reading.message);
	answered(party, &reading, octets);
}

static void datagrams_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct party *party = context;

	for (size_t i = 0; i < count; i++)
		message_received(party, (struct c2w_str){ datagrams[i].octets, datagrams[i].length }, datagrams[i].at);
	advance(party->play);
}

static void datagram_refused(void *context, const struct net_addr *peer, int error, int64_t at)
{
	struct party *party = context;

	(void)peer, (void)error, (void)at;
	party->play->refused = true;
	stop(party->play);
	advance(party->play);
}

static void link_connected(void *context)
{
	struct party *party = context;

	party->connected = true;
	party->play->heard = true;
	advance(party->play);
}

static void octets_received(void *context, const char *octets, size_t length, int64_t at)
{
	struct party *party = context;
	struct c2w_str input = { octets, length }, message;
	enum c2w_err err;

	while ((err = c2w_framer_next(&party->in, &input, &message)) == C2W_OK)
		message_received(party, message, at);
	if (err == C2W_ERR_TOO_LONG)
		message_received(party, message, at);
	advance(party->play);
}

/* Only after a message that is too long (TRN-05) and after our own FIN may it end a connection. */
static void link_ended(void *context, enum net_end end, int error, int64_t at)
{
	struct party *party = context;
	struct fz_play *play = party->play;

	(void)error, (void)at;
	party->ended = true;
	if (!party->connected && end != NET_END_FIN)
		play->refused = true;
	if (!party->connected)
		stop(play);
	advance(play);
}

/* ---- endpoints ------------------------------------------------------------------------------ */

static void open_link(struct party *party)
{
	static const struct net_tcp_events events = { .connected = link_connected, .received = octets_received, .ended = link_ended };
	const struct fz_play_options *options = &party->play->options;
	size_t out = (size_t)options->world->params->max_request;

	if (party->buffers == NULL)
		party->buffers = malloc(out + C2W_MAX_TO_CLIENT);
	assert(party->buffers != NULL);
	c2w_framer_init(&party->out, party->buffers, out);
	c2w_framer_init(&party->in, party->buffers + out, C2W_MAX_TO_CLIENT);
	if (net_tcp_connect(options->net, &options->address, &events, party, &party->link) < 0) {
		party->link = NULL;
		party->ended = true;
	}
}

static void open_socket(struct party *party)
{
	static const struct net_udp_events events = { .received = datagrams_received, .refused = datagram_refused };
	const struct fz_play_options *options = &party->play->options;
	struct net_addr local = { .family = options->address.family };

	party->connected = true;
	if (net_udp_open(options->net, &local, &events, party, &party->udp) < 0) {
		party->udp = NULL;
		party->ended = true;
	}
}

static void open_party(struct party *party)
{
	party->open = true;
	party->connected = party->ended = party->mute = party->deaf = party->over = party->nonsense = false;
	party->request_length = 0;
	party->asked_count = party->farewells = 0;
	fz_guess_init(&party->guess);
	party->guess.lost = party->claimed;
	jd_open(party->play->jd, party->index, party->tcp, net_now(party->play->options.net));
	party->tcp ? open_link(party) : open_socket(party);
	if (party->ended)
		stop(party->play);
}

static void close_party(struct party *party, bool reset)
{
	if (party->udp != NULL) {
		net_flush(party->play->options.net);
		net_udp_close(party->udp);
	}
	if (party->link != NULL && reset)
		net_tcp_reset(party->link);
	else if (party->link != NULL)
		net_tcp_close(party->link);
	if (party->open)
		jd_close(party->play->jd, party->index, net_now(party->play->options.net));
	party->udp = NULL;
	party->link = NULL;
	party->open = false;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static bool ready(struct party *party)
{
	if (!party->open)
		open_party(party);
	return party->connected || party->ended;
}

static void do_send(struct party *party, const struct fz_step *step)
{
	struct fz_play *play = party->play;

	send_step(party, step);
	play->batch = step->joined;
	if (step->await && !party->deaf) {
		ask(play, party->index);
		for (unsigned i = 0; i < play->expected_count; i++)
			if (play->expected[i].answer.family == C2W_CHAT && play->expected[i].author == party->index && !play->expected[i].asked)
				ask(play, play->expected[i].party);
	}
}

static void set_reading(const struct party *party, bool on)
{
	if (party->udp != NULL)
		net_udp_read(party->udp, on);
	if (party->link != NULL)
		net_tcp_read(party->link, on);
}

/* Its session may go on without it (UDP), or end a moment later than what comes next (TCP). */
static void do_close(struct party *party, bool reset)
{
	bool session = party->guess.lost || party->guess.place != FZ_OUTSIDE;

	forget_expected(party->play, party->index);
	close_party(party, reset);
	party->guess.lost = session;
}

static void do_open(struct party *party)
{
	bool lost = party->guess.lost;

	open_party(party);
	party->guess.lost = lost;
}

static void do_other(struct party *party, const struct fz_step *step)
{
	switch (step->action) {
	case FZ_HOLD:
		party->holds = true;
		party->guess.murky[C2W_CHAT] |= !party->tcp;
		return;
	case FZ_RESUME:
		party->holds = false;
		return;
	case FZ_OPEN:
		do_open(party);
		return;
	case FZ_CLOSE:
	case FZ_RESET:
		do_close(party, step->action == FZ_RESET);
		return;
	case FZ_HALF_CLOSE:
		party->mute = party->guess.lost = true;
		net_tcp_shutdown(party->link);
		return;
	case FZ_STOP_READING:
	case FZ_READ_AGAIN:
		party->deaf = step->action == FZ_STOP_READING;
		party->guess.murky[C2W_CHAT] = true;
		set_reading(party, !party->deaf);
		return;
	case FZ_SEND:
	case FZ_OCTETS:
	case FZ_SAME:
	case FZ_WAIT:
	case FZ_ACTIONS:
		return;
	}
}

/* REL-08: who does not ack is taken for dead, some time. */
static void pass_time(struct fz_play *play, int64_t time)
{
	for (unsigned i = 0; i < FZ_CAST; i++) {
		struct party *party = &play->parties[i];

		if (party->tcp || (!party->holds && !party->deaf))
			continue;
		party->unacked_for += time;
		party->guess.lost |= party->unacked_for > 2 * play->options.world->params->rto;
	}
}

static void do_wait(struct fz_play *play, const struct fz_step *step)
{
	int64_t rto = play->options.world->params->rto, time = (rto > 0 ? rto : 1000 * MS) * step->wait / 1000;

	pass_time(play, time);
	play->pausing = true;
	net_timer_at(play->timer, net_now(play->options.net) + time);
}

/* The rest of it cannot be sent. */
static void end_batch(struct fz_play *play)
{
	if (play->batch)
		say(play, "}\n");
	play->batch = false;
}

/* Over UDP nobody closes whose session would stay behind. */
static bool cannot(const struct party *party, const struct fz_step *step)
{
	if (step->action == FZ_CLOSE)
		return !party->tcp && (party->guess.lost || party->guess.place != FZ_OUTSIDE);
	if (step->action == FZ_OPEN)
		return party->open;
	return party->over || party->ended;
}

/* False: its connection is not there yet. */
static bool do_step(struct fz_play *play, const struct fz_step *step)
{
	struct party *party = &play->parties[step->client];

	if (step->action == FZ_WAIT) {
		say_step(play, step);
		do_wait(play, step);
		return true;
	}
	if (step->action != FZ_OPEN && !ready(party))
		return false;
	if (cannot(party, step)) {
		end_batch(play);
		return true;
	}
	party->event = event_of(step);
	say_step(play, step);
	if (fz_sends(step))
		do_send(party, step);
	else
		do_other(party, step);
	seen(party, 0);
	return true;
}

/* ---- silence: a request with a known answer --------------------------------------------------- */

static bool can_ask(const struct party *party)
{
	return party->open && party->connected && !party->ended && !party->mute && !party->over && (!party->tcp || party->out.held == 0);
}

static void probe(struct party *party, enum c2w_command command, const char *user, struct c2w_str data)
{
	party->probing = true;
	request(party, command, user, data);
	party->probing = false;
}

static const char *likeliest_name(const struct party *party)
{
	return party->guess.lost && party->session[0] != '\0' ? party->session : party->user;
}

/* In every state it is answered with an error and changes nothing. */
static void send_fence(struct party *party)
{
	if (!can_ask(party) || (party->fence != 0 && party->index != HONEST))
		return;
	probe(party, C2W_ENTER_MOVIE_REQUEST, likeliest_name(party), C2W_STR("?"));
	party->fence = party->fences[party->fence_count++ % MAX_FENCES] = party->request_us;
}

static void begin_fencing(struct fz_play *play)
{
	play->fencing = true;
	play->fencing_since = net_now(play->options.net);
	play->decide_at = INT64_MAX;
	for (unsigned i = 0; i < PARTIES; i++) {
		play->parties[i].fence = 0;
		play->parties[i].fenced = false;
	}
	for (unsigned i = 0; i < play->expected_count; i++) {
		const struct expected *expected = &play->expected[i];

		if (!expected->asked || expected->met)
			continue;
		send_fence(&play->parties[expected->party]);
		if (expected->answer.family == C2W_CHAT) /* whose request may come another way */
			send_fence(&play->parties[expected->author]);
	}
	if (ready(&play->parties[HONEST]))
		send_fence(&play->parties[HONEST]);
}

static void missing(struct fz_play *play, const struct expected *expected)
{
	const struct party *party = &play->parties[expected->party];
	const char *wanted = c2w_command_info(expected->answer.command)->name;
	enum c2w_rule rule = party->ended && party->nonsense ? C2W_TRN_05 : expected->answer.rule;
	char what[160];

	if (party->ended)
		snprintf(what, sizeof(what), "the server closed the connection instead of sending %s", wanted);
	else
		snprintf(what, sizeof(what), "%s did not come", wanted);
	find(play, FZ_VIOLATION, rule, what, escaped(c2w_str_of(wanted)), NULL);
	stop(play);
}

static void hangs(struct fz_play *play)
{
	find(play, FZ_HANG, C2W_ROB_02, "nobody is served any more", escaped(C2W_STR("an answer to an honest client")), NULL);
	play->silent = true;
	stop(play);
}

/* What is open is decided when the fence behind it was answered; or an honest client's was, and this one's is not; or nobody's is. */
static void decide(struct fz_play *play, const struct expected *open)
{
	const struct party *party = &play->parties[open->party];
	int64_t within = play->options.world->params->answer_within, now = net_now(play->options.net), since = now - play->fencing_since;
	bool honest = play->parties[HONEST].fenced;

	if (party->fenced && !fence_is_out(play) ? now >= play->decide_at : honest && (party->ended || since >= within))
		missing(play, open);
	else if (since >= 4 * within)
		honest ? missing(play, open) : hangs(play);
}

/* The honest client repeats its request, as REL-01 says. */
static void ask_honestly(struct fz_play *play)
{
	struct party *honest = &play->parties[HONEST];
	int64_t rto = play->options.world->params->rto, now = net_now(play->options.net);

	if (honest->fenced || !honest->connected)
		return;
	if (honest->fence == 0 || (!honest->tcp && now - honest->request_at >= (rto > 0 ? rto : 1000 * MS)))
		send_fence(honest);
}

static void await_on(struct fz_play *play, const struct expected *open)
{
	int64_t now = net_now(play->options.net), due = play->awaiting_since + patience_of(play);

	if (!play->fencing && now < due) {
		net_timer_at(play->timer, due);
		return;
	}
	if (!play->fencing)
		begin_fencing(play);
	ask_honestly(play);
	decide(play, open);
	net_timer_at(play->timer, play->decide_at < INT64_MAX ? play->decide_at : now + patience_of(play));
}

/* ---- the end -------------------------------------------------------------------------------- */

/* No step more; the endpoints take leave, if there is somebody to take it of. */
static void stop(struct fz_play *play)
{
	play->stopped = true;
}

static void finish(void *context)
{
	struct fz_play *play = context;

	play->options.done(play->options.context, play);
}

static void end(struct fz_play *play)
{
	if (play->phase == OVER)
		return;
	play->phase = OVER;
	for (unsigned i = 0; i < PARTIES; i++)
		close_party(&play->parties[i], false);
	net_timer_stop(play->timer);
	net_timer_at(play->finish, net_now(play->options.net));
}

static void read_again(struct party *party)
{
	if (party->deaf && party->open && !party->ended) {
		say(party->play, "%s reads again\n", fz_known_names[party->index]);
		set_reading(party, true);
	}
	if (party->holds && party->open)
		say(party->play, "%s resumes acks\n", fz_known_names[party->index]);
	party->deaf = party->holds = false;
}

/* Where it is, is known: each LEAVE has one right answer, which is a fence for all that came before. */
static bool leave_certain(struct party *party)
{
	static const struct fz_step leaving = { .action = FZ_SEND, .command = C2W_LEAVE_SESSION_REQUEST, .await = true };
	struct fz_step step = leaving;

	if (party->farewells > 0 && party->guess.place == FZ_OUTSIDE)
		return false;
	step.client = (uint8_t)party->index;
	party->farewells++;
	say_step(party->play, &step);
	do_send(party, &step);
	return true;
}

/* It is not: out of whatever room, and out. */
static bool leave_anyway(struct party *party)
{
	if (party->fence != 0 && net_now(party->play->options.net) < party->play->leaving_until)
		return true;
	if (party->farewells >= MAX_FAREWELLS)
		return false;
	party->farewells = MAX_FAREWELLS;
	for (unsigned i = 0; i < 3 * party->asked_count; i++)
		probe(party, C2W_LEAVE_SESSION_REQUEST, party->asked[i / 3], C2W_STR(""));
	send_fence(party);
	return true;
}

static bool takes_leave(struct party *party)
{
	const struct fz_play *play = party->play;

	if (!can_ask(party))
		return false;
	return play->stopped || party->guess.lost || party->farewells == MAX_FAREWELLS || party->guess.murky[C2W_LEAVE_SESSION] ? leave_anyway(party) : leave_certain(party);
}

/* True: there is something to wait for. */
static bool take_leave(struct fz_play *play)
{
	bool waiting = false;

	if (play->refused || play->silent)
		return false;
	for (unsigned i = 0; i < FZ_CAST; i++) {
		struct party *party = &play->parties[i];

		read_again(party);
		if (!play->stopped)
			ask(play, i);
		waiting |= takes_leave(party);
	}
	return waiting || (!play->stopped && open_expectation(play) != NULL);
}

static void begin_leaving(struct fz_play *play)
{
	play->phase = LEAVING;
	play->fencing = false;
	play->leaving_until = net_now(play->options.net) + 10 * patience_of(play);
	for (unsigned i = 0; i < PARTIES; i++)
		play->parties[i].fence = 0;
}

/* ---- playing -------------------------------------------------------------------------------- */

/* True: it goes on at once. */
static bool play_step(struct fz_play *play)
{
	const struct fz_step *step = &play->options.program->steps[play->step];

	if (!do_step(play, step)) {
		net_timer_at(play->timer, net_now(play->options.net) + CONNECT_WITHIN);
		return false;
	}
	play->step++;
	return !play->pausing;
}

/* True: something is awaited. */
static bool blocked(struct fz_play *play)
{
	const struct expected *open = play->stopped ? NULL : open_expectation(play);

	if (open == NULL) {
		play->fencing = false;
		return false;
	}
	await_on(play, open);
	return !play->stopped;
}

static void advance(struct fz_play *play)
{
	while (play->phase == PLAYING && !play->pausing && !blocked(play)) {
		if (play->stopped || play->step == play->options.program->count)
			begin_leaving(play);
		else if (!play_step(play))
			return;
	}
	if (play->phase != LEAVING || blocked(play))
		return;
	if (!take_leave(play))
		end(play);
	else if (!blocked(play))
		net_timer_at(play->timer, play->leaving_until);
}

static bool connecting(const struct fz_play *play)
{
	const struct party *party = &play->parties[play->options.program->steps[play->step].client];

	return play->phase == PLAYING && play->step < play->options.program->count && party->open && !party->connected && !party->ended;
}

static void timer_due(void *context)
{
	struct fz_play *play = context;

	if (!play->pausing && connecting(play))
		hangs(play);
	play->pausing = false;
	advance(play);
}

/* ---- outside -------------------------------------------------------------------------------- */

static void make_party(struct fz_play *play, unsigned index)
{
	struct party *party = &play->parties[index];

	party->play = play;
	party->index = index;
	party->tcp = index == HONEST ? play->options.honest_tcp : play->options.program->tcp[index];
	snprintf(party->user, sizeof(party->user), "%s-%.*s", name_of(index), (int)MAX_TAIL, play->options.tail);
	fz_guess_init(&party->guess);
}

struct fz_play *fz_play_start(const struct fz_play_options *options)
{
	struct fz_play *play = calloc(1, sizeof(*play));
	struct jd_options judging = {
		.params = *options->world->params, .one_way = options->round_trip + 5 * MS, .found = judge_found, .ours = judge_ours, .context = play,
	};

	assert(play != NULL);
	play->options = *options;
	play->jd = jd_new(&judging, PARTIES);
	assert(play->jd != NULL);
	for (unsigned i = 0; i < PARTIES; i++)
		make_party(play, i);
	play->timer = net_timer_new(options->net, timer_due, play);
	play->finish = net_timer_new(options->net, finish, play);
	net_timer_at(play->timer, net_now(options->net));
	return play;
}

void fz_play_free(struct fz_play *play)
{
	if (play == NULL)
		return;
	for (unsigned i = 0; i < PARTIES; i++) {
		close_party(&play->parties[i], false);
		free(play->parties[i].buffers);
	}
	for (unsigned i = 0; i < play->expected_count; i++)
		free(play->expected[i].text);
	for (unsigned i = 0; i < play->finding_count; i++) {
		free(play->findings[i].expected);
		free(play->findings[i].got);
	}
	net_timer_free(play->timer);
	net_timer_free(play->finish);
	jd_free(play->jd);
	free(play);
}

const struct fz_finding *fz_play_findings(const struct fz_play *play, unsigned *count)
{
	*count = play->finding_count;
	return play->findings;
}

bool fz_play_refused(const struct fz_play *play)
{
	return play->refused;
}

bool fz_play_unheard(const struct fz_play *play)
{
	return !play->heard;
}

unsigned fz_play_messages(const struct fz_play *play)
{
	return play->messages;
}

int64_t fz_play_round_trip(const struct fz_play *play)
{
	return play->round_trip;
}
