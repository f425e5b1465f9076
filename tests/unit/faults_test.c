/* Tests server/faults.def and the gate: the table is sound, every MUST that can be seen has a fault, and each fault lives through a
 * conversation, garbage and connections that end. What each breaks is the selftest's business.
 * Run by tests/unit; each conversation owns its network. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/sim.h"
#include "server/faults.h"

#define MS INT64_C(1000000)

/* ---- the table ------------------------------------------------------------------------------- */

static unsigned transports_of(const char *rules)
{
	char copy[512], *rest = copy, *id;
	unsigned on = 0;

	assert_true(strlen(rules) < sizeof(copy));
	strcpy(copy, rules);
	while ((id = strsep(&rest, " "))) {
		enum c2w_rule rule = c2w_rule_find(c2w_str_of(id));

		if (rule == C2W_NO_RULE)
			fail_msg("no rule %s", id);
		assert_int_equal(c2w_rule_info(rule)->binds, C2W_BINDS_SERVER);
		on |= c2w_rule_info(rule)->transports;
	}
	return on;
}

static void the_table_is_sound(void **state)
{
	(void)state;
	assert_true(SRV_FAULTS >= 100);
	for (enum srv_fault fault = 0; fault < SRV_FAULTS; fault++) {
		const struct srv_fault_info *info = srv_fault_info(fault);

		assert_int_equal(srv_fault_find(info->name), fault); /* so no two have one name */
		assert_null(strpbrk(info->name, "_ "));
		assert_int_equal(info->transports & ~transports_of(info->rules), 0);
		assert_int_equal(info->sentence[strlen(info->sentence) - 1], '.');
		assert_non_null(srv_fault_policy(fault));
	}
	assert_int_equal(srv_fault_find("no such fault"), -1);
}

static void every_visible_must_has_a_fault(void **state)
{
	(void)state;
	for (enum c2w_rule rule = C2W_NO_RULE + 1; rule < C2W_RULES; rule++) {
		const struct c2w_rule_info *info = c2w_rule_info(rule);
		bool broken = info->binds != C2W_BINDS_SERVER || info->unseen || info->level != C2W_MUST;

		for (enum srv_fault fault = 0; fault < SRV_FAULTS && !broken; fault++)
			broken = strncmp(srv_fault_info(fault)->rules, info->id, strlen(info->id)) == 0; /* it is about that rule */
		if (!broken)
			print_message("no fault is about %s\n", info->id);
		assert_true(broken);
	}
}

/* ---- conversations ----------------------------------------------------------------------------- */

static const struct net_addr host = { .octets = { 127, 0, 0, 1 }, .port = 1950, .family = 4 };

static void datagrams(void *context, const struct net_datagram *some, size_t count)
{
	(void)some;
	*(size_t *)context += count;
}

static void octets(void *context, const char *some, size_t length, int64_t at)
{
	(void)some;
	(void)length;
	(void)at;
	++*(size_t *)context;
}

static void ended(void *context, enum net_end end, int error, int64_t at)
{
	(void)context;
	(void)end;
	(void)error;
	(void)at;
}

/* What each of three users says, %s being the name; now and then something odd. */
static const char *const lines[] = {
	"1: LEAVE_SESSION_REQUEST|%s|\r\n", "1: LEAVE_SESSION_RESPONSE_ACK|%s|\r\n", "1: SEND_MESSAGE_REQUEST|%s|early\r\n", "1: USER_LIST_REQUEST|%s|\r\n",
	"2: CONNECTION_REQUEST|%s|\r\n", "2.0: CONNECTION_REQUEST|%s|x\r\n", "2: CONNECTION_RESPONSE_ACK|%s|\r\n", "3: CONNECTION_REQUEST|no name|\r\n",
	"3: CONNECTION_RESPONSE_ACK|no name|\r\n", "4.50: USER_LIST_REQUEST|%s|data\r\n", "4.5: USER_LIST_REQUEST|%s|\r\n",
	"4.5: USER_LIST_RESPONSE_ACK|%s|\r\n", "5: MOVIE_LIST_REQUEST|%s|\r\n", "5: MOVIE_LIST_RESPONSE_ACK|%s|\r\n", "6: SEND_MESSAGE_REQUEST|%s| a | b: <c> \r\n",
	"6: SEND_MESSAGE_REQUEST|%s|again\r\n", "7: SEND_MESSAGE_REQUEST|%s|\xf0\x9f\x8e\xac\r\n", "6: NEW_MESSAGE_RESPONSE_ACK|%s|alice\r\n",
	"8: ENTER_MOVIE_REQUEST|%s|no such\r\n", "9: ENTER_MOVIE_REQUEST|%s|M\r\n", "9: ENTER_MOVIE_RESPONSE_ACK|%s|\r\n", "10: ENTER_MOVIE_REQUEST|%s|Metropolis\r\n",
	"11: SEND_MESSAGE_REQUEST|%s|here\r\n", "11: NEW_MESSAGE_RESPONSE_ACK|%s|bob\r\n", "11: USER_LIST_REQUEST|alice|\r\n", "12: LEAVE_SESSION_REQUEST|%s|\r\n",
	"12: LEAVE_SESSION_REQUEST|%s|\r\n", "13:  USER_LIST_REQUEST|%s|\r\n", "13: user_list_request|%s|\r\n", "13: USER_LIST_REQUEST_NOW|%s|\r\n", "\r\n", "garbage", "\r\n",
	"13: NEW_MESSAGE|%s|hi\r\n", "14: SEND_MESSAGE_REQUEST|%s|\r\n", "14: LEAVE_SESSION_REQUEST|%s|\r\n", "15: CONNECTION_REQUEST|%s|\r\n",
};

struct talk {
	struct net *net;
	struct srv_service *service;
	struct net_udp *udp[3];
	struct net_tcp *tcp[3];
	size_t heard[6];
};

static void talk_begins(struct talk *talk, enum srv_fault fault)
{
	static const struct net_udp_events udp_events = { .received = datagrams };
	static const struct net_tcp_events tcp_events = { .received = octets, .ended = ended };
	struct net_addr client = { .octets = { 127, 0, 0, 1 }, .family = 4 };
	struct srv_options options;

	talk->net = net_sim_new(NULL);
	srv_options_init(&options);
	options.log = SRV_LOG_QUIET;
	options.policy = srv_fault_policy(fault);
	assert_int_equal(srv_serve(talk->net, &host, &options, &talk->service), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(net_udp_open(talk->net, &client, &udp_events, &talk->heard[i], &talk->udp[i]) >= 0);
		assert_true(net_tcp_connect(talk->net, &host, &tcp_events, &talk->heard[3 + i], &talk->tcp[i]) >= 0);
	}
}

static void talk_goes_on(struct talk *talk)
{
	static const char *const names[] = { "alice", "bob", "carol", "tess", "tom", "alice" };
	char text[256];

	for (unsigned line = 0; line < sizeof(lines) / sizeof(*lines); line++) {
		for (unsigned who = 0; who < 6; who++) {
			int length = snprintf(text, sizeof(text), lines[line], names[who]);

			if (who < 3)
				net_udp_send(talk->udp[who], &host, NULL, text, (size_t)length);
			else
				net_tcp_send(talk->tcp[who - 3], text, (size_t)length);
		}
		net_sim_run_until(talk->net, net_now(talk->net) + (line % 8 ? 1 : 1200) * MS);
	}
}

static void talk_ends(struct talk *talk)
{
	net_tcp_shutdown(talk->tcp[0]);
	net_tcp_reset(talk->tcp[1]);
	net_sim_run_until(talk->net, net_now(talk->net) + 10000 * MS);
	srv_service_free(talk->service);
	net_tcp_close(talk->tcp[0]);
	net_tcp_close(talk->tcp[2]);
	for (unsigned i = 0; i < 3; i++)
		net_udp_close(talk->udp[i]);
	net_free(talk->net);
}

static void each_lives_through_a_conversation(void **state)
{
	(void)state;
	for (enum srv_fault fault = 0; fault < SRV_FAULTS; fault++) {
		struct talk talk = { 0 };

		talk_begins(&talk, fault);
		talk_goes_on(&talk);
		for (unsigned i = 0; i < 3; i++) /* a fault is no mute server */
			assert_true(talk.heard[i] > 10);
		talk_ends(&talk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(every_visible_must_has_a_fault),
		cmocka_unit_test(each_lives_through_a_conversation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
