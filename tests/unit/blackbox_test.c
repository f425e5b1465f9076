/* Tests the black-box fuzzer in virtual time, against the reference core: a right server gives no finding and is left empty; each of a
 * dozen faults is found within a bounded number of executions, and the scenario written for it fails on that fault and passes on the right
 * server. Run by tests/unit; every world is made and freed by its test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "fuzz/blackbox_breed.h"
#include "fuzz/blackbox_hunt.h"
#include "fuzz/blackbox_shrink.h"
#include "fuzz/blackbox_store.h"
#include "harness/schedule.h"
#include "harness/select.h"
#include "net/sim.h"
#include "server/core.h"
#include "server/faults.h"

static const struct net_addr host = { .octets = { 127, 0, 0, 1 }, .port = 1950, .family = 4 };

/* ---- a world: the core on a simulated network, and a hunt ------------------------------------ */

struct world {
	struct net *net;
	struct srv_service *service;
	struct srv_options server;
	struct fz_hunt *hunt;
	unsigned reports;
	struct fz_report last;       /* its strings are copies */
	struct fz_program program;
	char *script, *octets;
	const char *rules;           /* the first report with one of these ends the hunt; empty: any; NULL: none does */
	bool met;
	char **scripts;              /* of all that was reproduced: at most as many as there is room for */
	unsigned script_count, script_room;
	const char *false_words;     /* no report says them, or they are the test's failure */
	unsigned users, room, idle;  /* that the server holds; 0: as many as it likes */
	const char *const *movies;
	struct net_sim_options link;
	int64_t time;
};

static bool among(enum c2w_rule rule, const char *rules)
{
	return rules != NULL && (rules[0] == '\0' || strstr(rules, c2w_rule_info(rule)->id) != NULL);
}

static void found(void *context, const struct fz_report *report)
{
	struct world *world = context;

	world->reports++;
	if (world->false_words != NULL && strstr(report->finding.what, world->false_words) != NULL)
		fail_msg("%s: %s\n%s\n", c2w_rule_info(report->finding.rule)->id, report->finding.what, report->octets);
	if (report->reproduced && world->script_count < world->script_room)
		world->scripts[world->script_count++] = strdup(report->script);
	if (world->met || (world->rules != NULL && !report->reproduced) || (world->rules != NULL && !among(report->finding.rule, world->rules)))
		return;
	world->met = world->rules != NULL;
	free(world->script);
	free(world->octets);
	world->last = *report;
	world->program = *report->program;
	world->script = strdup(report->script);
	world->octets = strdup(report->octets);
	if (world->met)
		fz_hunt_stop(world->hunt);
}

static void over(void *context)
{
	struct world *world = context;

	net_stop(world->net);
}

static void serve(struct world *world)
{
	assert_true(srv_serve(world->net, &host, &world->server, &world->service) >= 0);
}

static const void *stuck;
static struct net_timer *dies_at, *noticed_at; /* of a server that ends; that is noticed a little later than its connections end */

static void restart(void *context)
{
	struct world *world = context;

	if (noticed_at != NULL) {
		net_timer_stop(dies_at);
		net_timer_stop(noticed_at);
	}
	stuck = NULL;
	srv_service_free(world->service);
	serve(world);
	fz_hunt_up(world->hunt, &host);
}

static void world_begins(struct world *world, const struct srv_policy *policy, uint64_t seed, uint64_t count)
{
	struct fz_hunt_options options = {
		.address = host, .udp = true, .tcp = true, .seed = seed, .count = count, .lanes = 8, .waits = 40, .nonce = "sim",
		.time = world->time, .restart = restart, .found = found, .over = over, .context = world,
	};

	srv_options_init(&world->server);
	world->server.log = SRV_LOG_QUIET;
	world->server.policy = policy;
	world->server.max_users = world->users > 0 ? world->users : world->server.max_users;
	world->server.max_room = world->room;
	world->server.max_idle = world->idle > 0 ? world->idle : world->server.max_idle;
	world->server.movies = world->movies;
	world->link.seed = seed;
	options.net = world->net = net_sim_new(&world->link);
	c2w_params_init(&options.params);
	serve(world);
	world->hunt = fz_hunt_new(&options);
}

static void world_ends(struct world *world)
{
	fz_hunt_free(world->hunt);
	srv_service_free(world->service);
	net_free(world->net);
	free(world->script);
	free(world->octets);
}

static void hunt(struct world *world)
{
	fz_hunt_start(world->hunt);
	assert_int_equal(net_run(world->net), 1);
}

/* ---- the right server ------------------------------------------------------------------------ */

static void a_right_server_gives_no_finding(void **state)
{
	struct world world = { 0 };
	struct fz_hunt_counts counts;

	(void)state;
	world_begins(&world, NULL, 1, 20000);
	hunt(&world);
	counts = fz_hunt_counts(world.hunt);
	if (world.reports > 0)
		print_message("%s\n%s\n%s\n", world.last.finding.what, world.script, world.octets);
	assert_int_equal(world.reports, 0);
	assert_true(counts.udp && counts.tcp && !counts.unreachable);
	assert_true(counts.states > 100 && counts.transitions > 500);
	net_sim_run_until(world.net, net_now(world.net) + INT64_C(20000000000));
	assert_int_equal(srv_service_counts(world.service).users, 0);
	world_ends(&world);
}

/* ---- others that are right, too ------------------------------------------------------------------ */

/* Texts leave this server some time after they were accepted, over TCP. */
enum { MAX_LATE = 256 };

struct late {
	struct srv_core *core;
	struct srv_carrier carrier;
	struct net *net;
	unsigned count;
	struct { int64_t at; struct srv_way way; size_t length; char *octets; } texts[MAX_LATE];
};

static int64_t lateness;
static const char *swallowed; /* such texts never leave; NULL: all do */

static size_t send_late(void *context, const struct srv_way *way, const char *octets, size_t length)
{
	struct late *late = context;
	struct c2w_message message;

	if (way->connection == NULL || c2w_message_parse(&message, octets, length, 0) != C2W_OK || message.command != C2W_NEW_MESSAGE || late->count == MAX_LATE)
		return late->carrier.send(late->carrier.context, way, octets, length);
	if (swallowed != NULL && memmem(message.data.at, message.data.length, swallowed, strlen(swallowed)) != NULL)
		return 0;
	late->texts[late->count].at = net_now(late->net) + lateness;
	late->texts[late->count].way = *way;
	late->texts[late->count].length = length;
	late->texts[late->count++].octets = memcpy(malloc(length), octets, length);
	return 0;
}

static void forget_late(struct late *late, unsigned i)
{
	free(late->texts[i].octets);
	late->count--;
	memmove(&late->texts[i], &late->texts[i + 1], (late->count - i) * sizeof(late->texts[0]));
}

static void forget_connection(struct late *late, const struct srv_way *way)
{
	for (unsigned i = late->count; i > 0; i--)
		if (late->texts[i - 1].way.connection == way->connection)
			forget_late(late, i - 1);
}

static void drop_late(void *context, const struct srv_way *way, bool reset)
{
	struct late *late = context;

	forget_connection(late, way);
	late->carrier.drop(late->carrier.context, way, reset);
}

static void note_late(void *context, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	struct late *late = context;

	late->carrier.note(late->carrier.context, way, detail, what, octets);
}

static void *open_late(const struct srv_settings *settings, struct srv_carrier *carrier, struct net *net)
{
	struct late *late = calloc(1, sizeof(*late));

	(void)settings;
	late->carrier = *carrier;
	late->net = net;
	*carrier = (struct srv_carrier){ late, send_late, drop_late, note_late };
	return late;
}

static void begin_late(void *filter, struct srv_core *core)
{
	((struct late *)filter)->core = core;
}

static void receive_late(void *filter, const struct srv_way *way, const char *octets, size_t length, int64_t now)
{
	srv_core_receive(((struct late *)filter)->core, way, octets, length, now);
}

static void closed_late(void *filter, const struct srv_way *way, bool reset)
{
	(void)reset;
	forget_connection(filter, way);
	srv_core_closed(((struct late *)filter)->core, way);
}

static int64_t due_late(void *filter)
{
	const struct late *late = filter;
	int64_t due = srv_core_due(late->core);

	return late->count > 0 && late->texts[0].at < due ? late->texts[0].at : due;
}

static void run_late(void *filter, int64_t now)
{
	struct late *late = filter;

	for (; late->count > 0 && late->texts[0].at <= now; forget_late(late, 0))
		late->carrier.send(late->carrier.context, &late->texts[0].way, late->texts[0].octets, late->texts[0].length);
	srv_core_run(late->core, now);
}

static void close_late(void *filter)
{
	struct late *late = filter;

	while (late->count > 0)
		forget_late(late, 0);
	free(late);
}

static const struct srv_filter late_filter = { open_late, begin_late, receive_late, closed_late, due_late, run_late, close_late };
static const struct srv_policy late_policy = { .filter = &late_filter };

/* Whatever was seen once does not show again. */
static void gives_no_finding(struct world *world, const struct srv_policy *policy, uint64_t seed, uint64_t count)
{
	struct fz_hunt_counts counts;

	world->rules = "";
	world_begins(world, policy, seed, count);
	hunt(world);
	counts = fz_hunt_counts(world->hunt);
	if (counts.findings > 0)
		printf("%s\n%s\n%s\n", world->last.finding.what, world->script, world->octets);
	assert_int_equal(counts.findings, 0);
	assert_true(counts.executions >= count && !counts.unreachable);
	world_ends(world);
}

/* REL-17 is a SHOULD. */
static void a_text_may_be_late(void **state)
{
	static const int64_t late[] = { 1000000, 5000000, 200000000, 700000000 };

	(void)state;
	for (unsigned i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		lateness = late[i];
		gives_no_finding(&(struct world){ 0 }, &late_policy, i + 1, 1000);
		gives_no_finding(&(struct world){ .link = { .jitter = 30000000 } }, &late_policy, i + 1, 300);
	}
}

/* LST-04 is a SHOULD, in pieces and before a FIN, too. */
static void lists_may_stay_out_in_a_movie_room(void **state)
{
	(void)state;
	gives_no_finding(&(struct world){ 0 }, srv_fault_policy(SRV_FAULT_no_lists_in_a_movie_room), 1, 6000);
}

/* A fence must not be let in. */
static void a_title_may_be_odd(void **state)
{
	static const char *const movies[] = { "?", " ", "a,b", ",", "??", NULL };

	(void)state;
	gives_no_finding(&(struct world){ .movies = movies, .link = { .jitter = 30000000 } }, NULL, 1, 1000);
}

/* ROB-04. */
static void connections_may_be_limited(void **state)
{
	(void)state;
	gives_no_finding(&(struct world){ .idle = 2 }, NULL, 1, 3000);
	gives_no_finding(&(struct world){ .idle = 2 }, NULL, 23008, 3000); /* of whom one does not read */
	gives_no_finding(&(struct world){ .idle = 5 }, NULL, 2, 3000);
}

/* No rule orders requests over UDP, and the network may lose them. */
static void datagrams_may_overtake_and_vanish(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		gives_no_finding(&(struct world){ .link = { .latency = 1000000, .reorder = 0.5 } }, NULL, seed, 2000);
		gives_no_finding(&(struct world){ .link = { .latency = 1000000, .reorder = 0.1, .loss = 0.03 } }, NULL, seed, 500);
	}
}

/* Many things are seen, none shows again: the hunt ends soon after its time, and says what it did not look into. */
static void a_hunt_ends_soon_after_its_time(void **state)
{
	struct world world = { .time = INT64_C(3000000000), .link = { .latency = 1000000, .reorder = 0.5, .loss = 0.05 } };
	struct fz_hunt_counts counts;

	(void)state;
	lateness = 700000000;
	world_begins(&world, &late_policy, 1, 0);
	hunt(&world);
	counts = fz_hunt_counts(world.hunt);
	assert_int_equal(counts.findings, 0);
	assert_true(counts.doubted + counts.dropped > 0);
	assert_in_range(counts.elapsed, world.time, world.time + INT64_C(30000000000));
	world_ends(&world);
}

/* CON-04, ENT-05: whoever asked on has asked as somebody who was declined. */
static void a_server_may_be_full(void **state)
{
	(void)state;
	for (unsigned users = 1; users <= 2; users++)
		gives_no_finding(&(struct world){ .users = users, .room = 1 }, NULL, users, 6000);
}

/* ---- what was written is a scenario ------------------------------------------------------------ */

static void complain(void *context, const char *text)
{
	(void)context;
	print_message("%s\n", text);
}

/* Plays a scenario's text against the core with the policy; does a finding come of it? -1: it could not be played. */
static int fails_for(const char *script, const struct srv_policy *policy)
{
	char file[] = "/tmp/blackbox-XXXXXX.c2w";
	const char *paths[] = { file };
	int descriptor = mkstemps(file, 4), fails = 0;
	struct hx_selection selection = { .level = C2W_MAY, .origins = "SIP", .transports = C2W_ON_BOTH };
	struct world world = { 0 };
	struct hx_target target = { .address = host, .udp = true, .tcp = true, .nonce = "maker" }, *targets[] = { &target };
	bool left_out[C2W_RULES] = { false };
	struct hx_suite *suite = NULL;
	struct hx_pick *picks = NULL;
	unsigned count = 0;

	assert_true(descriptor >= 0 && write(descriptor, script, strlen(script)) == (ssize_t)strlen(script));
	close(descriptor);
	if (hx_suite_load(&suite, paths, 1, complain, NULL) > 0 || hx_select(suite, &selection, &picks, &count, complain, NULL) > 0) {
		unlink(file);
		return -1;
	}
	world_begins(&world, policy, 1, 0);
	target.net = world.net;
	c2w_params_init(&target.params);
	struct rp_result *result = rp_result_new();
	struct hx_schedule *schedule = hx_schedule_new(&(struct hx_schedule_options){
		.net = world.net, .targets = targets, .lanes = 1, .picks = picks, .pick_count = count, .result = result, .run_start = net_now(world.net), .left_out = left_out,
		.transports = C2W_ON_BOTH, .no_gate = true, .allow_load = true, .seed = 1, .repeat = 1, .events = { .over = over }, .context = &world,
	});
	hx_schedule_start(schedule);
	net_run(world.net);
	for (size_t i = 0; i < result->scenarios_count; i++) {
		const struct rp_scenario *scenario = &result->scenarios[i];

		fails = scenario->verdict == RP_INCONCLUSIVE || scenario->verdict == RP_SKIP ? -1 : fails;
		fails = scenario->findings_count > 0 ? 1 : fails;
	}
	hx_schedule_free(schedule);
	rp_result_free(result);
	world_ends(&world);
	for (unsigned i = 0; i < target.title_count; i++)
		free(target.titles[i]);
	free(target.titles);
	free(picks);
	hx_suite_free(suite);
	unlink(file);
	return fails;
}

static void play_over(void *context, struct fz_play *play)
{
	(void)play;
	net_stop(context);
}

/* Right after its end, not only when REL-08 has mended it. */
static void a_play_leaves_nobody_behind(void **state)
{
	static const char *const titles[] = { "Metropolis", "M" };
	struct fz_breeder breeder = { .random = 7, .udp = true, .tcp = true, .movies = 2 };
	struct world world = { 0 };
	struct c2w_params params;
	struct fz_world known = { &params, titles, 2 };

	(void)state;
	c2w_params_init(&params);
	world_begins(&world, NULL, 1, 0);
	for (unsigned i = 0; i < 1500; i++) {
		struct fz_program program;
		struct fz_play *play;
		char tail[16];

		fz_generate(&breeder, &program);
		for (unsigned k = 0; k < i % 4; k++)
			fz_mutate(&breeder, &program, NULL);
		snprintf(tail, sizeof(tail), "t%u", i);
		play = fz_play_start(&(struct fz_play_options){
			.net = world.net, .address = host, .world = &known, .program = &program, .tail = tail, .round_trip = 100000, .done = play_over, .context = world.net,
		});
		net_run(world.net);
		fz_play_free(play);
		net_sim_run_until(world.net, net_now(world.net) + INT64_C(20000000));
		if (srv_service_counts(world.service).users > 0)
			fz_program_print(&program, stdout);
		assert_int_equal(srv_service_counts(world.service).users, 0);
	}
	world_ends(&world);
}

/* Each of them made the fuzzer blame a right server once. */
static const char *const innocent[] = {
	/* a TIME of 0 */
	"cast alice over tcp, carol over tcp\n"
	"alice > CONNECTION_REQUEST time \"0.000001\" # awaited\ncarol > CONNECTION_REQUEST time \"0.000000\"\nalice > SEND_MESSAGE_REQUEST data \"h\" # awaited\n",
	/* a repetition that is too long */
	"cast alice over udp\n"
	"alice holds acks\nalice > CONNECTION_REQUEST time \"4102467159.50\" user \"a b\" # awaited\n"
	"alice > CONNECTION_REQUEST time \"4102467159.500\" user \"a b\" data \"x\" * 4056 # awaited\n",
	/* a text under way when its recipient logs in, and does not ack it */
	"cast alice over tcp, bob over udp\n"
	"alice > CONNECTION_REQUEST # awaited\nbob holds acks\nalice > SEND_MESSAGE_REQUEST data \"h\"\nbob > CONNECTION_REQUEST # awaited\n"
	"alice > MOVIE_LIST_REQUEST # awaited\nbob > SEND_MESSAGE_REQUEST data \"h\" # awaited\n",
	/* an ack that is sent before its answer comes */
	"cast alice over udp, carol over udp\n"
	"carol > CONNECTION_REQUEST # awaited\ncarol holds acks\ncarol > MOVIE_LIST_REQUEST time \"4061841739.5\"\n"
	"carol > MOVIE_LIST_RESPONSE_ACK time \"4061841739.5\"\nalice > CONNECTION_REQUEST # awaited\ncarol > MOVIE_LIST_REQUEST time \"4061841739.5\" # awaited\n",
	/* a login before a FIN, and somebody else who wants the name */
	"cast alice over tcp, bob over udp\n"
	"alice > CONNECTION_REQUEST\nalice half-closes\nbob > CONNECTION_REQUEST user $alice # awaited\n",
	/* a reset by somebody who does not read */
	"cast alice over tcp\n"
	"alice stops reading\nalice > CONNECTION_REQUEST\nalice resets\nalice opens\nalice > CONNECTION_REQUEST # awaited\n",
	/* texts of two authors who do not wait for each other */
	"cast alice over udp, bob over udp\n"
	"alice > CONNECTION_REQUEST # awaited\nbob > CONNECTION_REQUEST # awaited\nalice holds acks\nalice > SEND_MESSAGE_REQUEST data \"one\" # awaited\n"
	"alice > SEND_MESSAGE_REQUEST data \"two\" # awaited\nbob > SEND_MESSAGE_REQUEST data \"three\" # awaited\nalice > NEW_MESSAGE_RESPONSE_ACK # awaited\n"
	"alice > NEW_MESSAGE_RESPONSE_ACK # awaited\n",
};

static void the_innocent_are_not_blamed(void **state)
{
	static const char *const titles[] = { "Metropolis", "M" };
	struct c2w_params params;
	struct fz_world known = { &params, titles, 2 };

	(void)state;
	c2w_params_init(&params);
	for (unsigned i = 0; i < 2 * sizeof(innocent) / sizeof(innocent[0]); i++) {
		FILE *from = fmemopen((void *)innocent[i / 2], strlen(innocent[i / 2]), "r");
		struct world world = { 0 };
		struct fz_program program;
		const struct fz_finding *findings;
		struct fz_play *play;
		unsigned count;

		assert_true(fz_program_read(&program, from));
		fclose(from);
		fz_program_mend(&program, true, true, 2);
		world_begins(&world, NULL, 1, 0);
		play = fz_play_start(&(struct fz_play_options){
			.net = world.net, .address = host, .world = &known, .program = &program, .tail = "t1", .round_trip = 100000, .patient = i % 2 > 0, .done = play_over, .context = world.net,
		});
		net_run(world.net);
		findings = fz_play_findings(play, &count);
		if (count > 0)
			fail_msg("%s: %s", findings[0].what, innocent[i / 2]);
		fz_play_free(play);
		world_ends(&world);
	}
}

/* ---- known-bad servers ----------------------------------------------------------------------------- */

/* Of different kinds, each with the executions within which it must be found; which rule is blamed is the fault's own set. */
static const struct {
	enum srv_fault fault;
	unsigned within;
} faults[] = {
	{ SRV_FAULT_datagram_twice, 200 },          { SRV_FAULT_recv_is_a_message, 500 },      { SRV_FAULT_one_message_a_segment, 1000 },
	{ SRV_FAULT_pipe_missing, 100 },      { SRV_FAULT_granted_says_welcome, 100 },
	{ SRV_FAULT_unknown_is_answered, 500 },     { SRV_FAULT_users_listed_for_anyone, 500 }, { SRV_FAULT_no_session_has_code_0, 500 },
	{ SRV_FAULT_text_cut_at_colon, 1000 },      { SRV_FAULT_empty_text_sent, 2000 },       { SRV_FAULT_repeated_text_sent_to_all, 2000 },
	{ SRV_FAULT_everything_executed_again, 2000 }, { SRV_FAULT_tcp_retransmits, 6000 },    { SRV_FAULT_texts_do_not_wait, 4000 },
	{ SRV_FAULT_pieces_forgotten, 1000 },        { SRV_FAULT_foreign_text_accepted, 2000 },
	{ SRV_FAULT_fin_unnoticed, 3000 },           { SRV_FAULT_reset_unnoticed, 3000 },      { SRV_FAULT_fin_in_a_movie_room_unnoticed, 3000 },
	{ SRV_FAULT_fin_drops_the_requests, 3000 },  { SRV_FAULT_name_kept_after_closing, 3000 }, { SRV_FAULT_name_free_after_the_ack, 9000 },
	{ SRV_FAULT_name_of_32_refused, 5000 },      { SRV_FAULT_name_of_33_granted, 5000 },   { SRV_FAULT_name_main_room_refused, 5000 },
	{ SRV_FAULT_taken_before_connected, 3000 },  { SRV_FAULT_name_compared_without_case, 3000 }, { SRV_FAULT_old_time_does_not_connect, 20000 },
	{ SRV_FAULT_title_stripped, 5000 },          { SRV_FAULT_title_in_any_case, 5000 },    { SRV_FAULT_title_with_comma_unknown, 3000 },
	{ SRV_FAULT_author_takes_texts_along, 10000 }, { SRV_FAULT_newest_text_first, 5000 },   { SRV_FAULT_tcp_texts_wait_for_acks, 5000 },
	{ SRV_FAULT_lists_wait_for_texts, 5000 },    { SRV_FAULT_repeated_text_unanswered, 5000 }, { SRV_FAULT_empty_text_before_repetition, 5000 },
	{ SRV_FAULT_strangers_executed_again, 3000 }, { SRV_FAULT_leaving_executed_again, 3000 }, { SRV_FAULT_unknown_sets_time, 5000 },
	{ SRV_FAULT_far_times_lose_microseconds, 5000 }, { SRV_FAULT_time_of_the_repetition, 5000 },
	{ SRV_FAULT_repeats_go_to_the_last_speaker, 20000 }, { SRV_FAULT_time_changes_when_repeated, 20000 }, { SRV_FAULT_last_user_is_global, 20000 },
	{ SRV_FAULT_name_kept_after_giving_up, 20000 }, { SRV_FAULT_tcp_unacked_ends_session, 40000 },
	{ SRV_FAULT_movies_for_some_only, 5000 },    { SRV_FAULT_queue_in_order_of_time, 20000 },    { SRV_FAULT_refused_entering_drops_texts, 20000 },
	{ SRV_FAULT_repeated_text_gets_the_last, 20000 }, { SRV_FAULT_discarded_list_sets_time, 5000 }, { SRV_FAULT_taken_name_acks_for_its_holder, 20000 },
};

/* What follows from them is seen, and blamed. */
static bool shows_elsewhere(enum srv_fault fault)
{
	return fault == SRV_FAULT_lists_wait_for_texts || fault == SRV_FAULT_unknown_sets_time || fault == SRV_FAULT_far_times_lose_microseconds ||
	       fault == SRV_FAULT_tcp_unacked_ends_session || fault == SRV_FAULT_taken_name_acks_for_its_holder;
}

static void faults_are_found_and_written_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct srv_fault_info *info = srv_fault_info(faults[i].fault);
		const struct srv_policy *policy = srv_fault_policy(faults[i].fault);
		struct world world = { .rules = shows_elsewhere(faults[i].fault) ? "" : info->rules };

		world_begins(&world, policy, 1, faults[i].within);
		hunt(&world);
		if (!world.met)
			fail_msg("%s was not found in %u executions", info->name, faults[i].within);
		assert_true(world.last.reproduced);
		if (fails_for(world.script, policy) != 1 || fails_for(world.script, NULL) != 0)
			fail_msg("%s: this does not show it, or blames the right server:\n%s", info->name, world.script);
		assert_true(strlen(world.octets) > 0);
		world_ends(&world);
	}
}

/* Also where the length of the names decides, as in what one segment holds, and what must not share a segment. */
static void all_that_is_reproduced_is_shown_by_its_scenario(void **state)
{
	static const unsigned seeds[] = { 3, 4, 17 };
	const struct srv_policy *policy = srv_fault_policy(SRV_FAULT_pieces_forgotten);
	unsigned shown = 0;

	(void)state;
	for (unsigned k = 0; k < sizeof(seeds) / sizeof(seeds[0]); k++) {
		char *scripts[30];
		struct world world = { .scripts = scripts, .script_room = 30 };

		world_begins(&world, policy, seeds[k], 500);
		hunt(&world);
		for (unsigned i = 0; i < world.script_count; i++) {
			if (fails_for(scripts[i], policy) != 1)
				fail_msg("seed %u: this does not show it:\n%s", seeds[k], scripts[i]);
			free(scripts[i]);
		}
		shown += world.script_count;
		world_ends(&world);
	}
	assert_true(shown > 20);
}

/* What came changed did come. */
static void a_changed_text_is_not_told_as_missing(void **state)
{
	struct world world = { .false_words = "did not come" };

	(void)state;
	world_begins(&world, srv_fault_policy(SRV_FAULT_text_in_ascii), 1, 2000);
	hunt(&world);
	assert_true(fz_hunt_counts(world.hunt).findings > 0);
	world_ends(&world);
}

/* The step is tagged with the rule that is told, and what is told was seen in the play that was written. */
static void what_is_told_is_what_is_written(void **state)
{
	struct world world = { .rules = "LST-01" };
	char name[64] = "";

	(void)state;
	world_begins(&world, srv_fault_policy(SRV_FAULT_everyone_in_main_room), 1, 500);
	hunt(&world);
	assert_true(world.met && strstr(world.script, "ENTER_MOVIE_GRANTED") != NULL && strstr(world.script, "proves LST-01") != NULL);
	assert_true(strstr(world.script, "[LST-01]") != NULL && strstr(world.script, "[LST-04]") == NULL);
	assert_int_equal(sscanf(strstr(world.script, "# expected"), "# expected \"%63[^\"]", name), 1);
	assert_non_null(strstr(world.octets, name));
	world_ends(&world);
}

/* Texts are late, and some never come: what is written down shows those. */
static void what_is_late_does_not_hide_what_is_missing(void **state)
{
	struct world world = { .rules = "MSG-01 REL-16 TRN-03" };

	(void)state;
	lateness = 5000000;
	swallowed = "|";
	world_begins(&world, &late_policy, 3, 2000);
	hunt(&world);
	assert_true(world.met && world.last.reproduced);
	if (fails_for(world.script, &late_policy) != 1 || fails_for(world.script, NULL) != 0)
		fail_msg("this does not show it, or blames the right server:\n%s", world.script);
	swallowed = NULL;
	world_ends(&world);
}

/* A server that gets stuck with a connection over which a certain text comes, and soon ends. */
static void receive_mortal(void *filter, const struct srv_way *way, const char *octets, size_t length, int64_t now)
{
	if (stuck == NULL && way->connection != NULL && memmem(octets, length, "%s", 2) != NULL) {
		stuck = way->connection;
		net_timer_at(dies_at, now + 20000000);
	}
	if (way->connection == NULL || way->connection != stuck)
		receive_late(filter, way, octets, length, now);
}

static void dies(void *context)
{
	struct world *world = context;

	srv_service_free(world->service);
	world->service = NULL;
	stuck = NULL;
	net_timer_at(noticed_at, net_now(world->net) + 10000000);
}

static void death_is_noticed(void *context)
{
	struct world *world = context;

	fz_hunt_died(world->hunt, "it has ended");
}

static const struct srv_filter mortal_filter = { open_late, begin_late, receive_mortal, closed_late, due_late, run_late, close_late };
static const struct srv_policy mortal_policy = { .filter = &mortal_filter };

static void a_death_is_no_closed_connection(void **state)
{
	struct world world = { .false_words = "closed the connection", .rules = "ROB-01" };

	(void)state;
	lateness = 0;
	world_begins(&world, &mortal_policy, 1, 3000);
	dies_at = net_timer_new(world.net, dies, &world);
	noticed_at = net_timer_new(world.net, death_is_noticed, &world);
	hunt(&world);
	assert_true(world.met && world.last.finding.kind == FZ_DEATH);
	net_timer_free(dies_at);
	net_timer_free(noticed_at);
	dies_at = noticed_at = NULL;
	world_ends(&world);
}

/* ---- programs ---------------------------------------------------------------------------------------- */

static void same_seed_same_hunt(void **state)
{
	struct fz_hunt_counts counts[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world world = { 0 };

		world_begins(&world, NULL, 5, 200);
		hunt(&world);
		counts[i] = fz_hunt_counts(world.hunt);
		world_ends(&world);
	}
	assert_int_equal(counts[0].messages, counts[1].messages);
	assert_int_equal(counts[0].states, counts[1].states);
	assert_int_equal(counts[0].transitions, counts[1].transitions);
	assert_int_equal(counts[0].elapsed, counts[1].elapsed);
}

static char *printed(const struct fz_program *program)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	fz_program_print_cast(program, false, false, to);
	fz_program_print(program, to);
	fclose(to);
	return text;
}

static bool gaps_in_cast(const struct fz_program *program)
{
	for (unsigned i = 1; i < FZ_CAST; i++)
		if (fz_takes_part(program, i) && !fz_takes_part(program, i - 1))
			return true;
	return false;
}

static void what_is_printed_is_read_again(void **state)
{
	static const char *const titles[] = { "Metropolis", "M", "Good Bye, Lenin!" };
	struct fz_breeder breeder = { .random = 3, .udp = true, .tcp = true, .movies = 3, .titles = titles };

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		struct fz_program program, again;
		char *text, *once_more;
		FILE *from;

		fz_generate(&breeder, &program);
		fz_mutate(&breeder, &program, NULL);
		/* Those who take no part are not printed, nor are their transports; the others are read in their order. */
		if (gaps_in_cast(&program))
			continue;
		text = printed(&program);
		from = fmemopen(text, strlen(text), "r");
		assert_true(fz_program_read(&again, from));
		fclose(from);
		fz_program_mend(&again, true, true, 3);
		once_more = printed(&again);
		assert_string_equal(text, once_more);
		free(text);
		free(once_more);
	}
}

/* Shows it: a client who sends this word, whatever else happens. */
static bool has_word(const struct fz_program *program)
{
	for (unsigned i = 0; i < program->count; i++)
		if (program->steps[i].action == FZ_SEND && program->steps[i].command == C2W_NO_COMMAND)
			return true;
	return false;
}

static void what_does_not_matter_is_shrunk_away(void **state)
{
	struct fz_breeder breeder = { .random = 11, .udp = true, .tcp = true, .movies = 3 };
	unsigned shrunk = 0;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		struct fz_shrinker shrinker;
		struct fz_program program, proposal;
		unsigned proposals = 0;

		fz_generate(&breeder, &program);
		if (!has_word(&program))
			continue;
		fz_shrink_begin(&shrinker, &program, true, true, 3);
		while (fz_shrink_next(&shrinker, &proposal)) {
			fz_shrink_tell(&shrinker, &proposal, has_word(&proposal));
			assert_true(++proposals < 1000);
		}
		assert_int_equal(shrinker.best.count, 1);
		assert_true(has_word(&shrinker.best));
		shrunk++;
	}
	assert_true(shrunk > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_play_leaves_nobody_behind),
		cmocka_unit_test(a_right_server_gives_no_finding),
		cmocka_unit_test(a_text_may_be_late),
		cmocka_unit_test(lists_may_stay_out_in_a_movie_room),
		cmocka_unit_test(a_title_may_be_odd),
		cmocka_unit_test(a_server_may_be_full),
		cmocka_unit_test(connections_may_be_limited),
		cmocka_unit_test(datagrams_may_overtake_and_vanish),
		cmocka_unit_test(a_hunt_ends_soon_after_its_time),
		cmocka_unit_test(the_innocent_are_not_blamed),
		cmocka_unit_test(faults_are_found_and_written_down),
		cmocka_unit_test(all_that_is_reproduced_is_shown_by_its_scenario),
		cmocka_unit_test(a_changed_text_is_not_told_as_missing),
		cmocka_unit_test(what_is_told_is_what_is_written),
		cmocka_unit_test(what_is_late_does_not_hide_what_is_missing),
		cmocka_unit_test(a_death_is_no_closed_connection),
		cmocka_unit_test(same_seed_same_hunt),
		cmocka_unit_test(what_is_printed_is_read_again),
		cmocka_unit_test(what_does_not_matter_is_shrunk_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
