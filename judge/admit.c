/* Section 4's table as far as it is certain from outside: what a client that never asked for a session cannot have,
 * what no name and no title can be granted. For judge/ only; see judge/state.h. Takes no answer's word for where an endpoint is. */
#include "judge/state.h"

static bool breaks(const struct jd_arrival *arrival, enum c2w_rule rule, const char *what)
{
	jd_find(arrival, rule, what, C2W_STR(""), arrival->octets);
	return false;
}

/* UDP: a later request may have overtaken this one. */
static bool unconnected(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	return exchange->unconnected && (arrival->endpoint->tcp || jd_never_connected(arrival->endpoint));
}

/* It is the first and only session that the endpoint asked for. */
static bool only_attempt(const struct jd_endpoint *endpoint, const struct jd_exchange *exchange)
{
	return endpoint->first_connect_seq == exchange->first_seq && !endpoint->connects_again && endpoint->junk_count == 0 &&
	       !endpoint->segmented;
}

static bool admit_connection(const struct jd_arrival *arrival, const struct jd_exchange *exchange, bool granted)
{
	int64_t name_invalid = arrival->jd->options.params.name_invalid;

	if (exchange->user_name || !only_attempt(arrival->endpoint, exchange))
		return true;
	if (granted)
		return breaks(arrival, C2W_CON_03, "a session was granted to a USER_NAME that is no user-name");
	if (!c2w_code_fits(name_invalid, arrival->message->code))
		return breaks(arrival, C2W_CON_03, "the USER_NAME is no user-name, but another error was given");
	return true;
}

static bool admit_entry(const struct jd_arrival *arrival, const struct jd_exchange *exchange, bool granted)
{
	int64_t not_connected = arrival->jd->options.params.not_connected;

	if (unconnected(arrival, exchange) && (granted || !c2w_code_fits(not_connected, arrival->message->code)))
		return breaks(arrival, C2W_ENT_04, "the endpoint never had a session; ERROR not-connected was to be given");
	if (granted && exchange->no_title)
		return breaks(arrival, C2W_ENT_02, "what can be no movie's title was entered");
	return true;
}

static bool admit_family(const struct jd_arrival *arrival, const struct jd_exchange *exchange, bool granted)
{
	int64_t no_session = arrival->jd->options.params.no_session;

	switch (exchange->family) {
	case C2W_CONNECTION:
		return admit_connection(arrival, exchange, granted);
	case C2W_USER_LIST:
	case C2W_MOVIE_LIST:
		return !unconnected(arrival, exchange) || breaks(arrival, C2W_LST_05, "a list request from an endpoint without a session was answered");
	case C2W_ENTER_MOVIE:
		return admit_entry(arrival, exchange, granted);
	case C2W_LEAVE_SESSION:
		if (unconnected(arrival, exchange) && (granted || !c2w_code_fits(no_session, arrival->message->code)))
			return breaks(arrival, C2W_LEA_03, "the endpoint never had a session; ERROR no-session was to be given");
		break;
	case C2W_CHAT:
	case C2W_FAMILIES:
		break;
	}
	return true;
}

bool jd_admit(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	bool granted = c2w_command_info(arrival->message->command)->beat == C2W_RESPONSE, foreign;

	if (!admit_family(arrival, exchange, granted))
		return false;
	if (!granted || exchange->family == C2W_CONNECTION || !exchange->in_session)
		return true;
	foreign = jd_never_named(arrival->endpoint, exchange->user);
	if ((!foreign && !exchange->stale) || jd_session_may_be_dead(arrival->jd, arrival->endpoint, exchange->last_at))
		return true;
	if (foreign)
		return breaks(arrival, C2W_NAM_01, "a request under a name that the endpoint never had was answered");
	return breaks(arrival, C2W_REL_11, "a request with no greater TIME than one processed before was executed");
}
