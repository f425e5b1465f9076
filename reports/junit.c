/* JUnit's XML as Jenkins, GitLab and the GitHub actions read it: flat, one test case for each scenario and transport, one failure with
 * the whole explanation. For render.c. libxml2 does the syntax; all text is shown text (text.h), which XML 1.0 allows. */
#include <libxml/xmlwriter.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "reports/find.h"
#include "reports/render.h"
#include "reports/text.h"

enum { TEXT_WIDTH = 120, TEXT_ROWS = 60 };

/* xmlwriter keeps no sticky error; a failed allocation is the only one that writing into memory knows. */
static void must(int written)
{
	if (written < 0)
		abort();
}

static void start(xmlTextWriterPtr xml, const char *name)
{
	must(xmlTextWriterStartElement(xml, BAD_CAST name));
}

static void end(xmlTextWriterPtr xml)
{
	must(xmlTextWriterEndElement(xml));
}

static void attribute(xmlTextWriterPtr xml, const char *name, const char *shown)
{
	must(xmlTextWriterWriteAttribute(xml, BAD_CAST name, BAD_CAST shown));
}

static void attribute_text(xmlTextWriterPtr xml, const char *name, const char *text)
{
	char *shown = rp_shown_text(text == NULL ? "" : text);

	attribute(xml, name, shown);
	free(shown);
}

static void attribute_count(xmlTextWriterPtr xml, const char *name, size_t count)
{
	must(xmlTextWriterWriteFormatAttribute(xml, BAD_CAST name, "%zu", count));
}

static void attribute_seconds(xmlTextWriterPtr xml, int64_t ns)
{
	must(xmlTextWriterWriteFormatAttribute(xml, BAD_CAST "time", "%.3f", (double)ns / 1e9));
}

static void property(xmlTextWriterPtr xml, const char *name, const char *value)
{
	start(xml, "property");
	attribute(xml, "name", name);
	attribute_text(xml, "value", value);
	end(xml);
}

static void property_count(xmlTextWriterPtr xml, const char *what, enum rp_verdict verdict, size_t count)
{
	char name[40], value[24];

	snprintf(name, sizeof(name), "%s.%s", what, rp_verdict_name(verdict));
	snprintf(value, sizeof(value), "%zu", count);
	property(xml, name, value);
}

/* The totals in our own words, for whoever wants more than JUnit's four. */
static void put_properties(xmlTextWriterPtr xml, const struct rp_result *result)
{
	struct rp_counts counts = rp_count(result);
	char *line = rp_summary_line(result), seed[24];

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)result->seed);
	start(xml, "properties");
	property(xml, "summary", line);
	property(xml, "verdict", rp_overall_name(result->verdict));
	property(xml, "outcome", rp_overall_name(rp_outcome(result)));
	property(xml, "target", result->target.address);
	property(xml, "command", result->command);
	property(xml, "seed", seed);
	if (result->target.capture != RP_NO_CAPTURE)
		property(xml, "packets", rp_capture_kind(result->target.capture));
	for (unsigned i = 0; i < RP_VERDICTS; i++)
		property_count(xml, "scenarios", (enum rp_verdict)i, counts.scenarios[i]);
	for (unsigned i = 0; i < RP_VERDICTS; i++)
		property_count(xml, "rules", (enum rp_verdict)i, counts.rules[i]);
	end(xml);
	free(line);
}

static void put_outcome(xmlTextWriterPtr xml, const char *element, const char *message, const char *type, const char *body)
{
	start(xml, element);
	attribute(xml, "message", message);
	if (type != NULL)
		attribute(xml, "type", type);
	if (body != NULL)
		must(xmlTextWriterWriteString(xml, BAD_CAST body));
	end(xml);
}

static const char *type_of(const struct rp_scenario *scenario)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);

	return worst == NULL ? rp_verdict_name(scenario->verdict) : c2w_rule_info(worst->rule)->id;
}

/* Jenkins and GitLab link what stands so in a case's output; a path that they would not read as it is stays away. */
static void put_attachment(xmlTextWriterPtr xml, const char *file)
{
	char *shown = rp_shown_text(file);

	if (strcmp(shown, file) == 0 && strpbrk(file, "[]|") == NULL)
		must(xmlTextWriterWriteFormatString(xml, "\n[[ATTACHMENT|%s]]\n", shown));
	free(shown);
}

/* What a SHOULD that is not followed has to say, though it passes; the packets of whatever does not pass. */
static void put_output(xmlTextWriterPtr xml, const struct rp_scenario *scenario, const char *said)
{
	const char *packets = scenario->verdict == RP_PASS ? NULL : scenario->pcap;

	if (said == NULL && packets == NULL)
		return;
	start(xml, "system-out");
	if (said != NULL)
		must(xmlTextWriterWriteString(xml, BAD_CAST said));
	if (packets != NULL)
		put_attachment(xml, packets);
	end(xml);
}

static void put_verdict(xmlTextWriterPtr xml, const struct rp_result *result, const struct rp_scenario *scenario)
{
	char *message = rp_case_message(scenario), *text = rp_scenario_text(result, scenario, TEXT_WIDTH, TEXT_ROWS);
	enum rp_case how = rp_case_of(result, scenario);

	switch (how) {
	case RP_CASE_FAILED:
		put_outcome(xml, "failure", message, type_of(scenario), text);
		break;
	case RP_CASE_ERROR:
		put_outcome(xml, "error", message, type_of(scenario), text);
		break;
	case RP_CASE_SKIPPED:
		put_outcome(xml, "skipped", message, NULL, NULL);
		break;
	case RP_CASE_PASSED:
	case RP_CASES:
		break;
	}
	put_output(xml, scenario, how == RP_CASE_PASSED && scenario->verdict == RP_WARN ? text : NULL);
	free(message);
	free(text);
}

/* "chat" of "chat/MSG-02-x"; unique together with the name, which holds the whole id. */
static void put_class(xmlTextWriterPtr xml, const char *id)
{
	const char *slash = strchr(id, '/');
	char *folder = strndup(id, slash == NULL ? 0 : (size_t)(slash - id)), *shown;

	must(folder == NULL ? -1 : 0);
	shown = rp_shown_text(folder);
	must(xmlTextWriterWriteFormatAttribute(xml, BAD_CAST "classname", "c2w%s%s", *shown == '\0' ? "" : ".", shown));
	free(folder);
	free(shown);
}

static void put_case_properties(xmlTextWriterPtr xml, const struct rp_scenario *scenario)
{
	if (!scenario->flaky && scenario->pcap == NULL)
		return;
	start(xml, "properties");
	if (scenario->flaky)
		property(xml, "flaky", "true");
	if (scenario->pcap != NULL)
		property(xml, "packets", scenario->pcap);
	end(xml);
}

static void put_case(xmlTextWriterPtr xml, const struct rp_result *result, const struct rp_scenario *scenario, const char *name)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);

	start(xml, "testcase");
	put_class(xml, scenario->id);
	attribute(xml, "name", name);
	attribute_seconds(xml, scenario->duration);
	if (scenario->file != NULL)
		attribute_text(xml, "file", worst != NULL && worst->file != NULL ? worst->file : scenario->file);
	if (scenario->file != NULL)
		attribute_count(xml, "line", worst != NULL && worst->line > 0 ? worst->line : 1);
	put_case_properties(xml, scenario);
	put_verdict(xml, result, scenario);
	end(xml);
}

static void put_run_case(xmlTextWriterPtr xml, const struct rp_result *result)
{
	char *error = rp_run_error(result);

	if (error == NULL)
		return;
	start(xml, "testcase");
	attribute(xml, "classname", "c2w");
	attribute(xml, "name", RP_RUN_CASE);
	attribute(xml, "time", "0.000");
	put_outcome(xml, "error", error, rp_overall_name(result->verdict), error);
	end(xml);
	free(error);
}

static void put_counts(xmlTextWriterPtr xml, const struct rp_result *result)
{
	struct rp_cases cases = rp_cases_count(result);
	char started[RP_TIME_TEXT];

	rp_time_text(result->target.started, started);
	started[strlen("2026-01-01T00:00:00")] = '\0'; /* JUnit's schema knows no fractions and no zone */
	attribute_count(xml, "tests", cases.total);
	attribute_count(xml, "failures", cases.of[RP_CASE_FAILED]);
	attribute_count(xml, "errors", cases.of[RP_CASE_ERROR]);
	attribute_count(xml, "skipped", cases.of[RP_CASE_SKIPPED]);
	attribute_seconds(xml, result->duration);
	attribute(xml, "timestamp", started);
}

static void put_suite(xmlTextWriterPtr xml, const struct rp_result *result)
{
	char **names = rp_case_names(result);

	start(xml, "testsuite");
	attribute_text(xml, "name", result->target.address == NULL ? "c2w" : result->target.address);
	put_counts(xml, result);
	put_properties(xml, result);
	for (size_t i = 0; i < result->scenarios_count; i++)
		put_case(xml, result, &result->scenarios[i], names[i]);
	put_run_case(xml, result);
	end(xml);
	rp_names_free(names, result->scenarios_count);
}

void rp_junit_write(const struct rp_result *result, FILE *to)
{
	xmlBufferPtr memory = xmlBufferCreate();
	xmlTextWriterPtr xml = xmlNewTextWriterMemory(memory, 0);

	if (memory == NULL || xml == NULL)
		abort();
	must(xmlTextWriterSetIndent(xml, 1));
	must(xmlTextWriterStartDocument(xml, NULL, "UTF-8", NULL));
	start(xml, "testsuites");
	attribute(xml, "name", "c2w-conform");
	put_counts(xml, result);
	put_suite(xml, result);
	must(xmlTextWriterEndDocument(xml));
	xmlFreeTextWriter(xml);
	fwrite(xmlBufferContent(memory), 1, (size_t)xmlBufferLength(memory), to);
	xmlBufferFree(memory);
}
