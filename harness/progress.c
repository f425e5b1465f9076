/* Live line, plain lines and events, see progress.h. For main.c.
 * Owns only its counters; jansson builds one object a line. */
#include "harness/progress.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct hx_progress {
	struct hx_progress_options options;
	unsigned total, finished, failed;
	bool drawn; /* the live line stands there */
};

static const char *const verdict_colours[RP_VERDICTS] = {
	[RP_FAIL] = "\033[31m", [RP_INCONCLUSIVE] = "\033[35m", [RP_WARN] = "\033[33m", [RP_PASS] = "\033[32m",
	[RP_SKIP] = "\033[36m", [RP_UNTESTED] = "",
};

/* ---- events ------------------------------------------------------------------------------------ */

/* Text of ours is UTF-8; what is not, is written escaped rather than not at all. */
static json_t *text(const char *from)
{
	json_t *string;
	char *escaped;

	if (from == NULL)
		return json_null();
	string = json_string(from);
	if (string != NULL)
		return string;
	escaped = rp_escape(from, strlen(from));
	string = json_string(escaped);
	free(escaped);
	return string;
}

static void emit(const struct hx_progress *progress, json_t *object)
{
	assert(object != NULL);
	json_dumpf(object, progress->options.events, JSON_COMPACT);
	fputc('\n', progress->options.events);
	fflush(progress->options.events);
	json_decref(object);
}

static json_t *finding_object(const struct rp_finding *finding)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:I}", "rule", c2w_rule_info(finding->rule)->id, "verdict",
	                 rp_verdict_name(finding->verdict), "file", text(finding->file), "line", (json_int_t)finding->line, "what",
	                 text(finding->what), "expected", text(finding->expected), "got", text(finding->got), "at_ns", (json_int_t)finding->at);
}

/* The findings for people: place, rule, what was expected and what came, the rule's own sentence. */
static json_t *findings_text(const struct rp_scenario *record)
{
	char *said = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&said, &size);
	json_t *object;

	assert(to != NULL);
	for (size_t i = 0; i < record->findings_count; i++) {
		const struct rp_finding *finding = &record->findings[i];
		const struct c2w_rule_info *rule = c2w_rule_info(finding->rule);

		if (finding->file != NULL)
			fprintf(to, "%s:%u: ", finding->file, finding->line);
		fprintf(to, "%s %s\n", rule->id, finding->what != NULL ? finding->what : "");
		if (finding->expected != NULL)
			fprintf(to, "  expected  %s\n", finding->expected);
		if (finding->got != NULL)
			fprintf(to, "  got       %s\n", finding->got);
		fprintf(to, "  %s: %s\n", rule->id, rule->sentence);
	}
	if (record->findings_count > 0 && record->repeat != NULL)
		fprintf(to, "  repeat    %s\n", record->repeat);
	fclose(to);
	object = text(said[0] != '\0' ? said : NULL);
	free(said);
	return object;
}

static json_t *finished_object(const struct rp_scenario *record, unsigned tries)
{
	json_t *findings = json_array();

	for (size_t i = 0; i < record->findings_count; i++)
		json_array_append_new(findings, finding_object(&record->findings[i]));
	return json_pack("{s:s, s:o, s:s, s:s, s:I, s:I, s:o, s:b, s:b, s:o, s:o}", "event", "scenario", "id", text(record->id), "transport",
	                 rp_transport_name(record->transport), "verdict", rp_verdict_name(record->verdict), "tries", (json_int_t)tries,
	                 "duration_ns", (json_int_t)record->duration, "reason", text(record->reason), "flaky", record->flaky, "company_only",
	                 record->company_only, "findings", findings, "text",
	                 findings_text(record));
}

/* ---- for people ---------------------------------------------------------------------------------- */

static const char *colour(const struct hx_progress *progress, enum rp_verdict verdict)
{
	return progress->options.colour ? verdict_colours[verdict] : "";
}

static const char *plain(const struct hx_progress *progress)
{
	return progress->options.colour ? "\033[0m" : "";
}

static void wipe(struct hx_progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", progress->options.people);
	progress->drawn = false;
}

static void draw(struct hx_progress *progress, const char *id)
{
	char line[512];
	unsigned width = progress->options.width < sizeof(line) ? progress->options.width : sizeof(line) - 1;

	if (progress->options.people == NULL || !progress->options.live || width < 2)
		return;
	snprintf(line, width, "%u/%u, %u failed  %s", progress->finished, progress->total, progress->failed, id);
	fprintf(progress->options.people, "\r\033[K%s", line);
	fflush(progress->options.people);
	progress->drawn = true;
}

/* One plain line for each verdict; on a terminal only for those that need somebody's attention. */
static void show_finished(struct hx_progress *progress, const struct rp_scenario *record)
{
	FILE *people = progress->options.people;
	bool worth = record->verdict == RP_FAIL || record->verdict == RP_WARN || record->verdict == RP_INCONCLUSIVE;

	if (people == NULL)
		return;
	if (!progress->options.live || progress->options.verbose || worth) {
		wipe(progress);
		fprintf(people, "%s%-12s%s %s (%s)", colour(progress, record->verdict), rp_verdict_name(record->verdict), plain(progress),
		        record->id, rp_transport_name(record->transport));
		if (record->findings_count > 0)
			fprintf(people, " %s", c2w_rule_info(record->findings[0].rule)->id);
		if (record->verdict == RP_SKIP)
			fprintf(people, "  %s", record->reason);
		else
			fprintf(people, "  %.3f s", (double)record->duration / 1e9);
		fputc('\n', people);
		fflush(people);
	}
	draw(progress, "");
}

/* ---- outside -------------------------------------------------------------------------------------- */

struct hx_progress *hx_progress_new(const struct hx_progress_options *options)
{
	struct hx_progress *progress = calloc(1, sizeof(*progress));

	assert(progress != NULL);
	progress->options = *options;
	return progress;
}

void hx_progress_free(struct hx_progress *progress)
{
	if (progress == NULL)
		return;
	wipe(progress);
	free(progress);
}

void hx_progress_run(struct hx_progress *progress, const char *target, uint64_t seed)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)seed);
	if (progress->options.events != NULL)
		emit(progress, json_pack("{s:s, s:s, s:o, s:s}", "event", "start", "schema", "c2w-events/1", "target", text(target), "seed", digits));
	draw(progress, "is it there?");
}

void hx_progress_planned(struct hx_progress *progress, unsigned total)
{
	progress->total = total;
	if (progress->options.events != NULL)
		emit(progress, json_pack("{s:s, s:I}", "event", "plan", "total", (json_int_t)total));
	draw(progress, "");
}

void hx_progress_started(struct hx_progress *progress, const struct rp_scenario *record, unsigned try, int64_t at)
{
	if (progress->options.events != NULL)
		emit(progress, json_pack("{s:s, s:o, s:s, s:I, s:I}", "event", "try", "id", text(record->id), "transport",
	                                 rp_transport_name(record->transport), "number", (json_int_t)try, "at_ns", (json_int_t)at));
	if (progress->options.people != NULL && progress->options.verbose && !progress->options.live)
		fprintf(progress->options.people, "%-12s %s (%s)%s\n", "started", record->id, rp_transport_name(record->transport), try > 1 ? " again" : "");
	draw(progress, record->id);
}

void hx_progress_finished(struct hx_progress *progress, const struct rp_scenario *record, unsigned tries)
{
	progress->finished++;
	progress->failed += record->verdict == RP_FAIL;
	if (progress->options.events != NULL)
		emit(progress, finished_object(record, tries));
	show_finished(progress, record);
}

void hx_progress_note(struct hx_progress *progress, const char *note, int64_t at)
{
	if (progress->options.events != NULL)
		emit(progress, json_pack("{s:s, s:o, s:I}", "event", "note", "text", text(note), "at_ns", (json_int_t)at));
	if (progress->options.people == NULL)
		return;
	wipe(progress);
	fprintf(progress->options.people, "%s\n", note);
	draw(progress, "");
}

void hx_progress_end(struct hx_progress *progress, const struct rp_result *result, int exit)
{
	if (progress->options.events != NULL)
		emit(progress, json_pack("{s:s, s:s, s:o, s:I, s:I}", "event", "end", "verdict", rp_overall_name(result->verdict), "reason",
	                                 text(result->verdict_reason), "exit", (json_int_t)exit, "duration_ns", (json_int_t)result->duration));
	if (progress->options.people != NULL)
		wipe(progress);
}
