/* Looks up what the judge remembers, and makes room for more.
 * For judge/ only; see judge/state.h. Everything lies in struct jd; pointers are good until the next addition. */
#include "judge/state.h"

void jd_endpoint_reset(struct jd *jd, unsigned number, bool tcp)
{
	struct jd_endpoint *endpoint = &jd->endpoints[number];

	jd_index_init(&endpoint->exchange_index, JD_EXCHANGES, endpoint->exchange_heads, endpoint->exchange_next, endpoint->exchange_keys);
	jd_index_init(&endpoint->record_index, JD_RECORDS, endpoint->record_heads, endpoint->record_next, endpoint->record_keys);
	c2w_framer_init(&endpoint->framer, endpoint->framer.buffer, (size_t)jd->options.params.max_request);
	endpoint->opened = true;
	endpoint->tcp = tcp;
	endpoint->opaque = endpoint->segmented = false;
	endpoint->opened_seq = jd->seq;
	endpoint->forgotten_time = -1;
	endpoint->processed_time = -1;
	endpoint->junk_count = endpoint->early_ack_count = endpoint->reported_count = 0;
	endpoint->name_count = 0;
	endpoint->connects_again = false;
	endpoint->first_connect_seq = endpoint->connect_seq = endpoint->leave_seq = endpoint->granted_seq = 0;
	endpoint->entered = false;
	endpoint->request = endpoint->request_seq = endpoint->other_request_seq = 0;
	endpoint->request_at = endpoint->other_request_at = endpoint->move_at = endpoint->leave_at = INT64_MIN / 2;
	endpoint->move = 0;
	endpoint->settled_seq = jd->seq;
	endpoint->answered_request_seq = 0;
	endpoint->answered_at = 0;
	endpoint->newest_chat = endpoint->chat_ack_seq = 0;
	endpoint->chat_count = 0;
	memset(endpoint->recent, 0, sizeof(endpoint->recent));
	memset(endpoint->per_rule, 0, sizeof(endpoint->per_rule));
}

static uint64_t key_of(enum c2w_family family, int64_t time)
{
	return jd_mix((uint64_t)time, (uint64_t)family + 1);
}

/* ---- requests ----------------------------------------------------------------------------- */

struct jd_exchange *jd_exchange_find(struct jd_endpoint *endpoint, enum c2w_family family, int64_t time, uint64_t user)
{
	const struct jd_index *index = &endpoint->exchange_index;

	for (unsigned slot = jd_index_find(index, key_of(family, time)); slot != JD_NO_SLOT; slot = jd_index_older(index, slot)) {
		struct jd_exchange *exchange = &endpoint->exchanges[slot];

		if (exchange->family == family && exchange->time == time && exchange->user == user)
			return exchange;
	}
	return NULL;
}

struct jd_exchange *jd_exchange_recent(struct jd_endpoint *endpoint, unsigned n)
{
	unsigned slot = jd_index_recent(&endpoint->exchange_index, n);

	return slot == JD_NO_SLOT ? NULL : &endpoint->exchanges[slot];
}

struct jd_exchange *jd_exchange_add(struct jd_endpoint *endpoint, enum c2w_family family, int64_t time, uint64_t user)
{
	unsigned slot = jd_index_victim(&endpoint->exchange_index);

	if (slot != JD_NO_SLOT && endpoint->exchanges[slot].time > endpoint->forgotten_time)
		endpoint->forgotten_time = endpoint->exchanges[slot].time;
	slot = jd_index_add(&endpoint->exchange_index, key_of(family, time));
	endpoint->exchanges[slot] = (struct jd_exchange){
		.id = endpoint->exchange_index.made, .family = family, .time = time, .user = user,
	};
	return &endpoint->exchanges[slot];
}

bool jd_exchange_has_time(const struct jd_exchange *exchange, struct c2w_str time_text)
{
	uint64_t hash = jd_hash(time_text);

	for (unsigned i = 0; i < exchange->time_count && i < JD_VARIANTS; i++)
		if (exchange->times[i] == hash)
			return true;
	return exchange->time_count > JD_VARIANTS;
}

/* ---- texts -------------------------------------------------------------------------------- */

struct jd_text *jd_text_find(struct jd *jd, int64_t time, uint64_t user)
{
	const struct jd_index *index = &jd->text_index;

	for (unsigned slot = jd_index_find(index, jd_mix((uint64_t)time, user)); slot != JD_NO_SLOT; slot = jd_index_older(index, slot))
		if (jd->texts[slot].time == time && jd->texts[slot].user == user)
			return &jd->texts[slot];
	return NULL;
}

struct jd_text *jd_text_by_id(struct jd *jd, uint64_t id)
{
	if (id == 0 || jd->text_index.made - id >= JD_TEXTS)
		return NULL;
	return &jd->texts[(id - 1) & (JD_TEXTS - 1)];
}

struct jd_text *jd_text_recent(struct jd *jd, unsigned n)
{
	unsigned slot = jd_index_recent(&jd->text_index, n);

	return slot == JD_NO_SLOT ? NULL : &jd->texts[slot];
}

struct jd_text *jd_text_add(struct jd *jd, int64_t time, uint64_t user)
{
	unsigned slot = jd_index_victim(&jd->text_index);

	if (slot != JD_NO_SLOT && jd->texts[slot].time > jd->forgotten_text)
		jd->forgotten_text = jd->texts[slot].time;
	slot = jd_index_add(&jd->text_index, jd_mix((uint64_t)time, user));
	jd->texts[slot] = (struct jd_text){ .id = jd->text_index.made, .time = time, .user = user, .first_seq = jd->seq };
	return &jd->texts[slot];
}

uint64_t jd_variant_hash(const struct c2w_message *message)
{
	return jd_mix(jd_hash(message->time_text), jd_hash(message->data));
}

struct jd_variant *jd_variant_find(struct jd_text *text, uint64_t octets)
{
	for (unsigned i = 0; i < text->variant_count && i < JD_VARIANTS; i++)
		if (text->variants[i].octets == octets)
			return &text->variants[i];
	return NULL;
}

/* ---- what came ---------------------------------------------------------------------------- */

static struct jd_record *record_from(struct jd_endpoint *endpoint, unsigned slot, enum c2w_family family, int64_t time, const uint64_t *user,
                                     const uint64_t *octets)
{
	for (; slot != JD_NO_SLOT; slot = jd_index_older(&endpoint->record_index, slot)) {
		struct jd_record *record = &endpoint->records[slot];

		if (record->family == family && record->time == time && (!user || record->user == *user) && (!octets || record->octets == *octets))
			return record;
	}
	return NULL;
}

struct jd_record *jd_record_find(struct jd_endpoint *endpoint, enum c2w_family family, int64_t time, uint64_t user)
{
	return record_from(endpoint, jd_index_find(&endpoint->record_index, key_of(family, time)), family, time, &user, NULL);
}

struct jd_record *jd_record_same(struct jd_endpoint *endpoint, enum c2w_family family, int64_t time, uint64_t user, uint64_t octets)
{
	return record_from(endpoint, jd_index_find(&endpoint->record_index, key_of(family, time)), family, time, &user, &octets);
}

struct jd_record *jd_record_recent(struct jd_endpoint *endpoint, unsigned n)
{
	unsigned slot = jd_index_recent(&endpoint->record_index, n);

	return slot == JD_NO_SLOT ? NULL : &endpoint->records[slot];
}

struct jd_record *jd_record_by_id(struct jd_endpoint *endpoint, uint64_t id)
{
	if (id == 0 || endpoint->record_index.made - id >= JD_RECORDS)
		return NULL;
	return &endpoint->records[(id - 1) & (JD_RECORDS - 1)];
}

static bool acked_early(const struct jd_endpoint *endpoint, enum c2w_family family, int64_t time)
{
	for (unsigned i = 0; i < endpoint->early_ack_count && i < JD_EARLY_ACKS; i++)
		if (endpoint->early_acks[i].family == family && endpoint->early_acks[i].time == time)
			return true;
	return endpoint->early_ack_count > JD_EARLY_ACKS;
}

struct jd_record *jd_record_add(const struct jd_arrival *arrival, bool matched)
{
	struct jd_endpoint *endpoint = arrival->endpoint;
	const struct c2w_message *message = arrival->message;
	enum c2w_family family = c2w_command_info(message->command)->family;
	unsigned slot = jd_index_add(&endpoint->record_index, key_of(family, message->time));
	struct jd_record *record = &endpoint->records[slot];

	*record = (struct jd_record){
		.id = endpoint->record_index.made, .family = family, .command = message->command, .code = message->code,
		.time = message->time, .user = arrival->user, .octets = arrival->hash, .data = family == C2W_CHAT ? jd_hash(message->data) : 0,
		.kept = jd_keep_put(&arrival->jd->keep, arrival->octets),
		.first_seq = arrival->jd->seq, .last_seq = arrival->jd->seq, .first_at = arrival->at, .last_at = arrival->at,
		.spaced_at = arrival->at, .copies = 1, .spaced = 1, .matched = matched, .maybe_acked = acked_early(endpoint, family, message->time),
	};
	return record;
}

/* REL-09 and NAM-01: is this ack, if it arrives, certainly one of this record? */
static bool counts(const struct jd_endpoint *endpoint, const struct jd_record *record, const struct c2w_message *ack)
{
	uint64_t user = jd_hash(ack->user);

	if (record->family == C2W_CHAT)
		return jd_speaks_as(endpoint, user) && record->user == jd_hash(ack->data); /* REL-10 */
	return record->user == user && (record->command == C2W_CONNECTION_ERROR || jd_speaks_as(endpoint, user));
}

void jd_record_ack(struct jd *jd, struct jd_endpoint *endpoint, int64_t at, const struct c2w_message *ack)
{
	enum c2w_family family = c2w_command_info(ack->command)->family;
	uint64_t user = jd_hash(family == C2W_CHAT ? ack->data : ack->user);
	bool known = false;

	if (family == C2W_CHAT)
		endpoint->chat_ack_seq = jd->seq;
	for (unsigned slot = jd_index_find(&endpoint->record_index, key_of(family, ack->time)); slot != JD_NO_SLOT;
	     slot = jd_index_older(&endpoint->record_index, slot)) {
		struct jd_record *record = &endpoint->records[slot];

		if (record->family != family || record->time != ack->time)
			continue;
		known = known || record->user == user;
		record->maybe_acked = true;
		if (!counts(endpoint, record, ack))
			continue;
		if (!record->acked) {
			record->first_ack_at = at;
			jd->acks[family].acked += !endpoint->tcp;
		}
		record->acked = true;
		record->ack_seq = jd->seq;
		record->ack_at = at;
	}
	if (known)
		return;
	endpoint->early_acks[endpoint->early_ack_count % JD_EARLY_ACKS].family = family;
	endpoint->early_acks[endpoint->early_ack_count % JD_EARLY_ACKS].time = ack->time;
	endpoint->early_ack_count++;
}

/* ---- what must be discarded --------------------------------------------------------------- */

void jd_junk_add(struct jd *jd, struct jd_endpoint *endpoint, enum c2w_rule rule, struct c2w_str octets, const struct c2w_message *message)
{
	endpoint->junk[endpoint->junk_count++ % JD_JUNK] = (struct jd_junk){
		rule, jd_hash(message->time_text), jd_hash(message->user), jd_hash(message->data), jd_keep_put(&jd->keep, octets),
	};
}

const struct jd_junk *jd_junk_find(const struct jd_endpoint *endpoint, struct c2w_str time_text, uint64_t user)
{
	uint64_t hash = jd_hash(time_text);

	for (unsigned i = 0; i < endpoint->junk_count && i < JD_JUNK; i++)
		if (endpoint->junk[i].time_text == hash && endpoint->junk[i].user == user)
			return &endpoint->junk[i];
	return NULL;
}
