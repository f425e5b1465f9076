/* The judge's bounded memory: a hash index over a ring of slots, and a ring that keeps octets for reports.
 * For judge/ only. Constant work a message: what falls out of a ring is forgotten, not judged.
 * The arrays belong to struct jd; nothing here allocates. */
#ifndef JD_TABLE_H
#define JD_TABLE_H

#include <stdint.h>

#include "protocol/str.h"

enum { JD_NO_SLOT = 0xffff, JD_KEPT_OCTETS = 256 << 10, JD_KEPT_MOST = JD_KEPT_OCTETS / 4 };

/* 64 bits of octets. Two texts with one hash are taken for the same: never a false alarm but by a chance of 2^-64. */
uint64_t jd_hash(struct c2w_str octets);
static inline uint64_t jd_mix(uint64_t hash, uint64_t with)
{
	hash = (hash ^ with) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

/* Slots 0 … size-1 are handed out in turn; each has a key, several may share one. size: a power of two. */
struct jd_index {
	uint64_t made;          /* slots handed out so far */
	unsigned size;
	uint16_t *heads, *next; /* size of each */
	uint64_t *keys;
};

void jd_index_init(struct jd_index *index, unsigned size, uint16_t *heads, uint16_t *next, uint64_t *keys);
/* The slot the next jd_index_add() will take over; JD_NO_SLOT while there are fresh ones. */
unsigned jd_index_victim(const struct jd_index *index);
unsigned jd_index_add(struct jd_index *index, uint64_t key);
/* The newest slot with this key, then those before it; JD_NO_SLOT at the end. */
unsigned jd_index_find(const struct jd_index *index, uint64_t key);
unsigned jd_index_older(const struct jd_index *index, unsigned slot);
/* The n-th newest slot, from 0; JD_NO_SLOT where there are fewer. */
unsigned jd_index_recent(const struct jd_index *index, unsigned n);

/* Octets kept for a while. A reference to what has been overwritten reads as empty. */
struct jd_ref {
	uint64_t at;
	size_t length;
};

struct jd_keep {
	uint64_t end; /* octets ever kept, gaps included */
	char *octets; /* JD_KEPT_OCTETS */
};

struct jd_ref jd_keep_put(struct jd_keep *keep, struct c2w_str octets);
struct c2w_str jd_keep_get(const struct jd_keep *keep, struct jd_ref ref);
/* The part of whole (kept as ref) that `part` points to. */
struct jd_ref jd_keep_part(struct jd_ref ref, struct c2w_str whole, struct c2w_str part);

#endif
