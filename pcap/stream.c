/* A TCP stream in order, see stream.h. For trace.c.
 * The waiting pieces are malloc()ed, each with its octets behind it; all else lies in the owner's struct. */
#include "pcap/stream.h"

#include <stdlib.h>

enum { MAX_PIECES = 64, MAX_OCTETS = 256 * 1024 };

struct pc_piece {
	struct pc_piece *next;
	uint32_t seq;
	size_t length;
	char octets[];
};

/* Sequence numbers turn over: a before b. */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void drop_first(struct pc_stream *stream)
{
	struct pc_piece *piece = stream->waiting;

	stream->waiting = piece->next;
	stream->pieces--;
	stream->octets -= piece->length;
	free(piece);
}

static void wait_for_hole(struct pc_stream *stream, uint32_t seq, struct c2w_str octets)
{
	struct pc_piece **place = &stream->waiting, *piece = malloc(sizeof(*piece) + octets.length);

	if (piece == NULL)
		return; /* it becomes a gap */
	*piece = (struct pc_piece){ .seq = seq, .length = octets.length };
	memcpy(piece->octets, octets.at, octets.length);
	while (*place != NULL && !before(seq, (*place)->seq))
		place = &(*place)->next;
	piece->next = *place;
	*place = piece;
	stream->pieces++;
	stream->octets += octets.length;
}

/* What of it is new. */
static void hand_out(struct pc_stream *stream, const struct pc_packet *packet, uint32_t seq, struct c2w_str octets, const struct pc_stream_sink *sink)
{
	size_t old = stream->next - seq;

	if (old >= octets.length)
		return;
	octets.at += old;
	octets.length -= old;
	stream->next += (uint32_t)octets.length;
	sink->octets(sink->context, packet, octets);
}

static void hand_out_waiting(struct pc_stream *stream, const struct pc_packet *packet, const struct pc_stream_sink *sink)
{
	while (stream->waiting != NULL && !before(stream->next, stream->waiting->seq)) {
		struct pc_piece *piece = stream->waiting;

		hand_out(stream, packet, piece->seq, (struct c2w_str){ piece->octets, piece->length }, sink);
		drop_first(stream);
	}
	if (stream->fin && !before(stream->next, stream->fin_at))
		stream->ended = true;
}

/* The hole before what waits is given up. */
static void leave_hole(struct pc_stream *stream, const struct pc_packet *packet, const struct pc_stream_sink *sink)
{
	stream->next = stream->waiting->seq;
	sink->gap(sink->context, packet);
	hand_out_waiting(stream, packet, sink);
}

/* The receiver has what was never captured. */
static bool hole_is_acknowledged(const struct pc_stream *stream)
{
	return stream->waiting != NULL && stream->acked && !before(stream->ack, stream->waiting->seq);
}

static void begin(struct pc_stream *stream, const struct pc_packet *packet)
{
	stream->begun = true;
	stream->late = !packet->syn;
	stream->first = packet->seq;
	stream->next = packet->seq + packet->syn;
}

void pc_stream_segment(struct pc_stream *stream, const struct pc_packet *packet, const struct pc_stream_sink *sink)
{
	uint32_t seq = packet->seq + packet->syn;
	size_t whole = packet->payload.length + packet->missing;

	if (!stream->begun)
		begin(stream, packet);
	if (packet->fin && !stream->fin) {
		stream->fin = true;
		stream->fin_at = seq + (uint32_t)whole;
	}
	if (packet->payload.length > 0) {
		if (before(stream->next, seq))
			wait_for_hole(stream, seq, packet->payload);
		else
			hand_out(stream, packet, seq, packet->payload, sink);
	}
	hand_out_waiting(stream, packet, sink);
	while (stream->waiting != NULL && (stream->pieces > MAX_PIECES || stream->octets > MAX_OCTETS || hole_is_acknowledged(stream)))
		leave_hole(stream, packet, sink);
}

void pc_stream_acknowledge(struct pc_stream *stream, const struct pc_packet *packet)
{
	if (!packet->acks || (stream->acked && !before(stream->ack, packet->ack)))
		return;
	stream->acked = true;
	stream->ack = packet->ack;
}

void pc_stream_flush(struct pc_stream *stream, const struct pc_packet *packet, const struct pc_stream_sink *sink)
{
	while (stream->waiting != NULL)
		leave_hole(stream, packet, sink);
}

void pc_stream_clear(struct pc_stream *stream)
{
	while (stream->waiting != NULL)
		drop_first(stream);
	*stream = (struct pc_stream){ 0 };
}
