/* What a server did in which state upon which event: the cells of PROTOCOL.md sections 4 and 5, as coverage.
 * For session.c and targets. libFuzzer counts a cell as it counts an edge: new behaviour keeps an input.
 * Static data; which cells were ever seen outlives a run. */
#ifndef FZ_CELLS_H
#define FZ_CELLS_H

#include <stdbool.h>

#include "protocol/message.h"

enum fz_state { FZ_DISCONNECTED, FZ_MAIN_ROOM, FZ_MOVIE_ROOM, FZ_STATES };

/* A request's TIME beside that of the endpoint's last one; requests come first, a row for each family. */
enum fz_age { FZ_NEWER, FZ_EQUAL, FZ_OLDER, FZ_AGES };
enum fz_event {
	FZ_ON_REQUEST = 0,
	FZ_ON_ACK = C2W_FAMILIES * FZ_AGES,
	FZ_ON_MALFORMED = FZ_ON_ACK + C2W_FAMILIES,
	FZ_ON_CLOSE,
	FZ_ON_TIMER,
	FZ_EVENTS
};

enum fz_outcome {
	FZ_SILENCE,
	FZ_ANSWER,
	FZ_ERROR_1, FZ_ERROR_2, FZ_ERROR_3, FZ_ERROR_4, /* 1001 … 1004, 2001 … 2004, and 1 */
	FZ_COPY,
	FZ_TEXT,
	FZ_END,                                         /* its session, or what was known of it */
	FZ_OUTCOMES
};

/* False: no rule allows that. */
bool fz_cell(enum fz_state state, bool tcp, enum fz_event event, enum fz_outcome outcome);

struct fz_coverage { unsigned seen, total; };
struct fz_coverage fz_cells_seen(void);

const char *fz_event_name(enum fz_event event, char to[64]);

#endif
