/* What must hold of every rendering of a result, whatever the result holds: it is valid in its format, and nothing of a target is more
 * than text in it. For targets/result.c. A rendering that breaks this is a refuted claim; nothing is owned. */
#ifndef FZ_RENDERED_H
#define FZ_RENDERED_H

#include "reports/render.h"

/* `text` is NUL-terminated behind `length` octets. */
void fz_rendered_check(enum rp_format format, const struct rp_result *result, const char *text, size_t length);

/* UTF-8 without C0 (but what `controls` holds), DEL, C1 or an octet that is none. */
void fz_rendered_clean(const char *text, size_t length, const char *controls);

#endif
