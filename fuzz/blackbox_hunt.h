/* The hunt: plays program after program, keeps those that show new behaviour, and turns what breaks a rule into a report:
 * reproduced, shrunk, one for each thing that is wrong. For main_fuzz.c and tests; over any net.
 * Owns its corpus and everything it plays; reports are lent for the time of the call. */
#ifndef FZ_BLACKBOX_HUNT_H
#define FZ_BLACKBOX_HUNT_H

#include "fuzz/blackbox_play.h"

struct fz_hunt;

struct fz_usage { uint64_t memory, descriptors; }; /* octets; of the whole process group */

struct fz_report {
	struct fz_finding finding;
	unsigned number;               /* from 1 */
	bool reproduced;
	bool certain;                  /* reproduced, or a fact: only these are findings, others were seen once */
	const struct fz_program *program;
	const struct fz_program *suspects; /* not reproduced: whoever may have done it, the likeliest first; what `program` is made of */
	unsigned suspect_count;
	const char *script, *octets;   /* a scenario; what was sent and received, an event a line */
	uint64_t executions;           /* before it was first seen */
	int64_t after;                 /* ns since the start */
};

struct fz_hunt_options {
	struct net *net;
	struct net_addr address;
	struct c2w_params params;
	bool udp, tcp;                 /* may be used, if offered */
	uint64_t seed;
	uint64_t count;                /* executions; 0: no limit */
	int64_t time;                  /* ns; 0: no limit; a look that has begun takes 15 s more at most, and its last play */
	unsigned lanes;                /* plays at a time */
	unsigned rate;                 /* messages a second at most; 0: no limit */
	bool replay;                   /* play the corpus over and over, and breed nothing; without count and time once */
	unsigned waits;                /* see blackbox_breed.h */
	const char *nonce;             /* of this run: names hold it; at most 8 octets */
	/* What can be done with a launched server; NULL: it is not ours. */
	void (*restart)(void *context);                          /* then fz_hunt_up() */
	bool (*alarm)(void *context, char *line, size_t size);   /* has it printed a sanitizer's report since the last call? */
	bool (*alarming)(void *context);                         /* has it begun one, and not ended it yet? May be NULL */
	bool (*usage)(void *context, struct fz_usage *usage);
	void (*found)(void *context, const struct fz_report *report);
	void (*kept)(void *context, const struct fz_program *program); /* may be NULL */
	void (*over)(void *context);                             /* from the loop */
	void *context;
};

struct fz_hunt_counts {
	uint64_t executions, messages, states, transitions;
	unsigned kept, findings, doubted; /* doubted: seen, and not again */
	unsigned dropped;              /* seen, and not looked into: the time was over */
	unsigned open;                 /* cases that are looked into, or wait for it */
	int64_t elapsed;
	bool unreachable;              /* nobody was there at the start, or nobody any more */
	bool udp, tcp;                 /* offered */
};

struct fz_hunt *fz_hunt_new(const struct fz_hunt_options *options); /* never NULL */
void fz_hunt_seed(struct fz_hunt *hunt, const struct fz_program *program); /* before the start: played first; its origin is copied */
void fz_hunt_start(struct fz_hunt *hunt);
void fz_hunt_up(struct fz_hunt *hunt, const struct net_addr *address);      /* the launched server listens */
void fz_hunt_died(struct fz_hunt *hunt, const char *why);                   /* the launched server ended: a clause */
void fz_hunt_stop(struct fz_hunt *hunt);                                    /* over() follows soon; what was found is reported first */
struct fz_hunt_counts fz_hunt_counts(const struct fz_hunt *hunt);
void fz_hunt_free(struct fz_hunt *hunt);

#endif
