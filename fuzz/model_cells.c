/* The cells of transport x state x event x outcome, for specification coverage: which there are and what they are called.
 * fz_mark() is for the model, the rest for whoever counts. Constant data, nothing owned. */
#include <assert.h>
#include <stdio.h>

#include "fuzz/model_part.h"

_Static_assert((int)FZ_EVENTS == (int)FZ_EVENTS_ && (int)FZ_OUTCOMES == (int)FZ_OUTCOMES_, "fuzz/model.h has the numbers");

static const char *const transports[FZ_TRANSPORTS] = { "UDP", "TCP" };
static const char *const states[FZ_STATES] = { "DISCONNECTED", "MAIN_ROOM", "MOVIE_ROOM" };

static const char *const events[FZ_EVENTS] = {
	[FZ_ON_OPEN] = "opened", [FZ_ON_END] = "ended", [FZ_ON_TIME] = "time", [FZ_ON_TOO_LONG] = "too long",
	[FZ_ON_MALFORMED] = "malformed", [FZ_ON_WRONG_COMMAND] = "wrong command",
	[FZ_ON_CONNECTION] = "CONNECTION_REQUEST", [FZ_ON_USER_LIST] = "USER_LIST_REQUEST", [FZ_ON_MOVIE_LIST] = "MOVIE_LIST_REQUEST",
	[FZ_ON_ENTER] = "ENTER_MOVIE_REQUEST", [FZ_ON_LEAVE] = "LEAVE_SESSION_REQUEST", [FZ_ON_SEND] = "SEND_MESSAGE_REQUEST",
	[FZ_ON_CONNECTION_ACK] = "CONNECTION_RESPONSE_ACK", [FZ_ON_USER_LIST_ACK] = "USER_LIST_RESPONSE_ACK",
	[FZ_ON_MOVIE_LIST_ACK] = "MOVIE_LIST_RESPONSE_ACK", [FZ_ON_ENTER_ACK] = "ENTER_MOVIE_RESPONSE_ACK",
	[FZ_ON_LEAVE_ACK] = "LEAVE_SESSION_RESPONSE_ACK", [FZ_ON_NEW_MESSAGE_ACK] = "NEW_MESSAGE_RESPONSE_ACK",
};

static const char *const outcomes[FZ_OUTCOMES] = {
	[FZ_DISCARDED] = "discarded", [FZ_FOREIGN] = "discarded, another's name", [FZ_STALE] = "discarded, an old TIME",
	[FZ_REPEATED_WAITS] = "repeated, its response waits", [FZ_REPEATED_SILENT] = "repeated, nothing",
	[FZ_REPEATED_COPY] = "repeated, a copy", [FZ_GRANTED] = "granted", [FZ_LISTED] = "list", [FZ_DELIVERED] = "delivered",
	[FZ_ERROR_NAME_TAKEN] = "name-taken", [FZ_ERROR_NAME_INVALID] = "name-invalid", [FZ_ERROR_SERVER_FULL] = "server-full",
	[FZ_ERROR_ALREADY_CONNECTED] = "already-connected", [FZ_ERROR_NOT_CONNECTED] = "not-connected",
	[FZ_ERROR_NO_SUCH_MOVIE] = "no-such-movie", [FZ_ERROR_ALREADY_IN_MOVIE] = "already-in-movie",
	[FZ_ERROR_ROOM_FULL] = "room-full", [FZ_ERROR_NO_SESSION] = "no-session",
	[FZ_ACK_COUNTED] = "counts", [FZ_ACK_SENDS_NEXT] = "counts, the next is sent", [FZ_ACK_IGNORED] = "ignored",
	[FZ_RETRANSMITTED] = "sent again", [FZ_DEAD] = "taken for dead", [FZ_DROPPED] = "dropped", [FZ_CLOSED] = "closed",
	[FZ_ENDED] = "ended", [FZ_OPENED] = "opened",
};

#define UDP 1u
#define TCP 2u
#define BOTH 3u
#define OUT (1u << FZ_DISCONNECTED)
#define MAIN (1u << FZ_MAIN_ROOM)
#define MOVIE (1u << FZ_MOVIE_ROOM)
#define IN (MAIN | MOVIE)
#define ALL (OUT | IN)
#define BIT(outcome) (1u << (outcome))
#define COPY_OR_STALE (BIT(FZ_STALE) | BIT(FZ_REPEATED_SILENT) | BIT(FZ_REPEATED_COPY))

/* What the document makes possible. Dropped: by what is sent to it while it does not read (ROB-03), or that it does not ack. */
static const struct cells {
	unsigned transports, states, outcomes;
	enum fz_event first, last;
} possible[] = {
	{ BOTH, OUT, BIT(FZ_OPENED), FZ_ON_OPEN, FZ_ON_OPEN },
	{ TCP, OUT, BIT(FZ_CLOSED), FZ_ON_OPEN, FZ_ON_OPEN },
	{ TCP, ALL, BIT(FZ_ENDED), FZ_ON_END, FZ_ON_END },
	{ UDP, ALL, BIT(FZ_RETRANSMITTED) | BIT(FZ_DEAD), FZ_ON_TIME, FZ_ON_TIME },
	{ TCP, OUT, BIT(FZ_CLOSED), FZ_ON_TIME, FZ_ON_TIME },
	{ UDP, ALL, BIT(FZ_DISCARDED), FZ_ON_TOO_LONG, FZ_ON_TOO_LONG },
	{ TCP, ALL, BIT(FZ_CLOSED), FZ_ON_TOO_LONG, FZ_ON_TOO_LONG },
	{ BOTH, ALL, BIT(FZ_DISCARDED), FZ_ON_MALFORMED, FZ_ON_WRONG_COMMAND },
	{ BOTH, OUT, BIT(FZ_GRANTED) | BIT(FZ_ERROR_NAME_TAKEN) | BIT(FZ_ERROR_NAME_INVALID) | BIT(FZ_ERROR_SERVER_FULL) |
		BIT(FZ_REPEATED_COPY), FZ_ON_CONNECTION, FZ_ON_CONNECTION },
	{ BOTH, IN, BIT(FZ_ERROR_ALREADY_CONNECTED) | COPY_OR_STALE, FZ_ON_CONNECTION, FZ_ON_CONNECTION },
	{ BOTH, OUT, BIT(FZ_DISCARDED), FZ_ON_USER_LIST, FZ_ON_MOVIE_LIST },
	{ BOTH, IN, BIT(FZ_LISTED) | BIT(FZ_FOREIGN) | COPY_OR_STALE, FZ_ON_USER_LIST, FZ_ON_MOVIE_LIST },
	{ BOTH, MOVIE, BIT(FZ_DISCARDED), FZ_ON_USER_LIST, FZ_ON_MOVIE_LIST }, /* LST-04 */
	{ BOTH, OUT, BIT(FZ_ERROR_NOT_CONNECTED) | BIT(FZ_REPEATED_COPY), FZ_ON_ENTER, FZ_ON_ENTER },
	{ BOTH, MAIN, BIT(FZ_GRANTED) | BIT(FZ_ERROR_NO_SUCH_MOVIE) | BIT(FZ_ERROR_ROOM_FULL), FZ_ON_ENTER, FZ_ON_ENTER },
	{ BOTH, MOVIE, BIT(FZ_ERROR_ALREADY_IN_MOVIE), FZ_ON_ENTER, FZ_ON_ENTER },
	{ BOTH, IN, BIT(FZ_FOREIGN) | COPY_OR_STALE, FZ_ON_ENTER, FZ_ON_ENTER },
	{ BOTH, IN, BIT(FZ_FOREIGN) | COPY_OR_STALE, FZ_ON_SEND, FZ_ON_SEND },
	{ BOTH, IN, BIT(FZ_FOREIGN) | BIT(FZ_STALE), FZ_ON_LEAVE, FZ_ON_LEAVE },
	{ BOTH, MAIN, COPY_OR_STALE, FZ_ON_LEAVE, FZ_ON_LEAVE }, /* who was answered in the movie room is in the main room */
	{ BOTH, OUT, BIT(FZ_ERROR_NO_SESSION) | BIT(FZ_REPEATED_COPY), FZ_ON_LEAVE, FZ_ON_LEAVE },
	{ BOTH, IN, BIT(FZ_GRANTED), FZ_ON_LEAVE, FZ_ON_LEAVE },
	{ BOTH, ALL, BIT(FZ_DISCARDED), FZ_ON_SEND, FZ_ON_SEND },
	{ BOTH, IN, BIT(FZ_DELIVERED) | BIT(FZ_DROPPED), FZ_ON_SEND, FZ_ON_SEND },
	{ UDP, IN, BIT(FZ_REPEATED_WAITS), FZ_ON_SEND, FZ_ON_SEND },
	{ TCP, IN, BIT(FZ_DROPPED), FZ_ON_CONNECTION, FZ_ON_LEAVE },
	{ TCP, OUT, BIT(FZ_DROPPED), FZ_ON_CONNECTION, FZ_ON_CONNECTION },
	{ TCP, OUT, BIT(FZ_DROPPED), FZ_ON_ENTER, FZ_ON_LEAVE },
	{ BOTH, ALL, BIT(FZ_ACK_IGNORED), FZ_ON_CONNECTION_ACK, FZ_ON_LEAVE_ACK },
	{ BOTH, ALL, BIT(FZ_ACK_COUNTED), FZ_ON_CONNECTION_ACK, FZ_ON_CONNECTION_ACK },
	{ BOTH, IN, BIT(FZ_ACK_COUNTED), FZ_ON_USER_LIST_ACK, FZ_ON_MOVIE_LIST_ACK },
	{ BOTH, ALL, BIT(FZ_ACK_COUNTED), FZ_ON_ENTER_ACK, FZ_ON_ENTER_ACK },
	{ BOTH, OUT | MAIN, BIT(FZ_ACK_COUNTED), FZ_ON_LEAVE_ACK, FZ_ON_LEAVE_ACK },
	{ BOTH, ALL, BIT(FZ_ACK_IGNORED), FZ_ON_NEW_MESSAGE_ACK, FZ_ON_NEW_MESSAGE_ACK },
	{ BOTH, IN, BIT(FZ_ACK_COUNTED), FZ_ON_NEW_MESSAGE_ACK, FZ_ON_NEW_MESSAGE_ACK },
	{ UDP, IN, BIT(FZ_ACK_SENDS_NEXT), FZ_ON_NEW_MESSAGE_ACK, FZ_ON_NEW_MESSAGE_ACK },
};

/* What no run of the session core shows, so that it counts for no coverage of ours. */
static const struct cells elsewhere[] = {
	{ BOTH, MOVIE, BIT(FZ_DISCARDED), FZ_ON_USER_LIST, FZ_ON_MOVIE_LIST }, /* LST-04 is a SHOULD, and it does */
	{ TCP, OUT, BIT(FZ_CLOSED), FZ_ON_OPEN, FZ_ON_OPEN },                  /* ROB-04: server/serve.c limits connections, */
	{ TCP, OUT, BIT(FZ_CLOSED), FZ_ON_TIME, FZ_ON_TIME },                  /* and closes those that are silent */
	{ TCP, ALL, BIT(FZ_CLOSED), FZ_ON_TOO_LONG, FZ_ON_TOO_LONG },          /* TRN-05: who cuts the stream closes it */
	{ TCP, MOVIE, BIT(FZ_DROPPED), FZ_ON_LEAVE, FZ_ON_LEAVE },             /* it answers, then drops: in the main room by then */
};

static unsigned cell_of(bool tcp, enum fz_state state, enum fz_event event, enum fz_outcome outcome)
{
	return ((tcp * (unsigned)FZ_STATES + state) * FZ_EVENTS + event) * FZ_OUTCOMES + outcome;
}

void fz_mark(struct fz_try *try, bool tcp, enum fz_state state, enum fz_event event, enum fz_outcome outcome)
{
	if (try->mark_count < FZ_MAX_MARKS)
		try->marks[try->mark_count++] = cell_of(tcp, state, event, outcome);
}

static bool is_among(unsigned cell, const struct cells *cells, size_t count)
{
	unsigned outcome = cell % FZ_OUTCOMES, event = cell / FZ_OUTCOMES % FZ_EVENTS;
	unsigned state = cell / FZ_OUTCOMES / FZ_EVENTS % FZ_STATES, transport = cell / FZ_OUTCOMES / FZ_EVENTS / FZ_STATES;

	for (size_t i = 0; i < count; i++)
		if (cells[i].transports & 1u << transport && cells[i].states & 1u << state && cells[i].first <= event &&
			event <= cells[i].last && cells[i].outcomes & BIT(outcome))
			return true;
	return false;
}

bool fz_model_cell_possible(unsigned cell)
{
	return is_among(cell, possible, sizeof possible / sizeof *possible);
}

bool fz_model_cell_elsewhere(unsigned cell)
{
	return is_among(cell, elsewhere, sizeof elsewhere / sizeof *elsewhere);
}

const char *fz_model_cell_name(unsigned cell, char *to, size_t size)
{
	assert(cell < FZ_MODEL_CELLS);
	snprintf(to, size, "%s %s %s: %s", transports[cell / FZ_OUTCOMES / FZ_EVENTS / FZ_STATES], states[cell / FZ_OUTCOMES / FZ_EVENTS % FZ_STATES],
		events[cell / FZ_OUTCOMES % FZ_EVENTS], outcomes[cell % FZ_OUTCOMES]);
	return to;
}
