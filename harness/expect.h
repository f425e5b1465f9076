/* Known failures: --expect FILE. For main.c and tests. A line of the file is
 *
 *     SCENARIO [udp|tcp|mixed] RULE...     # comment
 *
 * and says that the scenario fails, over this transport or over each that it runs over, for exactly these rules. The list is the
 * caller's; the suite must outlive it. */
#ifndef HX_EXPECT_H
#define HX_EXPECT_H

#include "harness/script.h"
#include "reports/result.h"

struct hx_expect;

/* NULL if there is an error; each is told, FILE:LINE first: a scenario or a rule that there is not (with what comes near it), a
 * transport that the scenario does not run over, a line without a rule, a scenario listed twice. */
struct hx_expect *hx_expect_read(const char *file, const struct hx_suite *suite, void (*error)(void *context, const char *text), void *context);
void hx_expect_free(struct hx_expect *expect); /* NULL is fine */

/* Marks what failed as listed, and notes what did not: what passed or failed for other rules. left_out: rules that are not judged,
 * which are not expected either. What did not run, was skipped or could not be judged says nothing. After the result is concluded. */
void hx_expect_judge(const struct hx_expect *expect, const bool left_out[C2W_RULES], struct rp_result *result);

#endif
