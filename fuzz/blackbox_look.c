/* Looking into a case, with nothing else running: does it show again, how small can it be, and what is written of it.
 * For blackbox_hunt.c; one trial after the other, each a play of lane 0. */
#include "fuzz/blackbox_hunt_inside.h"

#include <assert.h>
#include <stdlib.h>

enum { TRIES = 5, MAX_TURNS = 3, WRITES = 3, MAX_SHRINKS = 400, LEAK_RUNS = 64, LEAK_ROUNDS = 3, LEAST_LEAK = 256 };

static const int64_t settle_for = 20 * INT64_C(1000000);       /* a crash is noticed a little later */

static const int64_t print_within = 3 * INT64_C(1000000000);
static const int64_t leak_within = 8 * INT64_C(1000000000), look_within = 30 * INT64_C(1000000000), turn_within = 3 * INT64_C(1000000000);
static const int64_t shrink_within = 20 * INT64_C(1000000000), look_after_time = 15 * INT64_C(1000000000);

/* Now and so long, but not much longer than the hunt may take. */
static int64_t until(const struct fz_hunt *hunt, int64_t within)
{
	int64_t at = net_now(hunt->options.net) + within, end = hunt->began + hunt->options.time + look_after_time;

	return hunt->options.time > 0 && end < at ? end : at;
}

static void try(struct fz_hunt *hunt, const struct fz_program *program, bool writing)
{
	hunt->trial_died = hunt->settled = false;
	hunt->lanes[0].program = *program;
	fz_lane_start(hunt, &hunt->lanes[0], writing);
}

static bool shows_leak(struct fz_hunt *hunt)
{
	struct fz_usage now;
	bool descriptors = strstr(hunt->cases[0].finding.what, "descriptors") != NULL;

	if (!hunt->options.usage(hunt->options.context, &now))
		return false;
	bool grew = descriptors ? now.descriptors >= hunt->leak_mark.descriptors + LEAK_RUNS / 2 : now.memory >= hunt->leak_mark.memory + LEAK_RUNS * LEAST_LEAK;
	hunt->leak_mark = now;
	return grew;
}

/* A leak shows in many runs: the first round is not counted, each of the others must grow. False: it has to run on. */
static bool leak_decided(struct fz_hunt *hunt, bool *shows)
{
	if (hunt->leak_runs == 0)
		hunt->leak_until = net_now(hunt->options.net) + leak_within;
	*shows = false;
	if (net_now(hunt->options.net) > hunt->leak_until)
		return true;
	if (++hunt->leak_runs % LEAK_RUNS != 0)
		return false;
	*shows = shows_leak(hunt) || hunt->leak_runs == LEAK_RUNS;
	return !*shows || hunt->leak_runs == LEAK_RUNS * (LEAK_ROUNDS + 1);
}

static bool shows_finding(struct fz_hunt *hunt)
{
	const struct fz_finding *wanted = &hunt->cases[0].finding, *findings;
	unsigned count;

	if (wanted->kind == FZ_DEATH)
		return (hunt->trial_died && !fz_is_another_death(hunt, hunt->trial_why)) || (hunt->options.restart == NULL && fz_play_refused(hunt->lanes[0].play));
	findings = fz_play_findings(hunt->lanes[0].play, &count);
	for (unsigned i = 0; i < count; i++)
		if (findings[i].rule == wanted->rule && strcmp(findings[i].what, wanted->what) == 0)
			return !(findings[i].closed && hunt->trial_died);
	return false;
}

static void take_new_findings(struct fz_hunt *hunt)
{
	unsigned count;
	const struct fz_finding *findings = fz_play_findings(hunt->lanes[0].play, &count);

	for (unsigned i = 0; i < count; i++) {
		if (!findings[i].closed || !hunt->trial_died)
			fz_found(hunt, &findings[i], &hunt->lanes[0].program);
		if (findings[i].kind == FZ_HANG)
			fz_goes_down(hunt);
	}
	if (fz_play_refused(hunt->lanes[0].play))
		fz_goes_down(hunt);
}

static bool needs_fresh(const struct fz_hunt *hunt)
{
	enum fz_kind kind = hunt->cases[0].finding.kind;

	return hunt->options.restart != NULL && (kind == FZ_LEAK || (hunt->task != SHRINK && kind != FZ_HANG));
}

static void begin_shrinking(struct fz_hunt *hunt, const struct fz_program *program)
{
	hunt->task = SHRINK;
	hunt->shrinks = 0;
	hunt->again = false;
	hunt->shrink_until = until(hunt, shrink_within);
	fz_shrink_begin(&hunt->shrinker, program, hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
}

/* What does not show soon makes room for what may: it goes on last. */
static void make_room(struct fz_hunt *hunt)
{
	struct fz_case open = hunt->cases[0];

	if (hunt->case_count == 1 || open.turns == MAX_TURNS || net_now(hunt->options.net) < hunt->turn_until)
		return;
	open.turns++;
	memmove(&hunt->cases[0], &hunt->cases[1], (hunt->case_count - 1) * sizeof(open));
	hunt->cases[hunt->case_count - 1] = open;
	hunt->task = FUZZ; /* or rather the next case */
}

static void confirmed(struct fz_hunt *hunt, bool shows)
{
	struct fz_case *open = &hunt->cases[0];

	if (shows) {
		hunt->reproduced = true;
		begin_shrinking(hunt, &open->suspects[open->suspect]);
		return;
	}
	open->tries++;
	if (net_now(hunt->options.net) > hunt->look_until)
		open->suspect = open->suspect_count;
	else if (open->finding.kind != FZ_VIOLATION || open->tries >= TRIES) {
		open->suspect++;
		open->tries = 0;
	}
	if (open->suspect < open->suspect_count) {
		make_room(hunt);
		return;
	}
	hunt->reproduced = false;
	fz_shrink_begin(&hunt->shrinker, &open->suspects[0], hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
	fz_begin_writing(hunt);
}

/* Where haste made it smaller than what shows to who is patient, it is made smaller once more. */
static void written(struct fz_hunt *hunt, bool shows)
{
	const struct fz_case *open = &hunt->cases[0];

	if (!shows && hunt->reproduced && ++hunt->write_tries < WRITES) {
		fz_begin_writing(hunt);
		return;
	}
	hunt->write_tries = 0;
	if (shows || !hunt->reproduced || hunt->careful || open->finding.kind != FZ_VIOLATION) {
		fz_report_case(hunt);
		return;
	}
	hunt->careful = true;
	begin_shrinking(hunt, &open->suspects[open->suspect]);
}

/* Of something else than what is looked into. */
static void take_death(struct fz_hunt *hunt)
{
	struct fz_finding death = { .kind = FZ_DEATH, .rule = C2W_ROB_01 };

	memcpy(death.what, hunt->trial_why, sizeof(death.what));
	fz_found(hunt, &death, &hunt->lanes[0].program);
	fz_make_certain(hunt, FZ_DEATH);
}

/* What is told is what the scenario shows. */
static void take_words(struct fz_hunt *hunt)
{
	struct fz_finding *told = &hunt->cases[0].finding;
	unsigned count;
	const struct fz_finding *findings = fz_play_findings(hunt->lanes[0].play, &count);

	for (unsigned i = 0; i < count; i++) {
		if (findings[i].rule != told->rule || strcmp(findings[i].what, told->what) != 0)
			continue;
		free(told->expected);
		free(told->got);
		told->expected = findings[i].expected != NULL ? strdup(findings[i].expected) : NULL;
		told->got = findings[i].got != NULL ? strdup(findings[i].got) : NULL;
		assert((told->expected == NULL) == (findings[i].expected == NULL) && (told->got == NULL) == (findings[i].got == NULL));
		return;
	}
}

static void trial_over(struct fz_hunt *hunt)
{
	bool shows;

	fz_look_for_alarm(hunt);
	if (hunt->cases[0].finding.kind == FZ_LEAK && hunt->task != WRITE) {
		if (!leak_decided(hunt, &shows)) {
			fz_lane_settle(hunt, &hunt->lanes[0]);
			try(hunt, &hunt->trial, false);
			return;
		}
	} else {
		shows = shows_finding(hunt);
	}
	take_new_findings(hunt);
	if (hunt->trial_died && hunt->cases[0].finding.kind != FZ_DEATH)
		take_death(hunt);
	if (hunt->task == WRITE)
		take_words(hunt);
	fz_lane_settle(hunt, &hunt->lanes[0]);
	hunt->leak_runs = 0;
	if (hunt->task == CONFIRM) {
		confirmed(hunt, shows);
	} else if (hunt->task == SHRINK) {
		hunt->shrinks++;
		hunt->again = shows && !hunt->again; /* what shows once may have been luck */
		if (!hunt->again)
			fz_shrink_tell(&hunt->shrinker, &hunt->trial, shows);
	} else {
		written(hunt, shows);
	}
	/* A sanitizer that goes on tells each place once. */
	hunt->wants_fresh = fz_looking_into(hunt) && hunt->case_count > 0 && (needs_fresh(hunt) || (hunt->trial_died && !hunt->down && hunt->options.restart != NULL));
}

void fz_begin_looking(struct fz_hunt *hunt)
{
	hunt->task = CONFIRM;
	hunt->careful = false;
	hunt->look_until = until(hunt, look_within);
	hunt->turn_until = net_now(hunt->options.net) + turn_within;
	hunt->wants_fresh = needs_fresh(hunt);
}

static bool shrink_further(struct fz_hunt *hunt)
{
	unsigned limit = hunt->cases[0].finding.kind == FZ_LEAK ? MAX_SHRINKS / 8 : MAX_SHRINKS;

	if (hunt->shrinks >= limit || net_now(hunt->options.net) >= hunt->shrink_until || hunt->stopping)
		return false;
	return hunt->again || fz_shrink_next(&hunt->shrinker, &hunt->trial);
}

static void next_trial(struct fz_hunt *hunt)
{
	const struct fz_case *open = &hunt->cases[0];

	if (hunt->task == SHRINK && !shrink_further(hunt))
		fz_begin_writing(hunt);
	if (hunt->task == CONFIRM)
		hunt->trial = open->suspects[open->suspect];
	if (hunt->task == WRITE)
		hunt->trial = hunt->shrinker.best;
	try(hunt, &hunt->trial, hunt->task == WRITE);
}

static bool was_closed(const struct fz_play *play)
{
	unsigned count;
	const struct fz_finding *findings = fz_play_findings(play, &count);

	for (unsigned i = 0; i < count; i++)
		if (findings[i].closed)
			return true;
	return false;
}

/* The end of the process may be seen a moment after the end of the play, or of its connections, and a sanitizer takes its time to print. */
static bool still_settling(struct fz_hunt *hunt)
{
	struct fz_lane *lane = &hunt->lanes[0];
	bool dies = hunt->cases[0].finding.kind == FZ_DEATH || was_closed(lane->play);

	if (!dies || hunt->trial_died || hunt->options.restart == NULL)
		return false;
	if (!hunt->settled)
		hunt->settle_until = net_now(hunt->options.net) + print_within;
	else if (hunt->options.alarming == NULL || !hunt->options.alarming(hunt->options.context) || net_now(hunt->options.net) >= hunt->settle_until)
		return false;
	hunt->settled = true;
	net_timer_at(hunt->timer, net_now(hunt->options.net) + settle_for);
	return true;
}

bool fz_turn_looking(struct fz_hunt *hunt)
{
	struct fz_lane *lane = &hunt->lanes[0];

	if (lane->busy && !lane->finished && !hunt->trial_died)
		return false;
	if (lane->busy && lane->finished && still_settling(hunt))
		return false;
	if (lane->busy) {
		trial_over(hunt);
		return !lane->busy;
	}
	if (hunt->down || hunt->wants_fresh)
		fz_revive(hunt);
	else
		next_trial(hunt);
	return false;
}
