/* Goal: no peer, however hostile, crashes the harness, keeps it from ending, or makes it hold more than its bounds.
 * Input: octet 0 the scenario, octet 1 the transport and the network, then what happens to each message that the server sends: the peer
 * is the reference server behind a filter that drops, doubles, delays, changes and invents. When the input is used up it is right again.
 * Called by the fuzzer's driver only; the suite is parsed once and kept, all else belongs to one call. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "fuzz/scripts.h"
#include "harness/engine.h"
#include "net/sim.h"
#include "server/core.h"
#include "server/serve.h"

enum { ROOM = 1 << 17, MOST_SCRIPTS = 64 };

static const int64_t SECOND = 1000000000;

/* ---- the hostile peer -------------------------------------------------------------------------- */

struct hostile {
	struct fz_input input;
	struct srv_carrier carrier;    /* the real one */
	struct srv_core *core;
	struct srv_way kept_way;       /* a message held back until the next one has left */
	size_t kept;
	bool mute;                     /* for good */
	char keep[ROOM], made[ROOM];
};

static struct hostile hostile;

enum tampering {
	PASS, PASS_TOO, PASS_AS_WELL, DROP, TWICE, CHANGE, CUT, INSERT, REPLACE, HOLD, FIELD, LONG, INVENT, END, MUTE, FLOOD, TAMPERINGS
};

static size_t leave(const struct srv_way *way, const char *octets, size_t length)
{
	return hostile.carrier.send(hostile.carrier.context, way, octets, length);
}

static size_t position(size_t length)
{
	return length * fz_octet(&hostile.input) / 256;
}

static size_t put(size_t at, const char *octets, size_t length)
{
	if (length > ROOM - at)
		length = ROOM - at;
	if (length > 0)
		memcpy(hostile.made + at, octets, length);
	return at + length;
}

static size_t insert(const char *octets, size_t length)
{
	size_t at = position(length + 1);
	struct c2w_str raw = fz_octets(&hostile.input, fz_octet(&hostile.input));
	size_t to = put(0, octets, at);

	to = put(to, raw.at, raw.length);
	return put(to, octets + at, length - at);
}

/* One field made anew; times > 1: its octets over and over. */
static size_t change_field(const char *octets, size_t length, unsigned times)
{
	struct c2w_message message;
	unsigned which = fz_octet(&hostile.input);
	struct c2w_str raw = fz_octets(&hostile.input, fz_octet(&hostile.input));
	struct c2w_str *const fields[] = { &message.time_text, &message.command_text, &message.user, &message.data };
	static char repeated[65536];
	size_t to = 0;
	long made;

	c2w_message_parse(&message, octets, length, 0);
	for (unsigned i = 0; i < times && raw.length <= sizeof(repeated) - to; i++, to += raw.length)
		memcpy(repeated + to, raw.length ? raw.at : "", raw.length);
	*fields[which % 4] = (struct c2w_str){ repeated, to };
	made = c2w_message_format(hostile.made, ROOM, &message);
	return made < 0 ? 0 : (size_t)made;
}

static size_t flood(const struct srv_way *way, const char *octets, size_t length)
{
	size_t waits = 0;

	for (unsigned i = 0, count = 1 + fz_octet(&hostile.input) % 32u; i < count; i++)
		waits = leave(way, octets, length);
	return waits;
}

static size_t end(const struct srv_way *way, const char *octets, size_t length)
{
	size_t waits = leave(way, octets, position(length + 1));

	if (way->connection)
		hostile.carrier.drop(hostile.carrier.context, way, fz_octet(&hostile.input) & 1);
	return waits;
}

static size_t tamper(const struct srv_way *way, const char *octets, size_t length)
{
	struct c2w_str raw;

	switch ((enum tampering)(fz_octet(&hostile.input) % TAMPERINGS)) {
	case DROP: return 0;
	case TWICE: leave(way, octets, length); return leave(way, octets, length);
	case CHANGE:
		put(0, octets, length);
		hostile.made[position(length)] = (char)fz_octet(&hostile.input);
		return leave(way, hostile.made, length);
	case CUT: return leave(way, octets, position(length));
	case INSERT: return leave(way, hostile.made, insert(octets, length));
	case REPLACE:
		raw = fz_octets(&hostile.input, fz_octet(&hostile.input));
		return leave(way, raw.length ? raw.at : "", raw.length);
	case HOLD:
		hostile.kept_way = *way;
		hostile.kept = length < ROOM ? length : ROOM;
		memcpy(hostile.keep, octets, hostile.kept);
		return 0;
	case FIELD: return leave(way, hostile.made, change_field(octets, length, 1));
	case LONG: return leave(way, hostile.made, change_field(octets, length, 1u << fz_octet(&hostile.input) % 14));
	case INVENT:
		leave(way, hostile.made, change_field(octets, length, 1));
		return leave(way, octets, length);
	case END: return end(way, octets, length);
	case MUTE: hostile.mute = fz_octet(&hostile.input) == 0xFF; return 0;
	case FLOOD: return flood(way, octets, length);
	case PASS: case PASS_TOO: case PASS_AS_WELL: case TAMPERINGS: break;
	}
	return leave(way, octets, length);
}

static size_t hostile_send(void *context, const struct srv_way *way, const char *octets, size_t length)
{
	size_t waits, kept = hostile.kept;

	(void)context;
	if (hostile.mute)
		return 0;
	hostile.kept = 0;
	waits = tamper(way, octets, length);
	if (kept && !hostile.mute)
		leave(&hostile.kept_way, hostile.keep, kept);
	return waits;
}

/* ---- the filter ---------------------------------------------------------------------------------- */

static void *filter_open(const struct srv_settings *settings, struct srv_carrier *carrier, struct net *net)
{
	(void)settings;
	(void)net;
	hostile.carrier = *carrier;
	carrier->send = hostile_send;
	return &hostile;
}

static void filter_begin(void *filter, struct srv_core *core)
{
	(void)filter;
	hostile.core = core;
}

static void filter_receive(void *filter, const struct srv_way *way, const char *octets, size_t length, int64_t now)
{
	(void)filter;
	srv_core_receive(hostile.core, way, octets, length, now);
}

static void filter_closed(void *filter, const struct srv_way *way, bool reset)
{
	(void)filter;
	(void)reset;
	if (hostile.kept && way->connection == hostile.kept_way.connection)
		hostile.kept = 0;
	srv_core_closed(hostile.core, way);
}

static int64_t filter_due(void *filter)
{
	(void)filter;
	return srv_core_due(hostile.core);
}

static void filter_run(void *filter, int64_t now)
{
	(void)filter;
	srv_core_run(hostile.core, now);
}

static void filter_close(void *filter)
{
	(void)filter;
	hostile.core = NULL;
}

/* ---- the run ------------------------------------------------------------------------------------- */

static struct hx_suite *suites[MOST_SCRIPTS];

static void complain(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "%s\n", text);
}

static const struct hx_scenario *scenario_at(unsigned index)
{
	struct hx_suite **suite = &suites[index];

	if (!*suite)
		FZ_CLAIM(hx_suite_parse(suite, "engine.c2w", fz_scripts[index], fz_library, complain, NULL) == 0);
	return (*suite)->scenarios[0];
}

static void finished(void *context, struct hx_run *run, const struct hx_outcome *outcome)
{
	unsigned *times = context;

	(void)run;
	++*times;
	fz_saw_number(outcome->loss + 2u * outcome->mute + 4u * outcome->left_behind);
}

static void check_record(const struct rp_scenario *record)
{
	FZ_CLAIM(record->verdict != RP_UNTESTED);
	FZ_CLAIM(record->verdict != RP_INCONCLUSIVE || record->reason);
	FZ_CLAIM(record->findings_count <= RP_MAX_FINDINGS && record->timeline_count <= RP_MAX_EVENTS);
	fz_saw_number((uint64_t)record->verdict);
	fz_saw_number((uint64_t)record->duration);
	for (size_t i = 0; i < record->findings_count; i++)
		fz_saw(record->findings[i].what, strlen(record->findings[i].what));
	for (size_t i = 0; i < record->timeline_count; i++) {
		FZ_CLAIM(record->timeline[i].length <= RP_MAX_EVENT);
		fz_saw(record->timeline[i].octets, record->timeline[i].length);
	}
}

static void play(struct net *net, const struct net_addr *at, const struct hx_scenario *scenario, bool tcp)
{
	struct hx_target target = { .net = net, .address = *at, .udp = true, .tcp = true, .round_trip = SECOND / 10000, .nonce = "nonce" };
	struct hx_run_options options = { .scenario = scenario, .target = &target, .seed = 1, .run_start = net_now(net), .done = finished };
	struct rp_result *result = rp_result_new();
	unsigned times = 0;
	struct hx_run *run;

	c2w_params_init(&target.params);
	options.transport = scenario->over == 0 ? RP_MIXED : scenario->over & (tcp ? C2W_ON_TCP : C2W_ON_UDP) ? (tcp ? RP_TCP : RP_UDP) :
	                    tcp ? RP_UDP : RP_TCP;
	options.context = &times;
	options.result = result;
	options.record = rp_scenario_add(result, scenario->id);
	options.leases[0] = C2W_STR("Metropolis");
	options.leases[1] = C2W_STR("M");
	options.leases[2] = C2W_STR("Rashomon");
	options.leases[3] = C2W_STR("Playtime");
	rp_proves_set(result, options.record, scenario->proves, scenario->proves_count);
	run = hx_run_start(&options);
	net_sim_run_until(net, net_now(net) + 600 * SECOND);
	FZ_CLAIM(times == 1);
	hx_run_free(run);
	check_record(options.record);
	rp_result_free(result);
	for (unsigned i = 0; i < target.title_count; i++)
		free(target.titles[i]);
	free(target.titles);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct srv_filter filter = { .open = filter_open, .begin = filter_begin, .receive = filter_receive,
		.closed = filter_closed, .due = filter_due, .run = filter_run, .close = filter_close };
	static const struct srv_policy policy = { .filter = &filter };
	struct fz_input input = { data, size };
	unsigned script = fz_octet(&input) % fz_script_count, how = fz_octet(&input);
	struct net_sim_options bad = { .seed = 1, .loss = how & 2 ? 0.1 : 0, .duplicate = how & 4 ? 0.1 : 0, .reorder = how & 8 ? 0.1 : 0,
		.cut = how & 16 ? 0.5 : 0, .partial = how & 32 ? 0.5 : 0, .tcp_buffer = how & 64 ? 4096 : 0 };
	struct srv_options options;
	struct srv_service *service;
	struct net_addr at;
	struct net *net = net_sim_new(&bad);

	hostile.input = input;
	hostile.kept = 0;
	hostile.mute = false;
	srv_options_init(&options);
	options.log = SRV_LOG_QUIET;
	options.policy = &policy;
	FZ_CLAIM(net_addr_parse(&at, "127.0.0.1:1950") == 0);
	FZ_CLAIM(srv_serve(net, &at, &options, &service) == 0);
	play(net, &at, scenario_at(script), how & 1);
	srv_service_free(service);
	net_free(net);
	return 0;
}
