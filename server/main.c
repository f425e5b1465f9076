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

	srv_command_init(&command, "c2w-server");
	srv_command_parse(&command, &argp, argc, argv);
	return srv_command_run(&command);
}
