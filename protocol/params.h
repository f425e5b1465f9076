/* The parameters of PROTOCOL.md section 9: every P number and code, never a literal in a test.
 * Pure; callable from anywhere. A struct c2w_params is a plain value, copied freely. */
#ifndef C2W_PARAMS_H
#define C2W_PARAMS_H

#include <stdint.h>

#include "protocol/message.h"

enum { C2W_AUTO = -1, C2W_ANY = -1, C2W_UNKNOWN_CAPACITY = -1, C2W_MAX_PARAM_TEXT = 32 };

struct c2w_tolerance {
	int64_t early; /* per mille, 100 for -10 % */
	int64_t late;  /* per mille, 250 for +25 % */
};

enum c2w_param_kind {
	C2W_PARAM_AUTO_DURATION, C2W_PARAM_DURATION, C2W_PARAM_COUNT, C2W_PARAM_AUTO_COUNT, C2W_PARAM_OCTETS,
	C2W_PARAM_CODE, C2W_PARAM_TOLERANCE, C2W_PARAM_TEXT, C2W_PARAM_CHECKED, C2W_PARAM_CAPACITY
};

/* The type of each field follows from its KIND: nanoseconds, counts, octets, codes as int64_t
 * (C2W_AUTO, C2W_ANY, C2W_UNKNOWN_CAPACITY where the text said so); CHECKED: 1 or C2W_ANY; TEXT: NUL-terminated. */
#define C2W_PARAM_TYPE_AUTO_DURATION(id) int64_t id
#define C2W_PARAM_TYPE_DURATION(id) int64_t id
#define C2W_PARAM_TYPE_COUNT(id) int64_t id
#define C2W_PARAM_TYPE_AUTO_COUNT(id) int64_t id
#define C2W_PARAM_TYPE_OCTETS(id) int64_t id
#define C2W_PARAM_TYPE_CODE(id) int64_t id
#define C2W_PARAM_TYPE_TOLERANCE(id) struct c2w_tolerance id
#define C2W_PARAM_TYPE_TEXT(id) char id[C2W_MAX_PARAM_TEXT]
#define C2W_PARAM_TYPE_CHECKED(id) int64_t id
#define C2W_PARAM_TYPE_CAPACITY(id) int64_t id

struct c2w_params {
#define C2W_PARAM(id, name, kind, standard, meaning) C2W_PARAM_TYPE_##kind(id);
#include "protocol/params.def"
#undef C2W_PARAM
};

enum c2w_param {
#define C2W_PARAM(id, name, kind, standard, meaning) C2W_PARAM_##id##_,
#include "protocol/params.def"
#undef C2W_PARAM
	C2W_PARAMS
};

struct c2w_param_info {
	const char *name, *standard, *meaning;
	enum c2w_param_kind kind;
	size_t offset; /* of its field in struct c2w_params */
};

const struct c2w_param_info *c2w_param_info(enum c2w_param param);
int c2w_param_find(struct c2w_str name); /* an enum c2w_param, or -1 */

void c2w_params_init(struct c2w_params *params); /* the defaults */

/* Sets one parameter from text as -D and profiles write it: "200ms", "1s", "any", "-10%,+25%", "1MiB".
 * C2W_ERR_UNKNOWN: no such name. C2W_ERR_VALUE: what it cannot take; *params is untouched then. */
enum c2w_err c2w_params_set(struct c2w_params *params, struct c2w_str name, struct c2w_str value);

/* What a value of this kind looks like, for error messages: "a duration as 200ms or 1s, or auto". */
const char *c2w_param_shape(enum c2w_param_kind kind);

/* Writes the value as c2w_params_set reads it, NUL-terminated. Returns its length or C2W_ERR_SPACE. */
long c2w_params_format(const struct c2w_params *params, enum c2w_param param, char *to, size_t size);

/* "1500ms", "1.5s", "250us", "10ns", "2min" to nanoseconds; a bare number is refused. */
enum c2w_err c2w_duration_parse(struct c2w_str text, int64_t *ns);

/* The grammar's code match: does `code` of an error response fit the parameter (number or any)? */
static inline bool c2w_code_fits(int64_t parameter, unsigned code)
{
	return parameter == C2W_ANY || parameter == (int64_t)code;
}

#endif
