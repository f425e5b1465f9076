/* c2w-server: the reference server for C2W/22.
 * Parses the command line and runs; everything else is command.c's and serve.c's.
 * Owns nothing. */
#include "server/command.h"

const char *argp_program_version = "c2w-server " C2W_VERSION;

int main(int argc, char **argv)
{
	static const struct argp_child children[] = { { &srv_command_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = { .children = children, .doc = "A server for C2W/22, the protocol of docs/PROTOCOL.md." };
	struct srv_command command;

	argp_err_exit_status = SRV_EXIT_USAGE;
	srv_command_init(&command, "c2w-server");
	argp_parse(&argp, argc, argv, 0, NULL, &command);
	return srv_command_run(&command);
}
