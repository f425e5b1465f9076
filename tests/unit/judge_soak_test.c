/* Holds judge/ to its word that it is silent about a right server: clients that break every rule they can talk to the reference
 * server over a simulated network, good and bad, and nothing may be found. Run by tests/unit; a run's sockets belong to its net. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "judge/judge.h"
#include "net/sim.h"
#include "protocol/frame.h"
#include "server/serve.h"

enum { CLIENTS = 6, ENDPOINTS = 256, ROOM = 6000, NAME_ROOM = 8, SECONDS = 20 };

static const int64_t MS = 1000000;
static const char *const movies[] = { "Metropolis", "Casablanca", NULL };

struct client {
	struct soak *soak;
	unsigned endpoint;      /* the judge's */
	bool tcp, gone, holds_acks;
	struct net_udp *udp;
	struct net_tcp *link;
	struct c2w_framer framer;
	struct net_timer *turn;
	char name[NAME_ROOM];
	unsigned time, last_time;
	char request[ROOM];
	size_t request_length;
	char stream[C2W_MAX_TO_CLIENT];
};

struct soak {
	struct net *net;
	struct jd *jd;
	struct net_addr server;
	struct client clients[CLIENTS];
	unsigned endpoints;
	uint64_t seed, random;
	bool well_behaved;
	unsigned received;
};

static unsigned pick(struct soak *soak, unsigned below)
{
	soak->random ^= soak->random << 13;
	soak->random ^= soak->random >> 7;
	soak->random ^= soak->random << 17;
	return (unsigned)((soak->random >> 11) % below);
}

static bool once_in(struct soak *soak, unsigned times)
{
	return pick(soak, times) == 0;
}

/* Something against the rules for clients, now and then. */
static bool naughty(struct soak *soak, unsigned times)
{
	return !soak->well_behaved && once_in(soak, times);
}

static void found(void *context, const struct jd_finding *finding)
{
	struct soak *soak = context;

	if (!finding->suspicion)
		fail_msg("seed %llu: %s at endpoint %u, %lld ms: %s\n%.*s", (unsigned long long)soak->seed, c2w_rule_info(finding->rule)->id,
		         finding->endpoint, (long long)(finding->at / MS), finding->what, (int)(finding->got.length % 300), finding->got.at);
}

/* ---- sending ------------------------------------------------------------------------------- */

static void transmit(struct client *client, const char *octets, size_t length)
{
	if (client->tcp && (client->gone || net_tcp_send(client->link, octets, length) < 0))
		return;
	if (!client->tcp)
		net_udp_send(client->udp, &client->soak->server, NULL, octets, length);
	jd_sent(client->soak->jd, client->endpoint, net_now(client->soak->net), octets, length);
}

static void acknowledge(struct client *client, const struct c2w_message *message)
{
	const struct c2w_command_info *info = c2w_command_info(message->command);
	bool chat = info->family == C2W_CHAT;
	struct c2w_message ack = {
		.time_text = message->time_text, .command = c2w_command_of(info->family, C2W_ACK),
		.user = chat ? c2w_str_of(client->name) : message->user, .data = chat ? message->user : C2W_STR(""),
	};
	char octets[ROOM];
	long length;

	if (naughty(client->soak, 30))
		ack.user = C2W_STR("zed");
	if (naughty(client->soak, 50))
		ack.time_text = C2W_STR("3");
	length = c2w_message_format(octets, sizeof(octets), &ack);
	assert_true(length > 0);
	transmit(client, octets, (size_t)length);
}

static const char *user_of(struct client *client)
{
	static const char *const others[] = { "u0", "u1", "bad name", "", "U1" };

	return naughty(client->soak, 20) ? others[pick(client->soak, 5)] : client->name;
}

static unsigned time_of(struct client *client)
{
	unsigned time = ++client->time;

	if (naughty(client->soak, 12))
		time = client->last_time;
	else if (naughty(client->soak, 20))
		time -= 1 + pick(client->soak, 3);
	return client->last_time = time;
}

static void make_request(struct client *client)
{
	static const enum c2w_command commands[] = {
		C2W_CONNECTION_REQUEST, C2W_CONNECTION_REQUEST, C2W_CONNECTION_REQUEST, C2W_USER_LIST_REQUEST, C2W_USER_LIST_REQUEST,
		C2W_MOVIE_LIST_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_LEAVE_SESSION_REQUEST, C2W_SEND_MESSAGE_REQUEST,
		C2W_SEND_MESSAGE_REQUEST, C2W_SEND_MESSAGE_REQUEST, C2W_SEND_MESSAGE_REQUEST, C2W_SEND_MESSAGE_REQUEST,
	};
	static const char *const titles[] = { "Metropolis", "Casablanca", "Nope", "" };
	static const char *const points[] = { "", ".0", ".00" };
	struct soak *soak = client->soak;
	enum c2w_command command = commands[pick(soak, sizeof(commands) / sizeof(*commands))];
	char data[32] = "";

	if (command == C2W_ENTER_MOVIE_REQUEST)
		snprintf(data, sizeof(data), "%s", titles[pick(soak, 4)]);
	else if (command == C2W_SEND_MESSAGE_REQUEST && !naughty(soak, 20))
		snprintf(data, sizeof(data), "text %u|:", pick(soak, soak->well_behaved ? 1000000 : 5));
	client->request_length = (size_t)snprintf(client->request, ROOM, "%u%s: %s|%s|%s\r\n", time_of(client), points[pick(soak, 3)],
	                                          c2w_command_info(command)->name, user_of(client), data);
}

static void send_malformed(struct client *client)
{
	struct soak *soak = client->soak;
	char octets[2 * ROOM];
	size_t length;

	make_request(client);
	length = client->request_length;
	memcpy(octets, client->request, length);
	switch (pick(soak, 4)) {
	case 0:
		octets[pick(soak, (unsigned)length)] = '\0';
		break;
	case 1:
		for (size_t i = 0; i < length; i++)
			octets[i] = (char)(octets[i] >= 'A' && octets[i] <= 'Z' ? octets[i] + 32 : octets[i]);
		break;
	case 2:
		memcpy(octets + length, client->request, length);
		length += client->tcp ? 0 : length;
		break;
	default:
		memset(octets + length - 2, 'x', 4200); /* longer than max-request; ends a stream */
		length += client->tcp && !once_in(soak, 4) ? 0 : 4200;
		memcpy(octets + length - 2, client->request + client->request_length - 2, 2);
		break;
	}
	transmit(client, octets, length);
}

static void send_requests(struct client *client)
{
	for (unsigned count = naughty(client->soak, 6) ? 2 + pick(client->soak, 4) : 1; count > 0; count--) {
		size_t cut = 0;

		make_request(client);
		if (client->tcp && once_in(client->soak, 5)) {
			cut = pick(client->soak, (unsigned)client->request_length);
			transmit(client, client->request, cut);
		}
		transmit(client, client->request + cut, client->request_length - cut);
	}
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void received(struct client *client, const char *octets, size_t length, int64_t at)
{
	struct jd_reading reading;

	client->soak->received++;
	jd_received(client->soak->jd, client->endpoint, at, octets, length);
	reading = *jd_last(client->soak->jd);
	assert_int_equal(reading.err, C2W_OK);
	if (!client->holds_acks && !naughty(client->soak, 10))
		acknowledge(client, &reading.message);
}

static void udp_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	for (size_t i = 0; i < count; i++)
		received(context, datagrams[i].octets, datagrams[i].length, datagrams[i].at);
}

static void tcp_received(void *context, const char *octets, size_t length, int64_t at)
{
	struct client *client = context;
	struct c2w_str input = { octets, length }, message;

	while (c2w_framer_next(&client->framer, &input, &message) == C2W_OK)
		received(client, message.at, message.length, at);
}

static void tcp_ended(void *context, enum net_end how, int error, int64_t at)
{
	struct client *client = context;

	(void)error;
	client->gone = true;
	if (client->framer.held > 0 && how == NET_END_FIN)
		jd_received(client->soak->jd, client->endpoint, at, client->stream, client->framer.held);
	jd_close(client->soak->jd, client->endpoint, at);
}

/* ---- a client's life --------------------------------------------------------------------------- */

static void open_client(struct client *client)
{
	static const struct net_udp_events udp = { .received = udp_received };
	static const struct net_tcp_events tcp = { .received = tcp_received, .ended = tcp_ended };
	struct soak *soak = client->soak;
	struct net_addr any;

	if (client->link)
		(once_in(soak, 2) ? net_tcp_close : net_tcp_reset)(client->link);
	if (client->udp)
		net_udp_close(client->udp);
	client->link = NULL;
	client->udp = NULL;
	client->tcp = once_in(soak, 2);
	client->gone = false;
	client->endpoint = soak->endpoints++;
	client->request_length = 0;
	c2w_framer_init(&client->framer, client->stream, sizeof(client->stream));
	snprintf(client->name, sizeof(client->name), "u%u", pick(soak, 4));
	assert_int_equal(net_addr_parse(&any, "127.0.0.1:0"), 0);
	if (client->tcp)
		assert_int_equal(net_tcp_connect(soak->net, &soak->server, &tcp, client, &client->link), 0);
	else
		assert_int_equal(net_udp_open(soak->net, &any, &udp, client, &client->udp), 0);
	jd_open(soak->jd, client->endpoint, client->tcp, net_now(soak->net));
}

static void take_turn(void *context)
{
	struct client *client = context;
	struct soak *soak = client->soak;
	int64_t pause = once_in(soak, 2) ? pick(soak, 5) : once_in(soak, 2) ? pick(soak, 200) : pick(soak, 3000);

	if (soak->endpoints < ENDPOINTS && ((client->tcp && client->gone) || once_in(soak, 30)))
		open_client(client);
	else if (client->request_length > 0 && naughty(soak, 6))
		transmit(client, client->request, client->request_length);
	else if (naughty(soak, 16))
		send_malformed(client);
	else
		send_requests(client);
	if (naughty(soak, 20))
		client->holds_acks = !client->holds_acks;
	net_timer_at(client->turn, net_now(soak->net) + (soak->well_behaved ? 1000 : pause) * MS);
}

static unsigned play(uint64_t seed, bool well_behaved, const struct net_sim_options *network)
{
	struct soak *soak = calloc(1, sizeof(*soak));
	struct net_sim_options sim = *network;
	struct srv_service *service;
	struct srv_options server;
	struct jd_options judge = { .one_way = 2 * MS, .found = found, .context = soak };
	unsigned count;

	assert_non_null(soak);
	soak->seed = sim.seed = seed;
	soak->random = seed * 0x9e3779b97f4a7c15u + 1;
	soak->well_behaved = well_behaved;
	soak->net = net_sim_new(&sim);
	srv_options_init(&server);
	server.udp = server.tcp = true;
	server.log = SRV_LOG_QUIET;
	server.movies = movies;
	server.max_users = 5;
	server.max_room = 3;
	assert_int_equal(net_addr_parse(&soak->server, "127.0.0.1:1950"), 0);
	assert_int_equal(srv_serve(soak->net, &soak->server, &server, &service), 0);
	c2w_params_init(&judge.params);
	soak->jd = jd_new(&judge, ENDPOINTS);
	assert_non_null(soak->jd);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &soak->clients[i];

		client->soak = soak;
		client->time = 100 + 1000 * i;
		open_client(client);
		client->turn = net_timer_new(soak->net, take_turn, client);
		net_timer_at(client->turn, net_now(soak->net) + pick(soak, 100) * MS);
	}
	net_sim_run_until(soak->net, SECONDS * 1000 * MS);
	count = soak->received;
	srv_service_free(service);
	net_free(soak->net);
	jd_free(soak->jd);
	free(soak);
	return count;
}

static void play_seeds(bool well_behaved, const struct net_sim_options *network)
{
	unsigned count = 0;

	for (uint64_t seed = 1; seed <= 120; seed++)
		count += play(seed, well_behaved, network);
	assert_true(count > 5000);
}

static void a_good_network(void **state)
{
	(void)state;
	play_seeds(false, &(struct net_sim_options){ .cut = 0.2 });
	play_seeds(true, &(struct net_sim_options){ .cut = 0.2 });
}

static void a_network_that_loses(void **state)
{
	(void)state;
	play_seeds(false, &(struct net_sim_options){ .loss = 0.05 });
	play_seeds(true, &(struct net_sim_options){ .loss = 0.05 });
}

static void a_network_that_repeats_and_reorders(void **state)
{
	(void)state;
	play_seeds(false, &(struct net_sim_options){ .loss = 0.1, .duplicate = 0.2, .reorder = 0.2, .jitter = 100000 });
	play_seeds(true, &(struct net_sim_options){ .loss = 0.1, .duplicate = 0.2, .reorder = 0.2, .jitter = 100000 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_network),
		cmocka_unit_test(a_network_that_loses),
		cmocka_unit_test(a_network_that_repeats_and_reorders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
