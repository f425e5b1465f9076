/* Text made safe for a terminal, its cells and their widths. For the renderers that people read in a terminal.
 * "Shown" text is UTF-8 in which everything that could move a cursor, hide or reorder (C0, C1, DEL, bidi and other format
 * characters, combining marks, blanks other than the blank, invalid UTF-8) stands as \r \n \t \xHH or \u{HEX}. The caller frees it. */
#ifndef RP_TEXT_H
#define RP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

char *rp_shown_octets(const char *octets, size_t length); /* of raw octets: a backslash becomes two */
char *rp_shown_text(const char *text);                    /* of text that may be escaped already: a backslash stays */

/* A cell is one character or one whole escape, never to be split. Octets of the first one (0 at the end) and its columns. */
size_t rp_cell(const char *shown, unsigned *columns);
unsigned rp_columns(const char *shown);
/* Octets of the longest row of whole cells, at most so many columns wide. */
size_t rp_fit(const char *shown, unsigned columns);

/* Octets up to the cell in which two shown texts begin to differ. */
size_t rp_difference(const char *a, const char *b);
/* Whether to show it: prose about what did not come has no first difference; both begin alike, or what came is a message. */
bool rp_comparable(const char *expected, const char *got);
/* A formatted string; the caller frees it. Out of memory ends the program. */
char *rp_string(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints as much as fits; where something is cut, the last column is an ellipsis. Returns the columns printed. */
unsigned rp_put_cut(FILE *to, const char *shown, unsigned columns);
/* The same, filled up with blanks to exactly `columns`. */
void rp_put_padded(FILE *to, const char *shown, unsigned columns);
/* Prints it broken at blanks into lines of at most `width` columns; the first starts where the cursor is (column `indent`), the
 * others are indented by as much. Ends the last line. */
void rp_put_wrapped(FILE *to, const char *shown, unsigned indent, unsigned width);
void rp_put_many(FILE *to, const char *what, unsigned times);

enum rp_style { RP_PLAIN, RP_STRONG, RP_FAINT, RP_GOOD, RP_DOUBT, RP_BAD };
/* What switches a terminal to the style; "" without colours. */
const char *rp_style(bool colour, enum rp_style style);

#endif
