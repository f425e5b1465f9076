/* A table for spreadsheets, RFC 4180: a line for each scenario and transport. For render.c.
 * What a spreadsheet would take for a formula gets an apostrophe in front. */
#include <stdlib.h>
#include <string.h>

#include "reports/find.h"
#include "reports/render.h"
#include "reports/text.h"

static void put_cell(FILE *to, const char *text)
{
	char *shown = rp_shown_text(text == NULL ? "" : text);

	fputs(strchr("=+-@", *shown) != NULL && *shown != '\0' ? "\"'" : "\"", to);
	for (const char *at = shown; *at != '\0'; at++) {
		if (*at == '"')
			putc('"', to);
		putc(*at, to);
	}
	fputs("\",", to);
	free(shown);
}

static void put_rules(FILE *to, const struct rp_scenario *scenario)
{
	putc('"', to);
	for (size_t i = 0; i < scenario->proves_count; i++)
		fprintf(to, "%s%s", i > 0 ? " " : "", c2w_rule_info(scenario->proves[i])->id);
	fputs("\",", to);
}

static void put_line(FILE *to, const struct rp_result *result, const struct rp_scenario *scenario)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);

	put_cell(to, result->target.address);
	put_cell(to, scenario->id);
	put_cell(to, rp_transport_name(scenario->transport));
	put_cell(to, rp_verdict_name(scenario->verdict));
	fprintf(to, "%s,%s,%.3f,", scenario->flaky ? "yes" : "no", scenario->expected ? "yes" : "no", (double)scenario->duration / 1e6);
	put_rules(to, scenario);
	put_cell(to, worst == NULL ? NULL : c2w_rule_info(worst->rule)->id);
	put_cell(to, worst == NULL ? scenario->reason : worst->what);
	put_cell(to, worst == NULL || worst->file == NULL ? scenario->file : worst->file);
	fprintf(to, "%u,", worst == NULL ? 0 : worst->line);
	put_cell(to, scenario->repeat);
	fprintf(to, "%llu\r\n", (unsigned long long)scenario->seed);
}

void rp_csv_lines_write(const struct rp_result *result, FILE *to)
{
	for (size_t i = 0; i < result->scenarios_count; i++)
		put_line(to, result, &result->scenarios[i]);
}

void rp_csv_write(const struct rp_result *result, FILE *to)
{
	fputs("target,scenario,transport,verdict,flaky,expected,milliseconds,proves,rule,what,file,line,again,seed\r\n", to);
	rp_csv_lines_write(result, to);
}
