/* How the target repeats an answer that nobody acks: a few users connect over UDP and leave their CONNECTION_GRANTED alone. For
 * schedule.c, on a target that passed the sanity exchange: before the suite for rto=auto and max-retransmits=auto, else beside it,
 * for the report. They send nothing meanwhile but the acks of texts, and log out at the end.
 * Event-driven; the measurer is its caller's, freed by hx_measure_free(), at the earliest in done(). */
#ifndef HX_MEASURE_H
#define HX_MEASURE_H

#include "harness/engine.h"

struct hx_measurer;

enum { HX_WITNESSES = 3 }; /* users that a measurer logs in */

/* done: when each has logged out, with the result in target->params (only what is marked in rto and max_retransmits below is
 * replaced); reason NULL, or why that could not be measured, a sentence. */
struct hx_measure_options {
	struct hx_target *target;
	bool rto, max_retransmits;
	unsigned limit;        /* retransmissions after which an ack is to stop them */
	int64_t patience;      /* ns to wait for the first one */
	void (*done)(void *context, const char *reason);
	void *context;
};

struct hx_measurer *hx_measure(const struct hx_measure_options *options);
void hx_measure_free(struct hx_measurer *measurer); /* NULL is fine; stops it */

/* Ends it early: they log out, done() follows. */
void hx_measure_end(struct hx_measurer *measurer);
/* Only the one that saw most goes on. */
void hx_measure_thin(struct hx_measurer *measurer);
/* What was seen so far, as the result's fingerprint. */
void hx_measure_tell(const struct hx_measurer *measurer, struct rp_result *result);

#endif
