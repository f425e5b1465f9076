/* The cache of failures, see lastfailed.h. For main.c.
 * Files are replaced as a whole, so that runs side by side do no harm. */
#include "harness/lastfailed.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/output.h"

/* $XDG_CACHE_HOME/c2w or ~/.cache/c2w; false: neither is known. */
static bool folder_name(char *to, size_t size, bool make)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char base[PATH_MAX];

	if (cache != NULL && cache[0] == '/')
		snprintf(base, sizeof(base), "%s", cache);
	else if (home != NULL && home[0] == '/')
		snprintf(base, sizeof(base), "%s/.cache", home);
	else
		return false;
	if (make)
		mkdir(base, 0700);
	if (snprintf(to, size, "%s/c2w", base) >= (int)size)
		return false;
	return !make || mkdir(to, 0700) == 0 || access(to, W_OK) == 0;
}

static bool file_name(const char *target, char *to, size_t size, bool make)
{
	char folder[PATH_MAX];

	return folder_name(folder, sizeof(folder), make) && snprintf(to, size, "%s/last-failed-%s", folder, target) < (int)size;
}

static void add(struct hx_words *failed, const char *line)
{
	const char **grown = realloc(failed->at, (failed->count + 1) * sizeof(*grown));

	assert(grown != NULL);
	failed->at = grown;
	failed->at[failed->count] = strdup(line);
	assert(failed->at[failed->count] != NULL);
	failed->count++;
}

void hx_lastfailed_read(const char *target, struct hx_words *failed)
{
	char name[PATH_MAX + 128], *line = NULL;
	size_t size = 0;
	FILE *from;

	*failed = (struct hx_words){ 0 };
	if (!file_name(target, name, sizeof(name), false) || (from = fopen(name, "re")) == NULL)
		return;
	while (getline(&line, &size, from) > 0) {
		line[strcspn(line, "\n")] = '\0';
		add(failed, line);
	}
	free(line);
	fclose(from);
}

void hx_lastfailed_free(struct hx_words *failed)
{
	for (unsigned i = 0; i < failed->count; i++)
		free((char *)failed->at[i]);
	free(failed->at);
	*failed = (struct hx_words){ 0 };
}

static void line_of(const struct rp_scenario *record, char *to, size_t size)
{
	snprintf(to, size, "%s %s", record->id, rp_transport_name(record->transport));
}

static bool ran(const struct rp_result *result, const char *line)
{
	char own[PATH_MAX];

	for (size_t i = 0; i < result->scenarios_count; i++) {
		const struct rp_scenario *record = &result->scenarios[i];

		line_of(record, own, sizeof(own));
		if (strcmp(line, own) == 0 && (record->verdict == RP_PASS || record->verdict == RP_WARN || record->verdict == RP_FAIL))
			return true;
	}
	return false;
}

static bool holds(const struct hx_words *words, const char *line)
{
	for (unsigned i = 0; i < words->count; i++)
		if (strcmp(words->at[i], line) == 0)
			return true;
	return false;
}

static void merge(struct hx_words *merged, const struct hx_words *before, const struct rp_result *result)
{
	char line[PATH_MAX];

	for (unsigned i = 0; i < before->count; i++)
		if (!ran(result, before->at[i]))
			add(merged, before->at[i]);
	for (size_t i = 0; i < result->scenarios_count; i++) {
		if (result->scenarios[i].verdict != RP_FAIL && !(result->warnings_fail && result->scenarios[i].verdict == RP_WARN))
			continue;
		line_of(&result->scenarios[i], line, sizeof(line));
		if (!holds(merged, line)) /* another turn of --repeat */
			add(merged, line);
	}
}

void hx_lastfailed_write(const char *target, const struct rp_result *result)
{
	struct hx_words before, after = { 0 };
	char name[PATH_MAX + 128];
	struct rp_output *output;

	hx_lastfailed_read(target, &before);
	merge(&after, &before, result);
	if (after.count == 0 && before.count > 0 && file_name(target, name, sizeof(name), false))
		unlink(name);
	if (after.count > 0 && file_name(target, name, sizeof(name), true) && (output = rp_output_open(name)) != NULL) {
		for (unsigned i = 0; i < after.count; i++)
			fprintf(rp_output_stream(output), "%s\n", after.at[i]);
		rp_output_commit(output);
	}
	hx_lastfailed_free(&before);
	hx_lastfailed_free(&after);
}
