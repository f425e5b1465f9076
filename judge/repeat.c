/* The same message again: how often, how soon, and after what (REL-05 to REL-07, REL-13).
 * For judge/ only; see judge/state.h. UDP; what TCP forbids is counted where the answer is matched. */
#include "judge/state.h"
#include "judge/timing.h"

static const struct c2w_str none = { "", 0 };

/* A network may deliver a datagram twice, and each such copy of a request may be answered: copies that come
 * close together count once, and all of them only beyond what that can explain. */
static void judge_count(const struct jd_arrival *arrival, const struct jd_record *record, const struct jd_cause *cause)
{
	const struct c2w_params *params = &arrival->jd->options.params;
	uint64_t retransmits, allowed, explained;

	if (params->max_retransmits == C2W_AUTO)
		return;
	retransmits = (uint64_t)params->max_retransmits * cause->executions;
	allowed = cause->requests + retransmits;
	explained = 2 * (2 * (uint64_t)cause->requests + retransmits);
	if (record->spaced > allowed || record->copies > explained)
		jd_find(arrival, C2W_REL_06, "it was sent again more than max-retransmits times", none, arrival->octets);
	else if (record->copies > allowed)
		jd_doubt(arrival, C2W_REL_06, "it was sent again more than max-retransmits times, or the network repeats datagrams");
}

/* REL-13: a further request, sent when this had come, was answered: this counts as acked. Where it was acked, REL-07 is the rule. */
static bool judge_superseded(const struct jd_arrival *arrival, const struct jd_record *record, const struct jd_cause *cause)
{
	const struct jd_endpoint *endpoint = arrival->endpoint;

	if (record->family == C2W_CHAT || record->maybe_acked || endpoint->answered_request_seq <= record->first_seq ||
	    cause->last_seq >= endpoint->answered_request_seq || arrival->at <= endpoint->answered_at + arrival->jd->slack)
		return false;
	jd_find(arrival, C2W_REL_13, "it was retransmitted after a further request had been answered", none, arrival->octets);
	return true;
}

/* A later NEW_MESSAGE was sent, so the ack of this one had arrived (REL-14). */
static bool ack_has_arrived(const struct jd_arrival *arrival, const struct jd_record *record)
{
	struct jd_record *newest = jd_record_by_id(arrival->endpoint, arrival->endpoint->newest_chat);

	return record->family == C2W_CHAT && newest && newest != record && newest->first_seq > record->ack_seq &&
	       arrival->at > newest->first_at + arrival->jd->slack && arrival->endpoint->granted_seq > 0 &&
	       arrival->endpoint->granted_seq < record->first_seq;
}

/* Acks may be lost, but hardly four of them, of two messages or more and half of all, while no request is: those of one family, or any. */
static bool acks_are_ignored(const struct jd *jd, enum c2w_family family)
{
	struct jd_acks all = { 0 };
	const struct jd_acks *these = &jd->acks[family];

	for (unsigned other = 0; other < C2W_FAMILIES; other++) {
		all.acked += jd->acks[other].acked;
		all.ignored += jd->acks[other].ignored;
		all.times += jd->acks[other].times;
	}
	if (all.ignored == these->ignored)
		all = *these;
	return !jd->loss && all.times > 3 && all.ignored > 1 && 2 * all.ignored >= all.acked;
}

static void judge_acked(const struct jd_arrival *arrival, struct jd_record *record, const struct jd_cause *cause)
{
	struct jd *jd = arrival->jd;

	if (!record->acked || cause->executions > 1 || cause->last_seq > record->ack_seq || arrival->at <= record->ack_at + jd->slack)
		return;
	if (ack_has_arrived(arrival, record)) {
		jd_find(arrival, C2W_REL_07, "it was retransmitted though its ack had arrived: a later NEW_MESSAGE had been sent", none, arrival->octets);
		return;
	}
	if (record->ack_seq <= record->ignored_seq)
		return;
	if (record->ignored++ == 0)
		jd->acks[record->family].ignored++;
	record->ignored_seq = jd->seq;
	jd->acks[record->family].times++;
	if (acks_are_ignored(jd, record->family))
		jd_find(arrival, C2W_REL_07, "it was retransmitted after it had been acked, as others or itself before", none, arrival->octets);
	else
		jd_doubt(arrival, C2W_REL_07, "it was retransmitted after it had been acked, or the ack was lost");
}

/* What the network does shows in what nothing provoked: copies close together, or retransmissions that are missing. */
static void note_network(const struct jd_arrival *arrival, const struct jd_record *record, const struct jd_cause *cause)
{
	int64_t interval = arrival->at - record->last_at, rto = arrival->jd->options.params.rto;

	if (cause->requests > 1 || cause->executions > 1)
		return;
	if (interval < arrival->jd->slack)
		arrival->jd->disorder = true;
	if (rto != C2W_AUTO && interval > rto * 3 / 2)
		arrival->jd->loss = true;
}

static void judge_pace(const struct jd_arrival *arrival, const struct jd_record *record, const struct jd_cause *cause)
{
	if (cause->requests == 1 && cause->executions == 1 && !record->acked &&
	    !jd_interval_fits(&arrival->jd->options.params, arrival->at - record->last_at, 2 * arrival->jd->options.one_way))
		jd_doubt(arrival, C2W_REL_05, "the interval to the transmission before is not rto within rto-tolerance");
}

void jd_repeat_note(const struct jd_arrival *arrival, struct jd_record *record)
{
	int64_t rto = arrival->jd->options.params.rto;

	record->copies++;
	record->last_seq = arrival->jd->seq;
	record->last_at = arrival->at;
	if (rto == C2W_AUTO || arrival->at - record->spaced_at < rto / 2)
		return;
	record->spaced++;
	record->spaced_at = arrival->at;
}

void jd_repeat(const struct jd_arrival *arrival, struct jd_record *record, const struct jd_cause *cause)
{
	bool superseded;

	if (arrival->endpoint->tcp || arrival->endpoint->opaque) {
		jd_repeat_note(arrival, record);
		return;
	}
	note_network(arrival, record, cause);
	judge_pace(arrival, record, cause);
	superseded = judge_superseded(arrival, record, cause);
	judge_acked(arrival, record, cause);
	jd_repeat_note(arrival, record);
	if (!superseded)
		judge_count(arrival, record, cause);
}
