/* Two results of the same suite compared. For c2w-report. */
#ifndef RP_DIFF_H
#define RP_DIFF_H

#include "reports/result.h"

/* Writes what is newly broken, mended, still broken, newly tested and no longer tested. Returns how much is newly broken. What is broken now
 * and was not tested before counts as newly broken; what is mended passes now. */
size_t rp_diff_write(const struct rp_result *old, const struct rp_result *new, FILE *to);

#endif
