/* What the files of the scheduler share: lanes, and what is done to them and to jobs. Nobody else includes this.
 * schedule.c hands out work and is told what happens, schedule_settle.c decides what becomes of a run that is over,
 * schedule_greet.c holds the sanity exchanges and what hangs on the first of them: the plan, the fingerprint. */
#ifndef HX_SCHEDULE_PART_H
#define HX_SCHEDULE_PART_H

#include "harness/greet.h"
#include "harness/measure.h"
#include "harness/plan.h"
#include "harness/schedule.h"

enum { HX_MAX_DEATHS = 256 };

enum hx_lane_state { HX_LANE_DOWN, HX_LANE_GREETING, HX_LANE_OPEN, HX_LANE_OVER, HX_LANE_LOST };
enum hx_purpose { HX_FIRST, HX_PROBE, HX_FINAL }; /* of a greeting: before the plan, when nothing was heard, at the end */

struct hx_lane {
	struct hx_schedule *schedule;
	unsigned index;
	struct hx_target *target;
	struct hx_share share;
	enum hx_lane_state state;
	bool greeted;                   /* the first sanity exchange is over */
	enum hx_purpose purpose;        /* of the greeting that goes on */
	unsigned to_greet;              /* C2W_ON_…: still to be greeted */
	unsigned present, welcome;      /* C2W_ON_…: what the first greeting found */
	struct hx_greeter *greeter;     /* at work */
	struct hx_greeter *greeted_by[2]; /* of the last greeting, by transport */
	struct hx_job *running, *held;
	unsigned active;
	bool solo;                      /* what runs was started alone */
	bool need_probe;
	bool timid;                     /* the server died too often in company: one at a time from here on */
	unsigned bad_in_row, barren;
	unsigned ran;                   /* runs over since it was greeted or started */
	struct hx_job *last;            /* the last one that was answered */
	bool last_alone;
	struct net_timer *doubt;        /* a greeting is over with a request unanswered: the server may be about to end */
	bool doubtful;
	char *died;                     /* why the server ended, while the greeting that it ended in is being stopped */
	int64_t died_at;
};

struct hx_death { const struct hx_job *job; /* the first suspect */ bool confirmed; char *why; };

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
	struct hx_death deaths[HX_MAX_DEATHS];
	unsigned death_count;
};

/* ---- schedule.c ---- */

int64_t hx_schedule_now(const struct hx_schedule *schedule);
void hx_schedule_kick(struct hx_schedule *schedule); /* work is handed out soon, from the loop */
char *hx_schedule_text(const char *text);            /* a copy, the caller's to free; never NULL */
void hx_schedule_note(struct hx_schedule *schedule, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct rp_scenario *hx_schedule_record(const struct hx_job *job); /* the final one; not that of a second try */

/* The target is gone for good: `why` is a clause. With no lane left that ends it all, and so it does before there is a plan. */
void hx_lane_lose(struct hx_lane *lane, const char *why);

/* ---- schedule_settle.c ---- */

static inline bool hx_is_bad(enum rp_verdict verdict)
{
	return verdict == RP_FAIL || verdict == RP_WARN;
}

/* A run is over and counts: it is settled or queued for another try. */
void hx_job_judge(struct hx_job *job, const struct hx_outcome *outcome);
/* The server ended, or hung, while this ran alone: nothing else can have done it. ROB-01. */
void hx_job_blame(struct hx_job *job, const char *why);
/* What the target's end spoiled does not count as a try. */
void hx_job_play_again(struct hx_job *job);
/* It cannot be tried again. What failed so far was not confirmed; what never ran says so. */
void hx_job_settle_undecided(struct hx_job *job, const char *why);
/* Settles what gets no further try for want of time; false: it gets one. */
bool hx_job_settle_untried(struct hx_job *job);
/* After a probe: what was held was the target's doing, or the target was gone. */
void hx_lane_release_held(struct hx_lane *lane, bool counts);

/* The server went away, and it is not known on whose account. Suspects are what runs, what is to be confirmed and what ended last:
 * each will be tried alone. False: there are none. */
bool hx_lane_find_suspects(struct hx_lane *lane, const char *why);
/* Nothing runs any more: the server ended or hung on account of what was there last. */
void hx_lane_suspect(struct hx_lane *lane, const char *why);

/* At the end: a death in company that none of its suspects repeated alone; what fails in some turns of --repeat only. */
void hx_schedule_blame_company(struct hx_schedule *schedule);
void hx_schedule_find_flaky(struct hx_schedule *schedule);

/* ---- schedule_greet.c ---- */

void hx_lane_greet(struct hx_lane *lane, enum hx_purpose purpose);
void hx_lane_died_greeting(struct hx_lane *lane, const char *why);
/* Asks for it. After some in a row without a run between the lane becomes timid; after as many more it is lost. */
void hx_lane_restart(struct hx_lane *lane);
struct rp_scenario *hx_schedule_add_sanity(struct hx_schedule *schedule, const struct hx_greeter *greeter); /* moves the other records */

void hx_schedule_stop_measuring(struct hx_schedule *schedule);
/* What comes now is to be alone. A silent user who waits for the end of what differs already does no harm; nobody else stays.
 * False: it was so already; true: there are more places now. */
bool hx_schedule_thin_watching(struct hx_schedule *schedule);

#endif
