/* What the files of the simulated network share: the virtual clock's events, packets, bound addresses, chance.
 * Private to net/sim*.c. Everything that will happen is an event in one heap, ordered by time, then by when it was
 * planned; after each event the due write what they have. Packets come from free lists; sim_net owns them all. */
#ifndef NET_SIM_NET_H
#define NET_SIM_NET_H

#include <sys/queue.h>
#include <uthash.h>

#include "net/buffer.h"
#include "net/ops.h"
#include "net/sim.h"

struct sim_event {
	void (*due)(struct sim_event *event);
	size_t place; /* in the heap, counted from 1; 0: not planned */
};

struct sim_slot {
	int64_t at;
	uint64_t order;
	struct sim_event *event;
};

enum sim_kind { SIM_DATAGRAM, SIM_UNREACHABLE, SIM_SYN, SIM_SYN_ACK, SIM_REFUSED, SIM_DATA, SIM_FIN, SIM_RST };

/* A datagram, a segment, an ICMP message. */
struct sim_packet {
	struct sim_event event;
	STAILQ_ENTRY(sim_packet) next;
	struct net *net;
	struct sim_tcp *end;          /* TCP: the end it goes to; else NULL */
	struct net_addr from, to;     /* UDP */
	int64_t at;                   /* when it arrives */
	enum sim_kind kind;
	unsigned size;                /* class */
	size_t length;
	char octets[];
};

STAILQ_HEAD(sim_packets, sim_packet);

/* A UDP socket's or a listener's place in the table of its protocol. */
struct sim_bound {
	struct net_addr local;
	void *owner;
	UT_hash_handle hh;
};

enum sim_protocol { SIM_UDP, SIM_TCP };
enum { SIM_SIZES = 5, SIM_LANES = 1024 };

struct sim_timer;
struct sim_udp;
struct sim_tcp;
struct sim_pair;
struct sim_listener;

struct sim_net {
	struct net net;
	struct net_sim_options options;
	int64_t now;
	uint64_t random;
	uint64_t orders;
	struct sim_slot *heap;
	size_t planned, room;
	struct sim_packets spare[SIM_SIZES];
	struct sim_bound *bound[2];   /* by enum sim_protocol */
	uint16_t next_port[2];
	int64_t lanes[SIM_LANES];     /* the last arrival between two addresses: keeps their datagrams in order */
	TAILQ_HEAD(, sim_tcp) dues;
	struct net_datagram batch[NET_BATCH];
	LIST_HEAD(, sim_timer) timers;
	LIST_HEAD(, sim_udp) udps;
	LIST_HEAD(, sim_pair) pairs;
	LIST_HEAD(, sim_listener) listeners;
};

static inline struct sim_net *sim_of(const void *object)
{
	return (struct sim_net *)((const struct net_object *)object)->net;
}

/* ---- sim.c ---------------------------------------------------------------------------------- */

/* Planned already: moved. The past means now. */
void sim_plan(struct sim_net *sim, struct sim_event *event, int64_t at);
void sim_cancel(struct sim_net *sim, struct sim_event *event);
/* The next event, if it is due at this very moment and of this kind. */
struct sim_event *sim_next_now(struct sim_net *sim, void (*due)(struct sim_event *event));

bool sim_chance(struct sim_net *sim, double probability);
int64_t sim_below(struct sim_net *sim, int64_t bound); /* 0 to bound - 1; bound > 0 */
int64_t sim_delay(struct sim_net *sim);                /* latency and jitter of one packet */

struct sim_packet *sim_packet_new(struct sim_net *sim, enum sim_kind kind, const char *octets, size_t length);
void sim_packet_free(struct sim_net *sim, struct sim_packet *packet);

/* Chooses a port where local has none. 0 or -errno. */
int sim_bind(struct sim_net *sim, enum sim_protocol protocol, struct sim_bound *bound, const struct net_addr *local, void *owner);
void sim_unbind(struct sim_net *sim, enum sim_protocol protocol, struct sim_bound *bound);
/* Whoever is bound there, on a wildcard too; or NULL. */
void *sim_find(struct sim_net *sim, enum sim_protocol protocol, const struct net_addr *at);
/* A port that nobody uses and, until all have been, nobody has used. 0: none. */
uint16_t sim_free_port(struct sim_net *sim, enum sim_protocol protocol, const struct net_addr *local);
/* The address that a host sends from when it was not told. */
struct net_addr sim_source(unsigned family, uint16_t port);

/* ---- sim_udp.c ------------------------------------------------------------------------------ */

int sim_udp_open(struct net *net, const struct net_addr *local, struct net_udp **out);
void sim_udp_close(struct net_udp *udp);
void sim_udp_local(const struct net_udp *udp, struct net_addr *local);
int sim_udp_send(struct net_udp *udp, const struct net_addr *to, const struct net_addr *from, const char *octets, size_t length);
void sim_udp_read(struct net_udp *udp, bool on);
uint64_t sim_udp_dropped(const struct net_udp *udp);
void sim_udp_free_all(struct sim_net *sim);

/* ---- sim_tcp.c ------------------------------------------------------------------------------ */

int sim_tcp_connect(struct net *net, const struct net_addr *to, struct net_tcp **out);
void sim_tcp_accept(struct net_tcp *tcp);
void sim_tcp_close(struct net_tcp *tcp);
void sim_tcp_reset(struct net_tcp *tcp);
void sim_tcp_shutdown(struct net_tcp *tcp);
void sim_tcp_read(struct net_tcp *tcp, bool on);
void sim_tcp_local(const struct net_tcp *tcp, struct net_addr *local);
void sim_tcp_peer(const struct net_tcp *tcp, struct net_addr *peer);
int sim_tcp_send(struct net_tcp *tcp, const char *octets, size_t length);
void sim_tcp_push(struct net_tcp *tcp);
size_t sim_tcp_backlog(const struct net_tcp *tcp);
size_t sim_tcp_in_flight(const struct net_tcp *tcp);
void sim_tcp_small_window(struct net_tcp *tcp);
int sim_tcp_listen(struct net *net, const struct net_addr *local, struct net_listener **out);
void sim_listener_close(struct net_listener *listener);
void sim_listener_local(const struct net_listener *listener, struct net_addr *local);
void sim_tcp_visit_dues(struct sim_net *sim); /* at the end of each turn */
void sim_segment_free(struct sim_packet *packet);
void sim_tcp_free_all(struct sim_net *sim);

#endif
