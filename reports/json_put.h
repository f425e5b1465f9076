/* Puts values into JSON that is being built. For the renderers whose format is JSON. Out of memory ends the program.
 * A container owns what is put into it. */
#ifndef RP_JSON_PUT_H
#define RP_JSON_PUT_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "reports/result.h"

static inline void set(json_t *object, const char *key, json_t *value)
{
	if (value == NULL || json_object_set_new(object, key, value) != 0)
		abort();
}

static inline void append(json_t *array, json_t *value)
{
	if (value == NULL || json_array_append_new(array, value) != 0)
		abort();
}

static inline json_t *octets_json(const char *octets, size_t length)
{
	char *text = rp_escape(octets, length);
	json_t *value = json_string(text);

	free(text);
	return value;
}

/* Text that is no UTF-8, which only a hostile file name or the like can be, is written as octets. */
static inline json_t *text_json(const char *text)
{
	json_t *value;

	if (text == NULL)
		return json_null();
	value = json_string(text);
	return value != NULL ? value : octets_json(text, strlen(text));
}

static inline void set_text(json_t *object, const char *key, const char *text)
{
	set(object, key, text_json(text));
}

static inline void set_number(json_t *object, const char *key, int64_t number)
{
	set(object, key, json_integer(number));
}

static inline void set_count(json_t *object, const char *key, size_t count)
{
	set_number(object, key, (int64_t)count);
}

static inline void set_bool(json_t *object, const char *key, bool value)
{
	set(object, key, json_boolean(value));
}

#endif
