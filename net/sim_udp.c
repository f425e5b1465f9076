/* UDP in the simulated network: loss, duplication, reordering, ICMP refusal, sockets that fill up.
 * For net/sim.c. A packet under way knows addresses only; what a socket holds unread belongs to it. */
#include <errno.h>
#include <string.h>

#include "net/sim_net.h"

enum { OVERHEAD = 128 }; /* what a datagram costs the buffer besides its octets */

struct sim_udp {
	struct net_udp udp;
	LIST_ENTRY(sim_udp) all;
	struct sim_bound bound;
	struct sim_event wake;      /* reading goes on */
	struct sim_packets waiting;
	size_t waiting_octets;
	uint64_t dropped;
	bool reading, closed;
};

/* ---- under way ------------------------------------------------------------------------------ */

static void udp_arrives(struct sim_event *event);

/* Where datagrams from one address to another keep their order; two pairs may share a lane, which does no harm. */
static int64_t *lane_of(struct sim_net *sim, const struct net_addr *from, const struct net_addr *to)
{
	uint32_t hash = from->port * UINT32_C(2654435761) ^ to->port * UINT32_C(2246822519);

	for (int i = 0; i < 16; i++)
		hash = (hash ^ from->octets[i] ^ (uint32_t)to->octets[i] << 8) * UINT32_C(16777619);
	return &sim->lanes[(hash >> 16) % SIM_LANES];
}

static void launch(struct sim_net *sim, enum sim_kind kind, const struct net_addr *from, const struct net_addr *to,
                   const char *octets, size_t length)
{
	struct sim_packet *packet = sim_packet_new(sim, kind, octets, length);
	int64_t at = sim->now + sim_delay(sim);

	packet->event.due = udp_arrives;
	packet->from = *from;
	packet->to = *to;
	if (sim_chance(sim, sim->options.reorder)) {
		at += sim_below(sim, 3 * sim->options.latency + 1);
	} else if (sim->options.jitter > 0) {
		int64_t *lane = lane_of(sim, from, to);

		at = *lane = at > *lane ? at : *lane;
	}
	packet->at = at;
	sim_plan(sim, &packet->event, at);
}

int sim_udp_send(struct net_udp *base, const struct net_addr *to, const struct net_addr *from, const char *octets, size_t length)
{
	struct sim_udp *udp = (struct sim_udp *)base;
	struct sim_net *sim = sim_of(udp);
	struct net_addr source = udp->bound.local;
	bool wildcard = net_addr_is_wildcard(&source);

	if ((to->family != 4 && to->family != 6) || (to->family != source.family && !(wildcard && source.family == 6)))
		return -EAFNOSUPPORT;
	if (wildcard) {
		source = from ? *from : sim_source(to->family, source.port);
		source.port = udp->bound.local.port;
	}
	if (!sim_chance(sim, sim->options.loss))
		launch(sim, SIM_DATAGRAM, &source, to, octets, length);
	if (sim_chance(sim, sim->options.duplicate))
		launch(sim, SIM_DATAGRAM, &source, to, octets, length);
	return 0;
}

/* ---- arriving ------------------------------------------------------------------------------- */

static void batch_deliver(struct sim_udp *udp, struct sim_packet **packets, size_t count)
{
	struct net_datagram *datagrams = sim_of(udp)->batch;

	for (size_t i = 0; i < count; i++)
		datagrams[i] = (struct net_datagram){ .peer = packets[i]->from, .local = packets[i]->to, .at = packets[i]->at,
			.octets = packets[i]->octets, .length = packets[i]->length };
	udp->udp.events.received(udp->udp.context, datagrams, count);
	for (size_t i = 0; i < count; i++)
		sim_packet_free(sim_of(udp), packets[i]);
}

static void udp_woken(struct sim_event *event)
{
	struct sim_udp *udp = (struct sim_udp *)((char *)event - offsetof(struct sim_udp, wake));

	while (udp->reading && !udp->closed && !STAILQ_EMPTY(&udp->waiting)) {
		struct sim_packet *packets[NET_BATCH], *packet;
		size_t count = 0;

		while (count < NET_BATCH && (packet = STAILQ_FIRST(&udp->waiting))) {
			STAILQ_REMOVE_HEAD(&udp->waiting, next);
			udp->waiting_octets -= packet->length + OVERHEAD;
			packets[count++] = packet;
		}
		batch_deliver(udp, packets, count);
	}
}

static void keep_or_drop(struct sim_udp *udp, struct sim_packet *packet)
{
	size_t cost = packet->length + OVERHEAD;

	if (udp->waiting_octets + cost > sim_of(udp)->options.udp_buffer) {
		udp->dropped++;
		sim_packet_free(sim_of(udp), packet);
		return;
	}
	udp->waiting_octets += cost;
	STAILQ_INSERT_TAIL(&udp->waiting, packet, next);
}

/* All that comes to this socket at this very moment, up to a batch. */
static void take_batch(struct sim_udp *udp, struct sim_packet *first)
{
	struct sim_net *sim = sim_of(udp);
	struct sim_packet *packets[NET_BATCH] = { first };
	struct sim_event *event;
	size_t count = 1;

	while (count < NET_BATCH && (event = sim_next_now(sim, udp_arrives))) {
		struct sim_packet *packet = (struct sim_packet *)event;

		if (packet->kind != SIM_DATAGRAM || !net_addr_equal(&packet->to, &first->to))
			break;
		sim_cancel(sim, event);
		packets[count++] = packet;
	}
	batch_deliver(udp, packets, count);
}

static void datagram_arrives(struct sim_net *sim, struct sim_packet *packet)
{
	struct sim_udp *udp = sim_find(sim, SIM_UDP, &packet->to);

	if (udp && udp->reading && STAILQ_EMPTY(&udp->waiting)) {
		take_batch(udp, packet);
	} else if (udp) {
		keep_or_drop(udp, packet);
	} else {
		if (!sim_chance(sim, sim->options.loss))
			launch(sim, SIM_UNREACHABLE, &packet->to, &packet->from, NULL, 0);
		sim_packet_free(sim, packet);
	}
}

static void udp_arrives(struct sim_event *event)
{
	struct sim_packet *packet = (struct sim_packet *)event;
	struct sim_net *sim = (struct sim_net *)packet->net;

	if (packet->kind == SIM_DATAGRAM) {
		datagram_arrives(sim, packet);
		return;
	}
	struct sim_udp *udp = sim_find(sim, SIM_UDP, &packet->to);
	if (udp && udp->udp.events.refused)
		udp->udp.events.refused(udp->udp.context, &packet->from, ECONNREFUSED, packet->at);
	sim_packet_free(sim, packet);
}

/* ---- sockets -------------------------------------------------------------------------------- */

int sim_udp_open(struct net *net, const struct net_addr *local, struct net_udp **out)
{
	struct sim_net *sim = (struct sim_net *)net;
	struct sim_udp *udp = net_need(sizeof(*udp));
	int error = sim_bind(sim, SIM_UDP, &udp->bound, local, udp);

	if (error) {
		free(udp);
		return error;
	}
	udp->udp.object.net = net;
	udp->wake.due = udp_woken;
	udp->reading = true;
	STAILQ_INIT(&udp->waiting);
	LIST_INSERT_HEAD(&sim->udps, udp, all);
	*out = &udp->udp;
	return 0;
}

void sim_udp_close(struct net_udp *base)
{
	struct sim_udp *udp = (struct sim_udp *)base;
	struct sim_packet *packet;

	udp->closed = true;
	sim_unbind(sim_of(udp), SIM_UDP, &udp->bound);
	sim_cancel(sim_of(udp), &udp->wake);
	while ((packet = STAILQ_FIRST(&udp->waiting))) {
		STAILQ_REMOVE_HEAD(&udp->waiting, next);
		sim_packet_free(sim_of(udp), packet);
	}
	LIST_REMOVE(udp, all);
	net_bury(&base->object);
}

void sim_udp_free_all(struct sim_net *sim)
{
	while (!LIST_EMPTY(&sim->udps))
		sim_udp_close(&LIST_FIRST(&sim->udps)->udp);
}

void sim_udp_local(const struct net_udp *udp, struct net_addr *local)
{
	*local = ((const struct sim_udp *)udp)->bound.local;
}

void sim_udp_read(struct net_udp *base, bool on)
{
	struct sim_udp *udp = (struct sim_udp *)base;

	udp->reading = on;
	if (on && !STAILQ_EMPTY(&udp->waiting))
		sim_plan(sim_of(udp), &udp->wake, 0);
}

uint64_t sim_udp_dropped(const struct net_udp *udp)
{
	return ((const struct sim_udp *)udp)->dropped;
}
