/* What a scenario shows: played by the engine in virtual time, against the right server and a faulty one.
 * For main_simulate.c. Nothing outlives a call. */
#ifndef FZ_PROOF_H
#define FZ_PROOF_H

struct srv_policy;

enum fz_proof {
	FZ_PROVED,          /* the right server passes it, the faulty one fails it */
	FZ_PASSED_BY_BOTH,
	FZ_FAILED_BY_RIGHT, /* or not to be judged, or no scenario at all */
};

/* scenario: its text. policy: the faulty server's; NULL: it is the right one that is wrong, and has only to fail. */
enum fz_proof fz_prove(const char *scenario, const struct srv_policy *policy);

#endif
