/* Options and profiles, see options.h. For main.c.
 * Lists of words grow with malloc and are kept: they live as long as the program. */
#include "harness/options.h"

#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/near.h"
#include "reports/profile.h"

enum { MAX_SHARDS = 10000, LEAST_TEXT = 32, LEAST_REQUEST = 128 };

enum key {
	KEY_TARGET = 256, KEY_LAUNCH, KEY_SIMULATE, KEY_TRANSPORT, KEY_PROFILE, KEY_ONLY, KEY_SKIP, KEY_LAST_FAILED, KEY_LEVEL, KEY_ORIGIN,
	KEY_SHARD, KEY_SEED, KEY_REPEAT, KEY_TIMEOUT, KEY_MAX_TIME, KEY_FAIL_ON, KEY_ALLOW_LOAD, KEY_JSON, KEY_EVENTS, KEY_LIST,
	KEY_COVERAGE, KEY_EXPLAIN, KEY_CHECK, KEY_NO_SANITY, KEY_SHUFFLE,
	KEY_PCAP, KEY_EXPECT, KEY_ISOLATE,
	KEY_REPORT, KEY_REPORT_END = KEY_REPORT + RP_FORMATS,
};

static const struct argp_option table[] = {
	{ .doc = "The target:", .group = 1 },
	{ "target", KEY_TARGET, "HOST:PORT", 0, "Judge the server that runs there", 1 },
	{ "launch", KEY_LAUNCH, "COMMAND", 0, "Start the server: a shell command with {host} and {port}; with --target at that address, else on a free port", 1 },
	{ "simulate", KEY_SIMULATE, NULL, 0, "Judge the reference core in virtual time", 1 },
	{ "transport", KEY_TRANSPORT, "udp|tcp|both", 0, "Judge these, and fail if one is not offered (default: what is offered)", 1 },
	{ "define", 'D', "NAME=VALUE", 0, "Set a parameter of the protocol (section 9): rto=200ms, name-taken=any", 1 },
	{ "profile", KEY_PROFILE, "FILE", 0, "Read such parameters from a file, NAME = VALUE a line", 1 },
	{ "jobs", 'j', "N", 0, "With --launch: so many servers at once", 1 },
	{ "isolate", KEY_ISOLATE, NULL, 0, "With --launch: in a network where nothing else is, without root; --pcap captures there", 1 },
	{ "allow-load", KEY_ALLOW_LOAD, NULL, 0, "Send floods to a target that is not on loopback, too", 1 },
	{ .doc = "What runs:", .group = 2 },
	{ "only", KEY_ONLY, "WHAT", 0, "Only this rule (MSG-01), area (MSG), folder (chat), id, part of an id or pattern; may be repeated", 2 },
	{ "skip", KEY_SKIP, "WHAT", 0, "Not this; a rule or an area is not judged at all; may be repeated", 2 },
	{ "last-failed", KEY_LAST_FAILED, NULL, 0, "Only what failed on this target the last time", 2 },
	{ "level", KEY_LEVEL, "must|should", 0, "Judge rules of this level and above (default: all)", 2 },
	{ "origin", KEY_ORIGIN, "S,I,P", 0, "Judge rules of these origins: slides, implied, profile (default: all)", 2 },
	{ "shard", KEY_SHARD, "I/N", 0, "The I-th of N parts", 2 },
	{ "repeat", KEY_REPEAT, "N", 0, "Each scenario so many times", 2 },
	{ "seed", KEY_SEED, "N", 0, "Of whatever is random (default: another one each time, printed)", 2 },
	{ "timeout", KEY_TIMEOUT, "DURATION", 0, "End a scenario after this time (its own limit otherwise)", 2 },
	{ "max-time", KEY_MAX_TIME, "DURATION", 0, "End everything after this time", 2 },
	{ "no-sanity", KEY_NO_SANITY, NULL, OPTION_HIDDEN, NULL, 2 },
	{ "shuffle", KEY_SHUFFLE, NULL, OPTION_HIDDEN, NULL, 2 },
	{ .doc = "What comes out:", .group = 3 },
	{ "json", KEY_JSON, "FILE", 0, "Write the result there", 3 },
	{ "events", KEY_EVENTS, "FILE", 0, "Write there what happens as it happens, a JSON object a line", 3 },
	{ "pcap", KEY_PCAP, "DIR", 0, "Write the packets of every scenario there, a file each", 3 },
	{ "expect", KEY_EXPECT, "FILE", 0, "Known failures, SCENARIO [udp|tcp] RULE... a line: they do not count, but end with 1 if one passes now or fails for another rule", 3 },
	{ "fail-on", KEY_FAIL_ON, "warn", 0, "End with 1 also if a SHOULD is not followed", 3 },
	{ "html", KEY_REPORT + RP_HTML, "FILE", 0, "Write a report for people there, whole in one file", 3 },
	{ "junit", KEY_REPORT + RP_JUNIT, "FILE", 0, "Write JUnit's XML there, for Jenkins, GitLab and others", 3 },
	{ "tap", KEY_REPORT + RP_TAP, "FILE", 0, "Write TAP 14 there", 3 },
	{ "markdown", KEY_REPORT + RP_MARKDOWN, "FILE", 0, "Write Markdown there, short, as for a job's summary", 3 },
	{ "csv", KEY_REPORT + RP_CSV, "FILE", 0, "Write a table there, a line for each scenario", 3 },
	{ "ctrf", KEY_REPORT + RP_CTRF, "FILE", 0, "Write CTRF's JSON there", 3 },
	{ "gradescope", KEY_REPORT + RP_GRADESCOPE, "FILE", 0, "Write results.json of a Gradescope autograder there", 3 },
	{ "github", KEY_REPORT + RP_GITHUB, "FILE", 0, "Write annotations there, as GitHub's workflow commands (/dev/stdout)", 3 },
	{ "quiet", 'q', NULL, 0, "Failures in brief and the last line only", 3 },
	{ "verbose", 'v', NULL, 0, "Everything", 3 },
	{ .doc = "Instead of a run:", .group = 4 },
	{ "list", KEY_LIST, NULL, 0, "List the scenarios that would run", 4 },
	{ "coverage", KEY_COVERAGE, NULL, 0, "Count the scenarios that prove each rule; end with 1 if a rule has none", 4 },
	{ "explain", KEY_EXPLAIN, "RULE", 0, "Print a rule: why it is there, how it is broken, an example, what proves it", 4 },
	{ "check", KEY_CHECK, NULL, 0, "Check scenario files, and run nothing", 4 },
	{ 0 },
};

static const char documentation[] =
	"Judges a C2W/22 server by the rules of docs/PROTOCOL.md.\v"
	"Without a FILE or FOLDER of scenarios the installed suite runs.\n"
	"Ends with 0: conforms, 1: violates, 2: an error in the command line or a scenario, 3: the target cannot be reached or was lost, "
	"4: inconclusive.";

static void refuse(struct argp_state *state, const char *option, const char *value, const char *why)
{
	argp_failure(state, 2, 0, "%s %s: %s", option, value, why);
}

static void add_word(struct hx_words *words, const char *word)
{
	const char **grown = realloc(words->at, (words->count + 1) * sizeof(*grown));

	assert(grown != NULL);
	words->at = grown;
	words->at[words->count++] = word;
}

/* A whole number from `least` on; anything else is refused. */
static uint64_t number(struct argp_state *state, const char *option, const char *value, uint64_t least, uint64_t most)
{
	unsigned long long parsed;
	char *end;

	errno = 0;
	parsed = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || parsed < least || parsed > most)
		argp_failure(state, 2, 0, "%s %s: it takes a number from %llu to %llu", option, value, (unsigned long long)least, (unsigned long long)most);
	return parsed;
}

static int64_t duration(struct argp_state *state, const char *option, const char *value)
{
	int64_t ns = 0;

	if (c2w_duration_parse(c2w_str_of(value), &ns) != C2W_OK || ns <= 0)
		refuse(state, option, value, "it takes a duration as 500ms, 30s or 2min");
	return ns;
}

static void parse_shard(struct argp_state *state, struct hx_options *options, const char *value)
{
	unsigned long part, parts = 0;
	char *end;

	part = strtoul(value, &end, 10);
	if (value[0] >= '0' && value[0] <= '9' && end[0] == '/' && end[1] >= '0' && end[1] <= '9')
		parts = strtoul(end + 1, &end, 10);
	if (*end != '\0' || part == 0 || part > parts || parts > MAX_SHARDS)
		refuse(state, "--shard", value, "it takes I/N, as 1/4, with I from 1 to N");
	options->shard = (unsigned)part;
	options->shards = (unsigned)parts;
}

static void parse_origins(struct argp_state *state, struct hx_options *options, const char *value)
{
	bool letter = true;

	for (const char *at = value; *at != '\0'; at++, letter = !letter)
		if (letter ? strchr("SIP", *at) == NULL : *at != ',')
			refuse(state, "--origin", value, "it takes S, I and P, separated by commas");
	if (letter)
		refuse(state, "--origin", value, "it takes S, I and P, separated by commas");
	options->origins = value;
}

static void parse_transport(struct argp_state *state, struct hx_options *options, const char *value)
{
	options->transports_given = true;
	if (strcmp(value, "udp") == 0)
		options->transports = C2W_ON_UDP;
	else if (strcmp(value, "tcp") == 0)
		options->transports = C2W_ON_TCP;
	else if (strcmp(value, "both") == 0)
		options->transports = C2W_ON_BOTH;
	else
		refuse(state, "--transport", value, "it takes udp, tcp or both");
}

/* ---- parameters --------------------------------------------------------------------------------- */

static void refuse_params(struct argp_state *state, const char *option, char *wrong)
{
	if (wrong != NULL)
		argp_failure(state, 2, 0, "%s %s", option, wrong);
	free(wrong);
}

/* ---- argp ------------------------------------------------------------------------------------------ */

static void parse_target(struct argp_state *state, struct hx_options *options, const char *value)
{
	int error = net_addr_parse(&options->address, value);

	options->target = value;
	if (error < 0)
		refuse(state, "--target", value, net_error_text(error));
	else if (options->address.port == 0)
		refuse(state, "--target", value, "port 0 is nobody's");
}

static void set_mode(struct argp_state *state, struct hx_options *options, enum hx_mode mode)
{
	if (options->mode != HX_RUN && options->mode != mode)
		argp_failure(state, 2, 0, "--list, --coverage, --explain and --check: only one of them at a time");
	options->mode = mode;
}

static void parse_explain(struct argp_state *state, struct hx_options *options, const char *value)
{
	struct hx_near near = { .word = value };
	char text[HX_NEAR_TEXT];

	set_mode(state, options, HX_EXPLAIN);
	options->explain = c2w_rule_find(c2w_str_of(value));
	if (options->explain != C2W_NO_RULE)
		return;
	for (unsigned i = 1; i < C2W_RULES; i++)
		hx_near_offer(&near, c2w_rule_info((enum c2w_rule)i)->id);
	hx_near_tell(&near, text, sizeof(text));
	argp_failure(state, 2, 0, "--explain %s: there is no such rule; they are named as MSG-01%s", value, text);
}

static void parse_level(struct argp_state *state, struct hx_options *options, const char *value)
{
	options->level = strcmp(value, "must") == 0 ? C2W_MUST : C2W_SHOULD;
	if (strcmp(value, "must") != 0 && strcmp(value, "should") != 0)
		refuse(state, "--level", value, "it takes must or should");
}

static const char *must_name(struct argp_state *state, const char *option, const char *value)
{
	if (*value == '\0')
		refuse(state, option, "''", "it takes a name");
	return value;
}

static void check(struct argp_state *state, const struct hx_options *options)
{
	if (options->quiet && options->verbose)
		argp_failure(state, 2, 0, "--quiet and --verbose: one or the other");
	if (options->simulate && (options->target != NULL || options->launch != NULL))
		argp_failure(state, 2, 0, "--simulate: it brings its own target, so it goes with neither --target nor --launch");
	if (options->launch != NULL && options->launch[strspn(options->launch, " \t")] == '\0')
		argp_failure(state, 2, 0, "--launch: it takes a command");
	if (options->jobs > 1 && (options->launch == NULL || options->target != NULL))
		argp_failure(state, 2, 0, "--jobs %u: it goes with --launch alone, which starts so many servers", options->jobs);
	if (options->isolate && options->launch == NULL)
		argp_failure(state, 2, 0, "--isolate: it goes with --launch only: what runs elsewhere cannot be reached from there");
	if (options->params.max_text < LEAST_TEXT || options->params.max_request < LEAST_REQUEST)
		argp_failure(state, 2, 0, "max-text below %d or max-request below %d: the suite's own texts and requests would not fit", LEAST_TEXT, LEAST_REQUEST);
	if (options->mode == HX_RUN && !options->simulate && options->target == NULL && options->launch == NULL)
		argp_failure(state, 2, 0, "there is nothing to judge: say --target HOST:PORT, --launch COMMAND or --simulate");
}

static error_t parse_what_runs(int key, char *value, struct argp_state *state)
{
	struct hx_options *options = state->input;

	switch (key) {
	case KEY_ONLY: add_word(&options->only, must_name(state, "--only", value)); return 0;
	case KEY_SKIP: add_word(&options->skip, must_name(state, "--skip", value)); return 0;
	case KEY_LAST_FAILED: options->last_failed = true; return 0;
	case KEY_LEVEL: parse_level(state, options, value); return 0;
	case KEY_ORIGIN: parse_origins(state, options, value); return 0;
	case KEY_SHARD: parse_shard(state, options, value); return 0;
	case KEY_REPEAT: options->repeat = (unsigned)number(state, "--repeat", value, 1, 10000); return 0;
	case KEY_TIMEOUT: options->timeout = duration(state, "--timeout", value); return 0;
	case KEY_MAX_TIME: options->max_time = duration(state, "--max-time", value); return 0;
	case KEY_NO_SANITY: options->no_sanity = true; return 0;
	case KEY_SHUFFLE: options->shuffle = true; return 0;
	case KEY_SEED:
		options->seed = number(state, "--seed", value, 0, INT64_MAX);
		options->seed_given = true;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_what_comes_out(int key, char *value, struct argp_state *state)
{
	struct hx_options *options = state->input;

	if (key >= KEY_REPORT && key < KEY_REPORT_END) {
		options->reports[key - KEY_REPORT] = must_name(state, rp_renderings[key - KEY_REPORT].name, value);
		return 0;
	}
	switch (key) {
	case KEY_JSON: options->json = must_name(state, "--json", value); return 0;
	case KEY_PCAP: options->pcap = must_name(state, "--pcap", value); return 0;
	case KEY_EVENTS: options->events = must_name(state, "--events", value); return 0;
	case KEY_EXPECT: options->expect = must_name(state, "--expect", value); return 0;
	case KEY_FAIL_ON:
		options->fail_on_warn = true;
		if (strcmp(value, "warn") != 0)
			refuse(state, "--fail-on", value, "it takes warn");
		return 0;
	case 'q': options->quiet = true; return 0;
	case 'v': options->verbose = true; return 0;
	case KEY_LIST: set_mode(state, options, HX_LIST); return 0;
	case KEY_COVERAGE: set_mode(state, options, HX_COVERAGE); return 0;
	case KEY_EXPLAIN: parse_explain(state, options, value); return 0;
	case KEY_CHECK: set_mode(state, options, HX_CHECK); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct hx_options *options = state->input;

	switch (key) {
	case KEY_TARGET: parse_target(state, options, value); return 0;
	case KEY_LAUNCH: options->launch = value; return 0;
	case KEY_SIMULATE: options->simulate = true; return 0;
	case KEY_TRANSPORT: parse_transport(state, options, value); return 0;
	case 'D': refuse_params(state, "-D", rp_define(&options->params, value)); return 0;
	case KEY_PROFILE: refuse_params(state, "--profile", rp_profile_read(&options->params, value)); return 0;
	case 'j': options->jobs = (unsigned)number(state, "--jobs", value, 1, 256); return 0;
	case KEY_ISOLATE: options->isolate = true; return 0;
	case KEY_ALLOW_LOAD: options->allow_load = true; return 0;
	case ARGP_KEY_ARG: add_word(&options->paths, value); return 0;
	case ARGP_KEY_END: check(state, options); return 0;
	default: return parse_what_runs(key, value, state) == 0 ? 0 : parse_what_comes_out(key, value, state);
	}
}

void hx_options_parse(struct hx_options *options, int argc, char **argv)
{
	static const struct argp argp = { .options = table, .parser = parse, .args_doc = "[FILE or FOLDER...]", .doc = documentation };

	*options = (struct hx_options){ .transports = C2W_ON_BOTH, .level = C2W_MAY, .origins = "SIP", .jobs = 1, .repeat = 1 };
	c2w_params_init(&options->params);
	argp_err_exit_status = 2;
	options->program = argv[0];
	argv[0] = program_invocation_short_name;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}

/* ---- the way back ------------------------------------------------------------------------------------ */

static void put_quoted(FILE *to, const char *word)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";

	if (*word != '\0' && word[strspn(word, harmless)] == '\0') {
		fprintf(to, " %s", word);
		return;
	}
	fputs(" '", to);
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			fputs("'\\''", to);
		else
			fputc(*word, to);
	}
	fputc('\'', to);
}

static void put_params(FILE *to, const struct c2w_params *params)
{
	struct c2w_params standard;
	char word[128], value[64], usual[64];

	c2w_params_init(&standard);
	for (int i = 0; i < C2W_PARAMS; i++) {
		if (c2w_params_format(params, (enum c2w_param)i, value, sizeof(value)) < 0 ||
		    c2w_params_format(&standard, (enum c2w_param)i, usual, sizeof(usual)) < 0 || strcmp(value, usual) == 0)
			continue;
		snprintf(word, sizeof(word), "%s=%s", c2w_param_info((enum c2w_param)i)->name, value);
		fputs(" -D", to);
		put_quoted(to, word);
	}
}

char *hx_options_repeat(const struct hx_options *options)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	assert(to != NULL);
	fputs(options->program, to);
	if (options->simulate)
		fputs(" --simulate", to);
	if (options->target != NULL) {
		fputs(" --target", to);
		put_quoted(to, options->target);
	}
	if (options->launch != NULL) {
		fputs(" --launch", to);
		put_quoted(to, options->launch);
	}
	if (options->isolate)
		fputs(" --isolate", to);
	put_params(to, &options->params);
	for (unsigned i = 0; i < options->paths.count; i++)
		put_quoted(to, options->paths.at[i]);
	fclose(to);
	return text;
}

char *hx_options_command(int argc, char **argv)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	assert(to != NULL && argc > 0);
	fputs(argv[0], to);
	for (int i = 1; i < argc; i++)
		put_quoted(to, argv[i]);
	fclose(to);
	return text;
}
