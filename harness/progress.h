/* What is seen while it runs: a live line on a terminal, plain lines in a pipe, JSON lines in the --events file.
 * For main.c. Owns nothing but itself; the streams are the caller's. Everything a target may have said arrives escaped here.
 *
 * --events (reports/c2w-events-1.schema.json): one object a line, in the order things happen; times in ns since the run's start, as in the result file; what is not
 * known is null:
 *   {"event":"start","schema":"c2w-events/1","target":"127.0.0.1:1950","seed":"7"}
 *   {"event":"plan","total":80}                       so many "scenario" events follow, skips included
 *   {"event":"try","id":"chat/MSG-01-x","transport":"udp","number":1,"at_ns":1}
 *   {"event":"scenario","id":…,"transport":…,"verdict":"pass","tries":1,"duration_ns":9,"reason":…,"flaky":false,"company_only":false,
 *    "findings":[{"rule":…,"verdict":…,"file":…,"line":…,"what":…,"expected":…,"got":…,"at_ns":…}],
 *    "text":"scenarios/chat/MSG-01-x.c2w:9: MSG-01 …"}   the findings for people, over several lines
 *   {"event":"note","text":"The server ended …","at_ns":…}
 *   {"event":"end","verdict":"conforms","reason":…,"exit":0,"duration_ns":…} */
#ifndef HX_PROGRESS_H
#define HX_PROGRESS_H

#include <stdio.h>

#include "reports/result.h"

struct hx_progress_options {
	FILE *people;        /* NULL: quiet */
	bool live;           /* people look at a terminal: one line, rewritten */
	bool colour, verbose; /* verbose: a line for each start, too */
	unsigned width;      /* columns of the terminal */
	FILE *events;        /* NULL: none */
};

struct hx_progress;

struct hx_progress *hx_progress_new(const struct hx_progress_options *options);
void hx_progress_free(struct hx_progress *progress); /* takes the live line away */

void hx_progress_run(struct hx_progress *progress, const char *target, uint64_t seed);
void hx_progress_planned(struct hx_progress *progress, unsigned total);
void hx_progress_started(struct hx_progress *progress, const struct rp_scenario *record, unsigned try, int64_t at);
void hx_progress_finished(struct hx_progress *progress, const struct rp_scenario *record, unsigned tries);
void hx_progress_note(struct hx_progress *progress, const char *text, int64_t at);
void hx_progress_end(struct hx_progress *progress, const struct rp_result *result, int exit);

#endif
