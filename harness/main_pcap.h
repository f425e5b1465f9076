/* `--pcap DIR`: the packets of every scenario, for harness/main.c. Owns its files; the result's scenarios name them. */
#ifndef HX_MAIN_PCAP_H
#define HX_MAIN_PCAP_H

#include "net/link.h"
#include "reports/result.h"

struct packets; /* of a run */

/* Makes the folder. NULL: *error is -errno. */
struct packets *packets_new(const char *folder, int *error);
void packets_free(struct packets *packets); /* NULL is fine */
/* The target is there: captures what passes between it and this host, if that is permitted. Once; the address may be any later.
 * all: whatever passes the interface towards it, whose only user this run is. */
void packets_watch(struct packets *packets, const struct net_addr *target, bool all);
/* The run is over: writes one file a scenario that has any packets, FOLDER/chat-MSG-02-x.udp.pcap: those captured, or, where there
 * was no capture or it has not all, such as the timelines (result->whole_timelines) would have been. Bounds the timelines. 0 or -errno. */
int packets_write(struct packets *packets, struct rp_result *result);
/* Why they were not captured, though it was tried: a clause. NULL: they were, or nobody tried. */
const char *packets_why(const struct packets *packets);

/* Makes the packets of one timeline; start: ns since 1970, the run's. */
void packets_synthesise(FILE *to, const struct rp_scenario *scenario, int64_t start);

#endif
