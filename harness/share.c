/* Users, leases of movie rooms and the lock of MAIN_ROOM. Pure; for schedule.c and tests.
 * Owns the list of titles, not their octets. */
#include "harness/share.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void hx_share_init(struct hx_share *share, unsigned first_cap, unsigned floor, unsigned ceiling)
{
	*share = (struct hx_share){ .floor = floor, .ceiling = ceiling < floor ? floor : ceiling };
	share->cap = first_cap < share->floor ? share->floor : first_cap;
	if (share->cap > share->ceiling)
		share->cap = share->ceiling;
}

void hx_share_free(struct hx_share *share)
{
	free(share->titles);
	free(share->lent);
	share->titles = NULL;
	share->lent = NULL;
	share->title_count = 0;
}

static bool knows_title(const struct hx_share *share, struct c2w_str title)
{
	for (unsigned i = 0; i < share->title_count; i++)
		if (c2w_str_equal(share->titles[i], title))
			return true;
	return false;
}

void hx_share_titles(struct hx_share *share, char *const *titles, unsigned count)
{
	hx_share_free(share);
	share->next = 0;
	share->titles = calloc((size_t)count + 1, sizeof(*share->titles));
	share->lent = calloc((size_t)count + 1, sizeof(*share->lent));
	assert(share->titles != NULL && share->lent != NULL);
	for (unsigned i = 0; i < count; i++)
		if (titles[i][0] != '\0' && !knows_title(share, c2w_str_of(titles[i])))
			share->titles[share->title_count++] = c2w_str_of(titles[i]);
}

static unsigned free_titles(const struct hx_share *share)
{
	unsigned count = 0;

	for (unsigned i = 0; i < share->title_count; i++)
		count += !share->lent[i];
	return count;
}

bool hx_share_fits(const struct hx_share *share, const struct hx_scenario *scenario)
{
	if (share->users + scenario->cast_count > share->cap)
		return false;
	if (share->speaker && scenario->main_room != HX_MAIN_FREE)
		return false;
	if (share->listeners > 0 && scenario->main_room == HX_MAIN_EXCLUSIVE)
		return false;
	return scenario->leases == 0 || scenario->leases <= free_titles(share);
}

static unsigned lend(struct hx_share *share)
{
	unsigned index;

	while (share->lent[share->next])
		share->next = (share->next + 1) % share->title_count;
	index = share->next;
	share->lent[index] = true;
	share->next = (share->next + 1) % share->title_count;
	return index;
}

void hx_share_take(struct hx_share *share, const struct hx_scenario *scenario, struct hx_holding *holding)
{
	*holding = (struct hx_holding){ 0 };
	assert(scenario->leases <= free_titles(share) && scenario->leases <= HX_MAX_LEASES);
	for (unsigned i = 0; i < scenario->leases; i++) {
		holding->indices[i] = lend(share);
		holding->leases[i] = share->titles[holding->indices[i]];
	}
	share->users += scenario->cast_count;
	share->listeners += scenario->main_room == HX_MAIN_SHARED;
	share->speaker = share->speaker || scenario->main_room == HX_MAIN_EXCLUSIVE;
}

void hx_share_give(struct hx_share *share, const struct hx_scenario *scenario, const struct hx_holding *holding)
{
	for (unsigned i = 0; i < scenario->leases; i++)
		share->lent[holding->indices[i]] = false;
	share->users -= scenario->cast_count;
	share->listeners -= scenario->main_room == HX_MAIN_SHARED;
	share->speaker = share->speaker && scenario->main_room != HX_MAIN_EXCLUSIVE;
}

void hx_share_adapt(struct hx_share *share, unsigned users, enum hx_pace pace, int64_t began, int64_t now)
{
	switch (pace) {
	case HX_CROWDED:
		share->quick = 0;
		if (began < share->changed)
			return;
		share->cap = share->cap / 2 < share->floor ? share->floor : share->cap / 2;
		share->changed = now;
		return;
	case HX_QUICK:
		share->quick += users;
		if (2 * share->quick < share->cap)
			return;
		share->cap = 2 * share->cap > share->ceiling ? share->ceiling : 2 * share->cap;
		share->quick = 0;
		return;
	case HX_SO_SO:
		return;
	}
}
