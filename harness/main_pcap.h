/* `--pcap DIR`: the packets of every scenario, for harness/main.c. Owns its files; the result's scenarios name them. */
#ifndef HX_MAIN_PCAP_H
#define HX_MAIN_PCAP_H

#include "reports/result.h"

/* Makes the folder. 0 or -errno. */
int pcap_prepare(const char *folder);
/* Makes the packets of one timeline; start: ns since 1970, the run's. */
void pcap_write_scenario(FILE *to, const struct rp_scenario *scenario, int64_t start);
/* Makes packets from all timelines (result->whole_timelines), which are bounded then, and writes one file a scenario that has any:
 * FOLDER/chat-MSG-02-x.udp.pcap. 0 or -errno. */
int pcap_synthesise(struct rp_result *result, const char *folder);

#endif
