/* Goal: any segmentation of a stream gives the same messages, within the memory bound (TRN-03, TRN-05).
 * Input: octet 0 the size of the buffer, octet 1 how many octets of cuts follow, the cuts, the stream. A slow writing of
 * protocol/frame.h, which sees the whole stream at once, says what the messages are.
 * Called by the fuzzer's driver only; owns its buffers, each exactly as large as it may be used. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "protocol/frame.h"

/* The messages that come out, one after the other, compared with those of the whole stream. */
struct expected {
	struct c2w_str stream;
	size_t size, at; /* of the buffer; where the next message begins */
};

/* Where the next message ends; 0: the stream has no more whole one that is short enough. */
static size_t next_end(const struct expected *e)
{
	for (size_t end = e->at + 2; end <= e->stream.length && end - e->at <= e->size; end++)
		if (memcmp(e->stream.at + end - 2, "\r\n", 2) == 0)
			return end;
	return 0;
}

static void check_message(struct expected *e, struct c2w_str message)
{
	size_t end = next_end(e);

	FZ_CLAIM(end != 0);
	FZ_CLAIM(c2w_str_equal(message, (struct c2w_str){ e->stream.at + e->at, end - e->at }));
	e->at = end;
	fz_saw(message.at, message.length);
}

/* One segment, in a block of memory of its own. False once a message was too long. */
static bool push(struct c2w_framer *framer, struct expected *e, struct c2w_str segment, size_t fed)
{
	char *copy = fz_text((const uint8_t *)segment.at, segment.length);
	struct c2w_str input = { copy, segment.length }, message;
	enum c2w_err err;

	while ((err = c2w_framer_next(framer, &input, &message)) == C2W_OK)
		check_message(e, message);
	FZ_CLAIM(framer->held <= framer->size);
	if (err == C2W_ERR_TOO_LONG) {
		FZ_CLAIM(message.length == e->size && memcmp(message.at, e->stream.at + e->at, e->size) == 0);
		FZ_CLAIM(next_end(e) == 0 && fed - e->at >= e->size);
		FZ_CLAIM(c2w_framer_next(framer, &input, &message) == C2W_ERR_TOO_LONG); /* for good */
	} else {
		FZ_CLAIM(err == C2W_ERR_MORE && input.length == 0);
		FZ_CLAIM(message.length == fed - e->at && message.length < e->size); /* nothing is held back */
		FZ_CLAIM(message.length == 0 || memcmp(message.at, e->stream.at + e->at, message.length) == 0);
	}
	free(copy);
	fz_saw_number((uint64_t)err);
	return err == C2W_ERR_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fz_input input = { data, size };
	size_t room = 2 + fz_octet(&input) * (size_t)17;
	struct c2w_str cuts = fz_octets(&input, fz_octet(&input));
	struct expected e = { .stream = fz_octets(&input, input.left), .size = room };
	char *buffer = malloc(room);
	struct c2w_framer framer;
	bool going = true;

	if (!buffer)
		abort();
	c2w_framer_init(&framer, buffer, room);
	for (size_t at = 0, turn = 0; going && at < e.stream.length; turn++) {
		size_t length = cuts.length ? (uint8_t)cuts.at[turn % cuts.length] : e.stream.length;

		if (length > e.stream.length - at)
			length = e.stream.length - at;
		if (length == 0 && turn % 7 != 3) /* an empty segment changes nothing, but is no progress either */
			length = 1;
		going = push(&framer, &e, (struct c2w_str){ e.stream.at + at, length }, at + length);
		at += length;
	}
	FZ_CLAIM(!going || next_end(&e) == 0); /* nothing whole is left unsaid */
	free(buffer);
	return 0;
}
