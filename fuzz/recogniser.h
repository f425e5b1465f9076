/* A second reading of section 2 of PROTOCOL.md: is this a message, and which one?
 * For the model and for differential tests. Written from the document alone, and kept apart from protocol/message.c on
 * purpose: share no code with it. Pure; the fields are slices of the caller's octets. */
#ifndef FUZZ_RECOGNISER_H
#define FUZZ_RECOGNISER_H

#include <stdint.h>

#include "protocol/str.h"

enum fz_command {
	FZ_UNKNOWN, /* a command by its grammar, but none of section 3 */
	FZ_CONNECTION_REQUEST, FZ_CONNECTION_GRANTED, FZ_CONNECTION_ERROR, FZ_CONNECTION_RESPONSE_ACK,
	FZ_USER_LIST_REQUEST, FZ_USER_LIST_RESPONSE, FZ_USER_LIST_RESPONSE_ACK,
	FZ_MOVIE_LIST_REQUEST, FZ_MOVIE_LIST_RESPONSE, FZ_MOVIE_LIST_RESPONSE_ACK,
	FZ_ENTER_MOVIE_REQUEST, FZ_ENTER_MOVIE_GRANTED, FZ_ENTER_MOVIE_ERROR, FZ_ENTER_MOVIE_RESPONSE_ACK,
	FZ_LEAVE_SESSION_REQUEST, FZ_LEAVE_SESSION_GRANTED, FZ_LEAVE_SESSION_ERROR, FZ_LEAVE_SESSION_RESPONSE_ACK,
	FZ_SEND_MESSAGE_REQUEST, FZ_NEW_MESSAGE, FZ_NEW_MESSAGE_RESPONSE_ACK,
	FZ_COMMANDS
};

enum fz_beat { FZ_NO_BEAT, FZ_REQUEST, FZ_RESPONSE, FZ_ACK };

struct fz_fields {
	enum fz_command command;
	unsigned code; /* the digits of an ERROR, 0 otherwise */
	int64_t us;    /* TIME in microseconds */
	struct c2w_str time, word, user, data; /* as written; word: the command */
};

/* Whether the octets are one message, its CRLF included and nothing behind it. Fields (may be NULL) are set only then. */
bool fz_is_message(const char *octets, size_t length, struct fz_fields *fields);

bool fz_is_user_name(struct c2w_str user); /* CON-03 */
bool fz_is_utf8(const char *octets, size_t length);

enum fz_beat fz_command_beat(enum fz_command command);
/* The request of its exchange: SEND_MESSAGE_REQUEST for NEW_MESSAGE and its ack. FZ_UNKNOWN for that. */
enum fz_command fz_command_request(enum fz_command command);
const char *fz_command_name(enum fz_command command); /* "CONNECTION_ERROR_XXXX" */

#endif
