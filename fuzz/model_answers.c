/* What a server sends, and what it keeps of it: texts to whole rooms, responses to whoever asked.
 * For model_requests.c and model_rules.c. Owns nothing: slices kept in the world point into what the model keeps. */
#include "fuzz/model_part.h"

enum { ANY_MESSAGE = 65507 }; /* FMT-07: what a message to a client may have */

/* ---- NEW_MESSAGE --------------------------------------------------------------------------------------------------- */

/* UDP: the first of the queue is sent. */
void fz_send_first(struct fz_try *try, unsigned endpoint, const char *missing)
{
	struct fz_endpoint *peer = fz_at(try, endpoint);
	int64_t text = peer->queue[0];

	fz_expect_message(try, endpoint, fz_text_at(try, text)->octets, missing, "MSG-03");
	peer->sent = 1;
	peer->last_at = try->now;
	if (peer->response.text == text)
		peer->response.standing = FZ_UNACKED;
}

void fz_drop_first(struct fz_endpoint *peer)
{
	memmove(peer->queue, peer->queue + 1, (peer->waiting - 1) * sizeof *peer->queue);
	peer->queue[--peer->waiting] = 0;
	peer->sent = 0;
	peer->last_at = 0;
}

/* ROB-03, UDP. Whether "of that many" includes exactly that many is left open: either. */
static void check_backlog(struct fz_try *try, unsigned endpoint)
{
	struct fz_endpoint *peer = fz_at(try, endpoint);
	uint64_t octets = 0, most = (uint64_t)try->set->params.max_backlog;

	for (uint64_t i = 0; i < peer->waiting; i++)
		octets += fz_text_at(try, peer->queue[i])->octets.length;
	if (octets > most || (octets >= most / 4 && fz_choose(try, 2))) {
		fz_mark(try, false, peer->state, try->event, FZ_DROPPED);
		fz_die(peer);
	}
}

void fz_deliver(struct fz_try *try, unsigned endpoint, int64_t text)
{
	struct fz_endpoint *peer = fz_at(try, endpoint);

	if (peer->tcp) { /* REL-16: nothing waits */
		fz_expect_message(try, endpoint, fz_text_at(try, text)->octets, "MSG-01", "MSG-03");
		return;
	}
	if (peer->waiting == FZ_MAX_WAITING) {
		fz_lose(try);
		return;
	}
	peer->queue[peer->waiting++] = (uint16_t)text;
	if (peer->waiting == 1) /* REL-14 */
		fz_send_first(try, endpoint, "MSG-01");
	check_backlog(try, endpoint);
}

/* MSG-08: both halves are the server's choice. What was sent and is not repeated any more lets the next one go. */
void fz_leave_room(struct fz_try *try, unsigned endpoint)
{
	struct fz_endpoint *peer = fz_at(try, endpoint);

	if (peer->waiting > 1 && fz_choose(try, 2) == 0)
		while (peer->waiting > 1)
			peer->queue[--peer->waiting] = 0;
	if (peer->waiting > 0 && fz_choose(try, 2) == 1) {
		fz_drop_first(peer);
		if (peer->waiting > 0)
			fz_send_first(try, endpoint, "REL-14");
	}
}

/* ---- responses ----------------------------------------------------------------------------------------------------- */

/* ROB-04: beyond a bound the endpoint without a session that was heard longest ago may be forgotten. */
void fz_forget_stranger(struct fz_try *try)
{
	struct fz_endpoint *oldest = NULL;
	unsigned strangers = 0;

	for (unsigned i = 0; i < try->endpoints; i++) {
		struct fz_endpoint *peer = fz_at(try, i);

		if (peer->tcp || fz_has_session(peer) || peer->response.standing == FZ_NONE)
			continue;
		strangers++;
		if (!oldest || peer->response.event < oldest->response.event)
			oldest = peer;
	}
	if (try->set->max_strangers > 0 && strangers > try->set->max_strangers && fz_choose(try, 2))
		fz_forget_response(oldest);
}

/* Of two copies of the same octets the older one, so that worlds that came to the same compare as the same. */
static struct c2w_str older_of(struct c2w_str old, struct c2w_str new)
{
	return c2w_str_equal(old, new) ? old : new;
}

/* The event's request was processed: REL-13, its response takes the place of the one before. */
void fz_set_response(struct fz_try *try, struct c2w_str octets)
{
	struct fz_endpoint *peer = fz_at(try, try->from);
	struct c2w_str user = older_of(peer->response.user, try->fields->user);

	octets = older_of(peer->response.octets, octets);
	fz_forget_response(peer);
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

const struct fz_output *fz_answer(struct fz_try *try, enum fz_command command, enum fz_outcome outcome, const char *rule, struct fz_fields *got)
{
	size_t i = fz_find_output(try, try->from, false);

	try->rule = rule;
	if (i == try->count) {
		if (!fz_was_dropped(try, try->from, ANY_MESSAGE))
			fz_fail(try, rule, try->from, "no answer, expected", c2w_str_of(fz_command_name(command)));
		return NULL;
	}
	*got = try->read[i];
	if (got->command != command || (is_error(outcome) && !is_code(try, outcome, got->code)))
		fz_fail(try, rule, try->from, "another answer than it should be", fz_octets_of(&try->outputs[i]));
	else if (!c2w_str_equal(got->time, try->fields->time))
		fz_fail(try, "FMT-02", try->from, "another TIME than the request's", fz_octets_of(&try->outputs[i]));
	else if (!c2w_str_equal(got->user, try->fields->user))
		fz_fail(try, "FMT-03", try->from, "another USER_NAME than the request's", fz_octets_of(&try->outputs[i]));
	if (try->failed)
		return NULL;
	fz_take(try, i);
	fz_set_response(try, fz_octets_of(&try->outputs[i]));
	fz_mark(try, fz_at(try, try->from)->tcp, try->before, try->event, outcome);
	return &try->outputs[i];
}

/* GRANTED without data (FMT-09). Whether it was given. */
bool fz_grant(struct fz_try *try, enum fz_command command, const char *rule)
{
	struct fz_fields got;
	const struct fz_output *output = fz_answer(try, command, FZ_GRANTED, rule, &got);

	if (output && got.data.length > 0)
		fz_fail(try, "FMT-09", try->from, "data where there is none", fz_octets_of(output));
	return output != NULL;
}

/* The reason is anything (FMT-09). */
void fz_refuse(struct fz_try *try, enum fz_command command, enum fz_outcome error, const char *rule)
{
	struct fz_fields got;

	if (fz_answer(try, command, error, rule, &got) && !fz_has_session(fz_at(try, try->from)))
		fz_forget_stranger(try);
}

void fz_discard(struct fz_try *try, const char *rule, enum fz_outcome outcome)
{
	try->discarded = rule;
	fz_mark(try, fz_at(try, try->from)->tcp, try->before, try->event, outcome);
}
