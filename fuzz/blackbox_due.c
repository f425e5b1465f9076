/* What is due: of each message that goes out, which answer must come, to whom; and which of them a message is that came.
 * For blackbox_play.c and its siblings. Texts that are expected belong to the play. */
#include "fuzz/blackbox_play_inside.h"

#include <assert.h>
#include <stdlib.h>

static struct fz_expected *expect(struct fz_play *play, unsigned party, const struct fz_answer *answer, int64_t time)
{
	struct fz_expected *expected = &play->expected[play->expected_count];

	if (play->expected_count == MAX_EXPECTED)
		return NULL;
	play->expected_count++;
	*expected = (struct fz_expected){ .party = party, .answer = *answer, .time = time };
	return expected;
}

static void expect_text(struct fz_play *play, unsigned party, unsigned author, const struct fz_answer *answer, const struct c2w_message *message, bool forbidden)
{
	struct fz_expected *expected = expect(play, party, answer, message->time);
	struct c2w_str text = message->data;

	if (expected == NULL)
		return;
	expected->author = author;
	expected->text = malloc(text.length + 1);
	assert(expected->text != NULL);
	memcpy(expected->text, text.at, text.length);
	expected->text_length = text.length;
	expected->forbidden = expected->asked = expected->met = forbidden;
	if (!forbidden)
		fz_queue(&play->parties[party], expected);
}

void fz_forget_expected(struct fz_play *play, unsigned party)
{
	fz_drop_queue(&play->parties[party]);
	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].queued && play->expected[i].author == party)
			fz_drop_queue(&play->parties[play->expected[i].party]);
	for (unsigned i = 0; i < play->expected_count; i++)
		if ((play->expected[i].party == party || (play->expected[i].answer.family == C2W_CHAT && play->expected[i].author == party)) && !play->expected[i].met)
			play->expected[i].asked = play->expected[i].met = true;
}

void fz_lose_track(struct fz_party *party)
{
	party->guess.lost = true;
	party->play->moves++;
	fz_forget_expected(party->play, party->index);
}

bool fz_is_owed(const struct fz_party *party)
{
	const struct fz_play *play = party->play;

	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].party == party->index && !play->expected[i].met && play->expected[i].answer.family != C2W_CHAT)
			return true;
	return false;
}

bool fz_may_be_unheard(const struct fz_party *party)
{
	return !party->tcp && (fz_is_owed(party) || party->moved >= 0);
}

/* What a scenario may charge: the rule has to apply over the transport of who asks. */
static enum c2w_rule tag_of(const struct fz_play *play, const struct fz_expected *expected)
{
	bool list = expected->answer.family == C2W_USER_LIST;
	enum c2w_rule told = play->options.told, rule = list && expected->haunted ? expected->haunted_by : expected->answer.rule;

	if (list && rule == C2W_LST_04 && (told == C2W_LST_01 || told == C2W_LST_03)) /* it need not come, but it does, and says what is wrong */
		return told;
	if (c2w_rule_info(rule)->transports & (play->parties[expected->party].tcp ? C2W_ON_TCP : C2W_ON_UDP))
		return rule;
	return list ? C2W_LST_03 : C2W_CON_06;
}

static void say_expected(const struct fz_play *play, const struct fz_expected *expected)
{
	const struct fz_answer *answer = &expected->answer;

	if (expected->again) {
		fz_say(play, "%s < the same within $answer-within [%s]\n", fz_name_of(expected->party), c2w_rule_info(answer->rule)->id);
		return;
	}
	fz_say(play, "%s < %s", fz_name_of(expected->party), c2w_command_info(answer->command)->name);
	if (answer->error >= 0)
		fz_say(play, " %s", c2w_param_info((enum c2w_param)answer->error)->name);
	if (answer->family == C2W_CHAT) {
		fz_say(play, " by %s ", fz_name_of(expected->author));
		if (play->options.script != NULL)
			fz_text_print((struct c2w_str){ expected->text, expected->text_length }, play->options.script);
	}
	if (answer->command == C2W_CONNECTION_GRANTED)
		fz_say(play, " or CONNECTION_ERROR server-full%s", answer->anybodys ? " or CONNECTION_ERROR name-taken" : "");
	if (answer->command == C2W_USER_LIST_RESPONSE)
		fz_say_list(play, expected);
	if (answer->command == C2W_ENTER_MOVIE_GRANTED)
		fz_say(play, " or ENTER_MOVIE_ERROR room-full");
	fz_say(play, " [%s]\n", c2w_rule_info(tag_of(play, expected))->id);
}

/* From now on it is waited for. */
void fz_ask(struct fz_play *play, unsigned party)
{
	for (unsigned i = 0; i < play->expected_count; i++) {
		struct fz_expected *expected = &play->expected[i];

		if (expected->party != party || expected->asked || expected->waits || (expected->met && play->options.script == NULL))
			continue;
		expected->asked = true;
		say_expected(play, expected);
	}
	play->repeats = 0;
	play->awaiting_since = net_now(play->options.net);
}

struct fz_expected *fz_open_expectation(struct fz_play *play)
{
	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].asked && !play->expected[i].met)
			return &play->expected[i];
	return NULL;
}

/* Nobody does anything before it is answered. */
static bool is_awaited(const struct fz_party *party, const struct fz_step *step)
{
	return step != NULL && step->await && !party->deaf;
}

/* Texts: everyone who is certainly in the author's room, reads and acks. */
static bool hears(const struct fz_party *party, const struct fz_party *author)
{
	const struct fz_guess *mine = &party->guess, *theirs = &author->guess;

	if (!party->open || party->ended || party->over || party->deaf || mine->lost || mine->murky[C2W_CHAT] || (party->play->loose_text && fz_queues(party)))
		return false;
	return mine->place == theirs->place && (mine->place != FZ_MOVIE_ROOM || mine->movie == theirs->movie);
}

bool fz_is_placed(const struct fz_party *party)
{
	return !party->guess.lost && !party->claimed && party->moving < 0 && !party->ended && !party->over;
}

bool fz_settled(const struct fz_party *party)
{
	return fz_is_placed(party) && !party->unsure && party->unacked_for < fz_rto_of(party->play) / 4;
}

/* It is certainly somewhere else, and stays there while the text is awaited. */
static bool must_not_hear(const struct fz_party *party, const struct fz_party *author)
{
	const struct fz_guess *mine = &party->guess, *theirs = &author->guess;

	if (party == author || !party->open || !fz_settled(party) || !fz_settled(author))
		return false;
	return mine->place != theirs->place || (mine->place == FZ_MOVIE_ROOM && mine->movie != theirs->movie);
}

/* In another session a TIME may come again, with a text for others. */
static void allow_again(const struct fz_party *author, int64_t time)
{
	struct fz_play *play = author->play;

	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].answer.family == C2W_CHAT && play->expected[i].author == author->index && play->expected[i].time == time)
			play->expected[i].forbidden = false;
}

static void text_sent(struct fz_party *author, const struct fz_step *step, const struct fz_answer *answer, const struct c2w_message *message)
{
	struct fz_play *play = author->play;
	struct fz_answer unacked = *answer;
	unsigned before = play->expected_count;
	bool awaited = false;

	unacked.rule = C2W_REL_16;
	allow_again(author, message->time);
	for (unsigned i = 0; i < FZ_CAST; i++) {
		struct fz_party *party = &play->parties[i];
		bool certain = is_awaited(author, step) && step->command == C2W_SEND_MESSAGE_REQUEST && step->action == FZ_SEND;

		if (certain && hears(party, author) && (party == author || party->moving < 0)) {
			expect_text(play, i, author->index, party->tcp && party->holds ? &unacked : answer, message, false);
		} else if (certain && must_not_hear(party, author)) {
			expect_text(play, i, author->index, answer, message, true);
		} else {
			fz_drop_queue(party);
			party->guess.murky[C2W_CHAT] |= party->guess.place != FZ_OUTSIDE;
		}
	}
	for (unsigned i = before; i < play->expected_count; i++)
		awaited |= !play->expected[i].forbidden && !play->expected[i].waits;
	play->loose_text |= !awaited;
}

static bool was_asked_for(const struct fz_play *play, struct c2w_str name)
{
	for (unsigned i = 0; i < FZ_CAST; i++)
		for (unsigned k = 0; k < play->parties[i].asked_count; k++)
			if (c2w_str_equal(name, c2w_str_of(play->parties[i].asked[k])) || play->parties[i].asked_count == MAX_ASKED)
				return true;
	return false;
}

static int whose(const struct fz_play *play, struct c2w_str name)
{
	for (int i = 0; i < FZ_CAST; i++)
		if (c2w_str_equal(name, c2w_str_of(play->parties[i].user)))
			return i;
	return -1;
}

/* One of the cast's, by who could have a session under it. */
static enum fz_name name_of(const struct fz_party *holder)
{
	bool outside = fz_stays_outside(holder);

	if (holder->claimed)
		return FZ_NAME_ANYBODYS;
	if (outside || fz_settled(holder))
		return outside ? FZ_NAME_FREE : FZ_NAME_TAKEN;
	return holder->guess.lost || was_asked_for(holder->play, c2w_str_of(holder->user)) ? FZ_NAME_ANYBODYS : FZ_NAME_FREE;
}

/* Names are ours as they hold the tail; nobody has one that was never asked for. */
static enum fz_name name_asked_for(const struct fz_party *party, const struct fz_step *step, struct c2w_str name)
{
	const struct fz_play *play = party->play;
	int whom = whose(play, name);

	if (whom == (int)party->index && party->gone_at == 0)
		return FZ_NAME_FREE;
	if (!is_awaited(party, step) || party->guess.lost || party->guess.murky[C2W_CONNECTION] || party->guess.place != FZ_OUTSIDE || party->moving >= 0)
		return FZ_NAME_UNKNOWN;
	if (whom >= 0)
		return name_of(&play->parties[whom]);
	return memmem(name.at, name.length, play->options.tail, strlen(play->options.tail)) != NULL && !was_asked_for(play, name) ? FZ_NAME_FREE : FZ_NAME_ANYBODYS;
}

static enum c2w_rule haunted_by(const struct fz_play *play, struct c2w_str name)
{
	int whom = whose(play, name);

	return whom >= 0 && play->parties[whom].gone_at != 0 ? play->parties[whom].gone_by : C2W_NO_RULE;
}

/* CON-06: it was somebody's before. */
static enum c2w_rule rule_of_login(const struct fz_play *play, struct c2w_str name)
{
	if (haunted_by(play, name) != C2W_NO_RULE)
		return haunted_by(play, name);
	for (unsigned i = 0; i < FZ_CAST; i++)
		if (c2w_str_equal(name, c2w_str_of(play->parties[i].session)))
			return C2W_CON_06;
	return C2W_CON_01;
}

/* Whoever asks for another's name may get it, and then the other does not. */
static void claim(const struct fz_party *party, const struct c2w_message *message, const struct fz_answer *answer)
{
	struct fz_play *play = party->play;
	int whom = message->command == C2W_CONNECTION_REQUEST ? whose(play, message->user) : -1;

	if (whom < 0 || whom == (int)party->index || answer->due == FZ_NOTHING || (answer->due == FZ_DUE && answer->command != C2W_CONNECTION_GRANTED))
		return;
	play->parties[whom].claimed = play->parties[whom].guess.lost = true;
	fz_forget_expected(play, (unsigned)whom);
}

/* REL-16: over TCP the next request, whatever becomes of it, ends what the last one is owed. */
static bool is_last_request(const struct fz_party *party, const struct c2w_message *message)
{
	return !party->tcp || message->time == party->request_us;
}

/* REL-11, REL-12: it repeats the last request processed, whose response came, and is not acked. */
static bool is_due_again(const struct fz_party *party, const struct fz_step *step, const struct c2w_message *message)
{
	const struct fz_guess *guess = &party->guess;

	return is_awaited(party, step) && party->holds && (!party->tcp || guess->place != FZ_OUTSIDE) && fz_is_placed(party) && message->time == guess->processed &&
	       message->time == guess->greatest && message->time == party->held_us && message->time == party->last_us && is_last_request(party, message) &&
	       c2w_command_info(message->command)->family == guess->family && c2w_command_info(message->command)->beat == C2W_REQUEST &&
	       c2w_str_equal(message->user, c2w_str_of(party->answers[guess->family].user)) && party->unacked_for < fz_rto_of(party->play) / 2;
}

static void expect_again(struct fz_party *party, const struct c2w_message *message)
{
	const struct fz_answer copy = {
		.due = FZ_DUE, .family = party->guess.family, .command = party->held, .error = -1, .rule = party->guess.place == FZ_OUTSIDE ? C2W_REL_12 : C2W_REL_11,
	};
	struct fz_expected *expected = expect(party->play, party->index, &copy, message->time);

	if (expected == NULL)
		return;
	expected->again = true;
	expected->author = party->index;
	expected->code = party->held_code;
}

/* What need not come at all (LST-04) need not come this way either. */
static void charge(struct fz_answer *answer, enum c2w_rule rule)
{
	if (c2w_rule_info(answer->rule)->level == C2W_MUST)
		answer->rule = rule;
}

/* TRN-06: requests before a FIN are answered. */
void fz_last_words(const struct fz_party *party)
{
	struct fz_play *play = party->play;

	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].party == party->index && !play->expected[i].met && play->expected[i].answer.family != C2W_CHAT)
			charge(&play->expected[i].answer, C2W_TRN_06);
}

void fz_came_again(struct fz_party *party, const struct c2w_message *message)
{
	struct fz_play *play = party->play;

	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].again && play->expected[i].party == party->index && play->expected[i].time == message->time &&
		    play->expected[i].answer.command == message->command && play->expected[i].code == message->code)
			play->expected[i].met = true;
}

static bool may_move(const struct fz_answer *answer)
{
	bool refused = answer->due == FZ_DUE && answer->error >= 0;

	return answer->due != FZ_NOTHING && fz_moves(answer->family) && !refused;
}

void fz_foresee(struct fz_party *party, const struct fz_step *step, struct c2w_str octets)
{
	struct fz_play *play = party->play;
	struct c2w_message message;
	enum c2w_err err = c2w_message_parse(&message, octets.at, octets.length, 0);
	enum fz_name name = err == C2W_OK ? name_asked_for(party, step, message.user) : FZ_NAME_UNKNOWN;
	bool again = err == C2W_OK && octets.length <= (size_t)play->options.world->params->max_request && is_due_again(party, step, &message);
	struct fz_answer answer = fz_guess_sent(&party->guess, play->options.world, c2w_str_of(party->user), name, octets);

	if (again) {
		expect_again(party, &message);
		return;
	}
	if (err == C2W_OK && step != NULL)
		fz_ack_sent(party, &message);
	play->moves += may_move(&answer);
	if (may_move(&answer) && !party->probing) {
		fz_drop_queue(party);
		party->moved = message.time;
	}
	if (err == C2W_OK)
		claim(party, &message, &answer);
	if (answer.command == C2W_CONNECTION_GRANTED)
		answer.rule = rule_of_login(play, message.user);
	if (party->tcp && step != NULL && (step->pieces > 0 || step->joined || play->batch))
		charge(&answer, C2W_TRN_03);
	if (answer.due == FZ_NOTHING || party->probing)
		return;
	if (answer.family == C2W_CHAT) {
		text_sent(party, answer.due == FZ_DUE ? step : NULL, &answer, &message);
	} else if (answer.due == FZ_DUE) {
		struct fz_expected *expected = expect(play, party->index, &answer, message.time);

		if (expected != NULL && answer.family == C2W_USER_LIST && is_awaited(party, step))
			fz_expect_list(play, expected);
		if (expected != NULL && answer.command == C2W_CONNECTION_GRANTED && haunted_by(play, message.user) != C2W_NO_RULE)
			fz_expect_free(expected, message.user);
	}
}

bool fz_forbidden(struct fz_party *party, const struct c2w_message *message)
{
	const struct fz_play *play = party->play;

	for (unsigned i = 0; i < play->expected_count; i++) {
		const struct fz_expected *e = &play->expected[i];

		if (e->forbidden && e->party == party->index && e->time == message->time && c2w_str_equal(message->user, c2w_str_of(play->parties[e->author].user)))
			return true;
	}
	return false;
}

static bool fits_family(const struct fz_expected *expected, const struct fz_party *party, const struct c2w_message *message)
{
	if (expected->met || expected->again || expected->party != party->index || expected->answer.family != c2w_command_info(message->command)->family)
		return false;
	return expected->answer.family != C2W_CHAT || (c2w_str_equal(message->data, (struct c2w_str){ expected->text, expected->text_length }) &&
	                                               c2w_str_equal(message->user, c2w_str_of(party->play->parties[expected->author].user)));
}

/* The one with its TIME, if there is one: an earlier one need not be answered (LST-04). Texts go by their words, as in a scenario. */
struct fz_expected *fz_match(struct fz_party *party, const struct c2w_message *message)
{
	struct fz_play *play = party->play;
	struct fz_expected *first = NULL;

	for (unsigned i = 0; i < play->expected_count; i++) {
		struct fz_expected *e = &play->expected[i];

		if (!fits_family(e, party, message))
			continue;
		if (e->time == message->time || e->answer.family == C2W_CHAT)
			return e;
		first = first != NULL ? first : e;
	}
	return first;
}

struct fz_expected *fz_match_changed(const struct fz_party *party, const struct c2w_message *text)
{
	struct fz_play *play = party->play;

	for (unsigned i = 0; i < play->expected_count; i++) {
		struct fz_expected *e = &play->expected[i];

		if (!e->met && !e->again && e->party == party->index && e->answer.family == C2W_CHAT && e->time == text->time &&
		    c2w_str_equal(text->user, c2w_str_of(play->parties[e->author].user)))
			return e;
	}
	return NULL;
}
