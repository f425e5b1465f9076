/* c2w-trace: judges captures, and what passes an interface, by what the packets say. Wires source, trace, record and reports together.
 * Nothing calls in here. Owns everything that lives as long as the program. */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "reports/output.h"
#include "reports/profile.h"
#include "pcap/main_record.h"
#include "pcap/main_scenario.h"
#include "pcap/source.h"

const char *argp_program_version = "c2w-trace " C2W_VERSION;

enum { EXIT_CONFORMS, EXIT_VIOLATES, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_INCONCLUSIVE };
enum { MS = 1000000, MAX_COLUMNS = 1000 };

struct options {
	struct c2w_params params;
	struct net_addr server;
	const char *interface, *filter, *json;
	char **files;
	int file_count;
	int64_t latency, max_time;
	bool servers, clients, complete, messages, to_scenario, verbose, quiet, fail_on_warn;
};

struct run {
	struct options options;
	char *command;
	struct record *record;
	struct pc_trace *trace;
	struct scenario *scenario;
	struct rp_output *json;
	bool unreadable;            /* nothing of some file could be read */
	int64_t last;               /* ns: time of the last frame */
};

static struct pc_source *live;  /* for the signal handler */

static void complain(const char *what, const char *why)
{
	fprintf(stderr, "c2w-trace: %s: %s\n", what, why);
}

/* ---- options ------------------------------------------------------------------------------------------ */

enum key { KEY_SERVER = 256, KEY_JUDGE, KEY_COMPLETE, KEY_LATENCY, KEY_FILTER, KEY_MAX_TIME, KEY_JSON, KEY_MESSAGES, KEY_TO_SCENARIO, KEY_FAIL_ON, KEY_PROFILE };

static const struct argp_option table[] = {
	{ .doc = "What is looked at:", .group = 1 },
	{ "interface", 'i', "NAME", 0, "Watch this interface instead of reading files, until interrupted", 1 },
	{ "filter", KEY_FILTER, "EXPRESSION", 0, "With -i: only these packets (pcap-filter), such as 'port 1950'", 1 },
	{ "max-time", KEY_MAX_TIME, "DURATION", 0, "With -i: stop after this time", 1 },
	{ "server", KEY_SERVER, "HOST:PORT", 0, "Judge this server only, and whoever talks to it; :PORT for any host (default: whatever is recognised, and port 1950)", 1 },
	{ "judge", KEY_JUDGE, "server|client|both", 0, "Whom to judge (default: both)", 1 },
	{ "complete", KEY_COMPLETE, NULL, 0, "Nothing began before the capture: judge every session whole", 1 },
	{ "latency", KEY_LATENCY, "DURATION", 0, "The most that a packet takes from where it was captured to either side (default: 5ms)", 1 },
	{ "define", 'D', "NAME=VALUE", 0, "Set a parameter of the protocol (section 9): rto=200ms, name-taken=any", 1 },
	{ "profile", KEY_PROFILE, "FILE", 0, "Read such parameters from a file, NAME = VALUE a line", 1 },
	{ .doc = "What comes out:", .group = 2 },
	{ "json", KEY_JSON, "FILE", 0, "Write the result there", 2 },
	{ "messages", KEY_MESSAGES, NULL, 0, "Print every message, a JSON object a line, instead of a report", 2 },
	{ "to-scenario", KEY_TO_SCENARIO, NULL, 0, "Print a scenario that does the same, instead of a report: `c2w-trace --to-scenario x.pcap > x.c2w`", 2 },
	{ "fail-on", KEY_FAIL_ON, "warn", 0, "End with 1 also if a SHOULD is not followed", 2 },
	{ "quiet", 'q', NULL, 0, "Failures in brief and the last line only", 2 },
	{ "verbose", 'v', NULL, 0, "Leave nothing out", 2 },
	{ 0 },
};

static const char documentation[] =
	"Judges a C2W/22 server and its clients by their packets.\v"
	"A FILE is a capture (pcap or pcapng), - for standard input. The exit code is 0 if nothing broke a rule, 1 if something did, 2 for a "
	"mistake on the command line or a file that is no capture, 4 if nothing did but not all could be judged.";

static int64_t duration(struct argp_state *state, const char *option, const char *value)
{
	int64_t ns = 0;

	if (c2w_duration_parse(c2w_str_of(value), &ns) != C2W_OK)
		argp_failure(state, EXIT_USAGE, 0, "%s: %s: must be a duration, as 200ms or 1s", option, value);
	return ns;
}

static void parse_server(struct argp_state *state, struct options *options, const char *value)
{
	char *end;
	unsigned long port;
	int error;

	if (*value == ':') {
		port = strtoul(value + 1, &end, 10);
		if (*end != '\0' || end == value + 1 || port == 0 || port > UINT16_MAX)
			argp_failure(state, EXIT_USAGE, 0, "--server: %s: no port", value);
		options->server.port = (uint16_t)port;
		return;
	}
	error = net_addr_parse(&options->server, value);
	if (error < 0)
		argp_failure(state, EXIT_USAGE, 0, "--server: %s: %s", value, net_error_text(error));
}

static void parse_judge(struct argp_state *state, struct options *options, const char *value)
{
	options->servers = strcmp(value, "client") != 0;
	options->clients = strcmp(value, "server") != 0;
	if (options->servers && options->clients && strcmp(value, "both") != 0)
		argp_failure(state, EXIT_USAGE, 0, "--judge: %s: must be server, client or both", value);
}

static void refuse_params(struct argp_state *state, const char *option, char *wrong)
{
	if (wrong != NULL)
		argp_failure(state, EXIT_USAGE, 0, "%s: %s", option, wrong);
	free(wrong);
}

static void check(struct argp_state *state, const struct options *options)
{
	if (options->interface == NULL && options->file_count == 0)
		argp_failure(state, EXIT_USAGE, 0, "nothing to look at: name a capture, or an interface with -i");
	if (options->interface != NULL && options->file_count > 0)
		argp_failure(state, EXIT_USAGE, 0, "-i: either an interface or files");
	if (options->interface == NULL && (options->filter != NULL || options->max_time > 0))
		argp_failure(state, EXIT_USAGE, 0, "--filter and --max-time go with -i only");
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'i': options->interface = value; return 0;
	case KEY_FILTER: options->filter = value; return 0;
	case KEY_MAX_TIME: options->max_time = duration(state, "--max-time", value); return 0;
	case KEY_SERVER: parse_server(state, options, value); return 0;
	case KEY_JUDGE: parse_judge(state, options, value); return 0;
	case KEY_COMPLETE: options->complete = true; return 0;
	case KEY_LATENCY: options->latency = duration(state, "--latency", value); return 0;
	case 'D': refuse_params(state, "-D", rp_define(&options->params, value)); return 0;
	case KEY_PROFILE: refuse_params(state, "--profile", rp_profile_read(&options->params, value)); return 0;
	case KEY_JSON: options->json = value; return 0;
	case KEY_MESSAGES: options->messages = true; return 0;
	case KEY_TO_SCENARIO: options->to_scenario = true; return 0;
	case KEY_FAIL_ON:
		if (strcmp(value, "warn") != 0)
			argp_failure(state, EXIT_USAGE, 0, "--fail-on: %s: must be warn", value);
		options->fail_on_warn = true;
		return 0;
	case 'q': options->quiet = true; return 0;
	case 'v': options->verbose = true; return 0;
	case ARGP_KEY_ARGS:
		options->files = state->argv + state->next;
		options->file_count = state->argc - state->next;
		return 0;
	case ARGP_KEY_END: check(state, options); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static char *command_line(int argc, char **argv)
{
	char *line = NULL;
	size_t length;
	FILE *to = open_memstream(&line, &length);

	for (int i = 0; i < argc; i++)
		fprintf(to, "%s%s", i == 0 ? "" : " ", argv[i]);
	fclose(to);
	return line;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static void set(json_t *object, const char *key, struct c2w_str octets)
{
	char *escaped = rp_escape(octets.at == NULL ? "" : octets.at, octets.length);

	json_object_set_new(object, key, json_string(escaped));
	free(escaped);
}

/* As our own parser reads it: what the dissector's fields are compared with. */
static void print_message(const struct pc_session *session, const struct pc_event *event)
{
	const struct c2w_message *message = event->message;
	json_t *object;

	if (message == NULL)
		return;
	object = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "schema", "c2w-message/1", "packet", (json_int_t)event->packet, "at_ns", (json_int_t)event->at, "session",
	                   (json_int_t)session->id, "transport", session->tcp ? "tcp" : "udp", "from", event->received ? "server" : "client", "error",
	                   c2w_err_text(event->err));
	set(object, "octets", event->octets);
	set(object, "time", message->time_text);
	set(object, "command", message->command_text);
	set(object, "user", message->user);
	set(object, "data", message->data);
	json_object_set_new(object, "name", message->command == C2W_NO_COMMAND ? json_null() : json_string(c2w_command_info(message->command)->name));
	json_object_set_new(object, "code", json_integer(message->code));
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void tell_event(void *context, struct pc_session *session, const struct pc_event *event)
{
	struct run *run = context;

	if (run->options.messages)
		print_message(session, event);
	else if (run->scenario != NULL)
		scenario_event(run->scenario, session, event);
	else
		record_event(run->record, session, event);
}

static void tell_opened(void *context, struct pc_session *session)
{
	record_opened(((struct run *)context)->record, session);
}

static void tell_closed(void *context, struct pc_session *session)
{
	record_closed(((struct run *)context)->record, session);
}

static void tell_found(void *context, struct pc_session *session, uint64_t packet, const struct jd_finding *finding)
{
	record_found(((struct run *)context)->record, session, packet, finding);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

/* What was readable is judged, and the rest is said. */
static void read_all(struct run *run, struct pc_source *source, const char *name)
{
	int link = pc_source_link(source), got;
	uint64_t dropped = 0;
	struct pc_frame frame;

	record_file(run->record, name);
	while ((got = pc_source_next(source, &frame)) > 0) {
		if (frame.number == 1 && frame.at < run->last)
			pc_trace_end(run->trace); /* it does not continue the file before */
		run->last = frame.at;
		pc_trace_frame(run->trace, link, frame.at, frame.number, frame.octets, frame.length);
		if (run->options.interface != NULL && frame.number % 1024 == 0 && pc_source_dropped(source) > dropped) {
			dropped = pc_source_dropped(source);
			pc_trace_missing(run->trace);
		}
	}
	if (got < 0) {
		complain(name, pc_source_error(source));
		record_remark(run->record, true, "%s cannot be read to its end: %s.", name, pc_source_error(source));
	}
	if (pc_source_dropped(source) > 0)
		record_remark(run->record, true, "The kernel had no room for %llu packets.", (unsigned long long)pc_source_dropped(source));
}

static void read_file(struct run *run, const char *name)
{
	char *error = NULL;
	struct pc_source *source = pc_source_file(name, &error);

	if (source == NULL) {
		complain(name, error);
		free(error);
		run->unreadable = true;
	} else if (!pc_link_known(pc_source_link(source))) {
		complain(name, "its packets are of a kind that cannot carry C2W, or that is unknown here:");
		complain(name, pc_source_link_name(source));
		run->unreadable = true;
	} else {
		read_all(run, source, name);
	}
	pc_source_close(source);
}

static void stop(int number)
{
	(void)number;
	pc_source_stop(live);
}

static void watch(struct run *run)
{
	const struct options *options = &run->options;
	const struct sigaction action = { .sa_handler = stop };
	char *error = NULL;

	live = pc_source_live(options->interface, options->filter, &error);
	if (live == NULL || !pc_link_known(pc_source_link(live))) {
		complain(options->interface, live == NULL ? error : pc_source_link_name(live));
		free(error);
		run->unreadable = true;
		pc_source_close(live);
		return;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	if (options->max_time > 0)
		alarm((unsigned)((options->max_time + 999 * MS) / (1000 * MS)));
	fprintf(stderr, "c2w-trace: %s: watching\n", options->interface);
	read_all(run, live, options->interface);
	pc_source_close(live);
}

static void start(struct run *run)
{
	const struct options *options = &run->options;
	const struct record_options record = { options->servers, options->clients, &options->params, run->command };
	const struct pc_trace_options trace = {
		.params = options->params, .server = options->server, .complete = options->complete, .latency = options->latency,
		.opened = tell_opened, .closed = tell_closed, .event = tell_event, .found = tell_found, .context = run,
	};

	run->record = record_new(&record);
	run->scenario = options->to_scenario ? scenario_new(&options->params) : NULL;
	run->trace = pc_trace_new(&trace);
	if (run->trace == NULL)
		abort();
	if (options->interface != NULL)
		watch(run);
	for (int i = 0; i < options->file_count; i++)
		read_file(run, options->files[i]);
	pc_trace_end(run->trace);
}

/* ---- the report -------------------------------------------------------------------------------------------- */

static int exit_code(const struct run *run, const struct rp_result *result)
{
	if (run->unreadable)
		return result->verdict == RP_VIOLATES ? EXIT_VIOLATES : EXIT_USAGE;
	switch (result->verdict) {
	case RP_CONFORMS:
		return run->options.fail_on_warn && rp_count(result).rules[RP_WARN] > 0 ? EXIT_VIOLATES : EXIT_CONFORMS;
	case RP_VIOLATES:
		return EXIT_VIOLATES;
	case RP_UNREACHABLE:
		return EXIT_UNREACHABLE;
	case RP_UNDECIDED:
		break;
	}
	return EXIT_INCONCLUSIVE;
}

static unsigned width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_col <= MAX_COLUMNS ? size.ws_col : 80;
}

/* The rules of clients are none of those that the last line counts. */
static void print_clients(const struct rp_result *result)
{
	unsigned kept = 0, broken = 0;

	for (unsigned rule = 1; rule < C2W_RULES; rule++) {
		if (c2w_rule_info((enum c2w_rule)rule)->binds != C2W_BINDS_CLIENT)
			continue;
		kept += result->rules[rule].verdict == RP_PASS;
		broken += result->rules[rule].verdict == RP_FAIL;
	}
	printf("clients: %u of their rules broken, %u kept\n", broken, kept);
}

static int write_json(struct run *run, const struct rp_result *result)
{
	int error = rp_json_write(result, rp_output_stream(run->json));

	if (error == 0)
		return rp_output_commit(run->json);
	rp_output_abandon(run->json);
	return error;
}

static int report(struct run *run)
{
	const struct rp_terminal_options options = {
		.colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL, .width = width(), .verbose = run->options.verbose, .quiet = run->options.quiet,
	};
	struct rp_result *result = record_finish(run->record, run->trace);
	int code = exit_code(run, result), error = 0;

	if (run->scenario != NULL && scenario_why_not(run->scenario) != NULL) {
		complain("--to-scenario", scenario_why_not(run->scenario));
		return EXIT_INCONCLUSIVE;
	}
	if (run->scenario != NULL)
		return scenario_write(run->scenario, stdout) && !run->unreadable ? EXIT_CONFORMS : EXIT_USAGE;
	if (!run->options.messages) {
		if (run->options.clients && !run->options.quiet)
			print_clients(result);
		rp_terminal_write(result, stdout, &options);
	}
	if (run->json != NULL)
		error = write_json(run, result);
	if (error != 0)
		complain(run->options.json, strerror(-error));
	return error != 0 ? EXIT_USAGE : code;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { .options = table, .parser = parse, .args_doc = "[FILE...]", .doc = documentation };
	struct run run = { .options = { .latency = 5 * MS, .servers = true, .clients = true }, .command = command_line(argc, argv) };
	int code;

	argp_err_exit_status = EXIT_USAGE;
	c2w_params_init(&run.options.params);
	argp_parse(&argp, argc, argv, 0, NULL, &run.options);
	if (run.options.json != NULL && (run.json = rp_output_open(run.options.json)) == NULL) {
		complain(run.options.json, strerror(errno));
		return EXIT_USAGE;
	}
	start(&run);
	code = report(&run);
	pc_trace_free(run.trace);
	scenario_free(run.scenario);
	record_free(run.record);
	free(run.command);
	return code;
}
