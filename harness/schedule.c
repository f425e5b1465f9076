/* Lanes at work: who runs now, what becomes of it when it is over, what if the target goes away. See schedule.h.
 * Owns lanes, plan and greeters. Work is handed out from a timer only (turn), never from within another call. */
#include "harness/schedule.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "harness/greet.h"
#include "harness/measure.h"
#include "harness/plan.h"
#include "harness/record.h"

enum { MOST_RETRANSMITS = 48, LEAST_LIMIT = 12 }; /* that are waited for: for `auto`, for the fingerprint */
static const int64_t longest_rto = INT64_C(30000000000), least_patience = INT64_C(10000000000);

enum { MAX_BARREN = 3 /* restarts in a row without a run between */, BAD_BEFORE_PROBE = 5, MAX_DEATHS = 256,
       LEAST_LOSSY = 3, LOSSY_SHARE = 20 /* one run in so many saw loss */, LEAST_SOUND = 20 };

/* So much time goes into second tries for every failure; then for rules not known to be broken; then for none. */
static const int64_t confirming_budget = INT64_C(30000000000), confirming_end = INT64_C(120000000000);

enum lane_state { LANE_DOWN, LANE_GREETING, LANE_OPEN, LANE_OVER, LANE_LOST };
enum purpose { FIRST, PROBE, LAST };

struct hx_lane {
	struct hx_schedule *schedule;
	unsigned index;
	struct hx_target *target;
	struct hx_share share;
	enum lane_state state;
	bool greeted;                   /* the first sanity exchange is over */
	enum purpose purpose;           /* of the greeting that goes on */
	unsigned to_greet;              /* C2W_ON_…: still to be greeted */
	unsigned present, welcome;      /* C2W_ON_…: what the first greeting found */
	struct hx_greeter *greeter;     /* at work */
	struct hx_greeter *greeted_by[2]; /* of the last greeting, by transport */
	struct hx_job *running, *held;
	unsigned active;
	bool solo;                      /* what runs was started alone */
	bool need_probe;
	unsigned bad_in_row, barren;
	struct hx_job *last;            /* the last one that was answered */
	bool last_alone;
	char *died;                     /* why the server ended, while the greeting that it ended in is being stopped */
};

struct death { const struct hx_job *job; /* the first suspect */ bool confirmed; char *why; };

struct hx_schedule {
	struct hx_schedule_options options;
	const struct hx_player *player;
	struct rp_result *result;
	struct hx_lane *lanes;
	struct hx_plan plan;
	struct hx_path path;
	struct hx_measurer *measurer;
	int64_t measuring_since;
	bool watching, thinned;         /* the measurer works beside the suite */
	struct net_timer *turn, *deadline;
	unsigned usable;                /* C2W_ON_…: what the plan uses */
	bool planned, over;
	int64_t confirming;             /* ns spent on second and later tries */
	bool known[C2W_RULES];          /* rules that a scenario broke alone, twice */
	unsigned udp_runs, lossy_runs;  /* first runs of prompt scenarios with a UDP endpoint; those of them that saw loss */
	char *stopped;                  /* why nothing more is started; NULL: all is well */
	struct death deaths[MAX_DEATHS];
	unsigned death_count;
};

const struct hx_player hx_engine_player = {
	.start = hx_run_start, .stop = hx_run_stop, .free = hx_run_free, .sanity = hx_sanity_scenario,
};

static int64_t now(const struct hx_schedule *schedule)
{
	return net_now(schedule->options.net);
}

static void kick(struct hx_schedule *schedule)
{
	if (!schedule->over)
		net_timer_at(schedule->turn, now(schedule));
}

static char *copy(const char *text)
{
	char *copied = strdup(text);

	assert(copied != NULL);
	return copied;
}

__attribute__((format(printf, 2, 3))) static void note(struct hx_schedule *schedule, const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (schedule->options.events.note == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	schedule->options.events.note(schedule->options.context, text);
}

static struct rp_scenario *record_of(const struct hx_job *job)
{
	struct rp_result *result = job->schedule->result;

	return &result->scenarios[job->record];
}

/* ---- deaths and blame ------------------------------------------------------------------------ */

static bool is_blamed(const struct rp_scenario *record, enum c2w_rule rule)
{
	for (size_t i = 0; i < record->findings_count; i++)
		if (record->findings[i].rule == rule && record->findings[i].verdict == RP_FAIL)
			return true;
	return false;
}

/* ROB-01: a server ended by octets from a peer. The job is settled. */
static void blame(struct hx_schedule *schedule, const struct hx_job *job, const char *why)
{
	struct rp_scenario *record = record_of(job);

	if (job->suspect_of != 0)
		schedule->deaths[job->suspect_of - 1].confirmed = true;
	if (schedule->options.left_out[C2W_ROB_01] || is_blamed(record, C2W_ROB_01))
		return;
	record->verdict = RP_FAIL;
	rp_finding_add(schedule->result, record, C2W_ROB_01, RP_FAIL)->what = rp_text(schedule->result, "The server went away: %s.", why);
}

static void suspect(struct hx_lane *lane, struct death *death, struct hx_job *job)
{
	if (job->suspect_of != 0 || job->settled)
		return;
	job->suspect_of = (unsigned)(death - lane->schedule->deaths) + 1;
	if (death->job == NULL)
		death->job = job;
}

/* The server went away, and it is not known on whose account. Suspects are what runs, what is to be confirmed and what ended last: each will be
 * tried alone. False: there are none. */
static bool find_suspects(struct hx_lane *lane, const char *why)
{
	struct hx_schedule *schedule = lane->schedule;
	struct death *death = &schedule->deaths[schedule->death_count];
	struct hx_job *job;

	if (schedule->death_count == MAX_DEATHS)
		return false;
	DL_FOREACH(lane->running, job)
		suspect(lane, death, job);
	DL_FOREACH(schedule->plan.queues[HX_RETRIES], job) {
		if (job->lane == lane)
			suspect(lane, death, job);
	}
	if (lane->last != NULL)
		suspect(lane, death, lane->last);
	if (death->job == NULL)
		return false;
	death->why = copy(why);
	schedule->death_count++;
	return true;
}

/* Nothing runs any more: the server ended or hung on account of what was there last. */
static void suspect_or_blame(struct hx_lane *lane, const char *why)
{
	if (find_suspects(lane, why) || lane->last == NULL)
		return;
	blame(lane->schedule, lane->last, why);
	record_of(lane->last)->company_only = !lane->last_alone;
}

/* At the end: a death in company that none of its suspects repeated alone. */
static void blame_company(struct hx_schedule *schedule)
{
	for (unsigned i = 0; i < schedule->death_count; i++) {
		const struct death *death = &schedule->deaths[i];

		if (death->confirmed || !death->job->settled || record_of(death->job)->verdict == RP_INCONCLUSIVE)
			continue;
		blame(schedule, death->job, death->why);
		record_of(death->job)->company_only = true;
		hx_record_remark(schedule->result, record_of(death->job), "The server went away while this and others ran, but not when each of them ran alone.");
	}
}

/* ---- settling -------------------------------------------------------------------------------- */

static void forget_tries(struct hx_job *job)
{
	for (unsigned i = 0; i < HX_MAX_TRIES; i++) {
		rp_result_free(job->scratch[i]);
		job->scratch[i] = NULL;
	}
}

static void learn_broken(struct hx_schedule *schedule, const struct hx_try *try)
{
	for (unsigned rule = 0; rule < C2W_RULES; rule++)
		schedule->known[rule] = schedule->known[rule] || try->broken[rule];
}

static void settle(struct hx_job *job, const struct hx_decision *decision)
{
	struct hx_schedule *schedule = job->schedule;
	struct rp_scenario *record = record_of(job);

	if (job->scratch[decision->keep] != NULL)
		hx_record_copy(schedule->result, record, &job->scratch[decision->keep]->scenarios[0]);
	if (decision->doubt)
		hx_record_doubt(schedule->result, record, decision->reason);
	else
		hx_record_remark(schedule->result, record, decision->reason);
	record->flaky = decision->flaky;
	record->company_only = decision->company_only;
	if (job->count > 1 && !job->tries[decision->keep].company && !decision->doubt && !decision->flaky)
		learn_broken(schedule, &job->tries[decision->keep]);
	forget_tries(job);
	if (job->suspect_of != 0 && job->killed != NULL)
		schedule->deaths[job->suspect_of - 1].confirmed = true;
	job->settled = true;
	schedule->plan.left--;
	if (schedule->options.events.finished != NULL)
		schedule->options.events.finished(schedule->options.context, record, job->count);
}

/* It cannot be tried again. What failed so far was not confirmed; what never ran says so. */
static void settle_undecided(struct hx_job *job, const char *why)
{
	struct rp_result *result = job->schedule->result;
	struct hx_decision decision = { .keep = job->count > 0 ? job->count - 1 : 0, .doubt = true };

	for (unsigned i = job->count; i-- > 0;)
		if (job->tries[i].verdict == RP_FAIL || job->tries[i].verdict == RP_WARN)
			decision.keep = i;
	if (job->count == 0)
		decision.reason = rp_text(result, "Not run: %s.", why);
	else if (job->tries[decision.keep].verdict != RP_INCONCLUSIVE)
		decision.reason = rp_text(result, "Not confirmed: %s.", why);
	settle(job, &decision);
}

static bool is_bad(enum rp_verdict verdict)
{
	return verdict == RP_FAIL || verdict == RP_WARN;
}

static void count_try(struct hx_job *job, const struct hx_outcome *outcome)
{
	struct rp_result *result = job->schedule->result;
	unsigned bad = 0;
	const struct rp_scenario *record = hx_job_record(job, &result);
	struct hx_try *try = &job->tries[job->count++];

	*try = (struct hx_try){
		.verdict = record->verdict, .company = job->company, .udp = job->transport != RP_TCP, .refused = outcome->refused, .loss = outcome->loss,
		.noise = outcome->noise, .killed = job->killed != NULL,
	};
	for (size_t i = 0; i < record->findings_count; i++)
		if (is_bad(record->findings[i].verdict)) {
			try->broken[record->findings[i].rule] = true;
			bad++;
		}
	try->excusable = bad > 0 && bad <= outcome->excusable;
}

/* Loss is counted where nothing but loss is a likely reason for a late answer: not in floods, nor beside somebody who does not ack, nor in what is
 * tried again because it failed. */
static void count_loss(struct hx_schedule *schedule, const struct hx_job *job, const struct hx_outcome *outcome)
{
	if (job->transport == RP_TCP || job->count > 1 || !job->prompt)
		return;
	schedule->udp_runs++;
	schedule->lossy_runs += outcome->loss;
}

/* What a network lost on its way here leaves no sign in the run that it spoils, but some in others. */
static enum hx_network network_of(const struct hx_schedule *schedule)
{
	if (schedule->lossy_runs >= LEAST_LOSSY && schedule->lossy_runs * LOSSY_SHARE >= schedule->udp_runs)
		return HX_NETWORK_LOSSY;
	return schedule->udp_runs >= LEAST_SOUND ? HX_NETWORK_SOUND : HX_NETWORK_UNKNOWN;
}

/* A lane that fails everything may have lost its target's good will: then it is greeted again. */
static void count_bad(struct hx_lane *lane, const struct hx_try *try)
{
	lane->bad_in_row = is_bad(try->verdict) && !try->company ? lane->bad_in_row + 1 : 0;
	if (lane->bad_in_row < BAD_BEFORE_PROBE || lane->schedule->options.no_gate)
		return;
	lane->bad_in_row = 0;
	lane->need_probe = true;
}

/* A target that breaks much would take forever: when second tries have used up their time, only failures that break a rule which no
 * other scenario was seen to break alone get one. */
static bool is_known(const struct hx_job *job)
{
	const struct hx_schedule *schedule = job->schedule;
	const struct hx_try *last = &job->tries[job->count - 1];
	bool any = false;

	if (schedule->confirming < confirming_budget || job->suspect_of != 0 || last->refused || last->noise || !is_bad(last->verdict))
		return false;
	for (unsigned rule = 0; rule < C2W_RULES; rule++) {
		if (last->broken[rule] && !schedule->known[rule])
			return false;
		any = any || last->broken[rule];
	}
	return any;
}

/* A network that loses makes many second tries, of a target that may be right. */
static int64_t patience_of(const struct hx_schedule *schedule)
{
	return network_of(schedule) == HX_NETWORK_LOSSY ? 5 * confirming_end : confirming_end;
}

/* Settles what gets no further try for want of time; false: it gets one. */
static bool settle_untried(struct hx_job *job)
{
	const struct hx_decision decision = {
		.keep = job->count - 1, .reason = "It was not tried again alone: other scenarios broke the same alone.",
	};

	if (is_known(job))
		settle(job, &decision);
	else if (job->schedule->confirming >= patience_of(job->schedule) && job->suspect_of == 0)
		settle_undecided(job, "second tries had used up their time");
	else
		return false;
	return true;
}

static void judge(struct hx_job *job, const struct hx_outcome *outcome)
{
	struct hx_schedule *schedule = job->schedule;
	struct hx_decision decision;

	count_try(job, outcome);
	count_loss(schedule, job, outcome);
	decision = hx_decide(job->tries, job->count, job->claims_silence, network_of(schedule));
	count_bad(job->lane, &job->tries[job->count - 1]);
	if (decision.next == HX_SETTLED)
		settle(job, &decision);
	else if (schedule->stopped != NULL || job->timed_out)
		settle_undecided(job, schedule->stopped != NULL ? schedule->stopped : "--timeout is over");
	else if (!settle_untried(job))
		hx_plan_queue(&schedule->plan, job, decision.next == HX_AGAIN ? job->home : HX_RETRIES);
}

/* What the target's end spoiled does not count as a try. */
static void play_again(struct hx_job *job)
{
	struct rp_scenario *record = record_of(job);

	if (job->count == 0) {
		rp_scenario_clear(job->schedule->result, record);
		record->verdict = RP_INCONCLUSIVE;
		record->reason = NULL;
		record->completed = false;
	} else {
		rp_result_free(job->scratch[job->count]);
		job->scratch[job->count] = NULL;
	}
	job->disturbed = false;
	if (job->schedule->stopped != NULL)
		settle_undecided(job, job->schedule->stopped);
	else
		hx_plan_queue(&job->schedule->plan, job, HX_RETRIES);
}

/* After a probe: what was held was the target's doing, or the target was gone. */
static void release_held(struct hx_lane *lane, bool counts)
{
	while (lane->held != NULL) {
		struct hx_job *job = lane->held;

		DL_DELETE(lane->held, job);
		if (counts)
			judge(job, &job->outcome);
		else
			play_again(job);
	}
}

/* ---- one run ---------------------------------------------------------------------------------- */

static void leave_lane(struct hx_job *job)
{
	struct hx_lane *lane = job->lane;

	lane->schedule->player->free(job->run);
	job->run = NULL;
	if (job->timeout != NULL)
		net_timer_stop(job->timeout);
	DL_DELETE(lane->running, job);
	lane->active--;
	lane->solo = lane->solo && lane->active > 0;
	hx_share_give(&lane->share, job->scenario, &job->holding);
	if (job->count > 0)
		lane->schedule->confirming += now(lane->schedule) - job->began;
	hx_path_add(&lane->schedule->path, job->scenario, !job->company && job->count + (job->home == HX_ALONE) > 0,
	            now(lane->schedule) - job->began);
}

static void adapt(const struct hx_job *job, const struct hx_outcome *outcome)
{
	struct hx_lane *lane = job->lane;
	int64_t within = lane->target->params.answer_within;
	enum hx_pace pace = HX_SO_SO;

	if (outcome->refused || outcome->slowest > within)
		pace = HX_CROWDED;
	else if (outcome->slowest <= within / 2)
		pace = HX_QUICK;
	hx_share_adapt(&lane->share, job->scenario->cast_count, pace, job->began, now(lane->schedule));
}

/* The server ended while this ran alone: nothing else can have done it. ROB-01. */
static void killed(struct hx_job *job, struct rp_result *result, struct rp_scenario *record)
{
	if (job->schedule->options.left_out[C2W_ROB_01])
		return;
	record->verdict = RP_FAIL;
	record->reason = NULL;
	rp_finding_add(result, record, C2W_ROB_01, RP_FAIL)->what = rp_text(result, "The server went away: %s.", job->killed);
}

static void run_done(void *context, struct hx_run *run, const struct hx_outcome *told)
{
	struct hx_job *job = context;
	struct hx_lane *lane = job->lane;
	struct hx_outcome outcome = *told;
	struct rp_result *result = lane->schedule->result;
	struct rp_scenario *record = hx_job_record(job, &result);

	(void)run;
	leave_lane(job);
	hx_record_filter(result, record, lane->schedule->options.left_out);
	if (outcome.left_behind)
		hx_record_remark(result, record, "One of its users was still in the user list after it had left.");
	adapt(job, &outcome);
	if (outcome.refused && lane->schedule->watching)
		hx_measure_end(lane->schedule->measurer);
	if (job->killed != NULL)
		killed(job, result, record);
	if (job->disturbed) {
		play_again(job);
	} else if (outcome.mute && job->killed == NULL && !lane->schedule->options.no_gate && lane->schedule->stopped == NULL) {
		job->outcome = outcome;
		DL_APPEND(lane->held, job);
		lane->need_probe = true;
	} else {
		lane->last = job;
		lane->last_alone = !job->company;
		lane->barren = 0;
		judge(job, &outcome);
	}
	kick(lane->schedule);
}

static void run_too_long(void *context)
{
	struct hx_job *job = context;

	job->timed_out = true;
	job->schedule->player->stop(job->run, "--timeout is over");
}

static void arm_timeout(struct hx_job *job)
{
	const struct hx_schedule_options *options = &job->schedule->options;

	if (options->timeout <= 0)
		return;
	if (job->timeout == NULL)
		job->timeout = net_timer_new(options->net, run_too_long, job);
	net_timer_at(job->timeout, job->began + options->timeout);
}

static void join_lane(struct hx_lane *lane, struct hx_job *job)
{
	struct hx_job *other;

	DL_FOREACH(lane->running, other)
		other->company = true;
	free(job->killed);
	job->killed = NULL;
	job->lane = lane;
	job->company = lane->active > 0;
	job->began = now(lane->schedule);
	DL_APPEND(lane->running, job);
	lane->active++;
	hx_share_take(&lane->share, job->scenario, &job->holding);
}

static void start(struct hx_lane *lane, struct hx_job *job)
{
	struct hx_schedule *schedule = lane->schedule;
	struct hx_run_options options = {
		.scenario = job->scenario, .target = lane->target, .transport = job->transport, .seed = job->seed,
		.run_start = schedule->options.run_start, .done = run_done, .context = job,
	};

	join_lane(lane, job);
	if (job->count > 0) {
		job->scratch[job->count] = rp_result_new();
		job->scratch[job->count]->whole_timelines = schedule->result->whole_timelines;
		rp_scenario_add(job->scratch[job->count], job->scenario->id);
	}
	options.result = schedule->result;
	options.record = hx_job_record(job, &options.result);
	memcpy(options.leases, job->holding.leases, sizeof(options.leases));
	if (schedule->options.events.started != NULL)
		schedule->options.events.started(schedule->options.context, record_of(job), job->count + 1);
	job->run = schedule->player->start(&options);
	arm_timeout(job);
	if (schedule->stopped != NULL) /* by the callback */
		schedule->player->stop(job->run, schedule->stopped);
}

/* ---- stopping ----------------------------------------------------------------------------------- */

/* Those who watch take places from the scenarios that run beside them; one who stays for those that are alone takes none. */
static void give_watchers_places(struct hx_schedule *schedule)
{
	if (schedule->watching && !schedule->thinned)
		schedule->lanes[0].share.users -= HX_WITNESSES;
}

static void stop_measuring(struct hx_schedule *schedule)
{
	if (schedule->measurer == NULL)
		return;
	hx_measure_tell(schedule->measurer, schedule->result);
	hx_measure_free(schedule->measurer);
	schedule->measurer = NULL;
	give_watchers_places(schedule);
	schedule->watching = false;
}

static void settle_all(struct hx_job **queue, const char *why)
{
	while (*queue != NULL) {
		struct hx_job *job = *queue;

		DL_DELETE(*queue, job);
		settle_undecided(job, why);
	}
}

static void stop_lane(struct hx_lane *lane, const char *why)
{
	struct hx_job *job;

	if (lane->greeter != NULL)
		hx_greet_stop(lane->greeter, why);
	settle_all(&lane->held, why);
	DL_FOREACH(lane->running, job) {
		if (job->run != NULL)
			lane->schedule->player->stop(job->run, why);
	}
}

void hx_schedule_stop(struct hx_schedule *schedule, const char *reason)
{
	if (schedule->stopped != NULL || schedule->over)
		return;
	schedule->stopped = copy(reason);
	if (schedule->measurer != NULL)
		hx_measure_end(schedule->measurer);
	for (unsigned i = 0; i < schedule->options.lanes; i++)
		stop_lane(&schedule->lanes[i], reason);
	for (unsigned i = 0; i < HX_QUEUES; i++)
		settle_all(&schedule->plan.queues[i], reason);
	kick(schedule);
}

static void max_time_over(void *context)
{
	hx_schedule_stop(context, "--max-time is over");
}

static bool any_lane_left(const struct hx_schedule *schedule)
{
	for (unsigned i = 0; i < schedule->options.lanes; i++)
		if (schedule->lanes[i].state != LANE_LOST)
			return true;
	return false;
}

static void target_lost(struct hx_schedule *schedule, const struct hx_job *last, const char *why)
{
	struct rp_result *result = schedule->result;
	const char *id = last != NULL ? last->scenario->id : NULL;
	char reason[384];

	result->verdict = RP_UNREACHABLE;
	if (id != NULL)
		result->target.lost_after = rp_text(result, "%s", id);
	snprintf(reason, sizeof(reason), "%s%s%s", why, id != NULL ? ", after " : "", id != NULL ? id : "");
	result->verdict_reason = rp_text(result, "The target %s: %s.", schedule->planned ? "was lost" : "cannot be reached", reason);
	hx_schedule_stop(schedule, reason);
}

/* The target is gone for good: `why` is a clause. With no lane left that ends it all, and so it does before there is a plan. */
static void lose(struct hx_lane *lane, const char *why)
{
	struct hx_schedule *schedule = lane->schedule;

	lane->state = LANE_LOST;
	release_held(lane, false);
	note(schedule, "Server %u is lost: %s.", lane->index + 1, why);
	if (schedule->stopped != NULL)
		return;
	if (!any_lane_left(schedule) || (lane->index == 0 && !schedule->planned))
		target_lost(schedule, lane->last, why);
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

static void greet(struct hx_lane *lane, enum purpose purpose)
{
	for (unsigned i = 0; i < 2 && purpose != PROBE; i++) {
		hx_greet_free(lane->greeted_by[i]);
		lane->greeted_by[i] = NULL;
	}
	lane->state = LANE_GREETING;
	lane->purpose = purpose;
	lane->to_greet = purpose == FIRST ? lane->schedule->options.transports : lane->schedule->usable;
	lane->present = lane->welcome = 0;
	greet_next(lane);
}

static void greeted(void *context, struct hx_greeter *greeter)
{
	struct hx_lane *lane = context;
	const struct rp_scenario *record = hx_greet_record(greeter);
	enum hx_welcome welcome = hx_greet_welcome(greeter);
	unsigned bit = bit_of(record->transport);

	lane->greeter = NULL;
	if (lane->index == 0 && lane->purpose != PROBE)
		lane->schedule->path.sanity += hx_greet_duration(greeter);
	if (welcome == HX_WELCOME || welcome == HX_ODD || (welcome == HX_MUTE && record->transport == RP_TCP))
		lane->present |= bit;
	if (welcome == HX_WELCOME)
		lane->welcome |= bit;
	hx_greet_free(lane->greeted_by[record->transport]);
	lane->greeted_by[record->transport] = greeter;
	if (lane->to_greet != 0 && lane->died == NULL && lane->schedule->stopped == NULL)
		greet_next(lane);
	else
		greeting_over(lane);
}

/* ---- the first greeting, and the plan --------------------------------------------------------------- */

static const char *transports_text(unsigned transports)
{
	return transports == C2W_ON_BOTH ? "UDP or TCP" : transports == C2W_ON_UDP ? "UDP" : "TCP";
}

/* Before the plan only: an addition moves the other records. */
static struct rp_scenario *add_sanity(struct hx_schedule *schedule, const struct hx_greeter *greeter)
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
	struct rp_scenario *record = add_sanity(schedule, greeter);
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
				add_sanity(schedule, greeter);
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
	lane->state = LANE_OPEN;
	kick(schedule);
}

static void tell_skips(struct hx_schedule *schedule)
{
	if (schedule->options.events.planned != NULL)
		schedule->options.events.planned(schedule->options.context, schedule->plan.count);
	for (unsigned i = 0; i < schedule->plan.count && schedule->options.events.finished != NULL; i++)
		if (record_of(&schedule->plan.jobs[i])->verdict == RP_SKIP)
			schedule->options.events.finished(schedule->options.context, record_of(&schedule->plan.jobs[i]), 0);
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
	stop_measuring(schedule);
	kick(schedule);
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

/* What comes now is to be alone. A silent user who waits for the end of what differs already does no harm; nobody else stays. False:
 * it was so already; true: there are more places now. */
static bool thin_watching(struct hx_schedule *schedule)
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
	kick(schedule);
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
		if (schedule->lanes[i].greeted && schedule->lanes[i].state == LANE_GREETING)
			open_lane(&schedule->lanes[i]);
	}
	start_watching(&schedule->lanes[0]);
}

static void measured(void *context, const char *reason)
{
	struct hx_schedule *schedule = context;

	stop_measuring(schedule);
	schedule->path.sanity += now(schedule) - schedule->measuring_since;
	kick(schedule);
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
	schedule->measuring_since = now(schedule);
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
			lose(lane, "it does not answer as the first one does");
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

static void restart(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;

	if (lane->barren++ == MAX_BARREN) {
		lose(lane, "it goes away again and again");
		return;
	}
	lane->state = LANE_DOWN;
	lane->need_probe = false;
	schedule->result->target.restarts++;
	schedule->options.events.restart(schedule->options.context, lane->index);
}

static void stopped_answering(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;

	if (!schedule->options.launched) {
		lose(lane, "it stopped answering");
		return;
	}
	note(schedule, "The server does not answer any more%s%s: it is restarted.", lane->last != NULL ? " after " : "",
	     lane->last != NULL ? lane->last->scenario->id : "");
	suspect_or_blame(lane, "it stopped answering");
	release_held(lane, false);
	restart(lane);
}

static void probe_over(struct hx_lane *lane)
{
	lane->need_probe = false;
	if (lane->welcome != lane->schedule->usable) {
		stopped_answering(lane);
		return;
	}
	hx_share_titles(&lane->share, lane->target->titles, lane->target->title_count);
	lane->state = LANE_OPEN;
	release_held(lane, true);
}

/* The last one: its records are added when nothing points into the array any more, see finish(). */
static void last_greeting_over(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;

	lane->state = LANE_OVER;
	if (lane->welcome == schedule->usable || schedule->stopped != NULL)
		return;
	note(schedule, "The server does not pass the last sanity exchange any more.");
	if (lane->last == NULL)
		return;
	schedule->result->target.lost_after = rp_text(schedule->result, "%s", lane->last->scenario->id);
	if (schedule->options.launched) {
		suspect_or_blame(lane, "the sanity exchange after it failed");
		return;
	}
	if (is_odd(lane))
		return;
	schedule->result->verdict = RP_UNREACHABLE;
	schedule->result->verdict_reason = rp_text(schedule->result, "The target stopped answering after %s.", lane->last->scenario->id);
}

/* The server ended during a greeting. */
static void died_greeting(struct hx_lane *lane)
{
	char *why = lane->died;

	lane->died = NULL;
	switch (lane->purpose) {
	case FIRST:
		lose(lane, why);
		break;
	case PROBE:
		suspect_or_blame(lane, why);
		release_held(lane, false);
		restart(lane);
		break;
	case LAST:
		lane->state = LANE_OVER;
		suspect_or_blame(lane, why);
		break;
	}
	free(why);
}

static void greeting_over(struct hx_lane *lane)
{
	if (lane->died != NULL)
		died_greeting(lane);
	else if (lane->schedule->stopped != NULL)
		lane->state = LANE_OVER;
	else if (lane->purpose == FIRST)
		first_greeting_over(lane);
	else if (lane->purpose == PROBE)
		probe_over(lane);
	else
		last_greeting_over(lane);
	kick(lane->schedule);
}

/* ---- handing out work -------------------------------------------------------------------------------- */

static void work(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;
	struct hx_job *job;

	while (!lane->solo && (job = hx_plan_next(&schedule->plan, &lane->share)) != NULL)
		start(lane, job);
	if (lane->active > 0)
		return;
	if (lane->index == 0 && thin_watching(schedule))
		return;
	while ((job = hx_plan_next_alone(&schedule->plan)) != NULL && job->count > 0 && settle_untried(job))
		continue;
	if (job != NULL) {
		lane->solo = true;
		start(lane, job);
	} else if (schedule->plan.left == 0 && schedule->watching && lane->index == 0) {
		hx_measure_end(schedule->measurer);
	} else if (schedule->plan.left == 0) {
		if (schedule->options.no_gate)
			lane->state = LANE_OVER;
		else
			greet(lane, LAST);
	}
}

static void lane_turn(struct hx_lane *lane)
{
	if (lane->schedule->stopped != NULL) {
		if (lane->active == 0 && lane->greeter == NULL && lane->state != LANE_LOST)
			lane->state = LANE_OVER;
	} else if (lane->state == LANE_OPEN && !lane->need_probe) {
		work(lane);
	} else if (lane->state == LANE_OPEN && lane->active == 0) {
		greet(lane, PROBE);
	}
}

static bool is_over(const struct hx_lane *lane)
{
	return lane->active == 0 && lane->greeter == NULL && (lane->state == LANE_OVER || lane->state == LANE_LOST);
}

/* --repeat: the records of one pick lie so far apart. */
static size_t distance_of_turns(const struct hx_schedule *schedule)
{
	return schedule->options.repeat > 1 ? schedule->plan.count / schedule->options.repeat : schedule->plan.count;
}

/* What fails in some turns and passes in others, is flaky. */
static void compare_turns(struct hx_schedule *schedule, const struct hx_job *first, size_t distance)
{
	struct rp_scenario *records = record_of(first);
	unsigned bad = 0, good = 0;

	for (size_t i = 0; i < schedule->plan.count; i += distance) {
		bad += is_bad(records[i].verdict);
		good += records[i].verdict == RP_PASS;
	}
	for (size_t i = 0; i < schedule->plan.count && bad > 0 && good > 0; i += distance) {
		if (!is_bad(records[i].verdict))
			continue;
		records[i].flaky = true;
		hx_record_remark(schedule->result, &records[i], rp_text(schedule->result, "It failed in %u of %u turns.", bad, bad + good));
	}
}

static void find_flaky(struct hx_schedule *schedule)
{
	size_t distance = distance_of_turns(schedule), least = SIZE_MAX;

	for (unsigned i = 0; i < schedule->plan.count; i++)
		least = schedule->plan.jobs[i].record < least ? schedule->plan.jobs[i].record : least;
	for (unsigned i = 0; i < schedule->plan.count && distance < schedule->plan.count; i++)
		if (schedule->plan.jobs[i].record < least + distance)
			compare_turns(schedule, &schedule->plan.jobs[i], distance);
}

static void finish(struct hx_schedule *schedule)
{
	struct rp_result *result = schedule->result;
	const struct hx_lane *first = &schedule->lanes[0];

	schedule->over = true;
	net_timer_stop(schedule->deadline);
	blame_company(schedule);
	find_flaky(schedule);
	for (unsigned i = 0; i < schedule->options.lanes; i++)
		for (unsigned t = 0; t < 2 && schedule->planned; t++)
			if (schedule->lanes[i].purpose == LAST && schedule->lanes[i].greeted_by[t] != NULL &&
			    hx_greet_welcome(schedule->lanes[i].greeted_by[t]) == HX_ODD)
				add_sanity(schedule, schedule->lanes[i].greeted_by[t]);
	result->params = first->target->params;
	result->target.round_trip = first->target->round_trip;
	result->duration = now(schedule) - schedule->options.run_start;
	result->critical_path = hx_path_length(&schedule->path, schedule->options.lanes, first->share.title_count);
	if (schedule->stopped != NULL && result->verdict_reason == NULL)
		result->verdict_reason = rp_text(result, "It was stopped: %s.", schedule->stopped);
	rp_result_conclude(result);
	if (schedule->options.events.over != NULL)
		schedule->options.events.over(schedule->options.context);
}

static void turn(void *context)
{
	struct hx_schedule *schedule = context;
	bool over = true;

	for (unsigned i = 0; i < schedule->options.lanes; i++)
		lane_turn(&schedule->lanes[i]);
	for (unsigned i = 0; i < schedule->options.lanes; i++)
		over = over && is_over(&schedule->lanes[i]);
	if (over && schedule->measurer == NULL && !schedule->over)
		finish(schedule);
}

/* ---- from outside -------------------------------------------------------------------------------------- */

struct hx_schedule *hx_schedule_new(const struct hx_schedule_options *options)
{
	struct hx_schedule *schedule = calloc(1, sizeof(*schedule));

	assert(schedule != NULL && options->lanes > 0);
	schedule->options = *options;
	schedule->player = options->player != NULL ? options->player : &hx_engine_player;
	schedule->result = options->result;
	schedule->lanes = calloc(options->lanes, sizeof(*schedule->lanes));
	assert(schedule->lanes != NULL);
	schedule->turn = net_timer_new(options->net, turn, schedule);
	schedule->deadline = net_timer_new(options->net, max_time_over, schedule);
	for (unsigned i = 0; i < options->lanes; i++)
		schedule->lanes[i] = (struct hx_lane){ .schedule = schedule, .index = i, .target = options->targets[i] };
	return schedule;
}

void hx_schedule_start(struct hx_schedule *schedule)
{
	const struct hx_schedule_options *options = &schedule->options;

	if (options->max_time > 0)
		net_timer_at(schedule->deadline, now(schedule) + options->max_time);
	for (unsigned i = 0; i < options->lanes && !options->launched; i++)
		greet(&schedule->lanes[i], FIRST);
}

void hx_schedule_free(struct hx_schedule *schedule)
{
	if (schedule == NULL)
		return;
	schedule->over = true;
	for (unsigned i = 0; i < schedule->options.lanes; i++) {
		struct hx_lane *lane = &schedule->lanes[i];
		struct hx_job *job;

		DL_FOREACH(lane->running, job)
			schedule->player->free(job->run);
		hx_greet_free(lane->greeter);
		hx_greet_free(lane->greeted_by[0]);
		hx_greet_free(lane->greeted_by[1]);
		hx_share_free(&lane->share);
		free(lane->died);
	}
	for (unsigned i = 0; i < schedule->death_count; i++)
		free(schedule->deaths[i].why);
	hx_plan_free(&schedule->plan);
	hx_measure_free(schedule->measurer);
	net_timer_free(schedule->turn);
	net_timer_free(schedule->deadline);
	free(schedule->lanes);
	free(schedule->stopped);
	free(schedule);
}

void hx_schedule_up(struct hx_schedule *schedule, unsigned index)
{
	struct hx_lane *lane = &schedule->lanes[index];

	if (lane->state != LANE_DOWN || schedule->stopped != NULL)
		return;
	if (!lane->greeted)
		greet(lane, FIRST);
	else
		lane->state = LANE_OPEN;
	kick(schedule);
}

void hx_schedule_down(struct hx_schedule *schedule, unsigned index, const char *why)
{
	if (schedule->lanes[index].state == LANE_DOWN && schedule->stopped == NULL)
		lose(&schedule->lanes[index], why);
	kick(schedule);
}

/* Which of the runs it happened to did it? One that was alone; else each is a suspect, and tried alone. */
static void died_at_work(struct hx_lane *lane, const char *why)
{
	struct hx_job *job;

	if (lane->active == 1 && !lane->running->company) {
		free(lane->running->killed);
		lane->running->killed = copy(why);
	} else {
		find_suspects(lane, why);
		DL_FOREACH(lane->running, job)
			job->disturbed = true;
	}
	DL_FOREACH(lane->running, job)
		lane->schedule->player->stop(job->run, "the server went away");
}

void hx_schedule_died(struct hx_schedule *schedule, unsigned index, const char *why)
{
	struct hx_lane *lane = &schedule->lanes[index];

	if (lane->state == LANE_GREETING && lane->greeter != NULL) {
		free(lane->died);
		lane->died = copy(why);
		hx_greet_stop(lane->greeter, why);
		return;
	}
	if (lane->state != LANE_OPEN || schedule->stopped != NULL)
		return;
	if (index == 0 && schedule->watching)
		stop_measuring(schedule);
	note(schedule, "The server ended (%s) while %u of the scenarios ran on it: it is restarted.", why, lane->active);
	if (lane->active > 0)
		died_at_work(lane, why);
	else
		suspect_or_blame(lane, why);
	release_held(lane, false);
	restart(lane);
	kick(schedule);
}
