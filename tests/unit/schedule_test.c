/* The scheduler on a virtual network, with a player that plays nothing: it takes its time and says what the test wants.
 * While it plays, it watches what runs side by side: users, movie rooms, MAIN_ROOM, those that must be alone.
 * Every world is made and freed by its own test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/schedule.h"
#include "harness/share.h"
#include "net/sim.h"

static const int64_t ms = 1000000;

enum { MAX_ACTS = 400, MAX_LANES = 3 };

/* How one try ends. Zeroed: it passes, quickly. */
struct ending {
	enum { PASS, FAIL, WARN, DOUBT } verdict;
	enum c2w_rule rule;         /* of the finding; C2W_NO_RULE: MSG-01 */
	bool incomplete;            /* the script did not reach its end */
	struct hx_outcome outcome;
	bool dies;                  /* the server ends half-way */
	bool dies_late;             /* it ends when the run is just over */
	bool goes_mute;             /* the server answers nobody from now on */
};

/* A scenario and its part: what each try comes to; the last one holds for all later ones. */
struct act {
	struct hx_scenario scenario;
	char id[32];
	enum c2w_rule proves[2];
	struct ending endings[4];
	unsigned ending_count, tries;
	int64_t takes;              /* 0: 10 ms */
	unsigned lane;              /* where it ran last */
	int64_t began, ended;
};

struct world {
	struct net *net;
	struct net_listener *listener;
	struct hx_target targets[MAX_LANES];
	struct hx_target *pointers[MAX_LANES];
	struct act acts[MAX_ACTS];
	unsigned act_count;
	struct hx_step silence, pause;
	struct hx_pick picks[2 * MAX_ACTS];
	unsigned pick_count;
	bool left_out[C2W_RULES];
	struct rp_result *result;
	struct hx_schedule_options options;
	struct hx_schedule *schedule;
	/* What the sanity exchange meets. */
	bool udp_mute, odd, full, dies;
	unsigned greetings;
	const char *titles;
	/* What was seen. */
	struct hx_run *runs;
	unsigned users, most_users, started, finished, planned, notes, restarts;
	unsigned stop_after;        /* stop when so many have started; 0: never */
	bool restart_fails, over;
};

static struct world *world;

/* ---- the player ---------------------------------------------------------------------------------- */

struct hx_run {
	struct hx_run *next;
	struct hx_run_options options;
	struct net_timer *timer;
	struct act *act;            /* NULL: the sanity exchange */
	bool stopped;
	unsigned lane;
};

static struct act *act_of(const struct hx_scenario *scenario)
{
	for (unsigned i = 0; i < world->act_count; i++)
		if (&world->acts[i].scenario == scenario)
			return &world->acts[i];
	return NULL;
}

static unsigned lane_of(const struct hx_target *target)
{
	return (unsigned)(target - world->targets);
}

/* What must never be side by side on one server. */
static void watch_pair(const struct hx_run *a, const struct hx_run *b)
{
	const struct hx_scenario *one = a->options.scenario, *other = b->options.scenario;

	if (a->lane != b->lane)
		return;
	assert_non_null(a->act);
	assert_non_null(b->act);
	assert_false(one->alone || other->alone);
	assert_false(one->main_room == HX_MAIN_EXCLUSIVE && other->main_room != HX_MAIN_FREE);
	assert_false(other->main_room == HX_MAIN_EXCLUSIVE && one->main_room != HX_MAIN_FREE);
	for (unsigned i = 0; i < one->leases; i++)
		for (unsigned j = 0; j < other->leases; j++)
			assert_false(c2w_str_equal(a->options.leases[i], b->options.leases[j]));
}

static void watch(const struct hx_run *run)
{
	const struct hx_scenario *scenario = run->options.scenario;

	for (const struct hx_run *other = world->runs; other != NULL; other = other->next)
		watch_pair(run, other);
	for (unsigned i = 0; i < scenario->leases; i++) {
		assert_true(run->options.leases[i].length > 0);
		for (unsigned j = 0; j < i; j++)
			assert_false(c2w_str_equal(run->options.leases[i], run->options.leases[j]));
	}
}

static const struct ending *ending_of(const struct act *act)
{
	static const struct ending passes;

	if (act->ending_count == 0)
		return &passes;
	return &act->endings[act->tries <= act->ending_count ? act->tries - 1 : act->ending_count - 1];
}

static void forget(const struct hx_run *run)
{
	struct hx_run **place = &world->runs;

	while (*place != run)
		place = &(*place)->next;
	*place = run->next;
	world->users -= run->options.scenario->cast_count;
}

static void record_ending(struct hx_run *run, const struct ending *ending)
{
	static const enum rp_verdict verdicts[] = { [PASS] = RP_PASS, [FAIL] = RP_FAIL, [WARN] = RP_WARN, [DOUBT] = RP_INCONCLUSIVE };
	struct rp_scenario *record = run->options.record;
	enum c2w_rule rule = ending->rule != C2W_NO_RULE ? ending->rule : C2W_MSG_01;

	record->verdict = verdicts[ending->verdict];
	record->completed = !ending->incomplete;
	if (ending->verdict == FAIL || ending->verdict == WARN)
		rp_finding_add(run->options.result, record, rule, record->verdict)->what = rp_text(run->options.result, "try %u", run->act->tries);
	if (ending->verdict == DOUBT)
		record->reason = rp_text(run->options.result, "as the test wants");
}

/* Asked when the run began, answered now. */
static void say(const struct hx_run *run, bool received, const char *octets)
{
	int64_t at = net_now(world->net) - world->options.run_start - (received ? 0 : ms);

	rp_event_add(run->options.result, run->options.record, at, "sanity", received, run->options.transport == RP_TCP, octets, strlen(octets), NULL);
}

static void greeted(struct hx_run *run, struct hx_outcome *outcome)
{
	char list[128];

	run->options.record->verdict = RP_FAIL;
	say(run, false, "1: CONNECTION_REQUEST|s|\r\n");
	outcome->mute = run->options.transport == RP_UDP && world->udp_mute;
	outcome->refused = world->full;
	if (outcome->mute || (run->stopped && !world->dies))
		return;
	if (world->odd || world->full) {
		say(run, true, world->odd ? "hello, world\r\n" : "1: CONNECTION_ERROR_1003|s|\r\n");
		return;
	}
	run->options.record->verdict = RP_PASS;
	say(run, true, "1: CONNECTION_GRANTED|s|\r\n");
	snprintf(list, sizeof(list), "2: MOVIE_LIST_RESPONSE|s|%s\r\n", world->titles);
	say(run, true, list);
}

static void run_ends(void *context)
{
	static const struct ending stopped = { .verdict = DOUBT, .incomplete = true };
	struct hx_run *run = context;
	struct hx_outcome outcome = { 0 };
	bool dies_late = false;
	unsigned lane = run->lane;

	forget(run);
	if (run->act == NULL) {
		greeted(run, &outcome);
	} else {
		const struct ending *ending = run->stopped ? &stopped : ending_of(run->act);

		record_ending(run, ending);
		outcome = ending->outcome;
		dies_late = ending->dies_late;
		run->act->ended = net_now(world->net);
		world->udp_mute = world->udp_mute || ending->goes_mute;
	}
	run->options.done(run->options.context, run, &outcome);
	if (dies_late)
		hx_schedule_died(world->schedule, lane, "it ended with status 1");
}

static void run_half_way(void *context)
{
	struct hx_run *run = context;
	bool dies = run->act != NULL && !run->stopped && ending_of(run->act)->dies;
	int64_t takes = run->act == NULL ? ms : run->act->takes > 0 ? run->act->takes : 10 * ms;
	struct net_timer *half = run->timer;

	run->timer = net_timer_new(world->net, run_ends, run);
	net_timer_at(run->timer, net_now(world->net) + takes / 2);
	net_timer_free(half);
	if (run->act == NULL && world->dies && !run->stopped)
		dies = true;
	if (dies)
		hx_schedule_died(world->schedule, run->lane, "it was killed by signal 11");
}

static struct hx_run *fake_start(const struct hx_run_options *options)
{
	struct hx_run *run = calloc(1, sizeof(*run));
	int64_t takes;

	assert_non_null(run);
	run->options = *options;
	run->act = act_of(options->scenario);
	run->lane = lane_of(options->target);
	takes = run->act == NULL ? ms : run->act->takes > 0 ? run->act->takes : 10 * ms;
	watch(run);
	run->next = world->runs;
	world->runs = run;
	world->users += options->scenario->cast_count;
	world->most_users = world->users > world->most_users ? world->users : world->most_users;
	world->greetings += run->act == NULL;
	if (run->act != NULL) {
		run->act->tries++;
		run->act->lane = run->lane;
		run->act->began = net_now(world->net);
	}
	run->timer = net_timer_new(world->net, run_half_way, run);
	net_timer_at(run->timer, net_now(world->net) + takes / 2);
	return run;
}

static void fake_stop(struct hx_run *run, const char *reason)
{
	assert_true(strlen(reason) > 0);
	run->stopped = true;
}

static void fake_free(struct hx_run *run)
{
	net_timer_free(run->timer);
	free(run);
}

static const struct hx_scenario *fake_sanity(void)
{
	static enum c2w_rule proves[] = { C2W_CON_01 };
	static const struct hx_scenario sanity = {
		.id = "sanity", .title = "It answers", .file = "sanity.c2w", .area = "sanity", .proves = proves, .proves_count = 1,
		.over = C2W_ON_BOTH, .cast_count = 1,
	};

	return &sanity;
}

static const struct hx_player fake_player = { .start = fake_start, .stop = fake_stop, .free = fake_free, .sanity = fake_sanity };

/* ---- the world -------------------------------------------------------------------------------------- */

static void planned(void *context, unsigned total)
{
	(void)context;
	world->planned = total;
}

static void started(void *context, const struct rp_scenario *record, unsigned try)
{
	(void)context;
	assert_true(try >= 1);
	assert_non_null(record->title);
	if (++world->started == world->stop_after)
		hx_schedule_stop(world->schedule, "it was interrupted");
}

static void finished(void *context, const struct rp_scenario *record, unsigned tries)
{
	(void)context, (void)record, (void)tries;
	world->finished++;
}

static void noted(void *context, const char *text)
{
	(void)context;
	assert_true(strlen(text) > 0);
	world->notes++;
}

static void restart(void *context, unsigned lane)
{
	(void)context;
	world->restarts++;
	world->udp_mute = false;
	if (world->restart_fails)
		hx_schedule_down(world->schedule, lane, "it ended with status 1");
	else
		hx_schedule_up(world->schedule, lane);
}

static void over(void *context)
{
	(void)context;
	assert_false(world->over);
	assert_null(world->runs);
	world->over = true;
	net_stop(world->net);
}

static void accepted(void *context, struct net_tcp *tcp)
{
	(void)context;
	net_tcp_reset(tcp);
}

static int setup(void **state)
{
	static const struct net_listener_events listening = { .accepted = accepted };
	const struct net_addr address = { .octets = { 127, 0, 0, 1 }, .family = 4, .port = 1950 };

	(void)state;
	world = calloc(1, sizeof(*world));
	assert_non_null(world);
	world->net = net_sim_new(NULL);
	assert_int_equal(net_tcp_listen(world->net, &address, &listening, NULL, &world->listener), 0);
	for (unsigned i = 0; i < MAX_LANES; i++) {
		world->targets[i] = (struct hx_target){ .net = world->net, .address = address, .udp = true, .tcp = true };
		c2w_params_init(&world->targets[i].params);
		world->pointers[i] = &world->targets[i];
	}
	world->titles = "Alpha|Beta|Gamma";
	world->silence = (struct hx_step){ .op = HX_SILENCE };
	world->pause = (struct hx_step){ .op = HX_WAIT };
	world->result = rp_result_new();
	world->options = (struct hx_schedule_options){
		.net = world->net, .targets = world->pointers, .lanes = 1, .picks = world->picks, .result = world->result,
		.run_start = net_now(world->net), .left_out = world->left_out, .transports = C2W_ON_UDP, .seed = 1, .player = &fake_player,
		.events = { planned, started, finished, noted, restart, over },
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hx_schedule_free(world->schedule);
	for (unsigned i = 0; i < MAX_LANES; i++) {
		for (unsigned t = 0; t < world->targets[i].title_count; t++)
			free(world->targets[i].titles[t]);
		free(world->targets[i].titles);
	}
	if (world->listener != NULL)
		net_listener_close(world->listener);
	net_free(world->net);
	rp_result_free(world->result);
	free(world);
	return 0;
}

/* A scenario of one user over UDP that proves MSG-01; the test changes what it likes before play(). */
static struct act *add(const char *id)
{
	struct act *act = &world->acts[world->act_count++];

	assert_true(world->act_count <= MAX_ACTS);
	snprintf(act->id, sizeof(act->id), "%s", id);
	act->proves[0] = C2W_MSG_01;
	act->scenario = (struct hx_scenario){
		.id = act->id, .title = "A title", .file = "x.c2w", .area = "x", .line = 1, .proves = act->proves, .proves_count = 1,
		.over = C2W_ON_UDP, .cast_count = 1,
	};
	world->picks[world->pick_count++] = (struct hx_pick){ .scenario = &act->scenario, .transport = RP_UDP };
	return act;
}

static struct act *add_ending(const char *id, struct ending first, struct ending second)
{
	struct act *act = add(id);

	act->endings[0] = first;
	act->endings[1] = second;
	act->ending_count = 2;
	return act;
}

static void add_many(unsigned count)
{
	char id[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "crowd/%u", i);
		add(id);
	}
}

static void play(void)
{
	world->options.pick_count = world->pick_count;
	world->schedule = hx_schedule_new(&world->options);
	hx_schedule_start(world->schedule);
	for (unsigned i = 0; i < world->options.lanes && world->options.launched; i++)
		hx_schedule_up(world->schedule, i);
	net_run(world->net);
	assert_true(world->over);
}

static const struct rp_scenario *record(const char *id)
{
	for (size_t i = 0; i < world->result->scenarios_count; i++)
		if (strcmp(world->result->scenarios[i].id, id) == 0)
			return &world->result->scenarios[i];
	fail_msg("no record of %s", id);
	return NULL;
}

static bool blamed(const char *id, enum c2w_rule rule)
{
	const struct rp_scenario *scenario = record(id);

	for (size_t i = 0; i < scenario->findings_count; i++)
		if (scenario->findings[i].rule == rule && scenario->findings[i].verdict == RP_FAIL)
			return true;
	return false;
}

/* ---- side by side --------------------------------------------------------------------------------------- */

static void each_runs_once_and_passes(void **state)
{
	(void)state;
	add_many(100);
	play();
	assert_int_equal(world->planned, 100);
	assert_int_equal(world->started, 100);
	assert_int_equal(world->finished, 100);
	assert_int_equal(world->greetings, 2);
	assert_int_equal(world->result->verdict, RP_CONFORMS);
	for (unsigned i = 0; i < world->act_count; i++)
		assert_int_equal(world->acts[i].tries, 1);
}

static void the_cap_starts_at_eight_and_grows(void **state)
{
	(void)state;
	add_many(300);
	play();
	assert_in_range(world->most_users, 32, HX_LAST_CAP);
	for (unsigned i = 0, first = 0; i < world->act_count; i++) {
		first += world->acts[i].began == world->acts[0].began;
		assert_in_range(first, 0, HX_FIRST_CAP);
	}
}

static void slow_answers_keep_the_cap_small(void **state)
{
	(void)state;
	add_many(60);
	for (unsigned i = 0; i < world->act_count; i++) {
		world->acts[i].endings[0].outcome.slowest = 2000 * ms;
		world->acts[i].ending_count = 1;
	}
	play();
	assert_int_equal(world->most_users, HX_FIRST_CAP);
}

static void the_largest_cast_always_fits(void **state)
{
	(void)state;
	add("big")->scenario.cast_count = 20;
	add_many(30);
	play();
	assert_int_equal(record("big")->verdict, RP_PASS);
}

/* The player watches that no two hold the same room. */
static void movie_rooms_are_leased_and_rotate(void **state)
{
	(void)state;
	add_many(30);
	for (unsigned i = 0; i < world->act_count; i++)
		world->acts[i].scenario.leases = 1 + i % 2;
	play();
	assert_int_equal(world->finished, 30);
	assert_int_equal(world->result->verdict, RP_CONFORMS);
}

static void main_room_is_locked(void **state)
{
	static const enum hx_main_room kinds[] = { HX_MAIN_EXCLUSIVE, HX_MAIN_SHARED, HX_MAIN_FREE, HX_MAIN_SHARED };

	(void)state;
	add_many(80);
	for (unsigned i = 0; i < world->act_count; i++)
		world->acts[i].scenario.main_room = kinds[i % 4];
	play();
	assert_int_equal(world->finished, 80);
	assert_true(world->most_users > HX_FIRST_CAP);
}

static void alone_comes_last_and_alone(void **state)
{
	struct act *alone = add("alone");

	(void)state;
	alone->scenario.alone = true;
	add_many(20);
	play();
	for (unsigned i = 1; i < world->act_count; i++)
		assert_true(world->acts[i].ended <= alone->began);
}

static void long_ones_do_not_wait_for_one_another(void **state)
{
	(void)state;
	add_many(120);
	for (unsigned i = 0; i < 30; i++) {
		world->acts[4 * i].scenario.steps = &world->pause;
		world->acts[4 * i].takes = 5000 * ms;
	}
	play();
	assert_true(world->result->duration < 6000 * ms);
}

static void several_servers_share_the_work(void **state)
{
	bool used[MAX_LANES] = { false };

	(void)state;
	world->options.lanes = 3;
	world->options.launched = true;
	add_many(60);
	add("alone")->scenario.alone = true;
	play();
	for (unsigned i = 0; i < world->act_count; i++) {
		assert_int_equal(world->acts[i].tries, 1);
		used[world->acts[i].lane] = true;
	}
	assert_true(used[0] && used[1] && used[2]);
	assert_int_equal(world->greetings, 6);
}

static void repeated_ones_have_records_and_seeds_of_their_own(void **state)
{
	(void)state;
	world->options.repeat = 3;
	add("x");
	play();
	assert_int_equal(world->result->scenarios_count, 3);
	assert_int_equal(world->acts[0].tries, 3);
	assert_true(world->result->scenarios[0].seed != world->result->scenarios[1].seed);
}

static void the_critical_path_is_what_bounds_the_time(void **state)
{
	struct act *speaker;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		speaker = add("speaker");
		speaker->scenario.main_room = HX_MAIN_EXCLUSIVE;
		speaker->takes = 100 * ms;
	}
	speaker = add("listener");
	speaker->scenario.main_room = HX_MAIN_SHARED;
	speaker->takes = 50 * ms;
	add("long")->takes = 200 * ms;
	speaker = add("alone");
	speaker->scenario.alone = true;
	speaker->takes = 70 * ms;
	play();
	assert_in_range(world->result->critical_path, 422 * ms, 423 * ms); /* 2 x 1 + 70 + 3 x 100 + 50 */
	assert_true(world->result->duration >= world->result->critical_path);
	assert_true(world->result->duration < world->result->critical_path + 20 * ms);
}

/* ---- what is confirmed ------------------------------------------------------------------------------------- */

static void a_failure_twice_is_a_failure(void **state)
{
	(void)state;
	add_ending("bad", (struct ending){ .verdict = FAIL }, (struct ending){ .verdict = FAIL });
	add_many(10);
	play();
	assert_int_equal(world->acts[0].tries, 2);
	assert_int_equal(record("bad")->verdict, RP_FAIL);
	assert_int_equal(record("bad")->findings_count, 1);
	assert_false(record("bad")->company_only || record("bad")->flaky);
	assert_int_equal(world->result->verdict, RP_VIOLATES);
	for (unsigned i = 1; i < world->act_count; i++)
		assert_true(world->acts[i].ended <= world->acts[0].began);
}

static void a_failure_in_company_only_says_so(void **state)
{
	(void)state;
	add_ending("bad", (struct ending){ .verdict = FAIL }, (struct ending){ .verdict = PASS });
	add_many(10);
	play();
	assert_int_equal(record("bad")->verdict, RP_FAIL);
	assert_true(record("bad")->company_only);
	assert_false(record("bad")->flaky);
	assert_string_equal(record("bad")->findings[0].what, "try 1");
	assert_non_null(record("bad")->reason);
}

static void a_failure_now_and_then_is_flaky(void **state)
{
	(void)state;
	add_ending("bad", (struct ending){ .verdict = FAIL }, (struct ending){ .verdict = PASS });
	play();
	assert_int_equal(record("bad")->verdict, RP_FAIL);
	assert_true(record("bad")->flaky);
	assert_false(record("bad")->company_only);
}

static void what_fails_in_some_turns_only_is_flaky(void **state)
{
	(void)state;
	world->options.repeat = 2;
	add_ending("bad", (struct ending){ .verdict = PASS }, (struct ending){ .verdict = FAIL })->scenario.alone = true;
	add_ending("worse", (struct ending){ .verdict = FAIL }, (struct ending){ .verdict = FAIL })->scenario.alone = true;
	play();
	assert_int_equal(world->result->scenarios_count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct rp_scenario *each = &world->result->scenarios[i];
		bool flaky = strcmp(each->id, "bad") == 0 && each->verdict == RP_FAIL;

		assert_int_equal(each->flaky, flaky);
		assert_true(!flaky || strstr(each->reason, "It failed in 1 of 2 turns.") != NULL);
	}
}

static void each_turn_has_a_seed_that_repeats_it(void **state)
{
	uint64_t second;

	world->options.repeat = 2;
	world->options.seed = 7;
	world->options.repeat_command = "c2w-conform --simulate";
	add("x");
	play();
	assert_non_null(strstr(world->result->scenarios[1].repeat, "--seed 8"));
	second = world->result->scenarios[1].seed;
	assert_int_equal(teardown(state) + setup(state), 0);
	world->options.seed = 8;
	add("x");
	play();
	assert_int_equal(world->result->scenarios[0].seed, second);
}

static void noise_makes_it_inconclusive(void **state)
{
	(void)state;
	add_ending("bad", (struct ending){ .verdict = FAIL, .outcome.noise = true }, (struct ending){ .verdict = PASS });
	add("good");
	play();
	assert_int_equal(record("bad")->verdict, RP_INCONCLUSIVE);
	assert_int_equal(record("bad")->findings[0].verdict, RP_INCONCLUSIVE);
	assert_int_equal(world->result->verdict, RP_UNDECIDED);
}

static void what_could_not_be_judged_is_tried_again(void **state)
{
	(void)state;
	add_ending("doubt", (struct ending){ .verdict = DOUBT }, (struct ending){ .verdict = PASS });
	add_ending("never", (struct ending){ .verdict = DOUBT }, (struct ending){ .verdict = DOUBT });
	play();
	assert_int_equal(record("doubt")->verdict, RP_PASS);
	assert_null(record("doubt")->reason);
	assert_int_equal(record("never")->verdict, RP_INCONCLUSIVE);
	assert_string_equal(record("never")->reason, "as the test wants");
	assert_int_equal(world->acts[1].tries, 3);
}

static void a_refused_set_up_is_never_blamed(void **state)
{
	(void)state;
	add_ending("refused", (struct ending){ .verdict = FAIL, .outcome.refused = true }, (struct ending){ .verdict = PASS });
	add_ending("always", (struct ending){ .verdict = FAIL, .outcome.refused = true },
	           (struct ending){ .verdict = FAIL, .outcome.refused = true });
	add_many(10);
	play();
	assert_int_equal(record("refused")->verdict, RP_PASS);
	assert_int_equal(record("refused")->findings_count, 0);
	assert_int_equal(record("always")->verdict, RP_INCONCLUSIVE);
	assert_non_null(record("always")->reason);
	assert_int_equal(world->result->verdict, RP_UNDECIDED);
}

static void silence_under_loss_is_proved_often(void **state)
{
	const struct ending lossy = { .verdict = PASS, .outcome.loss = true };

	(void)state;
	add_ending("silent", lossy, lossy)->scenario.steps = &world->silence;
	add_ending("lucky", lossy, (struct ending){ .verdict = PASS })->scenario.steps = &world->silence;
	add_ending("loud", lossy, lossy);
	play();
	assert_int_equal(record("silent")->verdict, RP_PASS);
	assert_int_equal(world->acts[0].tries, 5);
	assert_non_null(record("silent")->reason);
	assert_int_equal(record("lucky")->verdict, RP_PASS);
	assert_int_equal(record("loud")->verdict, RP_PASS);
	assert_int_equal(world->acts[2].tries, 1);
}

static void a_failure_under_loss_needs_many_of_a_kind(void **state)
{
	const struct ending lossy = { .verdict = FAIL, .outcome.loss = true }, other = { .verdict = FAIL, .rule = C2W_MSG_02, .outcome.loss = true };

	(void)state;
	add_ending("same", lossy, lossy);
	add_ending("mixed", lossy, other);
	add_ending("clear", lossy, (struct ending){ .verdict = PASS });
	play();
	assert_int_equal(world->acts[0].tries, 5);
	assert_int_equal(record("same")->verdict, RP_FAIL);
	assert_int_equal(record("mixed")->verdict, RP_INCONCLUSIVE);
	assert_int_equal(record("clear")->verdict, RP_PASS);
	assert_int_equal(world->acts[2].tries, 3);
}

/* What was lost on the way here leaves no sign in the run itself. */
static void a_network_known_to_lose_excuses_a_failure(void **state)
{
	(void)state;
	add_many(10);
	for (unsigned i = 0; i < 3; i++) {
		world->acts[i].endings[0].outcome.loss = true;
		world->acts[i].ending_count = 1;
	}
	add_ending("lost", (struct ending){ .verdict = FAIL }, (struct ending){ .verdict = PASS });
	add_ending("bad", (struct ending){ .verdict = FAIL }, (struct ending){ .verdict = FAIL });
	play();
	assert_int_equal(record("lost")->verdict, RP_PASS);
	assert_int_equal(record("bad")->verdict, RP_FAIL);
	assert_int_equal(world->acts[11].tries, 5);
}

/* What came late, or once too few, may have been lost: there it proves nothing. */
static void a_network_known_to_lose_excuses_what_is_late(void **state)
{
	const struct ending late = { .verdict = FAIL, .outcome.excusable = 1 };

	(void)state;
	add_many(10);
	for (unsigned i = 0; i < 3; i++) {
		world->acts[i].endings[0].outcome.loss = true;
		world->acts[i].ending_count = 1;
	}
	add_ending("late", late, late);
	play();
	assert_int_equal(record("late")->verdict, RP_INCONCLUSIVE);
}

/* Where others show that nothing is lost, whoever answers late is slow. */
static void a_sound_network_excuses_little(void **state)
{
	const struct ending late = { .verdict = FAIL, .outcome = { .excusable = 1, .loss = true } };

	(void)state;
	add_many(30);
	add_ending("late", late, late);
	play();
	assert_int_equal(record("late")->verdict, RP_FAIL);
	assert_int_equal(world->acts[30].tries, 3);
}

static void one_clean_failure_among_lossy_ones_counts(void **state)
{
	(void)state;
	add_ending("clean", (struct ending){ .verdict = FAIL, .outcome.loss = true }, (struct ending){ .verdict = FAIL });
	play();
	assert_int_equal(record("clean")->verdict, RP_FAIL);
	assert_int_equal(world->acts[0].tries, 2);
}

/* Second tries have a budget; a rule that nobody broke alone yet gets its second try all the same. */
static void a_hopeless_target_does_not_take_forever(void **state)
{
	char id[32];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "bad/%u", i);
		add_ending(id, (struct ending){ .verdict = FAIL }, (struct ending){ .verdict = FAIL })->takes = 4000 * ms;
	}
	add_ending("other", (struct ending){ .verdict = FAIL, .rule = C2W_MSG_02 }, (struct ending){ .verdict = FAIL, .rule = C2W_MSG_02 })->takes = 4000 * ms;
	play();
	for (unsigned i = 0; i < world->act_count; i++)
		assert_int_equal(world->result->scenarios[i].verdict, RP_FAIL);
	assert_int_equal(world->acts[0].tries, 2);
	assert_int_equal(world->acts[99].tries, 1);
	assert_int_equal(world->acts[100].tries, 2);
	assert_non_null(record("bad/99")->reason);
	assert_true(world->result->duration < 150000 * ms);
}

static void rules_left_out_are_not_judged(void **state)
{
	struct act *act;

	(void)state;
	world->left_out[C2W_MSG_02] = true;
	act = add_ending("told", (struct ending){ .verdict = FAIL, .rule = C2W_MSG_02 }, (struct ending){ .verdict = PASS });
	act->proves[1] = C2W_MSG_02;
	act->scenario.proves_count = 2;
	add_ending("stuck", (struct ending){ .verdict = FAIL, .rule = C2W_MSG_02, .incomplete = true }, (struct ending){ .verdict = PASS });
	play();
	assert_int_equal(record("told")->verdict, RP_PASS);
	assert_int_equal(record("told")->proves_count, 1);
	assert_int_equal(world->acts[0].tries, 1);
	assert_int_equal(record("stuck")->verdict, RP_SKIP);
	assert_int_equal(world->result->rules[C2W_MSG_02].verdict, RP_UNTESTED);
}

/* ---- what is not offered ------------------------------------------------------------------------------------- */

static void unmet_needs_are_skipped_with_a_reason(void **state)
{
	const char *const ids[] = { "movies", "capacity", "rooms", "both", "load", "least", "most" };
	const struct hx_expr text = { .kind = HX_PARAMETER, .index = C2W_PARAM_max_text_ }, same = { .number = 1024 }, more = { .number = 1025 }, less = { .number = 1023 };
	const struct hx_bound met[] = { { .more = &text, .less = &same, .next = &met[1] }, { .more = &same, .less = &text } };
	const struct hx_bound least = { .more = &text, .less = &more }, most = { .more = &less, .less = &text, .next = met };

	(void)state;
	for (unsigned i = 0; i < 7; i++)
		add(ids[i]);
	world->acts[0].scenario.needs.movies = 4;
	world->acts[1].scenario.needs.capacity = true;
	world->acts[2].scenario.needs.room_capacity = true;
	world->acts[3].scenario.over = 0;
	world->picks[3].transport = RP_MIXED;
	world->acts[4].scenario.needs.load = true;
	world->acts[5].scenario.needs.bounds = &least;
	world->acts[6].scenario.needs.bounds = &most;
	add("good");
	world->acts[7].scenario.needs.bounds = met;
	play();
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(record(ids[i])->verdict, RP_SKIP);
		assert_non_null(record(ids[i])->reason);
		assert_int_equal(world->acts[i].tries, 0);
	}
	assert_string_equal(record("least")->reason, "It needs a max-text of 1025 or more, and it is 1024.");
	assert_string_equal(record("most")->reason, "It needs a max-text of 1023 or less, and it is 1024.");
	assert_int_equal(world->finished, 8);
	assert_int_equal(world->result->verdict, RP_CONFORMS);
}

static void both_transports(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct act *act = add("x");

		act->scenario.over = C2W_ON_BOTH;
		world->picks[world->pick_count++] = (struct hx_pick){ .scenario = &act->scenario, .transport = RP_TCP };
	}
	world->options.transports = C2W_ON_BOTH;
}

static void a_transport_not_offered_is_not_run(void **state)
{
	(void)state;
	both_transports(2);
	net_listener_close(world->listener);
	world->listener = NULL;
	play();
	assert_int_equal(world->started, 2);
	assert_int_equal(world->result->scenarios_count, 2);
	assert_true(world->result->target.udp);
	assert_false(world->result->target.tcp);
	assert_int_equal(world->result->verdict, RP_CONFORMS);
}

static void a_mute_udp_port_is_not_offered(void **state)
{
	(void)state;
	both_transports(2);
	world->udp_mute = true;
	play();
	assert_int_equal(world->started, 2);
	assert_false(world->result->target.udp);
	assert_true(world->result->target.tcp);
}

static void a_transport_asked_for_must_be_there(void **state)
{
	(void)state;
	both_transports(2);
	world->options.transports_given = true;
	net_listener_close(world->listener);
	world->listener = NULL;
	play();
	assert_true(blamed("sanity", C2W_TRN_01));
	assert_int_equal(world->result->verdict, RP_VIOLATES);
	assert_int_equal(world->started, 2);
}

static void nobody_there_is_unreachable(void **state)
{
	(void)state;
	add("x");
	world->udp_mute = true;
	play();
	assert_int_equal(world->started, 0);
	assert_int_equal(world->result->verdict, RP_UNREACHABLE);
	assert_non_null(strstr(world->result->verdict_reason, "127.0.0.1:1950"));
}

static void an_odd_target_fails_and_nothing_is_run(void **state)
{
	(void)state;
	add("x");
	world->odd = true;
	play();
	assert_int_equal(world->started, 0);
	assert_int_equal(world->greetings, 2);
	assert_int_equal(world->result->verdict, RP_VIOLATES);
	assert_true(blamed("sanity", C2W_CON_01));
	assert_non_null(world->result->verdict_reason);
}

static void without_the_gate_it_is_run_all_the_same(void **state)
{
	(void)state;
	add("x");
	world->odd = true;
	world->options.no_gate = true;
	play();
	assert_int_equal(world->started, 1);
}

static void a_full_target_is_inconclusive(void **state)
{
	(void)state;
	add("x");
	world->full = true;
	play();
	assert_int_equal(world->started, 0);
	assert_int_equal(world->result->verdict, RP_UNDECIDED);
	assert_non_null(strstr(world->result->verdict_reason, "no room"));
}

/* ---- going away ------------------------------------------------------------------------------------------------ */

static const struct ending mute = { .verdict = DOUBT, .outcome.mute = true };

static void a_target_lost_half_way(void **state)
{
	(void)state;
	add("first")->endings[0].goes_mute = true;
	world->acts[0].ending_count = 1;
	world->acts[0].scenario.cast_count = HX_FIRST_CAP;
	add_ending("second", mute, mute)->scenario.cast_count = HX_FIRST_CAP;
	add("third")->scenario.alone = true;
	play();
	assert_int_equal(record("first")->verdict, RP_PASS);
	assert_int_equal(record("second")->verdict, RP_INCONCLUSIVE);
	assert_int_equal(record("third")->verdict, RP_INCONCLUSIVE);
	assert_int_equal(world->acts[2].tries, 0);
	assert_string_equal(world->result->target.lost_after, "first");
	assert_int_equal(world->result->verdict, RP_UNREACHABLE);
}

static void a_mute_run_on_a_living_target_is_judged(void **state)
{
	const struct ending failed = { .verdict = FAIL, .outcome.mute = true };

	(void)state;
	add_ending("mute", failed, failed);
	add("good");
	play();
	assert_int_equal(record("mute")->verdict, RP_FAIL);
	assert_int_equal(record("good")->verdict, RP_PASS);
	assert_int_equal(world->result->verdict, RP_VIOLATES);
	assert_true(world->greetings > 2);
}

static void a_target_gone_at_the_end_is_lost_after_the_last(void **state)
{
	(void)state;
	add("x")->endings[0].goes_mute = true;
	world->acts[0].ending_count = 1;
	play();
	assert_string_equal(world->result->target.lost_after, "x");
	assert_int_equal(world->result->verdict, RP_UNREACHABLE);
}

static void a_death_alone_is_blamed_at_once(void **state)
{
	const struct ending deadly = { .dies = true };

	(void)state;
	world->options.launched = true;
	add_ending("killer", deadly, deadly)->scenario.alone = true;
	add("good");
	play();
	assert_int_equal(world->restarts, 1);
	assert_int_equal(world->result->target.restarts, 1);
	assert_true(blamed("killer", C2W_ROB_01));
	assert_int_equal(record("good")->verdict, RP_PASS);
	assert_int_equal(world->result->verdict, RP_VIOLATES);
}

static void of_several_suspects_the_killer_is_found(void **state)
{
	const struct ending deadly = { .dies = true };

	(void)state;
	world->options.launched = true;
	add_ending("killer", deadly, deadly);
	add_many(5);
	play();
	assert_int_equal(world->restarts, 2);
	assert_true(blamed("killer", C2W_ROB_01));
	assert_false(record("killer")->company_only);
	for (unsigned i = 1; i < world->act_count; i++) {
		assert_int_equal(record(world->acts[i].id)->verdict, RP_PASS);
		assert_int_equal(world->acts[i].tries, 2);
	}
}

static void a_death_that_does_not_come_again_is_blamed_on_company(void **state)
{
	unsigned blames = 0;

	(void)state;
	world->options.launched = true;
	add_ending("a", (struct ending){ .dies = true }, (struct ending){ .verdict = PASS });
	add("b");
	play();
	blames += blamed("a", C2W_ROB_01);
	blames += blamed("b", C2W_ROB_01);
	assert_int_equal(blames, 1);
	assert_int_equal(world->restarts, 1);
	assert_int_equal(world->result->verdict, RP_VIOLATES);
}

/* What failed and is to be confirmed is suspected; what passed is blamed: nobody else was there. */
static void a_death_just_after_a_run_is_that_run_s(void **state)
{
	const struct ending fails = { .verdict = FAIL, .incomplete = true, .dies_late = true };

	(void)state;
	world->options.launched = true;
	add_ending("fails", fails, fails)->scenario.alone = true;
	add("passes")->scenario.alone = true;
	world->acts[1].endings[0].dies_late = true;
	world->acts[1].ending_count = 1;
	add("innocent")->scenario.alone = true;
	play();
	assert_true(blamed("fails", C2W_ROB_01));
	assert_true(blamed("fails", C2W_MSG_01));
	assert_true(blamed("passes", C2W_ROB_01));
	assert_false(record("fails")->company_only || record("passes")->company_only);
	assert_int_equal(record("innocent")->verdict, RP_PASS);
	assert_int_equal(world->restarts, 3);
}

static void a_launched_server_that_hangs_is_restarted(void **state)
{
	(void)state;
	world->options.launched = true;
	add("hangs")->endings[0].goes_mute = true;
	world->acts[0].ending_count = 1;
	world->acts[0].scenario.alone = true;
	add_ending("next", mute, (struct ending){ .verdict = PASS })->scenario.alone = true;
	play();
	assert_int_equal(world->restarts, 1);
	assert_true(blamed("hangs", C2W_ROB_01));
	assert_int_equal(record("next")->verdict, RP_PASS);
}

/* Whoever is alone on a server that was well, and is not answered, and nobody after it: that is its doing, once it happened again. */
static void who_silences_a_server_alone_is_blamed(void **state)
{
	const struct ending silences = { .verdict = FAIL, .rule = C2W_ENT_04, .outcome = { .mute = true, .loss = true }, .goes_mute = true };

	(void)state;
	world->options.launched = true;
	add_ending("silences", silences, silences);
	play();
	assert_int_equal(world->restarts, 2);
	assert_int_equal(world->acts[0].tries, 2);
	assert_int_equal(record("silences")->findings_count, 1);
	assert_true(blamed("silences", C2W_ROB_01));
	assert_false(record("silences")->flaky || record("silences")->company_only);
	assert_int_equal(world->result->verdict, RP_VIOLATES);
}

/* It answered, and ended of what is well-formed. */
static void a_death_in_the_first_greeting_breaks_a_rule(void **state)
{
	(void)state;
	world->options.launched = true;
	world->dies = true;
	add("x");
	play();
	assert_int_equal(world->started, 0);
	assert_int_equal(world->result->verdict, RP_VIOLATES);
	assert_true(blamed("sanity", C2W_ROB_01));
}

static void a_death_before_any_answer_is_no_verdict(void **state)
{
	(void)state;
	world->options.launched = true;
	world->dies = world->udp_mute = true;
	add("x");
	play();
	assert_int_equal(world->started, 0);
	assert_int_equal(world->result->verdict, RP_UNREACHABLE);
	assert_int_equal(world->result->scenarios_count, 0);
}

/* Nobody comes to an end beside others: then they run one at a time, and each death has its author. */
static void a_server_that_dies_of_company_is_judged_without(void **state)
{
	(void)state;
	world->options.launched = true;
	add_many(6 * HX_FIRST_CAP);
	for (unsigned i = 0; i < world->act_count; i++) {
		world->acts[i].endings[1] = world->acts[i].endings[0];
		world->acts[i].endings[0] = (struct ending){ .dies = true };
		world->acts[i].ending_count = 2;
	}
	play();
	assert_int_equal(world->result->verdict, RP_VIOLATES);
	for (unsigned i = 0; i < world->act_count; i++)
		assert_int_not_equal(record(world->acts[i].id)->verdict, RP_INCONCLUSIVE);
}

static void a_server_that_does_not_come_back_is_lost(void **state)
{
	(void)state;
	world->options.launched = true;
	world->restart_fails = true;
	add_ending("killer", (struct ending){ .dies = true }, (struct ending){ .dies = true })->scenario.cast_count = HX_FIRST_CAP;
	add("rest")->scenario.alone = true;
	play();
	assert_int_equal(world->result->verdict, RP_UNREACHABLE);
	assert_true(blamed("killer", C2W_ROB_01));
	assert_int_equal(record("rest")->verdict, RP_INCONCLUSIVE);
}

/* ---- stopping ------------------------------------------------------------------------------------------------------ */

static void interruption_stops_what_runs_and_leaves_the_rest(void **state)
{
	(void)state;
	add_many(50);
	world->stop_after = 20;
	play();
	assert_int_equal(world->started, 20);
	assert_int_equal(world->finished, 50);
	assert_int_equal(record("crowd/49")->verdict, RP_INCONCLUSIVE);
	assert_non_null(strstr(record("crowd/49")->reason, "interrupted"));
	assert_int_equal(world->result->verdict, RP_UNDECIDED);
}

static void what_failed_before_the_stop_is_not_confirmed(void **state)
{
	struct act *blocker;

	(void)state;
	add_ending("bad", (struct ending){ .verdict = FAIL }, (struct ending){ .verdict = FAIL });
	blocker = add("blocker");
	blocker->takes = 5000 * ms;
	world->options.max_time = 1000 * ms;
	play();
	assert_int_equal(world->acts[0].tries, 1);
	assert_int_equal(record("bad")->verdict, RP_INCONCLUSIVE);
	assert_non_null(strstr(record("bad")->reason, "Not confirmed"));
	assert_int_equal(world->result->verdict, RP_UNDECIDED);
}

static void a_run_may_take_its_timeout_and_no_more(void **state)
{
	(void)state;
	add("slow")->takes = 5000 * ms;
	world->options.timeout = 100 * ms;
	play();
	assert_int_equal(world->acts[0].tries, 1);
	assert_int_equal(record("slow")->verdict, RP_INCONCLUSIVE);
}

static void the_command_that_repeats_is_said(void **state)
{
	(void)state;
	add("x");
	world->options.repeat_command = "c2w-conform --simulate";
	play();
	assert_string_equal(record("x")->repeat, "c2w-conform --simulate --only 'x' --transport udp --seed 1");
}

/* ---- shares ----------------------------------------------------------------------------------------------------------- */

static void the_cap_moves_within_its_bounds(void **state)
{
	struct hx_share share;

	(void)state;
	hx_share_init(&share, 8, 5, 32);
	hx_share_adapt(&share, 3, HX_QUICK, 0, 1);
	assert_int_equal(share.cap, 8);
	hx_share_adapt(&share, 1, HX_QUICK, 0, 1);
	assert_int_equal(share.cap, 16);
	for (unsigned i = 0; i < 100; i++)
		hx_share_adapt(&share, 4, HX_QUICK, 0, 1);
	assert_int_equal(share.cap, 32);
	hx_share_adapt(&share, 1, HX_CROWDED, 10, 20);
	assert_int_equal(share.cap, 16);
	hx_share_adapt(&share, 1, HX_CROWDED, 15, 25); /* it began before the cap was halved: nothing new */
	assert_int_equal(share.cap, 16);
	for (unsigned i = 0; i < 5; i++)
		hx_share_adapt(&share, 1, HX_CROWDED, 30 + i * 10, 35 + i * 10);
	assert_int_equal(share.cap, 5);
	hx_share_free(&share);
}

static void titles_are_lent_once_and_in_turn(void **state)
{
	char *titles[] = { (char *)"a", (char *)"b", (char *)"a", (char *)"", (char *)"c" };
	const struct hx_scenario scenario = { .cast_count = 1, .leases = 2 };
	struct hx_holding first, second;
	struct hx_share share;

	(void)state;
	hx_share_init(&share, 8, 1, 8);
	hx_share_titles(&share, titles, 5);
	assert_int_equal(share.title_count, 3);
	hx_share_take(&share, &scenario, &first);
	assert_memory_equal(first.leases[0].at, "a", 1);
	assert_memory_equal(first.leases[1].at, "b", 1);
	assert_false(hx_share_fits(&share, &scenario));
	hx_share_give(&share, &scenario, &first);
	hx_share_take(&share, &scenario, &second);
	assert_memory_equal(second.leases[0].at, "c", 1);
	assert_memory_equal(second.leases[1].at, "a", 1);
	hx_share_free(&share);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(each_runs_once_and_passes), WORLD(the_cap_starts_at_eight_and_grows), WORLD(slow_answers_keep_the_cap_small),
		WORLD(the_largest_cast_always_fits), WORLD(movie_rooms_are_leased_and_rotate), WORLD(main_room_is_locked),
		WORLD(alone_comes_last_and_alone), WORLD(long_ones_do_not_wait_for_one_another), WORLD(several_servers_share_the_work),
		WORLD(repeated_ones_have_records_and_seeds_of_their_own), WORLD(the_critical_path_is_what_bounds_the_time),
		WORLD(a_failure_twice_is_a_failure), WORLD(a_failure_in_company_only_says_so), WORLD(a_failure_now_and_then_is_flaky),
		WORLD(what_fails_in_some_turns_only_is_flaky), WORLD(each_turn_has_a_seed_that_repeats_it),
		WORLD(noise_makes_it_inconclusive), WORLD(what_could_not_be_judged_is_tried_again), WORLD(a_refused_set_up_is_never_blamed),
		WORLD(silence_under_loss_is_proved_often), WORLD(a_failure_under_loss_needs_many_of_a_kind),
		WORLD(a_network_known_to_lose_excuses_a_failure),
		WORLD(a_network_known_to_lose_excuses_what_is_late), WORLD(a_sound_network_excuses_little), WORLD(one_clean_failure_among_lossy_ones_counts),
		WORLD(a_hopeless_target_does_not_take_forever),
		WORLD(rules_left_out_are_not_judged),
		WORLD(unmet_needs_are_skipped_with_a_reason), WORLD(a_transport_not_offered_is_not_run), WORLD(a_mute_udp_port_is_not_offered),
		WORLD(a_transport_asked_for_must_be_there), WORLD(nobody_there_is_unreachable), WORLD(an_odd_target_fails_and_nothing_is_run),
		WORLD(without_the_gate_it_is_run_all_the_same), WORLD(a_full_target_is_inconclusive), WORLD(a_target_lost_half_way),
		WORLD(a_mute_run_on_a_living_target_is_judged), WORLD(a_target_gone_at_the_end_is_lost_after_the_last),
		WORLD(a_death_alone_is_blamed_at_once), WORLD(of_several_suspects_the_killer_is_found),
		WORLD(a_death_that_does_not_come_again_is_blamed_on_company), WORLD(a_death_just_after_a_run_is_that_run_s),
		WORLD(a_launched_server_that_hangs_is_restarted), WORLD(who_silences_a_server_alone_is_blamed),
		WORLD(a_death_in_the_first_greeting_breaks_a_rule), WORLD(a_death_before_any_answer_is_no_verdict),
		WORLD(a_server_that_dies_of_company_is_judged_without),
		WORLD(a_server_that_does_not_come_back_is_lost), WORLD(interruption_stops_what_runs_and_leaves_the_rest),
		WORLD(what_failed_before_the_stop_is_not_confirmed), WORLD(a_run_may_take_its_timeout_and_no_more),
		WORLD(the_command_that_repeats_is_said), cmocka_unit_test(the_cap_moves_within_its_bounds),
		cmocka_unit_test(titles_are_lent_once_and_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
