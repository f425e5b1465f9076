/* c2w-simulate: the reference server among many correct clients on a bad network, or against the model through every short history.
 * Nothing calls in here.
 * Owns what it parses from the command line. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz/exhaustive.h"
#include "fuzz/session.h"
#include "fuzz/simulate.h"
#include "server/faults.h"

const char *argp_program_version = "c2w-simulate " C2W_VERSION;

enum { EXIT_HOLDS, EXIT_VIOLATED, EXIT_USAGE, SEEDS_TO_TRY = 24, MOST_ACTS = 1 << 16 };
enum key { KEY_SEED = 256, KEY_CLIENTS, KEY_LOSS, KEY_STEPS, KEY_EXHAUSTIVE, KEY_SHRINK, KEY_FAULT };

struct command {
	struct fz_simulation run;
	unsigned exhaustive;
	const char *shrink;
};

static const struct argp_option options[] = {
	{ "seed", KEY_SEED, "N", 0, "the same seed is the same run (1)", 0 },
	{ "clients", KEY_CLIENTS, "N", 0, "correct ones, every third over TCP (20)", 0 },
	{ "loss", KEY_LOSS, "P", 0, "of datagrams; a third of it is repeated, a third delayed (0.3)", 0 },
	{ "steps", KEY_STEPS, "N", 0, "requests of all clients together (100000)", 0 },
	{ "exhaustive", KEY_EXHAUSTIVE, "K", 0, "instead: every sequence of up to K events of two clients, core against model", 0 },
	{ "shrink", KEY_SHRINK, "FILE", 0, "if something is violated: look for a shorter run, and write it as a scenario", 0 },
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

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct command *command = state->input;

	switch (key) {
	case KEY_SEED: command->run.seed = number(state, "seed", text, 0, UINT64_MAX / 4); break;
	case KEY_CLIENTS: command->run.clients = (unsigned)number(state, "clients", text, 1, FZ_MOST_PEOPLE); break;
	case KEY_LOSS: command->run.loss = probability(state, text); break;
	case KEY_STEPS: command->run.steps = number(state, "steps", text, 1, UINT32_MAX); break;
	case KEY_EXHAUSTIVE: command->exhaustive = (unsigned)number(state, "exhaustive", text, 1, 8); break;
	case KEY_SHRINK: command->shrink = text; break;
	case KEY_FAULT: command->run.policy = fault(state, text); break;
	case ARGP_KEY_ARG: argp_failure(state, EXIT_USAGE, 0, "%s: no argument is expected", text); break;
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
static bool shrink_acts(struct fz_simulation *run)
{
	static struct fz_act acts[MOST_ACTS];
	struct fz_simulation serial = { .seed = run->seed, .clients = run->clients, .policy = run->policy };
	size_t count;

	run->record = acts;
	run->record_room = MOST_ACTS;
	fz_simulate(run);
	run->record = NULL;
	if (run->recorded == MOST_ACTS || !fails(&serial, acts, run->recorded, ""))
		return false;
	count = leave_out(&serial, acts, run->recorded);
	fails(&serial, acts, count, "");
	*run = serial;
	return true;
}

static int shrink(struct fz_simulation *run, const char *file)
{
	struct fz_simulation found;
	char rule[8] = "MSG-01"; /* where it is no rule's */
	bool serial;
	FILE *to;

	run->steps = run->requests;
	find_shorter(run);
	found = *run;
	serial = shrink_acts(run);
	if (strcspn(run->violation, ":") == strlen(rule))
		memcpy(rule, run->violation, strlen(rule));
	to = fopen(file, "we");
	if (!to) {
		fprintf(stderr, "c2w-simulate: %s: %s\n", file, strerror(errno));
		return EXIT_USAGE;
	}
	run->scenario = to;
	run->proves = rule;
	fz_simulate(run);
	fprintf(to, "\n# %s\n", run->violation);
	fclose(to);
	printf("shortest: %llu acts of --seed %llu --clients %u --loss %g --steps %llu: %s\n%s%s\n",
	       (unsigned long long)(serial ? run->act_count : run->requests), (unsigned long long)found.seed, found.clients, found.loss,
	       (unsigned long long)found.steps, run->violation, file, serial ? "" : ": it needs its network or its timing; elsewhere this scenario proves nothing");
	return EXIT_VIOLATED;
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
	return command->shrink ? shrink(run, command->shrink) : EXIT_VIOLATED;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { .options = options, .parser = parse,
		.doc = "Simulates the reference server in virtual time. Exit code 0: what must hold held; 1: it did not; 2: usage." };
	struct command command = { .run = { .seed = 1, .clients = 20, .loss = 0.3, .steps = 100000 } };

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &command);
	return command.exhaustive ? exhaust(command.exhaustive) : simulate(&command);
}
