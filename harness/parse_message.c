/* Messages of the scenario language: what a client sends, what it expects, and the rule that an expectation proves.
 * Called by the parser's other files only (parser.h). The tree lives in the arena. */
#include "harness/parser.h"

/* ---- commands ------------------------------------------------------------------------------- */

static enum c2w_command find_command(struct c2w_str text)
{
	for (int c = C2W_NO_COMMAND + 1; c < C2W_COMMANDS; c++)
		if (c2w_str_equal(text, c2w_str_of(c2w_command_info((enum c2w_command)c)->name)))
			return (enum c2w_command)c;
	return C2W_NO_COMMAND;
}

static void fail_command(struct hx_parser *parser)
{
	const struct hx_token *token = &parser->token;
	struct hx_guess guess = hx_guess_at(token->text);
	unsigned code;
	enum c2w_command command;

	if (token->kind != HX_T_WORD || token->keyword != HX_K_NONE) {
		hx_fail_expected(parser, "a command of the protocol");
		return;
	}
	command = c2w_command_find(token->text, &code);
	if (command != C2W_NO_COMMAND) {
		hx_fail(parser, token->place, "expected the code behind the command: %s %u, or its name: %s name-taken",
		        c2w_command_info(command)->name, code, c2w_command_info(command)->name);
		return;
	}
	for (int c = C2W_NO_COMMAND + 1; c < C2W_COMMANDS; c++)
		hx_guess_offer(&guess, c2w_command_info((enum c2w_command)c)->name);
	hx_fail(parser, token->place, "unknown command \"%s\"; expected a command of the protocol%s", hx_token_name(parser),
	        hx_guess_text(parser->arena, &guess));
}

static enum c2w_command parse_command(struct hx_parser *parser)
{
	enum c2w_command command = parser->token.kind == HX_T_WORD ? find_command(parser->token.text) : C2W_NO_COMMAND;

	if (parser->failed)
		return C2W_NO_COMMAND;
	if (command == C2W_NO_COMMAND)
		fail_command(parser);
	else
		hx_advance(parser);
	return command;
}

/* ---- fields --------------------------------------------------------------------------------- */

/* One of time, user and data, each at most once. */
static void parse_field(struct hx_parser *parser, const struct hx_expr **field, const char *name)
{
	if (*field)
		hx_fail(parser, parser->token.place, "%s is given twice", name);
	else
		*field = hx_parse_expr(parser);
}

/* time "7.50" is a field, time(alice) an expression. */
static bool accept_field(struct hx_parser *parser, enum hx_keyword keyword)
{
	return !parser->token.calls && hx_accept_word(parser, keyword);
}

/* ---- sent ----------------------------------------------------------------------------------- */

static bool parse_outgoing_field(struct hx_parser *parser, struct hx_outgoing *outgoing)
{
	if (accept_field(parser, HX_K_TIME))
		parse_field(parser, &outgoing->time, "time");
	else if (accept_field(parser, HX_K_USER))
		parse_field(parser, &outgoing->user, "user");
	else if (accept_field(parser, HX_K_DATA) || (!parser->failed && hx_starts_expr(parser)))
		parse_field(parser, &outgoing->data, "data");
	else
		return false;
	return true;
}

static unsigned power_of_ten(unsigned digits)
{
	return digits == 0 ? 1 : 10 * power_of_ten(digits - 1);
}

/* A code that fits the grammar of its command: XXXX or X. */
static unsigned parse_number_code(struct hx_parser *parser, const struct c2w_command_info *info)
{
	double number = parser->token.number;

	if (parser->token.kind != HX_T_NUMBER || number < 0 || number >= power_of_ten(info->digits)
	    || number > (double)(unsigned)number) {
		hx_fail(parser, parser->token.place, "expected the code of %s: a number of at most %u digit%s", info->name,
		        info->digits, info->digits == 1 ? "" : "s");
		return 0;
	}
	hx_advance(parser);
	return (unsigned)number;
}

static void parse_outgoing_command(struct hx_parser *parser, struct hx_outgoing *outgoing)
{
	if (hx_accept_word(parser, HX_K_COMMAND)) {
		outgoing->command_text = hx_parse_expr(parser);
	} else {
		const struct c2w_command_info *info;

		outgoing->command = parse_command(parser);
		if (parser->failed)
			return;
		info = c2w_command_info(outgoing->command);
		if (info->digits > 0)
			outgoing->code = parse_number_code(parser, info);
	}
	while (parse_outgoing_field(parser, outgoing))
		;
}

const struct hx_outgoing *hx_parse_outgoing(struct hx_parser *parser)
{
	struct hx_outgoing *outgoing = hx_alloc(parser->arena, sizeof(*outgoing));

	outgoing->place = parser->token.place;
	if (hx_accept_word(parser, HX_K_OCTETS)) {
		outgoing->kind = HX_SEND_OCTETS;
		outgoing->octets = hx_parse_expr(parser);
	} else if (hx_accept_word(parser, HX_K_THE)) {
		outgoing->kind = HX_SEND_SAME;
		hx_expect_word(parser, HX_K_SAME);
	} else {
		outgoing->kind = HX_SEND_MESSAGE;
		parse_outgoing_command(parser, outgoing);
	}
	return outgoing;
}

/* ---- expected ------------------------------------------------------------------------------- */

static struct hx_listing *parse_entry(struct hx_parser *parser, bool negated)
{
	struct hx_listing *listing = hx_alloc(parser->arena, sizeof(*listing));

	listing->negated = negated;
	listing->entry = hx_parse_expr(parser);
	if (hx_accept_word(parser, HX_K_IN))
		listing->room = hx_parse_expr(parser);
	return listing;
}

/* [not] listing ENTRY {, [[not] listing] ENTRY} */
static void parse_listing(struct hx_parser *parser, struct hx_pattern *pattern)
{
	const struct hx_listing **tail = &pattern->listing;
	bool negated = false;

	if (pattern->listing)
		hx_fail(parser, parser->token.place, "listing is given twice; further entries go behind a comma");
	do {
		struct hx_listing *listing;

		if (hx_accept_word(parser, HX_K_NOT)) {
			negated = true;
			hx_expect_word(parser, HX_K_LISTING);
		} else if (hx_accept_word(parser, HX_K_LISTING)) {
			negated = false;
		}
		listing = parse_entry(parser, negated);
		*tail = listing;
		tail = &listing->next;
	} while (hx_accept_sign(parser, ','));
}

static void parse_capture(struct hx_parser *parser, struct hx_pattern *pattern)
{
	if (pattern->capture >= 0)
		hx_fail(parser, parser->token.place, "as is given twice");
	else if (parser->token.kind != HX_T_VARIABLE)
		hx_fail_expected(parser, "a name with its $: as $titles");
	else
		pattern->capture = hx_declare(parser, true);
}

static void parse_pattern_data(struct hx_parser *parser, struct hx_pattern *pattern)
{
	if (pattern->data_any)
		hx_fail(parser, parser->token.place, "data is given twice");
	else if (!pattern->data && hx_accept_word(parser, HX_K_ANY))
		pattern->data_any = true;
	else
		parse_field(parser, &pattern->data, "data");
}

static bool parse_pattern_field(struct hx_parser *parser, struct hx_pattern *pattern)
{
	if (hx_accept_word(parser, HX_K_BY)) {
		if (pattern->by)
			hx_fail(parser, parser->token.place, "by is given twice");
		pattern->by = hx_parse_client(parser);
	} else if (accept_field(parser, HX_K_TIME)) {
		parse_field(parser, &pattern->time, "time");
	} else if (accept_field(parser, HX_K_USER)) {
		parse_field(parser, &pattern->user, "user");
	} else if (hx_is_word(parser, HX_K_LISTING) || hx_is_word(parser, HX_K_NOT)) {
		parse_listing(parser, pattern);
	} else if (hx_accept_word(parser, HX_K_AS)) {
		parse_capture(parser, pattern);
	} else if (accept_field(parser, HX_K_DATA) || hx_starts_expr(parser)) {
		parse_pattern_data(parser, pattern);
	} else {
		return false;
	}
	return !parser->failed;
}

static void fail_code(struct hx_parser *parser)
{
	struct hx_guess guess = hx_guess_at(parser->token.text);

	for (int i = 0; i < C2W_PARAMS; i++)
		if (c2w_param_info((enum c2w_param)i)->kind == C2W_PARAM_CODE)
			hx_guess_offer(&guess, c2w_param_info((enum c2w_param)i)->name);
	hx_fail(parser, parser->token.place, "unknown code %s%s", hx_token_name(parser), hx_guess_text(parser->arena, &guess));
}

/* name-taken, $name-taken, 1001, or nothing: any. */
static const struct hx_expr *parse_code(struct hx_parser *parser, const struct c2w_command_info *info)
{
	const struct hx_token *token = &parser->token;
	int param = c2w_param_find(token->text);
	bool word = token->kind == HX_T_WORD && token->keyword == HX_K_NONE && !hx_starts_expr(parser);
	struct hx_expr *code = hx_new_expr(parser, HX_PARAMETER, HX_NUMBER);

	if (token->kind == HX_T_NUMBER) {
		code->kind = HX_LITERAL_NUMBER;
		code->number = parse_number_code(parser, info);
		return code;
	}
	if (token->kind == HX_T_VARIABLE && param >= 0 && c2w_param_info((enum c2w_param)param)->kind == C2W_PARAM_CODE)
		word = true;
	if (!word)
		return NULL;
	if (param < 0) {
		fail_code(parser);
		return NULL;
	}
	code->index = (unsigned)param;
	hx_advance(parser);
	return code;
}

static struct hx_pattern *parse_pattern(struct hx_parser *parser)
{
	struct hx_pattern *pattern = hx_alloc(parser->arena, sizeof(*pattern));

	pattern->place = parser->token.place;
	pattern->capture = -1;
	pattern->command = parse_command(parser);
	if (parser->failed)
		return pattern;
	if (c2w_command_info(pattern->command)->digits > 0)
		pattern->code = parse_code(parser, c2w_command_info(pattern->command));
	while (!parser->failed && parse_pattern_field(parser, pattern))
		;
	return pattern;
}

const struct hx_pattern *hx_parse_patterns(struct hx_parser *parser)
{
	struct hx_pattern *first = parse_pattern(parser), *last = first;

	while (hx_accept_word(parser, HX_K_OR)) {
		struct hx_pattern *next = parse_pattern(parser);

		last->next = next;
		last = next;
	}
	return first;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void fail_rule(struct hx_parser *parser)
{
	struct hx_guess guess = hx_guess_at(parser->token.text);

	if (parser->token.kind != HX_T_WORD || parser->token.keyword != HX_K_NONE) {
		hx_fail_expected(parser, "a rule as MSG-01");
		return;
	}
	for (int r = C2W_NO_RULE + 1; r < C2W_RULES; r++)
		hx_guess_offer(&guess, c2w_rule_info((enum c2w_rule)r)->id);
	hx_fail(parser, parser->token.place, "unknown rule %s; expected one of the protocol%s", hx_token_name(parser),
	        hx_guess_text(parser->arena, &guess));
}

enum c2w_rule hx_parse_rule(struct hx_parser *parser)
{
	enum c2w_rule rule = parser->token.kind == HX_T_WORD ? c2w_rule_find(parser->token.text) : C2W_NO_RULE;
	const struct c2w_rule_info *info;

	if (parser->failed)
		return C2W_NO_RULE;
	if (rule == C2W_NO_RULE) {
		fail_rule(parser);
		return C2W_NO_RULE;
	}
	info = c2w_rule_info(rule);
	if (info->binds == C2W_BINDS_CLIENT)
		hx_fail(parser, parser->token.place, "%s binds clients; a scenario judges servers", info->id);
	else if (info->unseen)
		hx_fail(parser, parser->token.place, "%s cannot be proved: %s", info->id, info->unseen);
	hx_advance(parser);
	return rule;
}
