/* The whole suite against every known-bad server, in virtual time: rule by fault, as a matrix.
 *   matrix [--suite FOLDER] [--json FILE] [--verbose] [FAULT|PARAMETERS...]
 * Fails unless each fault is caught, on every transport it shows on, by a scenario that proves a rule it breaks; no rule outside
 * its declared set fails, unless in company only; the faultless core shows nothing, whatever the parameters that it has and is judged by; and the
 * packets alone, as c2w-trace judges them, say the same. One process a core; results come back through shared memory. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/rehearse.h"
#include "harness/main_pcap.h"
#include "pcap/trace.h"
#include "server/faults.h"

enum { WORKERS = 2, PATIENCE = 30, TEXT = 160, CAPACITY = 12, ROOM_CAPACITY = 4 };

#define CODES(value) \
	"name-taken=" value " name-invalid=" value " server-full=" value " already-connected=" value " not-connected=" value " no-such-movie=" value \
	" already-in-movie=" value " room-full=" value
/* The right server with other parameters, as -D takes them, and what it is judged by; NULL: the same. */
static const struct profile { const char *server, *judged_by; } profiles[] = {
	{ "", NULL },
	{ "max-retransmits=0", NULL }, { "max-retransmits=1", NULL }, { "max-retransmits=2", NULL }, { "max-retransmits=5", NULL }, { "max-retransmits=7", NULL },
	{ "rto=200ms", NULL }, { "rto=2s", NULL }, { "rto=10s max-retransmits=5", NULL }, { "rto=300ms max-retransmits=4", "rto=auto max-retransmits=auto" },
	{ "answer-within=50ms", NULL }, { "rto-tolerance=-1%,+1%", NULL },
	{ "max-text=100", NULL }, { "max-text=4000", NULL },
	{ "max-request=128 max-text=32 max-backlog=128KiB", NULL }, { "max-request=600", NULL }, { "max-request=60000", NULL },
	{ "max-backlog=4KiB", NULL }, { "max-backlog=256KiB", NULL }, { "max-backlog=2MiB", NULL }, { "max-backlog=64MiB", NULL },
	{ "name-taken=4321 name-invalid=0 already-connected=1999 not-connected=2222 no-such-movie=3 room-full=9999 no-session=7", NULL },
	{ CODES("77"), CODES("any") " no-session=any stream=any" },
	{ "main-room=Lobby list-separator=; entry-separator==>", NULL },
};

enum { RIGHT = SRV_FAULTS, SUBJECTS = SRV_FAULTS + sizeof(profiles) / sizeof(profiles[0]) };

/* What the suite says of one server. */
struct finding {
	unsigned char failed[C2W_RULES]; /* scenarios in which the rule failed or warned */
	unsigned char caught[C2W_RULES]; /* those of them that prove it: bits C2W_ON_… */
	char outside[TEXT];              /* the first scenario that blames a rule outside the set */
	bool shown[C2W_RULES];           /* by something that came */
	unsigned char traced[C2W_RULES]; /* sessions in whose packets the rule was found broken */
	bool kept[C2W_RULES];            /* what its packets put to the test and nothing was found */
	char packets[TEXT];              /* the first scenario whose packets say something else */
	unsigned runs;
	bool done;
};

struct plan {
	struct hx_suite *suite;
	struct hx_pick *plain, *crowded; /* those that need to know the capacity apart */
	unsigned plain_count, crowded_count;
	bool left_out[C2W_RULES];
	bool verbose;
};

static const char *name_of(int subject)
{
	const struct profile *profile = &profiles[subject < RIGHT ? 0 : subject - RIGHT];
	return subject < RIGHT ? srv_fault_info((enum srv_fault)subject)->name : profile->judged_by != NULL ? profile->judged_by : profile->server;
}

static int find_subject(const char *name)
{
	for (int subject = 0; subject < SUBJECTS; subject++)
		if (strcmp(name_of(subject), name) == 0)
			return subject;
	return strcmp(name, "none") == 0 ? (int)RIGHT : -1;
}

static void set_params(struct c2w_params *params, const char *words)
{
	for (size_t length; *words != '\0'; words += length + (words[length] == ' ')) {
		size_t name = strcspn(words, "=");
		length = strcspn(words, " ");
		if (c2w_params_set(params, (struct c2w_str){ words, name }, (struct c2w_str){ words + name + 1, length - name - 1 }) != C2W_OK)
			abort();
	}
}

static void complain(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "matrix: %s\n", text);
}

static unsigned bit_of(enum rp_transport transport)
{
	return transport == RP_UDP ? C2W_ON_UDP : transport == RP_TCP ? C2W_ON_TCP : C2W_ON_BOTH;
}

static bool proves(const struct rp_scenario *scenario, enum c2w_rule rule)
{
	for (size_t i = 0; i < scenario->proves_count; i++)
		if (scenario->proves[i] == rule)
			return true;
	return false;
}

static void look_at(struct finding *found, const struct rp_scenario *scenario, int fault, bool verbose)
{
	for (size_t i = 0; i < scenario->findings_count; i++) {
		const struct rp_finding *f = &scenario->findings[i];
		if (f->verdict != RP_FAIL && f->verdict != RP_WARN)
			continue;
		found->failed[f->rule] = (unsigned char)(found->failed[f->rule] + (found->failed[f->rule] < 255));
		found->shown[f->rule] |= f->got != NULL && strncmp(f->got, "nothing", 7) != 0;
		if (proves(scenario, f->rule))
			found->caught[f->rule] |= (unsigned char)bit_of(scenario->transport);
		if (verbose)
			printf("  %-7s %s (%s) %s:%u %s | %s | %s\n", c2w_rule_info(f->rule)->id, scenario->id, rp_transport_name(scenario->transport), f->file ? f->file : "",
			       f->line, f->what, f->expected ? f->expected : "", f->got ? f->got : "");
		if (found->outside[0] == '\0' && !scenario->company_only && (fault >= RIGHT || !srv_fault_breaks((enum srv_fault)fault, f->rule)))
			snprintf(found->outside, TEXT, "%s in %s over %s", c2w_rule_info(f->rule)->id, scenario->id, rp_transport_name(scenario->transport));
	}
	if (fault >= RIGHT && scenario->verdict != RP_PASS && scenario->verdict != RP_SKIP && found->outside[0] == '\0')
		snprintf(found->outside, TEXT, "%s over %s: %s", scenario->id, rp_transport_name(scenario->transport), rp_verdict_name(scenario->verdict));
}

/* ---- the same from packets alone ------------------------------------------------------------- */

static void trace_found(void *context, struct pc_session *session, uint64_t packet, const struct jd_finding *finding)
{
	bool *broken = context;
	(void)session, (void)packet;
	broken[finding->rule] |= !finding->suspicion && c2w_rule_info(finding->rule)->binds == C2W_BINDS_SERVER;
}

static void trace_packets(struct pc_trace *trace, const char *pcap, size_t length)
{
	enum { FILE_HEADER = 24, HEADER = 16, LINK_RAW = 12 };
	uint64_t number = 0;
	for (size_t at = FILE_HEADER; at + HEADER <= length;) {
		uint32_t header[4];
		memcpy(header, pcap + at, sizeof(header));
		pc_trace_frame(trace, LINK_RAW, (int64_t)header[0] * 1000000000 + header[1], ++number, pcap + at + HEADER, header[2]);
		at += HEADER + header[2];
	}
	pc_trace_end(trace);
}

/* What is found must be wrong with this server. */
static void compare(struct finding *found, const struct rp_scenario *scenario, int fault, const bool *broken)
{
	for (int rule = 1; rule < C2W_RULES; rule++) {
		found->traced[rule] = (unsigned char)(found->traced[rule] + (broken[rule] && found->traced[rule] < 255));
		if (broken[rule] && found->packets[0] == '\0' && (fault >= RIGHT || !srv_fault_breaks((enum srv_fault)fault, (enum c2w_rule)rule)))
			snprintf(found->packets, TEXT, "the packets of %s over %s blame %s", scenario->id, rp_transport_name(scenario->transport), c2w_rule_info((enum c2w_rule)rule)->id);
	}
}

/* What passes by its packets may not fail by anything that came. (Another breach in the same message may have hidden it.) */
static void compare_kept(struct finding *found)
{
	bool any = false;
	for (int rule = 1; rule < C2W_RULES; rule++)
		any = any || found->traced[rule] > 0;
	for (int rule = 1; rule < C2W_RULES && !any && found->packets[0] == '\0'; rule++)
		if (found->kept[rule] && found->shown[rule])
			snprintf(found->packets, TEXT, "its packets say that %s is kept", c2w_rule_info((enum c2w_rule)rule)->id);
}

static void look_at_packets(struct finding *found, const struct rp_scenario *scenario, int fault, const struct c2w_params *params)
{
	bool broken[C2W_RULES] = { false };
	char *pcap = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&pcap, &length);
	struct pc_trace *trace = pc_trace_new(&(struct pc_trace_options){
		.params = *params, .server = { .port = 1950 }, .complete = true, .latency = 5000000, .found = trace_found, .context = broken,
	});
	if (to == NULL || trace == NULL)
		abort();
	packets_synthesise(to, scenario, 0);
	fclose(to);
	trace_packets(trace, pcap, length);
	compare(found, scenario, fault, broken);
	for (int rule = 1; rule < C2W_RULES; rule++)
		found->kept[rule] |= pc_trace_tested(trace, false, (enum c2w_rule)rule) || pc_trace_tested(trace, true, (enum c2w_rule)rule);
	pc_trace_free(trace);
	free(pcap);
}

static void judge(const struct plan *plan, int fault, const struct hx_pick *picks, unsigned count, bool crowded, struct finding *found)
{
	struct srv_options server;
	const struct profile *profile = &profiles[fault < RIGHT ? 0 : fault - RIGHT];
	struct hx_target target = { 0 };
	struct rp_result *result = rp_result_new();
	struct hx_schedule_options options = {
		.picks = picks, .pick_count = count, .result = result, .left_out = plan->left_out, .transports = C2W_ON_BOTH, .transports_given = true, .allow_load = true,
	};
	c2w_params_init(&target.params);
	srv_options_init(&server);
	set_params(&server.params, profile->server);
	set_params(&target.params, profile->judged_by != NULL ? profile->judged_by : profile->server);
	options.measure_rto = target.params.rto == C2W_AUTO;
	options.measure_retransmits = target.params.max_retransmits == C2W_AUTO;
	if (options.measure_rto || options.measure_retransmits)
		set_params(&target.params, "rto=1s max-retransmits=3");
	server.log = SRV_LOG_QUIET;
	server.policy = fault >= RIGHT ? NULL : srv_fault_policy((enum srv_fault)fault);
	if (crowded) {
		server.max_users = CAPACITY;
		server.max_room = ROOM_CAPACITY;
		target.params.capacity = CAPACITY;
		target.params.room_capacity = ROOM_CAPACITY;
	}
	result->whole_timelines = true;
	fz_rehearse(&options, &target, &server);
	for (size_t i = 0; i < result->scenarios_count; i++) {
		look_at(found, &result->scenarios[i], fault, plan->verbose);
		look_at_packets(found, &result->scenarios[i], fault, &target.params);
	}
	found->runs += (unsigned)result->scenarios_count;
	rp_result_free(result);
}

static void judge_all(const struct plan *plan, int fault, struct finding *found)
{
	judge(plan, fault, plan->plain, plan->plain_count, false, found);
	judge(plan, fault, plan->crowded, plan->crowded_count, true, found);
	compare_kept(found);
	found->done = true;
}

/* A process each: a fault may end its server, or turn in circles. */
static void judge_in_processes(const struct plan *plan, const bool *chosen, struct finding *found)
{
	int running = 0;
	for (int fault = 0; fault < SUBJECTS; fault++) {
		if (!chosen[fault])
			continue;
		for (; running >= WORKERS; running--)
			wait(NULL);
		running++;
		if (fork() != 0)
			continue;
		alarm(PATIENCE);
		judge_all(plan, fault, &found[fault]);
		fflush(stdout);
		_exit(0);
	}
	while (wait(NULL) > 0)
		continue;
}

/* ---- the suite ------------------------------------------------------------------------------ */

static bool make_plan(struct plan *plan, const char *folder)
{
	struct hx_selection selection = { .level = C2W_SHOULD, .origins = "SIP", .transports = C2W_ON_BOTH };
	struct hx_pick *picks;
	unsigned count;
	if (hx_suite_load(&plan->suite, &folder, 1, complain, NULL) != 0)
		return false;
	hx_select_rules(&selection, plan->left_out);
	if (hx_select(plan->suite, &selection, &picks, &count, complain, NULL) != 0)
		return false;
	plan->plain = calloc(count, sizeof(*picks));
	plan->crowded = calloc(count, sizeof(*picks));
	for (unsigned i = 0; i < count; i++) {
		if (picks[i].scenario->needs.capacity || picks[i].scenario->needs.room_capacity)
			plan->crowded[plan->crowded_count++] = picks[i];
		else
			plan->plain[plan->plain_count++] = picks[i];
	}
	free(picks);
	return true;
}

/* ---- what came out --------------------------------------------------------------------------- */

static unsigned caught_on(int fault, const struct finding *found)
{
	unsigned on = 0;
	for (int rule = 1; rule < C2W_RULES; rule++)
		if (srv_fault_breaks((enum srv_fault)fault, (enum c2w_rule)rule))
			on |= found->caught[rule];
	return on;
}

static const char *trouble(int fault, const struct finding *found, char text[2 * TEXT])
{
	if (!found->done)
		return "the run did not end";
	if (found->packets[0] != '\0')
		return found->packets;
	if (fault >= RIGHT)
		return found->outside[0] != '\0' ? found->outside : NULL;
	unsigned missed = srv_fault_info((enum srv_fault)fault)->transports & ~caught_on(fault, found);
	if (missed != 0)
		snprintf(text, 2 * TEXT, "not caught over %s", missed == C2W_ON_BOTH ? "UDP nor TCP" : missed == C2W_ON_UDP ? "UDP" : "TCP");
	else if (found->outside[0] != '\0')
		snprintf(text, 2 * TEXT, "blamed for a rule outside its set: %s", found->outside);
	else
		return NULL;
	return text;
}

static void print_row(int fault, const struct finding *found, const char *wrong)
{
	printf("%-8s %-44s", wrong != NULL ? "NOT OK" : "ok", fault == RIGHT ? "(none)" : name_of(fault));
	for (int rule = 1; rule < C2W_RULES; rule++)
		if (found->failed[rule] > 0)
			printf(" %s%s:%u", c2w_rule_info((enum c2w_rule)rule)->id,
			       fault < RIGHT && srv_fault_breaks((enum srv_fault)fault, (enum c2w_rule)rule) ? "" : "(!)", found->failed[rule]);
	printf(" packets:");
	for (int rule = 1; rule < C2W_RULES; rule++)
		if (found->traced[rule] > 0)
			printf(" %s:%u", c2w_rule_info((enum c2w_rule)rule)->id, found->traced[rule]);
	printf("%s%s\n", wrong != NULL ? "   <- " : "", wrong != NULL ? wrong : "");
}

static unsigned print_uncovered(void)
{
	unsigned uncovered = 0;
	for (int rule = 1; rule < C2W_RULES; rule++) {
		const struct c2w_rule_info *info = c2w_rule_info((enum c2w_rule)rule);
		bool has = info->binds != C2W_BINDS_SERVER || info->unseen != NULL || info->level != C2W_MUST;
		for (int fault = 0; fault < SRV_FAULTS && !has; fault++)
			has = srv_fault_breaks((enum srv_fault)fault, (enum c2w_rule)rule);
		if (has)
			continue;
		printf("NOT OK   no fault breaks %s\n", info->id);
		uncovered++;
	}
	return uncovered;
}

static void write_json(const char *file, const struct finding *found)
{
	json_t *faults = json_array();
	for (int fault = 0; fault < SUBJECTS; fault++) {
		char text[2 * TEXT];
		const char *wrong = trouble(fault, &found[fault], text);
		json_t *rules = json_object();
		for (int rule = 1; rule < C2W_RULES; rule++)
			if (found[fault].failed[rule] > 0)
				json_object_set_new(rules, c2w_rule_info((enum c2w_rule)rule)->id, json_integer(found[fault].failed[rule]));
		json_array_append_new(faults, json_pack("{s:s,s:b,s:s?,s:i,s:o}", "fault", name_of(fault),
		                                        "ok", wrong == NULL, "trouble", wrong, "runs", (int)found[fault].runs, "failed", rules));
	}
	json_t *root = json_pack("{s:s,s:o}", "schema", "c2w-selftest/1", "faults", faults);
	if (json_dump_file(root, file, JSON_INDENT(1)) != 0)
		fprintf(stderr, "matrix: %s: cannot be written\n", file);
	json_decref(root);
}

static int report(const struct finding *found, const bool *chosen, bool all, const char *json)
{
	unsigned passed = 0, failed = all ? print_uncovered() : 0;
	for (int fault = 0; fault < SUBJECTS; fault++) {
		char text[2 * TEXT];
		if (!chosen[fault])
			continue;
		const char *wrong = trouble(fault, &found[fault], text);
		print_row(fault, &found[fault], wrong);
		passed += wrong == NULL;
		failed += wrong != NULL;
	}
	if (all && json != NULL)
		write_json(json, found);
	printf("faults: %u passed, %u failed\n", passed, failed);
	return failed > 0;
}

int main(int argc, char **argv)
{
	const char *folder = "scenarios", *json = "build/selftest.json";
	static bool chosen[SUBJECTS];
	bool all = true;
	struct plan plan = { 0 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--suite") == 0 && i + 1 < argc) {
			folder = argv[++i];
		} else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
			json = argv[++i];
		} else if (strcmp(argv[i], "--verbose") == 0) {
			plan.verbose = true;
		} else {
			int fault = find_subject(argv[i]);
			if (fault < 0) {
				fprintf(stderr, "matrix: %s: no such fault; c2w-server-faulty --list-faults names them\n", argv[i]);
				return 2;
			}
			chosen[fault] = true;
			all = false;
		}
	}
	for (int fault = 0; all && fault < SUBJECTS; fault++)
		chosen[fault] = true;
	struct finding *found = mmap(NULL, SUBJECTS * sizeof(*found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (found == MAP_FAILED || !make_plan(&plan, folder))
		return 2;
	judge_in_processes(&plan, chosen, found);
	int failed = report(found, chosen, all, json);
	free(plan.plain);
	free(plan.crowded);
	hx_suite_free(plan.suite);
	return failed;
}
