/* CTRF, the Common Test Report Format (https://ctrf.io): a test for each scenario and transport. For render.c.
 * jansson does the syntax; all text is shown text. */
#include "reports/find.h"
#include "reports/json_put.h"
#include "reports/render.h"
#include "reports/text.h"

enum { TEXT_WIDTH = 120, TEXT_ROWS = 60, MS = 1000000 };

static const char *const statuses[RP_CASES] = {
	[RP_CASE_PASSED] = "passed", [RP_CASE_FAILED] = "failed", [RP_CASE_ERROR] = "other", [RP_CASE_SKIPPED] = "skipped",
};

static void set_shown(json_t *object, const char *key, const char *text)
{
	char *shown;

	if (text == NULL)
		return;
	shown = rp_shown_text(text);
	set_text(object, key, shown);
	free(shown);
}

static json_t *counts_json(const size_t counts[RP_VERDICTS])
{
	json_t *object = json_object();

	for (unsigned i = 0; i < RP_VERDICTS; i++)
		set_count(object, rp_verdict_name((enum rp_verdict)i), counts[i]);
	return object;
}

static json_t *summary_json(const struct rp_result *result)
{
	struct rp_cases cases = rp_cases_count(result);
	struct rp_counts counts = rp_count(result);
	json_t *summary = json_object(), *extra = json_object();
	char *line = rp_summary_line(result);

	set_count(summary, "tests", cases.total);
	for (unsigned i = 0; i < RP_CASES; i++)
		set_count(summary, statuses[i], cases.of[i]);
	set_number(summary, "pending", 0);
	set_number(summary, "start", result->target.started / MS);
	set_number(summary, "stop", (result->target.started + result->duration) / MS);
	set_text(extra, "line", line);
	set_text(extra, "verdict", rp_overall_name(result->verdict));
	set(extra, "scenarios", counts_json(counts.scenarios));
	set(extra, "rules", counts_json(counts.rules));
	set(summary, "extra", extra);
	free(line);
	return summary;
}

static void set_why(json_t *test, const struct rp_result *result, const struct rp_scenario *scenario)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);
	char *message = rp_case_message(scenario), *text = rp_scenario_text(result, scenario, TEXT_WIDTH, TEXT_ROWS);

	set_text(test, "message", message);
	set_text(test, "trace", text);
	if (worst != NULL && worst->line > 0)
		set_number(test, "line", worst->line);
	free(message);
	free(text);
}

static void set_packets(json_t *test, const struct rp_scenario *scenario)
{
	json_t *attachments = json_array(), *attachment = json_object();
	char *name = rp_capture_name(scenario);

	set_text(attachment, "name", name);
	set_text(attachment, "contentType", "application/vnd.tcpdump.pcap");
	set_shown(attachment, "path", scenario->pcap);
	append(attachments, attachment);
	set(test, "attachments", attachments);
	free(name);
}

static json_t *test_json(const struct rp_result *result, const struct rp_scenario *scenario, const char *name)
{
	json_t *test = json_object(), *tags = json_array();

	for (size_t i = 0; i < scenario->proves_count; i++)
		append(tags, json_string(c2w_rule_info(scenario->proves[i])->id));
	set_text(test, "name", name);
	set_text(test, "status", statuses[rp_case_of(result, scenario)]);
	set_text(test, "rawStatus", rp_verdict_name(scenario->verdict));
	set_number(test, "duration", scenario->duration > 0 ? scenario->duration / MS : 0);
	set(test, "tags", tags);
	set_shown(test, "filePath", scenario->file);
	if (scenario->flaky)
		set_bool(test, "flaky", true);
	if (scenario->verdict != RP_PASS)
		set_why(test, result, scenario);
	if (scenario->pcap != NULL)
		set_packets(test, scenario);
	return test;
}

static json_t *tests_json(const struct rp_result *result)
{
	char **names = rp_case_names(result), *error = rp_run_error(result);
	json_t *tests = json_array(), *run;

	for (size_t i = 0; i < result->scenarios_count; i++)
		append(tests, test_json(result, &result->scenarios[i], names[i]));
	rp_names_free(names, result->scenarios_count);
	if (error == NULL)
		return tests;
	run = json_object();
	set_text(run, "name", RP_RUN_CASE);
	set_text(run, "status", statuses[RP_CASE_ERROR]);
	set_number(run, "duration", 0);
	set_text(run, "message", error);
	append(tests, run);
	free(error);
	return tests;
}

void rp_ctrf_write(const struct rp_result *result, FILE *to)
{
	json_t *root = json_object(), *results = json_object(), *tool = json_object(), *environment = json_object();

	set_shown(tool, "name", result->tool == NULL ? "c2w-conform" : result->tool);
	set_shown(tool, "version", result->version);
	set_shown(environment, "testEnvironment", result->target.address);
	set(results, "tool", tool);
	set(results, "summary", summary_json(result));
	set(results, "tests", tests_json(result));
	set(results, "environment", environment);
	set_text(root, "reportFormat", "CTRF");
	set_text(root, "specVersion", "0.0.0");
	set(root, "results", results);
	json_dumpf(root, to, JSON_INDENT(1));
	putc('\n', to);
	json_decref(root);
}
