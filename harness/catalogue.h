/* The suite as a thing to look at: where it is, --list, --coverage, --explain. For main.c.
 * Writes to the stream given; keeps nothing. */
#ifndef HX_CATALOGUE_H
#define HX_CATALOGUE_H

#include <stdio.h>

#include "harness/select.h"

/* $C2W_SCENARIOS, or `scenarios` next to the folder this program is in (the tree), or the installed one. malloc; NULL: there is none. */
char *hx_default_suite(void);

/* A line for each scenario: its id, the transports it would run over ("udp,tcp", "mixed"), its title; TAB between them. */
void hx_list(const struct hx_pick *picks, unsigned count, FILE *to);
/* A line for each rule: how many scenarios prove it, over UDP and over TCP. Returns the number of rules that can be seen from outside,
 * bind servers, and have none over a transport they apply to. quiet: those only. */
unsigned hx_coverage(const struct hx_suite *suite, bool quiet, FILE *to);
/* The rule's sentence, why it is there, how it is broken, an example, and what proves it; prose is wrapped at the width. */
void hx_explain(const struct hx_suite *suite, enum c2w_rule rule, unsigned width, FILE *to);

#endif
