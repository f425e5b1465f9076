/* The decisions of the core, each a pure question with one right answer: the rules of PROTOCOL.md section 5 as functions.
 * For the core, which asks them, and for faults.c, which answers some of them wrongly. Constant data; nobody owns anything. */
#ifndef SRV_POLICY_H
#define SRV_POLICY_H

#include "protocol/message.h"

/* A message that was sent and not acked yet, as the questions see it. */
struct srv_sent {
	enum c2w_family family;
	int64_t time;
	struct c2w_str user; /* of NEW_MESSAGE: the author */
};

struct srv_policy {
	/* How long after its n-th transmission (1: the first) a message is looked at again: REL-05, REL-08. */
	int64_t (*interval)(int64_t rto, unsigned transmissions);
	/* Was that transmission the last one: REL-06. */
	bool (*last)(unsigned transmissions, unsigned max_retransmits);
	/* Is this request the one that was answered with `sent`: REL-11, REL-12. */
	bool (*repeats)(const struct c2w_message *request, const struct srv_sent *sent);
	/* Is a request of this TIME too old to be executed in its session: REL-11. */
	bool (*stale)(int64_t time, int64_t last);
	/* Does this ack count for `sent`, which went to `recipient` (its session's name, empty without one): REL-09, REL-10. */
	bool (*acks)(const struct c2w_message *ack, const struct srv_sent *sent, struct c2w_str recipient);
};

/* The right answers. */
extern const struct srv_policy srv_policy_right;

#endif
