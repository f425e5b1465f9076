/* A nanosecond pcap of packets that are made here (DLT_RAW): addresses, ports, lengths, checksums, TCP's handshakes, sequence and
 * acknowledgement numbers as they would be on a network that loses nothing. For the programs. Writes into the caller's stream; the only
 * state is struct pc_connection, which lies in the caller. */
#ifndef PC_WRITER_H
#define PC_WRITER_H

#include <stdio.h>

#include "net/link.h"
#include "protocol/str.h"

struct pc_connection {
	struct net_addr client, server;
	bool open, client_ended, server_ended, reset;
	uint32_t client_seq, server_seq; /* of the octet to come next */
};

/* Errors stay in the stream: ferror(). */
void pc_write_header(FILE *to);
void pc_write_datagram(FILE *to, int64_t at, const struct net_addr *from, const struct net_addr *dest, struct c2w_str octets);
/* TCP. The connection is opened by whatever comes first. received: from the server to the client. What its sender has ended says no more. */
void pc_write_octets(FILE *to, struct pc_connection *connection, int64_t at, bool received, struct c2w_str octets);
void pc_write_end(FILE *to, struct pc_connection *connection, int64_t at, bool received, bool reset);

#endif
