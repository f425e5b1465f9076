/* The simulated network: a virtual clock, and links that are honest about what networks do.
 * For main functions that simulate, for fuzz targets and tests. Deterministic: same seed, same run. */
#ifndef NET_SIM_H
#define NET_SIM_H

#include "net/link.h"

struct net_sim_options {
	uint64_t seed;
	int64_t latency;        /* ns one way; 0: 50 us */
	int64_t jitter;         /* ns, added uniformly; keeps the order unless reorder says otherwise */
	double loss;            /* probability per datagram, each way */
	double duplicate;       /* likewise */
	double reorder;         /* probability that a datagram is delayed by up to 3 latencies more */
	double cut;             /* probability per TCP write that its octets arrive in several segments of random size */
	double partial;         /* probability that the "kernel" takes only part of a TCP write for now */
	size_t tcp_buffer;      /* octets a connection holds each way before back-pressure; 0: 64 KiB */
	size_t udp_buffer;      /* octets a socket that is not read holds before it drops; 0: 256 KiB */
	int64_t wall;           /* ns since 1970 at virtual time 0; 0: a fixed date */
};

/* options NULL: a perfect network. Addresses are any; 127.0.0.1 and ::1 are two hosts. Never NULL (aborts without memory). */
struct net *net_sim_new(const struct net_sim_options *options);
/* Moves the clock and runs what is due until then; for step-wise use by fuzz targets. */
void net_sim_run_until(struct net *net, int64_t at);
/* Changes loss and the like from now on. */
void net_sim_change(struct net *net, const struct net_sim_options *options);

#endif
