/* The judge of clients: what REL-01 to REL-03 call wrong, and what a network may have done instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/client.h"

enum { MS = 1000000 };

struct world {
	struct jd_client client;
	struct jd_client_names names;
	struct jd_options options;
	unsigned found;
	enum c2w_rule rule;
	const char *what;
};

static void found(void *context, const struct jd_finding *finding)
{
	struct world *world = context;
	world->found++;
	world->rule = finding->rule;
	world->what = finding->what;
}

static struct world *world_new(bool tcp, bool lossless)
{
	struct world *world = calloc(1, sizeof(*world));
	assert_non_null(world);
	c2w_params_init(&world->options.params);
	world->options.one_way = 5 * MS;
	world->options.found = found;
	world->options.context = world;
	jd_client_open(&world->client, 0, tcp, lossless);
	return world;
}

static void say(struct world *world, int64_t ms, const char *text)
{
	struct c2w_message message;
	char line[300];
	size_t length = strlen(text);
	memcpy(line, text, length);
	memcpy(line + length, "\r\n", 2);
	assert_int_equal(c2w_message_parse(&message, line, length + 2, 0), C2W_OK);
	if (c2w_command_info(message.command)->sender == C2W_CLIENT)
		jd_client_sent(&world->client, &world->options, &world->names, ms * MS, &message, (struct c2w_str){ line, length + 2 });
	else
		jd_client_received(&world->client, &world->options, &world->names, ms * MS, &message, (struct c2w_str){ line, length + 2 });
}

static void expect(struct world *world, unsigned count, enum c2w_rule rule, const char *part)
{
	assert_int_equal(world->found, count);
	if (count > 0) {
		assert_int_equal(world->rule, rule);
		assert_non_null(strstr(world->what, part));
	}
	free(world);
}

static void log_in(struct world *world)
{
	say(world, 0, "1: CONNECTION_REQUEST|a|");
	say(world, 1, "1: CONNECTION_GRANTED|a|");
	say(world, 2, "1: CONNECTION_RESPONSE_ACK|a|");
}

static void good_client(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	log_in(world);
	say(world, 10, "2: USER_LIST_REQUEST|a|");
	say(world, 1010, "2: USER_LIST_REQUEST|a|");
	say(world, 2010, "2: USER_LIST_REQUEST|a|");
	say(world, 3010, "2: USER_LIST_REQUEST|a|");
	say(world, 3011, "2: USER_LIST_RESPONSE|a|a,MAIN_ROOM");
	say(world, 3012, "2: USER_LIST_RESPONSE_ACK|a|");
	say(world, 3013, "2: USER_LIST_RESPONSE|a|a,MAIN_ROOM");
	say(world, 3014, "2: USER_LIST_RESPONSE_ACK|a|");
	say(world, 3100, "1.5: NEW_MESSAGE|b|hello");
	say(world, 3101, "1.5: NEW_MESSAGE_RESPONSE_ACK|a|b");
	say(world, 9000, "3: LEAVE_SESSION_REQUEST|a|");
	expect(world, 0, C2W_NO_RULE, "");
}

static void repeats_something_else(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	log_in(world);
	say(world, 10, "2: ENTER_MOVIE_REQUEST|a|M");
	say(world, 1010, "2: ENTER_MOVIE_REQUEST|a|N");
	expect(world, 1, C2W_REL_01, "octet for octet");
}

static void repeats_too_soon(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	log_in(world);
	say(world, 10, "2: USER_LIST_REQUEST|a|");
	say(world, 310, "2: USER_LIST_REQUEST|a|");
	expect(world, 1, C2W_REL_01, "after rto");
}

/* Where copies may be the network's own, they are. */
static void network_repeats(void **state)
{
	struct world *world = world_new(false, false);
	(void)state;
	log_in(world);
	say(world, 10, "2: USER_LIST_REQUEST|a|");
	say(world, 310, "2: USER_LIST_REQUEST|a|");
	expect(world, 0, C2W_NO_RULE, "");
}

static void repeats_too_often(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	log_in(world);
	for (int64_t i = 0; i < 4; i++)
		say(world, 10 + 1000 * i, "2: USER_LIST_REQUEST|a|");
	assert_int_equal(world->found, 0);
	say(world, 4010, "2: USER_LIST_REQUEST|a|");
	expect(world, 1, C2W_REL_01, "max-retransmits");
}

static void repeats_what_was_answered(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	log_in(world);
	say(world, 1000, "1: CONNECTION_REQUEST|a|");
	expect(world, 1, C2W_REL_01, "had come");
}

static void gives_up_at_once(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	log_in(world);
	say(world, 10, "2: USER_LIST_REQUEST|a|");
	say(world, 5000, "3: USER_LIST_REQUEST|a|");
	expect(world, 1, C2W_REL_01, "did not repeat");
}

static void acks_nothing(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	say(world, 0, "1: CONNECTION_REQUEST|a|");
	say(world, 1, "1: CONNECTION_GRANTED|a|");
	say(world, 1000, "2: USER_LIST_REQUEST|a|");
	expect(world, 1, C2W_REL_02, "not acked");
}

/* It may never have come: only when all four copies went unacked is that hardly so. */
static void loses_what_it_should_ack(void **state)
{
	struct world *world = world_new(false, false);
	(void)state;
	say(world, 0, "1: CONNECTION_REQUEST|a|");
	say(world, 1, "1: CONNECTION_GRANTED|a|");
	say(world, 1001, "1: CONNECTION_GRANTED|a|");
	say(world, 1002, "1: CONNECTION_RESPONSE_ACK|a|");
	say(world, 3000, "2: USER_LIST_REQUEST|a|");
	assert_int_equal(world->found, 0);
	for (int64_t i = 0; i < 4; i++)
		say(world, 3001 + 1000 * i, "2: USER_LIST_RESPONSE|a|a,MAIN_ROOM");
	say(world, 7000, "3: USER_LIST_REQUEST|a|");
	expect(world, 1, C2W_REL_02, "not acked");
}

static void two_at_once(void **state)
{
	struct world *world = world_new(true, true);
	(void)state;
	log_in(world);
	say(world, 10, "2: USER_LIST_REQUEST|a|");
	say(world, 11, "3: MOVIE_LIST_REQUEST|a|");
	expect(world, 1, C2W_REL_03, "further request");
}

static void time_stands_still(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	log_in(world);
	say(world, 10, "1: USER_LIST_REQUEST|a|");
	expect(world, 1, C2W_REL_03, "not greater");
}

/* Over the sessions of a name. */
static void time_begins_anew(void **state)
{
	struct world *world = world_new(false, true);
	(void)state;
	log_in(world);
	say(world, 10, "5: LEAVE_SESSION_REQUEST|a|");
	say(world, 11, "5: LEAVE_SESSION_GRANTED|a|");
	say(world, 12, "5: LEAVE_SESSION_RESPONSE_ACK|a|");
	jd_client_open(&world->client, 1, false, true);
	say(world, 100, "4: CONNECTION_REQUEST|a|");
	assert_int_equal(world->found, 0);
	say(world, 101, "4: CONNECTION_GRANTED|a|");
	expect(world, 1, C2W_REL_03, "not greater");
}

/* Four of a kind, then silence: a client that never acks must not fill a report. */
static void says_it_a_few_times(void **state)
{
	struct world *world = world_new(false, true);
	char text[64];
	(void)state;
	for (int i = 1; i < 40; i++) {
		snprintf(text, sizeof(text), "%d: USER_LIST_REQUEST|a|", i);
		say(world, i, text);
	}
	expect(world, 4, C2W_REL_03, "further request");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_client),
		cmocka_unit_test(repeats_something_else),
		cmocka_unit_test(repeats_too_soon),
		cmocka_unit_test(network_repeats),
		cmocka_unit_test(repeats_too_often),
		cmocka_unit_test(repeats_what_was_answered),
		cmocka_unit_test(gives_up_at_once),
		cmocka_unit_test(acks_nothing),
		cmocka_unit_test(loses_what_it_should_ack),
		cmocka_unit_test(two_at_once),
		cmocka_unit_test(time_stands_still),
		cmocka_unit_test(time_begins_anew),
		cmocka_unit_test(says_it_a_few_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
