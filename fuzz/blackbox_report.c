/* A case as a report: a scenario that c2w-conform plays, and the octets, written by the play that shows it once more.
 * For blackbox_look.c and blackbox_server.c. The streams belong to the hunt. */
#include "fuzz/blackbox_hunt_inside.h"

#include <assert.h>
#include <stdlib.h>

/* What is not seen in an answer is seen by an honest client afterwards. */
static enum c2w_rule last_word(const struct fz_finding *finding)
{
	return finding->kind == FZ_DEATH ? C2W_ROB_01 : finding->kind == FZ_HANG ? C2W_ROB_02 : C2W_NO_RULE;
}

void fz_close_streams(struct fz_hunt *hunt)
{
	if (hunt->script != NULL)
		fclose(hunt->script);
	if (hunt->events != NULL)
		fclose(hunt->events);
	hunt->script = hunt->events = NULL;
	free(hunt->script_text);
	free(hunt->events_text);
	hunt->script_text = hunt->events_text = NULL;
}

void fz_begin_writing(struct fz_hunt *hunt)
{
	hunt->task = WRITE;
	fz_close_streams(hunt);
	hunt->script = open_memstream(&hunt->script_text, &hunt->script_size);
	hunt->events = open_memstream(&hunt->events_text, &hunt->events_size);
	assert(hunt->script != NULL && hunt->events != NULL);
	hunt->leak_runs = 0;
}

/* A rule that does not apply over one of the transports cannot be what the scenario proves; it is charged all the same. */
static enum c2w_rule provable(const struct fz_hunt *hunt, const struct fz_finding *finding)
{
	const struct fz_program *program = &hunt->shrinker.best;

	for (unsigned i = 0; i < FZ_CAST; i++)
		if (fz_takes_part(program, i) && !(c2w_rule_info(finding->rule)->transports & (program->tcp[i] ? C2W_ON_TCP : C2W_ON_UDP)))
			return C2W_ROB_01;
	return c2w_rule_info(finding->rule)->unseen != NULL ? C2W_ROB_01 : finding->rule;
}

static bool speaks(const char *script, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = strstr(script, name); at != NULL; at = strstr(at + 1, name))
		if (at[length] == ' ' && (at == script || at[-1] == '\n' || at[-1] == '\t'))
			return true;
	return false;
}

/* Whose steps were not come to: everybody in a cast has to do something, and this changes nothing. */
static void print_silent_ones(const struct fz_hunt *hunt, FILE *to)
{
	for (unsigned i = 0; i < FZ_CAST; i++)
		if (fz_takes_part(&hunt->shrinker.best, i) && !speaks(hunt->script_text, fz_known_names[i]))
			fprintf(to, "%s resumes acks\n", fz_known_names[i]);
}

static char *whole_script(const struct fz_hunt *hunt, const struct fz_finding *finding)
{
	bool honest = last_word(finding) != C2W_NO_RULE;
	char *text = NULL, *what = strdup(finding->what);
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	assert(to != NULL && what != NULL);
	for (char *at = what; *at != '\0'; at++)
		*at = *at == '"' || *at == '\\' || (unsigned char)*at < ' ' ? '\'' : *at;
	fprintf(to, "# Found by c2w-fuzz %s with seed %llu%s.\n", C2W_VERSION, (unsigned long long)hunt->options.seed, hunt->reproduced ? "" : "; it did not show again");
	if (finding->expected != NULL)
		fprintf(to, "# expected  %s\n", finding->expected);
	if (finding->got != NULL)
		fprintf(to, "# got       %s\n", finding->got);
	fprintf(to, "scenario \"Not again: %s\"\nproves %s\n", what, c2w_rule_info(provable(hunt, finding))->id);
	fz_program_print_cast(&hunt->shrinker.best, honest, !hunt->offered_udp, to);
	fputs(hunt->script_text, to);
	print_silent_ones(hunt, to);
	if (finding->kind == FZ_VIOLATION && finding->got != NULL) /* what came need not be what was waited for */
		fputs("wait $answer-within\n", to);
	if (honest)
		fprintf(to, "honest > ENTER_MOVIE_REQUEST \"?\"\nhonest < ENTER_MOVIE_ERROR not-connected [%s]\n", c2w_rule_info(last_word(finding))->id);
	fclose(to);
	free(what);
	return text;
}

void fz_report_case(struct fz_hunt *hunt)
{
	struct fz_case *closed = &hunt->cases[0];
	struct fz_report made = {
		.finding = closed->finding, .number = hunt->reported + 1, .reproduced = hunt->reproduced, .certain = hunt->reproduced || closed->certain, .program = &hunt->shrinker.best,
		.suspects = closed->suspects, .suspect_count = closed->suspect_count, .executions = closed->executions, .after = closed->after,
	};
	bool tell = made.certain || fz_doubt_case(hunt);
	char *script;

	hunt->reported += tell;
	hunt->doubted += tell && !made.certain;
	fflush(hunt->script);
	fflush(hunt->events);
	script = whole_script(hunt, &closed->finding);
	made.script = script;
	made.octets = hunt->events_text;
	if (tell)
		hunt->options.found(hunt->options.context, &made);
	free(script);
	fz_close_streams(hunt);
	fz_close_case(hunt);
	hunt->reproduced = false;
	hunt->task = FUZZ; /* or the next case, then */
}
