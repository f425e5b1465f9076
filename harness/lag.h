/* How late this process and this machine are: a heartbeat on the loop, and a canary, a child process that does nothing but sleep.
 * For main.c, real networks only; what struct hx_target calls `lag`. Bounded: a ring of the last disturbances. */
#ifndef HX_LAG_H
#define HX_LAG_H

#include "net/link.h"

struct hx_lag;

/* with_canary: the target runs on this machine, so what delays the canary may delay the target. Call it before anything is open:
 * the child is a fork. Never NULL; without a canary (no process to be had) the heartbeat alone is measured. */
struct hx_lag *hx_lag_new(bool with_canary);
void hx_lag_start(struct hx_lag *lag, struct net *net); /* the heartbeat begins; stopped by hx_lag_free() */
void hx_lag_free(struct hx_lag *lag);                   /* before its net; ends the canary */

/* The worst lateness, ns, seen in a span of net_now() time; below 1 ms it is 0. Fits hx_target.lag. */
int64_t hx_lag_worst(void *lag, int64_t since, int64_t until);

#endif
