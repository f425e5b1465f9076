/* c2w-conform: wires options, suite, network, target, scheduler and reports together. Nothing calls in here.
 * Owns everything that lives as long as the program. */
#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "harness/catalogue.h"
#include "harness/expect.h"
#include "harness/isolate.h"
#include "harness/keeper.h"
#include "harness/lag.h"
#include "harness/lastfailed.h"
#include "harness/main_pcap.h"
#include "harness/options.h"
#include "harness/progress.h"
#include "harness/schedule.h"
#include "net/real.h"
#include "net/sim.h"
#include "reports/output.h"
#include "server/serve.h"

const char *argp_program_version = "c2w-conform " C2W_VERSION;

enum { EXIT_CONFORMS, EXIT_VIOLATES, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_INCONCLUSIVE };

enum { MAX_COLUMNS = 1000 };

struct conform;

struct lane {
	struct conform *conform;
	unsigned index;
	struct hx_target target;
	struct hx_keeper *keeper;
};

struct conform {
	struct hx_options options;
	char *command, *repeat;
	struct hx_suite *suite;
	struct hx_pick *picks;
	unsigned pick_count;
	bool left_out[C2W_RULES];
	struct hx_expect *expect;
	struct net *net;
	struct srv_service *service;
	struct hx_lag *lag;
	struct lane *lanes;
	struct hx_target **targets;
	struct hx_schedule *schedule;
	struct hx_progress *progress;
	struct rp_output *json, *reports[RP_FORMATS];
	FILE *events;
	struct packets *packets;
	struct rp_result *result;
	struct event *interrupt, *terminate;
	int64_t run_start;
	unsigned spokesman;         /* the lane whose output is shown: the first, or the last that died */
	bool stopping, over;
};

static volatile sig_atomic_t interruptions;

static void complain(const char *what, const char *why)
{
	fprintf(stderr, "c2w-conform: %s: %s\n", what, why);
}

/* ---- the suite ------------------------------------------------------------------------------------ */

static void print_error(void *context, const char *text)
{
	(void)context;
	fputs(text, stderr);
	if (*text == '\0' || text[strlen(text) - 1] != '\n')
		fputc('\n', stderr);
}

static void print_complaint(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "c2w-conform: %s\n", text);
}

static bool load_suite(struct conform *conform)
{
	struct hx_words *paths = &conform->options.paths;
	char *standard = NULL;
	unsigned errors = 0;

	if (paths->count == 0) {
		standard = hx_default_suite();
		if (standard == NULL) {
			complain("the suite", "it is not installed beside this program; name a folder, or set C2W_SCENARIOS");
			return false;
		}
	}
	for (unsigned i = 0; i < paths->count; i++) {
		if (access(paths->at[i], R_OK) == 0)
			continue;
		complain(paths->at[i], strerror(errno));
		errors++;
	}
	if (errors == 0)
		errors = hx_suite_load(&conform->suite, standard != NULL ? (const char *const *)&standard : paths->at,
		                       standard != NULL ? 1 : paths->count, print_error, NULL);
	free(standard);
	return errors == 0;
}

static const char *target_key(const struct hx_options *options)
{
	return options->simulate ? "simulated" : options->target != NULL ? options->target : "launched";
}

static bool select_scenarios(struct conform *conform)
{
	const struct hx_options *options = &conform->options;
	struct hx_words failed = { 0 };
	struct hx_selection selection = {
		.only = options->only, .skip = options->skip, .level = options->level, .origins = options->origins,
		.transports = options->transports, .shard = options->shard, .shards = options->shards,
	};
	unsigned errors;

	if (options->last_failed) {
		hx_lastfailed_read(target_key(options), &failed);
		selection.last_failed = &failed;
	}
	hx_select_rules(&selection, conform->left_out);
	errors = hx_select(conform->suite, &selection, &conform->picks, &conform->pick_count, print_complaint, NULL);
	hx_lastfailed_free(&failed);
	return errors == 0;
}

static bool read_expected(struct conform *conform)
{
	const char *file = conform->options.expect;

	if (file != NULL)
		conform->expect = hx_expect_read(file, conform->suite, print_complaint, NULL);
	return file == NULL || conform->expect != NULL;
}

/* ---- what is seen ------------------------------------------------------------------------------------ */

static bool is_terminal(FILE *stream)
{
	const char *term = getenv("TERM");

	return isatty(fileno(stream)) && term != NULL && strcmp(term, "dumb") != 0;
}

static bool wants_colour(FILE *stream)
{
	const char *no_colour = getenv("NO_COLOR");

	return is_terminal(stream) && (no_colour == NULL || *no_colour == '\0');
}

static unsigned width_of(FILE *stream)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long wanted;

	if (isatty(fileno(stream)) && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	wanted = columns != NULL ? strtoul(columns, NULL, 10) : 0;
	return wanted > 0 && wanted <= MAX_COLUMNS ? (unsigned)wanted : 80;
}

static void start_progress(struct conform *conform)
{
	struct hx_progress_options options = {
		.people = conform->options.quiet ? NULL : stderr, .live = is_terminal(stderr), .colour = wants_colour(stderr),
		.verbose = conform->options.verbose, .width = width_of(stderr), .events = conform->events,
	};

	conform->progress = hx_progress_new(&options);
}

static bool open_output(struct rp_output **output, const char *file)
{
	if (file == NULL || (*output = rp_output_open(file)) != NULL)
		return true;
	complain(file, strerror(errno));
	return false;
}

/* All are opened before anything runs, so that what cannot be written is said first. */
static bool open_outputs(struct conform *conform)
{
	const struct hx_options *options = &conform->options;
	int error;

	if (!open_output(&conform->json, options->json))
		return false;
	for (int i = 0; i < RP_FORMATS; i++)
		if (!open_output(&conform->reports[i], options->reports[i]))
			return false;
	if (options->pcap != NULL && (conform->packets = packets_new(options->pcap, &error)) == NULL) {
		complain(options->pcap, strerror(-error));
		return false;
	}
	if (options->events != NULL && (conform->events = fopen(options->events, "we")) == NULL) {
		complain(options->events, strerror(errno));
		return false;
	}
	return true;
}

static void abandon_outputs(struct conform *conform)
{
	rp_output_abandon(conform->json);
	for (int i = 0; i < RP_FORMATS; i++)
		rp_output_abandon(conform->reports[i]);
}

/* ---- interruption ---------------------------------------------------------------------------------------- */

static void at_once(struct conform *conform)
{
	for (unsigned i = 0; i < conform->options.jobs; i++)
		if (conform->lanes[i].keeper != NULL)
			hx_keeper_kill(conform->lanes[i].keeper);
	abandon_outputs(conform);
	_exit(EXIT_INCONCLUSIVE);
}

/* The first one ends the scenarios with their teardown; the second one ends everything. */
static void interrupted(struct conform *conform)
{
	if (conform->stopping)
		at_once(conform);
	conform->stopping = true;
	hx_schedule_stop(conform->schedule, "interrupted");
}

static void signal_came(int number, short what, void *context)
{
	(void)number, (void)what;
	interrupted(context);
}

static void count_signal(int number)
{
	(void)number;
	interruptions++;
}

/* The virtual network has no loop that signals could wake: the flag is looked at when something happens. */
static void look_at_signals(struct conform *conform)
{
	if (conform->options.simulate && interruptions > 0 && !conform->stopping)
		interrupted(conform);
}

/* Between the opening of the outputs and the watch over signals, one would leave half of a file. */
static void hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(how, &set, NULL);
}

static void watch_signals(struct conform *conform)
{
	if (conform->options.simulate) {
		signal(SIGINT, count_signal);
		signal(SIGTERM, count_signal);
		return;
	}
	conform->interrupt = evsignal_new(net_real_base(conform->net), SIGINT, signal_came, conform);
	conform->terminate = evsignal_new(net_real_base(conform->net), SIGTERM, signal_came, conform);
	assert(conform->interrupt != NULL && conform->terminate != NULL);
	event_add(conform->interrupt, NULL);
	event_add(conform->terminate, NULL);
}

/* ---- what the scheduler tells -------------------------------------------------------------------------------- */

static int64_t since_start(const struct conform *conform)
{
	return net_now(conform->net) - conform->run_start;
}

static void planned(void *context, unsigned total)
{
	struct conform *conform = context;

	hx_progress_planned(conform->progress, total);
}

static void started(void *context, const struct rp_scenario *record, unsigned try)
{
	struct conform *conform = context;

	hx_progress_started(conform->progress, record, try, since_start(conform));
	look_at_signals(conform);
}

static void finished(void *context, const struct rp_scenario *record, unsigned tries)
{
	struct conform *conform = context;

	hx_progress_finished(conform->progress, record, tries);
}

static void noted(void *context, const char *text)
{
	struct conform *conform = context;

	hx_progress_note(conform->progress, text, since_start(conform));
}

static void restart(void *context, unsigned index)
{
	struct conform *conform = context;

	conform->spokesman = index;
	hx_keeper_start(conform->lanes[index].keeper);
}

static void over(void *context)
{
	struct conform *conform = context;

	conform->over = true;
	net_stop(conform->net);
}

/* ---- the target -------------------------------------------------------------------------------------------------- */

/* Of several servers only one could be watched, unless nothing else is there. */
static void watch_packets(struct conform *conform, const struct net_addr *target)
{
	if (conform->packets != NULL && !conform->options.simulate && (conform->options.jobs == 1 || conform->options.isolate))
		packets_watch(conform->packets, target, conform->options.isolate);
}

static void server_up(void *context, const struct net_addr *address)
{
	struct lane *lane = context;

	lane->target.address = *address;
	watch_packets(lane->conform, address);
	hx_schedule_up(lane->conform->schedule, lane->index);
}

static void server_died(void *context, const char *why)
{
	struct lane *lane = context;

	lane->conform->spokesman = lane->index;
	hx_schedule_died(lane->conform->schedule, lane->index, why);
}

static void server_failed(void *context, const char *why)
{
	struct lane *lane = context;

	hx_schedule_down(lane->conform->schedule, lane->index, why);
}

static struct net_addr address_of(const struct hx_options *options)
{
	const struct net_addr loopback = { .octets = { 127, 0, 0, 1 }, .family = 4 };

	return options->target != NULL ? options->address : loopback;
}

static bool prepare_keeper(struct lane *lane)
{
	const struct hx_keeper_options options = {
		.net = lane->conform->net, .command = lane->conform->options.launch, .address = address_of(&lane->conform->options),
		.up = server_up, .died = server_died, .failed = server_failed, .context = lane,
	};
	int error;

	lane->keeper = hx_keeper_new(&options, &error);
	if (lane->keeper == NULL)
		complain("no port is free for the server", net_error_text(error));
	return lane->keeper != NULL;
}

/* The reference core keeps to the numbers that it is judged by. Codes and words are its own, as c2w-server's are. */
static bool serve(struct conform *conform, struct net_addr *at)
{
	const struct c2w_params *params = &conform->options.params;
	struct srv_options options;
	int error;

	srv_options_init(&options);
	options.log = SRV_LOG_QUIET;
	options.seed = conform->options.seed;
	if (params->rto != C2W_AUTO)
		options.params.rto = params->rto;
	if (params->max_retransmits != C2W_AUTO)
		options.params.max_retransmits = params->max_retransmits;
	options.params.max_request = params->max_request;
	options.params.max_text = params->max_text;
	options.params.max_backlog = params->max_backlog;
	if (params->capacity > 0)
		options.max_users = (unsigned)params->capacity;
	if (params->room_capacity > 0)
		options.max_room = (unsigned)params->room_capacity;
	error = srv_serve(conform->net, at, &options, &conform->service);
	if (error < 0)
		complain("the reference core", net_error_text(error));
	return error >= 0;
}

static void make_nonce(const struct conform *conform, char nonce[6])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char random[5] = { 18, 8, 12, 20, 11 };

	if (!conform->options.simulate && getrandom(random, sizeof(random), 0) < (ssize_t)sizeof(random))
		random[0] = (unsigned char)getpid();
	for (size_t i = 0; i < sizeof(random); i++)
		nonce[i] = letters[random[i] % (sizeof(letters) - 1)];
	nonce[5] = '\0';
}

static void fill_target(struct lane *lane, const char nonce[6])
{
	struct conform *conform = lane->conform;
	struct hx_target *target = &lane->target;
	struct c2w_params standard;

	c2w_params_init(&standard);
	target->net = conform->net;
	target->address = address_of(&conform->options);
	target->udp = target->tcp = true;
	target->params = conform->options.params;
	if (target->params.rto == C2W_AUTO)
		target->params.rto = standard.rto;
	if (target->params.max_retransmits == C2W_AUTO)
		target->params.max_retransmits = standard.max_retransmits;
	memcpy(target->nonce, nonce, 6);
	if (conform->lag != NULL) {
		target->lag = hx_lag_worst;
		target->lag_context = conform->lag;
	}
}

static bool prepare_targets(struct conform *conform)
{
	unsigned count = conform->options.jobs;
	char nonce[6];

	make_nonce(conform, nonce);
	for (unsigned i = 0; i < count; i++) {
		struct lane *lane = &conform->lanes[i];

		*lane = (struct lane){ .conform = conform, .index = i };
		fill_target(lane, nonce);
		conform->targets[i] = &lane->target;
		if (conform->options.launch != NULL && !prepare_keeper(lane))
			return false;
	}
	if (!conform->options.simulate)
		return true;
	conform->lanes[0].target.address.port = 1950;
	return serve(conform, &conform->lanes[0].target.address);
}

/* ---- one run --------------------------------------------------------------------------------------------------------- */

static bool is_local(const struct hx_options *options)
{
	return options->simulate || options->launch != NULL || net_addr_is_loopback(&options->address);
}

static bool isolate(const struct conform *conform)
{
	int error = conform->options.isolate ? hx_isolate() : 0;

	if (error < 0)
		complain("--isolate: this system grants no network of its own", strerror(-error));
	return error == 0;
}

static bool open_net(struct conform *conform)
{
	const struct net_sim_options sim = { .seed = conform->options.seed };

	conform->net = conform->options.simulate ? net_sim_new(&sim) : net_real_new();
	if (conform->net == NULL)
		complain("the network", strerror(errno));
	else if (conform->lag != NULL)
		hx_lag_start(conform->lag, conform->net);
	return conform->net != NULL;
}

static void make_schedule(struct conform *conform)
{
	const struct hx_options *options = &conform->options;
	struct hx_schedule_options schedule = {
		.net = conform->net, .targets = conform->targets, .lanes = options->jobs, .picks = conform->picks,
		.pick_count = conform->pick_count, .result = conform->result, .run_start = conform->run_start,
		.left_out = conform->left_out, .transports = options->transports, .transports_given = options->transports_given,
		.launched = options->launch != NULL, .no_gate = options->no_sanity,
		.allow_load = options->allow_load || options->simulate || net_addr_is_loopback(&conform->targets[0]->address),
		.shuffle = options->shuffle, .measure_rto = options->params.rto == C2W_AUTO,
		.measure_retransmits = options->params.max_retransmits == C2W_AUTO, .seed = options->seed, .repeat = options->repeat,
		.timeout = options->timeout, .max_time = options->max_time, .repeat_command = conform->repeat,
		.events = { .planned = planned, .started = started, .finished = finished, .note = noted, .restart = restart, .over = over },
		.context = conform,
	};

	conform->schedule = hx_schedule_new(&schedule);
}

static void describe_run(struct conform *conform)
{
	const struct hx_options *options = &conform->options;
	struct rp_result *result = conform->result;
	char address[NET_ADDR_TEXT];

	net_addr_format(&conform->targets[0]->address, address);
	result->tool = rp_text(result, "c2w-conform");
	result->version = rp_text(result, "%s", C2W_VERSION);
	result->command = rp_text(result, "%s", conform->command);
	result->seed = options->seed;
	result->warnings_fail = options->fail_on_warn;
	result->target.address = rp_text(result, "%s", options->simulate ? "simulated" : address);
	result->target.launch = options->launch != NULL ? rp_text(result, "%s", options->launch) : NULL;
	result->target.simulated = options->simulate;
	result->target.udp_left_out = (options->transports & C2W_ON_UDP) == 0;
	result->target.tcp_left_out = (options->transports & C2W_ON_TCP) == 0;
	result->target.started = conform->run_start + net_wall_offset(conform->net);
}

/* The address may be known only now; a server's NULs would end its output here. */
static void describe_launched(struct conform *conform)
{
	struct lane *lane = &conform->lanes[conform->spokesman];
	char address[NET_ADDR_TEXT];
	const char *output;
	size_t length;
	char *text;

	if (lane->keeper == NULL)
		return;
	net_addr_format(&conform->targets[0]->address, address);
	conform->result->target.address = rp_text(conform->result, "%s", address);
	output = hx_keeper_output(lane->keeper, &length);
	text = rp_text(conform->result, "%*s", (int)length, "");
	for (size_t i = 0; i < length; i++)
		text[i] = output[i];
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0')
			text[i] = '?';
	conform->result->target.output = text;
}

static void play(struct conform *conform)
{
	conform->run_start = net_now(conform->net);
	describe_run(conform);
	start_progress(conform);
	hx_progress_run(conform->progress, conform->result->target.address, conform->options.seed);
	make_schedule(conform);
	watch_signals(conform);
	hold_signals(SIG_UNBLOCK);
	if (conform->options.launch == NULL || conform->options.isolate)
		watch_packets(conform, &conform->targets[0]->address);
	hx_schedule_start(conform->schedule);
	for (unsigned i = 0; i < conform->options.jobs; i++)
		if (conform->lanes[i].keeper != NULL)
			hx_keeper_start(conform->lanes[i].keeper);
	while (!conform->over && net_run(conform->net) == 1)
		continue;
	assert(conform->over);
	describe_launched(conform);
}

static int exit_code(const struct conform *conform)
{
	switch (rp_outcome(conform->result)) {
	case RP_CONFORMS:
		return EXIT_CONFORMS;
	case RP_VIOLATES:
		return EXIT_VIOLATES;
	case RP_UNREACHABLE:
		return EXIT_UNREACHABLE;
	case RP_UNDECIDED:
		break;
	}
	return EXIT_INCONCLUSIVE;
}

/* The stream keeps what goes wrong while it is written; the end tells it. */
static bool commit(struct rp_output **output, const char *file)
{
	int error = rp_output_commit(*output);

	*output = NULL;
	if (error != 0)
		complain(file, strerror(-error));
	return error == 0;
}

static bool write_outputs(struct conform *conform)
{
	bool fine = true;

	if (conform->json != NULL) {
		rp_json_write(conform->result, rp_output_stream(conform->json));
		fine = commit(&conform->json, conform->options.json);
	}
	for (int i = 0; i < RP_FORMATS; i++) {
		if (conform->reports[i] == NULL)
			continue;
		rp_renderings[i].write(conform->result, rp_output_stream(conform->reports[i]));
		fine = commit(&conform->reports[i], conform->options.reports[i]) && fine;
	}
	return fine;
}

static int write_packets(struct conform *conform)
{
	int error = conform->packets == NULL ? 0 : packets_write(conform->packets, conform->result);

	if (error < 0)
		complain(conform->options.pcap, strerror(-error));
	if (conform->packets != NULL && packets_why(conform->packets) != NULL) {
		noted(conform, rp_text(conform->result, "The packets were not captured (%s), but made from what was sent and received.%s", packets_why(conform->packets),
		                       conform->options.launch != NULL && !conform->options.isolate ? " --isolate captures them." : ""));
	}
	return error;
}

static int report(struct conform *conform)
{
	const struct rp_terminal_options options = {
		.colour = wants_colour(stdout), .width = width_of(stdout), .verbose = conform->options.verbose, .quiet = conform->options.quiet,
		.chosen = conform->options.paths.count > 0 || conform->options.only.count > 0 || conform->options.last_failed,
	};
	int code;

	if (conform->expect != NULL)
		hx_expect_judge(conform->expect, conform->left_out, conform->result);
	code = exit_code(conform);
	if (write_packets(conform) < 0)
		code = EXIT_USAGE;
	hx_progress_end(conform->progress, conform->result, code);
	rp_terminal_write(conform->result, stdout, &options);
	fflush(stdout);
	if (!write_outputs(conform))
		code = EXIT_USAGE;
	hx_lastfailed_write(target_key(&conform->options), conform->result);
	return code;
}

static void close_signals(struct conform *conform)
{
	if (conform->interrupt != NULL)
		event_free(conform->interrupt);
	if (conform->terminate != NULL)
		event_free(conform->terminate);
}

static void tidy(struct conform *conform)
{
	hx_schedule_free(conform->schedule);
	for (unsigned i = 0; i < conform->options.jobs; i++) {
		struct hx_target *target = &conform->lanes[i].target;

		hx_keeper_free(conform->lanes[i].keeper);
		for (unsigned t = 0; t < target->title_count; t++)
			free(target->titles[t]);
		free(target->titles);
	}
	srv_service_free(conform->service);
	hx_lag_free(conform->lag);
	close_signals(conform);
	if (conform->net != NULL)
		net_free(conform->net);
	hx_progress_free(conform->progress);
	abandon_outputs(conform);
	if (conform->events != NULL)
		fclose(conform->events);
	packets_free(conform->packets);
	rp_result_free(conform->result);
	free(conform->lanes);
	free(conform->targets);
	free(conform->repeat);
}

static void choose_seed(struct hx_options *options)
{
	unsigned random = 1;

	if (!options->seed_given && getrandom(&random, sizeof(random), 0) == sizeof(random))
		options->seed = random;
}

static int run(struct conform *conform)
{
	unsigned lanes = conform->options.jobs;
	int code = EXIT_USAGE;

	hold_signals(SIG_BLOCK);
	choose_seed(&conform->options);
	conform->repeat = hx_options_repeat(&conform->options);
	conform->result = rp_result_new();
	conform->result->whole_timelines = conform->options.pcap != NULL;
	conform->lanes = calloc(lanes, sizeof(*conform->lanes));
	conform->targets = calloc(lanes, sizeof(struct hx_target *));
	assert(conform->lanes != NULL && conform->targets != NULL);
	if (!conform->options.simulate)
		conform->lag = hx_lag_new(is_local(&conform->options));
	if (open_outputs(conform) && isolate(conform) && open_net(conform) && prepare_targets(conform)) {
		play(conform);
		code = report(conform);
	}
	tidy(conform);
	return code;
}

static int look(struct conform *conform)
{
	switch (conform->options.mode) {
	case HX_CHECK:
		return read_expected(conform) ? EXIT_CONFORMS : EXIT_USAGE;
	case HX_EXPLAIN:
		hx_explain(conform->suite, conform->options.explain, width_of(stdout), stdout);
		break;
	case HX_COVERAGE:
		return hx_coverage(conform->suite, conform->options.quiet, stdout) == 0 ? EXIT_CONFORMS : EXIT_VIOLATES;
	case HX_LIST:
		if (!select_scenarios(conform))
			return EXIT_USAGE;
		hx_list(conform->picks, conform->pick_count, stdout);
		break;
	case HX_RUN:
		return read_expected(conform) && select_scenarios(conform) ? run(conform) : EXIT_USAGE;
	}
	return EXIT_CONFORMS;
}

int main(int argc, char **argv)
{
	struct conform conform = { .command = hx_options_command(argc, argv) };
	int code = EXIT_USAGE;

	hx_options_parse(&conform.options, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (load_suite(&conform))
		code = look(&conform);
	free(conform.picks);
	hx_expect_free(conform.expect);
	hx_suite_free(conform.suite);
	free(conform.command);
	free(conform.options.only.at);
	free(conform.options.skip.at);
	free(conform.options.paths.at);
	return code;
}
