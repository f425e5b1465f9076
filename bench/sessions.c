/* The bare client that c2w-fuzz is measured against: one session of five requests after the other, each on an endpoint of its own, nothing checked.
 *   bench-sessions udp|tcp HOST PORT SESSIONS
 * Every answer is acked, as REL-02 has it. Prints sessions per second. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const struct { const char *family, *data; } requests[] = {
	{ "CONNECTION", "" }, { "USER_LIST", "" }, { "MOVIE_LIST", "" }, { "ENTER_MOVIE", "?" }, { "LEAVE_SESSION", "" },
};

static void die(const char *what)
{
	fprintf(stderr, "bench-sessions: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int dial(const struct sockaddr_in *to, int type)
{
	struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_INET, type, 0), on = 1;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void put(int fd, unsigned long serial, unsigned step, const char *beat, const char *data)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "%u.5: %s_%s|bench%lu|%s\r\n", step + 1, requests[step].family, beat, serial, data);

	if (send(fd, text, (size_t)length, 0) != length)
		die("send");
}

static void session(const struct sockaddr_in *to, int type, unsigned long serial)
{
	char answer[65536];
	int fd = dial(to, type);

	for (unsigned step = 0; step < sizeof(requests) / sizeof(requests[0]); step++) {
		put(fd, serial, step, "REQUEST", requests[step].data);
		if (recv(fd, answer, sizeof(answer), 0) <= 0)
			die("no answer");
		put(fd, serial, step, "RESPONSE_ACK", "");
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timespec start, end;
	unsigned long count;

	if (argc != 5 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: bench-sessions udp|tcp HOST PORT SESSIONS\n");
		return 2;
	}
	to.sin_port = htons((unsigned short)strtoul(argv[3], NULL, 10));
	count = strtoul(argv[4], NULL, 10);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned long serial = 0; serial < count; serial++)
		session(&to, strcmp(argv[1], "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM, serial);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.0f\n", (double)count / ((double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9));
	return 0;
}
