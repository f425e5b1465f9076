/* The decision table of confirm.h. Pure; for schedule.c and its tests.
 * Nothing is kept between calls. */
#include "harness/confirm.h"

#include <assert.h>
#include <string.h>

struct tally {
	unsigned bad, bad_lossy; /* tries that failed; of these, under loss */
	unsigned good_clean;     /* tries that passed without loss */
	unsigned lossy;          /* tries under loss, whatever came of them */
	unsigned first_bad;
	bool noise, same_rule;
	unsigned loss_tries;     /* so many bad tries under loss count */
};

static bool is_bad(const struct hx_try *try)
{
	return !try->refused && (try->verdict == RP_FAIL || try->verdict == RP_WARN);
}

static bool is_good(const struct hx_try *try)
{
	return !try->refused && (try->verdict == RP_PASS || try->verdict == RP_SKIP);
}

static bool share_a_rule(const struct hx_try *tries, unsigned count)
{
	bool common[C2W_RULES];
	bool any = false;

	memset(common, 1, sizeof(common));
	for (unsigned i = 0; i < count; i++)
		for (unsigned rule = 0; is_bad(&tries[i]) && rule < C2W_RULES; rule++)
			common[rule] = common[rule] && tries[i].broken[rule];
	for (unsigned rule = 0; rule < C2W_RULES; rule++)
		any = any || common[rule];
	return any;
}

static struct tally tally_of(const struct hx_try *tries, unsigned count, enum hx_network network)
{
	struct tally tally = { .first_bad = count, .loss_tries = network == HX_NETWORK_SOUND ? HX_USUAL_TRIES : HX_LOSS_TRIES };

	for (unsigned i = 0; i < count; i++) {
		if (is_bad(&tries[i])) {
			if (tally.bad++ == 0)
				tally.first_bad = i;
			tally.bad_lossy += tries[i].loss;
		}
		tally.good_clean += is_good(&tries[i]) && !tries[i].loss;
		tally.lossy += tries[i].loss;
		tally.noise = tally.noise || tries[i].noise;
	}
	tally.same_rule = share_a_rule(tries, count);
	return tally;
}

static struct hx_decision settled(unsigned keep, const char *reason)
{
	return (struct hx_decision){ .next = HX_SETTLED, .keep = keep, .reason = reason };
}

static struct hx_decision doubtful(unsigned keep, const char *reason)
{
	return (struct hx_decision){ .next = HX_SETTLED, .keep = keep, .doubt = true, .reason = reason };
}

static struct hx_decision again(const struct tally *tally, unsigned count, enum hx_next next)
{
	if (count < HX_MAX_TRIES)
		return (struct hx_decision){ .next = next };
	return doubtful(tally->bad > 0 ? tally->first_bad : count - 1, "Every try ended in another way.");
}

static struct hx_decision after_bad(const struct hx_try *tries, unsigned count, const struct tally *tally)
{
	unsigned last = count - 1;

	if (tries[last].killed)
		return settled(last, NULL);
	if (tally->bad >= 2 && (!tries[last].loss || tally->bad_lossy < tally->bad))
		return settled(last, NULL);
	if (tally->bad < tally->loss_tries)
		return again(tally, count, HX_AGAIN_ALONE);
	if (tally->same_rule)
		return settled(last, "Each try saw loss or reordering, and each broke the same rule.");
	return doubtful(last, "Each try saw loss or reordering, and no two failed in the same way.");
}

/* It passed now, but failed before. */
static struct hx_decision after_change(const struct hx_try *tries, unsigned count, const struct tally *tally)
{
	struct hx_decision decision = settled(tally->first_bad, NULL);

	if (tally->noise)
		return doubtful(tally->first_bad, "It failed, then passed, and this machine or its clock was disturbed meanwhile.");
	if (tally->bad == tally->bad_lossy) {
		if (tally->good_clean < 2)
			return again(tally, count, HX_AGAIN_ALONE);
		return settled(count - 1, "It failed under loss or reordering and passed twice without.");
	}
	if (tries[tally->first_bad].company) {
		decision.company_only = true;
		decision.reason = "It fails only in company: it passed with nothing else running.";
	} else {
		decision.flaky = true;
		decision.reason = "It failed, then passed, both times with nothing else running.";
	}
	return decision;
}

static struct hx_decision after_good(const struct hx_try *tries, unsigned count, bool claims_silence, const struct tally *tally)
{
	unsigned last = count - 1;

	if (tally->bad > 0)
		return after_change(tries, count, tally);
	if (!tries[last].loss || !claims_silence)
		return settled(last, NULL);
	if (tally->lossy < HX_LOSS_TRIES)
		return again(tally, count, tries[last].company ? HX_AGAIN : HX_AGAIN_ALONE);
	return settled(last, "Each of its tries saw loss or reordering, and in none of them came anything.");
}

/* What a network that is known to lose may have done to a try. */
static struct hx_try allowed_for(const struct hx_try *try, enum hx_network network)
{
	struct hx_try allowed = *try;

	if (network != HX_NETWORK_LOSSY || !try->udp || !is_bad(try))
		return allowed;
	allowed.loss = true;
	if (try->excusable)
		allowed.verdict = RP_INCONCLUSIVE;
	return allowed;
}

static struct hx_decision decide(const struct hx_try *tries, unsigned count, bool claims_silence, enum hx_network network)
{
	const struct hx_try *last = &tries[count - 1];
	struct tally tally = tally_of(tries, count, network);

	if (last->refused && last->company)
		return again(&tally, count, HX_AGAIN_ALONE);
	if (last->refused)
		return doubtful(count - 1, "The target has no room for the users this needs, though nothing else was running.");
	if (is_bad(last))
		return after_bad(tries, count, &tally);
	if (is_good(last))
		return after_good(tries, count, claims_silence, &tally);
	if (count < HX_USUAL_TRIES)
		return again(&tally, count, HX_AGAIN_ALONE);
	return doubtful(tally.bad > 0 ? tally.first_bad : count - 1, tally.bad > 0 ? "It failed, and could not be judged again." : NULL);
}

struct hx_decision hx_decide(const struct hx_try *tries, unsigned count, bool claims_silence, enum hx_network network)
{
	struct hx_try allowed[HX_MAX_TRIES];

	assert(count > 0 && count <= HX_MAX_TRIES);
	for (unsigned i = 0; i < count; i++)
		allowed[i] = allowed_for(&tries[i], network);
	return decide(allowed, count, claims_silence, network);
}
