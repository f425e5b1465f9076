/* Which scenarios run, and which rules are judged: --only, --skip, --level, --origin, --shard, --last-failed.
 * For main.c and tests; pure but for the memory of what it returns, which is the caller's (free). The suite must outlive it. */
#ifndef HX_SELECT_H
#define HX_SELECT_H

#include "harness/script.h"
#include "reports/result.h"

/* One run: a scenario over a transport. */
struct hx_pick {
	const struct hx_scenario *scenario;
	enum rp_transport transport;
};

struct hx_words {
	const char **at;
	unsigned count;
};

struct hx_selection {
	struct hx_words only, skip; /* a rule (MSG-01), an area of rules (MSG), a folder (chat), an id, a pattern (chat/MSG-0?-*), a part of an id */
	enum c2w_level level;       /* the weakest that is judged: C2W_MUST, C2W_SHOULD or C2W_MAY */
	const char *origins;        /* those judged, "SIP" */
	unsigned transports;        /* C2W_ON_…: those asked for; a mixed scenario is picked whatever they are */
	unsigned shard, shards;     /* shard 1 … shards; shards 0 or 1: all */
	const struct hx_words *last_failed; /* lines "id transport"; NULL: not asked for */
};

/* Rules that are not judged, by level, origin or --skip: true in left_out. Findings about them are ignored. */
void hx_select_rules(const struct hx_selection *selection, bool left_out[C2W_RULES]);

/* What is to run, ordered by id, then transport; *picks is the caller's (free), never NULL. A scenario that proves nothing but
 * rules left out is not picked. Returns the number of errors: a word that selects nothing (with what comes near it), nothing
 * selected at all. Each is told to `error`, one line without its end. */
unsigned hx_select(const struct hx_suite *suite, const struct hx_selection *selection, struct hx_pick **picks, unsigned *count,
                   void (*error)(void *context, const char *text), void *context);

#endif
