/* From a scenario file to the tree of script.h: its shape and its names. Types, calls and rules are check.c's.
 * For suite.c and tests. The tree belongs to the arena and points into the source. Every broken line is complained of once;
 * what stands on it is left out of the tree, the rest is whole. */
#ifndef HX_PARSE_H
#define HX_PARSE_H

#include "harness/complain.h"

enum {
	HX_MAX_STEPS = 10000,  /* of a file, `all` spelled out */
	HX_MAX_EXCHANGES = 256, /* of a file */
	HX_MAX_TOGETHER = 4 * HX_MAX_CAST,
	HX_MAX_VALUES = 256,   /* of a loop */
	HX_MAX_ARGUMENTS = 16, /* of a call, who among them */
	HX_MAX_KEY = 256,      /* octets of the words of an exchange */
};

enum hx_progress_of_check { HX_UNCHECKED, HX_BEING_CHECKED, HX_CHECKED };

/* An exchange as parsed. A step's .exchange is the first member of one of these; until check.c has found which, it is
 * one that holds the key only. */
struct hx_definition {
	struct hx_exchange exchange;
	const char *key;                       /* "enters $": its words, and $ for each argument behind who */
	enum hx_progress_of_check progress;
	int types[HX_MAX_VARIABLES];           /* enum hx_type of each slot, -1 while nothing tells; check.c's */
	struct hx_definition *next;
};

/* A file. */
struct hx_script {
	struct hx_source *source;
	struct hx_definition *definitions;     /* in their order */
	struct hx_scenario *scenario;          /* NULL: none */
	const struct hx_place *proves_places;  /* as many as scenario->proves_count */
	struct hx_place cast_place;
	struct hx_script *next;
};

/* Never NULL. A library holds exchanges only. */
struct hx_script *hx_parse(struct hx_arena *arena, struct hx_complaints *complaints, struct hx_source *source, bool library);

#endif
