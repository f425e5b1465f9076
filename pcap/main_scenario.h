/* A captured conversation as a scenario file. For pcap/main.c. Owns copies of the events until scenario_free(); bounded: of a longer
 * capture the beginning is taken, and the file says so. */
#ifndef PC_MAIN_SCENARIO_H
#define PC_MAIN_SCENARIO_H

#include <stdio.h>

#include "pcap/trace.h"

struct scenario;

struct scenario *scenario_new(const struct c2w_params *params);
void scenario_free(struct scenario *scenario);
/* A callback of a trace. */
void scenario_event(struct scenario *scenario, struct pc_session *session, const struct pc_event *event);
/* What of it the language or the engine cannot do again, a sentence; NULL: nothing. */
const char *scenario_why_not(const struct scenario *scenario);
/* Writes it. False: there is nothing in it that could be played. */
bool scenario_write(const struct scenario *scenario, FILE *to);

#endif
