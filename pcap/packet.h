/* One captured frame taken apart: link layer, IP, UDP or TCP. Pure; callable from anywhere.
 * Everything is hostile: no length in a frame is believed beyond the octets that are there.
 * A struct pc_packet points into the frame it was read from (or into the fragments put together); their owner keeps them. */
#ifndef PC_PACKET_H
#define PC_PACKET_H

#include "net/link.h"
#include "protocol/str.h"

enum pc_kind {
	PC_DATAGRAM,   /* UDP or TCP, whole or cut by the capture: see `missing` */
	PC_FRAGMENT,   /* of an IP datagram: see struct pc_ip */
	PC_OTHER,      /* nothing that can carry C2W */
	PC_BROKEN,     /* its headers contradict themselves, or are cut off */
};

/* An IP packet, or the part of one. */
struct pc_ip {
	struct net_addr from, to;  /* ports 0 */
	uint8_t protocol;          /* what it carries: 17 UDP, 6 TCP */
	struct c2w_str payload;
	size_t missing;            /* octets of the payload that were not captured */
	bool more;                 /* more fragments follow */
	unsigned offset;           /* of this fragment, octets */
	uint32_t id;
};

struct pc_packet {
	int64_t at;                /* ns since 1970 */
	uint64_t number;           /* of the frame in its capture, from 1 */
	struct net_addr from, to;
	bool tcp;
	struct c2w_str payload;
	size_t missing;            /* octets at its end that were not captured */
	uint32_t seq, ack;         /* TCP, and so on */
	bool syn, fin, reset, acks;
};

/* Can frames of this link type (a DLT_ value) be read? */
bool pc_link_known(int link);

/* The IP packet in a frame; PC_DATAGRAM where it is whole (its payload may be anything), PC_FRAGMENT, PC_OTHER or PC_BROKEN. */
enum pc_kind pc_ip_read(struct pc_ip *ip, int link, const char *octets, size_t length);
/* The UDP or TCP in an IP packet. number and at stay as they are. */
enum pc_kind pc_packet_read(struct pc_packet *packet, const struct pc_ip *ip);

#endif
