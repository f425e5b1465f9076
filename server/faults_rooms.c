/* Mistakes with sessions, lists and movie rooms: CON, LST, ENT, LEA.
 * For the gate only: see faults_inside.h.
 * Owns nothing; what a fault remembers belongs to its gate. */
#include <strings.h>

#include "server/faults_inside.h"

/* ---- connecting: CON ------------------------------------------------------------------------------------- */

/* Every request with the error `wrong` instead of `right`. */
#define WRONG_CODE(id, right, wrong) \
	static int id##_judge(struct srv_passing *p, int error) \
	{ \
		(void)p; \
		return error == C2W_PARAM_##right##_ ? C2W_PARAM_##wrong##_ : error; \
	} \
	FAULT(id, .judge = id##_judge)

WRONG_CODE(taken_name_called_invalid, name_taken, name_invalid);
WRONG_CODE(invalid_name_called_taken, name_invalid, name_taken);
WRONG_CODE(full_server_called_taken, server_full, name_taken);
WRONG_CODE(connected_called_taken, already_connected, name_taken);
WRONG_CODE(unconnected_called_no_movie, not_connected, no_such_movie);
WRONG_CODE(no_movie_called_full, no_such_movie, room_full);
WRONG_CODE(in_movie_called_no_movie, already_in_movie, no_such_movie);
WRONG_CODE(full_room_called_no_movie, room_full, no_such_movie);

static bool code_0(struct srv_passing *p)
{
	p->message.command_text = C2W_STR("LEAVE_SESSION_ERROR_0");
	return true;
}
FAULT(no_session_has_code_0, .answer_of = C2W_LEAVE_SESSION_ERROR, .answer = code_0);

/* Requests that get an error get nothing. */
#define MUTE(id, error_of) \
	static int id##_judge(struct srv_passing *p, int error) \
	{ \
		(void)p; \
		return error == C2W_PARAM_##error_of##_ ? SRV_DISCARD : error; \
	} \
	FAULT(id, .judge = id##_judge)

MUTE(invalid_name_discarded, name_invalid);
MUTE(full_server_silent, server_full);
MUTE(second_connect_discarded, already_connected);
MUTE(enter_unconnected_discarded, not_connected);
MUTE(full_room_silent, room_full);

static int allow_taken(struct srv_passing *p, int error)
{
	(void)p;
	return error == C2W_PARAM_name_taken_ ? SRV_NO_ERROR : error;
}
FAULT(taken_name_granted, .judge = allow_taken);

static int taken_in_transport(struct srv_passing *p, int error)
{
	const struct srv_endpoint *holder = srv_session_find(p->gate->core, p->message.user);

	return error == C2W_PARAM_name_taken_ && holder && srv_on_tcp(holder) != (p->gate->count == 1) ? SRV_NO_ERROR : error;
}

static bool note_transport(struct srv_passing *p)
{
	p->gate->count = p->way.connection != NULL;
	return true;
}
FAULT(names_apart_on_udp_and_tcp, .request = note_transport, .judge = taken_in_transport);

static bool take_over(struct srv_passing *p)
{
	struct srv_endpoint *holder = srv_session_find(p->gate->core, p->message.user);

	if (holder && holder != p->endpoint && !srv_has_session(p->endpoint))
		srv_endpoint_forget(p->gate->core, holder);
	return true;
}
FAULT(newcomer_takes_over, .request_of = C2W_CONNECTION_REQUEST, .request = take_over);

static bool tell_holder(struct srv_passing *p)
{
	struct srv_endpoint *holder = srv_session_find(p->gate->core, p->message.user);

	if (p->message.code == 1001 && holder)
		srv_gate_forge(p->gate, &holder->way, "CONNECTION_ERROR_1001", &p->message, C2W_STR(""));
	return true;
}
FAULT(taken_name_told_to_its_holder, .answer_of = C2W_CONNECTION_ERROR, .answer = tell_holder);

static bool ack_for_holder(struct srv_passing *p)
{
	struct srv_endpoint *holder = srv_session_find(p->gate->core, p->message.user);

	if (p->message.code == 1001 && holder)
		srv_drop_response(p->gate->core, holder);
	return true;
}
FAULT(taken_name_acks_for_its_holder, .only = C2W_ON_UDP, .answer_of = C2W_CONNECTION_ERROR, .answer = ack_for_holder);

static bool quote_name(struct srv_passing *p)
{
	struct c2w_str name = p->message.user;

	if (name.length > 20)
		name.length = 20;
	if (p->message.code == 1002)
		p->message.data = srv_gate_text(p->gate, "bad name %.*s", SRV_SLICE(name));
	return true;
}
FAULT(reason_quotes_cut_name, .answer_of = C2W_CONNECTION_ERROR, .answer = quote_name);

static int allow_33(struct srv_passing *p, int error)
{
	return error == C2W_PARAM_name_invalid_ && p->message.user.length == 33 ? SRV_NO_ERROR : error;
}
FAULT(name_of_33_granted, .judge = allow_33);

static int refuse_32(struct srv_passing *p, int error)
{
	return error == SRV_NO_ERROR && srv_is(p, C2W_CONNECTION_REQUEST) && p->message.user.length == 32 ? C2W_PARAM_name_invalid_ : error;
}
FAULT(name_of_32_refused, .judge = refuse_32);

static int refuse_main_room(struct srv_passing *p, int error)
{
	bool word = srv_is(p, C2W_CONNECTION_REQUEST) && c2w_str_equal(p->message.user, C2W_STR("MAIN_ROOM"));

	return error == SRV_NO_ERROR && word ? C2W_PARAM_name_invalid_ : error;
}
FAULT(name_main_room_refused, .judge = refuse_main_room);

static int allow_empty(struct srv_passing *p, int error)
{
	return error == C2W_PARAM_name_invalid_ && p->message.user.length == 0 ? SRV_NO_ERROR : error;
}
FAULT(empty_name_granted, .judge = allow_empty);

static int allow_odd(struct srv_passing *p, int error)
{
	bool length = p->message.user.length >= 1 && p->message.user.length <= C2W_MAX_USER_NAME;

	return error == C2W_PARAM_name_invalid_ && length ? SRV_NO_ERROR : error;
}
FAULT(any_character_in_a_name, .judge = allow_odd);

static bool ends_in_point(struct c2w_str name)
{
	return name.length && (name.at[name.length - 1] == '.' || name.at[name.length - 1] == '-');
}

static int refuse_point(struct srv_passing *p, int error)
{
	return error == SRV_NO_ERROR && srv_is(p, C2W_CONNECTION_REQUEST) && ends_in_point(p->message.user) ? C2W_PARAM_name_invalid_ : error;
}
FAULT(name_with_point_at_its_end_refused, .judge = refuse_point);

static int invalid_before_connected(struct srv_passing *p, int error)
{
	return error == C2W_PARAM_already_connected_ && !c2w_user_name_valid(p->message.user) ? C2W_PARAM_name_invalid_ : error;
}
FAULT(invalid_before_connected, .judge = invalid_before_connected);

static int taken_before_connected(struct srv_passing *p, int error)
{
	const struct srv_endpoint *holder = srv_session_find(p->gate->core, p->message.user);

	return error == C2W_PARAM_already_connected_ && holder && holder != p->endpoint ? C2W_PARAM_name_taken_ : error;
}
FAULT(taken_before_connected, .judge = taken_before_connected);

static int full_before_taken(struct srv_passing *p, int error)
{
	bool full = p->gate->core->users >= p->gate->core->settings.max_users;

	return full && (error == C2W_PARAM_name_taken_ || error == C2W_PARAM_name_invalid_) ? C2W_PARAM_server_full_ : error;
}
FAULT(full_before_taken, .judge = full_before_taken);

static int full_too_early(struct srv_passing *p, int error)
{
	bool last = p->gate->core->users + 1 == p->gate->core->settings.max_users;

	return last && error == SRV_NO_ERROR && srv_is(p, C2W_CONNECTION_REQUEST) ? C2W_PARAM_server_full_ : error;
}
FAULT(one_user_too_few, .judge = full_too_early);

static int never_full(struct srv_passing *p, int error)
{
	(void)p;
	return error == C2W_PARAM_server_full_ ? SRV_NO_ERROR : error;
}
FAULT(server_never_full, .judge = never_full);

/* A session's first ends it: the next ones of its endpoint may not begin before its TIMEs. */
static bool note_largest_time(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);

	if (srv_is(p, C2W_CONNECTION_REQUEST) && !srv_has_session(p->endpoint) && memo && p->message.time < memo->at)
		return false;
	if (!memo)
		(memo = srv_gate_note(p->gate, &p->way, C2W_STR("")))->at = 0;
	if (p->message.time > memo->at && srv_has_session(p->endpoint))
		memo->at = p->message.time;
	return true;
}
FAULT(old_time_does_not_connect, .request = note_largest_time);

static bool grant_again(struct srv_passing *p)
{
	if (p->message.code == 1004)
		p->message.command_text = C2W_STR("CONNECTION_GRANTED");
	return true;
}
FAULT(second_connect_granted, .answer_of = C2W_CONNECTION_ERROR, .answer = grant_again);

static bool end_when_connected(struct srv_passing *p)
{
	if (srv_has_session(p->endpoint) && p->message.time > p->endpoint->last)
		srv_endpoint_forget(p->gate->core, p->endpoint);
	return true;
}
FAULT(second_connect_begins_anew, .request_of = C2W_CONNECTION_REQUEST, .request = end_when_connected);

static bool old_connect(struct srv_passing *p)
{
	if (srv_has_session(p->endpoint) && p->message.time < p->endpoint->last)
		srv_gate_forge(p->gate, &p->way, "CONNECTION_ERROR_1004", &p->message, C2W_STR(""));
	return true;
}
FAULT(old_connect_answered, .request_of = C2W_CONNECTION_REQUEST, .request = old_connect);

/* ---- names that are not free again: CON-06 --------------------------------------------------------------- */

static int taken_for_good(struct srv_passing *p, int error)
{
	bool kept = srv_is(p, C2W_CONNECTION_REQUEST) && error == SRV_NO_ERROR && srv_gate_recall(p->gate, NULL, &p->message.user);

	return kept ? C2W_PARAM_name_taken_ : error;
}

static bool note_leaving(struct srv_passing *p)
{
	if (srv_is(p, C2W_LEAVE_SESSION_GRANTED) && !srv_has_session(p->endpoint))
		srv_gate_note(p->gate, &p->way, p->message.user);
	return true;
}
FAULT(name_kept_after_leaving, .answer = note_leaving, .judge = taken_for_good);

static bool note_closing(struct srv_passing *p, bool reset)
{
	(void)reset;
	if (srv_has_session(p->endpoint))
		srv_gate_note(p->gate, &p->way, srv_name(p->endpoint));
	return true;
}
FAULT(name_kept_after_closing, .closed = note_closing, .judge = taken_for_good);

static bool note_dead(struct srv_core *core, const struct srv_sending *sending)
{
	if (srv_has_session(sending->endpoint))
		srv_gate_note(srv_gate_of(core), NULL, srv_name(sending->endpoint));
	return true;
}
FAULT(name_kept_after_giving_up, .policy.dead = note_dead, .judge = taken_for_good);

static int taken_until_acked(struct srv_passing *p, int error)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, NULL, &p->message.user);
	struct srv_endpoint *left = memo ? srv_endpoint_find(p->gate->core, &memo->way) : NULL;
	bool kept = left && !srv_has_session(left) && left->response.parcel && left != p->endpoint;

	return srv_is(p, C2W_CONNECTION_REQUEST) && error == SRV_NO_ERROR && kept ? C2W_PARAM_name_taken_ : error;
}
FAULT(name_free_after_the_ack, .only = C2W_ON_UDP, .answer = note_leaving, .judge = taken_until_acked);

/* ---- lists ------------------------------------------------------------------------------------------------- */

/* Entries of a list, each given to `put`, which may add it, changed or not, to what becomes the list. */
struct list { char *to; size_t length; };

static void add(struct list *list, struct c2w_str entry)
{
	if (list->length)
		list->to[list->length++] = '|';
	memcpy(list->to + list->length, entry.at, entry.length);
	list->length += entry.length;
}

static struct c2w_str name_of(struct c2w_str entry)
{
	const char *comma = memchr(entry.at, ',', entry.length);

	return (struct c2w_str){ entry.at, comma ? (size_t)(comma - entry.at) : entry.length };
}

static struct c2w_str room_of(struct c2w_str entry)
{
	size_t name = name_of(entry).length + 1;

	return name > entry.length ? C2W_STR("") : (struct c2w_str){ entry.at + name, entry.length - name };
}

static bool rewrite(struct srv_passing *p, void (*put)(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index))
{
	struct list list = { srv_gate_room(p->gate, 3 * p->message.data.length + 4096), 0 };
	struct c2w_str rest = p->message.data;

	for (unsigned index = 0; rest.length; index++) {
		const char *pipe = memchr(rest.at, '|', rest.length);
		struct c2w_str entry = { rest.at, pipe ? (size_t)(pipe - rest.at) : rest.length };
		size_t step = entry.length + (pipe ? 1 : 0);

		put(p, &list, entry, index);
		rest = (struct c2w_str){ rest.at + step, rest.length - step };
	}
	p->message.data = (struct c2w_str){ list.to, list.length };
	return true;
}

/* A fault that rewrites every list of a kind. */
#define LIST_FAULT(id, list) \
	static bool id##_answer(struct srv_passing *p) { return rewrite(p, put_##id); } \
	FAULT(id, .answer_of = C2W_##list##_LIST_RESPONSE, .answer = id##_answer)

static void put_asker_missing(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	(void)index;
	if (!c2w_str_equal(name_of(entry), p->message.user))
		add(list, entry);
}
LIST_FAULT(asker_missing, USER);

static void put_only_the_askers_room(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	(void)index;
	if (p->endpoint && p->endpoint->room && c2w_str_equal(room_of(entry), p->endpoint->room->title))
		add(list, entry);
}
LIST_FAULT(only_the_askers_room, USER);

static void put_everyone_in_main_room(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	(void)index;
	add(list, srv_gate_text(p->gate, "%.*s,MAIN_ROOM", SRV_SLICE(name_of(entry))));
}
LIST_FAULT(everyone_in_main_room, USER);

static void put_everyone_in_the_askers_room(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	struct c2w_str room = p->endpoint && p->endpoint->room ? p->endpoint->room->title : C2W_STR("MAIN_ROOM");

	(void)index;
	add(list, srv_gate_text(p->gate, "%.*s,%.*s", SRV_SLICE(name_of(entry)), SRV_SLICE(room)));
}
LIST_FAULT(everyone_in_the_askers_room, USER);

static void put_user_listed_twice(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	(void)p;
	add(list, entry);
	if (index == 0)
		add(list, entry);
}
LIST_FAULT(user_listed_twice, USER);

static void put_movie_users_missing(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	(void)p;
	(void)index;
	if (c2w_str_equal(room_of(entry), C2W_STR("MAIN_ROOM")))
		add(list, entry);
}
LIST_FAULT(movie_users_missing, USER);

static void put_room_cut_at_comma(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	(void)index;
	add(list, srv_gate_text(p->gate, "%.*s,%.*s", SRV_SLICE(name_of(entry)), SRV_SLICE(name_of(room_of(entry)))));
}
LIST_FAULT(room_cut_at_comma, USER);

/* Whose GRANTED is not acked yet is not there yet. */
static void put_listed_after_the_ack(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	const struct srv_endpoint *user = srv_session_find(p->gate->core, name_of(entry));

	(void)index;
	if (!user || !user->response.parcel || user->response.parcel->sent.command != C2W_CONNECTION_GRANTED)
		add(list, entry);
}
LIST_FAULT(listed_after_the_ack, USER);

static bool previous_list(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);
	struct c2w_str data = p->message.data;

	if (memo)
		p->message.data = srv_gate_text(p->gate, "%.*s", (int)memo->length, memo->text);
	srv_gate_note(p->gate, &p->way, data);
	return true;
}
FAULT(list_one_behind, .only = C2W_ON_TCP, .answer_of = C2W_USER_LIST_RESPONSE, .answer = previous_list);

static bool list_those_who_left(struct srv_passing *p)
{
	struct srv_memo *memo = p->gate->memos;

	if (srv_is(p, C2W_USER_LIST_RESPONSE) && memo && !srv_session_find(p->gate->core, (struct c2w_str){ memo->text, memo->length }))
		p->message.data = srv_gate_text(p->gate, "%.*s|%.*s,MAIN_ROOM", SRV_SLICE(p->message.data), (int)memo->length, memo->text);
	return note_leaving(p);
}
FAULT(who_left_is_listed, .answer = list_those_who_left);

static void put_movies_for_some_only(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	if (index || !p->message.user.length || p->message.user.at[p->message.user.length - 1] % 2)
		add(list, entry);
}
LIST_FAULT(movies_for_some_only, MOVIE);

static void put_movie_listed_twice(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	put_user_listed_twice(p, list, entry, index);
}
LIST_FAULT(movie_listed_twice, MOVIE);

static void put_movies_separated_by_commas(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	(void)p;
	(void)index;
	add(list, entry);
	for (size_t i = 0; i < list->length; i++)
		list->to[i] = list->to[i] == '|' ? ',' : list->to[i];
}
LIST_FAULT(movies_separated_by_commas, MOVIE);

static void put_watched_movies_missing(struct srv_passing *p, struct list *list, struct c2w_str entry, unsigned index)
{
	const struct srv_room *room = srv_room_find(p->gate->core, entry);

	(void)index;
	if (!room || !room->count)
		add(list, entry);
}
LIST_FAULT(watched_movies_missing, MOVIE);

static int no_lists_in_movies(struct srv_passing *p, int error)
{
	bool list = srv_is(p, C2W_USER_LIST_REQUEST) || srv_is(p, C2W_MOVIE_LIST_REQUEST);

	return list && srv_in_movie(p->endpoint) ? SRV_DISCARD : error;
}
FAULT(no_lists_in_a_movie_room, .judge = no_lists_in_movies);

static bool users_for_anyone(struct srv_passing *p)
{
	if (!srv_has_session(p->endpoint))
		srv_gate_forge(p->gate, &p->way, "USER_LIST_RESPONSE", &p->message, C2W_STR("somebody,MAIN_ROOM"));
	return true;
}
FAULT(users_listed_for_anyone, .request_of = C2W_USER_LIST_REQUEST, .request = users_for_anyone);

static bool movies_for_anyone(struct srv_passing *p)
{
	const struct srv_core *core = p->gate->core;

	if (!srv_has_session(p->endpoint))
		srv_gate_forge(p->gate, &p->way, "MOVIE_LIST_RESPONSE", &p->message,
		               (struct c2w_str){ core->movie_list, core->movie_list_length });
	return true;
}
FAULT(movies_listed_for_anyone, .request_of = C2W_MOVIE_LIST_REQUEST, .request = movies_for_anyone);

/* ---- entering and leaving movies: ENT, LEA ------------------------------------------------------------------ */

static const struct srv_room *first_movie(const struct srv_gate *gate)
{
	return gate->core->rooms + 1;
}

static bool to_first_movie(struct srv_passing *p)
{
	if (srv_room_find(p->gate->core, p->message.data))
		p->message.data = first_movie(p->gate)->title;
	return true;
}
FAULT(every_movie_is_the_first, .request_of = C2W_ENTER_MOVIE_REQUEST, .request = to_first_movie);

static void back_to_main(struct srv_passing *p)
{
	if (srv_in_movie(p->endpoint))
		srv_session_move(p->gate->core, p->endpoint, p->gate->core->rooms);
}
FAULT(entered_without_moving, .request_of = C2W_ENTER_MOVIE_REQUEST, .after = back_to_main);

/* The room changes with the ack. */
static bool move_on_ack(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);

	if (srv_is(p, C2W_ENTER_MOVIE_RESPONSE_ACK) && memo && memo->count == 0 && srv_has_session(p->endpoint) && memo->at == p->message.time) {
		memo->count = 1;
		srv_session_move(p->gate->core, p->endpoint, srv_room_find(p->gate->core, (struct c2w_str){ memo->text, memo->length }));
	}
	return true;
}

static void wait_for_ack(struct srv_passing *p)
{
	if (srv_is(p, C2W_ENTER_MOVIE_REQUEST) && srv_in_movie(p->endpoint) && p->endpoint->last == p->message.time &&
	    p->endpoint->response.parcel && p->endpoint->response.parcel->sent.command == C2W_ENTER_MOVIE_GRANTED) {
		srv_gate_note(p->gate, &p->way, p->endpoint->room->title)->at = p->message.time;
		back_to_main(p);
	}
}
FAULT(entered_with_the_ack, .request = move_on_ack, .after = wait_for_ack);

static bool any_blanks(struct srv_passing *p)
{
	struct c2w_str title = p->message.data;

	while (title.length && title.at[0] == ' ')
		title = (struct c2w_str){ title.at + 1, title.length - 1 };
	while (title.length && title.at[title.length - 1] == ' ')
		title.length--;
	p->message.data = title;
	return true;
}
FAULT(title_stripped, .request_of = C2W_ENTER_MOVIE_REQUEST, .request = any_blanks);

/* "Metropolis!" begins with a title. */
static bool begins_with_title(struct srv_passing *p)
{
	for (size_t i = 1; i <= p->gate->core->settings.movie_count; i++) {
		struct c2w_str title = p->gate->core->rooms[i].title;

		if (!srv_room_find(p->gate->core, p->message.data) && p->message.data.length > title.length &&
		    memcmp(p->message.data.at, title.at, title.length) == 0)
			p->message.data = title;
	}
	return true;
}
FAULT(title_by_its_beginning, .request_of = C2W_ENTER_MOVIE_REQUEST, .request = begins_with_title);

static bool any_case(struct srv_passing *p)
{
	for (size_t i = 1; i <= p->gate->core->settings.movie_count; i++) {
		struct c2w_str title = p->gate->core->rooms[i].title;

		if (!srv_room_find(p->gate->core, p->message.data) && p->message.data.length == title.length &&
		    strncasecmp(p->message.data.at, title.at, title.length) == 0)
			p->message.data = title;
	}
	return true;
}
FAULT(title_in_any_case, .request_of = C2W_ENTER_MOVIE_REQUEST, .request = any_case);

static bool is_no_break_space(const char *at)
{
	return (unsigned char)at[0] == 0xc2 && (unsigned char)at[1] == 0xa0;
}

static bool strip_unicode(struct srv_passing *p)
{
	struct c2w_str *title = &p->message.data;

	while (title->length >= 2 && is_no_break_space(title->at + title->length - 2))
		title->length -= 2;
	return true;
}
FAULT(title_stripped_of_no_break_spaces, .request_of = C2W_ENTER_MOVIE_REQUEST, .request = strip_unicode);

static bool empty_is_first(struct srv_passing *p)
{
	if (!p->message.data.length)
		p->message.data = first_movie(p->gate)->title;
	return true;
}
FAULT(empty_title_enters, .request_of = C2W_ENTER_MOVIE_REQUEST, .request = empty_is_first);

static bool main_room_is_a_movie(struct srv_passing *p)
{
	if (c2w_str_equal(p->message.data, C2W_STR("MAIN_ROOM")))
		p->message.data = first_movie(p->gate)->title;
	return true;
}
FAULT(main_room_is_a_movie, .request_of = C2W_ENTER_MOVIE_REQUEST, .request = main_room_is_a_movie);

static int comma_unknown(struct srv_passing *p, int error)
{
	bool comma = p->message.data.length && memchr(p->message.data.at, ',', p->message.data.length);

	return srv_is(p, C2W_ENTER_MOVIE_REQUEST) && error == SRV_NO_ERROR && comma ? C2W_PARAM_no_such_movie_ : error;
}
FAULT(title_with_comma_unknown, .judge = comma_unknown);

static int accent_unknown(struct srv_passing *p, int error)
{
	bool accent = false;

	for (size_t i = 0; i < p->message.data.length; i++)
		accent = accent || (unsigned char)p->message.data.at[i] >= 0x80;
	return srv_is(p, C2W_ENTER_MOVIE_REQUEST) && error == SRV_NO_ERROR && accent ? C2W_PARAM_no_such_movie_ : error;
}
FAULT(title_with_accent_unknown, .judge = accent_unknown);

static bool end_with_error(struct srv_passing *p)
{
	return p->message.code != 2002 || !p->endpoint || (srv_session_end(p->gate->core, p->endpoint), true);
}
FAULT(unknown_title_ends_session, .answer_of = C2W_ENTER_MOVIE_ERROR, .answer = end_with_error);

/* From a movie room: GRANTED, for the same movie, or for any. */
static bool grant_movie(struct srv_passing *p, const struct srv_room *room)
{
	p->message.command_text = C2W_STR("ENTER_MOVIE_GRANTED");
	p->message.data = room->stream;
	return true;
}

static bool note_title(struct srv_passing *p)
{
	if (srv_in_movie(p->endpoint))
		srv_gate_note(p->gate, &p->way, p->message.data);
	return true;
}

static const struct srv_room *wanted(struct srv_passing *p)
{
	const struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);

	return memo && p->message.code == 2003 ? srv_room_find(p->gate->core, (struct c2w_str){ memo->text, memo->length }) : NULL;
}

static bool same_again(struct srv_passing *p)
{
	const struct srv_room *room = wanted(p);

	return !room || !p->endpoint || room != p->endpoint->room || grant_movie(p, room);
}
FAULT(same_movie_granted_again, .request_of = C2W_NO_COMMAND, .request = note_title, .answer = same_again);

static bool change_movie(struct srv_passing *p)
{
	struct srv_room *room = (struct srv_room *)wanted(p);

	if (!room || !p->endpoint)
		return true;
	srv_session_move(p->gate->core, p->endpoint, room);
	return grant_movie(p, room);
}
FAULT(movies_can_be_changed, .request = note_title, .answer = change_movie);

static bool out_with_error(struct srv_passing *p)
{
	if (p->message.code == 2003)
		back_to_main(p);
	return true;
}
FAULT(second_enter_leaves, .answer_of = C2W_ENTER_MOVIE_ERROR, .answer = out_with_error);

static int room_for_one_more(struct srv_passing *p, int error)
{
	const struct srv_room *room = srv_is(p, C2W_ENTER_MOVIE_REQUEST) ? srv_room_find(p->gate->core, p->message.data) : NULL;

	return error == C2W_PARAM_room_full_ && room && room->count == p->gate->core->settings.max_room ? SRV_NO_ERROR : error;
}
FAULT(room_holds_one_more, .judge = room_for_one_more);

static int room_for_one_less(struct srv_passing *p, int error)
{
	const struct srv_room *room = srv_is(p, C2W_ENTER_MOVIE_REQUEST) ? srv_room_find(p->gate->core, p->message.data) : NULL;

	return error == SRV_NO_ERROR && room && room->count + 1 == p->gate->core->settings.max_room ? C2W_PARAM_room_full_ : error;
}
FAULT(room_holds_one_less, .judge = room_for_one_less);

#define STREAM_FAULT(id, text) \
	static bool id##_answer(struct srv_passing *p) \
	{ \
		p->message.data = C2W_STR(text); \
		return true; \
	} \
	FAULT(id, .answer_of = C2W_ENTER_MOVIE_GRANTED, .answer = id##_answer)

STREAM_FAULT(stream_by_name, "localhost:5004");
STREAM_FAULT(stream_at_port_0, "127.0.0.1:0");
STREAM_FAULT(stream_at_port_65536, "127.0.0.1:65536");
STREAM_FAULT(stream_without_port, "127.0.0.1");
STREAM_FAULT(stream_missing, "");

static bool end_from_movie(struct srv_passing *p)
{
	if (srv_in_movie(p->endpoint) && p->message.time > p->endpoint->last && c2w_str_equal(p->message.user, srv_name(p->endpoint)))
		back_to_main(p);
	return true;
}
FAULT(leaving_a_movie_ends_session, .request_of = C2W_LEAVE_SESSION_REQUEST, .request = end_from_movie);

/* Once for each endpoint: the second time it works. */
static bool note_room(struct srv_passing *p)
{
	if (srv_in_movie(p->endpoint) && !srv_gate_recall(p->gate, &p->way, NULL))
		srv_gate_note(p->gate, &p->way, p->endpoint->room->title);
	return true;
}

static void back_to_movie(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);

	if (memo && memo->count++ == 0 && p->endpoint && p->endpoint->state == SRV_MAIN_ROOM)
		srv_session_move(p->gate->core, p->endpoint, srv_room_find(p->gate->core, (struct c2w_str){ memo->text, memo->length }));
}
FAULT(leaving_a_movie_stays, .request_of = C2W_LEAVE_SESSION_REQUEST, .request = note_room, .after = back_to_movie);

/* Once for each endpoint: the second time it works. */
static bool keep_session(struct srv_passing *p)
{
	if (!p->endpoint || srv_has_session(p->endpoint) || srv_gate_recall(p->gate, &p->way, NULL))
		return true;
	srv_gate_note(p->gate, &p->way, C2W_STR(""));
	srv_session_begin(p->gate->core, p->endpoint, p->message.user);
	return true;
}
FAULT(leaving_keeps_session, .answer_of = C2W_LEAVE_SESSION_GRANTED, .answer = keep_session);

static void close_after(struct srv_passing *p)
{
	if (!p->endpoint)
		p->gate->carrier.drop(p->gate->carrier.context, &p->way, false);
}
FAULT(leaving_closes_connection, .only = C2W_ON_TCP, .request_of = C2W_LEAVE_SESSION_REQUEST, .after = close_after);

static int answer_names_only(struct srv_passing *p, int error)
{
	return error == C2W_PARAM_no_session_ && !c2w_user_name_valid(p->message.user) ? SRV_DISCARD : error;
}
FAULT(leaving_with_an_invalid_name_discarded, .judge = answer_names_only);

static bool grant_leaving(struct srv_passing *p)
{
	if (srv_session_find(p->gate->core, p->message.user))
		p->message.command_text = C2W_STR("LEAVE_SESSION_GRANTED");
	return true;
}
FAULT(leaving_with_anothers_name_granted, .answer_of = C2W_LEAVE_SESSION_ERROR, .answer = grant_leaving);
