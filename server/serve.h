/* The reference server on a network, real or simulated: the session core (core.h) wired to net's links.
 * For server/main.c, harness/main.c (--simulate), fuzz and tests. Single-threaded, on the loop of its net. */
#ifndef SRV_SERVE_H
#define SRV_SERVE_H

#include <stdio.h>

#include "net/link.h"
#include "protocol/params.h"

struct srv_service;
struct srv_policy; /* server/policy.h: what a faulty server does otherwise */

enum srv_log { SRV_LOG_QUIET, SRV_LOG_NORMAL, SRV_LOG_VERBOSE };

struct srv_options {
	bool udp, tcp;
	const char *const *movies;  /* NULL-terminated titles; NULL: those inside (one with a comma, one with an accent) */
	struct c2w_params params;   /* all but capacity and room_capacity; nothing is auto or any */
	unsigned max_users;         /* FMT-07: limited so that every list fits in 65507 octets */
	unsigned max_room;          /* users a movie room holds; 0: no limit */
	unsigned max_endpoints;     /* UDP endpoints without a session that are remembered: ROB-04 */
	unsigned max_idle;          /* TCP connections without a session; closed after 30 s of silence: ROB-04 */
	double loss;                /* probability per datagram, each way */
	uint64_t seed;
	enum srv_log log;
	FILE *log_to;               /* NULL: stderr; peers' octets are escaped */
	const struct srv_policy *policy; /* NULL: right */
};

void srv_options_init(struct srv_options *options); /* the defaults of PROTOCOL.md section 9, both transports */

/* Listens at `at` (port 0: one free for all the transports asked for). 0, or -errno with nothing left open.
 * options are copied, the strings in them must outlive the service. */
int srv_serve(struct net *net, const struct net_addr *at, const struct srv_options *options, struct srv_service **service);
void srv_service_address(const struct srv_service *service, struct net_addr *at);
void srv_service_free(struct srv_service *service); /* closes everything */

/* For tests and the simulator: what it holds now. */
struct srv_counts { size_t users, endpoints, connections, pending; };
struct srv_counts srv_service_counts(const struct srv_service *service);

#endif
