/* Packets made up, see writer.h. For the programs.
 * Everything is written at once; nothing is kept but what lies in the caller's connections. */
#include "pcap/writer.h"

#include <assert.h>
#include <string.h>

enum { LINKTYPE_RAW = 101, SNAPLEN = 262144 };
enum { TCP = 6, UDP = 17, FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { MAX_SEGMENT = 16384, MAX_PACKET = 65535 + 40, WINDOW = 65535, TTL = 64 };

static const uint32_t magic_of_nanoseconds = 0xa1b23c4d;
static const int64_t second = 1000000000;

/* ---- octets ----------------------------------------------------------------------------------- */

static void put8(uint8_t **at, unsigned value)
{
	*(*at)++ = (uint8_t)value;
}

static void put16(uint8_t **at, unsigned value)
{
	put8(at, value >> 8);
	put8(at, value);
}

static void put32(uint8_t **at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at, value);
}

static void put(uint8_t **at, const void *octets, size_t length)
{
	if (length > 0)
		memcpy(*at, octets, length);
	*at += length;
}

static uint32_t sum(const uint8_t *octets, size_t length)
{
	uint32_t total = 0;

	for (size_t i = 0; i < length; i++)
		total += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
	return total;
}

static unsigned folded(uint32_t total)
{
	while (total >> 16 != 0)
		total = (total & 0xffff) + (total >> 16);
	return ~total & 0xffff;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static void write32(FILE *to, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, to); /* in this machine's order: the magic number tells */
}

void pc_write_header(FILE *to)
{
	const uint16_t version[2] = { 2, 4 };

	write32(to, magic_of_nanoseconds);
	fwrite(version, sizeof(version), 1, to);
	write32(to, 0);
	write32(to, 0);
	write32(to, SNAPLEN);
	write32(to, LINKTYPE_RAW);
}

static void write_packet(FILE *to, int64_t at, const uint8_t *octets, size_t length)
{
	write32(to, (uint32_t)(at / second));
	write32(to, (uint32_t)(at % second));
	write32(to, (uint32_t)length);
	write32(to, (uint32_t)length);
	fwrite(octets, length, 1, to);
}

/* ---- IP ------------------------------------------------------------------------------------------ */

/* The header; returns the sum over the pseudo-header that UDP and TCP count in. */
static uint32_t put_ip(uint8_t **at, const struct net_addr *from, const struct net_addr *dest, unsigned protocol, size_t length)
{
	uint8_t *header = *at;
	size_t size = from->family == 4 ? 4 : 16;

	if (from->family == 4) {
		put16(at, 0x4500);
		put16(at, (unsigned)length + 20);
		put32(at, 0x00004000); /* don't fragment */
		put16(at, TTL << 8 | protocol);
		put16(at, 0);
	} else {
		put32(at, 0x60000000);
		put16(at, (unsigned)length);
		put16(at, protocol << 8 | TTL);
	}
	put(at, from->octets, size);
	put(at, dest->octets, size);
	if (from->family == 4) {
		uint8_t *checksum = header + 10;

		put16(&checksum, folded(sum(header, 20)));
	}
	return sum(from->octets, size) + sum(dest->octets, size) + protocol + (uint32_t)length;
}

void pc_write_datagram(FILE *to, int64_t at, const struct net_addr *from, const struct net_addr *dest, struct c2w_str octets)
{
	uint8_t packet[MAX_PACKET], *end = packet, *header, *checksum;
	uint32_t pseudo;
	unsigned sum_of_all;

	assert(octets.length <= 65507);
	pseudo = put_ip(&end, from, dest, UDP, octets.length + 8);
	header = end;
	put16(&end, from->port);
	put16(&end, dest->port);
	put16(&end, (unsigned)octets.length + 8);
	put16(&end, 0);
	put(&end, octets.at, octets.length);
	checksum = header + 6;
	sum_of_all = folded(pseudo + sum(header, octets.length + 8));
	put16(&checksum, sum_of_all == 0 ? 0xffff : sum_of_all); /* 0 would say that there is none */
	write_packet(to, at, packet, (size_t)(end - packet));
}

/* ---- TCP ------------------------------------------------------------------------------------------- */

static void write_segment(FILE *to, struct pc_connection *connection, int64_t at, bool received, unsigned flags, struct c2w_str octets)
{
	const struct net_addr *from = received ? &connection->server : &connection->client;
	const struct net_addr *dest = received ? &connection->client : &connection->server;
	uint32_t *seq = received ? &connection->server_seq : &connection->client_seq;
	uint32_t ack = flags & ACK ? received ? connection->client_seq : connection->server_seq : 0;
	size_t options = flags & SYN ? 4 : 0, length = 20 + options + octets.length;
	uint8_t packet[MAX_PACKET], *end = packet, *header, *checksum;
	uint32_t pseudo = put_ip(&end, from, dest, TCP, length);

	header = end;
	put16(&end, from->port);
	put16(&end, dest->port);
	put32(&end, *seq);
	put32(&end, ack);
	put16(&end, (unsigned)(5 + options / 4) << 12 | flags);
	put16(&end, WINDOW);
	put32(&end, 0);
	if (flags & SYN)
		put32(&end, 0x02040000 | MAX_SEGMENT);
	put(&end, octets.at, octets.length);
	checksum = header + 16;
	put16(&checksum, folded(pseudo + sum(header, length)));
	write_packet(to, at, packet, (size_t)(end - packet));
	*seq += (uint32_t)octets.length + ((flags & (SYN | FIN)) != 0);
}

static const struct c2w_str none = { "", 0 };

static void open_connection(FILE *to, struct pc_connection *connection, int64_t at)
{
	connection->open = true;
	connection->client_seq = 1000;
	connection->server_seq = 5000;
	write_segment(to, connection, at, false, SYN, none);
	write_segment(to, connection, at, true, SYN | ACK, none);
	write_segment(to, connection, at, false, ACK, none);
}

static bool is_ended(const struct pc_connection *connection, bool received)
{
	return connection->reset || (received ? connection->server_ended : connection->client_ended);
}

void pc_write_octets(FILE *to, struct pc_connection *connection, int64_t at, bool received, struct c2w_str octets)
{
	if (!connection->open)
		open_connection(to, connection, at);
	while (octets.length > 0 && !is_ended(connection, received)) {
		size_t length = octets.length < MAX_SEGMENT ? octets.length : MAX_SEGMENT;

		write_segment(to, connection, at, received, PSH | ACK, (struct c2w_str){ octets.at, length });
		write_segment(to, connection, at, !received, ACK, none);
		octets.at += length;
		octets.length -= length;
	}
}

void pc_write_end(FILE *to, struct pc_connection *connection, int64_t at, bool received, bool reset)
{
	if (!connection->open)
		open_connection(to, connection, at);
	if (is_ended(connection, received))
		return;
	write_segment(to, connection, at, received, (reset ? RST : FIN) | ACK, none);
	connection->reset = reset;
	if (received)
		connection->server_ended = true;
	else
		connection->client_ended = true;
	if (!reset)
		write_segment(to, connection, at, !received, ACK, none);
}
