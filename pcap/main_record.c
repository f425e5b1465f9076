/* A trace's findings as a result, see main_record.h. For pcap/main.c.
 * A session carries its last messages (struct history, malloc()ed), so that a finding can show what went before. */
#include "pcap/main_record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY = 16, KEPT = 256, MAX_RECORDS = 500, NO_RECORD = -1 };

struct past {
	int64_t at;
	bool received;
	size_t length, whole;
	char octets[KEPT];
	const char *note;           /* static */
};

struct history {
	int record;                 /* index of its rp_scenario */
	unsigned count;
	struct past past[HISTORY];
};

struct record {
	struct record_options options;
	struct rp_result *result;
	const char *file;
	bool doubtful, several;
	char *remarks;
	int64_t start, end;
	uint64_t sessions[2];       /* over UDP, over TCP */
	unsigned left_out;          /* sessions with findings beyond MAX_RECORDS */
	unsigned suspicions[C2W_RULES];
	uint64_t first_suspicion[C2W_RULES];
	struct net_addr server;
};

struct record *record_new(const struct record_options *options)
{
	struct record *record = calloc(1, sizeof(*record));

	assert(record != NULL);
	record->options = *options;
	record->result = rp_result_new();
	record->result->params = *options->params;
	record->start = INT64_MIN;
	return record;
}

void record_free(struct record *record)
{
	if (record == NULL)
		return;
	rp_result_free(record->result);
	free(record->remarks);
	free(record);
}

void record_file(struct record *record, const char *file)
{
	record->file = file;
}

void record_remark(struct record *record, bool doubt, const char *format, ...)
{
	va_list arguments;
	char *remark, *all;

	va_start(arguments, format);
	if (vasprintf(&remark, format, arguments) < 0 || asprintf(&all, "%s%s%s", record->remarks == NULL ? "" : record->remarks, record->remarks == NULL ? "" : " ", remark) < 0)
		abort();
	va_end(arguments);
	free(remark);
	free(record->remarks);
	record->remarks = all;
	record->doubtful = record->doubtful || doubt;
}

/* ---- sessions ------------------------------------------------------------------------------------- */

void record_opened(struct record *record, struct pc_session *session)
{
	struct history *history = malloc(sizeof(*history));

	assert(history != NULL);
	history->record = NO_RECORD;
	history->count = 0;
	session->data = history;
	record->sessions[session->tcp]++;
	record->several = record->several || (record->server.family != 0 && !net_addr_equal(&record->server, &session->server));
	record->server = session->server;
}

void record_closed(struct record *record, struct pc_session *session)
{
	(void)record;
	free(session->data);
	session->data = NULL;
}

static int64_t since_start(struct record *record, int64_t at)
{
	if (record->start == INT64_MIN)
		record->start = record->end = at;
	if (at > record->end)
		record->end = at;
	return at - record->start;
}

/* What people call this client. Caller frees. */
static char *name_of(const struct pc_session *session)
{
	char address[NET_ADDR_TEXT];

	if (session->user[0] != '\0')
		return rp_escape(session->user, strlen(session->user));
	net_addr_format(&session->client, address);
	return rp_escape(address, strlen(address));
}

static void add_event(struct record *record, const struct pc_session *session, int64_t at, bool received, struct c2w_str octets, size_t whole,
                      const char *text)
{
	const struct history *history = session->data;
	struct rp_scenario *scenario = &record->result->scenarios[history->record];
	char *name = name_of(session);

	rp_event_add(record->result, scenario, at, name, received, session->tcp, octets.length > 0 ? octets.at : NULL, octets.length, text);
	if (whole > octets.length && scenario->timeline_count > 0)
		scenario->timeline[scenario->timeline_count - 1].cut += whole - octets.length;
	free(name);
}

static void keep(struct history *history, int64_t at, const struct pc_event *event)
{
	struct past *past = &history->past[history->count++ % HISTORY];

	past->at = at;
	past->received = event->received;
	past->whole = event->octets.length;
	past->length = past->whole < KEPT ? past->whole : KEPT;
	if (past->length > 0)
		memcpy(past->octets, event->octets.at, past->length);
	past->note = event->note;
}

void record_event(struct record *record, struct pc_session *session, const struct pc_event *event)
{
	struct history *history = session->data;
	int64_t at = since_start(record, event->at);

	if (history->record == NO_RECORD)
		keep(history, at, event);
	else
		add_event(record, session, at, event->received, event->octets, event->octets.length, event->note);
}

/* ---- findings --------------------------------------------------------------------------------------- */

static struct rp_scenario *scenario_new(struct record *record, const struct pc_session *session)
{
	struct history *history = session->data;
	char *name = name_of(session), client[NET_ADDR_TEXT], server[NET_ADDR_TEXT];
	struct rp_scenario *scenario = rp_scenario_add(record->result, rp_text(record->result, "session/%" PRIu64, session->id));

	scenario->title = rp_text(record->result, "%s at %s talks to the server at %s", name, net_addr_format(&session->client, client),
	                          net_addr_format(&session->server, server));
	scenario->transport = session->tcp ? RP_TCP : RP_UDP;
	scenario->completed = true;
	history->record = (int)(scenario - record->result->scenarios);
	for (unsigned i = history->count < HISTORY ? 0 : history->count - HISTORY; i < history->count; i++) {
		const struct past *past = &history->past[i % HISTORY];

		if (i == 0 || i == history->count - HISTORY)
			scenario->began = past->at;
		add_event(record, session, past->at, past->received, (struct c2w_str){ past->octets, past->length }, past->whole, past->note);
	}
	free(name);
	return &record->result->scenarios[history->record];
}

/* Beyond the bound, one record takes all. */
static struct rp_scenario *scenario_of(struct record *record, const struct pc_session *session)
{
	const struct history *history = session->data;

	if (history->record != NO_RECORD)
		return &record->result->scenarios[history->record];
	if (record->result->scenarios_count < MAX_RECORDS)
		return scenario_new(record, session);
	record->left_out++;
	return &record->result->scenarios[MAX_RECORDS - 1];
}

static char *octets_text(struct rp_result *result, struct c2w_str octets)
{
	char *escaped, *text;

	if (octets.length == 0)
		return NULL;
	escaped = rp_escape(octets.at, octets.length);
	text = rp_text(result, "%s", escaped);
	free(escaped);
	return text;
}

void record_found(struct record *record, struct pc_session *session, uint64_t packet, const struct jd_finding *finding)
{
	const struct c2w_rule_info *info = c2w_rule_info(finding->rule);
	struct rp_finding *entry;

	if (!(info->binds == C2W_BINDS_CLIENT ? record->options.clients : record->options.servers))
		return;
	if (finding->suspicion) {
		if (record->suspicions[finding->rule]++ == 0)
			record->first_suspicion[finding->rule] = packet;
		return;
	}
	entry = rp_finding_add(record->result, scenario_of(record, session), finding->rule, info->level == C2W_MUST ? RP_FAIL : RP_WARN);
	entry->what = rp_text(record->result, "%s", finding->what);
	entry->expected = octets_text(record->result, finding->expected);
	entry->got = octets_text(record->result, finding->got);
	entry->file = rp_text(record->result, "%s", record->file);
	entry->line = (unsigned)packet;
	entry->at = since_start(record, finding->at);
}

/* ---- the end ------------------------------------------------------------------------------------------ */

static void add_suspicions(struct record *record)
{
	for (unsigned rule = 1; rule < C2W_RULES; rule++)
		if (record->suspicions[rule] > 0)
			record_remark(record, false, "%s may have been broken %u times (first in packet %" PRIu64 "), but the network may have done it.",
			              c2w_rule_info((enum c2w_rule)rule)->id, record->suspicions[rule], record->first_suspicion[rule]);
}

static void remark_counts(struct record *record, const struct pc_counts *counts)
{
	if (counts->late > 0)
		record_remark(record, false, "%" PRIu64 " of %" PRIu64 " sessions began before the capture did: until they connect anew, only the form of their messages is judged.",
		              counts->late, counts->sessions);
	if (counts->gaps > 0)
		record_remark(record, false, "%" PRIu64 " holes in TCP connections: segments were not captured, and what their sessions say later is judged by its form only.", counts->gaps);
	if (counts->cut > 0)
		record_remark(record, false, "%" PRIu64 " packets were not captured whole.", counts->cut);
	if (counts->fragments_lost > 0)
		record_remark(record, false, "Of %" PRIu64 " datagrams, fragments are missing.", counts->fragments_lost);
	if (counts->broken > 0)
		record_remark(record, false, "%" PRIu64 " packets have headers that make no sense.", counts->broken);
	if (counts->forgotten > 0)
		record_remark(record, false, "%" PRIu64 " times there were more than %d endpoints at one server: the one silent longest was forgotten.", counts->forgotten, PC_SESSIONS);
	if (counts->servers_forgotten > 0)
		record_remark(record, false, "%" PRIu64 " times there were more than %d servers: the one silent longest was forgotten.", counts->servers_forgotten, PC_SERVERS);
	if (record->left_out > 0)
		record_remark(record, false, "%u findings of further sessions stand with the last one.", record->left_out);
}

static enum rp_verdict worst(const struct rp_scenario *scenario)
{
	enum rp_verdict verdict = RP_PASS;

	for (size_t i = 0; i < scenario->findings_count; i++)
		if (scenario->findings[i].verdict < verdict)
			verdict = scenario->findings[i].verdict;
	return verdict;
}

static bool is_judged(const struct record *record, enum c2w_rule rule)
{
	return c2w_rule_info(rule)->binds == C2W_BINDS_CLIENT ? record->options.clients : record->options.servers;
}

static void add_rest(struct record *record, const struct pc_trace *trace, bool tcp)
{
	struct rp_scenario *scenario = rp_scenario_add(record->result, tcp ? "capture/tcp" : "capture/udp");
	enum c2w_rule rules[C2W_RULES];
	size_t count = 0;

	for (unsigned rule = 1; rule < C2W_RULES; rule++)
		if (pc_trace_tested(trace, tcp, (enum c2w_rule)rule) && is_judged(record, (enum c2w_rule)rule))
			rules[count++] = (enum c2w_rule)rule;
	rp_proves_set(record->result, scenario, rules, count);
	scenario->title = rp_text(record->result, "%" PRIu64 " sessions over %s", record->sessions[tcp], tcp ? "TCP" : "UDP");
	scenario->transport = tcp ? RP_TCP : RP_UDP;
	scenario->completed = true;
	scenario->verdict = record->doubtful ? RP_INCONCLUSIVE : RP_PASS;
	scenario->reason = record->remarks == NULL ? NULL : rp_text(record->result, "%s", record->remarks);
}

static void describe(struct record *record)
{
	struct rp_result *result = record->result;
	char address[NET_ADDR_TEXT];

	result->tool = rp_text(result, "c2w-trace");
	result->version = rp_text(result, "%s", C2W_VERSION);
	result->command = rp_text(result, "%s", record->options.command);
	result->target.address = rp_text(result, "%s", record->server.family == 0 ? "nobody" : record->several ? "several servers" : net_addr_format(&record->server, address));
	result->target.udp = record->sessions[0] > 0;
	result->target.tcp = record->sessions[1] > 0;
	result->target.udp_left_out = !result->target.udp;
	result->target.tcp_left_out = !result->target.tcp;
	result->target.started = record->start == INT64_MIN ? 0 : record->start;
	result->duration = record->end - result->target.started;
}

struct rp_result *record_finish(struct record *record, const struct pc_trace *trace)
{
	struct pc_counts counts = pc_trace_counts(trace);
	struct rp_result *result = record->result;

	add_suspicions(record);
	remark_counts(record, &counts);
	describe(record);
	for (size_t i = 0; i < result->scenarios_count; i++)
		result->scenarios[i].verdict = worst(&result->scenarios[i]);
	for (unsigned tcp = 0; tcp < 2; tcp++)
		if (record->sessions[tcp] > 0)
			add_rest(record, trace, tcp);
	if (counts.messages == 0)
		result->verdict_reason = rp_text(result, "there is no message of C2W in what could be read");
	rp_result_conclude(result);
	return result;
}
