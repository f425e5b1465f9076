/* Mistakes with streams, with where answers go, and with other peers' troubles: TRN and ROB.
 * For the gate only: see faults_inside.h.
 * Owns nothing; what a fault remembers belongs to its gate. */
#include "server/faults_inside.h"

/* ---- streams: TRN-01, TRN-03, TRN-05, TRN-06 --------------------------------------------------------- */

FAULT(tcp_on_the_next_port, .policy.tcp_port = 1);

static enum c2w_err one_read_one_message(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message)
{
	(void)framer;
	if (!input->length)
		return C2W_ERR_MORE;
	*message = *input;
	input->length = 0;
	return C2W_OK;
}
FAULT(recv_is_a_message, .policy.frame = one_read_one_message);

static enum c2w_err first_of_each_read(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message)
{
	enum c2w_err err = c2w_framer_next(framer, input, message);

	if (err == C2W_OK)
		input->length = 0;
	return err;
}
FAULT(one_message_a_segment, .policy.frame = first_of_each_read);

static enum c2w_err forget_pieces(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message)
{
	enum c2w_err err = c2w_framer_next(framer, input, message);

	if (err == C2W_ERR_MORE)
		framer->held = 0;
	return err;
}
FAULT(pieces_forgotten, .policy.frame = forget_pieces);

static enum c2w_err forget_cr(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message)
{
	enum c2w_err err = c2w_framer_next(framer, input, message);

	if (err == C2W_ERR_MORE && framer->held && framer->buffer[framer->held - 1] == '\r')
		framer->held--;
	return err;
}
FAULT(crlf_cut_in_two_lost, .policy.frame = forget_cr);

static enum c2w_err never_too_long(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message)
{
	enum c2w_err err = c2w_framer_next(framer, input, message);

	if (err != C2W_ERR_TOO_LONG)
		return err;
	c2w_framer_init(framer, framer->buffer, framer->size);
	input->length = 0;
	return C2W_ERR_MORE;
}
FAULT(long_message_keeps_connection, .policy.frame = never_too_long);

static enum c2w_err one_too_short(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message)
{
	enum c2w_err err = c2w_framer_next(framer, input, message);

	return err == C2W_OK && message->length == framer->size ? C2W_ERR_TOO_LONG : err;
}
FAULT(longest_message_closes, .policy.frame = one_too_short);

/* What came is looked at a little later, and thrown away when a FIN came meanwhile. */
static bool a_little_later(struct srv_passing *p)
{
	srv_gate_later(p->gate, p->gate->now + 5000000, true, &p->way, p->octets);
	return false;
}
FAULT(fin_drops_the_requests, .only = C2W_ON_TCP, .request = a_little_later);

static bool unless_fin(struct srv_passing *p, bool reset)
{
	(void)p;
	return reset;
}
FAULT(fin_unnoticed, .closed = unless_fin);

static bool unless_reset(struct srv_passing *p, bool reset)
{
	(void)p;
	return !reset;
}
FAULT(reset_unnoticed, .closed = unless_reset);

static bool kept_in_movie(struct srv_passing *p, bool reset)
{
	(void)reset;
	return !srv_in_movie(p->endpoint);
}
FAULT(fin_in_a_movie_room_unnoticed, .closed = kept_in_movie);

/* ---- where answers go: TRN-04 -------------------------------------------------------------------------- */

static bool note_speaker(struct srv_passing *p)
{
	p->gate->way = p->way;
	return true;
}

static bool to_last_speaker(struct srv_passing *p)
{
	if (p->turn == SRV_BY_TIMER && p->gate->way.peer.family)
		p->way = p->gate->way;
	return true;
}
FAULT(repeats_go_to_the_last_speaker, .only = C2W_ON_UDP, .request = note_speaker, .again = to_last_speaker);

static void nothing_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	(void)context;
	(void)datagrams;
	(void)count;
}

static bool from_another_port(struct srv_passing *p)
{
	static const struct net_udp_events events = { .received = nothing_received };
	struct srv_gate *gate = p->gate;
	struct net_addr local = p->way.local;
	struct c2w_str octets = srv_gate_text(gate, "%.*s: %.*s|%.*s|%.*s\r\n", SRV_SLICE(p->message.time_text),
	                                      SRV_SLICE(p->message.command_text), SRV_SLICE(p->message.user), SRV_SLICE(p->message.data));

	local.port = 0;
	if (!gate->udp && net_udp_open(gate->net, &local, &events, gate, &gate->udp) < 0)
		return true;
	net_udp_send(gate->udp, &p->way.peer, NULL, octets.at, octets.length);
	return false;
}
FAULT(errors_from_another_port, .only = C2W_ON_UDP, .answer_of = C2W_ENTER_MOVIE_ERROR, .answer = from_another_port);
FAULT(lists_from_another_port, .only = C2W_ON_UDP, .answer_of = C2W_MOVIE_LIST_RESPONSE, .answer = from_another_port);

/* The connection that was accepted last is the only one there is. */
static bool note_newest(struct srv_passing *p)
{
	if (srv_is(p, C2W_CONNECTION_REQUEST))
		p->gate->way = p->way;
	return true;
}

static bool to_newest(struct srv_passing *p)
{
	if (p->gate->way.connection && srv_is(p, C2W_MOVIE_LIST_RESPONSE))
		p->way = p->gate->way;
	return true;
}
FAULT(lists_go_to_the_newest_connection, .only = C2W_ON_TCP, .request = note_newest, .answer = to_newest);

/* ---- others' misfortune: ROB --------------------------------------------------------------------------------- */

/* More than `most` of these from one peer within a second, and nobody is served for three. */
static void count_one(struct srv_passing *p, unsigned most)
{
	struct srv_gate *gate = p->gate;
	struct srv_memo *memo = srv_gate_recall(gate, &p->way, NULL);

	if (!memo)
		memo = srv_gate_note(gate, &p->way, C2W_STR(""));
	if (gate->now - memo->at >= 1000000000) {
		memo->at = gate->now;
		memo->count = 0;
	}
	if (++memo->count > most)
		gate->at = gate->now + 3000000000;
}

static bool everyone_waits(struct srv_passing *p)
{
	return p->gate->now >= p->gate->at;
}

static bool everyone_waits_for_lists(struct srv_passing *p)
{
	if (srv_is(p, C2W_MOVIE_LIST_REQUEST))
		count_one(p, 200);
	return everyone_waits(p);
}
FAULT(one_flood_stops_all, .request = everyone_waits_for_lists);

static bool count_junk(struct srv_passing *p)
{
	count_one(p, 300);
	return false;
}
FAULT(junk_stops_all, .only = C2W_ON_UDP, .malformed = count_junk, .request = everyone_waits);

static void no_limit(struct srv_gate *gate)
{
	gate->core->settings.params.max_backlog = INT64_C(1) << 40;
}
FAULT(backlog_without_end, .begin = no_limit);

static void low_limit(struct srv_gate *gate)
{
	gate->core->settings.params.max_backlog /= 16;
}
FAULT(backlog_of_a_sixteenth, .begin = low_limit);

/* The next session ends, too. */
static bool end_next(struct srv_passing *p, bool reset)
{
	struct srv_endpoint *next = srv_has_session(p->endpoint) ? p->endpoint->hh_name.next : NULL;

	if (reset && next)
		srv_endpoint_forget(p->gate->core, next);
	return true;
}
FAULT(reset_ends_a_neighbour, .closed = end_next);
