/* A NEW_MESSAGE with the right fields, at this endpoint for the first time: might it come at all, here, and now?
 * For judge/ only; see judge/state.h. Adds its record. */
#include "judge/state.h"

static const struct c2w_str none = { "", 0 };

bool jd_once(const struct jd *jd, const struct jd_text *text)
{
	const struct jd_endpoint *from = text->from == JD_NOBODY ? NULL : &jd->endpoints[text->from];

	return from && from->opened_seq < text->first_seq && from->connect_seq < text->first_seq && text->in_session;
}

/* ---- might it come at all? ------------------------------------------------------------------- */

/* UDP: a later request may have overtaken this one, or let the session end. */
static bool certainly_forbidden(const struct jd_arrival *arrival, const struct jd_text *text, const struct jd_variant *variant)
{
	struct jd_endpoint *from = variant->from == JD_NOBODY ? NULL : &arrival->jd->endpoints[variant->from];

	if (variant->forbidden == C2W_NO_RULE || !from || from->opened_seq > text->first_seq)
		return false;
	if (from->tcp)
		return true;
	switch (variant->forbidden) {
	case C2W_MSG_07:
		return jd_never_connected(from);
	case C2W_NAM_01:
		return jd_never_named(from, text->user);
	default:
		return !arrival->jd->disorder && from->connect_seq < text->first_seq && !jd_session_may_be_dead(arrival->jd, from, text->last_at);
	}
}

static const char *reason(enum c2w_rule forbidden)
{
	switch (forbidden) {
	case C2W_MSG_07:
		return "a text from an endpoint without a session was delivered";
	case C2W_NAM_01:
		return "a text sent under a name that its sender never had was delivered";
	default:
		return "a text with no greater TIME than a request processed before was delivered";
	}
}

static void judge_text(const struct jd_arrival *arrival, const struct jd_text *text, const struct jd_variant *variant)
{
	size_t length = arrival->message->data.length;

	if (length == 0 || length > (size_t)arrival->jd->options.params.max_text)
		jd_find(arrival, C2W_MSG_06, length == 0 ? "an empty text was delivered" : "a text longer than max-text was delivered", none,
		        arrival->octets);
	if (certainly_forbidden(arrival, text, variant))
		jd_find(arrival, variant->forbidden, reason(variant->forbidden), none, arrival->octets);
	if (text->arrived_seq > 0 && text->delivered != variant->octets && jd_once(arrival->jd, text) &&
	    !jd_session_may_be_dead(arrival->jd, &arrival->jd->endpoints[text->from], text->last_at))
		jd_find(arrival, C2W_REL_11, "two texts that one author sent with one TIME were both delivered", none, arrival->octets);
}

/* ---- might it come here? ----------------------------------------------------------------------- */

/* MSG-02: who never had a session, or asked for its first one when the text had arrived elsewhere already. */
static void judge_recipient(const struct jd_arrival *arrival, const struct jd_text *text)
{
	const struct jd_endpoint *endpoint = arrival->endpoint;

	if (endpoint->junk_count > 0 || endpoint->opaque || endpoint->segmented)
		return;
	if (endpoint->connect_seq == 0)
		jd_find(arrival, C2W_MSG_02, "a text came to an endpoint that never had a session", none, arrival->octets);
	else if (text->arrived_seq > 0 && text->arrived_seq < endpoint->first_connect_seq && text->last_seq < endpoint->first_connect_seq &&
	         jd_once(arrival->jd, text))
		jd_find(arrival, C2W_MSG_02, "a text came to an endpoint that connected when it had been delivered", none, arrival->octets);
}

/* ---- might it come now? ------------------------------------------------------------------------ */

/* REL-14: the one before had come, nothing like an ack had gone out, and the session is the same; the room, too: MSG-08 lets what was sent be
 * repeated or not, and where it is not, nothing is unacked in the next room. */
static void judge_unacked(const struct jd_arrival *arrival, const struct jd_record *record)
{
	const struct jd_endpoint *endpoint = arrival->endpoint;
	const struct jd_record *before = jd_record_by_id(arrival->endpoint, endpoint->newest_chat);

	if (endpoint->tcp || !before || before->maybe_acked || record->maybe_acked || endpoint->chat_ack_seq > before->first_seq)
		return;
	if (endpoint->granted_seq > 0 && endpoint->granted_seq < before->first_seq && jd_settled(endpoint, before->first_seq))
		jd_find(arrival, C2W_REL_14, "a NEW_MESSAGE came while another was unacked", jd_keep_get(&arrival->jd->keep, before->kept),
		        arrival->octets);
}

static bool came_in_turn(struct jd_endpoint *endpoint, const struct jd_text *first, const struct jd_text *second)
{
	const struct jd_record *one = jd_record_find(endpoint, C2W_CHAT, first->time, first->user);
	const struct jd_record *other = jd_record_find(endpoint, C2W_CHAT, second->time, second->user);

	if (!one || !other || one->first_seq >= other->first_seq)
		return false;
	return endpoint->tcp || (one->acked && one->ack_seq < other->first_seq);
}

static bool stayed(const struct jd *jd, const struct jd_endpoint *endpoint, const struct jd_text *a, const struct jd_text *b)
{
	uint64_t since = a->first_seq < b->first_seq ? a->first_seq : b->first_seq;

	return jd_settled(endpoint, since) && (endpoint->tcp || !jd->disorder);
}

/* MSG-05: at `other` the two came the other way round. Certain if both stayed in one room all the time. */
static void judge_order(const struct jd_arrival *arrival, const struct jd_text *before, const struct jd_text *text, unsigned other)
{
	struct jd *jd = arrival->jd;

	if (!jd_once(jd, before) || !jd_once(jd, text) || before->variant_count != 1 || text->variant_count != 1)
		return;
	if (!stayed(jd, arrival->endpoint, before, text) || !stayed(jd, &jd->endpoints[other], before, text))
		return;
	if (came_in_turn(arrival->endpoint, before, text) && came_in_turn(&jd->endpoints[other], text, before))
		jd_find(arrival, C2W_MSG_05, "two endpoints got the texts of one room in different orders", none, arrival->octets);
}

static void compare_orders(const struct jd_arrival *arrival, struct jd_text *text)
{
	struct jd_endpoint *endpoint = arrival->endpoint;
	unsigned number = arrival->number;

	if (number >= JD_ORDERED || text->order[number] > 0)
		return;
	for (unsigned i = 0; i < JD_RECENT; i++) {
		const struct jd_text *before = jd_text_by_id(arrival->jd, endpoint->recent[i]);

		if (!before || before == text)
			continue;
		for (unsigned other = 0; other < JD_ORDERED && other < arrival->jd->endpoint_count; other++)
			if (other != number && before->order[other] > text->order[other] && text->order[other] > 0)
				judge_order(arrival, before, text, other);
	}
	endpoint->recent[endpoint->chat_count % JD_RECENT] = text->id;
	text->order[number] = ++endpoint->chat_count;
}

/* ---- all together ------------------------------------------------------------------------------- */

/* For its author a NEW_MESSAGE is the response. */
static void note_own(const struct jd_arrival *arrival, const struct jd_text *text)
{
	struct jd_endpoint *endpoint = arrival->endpoint;
	const struct jd_options *options = &arrival->jd->options;

	if (text->from != arrival->number)
		return;
	jd_session_processed(endpoint, text->first_seq, text->time);
	endpoint->answered_request_seq = text->first_seq;
	endpoint->answered_at = arrival->at;
	if ((endpoint->tcp || endpoint->newest_chat == 0) && arrival->at - text->last_at > options->params.answer_within + 2 * options->one_way)
		jd_doubt(arrival, C2W_REL_17, "the author's NEW_MESSAGE came later than answer-within");
}

void jd_deliver(const struct jd_arrival *arrival, struct jd_text *text, const struct jd_variant *variant, bool fresh)
{
	struct jd_record *record = jd_record_add(arrival, true);

	judge_text(arrival, text, variant);
	judge_recipient(arrival, text);
	if (fresh && variant->forbidden == C2W_NO_RULE)
		judge_unacked(arrival, record);
	note_own(arrival, text);
	if (text->arrived_seq == 0) {
		text->arrived_seq = arrival->jd->seq;
		text->delivered = variant->octets;
	}
	compare_orders(arrival, text);
	if (variant->forbidden == C2W_NO_RULE)
		arrival->endpoint->newest_chat = record->id;
}
