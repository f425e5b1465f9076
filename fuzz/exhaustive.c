/* All short histories of two clients, one on UDP and one on TCP: see exhaustive.h.
 * For main_simulate.c.
 * A session belongs to one sequence; the sequence under way is static, for whoever has to print it. */
#include "fuzz/exhaustive.h"

#include <stdio.h>

#include "fuzz/session.h"

enum { UDP = 0, TCP = FZ_UDP_CLIENTS, LONGEST = 16, ROOM_FOR_ONE = 4 /* settings: a movie room holds one, so that its limit is met */ };

/* Each guard of sections 4 and 5 by one representative: a free and a taken name, a title and none, a text; TIME greater, equal and
 * less; the name one's own and another's; acks right and wrong; time up to what is due, and beyond REL-08. */
#define OF(client) \
	{ FZ_OP_REQUEST, client, C2W_CONNECTION, FZ_OWN, FZ_NEXT, FZ_FIRST }, \
	{ FZ_OP_REQUEST, client, C2W_CONNECTION, FZ_NEIGHBOUR, FZ_NEXT, FZ_FIRST }, \
	{ FZ_OP_REQUEST, client, C2W_USER_LIST, FZ_OWN, FZ_NEXT, FZ_FIRST }, \
	{ FZ_OP_REQUEST, client, C2W_ENTER_MOVIE, FZ_OWN, FZ_NEXT, FZ_FIRST }, \
	{ FZ_OP_REQUEST, client, C2W_ENTER_MOVIE, FZ_OWN, FZ_NEXT, FZ_EMPTY }, \
	{ FZ_OP_REQUEST, client, C2W_LEAVE_SESSION, FZ_OWN, FZ_NEXT, FZ_FIRST }, \
	{ FZ_OP_REQUEST, client, C2W_LEAVE_SESSION, FZ_OWN, FZ_EARLIER, FZ_FIRST }, \
	{ FZ_OP_REQUEST, client, C2W_CHAT, FZ_OWN, FZ_NEXT, FZ_FIRST }, \
	{ FZ_OP_REQUEST, client, C2W_CHAT, FZ_NEIGHBOUR, FZ_NEXT, FZ_FIRST }, \
	{ FZ_OP_AGAIN, client, 0, 0, 0, 0 }, \
	{ FZ_OP_ACK, client, 0, FZ_OWN, FZ_NEXT, FZ_FIRST }, \
	{ FZ_OP_ACK, client, 0, FZ_NEIGHBOUR, FZ_NEXT, FZ_FIRST }

static const struct fz_step events[] = {
	OF(UDP), OF(TCP), { FZ_OP_CLOSE, TCP, 0, 0, 0, 0 }, { FZ_OP_WAIT, UDP, FZ_UNTIL_DUE, 0, 0, 0 }, { FZ_OP_WAIT, UDP, FZ_LONGER, 0, 0, 0 },
};

enum { EVENTS = sizeof(events) / sizeof(*events) };

static unsigned chosen[LONGEST], length_of_run;

static void play(void)
{
	struct fz_session *session = fz_session_begin(ROOM_FOR_ONE);

	for (unsigned i = 0; i < length_of_run; i++)
		fz_session_step(session, &events[chosen[i]]);
	fz_session_end(session);
}

/* Plays it once more, telling what happens: that ends the program. */
static void play_again(void)
{
	fz_at_refuted = NULL;
	fz_verbose = true;
	play();
}

/* To the next sequence of this length; false: there is none. */
static bool next(void)
{
	for (unsigned i = length_of_run; i-- > 0; chosen[i] = 0)
		if (++chosen[i] < EVENTS)
			return true;
	return false;
}

unsigned fz_exhaust_events(void)
{
	return EVENTS;
}

/* A sequence's beginnings are checked while it runs: those of the full length hold all shorter ones but for their ends. */
uint64_t fz_exhaust(unsigned length)
{
	uint64_t count = 0;

	FZ_CLAIM(length <= LONGEST);
	fz_at_refuted = play_again;
	for (length_of_run = 0; length_of_run <= length; length_of_run++) {
		memset(chosen, 0, sizeof(chosen));
		do {
			play();
			count++;
		} while (next());
	}
	fz_at_refuted = NULL;
	return count;
}
