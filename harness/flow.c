/* Who is where when: follows each client through a scenario's steps, exchanges and loops spelled out, and says what
 * cannot be so. See check.h. Called by check.c. Everything here is forgotten at the end but what it writes into the scenario.
 * A state is a set of possible ones: when in doubt, the larger set, the stronger lock. */
#include <strings.h>

#include "harness/check.h"

enum { MOST_STEPS = 200000 };

/* Where an endpoint may be: PROTOCOL.md section 4. */
enum { DISCONNECTED = 1, MAIN_ROOM = 2, MOVIE_ROOM = 4 };

struct client {
	const char *name;
	unsigned states;
	unsigned transports;      /* C2W_ON_…: what the present endpoint may be */
	bool closed;              /* no endpoint */
	bool half;                /* it sends no more */
	bool holds, stopped;      /* its acks, reading */
	bool watched;             /* must hear no stranger until the end */
	bool asked, texted, took; /* has sent something; perhaps a text; taken a message */
	enum c2w_command last;    /* its last request */
};

/* What a frame's variables hold: a cast index, or -1. */
struct frame {
	int clients[HX_MAX_VARIABLES];
};

struct flow {
	struct hx_arena *arena;
	struct hx_complaints *complaints;
	struct hx_scenario *scenario;
	struct client clients[HX_MAX_CAST];
	bool whole;               /* no step is missing for an error */
	unsigned steps, depth;
	struct hx_place caller;   /* of the outermost exchange being followed; line 0: none */
};

static void complain(struct flow *flow, struct hx_place place, const char *words)
{
	if (flow->caller.line > 0)
		hx_complain(flow->complaints, place, "%s (called from %s:%u)", words, flow->caller.file, flow->caller.line);
	else
		hx_complain(flow->complaints, place, "%s", words);
}

/* ---- states --------------------------------------------------------------------------------- */

static void need_main_room(struct flow *flow, enum hx_main_room lock)
{
	if (flow->scenario->main_room < lock)
		flow->scenario->main_room = lock;
}

static unsigned one_down(unsigned states)
{
	return (states & MOVIE_ROOM ? MAIN_ROOM : 0) | (states & MAIN_ROOM ? DISCONNECTED : 0) | (states & DISCONNECTED);
}

/* A request may be processed, or not. */
static void request(struct flow *flow, struct client *client, enum c2w_family family)
{
	switch (family) {
	case C2W_CONNECTION:
		client->states |= client->states & DISCONNECTED ? MAIN_ROOM : 0;
		break;
	case C2W_ENTER_MOVIE:
		client->states |= client->states & MAIN_ROOM ? MOVIE_ROOM : 0;
		break;
	case C2W_LEAVE_SESSION:
		client->states |= one_down(client->states);
		break;
	case C2W_CHAT:
		client->texted = true;
		if (client->states & (MAIN_ROOM | DISCONNECTED))
			need_main_room(flow, HX_MAIN_EXCLUSIVE);
		break;
	case C2W_USER_LIST:
	case C2W_MOVIE_LIST:
	case C2W_FAMILIES:
		break;
	}
}

/* The states behind one alternative of an expectation. */
static unsigned states_after(unsigned states, enum c2w_command command)
{
	if (command == C2W_CONNECTION_GRANTED)
		return MAIN_ROOM;
	if (command == C2W_ENTER_MOVIE_GRANTED)
		return MOVIE_ROOM;
	return command == C2W_LEAVE_SESSION_GRANTED ? one_down(states) : states;
}

/* Who does not ack or read may be taken for dead while time passes: REL-08, ROB-03. */
static void pass_time(struct flow *flow)
{
	for (unsigned i = 0; i < flow->scenario->cast_count; i++)
		if (flow->clients[i].holds || flow->clients[i].stopped)
			flow->clients[i].states |= DISCONNECTED;
}

static void share_main_room(struct flow *flow)
{
	for (unsigned i = 0; i < flow->scenario->cast_count; i++) {
		const struct client *client = &flow->clients[i];

		if (client->states & MAIN_ROOM && (client->holds || client->stopped || client->watched))
			need_main_room(flow, HX_MAIN_SHARED);
	}
}

/* ---- what a client may do ------------------------------------------------------------------- */

static void need_tcp(struct flow *flow, const struct client *client, struct hx_place place, const char *what)
{
	if (client->transports != C2W_ON_TCP)
		complain(flow, place, hx_print(flow->arena, "%s is for TCP, and %s may be over UDP; expected `over tcp`", what, client->name));
}

static void need_endpoint(struct flow *flow, const struct client *client, struct hx_place place, bool sending)
{
	if (flow->whole && client->closed)
		complain(flow, place, hx_print(flow->arena, "%s has closed; expected `%s opens` before", client->name, client->name));
	else if (flow->whole && sending && client->half)
		complain(flow, place, hx_print(flow->arena, "%s has half-closed and cannot send any more", client->name));
}

/* A rule proved over a transport that it does not apply to would prove nothing. */
static void check_rule(struct flow *flow, const struct client *client, const struct hx_step *step)
{
	const struct c2w_rule_info *info;

	if (step->rule == C2W_NO_RULE)
		return;
	info = c2w_rule_info(step->rule);
	if (client->transports & ~info->transports)
		complain(flow, step->place, hx_print(flow->arena, "%s applies over %s only, and %s may be over the other", info->id,
		                                     info->transports == C2W_ON_UDP ? "UDP" : "TCP", client->name));
}

/* ---- sending -------------------------------------------------------------------------------- */

static bool holds_word(struct c2w_str octets, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= octets.length; i++)
		if (strncasecmp(octets.at + i, word, length) == 0)
			return true;
	return false;
}

/* May these octets hold the word, in whatever case? What a variable holds is not known here. */
static bool may_hold(const struct hx_expr *expr, const char *word)
{
	if (!expr)
		return false;
	if (expr->kind == HX_VARIABLE)
		return true;
	return holds_word(expr->octets, word) || may_hold(expr->left, word) || may_hold(expr->right, word);
}

/* Octets of one's own, or a command spelled otherwise: a faulty server may take them for a request. */
static void send_octets(struct flow *flow, struct client *client, const struct hx_expr *octets)
{
	for (int family = 0; family < C2W_FAMILIES; family++) {
		enum c2w_command command = c2w_command_of((enum c2w_family)family, C2W_REQUEST);

		if (may_hold(octets, c2w_command_info(command)->name))
			request(flow, client, (enum c2w_family)family);
	}
}

static void send_command(struct flow *flow, struct client *client, enum c2w_command command)
{
	const struct c2w_command_info *info = c2w_command_info(command);

	if (info->beat != C2W_REQUEST)
		return;
	client->asked = true;
	client->last = command;
	request(flow, client, info->family);
}

static void send_same(struct flow *flow, struct client *client, const struct hx_outgoing *outgoing)
{
	if (flow->whole && !client->asked)
		complain(flow, outgoing->place, hx_print(flow->arena, "%s has sent no request yet that could be the same", client->name));
	if (client->last != C2W_NO_COMMAND)
		request(flow, client, c2w_command_info(client->last)->family);
}

static void send(struct flow *flow, struct client *client, const struct hx_step *step)
{
	need_endpoint(flow, client, step->place, true);
	if (step->pieces)
		need_tcp(flow, client, step->place, "in pieces");
	if (step->cut)
		need_tcp(flow, client, step->place, "cut");
	for (const struct hx_outgoing *outgoing = step->outgoing; outgoing; outgoing = outgoing->next) {
		if (outgoing->kind == HX_SEND_SAME) {
			send_same(flow, client, outgoing);
		} else if (outgoing->command != C2W_NO_COMMAND) {
			send_command(flow, client, outgoing->command);
		} else {
			client->asked = true;
			client->texted = true;
			send_octets(flow, client, outgoing->octets ? outgoing->octets : outgoing->command_text);
		}
	}
}

/* ---- expecting ------------------------------------------------------------------------------ */

static int client_of(const struct frame *frame, const struct hx_expr *expr)
{
	if (!expr || (expr->kind != HX_CAST && expr->kind != HX_VARIABLE))
		return -1;
	return expr->kind == HX_CAST ? (int)expr->index : frame->clients[expr->index];
}

/* TIME and text of NEW_MESSAGE come from a request of its author, unless both are given. */
static void check_author(struct flow *flow, const struct frame *frame, const struct hx_pattern *pattern)
{
	int author = client_of(frame, pattern->by);
	bool given = pattern->time && (pattern->data || pattern->data_any);

	if (flow->whole && author >= 0 && !given && !flow->clients[author].texted)
		complain(flow, pattern->place, hx_print(flow->arena, "%s has sent no SEND_MESSAGE_REQUEST yet", flow->clients[author].name));
}

static void expect(struct flow *flow, struct client *client, const struct hx_step *step, const struct frame *frame)
{
	unsigned states = 0;

	for (const struct hx_pattern *pattern = step->patterns; pattern; pattern = pattern->next) {
		states |= states_after(client->states, pattern->command);
		check_author(flow, frame, pattern);
	}
	client->states = states ? states : client->states;
	client->took = true;
}

static void expect_same(struct flow *flow, const struct client *client, const struct hx_step *step)
{
	if (flow->whole && !client->took)
		complain(flow, step->place, hx_print(flow->arena, "%s has taken no message yet that could come again", client->name));
	if (!step->every)
		return;
	if (client->transports != C2W_ON_UDP)
		complain(flow, step->place, hx_print(flow->arena, "only UDP repeats in time, and %s may be over TCP; expected `over udp`", client->name));
	pass_time(flow);
}

/* ---- endpoints ------------------------------------------------------------------------------ */

static void open_endpoint(struct flow *flow, struct client *client, const struct hx_step *step)
{
	struct hx_scenario *scenario = flow->scenario;

	client->closed = client->half = client->stopped = false;
	client->states = DISCONNECTED;
	if (step->transport < 0)
		return;
	client->transports = (unsigned)step->transport;
	if (scenario->over != 0 && scenario->over != client->transports)
		scenario->needs.both = true;
}

static void close_endpoint(struct client *client)
{
	client->closed = true;
	client->states = DISCONNECTED;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void act(struct flow *flow, struct client *client, const struct hx_step *step, const struct frame *frame)
{
	if (step->op != HX_SEND && step->op != HX_OPEN && step->op != HX_HOLD_ACKS && step->op != HX_RESUME_ACKS)
		need_endpoint(flow, client, step->place, false);
	check_rule(flow, client, step);
	switch (step->op) {
	case HX_SEND:
		send(flow, client, step);
		break;
	case HX_EXPECT:
		expect(flow, client, step, frame);
		break;
	case HX_MAYBE:
		for (const struct hx_pattern *pattern = step->patterns; pattern; pattern = pattern->next)
			check_author(flow, frame, pattern);
		break;
	case HX_SAME:
		expect_same(flow, client, step);
		break;
	case HX_END:
		need_tcp(flow, client, step->place, "end");
		close_endpoint(client);
		break;
	case HX_SILENCE:
		client->watched = true;
		if (step->duration)
			pass_time(flow);
		break;
	case HX_HOLD_ACKS:
	case HX_RESUME_ACKS:
		client->holds = step->op == HX_HOLD_ACKS;
		break;
	case HX_OPEN:
		open_endpoint(flow, client, step);
		break;
	case HX_CLOSE:
		close_endpoint(client);
		break;
	case HX_SHUTDOWN:
		need_tcp(flow, client, step->place, "half-closes");
		client->half = true;
		break;
	case HX_RESET:
		need_tcp(flow, client, step->place, "resets");
		close_endpoint(client);
		break;
	case HX_STOP_READING:
	case HX_READ_AGAIN:
		client->stopped = step->op == HX_STOP_READING;
		break;
	case HX_MAYBE_SAME:
	case HX_TOGETHER:
	case HX_WAIT:
	case HX_LET:
	case HX_REPEAT:
	case HX_FOR:
	case HX_CALL:
		break;
	}
}

static void follow(struct flow *flow, const struct hx_step *step, struct frame *frame);

static void wait(struct flow *flow)
{
	pass_time(flow);
	for (unsigned i = 0; i < flow->scenario->cast_count; i++)
		if (flow->clients[i].states & MAIN_ROOM)
			need_main_room(flow, HX_MAIN_SHARED);
}

/* The second turn begins where the first ended, or where it began: both are looked at. */
static void repeat(struct flow *flow, const struct hx_step *step, struct frame *frame)
{
	unsigned before[HX_MAX_CAST] = { 0 };

	for (unsigned i = 0; i < flow->scenario->cast_count; i++)
		before[i] = flow->clients[i].states;
	follow(flow, step->body, frame);
	if (step->count && step->count->kind == HX_LITERAL_NUMBER && step->count->number < 2)
		return;
	for (unsigned i = 0; i < flow->scenario->cast_count; i++)
		flow->clients[i].states |= before[i];
	follow(flow, step->body, frame);
}

static void call(struct flow *flow, const struct hx_step *step, const struct frame *frame)
{
	struct hx_place caller = flow->caller;
	struct frame inner;

	for (unsigned i = 0; i < HX_MAX_VARIABLES; i++)
		inner.clients[i] = i < step->value_count ? client_of(frame, step->values[i]) : -1;
	if (caller.line == 0)
		flow->caller = step->place;
	follow(flow, step->exchange->body, &inner);
	flow->caller = caller;
}

static void follow_one(struct flow *flow, const struct hx_step *step, struct frame *frame)
{
	int who = client_of(frame, step->who);

	if (step->op == HX_CALL)
		call(flow, step, frame);
	else if (step->op == HX_TOGETHER)
		follow(flow, step->body, frame);
	else if (step->op == HX_WAIT)
		wait(flow);
	else if (step->op == HX_LET)
		frame->clients[step->variable] = client_of(frame, step->values[0]);
	else if (step->op == HX_REPEAT)
		repeat(flow, step, frame);
	else if (step->op == HX_FOR)
		for (unsigned i = 0; i < step->value_count; i++) {
			frame->clients[step->variable] = client_of(frame, step->values[i]);
			follow(flow, step->body, frame);
		}
	else if (who >= 0)
		act(flow, &flow->clients[who], step, frame);
}

static void follow(struct flow *flow, const struct hx_step *step, struct frame *frame)
{
	if (++flow->depth > HX_MAX_DEPTH && step) {
		hx_complain(flow->complaints, step->place, "blocks and exchanges nested more than %d deep", HX_MAX_DEPTH);
		step = NULL;
	}
	for (; step && flow->steps <= MOST_STEPS; step = step->next) {
		if (++flow->steps > MOST_STEPS)
			hx_complain(flow->complaints, step->place, "with exchanges and loops spelled out more than %d steps", MOST_STEPS);
		follow_one(flow, step, frame);
		share_main_room(flow);
	}
	flow->depth--;
}

void hx_check_flow(struct hx_arena *arena, struct hx_complaints *complaints, struct hx_scenario *scenario, bool whole)
{
	struct flow *flow = hx_alloc(arena, sizeof(*flow));
	struct frame frame;

	flow->arena = arena;
	flow->complaints = complaints;
	flow->scenario = scenario;
	flow->whole = whole;
	for (unsigned i = 0; i < HX_MAX_VARIABLES; i++)
		frame.clients[i] = -1;
	for (unsigned i = 0; i < scenario->cast_count; i++) {
		int transport = scenario->cast[i].transport;

		flow->clients[i] = (struct client){ .name = scenario->cast[i].name, .states = DISCONNECTED,
		                                    .transports = transport >= 0 ? (unsigned)transport : scenario->over };
	}
	follow(flow, scenario->steps, &frame);
}
