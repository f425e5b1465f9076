/* The words of the scenario language: a cursor over the octets of a file that gives one token after the other.
 * For parse.c and tests. A token points into the source or into the arena; both outlive the suite's loading.
 * Any octets may come; what is no token is complained of once and given as HX_T_BAD. */
#ifndef HX_LEX_H
#define HX_LEX_H

#include "harness/complain.h"

enum { HX_MAX_WORD = 64 };

enum hx_keyword {
	HX_K_NONE,
#define HX_KEYWORD(id, word) HX_K_##id,
#include "harness/keywords.def"
#undef HX_KEYWORD
	HX_KEYWORDS
};

const char *hx_keyword_text(enum hx_keyword keyword);

enum hx_token_kind {
	HX_T_END,         /* of the file; comes for ever */
	HX_T_LINE,        /* the end of a line */
	HX_T_BAD,         /* no token; complained of already */
	HX_T_WORD,        /* letters, digits, _ and - inside: commands, rules, names, keywords */
	HX_T_VARIABLE,    /* $word; .text is without the $ */
	HX_T_OCTETS,      /* "text"; .octets */
	HX_T_NUMBER,      /* 3, 0.8; .number */
	HX_T_DURATION,    /* 200ms; .number in ns */
	HX_T_AT_LEAST,    /* >= */
	HX_T_SIGN,        /* one of { } ( ) [ ] , < > + - * / =; .sign */
};

struct hx_token {
	enum hx_token_kind kind;
	enum hx_keyword keyword;  /* of a word */
	char sign;
	bool calls;               /* a "(" follows without a blank: a function */
	struct hx_place place;
	struct c2w_str text;      /* as it stands in the source */
	struct c2w_str octets;
	double number;
};

struct hx_lexer {
	struct hx_arena *arena;
	struct hx_complaints *complaints;
	const struct hx_source *source;
	size_t at, line_start;
	unsigned line;
	bool quiet;               /* the line is broken: what else is wrong with it is not said */
};

/* Complains of octets that are not UTF-8, wherever they stand. */
void hx_lexer_init(struct hx_lexer *lexer, struct hx_arena *arena, struct hx_complaints *complaints, const struct hx_source *source);
void hx_lexer_next(struct hx_lexer *lexer, struct hx_token *token);

/* The value of a hex digit of either case, -1 for anything else. */
int hx_hex_digit(char c);

#endif
