/* A world of the model: who has a session and where, and what was sent to whom.
 * For the other files of the model. Owns nothing. */
#include "fuzz/model_part.h"

static void forget_queue(struct fz_endpoint *peer)
{
	memset(peer->queue, 0, sizeof peer->queue);
	peer->waiting = 0;
	peer->sent = 0;
	peer->last_at = 0;
}

void fz_forget_response(struct fz_endpoint *peer)
{
	memset(&peer->response, 0, sizeof peer->response);
	peer->response.text = FZ_NO_TEXT;
}

/* CON-06: from here on nobody holds the name. NEW_MESSAGEs end with the session (MSG-08, REL-06). */
void fz_end_session(struct fz_endpoint *peer)
{
	peer->state = FZ_DISCONNECTED;
	peer->movie = -1;
	memset(&peer->name, 0, sizeof peer->name);
	forget_queue(peer);
}

void fz_close_connection(struct fz_endpoint *peer)
{
	fz_end_session(peer);
	fz_forget_response(peer);
	peer->open = false;
	peer->unread = 0;
}

/* REL-08, ROB-03: as if it had left, and all that waits for it is dropped. */
void fz_die(struct fz_endpoint *peer)
{
	if (fz_has_session(peer)) {
		fz_end_session(peer);
		fz_forget_response(peer);
	} else {
		peer->response.standing = FZ_GIVEN_UP;
	}
}

unsigned fz_users_in(struct fz_try *try, int64_t movie)
{
	unsigned users = 0;

	for (unsigned i = 0; i < try->endpoints; i++)
		users += fz_at(try, i)->state == FZ_MOVIE_ROOM && fz_at(try, i)->movie == movie;
	return users;
}

unsigned fz_users_of(struct fz_try *try)
{
	unsigned users = 0;

	for (unsigned i = 0; i < try->endpoints; i++)
		users += fz_has_session(fz_at(try, i));
	return users;
}

bool fz_is_name_held(struct fz_try *try, struct c2w_str name)
{
	for (unsigned i = 0; i < try->endpoints; i++)
		if (fz_has_session(fz_at(try, i)) && c2w_str_equal(fz_at(try, i)->name, name))
			return true;
	return false;
}

int64_t fz_movie_of(const struct fz_settings *set, struct c2w_str title)
{
	for (unsigned i = 0; i < set->movie_count; i++)
		if (c2w_str_equal(c2w_str_of(set->movies[i]), title))
			return (int64_t)i;
	return -1;
}

/* ---- outputs ------------------------------------------------------------------------------------------------------- */

void fz_take(struct fz_try *try, size_t output)
{
	struct fz_endpoint *peer = fz_at(try, try->outputs[output].endpoint);

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

		if (!try->taken[i] && output->endpoint == endpoint && !output->closed && c2w_str_equal(fz_octets_of(output), octets)) {
			fz_take(try, i);
			return true;
		}
	}
	return false;
}

bool fz_take_closing(struct fz_try *try, unsigned endpoint)
{
	for (size_t i = 0; i < try->count; i++) {
		if (!try->taken[i] && try->outputs[i].endpoint == endpoint && try->outputs[i].closed) {
			fz_take(try, i);
			return true;
		}
	}
	return false;
}

size_t fz_find_output(const struct fz_try *try, unsigned endpoint, bool new_message)
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

bool fz_was_dropped(struct fz_try *try, unsigned endpoint, size_t more)
{
	struct fz_endpoint *peer = fz_at(try, endpoint);

	if (!may_drop(try, peer, more) || !fz_take_closing(try, endpoint))
		return false;
	fz_mark(try, peer->tcp, peer->state, try->event, FZ_DROPPED);
	fz_close_connection(peer);
	return true;
}

/* What is wrong with the message sent in the place of an exact one, or `missing` if there is none. */
static void blame_difference(struct fz_try *try, const char *missing, unsigned endpoint, struct c2w_str wanted, const char *data_rule)
{
	struct fz_fields want = { 0 }, got;
	size_t other;

	fz_is_message(wanted.at, wanted.length, &want);
	other = fz_find_output(try, endpoint, want.command == FZ_NEW_MESSAGE);
	if (other == try->count) {
		fz_fail(try, missing, endpoint, "this was not sent", wanted);
		return;
	}
	got = try->read[other];
	if (want.command != got.command || want.code != got.code)
		fz_fail(try, missing, endpoint, "another command than it should be", fz_octets_of(&try->outputs[other]));
	else if (!c2w_str_equal(want.time, got.time))
		fz_fail(try, "FMT-02", endpoint, "another TIME than the request's", fz_octets_of(&try->outputs[other]));
	else if (!c2w_str_equal(want.user, got.user))
		fz_fail(try, "FMT-03", endpoint, "another USER_NAME than it should be", fz_octets_of(&try->outputs[other]));
	else
		fz_fail(try, data_rule, endpoint, "other data than it should be", fz_octets_of(&try->outputs[other]));
}

/* The message must have been sent to the endpoint, octet for octet. */
void fz_expect_message(struct fz_try *try, unsigned endpoint, struct c2w_str octets, const char *missing, const char *data_rule)
{
	if (!take_message(try, endpoint, octets) && !fz_was_dropped(try, endpoint, octets.length))
		blame_difference(try, missing, endpoint, octets, data_rule);
}
