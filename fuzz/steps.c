/* Steps into octets: see steps.h.
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

unsigned fz_steps_read(const uint8_t *data, size_t size, struct fz_step steps[FZ_MOST_STEPS])
{
	size_t count = size > 0 ? (size - 1) / sizeof(struct fz_step) : 0;

	if (count > FZ_MOST_STEPS)
		count = FZ_MOST_STEPS;
	if (count > 0)
		memcpy(steps, data + 1, count * sizeof(struct fz_step));
	return (unsigned)count;
}
