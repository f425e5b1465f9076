/* The result model: building one, bounding it, drawing the verdicts from it. No rendering here.
 * Called by the harness while it runs, by json_read.c. A result owns its arrays (malloc), its events (one block
 * each, so that old ones can be dropped) and a list of chunks for everything else; rp_result_free() frees all. */
#include "reports/result.h"

#include <assert.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 * 1024 };

struct rp_chunk {
	struct rp_chunk *next;
	size_t used, size;
	char octets[];
};

static const char *const verdict_names[RP_VERDICTS] = {
	[RP_FAIL] = "fail", [RP_INCONCLUSIVE] = "inconclusive", [RP_WARN] = "warn",
	[RP_PASS] = "pass", [RP_SKIP] = "skip", [RP_UNTESTED] = "untested",
};

static const char *const overall_names[] = {
	[RP_CONFORMS] = "conforms", [RP_VIOLATES] = "violates",
	[RP_UNREACHABLE] = "unreachable", [RP_UNDECIDED] = "inconclusive",
};

static const char *const stop_names[] = {
	[RP_STOP_UNWATCHED] = "unwatched", [RP_STOP_SESSION] = "session", [RP_STOP_COUNT] = "count",
	[RP_STOP_ACK] = "ack", [RP_STOP_NEVER] = "never", [RP_STOP_UNSEEN] = "unseen",
};

static const char *const transport_names[] = { [RP_UDP] = "udp", [RP_TCP] = "tcp", [RP_MIXED] = "mixed" };

const char *rp_verdict_name(enum rp_verdict verdict)
{
	return verdict_names[verdict];
}

const char *rp_overall_name(enum rp_overall overall)
{
	return overall_names[overall];
}

const char *rp_transport_name(enum rp_transport transport)
{
	return transport_names[transport];
}

const char *rp_stop_name(enum rp_stop stop)
{
	return stop_names[stop];
}

const char *rp_capture_kind(enum rp_capture capture)
{
	static const char *const kinds[RP_CAPTURES] = { [RP_CAPTURED] = "captured", [RP_SYNTHESISED] = "synthesised" };

	return kinds[capture];
}

/* ---- memory ------------------------------------------------------------------------------- */

static void *must(void *memory)
{
	if (memory == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

/* Room for one more element: the capacity is the next power of two, so it need not be kept. */
static void *grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return array;
	return must(realloc(array, (count == 0 ? 1 : 2 * count) * size));
}

static void *arena_take(struct rp_result *result, size_t size)
{
	struct rp_chunk *chunk = result->memory;

	size = (size + 15) & ~(size_t)15;
	if (chunk == NULL || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK ? size : CHUNK;

		chunk = must(malloc(sizeof(*chunk) + room));
		*chunk = (struct rp_chunk){ .next = result->memory, .size = room };
		result->memory = chunk;
	}
	chunk->used += size;
	return chunk->octets + chunk->used - size;
}

char *rp_text(struct rp_result *result, const char *format, ...)
{
	va_list arguments, again;
	char *text;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	if (length < 0)
		length = 0;
	text = arena_take(result, (size_t)length + 1);
	text[0] = '\0';
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(arguments);
	return text;
}

struct rp_result *rp_result_new(void)
{
	struct rp_result *result = must(calloc(1, sizeof(*result)));

	result->verdict = RP_UNDECIDED;
	c2w_params_init(&result->params);
	for (size_t i = 0; i < C2W_RULES; i++) {
		result->rules[i].rule = (enum c2w_rule)i;
		result->rules[i].verdict = RP_UNTESTED;
	}
	return result;
}

static void events_free(struct rp_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(events[i].client); /* the block of the event: see block_new() */
}

void rp_result_free(struct rp_result *result)
{
	if (result == NULL)
		return;
	for (size_t i = 0; i < result->scenarios_count; i++) {
		struct rp_scenario *scenario = &result->scenarios[i];

		events_free(scenario->timeline, scenario->timeline_count);
		free(scenario->timeline);
		free(scenario->findings);
	}
	for (size_t i = 0; i < C2W_RULES; i++)
		free(result->rules[i].scenarios);
	for (struct rp_chunk *chunk = result->memory, *next; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(result->scenarios);
	free(result->expectation.surprises);
	free(result);
}

/* ---- scenarios and findings --------------------------------------------------------------- */

struct rp_scenario *rp_scenario_add(struct rp_result *result, const char *id)
{
	struct rp_scenario *scenario;

	result->scenarios = grow(result->scenarios, result->scenarios_count, sizeof(*scenario));
	scenario = &result->scenarios[result->scenarios_count++];
	*scenario = (struct rp_scenario){ .id = rp_text(result, "%s", id), .verdict = RP_INCONCLUSIVE };
	return scenario;
}

/* The worst that the scenario's findings say of a rule; RP_UNTESTED: none of them is about it. */
enum rp_verdict rp_scenario_found(const struct rp_scenario *scenario, enum c2w_rule rule)
{
	enum rp_verdict worst = RP_UNTESTED;

	for (size_t i = 0; i < scenario->findings_count; i++)
		if (scenario->findings[i].rule == rule && scenario->findings[i].verdict < worst)
			worst = scenario->findings[i].verdict;
	return worst;
}

struct rp_finding *rp_finding_add(struct rp_result *result, struct rp_scenario *scenario, enum c2w_rule rule, enum rp_verdict verdict)
{
	struct rp_finding *finding = &result->spare;

	assert(rule > C2W_NO_RULE && rule < C2W_RULES);
	if (scenario->findings_count < RP_MAX_FINDINGS || verdict < rp_scenario_found(scenario, rule)) {
		scenario->findings = grow(scenario->findings, scenario->findings_count, sizeof(*finding));
		finding = &scenario->findings[scenario->findings_count++];
	}
	*finding = (struct rp_finding){ .rule = rule, .verdict = verdict };
	return finding;
}

void rp_proves_set(struct rp_result *result, struct rp_scenario *scenario, const enum c2w_rule *rules, size_t count)
{
	scenario->proves = arena_take(result, count * sizeof(*rules));
	scenario->proves_count = count;
	if (count > 0)
		memcpy(scenario->proves, rules, count * sizeof(*rules));
}

void rp_surprise_add(struct rp_result *result, const char *text)
{
	struct rp_expectation *expectation = &result->expectation;

	expectation->surprises = grow(expectation->surprises, expectation->surprises_count, sizeof(char *));
	expectation->surprises[expectation->surprises_count++] = rp_text(result, "%s", text);
}

static int by_length(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

void rp_fingerprint_set(struct rp_result *result, const int64_t *intervals, size_t count)
{
	struct rp_fingerprint *print = &result->target.fingerprint;
	int64_t *sorted = must(malloc((count + 1) * sizeof(*sorted)));

	print->intervals = arena_take(result, (count + 1) * sizeof(*intervals));
	print->intervals_count = count;
	print->median = print->least = print->most = print->factor = 0;
	if (count > 0) {
		memcpy(print->intervals, intervals, count * sizeof(*intervals));
		memcpy(sorted, intervals, count * sizeof(*intervals));
		qsort(sorted, count, sizeof(*sorted), by_length);
		print->median = sorted[count / 2];
		print->least = sorted[0];
		print->most = sorted[count - 1];
	}
	if (count > 1 && intervals[0] > 0)
		print->factor = llround(1000 * pow((double)intervals[count - 1] / (double)intervals[0], 1.0 / (double)(count - 1)));
	free(sorted);
}

static bool fits_rto(const struct c2w_params *params, int64_t interval)
{
	return interval >= params->rto - params->rto / 1000 * params->rto_tolerance.early &&
	       interval <= params->rto + params->rto / 1000 * params->rto_tolerance.late;
}

bool rp_fingerprint_differs(const struct rp_result *result)
{
	const struct rp_fingerprint *print = &result->target.fingerprint;
	const struct c2w_params *params = &result->params;
	int64_t count = (int64_t)print->intervals_count, latest;

	if (print->stop == RP_STOP_UNWATCHED)
		return false;
	if (count > params->max_retransmits || (count > 0 && !fits_rto(params, print->median)) || (count > 1 && llabs(print->factor - 1000) > 150))
		return true;
	if (print->stop != RP_STOP_UNSEEN)
		return print->stop != RP_STOP_SESSION || count != params->max_retransmits;
	latest = params->rto + params->rto / 1000 * params->rto_tolerance.late;
	return count < params->max_retransmits && print->watched > (count + 1) * latest + params->rto;
}

void rp_scenario_clear(struct rp_result *result, struct rp_scenario *scenario)
{
	events_free(scenario->timeline, scenario->timeline_count);
	free(scenario->timeline);
	free(scenario->findings);
	result->timeline_cost -= scenario->timeline_cost;
	scenario->timeline = NULL;
	scenario->findings = NULL;
	scenario->findings_count = scenario->timeline_count = 0;
	scenario->timeline_left_out = scenario->timeline_head = scenario->timeline_cost = 0;
}

/* ---- timelines ---------------------------------------------------------------------------- */

static size_t event_cost(const struct rp_event *event)
{
	return event->length + RP_EVENT_COST;
}

static size_t timeline_limit(const struct rp_result *result)
{
	return result->timeline_cost < RP_MAX_TIMELINES ? RP_MAX_TIMELINE : RP_SMALL_TIMELINE;
}

static size_t size_of(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

static char *put_text(char **block, const char *text)
{
	size_t size = size_of(text);
	char *copied = *block;

	if (text == NULL)
		return NULL;
	*block += size;
	return memcpy(copied, text, size);
}

/* One block holds all that an event points to; its `client` is the start. */
static void block_new(struct rp_event *event)
{
	char *block = must(malloc(size_of(event->client) + size_of(event->path) + size_of(event->note) + event->length + 1));

	event->client = put_text(&block, event->client);
	event->path = put_text(&block, event->path);
	event->note = put_text(&block, event->note);
	if (event->octets != NULL) {
		event->octets = memcpy(block, event->octets, event->length);
		event->octets[event->length] = '\0';
	}
}

/* Drops the oldest events behind the head, down to three quarters of the limits, so that a flood costs little. */
static void timeline_trim(struct rp_result *result, struct rp_scenario *scenario, size_t limit)
{
	size_t dropped = 0, spent = 0, behind = scenario->timeline_count - scenario->timeline_head;
	struct rp_event *oldest = scenario->timeline + scenario->timeline_head;

	while (dropped < behind && (scenario->timeline_cost - spent > limit - limit / 4 ||
				    scenario->timeline_count - dropped > RP_MAX_EVENTS - RP_MAX_EVENTS / 4))
		spent += event_cost(&oldest[dropped++]);
	events_free(oldest, dropped);
	memmove(oldest, oldest + dropped, (behind - dropped) * sizeof(*oldest));
	scenario->timeline_count -= dropped;
	scenario->timeline_left_out += dropped;
	scenario->timeline_cost -= spent;
	result->timeline_cost -= spent;
}

/* Keeps the order of `at`: kernel timestamps of several sockets arrive a little out of order. */
static void timeline_insert(struct rp_scenario *scenario, const struct rp_event *event)
{
	size_t place = scenario->timeline_count++;

	for (; place > 0 && scenario->timeline[place - 1].at > event->at; place--)
		scenario->timeline[place] = scenario->timeline[place - 1];
	scenario->timeline[place] = *event;
}

void rp_event_add(struct rp_result *result, struct rp_scenario *scenario, int64_t at, const char *client, bool received, bool tcp,
                  const char *octets, size_t length, const char *note)
{
	/* What it points to is only copied. */
	rp_event_copy(result, scenario, &(struct rp_event){
		.at = at, .client = (char *)(uintptr_t)client, .received = received, .tcp = tcp, .octets = (char *)(uintptr_t)octets,
		.length = octets == NULL ? 0 : length, .note = (char *)(uintptr_t)note,
	});
}

void rp_event_copy(struct rp_result *result, struct rp_scenario *scenario, const struct rp_event *from)
{
	bool whole = result->whole_timelines && result->timeline_cost < RP_MAX_WHOLE;
	struct rp_event event = *from;
	size_t limit = timeline_limit(result);

	if (event.length > RP_MAX_EVENT && !whole) {
		event.cut += event.length - RP_MAX_EVENT;
		event.length = RP_MAX_EVENT;
	}
	block_new(&event);
	scenario->timeline = grow(scenario->timeline, scenario->timeline_count, sizeof(event));
	timeline_insert(scenario, &event);
	scenario->timeline_cost += event_cost(&event);
	result->timeline_cost += event_cost(&event);
	if (whole && scenario->timeline_left_out == 0)
		return;
	if (scenario->timeline_left_out == 0 && scenario->timeline_count <= RP_HEAD_EVENTS && scenario->timeline_cost <= limit / 2)
		scenario->timeline_head = scenario->timeline_count;
	if (scenario->timeline_count > RP_MAX_EVENTS || scenario->timeline_cost > limit)
		timeline_trim(result, scenario, limit);
}

void rp_timelines_trim(struct rp_result *result)
{
	result->whole_timelines = false;
	result->timeline_cost = 0;
	for (size_t i = 0; i < result->scenarios_count; i++) {
		struct rp_scenario *scenario = &result->scenarios[i];
		struct rp_event *events = scenario->timeline;
		size_t count = scenario->timeline_count, left_out = scenario->timeline_left_out;

		scenario->timeline = NULL;
		scenario->timeline_count = scenario->timeline_left_out = scenario->timeline_head = scenario->timeline_cost = 0;
		for (size_t k = 0; k < count; k++)
			rp_event_copy(result, scenario, &events[k]);
		scenario->timeline_left_out += left_out;
		events_free(events, count);
		free(events);
	}
}

/* ---- verdicts ----------------------------------------------------------------------------- */

bool rp_rule_counts(enum c2w_rule rule)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule);

	return info->binds == C2W_BINDS_SERVER && info->unseen == NULL;
}

unsigned rp_mending_rank(enum c2w_rule rule)
{
	static const char areas[][4] = { "CON", "TRN", "FMT", "LST", "ENT", "LEA", "MSG", "NAM", "REL", "ROB" };
	unsigned place = 0;

	if (rule == C2W_ROB_01)
		return 0;
	while (place < sizeof(areas) / sizeof(areas[0]) && strcmp(areas[place], c2w_rule_info(rule)->area) != 0)
		place++;
	return place * C2W_RULES + rule;
}

/* What a scenario says of a rule that it proves and has no finding for. */
static enum rp_verdict proven(const struct rp_scenario *scenario)
{
	switch (scenario->verdict) {
	case RP_PASS:
		return RP_PASS;
	case RP_FAIL:
	case RP_WARN:
		return scenario->completed ? RP_PASS : RP_UNTESTED;
	case RP_INCONCLUSIVE:
		return scenario->completed && scenario->findings_count > 0 ? RP_PASS : RP_INCONCLUSIVE;
	case RP_SKIP:
		return RP_SKIP;
	case RP_UNTESTED:
	case RP_VERDICTS:
		break;
	}
	return RP_UNTESTED;
}

static void rule_take(struct rp_rule *rule, size_t scenario, enum rp_verdict verdict)
{
	if (verdict == RP_UNTESTED)
		return;
	if (verdict < rule->verdict)
		rule->verdict = verdict;
	if (verdict == RP_SKIP || (rule->scenarios_count > 0 && rule->scenarios[rule->scenarios_count - 1] == scenario))
		return;
	rule->scenarios = grow(rule->scenarios, rule->scenarios_count, sizeof(scenario));
	rule->scenarios[rule->scenarios_count++] = scenario;
}

static void scenario_tells(struct rp_result *result, size_t index)
{
	const struct rp_scenario *scenario = &result->scenarios[index];

	for (size_t i = 0; i < scenario->findings_count; i++)
		rule_take(&result->rules[scenario->findings[i].rule], index, scenario->findings[i].verdict);
	for (size_t i = 0; i < scenario->proves_count; i++)
		if (rp_scenario_found(scenario, scenario->proves[i]) == RP_UNTESTED)
			rule_take(&result->rules[scenario->proves[i]], index, proven(scenario));
}

static size_t musts_kept(const struct rp_result *result)
{
	size_t count = 0;

	for (size_t i = 1; i < C2W_RULES; i++)
		count += rp_rule_counts((enum c2w_rule)i) && result->rules[i].verdict == RP_PASS &&
			 c2w_rule_info((enum c2w_rule)i)->level == C2W_MUST;
	return count;
}

static enum rp_overall overall(const struct rp_result *result, const char **reason)
{
	struct rp_counts counts = rp_count(result);

	*reason = NULL;
	if (counts.rules[RP_FAIL] > 0 || counts.scenarios[RP_FAIL] > 0 || (result->warnings_fail && counts.rules[RP_WARN] > 0))
		return RP_VIOLATES;
	if (counts.rules[RP_INCONCLUSIVE] > 0 || counts.scenarios[RP_INCONCLUSIVE] > 0)
		*reason = "nothing broken was found, but not all could be judged";
	else if (musts_kept(result) == 0)
		*reason = "no rule that is a MUST was tested";
	return *reason == NULL ? RP_CONFORMS : RP_UNDECIDED;
}

void rp_result_conclude(struct rp_result *result)
{
	const char *reason;

	for (size_t i = 0; i < C2W_RULES; i++) {
		result->rules[i].verdict = RP_UNTESTED;
		result->rules[i].scenarios_count = 0;
		free(result->rules[i].scenarios);
		result->rules[i].scenarios = NULL;
	}
	for (size_t i = 0; i < result->scenarios_count; i++)
		scenario_tells(result, i);
	if (result->verdict == RP_UNREACHABLE)
		return;
	result->verdict = overall(result, &reason);
	if (reason != NULL && result->verdict_reason == NULL)
		result->verdict_reason = rp_text(result, "%s", reason);
}

static bool is_broken(const struct rp_result *result, const struct rp_scenario *scenario)
{
	bool broken = scenario->verdict == RP_FAIL || (result->warnings_fail && scenario->verdict == RP_WARN);

	for (size_t i = 0; i < scenario->findings_count; i++)
		broken = broken || scenario->findings[i].verdict == RP_FAIL || (result->warnings_fail && scenario->findings[i].verdict == RP_WARN);
	return broken;
}

enum rp_overall rp_outcome(const struct rp_result *result)
{
	struct rp_counts counts = rp_count(result);

	if (result->verdict == RP_UNREACHABLE)
		return RP_UNREACHABLE;
	if (result->expectation.surprises_count > 0)
		return RP_VIOLATES;
	if (result->verdict != RP_VIOLATES)
		return result->verdict;
	for (size_t i = 0; i < result->scenarios_count; i++)
		if (is_broken(result, &result->scenarios[i]) && !result->scenarios[i].expected)
			return RP_VIOLATES;
	return counts.scenarios[RP_INCONCLUSIVE] + counts.rules[RP_INCONCLUSIVE] > 0 ? RP_UNDECIDED : RP_CONFORMS;
}

struct rp_counts rp_count(const struct rp_result *result)
{
	struct rp_counts counts = { 0 };

	for (size_t i = 0; i < result->scenarios_count; i++)
		counts.scenarios[result->scenarios[i].verdict]++;
	for (size_t i = 1; i < C2W_RULES; i++) {
		if (!rp_rule_counts((enum c2w_rule)i))
			continue;
		counts.rules[result->rules[i].verdict]++;
		counts.rules_total++;
	}
	return counts;
}
