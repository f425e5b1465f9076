/* The movies a server offers: those inside, or a file's, each with a stream.
 * For serve.c and the command line. A loaded list belongs to the caller. */
#ifndef SRV_MOVIES_H
#define SRV_MOVIES_H

#include <stdio.h>

#include "server/core.h"

/* NULL-terminated titles, one with a comma, one with an accent, one with ": ". */
extern const char *const srv_movies_inside[];

/* Reads one title a line (LF or CRLF; empty lines are skipped). Returns NULL-terminated titles for srv_movies_free(), or NULL
 * when a line is no title or all of them fit in no list (FMT-07); then every complaint was given to `complain` as "file:line: what". */
char **srv_movies_load(FILE *from, const char *file, void (*complain)(void *context, const char *text), void *context);
void srv_movies_free(char **titles);

/* The titles with a stream each, 127.0.0.1 and a port of its own; for free(). The titles must outlive it. */
struct srv_movie *srv_movies_with_streams(const char *const *titles, size_t *count);

#endif
