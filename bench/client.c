/* The bare client that the engine and the server are measured against: batches of 64 datagrams a call, nothing checked.
 *   bench-client HOST PORT EXCHANGES [login] [acks]
 * login: sends a CONNECTION_REQUEST first (c2w-server; an echo server needs none); acks: a third beat after every answer.
 * Prints exchanges per second. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, ROOM = 2048 };

struct batch {
	struct mmsghdr headers[BATCH];
	struct iovec vectors[BATCH];
	char octets[BATCH][ROOM];
};

static void batch_init(struct batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	for (size_t i = 0; i < BATCH; i++) {
		batch->vectors[i] = (struct iovec){ batch->octets[i], ROOM };
		batch->headers[i].msg_hdr.msg_iov = &batch->vectors[i];
		batch->headers[i].msg_hdr.msg_iovlen = 1;
	}
}

static void die(const char *what)
{
	fprintf(stderr, "bench-client: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void send_all(int fd, struct batch *batch, const char *command, unsigned first)
{
	for (unsigned i = 0; i < BATCH; i++)
		batch->vectors[i].iov_len = (size_t)snprintf(batch->octets[i], ROOM, "%u.5: %s|bench|\r\n", first + i, command);
	for (int sent = 0, now; sent < BATCH; sent += now)
		if ((now = sendmmsg(fd, batch->headers + sent, (unsigned)(BATCH - sent), 0)) < 0)
			die("sendmmsg");
}

static int receive(int fd, struct batch *batch, unsigned most)
{
	for (size_t i = 0; i < BATCH; i++)
		batch->vectors[i].iov_len = ROOM;
	int got = recvmmsg(fd, batch->headers, most, MSG_WAITFORONE, NULL);
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		die("recvmmsg");
	return got < 0 ? 0 : got;
}

static int dial(const char *host, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)strtoul(port, NULL, 10)) };
	struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
	if (fd < 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void hello(int fd, struct batch *batch, const char *message)
{
	if (send(fd, message, strlen(message), 0) < 0 || receive(fd, batch, 1) != 1)
		die("no answer");
}

int main(int argc, char **argv)
{
	static struct batch out, in;
	struct timespec start, end;
	bool acks = argc > 5 && strcmp(argv[5], "acks") == 0;
	if (argc < 4) {
		fprintf(stderr, "usage: bench-client HOST PORT EXCHANGES [login] [acks]\n");
		return 2;
	}
	unsigned count = (unsigned)strtoul(argv[3], NULL, 10) / BATCH * BATCH, answered = 0;
	int fd = dial(argv[1], argv[2]);
	batch_init(&out);
	batch_init(&in);
	if (argc > 4)
		hello(fd, &in, "1.0: CONNECTION_REQUEST|bench|\r\n");
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned done = 0; done < count; done += BATCH) {
		send_all(fd, &out, "USER_LIST_REQUEST", done + 2);
		for (unsigned got = 0, now; got < BATCH && (now = (unsigned)receive(fd, &in, BATCH - got)) > 0; got += now)
			answered += now;
		if (acks)
			send_all(fd, &out, "USER_LIST_RESPONSE_ACK", done + 2);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	if (argc > 4)
		hello(fd, &in, "4000000000.0: LEAVE_SESSION_REQUEST|bench|\r\n");
	if (answered < count)
		fprintf(stderr, "bench-client: %u of %u answers came\n", answered, count);
	printf("%.0f\n", answered / seconds);
	return answered < count;
}
