/* A response that matches the grammar: the first answer, the same again, or another one where it may not be.
 * For judge/ only; see judge/state.h. Keeps records and counts in the endpoint. */
#include "judge/state.h"
#include "judge/timing.h"

/* ---- may this request be answered anew? ----------------------------------------------------- */

/* By the time it takes a server to give a message up, and all that goes with it: REL-08, REL-12, ROB-04. */
static bool given_up(const struct jd *jd, const struct jd_record *record, int64_t at)
{
	const struct c2w_params *params = &jd->options.params;
	int64_t transmissions = params->max_retransmits == C2W_AUTO ? 1 : params->max_retransmits + 1;
	int64_t patience = params->rto == C2W_AUTO ? 0 : jd_interval_window(params).earliest * transmissions - jd->slack;

	if (record->acked && record->first_ack_at - record->first_at < patience)
		return false;
	return at - record->first_at > patience;
}

bool jd_session_may_be_dead(const struct jd *jd, struct jd_endpoint *endpoint, int64_t at)
{
	if (endpoint->tcp || jd->loss)
		return !endpoint->tcp;
	if (jd->text_octets > (uint64_t)jd->options.params.max_backlog / 4) /* so much may wait for it: ROB-03 */
		return true;
	for (uint64_t id = endpoint->record_index.made; id > 0; id--) {
		const struct jd_record *record = jd_record_by_id(endpoint, id);

		if (!record)
			return endpoint->record_index.made > JD_RECORDS;
		if (given_up(jd, record, at))
			return true;
	}
	return false;
}

static bool only_in_session(const struct jd *jd, const struct jd_record *record)
{
	const struct c2w_params *params = &jd->options.params;

	switch (record->command) {
	case C2W_CONNECTION_ERROR:
		return params->already_connected != C2W_ANY && c2w_code_fits(params->already_connected, record->code);
	case C2W_ENTER_MOVIE_ERROR:
		return params->not_connected != C2W_ANY && !c2w_code_fits(params->not_connected, record->code);
	case C2W_LEAVE_SESSION_GRANTED:
	case C2W_LEAVE_SESSION_ERROR:
		return false;
	default:
		return true;
	}
}

static bool superseded(const struct jd_endpoint *endpoint, const struct jd_exchange *exchange)
{
	return exchange->id != endpoint->request || endpoint->other_request_seq > exchange->first_seq;
}

/* What the rules let a server do, on a network that neither loses nor delays. REL-11 and REL-12 forbid it as long as
 * the session lasts, and without one while the response is unacked (UDP). */
static bool renewed(const struct jd_arrival *arrival, const struct jd_exchange *exchange, const struct jd_record *record)
{
	const struct jd_endpoint *endpoint = arrival->endpoint;
	bool reconnects = endpoint->connect_seq > exchange->first_seq;
	bool leaves = endpoint->leave_seq > exchange->first_seq;

	if (endpoint->tcp && exchange->transmissions == 1)
		return false;
	if (record->family == C2W_USER_LIST || record->family == C2W_MOVIE_LIST)
		return reconnects;
	if (!endpoint->tcp && exchange->transmissions > 1 && given_up(arrival->jd, record, exchange->last_at))
		return true;
	if (only_in_session(arrival->jd, record))
		return leaves || (reconnects && record->family != C2W_CONNECTION);
	return endpoint->tcp || record->maybe_acked || superseded(endpoint, exchange);
}

/* UDP: the request was sent in a session that then lasted, and no copy of it came before or after. */
static bool stayed_in_session(const struct jd_arrival *arrival, const struct jd_exchange *exchange, const struct jd_record *record)
{
	struct jd_endpoint *endpoint = arrival->endpoint;

	if (arrival->jd->disorder || (exchange->transmissions > 1 && jd_session_may_be_dead(arrival->jd, endpoint, exchange->last_at)))
		return false;
	if (record->command == C2W_CONNECTION_GRANTED)
		return endpoint->leave_seq == 0 || endpoint->leave_at + arrival->jd->slack < exchange->first_at;
	return only_in_session(arrival->jd, record) && exchange->in_session;
}

/* UDP: not acked, nor superseded by another request, overtaken on its way perhaps, nor given up. */
static bool still_unacked(const struct jd_arrival *arrival, const struct jd_exchange *exchange, const struct jd_record *record)
{
	const struct jd *jd = arrival->jd;
	struct jd_endpoint *endpoint = arrival->endpoint;

	if (record->maybe_acked || superseded(endpoint, exchange) || endpoint->other_request_at + jd->slack > exchange->first_at)
		return false;
	return exchange->transmissions == 1 || !jd_session_may_be_dead(jd, endpoint, exchange->last_at);
}

/* False: for certain the same answer was due. */
static bool may_be_renewed(const struct jd_arrival *arrival, const struct jd_exchange *exchange, const struct jd_record *record)
{
	if (renewed(arrival, exchange, record))
		return true;
	return !arrival->endpoint->tcp && !stayed_in_session(arrival, exchange, record) && !still_unacked(arrival, exchange, record);
}

static bool is_list(const struct jd_exchange *exchange)
{
	return exchange->family == C2W_USER_LIST || exchange->family == C2W_MOVIE_LIST;
}

/* ---- another answer where the same was due --------------------------------------------------- */

/* An answer that only a session gets. Any other may come from a server that has ended the session wrongly: another rule. */
static bool shows_a_session(const struct jd_arrival *arrival)
{
	const struct c2w_params *params = &arrival->jd->options.params;
	unsigned code = arrival->message->code;

	switch (arrival->message->command) {
	case C2W_CONNECTION_GRANTED:
	case C2W_LEAVE_SESSION_ERROR:
		return false;
	case C2W_CONNECTION_ERROR:
		return c2w_code_fits(params->already_connected, code);
	case C2W_ENTER_MOVIE_ERROR:
		return c2w_code_fits(params->already_in_movie, code);
	default:
		return true;
	}
}

static void differs(const struct jd_arrival *arrival, const struct jd_exchange *exchange, const struct jd_record *record)
{
	struct c2w_str before = jd_keep_get(&arrival->jd->keep, record->kept);
	bool provoked = exchange->transmissions > 1 && (arrival->endpoint->tcp || arrival->at - exchange->last_at <= arrival->jd->slack);

	if (exchange->transmissions > 1 && only_in_session(arrival->jd, record) && (!shows_a_session(arrival) || (is_list(exchange) && !exchange->in_session)))
		return;
	if (arrival->endpoint->tcp || (provoked && only_in_session(arrival->jd, record)))
		jd_find(arrival, C2W_REL_11, "one request was answered twice, and not octet for octet alike", before, arrival->octets);
	else if (provoked)
		jd_find(arrival, C2W_REL_12, "a repeated request was answered anew though its response was unacked", before, arrival->octets);
	else
		jd_find(arrival, C2W_REL_04, "a response was sent again, but not octet for octet", before, arrival->octets);
}

/* REL-16: over TCP no more answers than requests, and one copy for a repetition (REL-11). What was discarded may have been answered, too: that is another rule. */
static void count_answers(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	if (!arrival->endpoint->tcp || exchange->answers <= exchange->transmissions ||
	    jd_junk_find(arrival->endpoint, arrival->message->time_text, arrival->user))
		return;
	if (exchange->transmissions > 1)
		jd_find(arrival, C2W_REL_11, "a response came more often over TCP than its request", C2W_STR(""), arrival->octets);
	else
		jd_find(arrival, C2W_REL_16, "a response came again over TCP although its request was not repeated", C2W_STR(""), arrival->octets);
}

/* ---- the first ------------------------------------------------------------------------------ */

static void note_pace(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	struct jd *jd = arrival->jd;

	if (!arrival->endpoint->tcp && (exchange->transmissions > 1 || arrival->at - exchange->first_at > jd->slack))
		jd->loss = true;
	if (arrival->at - exchange->last_at > jd->options.params.answer_within + 2 * jd->options.one_way)
		jd_doubt(arrival, C2W_REL_17, "the response came later than answer-within");
}

static void note_answered(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	struct jd_endpoint *endpoint = arrival->endpoint;

	if (is_list(exchange) && !exchange->in_session) /* LST-05 perhaps: then it was not processed */
		return;
	endpoint->answered_request_seq = exchange->first_seq;
	endpoint->answered_at = arrival->at;
}

static void first_answer(const struct jd_arrival *arrival, struct jd_exchange *exchange)
{
	bool matched = exchange && jd_exchange_has_time(exchange, arrival->message->time_text);
	bool consistent = false;

	if (!exchange)
		jd_echo_unmatched(arrival);
	else if (!matched)
		jd_find(arrival, C2W_FMT_02, "TIME is not echoed octet for octet", jd_keep_get(&arrival->jd->keep, exchange->time_text),
		        arrival->message->time_text);
	if (matched && !arrival->endpoint->opaque) {
		if (exchange->answers == 1)
			note_pace(arrival, exchange);
		consistent = jd_admit(arrival, exchange);
		note_answered(arrival, exchange);
	}
	jd_form_data(arrival, consistent ? exchange : NULL);
	if (consistent)
		jd_session_answer(arrival, exchange);
	jd_record_add(arrival, matched);
}

/* ---- all together ----------------------------------------------------------------------------- */

bool jd_answer(const struct jd_arrival *arrival)
{
	const struct c2w_message *message = arrival->message;
	struct jd_endpoint *endpoint = arrival->endpoint;
	enum c2w_family family = c2w_command_info(message->command)->family;
	struct jd_exchange *exchange = jd_exchange_find(endpoint, family, message->time, arrival->user);
	struct jd_record *same = jd_record_same(endpoint, family, message->time, arrival->user, arrival->hash);
	struct jd_record *latest = jd_record_find(endpoint, family, message->time, arrival->user);
	bool anew = false;

	if (exchange) {
		exchange->answers++;
		if (!endpoint->opaque)
			count_answers(arrival, exchange);
		anew = latest && renewed(arrival, exchange, latest) && exchange->last_seq > latest->last_seq;
	}
	if (same && !anew) {
		if (exchange) {
			bool renewable = exchange->transmissions > 1 && may_be_renewed(arrival, exchange, same);
			struct jd_cause cause = { exchange->transmissions, renewable ? exchange->transmissions : 1, exchange->last_seq, exchange->last_at };

			if (same->matched)
				jd_session_answer(arrival, exchange);
			jd_repeat(arrival, same, &cause);
		}
		return true;
	}
	if (latest && exchange && !endpoint->opaque && !may_be_renewed(arrival, exchange, latest)) {
		differs(arrival, exchange, latest);
		jd_record_add(arrival, false);
		return true;
	}
	first_answer(arrival, exchange);
	return false;
}
