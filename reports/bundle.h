/* What somebody needs who doubts a verdict, in one archive. For c2w-report. */
#ifndef RP_BUNDLE_H
#define RP_BUNDLE_H

#include "reports/result.h"

/* Writes `file`, a .tar.gz: the result as it was saved in `source`, its HTML report, and for each scenario that does not pass (or, with
 * `only`, has that in its id) its script, seed, capture, command and explanation. What is not here any more is left out, and said. 0 or
 * -errno; -ENOENT too where no scenario is meant. */
int rp_bundle_write(const struct rp_result *result, const char *source, const char *only, const char *file);

#endif
