/* What an endpoint asked for and was granted: as much of its session as can be known from outside.
 * For judge/ only; see judge/state.h. What a client never asked for is certain; what it was granted is only the server's word. */
#include "judge/state.h"

static bool moves(enum c2w_family family)
{
	return family == C2W_CONNECTION || family == C2W_ENTER_MOVIE || family == C2W_LEAVE_SESSION;
}

/* ---- what was asked for ----------------------------------------------------------------------- */

bool jd_never_connected(const struct jd_endpoint *endpoint)
{
	return endpoint->connect_seq == 0 && endpoint->junk_count == 0 && !endpoint->opaque && !endpoint->segmented;
}

bool jd_asked_as(const struct jd_endpoint *endpoint, uint64_t user)
{
	for (unsigned i = 0; i < endpoint->name_count && i < JD_NAMES; i++)
		if (endpoint->names[i] == user)
			return true;
	return endpoint->name_count > JD_NAMES;
}

bool jd_never_named(const struct jd_endpoint *endpoint, uint64_t user)
{
	return !jd_asked_as(endpoint, user) && endpoint->junk_count == 0 && !endpoint->opaque && !endpoint->segmented;
}

bool jd_speaks_as(const struct jd_endpoint *endpoint, uint64_t user)
{
	if (endpoint->granted_seq > 0)
		return endpoint->session_name == user;
	return endpoint->name_count == 0 || (endpoint->name_count == 1 && endpoint->names[0] == user);
}

static void note_name(struct jd_endpoint *endpoint, uint64_t user)
{
	if (endpoint->name_count > JD_NAMES || jd_asked_as(endpoint, user))
		return;
	if (endpoint->name_count < JD_NAMES)
		endpoint->names[endpoint->name_count] = user;
	endpoint->name_count++;
}

/* ---- moves -------------------------------------------------------------------------------------- */

bool jd_settled(const struct jd_endpoint *endpoint, uint64_t seq)
{
	return endpoint->settled_seq > 0 && endpoint->settled_seq < seq;
}

/* Over UDP what was sent at about the same time may overtake it, unless that was answered. */
static void begin_move(struct jd *jd, struct jd_endpoint *endpoint, struct jd_exchange *exchange, int64_t at)
{
	if (exchange->transmissions == 1)
		exchange->alone = endpoint->settled_seq > 0 || endpoint->move_at + jd->slack < at;
	else if (endpoint->move != exchange->id)
		exchange->alone = false;
	endpoint->settled_seq = 0;
	endpoint->move = exchange->id;
	endpoint->move_at = at;
}

static void note_request(struct jd *jd, struct jd_endpoint *endpoint, const struct jd_exchange *exchange, int64_t at)
{
	switch (exchange->family) {
	case C2W_CONNECTION:
		if (endpoint->connect_seq == 0)
			endpoint->first_connect_seq = jd->seq;
		endpoint->connect_seq = jd->seq;
		endpoint->connects_again = endpoint->connects_again || exchange->first_seq != endpoint->first_connect_seq;
		endpoint->granted_seq = 0;
		note_name(endpoint, exchange->user);
		break;
	case C2W_LEAVE_SESSION:
		endpoint->leave_seq = jd->seq;
		endpoint->leave_at = at;
		endpoint->granted_seq = 0;
		break;
	case C2W_ENTER_MOVIE:
		endpoint->entered = true;
		break;
	case C2W_USER_LIST:
	case C2W_MOVIE_LIST:
	case C2W_CHAT:
	case C2W_FAMILIES:
		break;
	}
}

void jd_session_request(struct jd *jd, struct jd_endpoint *endpoint, struct jd_exchange *exchange, int64_t at)
{
	bool first = exchange->transmissions == 1, session = endpoint->granted_seq > 0;
	bool stale = session && exchange->time <= endpoint->processed_time && exchange->time > endpoint->forgotten_time;

	exchange->unconnected = (first || exchange->unconnected) && jd_never_connected(endpoint);
	exchange->in_session = (first || exchange->in_session) && session;
	exchange->stale = (first || exchange->stale) && stale;
	note_request(jd, endpoint, exchange, at);
	if (moves(exchange->family))
		begin_move(jd, endpoint, exchange, at);
}

/* ---- what was granted ----------------------------------------------------------------------------- */

static bool certain(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	return arrival->endpoint->move == exchange->id && exchange->alone && (arrival->endpoint->tcp || !arrival->jd->disorder);
}

void jd_session_processed(struct jd_endpoint *endpoint, uint64_t first_seq, int64_t time)
{
	if (endpoint->granted_seq > 0 && first_seq > endpoint->connect_seq && time > endpoint->processed_time)
		endpoint->processed_time = time;
}

void jd_session_answer(const struct jd_arrival *arrival, struct jd_exchange *exchange)
{
	struct jd_endpoint *endpoint = arrival->endpoint;

	if (moves(exchange->family) && endpoint->settled_seq == 0 && certain(arrival, exchange))
		endpoint->settled_seq = arrival->jd->seq;
	if (c2w_command_info(arrival->message->command)->beat != C2W_RESPONSE)
		return;
	if (arrival->message->command != C2W_CONNECTION_GRANTED) {
		jd_session_processed(endpoint, exchange->first_seq, exchange->time);
	} else if (endpoint->granted_seq == 0 && endpoint->leave_seq < exchange->first_seq && certain(arrival, exchange)) {
		endpoint->granted_seq = arrival->jd->seq;
		endpoint->session_name = exchange->user;
		endpoint->processed_time = exchange->time;
	}
}
