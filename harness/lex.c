/* The words of the scenario language. See lex.h and docs/SCENARIOS.md.
 * Called by parse.c and tests. Decoded strings live in the arena, everything else in the source. */
#include "harness/lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

static const char *const keywords[HX_KEYWORDS] = {
#define HX_KEYWORD(id, word) [HX_K_##id] = word,
#include "harness/keywords.def"
#undef HX_KEYWORD
};

const char *hx_keyword_text(enum hx_keyword keyword)
{
	return keyword == HX_K_NONE ? "" : keywords[keyword];
}

static enum hx_keyword keyword_find(struct c2w_str text)
{
	for (int k = HX_K_NONE + 1; k < HX_KEYWORDS; k++)
		if (c2w_str_equal(text, c2w_str_of(keywords[k])))
			return (enum hx_keyword)k;
	return HX_K_NONE;
}

/* ---- octets --------------------------------------------------------------------------------- */

/* The octet `ahead` of the cursor; NUL beyond the end. */
static char peek(const struct hx_lexer *lexer, size_t ahead)
{
	size_t at = lexer->at + ahead;

	return at < lexer->source->length ? lexer->source->text[at] : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int hx_hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* How many octets a line's end takes at the cursor; 0: it does not end here. */
static size_t line_end(const struct hx_lexer *lexer, size_t ahead)
{
	if (peek(lexer, ahead) == '\n')
		return 1;
	return peek(lexer, ahead) == '\r' && peek(lexer, ahead + 1) == '\n' ? 2 : 0;
}

static bool at_end(const struct hx_lexer *lexer)
{
	return lexer->at >= lexer->source->length;
}

static struct hx_place place_of(const struct hx_lexer *lexer, size_t at)
{
	return (struct hx_place){ lexer->source->file, lexer->line, (unsigned)(at - lexer->line_start) + 1 };
}

static void complain(const struct hx_lexer *lexer, struct hx_place place, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void complain(const struct hx_lexer *lexer, struct hx_place place, const char *format, ...)
{
	char words[256];
	va_list arguments;

	if (lexer->quiet)
		return;
	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	hx_complain(lexer->complaints, place, "%s", words);
}

static void next_line(struct hx_lexer *lexer, size_t octets)
{
	lexer->at += octets;
	lexer->line++;
	lexer->line_start = lexer->at;
}

/* Blanks, comments and continued lines. */
static void skip_blanks(struct hx_lexer *lexer)
{
	for (;;) {
		size_t end = peek(lexer, 0) == '\\' ? line_end(lexer, 1) : 0;

		if (end > 0)
			next_line(lexer, 1 + end);
		else if (is_blank(peek(lexer, 0)))
			lexer->at++;
		else if (peek(lexer, 0) == '#')
			while (!at_end(lexer) && !line_end(lexer, 0))
				lexer->at++;
		else
			return;
	}
}

/* ---- tokens --------------------------------------------------------------------------------- */

static void lex_word(struct hx_lexer *lexer, struct hx_token *token)
{
	size_t from = lexer->at;

	while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0))
	       || (peek(lexer, 0) == '-' && (is_letter(peek(lexer, 1)) || is_digit(peek(lexer, 1)))))
		lexer->at++;
	token->kind = HX_T_WORD;
	token->text = (struct c2w_str){ lexer->source->text + from, lexer->at - from };
	token->calls = peek(lexer, 0) == '(';
	if (token->text.length <= HX_MAX_WORD)
		return;
	complain(lexer, token->place, "a word of %zu octets; %d is the most", token->text.length, HX_MAX_WORD);
	token->kind = HX_T_BAD;
}

static void lex_variable(struct hx_lexer *lexer, struct hx_token *token)
{
	lexer->at++;
	if (!is_letter(peek(lexer, 0))) {
		complain(lexer, token->place, "expected a name behind $");
		token->kind = HX_T_BAD;
		return;
	}
	lex_word(lexer, token);
	token->calls = false;
	if (token->kind == HX_T_WORD)
		token->kind = HX_T_VARIABLE;
}

static void lex_number(struct hx_lexer *lexer, struct hx_token *token)
{
	size_t from = lexer->at;
	size_t digits;
	int64_t ns;

	while (is_digit(peek(lexer, 0)) || (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))))
		lexer->at++;
	digits = lexer->at - from;
	while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)))
		lexer->at++;
	token->text = (struct c2w_str){ lexer->source->text + from, lexer->at - from };
	token->kind = token->text.length == digits ? HX_T_NUMBER : HX_T_DURATION;
	if (digits <= 15 && memchr(token->text.at, '.', digits) == memrchr(token->text.at, '.', digits)) {
		token->number = strtod(hx_copy(lexer->arena, token->text.at, digits), NULL);
		if (token->kind == HX_T_NUMBER)
			return;
		if (c2w_duration_parse(token->text, &ns) == C2W_OK) {
			token->number = (double)ns;
			return;
		}
	}
	complain(lexer, token->place,
	            "expected a number of at most 15 digits (3, 0.8) or a duration (200ms, 1s, 2min)");
	token->kind = HX_T_BAD;
}

/* ---- strings -------------------------------------------------------------------------------- */

static size_t escape_hex(struct hx_lexer *lexer, char *to)
{
	int high = hx_hex_digit(peek(lexer, 1)), low = high < 0 ? -1 : hx_hex_digit(peek(lexer, 2));

	if (low < 0)
		return 0;
	*to = (char)(high * 16 + low);
	lexer->at += 3;
	return 1;
}

static size_t escape_unicode(struct hx_lexer *lexer, char *to)
{
	ucs4_t character = 0;
	size_t ahead = 2;
	int octets;

	if (peek(lexer, 1) != '{')
		return 0;
	for (; hx_hex_digit(peek(lexer, ahead)) >= 0 && ahead < 8; ahead++)
		character = character * 16 + (ucs4_t)hx_hex_digit(peek(lexer, ahead));
	if (ahead == 2 || peek(lexer, ahead) != '}')
		return 0;
	octets = u8_uctomb((uint8_t *)to, character, 4);
	if (octets <= 0)
		return 0;
	lexer->at += ahead + 1;
	return (size_t)octets;
}

/* One escape, the cursor behind its backslash. Returns the octets written to `to` (4 at most), 0 if it is none. */
static size_t escape(struct hx_lexer *lexer, char *to)
{
	static const char names[] = "rnt\\\"0", meant[] = "\r\n\t\\\"";
	char c = peek(lexer, 0);
	const char *name = c ? strchr(names, c) : NULL;

	if (c == 'x')
		return escape_hex(lexer, to);
	if (c == 'u')
		return escape_unicode(lexer, to);
	if (!name)
		return 0;
	*to = meant[name - names];
	lexer->at++;
	return 1;
}

/* The most octets that the text at the cursor can stand for: no escape is shorter than what it means. */
static size_t string_room(const struct hx_lexer *lexer)
{
	size_t ahead = 1;

	while (lexer->at + ahead < lexer->source->length && peek(lexer, ahead) != '"' && peek(lexer, ahead) != '\n')
		ahead += peek(lexer, ahead) == '\\' ? 2 : 1;
	return ahead;
}

static void lex_string(struct hx_lexer *lexer, struct hx_token *token)
{
	char *to = hx_alloc(lexer->arena, string_room(lexer));
	size_t length = 0, from = lexer->at++;

	token->kind = HX_T_OCTETS;
	while (!at_end(lexer) && !line_end(lexer, 0) && peek(lexer, 0) != '"') {
		size_t octets = 1, at = lexer->at;

		if (peek(lexer, 0) == '\\') {
			lexer->at++;
			octets = escape(lexer, to + length);
		} else {
			to[length] = lexer->source->text[lexer->at++];
		}
		if (octets == 0) {
			complain(lexer, place_of(lexer, at),
			            "unknown escape; there are \\r \\n \\t \\\\ \\\" \\0 \\xHH and \\u{E9}");
			token->kind = HX_T_BAD;
		}
		length += octets;
	}
	token->octets = (struct c2w_str){ to, length };
	if (peek(lexer, 0) == '"') {
		lexer->at++;
	} else {
		complain(lexer, token->place, "this text has no end; expected \" on the same line");
		token->kind = HX_T_BAD;
	}
	token->text = (struct c2w_str){ lexer->source->text + from, lexer->at - from };
}

static void lex_sign(struct hx_lexer *lexer, struct hx_token *token)
{
	char c = peek(lexer, 0);

	token->text = (struct c2w_str){ lexer->source->text + lexer->at, 1 };
	lexer->at++;
	if (c == '>' && peek(lexer, 0) == '=') {
		lexer->at++;
		token->kind = HX_T_AT_LEAST;
		token->text.length = 2;
	} else if (c != '\0' && strchr("{}()[],<>+-*/=", c)) {
		token->kind = HX_T_SIGN;
		token->sign = c;
	} else {
		token->kind = HX_T_BAD;
		if ((unsigned char)c < 0x80)
			complain(lexer, token->place, "unexpected octet \\x%02X", (unsigned)(unsigned char)c);
		else
			complain(lexer, token->place, "characters beyond ASCII stand in texts and comments only");
	}
}

static void complain_of_octets(struct hx_lexer *lexer)
{
	const char *text = lexer->source->text;
	const uint8_t *bad = u8_check((const uint8_t *)text, lexer->source->length);
	const char *wrong = bad ? (const char *)bad : memchr(text, '\0', lexer->source->length);
	struct hx_place place = { lexer->source->file, 1, 1 };

	if (!wrong)
		return;
	for (const char *at = text; at < wrong; at++) {
		place.column++;
		if (*at == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	complain(lexer, place, bad ? "not valid UTF-8" : "a NUL in the file");
}

void hx_lexer_init(struct hx_lexer *lexer, struct hx_arena *arena, struct hx_complaints *complaints, const struct hx_source *source)
{
	*lexer = (struct hx_lexer){ .arena = arena, .complaints = complaints, .source = source, .line = 1 };
	complain_of_octets(lexer);
}

void hx_lexer_next(struct hx_lexer *lexer, struct hx_token *token)
{
	size_t end;
	char c;

	skip_blanks(lexer);
	*token = (struct hx_token){ .kind = HX_T_END, .place = place_of(lexer, lexer->at) };
	if (at_end(lexer))
		return;
	c = peek(lexer, 0);
	end = line_end(lexer, 0);
	if (end > 0) {
		token->kind = HX_T_LINE;
		next_line(lexer, end);
	} else if (is_letter(c)) {
		lex_word(lexer, token);
		token->keyword = keyword_find(token->text);
	} else if (is_digit(c)) {
		lex_number(lexer, token);
	} else if (c == '$') {
		lex_variable(lexer, token);
	} else if (c == '"') {
		lex_string(lexer, token);
	} else {
		lex_sign(lexer, token);
	}
}
