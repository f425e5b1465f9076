/* Tests the scenario language: the tree that a right file gives, the errors of wrong ones with their places, what the
 * scheduler's locks are derived from, hostile files, and folders with their libraries. Run by tests/unit; owns a folder in /tmp
 * while it runs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/engine.h"
#include "harness/lex.h"
#include "harness/script.h"

#define HEAD "scenario \"t\"\nproves MSG-01\ncast alice bob\nalice > USER_LIST_REQUEST\nbob > USER_LIST_REQUEST\n"
#define MIXED "scenario \"t\"\nproves MSG-01\ncast alice over udp, bob over tcp\nalice > USER_LIST_REQUEST\nbob > USER_LIST_REQUEST\n"
enum { HEAD_LINES = 5 };

static const char library[] = "exchange $who connects {\n"
			      "\t$who > CONNECTION_REQUEST\n"
			      "\t$who < CONNECTION_GRANTED [CON-01]\n"
			      "}\n"
			      "exchange $who enters $movie {\n"
			      "\t$who > ENTER_MOVIE_REQUEST $movie\n"
			      "\t$who < ENTER_MOVIE_GRANTED\n"
			      "}\n"
			      "exchange $who leaves {\n"
			      "\t$who > LEAVE_SESSION_REQUEST\n"
			      "\t$who < LEAVE_SESSION_GRANTED\n"
			      "}\n";

/* ---- help ----------------------------------------------------------------------------------- */

struct errors {
	char text[1 << 16];
	size_t length;
	unsigned count;
};

static void note(void *context, const char *text)
{
	struct errors *errors = context;
	size_t room = sizeof errors->text - errors->length;
	int length = snprintf(errors->text + errors->length, room, "%s\n", text);

	errors->count++;
	errors->length += length < 0 || (size_t)length >= room ? 0 : (size_t)length;
}

static struct hx_suite *parse(const char *text)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;

	assert_non_null(errors);
	hx_suite_parse(&suite, "area/test.c2w", text, library, note, errors);
	if (!suite)
		fail_msg("%s", errors->text);
	free(errors);
	return suite;
}

static struct hx_suite *parse_steps(const char *steps)
{
	char text[8192];

	snprintf(text, sizeof text, "%s%s", HEAD, steps);
	return parse(text);
}

/* The step behind those of HEAD. */
static const struct hx_step *first_step(const struct hx_suite *suite)
{
	return suite->scenarios[0]->steps->next->next;
}

static void assert_octets(struct c2w_str got, const char *octets, size_t length)
{
	assert_int_equal(got.length, length);
	assert_memory_equal(got.at, octets, length);
}

/* ---- the tree ------------------------------------------------------------------------------- */

static void what_stands_above_the_steps(void **state)
{
	struct hx_suite *suite = parse("# what for\nscenario \"A title\" # behind\n"
				       "limit 90s\nneeds movies >= 2, capacity, room-capacity, load, $max-text >= 2 * $max-retransmits + 1\nover udp\n"
				       "cast alice bob\nproves MSG-01 REL-04\nalone\n\nall connect\n");
	const struct hx_scenario *scenario = suite->scenarios[0];
	struct c2w_params params;

	(void)state;
	assert_int_equal(suite->count, 1);
	assert_string_equal(scenario->id, "area/test");
	assert_string_equal(scenario->area, "area");
	assert_string_equal(scenario->title, "A title");
	assert_int_equal(scenario->line, 2);
	assert_int_equal(scenario->line_count, 10);
	assert_string_equal(scenario->lines[1], "scenario \"A title\" # behind");
	assert_int_equal(scenario->proves_count, 2);
	assert_int_equal(scenario->proves[1], C2W_REL_04);
	assert_int_equal(scenario->over, C2W_ON_UDP);
	assert_int_equal(scenario->needs.movies, 2);
	assert_true(scenario->needs.capacity && scenario->needs.room_capacity && scenario->needs.load && !scenario->needs.both);
	c2w_params_init(&params);
	assert_int_equal(scenario->needs.bounds->more->index, C2W_PARAM_max_text_);
	assert_int_equal(hx_number_of(&params, scenario->needs.bounds->less), 7);
	assert_null(scenario->needs.bounds->next);
	assert_int_equal(scenario->cast_count, 2);
	assert_string_equal(scenario->cast[1].name, "bob");
	assert_int_equal(scenario->cast[1].transport, -1);
	assert_true(scenario->alone);
	assert_true(scenario->limit == INT64_C(90000000000));
	hx_suite_free(suite);
}

static void a_mixed_cast_runs_once_and_needs_both(void **state)
{
	struct hx_suite *suite = parse(MIXED);

	(void)state;
	assert_int_equal(suite->scenarios[0]->over, 0);
	assert_true(suite->scenarios[0]->needs.both);
	assert_int_equal(suite->scenarios[0]->cast[1].transport, C2W_ON_TCP);
	hx_suite_free(suite);
}

static void messages_sent(void **state)
{
	struct hx_suite *suite = parse_steps("alice > SEND_MESSAGE_REQUEST time \"7.50\" user $bob \"x\" * 3 once\n"
					     "alice > CONNECTION_ERROR 1001 \"no\"\n"
					     "alice > command \"a b\"\n"
					     "alice > batch {\n\toctets hex \"00 fF\"\n\n\tthe same # again\n}\n");
	const struct hx_step *step = first_step(suite);

	(void)state;
	assert_int_equal(step->op, HX_SEND);
	assert_true(step->once && !step->batch);
	assert_int_equal(step->place.line, HEAD_LINES + 1);
	assert_int_equal(step->who->kind, HX_CAST);
	assert_int_equal(step->outgoing->command, C2W_SEND_MESSAGE_REQUEST);
	assert_octets(step->outgoing->time->octets, "7.50", 4);
	assert_int_equal(step->outgoing->user->kind, HX_CAST);
	assert_int_equal(step->outgoing->user->type, HX_OCTETS);
	assert_int_equal(step->outgoing->user->index, 1);
	assert_int_equal(step->outgoing->data->kind, HX_TIMES);
	assert_int_equal(step->outgoing->data->type, HX_OCTETS);
	step = step->next;
	assert_int_equal(step->outgoing->code, 1001);
	step = step->next;
	assert_int_equal(step->outgoing->command, C2W_NO_COMMAND);
	assert_octets(step->outgoing->command_text->octets, "a b", 3);
	step = step->next;
	assert_true(step->batch);
	assert_octets(step->outgoing->octets->octets, "\0\377", 2);
	assert_int_equal(step->outgoing->next->kind, HX_SEND_SAME);
	assert_null(step->outgoing->next->next);
	assert_null(step->next);
	hx_suite_free(suite);
}

static void messages_expected(void **state)
{
	struct hx_suite *suite;
	const struct hx_step *step;
	const struct hx_pattern *pattern;

	(void)state;
	suite = parse("scenario \"t\"\nproves REL-04\nover udp\ncast alice bob\n"
		      "alice < CONNECTION_GRANTED or CONNECTION_ERROR server-full within 500ms [CON-04]\n"
		      "alice < USER_LIST_RESPONSE listing bob in \"x\", $alice, not listing \"q\" as $list\n"
		      "alice < the same 3 times every $rto\n"
		      "alice > SEND_MESSAGE_REQUEST $list\n"
		      "bob < NEW_MESSAGE by alice data any\n"
		      "bob gets nothing for 2 * $rto\n"
		      "bob may get the same\n");
	step = suite->scenarios[0]->steps;
	assert_int_equal(step->rule, C2W_CON_04);
	assert_true(step->within->number > 499999999 && step->within->number < 500000001);
	assert_null(step->patterns->code);
	assert_int_equal(step->patterns->next->code->index, C2W_PARAM_server_full_);
	step = step->next;
	pattern = step->patterns;
	assert_false(pattern->listing->negated);
	assert_int_equal(pattern->listing->entry->type, HX_CLIENT);
	assert_non_null(pattern->listing->room);
	assert_int_equal(pattern->listing->next->entry->type, HX_OCTETS);
	assert_true(pattern->listing->next->next->negated);
	assert_int_equal(pattern->capture, 0);
	step = step->next;
	assert_int_equal(step->op, HX_SAME);
	assert_int_equal(step->every->index, C2W_PARAM_rto_);
	assert_int_equal(step->next->outgoing->data->kind, HX_VARIABLE);
	step = step->next->next;
	assert_true(step->patterns->data_any);
	assert_int_equal(step->patterns->by->index, 0);
	assert_int_equal(step->next->op, HX_SILENCE);
	assert_int_equal(step->next->duration->type, HX_DURATION);
	assert_int_equal(step->next->next->op, HX_MAYBE_SAME);
	hx_suite_free(suite);
}

static void all_is_spelled_out(void **state)
{
	struct hx_suite *suite = parse_steps("all connect\nall hold acks\ntogether {\n\tall < USER_LIST_RESPONSE\n}\nall enter \"x\"\n");
	const struct hx_step *step = first_step(suite);

	(void)state;
	assert_int_equal(step->op, HX_CALL);
	assert_int_equal(step->values[0]->index, 0);
	assert_int_equal(step->next->values[0]->index, 1);
	assert_ptr_equal(step->exchange, step->next->exchange);
	assert_string_equal(step->exchange->pattern, "$who connects");
	assert_int_equal(step->exchange->body->next->rule, C2W_CON_01);
	step = step->next->next;
	assert_int_equal(step->next->op, HX_HOLD_ACKS);
	assert_int_equal(step->next->who->index, 1);
	step = step->next->next;
	assert_int_equal(step->op, HX_TOGETHER);
	assert_int_equal(step->body->next->who->index, 1);
	assert_null(step->body->next->next);
	assert_int_equal(step->next->next->value_count, 2);
	assert_octets(step->next->next->values[1]->octets, "x", 1);
	hx_suite_free(suite);
}

static void loops_and_variables(void **state)
{
	struct hx_suite *suite = parse_steps("repeat 3 as i {\n\tfor who in alice, bob {\n\t\tlet n = $i + 1\n"
					     "\t\t$who > USER_LIST_REQUEST data \"x\" * $n\n\t}\n}\nfor who in \"a\" {\n\tbob > octets $who\n}\n");
	const struct hx_step *repeat = first_step(suite), *loop = repeat->body, *let = loop->body;

	(void)state;
	assert_int_equal(repeat->op, HX_REPEAT);
	assert_int_equal(repeat->variable, 0);
	assert_int_equal(loop->op, HX_FOR);
	assert_int_equal(loop->value_count, 2);
	assert_int_equal(let->op, HX_LET);
	assert_int_equal(let->values[0]->type, HX_NUMBER);
	assert_int_equal(let->next->who->kind, HX_VARIABLE);
	assert_int_equal(let->next->who->index, loop->variable);
	assert_int_equal(suite->scenarios[0]->variable_count, 4);
	hx_suite_free(suite);
}

static void rooms_are_leased_by_occurrence(void **state)
{
	struct hx_suite *suite = parse_steps("alice > ENTER_MOVIE_REQUEST my movie\nbob > ENTER_MOVIE_REQUEST my movie + movie(5)\n");
	const struct hx_step *step = first_step(suite);

	(void)state;
	assert_int_equal(suite->scenarios[0]->leases, 2);
	assert_int_equal(suite->scenarios[0]->needs.movies, 5);
	assert_int_equal(step->outgoing->data->index, 0);
	assert_int_equal(step->next->outgoing->data->left->index, 1);
	hx_suite_free(suite);
}

static void movies_are_counted(void **state)
{
	struct hx_suite *suite = parse_steps("repeat movies as i {\n\talice > ENTER_MOVIE_REQUEST movie($i)\n}\n");
	const struct hx_step *loop = first_step(suite);

	(void)state;
	assert_int_equal(suite->scenarios[0]->needs.movies, 1);
	assert_int_equal(loop->count->kind, HX_TITLES);
	hx_suite_free(suite);
}

static void strings_and_their_escapes(void **state)
{
	struct hx_suite *suite = parse_steps("alice > octets \"a\\r\\n\\t\\\\\\\"\\0\\x7f\\u{E9}\\u{1F600}#\" # comment\n"
					     "alice > octets \\\n   \"\xC3\xA9\"\r\n");
	const struct hx_step *step = first_step(suite);

	(void)state;
	assert_octets(step->outgoing->octets->octets, "a\r\n\t\\\"\0\x7f\xC3\xA9\xF0\x9F\x98\x80#", 15);
	assert_octets(step->next->outgoing->octets->octets, "\xC3\xA9", 2);
	hx_suite_free(suite);
}

static void parameters_take_the_type_of_their_use(void **state)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;
	const char *text = "exchange $who tells $whom of $text after $pause {\n\twait $pause\n\t$who > SEND_MESSAGE_REQUEST $text user $whom\n"
			   "\t$whom < NEW_MESSAGE by $who\n}\n" HEAD "alice tells bob of alice after 1s\nalice tells $bob of 3 after 4\n";

	(void)state;
	assert_non_null(errors);
	assert_int_equal(hx_suite_parse(&suite, "t.c2w", text, NULL, note, errors), 3);
	assert_non_null(strstr(errors->text, "t.c2w:12:13: expected a client, this is octets; $bob is her user name, bob the client\n"));
	assert_non_null(strstr(errors->text, "t.c2w:12:21: expected octets, this is a number"));
	assert_non_null(strstr(errors->text, "t.c2w:12:29: expected a duration, this is a number"));
	free(errors);
}

/* ---- errors --------------------------------------------------------------------------------- */

struct wrong {
	const char *steps;   /* behind HEAD; or a whole file, if it begins with "scenario" or "exchange" */
	const char *expected; /* line (counted behind HEAD) and column, and how the message begins */
};

static const struct wrong wrongs[] = {
	/* words */
	{ "alice > SEND_MESAGE \"x\"", "1:9: unknown command \"SEND_MESAGE\"; expected a command of the protocol; did you mean" },
	{ "alice > CONNECTION_ERROR_1001", "1:9: expected the code behind the command: CONNECTION_ERROR 1001" },
	{ "alise connects", "1:1: unknown client or step alise; did you mean alice?" },
	{ "alice < NEW_MESSAGE by bib", "1:24: unknown client bib; did you mean bob?" },
	{ "alice conects", "1:7: unknown exchange `… conects`; did you mean $who connects?" },
	{ "alice dances wildly", "1:7: unknown exchange `… dances wildly`; there are: $who connects, $who enters $movie, $who leaves" },
	{ "togther {\n}", "1:1: unknown client or step togther; did you mean together?" },
	{ "wait 2 * $rt", "1:10: unknown variable $rt; did you mean $rto?" },
	{ "wait $rto-1s", "1:6: unknown variable $rto-1s (minus needs blanks round it)" },
	{ "alice < USER_LIST_RESPONSE [MSG-99]", "1:29: unknown rule MSG-99; expected one of the protocol; did you mean MSG-0" },
	{ "alice < USER_LIST_RESPONSE [REL-01]", "1:29: REL-01 binds clients" },
	{ "alice < CONNECTION_ERROR name-takn", "1:26: unknown code name-takn; did you mean name-taken?" },
	{ "alice > USER_LIST_REQUEST onec", "1:27: expected the end of the line, found onec; did you mean once?" },
	{ "wait 5parsec", "1:6: expected a number of at most 15 digits (3, 0.8) or a duration" },
	{ "alice > octets \"\\q\"", "1:17: unknown escape" },
	{ "alice > octets \"abc", "1:16: this text has no end" },
	{ "alice > octets hex \"0g\"", "1:20: expected pairs of hex digits" },
	{ "alice > octets \xC3\xA9", "1:16: characters beyond ASCII" },
	{ "alice > octets \"\xFF\"", "1:17: not valid UTF-8" },
	{ "alice ! x", "1:7: unexpected octet \\x21" },
	/* codes and sides */
	{ "alice < CONNECTION_ERROR 10001", "1:26: expected the code of CONNECTION_ERROR: a number of at most 4 digits" },
	{ "alice > LEAVE_SESSION_ERROR 10", "1:29: expected the code of LEAVE_SESSION_ERROR: a number of at most 1 digit" },
	{ "alice < CONNECTION_ERROR no-such-movie", "1:26: no-such-movie is no code of CONNECTION_ERROR" },
	{ "alice < SEND_MESSAGE_REQUEST", "1:9: SEND_MESSAGE_REQUEST is sent by clients; expected a command of servers, as NEW_MESSAGE" },
	{ "alice < NEW_MESSAGE \"x\"", "1:9: expected NEW_MESSAGE with its author" },
	{ "alice < USER_LIST_RESPONSE by bob", "1:31: `by` goes with NEW_MESSAGE" },
	{ "alice < ENTER_MOVIE_GRANTED listing bob", "1:9: `listing` goes with" },
	{ "alice < MOVIE_LIST_RESPONSE listing \"x\" in \"y\"", "1:44: only users are listed `in` a room" },
	{ "alice < USER_LIST_RESPONSE data \"x\" data any", "1:42: data is given twice" },
	{ "alice > USER_LIST_REQUEST time \"1\" time \"2\"", "1:41: time is given twice" },
	{ "alice < CONNECTION_GRANTED as $x or CONNECTION_ERROR\nalice > octets $x", "1:9: `as` needs a message that is sure to come" },
	/* types */
	{ "alice > SEND_MESSAGE_REQUEST 5", "1:30: expected octets, this is a number; decimal(…)" },
	{ "$alice connects", "1:1: expected a client, this is octets; $alice is her user name, alice the client" },
	{ "wait 5", "1:6: expected a duration, this is a number; durations have units" },
	{ "wait $rto + 5", "1:13: expected a duration, this is a number" },
	{ "wait \"x\" * 3", "1:10: expected a duration, this is octets" },
	{ "alice > octets \"x\" * $rto", "1:22: expected a number, this is a duration" },
	{ "alice > octets time($alice)", "1:21: expected a client, this is octets" },
	{ "alice > octets $rto-tolerance", "1:16: $rto-tolerance has no value" },
	{ "alice > octets $name-taken", "1:16: $name-taken may be any code" },
	{ "repeat $capacity {\n\talice > octets \"\"\n}", "1:8: $capacity is unknown unless" },
	{ "for x in alice, \"x\" {\n\talice > octets $x\n}", "1:17: expected a client, this is octets" },
	{ "repeat 2.5 {\n\talice > octets \"\"\n}", "1:8: expected a whole number from 1" },
	{ "alice enters 5", "1:14: expected octets, this is a number" },
	/* names */
	{ "let x = 5", "1:5: $x is never used" },
	{ "let rto = 5", "1:5: $rto is a parameter of the protocol already" },
	{ "let alice = 5", "1:5: $alice is the user name of a cast member already" },
	{ "let x = $x", "1:9: unknown variable $x" },
	{ "repeat 2 as i {\n\twait 1s * $i\n}\nwait 1s * $i", "4:11: unknown variable $i" },
	{ "for x in 1 {\n\tfor x in 2 {\n\t}\n}", "2:6: $x is defined in line" },
	/* shape */
	{ "together {\n\talice > USER_LIST_REQUEST\n}", "2:2: `together` holds messages to expect" },
	{ "together {\n}", "1:10: expected at least one step in this block" },
	{ "repeat 2 {\n\twait 1s", "1:10: this block has no end" },
	{ "}", "1:1: this } closes nothing" },
	{ "repeat 2 { wait 1s\n}", "1:12: expected the end of the line behind {" },
	{ "needs load", "1:1: `needs` stands above the first step" },
	{ "scenario \"a\"", "1:1: `scenario` stands above the first step; a file has one scenario" },
	{ "alice gets nothing within 1s", "1:27: expected `for`" },
	{ "alice", "1:6: expected > to send, < to expect, or what the client does, found the end of the line" },
	{ "alice > batch {\n}", "1:15: expected at least one message in a batch" },
	/* over what */
	{ "alice > USER_LIST_REQUEST in pieces of 1", "1:1: in pieces is for TCP, and alice may be over UDP; expected `over tcp`" },
	{ "alice > USER_LIST_REQUEST cut at 3", "1:1: cut is for TCP" },
	{ "alice half-closes", "1:1: half-closes is for TCP" },
	{ "alice resets", "1:1: resets is for TCP" },
	{ "alice < end", "1:1: end is for TCP" },
	{ "alice < USER_LIST_RESPONSE\nalice < the same every 1s", "2:1: only UDP repeats in time, and alice may be over TCP" },
	{ "alice < USER_LIST_RESPONSE [REL-04]", "1:1: REL-04 applies over UDP only, and alice may be over the other" },
	/* order */
	{ "alice < the same", "1:1: alice has taken no message yet" },
	{ "alice < NEW_MESSAGE by bob", "1:9: bob has sent no SEND_MESSAGE_REQUEST yet" },
	{ "alice closes\nalice > USER_LIST_REQUEST", "2:1: alice has closed; expected `alice opens` before" },
	{ "alice opens over tcp\nalice half-closes\nalice > USER_LIST_REQUEST", "3:1: alice has half-closed" },
};

/* The one error of a file whose line numbers begin behind HEAD. */
static void assert_wrong(const struct wrong *wrong)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;
	char text[4096], expected[512];
	unsigned line = (unsigned)strtoul(wrong->expected, NULL, 10);

	assert_non_null(errors);
	snprintf(text, sizeof text, "%s%s\n", HEAD, wrong->steps);
	snprintf(expected, sizeof expected, "t.c2w:%u%s", line + HEAD_LINES, strchr(wrong->expected, ':'));
	hx_suite_parse(&suite, "t.c2w", text, library, note, errors);
	if (suite || errors->count != 1 || strncmp(errors->text, expected, strlen(expected)) != 0)
		fail_msg("%s\nexpected %s\ngot %s", wrong->steps, expected, errors->text);
	free(errors);
}

static void every_error_has_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++)
		assert_wrong(&wrongs[i]);
}

static const struct wrong wrong_files[] = {
	{ "scenario \"t\"\ncast alice\nalice > USER_LIST_REQUEST\n", "f.c2w:1:1: this scenario proves nothing" },
	{ "scenario \"t\"\nproves MSG-01\nalice > USER_LIST_REQUEST\n", "f.c2w:1:1: this scenario has no cast" },
	{ "scenario \"t\"\nproves MSG-01\ncast alice\n", "f.c2w:1:1: this scenario has no steps" },
	{ "scenario\nproves MSG-01\ncast alice\nalice closes\n", "f.c2w:1:9: expected the scenario's title in quotes" },
	{ "scenario \"t\"\nproves MSG-01 MSG-01\ncast alice\nalice closes\n", "f.c2w:2:15: MSG-01 is named twice" },
	{ "scenario \"t\"\nproves MSG-01\nproves MSG-01\ncast alice\nalice closes\n", "f.c2w:3:1: a second `proves` line" },
	{ "scenario \"t\"\nproves REL-04\ncast alice\nalice closes\n", "f.c2w:2:8: REL-04 applies over udp only; expected a line `over udp`" },
	{ "scenario \"t\"\nproves TRN-05\nover udp\ncast alice\nalice closes\n", "f.c2w:2:8: TRN-05 applies over tcp only" },
	{ "scenario \"t\"\nproves MSG-01\ncast alice data\nall close\n", "f.c2w:3:12: data is a word of the language" },
	{ "scenario \"t\"\nproves MSG-01\ncast alice alice\nall close\n", "f.c2w:3:12: alice is in the cast already" },
	{ "scenario \"t\"\nproves MSG-01\ncast Alice\nall close\n", "f.c2w:3:6: Alice cannot be a client" },
	{ "scenario \"t\"\nproves MSG-01\ncast abcdefghijklm\nall close\n", "f.c2w:3:6: abcdefghijklm cannot be a client" },
	{ "scenario \"t\"\nproves MSG-01\ncast alice bob\nalice closes\n", "f.c2w:3:1: bob is in the cast and does nothing" },
	{ "scenario \"t\"\nproves MSG-01\ncast alice over udp, bob\nall close\n", "f.c2w:3:22: expected `over` behind every member" },
	{ "scenario \"t\"\nproves MSG-01\ncast alice over udp, bob over udp\nall close\n", "f.c2w:3:1: everybody is over udp" },
	{ "scenario \"t\"\nproves MSG-01\nneeds movies > 1\ncast alice\nall close\n", "f.c2w:3:14: expected >=, found >" },
	{ "scenario \"t\"\nproves MSG-01\nneeds $max-text > 1\ncast alice\nall close\n", "f.c2w:3:17: expected >=, found >" },
	{ "scenario \"t\"\nproves MSG-01\nneeds 2 >= 1\ncast alice\nall close\n", "f.c2w:3:7: expected a parameter alone on one side, as $max-text >= 64" },
	{ "scenario \"t\"\nproves MSG-01\nneeds $max-text + 1 >= 1\ncast alice\nall close\n", "f.c2w:3:17: expected a parameter alone on one side, as $max-text >= 64" },
	{ "scenario \"t\"\nproves MSG-01\nneeds nothing\ncast alice\nall close\n", "f.c2w:3:7: expected movies >= N, $PARAMETER >= N, capacity" },
	{ "scenario \"t\"\nproves MSG-01\nneeds $max-text >= length(\"x\")\ncast alice\nall close\n",
	  "f.c2w:3:20: expected numbers and parameters, with + - * between" },
	{ "scenario \"t\"\nproves MSG-01\nneeds $rto >= 1\ncast alice\nall close\n", "f.c2w:3:7: expected a number, this is a duration" },
	{ "scenario \"t\"\nproves MSG-01\nneeds $name-taken >= 1\ncast alice\nall close\n", "f.c2w:3:7: $name-taken may be any code" },
	{ "scenario \"t\"\nproves MSG-01\nlimit 5\ncast alice\nall close\n", "f.c2w:3:7: expected a duration as 90s" },
	{ "scenario \"t\"\nproves MSG-01\ncast connects\nall close\n", "f.c2w:3:1: connects is a word of the exchange `$who connects`" },
	{ "exchange $who connects {\n\t$who closes\n}\n" HEAD, "f.c2w:1:10: `$who connects` is defined in lib.c2w:1 already" },
	{ "exchange $who opens {\n\t$who closes\n}\n" HEAD, "f.c2w:1:15: `opens` is what every client can do already" },
	{ "exchange $who a {\n\t$who b\n}\nexchange $who b {\n\t$who a\n}\n" HEAD, "f.c2w:5:7: `$who a` calls itself" },
	{ "exchange $who a {\n\talice closes\n}\n" HEAD, "f.c2w:2:2: expected a step: a client" },
	{ "exchange $who a {\n\tall close\n}\n" HEAD, "f.c2w:2:2: an exchange does not know the cast" },
	{ "exchange $who a {\n\t$who > octets my movie\n}\n" HEAD, "f.c2w:2:16: an exchange has no room of its own" },
	{ "exchange $who a {\n\t$who resets\n}\n" HEAD "bob a\n", "f.c2w:2:2: resets is for TCP, and bob may be over UDP; expected `over tcp` (called from f.c2w:9)" },
	{ "", "f.c2w: no scenario in this file" },
	{ "hello\n", "f.c2w:1:1: expected a scenario, or an exchange above it, found hello" },
};

static void files_that_are_wrong_as_a_whole(void **state)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;

	(void)state;
	assert_non_null(errors);
	for (size_t i = 0; i < sizeof wrong_files / sizeof wrong_files[0]; i++) {
		const struct wrong *wrong = &wrong_files[i];

		*errors = (struct errors){ .count = 0 };
		hx_suite_parse(&suite, "f.c2w", wrong->steps, library, note, errors);
		if (suite || errors->count != 1 || strncmp(errors->text, wrong->expected, strlen(wrong->expected)) != 0)
			fail_msg("%s\nexpected %s\ngot %s", wrong->steps, wrong->expected, errors->text);
	}
	free(errors);
}

static void every_broken_line_is_reported_in_order(void **state)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;

	(void)state;
	assert_non_null(errors);
	assert_int_equal(hx_suite_parse(&suite, "t.c2w", HEAD "wait 5\nalice > X\nrepeat 2 tims {\n\twait \"\n}\nalise closes\nwait 7\n", library, note, errors), 6);
	assert_null(suite);
	assert_non_null(strstr(errors->text, "t.c2w:6:6"));
	assert_true(strstr(errors->text, "t.c2w:6:6") < strstr(errors->text, "t.c2w:7:9"));
	assert_true(strstr(errors->text, "t.c2w:7:9") < strstr(errors->text, "t.c2w:8:10"));
	assert_true(strstr(errors->text, "t.c2w:8:10") < strstr(errors->text, "t.c2w:9:7"));
	assert_true(strstr(errors->text, "t.c2w:9:7") < strstr(errors->text, "t.c2w:11:1"));
	assert_true(strstr(errors->text, "t.c2w:11:1") < strstr(errors->text, "t.c2w:12:6"));
	free(errors);
}

static void the_line_is_shown_with_a_caret(void **state)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;

	(void)state;
	assert_non_null(errors);
	hx_suite_parse(&suite, "t.c2w", HEAD "\talice > octets \"\xC3\xA9\x1B[2J\xE6\xBC\xA2\" onec\n", library, note, errors);
	assert_non_null(strstr(errors->text, "\n\talice > octets \"\xC3\xA9\\x1B[2J\xE6\xBC\xA2\" onec\n\t                            ^\n"));
	free(errors);
}

/* ---- locks ---------------------------------------------------------------------------------- */

static const struct {
	const char *steps;
	enum hx_main_room lock;
} locks[] = {
	{ "all connect", HX_MAIN_FREE },
	{ "alice connects\nalice > SEND_MESSAGE_REQUEST \"x\"", HX_MAIN_EXCLUSIVE },
	{ "alice > SEND_MESSAGE_REQUEST \"x\"", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice enters \"x\"\nalice > SEND_MESSAGE_REQUEST \"x\"", HX_MAIN_FREE },
	{ "alice connects\nalice enters \"x\"\nbob > SEND_MESSAGE_REQUEST \"x\"", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice enters \"x\"\nalice leaves\nalice > SEND_MESSAGE_REQUEST \"x\"", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice enters \"x\"\nalice > LEAVE_SESSION_REQUEST\nalice > SEND_MESSAGE_REQUEST \"x\"", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice enters \"x\"\nalice opens\nalice > SEND_MESSAGE_REQUEST \"x\"", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice > octets \"1: send_message_request|\" + $alice + \"|x\\r\\n\"", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice > octets \"1: user_list_request|\" + $alice + \"|x\\r\\n\"", HX_MAIN_FREE },
	{ "alice connects\nalice > command \"Send_Message_Request\"", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice enters \"x\"\nrepeat 2 {\n\talice > SEND_MESSAGE_REQUEST \"x\"\n\talice leaves\n}", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice enters \"x\"\nfor who in alice, bob {\n\t$who > SEND_MESSAGE_REQUEST \"x\"\n}", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice enters \"x\"\nalice holds acks\nwait 9s\nalice > SEND_MESSAGE_REQUEST \"x\"", HX_MAIN_EXCLUSIVE },
	{ "alice connects\nalice gets nothing", HX_MAIN_SHARED },
	{ "alice connects\nalice enters \"x\"\nalice gets nothing", HX_MAIN_FREE },
	{ "alice connects\nalice enters \"x\"\nalice gets nothing\nalice leaves", HX_MAIN_SHARED },
	{ "alice holds acks\nalice > CONNECTION_REQUEST", HX_MAIN_SHARED },
	{ "alice holds acks\nalice > LEAVE_SESSION_REQUEST", HX_MAIN_FREE },
	{ "alice connects\nwait 1s", HX_MAIN_SHARED },
	{ "alice connects\nalice stops reading", HX_MAIN_SHARED },
};

static void the_lock_follows_from_the_steps(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
		struct hx_suite *suite = parse_steps(locks[i].steps);

		if (suite->scenarios[0]->main_room != locks[i].lock)
			fail_msg("%s\nis %d", locks[i].steps, (int)suite->scenarios[0]->main_room);
		hx_suite_free(suite);
	}
}

static void another_transport_needs_both(void **state)
{
	struct hx_suite *suite = parse("scenario \"t\"\nproves MSG-01\nover udp\ncast alice\nalice opens over tcp\nalice resets\n");

	(void)state;
	assert_true(suite->scenarios[0]->needs.both);
	hx_suite_free(suite);
	suite = parse("scenario \"t\"\nproves MSG-01\nover tcp\ncast alice\nalice opens over tcp\n");
	assert_false(suite->scenarios[0]->needs.both);
	hx_suite_free(suite);
}

/* ---- hostile files -------------------------------------------------------------------------- */

static char *repeated(const char *head, const char *piece, size_t length)
{
	char *text = malloc(length + 1);
	size_t at = strlen(head), size = strlen(piece);

	assert_non_null(text);
	memcpy(text, head, at);
	for (; at < length; at++)
		text[at] = piece[(at - strlen(head)) % size];
	text[length] = '\0';
	return text;
}

static void hostile_files_are_errors(void **state)
{
	static const char *const pieces[] = {
		"{", "}", "(", "\n", "\"", "\\", "\"\\\n", "repeat 2 {\n", "all connect\n", "alice closes\n", "let x = ", "wait 1s + ", "wait (",
		"for x in \"\", ", "alice > batch {\n", "$", "x-", "1", "1ms ", "\xC3\xA9", "exchange $who a {\n", "scenario \"x\"\n", "alice a ", "#", "\x01",
	};
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;

	(void)state;
	assert_non_null(errors);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		char *text = repeated(i % 2 ? HEAD : "", pieces[i], 1 << 17), *with_head = repeated(HEAD, pieces[i], 1 << 17);

		*errors = (struct errors){ .count = 0 };
		hx_suite_parse(&suite, "t.c2w", text, with_head, note, errors);
		hx_suite_free(suite);
		hx_suite_parse(&suite, "t.c2w", with_head, text, note, errors);
		hx_suite_free(suite);
		assert_true(errors->count > 0 && errors->count <= 4 * HX_MAX_COMPLAINTS);
		free(text);
		free(with_head);
	}
	free(errors);
}

/* Every call doubles: 2 to the power of 15 steps are too few to complain of, 2 to the power of 20 are not. */
static void steps_are_bounded_when_spelled_out(void **state)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;
	char text[4096];
	size_t length = (size_t)snprintf(text, sizeof text, "exchange $who a {\n\t$who > USER_LIST_REQUEST\n}\n");

	(void)state;
	assert_non_null(errors);
	for (int name = 'b'; name < 'o'; name++)
		length += (size_t)snprintf(text + length, sizeof text - length, "exchange $who %c {\n\t$who %c\n\t$who %c\n\t$who %c\n}\n", name,
					   name - 1, name - 1, name - 1);
	snprintf(text + length, sizeof text - length, "%salice n\n", HEAD);
	hx_suite_parse(&suite, "t.c2w", text, NULL, note, errors);
	assert_null(suite);
	assert_non_null(strstr(errors->text, "with exchanges and loops spelled out more than 200000 steps"));
	free(errors);
}

/* ---- folders -------------------------------------------------------------------------------- */

static char folder[] = "/tmp/c2w-language-XXXXXX";

static const char *in_folder(const char *path)
{
	static char full[4][256];
	static unsigned next;
	char *to = full[next++ % 4];

	snprintf(to, sizeof full[0], "%s/%s", folder, path);
	return to;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(in_folder(path), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

#define SMALL(step) "scenario \"t\"\nproves MSG-01\ncast alice\n" step "\n"

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || mkdir(in_folder("chat"), 0700) < 0 || mkdir(in_folder("empty"), 0700) < 0 || mkdir(in_folder("bad"), 0700) < 0)
		return -1;
	write_file("lib.c2w", library);
	write_file("z.c2w", SMALL("alice connects"));
	write_file("chat/lib.c2w", "exchange $who joins {\n\t$who connects\n}\n");
	write_file("chat/a.c2w", SMALL("alice joins"));
	write_file("chat/note.txt", "no scenario");
	write_file("bad/a b.c2w", SMALL("alice connects"));
	write_file("bad/c.c2w", SMALL("alice joins"));
	return mkfifo(in_folder("bad/pipe.c2w"), 0600);
}

static int remove_folder(void **state)
{
	static const char *const paths[] = { "lib.c2w", "z.c2w", "chat/lib.c2w", "chat/a.c2w", "chat/note.txt", "bad/a b.c2w", "bad/c.c2w",
					     "bad/pipe.c2w", "chat", "empty", "bad", "" };

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		remove(in_folder(paths[i]));
	return 0;
}

static unsigned load(const char *const *paths, unsigned count, struct hx_suite **suite, struct errors *errors)
{
	*errors = (struct errors){ .count = 0 };
	return hx_suite_load(suite, paths, count, note, errors);
}

/* Wherever one points at, ids begin at the outermost of the folders around it that have a library. */
static void libraries_reach_inward(void **state)
{
	struct errors *errors = calloc(1, sizeof *errors);
	const char *outer[] = { in_folder("z.c2w") }, *inner[] = { in_folder("chat/"), in_folder("chat/a.c2w") };
	struct hx_suite *suite;

	(void)state;
	assert_non_null(errors);
	assert_int_equal(load(outer, 1, &suite, errors), 0);
	assert_string_equal(suite->scenarios[0]->id, "z");
	assert_string_equal(suite->scenarios[0]->area, "");
	hx_suite_free(suite);
	assert_int_equal(load(inner, 2, &suite, errors), 0);
	assert_int_equal(suite->count, 1);
	assert_string_equal(suite->scenarios[0]->id, "chat/a");
	hx_suite_free(suite);
	free(errors);
}

static void a_folder_gives_ids(void **state)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;
	const char *paths[] = { folder, in_folder("z.c2w") };

	(void)state;
	assert_non_null(errors);
	assert_true(load(paths, 2, &suite, errors) > 0);
	assert_non_null(strstr(errors->text, "a b.c2w: a scenario's path has letters"));
	assert_non_null(strstr(errors->text, "bad/c.c2w:4:7: unknown exchange `… joins`"));
	assert_non_null(strstr(errors->text, "pipe.c2w: cannot be read: not a file"));
	remove(in_folder("bad/a b.c2w"));
	remove(in_folder("bad/c.c2w"));
	remove(in_folder("bad/pipe.c2w"));
	assert_int_equal(load(paths, 2, &suite, errors), 0);
	assert_int_equal(suite->count, 2);
	assert_string_equal(suite->scenarios[0]->id, "chat/a");
	assert_string_equal(suite->scenarios[0]->area, "chat");
	assert_string_equal(suite->scenarios[1]->id, "z");
	hx_suite_free(suite);
	free(errors);
}

static void what_cannot_be_read(void **state)
{
	struct errors *errors = calloc(1, sizeof *errors);
	struct hx_suite *suite;
	const char *paths[] = { in_folder("none.c2w"), in_folder("empty"), in_folder("chat/note.txt") };

	(void)state;
	assert_non_null(errors);
	assert_int_equal(load(paths, 3, &suite, errors), 3);
	assert_null(suite);
	assert_non_null(strstr(errors->text, "none.c2w: cannot be read: No such file or directory\n"));
	assert_non_null(strstr(errors->text, "empty: no scenario in this folder\n"));
	assert_non_null(strstr(errors->text, "note.txt: not a scenario: its name does not end in .c2w\n"));
	free(errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_above_the_steps),
		cmocka_unit_test(a_mixed_cast_runs_once_and_needs_both),
		cmocka_unit_test(messages_sent),
		cmocka_unit_test(messages_expected),
		cmocka_unit_test(all_is_spelled_out),
		cmocka_unit_test(loops_and_variables),
		cmocka_unit_test(rooms_are_leased_by_occurrence),
		cmocka_unit_test(movies_are_counted),
		cmocka_unit_test(strings_and_their_escapes),
		cmocka_unit_test(parameters_take_the_type_of_their_use),
		cmocka_unit_test(every_error_has_its_place),
		cmocka_unit_test(files_that_are_wrong_as_a_whole),
		cmocka_unit_test(every_broken_line_is_reported_in_order),
		cmocka_unit_test(the_line_is_shown_with_a_caret),
		cmocka_unit_test(the_lock_follows_from_the_steps),
		cmocka_unit_test(another_transport_needs_both),
		cmocka_unit_test(hostile_files_are_errors),
		cmocka_unit_test(steps_are_bounded_when_spelled_out),
		cmocka_unit_test(libraries_reach_inward),
		cmocka_unit_test(a_folder_gives_ids),
		cmocka_unit_test(what_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
