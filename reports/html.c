/* The HTML report of one result: verdict, what is broken with its evidence, rules by area, scenarios, the run. For render.c and matrix.c.
 * The markup is whole without its script, which filters, folds and shows hex. Written through memory, where its size is known: evidence,
 * then lists stop at their budget, and what was left out is counted. */
#include <stdlib.h>
#include <string.h>

#include "protocol/explain.h"
#include "reports/find.h"
#include "reports/markup.h"
#include "reports/render.h"
#include "reports/svg.h"
#include "reports/text.h"

enum {
	EVIDENCE_BUDGET = RP_MAX_HTML * 6 / 10, /* octets of the page after which no more evidence is begun */
	LIST_BUDGET = RP_MAX_HTML * 9 / 10,     /* octets after which no more scenarios are listed */
	MESSAGES_BUDGET = 256 * 1024,           /* octets of one scenario's table of messages */
	PACKETS_BUDGET = 1024 * 1024,           /* octets of all captures */
	LARGEST_PACKETS = 128 * 1024,           /* of one */
	MOST_WITNESSES = 25,                    /* of a rule */
	MOST_FINDINGS = 12,                     /* of a scenario */
	SOURCE_BEFORE = 12, SOURCE_BEHIND = 6,  /* lines around the one that failed */
	LONGEST_LINE = 400, MESSAGE_CELLS = 600, OUTPUT = 4000,
};

struct page {
	const struct rp_result *result;
	FILE *to;
	bool *evident;           /* of each scenario: its evidence is in the page */
	size_t left_out;         /* scenarios whose evidence is not */
	size_t packets;          /* octets of captures in it */
};

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void put_labelled(FILE *to, const char *label, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	fprintf(to, "<tr><th scope=\"row\">%s</th><td>", label);
	rp_html_text(to, text);
	fputs("</td></tr>\n", to);
}

static void put_command(FILE *to, const char *command)
{
	if (command == NULL)
		return;
	fputs("<p class=\"again\">Again: <code>", to);
	rp_html_text(to, command);
	fputs("</code> <button type=\"button\" class=\"copy\" hidden>Copy</button></p>\n", to);
}

/* ---- the head of the page ----------------------------------------------------------------- */

static void put_tile(FILE *to, enum rp_verdict verdict, size_t count)
{
	static const char *const words[RP_VERDICTS] = {
		[RP_FAIL] = "broken", [RP_INCONCLUSIVE] = "could not be judged", [RP_WARN] = "not followed", [RP_PASS] = "kept",
		[RP_SKIP] = "skipped", [RP_UNTESTED] = "not tested",
	};

	fprintf(to, "<li class=\"tile %s%s\"><b>%zu</b> %s</li>", rp_verdict_name(verdict), count == 0 ? " none" : "", count, words[verdict]);
}

static void put_tiles(const struct page *page)
{
	static const enum rp_verdict order[] = { RP_FAIL, RP_WARN, RP_INCONCLUSIVE, RP_PASS, RP_SKIP, RP_UNTESTED };
	struct rp_counts counts = rp_count(page->result);

	fprintf(page->to, "<h2>%zu rules</h2><ul class=\"tiles\" aria-label=\"rules by verdict\">", counts.rules_total);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		put_tile(page->to, order[i], counts.rules[order[i]]);
	fprintf(page->to, "</ul>\n<p class=\"scenarios\" data-totals>%zu scenario%s:", page->result->scenarios_count, plural(page->result->scenarios_count));
	for (size_t i = 0; i + 1 < sizeof(order) / sizeof(order[0]); i++)
		fprintf(page->to, " %zu %s%s", counts.scenarios[order[i]], rp_verdict_name(order[i]), order[i] == RP_SKIP ? "" : ",");
	fputs("</p>\n", page->to);
}

static void put_expectation(const struct page *page)
{
	const struct rp_expectation *expectation = &page->result->expectation;

	if (expectation->file == NULL)
		return;
	fputs("<p>Known failures are those of ", page->to);
	rp_html_text(page->to, expectation->file);
	fprintf(page->to, ": with them the run <b>%s</b>.</p>\n", rp_overall_name(rp_outcome(page->result)));
	for (size_t i = 0; i < expectation->surprises_count; i++) {
		fputs(i == 0 ? "<ul>" : "", page->to);
		fputs("<li>", page->to);
		rp_html_text(page->to, expectation->surprises[i]);
		fputs(i + 1 == expectation->surprises_count ? "</li></ul>\n" : "</li>", page->to);
	}
}

static void put_output(const struct page *page, bool open)
{
	const char *output = page->result->target.output, *line;

	if (output == NULL || *output == '\0')
		return;
	line = strlen(output) > OUTPUT ? output + strlen(output) - OUTPUT : output;
	fprintf(page->to, "<details%s><summary>The end of the server's output</summary><pre>", open ? " open" : "");
	while (*line != '\0') {
		char *shown = rp_shown_octets(line, strcspn(line, "\n"));

		rp_html_shown(page->to, shown, strlen(shown));
		putc('\n', page->to);
		free(shown);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	fputs("</pre></details>\n", page->to);
}

/* What it last said stands in front where it died. */
static void put_death(const struct page *page)
{
	const struct rp_target *target = &page->result->target;

	if (target->restarts == 0 && page->result->verdict != RP_UNREACHABLE)
		return;
	if (target->restarts > 0)
		fprintf(page->to, "<p><b>The server died and was started again %u time%s.</b> Find out why first: nothing else is worth as much.</p>\n",
			target->restarts, plural(target->restarts));
	put_output(page, true);
}

static void put_header(const struct page *page)
{
	char *line = rp_summary_line(page->result), started[RP_TIME_TEXT];

	rp_time_text(page->result->target.started, started);
	fprintf(page->to, "<header class=\"%s\"><p class=\"eyebrow\">C2W/22 conformance of ", rp_overall_name(page->result->verdict));
	rp_html_text(page->to, page->result->target.address == NULL ? "an unknown target" : page->result->target.address);
	fputs("</p>\n<h1>", page->to);
	rp_html_text(page->to, line);
	fprintf(page->to, "</h1>\n<p class=\"when\"><time datetime=\"%s\">%s</time>, %.1f s</p>\n", started, started,
		(double)page->result->duration / 1e9);
	if (page->result->verdict_reason != NULL && page->result->verdict != RP_UNREACHABLE) { /* there the line is the reason */
		fputs("<p>", page->to);
		rp_html_text(page->to, page->result->verdict_reason);
		fputs("</p>\n", page->to);
	}
	put_death(page);
	put_expectation(page);
	fputs("</header>\n<nav aria-label=\"Parts\"><a href=\"#broken\">To mend</a> <a href=\"#rules\">Rules</a> <a href=\"#scenarios\">Scenarios</a> "
	      "<a href=\"#pace\">Pace</a> <a href=\"#run\">Run</a></nav>\n", page->to);
	free(line);
}

/* ---- evidence ----------------------------------------------------------------------------- */

static void put_finding(FILE *to, const struct rp_scenario *scenario, const struct rp_finding *finding)
{
	char *place = rp_place(scenario, finding);

	fprintf(to, "<div class=\"finding %s\"><p>", rp_verdict_name(finding->verdict));
	rp_html_chip(to, finding->verdict);
	fprintf(to, " <a href=\"#r-%s\">%s</a> <b>", c2w_rule_info(finding->rule)->id, c2w_rule_info(finding->rule)->id);
	rp_html_text(to, finding->what);
	fputs("</b> <span class=\"place\">", to);
	if (finding->line > 0 && finding->file != NULL)
		rp_html_shown(to, place, strlen(place));
	else
		fputs("seen by a judge of every message, in no step", to);
	fputs("</span></p>\n", to);
	rp_html_comparison(to, finding->expected, finding->got);
	fputs("</div>\n", to);
	free(place);
}

static bool has_finding_at(const struct rp_scenario *scenario, const char *file, unsigned line)
{
	for (size_t i = 0; i < scenario->findings_count; i++)
		if (scenario->findings[i].line == line && scenario->findings[i].file != NULL && strcmp(scenario->findings[i].file, file) == 0)
			return true;
	return false;
}

static void put_source_line(FILE *to, const char *line, unsigned number, bool wrong)
{
	size_t tabs = strspn(line, "\t");
	char *copy = strndup(line + tabs, strcspn(line + tabs, "\r\n")), *shown;

	if (copy == NULL)
		abort();
	shown = rp_shown_text(copy);
	fprintf(to, "<span class=\"line%s\"><span class=\"no\">%s%u</span>  ", wrong ? " bad" : "", wrong ? "▶ " : "", number);
	rp_put_many(to, "    ", tabs < 16 ? (unsigned)tabs : 16);
	rp_html_shown(to, shown, rp_fit(shown, LONGEST_LINE));
	fputs("</span>\n", to);
	free(copy);
	free(shown);
}

/* The scenario around the worst finding's line, every line that failed marked. */
static void put_source(FILE *to, const struct rp_scenario *scenario)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);
	char *text = worst == NULL || worst->file == NULL || worst->line == 0 ? NULL : rp_source_read(worst->file);
	unsigned number = 1;

	if (text == NULL)
		return;
	fputs("<pre class=\"source\" aria-label=\"the scenario\">", to);
	for (const char *line = text; *line != '\0' && number <= worst->line + SOURCE_BEHIND; number++) {
		if (number + SOURCE_BEFORE >= worst->line)
			put_source_line(to, line, number, has_finding_at(scenario, worst->file, number));
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	fputs("</pre>\n", to);
	free(text);
}

static void put_message(FILE *to, const struct rp_scenario *scenario, const struct rp_event *event)
{
	char *octets = rp_escape(event->octets == NULL ? "" : event->octets, event->length);

	fprintf(to, "<tr><td class=\"num\">%.3f</td><td>", (double)(event->at - scenario->began) / 1e6);
	rp_html_text(to, event->client);
	fprintf(to, "</td><td>%s</td><td class=\"octets\"><code%s>", event->octets == NULL ? "note" : event->received ? "received" : "sent",
		event->octets != NULL && event->length <= MESSAGE_CELLS / 4 ? " data-octets" : "");
	rp_html_octets(to, octets, MESSAGE_CELLS);
	fputs("</code>", to);
	if (event->cut > 0)
		fprintf(to, " <span class=\"cut\">(and %zu octets that were not kept)</span>", event->cut);
	if (event->note != NULL) {
		fputs(" <span class=\"note\">", to);
		rp_html_text(to, event->note);
		fputs("</span>", to);
	}
	fputs("</td></tr>\n", to);
	free(octets);
}

/* The same as the ladder in words, for screen readers, for copying, and for hex. */
static void put_messages(FILE *to, const struct rp_scenario *scenario)
{
	struct rp_window window = rp_window_of(scenario);
	long begin = ftell(to);
	size_t i = window.first, left;

	if (window.end == 0)
		return;
	fprintf(to, "<details class=\"messages\"><summary>The same as a table (%zu message%s)</summary>\n<div class=\"scroll\"><table><thead><tr>"
		"<th scope=\"col\" class=\"num\">ms</th><th scope=\"col\">client</th><th scope=\"col\"></th><th scope=\"col\">octets</th></tr></thead><tbody>\n",
		window.end - window.first, plural(window.end - window.first));
	for (; i < window.end && ftell(to) - begin < MESSAGES_BUDGET; i++)
		put_message(to, scenario, &scenario->timeline[i]);
	fputs("</tbody></table></div></details>\n", to);
	left = scenario->timeline_count - (i - window.first) + scenario->timeline_left_out;
	if (left > 0)
		fprintf(to, "<p class=\"cut\">%zu more message%s of this scenario %s left out here.</p>\n", left, plural(left), left == 1 ? "is" : "are");
}

static void put_legend(FILE *to)
{
	fputs("<p class=\"legend\"><span class=\"key sent\">sent by a client</span> <span class=\"key received\">by the server</span> "
	      "<span class=\"key again\">once more</span> <span class=\"key wrong\">wrong</span> <span class=\"key window\">when the next copy is due</span> Drawn to time; rows are at least "
	      "a line apart.</p>\n", to);
}

/* Kept in the page, so that they are there wherever it is read; the path is where the run wrote them. */
static void put_packets(struct page *page, const struct rp_scenario *scenario)
{
	size_t room = page->packets < PACKETS_BUDGET ? PACKETS_BUDGET - page->packets : 0, length;
	char *octets = rp_capture_read(scenario, room < LARGEST_PACKETS ? room : LARGEST_PACKETS, &length), *name = rp_capture_name(scenario);

	if (scenario->pcap == NULL) {
		free(name);
		return;
	}
	fprintf(page->to, "<p class=\"packets\">The %s: ", rp_packets_title(page->result));
	if (octets != NULL) {
		fputs("<a download=\"", page->to);
		rp_html_shown(page->to, name, strlen(name));
		fputs("\" href=\"data:application/vnd.tcpdump.pcap;base64,", page->to);
		rp_html_base64(page->to, octets, length);
		fputs("\">", page->to);
		rp_html_shown(page->to, name, strlen(name));
		fprintf(page->to, "</a> (%zu octets, in this page), from ", length);
		page->packets += length;
	}
	fputs("<code>", page->to);
	rp_html_text(page->to, scenario->pcap);
	fputs("</code></p>\n", page->to);
	free(octets);
	free(name);
}

static void put_evidence(struct page *page, size_t index, bool open)
{
	const struct rp_scenario *scenario = &page->result->scenarios[index];
	FILE *to = page->to;

	fprintf(to, "<details class=\"case\" id=\"s%zu\"%s><summary><span class=\"id\">", index, open ? " open" : "");
	rp_html_text(to, scenario->id);
	fprintf(to, "</span> <span class=\"over\">%s%s</span></summary>\n<p class=\"title\">", rp_transport_title(scenario->transport), rp_remark(scenario));
	rp_html_text(to, scenario->title);
	fputs("</p>\n", to);
	if (scenario->reason != NULL) {
		fputs("<p>", to);
		rp_html_text(to, scenario->reason);
		fputs("</p>\n", to);
	}
	for (size_t i = 0; i < scenario->findings_count && i < MOST_FINDINGS; i++)
		put_finding(to, scenario, &scenario->findings[i]);
	if (scenario->findings_count > MOST_FINDINGS)
		fprintf(to, "<p class=\"cut\">and %zu more findings</p>\n", scenario->findings_count - MOST_FINDINGS);
	put_source(to, scenario);
	if (scenario->timeline_count > 0)
		put_legend(to);
	rp_svg_ladder(to, scenario, &page->result->params);
	put_messages(to, scenario);
	put_command(to, scenario->repeat);
	put_packets(page, scenario);
	fputs("</details>\n", to);
}

/* ---- what is to be mended ----------------------------------------------------------------- */

static void put_explanation(FILE *to, enum c2w_rule rule, bool open)
{
	const struct c2w_explanation *explanation = c2w_rule_explanation(rule);

	fprintf(to, "<details class=\"why\"%s><summary>Why, and how servers usually break it</summary><p><b>Why.</b> ", open ? " open" : "");
	rp_html_text(to, explanation->why);
	fputs("</p><p><b>Usually.</b> ", to);
	rp_html_text(to, explanation->breaks);
	fputs("</p><pre class=\"example\">", to);
	rp_html_shown(to, explanation->example, strlen(explanation->example));
	fputs("</pre></details>\n", to);
}

/* What was not run has none but its reason. */
static bool has_evidence(const struct rp_scenario *scenario)
{
	return scenario->findings_count > 0 || scenario->timeline_count > 0;
}

static void put_reference(const struct page *page, size_t index, const struct rp_finding *finding)
{
	const struct rp_scenario *scenario = &page->result->scenarios[index];

	fputs("<p class=\"also\">Also in ", page->to);
	if (page->evident[index])
		fprintf(page->to, "<a href=\"#s%zu\">", index);
	rp_html_text(page->to, scenario->id);
	fprintf(page->to, "%s %s%s: ", page->evident[index] ? "</a>" : "", rp_transport_title(scenario->transport), rp_remark(scenario));
	rp_html_text(page->to, finding == NULL ? scenario->reason : finding->what);
	fputs("</p>\n", page->to);
}

static void put_idle(FILE *to, const struct rp_scenario *first, size_t count)
{
	fprintf(to, "<p class=\"also\">%zu scenario%s that would test it %s not played, the first, ", count, plural(count), count == 1 ? "was" : "were");
	rp_html_text(to, first->id);
	fputs(": ", to);
	rp_html_text(to, first->reason == NULL ? "no reason was recorded" : first->reason);
	fputs("</p>\n", to);
}

/* A scenario's evidence is written once, where it is first needed. */
static void put_witnesses(struct page *page, const struct rp_rule *rule)
{
	const struct rp_scenario *idle = NULL;
	size_t count = 0, idle_count = 0, more;
	bool first = true;

	for (size_t i = 0; i < rule->scenarios_count && ftell(page->to) < LIST_BUDGET; i++) {
		size_t index = rule->scenarios[i];
		const struct rp_finding *finding = rp_finding_of(&page->result->scenarios[index], rule->rule, rule->verdict, &more);

		if ((finding == NULL && (rule->verdict != RP_INCONCLUSIVE || page->result->scenarios[index].verdict != RP_INCONCLUSIVE)) ||
		    ++count > MOST_WITNESSES)
			continue;
		if (!has_evidence(&page->result->scenarios[index])) {
			idle = idle_count++ == 0 ? &page->result->scenarios[index] : idle;
			continue;
		}
		if (page->evident[index] || ftell(page->to) > EVIDENCE_BUDGET) {
			page->left_out += !page->evident[index];
			put_reference(page, index, finding);
			continue;
		}
		page->evident[index] = true;
		put_evidence(page, index, first);
		first = false;
	}
	if (count > MOST_WITNESSES)
		fprintf(page->to, "<p class=\"cut\">and in %zu more</p>\n", count - MOST_WITNESSES);
	if (idle != NULL)
		put_idle(page->to, idle, idle_count);
}

static void put_rule(struct page *page, const struct rp_rule *rule, bool open)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule->rule);

	fprintf(page->to, "<article class=\"rule\" data-verdict=\"%s\"><h3>", rp_verdict_name(rule->verdict));
	rp_html_chip(page->to, rule->verdict);
	fprintf(page->to, " <a href=\"#r-%s\">%s</a> <span class=\"level\">%s</span></h3>\n<p class=\"sentence\">", info->id, info->id,
		c2w_level_name(info->level));
	rp_html_text(page->to, info->sentence);
	fputs("</p>\n", page->to);
	put_explanation(page->to, rule->rule, open);
	put_witnesses(page, rule);
	fputs("</article>\n", page->to);
}

static void put_rules_with(struct page *page, enum rp_verdict verdict, const char *title)
{
	enum c2w_rule rules[C2W_RULES];
	unsigned count = rp_rules_by_rank(page->result, verdict, rules);

	if (count == 0)
		return;
	fprintf(page->to, "<h2>%s</h2>\n", title);
	for (unsigned i = 0; i < count; i++)
		put_rule(page, &page->result->rules[rules[i]], i == 0);
}

static void put_broken(struct page *page)
{
	enum c2w_rule rules[C2W_RULES];

	fputs("<section id=\"broken\">\n", page->to);
	put_rules_with(page, RP_FAIL, "Broken, in the order in which to mend it");
	put_rules_with(page, RP_WARN, "Not followed (SHOULD)");
	put_rules_with(page, RP_INCONCLUSIVE, "Could not be judged");
	if (rp_rules_by_rank(page->result, RP_FAIL, rules) + rp_rules_by_rank(page->result, RP_WARN, rules) == 0)
		fputs("<h2>To mend</h2><p>Nothing that was tested is broken.</p>\n", page->to);
	if (page->left_out > 0)
		fprintf(page->to, "<p class=\"cut\">The evidence of %zu scenario%s is left out, so that this file stays small; the result file has it.</p>\n",
			page->left_out, plural(page->left_out));
	fputs("</section>\n", page->to);
}

/* ---- all rules ---------------------------------------------------------------------------- */

static void put_testers(const struct page *page, const struct rp_rule *rule)
{
	fprintf(page->to, "<p>Tested by %zu scenario%s%s</p><ul class=\"testers\">", rule->scenarios_count, plural(rule->scenarios_count),
		rule->scenarios_count > 0 ? ":" : ".");
	for (size_t i = 0; i < rule->scenarios_count && i < MOST_WITNESSES && ftell(page->to) < LIST_BUDGET; i++) {
		const struct rp_scenario *scenario = &page->result->scenarios[rule->scenarios[i]];

		fputs("<li>", page->to);
		rp_html_chip(page->to, scenario->verdict);
		fputs(page->evident[rule->scenarios[i]] ? " <a href=\"#s" : " ", page->to);
		if (page->evident[rule->scenarios[i]])
			fprintf(page->to, "%zu\">", rule->scenarios[i]);
		rp_html_text(page->to, scenario->id);
		fprintf(page->to, "%s %s</li>", page->evident[rule->scenarios[i]] ? "</a>" : "", rp_transport_title(scenario->transport));
	}
	if (rule->scenarios_count > MOST_WITNESSES)
		fprintf(page->to, "<li class=\"cut\">and %zu more</li>", rule->scenarios_count - MOST_WITNESSES);
	fputs("</ul>", page->to);
}

static void put_rule_row(const struct page *page, const struct rp_rule *rule)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule->rule);
	bool counts = rp_rule_counts(rule->rule);

	fprintf(page->to, "<tr id=\"r-%s\" data-filter data-verdict=\"%s\"><th scope=\"row\">%s</th><td>", info->id,
		counts ? rp_verdict_name(rule->verdict) : "untested", info->id);
	if (counts)
		rp_html_chip(page->to, rule->verdict);
	else
		fputs("<span class=\"chip untested\">not counted</span>", page->to);
	fputs("</td><td><details><summary>", page->to);
	rp_html_text(page->to, info->sentence);
	fputs("</summary>", page->to);
	if (info->unseen != NULL) {
		fputs("<p><b>Not seen from outside.</b> ", page->to);
		rp_html_text(page->to, info->unseen);
		fputs("</p>", page->to);
	}
	put_explanation(page->to, rule->rule, true);
	put_testers(page, rule);
	fputs("</details></td></tr>\n", page->to);
}

static void put_level(const struct page *page, const char *area, enum c2w_level level)
{
	bool any = false;

	for (unsigned i = 1; i < C2W_RULES; i++) {
		const struct c2w_rule_info *info = c2w_rule_info((enum c2w_rule)i);

		if (strcmp(info->area, area) != 0 || info->level != level)
			continue;
		if (!any)
			fprintf(page->to, "<tbody><tr class=\"level\"><th colspan=\"3\" scope=\"rowgroup\">%s</th></tr>\n", c2w_level_name(level));
		any = true;
		put_rule_row(page, &page->result->rules[i]);
	}
	fputs(any ? "</tbody>\n" : "", page->to);
}

static void put_rules(const struct page *page)
{
	fputs("<section id=\"rules\"><h2>Rules</h2>\n", page->to);
	for (unsigned i = 0; c2w_area_name(i) != NULL; i++) {
		fprintf(page->to, "<div class=\"area\"><h3>%s: %s</h3><table class=\"rules\">\n", c2w_area_name(i), c2w_area_title(i));
		put_level(page, c2w_area_name(i), C2W_MUST);
		put_level(page, c2w_area_name(i), C2W_SHOULD);
		put_level(page, c2w_area_name(i), C2W_MAY);
		fputs("</table></div>\n", page->to);
	}
	fputs("</section>\n", page->to);
}

/* ---- all scenarios ------------------------------------------------------------------------ */

static void put_rule_link(FILE *to, enum c2w_rule rule)
{
	fprintf(to, "<a href=\"#r-%s\">%s</a> ", c2w_rule_info(rule)->id, c2w_rule_info(rule)->id);
}

static void put_scenario_row(const struct page *page, size_t index)
{
	const struct rp_scenario *scenario = &page->result->scenarios[index];
	const struct rp_finding *worst = rp_worst_finding(scenario);

	fprintf(page->to, "<tr data-filter data-verdict=\"%s\"><td>", rp_verdict_name(scenario->verdict));
	rp_html_chip(page->to, scenario->verdict);
	fputs(page->evident[index] ? "</td><td><a href=\"#s" : "</td><td>", page->to);
	if (page->evident[index])
		fprintf(page->to, "%zu\">", index);
	rp_html_text(page->to, scenario->id);
	fprintf(page->to, "%s<span class=\"sub\">", page->evident[index] ? "</a>" : "");
	rp_html_text(page->to, worst != NULL ? worst->what : scenario->reason != NULL ? scenario->reason : scenario->title);
	fprintf(page->to, "%s</span></td><td>%s</td><td class=\"num\">%.1f</td><td>", rp_remark(scenario), rp_transport_name(scenario->transport),
		(double)scenario->duration / 1e6);
	for (size_t i = 0; i < scenario->proves_count; i++)
		put_rule_link(page->to, scenario->proves[i]);
	fputs("</td></tr>\n", page->to);
}

static void put_scenarios(const struct page *page)
{
	size_t *order = rp_scenarios_by_verdict(page->result), count = page->result->scenarios_count, i;

	fputs("<section id=\"scenarios\"><h2>Scenarios</h2>\n<div class=\"scroll\"><table class=\"list\"><thead><tr><th scope=\"col\">verdict</th>"
	      "<th scope=\"col\">scenario</th><th scope=\"col\">over</th><th scope=\"col\" class=\"num\">ms</th><th scope=\"col\">proves</th></tr></thead><tbody>\n", page->to);
	for (i = 0; i < count && ftell(page->to) < LIST_BUDGET; i++)
		put_scenario_row(page, order[i]);
	fputs("</tbody></table></div>\n", page->to);
	if (i < count)
		fprintf(page->to, "<p class=\"cut\">and %zu more, left out so that this file stays small</p>\n", count - i);
	fputs("</section>\n", page->to);
	free(order);
}

/* ---- pace and run ------------------------------------------------------------------------- */

/* Frees the text. */
static void put_paragraph(FILE *to, const char *label, char *text)
{
	if (text == NULL)
		return;
	fprintf(to, "<p><b>%s</b> ", label);
	rp_html_text(to, text);
	fputs("</p>\n", to);
	free(text);
}

static void put_pace(const struct page *page)
{
	const struct rp_fingerprint *fingerprint = &page->result->target.fingerprint;

	fputs("<section id=\"pace\"><h2>Pace: how it repeats what nobody acks</h2>\n", page->to);
	put_paragraph(page->to, "Seen:", rp_fingerprint_seen(fingerprint));
	put_paragraph(page->to, "Profile:", rp_fingerprint_profile(page->result));
	put_paragraph(page->to, "To do:", rp_fingerprint_advice(page->result));
	if (fingerprint->intervals_count > 0)
		rp_svg_fingerprint(page->to, fingerprint, &page->result->params);
	fputs("</section>\n", page->to);
}

static void put_parameters(const struct page *page)
{
	char text[2 * C2W_MAX_PARAM_TEXT + 64];

	fputs("<details><summary>Parameters</summary><table>\n", page->to);
	for (unsigned i = 0; i < C2W_PARAMS; i++)
		if (c2w_params_format(&page->result->params, (enum c2w_param)i, text, sizeof(text)) >= 0)
			put_labelled(page->to, c2w_param_info((enum c2w_param)i)->name, text);
	fputs("</table></details>\n", page->to);
}

static void put_run(const struct page *page)
{
	const struct rp_result *result = page->result;
	char number[32];

	fputs("<section id=\"run\"><h2>Run</h2>\n<table>\n", page->to);
	put_labelled(page->to, "target", result->target.address);
	put_labelled(page->to, "launched", result->target.launch);
	put_labelled(page->to, "offered", result->target.udp ? result->target.tcp ? "UDP and TCP" : "UDP" : result->target.tcp ? "TCP" : "nothing");
	put_labelled(page->to, "lost after", result->target.lost_after);
	snprintf(number, sizeof(number), "%u", result->target.restarts);
	put_labelled(page->to, "restarts", result->target.restarts > 0 ? number : NULL);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)result->seed);
	put_labelled(page->to, "seed", number);
	put_labelled(page->to, "tool", result->tool);
	put_labelled(page->to, "version", result->version);
	fputs("</table>\n", page->to);
	put_command(page->to, result->command);
	put_parameters(page);
	put_output(page, false);
	fputs("</section>\n", page->to);
}

/* ---- the page ----------------------------------------------------------------------------- */

static void put_page(struct page *page)
{
	const char *address = page->result->target.address;
	char *title = rp_string("%s: %s", rp_overall_name(page->result->verdict), address == NULL ? "an unknown target" : address);

	rp_html_begin(page->to, title);
	put_header(page);
	fputs("<main id=\"main\">\n", page->to);
	put_tiles(page);
	rp_html_controls(page->to);
	put_broken(page);
	put_rules(page);
	put_scenarios(page);
	put_pace(page);
	put_run(page);
	fputs("</main>\n", page->to);
	rp_html_end(page->to);
	free(title);
}

void rp_html_write(const struct rp_result *result, FILE *to)
{
	struct page page = { .result = result, .evident = calloc(result->scenarios_count + 1, sizeof(bool)) };
	char *text = NULL;
	size_t length;

	page.to = open_memstream(&text, &length);
	if (page.to == NULL || page.evident == NULL)
		abort();
	put_page(&page);
	if (fclose(page.to) != 0)
		abort();
	fwrite(text, 1, length, to);
	free(text);
	free(page.evident);
}
