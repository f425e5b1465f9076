/* TIME to microseconds and back, in integers from end to end.
 * For whoever compares or makes a TIME; see protocol/time.h. Owns nothing. */
#include "protocol/time.h"

#include "protocol/decimal.h"

enum { US_PER_SECOND = 1000000 };

enum c2w_err c2w_time_parse(struct c2w_str text, int64_t *us)
{
	const char *at = text.at, *end;
	int64_t seconds = 0, fraction = 0, unit = US_PER_SECOND;

	if (text.length == 0 || text.length > C2W_MAX_TIME_TEXT)
		return C2W_ERR_TIME;
	end = at + text.length;
	for (; at < end && c2w_is_digit(*at); at++)
		seconds = seconds * 10 + (*at - '0');
	if (at == text.at || at - text.at > C2W_MAX_TIME_DIGITS)
		return C2W_ERR_TIME;
	if (at < end) {
		if (*at++ != '.')
			return C2W_ERR_TIME;
		for (; at < end && unit > 1 && c2w_is_digit(*at); at++) {
			unit /= 10;
			fraction += (*at - '0') * unit;
		}
		if (at < end || unit == US_PER_SECOND)
			return C2W_ERR_TIME;
	}
	*us = seconds * US_PER_SECOND + fraction;
	return C2W_OK;
}

size_t c2w_time_format(char to[C2W_MAX_TIME_TEXT], int64_t us, unsigned fraction)
{
	char digits[C2W_MAX_DECIMAL];
	uint64_t seconds = (uint64_t)us / US_PER_SECOND;
	size_t length = c2w_decimal_format(digits, seconds);

	memcpy(to, digits, length);
	if (fraction == 0)
		return length;
	c2w_decimal_fill(digits, (uint64_t)us % US_PER_SECOND, C2W_MAX_TIME_FRACTION);
	to[length] = '.';
	memcpy(to + length + 1, digits, fraction);
	return length + 1 + fraction;
}
