/* The right answers to the server's questions: see policy.h.
 * Called by the core through its policy, and by faults that are right most of the time.
 * Pure; owns nothing. */
#include "server/policy.h"

#include "server/inside.h"

static int64_t due(const struct srv_core *core, const struct srv_sending *sending, int64_t now) /* REL-05: always the same */
{
	(void)sending;
	return now + core->settings.params.rto;
}

static bool last(const struct srv_core *core, const struct srv_sending *sending) /* REL-06 */
{
	return sending->transmissions > (unsigned)core->settings.params.max_retransmits;
}

static bool dead(struct srv_core *core, const struct srv_sending *sending) /* REL-08 */
{
	(void)core;
	(void)sending;
	return true;
}

static bool repeats(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	const struct srv_sent *sent = &sending->parcel->sent;

	(void)core;
	return c2w_command_info(request->command)->family == sent->family && request->time == sent->time &&
	       c2w_str_equal(request->user, sent->user); /* REL-11: data is not compared */
}

static bool stale(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	(void)core;
	return request->time <= endpoint->last; /* REL-11 */
}

static bool acks(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	const struct srv_sent *sent = &sending->parcel->sent;
	bool chat = sent->family == C2W_CHAT;

	(void)core;
	if (c2w_command_info(ack->command)->family != sent->family || ack->time != sent->time) /* REL-09 */
		return false;
	if (!c2w_str_equal(ack->user, chat ? srv_name(sending->endpoint) : sent->user)) /* REL-09, NAM-01 */
		return false;
	return !chat || c2w_str_equal(ack->data, sent->user); /* REL-10 */
}

static int verdict(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request, int error)
{
	(void)core;
	(void)endpoint;
	(void)request;
	return error;
}

struct srv_policy srv_policy_complete(const struct srv_policy *policy)
{
	static const struct srv_policy right = { 0 };
	struct srv_policy complete = policy ? *policy : right;

	complete.due = complete.due ? complete.due : due;
	complete.last = complete.last ? complete.last : last;
	complete.dead = complete.dead ? complete.dead : dead;
	complete.repeats = complete.repeats ? complete.repeats : repeats;
	complete.stale = complete.stale ? complete.stale : stale;
	complete.acks = complete.acks ? complete.acks : acks;
	complete.verdict = complete.verdict ? complete.verdict : verdict;
	complete.frame = complete.frame ? complete.frame : c2w_framer_next;
	return complete;
}
