/* Records after their runs: filtered, doubted, copied. For schedule.c.
 * All strings that end up in a result are its own (rp_text). */
#include "harness/record.h"

#include <string.h>

static char *text_copy(struct rp_result *result, const char *text)
{
	return text == NULL ? NULL : rp_text(result, "%s", text);
}

void hx_record_describe(struct rp_result *result, struct rp_scenario *record, const struct hx_scenario *scenario,
                        enum rp_transport transport, const bool *left_out)
{
	enum c2w_rule proves[C2W_RULES];
	size_t count = 0;

	for (unsigned i = 0; i < scenario->proves_count && count < C2W_RULES; i++)
		if (!left_out[scenario->proves[i]])
			proves[count++] = scenario->proves[i];
	record->title = text_copy(result, scenario->title);
	record->file = text_copy(result, scenario->file);
	record->transport = transport;
	rp_proves_set(result, record, proves, count);
}

/* The worst of the findings; RP_PASS without any. */
static enum rp_verdict worst(const struct rp_scenario *record)
{
	enum rp_verdict verdict = RP_PASS;

	for (size_t i = 0; i < record->findings_count; i++)
		if (record->findings[i].verdict < verdict)
			verdict = record->findings[i].verdict;
	return verdict;
}

void hx_record_filter(struct rp_result *result, struct rp_scenario *record, const bool *left_out)
{
	enum c2w_rule dropped = C2W_NO_RULE;
	size_t kept = 0;

	for (size_t i = 0; i < record->findings_count; i++) {
		if (left_out[record->findings[i].rule])
			dropped = record->findings[i].rule;
		else
			record->findings[kept++] = record->findings[i];
	}
	record->findings_count = kept;
	if (dropped == C2W_NO_RULE || (record->verdict == RP_INCONCLUSIVE && record->reason != NULL))
		return;
	record->verdict = worst(record);
	if (record->verdict != RP_PASS || record->completed)
		return;
	record->verdict = RP_SKIP;
	record->reason = rp_text(result, "It ended at %s, a rule that was left out, before what it proves was judged.", c2w_rule_info(dropped)->id);
}

void hx_record_remark(struct rp_result *result, struct rp_scenario *record, const char *reason)
{
	if (reason == NULL)
		return;
	record->reason = record->reason == NULL ? rp_text(result, "%s", reason) : rp_text(result, "%s %s", record->reason, reason);
}

void hx_record_doubt(struct rp_result *result, struct rp_scenario *record, const char *reason)
{
	record->verdict = RP_INCONCLUSIVE;
	for (size_t i = 0; i < record->findings_count; i++)
		record->findings[i].verdict = RP_INCONCLUSIVE;
	hx_record_remark(result, record, reason);
}

static void copy_findings(struct rp_result *result, struct rp_scenario *to, const struct rp_scenario *from)
{
	for (size_t i = 0; i < from->findings_count; i++) {
		const struct rp_finding *finding = &from->findings[i];
		struct rp_finding *copy = rp_finding_add(result, to, finding->rule, finding->verdict);

		copy->file = text_copy(result, finding->file);
		copy->line = finding->line;
		copy->what = text_copy(result, finding->what);
		copy->expected = text_copy(result, finding->expected);
		copy->got = text_copy(result, finding->got);
		copy->at = finding->at;
	}
}

void hx_record_copy(struct rp_result *result, struct rp_scenario *to, const struct rp_scenario *from)
{
	rp_scenario_clear(result, to);
	to->verdict = from->verdict;
	to->completed = from->completed;
	to->reason = text_copy(result, from->reason);
	to->began = from->began;
	to->duration = from->duration;
	copy_findings(result, to, from);
	for (size_t i = 0; i < from->timeline_count; i++)
		rp_event_copy(result, to, &from->timeline[i]);
	to->timeline_left_out += from->timeline_left_out;
}

bool hx_record_received(const struct rp_scenario *record, enum c2w_command command)
{
	for (size_t i = 0; i < record->timeline_count; i++) {
		const struct rp_event *event = &record->timeline[i];
		struct c2w_message message;

		if (!event->received || event->octets == NULL)
			continue;
		c2w_message_parse(&message, event->octets, event->length, 0);
		if (message.command == command)
			return true;
	}
	return false;
}
