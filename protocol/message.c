/* Reads and writes messages: the grammar of PROTOCOL.md section 2 over the commands of section 3.
 * See protocol/message.h. Owns nothing: parsed fields point into the caller's octets. */
#include "protocol/message.h"

#include <arpa/inet.h>
#include <unistr.h>

#include "protocol/decimal.h"
#include "protocol/frame.h"
#include "protocol/time.h"

const char *c2w_err_text(enum c2w_err err)
{
	switch (err) {
#define C2W_ERR(name, text) case C2W_ERR_##name: return text;
#include "protocol/errors.def"
#undef C2W_ERR
	case C2W_OK:
	case C2W_ERR_BASE_:
		break;
	}
	return "";
}

/* ---- commands ----------------------------------------------------------------------------- */

static const struct {
	struct c2w_command_info info;
	size_t name_length;
	size_t wire_length; /* with "_" and the digits of an error */
} commands[C2W_COMMANDS] = {
#define C2W_COMMAND(name, sender, family, beat, digits, data) \
	[C2W_##name] = { { #name, C2W_##sender, C2W_##family, C2W_##beat, digits, data }, \
	                 sizeof(#name) - 1, sizeof(#name) - 1 + ((digits) > 0 ? 1 + (digits) : 0) },
#include "protocol/commands.def"
#undef C2W_COMMAND
};

const struct c2w_command_info *c2w_command_info(enum c2w_command command)
{
	return &commands[command].info;
}

static bool reads_as(struct c2w_str text, size_t i, unsigned *code)
{
	size_t name = commands[i].name_length;
	int64_t number = 0;

	if (text.length != commands[i].wire_length || memcmp(text.at, commands[i].info.name, name) != 0)
		return false;
	if (commands[i].info.digits > 0) {
		struct c2w_str digits = { text.at + name + 1, commands[i].info.digits };

		if (text.at[name] != '_' || !c2w_decimal_parse(digits, INT32_MAX, &number))
			return false;
	}
	*code = (unsigned)number;
	return true;
}

enum c2w_command c2w_command_find(struct c2w_str text, unsigned *code)
{
	unsigned found = 0;
	enum c2w_command command = C2W_NO_COMMAND;

	for (size_t i = C2W_NO_COMMAND + 1; i < C2W_COMMANDS && command == C2W_NO_COMMAND; i++)
		if (reads_as(text, i, &found))
			command = (enum c2w_command)i;
	if (code)
		*code = found;
	return command;
}

enum c2w_command c2w_command_of(enum c2w_family family, enum c2w_beat beat)
{
	for (size_t i = C2W_NO_COMMAND + 1; i < C2W_COMMANDS; i++)
		if (commands[i].info.family == family && commands[i].info.beat == beat)
			return (enum c2w_command)i;
	return C2W_NO_COMMAND;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* What is left to read, and the first thing that went wrong: later ones do not replace it. */
struct reader {
	const char *at, *end;
	enum c2w_err err;
};

static void fail(struct reader *reader, enum c2w_err err)
{
	if (reader->err == C2W_OK)
		reader->err = err;
}

static struct c2w_str rest(const struct reader *reader)
{
	return (struct c2w_str){ reader->at, (size_t)(reader->end - reader->at) };
}

static bool holds(struct c2w_str octets, char octet)
{
	return octets.length > 0 && memchr(octets.at, octet, octets.length);
}

/* The octets in front of the first `stop`; all of them where there is none. */
static struct c2w_str until(struct c2w_str text, char stop)
{
	const char *at = text.length > 0 ? memchr(text.at, stop, text.length) : NULL;

	if (at)
		text.length = (size_t)(at - text.at);
	return text;
}

static void read_line_end(struct reader *reader)
{
	size_t through = c2w_through_crlf(rest(reader), '\0');

	if (through > 0) {
		if (reader->at + through < reader->end)
			fail(reader, C2W_ERR_AFTER_CRLF);
		reader->end = reader->at + through - 2;
		return;
	}
	fail(reader, C2W_ERR_NO_CRLF);
	if (reader->at < reader->end && (reader->end[-1] == '\n' || reader->end[-1] == '\r'))
		reader->end--;
}

static void check_octets(struct reader *reader)
{
	struct c2w_str line = rest(reader);

	if (holds(line, '\0'))
		fail(reader, C2W_ERR_NUL);
	if (holds(line, '\r') || holds(line, '\n'))
		fail(reader, C2W_ERR_CR_OR_LF);
	if (!c2w_utf8_valid(line))
		fail(reader, C2W_ERR_UTF8);
}

/* TIME ends at the first colon in front of any pipe; without one there, at the first blank. */
static void read_time(struct reader *reader, struct c2w_message *message)
{
	struct c2w_str header = until(rest(reader), '|'), time = until(header, ':');
	bool colon = time.length < header.length;

	if (!colon)
		time = until(header, ' ');
	message->time_text = time;
	if (c2w_time_parse(time, &message->time) != C2W_OK)
		fail(reader, C2W_ERR_TIME);
	if (!colon)
		fail(reader, C2W_ERR_NO_COLON);
	reader->at += time.length + colon;
}

static void read_blank(struct reader *reader)
{
	const char *from = reader->at;

	while (reader->at < reader->end && *reader->at == ' ')
		reader->at++;
	if (reader->at - from != 1)
		fail(reader, C2W_ERR_NO_BLANK);
}

static bool command_well_formed(struct c2w_str text)
{
	if (text.length == 0 || text.length > C2W_MAX_COMMAND)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char octet = text.at[i];

		if (!(octet >= 'A' && octet <= 'Z') && !c2w_is_digit(octet) && octet != '_')
			return false;
	}
	return true;
}

static struct c2w_str read_field(struct reader *reader)
{
	struct c2w_str field = until(rest(reader), '|');

	reader->at += field.length;
	if (reader->at < reader->end)
		reader->at++;
	else
		fail(reader, C2W_ERR_NO_PIPE);
	return field;
}

static void read_command(struct reader *reader, struct c2w_message *message)
{
	message->command_text = read_field(reader);
	message->command = c2w_command_find(message->command_text, &message->code);
	if (message->command == C2W_NO_COMMAND && !command_well_formed(message->command_text))
		fail(reader, C2W_ERR_COMMAND);
}

static void read_user(struct reader *reader, struct c2w_message *message)
{
	message->user = read_field(reader);
	if (message->user.length > C2W_MAX_USER)
		fail(reader, C2W_ERR_USER);
}

enum c2w_err c2w_message_parse(struct c2w_message *message, const char *octets, size_t length, size_t max)
{
	struct reader reader = { octets, octets, C2W_OK };

	*message = (struct c2w_message){ .time = -1 };
	if (length == 0)
		return C2W_ERR_NO_CRLF;
	reader.end += length;
	if (max > 0 && length > max)
		fail(&reader, C2W_ERR_TOO_LONG); /* FMT-07 */
	read_line_end(&reader);
	check_octets(&reader);
	read_time(&reader, message);
	read_blank(&reader);
	read_command(&reader, message);
	read_user(&reader, message);
	message->data = rest(&reader); /* FMT-04 */
	if (message->command == C2W_NO_COMMAND)
		fail(&reader, C2W_ERR_UNKNOWN); /* FMT-06 */
	return reader.err;
}

/* ---- writing ------------------------------------------------------------------------------ */

static char *put(char *to, struct c2w_str part)
{
	if (part.length > 0)
		memcpy(to, part.at, part.length);
	return to + part.length;
}

static struct c2w_str command_name(const struct c2w_message *message)
{
	if (message->command_text.length > 0 || message->command == C2W_NO_COMMAND)
		return message->command_text;
	return (struct c2w_str){ commands[message->command].info.name, commands[message->command].name_length };
}

long c2w_message_format(char *to, size_t size, const struct c2w_message *message)
{
	struct c2w_str name = command_name(message);
	unsigned digits = message->command_text.length > 0 ? 0 : commands[message->command].info.digits;
	size_t length = message->time_text.length + 2 + name.length + (digits > 0 ? 1 + digits : 0) + 1 +
	                message->user.length + 1 + message->data.length + 2;

	if (length > size)
		return C2W_ERR_SPACE;
	to = put(to, message->time_text);
	to = put(to, C2W_STR(": "));
	to = put(to, name);
	if (digits > 0) {
		*to++ = '_';
		c2w_decimal_fill(to, message->code, digits);
		to += digits;
	}
	*to++ = '|';
	to = put(to, message->user);
	*to++ = '|';
	to = put(to, message->data);
	put(to, C2W_STR("\r\n"));
	return (long)length;
}

/* ---- what may stand in a field ------------------------------------------------------------ */

bool c2w_utf8_valid(struct c2w_str octets)
{
	return octets.length == 0 || !u8_check((const uint8_t *)octets.at, octets.length);
}

static bool is_name_octet(char octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') || c2w_is_digit(octet) ||
	       octet == '.' || octet == '_' || octet == '-';
}

bool c2w_user_name_valid(struct c2w_str name)
{
	if (name.length == 0 || name.length > C2W_MAX_USER_NAME)
		return false;
	for (size_t i = 0; i < name.length; i++)
		if (!is_name_octet(name.at[i]))
			return false;
	return true;
}

bool c2w_title_valid(struct c2w_str title, struct c2w_str main_room)
{
	return title.length > 0 && title.length <= C2W_MAX_TITLE && !c2w_str_equal(title, main_room) &&
	       !holds(title, '\0') && !holds(title, '\r') && !holds(title, '\n') && !holds(title, '|') &&
	       c2w_utf8_valid(title);
}

static bool address_valid(int family, struct c2w_str text)
{
	char address[INET6_ADDRSTRLEN] = "";
	unsigned char binary[sizeof(struct in6_addr)];

	if (text.length == 0 || text.length >= sizeof address || holds(text, '\0'))
		return false;
	memcpy(address, text.at, text.length);
	return inet_pton(family, address, binary) == 1;
}

bool c2w_stream_valid(struct c2w_str stream)
{
	const char *colon = stream.length > 0 ? memrchr(stream.at, ':', stream.length) : NULL;
	struct c2w_str address, port;
	int64_t number;

	if (!colon)
		return false;
	address = (struct c2w_str){ stream.at, (size_t)(colon - stream.at) };
	port = (struct c2w_str){ colon + 1, stream.length - address.length - 1 };
	if (!c2w_decimal_parse(port, UINT16_MAX, &number) || number == 0)
		return false;
	if (address.length < 2 || address.at[0] != '[' || colon[-1] != ']')
		return address_valid(AF_INET, address);
	return address_valid(AF_INET6, (struct c2w_str){ address.at + 1, address.length - 2 });
}
