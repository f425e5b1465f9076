/* What failed the last time, for --last-failed: a file for each target below the user's cache folder. For main.c.
 * Lists are the caller's. Trouble with the cache is no trouble: then nothing is remembered. */
#ifndef HX_LASTFAILED_H
#define HX_LASTFAILED_H

#include "harness/select.h"

/* Lines "id transport"; none if nothing is known. target: its address, or "launched", "simulated". */
void hx_lastfailed_read(const char *target, struct hx_words *failed);
/* What failed now joins, what passed now leaves, what did not run stays. */
void hx_lastfailed_write(const char *target, const struct rp_result *result);
void hx_lastfailed_free(struct hx_words *failed);

#endif
