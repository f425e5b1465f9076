/* Who has gone: connections that ended (TRN-06), and who was silent for too long (REL-08). Their sessions end, and nobody can tell when the server
 * has noticed. So what says that one goes on is asked for again, until the server must have: after `answer-within`, four times that for who is patient.
 * For blackbox_play.c and its siblings. What is kept of a name belongs to the play. */
#include "fuzz/blackbox_play_inside.h"

#include <assert.h>
#include <stdlib.h>

/* FIN or RST. */
void fz_goes(struct fz_party *party)
{
	if (!party->tcp || party->asked_count == 0)
		return;
	party->gone_at = net_now(party->play->options.net);
	party->gone_by = C2W_TRN_06;
	party->play->waited = false;
}

void fz_is_given_up(struct fz_party *party, int64_t at)
{
	party->gone_at = at;
	party->gone_by = C2W_REL_08;
	party->play->moves++;
	party->play->waited = false;
}

bool fz_stays_outside(const struct fz_party *party)
{
	if (party->gone_at != 0 && (!party->open || party->mute))
		return !party->claimed;
	return fz_is_placed(party) && party->guess.place == FZ_OUTSIDE;
}

static int64_t latest_end(const struct fz_play *play)
{
	int64_t latest = 0;

	for (unsigned i = 0; i < FZ_CAST; i++)
		latest = play->parties[i].gone_at > latest ? play->parties[i].gone_at : latest;
	return latest;
}

/* A scenario waits once, for all of them. */
void fz_say_gone(struct fz_play *play)
{
	if (latest_end(play) == 0 || play->waited)
		return;
	fz_say(play, "wait $answer-within\n");
	play->waited = true;
}

void fz_expect_free(struct fz_expected *expected, struct c2w_str name)
{
	expected->haunted = true;
	expected->text = strndup(name.at, name.length);
	assert(expected->text != NULL);
}

static bool denies(const struct fz_play *play, const struct fz_expected *expected, const struct c2w_message *message)
{
	if (expected->answer.family == C2W_USER_LIST)
		return fz_wrong_list(play, expected, message, NULL) != NULL;
	return message->command == C2W_CONNECTION_ERROR && c2w_code_fits(play->options.world->params->name_taken, message->code);
}

/* True: it will be asked for again. */
bool fz_too_soon(struct fz_play *play, struct fz_expected *expected, const struct c2w_message *message)
{
	int64_t now = net_now(play->options.net), ended = latest_end(play);
	int64_t within = (play->options.patient ? 4 : 1) * play->options.world->params->answer_within;

	if (!expected->haunted || now >= ended + within || !denies(play, expected, message))
		return false;
	expected->again_at = now + (now - ended) / 4 + fz_patience_of(play);
	return true;
}

/* True: it is not time for it yet. */
bool fz_ask_anew(struct fz_play *play, struct fz_expected *open)
{
	struct fz_party *party = &play->parties[open->party];
	bool list = open->answer.family == C2W_USER_LIST;

	if (open->again_at == 0 || !fz_can_ask(party))
		return false;
	if (net_now(play->options.net) < open->again_at) {
		net_timer_at(play->timer, open->again_at);
		return true;
	}
	open->again_at = 0;
	fz_probe(party, list ? C2W_USER_LIST_REQUEST : C2W_CONNECTION_REQUEST, list ? party->user : open->text, C2W_STR(""));
	open->time = party->request_us;
	play->fencing = false;
	play->repeats = 0;
	play->awaiting_since = net_now(play->options.net);
	return false;
}
