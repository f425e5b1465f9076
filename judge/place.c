/* Where an endpoint certainly is: in no session, in the main room, in which movie's room.
 * For judge/ only; see judge/state.h. Uncertain from the first transmission of a request that moves it to its answer. */
#include "judge/state.h"

bool jd_moves(enum c2w_family family)
{
	return family == C2W_CONNECTION || family == C2W_ENTER_MOVIE || family == C2W_LEAVE_SESSION;
}

static bool same_place(const struct jd_place *a, const struct jd_place *b)
{
	return a->room == b->room && a->since == b->since;
}

static void begin_move(struct jd *jd, struct jd_endpoint *endpoint, const struct jd_exchange *exchange, int64_t now)
{
	if (endpoint->place.room != JD_UNKNOWN) {
		endpoint->before = endpoint->place;
		endpoint->place.until = jd->seq;
		endpoint->places[endpoint->place_count++ % JD_PLACES] = endpoint->place;
	} else if (endpoint->move != exchange->id) {
		endpoint->before.room = JD_UNKNOWN;
	}
	if (endpoint->move != exchange->id) {
		endpoint->other_move_seq = endpoint->move_seq;
		endpoint->other_move_at = endpoint->move_at;
	}
	endpoint->place.room = JD_UNKNOWN;
	endpoint->move = exchange->id;
	endpoint->move_seq = jd->seq;
	endpoint->move_at = now;
}

void jd_place_request(struct jd *jd, struct jd_endpoint *endpoint, struct jd_exchange *exchange, int64_t at)
{
	bool under_way = endpoint->place.room == JD_UNKNOWN && endpoint->move == exchange->id, first = exchange->transmissions == 1;
	const struct jd_place *now = under_way ? &endpoint->before : &endpoint->place;
	bool session = endpoint->granted_seq > 0;
	bool stale = session && exchange->time <= endpoint->processed_time && exchange->time > endpoint->forgotten_time;

	if (first)
		exchange->place = *now;
	else if (!same_place(&exchange->place, now))
		exchange->place.room = JD_UNKNOWN;
	exchange->in_session = session && (first || exchange->in_session);
	exchange->stale = stale && (first || exchange->stale);
	if (exchange->family == C2W_LEAVE_SESSION) {
		endpoint->leave_seq = jd->seq;
		endpoint->leave_at = at;
		if (now->room != JD_IN_MOVIE)
			endpoint->granted_seq = 0;
	}
	if (exchange->family == C2W_CONNECTION) {
		endpoint->connect_seq = jd->seq;
		endpoint->granted_seq = 0;
	}
	if (jd_moves(exchange->family))
		begin_move(jd, endpoint, exchange, at);
}

static struct jd_place in(enum jd_room room, uint64_t title, uint64_t name, uint64_t since)
{
	return (struct jd_place){ room, title, name, since, UINT64_MAX };
}

/* The table of section 4, as the answers tell it. */
static struct jd_place place_after(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	const struct jd_place *before = &arrival->endpoint->before;
	uint64_t now = arrival->jd->seq;
	struct jd_place unknown = in(JD_UNKNOWN, 0, 0, now);
	bool first = exchange->answers == 1;

	if (arrival->message->command == C2W_CONNECTION_GRANTED)
		return in(JD_IN_MAIN, 0, exchange->user, now);
	if (arrival->message->command == C2W_ENTER_MOVIE_GRANTED)
		return exchange->same_data ? in(JD_IN_MOVIE, exchange->data, exchange->user, now) : unknown;
	if (!first || before->room == JD_UNKNOWN)
		return unknown;
	if (arrival->message->command == C2W_LEAVE_SESSION_GRANTED)
		return before->room == JD_IN_MOVIE ? in(JD_IN_MAIN, 0, before->name, now) :
		       before->room == JD_IN_MAIN  ? in(JD_NOWHERE, 0, 0, now) : unknown;
	if (exchange->family == C2W_CONNECTION && exchange->transmissions > exchange->answers)
		return unknown; /* the other one may be granted yet */
	return in(before->room, before->title, before->name, now);
}

/* Over UDP what was sent at about the same time may have overtaken it, unless that was answered. */
static bool alone_on_its_way(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	const struct jd_endpoint *endpoint = arrival->endpoint;

	if (exchange->first_seq < endpoint->other_move_seq)
		return false;
	if (endpoint->tcp)
		return true;
	return !arrival->jd->disorder &&
	       (endpoint->before.room != JD_UNKNOWN || endpoint->other_move_at + arrival->jd->slack < exchange->first_at);
}

static void note_session(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	struct jd_endpoint *endpoint = arrival->endpoint;

	if (arrival->message->command == C2W_CONNECTION_GRANTED) {
		if (endpoint->granted_seq > 0 || exchange->last_seq != endpoint->connect_seq || endpoint->leave_seq > exchange->first_seq ||
		    (endpoint->move == exchange->id && !alone_on_its_way(arrival, exchange)))
			return;
		endpoint->granted_seq = arrival->jd->seq;
		endpoint->processed_time = exchange->time;
	} else if (endpoint->granted_seq > 0 && exchange->first_seq > endpoint->connect_seq &&
	           c2w_command_info(arrival->message->command)->beat == C2W_RESPONSE && exchange->time > endpoint->processed_time) {
		endpoint->processed_time = exchange->time;
	}
}

void jd_place_answer(const struct jd_arrival *arrival, struct jd_exchange *exchange, bool consistent)
{
	struct jd_endpoint *endpoint = arrival->endpoint;
	bool granted_after_all = arrival->message->command == C2W_CONNECTION_GRANTED && endpoint->place.room == JD_NOWHERE;

	if (consistent)
		note_session(arrival, exchange);
	if (!jd_moves(exchange->family) || endpoint->move != exchange->id || (endpoint->place.room != JD_UNKNOWN && !granted_after_all))
		return;
	endpoint->place = place_after(arrival, exchange);
	if (!consistent || !alone_on_its_way(arrival, exchange))
		endpoint->place.room = JD_UNKNOWN;
}

void jd_place_disorder(struct jd *jd)
{
	if (jd->disorder)
		return;
	jd->disorder = true;
	for (unsigned i = 0; i < jd->endpoint_count; i++) {
		struct jd_endpoint *endpoint = &jd->endpoints[i];

		if (!endpoint->opened || endpoint->tcp || endpoint->move == 0)
			continue;
		endpoint->place.room = endpoint->before.room = JD_UNKNOWN;
		endpoint->place_count = 0;
		endpoint->granted_seq = 0;
	}
}

static bool covers(const struct jd_place *place, uint64_t from, uint64_t until)
{
	return place->room != JD_UNKNOWN && place->since < from && place->until > until;
}

struct jd_place jd_place_during(const struct jd_endpoint *endpoint, uint64_t from, uint64_t until)
{
	if (covers(&endpoint->place, from, until))
		return endpoint->place;
	for (unsigned i = 0; i < endpoint->place_count && i < JD_PLACES; i++)
		if (covers(&endpoint->places[i], from, until))
			return endpoint->places[i];
	return (struct jd_place){ .room = JD_UNKNOWN };
}
