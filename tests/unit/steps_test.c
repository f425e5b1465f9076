/* Tests the steps of the session target: any octets are steps, mutation and cross-over stay within their bounds and are the same each time,
 * and what mutation makes up is a session.
 * Run by tests/unit; nothing outlives a test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fuzz/steps.h"

enum { STEP = sizeof(struct fz_step), WHOLE = 1 + FZ_MOST_STEPS * STEP, TIMES = 20000 };

static void any_octets_are_steps(void **state)
{
	uint8_t data[WHOLE + 10];
	struct fz_step steps[FZ_MOST_STEPS];

	(void)state;
	memset(data, 0xFF, sizeof(data));
	assert_int_equal(fz_steps_read(data, 0, steps), 0);
	assert_int_equal(fz_steps_read(data, 1, steps), 0);
	assert_int_equal(fz_steps_read(data, STEP, steps), 0);
	assert_int_equal(fz_steps_read(data, 1 + STEP, steps), 1);
	assert_int_equal(fz_steps_read(data, sizeof(data), steps), FZ_MOST_STEPS);
	assert_true(fz_who(&steps[0]) < FZ_CLIENTS && fz_op(&steps[0]) < FZ_OPS);
}

static void assert_says(const struct fz_step *step, struct fz_client clients[FZ_CLIENTS], const char *text)
{
	char octets[FZ_MOST_OCTETS];

	assert_int_equal(fz_step_octets(step, clients, octets), strlen(text));
	assert_memory_equal(octets, text, strlen(text));
}

static void a_step_says_what_it_means(void **state)
{
	static const struct fz_step connects = { .op = FZ_OP_REQUEST, .who = 1, .what = C2W_CONNECTION };
	static const struct fz_step says = { .op = FZ_OP_REQUEST, .who = 1, .what = C2W_CHAT, .time = FZ_OTHER_DIGITS };
	static const struct fz_step again = { .op = FZ_OP_AGAIN, .who = 1 }, acks = { .op = FZ_OP_ACK, .who = 1 };
	struct fz_client clients[FZ_CLIENTS];
	struct c2w_message message;
	char octets[FZ_MOST_OCTETS];

	(void)state;
	fz_clients_init(clients);
	assert_int_equal(fz_step_octets(&acks, clients, octets), 0); /* there is nothing to ack */
	assert_says(&connects, clients, "12: CONNECTION_REQUEST|bob|\r\n");
	assert_says(&says, clients, "12.0: SEND_MESSAGE_REQUEST|bob|hi\r\n");
	assert_says(&again, clients, "12.0: SEND_MESSAGE_REQUEST|bob|hi\r\n");
	assert_int_equal(c2w_message_parse(&message, "12.0: NEW_MESSAGE|bob|hi\r\n", 26, 0), C2W_OK);
	fz_client_got(&clients[1], &message);
	assert_says(&acks, clients, "12.0: NEW_MESSAGE_RESPONSE_ACK|bob|bob\r\n");
	assert_int_equal(fz_step_octets(&acks, clients, octets), 0); /* not twice */
}

static void a_step_may_have_a_word_for_a_name(void **state)
{
	static const struct fz_step connects = { .op = FZ_OP_REQUEST, .what = C2W_CONNECTION, .user = FZ_MAIN_AS_USER };
	static const struct fz_step enters = { .op = FZ_OP_REQUEST, .what = C2W_ENTER_MOVIE, .data = FZ_TITLE_IN_OTHER_CASE };
	struct fz_client clients[FZ_CLIENTS];

	(void)state;
	fz_clients_init(clients);
	assert_says(&connects, clients, "11: CONNECTION_REQUEST|MAIN_ROOM|\r\n");
	assert_says(&enters, clients, "12: ENTER_MOVIE_REQUEST|MAIN_ROOM|m\r\n");
}

static void every_step_fits(void **state)
{
	struct fz_client clients[FZ_CLIENTS];
	char octets[FZ_MOST_OCTETS];
	uint64_t random = 1;

	(void)state;
	fz_clients_init(clients);
	for (unsigned i = 0; i < TIMES; i++) {
		uint64_t chosen = fz_random(&random);
		struct fz_step step;
		struct c2w_message message;
		size_t length;

		memcpy(&step, &chosen, sizeof(step));
		length = fz_step_octets(&step, clients, octets);
		assert_true(length <= FZ_MOST_OCTETS);
		if (length > 0 && fz_op(&step) != FZ_OP_DAMAGED)
			assert_int_equal(c2w_message_parse(&message, octets, length, 0), C2W_OK);
	}
}

static void mutation_stays_within_bounds(void **state)
{
	uint8_t data[WHOLE], again[WHOLE];
	size_t size = 0, longest = 0;

	(void)state;
	for (unsigned seed = 0; seed < TIMES; seed++) {
		size_t most = 1 + seed % WHOLE, before = size < most ? size : most;

		memcpy(again, data, before);
		size = fz_steps_mutate(data, before, most, seed);
		assert_true(size >= 1 && size <= most && size % STEP == 1 % STEP);
		assert_int_equal(fz_steps_mutate(again, before, most, seed), size);
		assert_memory_equal(again, data, size);
		longest = size > longest ? size : longest;
	}
	assert_true(longest > WHOLE / 2);
}

/* Whether one client logs in, enters a room, leaves it and leaves again, all of it rightly. */
static bool leaves_twice(const struct fz_step *steps, unsigned count)
{
	static const enum c2w_family way[] = { C2W_CONNECTION, C2W_ENTER_MOVIE, C2W_LEAVE_SESSION, C2W_LEAVE_SESSION };
	unsigned far[FZ_CLIENTS] = { 0 };

	for (unsigned i = 0; i < count; i++) {
		unsigned who = fz_who(&steps[i]);

		if (fz_op(&steps[i]) == FZ_OP_REQUEST && steps[i].what == way[far[who]] && steps[i].user == FZ_OWN && steps[i].time == FZ_NEXT &&
		    ++far[who] == sizeof(way) / sizeof(*way))
			return true;
	}
	return false;
}

static void out_of_nothing_comes_a_session(void **state)
{
	struct fz_step steps[FZ_MOST_STEPS];
	uint8_t data[WHOLE];
	unsigned times = 0;

	(void)state;
	for (unsigned seed = 0; seed < TIMES; seed++)
		times += leaves_twice(steps, fz_steps_read(data, fz_steps_mutate(data, 0, sizeof(data), seed), steps));
	assert_true(times > TIMES / 10);
}

static void a_crossing_has_parts_of_both(void **state)
{
	uint8_t a[1 + 10 * STEP], b[1 + 10 * STEP], child[WHOLE];
	bool mixed = false;

	(void)state;
	memset(a, 1, sizeof(a));
	memset(b, 2, sizeof(b));
	for (unsigned seed = 0; seed < 200; seed++) {
		size_t size = fz_steps_cross(a, sizeof(a), b, sizeof(b), child, sizeof(child), seed);

		assert_true(size >= 1 && size <= sizeof(a) + sizeof(b) && size % STEP == 1 % STEP);
		mixed = mixed || (size > 2 * STEP && child[1] == 1 && child[size - 1] == 2);
	}
	assert_true(mixed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_octets_are_steps), cmocka_unit_test(a_step_says_what_it_means), cmocka_unit_test(a_step_may_have_a_word_for_a_name),
		cmocka_unit_test(every_step_fits), cmocka_unit_test(mutation_stays_within_bounds), cmocka_unit_test(out_of_nothing_comes_a_session),
		cmocka_unit_test(a_crossing_has_parts_of_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
