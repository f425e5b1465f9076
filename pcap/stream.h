/* One direction of a TCP connection put in order: segments lost, repeated, overlapping, reordered. Bounded: what waits for a
 * hole is at most 256 KiB in 64 pieces; beyond that, or when the receiver has acknowledged what was never captured, the hole is said
 * to be a gap and is left behind. A struct pc_stream lies in its owner, all zero to begin with; pc_stream_clear() frees what waits. */
#ifndef PC_STREAM_H
#define PC_STREAM_H

#include "pcap/packet.h"

struct pc_piece;

struct pc_stream {
	bool begun;              /* `next` is known */
	bool late;               /* it began before the capture, or was cut: no SYN was seen */
	bool fin, ended;         /* its end is known; it has been reached */
	uint32_t first, next, fin_at; /* sequence numbers; first: of the SYN, or what was seen first */
	bool acked;
	uint32_t ack;            /* the highest the other side acknowledged */
	struct pc_piece *waiting; /* by sequence number */
	unsigned pieces;
	size_t octets;
};

/* What comes out, in order. */
struct pc_stream_sink {
	void (*octets)(void *context, const struct pc_packet *packet, struct c2w_str octets);
	void (*gap)(void *context, const struct pc_packet *packet); /* something is missing here */
	void *context;
};

/* A segment of this direction; one of the other direction, for its acknowledgement. After the first, see `ended`. */
void pc_stream_segment(struct pc_stream *stream, const struct pc_packet *packet, const struct pc_stream_sink *sink);
void pc_stream_acknowledge(struct pc_stream *stream, const struct pc_packet *packet);
/* Hands out what still waits behind holes: nothing more comes. packet: the last one. */
void pc_stream_flush(struct pc_stream *stream, const struct pc_packet *packet, const struct pc_stream_sink *sink);
void pc_stream_clear(struct pc_stream *stream);

#endif
