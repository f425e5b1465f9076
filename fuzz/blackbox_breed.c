/* Generation and mutation of programs, see blackbox_breed.h. Every result has been mended. */
#include "fuzz/blackbox_breed.h"

enum { FEW = 3 };

#define COUNT(array) (unsigned)(sizeof(array) / sizeof((array)[0]))
#define T(literal, n) { .octets = literal, .length = sizeof(literal) - 1, .times = (n) }

/* Octets at the edges of the grammar and of what servers do with them. */
static const struct fz_text texts[] = {
	T("hi", 1), T("", 1), T(" ", 1), T("  two  blanks  ", 1), T("a|b|c", 1), T("|", 1), T(": ", 1), T("a: b", 1), T("\xc3\xa9", 1), T("\xf0\x9f\x8e\xac", 1), T("<b>&amp;</b>", 1),
	T("x", 255), T("x", 256), T("x", 1023), T("x", 1024), T("x", 1025), T("\xc3\xa9", 512), T("y", 4000), T("%s%n%x", 1), T("%s", 64), T("../../etc/passwd", 1), T("'; --", 1),
	T("a,b", 1), T("MAIN_ROOM", 1), T("\t", 1), T("\x1b[31m", 1), T("0", 1), T("-1", 1), T("1,2|3,4", 1), T("\\", 1), T("\"", 1), T("\x7f", 1), T("?", 1), T("say it", 2),
	T("\xff", 1), T("\xc3", 1), T("a\0b", 1), T("a\rb", 1), T("a\nb", 1), T("a\r\nb", 1),
};
static const struct fz_text names[] = { /* those that are valid are anybody's */
	T("", 1), T("x", 33), T("x", 255), T("x", 256), T("no name", 1), T("a,b", 1), T("\xc3\xa9", 1), T("a b", 1), T("%n%n", 1), T("x", 1000), T("!", 1), T("a/b", 1), T(" ", 1),
	T("x", 1), T("x", 31), T("x", 32), T("Q", 32), T("0", 1), T(".", 1), T("-", 1), T("_", 1), T("MAIN_ROOM", 1), T("NEW_MESSAGE", 1), T("server", 1), T("null", 1), T("\xc3\xa9", 16), T(" x", 1), T("x\t", 1),
};
static const struct fz_text beside_titles[] = {
	T(" ", 1), T("\t", 1), T("\xc2\xa0", 1), T("|", 1), T("|x", 1), T(",", 1), T("x", 1), T("X", 600), T("\"", 1), T(".", 1), T("\xef\xbb\xbf", 1),
};
static const struct fz_text times[] = {
	T("0", 1), T("7.50", 1), T("7.5", 1), T("007.5", 1), T("1.000001", 1), T("9000000000.5", 1), T("9000000001", 1), T("8999999999.999999", 1), T("4294967296.000001", 1), T("", 1), T("-1", 1),
	T("1e5", 1), T("12345678901", 1), T("1.1234567", 1), T("1.", 1), T(".5", 1), T("9", 400), T(" 5", 1), T("x", 1), T("+5", 1), T("0x10", 1), T("9", 10), T("1,5", 1),
};
static const struct fz_text words[] = {
	T("user_list_request", 1), T("USER_LIST_REQUESTS", 1), T("USER_LIST", 1), T("QUIT", 1), T("A", 64), T("A", 65), T("A", 5000), T("_", 1), T("CONNECTION_ERROR_XXXX", 1), T("CONNECTION_ERROR", 1),
	T("User_List_Request", 1), T("NEW_MESSAGE_ACK", 1), T(" USER_LIST_REQUEST", 1), T("USER_LIST_REQUEST ", 1), T("9", 1), T("CONNECTION_REQUEST|x|\r\n1: A", 1),
};
static const struct fz_text junk[] = {
	T("\r\n", 1), T("\n", 1), T("\r", 1), T("\0", 1), T("\0", 64), T("garbage", 1), T("garbage\r\n", 1), T("1: USER_LIST_REQUEST\r\n", 1), T("1:USER_LIST_REQUEST|a|\r\n", 1), T("1: A|b|c\n", 1),
	T("1: USER_LIST_REQUEST||\r\n", 1), T(": |\r\n", 1), T("|||\r\n", 1), T("1: ||\r\n", 1), T("1  : A|b|c\r\n", 1), T("A", 4095), T("A", 4096), T("A", 4097), T("A", 8000), T("\xff\xfe\r\n", 1),
	T("1: NEW_MESSAGE|x|y\r\n", 1), T("1: CONNECTION_GRANTED|x|\r\n", 1), T("1: LEAVE_SESSION_REQUEST||\r\n", 1), T("GET / HTTP/1.1\r\n\r\n", 1), T("\x16\x03\x01\x02", 1), T("\r\n", 500),
};
static const enum c2w_command requests[] = {
	C2W_CONNECTION_REQUEST, C2W_USER_LIST_REQUEST, C2W_MOVIE_LIST_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_LEAVE_SESSION_REQUEST, C2W_SEND_MESSAGE_REQUEST,
};

uint64_t fz_roll(struct fz_breeder *breeder)
{
	uint64_t x = breeder->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	breeder->random = x;
	return x * UINT64_C(2685821657736338717);
}

unsigned fz_below(struct fz_breeder *breeder, unsigned limit)
{
	return (unsigned)((fz_roll(breeder) >> 33) % limit);
}

static bool one_in(struct fz_breeder *breeder, unsigned n)
{
	return fz_below(breeder, n) == 0;
}

#define PICK(breeder, table) (table)[fz_below(breeder, COUNT(table))]

/* Three are enough for most things. */
static uint8_t somebody(struct fz_breeder *breeder)
{
	return (uint8_t)fz_below(breeder, one_in(breeder, 20) ? FZ_CAST : FEW);
}

/* ---- fields --------------------------------------------------------------------------------- */

static void twist_text(struct fz_breeder *breeder, struct fz_text *text)
{
	unsigned at = text->length > 0 ? fz_below(breeder, text->length) : 0;

	switch (fz_below(breeder, 6)) {
	case 0:
		*text = PICK(breeder, texts);
		return;
	case 1:
		if (text->length > 0)
			text->octets[at] = (char)fz_below(breeder, 256);
		return;
	case 2:
		if (text->length < FZ_LITERAL) {
			memmove(&text->octets[at + 1], &text->octets[at], text->length - at);
			text->octets[at] = (char)fz_below(breeder, 256);
			text->length++;
		}
		return;
	case 3:
		if (text->length > 0) {
			memmove(&text->octets[at], &text->octets[at + 1], text->length - at - 1u);
			text->length--;
		}
		return;
	case 4:
		text->times = (uint16_t)(1u << fz_below(breeder, 13));
		return;
	default:
		text->times = (uint16_t)(text->times + (one_in(breeder, 2) ? 1 : -1));
		return;
	}
}

static void twist_field(struct fz_breeder *breeder, struct fz_step *step)
{
	switch (fz_below(breeder, 8)) {
	case 0:
		step->time = one_in(breeder, 2) ? FZ_TIME_LAST : FZ_TIME_EARLIER;
		return;
	case 1:
		step->time = FZ_TIME_TEXT;
		step->time_text = PICK(breeder, times);
		return;
	case 2:
		step->user = FZ_USER_OTHER;
		step->miscased_user = one_in(breeder, 2);
		step->other = step->miscased_user ? step->client : somebody(breeder);
		return;
	case 3:
		step->user = FZ_USER_TEXT;
		step->user_text = PICK(breeder, names);
		return;
	case 4:
	case 5:
		step->data = FZ_DATA_TEXT;
		step->data_text = PICK(breeder, texts);
		return;
	case 6:
		step->command = C2W_NO_COMMAND;
		step->word = PICK(breeder, words);
		return;
	default:
		step->command = (enum c2w_command)(1 + fz_below(breeder, C2W_COMMANDS - 1));
		step->code = c2w_command_info(step->command)->digits == 1 ? 1 : 1001;
		if (step->command == C2W_NEW_MESSAGE) {
			step->data = FZ_DATA_TEXT;
			step->data_text = texts[0];
		}
		return;
	}
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* Nearly a title: longer at either end, shorter, in other letters. */
static void nearly_a_title(struct fz_breeder *breeder, struct fz_step *step)
{
	const char *title = breeder->titles != NULL && step->movie > 0 ? breeder->titles[step->movie - 1] : "";
	size_t length = strlen(title);

	switch (fz_below(breeder, 4)) {
	case 0:
		step->before = PICK(breeder, beside_titles);
		return;
	case 1:
		step->miscased_title = true;
		return;
	case 2:
		if (length > 1 && length <= FZ_LITERAL) {
			step->data = FZ_DATA_TEXT;
			step->data_text = fz_text_of((struct c2w_str){ title, length - 1 });
			return;
		}
		step->data_text = PICK(breeder, beside_titles);
		return;
	default:
		step->data_text = PICK(breeder, beside_titles);
		return;
	}
}

static void title_data(struct fz_breeder *breeder, struct fz_step *step)
{
	unsigned movies = breeder->movies > 2 && !one_in(breeder, 4) ? 2 : breeder->movies;

	step->data = FZ_DATA_MOVIE;
	step->movie = (uint8_t)(movies > 0 ? 1 + fz_below(breeder, movies) : 0);
	if (one_in(breeder, 8)) {
		step->data = FZ_DATA_TEXT;
		step->data_text = PICK(breeder, texts);
	} else if (one_in(breeder, 6)) {
		nearly_a_title(breeder, step);
	}
}

static struct fz_step request_step(struct fz_breeder *breeder, unsigned client, enum c2w_command command)
{
	struct fz_step step = { .action = FZ_SEND, .client = (uint8_t)client, .command = command, .await = !one_in(breeder, 6) };

	if (command == C2W_SEND_MESSAGE_REQUEST) {
		step.data = FZ_DATA_TEXT;
		step.data_text = one_in(breeder, 2) ? PICK(breeder, texts) : texts[0];
	}
	if (command == C2W_ENTER_MOVIE_REQUEST)
		title_data(breeder, &step);
	return step;
}

static struct fz_step odd_step(struct fz_breeder *breeder, unsigned client)
{
	static const enum fz_action actions[] = {
		FZ_OCTETS, FZ_OCTETS, FZ_SAME, FZ_SAME, FZ_SAME, FZ_HOLD, FZ_RESUME, FZ_OPEN, FZ_OPEN, FZ_CLOSE, FZ_HALF_CLOSE, FZ_RESET, FZ_STOP_READING, FZ_READ_AGAIN, FZ_SEND, FZ_SEND, FZ_SEND, FZ_SEND,
	};
	struct fz_step step = request_step(breeder, client, PICK(breeder, requests));

	step.action = PICK(breeder, actions);
	if (step.action == FZ_OCTETS)
		step.data_text = PICK(breeder, junk);
	if (step.action == FZ_SEND)
		twist_field(breeder, &step);
	if (one_in(breeder, 4))
		step.pieces = (uint16_t)(1 + fz_below(breeder, 40));
	step.joined = one_in(breeder, 5);
	return step;
}

/* A message that would do something, were it read less strictly: one thing is wrong with its form. */
static struct fz_step nearly_a_message(struct fz_breeder *breeder, unsigned client)
{
	static const char *const good_times[] = { "9000000000.5", "9000000001.5", "9000000002.5", "9000000003.5", "9000000004.5" };
	static const char *const bad_times[] = { "9000000005.", " 9000000005", "+9000000005", "9000000005.1234567", "09000000005", "9000000005,5", "\t9000000005", "" };
	static const char *const gaps[] = { ":", ":  ", ":\t", " : ", ":: ", " ", "" };
	static const char *const ends[] = { "\r\n", "|\n", "|\r", "|", "|\r\n ", "|\n\r\n", "|hi\rthere\r\n", "|hi\nthere\r\n", "|\xff\r\n", "||hi", "|hi\n", "|caf\xe9\r\n" };
	struct fz_step step = { .action = FZ_OCTETS, .client = (uint8_t)client, .user = FZ_USER_OTHER, .other = (uint8_t)client };
	static const char *const odd_words[] = { "user_list_request", "USER_LIST_REQUESTS", "NEW_MESSAGE", "LEAVE_SESSION", "PING", "CONNECTION_GRANTED", "USER_LIST_REQUEST " };
	unsigned wrong = fz_below(breeder, 6);
	enum c2w_command command = PICK(breeder, requests);
	const char *word = wrong == 5 ? PICK(breeder, odd_words) : c2w_command_info(command)->name;
	const char *time = wrong == 0 ? PICK(breeder, bad_times) : PICK(breeder, good_times), *gap = wrong == 1 ? PICK(breeder, gaps) : ": ";
	const char *end = wrong >= 2 && wrong < 4 ? PICK(breeder, ends) : command == C2W_SEND_MESSAGE_REQUEST ? "|hi\r\n" : "|\r\n";
	char text[FZ_LITERAL + 1];

	snprintf(text, sizeof(text), "%s%s%s%s", time, gap, word, wrong == 4 ? " |" : "|");
	step.data_text = fz_text_of(c2w_str_of(text));
	step.word = wrong == 3 && one_in(breeder, 3) ? (struct fz_text)T("|\0\r\n", 1) : fz_text_of(c2w_str_of(end));
	return step;
}

/* Names that are nobody's yet, and names that are somebody's. */
static struct fz_step connects_as(struct fz_breeder *breeder, unsigned client)
{
	static const struct fz_text ends[] = { T("", 1), T("", 1), T("", 1), T(".", 1), T("x", 1), T("X", 1), T("_", 1), T("-", 1), T("-x", 1), T("-X", 1), T(" ", 1), T("x", 240), T("0", 1) };
	struct fz_step step = request_step(breeder, client, C2W_CONNECTION_REQUEST);

	step.await = true;
	if (one_in(breeder, 3)) {
		step.user = FZ_USER_TEXT;
		step.user_text = PICK(breeder, names);
		return step;
	}
	step.user = FZ_USER_OTHER;
	step.other = somebody(breeder);
	step.word = PICK(breeder, ends);
	step.miscased_user = one_in(breeder, 8);
	return step;
}

/* A known length to the octet: 4095, 4096 and 4097, with an answer that does not depend on who asks. */
static struct fz_step just_so_long(struct fz_breeder *breeder, unsigned client)
{
	struct fz_step step = {
		.action = FZ_SEND, .client = (uint8_t)client, .command = C2W_CONNECTION_REQUEST, .await = true, .time = FZ_TIME_TEXT, .time_text = T("9000000000.5", 1),
		.user = FZ_USER_TEXT, .user_text = T("a b", 1), .data = FZ_DATA_TEXT, .data_text = T("x", 1),
	};
	size_t else_long = strlen("9000000000.5: CONNECTION_REQUEST|a b|\r\n");

	step.data_text.times = (uint16_t)(4095 + fz_below(breeder, 3) - else_long);
	return step;
}

static struct fz_step any_step(struct fz_breeder *breeder, unsigned client)
{
	struct fz_step step = { .action = FZ_WAIT, .wait = (uint16_t)(200 + 300 * fz_below(breeder, 5)) };

	if (fz_below(breeder, 1000) < breeder->waits)
		return step;
	if (one_in(breeder, 6))
		return nearly_a_message(breeder, client);
	if (one_in(breeder, 12))
		return connects_as(breeder, client);
	if (one_in(breeder, 60))
		return just_so_long(breeder, client);
	return one_in(breeder, 3) ? odd_step(breeder, client) : request_step(breeder, client, PICK(breeder, requests));
}

static void add(struct fz_program *program, unsigned client, enum fz_action action)
{
	fz_program_add(program, &(struct fz_step){ .action = action, .client = (uint8_t)client });
}

static void ask(struct fz_breeder *breeder, struct fz_program *program, unsigned client, enum c2w_command command, bool await)
{
	struct fz_step step = request_step(breeder, client, command);

	step.await = await;
	fz_program_add(program, &step);
}

static void enter(struct fz_program *program, unsigned client, unsigned movie)
{
	const struct fz_step step = { .action = FZ_SEND, .client = (uint8_t)client, .command = C2W_ENTER_MOVIE_REQUEST, .data = FZ_DATA_MOVIE, .movie = (uint8_t)movie, .await = true };

	fz_program_add(program, &step);
}

static void say_text(struct fz_program *program, unsigned client, struct fz_text text)
{
	const struct fz_step step = { .action = FZ_SEND, .client = (uint8_t)client, .command = C2W_SEND_MESSAGE_REQUEST, .data = FZ_DATA_TEXT, .data_text = text, .await = true };

	fz_program_add(program, &step);
}

/* So many seconds and a half, in one of the ways to write it. */
static struct fz_text half_past(struct fz_breeder *breeder, unsigned long long seconds)
{
	static const char *const forms[] = { "%llu.50", "%llu.5", "%llu.500", "%llu.500000", "0%llu.50" };
	char text[FZ_LITERAL];

	snprintf(text, sizeof(text), forms[fz_below(breeder, seconds < 1000000000 ? COUNT(forms) : COUNT(forms) - 1)], seconds);
	return fz_text_of(c2w_str_of(text));
}

/* Requests by a clock of their own, which may go very slowly; some twice, with their TIME written in another way. */
static void clock_steps(struct fz_breeder *breeder, struct fz_program *program, struct fz_step step, uint64_t *clock, bool slow)
{
	char text[FZ_LITERAL];

	step.time = FZ_TIME_TEXT;
	for (unsigned copies = 1 + one_in(breeder, 3); copies > 0; copies--) {
		snprintf(text, sizeof(text), "%llu.%06llu", (unsigned long long)*clock / 1000000, (unsigned long long)*clock % 1000000);
		step.time_text = slow ? fz_text_of(c2w_str_of(text)) : half_past(breeder, *clock / 1000000);
		fz_program_add(program, &step);
	}
	*clock += slow ? 1 : 1000000;
}

/* Acks held, a request, and the request again: as it was, with other data, or with its TIME written in another way. */
static void repeated_steps(struct fz_breeder *breeder, struct fz_program *program, struct fz_step step)
{
	unsigned way = fz_below(breeder, 3), seconds = 4000000000u + fz_below(breeder, 200000000);

	step.await = true;
	if (way == 2) {
		step.time = FZ_TIME_TEXT;
		step.time_text = half_past(breeder, seconds);
	}
	add(program, step.client, FZ_HOLD);
	fz_program_add(program, &step);
	if (way == 0)
		step.action = FZ_SAME;
	if (way == 1) {
		step.time = FZ_TIME_LAST;
		step.data = one_in(breeder, 2) ? FZ_DATA_TEXT : FZ_DATA_NONE;
		step.data_text = PICK(breeder, texts);
	}
	if (way == 2)
		step.time_text = half_past(breeder, seconds);
	fz_program_add(program, &step);
	if (one_in(breeder, 2))
		add(program, step.client, FZ_RESUME);
}

/* ---- games: what takes several steps in their order, each with its chances ----------------------- */

/* A session, its end in any way there is, and the name asked for again: by its holder, or by somebody else. */
static void name_changes_hands(struct fz_breeder *breeder, struct fz_program *program)
{
	static const enum fz_action ends[] = { FZ_SEND, FZ_SEND, FZ_CLOSE, FZ_CLOSE, FZ_RESET, FZ_HALF_CLOSE, FZ_HALF_CLOSE };
	struct fz_step again = { .action = FZ_SEND, .command = C2W_CONNECTION_REQUEST, .await = true };
	enum fz_action end = breeder->tcp ? PICK(breeder, ends) : FZ_SEND;
	bool movie = one_in(breeder, 2), other = one_in(breeder, 2);

	program->tcp[0] = program->tcp[0] || end != FZ_SEND;
	if (one_in(breeder, 3))
		ask(breeder, program, 2, C2W_CONNECTION_REQUEST, true);
	if (one_in(breeder, 3))
		add(program, 0, FZ_HOLD);
	ask(breeder, program, 0, C2W_CONNECTION_REQUEST, !one_in(breeder, 6));
	if (movie)
		enter(program, 0, 1);
	for (unsigned i = end == FZ_SEND ? 1u + movie : 0; i > 0; i--)
		ask(breeder, program, 0, C2W_LEAVE_SESSION_REQUEST, true);
	for (unsigned i = end != FZ_SEND ? fz_below(breeder, 3) : 0; i > 0; i--)
		ask(breeder, program, 0, PICK(breeder, requests), false);
	if (end != FZ_SEND)
		add(program, 0, end);
	if (one_in(breeder, 3))
		ask(breeder, program, 2, C2W_USER_LIST_REQUEST, true);
	if (end == FZ_HALF_CLOSE && !other)
		add(program, 0, FZ_CLOSE);
	if (end != FZ_SEND && !other)
		add(program, 0, FZ_OPEN);
	if (other) {
		again.client = 1;
		again.user = FZ_USER_OTHER;
	}
	if (one_in(breeder, 2)) {
		again.time = FZ_TIME_TEXT;
		again.time_text = one_in(breeder, 2) ? half_past(breeder, 7) : PICK(breeder, times);
	}
	fz_program_add(program, &again);
	ask(breeder, program, 0, C2W_USER_LIST_REQUEST, true);
}

/* A name that somebody has: asked for by who has a session and who has none, again once it is free, in another case. */
static void name_is_taken(struct fz_breeder *breeder, struct fz_program *program)
{
	struct fz_step asks = { .action = FZ_SEND, .client = 1, .command = C2W_CONNECTION_REQUEST, .user = FZ_USER_OTHER, .await = true };
	unsigned game = fz_below(breeder, 4);

	if (game == 0)
		ask(breeder, program, 1, C2W_CONNECTION_REQUEST, true);
	if (game == 1)
		add(program, 1, FZ_HOLD);
	asks.miscased_user = game == 2;
	ask(breeder, program, 0, C2W_CONNECTION_REQUEST, true);
	fz_program_add(program, &asks);
	if (game == 1) {
		ask(breeder, program, 0, C2W_LEAVE_SESSION_REQUEST, true);
		add(program, 1, FZ_SAME);
		program->steps[program->count - 1].await = true;
	}
}

/* A few in one room, one of whom acks when it likes: texts wait for it, and nothing else does. */
static void texts_wait(struct fz_breeder *breeder, struct fz_program *program)
{
	static const struct fz_text said[] = { T("one", 1), T("two", 1), T("three", 1), T("x", 300) };
	struct fz_step ack = { .action = FZ_SEND, .command = C2W_NEW_MESSAGE_RESPONSE_ACK, .await = true };
	unsigned cast = 2 + one_in(breeder, 2), movie = breeder->movies > 0 ? fz_below(breeder, 2) : 0, count = 2 + fz_below(breeder, 2), author = fz_below(breeder, cast);

	for (unsigned i = 0; i < cast; i++) {
		ask(breeder, program, i, C2W_CONNECTION_REQUEST, true);
		if (movie > 0)
			enter(program, i, movie);
	}
	ack.client = (uint8_t)fz_below(breeder, cast);
	add(program, ack.client, FZ_HOLD);
	for (unsigned i = 0; i < count; i++)
		say_text(program, one_in(breeder, 3) ? fz_below(breeder, cast) : author, said[fz_below(breeder, COUNT(said))]);
	if (one_in(breeder, 3))
		ask(breeder, program, ack.client, one_in(breeder, 2) ? C2W_USER_LIST_REQUEST : C2W_MOVIE_LIST_REQUEST, true);
	if (one_in(breeder, 2))
		ask(breeder, program, author, C2W_LEAVE_SESSION_REQUEST, true);
	for (unsigned i = 0; i < count; i++)
		fz_program_add(program, &ack);
}

/* Names of all kinds, one after the other. */
static void odd_names(struct fz_breeder *breeder, struct fz_program *program)
{
	struct fz_step login = { .action = FZ_SEND, .command = C2W_CONNECTION_REQUEST, .user = FZ_USER_TEXT, .await = true };

	for (unsigned i = 0; i < FEW; i++) {
		login.client = (uint8_t)i;
		for (unsigned k = 1 + fz_below(breeder, 4); k > 0; k--) {
			login.user_text = PICK(breeder, names);
			fz_program_add(program, &login);
		}
	}
}

/* Everybody there is, in one room, so that lists get long. */
static void crowd(struct fz_breeder *breeder, struct fz_program *program)
{
	for (unsigned i = 0; i < FZ_CAST; i++) {
		ask(breeder, program, i, C2W_CONNECTION_REQUEST, true);
		if (breeder->movies > 0)
			enter(program, i, 1);
	}
	ask(breeder, program, fz_below(breeder, FZ_CAST), C2W_USER_LIST_REQUEST, true);
	for (unsigned i = 0; i < FEW; i++)
		ask(breeder, program, i, C2W_MOVIE_LIST_REQUEST, true);
	ask(breeder, program, fz_below(breeder, FZ_CAST), C2W_SEND_MESSAGE_REQUEST, true);
}

static void any_game(struct fz_breeder *breeder, struct fz_program *program)
{
	switch (fz_below(breeder, 9)) {
	case 0:
	case 1:
	case 2:
		name_changes_hands(breeder, program);
		return;
	case 3:
		odd_names(breeder, program);
		return;
	case 5:
		name_is_taken(breeder, program);
		return;
	case 4:
		crowd(breeder, program);
		return;
	default:
		texts_wait(breeder, program);
		return;
	}
}

/* ---- programs ------------------------------------------------------------------------------- */

static void mend(const struct fz_breeder *breeder, struct fz_program *program)
{
	fz_program_mend(program, breeder->udp, breeder->tcp, breeder->movies);
}

/* Where the client would be, were all its steps sensible: -1 outside, 0 in the main room, 1 in a movie's. */
static struct fz_step sensible_step(struct fz_breeder *breeder, unsigned client, int *place)
{
	static const enum c2w_command inside[] = {
		C2W_USER_LIST_REQUEST, C2W_MOVIE_LIST_REQUEST, C2W_SEND_MESSAGE_REQUEST, C2W_SEND_MESSAGE_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_LEAVE_SESSION_REQUEST,
	};
	struct fz_step step;

	if (*place < 0) {
		*place = 0;
		return request_step(breeder, client, C2W_CONNECTION_REQUEST);
	}
	step = request_step(breeder, client, PICK(breeder, inside));
	if (step.command == C2W_ENTER_MOVIE_REQUEST && step.data == FZ_DATA_MOVIE)
		*place = 1;
	if (step.command == C2W_LEAVE_SESSION_REQUEST)
		--*place;
	return step;
}

void fz_generate(struct fz_breeder *breeder, struct fz_program *program)
{
	unsigned cast = 1 + fz_below(breeder, one_in(breeder, 20) ? FZ_CAST : FEW), length = 3 + fz_below(breeder, FZ_STEPS - 6), oddity = 2 + fz_below(breeder, 8);
	bool by_clock = one_in(breeder, 6), slow = one_in(breeder, 3);
	uint64_t clock = (one_in(breeder, 2) ? 7 : slow ? UINT64_C(4294967296) : 4294967290) * 1000000;
	int places[FZ_CAST];

	*program = (struct fz_program){ 0 };
	for (unsigned i = 0; i < FZ_CAST; i++) {
		program->tcp[i] = i > 0 && !one_in(breeder, 4) ? program->tcp[0] : one_in(breeder, 2);
		places[i] = -1;
	}
	if (one_in(breeder, 3))
		any_game(breeder, program);
	for (unsigned i = 0; i < length; i++) {
		unsigned client = fz_below(breeder, cast);
		struct fz_step step = one_in(breeder, oddity) ? any_step(breeder, client) : sensible_step(breeder, client, &places[client]);

		if (by_clock && step.action == FZ_SEND && step.time == FZ_TIME_FRESH)
			clock_steps(breeder, program, step, &clock, slow);
		else if (step.action == FZ_SEND && one_in(breeder, 16))
			repeated_steps(breeder, program, step);
		else
			fz_program_add(program, &step);
	}
	mend(breeder, program);
}

static void pass(struct fz_program *program, unsigned per_mille)
{
	fz_program_add(program, &(struct fz_step){ .action = FZ_WAIT, .wait = (uint16_t)per_mille });
}

/* Time is dear: several do so at once. */
enum { SILENT = 5, SPEAKER };

enum ack_form { NO_ACK, ACK_WITH_DATA, ACK_IN_OTHER_DIGITS, ACK_FORMS };

/* A request, and what acks it. Its TIME is half past so many seconds. */
static void acked_by_hand(struct fz_breeder *breeder, struct fz_program *program, unsigned client, enum c2w_command command, enum ack_form form, unsigned seconds)
{
	struct fz_step step = request_step(breeder, client, command);
	struct fz_step ack = { .action = FZ_SEND, .client = (uint8_t)client, .command = c2w_command_of(c2w_command_info(command)->family, C2W_ACK) };

	step.await = true;
	step.time = ack.time = FZ_TIME_TEXT;
	step.time_text = half_past(breeder, seconds);
	fz_program_add(program, &step);
	if (form == NO_ACK)
		return;
	ack.time_text = form == ACK_IN_OTHER_DIGITS ? half_past(breeder, seconds) : step.time_text;
	if (form == ACK_WITH_DATA && command != C2W_SEND_MESSAGE_REQUEST) {
		ack.data = FZ_DATA_TEXT;
		ack.data_text = texts[0];
	}
	fz_program_add(program, &ack);
}

/* REL-04, REL-07, REL-16: they do not ack, or in an odd way, all alike or each as it likes, while somebody else goes on. An ack that is not heeded
 * may have been lost; those of four hardly are. */
static void unacked(struct fz_breeder *breeder, struct fz_program *program, bool alike)
{
	unsigned seconds = 4000000000u + fz_below(breeder, 200000000), first = fz_below(breeder, COUNT(requests));
	enum ack_form form = one_in(breeder, 3) ? ACK_IN_OTHER_DIGITS : ACK_WITH_DATA;

	ask(breeder, program, SPEAKER, C2W_CONNECTION_REQUEST, true);
	for (unsigned i = 0; i < SILENT; i++) {
		if (!alike)
			form = one_in(breeder, 2) ? NO_ACK : (enum ack_form)fz_below(breeder, ACK_FORMS);
		program->tcp[i] = program->tcp[i] && !alike;
		if (alike || !one_in(breeder, 6))
			ask(breeder, program, i, C2W_CONNECTION_REQUEST, true);
		add(program, i, FZ_HOLD);
		acked_by_hand(breeder, program, i, requests[(first + (alike ? 0 : i)) % COUNT(requests)], form, seconds);
	}
	ask(breeder, program, SPEAKER, PICK(breeder, requests), true);
	pass(program, 1300);
}

/* REL-08, REL-16: they are silent for so long that the server forgets them; over TCP it does not. */
static void silent(struct fz_breeder *breeder, struct fz_program *program)
{
	struct fz_step again = { .action = FZ_SEND, .command = C2W_CONNECTION_REQUEST, .user = FZ_USER_OTHER, .await = true };

	program->tcp[0] = true;
	for (unsigned i = 0; i < SILENT; i++) {
		add(program, i, FZ_HOLD);
		ask(breeder, program, i, C2W_CONNECTION_REQUEST, true);
		if (one_in(breeder, 2))
			ask(breeder, program, i, PICK(breeder, requests), true);
	}
	for (unsigned i = 0; i < 3; i++)
		pass(program, 1900);
	ask(breeder, program, 0, C2W_USER_LIST_REQUEST, true);
	again.client = SPEAKER;
	again.other = 1;
	fz_program_add(program, &again);
	again.client = again.other = 2;
	fz_program_add(program, &again);
}

void fz_generate_patient(struct fz_breeder *breeder, struct fz_program *program, bool brief)
{
	*program = (struct fz_program){ 0 };
	for (unsigned i = 0; i < FZ_CAST; i++)
		program->tcp[i] = one_in(breeder, 4);
	!brief && one_in(breeder, 4) ? silent(breeder, program) : unacked(breeder, program, !brief && !one_in(breeder, 3));
	mend(breeder, program);
}

static void insert(struct fz_program *program, unsigned at, const struct fz_step *step)
{
	if (program->count == FZ_STEPS)
		return;
	memmove(&program->steps[at + 1], &program->steps[at], (program->count - at) * sizeof(program->steps[0]));
	program->steps[at] = *step;
	program->count++;
}

static void twist_step(struct fz_breeder *breeder, struct fz_step *step)
{
	switch (fz_below(breeder, 7)) {
	case 0:
		step->await = !step->await;
		return;
	case 1:
		step->joined = !step->joined;
		return;
	case 2:
		step->pieces = (uint16_t)fz_below(breeder, 60);
		return;
	case 3:
		step->client = somebody(breeder);
		return;
	case 4:
		twist_text(breeder, step->action == FZ_OCTETS || one_in(breeder, 2) ? &step->data_text : step->time == FZ_TIME_TEXT ? &step->time_text : &step->user_text);
		return;
	default:
		twist_field(breeder, step);
		return;
	}
}

static void change(struct fz_breeder *breeder, struct fz_program *program, const struct fz_program *other)
{
	unsigned at = fz_below(breeder, program->count + 1), from;
	struct fz_step step;

	switch (fz_below(breeder, 8)) {
	case 0:
		fz_program_remove(program, at, 1 + fz_below(breeder, 3));
		return;
	case 1:
	case 2:
		step = any_step(breeder, somebody(breeder));
		insert(program, at, &step);
		return;
	case 3:
		if (at < program->count) {
			step = program->steps[at];
			insert(program, fz_below(breeder, program->count + 1), &step);
		}
		return;
	case 4:
		if (at + 1 < program->count) {
			step = program->steps[at];
			program->steps[at] = program->steps[at + 1];
			program->steps[at + 1] = step;
		}
		return;
	case 5:
		for (from = other != NULL && other->count > 0 ? fz_below(breeder, other->count) : 0; other != NULL && from < other->count; from++)
			insert(program, at++, &other->steps[from]);
		return;
	case 6:
		program->tcp[somebody(breeder)] ^= true;
		return;
	default:
		if (at < program->count)
			twist_step(breeder, &program->steps[at]);
		return;
	}
}

/* Waits show new behaviour and would be inherited by more and more of the corpus: where they are dear, most are not. */
static void thin_waits(struct fz_breeder *breeder, struct fz_program *program)
{
	for (unsigned i = program->count; i-- > 0;)
		if (program->steps[i].action == FZ_WAIT && fz_below(breeder, 50) >= breeder->waits)
			fz_program_remove(program, i, 1);
}

void fz_mutate(struct fz_breeder *breeder, struct fz_program *program, const struct fz_program *other)
{
	unsigned changes = 1 + fz_below(breeder, 4);

	for (unsigned i = 0; i < changes; i++)
		change(breeder, program, other);
	thin_waits(breeder, program);
	mend(breeder, program);
	if (program->count == 0)
		fz_generate(breeder, program);
}
