/* REL-14: over UDP a recipient gets the next text once it has acked the one before. What waits for whoever holds its acks, and comes with an ack of its own.
 * For blackbox_play.c and its siblings; pure. The queues are in what is expected, in their order. */
#include "fuzz/blackbox_play_inside.h"

/* Nobody knows any more which texts are on their way to it. */
void fz_drop_queue(struct fz_party *party)
{
	struct fz_play *play = party->play;

	for (unsigned i = 0; i < play->expected_count; i++) {
		struct fz_expected *e = &play->expected[i];

		if (!e->queued || e->party != party->index)
			continue;
		e->queued = e->waits = false;
		e->asked = e->met = party->guess.murky[C2W_CHAT] = true;
	}
}

static struct fz_expected *first_queued(struct fz_play *play, unsigned party)
{
	for (unsigned i = 0; i < play->expected_count; i++)
		if (play->expected[i].queued && play->expected[i].party == party)
			return &play->expected[i];
	return NULL;
}

bool fz_overtakes(const struct fz_play *play, const struct fz_expected *text)
{
	for (const struct fz_expected *e = play->expected; text->waits && e < text; e++)
		if (e->queued && e->party == text->party && !e->met && !e->waits)
			return true;
	return false;
}

/* Somebody got it: it was processed before whatever comes next. */
static bool is_processed(const struct fz_play *play, const struct fz_expected *text)
{
	for (unsigned i = 0; i < play->expected_count; i++) {
		const struct fz_expected *e = &play->expected[i];

		if (e->answer.family == C2W_CHAT && e->author == text->author && e->time == text->time && e->met && !e->forbidden)
			return true;
	}
	return false;
}

/* Its own text, which waits, may still be on its way to the server when another's comes there. */
static bool order_is_known(const struct fz_play *play, const struct fz_expected *text)
{
	for (const struct fz_expected *e = play->expected; e < text; e++)
		if (e->queued && e->party == text->party && e->author != text->author && !is_processed(play, e))
			return false;
	return true;
}

bool fz_queues(const struct fz_party *party)
{
	return party->holds && !party->tcp;
}

void fz_queue(struct fz_party *party, struct fz_expected *text)
{
	if (!fz_queues(party))
		return;
	text->waits = first_queued(party->play, party->index) != NULL;
	text->queued = true;
	if (!order_is_known(party->play, text))
		fz_drop_queue(party);
}

void fz_remember_ack(struct fz_party *party, int64_t time, struct c2w_str author)
{
	party->acked_us = time;
	snprintf(party->acked, sizeof(party->acked), "%.*s", (int)author.length, author.at);
}

void fz_ack_sent(struct fz_party *party, const struct c2w_message *ack)
{
	struct fz_play *play = party->play;
	struct fz_expected *first = first_queued(play, party->index);
	bool own = c2w_str_equal(ack->user, c2w_str_of(party->user));

	if (ack->command != C2W_NEW_MESSAGE_RESPONSE_ACK || first == NULL)
		return;
	if (!first->met || !own || ack->time != first->time || !c2w_str_equal(ack->data, c2w_str_of(play->parties[first->author].user)) ||
	    party->guess.lost || party->unacked_for > fz_rto_of(play) || net_now(play->options.net) - party->holds_since > 2 * fz_rto_of(play)) {
		fz_drop_queue(party);
		return;
	}
	first->queued = false;
	fz_remember_ack(party, first->time, c2w_str_of(play->parties[first->author].user));
	first = first_queued(play, party->index);
	if (first != NULL)
		first->waits = false;
}

bool fz_was_acked(const struct fz_party *party, const struct c2w_message *text)
{
	return party->play->options.patient && !party->tcp && text->command == C2W_NEW_MESSAGE && text->time == party->acked_us && c2w_str_equal(text->user, c2w_str_of(party->acked));
}
