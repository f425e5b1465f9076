/* Steps of the scenario language: a line each, or a block in braces.
 * Called by the parser's other files only (parser.h). The tree lives in the arena. */
#include "harness/parser.h"

/* ---- lists of steps ------------------------------------------------------------------------- */

struct steps {
	const struct hx_step *first;
	const struct hx_step **tail;
};

static void append(struct hx_parser *parser, struct steps *steps, struct hx_step *step)
{
	if (!parser->failed && ++parser->steps > HX_MAX_STEPS)
		hx_fail(parser, step->place, "more than %d steps in a file", HX_MAX_STEPS);
	if (parser->failed)
		return;
	*steps->tail = step;
	steps->tail = &step->next;
}

static struct hx_step *new_step(struct hx_parser *parser, enum hx_op op)
{
	struct hx_step *step = hx_alloc(parser->arena, sizeof(*step));

	step->op = op;
	step->place = parser->token.place;
	step->variable = -1;
	step->transport = -1;
	return step;
}

static const struct hx_expr *member_expr(struct hx_parser *parser, struct hx_place place, unsigned member)
{
	struct hx_expr *expr = hx_new_expr(parser, HX_CAST, HX_CLIENT);

	expr->place = place;
	expr->index = member;
	return expr;
}

static const struct hx_expr *const *keep_values(struct hx_parser *parser, const struct hx_expr *const *values, unsigned count)
{
	const struct hx_expr **kept = hx_alloc(parser->arena, count * sizeof(*kept));

	for (unsigned i = 0; i < count; i++)
		kept[i] = values[i];
	return kept;
}

/* The same step, said of one member of the cast. */
static struct hx_step *step_of(struct hx_parser *parser, const struct hx_step *all, unsigned member)
{
	struct hx_step *step = hx_alloc(parser->arena, sizeof(*step));
	const struct hx_expr **values;

	*step = *all;
	step->who = member_expr(parser, all->place, member);
	if (step->op == HX_CALL) {
		values = (const struct hx_expr **)keep_values(parser, all->values, all->value_count);
		values[0] = step->who;
		step->values = values;
	}
	return step;
}

static void append_for_everybody(struct hx_parser *parser, struct steps *steps, struct hx_step *step)
{
	if (!parser->all) {
		append(parser, steps, step);
		return;
	}
	for (unsigned i = 0; !parser->failed && i < parser->scenario->cast_count; i++)
		append(parser, steps, step_of(parser, step, i));
}

/* ---- blocks --------------------------------------------------------------------------------- */

/* The { is taken. Goes behind the } that belongs to it, without reading what stands between. */
static void skip_block(struct hx_parser *parser)
{
	unsigned open = 1;

	while (open > 0 && parser->token.kind != HX_T_END) {
		open += hx_is_sign(parser, '{');
		open -= hx_is_sign(parser, '}');
		hx_advance(parser);
	}
}

static bool enter_block(struct hx_parser *parser, struct hx_place place)
{
	if (++parser->depth > HX_MAX_DEPTH) {
		hx_complain(parser->complaints, place, "blocks nested more than %d deep", HX_MAX_DEPTH);
		skip_block(parser);
		parser->depth--;
		return false;
	}
	if (!hx_at_line_end(parser))
		hx_complain(parser->complaints, parser->token.place, "expected the end of the line behind {");
	parser->operators = 0;
	return true;
}

static void leave_block(struct hx_parser *parser, struct hx_place place)
{
	parser->depth--;
	if (!hx_accept_sign(parser, '}'))
		hx_complain(parser->complaints, place, "this block has no end; expected } before the end of the file");
}

const struct hx_step *hx_parse_rest_of_block(struct hx_parser *parser, struct hx_place place, bool scope)
{
	unsigned names = parser->name_count;
	const struct hx_step *steps;

	if (!enter_block(parser, place))
		return NULL;
	steps = hx_parse_steps(parser);
	if (!steps && parser->lexer.source->complaints == 0)
		hx_complain(parser->complaints, place, "expected at least one step in this block");
	if (scope)
		hx_forget_names(parser, names);
	leave_block(parser, place);
	return steps;
}

const struct hx_step *hx_parse_block(struct hx_parser *parser, bool scope)
{
	struct hx_place place = parser->token.place;

	hx_expect_sign(parser, '{');
	return parser->failed ? NULL : hx_parse_rest_of_block(parser, place, scope);
}

/* ---- sending -------------------------------------------------------------------------------- */

static void parse_batch(struct hx_parser *parser, struct hx_step *step)
{
	const struct hx_outgoing **tail = &step->outgoing;
	struct hx_place place = parser->token.place;

	step->batch = true;
	hx_expect_sign(parser, '{');
	if (parser->failed || !enter_block(parser, place))
		return;
	hx_skip_empty_lines(parser);
	while (parser->token.kind != HX_T_END && !hx_is_sign(parser, '}')) {
		const struct hx_outgoing *outgoing = hx_parse_outgoing(parser);

		*tail = outgoing;
		tail = &((struct hx_outgoing *)outgoing)->next;
		hx_end_line(parser);
		hx_skip_empty_lines(parser);
	}
	leave_block(parser, place);
	if (!step->outgoing)
		hx_fail(parser, place, "expected at least one message in a batch");
}

static void parse_every(struct hx_parser *parser, struct hx_step *step)
{
	if (hx_accept_word(parser, HX_K_EVERY))
		step->every = hx_parse_expr(parser);
}

static void parse_pieces(struct hx_parser *parser, struct hx_step *step)
{
	hx_expect_word(parser, HX_K_PIECES);
	hx_expect_word(parser, HX_K_OF);
	step->pieces = hx_parse_expr(parser);
	parse_every(parser, step);
}

static void parse_cut(struct hx_parser *parser, struct hx_step *step)
{
	hx_expect_word(parser, HX_K_AT);
	step->cut = hx_parse_expr(parser);
	parse_every(parser, step);
}

static void parse_send(struct hx_parser *parser, struct hx_step *step)
{
	step->op = HX_SEND;
	if (hx_accept_word(parser, HX_K_BATCH)) {
		parse_batch(parser, step);
		return;
	}
	step->outgoing = hx_parse_outgoing(parser);
	if (hx_accept_word(parser, HX_K_ONCE))
		step->once = true;
	if (hx_accept_word(parser, HX_K_IN))
		parse_pieces(parser, step);
	else if (hx_accept_word(parser, HX_K_CUT))
		parse_cut(parser, step);
}

/* ---- expecting ------------------------------------------------------------------------------ */

/* [within D] [RULE in brackets] */
static void parse_judgement(struct hx_parser *parser, struct hx_step *step)
{
	if (hx_accept_word(parser, HX_K_WITHIN))
		step->within = hx_parse_expr(parser);
	if (hx_accept_sign(parser, '[')) {
		step->rule = hx_parse_rule(parser);
		hx_expect_sign(parser, ']');
	}
}

/* Behind `the`: same [N times] [every D] */
static void parse_same(struct hx_parser *parser, struct hx_step *step)
{
	step->op = HX_SAME;
	hx_expect_word(parser, HX_K_SAME);
	if (!parser->failed && hx_starts_expr(parser)) {
		step->count = hx_parse_expr(parser);
		hx_expect_word(parser, HX_K_TIMES);
	}
	parse_every(parser, step);
}

static void parse_expectation(struct hx_parser *parser, struct hx_step *step)
{
	step->op = HX_EXPECT;
	if (hx_accept_word(parser, HX_K_END))
		step->op = HX_END;
	else if (hx_accept_word(parser, HX_K_THE))
		parse_same(parser, step);
	else
		step->patterns = hx_parse_patterns(parser);
	parse_judgement(parser, step);
}

/* ---- what clients do ------------------------------------------------------------------------ */

static void parse_nothing(struct hx_parser *parser, struct hx_step *step)
{
	if (hx_accept_word(parser, HX_K_FOR))
		step->duration = hx_parse_expr(parser);
	parse_judgement(parser, step);
	if (step->within)
		hx_fail(parser, step->within->place, "expected `for` with the time that nothing may come in, not `within`");
}

static void parse_may_get(struct hx_parser *parser, struct hx_step *step)
{
	if (hx_accept_word(parser, HX_K_THE)) {
		hx_expect_word(parser, HX_K_SAME);
		step->op = HX_MAYBE_SAME;
		return;
	}
	step->patterns = hx_parse_patterns(parser);
}

int hx_parse_transport(struct hx_parser *parser)
{
	if (hx_accept_word(parser, HX_K_UDP))
		return C2W_ON_UDP;
	if (hx_accept_word(parser, HX_K_TCP))
		return C2W_ON_TCP;
	hx_fail_expected(parser, "udp or tcp");
	return -1;
}

static void parse_opens(struct hx_parser *parser, struct hx_step *step)
{
	if (hx_accept_word(parser, HX_K_OVER))
		step->transport = hx_parse_transport(parser);
}

struct verb {
	enum hx_keyword one, all;   /* alice gets, all get */
	enum hx_keyword object;     /* the word that must follow; HX_K_NONE: none */
	enum hx_op op;
	void (*rest)(struct hx_parser *parser, struct hx_step *step);
};

static const struct verb verbs[] = {
	{ HX_K_GETS, HX_K_GET, HX_K_NOTHING, HX_SILENCE, parse_nothing },
	{ HX_K_MAY, HX_K_MAY, HX_K_GET, HX_MAYBE, parse_may_get },
	{ HX_K_HOLDS, HX_K_HOLD, HX_K_ACKS, HX_HOLD_ACKS, NULL },
	{ HX_K_RESUMES, HX_K_RESUME, HX_K_ACKS, HX_RESUME_ACKS, NULL },
	{ HX_K_OPENS, HX_K_OPEN, HX_K_NONE, HX_OPEN, parse_opens },
	{ HX_K_CLOSES, HX_K_CLOSE, HX_K_NONE, HX_CLOSE, NULL },
	{ HX_K_HALF_CLOSES, HX_K_HALF_CLOSE, HX_K_NONE, HX_SHUTDOWN, NULL },
	{ HX_K_RESETS, HX_K_RESET, HX_K_NONE, HX_RESET, NULL },
	{ HX_K_STOPS, HX_K_STOP, HX_K_READING, HX_STOP_READING, NULL },
	{ HX_K_READS, HX_K_READ, HX_K_AGAIN, HX_READ_AGAIN, NULL },
};

static const struct verb *find_verb(enum hx_keyword keyword, bool all)
{
	for (size_t i = 0; keyword != HX_K_NONE && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (keyword == (all ? verbs[i].all : verbs[i].one))
			return &verbs[i];
	return NULL;
}

bool hx_is_verb(enum hx_keyword keyword)
{
	return find_verb(keyword, false) || find_verb(keyword, true);
}

static void parse_verb(struct hx_parser *parser, struct hx_step *step, const struct verb *verb)
{
	step->op = verb->op;
	hx_advance(parser);
	if (verb->object != HX_K_NONE)
		hx_expect_word(parser, verb->object);
	if (verb->rest && !parser->failed)
		verb->rest(parser, step);
}

/* ---- calls of exchanges --------------------------------------------------------------------- */

/* The words, and $ for each argument; `all connect` stands for `connects`. */
static void parse_arguments(struct hx_parser *parser, struct hx_step *step, struct hx_words *key)
{
	const struct hx_expr *values[HX_MAX_ARGUMENTS] = { step->who };
	unsigned count = 1;

	while (!parser->failed && !hx_at_line_end(parser)) {
		if (!hx_starts_expr(parser) && parser->token.kind == HX_T_WORD) {
			hx_add_word(parser, key, "", parser->token.text, parser->all && key->length == 0 ? "s" : "");
			hx_advance(parser);
		} else if (count == HX_MAX_ARGUMENTS) {
			hx_fail(parser, parser->token.place, "more than %d arguments", HX_MAX_ARGUMENTS);
		} else {
			hx_add_word(parser, key, "$", C2W_STR(""), "");
			values[count++] = hx_parse_expr(parser);
		}
	}
	step->values = keep_values(parser, values, count);
	step->value_count = count;
}

static void parse_call(struct hx_parser *parser, struct hx_step *step)
{
	struct hx_definition *called = hx_alloc(parser->arena, sizeof(*called));
	struct hx_words key = { .length = 0 };

	step->op = HX_CALL;
	step->exchange = &called->exchange;
	called->exchange.place = parser->token.place;
	parse_arguments(parser, step, &key);
	called->key = hx_copy(parser->arena, key.text, key.length);
}

/* ---- control -------------------------------------------------------------------------------- */

static void parse_wait(struct hx_parser *parser, struct hx_step *step)
{
	step->duration = hx_parse_expr(parser);
}

/* The value is read before the name is known: it cannot speak of itself. */
static void parse_let(struct hx_parser *parser, struct hx_step *step)
{
	const struct hx_expr *value;
	unsigned names = parser->name_count;

	step->variable = hx_declare(parser, true);
	if (parser->failed)
		return;
	hx_expect_sign(parser, '=');
	parser->name_count = names;
	value = hx_parse_expr(parser);
	parser->name_count = names + 1;
	step->values = keep_values(parser, &value, 1);
	step->value_count = 1;
}

static void parse_repeat(struct hx_parser *parser, struct hx_step *step)
{
	unsigned names = parser->name_count;

	step->count = hx_parse_expr(parser);
	if (hx_accept_word(parser, HX_K_AS))
		step->variable = hx_declare(parser, false);
	step->body = hx_parse_block(parser, true);
	hx_forget_names(parser, names);
}

static void parse_values(struct hx_parser *parser, struct hx_step *step)
{
	const struct hx_expr *values[HX_MAX_VALUES];
	unsigned count = 0;

	do {
		if (count == HX_MAX_VALUES)
			hx_fail(parser, parser->token.place, "more than %d values", HX_MAX_VALUES);
		else
			values[count++] = hx_parse_expr(parser);
	} while (hx_accept_sign(parser, ','));
	step->values = keep_values(parser, values, count);
	step->value_count = count;
}

static void parse_for(struct hx_parser *parser, struct hx_step *step)
{
	unsigned names = parser->name_count;
	int slot = hx_declare(parser, false);

	step->variable = slot;
	hx_expect_word(parser, HX_K_IN);
	parser->name_count = names;
	parse_values(parser, step);
	if (slot >= 0)
		parser->name_count = names + 1;
	step->body = hx_parse_block(parser, true);
	hx_forget_names(parser, names);
}

static void parse_together(struct hx_parser *parser, struct hx_step *step)
{
	step->body = hx_parse_block(parser, false);
}

struct control {
	enum hx_keyword keyword;
	enum hx_op op;
	void (*rest)(struct hx_parser *parser, struct hx_step *step);
};

static const struct control controls[] = {
	{ HX_K_WAIT, HX_WAIT, parse_wait },
	{ HX_K_LET, HX_LET, parse_let },
	{ HX_K_REPEAT, HX_REPEAT, parse_repeat },
	{ HX_K_FOR, HX_FOR, parse_for },
	{ HX_K_TOGETHER, HX_TOGETHER, parse_together },
};

static const struct control *find_control(const struct hx_parser *parser)
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		if (hx_is_word(parser, controls[i].keyword))
			return &controls[i];
	return NULL;
}

/* ---- a step --------------------------------------------------------------------------------- */

static void parse_who(struct hx_parser *parser, struct hx_step *step)
{
	if (!hx_is_word(parser, HX_K_ALL)) {
		step->who = hx_parse_client(parser);
		return;
	}
	if (!parser->scenario)
		hx_fail(parser, parser->token.place, "an exchange does not know the cast; it has parameters");
	parser->all = true;
	hx_advance(parser);
}

static void parse_client_step(struct hx_parser *parser, struct hx_step *step)
{
	const struct verb *verb;

	parse_who(parser, step);
	verb = find_verb(parser->token.kind == HX_T_WORD ? parser->token.keyword : HX_K_NONE, parser->all);
	if (hx_accept_sign(parser, '>'))
		parse_send(parser, step);
	else if (hx_accept_sign(parser, '<'))
		parse_expectation(parser, step);
	else if (!parser->failed && verb)
		parse_verb(parser, step, verb);
	else if (!parser->failed && parser->token.kind == HX_T_WORD)
		parse_call(parser, step);
	else
		hx_fail_expected(parser, "> to send, < to expect, or what the client does");
}

/* What stands above the first step, and nowhere else. */
static bool is_heading(const struct hx_parser *parser)
{
	static const enum hx_keyword headings[] = { HX_K_SCENARIO, HX_K_EXCHANGE, HX_K_PROVES, HX_K_NEEDS,
	                                            HX_K_OVER,     HX_K_CAST,     HX_K_ALONE,  HX_K_LIMIT };

	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		if (hx_is_word(parser, headings[i]))
			return true;
	return false;
}

static void fail_start(struct hx_parser *parser)
{
	struct hx_guess guess = hx_guess_at(parser->token.text);

	if (is_heading(parser)) {
		hx_fail(parser, parser->token.place, "`%s` stands above the first step; a file has one scenario", hx_token_name(parser));
		return;
	}
	if (parser->token.kind != HX_T_WORD || parser->token.keyword != HX_K_NONE || !parser->scenario) {
		hx_fail_expected(parser, "a step: a client, or wait, let, repeat, for, together");
		return;
	}
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		hx_guess_offer(&guess, hx_keyword_text(controls[i].keyword));
	for (unsigned i = 0; i < parser->scenario->cast_count; i++)
		hx_guess_offer(&guess, parser->scenario->cast[i].name);
	hx_fail(parser, parser->token.place, "unknown client or step %s%s", hx_token_name(parser),
	        hx_guess_text(parser->arena, &guess));
}

static void parse_step(struct hx_parser *parser, struct steps *steps)
{
	const struct control *control = find_control(parser);
	struct hx_step *step = new_step(parser, HX_WAIT);
	bool client = parser->token.kind == HX_T_VARIABLE || hx_is_word(parser, HX_K_ALL)
	              || (parser->token.kind == HX_T_WORD && hx_find_member(parser, parser->token.text) >= 0);

	parser->all = false;
	if (control) {
		step->op = control->op;
		hx_advance(parser);
		control->rest(parser, step);
		append(parser, steps, step);
	} else if (client) {
		parse_client_step(parser, step);
		append_for_everybody(parser, steps, step);
	} else {
		fail_start(parser);
	}
	hx_end_line(parser);
}

const struct hx_step *hx_parse_steps(struct hx_parser *parser)
{
	struct steps steps = { .tail = &steps.first };

	hx_skip_empty_lines(parser);
	while (parser->token.kind != HX_T_END && !hx_is_sign(parser, '}')) {
		parse_step(parser, &steps);
		hx_skip_empty_lines(parser);
	}
	return steps.first;
}
