/* The server that is hunted: its death, what it prints, what it uses up, and how it comes back.
 * For blackbox_hunt.c and its siblings; called by the keeper of a launched one, too. Nothing is kept but in struct fz_hunt. */
#include "fuzz/blackbox_hunt_inside.h"

enum { LEAST_DESCRIPTORS = 64, LEAST_KNOCKS = 2 };

static const int64_t revive_every = 200 * INT64_C(1000000), revive_within = 5 * INT64_C(1000000000);

void fz_goes_down(struct fz_hunt *hunt)
{
	if (!hunt->down)
		hunt->down_since = net_now(hunt->options.net);
	hunt->knocks = hunt->down ? hunt->knocks : 0;
	hunt->down = true;
}

void fz_dies(struct fz_hunt *hunt, const char *why)
{
	fz_goes_down(hunt);
	if (fz_looking_into(hunt)) {
		hunt->trial_died = true;
		snprintf(hunt->trial_why, sizeof(hunt->trial_why), "%s", why);
	} else if (hunt->task != OVER && !hunt->knocking) {
		fz_found_by_somebody(hunt, FZ_DEATH, C2W_ROB_01, why);
		fz_drop_plays(hunt);
	}
	if (!hunt->starting)
		fz_turn_soon(hunt);
}

void fz_look_for_alarm(struct fz_hunt *hunt)
{
	char line[160];

	if (hunt->options.alarm == NULL || !hunt->options.alarm(hunt->options.context, line, sizeof(line)))
		return;
	if (fz_looking_into(hunt)) {
		hunt->trial_died = true;
		snprintf(hunt->trial_why, sizeof(hunt->trial_why), "%s", line);
	} else {
		fz_found_by_somebody(hunt, FZ_DEATH, C2W_ROB_01, line);
	}
}

static uint64_t gain(const uint64_t *marks, unsigned doubling)
{
	return marks[doubling] > marks[doubling - 1] ? marks[doubling] - marks[doubling - 1] : 0;
}

/* What grows with every execution gains twice as much with each doubling of their number; what is bounded does not. */
static bool grows(const uint64_t *marks, unsigned doubling, uint64_t least)
{
	uint64_t now = gain(marks, doubling), before = gain(marks, doubling - 1), first = gain(marks, doubling - 2);

	return now >= least && 2 * now >= 3 * before && 2 * before >= 3 * first;
}

void fz_look_for_leaks(struct fz_hunt *hunt)
{
	unsigned doubling = hunt->doublings;
	struct fz_usage now;

	if (hunt->options.usage == NULL || hunt->executions - hunt->up_since < UINT64_C(128) << doubling || doubling == DOUBLINGS ||
	    !hunt->options.usage(hunt->options.context, &now))
		return;
	hunt->memory[doubling] = now.memory;
	hunt->descriptors[doubling] = now.descriptors;
	hunt->doublings++;
	if (doubling < 3)
		return;
	if (grows(hunt->descriptors, doubling, LEAST_DESCRIPTORS))
		fz_found_by_somebody(hunt, FZ_LEAK, C2W_ROB_04, "file descriptors leak");
	if (grows(hunt->memory, doubling, doubling >= 7 ? 4 << 20 : 16 << 20))
		fz_found_by_somebody(hunt, FZ_LEAK, C2W_ROB_04, "memory leaks");
}

/* ---- coming back ------------------------------------------------------------------------------ */

/* Is somebody there again, in a server that is not ours? Is really nobody served, now that nothing else is asked? */
static void knock(struct fz_hunt *hunt)
{
	struct fz_lane *lane = &hunt->lanes[0];

	if (hunt->knocking) {
		hunt->knocking = false;
		hunt->down = fz_play_refused(lane->play) || fz_play_unheard(lane->play);
		fz_lane_settle(hunt, lane);
		if (hunt->doubtful && hunt->down)
			fz_make_certain(hunt, FZ_HANG);
		hunt->doubtful = false;
		if (hunt->down && hunt->options.restart == NULL)
			net_timer_at(hunt->timer, net_now(hunt->options.net) + revive_every);
		else
			fz_turn_soon(hunt);
		return;
	}
	hunt->knocking = true;
	hunt->knocks++;
	lane->program = (struct fz_program){ .tcp = { !hunt->offered_udp } };
	fz_program_add(&lane->program, &(struct fz_step){ .action = FZ_SEND, .command = C2W_LEAVE_SESSION_REQUEST, .await = true });
	fz_lane_start(hunt, lane, false);
}

/* It does not come back: what was found is told as it is. */
static void give_up(struct fz_hunt *hunt)
{
	hunt->unreachable = true;
	fz_make_certain(hunt, FZ_HANG);
	hunt->stopping = true;
	while (hunt->case_count > 0) {
		if (hunt->task != WRITE || hunt->script == NULL) {
			fz_shrink_begin(&hunt->shrinker, &hunt->cases[0].suspects[0], hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
			fz_begin_writing(hunt);
			fz_program_print(&hunt->shrinker.best, hunt->script);
		}
		fz_report_case(hunt);
	}
	hunt->task = OVER;
}

void fz_revive(struct fz_hunt *hunt)
{
	int64_t now = net_now(hunt->options.net);

	if (hunt->options.restart != NULL && !hunt->doubtful) {
		hunt->starting = true;
		hunt->down = true;
		hunt->wants_fresh = false;
		hunt->options.restart(hunt->options.context);
	} else if (!hunt->knocking && hunt->options.restart == NULL && hunt->knocks >= LEAST_KNOCKS && now - hunt->down_since >= revive_within) {
		give_up(hunt);
		fz_turn_soon(hunt);
	} else if (!hunt->knocking || hunt->lanes[0].finished) {
		knock(hunt);
	}
}

bool fz_needs_server(const struct fz_hunt *hunt)
{
	if (hunt->task == OVER)
		return false;
	return hunt->down ? hunt->case_count > 0 || !fz_time_is_up(hunt) : hunt->wants_fresh;
}
