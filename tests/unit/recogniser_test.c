/* Tests fuzz/recogniser.c: section 2 of PROTOCOL.md at its edges, and which command of section 3 it is.
 * Run by tests/unit; owns nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fuzz/recogniser.h"
#include "tests/unit/guard.h"

static bool accepted(const char *octets, size_t length)
{
	struct guard guard = guard_new(length + 1);
	struct fz_fields fields = { .us = -7 };
	bool yes = fz_is_message(guard_flush(&guard, octets, length), length, &fields);

	assert_true(yes == (fields.us != -7));
	guard_free(&guard);
	return yes;
}

#define assert_message(literal) assert_true(accepted(literal, sizeof(literal) - 1))
#define assert_no_message(literal) assert_false(accepted(literal, sizeof(literal) - 1))

static void assert_slice(struct c2w_str slice, const char *expected)
{
	assert_true(c2w_str_equal(slice, c2w_str_of(expected)));
}

static void fields_are_told_apart(void **state)
{
	static const char message[] = "1511367000.125: SEND_MESSAGE_REQUEST|alice| a|b: c|\r\n";
	struct fz_fields fields;

	(void)state;
	assert_true(fz_is_message(message, sizeof message - 1, &fields));
	assert_int_equal(fields.command, FZ_SEND_MESSAGE_REQUEST);
	assert_int_equal(fields.us, INT64_C(1511367000125000));
	assert_int_equal(fields.code, 0);
	assert_slice(fields.time, "1511367000.125");
	assert_slice(fields.word, "SEND_MESSAGE_REQUEST");
	assert_slice(fields.user, "alice");
	assert_slice(fields.data, " a|b: c|");
	assert_true(fz_is_message(message, sizeof message - 1, NULL));
	assert_true(fz_is_message("0: A||\r\n", 8, &fields));
	assert_int_equal(fields.command, FZ_UNKNOWN);
	assert_int_equal(fields.user.length + fields.data.length, 0);
}

static void times(void **state)
{
	struct fz_fields fields;

	(void)state;
	assert_message("0: A||\r\n");
	assert_message("9999999999.999999: A||\r\n");
	assert_message("0000000007.5: A||\r\n");
	assert_no_message("00000000007: A||\r\n");
	assert_no_message("7.0000000: A||\r\n");
	assert_no_message("7.: A||\r\n");
	assert_no_message(".5: A||\r\n");
	assert_no_message(": A||\r\n");
	assert_no_message("-7: A||\r\n");
	assert_no_message("+7: A||\r\n");
	assert_no_message(" 7: A||\r\n");
	assert_no_message("7 : A||\r\n");
	assert_no_message("7,5: A||\r\n");
	assert_no_message("7.5.5: A||\r\n");
	assert_no_message("1e3: A||\r\n");
	assert_no_message("0x7: A||\r\n");
	assert_no_message("\xD9\xA7: A||\r\n");
	assert_true(fz_is_message("7.000001: A||\r\n", 15, &fields));
	assert_int_equal(fields.us, 7000001);
	assert_true(fz_is_message("7.1: A||\r\n", 10, &fields));
	assert_int_equal(fields.us, 7100000);
	assert_true(fz_is_message("9999999999.999999: A||\r\n", 24, &fields));
	assert_int_equal(fields.us, INT64_C(9999999999999999));
}

static void separators(void **state)
{
	(void)state;
	assert_no_message("7 A||\r\n");
	assert_no_message("7:A||\r\n");
	assert_no_message("7:  A||\r\n");
	assert_no_message("7:\tA||\r\n");
	assert_no_message("7: A|\r\n");
	assert_no_message("7: A\r\n");
	assert_no_message("7: A ||\r\n");
	assert_no_message("7: |a|\r\n");
	assert_no_message("\xEF\xBB\xBF" "7: A||\r\n");
	assert_message("7: A|||\r\n");
	assert_message("7: A|||||\r\n");
	assert_message("7: A| a | b \r\n");
}

static void endings(void **state)
{
	(void)state;
	assert_false(fz_is_message(NULL, 0, NULL));
	assert_no_message("\r\n");
	assert_no_message("7: A||");
	assert_no_message("7: A||\r");
	assert_no_message("7: A||\n");
	assert_no_message("7: A||\n\r");
	assert_no_message("7: A||\r\n\r\n");
	assert_no_message("7: A||\r\n ");
	assert_no_message("7: A||\r\n7: A||\r\n");
	assert_no_message("7: A||a\rb\r\n");
	assert_no_message("7: A||a\nb\r\n");
	assert_no_message("7: A||\r\r\n");
	assert_no_message("7: A||a\0b\r\n");
	assert_no_message("7: A|a\rb|\r\n");
	assert_no_message("7: A|a\nb|\r\n");
	assert_no_message("7: A|a\0b|\r\n");
	assert_no_message("7: A||\r\n\0");
	assert_message("7: A||\t\x01\x7F\r\n");
	assert_message("7: A|\t\x01\x7F|\r\n");
}

/* "7: ", `before` times 'A', "|", `between` times 'u', "|", `behind` times 'd' */
static bool sized(size_t command, size_t user, size_t data)
{
	static char message[70000];
	char *at = message;

	at += sprintf(at, "7: ");
	at = (char *)memset(at, 'A', command) + command;
	*at++ = '|';
	at = (char *)memset(at, 'u', user) + user;
	*at++ = '|';
	at = (char *)memset(at, 'd', data) + data;
	at += sprintf(at, "\r\n");
	return fz_is_message(message, (size_t)(at - message), NULL);
}

static void lengths(void **state)
{
	(void)state;
	assert_false(sized(0, 0, 0));
	assert_true(sized(1, 0, 0));
	assert_true(sized(64, 0, 0));
	assert_false(sized(65, 0, 0));
	assert_true(sized(1, 255, 0));
	assert_false(sized(1, 256, 0));
	assert_true(sized(64, 255, 65000));
	assert_no_message("7: a||\r\n");
	assert_no_message("7: A-B||\r\n");
	assert_no_message("7: \xC3\x84||\r\n");
	assert_message("7: _9Z||\r\n");
}

static bool utf8(const char *octets)
{
	char message[64];
	int length = snprintf(message, sizeof message, "7: A||%s\r\n", octets);
	bool in_data = fz_is_message(message, (size_t)length, NULL);

	length = snprintf(message, sizeof message, "7: A|%s|\r\n", octets);
	assert_true(in_data == fz_is_message(message, (size_t)length, NULL));
	assert_true(in_data == fz_is_utf8(octets, strlen(octets)));
	return in_data;
}

static void characters(void **state)
{
	static const char *const right[] = {
		"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xEF\xBF\xBE", "\xF0\x90\x80\x80",
		"\xF4\x8F\xBF\xBF", "\xF3\xA0\x80\x81", "\xE2\x82\xAC\xF0\x9F\x8E\xAC",
	};
	static const char *const wrong[] = {
		"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xC2\xC2", "\xE0\x9F\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xED\xBF\xBF",
		"\xE2\x82", "\xE2\x82\x41", "\xE2\x41\x80", "\xF0\x8F\xBF\xBF", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
		"\xF0\x9F\x8E", "\xF8\x88\x80\x80\x80", "\xFE", "\xFF", "a\xC3", "\xC3\xA4\xA4",
	};

	(void)state;
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (!utf8(right[i]))
			fail_msg("right %zu", i);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (utf8(wrong[i]))
			fail_msg("wrong %zu", i);
}

/* Every scalar value is one character, every surrogate and whatever is above none. */
static void all_of_unicode(void **state)
{
	(void)state;
	for (unsigned u = 1; u < 0x120000; u++) {
		unsigned char octets[4];
		unsigned length = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;

		for (unsigned i = length; i-- > 1;)
			octets[i] = (unsigned char)(0x80 | (u >> 6 * (length - 1 - i) & 0x3F));
		octets[0] = (unsigned char)(length == 1 ? u : (0xF00u >> length & 0xFF) | u >> 6 * (length - 1));
		if (fz_is_utf8((char *)octets, length) != (u < 0x110000 && (u < 0xD800 || u > 0xDFFF)))
			fail_msg("U+%04X", u);
	}
}

static enum fz_command command(const char *word, unsigned *code)
{
	char message[128];
	struct fz_fields fields;
	int length = snprintf(message, sizeof message, "7: %s|a|\r\n", word);

	assert_true(fz_is_message(message, (size_t)length, &fields));
	*code = fields.code;
	return fields.command;
}

static void commands(void **state)
{
	static const char *const unknown[] = {
		"CONNECTION_ERROR_", "CONNECTION_ERROR_100", "CONNECTION_ERROR_10010", "CONNECTION_ERROR_100A", "CONNECTION_ERROR_XXXX",
		"ENTER_MOVIE_ERROR_1", "LEAVE_SESSION_ERROR_", "LEAVE_SESSION_ERROR_10", "LEAVE_SESSION_ERROR_X", "USER_LIST_ERROR_1001",
		"CONNECTION_REQUESTS", "CONNECTION_REQUES", "XCONNECTION_REQUEST", "NEW_MESSAGE_ACK", "_", "7", "CONNECTION_ERROR_RESPONSE_ACK",
	};
	unsigned code;

	(void)state;
	for (unsigned i = FZ_UNKNOWN + 1; i < FZ_COMMANDS; i++) {
		char word[80];
		size_t length = (size_t)snprintf(word, sizeof word, "%s", fz_command_name((enum fz_command)i));

		for (size_t k = 0; k < length; k++)
			word[k] = word[k] == 'X' ? '7' : word[k];
		assert_int_equal(command(word, &code), i);
		assert_int_not_equal(fz_command_beat((enum fz_command)i), FZ_NO_BEAT);
		assert_int_equal(fz_command_beat(fz_command_request((enum fz_command)i)), FZ_REQUEST);
	}
	assert_int_equal(command("CONNECTION_ERROR_0012", &code), FZ_CONNECTION_ERROR);
	assert_int_equal(code, 12);
	assert_int_equal(command("LEAVE_SESSION_ERROR_0", &code), FZ_LEAVE_SESSION_ERROR);
	assert_int_equal(code, 0);
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		assert_int_equal(command(unknown[i], &code), FZ_UNKNOWN);
		assert_int_equal(code, 0);
	}
}

static void user_names(void **state)
{
	(void)state;
	assert_true(fz_is_user_name(C2W_STR("a")));
	assert_true(fz_is_user_name(C2W_STR("A.b_C-9")));
	assert_true(fz_is_user_name(C2W_STR("01234567890123456789012345678901")));
	assert_false(fz_is_user_name(C2W_STR("012345678901234567890123456789012")));
	assert_false(fz_is_user_name(C2W_STR("")));
	assert_false(fz_is_user_name(C2W_STR("a b")));
	assert_false(fz_is_user_name(C2W_STR("a,b")));
	assert_false(fz_is_user_name(C2W_STR("\xC3\xA4")));
	assert_false(fz_is_user_name(C2W_STR("a@")));
	assert_false(fz_is_user_name(C2W_STR("[")));
	assert_false(fz_is_user_name(C2W_STR("`")));
	assert_false(fz_is_user_name(C2W_STR("{")));
}

/* No octet behind the end is looked at, wherever a message is cut. */
static void cut_anywhere(void **state)
{
	static const char message[] = "1234567890.123456: USER_LIST_RESPONSE_ACK|\xE2\x82\xAC|\xF0\x9F\x8E\xAC\r\n";

	(void)state;
	for (size_t length = 0; length < sizeof message; length++)
		assert_int_equal(accepted(message, length), length == sizeof message - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_told_apart),
		cmocka_unit_test(times),
		cmocka_unit_test(separators),
		cmocka_unit_test(endings),
		cmocka_unit_test(lengths),
		cmocka_unit_test(characters),
		cmocka_unit_test(all_of_unicode),
		cmocka_unit_test(commands),
		cmocka_unit_test(user_names),
		cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
