/* Lanes at work: who runs now, who waits, what if the target goes away. See schedule.h.
 * Owns lanes and plan. Work is handed out from a timer only (turn), never from within another call. */
#include "harness/schedule_part.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "harness/record.h"

const struct hx_player hx_engine_player = {
	.start = hx_run_start, .stop = hx_run_stop, .free = hx_run_free, .sanity = hx_sanity_scenario,
};

int64_t hx_schedule_now(const struct hx_schedule *schedule)
{
	return net_now(schedule->options.net);
}

void hx_schedule_kick(struct hx_schedule *schedule)
{
	if (!schedule->over)
		net_timer_at(schedule->turn, hx_schedule_now(schedule));
}

char *hx_schedule_text(const char *text)
{
	char *copied = strdup(text);

	assert(copied != NULL);
	return copied;
}

void hx_schedule_note(struct hx_schedule *schedule, const char *format, ...)
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

struct rp_scenario *hx_schedule_record(const struct hx_job *job)
{
	struct rp_result *result = job->schedule->result;

	return &result->scenarios[job->record];
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
	lane->ran++;
	lane->solo = lane->solo && lane->active > 0;
	hx_share_give(&lane->share, job->scenario, &job->holding);
	if (job->count > 0)
		lane->schedule->confirming += hx_schedule_now(lane->schedule) - job->began;
	hx_path_add(&lane->schedule->path, job->scenario, !job->company && job->count + (job->home == HX_ALONE) > 0,
	            hx_schedule_now(lane->schedule) - job->began);
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
	hx_share_adapt(&lane->share, job->scenario->cast_count, pace, job->began, hx_schedule_now(lane->schedule));
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
		hx_job_blame(job, job->killed);
	if (job->disturbed) {
		hx_job_play_again(job);
	} else if (outcome.mute && job->killed == NULL && !lane->schedule->options.no_gate && lane->schedule->stopped == NULL) {
		job->outcome = outcome;
		DL_APPEND(lane->held, job);
		lane->need_probe = true;
	} else {
		lane->last = job;
		lane->last_alone = !job->company;
		lane->barren = 0;
		hx_job_judge(job, &outcome);
	}
	hx_schedule_kick(lane->schedule);
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
	job->began = hx_schedule_now(lane->schedule);
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
		schedule->options.events.started(schedule->options.context, hx_schedule_record(job), job->count + 1);
	job->run = schedule->player->start(&options);
	arm_timeout(job);
	if (schedule->stopped != NULL) /* by the callback */
		schedule->player->stop(job->run, schedule->stopped);
}

/* ---- stopping ----------------------------------------------------------------------------------- */

static void settle_all(struct hx_job **queue, const char *why)
{
	while (*queue != NULL) {
		struct hx_job *job = *queue;

		DL_DELETE(*queue, job);
		hx_job_settle_undecided(job, why);
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
	schedule->stopped = hx_schedule_text(reason);
	if (schedule->measurer != NULL)
		hx_measure_end(schedule->measurer);
	for (unsigned i = 0; i < schedule->options.lanes; i++)
		stop_lane(&schedule->lanes[i], reason);
	for (unsigned i = 0; i < HX_QUEUES; i++)
		settle_all(&schedule->plan.queues[i], reason);
	hx_schedule_kick(schedule);
}

static void max_time_over(void *context)
{
	hx_schedule_stop(context, "--max-time is over");
}

static bool any_lane_left(const struct hx_schedule *schedule)
{
	for (unsigned i = 0; i < schedule->options.lanes; i++)
		if (schedule->lanes[i].state != HX_LANE_LOST)
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

void hx_lane_lose(struct hx_lane *lane, const char *why)
{
	struct hx_schedule *schedule = lane->schedule;

	lane->state = HX_LANE_LOST;
	hx_lane_release_held(lane, false);
	hx_schedule_note(schedule, "Server %u is lost: %s.", lane->index + 1, why);
	if (schedule->stopped != NULL)
		return;
	if (!any_lane_left(schedule) || (lane->index == 0 && !schedule->planned))
		target_lost(schedule, lane->last, why);
}

/* ---- handing out work -------------------------------------------------------------------------------- */

static void work(struct hx_lane *lane)
{
	struct hx_schedule *schedule = lane->schedule;
	struct hx_job *job;

	while (!lane->solo && (!lane->timid || lane->active == 0) && (job = hx_plan_next(&schedule->plan, &lane->share)) != NULL)
		start(lane, job);
	if (lane->active > 0)
		return;
	if (lane->index == 0 && hx_schedule_thin_watching(schedule))
		return;
	while ((job = hx_plan_next_alone(&schedule->plan)) != NULL && job->count > 0 && hx_job_settle_untried(job))
		continue;
	if (job != NULL) {
		lane->solo = true;
		start(lane, job);
	} else if (schedule->plan.left == 0 && schedule->watching && lane->index == 0) {
		hx_measure_end(schedule->measurer);
	} else if (schedule->plan.left == 0) {
		if (schedule->options.no_gate)
			lane->state = HX_LANE_OVER;
		else
			hx_lane_greet(lane, HX_FINAL);
	}
}

static void lane_turn(struct hx_lane *lane)
{
	if (lane->schedule->stopped != NULL) {
		if (lane->active == 0 && lane->greeter == NULL && lane->state != HX_LANE_LOST)
			lane->state = HX_LANE_OVER;
	} else if (lane->state == HX_LANE_OPEN && !lane->need_probe) {
		work(lane);
	} else if (lane->state == HX_LANE_OPEN && lane->active == 0) {
		hx_lane_greet(lane, HX_PROBE);
	}
}

static bool is_over(const struct hx_lane *lane)
{
	return lane->active == 0 && lane->greeter == NULL && (lane->state == HX_LANE_OVER || lane->state == HX_LANE_LOST);
}

static void finish(struct hx_schedule *schedule)
{
	struct rp_result *result = schedule->result;
	const struct hx_lane *first = &schedule->lanes[0];

	schedule->over = true;
	net_timer_stop(schedule->deadline);
	hx_schedule_blame_company(schedule);
	hx_schedule_find_flaky(schedule);
	for (unsigned i = 0; i < schedule->options.lanes; i++)
		for (unsigned t = 0; t < 2 && schedule->planned; t++)
			if (schedule->lanes[i].purpose == HX_FINAL && schedule->lanes[i].greeted_by[t] != NULL &&
			    hx_greet_welcome(schedule->lanes[i].greeted_by[t]) == HX_ODD)
				hx_schedule_add_sanity(schedule, schedule->lanes[i].greeted_by[t]);
	result->params = first->target->params;
	result->target.round_trip = first->target->round_trip;
	result->duration = hx_schedule_now(schedule) - schedule->options.run_start;
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
		net_timer_at(schedule->deadline, hx_schedule_now(schedule) + options->max_time);
	for (unsigned i = 0; i < options->lanes && !options->launched; i++)
		hx_lane_greet(&schedule->lanes[i], HX_FIRST);
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
		net_timer_free(lane->doubt);
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

	if (lane->state != HX_LANE_DOWN || schedule->stopped != NULL)
		return;
	if (!lane->greeted)
		hx_lane_greet(lane, HX_FIRST);
	else
		lane->state = HX_LANE_OPEN;
	hx_schedule_kick(schedule);
}

void hx_schedule_down(struct hx_schedule *schedule, unsigned index, const char *why)
{
	if (schedule->lanes[index].state == HX_LANE_DOWN && schedule->stopped == NULL)
		hx_lane_lose(&schedule->lanes[index], why);
	hx_schedule_kick(schedule);
}

/* Which of the runs it happened to did it? One that was alone; else each is a suspect, and tried alone. */
static void died_at_work(struct hx_lane *lane, const char *why)
{
	struct hx_job *job;

	if (lane->active == 1 && !lane->running->company) {
		free(lane->running->killed);
		lane->running->killed = hx_schedule_text(why);
	} else {
		hx_lane_find_suspects(lane, why);
		DL_FOREACH(lane->running, job)
			job->disturbed = true;
	}
	DL_FOREACH(lane->running, job)
		lane->schedule->player->stop(job->run, "the server went away");
}

void hx_schedule_died(struct hx_schedule *schedule, unsigned index, const char *why)
{
	struct hx_lane *lane = &schedule->lanes[index];

	if (lane->state == HX_LANE_GREETING && (lane->greeter != NULL || lane->doubtful)) {
		hx_lane_died_greeting(lane, why);
		return;
	}
	if (lane->state != HX_LANE_OPEN || schedule->stopped != NULL)
		return;
	if (index == 0 && schedule->watching)
		hx_schedule_stop_measuring(schedule);
	hx_schedule_note(schedule, "The server ended (%s) while %u of the scenarios ran on it: it is restarted.", why, lane->active);
	if (lane->active > 0)
		died_at_work(lane, why);
	else
		hx_lane_suspect(lane, why);
	hx_lane_release_held(lane, false);
	hx_lane_restart(lane);
	hx_schedule_kick(schedule);
}
