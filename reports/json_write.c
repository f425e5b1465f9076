/* Writes the result file, "c2w-result/1"; schema c2w-result-1.schema.json. Called by c2w-conform and c2w-trace.
 * jansson does the syntax; the caller owns the stream. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/json_put.h"
#include "reports/result.h"

/* As text: 64 bits are more than a JSON number holds in most readers. */
static void set_seed(json_t *object, uint64_t seed)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
	set_text(object, "seed", text);
}

static json_t *tool_json(const struct rp_result *result)
{
	json_t *tool = json_object();

	set_text(tool, "name", result->tool == NULL ? "c2w-conform" : result->tool);
	set_text(tool, "version", result->version == NULL ? "unknown" : result->version);
	set_text(tool, "command", result->command);
	return tool;
}

static json_t *transports_json(bool udp, bool tcp)
{
	json_t *array = json_array();

	if (udp)
		append(array, json_string("udp"));
	if (tcp)
		append(array, json_string("tcp"));
	return array;
}

static json_t *fingerprint_json(const struct rp_fingerprint *print)
{
	json_t *object = json_object(), *intervals = json_array();

	for (size_t i = 0; i < print->intervals_count; i++)
		append(intervals, json_integer(print->intervals[i]));
	set_text(object, "stop", rp_stop_name(print->stop));
	set_text(object, "reason", print->reason);
	set(object, "intervals_ns", intervals);
	set_number(object, "median_ns", print->median);
	set_number(object, "least_ns", print->least);
	set_number(object, "most_ns", print->most);
	set_number(object, "factor_permille", print->factor);
	set_number(object, "watched_ns", print->watched);
	set_bool(object, "adopted", print->adopted);
	return object;
}

static json_t *target_json(const struct rp_target *target)
{
	json_t *object = json_object();

	set_text(object, "address", target->address);
	set_text(object, "launch", target->launch);
	set(object, "transports", transports_json(target->udp, target->tcp));
	set(object, "left_out", transports_json(target->udp_left_out, target->tcp_left_out));
	set_bool(object, "simulated", target->simulated);
	set_number(object, "started_ns", target->started);
	set_number(object, "round_trip_ns", target->round_trip);
	set_number(object, "restarts", target->restarts);
	set_text(object, "lost_after", target->lost_after);
	set_text(object, "capture", rp_capture_kind(target->capture));
	set(object, "retransmission", fingerprint_json(&target->fingerprint));
	set(object, "output", target->output == NULL ? json_null() : octets_json(target->output, strlen(target->output)));
	return object;
}

static json_t *parameters_json(const struct c2w_params *params)
{
	json_t *object = json_object();
	char text[2 * C2W_MAX_PARAM_TEXT + 64];

	for (unsigned i = 0; i < C2W_PARAMS; i++)
		if (c2w_params_format(params, (enum c2w_param)i, text, sizeof(text)) >= 0)
			set_text(object, c2w_param_info((enum c2w_param)i)->name, text);
	return object;
}

static json_t *summary_json(const struct rp_result *result)
{
	static const enum rp_verdict order[] = { RP_PASS, RP_FAIL, RP_WARN, RP_SKIP, RP_INCONCLUSIVE };
	struct rp_counts counts = rp_count(result);
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		set_count(object, rp_verdict_name(order[i]), counts.scenarios[order[i]]);
	return object;
}

/* The ids of the scenarios that tested it, each once, however many transports it ran over. */
static json_t *rule_scenarios_json(const struct rp_result *result, const struct rp_rule *rule)
{
	json_t *seen = json_object(), *ids = json_array();

	for (size_t i = 0; i < rule->scenarios_count; i++) {
		json_t *id = text_json(result->scenarios[rule->scenarios[i]].id);

		if (json_object_get(seen, json_string_value(id)) == NULL) {
			set_bool(seen, json_string_value(id), true);
			append(ids, json_incref(id));
		}
		json_decref(id);
	}
	json_decref(seen);
	return ids;
}

static json_t *rule_json(const struct rp_result *result, const struct rp_rule *rule)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule->rule);
	char origin[2] = { (char)info->origin, '\0' };
	json_t *object = json_object();

	set_text(object, "id", info->id);
	set_text(object, "level", c2w_level_name(info->level));
	set_text(object, "origin", origin);
	set_bool(object, "counts", rp_rule_counts(rule->rule));
	set_text(object, "verdict", rp_verdict_name(rule->verdict));
	set(object, "scenarios", rule_scenarios_json(result, rule));
	return object;
}

static json_t *finding_json(const struct rp_finding *finding)
{
	json_t *object = json_object();

	set_text(object, "rule", c2w_rule_info(finding->rule)->id);
	set_text(object, "verdict", rp_verdict_name(finding->verdict));
	set_text(object, "file", finding->file);
	set_number(object, "line", finding->line);
	set_text(object, "what", finding->what);
	set_text(object, "expected", finding->expected);
	set_text(object, "got", finding->got);
	set_number(object, "at_ns", finding->at);
	return object;
}

static json_t *event_json(const struct rp_event *event)
{
	json_t *object = json_object();

	set_number(object, "at_ns", event->at);
	set_text(object, "client", event->client);
	set_text(object, "direction", event->received ? "received" : "sent");
	set_text(object, "transport", event->tcp ? "tcp" : "udp");
	set(object, "octets", event->octets == NULL ? json_null() : octets_json(event->octets, event->length));
	set_count(object, "cut", event->cut);
	set_text(object, "note", event->note);
	if (event->path != NULL)
		set_text(object, "path", event->path);
	if (event->end != RP_GOES_ON)
		set_text(object, "end", event->end == RP_FIN ? "fin" : "rst");
	return object;
}

static json_t *scenario_json(const struct rp_scenario *scenario)
{
	json_t *object = json_object(), *proves = json_array(), *findings = json_array(), *timeline = json_array();

	for (size_t i = 0; i < scenario->proves_count; i++)
		append(proves, json_string(c2w_rule_info(scenario->proves[i])->id));
	for (size_t i = 0; i < scenario->findings_count; i++)
		append(findings, finding_json(&scenario->findings[i]));
	for (size_t i = 0; i < scenario->timeline_count; i++)
		append(timeline, event_json(&scenario->timeline[i]));
	set_text(object, "id", scenario->id);
	set_text(object, "title", scenario->title);
	set_text(object, "file", scenario->file);
	set_text(object, "transport", rp_transport_name(scenario->transport));
	set_text(object, "verdict", rp_verdict_name(scenario->verdict));
	set_bool(object, "flaky", scenario->flaky);
	set_bool(object, "company_only", scenario->company_only);
	set_bool(object, "expected", scenario->expected);
	set_bool(object, "completed", scenario->completed);
	set_text(object, "reason", scenario->reason);
	set_number(object, "began_ns", scenario->began);
	set_number(object, "duration_ns", scenario->duration);
	set_seed(object, scenario->seed);
	set_text(object, "repeat", scenario->repeat);
	set_text(object, "pcap", scenario->pcap);
	set(object, "proves", proves);
	set(object, "findings", findings);
	set(object, "timeline", timeline);
	set_count(object, "timeline_left_out", scenario->timeline_left_out);
	return object;
}

static json_t *expectation_json(const struct rp_expectation *expectation)
{
	json_t *object = json_object(), *surprises = json_array();

	for (size_t i = 0; i < expectation->surprises_count; i++)
		append(surprises, text_json(expectation->surprises[i]));
	set_text(object, "file", expectation->file);
	set(object, "surprises", surprises);
	return object;
}

static json_t *result_json(const struct rp_result *result)
{
	json_t *root = json_object(), *rules = json_array(), *scenarios = json_array();

	for (size_t i = 1; i < C2W_RULES; i++)
		append(rules, rule_json(result, &result->rules[i]));
	for (size_t i = 0; i < result->scenarios_count; i++)
		append(scenarios, scenario_json(&result->scenarios[i]));
	set_text(root, "schema", RP_RESULT_SCHEMA);
	set(root, "tool", tool_json(result));
	set(root, "target", target_json(&result->target));
	set(root, "parameters", parameters_json(&result->params));
	set_text(root, "verdict", rp_overall_name(result->verdict));
	set_text(root, "verdict_reason", result->verdict_reason);
	set_text(root, "outcome", rp_overall_name(rp_outcome(result)));
	set_bool(root, "warnings_fail", result->warnings_fail);
	set(root, "expectation", result->expectation.file == NULL ? json_null() : expectation_json(&result->expectation));
	set_seed(root, result->seed);
	set_number(root, "duration_ns", result->duration);
	set_number(root, "critical_path_ns", result->critical_path);
	set(root, "summary", summary_json(result));
	set(root, "rules", rules);
	set(root, "scenarios", scenarios);
	return root;
}

int rp_json_write(const struct rp_result *result, FILE *to)
{
	json_t *root = result_json(result);
	int failed;

	errno = 0;
	failed = json_dumpf(root, to, JSON_INDENT(1)) != 0;
	failed = putc('\n', to) == EOF || failed;
	failed = fflush(to) != 0 || failed;
	json_decref(root);
	return !failed ? 0 : errno != 0 ? -errno : -EIO;
}
