/* Errors in scenario files: where, what, the source line and a caret. See complain.h.
 * Called by the loader's other files. Sources and what was said already live in the loader's arena;
 * a message is built in a memory stream of its own. */
#include "harness/complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>
#include <uniwidth.h>

enum { SHOWN = 160, BEFORE_CARET = 100, LONGEST_WORD = 64 };

struct said {
	struct hx_place place;
	const char *words;
	const struct hx_source *source; /* NULL: no file that was read */
	struct said *next;
};

struct hx_complaints {
	struct hx_arena *arena;
	void (*error)(void *context, const char *text);
	void *context;
	unsigned count, kept;
	struct hx_source *sources;
	struct said *said;
};

struct hx_complaints *hx_complaints_new(struct hx_arena *arena, void (*error)(void *context, const char *text), void *context)
{
	struct hx_complaints *complaints = hx_alloc(arena, sizeof(*complaints));

	complaints->arena = arena;
	complaints->error = error;
	complaints->context = context;
	return complaints;
}

unsigned hx_complaints_count(const struct hx_complaints *complaints)
{
	return complaints->count;
}

/* ---- sources -------------------------------------------------------------------------------- */

static unsigned count_lines(const char *text, size_t length)
{
	unsigned lines = length > 0 && text[length - 1] != '\n' ? 1 : 0;

	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	return lines;
}

static void split_lines(struct hx_source *source, struct hx_arena *arena)
{
	const char **lines = hx_alloc(arena, (source->line_count + 1) * sizeof(*lines));
	char *at = hx_copy(arena, source->text, source->length);
	char *const end = at + source->length;

	for (unsigned i = 0; i < source->line_count; i++) {
		char *stop = memchr(at, '\n', (size_t)(end - at));

		if (!stop)
			stop = end;
		*stop = '\0';
		if (stop > at && stop[-1] == '\r')
			stop[-1] = '\0';
		lines[i] = at;
		at = stop + 1;
	}
	source->lines = lines;
}

struct hx_source *hx_source_add(struct hx_complaints *complaints, const char *file, const char *text, size_t length)
{
	struct hx_source *source = hx_alloc(complaints->arena, sizeof(*source));

	source->file = hx_copy(complaints->arena, file, strlen(file));
	source->text = hx_copy(complaints->arena, text, length);
	source->length = length;
	source->line_count = count_lines(text, length);
	split_lines(source, complaints->arena);
	source->number = complaints->sources ? complaints->sources->number + 1 : 1;
	source->next = complaints->sources;
	complaints->sources = source;
	return source;
}

static struct hx_source *source_of(const struct hx_complaints *complaints, const char *file)
{
	struct hx_source *source = complaints->sources;

	while (source && source->file != file)
		source = source->next;
	return source;
}

/* ---- showing -------------------------------------------------------------------------------- */

static bool printable(ucs4_t character)
{
	static const uint32_t never = UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp;

	return !uc_is_general_category_withtable(character, never);
}

/* Shows one character and returns its octets; *columns is what it takes on a screen. */
static size_t show_character(FILE *to, const char *at, size_t left, int *columns)
{
	ucs4_t character;
	int octets = u8_mbtoucr(&character, (const uint8_t *)at, left);

	if (octets > 0 && (*at == '\t' || printable(character))) {
		fwrite(at, 1, (size_t)octets, to);
		*columns = uc_width(character, "UTF-8");
		return (size_t)octets;
	}
	*columns = fprintf(to, "\\x%02X", (unsigned)(unsigned char)*at);
	return 1;
}

static void show_text(FILE *to, const char *text)
{
	int columns;

	for (size_t left = strlen(text); left > 0;) {
		size_t octets = show_character(to, text, left, &columns);

		text += octets;
		left -= octets;
	}
}

/* Where the shown part of a long line begins: at a character's first octet. */
static size_t window(const char *line, size_t caret)
{
	size_t from = caret > BEFORE_CARET ? caret - BEFORE_CARET : 0;

	while (from > 0 && ((unsigned char)line[from] & 0xC0) == 0x80)
		from--;
	return from;
}

static void show_line(FILE *to, const char *line, unsigned column)
{
	size_t length = strlen(line), caret = column > 0 ? column - 1 : 0;
	size_t from = window(line, caret < length ? caret : length);
	size_t until = length - from > SHOWN ? from + SHOWN : length;
	char *blanks = NULL;
	size_t size;
	FILE *under = open_memstream(&blanks, &size);

	if (!under)
		abort();
	fputc('\n', to);
	for (size_t i = from; i < until;) {
		bool tab = line[i] == '\t', before = i < caret;
		int columns;

		i += show_character(to, line + i, until - i, &columns);
		if (before && tab)
			fputc('\t', under);
		else if (before && columns > 0)
			fprintf(under, "%*s", columns, "");
	}
	fclose(under);
	fprintf(to, "\n%s^", blanks);
	free(blanks);
}

/* ---- complaining ---------------------------------------------------------------------------- */

static bool said_before(struct hx_complaints *complaints, struct hx_place place, const char *words)
{
	for (const struct said *said = complaints->said; said; said = said->next)
		if (said->place.file == place.file && said->place.line == place.line && said->place.column == place.column
		    && strcmp(said->words, words) == 0)
			return true;
	return false;
}

static void remember(struct hx_complaints *complaints, struct hx_place place, const struct hx_source *source, const char *words)
{
	struct said *said = hx_alloc(complaints->arena, sizeof(*said));

	*said = (struct said){ place, hx_copy(complaints->arena, words, strlen(words)), source, complaints->said };
	complaints->said = said;
	complaints->kept++;
}

void hx_complain(struct hx_complaints *complaints, struct hx_place place, const char *format, ...)
{
	struct hx_source *source = source_of(complaints, place.file);
	char words[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	if (said_before(complaints, place, words))
		return;
	complaints->count++;
	if (source && ++source->complaints > HX_MAX_COMPLAINTS)
		return;
	if (source && source->complaints == HX_MAX_COMPLAINTS)
		snprintf(words, sizeof(words), "too many errors; there may be more than are shown");
	remember(complaints, place, source, words);
}

/* ---- saying --------------------------------------------------------------------------------- */

static void say(struct hx_complaints *complaints, const struct said *said)
{
	struct hx_place place = said->place;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	show_text(to, place.file);
	if (place.line > 0)
		fprintf(to, ":%u:%u", place.line, place.column);
	fputs(": ", to);
	show_text(to, said->words);
	if (said->source && place.line > 0 && place.line <= said->source->line_count)
		show_line(to, said->source->lines[place.line - 1], place.column);
	fclose(to);
	complaints->error(complaints->context, text);
	free(text);
}

static int by_place(const void *left, const void *right)
{
	const struct said *a = *(const struct said *const *)left, *b = *(const struct said *const *)right;
	unsigned a_file = a->source ? a->source->number : 0, b_file = b->source ? b->source->number : 0;

	if (a_file != b_file)
		return a_file < b_file ? -1 : 1;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	if (a->place.column != b->place.column)
		return a->place.column < b->place.column ? -1 : 1;
	return strcmp(a->words, b->words);
}

void hx_complaints_say(struct hx_complaints *complaints)
{
	const struct said **sorted = hx_alloc(complaints->arena, complaints->kept * sizeof(*sorted));
	unsigned count = 0;

	for (const struct said *said = complaints->said; said; said = said->next)
		sorted[count++] = said;
	qsort(sorted, count, sizeof(*sorted), by_place);
	for (unsigned i = 0; i < count; i++)
		say(complaints, sorted[i]);
}

/* ---- guessing ------------------------------------------------------------------------------- */

static unsigned lesser(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many octets must be put in, taken out, changed or swapped with their neighbour to make b from a. For a longer
 * word, all that is missing at its end counts as one: SEND_MESAGE is near SEND_MESSAGE_REQUEST. */
static unsigned edits(struct c2w_str a, struct c2w_str b)
{
	unsigned cost[LONGEST_WORD + 1][LONGEST_WORD + 1]; /* of the first i octets of a, the first j of b */
	unsigned best;

	for (unsigned i = 0; i <= a.length; i++)
		for (unsigned j = 0; j <= b.length; j++) {
			cost[i][j] = lesser(i, j) == 0 ? i + j : cost[i - 1][j - 1] + (a.at[i - 1] != b.at[j - 1]);
			if (lesser(i, j) > 0)
				cost[i][j] = lesser(cost[i][j], lesser(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (lesser(i, j) > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
				cost[i][j] = lesser(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	best = cost[a.length][b.length];
	for (unsigned j = 0; a.length > 5 && j < b.length; j++)
		best = lesser(best, cost[a.length][j] + 1);
	return best;
}

struct hx_guess hx_guess_at(struct c2w_str word)
{
	return (struct hx_guess){ .word = word, .distance = (unsigned)word.length / 4 + 2 };
}

void hx_guess_offer(struct hx_guess *guess, const char *word)
{
	struct c2w_str offered = c2w_str_of(word);
	unsigned distance;

	if (offered.length > LONGEST_WORD || guess->word.length > LONGEST_WORD)
		return;
	distance = edits(guess->word, offered);
	if (distance < guess->distance) {
		guess->distance = distance;
		guess->best = word;
	}
}

const char *hx_guess_text(struct hx_arena *arena, const struct hx_guess *guess)
{
	return guess->best ? hx_print(arena, "; did you mean %s?", guess->best) : "";
}
