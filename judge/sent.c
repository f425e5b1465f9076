/* What an endpoint sends: requests, texts, acks, and what must be discarded.
 * For judge/ only; see judge/state.h. Judges nothing: clients may break any rule. */
#include "judge/state.h"

#include <ctype.h>

enum { PIECES = 8 }; /* of one malformed run of octets */

/* ---- requests ----------------------------------------------------------------------------- */

static void note_time(struct jd_exchange *exchange, struct c2w_str time_text)
{
	if (exchange->time_count <= JD_VARIANTS && jd_exchange_has_time(exchange, time_text))
		return;
	if (exchange->time_count < JD_VARIANTS)
		exchange->times[exchange->time_count] = jd_hash(time_text);
	exchange->time_count++;
}

static void note_turn(struct jd *jd, struct jd_endpoint *endpoint, const struct jd_exchange *exchange, int64_t at)
{
	if (endpoint->request != exchange->id) {
		endpoint->other_request_seq = endpoint->request_seq;
		endpoint->other_request_at = endpoint->request_at;
	}
	endpoint->request = exchange->id;
	endpoint->request_seq = jd->seq;
	endpoint->request_at = at;
}

static struct jd_exchange *note_request(struct jd *jd, struct jd_endpoint *endpoint, int64_t at, struct c2w_str octets,
                                        const struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;
	uint64_t user = jd_hash(message->user);
	struct jd_exchange *exchange = jd_exchange_find(endpoint, family, message->time, user);

	if (!exchange) {
		struct jd_ref kept = jd_keep_put(&jd->keep, octets);

		exchange = jd_exchange_add(endpoint, family, message->time, user);
		exchange->user_name = c2w_user_name_valid(message->user);
		exchange->time_text = jd_keep_part(kept, octets, message->time_text);
		exchange->user_text = jd_keep_part(kept, octets, message->user);
		exchange->no_title = true;
		exchange->first_seq = jd->seq;
		exchange->first_at = at;
	}
	note_turn(jd, endpoint, exchange, at);
	note_time(exchange, message->time_text);
	exchange->no_title = exchange->no_title && !c2w_title_valid(message->data, c2w_str_of(jd->options.params.main_room));
	exchange->transmissions++;
	jd_session_request(jd, endpoint, exchange, at);
	exchange->last_seq = jd->seq;
	exchange->last_at = at;
	return exchange;
}

/* ---- texts -------------------------------------------------------------------------------- */

/* Why a server certainly discards it; C2W_NO_RULE: it may not. */
static enum c2w_rule forbidden_by(const struct jd_endpoint *endpoint, const struct jd_exchange *exchange)
{
	if (jd_never_connected(endpoint))
		return C2W_MSG_07;
	if (exchange->in_session && jd_never_named(endpoint, exchange->user))
		return C2W_NAM_01;
	return exchange->stale ? C2W_REL_11 : C2W_NO_RULE;
}

static void note_variant(struct jd_text *text, unsigned number, const struct c2w_message *message, enum c2w_rule forbidden)
{
	uint64_t octets = jd_variant_hash(message);
	struct jd_variant *variant = jd_variant_find(text, octets);

	if (variant) {
		if (forbidden == C2W_NO_RULE)
			variant->forbidden = C2W_NO_RULE;
		if (variant->from != number)
			variant->from = JD_NOBODY;
		return;
	}
	if (text->variant_count < JD_VARIANTS)
		text->variants[text->variant_count] = (struct jd_variant){
			octets, jd_hash(message->time_text), jd_hash(message->data), number, forbidden,
		};
	text->variant_count++;
}

static void note_text(struct jd *jd, unsigned number, int64_t at, struct c2w_str octets, const struct c2w_message *message,
                      const struct jd_exchange *exchange)
{
	struct jd_text *text = jd_text_find(jd, message->time, exchange->user);
	struct jd_ref kept = jd_keep_put(&jd->keep, octets);

	if (!text) {
		text = jd_text_add(jd, message->time, exchange->user);
		text->from = number;
		text->in_session = exchange->in_session;
	}
	if (text->from != number)
		text->from = JD_NOBODY;
	note_variant(text, number, message, forbidden_by(&jd->endpoints[number], exchange));
	text->time_text = jd_keep_part(kept, octets, message->time_text);
	text->user_text = jd_keep_part(kept, octets, message->user);
	text->data = jd_keep_part(kept, octets, message->data);
	text->transmissions++;
	text->last_seq = jd->seq;
	text->last_at = at;
	jd->text_octets += octets.length;
}

/* ---- what must be discarded --------------------------------------------------------------- */

static enum c2w_rule discarded_by(enum c2w_err err)
{
	if (err == C2W_ERR_TOO_LONG)
		return C2W_FMT_07;
	if (err == C2W_OK || err == C2W_ERR_COMMAND || err == C2W_ERR_UNKNOWN)
		return C2W_FMT_06;
	return C2W_FMT_05;
}

static bool ends_line(char octet)
{
	return octet == '\r' || octet == '\n';
}

/* Every line of it might be taken for a message by a server that reads badly; the last one holds whatever follows. */
static void note_junk(struct jd *jd, struct jd_endpoint *endpoint, struct c2w_str octets, enum c2w_err err)
{
	const char *at = octets.at, *end = octets.at + octets.length;

	for (unsigned i = 0; i < PIECES && at < end; i++) {
		const char *from;
		struct c2w_message message;

		while (at < end && ends_line(*at))
			at++;
		for (from = at; at < end && (!ends_line(*at) || i == PIECES - 1);)
			at++;
		if (at == from)
			return;
		c2w_message_parse(&message, from, (size_t)(at - from), 0);
		jd_junk_add(jd, endpoint, discarded_by(err), (struct c2w_str){ from, (size_t)(at - from) }, &message);
	}
}

/* A server that loses or skips what it does not understand finds a message in the rest, and takes it for a request. */
static void note_rest(struct jd *jd, struct jd_endpoint *endpoint, struct c2w_str octets, enum c2w_err err)
{
	const char *end = octets.at + octets.length;
	unsigned tried = 0;

	for (const char *at = octets.at + 1; at < end && tried < PIECES; at++) {
		struct c2w_str rest = { at, (size_t)(end - at) };
		struct c2w_message message;

		if (!isdigit((unsigned char)at[0]) || isdigit((unsigned char)at[-1]) || at[-1] == '.')
			continue;
		tried++;
		if (c2w_message_parse(&message, rest.at, rest.length, 0) == C2W_OK && c2w_command_info(message.command)->beat == C2W_REQUEST) {
			jd_junk_add(jd, endpoint, discarded_by(err), octets, &message);
			return;
		}
	}
}

/* ---- all together --------------------------------------------------------------------------- */

static void note_message(struct jd *jd, unsigned number, int64_t at, struct c2w_str octets)
{
	struct jd_endpoint *endpoint = &jd->endpoints[number];
	struct c2w_message message;
	enum c2w_err err = c2w_message_parse(&message, octets.at, octets.length, (size_t)jd->options.params.max_request);
	const struct c2w_command_info *info = err == C2W_OK ? c2w_command_info(message.command) : NULL;
	struct jd_exchange *exchange;

	jd->seq++;
	if (!info || info->sender != C2W_CLIENT) {
		note_junk(jd, endpoint, octets, err);
		note_rest(jd, endpoint, octets, err);
	} else if (info->beat == C2W_ACK) {
		jd_record_ack(jd, endpoint, at, &message);
	} else {
		exchange = note_request(jd, endpoint, at, octets, &message);
		if (info->family == C2W_CHAT)
			note_text(jd, number, at, octets, &message, exchange);
	}
}

/* Whatever else than one message whole may be what a server reads wrongly: TRN-03. */
static void note_segments(struct jd *jd, struct jd_endpoint *endpoint, bool whole)
{
	if (!whole)
		endpoint->segmented = jd->segmented = true;
}

void jd_sent_octets(struct jd *jd, unsigned number, int64_t at, struct c2w_str octets)
{
	struct jd_endpoint *endpoint = &jd->endpoints[number];
	struct c2w_str message;
	enum c2w_err err;
	bool begins = endpoint->framer.held == 0;

	if (!endpoint->tcp) {
		note_message(jd, number, at, octets);
		return;
	}
	while ((err = c2w_framer_next(&endpoint->framer, &octets, &message)) == C2W_OK) {
		note_segments(jd, endpoint, begins && octets.length == 0);
		note_message(jd, number, at, message);
	}
	if (err == C2W_ERR_TOO_LONG) /* TRN-05 */
		endpoint->opaque = jd->opaque = true;
	note_segments(jd, endpoint, endpoint->framer.held == 0);
}
