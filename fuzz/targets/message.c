/* Goal: a message is accepted exactly when a slow and obvious reading of the grammar accepts it (FMT-05, FMT-06), and what is accepted
 * comes out again octet for octet. Input: the octets of one message.
 * Called by the fuzzer's driver only; a parsed message points into the input. */
#include "fuzz/fuzz.h"
#include "fuzz/recogniser.h"
#include "protocol/message.h"

enum { MAX_REQUEST = 4096, ROOM = 8192 };

static bool lies_within(struct c2w_str field, const char *octets, size_t length)
{
	return field.length == 0 || (field.at >= octets && field.at + field.length <= octets + length);
}

static void check_fields(const struct c2w_message *message, const char *octets, size_t length)
{
	FZ_CLAIM(lies_within(message->time_text, octets, length) && lies_within(message->command_text, octets, length));
	FZ_CLAIM(lies_within(message->user, octets, length) && lies_within(message->data, octets, length));
	FZ_CLAIM(message->time >= -1 && message->command < C2W_COMMANDS);
	FZ_CLAIM(message->code == 0 || c2w_command_info(message->command)->digits > 0);
	fz_saw_number((uint64_t)message->time);
	fz_saw_number(message->command);
	fz_saw_number(message->code);
}

static bool same(const struct c2w_message *a, const struct c2w_message *b)
{
	return a->time == b->time && a->command == b->command && a->code == b->code && c2w_str_equal(a->time_text, b->time_text) &&
	       c2w_str_equal(a->command_text, b->command_text) && c2w_str_equal(a->user, b->user) && c2w_str_equal(a->data, b->data);
}

/* From its texts, and from its command and code: both give what came in. */
static void check_format(const struct c2w_message *message, const char *octets, size_t length)
{
	static char again[ROOM];
	struct c2w_message by_code = *message, reparsed;

	by_code.command_text = (struct c2w_str){ "", 0 };
	FZ_CLAIM(c2w_message_format(again, length, message) == (long)length && memcmp(again, octets, length) == 0);
	FZ_CLAIM(c2w_message_format(again, ROOM, &by_code) == (long)length && memcmp(again, octets, length) == 0);
	FZ_CLAIM(c2w_message_format(again, length - 1, message) == C2W_ERR_SPACE);
	FZ_CLAIM(c2w_message_parse(&reparsed, again, length, 0) == C2W_OK && same(message, &reparsed));
}

static void check_recogniser(const struct c2w_message *message, enum c2w_err err, const char *octets, size_t length)
{
	struct fz_fields fields;
	bool recognised = length <= MAX_REQUEST && fz_is_message(octets, length, &fields);

	FZ_CLAIM((err == C2W_OK) == (recognised && fields.command != FZ_UNKNOWN));
	FZ_CLAIM((err == C2W_ERR_UNKNOWN) == (recognised && fields.command == FZ_UNKNOWN));
	if (err != C2W_OK)
		return;
	FZ_CLAIM(fields.us == message->time && fields.code == message->code && c2w_str_equal(fields.time, message->time_text));
	FZ_CLAIM(c2w_str_equal(fields.word, message->command_text));
	FZ_CLAIM(c2w_str_equal(fields.user, message->user) && c2w_str_equal(fields.data, message->data));
	FZ_CLAIM(fz_is_user_name(fields.user) == c2w_user_name_valid(message->user));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *octets = (const char *)data;
	struct c2w_message message;
	enum c2w_err err = c2w_message_parse(&message, octets, size, MAX_REQUEST);

	check_fields(&message, octets, size);
	fz_saw_number((uint64_t)err);
	check_recogniser(&message, err, octets, size);
	if (err == C2W_OK)
		check_format(&message, octets, size);
	return 0;
}
