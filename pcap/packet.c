/* Frames taken apart, see packet.h. For pcap/ only; keeps and owns nothing.
 * Checksums are not looked at: whoever captures on the sending host sees those that the card has yet to write. */
#include "pcap/packet.h"

#include <pcap/dlt.h>

enum { IPV4 = 0x0800, IPV6 = 0x86dd, VLAN = 0x8100, QINQ = 0x88a8, QINQ_OLD = 0x9100 };
enum { HOP_BY_HOP = 0, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };
enum { MAX_TAGS = 4, MAX_EXTENSIONS = 16 };

static uint8_t octet(struct c2w_str from, size_t at)
{
	return (uint8_t)from.at[at];
}

static unsigned short_at(struct c2w_str from, size_t at)
{
	return (unsigned)octet(from, at) << 8 | octet(from, at + 1);
}

static uint32_t long_at(struct c2w_str from, size_t at)
{
	return (uint32_t)short_at(from, at) << 16 | short_at(from, at + 2);
}

static bool skip(struct c2w_str *octets, size_t count)
{
	if (octets->length < count)
		return false;
	octets->at += count;
	octets->length -= count;
	return true;
}

/* ---- the link layer --------------------------------------------------------------------------- */

/* How long its header is, and where in it the EtherType stands; length 0: the family is in the packet itself. */
struct link {
	int type;
	size_t header, ethertype;
};

static const struct link links[] = {
	{ DLT_EN10MB, 14, 12 }, { DLT_LINUX_SLL, 16, 14 }, { DLT_LINUX_SLL2, 20, 0 },
	{ DLT_NULL, 4, 0 }, { DLT_LOOP, 4, 0 }, { DLT_RAW, 0, 0 }, { DLT_IPV4, 0, 0 }, { DLT_IPV6, 0, 0 },
};

static const struct link *link_find(int type)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

bool pc_link_known(int link)
{
	return link_find(link) != NULL;
}

static bool is_tag(unsigned ethertype)
{
	return ethertype == VLAN || ethertype == QINQ || ethertype == QINQ_OLD;
}

/* What lies under the link layer. The families of DLT_NULL and DLT_LOOP differ between systems: the IP version says enough. */
static enum pc_kind strip_link(const struct link *link, struct c2w_str *frame)
{
	bool typed = link->ethertype > 0 || link->type == DLT_LINUX_SLL2;
	unsigned ethertype = 0;

	if (typed && frame->length >= link->header)
		ethertype = short_at(*frame, link->ethertype);
	if (!skip(frame, link->header))
		return PC_BROKEN;
	for (unsigned tags = 0; is_tag(ethertype) && tags < MAX_TAGS; tags++) {
		if (frame->length < 4)
			return PC_BROKEN;
		ethertype = short_at(*frame, 2);
		skip(frame, 4);
	}
	return !typed || ethertype == IPV4 || ethertype == IPV6 ? PC_DATAGRAM : PC_OTHER;
}

/* ---- IP ------------------------------------------------------------------------------------------ */

static struct net_addr address(struct c2w_str from, size_t at, uint8_t family)
{
	struct net_addr addr = { .family = family };

	memcpy(addr.octets, from.at + at, family == 4 ? 4 : 16);
	return addr;
}

/* A length of 0 is that of a packet which the card has yet to cut (segmentation offload). */
static void cut(struct pc_ip *ip, struct c2w_str rest, size_t said)
{
	if (said < rest.length && said > 0)
		rest.length = said; /* the link's padding */
	ip->missing = said > rest.length ? said - rest.length : 0;
	ip->payload = rest;
}

static enum pc_kind read_ipv4(struct pc_ip *ip, struct c2w_str packet)
{
	size_t header, total;
	unsigned fragment;

	if (packet.length < 20)
		return PC_BROKEN;
	header = (size_t)(octet(packet, 0) & 15) * 4;
	total = short_at(packet, 2);
	fragment = short_at(packet, 6);
	if (header < 20 || header > packet.length || (total > 0 && total < header))
		return PC_BROKEN;
	*ip = (struct pc_ip){
		.from = address(packet, 12, 4), .to = address(packet, 16, 4), .protocol = octet(packet, 9),
		.more = (fragment & 0x2000) != 0, .offset = (fragment & 0x1fff) * 8, .id = short_at(packet, 4),
	};
	skip(&packet, header);
	cut(ip, packet, total > 0 ? total - header : 0);
	return ip->more || ip->offset > 0 ? PC_FRAGMENT : PC_DATAGRAM;
}

/* The extension headers up to what is carried. */
static enum pc_kind read_extensions(struct pc_ip *ip)
{
	struct c2w_str *rest = &ip->payload;

	for (unsigned i = 0; i < MAX_EXTENSIONS; i++) {
		size_t length;

		if (ip->protocol == TCP || ip->protocol == UDP)
			return PC_DATAGRAM;
		if (ip->protocol != HOP_BY_HOP && ip->protocol != ROUTING && ip->protocol != FRAGMENT && ip->protocol != DESTINATION &&
		    ip->protocol != AUTHENTICATION)
			return PC_OTHER;
		if (rest->length < 8)
			return PC_BROKEN;
		length = ip->protocol == FRAGMENT ? 8 : ip->protocol == AUTHENTICATION ? ((size_t)octet(*rest, 1) + 2) * 4 : ((size_t)octet(*rest, 1) + 1) * 8;
		if (ip->protocol == FRAGMENT) {
			ip->offset = short_at(*rest, 2) & 0xfff8;
			ip->more = (octet(*rest, 3) & 1) != 0;
			ip->id = long_at(*rest, 4);
		}
		ip->protocol = octet(*rest, 0);
		if (!skip(rest, length))
			return PC_BROKEN;
		if (ip->more || ip->offset > 0)
			return PC_FRAGMENT;
	}
	return PC_BROKEN;
}

static enum pc_kind read_ipv6(struct pc_ip *ip, struct c2w_str packet)
{
	size_t payload;

	if (packet.length < 40)
		return PC_BROKEN;
	payload = short_at(packet, 4);
	*ip = (struct pc_ip){ .from = address(packet, 8, 6), .to = address(packet, 24, 6), .protocol = octet(packet, 6) };
	skip(&packet, 40);
	cut(ip, packet, payload);
	return read_extensions(ip);
}

enum pc_kind pc_ip_read(struct pc_ip *ip, int type, const char *octets, size_t length)
{
	const struct link *link = link_find(type);
	struct c2w_str packet = { octets, length };
	enum pc_kind kind = link != NULL ? strip_link(link, &packet) : PC_OTHER;

	if (kind != PC_DATAGRAM)
		return kind;
	if (packet.length == 0)
		return PC_BROKEN;
	switch (octet(packet, 0) >> 4) {
	case 4:
		return read_ipv4(ip, packet);
	case 6:
		return read_ipv6(ip, packet);
	}
	return PC_OTHER;
}

/* ---- UDP and TCP --------------------------------------------------------------------------------- */

static enum pc_kind read_udp(struct pc_packet *packet, struct c2w_str rest)
{
	size_t said, whole = rest.length + packet->missing;

	if (rest.length < 8)
		return PC_BROKEN;
	said = short_at(rest, 4);
	if (said == 0)
		said = whole;
	if (said < 8 || said > whole)
		return PC_BROKEN;
	skip(&rest, 8);
	said -= 8;
	packet->missing = said > rest.length ? said - rest.length : 0;
	if (rest.length > said)
		rest.length = said;
	packet->payload = rest;
	return PC_DATAGRAM;
}

static enum pc_kind read_tcp(struct pc_packet *packet, struct c2w_str rest)
{
	size_t header;
	uint8_t flags;

	if (rest.length < 20)
		return PC_BROKEN;
	header = (size_t)(octet(rest, 12) >> 4) * 4;
	flags = octet(rest, 13);
	packet->seq = long_at(rest, 4);
	packet->ack = long_at(rest, 8);
	packet->fin = (flags & 1) != 0;
	packet->syn = (flags & 2) != 0;
	packet->reset = (flags & 4) != 0;
	packet->acks = (flags & 16) != 0;
	if (header < 20 || !skip(&rest, header))
		return PC_BROKEN;
	packet->payload = rest;
	return PC_DATAGRAM;
}

enum pc_kind pc_packet_read(struct pc_packet *packet, const struct pc_ip *ip)
{
	if (ip->protocol != UDP && ip->protocol != TCP)
		return PC_OTHER;
	packet->tcp = ip->protocol == TCP;
	packet->from = ip->from;
	packet->to = ip->to;
	packet->missing = ip->missing;
	if (ip->payload.length < 4)
		return PC_BROKEN;
	packet->from.port = (uint16_t)short_at(ip->payload, 0);
	packet->to.port = (uint16_t)short_at(ip->payload, 2);
	return packet->tcp ? read_tcp(packet, ip->payload) : read_udp(packet, ip->payload);
}
