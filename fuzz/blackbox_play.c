/* The driver of the black-box fuzzer, see blackbox_play.h: one step after the other, each once what is due was decided.
 * Called by its user and by the loop of its net. Everything belongs to struct fz_play. */
#include "fuzz/blackbox_play_inside.h"

#include <assert.h>
#include <stdlib.h>

static const int64_t CONNECT_WITHIN = 4000 * INT64_C(1000000);

/* ---- steps ---------------------------------------------------------------------------------- */

bool fz_ready(struct fz_party *party)
{
	if (!party->open)
		fz_open_party(party);
	return party->connected || party->ended;
}

void fz_do_send(struct fz_party *party, const struct fz_step *step)
{
	struct fz_play *play = party->play;

	fz_send_step(party, step);
	play->batch = step->joined;
	if (step->await && !party->deaf) {
		fz_ask(play, party->index);
		for (unsigned i = 0; i < play->expected_count; i++)
			if (play->expected[i].answer.family == C2W_CHAT && play->expected[i].author == party->index && !play->expected[i].asked)
				fz_ask(play, play->expected[i].party);
	}
}

/* Its session may go on without it (UDP), or end a moment later than what comes next (TCP). */
static void do_close(struct fz_party *party, bool reset)
{
	bool session = party->guess.lost || party->guess.place != FZ_OUTSIDE || party->moving >= 0;

	fz_goes(party);
	fz_forget_expected(party->play, party->index);
	fz_close_party(party, reset);
	party->guess.lost = session;
}

static void do_open(struct fz_party *party)
{
	bool lost = party->guess.lost;

	fz_open_party(party);
	party->guess.lost = party->claimed || (lost && !party->tcp);
}

static void do_other(struct fz_party *party, const struct fz_step *step)
{
	switch (step->action) {
	case FZ_HOLD:
		party->holds = true;
		party->holds_since = net_now(party->play->options.net);
		return;
	case FZ_RESUME:
		party->holds = false;
		fz_drop_queue(party);
		return;
	case FZ_OPEN:
		do_open(party);
		return;
	case FZ_CLOSE:
	case FZ_RESET:
		do_close(party, step->action == FZ_RESET);
		return;
	case FZ_HALF_CLOSE:
		if (!party->deaf) /* else it may be answered for some time yet */
			fz_goes(party);
		party->mute = party->guess.lost = true;
		fz_last_words(party);
		net_tcp_shutdown(party->link);
		return;
	case FZ_STOP_READING:
	case FZ_READ_AGAIN:
		party->deaf = step->action == FZ_STOP_READING;
		fz_drop_queue(party);
		party->guess.murky[C2W_CHAT] = party->unsure = true;
		fz_set_reading(party, !party->deaf);
		return;
	case FZ_SEND:
	case FZ_OCTETS:
	case FZ_SAME:
	case FZ_WAIT:
	case FZ_ACTIONS:
		return;
	}
}

/* REL-08: who does not ack is taken for dead, some time; whose last answer is unacked, and who was silent since, by the end of all tolerances. */
static void age(struct fz_party *party, int64_t time)
{
	const struct c2w_params *params = party->play->options.world->params;
	bool unacked = party->holds && !party->claimed && party->held_us >= 0 && party->held_us == party->guess.processed && party->held_us == party->request_us;

	party->unacked_for += time;
	party->silent_for += time;
	if (party->unacked_for <= 2 * params->rto)
		return;
	party->guess.lost = true;
	if (!unacked || params->rto <= 0 || params->max_retransmits < 0 ||
	    party->silent_for < (params->max_retransmits + 1) * params->rto / 1000 * (1000 + params->rto_tolerance.late) + params->rto / 4)
		return;
	party->guess.lost = false;
	party->guess.place = FZ_OUTSIDE;
	party->guess.processed = -1;
	party->unacked_for = 0;
	fz_is_given_up(party, net_now(party->play->options.net) + time);
}

static void pass_time(struct fz_play *play, int64_t time)
{
	for (unsigned i = 0; i < FZ_CAST; i++)
		if (!play->parties[i].tcp && (play->parties[i].holds || play->parties[i].deaf))
			age(&play->parties[i], time);
}

/* Time that nobody meant to pass, while something was awaited: who does not ack may be dead. */
static void catch_up(struct fz_play *play)
{
	int64_t rto = fz_rto_of(play), time = net_now(play->options.net) - play->aged_at;

	if (time < rto / 4)
		return;
	play->aged_at += time;
	for (unsigned i = 0; i < FZ_CAST; i++) {
		struct fz_party *party = &play->parties[i];

		if (party->tcp || !(party->holds || party->deaf))
			continue;
		party->unacked_for += time;
		party->guess.lost |= party->unacked_for > 2 * rto;
	}
}

static void pause_for(struct fz_play *play, int64_t time)
{
	pass_time(play, time);
	play->aged_at += time;
	play->pausing = true;
	net_timer_at(play->timer, net_now(play->options.net) + time);
}

static void do_wait(struct fz_play *play, const struct fz_step *step)
{
	pause_for(play, fz_rto_of(play) * step->wait / 1000);
}

/* The rest of it cannot be sent. */
static void end_batch(struct fz_play *play)
{
	if (play->batch)
		fz_say(play, "}\n");
	play->batch = false;
}

/* Over UDP nobody closes whose session would stay behind. */
static bool cannot(const struct fz_party *party, const struct fz_step *step)
{
	if (step->action == FZ_CLOSE)
		return !party->tcp && (party->guess.lost || party->guess.place != FZ_OUTSIDE);
	if (step->action == FZ_OPEN)
		return party->open;
	return party->over || party->ended;
}

/* REL-03: nothing orders two requests over UDP but the answer to the first. Who is patient waits for it, or for a while where none is due. */
static bool goes_alone(const struct fz_play *play, const struct fz_step *step)
{
	return play->options.patient && fz_sends(step) && !play->parties[step->client].tcp;
}

static struct fz_step as_played(const struct fz_play *play, const struct fz_step *step)
{
	struct fz_step played = *step;

	played.await |= goes_alone(play, step);
	played.joined &= !goes_alone(play, step);
	return played;
}

/* False: its connection is not there yet. */
static bool do_step(struct fz_play *play, const struct fz_step *planned)
{
	const struct fz_step played = as_played(play, planned), *step = &played;
	struct fz_party *party = &play->parties[step->client];

	if (step->action == FZ_WAIT) {
		fz_say_step(play, step);
		do_wait(play, step);
		return true;
	}
	if (step->action != FZ_OPEN && !fz_ready(party))
		return false;
	if (cannot(party, step)) {
		end_batch(play);
		return true;
	}
	party->event = fz_event_of(step);
	if (goes_alone(play, step) && fz_may_be_unheard(party)) /* what was lost cannot be said again any more */
		fz_lose_track(party);
	fz_say_step(play, step);
	if (fz_sends(step))
		fz_do_send(party, step);
	else
		do_other(party, step);
	if (fz_sends(step))
		party->hurried = fz_open_expectation(play) == NULL;
	if (fz_sends(step) && party->hurried && goes_alone(play, step))
		pause_for(play, fz_pause_of(play));
	fz_seen(party, 0);
	return true;
}

/* ---- the end -------------------------------------------------------------------------------- */

/* No step more; the endpoints take leave, if there is somebody to take it of. */
void fz_stop(struct fz_play *play)
{
	play->stopped = true;
}

static void finish(void *context)
{
	struct fz_play *play = context;

	play->options.done(play->options.context, play);
}

static void end(struct fz_play *play)
{
	if (play->phase == OVER)
		return;
	play->phase = OVER;
	for (unsigned i = 0; i < PARTIES; i++)
		fz_close_party(&play->parties[i], false);
	net_timer_stop(play->timer);
	net_timer_at(play->finish, net_now(play->options.net));
}

/* ---- playing -------------------------------------------------------------------------------- */

/* True: it goes on at once. */
static bool play_step(struct fz_play *play)
{
	const struct fz_step *step = &play->options.program->steps[play->step];

	catch_up(play);
	if (!do_step(play, step)) {
		net_timer_at(play->timer, net_now(play->options.net) + CONNECT_WITHIN);
		return false;
	}
	play->step++;
	return !play->pausing;
}

/* True: something is awaited. */
static bool blocked(struct fz_play *play)
{
	struct fz_expected *open = play->stopped ? NULL : fz_open_expectation(play);

	if (open == NULL) {
		play->fencing = false;
		return false;
	}
	fz_await_on(play, open);
	return !play->stopped;
}

void fz_advance(struct fz_play *play)
{
	while (play->phase == PLAYING && !play->pausing && !blocked(play)) {
		if (play->stopped || play->step == play->options.program->count)
			fz_begin_leaving(play);
		else if (!play_step(play))
			return;
	}
	if (play->phase != LEAVING || blocked(play))
		return;
	catch_up(play);
	if (!fz_take_leave(play))
		end(play);
	else if (!blocked(play))
		net_timer_at(play->timer, play->leaving_until);
}

static bool connecting(const struct fz_play *play)
{
	const struct fz_program *program = play->options.program;
	const struct fz_party *party;

	if (play->phase != PLAYING || play->step >= program->count)
		return false;
	party = &play->parties[program->steps[play->step].client];
	return party->open && !party->connected && !party->ended;
}

static void timer_due(void *context)
{
	struct fz_play *play = context;

	if (!play->pausing && connecting(play))
		fz_hangs(play);
	play->pausing = false;
	fz_advance(play);
}

/* ---- outside -------------------------------------------------------------------------------- */

static void judge_found(void *context, const struct jd_finding *finding)
{
	if (!finding->suspicion)
		fz_find(context, FZ_VIOLATION, finding->rule, finding->what, fz_escaped(finding->expected), fz_escaped(finding->got));
}

static bool judge_ours(void *context, struct c2w_str user)
{
	const struct fz_play *play = context;

	for (unsigned i = 0; i < PARTIES; i++)
		if (c2w_str_equal(user, c2w_str_of(play->parties[i].user)) || (play->parties[i].session[0] && c2w_str_equal(user, c2w_str_of(play->parties[i].session))))
			return true;
	return false;
}

static void make_party(struct fz_play *play, unsigned index)
{
	struct fz_party *party = &play->parties[index];

	party->play = play;
	party->index = index;
	party->moving = party->moved = -1;
	party->tcp = index == HONEST ? play->options.honest_tcp : play->options.program->tcp[index];
	snprintf(party->user, sizeof(party->user), "%s-%.*s%u", fz_name_of(index), (int)MAX_TAIL, play->tail, index); /* they differ at both ends */
	fz_guess_init(&party->guess);
}

struct fz_play *fz_play_start(const struct fz_play_options *options)
{
	struct fz_play *play = calloc(1, sizeof(*play));
	struct jd_options judging = {
		.params = *options->world->params, .one_way = options->round_trip + 5 * FZ_MS, .found = judge_found, .ours = judge_ours, .context = play,
	};

	assert(play != NULL);
	play->options = *options;
	snprintf(play->tail, sizeof(play->tail), "%s", options->tail);
	play->options.tail = play->tail;
	play->jd = jd_new(&judging, PARTIES);
	assert(play->jd != NULL);
	for (unsigned i = 0; i < PARTIES; i++)
		make_party(play, i);
	play->timer = net_timer_new(options->net, timer_due, play);
	play->finish = net_timer_new(options->net, finish, play);
	play->aged_at = net_now(options->net);
	net_timer_at(play->timer, play->aged_at);
	return play;
}

void fz_play_cut_short(struct fz_play *play)
{
	fz_stop(play);
	play->pausing = false;
	net_timer_at(play->timer, net_now(play->options.net));
}

void fz_play_free(struct fz_play *play)
{
	if (play == NULL)
		return;
	for (unsigned i = 0; i < PARTIES; i++) {
		fz_close_party(&play->parties[i], false);
		free(play->parties[i].buffers);
	}
	for (unsigned i = 0; i < play->expected_count; i++)
		free(play->expected[i].text);
	for (unsigned i = 0; i < play->finding_count; i++) {
		free(play->findings[i].expected);
		free(play->findings[i].got);
	}
	net_timer_free(play->timer);
	net_timer_free(play->finish);
	jd_free(play->jd);
	free(play);
}

const struct fz_finding *fz_play_findings(const struct fz_play *play, unsigned *count)
{
	*count = play->finding_count;
	return play->findings;
}

bool fz_play_refused(const struct fz_play *play)
{
	return play->refused;
}

bool fz_play_unheard(const struct fz_play *play)
{
	return !play->heard;
}

unsigned fz_play_messages(const struct fz_play *play)
{
	return play->messages;
}

int64_t fz_play_round_trip(const struct fz_play *play)
{
	return play->round_trip;
}

int64_t fz_play_text_trip(const struct fz_play *play)
{
	return play->text_trip;
}
