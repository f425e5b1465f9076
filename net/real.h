/* The real network: libevent's loop (EVENT_BASE_FLAG_PRECISE_TIMER), sockets, kernel receive timestamps.
 * For the main functions, and for what must share its loop (signals, child processes). */
#ifndef NET_REAL_H
#define NET_REAL_H

#include "net/link.h"

struct event_base;

/* NULL, errno set, if the kernel refuses. */
struct net *net_real_new(void);
/* The loop, owned by net: for signal and child events. */
struct event_base *net_real_base(struct net *net);

#endif
