/* Silence: whether what did not come is still to come is decided by a request with a known answer, a fence, sent behind it.
 * For blackbox_play.c and its siblings; pure but for what it sends. */
#include "fuzz/blackbox_play_inside.h"

static const int64_t LEAST_PATIENCE = 2 * INT64_C(1000000);

int64_t fz_patience_of(const struct fz_play *play)
{
	int64_t patience = 4 * play->options.round_trip;

	return patience > LEAST_PATIENCE ? patience : LEAST_PATIENCE;
}

bool fz_is_fence(struct fz_party *party, const struct c2w_message *message)
{
	if (message->command != C2W_ENTER_MOVIE_ERROR)
		return false;
	for (unsigned i = 0; i < party->fence_count && i < MAX_FENCES; i++)
		if (party->fences[i] == message->time)
			return true;
	return false;
}

static bool fence_is_out(const struct fz_play *play)
{
	for (unsigned i = 0; i < FZ_CAST; i++)
		if (play->parties[i].fence != 0)
			return true;
	return false;
}

void fz_fence_answered(struct fz_party *party)
{
	struct fz_play *play = party->play;

	if (party->fence == 0)
		return;
	party->fence = 0;
	party->fenced = true;
	if (play->fencing && party->index != HONEST && !fence_is_out(play))
		play->decide_at = net_now(play->options.net) + fz_patience_of(play);
}

/* REL-14: over UDP a text may wait for our ack of another, as strangers' texts do; each that comes makes it likelier that more do. */
void fz_text_came(struct fz_play *play)
{
	if (play->fencing && play->decide_at < INT64_MAX)
		play->decide_at = net_now(play->options.net) + 2 * fz_patience_of(play);
}

bool fz_can_ask(const struct fz_party *party)
{
	return party->open && party->connected && !party->ended && !party->mute && !party->over && (!party->tcp || party->out.held == 0);
}

void fz_probe(struct fz_party *party, enum c2w_command command, const char *user, struct c2w_str data)
{
	party->probing = true;
	fz_request(party, command, user, data);
	party->probing = false;
}

static const char *likeliest_name(const struct fz_party *party)
{
	return party->guess.lost && party->session[0] != '\0' ? party->session : party->user;
}

/* In every state it is answered with an error and changes nothing. */
void fz_send_fence(struct fz_party *party)
{
	if (!fz_can_ask(party) || (party->fence != 0 && party->index != HONEST))
		return;
	fz_probe(party, C2W_ENTER_MOVIE_REQUEST, likeliest_name(party), C2W_STR("?"));
	party->fence = party->fences[party->fence_count++ % MAX_FENCES] = party->request_us;
}

static void begin_fencing(struct fz_play *play)
{
	play->fencing = true;
	play->fencing_since = net_now(play->options.net);
	play->decide_at = INT64_MAX;
	for (unsigned i = 0; i < PARTIES; i++) {
		play->parties[i].fence = 0;
		play->parties[i].fenced = false;
	}
	for (unsigned i = 0; i < play->expected_count; i++) {
		const struct fz_expected *expected = &play->expected[i];

		if (!expected->asked || expected->met)
			continue;
		fz_send_fence(&play->parties[expected->party]);
		if (expected->answer.family == C2W_CHAT) /* whose request may come another way */
			fz_send_fence(&play->parties[expected->author]);
	}
	if (fz_ready(&play->parties[HONEST]))
		fz_send_fence(&play->parties[HONEST]);
}

static void missing(struct fz_play *play, const struct fz_expected *expected)
{
	const struct fz_party *party = &play->parties[expected->party];
	const char *wanted = c2w_command_info(expected->answer.command)->name;
	enum c2w_rule rule = party->ended && party->nonsense ? C2W_TRN_05 : expected->answer.rule;
	char what[160];

	if (party->ended)
		snprintf(what, sizeof(what), "the server closed the connection instead of sending %s", wanted);
	else
		snprintf(what, sizeof(what), "%s did not come", wanted);
	fz_find(play, FZ_VIOLATION, rule, what, fz_escaped(c2w_str_of(wanted)), NULL);
	fz_stop(play);
}

void fz_hangs(struct fz_play *play)
{
	fz_find(play, FZ_HANG, C2W_ROB_02, "nobody is served any more", fz_escaped(C2W_STR("an answer to an honest client")), NULL);
	play->silent = true;
	fz_stop(play);
}

/* What is open is decided when the fence behind it was answered; or an honest client's was, and this one's is not; or nobody's is. */
static void decide(struct fz_play *play, const struct fz_expected *open)
{
	const struct fz_party *party = &play->parties[open->party];
	int64_t within = play->options.world->params->answer_within, now = net_now(play->options.net), since = now - play->fencing_since;
	bool honest = play->parties[HONEST].fenced;

	if (party->fenced && !fence_is_out(play) ? now >= play->decide_at : honest && (party->ended || since >= within))
		missing(play, open);
	else if (since >= 4 * within)
		honest ? missing(play, open) : fz_hangs(play);
}

/* The honest client repeats its request, as REL-01 says. */
static void ask_honestly(struct fz_play *play)
{
	struct fz_party *honest = &play->parties[HONEST];
	int64_t rto = play->options.world->params->rto, now = net_now(play->options.net);

	if (honest->fenced || !honest->connected)
		return;
	if (honest->fence == 0 || (!honest->tcp && now - honest->request_at >= (rto > 0 ? rto : 1000 * FZ_MS)))
		fz_send_fence(honest);
}

void fz_await_on(struct fz_play *play, const struct fz_expected *open)
{
	int64_t now = net_now(play->options.net), due = play->awaiting_since + fz_patience_of(play);

	if (!play->fencing && now < due) {
		net_timer_at(play->timer, due);
		return;
	}
	if (!play->fencing)
		begin_fencing(play);
	ask_honestly(play);
	decide(play, open);
	net_timer_at(play->timer, play->decide_at < INT64_MAX ? play->decide_at : now + fz_patience_of(play));
}
