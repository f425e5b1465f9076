/* The command line that c2w-server and c2w-server-faulty share, and the life of the process: listen, say so, run, end.
 * For main.c and main_faulty.c only. */
#ifndef SRV_COMMAND_H
#define SRV_COMMAND_H

#include <argp.h>

#include "server/serve.h"

struct srv_command {
	char *program;       /* "c2w-server", for its errors */
	const char *host;
	unsigned port;
	char **movies;       /* --movies; owned */
	struct srv_options options;
};

enum { SRV_EXIT_USAGE = 2 };

void srv_command_init(struct srv_command *command, char *program);
/* The options, as a child of the program's parser, whose input is the struct srv_command. */
extern const struct argp srv_command_argp;
/* Says what is wrong as "program: what: why" and ends the process with 2. */
void srv_command_parse(struct srv_command *command, const struct argp *argp, int argc, char **argv);
/* Listens, prints "ready HOST:PORT", runs until SIGTERM or SIGINT. Returns the exit status. Frees what the command owns. */
int srv_command_run(struct srv_command *command);

#endif
