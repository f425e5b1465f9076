/* Pace: the window of REL-05 and the fingerprint of a server's retransmissions. See judge/timing.h.
 * Callable from anywhere; owns nothing. */
#include "judge/timing.h"

enum { PER_MILLE = 1000 };

struct jd_window jd_interval_window(const struct c2w_params *params)
{
	int64_t rto = params->rto;

	if (rto == C2W_AUTO)
		return (struct jd_window){ 0, INT64_MAX };
	return (struct jd_window){ rto - rto / PER_MILLE * params->rto_tolerance.early,
	                           rto + rto / PER_MILLE * params->rto_tolerance.late };
}

bool jd_interval_fits(const struct c2w_params *params, int64_t interval_ns, int64_t allowance_ns)
{
	struct jd_window window = jd_interval_window(params);

	return interval_ns >= window.earliest - allowance_ns &&
	       (interval_ns <= window.latest || interval_ns - window.latest <= allowance_ns); /* REL-05 */
}

static void insert(int64_t *ascending, unsigned *count, int64_t value)
{
	unsigned at = *count;

	if (at == JD_FINGERPRINT_INTERVALS)
		return;
	for (; at > 0 && ascending[at - 1] > value; at--)
		ascending[at] = ascending[at - 1];
	ascending[at] = value;
	(*count)++;
}

static int64_t median(const int64_t *ascending, unsigned count)
{
	if (count == 0)
		return 0;
	return ascending[(count - 1) / 2] + (ascending[count / 2] - ascending[(count - 1) / 2]) / 2;
}

void jd_fingerprint_begin(struct jd_fingerprint *fingerprint)
{
	fingerprint->previous = 0;
	fingerprint->retransmissions = 0;
}

void jd_fingerprint_add(struct jd_fingerprint *fingerprint, int64_t interval)
{
	insert(fingerprint->intervals, &fingerprint->interval_count, interval);
	if (fingerprint->previous > 0)
		insert(fingerprint->ratios, &fingerprint->ratio_count, (int64_t)((double)interval / (double)fingerprint->previous * PER_MILLE + 0.5));
	fingerprint->previous = interval;
	if (++fingerprint->retransmissions > fingerprint->most)
		fingerprint->most = fingerprint->retransmissions;
}

int64_t jd_fingerprint_median(const struct jd_fingerprint *fingerprint)
{
	return median(fingerprint->intervals, fingerprint->interval_count);
}

int64_t jd_fingerprint_spread(const struct jd_fingerprint *fingerprint)
{
	unsigned count = fingerprint->interval_count;

	return count == 0 ? 0 : fingerprint->intervals[count - 1] - fingerprint->intervals[0];
}

unsigned jd_fingerprint_count(const struct jd_fingerprint *fingerprint)
{
	return fingerprint->most;
}

int64_t jd_fingerprint_backoff(const struct jd_fingerprint *fingerprint)
{
	return median(fingerprint->ratios, fingerprint->ratio_count);
}
