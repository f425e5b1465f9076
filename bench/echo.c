/* A bare UDP echo server, batched calls both ways: what a server can do that does nothing.
 *   bench-echo        prints `ready 127.0.0.1:PORT`, ends on SIGTERM. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, ROOM = 2048 };

int main(void)
{
	static struct mmsghdr headers[BATCH];
	static struct iovec vectors[BATCH];
	static struct sockaddr_in peers[BATCH];
	static char octets[BATCH][ROOM];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&at, size) < 0 || getsockname(fd, (struct sockaddr *)&at, &size) < 0) {
		perror("bench-echo");
		return 1;
	}
	printf("ready 127.0.0.1:%u\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		for (size_t i = 0; i < BATCH; i++) {
			vectors[i] = (struct iovec){ octets[i], ROOM };
			headers[i].msg_hdr = (struct msghdr){ .msg_name = &peers[i], .msg_namelen = sizeof(peers[i]), .msg_iov = &vectors[i], .msg_iovlen = 1 };
		}
		int got = recvmmsg(fd, headers, BATCH, MSG_WAITFORONE, NULL);
		if (got < 0)
			return 1;
		for (int i = 0; i < got; i++)
			vectors[i].iov_len = headers[i].msg_len;
		for (int sent = 0, now; sent < got; sent += now)
			if ((now = sendmmsg(fd, headers + sent, (unsigned)(got - sent), 0)) < 0)
				return 1;
	}
}
