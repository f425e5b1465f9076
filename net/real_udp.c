/* UDP on real sockets: batches of datagrams in and out, kernel timestamps, ICMP errors.
 * For net/real.c. One inbox and one outbox serve all the sockets of a net: no memory is taken per datagram,
 * and per socket only its struct; both boxes are made when the first socket is opened. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/errqueue.h>

#include "net/real_net.h"

enum {
	BATCHES_A_TURN = 16,
	ERRORS_A_TURN = 64,
	RECEIVE_BUFFER = 4 << 20,
	/* Not a multiple of 64 KiB: else all datagrams would begin in the same cache set. */
	IN_STRIDE = NET_READ_AT_ONCE + 3 * 64,
	OUT_ROOM = 256 << 10,
	CONTROL = 256
};

struct control {
	_Alignas(struct cmsghdr) char octets[CONTROL];
};

struct real_inbox {
	struct mmsghdr messages[NET_BATCH];
	struct iovec parts[NET_BATCH];
	struct sockaddr_in6 names[NET_BATCH];
	struct control controls[NET_BATCH];
	struct net_datagram datagrams[NET_BATCH];
	char octets[NET_BATCH][IN_STRIDE];
};

struct real_outbox {
	unsigned count;
	size_t used; /* of octets */
	struct real_udp *owners[NET_BATCH];
	struct mmsghdr messages[NET_BATCH];
	struct iovec parts[NET_BATCH];
	struct sockaddr_in6 names[NET_BATCH];
	struct control controls[NET_BATCH];
	char octets[OUT_ROOM];
};

struct real_udp {
	struct net_udp udp;
	LIST_ENTRY(real_udp) all;
	struct real_due due; /* to tell the failure */
	struct event event;
	struct net_addr local;
	struct net_addr failed_to;
	int failed; /* errno of the last datagram that could not even be sent */
	int family, fd;
	bool wildcard, reading, closed;
	bool error_met; /* a send met one: the error queue has it */
	uint32_t overflow; /* the kernel's counter, as last seen */
	uint64_t dropped;
	int64_t last_at;
};

/* What a received control message says. */
struct notes {
	struct timespec stamp;
	struct net_addr local;
	uint32_t overflow;
	bool overflowed;
	struct sock_extended_err error;
};

/* ---- boxes ---------------------------------------------------------------------------------- */

static struct real_inbox *inbox_new(void)
{
	struct real_inbox *inbox = net_need(sizeof(*inbox));

	for (unsigned i = 0; i < NET_BATCH; i++) {
		inbox->parts[i] = (struct iovec){ inbox->octets[i], NET_READ_AT_ONCE };
		inbox->messages[i].msg_hdr = (struct msghdr){ .msg_name = &inbox->names[i], .msg_iov = &inbox->parts[i],
			.msg_iovlen = 1, .msg_control = &inbox->controls[i] };
	}
	return inbox;
}

char *real_read_room(struct real_net *real)
{
	if (!real->inbox)
		real->inbox = inbox_new();
	return real->inbox->octets[0];
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void note_four(struct net_addr *local, const struct cmsghdr *control)
{
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(control), sizeof(info));
	local->family = 4;
	memcpy(local->octets, &info.ipi_addr, 4);
}

static void note_six(struct net_addr *local, const struct cmsghdr *control)
{
	struct in6_pktinfo info;
	struct sockaddr_in6 name = { .sin6_family = AF_INET6 };

	memcpy(&info, CMSG_DATA(control), sizeof(info));
	name.sin6_addr = info.ipi6_addr;
	if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		name.sin6_scope_id = info.ipi6_ifindex;
	net_addr_from_sockaddr(local, (const struct sockaddr *)&name);
}

static void notes_read(struct notes *notes, struct msghdr *message, const struct net_addr *bound)
{
	memset(notes, 0, sizeof(*notes));
	notes->local = *bound;
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
		int level = control->cmsg_level, type = control->cmsg_type;

		if (level == SOL_SOCKET && type == SO_TIMESTAMPNS) {
			memcpy(&notes->stamp, CMSG_DATA(control), sizeof(notes->stamp));
		} else if (level == SOL_SOCKET && type == SO_RXQ_OVFL) {
			memcpy(&notes->overflow, CMSG_DATA(control), sizeof(notes->overflow));
			notes->overflowed = true;
		} else if (level == IPPROTO_IP && type == IP_PKTINFO) {
			note_four(&notes->local, control);
		} else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
			note_six(&notes->local, control);
		} else if ((level == IPPROTO_IP && type == IP_RECVERR) || (level == IPPROTO_IPV6 && type == IPV6_RECVERR)) {
			memcpy(&notes->error, CMSG_DATA(control), sizeof(notes->error));
		}
	}
	notes->local.port = bound->port;
}

static void datagram_read(struct real_udp *udp, struct net_datagram *datagram, struct mmsghdr *message)
{
	struct notes notes;

	notes_read(&notes, &message->msg_hdr, &udp->local);
	net_addr_from_sockaddr(&datagram->peer, message->msg_hdr.msg_name);
	datagram->local = notes.local;
	datagram->at = udp->last_at = real_stamp(real_of(udp), &notes.stamp, udp->last_at);
	datagram->octets = message->msg_hdr.msg_iov->iov_base;
	datagram->length = message->msg_len;
	datagram->truncated = message->msg_hdr.msg_flags & MSG_TRUNC;
	if (notes.overflowed) {
		udp->dropped += (uint32_t)(notes.overflow - udp->overflow); /* the kernel's counter wraps */
		udp->overflow = notes.overflow;
	}
}

static void error_tell(struct real_udp *udp, struct msghdr *message)
{
	struct notes notes;
	struct net_addr peer;

	notes_read(&notes, message, &udp->local);
	if (notes.error.ee_origin != SO_EE_ORIGIN_ICMP && notes.error.ee_origin != SO_EE_ORIGIN_ICMP6)
		return;
	net_addr_from_sockaddr(&peer, message->msg_name);
	udp->last_at = real_stamp(real_of(udp), &notes.stamp, udp->last_at);
	if (udp->udp.events.refused)
		udp->udp.events.refused(udp->udp.context, &peer, (int)notes.error.ee_errno, udp->last_at);
}

static void errors_read(struct real_udp *udp)
{
	udp->error_met = false;
	for (unsigned i = 0; i < ERRORS_A_TURN && !udp->closed; i++) {
		struct sockaddr_in6 name;
		struct control control;
		struct msghdr message = { .msg_name = &name, .msg_namelen = sizeof(name),
			.msg_control = &control, .msg_controllen = sizeof(control) };

		if (recvmsg(udp->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		error_tell(udp, &message);
	}
}

/* How many there were, or -errno. */
static int batch_read(struct real_udp *udp)
{
	struct real_inbox *inbox = real_of(udp)->inbox;
	int count;

	for (unsigned i = 0; i < NET_BATCH; i++) {
		inbox->messages[i].msg_hdr.msg_namelen = sizeof(inbox->names[i]);
		inbox->messages[i].msg_hdr.msg_controllen = sizeof(inbox->controls[i]);
	}
	count = recvmmsg(udp->fd, inbox->messages, NET_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0)
		return -errno;
	real_measure_offset(real_of(udp));
	for (int i = 0; i < count; i++)
		datagram_read(udp, &inbox->datagrams[i], &inbox->messages[i]);
	udp->udp.events.received(udp->udp.context, inbox->datagrams, (size_t)count);
	return count;
}

/* Woken with nothing to read, or told of an error: then the error queue is what it is about. */
static void udp_ready(evutil_socket_t fd, short what, void *context)
{
	struct real_udp *udp = context;
	int count = NET_BATCH;

	(void)fd;
	(void)what;
	if (udp->error_met)
		errors_read(udp);
	for (unsigned i = 0; i < BATCHES_A_TURN && count == NET_BATCH && udp->reading && !udp->closed; i++) {
		count = batch_read(udp);
		if (count < 0 && (i == 0 || count != -EAGAIN))
			errors_read(udp);
	}
}

/* ---- sending -------------------------------------------------------------------------------- */

static void failure_note(struct real_udp *udp, const struct mmsghdr *message, int error)
{
	net_addr_from_sockaddr(&udp->failed_to, message->msg_hdr.msg_name);
	udp->failed = error;
	real_due_add(real_of(udp), &udp->due);
}

static void failure_tell(struct real_due *due)
{
	struct real_udp *udp = (struct real_udp *)((char *)due - offsetof(struct real_udp, due));

	if (udp->udp.events.refused)
		udp->udp.events.refused(udp->udp.context, &udp->failed_to, udp->failed, real_now());
}

/* An error may belong to an earlier datagram, which the kernel tells on the next call: so each gets a second try. */
static void run_send(struct real_udp *udp, struct mmsghdr *messages, unsigned count)
{
	bool again = false;

	for (unsigned done = 0; done < count;) {
		int sent = sendmmsg(udp->fd, messages + done, count - done, MSG_NOSIGNAL);

		if (sent > 0) {
			done += (unsigned)sent;
			again = false;
		} else if (errno != EAGAIN && errno != EINTR && !again) {
			again = udp->error_met = true;
		} else if (errno != EINTR) {
			if (errno != EAGAIN && errno != ENOBUFS)
				failure_note(udp, messages + done, errno);
			done++;
			again = false;
		}
	}
}

void real_udp_flush(struct real_net *real)
{
	struct real_outbox *out = real->outbox;
	unsigned end;

	if (!out)
		return;
	for (unsigned first = 0; first < out->count; first = end) {
		for (end = first + 1; end < out->count && out->owners[end] == out->owners[first];)
			end++;
		run_send(out->owners[first], out->messages + first, end - first);
	}
	out->count = 0;
	out->used = 0;
}

static size_t control_from(struct control *control, const struct net_addr *from, int family)
{
	struct cmsghdr *header = (struct cmsghdr *)control->octets;
	struct sockaddr_in6 name;

	if (!real_sockaddr(&name, from, family))
		return 0;
	memset(control, 0, sizeof(*control));
	if (family == AF_INET) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, from->octets, 4);
		*header = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof(info)) };
		memcpy(CMSG_DATA(header), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	struct in6_pktinfo info = { .ipi6_addr = name.sin6_addr, .ipi6_ifindex = from->scope };
	*header = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO, .cmsg_len = CMSG_LEN(sizeof(info)) };
	memcpy(CMSG_DATA(header), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

int real_udp_send(struct net_udp *base, const struct net_addr *to, const struct net_addr *from, const char *octets, size_t length)
{
	struct real_udp *udp = (struct real_udp *)base;
	struct real_outbox *out = real_of(udp)->outbox;

	if (out->count == NET_BATCH || length > OUT_ROOM - out->used)
		real_udp_flush(real_of(udp));
	unsigned slot = out->count;
	socklen_t name = real_sockaddr(&out->names[slot], to, udp->family);
	if (!name || (to->family != udp->local.family && !udp->wildcard))
		return -EAFNOSUPPORT;
	size_t control = from && udp->wildcard ? control_from(&out->controls[slot], from, udp->family) : 0;
	if (length)
		memcpy(out->octets + out->used, octets, length);
	out->owners[slot] = udp;
	out->parts[slot] = (struct iovec){ out->octets + out->used, length };
	out->messages[slot].msg_hdr = (struct msghdr){ .msg_name = &out->names[slot], .msg_namelen = name,
		.msg_iov = &out->parts[slot], .msg_iovlen = 1,
		.msg_control = control ? &out->controls[slot] : NULL, .msg_controllen = control };
	out->used += length;
	out->count++;
	return 0;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static void options_set(int fd, int family)
{
	int big = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)))
		real_option(fd, SOL_SOCKET, SO_RCVBUF, big);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big)))
		real_option(fd, SOL_SOCKET, SO_SNDBUF, big);
	real_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	real_option(fd, IPPROTO_IP, IP_RECVERR, 1); /* IPv6 sockets carry IPv4, too */
	if (family == AF_INET) {
		real_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	} else {
		real_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
		real_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	}
}

int real_udp_open(struct net *net, const struct net_addr *local, struct net_udp **out)
{
	struct real_net *real = (struct real_net *)net;
	int fd = real_socket(local, SOCK_DGRAM);

	if (fd < 0)
		return fd;
	options_set(fd, real_family(local));
	int error = real_bind(fd, local);
	if (error) {
		close(fd);
		return error;
	}
	struct real_udp *udp = net_need(sizeof(*udp));
	udp->udp.object.net = net;
	udp->due.visit = failure_tell;
	udp->fd = fd;
	udp->family = real_family(local);
	udp->wildcard = net_addr_is_wildcard(local);
	udp->reading = true;
	real_local(fd, &udp->local);
	(void)real_read_room(real);
	if (!real->outbox)
		real->outbox = net_need(sizeof(*real->outbox));
	LIST_INSERT_HEAD(&real->udps, udp, all);
	event_assign(&udp->event, real->base, fd, EV_READ | EV_PERSIST, udp_ready, udp);
	event_add(&udp->event, NULL);
	*out = &udp->udp;
	return 0;
}

void real_udp_close(struct net_udp *base)
{
	struct real_udp *udp = (struct real_udp *)base;

	real_udp_flush(real_of(udp));
	real_due_remove(real_of(udp), &udp->due);
	event_del(&udp->event);
	close(udp->fd);
	udp->closed = true;
	LIST_REMOVE(udp, all);
	net_bury(&base->object);
}

void real_udp_free_all(struct real_net *real)
{
	while (!LIST_EMPTY(&real->udps))
		real_udp_close(&LIST_FIRST(&real->udps)->udp);
	free(real->inbox);
	free(real->outbox);
}

/* ---- asking --------------------------------------------------------------------------------- */

void real_udp_local(const struct net_udp *udp, struct net_addr *local)
{
	*local = ((const struct real_udp *)udp)->local;
}

void real_udp_read(struct net_udp *base, bool on)
{
	struct real_udp *udp = (struct real_udp *)base;

	if (on == udp->reading)
		return;
	udp->reading = on;
	if (on)
		event_add(&udp->event, NULL);
	else
		event_del(&udp->event);
}

uint64_t real_udp_dropped(const struct net_udp *udp)
{
	return ((const struct real_udp *)udp)->dropped;
}
