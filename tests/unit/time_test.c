/* Tests protocol/time.c: the grammar of TIME at its limits, exact comparison, and that what is written
 * can be read again. Run by tests/unit; owns nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/time.h"
#include "tests/unit/guard.h"

static int64_t us_of(const char *text)
{
	int64_t us = -7;

	assert_int_equal(c2w_time_parse(c2w_str_of(text), &us), C2W_OK);
	return us;
}

static void numbers_are_read(void **state)
{
	(void)state;
	assert_int_equal(us_of("0"), 0);
	assert_int_equal(us_of("7"), 7000000);
	assert_int_equal(us_of("7.5"), 7500000);
	assert_int_equal(us_of("0.000001"), 1);
	assert_int_equal(us_of("0.1"), 100000);
	assert_int_equal(us_of("1511367000.125"), INT64_C(1511367000125000));
	assert_int_equal(us_of("9999999999"), INT64_C(9999999999000000));
	assert_int_equal(us_of("9999999999.999999"), INT64_C(9999999999999999));
}

/* REL-11 compares numbers, FMT-02 echoes octets. */
static void different_spellings_are_one_time(void **state)
{
	(void)state;
	assert_int_equal(us_of("7.5"), us_of("7.50"));
	assert_int_equal(us_of("7.5"), us_of("7.500000"));
	assert_int_equal(us_of("7.5"), us_of("0000000007.5"));
	assert_int_equal(us_of("7"), us_of("7.0"));
	assert_int_equal(us_of("0"), us_of("0000000000.000000"));
}

/* Neighbours that a float, or a double in seconds divided down, would take for the same. */
static void neighbours_differ_by_one(void **state)
{
	(void)state;
	assert_int_equal(us_of("8589934591.999999") - us_of("8589934591.999998"), 1);
	assert_int_equal(us_of("9999999999.999999") - us_of("9999999999.999998"), 1);
	assert_int_equal(us_of("8589934592.000000") - us_of("8589934591.999999"), 1);
	assert_int_equal(us_of("0.300000") - us_of("0.1") - us_of("0.2"), 0);
	assert_true(us_of("1511367000.10") < us_of("1511367000.2"));
	assert_true(us_of("9.9") < us_of("10.0"));
}

static void nothing_else_is_a_time(void **state)
{
	static const char *const wrong[] = {
		"", ".", "7.", ".5", "7..5", "7.5.", "7.5.5", "+7", "-7", " 7", "7 ", "7\t", "7,5", "7:5", "0x7", "1e3", "7.e1",
		"7.5e1", "inf", "nan", "7'000", "seven", "12345678901", "00000000000", "1.1234567", "1.0000000", "12345678901.5",
		"9999999999.9999999", "\xD9\xA7", "\xEF\xBC\x97", "99999999999999999999999999999999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int64_t us = -7;

		if (c2w_time_parse(c2w_str_of(wrong[i]), &us) != C2W_ERR_TIME || us != -7)
			fail_msg("\"%s\" was read", wrong[i]);
	}
	assert_int_equal(c2w_time_parse((struct c2w_str){ 0 }, &(int64_t){ 0 }), C2W_ERR_TIME);
	assert_int_equal(c2w_time_parse(C2W_STR("7\0"), &(int64_t){ 0 }), C2W_ERR_TIME);
	assert_int_equal(c2w_time_parse(C2W_STR("7.5\0"), &(int64_t){ 0 }), C2W_ERR_TIME);
}

static void no_octet_beyond_is_read(void **state)
{
	static const char text[] = "1234567890.123456";
	struct guard guard = guard_new(sizeof text);

	(void)state;
	for (size_t length = 0; length < sizeof text; length++) {
		int64_t us;
		struct c2w_str flush = { guard_flush(&guard, text, length), length };

		assert_int_equal(c2w_time_parse(flush, &us), length == 0 || length == 11 ? C2W_ERR_TIME : C2W_OK);
	}
	guard_free(&guard);
}

static void assert_written(int64_t us, unsigned fraction, const char *expected)
{
	char to[C2W_MAX_TIME_TEXT];
	size_t length = c2w_time_format(to, us, fraction);

	assert_int_equal(length, strlen(expected));
	assert_memory_equal(to, expected, length);
}

static void times_are_written(void **state)
{
	(void)state;
	assert_written(0, 0, "0");
	assert_written(0, 6, "0.000000");
	assert_written(7500000, 0, "7");
	assert_written(7500000, 1, "7.5");
	assert_written(7500000, 2, "7.50");
	assert_written(1, 6, "0.000001");
	assert_written(999999, 5, "0.99999"); /* cut, not rounded */
	assert_written(1999999, 0, "1");
	assert_written(INT64_C(9999999999999999), 6, "9999999999.999999");
}

static void what_is_written_can_be_read(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char to[C2W_MAX_TIME_TEXT];
		int64_t us, again = -1;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		us = (int64_t)((seed >> 8) % UINT64_C(10000000000000000));
		assert_int_equal(c2w_time_parse((struct c2w_str){ to, c2w_time_format(to, us, 6) }, &again), C2W_OK);
		assert_int_equal(again, us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(different_spellings_are_one_time),
		cmocka_unit_test(neighbours_differ_by_one),
		cmocka_unit_test(nothing_else_is_a_time),
		cmocka_unit_test(no_octet_beyond_is_read),
		cmocka_unit_test(times_are_written),
		cmocka_unit_test(what_is_written_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
