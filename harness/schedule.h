/* The scheduler: plays many scenarios on one or several servers at once without cross-talk, repeats what cannot be trusted, and
 * fills a result. For main.c, the selftests and tests. Event-driven on the loop of its net, one thread; it starts no process and
 * opens no file. Owns its jobs; targets, picks, result and whatever the options point to are the caller's and outlive it.
 *
 * A lane is one server. In a lane run at the same time:
 * - as many scenarios as users fit under a cap: 8 at first, doubled while answers stay quick, up to 256, halved when a set-up is
 *   refused or answers are slow, never below the largest cast;
 * - each with movie rooms of its own (leases of titles, which rotate);
 * - under the readers-writer lock of MAIN_ROOM that their main_room asks for.
 * What must be alone (`alone`, second tries) comes after that, one at a time. A sanity exchange over each transport comes first and
 * last, and in between whenever a run heard nothing at all. */
#ifndef HX_SCHEDULE_H
#define HX_SCHEDULE_H

#include "harness/engine.h"
#include "harness/select.h"

enum { HX_FIRST_CAP = 8, HX_LAST_CAP = 256 };

struct hx_schedule;

/* What plays a scenario: the engine, or a fake in tests. */
struct hx_player {
	struct hx_run *(*start)(const struct hx_run_options *options);
	void (*stop)(struct hx_run *run, const char *reason);
	void (*free)(struct hx_run *run);
	const struct hx_scenario *(*sanity)(void);
};
extern const struct hx_player hx_engine_player;

/* What is told as it happens; any may be NULL. try is 1, 2, …; total is what will run, skips included. */
struct hx_schedule_events {
	void (*planned)(void *context, unsigned total);
	void (*started)(void *context, const struct rp_scenario *record, unsigned try);
	void (*finished)(void *context, const struct rp_scenario *record, unsigned tries); /* its verdict is final */
	void (*note)(void *context, const char *text);             /* one sentence for people: restarts, losses */
	void (*restart)(void *context, unsigned lane);             /* bring the lane's server down, if it is not, and up again; then hx_schedule_up() or _down() */
	void (*over)(void *context);                               /* nothing runs any more; the result is concluded */
};

struct hx_schedule_options {
	struct net *net;
	struct hx_target **targets; unsigned lanes; /* one target a lane */
	const struct hx_pick *picks; unsigned pick_count;
	struct rp_result *result;       /* scenarios, verdict, what is measured of the target; the caller fills in the rest */
	int64_t run_start;              /* net_now() that times count from */
	const bool *left_out;           /* [C2W_RULES]: hx_select_rules() */
	unsigned transports;            /* C2W_ON_…: to be judged */
	bool transports_given;          /* explicitly: one that is not offered is a failure */
	bool launched;                  /* lanes are restarted when they end; they are not up before hx_schedule_up() */
	bool no_gate;                   /* run the suite even if the sanity exchange failed */
	bool allow_load;                /* floods may be sent to these targets */
	bool shuffle;                   /* order by seed instead of long ones early */
	bool measure_rto, measure_retransmits; /* `auto`: the targets' params hold stand-ins so far */
	uint64_t seed;
	unsigned repeat;                /* each scenario so many times, each with its record; 0 is 1 */
	int64_t timeout, max_time;      /* ns: of one run, of everything; 0: none */
	const char *repeat_command;     /* "c2w-conform --target …", which record->repeat begins with; NULL: none */
	const struct hx_player *player; /* NULL: the engine */
	struct hx_schedule_events events;
	void *context;
};

/* Copies the options. Nothing runs before hx_schedule_start(). */
struct hx_schedule *hx_schedule_new(const struct hx_schedule_options *options);
void hx_schedule_start(struct hx_schedule *schedule); /* over() comes from the loop later, once */
void hx_schedule_free(struct hx_schedule *schedule);

/* A launched lane's server answers, with its address in the target. */
void hx_schedule_up(struct hx_schedule *schedule, unsigned lane);
/* It has ended by itself: why is a clause for people ("it was killed by signal 11 (Segmentation fault)"). restart() is asked for in return. */
void hx_schedule_died(struct hx_schedule *schedule, unsigned lane, const char *why);
/* It cannot be brought up (again): the lane is lost. */
void hx_schedule_down(struct hx_schedule *schedule, unsigned lane, const char *why);

/* ^C, --max-time: what runs is stopped (its teardown happens), what waits stays undone and inconclusive. */
void hx_schedule_stop(struct hx_schedule *schedule, const char *reason);

#endif
