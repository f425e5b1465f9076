/* Silence: whether what did not come is still to come is decided by a request with a known answer, a fence, sent behind it.
 * For blackbox_play.c and its siblings; pure but for what it sends. */
#include "fuzz/blackbox_play_inside.h"

enum { REPEATS = 3 }; /* REL-01 */

static const int64_t LEAST_PATIENCE = 2 * INT64_C(1000000);

int64_t fz_patience_of(const struct fz_play *play)
{
	int64_t patience = 4 * play->options.round_trip;

	return patience > LEAST_PATIENCE ? patience : LEAST_PATIENCE;
}

int64_t fz_pause_of(const struct fz_play *play)
{
	return play->options.world->params->answer_within / 4 + fz_patience_of(play);
}

int64_t fz_rto_of(const struct fz_play *play)
{
	int64_t rto = play->options.world->params->rto;

	return rto > 0 ? rto : 1000 * FZ_MS;
}

/* How long an answer is waited for before it is asked behind it. Who is patient lets datagrams be late, and even lost: a text comes again after an rto.
 * No fence goes behind a text that was accepted and is still on its way through the room: who is patient gives it four times what REL-17 allows, others
 * twice what such texts took before. */
static int64_t grace_of(const struct fz_play *play, const struct fz_expected *open)
{
	int64_t patience = fz_patience_of(play), within = play->options.world->params->answer_within, usual = 2 * play->options.text_trip;
	bool text = open->answer.family == C2W_CHAT, tcp = play->parties[open->party].tcp;

	if (!play->options.patient)
		return text && usual > patience ? usual : patience;
	if (tcp)
		return patience + (text ? 4 * within : 0);
	if (open->again) /* before what was unacked comes again by itself */
		return patience + within;
	return patience + (text ? 4 * within + fz_rto_of(play) : 2 * within);
}

/* ---- fences --------------------------------------------------------------------------------- */

bool fz_is_fence(struct fz_party *party, const struct c2w_message *message)
{
	if (message->command != C2W_ENTER_MOVIE_ERROR)
		return false;
	for (unsigned i = 0; i < party->fence_count && i < MAX_FENCES; i++)
		if (party->fences[i] == message->time)
			return true;
	return false;
}

/* An answer to an earlier one, which was not waited for to its end, says nothing about what was asked since. */
void fz_fence_answered(struct fz_party *party, int64_t time)
{
	if (party->fence == 0 || time != party->fence)
		return;
	party->fence = 0;
	party->fenced = true;
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

/* Of no movie that is listed: a title has 64 octets at most. */
static struct c2w_str title_of_none(const struct fz_world *world)
{
	static const char marks[] = "?????????????????????????????????????????????????????????????????";
	size_t length = 1;

	while (length <= C2W_MAX_TITLE && fz_is_title(world, (struct c2w_str){ marks, length }))
		length++;
	return (struct c2w_str){ marks, length };
}

/* In every state it is answered with an error and changes nothing. */
void fz_send_fence(struct fz_party *party)
{
	if (!fz_can_ask(party) || (party->fence != 0 && party->index != HONEST))
		return;
	fz_probe(party, C2W_ENTER_MOVIE_REQUEST, likeliest_name(party), title_of_none(party->play->options.world));
	party->fence = party->fences[party->fence_count++ % MAX_FENCES] = party->request_us;
	party->fenced = party->texted = false;
}

/* Behind everything that was waited for long enough. */
static void begin_fencing(struct fz_play *play, const struct fz_expected *open)
{
	int64_t now = net_now(play->options.net);

	play->fencing = true;
	play->fencing_for = open;
	play->fencing_since = net_now(play->options.net);
	for (unsigned i = 0; i < PARTIES; i++) {
		play->parties[i].fence = 0;
		play->parties[i].fenced = play->parties[i].last_fence = false;
	}
	for (unsigned i = 0; i < play->expected_count; i++) {
		const struct fz_expected *expected = &play->expected[i];

		if (!expected->asked || expected->met || now < play->awaiting_since + grace_of(play, expected))
			continue;
		fz_send_fence(&play->parties[expected->party]);
		if (expected->answer.family == C2W_CHAT && !expected->again) /* whose request comes another way */
			fz_send_fence(&play->parties[expected->author]);
	}
	if (fz_ready(&play->parties[HONEST]))
		fz_send_fence(&play->parties[HONEST]);
}

/* ---- what it means -------------------------------------------------------------------------- */

/* ROB-04: connections without a session may be limited, so one of several may be closed. After our own FIN, which the server follows, only one that
 * never said anything may be meant. */
static bool is_one_too_many(const struct fz_party *party)
{
	unsigned others = 0;

	for (unsigned i = 0; i < PARTIES; i++)
		others += i != party->index && party->play->parties[i].tcp && party->play->parties[i].open;
	return party->tcp && party->ended && (!party->inside || party->unsure) && others > 0 && (!party->mute || party->last_us < 0);
}

static void missing(struct fz_play *play, struct fz_expected *expected)
{
	const struct fz_party *party = &play->parties[expected->party];
	const char *wanted = c2w_command_info(expected->answer.command)->name;
	bool own = expected->answer.family != C2W_CHAT || expected->author == expected->party;
	enum c2w_rule rule = own && party->ended && party->nonsense && !party->mute ? C2W_TRN_05 : expected->answer.rule;
	unsigned count = play->finding_count;
	char what[160];

	if (c2w_rule_info(rule)->level != C2W_MUST || is_one_too_many(party)) { /* it need not come */
		expected->met = true;
		return;
	}
	if (expected->again)
		snprintf(what, sizeof(what), "%s did not come again for a repetition", wanted);
	else if (party->ended)
		snprintf(what, sizeof(what), "the server closed the connection instead of sending %s", wanted);
	else
		snprintf(what, sizeof(what), "%s did not come", wanted);
	fz_find(play, FZ_VIOLATION, rule, what, fz_escaped(c2w_str_of(wanted)), NULL);
	if (play->finding_count > count)
		play->findings[count].closed = party->ended && !expected->again;
	fz_stop(play);
}

void fz_hangs(struct fz_play *play)
{
	fz_find(play, FZ_HANG, C2W_ROB_02, "nobody is served any more", fz_escaped(C2W_STR("an answer to an honest client")), NULL);
	play->silent = true;
	fz_stop(play);
}

/* Have those been answered that were sent behind the request? A text comes another way than its request: once its author's fence is answered the
 * text has been processed, so what answers one more fence of the recipient comes behind it. REL-14: where it waited behind others, which we acked
 * meanwhile, that has to be asked again. */
static bool fences_answered(struct fz_play *play, const struct fz_expected *open)
{
	struct fz_party *party = &play->parties[open->party];
	const struct fz_party *author = &play->parties[open->author];

	if (!party->fenced)
		return false;
	if (open->answer.family != C2W_CHAT || open->again)
		return true;
	if (party->last_fence && !party->texted)
		return true;
	if (!fz_can_ask(party))
		return !party->ended;
	if (author != party && !author->fenced && fz_can_ask(author))
		return false;
	party->last_fence = true;
	play->fencing_since = net_now(play->options.net); /* it is served: patience begins anew */
	fz_send_fence(party);
	return false;
}

/* What is open is decided when the fences behind it were answered; or an honest client's was, and this one's is not; or nobody's is. */
static void decide(struct fz_play *play, struct fz_expected *open)
{
	const struct fz_party *party = &play->parties[open->party];
	int64_t within = play->options.world->params->answer_within, since = net_now(play->options.net) - play->fencing_since;
	bool honest = play->parties[HONEST].fenced;

	if (fences_answered(play, open) || (honest && (party->ended || since >= (play->options.patient ? 4 : 1) * within)))
		missing(play, open);
	else if (since >= 4 * within)
		honest ? missing(play, open) : fz_hangs(play);
}

/* ---- asking again, as REL-01 says ------------------------------------------------------------- */

static void ask_honestly(struct fz_play *play)
{
	struct fz_party *honest = &play->parties[HONEST];

	if (honest->fenced || !honest->connected)
		return;
	if (honest->fence == 0 || (!honest->tcp && net_now(play->options.net) - honest->request_at >= fz_rto_of(play)))
		fz_send_fence(honest);
}

static void repeat_open(struct fz_play *play)
{
	bool repeated[FZ_CAST] = { false };

	for (unsigned i = 0; i < play->expected_count; i++) {
		const struct fz_expected *open = &play->expected[i];
		unsigned whom = open->answer.family == C2W_CHAT ? open->author : open->party;
		struct fz_party *party = &play->parties[whom];

		if (!open->asked || open->met || repeated[whom] || party->tcp || open->time != party->request_us || !fz_can_ask(party))
			continue;
		repeated[whom] = true;
		fz_repeat(party);
	}
}

/* Whoever is patient says it three times more, as long as nothing was asked behind it. When it is looked at next. */
static int64_t ask_once_more(struct fz_play *play, int64_t due)
{
	int64_t every = play->options.world->params->answer_within / 2, next;

	if (!play->options.patient || every <= 0)
		return due;
	next = play->awaiting_since + (play->repeats + 1) * every;
	if (net_now(play->options.net) >= next && play->repeats < REPEATS) {
		play->repeats++;
		repeat_open(play);
		next += every;
	}
	return play->repeats < REPEATS && next < due ? next : due;
}

void fz_await_on(struct fz_play *play, struct fz_expected *open)
{
	int64_t now = net_now(play->options.net), due;

	if (fz_ask_anew(play, open))
		return;
	due = play->awaiting_since + grace_of(play, open);
	play->fencing &= play->fencing_for == open;
	if (!play->fencing && now < due) {
		net_timer_at(play->timer, ask_once_more(play, due));
		return;
	}
	if (!play->fencing)
		begin_fencing(play, open);
	ask_honestly(play);
	decide(play, open);
	net_timer_at(play->timer, now + fz_patience_of(play));
}
