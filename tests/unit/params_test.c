/* Tests protocol/params.c: the defaults, each kind's notation at its limits, and that what is written
 * can be read again. Run by tests/unit; owns nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/params.h"

static enum c2w_err set(struct c2w_params *params, const char *name, const char *value)
{
	return c2w_params_set(params, c2w_str_of(name), c2w_str_of(value));
}

static void the_defaults(void **state)
{
	struct c2w_params params;

	(void)state;
	c2w_params_init(&params);
	assert_int_equal(params.rto, 1000000000);
	assert_int_equal(params.rto_tolerance.early, 100);
	assert_int_equal(params.rto_tolerance.late, 250);
	assert_int_equal(params.max_retransmits, 3);
	assert_int_equal(params.answer_within, 500000000);
	assert_int_equal(params.max_request, 4096);
	assert_int_equal(params.max_text, 1024);
	assert_int_equal(params.max_backlog, 1 << 20);
	assert_int_equal(params.name_taken, 1001);
	assert_int_equal(params.name_invalid, 1002);
	assert_int_equal(params.server_full, 1003);
	assert_int_equal(params.already_connected, 1004);
	assert_int_equal(params.not_connected, 2001);
	assert_int_equal(params.no_such_movie, 2002);
	assert_int_equal(params.already_in_movie, 2003);
	assert_int_equal(params.room_full, 2004);
	assert_int_equal(params.no_session, 1);
	assert_string_equal(params.list_separator, "|");
	assert_string_equal(params.entry_separator, ",");
	assert_string_equal(params.main_room, "MAIN_ROOM");
	assert_int_equal(params.stream, 1);
	assert_int_equal(params.capacity, C2W_UNKNOWN_CAPACITY);
	assert_int_equal(params.room_capacity, C2W_UNKNOWN_CAPACITY);
}

static void defaults_are_written_as_they_stand_in_the_table(void **state)
{
	struct c2w_params params;

	(void)state;
	c2w_params_init(&params);
	for (int i = 0; i < C2W_PARAMS; i++) {
		const struct c2w_param_info *info = c2w_param_info((enum c2w_param)i);
		char text[64];

		assert_int_equal(c2w_param_find(c2w_str_of(info->name)), i);
		assert_int_equal(c2w_params_format(&params, (enum c2w_param)i, text, sizeof text), strlen(info->standard));
		assert_string_equal(text, info->standard);
		assert_true(strlen(info->meaning) > 0);
		assert_true(strlen(c2w_param_shape(info->kind)) > 0);
	}
}

/* What set() takes, and how it is written then; NULL: refused. */
static const struct {
	const char *name, *value, *written;
} cases[] = {
	{ "rto", "200ms", "200ms" },
	{ "rto", "1.5s", "1500ms" },
	{ "rto", "1s", "1000ms" },
	{ "rto", "0.25ms", "250us" },
	{ "rto", "1500ns", "1500ns" },
	{ "rto", "60min", "3600000ms" },
	{ "rto", "auto", "auto" },
	{ "rto", "60.1min", NULL },
	{ "rto", "0ms", NULL },
	{ "rto", "0", NULL },
	{ "rto", "1000", NULL },
	{ "rto", "-1s", NULL },
	{ "rto", "1 s", NULL },
	{ "rto", "any", NULL },
	{ "rto", "", NULL },
	{ "rto", "s", NULL },
	{ "rto", "1h", NULL },
	{ "answer-within", "1s", "1000ms" },
	{ "answer-within", "auto", NULL },
	{ "rto-tolerance", "-0%,+0%", "-0%,+0%" },
	{ "rto-tolerance", "-12.5%,+100%", "-12.5%,+100%" },
	{ "rto-tolerance", "-100%,+1000%", "-100%,+1000%" },
	{ "rto-tolerance", "-100.1%,+25%", NULL },
	{ "rto-tolerance", "-10%,+1000.1%", NULL },
	{ "rto-tolerance", "-10.55%,+25%", NULL },
	{ "rto-tolerance", "+10%,+25%", NULL },
	{ "rto-tolerance", "10%,25%", NULL },
	{ "rto-tolerance", "-10%", NULL },
	{ "rto-tolerance", "-10,+25", NULL },
	{ "rto-tolerance", "-%,+%", NULL },
	{ "rto-tolerance", ",", NULL },
	{ "rto-tolerance", "-10%,+25%,", NULL },
	{ "rto-tolerance", "", NULL },
	{ "max-retransmits", "0", "0" },
	{ "max-retransmits", "1000", "1000" },
	{ "max-retransmits", "auto", "auto" },
	{ "max-retransmits", "1001", NULL },
	{ "max-retransmits", "3.0", NULL },
	{ "max-retransmits", "-1", NULL },
	{ "max-retransmits", "", NULL },
	{ "max-retransmits", "any", NULL },
	{ "max-request", "1", "1" },
	{ "max-request", "4KiB", "4096" },
	{ "max-request", "1.5KiB", "1536" },
	{ "max-backlog", "1MiB", "1048576" },
	{ "max-backlog", "1024MiB", "1073741824" },
	{ "max-backlog", "1073741825", NULL },
	{ "max-backlog", "99999999999999999999MiB", NULL },
	{ "max-backlog", "0", NULL },
	{ "max-backlog", "1MB", NULL },
	{ "max-backlog", "KiB", NULL },
	{ "max-backlog", "0.0001KiB", NULL },
	{ "name-taken", "0", "0" },
	{ "name-taken", "9999", "9999" },
	{ "name-taken", "0042", "42" },
	{ "name-taken", "any", "any" },
	{ "name-taken", "10000", NULL },
	{ "name-taken", "-1", NULL },
	{ "name-taken", "ANY", NULL },
	{ "no-session", "9", "9" },
	{ "no-session", "any", "any" },
	{ "no-session", "10", NULL },
	{ "list-separator", ";", ";" },
	{ "list-separator", " | ", " | " },
	{ "main-room", "Main Room \xC3\xA9", "Main Room \xC3\xA9" },
	{ "main-room", "1234567890123456789012345678901", "1234567890123456789012345678901" },
	{ "main-room", "12345678901234567890123456789012", NULL },
	{ "main-room", "", NULL },
	{ "main-room", "a\rb", NULL },
	{ "main-room", "a\nb", NULL },
	{ "main-room", "a\xFF", NULL },
	{ "stream", "any", "any" },
	{ "stream", "checked", "checked" },
	{ "stream", "1", NULL },
	{ "capacity", "1", "1" },
	{ "capacity", "1000000", "1000000" },
	{ "capacity", "unknown", "unknown" },
	{ "capacity", "0", NULL },
	{ "capacity", "1000001", NULL },
	{ "capacity", "any", NULL },
};

static void values_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct c2w_params params, before;
		enum c2w_param param = (enum c2w_param)c2w_param_find(c2w_str_of(cases[i].name));
		char text[64];

		c2w_params_init(&params);
		before = params;
		if (set(&params, cases[i].name, cases[i].value) != (cases[i].written ? C2W_OK : C2W_ERR_VALUE))
			fail_msg("%s=%s", cases[i].name, cases[i].value);
		if (!cases[i].written) {
			assert_memory_equal(&params, &before, sizeof params);
			continue;
		}
		assert_int_equal(c2w_params_format(&params, param, text, sizeof text), strlen(cases[i].written));
		assert_string_equal(text, cases[i].written);
		before = params;
		assert_int_equal(set(&params, cases[i].name, text), C2W_OK);
		assert_memory_equal(&params, &before, sizeof params);
	}
}

static void unknown_names_are_refused(void **state)
{
	struct c2w_params params;

	(void)state;
	c2w_params_init(&params);
	assert_int_equal(set(&params, "RTO", "1s"), C2W_ERR_UNKNOWN);
	assert_int_equal(set(&params, "rto_tolerance", "-10%,+25%"), C2W_ERR_UNKNOWN);
	assert_int_equal(set(&params, "", "1s"), C2W_ERR_UNKNOWN);
	assert_int_equal(c2w_param_find((struct c2w_str){ 0 }), -1);
}

static void values_with_a_nul_are_refused(void **state)
{
	struct c2w_params params;

	(void)state;
	c2w_params_init(&params);
	assert_int_equal(c2w_params_set(&params, C2W_STR("main-room"), C2W_STR("a\0b")), C2W_ERR_VALUE);
	assert_int_equal(c2w_params_set(&params, C2W_STR("max-text"), C2W_STR("1\0")), C2W_ERR_VALUE);
	for (int i = 0; i < C2W_PARAMS; i++)
		assert_int_equal(c2w_params_set(&params, c2w_str_of(c2w_param_info((enum c2w_param)i)->name), (struct c2w_str){ 0 }),
		                 C2W_ERR_VALUE);
}

static void a_new_value_replaces_the_whole_text(void **state)
{
	struct c2w_params params;

	(void)state;
	c2w_params_init(&params);
	assert_int_equal(set(&params, "main-room", "Lobby"), C2W_OK);
	assert_string_equal(params.main_room, "Lobby");
}

static void little_room_is_noticed(void **state)
{
	struct c2w_params params;

	(void)state;
	c2w_params_init(&params);
	for (int i = 0; i < C2W_PARAMS; i++) {
		size_t length = strlen(c2w_param_info((enum c2w_param)i)->standard);
		char text[64];

		for (size_t size = 0; size <= length; size++) {
			memset(text, '!', sizeof text);
			assert_int_equal(c2w_params_format(&params, (enum c2w_param)i, text, size), C2W_ERR_SPACE);
			assert_int_equal(text[size], '!');
		}
		assert_int_equal(c2w_params_format(&params, (enum c2w_param)i, text, length + 1), length);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} durations[] = {
		{ "10ns", 10 },
		{ "250us", 250000 },
		{ "1500ms", 1500000000 },
		{ "1.5s", 1500000000 },
		{ "0.000000001s", 1 },
		{ "2min", INT64_C(120000000000) },
		{ "0s", 0 },
		{ "9223372036s", INT64_C(9223372036000000000) },
		{ "9223372037s", -1 },
		{ "99999999999999999999s", -1 },
		{ "0.0000000001s", -1 },
		{ "0.5ns", -1 },
		{ "1.s", -1 },
		{ ".5s", -1 },
		{ "1.5.5s", -1 },
		{ "1,5s", -1 },
		{ "1e3s", -1 },
		{ "1S", -1 },
		{ "1m", -1 },
		{ "1min1s", -1 },
		{ "ms", -1 },
		{ "1000", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
		int64_t ns = -1;
		enum c2w_err err = c2w_duration_parse(c2w_str_of(durations[i].text), &ns);

		if (err != (durations[i].ns < 0 ? C2W_ERR_VALUE : C2W_OK) || ns != durations[i].ns)
			fail_msg("\"%s\"", durations[i].text);
	}
}

static void codes_fit(void **state)
{
	(void)state;
	assert_true(c2w_code_fits(1001, 1001));
	assert_false(c2w_code_fits(1001, 1002));
	assert_true(c2w_code_fits(C2W_ANY, 1002));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults),
		cmocka_unit_test(defaults_are_written_as_they_stand_in_the_table),
		cmocka_unit_test(values_are_read_and_written),
		cmocka_unit_test(unknown_names_are_refused),
		cmocka_unit_test(values_with_a_nul_are_refused),
		cmocka_unit_test(a_new_value_replaces_the_whole_text),
		cmocka_unit_test(little_room_is_noticed),
		cmocka_unit_test(durations),
		cmocka_unit_test(codes_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
