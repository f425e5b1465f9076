/* A request: the table of section 4 of PROTOCOL.md, and what comes before it (NAM-01, REL-11, REL-12).
 * For model_rules.c. Owns nothing. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "fuzz/model_part.h"

/* ---- requests: the table of section 4 ------------------------------------------------------------------------------ */

static bool is_full(struct fz_try *try, int64_t capacity, unsigned users)
{
	if (capacity != C2W_UNKNOWN_CAPACITY)
		return users >= capacity;
	return users > 0 && fz_choose(try, 2) == 1;
}

/* The order: 1004, 1002, 1001, 1003. */
static void on_connection(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);

	if (fz_has_session(peer)) {
		fz_refuse(try, FZ_CONNECTION_ERROR, FZ_ERROR_ALREADY_CONNECTED, "CON-05");
	} else if (!fz_is_user_name(try->fields->user)) {
		fz_refuse(try, FZ_CONNECTION_ERROR, FZ_ERROR_NAME_INVALID, "CON-03");
	} else if (fz_is_name_held(try, try->fields->user)) {
		fz_refuse(try, FZ_CONNECTION_ERROR, FZ_ERROR_NAME_TAKEN, "CON-02");
	} else if (is_full(try, try->set->params.capacity, fz_users_of(try))) {
		fz_refuse(try, FZ_CONNECTION_ERROR, FZ_ERROR_SERVER_FULL, "CON-04");
	} else if (fz_grant(try, FZ_CONNECTION_GRANTED, "CON-01")) {
		peer->state = FZ_MAIN_ROOM;
		peer->name = try->fields->user;
	}
}

static bool starts_with(struct c2w_str data, struct c2w_str with)
{
	return data.length >= with.length && c2w_str_equal((struct c2w_str){ data.at, with.length }, with);
}

static struct c2w_str behind(struct c2w_str data, size_t length)
{
	return (struct c2w_str){ data.at + length, data.length - length };
}

/* Whether data is each entry not yet seen, once, in any order. (Separators of a profile may occur in titles, so it tries all.) */
static bool is_list_of(struct c2w_str data, const struct c2w_str *entries, bool *seen, unsigned count, unsigned left, struct c2w_str separator)
{
	if (left == 0)
		return data.length == 0;
	for (unsigned i = 0; i < count; i++) {
		struct c2w_str rest;
		bool fits;

		if (seen[i] || !starts_with(data, entries[i]))
			continue;
		rest = behind(data, entries[i].length);
		if (left > 1 && !starts_with(rest, separator))
			continue;
		seen[i] = true;
		fits = is_list_of(left > 1 ? behind(rest, separator.length) : rest, entries, seen, count, left - 1, separator);
		seen[i] = false;
		if (fits)
			return true;
	}
	return false;
}

/* LST-01: user-entry = user-name "," room */
static bool is_user_list(struct fz_try *try, struct c2w_str data)
{
	const struct c2w_params *params = &try->set->params;
	char written[FZ_MAX_ENDPOINTS][192];
	struct c2w_str entries[FZ_MAX_ENDPOINTS];
	bool seen[FZ_MAX_ENDPOINTS] = { false };
	unsigned count = 0;

	for (unsigned i = 0; i < try->endpoints; i++) {
		struct fz_endpoint *peer = fz_at(try, i);

		if (!fz_has_session(peer))
			continue;
		snprintf(written[count], sizeof written[count], "%.*s%s%s", (int)peer->name.length, peer->name.at, params->entry_separator,
			peer->state == FZ_MOVIE_ROOM ? try->set->movies[peer->movie] : params->main_room);
		entries[count] = c2w_str_of(written[count]);
		count++;
	}
	return is_list_of(data, entries, seen, count, count, c2w_str_of(params->list_separator));
}

/* LST-02 */
static bool is_movie_list(struct fz_try *try, struct c2w_str data)
{
	struct c2w_str entries[FZ_MAX_MOVIES];
	bool seen[FZ_MAX_MOVIES] = { false };
	unsigned count = try->set->movie_count;

	for (unsigned i = 0; i < count; i++)
		entries[i] = c2w_str_of(try->set->movies[i]);
	return is_list_of(data, entries, seen, count, count, c2w_str_of(try->set->params.list_separator));
}

static void on_list(struct fz_try *try)
{
	bool users = try->fields->command == FZ_USER_LIST_REQUEST;
	const char *rule = users ? "LST-01" : "LST-02";
	struct fz_endpoint *peer = fz_at(try, try->from);
	const struct fz_output *output;
	struct fz_fields got;

	if (!fz_has_session(peer)) {
		fz_discard(try, "LST-05", FZ_DISCARDED);
		return;
	}
	if (peer->state == FZ_MOVIE_ROOM && fz_choose(try, 2) == 1) {
		fz_discard(try, "LST-04", FZ_DISCARDED);
		return;
	}
	output = fz_answer(try, users ? FZ_USER_LIST_RESPONSE : FZ_MOVIE_LIST_RESPONSE, FZ_LISTED, rule, &got);
	if (output && !(users ? is_user_list(try, got.data) : is_movie_list(try, got.data)))
		fz_fail(try, rule, try->from, "not the list it should be", fz_octets_of(output));
}

static bool is_port(struct c2w_str text)
{
	unsigned port = 0;

	if (text.length < 1 || text.length > 5)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text.at[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

/* ENT-06: address ":" port, the address of IPv6 in brackets. */
static bool is_stream(struct c2w_str data)
{
	char address[64];
	struct in6_addr unused;
	size_t colon = data.length;
	bool six;

	while (colon > 0 && data.at[colon - 1] != ':')
		colon--;
	if (colon < 2 || colon > sizeof address || !is_port(behind(data, colon)))
		return false;
	memcpy(address, data.at, colon - 1);
	address[colon - 1] = '\0';
	six = address[0] == '[' && address[colon - 2] == ']';
	if (!six)
		return inet_pton(AF_INET, address, &unused) == 1;
	address[colon - 2] = '\0';
	return inet_pton(AF_INET6, address + 1, &unused) == 1;
}

/* The order: 2001, 2003, 2002, 2004. */
static void on_enter(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);
	int64_t movie = fz_movie_of(try->set, try->fields->data);
	const struct fz_output *output;
	struct fz_fields got;

	if (!fz_has_session(peer)) {
		fz_refuse(try, FZ_ENTER_MOVIE_ERROR, FZ_ERROR_NOT_CONNECTED, "ENT-04");
	} else if (peer->state == FZ_MOVIE_ROOM) {
		fz_refuse(try, FZ_ENTER_MOVIE_ERROR, FZ_ERROR_ALREADY_IN_MOVIE, "ENT-03");
	} else if (movie < 0) {
		fz_refuse(try, FZ_ENTER_MOVIE_ERROR, FZ_ERROR_NO_SUCH_MOVIE, "ENT-02");
	} else if (is_full(try, try->set->params.room_capacity, fz_users_in(try, movie))) {
		fz_refuse(try, FZ_ENTER_MOVIE_ERROR, FZ_ERROR_ROOM_FULL, "ENT-05");
	} else {
		output = fz_answer(try, FZ_ENTER_MOVIE_GRANTED, FZ_GRANTED, "ENT-01", &got);
		if (!output)
			return;
		if (try->set->params.stream != C2W_ANY && !is_stream(got.data))
			fz_fail(try, "ENT-06", try->from, "no stream", fz_octets_of(output));
		peer->state = FZ_MOVIE_ROOM;
		peer->movie = movie;
		fz_leave_room(try, try->from);
	}
}

static void on_leave(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);

	if (!fz_has_session(peer)) {
		fz_refuse(try, FZ_LEAVE_SESSION_ERROR, FZ_ERROR_NO_SESSION, "LEA-03");
	} else if (peer->state == FZ_MOVIE_ROOM) {
		if (fz_grant(try, FZ_LEAVE_SESSION_GRANTED, "LEA-01")) {
			peer->state = FZ_MAIN_ROOM;
			peer->movie = -1;
			fz_leave_room(try, try->from);
		}
	} else if (fz_grant(try, FZ_LEAVE_SESSION_GRANTED, "LEA-02")) {
		fz_end_session(peer);
		fz_forget_stranger(try);
	}
}

/* MSG-01, MSG-02: to every session in the author's room, the author among them, and to nobody else. */
static void on_send(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);
	enum fz_state state = peer->state;
	int64_t movie = peer->movie;

	if (!fz_has_session(peer)) {
		fz_discard(try, "MSG-07", FZ_DISCARDED);
		return;
	}
	if (try->fields->data.length < 1 || try->fields->data.length > (uint64_t)try->set->params.max_text) {
		fz_discard(try, "MSG-06", FZ_DISCARDED);
		return;
	}
	try->rule = "MSG-04";
	try->text = fz_text_of_event(try);
	if (try->text == FZ_NO_TEXT)
		return;
	try->world->texts++;
	fz_set_response(try, fz_text_at(try, try->text)->octets);
	peer->response.text = try->text;
	peer->response.sent = 0;
	peer->response.last_at = 0;
	peer->response.standing = peer->waiting > 0 ? FZ_WAITS : FZ_UNACKED;
	fz_mark(try, peer->tcp, try->before, try->event, FZ_DELIVERED);
	for (unsigned i = 0; i < try->endpoints; i++)
		if (fz_at(try, i)->state == state && fz_at(try, i)->movie == movie)
			fz_deliver(try, i, try->text);
}

static void execute(struct fz_try *try)
{
	switch (try->event) {
	case FZ_ON_CONNECTION: on_connection(try); break;
	case FZ_ON_USER_LIST:
	case FZ_ON_MOVIE_LIST: on_list(try); break;
	case FZ_ON_ENTER: on_enter(try); break;
	case FZ_ON_LEAVE: on_leave(try); break;
	case FZ_ON_SEND: on_send(try); break;
	case FZ_ON_OPEN: case FZ_ON_END: case FZ_ON_TIME: case FZ_ON_TOO_LONG: case FZ_ON_MALFORMED: case FZ_ON_WRONG_COMMAND:
	case FZ_ON_CONNECTION_ACK: case FZ_ON_USER_LIST_ACK: case FZ_ON_MOVIE_LIST_ACK: case FZ_ON_ENTER_ACK: case FZ_ON_LEAVE_ACK:
	case FZ_ON_NEW_MESSAGE_ACK: case FZ_EVENTS_:
		assert(false);
	}
}

/* ---- requests: what comes before the table ------------------------------------------------------------------------- */

/* Section 5: command, TIME (numerically) and USER_NAME of the last request processed. Data is not compared. */
static bool is_repetition(const struct fz_try *try, const struct fz_response *last)
{
	return last->standing != FZ_NONE && last->request == try->fields->command && last->us == try->fields->us &&
		c2w_str_equal(last->user, try->fields->user);
}

/* REL-18: a copy moves no schedule. */
static void repeat(struct fz_try *try, const char *rule)
{
	struct fz_endpoint *peer = fz_at(try, try->from);

	try->rule = rule;
	fz_mark(try, peer->tcp, try->before, try->event, FZ_REPEATED_COPY);
	fz_expect_message(try, try->from, peer->response.octets, rule, rule);
}

/* REL-11, with a session: true if the request is not executed. */
static bool is_old(struct fz_try *try)
{
	struct fz_response *last = &fz_at(try, try->from)->response;

	if (try->fields->us > last->us)
		return false;
	if (!is_repetition(try, last))
		fz_discard(try, "REL-11", FZ_STALE);
	else if (last->standing == FZ_WAITS)
		fz_discard(try, "REL-11", FZ_REPEATED_WAITS);
	else if (last->standing == FZ_ACKED && fz_choose(try, 2) == 0)
		fz_discard(try, "REL-11", FZ_REPEATED_SILENT);
	else
		repeat(try, "REL-11");
	return true;
}

/* REL-12, without one. On TCP section 4 is right too; and when the response was given up (REL-08) the document does not say
 * whether it is still one to be repeated. */
static bool is_answered(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);
	enum fz_standing standing = peer->response.standing;

	if (!is_repetition(try, &peer->response) || standing == FZ_ACKED)
		return false;
	if (peer->tcp && fz_choose(try, 2) == 1)
		return false;
	if (standing == FZ_GIVEN_UP && fz_choose(try, 2) == 0)
		return false;
	repeat(try, "REL-12");
	return true;
}

void fz_judge_request(struct fz_try *try)
{
	struct fz_endpoint *peer = fz_at(try, try->from);

	if (fz_has_session(peer) && try->event != FZ_ON_CONNECTION && !c2w_str_equal(try->fields->user, peer->name))
		fz_discard(try, "NAM-01", FZ_FOREIGN);
	else if (fz_has_session(peer) ? !is_old(try) : !is_answered(try))
		execute(try);
}
