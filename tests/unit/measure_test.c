/* Tests harness/measure.c and what reports/ makes of it: right and faulty servers in virtual time, each with the fingerprint, the words
 * and the advice that belong to it. Run by tests/unit; each case owns its network, its server and its result. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "harness/measure.h"
#include "net/sim.h"
#include "server/faults.h"

#define MS INT64_C(1000000)

enum { RIGHT = -1 };

struct world {
	struct net *net;
	struct srv_service *service;
	struct hx_target target;
	struct hx_measurer *measurer;
	struct rp_result *result;
	const char *reason;
	bool over;
};

static void measured(void *context, const char *reason)
{
	struct world *world = context;

	world->reason = reason;
	world->over = true;
	net_stop(world->net);
}

static void build(struct world *world, int fault, int64_t rto, unsigned retransmits, double loss)
{
	const struct net_sim_options sim = { .seed = 5, .loss = loss };
	struct net_addr at = { .octets = { 127, 0, 0, 1 }, .family = 4, .port = 1950 };
	struct srv_options options;

	*world = (struct world){ .net = net_sim_new(&sim), .result = rp_result_new() };
	srv_options_init(&options);
	options.log = SRV_LOG_QUIET;
	options.params.rto = rto;
	options.params.max_retransmits = retransmits;
	options.policy = fault == RIGHT ? NULL : srv_fault_policy((enum srv_fault)fault);
	assert_int_equal(srv_serve(world->net, &at, &options, &world->service), 0);
	world->target = (struct hx_target){ .net = world->net, .address = at, .udp = true, .nonce = "abcde" };
	c2w_params_init(&world->target.params);
}

static struct hx_measure_options options_of(struct world *world)
{
	return (struct hx_measure_options){ .target = &world->target, .limit = 12, .patience = 10000 * MS, .done = measured, .context = world };
}

static void finish(struct world *world)
{
	while (!world->over && net_run(world->net) == 1)
		continue;
	assert_true(world->over);
	hx_measure_tell(world->measurer, world->result);
	world->result->params = world->target.params;
}

static void destroy(struct world *world)
{
	hx_measure_free(world->measurer);
	srv_service_free(world->service);
	net_free(world->net);
	rp_result_free(world->result);
}

static void assert_holds(char *text, const char *part)
{
	if (part == NULL ? text != NULL : text == NULL || strstr(text, part) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", text == NULL ? "(nothing)" : text, part == NULL ? "(nothing)" : part);
	free(text);
}

/* ---- kinds of servers ---------------------------------------------------------------------------- */

static const struct kind {
	int fault;
	int64_t rto;
	unsigned retransmits;
	enum rp_stop stop;
	size_t count;
	int64_t median, factor;
	const char *seen, *advice; /* NULL: it is as the profile says */
} kinds[] = {
	{ RIGHT, 1000 * MS, 3, RP_STOP_SESSION, 3, 1000 * MS, 1000, "3 times every 1.00 s, then no more; the session ended", NULL },
	{ RIGHT, 5000 * MS, 4, RP_STOP_SESSION, 4, 5000 * MS, 1000, "4 times every 5.00 s", "-D rto=5s -D max-retransmits=4 (or auto)" },
	{ RIGHT, 300 * MS, 5, RP_STOP_SESSION, 5, 300 * MS, 1000, "5 times every 0.30 s", "-D rto=300ms -D max-retransmits=5 (or auto)" },
	{ RIGHT, 1000 * MS, 4, RP_STOP_SESSION, 4, 1000 * MS, 1000, "4 times every 1.00 s", "say -D max-retransmits=4 (or auto)" },
	{ RIGHT, 2000 * MS, 3, RP_STOP_SESSION, 3, 2000 * MS, 1000, "3 times every 2.00 s", "say -D rto=2s (or auto)" },
	{ RIGHT, 1000 * MS, 1, RP_STOP_SESSION, 1, 1000 * MS, 0, "1 time after 1.00 s", "say -D max-retransmits=1 (or auto)" },
	{ RIGHT, 1000 * MS, 0, RP_STOP_SESSION, 0, 0, 0, "never within 10.0 s; the session ended", "REL-04" },
	{ SRV_FAULT_granted_sent_once, 1000 * MS, 3, RP_STOP_COUNT, 0, 0, 0, "never within 10.0 s", "REL-04" },
	{ SRV_FAULT_exponential_back_off, 1000 * MS, 3, RP_STOP_SESSION, 3, 2000 * MS, 2000, "after 1.00, 2.00, 4.00 s, each 2.0 times", "REL-05" },
	{ SRV_FAULT_sent_for_ever, 1000 * MS, 3, RP_STOP_ACK, 12, 1000 * MS, 1000, "only an ack stopped it", "REL-06" },
	{ SRV_FAULT_nobody_is_dead, 1000 * MS, 3, RP_STOP_COUNT, 3, 1000 * MS, 1000, "the session did not end", NULL },
	{ SRV_FAULT_one_retransmission_less, 1000 * MS, 3, RP_STOP_SESSION, 2, 1000 * MS, 1000, "2 times", "say -D max-retransmits=2" },
};

static void each_kind_of_server_has_its_fingerprint(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *kind = &kinds[i];
		const struct rp_fingerprint *print;
		struct hx_measure_options options;
		struct world world;

		build(&world, kind->fault, kind->rto, kind->retransmits, 0);
		options = options_of(&world);
		world.measurer = hx_measure(&options);
		finish(&world);
		print = &world.result->target.fingerprint;
		if (print->stop != kind->stop || print->intervals_count != kind->count)
			fail_msg("kind %zu: stop %s after %zu", i, rp_stop_name(print->stop), print->intervals_count);
		assert_in_range(print->median, kind->median - (kind->median > 0), kind->median + MS);
		assert_in_range(print->factor, kind->factor - (kind->factor > 0), kind->factor + 1);
		assert_holds(rp_fingerprint_seen(print), kind->seen);
		assert_holds(rp_fingerprint_advice(world.result), kind->advice);
		assert_int_equal(rp_fingerprint_differs(world.result), i > 0);
		assert_int_equal(srv_service_counts(world.service).users, 0);
		destroy(&world);
	}
}

static void a_lost_copy_does_not_hide_the_schedule(void **state)
{
	struct hx_measure_options options;
	struct world world;

	(void)state;
	build(&world, RIGHT, 1000 * MS, 3, 0.05);
	options = options_of(&world);
	world.measurer = hx_measure(&options);
	finish(&world);
	assert_int_equal(world.result->target.fingerprint.intervals_count, 3);
	assert_false(rp_fingerprint_differs(world.result));
	destroy(&world);
}

/* ---- ended early ---------------------------------------------------------------------------------- */

static void what_ends_early_says_no_more_than_it_saw(void **state)
{
	static const struct { int64_t at; int64_t rto; size_t count; bool differs; } ends[] = {
		{ 500, 1000, 0, false }, { 2500, 1000, 2, false }, { 1800, 5000, 0, false }, { 2600, 5000, 0, true }, { 6000, 5000, 1, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct hx_measure_options options;
		struct world world;

		build(&world, RIGHT, ends[i].rto * MS, 3, 0);
		options = options_of(&world);
		world.measurer = hx_measure(&options);
		net_sim_run_until(world.net, net_now(world.net) + ends[i].at * MS);
		hx_measure_end(world.measurer);
		finish(&world);
		assert_int_equal(world.result->target.fingerprint.stop, RP_STOP_UNSEEN);
		assert_int_equal(world.result->target.fingerprint.intervals_count, ends[i].count);
		assert_int_equal(rp_fingerprint_differs(world.result), ends[i].differs);
		assert_int_equal(srv_service_counts(world.service).users, 0);
		destroy(&world);
	}
}

static void the_best_goes_on_alone(void **state)
{
	struct hx_measure_options options;
	struct world world;

	(void)state;
	build(&world, RIGHT, 5000 * MS, 4, 0);
	options = options_of(&world);
	world.measurer = hx_measure(&options);
	net_sim_run_until(world.net, net_now(world.net) + 6000 * MS);
	assert_int_equal(srv_service_counts(world.service).users, 3);
	hx_measure_thin(world.measurer);
	net_sim_run_until(world.net, net_now(world.net) + 100 * MS);
	assert_int_equal(srv_service_counts(world.service).users, 1);
	finish(&world);
	assert_int_equal(world.result->target.fingerprint.intervals_count, 4);
	assert_int_equal(world.result->target.fingerprint.stop, RP_STOP_SESSION);
	destroy(&world);
}

/* ---- auto ------------------------------------------------------------------------------------------- */

static void parameters_are_taken_from_the_target(void **state)
{
	struct hx_measure_options options;
	struct world world;

	(void)state;
	build(&world, RIGHT, 300 * MS, 5, 0);
	options = options_of(&world);
	options.rto = options.max_retransmits = true;
	world.measurer = hx_measure(&options);
	finish(&world);
	assert_null(world.reason);
	assert_in_range(world.target.params.rto, 299 * MS, 301 * MS);
	assert_int_equal(world.target.params.max_retransmits, 5);
	assert_false(rp_fingerprint_differs(world.result));
	destroy(&world);
}

static void what_cannot_be_measured_says_why(void **state)
{
	static const struct { int fault; const char *reason; } cases[] = {
		{ SRV_FAULT_granted_sent_once, "rto cannot be measured" }, { SRV_FAULT_sent_for_ever, "max-retransmits cannot be measured" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hx_measure_options options;
		struct world world;

		build(&world, cases[i].fault, 1000 * MS, 3, 0);
		options = options_of(&world);
		options.rto = options.max_retransmits = true;
		world.measurer = hx_measure(&options);
		finish(&world);
		assert_non_null(world.reason);
		assert_non_null(strstr(world.reason, cases[i].reason));
		assert_int_equal(world.target.params.rto, 1000 * MS);
		destroy(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_server_has_its_fingerprint),
		cmocka_unit_test(a_lost_copy_does_not_hide_the_schedule),
		cmocka_unit_test(what_ends_early_says_no_more_than_it_saw),
		cmocka_unit_test(the_best_goes_on_alone),
		cmocka_unit_test(parameters_are_taken_from_the_target),
		cmocka_unit_test(what_cannot_be_measured_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
