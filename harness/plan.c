/* Jobs and queues: who may run at all, who next. For schedule.c only.
 * Owns the jobs; their records are the result's. */
#include "harness/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "harness/record.h"

/* ---- what a script does ---------------------------------------------------------------------- */

/* Does any step, in loops and exchanges too, answer the question? */
static bool any_step(const struct hx_step *step, bool (*asked)(const struct hx_step *step), unsigned depth)
{
	for (; step != NULL && depth < HX_MAX_DEPTH; step = step->next)
		if (asked(step) || any_step(step->body, asked, depth + 1) ||
		    (step->exchange != NULL && any_step(step->exchange->body, asked, depth + 1)))
			return true;
	return false;
}

static bool waits(const struct hx_step *step)
{
	return step->op == HX_WAIT || step->op == HX_HOLD_ACKS || step->every != NULL || (step->op == HX_SILENCE && step->duration != NULL);
}

static bool is_silence(const struct hx_step *step)
{
	return step->op == HX_SILENCE;
}

/* ---- what a scenario needs --------------------------------------------------------------------- */

static const char *offered_text(unsigned transports)
{
	return transports == C2W_ON_UDP ? "only UDP can be used" : transports == C2W_ON_TCP ? "only TCP can be used" : "neither can be used";
}

static char *out_of_bounds(const struct hx_bound *bound, struct rp_result *result, const struct c2w_params *params)
{
	for (; bound != NULL; bound = bound->next) {
		double more = hx_number_of(params, bound->more), less = hx_number_of(params, bound->less);
		bool least = bound->more->kind == HX_PARAMETER;
		const struct hx_expr *parameter = least ? bound->more : bound->less;

		if (more < less)
			return rp_text(result, "It needs a %s of %.0f or %s, and it is %.0f.", c2w_param_info((enum c2w_param)parameter->index)->name,
			               least ? less : more, least ? "more" : "less", least ? more : less);
	}
	return NULL;
}

/* Why it cannot run, as a sentence in the result; NULL: it can. */
static char *unmet(const struct hx_scenario *scenario, const struct hx_schedule_options *options, unsigned transports, unsigned titles,
                   const struct c2w_params *params)
{
	const struct hx_needs *needs = &scenario->needs;
	unsigned movies = needs->movies > scenario->leases ? needs->movies : scenario->leases;

	if ((needs->both || scenario->over == 0) && transports != C2W_ON_BOTH)
		return rp_text(options->result, "It needs UDP and TCP, and %s.", offered_text(transports));
	if (movies > titles)
		return rp_text(options->result, "It needs %u movies, and the target lists %u.", movies, titles);
	if (needs->capacity && params->capacity == C2W_UNKNOWN_CAPACITY)
		return rp_text(options->result, "%s", "It needs to know how many users the target holds: -D capacity=N.");
	if (needs->room_capacity && params->room_capacity == C2W_UNKNOWN_CAPACITY)
		return rp_text(options->result, "%s", "It needs to know how many users a movie room holds: -D room-capacity=N.");
	if (needs->load && !options->allow_load)
		return rp_text(options->result, "%s", "It sends a flood, which a target that is not on loopback gets with --allow-load only.");
	return out_of_bounds(needs->bounds, options->result, params);
}

/* ---- making it --------------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t value) /* splitmix64 */
{
	value += 0x9e3779b97f4a7c15U;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
	return value ^ (value >> 31);
}

/* The same for the same scenario and transport, whatever else is selected. */
static uint64_t seed_of(uint64_t seed, const char *id, enum rp_transport transport)
{
	uint64_t value = mixed(seed);

	for (; *id != '\0'; id++)
		value = mixed(value ^ (unsigned char)*id);
	return mixed(value ^ (uint64_t)transport << 32);
}

static enum hx_queue home_of(const struct hx_scenario *scenario)
{
	if (scenario->alone)
		return HX_ALONE;
	if (scenario->main_room == HX_MAIN_EXCLUSIVE)
		return HX_SPEAKERS;
	return any_step(scenario->steps, waits, 0) ? HX_LONG : HX_SHORT;
}

static bool can_use(enum rp_transport transport, unsigned transports)
{
	return transport == RP_MIXED || (transports & (transport == RP_UDP ? C2W_ON_UDP : C2W_ON_TCP)) != 0;
}

/* seed: of a whole run in which this is the first turn. */
static void describe(struct rp_scenario *record, const struct hx_job *job, const struct hx_schedule_options *options, uint64_t seed)
{
	hx_record_describe(options->result, record, job->scenario, job->transport, options->left_out);
	record->seed = job->seed;
	if (options->repeat_command == NULL)
		return;
	record->repeat = rp_text(options->result, "%s --only '%s'%s%s --seed %llu", options->repeat_command, job->scenario->id,
	                         job->transport == RP_MIXED ? "" : " --transport ", job->transport == RP_MIXED ? "" : rp_transport_name(job->transport),
	                         (unsigned long long)seed);
}

static void add_job(struct hx_plan *plan, struct hx_schedule *schedule, const struct hx_schedule_options *options, const struct hx_pick *pick,
                    uint64_t seed)
{
	const struct hx_scenario *scenario = pick->scenario;
	struct hx_job *job = &plan->jobs[plan->count++];
	struct rp_scenario *record = rp_scenario_add(options->result, scenario->id);

	*job = (struct hx_job){
		.scenario = scenario, .transport = pick->transport, .record = options->result->scenarios_count - 1, .schedule = schedule,
		.home = home_of(scenario), .claims_silence = any_step(scenario->steps, is_silence, 0),
		.prompt = !scenario->alone && !any_step(scenario->steps, waits, 0),
		.seed = seed_of(seed, scenario->id, pick->transport),
	};
	describe(record, job, options, seed);
	if (scenario->cast_count > plan->largest_cast && !scenario->alone)
		plan->largest_cast = scenario->cast_count;
}

static void shuffle(struct hx_plan *plan, uint64_t seed)
{
	for (unsigned i = plan->count; i > 1; i--) {
		unsigned other = (unsigned)(mixed(seed + i) % i);
		struct hx_job swapped = plan->jobs[i - 1];

		plan->jobs[i - 1] = plan->jobs[other];
		plan->jobs[other] = swapped;
	}
}

void hx_plan_make(struct hx_plan *plan, struct hx_schedule *schedule, const struct hx_schedule_options *options, unsigned transports,
                  unsigned titles, const struct c2w_params *params)
{
	unsigned turns = options->repeat > 1 ? options->repeat : 1;

	*plan = (struct hx_plan){ .jobs = calloc((size_t)options->pick_count * turns + 1, sizeof(*plan->jobs)) };
	assert(plan->jobs != NULL);
	for (unsigned turn = 0; turn < turns; turn++)
		for (unsigned i = 0; i < options->pick_count; i++)
			if (can_use(options->picks[i].transport, transports))
				add_job(plan, schedule, options, &options->picks[i], options->seed + turn);
	if (options->shuffle)
		shuffle(plan, options->seed);
	for (unsigned i = 0; i < plan->count; i++) {
		struct hx_job *job = &plan->jobs[i];
		struct rp_scenario *record = &options->result->scenarios[job->record];

		record->reason = unmet(job->scenario, options, transports, titles, params);
		if (record->reason != NULL) {
			record->verdict = RP_SKIP;
			continue;
		}
		plan->left++;
		hx_plan_queue(plan, job, job->home);
	}
}

void hx_plan_free(struct hx_plan *plan)
{
	for (unsigned i = 0; i < plan->count; i++) {
		for (unsigned try = 0; try < HX_MAX_TRIES; try++)
			rp_result_free(plan->jobs[i].scratch[try]);
		net_timer_free(plan->jobs[i].timeout);
		free(plan->jobs[i].killed);
	}
	free(plan->jobs);
	*plan = (struct hx_plan){ 0 };
}

struct rp_scenario *hx_job_record(const struct hx_job *job, struct rp_result **result)
{
	if (job->count == 0 || job->scratch[job->count] == NULL)
		return &(*result)->scenarios[job->record];
	*result = job->scratch[job->count];
	return &(*result)->scenarios[0];
}

/* ---- queues ------------------------------------------------------------------------------------ */

void hx_plan_queue(struct hx_plan *plan, struct hx_job *job, enum hx_queue queue)
{
	/* Movie rooms are few: among the long ones, those that hold one for so long come first. */
	if (queue == HX_LONG && job->scenario->leases > 0)
		DL_PREPEND(plan->queues[queue], job);
	else
		DL_APPEND(plan->queues[queue], job);
	if (queue == HX_LONG)
		plan->long_users += job->scenario->cast_count;
}

static struct hx_job *take(struct hx_plan *plan, enum hx_queue queue, const struct hx_share *share)
{
	struct hx_job *job;

	DL_FOREACH(plan->queues[queue], job) {
		if (share != NULL && !hx_share_fits(share, job->scenario))
			continue;
		DL_DELETE(plan->queues[queue], job);
		if (queue == HX_LONG)
			plan->long_users -= job->scenario->cast_count;
		return job;
	}
	return NULL;
}

struct hx_job *hx_plan_next(struct hx_plan *plan, const struct hx_share *share)
{
	unsigned wanted = plan->long_users < HX_LAST_CAP / 2 ? plan->long_users : HX_LAST_CAP / 2;
	bool all_fit = share->users + wanted <= share->cap || share->cap == share->ceiling;
	const enum hx_queue order[] = { HX_SPEAKERS, all_fit ? HX_LONG : HX_SHORT, all_fit ? HX_SHORT : HX_LONG };
	struct hx_job *job = NULL;

	if (share->users >= share->cap)
		return NULL;
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]) && job == NULL; i++)
		job = take(plan, order[i], share);
	return job;
}

struct hx_job *hx_plan_next_alone(struct hx_plan *plan)
{
	struct hx_job *job = take(plan, HX_RETRIES, NULL);

	return job != NULL ? job : take(plan, HX_ALONE, NULL);
}

bool hx_plan_waiting(const struct hx_plan *plan, bool alone)
{
	if (alone)
		return plan->queues[HX_RETRIES] != NULL || plan->queues[HX_ALONE] != NULL;
	return plan->queues[HX_SPEAKERS] != NULL || plan->queues[HX_SHORT] != NULL || plan->queues[HX_LONG] != NULL;
}

/* ---- the critical path --------------------------------------------------------------------------- */

static int64_t greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void hx_path_add(struct hx_path *path, const struct hx_scenario *scenario, bool alone, int64_t duration)
{
	if (alone) {
		path->alone += duration;
		path->longest_alone = greater(path->longest_alone, duration);
		return;
	}
	path->longest = greater(path->longest, duration);
	path->leased += duration * scenario->leases;
	if (scenario->main_room == HX_MAIN_EXCLUSIVE)
		path->speakers += duration;
	if (scenario->main_room == HX_MAIN_SHARED)
		path->longest_listener = greater(path->longest_listener, duration);
}

int64_t hx_path_length(const struct hx_path *path, unsigned lanes, unsigned titles)
{
	int64_t rooms = path->leased / (titles > 0 ? titles : 1);
	int64_t main_room = path->speakers + path->longest_listener;

	if (lanes == 1)
		return path->sanity + path->alone + greater(path->longest, greater(rooms, main_room));
	/* One server plays what is alone while others go on with the rest. */
	return path->sanity + greater(greater(path->longest, path->longest_alone), (path->alone + greater(rooms, path->speakers)) / lanes);
}
