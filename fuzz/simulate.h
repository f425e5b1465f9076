/* Many correct clients over a bad network, the reference server, virtual time: what must hold over a whole run.
 * For main_simulate.c. The server's decisions are seen through its policy: which texts it accepted, in which order, who was in the room.
 * One run at a time; nothing outlives it but its result. */
#ifndef FZ_SIMULATE_H
#define FZ_SIMULATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct srv_policy;

enum { FZ_MOST_PEOPLE = 64 };

/* What a client does of itself. Whatever it does is right where it believes to be: else it is left out. */
enum fz_deed { FZ_CONNECTS, FZ_SAYS, FZ_ASKS_FOR_USERS, FZ_ASKS_FOR_MOVIES, FZ_ENTERS, FZ_ENTERS_ANOTHER, FZ_LEAVES, FZ_VANISHES };

struct fz_act { unsigned who; enum fz_deed deed; };

struct fz_simulation {
	uint64_t seed;
	unsigned clients;                /* at most FZ_MOST_PEOPLE; every third is on TCP */
	double loss;                     /* of datagrams, each way; as many are repeated or delayed, a third of it each */
	uint64_t steps;                  /* requests made by all of them together */
	const struct srv_policy *policy; /* of a faulty server; NULL: the right one */
	FILE *scenario;                  /* gets the run as a scenario, as long as it is short; NULL */
	const char *proves;              /* its rule */
	const char *reason;              /* what it is about */
	bool pieces;                     /* over TCP each octet of it comes alone */
	bool leaving;                    /* all leave in it, too */
	/* Instead of chance: these acts, each once the one before was answered. */
	const struct fz_act *acts;
	size_t act_count;
	/* Gets what chance chose; NULL: nobody asks. */
	struct fz_act *record;
	size_t record_room, recorded;
	/* The outcome. */
	uint64_t requests, texts, deliveries, sessions, given_up, lists;
	double seconds;                  /* virtual */
	uint64_t digest;                 /* of all that clients received, and when */
	char violation[256];             /* the first; "": none */
};

void fz_simulate(struct fz_simulation *run);

static inline bool fz_on_tcp(unsigned who)
{
	return who % 3 == 2;
}

#endif
