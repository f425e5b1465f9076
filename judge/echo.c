/* Which request a response claims to answer, and what is wrong with the claim: TIME, USER_NAME, the way it came,
 * or that it answers what must be discarded. For judge/ only; see judge/state.h. Only walks tables when something is wrong. */
#include "judge/state.h"

static bool answers(const struct jd_arrival *arrival, const struct jd_exchange *exchange)
{
	return exchange->family == c2w_command_info(arrival->message->command)->family;
}

/* ---- candidates --------------------------------------------------------------------------- */

struct candidates {
	struct jd_exchange *same_time;  /* another user; the newest */
	struct jd_exchange *same_user;  /* another TIME; the newest that is not answered, else the newest */
	struct jd_exchange *waiting;    /* the newest of the family that is not answered */
	bool family;                    /* the family was requested at all */
};

static bool waiting(const struct jd_exchange *exchange)
{
	return exchange->answers == 0 && exchange->claims == 0;
}

static struct candidates candidates_of(const struct jd_arrival *arrival)
{
	struct candidates found = { 0 };
	struct jd_exchange *exchange;

	for (unsigned n = 0; (exchange = jd_exchange_recent(arrival->endpoint, n)) != NULL; n++) {
		if (!answers(arrival, exchange))
			continue;
		found.family = true;
		if (!found.same_time && jd_exchange_has_time(exchange, arrival->message->time_text))
			found.same_time = exchange;
		if (exchange->user == arrival->user &&
		    (!found.same_user || (!waiting(found.same_user) && waiting(exchange))))
			found.same_user = exchange;
		if (!found.waiting && waiting(exchange))
			found.waiting = exchange;
	}
	return found;
}

static void wrong_time(const struct jd_arrival *arrival, struct jd_exchange *exchange)
{
	jd_find(arrival, C2W_FMT_02, "TIME is not echoed octet for octet", jd_keep_get(&arrival->jd->keep, exchange->time_text),
	        arrival->message->time_text);
}

static void wrong_user(const struct jd_arrival *arrival, struct jd_exchange *exchange)
{
	if (exchange->in_session && exchange->family != C2W_CONNECTION && jd_never_named(arrival->endpoint, exchange->user)) {
		jd_find(arrival, C2W_NAM_01, "a request under a name that the endpoint never had was answered", C2W_STR(""), arrival->octets);
		return;
	}
	jd_find(arrival, C2W_FMT_03, "USER_NAME is not echoed octet for octet", jd_keep_get(&arrival->jd->keep, exchange->user_text),
	        arrival->message->user);
}

/* ---- other explanations ------------------------------------------------------------------- */

static bool answers_junk(const struct jd_arrival *arrival)
{
	const struct jd_junk *junk = jd_junk_find(arrival->endpoint, arrival->message->time_text, arrival->user);

	if (!junk)
		return false;
	jd_find(arrival, junk->rule, "it answers what had to be discarded", jd_keep_get(&arrival->jd->keep, junk->kept), arrival->octets);
	return true;
}

static struct jd_exchange *asked_elsewhere(const struct jd_arrival *arrival)
{
	const struct c2w_message *message = arrival->message;
	enum c2w_family family = c2w_command_info(message->command)->family;
	struct jd *jd = arrival->jd;

	for (unsigned i = 0; i < jd->endpoint_count; i++) {
		struct jd_endpoint *other = &jd->endpoints[i];
		struct jd_exchange *exchange;

		if (i == arrival->number || !other->opened)
			continue;
		exchange = jd_exchange_find(other, family, message->time, arrival->user);
		if (exchange && jd_exchange_has_time(exchange, message->time_text))
			return exchange;
	}
	return NULL;
}

static bool ours(const struct jd_arrival *arrival)
{
	const struct jd_options *options = &arrival->jd->options;

	return !options->ours || options->ours(options->context, arrival->message->user);
}

void jd_echo_unmatched(const struct jd_arrival *arrival)
{
	struct jd_endpoint *endpoint = arrival->endpoint;
	struct candidates found;
	struct jd_exchange *elsewhere;
	bool waits;

	if (arrival->message->time <= endpoint->forgotten_time || answers_junk(arrival))
		return;
	arrival->jd->reading.undecided = endpoint->opaque || endpoint->junk_count > 0 || endpoint->segmented; /* FMT-05, TRN-03: it may answer a part */
	if (arrival->jd->reading.undecided)
		return;
	found = candidates_of(arrival);
	elsewhere = asked_elsewhere(arrival);
	waits = found.same_user && waiting(found.same_user);
	if (elsewhere && !(waits && elsewhere->answers > 0)) {
		jd_find(arrival, C2W_TRN_04, "it answers a request that another endpoint sent", C2W_STR(""), arrival->octets);
	} else if (found.same_time) {
		wrong_user(arrival, found.same_time);
		found.same_time->claims++;
	} else if (found.same_user) {
		wrong_time(arrival, found.same_user);
		found.same_user->claims++;
	} else if (found.waiting && !c2w_user_name_valid(arrival->message->user)) { /* else it may be meant for somebody else */
		wrong_time(arrival, found.waiting);
		wrong_user(arrival, found.waiting);
		found.waiting->claims++;
	} else if (!found.family && ours(arrival)) {
		jd_find(arrival, C2W_FMT_02, "it answers no request of this endpoint", C2W_STR(""), arrival->octets);
	}
}

/* ---- fields against the grammar ------------------------------------------------------------ */

static bool is_response(const struct jd_arrival *arrival)
{
	const struct c2w_command_info *info;

	if (arrival->message->command == C2W_NO_COMMAND || arrival->endpoint->opaque)
		return false;
	info = c2w_command_info(arrival->message->command);
	return info->sender == C2W_SERVER && info->family != C2W_CHAT;
}

void jd_echo_time(const struct jd_arrival *arrival)
{
	struct candidates found;

	if (!is_response(arrival) || answers_junk(arrival) || arrival->endpoint->junk_count > 0 || arrival->endpoint->segmented)
		return;
	found = candidates_of(arrival);
	if (!found.same_user || arrival->endpoint->forgotten_time >= 0)
		return;
	wrong_time(arrival, found.same_user);
	found.same_user->claims++;
}

void jd_echo_user(const struct jd_arrival *arrival)
{
	struct candidates found;

	if (!is_response(arrival) || answers_junk(arrival) || arrival->endpoint->junk_count > 0 || arrival->endpoint->segmented)
		return;
	found = candidates_of(arrival);
	if (found.same_time)
		wrong_user(arrival, found.same_time);
}
