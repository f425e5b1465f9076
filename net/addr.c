/* Addresses: reading, writing, comparing them; the text of an error.
 * For everybody through net/link.h. Nothing here is kept or owned. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/ops.h"

enum { NOT_AN_ADDRESS = -1000, RESOLVER_ERRORS = -1001 /* getaddrinfo()'s codes (all negative) lie below */ };

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void net_addr_from_sockaddr(struct net_addr *addr, const struct sockaddr *from)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memset(addr, 0, sizeof(*addr));
	if (from->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		addr->family = 4;
		addr->port = ntohs(in.sin_port);
		memcpy(addr->octets, &in.sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 in;
		bool four;

		memcpy(&in, from, sizeof(in));
		four = memcmp(&in.sin6_addr, mapped, sizeof(mapped)) == 0;
		addr->family = four ? 4 : 6;
		addr->port = ntohs(in.sin6_port);
		addr->scope = four ? 0 : in.sin6_scope_id;
		memcpy(addr->octets, in.sin6_addr.s6_addr + (four ? 12 : 0), four ? 4 : 16);
	}
}

static int port_parse(uint16_t *port, const char *text)
{
	unsigned value = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 5 || text[digits])
		return NOT_AN_ADDRESS;
	for (const char *digit = text; *digit; digit++)
		value = value * 10 + (unsigned)(*digit - '0');
	if (value > UINT16_MAX)
		return NOT_AN_ADDRESS;
	*port = (uint16_t)value;
	return 0;
}

static int host_resolve(struct net_addr *addr, const char *host, bool bracketed)
{
	struct addrinfo hints = { .ai_family = bracketed ? AF_INET6 : AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found;
	int error;

	if (bracketed)
		hints.ai_flags = AI_NUMERICHOST;
	error = getaddrinfo(host, NULL, &hints, &found);
	if (error == EAI_SYSTEM)
		return -errno;
	if (error)
		return RESOLVER_ERRORS + error;
	net_addr_from_sockaddr(addr, found->ai_addr);
	freeaddrinfo(found);
	return 0;
}

int net_addr_parse(struct net_addr *addr, const char *text)
{
	char host[256];
	const char *colon = strrchr(text, ':');
	bool bracketed = text[0] == '[';
	uint16_t port;

	memset(addr, 0, sizeof(*addr));
	if (!colon || colon == text || port_parse(&port, colon + 1))
		return NOT_AN_ADDRESS;
	size_t length = (size_t)(colon - text);
	if (bracketed && (length < 3 || text[length - 1] != ']'))
		return NOT_AN_ADDRESS;
	if (bracketed) {
		text++;
		length -= 2;
	}
	if (length >= sizeof(host) || (!bracketed && memchr(text, ':', length)))
		return NOT_AN_ADDRESS;
	memcpy(host, text, length);
	host[length] = '\0';
	int error = host_resolve(addr, host, bracketed);
	if (!error)
		addr->port = port;
	return error;
}

const char *net_addr_format(const struct net_addr *addr, char to[NET_ADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "";
	char scope[16] = "";

	if (addr->family != 4 && addr->family != 6) {
		snprintf(to, NET_ADDR_TEXT, "none");
		return to;
	}
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->octets, host, sizeof(host));
	if (addr->scope)
		snprintf(scope, sizeof(scope), "%%%u", (unsigned)addr->scope);
	snprintf(to, NET_ADDR_TEXT, addr->family == 4 ? "%s%s:%u" : "[%s%s]:%u", host, scope, (unsigned)addr->port);
	return to;
}

bool net_addr_is_loopback(const struct net_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr->family == 4 ? addr->octets[0] == 127 : addr->family == 6 && memcmp(addr->octets, one, 16) == 0;
}

bool net_addr_is_wildcard(const struct net_addr *addr)
{
	static const uint8_t nothing[16];

	return addr->family && memcmp(addr->octets, nothing, 16) == 0;
}

const char *net_error_text(int error)
{
	if (error >= 0)
		return "no error";
	if (error == NOT_AN_ADDRESS)
		return "it takes HOST:PORT, as 127.0.0.1:1950, [::1]:1950 or localhost:1950";
	return error < RESOLVER_ERRORS ? gai_strerror(error - RESOLVER_ERRORS) : strerror(-error);
}
