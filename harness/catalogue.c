/* Where the suite is, and tables about it, see catalogue.h. For main.c.
 * Keeps nothing. */
#include "harness/catalogue.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/explain.h"
#include "reports/text.h"

enum { MOST_COLUMNS = 100 }; /* of prose */

/* ---- where it is ---------------------------------------------------------------------------------- */

static bool there(const char *folder)
{
	return access(folder, R_OK | X_OK) == 0;
}

/* As somebody who stands here would write it; the caller's. */
static char *from_here(const char *folder)
{
	char path[PATH_MAX], here[PATH_MAX];
	size_t length;

	if (realpath(folder, path) == NULL)
		return NULL;
	if (getcwd(here, sizeof(here)) == NULL)
		return strdup(path);
	length = strlen(here);
	return strdup(strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1 : path);
}

char *hx_default_suite(void)
{
	static const char *const beside[] = { "../scenarios", "../../scenarios", "../share/c2w/scenarios" };
	const char *given = getenv("C2W_SCENARIOS");
	char program[PATH_MAX], folder[PATH_MAX + 32];
	ssize_t length;

	if (given != NULL && *given != '\0')
		return strdup(given);
	length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[length > 0 ? length : 0] = '\0';
	dirname(program);
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(folder, sizeof(folder), "%s/%s", program, beside[i]);
		if (there(folder))
			return from_here(folder);
	}
	return there(C2W_DATADIR "/scenarios") ? strdup(C2W_DATADIR "/scenarios") : NULL;
}

/* ---- --list ----------------------------------------------------------------------------------------- */

void hx_list(const struct hx_pick *picks, unsigned count, FILE *to)
{
	for (unsigned i = 0; i < count;) {
		const struct hx_scenario *scenario = picks[i].scenario;

		fprintf(to, "%s\t%s", scenario->id, rp_transport_name(picks[i].transport));
		while (++i < count && picks[i].scenario == scenario)
			fprintf(to, ",%s", rp_transport_name(picks[i].transport));
		fprintf(to, "\t%s\n", scenario->title);
	}
}

/* ---- --coverage --------------------------------------------------------------------------------------- */

static bool proves(const struct hx_scenario *scenario, enum c2w_rule rule)
{
	for (unsigned i = 0; i < scenario->proves_count; i++)
		if (scenario->proves[i] == rule)
			return true;
	return false;
}

/* A mixed scenario counts for both. */
static unsigned provers(const struct hx_suite *suite, enum c2w_rule rule, unsigned transport)
{
	unsigned count = 0;

	for (unsigned i = 0; i < suite->count; i++) {
		const struct hx_scenario *scenario = suite->scenarios[i];

		count += proves(scenario, rule) && (scenario->over == 0 || (scenario->over & transport) != 0);
	}
	return count;
}

static void put_count(FILE *to, const struct c2w_rule_info *info, unsigned transport, unsigned count)
{
	if ((info->transports & transport) == 0)
		fprintf(to, " %5s", "-");
	else
		fprintf(to, " %5u", count);
}

unsigned hx_coverage(const struct hx_suite *suite, bool quiet, FILE *to)
{
	unsigned gaps = 0;

	if (!quiet)
		fprintf(to, "%-8s %-6s   UDP   TCP\n", "rule", "level");
	for (unsigned i = 1; i < C2W_RULES; i++) {
		const struct c2w_rule_info *info = c2w_rule_info((enum c2w_rule)i);
		unsigned udp = provers(suite, (enum c2w_rule)i, C2W_ON_UDP), tcp = provers(suite, (enum c2w_rule)i, C2W_ON_TCP);
		bool gap = ((info->transports & C2W_ON_UDP) != 0 && udp == 0) || ((info->transports & C2W_ON_TCP) != 0 && tcp == 0);

		gap = gap && rp_rule_counts((enum c2w_rule)i);
		gaps += gap;
		if (quiet && !gap)
			continue;
		fprintf(to, "%-8s %-6s", info->id, c2w_level_name(info->level));
		put_count(to, info, C2W_ON_UDP, udp);
		put_count(to, info, C2W_ON_TCP, tcp);
		fprintf(to, "%s%s\n", gap ? "   nobody proves it" : "",
		        info->binds == C2W_BINDS_CLIENT ? "   binds clients" : info->unseen != NULL ? "   cannot be seen from outside" : "");
	}
	return gaps;
}

/* ---- --explain ------------------------------------------------------------------------------------------ */

static const char *origin_text(enum c2w_origin origin)
{
	switch (origin) {
	case C2W_SLIDES:
		return "stated in the slides";
	case C2W_IMPLIED:
		return "implied by the slides";
	case C2W_PROFILE:
		return "a decision of this profile";
	}
	return "";
}

static const char *transports_text(unsigned transports)
{
	return transports == C2W_ON_UDP ? "UDP only" : transports == C2W_ON_TCP ? "TCP only" : "UDP and TCP";
}

static void put_paragraph(FILE *to, unsigned width, const char *title, const char *text)
{
	fprintf(to, "%s\n  ", title);
	rp_put_wrapped(to, text, 2, width);
	fputc('\n', to);
}

static void put_example(FILE *to, const char *example)
{
	static const char key[] = "  (X: what a broken server sends; ~: it does not match the grammar)\n";
	bool marked = false;

	fputs("For example\n", to);
	for (const char *line = example, *end; *line != '\0'; line = end + 1) {
		end = strchrnul(line, '\n');
		fprintf(to, "  %.*s\n", (int)(end - line), line);
		marked = marked || line[0] == 'X' || line[1] == '~';
	}
	fprintf(to, "%s\n", marked ? key : "");
}

static unsigned put_provers(const struct hx_suite *suite, enum c2w_rule rule, unsigned width, FILE *to)
{
	unsigned count = 0;

	for (unsigned i = 0; i < suite->count; i++) {
		const struct hx_scenario *scenario = suite->scenarios[i];

		if (!proves(scenario, rule))
			continue;
		fprintf(to, "%s  %s\n      ", count++ == 0 ? "Proved by\n" : "", scenario->id);
		rp_put_wrapped(to, scenario->title, 6, width);
	}
	return count;
}

void hx_explain(const struct hx_suite *suite, enum c2w_rule rule, unsigned width, FILE *to)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule);
	const struct c2w_explanation *explanation = c2w_rule_explanation(rule);
	unsigned columns = width < MOST_COLUMNS ? width : MOST_COLUMNS, count;

	fprintf(to, "%s  %s, %s, %s\n\n  ", info->id, c2w_level_name(info->level), origin_text(info->origin), transports_text(info->transports));
	rp_put_wrapped(to, info->sentence, 2, columns);
	fputc('\n', to);
	put_paragraph(to, columns, "Why it is there", explanation->why);
	put_paragraph(to, columns, "How it is broken", explanation->breaks);
	put_example(to, explanation->example);
	count = put_provers(suite, rule, columns, to);
	if (info->binds == C2W_BINDS_CLIENT)
		rp_put_wrapped(to, "It binds clients: no test of a server can check it.", 0, columns);
	else if (info->unseen != NULL)
		put_paragraph(to, columns, "No test can see it from outside", info->unseen);
	else if (count == 0)
		fputs("No scenario proves it.\n", to);
}
