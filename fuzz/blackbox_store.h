/* The files of c2w-fuzz: a corpus to go on from, findings as scenarios, and what a launched server uses. For main_fuzz.c and tests.
 * Names are made here, of numbers, hashes and rules; nothing that a peer sent is part of one. */
#ifndef FZ_BLACKBOX_STORE_H
#define FZ_BLACKBOX_STORE_H

#include <jansson.h>
#include <sys/types.h>

#include "fuzz/blackbox_hunt.h"

/* Every *.c2w below the folder that can be read as a program is given to the hunt, others to unreadable(). How many, or -errno; a folder that is not there yet is made. */
int fz_corpus_load(struct fz_hunt *hunt, const char *folder, void (*unreadable)(void *context, const char *path), void *context);
/* As a scenario of its own, named by its content. 0 or -errno. */
int fz_corpus_keep(const char *folder, const struct fz_program *program);

/* Makes the folder, if it is not there. 0 or -errno: nothing can be written there. */
int fz_findings_prepare(const char *folder);
/* FOLDER/001-ROB-01.c2w and .octets, with what the server printed (unless that is nothing) .output, and what did not show again .suspects, a folder
 * of scenarios; or 001-ROB-01.2.c2w where an earlier hunt left one; name: the path of the first. 0 or -errno. */
int fz_finding_save(const char *folder, const struct fz_report *report, const char *output, char *name, size_t size);
/* What the result file says of it; the caller owns the reference. */
json_t *fz_finding_json(const struct fz_report *report, const char *name);
json_t *fz_result_json(const struct fz_hunt_counts *counts, const char *target, uint64_t seed, json_t *findings, json_t *doubted); /* takes findings */

/* Memory and descriptors of all processes of a group, from /proc. False: there is none. */
bool fz_usage_of(pid_t group, struct fz_usage *usage);

#endif
