/* TAP 14: a test point for each scenario and transport, with a YAML block where there is something to say. For render.c.
 * In a description # and \ are escaped; in YAML every string is double-quoted or a literal block of shown text. */
#include <stdlib.h>
#include <string.h>

#include "reports/find.h"
#include "reports/render.h"
#include "reports/text.h"

enum { TEXT_WIDTH = 120, TEXT_ROWS = 60 };

static void put_description(FILE *to, const char *shown)
{
	for (; *shown != '\0'; shown++) {
		if (*shown == '#' || *shown == '\\')
			putc('\\', to);
		putc(*shown, to);
	}
}

/* Shown text holds no control: only these two need an escape. */
static void put_string(FILE *to, const char *key, const char *text)
{
	char *shown;

	if (text == NULL)
		return;
	shown = rp_shown_text(text);
	fprintf(to, "  %s: \"", key);
	for (const char *at = shown; *at != '\0'; at++) {
		if (*at == '"' || *at == '\\')
			putc('\\', to);
		putc(*at, to);
	}
	fputs("\"\n", to);
	free(shown);
}

static void put_block(FILE *to, const char *key, const char *text)
{
	fprintf(to, "  %s: |2\n", key);
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		fprintf(to, "    %.*s\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static void put_diagnostics(FILE *to, const struct rp_result *result, const struct rp_scenario *scenario)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);
	char *message = rp_case_message(scenario), *place = rp_place(scenario, worst);
	char *text = rp_scenario_text(result, scenario, TEXT_WIDTH, TEXT_ROWS);

	fputs("  ---\n", to);
	put_string(to, "message", message);
	put_string(to, "severity", rp_verdict_name(scenario->verdict));
	if (worst != NULL) {
		put_string(to, "rule", c2w_rule_info(worst->rule)->id);
		put_string(to, "expected", worst->expected);
		put_string(to, "got", worst->got);
	}
	put_string(to, "at", place);
	if (scenario->flaky)
		fputs("  flaky: true\n", to);
	put_string(to, "again", scenario->repeat);
	put_string(to, "packets", scenario->pcap);
	put_block(to, "explanation", text);
	fputs("  ...\n", to);
	free(message);
	free(place);
	free(text);
}

static void put_directive(FILE *to, const struct rp_scenario *scenario)
{
	char *message = rp_case_message(scenario);

	fputs(scenario->expected ? " # TODO known failure, " : " # SKIP ", to);
	put_description(to, message);
	free(message);
}

/* A known failure is "not ok" with TODO, as TAP has it; warnings that do not count are "ok" with diagnostics. */
static void put_point(FILE *to, const struct rp_result *result, size_t index, const char *name)
{
	const struct rp_scenario *scenario = &result->scenarios[index];
	enum rp_case how = rp_case_of(result, scenario);
	bool failed = how == RP_CASE_FAILED || how == RP_CASE_ERROR || scenario->expected;

	fprintf(to, "%s %zu - ", failed ? "not ok" : "ok", index + 1);
	put_description(to, name);
	if (how == RP_CASE_SKIPPED)
		put_directive(to, scenario);
	putc('\n', to);
	if (failed || scenario->verdict == RP_WARN)
		put_diagnostics(to, result, scenario);
}

void rp_tap_write(const struct rp_result *result, FILE *to)
{
	struct rp_cases cases = rp_cases_count(result);
	struct rp_counts counts = rp_count(result);
	char **names = rp_case_names(result), *error = rp_run_error(result), *line = rp_summary_line(result);

	fprintf(to, "TAP version 14\n1..%zu\n", cases.total);
	for (size_t i = 0; i < result->scenarios_count; i++)
		put_point(to, result, i, names[i]);
	if (error != NULL) {
		fprintf(to, "not ok %zu - " RP_RUN_CASE "\n  ---\n", result->scenarios_count + 1);
		put_string(to, "message", error);
		fputs("  ...\n", to);
	}
	fprintf(to, "# %s\n# scenarios:", line);
	for (unsigned i = 0; i < RP_VERDICTS; i++)
		fprintf(to, " %s %zu", rp_verdict_name((enum rp_verdict)i), counts.scenarios[i]);
	putc('\n', to);
	free(line);
	free(error);
	rp_names_free(names, result->scenarios_count);
}
