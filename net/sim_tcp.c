/* TCP in the simulated network: ordered segments, back-pressure, FIN and RST, listeners.
 * For net/sim.c. The two ends of a connection live in one pair, which goes when both are dead and nothing is under
 * way between them any more: so a packet's end is always there, perhaps dead. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/sim_net.h"

enum { SMALL_WINDOW = 4096 };

struct sim_tcp {
	struct net_tcp tcp;
	struct sim_pair *pair;
	TAILQ_ENTRY(sim_tcp) due;
	struct sim_event wake;      /* reading goes on */
	struct sim_event resume;    /* there is room again */
	struct sim_event deadline;  /* of lingering */
	struct net_buffer out;
	struct net_addr local;
	struct sim_packets waiting; /* arrived, unread */
	size_t window;              /* what may be on the way to it or wait there */
	size_t in_flight;           /* sent by it, not arrived */
	size_t unread;              /* sent by it, arrived, not read */
	int64_t last_arrival;       /* of what it sent */
	bool due_queued;
	bool accepted;              /* has its events */
	bool connected;
	bool reading;
	bool fin_wanted, fin_sent;
	bool blocked;               /* the kernel takes no more for now */
	bool undrained;             /* something was queued since drained() was called */
	bool gone;                  /* ended, other than by FIN */
	bool closed;                /* by the user: no callback any more */
	bool dead;                  /* closed, and all it had to send is sent */
};

struct sim_pair {
	struct net_object object;
	LIST_ENTRY(sim_pair) all;
	unsigned held; /* by ends that are not dead, and by packets */
	struct sim_tcp ends[2];
};

struct sim_listener {
	struct net_listener listener;
	LIST_ENTRY(sim_listener) all;
	struct sim_bound bound;
};

static struct sim_tcp *other_of(struct sim_tcp *end)
{
	return &end->pair->ends[end == &end->pair->ends[0]];
}

/* ---- pairs and packets ---------------------------------------------------------------------- */

static void segment_arrives(struct sim_event *event);

static void pair_release(struct sim_pair *pair)
{
	if (--pair->held)
		return;
	LIST_REMOVE(pair, all);
	net_bury(&pair->object);
}

void sim_segment_free(struct sim_packet *packet)
{
	struct sim_pair *pair = packet->end->pair;

	sim_packet_free(sim_of(pair), packet);
	pair_release(pair);
}

/* Behind all that this end has sent before. */
static void segment_send(struct sim_tcp *from, enum sim_kind kind, const char *octets, size_t length)
{
	struct sim_net *sim = sim_of(from);
	struct sim_packet *packet = sim_packet_new(sim, kind, octets, length);
	int64_t at = sim->now + sim_delay(sim);

	from->pair->held++;
	from->last_arrival = at > from->last_arrival ? at : from->last_arrival;
	packet->at = from->last_arrival;
	packet->end = other_of(from);
	packet->event.due = segment_arrives;
	sim_plan(sim, &packet->event, packet->at);
}

/* The reader has taken octets of this end: it hears of the room one way later. */
static void room_given(struct sim_tcp *end)
{
	struct sim_net *sim = sim_of(end);

	if (end->blocked && !end->dead && !end->gone && !end->resume.place)
		sim_plan(sim, &end->resume, sim->now + sim->options.latency);
}

static struct sim_packet *waiting_take(struct sim_tcp *end)
{
	struct sim_packet *packet = STAILQ_FIRST(&end->waiting);

	if (!packet)
		return NULL;
	STAILQ_REMOVE_HEAD(&end->waiting, next);
	other_of(end)->unread -= packet->length;
	room_given(other_of(end));
	return packet;
}

static void waiting_discard(struct sim_tcp *end)
{
	struct sim_packet *packet;

	while ((packet = waiting_take(end)))
		sim_segment_free(packet);
}

static void due_add(struct sim_tcp *end)
{
	if (!end->due_queued)
		TAILQ_INSERT_TAIL(&sim_of(end)->dues, end, due);
	end->due_queued = true;
}

static void due_remove(struct sim_tcp *end)
{
	if (end->due_queued)
		TAILQ_REMOVE(&sim_of(end)->dues, end, due);
	end->due_queued = false;
}

/* Nothing more will be done for this end. */
static void end_still(struct sim_tcp *end)
{
	struct sim_net *sim = sim_of(end);

	due_remove(end);
	sim_cancel(sim, &end->wake);
	sim_cancel(sim, &end->resume);
	sim_cancel(sim, &end->deadline);
	net_buffer_release(&end->out);
	waiting_discard(end);
}

static void end_die(struct sim_tcp *end)
{
	end->closed = end->dead = true;
	end_still(end);
	pair_release(end->pair);
}

static void end_gone(struct sim_tcp *end, enum net_end how, int error)
{
	end->gone = true;
	end_still(end);
	if (end->closed)
		end_die(end);
	else
		end->tcp.events.ended(end->tcp.context, how, error, sim_of(end)->now);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_some(struct sim_tcp *end, size_t length)
{
	struct sim_net *sim = sim_of(end);
	bool cut = sim_chance(sim, sim->options.cut);

	for (size_t piece; length; length -= piece) {
		piece = length < NET_READ_AT_ONCE ? length : NET_READ_AT_ONCE;
		if (cut)
			piece = 1 + (size_t)sim_below(sim, (int64_t)piece);
		segment_send(end, SIM_DATA, net_buffer_front(&end->out), piece);
		net_buffer_take(&end->out, piece);
		end->in_flight += piece;
	}
}

static void end_write(struct sim_tcp *end)
{
	struct sim_net *sim = sim_of(end);
	size_t window = other_of(end)->window, used = end->in_flight + end->unread;

	if (!end->connected || end->blocked || end->gone)
		return;
	if (end->out.length) {
		size_t room = used < window ? window - used : 0;
		size_t length = end->out.length < room ? end->out.length : room;

		if (length && sim_chance(sim, sim->options.partial)) {
			length = (size_t)sim_below(sim, (int64_t)length) + 1;
			sim_plan(sim, &end->resume, sim->now + sim->options.latency);
		}
		write_some(end, length);
		end->blocked = end->out.length || end->resume.place;
	}
	if (end->fin_wanted && !end->fin_sent && !end->blocked) {
		end->fin_sent = true;
		segment_send(end, SIM_FIN, NULL, 0);
	}
}

/* After a write, from the loop: what it led to. */
static void end_settle(struct sim_tcp *end)
{
	if (end->out.length || end->blocked || !end->connected)
		return;
	if (end->closed) {
		end_die(end);
	} else if (end->undrained) {
		end->undrained = false;
		if (end->tcp.events.drained)
			end->tcp.events.drained(end->tcp.context);
	}
}

static void end_resumes(struct sim_event *event)
{
	struct sim_tcp *end = (struct sim_tcp *)((char *)event - offsetof(struct sim_tcp, resume));

	end->blocked = false;
	end_write(end);
	end_settle(end);
}

void sim_tcp_visit_dues(struct sim_net *sim)
{
	struct sim_tcp *end;

	while ((end = TAILQ_FIRST(&sim->dues))) {
		due_remove(end);
		end_write(end);
		end_settle(end);
	}
}

/* ---- arriving ------------------------------------------------------------------------------- */

static void segment_read(struct sim_tcp *end, struct sim_packet *packet)
{
	struct net_tcp *tcp = &end->tcp;

	if (packet->kind == SIM_FIN)
		tcp->events.ended(tcp->context, NET_END_FIN, 0, packet->at);
	else
		tcp->events.received(tcp->context, packet->octets, packet->length, packet->at);
	sim_segment_free(packet);
}

static void end_woken(struct sim_event *event)
{
	struct sim_tcp *end = (struct sim_tcp *)((char *)event - offsetof(struct sim_tcp, wake));
	struct sim_packet *packet;

	while (end->reading && !end->closed && (packet = waiting_take(end)))
		segment_read(end, packet);
}

static void reset_send(struct sim_tcp *from)
{
	if (!other_of(from)->dead)
		segment_send(from, SIM_RST, NULL, 0);
}

/* Data or a FIN. */
static void stream_arrives(struct sim_tcp *end, struct sim_packet *packet)
{
	struct sim_tcp *sender = other_of(end);
	bool taken = end->closed || end->gone || (end->reading && STAILQ_EMPTY(&end->waiting));

	sender->in_flight -= packet->length;
	if (!taken) {
		sender->unread += packet->length;
		STAILQ_INSERT_TAIL(&end->waiting, packet, next);
		return;
	}
	room_given(sender);
	if (end->dead && packet->kind == SIM_DATA)
		reset_send(end);
	if (end->closed || end->gone)
		sim_segment_free(packet);
	else
		segment_read(end, packet);
}

static void syn_arrives(struct sim_tcp *end)
{
	struct sim_listener *listener = sim_find(sim_of(end), SIM_TCP, &end->local);
	struct sim_tcp *caller = other_of(end);

	if (!listener || caller->dead) {
		if (!caller->dead)
			segment_send(end, SIM_REFUSED, NULL, 0);
		end_die(end);
		return;
	}
	end->connected = true;
	segment_send(end, SIM_SYN_ACK, NULL, 0);
	listener->listener.events.accepted(listener->listener.context, &end->tcp);
	if (!end->accepted && !end->closed)
		sim_tcp_reset(&end->tcp);
}

static void syn_ack_arrives(struct sim_tcp *end)
{
	if (end->dead) {
		reset_send(end);
		return;
	}
	end->connected = true;
	due_add(end);
	if (!end->closed && end->tcp.events.connected)
		end->tcp.events.connected(end->tcp.context);
}

static void segment_arrives(struct sim_event *event)
{
	struct sim_packet *packet = (struct sim_packet *)event;
	struct sim_tcp *end = packet->end;

	switch (packet->kind) {
	case SIM_DATA:
	case SIM_FIN:
		stream_arrives(end, packet);
		return;
	case SIM_SYN:
		syn_arrives(end);
		break;
	case SIM_SYN_ACK:
		syn_ack_arrives(end);
		break;
	case SIM_REFUSED:
		if (!end->dead)
			end_gone(end, NET_END_REFUSED, ECONNREFUSED);
		break;
	case SIM_RST:
		if (!end->dead && !end->gone)
			end_gone(end, NET_END_RESET, ECONNRESET);
		break;
	case SIM_DATAGRAM:
	case SIM_UNREACHABLE:
		break;
	}
	sim_segment_free(packet);
}

/* ---- opening -------------------------------------------------------------------------------- */

static void linger_over(struct sim_event *event)
{
	sim_tcp_reset(&((struct sim_tcp *)((char *)event - offsetof(struct sim_tcp, deadline)))->tcp);
}

static void end_init(struct sim_pair *pair, struct sim_tcp *end, const struct net_addr *local)
{
	end->tcp.object.net = pair->object.net;
	end->pair = pair;
	end->local = *local;
	end->window = sim_of(pair)->options.tcp_buffer;
	end->reading = true;
	end->wake.due = end_woken;
	end->resume.due = end_resumes;
	end->deadline.due = linger_over;
	STAILQ_INIT(&end->waiting);
}

int sim_tcp_connect(struct net *net, const struct net_addr *to, struct net_tcp **out)
{
	struct sim_net *sim = (struct sim_net *)net;
	struct net_addr local;
	struct sim_pair *pair;

	if (to->family != 4 && to->family != 6)
		return -EAFNOSUPPORT;
	local = sim_source(to->family, 0);
	local.port = sim_free_port(sim, SIM_TCP, &local);
	if (!local.port)
		return -EADDRNOTAVAIL;
	pair = net_need(sizeof(*pair));
	pair->object.net = net;
	pair->held = 2;
	end_init(pair, &pair->ends[0], &local);
	end_init(pair, &pair->ends[1], to);
	pair->ends[0].accepted = true;
	LIST_INSERT_HEAD(&sim->pairs, pair, all);
	segment_send(&pair->ends[0], SIM_SYN, NULL, 0);
	*out = &pair->ends[0].tcp;
	return 0;
}

void sim_tcp_accept(struct net_tcp *tcp)
{
	((struct sim_tcp *)tcp)->accepted = true;
}

void sim_tcp_small_window(struct net_tcp *tcp)
{
	struct sim_tcp *end = (struct sim_tcp *)tcp;

	if (end->window > SMALL_WINDOW)
		end->window = SMALL_WINDOW;
}

/* ---- using ---------------------------------------------------------------------------------- */

int sim_tcp_send(struct net_tcp *tcp, const char *octets, size_t length)
{
	struct sim_tcp *end = (struct sim_tcp *)tcp;

	if (end->gone || end->fin_wanted)
		return -EPIPE;
	int error = net_buffer_append(&end->out, octets, length);
	if (error || length == 0)
		return error;
	end->undrained = true;
	if (!end->blocked && end->connected)
		due_add(end);
	return 0;
}

void sim_tcp_push(struct net_tcp *tcp)
{
	end_write((struct sim_tcp *)tcp);
}

void sim_tcp_shutdown(struct net_tcp *tcp)
{
	struct sim_tcp *end = (struct sim_tcp *)tcp;

	end->fin_wanted = true;
	if (!end->gone)
		due_add(end);
}

void sim_tcp_read(struct net_tcp *tcp, bool on)
{
	struct sim_tcp *end = (struct sim_tcp *)tcp;

	end->reading = on;
	if (on && !STAILQ_EMPTY(&end->waiting))
		sim_plan(sim_of(end), &end->wake, 0);
}

void sim_tcp_close(struct net_tcp *tcp)
{
	struct sim_tcp *end = (struct sim_tcp *)tcp;

	end->closed = end->fin_wanted = true;
	waiting_discard(end);
	end_write(end);
	if (end->gone || end->fin_sent)
		end_die(end);
	else
		sim_plan(sim_of(end), &end->deadline, sim_of(end)->now + NET_LINGER);
}

void sim_tcp_reset(struct net_tcp *tcp)
{
	struct sim_tcp *end = (struct sim_tcp *)tcp;

	if (end->connected && !end->gone)
		reset_send(end);
	end_die(end);
}

void sim_tcp_free_all(struct sim_net *sim)
{
	struct sim_pair *pair, *next;

	for (pair = LIST_FIRST(&sim->pairs); pair; pair = next) {
		next = LIST_NEXT(pair, all);
		for (int i = 0; i < 2; i++)
			if (!pair->ends[i].dead)
				end_die(&pair->ends[i]);
	}
	while (!LIST_EMPTY(&sim->listeners))
		sim_listener_close(&LIST_FIRST(&sim->listeners)->listener);
}

/* ---- asking --------------------------------------------------------------------------------- */

void sim_tcp_local(const struct net_tcp *tcp, struct net_addr *local)
{
	*local = ((const struct sim_tcp *)tcp)->local;
}

void sim_tcp_peer(const struct net_tcp *tcp, struct net_addr *peer)
{
	const struct sim_tcp *end = (const struct sim_tcp *)tcp;

	*peer = end->pair->ends[end == &end->pair->ends[0]].local;
}

size_t sim_tcp_backlog(const struct net_tcp *tcp)
{
	return ((const struct sim_tcp *)tcp)->out.length;
}

size_t sim_tcp_in_flight(const struct net_tcp *tcp)
{
	const struct sim_tcp *end = (const struct sim_tcp *)tcp;

	return end->gone ? 0 : end->in_flight;
}

/* ---- listeners ------------------------------------------------------------------------------ */

int sim_tcp_listen(struct net *net, const struct net_addr *local, struct net_listener **out)
{
	struct sim_net *sim = (struct sim_net *)net;
	struct sim_listener *listener = net_need(sizeof(*listener));
	int error = sim_bind(sim, SIM_TCP, &listener->bound, local, listener);

	if (error) {
		free(listener);
		return error;
	}
	listener->listener.object.net = net;
	LIST_INSERT_HEAD(&sim->listeners, listener, all);
	*out = &listener->listener;
	return 0;
}

void sim_listener_close(struct net_listener *base)
{
	struct sim_listener *listener = (struct sim_listener *)base;

	sim_unbind(sim_of(listener), SIM_TCP, &listener->bound);
	LIST_REMOVE(listener, all);
	net_bury(&base->object);
}

void sim_listener_local(const struct net_listener *listener, struct net_addr *local)
{
	*local = ((const struct sim_listener *)listener)->bound.local;
}
