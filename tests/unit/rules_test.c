/* Tests protocol/rules.c: that the table can be searched, is in order, and leaves nothing empty.
 * Its words are compared with docs/PROTOCOL.md by tests/cli. Run by tests/unit; owns nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/rules.h"

static void each_rule_is_found_by_its_id(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_RULES; i++)
		assert_int_equal(c2w_rule_find(c2w_str_of(c2w_rule_info((enum c2w_rule)i)->id)), i);
	assert_int_equal(c2w_rule_find(C2W_STR("MSG-01")), C2W_MSG_01);
	assert_int_equal(c2w_rule_find(C2W_STR("ROB-05")), C2W_ROB_05);
}

static void nothing_else_is_a_rule(void **state)
{
	static const char *const wrong[] = { "", "MSG", "MSG-", "MSG-1", "MSG-010", "msg-01", "MSG_01", "XXX-01", "MSG-00" };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(c2w_rule_find(c2w_str_of(wrong[i])), C2W_NO_RULE);
	assert_int_equal(c2w_rule_find((struct c2w_str){ 0 }), C2W_NO_RULE);
}

static void each_rule_is_whole(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_RULES; i++) {
		const struct c2w_rule_info *rule = c2w_rule_info((enum c2w_rule)i);

		assert_memory_equal(rule->id, rule->area, 3);
		assert_int_equal(strlen(rule->id), 6);
		assert_in_range(rule->level, C2W_MUST, C2W_MAY);
		assert_true(rule->origin == C2W_SLIDES || rule->origin == C2W_IMPLIED || rule->origin == C2W_PROFILE);
		assert_true(rule->binds == C2W_BINDS_SERVER || rule->binds == C2W_BINDS_CLIENT);
		assert_in_range(rule->transports, C2W_ON_UDP, C2W_ON_BOTH);
		assert_true(strlen(rule->sentence) > 20);
		assert_non_null(strchr(".)", rule->sentence[strlen(rule->sentence) - 1]));
		assert_true(!rule->unseen || strlen(rule->unseen) > 20);
	}
}

/* A MUST that no test can see would be a promise nobody keeps. */
static void every_must_can_be_seen(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_RULES; i++)
		assert_true(c2w_rule_info((enum c2w_rule)i)->level != C2W_MUST || !c2w_rule_info((enum c2w_rule)i)->unseen);
}

static void a_sentence_that_names_its_transport_is_for_that_one(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_RULES; i++) {
		const struct c2w_rule_info *rule = c2w_rule_info((enum c2w_rule)i);

		if (strncmp(rule->sentence, "UDP", 3) == 0)
			assert_int_equal(rule->transports, C2W_ON_UDP);
		if (strncmp(rule->sentence, "TCP", 3) == 0)
			assert_int_equal(rule->transports, C2W_ON_TCP);
		if (strncmp(rule->sentence, "(client)", 8) == 0)
			assert_int_equal(rule->binds, C2W_BINDS_CLIENT);
		else
			assert_int_equal(rule->binds, C2W_BINDS_SERVER);
	}
}

/* The rules stand area by area, in the order of the areas. */
static void areas_are_in_order(void **state)
{
	unsigned area = 0;

	(void)state;
	for (int i = 1; i < C2W_RULES; i++) {
		const char *name = c2w_rule_info((enum c2w_rule)i)->area;

		if (strcmp(name, c2w_area_name(area)) != 0)
			area++;
		assert_non_null(c2w_area_name(area));
		assert_string_equal(name, c2w_area_name(area));
		assert_true(strlen(c2w_area_title(area)) > 3);
	}
	assert_null(c2w_area_name(area + 1));
	assert_null(c2w_area_title(area + 1));
	assert_null(c2w_area_name((unsigned)-1));
}

static void levels_have_names(void **state)
{
	(void)state;
	assert_string_equal(c2w_level_name(C2W_MUST), "MUST");
	assert_string_equal(c2w_level_name(C2W_SHOULD), "SHOULD");
	assert_string_equal(c2w_level_name(C2W_MAY), "MAY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_is_found_by_its_id),
		cmocka_unit_test(nothing_else_is_a_rule),
		cmocka_unit_test(each_rule_is_whole),
		cmocka_unit_test(every_must_can_be_seen),
		cmocka_unit_test(a_sentence_that_names_its_transport_is_for_that_one),
		cmocka_unit_test(areas_are_in_order),
		cmocka_unit_test(levels_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
