/* The report that people read in a terminal: what is broken, in the order in which to mend it, then every rule, then the run.
 * Called by c2w-conform and c2w-report. Whatever came from a target, a scenario or a file goes through text.h first. */
#include <stdlib.h>
#include <string.h>

#include "reports/find.h"
#include "reports/ladder.h"
#include "reports/result.h"
#include "reports/text.h"
#include "reports/witness.h"

enum {
	STANDARD_WIDTH = 80, LEAST_WIDTH = 40, MOST_WIDTH = 400,
	NARROW = 60,             /* below that the table of rules has no sentences */
	FULL_SCENARIOS = 1,      /* of a rule, with their ladder */
	SHOWN_SCENARIOS = 3,     /* with what was expected and got */
	LADDER_ROWS = 12,
	COMPARISON = 16,         /* columns before what was expected and got */
	LISTED_IDS = 12,         /* of the rest, by id */
	LISTED_REASONS = 3,      /* of the scenarios skipped for one reason */
	OUTPUT_LINES = 10,       /* of the target's output */
	LONGEST_LINE = 4096,     /* shown of it */
};

struct page {
	const struct rp_result *result;
	FILE *to;
	unsigned width;
	bool colour, verbose, quiet, chosen;
};

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static const char *style(const struct page *page, enum rp_style which)
{
	return rp_style(page->colour, which);
}

static enum rp_style style_of(enum rp_verdict verdict)
{
	static const enum rp_style styles[RP_VERDICTS] = {
		[RP_FAIL] = RP_BAD, [RP_INCONCLUSIVE] = RP_DOUBT, [RP_WARN] = RP_DOUBT,
		[RP_PASS] = RP_GOOD, [RP_SKIP] = RP_FAINT, [RP_UNTESTED] = RP_FAINT,
	};

	return styles[verdict];
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* `text` behind `label`, wrapped under itself; nothing where there is none. */
static void put_labelled(const struct page *page, unsigned indent, const char *label, const char *text)
{
	char *shown;

	if (text == NULL)
		return;
	shown = rp_shown_text(text);
	fprintf(page->to, "%*s%s", (int)indent, "", label);
	rp_put_wrapped(page->to, shown, indent + rp_columns(label), page->width);
	free(shown);
}

__attribute__((format(printf, 3, 0)))
static void put_counted(const struct page *page, unsigned indent, const char *format, size_t count)
{
	char *text = NULL;

	if (asprintf(&text, format, count) < 0)
		abort();
	put_labelled(page, indent, "", text);
	free(text);
}

static void heading(const struct page *page, const char *text)
{
	fprintf(page->to, "\n%s%s%s\n", style(page, RP_STRONG), text, style(page, RP_PLAIN));
}

/* ---- one finding -------------------------------------------------------------------------- */

static void put_place(const struct page *page, const struct rp_finding *finding)
{
	char *name, *line, *shown;

	if (finding->file == NULL || finding->line == 0) {
		put_labelled(page, 4, "", "seen by a judge of every message, in no step");
		return;
	}
	name = rp_shown_text(finding->file);
	fprintf(page->to, "    %s:%u\n", name, finding->line);
	free(name);
	line = rp_source_line(finding->file, finding->line);
	if (line == NULL)
		return;
	shown = rp_shown_text(line + strspn(line, " \t"));
	fputs("        ", page->to);
	rp_put_cut(page->to, shown, page->width - 8);
	putc('\n', page->to);
	free(shown);
	free(line);
}

/* Where to start so that `column` of the text is to be seen: 0, or an octet a third of the room before it. */
static size_t start_of(const char *shown, unsigned column, unsigned room)
{
	return column + 8 < room ? 0 : rp_fit(shown, column - room / 3);
}

static void put_from(const struct page *page, const char *label, const char *shown, size_t start, unsigned room)
{
	fprintf(page->to, "      %s  %s", label, start > 0 ? "…" : "");
	rp_put_cut(page->to, shown + start, room - (start > 0));
	putc('\n', page->to);
}

static void put_alone(const struct page *page, const char *label, const char *text)
{
	char *shown;

	if (text == NULL)
		return;
	shown = rp_shown_text(text);
	put_from(page, label, shown, 0, page->width - COMPARISON);
	free(shown);
}

/* Expected over got, with a mark under the first difference. */
static void put_comparison(const struct page *page, const struct rp_finding *finding)
{
	unsigned room = page->width - COMPARISON, column, before;
	char *expected, *got;
	size_t at, start;

	if (finding->expected == NULL || finding->got == NULL) {
		put_alone(page, "expected", finding->expected);
		put_alone(page, "got     ", finding->got);
		return;
	}
	expected = rp_shown_text(finding->expected);
	got = rp_shown_text(finding->got);
	at = rp_difference(expected, got);
	column = rp_columns(expected) - rp_columns(expected + at);
	start = start_of(expected, column, room);
	before = rp_columns(expected) - rp_columns(expected + start);
	put_from(page, "expected", expected, start, room);
	put_from(page, "got     ", got, start, room);
	if (rp_comparable(expected, got))
		fprintf(page->to, "%*s%s^%s\n", (int)(COMPARISON + column - before + (start > 0)), "", style(page, RP_BAD), style(page, RP_PLAIN));
	free(expected);
	free(got);
}

/* Behind an id, which is never cut nor broken: over what, and what is to be remarked; in the next line where it does not fit. */
static void put_way(const struct page *page, unsigned indent, unsigned column, const struct rp_scenario *scenario)
{
	char *way = rp_string("%s%s", rp_transport_title(scenario->transport), rp_remark(scenario));
	bool fits = column + 1 + rp_columns(way) <= page->width;

	if (fits)
		putc(' ', page->to);
	else
		fprintf(page->to, "\n%*s", (int)indent, "");
	rp_put_wrapped(page->to, way, fits ? column + 1 : indent, page->width);
	free(way);
}

static void put_scenario_name(const struct page *page, unsigned indent, const struct rp_scenario *scenario)
{
	char *id = rp_shown_text(scenario->id), *title = rp_shown_text(scenario->title == NULL ? "" : scenario->title);

	fprintf(page->to, "%*s%s%s%s", (int)indent, "", style(page, RP_STRONG), id, style(page, RP_PLAIN));
	put_way(page, indent + 2, indent + rp_columns(id), scenario);
	if (*title != '\0') {
		fprintf(page->to, "%*s", (int)indent + 2, "");
		rp_put_wrapped(page->to, title, indent + 2, page->width);
	}
	free(id);
	free(title);
}

/* In one line, however long: it is there to be copied. */
static void put_to_copy(const struct page *page, const char *label, const char *text)
{
	char *shown;

	if (text == NULL)
		return;
	shown = rp_shown_text(text);
	fprintf(page->to, "    %s: %s\n", label, shown);
	free(shown);
}

static void put_witness(const struct page *page, const struct rp_witness *witness, bool ladder)
{
	const struct rp_scenario *scenario = witness->scenario;
	struct rp_ladder_options options = { .indent = 2, .width = page->width, .rows = page->verbose ? 0 : LADDER_ROWS,
					     .until = witness->finding->at, .offender = rp_offender(scenario, witness->finding),
					     .colour = page->colour };

	putc('\n', page->to);
	put_scenario_name(page, 2, scenario);
	put_place(page, witness->finding);
	fputs(style(page, style_of(witness->finding->verdict)), page->to);
	put_labelled(page, 4, "", witness->finding->what);
	fputs(style(page, RP_PLAIN), page->to);
	put_comparison(page, witness->finding);
	if (witness->more > 0)
		put_counted(page, 4, "(and %zu more of this rule in this scenario)", witness->more);
	if (ladder && scenario->timeline_count > 0) {
		putc('\n', page->to);
		rp_ladder_write(scenario, page->to, &options);
		putc('\n', page->to);
	}
	put_to_copy(page, "again", scenario->repeat);
	put_to_copy(page, rp_packets_title(page->result), scenario->pcap);
}

/* ---- one rule ----------------------------------------------------------------------------- */

/* The rest, counted and listed. */
static void put_others(const struct page *page, const struct rp_witness *witnesses, size_t count)
{
	size_t listed = page->verbose || count <= LISTED_IDS ? count : LISTED_IDS;

	if (count == 0)
		return;
	fprintf(page->to, "\n  and in %zu more:\n", count);
	for (size_t i = 0; i < listed; i++) {
		char *id = rp_shown_text(witnesses[i].scenario->id);

		fprintf(page->to, "    %s", id);
		put_way(page, 6, 4 + rp_columns(id), witnesses[i].scenario);
		free(id);
	}
	if (listed < count)
		put_counted(page, 4, "… and %zu more (--verbose shows all)", count - listed);
}

static void put_rule(const struct page *page, unsigned number, enum c2w_rule rule, enum rp_verdict verdict)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule);
	size_t count, shown, tested = rp_tested_by(page->result, rule);
	struct rp_witness *witnesses = rp_witnesses_find(page->result, rule, verdict, &count);
	char *witnessed;

	fprintf(page->to, "\n%s%u. %s %s%s, ", style(page, style_of(verdict)), number, info->id, c2w_level_name(info->level), style(page, RP_PLAIN));
	witnessed = rp_string("in %zu of the %zu scenario%s that tested it", count, tested, plural(tested));
	rp_put_wrapped(page->to, witnessed, (unsigned)(strlen(info->id) + strlen(c2w_level_name(info->level))) + (number < 10 ? 6 : 7), page->width);
	free(witnessed);
	fputs("   ", page->to);
	rp_put_wrapped(page->to, info->sentence, 3, page->width);
	shown = page->verbose || count <= SHOWN_SCENARIOS ? count : SHOWN_SCENARIOS;
	for (size_t i = 0; i < shown; i++)
		put_witness(page, &witnesses[i], page->verbose || i < FULL_SCENARIOS);
	put_others(page, witnesses + shown, count - shown);
	free(witnesses);
}

static void put_rules_found(const struct page *page, enum rp_verdict verdict, enum rp_news news, const char *title)
{
	enum c2w_rule rules[C2W_RULES];
	unsigned count = rp_rules_find(page->result, verdict, news, rules);

	if (count == 0)
		return;
	heading(page, title);
	for (unsigned i = 0; i < count; i++)
		put_rule(page, i + 1, rules[i], verdict);
}

/* ---- what was expected ---------------------------------------------------------------------- */

static void put_expected_scenario(const struct page *page, const struct rp_scenario *scenario)
{
	char *id = rp_shown_text(scenario->id);
	bool told[C2W_RULES] = { false };

	fprintf(page->to, "  %s %s:", id, rp_transport_title(scenario->transport));
	for (size_t i = 0; i < scenario->findings_count; i++) {
		const struct rp_finding *finding = &scenario->findings[i];

		if (!told[finding->rule] && finding->verdict != RP_INCONCLUSIVE)
			fprintf(page->to, " %s", c2w_rule_info(finding->rule)->id);
		told[finding->rule] = true;
	}
	putc('\n', page->to);
	free(id);
}

static void put_expected(const struct page *page)
{
	const struct rp_result *result = page->result;
	bool any = false;

	for (size_t i = 0; i < result->scenarios_count; i++) {
		if (!result->scenarios[i].expected)
			continue;
		if (!any)
			heading(page, "BROKEN AS EXPECTED");
		any = true;
		put_expected_scenario(page, &result->scenarios[i]);
	}
}

static void put_surprises(const struct page *page)
{
	const struct rp_expectation *expectation = &page->result->expectation;

	for (size_t i = 0; i < expectation->surprises_count; i++)
		put_labelled(page, page->quiet ? 0 : 2, "", expectation->surprises[i]);
}

/* ---- the table of rules ------------------------------------------------------------------- */

static const char *verdict_title(const struct rp_result *result, const struct rp_rule *rule)
{
	if (rule->verdict != RP_FAIL)
		return rp_verdict_name(rule->verdict);
	switch (rp_news_of(result, rule->rule, RP_FAIL)) {
	case RP_NEWS: return "FAIL";
	case RP_NEWS_FLAKY: return "FAIL (flaky)";
	case RP_NO_NEWS: return "FAIL (known)";
	}
	return "";
}

static void put_table_row(const struct page *page, enum c2w_rule id)
{
	const struct c2w_rule_info *info = c2w_rule_info(id);
	const struct rp_rule *rule = &page->result->rules[id];
	bool found = rule->verdict == RP_FAIL || rule->verdict == RP_WARN;
	char tested[48] = "";
	size_t count = rp_tested_by(page->result, id);

	if (count > 0 && found)
		snprintf(tested, sizeof(tested), "%zu of %zu", rp_witness_count(page->result, id, rule->verdict), count);
	else if (count > 0)
		snprintf(tested, sizeof(tested), "%zu", count);
	fprintf(page->to, "  %s  %-6s  %s%-12s%s  ", info->id, c2w_level_name(info->level), style(page, style_of(rule->verdict)),
		verdict_title(page->result, rule), style(page, RP_PLAIN));
	if (page->width < NARROW) {
		fprintf(page->to, "%8s\n", tested);
		return;
	}
	fprintf(page->to, "%9s  ", tested);
	rp_put_cut(page->to, info->sentence, page->width - 43);
	putc('\n', page->to);
}

/* Of what was not to be tested, nobody wants a row. */
static bool has_row(const struct page *page, enum c2w_rule rule)
{
	return rp_rule_counts(rule) && (!page->chosen || page->verbose || page->result->rules[rule].verdict != RP_UNTESTED);
}

static void put_table_area(const struct page *page, unsigned area)
{
	bool any = false;

	for (unsigned i = 1; i < C2W_RULES; i++) {
		if (!has_row(page, (enum c2w_rule)i) || strcmp(c2w_rule_info((enum c2w_rule)i)->area, c2w_area_name(area)) != 0)
			continue;
		if (!any)
			fprintf(page->to, "%s%s%s\n", style(page, RP_FAINT), c2w_area_title(area), style(page, RP_PLAIN));
		any = true;
		put_table_row(page, (enum c2w_rule)i);
	}
}

static void put_table(const struct page *page)
{
	size_t others = 0;

	heading(page, "RULES");
	fprintf(page->to, "  %-6s  %-6s  %-12s  %s\n", "rule", "level", "verdict", page->width < NARROW ? " tested" : "scenarios");
	for (unsigned area = 0; c2w_area_name(area) != NULL; area++)
		put_table_area(page, area);
	for (unsigned i = 1; i < C2W_RULES; i++)
		others += rp_rule_counts((enum c2w_rule)i) && !has_row(page, (enum c2w_rule)i);
	if (others > 0)
		put_counted(page, 2, "… and %zu that the chosen scenarios did not test (--verbose shows all)", others);
}

static void put_uncounted(const struct page *page)
{
	char *clients = NULL;
	size_t length;
	FILE *to = must(open_memstream(&clients, &length));

	for (unsigned i = 1; i < C2W_RULES; i++)
		if (c2w_rule_info((enum c2w_rule)i)->binds == C2W_BINDS_CLIENT)
			fprintf(to, "%s ", c2w_rule_info((enum c2w_rule)i)->id);
	fputs("bind clients.", to);
	fclose(to);
	put_labelled(page, 0, "Not counted: ", clients);
	free(clients);
	for (unsigned i = 1; i < C2W_RULES; i++) {
		const struct c2w_rule_info *info = c2w_rule_info((enum c2w_rule)i);

		if (info->unseen == NULL)
			continue;
		fprintf(page->to, "Not counted: %s: ", info->id);
		rp_put_wrapped(page->to, info->unseen, (unsigned)strlen(info->id) + 15, page->width);
	}
}

/* ---- scenarios by verdict ----------------------------------------------------------------- */

static const char *reason_of(const struct rp_scenario *scenario)
{
	return scenario->reason == NULL ? "no reason was recorded" : scenario->reason;
}

static bool same_reason(const struct rp_scenario *a, const struct rp_scenario *b)
{
	return a->verdict == b->verdict && strcmp(reason_of(a), reason_of(b)) == 0;
}

/* The scenarios from `first` on that have its verdict and its reason. */
static void put_same_reason(const struct page *page, size_t first)
{
	const struct rp_scenario *scenarios = page->result->scenarios;
	size_t count = 0, listed = 0;
	char *label;

	for (size_t i = first; i < page->result->scenarios_count; i++)
		count += same_reason(&scenarios[i], &scenarios[first]);
	if (asprintf(&label, "%zu: ", count) < 0)
		abort();
	put_labelled(page, 2, label, reason_of(&scenarios[first]));
	free(label);
	for (size_t i = first; i < page->result->scenarios_count && (page->verbose || listed < LISTED_REASONS); i++) {
		char *id = rp_shown_text(scenarios[i].id);

		if (same_reason(&scenarios[i], &scenarios[first])) {
			fprintf(page->to, "     %s", id);
			put_way(page, 7, 5 + rp_columns(id), &scenarios[i]);
			listed++;
		}
		free(id);
	}
	if (listed < count)
		put_counted(page, 5, "… and %zu more (--verbose shows all)", count - listed);
}

static bool reason_is_new(const struct rp_result *result, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_reason(&result->scenarios[i], &result->scenarios[index]))
			return false;
	return true;
}

static void put_reasons(const struct page *page, enum rp_verdict verdict, const char *title)
{
	bool any = false;

	for (size_t i = 0; i < page->result->scenarios_count; i++) {
		if (page->result->scenarios[i].verdict != verdict || !reason_is_new(page->result, i))
			continue;
		if (!any)
			heading(page, title);
		any = true;
		put_same_reason(page, i);
	}
}

/* ---- the run ------------------------------------------------------------------------------ */

static const char *offered(const struct rp_target *target)
{
	if (target->udp && target->tcp)
		return "UDP and TCP";
	if (target->udp)
		return target->tcp_left_out ? "UDP (TCP: not judged)" : "UDP (TCP: not offered)";
	if (target->tcp)
		return target->udp_left_out ? "TCP (UDP: not judged)" : "TCP (UDP: not offered)";
	return target->udp_left_out && target->tcp_left_out ? "nothing seen" : "no answer";
}

/* The last lines of what a launched server wrote. */
static void put_output(const struct page *page)
{
	const char *output = page->result->target.output, *line;
	size_t length = strlen(output);
	unsigned lines = 0;

	while (length > 0 && output[length - 1] == '\n')
		length--;
	for (line = output + length; line > output && lines < OUTPUT_LINES; line--)
		lines += line[-1] == '\n';
	line += lines == OUTPUT_LINES;
	fputs("  the end of the server's output:\n", page->to);
	while (line < output + length) {
		size_t columns = strcspn(line, "\n");
		char *text = rp_shown_octets(line, columns < LONGEST_LINE ? columns : LONGEST_LINE);

		fputs("    | ", page->to);
		rp_put_cut(page->to, text, page->width - 6);
		putc('\n', page->to);
		line += columns + 1;
		free(text);
	}
}

static void put_restarts(const struct page *page, unsigned restarts)
{
	fputs(style(page, RP_BAD), page->to);
	put_counted(page, 2, "restarts  %zu: the server died and was started again", restarts);
	fputs(style(page, RP_PLAIN), page->to);
}

static void put_target(const struct page *page)
{
	const struct rp_target *target = &page->result->target;
	char *address = rp_string("%s, %s", target->address == NULL ? "unknown" : target->address, offered(target));

	put_labelled(page, 2, "target    ", address);
	free(address);
	put_labelled(page, 2, "launched  ", target->launch);
	if (target->restarts > 0)
		put_restarts(page, target->restarts);
	if (target->lost_after != NULL) {
		char *lost = rp_string("the target stopped answering after %s", target->lost_after);

		put_labelled(page, 2, "lost      ", lost);
		free(lost);
	}
	if (target->output != NULL && *target->output != '\0' &&
	    (page->verbose || target->restarts > 0 || target->lost_after != NULL || page->result->verdict == RP_UNREACHABLE))
		put_output(page);
}

/* Where there is something to say: another schedule than the profile's, one that was taken from the target, or none at all. */
static void put_fingerprint(const struct page *page)
{
	const struct rp_fingerprint *print = &page->result->target.fingerprint;
	bool differs = rp_fingerprint_differs(page->result);
	char *seen, *profile, *advice;

	if (!differs && !print->adopted && !page->verbose && (page->result->target.udp || print->stop != RP_STOP_UNWATCHED || print->reason == NULL))
		return;
	seen = rp_fingerprint_seen(print);
	profile = rp_fingerprint_profile(page->result);
	advice = rp_fingerprint_advice(page->result);
	put_labelled(page, 2, "repeats   ", seen);
	put_labelled(page, 2, print->adopted ? "adopted   " : "profile   ", differs || print->adopted ? profile : NULL);
	put_labelled(page, 12, "", advice);
	free(seen);
	free(profile);
	free(advice);
}

static void put_took(const struct page *page)
{
	const struct rp_result *result = page->result;
	const struct rp_scenario *slowest = NULL;
	char *id;

	fprintf(page->to, "  took      %.1f s", (double)result->duration / 1e9);
	if (result->critical_path > 0)
		fprintf(page->to, "; critical path %.1f s", (double)result->critical_path / 1e9);
	for (size_t i = 0; i < result->scenarios_count; i++)
		if (slowest == NULL || result->scenarios[i].duration > slowest->duration)
			slowest = &result->scenarios[i];
	putc('\n', page->to);
	if (slowest == NULL)
		return;
	id = rp_string("%s, %.1f s", slowest->id, (double)slowest->duration / 1e9);
	put_labelled(page, 2, "slowest   ", id);
	free(id);
}

static void put_counts(const struct page *page)
{
	static const enum rp_verdict order[] = { RP_PASS, RP_FAIL, RP_WARN, RP_INCONCLUSIVE, RP_SKIP };
	struct rp_counts counts = rp_count(page->result);
	size_t flaky = 0, length;
	char *text = NULL;
	FILE *to = must(open_memstream(&text, &length));

	fprintf(to, "%zu%s", page->result->scenarios_count, page->result->scenarios_count > 0 ? ":" : "");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (counts.scenarios[order[i]] > 0)
			fprintf(to, " %zu %s", counts.scenarios[order[i]], rp_verdict_name(order[i]));
	for (size_t i = 0; i < page->result->scenarios_count; i++)
		flaky += page->result->scenarios[i].flaky;
	if (flaky > 0)
		fprintf(to, " (%zu flaky)", flaky);
	fclose(to);
	put_labelled(page, 2, "scenarios ", text);
	free(text);
}

static void put_packets(const struct page *page)
{
	size_t files = 0;

	for (size_t i = 0; i < page->result->scenarios_count; i++)
		files += page->result->scenarios[i].pcap != NULL;
	if (page->result->target.capture != RP_NO_CAPTURE)
		fprintf(page->to, "  packets   %s, in %zu file%s\n", rp_capture_kind(page->result->target.capture), files, plural(files));
}

static void put_run(const struct page *page)
{
	heading(page, "RUN");
	put_target(page);
	put_fingerprint(page);
	put_counts(page);
	put_took(page);
	put_packets(page);
	fprintf(page->to, "  seed      %llu\n", (unsigned long long)page->result->seed);
}

/* ---- whole reports ------------------------------------------------------------------------ */

static void put_last_line(const struct page *page)
{
	static const enum rp_style styles[] = {
		[RP_CONFORMS] = RP_GOOD, [RP_VIOLATES] = RP_BAD, [RP_UNREACHABLE] = RP_BAD, [RP_UNDECIDED] = RP_DOUBT,
	};
	char *line = rp_summary_line(page->result);

	fprintf(page->to, "%s%s%s\n", style(page, styles[rp_outcome(page->result)]), line, style(page, RP_PLAIN));
	free(line);
}

static void put_brief_line(const struct page *page, const struct rp_witness *witness)
{
	char *id = rp_shown_text(witness->scenario->id);
	char *what = rp_shown_text(witness->finding->what == NULL ? "" : witness->finding->what);

	fprintf(page->to, "%s%s%s %s %s%s: %s\n", style(page, style_of(witness->finding->verdict)), c2w_rule_info(witness->finding->rule)->id,
		style(page, RP_PLAIN), id, rp_transport_title(witness->scenario->transport), rp_remark(witness->scenario), what);
	free(id);
	free(what);
}

/* Every finding of this verdict that is news, in one line. */
static void put_brief(const struct page *page, enum rp_verdict verdict, enum rp_news news)
{
	enum c2w_rule rules[C2W_RULES];
	unsigned rule_count = rp_rules_find(page->result, verdict, news, rules);

	for (unsigned i = 0; i < rule_count; i++) {
		size_t count;
		struct rp_witness *witnesses = rp_witnesses_find(page->result, rules[i], verdict, &count);

		for (size_t k = 0; k < count; k++)
			if (!witnesses[k].scenario->expected)
				put_brief_line(page, &witnesses[k]);
		free(witnesses);
	}
}

/* The end of a long report is what is read first. */
static void put_first_to_mend(const struct page *page)
{
	enum c2w_rule rules[C2W_RULES];
	char *first;

	if (rp_rules_find(page->result, RP_FAIL, RP_NEWS, rules) == 0 && rp_rules_find(page->result, RP_FAIL, RP_NEWS_FLAKY, rules) == 0)
		return;
	first = rp_string("first %s: %s", c2w_rule_info(rules[0])->id, c2w_rule_info(rules[0])->sentence);
	put_labelled(page, 2, "mend      ", first);
	free(first);
}

static void put_whole(const struct page *page)
{
	put_rules_found(page, RP_FAIL, RP_NEWS, "BROKEN, in the order in which to mend it");
	put_rules_found(page, RP_FAIL, RP_NEWS_FLAKY, "BROKEN NOW AND THEN (flaky)");
	put_rules_found(page, RP_WARN, RP_NEWS, "NOT FOLLOWED (SHOULD)");
	put_rules_found(page, RP_WARN, RP_NEWS_FLAKY, "NOT FOLLOWED NOW AND THEN (SHOULD)");
	put_expected(page);
	if (page->result->expectation.surprises_count > 0)
		heading(page, "NOT AS EXPECTED");
	put_surprises(page);
	if (page->result->scenarios_count > 0)
		put_table(page);
	if (page->result->scenarios_count > 0 && (!page->chosen || page->verbose))
		put_uncounted(page);
	put_reasons(page, RP_INCONCLUSIVE, "COULD NOT BE JUDGED");
	put_reasons(page, RP_SKIP, "SKIPPED");
	put_run(page);
	put_first_to_mend(page);
	putc('\n', page->to);
}

void rp_terminal_write(const struct rp_result *result, FILE *to, const struct rp_terminal_options *options)
{
	struct page page = { .result = result, .to = to, .colour = options->colour, .verbose = options->verbose, .quiet = options->quiet,
			     .chosen = options->chosen, .width = options->width == 0 ? STANDARD_WIDTH : options->width };

	page.width = page.width < LEAST_WIDTH ? LEAST_WIDTH : page.width > MOST_WIDTH ? MOST_WIDTH : page.width;
	if (options->quiet) {
		for (enum rp_news news = RP_NEWS; news <= RP_NEWS_FLAKY; news++) {
			put_brief(&page, RP_FAIL, news);
			if (result->warnings_fail)
				put_brief(&page, RP_WARN, news);
		}
		put_surprises(&page);
		if (rp_outcome(result) == RP_VIOLATES)
			fprintf(to, "seed %llu\n", (unsigned long long)result->seed);
	} else {
		put_whole(&page);
	}
	put_last_line(&page);
}
