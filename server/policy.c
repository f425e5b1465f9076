/* The right answers to the core's questions: see policy.h.
 * Called by the core through srv_policy_right, and by faults that are right most of the time.
 * Pure; owns nothing. */
#include "server/policy.h"

static int64_t interval(int64_t rto, unsigned transmissions) /* REL-05: always the same */
{
	(void)transmissions;
	return rto;
}

static bool last(unsigned transmissions, unsigned max_retransmits) /* REL-06 */
{
	return transmissions > max_retransmits;
}

static bool repeats(const struct c2w_message *request, const struct srv_sent *sent) /* REL-11: data is not compared */
{
	return c2w_command_info(request->command)->family == sent->family && request->time == sent->time &&
	       c2w_str_equal(request->user, sent->user);
}

static bool stale(int64_t time, int64_t last_time) /* REL-11 */
{
	return time <= last_time;
}

static bool acks(const struct c2w_message *ack, const struct srv_sent *sent, struct c2w_str recipient)
{
	bool chat = sent->family == C2W_CHAT;

	if (c2w_command_info(ack->command)->family != sent->family || ack->time != sent->time) /* REL-09 */
		return false;
	if (!c2w_str_equal(ack->user, chat ? recipient : sent->user)) /* REL-09, NAM-01 */
		return false;
	return !chat || c2w_str_equal(ack->data, sent->user); /* REL-10 */
}

const struct srv_policy srv_policy_right = {
	.interval = interval,
	.last = last,
	.repeats = repeats,
	.stale = stale,
	.acks = acks,
};
