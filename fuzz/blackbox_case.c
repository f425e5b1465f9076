/* Cases: what was noticed and is to be looked into, each with the programs that may be to blame; and what is known already.
 * For blackbox_hunt.c and its siblings. A case owns copies of what it was made of. */
#include "fuzz/blackbox_hunt_inside.h"

#include <assert.h>
#include <stdlib.h>

enum { MAX_DEATHS = 8 /* told apart by the last thing printed, which may be anything */, MAX_TOLD = 3, MAX_DOUBTS = 24 }; /* of one thing: then it is not told, and then not looked into any more */

/* NULL: nobody has seen it yet. */
static struct fz_known *known_of(struct fz_hunt *hunt, enum c2w_rule rule, const char *what)
{
	for (unsigned i = 0; i < hunt->known_count; i++)
		if (hunt->known[i].rule == rule && strcmp(hunt->known[i].what, what) == 0)
			return &hunt->known[i];
	return NULL;
}

bool fz_is_another_death(struct fz_hunt *hunt, const char *what)
{
	return known_of(hunt, C2W_ROB_01, what) != NULL && strcmp(what, hunt->cases[0].finding.what) != 0;
}

/* False: it is known, and nothing new, or there is no room for it. */
static bool make_known(struct fz_hunt *hunt, const struct fz_finding *finding)
{
	struct fz_known *known = known_of(hunt, finding->rule, finding->what);

	if (known != NULL ? !known->open : hunt->known_count == MAX_KNOWN)
		return false;
	if (known == NULL) {
		known = &hunt->known[hunt->known_count++];
		known->rule = finding->rule;
		memcpy(known->what, finding->what, sizeof(known->what));
	}
	known->open = false;
	return true;
}

static char *copy(const char *text)
{
	char *made = text != NULL ? strdup(text) : NULL;

	assert(text == NULL || made != NULL);
	return made;
}

static bool too_many_deaths(const struct fz_hunt *hunt, enum fz_kind kind)
{
	unsigned deaths = 0;

	for (unsigned i = 0; i < hunt->known_count; i++)
		deaths += hunt->known[i].rule == C2W_ROB_01;
	return kind == FZ_DEATH && deaths >= MAX_DEATHS;
}

/* One that is known already is no case. */
static struct fz_case *open_case(struct fz_hunt *hunt, const struct fz_finding *finding)
{
	struct fz_case *made = &hunt->cases[hunt->case_count];

	if (hunt->case_count == MAX_CASES || too_many_deaths(hunt, finding->kind) || !make_known(hunt, finding))
		return NULL;
	hunt->case_count++;
	*made = (struct fz_case){ .finding = *finding, .executions = hunt->executions, .after = net_now(hunt->options.net) - hunt->began };
	made->finding.expected = copy(finding->expected);
	made->finding.got = copy(finding->got);
	made->suspects = calloc(RECENT + MAX_LANES, sizeof(*made->suspects));
	assert(made->suspects != NULL);
	return made;
}

static void close_case(struct fz_hunt *hunt, unsigned index)
{
	struct fz_case *closed = &hunt->cases[index];

	free(closed->suspects);
	free(closed->finding.expected);
	free(closed->finding.got);
	hunt->case_count--;
	memmove(closed, closed + 1, (hunt->case_count - index) * sizeof(*closed));
}

void fz_close_case(struct fz_hunt *hunt)
{
	close_case(hunt, 0);
}

void fz_drop_closed(struct fz_hunt *hunt)
{
	for (unsigned i = hunt->case_count; i > 0; i--) {
		if (!hunt->cases[i - 1].finding.closed)
			continue;
		known_of(hunt, hunt->cases[i - 1].finding.rule, hunt->cases[i - 1].finding.what)->open = true; /* it may be found again */
		close_case(hunt, i - 1);
	}
}

void fz_drop_doubtful(struct fz_hunt *hunt)
{
	for (unsigned i = hunt->case_count; i > 0; i--) {
		const struct fz_case *open = &hunt->cases[i - 1];

		if (open->certain || open->finding.kind == FZ_HANG)
			continue;
		close_case(hunt, i - 1);
		hunt->dropped++;
	}
}

bool fz_doubt_case(struct fz_hunt *hunt)
{
	const struct fz_finding *finding = &hunt->cases[0].finding;
	struct fz_known *known = known_of(hunt, finding->rule, finding->what);

	hunt->patient += finding->kind == FZ_VIOLATION && hunt->patient < hunt->options.lanes ? hunt->patient + 1 : 0;
	known->open = ++known->doubts < MAX_DOUBTS;
	return known->doubts <= MAX_TOLD;
}

void fz_make_certain(struct fz_hunt *hunt, enum fz_kind kind)
{
	for (unsigned i = 0; i < hunt->case_count; i++)
		hunt->cases[i].certain |= hunt->cases[i].finding.kind == kind;
}

/* Whoever was playing, then whoever had played, the latest first. */
static void suspect_all(struct fz_hunt *hunt, struct fz_case *made)
{
	for (unsigned i = 0; i < hunt->options.lanes; i++)
		if (hunt->lanes[i].busy)
			made->suspects[made->suspect_count++] = hunt->lanes[i].program;
	for (uint64_t i = 0; i < RECENT && i < hunt->recent_count; i++)
		made->suspects[made->suspect_count++] = hunt->recent[(hunt->recent_count - 1 - i) % RECENT];
}

static struct fz_case *case_of(struct fz_hunt *hunt, const struct fz_finding *finding)
{
	for (unsigned i = 0; i < hunt->case_count; i++)
		if (hunt->cases[i].finding.rule == finding->rule && strcmp(hunt->cases[i].finding.what, finding->what) == 0)
			return &hunt->cases[i];
	return NULL;
}

/* Whoever shows it at the same time may show it again where the first does not. */
void fz_found(struct fz_hunt *hunt, const struct fz_finding *finding, const struct fz_program *program)
{
	struct fz_case *known = hunt->task == FUZZ ? case_of(hunt, finding) : NULL, *made = known != NULL ? known : open_case(hunt, finding);

	if (made != NULL && made->suspect_count < RECENT + MAX_LANES)
		made->suspects[made->suspect_count++] = *program;
}

void fz_found_by_somebody(struct fz_hunt *hunt, enum fz_kind kind, enum c2w_rule rule, const char *what)
{
	struct fz_finding finding = { .kind = kind, .rule = rule };
	struct fz_case *made;

	snprintf(finding.what, sizeof(finding.what), "%s", what);
	made = open_case(hunt, &finding);
	if (made == NULL)
		return;
	made->certain = kind == FZ_DEATH;
	suspect_all(hunt, made);
}
