/* c2w-fuzz: fuzzes any server of C2W/22 over the network, one that runs or one that it starts itself. Nothing calls in here.
 * Wires the hunt to the real network, the keeper of a launched server, signals and files; owns what lives as long as the program. */
#include <argp.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "fuzz/blackbox_hunt.h"
#include "fuzz/blackbox_store.h"
#include "harness/keeper.h"
#include "net/real.h"
#include "reports/profile.h"

const char *argp_program_version = "c2w-fuzz " C2W_VERSION;

enum { EXIT_CLEAN, EXIT_FOUND, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_INTERRUPTED = 130 };
enum { REMOTE_RATE = 200, MAX_PATH = 4096, LAST_WORDS = 4096, DEATHS = 16 };

static const int64_t second = 1000000000;
static const uint64_t MAX_SEED = (UINT64_C(1) << 53) - 1; /* JSON numbers are exact up to there, whoever reads them */

struct fuzzer {
	struct fz_hunt_options hunting;
	const char *target, *launch, *corpus, *out, *json_file;
	struct net_addr address;
	bool allow_load, quiet, first, stopping;
	struct net *net;
	struct hx_keeper *keeper;
	struct fz_hunt *hunt;
	struct net_timer *status;
	struct event *interrupt, *terminate;
	json_t *findings, *doubted; /* doubted: seen once, and not again */
	size_t scanned;           /* octets of the server's output that were looked at */
	size_t printed_before;    /* its last start */
	struct last_words {
		char what[160];           /* the finding that it belongs to */
		char text[LAST_WORDS + 1]; /* what the server had printed, made harmless */
	} deaths[DEATHS];
	unsigned death_count;
	unsigned found;
	bool begun, failed;
	uint64_t executions_before;
	char nonce[6];
};

static void complain(const char *what, const char *why)
{
	fprintf(stderr, "c2w-fuzz: %s: %s\n", what, why);
}

/* ---- the command line ------------------------------------------------------------------------------ */

enum key { KEY_TARGET = 256, KEY_LAUNCH, KEY_TRANSPORT, KEY_PROFILE, KEY_TIME, KEY_COUNT, KEY_SEED, KEY_LANES, KEY_RATE, KEY_CORPUS, KEY_OUT, KEY_JSON, KEY_LOAD, KEY_WAITS, KEY_REPLAY, KEY_FIRST };

static const struct argp_option table[] = {
	{ .doc = "The target:", .group = 1 },
	{ "target", KEY_TARGET, "HOST:PORT", 0, "Fuzz the server that runs there", 1 },
	{ "launch", KEY_LAUNCH, "COMMAND", 0, "Start the server: a shell command with {host} and {port}; with --target at that address, else on a free port. "
	  "It is started anew to see a finding again, and its memory and descriptors are watched", 1 },
	{ "transport", KEY_TRANSPORT, "udp|tcp|both", 0, "Use these only (default: what is offered)", 1 },
	{ "define", 'D', "NAME=VALUE", 0, "Set a parameter of the protocol: rto=200ms, name-taken=any", 1 },
	{ "profile", KEY_PROFILE, "FILE", 0, "Read such parameters from a file, NAME = VALUE a line", 1 },
	{ "allow-load", KEY_LOAD, NULL, 0, "No limit of the rate against a target that is not on loopback, either", 1 },
	{ "rate", KEY_RATE, "N", 0, "At most so many messages a second (default: no limit on loopback, else 200)", 1 },
	{ .doc = "How long:", .group = 2 },
	{ "time", KEY_TIME, "DURATION", 0, "End after this time, as 30s or 10min (default: a minute)", 2 },
	{ "count", KEY_COUNT, "N", 0, "End after so many executions", 2 },
	{ "first", KEY_FIRST, NULL, 0, "End with the first finding", 2 },
	{ "seed", KEY_SEED, "N", 0, "Of whatever is random (default: another one each time, printed)", 2 },
	{ "lanes", KEY_LANES, "N", 0, "So many conversations at a time (default: 8, at most 16)", 2 },
	{ "waits", KEY_WAITS, "N", 0, "So many of a thousand odd steps wait for time to pass (default: 2), beside what waits anyway; 0: nothing does", 2 },
	{ .doc = "Files:", .group = 3 },
	{ "corpus", KEY_CORPUS, "FOLDER", 0, "Begin with the scenarios there, and keep there what shows new behaviour", 3 },
	{ "replay", KEY_REPLAY, NULL, 0, "Play what is in the corpus, and nothing else: once, or until --time or --count", 3 },
	{ "out", KEY_OUT, "FOLDER", 0, "Write findings there, as scenarios and octets (default: findings)", 3 },
	{ "json", KEY_JSON, "FILE", 0, "Write the result there", 3 },
	{ "quiet", 'q', NULL, 0, "Findings and the last line only", 3 },
	{ 0 },
};

static const char documentation[] =
	"Fuzzes a C2W/22 server over the network, whatever it is written in.\v"
	"Each finding is a scenario that c2w-conform plays: c2w-conform findings/001-ROB-01.c2w --target HOST:PORT.\n"
	"Ends with 0: nothing found, 1: findings, 2: an error in the command line, 3: the target cannot be reached or was lost.";

static uint64_t number(struct argp_state *state, const char *option, const char *value, uint64_t most)
{
	unsigned long long parsed;
	char *end;

	errno = 0;
	parsed = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || parsed > most)
		argp_failure(state, EXIT_USAGE, 0, "%s %s: it takes a number up to %llu", option, value, (unsigned long long)most);
	return parsed;
}

static unsigned lanes(struct argp_state *state, const char *value)
{
	unsigned count = (unsigned)number(state, "--lanes", value, 16);

	if (count == 0)
		argp_failure(state, EXIT_USAGE, 0, "--lanes 0: there is at least one");
	return count;
}

static void refuse_params(struct argp_state *state, const char *option, char *wrong)
{
	if (wrong != NULL)
		argp_failure(state, EXIT_USAGE, 0, "%s %s", option, wrong);
	free(wrong);
}

static void transport(struct argp_state *state, struct fz_hunt_options *options, const char *value)
{
	options->udp = strcmp(value, "tcp") != 0;
	options->tcp = strcmp(value, "udp") != 0;
	if (options->udp && options->tcp && strcmp(value, "both") != 0)
		argp_failure(state, EXIT_USAGE, 0, "--transport %s: it takes udp, tcp or both", value);
}

static void address(struct argp_state *state, struct fuzzer *fuzzer, const char *value)
{
	int error = net_addr_parse(&fuzzer->address, value);

	fuzzer->target = value;
	if (error < 0)
		argp_failure(state, EXIT_USAGE, 0, "--target %s: %s", value, net_error_text(error));
}

static void duration(struct argp_state *state, struct fuzzer *fuzzer, const char *value)
{
	if (c2w_duration_parse(c2w_str_of(value), &fuzzer->hunting.time) != C2W_OK || fuzzer->hunting.time <= 0)
		argp_failure(state, EXIT_USAGE, 0, "--time %s: it takes a duration as 500ms, 30s or 2min", value);
}

static void check(struct argp_state *state, struct fuzzer *fuzzer)
{
	if (fuzzer->target == NULL && fuzzer->launch == NULL)
		argp_error(state, "it needs --target HOST:PORT or --launch COMMAND");
	if (fuzzer->hunting.replay && fuzzer->corpus == NULL)
		argp_failure(state, EXIT_USAGE, 0, "--replay: it needs --corpus FOLDER");
	if (fuzzer->hunting.time == 0 && fuzzer->hunting.count == 0 && !fuzzer->hunting.replay)
		fuzzer->hunting.time = 60 * second;
	if (fuzzer->hunting.lanes == 0) /* a replay tells which input it was that ended the server */
		fuzzer->hunting.lanes = fuzzer->hunting.replay && fuzzer->hunting.time == 0 && fuzzer->hunting.count == 0 ? 1 : 8;
	if (fuzzer->hunting.rate == 0 && fuzzer->target != NULL && !net_addr_is_loopback(&fuzzer->address) && !fuzzer->allow_load)
		fuzzer->hunting.rate = REMOTE_RATE;
	if (fuzzer->hunting.rate > REMOTE_RATE && fuzzer->target != NULL && !net_addr_is_loopback(&fuzzer->address) && !fuzzer->allow_load)
		argp_failure(state, EXIT_USAGE, 0, "--rate: more than %d messages a second to a target that is not on loopback need --allow-load", REMOTE_RATE);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct fuzzer *fuzzer = state->input;
	struct fz_hunt_options *options = &fuzzer->hunting;

	switch (key) {
	case KEY_TARGET: address(state, fuzzer, value); return 0;
	case KEY_LAUNCH: fuzzer->launch = value; return 0;
	case KEY_TRANSPORT: transport(state, options, value); return 0;
	case 'D': refuse_params(state, "-D", rp_define(&options->params, value)); return 0;
	case KEY_PROFILE: refuse_params(state, "--profile", rp_profile_read(&options->params, value)); return 0;
	case KEY_LOAD: fuzzer->allow_load = true; return 0;
	case KEY_RATE: options->rate = (unsigned)number(state, "--rate", value, 1000000); return 0;
	case KEY_TIME: duration(state, fuzzer, value); return 0;
	case KEY_COUNT: options->count = number(state, "--count", value, UINT64_MAX / 2); return 0;
	case KEY_SEED: options->seed = number(state, "--seed", value, MAX_SEED); return 0;
	case KEY_LANES: options->lanes = lanes(state, value); return 0;
	case KEY_WAITS: options->waits = (unsigned)number(state, "--waits", value, 1000); return 0;
	case KEY_CORPUS: fuzzer->corpus = value; return 0;
	case KEY_FIRST: fuzzer->first = true; return 0;
	case KEY_REPLAY: options->replay = true; return 0;
	case KEY_OUT: fuzzer->out = value; return 0;
	case KEY_JSON: fuzzer->json_file = value; return 0;
	case 'q': fuzzer->quiet = true; return 0;
	case ARGP_KEY_ARG: argp_error(state, "%s: nothing was expected there", value); return 0;
	case ARGP_KEY_END: check(state, fuzzer); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static void defaults(struct fuzzer *fuzzer)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char random[9] = { 0 };

	if (getrandom(random, sizeof(random), 0) < 0)
		random[0] = (unsigned char)getpid();
	for (size_t i = 0; i < 5; i++)
		fuzzer->nonce[i] = letters[random[i] % (sizeof(letters) - 1)];
	fuzzer->hunting.seed = (uint64_t)random[5] << 24 | (uint64_t)random[6] << 16 | (uint64_t)random[7] << 8 | random[8];
	fuzzer->hunting.nonce = fuzzer->nonce;
	fuzzer->hunting.udp = fuzzer->hunting.tcp = true;
	fuzzer->hunting.waits = 2;
	fuzzer->out = "findings";
	fuzzer->address = (struct net_addr){ .octets = { 127, 0, 0, 1 }, .family = 4 };
	c2w_params_init(&fuzzer->hunting.params);
}

/* ---- what is seen ------------------------------------------------------------------------------------ */

static void print_status(const struct fuzzer *fuzzer, bool last)
{
	struct fz_hunt_counts counts = fz_hunt_counts(fuzzer->hunt);
	double seconds = (double)counts.elapsed / 1e9;

	fprintf(stderr, "%s%.0f s: %llu executions, %.0f/s, %llu messages, %llu states, %llu transitions, %u kept, findings: %u", !last && isatty(STDERR_FILENO) ? "\r" : "",
	        seconds, (unsigned long long)counts.executions, seconds > 0 ? (double)counts.executions / seconds : 0, (unsigned long long)counts.messages,
	        (unsigned long long)counts.states, (unsigned long long)counts.transitions, counts.kept, fuzzer->found);
	if (counts.doubted > 0)
		fprintf(stderr, ", seen once and not again: %u", counts.doubted);
	if (counts.dropped > 0)
		fprintf(stderr, ", not looked into: %u", counts.dropped);
	if (counts.open > 0)
		fprintf(stderr, ", looked into: 1 of %u", counts.open);
	fputs(last || !isatty(STDERR_FILENO) ? "\n" : "  ", stderr);
}

static void status_due(void *context)
{
	struct fuzzer *fuzzer = context;

	if (fuzzer->begun)
		print_status(fuzzer, false);
	else
		fputs("c2w-fuzz: the server is starting\n", stderr);
	net_timer_at(fuzzer->status, net_now(fuzzer->net) + (isatty(STDERR_FILENO) ? second : 10 * second));
}

/* What was printed then: "" where nothing was, or it is long ago. */
static const char *words_of(const struct fuzzer *fuzzer, const char *what)
{
	for (unsigned i = 0; i < DEATHS; i++)
		if (strcmp(fuzzer->deaths[i].what, what) == 0)
			return fuzzer->deaths[i].text;
	return "";
}

static struct last_words *place_for(struct fuzzer *fuzzer, const char *what)
{
	for (unsigned i = 0; i < DEATHS; i++)
		if (strcmp(fuzzer->deaths[i].what, what) == 0)
			return &fuzzer->deaths[i];
	return &fuzzer->deaths[fuzzer->death_count++ % DEATHS];
}

static void found(void *context, const struct fz_report *report)
{
	struct fuzzer *fuzzer = context;
	const char *words = report->finding.kind == FZ_DEATH ? words_of(fuzzer, report->finding.what) : "";
	char name[MAX_PATH];
	int error = fz_finding_save(fuzzer->out, report, words, name, sizeof(name));

	fuzzer->found += report->certain;
	fprintf(stderr, "%s%u. %s: %s%s\n   %u steps, after %llu executions", isatty(STDERR_FILENO) ? "\r" : "", report->number, c2w_rule_info(report->finding.rule)->id,
	        report->finding.what, report->reproduced ? "" : report->certain ? " (it did not show again)" : " (seen once and not again: it does not count)",
	        report->program->count, (unsigned long long)report->executions);
	if (report->program->origin != NULL)
		fprintf(stderr, ", from %s", report->program->origin);
	fprintf(stderr, ": %s\n", name);
	if (report->certain && !report->reproduced)
		fprintf(stderr, "   any of %u conversations may have done it, or several together: %.*s.suspects/\n", report->suspect_count, (int)strlen(name) - 4, name);
	json_array_append_new(report->certain ? fuzzer->findings : fuzzer->doubted, fz_finding_json(report, name));
	if (error < 0)
		complain(name, strerror(-error));
	fuzzer->failed |= error < 0;
	if (fuzzer->first && report->certain)
		fz_hunt_stop(fuzzer->hunt);
}

static void kept(void *context, const struct fz_program *program)
{
	struct fuzzer *fuzzer = context;
	int error = fuzzer->corpus != NULL ? fz_corpus_keep(fuzzer->corpus, program) : 0;

	if (error < 0 && !fuzzer->failed)
		complain(fuzzer->corpus, strerror(-error));
	fuzzer->failed |= error < 0;
}

static void over(void *context)
{
	struct fuzzer *fuzzer = context;

	net_stop(fuzzer->net);
}

/* ---- a launched server --------------------------------------------------------------------------------- */

static void server_up(void *context, const struct net_addr *at)
{
	struct fuzzer *fuzzer = context;

	if (fuzzer->begun) {
		fz_hunt_up(fuzzer->hunt, at);
		return;
	}
	fuzzer->begun = true;
	fz_hunt_up(fuzzer->hunt, at);
	fz_hunt_start(fuzzer->hunt);
}

/* What was printed since the last look. */
static struct c2w_str fresh_output(struct fuzzer *fuzzer)
{
	size_t length, fresh = hx_keeper_printed(fuzzer->keeper) - fuzzer->scanned;
	const char *text = hx_keeper_output(fuzzer->keeper, &length);

	fresh = fresh < length ? fresh : length;
	return (struct c2w_str){ text + length - fresh, fresh };
}

/* They differ from run to run. */
static void blank_addresses(char *line)
{
	for (char *at = strstr(line, "0x"); at != NULL; at = strstr(at, "0x"))
		for (at += 2; isxdigit((unsigned char)*at); at++)
			*at = '#';
}

static bool alarming(void *context)
{
	struct c2w_str fresh = fresh_output(context);

	return memmem(fresh.at, fresh.length, "Sanitizer: ", 11) != NULL;
}

/* The line of a sanitizer's report that says most, once it is there. */
static bool sanitizer_line(struct fuzzer *fuzzer, char *line, size_t size)
{
	static const char *const signs[] = { "SUMMARY: ", "runtime error: " };
	struct c2w_str fresh = fresh_output(fuzzer);
	const char *at = NULL, *end;

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]) && at == NULL; i++)
		at = memmem(fresh.at, fresh.length, signs[i], strlen(signs[i]));
	end = at != NULL ? memchr(at, '\n', fresh.length - (size_t)(at - fresh.at)) : NULL;
	if (at == NULL ? !alarming(fuzzer) : end != NULL) /* otherwise the rest is on its way */
		fuzzer->scanned += fresh.length;
	if (end == NULL)
		return false;
	snprintf(line, size, "%.*s", (int)(end - at), at);
	blank_addresses(line);
	for (char *c = line; *c != '\0'; c++)
		*c = (unsigned char)*c < ' ' || (unsigned char)*c > '~' ? '?' : *c;
	return true;
}

static bool alarm_came(void *context, char *line, size_t size)
{
	struct fuzzer *fuzzer = context;

	return hx_keeper_printed(fuzzer->keeper) != fuzzer->scanned && sanitizer_line(fuzzer, line, size);
}

/* The end of what it printed since it was started. */
static void last_words(struct fuzzer *fuzzer, char words[LAST_WORDS + 1])
{
	size_t length, printed = hx_keeper_printed(fuzzer->keeper) - fuzzer->printed_before;
	const char *text = hx_keeper_output(fuzzer->keeper, &length);
	size_t kept = printed < length ? printed : length;

	kept = kept < LAST_WORDS ? kept : LAST_WORDS;
	snprintf(words, LAST_WORDS + 1, "%.*s", (int)kept, text + length - kept);
	for (char *c = words; *c != '\0'; c++)
		*c = (*c < ' ' && *c != '\n' && *c != '\t') || (unsigned char)*c > '~' ? '?' : *c;
}

/* The last line that says something. Its digits are addresses, times and counts mostly: what differs in them alone is the same. */
static void last_line(const char *words, char *to, size_t size)
{
	const char *end = words + strlen(words), *at;

	while (end > words && (unsigned char)end[-1] <= ' ')
		end--;
	for (at = end; at > words && at[-1] != '\n';)
		at--;
	snprintf(to, size, "%.*s", (int)(end - at), at);
	for (char *c = to; *c != '\0'; c++)
		*c = *c >= '0' && *c <= '9' ? '#' : *c == '\t' ? ' ' : *c;
}

/* A sanitizer says more than the end of the process, and so does the last line of a traceback. */
static void server_died(void *context, const char *why)
{
	struct fuzzer *fuzzer = context;
	char line[160], what[160], words[LAST_WORDS + 1];
	struct last_words *kept;

	last_words(fuzzer, words);
	last_line(words, line, sizeof(line));
	if (!alarm_came(fuzzer, what, sizeof(what)))
		snprintf(what, sizeof(what), "the server%.40s%s%.90s", strncmp(why, "it ", 3) == 0 ? why + 2 : ": it is gone", line[0] != '\0' ? ", its last words: " : "", line);
	kept = place_for(fuzzer, what);
	memcpy(kept->what, what, sizeof(what));
	memcpy(kept->text, words, sizeof(words));
	fz_hunt_died(fuzzer->hunt, what);
}

static void server_failed(void *context, const char *why)
{
	struct fuzzer *fuzzer = context;
	size_t length;
	const char *text = hx_keeper_output(fuzzer->keeper, &length);

	complain("the server", why);
	fwrite(text, 1, length, stderr);
	fuzzer->begun = false;
	net_stop(fuzzer->net);
}

static void restart(void *context)
{
	struct fuzzer *fuzzer = context;

	fuzzer->printed_before = hx_keeper_printed(fuzzer->keeper);
	hx_keeper_start(fuzzer->keeper);
}

static bool usage(void *context, struct fz_usage *used)
{
	struct fuzzer *fuzzer = context;

	return fz_usage_of(hx_keeper_group(fuzzer->keeper), used);
}

static bool prepare_keeper(struct fuzzer *fuzzer)
{
	const struct hx_keeper_options options = {
		.net = fuzzer->net, .command = fuzzer->launch, .address = fuzzer->address, .up = server_up, .died = server_died, .failed = server_failed, .context = fuzzer,
	};
	int error;

	fuzzer->keeper = hx_keeper_new(&options, &error);
	if (fuzzer->keeper == NULL)
		complain("no port is free for the server", net_error_text(error));
	fuzzer->hunting.restart = restart;
	fuzzer->hunting.alarm = alarm_came;
	fuzzer->hunting.alarming = alarming;
	fuzzer->hunting.usage = usage;
	return fuzzer->keeper != NULL;
}

/* ---- the result ------------------------------------------------------------------------------------------ */

static int write_json(struct fuzzer *fuzzer, const struct fz_hunt_counts *counts)
{
	json_t *result;
	int error = 0;

	if (fuzzer->json_file == NULL)
		return 0;
	result = fz_result_json(counts, fuzzer->target != NULL ? fuzzer->target : "launched", fuzzer->hunting.seed, json_incref(fuzzer->findings), json_incref(fuzzer->doubted));
	if (json_dump_file(result, fuzzer->json_file, JSON_INDENT(2)) < 0) {
		complain(fuzzer->json_file, strerror(errno));
		error = EXIT_USAGE;
	}
	json_decref(result);
	return error;
}

/* ---- signals --------------------------------------------------------------------------------------------- */

/* The first one ends the hunt and tells what was found; the second one ends everything. */
static void signal_came(int signal, short what, void *context)
{
	struct fuzzer *fuzzer = context;

	(void)signal, (void)what;
	if (fuzzer->stopping || !fuzzer->begun) {
		struct fz_hunt_counts counts = fz_hunt_counts(fuzzer->hunt);

		write_json(fuzzer, &counts);
		if (fuzzer->keeper != NULL)
			hx_keeper_kill(fuzzer->keeper);
		rmdir(fuzzer->out);
		_exit(fuzzer->found > 0 ? EXIT_FOUND : EXIT_INTERRUPTED);
	}
	fuzzer->stopping = true;
	fz_hunt_stop(fuzzer->hunt);
}

static void watch_signals(struct fuzzer *fuzzer)
{
	struct event_base *base = net_real_base(fuzzer->net);

	fuzzer->interrupt = evsignal_new(base, SIGINT, signal_came, fuzzer);
	fuzzer->terminate = evsignal_new(base, SIGTERM, signal_came, fuzzer);
	assert(fuzzer->interrupt != NULL && fuzzer->terminate != NULL);
	event_add(fuzzer->interrupt, NULL);
	event_add(fuzzer->terminate, NULL);
}

/* ---- from the beginning to the end --------------------------------------------------------------------------- */

static void unreadable(void *context, const char *path)
{
	(void)context;
	complain(path, "there is nothing in it that could be played; it is left out");
}

/* Said now, not when there is something to be lost. */
static bool can_write(const struct fuzzer *fuzzer)
{
	bool there = fuzzer->json_file != NULL && access(fuzzer->json_file, F_OK) == 0;
	int error = fz_findings_prepare(fuzzer->out);
	FILE *file = fuzzer->json_file != NULL && error == 0 ? fopen(fuzzer->json_file, "ae") : NULL;

	if (error < 0)
		complain(fuzzer->out, strerror(-error));
	else if (fuzzer->json_file != NULL && file == NULL)
		complain(fuzzer->json_file, strerror(errno));
	if (file != NULL)
		fclose(file);
	if (file != NULL && !there)
		unlink(fuzzer->json_file);
	return error == 0 && (fuzzer->json_file == NULL || file != NULL);
}

static bool prepare(struct fuzzer *fuzzer)
{
	int loaded = 0;

	if (!can_write(fuzzer))
		return false;
	fuzzer->net = net_real_new();
	if (fuzzer->net == NULL) {
		complain("the network", strerror(errno));
		return false;
	}
	if (fuzzer->launch != NULL && !prepare_keeper(fuzzer))
		return false;
	fuzzer->hunting.net = fuzzer->net;
	fuzzer->hunting.address = fuzzer->address;
	fuzzer->hunting.found = found;
	fuzzer->hunting.kept = kept;
	fuzzer->hunting.over = over;
	fuzzer->hunting.context = fuzzer;
	fuzzer->hunt = fz_hunt_new(&fuzzer->hunting);
	fuzzer->findings = json_array();
	fuzzer->doubted = json_array();
	fuzzer->status = net_timer_new(fuzzer->net, status_due, fuzzer);
	watch_signals(fuzzer);
	if (fuzzer->corpus != NULL && (loaded = fz_corpus_load(fuzzer->hunt, fuzzer->corpus, unreadable, NULL)) < 0)
		complain(fuzzer->corpus, strerror(-loaded));
	if (loaded == 0 && fuzzer->hunting.replay)
		complain(fuzzer->corpus, "there is no scenario in it that can be played");
	return loaded >= 0 && (loaded > 0 || !fuzzer->hunting.replay);
}

static void run(struct fuzzer *fuzzer)
{
	if (!fuzzer->quiet) {
		fprintf(stderr, "c2w-fuzz: seed %llu\n", (unsigned long long)fuzzer->hunting.seed);
		net_timer_at(fuzzer->status, net_now(fuzzer->net) + second);
	}
	if (fuzzer->keeper != NULL) {
		hx_keeper_start(fuzzer->keeper);
	} else {
		fuzzer->begun = true;
		fz_hunt_start(fuzzer->hunt);
	}
	net_run(fuzzer->net);
	if (fuzzer->begun)
		print_status(fuzzer, true);
}

static int conclude(struct fuzzer *fuzzer)
{
	struct fz_hunt_counts counts = fz_hunt_counts(fuzzer->hunt);
	int error = write_json(fuzzer, &counts);

	if (fuzzer->begun && counts.unreachable)
		complain(fuzzer->target != NULL ? fuzzer->target : "the server",
		         counts.executions == 0 ? "nobody answers there, neither over UDP nor over TCP" : "nobody answers there any more, so this ended early");
	if (error != 0)
		return error;
	if (fuzzer->found > 0)
		return EXIT_FOUND;
	if (!fuzzer->begun || counts.unreachable)
		return EXIT_UNREACHABLE;
	return fuzzer->failed ? EXIT_USAGE : EXIT_CLEAN;
}

static void release(struct fuzzer *fuzzer)
{
	fz_hunt_free(fuzzer->hunt);
	hx_keeper_free(fuzzer->keeper);
	rmdir(fuzzer->out); /* where nothing was found */
	if (fuzzer->interrupt != NULL)
		event_free(fuzzer->interrupt);
	if (fuzzer->terminate != NULL)
		event_free(fuzzer->terminate);
	json_decref(fuzzer->findings);
	json_decref(fuzzer->doubted);
	if (fuzzer->net != NULL)
		net_free(fuzzer->net);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { .options = table, .parser = parse, .doc = documentation };
	struct fuzzer fuzzer = { 0 };
	int status = EXIT_USAGE;

	argp_err_exit_status = EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	mallopt(M_MMAP_THRESHOLD, 64 << 20); /* every play has a judge of some MiB, mostly untouched: its pages are used again */
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	defaults(&fuzzer);
	argp_parse(&argp, argc, argv, 0, NULL, &fuzzer);
	if (prepare(&fuzzer)) {
		run(&fuzzer);
		status = conclude(&fuzzer);
	}
	release(&fuzzer);
	return status;
}
