/* What the files of the real network share: its loop, its clock, what is visited at the end of a turn.
 * Private to net/real*.c. A turn is one pass of libevent's loop; after it the due are visited, queued datagrams
 * leave, and what was closed is freed. All memory here is real_net's and goes with net_free(). */
#ifndef NET_REAL_NET_H
#define NET_REAL_NET_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "net/ops.h"

/* Something that wants a visit at the end of the turn: output to write, a failure to tell. */
struct real_due {
	TAILQ_ENTRY(real_due) entry;
	void (*visit)(struct real_due *due);
	uint64_t turn;
	bool queued;
};

TAILQ_HEAD(real_dues, real_due);

/* A connection that is to be asked for, as real_pace.c sees it. */
struct real_turn {
	TAILQ_ENTRY(real_turn) entry;
	const struct net_addr *peer;
	struct real_due *due; /* is visited when its turn has come */
	bool waits;
};

enum { REAL_SLOTS = 64 };

/* Connections that their peers may not have taken, in the order in which they were asked for, and those that wait for them. */
struct real_pace {
	struct real_net *real;
	struct real_slot {
		const struct real_turn *turn; /* NULL: it is closed, and in the peer's queue all the same */
		struct net_addr peer;
		int64_t until;                /* then it counts as taken; INT64_MAX: it is not connected yet */
	} slots[REAL_SLOTS];
	unsigned count;
	TAILQ_HEAD(, real_turn) waiting;
	struct event due;
};

struct real_timer;
struct real_udp;
struct real_tcp;
struct real_listener;
struct real_inbox;
struct real_outbox;

struct real_net {
	struct net net;
	struct event_base *base;
	struct real_inbox *inbox;   /* real_udp.c: what recvmmsg() fills; its octets serve TCP, too */
	struct real_outbox *outbox; /* real_udp.c: datagrams that leave at the end of the turn */
	struct real_dues dues;
	uint64_t turn;
	int64_t offset;             /* wall clock minus monotonic clock, as measured at offset_at */
	int64_t offset_at;
	unsigned steps;
	struct real_pace pace;
	LIST_HEAD(, real_timer) timers;
	LIST_HEAD(, real_udp) udps;
	LIST_HEAD(, real_tcp) tcps;
	LIST_HEAD(, real_listener) listeners;
};

static inline struct real_net *real_of(const void *object)
{
	return (struct real_net *)((const struct net_object *)object)->net;
}

/* ---- real.c --------------------------------------------------------------------------------- */

int64_t real_now(void);
/* Measures the offset anew; counts a step of the wall clock if there was one. Once a batch of what is received. */
void real_measure_offset(struct real_net *real);
/* A kernel timestamp on our clock: not after now, not before earliest (the last one of the same socket). */
int64_t real_stamp(struct real_net *real, const struct timespec *stamp, int64_t earliest);

void real_due_add(struct real_net *real, struct real_due *due);
void real_due_remove(struct real_net *real, struct real_due *due);

/* For a socket of family AF_INET or AF_INET6; the length, or 0 if the address does not fit that family. */
socklen_t real_sockaddr(struct sockaddr_in6 *to, const struct net_addr *addr, int family);
int real_family(const struct net_addr *addr);
void real_local(int fd, struct net_addr *local);
void real_peer(int fd, struct net_addr *peer);
/* A non-blocking socket of addr's family with receive timestamps; or -errno. */
int real_socket(const struct net_addr *addr, int type);
/* [::] serves IPv4 as well. 0 or -errno. */
int real_bind(int fd, const struct net_addr *local);
static inline void real_option(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* ---- real_udp.c ----------------------------------------------------------------------------- */

int real_udp_open(struct net *net, const struct net_addr *local, struct net_udp **out);
void real_udp_close(struct net_udp *udp);
void real_udp_local(const struct net_udp *udp, struct net_addr *local);
int real_udp_send(struct net_udp *udp, const struct net_addr *to, const struct net_addr *from, const char *octets, size_t length);
void real_udp_read(struct net_udp *udp, bool on);
uint64_t real_udp_dropped(const struct net_udp *udp);
void real_udp_flush(struct real_net *real);
void real_udp_free_all(struct real_net *real);
char *real_read_room(struct real_net *real); /* NET_READ_AT_ONCE octets, anybody's until the next read */

/* ---- real_tcp.c ----------------------------------------------------------------------------- */

int real_tcp_connect(struct net *net, const struct net_addr *to, struct net_tcp **out);
/* A connection that accept4() gave; takes the descriptor. NULL without memory. */
struct net_tcp *real_tcp_wrap(struct real_net *real, int fd);
bool real_tcp_refuse_unaccepted(struct net_tcp *tcp); /* after the callback: resets it if nobody wanted it */
void real_tcp_accept(struct net_tcp *tcp);
void real_tcp_close(struct net_tcp *tcp);
void real_tcp_reset(struct net_tcp *tcp);
void real_tcp_shutdown(struct net_tcp *tcp);
void real_tcp_read(struct net_tcp *tcp, bool on);
void real_tcp_local(const struct net_tcp *tcp, struct net_addr *local);
void real_tcp_peer(const struct net_tcp *tcp, struct net_addr *peer);
int real_tcp_send(struct net_tcp *tcp, const char *octets, size_t length);
void real_tcp_push(struct net_tcp *tcp);
size_t real_tcp_backlog(const struct net_tcp *tcp);
size_t real_tcp_in_flight(const struct net_tcp *tcp);
void real_tcp_small_window(struct net_tcp *tcp);
void real_tcp_free_all(struct real_net *real);

/* ---- real_pace.c ---------------------------------------------------------------------------- */

void real_pace_init(struct real_pace *pace, struct real_net *real);
/* May it connect now? If not, its due is visited when it may, to ask again. */
bool real_turn_ask(struct real_pace *pace, struct real_turn *turn);
void real_turn_connected(struct real_pace *pace, const struct real_turn *turn);
/* The peer said something over it, if only its end. */
void real_turn_heard(struct real_pace *pace, const struct real_turn *turn);
void real_turn_over(struct real_pace *pace, struct real_turn *turn); /* it is closed; any number of times */

/* ---- real_listener.c ------------------------------------------------------------------------ */

int real_tcp_listen(struct net *net, const struct net_addr *local, struct net_listener **out);
void real_listener_close(struct net_listener *listener);
void real_listener_local(const struct net_listener *listener, struct net_addr *local);
void real_listener_free_all(struct real_net *real);

#endif
