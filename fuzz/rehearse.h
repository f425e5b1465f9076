/* Scenarios played in virtual time against the reference server, right or known-bad: suite, schedule, engine and server on one simulated net.
 * For proof.c and the selftests. Nothing outlives a call. */
#ifndef FZ_REHEARSE_H
#define FZ_REHEARSE_H

#include "harness/schedule.h"
#include "server/serve.h"

/* schedule: what is to be played, how, and the result, which stays the caller's; the net, the one lane, seed and times are filled in.
 * target: its params; the rest is filled in. */
void fz_rehearse(struct hx_schedule_options *schedule, struct hx_target *target, const struct srv_options *server);

#endif
