/* Scenario files: exchanges, and what stands above a scenario's steps. See parse.h.
 * Called by suite.c and tests. The tree lives in the arena and points into the source.
 * Steps, messages and expressions have files of their own. */
#include "harness/parser.h"

/* ---- what stands above the steps ------------------------------------------------------------- */

struct heading {
	struct hx_parser *parser;
	struct hx_script *script;
	struct hx_scenario *scenario;
	unsigned seen;             /* a bit for each line of headings[] */
	struct hx_place place;     /* of the present line */
	bool mixed;                /* the cast names its transports */
};

static void parse_proves(struct heading *heading)
{
	struct hx_parser *parser = heading->parser;
	struct hx_scenario *scenario = heading->scenario;
	enum c2w_rule *rules = hx_alloc(parser->arena, C2W_RULES * sizeof(*rules));
	struct hx_place *places = hx_alloc(parser->arena, C2W_RULES * sizeof(*places));

	scenario->proves = rules;
	heading->script->proves_places = places;
	do {
		struct hx_place place = parser->token.place;
		enum c2w_rule rule = hx_parse_rule(parser);

		for (unsigned i = 0; i < scenario->proves_count; i++)
			if (rules[i] == rule)
				hx_fail(parser, place, "%s is named twice", c2w_rule_info(rule)->id);
		if (parser->failed)
			return;
		places[scenario->proves_count] = place;
		rules[scenario->proves_count++] = rule;
	} while (!hx_at_line_end(parser));
}

static void expect_at_least(struct hx_parser *parser)
{
	if (parser->token.kind == HX_T_AT_LEAST)
		hx_advance(parser);
	else
		hx_fail_expected(parser, ">=");
}

static void parse_movies(struct heading *heading)
{
	struct hx_parser *parser = heading->parser;
	const struct hx_token *token = &parser->token;

	expect_at_least(parser);
	if (token->kind != HX_T_NUMBER || token->number < 1 || token->number > 1000 || memchr(token->text.at, '.', token->text.length)) {
		hx_fail_expected(parser, "a number of movies from 1 to 1000");
		return;
	}
	heading->scenario->needs.movies = (unsigned)token->number;
	hx_advance(parser);
}

static void parse_bound(struct heading *heading)
{
	struct hx_parser *parser = heading->parser;
	struct hx_bound *bound = hx_alloc(parser->arena, sizeof(*bound));

	bound->more = hx_parse_expr(parser);
	expect_at_least(parser);
	bound->less = hx_parse_expr(parser);
	bound->next = heading->scenario->needs.bounds;
	heading->scenario->needs.bounds = bound;
}

static void parse_needs(struct heading *heading)
{
	struct hx_parser *parser = heading->parser;
	struct hx_needs *needs = &heading->scenario->needs;

	do {
		if (hx_accept_word(parser, HX_K_MOVIES))
			parse_movies(heading);
		else if (hx_accept_word(parser, HX_K_CAPACITY))
			needs->capacity = true;
		else if (hx_accept_word(parser, HX_K_ROOM_CAPACITY))
			needs->room_capacity = true;
		else if (hx_accept_word(parser, HX_K_BOTH))
			needs->both = true;
		else if (hx_accept_word(parser, HX_K_LOAD))
			needs->load = true;
		else if (hx_starts_expr(parser))
			parse_bound(heading);
		else
			hx_fail_expected(parser, "movies >= N, $PARAMETER >= N, capacity, room-capacity, both or load");
	} while (hx_accept_sign(parser, ','));
}

static void parse_over(struct heading *heading)
{
	int transport = hx_parse_transport(heading->parser);

	if (transport >= 0)
		heading->scenario->over = (unsigned)transport;
}

/* ---- the cast ------------------------------------------------------------------------------- */

/* Why the word at the cursor should not be a client's name; NULL if it may. */
static const char *member_refused(const struct hx_token *token)
{
	if (token->keyword != HX_K_NONE)
		return "is a word of the language";
	if (token->text.length > 12)
		return "cannot be a client: a name is 1 to 12 of a-z and digits, a letter first";
	for (size_t i = 0; i < token->text.length; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789", token->text.at[i]))
			return "cannot be a client: a name is 1 to 12 of a-z and digits, a letter first";
	return NULL;
}

/* A name that is refused joins the cast all the same: the steps that use it are no further errors. */
static void parse_member_name(struct hx_parser *parser)
{
	const struct hx_token *token = &parser->token;
	struct hx_scenario *scenario = parser->scenario;
	const char *refused;

	if (token->kind != HX_T_WORD) {
		hx_fail_expected(parser, "a client's name");
	} else if (hx_find_member(parser, token->text) >= 0) {
		hx_fail(parser, token->place, "%s is in the cast already", hx_token_name(parser));
	} else if (scenario->cast_count == HX_MAX_CAST) {
		hx_fail(parser, token->place, "a cast has at most %d members", HX_MAX_CAST);
	} else {
		refused = member_refused(token);
		if (refused)
			hx_complain(parser->complaints, token->place, "%s %s", hx_token_name(parser), refused);
		scenario->cast[scenario->cast_count++] = (struct hx_member){ hx_copy(parser->arena, token->text.at, token->text.length), -1 };
		hx_advance(parser);
	}
}

static void parse_member(struct heading *heading)
{
	struct hx_parser *parser = heading->parser;
	struct hx_scenario *scenario = heading->scenario;
	bool first = scenario->cast_count == 0, over;
	struct hx_place place = parser->token.place;

	parse_member_name(parser);
	over = hx_accept_word(parser, HX_K_OVER);
	if (over)
		scenario->cast[scenario->cast_count - 1].transport = hx_parse_transport(parser);
	if (!first && heading->mixed != over)
		hx_fail(parser, place, "expected `over` behind every member of the cast, or behind none");
	heading->mixed = over;
}

static void parse_cast(struct heading *heading)
{
	struct hx_parser *parser = heading->parser;

	heading->script->cast_place = heading->place;
	heading->scenario->cast = hx_alloc(parser->arena, HX_MAX_CAST * sizeof(struct hx_member));
	do {
		parse_member(heading);
		hx_accept_sign(parser, ',');
	} while (!parser->failed && !hx_at_line_end(parser));
}

static void parse_alone(struct heading *heading)
{
	heading->scenario->alone = true;
}

static void parse_limit(struct heading *heading)
{
	const struct hx_token *token = &heading->parser->token;

	if (token->kind != HX_T_DURATION || token->number < 1) {
		hx_fail_expected(heading->parser, "a duration as 90s");
		return;
	}
	heading->scenario->limit = (int64_t)token->number;
	hx_advance(heading->parser);
}

static const struct {
	enum hx_keyword keyword;
	void (*parse)(struct heading *heading);
} headings[] = {
	{ HX_K_PROVES, parse_proves }, { HX_K_NEEDS, parse_needs }, { HX_K_OVER, parse_over },
	{ HX_K_CAST, parse_cast },     { HX_K_ALONE, parse_alone }, { HX_K_LIMIT, parse_limit },
};

/* One line above the steps; false: none. */
static bool parse_heading(struct heading *heading)
{
	struct hx_parser *parser = heading->parser;

	heading->place = parser->token.place;
	for (unsigned i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
		if (!hx_accept_word(parser, headings[i].keyword))
			continue;
		if (heading->seen & 1u << i)
			hx_fail(parser, heading->place, "a second `%s` line", hx_keyword_text(headings[i].keyword));
		else
			headings[i].parse(heading);
		heading->seen |= 1u << i;
		hx_end_line(parser);
		hx_skip_empty_lines(parser);
		return true;
	}
	return false;
}

/* ---- the scenario --------------------------------------------------------------------------- */

static void settle_transports(struct heading *heading)
{
	struct hx_scenario *scenario = heading->scenario;
	struct hx_complaints *complaints = heading->parser->complaints;
	unsigned both = 0;

	for (unsigned i = 0; heading->mixed && i < scenario->cast_count; i++)
		both |= (unsigned)scenario->cast[i].transport;
	if (heading->mixed && scenario->over)
		hx_complain(complaints, heading->script->cast_place, "the cast names its transports; `over` names another time");
	else if (heading->mixed && both != C2W_ON_BOTH)
		hx_complain(complaints, heading->script->cast_place, "everybody is over %s; write it once: over %s",
		            both == C2W_ON_UDP ? "udp" : "tcp", both == C2W_ON_UDP ? "udp" : "tcp");
	else if (heading->mixed)
		scenario->needs.both = true;
	else if (!scenario->over)
		scenario->over = C2W_ON_BOTH;
}

static void complain_of_headings(struct heading *heading)
{
	struct hx_complaints *complaints = heading->parser->complaints;
	struct hx_place place = { heading->script->source->file, heading->scenario->line, 1 };

	if (!heading->scenario->proves)
		hx_complain(complaints, place, "this scenario proves nothing; expected a line `proves MSG-01`");
	if (!heading->scenario->cast)
		hx_complain(complaints, place, "this scenario has no cast; expected a line `cast alice bob`");
}

static struct hx_scenario *new_scenario(struct hx_parser *parser, const struct hx_source *source)
{
	struct hx_scenario *scenario = hx_alloc(parser->arena, sizeof(*scenario));

	scenario->file = source->file;
	scenario->line = parser->token.place.line;
	scenario->lines = source->lines;
	scenario->line_count = source->line_count;
	return scenario;
}

static void parse_title(struct hx_parser *parser, struct hx_scenario *scenario)
{
	struct c2w_str title = parser->token.octets;

	if (parser->token.kind != HX_T_OCTETS || title.length == 0 || !c2w_utf8_valid(title) || memchr(title.at, '\0', title.length)) {
		hx_fail_expected(parser, "the scenario's title in quotes: what a right server does");
		return;
	}
	scenario->title = hx_copy(parser->arena, title.at, title.length);
	hx_advance(parser);
}

/* What is left behind the steps: a } too many. */
static void finish_file(struct hx_parser *parser)
{
	while (parser->token.kind != HX_T_END) {
		hx_fail(parser, parser->token.place, "this } closes nothing");
		hx_advance(parser);
		hx_end_line(parser);
		hx_parse_steps(parser);
	}
}

static void parse_scenario(struct hx_parser *parser, struct hx_script *script)
{
	struct hx_scenario *scenario = new_scenario(parser, script->source);
	struct heading heading = { .parser = parser, .script = script, .scenario = scenario };
	struct hx_place place = parser->token.place;

	script->scenario = scenario;
	parser->scenario = scenario;
	parser->slots = 0;
	hx_advance(parser);
	parse_title(parser, scenario);
	hx_end_line(parser);
	hx_skip_empty_lines(parser);
	while (parse_heading(&heading))
		;
	settle_transports(&heading);
	complain_of_headings(&heading);
	while (!scenario->cast && parser->token.kind != HX_T_END)
		hx_advance(parser); /* without a cast every step would be an error */
	scenario->steps = hx_parse_steps(parser);
	finish_file(parser);
	if (!scenario->steps && script->source->complaints == 0)
		hx_complain(parser->complaints, place, "this scenario has no steps");
	hx_forget_names(parser, 0);
	scenario->variable_count = parser->slots;
}

/* ---- exchanges ------------------------------------------------------------------------------ */

static void parse_first_word(struct hx_parser *parser)
{
	if (parser->token.kind != HX_T_WORD)
		hx_fail_expected(parser, "what $who does: a word");
	else if (hx_is_verb(parser->token.keyword))
		hx_fail(parser, parser->token.place, "`%s` is what every client can do already", hx_token_name(parser));
}

/* $who enters $movie: pattern is as written, key is "enters $". */
struct signature {
	struct hx_words pattern, key;
	unsigned parameters;
};

static void parse_parameter(struct hx_parser *parser, struct signature *signature)
{
	hx_add_word(parser, &signature->pattern, "$", parser->token.text, "");
	if (signature->parameters > 0)
		hx_add_word(parser, &signature->key, "$", C2W_STR(""), "");
	if (signature->parameters++ == HX_MAX_ARGUMENTS)
		hx_fail(parser, parser->token.place, "more than %d parameters", HX_MAX_ARGUMENTS);
	hx_declare(parser, false);
}

static void parse_signature_word(struct hx_parser *parser, struct signature *signature)
{
	if (parser->token.kind != HX_T_WORD || hx_starts_expr(parser))
		hx_fail_expected(parser, "a word, a $parameter or {");
	hx_add_word(parser, &signature->pattern, "", parser->token.text, "");
	hx_add_word(parser, &signature->key, "", parser->token.text, "");
	hx_advance(parser);
}

static void parse_signature(struct hx_parser *parser, struct hx_definition *definition)
{
	struct signature signature = { .parameters = 0 };

	if (parser->token.kind == HX_T_VARIABLE)
		parse_parameter(parser, &signature);
	else
		hx_fail_expected(parser, "who does it: $who");
	parse_first_word(parser);
	while (!parser->failed && !hx_is_sign(parser, '{')) {
		if (parser->token.kind == HX_T_VARIABLE)
			parse_parameter(parser, &signature);
		else
			parse_signature_word(parser, &signature);
	}
	definition->exchange.parameter_count = signature.parameters;
	definition->exchange.pattern = hx_copy(parser->arena, signature.pattern.text, signature.pattern.length);
	definition->key = hx_copy(parser->arena, signature.key.text, signature.key.length);
}

static struct hx_definition *parse_exchange(struct hx_parser *parser)
{
	struct hx_definition *definition = hx_alloc(parser->arena, sizeof(*definition));

	if (++parser->exchanges > HX_MAX_EXCHANGES)
		hx_fail(parser, parser->token.place, "more than %d exchanges in a file", HX_MAX_EXCHANGES);
	hx_advance(parser);
	definition->exchange.place = parser->token.place;
	parser->scenario = NULL;
	parser->slots = 0;
	parse_signature(parser, definition);
	definition->exchange.body = hx_parse_block(parser, true);
	definition->exchange.variable_count = parser->slots;
	if (parser->failed)
		definition = NULL;
	hx_end_line(parser);
	hx_forget_names(parser, 0);
	return definition;
}

/* ---- files ---------------------------------------------------------------------------------- */

struct hx_script *hx_parse(struct hx_arena *arena, struct hx_complaints *complaints, struct hx_source *source, bool library)
{
	struct hx_script *script = hx_alloc(arena, sizeof(*script));
	struct hx_definition **tail = &script->definitions;
	struct hx_parser parser = { .arena = arena, .complaints = complaints };

	script->source = source;
	hx_lexer_init(&parser.lexer, arena, complaints, source);
	hx_advance(&parser);
	hx_skip_empty_lines(&parser);
	while (parser.token.kind != HX_T_END) {
		if (hx_is_word(&parser, HX_K_EXCHANGE)) {
			*tail = parse_exchange(&parser);
			tail = *tail ? &(*tail)->next : tail;
		} else if (hx_is_word(&parser, HX_K_SCENARIO) && !library) {
			parse_scenario(&parser, script);
		} else {
			hx_fail_expected(&parser, library ? "an exchange; nothing else stands in a library" : "a scenario, or an exchange above it");
			hx_end_line(&parser);
		}
		hx_skip_empty_lines(&parser);
	}
	return script;
}
