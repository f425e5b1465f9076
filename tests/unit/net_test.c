/* The contract of net/link.h, checked on the real network and on the simulated one by the same tests;
 * then what only one of them has. A test ends when what it waits for has come; a guard of 10 s
 * fails it otherwise. Each world (a net and what was recorded on it) belongs to one test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "net/real.h"
#include "net/sim.h"

#define MS ((int64_t)1000000)
#define SECOND (1000 * MS)
enum { MEBI = 1 << 20 };

struct world {
	bool simulated;
	struct net *net;
	struct net_timer *guard, *pause;
};

static void too_late(void *context)
{
	(void)context;
	fail_msg("what was waited for did not come");
}

static void pause_over(void *context)
{
	net_stop(((struct world *)context)->net);
}

static int world_open(void **state, bool simulated)
{
	struct world *world = calloc(1, sizeof(*world));

	world->simulated = simulated;
	world->net = simulated ? net_sim_new(NULL) : net_real_new();
	if (!world->net)
		return -1;
	world->guard = net_timer_new(world->net, too_late, NULL);
	world->pause = net_timer_new(world->net, pause_over, world);
	*state = world;
	return 0;
}

static int real_setup(void **state)
{
	return world_open(state, false);
}

static int sim_setup(void **state)
{
	return world_open(state, true);
}

static int teardown(void **state)
{
	struct world *world = *state;

	net_free(world->net);
	free(world);
	return 0;
}

/* Until a callback stops the net. */
static void run(struct world *world)
{
	net_timer_at(world->guard, net_now(world->net) + 10 * SECOND);
	assert_int_equal(net_run(world->net), 1);
	net_timer_stop(world->guard);
}

static void run_for(struct world *world, int64_t span)
{
	net_timer_at(world->pause, net_now(world->net) + span);
	run(world);
}

static void needs_ipv6(const struct world *world)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool usable = fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0;

	if (fd >= 0)
		close(fd);
	if (!usable && !world->simulated)
		skip();
}

static struct net_addr addr(const char *text)
{
	struct net_addr parsed;

	assert_int_equal(net_addr_parse(&parsed, text), 0);
	return parsed;
}

static void assert_addr(const struct net_addr *got, const struct net_addr *expected)
{
	char a[NET_ADDR_TEXT], b[NET_ADDR_TEXT];

	assert_string_equal(net_addr_format(got, a), net_addr_format(expected, b));
	assert_true(net_addr_equal(got, expected));
}

/* ---- addresses ------------------------------------------------------------------------------ */

static void addresses_are_read_and_written(void **state)
{
	static const char *const texts[] = { "127.0.0.1:1950", "[::1]:0", "[2001:db8::7]:65535", "0.0.0.0:1", "[fe80::1%1]:7" };
	char text[NET_ADDR_TEXT];
	struct net_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		a = addr(texts[i]);
		assert_string_equal(net_addr_format(&a, text), texts[i]);
	}
	a = addr("[::ffff:192.0.2.7]:80");
	assert_string_equal(net_addr_format(&a, text), "192.0.2.7:80");
	a = addr("localhost:80");
	assert_true(net_addr_is_loopback(&a));
	a = (struct net_addr){ 0 };
	assert_string_equal(net_addr_format(&a, text), "none");
}

static void bad_addresses_are_refused(void **state)
{
	static const char *const texts[] = { "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8x", "127.0.0.1:-1",
		"127.0.0.1:000080", "::1:80", "[::1:80", "[::1]80", "[]:80", "[127.0.0.1]:80", "no such name:80" };
	struct net_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		int error = net_addr_parse(&a, texts[i]);

		assert_true(error < 0);
		assert_non_null(net_error_text(error));
		assert_string_not_equal(net_error_text(error), "Unknown error");
	}
}

static void kinds_of_addresses(void **state)
{
	struct net_addr a = addr("127.9.9.9:1"), b = addr("[::1]:1"), c = addr("0.0.0.0:1"), d = addr("[::]:1"), e = addr("192.0.2.1:1");

	(void)state;
	assert_true(net_addr_is_loopback(&a) && net_addr_is_loopback(&b));
	assert_false(net_addr_is_loopback(&c) || net_addr_is_loopback(&d) || net_addr_is_loopback(&e));
	assert_true(net_addr_is_wildcard(&c) && net_addr_is_wildcard(&d));
	assert_false(net_addr_is_wildcard(&a) || net_addr_is_wildcard(&b) || net_addr_is_wildcard(&e));
	assert_false(net_addr_equal(&a, &b));
}

/* ---- timers --------------------------------------------------------------------------------- */

struct ticker {
	struct world *world;
	struct net_timer *timer;
	char name;
	char *log;
	int again;   /* how often it arms itself anew */
	bool frees, stops;
	int64_t due_at, came_at;
};

static void tick(void *context)
{
	struct ticker *ticker = context;

	ticker->came_at = net_now(ticker->world->net);
	ticker->log[strlen(ticker->log)] = ticker->name;
	if (ticker->frees)
		net_timer_free(ticker->timer);
	else if (ticker->again-- > 0)
		net_timer_at(ticker->timer, ticker->came_at + MS);
	if (ticker->stops)
		net_stop(ticker->world->net);
}

static void ticker_at(struct world *world, struct ticker *ticker, char *log, char name, int64_t after)
{
	ticker->world = world;
	ticker->log = log;
	ticker->name = name;
	ticker->due_at = net_now(world->net) + after;
	ticker->timer = net_timer_new(world->net, tick, ticker);
	net_timer_at(ticker->timer, ticker->due_at);
}

static void timers_come_in_order_and_never_early(void **state)
{
	struct world *world = *state;
	struct ticker tickers[5] = { 0 };
	char log[16] = "";

	tickers[4].stops = true;
	ticker_at(world, &tickers[4], log, 'e', 9 * MS);
	ticker_at(world, &tickers[1], log, 'b', 3 * MS);
	ticker_at(world, &tickers[3], log, 'd', 7 * MS);
	ticker_at(world, &tickers[0], log, 'a', 1 * MS);
	ticker_at(world, &tickers[2], log, 'c', 5 * MS);
	run(world);
	assert_string_equal(log, "abcde");
	for (int i = 0; i < 5; i++)
		assert_true(tickers[i].came_at >= tickers[i].due_at);
}

static void timers_rearm_move_stop_and_are_freed_inside(void **state)
{
	struct world *world = *state;
	struct ticker again = { .again = 3 }, freed = { .frees = true }, moved = { 0 }, stopped = { 0 }, last = { .stops = true };
	char log[16] = "";

	ticker_at(world, &again, log, 'a', 1 * MS);
	ticker_at(world, &freed, log, 'f', -5 * SECOND); /* the past: at once */
	ticker_at(world, &moved, log, 'm', 1 * MS);
	ticker_at(world, &stopped, log, 's', 1 * MS);
	ticker_at(world, &last, log, 'l', 60 * MS);
	net_timer_at(moved.timer, net_now(world->net) + 30 * MS);
	net_timer_stop(stopped.timer);
	run(world);
	assert_string_equal(log, "faaaaml");
	net_timer_free(NULL);
}

static void free_it(void *timer)
{
	net_timer_free(timer);
}

static void a_timer_freed_by_another_stays_silent(void **state)
{
	struct world *world = *state;
	struct net_timer *victim = net_timer_new(world->net, too_late, NULL);
	struct net_timer *killer = net_timer_new(world->net, free_it, victim);

	net_timer_at(killer, 0);
	net_timer_at(victim, 1); /* due in the same turn, but after the other */
	run_for(world, 5 * MS);
}

static void stopping_before_running_counts(void **state)
{
	struct world *world = *state;

	net_stop(world->net);
	run(world);
	run_for(world, MS); /* and only once */
}

/* ---- UDP ------------------------------------------------------------------------------------ */

struct mailbox {
	struct world *world;
	struct net_udp *udp;
	struct net_addr local;
	unsigned expected;          /* stops the net when it has so many */
	unsigned count, calls, most_in_a_call;
	size_t octets;
	char last[65536];
	struct net_datagram seen;   /* the last one; its octets are in last */
	bool in_order;              /* each begins with its number */
	bool timely;                /* at: never backwards, never in the future */
	bool echo, close_at_once, from_asked;
	unsigned refusals;
	int refusal;
	struct net_addr refused_by;
};

static void mail_one(struct mailbox *box, const struct net_datagram *datagram)
{
	uint32_t number;

	if (datagram->length >= sizeof(number)) {
		memcpy(&number, datagram->octets, sizeof(number));
		box->in_order &= number == box->count;
	}
	box->timely &= datagram->at >= box->seen.at && datagram->at <= net_now(box->world->net);
	box->seen = *datagram;
	box->octets += datagram->length;
	memcpy(box->last, datagram->octets, datagram->length);
	box->count++;
	if (box->echo)
		net_udp_send(box->udp, &datagram->peer, box->from_asked ? &datagram->local : NULL, datagram->octets, datagram->length);
}

static void mail_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct mailbox *box = context;

	box->calls++;
	if (count > box->most_in_a_call)
		box->most_in_a_call = (unsigned)count;
	for (size_t i = 0; i < count; i++)
		mail_one(box, &datagrams[i]);
	if (box->close_at_once)
		net_udp_close(box->udp);
	if (box->expected && box->count >= box->expected)
		net_stop(box->world->net);
}

static void mail_refused(void *context, const struct net_addr *peer, int error, int64_t at)
{
	struct mailbox *box = context;

	assert_true(at <= net_now(box->world->net));
	box->refusals++;
	box->refusal = error;
	box->refused_by = *peer;
	net_stop(box->world->net);
}

static const struct net_udp_events mail_events = { mail_received, mail_refused };

static struct mailbox *mailbox_at(struct world *world, const char *where)
{
	struct net_addr local = addr(where);
	struct mailbox *box = test_calloc(1, sizeof(*box));

	box->world = world;
	box->in_order = box->timely = true;
	assert_int_equal(net_udp_open(world->net, &local, &mail_events, box, &box->udp), 0);
	net_udp_local(box->udp, &box->local);
	return box;
}

static void mail(struct mailbox *from, const struct mailbox *to, const char *text)
{
	assert_int_equal(net_udp_send(from->udp, &to->local, NULL, text, strlen(text)), 0);
}

static void a_datagram_and_its_answer(struct world *world, const char *host)
{
	struct mailbox *server = mailbox_at(world, host), *client = mailbox_at(world, host);
	int64_t start = net_now(world->net);

	server->echo = true;
	client->expected = 1;
	assert_int_not_equal(server->local.port, 0);
	assert_int_not_equal(server->local.port, client->local.port);
	mail(client, server, "hello");
	run(world);
	assert_addr(&server->seen.peer, &client->local);
	assert_addr(&server->seen.local, &server->local);
	assert_addr(&client->seen.peer, &server->local);
	assert_int_equal(client->seen.length, 5);
	assert_memory_equal(client->last, "hello", 5);
	assert_false(client->seen.truncated);
	assert_true(server->timely && client->timely);
	assert_true(server->seen.at >= start - MS && client->seen.at >= server->seen.at);
	test_free(server);
	test_free(client);
}

static void udp_over_ipv4(void **state)
{
	a_datagram_and_its_answer(*state, "127.0.0.1:0");
}

static void udp_over_ipv6(void **state)
{
	needs_ipv6(*state);
	a_datagram_and_its_answer(*state, "[::1]:0");
}

static void udp_comes_in_batches_in_order(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");

	server->expected = 256;
	for (uint32_t i = 0; i < 256; i++)
		net_udp_send(client->udp, &server->local, NULL, (const char *)&i, sizeof(i));
	run(world);
	assert_int_equal(server->count, 256);
	assert_true(server->in_order && server->timely);
	assert_int_equal(server->most_in_a_call, 64);
	assert_int_equal(server->calls, 4);
	assert_int_equal(net_udp_dropped(server->udp), 0);
	test_free(server);
	test_free(client);
}

static void answers_leave_from_where_they_were_asked(struct world *world, const char *bound, const char *asked_host,
                                                     const char *client_host)
{
	struct mailbox *server = mailbox_at(world, bound), *client = mailbox_at(world, client_host);
	struct net_addr asked = addr(asked_host);

	asked.port = server->local.port;
	server->echo = server->from_asked = true;
	client->expected = 1;
	net_udp_send(client->udp, &asked, NULL, "?", 1);
	run(world);
	assert_addr(&server->seen.local, &asked);
	assert_addr(&server->seen.peer, &client->local);
	assert_addr(&client->seen.peer, &asked);
	net_udp_close(server->udp);
	net_udp_close(client->udp);
	test_free(server);
	test_free(client);
}

static void wildcards_answer_from_the_address_asked(void **state)
{
	answers_leave_from_where_they_were_asked(*state, "0.0.0.0:0", "127.0.0.1:0", "127.0.0.1:0");
	answers_leave_from_where_they_were_asked(*state, "0.0.0.0:0", "127.0.0.77:0", "127.0.0.1:0");
	needs_ipv6(*state);
	answers_leave_from_where_they_were_asked(*state, "[::]:0", "[::1]:0", "[::1]:0");
	answers_leave_from_where_they_were_asked(*state, "[::]:0", "127.0.0.77:0", "127.0.0.1:0");
}

static void without_from_the_answer_leaves_from_elsewhere(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "0.0.0.0:0"), *client = mailbox_at(world, "127.0.0.1:0");
	struct net_addr asked = addr("127.0.0.77:0"), usual = addr("127.0.0.1:0");

	asked.port = usual.port = server->local.port;
	server->echo = true;
	client->expected = 1;
	net_udp_send(client->udp, &asked, NULL, "?", 1);
	run(world);
	assert_addr(&client->seen.peer, &usual);
	test_free(server);
	test_free(client);
}

static void udp_refusals_are_told(struct world *world, const char *host)
{
	struct mailbox *nobody = mailbox_at(world, host), *client = mailbox_at(world, host);

	net_udp_close(nobody->udp);
	mail(client, nobody, "anybody?");
	run(world);
	assert_int_equal(client->refusals, 1);
	assert_int_equal(client->refusal, ECONNREFUSED);
	assert_addr(&client->refused_by, &nobody->local);
	client->expected = 1;
	mail(client, client, "still here"); /* the error has not been taken for this one's */
	run(world);
	assert_int_equal(client->count, 1);
	test_free(nobody);
	test_free(client);
}

static void udp_refusal_ipv4(void **state)
{
	udp_refusals_are_told(*state, "127.0.0.1:0");
}

static void udp_refusal_ipv6(void **state)
{
	needs_ipv6(*state);
	udp_refusals_are_told(*state, "[::1]:0");
}

static void a_refusal_costs_no_later_datagram(void **state)
{
	struct world *world = *state;
	struct mailbox *nobody = mailbox_at(world, "127.0.0.1:0"), *server = mailbox_at(world, "127.0.0.1:0");
	struct mailbox *client = mailbox_at(world, "127.0.0.1:0");

	net_udp_close(nobody->udp);
	server->expected = 20;
	for (int i = 0; i < 20; i++) {
		mail(client, nobody, "?");
		if (i % 2)
			net_flush(world->net); /* then the error meets the first of the next call */
		mail(client, server, "!");
	}
	while (server->count < 20)
		run(world);
	assert_int_equal(server->count, 20);
	test_free(nobody);
	test_free(server);
	test_free(client);
}

static void the_largest_datagram_and_the_empty_one(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");
	static char large[65508];

	memset(large, 'x', sizeof(large));
	server->expected = 1;
	assert_int_equal(net_udp_send(client->udp, &server->local, NULL, large, 65508), -EMSGSIZE);
	assert_int_equal(net_udp_send(client->udp, &server->local, NULL, large, 65507), 0);
	run(world);
	assert_int_equal(server->seen.length, 65507);
	assert_memory_equal(server->last, large, 65507);
	assert_false(server->seen.truncated);
	server->expected = 2;
	assert_int_equal(net_udp_send(client->udp, &server->local, NULL, NULL, 0), 0);
	run(world);
	assert_int_equal(server->seen.length, 0);
	test_free(server);
	test_free(client);
}

static void more_than_the_arena_holds(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");
	static char large[60000];

	server->expected = 11; /* few enough for an unprivileged receive buffer */
	for (uint32_t i = 0; i < 11; i++) {
		memcpy(large, &i, sizeof(i));
		net_udp_send(client->udp, &server->local, NULL, large, i % 2 ? sizeof(large) : 100);
	}
	run(world);
	assert_true(server->in_order);
	assert_int_equal(server->octets, 5 * 60000 + 6 * 100);
	test_free(server);
	test_free(client);
}

static void udp_reading_stops_and_goes_on(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");

	net_udp_read(server->udp, false);
	for (uint32_t i = 0; i < 3; i++)
		net_udp_send(client->udp, &server->local, NULL, (const char *)&i, sizeof(i));
	run_for(world, 10 * MS);
	assert_int_equal(server->count, 0);
	server->expected = 3;
	net_udp_read(server->udp, true);
	run(world);
	assert_int_equal(server->count, 3);
	assert_true(server->in_order);
	assert_int_equal(server->calls, 1);
	test_free(server);
	test_free(client);
}

static void an_unread_udp_socket_drops_and_counts(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");
	static char large[60000];

	net_udp_read(server->udp, false);
	for (int i = 0; i < 400; i++)
		net_udp_send(client->udp, &server->local, NULL, large, sizeof(large));
	run_for(world, 10 * MS);
	net_udp_read(server->udp, true);
	run_for(world, 10 * MS);
	mail(client, server, "and now?");
	run_for(world, 10 * MS);
	assert_in_range(server->count, 2, 400);
	assert_int_equal(server->count + net_udp_dropped(server->udp), 401);
	test_free(server);
	test_free(client);
}

static void closing_udp_in_its_callback(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");

	server->close_at_once = server->echo = true;
	client->expected = 64; /* what it sent before it closed still leaves */
	for (int i = 0; i < 200; i++)
		mail(client, server, "many");
	while (client->count < 64)
		run(world);
	run_for(world, 10 * MS);
	assert_int_equal(server->calls, 1);
	assert_int_equal(client->count, 64);
	test_free(server);
	test_free(client);
}

static void other_families_and_taken_ports_are_errors(void **state)
{
	struct world *world = *state;
	struct mailbox *box = mailbox_at(world, "127.0.0.1:0");
	struct net_addr six = addr("[::1]:9"), none = { 0 }, wild = addr("0.0.0.0:0");
	struct net_udp *udp;

	assert_int_equal(net_udp_send(box->udp, &six, NULL, "x", 1), -EAFNOSUPPORT);
	assert_int_equal(net_udp_send(box->udp, &none, NULL, "x", 1), -EAFNOSUPPORT);
	assert_int_equal(net_udp_open(world->net, &none, &mail_events, box, &udp), -EAFNOSUPPORT);
	assert_int_equal(net_udp_open(world->net, &box->local, &mail_events, box, &udp), -EADDRINUSE);
	wild.port = box->local.port;
	assert_int_equal(net_udp_open(world->net, &wild, &mail_events, box, &udp), -EADDRINUSE);
	net_udp_close(box->udp);
	assert_int_equal(net_udp_open(world->net, &wild, &mail_events, box, &udp), 0);
	net_udp_close(udp);
	test_free(box);
}

struct sender {
	struct mailbox *from, *to;
};

static void send_three(void *context)
{
	struct sender *sender = context;

	for (int i = 0; i < 3; i++)
		mail(sender->from, sender->to, "tick");
}

static void what_a_timer_sends_leaves_at_the_end_of_its_turn(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");
	struct sender sender = { client, server };
	struct net_timer *soon = net_timer_new(world->net, send_three, &sender);
	struct net_timer *late = net_timer_new(world->net, too_late, NULL);

	net_timer_at(late, net_now(world->net) + 3600 * SECOND);
	net_timer_at(soon, net_now(world->net) + MS);
	server->expected = 3;
	run(world);
	assert_int_equal(server->calls, 1);
	net_timer_at(soon, net_now(world->net) + MS);
	server->expected = 6;
	run(world);
	assert_int_equal(server->calls, 2);
	test_free(server);
	test_free(client);
}

/* ---- TCP ------------------------------------------------------------------------------------ */

struct line { /* one end of a connection */
	struct world *world;
	struct net_tcp *tcp;
	size_t received;
	unsigned sum, calls, connected, drained, fins, ends;
	char first[64];
	size_t largest;
	enum net_end end;
	int error;
	int64_t at;
	size_t stop_at;               /* stops the net with so many octets */
	bool stop_connected, stop_fin, stop_end, stop_drained;
	bool echo, answer_fin;
	enum { CLOSE_NEVER, CLOSE_CONNECTED, CLOSE_RECEIVED, CLOSE_ENDED, CLOSE_DRAINED } close_on;
	bool by_reset;
};

static void line_cut(struct line *line, int on)
{
	if ((int)line->close_on != on)
		return;
	if (line->by_reset)
		net_tcp_reset(line->tcp);
	else
		net_tcp_close(line->tcp);
	line->tcp = NULL;
}

static void line_connected(void *context)
{
	struct line *line = context;

	line->connected++;
	if (line->stop_connected)
		net_stop(line->world->net);
	line_cut(line, CLOSE_CONNECTED);
}

static void line_received(void *context, const char *octets, size_t length, int64_t at)
{
	struct line *line = context;

	assert_in_range(length, 1, 65536);
	assert_true(at >= line->at && at <= net_now(line->world->net));
	line->at = at;
	for (size_t i = 0; i < length; i++) {
		if (line->received + i < sizeof(line->first))
			line->first[line->received + i] = octets[i];
		line->sum = line->sum * 31 + (unsigned char)octets[i];
	}
	line->received += length;
	line->calls++;
	if (length > line->largest)
		line->largest = length;
	if (line->echo)
		net_tcp_send(line->tcp, octets, length);
	if (line->stop_at && line->received >= line->stop_at)
		net_stop(line->world->net);
	line_cut(line, CLOSE_RECEIVED);
}

static void line_ended(void *context, enum net_end end, int error, int64_t at)
{
	struct line *line = context;

	assert_true(at <= net_now(line->world->net));
	if (end == NET_END_FIN)
		line->fins++;
	else
		line->ends++;
	line->end = end;
	line->error = error;
	if (end == NET_END_FIN && line->answer_fin) {
		net_tcp_send(line->tcp, "bye", 3);
		net_tcp_shutdown(line->tcp);
	}
	if (end == NET_END_FIN ? line->stop_fin : line->stop_end)
		net_stop(line->world->net);
	line_cut(line, CLOSE_ENDED);
}

static void line_drained(void *context)
{
	struct line *line = context;

	line->drained++;
	if (line->stop_drained)
		net_stop(line->world->net);
	line_cut(line, CLOSE_DRAINED);
}

static const struct net_tcp_events line_events = { line_connected, line_received, line_ended, line_drained };

struct desk { /* a listener, a client, and the client's other end */
	struct world *world;
	struct net_listener *listener;
	struct net_addr local;
	struct line client, server;
	unsigned accepted, short_of, recovered;
	bool refuses, resets, closes, stop_accepted;
};

static void desk_accepted(void *context, struct net_tcp *tcp)
{
	struct desk *desk = context;

	desk->accepted++;
	if (desk->stop_accepted)
		net_stop(desk->world->net);
	if (desk->closes)
		net_tcp_close(tcp);
	else if (desk->resets)
		net_tcp_reset(tcp);
	if (desk->refuses || desk->closes || desk->resets)
		return;
	desk->server.tcp = tcp;
	net_tcp_accept(tcp, &line_events, &desk->server);
}

static void desk_short(void *context, int error, bool over)
{
	struct desk *desk = context;

	assert_true(over ? error == 0 : error == EMFILE);
	if (over)
		desk->recovered++;
	else
		desk->short_of++;
	net_stop(desk->world->net);
}

static const struct net_listener_events desk_events = { desk_accepted, desk_short };

static void desk_listen(struct desk *desk, const char *where)
{
	struct net_addr local = addr(where);

	assert_int_equal(net_tcp_listen(desk->world->net, &local, &desk_events, desk, &desk->listener), 0);
	net_listener_local(desk->listener, &desk->local);
	assert_int_not_equal(desk->local.port, 0);
}

static struct desk *desk_new(struct world *world)
{
	struct desk *desk = test_calloc(1, sizeof(*desk));

	desk->world = desk->client.world = desk->server.world = world;
	desk_listen(desk, "127.0.0.1:0");
	return desk;
}

static void desk_call(struct desk *desk)
{
	assert_int_equal(net_tcp_connect(desk->world->net, &desk->local, &line_events, &desk->client, &desk->client.tcp), 0);
}

/* Connected at both ends. */
static struct desk *desk_open(struct world *world)
{
	struct desk *desk = desk_new(world);

	desk_call(desk);
	desk->stop_accepted = desk->client.stop_connected = true;
	while (!desk->server.tcp || !desk->client.connected)
		run(world);
	desk->client.stop_connected = false;
	return desk;
}

static void desk_free(struct desk *desk)
{
	test_free(desk);
}

static void tcp_carries_both_ways(struct world *world, const char *host)
{
	struct desk *desk = desk_new(world);
	struct net_addr a, b;

	net_listener_close(desk->listener);
	desk_listen(desk, host);
	desk->server.echo = true;
	desk->client.stop_at = 5;
	desk_call(desk);
	assert_int_equal(net_tcp_send(desk->client.tcp, "hello", 5), 0); /* waits for the connection */
	assert_int_equal(net_tcp_backlog(desk->client.tcp), 5);
	run(world);
	assert_memory_equal(desk->client.first, "hello", 5);
	assert_int_equal(desk->client.connected, 1);
	assert_int_equal(desk->client.drained, 1);
	assert_int_equal(desk->server.connected, 0);
	assert_int_equal(net_tcp_backlog(desk->client.tcp), 0);
	net_tcp_local(desk->client.tcp, &a);
	net_tcp_peer(desk->server.tcp, &b);
	assert_addr(&a, &b);
	net_tcp_peer(desk->client.tcp, &a);
	net_tcp_local(desk->server.tcp, &b);
	assert_addr(&a, &b);
	assert_addr(&a, &desk->local);
	desk_free(desk);
}

static void tcp_over_ipv4(void **state)
{
	tcp_carries_both_ways(*state, "127.0.0.1:0");
}

static void tcp_over_ipv6(void **state)
{
	needs_ipv6(*state);
	tcp_carries_both_ways(*state, "[::1]:0");
}

static void a_wildcard_serves_both_families(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_new(world);
	struct net_addr to = addr("127.0.0.77:0"), got;

	needs_ipv6(world);
	net_listener_close(desk->listener);
	desk_listen(desk, "[::]:0");
	to.port = desk->local.port;
	desk->stop_accepted = true;
	net_tcp_connect(world->net, &to, &line_events, &desk->client, &desk->client.tcp);
	run(world);
	net_tcp_local(desk->server.tcp, &got);
	assert_addr(&got, &to);
	net_tcp_peer(desk->server.tcp, &got);
	assert_int_equal(got.family, 4);
	desk_free(desk);
}

static void pushes_are_segments_and_sends_of_a_turn_are_one(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	desk->server.stop_at = 900;
	for (int i = 0; i < 300; i++)
		net_tcp_send(desk->client.tcp, "abc", 3);
	run(world);
	assert_int_equal(desk->server.calls, 1);
	assert_int_equal(desk->client.drained, 1);
	desk->server.stop_at = 2000;
	for (int i = 0; i < 1100; i++) {
		net_tcp_send(desk->client.tcp, "x", 1);
		net_tcp_push(desk->client.tcp);
	}
	run(world);
	assert_int_equal(desk->server.received, 2000);
	desk_free(desk);
}

static void send_paced(void *context)
{
	struct desk *desk = context;

	net_tcp_send(desk->client.tcp, "y", 1);
	net_tcp_push(desk->client.tcp);
}

static void segments_arrive_one_by_one(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);
	struct net_timer *timer = net_timer_new(world->net, send_paced, desk);

	for (unsigned i = 1; i <= 20; i++) {
		desk->server.stop_at = i;
		net_timer_at(timer, net_now(world->net));
		run(world);
		assert_int_equal(desk->server.calls, i);
	}
	desk_free(desk);
}

static void half_close(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	desk->server.answer_fin = true;
	desk->client.stop_fin = true;
	net_tcp_send(desk->client.tcp, "last words", 10);
	net_tcp_shutdown(desk->client.tcp);
	assert_int_equal(net_tcp_send(desk->client.tcp, "more", 4), -EPIPE);
	run(world);
	assert_int_equal(desk->server.received, 10);
	assert_int_equal(desk->server.fins, 1);
	assert_memory_equal(desk->client.first, "bye", 3);
	assert_int_equal(desk->client.fins, 1);
	run_for(world, 5 * MS); /* once only */
	assert_int_equal(desk->client.fins + desk->server.fins, 2);
	assert_int_equal(desk->client.ends + desk->server.ends, 0);
	desk_free(desk);
}

static void closing_sends_what_is_queued_and_a_fin(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	desk->server.stop_fin = true;
	net_tcp_send(desk->client.tcp, "last words", 10);
	net_tcp_close(desk->client.tcp);
	run(world);
	assert_int_equal(desk->server.received, 10);
	assert_int_equal(desk->server.end, NET_END_FIN);
	desk_free(desk);
}

static void a_reset_is_seen_as_such(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	desk->server.stop_end = true;
	net_tcp_send(desk->client.tcp, "before", 6);
	net_tcp_push(desk->client.tcp);
	run_for(world, 5 * MS);
	net_tcp_reset(desk->client.tcp);
	run(world);
	assert_int_equal(desk->server.received, 6);
	assert_int_equal(desk->server.end, NET_END_RESET);
	assert_int_equal(desk->server.error, ECONNRESET);
	assert_int_equal(desk->server.fins, 0);
	assert_int_equal(net_tcp_send(desk->server.tcp, "x", 1), -EPIPE);
	assert_int_equal(net_tcp_in_flight(desk->server.tcp), 0);
	net_tcp_push(desk->server.tcp);
	net_tcp_shutdown(desk->server.tcp);
	net_tcp_read(desk->server.tcp, false);
	run_for(world, 5 * MS);
	assert_int_equal(desk->server.ends, 1);
	net_tcp_close(desk->server.tcp);
	desk_free(desk);
}

static void a_reset_is_seen_while_reading_is_off(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	desk->server.stop_end = true;
	net_tcp_read(desk->server.tcp, false);
	net_tcp_send(desk->client.tcp, "unread", 6);
	run_for(world, 5 * MS);
	net_tcp_reset(desk->client.tcp);
	run(world);
	assert_int_equal(desk->server.received, 0);
	assert_int_equal(desk->server.end, NET_END_RESET);
	desk_free(desk);
}

static void a_reset_after_fin_comes_as_a_second_end(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	desk->server.stop_fin = desk->server.stop_end = true;
	net_tcp_shutdown(desk->client.tcp);
	run(world);
	assert_int_equal(desk->server.fins, 1);
	net_tcp_reset(desk->client.tcp);
	run(world);
	assert_int_equal(desk->server.ends, 1);
	assert_int_equal(desk->server.end, NET_END_RESET);
	desk_free(desk);
}

static void writing_to_the_closed_is_answered_by_a_reset(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	desk->client.stop_fin = desk->client.stop_end = true;
	net_tcp_close(desk->server.tcp);
	run(world);
	assert_int_equal(desk->client.fins, 1);
	net_tcp_send(desk->client.tcp, "anybody?", 8);
	run(world);
	assert_int_equal(desk->client.ends, 1);
	assert_int_equal(desk->client.end, NET_END_RESET);
	desk_free(desk);
}

static void a_reset_met_while_writing_is_no_fin(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	desk->server.stop_end = desk->server.stop_fin = true;
	net_tcp_reset(desk->client.tcp);
	net_tcp_send(desk->server.tcp, "x", 1);
	net_tcp_push(desk->server.tcp);
	run(world);
	assert_int_equal(desk->server.ends, 1);
	assert_int_equal(desk->server.fins, 0);
	assert_int_equal(desk->server.end, NET_END_RESET);
	desk_free(desk);
}

static void closing_with_octets_unread_is_a_fin(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	net_tcp_read(desk->server.tcp, false);
	net_tcp_send(desk->client.tcp, "never read", 10);
	run_for(world, 5 * MS);
	desk->client.stop_end = desk->client.stop_fin = true;
	net_tcp_close(desk->server.tcp);
	run(world);
	assert_int_equal(desk->client.end, NET_END_FIN);
	desk_free(desk);
}

static void a_refused_connection(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_new(world);

	net_listener_close(desk->listener);
	desk->client.stop_end = true;
	desk_call(desk);
	net_tcp_send(desk->client.tcp, "x", 1);
	assert_int_equal(desk->client.ends, 0); /* callbacks come from the loop only */
	run(world);
	assert_int_equal(desk->client.end, NET_END_REFUSED);
	assert_int_equal(desk->client.error, ECONNREFUSED);
	assert_int_equal(desk->client.connected, 0);
	net_tcp_close(desk->client.tcp);
	desk_free(desk);
}

static void the_unaccepted_is_reset(void **state)
{
	struct world *world = *state;

	for (int how = 0; how < 3; how++) {
		struct desk *desk = desk_new(world);

		desk->refuses = how == 0;
		desk->resets = how == 1;
		desk->closes = how == 2;
		desk->client.stop_end = desk->client.stop_fin = true;
		desk_call(desk);
		run(world);
		assert_int_equal(desk->accepted, 1);
		assert_int_equal(desk->client.end, how == 2 ? NET_END_FIN : NET_END_RESET);
		net_tcp_close(desk->client.tcp);
		net_listener_close(desk->listener);
		desk_free(desk);
	}
}

static void listening_where_somebody_listens(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_new(world);
	struct net_listener *listener;

	assert_int_equal(net_tcp_listen(world->net, &desk->local, &desk_events, desk, &listener), -EADDRINUSE);
	net_listener_close(desk->listener);
	assert_int_equal(net_tcp_listen(world->net, &desk->local, &desk_events, desk, &listener), 0);
	net_listener_close(listener);
	desk_free(desk);
}

static unsigned fill(struct line *line, size_t megabytes)
{
	char *block = test_malloc(MEBI);
	unsigned sum = 0;

	for (size_t i = 0; i < megabytes; i++) {
		for (size_t j = 0; j < MEBI; j++) {
			block[j] = (char)((i * 7 + j * 13) >> 3);
			sum = sum * 31 + (unsigned char)block[j];
		}
		assert_int_equal(net_tcp_send(line->tcp, block, MEBI), 0);
	}
	test_free(block);
	return sum;
}

static void back_pressure_and_drained(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	net_tcp_read(desk->server.tcp, false);
	unsigned sum = fill(&desk->client, 16);
	run_for(world, 50 * MS);
	assert_int_equal(desk->client.drained, 0);
	assert_int_equal(desk->server.received, 0);
	size_t backlog = net_tcp_backlog(desk->client.tcp);
	assert_in_range(backlog, 1, 16 * MEBI - 1);
	run_for(world, 50 * MS);
	assert_int_equal(net_tcp_backlog(desk->client.tcp), backlog);
	desk->client.stop_drained = true;
	net_tcp_read(desk->server.tcp, true);
	run(world);
	assert_int_equal(net_tcp_backlog(desk->client.tcp), 0);
	desk->server.stop_at = 16 * MEBI;
	if (desk->server.received < 16 * MEBI)
		run(world);
	assert_int_equal(desk->server.received, 16 * MEBI);
	assert_int_equal(desk->server.sum, sum);
	assert_int_equal(desk->client.drained, 1);
	desk_free(desk);
}

static void closing_lingers_for_a_slow_reader(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	net_tcp_read(desk->server.tcp, false);
	unsigned sum = fill(&desk->client, 16);
	net_tcp_close(desk->client.tcp);
	run_for(world, 20 * MS);
	desk->server.stop_fin = desk->server.stop_end = true;
	net_tcp_read(desk->server.tcp, true);
	run(world);
	assert_int_equal(desk->server.fins, 1);
	assert_int_equal(desk->server.received, 16 * MEBI);
	assert_int_equal(desk->server.sum, sum);
	assert_int_equal(desk->client.drained, 0); /* nothing comes after close */
	desk_free(desk);
}

/* What the kernels hold of 8 MiB when the client does not read. */
static size_t held(struct world *world, bool small)
{
	struct desk *desk = desk_new(world);
	unsigned sum;

	desk_call(desk);
	if (small)
		net_tcp_small_window(desk->client.tcp);
	net_tcp_read(desk->client.tcp, false);
	desk->stop_accepted = true;
	run(world);
	sum = fill(&desk->server, 8);
	run_for(world, 20 * MS);
	size_t taken = 8 * MEBI - net_tcp_backlog(desk->server.tcp);
	desk->client.stop_at = 8 * MEBI;
	net_tcp_read(desk->client.tcp, true);
	run(world);
	assert_int_equal(desk->client.sum, sum);
	net_tcp_close(desk->client.tcp);
	net_tcp_close(desk->server.tcp);
	net_listener_close(desk->listener);
	desk_free(desk);
	return taken;
}

static void a_small_window_keeps_little(void **state)
{
	struct world *world = *state;
	size_t usual = held(world, false), small = held(world, true);

	assert_in_range(small, 1, usual / 2);
}

static void reading_stops_and_goes_on(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	net_tcp_read(desk->server.tcp, false);
	net_tcp_send(desk->client.tcp, "quiet", 5);
	net_tcp_shutdown(desk->client.tcp);
	run_for(world, 10 * MS);
	assert_int_equal(desk->server.received, 0);
	assert_int_equal(desk->server.fins, 0);
	desk->server.stop_fin = true;
	net_tcp_read(desk->server.tcp, true);
	run(world);
	assert_int_equal(desk->server.received, 5);
	desk_free(desk);
}

static void closing_inside_callbacks(void **state)
{
	struct world *world = *state;

	for (int on = CLOSE_CONNECTED; on <= CLOSE_DRAINED; on++)
		for (int reset = 0; reset < 2; reset++) {
			struct desk *desk = desk_new(world);

			desk->client.close_on = (unsigned)on;
			desk->client.by_reset = reset;
			desk->server.echo = on != CLOSE_ENDED;
			desk->server.close_on = on == CLOSE_ENDED ? CLOSE_RECEIVED : CLOSE_NEVER;
			desk_call(desk);
			net_tcp_send(desk->client.tcp, "x", 1);
			run_for(world, 10 * MS);
			assert_null(desk->client.tcp);
			assert_int_equal(desk->client.ends, 0);
			unsigned calls = desk->client.calls + desk->client.drained + desk->client.fins + desk->client.connected;
			if (desk->server.tcp) {
				net_tcp_send(desk->server.tcp, "y", 1);
				net_tcp_close(desk->server.tcp);
			}
			run_for(world, 10 * MS);
			assert_int_equal(desk->client.calls + desk->client.drained + desk->client.fins + desk->client.connected, calls);
			net_listener_close(desk->listener);
			desk_free(desk);
		}
}

static void many_connections(void **state)
{
	enum { MANY = 60 };
	struct world *world = *state;
	struct desk *desk = desk_new(world);
	struct line *lines = test_calloc(MANY, sizeof(*lines));

	for (int i = 0; i < MANY; i++) {
		lines[i].world = world;
		lines[i].stop_end = lines[i].stop_fin = true;
		net_tcp_connect(world->net, &desk->local, &line_events, &lines[i], &lines[i].tcp);
		net_tcp_send(lines[i].tcp, "hello", 5);
	}
	desk->server.stop_at = 5 * MANY; /* all of them talk to the same end */
	run(world);
	assert_int_equal(desk->accepted, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(lines[i].connected, 1);
		net_tcp_close(lines[i].tcp);
	}
	test_free(lines);
	desk_free(desk);
}

static void freeing_the_net_closes_what_is_open(void **state)
{
	struct world *world = *state;
	struct mailbox *box = mailbox_at(world, "127.0.0.1:0");
	struct desk *desk = desk_open(world);

	net_tcp_read(desk->server.tcp, false);
	fill(&desk->client, 8);
	mail(box, box, "never read");
	net_timer_at(net_timer_new(world->net, too_late, NULL), 0);
	(void)net_wall_offset(world->net);
	assert_int_equal(net_clock_steps(world->net), 0);
	test_free(box);
	desk_free(desk);
}

/* ---- whatever happens ----------------------------------------------------------------------- */

struct chaos {
	struct world *world;
	struct net_timer *timer;
	uint64_t random;
	unsigned steps;
	struct chaos_end {
		struct chaos *chaos;
		struct chaos_end *peer;
		struct net_tcp *tcp;
		uint32_t sent, received;
		bool shut, fin, over;
	} ends[2 * 8];
	struct net_listener *listener;
	struct net_addr local;
	unsigned opened, whole;
};

static unsigned chaos_below(struct chaos *chaos, unsigned bound)
{
	chaos->random = chaos->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(chaos->random >> 33) % bound;
}

static void chaos_received(void *context, const char *octets, size_t length, int64_t at)
{
	struct chaos_end *end = context;

	(void)at;
	assert_non_null(end->tcp);
	assert_false(end->fin || end->over);
	for (size_t i = 0; i < length; i++)
		assert_int_equal((unsigned char)octets[i], (unsigned char)(end->received++ * 7));
	if (end->peer)
		assert_true(end->received <= end->peer->sent);
}

/* A FIN comes after all that was sent before it. */
static void chaos_ended(void *context, enum net_end how, int error, int64_t at)
{
	struct chaos_end *end = context;

	(void)error;
	(void)at;
	assert_non_null(end->tcp);
	assert_false(end->over);
	if (how == NET_END_FIN) {
		assert_false(end->fin);
		assert_int_equal(end->received, end->peer->sent);
		end->fin = true;
		end->chaos->whole++;
	} else {
		end->over = true;
	}
}

static void chaos_close(struct chaos_end *end)
{
	if (chaos_below(end->chaos, 2))
		net_tcp_close(end->tcp);
	else
		net_tcp_reset(end->tcp);
	end->tcp = NULL;
}

static void chaos_act(struct chaos_end *end)
{
	static char octets[100000];
	unsigned length;

	switch (chaos_below(end->chaos, 16)) {
	case 0:
		net_tcp_shutdown(end->tcp);
		end->shut = true;
		break;
	case 1:
		chaos_close(end);
		break;
	case 2:
		net_tcp_read(end->tcp, false);
		break;
	case 3:
	case 4:
		net_tcp_read(end->tcp, true);
		break;
	case 5:
		net_tcp_push(end->tcp);
		break;
	default:
		length = chaos_below(end->chaos, chaos_below(end->chaos, 4) ? 100 : sizeof(octets));
		for (unsigned i = 0; i < length; i++)
			octets[i] = (char)(unsigned char)((end->sent + i) * 7);
		if (net_tcp_send(end->tcp, octets, length) == 0)
			end->sent += length;
		else
			assert_true(end->shut || end->over || net_tcp_backlog(end->tcp) == 0);
		break;
	}
}

static void chaos_drained(void *context)
{
	struct chaos_end *end = context;

	assert_non_null(end->tcp);
	if (chaos_below(end->chaos, 4) == 0)
		chaos_act(end);
}

static const struct net_tcp_events chaos_events = { NULL, chaos_received, chaos_ended, chaos_drained };

/* The peers' addresses tell which two ends belong together. */
static void chaos_accepted(void *context, struct net_tcp *tcp)
{
	struct chaos *chaos = context;
	struct net_addr theirs, peer;

	net_tcp_peer(tcp, &peer);
	for (int i = 0; i < 16; i += 2) {
		struct chaos_end *end = &chaos->ends[i];

		if (!end->tcp)
			continue;
		net_tcp_local(end->tcp, &theirs);
		if (!net_addr_equal(&theirs, &peer))
			continue;
		end[1] = (struct chaos_end){ .chaos = chaos, .peer = end, .tcp = tcp };
		end->peer = &end[1];
		net_tcp_accept(tcp, &chaos_events, &end[1]);
		return;
	}
}

static void chaos_step(void *context)
{
	struct chaos *chaos = context;
	struct chaos_end *end = &chaos->ends[chaos_below(chaos, 16)];

	if (end->tcp) {
		chaos_act(end);
	} else if (end == &chaos->ends[0] || (end - chaos->ends) % 2 == 0) {
		if (!end[1].tcp) {
			*end = (struct chaos_end){ .chaos = chaos, .peer = &end[1] };
			end[1] = (struct chaos_end){ 0 };
			assert_int_equal(net_tcp_connect(chaos->world->net, &chaos->local, &chaos_events, end, &end->tcp), 0);
			chaos->opened++;
		}
	}
	if (--chaos->steps)
		net_timer_at(chaos->timer, net_now(chaos->world->net) + (int64_t)chaos_below(chaos, 4) * 20000);
	else
		net_stop(chaos->world->net);
}

static void chaos_play(struct world *world, uint64_t seed, unsigned steps)
{
	static const struct net_listener_events events = { chaos_accepted, NULL };
	struct chaos *chaos = test_calloc(1, sizeof(*chaos));
	struct net_addr local = addr("127.0.0.1:0");

	*chaos = (struct chaos){ .world = world, .random = seed, .steps = steps };
	chaos->timer = net_timer_new(world->net, chaos_step, chaos);
	assert_int_equal(net_tcp_listen(world->net, &local, &events, chaos, &chaos->listener), 0);
	net_listener_local(chaos->listener, &chaos->local);
	net_timer_at(chaos->timer, 0);
	run(world);
	assert_true(chaos->opened > 10);
	assert_true(chaos->whole > 0);
	for (int i = 0; i < 16; i++)
		if (chaos->ends[i].tcp)
			net_tcp_reset(chaos->ends[i].tcp);
	net_listener_close(chaos->listener);
	net_timer_free(chaos->timer);
	run_for(world, MS);
	test_free(chaos);
}

static void streams_stay_whole_whatever_happens(void **state)
{
	struct world *world = *state;

	for (uint64_t seed = 1; seed <= 10; seed++)
		chaos_play(world, seed, 2000);
}

/* ---- the real one alone --------------------------------------------------------------------- */

/* A plain listener with a queue for two, and somebody who takes from it when told. */
static int listener_for_two(struct net_addr *at)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&name, length), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	*at = addr("127.0.0.1:1");
	at->port = ntohs(name.sin_port);
	return fd;
}

static void no_queue_overflows(void **state)
{
	enum { CALLERS = 5 };
	struct world *world = *state;
	struct line *lines = test_calloc(CALLERS, sizeof(*lines));
	struct net_addr at;
	int listener = listener_for_two(&at), taken[CALLERS];
	int64_t began = net_now(world->net);

	for (int i = 0; i < CALLERS; i++) {
		lines[i].world = world;
		lines[i].stop_connected = true;
		lines[i].stop_at = 1;
		net_tcp_connect(world->net, &at, &line_events, &lines[i], &lines[i].tcp);
	}
	while (!lines[1].connected)
		run(world);
	assert_true(!lines[2].connected || net_now(world->net) - began >= 20 * MS);
	/* What comes over the second says that the first was taken, too. */
	taken[0] = accept(listener, NULL, NULL);
	taken[1] = accept(listener, NULL, NULL);
	assert_int_equal(write(taken[1], "x", 1), 1);
	net_tcp_close(lines[2].tcp); /* it need not wait any longer */
	while (!lines[3].connected || !lines[4].connected)
		run(world);
	assert_int_equal(lines[1].received, 1);
	assert_true(net_now(world->net) - began < SECOND); /* after which comes what was dropped */
	assert_int_equal(lines[2].connected, 0);
	for (int i = 0; i < CALLERS; i++)
		if (i != 2)
			net_tcp_close(lines[i].tcp);
	close(taken[0]);
	close(taken[1]);
	close(listener);
	test_free(lines);
}

/* Nobody takes them, and nobody says so: they come all the same, a few at a time. */
static void silent_connections_wait_a_little(void **state)
{
	enum { CALLERS = 6 };
	struct world *world = *state;
	struct desk *desk = desk_new(world);
	struct line *lines = test_calloc(CALLERS, sizeof(*lines));
	int64_t began = net_now(world->net);

	for (int i = 0; i < CALLERS; i++) {
		lines[i].world = world;
		lines[i].stop_connected = true;
		net_tcp_connect(world->net, &desk->local, &line_events, &lines[i], &lines[i].tcp);
	}
	for (int i = 0; i < CALLERS; i++)
		while (!lines[i].connected)
			run(world);
	assert_true(net_now(world->net) - began >= 2 * 20 * MS);
	for (int i = 0; i < CALLERS; i++)
		net_tcp_close(lines[i].tcp);
	test_free(lines);
	desk_free(desk);
}

static void the_kernel_stamps_not_the_reader(void **state)
{
	struct world *world = *state;
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");
	struct desk *desk = desk_open(world);
	int64_t sent;

	/* The first stamp switches them on in the kernel, which takes a moment: so warm up. */
	server->expected = 1;
	mail(client, server, "warm");
	run(world);
	server->expected = 2;
	mail(client, server, "up");
	net_flush(world->net);
	sent = net_now(world->net);
	run(world);
	assert_true(server->seen.at <= sent);
	desk->server.stop_at = 2;
	net_tcp_send(desk->client.tcp, "up", 2);
	net_tcp_push(desk->client.tcp);
	sent = net_now(world->net);
	run(world);
	assert_true(desk->server.at <= sent);
	test_free(server);
	test_free(client);
	desk_free(desk);
}

static void a_wildcard_hears_icmp_of_both_families(void **state)
{
	struct world *world = *state;
	struct mailbox *nobody, *client;

	needs_ipv6(world);
	nobody = mailbox_at(world, "127.0.0.1:0");
	client = mailbox_at(world, "[::]:0");
	net_udp_close(nobody->udp);
	mail(client, nobody, "anybody?");
	run(world);
	assert_int_equal(client->refusal, ECONNREFUSED);
	assert_addr(&client->refused_by, &nobody->local);
	test_free(nobody);
	test_free(client);
}

static void what_cannot_be_sent_is_told(void **state)
{
	struct world *world = *state;
	struct mailbox *client = mailbox_at(world, "127.0.0.1:0");
	struct net_addr far = addr("192.0.2.1:9");

	assert_int_equal(net_udp_send(client->udp, &far, NULL, "x", 1), 0);
	run(world);
	assert_int_equal(client->refusals, 1);
	assert_true(client->refusal == EINVAL || client->refusal == ENETUNREACH); /* from loopback to elsewhere */
	assert_addr(&client->refused_by, &far);
	test_free(client);
}

static void out_of_descriptors_it_refuses_and_recovers(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_new(world);
	struct rlimit before, few;
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(desk->local.port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int callers[3], spare;
	char octet;

	for (int i = 0; i < 3; i++)
		callers[i] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	spare = dup(callers[0]);
	assert_true(spare >= 0);
	close(spare);
	few = (struct rlimit){ (rlim_t)spare, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(connect(callers[i], (struct sockaddr *)&name, sizeof(name)), 0);
	run(world);
	assert_int_equal(desk->short_of, 1);
	for (int i = 0; i < 3; i++)
		assert_true(read(callers[i], &octet, 1) <= 0); /* each has been refused: none hangs */
	run_for(world, 150 * MS);
	assert_int_equal(desk->short_of, 1);
	assert_int_equal(desk->recovered, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	run(world);
	assert_int_equal(desk->recovered, 1);
	desk->stop_accepted = true;
	desk_call(desk);
	run(world);
	assert_int_equal(desk->accepted, 1);
	for (int i = 0; i < 3; i++)
		close(callers[i]);
	desk_free(desk);
}

/* ---- the simulated one alone ---------------------------------------------------------------- */

static void sim_with(struct world *world, const struct net_sim_options *options)
{
	net_free(world->net);
	world->net = net_sim_new(options);
	world->guard = net_timer_new(world->net, too_late, NULL);
	world->pause = net_timer_new(world->net, pause_over, world);
}

static void time_is_virtual_and_latency_exact(void **state)
{
	struct world *world = *state;

	sim_with(world, &(struct net_sim_options){ .latency = 7 * MS, .wall = 5 });
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");
	assert_true(net_now(world->net) == SECOND);
	assert_true(net_wall_offset(world->net) == 5);
	mail(client, server, "x");
	net_sim_run_until(world->net, SECOND + 7 * MS - 1);
	assert_int_equal(server->count, 0);
	assert_true(net_now(world->net) == SECOND + 7 * MS - 1);
	net_sim_run_until(world->net, 10 * SECOND);
	assert_true(server->seen.at == SECOND + 7 * MS);
	assert_true(net_now(world->net) == 10 * SECOND);
	net_timer_at(world->pause, 3600 * SECOND);
	net_timer_stop(world->pause);
	assert_int_equal(net_run(world->net), 0); /* dry */
	assert_true(net_now(world->net) == 10 * SECOND);
	test_free(server);
	test_free(client);
}

static void timers_of_one_moment_keep_their_order(void **state)
{
	struct world *world = *state;
	struct ticker tickers[20] = { 0 };
	char log[32] = "";

	for (int i = 0; i < 20; i++)
		ticker_at(world, &tickers[i], log, (char)('a' + i), MS);
	net_timer_at(tickers[0].timer, SECOND + MS); /* armed last now */
	assert_int_equal(net_run(world->net), 0);
	assert_string_equal(log, "bcdefghijklmnopqrsta");
}

/* What arrives of 1000 numbered datagrams; in *disorder, how many came after a later one. */
static unsigned arrived(struct world *world, const struct net_sim_options *options, unsigned *disorder)
{
	sim_with(world, options);
	struct mailbox *server = mailbox_at(world, "127.0.0.1:0"), *client = mailbox_at(world, "127.0.0.1:0");
	unsigned count;

	*disorder = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t before = 0, after = 0;

		memcpy(&before, server->last, sizeof(before));
		net_udp_send(client->udp, &server->local, NULL, (const char *)&i, sizeof(i));
		net_sim_run_until(world->net, net_now(world->net) + 10000);
		memcpy(&after, server->last, sizeof(after));
		*disorder += after < before;
	}
	assert_int_equal(net_run(world->net), 0);
	count = server->count;
	test_free(server);
	test_free(client);
	return count;
}

static void links_lose_duplicate_and_reorder_as_asked(void **state)
{
	struct world *world = *state;
	unsigned disorder;

	assert_int_equal(arrived(world, NULL, &disorder), 1000);
	assert_int_equal(disorder, 0);
	assert_int_equal(arrived(world, &(struct net_sim_options){ .loss = 1 }, &disorder), 0);
	assert_in_range(arrived(world, &(struct net_sim_options){ .loss = 0.3 }, &disorder), 600, 800);
	assert_int_equal(arrived(world, &(struct net_sim_options){ .duplicate = 1 }, &disorder), 2000);
	assert_int_equal(arrived(world, &(struct net_sim_options){ .jitter = 10 * MS }, &disorder), 1000);
	assert_int_equal(disorder, 0);
	assert_int_equal(arrived(world, &(struct net_sim_options){ .reorder = 0.3 }, &disorder), 1000);
	assert_in_range(disorder, 50, 500);
}

static uint64_t fate(struct world *world, uint64_t seed)
{
	struct net_sim_options bad = { .seed = seed, .jitter = MS, .loss = 0.1, .duplicate = 0.1, .reorder = 0.1, .cut = 0.3, .partial = 0.3 };
	unsigned disorder;
	uint64_t count = arrived(world, &bad, &disorder);

	chaos_play(world, 5, 3000);
	return count << 48 ^ (uint64_t)disorder << 32 ^ (uint64_t)net_now(world->net);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	uint64_t one = fate(*state, 1), again = fate(*state, 1), two = fate(*state, 2);

	assert_true(one == again);
	assert_true(one != two);
}

static void streams_stay_whole_over_bad_links(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		sim_with(*state, &(struct net_sim_options){ .seed = seed, .jitter = MS / 10, .cut = 0.5, .partial = 0.5, .tcp_buffer = 5000 });
		chaos_play(*state, seed, 3000);
	}
}

static void writes_are_cut_as_asked(void **state)
{
	struct world *world = *state;

	sim_with(world, &(struct net_sim_options){ .cut = 1 });
	struct desk *desk = desk_open(world);
	net_tcp_send(desk->client.tcp, "one message of some length", 26);
	run_for(world, MS);
	assert_int_equal(desk->server.received, 26);
	assert_true(desk->server.calls > 1);
	assert_memory_equal(desk->server.first, "one message of some length", 26);
	desk_free(desk);
}

static void ports_are_not_used_twice(void **state)
{
	struct world *world = *state;
	static bool used[65536];

	memset(used, 0, sizeof(used));
	for (int i = 0; i < 2000; i++) {
		struct mailbox *box = mailbox_at(world, i % 2 ? "127.0.0.1:0" : "0.0.0.0:0");

		assert_false(used[box->local.port]);
		used[box->local.port] = true;
		net_udp_close(box->udp);
		test_free(box);
	}
}

static void who_never_reads_is_reset_after_the_linger(void **state)
{
	struct world *world = *state;
	struct desk *desk = desk_open(world);

	net_tcp_read(desk->server.tcp, false);
	fill(&desk->client, 1);
	net_tcp_close(desk->client.tcp);
	int64_t closed = net_now(world->net);
	assert_int_equal(net_run(world->net), 0);
	assert_int_equal(desk->server.end, NET_END_RESET);
	assert_true(net_now(world->net) >= closed + 10 * SECOND);
	assert_true(net_now(world->net) < closed + 11 * SECOND);
	desk_free(desk);
}

/* ---- all of them ---------------------------------------------------------------------------- */

#define ON(what, test, set_up) { what #test, test, set_up, teardown, NULL }
#define REAL(test) ON("real: ", test, real_setup)
#define SIM(test) ON("sim: ", test, sim_setup)
#define BOTH(test) REAL(test), SIM(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(bad_addresses_are_refused),
		cmocka_unit_test(kinds_of_addresses),
		BOTH(timers_come_in_order_and_never_early),
		BOTH(timers_rearm_move_stop_and_are_freed_inside),
		BOTH(a_timer_freed_by_another_stays_silent),
		BOTH(stopping_before_running_counts),
		BOTH(udp_over_ipv4),
		BOTH(udp_over_ipv6),
		BOTH(udp_comes_in_batches_in_order),
		BOTH(wildcards_answer_from_the_address_asked),
		BOTH(without_from_the_answer_leaves_from_elsewhere),
		BOTH(udp_refusal_ipv4),
		BOTH(udp_refusal_ipv6),
		BOTH(a_refusal_costs_no_later_datagram),
		BOTH(the_largest_datagram_and_the_empty_one),
		BOTH(more_than_the_arena_holds),
		BOTH(udp_reading_stops_and_goes_on),
		BOTH(an_unread_udp_socket_drops_and_counts),
		BOTH(closing_udp_in_its_callback),
		BOTH(other_families_and_taken_ports_are_errors),
		BOTH(what_a_timer_sends_leaves_at_the_end_of_its_turn),
		BOTH(tcp_over_ipv4),
		BOTH(tcp_over_ipv6),
		BOTH(a_wildcard_serves_both_families),
		BOTH(pushes_are_segments_and_sends_of_a_turn_are_one),
		BOTH(segments_arrive_one_by_one),
		BOTH(half_close),
		BOTH(closing_sends_what_is_queued_and_a_fin),
		BOTH(a_reset_is_seen_as_such),
		BOTH(a_reset_is_seen_while_reading_is_off),
		BOTH(a_reset_after_fin_comes_as_a_second_end),
		BOTH(writing_to_the_closed_is_answered_by_a_reset),
		BOTH(a_reset_met_while_writing_is_no_fin),
		BOTH(closing_with_octets_unread_is_a_fin),
		BOTH(a_refused_connection),
		BOTH(the_unaccepted_is_reset),
		BOTH(listening_where_somebody_listens),
		BOTH(back_pressure_and_drained),
		BOTH(closing_lingers_for_a_slow_reader),
		BOTH(a_small_window_keeps_little),
		BOTH(reading_stops_and_goes_on),
		BOTH(closing_inside_callbacks),
		BOTH(many_connections),
		BOTH(freeing_the_net_closes_what_is_open),
		BOTH(streams_stay_whole_whatever_happens),
		REAL(no_queue_overflows),
		REAL(silent_connections_wait_a_little),
		REAL(the_kernel_stamps_not_the_reader),
		REAL(a_wildcard_hears_icmp_of_both_families),
		REAL(what_cannot_be_sent_is_told),
		REAL(out_of_descriptors_it_refuses_and_recovers),
		SIM(time_is_virtual_and_latency_exact),
		SIM(timers_of_one_moment_keep_their_order),
		SIM(links_lose_duplicate_and_reorder_as_asked),
		SIM(the_same_seed_gives_the_same_run),
		SIM(streams_stay_whole_over_bad_links),
		SIM(writes_are_cut_as_asked),
		SIM(ports_are_not_used_twice),
		SIM(who_never_reads_is_reset_after_the_linger),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
