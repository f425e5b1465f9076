/* Servers that die or leak: what faults.def cannot hold, since its faults play in one process with who finds them.
 * For the session target and what measures it.
 * Constant data, but for what the mishaps lose on purpose. */
#ifndef FZ_MISHAPS_H
#define FZ_MISHAPS_H

#include "server/policy.h"

/* NULL: none has this name. */
const struct srv_policy *fz_mishap(const char *name);

#endif
