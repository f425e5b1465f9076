/* The comparison of diff.h, by scenario and transport. Turns of one scenario (--repeat) are compared one by one.
 * Owns nothing. */
#include "reports/diff.h"

#include <stdlib.h>
#include <string.h>

#include "reports/find.h"
#include "reports/text.h"

enum change { NEWLY_BROKEN, MENDED, STILL_BROKEN, NEWLY_TESTED, NO_LONGER_TESTED, CHANGES, SAME };

struct pair {
	const char *name;
	const struct rp_scenario *old, *new; /* NULL: not there */
};

struct side {
	const char *name;
	const struct rp_scenario *scenario;
};

static const char *const titles[CHANGES] = {
	[NEWLY_BROKEN] = "newly broken", [MENDED] = "mended", [STILL_BROKEN] = "still broken",
	[NEWLY_TESTED] = "newly tested", [NO_LONGER_TESTED] = "no longer tested",
};

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct side *)a)->name, ((const struct side *)b)->name);
}

static struct side *side_of(const struct rp_result *result, char **names)
{
	struct side *side = must(calloc(result->scenarios_count + 1, sizeof(*side)));

	for (size_t i = 0; i < result->scenarios_count; i++)
		side[i] = (struct side){ names[i], &result->scenarios[i] };
	qsort(side, result->scenarios_count, sizeof(*side), by_name);
	return side;
}

/* Both sides end with a name of NULL. */
static struct pair *pairs_of(const struct side *old, const struct side *new, size_t most)
{
	struct pair *pairs = must(calloc(most + 1, sizeof(*pairs))), *pair = pairs;

	while (old->name != NULL || new->name != NULL) {
		int order = old->name == NULL ? 1 : new->name == NULL ? -1 : strcmp(old->name, new->name);

		pair->name = order <= 0 ? old->name : new->name;
		if (order <= 0)
			pair->old = old++->scenario;
		if (order >= 0)
			pair->new = new++->scenario;
		pair++;
	}
	return pairs;
}

static bool was_decided(const struct rp_scenario *scenario)
{
	return scenario != NULL && (scenario->verdict == RP_PASS || scenario->verdict == RP_WARN || scenario->verdict == RP_FAIL);
}

static bool is_broken(const struct rp_scenario *scenario)
{
	return scenario != NULL && scenario->verdict == RP_FAIL;
}

static enum change change_of(const struct pair *pair)
{
	if (is_broken(pair->new))
		return is_broken(pair->old) ? STILL_BROKEN : NEWLY_BROKEN;
	if (was_decided(pair->new))
		return is_broken(pair->old) ? MENDED : was_decided(pair->old) ? SAME : NEWLY_TESTED;
	return was_decided(pair->old) ? NO_LONGER_TESTED : SAME;
}

static void put_pair(FILE *to, const struct pair *pair)
{
	char *message;

	fprintf(to, "  %s", pair->name);
	if (is_broken(pair->new)) {
		message = rp_case_message(pair->new);
		fprintf(to, "%s: %s", was_decided(pair->old) ? "" : " (not tested before)", message);
		free(message);
	} else if (pair->new != NULL && !was_decided(pair->new)) {
		fprintf(to, ": %s", rp_verdict_name(pair->new->verdict));
	}
	putc('\n', to);
}

static size_t put_change(FILE *to, const struct pair *pairs, enum change change)
{
	size_t count = 0;

	for (const struct pair *pair = pairs; pair->name != NULL; pair++)
		count += change_of(pair) == change;
	if (count > 0)
		fprintf(to, "%s: %zu\n", titles[change], count);
	for (const struct pair *pair = pairs; pair->name != NULL; pair++)
		if (change_of(pair) == change)
			put_pair(to, pair);
	return count;
}

/* Rules may break without a scenario of their own: by what a judge saw in another one. */
static size_t put_rules(FILE *to, const struct rp_result *old, const struct rp_result *new)
{
	size_t count = 0;

	for (unsigned i = 1; i < C2W_RULES; i++) {
		const struct c2w_rule_info *info = c2w_rule_info((enum c2w_rule)i);
		bool before = old->rules[i].verdict == RP_FAIL, now = new->rules[i].verdict == RP_FAIL;

		if (now && !before)
			fprintf(to, "%s: rule %s: %s\n", titles[NEWLY_BROKEN], info->id, info->sentence);
		else if (before && new->rules[i].verdict == RP_PASS)
			fprintf(to, "%s: rule %s\n", titles[MENDED], info->id);
		count += now && !before;
	}
	return count;
}

static void put_lines(FILE *to, const struct rp_result *old, const struct rp_result *new)
{
	char *before = rp_summary_line(old), *now = rp_summary_line(new);

	fprintf(to, "old  %s\nnew  %s\n", before, now);
	free(before);
	free(now);
}

size_t rp_diff_write(const struct rp_result *old, const struct rp_result *new, FILE *to)
{
	char **old_names = rp_case_names(old), **new_names = rp_case_names(new);
	struct side *old_side = side_of(old, old_names), *new_side = side_of(new, new_names);
	struct pair *pairs = pairs_of(old_side, new_side, old->scenarios_count + new->scenarios_count);
	size_t broken = put_rules(to, old, new);

	for (unsigned i = 0; i < CHANGES; i++) {
		size_t count = put_change(to, pairs, (enum change)i);

		broken += i == NEWLY_BROKEN ? count : 0;
	}
	if (new->verdict == RP_UNREACHABLE && old->verdict != RP_UNREACHABLE) {
		fprintf(to, "%s: the target is unreachable\n", titles[NEWLY_BROKEN]);
		broken++;
	}
	put_lines(to, old, new);
	free(pairs);
	free(old_side);
	free(new_side);
	rp_names_free(old_names, old->scenarios_count);
	rp_names_free(new_names, new->scenarios_count);
	return broken;
}
