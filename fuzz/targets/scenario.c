/* Goal: no text, however hostile, breaks the loading of a scenario: it is a suite or a list of complaints, each of them clean and at a
 * place in the file, and always the same one. Input: the text of a scenario, or of a library and, behind the first NUL, of a scenario.
 * Called by the fuzzer's driver only; what is loaded belongs to the suite. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "fuzz/scripts.h"
#include "harness/arena.h"
#include "harness/parse.h"

static unsigned complaints;

/* Complaints are for a terminal: whatever stands in the text, they move no cursor. */
static void complain(void *context, const char *text)
{
	(void)context;
	FZ_CLAIM(*text != '\0' && c2w_utf8_valid(c2w_str_of(text)));
	for (const char *at = text; *at; at++)
		FZ_CLAIM((unsigned char)*at >= ' ' ? *at != 0x7F : *at == '\n' || *at == '\t');
	fz_saw(text, strlen(text));
	complaints++;
}

static void look_at(const struct hx_scenario *scenario)
{
	FZ_CLAIM(scenario->cast_count > 0 && scenario->cast_count <= HX_MAX_CAST);
	FZ_CLAIM(scenario->variable_count <= HX_MAX_VARIABLES && scenario->leases <= HX_MAX_LEASES);
	FZ_CLAIM(scenario->proves_count > 0);
	fz_saw_number(scenario->over);
	fz_saw_number(scenario->main_room);
	fz_saw_number(scenario->leases);
}

/* The parser takes octets, NULs too, as they come from a file. */
static void parse_only(const uint8_t *data, size_t size)
{
	struct hx_arena *arena = hx_arena_new();
	struct hx_complaints *all = hx_complaints_new(arena, complain, NULL);

	hx_parse(arena, all, hx_source_add(all, "octets.c2w", (const char *)data, size), false);
	hx_complaints_say(all);
	hx_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fz_text(data, size), *behind = memchr(text, '\0', size);
	struct hx_suite *suite = NULL;
	unsigned errors;

	complaints = 0;
	errors = hx_suite_parse(&suite, "input.c2w", behind ? behind + 1 : text, behind ? text : fz_library, complain, NULL);
	FZ_CLAIM((errors == 0) == (suite != NULL));
	FZ_CLAIM((errors == 0) == (complaints == 0));
	if (suite)
		look_at(suite->scenarios[0]);
	hx_suite_free(suite);
	free(text);
	parse_only(data, size);
	return 0;
}
