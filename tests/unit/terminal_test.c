/* Tests the terminal report: that nothing of a target reaches the terminal as a control, that escapes stay whole and lines fit, and
 * what a report says in which order. Reports are written into memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <unistr.h>

#include "reports/ladder.h"
#include "reports/result.h"
#include "reports/text.h"

#define MS 1000000LL

/* NOLINTBEGIN(misc-misleading-bidirectional): these octets are what is tested here. */

/* Everything that must never get through: controls of every kind, C1 as UTF-8 and bare, OSC, bidi, line separators, bad UTF-8. */
static const char hostile[] = "\x1b[2J\x1b]0;gone\x07\x08\x7f\r\n\t\x9b\xc2\x9b\xc2\x85\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8"
			      "\xef\xbb\xbf\xf0\x9f\xcc\x81\xc0\x80\xed\xa0\x80\xff%s%n\xe2\x80";

static char *report(const struct rp_result *result, unsigned width, bool colour, bool verbose, bool quiet)
{
	struct rp_terminal_options options = { .colour = colour, .width = width, .verbose = verbose, .quiet = quiet };
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	assert_non_null(to);
	rp_terminal_write(result, to, &options);
	if (fclose(to) != 0 || text == NULL)
		abort();
	return text;
}

static struct rp_scenario *failing(struct rp_result *result, const char *id, enum c2w_rule rule, enum rp_verdict verdict)
{
	struct rp_scenario *scenario = rp_scenario_add(result, id);
	struct rp_finding *finding;

	scenario->verdict = verdict;
	rp_proves_set(result, scenario, &rule, 1);
	finding = rp_finding_add(result, scenario, rule, verdict);
	finding->what = rp_text(result, "what is wrong in %s", id);
	finding->at = INT64_MAX;
	return scenario;
}

static void passing(struct rp_result *result, const char *id, enum c2w_rule rule)
{
	struct rp_scenario *scenario = rp_scenario_add(result, id);

	scenario->verdict = RP_PASS;
	rp_proves_set(result, scenario, &rule, 1);
}

static void event(struct rp_result *result, struct rp_scenario *scenario, int64_t ms, const char *client, bool received, const char *octets)
{
	rp_event_add(result, scenario, ms * MS, client, received, false, octets, strlen(octets), NULL);
}

static void assert_in_order(const char *text, const char *const *pieces, size_t count)
{
	const char *at = text;

	for (size_t i = 0; i < count; i++) {
		const char *found = strstr(at, pieces[i]);

		if (found == NULL) {
			fail_msg("\"%s\" is missing or out of order in:\n%s", pieces[i], text);
			return;
		}
		at = found + strlen(pieces[i]);
	}
}

#define assert_shows(text, ...) \
	assert_in_order(text, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* ---- text --------------------------------------------------------------------------------- */

static void assert_harmless(const char *text, bool colour)
{
	assert_null(u8_check((const uint8_t *)text, strlen(text)));
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '\x1b' && colour) {
			at += 1 + strspn(at + 1, "[0123456789;");
			assert_int_equal(*at, 'm');
		} else if (*at != '\n') {
			assert_false(((unsigned char)*at < 0x20) || *at == 0x7f);
		}
	}
	assert_null(strstr(text, "\xc2\x9b"));
	assert_null(strstr(text, "\xc2\x85"));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strstr(text, "\xe2\x81\xa6"));
	assert_null(strstr(text, "\xe2\x80\xa8"));
	assert_null(strstr(text, "\xef\xbb\xbf"));
}

static void what_hides_or_moves_is_escaped(void **state)
{
	static const struct { const char *octets, *shown; } cases[] = {
		{ "a b", "a b" }, { "a\\b", "a\\\\b" }, { "\r\n\t", "\\r\\n\\t" }, { "\x1b[0m\x7f", "\\x1B[0m\\x7F" },
		{ "caf\xc3\xa9 \xe6\x98\xa0", "caf\xc3\xa9 \xe6\x98\xa0" },     /* printable: as it is */
		{ "e\xcc\x81", "e\\u{301}" },                                    /* combining */
		{ "\xe2\x80\xae\xc2\xad\xc2\xa0", "\\u{202E}\\u{AD}\\u{A0}" },   /* bidi, soft hyphen, no-break space */
		{ "\xff\xc3", "\\xFF\\xC3" }, { "\xed\xa0\x80", "\\xED\\xA0\\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *shown = rp_shown_octets(cases[i].octets, strlen(cases[i].octets));

		assert_string_equal(shown, cases[i].shown);
		free(shown);
	}
}

/* NOLINTEND(misc-misleading-bidirectional) */

static void every_code_point_is_harmless(void **state)
{
	char octets[8] = "";

	(void)state;
	for (ucs4_t character = 1; character < 0x110000; character += character < 0x3000 ? 1 : 61) {
		int length = u8_uctomb((uint8_t *)octets, character, sizeof(octets));
		unsigned columns;
		char *shown;

		if (length < 0)
			continue; /* a surrogate */
		shown = rp_shown_octets(octets, (size_t)length);
		assert_harmless(shown, false);
		assert_in_range(rp_columns(shown), 1, 10);
		assert_null(strchr(shown, '\n'));
		if (shown[0] != '\\' || shown[1] != '\\')
			assert_int_equal(rp_cell(shown, &columns), strlen(shown));
		free(shown);
	}
}

static void escapes_are_never_split(void **state)
{
	static const char text[] = "a\\x1B\\r\\u{202E}\\\\\xc3\xa9\xe6\x98\xa0" "b";
	static const size_t fits[] = { 0, 1, 1, 1, 1, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 15, 15, 17, 19, 19, 22, 23, 23 };

	(void)state;
	assert_int_equal(rp_columns(text), 21);
	for (unsigned i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
		assert_int_equal(rp_fit(text, i), fits[i]);
}

static void lines_break_at_blanks(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	(void)state;
	fputs("  ", to);
	rp_put_wrapped(to, "one two three averyveryverylongword four", 2, 18);
	fclose(to);
	assert_string_equal(text, "  one two three\n  averyveryverylon\n  gword four\n");
	free(text);
}

/* ---- reports ------------------------------------------------------------------------------ */

static struct rp_result *hostile_result(void)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = failing(result, hostile, C2W_FMT_01, RP_FAIL);
	struct rp_finding *finding = &scenario->findings[0];

	finding->what = finding->file = finding->expected = rp_text(result, "%s", hostile);
	finding->got = rp_text(result, "x%s", hostile);
	finding->line = 1;
	scenario->title = scenario->reason = scenario->repeat = finding->what;
	for (int i = 0; i < 20; i++)
		rp_event_add(result, scenario, i * MS, hostile, i % 2 == 0, false, hostile, sizeof(hostile), i % 3 == 0 ? hostile : NULL);
	rp_event_add(result, scenario, 20 * MS, hostile, true, true, NULL, 0, hostile);
	scenario = rp_scenario_add(result, hostile);
	scenario->reason = rp_text(result, "%s", hostile);
	result->target.address = result->target.launch = result->target.output = result->target.lost_after = rp_text(result, "%s", hostile);
	result->target.restarts = 1;
	rp_result_conclude(result);
	return result;
}

static void nothing_of_a_target_moves_a_cursor(void **state)
{
	struct rp_result *result = hostile_result();

	(void)state;
	for (int i = 0; i < 8; i++) {
		char *text = report(result, i % 2 == 0 ? 80 : 200, (i & 1) != 0, (i & 2) != 0, (i & 4) != 0);

		assert_harmless(text, (i & 1) != 0);
		free(text);
	}
	result->verdict = RP_UNREACHABLE;
	result->verdict_reason = rp_text(result, "%s", hostile);
	for (int i = 0; i < 2; i++) {
		char *text = report(result, 80, false, false, i == 1);

		assert_harmless(text, false);
		free(text);
	}
	rp_result_free(result);
}

static void no_colour_unless_asked_for(void **state)
{
	struct rp_result *result = rp_result_new();
	char *text;

	(void)state;
	failing(result, "a", C2W_CON_01, RP_FAIL);
	rp_result_conclude(result);
	text = report(result, 80, false, true, false);
	assert_null(strchr(text, '\x1b'));
	free(text);
	text = report(result, 80, true, true, false);
	assert_non_null(strstr(text, "\x1b[1;31mFAIL"));
	free(text);
	rp_result_free(result);
}

static void what_to_mend_first_comes_first(void **state)
{
	struct rp_result *result = rp_result_new();
	char *text;

	(void)state;
	failing(result, "a", C2W_ROB_01, RP_FAIL);
	failing(result, "b", C2W_REL_05, RP_FAIL);
	failing(result, "c", C2W_MSG_01, RP_FAIL);
	failing(result, "d", C2W_LST_01, RP_FAIL);
	failing(result, "e", C2W_FMT_02, RP_FAIL);
	failing(result, "f", C2W_CON_01, RP_FAIL);
	failing(result, "g", C2W_REL_17, RP_WARN);
	rp_result_conclude(result);
	text = report(result, 80, false, false, false);
	assert_shows(text, "1. ROB-01", "2. CON-01", "3. FMT-02", "4. LST-01", "5. MSG-01", "6. REL-05", "1. REL-17", "RULES",
		     "first ROB-01", "violates: 6 of ");
	free(text);
	text = report(result, 80, false, false, true);
	assert_shows(text, "ROB-01 a over UDP: what is wrong in a\n", "CON-01", "FMT-02", "LST-01", "MSG-01", "REL-05", "violates: 6 of ");
	assert_null(strstr(text, "REL-17"));
	free(text);
	rp_result_free(result);
}

static void the_first_are_shown_the_rest_is_listed(void **state)
{
	static const char *const ids[] = { "e", "d", "c", "b", "a" };
	struct rp_result *result = rp_result_new();
	char *text;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		failing(result, ids[i], C2W_CON_01, RP_FAIL);
	passing(result, "f", C2W_CON_01);
	rp_result_conclude(result);
	text = report(result, 80, false, false, false);
	assert_shows(text, "in 5 of the 6 scenarios", "what is wrong in a\n", "what is wrong in b\n", "what is wrong in c\n", "in 2 more:\n",
		     "    d over UDP\n", "    e over UDP\n", "CON-01  MUST    FAIL             5 of 6");
	assert_null(strstr(text, "what is wrong in d"));
	free(text);
	text = report(result, 80, false, true, false);
	assert_non_null(strstr(text, "what is wrong in e"));
	free(text);
	rp_result_free(result);
}

static void the_failing_line_is_quoted(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_finding *finding = failing(result, "a", C2W_CON_01, RP_FAIL)->findings;
	char name[] = P_tmpdir "/c2w-XXXXXX.c2w", *text;
	int file = mkstemps(name, 4);

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(write(file, "one\n\talice < \x1b[2J\r\nthree", 25), 25);
	close(file);
	finding->file = name;
	finding->line = 2;
	rp_result_conclude(result);
	text = report(result, 80, false, false, false);
	assert_shows(text, name, ":2\n        alice < \\x1B[2J\n");
	free(text);
	unlink(name);
	finding->line = 9;
	text = report(result, 80, false, false, false); /* not there any more: the place alone */
	assert_shows(text, name, ":9\n    what is wrong");
	free(text);
	rp_result_free(result);
}

static char *comparison(unsigned width, const char *expected, const char *got)
{
	struct rp_result *result = rp_result_new();
	struct rp_finding *finding = failing(result, "a", C2W_CON_01, RP_FAIL)->findings;
	char *text;

	finding->expected = rp_text(result, "%s", expected);
	finding->got = rp_text(result, "%s", got);
	rp_result_conclude(result);
	text = report(result, width, false, false, false);
	rp_result_free(result);
	return text;
}

static void a_mark_stands_under_the_first_difference(void **state)
{
	char *text = comparison(80, "1: X|a|caf\xc3\xa9\\r\\n", "1: X|a|caf\xc3\xa9\\n");

	(void)state;
	assert_shows(text, "\n      expected  1: X|a|caf\xc3\xa9\\r\\n"
			   "\n      got       1: X|a|caf\xc3\xa9\\n"
			   "\n                           ^\n");
	free(text);
	text = comparison(80, "same", "same\\r\\n");
	assert_shows(text, "\n      got       same\\r\\n\n                    ^\n");
	free(text);
	text = comparison(80, "same", "same");
	assert_null(strchr(text, '^'));
	free(text);
	text = comparison(80, "alice < CONNECTION_GRANTED", "nothing within 4.5 s");
	assert_null(strchr(text, '^'));
	free(text);
}

/* Wherever the difference is and however wide the terminal: it is to be seen, and the mark stands under it. */
static void the_difference_is_seen_in_long_texts(void **state)
{
	(void)state;
	for (unsigned width = 40; width < 130; width += 7) {
		for (unsigned before = 0; before < 300; before += 13) {
			char same[700] = "", expected[800], got[800], *text;
			const char *line, *mark;
			size_t used = 0;

			for (unsigned i = 0; i < before; i++)
				used += (size_t)snprintf(same + used, sizeof(same) - used, "%s", i % 5 == 0 ? "\\x00" : "y");
			snprintf(expected, sizeof(expected), "%sE-and-more-and-more-and-more-and-more-and-more", same);
			snprintf(got, sizeof(got), "%sG|and-more", same);
			text = comparison(width, expected, got);
			line = strstr(text, "\n      got") + 1;
			mark = strchr(line, '\n') + 1;
			assert_int_equal(strchr(mark, '^') - mark, rp_columns(line) - rp_columns(strchr(line, 'G')));
			assert_null(strstr(text, "\\\xe2\x80\xa6"));
			assert_null(strstr(text, "\xe2\x80\xa6x0"));
			free(text);
		}
	}
}

static void lines_fit_the_width(void **state)
{
	static const char *const clients[] = { "alice", "bob", "carol", "maximilian", "\xe6\x98\xa0\xe7\x94\xbb", "f", "g", "h", "i" };
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = failing(result, "a", C2W_CON_01, RP_FAIL);

	(void)state;
	for (int i = 0; i < 50; i++)
		event(result, scenario, i, clients[i % 9], i % 2 == 0, "1763850000.125: NEW_MESSAGE|alice|caf\xc3\xa9 \xff\xff\xff\xff\xff\r\n");
	scenario = rp_scenario_add(result, "b");
	scenario->reason = rp_text(result, "%s", "a reason that is long enough to be broken into two lines or more, whatever the width of the terminal");
	result->target.launch = result->target.output = scenario->reason;
	result->target.restarts = 1;
	rp_result_conclude(result);
	for (unsigned width = 40; width <= 200; width += 3) {
		char *text = report(result, width, false, true, false), *rest = text, *line;

		while ((line = strsep(&rest, "\n")) != NULL && strncmp(line, "violates", 8) != 0)
			if (rp_columns(line) > width)
				fail_msg("%u columns, not %u: %s", rp_columns(line), width, line);
		free(text);
	}
	rp_result_free(result);
}

static void every_rule_is_in_the_table(void **state)
{
	struct rp_result *result = rp_result_new();
	const char *at;
	char *text;

	(void)state;
	passing(result, "a", C2W_CON_01);
	rp_result_conclude(result);
	text = report(result, 80, false, false, false);
	at = strstr(text, "RULES");
	for (int i = 1; i < C2W_RULES; i++) {
		char row[32];

		snprintf(row, sizeof(row), "\n  %s  %-6s  %s", c2w_rule_info((enum c2w_rule)i)->id,
			 c2w_level_name(c2w_rule_info((enum c2w_rule)i)->level), i == C2W_CON_01 ? "pass" : "untested");
		assert_int_equal(strstr(at, row) != NULL, rp_rule_counts((enum c2w_rule)i));
		assert_non_null(strstr(at, c2w_rule_info((enum c2w_rule)i)->id));
	}
	free(text);
	rp_result_free(result);
}

/* Who chose some scenarios wants their rules; --verbose still shows all. */
static void of_chosen_scenarios_only_what_they_tested(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_terminal_options options = { .width = 80, .chosen = true };
	char *text = NULL;
	size_t length;

	(void)state;
	passing(result, "a", C2W_CON_01);
	rp_result_conclude(result);
	for (int verbose = 0; verbose < 2; verbose++) {
		FILE *to = open_memstream(&text, &length);

		options.verbose = verbose;
		assert_non_null(to);
		rp_terminal_write(result, to, &options);
		fclose(to);
		assert_non_null(strstr(text, "\n  CON-01  MUST    pass"));
		assert_int_equal(strstr(text, "untested") != NULL, verbose);
		assert_int_equal(strstr(text, "Chat") != NULL, verbose);
		assert_int_equal(strstr(text, "Not counted") != NULL, verbose);
		assert_int_equal(strstr(text, "that the chosen scenarios did not test (--verbose shows all)") != NULL, !verbose);
		free(text);
	}
	rp_result_free(result);
}

static void reasons_are_told_once(void **state)
{
	struct rp_result *result = rp_result_new();
	char *text;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct rp_scenario *scenario = rp_scenario_add(result, "a");

		scenario->verdict = i < 18 ? RP_SKIP : RP_INCONCLUSIVE;
		scenario->reason = rp_text(result, "%s", i < 18 ? "TCP is not offered." : "This host was late.");
	}
	result->target.udp = true;
	rp_result_conclude(result);
	text = report(result, 80, false, false, false);
	assert_shows(text, "COULD NOT BE JUDGED\n  2: This host was late.\n", "SKIPPED\n  18: TCP is not offered.\n", "and 15 more",
		     "UDP (TCP: not offered)", "scenarios 20: 2 inconclusive 18 skip");
	free(text);
	result->target.tcp_left_out = true;
	text = report(result, 80, false, false, false);
	assert_shows(text, "UDP (TCP: not judged)");
	free(text);
	rp_result_free(result);
}

static void a_dead_server_is_shown(void **state)
{
	struct rp_result *result = rp_result_new();
	char *text;

	(void)state;
	result->target.restarts = 2;
	result->target.lost_after = rp_text(result, "%s", "chat/x");
	result->target.output = rp_text(result, "%s", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\nSegmentation fault\n");
	rp_result_conclude(result);
	text = report(result, 80, false, false, false);
	assert_shows(text, "restarts  2", "stopped answering after chat/x", "| 3\n", "| 11\n", "| Segmentation fault\n");
	assert_null(strstr(text, "| 2\n"));
	free(text);
	rp_result_free(result);
}

static void assert_summary(const struct rp_result *result, const char *line)
{
	char *summary = rp_summary_line(result), *text = report(result, 80, false, false, true);

	assert_string_equal(summary, line);
	assert_int_equal(text[strlen(text) - 1], '\n');
	text[strlen(text) - 1] = '\0';
	assert_string_equal(text + strlen(text) - strlen(line), line); /* it is the last line */
	free(summary);
	free(text);
}

static void the_last_line_says_it_all(void **state)
{
	struct rp_result *result = rp_result_new();
	unsigned total = (unsigned)rp_count(result).rules_total;
	char line[128];

	(void)state;
	rp_result_conclude(result);
	snprintf(line, sizeof(line), "inconclusive: no rule that is a MUST was tested; 0 of %u rules kept, %u not tested", total, total);
	assert_summary(result, line);
	passing(result, "a", C2W_CON_01);
	rp_result_conclude(result);
	snprintf(line, sizeof(line), "conforms: 1 of %u rules kept, %u not tested", total, total - 1);
	assert_summary(result, line);
	failing(result, "b", C2W_LST_04, RP_WARN);
	failing(result, "c", C2W_REL_05, RP_INCONCLUSIVE);
	rp_result_conclude(result);
	snprintf(line, sizeof(line), "inconclusive: 1 of %u rules could not be judged, 1 kept, 1 SHOULD not followed, %u not tested", total, total - 3);
	assert_summary(result, line);
	failing(result, "d", C2W_CON_02, RP_FAIL);
	rp_result_conclude(result);
	snprintf(line, sizeof(line), "violates: 1 of %u rules broken, 1 kept, 1 SHOULD not followed, 1 could not be judged, %u not tested", total,
		 total - 4);
	assert_summary(result, line);
	result->verdict = RP_UNREACHABLE;
	result->verdict_reason = rp_text(result, "%s", "nothing listens at 127.0.0.1:1");
	assert_summary(result, "unreachable: nothing listens at 127.0.0.1:1");
	rp_result_free(result);
}

static void what_was_expected_is_apart_and_does_not_count(void **state)
{
	struct rp_result *result = rp_result_new();
	unsigned total = (unsigned)rp_count(result).rules_total;
	char line[128], *text;

	(void)state;
	passing(result, "a", C2W_CON_01);
	failing(result, "b", C2W_CON_02, RP_FAIL)->expected = true;
	result->expectation.file = rp_text(result, "known.txt");
	rp_result_conclude(result);
	assert_int_equal(result->verdict, RP_VIOLATES);
	assert_int_equal(rp_outcome(result), RP_CONFORMS);
	snprintf(line, sizeof(line), "as expected: 1 of %u rules broken, 1 kept, %u not tested", total, total - 2);
	assert_summary(result, line);
	text = report(result, 80, false, false, false);
	assert_shows(text, "BROKEN AS EXPECTED", "b over UDP: CON-02", "FAIL (known)");
	assert_null(strstr(text, "what is wrong in b"));
	free(text);
	failing(result, "c", C2W_REL_05, RP_INCONCLUSIVE);
	rp_result_conclude(result);
	assert_int_equal(rp_outcome(result), RP_UNDECIDED);
	rp_surprise_add(result, "known.txt:1: b: it passes over tcp now");
	assert_int_equal(rp_outcome(result), RP_VIOLATES);
	text = report(result, 80, false, false, true);
	assert_shows(text, "known.txt:1: b: it passes over tcp now", "violates: ", "1 failure expected, 1 known failure changed");
	free(text);
	rp_result_free(result);
}

static void nothing_broken_may_be_a_surprise(void **state)
{
	struct rp_result *result = rp_result_new();
	unsigned total = (unsigned)rp_count(result).rules_total;
	char line[128];

	(void)state;
	passing(result, "a", C2W_CON_01);
	rp_surprise_add(result, "known.txt:1: a: it passes over udp now");
	rp_surprise_add(result, "known.txt:2: b: it passes over udp now");
	rp_result_conclude(result);
	assert_int_equal(result->verdict, RP_CONFORMS);
	snprintf(line, sizeof(line), "not as expected: 1 of %u rules kept, %u not tested, 2 known failures changed", total, total - 1);
	assert_summary(result, line);
	rp_result_free(result);
}

static void a_should_may_be_made_to_count(void **state)
{
	struct rp_result *result = rp_result_new();
	unsigned total = (unsigned)rp_count(result).rules_total;
	char line[128], *text;

	(void)state;
	passing(result, "a", C2W_CON_01);
	failing(result, "b", C2W_LST_04, RP_WARN);
	rp_result_conclude(result);
	assert_int_equal(rp_outcome(result), RP_CONFORMS);
	result->warnings_fail = true;
	rp_result_conclude(result);
	assert_int_equal(result->verdict, RP_VIOLATES);
	snprintf(line, sizeof(line), "violates: 1 of %u rules not followed, 1 kept, %u not tested", total, total - 2);
	assert_summary(result, line);
	text = report(result, 80, false, false, true);
	assert_shows(text, "LST-04 b over UDP: what is wrong in b");
	free(text);
	rp_result_free(result);
}

static void the_turns_of_a_scenario_are_one(void **state)
{
	struct rp_result *result = rp_result_new();
	char *text;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		failing(result, "steady", C2W_CON_02, RP_FAIL);
		failing(result, "rare", C2W_LST_01, i == 3 ? RP_FAIL : RP_WARN)->flaky = i == 3;
		passing(result, "good", C2W_CON_02);
	}
	rp_result_conclude(result);
	text = report(result, 80, false, false, false);
	assert_shows(text, "BROKEN, in the order", "1. CON-02 MUST, in 1 of the 2 scenarios", "BROKEN NOW AND THEN (flaky)",
	             "1. LST-01 MUST, in 1 of the 1 scenario", "(1 flaky)");
	assert_null(strstr(text, "more:"));
	free(text);
	rp_result_free(result);
}

/* ---- ladders ------------------------------------------------------------------------------ */

static char *ladder(const struct rp_scenario *scenario, unsigned width, unsigned rows, int64_t until)
{
	struct rp_ladder_options options = { .indent = 2, .width = width, .rows = rows, .until = until,
					     .offender = scenario->timeline_count > 2 ? &scenario->timeline[2] : NULL };
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	assert_non_null(to);
	rp_ladder_write(scenario, to, &options);
	if (fclose(to) != 0 || text == NULL)
		abort();
	return text;
}

static void a_ladder_reads_like_the_protocols(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");
	char *text;

	(void)state;
	scenario->began = 1000 * MS;
	event(result, scenario, 1000, "alice", false, "13.0: SEND_MESSAGE_REQUEST|alice|hi\r\n");
	event(result, scenario, 1001, "alice", true, "13.0: NEW_MESSAGE|alice|hi\r\n");
	event(result, scenario, 2001, "bob", true, "13.0: NEW_MESSAGE|alice|hi");
	rp_event_add(result, scenario, 2002 * MS, "bob", true, false, NULL, 0, "gone");
	text = ladder(scenario, 80, 0, 2001 * MS);
	assert_string_equal(text,
			    "         ms   alice      bob     server\n"
			    "        0.0     |------------------>|  13.0: SEND_MESSAGE_REQUEST|alice|hi\n"
			    "        1.0     |<------------------|  13.0: NEW_MESSAGE|alice|hi\n"
			    "                :         :         :  (1000.0 ms)\n"
			    "  >  1001.0     |         |<--------|  13.0: NEW_MESSAGE|alice|hi (no CR LF)\n");
	free(text);
	text = ladder(scenario, 80, 2, INT64_MAX);
	assert_shows(text, "bob", "server", "(2 earlier messages not shown)", "  >  1001.0 ", "   1002.0     *         |  (gone)\n");
	assert_null(strstr(text, "alice  "));
	free(text);
	text = ladder(scenario, 80, 1, 6001 * MS);
	assert_shows(text, "(then nothing for 3999.0 ms)");
	free(text);
	rp_result_free(result);
}

static void what_times_have_in_common_is_left_out(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");
	char *text;

	(void)state;
	event(result, scenario, 0, "alice", false, "1763850000.000125: CONNECTION_REQUEST|alice|\r\n");
	event(result, scenario, 1, "alice", false, "1763850000.000250: USER_LIST_REQUEST|alice|\r\n");
	event(result, scenario, 2, "alice", true, "garbage");
	text = ladder(scenario, 80, 0, INT64_MAX);
	assert_shows(text, "|  \xe2\x80\xa6" "0125: CONNECTION_REQUEST|alice|\n", "|  \xe2\x80\xa6" "0250: USER", "|  garbage (no CR LF)\n");
	free(text);
	event(result, scenario, 3, "alice", true, "7: USER_LIST_RESPONSE|alice|\r\n");
	text = ladder(scenario, 80, 0, INT64_MAX);
	assert_shows(text, "1763850000.000125: CONNECTION_REQUEST|alice|\n");
	free(text);
	rp_result_free(result);
}

static void the_message_that_is_wrong_is_marked(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = failing(result, "a", C2W_FMT_02, RP_FAIL);
	char *text;

	(void)state;
	event(result, scenario, 0, "alice", true, "1: A|\xc3\xa9|\r\n");
	event(result, scenario, 1, "alice", true, "1: B|\xc3\xa9|\r\n");
	event(result, scenario, 2, "alice", true, "1: C|\xc3\xa9|\r\n");
	scenario->findings[0].got = rp_text(result, "%s", "1: B|\\xC3\\xA9|\\r\\n");
	rp_result_conclude(result);
	text = report(result, 80, false, false, false);
	assert_shows(text, "        0.0     |<--------|  1: A", "  >     1.0     |<--------|  1: B", "        2.0     |<--------|  1: C");
	free(text);
	rp_result_free(result);
}

static void transports_are_told_apart(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");
	char *text;

	(void)state;
	event(result, scenario, 0, "alice", false, "1: A|alice|\r\n");
	rp_event_add(result, scenario, MS, "bob", false, true, "1: B|bob|\r\n", 11, NULL);
	text = ladder(scenario, 80, 0, INT64_MAX);
	assert_shows(text, "--- over UDP, === over TCP", "|------------------>|  1: A", "|========>|  1: B");
	free(text);
	rp_result_free(result);
}

static void many_clients_are_named_instead(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");
	char *text;

	(void)state;
	for (int i = 0; i < 40; i++) {
		char name[24];

		snprintf(name, sizeof(name), "client%d", i);
		event(result, scenario, i, name, i % 2 == 1, "1: A|x|\r\n");
	}
	text = ladder(scenario, 120, 0, INT64_MAX);
	assert_shows(text, "0.0 client0    ->  1: A|x|\n", "39.0 client39   <-  1: A|x|\n");
	free(text);
	text = ladder(scenario, 80, 12, INT64_MAX); /* twelve columns leave no room for text here */
	assert_shows(text, "28.0 client28   ->  1: A|x|\n");
	free(text);
	rp_result_free(result);
}

static void a_long_message_is_cut_between_cells(void **state)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "a");
	char *big = calloc(1, 60000);

	(void)state;
	assert_non_null(big);
	rp_event_add(result, scenario, 0, "alice", true, true, big, 60000, "a note");
	for (unsigned width = 60; width < 80; width++) {
		char *text = ladder(scenario, width, 0, INT64_MAX), *line = strchr(text, '\n') + 1;

		assert_in_range(rp_columns(line), width - 3, width);
		assert_shows(line, "\\x00\\x00\xe2\x80\xa6\n");
		free(text);
	}
	free(big);
	rp_result_free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_hides_or_moves_is_escaped),
		cmocka_unit_test(every_code_point_is_harmless),
		cmocka_unit_test(escapes_are_never_split),
		cmocka_unit_test(lines_break_at_blanks),
		cmocka_unit_test(nothing_of_a_target_moves_a_cursor),
		cmocka_unit_test(no_colour_unless_asked_for),
		cmocka_unit_test(what_to_mend_first_comes_first),
		cmocka_unit_test(the_first_are_shown_the_rest_is_listed),
		cmocka_unit_test(the_failing_line_is_quoted),
		cmocka_unit_test(a_mark_stands_under_the_first_difference),
		cmocka_unit_test(the_difference_is_seen_in_long_texts),
		cmocka_unit_test(lines_fit_the_width),
		cmocka_unit_test(every_rule_is_in_the_table),
		cmocka_unit_test(of_chosen_scenarios_only_what_they_tested),
		cmocka_unit_test(reasons_are_told_once),
		cmocka_unit_test(a_dead_server_is_shown),
		cmocka_unit_test(the_last_line_says_it_all),
		cmocka_unit_test(what_was_expected_is_apart_and_does_not_count),
		cmocka_unit_test(nothing_broken_may_be_a_surprise),
		cmocka_unit_test(a_should_may_be_made_to_count),
		cmocka_unit_test(the_turns_of_a_scenario_are_one),
		cmocka_unit_test(a_ladder_reads_like_the_protocols),
		cmocka_unit_test(what_times_have_in_common_is_left_out),
		cmocka_unit_test(the_message_that_is_wrong_is_marked),
		cmocka_unit_test(transports_are_told_apart),
		cmocka_unit_test(many_clients_are_named_instead),
		cmocka_unit_test(a_long_message_is_cut_between_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
