/* What the files of a hunt share: the lanes it plays in, the cases it looks into, the server, and the hunt itself.
 * For fuzz/blackbox_{hunt,case,server,look,report}.c only. */
#ifndef FZ_BLACKBOX_HUNT_INSIDE_H
#define FZ_BLACKBOX_HUNT_INSIDE_H

#include "fuzz/blackbox_breed.h"
#include "fuzz/blackbox_hunt.h"
#include "fuzz/blackbox_set.h"
#include "fuzz/blackbox_shrink.h"

enum { MAX_LANES = 16, RECENT = 32, MAX_CASES = 32, MAX_KNOWN = 256, MAX_TITLES = 64, DOUBLINGS = 24 };

static const int64_t FZ_SECOND = 1000000000;

enum fz_task { GREET_UDP, GREET_TCP, FUZZ, CONFIRM, SHRINK, WRITE, OVER };

struct fz_lane {
	struct fz_hunt *hunt;
	struct fz_play *play;
	struct fz_program program;
	bool busy, finished, fresh;    /* finished: to be looked at by turn(); fresh: it showed something new */
	bool patient;                  /* it waits for time to pass */
};

/* Something to be looked into: what it shows, and the programs that may be to blame, likeliest first. */
struct fz_case {
	struct fz_finding finding;
	struct fz_program *suspects;
	unsigned suspect_count, suspect, tries, turns; /* turns: how often others were looked into before it was decided */
	bool certain;                  /* seen for itself, whether it shows again or not: the process ended, nobody is served at all */
	uint64_t executions;
	int64_t after;
};

struct fz_known {
	enum c2w_rule rule;
	char what[160];
	unsigned doubts;
	bool open;                     /* may be looked into again */
};

struct fz_hunt {
	struct fz_hunt_options options;
	struct fz_world world;
	char *titles[MAX_TITLES];
	struct fz_breeder breeder;
	struct fz_set states, transitions;
	struct fz_program *corpus;
	unsigned corpus_count, seeds_played;
	char **origins;                /* of what was given, MAX_CORPUS at most */
	unsigned origin_count;
	struct fz_program recent[RECENT];
	uint64_t recent_count;
	struct fz_lane lanes[MAX_LANES];
	enum fz_task task;
	struct net_timer *timer;
	int64_t began, not_before, round_trip, text_trip;
	int64_t quiet_at;              /* then one that waits has the server to itself */
	bool quiet;                    /* it has */
	uint64_t executions, messages, names;
	bool offered_udp, offered_tcp, unreachable, stopping;
	bool word_awaited;             /* of the keeper, in this greeting */
	/* The server. */
	bool down, starting, knocking; /* it is gone or hangs; a launched one is being started; another is asked whether it is there again */
	bool doubtful;                 /* that it hangs is only what a play says */
	bool wants_fresh;              /* the next play gets a server that was just started */
	int64_t down_since;
	unsigned knocks;               /* since then */
	bool trial_died, settled;      /* settled: there was time to notice that it did */
	char trial_why[160];
	/* What was found: cases[0] is the one being looked into. */
	struct fz_case cases[MAX_CASES];
	unsigned case_count;
	struct fz_known known[MAX_KNOWN];
	unsigned known_count, reported, doubted, dropped;
	unsigned patient;              /* so many lanes take their time */
	struct fz_shrinker shrinker;
	struct fz_program trial;
	unsigned shrinks, write_tries;
	int64_t look_until, turn_until, shrink_until;
	int64_t settle_until;
	bool reproduced, again, careful; /* careful: what is made smaller is asked by somebody patient */
	FILE *script, *events;
	char *script_text, *events_text;
	size_t script_size, events_size;
	/* Leaks. */
	uint64_t memory[DOUBLINGS], descriptors[DOUBLINGS]; /* after 128 executions, twice as many, … */
	unsigned doublings, leak_runs;
	uint64_t up_since;             /* executions before the server was started */
	struct fz_usage leak_mark;
	int64_t leak_until;
};

/* hunt.c */
void fz_turn_soon(struct fz_hunt *hunt);
void fz_drop_plays(struct fz_hunt *hunt);
bool fz_looking_into(const struct fz_hunt *hunt);
void fz_lane_start(struct fz_hunt *hunt, struct fz_lane *lane, bool writing);
void fz_lane_settle(struct fz_hunt *hunt, struct fz_lane *lane);
bool fz_time_is_up(const struct fz_hunt *hunt);

/* case.c */
void fz_close_case(struct fz_hunt *hunt);
void fz_drop_closed(struct fz_hunt *hunt);   /* the server did not close the connection: it has died */
void fz_drop_doubtful(struct fz_hunt *hunt); /* there is no time to look into what may not show again */
bool fz_doubt_case(struct fz_hunt *hunt); /* the first: nothing is certain, and it may come again; false: it was told often enough */
bool fz_is_another_death(struct fz_hunt *hunt, const char *what); /* one that is known, and not the first case's */
void fz_make_certain(struct fz_hunt *hunt, enum fz_kind kind); /* all of that kind */
void fz_found(struct fz_hunt *hunt, const struct fz_finding *finding, const struct fz_program *program);
void fz_found_by_somebody(struct fz_hunt *hunt, enum fz_kind kind, enum c2w_rule rule, const char *what);

/* server.c */
void fz_goes_down(struct fz_hunt *hunt);
void fz_dies(struct fz_hunt *hunt, const char *why);
void fz_look_for_alarm(struct fz_hunt *hunt);
void fz_look_for_leaks(struct fz_hunt *hunt);
void fz_revive(struct fz_hunt *hunt);
bool fz_needs_server(const struct fz_hunt *hunt);

/* look.c */
void fz_begin_looking(struct fz_hunt *hunt);
bool fz_turn_looking(struct fz_hunt *hunt);

/* report.c */
void fz_close_streams(struct fz_hunt *hunt);
void fz_begin_writing(struct fz_hunt *hunt);
void fz_report_case(struct fz_hunt *hunt);

#endif
