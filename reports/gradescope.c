/* results.json of a Gradescope autograder: a test for each rule that counts. For render.c. A MUST that was decided is worth a point;
 * SHOULDs, and rules that could not be judged or were not tested, are shown and worth none: nobody pays for the harness's doubts. */
#include "reports/find.h"
#include "reports/json_put.h"
#include "reports/render.h"

enum { TEXT_WIDTH = 100, TEXT_ROWS = 30, FULL_SCENARIOS = 3 };

static bool is_worth_a_point(const struct rp_rule *rule)
{
	return c2w_rule_info(rule->rule)->level == C2W_MUST && (rule->verdict == RP_PASS || rule->verdict == RP_FAIL);
}

static void put_evidence(FILE *to, const struct rp_result *result, const struct rp_rule *rule)
{
	size_t shown = 0, more, count = 0;

	for (size_t i = 0; i < rule->scenarios_count; i++) {
		const struct rp_scenario *scenario = &result->scenarios[rule->scenarios[i]];
		char *text;

		if (rp_finding_of(scenario, rule->rule, rule->verdict, &more) == NULL || ++count > FULL_SCENARIOS)
			continue;
		shown++;
		text = rp_scenario_text(result, scenario, TEXT_WIDTH, TEXT_ROWS);
		fprintf(to, "\n%s", text);
		free(text);
	}
	if (count > shown)
		fprintf(to, "\n(and %zu more scenarios)\n", count - shown);
}

static json_t *output_json(const struct rp_result *result, const struct rp_rule *rule)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);
	json_t *value;

	if (to == NULL)
		abort();
	fprintf(to, "%s\n%s", rp_verdict_name(rule->verdict), c2w_rule_info(rule->rule)->sentence);
	putc('\n', to);
	if (rule->verdict <= RP_WARN)
		put_evidence(to, result, rule);
	if (fclose(to) != 0)
		abort();
	value = text_json(text);
	free(text);
	return value;
}

static json_t *test_json(const struct rp_result *result, const struct rp_rule *rule)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule->rule);
	json_t *test = json_object(), *tags = json_array();
	char name[40];

	snprintf(name, sizeof(name), "%s %s", info->id, c2w_level_name(info->level));
	append(tags, json_string(info->area));
	append(tags, json_string(rp_verdict_name(rule->verdict)));
	set_text(test, "name", name);
	set_number(test, "score", is_worth_a_point(rule) && rule->verdict == RP_PASS);
	set_number(test, "max_score", is_worth_a_point(rule));
	set_text(test, "status", rule->verdict == RP_FAIL || rule->verdict == RP_WARN ? "failed" : "passed");
	set(test, "output", output_json(result, rule));
	set_text(test, "output_format", "text");
	set(test, "tags", tags);
	return test;
}

static json_t *totals_json(const struct rp_result *result)
{
	struct rp_counts counts = rp_count(result);
	json_t *object = json_object(), *scenarios = json_object(), *rules = json_object();

	for (unsigned i = 0; i < RP_VERDICTS; i++) {
		set_count(scenarios, rp_verdict_name((enum rp_verdict)i), counts.scenarios[i]);
		set_count(rules, rp_verdict_name((enum rp_verdict)i), counts.rules[i]);
	}
	set_text(object, "verdict", rp_overall_name(result->verdict));
	set(object, "scenarios", scenarios);
	set(object, "rules", rules);
	return object;
}

void rp_gradescope_write(const struct rp_result *result, FILE *to)
{
	json_t *root = json_object(), *tests = json_array();
	char *line = rp_summary_line(result);

	for (unsigned i = 1; i < C2W_RULES; i++)
		if (rp_rule_counts((enum c2w_rule)i))
			append(tests, test_json(result, &result->rules[i]));
	set_text(root, "output", line);
	set_text(root, "output_format", "text");
	set_number(root, "execution_time", result->duration / 1000000000);
	if (result->verdict == RP_UNREACHABLE)
		set_number(root, "score", 0);
	set(root, "tests", tests);
	set(root, "extra_data", totals_json(result));
	json_dumpf(root, to, JSON_INDENT(1));
	putc('\n', to);
	json_decref(root);
	free(line);
}
