/* A set of hashes that only grows. For blackbox_hunt.c. Owns its table. */
#ifndef FZ_BLACKBOX_SET_H
#define FZ_BLACKBOX_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fz_set { /* all zero: empty */
	uint64_t *slots; /* 0: free */
	size_t room, count;
};

bool fz_set_add(struct fz_set *set, uint64_t hash); /* true: it is new */
void fz_set_free(struct fz_set *set);

#endif
