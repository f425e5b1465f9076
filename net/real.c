/* The real network: its loop, clock and timers, and what its sockets share.
 * For main functions through net/real.h; the rest of net/real*.c through net/real_net.h.
 * struct real_net owns the loop and everything opened on it. */
#include <errno.h>
#include <ifaddrs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/real.h"
#include "net/real_net.h"

enum { SECOND = 1000000000, STEP = 1000000, SLEWED_PER = 2000 }; /* the kernel slews by 500 ppm at most */

struct real_timer {
	struct net_timer timer;
	LIST_ENTRY(real_timer) all;
	struct event event;
	int64_t at;
};

/* ---- the clock ------------------------------------------------------------------------------ */

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

int64_t real_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

static int64_t now_op(struct net *net)
{
	(void)net;
	return real_now();
}

/* Of a few tries the one least disturbed. */
static int64_t offset_measure(int64_t *at)
{
	int64_t best = INT64_MAX, offset = 0;

	for (int tries = 0; tries < 4 && best > 5000; tries++) {
		int64_t before = real_now();
		int64_t wall = clock_read(CLOCK_REALTIME);
		int64_t took = real_now() - before;

		if (took < best) {
			best = took;
			*at = before;
			offset = wall - before - took / 2;
		}
	}
	return offset;
}

void real_measure_offset(struct real_net *real)
{
	int64_t at = 0;
	int64_t offset = offset_measure(&at);
	int64_t moved = llabs(offset - real->offset);

	if (moved > STEP + (at - real->offset_at) / SLEWED_PER)
		real->steps++;
	real->offset = offset;
	real->offset_at = at;
}

int64_t real_stamp(struct real_net *real, const struct timespec *stamp, int64_t earliest)
{
	int64_t now = real_now();
	int64_t at = stamp->tv_sec ? (int64_t)stamp->tv_sec * SECOND + stamp->tv_nsec - real->offset : now;

	if (at > now)
		at = now;
	return at < earliest ? earliest : at;
}

static int64_t wall_offset_op(struct net *net)
{
	real_measure_offset((struct real_net *)net);
	return ((struct real_net *)net)->offset;
}

static unsigned clock_steps_op(const struct net *net)
{
	return ((const struct real_net *)net)->steps;
}

/* ---- the loop ------------------------------------------------------------------------------- */

void real_due_add(struct real_net *real, struct real_due *due)
{
	if (due->queued)
		return;
	due->queued = true;
	due->turn = real->turn;
	TAILQ_INSERT_TAIL(&real->dues, due, entry);
}

void real_due_remove(struct real_net *real, struct real_due *due)
{
	if (due->queued)
		TAILQ_REMOVE(&real->dues, due, entry);
	due->queued = false;
}

/* What becomes due during the visits waits for the next turn: nobody keeps the loop to himself. */
static void turn_end(struct real_net *real)
{
	struct real_due *due;

	real->turn++;
	while ((due = TAILQ_FIRST(&real->dues)) && due->turn < real->turn) {
		real_due_remove(real, due);
		due->visit(due);
	}
	real_udp_flush(real);
	net_free_buried(&real->net);
}

static int run_op(struct net *net)
{
	struct real_net *real = (struct real_net *)net;

	for (;;) {
		turn_end(real);
		if (net->stopped)
			return 1;
		bool idle = TAILQ_EMPTY(&real->dues);
		if (event_base_loop(real->base, idle ? EVLOOP_ONCE : EVLOOP_NONBLOCK) && idle)
			return 0;
	}
}

static void flush_op(struct net *net)
{
	real_udp_flush((struct real_net *)net);
}

/* ---- timers --------------------------------------------------------------------------------- */

static void timer_at_op(struct net_timer *base, int64_t at)
{
	struct real_timer *timer = (struct real_timer *)base;
	int64_t wait = at - real_now();
	int64_t us = wait > 0 ? (wait + 999) / 1000 : 0;
	struct timeval after = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };

	timer->at = at;
	event_add(&timer->event, &after);
}

static void timer_due(evutil_socket_t fd, short what, void *context)
{
	struct real_timer *timer = context;

	(void)fd;
	(void)what;
	if (real_now() < timer->at)
		timer_at_op(&timer->timer, timer->at);
	else
		timer->timer.due(timer->timer.context);
}

static struct net_timer *timer_new_op(struct net *net)
{
	struct real_net *real = (struct real_net *)net;
	struct real_timer *timer = net_need(sizeof(*timer));

	timer->timer.object.net = net;
	evtimer_assign(&timer->event, real->base, timer_due, timer);
	LIST_INSERT_HEAD(&real->timers, timer, all);
	return &timer->timer;
}

static void timer_stop_op(struct net_timer *base)
{
	event_del(&((struct real_timer *)base)->event);
}

static void timer_free_op(struct net_timer *base)
{
	struct real_timer *timer = (struct real_timer *)base;

	event_del(&timer->event);
	LIST_REMOVE(timer, all);
	net_bury(&base->object);
}

/* ---- sockets -------------------------------------------------------------------------------- */

int real_family(const struct net_addr *addr)
{
	return addr->family == 4 ? AF_INET : addr->family == 6 ? AF_INET6 : AF_UNSPEC;
}

socklen_t real_sockaddr(struct sockaddr_in6 *to, const struct net_addr *addr, int family)
{
	memset(to, 0, sizeof(*to));
	if (family == AF_INET && addr->family == 4) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(addr->port) };

		memcpy(&in.sin_addr, addr->octets, 4);
		memcpy(to, &in, sizeof(in));
		return sizeof(in);
	}
	if (family != AF_INET6 || (addr->family != 4 && addr->family != 6))
		return 0;
	to->sin6_family = AF_INET6;
	to->sin6_port = htons(addr->port);
	to->sin6_scope_id = addr->scope;
	if (addr->family == 4) {
		to->sin6_addr.s6_addr[10] = to->sin6_addr.s6_addr[11] = 0xff;
		memcpy(to->sin6_addr.s6_addr + 12, addr->octets, 4);
	} else {
		memcpy(to->sin6_addr.s6_addr, addr->octets, 16);
	}
	return sizeof(*to);
}

void real_local(int fd, struct net_addr *local)
{
	struct sockaddr_in6 name = { 0 };
	socklen_t length = sizeof(name);

	(void)getsockname(fd, (struct sockaddr *)&name, &length);
	net_addr_from_sockaddr(local, (const struct sockaddr *)&name);
}

void real_peer(int fd, struct net_addr *peer)
{
	struct sockaddr_in6 name = { 0 };
	socklen_t length = sizeof(name);

	(void)getpeername(fd, (struct sockaddr *)&name, &length);
	net_addr_from_sockaddr(peer, (const struct sockaddr *)&name);
}

int real_socket(const struct net_addr *addr, int type)
{
	int family = real_family(addr);
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return family == AF_UNSPEC ? -EAFNOSUPPORT : -errno;
	real_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	return fd;
}

int real_bind(int fd, const struct net_addr *local)
{
	struct sockaddr_in6 name;
	socklen_t length = real_sockaddr(&name, local, real_family(local));

	if (local->family == 6)
		real_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !net_addr_is_wildcard(local));
	return bind(fd, (struct sockaddr *)&name, length) ? -errno : 0;
}

/* The kernel chooses it when a datagram socket is connected, which sends nothing. */
static void ask_for_source(struct net_addr *source, const struct net_addr *to)
{
	struct sockaddr_in6 name;
	socklen_t length = real_sockaddr(&name, to, real_family(to));
	int fd = socket(real_family(to), SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&name, length) == 0)
		real_local(fd, source);
	close(fd);
}

void net_addr_source(struct net_addr *local, const struct net_addr *to)
{
	struct net_addr source = { .family = to->family };

	if (!net_addr_is_wildcard(local))
		return;
	if (!net_addr_is_loopback(to))
		ask_for_source(&source, to);
	else if (to->family == 4)
		memcpy(source.octets, (const uint8_t[4]){ 127, 0, 0, 1 }, 4);
	else
		source.octets[15] = 1;
	source.port = local->port;
	*local = source;
}

bool net_interface_towards(char name[NET_INTERFACE], const struct net_addr *to)
{
	struct net_addr local = { .family = to->family }, address;
	struct ifaddrs *all;
	bool found = false;

	net_addr_source(&local, to);
	if (getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *each = all; each != NULL && !found; each = each->ifa_next) {
		if (each->ifa_addr == NULL || (each->ifa_addr->sa_family != AF_INET && each->ifa_addr->sa_family != AF_INET6))
			continue;
		net_addr_from_sockaddr(&address, each->ifa_addr);
		found = address.family == local.family && memcmp(address.octets, local.octets, sizeof(local.octets)) == 0;
		if (found)
			snprintf(name, NET_INTERFACE, "%s", each->ifa_name);
	}
	freeifaddrs(all);
	return found;
}

/* ---- the net -------------------------------------------------------------------------------- */

static void free_op(struct net *net)
{
	struct real_net *real = (struct real_net *)net;

	real_udp_flush(real);
	while (!LIST_EMPTY(&real->timers))
		timer_free_op(&LIST_FIRST(&real->timers)->timer);
	real_listener_free_all(real);
	real_tcp_free_all(real);
	real_udp_free_all(real);
	net_free_buried(net);
	event_del(&real->pace.due);
	event_base_free(real->base);
	free(real);
}

static const struct net_ops real_ops = {
	.free = free_op, .now = now_op, .wall_offset = wall_offset_op, .clock_steps = clock_steps_op,
	.run = run_op, .flush = flush_op,
	.timer_new = timer_new_op, .timer_at = timer_at_op, .timer_stop = timer_stop_op, .timer_free = timer_free_op,
	.udp_open = real_udp_open, .udp_close = real_udp_close, .udp_local = real_udp_local, .udp_send = real_udp_send,
	.udp_read = real_udp_read, .udp_dropped = real_udp_dropped,
	.tcp_connect = real_tcp_connect, .tcp_accept = real_tcp_accept, .tcp_close = real_tcp_close,
	.tcp_reset = real_tcp_reset, .tcp_shutdown = real_tcp_shutdown, .tcp_read = real_tcp_read,
	.tcp_local = real_tcp_local, .tcp_peer = real_tcp_peer, .tcp_send = real_tcp_send, .tcp_push = real_tcp_push,
	.tcp_backlog = real_tcp_backlog, .tcp_in_flight = real_tcp_in_flight, .tcp_small_window = real_tcp_small_window,
	.tcp_listen = real_tcp_listen, .listener_close = real_listener_close, .listener_local = real_listener_local,
};

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	/* No cached time: a timer set late in a turn must not be due early. */
	if (!event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NO_CACHE_TIME | EVENT_BASE_FLAG_NOLOCK))
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct net *net_real_new(void)
{
	struct real_net *real = net_need(sizeof(*real));

	real->net.ops = &real_ops;
	real->base = base_new();
	if (!real->base) {
		free(real);
		return NULL;
	}
	TAILQ_INIT(&real->dues);
	real_pace_init(&real->pace, real);
	real->offset = offset_measure(&real->offset_at);
	return &real->net;
}

struct event_base *net_real_base(struct net *net)
{
	return ((struct real_net *)net)->base;
}
