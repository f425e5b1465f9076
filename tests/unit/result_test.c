/* Tests the result model: how it is built and bounded, which verdicts follow from it, and that a result file gives the same result
 * back and refuses anything else. Files are temporary ones of the test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "reports/result.h"

static struct rp_scenario *scenario_add(struct rp_result *result, const char *id, enum rp_verdict verdict, enum c2w_rule proves)
{
	struct rp_scenario *scenario = rp_scenario_add(result, id);

	scenario->verdict = verdict;
	scenario->completed = verdict == RP_PASS;
	rp_proves_set(result, scenario, &proves, 1);
	return scenario;
}

/* ---- octets ------------------------------------------------------------------------------- */

static void octets_are_written_as_the_design_says(void **state)
{
	char *text = rp_escape("a|\r\n\t\\\0\x1b\xc3\xa9~\x7f", 12);

	(void)state;
	assert_string_equal(text, "a|\\r\\n\\t\\\\\\x00\\x1B\\xC3\\xA9~\\x7F");
	free(text);
}

static void every_octet_comes_back(void **state)
{
	char octets[256], *text, *back;
	size_t length;

	(void)state;
	for (int i = 0; i < 256; i++)
		octets[i] = (char)i;
	text = rp_escape(octets, sizeof(octets));
	for (const char *at = text; *at != '\0'; at++)
		assert_in_range(*at, 0x20, 0x7e);
	assert_true(rp_unescape(text, &back, &length));
	assert_int_equal(length, sizeof(octets));
	assert_memory_equal(back, octets, sizeof(octets));
	free(text);
	free(back);
}

static void bad_escapes_are_refused(void **state)
{
	static const char *const bad[] = { "\\", "a\\", "\\q", "\\x", "\\x4", "\\xG0", "\\x0G", "\\x4\\", "\\0", "\\\"" };
	char *octets;
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(rp_unescape(bad[i], &octets, &length));
	assert_true(rp_unescape("", &octets, &length));
	assert_int_equal(length, 0);
	free(octets);
}

/* ---- verdicts ----------------------------------------------------------------------------- */

static void a_rule_takes_the_worst(void **state)
{
	static const enum rp_verdict order[] = { RP_SKIP, RP_PASS, RP_INCONCLUSIVE, RP_FAIL };
	struct rp_result *result = rp_result_new();

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct rp_scenario *scenario = scenario_add(result, "a", order[i], C2W_CON_01);

		if (order[i] == RP_FAIL)
			rp_finding_add(result, scenario, C2W_CON_01, RP_FAIL);
		rp_result_conclude(result);
		assert_int_equal(result->rules[C2W_CON_01].verdict, order[i]);
		assert_int_equal(result->rules[C2W_CON_01].scenarios_count, i); /* those that tested it: not the skipped one */
		assert_int_equal(result->rules[C2W_CON_02].verdict, RP_UNTESTED);
	}
	rp_result_free(result);
}

static void a_finding_counts_wherever_it_is(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = scenario_add(result, "a", RP_FAIL, C2W_CON_01);

	(void)state;
	rp_finding_add(result, scenario, C2W_FMT_02, RP_FAIL);
	rp_finding_add(result, scenario, C2W_FMT_02, RP_FAIL);
	rp_result_conclude(result);
	assert_int_equal(result->rules[C2W_FMT_02].verdict, RP_FAIL);
	assert_int_equal(result->rules[C2W_FMT_02].scenarios_count, 1);
	assert_int_equal(result->rules[C2W_CON_01].verdict, RP_UNTESTED); /* it broke off: nothing is proved */
	scenario->completed = true;
	rp_result_conclude(result);
	assert_int_equal(result->rules[C2W_CON_01].verdict, RP_PASS);
	assert_int_equal(result->verdict, RP_VIOLATES);
	rp_result_free(result);
}

static void noise_proves_nothing(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = scenario_add(result, "a", RP_INCONCLUSIVE, C2W_REL_05);

	(void)state;
	scenario->completed = true;
	scenario_add(result, "b", RP_PASS, C2W_CON_01);
	rp_result_conclude(result);
	assert_int_equal(result->rules[C2W_REL_05].verdict, RP_INCONCLUSIVE);
	assert_int_equal(result->verdict, RP_UNDECIDED);
	assert_non_null(result->verdict_reason);
	rp_result_free(result);
}

static void nothing_tested_is_not_green(void **state)
{
	struct rp_result *result = rp_result_new();

	(void)state;
	assert_int_equal(result->verdict, RP_UNDECIDED);
	rp_result_conclude(result);
	assert_int_equal(result->verdict, RP_UNDECIDED);
	assert_non_null(result->verdict_reason);
	scenario_add(result, "should", RP_PASS, C2W_LST_04);
	scenario_add(result, "skipped", RP_SKIP, C2W_CON_04);
	rp_result_conclude(result);
	assert_int_equal(result->verdict, RP_UNDECIDED);
	scenario_add(result, "must", RP_PASS, C2W_CON_01);
	rp_result_conclude(result);
	assert_int_equal(result->verdict, RP_CONFORMS);
	rp_result_free(result);
}

static void a_warning_conforms(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = scenario_add(result, "a", RP_WARN, C2W_LST_04);

	(void)state;
	rp_finding_add(result, scenario, C2W_LST_04, RP_WARN);
	scenario_add(result, "b", RP_PASS, C2W_CON_01);
	rp_result_conclude(result);
	assert_int_equal(result->rules[C2W_LST_04].verdict, RP_WARN);
	assert_int_equal(result->verdict, RP_CONFORMS);
	rp_result_free(result);
}

static void unreachable_stays(void **state)
{
	struct rp_result *result = rp_result_new();

	(void)state;
	result->verdict = RP_UNREACHABLE;
	result->verdict_reason = rp_text(result, "%s", "nobody there");
	scenario_add(result, "a", RP_PASS, C2W_CON_01);
	rp_result_conclude(result);
	assert_int_equal(result->verdict, RP_UNREACHABLE);
	assert_string_equal(result->verdict_reason, "nobody there");
	rp_result_free(result);
}

static void only_servers_rules_that_can_be_seen_count(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_counts counts = rp_count(result);
	size_t all = 0;

	(void)state;
	assert_false(rp_rule_counts(C2W_REL_01));
	assert_true(rp_rule_counts(C2W_REL_04));
	for (size_t i = 1; i < C2W_RULES; i++)
		all += rp_rule_counts((enum c2w_rule)i);
	assert_int_equal(counts.rules_total, all);
	assert_int_equal(counts.rules[RP_UNTESTED], all);
	rp_result_free(result);
}

static void a_crash_is_mended_first_and_logging_in_before_timing(void **state)
{
	static const enum c2w_rule order[] = { C2W_ROB_01, C2W_CON_01, C2W_CON_06, C2W_TRN_02, C2W_FMT_01, C2W_LST_05, C2W_ENT_01, C2W_LEA_01,
					       C2W_MSG_01, C2W_NAM_01, C2W_REL_04, C2W_REL_18, C2W_ROB_02 };

	(void)state;
	for (size_t i = 1; i < sizeof(order) / sizeof(order[0]); i++)
		assert_true(rp_mending_rank(order[i - 1]) < rp_mending_rank(order[i]));
}

/* ---- bounds ------------------------------------------------------------------------------- */

static size_t held(const struct rp_scenario *scenario)
{
	size_t sum = 0;

	for (size_t i = 0; i < scenario->timeline_count; i++)
		sum += scenario->timeline[i].length;
	return sum;
}

static void a_flood_keeps_the_first_and_the_newest(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");

	(void)state;
	for (int i = 0; i < 20000; i++) {
		rp_event_add(result, scenario, i, "alice", true, false, "x\r\n", 3, NULL);
		assert_in_range(scenario->timeline_count, 0, RP_MAX_EVENTS);
	}
	assert_int_equal(scenario->timeline_count + scenario->timeline_left_out, 20000);
	assert_true(scenario->timeline_count > RP_MAX_EVENTS / 2);
	for (int i = 0; i < RP_HEAD_EVENTS; i++)
		assert_int_equal(scenario->timeline[i].at, i);
	assert_int_equal(scenario->timeline[scenario->timeline_count - 1].at, 19999);
	for (size_t i = 1; i < scenario->timeline_count; i++)
		assert_true(scenario->timeline[i].at > scenario->timeline[i - 1].at);
	rp_result_free(result);
}

static void big_messages_are_bounded(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");
	char *big = calloc(3, RP_MAX_EVENT);

	(void)state;
	assert_non_null(big);
	rp_event_add(result, scenario, 0, "alice", true, true, big, (size_t)3 * RP_MAX_EVENT, NULL);
	assert_int_equal(scenario->timeline[0].length, RP_MAX_EVENT);
	assert_int_equal(scenario->timeline[0].cut, 2 * RP_MAX_EVENT);
	for (int i = 1; i < 100; i++) {
		rp_event_add(result, scenario, i, "alice", true, true, big, RP_MAX_EVENT, NULL);
		assert_true(held(scenario) <= RP_MAX_TIMELINE);
		assert_int_equal(scenario->timeline[scenario->timeline_count - 1].at, i);
	}
	free(big);
	rp_result_free(result);
}

static void all_timelines_together_are_bounded(void **state)
{
	struct rp_result *result = rp_result_new();
	char *big = calloc(1, RP_MAX_EVENT);
	size_t sum = 0;

	(void)state;
	assert_non_null(big);
	for (int i = 0; i < 200; i++) {
		struct rp_scenario *scenario = rp_scenario_add(result, "a");

		for (int k = 0; k < 8; k++)
			rp_event_add(result, scenario, k, "alice", true, true, big, RP_MAX_EVENT / 2, NULL);
	}
	for (size_t i = 0; i < result->scenarios_count; i++)
		sum += held(&result->scenarios[i]);
	assert_in_range(sum, RP_MAX_TIMELINES / 2, RP_MAX_TIMELINES + 200 * RP_SMALL_TIMELINE);
	free(big);
	rp_result_free(result);
}

static void events_stand_in_the_order_of_time(void **state)
{
	static const int64_t times[] = { 5, 3, 9, 3, 1, 7 }, sorted[] = { 1, 3, 3, 5, 7, 9 };
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");

	(void)state;
	for (size_t i = 0; i < 6; i++)
		rp_event_add(result, scenario, times[i], i == 1 ? "first" : "second", true, false, NULL, 0, "note");
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(scenario->timeline[i].at, sorted[i]);
	assert_string_equal(scenario->timeline[1].client, "first");
	assert_null(scenario->timeline[0].octets);
	rp_result_free(result);
}

static void the_worst_finding_survives_a_flood(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");

	(void)state;
	for (int i = 0; i < 10000; i++)
		rp_finding_add(result, scenario, C2W_FMT_01, RP_INCONCLUSIVE)->line = 1;
	rp_finding_add(result, scenario, C2W_FMT_01, RP_FAIL)->line = 2;
	rp_finding_add(result, scenario, C2W_FMT_02, RP_WARN)->line = 3;
	rp_finding_add(result, scenario, C2W_FMT_02, RP_WARN)->line = 4;
	assert_int_equal(scenario->findings_count, RP_MAX_FINDINGS + 2);
	assert_int_equal(scenario->findings[RP_MAX_FINDINGS].line, 2);
	assert_int_equal(scenario->findings[RP_MAX_FINDINGS + 1].line, 3);
	rp_result_free(result);
}

static void a_second_try_starts_afresh(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");

	(void)state;
	rp_event_add(result, scenario, 0, "alice", true, false, "x", 1, "a note");
	rp_finding_add(result, scenario, C2W_FMT_01, RP_FAIL);
	rp_scenario_clear(result, scenario);
	assert_int_equal(scenario->timeline_count, 0);
	assert_int_equal(scenario->findings_count, 0);
	assert_int_equal(result->timeline_cost, 0);
	rp_event_add(result, scenario, 0, "alice", true, false, "y", 1, NULL);
	assert_memory_equal(scenario->timeline[0].octets, "y", 1);
	rp_result_free(result);
}

/* ---- the file ----------------------------------------------------------------------------- */

static void target_fill(struct rp_result *result)
{
	struct rp_target *target = &result->target;

	target->address = rp_text(result, "127.0.0.1:%d", 1950);
	target->launch = rp_text(result, "%s", "./server --port {port}");
	target->output = rp_text(result, "%s", "dying\x1b[2J\n\xff");
	target->lost_after = rp_text(result, "%s", "a/b");
	target->udp = target->tcp_left_out = true;
	target->started = 1763850000123456789;
	target->round_trip = 41000;
	target->restarts = 2;
	rp_fingerprint_set(result, (const int64_t[]){ 1000, 2000, 4100 }, 3);
	target->fingerprint.stop = RP_STOP_ACK;
	target->fingerprint.watched = 99999;
	target->fingerprint.adopted = true;
}

static struct rp_result *full_result(void)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = scenario_add(result, "a/b", RP_FAIL, C2W_MSG_01);
	struct rp_finding *finding = rp_finding_add(result, scenario, C2W_MSG_03, RP_FAIL);

	target_fill(result);
	finding->file = rp_text(result, "%s", "scenarios/a/b.c2w");
	finding->line = 7;
	finding->what = rp_text(result, "%s", "the text is another one: “x”");
	finding->expected = rp_text(result, "%s", "hi\\r\\n");
	finding->got = rp_text(result, "%s", "ho\\r\\n");
	finding->at = 5000;
	rp_event_add(result, scenario, 1000, "alice", false, false, "1: X|a|\0\xff\r\n", 11, NULL);
	rp_event_add(result, scenario, 2000, "bob", true, true, NULL, 0, "closed");
	scenario->timeline[0].cut = 12;
	scenario->timeline_left_out = 3;
	scenario->title = rp_text(result, "%s", "A title");
	scenario->flaky = scenario->completed = scenario->expected = true;
	scenario->transport = RP_MIXED;
	scenario->began = 17;
	scenario->duration = 1234;
	scenario->seed = UINT64_MAX;
	scenario->repeat = rp_text(result, "%s", "c2w-conform --only a/b");
	scenario = scenario_add(result, "a/c", RP_SKIP, C2W_CON_04);
	scenario->reason = rp_text(result, "%s", "needs capacity");
	scenario_add(result, "a/c", RP_PASS, C2W_CON_01)->company_only = true;
	assert_int_equal(c2w_params_set(&result->params, C2W_STR("rto"), C2W_STR("250ms")), C2W_OK);
	result->command = rp_text(result, "%s", "c2w-conform --target x");
	result->expectation.file = rp_text(result, "%s", "known.txt");
	rp_surprise_add(result, "known.txt:1: a/c: it passes over udp now");
	result->warnings_fail = true;
	result->seed = 9223372036854775809u;
	result->duration = 1 << 30;
	rp_result_conclude(result);
	return result;
}

static void write_file(char name[32], const char *octets, size_t length)
{
	int file;

	snprintf(name, 32, "%s", P_tmpdir "/c2w-result-XXXXXX");
	file = mkstemp(name);
	assert_true(file >= 0);
	assert_int_equal(write(file, octets, length), length);
	close(file);
}

static char *as_text(const struct rp_result *result)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	assert_non_null(to);
	assert_int_equal(rp_json_write(result, to), 0);
	fclose(to);
	return text;
}

static struct rp_result *read_text(const char *text, char **error)
{
	struct rp_result *result;
	char name[32];

	*error = NULL;
	write_file(name, text, strlen(text));
	result = rp_json_read(name, error);
	unlink(name);
	return result;
}

static void the_file_gives_the_same_result(void **state)
{
	struct rp_result *result = full_result(), *back;
	char *text = as_text(result), *again, *error;
	const struct rp_scenario *scenario;

	(void)state;
	back = read_text(text, &error);
	assert_non_null(back);
	again = as_text(back);
	assert_string_equal(text, again);
	scenario = &back->scenarios[0];
	assert_int_equal(back->verdict, RP_VIOLATES);
	assert_int_equal(back->params.rto, 250000000);
	assert_true(back->seed == result->seed);
	assert_true(scenario->expected && back->warnings_fail);
	assert_string_equal(back->expectation.surprises[0], "known.txt:1: a/c: it passes over udp now");
	assert_int_equal(back->target.fingerprint.intervals[2], 4100);
	assert_int_equal(back->target.fingerprint.median, 2000);
	assert_int_equal(back->target.fingerprint.factor, 2025);
	assert_int_equal(back->target.fingerprint.stop, RP_STOP_ACK);
	assert_true(scenario->seed == UINT64_MAX);
	assert_memory_equal(scenario->timeline[0].octets, "1: X|a|\0\xff\r\n", 11);
	assert_string_equal(scenario->findings[0].what, result->scenarios[0].findings[0].what);
	assert_string_equal(back->target.output, result->target.output);
	assert_int_equal(back->rules[C2W_MSG_01].verdict, RP_PASS);
	assert_int_equal(back->rules[C2W_CON_01].scenarios[0], 2);
	free(text);
	free(again);
	rp_result_free(back);
	rp_result_free(result);
}

static void an_empty_result_is_a_file_too(void **state)
{
	struct rp_result *result = rp_result_new(), *back;
	char *text = as_text(result), *error;

	(void)state;
	back = read_text(text, &error);
	assert_non_null(back);
	assert_int_equal(back->verdict, RP_UNDECIDED);
	free(text);
	rp_result_free(back);
	rp_result_free(result);
}

/* Every way to spoil a good file by exchanging one piece of it, and what the error must name. */
static void wrong_content_is_refused_by_name(void **state)
{
	static const struct { const char *piece, *instead, *named; } cases[] = {
		{ "\"c2w-result/1\"", "\"c2w-result/2\"", "schema" },
		{ "\"c2w-result/1\"", "17", "schema" },
		{ "\"rule\": \"MSG-03\"", "\"rule\": \"MSG-99\"", "scenarios[0].findings[0].rule" },
		{ "\"rule\": \"MSG-03\"", "\"rule\": null", "scenarios[0].findings[0].rule" },
		{ "\"line\": 7", "\"line\": -1", "findings[0].line" },
		{ "\"line\": 7", "\"line\": 7.5", "findings[0].line" },
		{ "\"line\": 7", "\"line\": 1e9999", "JSON" },
		{ "\"direction\": \"sent\"", "\"direction\": \"up\"", "scenarios[0].timeline[0].direction" },
		{ "\"direction\": \"sent\",", "", "scenarios[0].timeline[0].direction: is missing" },
		{ "\\\\x00\\\\xFF", "\\\\x0", "scenarios[0].timeline[0].octets" },
		{ "\"transport\": \"mixed\"", "\"transport\": \"ipx\"", "scenarios[0].transport" },
		{ "\"flaky\": true", "\"flaky\": 1", "scenarios[0].flaky" },
		{ "\"seed\": \"18446744073709551615\"", "\"seed\": \"18446744073709551616\"", "scenarios[0].seed" },
		{ "\"seed\": \"18446744073709551615\"", "\"seed\": \"-1\"", "scenarios[0].seed" },
		{ "\"rto\": \"250ms\"", "\"rto\": \"soon\"", "parameters.rto" },
		{ "\"verdict\": \"violates\"", "\"verdict\": \"great\"", "verdict" },
		{ "\"transports\": [", "\"transports\": [\"ipx\",", "target.transports" },
		{ "\"restarts\": 2", "\"restarts\": []", "target.restarts" },
		{ "\"stop\": \"ack\"", "\"stop\": \"tired\"", "target.retransmission.stop" },
		{ "    4100", "    \"x\"", "target.retransmission.intervals_ns" },
		{ "    4100", "    -1", "target.retransmission.intervals_ns" },
		{ "\"retransmission\": {", "\"retransmission\": 1, \"x\": {", "target.retransmission" },
		{ "\"known.txt:1: a/c: it passes over udp now\"", "7", "expectation.surprises" },
		{ "\"warnings_fail\": true", "\"warnings_fail\": \"yes\"", "warnings_fail" },
		{ "\"id\": \"TRN-01\"", "\"id\": \"\\u001b[2J\"", "rules[0].id" },
		{ "\"schema\"", "\"schema\": 1, \"schema\"", "JSON" },
		{ "\"scenarios/a/b.c2w\"", "\"a\\u0000b\"", "JSON" },
	};
	struct rp_result *result = full_result();
	char *good = as_text(result);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *at = strstr(good, cases[i].piece), *bad, *error;

		assert_non_null(at);
		assert_true(asprintf(&bad, "%.*s%s%s", (int)(at - good), good, cases[i].instead, at + strlen(cases[i].piece)) > 0);
		assert_null(read_text(bad, &error));
		if (strstr(error, cases[i].named) == NULL)
			fail_msg("\"%s\" does not name %s", error, cases[i].named);
		for (const char *octet = error; *octet != '\0'; octet++)
			assert_in_range(*octet, 0x20, 0x7e);
		free(bad);
		free(error);
	}
	free(good);
	rp_result_free(result);
}

static void a_truncated_file_is_refused_wherever_it_ends(void **state)
{
	struct rp_result *result = full_result();
	char *text = as_text(result), *error;
	size_t length = strlen(text) - 2; /* without the last brace and line end */

	(void)state;
	for (size_t i = 0; i < length; i += 97) {
		text[length - i] = '\0';
		assert_null(read_text(text, &error));
		assert_non_null(error);
		free(error);
	}
	free(text);
	rp_result_free(result);
}

static void what_is_no_result_is_refused(void **state)
{
	static const char *const texts[] = { "", "{}", "[]", "null", "17", "\x1b[2J", "{\"schema\": \"c2w-result/1\"}", "[[[[[[[[[[" };
	char *error;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_null(read_text(texts[i], &error));
		assert_non_null(error);
		assert_null(strchr(error, '\x1b'));
		free(error);
	}
	assert_null(rp_json_read("/nowhere/at-all.json", &error));
	assert_non_null(strstr(error, "No such file"));
	free(error);
	assert_null(rp_json_read("/", &error));
	assert_non_null(strstr(error, "directory"));
	free(error);
}

static void a_huge_file_is_refused_unread(void **state)
{
	char name[32], *error;

	(void)state;
	write_file(name, "{", 1);
	assert_int_equal(truncate(name, 1 << 30), 0);
	assert_null(rp_json_read(name, &error));
	assert_non_null(strstr(error, "128 MiB"));
	free(error);
	unlink(name);
}

static void a_full_disk_is_told(void **state)
{
	struct rp_result *result = full_result();
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (full == NULL)
		skip();
	assert_int_equal(rp_json_write(result, full), -ENOSPC);
	fclose(full);
	rp_result_free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(octets_are_written_as_the_design_says),
		cmocka_unit_test(every_octet_comes_back),
		cmocka_unit_test(bad_escapes_are_refused),
		cmocka_unit_test(a_rule_takes_the_worst),
		cmocka_unit_test(a_finding_counts_wherever_it_is),
		cmocka_unit_test(noise_proves_nothing),
		cmocka_unit_test(nothing_tested_is_not_green),
		cmocka_unit_test(a_warning_conforms),
		cmocka_unit_test(unreachable_stays),
		cmocka_unit_test(only_servers_rules_that_can_be_seen_count),
		cmocka_unit_test(a_crash_is_mended_first_and_logging_in_before_timing),
		cmocka_unit_test(a_flood_keeps_the_first_and_the_newest),
		cmocka_unit_test(big_messages_are_bounded),
		cmocka_unit_test(all_timelines_together_are_bounded),
		cmocka_unit_test(events_stand_in_the_order_of_time),
		cmocka_unit_test(the_worst_finding_survives_a_flood),
		cmocka_unit_test(a_second_try_starts_afresh),
		cmocka_unit_test(the_file_gives_the_same_result),
		cmocka_unit_test(an_empty_result_is_a_file_too),
		cmocka_unit_test(wrong_content_is_refused_by_name),
		cmocka_unit_test(a_truncated_file_is_refused_wherever_it_ends),
		cmocka_unit_test(what_is_no_result_is_refused),
		cmocka_unit_test(a_huge_file_is_refused_unread),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
