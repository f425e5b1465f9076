/* What becomes of a run that is over: settled, or tried again, and whose doing it is if the server went away. See schedule_part.h.
 * Owns nothing; times and counts are kept in the schedule. */
#include "harness/schedule_part.h"

#include <stdlib.h>
#include <utlist.h>

#include "harness/record.h"

enum { BAD_BEFORE_PROBE = 5, LEAST_LOSSY = 3, LOSSY_SHARE = 20 /* one run in so many saw loss */, LEAST_SOUND = 20 };

/* So much time goes into second tries for every failure; then for rules not known to be broken; then for none. */
static const int64_t confirming_budget = INT64_C(30000000000), confirming_end = INT64_C(120000000000);

/* ---- deaths and blame ------------------------------------------------------------------------ */

static bool is_blamed(const struct rp_scenario *record, enum c2w_rule rule)
{
	for (size_t i = 0; i < record->findings_count; i++)
		if (record->findings[i].rule == rule && record->findings[i].verdict == RP_FAIL)
			return true;
	return false;
}

/* ROB-01: a server ended by octets from a peer. */
static void note_end(struct rp_result *result, struct rp_scenario *record, const char *why)
{
	record->verdict = RP_FAIL;
	rp_finding_add(result, record, C2W_ROB_01, RP_FAIL)->what = rp_text(result, "The server went away: %s.", why);
}

/* The job is settled. */
static void blame(struct hx_schedule *schedule, const struct hx_job *job, const char *why)
{
	struct rp_scenario *record = hx_schedule_record(job);

	if (job->suspect_of != 0)
		schedule->deaths[job->suspect_of - 1].confirmed = true;
	if (!schedule->options.left_out[C2W_ROB_01] && !is_blamed(record, C2W_ROB_01))
		note_end(schedule->result, record, why);
}

void hx_job_blame(struct hx_job *job, const char *why)
{
	struct rp_result *result = job->schedule->result;
	struct rp_scenario *record = hx_job_record(job, &result);

	if (job->schedule->options.left_out[C2W_ROB_01])
		return;
	record->reason = NULL;
	note_end(result, record, why);
}

static void suspect(struct hx_lane *lane, struct hx_death *death, struct hx_job *job)
{
	if (job->suspect_of != 0 || job->settled)
		return;
	job->suspect_of = (unsigned)(death - lane->schedule->deaths) + 1;
	if (death->job == NULL)
		death->job = job;
}

bool hx_lane_find_suspects(struct hx_lane *lane, const char *why)
{
	struct hx_schedule *schedule = lane->schedule;
	struct hx_death *death = &schedule->deaths[schedule->death_count];
	struct hx_job *job;

	if (schedule->death_count == HX_MAX_DEATHS)
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
	death->why = hx_schedule_text(why);
	schedule->death_count++;
	return true;
}

void hx_lane_suspect(struct hx_lane *lane, const char *why)
{
	if (hx_lane_find_suspects(lane, why) || lane->last == NULL)
		return;
	blame(lane->schedule, lane->last, why);
	hx_schedule_record(lane->last)->company_only = !lane->last_alone;
}

void hx_schedule_blame_company(struct hx_schedule *schedule)
{
	for (unsigned i = 0; i < schedule->death_count; i++) {
		const struct hx_death *death = &schedule->deaths[i];

		if (death->confirmed || !death->job->settled || hx_schedule_record(death->job)->verdict == RP_INCONCLUSIVE)
			continue;
		blame(schedule, death->job, death->why);
		hx_schedule_record(death->job)->company_only = true;
		hx_record_remark(schedule->result, hx_schedule_record(death->job), "The server went away while this and others ran, but not when each of them ran alone.");
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
	struct rp_scenario *record = hx_schedule_record(job);

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

void hx_job_settle_undecided(struct hx_job *job, const char *why)
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
		if (hx_is_bad(record->findings[i].verdict)) {
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
	lane->bad_in_row = hx_is_bad(try->verdict) && !try->company ? lane->bad_in_row + 1 : 0;
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

	if (schedule->confirming < confirming_budget || job->suspect_of != 0 || last->refused || last->noise || !hx_is_bad(last->verdict))
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

bool hx_job_settle_untried(struct hx_job *job)
{
	const struct hx_decision decision = {
		.keep = job->count - 1, .reason = "It was not tried again alone: other scenarios broke the same alone.",
	};

	if (is_known(job))
		settle(job, &decision);
	else if (job->schedule->confirming >= patience_of(job->schedule) && job->suspect_of == 0)
		hx_job_settle_undecided(job, "second tries had used up their time");
	else
		return false;
	return true;
}

void hx_job_judge(struct hx_job *job, const struct hx_outcome *outcome)
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
		hx_job_settle_undecided(job, schedule->stopped != NULL ? schedule->stopped : "--timeout is over");
	else if (!hx_job_settle_untried(job))
		hx_plan_queue(&schedule->plan, job, decision.next == HX_AGAIN ? job->home : HX_RETRIES);
}

void hx_job_play_again(struct hx_job *job)
{
	struct rp_scenario *record = hx_schedule_record(job);

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
		hx_job_settle_undecided(job, job->schedule->stopped);
	else
		hx_plan_queue(&job->schedule->plan, job, HX_RETRIES);
}

void hx_lane_release_held(struct hx_lane *lane, bool counts)
{
	while (lane->held != NULL) {
		struct hx_job *job = lane->held;

		DL_DELETE(lane->held, job);
		if (counts)
			hx_job_judge(job, &job->outcome);
		else
			hx_job_play_again(job);
	}
}

/* ---- several turns --------------------------------------------------------------------------- */

/* --repeat: the records of one pick lie so far apart. */
static size_t distance_of_turns(const struct hx_schedule *schedule)
{
	return schedule->options.repeat > 1 ? schedule->plan.count / schedule->options.repeat : schedule->plan.count;
}

/* What fails in some turns and passes in others, is flaky. */
static void compare_turns(struct hx_schedule *schedule, const struct hx_job *first, size_t distance)
{
	struct rp_scenario *records = hx_schedule_record(first);
	unsigned bad = 0, good = 0;

	for (size_t i = 0; i < schedule->plan.count; i += distance) {
		bad += hx_is_bad(records[i].verdict);
		good += records[i].verdict == RP_PASS;
	}
	for (size_t i = 0; i < schedule->plan.count && bad > 0 && good > 0; i += distance) {
		if (!hx_is_bad(records[i].verdict))
			continue;
		records[i].flaky = true;
		hx_record_remark(schedule->result, &records[i], rp_text(schedule->result, "It failed in %u of %u turns.", bad, bad + good));
	}
}

void hx_schedule_find_flaky(struct hx_schedule *schedule)
{
	size_t distance = distance_of_turns(schedule), least = SIZE_MAX;

	for (unsigned i = 0; i < schedule->plan.count; i++)
		least = schedule->plan.jobs[i].record < least ? schedule->plan.jobs[i].record : least;
	for (unsigned i = 0; i < schedule->plan.count && distance < schedule->plan.count; i++)
		if (schedule->plan.jobs[i].record < least + distance)
			compare_turns(schedule, &schedule->plan.jobs[i], distance);
}

