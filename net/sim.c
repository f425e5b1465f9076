/* The simulated network: its clock, its heap of events, its chance, and what its sockets share.
 * For main functions, fuzz targets and tests through net/sim.h; the rest of net/sim*.c through net/sim_net.h.
 * struct sim_net owns every event, packet and socket. Nothing here asks the machine for time or chance. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/sim_net.h"

#define FIXED_DATE (INT64_C(1511367000) * 1000000000) /* 2017-11-22 */
enum {
	START = 1000000000, USUAL_LATENCY = 50000, USUAL_TCP_BUFFER = 64 << 10, USUAL_UDP_BUFFER = 256 << 10,
	FIRST_PORT = 10000, LAST_PORT = 65535
};

struct sim_timer {
	struct net_timer timer;
	LIST_ENTRY(sim_timer) all;
	struct sim_event event;
};

/* ---- the heap ------------------------------------------------------------------------------- */

static bool earlier(const struct sim_slot *a, const struct sim_slot *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void slot_set(struct sim_net *sim, size_t place, struct sim_slot slot)
{
	sim->heap[place] = slot;
	slot.event->place = place;
}

static void slot_rise(struct sim_net *sim, size_t place, struct sim_slot slot)
{
	for (; place > 1 && earlier(&slot, &sim->heap[place / 2]); place /= 2)
		slot_set(sim, place, sim->heap[place / 2]);
	slot_set(sim, place, slot);
}

static void slot_sink(struct sim_net *sim, size_t place, struct sim_slot slot)
{
	for (size_t child; (child = place * 2) <= sim->planned; place = child) {
		if (child < sim->planned && earlier(&sim->heap[child + 1], &sim->heap[child]))
			child++;
		if (!earlier(&sim->heap[child], &slot))
			break;
		slot_set(sim, place, sim->heap[child]);
	}
	slot_set(sim, place, slot);
}

void sim_cancel(struct sim_net *sim, struct sim_event *event)
{
	size_t place = event->place;

	if (!place)
		return;
	event->place = 0;
	struct sim_slot last = sim->heap[sim->planned--];
	if (place > sim->planned)
		return;
	if (place > 1 && earlier(&last, &sim->heap[place / 2]))
		slot_rise(sim, place, last);
	else
		slot_sink(sim, place, last);
}

void sim_plan(struct sim_net *sim, struct sim_event *event, int64_t at)
{
	sim_cancel(sim, event);
	if (sim->planned + 2 > sim->room) {
		size_t room = sim->room ? sim->room * 2 : 64;
		struct sim_slot *heap = net_need(room * sizeof(*heap));

		if (sim->planned)
			memcpy(heap, sim->heap, (sim->planned + 1) * sizeof(*heap));
		free(sim->heap);
		sim->heap = heap;
		sim->room = room;
	}
	slot_rise(sim, ++sim->planned, (struct sim_slot){ at > sim->now ? at : sim->now, sim->orders++, event });
}

struct sim_event *sim_next_now(struct sim_net *sim, void (*due)(struct sim_event *event))
{
	struct sim_slot *next = sim->planned ? &sim->heap[1] : NULL;

	return next && next->at == sim->now && next->event->due == due ? next->event : NULL;
}

/* ---- chance --------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t random_next(struct sim_net *sim)
{
	uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

bool sim_chance(struct sim_net *sim, double probability)
{
	return probability > 0 && (double)(random_next(sim) >> 11) * 0x1p-53 < probability;
}

int64_t sim_below(struct sim_net *sim, int64_t bound)
{
	return (int64_t)(random_next(sim) % (uint64_t)bound);
}

int64_t sim_delay(struct sim_net *sim)
{
	return sim->options.latency + (sim->options.jitter > 0 ? sim_below(sim, sim->options.jitter + 1) : 0);
}

/* ---- packets -------------------------------------------------------------------------------- */

static const size_t size_of[SIM_SIZES] = { 256, 1024, 4096, 16384, 65536 };

struct sim_packet *sim_packet_new(struct sim_net *sim, enum sim_kind kind, const char *octets, size_t length)
{
	struct sim_packet *packet;
	unsigned size = 0;

	while (size_of[size] < length)
		size++;
	packet = STAILQ_FIRST(&sim->spare[size]);
	if (packet)
		STAILQ_REMOVE_HEAD(&sim->spare[size], next);
	else
		packet = net_need(sizeof(*packet) + size_of[size]);
	packet->event.place = 0;
	packet->net = &sim->net;
	packet->end = NULL;
	packet->kind = kind;
	packet->size = size;
	packet->length = length;
	if (length)
		memcpy(packet->octets, octets, length);
	return packet;
}

void sim_packet_free(struct sim_net *sim, struct sim_packet *packet)
{
	sim_cancel(sim, &packet->event);
	STAILQ_INSERT_HEAD(&sim->spare[packet->size], packet, next);
}

/* ---- who is bound where --------------------------------------------------------------------- */

static void *bound_at(struct sim_net *sim, enum sim_protocol protocol, const struct net_addr *at)
{
	struct sim_bound *found;

	HASH_FIND(hh, sim->bound[protocol], at, sizeof(*at), found);
	return found ? found->owner : NULL;
}

void *sim_find(struct sim_net *sim, enum sim_protocol protocol, const struct net_addr *at)
{
	struct net_addr wildcard = { .port = at->port, .family = at->family };
	void *owner = bound_at(sim, protocol, at);

	if (!owner)
		owner = bound_at(sim, protocol, &wildcard);
	wildcard.family = 6; /* [::] serves IPv4, too */
	return owner || at->family == 6 ? owner : bound_at(sim, protocol, &wildcard);
}

static bool clash(const struct net_addr *wildcard, const struct net_addr *other)
{
	return wildcard->port == other->port &&
	       (wildcard->family == other->family || wildcard->family == 6 || net_addr_is_wildcard(other));
}

static bool taken(struct sim_net *sim, enum sim_protocol protocol, const struct net_addr *local)
{
	struct sim_bound *other, *next;

	if (!net_addr_is_wildcard(local))
		return sim_find(sim, protocol, local);
	HASH_ITER(hh, sim->bound[protocol], other, next)
		if (clash(local, &other->local))
			return true;
	return false;
}

uint16_t sim_free_port(struct sim_net *sim, enum sim_protocol protocol, const struct net_addr *local)
{
	struct net_addr wanted = *local;

	for (int tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
		wanted.port = sim->next_port[protocol];
		sim->next_port[protocol] = wanted.port == LAST_PORT ? FIRST_PORT : (uint16_t)(wanted.port + 1);
		if (!taken(sim, protocol, &wanted))
			return wanted.port;
	}
	return 0;
}

int sim_bind(struct sim_net *sim, enum sim_protocol protocol, struct sim_bound *bound, const struct net_addr *local, void *owner)
{
	if (local->family != 4 && local->family != 6)
		return -EAFNOSUPPORT;
	bound->local = *local;
	bound->owner = owner;
	if (!local->port)
		bound->local.port = sim_free_port(sim, protocol, local);
	if (!bound->local.port || taken(sim, protocol, &bound->local))
		return -EADDRINUSE;
	HASH_ADD(hh, sim->bound[protocol], local, sizeof(bound->local), bound);
	return 0;
}

void sim_unbind(struct sim_net *sim, enum sim_protocol protocol, struct sim_bound *bound)
{
	HASH_DELETE(hh, sim->bound[protocol], bound);
}

struct net_addr sim_source(unsigned family, uint16_t port)
{
	if (family == 4)
		return (struct net_addr){ .octets = { 127, 0, 0, 1 }, .port = port, .family = 4 };
	return (struct net_addr){ .octets = { [15] = 1 }, .port = port, .family = 6 };
}

/* ---- the clock and the loop ----------------------------------------------------------------- */

static int64_t now_op(struct net *net)
{
	return ((struct sim_net *)net)->now;
}

static int64_t wall_offset_op(struct net *net)
{
	return ((struct sim_net *)net)->options.wall;
}

static unsigned clock_steps_op(const struct net *net)
{
	(void)net;
	return 0;
}

static void flush_op(struct net *net)
{
	(void)net; /* datagrams leave as they are sent: no time passes within a turn */
}

static void turn_end(struct sim_net *sim)
{
	sim_tcp_visit_dues(sim);
	net_free_buried(&sim->net);
}

static void turn(struct sim_net *sim)
{
	struct sim_slot next = sim->heap[1];

	sim_cancel(sim, next.event);
	sim->now = next.at;
	next.event->due(next.event);
	turn_end(sim);
}

static int run_op(struct net *net)
{
	struct sim_net *sim = (struct sim_net *)net;

	turn_end(sim);
	while (!net->stopped) {
		if (!sim->planned)
			return 0;
		turn(sim);
	}
	return 1;
}

void net_sim_run_until(struct net *net, int64_t at)
{
	struct sim_net *sim = (struct sim_net *)net;

	turn_end(sim);
	while (!net->stopped && sim->planned && sim->heap[1].at <= at)
		turn(sim);
	if (!net->stopped && at > sim->now)
		sim->now = at;
	net->stopped = false;
}

/* ---- timers --------------------------------------------------------------------------------- */

static void timer_due(struct sim_event *event)
{
	struct sim_timer *timer = (struct sim_timer *)((char *)event - offsetof(struct sim_timer, event));

	timer->timer.due(timer->timer.context);
}

static struct net_timer *timer_new_op(struct net *net)
{
	struct sim_timer *timer = net_need(sizeof(*timer));

	timer->timer.object.net = net;
	timer->event.due = timer_due;
	LIST_INSERT_HEAD(&((struct sim_net *)net)->timers, timer, all);
	return &timer->timer;
}

static void timer_at_op(struct net_timer *timer, int64_t at)
{
	sim_plan(sim_of(timer), &((struct sim_timer *)timer)->event, at);
}

static void timer_stop_op(struct net_timer *timer)
{
	sim_cancel(sim_of(timer), &((struct sim_timer *)timer)->event);
}

static void timer_free_op(struct net_timer *timer)
{
	timer_stop_op(timer);
	LIST_REMOVE((struct sim_timer *)timer, all);
	net_bury(&timer->object);
}

/* ---- the net -------------------------------------------------------------------------------- */

static void packets_free_spare(struct sim_net *sim)
{
	struct sim_packet *packet;

	for (unsigned size = 0; size < SIM_SIZES; size++)
		while ((packet = STAILQ_FIRST(&sim->spare[size]))) {
			STAILQ_REMOVE_HEAD(&sim->spare[size], next);
			free(packet);
		}
}

static void packets_free_planned(struct sim_net *sim)
{
	while (sim->planned) {
		struct sim_packet *packet = (struct sim_packet *)sim->heap[1].event;

		if (packet->end)
			sim_segment_free(packet);
		else
			sim_packet_free(sim, packet);
	}
}

/* Once all timers and sockets are gone, what is still planned are packets. */
static void free_op(struct net *net)
{
	struct sim_net *sim = (struct sim_net *)net;

	while (!LIST_EMPTY(&sim->timers))
		timer_free_op(&LIST_FIRST(&sim->timers)->timer);
	sim_tcp_free_all(sim);
	sim_udp_free_all(sim);
	packets_free_planned(sim);
	packets_free_spare(sim);
	net_free_buried(net);
	free(sim->heap);
	free(sim);
}

static const struct net_ops sim_ops = {
	.free = free_op, .now = now_op, .wall_offset = wall_offset_op, .clock_steps = clock_steps_op,
	.run = run_op, .flush = flush_op,
	.timer_new = timer_new_op, .timer_at = timer_at_op, .timer_stop = timer_stop_op, .timer_free = timer_free_op,
	.udp_open = sim_udp_open, .udp_close = sim_udp_close, .udp_local = sim_udp_local, .udp_send = sim_udp_send,
	.udp_read = sim_udp_read, .udp_dropped = sim_udp_dropped,
	.tcp_connect = sim_tcp_connect, .tcp_accept = sim_tcp_accept, .tcp_close = sim_tcp_close,
	.tcp_reset = sim_tcp_reset, .tcp_shutdown = sim_tcp_shutdown, .tcp_read = sim_tcp_read,
	.tcp_local = sim_tcp_local, .tcp_peer = sim_tcp_peer, .tcp_send = sim_tcp_send, .tcp_push = sim_tcp_push,
	.tcp_backlog = sim_tcp_backlog, .tcp_in_flight = sim_tcp_in_flight, .tcp_small_window = sim_tcp_small_window,
	.tcp_listen = sim_tcp_listen, .listener_close = sim_listener_close, .listener_local = sim_listener_local,
};

void net_sim_change(struct net *net, const struct net_sim_options *options)
{
	struct sim_net *sim = (struct sim_net *)net;
	struct net_sim_options *now = &sim->options;

	*now = options ? *options : (struct net_sim_options){ 0 };
	now->latency = now->latency ? now->latency : USUAL_LATENCY;
	now->tcp_buffer = now->tcp_buffer ? now->tcp_buffer : USUAL_TCP_BUFFER;
	now->udp_buffer = now->udp_buffer ? now->udp_buffer : USUAL_UDP_BUFFER;
	now->wall = now->wall ? now->wall : FIXED_DATE;
}

struct net *net_sim_new(const struct net_sim_options *options)
{
	struct sim_net *sim = net_need(sizeof(*sim));

	sim->net.ops = &sim_ops;
	net_sim_change(&sim->net, options);
	sim->now = START;
	sim->random = sim->options.seed;
	sim->next_port[SIM_UDP] = sim->next_port[SIM_TCP] = FIRST_PORT;
	for (unsigned size = 0; size < SIM_SIZES; size++)
		STAILQ_INIT(&sim->spare[size]);
	TAILQ_INIT(&sim->dues);
	return &sim->net;
}
