/* The end of a play: every endpoint takes leave, as well as it knows where it is, so that nobody stays behind.
 * For blackbox_play.c; pure but for what it sends. */
#include "fuzz/blackbox_play_inside.h"

enum { MAX_FAREWELLS = 4 };

static void read_again(struct fz_party *party)
{
	if (party->deaf && party->open)
		fz_say(party->play, "%s reads again\n", fz_known_names[party->index]);
	if (party->deaf && party->open && !party->ended)
		fz_set_reading(party, true);
	if (party->holds && party->open)
		fz_say(party->play, "%s resumes acks\n", fz_known_names[party->index]);
	party->deaf = party->holds = false;
}

/* Where it is, is known: each LEAVE has one right answer, which is a fence for all that came before. */
static bool leave_certain(struct fz_party *party)
{
	static const struct fz_step leaving = { .action = FZ_SEND, .command = C2W_LEAVE_SESSION_REQUEST, .await = true };
	struct fz_step step = leaving;

	if (party->farewells > 0 && party->guess.place == FZ_OUTSIDE)
		return false;
	step.client = (uint8_t)party->index;
	party->farewells++;
	fz_say_step(party->play, &step);
	fz_do_send(party, &step);
	return true;
}

/* It is not: out of whatever room, and out. */
static bool leave_anyway(struct fz_party *party)
{
	if (party->fence != 0 && net_now(party->play->options.net) < party->play->leaving_until)
		return true;
	if (party->farewells >= MAX_FAREWELLS)
		return false;
	party->farewells = MAX_FAREWELLS;
	for (unsigned i = 0; i < 3 * party->asked_count; i++)
		fz_probe(party, C2W_LEAVE_SESSION_REQUEST, party->asked[i / 3], C2W_STR(""));
	fz_send_fence(party);
	return true;
}

static bool takes_leave(struct fz_party *party)
{
	const struct fz_play *play = party->play;

	if (!fz_can_ask(party))
		return false;
	if (play->options.patient && fz_may_be_unheard(party))
		fz_lose_track(party);
	return play->stopped || party->guess.lost || party->farewells == MAX_FAREWELLS || party->guess.murky[C2W_LEAVE_SESSION] ? leave_anyway(party) : leave_certain(party);
}

/* REL-03: what it asked while it did not read may have been lost, and only what was said last can be said again. */
static bool waits_first(const struct fz_party *party)
{
	const struct fz_play *play = party->play;

	return !play->stopped && play->options.patient && !party->tcp && fz_can_ask(party) && fz_is_owed(party);
}

/* True: there is something to wait for. */
bool fz_take_leave(struct fz_play *play)
{
	bool waiting = false;

	if (play->refused || play->silent)
		return false;
	for (unsigned i = 0; i < FZ_CAST; i++) {
		struct fz_party *party = &play->parties[i];

		read_again(party);
		if (!play->stopped)
			fz_ask(play, i);
		waiting |= waits_first(party) || takes_leave(party);
	}
	return waiting || (!play->stopped && fz_open_expectation(play) != NULL);
}

void fz_begin_leaving(struct fz_play *play)
{
	play->phase = LEAVING;
	play->fencing = false;
	play->leaving_until = net_now(play->options.net) + 10 * fz_patience_of(play);
	for (unsigned i = 0; i < PARTIES; i++)
		play->parties[i].fence = 0;
}
