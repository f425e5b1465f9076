/* Hands findings out: each once, and of one rule at one endpoint not without end.
 * For judge/ only; see judge/state.h. The strings live during the callback. */
#include "judge/state.h"

static const struct c2w_str none = { "", 0 };

static bool reported_before(const struct jd_endpoint *endpoint, enum c2w_rule rule, bool suspicion, uint64_t key)
{
	unsigned count = endpoint->reported_count < JD_REPORTED ? endpoint->reported_count : JD_REPORTED;

	if (endpoint->per_rule[suspicion][rule] >= JD_PER_RULE)
		return true;
	for (unsigned i = 0; i < count; i++)
		if (endpoint->reported[i].rule == rule && endpoint->reported[i].suspicion == suspicion && endpoint->reported[i].key == key)
			return true;
	return false;
}

static void hand_out(struct jd *jd, uint64_t key, const struct jd_finding *finding)
{
	struct jd_endpoint *endpoint = &jd->endpoints[finding->endpoint];
	unsigned slot = endpoint->reported_count % JD_REPORTED;

	if (reported_before(endpoint, finding->rule, finding->suspicion, key))
		return;
	endpoint->reported[slot].rule = finding->rule;
	endpoint->reported[slot].suspicion = finding->suspicion;
	endpoint->reported[slot].key = key;
	endpoint->reported_count++;
	endpoint->per_rule[finding->suspicion][finding->rule]++;
	if (jd->options.found)
		jd->options.found(jd->options.context, finding);
}

void jd_report(struct jd *jd, unsigned endpoint, int64_t at, enum c2w_rule rule, uint64_t key, const char *what,
               struct c2w_str expected, struct c2w_str got)
{
	hand_out(jd, key, &(struct jd_finding){ rule, endpoint, at, false, what, expected, got });
}

void jd_suspect(struct jd *jd, unsigned endpoint, int64_t at, enum c2w_rule rule, uint64_t key, const char *what)
{
	hand_out(jd, key, &(struct jd_finding){ rule, endpoint, at, true, what, none, none });
}

static uint64_t key_of(const struct jd_arrival *arrival)
{
	const struct c2w_message *message = arrival->message;

	return jd_mix(jd_mix((uint64_t)message->time, message->command), arrival->user);
}

void jd_find(const struct jd_arrival *arrival, enum c2w_rule rule, const char *what, struct c2w_str expected, struct c2w_str got)
{
	jd_report(arrival->jd, arrival->number, arrival->at, rule, key_of(arrival), what, expected, got);
}

void jd_doubt(const struct jd_arrival *arrival, enum c2w_rule rule, const char *what)
{
	hand_out(arrival->jd, key_of(arrival), &(struct jd_finding){ rule, arrival->number, arrival->at, true, what, none, arrival->octets });
}
