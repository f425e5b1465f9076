/* The server's log: one line an event, peers' octets escaped, no more than some hundred lines a second.
 * For serve.c. The stream belongs to the caller. */
#ifndef SRV_LOG_H
#define SRV_LOG_H

#include "net/link.h"
#include "protocol/str.h"
#include "server/serve.h"

enum { SRV_LOG_RATE = 200, SRV_LOG_OCTETS = 160 }; /* lines a second unless verbose; octets of a message that are shown */

struct srv_logger {
	FILE *to;
	enum srv_log level;
	int64_t second; /* the one that is counted */
	unsigned lines, left_out;
};

/* "c2w-server: udp 127.0.0.1:4242: what: octets"; peer NULL: none. detail: only when verbose. */
void srv_log_write(struct srv_logger *logger, int64_t now, bool detail, bool tcp, const struct net_addr *peer, const char *what,
                   struct c2w_str octets);

#endif
