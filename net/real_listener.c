/* Listening on real sockets: accepting a bounded number a turn, and surviving without descriptors.
 * For net/real.c. A listener owns its socket and one spare descriptor, given up for a moment to be able to
 * refuse a connection when there is no other left. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/real_net.h"

enum { ACCEPTS_A_TURN = 64, RECOVERY_US = 100000 };

struct real_listener {
	struct net_listener listener;
	LIST_ENTRY(real_listener) all;
	struct event event;
	struct event recovery;
	struct net_addr local;
	int fd;
	int spare;   /* -1: lost for now */
	bool short_of; /* a spell of shortage has been told */
	bool closed;
};

static int spare_open(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* ---- shortage ------------------------------------------------------------------------------- */

static void recovery_later(struct real_listener *listener)
{
	struct timeval later = { .tv_usec = RECOVERY_US };

	event_add(&listener->recovery, &later);
}

static void short_tell(struct real_listener *listener, int error, bool over)
{
	listener->short_of = !over;
	if (listener->listener.events.short_of)
		listener->listener.events.short_of(listener->listener.context, error, over);
}

static void recover(evutil_socket_t fd, short what, void *context)
{
	struct real_listener *listener = context;
	int probe;

	(void)fd;
	(void)what;
	if (listener->spare < 0)
		listener->spare = spare_open();
	probe = listener->spare < 0 ? -1 : spare_open();
	if (listener->spare >= 0)
		event_add(&listener->event, NULL); /* at least it can refuse */
	if (probe < 0) {
		recovery_later(listener);
		return;
	}
	close(probe);
	short_tell(listener, 0, true);
}

/* accept4() asks for a descriptor before it looks for a connection, so there may be none: that is not a failure. */
enum refusal { REFUSED, NOBODY_THERE, COULD_NOT };

static enum refusal refuse_one(struct real_listener *listener)
{
	int fd, error;

	if (listener->spare < 0)
		return COULD_NOT;
	close(listener->spare);
	fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	error = errno;
	if (fd >= 0)
		close(fd);
	listener->spare = spare_open();
	if (listener->spare < 0)
		return COULD_NOT;
	return fd >= 0 ? REFUSED : error == EAGAIN ? NOBODY_THERE : COULD_NOT;
}

/* False: no more for now. Where it cannot even refuse, listening rests until the recovery. */
static bool shortage(struct real_listener *listener, int error)
{
	enum refusal refusal = error == EMFILE || error == ENFILE ? refuse_one(listener) : COULD_NOT;

	if (refusal == COULD_NOT)
		event_del(&listener->event);
	if (!listener->short_of) {
		recovery_later(listener);
		short_tell(listener, error, false);
	}
	return refusal == REFUSED;
}

/* ---- accepting ------------------------------------------------------------------------------ */

/* False: no more for now. */
static bool accept_one(struct real_listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		switch (errno) {
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			return shortage(listener, errno);
		case EAGAIN:
			return false;
		}
		return true; /* that connection is gone already */
	}
	struct net_tcp *tcp = real_tcp_wrap(real_of(listener), fd);
	if (!tcp) {
		close(fd);
		return shortage(listener, ENOMEM);
	}
	listener->listener.events.accepted(listener->listener.context, tcp);
	real_tcp_refuse_unaccepted(tcp);
	return true;
}

static void listener_ready(evutil_socket_t fd, short what, void *context)
{
	struct real_listener *listener = context;

	(void)fd;
	(void)what;
	for (int i = 0; i < ACCEPTS_A_TURN && !listener->closed; i++)
		if (!accept_one(listener))
			return;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static int listen_at(const struct net_addr *local)
{
	int fd = real_socket(local, SOCK_STREAM);
	int error;

	if (fd < 0)
		return fd;
	real_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	real_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* what it accepts inherits this and the timestamps */
	error = real_bind(fd, local);
	if (!error && listen(fd, SOMAXCONN))
		error = -errno;
	if (!error)
		return fd;
	close(fd);
	return error;
}

int real_tcp_listen(struct net *net, const struct net_addr *local, struct net_listener **out)
{
	struct real_net *real = (struct real_net *)net;
	int fd = listen_at(local);

	if (fd < 0)
		return fd;
	int spare = spare_open();
	if (spare < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	struct real_listener *listener = net_need(sizeof(*listener));
	listener->listener.object.net = net;
	listener->fd = fd;
	listener->spare = spare;
	real_local(fd, &listener->local);
	LIST_INSERT_HEAD(&real->listeners, listener, all);
	evtimer_assign(&listener->recovery, real->base, recover, listener);
	event_assign(&listener->event, real->base, fd, EV_READ | EV_PERSIST, listener_ready, listener);
	event_add(&listener->event, NULL);
	*out = &listener->listener;
	return 0;
}

void real_listener_close(struct net_listener *base)
{
	struct real_listener *listener = (struct real_listener *)base;

	event_del(&listener->event);
	event_del(&listener->recovery);
	close(listener->fd);
	if (listener->spare >= 0)
		close(listener->spare);
	listener->closed = true;
	LIST_REMOVE(listener, all);
	net_bury(&base->object);
}

void real_listener_free_all(struct real_net *real)
{
	while (!LIST_EMPTY(&real->listeners))
		real_listener_close(&LIST_FIRST(&real->listeners)->listener);
}

void real_listener_local(const struct net_listener *listener, struct net_addr *local)
{
	*local = ((const struct real_listener *)listener)->local;
}
