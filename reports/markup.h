/* Text as HTML. For the HTML renderers. Everything goes through shown text (text.h) first, so that no control, bidi or line separator of
 * a target gets in; then & < > " ' are written as references, so that it is text in an element and in a quoted attribute alike. */
#ifndef RP_MARKUP_H
#define RP_MARKUP_H

#include <stdbool.h>
#include <stdio.h>

#include "reports/result.h"

void rp_html_shown(FILE *to, const char *shown, size_t length); /* of shown text, or of our own */
void rp_html_text(FILE *to, const char *text);                  /* of any text, cut where it is very long; nothing for NULL */
/* Text with octets in the result file's form: what stands for an invisible octet is marked as such. At most `cells` cells, 0 for all. */
void rp_html_octets(FILE *to, const char *text, unsigned cells);
void rp_html_base64(FILE *to, const char *octets, size_t length);
/* Expected over got, the first difference marked in both. Either may be NULL. */
void rp_html_comparison(FILE *to, const char *expected, const char *got);
/* <span class="chip fail">fail</span> */
void rp_html_chip(FILE *to, enum rp_verdict verdict);

/* The head up to <body>, with style, Content-Security-Policy and title; and the end with the script. */
void rp_html_begin(FILE *to, const char *title);
void rp_html_end(FILE *to);
/* The controls that the script brings to life. */
void rp_html_controls(FILE *to);

#endif
