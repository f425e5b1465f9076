/* Section 4's table, seen from outside: may a request be answered like this from where its endpoint certainly was?
 * For judge/ only; see judge/state.h. A UDP session may have ended unseen (REL-08), a connection's only with it. */
#include "judge/state.h"

struct question {
	const struct jd_arrival *arrival;
	const struct jd_exchange *exchange;
	const struct c2w_params *params;
	unsigned code;
	struct jd_place place;
	bool tcp, in_session, foreign;
};

static struct c2w_str expected_none(void)
{
	return C2W_STR("");
}

static bool breaks(const struct question *q, enum c2w_rule rule, const char *what)
{
	jd_find(q->arrival, rule, what, expected_none(), q->arrival->octets);
	return false;
}

static bool fits(const struct question *q, int64_t parameter)
{
	return c2w_code_fits(parameter, q->code);
}

static bool admit_refused_name(const struct question *q)
{
	const struct c2w_params *p = q->params;

	if (q->in_session && !fits(q, p->already_connected))
		return q->tcp ? breaks(q, C2W_CON_05, "the endpoint has a session already, but another error was given") : false;
	if (q->place.room != JD_NOWHERE)
		return true;
	if (!q->exchange->user_name && !fits(q, p->name_invalid))
		return breaks(q, C2W_CON_03, "the USER_NAME is no user-name, but another error was given");
	if (q->exchange->user_name && !fits(q, p->name_taken) && !fits(q, p->server_full) &&
	    (fits(q, p->name_invalid) || fits(q, p->already_connected)))
		return breaks(q, C2W_CON_01, "a valid name from an endpoint without a session was refused for a reason that cannot be");
	return true;
}

static bool admit_connection(const struct question *q, bool granted)
{
	if (!granted)
		return admit_refused_name(q);
	if (!q->exchange->user_name)
		return breaks(q, C2W_CON_03, "a session was granted to a USER_NAME that is no user-name");
	if (q->in_session && q->tcp)
		return breaks(q, C2W_CON_05, "a session was granted to an endpoint that has one already");
	return true;
}

static bool admit_list(const struct question *q)
{
	if (q->place.room == JD_NOWHERE)
		return breaks(q, C2W_LST_05, "a list request from an endpoint without a session was answered");
	return !q->foreign || breaks(q, C2W_NAM_01, "a request under another name than the session's was answered");
}

static bool admit_entry(const struct question *q)
{
	const struct jd_exchange *exchange = q->exchange;

	if (q->place.room == JD_NOWHERE)
		return breaks(q, C2W_ENT_04, "an endpoint without a session was let into a movie's room");
	if (q->foreign)
		return breaks(q, C2W_NAM_01, "a request under another name than the session's was answered");
	if (q->place.room == JD_IN_MOVIE)
		return breaks(q, C2W_ENT_03, "an endpoint in a movie's room was let into one");
	if (exchange->same_data && q->arrival->jd->titles_known && q->arrival->jd->title_count <= JD_TITLES &&
	    !jd_form_is_title(q->arrival->jd, exchange->data))
		return breaks(q, C2W_ENT_02, "the title is not in the movie list, but entering it was granted");
	return true;
}

static bool admit_refused_entry(const struct question *q)
{
	const struct c2w_params *p = q->params;
	const struct jd *jd = q->arrival->jd;
	bool known = q->exchange->same_data && jd->titles_known && jd->title_count <= JD_TITLES;

	if (q->place.room == JD_NOWHERE)
		return fits(q, p->not_connected) || breaks(q, C2W_ENT_04, "the endpoint has no session, but another error was given");
	if (!q->in_session)
		return true;
	if (!q->tcp && fits(q, p->not_connected))
		return false;
	if (q->foreign)
		return breaks(q, C2W_NAM_01, "a request under another name than the session's was answered");
	if (q->place.room == JD_IN_MOVIE)
		return fits(q, p->already_in_movie) || breaks(q, C2W_ENT_03, "the endpoint is in a movie's room, but another error was given");
	if (!known)
		return true;
	if (jd_form_is_title(jd, q->exchange->data))
		return fits(q, p->room_full) || breaks(q, C2W_ENT_01, "the title is in the movie list, but entering it was refused");
	return fits(q, p->no_such_movie) || breaks(q, C2W_ENT_02, "the title is not in the movie list, but another error was given");
}

static bool admit_leaving(const struct question *q, bool granted)
{
	if (q->place.room == JD_NOWHERE && (granted || !fits(q, q->params->no_session)))
		return breaks(q, C2W_LEA_03, "the endpoint has no session; ERROR no-session was to be given");
	if (!q->in_session)
		return true;
	if (!granted && !q->tcp)
		return false;
	if (q->foreign)
		return breaks(q, C2W_NAM_01, "a request under another name than the session's was answered");
	if (granted)
		return true;
	return breaks(q, q->place.room == JD_IN_MOVIE ? C2W_LEA_01 : C2W_LEA_02, "leaving was refused to an endpoint with a session");
}

/* REL-11: within a session nothing with a TIME not greater than one processed before. */
static bool too_old(const struct question *q, bool granted)
{
	if (!q->exchange->stale)
		return false;
	return q->tcp || (granted && q->exchange->family != C2W_CONNECTION);
}

bool jd_admit(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	const struct jd_endpoint *endpoint = arrival->endpoint;
	bool granted = c2w_command_info(arrival->message->command)->beat == C2W_RESPONSE;
	bool moved = exchange->answers > 1 && jd_moves(exchange->family); /* by itself, when it was processed before */
	bool undisturbed = endpoint->tcp || (!arrival->jd->disorder && (endpoint->move == exchange->id || endpoint->move_seq < exchange->first_seq));
	struct question q = { arrival, exchange, &arrival->jd->options.params, arrival->message->code, exchange->place, endpoint->tcp, false, false };

	if (moved || !undisturbed)
		q.place.room = JD_UNKNOWN;
	q.in_session = q.place.room == JD_IN_MAIN || q.place.room == JD_IN_MOVIE;
	q.foreign = q.in_session && q.place.name != exchange->user;
	if (too_old(&q, granted))
		return breaks(&q, C2W_REL_11, "a request with no greater TIME than one processed before was executed");
	switch (exchange->family) {
	case C2W_CONNECTION:
		return admit_connection(&q, granted);
	case C2W_USER_LIST:
	case C2W_MOVIE_LIST:
		return admit_list(&q);
	case C2W_ENTER_MOVIE:
		return granted ? admit_entry(&q) : admit_refused_entry(&q);
	case C2W_LEAVE_SESSION:
		return admit_leaving(&q, granted);
	case C2W_CHAT:
	case C2W_FAMILIES:
		break;
	}
	return true;
}
