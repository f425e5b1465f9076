/* Open addressing with linear probing, at most half full. See blackbox_set.h. */
#include "fuzz/blackbox_set.h"

#include <assert.h>
#include <stdlib.h>

static bool put(uint64_t *slots, size_t room, uint64_t hash)
{
	size_t at = (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (room - 1);

	while (slots[at] != 0 && slots[at] != hash)
		at = (at + 1) & (room - 1);
	if (slots[at] == hash)
		return false;
	slots[at] = hash;
	return true;
}

static void grow(struct fz_set *set)
{
	size_t room = set->room > 0 ? 2 * set->room : 1024;
	uint64_t *slots = calloc(room, sizeof(*slots));

	assert(slots != NULL);
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i] != 0)
			put(slots, room, set->slots[i]);
	free(set->slots);
	set->slots = slots;
	set->room = room;
}

bool fz_set_add(struct fz_set *set, uint64_t hash)
{
	bool added;

	if (2 * (set->count + 1) > set->room)
		grow(set);
	added = put(set->slots, set->room, hash == 0 ? 1 : hash);
	set->count += added;
	return added;
}

void fz_set_free(struct fz_set *set)
{
	free(set->slots);
	*set = (struct fz_set){ 0 };
}
