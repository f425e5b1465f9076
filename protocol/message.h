/* A message: its grammar (PROTOCOL.md section 2), its commands (section 3), parse and format.
 * Pure: no heap, no clock, no I/O; callable from anywhere, reentrant.
 * A parsed message points into the octets it was parsed from; their owner keeps them. */
#ifndef C2W_MESSAGE_H
#define C2W_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/str.h"

enum c2w_err {
	C2W_OK = 0,
	C2W_ERR_BASE_ = -1000,
#define C2W_ERR(name, text) C2W_ERR_##name,
#include "protocol/errors.def"
#undef C2W_ERR
};

/* The sentence errors.def gives; "" for C2W_OK. Never NULL. */
const char *c2w_err_text(enum c2w_err err);

enum {
	C2W_MAX_TIME_DIGITS = 10,     /* before the point */
	C2W_MAX_TIME_FRACTION = 6,    /* after it */
	C2W_MAX_TIME_TEXT = 17,       /* octets of the longest TIME */
	C2W_MAX_COMMAND = 64,
	C2W_MAX_USER = 255,           /* what a message may carry */
	C2W_MAX_USER_NAME = 32,       /* what a user may be called: CON-03 */
	C2W_MAX_TITLE = 64,
	C2W_MAX_TO_CLIENT = 65507,    /* FMT-07: octets of a message to a client, CRLF included */
};

/* Who sends a command; which exchange it belongs to; which beat of the exchange it is. */
enum c2w_sender { C2W_CLIENT, C2W_SERVER };
enum c2w_family {
	C2W_CONNECTION, C2W_USER_LIST, C2W_MOVIE_LIST, C2W_ENTER_MOVIE, C2W_LEAVE_SESSION, C2W_CHAT,
	C2W_FAMILIES
};
enum c2w_beat { C2W_REQUEST, C2W_RESPONSE, C2W_ERROR_RESPONSE, C2W_ACK };

enum c2w_command {
	C2W_NO_COMMAND = 0, /* none, or one that is unknown */
#define C2W_COMMAND(name, sender, family, beat, digits, data) C2W_##name,
#include "protocol/commands.def"
#undef C2W_COMMAND
	C2W_COMMANDS
};

struct c2w_command_info {
	const char *name;     /* of an error: without "_" and its digits, "CONNECTION_ERROR" */
	enum c2w_sender sender;
	enum c2w_family family;
	enum c2w_beat beat;
	unsigned digits;      /* of an error's code, 0 for the rest */
	bool data;            /* carries data; false: sent empty, ignored on receipt (FMT-09) */
};

/* command must be a real one, not C2W_NO_COMMAND. */
const struct c2w_command_info *c2w_command_info(enum c2w_command command);

/* The command with this text, octet for octet (FMT-06, FMT-08); an error's digits go to *code,
 * which is 0 otherwise. C2W_NO_COMMAND where it is unknown. code may be NULL. */
enum c2w_command c2w_command_find(struct c2w_str text, unsigned *code);

/* The command of this family and beat. A family without such a beat: C2W_NO_COMMAND. */
enum c2w_command c2w_command_of(enum c2w_family family, enum c2w_beat beat);

struct c2w_message {
	struct c2w_str time_text; /* as it stood there: echoes go by this (FMT-02) */
	int64_t time;             /* microseconds: comparisons go by this (REL-11) */
	struct c2w_str command_text;
	enum c2w_command command;
	unsigned code;            /* of an error, else 0 */
	struct c2w_str user;
	struct c2w_str data;
};

/* Reads one whole message, CRLF included (a datagram, or what a framer gave).
 * Returns C2W_OK, or the first thing that is wrong with it (FMT-05): its length, its end, its octets (NUL,
 * CR or LF, UTF-8), then its fields from left to right; C2W_ERR_UNKNOWN where only the command is not of
 * section 3 (FMT-06). max is the most octets allowed, CRLF included; 0: no limit.
 * Even on error *message holds whatever fields could be told apart (the others are empty; time is -1 where
 * time_text is no TIME), so that a judge can name the exchange that a faulty answer belongs to. */
enum c2w_err c2w_message_parse(struct c2w_message *message, const char *octets, size_t length, size_t max);

/* Writes TIME ": " COMMAND "|" USER "|" DATA CRLF. Fields are copied as they are, valid or not.
 * Uses command_text where it is not empty, otherwise command and code. Returns the octets
 * written, or C2W_ERR_SPACE; nothing is written beyond size. */
long c2w_message_format(char *to, size_t size, const struct c2w_message *message);

/* user-name = 1*32( ALPHA / DIGIT / "." / "_" / "-" )  (CON-03) */
bool c2w_user_name_valid(struct c2w_str name);

/* title = 1*64( character but NUL, CR, LF, "|" ), not main_room (section 3), valid UTF-8. */
bool c2w_title_valid(struct c2w_str title, struct c2w_str main_room);

/* stream = address ":" port, a literal IPv4 address or a bracketed IPv6 one, port 1 to 65535 (ENT-06). */
bool c2w_stream_valid(struct c2w_str stream);

/* All of it valid UTF-8 (libunistring's u8_check). */
bool c2w_utf8_valid(struct c2w_str octets);

#endif
