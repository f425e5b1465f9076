/* What somebody may have meant by a word that means nothing. For select.c and expect.c.
 * Points at the candidates, which must outlive it; owns nothing. */
#ifndef HX_NEAR_H
#define HX_NEAR_H

#include <stddef.h>

enum { HX_MAX_NEAR = 3, HX_NEAR_TEXT = 640 };

/* Starts with the word set and all else 0. */
struct hx_near {
	const char *word;
	const char *at[HX_MAX_NEAR]; /* the nearest first */
	unsigned distance[HX_MAX_NEAR];
	unsigned count;
};

/* Kept if it is near enough, and nearer than those that are there. */
void hx_near_offer(struct hx_near *near, const char *candidate);
/* Writes "; near it: A, B", or nothing where nothing is near; HX_NEAR_TEXT octets do. */
void hx_near_tell(const struct hx_near *near, char *to, size_t size);

#endif
