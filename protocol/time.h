/* TIME: exact decimal seconds as microseconds. Pure; callable from anywhere.
 * A double would lose digits; 10 digits and 6 more fit 64 bits (PROTOCOL.md section 5). */
#ifndef C2W_TIME_H
#define C2W_TIME_H

#include <stdint.h>

#include "protocol/message.h"

/* time = 1*10DIGIT [ "." 1*6DIGIT ]. C2W_ERR_TIME, *us untouched, on anything else. */
enum c2w_err c2w_time_parse(struct c2w_str text, int64_t *us);

/* Writes us >= 0 (below 10^16) with exactly `fraction` digits behind the point (0 to 6, cut, not rounded;
 * 0: no point). Returns the octets written, no NUL, at most C2W_MAX_TIME_TEXT. */
size_t c2w_time_format(char to[C2W_MAX_TIME_TEXT], int64_t us, unsigned fraction);

#endif
