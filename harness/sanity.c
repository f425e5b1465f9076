/* The exchange that runs first and last. For the scheduler.
 * Written in the language itself; parsed once and kept as long as the program lives. */
#include <stdio.h>
#include <stdlib.h>

#include "harness/engine.h"

static const char text[] = "scenario \"The target answers at all\"\n"
                           "proves CON-01\n"
                           "cast sanity\n"
                           "sanity > CONNECTION_REQUEST\n"
                           "sanity < CONNECTION_GRANTED [CON-01]\n"
                           "sanity > MOVIE_LIST_REQUEST\n"
                           "sanity < MOVIE_LIST_RESPONSE [LST-02]\n";

static void complain(void *context, const char *error)
{
	(void)context;
	fputs(error, stderr);
	abort();
}

const struct hx_scenario *hx_sanity_scenario(void)
{
	static struct hx_suite *suite;
	if (suite == NULL)
		hx_suite_parse(&suite, "sanity.c2w", text, NULL, complain, NULL);
	return suite->scenarios[0];
}
