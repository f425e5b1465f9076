/* The parser from the inside: a cursor over tokens with one sticky error a line, and the names in reach.
 * Shared by parse.c (files), parse_step.c, parse_message.c, parse_expr.c and cursor.c; nobody else includes it.
 * After an error each function returns at once, NULL or zero; hx_end_line() goes on behind it. */
#ifndef HX_PARSER_H
#define HX_PARSER_H

#include "harness/lex.h"
#include "harness/parse.h"

enum { HX_MAX_OPERATORS = 64 }; /* of a line: operators, functions and parentheses */

struct hx_name {
	struct c2w_str text;
	struct hx_place place;
	unsigned slot;
	bool used;
	bool wanted;                 /* an error if it is never used */
};

struct hx_parser {
	struct hx_lexer lexer;
	struct hx_token token;       /* the present one */
	struct hx_arena *arena;
	struct hx_complaints *complaints;
	bool failed;                 /* this line is broken, and complained of */
	bool opened;                 /* the token before the present one was a { */
	struct hx_scenario *scenario; /* NULL in an exchange */
	struct hx_name names[HX_MAX_VARIABLES]; /* in reach, the innermost last */
	unsigned name_count, slots;
	unsigned depth;              /* of blocks */
	bool all;                    /* this step is said of everybody */
	unsigned operators;          /* on this line */
	unsigned steps, exchanges;   /* in this file */
};

/* ---- cursor.c ------------------------------------------------------------------------------- */

void hx_advance(struct hx_parser *parser);
/* Breaks the line: complains, unless it is broken already or the present token was complained of by the lexer. */
void hx_fail(struct hx_parser *parser, struct hx_place place, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "expected WHAT", and what stands there instead. */
void hx_fail_expected(struct hx_parser *parser, const char *what);
/* The present token in words for people: "the end of the line", "onec". */
const char *hx_token_name(struct hx_parser *parser);

bool hx_is_sign(const struct hx_parser *parser, char sign);
bool hx_is_word(const struct hx_parser *parser, enum hx_keyword keyword);
bool hx_at_line_end(const struct hx_parser *parser);
bool hx_accept_sign(struct hx_parser *parser, char sign);
bool hx_accept_word(struct hx_parser *parser, enum hx_keyword keyword);
void hx_expect_sign(struct hx_parser *parser, char sign);
void hx_expect_word(struct hx_parser *parser, enum hx_keyword keyword);

void hx_skip_empty_lines(struct hx_parser *parser);
/* The line must end here. A broken one is skipped, with the block that it may open, and is whole again. */
void hx_end_line(struct hx_parser *parser);

/* A new name for the word or $variable at the cursor, which it takes. Its slot, or -1. */
int hx_declare(struct hx_parser *parser, bool wanted);
/* Forgets the names beyond the first `count`; complains of those that were wanted and never used. */
void hx_forget_names(struct hx_parser *parser, unsigned count);
struct hx_name *hx_find_name(struct hx_parser *parser, struct c2w_str text);
int hx_find_member(const struct hx_parser *parser, struct c2w_str text); /* cast index or -1 */

/* The words of an exchange, defined or called, with a blank between. */
struct hx_words {
	char text[HX_MAX_KEY + 1];
	size_t length;
};

void hx_add_word(struct hx_parser *parser, struct hx_words *words, const char *sign, struct c2w_str word, const char *ending);

/* ---- parse_expr.c --------------------------------------------------------------------------- */

/* Can an expression begin with the present token? */
bool hx_starts_expr(const struct hx_parser *parser);
const struct hx_expr *hx_parse_expr(struct hx_parser *parser);
struct hx_expr *hx_new_expr(struct hx_parser *parser, enum hx_expr_kind kind, enum hx_type type);
/* A client: a cast member or a variable. */
const struct hx_expr *hx_parse_client(struct hx_parser *parser);

/* ---- parse_message.c ------------------------------------------------------------------------ */

const struct hx_outgoing *hx_parse_outgoing(struct hx_parser *parser);
/* All alternatives of an expectation. */
const struct hx_pattern *hx_parse_patterns(struct hx_parser *parser);
enum c2w_rule hx_parse_rule(struct hx_parser *parser);

/* ---- parse_step.c --------------------------------------------------------------------------- */

/* Steps up to the } that closes their block, or to the end of the file. */
const struct hx_step *hx_parse_steps(struct hx_parser *parser);
/* { steps }, the cursor behind it. Names made in it are forgotten if it is a scope. */
const struct hx_step *hx_parse_block(struct hx_parser *parser, bool scope);
/* The same behind its {, which stood at `place`. */
const struct hx_step *hx_parse_rest_of_block(struct hx_parser *parser, struct hx_place place, bool scope);
/* udp or tcp: C2W_ON_…; -1 on anything else. */
int hx_parse_transport(struct hx_parser *parser);
/* Is the word the first of something that every client can do? */
bool hx_is_verb(enum hx_keyword keyword);

#endif
