/* TCP connections on real sockets: own reads with timestamps, writes coalesced to the end of the turn.
 * For net/real.c and net/real_listener.c. A connection owns its descriptor and its output buffer; after
 * net_tcp_close() it lives on without its user until what is queued has left. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "net/buffer.h"
#include "net/real_net.h"

enum { DISCARDS = 16, DISCARDED_AT_ONCE = 1 << 20, CONTROL = 128, SMALL_WINDOW = 4096, SMALL_SEGMENT = 1400 };

struct real_tcp {
	struct net_tcp tcp;
	LIST_ENTRY(real_tcp) all;
	struct real_due due;
	struct real_turn turn;
	struct event event;
	struct event linger;
	struct net_buffer out;
	struct net_addr peer;
	int64_t last_at;
	int fd;
	int failed;       /* errno that a write met; told once everything received before has been read */
	bool accepted;    /* has its events */
	bool begun;       /* outgoing: connect() has been called, at the end of the turn */
	bool connecting;
	bool reading;     /* the user wants to */
	bool fin_seen;    /* the peer sends no more */
	bool fin_wanted;  /* ours is to follow what is queued */
	bool fin_sent;
	bool blocked;     /* the kernel takes no more for now */
	bool undrained;   /* something was queued since drained() was called */
	bool gone;        /* ended, other than by FIN */
	bool closed;      /* by the user: no callback any more */
};

static void tcp_ready(evutil_socket_t fd, short what, void *context);

/* ---- what to wait for ----------------------------------------------------------------------- */

static bool tcp_reads(const struct real_tcp *tcp)
{
	return tcp->reading && !tcp->fin_seen && !tcp->closed && !tcp->connecting;
}

/* Edge-triggered writability is what remains to notice a reset with, and does not spin. */
static short tcp_interest(const struct real_tcp *tcp)
{
	short what = EV_PERSIST;

	if (tcp_reads(tcp))
		what |= EV_READ;
	if (tcp->blocked || tcp->connecting)
		what |= EV_WRITE;
	return what == EV_PERSIST ? EV_PERSIST | EV_WRITE | EV_ET : what;
}

static void tcp_watch(struct real_tcp *tcp)
{
	short what = tcp_interest(tcp);

	if (tcp->gone || !tcp->begun || event_get_events(&tcp->event) == what)
		return;
	event_del(&tcp->event);
	event_assign(&tcp->event, real_of(tcp)->base, tcp->fd, what, tcp_ready, tcp);
	event_add(&tcp->event, NULL);
}

/* ---- the end -------------------------------------------------------------------------------- */

/* Unread octets would turn the FIN of close() into a RST. */
static void unread_discard(int fd)
{
	for (int i = 0; i < DISCARDS; i++)
		if (recv(fd, NULL, DISCARDED_AT_ONCE, MSG_TRUNC | MSG_DONTWAIT) <= 0)
			return;
}

static void tcp_finish(struct real_tcp *tcp)
{
	event_del(&tcp->event);
	if (tcp->closed)
		event_del(&tcp->linger);
	close(tcp->fd);
	net_buffer_release(&tcp->out);
	real_due_remove(real_of(tcp), &tcp->due);
	real_turn_over(&real_of(tcp)->pace, &tcp->turn);
	tcp->gone = tcp->closed = true;
	LIST_REMOVE(tcp, all);
	net_bury(&tcp->tcp.object);
}

static void tcp_abort(struct real_tcp *tcp)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(tcp->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	tcp_finish(tcp);
}

static enum net_end end_of(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		return NET_END_RESET;
	case ECONNREFUSED:
		return NET_END_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ETIMEDOUT:
		return NET_END_UNREACHABLE;
	}
	return NET_END_ERROR;
}

static void tcp_gone(struct real_tcp *tcp, int error)
{
	real_turn_heard(&real_of(tcp)->pace, &tcp->turn);
	if (tcp->closed) {
		tcp_finish(tcp);
		return;
	}
	tcp->gone = true;
	event_del(&tcp->event);
	net_buffer_release(&tcp->out);
	tcp->tcp.events.ended(tcp->tcp.context, end_of(error), error, real_now());
}

/* ---- writing -------------------------------------------------------------------------------- */

static void tcp_write(struct real_tcp *tcp, int flags)
{
	if (tcp->connecting || tcp->blocked || tcp->gone)
		return;
	while (tcp->out.length) {
		ssize_t sent = send(tcp->fd, net_buffer_front(&tcp->out), tcp->out.length, MSG_NOSIGNAL | flags);

		if (sent >= 0) {
			net_buffer_take(&tcp->out, (size_t)sent);
		} else if (errno == EAGAIN) {
			tcp->blocked = true;
			break;
		} else if (errno != EINTR) {
			tcp->failed = errno;
			net_buffer_release(&tcp->out);
		}
	}
	if (tcp->fin_wanted && !tcp->fin_sent && !tcp->blocked) {
		tcp->fin_sent = true;
		(void)shutdown(tcp->fd, SHUT_WR);
	}
}

/* After a write, from the loop: what it led to. */
static void tcp_settle(struct real_tcp *tcp)
{
	bool emptied = tcp->out.length == 0 && !tcp->connecting;

	if (tcp->closed && emptied) {
		unread_discard(tcp->fd);
		tcp_finish(tcp);
	} else if (tcp->failed) {
		if (!tcp_reads(tcp)) /* else reading meets the end, after what came before it */
			tcp_gone(tcp, tcp->failed);
	} else {
		tcp_watch(tcp);
		if (emptied && tcp->undrained) {
			tcp->undrained = false;
			if (tcp->tcp.events.drained)
				tcp->tcp.events.drained(tcp->tcp.context);
		}
	}
}

/* Failing at once, as it may on loopback, is told by the visit like any other failure. */
static void tcp_begin(struct real_tcp *tcp)
{
	struct sockaddr_in6 name;
	socklen_t length = real_sockaddr(&name, &tcp->peer, real_family(&tcp->peer));

	if (tcp->begun)
		return;
	tcp->begun = true;
	if (connect(tcp->fd, (struct sockaddr *)&name, length) && errno != EINPROGRESS)
		tcp->failed = errno;
	event_add(&tcp->event, NULL);
}

static void tcp_visit(struct real_due *due)
{
	struct real_tcp *tcp = (struct real_tcp *)((char *)due - offsetof(struct real_tcp, due));

	if (tcp->gone || (!tcp->begun && !real_turn_ask(&real_of(tcp)->pace, &tcp->turn)))
		return;
	tcp_begin(tcp);
	tcp_write(tcp, 0);
	tcp_settle(tcp);
}

/* ---- events --------------------------------------------------------------------------------- */

static int socket_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) ? errno : error;
}

static void tcp_connected(struct real_tcp *tcp)
{
	tcp->connecting = false;
	real_turn_connected(&real_of(tcp)->pace, &tcp->turn);
	if (tcp->closed) {
		tcp_write(tcp, 0);
		tcp_settle(tcp);
		return;
	}
	tcp_watch(tcp);
	if (tcp->out.length || tcp->fin_wanted)
		real_due_add(real_of(tcp), &tcp->due);
	if (tcp->tcp.events.connected)
		tcp->tcp.events.connected(tcp->tcp.context);
}

static int64_t stamp_of(struct real_tcp *tcp, struct msghdr *message)
{
	struct timespec stamp = { 0 };

	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control))
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_TIMESTAMPNS)
			memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
	real_measure_offset(real_of(tcp));
	return real_stamp(real_of(tcp), &stamp, tcp->last_at);
}

static void tcp_read_some(struct real_tcp *tcp)
{
	_Alignas(struct cmsghdr) char control[CONTROL];
	struct iovec part = { real_read_room(real_of(tcp)), NET_READ_AT_ONCE };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(tcp->fd, &message, MSG_DONTWAIT);

	if (length >= 0)
		real_turn_heard(&real_of(tcp)->pace, &tcp->turn);
	if (length > 0) {
		tcp->last_at = stamp_of(tcp, &message);
		tcp->tcp.events.received(tcp->tcp.context, part.iov_base, (size_t)length, tcp->last_at);
	} else if (length == 0 && !tcp->failed) {
		tcp->fin_seen = true;
		tcp_watch(tcp);
		tcp->tcp.events.ended(tcp->tcp.context, NET_END_FIN, 0, real_now());
	} else if (length == 0) {
		tcp_gone(tcp, tcp->failed);
	} else if (errno != EAGAIN && errno != EINTR) {
		tcp_gone(tcp, errno);
	}
}

static void tcp_writable(struct real_tcp *tcp)
{
	int error = tcp->blocked ? 0 : socket_error(tcp->fd);

	if (error) {
		tcp_gone(tcp, error);
		return;
	}
	if (tcp->connecting) {
		tcp_connected(tcp);
		return;
	}
	if (!tcp->blocked)
		return;
	tcp->blocked = false;
	tcp_write(tcp, 0);
	tcp_settle(tcp);
}

static void tcp_ready(evutil_socket_t fd, short what, void *context)
{
	struct real_tcp *tcp = context;

	(void)fd;
	if ((what & EV_READ) && tcp_reads(tcp))
		tcp_read_some(tcp);
	if ((what & EV_WRITE) && !tcp->gone)
		tcp_writable(tcp);
}

static void tcp_linger_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	tcp_abort(context);
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Its event is not added yet. */
static struct real_tcp *tcp_new(struct real_net *real, int fd, bool connecting)
{
	struct real_tcp *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return NULL;
	tcp->tcp.object.net = &real->net;
	tcp->due.visit = tcp_visit;
	tcp->fd = fd;
	tcp->reading = true;
	tcp->connecting = connecting;
	LIST_INSERT_HEAD(&real->tcps, tcp, all);
	event_assign(&tcp->event, real->base, fd, tcp_interest(tcp), tcp_ready, tcp);
	return tcp;
}

int real_tcp_connect(struct net *net, const struct net_addr *to, struct net_tcp **out)
{
	int fd = real_socket(to, SOCK_STREAM);

	if (fd < 0)
		return fd;
	struct real_tcp *tcp = tcp_new((struct real_net *)net, fd, true);
	if (!tcp) {
		close(fd);
		return -ENOMEM;
	}
	real_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	tcp->accepted = true;
	tcp->peer = *to;
	tcp->turn = (struct real_turn){ .peer = &tcp->peer, .due = &tcp->due };
	real_due_add((struct real_net *)net, &tcp->due);
	*out = &tcp->tcp;
	return 0;
}

struct net_tcp *real_tcp_wrap(struct real_net *real, int fd)
{
	struct real_tcp *tcp = tcp_new(real, fd, false);

	if (!tcp)
		return NULL;
	tcp->begun = true;
	real_peer(fd, &tcp->peer);
	event_add(&tcp->event, NULL);
	return &tcp->tcp;
}

bool real_tcp_refuse_unaccepted(struct net_tcp *base)
{
	struct real_tcp *tcp = (struct real_tcp *)base;

	if (tcp->accepted || tcp->closed)
		return false;
	tcp_abort(tcp);
	return true;
}

void real_tcp_accept(struct net_tcp *base)
{
	((struct real_tcp *)base)->accepted = true;
}

void real_tcp_small_window(struct net_tcp *base)
{
	int fd = ((struct real_tcp *)base)->fd;

	real_option(fd, SOL_SOCKET, SO_RCVBUF, SMALL_WINDOW);
	real_option(fd, IPPROTO_TCP, TCP_MAXSEG, SMALL_SEGMENT);
}

/* ---- using ---------------------------------------------------------------------------------- */

int real_tcp_send(struct net_tcp *base, const char *octets, size_t length)
{
	struct real_tcp *tcp = (struct real_tcp *)base;

	if (tcp->gone || tcp->failed || tcp->fin_wanted)
		return -EPIPE;
	int error = net_buffer_append(&tcp->out, octets, length);
	if (error || length == 0)
		return error;
	tcp->undrained = true;
	if (!tcp->blocked && !tcp->connecting)
		real_due_add(real_of(tcp), &tcp->due);
	return 0;
}

void real_tcp_push(struct net_tcp *base)
{
	/* MSG_EOR: the kernel appends nothing to this segment. */
	tcp_write((struct real_tcp *)base, MSG_EOR);
}

void real_tcp_shutdown(struct net_tcp *base)
{
	struct real_tcp *tcp = (struct real_tcp *)base;

	tcp->fin_wanted = true;
	if (!tcp->gone && !tcp->blocked && !tcp->connecting)
		real_due_add(real_of(tcp), &tcp->due);
}

void real_tcp_read(struct net_tcp *base, bool on)
{
	struct real_tcp *tcp = (struct real_tcp *)base;

	tcp->reading = on;
	tcp_watch(tcp);
	if (tcp->failed && !tcp->gone)
		real_due_add(real_of(tcp), &tcp->due);
}

void real_tcp_close(struct net_tcp *base)
{
	struct real_tcp *tcp = (struct real_tcp *)base;
	struct timeval longest = { .tv_sec = NET_LINGER / 1000000000 };

	if (tcp->turn.waits) {
		tcp->closed = true;
		evtimer_assign(&tcp->linger, real_of(tcp)->base, tcp_linger_over, tcp);
		tcp_finish(tcp);
		return;
	}
	tcp_begin(tcp);
	tcp_write(tcp, 0);
	evtimer_assign(&tcp->linger, real_of(tcp)->base, tcp_linger_over, tcp);
	tcp->closed = true;
	if (tcp->gone || tcp->failed) {
		tcp_finish(tcp);
	} else if (tcp->out.length == 0 && !tcp->connecting) {
		unread_discard(tcp->fd);
		tcp_finish(tcp);
	} else {
		event_add(&tcp->linger, &longest);
		tcp_watch(tcp);
	}
}

void real_tcp_reset(struct net_tcp *base)
{
	tcp_abort((struct real_tcp *)base);
}

void real_tcp_free_all(struct real_net *real)
{
	while (!LIST_EMPTY(&real->tcps)) {
		struct real_tcp *tcp = LIST_FIRST(&real->tcps);

		if (!tcp->closed)
			real_tcp_close(&tcp->tcp);
		if (tcp == LIST_FIRST(&real->tcps))
			tcp_finish(tcp);
	}
}

/* ---- asking --------------------------------------------------------------------------------- */

void real_tcp_local(const struct net_tcp *tcp, struct net_addr *local)
{
	tcp_begin((struct real_tcp *)tcp); /* an address must be chosen to be known */
	real_local(((const struct real_tcp *)tcp)->fd, local);
}

void real_tcp_peer(const struct net_tcp *tcp, struct net_addr *peer)
{
	*peer = ((const struct real_tcp *)tcp)->peer;
}

size_t real_tcp_backlog(const struct net_tcp *tcp)
{
	return ((const struct real_tcp *)tcp)->out.length;
}

size_t real_tcp_in_flight(const struct net_tcp *tcp)
{
	int waiting = 0;

	if (ioctl(((const struct real_tcp *)tcp)->fd, SIOCOUTQ, &waiting) || waiting < 0)
		return 0;
	return (size_t)waiting;
}
