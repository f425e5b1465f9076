/* What every fuzz target shares: claims, the digest of what was observed, and taking an input apart.
 * For fuzz/ only. A target is one file in targets/ with LLVMFuzzerTestOneInput(); libFuzzer, AFL++ and main_replay.c call it. It owns what
 * it allocates and gives it back before it returns; the digest is the only thing that outlives a call. */
#ifndef FZ_FUZZ_H
#define FZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input is: else prints the condition and aborts, which is a finding. */
#define FZ_CLAIM(condition) ((condition) ? (void)0 : fz_refuted(__FILE__, __LINE__, #condition))
_Noreturn void fz_refuted(const char *file, int line, const char *condition);

extern void (*fz_at_refuted)(void); /* called before the abort; NULL: nothing is */

/* Whatever a target observes goes in here. Two calls with one input must give one digest: main_replay.c sees to it. */
void fz_saw(const void *octets, size_t length);
void fz_saw_number(uint64_t number);
uint64_t fz_digest(void); /* of what was seen since it was last asked */

/* Set by main_replay.c's -v: a target may tell on stdout what it does. */
extern bool fz_verbose;

/* What a target has to say when main_replay.c is done with all inputs; NULL: nothing. */
extern void (*fz_summary)(void);

/* The rest of an input. Beyond its end there are zeros. */
struct fz_input { const uint8_t *at; size_t left; };

uint8_t fz_octet(struct fz_input *input);
struct c2w_str fz_octets(struct fz_input *input, size_t most); /* as many as there are, at most so many */

/* All that is left, NUL-terminated: NULs among them end it early for whoever takes C strings. Caller frees. */
char *fz_text(const uint8_t *data, size_t size);

/* A generator for what must be the same each time: xorshift64* from *state, which must not be 0. */
uint64_t fz_random(uint64_t *state);

#endif
