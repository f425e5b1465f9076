/* Tests server/serve.c on a simulated network: what the core cannot see. Streams and their ends (TRN), slow readers (ROB-03), connections
 * without a session (ROB-04), ports, loss, the log.
 * Run by tests/unit; each test owns its network and everything on it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/sim.h"
#include "server/serve.h"

#define MS INT64_C(1000000)

enum { CLIENTS = 8, GOT = 4 << 20 };

static const struct net_addr host = { .octets = { 127, 0, 0, 1 }, .family = 4 };

struct client {
	struct net_udp *udp;
	struct net_tcp *tcp;
	struct net_addr server, from; /* from: where the last datagram came from */
	char *got;                    /* octets since the last look */
	size_t length, datagrams;
	bool ended;
	enum net_end end;
};

struct fixture {
	struct net *net;
	struct srv_options options;
	struct srv_service *service;
	struct net_addr at;
	struct client clients[CLIENTS];
	unsigned client_count;
	char *log;
	size_t log_length;
	FILE *log_to;
};

/* ---- clients --------------------------------------------------------------------------------- */

static void take(struct client *client, const char *octets, size_t length)
{
	assert_true(client->length + length < GOT);
	memcpy(client->got + client->length, octets, length);
	client->length += length;
	client->got[client->length] = '\0';
}

static void received_datagrams(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct client *client = context;

	for (size_t i = 0; i < count; i++) {
		client->from = datagrams[i].peer;
		client->datagrams++;
		take(client, datagrams[i].octets, datagrams[i].length);
	}
}

static void received_octets(void *context, const char *octets, size_t length, int64_t at)
{
	(void)at;
	take(context, octets, length);
}

static void ended(void *context, enum net_end end, int error, int64_t at)
{
	struct client *client = context;

	(void)error;
	(void)at;
	client->ended = true;
	client->end = end;
}

static struct client *add_client(struct fixture *f)
{
	struct client *client = &f->clients[f->client_count++];

	assert_true(f->client_count <= CLIENTS);
	client->got = calloc(1, GOT);
	client->server = f->at;
	return client;
}

static struct client *on_udp(struct fixture *f)
{
	static const struct net_udp_events events = { .received = received_datagrams };
	struct client *client = add_client(f);

	assert_true(net_udp_open(f->net, &host, &events, client, &client->udp) >= 0);
	return client;
}

static struct client *on_tcp(struct fixture *f)
{
	static const struct net_tcp_events events = { .received = received_octets, .ended = ended };
	struct client *client = add_client(f);

	assert_true(net_tcp_connect(f->net, &f->at, &events, client, &client->tcp) >= 0);
	return client;
}

static void passes(struct fixture *f, int64_t ms)
{
	net_sim_run_until(f->net, net_now(f->net) + ms * MS);
}

static void sends(struct fixture *f, struct client *client, const char *octets, size_t length)
{
	if (client->udp)
		assert_true(net_udp_send(client->udp, &client->server, NULL, octets, length) >= 0);
	else
		net_tcp_send(client->tcp, octets, length);
	passes(f, 1);
}

static void says(struct fixture *f, struct client *client, const char *text)
{
	sends(f, client, text, strlen(text));
}

static void got_at(struct client *client, const char *text, int line)
{
	if (strcmp(client->got, text) != 0)
		print_message("line %d: got \"%s\" instead of \"%s\"\n", line, client->got, text);
	assert_true(strcmp(client->got, text) == 0);
	client->length = 0;
	client->got[0] = '\0';
}
#define got(client, text) got_at(client, text, __LINE__)

static void connects(struct fixture *f, struct client *client, const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), "1: CONNECTION_REQUEST|%s|\r\n", name);
	says(f, client, text);
	snprintf(text, sizeof(text), "1: CONNECTION_GRANTED|%s|\r\n", name);
	got(client, text);
	snprintf(text, sizeof(text), "1: CONNECTION_RESPONSE_ACK|%s|\r\n", name);
	says(f, client, text);
}

/* ---- the server ------------------------------------------------------------------------------ */

static void serves_at(struct fixture *f, const struct net_addr *at)
{
	assert_int_equal(srv_serve(f->net, at, &f->options, &f->service), 0);
	srv_service_address(f->service, &f->at);
}

static void serves(struct fixture *f)
{
	serves_at(f, &host);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->net = net_sim_new(NULL);
	f->log_to = open_memstream(&f->log, &f->log_length);
	srv_options_init(&f->options);
	f->options.log_to = f->log_to;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < f->client_count; i++) {
		if (f->clients[i].udp)
			net_udp_close(f->clients[i].udp);
		if (f->clients[i].tcp)
			net_tcp_close(f->clients[i].tcp);
		free(f->clients[i].got);
	}
	srv_service_free(f->service);
	net_free(f->net);
	fclose(f->log_to);
	free(f->log);
	free(f);
	return 0;
}

static const char *log_of(struct fixture *f)
{
	fflush(f->log_to);
	return f->log;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void both_transports_share_a_port(void **state) /* TRN-01, TRN-04 */
{
	struct fixture *f = *state;
	struct client *alice, *bob;

	serves(f);
	assert_true(f->at.port != 0);
	alice = on_udp(f);
	bob = on_tcp(f);
	connects(f, alice, "alice");
	connects(f, bob, "bob");
	assert_true(net_addr_equal(&alice->from, &f->at));
	says(f, alice, "2: SEND_MESSAGE_REQUEST|alice|hi\r\n");
	got(alice, "2: NEW_MESSAGE|alice|hi\r\n");
	got(bob, "2: NEW_MESSAGE|alice|hi\r\n");
}

static void answers_leave_from_where_they_were_asked(void **state) /* TRN-04: of all addresses of the host */
{
	static const struct net_addr wildcard = { .family = 4 };
	struct fixture *f = *state;
	struct client *alice;
	char text[64];

	serves_at(f, &wildcard);
	alice = on_udp(f);
	for (uint8_t i = 1; i < 4; i++) {
		alice->server = (struct net_addr){ .octets = { 127, 0, 0, i }, .family = 4, .port = f->at.port };
		snprintf(text, sizeof(text), "%u: LEAVE_SESSION_REQUEST|a|\r\n", i);
		says(f, alice, text);
		assert_int_equal(alice->datagrams, i);
		assert_true(net_addr_equal(&alice->from, &alice->server));
	}
}

static void one_transport_alone(void **state)
{
	struct fixture *f = *state;
	struct client *alice;

	f->options.udp = false;
	serves(f);
	alice = on_tcp(f);
	connects(f, alice, "alice");
	says(f, on_udp(f), "1: CONNECTION_REQUEST|bob|\r\n");
	assert_int_equal(srv_service_counts(f->service).users, 1);
}

static void streams_are_cut_into_messages(void **state) /* TRN-03 */
{
	struct fixture *f = *state;
	static const char text[] = "x\r\n1: CONNECTION_REQUEST|a|\r\n2: USER_LIST_REQUEST|a|\r\n\r\n3: LEAVE_SESSION_REQUEST|a|\r\n";
	struct client *whole, *pieces;

	serves(f);
	whole = on_tcp(f);
	pieces = on_tcp(f);
	says(f, whole, text);
	got(whole, "1: CONNECTION_GRANTED|a|\r\n2: USER_LIST_RESPONSE|a|a,MAIN_ROOM\r\n3: LEAVE_SESSION_GRANTED|a|\r\n");
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		sends(f, pieces, text + i, 1);
	got(pieces, "1: CONNECTION_GRANTED|a|\r\n2: USER_LIST_RESPONSE|a|a,MAIN_ROOM\r\n3: LEAVE_SESSION_GRANTED|a|\r\n");
}

static void too_long_a_message_closes(void **state) /* TRN-05 */
{
	struct fixture *f = *state;
	char octets[4096];
	struct client *alice, *bob;

	serves(f);
	alice = on_tcp(f);
	bob = on_tcp(f);
	connects(f, alice, "alice");
	connects(f, bob, "bob");
	memset(octets, 'x', sizeof(octets));
	sends(f, alice, octets, 4095);
	assert_false(alice->ended);
	assert_int_equal(srv_service_counts(f->service).users, 2);
	sends(f, alice, octets, 1);
	assert_true(alice->ended && alice->end == NET_END_FIN);
	assert_int_equal(srv_service_counts(f->service).users, 1);
	memcpy(octets + 4094, "\r\n", 2); /* long enough is not too long */
	sends(f, bob, octets, 4096);
	passes(f, 20000);
	assert_false(bob->ended);
}

static void the_end_of_a_connection_ends_its_session(void **state) /* TRN-06, CON-06 */
{
	struct fixture *f = *state;
	struct client *alice, *bob, *carol;

	serves(f);
	alice = on_tcp(f);
	bob = on_tcp(f);
	carol = on_udp(f);
	connects(f, alice, "alice");
	connects(f, bob, "bob");
	net_tcp_send(alice->tcp, "2: USER_LIST_REQUEST|alice|\r\n", 29);
	net_tcp_shutdown(alice->tcp);
	passes(f, 5);
	got(alice, "2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM\r\n");
	assert_true(alice->ended && alice->end == NET_END_FIN);
	net_tcp_reset(bob->tcp);
	bob->tcp = NULL;
	passes(f, 5);
	assert_int_equal(srv_service_counts(f->service).connections, 0);
	connects(f, carol, "alice");
	says(f, carol, "2: USER_LIST_REQUEST|alice|\r\n");
	got(carol, "2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\r\n");
}

static void who_does_not_read_is_dropped(void **state) /* ROB-03 */
{
	struct fixture *f = *state;
	char text[1100];
	struct client *slow, *quick, *idle;
	size_t octets = 0;

	serves(f);
	slow = on_tcp(f);
	quick = on_tcp(f);
	idle = on_tcp(f);
	connects(f, slow, "slow");
	connects(f, quick, "quick");
	net_tcp_read(slow->tcp, false);
	for (unsigned i = 2; srv_service_counts(f->service).users == 2; i++) {
		int length = snprintf(text, sizeof(text), "%u: SEND_MESSAGE_REQUEST|quick|%01000u\r\n", i, i);

		sends(f, quick, text, (size_t)length);
		octets += quick->length;
		quick->length = 0;
		assert_true(octets < 4 << 20);
	}
	assert_true(octets > 1 << 20);
	passes(f, 100);
	net_tcp_read(slow->tcp, true);
	passes(f, 100);
	assert_true(slow->ended && slow->end == NET_END_RESET);
	assert_false(quick->ended || idle->ended);
	assert_non_null(strstr(log_of(f), "too much waits for: slow"));
}

static void who_asks_and_does_not_read_is_dropped(void **state) /* ROB-03 */
{
	struct fixture *f = *state;
	struct client *alice;

	f->options.params.max_backlog = 1024;
	serves(f);
	alice = on_tcp(f);
	connects(f, alice, "alice");
	net_tcp_read(alice->tcp, false);
	for (unsigned i = 2; i < 20000 && srv_service_counts(f->service).users; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%u: MOVIE_LIST_REQUEST|alice|\r\n", i);
		says(f, alice, text);
	}
	assert_int_equal(srv_service_counts(f->service).connections, 0);
	net_tcp_read(alice->tcp, true);
	passes(f, 100);
	assert_true(alice->ended && alice->end == NET_END_RESET);
}

static void what_the_kernel_takes_does_not_wait(void **state) /* ROB-03: however little may wait */
{
	struct fixture *f = *state;
	struct client *alice;
	char text[4096];
	size_t length = 0;

	f->options.params.max_backlog = 1;
	serves(f);
	alice = on_tcp(f);
	connects(f, alice, "alice");
	for (unsigned i = 2; i < 50; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%u: USER_LIST_REQUEST|alice|\r\n", i);
	sends(f, alice, text, length);
	assert_int_equal(srv_service_counts(f->service).users, 1);
	assert_non_null(strstr(alice->got, "49: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\r\n"));
}

static void silence_without_a_session_ends(void **state) /* ROB-04 */
{
	struct fixture *f = *state;
	struct client *idle, *busy, *talks;

	serves(f);
	idle = on_tcp(f);
	busy = on_tcp(f);
	talks = on_tcp(f);
	connects(f, busy, "busy");
	passes(f, 20000);
	says(f, talks, "x");
	passes(f, 9000);
	assert_false(idle->ended);
	passes(f, 2000);
	assert_true(idle->ended && idle->end == NET_END_FIN);
	assert_false(talks->ended);
	passes(f, 25000);
	assert_true(talks->ended);
	says(f, busy, "2: LEAVE_SESSION_REQUEST|busy|\r\n");
	got(busy, "2: LEAVE_SESSION_GRANTED|busy|\r\n");
	passes(f, 29000);
	assert_false(busy->ended);
	passes(f, 2000);
	assert_true(busy->ended);
	assert_int_equal(srv_service_counts(f->service).connections, 0);
}

static void newcomers_push_out_the_idle(void **state) /* ROB-04, ROB-02 */
{
	struct fixture *f = *state;
	struct client *first, *second, *third, *fourth;

	f->options.max_idle = 2;
	serves(f);
	first = on_tcp(f);
	passes(f, 1);
	connects(f, first, "first");
	second = on_tcp(f);
	passes(f, 1);
	third = on_tcp(f);
	passes(f, 1);
	assert_false(second->ended);
	fourth = on_tcp(f);
	passes(f, 1);
	assert_true(second->ended && second->end == NET_END_RESET);
	assert_false(first->ended || third->ended || fourth->ended);
	connects(f, fourth, "fourth");
}

static void unacked_answers_are_timed(void **state) /* REL-05, REL-06: the core's time is the net's */
{
	struct fixture *f = *state;
	struct client *alice;

	serves(f);
	alice = on_udp(f);
	says(f, alice, "1: LEAVE_SESSION_REQUEST|a|\r\n");
	passes(f, 998);
	assert_int_equal(alice->datagrams, 1);
	passes(f, 2);
	assert_int_equal(alice->datagrams, 2);
	passes(f, 60000);
	assert_int_equal(alice->datagrams, 4);
	assert_int_equal(srv_service_counts(f->service).endpoints, 0);
}

static void loss_is_both_ways(void **state)
{
	struct fixture *f = *state;
	struct client *alice;
	size_t lost;

	f->options.loss = 0.5;
	f->options.seed = 7;
	f->options.params.max_retransmits = 0;
	serves(f);
	alice = on_udp(f);
	for (unsigned i = 0; i < 1000; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%u: LEAVE_SESSION_REQUEST|a|\r\n", i);
		says(f, alice, text);
	}
	lost = 1000 - alice->datagrams;
	assert_in_range(lost, 650, 850); /* three quarters */
}

static void peers_octets_are_escaped(void **state)
{
	struct fixture *f = *state;
	const char *log;

	f->options.log = SRV_LOG_VERBOSE;
	serves(f);
	says(f, on_udp(f), "1: CONNECTION_REQUEST|\x1b[31mred\xc3\xa9\\|\r\n");
	says(f, on_tcp(f), "\x07\xff\r\n");
	log = log_of(f);
	assert_non_null(strstr(log, "udp 127.0.0.1:"));
	assert_non_null(strstr(log, "tcp 127.0.0.1:"));
	assert_non_null(strstr(log, "\\x1b[31mred\\xc3\\xa9\\x5c"));
	assert_non_null(strstr(log, "\\x07\\xff\\x0d\\x0a"));
	for (const char *at = log; *at; at++)
		assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
}

static void the_log_has_levels_and_a_limit(void **state)
{
	struct fixture *f = *state;
	struct client *alice;
	size_t lines = 0;

	serves(f);
	alice = on_udp(f);
	connects(f, alice, "alice");
	says(f, alice, "garbage\r\n");
	assert_non_null(strstr(log_of(f), "connected: alice"));
	assert_null(strstr(log_of(f), "garbage"));
	for (unsigned i = 0; i < 5000; i++) {
		char text[64];
		int length = snprintf(text, sizeof(text), "%u: CONNECTION_REQUEST|b|\r\n", i + 10);

		net_udp_send(alice->udp, &f->at, NULL, text, (size_t)length);
		if (i % 100 == 0)
			passes(f, 1);
	}
	passes(f, 2000);
	says(f, alice, "9999: CONNECTION_REQUEST|b|\r\n");
	for (const char *at = log_of(f); (at = strchr(at, '\n')); at++)
		lines++;
	assert_in_range(lines, 200, 210);
	assert_non_null(strstr(log_of(f), "more lines left out"));
}

static void quiet_says_nothing(void **state)
{
	struct fixture *f = *state;

	f->options.log = SRV_LOG_QUIET;
	serves(f);
	connects(f, on_udp(f), "alice");
	assert_int_equal(log_of(f) ? strlen(log_of(f)) : 0, 0);
}

static void a_port_in_use_is_said(void **state)
{
	struct fixture *f = *state;
	struct srv_service *second = NULL;
	struct net_addr at;

	serves(f);
	at = f->at;
	assert_true(srv_serve(f->net, &at, &f->options, &second) < 0);
	assert_null(second);
	connects(f, on_udp(f), "alice"); /* the first is none the worse */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_transports_share_a_port),
		TEST(answers_leave_from_where_they_were_asked),
		TEST(one_transport_alone),
		TEST(streams_are_cut_into_messages),
		TEST(too_long_a_message_closes),
		TEST(the_end_of_a_connection_ends_its_session),
		TEST(who_does_not_read_is_dropped),
		TEST(who_asks_and_does_not_read_is_dropped),
		TEST(what_the_kernel_takes_does_not_wait),
		TEST(silence_without_a_session_ends),
		TEST(newcomers_push_out_the_idle),
		TEST(unacked_answers_are_timed),
		TEST(loss_is_both_ways),
		TEST(peers_octets_are_escaped),
		TEST(the_log_has_levels_and_a_limit),
		TEST(quiet_says_nothing),
		TEST(a_port_in_use_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
