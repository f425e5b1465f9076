/* Smaller and simpler programs, one proposal after the other. For blackbox_hunt.c and tests. Pure; a shrinker is a plain value. */
#ifndef FZ_BLACKBOX_SHRINK_H
#define FZ_BLACKBOX_SHRINK_H

#include "fuzz/blackbox_step.h"

struct fz_shrinker {
	struct fz_program best;    /* the smallest that still shows it */
	unsigned chunk, at, way;   /* of the proposal: steps at once; where; which simplification */
	bool better, udp, tcp;
	unsigned movies;
};

void fz_shrink_begin(struct fz_shrinker *shrinker, const struct fz_program *program, bool udp, bool tcp, unsigned movies);
/* False: there is nothing left to try. */
bool fz_shrink_next(struct fz_shrinker *shrinker, struct fz_program *proposal);
/* Does the last proposal still show it? */
void fz_shrink_tell(struct fz_shrinker *shrinker, const struct fz_program *proposal, bool shows);

#endif
