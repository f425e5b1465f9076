/* What net/link.c hands its calls to, and what the two implementations have in common.
 * Private to net/. Each implementation's objects begin with the structs below; the implementation owns them all,
 * and what is closed inside a callback stays in the graveyard until the turn of the loop is over. */
#ifndef NET_OPS_H
#define NET_OPS_H

#include "net/link.h"

enum {
	NET_BATCH = 64,          /* datagrams a system call, a callback */
	NET_MAX_DATAGRAM = 65507,
	NET_READ_AT_ONCE = 65536 /* octets of TCP a callback */
};
#define NET_LINGER ((int64_t)10 * 1000000000) /* how long net_tcp_close() tries to get rid of what is queued */

struct net_object {
	struct net *net;
	struct net_object *next_grave;
};

struct net {
	const struct net_ops *ops;
	struct net_object *graves;
	bool stopped;
};

struct net_timer {
	struct net_object object;
	void (*due)(void *context);
	void *context;
};

struct net_udp {
	struct net_object object;
	struct net_udp_events events;
	void *context;
};

struct net_tcp {
	struct net_object object;
	struct net_tcp_events events;
	void *context;
};

struct net_listener {
	struct net_object object;
	struct net_listener_events events;
	void *context;
};

struct net_ops {
	void (*free)(struct net *);
	int64_t (*now)(struct net *);
	int64_t (*wall_offset)(struct net *);
	unsigned (*clock_steps)(const struct net *);
	int (*run)(struct net *);
	void (*flush)(struct net *);

	struct net_timer *(*timer_new)(struct net *);
	void (*timer_at)(struct net_timer *, int64_t at);
	void (*timer_stop)(struct net_timer *);
	void (*timer_free)(struct net_timer *);

	/* The open calls set *out; link.c has not filled in events and context yet, so they must not call back. */
	int (*udp_open)(struct net *, const struct net_addr *local, struct net_udp **out);
	void (*udp_close)(struct net_udp *);
	void (*udp_local)(const struct net_udp *, struct net_addr *);
	int (*udp_send)(struct net_udp *, const struct net_addr *to, const struct net_addr *from, const char *, size_t);
	void (*udp_read)(struct net_udp *, bool on);
	uint64_t (*udp_dropped)(const struct net_udp *);

	int (*tcp_connect)(struct net *, const struct net_addr *to, struct net_tcp **out);
	void (*tcp_accept)(struct net_tcp *);
	void (*tcp_close)(struct net_tcp *);
	void (*tcp_reset)(struct net_tcp *);
	void (*tcp_shutdown)(struct net_tcp *);
	void (*tcp_read)(struct net_tcp *, bool on);
	void (*tcp_local)(const struct net_tcp *, struct net_addr *);
	void (*tcp_peer)(const struct net_tcp *, struct net_addr *);
	int (*tcp_send)(struct net_tcp *, const char *, size_t);
	void (*tcp_push)(struct net_tcp *);
	size_t (*tcp_backlog)(const struct net_tcp *);
	size_t (*tcp_in_flight)(const struct net_tcp *);
	void (*tcp_small_window)(struct net_tcp *);

	int (*tcp_listen)(struct net *, const struct net_addr *local, struct net_listener **out);
	void (*listener_close)(struct net_listener *);
	void (*listener_local)(const struct net_listener *, struct net_addr *);
};

/* Closed: to be freed (with free()) when no callback can be running any more. */
void net_bury(struct net_object *object);
void net_free_buried(struct net *net);
/* calloc(), or the end of the program. */
void *net_need(size_t size);

struct sockaddr;
/* IPv4 in IPv6's clothes comes out as family 4; an unknown family as 0. */
void net_addr_from_sockaddr(struct net_addr *addr, const struct sockaddr *from);

#endif
