/* Steps into octets, how steps are mutated, and what steps may come next: see steps.h.
 * For session.c, targets, seeds and the simulator.
 * Clients and buffers belong to the caller. */
#include "fuzz/steps.h"

#include <stdio.h>

#include "protocol/time.h"

const char *const fz_titles[FZ_MOVIES] = { "M", "Am\xC3\xA9lie", "Good Bye, Lenin!" };
const char *const fz_names[FZ_CLIENTS] = { "alice", "bob", "carol", "dave", "erin", "tess", "tom", "tim" };

static const int64_t SECOND = 1000000, GREATEST = INT64_C(9999999999999999); /* us */

void fz_clients_init(struct fz_client clients[FZ_CLIENTS])
{
	for (unsigned i = 0; i < FZ_CLIENTS; i++) {
		struct fz_client *client = &clients[i];

		client->time = (10 + i) * SECOND;
		client->name_length = strlen(fz_names[i]);
		memcpy(client->name, fz_names[i], client->name_length);
		client->last_length = 0;
		client->got_count = 0;
	}
}

/* ---- fields ------------------------------------------------------------------------------------ */

static struct c2w_str xs(size_t length)
{
	static char many[FZ_MOST_OCTETS];

	if (!*many)
		memset(many, 'x', sizeof(many));
	return (struct c2w_str){ many, length };
}

static struct c2w_str other_case(struct c2w_str name)
{
	static char changed[C2W_MAX_USER];

	memcpy(changed, name.at, name.length);
	if (name.length > 0 && ((changed[0] >= 'a' && changed[0] <= 'z') || (changed[0] >= 'A' && changed[0] <= 'Z')))
		changed[0] ^= 0x20;
	return (struct c2w_str){ changed, name.length };
}

static struct c2w_str with_point(struct c2w_str name)
{
	static char longer[C2W_MAX_USER + 1];

	memcpy(longer, name.at, name.length);
	longer[name.length] = '.';
	return (struct c2w_str){ longer, name.length < C2W_MAX_USER ? name.length + 1 : name.length };
}

static struct c2w_str name_of(const struct fz_client *client)
{
	return (struct c2w_str){ client->name, client->name_length };
}

/* own: what is right here. */
static struct c2w_str user_of(const struct fz_step *step, const struct fz_client *clients, struct c2w_str own)
{
	switch ((enum fz_user)(step->user % FZ_USERS)) {
	case FZ_NEIGHBOUR: return name_of(&clients[(fz_who(step) + 1) % FZ_CLIENTS]);
	case FZ_OTHER_CASE: return other_case(own);
	case FZ_NO_USER: return C2W_STR("");
	case FZ_LONGEST_USER: return xs(C2W_MAX_USER_NAME);
	case FZ_USER_TOO_LONG: return xs(C2W_MAX_USER_NAME + 1);
	case FZ_BAD_USER: return C2W_STR("no name");
	case FZ_HUGE_USER: return xs(C2W_MAX_USER);
	case FZ_WITH_POINT: return with_point(own);
	case FZ_NEIGHBOURS_CASE: return other_case(name_of(&clients[(fz_who(step) + 1) % FZ_CLIENTS]));
	case FZ_MAIN_AS_USER: return C2W_STR("MAIN_ROOM");
	case FZ_NATURAL: return c2w_str_of(fz_names[fz_who(step)]);
	case FZ_OWN: case FZ_USERS: break;
	}
	return own;
}

/* base: the TIME that SAME and the like refer to. */
static int64_t time_of(enum fz_time which, int64_t base, int64_t neighbours)
{
	switch (which) {
	case FZ_NEXT: return (base / SECOND + 1) * SECOND <= GREATEST ? (base / SECOND + 1) * SECOND : GREATEST;
	case FZ_EARLIER: return base > 0 ? base - 1 : 0;
	case FZ_BY_A_HAIR: return base < GREATEST ? base + 1 : GREATEST;
	case FZ_ZERO: return 0;
	case FZ_GREATEST: return GREATEST;
	case FZ_NEIGHBOURS: return neighbours;
	case FZ_SAME: case FZ_OTHER_DIGITS: case FZ_TIMES: break;
	}
	return base;
}

/* As few digits behind the point as say it; longer: one zero more, or one before it. */
static struct c2w_str time_text(int64_t us, bool other_digits, char to[C2W_MAX_TIME_TEXT + 1])
{
	unsigned fraction = 6;
	int64_t rest = us;
	bool longer = false;

	for (; fraction > 0 && rest % 10 == 0; fraction--)
		rest /= 10;
	if (other_digits && fraction < 6)
		fraction++;
	else if (other_digits && us < 1000000000 * SECOND)
		longer = true;
	*to = '0';
	return (struct c2w_str){ to, c2w_time_format(to + longer, us, fraction) + longer };
}

static struct c2w_str data_of(enum fz_data which, bool text, size_t rest)
{
	switch (which) {
	case FZ_SECOND: return c2w_str_of(fz_titles[1]);
	case FZ_THIRD: return c2w_str_of(fz_titles[2]);
	case FZ_EMPTY: return C2W_STR("");
	case FZ_MAIN: return C2W_STR("MAIN_ROOM");
	case FZ_LONGEST_TEXT: return xs(FZ_MAX_TEXT);
	case FZ_TEXT_TOO_LONG: return xs(FZ_MAX_TEXT + 1);
	case FZ_PIPES: return C2W_STR("a|b: c||");
	case FZ_UTF8: return C2W_STR(" \xE2\x82\xAC\xF0\x9F\x98\x80 ");
	case FZ_LONGEST_REQUEST: return xs(rest);
	case FZ_REQUEST_TOO_LONG: return xs(rest + 1);
	case FZ_ONE_OCTET: return C2W_STR("1");
	case FZ_BLANKS: return C2W_STR(" M  ");
	case FZ_NO_BREAK_SPACE: return C2W_STR("M\xC2\xA0");
	case FZ_TITLE_IN_OTHER_CASE: return C2W_STR("m");
	case FZ_MARKUP: return C2W_STR("<b>a  &</b>");
	case FZ_FIRST: case FZ_DATAS: break;
	}
	return text ? C2W_STR("hi") : c2w_str_of(fz_titles[0]);
}

/* ---- messages ---------------------------------------------------------------------------------- */

static size_t write_message(char to[FZ_MOST_OCTETS], enum c2w_command command, struct c2w_str time, struct c2w_str user, enum fz_data data)
{
	const struct c2w_command_info *info = c2w_command_info(command);
	size_t head = time.length + 2 + strlen(info->name) + 1 + user.length + 1 + 2;
	struct c2w_message message = { .time_text = time, .command = command, .user = user };
	long length;

	if (info->data || data != FZ_FIRST)
		message.data = data_of(data, info->family == C2W_CHAT, FZ_MAX_REQUEST - head);
	length = c2w_message_format(to, FZ_MOST_OCTETS, &message);
	return length < 0 ? 0 : (size_t)length;
}

static size_t request(const struct fz_step *step, enum c2w_family family, struct fz_client *clients, char to[FZ_MOST_OCTETS])
{
	struct fz_client *client = &clients[fz_who(step)];
	enum fz_time which = (enum fz_time)(step->time % FZ_TIMES);
	int64_t time = time_of(which, client->time, clients[(fz_who(step) + 1) % FZ_CLIENTS].time);
	char text[C2W_MAX_TIME_TEXT + 1];
	struct c2w_str own = family == C2W_CONNECTION ? c2w_str_of(fz_names[fz_who(step)]) : name_of(client);
	struct c2w_str user = user_of(step, clients, own);
	size_t length = write_message(to, c2w_command_of(family, C2W_REQUEST), time_text(time, which == FZ_OTHER_DIGITS, text), user,
	                              (enum fz_data)(step->data % FZ_DATAS));

	client->time = time;
	if (family == C2W_CONNECTION) {
		memmove(client->name, user.at, user.length);
		client->name_length = user.length;
	}
	client->last_length = length;
	memcpy(client->last, to, length);
	return length;
}

static void forget_got(struct fz_client *client, unsigned index)
{
	client->got_count--;
	memmove(&client->got[index], &client->got[index + 1], (client->got_count - index) * sizeof(client->got[0]));
}

static size_t ack(const struct fz_step *step, struct fz_client *clients, char to[FZ_MOST_OCTETS])
{
	struct fz_client *client = &clients[fz_who(step)];
	enum fz_time which = (enum fz_time)(step->time % FZ_TIMES);
	struct c2w_message message = { 0 };
	char text[C2W_MAX_TIME_TEXT + 1];
	struct fz_got got;
	unsigned index;
	long length;

	if (client->got_count == 0)
		return 0;
	index = client->got_count - 1 - step->what % client->got_count;
	got = client->got[index];
	message.time_text = (struct c2w_str){ got.time_text, got.time_length };
	if (which != FZ_NEXT) /* here the first choice is the right one */
		message.time_text = time_text(time_of(which == FZ_SAME ? FZ_NEXT : which, got.time, client->time), which == FZ_OTHER_DIGITS, text);
	message.command = c2w_command_of(got.family, C2W_ACK);
	message.user = user_of(step, clients, got.family == C2W_CHAT ? name_of(client) : (struct c2w_str){ got.user, got.user_length });
	if (got.family == C2W_CHAT && step->data % FZ_DATAS == FZ_FIRST)
		message.data = (struct c2w_str){ got.user, got.user_length };
	else if (step->data % FZ_DATAS != FZ_FIRST)
		message.data = data_of((enum fz_data)(step->data % FZ_DATAS), false, 0);
	if (step->user % FZ_USERS == FZ_OWN && which == FZ_NEXT)
		forget_got(client, index);
	length = c2w_message_format(to, FZ_MOST_OCTETS, &message);
	return length < 0 ? 0 : (size_t)length;
}

static size_t ack_any(const struct fz_step *step, const struct fz_client *clients, char to[FZ_MOST_OCTETS])
{
	const struct fz_client *client = &clients[fz_who(step)];
	enum fz_time which = (enum fz_time)(step->time % FZ_TIMES);
	int64_t time = time_of(which == FZ_NEXT ? FZ_SAME : which, client->time, clients[(fz_who(step) + 1) % FZ_CLIENTS].time);
	char text[C2W_MAX_TIME_TEXT + 1];

	return write_message(to, c2w_command_of((enum c2w_family)(step->what % C2W_FAMILIES), C2W_ACK),
	                     time_text(time, which == FZ_OTHER_DIGITS, text), user_of(step, clients, name_of(client)),
	                     (enum fz_data)(step->data % FZ_DATAS));
}

/* ---- damage ------------------------------------------------------------------------------------ */

static size_t splice(char *octets, size_t length, size_t at, size_t less, const char *more, size_t more_length)
{
	if (length - less + more_length > FZ_MOST_OCTETS)
		return length;
	memmove(octets + at + more_length, octets + at + less, length - at - less);
	if (more_length > 0)
		memcpy(octets + at, more, more_length);
	return length - less + more_length;
}

static size_t find(const char *octets, size_t length, char octet)
{
	const char *at = memchr(octets, octet, length);

	return at ? (size_t)(at - octets) : 0;
}

static size_t lower_command(char *octets, size_t length)
{
	for (size_t i = 0; i < length && octets[i] != '|'; i++)
		octets[i] = (char)(octets[i] | (octets[i] >= 'A' && octets[i] <= 'Z' ? 0x20 : 0));
	return length;
}

static size_t new_command(char *octets, size_t length, const char *command)
{
	size_t from = find(octets, length, ' ') + 1, to = find(octets, length, '|');

	return splice(octets, length, from, to - from, command, strlen(command));
}

static size_t damage(const struct fz_step *step, char *octets, size_t length)
{
	size_t at = step->time * (length + 1) / 256, pipe = find(octets, length, '|'), blank = find(octets, length, ' ');

	if (length < 4)
		return length;
	switch ((enum fz_damage)(step->what % FZ_DAMAGES)) {
	case FZ_NO_CRLF: return length - 2;
	case FZ_ONLY_LF: return splice(octets, length, length - 2, 1, "", 0);
	case FZ_FLIPPED:
		if (at < length)
			octets[at] = (char)(octets[at] ^ 1 << step->user % 8);
		return length;
	case FZ_NUL: return splice(octets, length, at, 0, "", 1);
	case FZ_NO_PIPE: return splice(octets, length, pipe, 1, "", 0);
	case FZ_LOWER_CASE: return lower_command(octets, length);
	case FZ_TWO_BLANKS: return splice(octets, length, blank, 0, " ", 1);
	case FZ_CR_INSIDE: return splice(octets, length, at, 0, "\r", 1);
	case FZ_LONG_TIME: return splice(octets, length, 0, 0, "0000000000", 10);
	case FZ_BEHIND_CRLF: return splice(octets, length, length, 0, "\r\n", 1 + step->user % 2);
	case FZ_NO_UTF8: return splice(octets, length, at, 0, "\xC3", 1);
	case FZ_SERVERS_COMMAND: return new_command(octets, length, "NEW_MESSAGE");
	case FZ_UNKNOWN_COMMAND: return new_command(octets, length, "CONNECTION_REQUEST_1");
	case FZ_NOTHING: return 0;
	case FZ_CRLF_ALONE: return splice(octets, length, 0, length - 2, "", 0);
	case FZ_CUT: return at;
	case FZ_NO_BLANK: return splice(octets, length, blank, 1, "", 0);
	case FZ_LONG_USER: return splice(octets, length, pipe + 1, 0, xs(C2W_MAX_USER).at, C2W_MAX_USER);
	case FZ_DAMAGES: break;
	}
	return length;
}

/* What is damaged is not remembered: the client goes on as if it had said nothing. */
static size_t damaged(const struct fz_step *step, struct fz_client *clients, char to[FZ_MOST_OCTETS])
{
	struct fz_step whole = { .who = step->who, .data = step->data };
	struct fz_client *client = &clients[fz_who(step)];
	struct c2w_str name = name_of(client);
	char text[C2W_MAX_TIME_TEXT + 1];

	return damage(step, to, write_message(to, c2w_command_of((enum c2w_family)(step->data % C2W_FAMILIES), C2W_REQUEST),
	                                      time_text(time_of(FZ_NEXT, client->time, 0), false, text), name, (enum fz_data)(whole.data % FZ_DATAS)));
}

size_t fz_step_octets(const struct fz_step *step, struct fz_client clients[FZ_CLIENTS], char to[FZ_MOST_OCTETS])
{
	struct fz_client *client = &clients[fz_who(step)];

	switch (fz_op(step)) {
	case FZ_OP_REQUEST: return request(step, (enum c2w_family)(step->what % C2W_FAMILIES), clients, to);
	case FZ_OP_ACK: return ack(step, clients, to);
	case FZ_OP_ACK_ANY: return ack_any(step, clients, to);
	case FZ_OP_AGAIN: memcpy(to, client->last, client->last_length); return client->last_length;
	case FZ_OP_DAMAGED: return damaged(step, clients, to);
	case FZ_OP_WAIT: case FZ_OP_CLOSE: case FZ_OP_STALL: case FZ_OPS: break;
	}
	return 0;
}

void fz_client_got(struct fz_client *client, const struct c2w_message *message)
{
	struct fz_got *got;

	if (client->got_count == FZ_KEPT)
		forget_got(client, 0);
	got = &client->got[client->got_count++];
	got->family = c2w_command_info(message->command)->family;
	got->time = message->time;
	got->user_length = (uint8_t)message->user.length;
	got->time_length = (uint8_t)message->time_text.length;
	memcpy(got->user, message->user.at, message->user.length);
	memcpy(got->time_text, message->time_text.at, message->time_text.length);
}

/* ---- inputs ------------------------------------------------------------------------------------ */

enum { STEP = sizeof(struct fz_step) };

unsigned fz_steps_read(const uint8_t *data, size_t size, struct fz_step steps[FZ_MOST_STEPS])
{
	size_t count = size > 0 ? (size - 1) / STEP : 0;

	if (count > FZ_MOST_STEPS)
		count = FZ_MOST_STEPS;
	if (count > 0)
		memcpy(steps, data + 1, count * STEP);
	return (unsigned)count;
}

static size_t below(uint64_t *random, size_t limit)
{
	return limit ? (size_t)((fz_random(random) >> 16) % limit) : 0;
}

/* Mostly what is right: a wrong field is worth more behind right ones. */
static uint8_t field(uint64_t *random, unsigned values)
{
	return (uint8_t)(below(random, 3) ? 0 : below(random, values));
}

static void new_step(struct fz_step *step, uint64_t *random)
{
	static const uint8_t ops[] = { FZ_OP_REQUEST, FZ_OP_REQUEST, FZ_OP_REQUEST, FZ_OP_REQUEST, FZ_OP_ACK, FZ_OP_ACK, FZ_OP_ACK, FZ_OP_ACK_ANY, FZ_OP_AGAIN, FZ_OP_WAIT,
		FZ_OP_WAIT, FZ_OP_CLOSE, FZ_OP_DAMAGED, FZ_OP_STALL };

	step->op = ops[below(random, sizeof(ops))];
	step->who = (uint8_t)(below(random, 2) ? below(random, 2) : below(random, FZ_CLIENTS));
	step->what = (uint8_t)below(random, step->op == FZ_OP_ACK ? 2 : step->op == FZ_OP_WAIT ? FZ_WAITS : step->op == FZ_OP_DAMAGED ? FZ_DAMAGES : C2W_FAMILIES);
	step->user = field(random, FZ_USERS);
	step->time = step->op == FZ_OP_DAMAGED ? (uint8_t)below(random, 256) : field(random, FZ_TIMES);
	step->data = field(random, FZ_DATAS);
}

static void change_field(struct fz_step *step, uint64_t *random)
{
	switch (below(random, 6)) {
	case 0: step->op = (uint8_t)below(random, FZ_OPS); break;
	case 1: step->who = (uint8_t)below(random, FZ_CLIENTS); break;
	case 2: step->what = (uint8_t)below(random, FZ_DAMAGES); break;
	case 3: step->user = (uint8_t)below(random, FZ_USERS); break;
	case 4: step->time = (uint8_t)below(random, below(random, 2) ? FZ_TIMES : 256); break;
	default: step->data = (uint8_t)below(random, FZ_DATAS); break;
	}
}

/* ---- what may come next -------------------------------------------------------------------------- */

/* Where a client is, as far as the steps so far tell without a server. */
struct place {
	unsigned room; /* 0: no session, 1: MAIN_ROOM, then the movies' */
	unsigned owed; /* acks */
};

/* What a row of new steps is like: whose they are, and how often out of 16 a step is so. */
enum often { ACKS, WRONG_USER, WRONG_TIME, WRONG_DATA, DAMAGED, REPEATED, WAITS, ANYTHING, OFTEN };
struct mood { unsigned first, clients, often[OFTEN]; };

static void follow_request(struct place *places, const struct fz_step *step)
{
	struct place *place = &places[fz_who(step)];
	enum c2w_family family = (enum c2w_family)(step->what % C2W_FAMILIES);
	unsigned movie = step->data % FZ_DATAS, room = place->room;

	if ((step->user % FZ_USERS != FZ_OWN && family != C2W_CONNECTION) || step->time % FZ_TIMES != FZ_NEXT)
		return;
	if (family == C2W_CHAT && room > 0)
		for (unsigned i = 0; i < FZ_CLIENTS; i++)
			places[i].owed += places[i].room == room;
	else if (room > 0 || family == C2W_CONNECTION)
		place->owed++;
	if (family == C2W_CONNECTION && room == 0)
		place->room = 1;
	else if (family == C2W_ENTER_MOVIE && room == 1 && movie < FZ_MOVIES)
		place->room = 2 + movie;
	else if (family == C2W_LEAVE_SESSION)
		place->room = room > 1;
}

static void follow(struct place *places, const struct fz_step *step)
{
	struct place *place = &places[fz_who(step)];

	switch (fz_op(step)) {
	case FZ_OP_REQUEST: follow_request(places, step); break;
	case FZ_OP_ACK: place->owed -= place->owed > 0; break;
	case FZ_OP_CLOSE:
		if (fz_who(step) >= FZ_UDP_CLIENTS)
			*place = (struct place){ 0 };
		break;
	case FZ_OP_WAIT:
		for (unsigned i = 0; i < FZ_UDP_CLIENTS && step->what % FZ_WAITS == FZ_LONGER; i++)
			if (places[i].owed > 0)
				places[i] = (struct place){ 0 }; /* REL-08 */
		break;
	case FZ_OP_ACK_ANY: case FZ_OP_AGAIN: case FZ_OP_DAMAGED: case FZ_OP_STALL: case FZ_OPS: break;
	}
}

static struct mood some_mood(uint64_t *random)
{
	static const uint8_t choices[OFTEN][4] = {
		[ACKS] = { 0, 8, 14, 16 }, [WRONG_USER] = { 0, 0, 1, 4 }, [WRONG_TIME] = { 0, 0, 1, 12 }, [WRONG_DATA] = { 0, 0, 1, 4 },
		[DAMAGED] = { 0, 0, 1, 4 }, [REPEATED] = { 0, 0, 1, 4 }, [WAITS] = { 0, 0, 1, 4 }, [ANYTHING] = { 0, 0, 1, 4 },
	};
	struct mood mood = { .first = (unsigned)below(random, FZ_CLIENTS) };

	mood.clients = 1 + (unsigned)below(random, 4);
	for (unsigned i = 0; i < OFTEN; i++)
		mood.often[i] = choices[i][below(random, 4)];
	return mood;
}

static bool out_of_16(unsigned often, uint64_t *random)
{
	return below(random, 16) < often;
}

static uint8_t some_family(const struct place *place, uint64_t *random)
{
	static const uint8_t weights[][C2W_FAMILIES] = { { 10, 1, 1, 1, 2, 1 }, { 1, 2, 1, 5, 3, 4 }, { 1, 2, 1, 2, 4, 6 } }; /* of 16 */
	const uint8_t *here = weights[place->room < 2 ? place->room : 2];
	size_t left = below(random, 16);
	uint8_t family = 0;

	for (; left >= here[family]; family++)
		left -= here[family];
	return family;
}

static uint8_t some_user(uint64_t *random)
{
	return (uint8_t)(below(random, 3) ? below(random, FZ_USERS) : FZ_NEIGHBOUR);
}

/* What its client may rightly do there. */
static struct fz_step right_step(uint8_t who, const struct place *place, uint64_t *random)
{
	struct fz_step step = { .op = FZ_OP_REQUEST, .who = who };

	if (place->room > 0 && who >= FZ_UDP_CLIENTS && out_of_16(1, random)) {
		step.op = below(random, 2) ? FZ_OP_CLOSE : FZ_OP_STALL;
		step.what = (uint8_t)below(random, 2);
		return step;
	}
	step.what = some_family(place, random);
	if (step.what == C2W_CONNECTION && out_of_16(4, random))
		step.user = some_user(random);
	else if ((step.what == C2W_ENTER_MOVIE || step.what == C2W_CHAT) && out_of_16(8, random))
		step.data = (uint8_t)below(random, step.what == C2W_CHAT || out_of_16(8, random) ? FZ_DATAS : FZ_MOVIES);
	return step;
}

/* The client's last request once more, or another one with its TIME. */
static void repeat_request(struct fz_step *steps, unsigned at, uint64_t *random)
{
	unsigned before = at;

	while (before > 0 && (fz_who(&steps[before - 1]) != fz_who(&steps[at]) || fz_op(&steps[before - 1]) != FZ_OP_REQUEST))
		before--;
	if (before == 0)
		return;
	steps[at] = steps[before - 1];
	steps[at].time = (uint8_t)(FZ_SAME + below(random, 2));
	if (below(random, 2))
		steps[at].data = (uint8_t)below(random, FZ_DATAS);
}

static void damage_step(struct fz_step *step, uint64_t *random)
{
	step->op = FZ_OP_DAMAGED;
	step->data = step->what;
	step->what = (uint8_t)below(random, FZ_DAMAGES);
	step->user = (uint8_t)below(random, 8);
	step->time = (uint8_t)below(random, 256);
}

static void next_step(struct fz_step *steps, unsigned at, const struct place *places, const struct mood *mood, uint64_t *random)
{
	uint8_t who = (uint8_t)((mood->first + below(random, mood->clients)) % FZ_CLIENTS);
	struct fz_step *step = &steps[at];

	*step = right_step(who, &places[who], random);
	if (places[who].owed > 0 && out_of_16(mood->often[ACKS], random))
		*step = (struct fz_step){ .op = FZ_OP_ACK, .who = who };
	if (out_of_16(mood->often[WRONG_USER], random))
		step->user = some_user(random);
	if (out_of_16(mood->often[WRONG_TIME], random))
		step->time = (uint8_t)below(random, FZ_TIMES);
	if (out_of_16(mood->often[WRONG_DATA], random))
		step->data = (uint8_t)below(random, FZ_DATAS);
	if (step->op == FZ_OP_REQUEST && out_of_16(mood->often[DAMAGED], random)) {
		damage_step(step, random);
	} else if (out_of_16(mood->often[REPEATED], random)) {
		repeat_request(steps, at, random);
	} else if (out_of_16(mood->often[WAITS], random)) {
		*step = (struct fz_step){ .op = FZ_OP_WAIT, .who = who, .what = (uint8_t)below(random, FZ_WAITS) };
	} else if (out_of_16(mood->often[ANYTHING], random)) {
		new_step(step, random);
		step->who = who;
	}
}

static void next_steps(struct fz_step *steps, unsigned at, unsigned times, uint64_t *random)
{
	struct place places[FZ_CLIENTS] = { 0 };
	struct mood mood = some_mood(random);

	for (unsigned i = 0; i < at; i++)
		follow(places, &steps[i]);
	for (unsigned i = at; i < at + times; i++) {
		next_step(steps, i, places, &mood, random);
		follow(places, &steps[i]);
	}
}

static unsigned make_room(struct fz_step *steps, unsigned count, unsigned at, unsigned *times)
{
	if (*times > FZ_MOST_STEPS - count)
		*times = FZ_MOST_STEPS - count;
	memmove(steps + at + *times, steps + at, (count - at) * sizeof(*steps));
	return count + *times;
}

static unsigned insert_new(struct fz_step *steps, unsigned count, unsigned at, unsigned times, uint64_t *random)
{
	count = make_room(steps, count, at, &times);
	next_steps(steps, at, times, random);
	return count;
}

/* A copy of `times` steps from `from`. */
static unsigned repeat(struct fz_step *steps, unsigned count, unsigned at, unsigned from, unsigned times)
{
	struct fz_step copied[FZ_MOST_STEPS];

	if (times > count - from)
		times = count - from;
	memcpy(copied, steps + from, times * sizeof(*steps));
	count = make_room(steps, count, at, &times);
	memcpy(steps + at, copied, times * sizeof(*steps));
	return count;
}

static unsigned cut_out(struct fz_step *steps, unsigned count, unsigned at, unsigned times)
{
	if (times > count - at)
		times = count - at;
	memmove(steps + at, steps + at + times, (count - at - times) * sizeof(*steps));
	return count - times;
}

static void everyone_shifts(struct fz_step *steps, unsigned count, uint64_t *random)
{
	unsigned a = (unsigned)below(random, FZ_CLIENTS), b = (unsigned)below(random, FZ_CLIENTS);

	for (unsigned i = 0; i < count; i++)
		if (fz_who(&steps[i]) == a)
			steps[i].who = (uint8_t)b;
}

static unsigned mutate_once(struct fz_step *steps, unsigned count, uint64_t *random)
{
	unsigned at = (unsigned)below(random, count), other = (unsigned)below(random, count);
	struct fz_step kept;

	switch (count ? below(random, 10) : 2) {
	case 0: case 1: return insert_new(steps, count, (unsigned)below(random, count + 1), 1 + (unsigned)below(random, 3), random);
	case 2: return insert_new(steps, count, count, 1 + (unsigned)below(random, FZ_MOST_STEPS), random);
	case 3: case 4: case 5: change_field(&steps[at], random); return count;
	case 6: return cut_out(steps, count, at, 1 + (unsigned)below(random, 3));
	case 7: return repeat(steps, count, at, other, 1 + (unsigned)below(random, 4));
	case 8:
		kept = steps[at];
		steps[at] = steps[other];
		steps[other] = kept;
		return count;
	default: everyone_shifts(steps, count, random); return count;
	}
}

static size_t write_input(uint8_t *data, size_t most, uint8_t settings, const struct fz_step *steps, unsigned count)
{
	if (most == 0)
		return 0;
	if (count > (most - 1) / STEP)
		count = (unsigned)((most - 1) / STEP);
	*data = settings;
	memcpy(data + 1, steps, count * STEP);
	return 1 + count * STEP;
}

size_t fz_steps_mutate(uint8_t *data, size_t size, size_t most, uint64_t seed)
{
	struct fz_step steps[FZ_MOST_STEPS] = { 0 };
	unsigned count = fz_steps_read(data, size, steps);
	uint8_t settings = size > 0 ? *data : 0;
	uint64_t random = seed * 2 + 1;

	fz_random(&random);
	if (size <= most && below(&random, 4) == 0) /* a larger one is to become smaller */
		count = 0;
	if (below(&random, count ? 16 : 2) == 0)
		settings = (uint8_t)below(&random, 256);
	for (size_t times = 1 + below(&random, 4); times > 0; times--)
		count = mutate_once(steps, count, &random);
	return write_input(data, most, settings, steps, count);
}

size_t fz_steps_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *to, size_t most, uint64_t seed)
{
	struct fz_step first[FZ_MOST_STEPS] = { 0 }, second[FZ_MOST_STEPS] = { 0 };
	unsigned count = fz_steps_read(a, a_size, first), more = fz_steps_read(b, b_size, second);
	uint64_t random = seed * 2 + 1;
	unsigned keep, from;

	fz_random(&random);
	keep = (unsigned)below(&random, count + 1);
	from = (unsigned)below(&random, more + 1);
	more = more - from < FZ_MOST_STEPS - keep ? more - from : FZ_MOST_STEPS - keep;
	memcpy(first + keep, second + from, more * sizeof(*second));
	return write_input(to, most, a_size > 0 ? *a : 0, first, keep + more);
}
