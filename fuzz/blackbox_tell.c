/* What a play tells: findings, the scenario's text, the octets that went and came, and what was new as numbers.
 * For blackbox_play.c and its siblings. Nothing here changes what is played. */
#include "fuzz/blackbox_play_inside.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

/* ---- findings and the script ---------------------------------------------------------------- */

char *fz_escaped(struct c2w_str octets)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to;

	if (octets.length == 0)
		return NULL;
	to = open_memstream(&text, &size);
	assert(to != NULL);
	fz_text_print((struct c2w_str){ octets.at, octets.length < 600 ? octets.length : 600 }, to);
	fclose(to);
	return text;
}

void fz_find(struct fz_play *play, enum fz_kind kind, enum c2w_rule rule, const char *what, char *expected, char *got)
{
	struct fz_finding *finding = &play->findings[play->finding_count];
	bool known = play->finding_count == FZ_FINDINGS || c2w_rule_info(rule)->level != C2W_MUST;

	for (unsigned i = 0; i < play->finding_count; i++)
		known = known || (play->findings[i].rule == rule && strcmp(play->findings[i].what, what) == 0);
	if (known) {
		free(expected);
		free(got);
		return;
	}
	play->finding_count++;
	*finding = (struct fz_finding){ .kind = kind, .rule = rule, .expected = expected, .got = got };
	snprintf(finding->what, sizeof(finding->what), "%s", what);
}

const char *fz_name_of(unsigned party)
{
	return party == HONEST ? "honest" : fz_known_names[party];
}

void fz_say(const struct fz_play *play, const char *format, ...)
{
	va_list list;

	if (play->options.script == NULL)
		return;
	va_start(list, format);
	vfprintf(play->options.script, format, list);
	va_end(list);
}

/* What went in two segments goes in two again, and who ended a connection is given the time to be forgotten. */
void fz_say_step(struct fz_play *play, const struct fz_step *step)
{
	const struct fz_party *party = &play->parties[step->client];
	bool asks = step->action == FZ_SEND && step->await && (step->command == C2W_CONNECTION_REQUEST || step->command == C2W_USER_LIST_REQUEST);

	if (asks)
		fz_say_gone(play);
	if (fz_sends(step) && party->hurried && !play->batch)
		fz_say(play, "wait %dms\n", party->tcp ? 10 : (int)(fz_pause_of(play) / FZ_MS));
	if (play->options.script != NULL)
		fz_step_print(step, play->batch, play->options.script);
}

void fz_note(const struct fz_party *party, bool received, struct c2w_str octets)
{
	FILE *to = party->play->options.octets;

	if (to == NULL)
		return;
	fprintf(to, "%-6s %s %s ", fz_name_of(party->index), party->tcp ? "tcp" : "udp", received ? "<" : ">");
	fz_text_print(octets, to);
	fputc('\n', to);
}

/* ---- coverage ------------------------------------------------------------------------------- */

uint64_t fz_hash(uint64_t hash, const void *at, size_t length)
{
	const unsigned char *octet = at;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ octet[i]) * UINT64_C(1099511628211);
	return hash ^ hash >> 29;
}

static unsigned bucket(size_t length)
{
	unsigned bits = 0;

	for (; length > 0; length >>= 1)
		bits++;
	return bits;
}

static uint64_t mixed(uint64_t seed, const uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		seed = (seed ^ words[i]) * UINT64_C(0xbf58476d1ce4e5b9);
		seed ^= seed >> 31;
	}
	return seed;
}

static uint64_t stance_of(const struct fz_party *party)
{
	return (uint64_t)party->guess.place | (uint64_t)party->guess.lost << 3 | (uint64_t)party->holds << 4 | (uint64_t)party->deaf << 5 |
	       (uint64_t)party->mute << 6 | (uint64_t)party->tcp << 7 | (uint64_t)(party->out.held > 0) << 8 | (uint64_t)party->open << 9;
}

void fz_seen(const struct fz_party *party, uint64_t answer)
{
	const struct fz_play *play = party->play;
	uint64_t stances[FZ_CAST], own[3] = { stance_of(party), party->event, answer };

	if (play->options.seen == NULL || party->index == HONEST)
		return;
	for (unsigned i = 0; i < FZ_CAST; i++)
		stances[i] = stance_of(&play->parties[i]);
	play->options.seen(play->options.context, mixed(1, own, 3), mixed(2, stances, FZ_CAST));
}

uint64_t fz_event_of(const struct fz_step *step)
{
	const uint64_t what[] = {
		step->action, step->command, step->time, step->user, step->data, step->pieces > 0, step->joined, step->await,
		step->time == FZ_TIME_TEXT ? bucket(fz_text_length(&step->time_text)) : 0, step->user == FZ_USER_TEXT ? bucket(fz_text_length(&step->user_text)) : 0,
		step->data != FZ_DATA_NONE || step->action == FZ_OCTETS ? bucket(fz_text_length(&step->data_text)) : 0,
		(uint64_t)step->miscased_user << 1 | step->miscased_title, bucket(fz_text_length(&step->before)),
	};

	return mixed(3, what, sizeof(what) / sizeof(what[0]));
}

uint64_t fz_answer_of(const struct jd_reading *reading)
{
	const uint64_t what[] = { (uint64_t)-reading->err, reading->message.command, reading->message.code, reading->repetition, bucket(reading->message.data.length) };

	return reading->stranger ? 0 : mixed(4, what, sizeof(what) / sizeof(what[0]));
}
