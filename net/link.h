/* One network interface, two implementations: net/real.c (libevent, sockets) and net/sim.c (virtual
 * clock, simulated network). For harness, fuzz, pcap and server; it carries octets and time and knows no command.
 * Everything opened here belongs to its struct net; single-threaded; callbacks come from net_run() only. */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- addresses ---------------------------------------------------------------------------- */

struct net_addr {
	uint8_t octets[16]; /* IPv4: the first four, the rest zero */
	uint32_t scope;     /* IPv6 link-local, else 0 */
	uint16_t port;      /* host order */
	uint8_t family;     /* 4 or 6; 0: none */
	uint8_t zero;       /* so that memcmp compares */
};

enum { NET_ADDR_TEXT = 72 };

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);
/* "192.0.2.7:1950", "[::1]:1950", "name:1950" (resolved, first answer). 0, or a negative errno-like code whose
 * text net_error_text() gives. */
int net_addr_parse(struct net_addr *addr, const char *text);
/* As above reads it; NUL-terminated; returns to. */
const char *net_addr_format(const struct net_addr *addr, char to[NET_ADDR_TEXT]);
bool net_addr_is_loopback(const struct net_addr *addr);
bool net_addr_is_wildcard(const struct net_addr *addr);
/* A wildcard address becomes the one that this host sends from to `to`; the port stays. What cannot be told stays as it is. */
void net_addr_source(struct net_addr *local, const struct net_addr *to);
enum { NET_INTERFACE = 16 };
/* The name of the interface that such packets pass. */
bool net_interface_towards(char name[NET_INTERFACE], const struct net_addr *to);

/* ---- the network, its clock and its loop ---------------------------------------------------- */

struct net;
struct net_timer;

/* Errors everywhere below: 0 or positive is success, negative is -errno. Never NULL. */
const char *net_error_text(int error);

void net_free(struct net *net); /* closes and frees whatever is still open, timers too; no callback comes any more */

/* Nanoseconds on a clock that never steps: CLOCK_MONOTONIC, or the virtual clock (which starts at 1 s). All
 * `at` values of one net are on it: kernel receive timestamps are converted. */
int64_t net_now(struct net *net);
/* What to add to a net_now() value to get nanoseconds since 1970. */
int64_t net_wall_offset(struct net *net);
/* How often the wall clock was seen to step (by more than 1 ms) since the start: kernel timestamps across a step are doubtful. */
unsigned net_clock_steps(const struct net *net);

/* Runs until net_stop(), or (sim) until nothing can happen any more. Returns 1 if stopped, 0 if it ran dry. */
int net_run(struct net *net);
/* This turn of the loop is finished first; called between two runs, the next one makes a single turn. */
void net_stop(struct net *net);
/* Hands queued datagrams to the kernel now instead of at the end of this turn of the loop. */
void net_flush(struct net *net);

struct net_timer *net_timer_new(struct net *net, void (*due)(void *context), void *context);
void net_timer_at(struct net_timer *timer, int64_t at); /* one shot; a second call moves it; the past means at once */
void net_timer_stop(struct net_timer *timer);
void net_timer_free(struct net_timer *timer);           /* NULL is fine; allowed in its own callback */

/* ---- UDP ------------------------------------------------------------------------------------ */

struct net_udp;

struct net_datagram {
	struct net_addr peer;   /* where it came from */
	struct net_addr local;  /* where it was sent to (IP_PKTINFO) */
	int64_t at;             /* when the kernel got it; never smaller than the one before on this socket */
	const char *octets;     /* valid during the callback only */
	size_t length;
	bool truncated;         /* it was longer than 65535 octets or the buffer */
};

struct net_udp_events {
	/* Up to 64 datagrams a call, in the order of arrival. */
	void (*received)(void *context, const struct net_datagram *datagrams, size_t count);
	/* An ICMP error for a datagram sent to peer (IP_RECVERR): error is ECONNREFUSED and the like; or the kernel would
	 * not even send it: ENETUNREACH, EPERM… May be NULL. */
	void (*refused)(void *context, const struct net_addr *peer, int error, int64_t at);
};

/* An unconnected socket bound to local (port 0: any free one). */
int net_udp_open(struct net *net, const struct net_addr *local, const struct net_udp_events *events, void *context,
                 struct net_udp **udp);
void net_udp_close(struct net_udp *udp); /* allowed in its own callbacks */
void net_udp_local(const struct net_udp *udp, struct net_addr *local);
/* Queues one datagram (copied); up to 64 go out in one system call at the end of this turn of the loop, or on net_flush().
 * from: the local address to send from (the datagram.local of what it answers), NULL: the kernel's choice.
 * What the kernel has no room for is lost, as datagrams are. -EMSGSIZE above 65507 octets. */
int net_udp_send(struct net_udp *udp, const struct net_addr *to, const struct net_addr *from, const char *octets, size_t length);
/* Stops or goes on reading; what arrives meanwhile waits in the kernel, or is lost. */
void net_udp_read(struct net_udp *udp, bool on);
/* How many datagrams the kernel dropped at this socket for want of room (SO_RXQ_OVFL), so far. */
uint64_t net_udp_dropped(const struct net_udp *udp);

/* ---- TCP ------------------------------------------------------------------------------------ */

struct net_tcp;
struct net_listener;

enum net_end { NET_END_FIN, NET_END_RESET, NET_END_REFUSED, NET_END_UNREACHABLE, NET_END_ERROR };

struct net_tcp_events {
	void (*connected)(void *context);                                             /* outgoing connections only; may be NULL */
	/* At most 64 KiB a call; at: when the last of its segments arrived. */
	void (*received)(void *context, const char *octets, size_t length, int64_t at);
	/* FIN: the peer sends no more; our side stays open until net_tcp_close(). Any other end: the connection is gone,
	 * but the struct stays valid until net_tcp_close(). Comes once for a FIN and once for an end other than FIN. */
	void (*ended)(void *context, enum net_end end, int error, int64_t at);
	/* All that was queued is in the kernel; comes each time that becomes so. May be NULL. */
	void (*drained)(void *context);
};

/* Asked for at the end of the turn, or later: a peer gets no third one while there are two that it may not have accepted
 * (docs/decisions/accept-queue.md). Closed before that, it was never asked for. */
int net_tcp_connect(struct net *net, const struct net_addr *to, const struct net_tcp_events *events, void *context, struct net_tcp **tcp);
void net_tcp_close(struct net_tcp *tcp);     /* FIN after what is queued is sent (or 10 s have passed); no callback comes any more */
void net_tcp_reset(struct net_tcp *tcp);     /* RST at once; frees it */
void net_tcp_shutdown(struct net_tcp *tcp);  /* FIN after what is queued; reading goes on */
void net_tcp_read(struct net_tcp *tcp, bool on);
void net_tcp_local(const struct net_tcp *tcp, struct net_addr *local);
void net_tcp_peer(const struct net_tcp *tcp, struct net_addr *peer);
/* Queues octets (copied) behind what waits; small sends of one turn of the loop leave in one system call and,
 * with TCP_NODELAY set, one segment if they fit. -EPIPE once the connection is gone. */
int net_tcp_send(struct net_tcp *tcp, const char *octets, size_t length);
/* Hands what is queued to the kernel now, so that what follows is a segment of its own. Before it is connected: nothing. */
void net_tcp_push(struct net_tcp *tcp);
/* Octets queued here that the kernel has not taken yet (ROB-03 counts these). */
size_t net_tcp_backlog(const struct net_tcp *tcp);
/* Octets handed to the kernel that the peer has not acknowledged (SIOCOUTQ; sim: not yet delivered). */
size_t net_tcp_in_flight(const struct net_tcp *tcp);
/* A small receive buffer and small segments, so that little waits in the kernels when we stop reading: some hundred KiB
 * instead of several MiB. In the turn of net_tcp_connect(), which asks for the connection at the end of the turn (or when
 * net_tcp_local() wants to know). On an accepted connection it comes too late for most of its effect. */
void net_tcp_small_window(struct net_tcp *tcp);

struct net_listener_events {
	/* A new connection; set its events with net_tcp_accept() before returning, or it is reset. */
	void (*accepted)(void *context, struct net_tcp *tcp);
	/* Out of file descriptors or memory: the connection was refused. Comes once per spell of shortage; over: false at its start,
	 * true (with error 0) when accepting works again. May be NULL. */
	void (*short_of)(void *context, int error, bool over);
};

int net_tcp_listen(struct net *net, const struct net_addr *local, const struct net_listener_events *events, void *context,
                   struct net_listener **listener);
void net_listener_close(struct net_listener *listener);
void net_listener_local(const struct net_listener *listener, struct net_addr *local);
void net_tcp_accept(struct net_tcp *tcp, const struct net_tcp_events *events, void *context);

#endif
