/* The parameters: their defaults, and how each kind is read from and written as text.
 * For whoever takes -D or a profile, and for reports; see protocol/params.h. Constant data, nothing to own. */
#include "protocol/params.h"

#include <assert.h>

#include "protocol/decimal.h"

enum {
	MAX_COUNT = 1000,
	MAX_CAPACITY = 1000000,
	MAX_CODE = 9999,  /* XXXX */
	MAX_CODE_X = 9,   /* X, of LEAVE_SESSION_ERROR_X */
	MAX_PER_MILLE = 10000,
};

static const int64_t max_octets = INT64_C(1) << 30;
static const int64_t max_duration = INT64_C(3600) * 1000000000;

static const struct c2w_param_info params_info[C2W_PARAMS] = {
#define C2W_PARAM(id, name, kind, standard, meaning) \
	[C2W_PARAM_##id##_] = { name, standard, meaning, C2W_PARAM_##kind, offsetof(struct c2w_params, id) },
#include "protocol/params.def"
#undef C2W_PARAM
};

const struct c2w_param_info *c2w_param_info(enum c2w_param param)
{
	return &params_info[param];
}

int c2w_param_find(struct c2w_str name)
{
	for (int i = 0; i < C2W_PARAMS; i++)
		if (c2w_str_equal(name, c2w_str_of(params_info[i].name)))
			return i;
	return -1;
}

void c2w_params_init(struct c2w_params *params)
{
	*params = (struct c2w_params){ 0 };
	for (size_t i = 0; i < C2W_PARAMS; i++) {
		enum c2w_err err = c2w_params_set(params, c2w_str_of(params_info[i].name), c2w_str_of(params_info[i].standard));

		assert(err == C2W_OK);
		(void)err;
	}
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool is(struct c2w_str text, const char *word)
{
	return c2w_str_equal(text, c2w_str_of(word));
}

/* Cuts `unit` off the end of *text. */
static bool cut_unit(struct c2w_str *text, const char *unit)
{
	size_t length = strlen(unit);

	if (text->length < length || memcmp(text->at + text->length - length, unit, length) != 0)
		return false;
	text->length -= length;
	return true;
}

/* 1*DIGIT [ "." 1*DIGIT ] times unit; false where that is no whole number, or more than limit. */
static bool parse_decimal(struct c2w_str text, int64_t unit, int64_t limit, int64_t *value)
{
	int64_t number = 0, divisor = 1;
	size_t point = text.length;

	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '.' && point == text.length && i > 0 && i + 1 < text.length) {
			point = i;
			continue;
		}
		if (!c2w_is_digit(text.at[i]) || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, text.at[i] - '0', &number) ||
		    (i > point && __builtin_mul_overflow(divisor, 10, &divisor)))
			return false;
	}
	if (text.length == 0 || __builtin_mul_overflow(number, unit, &number) || number % divisor != 0 || number / divisor > limit)
		return false;
	*value = number / divisor;
	return true;
}

enum c2w_err c2w_duration_parse(struct c2w_str text, int64_t *ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { /* "s" last: most of the others end in it */
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "min", INT64_C(60000000000) }, { "s", 1000000000 },
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (cut_unit(&text, units[i].name))
			return parse_decimal(text, units[i].ns, INT64_MAX, ns) ? C2W_OK : C2W_ERR_VALUE;
	return C2W_ERR_VALUE;
}

static bool parse_duration(struct c2w_str text, int64_t *ns)
{
	int64_t value;

	if (c2w_duration_parse(text, &value) != C2W_OK || value == 0 || value > max_duration)
		return false;
	*ns = value;
	return true;
}

static bool parse_octets(struct c2w_str text, int64_t *octets)
{
	int64_t unit = 1, value;

	if (cut_unit(&text, "MiB"))
		unit = 1 << 20;
	else if (cut_unit(&text, "KiB"))
		unit = 1 << 10;
	if (!parse_decimal(text, unit, max_octets, &value) || value == 0)
		return false;
	*octets = value;
	return true;
}

/* A number from least to most, or the word that stands for -1. */
static bool parse_number_or(struct c2w_str text, const char *word, int64_t least, int64_t most, int64_t *value)
{
	int64_t number = -1;

	if (!is(text, word) && (!c2w_decimal_parse(text, most, &number) || number < least))
		return false;
	*value = number;
	return true;
}

static bool parse_percent(struct c2w_str text, char sign, int64_t *per_mille)
{
	if (text.length == 0 || text.at[0] != sign || !cut_unit(&text, "%"))
		return false;
	return parse_decimal((struct c2w_str){ text.at + 1, text.length - 1 }, 10, MAX_PER_MILLE, per_mille);
}

static bool parse_tolerance(struct c2w_str text, struct c2w_tolerance *tolerance)
{
	const char *comma = text.length > 0 ? memchr(text.at, ',', text.length) : NULL;
	struct c2w_tolerance value;
	struct c2w_str early, late;

	if (!comma)
		return false;
	early = (struct c2w_str){ text.at, (size_t)(comma - text.at) };
	late = (struct c2w_str){ comma + 1, text.length - early.length - 1 };
	if (!parse_percent(early, '-', &value.early) || !parse_percent(late, '+', &value.late) || value.early > 1000)
		return false;
	*tolerance = value;
	return true;
}

static bool parse_text(struct c2w_str text, char to[C2W_MAX_PARAM_TEXT])
{
	if (text.length == 0 || text.length >= C2W_MAX_PARAM_TEXT || !c2w_utf8_valid(text))
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] == '\0' || text.at[i] == '\r' || text.at[i] == '\n')
			return false;
	memcpy(to, text.at, text.length);
	to[text.length] = '\0';
	return true;
}

static bool parse_checked(struct c2w_str text, int64_t *value)
{
	if (!is(text, "checked") && !is(text, "any"))
		return false;
	*value = is(text, "any") ? C2W_ANY : 1;
	return true;
}

static bool parse_value(enum c2w_param param, struct c2w_str text, void *field)
{
	switch (params_info[param].kind) {
	case C2W_PARAM_AUTO_DURATION:
		if (!is(text, "auto"))
			return parse_duration(text, field);
		*(int64_t *)field = C2W_AUTO;
		return true;
	case C2W_PARAM_DURATION:
		return parse_duration(text, field);
	case C2W_PARAM_COUNT:
		return c2w_decimal_parse(text, MAX_COUNT, field);
	case C2W_PARAM_AUTO_COUNT:
		return parse_number_or(text, "auto", 0, MAX_COUNT, field);
	case C2W_PARAM_OCTETS:
		return parse_octets(text, field);
	case C2W_PARAM_CODE:
		return parse_number_or(text, "any", 0, param == C2W_PARAM_no_session_ ? MAX_CODE_X : MAX_CODE, field);
	case C2W_PARAM_TOLERANCE:
		return parse_tolerance(text, field);
	case C2W_PARAM_TEXT:
		return parse_text(text, field);
	case C2W_PARAM_CHECKED:
		return parse_checked(text, field);
	case C2W_PARAM_CAPACITY:
		return parse_number_or(text, "unknown", 1, MAX_CAPACITY, field);
	}
	return false;
}

enum c2w_err c2w_params_set(struct c2w_params *params, struct c2w_str name, struct c2w_str value)
{
	int param = c2w_param_find(name);

	if (param < 0)
		return C2W_ERR_UNKNOWN;
	return parse_value((enum c2w_param)param, value, (char *)params + params_info[param].offset) ? C2W_OK : C2W_ERR_VALUE;
}

const char *c2w_param_shape(enum c2w_param_kind kind)
{
	switch (kind) {
	case C2W_PARAM_AUTO_DURATION: return "a duration as 200ms or 1s, up to 60min, or auto";
	case C2W_PARAM_DURATION: return "a duration as 200ms or 1s, up to 60min";
	case C2W_PARAM_COUNT: return "a number from 0 to 1000";
	case C2W_PARAM_AUTO_COUNT: return "a number from 0 to 1000, or auto";
	case C2W_PARAM_OCTETS: return "octets as 4096, 64KiB or 1MiB, up to 1024MiB";
	case C2W_PARAM_CODE: return "a code of as many digits as the command has, or any";
	case C2W_PARAM_TOLERANCE: return "two percentages as -10%,+25%";
	case C2W_PARAM_TEXT: return "1 to 31 octets of text";
	case C2W_PARAM_CHECKED: return "checked or any";
	case C2W_PARAM_CAPACITY: return "a number from 1 to 1000000, or unknown";
	}
	return "";
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Text as far as there is room for it; length goes on beyond. */
struct writer {
	char *to;
	size_t size, length;
};

static void put(struct writer *writer, struct c2w_str text)
{
	if (text.length < writer->size && writer->length < writer->size - text.length)
		memcpy(writer->to + writer->length, text.at, text.length);
	writer->length += text.length;
}

static void put_number(struct writer *writer, int64_t number)
{
	char digits[C2W_MAX_DECIMAL];

	put(writer, (struct c2w_str){ digits, c2w_decimal_format(digits, (uint64_t)number) });
}

static void put_number_or(struct writer *writer, int64_t number, const char *word)
{
	if (number < 0)
		put(writer, c2w_str_of(word));
	else
		put_number(writer, number);
}

static void put_duration(struct writer *writer, int64_t ns)
{
	bool ms = ns % 1000000 == 0, us = ns % 1000 == 0;

	if (ns < 0) {
		put(writer, C2W_STR("auto"));
		return;
	}
	put_number(writer, ms ? ns / 1000000 : us ? ns / 1000 : ns);
	put(writer, ms ? C2W_STR("ms") : us ? C2W_STR("us") : C2W_STR("ns"));
}

static void put_percent(struct writer *writer, const char *sign, int64_t per_mille)
{
	put(writer, c2w_str_of(sign));
	put_number(writer, per_mille / 10);
	if (per_mille % 10 != 0) {
		put(writer, C2W_STR("."));
		put_number(writer, per_mille % 10);
	}
	put(writer, C2W_STR("%"));
}

static void put_tolerance(struct writer *writer, const struct c2w_tolerance *tolerance)
{
	put_percent(writer, "-", tolerance->early);
	put_percent(writer, ",+", tolerance->late);
}

static void put_value(struct writer *writer, enum c2w_param_kind kind, const void *field)
{
	switch (kind) {
	case C2W_PARAM_AUTO_DURATION:
	case C2W_PARAM_DURATION:
		put_duration(writer, *(const int64_t *)field);
		break;
	case C2W_PARAM_COUNT:
	case C2W_PARAM_OCTETS:
		put_number(writer, *(const int64_t *)field);
		break;
	case C2W_PARAM_AUTO_COUNT:
		put_number_or(writer, *(const int64_t *)field, "auto");
		break;
	case C2W_PARAM_CODE:
		put_number_or(writer, *(const int64_t *)field, "any");
		break;
	case C2W_PARAM_TOLERANCE:
		put_tolerance(writer, field);
		break;
	case C2W_PARAM_TEXT:
		put(writer, c2w_str_of(field));
		break;
	case C2W_PARAM_CHECKED:
		put(writer, *(const int64_t *)field == C2W_ANY ? C2W_STR("any") : C2W_STR("checked"));
		break;
	case C2W_PARAM_CAPACITY:
		put_number_or(writer, *(const int64_t *)field, "unknown");
		break;
	}
}

long c2w_params_format(const struct c2w_params *params, enum c2w_param param, char *to, size_t size)
{
	struct writer writer = { to, size, 0 };

	put_value(&writer, params_info[param].kind, (const char *)params + params_info[param].offset);
	if (writer.length >= size)
		return C2W_ERR_SPACE;
	to[writer.length] = '\0';
	return (long)writer.length;
}
