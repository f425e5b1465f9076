/* What sections 3 to 6 of PROTOCOL.md demand of a server, one event in one world at a time.
 * For model.c alone. A paraphrase of the document, ids beside it; where that leaves a choice stands fz_choose().
 * Owns nothing. */
#include <assert.h>

#include "fuzz/model_part.h"

#define SILENCE INT64_C(30000000000) /* ROB-04 */

/* ---- acks ---------------------------------------------------------------------------------------------------------- */

static void ignore_ack(struct fz_try *try)
{
	fz_discard(try, "REL-09", FZ_ACK_IGNORED);
}

/* REL-10: an ack that names another author may count or not. */
static bool names_author(struct fz_try *try, struct c2w_str author)
{
	return c2w_str_equal(try->fields->data, author) || fz_choose(try, 2) == 1;
}

/* REL-09: the recipient's own, with the TIME of the NEW_MESSAGE sent to it and not acked. */
static void on_new_message_ack(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);
	const struct fz_text *text;
	int64_t first = peer->tcp ? peer->response.text : peer->waiting > 0 ? peer->queue[0] : FZ_NO_TEXT;

	if (!fz_has_session(peer) || !c2w_str_equal(try->fields->user, peer->name) || first == FZ_NO_TEXT ||
		(peer->tcp && peer->response.standing != FZ_UNACKED)) {
		ignore_ack(try);
		return;
	}
	text = fz_text_at(try, first);
	if (text->us != try->fields->us || !names_author(try, text->author)) {
		ignore_ack(try);
		return;
	}
	fz_discard(try, "REL-07", peer->waiting > 1 ? FZ_ACK_SENDS_NEXT : FZ_ACK_COUNTED);
	if (peer->response.text == first)
		peer->response.standing = FZ_ACKED;
	if (peer->tcp)
		return;
	fz_drop_first(peer);
	if (peer->waiting > 0)
		fz_send_first(try, try->from, "REL-14");
}

/* REL-09: same family, TIME and USER_NAME as the response. */
static void on_ack(struct fz_try *try)
{
	struct fz_response *response = &fz_at(try, try->from)->response;

	if (response->standing != FZ_UNACKED || response->request != fz_command_request(try->fields->command) ||
		response->us != try->fields->us || !c2w_str_equal(response->user, try->fields->user)) {
		ignore_ack(try);
		return;
	}
	response->standing = FZ_ACKED;
	fz_discard(try, "REL-07", FZ_ACK_COUNTED);
}

/* ---- what nothing explains ----------------------------------------------------------------------------------------- */

static bool is_waiting(struct fz_try *try, const struct fz_endpoint *peer, struct c2w_str octets)
{
	for (uint64_t i = 1; i < peer->waiting; i++)
		if (c2w_str_equal(fz_text_at(try, peer->queue[i])->octets, octets))
			return true;
	return false;
}

static bool is_in_room_of(const struct fz_endpoint *one, const struct fz_endpoint *other)
{
	return fz_has_session(one) && one->state == other->state && one->movie == other->movie;
}

static const char *rule_against_text(struct fz_try *try, unsigned endpoint, struct c2w_str octets)
{
	struct fz_endpoint *peer = fz_at(try, endpoint);

	if (is_waiting(try, peer, octets))
		return "REL-14";
	if (try->discarded)
		return try->discarded;
	if (try->text == FZ_NO_TEXT)
		return "MSG-04"; /* a text that was delivered before, or is nobody's */
	if (!c2w_str_equal(octets, fz_text_at(try, try->text)->octets))
		return "MSG-04";
	return is_in_room_of(peer, fz_at(try, try->from)) ? "MSG-04" : "MSG-02";
}

/* The rule that an output breaks by being there. */
static const char *rule_against(struct fz_try *try, size_t i)
{
	const struct fz_output *output = &try->outputs[i];
	struct fz_endpoint *peer = fz_at(try, output->endpoint);
	struct fz_fields fields = try->read[i];
	struct fz_pending pending[2];

	if (fields.command == FZ_NEW_MESSAGE && try->event != FZ_ON_TIME)
		return rule_against_text(try, output->endpoint, fz_octets_of(output));
	if (try->event != FZ_ON_TIME) {
		if (try->discarded)
			return try->discarded;
		return output->endpoint != try->from || !try->rule ? "TRN-04" : try->rule;
	}
	if (peer->tcp)
		return "REL-16";
	if (is_waiting(try, peer, fz_octets_of(output)))
		return "REL-14";
	if (peer->response.standing == FZ_GIVEN_UP && c2w_str_equal(fz_octets_of(output), peer->response.octets))
		return "REL-06";
	for (unsigned k = 0; k < fz_pending_of(try, peer, pending); k++) {
		struct fz_fields sent = { 0 };

		fz_is_message(pending[k].octets.at, pending[k].octets.length, &sent);
		if (sent.command == fields.command && sent.us == fields.us)
			return "REL-04"; /* not octet for octet */
	}
	return "REL-07";
}

/* A connection that the server closed: whose turn it was, or why it may not. */
static void on_closing(struct fz_try *try, size_t i)
{
	unsigned endpoint = try->outputs[i].endpoint;
	struct fz_endpoint *peer = fz_at(try, endpoint);
	bool limited = try->event == FZ_ON_OPEN && !fz_has_session(peer); /* ROB-04 */
	bool silent = try->event == FZ_ON_TIME && !fz_has_session(peer) && try->outputs[i].at - peer->heard_at >= SILENCE;

	if (fz_was_dropped(try, endpoint, 0))
		return;
	if (peer->tcp && (limited || silent)) {
		fz_take(try, i);
		fz_mark(try, true, FZ_DISCONNECTED, try->event, FZ_CLOSED);
		fz_close_connection(peer);
	} else if (endpoint == try->from && try->event != FZ_ON_TIME) {
		fz_fail(try, "TRN-05", endpoint, "a connection closed for no reason", C2W_STR(""));
	} else {
		fz_fail(try, try->event == FZ_ON_TIME ? "REL-16" : "ROB-01", endpoint, "a connection closed for no reason", C2W_STR(""));
	}
}

/* Nothing may be left over, and who is beyond max-backlog must have been dropped. */
static void finish(struct fz_try *try)
{
	for (size_t i = 0; i < try->count && !try->failed; i++) {
		const struct fz_output *output = &try->outputs[i];

		if (try->taken[i])
			continue;
		if (output->closed)
			on_closing(try, i);
		else
			fz_fail(try, rule_against(try, i), output->endpoint, "sent without a reason", fz_octets_of(output));
	}
	for (unsigned i = 0; i < try->endpoints && !try->failed; i++)
		if (fz_at(try, i)->unread > (uint64_t)try->set->params.max_backlog)
			fz_fail(try, "ROB-03", i, "not dropped beyond max-backlog", C2W_STR(""));
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

void fz_judge_open(struct fz_try *try, bool tcp)
{
	struct fz_endpoint *peer = fz_at(try, try->from);

	fz_settle(try, try->now);
	if (tcp || !peer->open) {
		fz_close_connection(peer);
		peer->open = true;
		peer->tcp = tcp;
		peer->stalled = false;
		peer->heard_at = try->now;
	}
	fz_mark(try, tcp, FZ_DISCONNECTED, FZ_ON_OPEN, FZ_OPENED);
	finish(try);
}

/* TRN-05; on UDP it is discarded (FMT-07). */
static void on_too_long(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);

	if (!peer->tcp) {
		fz_discard(try, "FMT-07", FZ_DISCARDED);
		return;
	}
	if (!fz_take_closing(try, try->from)) {
		fz_fail(try, "TRN-05", try->from, "a connection not closed, though the message is too long", C2W_STR(""));
		return;
	}
	fz_mark(try, true, try->before, try->event, FZ_CLOSED);
	fz_close_connection(peer);
}

static void on_octets(struct fz_try *try)
{
	switch (try->event) {
	case FZ_ON_TOO_LONG: on_too_long(try); break;
	case FZ_ON_MALFORMED: fz_discard(try, "FMT-05", FZ_DISCARDED); break;
	case FZ_ON_WRONG_COMMAND: fz_discard(try, "FMT-06", FZ_DISCARDED); break;
	case FZ_ON_CONNECTION: case FZ_ON_USER_LIST: case FZ_ON_MOVIE_LIST: case FZ_ON_ENTER: case FZ_ON_LEAVE: case FZ_ON_SEND:
		fz_judge_request(try);
		break;
	case FZ_ON_CONNECTION_ACK: case FZ_ON_USER_LIST_ACK: case FZ_ON_MOVIE_LIST_ACK: case FZ_ON_ENTER_ACK: case FZ_ON_LEAVE_ACK:
		on_ack(try);
		break;
	case FZ_ON_NEW_MESSAGE_ACK: on_new_message_ack(try); break;
	case FZ_ON_OPEN: case FZ_ON_END: case FZ_ON_TIME: case FZ_EVENTS_:
		assert(false);
	}
}

/* Another endpoint's death shows in what a request brings about, its own in any message. */
void fz_judge_receive(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);
	bool request = try->fields && fz_command_beat(try->fields->command) == FZ_REQUEST;

	fz_settle(try, try->now);
	for (unsigned i = 0; i < try->endpoints; i++)
		if (i == try->from || (request && fz_has_session(fz_at(try, i))))
			fz_bury_perhaps(try, i);
	try->before = peer->state;
	peer->heard_at = try->now;
	if (peer->open && !try->failed)
		on_octets(try);
	finish(try);
}

/* TRN-06: the session ends at once. */
void fz_judge_ended(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);

	fz_settle(try, try->now);
	try->before = peer->state;
	try->discarded = "TRN-06";
	fz_take_closing(try, try->from);
	fz_mark(try, peer->tcp, try->before, FZ_ON_END, FZ_ENDED);
	fz_close_connection(peer);
	finish(try);
}

void fz_judge_time(struct fz_try *try)
{
	for (size_t i = 0; i < try->count && !try->failed; i++) {
		fz_settle(try, try->outputs[i].at);
		if (!try->failed && !try->outputs[i].closed)
			fz_judge_retransmission(try, i);
	}
	if (!try->failed)
		finish(try);
	fz_settle(try, try->now);
}
