/* Sanity exchanges first, last and in between, the plan that is made of the first, and the fingerprint. See schedule_part.h.
 * Owns greeters and the measurer. */
#include "harness/schedule_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "harness/record.h"
#include "reports/text.h"

enum { MAX_BARREN = 3 /* restarts in a row without a run between */,
       MOST_RETRANSMITS = 48, LEAST_LIMIT = 12 /* that are waited for: for `auto`, for the fingerprint */ };
static const int64_t death_within = INT64_C(500000000); /* after the last connection of a server that ends is gone */
static const int64_t longest_rto = INT64_C(30000000000), least_patience = INT64_C(10000000000);

/* ---- measuring ----------------------------------------------------------------------------------- */

/* Those who watch take places from the scenarios that run beside them; one who stays for those that are alone takes none. */
static void give_watchers_places(struct hx_schedule *schedule)
{
	if (schedule->watching && !schedule->thinned)
		schedule->lanes[0].share.users -= HX_WITNESSES;
}

void hx_schedule_stop_measuring(struct hx_schedule *schedule)
{
	if (schedule->measurer == NULL)
		return;
	hx_measure_tell(schedule->measurer, schedule->result);
	hx_measure_free(schedule->measurer);
	schedule->measurer = NULL;
	give_watchers_places(schedule);
	schedule->watching = false;
}

/* ---- greeting ------------------------------------------------------------------------------------ */

static unsigned bit_of(enum rp_transport transport)
{
	return transport == RP_UDP ? C2W_ON_UDP : C2W_ON_TCP;
}

static void greeting_over(struct hx_lane *lane);
static void greeted(void *context, struct hx_greeter *greeter);

static void greet_next(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;
	enum rp_transport transport = (lane->to_greet & C2W_ON_UDP) != 0 ? RP_UDP : RP_TCP;
	struct hx_greet_options options = {
		.player = schedule->player, .net = schedule->options.net, .target = lane->target, .transport = transport,
		.run_start = schedule->options.run_start, .seed = schedule->options.seed, .left_out = schedule->options.left_out,
		.done = greeted, .context = lane,
	};

	lane->to_greet &= ~bit_of(transport);
	lane->greeter = hx_greet(&options);
}

void hx_lane_greet(struct hx_lane *lane, enum hx_purpose purpose)
{
	for (unsigned i = 0; i < 2 && purpose != HX_PROBE; i++) {
		hx_greet_free(lane->greeted_by[i]);
		lane->greeted_by[i] = NULL;
	}
	lane->state = HX_LANE_GREETING;
	lane->purpose = purpose;
	lane->to_greet = purpose == HX_FIRST ? lane->schedule->options.transports : lane->schedule->usable;
	lane->present = lane->welcome = 0;
	greet_next(lane);
}

static void go_on(struct hx_lane *lane)
{
	if (lane->to_greet != 0 && lane->died == NULL && lane->schedule->stopped == NULL)
		greet_next(lane);
	else
		greeting_over(lane);
}

static void no_more_doubt(void *context)
{
	struct hx_lane *lane = context;

	lane->doubtful = false;
	if (!lane->schedule->over)
		go_on(lane);
}

/* A server's connections end before it does. */
static void wait_for_death(struct hx_lane *lane)
{
	struct net *net = lane->schedule->options.net;

	if (lane->doubt == NULL)
		lane->doubt = net_timer_new(net, no_more_doubt, lane);
	lane->doubtful = true;
	net_timer_at(lane->doubt, net_now(net) + death_within);
}

static bool is_unanswered(const struct rp_scenario *record)
{
	bool asked = false;

	for (size_t i = 0; i < record->timeline_count; i++) {
		const struct rp_event *event = &record->timeline[i];
		struct c2w_message message;

		if (event->octets == NULL)
			continue;
		if (event->received)
			asked = false;
		else if (c2w_message_parse(&message, event->octets, event->length, 0) == C2W_OK && c2w_command_info(message.command)->beat == C2W_REQUEST)
			asked = true;
	}
	return asked;
}

static void greeted(void *context, struct hx_greeter *greeter)
{
	struct hx_lane *lane = context;
	const struct rp_scenario *record = hx_greet_record(greeter);
	enum hx_welcome welcome = hx_greet_welcome(greeter);
	unsigned bit = bit_of(record->transport);

	lane->greeter = NULL;
	if (lane->index == 0 && lane->purpose != HX_PROBE)
		lane->schedule->path.sanity += hx_greet_duration(greeter);
	if (welcome == HX_WELCOME || welcome == HX_ODD || (welcome == HX_MUTE && record->transport == RP_TCP))
		lane->present |= bit;
	if (welcome == HX_WELCOME)
		lane->welcome |= bit;
	hx_greet_free(lane->greeted_by[record->transport]);
	lane->greeted_by[record->transport] = greeter;
	if (lane->schedule->options.launched && lane->died == NULL && lane->schedule->stopped == NULL && is_unanswered(record))
		wait_for_death(lane);
	else
		go_on(lane);
}

void hx_lane_died_greeting(struct hx_lane *lane, const char *why)
{
	free(lane->died);
	lane->died = hx_schedule_text(why);
	lane->died_at = hx_schedule_now(lane->schedule);
	if (lane->greeter != NULL)
		hx_greet_stop(lane->greeter, why);
	else
		net_timer_at(lane->doubt, lane->died_at);
}

/* ---- the first greeting, and the plan --------------------------------------------------------------- */

static const char *transports_text(unsigned transports)
{
	return transports == C2W_ON_BOTH ? "UDP or TCP" : transports == C2W_ON_UDP ? "UDP" : "TCP";
}

struct rp_scenario *hx_schedule_add_sanity(struct hx_schedule *schedule, const struct hx_greeter *greeter)
{
	const struct rp_scenario *from = hx_greet_record(greeter);
	struct rp_scenario *record = rp_scenario_add(schedule->result, from->id);

	hx_record_describe(schedule->result, record, schedule->player->sanity(), from->transport, schedule->options.left_out);
	hx_record_copy(schedule->result, record, from);
	return record;
}

/* TRN-01: asked for explicitly, a transport that is not offered is a failure. */
static void add_absent(struct hx_schedule *schedule, const struct hx_greeter *greeter)
{
	struct rp_scenario *record = hx_schedule_add_sanity(schedule, greeter);
	const char *name = record->transport == RP_UDP ? "UDP" : "TCP";

	record->verdict = RP_FAIL;
	rp_proves_set(schedule->result, record, &(enum c2w_rule){ C2W_TRN_01 }, 1);
	if (!schedule->options.left_out[C2W_TRN_01])
		rp_finding_add(schedule->result, record, C2W_TRN_01, RP_FAIL)->what =
			rp_text(schedule->result, "%s was asked for with --transport, and the target does not offer it.", name);
}

static void add_greetings(const struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;

	for (unsigned i = 0; i < 2; i++) {
		const struct hx_greeter *greeter = lane->greeted_by[i];
		unsigned bit = bit_of((enum rp_transport)i);

		if (greeter == NULL)
			continue;
		if ((lane->present & bit) != 0) {
			if ((lane->welcome & bit) == 0)
				hx_schedule_add_sanity(schedule, greeter);
		} else if (schedule->options.transports_given && lane->present != 0) {
			add_absent(schedule, greeter);
		}
	}
}

static bool is_full(const struct hx_lane *lane)
{
	for (unsigned i = 0; i < 2; i++)
		if (lane->greeted_by[i] != NULL && hx_greet_full(lane->greeted_by[i]))
			return true;
	return false;
}

static bool is_odd(const struct hx_lane *lane)
{
	for (unsigned i = 0; i < 2; i++)
		if (lane->greeted_by[i] != NULL && hx_greet_welcome(lane->greeted_by[i]) == HX_ODD)
			return true;
	return false;
}

/* No transport passed the gate: nothing else is run. */
static void turned_away(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;
	struct rp_result *result = schedule->result;
	char address[NET_ADDR_TEXT];
	const char *remedy = schedule->options.launched ? "does the command use {host} and {port}?" : "is the server running, and is this its address?";

	net_addr_format(&lane->target->address, address);
	if (is_full(lane)) {
		result->verdict_reason = rp_text(result, "%s has no room for a single user, so nothing could be run: log its users out.", address);
	} else if (is_odd(lane)) {
		result->verdict_reason = rp_text(result, "%s answers, but no CONNECTION_GRANTED is among it, so nothing else was run: mend logging in first.", address);
	} else {
		result->verdict = RP_UNREACHABLE;
		result->verdict_reason = rp_text(result, lane->present != 0 ? "%s accepts TCP connections, but does not answer over %s: %s" : "%s does not answer over %s: %s",
		                                 address, transports_text(schedule->options.transports), remedy);
	}
	hx_schedule_stop(schedule, "the sanity exchange failed");
}

static void open_lane(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;
	int64_t capacity = lane->target->params.capacity;
	unsigned ceiling = capacity > 0 && capacity < HX_LAST_CAP ? (unsigned)capacity : HX_LAST_CAP;

	hx_share_init(&lane->share, HX_FIRST_CAP, schedule->plan.largest_cast, ceiling);
	hx_share_titles(&lane->share, lane->target->titles, lane->target->title_count);
	lane->state = HX_LANE_OPEN;
	lane->ran = 0;
	hx_schedule_kick(schedule);
}

static void tell_skips(struct hx_schedule *schedule)
{
	if (schedule->options.events.planned != NULL)
		schedule->options.events.planned(schedule->options.context, schedule->plan.count);
	for (unsigned i = 0; i < schedule->plan.count && schedule->options.events.finished != NULL; i++)
		if (hx_schedule_record(&schedule->plan.jobs[i])->verdict == RP_SKIP)
			schedule->options.events.finished(schedule->options.context, hx_schedule_record(&schedule->plan.jobs[i]), 0);
}

static unsigned distinct_titles(const struct hx_target *target)
{
	struct hx_share share = { 0 };
	unsigned count;

	hx_share_titles(&share, target->titles, target->title_count);
	count = share.title_count;
	hx_share_free(&share);
	return count;
}

/* ---- the fingerprint ---------------------------------------------------------------------------- */

static void watched(void *context, const char *reason)
{
	struct hx_schedule *schedule = context;

	(void)reason;
	hx_schedule_stop_measuring(schedule);
	hx_schedule_kick(schedule);
}

static bool is_about_retransmission(const struct hx_scenario *scenario)
{
	for (unsigned i = 0; i < scenario->proves_count; i++)
		if (scenario->proves[i] == C2W_REL_05 || scenario->proves[i] == C2W_REL_06)
			return true;
	return false;
}

static bool any_about_retransmission(const struct hx_plan *plan)
{
	for (unsigned i = 0; i < plan->count; i++)
		if (plan->jobs[i].transport != RP_TCP && is_about_retransmission(plan->jobs[i].scenario))
			return true;
	return false;
}

/* Strangers among the users are nobody's harm, but where it is known how many there may be. Says why not, as a sentence. */
static const char *why_unwatched(const struct hx_schedule *schedule, const struct c2w_params *params)
{
	if ((schedule->usable & C2W_ON_UDP) == 0)
		return "Over TCP nothing is to be retransmitted.";
	if (params->capacity > 0)
		return "Nobody watched it, as each place counts where -D capacity is given.";
	return any_about_retransmission(&schedule->plan) ? NULL : "No scenario about retransmission was to run, so nobody watched it.";
}

static void start_watching(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;
	const struct c2w_params *params = &lane->target->params;
	struct hx_measure_options options = {
		.target = lane->target, .limit = LEAST_LIMIT, .patience = least_patience, .done = watched, .context = schedule,
	};
	const char *why = why_unwatched(schedule, params);

	if (schedule->result->target.fingerprint.stop != RP_STOP_UNWATCHED)
		return;
	if (why != NULL) {
		schedule->result->target.fingerprint.reason = rp_text(schedule->result, "%s", why);
		return;
	}
	if (params->max_retransmits * 3 > LEAST_LIMIT)
		options.limit = params->max_retransmits < MOST_RETRANSMITS / 3 ? (unsigned)params->max_retransmits * 3 : MOST_RETRANSMITS;
	if (params->rto > least_patience / 3)
		options.patience = 3 * params->rto;
	schedule->watching = true;
	lane->share.users += HX_WITNESSES;
	schedule->measurer = hx_measure(&options);
}

bool hx_schedule_thin_watching(struct hx_schedule *schedule)
{
	if (!schedule->watching || schedule->thinned)
		return false;
	give_watchers_places(schedule);
	schedule->thinned = true;
	hx_measure_tell(schedule->measurer, schedule->result);
	schedule->result->params = schedule->lanes[0].target->params;
	if (rp_fingerprint_differs(schedule->result))
		hx_measure_thin(schedule->measurer);
	else
		hx_measure_end(schedule->measurer);
	hx_schedule_kick(schedule);
	return true;
}

/* ---- the plan ----------------------------------------------------------------------------------- */

static void make_plan(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;

	hx_plan_make(&schedule->plan, schedule, &schedule->options, schedule->usable, distinct_titles(lane->target), &lane->target->params);
	schedule->planned = true;
	if (schedule->plan.count == 0)
		schedule->result->verdict_reason = rp_text(schedule->result, "%s", "Nothing of what was selected can run over what the target offers.");
	tell_skips(schedule);
	for (unsigned i = 0; i < schedule->options.lanes; i++) {
		schedule->lanes[i].target->params = lane->target->params;
		if (schedule->lanes[i].greeted && schedule->lanes[i].state == HX_LANE_GREETING)
			open_lane(&schedule->lanes[i]);
	}
	start_watching(&schedule->lanes[0]);
}

static void measured(void *context, const char *reason)
{
	struct hx_schedule *schedule = context;

	hx_schedule_stop_measuring(schedule);
	schedule->path.sanity += hx_schedule_now(schedule) - schedule->measuring_since;
	hx_schedule_kick(schedule);
	if (schedule->stopped != NULL)
		return;
	if (reason == NULL) {
		schedule->result->target.fingerprint.adopted = true;
		make_plan(&schedule->lanes[0]);
		return;
	}
	schedule->result->verdict = RP_UNDECIDED;
	schedule->result->verdict_reason = rp_text(schedule->result, "%s", reason);
	hx_schedule_stop(schedule, "rto could not be measured");
}

/* rto and max-retransmits stand at their defaults so far; over TCP alone they mean nothing and may stay. */
static bool start_measuring(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;
	struct hx_measure_options options = {
		.target = lane->target, .rto = schedule->options.measure_rto, .max_retransmits = schedule->options.measure_retransmits,
		.limit = MOST_RETRANSMITS, .patience = longest_rto, .done = measured, .context = schedule,
	};

	if ((schedule->usable & C2W_ON_UDP) == 0 || (!options.rto && !options.max_retransmits))
		return false;
	schedule->measuring_since = hx_schedule_now(schedule);
	schedule->measurer = hx_measure(&options);
	return true;
}

static void first_greeting_over(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;
	unsigned usable = schedule->options.no_gate && lane->present != 0 ? lane->present : lane->welcome;

	lane->greeted = true;
	if (lane->index > 0) {
		if (usable == 0 || (schedule->planned && (usable & schedule->usable) != schedule->usable))
			hx_lane_lose(lane, "it does not answer as the first one does");
		else if (schedule->planned)
			open_lane(lane);
		return;
	}
	schedule->usable = usable;
	schedule->result->target.udp = (lane->present & C2W_ON_UDP) != 0;
	schedule->result->target.tcp = (lane->present & C2W_ON_TCP) != 0;
	lane->target->udp = schedule->result->target.udp;
	lane->target->tcp = schedule->result->target.tcp;
	add_greetings(lane);
	if (usable == 0)
		turned_away(lane);
	else if (!start_measuring(lane))
		make_plan(lane);
}

/* ---- later greetings ------------------------------------------------------------------------------- */

void hx_lane_restart(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;

	if (lane->barren++ == MAX_BARREN) {
		if (lane->timid) {
			hx_lane_lose(lane, "it goes away again and again");
			return;
		}
		lane->timid = true;
		lane->barren = 0;
		hx_schedule_note(schedule, "It goes away again and again: from here on the scenarios run one at a time.");
	}
	lane->state = HX_LANE_DOWN;
	lane->need_probe = false;
	lane->ran = 0;
	schedule->result->target.restarts++;
	schedule->options.events.restart(schedule->options.context, lane->index);
}

/* The server ended or hung, and all that it met since it was well is one run, which it did not answer at all: that did it. What the run missed
 * is no rule's breach but that, and as nothing came after it either, no loss. */
static bool blame_held(struct hx_lane *lane, const char *why)
{
	struct hx_job *job = lane->held;
	struct rp_result *result = lane->schedule->result;

	if (job == NULL || lane->ran != 1 || job->company || lane->schedule->options.left_out[C2W_ROB_01])
		return false;
	DL_DELETE(lane->held, job);
	hx_job_record(job, &result)->findings_count = 0;
	hx_job_blame(job, why);
	job->outcome.loss = false;
	job->outcome.excusable = 0;
	lane->barren = 0;
	hx_job_judge(job, &job->outcome);
	return true;
}

/* It is restarted; whatever was held is tried again. */
static void went_away(struct hx_lane *lane, const char *why)
{
	if (!blame_held(lane, why))
		hx_lane_suspect(lane, why);
	hx_lane_release_held(lane, false);
	hx_lane_restart(lane);
}

static void stopped_answering(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;

	if (!schedule->options.launched) {
		hx_lane_lose(lane, "it stopped answering");
		return;
	}
	hx_schedule_note(schedule, "The server does not answer any more%s%s: it is restarted.", lane->last != NULL ? " after " : "",
	     lane->last != NULL ? lane->last->scenario->id : "");
	went_away(lane, "it stopped answering");
}

static void probe_over(struct hx_lane *lane)
{
	lane->need_probe = false;
	if (lane->welcome != lane->schedule->usable) {
		stopped_answering(lane);
		return;
	}
	hx_share_titles(&lane->share, lane->target->titles, lane->target->title_count);
	lane->state = HX_LANE_OPEN;
	lane->ran = 0;
	hx_lane_release_held(lane, true);
}

/* The last one: its records are added when nothing points into the array any more, see finish(). */
static void last_greeting_over(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;

	lane->state = HX_LANE_OVER;
	if (lane->welcome == schedule->usable || schedule->stopped != NULL)
		return;
	hx_schedule_note(schedule, "The server does not pass the last sanity exchange any more.");
	if (lane->last == NULL)
		return;
	schedule->result->target.lost_after = rp_text(schedule->result, "%s", lane->last->scenario->id);
	if (schedule->options.launched) {
		hx_lane_suspect(lane, "the sanity exchange after it failed");
		return;
	}
	if (is_odd(lane))
		return;
	schedule->result->verdict = RP_UNREACHABLE;
	schedule->result->verdict_reason = rp_text(schedule->result, "The target stopped answering after %s.", lane->last->scenario->id);
}

/* What was said last to a server that lived; NULL: nothing was. Sets *answered if anything ever came back. */
static const struct rp_event *last_said(const struct hx_lane *lane, const struct hx_greeter *greeter, bool *answered)
{
	const struct rp_scenario *record = hx_greet_record(greeter);
	int64_t end = lane->died_at - lane->schedule->options.run_start;
	const struct rp_event *last = NULL;

	for (size_t i = 0; i < record->timeline_count; i++) {
		const struct rp_event *event = &record->timeline[i];

		if (event->octets != NULL && event->received)
			*answered = true;
		else if (event->octets != NULL && event->at <= end)
			last = event;
	}
	return last;
}

/* ROB-01: it came up, answered, and ended of what is said to it first, all of which is well-formed. One that never answered may be no server. */
static bool killed_by_greeting(struct hx_lane *lane, const char *why)
{
	struct hx_schedule *schedule = lane->schedule;
	const struct hx_greeter *greeter = NULL;
	const struct rp_event *last = NULL;
	struct rp_scenario *record;
	bool answered = false;
	char *text;

	for (unsigned i = 0; i < 2; i++) {
		const struct rp_event *said = lane->greeted_by[i] == NULL ? NULL : last_said(lane, lane->greeted_by[i], &answered);

		if (said == NULL || (last != NULL && said->at < last->at))
			continue;
		last = said;
		greeter = lane->greeted_by[i];
	}
	if (lane->index > 0 || !answered || last == NULL || schedule->options.left_out[C2W_ROB_01])
		return false;
	record = hx_schedule_add_sanity(schedule, greeter);
	schedule->result->target.udp = record->transport == RP_UDP || (lane->present & C2W_ON_UDP) != 0;
	schedule->result->target.tcp = record->transport == RP_TCP || (lane->present & C2W_ON_TCP) != 0;
	record->verdict = RP_FAIL;
	record->reason = NULL;
	record->findings_count = 0;
	text = rp_shown_octets(last->octets, last->length);
	rp_finding_add(schedule->result, record, C2W_ROB_01, RP_FAIL)->what =
		rp_text(schedule->result, "The server went away: %s. The last that was said to it: %s", why, text);
	free(text);
	schedule->result->verdict_reason = rp_text(schedule->result, "The server ends in the sanity exchange (%s), so nothing else was run: mend that first.", why);
	hx_schedule_stop(schedule, "the sanity exchange failed");
	return true;
}

/* The server ended during a greeting. */
static void died_greeting(struct hx_lane *lane)
{
	char *why = lane->died;

	lane->died = NULL;
	switch (lane->purpose) {
	case HX_FIRST:
		if (!killed_by_greeting(lane, why))
			hx_lane_lose(lane, why);
		break;
	case HX_PROBE:
		went_away(lane, why);
		break;
	case HX_FINAL:
		lane->state = HX_LANE_OVER;
		hx_lane_suspect(lane, why);
		break;
	}
	free(why);
}

static void greeting_over(struct hx_lane *lane)
{
	if (lane->died != NULL)
		died_greeting(lane);
	else if (lane->schedule->stopped != NULL)
		lane->state = HX_LANE_OVER;
	else if (lane->purpose == HX_FIRST)
		first_greeting_over(lane);
	else if (lane->purpose == HX_PROBE)
		probe_over(lane);
	else
		last_greeting_over(lane);
	hx_schedule_kick(lane->schedule);
}
