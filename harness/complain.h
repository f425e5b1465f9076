/* Errors in scenario files: where, what, the source line and a caret.
 * For lex.c, parse.c, check.c, flow.c and suite.c. Everything belongs to the arena given; the text handed to error()
 * is valid during that call only. Whatever stands in a file, only printable characters are shown. */
#ifndef HX_COMPLAIN_H
#define HX_COMPLAIN_H

#include "harness/arena.h"
#include "harness/script.h"

enum { HX_MAX_COMPLAINTS = 100 }; /* of one file; the rest is summed up in one sentence */

struct hx_complaints;

/* A scenario file that has been read. */
struct hx_source {
	const char *file;            /* what hx_place.file points to in everything made from it */
	const char *text;
	size_t length;
	const char *const *lines;    /* NUL-terminated, without their ends */
	unsigned line_count;
	unsigned number;             /* in the order of reading, from 1 */
	unsigned complaints;         /* so far */
	struct hx_source *next;
};

struct hx_complaints *hx_complaints_new(struct hx_arena *arena, void (*error)(void *context, const char *text), void *context);
unsigned hx_complaints_count(const struct hx_complaints *complaints);

/* Copies file and text. */
struct hx_source *hx_source_add(struct hx_complaints *complaints, const char *file, const char *text, size_t length);

/* Hands every error to error(), in the order of files and lines. */
void hx_complaints_say(struct hx_complaints *complaints);

/* One error. The same words for the same place are said once. A place with line 0 stands for its whole file,
 * or for whatever its file names. */
void hx_complain(struct hx_complaints *complaints, struct hx_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "did you mean": offer every word that would do, then ask for the nearest. */
struct hx_guess {
	struct c2w_str word;
	const char *best;
	unsigned distance;
};

struct hx_guess hx_guess_at(struct c2w_str word);
void hx_guess_offer(struct hx_guess *guess, const char *word);
/* "; did you mean NEAREST?", or "" where nothing is near. */
const char *hx_guess_text(struct hx_arena *arena, const struct hx_guess *guess);

#endif
