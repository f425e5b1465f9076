/* The command line of the server and the life of its process: see command.h.
 * For main.c and main_faulty.c only.
 * The command owns the movies it loaded; the rest lives in srv_command_run(). */
#include "server/command.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "net/real.h"
#include "server/movies.h"

enum key {
	KEY_HOST = 256, KEY_PORT, KEY_TRANSPORT, KEY_MOVIES, KEY_RTO, KEY_MAX_RETRANSMITS, KEY_MAX_USERS, KEY_MAX_ROOM, KEY_MAX_REQUEST,
	KEY_MAX_TEXT, KEY_MAX_BACKLOG, KEY_LOSS, KEY_SEED, KEY_VERBOSE, KEY_QUIET,
};

static const struct argp_option options[] = {
	{ "host", KEY_HOST, "ADDRESS", 0, "where to listen (127.0.0.1)", 0 },
	{ "port", KEY_PORT, "PORT", 0, "0: any that is free (1950)", 0 },
	{ "transport", KEY_TRANSPORT, "udp|tcp|both", 0, "what to offer (both)", 0 },
	{ "movies", KEY_MOVIES, "FILE", 0, "one title a line (eight are built in)", 0 },
	{ "rto", KEY_RTO, "MS", 0, "milliseconds between transmissions (1000)", 0 },
	{ "max-retransmits", KEY_MAX_RETRANSMITS, "N", 0, "transmissions after the first (3)", 0 },
	{ "max-users", KEY_MAX_USERS, "N", 0, "as many as fit in one user list (1000)", 0 },
	{ "max-room", KEY_MAX_ROOM, "N", 0, "users in a movie room; 0: no limit (0)", 0 },
	{ "max-request", KEY_MAX_REQUEST, "OCTETS", 0, "of a request, CRLF included (4096)", 0 },
	{ "max-text", KEY_MAX_TEXT, "OCTETS", 0, "of a chat text (1024)", 0 },
	{ "max-backlog", KEY_MAX_BACKLOG, "OCTETS", 0, "that may wait for one peer (1048576)", 0 },
	{ "loss", KEY_LOSS, "P", 0, "drop every datagram, in either direction, with this probability (0)", 0 },
	{ "seed", KEY_SEED, "N", 0, "of the loss (0)", 0 },
	{ "verbose", KEY_VERBOSE, NULL, 0, "log every message", 0 },
	{ "quiet", KEY_QUIET, NULL, 0, "log nothing", 0 },
	{ 0 },
};

static unsigned long long number(struct argp_state *state, const char *name, const char *text, unsigned long long least,
                                 unsigned long long most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || strchr(text, '-') || value < least || value > most)
		argp_failure(state, SRV_EXIT_USAGE, 0, "--%s: \"%s\" is no number from %llu to %llu", name, text, least, most);
	return value;
}

static double probability(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value <= 1))
		argp_failure(state, SRV_EXIT_USAGE, 0, "--loss: \"%s\" is no probability from 0 to 1", text);
	return value;
}

static void set_transport(struct argp_state *state, struct srv_options *to, const char *text)
{
	bool both = strcmp(text, "both") == 0;

	to->udp = both || strcmp(text, "udp") == 0;
	to->tcp = both || strcmp(text, "tcp") == 0;
	if (!to->udp && !to->tcp)
		argp_failure(state, SRV_EXIT_USAGE, 0, "--transport: \"%s\" is none of udp, tcp, both", text);
}

static void complain(void *context, const char *text)
{
	const struct srv_command *command = context;

	fprintf(stderr, "%s: %s\n", command->program, text);
}

static void load_movies(struct argp_state *state, struct srv_command *command, const char *file)
{
	FILE *from = fopen(file, "re");

	if (!from)
		argp_failure(state, SRV_EXIT_USAGE, 0, "%s: %s", file, strerror(errno));
	srv_movies_free(command->movies);
	command->movies = srv_movies_load(from, file, complain, command);
	fclose(from);
	if (!command->movies)
		exit(SRV_EXIT_USAGE);
	command->options.movies = (const char *const *)command->movies;
}

/* FMT-07. The default gives way to long titles; what was asked for does not. */
static void check_users(struct argp_state *state, const struct srv_options *chosen)
{
	size_t count;
	struct srv_movie *movies = srv_movies_with_streams(chosen->movies ? chosen->movies : srv_movies_inside, &count);
	size_t fit = srv_core_users_that_fit(movies, count);
	struct srv_options standard;

	free(movies);
	srv_options_init(&standard);
	if (chosen->max_users > fit && chosen->max_users != standard.max_users)
		argp_failure(state, SRV_EXIT_USAGE, 0, "--max-users: with these movies a user list holds %zu users at most", fit);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct srv_command *command = state->input;
	struct srv_options *to = &command->options;

	switch (key) {
	case KEY_HOST: command->host = text; break;
	case KEY_PORT: command->port = (unsigned)number(state, "port", text, 0, 65535); break;
	case KEY_TRANSPORT: set_transport(state, to, text); break;
	case KEY_MOVIES: load_movies(state, command, text); break;
	case KEY_RTO: to->params.rto = (int64_t)number(state, "rto", text, 1, 3600000) * 1000000; break;
	case KEY_MAX_RETRANSMITS: to->params.max_retransmits = (int64_t)number(state, "max-retransmits", text, 0, 1000); break;
	case KEY_MAX_USERS: to->max_users = (unsigned)number(state, "max-users", text, 1, 65535); break;
	case KEY_MAX_ROOM: to->max_room = (unsigned)number(state, "max-room", text, 0, 65535); break;
	case KEY_MAX_REQUEST: to->params.max_request = (int64_t)number(state, "max-request", text, 128, C2W_MAX_TO_CLIENT); break;
	case KEY_MAX_TEXT: to->params.max_text = (int64_t)number(state, "max-text", text, 1, C2W_MAX_TO_CLIENT); break;
	case KEY_MAX_BACKLOG: to->params.max_backlog = (int64_t)number(state, "max-backlog", text, 1, 1 << 30); break;
	case KEY_LOSS: to->loss = probability(state, text); break;
	case KEY_SEED: to->seed = number(state, "seed", text, 0, UINT64_MAX); break;
	case KEY_VERBOSE: to->log = SRV_LOG_VERBOSE; break;
	case KEY_QUIET: to->log = SRV_LOG_QUIET; break;
	case ARGP_KEY_ARG: argp_failure(state, SRV_EXIT_USAGE, 0, "%s: no argument is expected", text); break;
	case ARGP_KEY_END: check_users(state, to); break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp srv_command_argp = { .options = options, .parser = parse };

void srv_command_init(struct srv_command *command, char *program)
{
	*command = (struct srv_command){ .program = program, .host = "127.0.0.1", .port = 1950 };
	srv_options_init(&command->options);
}

void srv_command_parse(struct srv_command *command, const struct argp *argp, int argc, char **argv)
{
	argp_err_exit_status = SRV_EXIT_USAGE;
	if (argc > 0)
		argv[0] = command->program; /* which getopt puts before its errors */
	argp_parse(argp, argc, argv, 0, NULL, command);
}

/* ---- the process ---------------------------------------------------------------------------- */

static void ended_by_signal(evutil_socket_t number_of_signal, short events, void *net)
{
	(void)number_of_signal;
	(void)events;
	net_stop(net);
}

/* As many connections as the system lets us have. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int failed(const struct srv_command *command, const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", command->program, what, net_error_text(error));
	return 1;
}

static int find_address(const struct srv_command *command, struct net_addr *at)
{
	char text[300];
	bool bare = strchr(command->host, ':') && command->host[0] != '[';

	snprintf(text, sizeof(text), bare ? "[%s]:%u" : "%s:%u", command->host, command->port);
	return net_addr_parse(at, text);
}

static void run(struct net *net, const struct srv_service *service)
{
	struct event *terminate = evsignal_new(net_real_base(net), SIGTERM, ended_by_signal, net);
	struct event *interrupt = evsignal_new(net_real_base(net), SIGINT, ended_by_signal, net);
	char address[NET_ADDR_TEXT];
	struct net_addr at;

	evsignal_add(terminate, NULL);
	evsignal_add(interrupt, NULL);
	srv_service_address(service, &at);
	printf("ready %s\n", net_addr_format(&at, address));
	fflush(stdout);
	net_run(net);
	event_free(terminate);
	event_free(interrupt);
}

int srv_command_run(struct srv_command *command)
{
	struct srv_service *service;
	struct net_addr at;
	struct net *net;
	int error = find_address(command, &at);

	if (error < 0)
		return failed(command, command->host, error);
	raise_file_limit();
	signal(SIGPIPE, SIG_IGN);
	net = net_real_new();
	if (!net)
		return failed(command, "event loop", -errno);
	error = srv_serve(net, &at, &command->options, &service);
	if (error >= 0) {
		run(net, service);
		srv_service_free(service);
	} else {
		char address[NET_ADDR_TEXT];

		failed(command, net_addr_format(&at, address), error);
	}
	net_free(net);
	srv_movies_free(command->movies);
	return error < 0 ? 1 : 0;
}
