/* Decimal numbers without a locale, stdio or a terminating NUL.
 * For the files of protocol/ only. Pure; nothing is owned. */
#ifndef C2W_DECIMAL_H
#define C2W_DECIMAL_H

#include <stdint.h>

#include "protocol/str.h"

enum { C2W_MAX_DECIMAL = 20 }; /* octets of the longest 64-bit number */

static inline bool c2w_is_digit(char octet)
{
	return (unsigned char)(octet - '0') < 10;
}

/* 1*DIGIT, up to limit (below 2^63 / 10). false, *value untouched, on anything else. */
static inline bool c2w_decimal_parse(struct c2w_str text, int64_t limit, int64_t *value)
{
	int64_t sum = 0;

	for (size_t i = 0; i < text.length; i++) {
		if (!c2w_is_digit(text.at[i]))
			return false;
		sum = sum * 10 + (text.at[i] - '0');
		if (sum > limit)
			return false;
	}
	if (text.length == 0)
		return false;
	*value = sum;
	return true;
}

/* Writes exactly `width` digits: leading zeros, or only the last digits of a longer number. */
static inline void c2w_decimal_fill(char *to, uint64_t value, unsigned width)
{
	while (width > 0) {
		to[--width] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Writes as many digits as it takes; returns how many. */
static inline unsigned c2w_decimal_format(char to[C2W_MAX_DECIMAL], uint64_t value)
{
	unsigned width = 1;

	for (uint64_t rest = value; rest >= 10; rest /= 10)
		width++;
	c2w_decimal_fill(to, value, width);
	return width;
}

#endif
