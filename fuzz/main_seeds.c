/* c2w-seeds: makes the first inputs of the fuzz targets from a result of c2w-conform, and their dictionary from the protocol's tables.
 *   c2w-seeds RESULT FOLDER     writes FOLDER/<target>/<number>
 *   c2w-seeds --dictionary      prints it
 * Nothing calls in here. Owns all it makes. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/scripts.h"
#include "fuzz/steps.h"
#include "reports/result.h"

const char *argp_program_version = "c2w-seeds " C2W_VERSION;

enum { MOST = 4096, MOST_STREAM = 1024, HOWS = 4 };

struct seeds {
	const char *folder;
	unsigned count;
};

/* ---- the dictionary ------------------------------------------------------------------------------ */

static void print_dictionary(void)
{
	static const char *const words[] = { "\\x0d\\x0a", "|", "||", ": ", ",", "MAIN_ROOM", "0.000001", "9999999999.999999", "127.0.0.1:5004",
		"[::1]:5004", "\\xe2\\x82\\xac", "\\xc3", "\\x00" };

	puts("# From commands.def and keywords.def, by c2w-seeds --dictionary.");
	for (unsigned i = 1; i < C2W_COMMANDS; i++) {
		const struct c2w_command_info *info = c2w_command_info((enum c2w_command)i);

		printf("\"%s%s\"\n", info->name, info->digits == 4 ? "_1001" : info->digits == 1 ? "_1" : "");
	}
#define HX_KEYWORD(id, word) puts("\" " word " \"");
#include "harness/keywords.def"
#undef HX_KEYWORD
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		printf("\"%s\"\n", words[i]);
}

/* ---- files --------------------------------------------------------------------------------------- */

static FILE *open_seed(struct seeds *seeds, const char *target)
{
	char path[4096];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s", seeds->folder, target);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%05u", seeds->folder, target, seeds->count++);
	to = fopen(path, "we");
	if (!to) {
		fprintf(stderr, "c2w-seeds: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return to;
}

static void write_seed(struct seeds *seeds, const char *target, const void *octets, size_t length)
{
	FILE *to = open_seed(seeds, target);

	fwrite(octets, 1, length, to);
	fclose(to);
}

/* ---- session: a scenario's messages as steps -------------------------------------------------------- */

struct player {
	const char *name;
	bool tcp;
	unsigned index;              /* of the endpoint that plays it */
	struct c2w_message last;     /* its last request */
	struct c2w_str last_octets, user;
};

struct playing {
	struct player players[FZ_CLIENTS];
	unsigned count, udp, tcp;
	int64_t at;
	uint8_t input[1 + FZ_MOST_STEPS * sizeof(struct fz_step)];
	size_t length;
};

static struct player *player_of(struct playing *p, const struct rp_event *event)
{
	struct player *player = p->players;

	for (; player < p->players + p->count; player++)
		if (player->tcp == event->tcp && strcmp(player->name, event->client) == 0)
			return player;
	if ((event->tcp ? p->tcp == FZ_TCP_CLIENTS : p->udp == FZ_UDP_CLIENTS) || p->count == FZ_CLIENTS)
		return NULL;
	*player = (struct player){ .name = event->client, .tcp = event->tcp };
	player->index = event->tcp ? FZ_UDP_CLIENTS + p->tcp++ : p->udp++;
	p->count++;
	return player;
}

static void add_step(struct playing *p, struct fz_step step)
{
	if (p->length + sizeof(step) > sizeof(p->input))
		return;
	memcpy(p->input + p->length, &step, sizeof(step));
	p->length += sizeof(step);
}

static enum fz_time time_choice(const struct player *player, const struct c2w_message *message)
{
	if (message->time > player->last.time)
		return message->time == player->last.time + 1 ? FZ_BY_A_HAIR : FZ_NEXT;
	if (message->time < player->last.time)
		return FZ_EARLIER;
	return c2w_str_equal(message->time_text, player->last.time_text) ? FZ_SAME : FZ_OTHER_DIGITS;
}

static enum fz_data data_choice(const struct c2w_message *message)
{
	if (message->data.length == 0)
		return c2w_command_info(message->command)->data ? FZ_EMPTY : FZ_FIRST;
	if (message->data.length > 1024)
		return FZ_TEXT_TOO_LONG;
	if (message->data.length > 64)
		return message->command == C2W_SEND_MESSAGE_REQUEST ? FZ_LONGEST_TEXT : FZ_ONE_OCTET;
	return memchr(message->data.at, '|', message->data.length) ? FZ_PIPES : FZ_FIRST;
}

static enum fz_user user_choice(const struct player *player, const struct c2w_message *message)
{
	if (message->command == C2W_CONNECTION_REQUEST)
		return c2w_user_name_valid(message->user) ? FZ_OWN : message->user.length == 0 ? FZ_NO_USER : FZ_BAD_USER;
	return c2w_str_equal(message->user, player->user) ? FZ_OWN : FZ_NEIGHBOUR;
}

static struct fz_step step_of(struct player *player, struct c2w_str octets)
{
	struct fz_step step = { .op = FZ_OP_DAMAGED, .who = (uint8_t)player->index, .what = FZ_FLIPPED };
	struct c2w_message message;

	if (c2w_message_parse(&message, octets.at, octets.length, 0) != C2W_OK)
		return step;
	step = (struct fz_step){ .op = FZ_OP_ACK, .who = (uint8_t)player->index, .user = (uint8_t)user_choice(player, &message) };
	if (c2w_command_info(message.command)->beat != C2W_REQUEST)
		return step;
	step.op = c2w_str_equal(octets, player->last_octets) ? FZ_OP_AGAIN : FZ_OP_REQUEST;
	step.what = (uint8_t)c2w_command_info(message.command)->family;
	step.time = (uint8_t)time_choice(player, &message);
	step.data = (uint8_t)data_choice(&message);
	player->last = message;
	player->last_octets = octets;
	if (message.command == C2W_CONNECTION_REQUEST)
		player->user = message.user;
	return step;
}

static void add_wait(struct playing *p, int64_t at)
{
	static const int64_t moment = 400000000; /* ns: below that nothing of the protocol happens */

	if (at - p->at > moment)
		add_step(p, (struct fz_step){ .op = FZ_OP_WAIT, .what = at - p->at > 3 * moment ? FZ_LONG : FZ_UNTIL_DUE });
	p->at = at;
}

static void seed_session(struct seeds *seeds, const struct rp_scenario *scenario)
{
	struct playing p = { .length = 1 };

	for (size_t i = 0; i < scenario->timeline_count; i++) {
		const struct rp_event *event = &scenario->timeline[i];
		struct player *player = event->received || !event->octets ? NULL : player_of(&p, event);

		if (!player)
			continue;
		add_wait(&p, event->at);
		add_step(&p, step_of(player, (struct c2w_str){ event->octets, event->length }));
	}
	if (p.length > 1)
		write_seed(seeds, "session", p.input, p.length);
}

/* ---- the other targets ------------------------------------------------------------------------------ */

/* One of each kind, command and rough length. */
static void seed_message(struct seeds *seeds, const struct rp_scenario *scenario)
{
	static bool seen[C2W_COMMANDS][-C2W_ERR_BASE_][8];

	for (size_t i = 0; i < scenario->timeline_count; i++) {
		const struct rp_event *event = &scenario->timeline[i];
		struct c2w_message message;
		enum c2w_err err;
		bool *same;

		if (!event->octets || event->length > MOST)
			continue;
		err = c2w_message_parse(&message, event->octets, event->length, MOST);
		same = &seen[message.command][err ? err - C2W_ERR_BASE_ : 0][event->length < 64 ? event->length / 16 : 4 + event->length / 1025];
		if (!*same)
			write_seed(seeds, "message", event->octets, event->length);
		*same = true;
	}
}

/* A scenario's stream: a buffer of 17 times 15 octets, and cuts that come round again. */
static void seed_framer(struct seeds *seeds, const struct rp_scenario *scenario)
{
	char input[MOST_STREAM] = { 15, 3, 1, 40, 7 };
	size_t length = 5;

	for (size_t i = 0; i < scenario->timeline_count; i++) {
		const struct rp_event *event = &scenario->timeline[i];

		if (!event->octets || event->length > sizeof(input) - length)
			continue;
		memcpy(input + length, event->octets, event->length);
		length += event->length;
	}
	write_seed(seeds, "framer", input, length);
}

/* What a hostile target might have said, as pieces between NULs; and the result of this scenario alone. */
static void seed_result(struct seeds *seeds, const struct rp_scenario *scenario)
{
	struct rp_result *result = rp_result_new();
	struct rp_scenario *copy = rp_scenario_add(result, scenario->id);
	FILE *to = open_seed(seeds, "result");

	rp_proves_set(result, copy, scenario->proves, scenario->proves_count);
	copy->verdict = scenario->verdict;
	for (size_t i = 0; i < scenario->timeline_count && i < 8; i++) {
		const struct rp_event *e = &scenario->timeline[i];

		rp_event_add(result, copy, e->at, e->client, e->received, e->tcp, e->octets, e->length, e->note);
		fprintf(to, "%c", (char)(i * 5));
		fwrite(e->octets ? e->octets : "", 1, e->length, to);
		fputc('\0', to);
	}
	fclose(to);
	rp_result_conclude(result);
	to = open_seed(seeds, "result");
	rp_json_write(result, to);
	fclose(to);
	rp_result_free(result);
}

static void seed_engine(struct seeds *seeds)
{
	static const uint8_t hows[HOWS] = { 0, 1, 14, 113 };

	for (unsigned i = 0; i < fz_script_count; i++)
		for (unsigned k = 0; k < HOWS; k++)
			write_seed(seeds, "engine", (uint8_t[]){ (uint8_t)i, hows[k] }, 2);
}

/* ---- the program --------------------------------------------------------------------------------- */

struct arguments {
	bool dictionary;
	const char *words[2];
	unsigned count;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'd': arguments->dictionary = true; return 0;
	case ARGP_KEY_ARG:
		if (arguments->count == 2)
			return ARGP_ERR_UNKNOWN;
		arguments->words[arguments->count++] = text;
		return 0;
	case ARGP_KEY_END:
		if (arguments->count != (arguments->dictionary ? 0 : 2))
			argp_usage(state);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static int make_seeds(const char *file, const char *folder)
{
	struct seeds seeds = { .folder = folder };
	char *error = NULL;
	struct rp_result *result = rp_json_read(file, &error);

	if (!result) {
		fprintf(stderr, "c2w-seeds: %s\n", error);
		free(error);
		return 1;
	}
	mkdir(folder, 0777);
	for (size_t i = 0; i < result->scenarios_count; i++) {
		seed_session(&seeds, &result->scenarios[i]);
		seed_message(&seeds, &result->scenarios[i]);
		seed_framer(&seeds, &result->scenarios[i]);
		seed_result(&seeds, &result->scenarios[i]);
	}
	seed_engine(&seeds);
	rp_result_free(result);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "dictionary", 'd', NULL, 0, "print the words of the protocol and of the scenario language for fuzzers", 0 }, { 0 } };
	static const struct argp argp = { .options = options, .parser = parse, .args_doc = "RESULT FOLDER\n--dictionary",
		.doc = "Makes the first inputs of the fuzz targets from a result file of c2w-conform." };
	struct arguments arguments = { 0 };

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.dictionary)
		return make_seeds(arguments.words[0], arguments.words[1]);
	print_dictionary();
	return 0;
}
