/* TCP: is anybody there; then the sanity exchange, once more if it went wrong. For schedule.c.
 * A greeter owns its probe, its run and its result. */
#include "harness/greet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/record.h"

enum { TRIES = 2 };

static const int64_t connect_within = 3000000000;

struct hx_greeter {
	struct hx_greet_options options;
	struct net_tcp *probe;
	struct net_timer *timer; /* of the probe */
	struct hx_run *run;
	struct rp_result *result;
	unsigned tries;
	bool stopped, full;
	enum hx_welcome welcome;
	int64_t began, duration;
};

static struct rp_scenario *record_of(const struct hx_greeter *greeter)
{
	return &greeter->result->scenarios[0];
}

static void finish(struct hx_greeter *greeter, enum hx_welcome welcome)
{
	greeter->welcome = welcome;
	greeter->duration = net_now(greeter->options.net) - greeter->began;
	greeter->options.done(greeter->options.context, greeter);
}

/* ---- what it teaches ----------------------------------------------------------------------- */

static void forget_titles(struct hx_target *target)
{
	for (unsigned i = 0; i < target->title_count; i++)
		free(target->titles[i]);
	free(target->titles);
	target->titles = NULL;
	target->title_count = 0;
}

static void learn_title(struct hx_target *target, const char *at, size_t length)
{
	char **titles;

	if (!c2w_title_valid((struct c2w_str){ at, length }, c2w_str_of(target->params.main_room)))
		return;
	titles = realloc(target->titles, (target->title_count + 1) * sizeof(*titles));
	assert(titles != NULL);
	target->titles = titles;
	titles[target->title_count] = strndup(at, length);
	assert(titles[target->title_count] != NULL);
	target->title_count++;
}

static void learn_titles(struct hx_target *target, struct c2w_str list)
{
	const char *separator = target->params.list_separator;
	size_t width = strlen(separator);

	forget_titles(target);
	while (list.length > 0) {
		const char *end = memmem(list.at, list.length, separator, width);
		size_t length = end == NULL ? list.length : (size_t)(end - list.at);

		learn_title(target, list.at, length);
		length += end == NULL ? 0 : width;
		list = (struct c2w_str){ list.at + length, list.length - length };
	}
}

static void learn_round_trip(struct hx_target *target, const struct rp_scenario *record, size_t answer, struct c2w_str time)
{
	for (size_t i = answer; i-- > 0;) {
		const struct rp_event *event = &record->timeline[i];
		int64_t took = record->timeline[answer].at - event->at;
		struct c2w_message message;

		if (event->received || event->octets == NULL)
			continue;
		c2w_message_parse(&message, event->octets, event->length, 0);
		if (!c2w_str_equal(message.time_text, time))
			continue;
		if (took > 0 && (target->round_trip == 0 || took < target->round_trip))
			target->round_trip = took;
		return;
	}
}

static void learn(struct hx_target *target, const struct rp_scenario *record)
{
	for (size_t i = 0; i < record->timeline_count; i++) {
		const struct rp_event *event = &record->timeline[i];
		struct c2w_message message;

		if (!event->received || event->octets == NULL || c2w_message_parse(&message, event->octets, event->length, 0) != C2W_OK)
			continue;
		learn_round_trip(target, record, i, message.time_text);
		if (message.command == C2W_MOVIE_LIST_RESPONSE)
			learn_titles(target, message.data);
	}
}

/* ---- the exchange -------------------------------------------------------------------------- */

static void fresh_record(struct hx_greeter *greeter)
{
	const struct hx_scenario *scenario = greeter->options.player->sanity();
	struct rp_scenario *record;

	rp_result_free(greeter->result);
	greeter->result = rp_result_new();
	record = rp_scenario_add(greeter->result, scenario->id);
	hx_record_describe(greeter->result, record, scenario, greeter->options.transport, greeter->options.left_out);
	record->began = net_now(greeter->options.net) - greeter->options.run_start;
	record->seed = greeter->options.seed;
}

/* CON-01: a failed gate blames that rule if nothing else was found. A full target breaks none. */
static void blame_granted(struct hx_greeter *greeter)
{
	struct rp_scenario *record = record_of(greeter);

	if (greeter->full)
		hx_record_doubt(greeter->result, record, "The target has no room for a single user.");
	if (record->findings_count > 0 || greeter->full || greeter->options.left_out[C2W_CON_01])
		return;
	record->verdict = RP_FAIL;
	rp_finding_add(greeter->result, record, C2W_CON_01, RP_FAIL)->what =
		rp_text(greeter->result, "%s", "No CONNECTION_GRANTED could be recognised in what came back.");
}

static void play(struct hx_greeter *greeter);

static void played(void *context, struct hx_run *run, const struct hx_outcome *outcome)
{
	struct hx_greeter *greeter = context;
	struct rp_scenario *record = record_of(greeter);
	bool mute = outcome->mute, welcome;

	record->duration = net_now(greeter->options.net) - greeter->options.run_start - record->began;
	welcome = hx_record_received(record, C2W_CONNECTION_GRANTED);
	hx_record_filter(greeter->result, record, greeter->options.left_out);
	greeter->full = outcome->refused;
	greeter->run = NULL;
	greeter->options.player->free(run);
	if (mute || greeter->stopped) {
		finish(greeter, HX_MUTE);
		return;
	}
	if (greeter->tries < TRIES && !welcome) {
		play(greeter);
		return;
	}
	if (!welcome)
		blame_granted(greeter);
	learn(greeter->options.target, record);
	finish(greeter, welcome ? HX_WELCOME : HX_ODD);
}

static void play(struct hx_greeter *greeter)
{
	struct hx_run_options options = {
		.scenario = greeter->options.player->sanity(), .target = greeter->options.target,
		.transport = greeter->options.transport, .seed = greeter->options.seed,
		.run_start = greeter->options.run_start, .done = played, .context = greeter,
	};

	greeter->tries++;
	fresh_record(greeter);
	options.result = greeter->result;
	options.record = record_of(greeter);
	greeter->run = greeter->options.player->start(&options);
}

/* ---- TCP: is anybody there? ------------------------------------------------------------------ */

static void probe_over(struct hx_greeter *greeter, bool there)
{
	net_timer_stop(greeter->timer);
	if (greeter->probe != NULL)
		net_tcp_close(greeter->probe);
	greeter->probe = NULL;
	if (there && !greeter->stopped)
		play(greeter);
	else
		finish(greeter, HX_ABSENT);
}

static void probe_connected(void *context)
{
	probe_over(context, true);
}

static void probe_received(void *context, const char *octets, size_t length, int64_t at)
{
	(void)context, (void)octets, (void)length, (void)at;
}

static void probe_ended(void *context, enum net_end end, int error, int64_t at)
{
	(void)error, (void)at;
	probe_over(context, end == NET_END_FIN);
}

static void probe_due(void *context)
{
	probe_over(context, false);
}

static const struct net_tcp_events probe_events = {
	.connected = probe_connected, .received = probe_received, .ended = probe_ended,
};

static void begin(void *context)
{
	struct hx_greeter *greeter = context;

	if (greeter->stopped) {
		finish(greeter, HX_MUTE);
		return;
	}
	if (greeter->options.transport != RP_TCP) {
		play(greeter);
		return;
	}
	net_timer_free(greeter->timer);
	greeter->timer = net_timer_new(greeter->options.net, probe_due, greeter);
	net_timer_at(greeter->timer, greeter->began + connect_within);
	if (net_tcp_connect(greeter->options.net, &greeter->options.target->address, &probe_events, greeter, &greeter->probe) < 0) {
		greeter->probe = NULL;
		probe_over(greeter, false);
	}
}

/* ---- outside --------------------------------------------------------------------------------- */

struct hx_greeter *hx_greet(const struct hx_greet_options *options)
{
	struct hx_greeter *greeter = calloc(1, sizeof(*greeter));

	assert(greeter != NULL);
	greeter->options = *options;
	greeter->began = net_now(options->net);
	fresh_record(greeter);
	greeter->timer = net_timer_new(options->net, begin, greeter);
	net_timer_at(greeter->timer, greeter->began);
	return greeter;
}

void hx_greet_stop(struct hx_greeter *greeter, const char *reason)
{
	greeter->stopped = true;
	if (greeter->run != NULL)
		greeter->options.player->stop(greeter->run, reason);
}

void hx_greet_free(struct hx_greeter *greeter)
{
	if (greeter == NULL)
		return;
	if (greeter->run != NULL)
		greeter->options.player->free(greeter->run);
	if (greeter->probe != NULL)
		net_tcp_reset(greeter->probe);
	net_timer_free(greeter->timer);
	rp_result_free(greeter->result);
	free(greeter);
}

enum hx_welcome hx_greet_welcome(const struct hx_greeter *greeter)
{
	return greeter->welcome;
}

bool hx_greet_full(const struct hx_greeter *greeter)
{
	return greeter->full;
}

int64_t hx_greet_duration(const struct hx_greeter *greeter)
{
	return greeter->duration;
}

const struct rp_scenario *hx_greet_record(const struct hx_greeter *greeter)
{
	return record_of(greeter);
}
