/* Words to rules and scenarios, and the errors for words that mean nothing. Pure; for main.c and tests.
 * The list returned is the caller's. */
#include "harness/select.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/near.h"

/* ---- words -------------------------------------------------------------------------------- */

enum word_kind { WORD_RULE, WORD_AREA, WORD_ID, WORD_FOLDER, WORD_PATTERN, WORD_PART };

static bool is_rule_or_area(const char *word, enum word_kind *kind)
{
	*kind = c2w_rule_find(c2w_str_of(word)) != C2W_NO_RULE ? WORD_RULE : WORD_AREA;
	if (*kind == WORD_RULE)
		return true;
	for (unsigned i = 0; c2w_area_name(i) != NULL; i++)
		if (strcmp(c2w_area_name(i), word) == 0)
			return true;
	return false;
}

static enum word_kind kind_of(const struct hx_suite *suite, const char *word)
{
	enum word_kind kind;

	if (is_rule_or_area(word, &kind))
		return kind;
	for (unsigned i = 0; i < suite->count; i++)
		if (strcmp(word, suite->scenarios[i]->id) == 0)
			return WORD_ID;
	for (unsigned i = 0; i < suite->count; i++)
		if (strcmp(word, suite->scenarios[i]->area) == 0)
			return WORD_FOLDER;
	return strpbrk(word, "*?[") != NULL ? WORD_PATTERN : WORD_PART;
}

/* Is the rule meant by a word of the first two kinds? */
static bool means_rule(const char *word, enum c2w_rule rule)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule);

	return strcmp(word, info->id) == 0 || strcmp(word, info->area) == 0;
}

static bool proves_one(const char *word, const struct hx_scenario *scenario)
{
	for (unsigned i = 0; i < scenario->proves_count; i++)
		if (means_rule(word, scenario->proves[i]))
			return true;
	return false;
}

static bool matches(const char *pattern, const char *id)
{
	const char *slash = strrchr(id, '/');

	return fnmatch(pattern, id, 0) == 0 || (slash != NULL && fnmatch(pattern, slash + 1, 0) == 0);
}

static bool means_scenario(const char *word, enum word_kind kind, const struct hx_scenario *scenario)
{
	switch (kind) {
	case WORD_RULE:
	case WORD_AREA:
		return proves_one(word, scenario);
	case WORD_ID:
		return strcmp(word, scenario->id) == 0;
	case WORD_FOLDER:
		return strcmp(word, scenario->area) == 0;
	case WORD_PATTERN:
		return matches(word, scenario->id);
	case WORD_PART:
		return strstr(scenario->id, word) != NULL;
	}
	return false;
}

void hx_select_rules(const struct hx_selection *selection, bool left_out[C2W_RULES])
{
	left_out[C2W_NO_RULE] = false;
	for (unsigned i = 1; i < C2W_RULES; i++) {
		const struct c2w_rule_info *info = c2w_rule_info((enum c2w_rule)i);

		left_out[i] = info->level > selection->level || strchr(selection->origins, (char)info->origin) == NULL;
		for (unsigned j = 0; j < selection->skip.count; j++)
			left_out[i] = left_out[i] || means_rule(selection->skip.at[j], (enum c2w_rule)i);
	}
}

/* ---- errors -------------------------------------------------------------------------------- */

struct complaint {
	void (*error)(void *context, const char *text);
	void *context;
	unsigned count;
};

static void complain(struct complaint *complaint, const char *text)
{
	complaint->error(complaint->context, text);
	complaint->count++;
}

static void complain_near(struct complaint *complaint, const struct hx_suite *suite, const char *option, const char *word)
{
	struct hx_near near = { .word = word };
	char text[1024];
	int length;

	for (unsigned i = 1; i < C2W_RULES; i++)
		hx_near_offer(&near, c2w_rule_info((enum c2w_rule)i)->id);
	for (unsigned i = 0; c2w_area_name(i) != NULL; i++)
		hx_near_offer(&near, c2w_area_name(i));
	for (unsigned i = 0; i < suite->count; i++) {
		hx_near_offer(&near, suite->scenarios[i]->area);
		hx_near_offer(&near, suite->scenarios[i]->id);
	}
	length = snprintf(text, sizeof(text), "%s %.200s: no rule, area, folder or scenario has this name", option, word);
	hx_near_tell(&near, text + length, sizeof(text) - (size_t)length);
	complain(complaint, text);
}

static bool selects_any(const struct hx_suite *suite, const char *word)
{
	enum word_kind kind = kind_of(suite, word);

	for (unsigned i = 0; i < suite->count; i++)
		if (means_scenario(word, kind, suite->scenarios[i]))
			return true;
	return false;
}

/* A rule or an area may be skipped though no scenario proves it: the always-on judges know it. */
static void check_words(struct complaint *complaint, const struct hx_suite *suite, const struct hx_selection *selection)
{
	enum word_kind kind;
	char text[256];

	for (unsigned i = 0; i < selection->only.count; i++) {
		const char *word = selection->only.at[i];

		if (selects_any(suite, word))
			continue;
		if (!is_rule_or_area(word, &kind)) {
			complain_near(complaint, suite, "--only", word);
			continue;
		}
		snprintf(text, sizeof(text), "--only %.100s: no scenario proves it (--explain says why)", word);
		complain(complaint, text);
	}
	for (unsigned i = 0; i < selection->skip.count; i++)
		if (!selects_any(suite, selection->skip.at[i]) && !is_rule_or_area(selection->skip.at[i], &kind))
			complain_near(complaint, suite, "--skip", selection->skip.at[i]);
}

/* ---- picking ------------------------------------------------------------------------------- */

static bool judges_something(const struct hx_scenario *scenario, const bool *left_out)
{
	for (unsigned i = 0; i < scenario->proves_count; i++)
		if (!left_out[scenario->proves[i]])
			return true;
	return scenario->proves_count == 0;
}

static bool is_wanted(const struct hx_suite *suite, const struct hx_scenario *scenario, const struct hx_selection *selection)
{
	bool wanted = selection->only.count == 0;

	for (unsigned i = 0; i < selection->only.count; i++)
		wanted = wanted || means_scenario(selection->only.at[i], kind_of(suite, selection->only.at[i]), scenario);
	for (unsigned i = 0; i < selection->skip.count; i++) {
		enum word_kind kind = kind_of(suite, selection->skip.at[i]);

		if (kind != WORD_RULE && kind != WORD_AREA && means_scenario(selection->skip.at[i], kind, scenario))
			return false;
	}
	return wanted;
}

static bool failed_last(const struct hx_pick *pick, const struct hx_words *failed)
{
	size_t length = strlen(pick->scenario->id);

	for (unsigned i = 0; i < failed->count; i++)
		if (strncmp(failed->at[i], pick->scenario->id, length) == 0 && failed->at[i][length] == ' ' &&
		    strcmp(failed->at[i] + length + 1, rp_transport_name(pick->transport)) == 0)
			return true;
	return false;
}

struct picking {
	const struct hx_selection *selection;
	struct hx_pick *picks;
	unsigned count, seen; /* seen: candidates so far, for --shard */
};

static void pick(struct picking *picking, const struct hx_scenario *scenario, enum rp_transport transport)
{
	const struct hx_selection *selection = picking->selection;
	struct hx_pick candidate = { .scenario = scenario, .transport = transport };

	if (selection->last_failed != NULL && !failed_last(&candidate, selection->last_failed))
		return;
	if (selection->shards > 1 && picking->seen++ % selection->shards != selection->shard - 1)
		return;
	picking->picks[picking->count++] = candidate;
}

static void pick_transports(struct picking *picking, const struct hx_scenario *scenario)
{
	unsigned over = scenario->over & picking->selection->transports;

	if (scenario->over == 0)
		pick(picking, scenario, RP_MIXED);
	if ((over & C2W_ON_UDP) != 0)
		pick(picking, scenario, RP_UDP);
	if ((over & C2W_ON_TCP) != 0)
		pick(picking, scenario, RP_TCP);
}

static const char *why_nothing(const struct hx_suite *suite, const struct hx_selection *selection)
{
	if (suite->count == 0)
		return "there is no scenario to run";
	if (selection->last_failed != NULL && selection->last_failed->count == 0)
		return "--last-failed: nothing failed on this target the last time, or it was never judged, so no scenario is selected";
	return "no scenario is selected";
}

unsigned hx_select(const struct hx_suite *suite, const struct hx_selection *selection, struct hx_pick **picks, unsigned *count,
                   void (*error)(void *context, const char *text), void *context)
{
	struct complaint complaint = { .error = error, .context = context };
	struct picking picking = { .selection = selection };
	bool left_out[C2W_RULES];

	picking.picks = calloc(2 * (size_t)suite->count + 1, sizeof(*picking.picks));
	assert(picking.picks != NULL);
	check_words(&complaint, suite, selection);
	hx_select_rules(selection, left_out);
	for (unsigned i = 0; i < suite->count; i++)
		if (is_wanted(suite, suite->scenarios[i], selection) && judges_something(suite->scenarios[i], left_out))
			pick_transports(&picking, suite->scenarios[i]);
	if (complaint.count == 0 && picking.count == 0)
		complain(&complaint, why_nothing(suite, selection));
	*picks = picking.picks;
	*count = picking.count;
	return complaint.count;
}
