/* The file of known failures, read and compared, see expect.h. For main.c.
 * Owns its entries and its file's name. */
#include "harness/expect.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/near.h"

static const char blanks[] = " \t\r\n";

struct entry {
	const struct hx_scenario *scenario;
	unsigned line;
	bool over[RP_MIXED + 1];
	bool rules[C2W_RULES];
};

struct hx_expect {
	char *file;
	struct entry *entries;
	unsigned count;
};

/* ---- reading ------------------------------------------------------------------------------------ */

struct reading {
	struct hx_expect *expect;
	const struct hx_suite *suite;
	unsigned line, errors;
	void (*error)(void *context, const char *text);
	void *context;
};

__attribute__((format(printf, 2, 3))) static void refuse(struct reading *reading, const char *format, ...)
{
	char text[HX_NEAR_TEXT + 512];
	int length = snprintf(text, sizeof(text), "%.200s:%u: ", reading->expect->file, reading->line);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, sizeof(text) - (size_t)length, format, arguments);
	va_end(arguments);
	reading->error(reading->context, text);
	reading->errors++;
}

static const struct hx_scenario *read_scenario(struct reading *reading, const char *word)
{
	struct hx_near near = { .word = word };
	char text[HX_NEAR_TEXT];

	for (unsigned i = 0; i < reading->suite->count; i++) {
		if (strcmp(reading->suite->scenarios[i]->id, word) == 0)
			return reading->suite->scenarios[i];
		hx_near_offer(&near, reading->suite->scenarios[i]->id);
	}
	hx_near_tell(&near, text, sizeof(text));
	refuse(reading, "%.200s: no scenario has this id%s", word, text);
	return NULL;
}

static void read_rule(struct reading *reading, struct entry *entry, const char *word)
{
	enum c2w_rule rule = c2w_rule_find(c2w_str_of(word));
	struct hx_near near = { .word = word };
	char text[HX_NEAR_TEXT];

	if (rule != C2W_NO_RULE) {
		if (entry->rules[rule])
			refuse(reading, "%s: it stands there twice", word);
		entry->rules[rule] = true;
		return;
	}
	for (unsigned i = 1; i < C2W_RULES; i++)
		hx_near_offer(&near, c2w_rule_info((enum c2w_rule)i)->id);
	hx_near_tell(&near, text, sizeof(text));
	refuse(reading, "%.200s: there is no such rule%s", word, text);
}

static bool runs_over(const struct hx_scenario *scenario, enum rp_transport transport)
{
	switch (transport) {
	case RP_UDP:
		return (scenario->over & C2W_ON_UDP) != 0;
	case RP_TCP:
		return (scenario->over & C2W_ON_TCP) != 0;
	case RP_MIXED:
		return scenario->over == 0;
	}
	return false;
}

/* The second word, if it is a transport. */
static bool read_transport(struct reading *reading, struct entry *entry, const char *word)
{
	unsigned given = 0;

	while (given <= RP_MIXED && strcmp(word, rp_transport_name((enum rp_transport)given)) != 0)
		given++;
	for (unsigned i = 0; i <= RP_MIXED; i++)
		entry->over[i] = runs_over(entry->scenario, (enum rp_transport)i) && (given > RP_MIXED || given == i);
	if (given <= RP_MIXED && !entry->over[given])
		refuse(reading, "%s: %s does not run so", word, entry->scenario->id);
	return given <= RP_MIXED;
}

static void refuse_twice(struct reading *reading, const struct entry *entry)
{
	for (unsigned i = 0; i < reading->expect->count; i++) {
		const struct entry *other = &reading->expect->entries[i];
		bool both = false;

		for (unsigned over = 0; over <= RP_MIXED; over++)
			both = both || (entry->over[over] && other->over[over]);
		if (other->scenario != entry->scenario || !both)
			continue;
		refuse(reading, "%s: line %u lists it, too", entry->scenario->id, other->line);
		return;
	}
}

static void read_entry(struct reading *reading, char *text)
{
	struct hx_expect *expect = reading->expect;
	struct entry entry = { .line = reading->line };
	char *rest, *word = strtok_r(text, blanks, &rest);

	if (word == NULL || (entry.scenario = read_scenario(reading, word)) == NULL)
		return;
	word = strtok_r(NULL, blanks, &rest);
	if (read_transport(reading, &entry, word != NULL ? word : ""))
		word = strtok_r(NULL, blanks, &rest);
	if (word == NULL)
		refuse(reading, "%s: the rules that it fails for are missing", entry.scenario->id);
	for (; word != NULL; word = strtok_r(NULL, blanks, &rest))
		read_rule(reading, &entry, word);
	refuse_twice(reading, &entry);
	expect->entries = realloc(expect->entries, (expect->count + 1) * sizeof(entry));
	assert(expect->entries != NULL);
	expect->entries[expect->count++] = entry;
}

static void refuse_file(struct reading *reading)
{
	char text[512];

	snprintf(text, sizeof(text), "--expect %.200s: %s", reading->expect->file, strerror(errno));
	reading->error(reading->context, text);
	reading->errors++;
}

static void read_lines(struct reading *reading, FILE *from)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, from) >= 0) {
		reading->line++;
		line[strcspn(line, "#")] = '\0';
		read_entry(reading, line);
	}
	if (ferror(from))
		refuse_file(reading);
	free(line);
}

struct hx_expect *hx_expect_read(const char *file, const struct hx_suite *suite, void (*error)(void *context, const char *text), void *context)
{
	struct hx_expect *expect = calloc(1, sizeof(*expect));
	struct reading reading = { .expect = expect, .suite = suite, .error = error, .context = context };
	FILE *from;

	assert(expect != NULL);
	expect->file = strdup(file);
	assert(expect->file != NULL);
	from = fopen(file, "re");
	if (from == NULL)
		refuse_file(&reading);
	else
		read_lines(&reading, from);
	if (from != NULL)
		fclose(from);
	if (reading.errors == 0)
		return expect;
	hx_expect_free(expect);
	return NULL;
}

void hx_expect_free(struct hx_expect *expect)
{
	if (expect == NULL)
		return;
	free(expect->entries);
	free(expect->file);
	free(expect);
}

/* ---- comparing ------------------------------------------------------------------------------------- */

static const struct entry *entry_of(const struct hx_expect *expect, const struct rp_scenario *record)
{
	for (unsigned i = 0; i < expect->count; i++)
		if (expect->entries[i].over[record->transport] && strcmp(expect->entries[i].scenario->id, record->id) == 0)
			return &expect->entries[i];
	return NULL;
}

static bool is_judged(const struct rp_scenario *record)
{
	return record->verdict == RP_PASS || record->verdict == RP_WARN || record->verdict == RP_FAIL;
}

struct difference {
	bool more[C2W_RULES], less[C2W_RULES]; /* broken but not listed; listed but kept */
	unsigned listed, more_count, less_count;
};

/* A SHOULD that is not followed needs no entry unless it counts as a failure; listed, it must not be followed. */
static struct difference compare(const struct entry *entry, const bool *left_out, const struct rp_result *result, const struct rp_scenario *record)
{
	struct difference difference = { .listed = 0 };

	for (unsigned i = 1; i < C2W_RULES; i++) {
		enum rp_verdict verdict = rp_scenario_found(record, (enum c2w_rule)i);
		bool listed = entry->rules[i] && !left_out[i];

		difference.listed += listed;
		difference.more[i] = !listed && (verdict == RP_FAIL || (verdict == RP_WARN && result->warnings_fail));
		difference.less[i] = listed && verdict != RP_FAIL && verdict != RP_WARN;
		difference.more_count += difference.more[i];
		difference.less_count += difference.less[i];
	}
	return difference;
}

static void put_rules(FILE *to, const bool rules[C2W_RULES])
{
	const char *between = " ";

	for (unsigned i = 1; i < C2W_RULES; i++) {
		if (!rules[i])
			continue;
		fprintf(to, "%s%s", between, c2w_rule_info((enum c2w_rule)i)->id);
		between = ", ";
	}
}

static unsigned transports(const struct entry *entry)
{
	unsigned count = 0;

	for (unsigned i = 0; i <= RP_MIXED; i++)
		count += entry->over[i];
	return count;
}

static void put_difference(FILE *to, const struct entry *entry, const struct difference *difference, const struct rp_scenario *record)
{
	const char *over = rp_transport_name(record->transport);

	if (difference->less_count == difference->listed && difference->more_count == 0) {
		fprintf(to, "it passes over %s now: ", over);
		fputs(transports(entry) > 1 ? "take the line out, or say which transport it is for" : "take the line out", to);
		return;
	}
	if (difference->more_count > 0) {
		fprintf(to, "over %s it fails for", over);
		put_rules(to, difference->more);
		fputs(" too: mend that, or put it into the line", to);
	}
	if (difference->less_count > 0) {
		fprintf(to, "%sover %s it does not fail any more for", difference->more_count > 0 ? "; " : "", over);
		put_rules(to, difference->less);
		fputs(": take that out of the line", to);
	}
}

static void add_surprise(const struct hx_expect *expect, const struct entry *entry, const struct difference *difference,
                         const struct rp_scenario *record, struct rp_result *result)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	assert(to != NULL);
	fprintf(to, "%s:%u: %s: ", expect->file, entry->line, record->id);
	put_difference(to, entry, difference, record);
	fclose(to);
	for (size_t i = 0; i < result->expectation.surprises_count; i++)
		if (strcmp(result->expectation.surprises[i], text) == 0) { /* another --repeat */
			free(text);
			return;
		}
	rp_surprise_add(result, text);
	free(text);
}

void hx_expect_judge(const struct hx_expect *expect, const bool left_out[C2W_RULES], struct rp_result *result)
{
	result->expectation.file = rp_text(result, "%s", expect->file);
	for (size_t i = 0; i < result->scenarios_count; i++) {
		struct rp_scenario *record = &result->scenarios[i];
		const struct entry *entry = entry_of(expect, record);
		struct difference difference;

		if (entry == NULL || !is_judged(record))
			continue;
		difference = compare(entry, left_out, result, record);
		if (difference.listed > 0 && difference.more_count + difference.less_count > 0)
			add_surprise(expect, entry, &difference, record, result);
		record->expected = difference.listed > 0 && difference.more_count + difference.less_count == 0;
	}
}
