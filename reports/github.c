/* GitHub's workflow commands: each failing scenario becomes an annotation on its line. For render.c.
 * GitHub shows ten of a step; beyond that the last one counts the rest. Text is shown text, then escaped as the runner reads it. */
#include <stdlib.h>
#include <string.h>

#include "reports/find.h"
#include "reports/render.h"
#include "reports/text.h"

static void put_escaped(FILE *to, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '%' || *text == '\r' || *text == '\n' || strchr(special, *text) != NULL)
			fprintf(to, "%%%02X", (unsigned)(unsigned char)*text);
		else
			putc(*text, to);
	}
}

static void put_property(FILE *to, const char *key, const char *text)
{
	char *shown = rp_shown_text(text);

	fprintf(to, "%s=", key);
	put_escaped(to, shown, ":,");
	free(shown);
}

static void put_annotation(FILE *to, const struct rp_scenario *scenario, const char *name, const char *command)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);
	const char *file = worst != NULL && worst->file != NULL ? worst->file : scenario->file;
	char *message = rp_case_message(scenario);

	fprintf(to, "::%s ", command);
	if (file != NULL) {
		put_property(to, "file", file);
		fprintf(to, ",line=%u,", worst != NULL && worst->line > 0 ? worst->line : 1);
	}
	put_property(to, "title", name);
	fputs("::", to);
	put_escaped(to, message, "");
	if (worst != NULL) {
		fputs("%0A", to);
		put_escaped(to, c2w_rule_info(worst->rule)->sentence, "");
	}
	putc('\n', to);
	free(message);
}

/* NULL: none. */
static const char *command_of(const struct rp_result *result, const struct rp_scenario *scenario)
{
	enum rp_case how = rp_case_of(result, scenario);

	if (how == RP_CASE_FAILED)
		return "error";
	return how == RP_CASE_ERROR || (scenario->verdict == RP_WARN && !scenario->expected) ? "warning" : NULL;
}

static void put_scenarios(FILE *to, const struct rp_result *result, size_t room)
{
	size_t *order = rp_scenarios_by_verdict(result), total = 0, shown = 0;
	char **names = rp_case_names(result);

	for (size_t i = 0; i < result->scenarios_count; i++)
		total += command_of(result, &result->scenarios[i]) != NULL;
	room -= total > room;
	for (size_t i = 0; i < result->scenarios_count && shown < room; i++) {
		const struct rp_scenario *scenario = &result->scenarios[order[i]];
		const char *command = command_of(result, scenario);

		if (command == NULL)
			continue;
		put_annotation(to, scenario, names[order[i]], command);
		shown++;
	}
	if (total > shown)
		fprintf(to, "::notice title=c2w-conform::and %zu more, see the report\n", total - shown);
	free(order);
	rp_names_free(names, result->scenarios_count);
}

void rp_github_write(const struct rp_result *result, FILE *to)
{
	char *error = rp_run_error(result), *line = rp_summary_line(result);

	if (error != NULL) {
		fputs("::error title=c2w-conform::", to);
		put_escaped(to, error, "");
		putc('\n', to);
	}
	put_scenarios(to, result, RP_MAX_ANNOTATIONS - (error != NULL));
	fprintf(to, "%s\n", line); /* begins with the verdict, so it is no command */
	free(error);
	free(line);
}
