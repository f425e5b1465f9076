/* Fragments put together, see fragments.h. For trace.c.
 * What overlaps is taken as it came first; a fragment that was cut by the capture never completes its datagram. */
#include "pcap/fragments.h"

#include <stdlib.h>

enum { DATAGRAMS = 16, ROOM = 65536, BLOCK = 8, BLOCKS = ROOM / BLOCK };

struct partial {
	bool used;
	uint64_t turn;             /* of its last fragment */
	struct pc_ip ip;           /* of its first one */
	size_t total;              /* 0: the last fragment has not come */
	size_t have;               /* blocks */
	uint8_t seen[BLOCKS / 8];  /* a bit a block */
	char octets[ROOM];
};

struct pc_fragments {
	uint64_t turn, lost;
	struct partial partials[DATAGRAMS];
};

struct pc_fragments *pc_fragments_new(void)
{
	return calloc(1, sizeof(struct pc_fragments));
}

void pc_fragments_free(struct pc_fragments *fragments)
{
	free(fragments);
}

static bool same(const struct pc_ip *a, const struct pc_ip *b)
{
	return a->id == b->id && a->protocol == b->protocol && net_addr_equal(&a->from, &b->from) && net_addr_equal(&a->to, &b->to);
}

static struct partial *partial_of(struct pc_fragments *fragments, const struct pc_ip *ip)
{
	struct partial *oldest = &fragments->partials[0];

	for (unsigned i = 0; i < DATAGRAMS; i++) {
		struct partial *partial = &fragments->partials[i];

		if (partial->used && same(&partial->ip, ip))
			return partial;
		if (!partial->used || (oldest->used && partial->turn < oldest->turn))
			oldest = partial;
	}
	fragments->lost += oldest->used;
	oldest->used = true;
	oldest->ip = *ip;
	oldest->total = oldest->have = 0;
	memset(oldest->seen, 0, sizeof(oldest->seen));
	return oldest;
}

static void take(struct partial *partial, const struct pc_ip *ip)
{
	for (size_t at = 0; at < ip->payload.length; at += BLOCK) {
		size_t block = (ip->offset + at) / BLOCK;
		size_t length = ip->payload.length - at < BLOCK ? ip->payload.length - at : BLOCK;

		if (partial->seen[block / 8] & 1 << block % 8)
			continue;
		partial->seen[block / 8] |= (uint8_t)(1 << block % 8);
		partial->have++;
		memcpy(partial->octets + ip->offset + at, ip->payload.at + at, length);
	}
}

bool pc_fragments_add(struct pc_fragments *fragments, struct pc_ip *ip)
{
	size_t end = ip->offset + ip->payload.length;
	struct partial *partial;

	if (ip->missing > 0 || end > ROOM || (ip->more && ip->payload.length % BLOCK != 0)) {
		fragments->lost += ip->offset == 0;
		return false;
	}
	partial = partial_of(fragments, ip);
	partial->turn = ++fragments->turn;
	take(partial, ip);
	if (!ip->more)
		partial->total = end;
	if (partial->total == 0 || partial->have < (partial->total + BLOCK - 1) / BLOCK)
		return false;
	partial->used = false;
	*ip = partial->ip;
	ip->more = false;
	ip->offset = 0;
	ip->payload = (struct c2w_str){ partial->octets, partial->total };
	return true;
}

uint64_t pc_fragments_lost(const struct pc_fragments *fragments)
{
	uint64_t lost = fragments->lost;

	for (unsigned i = 0; i < DATAGRAMS; i++)
		lost += fragments->partials[i].used;
	return lost;
}
