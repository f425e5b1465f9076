/* The grammar of section 2 and the commands of section 3 of PROTOCOL.md, read a second time.
 * For the model and for differential tests; see the header. Pure: nothing is kept, nothing allocated.
 * Naive on purpose: it goes through the octets from the left, one production after the other. */
#include "fuzz/recogniser.h"

static const struct {
	const char *name; /* each X: one digit */
	enum fz_command request;
	enum fz_beat beat;
} commands[FZ_COMMANDS] = {
	[FZ_UNKNOWN] = { "(unknown)", FZ_UNKNOWN, FZ_NO_BEAT },
	[FZ_CONNECTION_REQUEST] = { "CONNECTION_REQUEST", FZ_CONNECTION_REQUEST, FZ_REQUEST },
	[FZ_CONNECTION_GRANTED] = { "CONNECTION_GRANTED", FZ_CONNECTION_REQUEST, FZ_RESPONSE },
	[FZ_CONNECTION_ERROR] = { "CONNECTION_ERROR_XXXX", FZ_CONNECTION_REQUEST, FZ_RESPONSE },
	[FZ_CONNECTION_RESPONSE_ACK] = { "CONNECTION_RESPONSE_ACK", FZ_CONNECTION_REQUEST, FZ_ACK },
	[FZ_USER_LIST_REQUEST] = { "USER_LIST_REQUEST", FZ_USER_LIST_REQUEST, FZ_REQUEST },
	[FZ_USER_LIST_RESPONSE] = { "USER_LIST_RESPONSE", FZ_USER_LIST_REQUEST, FZ_RESPONSE },
	[FZ_USER_LIST_RESPONSE_ACK] = { "USER_LIST_RESPONSE_ACK", FZ_USER_LIST_REQUEST, FZ_ACK },
	[FZ_MOVIE_LIST_REQUEST] = { "MOVIE_LIST_REQUEST", FZ_MOVIE_LIST_REQUEST, FZ_REQUEST },
	[FZ_MOVIE_LIST_RESPONSE] = { "MOVIE_LIST_RESPONSE", FZ_MOVIE_LIST_REQUEST, FZ_RESPONSE },
	[FZ_MOVIE_LIST_RESPONSE_ACK] = { "MOVIE_LIST_RESPONSE_ACK", FZ_MOVIE_LIST_REQUEST, FZ_ACK },
	[FZ_ENTER_MOVIE_REQUEST] = { "ENTER_MOVIE_REQUEST", FZ_ENTER_MOVIE_REQUEST, FZ_REQUEST },
	[FZ_ENTER_MOVIE_GRANTED] = { "ENTER_MOVIE_GRANTED", FZ_ENTER_MOVIE_REQUEST, FZ_RESPONSE },
	[FZ_ENTER_MOVIE_ERROR] = { "ENTER_MOVIE_ERROR_XXXX", FZ_ENTER_MOVIE_REQUEST, FZ_RESPONSE },
	[FZ_ENTER_MOVIE_RESPONSE_ACK] = { "ENTER_MOVIE_RESPONSE_ACK", FZ_ENTER_MOVIE_REQUEST, FZ_ACK },
	[FZ_LEAVE_SESSION_REQUEST] = { "LEAVE_SESSION_REQUEST", FZ_LEAVE_SESSION_REQUEST, FZ_REQUEST },
	[FZ_LEAVE_SESSION_GRANTED] = { "LEAVE_SESSION_GRANTED", FZ_LEAVE_SESSION_REQUEST, FZ_RESPONSE },
	[FZ_LEAVE_SESSION_ERROR] = { "LEAVE_SESSION_ERROR_X", FZ_LEAVE_SESSION_REQUEST, FZ_RESPONSE },
	[FZ_LEAVE_SESSION_RESPONSE_ACK] = { "LEAVE_SESSION_RESPONSE_ACK", FZ_LEAVE_SESSION_REQUEST, FZ_ACK },
	[FZ_SEND_MESSAGE_REQUEST] = { "SEND_MESSAGE_REQUEST", FZ_SEND_MESSAGE_REQUEST, FZ_REQUEST },
	[FZ_NEW_MESSAGE] = { "NEW_MESSAGE", FZ_SEND_MESSAGE_REQUEST, FZ_RESPONSE },
	[FZ_NEW_MESSAGE_RESPONSE_ACK] = { "NEW_MESSAGE_RESPONSE_ACK", FZ_SEND_MESSAGE_REQUEST, FZ_ACK },
};

enum fz_beat fz_command_beat(enum fz_command command)
{
	return commands[command].beat;
}

enum fz_command fz_command_request(enum fz_command command)
{
	return commands[command].request;
}

const char *fz_command_name(enum fz_command command)
{
	return commands[command].name;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* RFC 3629: the shortest form only, no surrogates, nothing above U+10FFFF. */
bool fz_is_utf8(const char *octets, size_t length)
{
	static const struct {
		unsigned char first, last;     /* the first octet */
		unsigned char low, high;       /* the second octet */
		unsigned more;                 /* octets after the first */
	} forms[] = {
		{ 0x00, 0x7F, 0x00, 0x00, 0 },
		{ 0xC2, 0xDF, 0x80, 0xBF, 1 },
		{ 0xE0, 0xE0, 0xA0, 0xBF, 2 },
		{ 0xE1, 0xEC, 0x80, 0xBF, 2 },
		{ 0xED, 0xED, 0x80, 0x9F, 2 },
		{ 0xEE, 0xEF, 0x80, 0xBF, 2 },
		{ 0xF0, 0xF0, 0x90, 0xBF, 3 },
		{ 0xF1, 0xF3, 0x80, 0xBF, 3 },
		{ 0xF4, 0xF4, 0x80, 0x8F, 3 },
	};
	enum { FORMS = sizeof forms / sizeof *forms };

	for (size_t i = 0; i < length;) {
		unsigned char first = (unsigned char)octets[i];
		unsigned form = 0;

		while (form < FORMS && (first < forms[form].first || first > forms[form].last))
			form++;
		if (form == FORMS || length - i <= forms[form].more)
			return false;
		for (unsigned k = 1; k <= forms[form].more; k++) {
			unsigned char octet = (unsigned char)octets[i + k];

			if (octet < (k == 1 ? forms[form].low : 0x80) || octet > (k == 1 ? forms[form].high : 0xBF))
				return false;
		}
		i += 1 + forms[form].more;
	}
	return true;
}

/* user-name = 1*32( ALPHA / DIGIT / "." / "_" / "-" ) */
bool fz_is_user_name(struct c2w_str user)
{
	for (size_t i = 0; i < user.length; i++) {
		char c = user.at[i];

		if (!is_upper(c) && !is_lower(c) && !is_digit(c) && c != '.' && c != '_' && c != '-')
			return false;
	}
	return user.length >= 1 && user.length <= 32;
}

/* Whether a command is written as the table says, each X a digit; their number goes to *code. */
static bool is_written(struct c2w_str word, const char *pattern, unsigned *code)
{
	size_t i = 0;

	*code = 0;
	for (; i < word.length; i++) {
		if (pattern[i] == 'X' && is_digit(word.at[i]))
			*code = *code * 10 + (unsigned)(word.at[i] - '0');
		else if (pattern[i] == 'X' || pattern[i] != word.at[i])
			return false; /* at the pattern's end, too */
	}
	return pattern[i] == '\0';
}

/* No command of section 3 has an X of its own. */
static enum fz_command command_of(struct c2w_str word, unsigned *code)
{
	for (unsigned command = FZ_UNKNOWN + 1; command < FZ_COMMANDS; command++)
		if (is_written(word, commands[command].name, code))
			return (enum fz_command)command;
	*code = 0;
	return FZ_UNKNOWN;
}

/* Octets still to be read. */
struct rest {
	const char *at, *end;
};

static bool literal(struct rest *rest, char c)
{
	if (rest->at == rest->end || *rest->at != c)
		return false;
	rest->at++;
	return true;
}

/* time = 1*10DIGIT [ "." 1*6DIGIT ]; 16 digits fit 64 bits. */
static bool read_time(struct rest *rest, int64_t *us)
{
	unsigned seconds = 0, fraction = 0;

	*us = 0;
	for (; rest->at != rest->end && is_digit(*rest->at); rest->at++, seconds++) {
		if (seconds == 10)
			return false;
		*us = *us * 10 + (*rest->at - '0');
	}
	if (seconds == 0)
		return false;
	if (literal(rest, '.')) {
		for (; rest->at != rest->end && is_digit(*rest->at); rest->at++, fraction++) {
			if (fraction == 6)
				return false;
			*us = *us * 10 + (*rest->at - '0');
		}
		if (fraction == 0)
			return false;
	}
	for (; fraction < 6; fraction++)
		*us *= 10;
	return true;
}

/* command = 1*64( %x41-5A / DIGIT / "_" ) */
static bool read_command(struct rest *rest)
{
	const char *from = rest->at;

	while (rest->at != rest->end && (is_upper(*rest->at) || is_digit(*rest->at) || *rest->at == '_'))
		rest->at++;
	return rest->at - from >= 1 && rest->at - from <= 64;
}

/* user = *( any character but NUL, CR, LF, "|" ), 255 octets at most */
static bool read_user(struct rest *rest)
{
	const char *from = rest->at;

	while (rest->at != rest->end && *rest->at != '\0' && *rest->at != '\r' && *rest->at != '\n' && *rest->at != '|')
		rest->at++;
	return rest->at - from <= 255;
}

/* data = *( any character but NUL, CR, LF ) */
static void read_data(struct rest *rest)
{
	while (rest->at != rest->end && *rest->at != '\0' && *rest->at != '\r' && *rest->at != '\n')
		rest->at++;
}

static struct c2w_str since(const char *from, const struct rest *rest)
{
	return (struct c2w_str){ from, (size_t)(rest->at - from) };
}

/* message = time ":" SP command "|" user "|" data CRLF */
static bool read_message(struct rest *rest, struct fz_fields *fields)
{
	const char *from = rest->at;

	if (!read_time(rest, &fields->us))
		return false;
	fields->time = since(from, rest);
	if (!literal(rest, ':') || !literal(rest, ' '))
		return false;
	from = rest->at;
	if (!read_command(rest))
		return false;
	fields->word = since(from, rest);
	if (!literal(rest, '|'))
		return false;
	from = rest->at;
	if (!read_user(rest))
		return false;
	fields->user = since(from, rest);
	if (!literal(rest, '|'))
		return false;
	from = rest->at;
	read_data(rest);
	fields->data = since(from, rest);
	return literal(rest, '\r') && literal(rest, '\n') && rest->at == rest->end;
}

bool fz_is_message(const char *octets, size_t length, struct fz_fields *fields)
{
	struct fz_fields read = { 0 };

	if (length == 0 || !read_message(&(struct rest){ octets, octets + length }, &read) || !fz_is_utf8(octets, length))
		return false;
	read.command = command_of(read.word, &read.code);
	if (fields)
		*fields = read;
	return true;
}
