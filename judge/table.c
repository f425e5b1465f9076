/* The judge's bounded memory; see judge/table.h.
 * For judge/ only. The arrays belong to struct jd. */
#include "judge/table.h"

static uint64_t word(const char *at, size_t length)
{
	uint64_t value = 0;

	memcpy(&value, at, length);
	return value;
}

uint64_t jd_hash(struct c2w_str octets)
{
	uint64_t hash = jd_mix(0, octets.length + 1);
	const char *at = octets.at;
	size_t left = octets.length;

	for (; left >= sizeof(uint64_t); at += sizeof(uint64_t), left -= sizeof(uint64_t))
		hash = jd_mix(hash, word(at, sizeof(uint64_t)));
	if (left > 0)
		hash = jd_mix(hash, word(at, left));
	return jd_mix(hash, hash >> 29);
}

/* ---- the index ---------------------------------------------------------------------------- */

void jd_index_init(struct jd_index *index, unsigned size, uint16_t *heads, uint16_t *next, uint64_t *keys)
{
	*index = (struct jd_index){ .size = size, .heads = heads, .next = next, .keys = keys };
	memset(heads, 0xff, size * sizeof(*heads)); /* JD_NO_SLOT */
}

static uint16_t *head_of(const struct jd_index *index, uint64_t key)
{
	return &index->heads[jd_mix(key, key >> 32) & (index->size - 1)];
}

unsigned jd_index_victim(const struct jd_index *index)
{
	return index->made < index->size ? JD_NO_SLOT : (unsigned)(index->made & (index->size - 1));
}

static void unlink_slot(struct jd_index *index, unsigned slot)
{
	uint16_t *link = head_of(index, index->keys[slot]);

	while (*link != slot)
		link = &index->next[*link];
	*link = index->next[slot];
}

unsigned jd_index_add(struct jd_index *index, uint64_t key)
{
	unsigned slot = (unsigned)(index->made & (index->size - 1));
	uint16_t *head = head_of(index, key);

	if (index->made >= index->size)
		unlink_slot(index, slot);
	index->made++;
	index->keys[slot] = key;
	index->next[slot] = *head;
	*head = (uint16_t)slot;
	return slot;
}

static unsigned with_key(const struct jd_index *index, unsigned slot, uint64_t key)
{
	while (slot != JD_NO_SLOT && index->keys[slot] != key)
		slot = index->next[slot];
	return slot;
}

unsigned jd_index_find(const struct jd_index *index, uint64_t key)
{
	return with_key(index, *head_of(index, key), key);
}

unsigned jd_index_older(const struct jd_index *index, unsigned slot)
{
	return with_key(index, index->next[slot], index->keys[slot]);
}

unsigned jd_index_recent(const struct jd_index *index, unsigned n)
{
	if (n >= index->size || n >= index->made)
		return JD_NO_SLOT;
	return (unsigned)((index->made - 1 - n) & (index->size - 1));
}

/* ---- kept octets -------------------------------------------------------------------------- */

struct jd_ref jd_keep_put(struct jd_keep *keep, struct c2w_str octets)
{
	size_t offset = keep->end % JD_KEPT_OCTETS;
	struct jd_ref ref;

	if (octets.length == 0 || octets.length > JD_KEPT_MOST)
		return (struct jd_ref){ 0 };
	if (offset + octets.length > JD_KEPT_OCTETS) {
		keep->end += JD_KEPT_OCTETS - offset;
		offset = 0;
	}
	memcpy(keep->octets + offset, octets.at, octets.length);
	ref = (struct jd_ref){ keep->end, octets.length };
	keep->end += octets.length;
	return ref;
}

struct c2w_str jd_keep_get(const struct jd_keep *keep, struct jd_ref ref)
{
	if (ref.length == 0 || keep->end - ref.at > JD_KEPT_OCTETS)
		return C2W_STR("");
	return (struct c2w_str){ keep->octets + ref.at % JD_KEPT_OCTETS, ref.length };
}

struct jd_ref jd_keep_part(struct jd_ref ref, struct c2w_str whole, struct c2w_str part)
{
	if (ref.length == 0 || part.length == 0)
		return (struct jd_ref){ 0 };
	return (struct jd_ref){ ref.at + (size_t)(part.at - whole.at), part.length };
}
