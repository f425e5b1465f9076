/* The calls of net/link.h, handed to the implementation that the net was made with.
 * For everybody. What is the same in both is done here: argument checks, the graveyard. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/ops.h"

#define OPS(thing) ((thing)->object.net->ops)

void *net_need(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory) {
		fputs("net: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void net_bury(struct net_object *object)
{
	object->next_grave = object->net->graves;
	object->net->graves = object;
}

void net_free_buried(struct net *net)
{
	while (net->graves) {
		struct net_object *object = net->graves;

		net->graves = object->next_grave;
		free(object);
	}
}

/* ---- the net, its clock, its timers --------------------------------------------------------- */

void net_free(struct net *net)
{
	if (net)
		net->ops->free(net);
}

int64_t net_now(struct net *net)
{
	return net->ops->now(net);
}

int64_t net_wall_offset(struct net *net)
{
	return net->ops->wall_offset(net);
}

unsigned net_clock_steps(const struct net *net)
{
	return net->ops->clock_steps(net);
}

int net_run(struct net *net)
{
	int stopped = net->ops->run(net);

	net->stopped = false;
	return stopped;
}

void net_stop(struct net *net)
{
	net->stopped = true;
}

void net_flush(struct net *net)
{
	net->ops->flush(net);
}

struct net_timer *net_timer_new(struct net *net, void (*due)(void *context), void *context)
{
	struct net_timer *timer = net->ops->timer_new(net);

	timer->due = due;
	timer->context = context;
	return timer;
}

void net_timer_at(struct net_timer *timer, int64_t at)
{
	OPS(timer)->timer_at(timer, at);
}

void net_timer_stop(struct net_timer *timer)
{
	OPS(timer)->timer_stop(timer);
}

void net_timer_free(struct net_timer *timer)
{
	if (timer)
		OPS(timer)->timer_free(timer);
}

/* ---- UDP ------------------------------------------------------------------------------------ */

int net_udp_open(struct net *net, const struct net_addr *local, const struct net_udp_events *events, void *context,
                 struct net_udp **udp)
{
	int error = net->ops->udp_open(net, local, udp);

	if (error)
		return error;
	(*udp)->events = *events;
	(*udp)->context = context;
	return 0;
}

void net_udp_close(struct net_udp *udp)
{
	OPS(udp)->udp_close(udp);
}

void net_udp_local(const struct net_udp *udp, struct net_addr *local)
{
	OPS(udp)->udp_local(udp, local);
}

int net_udp_send(struct net_udp *udp, const struct net_addr *to, const struct net_addr *from, const char *octets, size_t length)
{
	if (length > NET_MAX_DATAGRAM)
		return -EMSGSIZE;
	return OPS(udp)->udp_send(udp, to, from, octets, length);
}

void net_udp_read(struct net_udp *udp, bool on)
{
	OPS(udp)->udp_read(udp, on);
}

uint64_t net_udp_dropped(const struct net_udp *udp)
{
	return OPS(udp)->udp_dropped(udp);
}

/* ---- TCP ------------------------------------------------------------------------------------ */

int net_tcp_connect(struct net *net, const struct net_addr *to, const struct net_tcp_events *events, void *context, struct net_tcp **tcp)
{
	int error = net->ops->tcp_connect(net, to, tcp);

	if (error)
		return error;
	(*tcp)->events = *events;
	(*tcp)->context = context;
	return 0;
}

void net_tcp_accept(struct net_tcp *tcp, const struct net_tcp_events *events, void *context)
{
	tcp->events = *events;
	tcp->context = context;
	OPS(tcp)->tcp_accept(tcp);
}

void net_tcp_close(struct net_tcp *tcp)
{
	OPS(tcp)->tcp_close(tcp);
}

void net_tcp_reset(struct net_tcp *tcp)
{
	OPS(tcp)->tcp_reset(tcp);
}

void net_tcp_shutdown(struct net_tcp *tcp)
{
	OPS(tcp)->tcp_shutdown(tcp);
}

void net_tcp_read(struct net_tcp *tcp, bool on)
{
	OPS(tcp)->tcp_read(tcp, on);
}

void net_tcp_local(const struct net_tcp *tcp, struct net_addr *local)
{
	OPS(tcp)->tcp_local(tcp, local);
}

void net_tcp_peer(const struct net_tcp *tcp, struct net_addr *peer)
{
	OPS(tcp)->tcp_peer(tcp, peer);
}

int net_tcp_send(struct net_tcp *tcp, const char *octets, size_t length)
{
	return OPS(tcp)->tcp_send(tcp, octets, length);
}

void net_tcp_push(struct net_tcp *tcp)
{
	OPS(tcp)->tcp_push(tcp);
}

size_t net_tcp_backlog(const struct net_tcp *tcp)
{
	return OPS(tcp)->tcp_backlog(tcp);
}

size_t net_tcp_in_flight(const struct net_tcp *tcp)
{
	return OPS(tcp)->tcp_in_flight(tcp);
}

void net_tcp_small_window(struct net_tcp *tcp)
{
	OPS(tcp)->tcp_small_window(tcp);
}

int net_tcp_listen(struct net *net, const struct net_addr *local, const struct net_listener_events *events, void *context,
                   struct net_listener **listener)
{
	int error = net->ops->tcp_listen(net, local, listener);

	if (error)
		return error;
	(*listener)->events = *events;
	(*listener)->context = context;
	return 0;
}

void net_listener_close(struct net_listener *listener)
{
	OPS(listener)->listener_close(listener);
}

void net_listener_local(const struct net_listener *listener, struct net_addr *local)
{
	OPS(listener)->listener_local(listener, local);
}
