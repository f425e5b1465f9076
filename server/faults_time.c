/* Mistakes with time, acks and repetition: REL, and ROB-05.
 * For the gate only: see faults_inside.h.
 * Owns nothing; what a fault remembers belongs to its gate. */
#include <stdlib.h>
#include <utlist.h>

#include "server/faults_inside.h"

static bool is_error(const struct srv_sending *sending)
{
	return c2w_command_info(sending->parcel->sent.command)->beat == C2W_ERROR_RESPONSE;
}

static bool is_text(const struct srv_sending *sending)
{
	return sending->parcel->sent.family == C2W_CHAT;
}

static bool is_connection_granted(const struct srv_sending *sending)
{
	return sending->parcel->sent.command == C2W_CONNECTION_GRANTED;
}

static int64_t rto(const struct srv_core *core)
{
	return core->settings.params.rto;
}

static unsigned retransmits(const struct srv_core *core)
{
	return (unsigned)core->settings.params.max_retransmits;
}

static bool right_last(const struct srv_core *core, const struct srv_sending *sending)
{
	return sending->transmissions > retransmits(core);
}

static bool last_after(const struct srv_core *core, const struct srv_sending *sending, unsigned more)
{
	return sending->transmissions > retransmits(core) + more;
}

/* ---- what is sent again: REL-04 ----------------------------------------------------------------------- */

static bool always_last(const struct srv_core *core, const struct srv_sending *sending)
{
	(void)core;
	(void)sending;
	return true;
}

static bool never_dead(struct srv_core *core, const struct srv_sending *sending)
{
	(void)core;
	(void)sending;
	return false;
}
FAULT(nothing_is_sent_again, .policy.last = always_last, .policy.dead = never_dead);

/* A fault that sends some messages once only, and holds nobody for dead on their account. */
#define ONCE(id, condition) \
	static bool id##_last(const struct srv_core *core, const struct srv_sending *sending) \
	{ \
		return right_last(core, sending) || condition(sending); \
	} \
	static bool id##_dead(struct srv_core *core, const struct srv_sending *sending) \
	{ \
		(void)core; \
		return !condition(sending); \
	} \
	FAULT(id, .policy.last = id##_last, .policy.dead = id##_dead)

static bool to_its_author(const struct srv_sending *sending)
{
	return is_text(sending) && c2w_str_equal(sending->parcel->sent.user, srv_name(sending->endpoint));
}

static bool is_list(const struct srv_sending *sending)
{
	return sending->parcel->sent.family == C2W_USER_LIST || sending->parcel->sent.family == C2W_MOVIE_LIST;
}

ONCE(errors_sent_once, is_error);
ONCE(granted_sent_once, is_connection_granted);
ONCE(texts_sent_once, is_text);
ONCE(authors_copy_sent_once, to_its_author);
ONCE(lists_sent_once, is_list);

static bool add_blank(struct srv_passing *p)
{
	if (p->turn == SRV_BY_TIMER)
		p->message.data = srv_gate_text(p->gate, "%.*s ", SRV_SLICE(p->message.data));
	return true;
}
FAULT(text_changes_when_repeated, .only = C2W_ON_UDP, .answer_of = C2W_NEW_MESSAGE, .again = add_blank);

static bool sending_time(struct srv_passing *p)
{
	int64_t time = p->message.time + 1000000;

	if (p->turn == SRV_BY_TIMER)
		p->message.time_text = srv_gate_text(p->gate, "%lld.%06lld", (long long)(time / 1000000), (long long)(time % 1000000));
	return true;
}
FAULT(time_changes_when_repeated, .only = C2W_ON_UDP, .answer_of = C2W_LEAVE_SESSION_GRANTED, .again = sending_time);

/* ---- when: REL-05 --------------------------------------------------------------------------------------- */

static int64_t doubling(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	return now + (rto(core) << (sending->transmissions - 1 < 10 ? sending->transmissions - 1 : 10));
}
FAULT(exponential_back_off, .policy.due = doubling);

static int64_t doubling_for_texts(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	return is_text(sending) ? doubling(core, sending, now) : now + rto(core);
}
FAULT(back_off_for_texts, .policy.due = doubling_for_texts);

static int64_t half(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	(void)sending;
	return now + rto(core) / 2;
}
FAULT(half_the_rto, .policy.due = half);

static int64_t half_longer(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	(void)sending;
	return now + rto(core) * 3 / 2;
}
FAULT(rto_and_a_half, .policy.due = half_longer);

static int64_t slow_for_errors(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	return now + rto(core) * (is_error(sending) ? 2 : 1);
}
FAULT(errors_twice_as_slow, .policy.due = slow_for_errors);

static int64_t third_late(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	return now + rto(core) * (sending->transmissions == 3 ? 3 : 2) / 2;
}
FAULT(third_retransmission_late, .policy.due = third_late);

static int64_t next_tick(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	(void)sending;
	return (now / rto(core) + 1) * rto(core);
}
FAULT(one_timer_for_all, .policy.due = next_tick);

/* Every message received moves all timers. */
static void restart_all(struct srv_passing *p)
{
	struct srv_sending *sending;

	DL_FOREACH(p->gate->core->timetable, sending)
		sending->due = p->gate->now + rto(p->gate->core);
}
FAULT(timer_restarts_with_every_message, .only = C2W_ON_UDP, .after = restart_all);

/* ---- how often: REL-06 ------------------------------------------------------------------------------------ */

static bool one_less(const struct srv_core *core, const struct srv_sending *sending)
{
	return sending->transmissions >= retransmits(core);
}
FAULT(one_retransmission_less, .policy.last = one_less);

static bool one_more(const struct srv_core *core, const struct srv_sending *sending)
{
	return last_after(core, sending, 1);
}
FAULT(one_retransmission_more, .policy.last = one_more);

static bool one_more_text(const struct srv_core *core, const struct srv_sending *sending)
{
	return last_after(core, sending, is_text(sending) ? 1 : 0);
}
FAULT(texts_once_more, .policy.last = one_more_text);

static bool one_less_error(const struct srv_core *core, const struct srv_sending *sending)
{
	return is_error(sending) ? one_less(core, sending) : right_last(core, sending);
}
FAULT(errors_once_less, .policy.last = one_less_error);

static bool never_last(const struct srv_core *core, const struct srv_sending *sending)
{
	(void)core;
	(void)sending;
	return false;
}
FAULT(sent_for_ever, .policy.last = never_last);

static bool unsessioned_for_ever(const struct srv_core *core, const struct srv_sending *sending)
{
	return srv_has_session(sending->endpoint) && right_last(core, sending);
}
FAULT(strangers_sent_for_ever, .policy.last = unsessioned_for_ever);

/* ---- after the ack: REL-07 --------------------------------------------------------------------------------- */

/* What the ack ends was already handed to the timer. */
static bool once_more(struct srv_passing *p)
{
	const struct srv_sending *sending;

	if (!p->endpoint || c2w_command_info(p->message.command)->beat != C2W_ACK)
		return true;
	sending = srv_is(p, C2W_NEW_MESSAGE_RESPONSE_ACK) ? &p->endpoint->delivery : &p->endpoint->response;
	if (sending->parcel && sending->parcel->sent.time == p->message.time && sending->transmissions == 1)
		srv_gate_later(p->gate, sending->due, false, &p->way, (struct c2w_str){ sending->parcel->octets, sending->parcel->length });
	return true;
}
FAULT(one_more_after_the_ack, .only = C2W_ON_UDP, .request = once_more);
FAULT(one_more_list_after_the_ack, .only = C2W_ON_UDP, .request_of = C2W_MOVIE_LIST_RESPONSE_ACK, .request = once_more);

static bool second_time(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, &p->message.time_text);

	if (!memo)
		srv_gate_note(p->gate, &p->way, p->message.time_text);
	return memo != NULL;
}
FAULT(first_ack_of_a_list_ignored, .only = C2W_ON_UDP, .request_of = C2W_USER_LIST_RESPONSE_ACK, .request = second_time);

static bool without_session_never(struct srv_passing *p)
{
	return srv_has_session(p->endpoint);
}
FAULT(acks_without_session_ignored, .only = C2W_ON_UDP, .request_of = C2W_LEAVE_SESSION_RESPONSE_ACK, .request = without_session_never);

/* ---- who is dead: REL-08, ROB-05 ---------------------------------------------------------------------------- */

FAULT(nobody_is_dead, .policy.dead = never_dead);

static bool dead_by_response(struct srv_core *core, const struct srv_sending *sending)
{
	(void)core;
	return !is_text(sending);
}
FAULT(unacked_texts_kill_nobody, .policy.dead = dead_by_response);

static bool dead_by_text(struct srv_core *core, const struct srv_sending *sending)
{
	(void)core;
	return is_text(sending) || is_connection_granted(sending);
}
FAULT(unacked_responses_kill_nobody, .policy.dead = dead_by_text);

static bool dead_unless_granted(struct srv_core *core, const struct srv_sending *sending)
{
	(void)core;
	return !is_connection_granted(sending);
}
FAULT(granted_without_ack_stays, .policy.dead = dead_unless_granted);

static int64_t dead_late(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	return now + rto(core) * (right_last(core, sending) ? 3 : 1);
}
FAULT(dead_two_rtos_late, .policy.due = dead_late);

static int64_t dead_early(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	return now + (right_last(core, sending) ? rto(core) / 100 : rto(core));
}
FAULT(dead_with_the_last_retransmission, .policy.due = dead_early);

/* The session ends in the main room only: who is in a movie room stays. */
static bool dead_in_main_room(struct srv_core *core, const struct srv_sending *sending)
{
	(void)core;
	return !srv_in_movie(sending->endpoint);
}
FAULT(nobody_dies_in_a_movie_room, .policy.dead = dead_in_main_room);

/* Whoever bears the name in the refusal that was never acked. */
static bool dead_by_name(struct srv_core *core, const struct srv_sending *sending)
{
	struct srv_endpoint *holder = srv_session_find(core, sending->parcel->sent.user);

	if (!is_error(sending) || !holder || holder == sending->endpoint)
		return true;
	srv_endpoint_forget(core, holder);
	return false;
}
FAULT(refusal_kills_by_name, .policy.dead = dead_by_name);

/* What a goodbye's timer does at its end, it does although the endpoint has connected again. */
static bool leave_timer_running(struct srv_passing *p)
{
	const struct srv_sending *goodbye = p->endpoint ? &p->endpoint->response : NULL;
	struct srv_gate *gate = p->gate;
	int64_t at;

	if (!goodbye || !goodbye->parcel || goodbye->parcel->sent.command != C2W_LEAVE_SESSION_GRANTED || srv_has_session(p->endpoint))
		return true;
	at = goodbye->due + rto(gate->core) * (retransmits(gate->core) + 1 - goodbye->transmissions);
	srv_gate_note(gate, &p->way, C2W_STR(""))->at = at;
	if (!gate->alarm || at < gate->alarm)
		gate->alarm = at;
	return true;
}

static void end_by_old_timer(struct srv_gate *gate)
{
	for (struct srv_memo *memo = gate->memos; memo; memo = memo->next) {
		struct srv_endpoint *endpoint = srv_endpoint_find(gate->core, &memo->way);

		if (memo->at > gate->now && (!gate->alarm || memo->at < gate->alarm))
			gate->alarm = memo->at;
		if (!memo->at || memo->at > gate->now)
			continue;
		memo->at = 0;
		if (srv_has_session(endpoint))
			srv_endpoint_forget(gate->core, endpoint);
	}
}
FAULT(goodbyes_timer_outlives_it, .only = C2W_ON_UDP, .request_of = C2W_CONNECTION_REQUEST, .request = leave_timer_running, .alarm = end_by_old_timer);

/* ---- what an ack counts for: REL-09, REL-10 ------------------------------------------------------------------ */

static bool same_family(const struct srv_sending *sending, const struct c2w_message *ack)
{
	return c2w_command_info(ack->command)->family == sending->parcel->sent.family;
}

static bool same_user(const struct srv_sending *sending, const struct c2w_message *ack)
{
	return c2w_str_equal(ack->user, is_text(sending) ? srv_name(sending->endpoint) : sending->parcel->sent.user);
}

static bool same_author(const struct srv_sending *sending, const struct c2w_message *ack)
{
	return !is_text(sending) || c2w_str_equal(ack->data, sending->parcel->sent.user);
}

static bool same_time(const struct srv_sending *sending, const struct c2w_message *ack)
{
	return ack->time == sending->parcel->sent.time;
}

static bool any_time(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	(void)core;
	return same_family(sending, ack) && same_user(sending, ack) && same_author(sending, ack);
}
FAULT(ack_time_ignored, .policy.acks = any_time);

static bool any_time_for_texts(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	return any_time(core, sending, ack) && (is_text(sending) || same_time(sending, ack));
}
FAULT(ack_time_of_texts_ignored, .policy.acks = any_time_for_texts);

static bool any_family(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	(void)core;
	return same_time(sending, ack) && same_user(sending, ack) && same_author(sending, ack);
}
FAULT(ack_family_ignored, .policy.acks = any_family);

static bool any_user(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	(void)core;
	return same_family(sending, ack) && same_time(sending, ack) && same_author(sending, ack);
}
FAULT(ack_user_ignored, .policy.acks = any_user);

static bool any_user_without_session(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	return any_user(core, sending, ack) && (!srv_has_session(sending->endpoint) || same_user(sending, ack));
}
FAULT(ack_user_ignored_without_session, .policy.acks = any_user_without_session);

static bool any_author(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	(void)core;
	return same_family(sending, ack) && same_time(sending, ack) && same_user(sending, ack);
}
FAULT(ack_author_ignored, .policy.acks = any_author);

static struct c2w_str time_text(const struct srv_sending *sending)
{
	const char *colon = memchr(sending->parcel->octets, ':', sending->parcel->length);

	return (struct c2w_str){ sending->parcel->octets, (size_t)(colon - sending->parcel->octets) };
}

static bool time_as_text(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	return any_time(core, sending, ack) && c2w_str_equal(ack->time_text, time_text(sending));
}
FAULT(ack_time_compared_as_text, .policy.acks = time_as_text);

static bool whole_seconds(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack)
{
	return any_time(core, sending, ack) && ack->time / 1000000 == sending->parcel->sent.time / 1000000;
}
FAULT(ack_time_in_seconds, .policy.acks = whole_seconds);

/* Whoever sends it: what counts is the name in it. */
static bool from_anyone(struct srv_passing *p)
{
	struct srv_endpoint *holder = srv_session_find(p->gate->core, p->message.user);

	if (c2w_command_info(p->message.command)->beat == C2W_ACK && holder && !srv_on_tcp(holder))
		p->way = holder->way;
	return true;
}
FAULT(ack_from_anyone, .only = C2W_ON_UDP, .request = from_anyone);

static void ack_pending_text(struct srv_gate *gate, const struct srv_endpoint *endpoint)
{
	struct c2w_message text;

	if (endpoint && endpoint->delivery.parcel &&
	    c2w_message_parse(&text, endpoint->delivery.parcel->octets, endpoint->delivery.parcel->length, 0) == C2W_OK)
		srv_gate_ack_text(gate, endpoint, &text);
}

/* Two are pending: the response's ack ends the text, too. */
static bool both_at_once(struct srv_passing *p)
{
	bool response = c2w_command_info(p->message.command)->beat == C2W_ACK && !srv_is(p, C2W_NEW_MESSAGE_RESPONSE_ACK);

	if (response && p->endpoint && p->endpoint->response.parcel)
		ack_pending_text(p->gate, p->endpoint);
	return true;
}
FAULT(ack_of_a_response_ends_the_text, .only = C2W_ON_UDP, .request = both_at_once);

/* ---- at most once: REL-11, REL-12 --------------------------------------------------------------------------------- */

static bool never_repeats(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	(void)core;
	(void)sending;
	(void)request;
	return false;
}

static bool never_stale(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	(void)core;
	(void)endpoint;
	(void)request;
	return false;
}
FAULT(everything_executed_again, .policy.repeats = never_repeats, .policy.stale = never_stale);

static bool stale_if_equal(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	(void)core;
	return request->time == endpoint->last;
}
FAULT(old_requests_executed, .policy.stale = stale_if_equal);

static bool stale_if_less(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	(void)core;
	return request->time < endpoint->last;
}
FAULT(equal_time_executed, .policy.stale = stale_if_less);

static bool right_repeats(const struct srv_sending *sending, const struct c2w_message *request)
{
	const struct srv_sent *sent = &sending->parcel->sent;

	return c2w_command_info(request->command)->family == sent->family && request->time == sent->time &&
	       c2w_str_equal(request->user, sent->user);
}

static bool texts_never_repeat(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	(void)core;
	return !is_text(sending) && right_repeats(sending, request);
}

static bool texts_never_stale(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	(void)core;
	return request->time < endpoint->last || (request->time == endpoint->last && request->command != C2W_SEND_MESSAGE_REQUEST);
}
FAULT(repeated_text_sent_to_all, .policy.repeats = texts_never_repeat, .policy.stale = texts_never_stale);

/* After the ack nothing is known of it any more. */
static bool forgotten_when_acked(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	bool pending = endpoint->response.parcel || endpoint->delivery.parcel;

	(void)core;
	return request->time < endpoint->last || (request->time == endpoint->last && pending);
}
FAULT(executed_again_after_the_ack, .policy.stale = forgotten_when_acked);

static bool note_refusal(struct srv_passing *p)
{
	if (p->message.code == 1004)
		srv_gate_note(p->gate, &p->way, p->message.user)->at = p->message.time;
	return true;
}

static bool refusals_forgotten_when_acked(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	const struct srv_memo *memo = srv_gate_recall(srv_gate_of(core), &endpoint->way, &request->user);
	bool refused = request->command == C2W_CONNECTION_REQUEST && memo && memo->at == request->time;

	return refused ? forgotten_when_acked(core, endpoint, request) : request->time <= endpoint->last;
}
FAULT(refused_login_executed_again, .answer_of = C2W_CONNECTION_ERROR, .answer = note_refusal, .policy.stale = refusals_forgotten_when_acked);

static int64_t rounded(int64_t time)
{
	return time / 1000000 >> 32 ? time / 1000 : -time;
}

static bool stale_when_rounded(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	(void)core;
	return request->time <= endpoint->last || rounded(request->time) == rounded(endpoint->last);
}
FAULT(far_times_lose_microseconds, .policy.stale = stale_when_rounded);

static bool repeats_as_text(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	(void)core;
	return right_repeats(sending, request) && c2w_str_equal(request->time_text, time_text(sending));
}
FAULT(repetition_compared_as_text, .policy.repeats = repeats_as_text);

static bool repeats_as_text_without_session(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	return srv_has_session(sending->endpoint) ? right_repeats(sending, request) : repeats_as_text(core, sending, request);
}
FAULT(goodbye_compared_as_text, .only = C2W_ON_UDP, .policy.repeats = repeats_as_text_without_session);

static bool list_never_stale(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	(void)core;
	return request->time < endpoint->last ||
	       (request->time == endpoint->last && (request->command != C2W_USER_LIST_REQUEST || endpoint->response.parcel));
}
FAULT(acked_list_made_anew, .policy.stale = list_never_stale);

static bool keep_last_text(struct srv_passing *p)
{
	srv_gate_note(p->gate, &p->way, srv_gate_text(p->gate, "%.*s: NEW_MESSAGE|%.*s|%.*s\r\n", SRV_SLICE(p->message.time_text),
	              SRV_SLICE(p->message.user), SRV_SLICE(p->message.data)));
	return true;
}

static bool last_text_instead(struct srv_passing *p)
{
	const struct srv_memo *last = srv_gate_recall(p->gate, &p->way, NULL);

	return !last || c2w_message_parse(&p->message, last->text, last->length, 0) == C2W_OK;
}
FAULT(repeated_text_gets_the_last, .only = C2W_ON_TCP, .answer_of = C2W_NEW_MESSAGE, .answer = keep_last_text, .again = last_text_instead);

static bool unless_repeated(struct srv_passing *p)
{
	return p->turn != SRV_REPEATED;
}
FAULT(repetition_unanswered, .only = C2W_ON_UDP, .again = unless_repeated);
FAULT(repeated_text_unanswered, .only = C2W_ON_UDP, .answer_of = C2W_NEW_MESSAGE, .again = unless_repeated);

static bool also_to_the_room(struct srv_passing *p)
{
	if (p->turn != SRV_REPEATED || !p->endpoint || !p->endpoint->room)
		return true;
	for (const struct srv_endpoint *member = p->endpoint->room->members; member; member = member->next) {
		if (member != p->endpoint)
			srv_gate_forge(p->gate, &member->way, "NEW_MESSAGE", &p->message, p->message.data);
	}
	return true;
}
FAULT(repetition_answered_to_the_room, .only = C2W_ON_UDP, .answer_of = C2W_NEW_MESSAGE, .again = also_to_the_room);

/* A repetition with other data is none. */
static bool same_data(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);

	if (c2w_command_info(p->message.command)->beat != C2W_REQUEST)
		return true;
	if (memo && memo->at == p->message.time && memo->count == p->message.command)
		return c2w_str_equal(p->message.data, (struct c2w_str){ memo->text, memo->length });
	memo = srv_gate_note(p->gate, &p->way, p->message.data);
	memo->at = p->message.time;
	memo->count = p->message.command;
	return true;
}
FAULT(data_of_a_repetition_compared, .request = same_data);

static bool unless_empty(struct srv_passing *p)
{
	return p->message.data.length > 0;
}
FAULT(empty_text_before_repetition, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = unless_empty);

/* Every session but an endpoint's first. */
static bool count_sessions(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);

	(memo ? memo : srv_gate_note(p->gate, &p->way, C2W_STR("")))->count++;
	return true;
}

static bool in_second_session(const struct srv_core *core, const struct srv_endpoint *endpoint)
{
	const struct srv_memo *memo = srv_gate_recall(srv_gate_of(core), &endpoint->way, NULL);

	return srv_has_session(endpoint) && memo && memo->count > 1;
}

static bool repeats_in_first(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	return right_repeats(sending, request) && !in_second_session(core, sending->endpoint);
}

static bool stale_in_first(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	return request->time <= endpoint->last && !in_second_session(core, endpoint);
}
FAULT(second_session_executes_again, .answer_of = C2W_CONNECTION_GRANTED, .answer = count_sessions, .policy.repeats = repeats_in_first,
      .policy.stale = stale_in_first);

static bool repeats_in_session(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	(void)core;
	return srv_has_session(sending->endpoint) && right_repeats(sending, request);
}
FAULT(strangers_executed_again, .only = C2W_ON_UDP, .policy.repeats = repeats_in_session);

static bool leave_never_repeats(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	(void)core;
	return (srv_has_session(sending->endpoint) || request->command != C2W_LEAVE_SESSION_REQUEST) && right_repeats(sending, request);
}
FAULT(leaving_executed_again, .only = C2W_ON_UDP, .policy.repeats = leave_never_repeats);

static bool tcp_never_repeats(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	(void)core;
	return !srv_on_tcp(sending->endpoint) && right_repeats(sending, request);
}

static bool tcp_never_stale(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	(void)core;
	return !srv_on_tcp(endpoint) && request->time <= endpoint->last;
}
FAULT(tcp_executes_again, .policy.repeats = tcp_never_repeats, .policy.stale = tcp_never_stale);

/* ---- a further request: REL-13 -------------------------------------------------------------------------------------- */

static bool keep_earlier(struct srv_passing *p)
{
	const struct srv_core *core = p->gate->core;
	const struct srv_sending *earlier = p->endpoint ? &p->endpoint->response : NULL;
	bool further = earlier && earlier->parcel && c2w_command_info(p->message.command)->beat == C2W_REQUEST &&
	               p->message.time > earlier->parcel->sent.time;

	for (unsigned n = earlier ? earlier->transmissions : 0; further && n <= retransmits(core); n++)
		srv_gate_later(p->gate, earlier->due + (n - earlier->transmissions) * rto(core), false, &p->way,
		               (struct c2w_str){ earlier->parcel->octets, earlier->parcel->length });
	return true;
}
FAULT(earlier_response_goes_on, .only = C2W_ON_UDP, .request = keep_earlier);

static bool end_text(struct srv_passing *p)
{
	if (srv_has_session(p->endpoint) && c2w_command_info(p->message.command)->beat == C2W_REQUEST && p->message.time > p->endpoint->last)
		ack_pending_text(p->gate, p->endpoint);
	return true;
}
FAULT(further_request_ends_the_text, .only = C2W_ON_UDP, .request = end_text);
FAULT(second_login_ends_the_text, .only = C2W_ON_UDP, .request_of = C2W_CONNECTION_REQUEST, .request = end_text);

static bool list_without_session(const struct srv_passing *p)
{
	return p->endpoint && !srv_has_session(p->endpoint) && (srv_is(p, C2W_USER_LIST_REQUEST) || srv_is(p, C2W_MOVIE_LIST_REQUEST));
}

static bool ack_before_discarding(struct srv_passing *p)
{
	if (list_without_session(p))
		srv_drop_response(p->gate->core, p->endpoint);
	return true;
}
FAULT(discarded_list_acks_the_goodbye, .only = C2W_ON_UDP, .request = ack_before_discarding);

static bool time_before_discarding(struct srv_passing *p)
{
	if (list_without_session(p))
		p->endpoint->last = p->message.time;
	return true;
}

static bool repeats_the_last(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request)
{
	(void)core;
	return right_repeats(sending, request) && (srv_has_session(sending->endpoint) || request->time == sending->endpoint->last);
}
FAULT(discarded_list_sets_time, .only = C2W_ON_UDP, .request = time_before_discarding, .policy.repeats = repeats_the_last);

/* ---- what is somebody else's: REL-09, MSG-01 -------------------------------------------------------------------------- */

static bool end_answer(struct srv_passing *p)
{
	if (p->endpoint)
		srv_drop_response(p->gate->core, p->endpoint);
	return true;
}
FAULT(text_ack_ends_the_answer, .only = C2W_ON_UDP, .request_of = C2W_NEW_MESSAGE_RESPONSE_ACK, .request = end_answer);

static bool restart_timer(struct srv_passing *p)
{
	struct srv_sending *sending = p->endpoint ? &p->endpoint->response : NULL;

	if (sending && sending->timed && c2w_command_info(p->message.command)->beat == C2W_ACK) {
		DL_DELETE(p->gate->core->timetable, sending);
		sending->due = p->gate->now + rto(p->gate->core);
		DL_APPEND(p->gate->core->timetable, sending);
	}
	return true;
}
FAULT(any_ack_restarts_the_timer, .only = C2W_ON_UDP, .request = restart_timer);

static bool take_texts_along(struct srv_passing *p)
{
	for (struct srv_endpoint *e = srv_has_session(p->endpoint) ? p->gate->core->names : NULL; e; e = e->hh_name.next)
		if (e->first && c2w_str_equal(e->first->parcel->sent.user, srv_name(p->endpoint)))
			srv_drop_waiting(p->gate->core, e);
	return true;
}
FAULT(author_takes_texts_along, .only = C2W_ON_UDP, .request_of = C2W_LEAVE_SESSION_REQUEST, .request = take_texts_along);

/* ---- what waits for what: REL-14, REL-15, REL-17, TRN-03 --------------------------------------------------------------- */

/* What waits is sent at once, and in its turn again. */
static void leak_waiting(struct srv_passing *p)
{
	struct srv_gate *gate = p->gate;

	for (struct srv_endpoint *e = gate->core->names; e; e = e->hh_name.next) {
		struct srv_waiting *last = e->first;

		while (last && last->next)
			last = last->next;
		if (last && last->parcel->sent.time == p->message.time && c2w_str_equal(last->parcel->sent.user, p->message.user))
			gate->carrier.send(gate->carrier.context, &e->way, last->parcel->octets, last->parcel->length);
	}
}
FAULT(texts_do_not_wait, .request_of = C2W_SEND_MESSAGE_REQUEST, .after = leak_waiting);

static bool text_unacked(struct srv_passing *p)
{
	return p->endpoint && !srv_on_tcp(p->endpoint) && p->endpoint->delivery.parcel;
}
FAULT(lists_wait_for_texts, .only = C2W_ON_UDP, .request_of = C2W_USER_LIST_REQUEST, .hold = text_unacked);

static bool room_unacked(struct srv_passing *p)
{
	if (!srv_has_session(p->endpoint))
		return false;
	for (const struct srv_endpoint *member = p->endpoint->room->members; member; member = member->next) {
		if (!srv_on_tcp(member) && member->delivery.parcel)
			return true;
	}
	return false;
}
FAULT(slowest_stops_the_room, .only = C2W_ON_UDP, .request_of = C2W_SEND_MESSAGE_REQUEST, .hold = room_unacked);

static bool anyone_unacked(struct srv_passing *p)
{
	for (const struct srv_endpoint *e = p->gate->core->names; e; e = e->hh_name.next) {
		if (e != p->endpoint && e->delivery.timed && e->delivery.transmissions > 1)
			return true;
	}
	return false;
}
FAULT(slowest_stops_movie_lists, .only = C2W_ON_UDP, .request_of = C2W_MOVIE_LIST_REQUEST, .hold = anyone_unacked);

static bool tcp_unacked(struct srv_passing *p)
{
	return p->endpoint && srv_on_tcp(p->endpoint) && p->endpoint->response.parcel;
}
FAULT(tcp_waits_for_acks, .only = C2W_ON_TCP, .hold = tcp_unacked);

static bool think(struct srv_passing *p)
{
	srv_gate_later(p->gate, p->gate->now + 700000000, true, &p->way, p->octets);
	return false;
}
FAULT(movie_list_takes_700_ms, .request_of = C2W_MOVIE_LIST_REQUEST, .request = think);
FAULT(connecting_takes_700_ms, .request_of = C2W_CONNECTION_REQUEST, .request = think);

/* ---- TCP: REL-16 ----------------------------------------------------------------------------------------------------------- */

static void forget_later(struct srv_gate *gate, const struct srv_way *way)
{
	struct srv_later *later, *next;

	DL_FOREACH_SAFE(gate->later, later, next) {
		if (!srv_same_way(&later->way, way))
			continue;
		DL_DELETE(gate->later, later);
		free(later);
	}
}

static bool ack_forgets(struct srv_passing *p)
{
	if (c2w_command_info(p->message.command)->beat == C2W_ACK)
		forget_later(p->gate, &p->way);
	return true;
}

static bool again_on_tcp(struct srv_passing *p)
{
	struct c2w_str octets = srv_gate_text(p->gate, "%.*s: %.*s|%.*s|%.*s\r\n", SRV_SLICE(p->message.time_text),
	                                      SRV_SLICE(p->message.command_text), SRV_SLICE(p->message.user), SRV_SLICE(p->message.data));

	srv_gate_later(p->gate, p->gate->now + rto(p->gate->core), false, &p->way, octets);
	return true;
}
FAULT(tcp_retransmits, .only = C2W_ON_TCP, .request = ack_forgets, .answer = again_on_tcp);

/* A response without an ack for so long as UDP would wait: the core is told that the connection is gone. */
static bool deadline_on_tcp(struct srv_passing *p)
{
	int64_t at = p->gate->now + rto(p->gate->core) * (retransmits(p->gate->core) + 1);

	if (p->endpoint)
		p->endpoint->response.due = at;
	if (!p->gate->alarm)
		p->gate->alarm = at;
	return true;
}

static void end_unacked(struct srv_gate *gate)
{
	struct srv_endpoint *e, *next;

	for (e = gate->core->names; e; e = next) {
		next = e->hh_name.next;
		if (!srv_on_tcp(e) || !e->response.parcel)
			continue;
		if (e->response.due <= gate->now)
			srv_endpoint_forget(gate->core, e);
		else if (!gate->alarm || e->response.due < gate->alarm)
			gate->alarm = e->response.due;
	}
}
FAULT(tcp_unacked_ends_session, .only = C2W_ON_TCP, .answer = deadline_on_tcp, .alarm = end_unacked);

/* A text for a TCP user waits for the ack of the one before. */
static bool one_text_on_tcp(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);
	struct c2w_str octets;

	if (!p->endpoint || c2w_str_equal(srv_name(p->endpoint), p->message.user))
		return true;
	if (!memo)
		memo = srv_gate_note(p->gate, &p->way, C2W_STR(""));
	if (memo->count++ == 0)
		return true;
	octets = srv_gate_text(p->gate, "%.*s: NEW_MESSAGE|%.*s|%.*s\r\n", SRV_SLICE(p->message.time_text), SRV_SLICE(p->message.user),
	                       SRV_SLICE(p->message.data));
	srv_gate_later(p->gate, INT64_MAX, false, &p->way, octets);
	return false;
}

static bool next_text_on_tcp(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);
	struct srv_later *later;

	if (!srv_is(p, C2W_NEW_MESSAGE_RESPONSE_ACK) || !memo || !memo->count || c2w_str_equal(p->message.user, p->message.data))
		return true;
	memo->count--;
	DL_FOREACH(p->gate->later, later) {
		if (!srv_same_way(&later->way, &p->way))
			continue;
		srv_gate_later(p->gate, p->gate->now, false, &p->way, (struct c2w_str){ later->octets, later->length });
		DL_DELETE(p->gate->later, later);
		free(later);
		break;
	}
	return true;
}
FAULT(tcp_texts_wait_for_acks, .only = C2W_ON_TCP, .request = next_text_on_tcp, .answer_of = C2W_NEW_MESSAGE, .answer = one_text_on_tcp);

/* ---- repetitions and the schedule: REL-18 ------------------------------------------------------------------------------------ */

static struct srv_sending *repeated(struct srv_passing *p)
{
	struct srv_sending *sending = srv_is(p, C2W_NEW_MESSAGE) ? &p->endpoint->delivery : &p->endpoint->response;

	return p->turn == SRV_REPEATED ? sending : NULL;
}

static bool count_repetition(struct srv_passing *p)
{
	struct srv_sending *sending = p->endpoint ? repeated(p) : NULL;

	if (sending)
		sending->transmissions++;
	return true;
}
FAULT(repetition_counts, .only = C2W_ON_UDP, .again = count_repetition);

static bool move_schedule(struct srv_passing *p)
{
	struct srv_sending *sending = p->endpoint ? repeated(p) : NULL;

	if (sending) {
		DL_DELETE(p->gate->core->timetable, sending);
		sending->due = p->gate->now + rto(p->gate->core);
		DL_APPEND(p->gate->core->timetable, sending);
	}
	return true;
}
FAULT(repetition_moves_the_schedule, .only = C2W_ON_UDP, .again = move_schedule);
