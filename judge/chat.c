/* A NEW_MESSAGE that matches the grammar: whose text it is, whether it is that text, whether it came before.
 * For judge/ only; see judge/state.h. Texts of strangers are unknown: they are remembered, not judged. */
#include "judge/state.h"
#include "judge/timing.h"

static const struct c2w_str none = { "", 0 };

/* ---- nobody sent that ------------------------------------------------------------------------ */

/* The text may be from what had to be discarded. Reported if it is that text, or no other can be meant. */
static bool junk_delivered(const struct jd_arrival *arrival, const struct jd_text *text)
{
	struct jd *jd = arrival->jd;
	uint64_t data = jd_hash(arrival->message->data);

	for (unsigned i = 0; i < jd->endpoint_count; i++) {
		const struct jd_junk *junk =
			jd->endpoints[i].opened ? jd_junk_find(&jd->endpoints[i], arrival->message->time_text, arrival->user) : NULL;

		if (!junk)
			continue;
		if (!text || junk->data == data)
			jd_find(arrival, junk->rule, "a text was delivered from what had to be discarded", jd_keep_get(&jd->keep, junk->kept),
			        arrival->octets);
		return true;
	}
	return false;
}

struct candidates {
	const struct jd_text *same_but_author, *same_time, *same_but_time, *same_author, *same_data; /* the newest of each */
};

static bool has(const struct jd_text *text, const uint64_t *time_text, const uint64_t *data)
{
	for (unsigned i = 0; i < text->variant_count && i < JD_VARIANTS; i++)
		if ((!time_text || text->variants[i].time_text == *time_text) && (!data || text->variants[i].data == *data))
			return true;
	return false;
}

static bool came_here(const struct jd_arrival *arrival, const struct jd_text *text)
{
	return jd_record_find(arrival->endpoint, C2W_CHAT, text->time, text->user) != NULL;
}

static struct candidates candidates_of(const struct jd_arrival *arrival)
{
	uint64_t time_text = jd_hash(arrival->message->time_text), data = jd_hash(arrival->message->data);
	struct candidates found = { 0 };
	const struct jd_text *text;

	for (unsigned n = 0; (text = jd_text_recent(arrival->jd, n)) != NULL; n++) {
		if (text->user == arrival->user) {
			if (!found.same_but_time && has(text, NULL, &data))
				found.same_but_time = text;
			if (!found.same_author)
				found.same_author = text;
			continue;
		}
		if (!found.same_but_author && has(text, &time_text, &data))
			found.same_but_author = text;
		if (!found.same_time && has(text, &time_text, NULL))
			found.same_time = text;
		if (!found.same_data && has(text, NULL, &data) && text->variants[0].forbidden == C2W_NO_RULE && !came_here(arrival, text))
			found.same_data = text;
	}
	if (found.same_but_time)
		found.same_data = NULL;
	return found;
}

static bool holds(struct c2w_str octets, struct c2w_str part)
{
	return memmem(octets.at, octets.length, part.at, part.length) != NULL;
}

/* Once its octets are overwritten, junk is known by its fields only. */
static bool junk_holds(const struct jd_arrival *arrival, const struct jd_junk *junk, bool explained)
{
	const struct c2w_message *message = arrival->message;
	struct c2w_str octets = jd_keep_get(&arrival->jd->keep, junk->kept);

	if (octets.length > 0)
		return holds(octets, message->time_text) || holds(octets, message->data) || (!explained && holds(octets, message->user));
	return junk->time_text == jd_hash(message->time_text) || junk->data == jd_hash(message->data) || (!explained && junk->user == arrival->user);
}

/* May a bad reader have made this of what one endpoint sent? It has its TIME or its text from there then; or, where no text of ours is meant
 * instead, the endpoint's name or one from there, and the rest is anybody's guess. */
static bool made_of(const struct jd_arrival *arrival, const struct jd_endpoint *endpoint, bool explained)
{
	for (unsigned i = 0; i < endpoint->junk_count && i < JD_JUNK; i++)
		if (junk_holds(arrival, &endpoint->junk[i], explained))
			return true;
	return endpoint->junk_count > JD_JUNK || (endpoint->junk_count > 0 && !explained && jd_asked_as(endpoint, arrival->user));
}

static bool made_of_junk(const struct jd_arrival *arrival, const struct candidates *found)
{
	const struct jd *jd = arrival->jd;
	bool explained = found->same_but_time || found->same_but_author || found->same_data;

	for (unsigned i = 0; i < jd->endpoint_count; i++)
		if (jd->endpoints[i].opened && made_of(arrival, &jd->endpoints[i], explained))
			return true;
	return false;
}

/* Its author has said this no more often than it came here before. */
static bool is_surplus(const struct jd_arrival *arrival)
{
	uint64_t data = jd_hash(arrival->message->data);
	unsigned said = 0, came = 0;
	const struct jd_text *text;
	const struct jd_record *record;

	for (unsigned n = 0; (text = jd_text_recent(arrival->jd, n)) != NULL; n++)
		said += text->user == arrival->user && text->variants[0].forbidden == C2W_NO_RULE && has(text, NULL, &data);
	for (unsigned n = 0; (record = jd_record_recent(arrival->endpoint, n)) != NULL; n++)
		came += record->command == C2W_NEW_MESSAGE && record->user == arrival->user && record->data == data;
	return said > 0 && came >= said;
}

static void wrong_time(const struct jd_arrival *arrival, const struct jd_text *text)
{
	jd_find(arrival, C2W_FMT_02, "TIME is not that of the author's request, octet for octet", jd_keep_get(&arrival->jd->keep, text->time_text),
	        arrival->message->time_text);
}

static void wrong_author(const struct jd_arrival *arrival, const struct jd_text *text)
{
	jd_find(arrival, C2W_FMT_03, "USER_NAME is not the author's", jd_keep_get(&arrival->jd->keep, text->user_text), arrival->message->user);
}

static void invented(const struct jd_arrival *arrival)
{
	struct jd *jd = arrival->jd;
	struct candidates found;
	const struct jd_text *author;

	if (arrival->message->time <= jd->forgotten_text)
		return;
	found = candidates_of(arrival);
	jd->reading.undecided = jd->opaque || jd->segmented || made_of_junk(arrival, &found);
	if (jd->reading.undecided)
		return;
	jd->reading.surplus = is_surplus(arrival);
	author = found.same_but_author ? found.same_but_author : found.same_but_time ? NULL : found.same_time;
	if (author && author->variants[0].forbidden != C2W_NO_RULE)
		jd_find(arrival, author->variants[0].forbidden, "a text that had to be discarded was delivered", none, arrival->octets);
	else if (author || found.same_data)
		wrong_author(arrival, author ? author : found.same_data);
	if (!author && (found.same_but_time || found.same_data || found.same_author))
		wrong_time(arrival, found.same_but_time ? found.same_but_time : found.same_data ? found.same_data : found.same_author);
	else if (!author)
		jd_find(arrival, C2W_MSG_02, "a text was delivered that its author never sent", none, arrival->octets);
}

static void wrong_fields(const struct jd_arrival *arrival, const struct jd_text *text)
{
	const struct c2w_message *message = arrival->message;
	struct c2w_str sent = text->variant_count == 1 ? jd_keep_get(&arrival->jd->keep, text->data) : none;
	uint64_t time_text = jd_hash(message->time_text), data = jd_hash(message->data);
	bool right_time = has(text, &time_text, NULL), right_data = has(text, NULL, &data);

	if (!right_time || right_data)
		jd_find(arrival, C2W_FMT_02, "TIME is not echoed octet for octet", jd_keep_get(&arrival->jd->keep, text->time_text), message->time_text);
	if (!right_data)
		jd_find(arrival, C2W_MSG_03, "the text is not the one that was sent, octet for octet", sent, message->data);
}

/* ---- once more --------------------------------------------------------------------------------- */

static void again_over_tcp(const struct jd_arrival *arrival, const struct jd_text *text, struct jd_record *record, const struct jd_cause *cause)
{
	const struct c2w_params *params = &arrival->jd->options.params;
	int64_t interval = arrival->at - record->last_at;
	bool fits = jd_interval_fits(params, interval, arrival->jd->slack), soon = params->rto == C2W_AUTO || interval < params->rto / 2;

	if (record->copies < cause->requests || arrival->endpoint->connect_seq > record->first_seq)
		return;
	if (text->last_seq > record->last_seq && !fits && arrival->at - text->last_at <= arrival->jd->slack)
		jd_find(arrival, C2W_MSG_04, "a repeated request delivered its text once more", none, arrival->octets);
	else if (text->last_seq > record->last_seq)
		return; /* by the request, or by a timer? */
	else if (soon)
		jd_find(arrival, C2W_MSG_04, "a text was delivered twice over TCP", none, arrival->octets);
	else
		jd_find(arrival, C2W_REL_16, "a NEW_MESSAGE came again over TCP although its request was not repeated", none, arrival->octets);
}

/* The author's request was repeated, and so was the text at somebody else's: too soon for a retransmission. */
static bool executed_twice(const struct jd_arrival *arrival, const struct jd_text *text, const struct jd_record *record)
{
	int64_t slack = arrival->jd->slack, interval = arrival->at - record->last_at;

	if (!record->acked || text->last_seq < record->ack_seq || arrival->at - text->last_at > slack)
		return false;
	if (interval > slack && interval < jd_interval_window(&arrival->jd->options.params).earliest - slack)
		jd_find(arrival, C2W_MSG_04, "a repeated request delivered its text once more", none, arrival->octets);
	else
		jd_doubt(arrival, C2W_MSG_04, "a repeated request delivered its text once more, or it was retransmitted");
	return true;
}

static void again(const struct jd_arrival *arrival, const struct jd_text *text, struct jd_record *record)
{
	bool own = text && (text->from == arrival->number || text->from == JD_NOBODY);
	bool once = text && jd_once(arrival->jd, text);
	struct jd_cause cause;

	if (!text || arrival->jd->opaque || (arrival->jd->disorder && !once)) {
		jd_repeat_note(arrival, record);
		return;
	}
	cause.executions = once ? 1 : text->transmissions;
	cause.requests = own ? text->transmissions : cause.executions;
	cause.last_seq = own || cause.executions > 1 ? text->last_seq : text->first_seq;
	cause.last_at = text->last_at;
	if (arrival->endpoint->tcp)
		again_over_tcp(arrival, text, record, &cause);
	else if (!own && cause.executions == 1 && executed_twice(arrival, text, record)) {
		jd_repeat_note(arrival, record);
		return;
	}
	jd_repeat(arrival, record, &cause);
}

/* The TIME is nobody's, and the author has said the same once more since it came: no repetition then. */
static bool said_since(const struct jd_arrival *arrival, const struct jd_record *record)
{
	uint64_t data = jd_hash(arrival->message->data);
	const struct jd_text *text;

	if (arrival->message->time <= arrival->jd->forgotten_text || !(record->acked || arrival->endpoint->tcp))
		return false;
	for (unsigned n = 0; (text = jd_text_recent(arrival->jd, n)) != NULL; n++)
		if (text->user == arrival->user && text->first_seq > record->last_seq && has(text, NULL, &data))
			return true;
	return false;
}

/* ---- all together ------------------------------------------------------------------------------- */

static bool stranger_chats(const struct jd_arrival *arrival, struct jd_record *same)
{
	if (!c2w_user_name_valid(arrival->message->user))
		jd_find(arrival, C2W_FMT_03, "USER_NAME is nobody's: it is no user-name", none, arrival->message->user);
	if (same)
		jd_repeat_note(arrival, same);
	else
		jd_record_add(arrival, false);
	return same;
}

/* Two of one author with one TIME: right once, and then not what was sent. */
static bool spoilt(const struct jd_arrival *arrival, const struct jd_text *text, const struct jd_record *latest)
{
	bool provoked = text && text->from == arrival->number && text->transmissions > 1 && arrival->at - text->last_at <= arrival->jd->slack;
	struct c2w_str before;

	if (!latest || !latest->matched || !text || arrival->endpoint->tcp)
		return false;
	before = jd_keep_get(&arrival->jd->keep, latest->kept);
	if (provoked)
		jd_find(arrival, C2W_REL_11, "a repeated request was answered, but not octet for octet as before", before, arrival->octets);
	else
		jd_find(arrival, C2W_REL_04, "a NEW_MESSAGE was sent again, but not octet for octet", before, arrival->octets);
	return true;
}

/* What its author has said under another TIME, which did not come here yet: for a message with the TIME of a text that did, or with no text's as it was
 * written. NULL: there is none. */
static const struct jd_text *meant(const struct jd_arrival *arrival, const struct jd_text *text, const struct jd_record *latest)
{
	uint64_t time_text = jd_hash(arrival->message->time_text), data = jd_hash(arrival->message->data);
	bool came = latest && latest->matched && (latest->acked || arrival->endpoint->tcp);
	const struct jd_text *other;

	if (!text || text->variant_count > JD_VARIANTS || has(text, NULL, &data) || (!came && has(text, &time_text, NULL)))
		return NULL;
	for (unsigned n = 0; (other = jd_text_recent(arrival->jd, n)) != NULL; n++)
		if (other->user == arrival->user && has(other, NULL, &data) && !came_here(arrival, other))
			return other;
	return NULL;
}

/* Is it a repetition? */
static bool unmatched(const struct jd_arrival *arrival, const struct jd_text *text, const struct jd_record *latest)
{
	const struct jd_text *other = meant(arrival, text, latest);

	if (text && text->variant_count > JD_VARIANTS) /* it may be one that was sent and is forgotten */
		return false;
	if (!other && spoilt(arrival, text, latest))
		return true;
	if (junk_delivered(arrival, text))
		return false;
	if (!text)
		invented(arrival);
	else if (other)
		wrong_time(arrival, other);
	else
		wrong_fields(arrival, text);
	return false;
}

bool jd_chat(const struct jd_arrival *arrival, bool stranger)
{
	const struct c2w_message *message = arrival->message;
	struct jd_endpoint *endpoint = arrival->endpoint;
	struct jd_record *same = jd_record_same(endpoint, C2W_CHAT, message->time, arrival->user, arrival->hash);
	struct jd_record *latest = jd_record_find(endpoint, C2W_CHAT, message->time, arrival->user);
	struct jd_text *text = jd_text_find(arrival->jd, message->time, arrival->user);
	struct jd_variant *variant;
	bool repetition = false;

	if (stranger)
		return stranger_chats(arrival, same);
	if (same && (text ? jd_once(arrival->jd, text) || text->last_seq < same->last_seq : !said_since(arrival, same))) {
		again(arrival, text, same);
		return true;
	}
	variant = text ? jd_variant_find(text, jd_variant_hash(message)) : NULL;
	if (!variant)
		repetition = unmatched(arrival, text, latest);
	if (variant)
		jd_deliver(arrival, text, variant, !latest);
	else
		jd_record_add(arrival, false);
	return repetition;
}
