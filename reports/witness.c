/* What witness.h promises. For terminal.c. What it allocates is the caller's. */
#include "reports/witness.h"

#include <stdlib.h>
#include <string.h>

#include "reports/find.h"

static int by_id(const void *a, const void *b)
{
	const struct rp_witness *one = a, *other = b;
	int order = strcmp(one->scenario->id, other->scenario->id);

	return order != 0 ? order : (int)one->scenario->transport - (int)other->scenario->transport;
}

static struct rp_witness *witnesses_new(size_t count)
{
	struct rp_witness *witnesses = calloc(count + 1, sizeof(*witnesses));

	if (witnesses == NULL)
		abort();
	return witnesses;
}

/* Of the turns of one scenario (--repeat) the first stands for all; one that was not expected before one that was. */
static size_t unite(struct rp_witness *witnesses, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct rp_witness *last = &witnesses[kept > 0 ? kept - 1 : 0];

		if (kept == 0 || by_id(last, &witnesses[i]) != 0)
			witnesses[kept++] = witnesses[i];
		else if (last->scenario->expected && !witnesses[i].scenario->expected)
			*last = witnesses[i];
	}
	return kept;
}

size_t rp_tested_by(const struct rp_result *result, enum c2w_rule rule)
{
	const struct rp_rule *tested = &result->rules[rule];
	struct rp_witness *witnesses = witnesses_new(tested->scenarios_count);
	size_t count;

	for (size_t i = 0; i < tested->scenarios_count; i++)
		witnesses[i].scenario = &result->scenarios[tested->scenarios[i]];
	qsort(witnesses, tested->scenarios_count, sizeof(*witnesses), by_id);
	count = unite(witnesses, tested->scenarios_count);
	free(witnesses);
	return count;
}

struct rp_witness *rp_witnesses_find(const struct rp_result *result, enum c2w_rule rule, enum rp_verdict verdict, size_t *count)
{
	const struct rp_rule *tested = &result->rules[rule];
	struct rp_witness *witnesses = witnesses_new(tested->scenarios_count);

	*count = 0;
	for (size_t i = 0; i < tested->scenarios_count; i++) {
		struct rp_witness *witness = &witnesses[*count];

		witness->scenario = &result->scenarios[tested->scenarios[i]];
		witness->finding = rp_finding_of(witness->scenario, rule, verdict, &witness->more);
		*count += witness->finding != NULL;
	}
	qsort(witnesses, *count, sizeof(*witnesses), by_id);
	*count = unite(witnesses, *count);
	return witnesses;
}

enum rp_news rp_news_of(const struct rp_result *result, enum c2w_rule rule, enum rp_verdict verdict)
{
	size_t count, expected = 0, flaky = 0;
	struct rp_witness *witnesses = rp_witnesses_find(result, rule, verdict, &count);

	for (size_t i = 0; i < count; i++) {
		expected += witnesses[i].scenario->expected;
		flaky += !witnesses[i].scenario->expected && witnesses[i].scenario->flaky;
	}
	free(witnesses);
	if (count == 0 || expected + flaky < count)
		return RP_NEWS;
	return flaky > 0 ? RP_NEWS_FLAKY : RP_NO_NEWS;
}

size_t rp_witness_count(const struct rp_result *result, enum c2w_rule rule, enum rp_verdict verdict)
{
	size_t count;

	free(rp_witnesses_find(result, rule, verdict, &count));
	return count;
}

unsigned rp_rules_find(const struct rp_result *result, enum rp_verdict verdict, enum rp_news news, enum c2w_rule rules[C2W_RULES])
{
	unsigned count = rp_rules_by_rank(result, verdict, rules), kept = 0;

	for (unsigned i = 0; i < count; i++)
		if (rp_news_of(result, rules[i], verdict) == news)
			rules[kept++] = rules[i];
	return kept;
}
