/* Pace: what REL-05 allows, and what a series of retransmissions looks like.
 * For the judge, the engine and the analyser. Pure arithmetic on nanoseconds; no clock, no heap.
 * A struct jd_fingerprint is a plain value of its caller, all zero to begin with. */
#ifndef JD_TIMING_H
#define JD_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/params.h"

/* The intervals between two transmissions that REL-05 allows, both ends included, before any allowance.
 * With rto auto there is nothing to hold a server to: 0 … INT64_MAX. */
struct jd_window {
	int64_t earliest, latest;
};
struct jd_window jd_interval_window(const struct c2w_params *params);

/* Does the interval lie in the window, widened by the allowance (jitter, a round trip) at both ends? */
bool jd_interval_fits(const struct c2w_params *params, int64_t interval_ns, int64_t allowance_ns);

enum { JD_FINGERPRINT_INTERVALS = 64 }; /* the first so many are kept */

struct jd_fingerprint {
	int64_t intervals[JD_FINGERPRINT_INTERVALS]; /* ascending */
	unsigned interval_count;
	int64_t ratios[JD_FINGERPRINT_INTERVALS];    /* per mille, each interval over the one before it; ascending */
	unsigned ratio_count;
	int64_t previous;                            /* interval of the present message; 0: none yet */
	unsigned retransmissions;                    /* of the present message */
	unsigned most;                               /* of any message */
};

/* Another message: its first transmission was seen. */
void jd_fingerprint_begin(struct jd_fingerprint *fingerprint);
/* It was seen again, `interval` after its previous transmission. */
void jd_fingerprint_add(struct jd_fingerprint *fingerprint, int64_t interval);

int64_t jd_fingerprint_median(const struct jd_fingerprint *fingerprint);   /* ns; 0 without intervals */
int64_t jd_fingerprint_spread(const struct jd_fingerprint *fingerprint);   /* ns between the longest and the shortest */
unsigned jd_fingerprint_count(const struct jd_fingerprint *fingerprint);   /* the most retransmissions of one message: what no loss hid */
int64_t jd_fingerprint_backoff(const struct jd_fingerprint *fingerprint);  /* per mille: 1000 a steady pace, 2000 doubling; 0: cannot be told */

#endif
