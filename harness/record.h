/* What is done to a scenario's record after its runs: rules left out, doubts, copies between results.
 * For schedule.c. Works on records that belong to an rp_result; owns nothing. */
#ifndef HX_RECORD_H
#define HX_RECORD_H

#include "harness/script.h"
#include "reports/result.h"

/* Title, file, rules proven (but those left out), transport: what is known before it runs. left_out: [C2W_RULES]. */
void hx_record_describe(struct rp_result *result, struct rp_scenario *record, const struct hx_scenario *scenario,
                        enum rp_transport transport, const bool *left_out);

/* Drops the findings of rules left out and draws the verdict again. Where only such a rule stopped the script, what
 * the scenario proves was not judged: it becomes a skip that says so. */
void hx_record_filter(struct rp_result *result, struct rp_scenario *record, const bool *left_out);

/* Whatever the record blames on the target becomes inconclusive. */
void hx_record_doubt(struct rp_result *result, struct rp_scenario *record, const char *reason);
void hx_record_remark(struct rp_result *result, struct rp_scenario *record, const char *reason); /* added to a reason that is there */

/* What `from` found, of whatever result, into `to`: verdict, findings, timeline. What describes `to` stays. */
void hx_record_copy(struct rp_result *result, struct rp_scenario *to, const struct rp_scenario *from);

/* Is there a message with this command among what was received? The gate of the sanity exchange: it asks for no more. */
bool hx_record_received(const struct rp_scenario *record, enum c2w_command command);

#endif
