/* IP fragments put together again, IPv4 and IPv6. One allocation of constant size, owned by the caller; when it is full the
 * oldest unfinished datagram is given up. For pcap/ only. */
#ifndef PC_FRAGMENTS_H
#define PC_FRAGMENTS_H

#include "pcap/packet.h"

struct pc_fragments;

struct pc_fragments *pc_fragments_new(void); /* NULL without memory */
void pc_fragments_free(struct pc_fragments *fragments);

/* Takes one fragment. True: with it the datagram is whole, and *ip is that datagram, valid until the next call. */
bool pc_fragments_add(struct pc_fragments *fragments, struct pc_ip *ip);
/* Datagrams that were given up, so far, and those unfinished now. */
uint64_t pc_fragments_lost(const struct pc_fragments *fragments);

#endif
