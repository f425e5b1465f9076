/* Tests protocol/explain.def: that every rule is explained, and that the examples are what they say they are: messages of the
 * grammar but for those that are marked. Run by tests/unit; owns nothing but what it unescapes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "protocol/explain.h"
#include "reports/result.h"
#include "reports/text.h"

enum { MOST_LINES = 13, MOST_COLUMNS = 98, LONGEST = 256 };

static bool is_paragraph(const char *text)
{
	return text != NULL && strlen(text) > 60 && strpbrk(text, "\n\t") == NULL && strstr(text, "  ") == NULL &&
	       strchr(".)", text[strlen(text) - 1]) != NULL;
}

static void every_rule_has_all_three(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_RULES; i++) {
		const struct c2w_explanation *explanation = c2w_rule_explanation((enum c2w_rule)i);

		if (!is_paragraph(explanation->why) || !is_paragraph(explanation->breaks) || explanation->example == NULL)
			fail_msg("%s is not explained", c2w_rule_info((enum c2w_rule)i)->id);
	}
}

static void no_text_is_used_twice(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_RULES; i++)
		for (int j = 1; j < i; j++) {
			const struct c2w_explanation *one = c2w_rule_explanation((enum c2w_rule)i), *other = c2w_rule_explanation((enum c2w_rule)j);

			assert_string_not_equal(one->why, other->why);
			assert_string_not_equal(one->breaks, other->breaks);
			assert_string_not_equal(one->example, other->example);
		}
}

/* One line of an example, its first column at line[0]. */
struct line {
	char text[LONGEST];
	const char *said; /* behind the last lifeline and just three blanks */
	bool wrong, malformed, remark;
};

static void line_read(struct line *line, const char *from)
{
	size_t length = strcspn(from, "\n");
	char *pipe;

	*line = (struct line){ .text = "" };
	assert_true(length < sizeof(line->text));
	memcpy(line->text, from, length);
	line->wrong = line->text[0] == 'X';
	line->malformed = line->text[1] == '~';
	for (pipe = strstr(line->text, "|   "); pipe != NULL && pipe[4] == ' ';)
		pipe = strstr(pipe + 1, "|   ");
	line->said = pipe != NULL ? pipe + 4 : NULL;
	line->remark = line->said != NULL && *line->said == '(';
}

static bool parses(const char *said)
{
	char *octets, whole[LONGEST + 2];
	size_t length;
	struct c2w_message message;

	assert_true(rp_unescape(said, &octets, &length));
	assert_true(length + 2 <= sizeof(whole));
	memcpy(whole, octets, length);
	memcpy(whole + length, "\r\n", 2);
	free(octets);
	return c2w_message_parse(&message, whole, length + 2, 0) == C2W_OK;
}

/* What is marked and would parse needs the remark that follows it, which says what is wrong with it. */
static void check_line(const char *id, const struct line *line, bool remark_follows)
{
	if (line->said == NULL || rp_columns(line->text) > MOST_COLUMNS)
		fail_msg("%s: %s", id, line->text);
	if (line->remark ? line->wrong || line->malformed || line->said[strlen(line->said) - 1] != ')' : strpbrk(line->text, "<>") == NULL)
		fail_msg("%s: %s", id, line->text);
	if (!line->remark && !line->malformed && !parses(line->said))
		fail_msg("%s: it does not match the grammar: %s", id, line->said);
	if (line->malformed && !remark_follows && parses(line->said))
		fail_msg("%s: it matches the grammar: %s", id, line->said);
}

static void check_example(const char *id, const char *example)
{
	const char *at = strchr(example, '\n');
	unsigned lines = 0, messages = 0;

	assert_non_null(at);
	assert_true((size_t)(strstr(example, "server") - example) < (size_t)(at - example));
	for (at++; *at != '\0';) {
		const char *end = strchr(at, '\n');
		struct line line, next;

		assert_non_null(end);
		line_read(&line, at);
		at = end + 1;
		line_read(&next, at);
		check_line(id, &line, next.remark);
		messages += !line.remark;
		lines++;
	}
	assert_in_range(lines, 2, MOST_LINES);
	assert_in_range(messages, 1, MOST_LINES);
}

static void the_examples_hold_messages(void **state)
{
	(void)state;
	for (int i = 1; i < C2W_RULES; i++)
		check_example(c2w_rule_info((enum c2w_rule)i)->id, c2w_rule_explanation((enum c2w_rule)i)->example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_has_all_three),
		cmocka_unit_test(no_text_is_used_twice),
		cmocka_unit_test(the_examples_hold_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
