/* The octets of the result file: printable ASCII stands for itself, the rest is \r \n \t \\ or \xHH. Lossless both ways.
 * For json_*.c, the harness (expected over got) and tests. The caller frees what they return. */
#include <stdlib.h>
#include <string.h>

#include "reports/result.h"

static const char digits[] = "0123456789ABCDEF";

/* The letter behind the backslash; 0: the octet has none. */
static char letter_of(char octet)
{
	switch (octet) {
	case '\r':
		return 'r';
	case '\n':
		return 'n';
	case '\t':
		return 't';
	case '\\':
		return '\\';
	default:
		return 0;
	}
}

char *rp_escape(const char *octets, size_t length)
{
	char *text = malloc(4 * length + 1), *to = text;

	if (text == NULL)
		abort();
	for (size_t i = 0; i < length; i++) {
		unsigned char octet = (unsigned char)octets[i];
		char letter = letter_of(octets[i]);

		if (letter != 0) {
			*to++ = '\\';
			*to++ = letter;
		} else if (octet >= 0x20 && octet < 0x7f) {
			*to++ = octets[i];
		} else {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = digits[octet >> 4];
			*to++ = digits[octet & 15];
		}
	}
	*to = '\0';
	return text;
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

/* Reads what stands behind a backslash; returns how many characters that were, 0 for a bad escape. */
static size_t escape_read(const char *text, char *octet)
{
	int high, low;

	switch (text[0]) {
	case 'r':
		*octet = '\r';
		return 1;
	case 'n':
		*octet = '\n';
		return 1;
	case 't':
		*octet = '\t';
		return 1;
	case '\\':
		*octet = '\\';
		return 1;
	case 'x':
		high = hex_value(text[1]);
		low = high < 0 ? -1 : hex_value(text[2]);
		*octet = (char)(high * 16 + low);
		return low < 0 ? 0 : 3;
	default:
		return 0;
	}
}

bool rp_unescape(const char *text, char **octets, size_t *length)
{
	char *start = malloc(strlen(text) + 1), *to = start;

	if (start == NULL)
		abort();
	while (*text != '\0') {
		size_t taken = 1;

		if (*text != '\\') {
			*to = *text;
		} else {
			taken = escape_read(text + 1, to);
			if (taken++ == 0) {
				free(start);
				return false;
			}
		}
		text += taken;
		to++;
	}
	*to = '\0';
	*length = (size_t)(to - start);
	*octets = start;
	return true;
}
