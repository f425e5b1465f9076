/* The plan: every run that is to be, with its record in the result, in the queues that lanes take from.
 * For schedule.c only. Owns the jobs and the results of their later tries; scenarios and the result are the caller's. */
#ifndef HX_PLAN_H
#define HX_PLAN_H

#include "harness/confirm.h"
#include "harness/schedule.h"
#include "harness/share.h"

/* In the order of preference; see hx_plan_next(). */
enum hx_queue { HX_SPEAKERS /* MAIN_ROOM to themselves */, HX_SHORT, HX_LONG /* they wait for timers */, HX_RETRIES, HX_ALONE, HX_QUEUES };

struct hx_job {
	struct hx_job *prev, *next;     /* in a queue, or among a lane's running or held ones */
	const struct hx_scenario *scenario;
	enum rp_transport transport;
	size_t record;                  /* index in result->scenarios: the first try's, and at last the verdict's */
	enum hx_queue home;
	bool claims_silence;
	bool prompt;                    /* it acks at once and waits for nothing but answers: what comes late there was lost */
	uint64_t seed;
	unsigned suspect_of;            /* a death in company, 1 …; 0: none */
	/* Its tries. */
	struct hx_try tries[HX_MAX_TRIES];
	struct rp_result *scratch[HX_MAX_TRIES]; /* of the second try and later ones; NULL for the first */
	unsigned count;                 /* tries that are over */
	bool settled;
	/* The one that runs. */
	struct hx_schedule *schedule;
	struct hx_lane *lane;
	struct hx_run *run;
	struct hx_holding holding;
	struct net_timer *timeout;
	int64_t began;
	struct hx_outcome outcome;      /* of a run that heard nothing, while the target is probed */
	bool company, disturbed, timed_out;
	char *killed;                   /* the server ended meanwhile, with nothing else running: how; malloc */
};

struct hx_plan {
	struct hx_job *jobs;
	unsigned count, left;           /* left: not settled yet */
	struct hx_job *queues[HX_QUEUES];
	unsigned largest_cast;
	unsigned long_users;            /* of all that waits in HX_LONG */
};

/* transports: C2W_ON_…, those that the target offers and that passed the gate. Adds a record for each run; what cannot run for want of
 * something it needs is settled as a skip with its reason at once (it is not in a queue). */
void hx_plan_make(struct hx_plan *plan, struct hx_schedule *schedule, const struct hx_schedule_options *options, unsigned transports,
                  unsigned titles, const struct c2w_params *params);
void hx_plan_free(struct hx_plan *plan);

void hx_plan_queue(struct hx_plan *plan, struct hx_job *job, enum hx_queue queue);
/* Takes the next job that fits what the lane shares; NULL: none does now. Speakers first, for they follow one another; then short ones,
 * whose answers widen the cap, until all long ones fit side by side. */
struct hx_job *hx_plan_next(struct hx_plan *plan, const struct hx_share *share);
/* Takes one that runs with nothing else: second tries, then those that ask for it; NULL: none. */
struct hx_job *hx_plan_next_alone(struct hx_plan *plan);
bool hx_plan_waiting(const struct hx_plan *plan, bool alone);

/* The record of the try that runs. *result: that of the first tries when called, that of the record afterwards. */
struct rp_scenario *hx_job_record(const struct hx_job *job, struct rp_result **result);

/* ---- the critical path --------------------------------------------------------------------- */

/* What bounds the time from below, from measured durations: nothing can be faster that keeps the order of DESIGN section 2. */
struct hx_path {
	int64_t sanity, alone, longest_alone;
	int64_t longest;                 /* of those in company */
	int64_t speakers, longest_listener;
	int64_t leased;                  /* durations times movie rooms held */
};

void hx_path_add(struct hx_path *path, const struct hx_scenario *scenario, bool alone, int64_t duration);
int64_t hx_path_length(const struct hx_path *path, unsigned lanes, unsigned titles);

#endif
