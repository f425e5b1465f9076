/* What must be right before anything runs, beyond a scenario's shape: types, calls, commands, codes, rules, transports;
 * and what the scheduler derives its locks from. For suite.c and tests. It writes types, exchanges, needs and main_room into
 * the parsed tree, which belongs to the arena; after that the tree is constant. */
#ifndef HX_CHECK_H
#define HX_CHECK_H

#include "harness/parse.h"

/* The exchanges in reach: a file's own, then those of its libraries. */
struct hx_scope {
	const struct hx_source *source;
	struct hx_definition *definitions;
	const struct hx_scope *outer;
};

/* Those of scope->definitions; outer scopes are checked already. */
void hx_check_exchanges(struct hx_arena *arena, struct hx_complaints *complaints, const struct hx_scope *scope);

/* script->scenario, its exchanges checked already; scope is that of its file. */
void hx_check_scenario(struct hx_arena *arena, struct hx_complaints *complaints, const struct hx_scope *scope, struct hx_script *script);

/* flow.c: follows every client through the steps, exchanges spelled out: who may be over which transport, in which
 * state, and has sent what. Fills main_room and needs.both. whole: no step is missing for an error. */
void hx_check_flow(struct hx_arena *arena, struct hx_complaints *complaints, struct hx_scenario *scenario, bool whole);

#endif
