/* The parser's cursor: tokens, the sticky error of a line, the names in reach. See parser.h.
 * Called by the parser's other files only. Messages are made in the arena. */
#include <stdarg.h>
#include <stdio.h>

#include "harness/parser.h"

void hx_advance(struct hx_parser *parser)
{
	parser->opened = hx_is_sign(parser, '{');
	hx_lexer_next(&parser->lexer, &parser->token);
}

/* ---- errors --------------------------------------------------------------------------------- */

void hx_fail(struct hx_parser *parser, struct hx_place place, const char *format, ...)
{
	char words[512];
	va_list arguments;

	if (!parser->failed && parser->token.kind != HX_T_BAD) {
		va_start(arguments, format);
		vsnprintf(words, sizeof(words), format, arguments);
		va_end(arguments);
		hx_complain(parser->complaints, place, "%s", words);
	}
	parser->failed = true;
}

const char *hx_token_name(struct hx_parser *parser)
{
	const struct hx_token *token = &parser->token;

	switch (token->kind) {
	case HX_T_END:
		return "the end of the file";
	case HX_T_LINE:
		return "the end of the line";
	case HX_T_OCTETS:
		return "a text";
	case HX_T_BAD:
	case HX_T_WORD:
	case HX_T_VARIABLE:
	case HX_T_NUMBER:
	case HX_T_DURATION:
	case HX_T_AT_LEAST:
	case HX_T_SIGN:
		break;
	}
	return hx_print(parser->arena, "%s%.*s", token->kind == HX_T_VARIABLE ? "$" : "", (int)token->text.length, token->text.at);
}

/* A misspelt keyword is the likeliest reason for a word in a wrong place. */
static const char *guess_word(struct hx_parser *parser)
{
	struct hx_guess guess = hx_guess_at(parser->token.text);

	if (parser->token.kind != HX_T_WORD || parser->token.keyword != HX_K_NONE)
		return "";
	for (int k = HX_K_NONE + 1; k < HX_KEYWORDS; k++)
		hx_guess_offer(&guess, hx_keyword_text((enum hx_keyword)k));
	for (unsigned i = 0; parser->scenario && i < parser->scenario->cast_count; i++)
		hx_guess_offer(&guess, parser->scenario->cast[i].name);
	return hx_guess_text(parser->arena, &guess);
}

void hx_fail_expected(struct hx_parser *parser, const char *what)
{
	hx_fail(parser, parser->token.place, "expected %s, found %s%s", what, hx_token_name(parser), guess_word(parser));
}

/* ---- tokens --------------------------------------------------------------------------------- */

bool hx_is_sign(const struct hx_parser *parser, char sign)
{
	return parser->token.kind == HX_T_SIGN && parser->token.sign == sign;
}

bool hx_is_word(const struct hx_parser *parser, enum hx_keyword keyword)
{
	return parser->token.kind == HX_T_WORD && parser->token.keyword == keyword;
}

bool hx_at_line_end(const struct hx_parser *parser)
{
	return parser->token.kind == HX_T_LINE || parser->token.kind == HX_T_END;
}

bool hx_accept_sign(struct hx_parser *parser, char sign)
{
	if (parser->failed || !hx_is_sign(parser, sign))
		return false;
	hx_advance(parser);
	return true;
}

bool hx_accept_word(struct hx_parser *parser, enum hx_keyword keyword)
{
	if (parser->failed || !hx_is_word(parser, keyword))
		return false;
	hx_advance(parser);
	return true;
}

void hx_expect_sign(struct hx_parser *parser, char sign)
{
	if (!hx_accept_sign(parser, sign))
		hx_fail_expected(parser, (char[]){ sign, '\0' });
}

void hx_expect_word(struct hx_parser *parser, enum hx_keyword keyword)
{
	if (!hx_accept_word(parser, keyword))
		hx_fail_expected(parser, hx_keyword_text(keyword));
}

/* ---- lines ---------------------------------------------------------------------------------- */

void hx_skip_empty_lines(struct hx_parser *parser)
{
	while (parser->token.kind == HX_T_LINE)
		hx_advance(parser);
}

static void skip_line(struct hx_parser *parser)
{
	parser->lexer.quiet = true;
	while (!hx_at_line_end(parser))
		hx_advance(parser);
	parser->lexer.quiet = false;
}

void hx_end_line(struct hx_parser *parser)
{
	if (!parser->failed && !hx_at_line_end(parser))
		hx_fail_expected(parser, "the end of the line");
	if (parser->failed) {
		skip_line(parser);
		parser->failed = false;
		if (parser->opened)
			hx_parse_rest_of_block(parser, parser->token.place, true);
		parser->failed = false;
		skip_line(parser);
	}
	parser->operators = 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

struct hx_name *hx_find_name(struct hx_parser *parser, struct c2w_str text)
{
	for (unsigned i = 0; i < parser->name_count; i++)
		if (c2w_str_equal(parser->names[i].text, text))
			return &parser->names[i];
	return NULL;
}

int hx_find_member(const struct hx_parser *parser, struct c2w_str text)
{
	for (unsigned i = 0; parser->scenario && i < parser->scenario->cast_count; i++)
		if (c2w_str_equal(text, c2w_str_of(parser->scenario->cast[i].name)))
			return (int)i;
	return -1;
}

/* Why the word at the cursor cannot become a name; NULL if it can. */
static const char *name_taken(struct hx_parser *parser)
{
	struct c2w_str text = parser->token.text;
	const struct hx_name *name = hx_find_name(parser, text);

	if (name)
		return hx_print(parser->arena, "defined in line %u already", name->place.line);
	if (hx_find_member(parser, text) >= 0)
		return "the user name of a cast member already";
	if (c2w_param_find(text) >= 0)
		return "a parameter of the protocol already";
	return parser->slots == HX_MAX_VARIABLES ? "one variable too many" : NULL;
}

int hx_declare(struct hx_parser *parser, bool wanted)
{
	const struct hx_token *token = &parser->token;
	const char *taken;

	if (parser->failed)
		return -1;
	if (token->kind != HX_T_WORD && token->kind != HX_T_VARIABLE) {
		hx_fail_expected(parser, "a name");
		return -1;
	}
	taken = name_taken(parser);
	if (taken) {
		hx_fail(parser, token->place, "$%.*s is %s", (int)token->text.length, token->text.at, taken);
		return -1;
	}
	parser->names[parser->name_count++] = (struct hx_name){
		.text = token->text, .place = token->place, .slot = parser->slots++, .wanted = wanted };
	hx_advance(parser);
	return (int)parser->slots - 1;
}

void hx_forget_names(struct hx_parser *parser, unsigned count)
{
	/* A broken line may be the one that uses it. */
	bool whole = parser->lexer.source->complaints == 0;

	for (unsigned i = count; i < parser->name_count; i++) {
		const struct hx_name *name = &parser->names[i];

		if (whole && name->wanted && !name->used)
			hx_complain(parser->complaints, name->place, "$%.*s is never used", (int)name->text.length, name->text.at);
	}
	parser->name_count = count;
}

/* ---- words of exchanges --------------------------------------------------------------------- */

void hx_add_word(struct hx_parser *parser, struct hx_words *words, const char *sign, struct c2w_str word, const char *ending)
{
	size_t room = sizeof(words->text) - words->length;
	int length = snprintf(words->text + words->length, room, "%s%s%.*s%s", words->length > 0 ? " " : "", sign, (int)word.length,
	                      word.at, ending);

	if (length < 0 || (size_t)length >= room)
		hx_fail(parser, parser->token.place, "too many words for an exchange");
	else
		words->length += (size_t)length;
}
