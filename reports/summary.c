/* The one line that says it all, the same in every report; for the renderers and c2w-conform. The caller owns it. */
#include <stdlib.h>
#include <string.h>

#include "reports/result.h"
#include "reports/text.h"

/* Appends ", COUNT WHAT" where there is something to count. */
static void tell(FILE *to, size_t count, const char *what)
{
	if (count > 0)
		fprintf(to, ", %zu %s", count, what);
}

/* The word that the exit code stands for. */
static const char *summary_word(const struct rp_result *result)
{
	enum rp_overall outcome = rp_outcome(result);

	if (outcome == RP_CONFORMS && result->verdict != RP_CONFORMS)
		return "as expected";
	if (outcome == RP_VIOLATES && result->verdict != RP_VIOLATES)
		return "not as expected";
	return rp_overall_name(outcome);
}

/* The verdict of the rules that the line counts first. */
static enum rp_verdict summary_first(const struct rp_result *result, const struct rp_counts *counts)
{
	if (result->verdict == RP_VIOLATES)
		return counts->rules[RP_FAIL] == 0 && result->warnings_fail ? RP_WARN : RP_FAIL;
	return result->verdict == RP_UNDECIDED && counts->rules[RP_INCONCLUSIVE] > 0 ? RP_INCONCLUSIVE : RP_PASS;
}

static void tell_expected(FILE *to, const struct rp_result *result)
{
	size_t expected = 0;

	for (size_t i = 0; i < result->scenarios_count; i++)
		expected += result->scenarios[i].expected;
	if (rp_outcome(result) != RP_CONFORMS)
		tell(to, expected, expected == 1 ? "failure expected" : "failures expected");
	tell(to, result->expectation.surprises_count, result->expectation.surprises_count == 1 ? "known failure changed" : "known failures changed");
}

static void put_summary(FILE *to, const struct rp_result *result)
{
	static const char *const words[RP_VERDICTS] = {
		[RP_FAIL] = "broken", [RP_WARN] = "not followed", [RP_INCONCLUSIVE] = "could not be judged", [RP_PASS] = "kept",
	};
	struct rp_counts counts = rp_count(result);
	enum rp_verdict first = summary_first(result, &counts);

	fprintf(to, "%zu of %zu rules %s", counts.rules[first], counts.rules_total, words[first]);
	if (first != RP_PASS)
		tell(to, counts.rules[RP_PASS], "kept");
	if (first != RP_WARN)
		tell(to, counts.rules[RP_WARN], counts.rules[RP_WARN] == 1 ? "SHOULD not followed" : "SHOULDs not followed");
	if (first != RP_INCONCLUSIVE)
		tell(to, counts.rules[RP_INCONCLUSIVE], "could not be judged");
	tell(to, counts.rules[RP_SKIP] + counts.rules[RP_UNTESTED], "not tested");
	tell_expected(to, result);
}

char *rp_summary_line(const struct rp_result *result)
{
	bool unreachable = result->verdict == RP_UNREACHABLE;
	char *line = NULL;
	size_t length;
	FILE *to = open_memstream(&line, &length);

	if (to == NULL)
		abort();
	fprintf(to, "%s: ", summary_word(result));
	if (unreachable || (result->verdict == RP_UNDECIDED && rp_count(result).rules[RP_INCONCLUSIVE] == 0)) {
		char *reason = rp_shown_text(result->verdict_reason == NULL ? "no reason was given" : result->verdict_reason);
		size_t length_of_reason = strlen(reason);

		if (!unreachable && length_of_reason > 0 && reason[length_of_reason - 1] == '.')
			reason[length_of_reason - 1] = '\0';
		fprintf(to, "%s%s", reason, unreachable ? "" : "; ");
		free(reason);
	}
	if (!unreachable)
		put_summary(to, result);
	fclose(to);
	return line;
}
