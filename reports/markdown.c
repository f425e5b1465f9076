/* Markdown for a job's summary: the totals, then the rules that are broken, what to mend first in front. For render.c.
 * Text of others is shown text with everything escaped that Markdown, HTML in it, or GitHub's autolinks would take as theirs. */
#include <stdlib.h>
#include <string.h>

#include "reports/find.h"
#include "reports/render.h"
#include "reports/text.h"

enum { LISTED = 10 /* scenarios of a rule */, LONGEST = 2000 /* octets of one text */, RESERVE = 100 * 1000, ROWS = 20, WIDTH = 100 };

/* www., http:// and name@host would become links, @name a mention. */
static void put_text(FILE *to, const char *text)
{
	char *shown = rp_shown_text(text);
	size_t fits = rp_fit(shown, LONGEST);

	for (size_t i = 0; i < fits; i++) {
		if (shown[i] == '@')
			fputs("@<!-- -->", to);
		else if (strchr("\\`*_{}[]()<>&|#~!$", shown[i]) != NULL || (shown[i] == '.' && i > 0 && (shown[i - 1] | 0x20) == 'w') ||
			 (shown[i] == ':' && shown[i + 1] == '/'))
			fprintf(to, "\\%c", shown[i]);
		else
			putc(shown[i], to);
	}
	if (shown[fits] != '\0')
		fputs("…", to);
	free(shown);
}

/* Lines of shown text; the fence is longer than any in it. */
static void put_fenced(FILE *to, const char *text)
{
	unsigned longest = 2, run = 0;

	for (const char *at = text; *at != '\0'; at++) {
		run = *at == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	rp_put_many(to, "`", longest + 1);
	fprintf(to, "text\n%s", text);
	rp_put_many(to, "`", longest + 1);
	putc('\n', to);
}

static bool is_full(FILE *to)
{
	return ftell(to) > RP_MAX_MARKDOWN - RESERVE;
}

static void put_totals(FILE *to, const struct rp_result *result)
{
	struct rp_counts counts = rp_count(result);

	fputs("\n| |", to);
	for (unsigned i = 0; i < RP_VERDICTS; i++)
		fprintf(to, " %s |", rp_verdict_name((enum rp_verdict)i));
	fputs("\n|---|", to);
	for (unsigned i = 0; i < RP_VERDICTS; i++)
		fputs("--:|", to);
	fputs("\n| rules |", to);
	for (unsigned i = 0; i < RP_VERDICTS; i++)
		fprintf(to, " %zu |", counts.rules[i]);
	fputs("\n| scenarios |", to);
	for (unsigned i = 0; i < RP_VERDICTS; i++)
		fprintf(to, " %zu |", counts.scenarios[i]);
	fputs("\n", to);
}

static void put_evidence(FILE *to, const struct rp_result *result, const struct rp_scenario *scenario)
{
	char *text = rp_scenario_text(result, scenario, WIDTH, ROWS);

	if (strlen(text) < RESERVE / 2) {
		fputs("\n<details><summary>expected, got, and the messages</summary>\n\n", to);
		put_fenced(to, text);
		fputs("\n</details>\n\n", to);
	}
	free(text);
}

static void put_witness(FILE *to, const struct rp_result *result, const struct rp_scenario *scenario, const struct rp_finding *finding)
{
	char *place = rp_place(scenario, finding);

	fputs("- ", to);
	put_text(to, scenario->id);
	fprintf(to, " %s%s, ", rp_transport_title(scenario->transport), rp_remark(scenario));
	put_text(to, place);
	fputs(" — ", to);
	put_text(to, finding->what == NULL ? "" : finding->what);
	if (scenario->pcap != NULL)
		fprintf(to, " — %s: ", rp_packets_title(result));
	if (scenario->pcap != NULL)
		put_text(to, scenario->pcap);
	putc('\n', to);
	free(place);
}

static void put_rule(FILE *to, const struct rp_result *result, const struct rp_rule *rule)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule->rule);
	size_t count = 0, more;

	fprintf(to, "\n**%s** %s — ", info->id, c2w_level_name(info->level));
	put_text(to, info->sentence);
	fputs("\n\n", to);
	for (size_t i = 0; i < rule->scenarios_count; i++) {
		const struct rp_scenario *scenario = &result->scenarios[rule->scenarios[i]];
		const struct rp_finding *finding = rp_finding_of(scenario, rule->rule, rule->verdict, &more);

		if (finding == NULL || ++count > LISTED)
			continue;
		put_witness(to, result, scenario, finding);
		if (count == 1)
			put_evidence(to, result, scenario);
	}
	if (count > LISTED)
		fprintf(to, "- … and in %zu more\n", count - LISTED);
}

static void put_rules(FILE *to, const struct rp_result *result, enum rp_verdict verdict, const char *title)
{
	enum c2w_rule rules[C2W_RULES];
	unsigned count = rp_rules_by_rank(result, verdict, rules), i;

	if (count == 0)
		return;
	fprintf(to, "\n### %s\n", title);
	for (i = 0; i < count && !is_full(to); i++)
		put_rule(to, result, &result->rules[rules[i]]);
	if (i < count)
		fprintf(to, "\n… and %u more rules, left out here.\n", count - i);
}

static void put_body(FILE *to, const struct rp_result *result)
{
	static const char *const marks[] = { [RP_CONFORMS] = "✅", [RP_VIOLATES] = "❌", [RP_UNREACHABLE] = "🔌", [RP_UNDECIDED] = "❔" };
	char *line = rp_summary_line(result), *error = rp_run_error(result);

	fprintf(to, "## %s ", marks[rp_outcome(result)]);
	put_text(to, line);
	fputs("\n\nTarget: ", to);
	put_text(to, result->target.address == NULL ? "unknown" : result->target.address);
	putc('\n', to);
	if (error != NULL) {
		fputs("\n**", to);
		put_text(to, error);
		fputs("**\n", to);
	}
	put_totals(to, result);
	put_rules(to, result, RP_FAIL, "Broken, in the order in which to mend it");
	put_rules(to, result, RP_WARN, "Not followed (SHOULD)");
	put_rules(to, result, RP_INCONCLUSIVE, "Could not be judged");
	free(line);
	free(error);
}

/* Through memory, where the size is known whatever the file is. */
void rp_markdown_write(const struct rp_result *result, FILE *to)
{
	char *text = NULL;
	size_t length;
	FILE *memory = open_memstream(&text, &length);

	if (memory == NULL)
		abort();
	put_body(memory, result);
	if (fclose(memory) != 0)
		abort();
	fwrite(text, 1, length, to);
	free(text);
}
