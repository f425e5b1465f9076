/* Expressions of the scenario language: text, numbers, durations, clients, and what is computed from them.
 * Called by the parser's other files only (parser.h). The tree lives in the arena. Its types are check.c's,
 * apart from those that the words themselves tell. */
#include "harness/parser.h"

struct hx_expr *hx_new_expr(struct hx_parser *parser, enum hx_expr_kind kind, enum hx_type type)
{
	struct hx_expr *expr = hx_alloc(parser->arena, sizeof(*expr));

	expr->kind = kind;
	expr->type = type;
	expr->place = parser->token.place;
	return expr;
}

/* Bounds the tree: every recursion over it is at most this deep. */
static bool one_more_operator(struct hx_parser *parser)
{
	if (++parser->operators > HX_MAX_OPERATORS)
		hx_fail(parser, parser->token.place, "more than %d operators in one line", HX_MAX_OPERATORS);
	return !parser->failed;
}

/* ---- functions ------------------------------------------------------------------------------ */

struct function {
	enum hx_keyword keyword;
	enum hx_expr_kind kind;
	enum hx_type type;
};

static const struct function functions[] = {
	{ HX_K_NAME, HX_NAME, HX_OCTETS },
	{ HX_K_RANDOM, HX_RANDOM, HX_OCTETS },
	{ HX_K_MOVIE, HX_TITLE, HX_OCTETS },
	{ HX_K_TIME, HX_TIME_OF, HX_OCTETS },
	{ HX_K_EARLIER, HX_EARLIER, HX_OCTETS },
	{ HX_K_LENGTH, HX_LENGTH, HX_NUMBER },
	{ HX_K_DECIMAL, HX_DECIMAL, HX_OCTETS },
	{ HX_K_MISCASED, HX_MISCASED, HX_OCTETS },
	{ HX_K_UNLISTED, HX_UNLISTED, HX_OCTETS },
};

static const struct function *find_function(const struct hx_parser *parser)
{
	for (size_t i = 0; parser->token.calls && i < sizeof(functions) / sizeof(functions[0]); i++)
		if (hx_is_word(parser, functions[i].keyword))
			return &functions[i];
	return NULL;
}

static const struct hx_expr *parse_function(struct hx_parser *parser, const struct function *function)
{
	struct hx_expr *expr = hx_new_expr(parser, function->kind, function->type);

	if (function->kind == HX_TITLE && !parser->scenario) {
		hx_fail(parser, expr->place, "an exchange cannot choose a movie; give it the title as an argument");
		return NULL;
	}
	hx_advance(parser);
	hx_expect_sign(parser, '(');
	if (one_more_operator(parser))
		expr->left = hx_parse_expr(parser);
	hx_expect_sign(parser, ')');
	return expr;
}

/* ---- words ---------------------------------------------------------------------------------- */

static bool decode_hex(struct c2w_str digits, char *to, size_t *length)
{
	for (size_t i = 0; i < digits.length; i++) {
		int high, low;

		if (digits.at[i] == ' ')
			continue;
		high = hx_hex_digit(digits.at[i++]);
		low = i < digits.length ? hx_hex_digit(digits.at[i]) : -1;
		if (high < 0 || low < 0)
			return false;
		to[(*length)++] = (char)(high * 16 + low);
	}
	return true;
}

static const struct hx_expr *parse_hex(struct hx_parser *parser)
{
	struct hx_expr *expr = hx_new_expr(parser, HX_LITERAL_OCTETS, HX_OCTETS);
	char *octets;

	hx_advance(parser);
	octets = hx_alloc(parser->arena, parser->token.octets.length + 1);
	if (parser->token.kind != HX_T_OCTETS || !decode_hex(parser->token.octets, octets, &expr->octets.length))
		hx_fail(parser, parser->token.place, "expected pairs of hex digits in quotes: hex \"00 ff\"");
	expr->octets.at = octets;
	hx_advance(parser);
	return expr;
}

static const struct hx_expr *parse_my_movie(struct hx_parser *parser)
{
	struct hx_expr *expr = hx_new_expr(parser, HX_MOVIE, HX_OCTETS);

	if (!parser->scenario) {
		hx_fail(parser, expr->place, "an exchange has no room of its own; give it the title as an argument");
		return NULL;
	}
	hx_advance(parser);
	hx_expect_word(parser, HX_K_MOVIE);
	if (parser->scenario->leases == HX_MAX_LEASES)
		hx_fail(parser, expr->place, "a scenario has at most %d rooms of its own", HX_MAX_LEASES);
	else
		expr->index = parser->scenario->leases++;
	return expr;
}

static const struct hx_expr *indexed(struct hx_parser *parser, enum hx_expr_kind kind, enum hx_type type, unsigned index)
{
	struct hx_expr *expr = hx_new_expr(parser, kind, type);

	expr->index = index;
	hx_advance(parser);
	return expr;
}

static const struct hx_expr *parse_movies(struct hx_parser *parser)
{
	if (!parser->scenario)
		hx_fail(parser, parser->token.place, "an exchange does not know the target's movies; give it the title as an argument");
	return indexed(parser, HX_TITLES, HX_NUMBER, 0);
}

/* ---- $variables ----------------------------------------------------------------------------- */

static void fail_variable(struct hx_parser *parser)
{
	struct c2w_str text = parser->token.text;
	struct hx_guess guess = hx_guess_at(text);

	for (unsigned i = 0; i < parser->name_count; i++)
		hx_guess_offer(&guess, hx_copy(parser->arena, parser->names[i].text.at, parser->names[i].text.length));
	for (unsigned i = 0; parser->scenario && i < parser->scenario->cast_count; i++)
		hx_guess_offer(&guess, parser->scenario->cast[i].name);
	for (int i = 0; i < C2W_PARAMS; i++)
		hx_guess_offer(&guess, c2w_param_info((enum c2w_param)i)->name);
	if (guess.best)
		guess.best = hx_print(parser->arena, "$%s", guess.best);
	hx_fail(parser, parser->token.place, "unknown variable $%.*s%s%s", (int)text.length, text.at,
	        memchr(text.at, '-', text.length) ? " (minus needs blanks round it)" : "", hx_guess_text(parser->arena, &guess));
}

static const struct hx_expr *parse_variable(struct hx_parser *parser)
{
	struct c2w_str text = parser->token.text;
	struct hx_name *name = hx_find_name(parser, text);
	int member = hx_find_member(parser, text), param = c2w_param_find(text);

	if (name) {
		name->used = true;
		return indexed(parser, HX_VARIABLE, HX_OCTETS, name->slot);
	}
	if (member >= 0)
		return indexed(parser, HX_CAST, HX_OCTETS, (unsigned)member);
	if (param >= 0)
		return indexed(parser, HX_PARAMETER, HX_NUMBER, (unsigned)param);
	fail_variable(parser);
	return NULL;
}

/* ---- clients -------------------------------------------------------------------------------- */

static void fail_client(struct hx_parser *parser)
{
	struct hx_guess guess = hx_guess_at(parser->token.text);

	if (parser->token.kind != HX_T_WORD || parser->token.keyword != HX_K_NONE) {
		hx_fail_expected(parser, "a client");
		return;
	}
	for (unsigned i = 0; parser->scenario && i < parser->scenario->cast_count; i++)
		hx_guess_offer(&guess, parser->scenario->cast[i].name);
	hx_fail(parser, parser->token.place, "unknown client %s%s", hx_token_name(parser),
	        parser->scenario ? hx_guess_text(parser->arena, &guess) : "; an exchange knows its parameters only");
}

const struct hx_expr *hx_parse_client(struct hx_parser *parser)
{
	int member = hx_find_member(parser, parser->token.text);

	if (parser->failed)
		return NULL;
	if (parser->token.kind == HX_T_VARIABLE)
		return parse_variable(parser);
	if (parser->token.kind == HX_T_WORD && member >= 0)
		return indexed(parser, HX_CAST, HX_CLIENT, (unsigned)member);
	fail_client(parser);
	return NULL;
}

/* ---- expressions ---------------------------------------------------------------------------- */

bool hx_starts_expr(const struct hx_parser *parser)
{
	const struct hx_token *token = &parser->token;

	switch (token->kind) {
	case HX_T_VARIABLE:
	case HX_T_OCTETS:
	case HX_T_NUMBER:
	case HX_T_DURATION:
		return true;
	case HX_T_SIGN:
		return token->sign == '(';
	case HX_T_WORD:
		return token->keyword == HX_K_HEX || token->keyword == HX_K_MY || token->keyword == HX_K_MOVIES || find_function(parser)
		       || hx_find_member(parser, token->text) >= 0;
	case HX_T_END:
	case HX_T_LINE:
	case HX_T_BAD:
	case HX_T_AT_LEAST:
		break;
	}
	return false;
}

static const struct hx_expr *parse_literal(struct hx_parser *parser, enum hx_expr_kind kind, enum hx_type type)
{
	struct hx_expr *expr = hx_new_expr(parser, kind, type);

	expr->octets = parser->token.octets;
	expr->number = parser->token.number;
	hx_advance(parser);
	return expr;
}

static const struct hx_expr *parse_parentheses(struct hx_parser *parser)
{
	const struct hx_expr *expr;

	hx_expect_sign(parser, '(');
	expr = one_more_operator(parser) ? hx_parse_expr(parser) : NULL;
	hx_expect_sign(parser, ')');
	return expr;
}

static const struct hx_expr *parse_word(struct hx_parser *parser)
{
	const struct function *function = find_function(parser);

	if (function)
		return parse_function(parser, function);
	if (hx_is_word(parser, HX_K_HEX))
		return parse_hex(parser);
	if (hx_is_word(parser, HX_K_MY))
		return parse_my_movie(parser);
	if (hx_is_word(parser, HX_K_MOVIES))
		return parse_movies(parser);
	if (hx_find_member(parser, parser->token.text) >= 0)
		return hx_parse_client(parser);
	hx_fail_expected(parser, "an expression");
	return NULL;
}

static const struct hx_expr *parse_factor(struct hx_parser *parser)
{
	if (parser->failed)
		return NULL;
	switch (parser->token.kind) {
	case HX_T_OCTETS:
		return parse_literal(parser, HX_LITERAL_OCTETS, HX_OCTETS);
	case HX_T_NUMBER:
		return parse_literal(parser, HX_LITERAL_NUMBER, HX_NUMBER);
	case HX_T_DURATION:
		return parse_literal(parser, HX_LITERAL_NUMBER, HX_DURATION);
	case HX_T_VARIABLE:
		return parse_variable(parser);
	case HX_T_WORD:
		return parse_word(parser);
	case HX_T_END:
	case HX_T_LINE:
	case HX_T_BAD:
	case HX_T_AT_LEAST:
	case HX_T_SIGN:
		break;
	}
	if (hx_is_sign(parser, '('))
		return parse_parentheses(parser);
	hx_fail_expected(parser, "an expression");
	return NULL;
}

struct operator {
	char sign;
	enum hx_expr_kind kind;
};

static const struct operator *find_operator(const struct hx_parser *parser, const struct operator operators[2])
{
	for (unsigned i = 0; i < 2 && !parser->failed; i++)
		if (hx_is_sign(parser, operators[i].sign))
			return &operators[i];
	return NULL;
}

/* The operators of one precedence, from left to right. */
static const struct hx_expr *parse_chain(struct hx_parser *parser, const struct operator operators[2],
                                         const struct hx_expr *(*operand)(struct hx_parser *parser))
{
	const struct hx_expr *left = operand(parser);
	const struct operator *operator;

	while ((operator = find_operator(parser, operators)) && one_more_operator(parser)) {
		struct hx_expr *expr = hx_new_expr(parser, operator->kind, HX_NUMBER);

		hx_advance(parser);
		expr->left = left;
		expr->right = operand(parser);
		left = expr;
	}
	return left;
}

static const struct hx_expr *parse_product(struct hx_parser *parser)
{
	static const struct operator operators[] = { { '*', HX_TIMES }, { '/', HX_DIVIDED } };

	return parse_chain(parser, operators, parse_factor);
}

const struct hx_expr *hx_parse_expr(struct hx_parser *parser)
{
	static const struct operator operators[] = { { '+', HX_JOIN }, { '-', HX_MINUS } };

	return parse_chain(parser, operators, parse_product);
}
