/* What each step of a scenario does: send, expect, be silent, wait, open and close. Each is an entry of one table; it says HX_NEXT,
 * HX_BLOCKED (and is asked again when something happens) or HX_ENDED. For engine.c. Owns nothing: all is the run's. */
#include <string.h>
#include <utlist.h>

#include "harness/run.h"

static const int64_t MS = 1000000, LEAST_PATIENCE = 2000 * INT64_C(1000000);

/* ---- time ------------------------------------------------------------------------------------- */

int64_t hx_patience(const struct hx_run *run)
{
	const struct c2w_params *params = run->params;
	int64_t patience = (params->max_retransmits + 1) * params->rto + params->answer_within + 2 * run->target->round_trip;
	return patience > LEAST_PATIENCE ? patience : LEAST_PATIENCE;
}

static int64_t lag(const struct hx_run *run, int64_t since, int64_t until)
{
	const struct hx_target *target = run->target;
	return target->lag != NULL ? target->lag(target->lag_context, since, until) : 0;
}

static void deadline(struct hx_run *run, int64_t at)
{
	run->step_due = false;
	net_timer_at(run->step_timer, at);
}

/* Judges a time that was to lie in [earliest, latest]. A miss that lag may explain is inconclusive. */
static void judge_window(struct hx_run *run, enum c2w_rule rule, const char *what, int64_t since, int64_t at, int64_t earliest, int64_t latest)
{
	int64_t took = at - since, worst = lag(run, since, at);
	if (worst > (latest - earliest) / 3)
		run->outcome.noise = true;
	if (took >= earliest && took <= latest)
		return;
	int64_t miss = took < earliest ? earliest - took : took - latest;
	const char *expected = earliest > 0 ? hx_print(run->arena, "%.1f to %.1f ms after the transmission before", (double)earliest / 1e6, (double)latest / 1e6)
	                                    : hx_print(run->arena, "within %.1f ms", (double)latest / 1e6);
	if (worst >= miss)
		run->outcome.noise = true;
	bool noted = hx_find(run, rule, worst >= miss, what, expected, hx_print(run->arena, "after %.1f ms", (double)took / 1e6));
	run->outcome.excusable += noted && took > latest;
}

static int64_t jitter_allowance(const struct hx_run *run)
{
	return run->target->round_trip + MS;
}

/* ---- steps: sending --------------------------------------------------------------------------- */

static enum hx_progress gone(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	const struct hx_endpoint *endpoint = client->endpoint;
	if (endpoint->how == NET_END_REFUSED || endpoint->how == NET_END_UNREACHABLE || (endpoint->tcp && !endpoint->connected)) {
		run->reason = endpoint->how == NET_END_UNREACHABLE ? "the target cannot be reached" : "the target refuses connections or datagrams";
		run->outcome.mute = true;
		return HX_ENDED;
	}
	enum c2w_rule rule = endpoint->nonsense ? C2W_TRN_05 : hx_rule_of(run, step);
	hx_find(run, rule, false, "the server closed the connection", hx_expectation_text(run, step, client), "end of the connection");
	return HX_ENDED;
}

static enum hx_progress connection(struct hx_run *run, const struct hx_step *step, struct hx_client *client, struct hx_endpoint **endpoint)
{
	*endpoint = hx_endpoint_of(client);
	if (!(*endpoint)->tcp || (*endpoint)->connected)
		return HX_NEXT;
	if ((*endpoint)->ended)
		return gone(run, step, client);
	if (run->step_fresh)
		deadline(run, net_now(run->net) + hx_patience(run));
	if (!run->step_due)
		return HX_BLOCKED;
	run->reason = "a TCP connection was not accepted";
	run->outcome.mute = true;
	return HX_ENDED;
}

static void ack_defaults(struct hx_client *client, enum c2w_family family, struct c2w_message *message)
{
	const struct hx_buffer *answer = &client->answers[family];
	struct c2w_message answered;
	if (answer->length == 0)
		return;
	c2w_message_parse(&answered, answer->at, answer->length, 0);
	message->time_text = answered.time_text;
	if (family == C2W_CHAT)
		message->data = answered.user;
	else
		message->user = answered.user;
}

static struct c2w_str compose(struct hx_run *run, struct hx_client *client, const struct hx_outgoing *outgoing)
{
	struct hx_endpoint *endpoint = client->endpoint;
	if (outgoing->kind == HX_SEND_OCTETS)
		return hx_eval_octets(run, outgoing->octets);
	if (outgoing->kind == HX_SEND_SAME)
		return hx_buffer_str(&endpoint->request);
	char time[C2W_MAX_TIME_TEXT + 1] = "";
	struct c2w_message message = { .command = outgoing->command, .code = outgoing->code, .user = c2w_str_of(client->user) };
	if (outgoing->command_text != NULL)
		message.command_text = hx_eval_octets(run, outgoing->command_text);
	else if (c2w_command_info(outgoing->command)->beat == C2W_ACK)
		ack_defaults(client, c2w_command_info(outgoing->command)->family, &message);
	if (outgoing->time != NULL)
		message.time_text = hx_eval_octets(run, outgoing->time);
	if (outgoing->user != NULL)
		message.user = hx_eval_octets(run, outgoing->user);
	if (outgoing->data != NULL)
		message.data = hx_eval_octets(run, outgoing->data);
	if (message.time_text.length == 0 && outgoing->time == NULL) {
		hx_fresh_time(run, endpoint, time);
		message.time_text = c2w_str_of(time);
	}
	size_t size = message.time_text.length + message.user.length + message.data.length + message.command_text.length + C2W_MAX_COMMAND + 16;
	char *octets = size <= sizeof(run->composed) ? run->composed : hx_alloc(run->arena, size);
	long length = c2w_message_format(octets, size, &message);
	return (struct c2w_str){ octets, length > 0 ? (size_t)length : 0 };
}

static void send_batch(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	struct hx_endpoint *endpoint = client->endpoint;
	for (const struct hx_outgoing *o = step->outgoing; o != NULL; o = o->next) {
		struct c2w_str octets = compose(run, client, o);
		hx_transmit(endpoint, octets.at, octets.length, endpoint->tcp ? "in one segment with its neighbours" : NULL);
	}
	if (endpoint->link != NULL)
		net_tcp_push(endpoint->link);
}

static enum hx_progress send_pieces(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	struct c2w_str octets = compose(run, client, step->outgoing);
	size_t size = step->pieces != NULL ? (size_t)hx_eval_whole(run, step->pieces) : octets.length;
	size_t first = step->cut != NULL ? (size_t)hx_eval_whole(run, step->cut) : size;
	bool few = size > 0 && octets.length / size <= 200;
	int64_t gap = step->every != NULL ? hx_eval_whole(run, step->every) : few ? MS : 0;
	run->progress = 1;
	hx_transmit_pieces(client->endpoint, octets.at, octets.length, first, size, gap);
	return HX_BLOCKED;
}

static enum hx_progress do_send(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	struct hx_endpoint *endpoint;
	if (run->progress == 1)
		return client->endpoint->pieces_sent == client->endpoint->pieces.length ? HX_NEXT : HX_BLOCKED;
	enum hx_progress ready = connection(run, step, client, &endpoint);
	if (ready != HX_NEXT)
		return ready;
	if ((step->pieces != NULL || step->cut != NULL) && endpoint->tcp)
		return send_pieces(run, step, client);
	if (step->batch) {
		send_batch(run, step, client);
	} else {
		struct c2w_str octets = compose(run, client, step->outgoing);
		hx_transmit(endpoint, octets.at, octets.length, NULL);
	}
	endpoint->request_once |= step->once;
	return HX_NEXT;
}

/* ---- steps: expecting ------------------------------------------------------------------------- */

/* REL-01: whoever's request the expected message answers repeats it while the script waits. */
static void repeat_for(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	enum c2w_family family = c2w_command_info(step->patterns->command)->family;
	struct hx_client *author = step->patterns->by != NULL ? hx_eval_client(run, step->patterns->by) : client;
	struct hx_endpoint *endpoint = author->endpoint;
	if (endpoint != NULL && endpoint->request_open && c2w_command_info(endpoint->request_message.command)->family == family)
		hx_repeat_while_waiting(endpoint);
}

static enum hx_progress missing(struct hx_run *run, const struct hx_step *step, struct hx_client *client, enum c2w_rule rule)
{
	struct hx_item *other = hx_forbidden(run, client, rule, INT64_MAX, false);
	double seconds = (double)(net_now(run->net) - run->step_began) / 1e9;
	const char *got = hx_print(run->arena, "nothing within %.1f s", seconds);
	if (other != NULL)
		got = hx_print(run->arena, "%s but %s", got, hx_escape(run, (struct c2w_str){ other->octets, other->length }));
	hx_find(run, rule, false, "what was expected did not come", hx_expectation_text(run, step, client), got);
	return HX_ENDED;
}

/* `within` counts from the request that is answered, however often it was repeated since (REL-01): the author's for a text, else the client's own. */
static void judge_within(struct hx_run *run, const struct hx_step *step, struct hx_client *client, int64_t at)
{
	const struct hx_client *asker = step->patterns != NULL && step->patterns->by != NULL ? hx_eval_client(run, step->patterns->by) : client;
	const struct hx_endpoint *endpoint = asker->endpoint;
	int64_t since = run->step_began;
	if (step->within == NULL)
		return;
	if (endpoint != NULL && endpoint->asked_at > 0 && endpoint->asked_at <= at)
		since = endpoint->asked_at;
	judge_window(run, hx_rule_of(run, step), "it came too late", since, at, 0, hx_eval_whole(run, step->within) + jitter_allowance(run));
}

/* One expectation, alone or of a group, whose deadline is armed. */
static enum hx_progress await(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	const struct hx_endpoint *endpoint = hx_endpoint_of(client);
	if (run->step_fresh)
		repeat_for(run, step, client);
	enum hx_progress progress = hx_match(run, step, client);
	if (progress == HX_NEXT)
		judge_within(run, step, client, client->last_at);
	if (progress != HX_BLOCKED)
		return progress;
	if (endpoint->ended)
		return gone(run, step, client);
	return run->step_due ? missing(run, step, client, hx_rule_of(run, step)) : HX_BLOCKED;
}

static enum hx_progress do_expect(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	if (run->step_fresh) {
		int64_t within = step->within != NULL ? hx_eval_whole(run, step->within) : 0;
		int64_t patience = hx_patience(run);
		deadline(run, net_now(run->net) + (within > patience ? within : patience));
	}
	return await(run, step, client);
}

static enum hx_progress do_together(struct hx_run *run, const struct hx_step *step, struct hx_client *none)
{
	(void)none;
	unsigned slot = 0, open = 0;
	if (run->step_fresh)
		deadline(run, net_now(run->net) + hx_patience(run));
	for (const struct hx_step *member = step->body; member != NULL; member = member->next) {
		struct hx_client *client = hx_eval_client(run, member->who);
		if (slot >= HX_MAX_GROUP || run->group[slot++])
			continue;
		run->member = member;
		enum hx_progress progress = await(run, member, client);
		if (progress == HX_ENDED)
			return HX_ENDED;
		run->group[slot - 1] = progress == HX_NEXT;
		open += progress == HX_BLOCKED;
	}
	run->member = NULL;
	return open == 0 ? HX_NEXT : HX_BLOCKED;
}

static void drop(struct hx_client *client, struct hx_item *item)
{
	DL_DELETE(client->inbox, item);
	client->run->waiting--;
	hx_item_free(client->run, item);
}

/* With `within` a copy counts that the newest request brought about, not one that came before it. */
static struct hx_item *find_repetition(struct hx_client *client, bool after_request)
{
	struct hx_item *item, *spare;
	DL_FOREACH_SAFE(client->inbox, item, spare) {
		if (!hx_same_exchange(item, client->last))
			continue;
		if (!after_request || item->at >= item->endpoint->request_at)
			return item;
		drop(client, item);
	}
	return NULL;
}

/* The request was repeated with its TIME written otherwise, and answered with that: no copy of the first answer. The always-on judges do not know which
 * of the two was to be executed. */
static bool answers_other_spelling(const struct hx_item *item, const struct hx_item *first)
{
	struct c2w_str time = item->message.time_text;
	return !c2w_str_equal(time, first->message.time_text) && c2w_str_equal(time, item->endpoint->request_message.time_text);
}

/* REL-05 says when, REL-04 what: octets are compared by the always-on judges. */
static void take_repetition(struct hx_run *run, const struct hx_step *step, struct hx_client *client, struct hx_item *item, int64_t every)
{
	const struct c2w_tolerance *tolerance = &run->params->rto_tolerance;
	if (every > 0)
		judge_window(run, C2W_REL_05, "a retransmission does not follow the transmission before it by rto", client->last_at, item->at,
		             every - every * tolerance->early / 1000 - jitter_allowance(run), every + every * tolerance->late / 1000 + jitter_allowance(run));
	else
		judge_within(run, step, client, item->at);
	if (answers_other_spelling(item, client->last))
		hx_find_octets(run, hx_rule_of(run, step), "the answer was made anew, with the TIME of the repetition", client->last->message.time_text, item->message.time_text);
	client->last_at = item->at;
	run->unproved = false;
	drop(client, item);
}

static enum hx_progress do_same(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	int64_t every = step->every != NULL ? hx_eval_whole(run, step->every) : 0;
	unsigned count = step->count != NULL ? (unsigned)hx_eval_whole(run, step->count) : 1;
	struct hx_item *item = NULL;
	if (client->last == NULL || client->endpoint == NULL)
		return missing(run, step, client, hx_rule_of(run, step));
	while (run->progress < count && (item = find_repetition(client, step->within != NULL)) != NULL) {
		take_repetition(run, step, client, item, every);
		run->progress++;
		run->step_fresh = true;
	}
	if (run->progress == count)
		return HX_NEXT;
	if (run->step_fresh)
		deadline(run, every > 0 ? client->last_at + 2 * every + jitter_allowance(run) : net_now(run->net) + hx_patience(run));
	if (client->endpoint->ended)
		return gone(run, step, client);
	if (!run->step_due)
		return HX_BLOCKED;
	enum c2w_rule rule = step->rule != C2W_NO_RULE || every == 0 ? hx_rule_of(run, step) : run->progress == 0 ? C2W_REL_04 : C2W_REL_06;
	run->outcome.excusable += every > 0;
	return missing(run, step, client, rule);
}

static enum hx_progress do_end(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	const struct hx_endpoint *endpoint = hx_endpoint_of(client);
	if (run->step_fresh)
		deadline(run, net_now(run->net) + hx_patience(run));
	if (endpoint->ended && endpoint->connected)
		return HX_NEXT;
	if (endpoint->ended)
		return gone(run, step, client);
	return run->step_due ? missing(run, step, client, hx_rule_of(run, step)) : HX_BLOCKED;
}

/* ---- steps: silence --------------------------------------------------------------------------- */

static enum hx_progress broken_silence(struct hx_run *run, const struct hx_step *step, struct hx_client *client, const struct hx_item *item)
{
	hx_find(run, hx_rule_of(run, step), false, "something came that must not come", hx_print(run->arena, "%s gets nothing", client->name),
	        hx_escape(run, (struct c2w_str){ item->octets, item->length }));
	return HX_ENDED;
}

/* A retransmission that is due by REL-05 while the script is behind its own schedule by a good part of an rto: it comes later in the script than it was
 * meant to. */
static bool lag_explains(struct hx_run *run, const struct hx_item *item)
{
	int64_t rto = run->params->rto, shortest = rto - rto * run->params->rto_tolerance.early / 1000 - jitter_allowance(run);
	bool due = item->repetition && !item->endpoint->tcp && item->before >= 0 && item->at - item->before >= shortest;
	bool explained = due && lag(run, item->before, item->at) > rto / 10;
	run->outcome.noise |= explained;
	return explained;
}

static enum hx_progress timed_silence(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	if (run->step_fresh)
		deadline(run, run->step_began + hx_eval_whole(run, step->duration));
	enum c2w_rule rule = hx_rule_of(run, step);
	struct hx_item *item = hx_forbidden(run, client, rule, run->step_began, false);
	while (item != NULL && lag_explains(run, item))
		item = hx_forbidden(run, client, rule, item->at + 1, false);
	if (item != NULL)
		return broken_silence(run, step, client, item);
	if (!run->step_due)
		return HX_BLOCKED;
	run->unproved = true;
	return HX_NEXT;
}

/* Requests that the endpoint's state answers for certain (lists are a SHOULD in a movie room, errors are not). The second is asked when the
 * first stays without an answer: if that one comes, the silence is proved, and it was the first one's own rule that was broken. */
static const struct {
	enum c2w_command first, second;
	enum c2w_rule rule; /* that the first one is answered */
} sentinels[] = {
	[HX_DISCONNECTED] = { C2W_LEAVE_SESSION_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_LEA_03 },
	[HX_IN_MAIN_ROOM] = { C2W_USER_LIST_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_LST_01 },
	[HX_IN_MOVIE_ROOM] = { C2W_ENTER_MOVIE_REQUEST, C2W_USER_LIST_REQUEST, C2W_ENT_03 },
};

static void send_sentinel(struct hx_run *run, struct hx_client *client, enum c2w_command command)
{
	struct hx_endpoint *endpoint = client->endpoint;
	char time[C2W_MAX_TIME_TEXT + 1], octets[C2W_MAX_USER + 256];
	run->sentinel = hx_fresh_time(run, endpoint, time);
	struct c2w_message request = { .time_text = c2w_str_of(time), .command = command };
	bool session = endpoint->state != HX_DISCONNECTED && endpoint->session.length <= C2W_MAX_USER;
	request.user = session ? hx_buffer_str(&endpoint->session) : c2w_str_of(client->user);
	long length = c2w_message_format(octets, sizeof(octets), &request);
	if (length > 0)
		hx_transmit(endpoint, octets, (size_t)length, "sentinel");
	hx_repeat_while_waiting(endpoint);
	run->progress++;
	deadline(run, net_now(run->net) + hx_patience(run));
}

static struct hx_item *find_sentinel(const struct hx_run *run, const struct hx_client *client)
{
	const struct c2w_command_info *asked = c2w_command_info(client->endpoint->request_message.command);
	struct hx_item *item;
	DL_FOREACH(client->inbox, item) {
		if (!item->repetition && item->from_server && c2w_command_info(item->message.command)->family == asked->family &&
		    (item->message.time == run->sentinel || !hx_sent_time(client->endpoint, item->message.time)) && !hx_for_another(item) && !item->stranger)
			return item;
	}
	return NULL;
}

static enum hx_progress answered_sentinel(struct hx_run *run, const struct hx_step *step, struct hx_client *client, struct hx_item *item)
{
	if (client->holds_acks)
		hx_acknowledge(client->endpoint, item);
	if (run->progress == 2)
		hx_find(run, sentinels[client->endpoint->state].rule, false, "an ordinary request was not answered, the next one was",
		        c2w_command_info(sentinels[client->endpoint->state].first)->name, "nothing");
	bool session = item->message.command == C2W_LEAVE_SESSION_GRANTED;
	hx_judge_origin(item);
	if (session)
		hx_find(run, hx_rule_of(run, step), false, "there is a session that must not be there", "LEAVE_SESSION_ERROR",
		        hx_escape(run, (struct c2w_str){ item->octets, item->length }));
	hx_take(client, item);
	return session ? HX_ENDED : HX_NEXT;
}

static enum hx_progress unanswered_sentinel(struct hx_run *run, const struct hx_step *step, const struct hx_client *client)
{
	hx_find(run, hx_rule_of(run, step), false, "the ordinary request that follows to prove the silence is not answered",
	        hx_escape(run, hx_buffer_str(&client->endpoint->request)), "nothing");
	return HX_ENDED;
}

static void claim_silence(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	client->silence = step;
	client->silence_rule = hx_rule_of(run, step);
	client->silence_time = run->time_last;
	send_sentinel(run, client, sentinels[client->endpoint->state].first);
}

static enum hx_progress do_silence(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	struct hx_endpoint *endpoint;
	enum hx_progress ready = connection(run, step, client, &endpoint);
	if (ready != HX_NEXT)
		return ready;
	if (step->duration != NULL)
		return timed_silence(run, step, client);
	struct hx_item *answer = run->progress > 0 ? find_sentinel(run, client) : NULL;
	if (answer != NULL)
		DL_DELETE(client->inbox, answer);
	struct hx_item *item = hx_forbidden(run, client, hx_rule_of(run, step), INT64_MAX, false);
	if (answer != NULL)
		DL_PREPEND(client->inbox, answer);
	if (item != NULL)
		return broken_silence(run, step, client, item);
	if (answer != NULL)
		return answered_sentinel(run, step, client, answer);
	if (endpoint->ended)
		return gone(run, step, client);
	if (run->progress == 0)
		claim_silence(run, step, client);
	else if (run->step_due && run->progress == 1)
		send_sentinel(run, client, sentinels[endpoint->state].second);
	else if (run->step_due)
		return unanswered_sentinel(run, step, client);
	return HX_BLOCKED;
}

void hx_judge_silences(struct hx_run *run)
{
	for (unsigned i = 0; i < run->client_count; i++) {
		struct hx_client *client = &run->clients[i];
		struct hx_item *item = client->silence != NULL ? hx_forbidden(run, client, client->silence_rule, INT64_MAX, true) : NULL;
		if (item != NULL)
			hx_find(run, client->silence_rule, false, "something came, late, that must not come", hx_print(run->arena, "%s gets nothing", client->name),
			        hx_escape(run, (struct c2w_str){ item->octets, item->length }));
	}
}

/* ---- steps: control --------------------------------------------------------------------------- */

static enum hx_progress do_maybe(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	if (client->allowed_count < HX_MAX_ALLOWED)
		client->allowed[client->allowed_count++] = (struct hx_allowed){ step, run->frames[run->depth - 1].variables };
	return HX_NEXT;
}

static enum hx_progress do_maybe_same(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	(void)run;
	(void)step;
	client->may_repeat = true;
	return HX_NEXT;
}

static enum hx_progress do_acks(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	(void)run;
	client->holds_acks = step->op == HX_HOLD_ACKS;
	return HX_NEXT;
}

static enum hx_progress do_wait(struct hx_run *run, const struct hx_step *step, struct hx_client *none)
{
	(void)none;
	if (run->step_fresh)
		deadline(run, run->step_began + hx_eval_whole(run, step->duration));
	return run->step_due ? HX_NEXT : HX_BLOCKED;
}

static enum hx_progress do_let(struct hx_run *run, const struct hx_step *step, struct hx_client *none)
{
	(void)none;
	struct hx_value value = hx_eval(run, *step->values);
	run->frames[run->depth - 1].variables[step->variable] = value;
	return HX_NEXT;
}

void hx_forget_inbox(struct hx_client *client)
{
	struct hx_item *item, *spare;
	DL_FOREACH_SAFE(client->inbox, item, spare)
		drop(client, item);
}

static enum hx_progress do_open(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	bool tcp = step->transport < 0 ? client->tcp : step->transport == C2W_ON_TCP;
	if (run->step_fresh) {
		hx_forget_inbox(client);
		hx_endpoint_open(client, tcp);
	}
	struct hx_endpoint *endpoint;
	return connection(run, step, client, &endpoint);
}

static enum hx_progress do_close(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	struct hx_endpoint *endpoint = client->endpoint;
	if (endpoint == NULL)
		return HX_NEXT;
	if (step->op == HX_SHUTDOWN) {
		if (endpoint->link != NULL) {
			hx_record_end(endpoint, net_now(run->net), false, false, "half closed: sends no more (FIN)");
			net_tcp_shutdown(endpoint->link);
		}
		return HX_NEXT;
	}
	if (endpoint->link != NULL)
		hx_record_end(endpoint, net_now(run->net), false, step->op == HX_RESET, step->op == HX_RESET ? "closed (RST)" : "closed (FIN)");
	if (endpoint->tcp)
		hx_endpoint_close(endpoint, step->op == HX_RESET);
	hx_forget_inbox(client);
	client->endpoint = NULL;
	return HX_NEXT;
}

static enum hx_progress do_reading(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	struct hx_endpoint *endpoint;
	enum hx_progress ready = connection(run, step, client, &endpoint);
	if (ready != HX_NEXT)
		return ready;
	if (endpoint->udp != NULL)
		net_udp_read(endpoint->udp, step->op == HX_READ_AGAIN);
	else if (endpoint->link != NULL)
		net_tcp_read(endpoint->link, step->op == HX_READ_AGAIN);
	return HX_NEXT;
}

/* ---- the table ---------------------------------------------------------------------------------- */

hx_play *const hx_plays[] = {
	[HX_SEND] = do_send,           [HX_EXPECT] = do_expect,       [HX_MAYBE] = do_maybe,
	[HX_SAME] = do_same,           [HX_MAYBE_SAME] = do_maybe_same, [HX_END] = do_end,
	[HX_SILENCE] = do_silence,     [HX_TOGETHER] = do_together,   [HX_HOLD_ACKS] = do_acks,
	[HX_RESUME_ACKS] = do_acks,    [HX_WAIT] = do_wait,           [HX_LET] = do_let,
	[HX_OPEN] = do_open,           [HX_CLOSE] = do_close,         [HX_SHUTDOWN] = do_close,
	[HX_RESET] = do_close,         [HX_STOP_READING] = do_reading, [HX_READ_AGAIN] = do_reading,
	[HX_REPEAT] = NULL,            [HX_FOR] = NULL,               [HX_CALL] = NULL,
};
