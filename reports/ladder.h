/* A scenario's messages as a ladder for a terminal: a column for each client, the server at the right, a line for each message.
 * For terminal.c. Reads the result, owns nothing. */
#ifndef RP_LADDER_H
#define RP_LADDER_H

#include "reports/result.h"

struct rp_ladder_options {
	unsigned indent, width; /* columns: before the ladder; of the terminal */
	unsigned rows;          /* the last so many messages; 0: all */
	int64_t until;          /* of those up to this time; INT64_MAX: up to the end */
	const struct rp_event *offender; /* gets a mark; NULL: none does */
	bool colour;
};

/* Writes nothing where there is no message. */
void rp_ladder_write(const struct rp_scenario *scenario, FILE *to, const struct rp_ladder_options *options);

#endif
