/* The keeper of a launched server, see keeper.h: sh -c in its own process group, a pipe for what it prints, a pidfd for its end.
 * Owns both, its timer, and the probes that find out whether somebody listens. */
#include "harness/keeper.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/real.h"

enum { PORT_TRIES = 50, LOWEST_PORT = 10000, MAX_LINE = 256 };

static const int64_t patience_usual = INT64_C(10000000000);
static const int64_t poll_every = 20000000;       /* probes while it starts */
static const int64_t settle_for = 300000000;      /* after one transport listens: the other may follow */
static const int64_t refusal_within = 15000000;   /* an ICMP refusal on this machine comes sooner */
static const int64_t grace = 500000000;           /* between SIGTERM and SIGKILL */

struct hx_keeper {
	struct hx_keeper_options options;
	char *command;                    /* as given */
	struct net_addr address;          /* with its port */
	/* The process. */
	pid_t pid;                        /* 0: none */
	int pidfd, pipe;
	struct event *ended, *printed;
	bool up;
	/* What it printed: a ring, and the line that begins. */
	char ring[HX_KEPT_OUTPUT], flat[HX_KEPT_OUTPUT];
	size_t written;                   /* ever */
	char line[MAX_LINE];
	size_t line_length;
	/* Probes. */
	struct net_timer *timer;
	struct net_udp *udp;
	struct net_tcp *tcp;
	int64_t deadline, udp_sent, first_sign;
	bool udp_listens, tcp_listens;
};

/* ---- the command ---------------------------------------------------------------------------------- */

static void host_text(const struct net_addr *address, char to[NET_ADDR_TEXT])
{
	char text[NET_ADDR_TEXT];
	char *end;

	net_addr_format(address, text);
	end = strrchr(text, ':');
	assert(end != NULL);
	*end = '\0';
	if (text[0] == '[') {
		text[strlen(text) - 1] = '\0';
		memmove(text, text + 1, strlen(text));
	}
	snprintf(to, NET_ADDR_TEXT, "%s", text);
}

/* The command with {host} and {port} replaced; the caller frees it. */
static char *fill_in(const char *command, const struct net_addr *address)
{
	char host[NET_ADDR_TEXT], port[8];
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	assert(to != NULL);
	host_text(address, host);
	snprintf(port, sizeof(port), "%u", address->port);
	while (*command != '\0') {
		if (strncmp(command, "{host}", 6) == 0 || strncmp(command, "{port}", 6) == 0) {
			fputs(command[1] == 'h' ? host : port, to);
			command += 6;
		} else {
			fputc(*command++, to);
		}
	}
	fclose(to);
	return text;
}

/* ---- a free port ------------------------------------------------------------------------------------ */

static void ignore_datagrams(void *context, const struct net_datagram *datagrams, size_t count)
{
	(void)context, (void)datagrams, (void)count;
}

static void ignore_connection(void *context, struct net_tcp *tcp)
{
	(void)context, (void)tcp;
}

/* Free for TCP, then for UDP, too. 0 or -errno. */
static int try_port(struct net *net, struct net_addr *address)
{
	static const struct net_listener_events listening = { .accepted = ignore_connection };
	static const struct net_udp_events receiving = { .received = ignore_datagrams };
	struct net_listener *listener;
	struct net_udp *udp;
	int error = net_tcp_listen(net, address, &listening, NULL, &listener);

	if (error < 0)
		return error;
	net_listener_local(listener, address);
	error = net_udp_open(net, address, &receiving, NULL, &udp);
	net_listener_close(listener);
	if (error >= 0)
		net_udp_close(udp);
	return error < 0 ? error : 0;
}

/* The first of the ports that the system gives to whoever asks for any. */
static unsigned first_ephemeral(void)
{
	FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned first;

	if (range == NULL)
		return 0;
	if (fscanf(range, "%u", &first) != 1)
		first = 0;
	fclose(range);
	return first;
}

/* By chance, below the ephemeral ports: of those one of our own clients may get the server's while it is not up, or a probe connect to itself.
 * 0, any, where there is no room below. */
static uint16_t choose_port(void)
{
	unsigned first = first_ephemeral();
	uint16_t chance;

	if (first <= LOWEST_PORT || first > UINT16_MAX || getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
		return 0;
	return (uint16_t)(LOWEST_PORT + chance % (first - LOWEST_PORT));
}

static int find_port(struct net *net, struct net_addr *address)
{
	int error = -EADDRINUSE;

	for (unsigned i = 0; i < PORT_TRIES && error == -EADDRINUSE; i++) {
		address->port = choose_port();
		error = try_port(net, address);
	}
	return error;
}

/* ---- processes ---------------------------------------------------------------------------------------- */

static void close_output(struct hx_keeper *keeper)
{
	if (keeper->printed != NULL)
		event_free(keeper->printed);
	keeper->printed = NULL;
	if (keeper->pipe >= 0)
		close(keeper->pipe);
	keeper->pipe = -1;
}

static void close_process(struct hx_keeper *keeper)
{
	if (keeper->ended != NULL)
		event_free(keeper->ended);
	keeper->ended = NULL;
	if (keeper->pidfd >= 0)
		close(keeper->pidfd);
	keeper->pidfd = -1;
	keeper->pid = 0;
	keeper->up = false;
}

static bool reap_within(struct hx_keeper *keeper, int64_t within)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	for (int64_t waited = 0; waitpid(keeper->pid, NULL, WNOHANG) == 0; waited += pause.tv_nsec) {
		if (waited >= within)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void read_output(struct hx_keeper *keeper);

/* Ends the group, stragglers of a dead leader included. */
static void end_group(struct hx_keeper *keeper, int64_t patience)
{
	pid_t pid = keeper->pid;

	if (pid > 0) {
		if (patience > 0)
			kill(-pid, SIGTERM);
		if (patience == 0 || !reap_within(keeper, patience)) {
			kill(-pid, SIGKILL);
			reap_within(keeper, INT64_MAX);
		}
		kill(-pid, SIGKILL);
	}
	close_process(keeper);
	read_output(keeper);
	close_output(keeper);
}

static void run_command(const char *command, int output)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static void leader_ended(int descriptor, short what, void *context);
static void output_ready(int descriptor, short what, void *context);

static void watch(struct hx_keeper *keeper)
{
	struct event_base *base = net_real_base(keeper->options.net);

	keeper->pidfd = (int)syscall(SYS_pidfd_open, keeper->pid, 0);
	keeper->ended = event_new(base, keeper->pidfd, EV_READ, leader_ended, keeper);
	keeper->printed = event_new(base, keeper->pipe, EV_READ | EV_PERSIST, output_ready, keeper);
	assert(keeper->pidfd >= 0 && keeper->ended != NULL && keeper->printed != NULL);
	event_add(keeper->ended, NULL);
	event_add(keeper->printed, NULL);
}

static bool launch(struct hx_keeper *keeper)
{
	char *command = fill_in(keeper->command, &keeper->address);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(command);
		return false;
	}
	fcntl(ends[1], F_SETFL, 0); /* the server's end blocks, as it is used to */
	keeper->pid = fork();
	if (keeper->pid == 0)
		run_command(command, ends[1]);
	free(command);
	close(ends[1]);
	keeper->pipe = ends[0];
	if (keeper->pid < 0) {
		keeper->pid = 0;
		close_output(keeper);
		return false;
	}
	setpgid(keeper->pid, keeper->pid);
	watch(keeper);
	return true;
}

/* ---- is it up? ------------------------------------------------------------------------------------------ */

static void probes_close(struct hx_keeper *keeper)
{
	if (keeper->udp != NULL)
		net_udp_close(keeper->udp);
	if (keeper->tcp != NULL)
		net_tcp_close(keeper->tcp);
	keeper->udp = NULL;
	keeper->tcp = NULL;
	net_timer_stop(keeper->timer);
}

static void is_up(struct hx_keeper *keeper, const struct net_addr *address)
{
	probes_close(keeper);
	keeper->up = true;
	keeper->options.up(keeper->options.context, address);
}

static void has_failed(struct hx_keeper *keeper, const char *why)
{
	probes_close(keeper);
	end_group(keeper, grace);
	keeper->options.failed(keeper->options.context, why);
}

static void sign_of_life(struct hx_keeper *keeper, bool *listens)
{
	*listens = true;
	if (keeper->first_sign == 0)
		keeper->first_sign = net_now(keeper->options.net);
}

/* LST-05: a list request without a session is discarded, so asking leaves no trace; that nobody refuses it is the answer. */
static void probe_udp(struct hx_keeper *keeper)
{
	static const char question[] = "0: USER_LIST_REQUEST||\r\n";

	if (keeper->udp == NULL || keeper->udp_sent != 0)
		return;
	net_udp_send(keeper->udp, &keeper->address, NULL, question, sizeof(question) - 1);
	net_flush(keeper->options.net);
	keeper->udp_sent = net_now(keeper->options.net);
}

static void udp_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct hx_keeper *keeper = context;

	(void)datagrams, (void)count;
	sign_of_life(keeper, &keeper->udp_listens);
}

static void udp_refused(void *context, const struct net_addr *peer, int error, int64_t at)
{
	struct hx_keeper *keeper = context;

	(void)peer, (void)error, (void)at;
	keeper->udp_sent = 0;
}

static void tcp_gone(struct hx_keeper *keeper)
{
	if (keeper->tcp != NULL)
		net_tcp_close(keeper->tcp);
	keeper->tcp = NULL;
}

static void tcp_connected(void *context)
{
	struct hx_keeper *keeper = context;

	sign_of_life(keeper, &keeper->tcp_listens);
	tcp_gone(keeper);
}

static void tcp_received(void *context, const char *octets, size_t length, int64_t at)
{
	(void)context, (void)octets, (void)length, (void)at;
}

static void tcp_ended(void *context, enum net_end end, int error, int64_t at)
{
	(void)end, (void)error, (void)at;
	tcp_gone(context);
}

static void probe_tcp(struct hx_keeper *keeper)
{
	static const struct net_tcp_events events = { .connected = tcp_connected, .received = tcp_received, .ended = tcp_ended };

	if (keeper->tcp_listens || keeper->tcp != NULL)
		return;
	if (net_tcp_connect(keeper->options.net, &keeper->address, &events, keeper, &keeper->tcp) < 0)
		keeper->tcp = NULL;
}

/* Both transports listen, or one did and the other had its time: it is up. */
static void poll_due(void *context)
{
	struct hx_keeper *keeper = context;
	int64_t now = net_now(keeper->options.net);

	if (keeper->udp_sent != 0 && now - keeper->udp_sent >= refusal_within)
		sign_of_life(keeper, &keeper->udp_listens);
	if (keeper->first_sign != 0 && ((keeper->udp_listens && keeper->tcp_listens) || now - keeper->first_sign >= settle_for)) {
		is_up(keeper, &keeper->address);
	} else if (now >= keeper->deadline) {
		has_failed(keeper, "it runs, but listens neither on UDP nor on TCP there");
	} else {
		probe_udp(keeper);
		probe_tcp(keeper);
		net_timer_at(keeper->timer, now + poll_every);
	}
}

static void start_polling(struct hx_keeper *keeper)
{
	static const struct net_udp_events events = { .received = udp_received, .refused = udp_refused };
	struct net_addr any = { .family = keeper->address.family };
	int64_t patience = keeper->options.patience > 0 ? keeper->options.patience : patience_usual;

	keeper->deadline = net_now(keeper->options.net) + patience;
	keeper->udp_sent = keeper->first_sign = 0;
	keeper->udp_listens = keeper->tcp_listens = false;
	if (net_udp_open(keeper->options.net, &any, &events, keeper, &keeper->udp) < 0)
		keeper->udp = NULL;
	net_timer_at(keeper->timer, net_now(keeper->options.net) + poll_every);
}

/* ---- what it prints --------------------------------------------------------------------------------------- */

/* `ready HOST:PORT`: it says itself that it listens, and where. A wildcard is where it was told to be. */
static void line_ended(struct hx_keeper *keeper)
{
	struct net_addr address;

	keeper->line[keeper->line_length] = '\0';
	keeper->line_length = 0;
	if (keeper->up || keeper->pid == 0 || strncmp(keeper->line, "ready ", 6) != 0 || net_addr_parse(&address, keeper->line + 6) < 0)
		return;
	if (net_addr_is_wildcard(&address)) {
		uint16_t port = address.port;

		address = keeper->address;
		address.port = port;
	}
	is_up(keeper, &address);
}

static void keep(struct hx_keeper *keeper, const char *octets, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		keeper->ring[keeper->written++ % HX_KEPT_OUTPUT] = octets[i];
		if (octets[i] == '\n')
			line_ended(keeper);
		else if (keeper->line_length < MAX_LINE - 1 && octets[i] != '\r')
			keeper->line[keeper->line_length++] = octets[i];
	}
}

/* At most what the ring holds at a time: a server that prints without end must not keep the loop. */
static void read_output(struct hx_keeper *keeper)
{
	char octets[4096];

	for (size_t taken = 0; taken < HX_KEPT_OUTPUT && keeper->pipe >= 0;) {
		ssize_t length = read(keeper->pipe, octets, sizeof(octets));

		if (length < 0)
			return;
		if (length == 0) {
			close_output(keeper);
			return;
		}
		keep(keeper, octets, (size_t)length);
		taken += (size_t)length;
	}
}

static void output_ready(int descriptor, short what, void *context)
{
	(void)descriptor, (void)what;
	read_output(context);
}

/* ---- its end ------------------------------------------------------------------------------------------------ */

static void describe_end(int status, char *to, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(to, size, "it was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 127)
		snprintf(to, size, "it ended with status 127: was the command not found?");
	else
		snprintf(to, size, "it ended with status %d", WEXITSTATUS(status));
}

static void leader_ended(int descriptor, short what, void *context)
{
	struct hx_keeper *keeper = context;
	bool was_up = keeper->up;
	char why[128];
	int status = 0;

	(void)descriptor, (void)what;
	if (keeper->pid == 0 || waitpid(keeper->pid, &status, WNOHANG) == 0)
		return;
	describe_end(status, why, sizeof(why));
	kill(-keeper->pid, SIGKILL); /* what it left behind */
	close_process(keeper);
	read_output(keeper);
	close_output(keeper);
	probes_close(keeper);
	(was_up ? keeper->options.died : keeper->options.failed)(keeper->options.context, why);
}

/* ---- outside -------------------------------------------------------------------------------------------------- */

struct hx_keeper *hx_keeper_new(const struct hx_keeper_options *options, int *error)
{
	struct hx_keeper *keeper = calloc(1, sizeof(*keeper));

	assert(keeper != NULL);
	keeper->options = *options;
	keeper->address = options->address;
	keeper->pidfd = keeper->pipe = -1;
	*error = options->address.port == 0 ? find_port(options->net, &keeper->address) : 0;
	if (*error < 0) {
		free(keeper);
		return NULL;
	}
	keeper->command = strdup(options->command);
	assert(keeper->command != NULL);
	keeper->timer = net_timer_new(options->net, poll_due, keeper);
	return keeper;
}

void hx_keeper_start(struct hx_keeper *keeper)
{
	probes_close(keeper);
	end_group(keeper, grace);
	keeper->line_length = 0;
	if (launch(keeper))
		start_polling(keeper);
	else
		keeper->options.failed(keeper->options.context, strerror(errno));
}

void hx_keeper_kill(struct hx_keeper *keeper)
{
	end_group(keeper, 0);
}

void hx_keeper_free(struct hx_keeper *keeper)
{
	if (keeper == NULL)
		return;
	probes_close(keeper);
	end_group(keeper, grace);
	net_timer_free(keeper->timer);
	free(keeper->command);
	free(keeper);
}

const char *hx_keeper_output(struct hx_keeper *keeper, size_t *length)
{
	size_t start = keeper->written > HX_KEPT_OUTPUT ? keeper->written % HX_KEPT_OUTPUT : 0;

	*length = keeper->written > HX_KEPT_OUTPUT ? HX_KEPT_OUTPUT : keeper->written;
	for (size_t i = 0; i < *length; i++)
		keeper->flat[i] = keeper->ring[(start + i) % HX_KEPT_OUTPUT];
	return keeper->flat;
}

size_t hx_keeper_printed(const struct hx_keeper *keeper)
{
	return keeper->written;
}

pid_t hx_keeper_group(const struct hx_keeper *keeper)
{
	return keeper->pid;
}
