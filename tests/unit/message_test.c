/* Tests protocol/message.c: the grammar from both sides of every limit, each reason to reject a message, what is
 * still read of a rejected one, and that no octet beyond the input is touched. Run by tests/unit; owns what it allocates. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "protocol/message.h"
#include "tests/unit/guard.h"

enum { ROOM = 65536 + 64 };

static struct guard guard;

static int set_up(void **state)
{
	(void)state;
	guard = guard_new(ROOM);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	guard_free(&guard);
	return 0;
}

static enum c2w_err parse(struct c2w_message *message, struct c2w_str octets, size_t max)
{
	return c2w_message_parse(message, guard_flush(&guard, octets.at, octets.length), octets.length, max);
}

static void assert_str(struct c2w_str got, struct c2w_str expected)
{
	assert_int_equal(got.length, expected.length);
	if (expected.length > 0)
		assert_memory_equal(got.at, expected.at, expected.length);
}

/* `count` times `octet` between two strings. */
static struct c2w_str stretched(char to[ROOM], const char *before, char octet, size_t count, const char *behind)
{
	struct c2w_str head = c2w_str_of(before), tail = c2w_str_of(behind);

	memcpy(to, head.at, head.length);
	memset(to + head.length, octet, count);
	memcpy(to + head.length + count, tail.at, tail.length);
	return (struct c2w_str){ to, head.length + count + tail.length };
}

static enum c2w_err parse_stretched(const char *before, char octet, size_t count, const char *behind, size_t max)
{
	static char octets[ROOM];
	struct c2w_message message;

	return parse(&message, stretched(octets, before, octet, count, behind), max);
}

/* ---- round trips -------------------------------------------------------------------------- */

static const unsigned highest_code[] = { [0] = 0, [1] = 9, [4] = 9999 };

/* One message of each command, of each error one with its lowest and one with its highest code. */
static size_t message_of(enum c2w_command command, bool highest, char *to, size_t size)
{
	const struct c2w_command_info *info = c2w_command_info(command);
	struct c2w_message message = {
		.time_text = C2W_STR("7.50"),
		.command = command,
		.code = highest ? highest_code[info->digits] : 0,
		.user = C2W_STR("alice"),
		.data = info->data ? C2W_STR("a|b: \xC3\xA9 ") : C2W_STR(""),
	};
	long length = c2w_message_format(to, size, &message);

	assert_true(length > 0);
	return (size_t)length;
}

static void every_command_comes_back(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_COMMANDS; i++) {
		for (int highest = 0; highest < 2; highest++) {
			const struct c2w_command_info *info = c2w_command_info((enum c2w_command)i);
			struct c2w_message message;
			char octets[128], again[128];
			size_t length = message_of((enum c2w_command)i, highest, octets, sizeof octets);

			assert_int_equal(parse(&message, (struct c2w_str){ octets, length }, 4096), C2W_OK);
			assert_str(message.time_text, C2W_STR("7.50"));
			assert_int_equal(message.time, 7500000);
			assert_int_equal(message.command, i);
			assert_int_equal(message.code, highest ? highest_code[info->digits] : 0);
			assert_str(message.user, C2W_STR("alice"));
			assert_str(message.data, info->data ? C2W_STR("a|b: \xC3\xA9 ") : C2W_STR(""));
			assert_int_equal(c2w_message_format(again, sizeof again, &message), length);
			assert_memory_equal(again, octets, length);
		}
	}
}

static void an_example_on_the_wire(void **state)
{
	static const char wire[] = "1511367000.125: CONNECTION_REQUEST|alice|\r\n";
	struct c2w_message message = {
		.time_text = C2W_STR("1511367000.125"), .command = C2W_CONNECTION_REQUEST, .user = C2W_STR("alice")
	};
	char octets[64];

	(void)state;
	assert_int_equal(c2w_message_format(octets, sizeof octets, &message), sizeof wire - 1);
	assert_memory_equal(octets, wire, sizeof wire - 1);
	message = (struct c2w_message){ .time_text = C2W_STR("1"), .command = C2W_LEAVE_SESSION_ERROR, .code = 1 };
	assert_int_equal(c2w_message_format(octets, sizeof octets, &message), 28);
	assert_memory_equal(octets, "1: LEAVE_SESSION_ERROR_1||\r\n", 28);
	message = (struct c2w_message){ .command_text = C2W_STR("\xFF""any"), .command = C2W_ENTER_MOVIE_ERROR, .code = 7 };
	assert_int_equal(c2w_message_format(octets, sizeof octets, &message), 10);
	assert_memory_equal(octets, ": \xFF""any||\r\n", 10);
	message.command_text = C2W_STR("x");
	assert_int_equal(c2w_message_format(octets, sizeof octets, &message), 7);
	assert_memory_equal(octets, ": x||\r\n", 7);
	message.command_text = (struct c2w_str){ 0 };
	assert_int_equal(c2w_message_format(octets, sizeof octets, &message), 28);
	assert_memory_equal(octets, ": ENTER_MOVIE_ERROR_0007||\r\n", 28);
}

static void format_stays_in_its_room(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_COMMANDS; i++) {
		char octets[128];
		size_t length = message_of((enum c2w_command)i, true, octets, sizeof octets);
		struct c2w_message message;

		assert_int_equal(parse(&message, (struct c2w_str){ octets, length }, 0), C2W_OK);
		message.command_text = (struct c2w_str){ 0 };
		message.time_text = C2W_STR("7.50");
		message.user = C2W_STR("alice");
		message.data = c2w_command_info(message.command)->data ? C2W_STR("a|b: \xC3\xA9 ") : C2W_STR("");
		for (size_t size = 0; size < length; size++)
			assert_int_equal(c2w_message_format(guard.end - size, size, &message), C2W_ERR_SPACE);
		assert_int_equal(c2w_message_format(guard.end - length, length, &message), length);
		assert_memory_equal(guard.end - length, octets, length);
	}
}

/* ---- prefixes ----------------------------------------------------------------------------- */

static void every_prefix_is_refused_for_its_end(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_COMMANDS; i++) {
		char octets[128];
		size_t length = message_of((enum c2w_command)i, true, octets, sizeof octets);

		for (size_t cut = 0; cut < length; cut++) {
			struct c2w_message message;

			assert_int_equal(parse(&message, (struct c2w_str){ octets, cut }, 4096), C2W_ERR_NO_CRLF);
			assert_int_equal(message.time, cut == 0 || cut == 2 ? -1 : cut == 1 ? 7000000 : 7500000);
			assert_true(message.data.length <= cut && message.user.length <= cut);
		}
	}
}

/* "7.50: COMMAND|alice|…", cut behind `cut` octets, and a CRLF there. */
static enum c2w_err expected_of(const char *octets, size_t cut)
{
	const char *first = strchr(octets, '|'), *second = strchr(first + 1, '|');

	if (cut == 0 || cut == 2)
		return C2W_ERR_TIME;
	if (cut <= 4)
		return C2W_ERR_NO_COLON;
	if (cut == 5)
		return C2W_ERR_NO_BLANK;
	return octets + cut <= second ? C2W_ERR_NO_PIPE : C2W_OK;
}

static void every_prefix_with_an_end_is_refused_for_what_it_lacks(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_COMMANDS; i++) {
		char octets[128] = "", prefix[128];
		size_t length = message_of((enum c2w_command)i, true, octets, sizeof octets);

		for (size_t cut = 0; cut <= length - 2; cut++) {
			struct c2w_message message;

			memcpy(prefix, octets, cut);
			prefix[cut] = '\r';
			prefix[cut + 1] = '\n';
			assert_int_equal(parse(&message, (struct c2w_str){ prefix, cut + 2 }, 4096),
			                 cut > 0 && prefix[cut - 1] == '\xC3' ? C2W_ERR_UTF8 : expected_of(octets, cut));
		}
	}
}

/* ---- reasons ------------------------------------------------------------------------------ */

#define CASE(octets, err) { C2W_STR_INIT(octets), C2W_ERR_##err }

static const struct {
	struct c2w_str octets;
	enum c2w_err err;
} rejected[] = {
	CASE("", NO_CRLF),
	CASE("\r", NO_CRLF),
	CASE("\n", NO_CRLF),
	CASE("1: NEW_MESSAGE|a|b", NO_CRLF),
	CASE("1: NEW_MESSAGE|a|b\n", NO_CRLF),
	CASE("1: NEW_MESSAGE|a|b\r", NO_CRLF),
	CASE("1: NEW_MESSAGE|a|b\n\r", NO_CRLF),
	CASE("1: NEW_MESSAGE|a|b\r\n\0", AFTER_CRLF),
	CASE("1: NEW_MESSAGE|a|b\r\n\n", AFTER_CRLF),
	CASE("1: NEW_MESSAGE|a|b\r\n1: NEW_MESSAGE|a|b\r\n", AFTER_CRLF),
	CASE("\r\n1: NEW_MESSAGE|a|b\r\n", AFTER_CRLF),
	CASE("\r\n", TIME),
	CASE(": NEW_MESSAGE|a|b\r\n", TIME),
	CASE("x: NEW_MESSAGE|a|b\r\n", TIME),
	CASE(" 1: NEW_MESSAGE|a|b\r\n", TIME),
	CASE("1 : NEW_MESSAGE|a|b\r\n", TIME),
	CASE("+1: NEW_MESSAGE|a|b\r\n", TIME),
	CASE("-1: NEW_MESSAGE|a|b\r\n", TIME),
	CASE("1.: NEW_MESSAGE|a|b\r\n", TIME),
	CASE(".5: NEW_MESSAGE|a|b\r\n", TIME),
	CASE("1e3: NEW_MESSAGE|a|b\r\n", TIME),
	CASE("1,5: NEW_MESSAGE|a|b\r\n", TIME),
	CASE("1.2.3: NEW_MESSAGE|a|b\r\n", TIME),
	CASE("\xD9\xA1: NEW_MESSAGE|a|b\r\n", TIME),
	CASE("NEW_MESSAGE|a|b\r\n", TIME),
	CASE("1 NEW_MESSAGE|a|b\r\n", NO_COLON),
	CASE("1 NEW_MESSAGE|a|b: c\r\n", NO_COLON),
	CASE("1|a|b\r\n", NO_COLON),
	CASE("1 |a|b\r\n", NO_COLON),
	CASE("1:NEW_MESSAGE|a|b\r\n", NO_BLANK),
	CASE("1:  NEW_MESSAGE|a|b\r\n", NO_BLANK),
	CASE("1:\tNEW_MESSAGE|a|b\r\n", NO_BLANK),
	CASE("1:\r\n", NO_BLANK),
	CASE("1: \r\n", NO_PIPE),
	CASE("1: NEW_MESSAGE\r\n", NO_PIPE),
	CASE("1: NEW_MESSAGE|a\r\n", NO_PIPE),
	CASE("1: NEW_MESSAGE,a,b\r\n", NO_PIPE),
	CASE("1: |a|b\r\n", COMMAND),
	CASE("1: new_message|a|b\r\n", COMMAND),
	CASE("1: New_MESSAGE|a|b\r\n", COMMAND),
	CASE("1: NEW-MESSAGE|a|b\r\n", COMMAND),
	CASE("1: NEW_MESSAGE |a|b\r\n", COMMAND),
	CASE("1: \tNEW_MESSAGE|a|b\r\n", COMMAND),
	CASE("1: N\xC3\x89W|a|b\r\n", COMMAND),
	CASE("1: NEW_MESSAGE|a|\0\r\n", NUL),
	CASE("\0001: NEW_MESSAGE|a|b\r\n", NUL),
	CASE("\0\r\n", NUL),
	CASE("1: NEW_MESSAGE|a\0|b\r\n", NUL),
	CASE("1: NEW_MESSAGE|a|\r\r\n", CR_OR_LF),
	CASE("1: NEW_MESSAGE|a|\rb\r\n", CR_OR_LF),
	CASE("1: NEW_MESSAGE|a|\nb\r\n", CR_OR_LF),
	CASE("1: NEW_MESSAGE|a\n|b\r\n", CR_OR_LF),
	CASE("\n1: NEW_MESSAGE|a|b\r\n", CR_OR_LF),
	CASE("1: NEW_MESSAGE|a|\xFF\r\n", UTF8),
	CASE("1: NEW_MESSAGE|\xC3|b\r\n", UTF8),
	CASE("1: NEW_MESSAGE|\xC3|\xA9\r\n", UTF8),
	CASE("1: FOO|a|b\r\n", UNKNOWN),
	CASE("1: _|a|b\r\n", UNKNOWN),
	CASE("1: NEW_MESSAGES|a|b\r\n", UNKNOWN),
	CASE("1: NEW_MESSAG|a|b\r\n", UNKNOWN),
	CASE("1: CONNECTION_ERROR|a|b\r\n", UNKNOWN),
	CASE("1: CONNECTION_ERROR_|a|b\r\n", UNKNOWN),
	CASE("1: CONNECTION_ERROR_XXXX|a|b\r\n", UNKNOWN),
	CASE("1: CONNECTION_ERROR_100|a|b\r\n", UNKNOWN),
	CASE("1: CONNECTION_ERROR_10011|a|b\r\n", UNKNOWN),
	CASE("1: CONNECTION_ERROR01001|a|b\r\n", UNKNOWN),
	CASE("1: LEAVE_SESSION_ERROR_11|a|b\r\n", UNKNOWN),
	CASE("1: LEAVE_SESSION_GRANTED_1|a|b\r\n", UNKNOWN),
};

static void each_reason_is_given(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rejected / sizeof *rejected; i++) {
		struct c2w_message message;
		enum c2w_err err = parse(&message, rejected[i].octets, 4096);

		if (err != rejected[i].err)
			fail_msg("case %zu, %s: %s", i, rejected[i].octets.at, c2w_err_text(err));
	}
}

static const struct {
	enum c2w_err err;
	const char *name, *text;
} errors[] = {
#define C2W_ERR(name, text) { C2W_ERR_##name, #name, text },
#include "protocol/errors.def"
#undef C2W_ERR
};

/* What the parser never says, or says at the limits below. */
static bool needs_no_case(enum c2w_err err)
{
	return err == C2W_ERR_MORE || err == C2W_ERR_SPACE || err == C2W_ERR_VALUE || err == C2W_ERR_TOO_LONG || err == C2W_ERR_USER;
}

static void no_reason_is_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		bool seen = needs_no_case(errors[i].err);

		for (size_t j = 0; j < sizeof rejected / sizeof *rejected; j++)
			seen = seen || rejected[j].err == errors[i].err;
		if (!seen)
			fail_msg("no case for %s", errors[i].name);
		assert_string_equal(c2w_err_text(errors[i].err), errors[i].text);
	}
	assert_string_equal(c2w_err_text(C2W_OK), "");
}

static void the_first_fault_is_named(void **state)
{
	struct c2w_message message;

	(void)state;
	assert_int_equal(parse(&message, C2W_STR("x:y\0\xFF\r"), 3), C2W_ERR_TOO_LONG);
	assert_int_equal(parse(&message, C2W_STR("x:y\0\xFF\r"), 0), C2W_ERR_NO_CRLF);
	assert_int_equal(parse(&message, C2W_STR("x:y\0\r\xFF\r\n"), 0), C2W_ERR_NUL);
	assert_int_equal(parse(&message, C2W_STR("x:y\r\xFF\r\n"), 0), C2W_ERR_CR_OR_LF);
	assert_int_equal(parse(&message, C2W_STR("x:y\xFF\r\n"), 0), C2W_ERR_UTF8);
	assert_int_equal(parse(&message, C2W_STR("x:y\r\n"), 0), C2W_ERR_TIME);
	assert_int_equal(parse(&message, C2W_STR("1:y\r\n"), 0), C2W_ERR_NO_BLANK);
	assert_int_equal(parse(&message, C2W_STR("1: y\r\n"), 0), C2W_ERR_NO_PIPE);
	assert_int_equal(parse(&message, C2W_STR("1: y|\r\n"), 0), C2W_ERR_COMMAND);
	assert_int_equal(parse(&message, C2W_STR("1: Y|\r\n"), 0), C2W_ERR_NO_PIPE);
	assert_int_equal(parse(&message, C2W_STR("1: Y||\r\n"), 0), C2W_ERR_UNKNOWN);
}

/* ---- limits ------------------------------------------------------------------------------- */

static void the_longest_message(void **state)
{
	static const char head[] = "1: SEND_MESSAGE_REQUEST|a|";
	const size_t fixed = sizeof head - 1 + 2;

	(void)state;
	for (size_t max = 4096; max <= 65536; max *= 16) {
		assert_int_equal(parse_stretched(head, 'x', max - fixed - 1, "\r\n", max), C2W_OK);
		assert_int_equal(parse_stretched(head, 'x', max - fixed, "\r\n", max), C2W_OK);
		assert_int_equal(parse_stretched(head, 'x', max - fixed + 1, "\r\n", max), C2W_ERR_TOO_LONG);
		assert_int_equal(parse_stretched(head, 'x', max - fixed + 1, "\r\n", 0), C2W_OK);
		assert_int_equal(parse_stretched(head, 'x', max - fixed + 1, "\r\n", 1), C2W_ERR_TOO_LONG);
	}
}

static void the_longest_fields(void **state)
{
	(void)state;
	assert_int_equal(parse_stretched("", '9', 9, ": NEW_MESSAGE|a|\r\n", 0), C2W_OK);
	assert_int_equal(parse_stretched("", '9', 10, ": NEW_MESSAGE|a|\r\n", 0), C2W_OK);
	assert_int_equal(parse_stretched("", '9', 11, ": NEW_MESSAGE|a|\r\n", 0), C2W_ERR_TIME);
	assert_int_equal(parse_stretched("1.", '9', 5, ": NEW_MESSAGE|a|\r\n", 0), C2W_OK);
	assert_int_equal(parse_stretched("1.", '9', 6, ": NEW_MESSAGE|a|\r\n", 0), C2W_OK);
	assert_int_equal(parse_stretched("1.", '9', 7, ": NEW_MESSAGE|a|\r\n", 0), C2W_ERR_TIME);
	assert_int_equal(parse_stretched("1: ", 'A', 63, "|a|\r\n", 0), C2W_ERR_UNKNOWN);
	assert_int_equal(parse_stretched("1: ", 'A', 64, "|a|\r\n", 0), C2W_ERR_UNKNOWN);
	assert_int_equal(parse_stretched("1: ", 'A', 65, "|a|\r\n", 0), C2W_ERR_COMMAND);
	assert_int_equal(parse_stretched("1: NEW_MESSAGE|", 'a', 0, "|\r\n", 0), C2W_OK);
	assert_int_equal(parse_stretched("1: NEW_MESSAGE|", 'a', 254, "|\r\n", 0), C2W_OK);
	assert_int_equal(parse_stretched("1: NEW_MESSAGE|", 'a', 255, "|\r\n", 0), C2W_OK);
	assert_int_equal(parse_stretched("1: NEW_MESSAGE|", 'a', 256, "|\r\n", 0), C2W_ERR_USER);
}

/* ---- octets ------------------------------------------------------------------------------- */

static void any_octet_in_the_data(void **state)
{
	(void)state;
	for (int octet = 0; octet < 256; octet++) {
		enum c2w_err expected = octet == 0 ? C2W_ERR_NUL : octet == '\r' || octet == '\n' ? C2W_ERR_CR_OR_LF :
		                        octet >= 0x80 ? C2W_ERR_UTF8 : C2W_OK;

		assert_int_equal(parse_stretched("1: NEW_MESSAGE|a|b", (char)octet, 1, "c\r\n", 0), expected);
		assert_int_equal(parse_stretched("1: NEW_MESSAGE|a", (char)octet, 1, "b|c\r\n", 0), expected);
	}
}

static void any_octet_in_the_command(void **state)
{
	(void)state;
	for (int octet = 1; octet < 0x80; octet++) {
		bool fits = (octet >= 'A' && octet <= 'Z') || (octet >= '0' && octet <= '9') || octet == '_';

		if (octet == '\r' || octet == '\n' || octet == '|')
			continue;
		assert_int_equal(parse_stretched("1: A", (char)octet, 1, "Z|a|b\r\n", 0), fits ? C2W_ERR_UNKNOWN : C2W_ERR_COMMAND);
	}
}

static void only_two_pipes_separate(void **state)
{
	struct c2w_message message;

	(void)state; /* FMT-04 */
	assert_int_equal(parse(&message, C2W_STR("1: NEW_MESSAGE|a: b|c|d: |e|\r\n"), 0), C2W_OK);
	assert_str(message.user, C2W_STR("a: b"));
	assert_str(message.data, C2W_STR("c|d: |e|"));
	assert_int_equal(parse(&message, C2W_STR("1: NEW_MESSAGE||||\r\n"), 0), C2W_OK);
	assert_str(message.user, C2W_STR(""));
	assert_str(message.data, C2W_STR("||"));
}

static void utf8_is_checked(void **state)
{
	static const struct {
		struct c2w_str octets;
		bool valid;
	} cases[] = {
		{ C2W_STR_INIT(""), true },
		{ C2W_STR_INIT("plain"), true },
		{ C2W_STR_INIT("\x7F"), true },
		{ C2W_STR_INIT("\xC2\x80"), true },
		{ C2W_STR_INIT("\xDF\xBF"), true },
		{ C2W_STR_INIT("\xE0\xA0\x80"), true },
		{ C2W_STR_INIT("\xED\x9F\xBF"), true },
		{ C2W_STR_INIT("\xEE\x80\x80"), true },
		{ C2W_STR_INIT("\xEF\xBF\xBF"), true },
		{ C2W_STR_INIT("\xF0\x90\x80\x80"), true },
		{ C2W_STR_INIT("\xF4\x8F\xBF\xBF"), true },
		{ C2W_STR_INIT("\x80"), false },             /* a continuation alone */
		{ C2W_STR_INIT("\xC0\xAF"), false },         /* overlong */
		{ C2W_STR_INIT("\xC1\xBF"), false },
		{ C2W_STR_INIT("\xE0\x9F\xBF"), false },
		{ C2W_STR_INIT("\xF0\x8F\xBF\xBF"), false },
		{ C2W_STR_INIT("\xED\xA0\x80"), false },     /* surrogates */
		{ C2W_STR_INIT("\xED\xBF\xBF"), false },
		{ C2W_STR_INIT("\xF4\x90\x80\x80"), false }, /* above U+10FFFF */
		{ C2W_STR_INIT("\xF5\x80\x80\x80"), false },
		{ C2W_STR_INIT("\xFE"), false },
		{ C2W_STR_INIT("\xC3"), false },             /* cut short */
		{ C2W_STR_INIT("\xE2\x82"), false },
		{ C2W_STR_INIT("\xF0\x9F\x98"), false },
		{ C2W_STR_INIT("\xC3x"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct c2w_str octets = { guard_flush(&guard, cases[i].octets.at, cases[i].octets.length), cases[i].octets.length };

		if (c2w_utf8_valid(octets) != cases[i].valid)
			fail_msg("case %zu", i);
	}
}

/* ---- what is read of a message that is refused ---------------------------------------------- */

static void fields_survive_errors(void **state)
{
	static const struct c2w_str whole[] = {
		C2W_STR_INIT("7.50: NEW_MESSAGE|bob|hi"),
		C2W_STR_INIT("7.50: NEW_MESSAGE|bob|hi\n"),
		C2W_STR_INIT("7.50: NEW_MESSAGE|bob|hi\r"),
		C2W_STR_INIT("7.50: NEW_MESSAGE|bob|hi\r\n7.51: USER_LIST_RESPONSE|al|x\r\n"),
		C2W_STR_INIT("7.50 NEW_MESSAGE|bob|hi\r\n"),
		C2W_STR_INIT("7.50:NEW_MESSAGE|bob|hi\r\n"),
		C2W_STR_INIT("7.50:   NEW_MESSAGE|bob|hi\r\n"),
	};
	struct c2w_message message;

	(void)state;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
		assert_int_not_equal(parse(&message, whole[i], 0), C2W_OK);
		assert_str(message.time_text, C2W_STR("7.50"));
		assert_int_equal(message.time, 7500000);
		assert_int_equal(message.command, C2W_NEW_MESSAGE);
		assert_str(message.user, C2W_STR("bob"));
		assert_str(message.data, C2W_STR("hi"));
	}
	assert_int_equal(parse(&message, C2W_STR("7.1234567: CONNECTION_ERROR_1002|bob|\r\n"), 0), C2W_ERR_TIME);
	assert_str(message.time_text, C2W_STR("7.1234567"));
	assert_int_equal(message.time, -1);
	assert_int_equal(message.command, C2W_CONNECTION_ERROR);
	assert_int_equal(message.code, 1002);
	assert_int_equal(parse(&message, C2W_STR("7: CONNECTION_GRANTED|bob\r\n"), 0), C2W_ERR_NO_PIPE);
	assert_int_equal(message.command, C2W_CONNECTION_GRANTED);
	assert_str(message.user, C2W_STR("bob"));
	assert_str(message.data, C2W_STR(""));
	assert_int_equal(parse(&message, C2W_STR("CONNECTION_GRANTED|bob|\r\n"), 0), C2W_ERR_TIME);
	assert_int_equal(message.command, C2W_NO_COMMAND);
	assert_int_equal(parse(&message, C2W_STR("7: Foo|bob|x\r\n"), 0), C2W_ERR_COMMAND);
	assert_str(message.command_text, C2W_STR("Foo"));
	assert_str(message.user, C2W_STR("bob"));
}

/* Whatever parses is written back octet for octet; whatever does not stays inside its octets. */
static void mutated_messages(void **state)
{
	static const char pool[] = "7.: |\r\nA_0a\xC3\xA9\xFF\x00";
	uint64_t seed = 1;
	unsigned accepted = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		char octets[128], again[128];
		size_t length = message_of((enum c2w_command)(1 + i % (C2W_COMMANDS - 1)), i & 1, octets, sizeof octets);
		struct c2w_message message;

		for (unsigned change = 0; change < 1 + i % 3; change++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			octets[(seed >> 33) % length] = pool[(seed >> 20) % (sizeof pool - 1)];
		}
		if (parse(&message, (struct c2w_str){ octets, length }, 4096) == C2W_OK) {
			accepted++;
			assert_int_equal(c2w_message_format(again, sizeof again, &message), length);
			assert_memory_equal(again, octets, length);
		}
	}
	assert_in_range(accepted, 5000, 50000);
}

/* ---- commands ----------------------------------------------------------------------------- */

static void commands_are_found_octet_for_octet(void **state)
{
	unsigned code = 77;

	(void)state; /* FMT-06, FMT-08 */
	for (int i = 1; i < C2W_COMMANDS; i++) {
		const struct c2w_command_info *info = c2w_command_info((enum c2w_command)i);
		const char *digits = info->digits == 0 ? "" : info->digits == 1 ? "_7" : "_0042";
		char text[C2W_MAX_COMMAND + 1];

		snprintf(text, sizeof text, "%s%s", info->name, digits);
		if (info->digits > 0)
			assert_int_equal(c2w_command_find(c2w_str_of(info->name), NULL), C2W_NO_COMMAND);
		assert_int_equal(c2w_command_find(c2w_str_of(text), &code), i);
		assert_int_equal(code, info->digits == 0 ? 0 : info->digits == 1 ? 7 : 42);
		assert_int_equal(c2w_command_find(c2w_str_of(text), NULL), i);
		text[0] = (char)(text[0] + ('a' - 'A'));
		assert_int_equal(c2w_command_find(c2w_str_of(text), &code), C2W_NO_COMMAND);
		assert_int_equal(code, 0);
	}
	assert_int_equal(c2w_command_find((struct c2w_str){ 0 }, &code), C2W_NO_COMMAND);
}

static void families_have_their_beats(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_COMMANDS; i++) {
		const struct c2w_command_info *info = c2w_command_info((enum c2w_command)i);

		assert_int_equal(c2w_command_of(info->family, info->beat), i);
		assert_int_equal(info->sender, info->beat == C2W_REQUEST || info->beat == C2W_ACK ? C2W_CLIENT : C2W_SERVER);
	}
	assert_int_equal(c2w_command_of(C2W_CHAT, C2W_REQUEST), C2W_SEND_MESSAGE_REQUEST);
	assert_int_equal(c2w_command_of(C2W_CHAT, C2W_RESPONSE), C2W_NEW_MESSAGE);
	assert_int_equal(c2w_command_of(C2W_CHAT, C2W_ERROR_RESPONSE), C2W_NO_COMMAND);
	assert_int_equal(c2w_command_of(C2W_USER_LIST, C2W_ERROR_RESPONSE), C2W_NO_COMMAND);
}

/* ---- what may stand in a field ------------------------------------------------------------ */

static void user_names(void **state)
{
	char name[C2W_MAX_USER_NAME + 1];

	(void)state; /* CON-03 */
	memset(name, 'a', sizeof name);
	assert_false(c2w_user_name_valid((struct c2w_str){ 0 }));
	for (size_t length = 1; length <= C2W_MAX_USER_NAME; length++)
		assert_true(c2w_user_name_valid((struct c2w_str){ name, length }));
	assert_false(c2w_user_name_valid((struct c2w_str){ name, C2W_MAX_USER_NAME + 1 }));
	for (int octet = 0; octet < 256; octet++) {
		bool fits = octet > 0 && octet < 0x80 &&
		            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", octet) != NULL;

		name[2] = (char)octet;
		assert_int_equal(c2w_user_name_valid((struct c2w_str){ name, 3 }), fits);
	}
}

static void titles(void **state)
{
	struct c2w_str main_room = C2W_STR("MAIN_ROOM");
	char title[C2W_MAX_TITLE + 1];

	(void)state;
	memset(title, 'a', sizeof title);
	assert_false(c2w_title_valid((struct c2w_str){ 0 }, main_room));
	assert_true(c2w_title_valid((struct c2w_str){ title, C2W_MAX_TITLE - 1 }, main_room));
	assert_true(c2w_title_valid((struct c2w_str){ title, C2W_MAX_TITLE }, main_room));
	assert_false(c2w_title_valid((struct c2w_str){ title, C2W_MAX_TITLE + 1 }, main_room));
	assert_false(c2w_title_valid(main_room, main_room));
	assert_true(c2w_title_valid(C2W_STR("main_room"), main_room));
	assert_true(c2w_title_valid(C2W_STR("Yes, Am\xC3\xA9lie: 2"), main_room));
	assert_true(c2w_title_valid(C2W_STR(" "), main_room));
	assert_false(c2w_title_valid(C2W_STR("Am\xE9lie"), main_room));
	assert_false(c2w_title_valid(C2W_STR("a|b"), main_room));
	assert_false(c2w_title_valid(C2W_STR("|"), main_room));
	assert_false(c2w_title_valid(C2W_STR("a\0b"), main_room));
	assert_false(c2w_title_valid(C2W_STR("a\rb"), main_room));
	assert_false(c2w_title_valid(C2W_STR("a\nb"), main_room));
}

static void streams(void **state)
{
	static const struct {
		struct c2w_str text;
		bool valid;
	} cases[] = { /* ENT-06 */
		{ C2W_STR_INIT("192.0.2.7:5004"), true },
		{ C2W_STR_INIT("127.0.0.1:1"), true },
		{ C2W_STR_INIT("255.255.255.255:65535"), true },
		{ C2W_STR_INIT("[2001:db8::7]:5004"), true },
		{ C2W_STR_INIT("[::]:5004"), true },
		{ C2W_STR_INIT("[::ffff:192.0.2.7]:5004"), true },
		{ C2W_STR_INIT("[1111:2222:3333:4444:5555:6666:255.255.255.255]:65535"), true },
		{ C2W_STR_INIT(""), false },
		{ C2W_STR_INIT(":"), false },
		{ C2W_STR_INIT(":5004"), false },
		{ C2W_STR_INIT("192.0.2.7"), false },
		{ C2W_STR_INIT("192.0.2.7:"), false },
		{ C2W_STR_INIT("192.0.2.7:0"), false },
		{ C2W_STR_INIT("192.0.2.7:65536"), false },
		{ C2W_STR_INIT("192.0.2.7:99999999999999999999"), false },
		{ C2W_STR_INIT("192.0.2.7:-1"), false },
		{ C2W_STR_INIT("192.0.2.7:5004 "), false },
		{ C2W_STR_INIT(" 192.0.2.7:5004"), false },
		{ C2W_STR_INIT("192.0.2:5004"), false },
		{ C2W_STR_INIT("192.0.2.256:5004"), false },
		{ C2W_STR_INIT("[192.0.2.7]:5004"), false },
		{ C2W_STR_INIT("2001:db8::7:5004"), false },
		{ C2W_STR_INIT("[2001:db8::7:5004"), false },
		{ C2W_STR_INIT("[]:5004"), false },
		{ C2W_STR_INIT("[:5004"), false },
		{ C2W_STR_INIT("[fe80::1%lo]:5004"), false },
		{ C2W_STR_INIT("localhost:5004"), false },
		{ C2W_STR_INIT("127.0.0.1\0:5004"), false },
		{ C2W_STR_INIT("udp://192.0.2.7:5004"), false },
		{ C2W_STR_INIT("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:5004"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct c2w_str text = { guard_flush(&guard, cases[i].text.at, cases[i].text.length), cases[i].text.length };

		if (c2w_stream_valid(text) != cases[i].valid)
			fail_msg("case %zu: %s", i, cases[i].text.at);
	}
	assert_false(c2w_stream_valid((struct c2w_str){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_comes_back),
		cmocka_unit_test(an_example_on_the_wire),
		cmocka_unit_test(format_stays_in_its_room),
		cmocka_unit_test(every_prefix_is_refused_for_its_end),
		cmocka_unit_test(every_prefix_with_an_end_is_refused_for_what_it_lacks),
		cmocka_unit_test(each_reason_is_given),
		cmocka_unit_test(no_reason_is_left_out),
		cmocka_unit_test(the_first_fault_is_named),
		cmocka_unit_test(the_longest_message),
		cmocka_unit_test(the_longest_fields),
		cmocka_unit_test(any_octet_in_the_data),
		cmocka_unit_test(any_octet_in_the_command),
		cmocka_unit_test(only_two_pipes_separate),
		cmocka_unit_test(utf8_is_checked),
		cmocka_unit_test(fields_survive_errors),
		cmocka_unit_test(mutated_messages),
		cmocka_unit_test(commands_are_found_octet_for_octet),
		cmocka_unit_test(families_have_their_beats),
		cmocka_unit_test(user_names),
		cmocka_unit_test(titles),
		cmocka_unit_test(streams),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
