/* Looks things up in a result, see find.h. For the renderers.
 * What it allocates is the caller's. */
#include "reports/find.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "reports/ladder.h"
#include "reports/text.h"

enum { LARGEST_FILE = 1024 * 1024, MOST_FINDINGS = 20 /* of a scenario's text */ };

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* ---- files -------------------------------------------------------------------------------- */

char *rp_file_read(const char *name, size_t most, size_t *length)
{
	struct stat about;
	FILE *file;
	char *octets;

	if (stat(name, &about) != 0 || !S_ISREG(about.st_mode) || (uintmax_t)about.st_size > most)
		return NULL;
	file = fopen(name, "re");
	if (file == NULL)
		return NULL;
	octets = must(malloc((size_t)about.st_size + 1));
	*length = fread(octets, 1, (size_t)about.st_size, file);
	octets[*length] = '\0';
	fclose(file);
	return octets;
}

char *rp_source_read(const char *name)
{
	size_t length = strlen(name);

	return length < 4 || strcmp(name + length - 4, ".c2w") != 0 ? NULL : rp_file_read(name, LARGEST_FILE, &length);
}

char *rp_source_line(const char *name, unsigned number)
{
	char *text = number == 0 ? NULL : rp_source_read(name), *at = text, *line = NULL;

	while (at != NULL && --number > 0) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	if (at != NULL && *at != '\0')
		line = must(strndup(at, strcspn(at, "\r\n")));
	free(text);
	return line;
}

/* pcap in either order of octets, its times in us or ns; pcapng. */
static bool is_capture(const char *octets, size_t length)
{
	static const char magics[][5] = { "\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\n\r\r\n" };

	for (size_t i = 0; length >= 4 && i < sizeof(magics) / sizeof(magics[0]); i++)
		if (memcmp(octets, magics[i], 4) == 0)
			return true;
	return false;
}

char *rp_capture_read(const struct rp_scenario *scenario, size_t most, size_t *length)
{
	char *octets = scenario->pcap == NULL ? NULL : rp_file_read(scenario->pcap, most, length);

	if (octets != NULL && is_capture(octets, *length))
		return octets;
	free(octets);
	return NULL;
}

char *rp_capture_name(const struct rp_scenario *scenario)
{
	const char *slash = scenario->pcap == NULL ? NULL : strrchr(scenario->pcap, '/');

	return rp_shown_text(slash != NULL ? slash + 1 : scenario->pcap == NULL ? "" : scenario->pcap);
}

const char *rp_packets_title(const struct rp_result *result)
{
	static const char *const titles[RP_CAPTURES] = {
		[RP_NO_CAPTURE] = "packets", [RP_CAPTURED] = "packets, captured", [RP_SYNTHESISED] = "packets, synthesised",
	};

	return titles[result->target.capture];
}

/* ---- findings ----------------------------------------------------------------------------- */

static bool is_candidate(const struct rp_event *event, const struct rp_finding *finding)
{
	return event->received && event->at <= finding->at && event->octets != NULL;
}

/* Something of or for the same client lies just so long before it. */
static bool came_after(const struct rp_scenario *scenario, const struct rp_event *event, double ms)
{
	for (const struct rp_event *before = scenario->timeline; before < event; before++)
		if (strcmp(before->client, event->client) == 0 && fabs((double)(event->at - before->at) / 1e6 - ms) < 0.1)
			return true;
	return false;
}

/* "after 2000.0 ms": the last message that took so long. */
static const struct rp_event *late_one(const struct rp_scenario *scenario, const struct rp_finding *finding, double ms)
{
	for (size_t i = scenario->timeline_count; i > 0; i--)
		if (is_candidate(&scenario->timeline[i - 1], finding) && came_after(scenario, &scenario->timeline[i - 1], ms))
			return &scenario->timeline[i - 1];
	return NULL;
}

const struct rp_event *rp_offender(const struct rp_scenario *scenario, const struct rp_finding *finding)
{
	static const char after[] = "after ";
	const struct rp_event *offender = NULL;
	size_t length;
	char *octets;

	if (finding->got == NULL || !rp_unescape(finding->got, &octets, &length))
		return NULL;
	if (strncmp(finding->got, after, sizeof(after) - 1) == 0)
		offender = late_one(scenario, finding, strtod(finding->got + sizeof(after) - 1, NULL));
	for (size_t i = 0; i < scenario->timeline_count; i++) {
		const struct rp_event *event = &scenario->timeline[i];

		if (is_candidate(event, finding) && event->length == length && memcmp(event->octets, octets, length) == 0)
			offender = event;
	}
	free(octets);
	return offender;
}

const struct rp_finding *rp_finding_of(const struct rp_scenario *scenario, enum c2w_rule rule, enum rp_verdict verdict, size_t *more)
{
	const struct rp_finding *first = NULL;

	*more = 0;
	for (size_t i = 0; i < scenario->findings_count; i++) {
		if (scenario->findings[i].rule != rule || scenario->findings[i].verdict != verdict)
			continue;
		if (first == NULL)
			first = &scenario->findings[i];
		else
			(*more)++;
	}
	return first;
}

const struct rp_finding *rp_worst_finding(const struct rp_scenario *scenario)
{
	const struct rp_finding *worst = NULL;

	for (size_t i = 0; i < scenario->findings_count; i++)
		if (worst == NULL || scenario->findings[i].verdict < worst->verdict)
			worst = &scenario->findings[i];
	return worst;
}

/* ---- order -------------------------------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
	unsigned one = rp_mending_rank(*(const enum c2w_rule *)a), other = rp_mending_rank(*(const enum c2w_rule *)b);

	return one < other ? -1 : one > other;
}

unsigned rp_rules_by_rank(const struct rp_result *result, enum rp_verdict verdict, enum c2w_rule rules[C2W_RULES])
{
	unsigned count = 0;

	for (unsigned i = 1; i < C2W_RULES; i++)
		if (result->rules[i].verdict == verdict)
			rules[count++] = (enum c2w_rule)i;
	if (count > 1)
		qsort(rules, count, sizeof(*rules), by_rank);
	return count;
}

size_t *rp_scenarios_by_verdict(const struct rp_result *result)
{
	size_t *order = must(calloc(result->scenarios_count + 1, sizeof(*order))), count = 0;

	for (unsigned verdict = 0; verdict < RP_VERDICTS; verdict++)
		for (size_t i = 0; i < result->scenarios_count; i++)
			if (result->scenarios[i].verdict == (enum rp_verdict)verdict)
				order[count++] = i;
	return order;
}

static int by_name(const void *a, const void *b)
{
	char **one = *(char **const *)a, **other = *(char **const *)b;
	int order = strcmp(*one, *other);

	return order != 0 ? order : one < other ? -1 : one > other;
}

static char *numbered(char *name, size_t number)
{
	char *text = rp_string("%s #%zu", name, number);

	free(name);
	return text;
}

/* Turns of one scenario are numbered from the second one on. */
static void names_number(char **names, size_t count)
{
	char ***order = must(calloc(count + 1, sizeof(*order))), *first = NULL;
	size_t turn = 1;

	for (size_t i = 0; i < count; i++)
		order[i] = &names[i];
	qsort(order, count, sizeof(*order), by_name);
	for (size_t i = 0; i < count; i++) {
		if (first == NULL || strcmp(first, *order[i]) != 0) {
			first = *order[i];
			turn = 1;
		} else {
			*order[i] = numbered(*order[i], ++turn);
		}
	}
	free(order);
}

char **rp_case_names(const struct rp_result *result)
{
	char **names = must(calloc(result->scenarios_count + 1, sizeof(*names)));

	for (size_t i = 0; i < result->scenarios_count; i++) {
		char *id = rp_shown_text(result->scenarios[i].id);

		names[i] = rp_string("%s %s", id, rp_transport_title(result->scenarios[i].transport));
		free(id);
	}
	names_number(names, result->scenarios_count);
	return names;
}

void rp_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* ---- test cases --------------------------------------------------------------------------- */

enum rp_case rp_case_of(const struct rp_result *result, const struct rp_scenario *scenario)
{
	switch (scenario->verdict) {
	case RP_FAIL:
		return scenario->expected ? RP_CASE_SKIPPED : RP_CASE_FAILED;
	case RP_WARN:
		if (scenario->expected)
			return RP_CASE_SKIPPED;
		return result->warnings_fail ? RP_CASE_FAILED : RP_CASE_PASSED;
	case RP_INCONCLUSIVE:
		return RP_CASE_ERROR;
	case RP_PASS:
		return RP_CASE_PASSED;
	case RP_SKIP:
	case RP_UNTESTED:
	case RP_VERDICTS:
		break;
	}
	return RP_CASE_SKIPPED;
}

char *rp_run_error(const struct rp_result *result)
{
	struct rp_counts counts = rp_count(result);
	const char *reason = result->verdict_reason == NULL ? "no reason was given" : result->verdict_reason;

	if (result->expectation.surprises_count > 0)
		return rp_shown_text(result->expectation.surprises[0]);
	if (result->verdict == RP_UNREACHABLE || (result->verdict == RP_UNDECIDED && counts.scenarios[RP_INCONCLUSIVE] == 0))
		return rp_shown_text(reason);
	return NULL;
}

struct rp_cases rp_cases_count(const struct rp_result *result)
{
	struct rp_cases cases = { .total = result->scenarios_count };
	char *error = rp_run_error(result);

	for (size_t i = 0; i < result->scenarios_count; i++)
		cases.of[rp_case_of(result, &result->scenarios[i])]++;
	cases.of[RP_CASE_ERROR] += error != NULL;
	cases.total += error != NULL;
	free(error);
	return cases;
}

char *rp_case_message(const struct rp_scenario *scenario)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);
	const char *what = worst != NULL ? worst->what : scenario->reason, *remark = rp_remark(scenario);
	char *shown = rp_shown_text(what == NULL ? "no reason was recorded" : what);
	char *text = rp_string("%s%s%s%s", worst != NULL ? c2w_rule_info(worst->rule)->id : "", worst != NULL ? ": " : "", shown, remark);

	free(shown);
	return text;
}

/* ---- words -------------------------------------------------------------------------------- */

const char *rp_transport_title(enum rp_transport transport)
{
	static const char *const titles[] = { [RP_UDP] = "over UDP", [RP_TCP] = "over TCP", [RP_MIXED] = "over UDP and TCP" };

	return titles[transport];
}

const char *rp_remark(const struct rp_scenario *scenario)
{
	if (scenario->expected)
		return " (expected)";
	if (scenario->flaky)
		return " (flaky: it failed, then passed)";
	return scenario->company_only ? " (only in company: alone it passed)" : "";
}

void rp_time_text(int64_t ns, char text[RP_TIME_TEXT])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm parts = { 0 };
	size_t length;

	gmtime_r(&seconds, &parts);
	length = strftime(text, RP_TIME_TEXT - 5, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + length, RP_TIME_TEXT - length, ".%03uZ", (unsigned)(ns / 1000000 % 1000) % 1000);
}

char *rp_place(const struct rp_scenario *scenario, const struct rp_finding *finding)
{
	const char *file = finding != NULL && finding->file != NULL ? finding->file : scenario->file;
	char *shown = rp_shown_text(file == NULL ? scenario->id : file), *text;

	if (finding == NULL || finding->file == NULL || finding->line == 0)
		return shown;
	text = rp_string("%s:%u", shown, finding->line);
	free(shown);
	return text;
}

/* ---- a scenario in words ------------------------------------------------------------------ */

static void put_line(FILE *to, const char *label, const char *text, unsigned width)
{
	char *shown;

	if (text == NULL)
		return;
	shown = rp_shown_text(text);
	fputs(label, to);
	if (width > 0)
		rp_put_wrapped(to, shown, rp_columns(label), width);
	else
		fprintf(to, "%s\n", shown);
	free(shown);
}

static void put_finding(FILE *to, const struct rp_scenario *scenario, const struct rp_finding *finding, unsigned width)
{
	const struct c2w_rule_info *info = c2w_rule_info(finding->rule);
	char *place = rp_place(scenario, finding), *line = NULL;

	fprintf(to, "%s %s: ", info->id, c2w_level_name(info->level));
	rp_put_wrapped(to, info->sentence, (unsigned)strlen(info->id) + 2, width);
	put_line(to, "  ", finding->what, width);
	fprintf(to, "  %s\n", place);
	if (finding->file != NULL && (line = rp_source_line(finding->file, finding->line)) != NULL)
		put_line(to, "      ", line + strspn(line, " \t"), 0);
	put_line(to, "  expected  ", finding->expected, 0);
	put_line(to, "  got       ", finding->got, 0);
	free(place);
	free(line);
}

char *rp_scenario_text(const struct rp_result *result, const struct rp_scenario *scenario, unsigned width, unsigned rows)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);
	struct rp_ladder_options ladder = { .width = width, .rows = rows, .until = worst != NULL ? worst->at : INT64_MAX };
	char *text = NULL;
	size_t length;
	FILE *to = must(open_memstream(&text, &length));

	put_line(to, "", scenario->title, width);
	put_line(to, "", scenario->reason, width);
	for (size_t i = 0; scenario->findings != NULL && i < scenario->findings_count && i < MOST_FINDINGS; i++)
		put_finding(to, scenario, &scenario->findings[i], width);
	if (scenario->findings_count > MOST_FINDINGS)
		fprintf(to, "(and %zu more findings)\n", scenario->findings_count - MOST_FINDINGS);
	if (worst != NULL) {
		ladder.offender = rp_offender(scenario, worst);
		rp_ladder_write(scenario, to, &ladder);
	}
	put_line(to, "again: ", scenario->repeat, 0);
	if (scenario->pcap != NULL)
		fprintf(to, "%s: ", rp_packets_title(result));
	put_line(to, "", scenario->pcap, 0);
	if (fclose(to) != 0)
		abort();
	return text;
}
