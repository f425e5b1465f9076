/* Measures what -D rto=auto and max-retransmits=auto stand for: requests over UDP whose answers are left unacked, and how
 * the target repeats those. For schedule.c, before the suite, on a target that passed the sanity exchange.
 * Event-driven; the measurer is its caller's, freed by hx_measure_free(), at the earliest in done(). */
#ifndef HX_MEASURE_H
#define HX_MEASURE_H

#include "harness/engine.h"

struct hx_measurer;

/* done: with the result in target->params (only what is marked in rto and max_retransmits below is replaced); reason NULL, or
 * why nothing could be measured, a sentence. */
struct hx_measure_options {
	struct hx_target *target;
	bool rto, max_retransmits;
	void (*done)(void *context, const char *reason);
	void *context;
};

struct hx_measurer *hx_measure(const struct hx_measure_options *options);
void hx_measure_free(struct hx_measurer *measurer); /* NULL is fine; stops it */

#endif
