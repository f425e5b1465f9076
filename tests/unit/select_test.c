/* Which scenarios run and which rules are judged, on a suite of a few made by hand.
 * Picks are freed by the helper that looks at them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/select.h"

static enum c2w_rule text[] = { C2W_MSG_01, C2W_MSG_02 }, empty[] = { C2W_MSG_06 }, login[] = { C2W_CON_01 }, again[] = { C2W_REL_04 },
		     slow[] = { C2W_REL_17 };

static const struct hx_scenario scenarios[] = {
	{ .id = "chat/MSG-01-room", .area = "chat", .proves = text, .proves_count = 2, .over = C2W_ON_BOTH },
	{ .id = "chat/MSG-01-room-of-two", .area = "chat", .proves = text, .proves_count = 1, .over = C2W_ON_BOTH },
	{ .id = "chat/MSG-06-empty", .area = "chat", .proves = empty, .proves_count = 1, .over = C2W_ON_BOTH },
	{ .id = "connection/CON-01-user", .area = "connection", .proves = login, .proves_count = 1, .over = 0 },
	{ .id = "reliability/REL-04-repeats", .area = "reliability", .proves = again, .proves_count = 1, .over = C2W_ON_UDP },
	{ .id = "reliability/REL-17-answer", .area = "reliability", .proves = slow, .proves_count = 1, .over = C2W_ON_TCP },
};
enum { COUNT = sizeof(scenarios) / sizeof(scenarios[0]) };

static struct hx_suite *suite(void)
{
	static const struct hx_scenario *pointers[COUNT];
	static struct hx_suite whole = { .scenarios = pointers, .count = COUNT };

	for (unsigned i = 0; i < COUNT; i++)
		pointers[i] = &scenarios[i];
	return &whole;
}

static char said[2048];
static unsigned errors;

static void complain(void *context, const char *error)
{
	assert_ptr_equal(context, said);
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", error);
}

static struct hx_selection everything(void)
{
	return (struct hx_selection){ .level = C2W_MAY, .origins = "SIP", .transports = C2W_ON_BOTH };
}

/* What is picked as "id/transport id/transport …", the folders cut off. */
static const char *picked(const struct hx_selection *selection)
{
	static char text_of_all[2048];
	struct hx_pick *picks;
	unsigned count;

	said[0] = text_of_all[0] = '\0';
	errors = hx_select(suite(), selection, &picks, &count, complain, said);
	for (unsigned i = 0; i < count; i++) {
		size_t length = strlen(text_of_all);

		snprintf(text_of_all + length, sizeof(text_of_all) - length, "%s%s/%s", i > 0 ? " " : "", strchr(picks[i].scenario->id, '/') + 1,
		         rp_transport_name(picks[i].transport));
	}
	free(picks);
	return text_of_all;
}

static const char *only(const char *word)
{
	struct hx_selection selection = everything();

	selection.only = (struct hx_words){ &word, 1 };
	return picked(&selection);
}

static const char *without(const char *word)
{
	struct hx_selection selection = everything();

	selection.skip = (struct hx_words){ &word, 1 };
	return picked(&selection);
}

static const char whole_suite[] = "MSG-01-room/udp MSG-01-room/tcp MSG-01-room-of-two/udp MSG-01-room-of-two/tcp MSG-06-empty/udp MSG-06-empty/tcp "
				  "CON-01-user/mixed REL-04-repeats/udp REL-17-answer/tcp";

static void all_run_over_what_they_say(void **state)
{
	struct hx_selection selection = everything();

	(void)state;
	assert_string_equal(picked(&selection), whole_suite);
	assert_int_equal(errors, 0);
	selection.transports = C2W_ON_TCP;
	assert_string_equal(picked(&selection), "MSG-01-room/tcp MSG-01-room-of-two/tcp MSG-06-empty/tcp CON-01-user/mixed REL-17-answer/tcp");
}

static void a_word_is_a_rule_an_area_a_folder_an_id_a_pattern_or_a_part(void **state)
{
	(void)state;
	assert_string_equal(only("MSG-02"), "MSG-01-room/udp MSG-01-room/tcp");
	assert_string_equal(only("REL"), "REL-04-repeats/udp REL-17-answer/tcp");
	assert_string_equal(only("connection"), "CON-01-user/mixed");
	assert_string_equal(only("chat/MSG-01-room"), "MSG-01-room/udp MSG-01-room/tcp");
	assert_string_equal(only("chat/*-empty"), "MSG-06-empty/udp MSG-06-empty/tcp");
	assert_string_equal(only("REL-0?-*"), "REL-04-repeats/udp");
	assert_string_equal(only("of-two"), "MSG-01-room-of-two/udp MSG-01-room-of-two/tcp");
	assert_int_equal(errors, 0);
}

static void several_words_add_up(void **state)
{
	const char *words[] = { "CON-01", "empty" };
	struct hx_selection selection = everything();

	(void)state;
	selection.only = (struct hx_words){ words, 2 };
	assert_string_equal(picked(&selection), "MSG-06-empty/udp MSG-06-empty/tcp CON-01-user/mixed");
}

static void what_is_skipped_does_not_run(void **state)
{
	(void)state;
	assert_string_equal(without("chat"), "CON-01-user/mixed REL-04-repeats/udp REL-17-answer/tcp");
	assert_string_equal(without("MSG-01-room*"), "MSG-06-empty/udp MSG-06-empty/tcp CON-01-user/mixed REL-04-repeats/udp REL-17-answer/tcp");
	assert_string_equal(without("*"), "");
	assert_int_equal(errors, 1);
}

/* A scenario that proves another rule, too, still runs; the one skipped is not judged in it. */
static void a_rule_that_is_skipped_is_not_judged(void **state)
{
	const char *word = "MSG-01";
	struct hx_selection selection = everything();
	bool left_out[C2W_RULES];

	(void)state;
	selection.skip = (struct hx_words){ &word, 1 };
	hx_select_rules(&selection, left_out);
	assert_true(left_out[C2W_MSG_01]);
	assert_false(left_out[C2W_MSG_02]);
	assert_string_equal(picked(&selection), "MSG-01-room/udp MSG-01-room/tcp MSG-06-empty/udp MSG-06-empty/tcp CON-01-user/mixed "
	                                        "REL-04-repeats/udp REL-17-answer/tcp");
	word = "ROB";
	hx_select_rules(&selection, left_out);
	assert_true(left_out[C2W_ROB_01] && left_out[C2W_ROB_05]);
	assert_string_equal(picked(&selection), whole_suite);
	assert_int_equal(errors, 0);
}

static void level_and_origin_leave_rules_out(void **state)
{
	struct hx_selection selection = everything();
	bool left_out[C2W_RULES];

	(void)state;
	selection.level = C2W_MUST;
	hx_select_rules(&selection, left_out);
	assert_true(left_out[C2W_REL_17]);
	assert_false(left_out[C2W_MSG_06]);
	assert_null(strstr(picked(&selection), "REL-17"));
	selection.origins = "S,I";
	hx_select_rules(&selection, left_out);
	assert_true(left_out[C2W_MSG_06]);
	assert_false(left_out[C2W_MSG_01] || left_out[C2W_MSG_02]);
	assert_null(strstr(picked(&selection), "MSG-06"));
}

static void shards_make_up_the_whole(void **state)
{
	struct hx_selection selection = everything();
	size_t length = 0;

	(void)state;
	selection.shards = 4;
	for (selection.shard = 1; selection.shard <= 4; selection.shard++) {
		const char *part = picked(&selection);

		assert_true(strlen(part) > 0);
		length += strlen(part) + 1;
		for (char *word = strtok(strdupa(part), " "); word != NULL; word = strtok(NULL, " "))
			assert_non_null(strstr(whole_suite, word));
	}
	assert_int_equal(length, sizeof(whole_suite));
}

static void last_failed_is_by_id_and_transport(void **state)
{
	const char *lines[] = { "chat/MSG-01-room tcp", "gone/since then udp", "connection/CON-01-user mixed" };
	struct hx_words failed = { lines, 3 };
	struct hx_selection selection = everything();

	(void)state;
	selection.last_failed = &failed;
	assert_string_equal(picked(&selection), "MSG-01-room/tcp CON-01-user/mixed");
	failed.count = 0;
	assert_string_equal(picked(&selection), "");
	assert_int_equal(errors, 1);
}

static void a_word_that_means_nothing_is_an_error_with_what_is_near(void **state)
{
	(void)state;
	only("MSG-99");
	assert_int_equal(errors, 1);
	assert_non_null(strstr(said, "--only MSG-99"));
	assert_non_null(strstr(said, "MSG-0"));
	only("chatt");
	assert_non_null(strstr(said, "near it: chat"));
	only("chat/MSG-06-emty");
	assert_non_null(strstr(said, "chat/MSG-06-empty"));
	only("no/such/thing/at/all");
	assert_int_equal(errors, 1);
	assert_null(strstr(said, "near it"));
	without("reliabilty");
	assert_int_equal(errors, 1);
	assert_non_null(strstr(said, "reliability"));
}

static void a_rule_that_nobody_proves_is_an_error(void **state)
{
	(void)state;
	assert_string_equal(only("ROB-02"), "");
	assert_int_equal(errors, 1);
	assert_non_null(strstr(said, "ROB-02"));
}

static void long_words_do_no_harm(void **state)
{
	char word[5000];

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	only(word);
	assert_int_equal(errors, 1);
	assert_true(strlen(said) < 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_run_over_what_they_say),
		cmocka_unit_test(a_word_is_a_rule_an_area_a_folder_an_id_a_pattern_or_a_part),
		cmocka_unit_test(several_words_add_up),
		cmocka_unit_test(what_is_skipped_does_not_run),
		cmocka_unit_test(a_rule_that_is_skipped_is_not_judged),
		cmocka_unit_test(level_and_origin_leave_rules_out),
		cmocka_unit_test(shards_make_up_the_whole),
		cmocka_unit_test(last_failed_is_by_id_and_transport),
		cmocka_unit_test(a_word_that_means_nothing_is_an_error_with_what_is_near),
		cmocka_unit_test(a_rule_that_nobody_proves_is_an_error),
		cmocka_unit_test(long_words_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
