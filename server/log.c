/* The server's log: see log.h.
 * For serve.c; one fprintf a line, so that lines stay whole.
 * Owns nothing. */
#include "server/log.h"

/* Nothing a peer sent can move a cursor, end a line or colour it. */
static const char *escape(char to[4 * SRV_LOG_OCTETS + 4], struct c2w_str octets)
{
	static const char digits[] = "0123456789abcdef";
	char *at = to;

	for (size_t i = 0; i < octets.length && i < SRV_LOG_OCTETS; i++) {
		unsigned char octet = (unsigned char)octets.at[i];

		if (octet >= ' ' && octet < 0x7f && octet != '\\') {
			*at++ = (char)octet;
			continue;
		}
		*at++ = '\\';
		*at++ = 'x';
		*at++ = digits[octet >> 4];
		*at++ = digits[octet & 15];
	}
	memcpy(at, octets.length > SRV_LOG_OCTETS ? "..." : "", octets.length > SRV_LOG_OCTETS ? 4 : 1);
	return to;
}

/* Whoever floods the server does not fill the disk. */
static bool allowed(struct srv_logger *logger, int64_t now)
{
	int64_t second = now / 1000000000;

	if (second != logger->second) {
		if (logger->left_out)
			fprintf(logger->to, "c2w-server: %u more lines left out\n", logger->left_out);
		logger->second = second;
		logger->lines = logger->left_out = 0;
	}
	if (logger->level == SRV_LOG_VERBOSE || logger->lines < SRV_LOG_RATE) {
		logger->lines++;
		return true;
	}
	logger->left_out++;
	return false;
}

void srv_log_write(struct srv_logger *logger, int64_t now, bool detail, bool tcp, const struct net_addr *peer, const char *what,
                   struct c2w_str octets)
{
	char address[NET_ADDR_TEXT] = "", text[4 * SRV_LOG_OCTETS + 4];

	if (logger->level == SRV_LOG_QUIET || (detail && logger->level != SRV_LOG_VERBOSE) || !allowed(logger, now))
		return;
	if (peer)
		net_addr_format(peer, address);
	fprintf(logger->to, "c2w-server: %s%s%s%s%s%s\n", peer ? (tcp ? "tcp " : "udp ") : "", address, peer ? ": " : "", what,
	        octets.length ? ": " : "", escape(text, octets));
}
