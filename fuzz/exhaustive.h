/* Every sequence of up to so many abstract events of two clients, core against model.
 * For main_simulate.c.
 * Owns nothing that outlives a call. */
#ifndef FZ_EXHAUSTIVE_H
#define FZ_EXHAUSTIVE_H

#include <stdint.h>

/* Returns how many sequences there were. A disagreement ends the program, with the sequence told on stdout. */
uint64_t fz_exhaust(unsigned length);
unsigned fz_exhaust_events(void); /* different ones */

#endif
