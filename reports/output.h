/* A file that is opened before the run, written after it, and appears whole or not at all. For c2w-conform and c2w-report.
 * Owns the stream and the temporary file beside the name; nothing is left of it unless it is committed. */
#ifndef RP_OUTPUT_H
#define RP_OUTPUT_H

#include <stdio.h>

struct rp_output;

/* What is no regular file (/dev/stdout, a pipe) is written as it stands. NULL, errno set, if it cannot be written. */
struct rp_output *rp_output_open(const char *file);
FILE *rp_output_stream(struct rp_output *output);
/* Closes it under its name. 0, or -errno: then the name is as it was. Frees output. */
int rp_output_commit(struct rp_output *output);
void rp_output_abandon(struct rp_output *output); /* NULL is fine */

#endif
