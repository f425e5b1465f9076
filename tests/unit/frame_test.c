/* Tests protocol/frame.c: a stream gives the same messages however it is cut (TRN-03), the bound is exact (TRN-05),
 * and a message that lies whole in the input is not copied. Run by tests/unit; owns nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/frame.h"
#include "tests/unit/guard.h"

enum { SIZE = 16 };

/* Collects what a framer hands out, each message in brackets. */
struct catcher {
	struct c2w_framer framer;
	char buffer[SIZE];
	char caught[256];
	size_t length;
	enum c2w_err err; /* of the last push */
};

static void catch(struct catcher *catcher, const char *octets, size_t length)
{
	assert_in_range(catcher->length + length, 0, sizeof catcher->caught - 1);
	memcpy(catcher->caught + catcher->length, octets, length);
	catcher->length += length;
}

static void push(struct catcher *catcher, const char *octets, size_t length)
{
	struct c2w_str input = { octets, length }, message;

	while ((catcher->err = c2w_framer_next(&catcher->framer, &input, &message)) == C2W_OK) {
		catch(catcher, "[", 1);
		catch(catcher, message.at, message.length);
		catch(catcher, "]", 1);
	}
	if (catcher->err == C2W_ERR_MORE)
		assert_int_equal(input.length, 0);
}

static void begin(struct catcher *catcher)
{
	memset(catcher, 0, sizeof *catcher);
	c2w_framer_init(&catcher->framer, catcher->buffer, SIZE);
}

static void assert_caught(const struct catcher *catcher, const char *expected)
{
	assert_string_equal(catcher->caught, expected);
}

/* An empty message, bare CR and LF, CR CR LF, LF CR LF, one of exactly SIZE octets, and an unfinished one. */
static const char stream[] = "ab\r\n\r\nc\rd\ne\r\nf\r\r\n\n\r\n12345678901234\r\nxy\r";
static const char messages[] = "[ab\r\n][\r\n][c\rd\ne\r\n][f\r\r\n][\n\r\n][12345678901234\r\n]";
static const size_t stream_length = sizeof stream - 1;

static void in_one_piece(void **state)
{
	struct catcher catcher;

	(void)state;
	begin(&catcher);
	push(&catcher, stream, stream_length);
	assert_int_equal(catcher.err, C2W_ERR_MORE);
	assert_caught(&catcher, messages);
	push(&catcher, "\n", 1);
	assert_string_equal(catcher.caught + sizeof messages - 1, "[xy\r\n]");
}

static void cut_once_and_twice_anywhere(void **state)
{
	struct guard guard = guard_new(sizeof stream);

	(void)state;
	for (size_t first = 0; first <= stream_length; first++) {
		for (size_t second = first; second <= stream_length; second++) {
			struct catcher catcher;

			begin(&catcher);
			push(&catcher, guard_flush(&guard, stream, first), first);
			push(&catcher, guard_flush(&guard, stream + first, second - first), second - first);
			push(&catcher, guard_flush(&guard, stream + second, stream_length - second), stream_length - second);
			assert_int_equal(catcher.err, C2W_ERR_MORE);
			assert_caught(&catcher, messages);
		}
	}
	guard_free(&guard);
}

static void in_pieces_of_each_size(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= stream_length; piece++) {
		struct catcher catcher;

		begin(&catcher);
		for (size_t at = 0; at < stream_length; at += piece)
			push(&catcher, stream + at, at + piece < stream_length ? piece : stream_length - at);
		assert_caught(&catcher, messages);
	}
}

/* A short stream with two messages: each of the 2^9 ways to cut it. */
static void cut_in_every_way(void **state)
{
	static const char octets[] = "a\r\n\rb\n\nc\r\n";
	const unsigned last = sizeof octets - 2;

	(void)state;
	for (unsigned cuts = 0; cuts < 1u << last; cuts++) {
		struct catcher catcher;
		size_t from = 0;

		begin(&catcher);
		for (unsigned at = 0; at <= last; at++) {
			if (at < last && !(cuts >> at & 1))
				continue;
			push(&catcher, octets + from, at + 1 - from);
			from = at + 1;
		}
		assert_int_equal(catcher.err, C2W_ERR_MORE);
		assert_caught(&catcher, "[a\r\n][\rb\n\nc\r\n]");
	}
}

static void whole_messages_are_not_copied(void **state)
{
	static const char octets[] = "ab\r\nc\r\nd";
	struct c2w_str input = { octets, sizeof octets - 1 }, message;
	struct c2w_framer framer;
	char buffer[SIZE] = "untouched";

	(void)state;
	c2w_framer_init(&framer, buffer, sizeof buffer);
	assert_int_equal(c2w_framer_next(&framer, &input, &message), C2W_OK);
	assert_ptr_equal(message.at, octets);
	assert_int_equal(message.length, 4);
	assert_int_equal(c2w_framer_next(&framer, &input, &message), C2W_OK);
	assert_ptr_equal(message.at, octets + 4);
	assert_string_equal(buffer, "untouched");
	assert_int_equal(c2w_framer_next(&framer, &input, &message), C2W_ERR_MORE);
	assert_int_equal(framer.held, 1);
	assert_ptr_equal(message.at, buffer);
	assert_int_equal(message.length, 1);
	assert_memory_equal(message.at, "d", 1);
}

/* `length` octets without a CRLF, then `tail`, cut at `cut` and with the rest in one piece. */
static enum c2w_err push_long(struct catcher *catcher, size_t length, const char *tail, size_t cut)
{
	char octets[64];
	struct c2w_str end = c2w_str_of(tail);
	size_t whole = length + end.length;

	memset(octets, 'x', length);
	memcpy(octets + length, end.at, end.length);
	begin(catcher);
	push(catcher, octets, cut);
	if (catcher->err == C2W_ERR_MORE)
		push(catcher, octets + cut, whole - cut);
	return catcher->err;
}

static void the_bound_is_exact(void **state)
{
	(void)state; /* TRN-05 */
	for (size_t cut = 0; cut <= SIZE; cut++) {
		struct catcher catcher;

		if (cut < SIZE) {
			assert_int_equal(push_long(&catcher, SIZE - 3, "\r\n", cut), C2W_ERR_MORE);
			assert_int_equal(catcher.length, SIZE - 3 + 4);
			assert_int_equal(push_long(&catcher, SIZE - 1, "", cut), C2W_ERR_MORE);
		}
		assert_int_equal(push_long(&catcher, SIZE - 2, "\r\n", cut), C2W_ERR_MORE);
		assert_int_equal(catcher.length, SIZE + 2);
		assert_int_equal(push_long(&catcher, SIZE - 1, "\r", cut), C2W_ERR_TOO_LONG);
		assert_int_equal(push_long(&catcher, SIZE - 1, "\r\n", cut), C2W_ERR_TOO_LONG);
		assert_int_equal(push_long(&catcher, SIZE, "", cut), C2W_ERR_TOO_LONG);
		assert_int_equal(push_long(&catcher, SIZE, "\r\n", cut), C2W_ERR_TOO_LONG);
		assert_int_equal(push_long(&catcher, SIZE + 20, "\r\n", cut), C2W_ERR_TOO_LONG);
		assert_int_equal(catcher.length, 0);
	}
}

static void too_long_is_for_good(void **state)
{
	struct catcher catcher;
	struct c2w_str input = C2W_STR("ab\r\n"), message;

	(void)state;
	assert_int_equal(push_long(&catcher, SIZE, "", 3), C2W_ERR_TOO_LONG);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(c2w_framer_next(&catcher.framer, &input, &message), C2W_ERR_TOO_LONG);
		assert_int_equal(message.length, SIZE);
		assert_memory_equal(message.at, "xxxxxxxxxxxxxxxx", SIZE);
	}
}

static void messages_before_a_long_one_are_handed_out(void **state)
{
	struct catcher catcher;
	static const char octets[] = "a\r\nb\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

	(void)state;
	begin(&catcher);
	push(&catcher, octets, sizeof octets - 1);
	assert_int_equal(catcher.err, C2W_ERR_TOO_LONG);
	assert_caught(&catcher, "[a\r\n][b\r\n]");
}

static void nothing_beyond_the_buffer_is_written(void **state)
{
	struct guard guard = guard_new(SIZE);
	struct c2w_framer framer;
	struct c2w_str message;

	(void)state;
	c2w_framer_init(&framer, guard.end - SIZE, SIZE);
	for (int i = 0; i < 3 * SIZE; i++)
		assert_int_equal(c2w_framer_next(&framer, &(struct c2w_str){ "x", 1 }, &message),
		                 i < SIZE - 1 ? C2W_ERR_MORE : C2W_ERR_TOO_LONG);
	guard_free(&guard);
}

static void an_empty_push_asks_for_more(void **state)
{
	struct catcher catcher;

	(void)state;
	begin(&catcher);
	push(&catcher, NULL, 0);
	assert_int_equal(catcher.err, C2W_ERR_MORE);
	push(&catcher, "a\r", 2);
	push(&catcher, NULL, 0);
	assert_int_equal(catcher.err, C2W_ERR_MORE);
	push(&catcher, "\n", 1);
	assert_caught(&catcher, "[a\r\n]");
}

static void nothing_before_the_buffer_is_read(void **state)
{
	char octets[1 + SIZE] = "\r";
	struct c2w_framer framer;
	struct c2w_str input = C2W_STR("\na\r\n"), message;

	(void)state;
	c2w_framer_init(&framer, octets + 1, SIZE);
	assert_int_equal(c2w_framer_next(&framer, &input, &message), C2W_OK);
	assert_int_equal(message.length, 4);
}

static void crlf_is_found(void **state)
{
	(void)state;
	assert_int_equal(c2w_through_crlf((struct c2w_str){ 0 }, '\r'), 0);
	assert_int_equal(c2w_through_crlf(C2W_STR("\n"), '\r'), 1);
	assert_int_equal(c2w_through_crlf(C2W_STR("\n"), '\0'), 0);
	assert_int_equal(c2w_through_crlf(C2W_STR("\n\r\n"), '\n'), 3);
	assert_int_equal(c2w_through_crlf(C2W_STR("\n\n\n\r"), 'x'), 0);
	assert_int_equal(c2w_through_crlf(C2W_STR("a\0\nb\r\r\n\r\n"), '\0'), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_one_piece),
		cmocka_unit_test(cut_once_and_twice_anywhere),
		cmocka_unit_test(in_pieces_of_each_size),
		cmocka_unit_test(cut_in_every_way),
		cmocka_unit_test(whole_messages_are_not_copied),
		cmocka_unit_test(the_bound_is_exact),
		cmocka_unit_test(too_long_is_for_good),
		cmocka_unit_test(messages_before_a_long_one_are_handed_out),
		cmocka_unit_test(nothing_beyond_the_buffer_is_written),
		cmocka_unit_test(an_empty_push_asks_for_more),
		cmocka_unit_test(nothing_before_the_buffer_is_read),
		cmocka_unit_test(crlf_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
