/* The interpreter: plays the steps of a scenario as messages, timers and connections allow, notes findings, and ends
 * with the teardown. What a step does is in steps.c.
 * Everything a run owns is freed by hx_run_free(); done() comes from a timer, never from within another call. */
#include <stdlib.h>
#include <string.h>

#include "harness/run.h"

enum { STEPS_A_TURN = 256, MAX_REPEATS = 1000000, MAX_FINDINGS = 20 };
static const int64_t MS = 1000000, DEFAULT_LIMIT = 60 * INT64_C(1000000000), USUAL_SCHEDULE = 5 * INT64_C(1000000000);

/* ---- findings --------------------------------------------------------------------------------- */

const char *hx_escape(struct hx_run *run, struct c2w_str octets)
{
	char *text = rp_escape(octets.at, octets.length);
	char *copy = hx_copy(run->arena, text, strlen(text));
	free(text);
	return copy;
}

/* The line of the scenario itself, not of an exchange it calls. */
static const struct hx_step *outer_step(const struct hx_run *run)
{
	for (unsigned i = 1; i < run->depth; i++)
		if (run->frames[i].kind == HX_FRAME_CALL)
			return run->frames[i].owner;
	return run->member != NULL ? run->member : run->frames[run->depth - 1].step;
}

enum c2w_rule hx_rule_of(const struct hx_run *run, const struct hx_step *step)
{
	return step->rule != C2W_NO_RULE ? step->rule : run->scenario->proves[0];
}

static bool found_before(const struct rp_scenario *record, enum c2w_rule rule, const char *what)
{
	for (size_t i = 0; i < record->findings_count; i++)
		if (record->findings[i].rule == rule && strcmp(record->findings[i].what, what) == 0)
			return true;
	return record->findings_count >= MAX_FINDINGS;
}

static char *kept(struct hx_run *run, const char *text)
{
	return text != NULL ? rp_text(run->options.result, "%s", text) : NULL;
}

bool hx_find(struct hx_run *run, enum c2w_rule rule, bool inconclusive, const char *what, const char *expected, const char *got)
{
	const struct c2w_rule_info *info = c2w_rule_info(rule);
	enum rp_verdict verdict = inconclusive ? RP_INCONCLUSIVE : info->level == C2W_MUST ? RP_FAIL : RP_WARN;
	if (info->binds != C2W_BINDS_SERVER || info->level == C2W_MAY || found_before(run->options.record, rule, what))
		return false;
	struct rp_finding *finding = rp_finding_add(run->options.result, run->options.record, rule, verdict);
	const struct hx_step *step = run->phase == HX_SCRIPT ? outer_step(run) : NULL;
	finding->file = step != NULL ? kept(run, step->place.file) : NULL;
	finding->line = step != NULL ? step->place.line : 0;
	finding->what = kept(run, what);
	finding->expected = kept(run, expected);
	finding->got = kept(run, got);
	finding->at = net_now(run->net) - run->options.run_start;
	return true;
}

void hx_find_octets(struct hx_run *run, enum c2w_rule rule, const char *what, struct c2w_str expected, struct c2w_str got)
{
	hx_find(run, rule, false, what, expected.length > 0 ? hx_escape(run, expected) : NULL, got.length > 0 ? hx_escape(run, got) : NULL);
}

/* The asker is missing, and everybody else of this run: whoever lists so keeps no record of users, and its answers prove nothing. */
static bool lists_nobody(const struct hx_run *run, const struct jd_finding *finding)
{
	return finding->rule == C2W_LST_01 && finding->expected.length > 0 && !hx_name_is_of_this_run(run->target, finding->got);
}

static void judge_found(void *context, const struct jd_finding *finding)
{
	struct hx_run *run = context;
	if (finding->suspicion) {
		run->outcome.suspicion = true;
		run->outcome.noise |= finding->rule == C2W_REL_07; /* an ack may have been lost: once, not every time */
		return;
	}
	run->contradicted |= lists_nobody(run, finding);
	hx_find_octets(run, finding->rule, finding->what, finding->expected, finding->got);
}

static bool judge_ours(void *context, struct c2w_str user)
{
	return hx_name_is_ours(context, user);
}
/* ---- frames: loops and calls ------------------------------------------------------------------ */

static struct hx_frame *push(struct hx_run *run, enum hx_frame_kind kind, const struct hx_step *owner, const struct hx_step *body, unsigned turns)
{
	struct hx_value *variables = run->frames[run->depth - 1].variables;
	struct hx_frame *frame = &run->frames[run->depth++];
	*frame = (struct hx_frame){ .kind = kind, .owner = owner, .step = body, .variables = variables, .turns = turns };
	return frame;
}

static void bind_turn(struct hx_run *run, struct hx_frame *frame)
{
	const struct hx_step *owner = frame->owner;
	if (frame->kind == HX_FRAME_REPEAT && owner->variable >= 0)
		frame->variables[owner->variable] = (struct hx_value){ .type = HX_NUMBER, .number = frame->turn + 1 };
	else if (frame->kind == HX_FRAME_FOR)
		frame->variables[owner->variable] = hx_eval(run, owner->values[frame->turn]);
}

static void enter_loop(struct hx_run *run, const struct hx_step *step)
{
	unsigned turns = step->value_count;
	if (step->op == HX_REPEAT) {
		int64_t count = hx_eval_whole(run, step->count);
		turns = count > MAX_REPEATS ? MAX_REPEATS : (unsigned)count;
	}
	if (turns > 0)
		bind_turn(run, push(run, step->op == HX_REPEAT ? HX_FRAME_REPEAT : HX_FRAME_FOR, step, step->body, turns));
}

static void enter_exchange(struct hx_run *run, const struct hx_step *step)
{
	const struct hx_exchange *exchange = step->exchange;
	struct hx_value *variables = hx_alloc(run->arena, (exchange->variable_count + 1) * sizeof(*variables));
	for (unsigned i = 0; i < step->value_count; i++)
		variables[i] = hx_eval(run, step->values[i]);
	push(run, HX_FRAME_CALL, step, exchange->body, 1)->variables = variables;
}

/* The end of a body: its next turn, or back to what comes behind it. False: the script is over. */
static bool end_of_body(struct hx_run *run)
{
	struct hx_frame *frame = &run->frames[run->depth - 1];
	if (run->depth == 1)
		return false;
	if (++frame->turn < frame->turns) {
		bind_turn(run, frame);
		frame->step = frame->owner->body;
		return true;
	}
	run->depth--;
	return true;
}

/* ---- playing ---------------------------------------------------------------------------------- */

static struct hx_client *who(struct hx_run *run, const struct hx_step *step)
{
	return step->who != NULL ? hx_eval_client(run, step->who) : NULL;
}

static void step_over(struct hx_run *run)
{
	struct hx_frame *frame = &run->frames[run->depth - 1];
	frame->entered = false;
	frame->step = frame->step->next;
	net_timer_stop(run->step_timer);
	run->step_due = false;
	hx_repeat_stop(run);
}

static void begin_step(struct hx_run *run)
{
	run->frames[run->depth - 1].entered = true;
	run->step_began = net_now(run->net);
	run->step_due = false;
	run->step_fresh = true;
	run->progress = 0;
	memset(run->group, 0, sizeof(run->group));
}

/* Steps that hold steps. They are stepped over before their body is entered, so that its end leads behind them. */
static bool enter(struct hx_run *run, const struct hx_step *step)
{
	if (hx_plays[step->op] != NULL)
		return false;
	step_over(run);
	if (step->op == HX_CALL)
		enter_exchange(run, step);
	else
		enter_loop(run, step);
	return true;
}

static enum hx_progress play(struct hx_run *run)
{
	run->member = NULL;
	struct hx_frame *frame = &run->frames[run->depth - 1];
	const struct hx_step *step = frame->step;
	if (!frame->entered)
		begin_step(run);
	enum hx_progress progress = hx_plays[step->op](run, step, who(run, step));
	run->step_fresh = false;
	if (progress == HX_NEXT)
		step_over(run);
	return progress;
}

static void yield_turn(struct hx_run *run)
{
	run->yielding = true;
	net_timer_at(run->step_timer, net_now(run->net));
}

static void play_on(struct hx_run *run)
{
	for (unsigned turns = 0; run->phase == HX_SCRIPT; turns++) {
		const struct hx_step *step = run->frames[run->depth - 1].step;
		if (turns == STEPS_A_TURN && (step == NULL || !run->frames[run->depth - 1].entered)) {
			yield_turn(run);
			return;
		}
		if (step == NULL) {
			if (!end_of_body(run)) {
				run->completed = true;
				hx_script_end(run);
			}
			continue;
		}
		if (enter(run, step))
			continue;
		enum hx_progress progress = play(run);
		if (progress == HX_BLOCKED)
			return;
		if (progress == HX_ENDED)
			hx_script_end(run);
	}
}

static void finish_soon(struct hx_run *run)
{
	if (run->finishing)
		return;
	run->finishing = true;
	net_timer_at(run->finish_timer, net_now(run->net));
}

void hx_run_advance(struct hx_run *run)
{
	if (run->phase == HX_SCRIPT)
		play_on(run);
	if (run->phase == HX_TEARDOWN && hx_teardown_over(run))
		finish_soon(run);
}

void hx_script_end(struct hx_run *run)
{
	if (run->phase != HX_SCRIPT)
		return;
	run->outcome.script_end = net_now(run->net);
	net_timer_stop(run->step_timer);
	net_timer_stop(run->limit_timer);
	hx_repeat_stop(run);
	hx_teardown_begin(run);
}

static void step_timer_due(void *context)
{
	struct hx_run *run = context;
	if (run->phase == HX_TEARDOWN)
		hx_teardown_due(run);
	else if (!run->yielding)
		run->step_due = true;
	run->yielding = false;
	hx_run_advance(run);
}

static void limit_due(void *context)
{
	struct hx_run *run = context;
	hx_run_stop(run, "the scenario took longer than its overall deadline");
}

/* ---- the end ---------------------------------------------------------------------------------- */

static enum rp_verdict worst_finding(const struct rp_scenario *record)
{
	enum rp_verdict worst = RP_PASS;
	for (size_t i = 0; i < record->findings_count; i++)
		if (record->findings[i].verdict < worst)
			worst = record->findings[i].verdict;
	return worst;
}

static bool broke(const struct rp_scenario *record, enum c2w_rule rule)
{
	for (size_t i = 0; i < record->findings_count; i++)
		if (record->findings[i].rule == rule)
			return true;
	return false;
}

/* Without findings, or with some that leave the rest as it is. Where a list is wrong nobody knows who is where; an answer with another
 * TIME and another USER_NAME than the request's may be anybody's. */
static bool proved(const struct hx_run *run, const struct rp_scenario *record)
{
	return run->completed && !run->unproved && !run->contradicted && !(broke(record, C2W_FMT_02) && broke(record, C2W_FMT_03));
}

static void conclude(struct hx_run *run)
{
	struct rp_scenario *record = run->options.record;
	hx_judge_silences(run);
	record->completed = proved(run, record);
	record->verdict = worst_finding(record);
	if (record->verdict == RP_PASS && !record->completed)
		record->verdict = RP_INCONCLUSIVE;
	if (run->completed && run->unproved)
		record->reason = kept(run, "the target was silent, and has not answered anything since: that proves nothing");
	if (run->reason != NULL)
		record->reason = kept(run, run->reason);
	else if (run->outcome.refused)
		record->reason = kept(run, "the server was full during set-up");
	record->duration = net_now(run->net) - run->options.run_start - record->began;
	run->outcome.noise |= net_clock_steps(run->net) != run->clock_steps;
	for (const struct hx_endpoint *e = run->endpoints; e != NULL; e = e->next)
		run->outcome.loss |= e->udp != NULL && net_udp_dropped(e->udp) > 0;
}

static void finish(void *context)
{
	struct hx_run *run = context;
	conclude(run);
	run->phase = HX_DONE;
	for (struct hx_endpoint *e = run->endpoints; e != NULL; e = e->next)
		hx_endpoint_close(e, false);
	net_timer_stop(run->step_timer);
	run->options.done(run->options.context, run, &run->outcome);
}

void hx_run_stop(struct hx_run *run, const char *reason)
{
	if (run->phase != HX_SCRIPT)
		return;
	run->reason = hx_copy(run->arena, reason, strlen(reason));
	hx_script_end(run);
	hx_run_advance(run);
}

/* ---- the beginning ---------------------------------------------------------------------------- */

static bool stops_reading(const struct hx_step *step)
{
	for (; step != NULL; step = step->next)
		if (step->op == HX_STOP_READING || stops_reading(step->body) || (step->exchange != NULL && stops_reading(step->exchange->body)))
			return true;
	return false;
}

static void make_cast(struct hx_run *run)
{
	enum { NAME_ROOM = 12 };
	const struct hx_scenario *scenario = run->scenario;
	run->client_count = scenario->cast_count;
	run->clients = hx_alloc(run->arena, (scenario->cast_count + 1) * sizeof(*run->clients));
	for (unsigned i = 0; i < scenario->cast_count; i++) {
		struct hx_client *client = &run->clients[i];
		const struct hx_member *member = &scenario->cast[i];
		client->run = run;
		client->index = i;
		client->name = member->name;
		client->tcp = member->transport >= 0 ? member->transport == C2W_ON_TCP : run->options.transport == RP_TCP;
		size_t stem = strlen(member->name) < NAME_ROOM ? strlen(member->name) : NAME_ROOM;
		hx_make_name(run->target, member->name, stem + hx_name_tail(run->target), client->user);
	}
}

static void make_judge(struct hx_run *run)
{
	struct jd_options options = {
		.params = *run->params,
		.one_way = run->target->round_trip + 5 * MS,
		.found = judge_found,
		.ours = judge_ours,
		.context = run,
	};
	run->jd_endpoints = 2 * run->client_count + 8;
	run->jd = jd_new(&options, run->jd_endpoints);
}

/* Limits are meant for the usual rto and max-retransmits: who retransmits longer is given longer. */
static int64_t limit_of(const struct hx_run *run)
{
	int64_t limit = run->scenario->limit > 0 ? run->scenario->limit : DEFAULT_LIMIT;
	int64_t schedule = (run->params->max_retransmits + 2) * run->params->rto;
	return schedule > USUAL_SCHEDULE ? (int64_t)((double)limit * (double)schedule / (double)USUAL_SCHEDULE) : limit;
}

static void begin(void *context)
{
	struct hx_run *run = context;
	net_timer_at(run->limit_timer, net_now(run->net) + limit_of(run));
	hx_run_advance(run);
}

struct hx_run *hx_run_start(const struct hx_run_options *options)
{
	struct hx_run *run = calloc(1, sizeof(*run));
	if (run == NULL)
		abort();
	run->options = *options;
	run->scenario = options->scenario;
	run->target = options->target;
	run->params = &options->target->params;
	run->net = options->target->net;
	run->arena = hx_arena_new();
	run->random = options->seed;
	run->outcome.mute = true;
	run->clock_steps = net_clock_steps(run->net);
	run->small_window = stops_reading(run->scenario->steps);
	run->step_timer = net_timer_new(run->net, step_timer_due, run);
	run->limit_timer = net_timer_new(run->net, limit_due, run);
	run->finish_timer = net_timer_new(run->net, finish, run);
	run->depth = 1;
	run->frames[0].step = run->scenario->steps;
	run->frames[0].turns = 1;
	run->frames[0].variables = hx_alloc(run->arena, (run->scenario->variable_count + 1) * sizeof(struct hx_value));
	options->record->began = net_now(run->net) - options->run_start;
	options->record->seed = options->seed;
	make_cast(run);
	make_judge(run);
	begin(run);
	return run;
}

void hx_run_free(struct hx_run *run)
{
	if (run == NULL)
		return;
	for (unsigned i = 0; i < run->client_count; i++) {
		struct hx_client *client = &run->clients[i];
		hx_forget_inbox(client);
		hx_item_free(run, client->last);
		for (unsigned c = 0; c < HX_CHAT_HISTORY; c++)
			free(client->chats[c].octets.at);
		for (unsigned f = 0; f < C2W_FAMILIES; f++)
			free(client->answers[f].at);
	}
	for (struct hx_endpoint *e = run->endpoints, *next; e != NULL; e = next) {
		next = e->next;
		hx_endpoint_free(e);
	}
	for (struct hx_item *item = run->pool, *next; item != NULL; item = next) {
		next = item->next;
		free(item);
	}
	net_timer_free(run->step_timer);
	net_timer_free(run->limit_timer);
	net_timer_free(run->finish_timer);
	jd_free(run->jd);
	hx_arena_free(run->arena);
	free(run);
}
