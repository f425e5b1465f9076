/* The explanations of the rules, by rule: protocol/explain.def.
 * For whoever explains or reports; see protocol/explain.h. Constant data, nothing to own. */
#include "protocol/explain.h"

static const struct c2w_explanation explanations[C2W_RULES] = {
#define C2W_EXPLAIN(area, number, why, breaks, example) [C2W_##area##_##number] = { why, breaks, example },
#include "protocol/explain.def"
#undef C2W_EXPLAIN
};

const struct c2w_explanation *c2w_rule_explanation(enum c2w_rule rule)
{
	return &explanations[rule];
}
