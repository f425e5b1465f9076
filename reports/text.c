/* Text made safe for a terminal: see text.h. Widths and character properties are libunistring's.
 * Pure but for the printing; memory is the caller's. */
#include "reports/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>
#include <uniwidth.h>

#define ELLIPSIS "…"

static bool harmless(ucs4_t character)
{
	static const uint32_t visible = UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S;

	if (character < 0x80)
		return character >= 0x20 && character < 0x7f;
	return uc_is_general_category_withtable(character, visible) && uc_width(character, "UTF-8") > 0 &&
	       !uc_is_property_default_ignorable_code_point(character);
}

/* Writes one character, or an escape; returns the octets read. */
static size_t put_character(FILE *to, const char *octets, size_t length, bool raw)
{
	static const char letters[] = { ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r' };
	ucs4_t character;
	int taken = u8_mbtoucr(&character, (const uint8_t *)octets, length);

	if (taken <= 0) {
		fprintf(to, "\\x%02X", (unsigned)(unsigned char)octets[0]);
		return 1;
	}
	if (raw && character == '\\')
		fputs("\\\\", to);
	else if (harmless(character))
		fwrite(octets, 1, (size_t)taken, to);
	else if (character < sizeof(letters) && letters[character] != 0)
		fprintf(to, "\\%c", letters[character]);
	else if (character < 0x80)
		fprintf(to, "\\x%02X", (unsigned)character);
	else
		fprintf(to, "\\u{%X}", (unsigned)character);
	return (size_t)taken;
}

static char *shown(const char *octets, size_t length, bool raw)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		abort();
	for (size_t at = 0; at < length;)
		at += put_character(to, octets + at, length - at, raw);
	if (fclose(to) != 0)
		abort();
	return text;
}

char *rp_shown_octets(const char *octets, size_t length)
{
	return shown(octets, length, true);
}

char *rp_shown_text(const char *text)
{
	return shown(text, strlen(text), false);
}

static size_t escape_length(const char *shown)
{
	size_t digits;

	if (shown[1] == 'x') {
		digits = strspn(shown + 2, "0123456789ABCDEFabcdef");
		return digits < 2 ? 2 + digits : 4;
	}
	if (shown[1] == 'u' && shown[2] == '{') {
		digits = strspn(shown + 3, "0123456789ABCDEFabcdef");
		return digits <= 6 && shown[3 + digits] == '}' ? 4 + digits : 2;
	}
	return shown[1] > ' ' && shown[1] < 0x7f ? 2 : 1;
}

size_t rp_cell(const char *shown, unsigned *columns)
{
	ucs4_t character;
	size_t length;
	int taken, width;

	*columns = 0;
	if (*shown == '\0')
		return 0;
	if (*shown == '\\') {
		length = escape_length(shown);
		*columns = (unsigned)length;
		return length;
	}
	taken = u8_strmbtouc(&character, (const uint8_t *)shown);
	if (taken <= 0)
		return 1;
	width = uc_width(character, "UTF-8");
	*columns = width < 0 ? 0 : (unsigned)width;
	return (size_t)taken;
}

unsigned rp_columns(const char *shown)
{
	unsigned sum = 0, columns;
	size_t length;

	for (; (length = rp_cell(shown, &columns)) > 0; shown += length)
		sum += columns;
	return sum;
}

size_t rp_fit(const char *shown, unsigned columns)
{
	size_t at = 0, length;
	unsigned sum = 0, width;

	while ((length = rp_cell(shown + at, &width)) > 0 && sum + width <= columns) {
		at += length;
		sum += width;
	}
	return at;
}

size_t rp_difference(const char *a, const char *b)
{
	size_t at = 0, length;
	unsigned columns;

	while ((length = rp_cell(a + at, &columns)) > 0 && strncmp(a + at, b + at, length) == 0)
		at += length;
	return at;
}

bool rp_comparable(const char *expected, const char *got)
{
	return strcmp(expected, got) != 0 && (rp_difference(expected, got) > 0 || strchr(got, '|') != NULL);
}

char *rp_string(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	return text;
}

unsigned rp_put_cut(FILE *to, const char *shown, unsigned columns)
{
	size_t whole = rp_fit(shown, columns), part;
	char *head;
	unsigned width;

	if (shown[whole] == '\0') {
		fputs(shown, to);
		return rp_columns(shown);
	}
	if (columns == 0)
		return 0;
	part = rp_fit(shown, columns - 1);
	head = strndup(shown, part);
	if (head == NULL)
		abort();
	width = rp_columns(head) + 1;
	fprintf(to, "%s" ELLIPSIS, head);
	free(head);
	return width;
}

void rp_put_many(FILE *to, const char *what, unsigned times)
{
	while (times-- > 0)
		fputs(what, to);
}

void rp_put_padded(FILE *to, const char *shown, unsigned columns)
{
	rp_put_many(to, " ", columns - rp_put_cut(to, shown, columns));
}

/* Octets of the next line: up to the last blank that fits, or, where a word is wider than the line, as much as fits. */
static size_t line_length(const char *shown, unsigned columns)
{
	size_t fits = rp_fit(shown, columns), at = fits;

	if (shown[fits] == '\0' || shown[fits] == ' ')
		return fits;
	while (at > 0 && shown[at - 1] != ' ')
		at--;
	while (at > 0 && shown[at - 1] == ' ')
		at--;
	if (at > 0)
		return at;
	return fits > 0 ? fits : rp_cell(shown, &columns);
}

void rp_put_wrapped(FILE *to, const char *shown, unsigned indent, unsigned width)
{
	unsigned columns = width > indent + 16 ? width - indent : 16;

	for (;;) {
		size_t length = line_length(shown, columns);

		fwrite(shown, 1, length, to);
		putc('\n', to);
		shown += length;
		shown += strspn(shown, " ");
		if (*shown == '\0')
			return;
		rp_put_many(to, " ", indent);
	}
}

const char *rp_style(bool colour, enum rp_style style)
{
	static const char *const codes[] = {
		[RP_PLAIN] = "\033[0m", [RP_STRONG] = "\033[1m", [RP_FAINT] = "\033[2m",
		[RP_GOOD] = "\033[32m", [RP_DOUBT] = "\033[33m", [RP_BAD] = "\033[1;31m",
	};

	return colour ? codes[style] : "";
}
