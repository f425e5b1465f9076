/* What the scenarios running on one server share: room for users, movie rooms, MAIN_ROOM.
 * Pure; for schedule.c and tests. Belongs to a lane; the titles lent are the target's and stay with it. */
#ifndef HX_SHARE_H
#define HX_SHARE_H

#include "harness/script.h"

struct hx_share {
	unsigned users, cap;       /* users of what runs; how many there may be */
	unsigned floor, ceiling;   /* cap stays within; the floor is the largest cast */
	unsigned quick;            /* users of runs that met quick answers since the cap changed */
	int64_t changed;           /* when it was last halved: runs that began before tell nothing new */
	struct c2w_str *titles;    /* distinct ones */
	bool *lent;
	unsigned title_count, next; /* next: where the search for a free title begins, so that they rotate */
	unsigned listeners;        /* runs that hold MAIN_ROOM shared */
	bool speaker;              /* one that holds it exclusively */
};

/* What one run took. */
struct hx_holding {
	struct c2w_str leases[HX_MAX_LEASES];
	unsigned indices[HX_MAX_LEASES];
};

void hx_share_init(struct hx_share *share, unsigned first_cap, unsigned floor, unsigned ceiling);
void hx_share_free(struct hx_share *share);
/* The target's movie list; nothing may be lent. */
void hx_share_titles(struct hx_share *share, char *const *titles, unsigned count);

bool hx_share_fits(const struct hx_share *share, const struct hx_scenario *scenario);
void hx_share_take(struct hx_share *share, const struct hx_scenario *scenario, struct hx_holding *holding); /* it fits */
void hx_share_give(struct hx_share *share, const struct hx_scenario *scenario, const struct hx_holding *holding);

/* Moves the cap after a run of so many users that began at `began`: halved if crowded, doubled after enough quick ones. */
enum hx_pace { HX_QUICK, HX_SO_SO, HX_CROWDED };
void hx_share_adapt(struct hx_share *share, unsigned users, enum hx_pace pace, int64_t began, int64_t now);

#endif
