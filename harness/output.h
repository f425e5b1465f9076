/* A file that is opened before the run, written after it, and appears whole or not at all. For main.c.
 * Owns the stream and the temporary file beside the name; nothing is left of it unless it is committed. */
#ifndef HX_OUTPUT_H
#define HX_OUTPUT_H

#include <stdio.h>

struct hx_output;

/* What is no regular file (/dev/stdout, a pipe) is written as it stands. NULL, errno set, if it cannot be written. */
struct hx_output *hx_output_open(const char *file);
FILE *hx_output_stream(struct hx_output *output);
/* Closes it under its name. 0, or -errno: then the name is as it was. Frees output. */
int hx_output_commit(struct hx_output *output);
void hx_output_abandon(struct hx_output *output); /* NULL is fine */

#endif
