/* The table of rules, and the areas they belong to.
 * For whoever judges, reports or explains; see protocol/rules.h. Constant data, nothing to own. */
#include "protocol/rules.h"

static const struct c2w_rule_info rules[C2W_RULES] = {
#define C2W_RULE(area, number, level, origin, binds, transports, sentence, unseen) \
	[C2W_##area##_##number] = { #area "-" #number, #area, C2W_##level, C2W_##origin, C2W_BINDS_##binds, \
	                            C2W_ON_##transports, sentence, unseen },
#include "protocol/rules.def"
#undef C2W_RULE
};

static const struct {
	const char *name, *title;
} areas[] = {
	{ "TRN", "Transport" },
	{ "FMT", "Message format" },
	{ "CON", "Connecting" },
	{ "LST", "Lists" },
	{ "ENT", "Entering a movie room" },
	{ "LEA", "Leaving" },
	{ "MSG", "Chat" },
	{ "NAM", "Names" },
	{ "REL", "Reliability" },
	{ "ROB", "Robustness" },
};

const struct c2w_rule_info *c2w_rule_info(enum c2w_rule rule)
{
	return &rules[rule];
}

enum c2w_rule c2w_rule_find(struct c2w_str id)
{
	for (size_t i = C2W_NO_RULE + 1; i < C2W_RULES; i++)
		if (c2w_str_equal(id, c2w_str_of(rules[i].id)))
			return (enum c2w_rule)i;
	return C2W_NO_RULE;
}

const char *c2w_level_name(enum c2w_level level)
{
	switch (level) {
	case C2W_MUST: return "MUST";
	case C2W_SHOULD: return "SHOULD";
	case C2W_MAY: return "MAY";
	}
	return "";
}

const char *c2w_area_name(unsigned index)
{
	return index < sizeof areas / sizeof *areas ? areas[index].name : NULL;
}

const char *c2w_area_title(unsigned index)
{
	return index < sizeof areas / sizeof *areas ? areas[index].title : NULL;
}
