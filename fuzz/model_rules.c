/* What sections 3 to 6 of PROTOCOL.md demand of a server, one event in one world at a time.
 * For model.c alone. A paraphrase of the document, ids beside it; where that leaves a choice stands fz_choose().
 * Owns nothing: slices kept in the world point into what the model keeps. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "fuzz/model_part.h"

#define SILENCE INT64_C(30000000000) /* ROB-04 */
enum { ANY_MESSAGE = 65507 };        /* FMT-07: what a message to a client may have */

/* ---- sessions ------------------------------------------------------------------------------------------------------ */

static struct fz_endpoint *at(struct fz_try *try, unsigned endpoint)
{
	return &try->world->endpoints[endpoint];
}

static bool has_session(const struct fz_endpoint *peer)
{
	return peer->state != FZ_DISCONNECTED;
}

static void forget_queue(struct fz_endpoint *peer)
{
	memset(peer->queue, 0, sizeof peer->queue);
	peer->waiting = 0;
	peer->sent = 0;
	peer->last_at = 0;
}

static void forget_response(struct fz_endpoint *peer)
{
	memset(&peer->response, 0, sizeof peer->response);
	peer->response.text = FZ_NO_TEXT;
}

/* CON-06: from here on nobody holds the name. NEW_MESSAGEs end with the session (MSG-08, REL-06). */
static void end_session(struct fz_endpoint *peer)
{
	peer->state = FZ_DISCONNECTED;
	peer->movie = -1;
	memset(&peer->name, 0, sizeof peer->name);
	forget_queue(peer);
}

static void close_connection(struct fz_endpoint *peer)
{
	end_session(peer);
	forget_response(peer);
	peer->open = false;
	peer->unread = 0;
}

/* REL-08, ROB-03: as if it had left, and all that waits for it is dropped. */
static void die(struct fz_endpoint *peer)
{
	if (has_session(peer)) {
		end_session(peer);
		forget_response(peer);
	} else {
		peer->response.standing = FZ_GIVEN_UP;
	}
}

static unsigned users_in(struct fz_try *try, int64_t movie)
{
	unsigned users = 0;

	for (unsigned i = 0; i < try->endpoints; i++)
		users += at(try, i)->state == FZ_MOVIE_ROOM && at(try, i)->movie == movie;
	return users;
}

static unsigned users_of(struct fz_try *try)
{
	unsigned users = 0;

	for (unsigned i = 0; i < try->endpoints; i++)
		users += has_session(at(try, i));
	return users;
}

static bool is_name_held(struct fz_try *try, struct c2w_str name)
{
	for (unsigned i = 0; i < try->endpoints; i++)
		if (has_session(at(try, i)) && c2w_str_equal(at(try, i)->name, name))
			return true;
	return false;
}

static int64_t movie_of(const struct fz_settings *set, struct c2w_str title)
{
	for (unsigned i = 0; i < set->movie_count; i++)
		if (c2w_str_equal(c2w_str_of(set->movies[i]), title))
			return (int64_t)i;
	return -1;
}

/* ---- outputs ------------------------------------------------------------------------------------------------------- */

static struct c2w_str octets_of(const struct fz_output *output)
{
	return output->closed ? C2W_STR("(closed)") : (struct c2w_str){ output->octets, output->length };
}

static void take(struct fz_try *try, size_t output)
{
	struct fz_endpoint *peer = at(try, try->outputs[output].endpoint);

	try->taken[output] = true;
	try->taken_count++;
	if (peer->tcp && peer->stalled && !try->outputs[output].closed)
		peer->unread += try->outputs[output].length;
}

/* Takes the message for the endpoint, if it was sent. Messages to one endpoint in one event have no order among them. */
static bool take_message(struct fz_try *try, unsigned endpoint, struct c2w_str octets)
{
	for (size_t i = 0; i < try->count; i++) {
		const struct fz_output *output = &try->outputs[i];

		if (!try->taken[i] && output->endpoint == endpoint && !output->closed && c2w_str_equal(octets_of(output), octets)) {
			take(try, i);
			return true;
		}
	}
	return false;
}

static bool take_closing(struct fz_try *try, unsigned endpoint)
{
	for (size_t i = 0; i < try->count; i++) {
		if (!try->taken[i] && try->outputs[i].endpoint == endpoint && try->outputs[i].closed) {
			take(try, i);
			return true;
		}
	}
	return false;
}

/* An output to the endpoint that is (not) a NEW_MESSAGE and that nothing explains yet; the count of outputs if there is none. */
static size_t find_output(const struct fz_try *try, unsigned endpoint, bool new_message)
{
	size_t i = 0;

	while (i < try->count && (try->taken[i] || try->outputs[i].endpoint != endpoint || try->outputs[i].closed ||
		(try->read[i].command == FZ_NEW_MESSAGE) != new_message))
		i++;
	return i;
}

/* ROB-03, TCP: more than max-backlog waits: dropped; less than a quarter: never. */
static bool may_drop(const struct fz_try *try, const struct fz_endpoint *peer, size_t more)
{
	return peer->tcp && peer->stalled && peer->unread + more >= (uint64_t)try->set->params.max_backlog / 4;
}

static bool was_dropped(struct fz_try *try, unsigned endpoint, size_t more)
{
	struct fz_endpoint *peer = at(try, endpoint);

	if (!may_drop(try, peer, more) || !take_closing(try, endpoint))
		return false;
	fz_mark(try, peer->tcp, peer->state, try->event, FZ_DROPPED);
	close_connection(peer);
	return true;
}

/* What is wrong with the message sent in the place of an exact one, or `missing` if there is none. */
static void blame_difference(struct fz_try *try, const char *missing, unsigned endpoint, struct c2w_str wanted, const char *data_rule)
{
	struct fz_fields want = { 0 }, got;
	size_t other;

	fz_is_message(wanted.at, wanted.length, &want);
	other = find_output(try, endpoint, want.command == FZ_NEW_MESSAGE);
	if (other == try->count) {
		fz_fail(try, missing, endpoint, "this was not sent", wanted);
		return;
	}
	got = try->read[other];
	if (want.command != got.command || want.code != got.code)
		fz_fail(try, missing, endpoint, "another command than it should be", octets_of(&try->outputs[other]));
	else if (!c2w_str_equal(want.time, got.time))
		fz_fail(try, "FMT-02", endpoint, "another TIME than the request's", octets_of(&try->outputs[other]));
	else if (!c2w_str_equal(want.user, got.user))
		fz_fail(try, "FMT-03", endpoint, "another USER_NAME than it should be", octets_of(&try->outputs[other]));
	else
		fz_fail(try, data_rule, endpoint, "other data than it should be", octets_of(&try->outputs[other]));
}

/* The message must have been sent to the endpoint, octet for octet. */
static void expect_message(struct fz_try *try, unsigned endpoint, struct c2w_str octets, const char *missing, const char *data_rule)
{
	if (!take_message(try, endpoint, octets) && !was_dropped(try, endpoint, octets.length))
		blame_difference(try, missing, endpoint, octets, data_rule);
}

/* ---- NEW_MESSAGE --------------------------------------------------------------------------------------------------- */

/* UDP: the first of the queue is sent. */
static void send_first(struct fz_try *try, unsigned endpoint, const char *missing)
{
	struct fz_endpoint *peer = at(try, endpoint);
	int64_t text = peer->queue[0];

	expect_message(try, endpoint, fz_text_at(try, text)->octets, missing, "MSG-03");
	peer->sent = 1;
	peer->last_at = try->now;
	if (peer->response.text == text)
		peer->response.standing = FZ_UNACKED;
}

static void drop_first(struct fz_endpoint *peer)
{
	memmove(peer->queue, peer->queue + 1, (peer->waiting - 1) * sizeof *peer->queue);
	peer->queue[--peer->waiting] = 0;
	peer->sent = 0;
	peer->last_at = 0;
}

/* ROB-03, UDP. Whether "of that many" includes exactly that many is left open: either. */
static void check_backlog(struct fz_try *try, unsigned endpoint)
{
	struct fz_endpoint *peer = at(try, endpoint);
	uint64_t octets = 0, most = (uint64_t)try->set->params.max_backlog;

	for (uint64_t i = 0; i < peer->waiting; i++)
		octets += fz_text_at(try, peer->queue[i])->octets.length;
	if (octets > most || (octets >= most / 4 && fz_choose(try, 2))) {
		fz_mark(try, false, peer->state, try->event, FZ_DROPPED);
		die(peer);
	}
}

static void deliver(struct fz_try *try, unsigned endpoint, int64_t text)
{
	struct fz_endpoint *peer = at(try, endpoint);

	if (peer->tcp) { /* REL-16: nothing waits */
		expect_message(try, endpoint, fz_text_at(try, text)->octets, "MSG-01", "MSG-03");
		return;
	}
	if (peer->waiting == FZ_MAX_WAITING) {
		fz_lose(try);
		return;
	}
	peer->queue[peer->waiting++] = (uint16_t)text;
	if (peer->waiting == 1) /* REL-14 */
		send_first(try, endpoint, "MSG-01");
	check_backlog(try, endpoint);
}

/* MSG-08: both halves are the server's choice. What was sent and is not repeated any more lets the next one go. */
static void leave_room(struct fz_try *try, unsigned endpoint)
{
	struct fz_endpoint *peer = at(try, endpoint);

	if (peer->waiting > 1 && fz_choose(try, 2) == 0)
		while (peer->waiting > 1)
			peer->queue[--peer->waiting] = 0;
	if (peer->waiting > 0 && fz_choose(try, 2) == 1) {
		drop_first(peer);
		if (peer->waiting > 0)
			send_first(try, endpoint, "REL-14");
	}
}

/* ---- responses ----------------------------------------------------------------------------------------------------- */

/* ROB-04: beyond a bound the endpoint without a session that was heard longest ago may be forgotten. */
static void forget_stranger(struct fz_try *try)
{
	struct fz_endpoint *oldest = NULL;
	unsigned strangers = 0;

	for (unsigned i = 0; i < try->endpoints; i++) {
		struct fz_endpoint *peer = at(try, i);

		if (peer->tcp || has_session(peer) || peer->response.standing == FZ_NONE)
			continue;
		strangers++;
		if (!oldest || peer->response.event < oldest->response.event)
			oldest = peer;
	}
	if (try->set->max_strangers > 0 && strangers > try->set->max_strangers && fz_choose(try, 2))
		forget_response(oldest);
}

/* Of two copies of the same octets the older one, so that worlds that came to the same compare as the same. */
static struct c2w_str older_of(struct c2w_str old, struct c2w_str new)
{
	return c2w_str_equal(old, new) ? old : new;
}

/* The event's request was processed: REL-13, its response takes the place of the one before. */
static void set_response(struct fz_try *try, struct c2w_str octets)
{
	struct fz_endpoint *peer = at(try, try->from);
	struct c2w_str user = older_of(peer->response.user, try->fields->user);

	octets = older_of(peer->response.octets, octets);
	forget_response(peer);
	peer->response.standing = FZ_UNACKED;
	peer->response.request = try->fields->command;
	peer->response.us = try->fields->us;
	peer->response.user = user;
	peer->response.octets = octets;
	if (peer->tcp) /* no timers, and nobody forgets it */
		return;
	peer->response.sent = 1;
	peer->response.last_at = try->now;
	peer->response.event = fz_event_number(try);
}

/* Section 9: `any` is whatever the server said first. */
static bool is_code(struct fz_try *try, enum fz_outcome error, unsigned code)
{
	const struct c2w_params *params = &try->set->params;
	const int64_t wanted[] = { params->name_taken, params->name_invalid, params->server_full, params->already_connected,
		params->not_connected, params->no_such_movie, params->already_in_movie, params->room_full, params->no_session };
	unsigned i = error - FZ_ERROR_NAME_TAKEN;

	if (wanted[i] != C2W_ANY)
		return wanted[i] == (int64_t)code;
	if (try->world->codes[i] == 0)
		try->world->codes[i] = code + UINT64_C(1);
	return try->world->codes[i] == code + UINT64_C(1);
}

static bool is_error(enum fz_outcome outcome)
{
	return outcome >= FZ_ERROR_NAME_TAKEN && outcome <= FZ_ERROR_NO_SESSION;
}

/* Takes the response to the event's request: `command`, its TIME and USER_NAME (FMT-02, FMT-03), the code of an error; the data is
 * the caller's to judge. NULL: there is none, or a wrong one. */
static const struct fz_output *answer(struct fz_try *try, enum fz_command command, enum fz_outcome outcome, const char *rule, struct fz_fields *got)
{
	size_t i = find_output(try, try->from, false);

	try->rule = rule;
	if (i == try->count) {
		if (!was_dropped(try, try->from, ANY_MESSAGE))
			fz_fail(try, rule, try->from, "no answer, expected", c2w_str_of(fz_command_name(command)));
		return NULL;
	}
	*got = try->read[i];
	if (got->command != command || (is_error(outcome) && !is_code(try, outcome, got->code)))
		fz_fail(try, rule, try->from, "another answer than it should be", octets_of(&try->outputs[i]));
	else if (!c2w_str_equal(got->time, try->fields->time))
		fz_fail(try, "FMT-02", try->from, "another TIME than the request's", octets_of(&try->outputs[i]));
	else if (!c2w_str_equal(got->user, try->fields->user))
		fz_fail(try, "FMT-03", try->from, "another USER_NAME than the request's", octets_of(&try->outputs[i]));
	if (try->failed)
		return NULL;
	take(try, i);
	set_response(try, octets_of(&try->outputs[i]));
	fz_mark(try, at(try, try->from)->tcp, try->before, try->event, outcome);
	return &try->outputs[i];
}

/* GRANTED without data (FMT-09). Whether it was given. */
static bool grant(struct fz_try *try, enum fz_command command, const char *rule)
{
	struct fz_fields got;
	const struct fz_output *output = answer(try, command, FZ_GRANTED, rule, &got);

	if (output && got.data.length > 0)
		fz_fail(try, "FMT-09", try->from, "data where there is none", octets_of(output));
	return output != NULL;
}

/* The reason is anything (FMT-09). */
static void refuse(struct fz_try *try, enum fz_command command, enum fz_outcome error, const char *rule)
{
	struct fz_fields got;

	if (answer(try, command, error, rule, &got) && !has_session(at(try, try->from)))
		forget_stranger(try);
}

static void discard(struct fz_try *try, const char *rule, enum fz_outcome outcome)
{
	try->discarded = rule;
	fz_mark(try, at(try, try->from)->tcp, try->before, try->event, outcome);
}

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
	struct fz_endpoint *peer = at(try, try->from);

	if (has_session(peer)) {
		refuse(try, FZ_CONNECTION_ERROR, FZ_ERROR_ALREADY_CONNECTED, "CON-05");
	} else if (!fz_is_user_name(try->fields->user)) {
		refuse(try, FZ_CONNECTION_ERROR, FZ_ERROR_NAME_INVALID, "CON-03");
	} else if (is_name_held(try, try->fields->user)) {
		refuse(try, FZ_CONNECTION_ERROR, FZ_ERROR_NAME_TAKEN, "CON-02");
	} else if (is_full(try, try->set->params.capacity, users_of(try))) {
		refuse(try, FZ_CONNECTION_ERROR, FZ_ERROR_SERVER_FULL, "CON-04");
	} else if (grant(try, FZ_CONNECTION_GRANTED, "CON-01")) {
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
		struct fz_endpoint *peer = at(try, i);

		if (!has_session(peer))
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
	struct fz_endpoint *peer = at(try, try->from);
	const struct fz_output *output;
	struct fz_fields got;

	if (!has_session(peer)) {
		discard(try, "LST-05", FZ_DISCARDED);
		return;
	}
	if (peer->state == FZ_MOVIE_ROOM && fz_choose(try, 2) == 1) {
		discard(try, "LST-04", FZ_DISCARDED);
		return;
	}
	output = answer(try, users ? FZ_USER_LIST_RESPONSE : FZ_MOVIE_LIST_RESPONSE, FZ_LISTED, rule, &got);
	if (output && !(users ? is_user_list(try, got.data) : is_movie_list(try, got.data)))
		fz_fail(try, rule, try->from, "not the list it should be", octets_of(output));
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
	struct fz_endpoint *peer = at(try, try->from);
	int64_t movie = movie_of(try->set, try->fields->data);
	const struct fz_output *output;
	struct fz_fields got;

	if (!has_session(peer)) {
		refuse(try, FZ_ENTER_MOVIE_ERROR, FZ_ERROR_NOT_CONNECTED, "ENT-04");
	} else if (peer->state == FZ_MOVIE_ROOM) {
		refuse(try, FZ_ENTER_MOVIE_ERROR, FZ_ERROR_ALREADY_IN_MOVIE, "ENT-03");
	} else if (movie < 0) {
		refuse(try, FZ_ENTER_MOVIE_ERROR, FZ_ERROR_NO_SUCH_MOVIE, "ENT-02");
	} else if (is_full(try, try->set->params.room_capacity, users_in(try, movie))) {
		refuse(try, FZ_ENTER_MOVIE_ERROR, FZ_ERROR_ROOM_FULL, "ENT-05");
	} else {
		output = answer(try, FZ_ENTER_MOVIE_GRANTED, FZ_GRANTED, "ENT-01", &got);
		if (!output)
			return;
		if (try->set->params.stream != C2W_ANY && !is_stream(got.data))
			fz_fail(try, "ENT-06", try->from, "no stream", octets_of(output));
		peer->state = FZ_MOVIE_ROOM;
		peer->movie = movie;
		leave_room(try, try->from);
	}
}

static void on_leave(struct fz_try *try)
{
	struct fz_endpoint *peer = at(try, try->from);

	if (!has_session(peer)) {
		refuse(try, FZ_LEAVE_SESSION_ERROR, FZ_ERROR_NO_SESSION, "LEA-03");
	} else if (peer->state == FZ_MOVIE_ROOM) {
		if (grant(try, FZ_LEAVE_SESSION_GRANTED, "LEA-01")) {
			peer->state = FZ_MAIN_ROOM;
			peer->movie = -1;
			leave_room(try, try->from);
		}
	} else if (grant(try, FZ_LEAVE_SESSION_GRANTED, "LEA-02")) {
		end_session(peer);
		forget_stranger(try);
	}
}

/* MSG-01, MSG-02: to every session in the author's room, the author among them, and to nobody else. */
static void on_send(struct fz_try *try)
{
	struct fz_endpoint *peer = at(try, try->from);
	enum fz_state state = peer->state;
	int64_t movie = peer->movie;

	if (!has_session(peer)) {
		discard(try, "MSG-07", FZ_DISCARDED);
		return;
	}
	if (try->fields->data.length < 1 || try->fields->data.length > (uint64_t)try->set->params.max_text) {
		discard(try, "MSG-06", FZ_DISCARDED);
		return;
	}
	try->rule = "MSG-04";
	try->text = fz_text_of_event(try);
	if (try->text == FZ_NO_TEXT)
		return;
	try->world->texts++;
	set_response(try, fz_text_at(try, try->text)->octets);
	peer->response.text = try->text;
	peer->response.sent = 0;
	peer->response.last_at = 0;
	peer->response.standing = peer->waiting > 0 ? FZ_WAITS : FZ_UNACKED;
	fz_mark(try, peer->tcp, try->before, try->event, FZ_DELIVERED);
	for (unsigned i = 0; i < try->endpoints; i++)
		if (at(try, i)->state == state && at(try, i)->movie == movie)
			deliver(try, i, try->text);
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
	struct fz_endpoint *peer = at(try, try->from);

	try->rule = rule;
	fz_mark(try, peer->tcp, try->before, try->event, FZ_REPEATED_COPY);
	expect_message(try, try->from, peer->response.octets, rule, rule);
}

/* REL-11, with a session: true if the request is not executed. */
static bool is_old(struct fz_try *try)
{
	struct fz_response *last = &at(try, try->from)->response;

	if (try->fields->us > last->us)
		return false;
	if (!is_repetition(try, last))
		discard(try, "REL-11", FZ_STALE);
	else if (last->standing == FZ_WAITS)
		discard(try, "REL-11", FZ_REPEATED_WAITS);
	else if (last->standing == FZ_ACKED && fz_choose(try, 2) == 0)
		discard(try, "REL-11", FZ_REPEATED_SILENT);
	else
		repeat(try, "REL-11");
	return true;
}

/* REL-12, without one. On TCP section 4 is right too; and when the response was given up (REL-08) the document does not say
 * whether it is still one to be repeated. */
static bool is_answered(struct fz_try *try)
{
	struct fz_endpoint *peer = at(try, try->from);
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

static void on_request(struct fz_try *try)
{
	struct fz_endpoint *peer = at(try, try->from);

	if (has_session(peer) && try->event != FZ_ON_CONNECTION && !c2w_str_equal(try->fields->user, peer->name))
		discard(try, "NAM-01", FZ_FOREIGN);
	else if (has_session(peer) ? !is_old(try) : !is_answered(try))
		execute(try);
}

/* ---- acks ---------------------------------------------------------------------------------------------------------- */

static void ignore_ack(struct fz_try *try)
{
	discard(try, "REL-09", FZ_ACK_IGNORED);
}

/* REL-10: an ack that names another author may count or not. */
static bool names_author(struct fz_try *try, struct c2w_str author)
{
	return c2w_str_equal(try->fields->data, author) || fz_choose(try, 2) == 1;
}

/* REL-09: the recipient's own, with the TIME of the NEW_MESSAGE sent to it and not acked. */
static void on_new_message_ack(struct fz_try *try)
{
	struct fz_endpoint *peer = at(try, try->from);
	const struct fz_text *text;
	int64_t first = peer->tcp ? peer->response.text : peer->waiting > 0 ? peer->queue[0] : FZ_NO_TEXT;

	if (!has_session(peer) || !c2w_str_equal(try->fields->user, peer->name) || first == FZ_NO_TEXT ||
		(peer->tcp && peer->response.standing != FZ_UNACKED)) {
		ignore_ack(try);
		return;
	}
	text = fz_text_at(try, first);
	if (text->us != try->fields->us || !names_author(try, text->author)) {
		ignore_ack(try);
		return;
	}
	discard(try, "REL-07", peer->waiting > 1 ? FZ_ACK_SENDS_NEXT : FZ_ACK_COUNTED);
	if (peer->response.text == first)
		peer->response.standing = FZ_ACKED;
	if (peer->tcp)
		return;
	drop_first(peer);
	if (peer->waiting > 0)
		send_first(try, try->from, "REL-14");
}

/* REL-09: same family, TIME and USER_NAME as the response. */
static void on_ack(struct fz_try *try)
{
	struct fz_response *response = &at(try, try->from)->response;

	if (response->standing != FZ_UNACKED || response->request != fz_command_request(try->fields->command) ||
		response->us != try->fields->us || !c2w_str_equal(response->user, try->fields->user)) {
		ignore_ack(try);
		return;
	}
	response->standing = FZ_ACKED;
	discard(try, "REL-07", FZ_ACK_COUNTED);
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

/* Something sent over UDP that waits for its ack. */
struct pending {
	int64_t *sent, *last_at;
	struct c2w_str octets;
};

static unsigned pending_of(struct fz_try *try, struct fz_endpoint *peer, struct pending pending[2])
{
	unsigned count = 0;

	if (peer->tcp) /* REL-16 */
		return 0;
	if (peer->response.standing == FZ_UNACKED && peer->response.text == FZ_NO_TEXT)
		pending[count++] = (struct pending){ &peer->response.sent, &peer->response.last_at, peer->response.octets };
	if (peer->waiting > 0)
		pending[count++] = (struct pending){ &peer->sent, &peer->last_at, fz_text_at(try, peer->queue[0])->octets };
	return count;
}

/* REL-05: when the next transmission may come at the earliest and at the latest. */
static int64_t earliest(const struct fz_settings *set, int64_t last_at)
{
	return last_at + set->params.rto - set->params.rto * set->params.rto_tolerance.early / 1000;
}

static int64_t latest(const struct fz_settings *set, int64_t last_at)
{
	return last_at + set->params.rto + set->params.rto * set->params.rto_tolerance.late / 1000;
}

/* REL-06: all transmissions were made. */
static bool is_spent(const struct fz_settings *set, const struct pending *pending)
{
	return *pending->sent > set->params.max_retransmits;
}

/* REL-08: the endpoint may have been taken for dead at `when`, or before. */
static bool may_be_dead(struct fz_try *try, struct fz_endpoint *peer, int64_t when)
{
	struct pending pending[2];
	unsigned count = pending_of(try, peer, pending);

	for (unsigned i = 0; i < count; i++)
		if (is_spent(try->set, &pending[i]) && earliest(try->set, *pending[i].last_at) <= when)
			return true;
	return false;
}

static void bury(struct fz_try *try, struct fz_endpoint *peer)
{
	fz_mark(try, false, peer->state, FZ_ON_TIME, FZ_DEAD);
	die(peer);
}

/* What should have been sent by now comes too late (REL-05) or never (REL-06). */
static void blame_missing(struct fz_try *try, unsigned endpoint, struct c2w_str octets)
{
	for (size_t i = 0; i < try->count; i++) {
		const struct fz_output *output = &try->outputs[i];

		if (!try->taken[i] && output->endpoint == endpoint && !output->closed && c2w_str_equal(octets_of(output), octets)) {
			fz_fail(try, "REL-05", endpoint, "sent again too late", octets);
			return;
		}
	}
	fz_fail(try, "REL-06", endpoint, "not sent again", octets);
}

/* Every deadline before `when` was kept, or the endpoint was dead by then. */
static void settle_endpoint(struct fz_try *try, unsigned endpoint, int64_t when)
{
	struct fz_endpoint *peer = at(try, endpoint);

	while (!try->failed) {
		struct pending pending[2];
		unsigned count = pending_of(try, peer, pending), first = count;

		for (unsigned i = 0; i < count; i++)
			if (latest(try->set, *pending[i].last_at) < when && (first == count || *pending[i].last_at < *pending[first].last_at))
				first = i;
		if (first == count)
			return;
		if (is_spent(try->set, &pending[first]) || may_be_dead(try, peer, latest(try->set, *pending[first].last_at)))
			bury(try, peer);
		else
			blame_missing(try, endpoint, pending[first].octets);
	}
}

static void settle(struct fz_try *try, int64_t when)
{
	for (unsigned i = 0; i < try->endpoints; i++)
		settle_endpoint(try, i, when);
}

/* REL-08 has a tolerance: within it the endpoint is dead, or not yet. */
static void bury_perhaps(struct fz_try *try, unsigned endpoint)
{
	struct fz_endpoint *peer = at(try, endpoint);
	bool likely = may_be_dead(try, peer, try->now - (try->set->params.rto - earliest(try->set, 0)));

	if (may_be_dead(try, peer, try->now) && (fz_choose(try, 2) == 0) == likely)
		bury(try, peer);
}

/* What a timer sent at output->at: REL-05, REL-06. */
static void on_retransmission(struct fz_try *try, size_t i)
{
	const struct fz_output *output = &try->outputs[i];
	struct fz_endpoint *peer = at(try, output->endpoint);
	struct pending pending[2];
	unsigned count = pending_of(try, peer, pending), p = 0;

	while (p < count && !c2w_str_equal(octets_of(output), pending[p].octets))
		p++;
	if (p == count)
		return; /* fz_blame_output() says why not */
	if (is_spent(try->set, &pending[p])) {
		fz_fail(try, "REL-06", output->endpoint, "sent more than max-retransmits times", octets_of(output));
	} else if (output->at < earliest(try->set, *pending[p].last_at)) {
		fz_fail(try, "REL-05", output->endpoint, "sent again too early", octets_of(output));
	} else {
		fz_mark(try, false, peer->state, FZ_ON_TIME, FZ_RETRANSMITTED);
		++*pending[p].sent;
		*pending[p].last_at = output->at;
		take(try, i);
	}
}

int64_t fz_endpoint_due(const struct fz_settings *set, const struct fz_endpoint *peer, int64_t now)
{
	int64_t due = INT64_MAX;
	int64_t last[2] = { INT64_MIN, INT64_MIN };

	if (!peer->tcp && peer->response.standing == FZ_UNACKED && peer->response.text == FZ_NO_TEXT)
		last[0] = peer->response.last_at;
	if (peer->waiting > 0)
		last[1] = peer->last_at;
	for (unsigned i = 0; i < 2; i++) {
		int64_t next;

		if (last[i] == INT64_MIN)
			continue;
		next = last[i] + set->params.rto > now ? last[i] + set->params.rto : latest(set, last[i]);
		due = next < due ? next : due;
	}
	return due;
}

/* ---- what nothing explains ----------------------------------------------------------------------------------------- */

static bool is_waiting(struct fz_try *try, const struct fz_endpoint *peer, struct c2w_str octets)
{
	for (uint64_t i = 1; i < peer->waiting; i++)
		if (c2w_str_equal(fz_text_at(try, peer->queue[i])->octets, octets))
			return true;
	return false;
}

static bool is_in_room_of(const struct fz_endpoint *one, const struct fz_endpoint *other)
{
	return has_session(one) && one->state == other->state && one->movie == other->movie;
}

static const char *rule_against_text(struct fz_try *try, unsigned endpoint, struct c2w_str octets)
{
	struct fz_endpoint *peer = at(try, endpoint);

	if (is_waiting(try, peer, octets))
		return "REL-14";
	if (try->discarded)
		return try->discarded;
	if (try->text == FZ_NO_TEXT)
		return "MSG-04"; /* a text that was delivered before, or is nobody's */
	if (!c2w_str_equal(octets, fz_text_at(try, try->text)->octets))
		return "MSG-04";
	return is_in_room_of(peer, at(try, try->from)) ? "MSG-04" : "MSG-02";
}

/* The rule that an output breaks by being there. */
static const char *rule_against(struct fz_try *try, size_t i)
{
	const struct fz_output *output = &try->outputs[i];
	struct fz_endpoint *peer = at(try, output->endpoint);
	struct fz_fields fields = try->read[i];
	struct pending pending[2];

	if (fields.command == FZ_NEW_MESSAGE && try->event != FZ_ON_TIME)
		return rule_against_text(try, output->endpoint, octets_of(output));
	if (try->event != FZ_ON_TIME) {
		if (try->discarded)
			return try->discarded;
		return output->endpoint != try->from || !try->rule ? "TRN-04" : try->rule;
	}
	if (peer->tcp)
		return "REL-16";
	if (is_waiting(try, peer, octets_of(output)))
		return "REL-14";
	if (peer->response.standing == FZ_GIVEN_UP && c2w_str_equal(octets_of(output), peer->response.octets))
		return "REL-06";
	for (unsigned k = 0; k < pending_of(try, peer, pending); k++) {
		struct fz_fields sent = { 0 };

		fz_is_message(pending[k].octets.at, pending[k].octets.length, &sent);
		if (sent.command == fields.command && sent.us == fields.us)
			return "REL-04"; /* not octet for octet */
	}
	return "REL-07";
}

/* A connection that the server closed: whose turn it was, or why it may not. */
static void on_closing(struct fz_try *try, size_t i)
{
	unsigned endpoint = try->outputs[i].endpoint;
	struct fz_endpoint *peer = at(try, endpoint);
	bool limited = try->event == FZ_ON_OPEN && !has_session(peer); /* ROB-04 */
	bool silent = try->event == FZ_ON_TIME && !has_session(peer) && try->outputs[i].at - peer->heard_at >= SILENCE;

	if (was_dropped(try, endpoint, 0))
		return;
	if (peer->tcp && (limited || silent)) {
		take(try, i);
		fz_mark(try, true, FZ_DISCONNECTED, try->event, FZ_CLOSED);
		close_connection(peer);
	} else if (endpoint == try->from && try->event != FZ_ON_TIME) {
		fz_fail(try, "TRN-05", endpoint, "a connection closed for no reason", C2W_STR(""));
	} else {
		fz_fail(try, try->event == FZ_ON_TIME ? "REL-16" : "ROB-01", endpoint, "a connection closed for no reason", C2W_STR(""));
	}
}

/* Nothing may be left over, and who is beyond max-backlog must have been dropped. */
static void finish(struct fz_try *try)
{
	for (size_t i = 0; i < try->count && !try->failed; i++) {
		const struct fz_output *output = &try->outputs[i];

		if (try->taken[i])
			continue;
		if (output->closed)
			on_closing(try, i);
		else
			fz_fail(try, rule_against(try, i), output->endpoint, "sent without a reason", octets_of(output));
	}
	for (unsigned i = 0; i < try->endpoints && !try->failed; i++)
		if (at(try, i)->unread > (uint64_t)try->set->params.max_backlog)
			fz_fail(try, "ROB-03", i, "not dropped beyond max-backlog", C2W_STR(""));
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

void fz_judge_open(struct fz_try *try, bool tcp)
{
	struct fz_endpoint *peer = at(try, try->from);

	settle(try, try->now);
	if (tcp || !peer->open) {
		close_connection(peer);
		peer->open = true;
		peer->tcp = tcp;
		peer->stalled = false;
		peer->heard_at = try->now;
	}
	fz_mark(try, tcp, FZ_DISCONNECTED, FZ_ON_OPEN, FZ_OPENED);
	finish(try);
}

/* TRN-05; on UDP it is discarded (FMT-07). */
static void on_too_long(struct fz_try *try)
{
	struct fz_endpoint *peer = at(try, try->from);

	if (!peer->tcp) {
		discard(try, "FMT-07", FZ_DISCARDED);
		return;
	}
	if (!take_closing(try, try->from)) {
		fz_fail(try, "TRN-05", try->from, "a connection not closed, though the message is too long", C2W_STR(""));
		return;
	}
	fz_mark(try, true, try->before, try->event, FZ_CLOSED);
	close_connection(peer);
}

static void on_octets(struct fz_try *try)
{
	switch (try->event) {
	case FZ_ON_TOO_LONG: on_too_long(try); break;
	case FZ_ON_MALFORMED: discard(try, "FMT-05", FZ_DISCARDED); break;
	case FZ_ON_WRONG_COMMAND: discard(try, "FMT-06", FZ_DISCARDED); break;
	case FZ_ON_CONNECTION: case FZ_ON_USER_LIST: case FZ_ON_MOVIE_LIST: case FZ_ON_ENTER: case FZ_ON_LEAVE: case FZ_ON_SEND:
		on_request(try);
		break;
	case FZ_ON_CONNECTION_ACK: case FZ_ON_USER_LIST_ACK: case FZ_ON_MOVIE_LIST_ACK: case FZ_ON_ENTER_ACK: case FZ_ON_LEAVE_ACK:
		on_ack(try);
		break;
	case FZ_ON_NEW_MESSAGE_ACK: on_new_message_ack(try); break;
	case FZ_ON_OPEN: case FZ_ON_END: case FZ_ON_TIME: case FZ_EVENTS_:
		assert(false);
	}
}

/* Another endpoint's death shows in what a request brings about, its own in any message. */
void fz_judge_receive(struct fz_try *try)
{
	struct fz_endpoint *peer = at(try, try->from);
	bool request = try->fields && fz_command_beat(try->fields->command) == FZ_REQUEST;

	settle(try, try->now);
	for (unsigned i = 0; i < try->endpoints; i++)
		if (i == try->from || (request && has_session(at(try, i))))
			bury_perhaps(try, i);
	try->before = peer->state;
	peer->heard_at = try->now;
	if (peer->open && !try->failed)
		on_octets(try);
	finish(try);
}

/* TRN-06: the session ends at once. */
void fz_judge_ended(struct fz_try *try)
{
	struct fz_endpoint *peer = at(try, try->from);

	settle(try, try->now);
	try->before = peer->state;
	try->discarded = "TRN-06";
	take_closing(try, try->from);
	fz_mark(try, peer->tcp, try->before, FZ_ON_END, FZ_ENDED);
	close_connection(peer);
	finish(try);
}

void fz_judge_time(struct fz_try *try)
{
	for (size_t i = 0; i < try->count && !try->failed; i++) {
		settle(try, try->outputs[i].at);
		if (!try->failed && !try->outputs[i].closed)
			on_retransmission(try, i);
	}
	if (!try->failed)
		finish(try);
	settle(try, try->now);
}
