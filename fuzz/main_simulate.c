/* c2w-simulate: the reference server among many correct clients on a bad network, or against the model through every short history.
 * Nothing calls in here.
 * Owns what it parses from the command line. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz/exhaustive.h"
#include "fuzz/proof.h"
#include "fuzz/session.h"
#include "fuzz/simulate.h"
#include "reports/output.h"
#include "server/faults.h"

const char *argp_program_version = "c2w-simulate " C2W_VERSION;

enum { EXIT_HOLDS, EXIT_VIOLATED, EXIT_USAGE, SEEDS_TO_TRY = 24, MOST_ACTS = 1 << 16 };
enum key { KEY_SEED = 256, KEY_CLIENTS, KEY_LOSS, KEY_STEPS, KEY_EXHAUSTIVE, KEY_SHRINK, KEY_FAULT };

struct command {
	struct fz_simulation run;
	unsigned exhaustive;
	const char *other;             /* an option that does not go with it */
	const char *shrink, *fault;
	struct rp_output *scenario;
};

static const struct argp_option options[] = {
	{ "seed", KEY_SEED, "N", 0, "the same seed is the same run (1)", 0 },
	{ "clients", KEY_CLIENTS, "N", 0, "correct ones, every third over TCP (20)", 0 },
	{ "loss", KEY_LOSS, "P", 0, "of datagrams; a third of it is repeated, a third delayed (0.3)", 0 },
	{ "steps", KEY_STEPS, "N", 0, "requests of all clients together (100000)", 0 },
	{ "exhaustive", KEY_EXHAUSTIVE, "K", 0, "instead: every sequence of up to K events of two clients, core against model", 0 },
	{ "shrink", KEY_SHRINK, "FILE", 0, "if something is violated: look for a shorter run, write it as a scenario, and say whether that shows it", 0 },
	{ "fault", KEY_FAULT, "NAME", 0, "a known-bad server instead (c2w-server-faulty --list-faults)", 0 },
	{ 0 },
};

static unsigned long long number(struct argp_state *state, const char *name, const char *text, unsigned long long least, unsigned long long most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || strchr(text, '-') || value < least || value > most)
		argp_failure(state, EXIT_USAGE, 0, "--%s: \"%s\" is no number from %llu to %llu", name, text, least, most);
	return value;
}

static double probability(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value <= 0.9))
		argp_failure(state, EXIT_USAGE, 0, "--loss: \"%s\" is no probability from 0 to 0.9", text);
	return value;
}

static const struct srv_policy *fault(struct argp_state *state, const char *name)
{
	int found = srv_fault_find(name);

	if (found < 0)
		argp_failure(state, EXIT_USAGE, 0, "--fault: \"%s\" is unknown; c2w-server-faulty --list-faults names them", name);
	return srv_fault_policy((enum srv_fault)found);
}

static void leave_alone(struct argp_state *state, const struct command *command)
{
	if (command->exhaustive && command->other)
		argp_failure(state, EXIT_USAGE, 0, "--exhaustive and --%s: not together; it plays everything, against the reference server", command->other);
}

/* Opened before the run: what cannot be written is said first. */
static void open_scenario(struct argp_state *state, struct command *command)
{
	if (command->shrink && (command->scenario = rp_output_open(command->shrink)) == NULL)
		argp_failure(state, EXIT_USAGE, 0, "--shrink %s: %s", command->shrink, strerror(errno));
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct command *command = state->input;

	for (const struct argp_option *option = options; option->name; option++)
		if (option->key == key && key != KEY_EXHAUSTIVE)
			command->other = option->name;
	switch (key) {
	case KEY_SEED: command->run.seed = number(state, "seed", text, 0, UINT64_MAX / 4); break;
	case KEY_CLIENTS: command->run.clients = (unsigned)number(state, "clients", text, 1, FZ_MOST_PEOPLE); break;
	case KEY_LOSS: command->run.loss = probability(state, text); break;
	case KEY_STEPS: command->run.steps = number(state, "steps", text, 1, UINT32_MAX); break;
	case KEY_EXHAUSTIVE: command->exhaustive = (unsigned)number(state, "exhaustive", text, 1, 8); break;
	case KEY_SHRINK: command->shrink = text; break;
	case KEY_FAULT: command->run.policy = fault(state, command->fault = text); break;
	case ARGP_KEY_ARG: argp_failure(state, EXIT_USAGE, 0, "%s: no argument is expected", text); break;
	case ARGP_KEY_SUCCESS:
		leave_alone(state, command);
		open_scenario(state, command);
		break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- every short history ---------------------------------------------------------------------------- */

static int exhaust(unsigned length)
{
	clock_t began = clock();
	uint64_t count = fz_exhaust(length);
	struct fz_coverage cells = fz_session_coverage();

	printf("complete: %llu sequences of up to %u of %u events, core and model agree on all (%.1f s of CPU)\n", (unsigned long long)count, length,
	       fz_exhaust_events(), (double)(clock() - began) / CLOCKS_PER_SEC);
	printf("specification coverage: %u of %u cells (transport x state x event x outcome)\n", cells.seen, cells.total);
	return EXIT_HOLDS;
}

/* ---- shrinking --------------------------------------------------------------------------------------- */

/* A failing run with fewer clients, another seed, or no loss at all, that makes fewer requests. */
static void find_shorter(struct fz_simulation *best)
{
	static const unsigned few[] = { 2, 3, 4, 6, 8, 12 };
	const double losses[] = { 0, best->loss };

	for (size_t l = 0; l < 2; l++)
		for (size_t c = 0; c < sizeof(few) / sizeof(*few) && few[c] <= best->clients; c++)
			for (uint64_t seed = 1; seed <= SEEDS_TO_TRY && best->requests > 1; seed++) {
				struct fz_simulation tried = { .seed = seed, .clients = few[c], .loss = losses[l], .steps = best->requests - 1,
					.policy = best->policy };

				fz_simulate(&tried);
				if (*tried.violation && tried.requests < best->requests)
					*best = tried;
			}
}

/* Whether the acts alone, one after the other on a perfect network, still violate the rule; "": any. */
static bool fails(struct fz_simulation *run, const struct fz_act *acts, size_t count, const char *rule)
{
	run->acts = acts;
	run->act_count = count;
	fz_simulate(run);
	return *run->violation && strncmp(run->violation, rule, strlen(rule)) == 0;
}

/* Delta debugging: leaves out what can be left out, in pieces of half of them, of a quarter … of one. */
static size_t leave_out(struct fz_simulation *run, struct fz_act *acts, size_t count)
{
	static struct fz_act fewer[MOST_ACTS];
	char rule[sizeof("MSG-01:")];

	snprintf(rule, sizeof(rule), "%.7s", run->violation);
	for (size_t piece = (count + 1) / 2; piece > 0; piece = piece > 1 ? (piece + 1) / 2 : 0) {
		bool again = false;

		for (size_t at = 0; at < count;) {
			size_t less = piece < count - at ? piece : count - at;

			memcpy(fewer, acts, at * sizeof(*acts));
			memcpy(fewer + at, acts + at + less, (count - at - less) * sizeof(*acts));
			if (fails(run, fewer, count - less, rule)) {
				count -= less;
				memcpy(acts, fewer, count * sizeof(*acts));
				again = piece == 1;
			} else {
				at += less;
			}
		}
		piece += again; /* what could not go before may go now */
	}
	return count;
}

/* Every single act that is left is needed. Where the failure needs the bad network or acts at the same time, the run stays as it is. */
static void shrink_acts(struct fz_simulation *run)
{
	static struct fz_act acts[MOST_ACTS];
	struct fz_simulation serial = { .seed = run->seed, .clients = run->clients, .policy = run->policy };
	size_t count;

	run->record = acts;
	run->record_room = MOST_ACTS;
	fz_simulate(run);
	run->record = NULL;
	if (run->recorded == MOST_ACTS || !fails(&serial, acts, run->recorded, ""))
		return;
	count = leave_out(&serial, acts, run->recorded);
	fails(&serial, acts, count, "");
	*run = serial;
}

/* ---- the scenario ------------------------------------------------------------------------------------- */

enum variant { PLAIN, LEAVING, PIECES, PIECES_LEAVING, VARIANTS };

static char *text_of(struct fz_simulation *run, const char *reason, const char *proves, enum variant variant)
{
	char *text = NULL;
	size_t length;

	run->scenario = open_memstream(&text, &length);
	if (!run->scenario)
		abort();
	run->reason = reason;
	run->proves = proves;
	run->pieces = variant >= PIECES;
	run->leaving = variant == LEAVING || variant == PIECES_LEAVING;
	fz_simulate(run);
	fclose(run->scenario);
	run->scenario = NULL;
	return text;
}

static bool over_tcp_only(const struct fz_simulation *run)
{
	for (size_t i = 0; i < run->act_count; i++)
		if (!fz_on_tcp(run->acts[i].who))
			return false;
	return run->acts != NULL;
}

/* The first that proves it: as it is, with all leaving in the end, with streams cut (then it is TRN-03 that breaks, as whole they do not); else as it is.
 * The caller frees it. */
static char *find_scenario(struct fz_simulation *run, enum fz_proof *proof)
{
	char reason[sizeof(run->violation)], rule[8];
	char *text;

	snprintf(reason, sizeof(reason), "%s", run->violation + strlen("MSG-01: "));
	snprintf(rule, sizeof(rule), "%.6s", run->violation);
	for (enum variant variant = PLAIN; variant < VARIANTS; variant++) {
		text = text_of(run, reason, variant >= PIECES && over_tcp_only(run) ? "TRN-03" : rule, variant);
		*proof = fz_prove(text, run->policy);
		if (*proof == FZ_PROVED)
			return text;
		free(text);
	}
	text = text_of(run, reason, rule, PLAIN);
	*proof = fz_prove(text, run->policy);
	return text;
}

static const char *said_of(const struct fz_simulation *run, enum fz_proof proof)
{
	if (proof == FZ_PROVED)
		return run->policy ? "a right server passes this scenario, that one fails it" : "the server fails this scenario";
	if (!run->acts)
		return "the failure needs its network or its timing; this scenario does not show it";
	return proof == FZ_PASSED_BY_BOTH ? "the failure needs its network, or no scenario can see it; this scenario does not show it"
	                                  : "a right server does not pass this scenario, so it does not show it";
}

static int write_scenario(struct command *command, const char *text, const char *said)
{
	FILE *to = rp_output_stream(command->scenario);
	int error;

	fprintf(to, "# Found by c2w-simulate%s%s: %s.\n# %s\n", command->fault ? " --fault " : "", command->fault ? command->fault : "", said,
	        command->run.violation);
	fputs(text, to);
	error = rp_output_commit(command->scenario);
	command->scenario = NULL;
	if (error < 0)
		fprintf(stderr, "c2w-simulate: %s: %s\n", command->shrink, strerror(-error));
	return error < 0 ? EXIT_USAGE : EXIT_VIOLATED;
}

static int shrink(struct command *command)
{
	struct fz_simulation *run = &command->run, found;
	enum fz_proof proof;
	const char *said;
	char *text;
	int code;

	run->steps = run->requests;
	find_shorter(run);
	found = *run;
	shrink_acts(run);
	text = find_scenario(run, &proof);
	said = said_of(run, proof);
	printf("shortest: %llu acts of --seed %llu --clients %u --loss %g --steps %llu: %s\n%s: %s\n",
	       (unsigned long long)(run->acts ? run->act_count : run->requests), (unsigned long long)found.seed, found.clients, found.loss,
	       (unsigned long long)found.steps, run->violation, command->shrink, said);
	code = write_scenario(command, text, said);
	free(text);
	return code;
}

/* ---- the program --------------------------------------------------------------------------------------- */

static int simulate(struct command *command)
{
	struct fz_simulation *run = &command->run;

	fz_simulate(run);
	printf("seed %llu: %llu requests, %llu sessions, %llu texts, %llu deliveries, %llu lists, %llu given up; %.0f virtual seconds; digest %016llx\n",
	       (unsigned long long)run->seed, (unsigned long long)run->requests, (unsigned long long)run->sessions, (unsigned long long)run->texts,
	       (unsigned long long)run->deliveries, (unsigned long long)run->lists, (unsigned long long)run->given_up, run->seconds,
	       (unsigned long long)run->digest);
	if (!*run->violation) {
		puts("holds: every text once and in order, no name left over, every list true");
		return EXIT_HOLDS;
	}
	printf("violated after %llu requests: %s\n", (unsigned long long)run->requests, run->violation);
	return command->shrink ? shrink(command) : EXIT_VIOLATED;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { .options = options, .parser = parse,
		.doc = "Simulates the reference server in virtual time. Exit code 0: what must hold held; 1: it did not; 2: usage." };
	struct command command = { .run = { .seed = 1, .clients = 20, .loss = 0.3, .steps = 100000 } };
	int code;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &command);
	code = command.exhaustive ? exhaust(command.exhaustive) : simulate(&command);
	rp_output_abandon(command.scenario);
	return code;
}
