/* The session core on a network: datagrams and streams in and out, loss, connections without a session, the log.
 * See serve.h. Runs on the loop of its net only. Owns its core, sockets, connections and timers. */
#include "server/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "server/core.h"
#include "server/log.h"
#include "server/movies.h"
#include "server/policy.h"

#define SRV_SILENCE INT64_C(30000000000) /* ns a connection without a session may be silent: ROB-04 */

enum { SRV_PORT_TRIES = 16 };

struct srv_connection {
	struct srv_service *service;
	struct net_tcp *tcp;
	struct srv_way way;
	int64_t heard;                     /* when octets came last */
	bool idle;                         /* without a session */
	bool gone, reset;                  /* it ends at the end of this callback; with RST */
	struct srv_connection *prev, *next;
	struct c2w_framer framer;
	char buffer[];                     /* max_request octets: TRN-05 */
};

struct srv_service {
	struct net *net;
	struct srv_options options;
	struct srv_policy policy;
	const struct srv_filter *filter;   /* NULL: none */
	void *filtered;                    /* its own */
	struct srv_core *core;
	struct srv_movie *movies;
	struct net_udp *udp;
	struct net_listener *listener;
	struct net_addr address;
	bool wildcard;
	struct net_timer *timer, *silence; /* of the core; of connections without a session */
	int64_t armed;                     /* what timer is set to; it may come too early, never too late */
	struct srv_connection *idle;       /* the longest silent first: ROB-04 */
	struct srv_connection *busy;       /* with a session, or gone */
	size_t connections, idle_count;
	bool doomed;                       /* some are gone */
	uint64_t random;
	struct srv_logger logger;
};

/* ---- log and loss --------------------------------------------------------------------------- */

static void say(struct srv_service *service, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	if (service->logger.level == SRV_LOG_QUIET || (detail && service->logger.level != SRV_LOG_VERBOSE))
		return;
	srv_log_write(&service->logger, net_now(service->net), detail, way && way->connection, way ? &way->peer : NULL, what, octets);
}

static struct c2w_str reason(int error)
{
	return c2w_str_of(net_error_text(error > 0 ? -error : error));
}

static bool lost(struct srv_service *service) /* splitmix64 */
{
	uint64_t x = service->random += UINT64_C(0x9e3779b97f4a7c15);

	if (service->options.loss <= 0)
		return false;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (double)(x >> 11) * 0x1p-53 < service->options.loss;
}

/* ---- what the core sends -------------------------------------------------------------------- */

static void send_datagram(struct srv_service *service, const struct srv_way *way, const char *octets, size_t length)
{
	if (!lost(service)) /* TRN-02, TRN-04 */
		net_udp_send(service->udp, &way->peer, service->wildcard ? &way->local : NULL, octets, length);
}

static size_t send_stream(struct srv_service *service, struct srv_connection *connection, const char *octets, size_t length)
{
	if (connection->gone || net_tcp_send(connection->tcp, octets, length) < 0)
		return 0;
	if (net_tcp_backlog(connection->tcp) > (size_t)service->options.params.max_backlog)
		net_tcp_push(connection->tcp); /* ROB-03 counts what the kernel does not take */
	return net_tcp_backlog(connection->tcp);
}

static size_t send_message(void *context, const struct srv_way *way, const char *octets, size_t length)
{
	struct srv_service *service = context;

	say(service, way, true, "sent", (struct c2w_str){ octets, length });
	if (way->connection)
		return send_stream(service, way->connection, octets, length);
	send_datagram(service, way, octets, length);
	return 0;
}

/* The connection may be the one whose octets are being read: it ends when the callback does. */
static void drop_connection(void *context, const struct srv_way *way, bool reset)
{
	struct srv_connection *connection = way->connection;

	(void)context;
	connection->gone = true;
	connection->reset = reset;
	connection->service->doomed = true;
}

static void note(void *context, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	say(context, way, detail, what, octets);
}

/* ---- the core, or what a faulty server puts before it ----------------------------------------- */

static void receive(struct srv_service *service, const struct srv_way *way, const char *octets, size_t length, int64_t now)
{
	if (service->filter)
		service->filter->receive(service->filtered, way, octets, length, now);
	else
		srv_core_receive(service->core, way, octets, length, now);
}

static void closed(struct srv_service *service, const struct srv_way *way, bool reset)
{
	if (service->filter)
		service->filter->closed(service->filtered, way, reset);
	else
		srv_core_closed(service->core, way);
}

static int64_t next_due(const struct srv_service *service)
{
	return service->filter ? service->filter->due(service->filtered) : srv_core_due(service->core);
}

static void run_due(struct srv_service *service)
{
	if (service->filter)
		service->filter->run(service->filtered, net_now(service->net));
	else
		srv_core_run(service->core, net_now(service->net));
}

/* ---- time ----------------------------------------------------------------------------------- */

/* Set anew only if it would come too late: acks move the core's time to come all the time. */
static void arm(struct srv_service *service)
{
	int64_t due = next_due(service);

	if (due >= service->armed)
		return;
	service->armed = due;
	net_timer_at(service->timer, due);
}

/* ---- connections ---------------------------------------------------------------------------- */

static void unlink_connection(struct srv_connection *connection)
{
	struct srv_service *service = connection->service;

	if (connection->idle) {
		DL_DELETE(service->idle, connection);
		service->idle_count--;
	} else {
		DL_DELETE(service->busy, connection);
	}
}

static void link_connection(struct srv_connection *connection, bool idle)
{
	struct srv_service *service = connection->service;

	connection->idle = idle;
	if (idle) {
		DL_APPEND(service->idle, connection);
		service->idle_count++;
	} else {
		DL_APPEND(service->busy, connection);
	}
}

/* reset: what it has not taken yet is dropped; else it still gets the answers to what it asked (TRN-06). */
static void end_connection(struct srv_connection *connection, bool reset)
{
	closed(connection->service, &connection->way, reset);
	unlink_connection(connection);
	connection->service->connections--;
	if (reset)
		net_tcp_reset(connection->tcp);
	else
		net_tcp_close(connection->tcp);
	free(connection);
}

static void end_doomed(struct srv_service *service)
{
	struct srv_connection *connection, *next;

	if (!service->doomed)
		return;
	service->doomed = false;
	DL_FOREACH_SAFE(service->busy, connection, next) {
		if (connection->gone)
			end_connection(connection, connection->reset);
	}
	DL_FOREACH_SAFE(service->idle, connection, next) {
		if (connection->gone)
			end_connection(connection, connection->reset);
	}
}

static void turn_over(struct srv_service *service) /* the end of every callback that called the core */
{
	end_doomed(service);
	arm(service);
}

static void core_due(void *context)
{
	struct srv_service *service = context;

	service->armed = INT64_MAX;
	run_due(service);
	turn_over(service);
}

static void watch_silence(struct srv_service *service)
{
	if (service->idle)
		net_timer_at(service->silence, service->idle->heard + SRV_SILENCE);
	else
		net_timer_stop(service->silence);
}

static void silent(void *context) /* ROB-04 */
{
	struct srv_service *service = context;
	int64_t now = net_now(service->net);

	while (service->idle && service->idle->heard + SRV_SILENCE <= now) {
		say(service, &service->idle->way, false, "closed, silent and without a session", C2W_STR(""));
		end_connection(service->idle, false);
	}
	watch_silence(service);
}

/* Its place among the idle ones: the youngest. The oldest give way, so that newcomers always get their turn (ROB-02, ROB-04). */
static void place(struct srv_connection *connection)
{
	struct srv_service *service = connection->service;
	bool idle = !srv_core_has_session(service->core, &connection->way), oldest = service->idle == connection;

	unlink_connection(connection);
	link_connection(connection, idle);
	if (service->idle_count > service->options.max_idle) {
		say(service, &service->idle->way, false, "closed, too many without a session", C2W_STR(""));
		end_connection(service->idle, true);
		oldest = true;
	}
	if (oldest || service->idle == connection)
		watch_silence(service);
}

/* ---- what arrives --------------------------------------------------------------------------- */

static void received_datagrams(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct srv_service *service = context;
	int64_t now = net_now(service->net);

	for (size_t i = 0; i < count; i++) {
		struct srv_way way = { .peer = datagrams[i].peer, .local = datagrams[i].local };

		if (lost(service))
			continue;
		say(service, &way, true, "received", (struct c2w_str){ datagrams[i].octets, datagrams[i].length });
		if (!datagrams[i].truncated)
			receive(service, &way, datagrams[i].octets, datagrams[i].length, now);
	}
	turn_over(service);
}

static void received_octets(void *context, const char *octets, size_t length, int64_t at)
{
	struct srv_connection *connection = context;
	struct srv_service *service = connection->service;
	struct c2w_str input = { octets, length }, message;
	int64_t now = net_now(service->net);
	enum c2w_err err = C2W_OK;

	(void)at;
	connection->heard = now;
	while (!connection->gone && (err = service->policy.frame(&connection->framer, &input, &message)) == C2W_OK) {
		say(service, &connection->way, true, "received", message);
		receive(service, &connection->way, message.at, message.length, now);
	}
	if (err == C2W_ERR_TOO_LONG) { /* TRN-05 */
		say(service, &connection->way, false, "closed, a message without end", C2W_STR(""));
		end_connection(connection, false);
		watch_silence(service);
	} else {
		place(connection);
	}
	turn_over(service);
}

static void connection_ended(void *context, enum net_end end, int error, int64_t at) /* TRN-06 */
{
	struct srv_connection *connection = context;
	struct srv_service *service = connection->service;

	(void)at;
	say(service, &connection->way, true, "ended the connection", end == NET_END_FIN ? C2W_STR("") : reason(error));
	end_connection(connection, end != NET_END_FIN);
	watch_silence(service);
	turn_over(service);
}

static void accepted(void *context, struct net_tcp *tcp)
{
	static const struct net_tcp_events events = { .received = received_octets, .ended = connection_ended };
	struct srv_service *service = context;
	size_t max_request = (size_t)service->options.params.max_request;
	struct srv_connection *connection = calloc(1, sizeof(*connection) + max_request);

	if (!connection)
		return; /* the listener resets it */
	connection->service = service;
	connection->tcp = tcp;
	connection->way.connection = connection;
	net_tcp_peer(tcp, &connection->way.peer);
	net_tcp_local(tcp, &connection->way.local);
	c2w_framer_init(&connection->framer, connection->buffer, max_request);
	net_tcp_accept(tcp, &events, connection);
	connection->heard = net_now(service->net);
	service->connections++;
	link_connection(connection, true);
	place(connection);
}

static void short_of(void *context, int error, bool over)
{
	say(context, NULL, false, over ? "accepts connections again" : "refuses connections", over ? C2W_STR("") : reason(error));
}

/* ---- opening and closing -------------------------------------------------------------------- */

static int open_udp(struct srv_service *service, const struct net_addr *at)
{
	static const struct net_udp_events events = { .received = received_datagrams };

	return net_udp_open(service->net, at, &events, service, &service->udp);
}

static int open_tcp(struct srv_service *service, struct net_addr at)
{
	static const struct net_listener_events events = { .accepted = accepted, .short_of = short_of };

	at.port = (uint16_t)(at.port + service->policy.tcp_port);
	return net_tcp_listen(service->net, &at, &events, service, &service->listener);
}

static void close_sockets(struct srv_service *service)
{
	if (service->listener)
		net_listener_close(service->listener);
	if (service->udp)
		net_udp_close(service->udp);
	service->listener = NULL;
	service->udp = NULL;
}

/* TRN-01: both on one port. */
static int open_sockets(struct srv_service *service, const struct net_addr *at)
{
	int error = 0;

	service->address = *at;
	if (service->options.udp) {
		error = open_udp(service, at);
		if (error >= 0)
			net_udp_local(service->udp, &service->address);
	}
	if (error >= 0 && service->options.tcp) {
		error = open_tcp(service, service->address);
		if (error >= 0 && !service->options.udp)
			net_listener_local(service->listener, &service->address);
	}
	if (error < 0)
		close_sockets(service);
	return error;
}

static void make_core(struct srv_service *service)
{
	const struct srv_options *options = &service->options;
	struct srv_carrier carrier = { .context = service, .send = send_message, .drop = drop_connection, .note = note };
	struct srv_settings settings = {
		.params = options->params,
		.max_users = options->max_users,
		.max_room = options->max_room,
		.max_endpoints = options->max_endpoints ? options->max_endpoints : 1,
		.policy = options->policy,
	};

	service->movies = srv_movies_with_streams(options->movies ? options->movies : srv_movies_inside, &settings.movie_count);
	settings.movies = service->movies;
	service->filter = service->policy.filter;
	if (service->filter)
		settings.filter = service->filtered = service->filter->open(&settings, &carrier, service->net);
	service->core = srv_core_new(&settings, &carrier);
	if (service->filter)
		service->filter->begin(service->filtered, service->core);
}

void srv_options_init(struct srv_options *options)
{
	*options = (struct srv_options){
		.udp = true,
		.tcp = true,
		.max_users = 1000,
		.max_endpoints = 16384,
		.max_idle = 512,
		.log = SRV_LOG_NORMAL,
	};
	c2w_params_init(&options->params);
}

int srv_serve(struct net *net, const struct net_addr *at, const struct srv_options *options, struct srv_service **service)
{
	struct srv_service *new = calloc(1, sizeof(*new));
	int error = -EADDRINUSE;

	if (!new)
		return -ENOMEM;
	new->net = net;
	new->options = *options;
	new->options.max_idle = options->max_idle ? options->max_idle : 1;
	new->policy = srv_policy_complete(options->policy);
	new->random = options->seed;
	new->wildcard = net_addr_is_wildcard(at);
	new->logger = (struct srv_logger){ .to = options->log_to ? options->log_to : stderr, .level = options->log };
	new->armed = INT64_MAX;
	for (unsigned i = 0; error == -EADDRINUSE && i < (at->port ? 1 : SRV_PORT_TRIES); i++)
		error = open_sockets(new, at);
	if (error < 0) {
		free(new);
		return error;
	}
	make_core(new);
	new->timer = net_timer_new(net, core_due, new);
	new->silence = net_timer_new(net, silent, new);
	*service = new;
	return 0;
}

void srv_service_address(const struct srv_service *service, struct net_addr *at)
{
	*at = service->address;
}

void srv_service_free(struct srv_service *service)
{
	if (!service)
		return;
	service->logger.level = SRV_LOG_QUIET;
	close_sockets(service);
	while (service->idle)
		end_connection(service->idle, false);
	while (service->busy)
		end_connection(service->busy, false);
	net_timer_free(service->timer);
	net_timer_free(service->silence);
	srv_core_free(service->core);
	if (service->filter)
		service->filter->close(service->filtered);
	free(service->movies);
	free(service);
}

struct srv_counts srv_service_counts(const struct srv_service *service)
{
	return (struct srv_counts){
		.users = srv_core_users(service->core),
		.endpoints = srv_core_endpoints(service->core),
		.connections = service->connections,
		.pending = srv_core_pending(service->core),
	};
}
