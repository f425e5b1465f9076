/* A server over UDP that is always full, keeps the rules, and copies the name of whoever it refuses into too little room: for the black-box
 * fuzzer's tests, which build it with protocol/ and a sanitizer. toy PORT */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "protocol/message.h"

enum { ROOM = 36 };

static void refuse(int fd, const struct sockaddr_in *peer, const struct c2w_message *asked)
{
	static const struct { enum c2w_command asked, answer; unsigned code; } answers[] = {
		{ C2W_CONNECTION_REQUEST, C2W_CONNECTION_ERROR, 1003 }, { C2W_ENTER_MOVIE_REQUEST, C2W_ENTER_MOVIE_ERROR, 2001 }, { C2W_LEAVE_SESSION_REQUEST, C2W_LEAVE_SESSION_ERROR, 1 },
	};
	struct c2w_message answer = { .time_text = asked->time_text, .user = asked->user };
	char octets[1024], *name;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (asked->command != answers[i].asked)
			continue;
		name = malloc(ROOM);
		memcpy(name, asked->user.at, asked->user.length); /* the mistake */
		answer.command = answers[i].answer;
		answer.code = i == 0 && !c2w_user_name_valid(asked->user) ? 1002 : answers[i].code;
		sendto(fd, octets, (size_t)c2w_message_format(octets, sizeof(octets), &answer), 0, (const struct sockaddr *)peer, sizeof(*peer));
		free(name);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[argc - 1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0)
		return 1;
	printf("ready 127.0.0.1:%s\n", argv[argc - 1]);
	fflush(stdout);
	for (;;) {
		static char octets[65536];
		struct sockaddr_in peer;
		socklen_t size = sizeof(peer);
		long length = recvfrom(fd, octets, sizeof(octets), 0, (struct sockaddr *)&peer, &size);
		struct c2w_message asked;

		if (length > 0 && c2w_message_parse(&asked, octets, (size_t)length, 4096) == C2W_OK)
			refuse(fd, &peer, &asked);
	}
}
