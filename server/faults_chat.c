/* Mistakes with texts, their recipients, and names: MSG and NAM.
 * For the gate only: see faults_inside.h.
 * Owns nothing; what a fault remembers belongs to its gate. */
#include <strings.h>
#include <utlist.h>

#include "server/faults_inside.h"

/* ---- chat: MSG, NAM --------------------------------------------------------------------------------------- */

/* The recipient does not get it, and the core is none the wiser. */
static bool keep_from(struct srv_passing *p)
{
	if (p->endpoint)
		srv_gate_ack_text(p->gate, p->endpoint, &p->message);
	return false;
}

static bool not_to_author(struct srv_passing *p)
{
	return !p->endpoint || !c2w_str_equal(srv_name(p->endpoint), p->message.user) || keep_from(p);
}
FAULT(author_hears_nothing, .answer_of = C2W_NEW_MESSAGE, .answer = not_to_author);

static bool not_to_last(struct srv_passing *p)
{
	const struct srv_endpoint *e = p->endpoint;

	return !e || !e->room || e->next || c2w_str_equal(srv_name(e), p->message.user) || keep_from(p);
}
FAULT(last_to_come_hears_nothing, .answer_of = C2W_NEW_MESSAGE, .answer = not_to_last);

static bool not_to_third(struct srv_passing *p)
{
	const struct srv_endpoint *e = p->endpoint, *members = e && e->room ? e->room->members : NULL;
	bool third = members && members->next && members->next->next == e;

	return !third || c2w_str_equal(srv_name(e), p->message.user) || keep_from(p);
}
FAULT(third_in_the_room_hears_nothing, .answer_of = C2W_NEW_MESSAGE, .answer = not_to_third);

static bool not_in_main_room(struct srv_passing *p)
{
	const struct srv_endpoint *e = p->endpoint;

	return !e || e->state != SRV_MAIN_ROOM || c2w_str_equal(srv_name(e), p->message.user) || keep_from(p);
}
FAULT(main_room_is_deaf, .answer_of = C2W_NEW_MESSAGE, .answer = not_in_main_room);

static bool not_across(struct srv_passing *p)
{
	const struct srv_endpoint *author = srv_session_find(p->gate->core, p->message.user);

	return !author || !p->endpoint || srv_on_tcp(author) == srv_on_tcp(p->endpoint) || keep_from(p);
}
FAULT(udp_and_tcp_hear_not_each_other, .answer_of = C2W_NEW_MESSAGE, .answer = not_across);

static bool to_author(const struct srv_passing *p)
{
	return p->endpoint && c2w_str_equal(srv_name(p->endpoint), p->message.user);
}

/* With the author's copy, others go out: to those the test finds. */
static bool leak(struct srv_passing *p, bool (*to)(const struct srv_endpoint *author, const struct srv_endpoint *other))
{
	if (!to_author(p))
		return true;
	for (struct srv_endpoint *other = p->gate->core->names; other; other = other->hh_name.next) {
		if (other->room != p->endpoint->room && to(p->endpoint, other))
			srv_gate_forge(p->gate, &other->way, "NEW_MESSAGE", &p->message, p->message.data);
	}
	return true;
}

static bool anyone(const struct srv_endpoint *author, const struct srv_endpoint *other)
{
	(void)author;
	(void)other;
	return true;
}

static bool leak_to_all(struct srv_passing *p)
{
	return leak(p, anyone);
}
FAULT(everyone_hears_everything, .answer_of = C2W_NEW_MESSAGE, .answer = leak_to_all);

static bool in_main_room(const struct srv_endpoint *author, const struct srv_endpoint *other)
{
	(void)author;
	return other->state == SRV_MAIN_ROOM;
}

static bool leak_to_main(struct srv_passing *p)
{
	return leak(p, in_main_room);
}
FAULT(main_room_hears_movie_rooms, .answer_of = C2W_NEW_MESSAGE, .answer = leak_to_main);

static bool other_movie(const struct srv_endpoint *author, const struct srv_endpoint *other)
{
	return author->state == SRV_MOVIE_ROOM && other->state == SRV_MOVIE_ROOM;
}

static bool leak_to_movies(struct srv_passing *p)
{
	return leak(p, other_movie);
}
FAULT(movie_rooms_are_one, .answer_of = C2W_NEW_MESSAGE, .answer = leak_to_movies);

/* Who left a movie room still hears it. */
static bool leak_to_former(struct srv_passing *p)
{
	if (srv_is(p, C2W_ENTER_MOVIE_GRANTED) && p->endpoint && p->endpoint->room)
		srv_gate_note(p->gate, &p->way, p->endpoint->room->title);
	if (!srv_is(p, C2W_NEW_MESSAGE) || !to_author(p) || !srv_in_movie(p->endpoint))
		return true;
	for (struct srv_memo *memo = p->gate->memos; memo; memo = memo->next) {
		const struct srv_endpoint *former = srv_endpoint_find(p->gate->core, &memo->way);

		if (former && former->state == SRV_MAIN_ROOM &&
		    c2w_str_equal((struct c2w_str){ memo->text, memo->length }, p->endpoint->room->title))
			srv_gate_forge(p->gate, &memo->way, "NEW_MESSAGE", &p->message, p->message.data);
	}
	return true;
}
FAULT(who_left_still_hears, .answer = leak_to_former);

/* Who enters gets the last text that was said there. */
static bool history(struct srv_passing *p)
{
	const struct srv_memo *memo;

	if (srv_is(p, C2W_NEW_MESSAGE) && to_author(p) && srv_in_movie(p->endpoint))
		srv_gate_note(p->gate, NULL, srv_gate_text(p->gate, "%.*s\n%.*s: NEW_MESSAGE|%.*s|%.*s\r\n", SRV_SLICE(p->endpoint->room->title),
		              SRV_SLICE(p->message.time_text), SRV_SLICE(p->message.user), SRV_SLICE(p->message.data)));
	if (!srv_is(p, C2W_ENTER_MOVIE_GRANTED) || !p->endpoint || !p->endpoint->room)
		return true;
	for (memo = p->gate->memos; memo; memo = memo->next) {
		size_t title = p->endpoint->room->title.length;

		if (memo->length > title && memo->text[title] == '\n' && memcmp(memo->text, p->endpoint->room->title.at, title) == 0) {
			srv_gate_later(p->gate, p->gate->now, false, &p->way,
			               (struct c2w_str){ memo->text + title + 1, memo->length - title - 1 });
			break;
		}
	}
	return true;
}
FAULT(newcomers_get_the_last_text, .answer = history);

static bool twice_on_tcp(struct srv_passing *p)
{
	srv_gate_forge(p->gate, &p->way, "NEW_MESSAGE", &p->message, p->message.data);
	return true;
}
FAULT(text_twice, .only = C2W_ON_TCP, .answer_of = C2W_NEW_MESSAGE, .answer = twice_on_tcp);

static bool unless_same(struct srv_passing *p)
{
	struct srv_memo *memo;

	if (!srv_has_session(p->endpoint) || p->message.time <= p->endpoint->last)
		return true;
	memo = srv_gate_recall(p->gate, &p->way, &p->message.data);
	if (memo && memo->at == p->message.time)
		return !memo->count;
	srv_gate_note(p->gate, &p->way, p->message.data)->count = memo != NULL; /* it is dropped, and so are its repetitions */
	p->gate->memos->at = p->message.time;
	return !memo;
}
FAULT(same_text_dropped, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = unless_same);

/* What waits for a recipient's ack is a stack. */
static bool turn_stack(struct srv_gate *gate)
{
	for (struct srv_endpoint *e = gate->core->names; e; e = e->hh_name.next) {
		struct srv_waiting *last = e->first, *before = NULL;

		while (last && last->next) {
			before = last;
			last = last->next;
		}
		if (!before)
			continue;
		before->next = NULL;
		last->next = e->first;
		e->first = last;
		e->end = &before->next;
	}
	return true;
}

static void newest_first(struct srv_passing *p)
{
	if (srv_is(p, C2W_SEND_MESSAGE_REQUEST) && srv_has_session(p->endpoint) && p->endpoint->last == p->message.time)
		turn_stack(p->gate);
}
FAULT(newest_text_first, .request_of = C2W_SEND_MESSAGE_REQUEST, .after = newest_first);

/* What waits is moved forward as long as it is to come before what it stands behind. */
static void bring_forward(struct srv_endpoint *e, bool (*before)(const struct srv_endpoint *e, const struct srv_parcel *a, const struct srv_parcel *b))
{
	bool moved = e->first != NULL;

	while (moved) {
		moved = false;
		for (struct srv_waiting *w = e->first; w->next; w = w->next) {
			struct srv_parcel *behind = w->next->parcel;

			if (!before(e, behind, w->parcel))
				continue;
			w->next->parcel = w->parcel;
			w->parcel = behind;
			moved = true;
		}
	}
}

static bool lesser_time(const struct srv_endpoint *e, const struct srv_parcel *a, const struct srv_parcel *b)
{
	(void)e;
	return a->sent.time < b->sent.time;
}

static void sort_by_time(struct srv_passing *p)
{
	for (struct srv_endpoint *e = p->gate->core->names; e; e = e->hh_name.next)
		bring_forward(e, lesser_time);
}
FAULT(queue_in_order_of_time, .only = C2W_ON_UDP, .request_of = C2W_SEND_MESSAGE_REQUEST, .after = sort_by_time);

static bool own_text(const struct srv_endpoint *e, const struct srv_parcel *a, const struct srv_parcel *b)
{
	return c2w_str_equal(a->sent.user, srv_name(e)) && !c2w_str_equal(b->sent.user, srv_name(e));
}

static void own_text_first(struct srv_passing *p)
{
	if (srv_has_session(p->endpoint))
		bring_forward(p->endpoint, own_text);
}
FAULT(own_text_jumps_the_queue, .only = C2W_ON_UDP, .request_of = C2W_SEND_MESSAGE_REQUEST, .after = own_text_first);

static bool long_texts_later(struct srv_passing *p)
{
	struct c2w_str octets;

	if (p->message.data.length < 100 || !p->endpoint || c2w_str_equal(srv_name(p->endpoint), p->message.user))
		return true;
	octets = srv_gate_text(p->gate, "%.*s: NEW_MESSAGE|%.*s|%.*s\r\n", SRV_SLICE(p->message.time_text), SRV_SLICE(p->message.user),
	                       SRV_SLICE(p->message.data));
	srv_gate_later(p->gate, p->gate->now + 200000000, false, &p->way, octets);
	return false;
}
FAULT(long_texts_are_overtaken, .only = C2W_ON_TCP, .answer_of = C2W_NEW_MESSAGE, .answer = long_texts_later);

static int allow_empty_text(struct srv_passing *p, int error)
{
	bool text = srv_is(p, C2W_SEND_MESSAGE_REQUEST) && srv_has_session(p->endpoint);

	return text && error == SRV_DISCARD && !p->message.data.length ? SRV_NO_ERROR : error;
}
FAULT(empty_text_sent, .judge = allow_empty_text);

static int allow_1025(struct srv_passing *p, int error)
{
	bool text = srv_is(p, C2W_SEND_MESSAGE_REQUEST) && srv_has_session(p->endpoint);

	return text && error == SRV_DISCARD && p->message.data.length == (size_t)p->gate->core->settings.params.max_text + 1 ?
	       SRV_NO_ERROR : error;
}
FAULT(text_one_too_long_sent, .judge = allow_1025);

static int refuse_1024(struct srv_passing *p, int error)
{
	return srv_is(p, C2W_SEND_MESSAGE_REQUEST) && p->message.data.length == (size_t)p->gate->core->settings.params.max_text ?
	       SRV_DISCARD : error;
}
FAULT(longest_text_discarded, .judge = refuse_1024);

/* The text is cut, and sent. */
static bool cut_to_max(struct srv_passing *p)
{
	size_t max = (size_t)p->gate->core->settings.params.max_text;

	if (p->message.data.length > max)
		p->message.data.length = max;
	return true;
}
FAULT(long_text_cut, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = cut_to_max);

static bool text_of_stranger(struct srv_passing *p)
{
	if (srv_has_session(p->endpoint) || !p->message.data.length)
		return true;
	for (const struct srv_endpoint *other = p->gate->core->rooms[0].members; other; other = other->next)
		srv_gate_forge(p->gate, &other->way, "NEW_MESSAGE", &p->message, p->message.data);
	return true;
}
FAULT(strangers_are_heard, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = text_of_stranger);

/* MSG-08: the queue is put aside while the room changes. */
static bool put_queue_aside(struct srv_passing *p)
{
	p->gate->aside = NULL;
	if (!p->endpoint || !p->endpoint->first || p->message.time <= p->endpoint->last)
		return true;
	if (srv_is(p, C2W_LEAVE_SESSION_REQUEST) && p->endpoint->state == SRV_MAIN_ROOM)
		return true;
	if (srv_is(p, C2W_ENTER_MOVIE_REQUEST) || srv_is(p, C2W_LEAVE_SESSION_REQUEST)) {
		p->gate->aside = p->endpoint->first;
		p->gate->aside_end = p->endpoint->end;
		p->endpoint->first = NULL;
		p->endpoint->end = &p->endpoint->first;
	}
	return true;
}

static void put_queue_back(struct srv_passing *p)
{
	if (!p->gate->aside || !p->endpoint)
		return;
	p->endpoint->first = p->gate->aside;
	p->endpoint->end = p->gate->aside_end;
	p->gate->aside = NULL;
}
FAULT(queue_follows_the_user, .only = C2W_ON_UDP, .request = put_queue_aside, .after = put_queue_back);

static bool drop_before_refusal(struct srv_passing *p)
{
	if (srv_has_session(p->endpoint) && p->message.time > p->endpoint->last)
		srv_drop_waiting(p->gate->core, p->endpoint);
	return true;
}
FAULT(refused_entering_drops_texts, .only = C2W_ON_UDP, .request_of = C2W_ENTER_MOVIE_REQUEST, .request = drop_before_refusal);

/* The text that was sent before a move is not sent again, yet its ack is waited for. */
static void stop_timer(struct srv_passing *p)
{
	struct srv_core *core = p->gate->core;
	struct srv_sending *text = p->endpoint ? &p->endpoint->delivery : NULL;
	bool moves = srv_is(p, C2W_ENTER_MOVIE_REQUEST) || srv_is(p, C2W_LEAVE_SESSION_REQUEST);
	const struct srv_parcel *answer = p->endpoint ? p->endpoint->response.parcel : NULL;

	if (!text || !text->timed || !moves || !answer || answer->sent.time != p->message.time ||
	    c2w_command_info(answer->sent.command)->beat == C2W_ERROR_RESPONSE)
		return;
	DL_DELETE(core->timetable, text);
	text->timed = false;
	core->pending--;
}
FAULT(move_stops_the_queue, .only = C2W_ON_UDP, .after = stop_timer);

/* ---- other people's names: NAM-01 --------------------------------------------------------------------------- */

static bool stranger_name(const struct srv_passing *p)
{
	return srv_has_session(p->endpoint) && !srv_is(p, C2W_CONNECTION_REQUEST) && !c2w_str_equal(p->message.user, srv_name(p->endpoint)) &&
	       c2w_command_info(p->message.command)->beat == C2W_REQUEST;
}

static bool names_ignored(struct srv_passing *p)
{
	if (stranger_name(p))
		p->message.user = srv_name(p->endpoint);
	return true;
}
FAULT(names_not_compared, .request = names_ignored);
FAULT(foreign_text_accepted, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = names_ignored);

static bool case_ignored(struct srv_passing *p)
{
	struct c2w_str name = srv_has_session(p->endpoint) ? srv_name(p->endpoint) : C2W_STR("");

	if (stranger_name(p) && name.length == p->message.user.length && strncasecmp(name.at, p->message.user.at, name.length) == 0)
		p->message.user = name;
	return true;
}
FAULT(name_compared_without_case, .request = case_ignored);

static bool session_by_name(struct srv_passing *p)
{
	struct srv_endpoint *holder = srv_session_find(p->gate->core, p->message.user);

	if (stranger_name(p) && holder)
		p->way = holder->way;
	return true;
}
FAULT(sessions_found_by_name, .request = session_by_name);
FAULT(anyone_can_leave_for_another, .request_of = C2W_LEAVE_SESSION_REQUEST, .request = session_by_name);

static bool same_name_any_case(struct srv_core *core, struct c2w_str name)
{
	for (const struct srv_endpoint *e = core->names; e; e = e->hh_name.next) {
		if (e->name_length == name.length && strncasecmp(e->name, name.at, name.length) == 0)
			return true;
	}
	return false;
}

static int taken_in_any_case(struct srv_passing *p, int error)
{
	bool connect = srv_is(p, C2W_CONNECTION_REQUEST) && error == SRV_NO_ERROR;

	return connect && same_name_any_case(p->gate->core, p->message.user) ? C2W_PARAM_name_taken_ : error;
}
FAULT(names_taken_in_any_case, .judge = taken_in_any_case);
