/* What several tries of one scenario come to: again, again with nothing else running, or a verdict that can be trusted.
 * Pure: for schedule.c and its tests. Owns nothing; the reasons it gives are static. */
#ifndef HX_CONFIRM_H
#define HX_CONFIRM_H

#include <stdbool.h>

#include "protocol/rules.h"
#include "reports/result.h"

enum { HX_MAX_TRIES = 8, HX_USUAL_TRIES = 3, HX_LOSS_TRIES = 5 };

/* What is known of the network between here and the target. */
enum hx_network { HX_NETWORK_UNKNOWN, HX_NETWORK_SOUND, HX_NETWORK_LOSSY };

/* One try, as it ended. "Bad" below is a verdict of fail or warn. */
struct hx_try {
	enum rp_verdict verdict;
	bool company;              /* other scenarios ran on the same server at the same time */
	bool udp;                  /* datagrams may have been lost */
	bool refused, loss, noise; /* of struct hx_outcome */
	bool excusable;            /* one lost datagram would explain all that was found */
	bool killed;               /* the server ended while this ran alone: nothing to confirm */
	bool broken[C2W_RULES];    /* rules with a finding of fail or warn */
};

enum hx_next { HX_SETTLED, HX_AGAIN, HX_AGAIN_ALONE };

struct hx_decision {
	enum hx_next next;
	/* The rest for HX_SETTLED only. */
	unsigned keep;             /* the try whose record holds */
	bool doubt;                /* what that record blames on the target becomes inconclusive */
	bool flaky, company_only;  /* of struct rp_scenario */
	const char *reason;        /* a remark, or NULL */
};

/* count tries, the last one just over. claims_silence: the script says that somebody gets nothing, which loss would fake.
 *
 * A first bad try is repeated alone. Bad again: it holds. Good then: company_only where the bad one ran in company, flaky
 * otherwise, but inconclusive where noise was recorded in either. Bad tries under loss only count if HX_LOSS_TRIES of them, or
 * HX_USUAL_TRIES where the network is sound, break the same rule; two good ones without loss clear it. Where the network is lossy, each bad try
 * over UDP was under loss, and an excusable one is inconclusive. A good try under loss is good unless silence was claimed: then it
 * is tried as often, for what was lost once is hardly lost each time. What could not be judged is tried HX_USUAL_TRIES times. A refused set-up is tried again alone, and never blamed on the target's rules. */
struct hx_decision hx_decide(const struct hx_try *tries, unsigned count, bool claims_silence, enum hx_network network);

#endif
