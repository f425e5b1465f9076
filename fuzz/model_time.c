/* What a server does by itself as time passes: section 5 of PROTOCOL.md, REL-04 to REL-08.
 * For model.c and model_rules.c. Owns nothing. */
#include "fuzz/model_part.h"

unsigned fz_pending_of(struct fz_try *try, struct fz_endpoint *peer, struct fz_pending pending[2])
{
	unsigned count = 0;

	if (peer->tcp) /* REL-16 */
		return 0;
	if (peer->response.standing == FZ_UNACKED && peer->response.text == FZ_NO_TEXT)
		pending[count++] = (struct fz_pending){ &peer->response.sent, &peer->response.last_at, peer->response.octets };
	if (peer->waiting > 0)
		pending[count++] = (struct fz_pending){ &peer->sent, &peer->last_at, fz_text_at(try, peer->queue[0])->octets };
	return count;
}

/* REL-05: when the next transmission may come at the earliest and at the latest. */
static int64_t earliest(const struct fz_settings *set, int64_t last_at)
{
	return last_at + set->params.rto - set->params.rto * set->params.rto_tolerance.early / 1000;
}

static int64_t latest(const struct fz_settings *set, int64_t last_at)
{
	return last_at + set->params.rto + set->params.rto * set->params.rto_tolerance.late / 1000;
}

/* REL-06: all transmissions were made. */
static bool is_spent(const struct fz_settings *set, const struct fz_pending *pending)
{
	return *pending->sent > set->params.max_retransmits;
}

/* REL-08: the endpoint may have been taken for dead at `when`, or before. */
static bool may_be_dead(struct fz_try *try, struct fz_endpoint *peer, int64_t when)
{
	struct fz_pending pending[2];
	unsigned count = fz_pending_of(try, peer, pending);

	for (unsigned i = 0; i < count; i++)
		if (is_spent(try->set, &pending[i]) && earliest(try->set, *pending[i].last_at) <= when)
			return true;
	return false;
}

static void bury(struct fz_try *try, struct fz_endpoint *peer)
{
	fz_mark(try, false, peer->state, FZ_ON_TIME, FZ_DEAD);
	fz_die(peer);
}

/* What should have been sent by now comes too late (REL-05) or never (REL-06). */
static void blame_missing(struct fz_try *try, unsigned endpoint, struct c2w_str octets)
{
	for (size_t i = 0; i < try->count; i++) {
		const struct fz_output *output = &try->outputs[i];

		if (!try->taken[i] && output->endpoint == endpoint && !output->closed && c2w_str_equal(fz_octets_of(output), octets)) {
			fz_fail(try, "REL-05", endpoint, "sent again too late", octets);
			return;
		}
	}
	fz_fail(try, "REL-06", endpoint, "not sent again", octets);
}

/* Every deadline before `when` was kept, or the endpoint was dead by then. */
static void settle_endpoint(struct fz_try *try, unsigned endpoint, int64_t when)
{
	struct fz_endpoint *peer = fz_at(try, endpoint);

	while (!try->failed) {
		struct fz_pending pending[2];
		unsigned count = fz_pending_of(try, peer, pending), first = count;

		for (unsigned i = 0; i < count; i++)
			if (latest(try->set, *pending[i].last_at) < when && (first == count || *pending[i].last_at < *pending[first].last_at))
				first = i;
		if (first == count)
			return;
		if (is_spent(try->set, &pending[first]) || may_be_dead(try, peer, latest(try->set, *pending[first].last_at)))
			bury(try, peer);
		else
			blame_missing(try, endpoint, pending[first].octets);
	}
}

void fz_settle(struct fz_try *try, int64_t when)
{
	for (unsigned i = 0; i < try->endpoints; i++)
		settle_endpoint(try, i, when);
}

/* REL-08 has a tolerance: within it the endpoint is dead, or not yet. */
void fz_bury_perhaps(struct fz_try *try, unsigned endpoint)
{
	struct fz_endpoint *peer = fz_at(try, endpoint);
	bool likely = may_be_dead(try, peer, try->now - (try->set->params.rto - earliest(try->set, 0)));

	if (may_be_dead(try, peer, try->now) && (fz_choose(try, 2) == 0) == likely)
		bury(try, peer);
}

/* What a timer sent at output->at: REL-05, REL-06. */
void fz_judge_retransmission(struct fz_try *try, size_t i)
{
	const struct fz_output *output = &try->outputs[i];
	struct fz_endpoint *peer = fz_at(try, output->endpoint);
	struct fz_pending pending[2];
	unsigned count = fz_pending_of(try, peer, pending), p = 0;

	while (p < count && !c2w_str_equal(fz_octets_of(output), pending[p].octets))
		p++;
	if (p == count)
		return; /* fz_blame_output() says why not */
	if (is_spent(try->set, &pending[p])) {
		fz_fail(try, "REL-06", output->endpoint, "sent more than max-retransmits times", fz_octets_of(output));
	} else if (output->at < earliest(try->set, *pending[p].last_at)) {
		fz_fail(try, "REL-05", output->endpoint, "sent again too early", fz_octets_of(output));
	} else {
		fz_mark(try, false, peer->state, FZ_ON_TIME, FZ_RETRANSMITTED);
		++*pending[p].sent;
		*pending[p].last_at = output->at;
		fz_take(try, i);
	}
}

int64_t fz_endpoint_due(const struct fz_settings *set, const struct fz_endpoint *peer, int64_t now)
{
	int64_t due = INT64_MAX;
	int64_t last[2] = { INT64_MIN, INT64_MIN };

	if (!peer->tcp && peer->response.standing == FZ_UNACKED && peer->response.text == FZ_NO_TEXT)
		last[0] = peer->response.last_at;
	if (peer->waiting > 0)
		last[1] = peer->last_at;
	for (unsigned i = 0; i < 2; i++) {
		int64_t next;

		if (last[i] == INT64_MIN)
			continue;
		next = last[i] + set->params.rto > now ? last[i] + set->params.rto : latest(set, last[i]);
		due = next < due ? next : due;
	}
	return due;
}
