/* Steps and fields made up, see blackbox_breed_inside.h. For blackbox_breed.c and blackbox_games.c. */
#include "fuzz/blackbox_breed_inside.h"

/* Octets at the edges of the grammar and of what servers do with them. */
static const struct fz_text texts[] = {
	T("hi", 1), T("", 1), T(" ", 1), T("  two  blanks  ", 1), T("a|b|c", 1), T("|", 1), T(": ", 1), T("a: b", 1), T("\xc3\xa9", 1), T("\xf0\x9f\x8e\xac", 1), T("<b>&amp;</b>", 1),
	T("x", 255), T("x", 256), T("x", 1023), T("x", 1024), T("x", 1025), T("\xc3\xa9", 512), T("y", 4000), T("%s%n%x", 1), T("%s", 64), T("../../etc/passwd", 1), T("'; --", 1),
	T("a,b", 1), T("MAIN_ROOM", 1), T("\t", 1), T("\x1b[31m", 1), T("0", 1), T("-1", 1), T("1,2|3,4", 1), T("\\", 1), T("\"", 1), T("\x7f", 1), T("?", 1), T("say it", 2),
	T("\xff", 1), T("\xc3", 1), T("a\0b", 1), T("a\rb", 1), T("a\nb", 1), T("a\r\nb", 1),
};
static const struct fz_text names[] = { /* those that are valid are anybody's */
	T("", 1), T("x", 33), T("x", 255), T("x", 256), T("no name", 1), T("a,b", 1), T("\xc3\xa9", 1), T("a b", 1), T("%n%n", 1), T("x", 1000), T("!", 1), T("a/b", 1), T(" ", 1),
	T("x", 1), T("x", 31), T("x", 32), T("Q", 32), T("0", 1), T(".", 1), T("-", 1), T("_", 1), T("MAIN_ROOM", 1), T("NEW_MESSAGE", 1), T("server", 1), T("null", 1), T("\xc3\xa9", 16), T("x\xc3\xa9", 40), T("\xe2\x82\xac", 80), T(" x", 1), T("x\t", 1),
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

struct fz_text fz_odd_text(struct fz_breeder *breeder)
{
	return PICK(breeder, texts);
}

struct fz_text fz_odd_name(struct fz_breeder *breeder)
{
	return PICK(breeder, names);
}

struct fz_text fz_odd_time(struct fz_breeder *breeder)
{
	return PICK(breeder, times);
}

/* ---- fields --------------------------------------------------------------------------------- */

void fz_twist_text(struct fz_breeder *breeder, struct fz_text *text)
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
		text->times = (uint16_t)(text->times + (fz_one_in(breeder, 2) ? 1 : -1));
		return;
	}
}

void fz_twist_field(struct fz_breeder *breeder, struct fz_step *step)
{
	switch (fz_below(breeder, 8)) {
	case 0:
		step->time = fz_one_in(breeder, 2) ? FZ_TIME_LAST : FZ_TIME_EARLIER;
		return;
	case 1:
		step->time = FZ_TIME_TEXT;
		step->time_text = PICK(breeder, times);
		return;
	case 2:
		step->user = FZ_USER_OTHER;
		step->miscased_user = fz_one_in(breeder, 2);
		step->other = step->miscased_user ? step->client : fz_somebody(breeder);
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
	unsigned movies = breeder->movies > 2 && !fz_one_in(breeder, 4) ? 2 : breeder->movies;

	step->data = FZ_DATA_MOVIE;
	step->movie = (uint8_t)(movies > 0 ? 1 + fz_below(breeder, movies) : 0);
	if (fz_one_in(breeder, 8)) {
		step->data = FZ_DATA_TEXT;
		step->data_text = PICK(breeder, texts);
	} else if (fz_one_in(breeder, 6)) {
		nearly_a_title(breeder, step);
	}
}

struct fz_step fz_request_step(struct fz_breeder *breeder, unsigned client, enum c2w_command command)
{
	struct fz_step step = { .action = FZ_SEND, .client = (uint8_t)client, .command = command, .await = !fz_one_in(breeder, 6) };

	if (command == C2W_SEND_MESSAGE_REQUEST) {
		step.data = FZ_DATA_TEXT;
		step.data_text = fz_one_in(breeder, 2) ? PICK(breeder, texts) : texts[0];
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
	struct fz_step step = fz_request_step(breeder, client, PICK(breeder, fz_requests));

	step.action = PICK(breeder, actions);
	if (step.action == FZ_OCTETS)
		step.data_text = PICK(breeder, junk);
	if (step.action == FZ_SEND)
		fz_twist_field(breeder, &step);
	if (fz_one_in(breeder, 4))
		step.pieces = (uint16_t)(1 + fz_below(breeder, 40));
	step.joined = fz_one_in(breeder, 5);
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
	enum c2w_command command = PICK(breeder, fz_requests);
	const char *word = wrong == 5 ? PICK(breeder, odd_words) : c2w_command_info(command)->name;
	const char *time = wrong == 0 ? PICK(breeder, bad_times) : PICK(breeder, good_times), *gap = wrong == 1 ? PICK(breeder, gaps) : ": ";
	const char *end = wrong >= 2 && wrong < 4 ? PICK(breeder, ends) : command == C2W_SEND_MESSAGE_REQUEST ? "|hi\r\n" : "|\r\n";
	char text[FZ_LITERAL + 1];

	snprintf(text, sizeof(text), "%s%s%s%s", time, gap, word, wrong == 4 ? " |" : "|");
	step.data_text = fz_text_of(c2w_str_of(text));
	step.word = wrong == 3 && fz_one_in(breeder, 3) ? (struct fz_text)T("|\0\r\n", 1) : fz_text_of(c2w_str_of(end));
	return step;
}

/* Names that are nobody's yet, and names that are somebody's. */
static struct fz_step connects_as(struct fz_breeder *breeder, unsigned client)
{
	static const struct fz_text ends[] = { T("", 1), T("", 1), T("", 1), T(".", 1), T("x", 1), T("X", 1), T("_", 1), T("-", 1), T("-x", 1), T("-X", 1), T(" ", 1), T("x", 240), T("0", 1) };
	struct fz_step step = fz_request_step(breeder, client, C2W_CONNECTION_REQUEST);

	step.await = true;
	if (fz_one_in(breeder, 3)) {
		step.user = FZ_USER_TEXT;
		step.user_text = PICK(breeder, names);
		return step;
	}
	step.user = FZ_USER_OTHER;
	step.other = fz_somebody(breeder);
	step.word = PICK(breeder, ends);
	step.miscased_user = fz_one_in(breeder, 8);
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

struct fz_step fz_any_step(struct fz_breeder *breeder, unsigned client)
{
	struct fz_step step = { .action = FZ_WAIT, .wait = (uint16_t)(200 + 300 * fz_below(breeder, 5)) };

	if (fz_below(breeder, 1000) < breeder->waits)
		return step;
	if (fz_one_in(breeder, 6))
		return nearly_a_message(breeder, client);
	if (fz_one_in(breeder, 12))
		return connects_as(breeder, client);
	if (fz_one_in(breeder, 60))
		return just_so_long(breeder, client);
	return fz_one_in(breeder, 3) ? odd_step(breeder, client) : fz_request_step(breeder, client, PICK(breeder, fz_requests));
}
