/* What a trace found, as a result: a record for every session that something was found in, with what was said before and after, and
 * one a transport for all the rest. For pcap/main.c. Owns the result until record_finish() hands it out; memory is bounded as result.h says. */
#ifndef PC_MAIN_RECORD_H
#define PC_MAIN_RECORD_H

#include "pcap/trace.h"
#include "reports/result.h"

struct record;

struct record_options {
	bool servers, clients;      /* whom to judge */
	const struct c2w_params *params;
	const char *command;        /* the command line */
};

struct record *record_new(const struct record_options *options);
void record_free(struct record *record);
/* The capture that follows: findings name it. */
void record_file(struct record *record, const char *file);
/* What a trace tells. */
void record_opened(struct record *record, struct pc_session *session);
void record_closed(struct record *record, struct pc_session *session);
void record_event(struct record *record, struct pc_session *session, const struct pc_event *event);
void record_found(struct record *record, struct pc_session *session, uint64_t packet, const struct jd_finding *finding);
/* Something of the captures could not be read or judged: one sentence, copied. doubt: less than a pass may be said of the rest. */
void record_remark(struct record *record, bool doubt, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Draws the verdicts; the result stays the record's. */
struct rp_result *record_finish(struct record *record, const struct pc_trace *trace);

#endif
