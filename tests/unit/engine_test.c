/* The engine against small wrong servers, and against the reference server, in virtual time.
 * Each wrong server is one function: what it answers to a message. What the engine must say of it is the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/engine.h"
#include "net/sim.h"
#include "server/serve.h"

static const int64_t MS = 1000000;

struct fake {
	struct net *net;
	struct net_udp *udp;
	struct net_timer *timer;
	struct net_addr peer;
	char late[256];         /* what the timer sends */
	size_t late_length;
	int64_t every;
	unsigned repeats;
	unsigned requests, acks;
	struct hx_run *run;
	void (*answer)(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram);
};

struct outcome {
	struct rp_result *result;
	struct rp_scenario *record;
	struct hx_outcome outcome;
	struct srv_counts left;
	int64_t took;
};

static const char lib[] = "exchange $who connects {\n\t$who > CONNECTION_REQUEST\n\t$who < CONNECTION_GRANTED [CON-01]\n}\n";

static void complain(void *context, const char *text)
{
	(void)context;
	fail_msg("%s", text);
}

static void reply(struct fake *fake, const struct net_addr *to, const char *time, size_t time_length, const char *rest)
{
	char octets[512];
	int length = snprintf(octets, sizeof(octets), "%.*s: %s\r\n", (int)time_length, time, rest);
	assert_int_equal(net_udp_send(fake->udp, to, NULL, octets, (size_t)length), 0);
}

static const char *granted(const struct c2w_message *request, char text[300])
{
	const char *command = request->command == C2W_CONNECTION_REQUEST      ? "CONNECTION_GRANTED"
	                      : request->command == C2W_LEAVE_SESSION_REQUEST ? "LEAVE_SESSION_ERROR_1"
	                                                                      : "USER_LIST_RESPONSE";
	const char *data = request->command == C2W_USER_LIST_REQUEST ? ",MAIN_ROOM" : "";
	int user = (int)request->user.length;
	snprintf(text, 300, "%s|%.*s|%.*s%s", command, user, request->user.at, *data != '\0' ? user : 0, request->user.at, data);
	return text;
}

static void right(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	char text[300];
	reply(fake, &datagram->peer, request->time_text.at, request->time_text.length, granted(request, text));
}

static void fake_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct fake *fake = context;
	for (size_t i = 0; i < count; i++) {
		struct c2w_message message;
		enum c2w_err err = c2w_message_parse(&message, datagrams[i].octets, datagrams[i].length, 0);
		bool ack = err == C2W_OK && c2w_command_info(message.command)->beat == C2W_ACK;
		fake->acks += ack;
		fake->requests += !ack;
		fake->peer = datagrams[i].peer;
		if (err == C2W_OK && !ack && fake->answer != NULL)
			fake->answer(fake, &message, &datagrams[i]);
	}
}

static void repeat_late(void *context)
{
	struct fake *fake = context;
	net_udp_send(fake->udp, &fake->peer, NULL, fake->late, fake->late_length);
	if (fake->repeats-- > 1)
		net_timer_at(fake->timer, net_now(fake->net) + fake->every);
}

static void finished(void *context, struct hx_run *run, const struct hx_outcome *outcome)
{
	struct outcome *end = context;
	(void)run;
	end->outcome = *outcome;
}

static int64_t bad_lag(void *context, int64_t since, int64_t until)
{
	(void)context;
	(void)since;
	(void)until;
	return 900 * MS;
}

static int64_t (*lag_now)(void *, int64_t, int64_t);
static int64_t stop_after;

static void play_at(struct outcome *end, struct net *net, const struct net_addr *at, const char *script, enum rp_transport transport)
{
	struct hx_suite *suite = NULL;
	assert_int_equal(hx_suite_parse(&suite, "test.c2w", script, lib, complain, NULL), 0);
	struct hx_target target = { .net = net, .address = *at, .udp = true, .tcp = true, .round_trip = MS / 10, .nonce = "nonce", .lag = lag_now };
	c2w_params_init(&target.params);
	end->result = rp_result_new();
	end->record = rp_scenario_add(end->result, suite->scenarios[0]->id);
	rp_proves_set(end->result, end->record, suite->scenarios[0]->proves, suite->scenarios[0]->proves_count);
	int64_t start = net_now(net);
	struct hx_run_options options = { .scenario = suite->scenarios[0], .target = &target, .transport = transport, .seed = 1,
		.result = end->result, .record = end->record, .run_start = start, .done = finished, .context = end };
	options.leases[0] = C2W_STR("Metropolis");
	struct hx_run *run = hx_run_start(&options);
	if (stop_after > 0) {
		net_sim_run_until(net, start + stop_after);
		hx_run_stop(run, "stopped by the test");
	}
	net_sim_run_until(net, start + 100000 * MS);
	end->took = end->record->duration;
	hx_run_free(run);
	hx_suite_free(suite);
}

static struct outcome play(struct fake *fake, const char *script)
{
	static const struct net_udp_events events = { .received = fake_received };
	struct outcome end = { 0 };
	struct net_addr at;
	assert_int_equal(net_addr_parse(&at, "127.0.0.1:1950"), 0);
	fake->net = net_sim_new(NULL);
	assert_int_equal(net_udp_open(fake->net, &at, &events, fake, &fake->udp), 0);
	fake->timer = net_timer_new(fake->net, repeat_late, fake);
	play_at(&end, fake->net, &at, script, RP_UDP);
	net_timer_free(fake->timer);
	net_udp_close(fake->udp);
	net_free(fake->net);
	return end;
}

static struct outcome play_reference(const char *script, enum rp_transport transport)
{
	struct outcome end = { 0 };
	struct srv_options options;
	struct srv_service *service;
	struct net_addr at;
	struct net *net = net_sim_new(NULL);
	srv_options_init(&options);
	options.log = SRV_LOG_QUIET;
	assert_int_equal(net_addr_parse(&at, "127.0.0.1:1950"), 0);
	assert_int_equal(srv_serve(net, &at, &options, &service), 0);
	play_at(&end, net, &at, script, transport);
	end.left = srv_service_counts(service);
	srv_service_free(service);
	net_free(net);
	return end;
}

static bool found(const struct outcome *end, enum c2w_rule rule, enum rp_verdict verdict)
{
	for (size_t i = 0; i < end->record->findings_count; i++)
		if (end->record->findings[i].rule == rule && end->record->findings[i].verdict == verdict)
			return true;
	return false;
}

static void only(const struct outcome *end, enum c2w_rule rule)
{
	for (size_t i = 0; i < end->record->findings_count; i++)
		if (end->record->findings[i].rule != rule)
			fail_msg("%s: %s", c2w_rule_info(end->record->findings[i].rule)->id, end->record->findings[i].what);
	assert_true(found(end, rule, RP_FAIL));
}

#define HEAD "scenario \"x\"\nproves CON-01\nover udp\ncast alice\n"
#define LOGIN HEAD "alice connects\n"
#define HELD                                                                                                                     \
	"scenario \"x\"\nproves REL-06\nover udp\ncast alice\nalice holds acks\nalice connects\n"                             \
	"alice < the same 3 times every $rto\nalice gets nothing for 2 * $rto [REL-06]\n"

/* ---- right ------------------------------------------------------------------------------------ */

static void a_right_answer_passes(void **state)
{
	(void)state;
	struct fake fake = { .answer = right };
	struct outcome end = play(&fake, LOGIN);
	assert_int_equal(end.record->verdict, RP_PASS);
	assert_true(end.record->completed);
	assert_false(end.outcome.loss);
	assert_int_equal(fake.acks, 3); /* GRANTED, the list of the teardown, LEAVE_SESSION_ERROR */
	rp_result_free(end.result);
}

static void the_reference_server_keeps_nothing(void **state)
{
	(void)state;
	static const char script[] = "scenario \"x\"\nproves MSG-01\ncast alice bob\nall connect\nlet movie = my movie\n"
	                             "bob > ENTER_MOVIE_REQUEST $movie\nbob < ENTER_MOVIE_GRANTED\n"
	                             "alice > SEND_MESSAGE_REQUEST \"hi\"\nalice < NEW_MESSAGE by alice \"hi\"\nbob gets nothing\n";
	for (int transport = RP_UDP; transport <= RP_TCP; transport++) {
		struct outcome end = play_reference(script, transport == RP_UDP ? RP_UDP : RP_TCP);
		assert_int_equal(end.record->verdict, RP_PASS);
		assert_int_equal(end.left.users, 0);
		assert_false(end.outcome.left_behind);
		rp_result_free(end.result);
	}
}

static void pieces_of_one_octet_arrive(void **state)
{
	(void)state;
	struct outcome end = play_reference("scenario \"x\"\nproves TRN-03\nover tcp\ncast alice\n"
	                                    "alice > CONNECTION_REQUEST in pieces of 1\nalice < CONNECTION_GRANTED\n", RP_TCP);
	assert_int_equal(end.record->verdict, RP_PASS);
	rp_result_free(end.result);
}

/* ---- missing, wrong, late --------------------------------------------------------------------- */

static void a_mute_target_fails(void **state)
{
	(void)state;
	struct fake fake = { 0 };
	struct outcome end = play(&fake, LOGIN);
	assert_int_equal(end.record->verdict, RP_FAIL);
	assert_false(end.record->completed);
	assert_true(end.outcome.mute);
	only(&end, C2W_CON_01);
	assert_true(fake.requests >= 4); /* REL-01: three repetitions */
	rp_result_free(end.result);
}

static void time_made_anew(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	char text[300];
	reply(fake, &datagram->peer, "1.0", 3, granted(request, text));
}

static void a_wrong_time_is_charged_to_its_own_rule(void **state)
{
	(void)state;
	struct fake fake = { .answer = time_made_anew };
	struct outcome end = play(&fake, LOGIN);
	only(&end, C2W_FMT_02);
	assert_true(end.record->completed);
	assert_true(fake.acks >= 2); /* acked as it stands and as it should have stood */
	rp_result_free(end.result);
}

static void user_of_somebody(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	struct c2w_message wrong = *request;
	char text[300];
	wrong.user = C2W_STR("somebody");
	reply(fake, &datagram->peer, request->time_text.at, request->time_text.length, granted(&wrong, text));
}

static void a_wrong_user_is_charged_to_its_own_rule(void **state)
{
	(void)state;
	struct fake fake = { .answer = user_of_somebody };
	struct outcome end = play(&fake, LOGIN);
	only(&end, C2W_FMT_03);
	assert_true(end.record->completed);
	rp_result_free(end.result);
}

static void answer_of_another_time(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	struct c2w_message wrong = *request;
	char text[300];
	wrong.user = C2W_STR("somebody");
	reply(fake, &datagram->peer, "1.0", 3, granted(&wrong, text));
}

/* A recorded run, played again. */
static void an_answer_of_another_time_proves_nothing(void **state)
{
	(void)state;
	struct fake fake = { .answer = answer_of_another_time };
	struct outcome end = play(&fake, LOGIN);
	assert_true(found(&end, C2W_FMT_02, RP_FAIL) && found(&end, C2W_FMT_03, RP_FAIL));
	assert_false(end.record->completed);
	rp_result_free(end.result);
}

/* Who is where is what the rest is built on. */
static void a_list_that_is_wrong_proves_nothing(void **state)
{
	(void)state;
	struct fake fake = { .answer = right };
	struct outcome end = play(&fake, LOGIN "alice > USER_LIST_REQUEST\nalice < USER_LIST_RESPONSE listing alice in \"Metropolis\" [LST-01]\n");
	assert_true(found(&end, C2W_LST_01, RP_FAIL));
	assert_false(end.record->completed);
	rp_result_free(end.result);
}

static void first_request_lost(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	if (fake->requests > 1)
		right(fake, request, datagram);
}

static void a_lost_request_is_repeated(void **state)
{
	(void)state;
	struct fake fake = { .answer = first_request_lost };
	struct outcome end = play(&fake, LOGIN);
	assert_int_equal(end.record->verdict, RP_PASS);
	assert_true(end.outcome.loss);
	rp_result_free(end.result);
}

/* A server that is slow is no network that loses: the repetition does not set the clock back (ROB-02, REL-15). */
static void within_counts_from_the_first_transmission(void **state)
{
	(void)state;
	struct fake fake = { .answer = first_request_lost };
	struct outcome end = play(&fake, HEAD "alice > CONNECTION_REQUEST\nalice < CONNECTION_GRANTED within 500ms [REL-17]\n");
	assert_true(found(&end, C2W_REL_17, RP_WARN));
	assert_int_equal(end.outcome.excusable, 1);
	rp_result_free(end.result);
}

/* REL-11: the answer is the first one's, however the repetition writes the number. */
static void a_copy_has_the_first_spelling(void **state)
{
	(void)state;
	struct fake fake = { .answer = right };
	struct outcome end = play(&fake, HEAD "alice > CONNECTION_REQUEST time \"7.5\" once\nalice < CONNECTION_GRANTED\n"
	                                      "alice > CONNECTION_REQUEST time \"7.50\" once\nalice < the same within 500ms [REL-11]\n");
	assert_true(found(&end, C2W_REL_11, RP_FAIL));
	rp_result_free(end.result);
}

static void refused_for_want_of_room(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	char text[300];
	if (request->command != C2W_CONNECTION_REQUEST) {
		right(fake, request, datagram);
		return;
	}
	snprintf(text, sizeof(text), "CONNECTION_ERROR_1003|%.*s|full", (int)request->user.length, request->user.at);
	reply(fake, &datagram->peer, request->time_text.at, request->time_text.length, text);
}

static void a_full_server_is_not_blamed(void **state)
{
	(void)state;
	struct fake fake = { .answer = refused_for_want_of_room };
	struct outcome end = play(&fake, LOGIN);
	assert_true(end.outcome.refused);
	assert_int_equal(end.record->verdict, RP_INCONCLUSIVE);
	rp_result_free(end.result);
}

static void a_full_server_may_be_expected(void **state)
{
	(void)state;
	struct fake fake = { .answer = refused_for_want_of_room };
	struct outcome end = play(&fake, HEAD "alice > CONNECTION_REQUEST\nalice < CONNECTION_GRANTED or CONNECTION_ERROR server-full\n");
	assert_int_equal(end.record->verdict, RP_PASS);
	rp_result_free(end.result);
}

static void a_finding_names_the_line_within_together(void **state)
{
	(void)state;
	struct fake fake = { .answer = time_made_anew };
	struct outcome end = play(&fake, "scenario \"x\"\nproves CON-01\nover udp\ncast alice\nalice > CONNECTION_REQUEST\n"
	                                 "together {\n\talice < CONNECTION_GRANTED time \"2.0\"\n}\n");
	assert_int_equal(end.record->findings[end.record->findings_count - 1].line, 7);
	rp_result_free(end.result);
}

static void text_of_another(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	char text[300];
	if (request->command != C2W_SEND_MESSAGE_REQUEST) {
		right(fake, request, datagram);
		return;
	}
	reply(fake, &datagram->peer, request->time_text.at, request->time_text.length, "NEW_MESSAGE|bob-nonceZZ|hi");
	snprintf(text, sizeof(text), "NEW_MESSAGE|%.*s|hi", (int)request->user.length, request->user.at);
	reply(fake, &datagram->peer, request->time_text.at, request->time_text.length, text);
}

static void another_scenarios_text_is_not_taken(void **state)
{
	(void)state;
	struct fake fake = { .answer = text_of_another };
	struct outcome end = play(&fake, LOGIN "alice > SEND_MESSAGE_REQUEST \"hi\"\nalice < NEW_MESSAGE by alice \"hi\"\n");
	assert_int_equal(end.record->verdict, RP_PASS);
	rp_result_free(end.result);
}

static void say(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram, const char *time)
{
	char text[300];
	snprintf(text, sizeof(text), "NEW_MESSAGE|%.*s|%.*s", (int)request->user.length, request->user.at, (int)request->data.length, request->data.at);
	reply(fake, &datagram->peer, time != NULL ? time : request->time_text.at, time != NULL ? strlen(time) : request->time_text.length, text);
}

static void texts_at_zero(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	if (request->command == C2W_SEND_MESSAGE_REQUEST)
		say(fake, request, datagram, "0");
	else
		right(fake, request, datagram);
}

static void texts_twice(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	char time[32];
	if (request->command == C2W_SEND_MESSAGE_REQUEST && request->data.length > 0) {
		say(fake, request, datagram, NULL);
		snprintf(time, sizeof(time), "7.%u", fake->requests);
		say(fake, request, datagram, time);
	} else if (request->command != C2W_SEND_MESSAGE_REQUEST) {
		right(fake, request, datagram);
	}
}

#define SAYS(text) "alice > SEND_MESSAGE_REQUEST \"" text "\"\nalice < NEW_MESSAGE by alice \"" text "\"\n"

static void a_text_with_the_time_of_none_is_charged_to_its_own_rule(void **state)
{
	(void)state;
	struct fake fake = { .answer = texts_at_zero };
	struct outcome end = play(&fake, LOGIN SAYS("hi") SAYS("hi") SAYS("ho") SAYS("hi"));
	only(&end, C2W_FMT_02);
	assert_true(end.record->completed);
	rp_result_free(end.result);
	fake = (struct fake){ .answer = texts_twice };
	end = play(&fake, LOGIN SAYS("hi") SAYS("ho") "alice > SEND_MESSAGE_REQUEST \"\"\nalice gets nothing [MSG-06]\n" SAYS("hi"));
	only(&end, C2W_FMT_02);
	assert_true(end.record->completed);
	rp_result_free(end.result);
	fake = (struct fake){ .answer = texts_twice };
	end = play(&fake, LOGIN SAYS("hi") "alice gets nothing [MSG-04]\n");
	assert_int_equal(end.record->findings[end.record->findings_count - 1].rule, C2W_MSG_04);
	rp_result_free(end.result);
}

/* ---- silence ---------------------------------------------------------------------------------- */

#define UNASKED "scenario \"x\"\nproves LST-05\nover udp\ncast alice\nalice > USER_LIST_REQUEST once\nalice gets nothing\n"

static void an_answer_breaks_a_silence(void **state)
{
	(void)state;
	struct fake fake = { .answer = right };
	struct outcome end = play(&fake, UNASKED);
	only(&end, C2W_LST_05);
	rp_result_free(end.result);
}

static void answer_later(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	if (request->command == C2W_LEAVE_SESSION_REQUEST) {
		right(fake, request, datagram);
		if (fake->requests < 3)
			net_timer_at(fake->timer, net_now(fake->net));
		return;
	}
	fake->late_length = (size_t)snprintf(fake->late, sizeof(fake->late), "%.*s: USER_LIST_RESPONSE|%.*s|\r\n", (int)request->time_text.length,
	                                     request->time_text.at, (int)request->user.length, request->user.at);
}

static void an_answer_after_the_sentinel_breaks_it_too(void **state)
{
	(void)state;
	struct fake fake = { .answer = answer_later };
	struct outcome end = play(&fake, UNASKED);
	assert_true(found(&end, C2W_LST_05, RP_FAIL));
	rp_result_free(end.result);
}

static void only_mute(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	(void)fake;
	(void)request;
	(void)datagram;
}

static void silence_alone_proves_nothing(void **state)
{
	(void)state;
	struct fake fake = { .answer = only_mute };
	struct outcome end = play(&fake, UNASKED);
	assert_true(found(&end, C2W_LST_05, RP_FAIL));
	rp_result_free(end.result);
}

/* ---- retransmission --------------------------------------------------------------------------- */

static void repeating(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	char text[300];
	if (request->command != C2W_CONNECTION_REQUEST) {
		right(fake, request, datagram);
		return;
	}
	fake->late_length = (size_t)snprintf(fake->late, sizeof(fake->late), "%.*s: %s\r\n", (int)request->time_text.length, request->time_text.at,
	                                     granted(request, text));
	net_udp_send(fake->udp, &datagram->peer, NULL, fake->late, fake->late_length);
	if (fake->repeats > 0)
		net_timer_at(fake->timer, net_now(fake->net) + fake->every);
}

static void repeating_then_mute(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	if (request->command == C2W_CONNECTION_REQUEST)
		repeating(fake, request, datagram);
}

static void silence_to_the_end_proves_nothing(void **state)
{
	(void)state;
	struct fake fake = { .answer = repeating_then_mute, .repeats = 3, .every = 1000 * MS };
	struct outcome end = play(&fake, HELD);
	assert_int_equal(end.record->verdict, RP_INCONCLUSIVE);
	assert_false(end.record->completed);
	assert_int_equal(end.record->findings_count, 0);
	rp_result_free(end.result);
}

static struct outcome play_repeats(unsigned repeats, int64_t every)
{
	struct fake fake = { .answer = repeating, .repeats = repeats, .every = every };
	return play(&fake, HELD);
}

static void the_schedule_is_judged(void **state)
{
	(void)state;
	struct { unsigned repeats; int64_t every; enum c2w_rule rule; } cases[] = {
		{ 3, 1000 * MS, C2W_NO_RULE }, { 3, 905 * MS, C2W_NO_RULE },  { 3, 1245 * MS, C2W_NO_RULE }, { 3, 850 * MS, C2W_REL_05 },
		{ 3, 1300 * MS, C2W_REL_05 },  { 2, 1000 * MS, C2W_REL_06 }, { 4, 1000 * MS, C2W_REL_06 },   { 0, 1000 * MS, C2W_REL_04 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome end = play_repeats(cases[i].repeats, cases[i].every);
		if (cases[i].rule == C2W_NO_RULE)
			assert_int_equal(end.record->verdict, RP_PASS);
		else
			only(&end, cases[i].rule);
		rp_result_free(end.result);
	}
}

static void a_miss_that_lag_explains_is_inconclusive(void **state)
{
	(void)state;
	lag_now = bad_lag;
	struct outcome end = play_repeats(3, 1300 * MS);
	lag_now = NULL;
	assert_true(found(&end, C2W_REL_05, RP_INCONCLUSIVE));
	assert_false(found(&end, C2W_REL_05, RP_FAIL));
	assert_true(end.outcome.noise);
	rp_result_free(end.result);
}

static void a_retransmission_in_a_silence_that_lag_explains_breaks_nothing(void **state)
{
	(void)state;
	static const char script[] = "scenario \"A\"\nproves REL-11\nover udp\ncast alice\nalice connects\nalice holds acks\nalice > MOVIE_LIST_REQUEST\n"
	                             "alice < MOVIE_LIST_RESPONSE\nalice gets nothing for 1.5 * $rto\n";
	struct outcome end = play_reference(script, RP_UDP);
	assert_true(found(&end, C2W_REL_11, RP_FAIL));
	rp_result_free(end.result);
	lag_now = bad_lag;
	end = play_reference(script, RP_UDP);
	lag_now = NULL;
	assert_int_equal(end.record->findings_count, 0);
	assert_true(end.outcome.noise);
	rp_result_free(end.result);
}

static void a_copy_that_is_not_due_breaks_a_silence_however_late_we_are(void **state)
{
	(void)state;
	static const char script[] = "scenario \"A\"\nproves REL-11\nover udp\ncast alice\nalice holds acks\nalice > CONNECTION_REQUEST\n"
	                             "alice < CONNECTION_GRANTED\nalice gets nothing for 0.5 * $rto\n";
	struct fake fake = { .answer = repeating, .repeats = 1, .every = 100 * MS };
	lag_now = bad_lag;
	struct outcome end = play(&fake, script);
	lag_now = NULL;
	assert_true(found(&end, C2W_REL_11, RP_FAIL));
	rp_result_free(end.result);
}

/* ---- bounds and the end ------------------------------------------------------------------------ */

static void flooding(struct fake *fake, const struct c2w_message *request, const struct net_datagram *datagram)
{
	(void)request;
	for (unsigned i = 0; i < 20000; i++) {
		char octets[64];
		int length = snprintf(octets, sizeof(octets), "%u: MOVIE_LIST_RESPONSE|x|a%u\r\n", i, i);
		net_udp_send(fake->udp, &datagram->peer, NULL, octets, (size_t)length);
	}
}

static void a_flood_ends_the_scenario(void **state)
{
	(void)state;
	struct fake fake = { .answer = flooding };
	struct outcome end = play(&fake, LOGIN);
	assert_int_equal(end.record->verdict, RP_FAIL);
	assert_true(end.record->timeline_count <= 2000);
	rp_result_free(end.result);
}

static void a_stopped_run_still_leaves(void **state)
{
	(void)state;
	stop_after = 500 * MS;
	struct outcome end = play_reference("scenario \"x\"\nproves CON-01\ncast alice\nalice connects\nwait 50s\n", RP_UDP);
	stop_after = 0;
	assert_int_equal(end.record->verdict, RP_INCONCLUSIVE);
	assert_string_equal(end.record->reason, "stopped by the test");
	assert_int_equal(end.left.users, 0);
	rp_result_free(end.result);
}

static void the_overall_deadline_holds(void **state)
{
	(void)state;
	struct outcome end = play_reference("scenario \"x\"\nproves CON-01\nlimit 2s\ncast alice\nalice connects\nwait 50s\n", RP_UDP);
	assert_int_equal(end.record->verdict, RP_INCONCLUSIVE);
	assert_true(end.took < 5000 * MS);
	rp_result_free(end.result);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	(void)state;
	struct outcome one = play_reference(LOGIN, RP_UDP), two = play_reference(LOGIN, RP_UDP);
	assert_int_equal(one.record->timeline_count, two.record->timeline_count);
	for (size_t i = 0; i < one.record->timeline_count; i++) {
		assert_int_equal(one.record->timeline[i].length, two.record->timeline[i].length);
		assert_memory_equal(one.record->timeline[i].octets, two.record->timeline[i].octets, one.record->timeline[i].length);
		assert_int_equal(one.record->timeline[i].at, two.record->timeline[i].at);
	}
	rp_result_free(one.result);
	rp_result_free(two.result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_answer_passes),
		cmocka_unit_test(the_reference_server_keeps_nothing),
		cmocka_unit_test(pieces_of_one_octet_arrive),
		cmocka_unit_test(a_mute_target_fails),
		cmocka_unit_test(a_wrong_time_is_charged_to_its_own_rule),
		cmocka_unit_test(another_scenarios_text_is_not_taken),
		cmocka_unit_test(a_text_with_the_time_of_none_is_charged_to_its_own_rule),
		cmocka_unit_test(a_finding_names_the_line_within_together),
		cmocka_unit_test(a_wrong_user_is_charged_to_its_own_rule),
		cmocka_unit_test(an_answer_of_another_time_proves_nothing),
		cmocka_unit_test(a_list_that_is_wrong_proves_nothing),
		cmocka_unit_test(a_lost_request_is_repeated),
		cmocka_unit_test(within_counts_from_the_first_transmission),
		cmocka_unit_test(a_copy_has_the_first_spelling),
		cmocka_unit_test(a_full_server_is_not_blamed),
		cmocka_unit_test(a_full_server_may_be_expected),
		cmocka_unit_test(an_answer_breaks_a_silence),
		cmocka_unit_test(an_answer_after_the_sentinel_breaks_it_too),
		cmocka_unit_test(silence_alone_proves_nothing),
		cmocka_unit_test(silence_to_the_end_proves_nothing),
		cmocka_unit_test(the_schedule_is_judged),
		cmocka_unit_test(a_miss_that_lag_explains_is_inconclusive),
		cmocka_unit_test(a_retransmission_in_a_silence_that_lag_explains_breaks_nothing),
		cmocka_unit_test(a_copy_that_is_not_due_breaks_a_silence_however_late_we_are),
		cmocka_unit_test(a_flood_ends_the_scenario),
		cmocka_unit_test(a_stopped_run_still_leaves),
		cmocka_unit_test(the_overall_deadline_holds),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
