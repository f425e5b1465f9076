/* What several renderings look for in a result: the step and the message that a finding is about, what to mend first, names for
 * test cases. For the renderers. Points into the result unless it says otherwise. */
#ifndef RP_FIND_H
#define RP_FIND_H

#include "reports/result.h"

/* A scenario file that is here, NULL otherwise; the caller frees it. Nothing but small regular files of scenarios is opened, since the
 * name may come from somebody else's result file. */
char *rp_source_read(const char *name);
/* A regular file of at most `most` octets, a NUL behind it. NULL otherwise; the caller frees it. */
char *rp_file_read(const char *name, size_t most, size_t *length);
/* The packets of a scenario, in the same way: nothing is read but what is a capture. */
char *rp_capture_read(const struct rp_scenario *scenario, size_t most, size_t *length);
/* Its file's name without folders; escaped; the caller frees it. */
char *rp_capture_name(const struct rp_scenario *scenario);
/* "packets, captured": what stands in front of it. */
const char *rp_packets_title(const struct rp_result *result);
/* Its line `number`, the same way. */
char *rp_source_line(const char *name, unsigned number);

/* The message that the finding calls wrong: the last one received until then that looks so. NULL: there is none. */
const struct rp_event *rp_offender(const struct rp_scenario *scenario, const struct rp_finding *finding);
/* The scenario's first finding for the rule and verdict; *more: how many further ones. NULL: there is none. */
const struct rp_finding *rp_finding_of(const struct rp_scenario *scenario, enum c2w_rule rule, enum rp_verdict verdict, size_t *more);
/* The finding that a short report shows: the first of the worst. NULL: there is none. */
const struct rp_finding *rp_worst_finding(const struct rp_scenario *scenario);

/* The rules with this verdict, what to mend first in front. Returns how many. */
unsigned rp_rules_by_rank(const struct rp_result *result, enum rp_verdict verdict, enum c2w_rule rules[C2W_RULES]);
/* The indices of the scenarios, worst first, else in their order. The caller frees it. */
size_t *rp_scenarios_by_verdict(const struct rp_result *result);
/* "chat/MSG-02-x over UDP", with " #2" behind where there are several; escaped, each only once. rp_names_free() frees them. */
char **rp_case_names(const struct rp_result *result);
void rp_names_free(char **names, size_t count);

/* A scenario as a test case, for readers that know no more than these. A known failure is skipped, an inconclusive one an error; a SHOULD
 * that is not followed passes unless the run says otherwise. */
enum rp_case { RP_CASE_PASSED, RP_CASE_FAILED, RP_CASE_ERROR, RP_CASE_SKIPPED, RP_CASES };
enum rp_case rp_case_of(const struct rp_result *result, const struct rp_scenario *scenario);
/* Why the run as a whole must not look green though no scenario says so: the target is unreachable, nothing was tested, something expected
 * did not come true. It is a test case of its own, an error, called RP_RUN_CASE. NULL: there is none; escaped; the caller frees it. */
#define RP_RUN_CASE "the run"
char *rp_run_error(const struct rp_result *result);
struct rp_cases { size_t of[RP_CASES], total; };
struct rp_cases rp_cases_count(const struct rp_result *result);
/* "MSG-02: bob heard it (flaky: …)", or the reason; escaped; the caller frees it. */
char *rp_case_message(const struct rp_scenario *scenario);

const char *rp_transport_title(enum rp_transport transport); /* "over UDP" */
/* " (flaky: it failed, then passed)" and the like; "" where there is nothing to remark. */
const char *rp_remark(const struct rp_scenario *scenario);

/* Everything about why a scenario does not pass, as lines of plain text of at most `width` columns where they can be broken, a ladder
 * of the last `rows` messages (0: all) among it. Escaped; the caller frees it. */
char *rp_scenario_text(const struct rp_result *result, const struct rp_scenario *scenario, unsigned width, unsigned rows);
/* The file, and :LINE where there is one; escaped; the caller frees it. */
char *rp_place(const struct rp_scenario *scenario, const struct rp_finding *finding);
/* A wall-clock time as ISO 8601 in UTC with milliseconds. */
enum { RP_TIME_TEXT = 40 };
void rp_time_text(int64_t ns, char text[RP_TIME_TEXT]);

#endif
