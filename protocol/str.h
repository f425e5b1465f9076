/* Slices of octets.
 * For everybody. A slice owns nothing: it points into octets that somebody else keeps,
 * is not terminated by a NUL, and may hold any octet, NUL included. */
#ifndef C2W_STR_H
#define C2W_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct c2w_str {
	const char *at;
	size_t length; /* octets */
};

#define C2W_STR(literal) ((struct c2w_str){ (literal), sizeof(literal) - 1 })
/* The same as an initialiser, for static tables. */
#define C2W_STR_INIT(literal) { (literal), sizeof(literal) - 1 }

static inline struct c2w_str c2w_str_of(const char *terminated)
{
	return (struct c2w_str){ terminated, strlen(terminated) };
}

/* Octet for octet, as FMT-08 asks for commands and user names. */
static inline bool c2w_str_equal(struct c2w_str a, struct c2w_str b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

#endif
