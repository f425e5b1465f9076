/* Makes programs: from what a client may sensibly do next, from other programs, and at random. For blackbox_hunt.c and tests.
 * Deterministic: the same seed gives the same programs. Owns nothing. */
#ifndef FZ_BLACKBOX_BREED_H
#define FZ_BLACKBOX_BREED_H

#include "fuzz/blackbox_step.h"

struct fz_breeder {
	uint64_t random;   /* never 0 */
	bool udp, tcp;     /* what the target offers */
	unsigned movies;
	const char *const *titles; /* so many; NULL: nobody knows them */
	unsigned waits;    /* per mille of the steps that wait for time to pass: dear over sockets */
};

uint64_t fz_roll(struct fz_breeder *breeder);
unsigned fz_below(struct fz_breeder *breeder, unsigned limit); /* 0 … limit-1; limit at least 1 */

/* A conversation, mostly sensible. */
void fz_generate(struct fz_breeder *breeder, struct fz_program *program);
/* One that takes a few rto, or little more than one: acks are held, and time passes. */
void fz_generate_patient(struct fz_breeder *breeder, struct fz_program *program, bool brief);
/* A few changes of steps, fields and octets; other (NULL: none) lends some of its steps. */
void fz_mutate(struct fz_breeder *breeder, struct fz_program *program, const struct fz_program *other);

#endif
