/* The scenarios that speak for a rule's verdict, each once for a transport however often it was repeated, and whether what they say is news to
 * whoever keeps a file of known failures. For terminal.c. Points into the result. */
#ifndef RP_WITNESS_H
#define RP_WITNESS_H

#include "reports/result.h"

/* A scenario that says something of a rule. */
struct rp_witness {
	const struct rp_scenario *scenario;
	const struct rp_finding *finding; /* the first for that rule */
	size_t more;                      /* further ones for it */
};

/* The scenarios with a finding of this verdict for the rule, by id. The caller frees them. */
struct rp_witness *rp_witnesses_find(const struct rp_result *result, enum c2w_rule rule, enum rp_verdict verdict, size_t *count);
/* How many those are, and how many tested the rule at all. */
size_t rp_witness_count(const struct rp_result *result, enum c2w_rule rule, enum rp_verdict verdict);
size_t rp_tested_by(const struct rp_result *result, enum c2w_rule rule);

/* What the witnesses of a rule that is broken make of it. */
enum rp_news { RP_NEWS, RP_NEWS_FLAKY /* each of them passes, too */, RP_NO_NEWS /* each was expected */ };
enum rp_news rp_news_of(const struct rp_result *result, enum c2w_rule rule, enum rp_verdict verdict);
/* The rules with this verdict and such news, what to mend first in front. Returns how many. */
unsigned rp_rules_find(const struct rp_result *result, enum rp_verdict verdict, enum rp_news news, enum c2w_rule rules[C2W_RULES]);

#endif
