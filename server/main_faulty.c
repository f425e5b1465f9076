/* c2w-server-faulty: the reference server with one switchable mistake, to test what tests servers.
 * Parses the command line and runs; the mistakes are those of faults.def.
 * Owns nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "server/command.h"
#include "server/faults.h"

const char *argp_program_version = "c2w-server-faulty " C2W_VERSION;

enum { KEY_FAULT = 1, KEY_LIST_FAULTS };

static const struct argp_option options[] = {
	{ "fault", KEY_FAULT, "NAME", 0, "the mistake to make (none)", 1 },
	{ "list-faults", KEY_LIST_FAULTS, NULL, 0, "name, transports, rules and sentence of each, separated by tabs", 1 },
	{ 0 },
};

static const char *transports(unsigned on)
{
	return on == C2W_ON_BOTH ? "both" : on == C2W_ON_UDP ? "udp" : "tcp";
}

static void list_faults(void)
{
	for (enum srv_fault fault = 0; fault < SRV_FAULTS; fault++) {
		const struct srv_fault_info *info = srv_fault_info(fault);

		printf("%s\t%s\t%s\t%s\n", info->name, transports(info->transports), info->rules, info->sentence);
	}
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct srv_command *command = state->input;
	int fault;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = command;
		return 0;
	case KEY_FAULT:
		fault = srv_fault_find(text);
		if (fault < 0)
			argp_failure(state, SRV_EXIT_USAGE, 0, "--fault: \"%s\" is none of --list-faults", text);
		else
			command->options.policy = srv_fault_policy((enum srv_fault)fault);
		return 0;
	case KEY_LIST_FAULTS:
		list_faults();
		exit(0);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_child children[] = { { &srv_command_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.options = options, .parser = parse, .children = children, .doc = "c2w-server with one mistake of --list-faults.",
	};
	struct srv_command command;

	srv_command_init(&command, "c2w-server-faulty");
	srv_command_parse(&command, &argp, argc, argv);
	return srv_command_run(&command);
}
