/* What must be right before anything runs: messages, calls, loops, and what a scenario proves. See check.h.
 * Called by suite.c and tests. Types of expressions have a file of their own, and so has who is where when (flow.c). */
#include "harness/check_types.h"

enum { MOST_COUNT = 1000000, MOST_PIECE = 1 << 20 };

/* ---- messages sent -------------------------------------------------------------------------- */

static void check_outgoing(struct hx_checker *checker, const struct hx_outgoing *outgoing)
{
	for (; outgoing; outgoing = outgoing->next) {
		hx_check_expr(checker, outgoing->command_text, HX_WANT_OCTETS);
		hx_check_expr(checker, outgoing->time, HX_WANT_OCTETS);
		hx_check_expr(checker, outgoing->user, HX_WANT_OCTETS);
		hx_check_expr(checker, outgoing->data, HX_WANT_OCTETS);
		hx_check_expr(checker, outgoing->octets, HX_WANT_OCTETS);
	}
}

static void check_send(struct hx_checker *checker, const struct hx_step *step)
{
	check_outgoing(checker, step->outgoing);
	hx_check_expr(checker, step->pieces, HX_WANT_NUMBER);
	hx_check_count(checker, step->pieces, 1, MOST_PIECE);
	hx_check_expr(checker, step->cut, HX_WANT_NUMBER);
	hx_check_count(checker, step->cut, 1, MOST_PIECE);
	hx_check_expr(checker, step->every, HX_WANT_DURATION);
}

/* ---- messages expected ---------------------------------------------------------------------- */

static void check_command(struct hx_checker *checker, const struct hx_pattern *pattern)
{
	const struct c2w_command_info *info = c2w_command_info(pattern->command);
	enum c2w_command answer = c2w_command_of(info->family, C2W_RESPONSE);

	if (info->sender == C2W_CLIENT)
		hx_complain(checker->complaints, pattern->place, "%s is sent by clients; expected a command of servers, as %s", info->name,
		            c2w_command_info(answer)->name);
}

/* params.def names the command that a code belongs to: "CONNECTION_ERROR_XXXX: …". */
static void check_code(struct hx_checker *checker, const struct hx_pattern *pattern)
{
	const struct c2w_command_info *info = c2w_command_info(pattern->command);
	const struct c2w_param_info *param;

	if (!pattern->code || pattern->code->kind != HX_PARAMETER)
		return;
	param = c2w_param_info((enum c2w_param)pattern->code->index);
	if (param->kind != C2W_PARAM_CODE || strncmp(param->meaning, info->name, strlen(info->name)) != 0)
		hx_complain(checker->complaints, pattern->code->place, "%s is no code of %s", param->name, info->name);
}

static void check_listing(struct hx_checker *checker, const struct hx_pattern *pattern)
{
	bool users = pattern->command == C2W_USER_LIST_RESPONSE;

	if (pattern->listing && !users && pattern->command != C2W_MOVIE_LIST_RESPONSE)
		hx_complain(checker->complaints, pattern->place, "`listing` goes with USER_LIST_RESPONSE and MOVIE_LIST_RESPONSE");
	if (pattern->listing && (pattern->data || pattern->data_any))
		hx_complain(checker->complaints, pattern->place, "expected `listing` or data, not both");
	for (const struct hx_listing *listing = pattern->listing; listing; listing = listing->next) {
		hx_check_expr(checker, listing->entry, users ? HX_WANT_CLIENT | HX_WANT_OCTETS : HX_WANT_OCTETS);
		hx_check_expr(checker, listing->room, HX_WANT_OCTETS);
		if (listing->room && !users)
			hx_complain(checker->complaints, listing->room->place, "only users are listed `in` a room");
	}
}

static void check_author(struct hx_checker *checker, const struct hx_pattern *pattern)
{
	hx_check_expr(checker, pattern->by, HX_WANT_CLIENT);
	if (pattern->by && pattern->command != C2W_NEW_MESSAGE)
		hx_complain(checker->complaints, pattern->by->place, "`by` goes with NEW_MESSAGE");
	else if (!pattern->by && pattern->command == C2W_NEW_MESSAGE && !pattern->data_any)
		hx_complain(checker->complaints, pattern->place, "expected NEW_MESSAGE with its author, `by alice`, or with `data any`");
}

static void check_pattern(struct hx_checker *checker, const struct hx_pattern *pattern)
{
	if (pattern->command == C2W_NO_COMMAND)
		return;
	check_command(checker, pattern);
	check_code(checker, pattern);
	check_author(checker, pattern);
	check_listing(checker, pattern);
	hx_check_expr(checker, pattern->time, HX_WANT_OCTETS);
	hx_check_expr(checker, pattern->user, HX_WANT_OCTETS);
	hx_check_expr(checker, pattern->data, HX_WANT_OCTETS);
	if (pattern->capture >= 0)
		checker->types[pattern->capture] = HX_OCTETS;
}

static void check_patterns(struct hx_checker *checker, const struct hx_step *step)
{
	bool several = step->patterns && step->patterns->next;

	for (const struct hx_pattern *pattern = step->patterns; pattern; pattern = pattern->next) {
		check_pattern(checker, pattern);
		if (pattern->capture >= 0 && (several || step->op == HX_MAYBE))
			hx_complain(checker->complaints, pattern->place, "`as` needs a message that is sure to come: one, and awaited");
	}
	hx_check_expr(checker, step->within, HX_WANT_DURATION);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void check_definition(struct hx_checker *outer, struct hx_definition *definition);

static struct hx_definition *find_definition(const struct hx_scope *scope, const char *key)
{
	for (; scope; scope = scope->outer)
		for (struct hx_definition *definition = scope->definitions; definition; definition = definition->next)
			if (strcmp(definition->key, key) == 0)
				return definition;
	return NULL;
}

static const char *list_exchanges(struct hx_checker *checker)
{
	const char *text = "";
	unsigned count = 0;

	for (const struct hx_scope *scope = checker->scope; scope; scope = scope->outer)
		for (const struct hx_definition *definition = scope->definitions; definition; definition = definition->next)
			if (++count <= 12)
				text = hx_print(checker->arena, "%s%s%s", text, *text ? ", " : "; there are: ", definition->exchange.pattern);
	return count > 0 ? hx_print(checker->arena, "%s%s", text, count > 12 ? ", …" : "") : "; there are none";
}

static void complain_of_call(struct hx_checker *checker, const struct hx_step *step, const char *key)
{
	struct hx_guess guess = hx_guess_at(c2w_str_of(key));

	for (const struct hx_scope *scope = checker->scope; scope; scope = scope->outer)
		for (const struct hx_definition *definition = scope->definitions; definition; definition = definition->next) {
			const char *best = guess.best;

			hx_guess_offer(&guess, definition->key);
			if (guess.best != best)
				guess.best = definition->exchange.pattern;
		}
	hx_complain(checker->complaints, step->exchange->place, "unknown exchange `… %s`%s", key,
	            guess.best ? hx_guess_text(checker->arena, &guess) : list_exchanges(checker));
}

static void check_arguments(struct hx_checker *checker, const struct hx_step *step, const struct hx_definition *definition)
{
	for (unsigned i = 0; i < step->value_count; i++) {
		int type = definition->types[i];

		hx_check_expr(checker, step->values[i], type < 0 ? HX_WANT_ANY : 1u << type);
	}
}

static void check_call(struct hx_checker *checker, struct hx_step *step)
{
	const char *key = ((const struct hx_definition *)step->exchange)->key;
	struct hx_definition *definition = find_definition(checker->scope, key);

	if (!definition) {
		complain_of_call(checker, step, key);
		for (unsigned i = 0; i < step->value_count; i++)
			hx_check_expr(checker, step->values[i], HX_WANT_ANY);
		return;
	}
	if (definition->progress == HX_UNCHECKED)
		check_definition(checker, definition);
	if (definition->progress == HX_BEING_CHECKED) {
		hx_complain(checker->complaints, step->exchange->place, "`%s` calls itself; no exchange may", definition->exchange.pattern);
		return;
	}
	check_arguments(checker, step, definition);
	step->exchange = &definition->exchange;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void check_steps(struct hx_checker *checker, const struct hx_step *step);

static void check_together(struct hx_checker *checker, const struct hx_step *step)
{
	unsigned count = 0;

	check_steps(checker, step->body);
	for (const struct hx_step *inner = step->body; inner; inner = inner->next) {
		if (inner->op != HX_EXPECT)
			hx_complain(checker->complaints, inner->place, "`together` holds messages to expect, nothing else: who < COMMAND");
		if (++count == HX_MAX_TOGETHER + 1)
			hx_complain(checker->complaints, inner->place, "more than %d messages together", HX_MAX_TOGETHER);
	}
}

static void check_for(struct hx_checker *checker, const struct hx_step *step)
{
	int type = -1;

	for (unsigned i = 0; i < step->value_count; i++) {
		int found = hx_check_expr(checker, step->values[i], type < 0 ? HX_WANT_ANY : 1u << type);

		type = type < 0 ? found : type;
	}
	checker->types[step->variable] = type;
	check_steps(checker, step->body);
}

static void check_repeat(struct hx_checker *checker, const struct hx_step *step)
{
	hx_check_expr(checker, step->count, HX_WANT_NUMBER);
	hx_check_count(checker, step->count, 1, MOST_COUNT);
	if (step->variable >= 0)
		checker->types[step->variable] = HX_NUMBER;
	check_steps(checker, step->body);
}

static void check_same(struct hx_checker *checker, const struct hx_step *step)
{
	hx_check_expr(checker, step->count, HX_WANT_NUMBER);
	hx_check_count(checker, step->count, 1, MOST_COUNT);
	hx_check_expr(checker, step->every, HX_WANT_DURATION);
	hx_check_expr(checker, step->within, HX_WANT_DURATION);
}

static void check_step(struct hx_checker *checker, const struct hx_step *step)
{
	hx_check_expr(checker, step->who, HX_WANT_CLIENT);
	switch (step->op) {
	case HX_SEND:
		check_send(checker, step);
		return;
	case HX_EXPECT:
	case HX_MAYBE:
		check_patterns(checker, step);
		return;
	case HX_SAME:
		check_same(checker, step);
		return;
	case HX_END:
		hx_check_expr(checker, step->within, HX_WANT_DURATION);
		return;
	case HX_SILENCE:
	case HX_WAIT:
		hx_check_expr(checker, step->duration, HX_WANT_DURATION);
		return;
	case HX_TOGETHER:
		check_together(checker, step);
		return;
	case HX_LET:
		checker->types[step->variable] = hx_check_expr(checker, step->values[0], HX_WANT_ANY);
		return;
	case HX_REPEAT:
		check_repeat(checker, step);
		return;
	case HX_FOR:
		check_for(checker, step);
		return;
	case HX_CALL:
		check_call(checker, (struct hx_step *)step);
		return;
	case HX_MAYBE_SAME:
	case HX_HOLD_ACKS:
	case HX_RESUME_ACKS:
	case HX_OPEN:
	case HX_CLOSE:
	case HX_SHUTDOWN:
	case HX_RESET:
	case HX_STOP_READING:
	case HX_READ_AGAIN:
		return;
	}
}

static void check_steps(struct hx_checker *checker, const struct hx_step *step)
{
	for (; step; step = step->next)
		check_step(checker, step);
}

/* ---- exchanges ------------------------------------------------------------------------------ */

static void check_definition(struct hx_checker *outer, struct hx_definition *definition)
{
	struct hx_checker checker = { .arena = outer->arena, .complaints = outer->complaints, .scope = outer->scope,
	                              .calls = outer->calls + 1, .types = definition->types };

	for (unsigned i = 0; i < HX_MAX_VARIABLES; i++)
		definition->types[i] = -1;
	definition->types[0] = HX_CLIENT;
	definition->progress = HX_BEING_CHECKED;
	if (checker.calls > HX_MAX_DEPTH)
		hx_complain(checker.complaints, definition->exchange.place, "exchanges call each other more than %d deep", HX_MAX_DEPTH);
	else
		check_steps(&checker, definition->exchange.body);
	definition->progress = HX_CHECKED;
}

static void complain_of_double(struct hx_complaints *complaints, const struct hx_scope *scope, const struct hx_definition *definition)
{
	const struct hx_definition *first = find_definition(scope, definition->key);

	if (first != definition)
		hx_complain(complaints, definition->exchange.place, "`%s` is defined in %s:%u already", definition->exchange.pattern,
		            first->exchange.place.file, first->exchange.place.line);
}

void hx_check_exchanges(struct hx_arena *arena, struct hx_complaints *complaints, const struct hx_scope *scope)
{
	struct hx_checker checker = { .arena = arena, .complaints = complaints, .scope = scope };

	for (struct hx_definition *definition = scope->definitions; definition; definition = definition->next) {
		const struct hx_definition *outer = find_definition(scope->outer, definition->key);

		complain_of_double(complaints, scope, definition);
		if (outer)
			hx_complain(complaints, definition->exchange.place, "`%s` is defined in %s:%u already", definition->exchange.pattern,
			            outer->exchange.place.file, outer->exchange.place.line);
		if (definition->progress == HX_UNCHECKED)
			check_definition(&checker, definition);
	}
}

/* ---- scenarios ------------------------------------------------------------------------------ */

static bool has_word(const char *key, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = key; (at = strstr(at, word)); at += length)
		if ((at == key || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

/* `carol leaves the movie` could mean two things if somebody were called movie. */
static void check_names(struct hx_checker *checker, const struct hx_script *script)
{
	for (const struct hx_scope *scope = checker->scope; scope; scope = scope->outer)
		for (const struct hx_definition *definition = scope->definitions; definition; definition = definition->next)
			for (unsigned i = 0; i < script->scenario->cast_count; i++)
				if (has_word(definition->key, script->scenario->cast[i].name))
					hx_complain(checker->complaints, script->cast_place, "%s is a word of the exchange `%s`; nobody can be called so",
					            script->scenario->cast[i].name, definition->exchange.pattern);
}

static void check_cast(struct hx_checker *checker, const struct hx_script *script)
{
	for (unsigned i = 0; i < script->scenario->cast_count; i++)
		if (!checker->used[i] && script->source->complaints == 0)
			hx_complain(checker->complaints, script->cast_place, "%s is in the cast and does nothing", script->scenario->cast[i].name);
}

/* A pass over a transport that a rule does not apply to would prove nothing. */
static void check_proves(struct hx_checker *checker, const struct hx_script *script)
{
	const struct hx_scenario *scenario = script->scenario;

	for (unsigned i = 0; i < scenario->proves_count; i++) {
		const struct c2w_rule_info *info = c2w_rule_info(scenario->proves[i]);
		const char *transport = info->transports == C2W_ON_UDP ? "udp" : "tcp";

		if (scenario->over & ~info->transports)
			hx_complain(checker->complaints, script->proves_places[i], "%s applies over %s only; expected a line `over %s`", info->id,
			            transport, transport);
	}
}

/* Known before anything runs: numbers, parameters, and what is computed of them. */
static bool is_fixed(const struct hx_expr *expr)
{
	if (!expr)
		return true;
	switch (expr->kind) {
	case HX_LITERAL_NUMBER:
	case HX_PARAMETER:
		return true;
	case HX_JOIN:
	case HX_MINUS:
	case HX_TIMES:
		return is_fixed(expr->left) && is_fixed(expr->right);
	case HX_DIVIDED:
	case HX_LITERAL_OCTETS:
	case HX_VARIABLE:
	case HX_CAST:
	case HX_NAME:
	case HX_RANDOM:
	case HX_MOVIE:
	case HX_TITLE:
	case HX_TITLES:
	case HX_TIME_OF:
	case HX_EARLIER:
	case HX_LENGTH:
	case HX_MISCASED:
	case HX_UNLISTED:
	case HX_DECIMAL:
		return false;
	}
	return false;
}

static void check_needs(struct hx_checker *checker, const struct hx_scenario *scenario)
{
	for (const struct hx_bound *bound = scenario->needs.bounds; bound; bound = bound->next) {
		if (hx_check_expr(checker, bound->more, HX_WANT_NUMBER) < 0 || hx_check_expr(checker, bound->less, HX_WANT_NUMBER) < 0)
			continue;
		if (!is_fixed(bound->more) || !is_fixed(bound->less))
			hx_complain(checker->complaints, (is_fixed(bound->more) ? bound->less : bound->more)->place, "expected numbers and parameters, with + - * between");
		else if (bound->more->kind != HX_PARAMETER && bound->less->kind != HX_PARAMETER)
			hx_complain(checker->complaints, bound->more->place, "expected a parameter alone on one side, as $max-text >= 64");
	}
}

static bool is_whole(const struct hx_scope *scope)
{
	while (scope && scope->source->complaints == 0)
		scope = scope->outer;
	return !scope;
}

void hx_check_scenario(struct hx_arena *arena, struct hx_complaints *complaints, const struct hx_scope *scope, struct hx_script *script)
{
	struct hx_scenario *scenario = script->scenario;
	int types[HX_MAX_VARIABLES];
	struct hx_checker checker = { .arena = arena, .complaints = complaints, .scope = scope, .scenario = scenario, .types = types };
	unsigned movies;

	for (unsigned i = 0; i < HX_MAX_VARIABLES; i++)
		types[i] = -1;
	check_proves(&checker, script);
	check_needs(&checker, scenario);
	check_names(&checker, script);
	check_steps(&checker, scenario->steps);
	check_cast(&checker, script);
	movies = checker.movies > scenario->leases ? checker.movies : scenario->leases;
	if (scenario->needs.movies < movies)
		scenario->needs.movies = movies;
	hx_check_flow(arena, complaints, scenario, is_whole(scope));
}
