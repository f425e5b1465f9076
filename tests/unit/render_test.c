/* Tests the renderings of a result: that all show the same totals, that none of 256 octets gets through to a reader of the format, that
 * sizes and counts are bounded. Renderings are written into memory; XML is checked by libxml2, JSON by jansson. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "reports/diff.h"
#include "reports/find.h"
#include "reports/render.h"

#define MS 1000000LL

/* NOLINTBEGIN(misc-misleading-bidirectional): these octets are what is tested here. */
static const char nasty[] = "</script><img src=x onerror=alert(1)><!-- ]]> --> ';\" `${x}` %0A::error::x ::set-output name=x:: # SKIP \\ =cmd|'/C'!A0 "
			    "@someone www.example.org http://x/ \xe2\x80\xa8\xe2\x80\xae\xef\xbb\xbf\xed\xa0\x80\xff\x1b[2J\r\n::error::y\n...\n";
/* NOLINTEND(misc-misleading-bidirectional) */

static char *rendered(enum rp_format format, const struct rp_result *result, size_t *length)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	rp_renderings[format].write(result, to);
	assert_int_equal(fclose(to), 0);
	if (length != NULL)
		*length = size;
	return text;
}

static struct rp_scenario *scenario_with(struct rp_result *result, const char *id, enum c2w_rule rule, enum rp_verdict verdict)
{
	struct rp_scenario *scenario = rp_scenario_add(result, id);

	scenario->verdict = verdict;
	scenario->file = rp_text(result, "scenarios/a.c2w");
	rp_proves_set(result, scenario, &rule, 1);
	if (verdict <= RP_WARN) {
		struct rp_finding *finding = rp_finding_add(result, scenario, rule, verdict);

		finding->what = rp_text(result, "what is wrong");
		finding->at = 5 * MS;
	}
	return scenario;
}

/* 2 fail, 1 inconclusive, 1 warn, 3 pass, 1 skip. */
static struct rp_result *mixed_result(void)
{
	struct rp_result *result = rp_result_new();

	result->target.address = rp_text(result, "127.0.0.1:1950");
	result->target.started = 1795635885955255324;
	scenario_with(result, "chat/a", C2W_MSG_01, RP_FAIL)->flaky = true;
	scenario_with(result, "chat/a", C2W_MSG_01, RP_FAIL);
	scenario_with(result, "chat/b", C2W_MSG_02, RP_INCONCLUSIVE);
	scenario_with(result, "chat/c", C2W_MSG_08, RP_WARN);
	scenario_with(result, "chat/d", C2W_MSG_03, RP_PASS);
	scenario_with(result, "chat/e", C2W_MSG_04, RP_PASS);
	scenario_with(result, "chat/f", C2W_MSG_05, RP_PASS);
	scenario_with(result, "chat/g", C2W_MSG_06, RP_SKIP)->reason = rp_text(result, "not offered");
	rp_result_conclude(result);
	return result;
}

/* Every text of it holds `octets`. */
static struct rp_result *hostile_result(const char *octets, size_t length)
{
	struct rp_result *result = rp_result_new();
	char *text = rp_text(result, "%s", octets);
	struct rp_scenario *scenario = scenario_with(result, text, C2W_FMT_01, RP_FAIL);
	struct rp_finding *finding = &scenario->findings[0];

	finding->what = finding->file = finding->expected = text;
	finding->got = rp_text(result, "x%s", octets);
	finding->line = 3;
	scenario->title = scenario->file = scenario->reason = scenario->repeat = scenario->pcap = text;
	for (int i = 0; i < 3; i++)
		rp_event_add(result, scenario, i * MS, text, i % 2 == 1, false, octets, length, text);
	scenario_with(result, text, C2W_MSG_01, RP_SKIP)->reason = text;
	result->target.address = result->target.launch = result->target.output = result->target.lost_after = text;
	result->command = result->tool = result->version = text;
	rp_result_conclude(result);
	result->verdict_reason = text;
	return result;
}

static struct rp_result *octet_result(unsigned octet)
{
	const char octets[] = { 'a', (char)octet, 'b', '\0' };

	return hostile_result(octets, 3);
}

/* ---- totals ------------------------------------------------------------------------------- */

static double number_at(const char *text, const char *path)
{
	xmlDocPtr document = xmlReadMemory(text, (int)strlen(text), "x.xml", NULL, XML_PARSE_NONET);
	xmlXPathContextPtr context = xmlXPathNewContext(document);
	xmlXPathObjectPtr value = xmlXPathEvalExpression(BAD_CAST path, context);
	double number;

	assert_non_null(document);
	assert_non_null(value);
	number = xmlXPathCastToNumber(value);
	xmlXPathFreeObject(value);
	xmlXPathFreeContext(context);
	xmlFreeDoc(document);
	return number;
}

static void junit_counts(const char *text)
{
	static const struct { const char *path; int number; } values[] = {
		{ "/testsuites/@tests", 8 }, { "/testsuites/@failures", 2 }, { "/testsuites/@errors", 1 }, { "/testsuites/@skipped", 1 },
		{ "count(//testcase)", 8 }, { "count(//failure)", 2 }, { "count(//error)", 1 }, { "count(//skipped)", 1 },
		{ "count(//testcase[property/@name='flaky'] | //testcase[properties/property/@name='flaky'])", 1 },
		{ "count(//testcase[@name = preceding::testcase/@name])", 0 }, { "count(//testcase[not(@file) or not(@line)])", 0 },
		{ "//property[@name='scenarios.fail']/@value", 2 }, { "//property[@name='scenarios.warn']/@value", 1 },
		{ "//property[@name='scenarios.pass']/@value", 3 }, { "//property[@name='rules.pass']/@value", 3 },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal((int)number_at(text, values[i].path), values[i].number);
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		count++;
	return count;
}

static void totals_are_the_same_everywhere(void **state)
{
	struct rp_result *result = mixed_result();
	char *line = rp_summary_line(result), *texts[RP_FORMATS];

	(void)state;
	for (int i = 0; i < RP_FORMATS; i++)
		texts[i] = rendered((enum rp_format)i, result, NULL);
	for (int i = 0; i < RP_FORMATS; i++)
		if (i != RP_CSV)
			assert_non_null(strstr(texts[i], line));
	junit_counts(texts[RP_JUNIT]);
	assert_non_null(strstr(texts[RP_TAP], "\n1..8\n"));
	assert_int_equal(count_of(texts[RP_TAP], "\nnot ok "), 3);
	assert_int_equal(count_of(texts[RP_TAP], "\nok "), 5);
	assert_non_null(strstr(texts[RP_TAP], "# scenarios: fail 2 inconclusive 1 warn 1 pass 3 skip 1 untested 0\n"));
	assert_non_null(strstr(texts[RP_HTML], "8 scenarios: 2 fail, 1 warn, 1 inconclusive, 3 pass, 1 skip<"));
	assert_non_null(strstr(texts[RP_MARKDOWN], "| scenarios | 2 | 1 | 1 | 3 | 1 | 0 |"));
	assert_int_equal(count_of(texts[RP_CSV], "\"udp\",\"fail\""), 2);
	assert_int_equal(count_of(texts[RP_CSV], "\"udp\",\"pass\""), 3);
	assert_int_equal(count_of(texts[RP_CSV], "\r\n"), 9);
	assert_int_equal(count_of(texts[RP_GITHUB], "::error "), 2);
	assert_int_equal(count_of(texts[RP_GITHUB], "::warning "), 2);
	for (int i = 0; i < RP_FORMATS; i++)
		free(texts[i]);
	free(line);
	rp_result_free(result);
}

static json_int_t json_number(const char *text, const char *const path[])
{
	json_t *root = json_loads(text, 0, NULL), *at = root;
	json_int_t number;

	assert_non_null(root);
	for (; *path != NULL; path++)
		at = json_object_get(at, *path);
	assert_true(json_is_integer(at));
	number = json_integer_value(at);
	json_decref(root);
	return number;
}

static void json_totals_are_the_same(void **state)
{
	static const struct { const char *path[6]; json_int_t number; } ctrf[] = {
		{ { "results", "summary", "tests" }, 8 }, { { "results", "summary", "failed" }, 2 }, { { "results", "summary", "passed" }, 4 },
		{ { "results", "summary", "skipped" }, 1 }, { { "results", "summary", "other" }, 1 },
		{ { "results", "summary", "extra", "scenarios", "pass" }, 3 }, { { "results", "summary", "extra", "rules", "fail" }, 1 },
	};
	static const char *const gradescope[] = { "extra_data", "scenarios", "fail", NULL };
	struct rp_result *result = mixed_result();
	char *text = rendered(RP_CTRF, result, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(ctrf) / sizeof(ctrf[0]); i++)
		assert_int_equal(json_number(text, ctrf[i].path), ctrf[i].number);
	free(text);
	text = rendered(RP_GRADESCOPE, result, NULL);
	assert_int_equal(json_number(text, gradescope), 2);
	free(text);
	rp_result_free(result);
}

/* A GRANTED that comes again, too late the second time, and the judge's finding about that. */
static void copies_and_what_is_late_are_marked(void **state)
{
	static const char granted[] = "1.5: CONNECTION_GRANTED|alice|\r\n";
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = scenario_with(result, "a/late", C2W_REL_05, RP_FAIL);
	char *text;

	(void)state;
	rp_event_add(result, scenario, 0, "alice", false, false, "1.5: CONNECTION_REQUEST|alice|\r\n", 32, NULL);
	for (int64_t at = 1; at < 4000; at += at == 1 ? 1000 : 2000)
		rp_event_add(result, scenario, at * MS, "alice", true, false, granted, sizeof(granted) - 1, NULL);
	scenario->findings[0].got = rp_text(result, "after 2000.0 ms");
	scenario->findings[0].at = 3020 * MS;
	rp_result_conclude(result);
	assert_ptr_equal(rp_offender(scenario, &scenario->findings[0]), &scenario->timeline[3]);
	scenario->findings[0].got = rp_text(result, "after 1700.0 ms");
	assert_null(rp_offender(scenario, &scenario->findings[0]));
	scenario->findings[0].got = rp_text(result, "after 2000.0 ms");
	text = rendered(RP_HTML, result, NULL);
	assert_int_equal(count_of(text, "<g class=\"r again\">"), 1);
	assert_int_equal(count_of(text, "<g class=\"r bad again\">"), 1);
	assert_non_null(strstr(text, "(copy 2)</text>"));
	assert_non_null(strstr(text, "(copy 3)</text>"));
	assert_non_null(strstr(text, "class=\"due\""));
	free(text);
	rp_result_free(result);
}

/* ---- what must not look green -------------------------------------------------------------- */

static void an_unreachable_target_is_an_error(void **state)
{
	struct rp_result *result = rp_result_new();
	char *text;

	(void)state;
	result->verdict = RP_UNREACHABLE;
	result->verdict_reason = rp_text(result, "nobody answers");
	rp_result_conclude(result);
	text = rendered(RP_JUNIT, result, NULL);
	assert_int_equal((int)number_at(text, "/testsuites/@errors"), 1);
	assert_int_equal((int)number_at(text, "count(//error)"), 1);
	free(text);
	text = rendered(RP_TAP, result, NULL);
	assert_non_null(strstr(text, "\n1..1\nnot ok 1 - the run\n"));
	free(text);
	text = rendered(RP_GITHUB, result, NULL);
	assert_non_null(strstr(text, "::error title=c2w-conform::nobody answers\n"));
	free(text);
	rp_result_free(result);
}

static void a_known_failure_is_skipped(void **state)
{
	struct rp_result *result = rp_result_new();
	char *text;

	(void)state;
	scenario_with(result, "chat/a", C2W_MSG_01, RP_FAIL)->expected = true;
	scenario_with(result, "chat/b", C2W_MSG_02, RP_PASS);
	result->expectation.file = rp_text(result, "known.txt");
	rp_result_conclude(result);
	text = rendered(RP_JUNIT, result, NULL);
	assert_int_equal((int)number_at(text, "/testsuites/@failures"), 0);
	assert_int_equal((int)number_at(text, "/testsuites/@skipped"), 1);
	free(text);
	text = rendered(RP_TAP, result, NULL);
	assert_non_null(strstr(text, "\nnot ok 1 - chat/a over UDP # TODO known failure, "));
	free(text);
	rp_result_free(result);
}

/* ---- octets ------------------------------------------------------------------------------- */

/* Newlines are ours; no other control, and nothing that reorders or hides. */
/* NOLINTBEGIN(misc-misleading-bidirectional) */
static void assert_visible(const char *text, size_t length, bool crlf)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char octet = (unsigned char)text[i];

		if (octet == '\n' || (crlf && octet == '\r') || (octet == '\t' && !crlf))
			continue;
		assert_true(octet >= 0x20 && octet != 0x7f);
		assert_false(octet == 0xc2 && (unsigned char)text[i + 1] < 0xa0);
	}
	assert_null(strstr(text, "\xe2\x80\xa8"));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strstr(text, "\xef\xbb\xbf"));
}
/* NOLINTEND(misc-misleading-bidirectional) */

static void assert_parses(enum rp_format format, const char *text)
{
	xmlDocPtr document;
	json_t *root;

	switch (format) {
	case RP_JUNIT:
		document = xmlReadMemory(text, (int)strlen(text), "x.xml", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
		assert_non_null(document);
		xmlFreeDoc(document);
		break;
	case RP_CTRF:
	case RP_GRADESCOPE:
		root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(root);
		json_decref(root);
		break;
	case RP_HTML:
	case RP_TAP:
	case RP_MARKDOWN:
	case RP_CSV:
	case RP_GITHUB:
	case RP_FORMATS:
		break;
	}
}

static void no_octet_gets_through(void **state)
{
	(void)state;
	for (unsigned octet = 1; octet < 256; octet++) {
		struct rp_result *result = octet_result(octet);

		for (int i = 0; i < RP_FORMATS; i++) {
			size_t length;
			char *text = rendered((enum rp_format)i, result, &length);

			assert_int_equal(strlen(text), length);
			assert_visible(text, length, i == RP_CSV);
			assert_parses((enum rp_format)i, text);
			free(text);
		}
		rp_result_free(result);
	}
}

static void a_nul_in_a_message_is_shown(void **state)
{
	struct rp_result *result = hostile_result("a", 1);
	char *text;
	size_t length;

	(void)state;
	rp_event_add(result, &result->scenarios[0], 2 * MS, "alice", true, false, "a\0b", 3, NULL);
	text = rendered(RP_HTML, result, &length);
	assert_int_equal(strlen(text), length);
	assert_non_null(strstr(text, "<i>\\x00</i>"));
	free(text);
	rp_result_free(result);
}

/* Elements and attributes that a page of ours may have. */
static void assert_harmless_page(const char *text)
{
	static const struct { const char *path; int number; } values[] = {
		{ "count(//script)", 1 }, { "count(//style)", 1 }, { "count(//img | //iframe | //object | //embed | //link | //base | //video)", 0 },
		{ "count(//@*[starts-with(name(), 'on')])", 0 }, { "count(//@style | //@src | //@srcdoc | //@action)", 0 },
		{ "count(//a[not(starts-with(@href, '#'))])", 0 },
	};
	htmlDocPtr document = htmlReadMemory(text, (int)strlen(text), "x.html", "UTF-8", HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
	xmlXPathContextPtr context = xmlXPathNewContext(document);

	assert_non_null(document);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		xmlXPathObjectPtr value = xmlXPathEvalExpression(BAD_CAST values[i].path, context);

		assert_non_null(value);
		assert_int_equal((int)xmlXPathCastToNumber(value), values[i].number);
		xmlXPathFreeObject(value);
	}
	xmlXPathFreeContext(context);
	xmlFreeDoc(document);
}

static void a_page_holds_nothing_of_a_target_but_text(void **state)
{
	struct rp_result *result = hostile_result(nasty, sizeof(nasty) - 1);
	char *text = rendered(RP_HTML, result, NULL);

	(void)state;
	assert_non_null(strstr(text, "&lt;/script&gt;&lt;img src=x onerror="));
	assert_int_equal(count_of(text, "<img"), 0);
	assert_int_equal(count_of(text, "</script>"), 1);
	assert_harmless_page(text);
	free(text);
	rp_result_free(result);
}

static void lines_of_a_target_are_no_lines_of_the_format(void **state)
{
	struct rp_result *result = hostile_result(nasty, sizeof(nasty) - 1);
	char *github = rendered(RP_GITHUB, result, NULL), *tap = rendered(RP_TAP, result, NULL), *csv = rendered(RP_CSV, result, NULL);

	(void)state;
	assert_int_equal(count_of(github, "\n::"), 0);                /* one annotation, the first line */
	assert_int_equal(strncmp(github, "::error file=", 13), 0);
	assert_non_null(strstr(github, "%250A"));
	assert_int_equal(count_of(tap, "\n  ...\n"), 1);              /* the end of the one block */
	assert_non_null(strstr(tap, "\\# SKIP"));
	assert_int_equal(count_of(csv, "\r\n"), 3);
	free(github);
	free(tap);
	free(csv);
	rp_result_free(result);
}

static void a_cell_is_no_formula(void **state)
{
	struct rp_result *result = hostile_result("=1+1", 4);
	char *text = rendered(RP_CSV, result, NULL);

	(void)state;
	assert_null(strstr(text, "\"=1+1"));
	assert_non_null(strstr(text, "\"'=1+1"));
	free(text);
	rp_result_free(result);
}

/* ---- bounds ------------------------------------------------------------------------------- */

static struct rp_result *large_result(unsigned scenarios, unsigned events)
{
	static char octets[2000];
	struct rp_result *result = rp_result_new();
	char id[40];

	memset(octets, '<', sizeof(octets));
	for (unsigned i = 0; i < scenarios; i++) {
		struct rp_scenario *scenario;

		snprintf(id, sizeof(id), "chat/scenario-%u", i);
		scenario = scenario_with(result, id, C2W_MSG_01, RP_FAIL);
		for (unsigned k = 0; k < events; k++)
			rp_event_add(result, scenario, k * MS, "alice", k % 2 == 0, false, octets, sizeof(octets), NULL);
	}
	rp_result_conclude(result);
	return result;
}

static void pages_are_bounded(void **state)
{
	struct rp_result *result = large_result(400, 100);
	size_t length;
	char *text = rendered(RP_HTML, result, &length);

	(void)state;
	assert_in_range(length, 1024 * 1024, RP_MAX_HTML);
	assert_non_null(strstr(text, "more messages of this scenario are left out here"));
	assert_non_null(strstr(text, "and in 375 more"));
	free(text);
	free(rendered(RP_MARKDOWN, result, &length));
	assert_true(length < RP_MAX_MARKDOWN);
	rp_result_free(result);
}

static void lists_are_bounded(void **state)
{
	struct rp_result *result = large_result(30000, 0);
	size_t length;
	char *text = rendered(RP_HTML, result, &length);

	(void)state;
	assert_true(length <= RP_MAX_HTML);
	assert_non_null(strstr(text, "more, left out so that this file stays small"));
	free(text);
	text = rendered(RP_GITHUB, result, &length);
	assert_int_equal(count_of(text, "::error ") + count_of(text, "::notice "), RP_MAX_ANNOTATIONS);
	assert_non_null(strstr(text, "and 29991 more"));
	free(text);
	rp_result_free(result);
}

/* ---- names, comparison -------------------------------------------------------------------- */

static void turns_get_names_of_their_own(void **state)
{
	struct rp_result *result = mixed_result();
	char **names = rp_case_names(result);

	(void)state;
	assert_string_equal(names[0], "chat/a over UDP");
	assert_string_equal(names[1], "chat/a over UDP #2");
	rp_names_free(names, result->scenarios_count);
	rp_result_free(result);
}

static struct rp_result *one_of(const char *id, enum rp_verdict verdict, const char *other)
{
	struct rp_result *result = rp_result_new();

	scenario_with(result, id, C2W_MSG_01, verdict);
	if (other != NULL)
		scenario_with(result, other, C2W_MSG_02, RP_PASS);
	rp_result_conclude(result);
	return result;
}

static size_t newly_broken(struct rp_result *old, struct rp_result *new, const char *said)
{
	char *text = NULL;
	size_t length, count;
	FILE *to = open_memstream(&text, &length);

	assert_non_null(to);
	count = rp_diff_write(old, new, to);
	assert_int_equal(fclose(to), 0);
	assert_non_null(strstr(text, said));
	free(text);
	rp_result_free(old);
	rp_result_free(new);
	return count;
}

static void what_changed_is_told(void **state)
{
	(void)state;
	assert_int_equal(newly_broken(one_of("a", RP_PASS, NULL), one_of("a", RP_FAIL, NULL), "newly broken: 1\n  a over UDP: MSG-01"), 2);
	assert_int_equal(newly_broken(one_of("a", RP_FAIL, NULL), one_of("a", RP_PASS, NULL), "mended: 1\n  a over UDP\n"), 0);
	assert_int_equal(newly_broken(one_of("a", RP_FAIL, NULL), one_of("a", RP_FAIL, NULL), "still broken: 1\n"), 0);
	assert_int_equal(newly_broken(one_of("a", RP_PASS, NULL), one_of("a", RP_PASS, "b"), "newly tested: 1\n  b over UDP\n"), 0);
	assert_int_equal(newly_broken(one_of("a", RP_PASS, "b"), one_of("a", RP_PASS, NULL), "no longer tested: 1\n  b over UDP\n"), 0);
	assert_int_equal(newly_broken(one_of("b", RP_PASS, NULL), one_of("a", RP_FAIL, "b"), "a over UDP (not tested before): MSG-01"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(totals_are_the_same_everywhere),
		cmocka_unit_test(json_totals_are_the_same),
		cmocka_unit_test(copies_and_what_is_late_are_marked),
		cmocka_unit_test(an_unreachable_target_is_an_error),
		cmocka_unit_test(a_known_failure_is_skipped),
		cmocka_unit_test(no_octet_gets_through),
		cmocka_unit_test(a_nul_in_a_message_is_shown),
		cmocka_unit_test(a_page_holds_nothing_of_a_target_but_text),
		cmocka_unit_test(lines_of_a_target_are_no_lines_of_the_format),
		cmocka_unit_test(a_cell_is_no_formula),
		cmocka_unit_test(pages_are_bounded),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(turns_get_names_of_their_own),
		cmocka_unit_test(what_changed_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
