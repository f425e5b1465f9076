/* What comes in, and what sections 4 and 5 of PROTOCOL.md make of it: the order of the rules, the table of states.
 * Called by whoever carries messages (serve.c, tests, fuzz targets). Owns the core; see core.h. */
#include "server/core.h"

#include <stdlib.h>
#include <utlist.h>

#include "server/inside.h"

/* One request that is being processed. */
struct srv_request {
	struct srv_core *core;
	struct srv_endpoint *endpoint;
	const struct c2w_message *message;
	int64_t now;
};

/* ---- lists ---------------------------------------------------------------------------------- */

static char *append(char *to, struct c2w_str text)
{
	memcpy(to, text.at, text.length);
	return to + text.length;
}

static char *append_entry(char *to, const struct srv_core *core, const struct srv_endpoint *user)
{
	to = append(to, srv_name(user));
	to = append(to, c2w_str_of(core->settings.params.entry_separator));
	to = append(to, user->room->title);
	return append(to, c2w_str_of(core->settings.params.list_separator));
}

/* LST-01, LST-03: everyone with a session, now. */
static struct c2w_str user_list(struct srv_core *core)
{
	size_t separator = strlen(core->settings.params.list_separator);
	const struct srv_endpoint *user;
	char *to = core->scratch;

	for (user = core->names; user; user = user->hh_name.next)
		to = append_entry(to, core, user);
	return (struct c2w_str){ core->scratch, (size_t)(to - core->scratch) - separator };
}

/* Octets of a list response apart from its data: the longest TIME, command and user name. */
static size_t list_overhead(void)
{
	return C2W_MAX_TIME_TEXT + sizeof(": MOVIE_LIST_RESPONSE||\r\n") - 1 + C2W_MAX_USER_NAME;
}

size_t srv_core_users_that_fit(const struct srv_movie *movies, size_t movie_count)
{
	size_t titles = 0, longest = sizeof("MAIN_ROOM") - 1, room = C2W_MAX_TO_CLIENT - list_overhead();

	for (size_t i = 0; i < movie_count; i++) {
		titles += movies[i].title.length + 1;
		if (movies[i].title.length > longest)
			longest = movies[i].title.length;
	}
	return titles > room ? 0 : room / (C2W_MAX_USER_NAME + 1 + longest + 1);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void respond(const struct srv_request *request, enum c2w_command command, unsigned code, struct c2w_str data)
{
	struct c2w_message message = *request->message; /* FMT-02, FMT-03: its TIME and USER_NAME, octet for octet */

	message.command = command;
	message.command_text = (struct c2w_str){ "", 0 };
	message.code = code;
	message.data = data;
	srv_respond(request->core, request->endpoint, srv_parcel_new(&request->core->pool, &message), request->now);
}

static void grant(const struct srv_request *request, struct c2w_str data)
{
	enum c2w_family family = c2w_command_info(request->message->command)->family;

	respond(request, c2w_command_of(family, C2W_RESPONSE), 0, data);
}

static void refuse(const struct srv_request *request, int error)
{
	const struct c2w_param_info *info = c2w_param_info((enum c2w_param)error);
	enum c2w_family family = c2w_command_info(request->message->command)->family;
	int64_t code;

	memcpy(&code, (const char *)&request->core->settings.params + info->offset, sizeof(code));
	srv_note(request->core, &request->endpoint->way, false, info->name, request->message->user);
	respond(request, c2w_command_of(family, C2W_ERROR_RESPONSE), (unsigned)code, C2W_STR(""));
}

/* ---- checks: the first error that applies, in the order of section 4 ------------------------- */

static int check_connection(const struct srv_request *request)
{
	const struct srv_core *core = request->core;

	if (!c2w_user_name_valid(request->message->user)) /* CON-03 */
		return C2W_PARAM_name_invalid_;
	if (srv_session_find(core, request->message->user)) /* CON-02 */
		return C2W_PARAM_name_taken_;
	if (core->users >= core->settings.max_users) /* CON-04 */
		return C2W_PARAM_server_full_;
	return SRV_NO_ERROR;
}

static int check_title(const struct srv_request *request)
{
	const struct srv_core *core = request->core;
	const struct srv_room *room = srv_room_find(core, request->message->data);

	if (!room) /* ENT-02 */
		return C2W_PARAM_no_such_movie_;
	if (core->settings.max_room && room->count >= core->settings.max_room) /* ENT-05 */
		return C2W_PARAM_room_full_;
	return SRV_NO_ERROR;
}

static int check_text(const struct srv_request *request) /* MSG-06 */
{
	size_t length = request->message->data.length;

	return length == 0 || length > (size_t)request->core->settings.params.max_text ? SRV_DISCARD : SRV_NO_ERROR;
}

/* ---- acts ----------------------------------------------------------------------------------- */

static void connect_user(const struct srv_request *request) /* CON-01 */
{
	srv_session_begin(request->core, request->endpoint, request->message->user);
	srv_note(request->core, &request->endpoint->way, false, "connected", request->message->user);
	grant(request, C2W_STR(""));
}

static void list_users(const struct srv_request *request)
{
	grant(request, user_list(request->core));
}

static void list_movies(const struct srv_request *request) /* LST-02 */
{
	grant(request, (struct c2w_str){ request->core->movie_list, request->core->movie_list_length });
}

static void enter_movie(const struct srv_request *request) /* ENT-01 */
{
	struct srv_room *room = srv_room_find(request->core, request->message->data);

	srv_session_move(request->core, request->endpoint, room);
	grant(request, room->stream); /* ENT-06 */
}

static void leave_movie(const struct srv_request *request) /* LEA-01 */
{
	srv_session_move(request->core, request->endpoint, request->core->rooms);
	grant(request, C2W_STR(""));
}

static void disconnect_user(const struct srv_request *request) /* LEA-02 */
{
	srv_note(request->core, &request->endpoint->way, false, "left", request->message->user);
	srv_session_end(request->core, request->endpoint);
	grant(request, C2W_STR(""));
}

/* MSG-01, MSG-02: the author's room as it is now, one after the other: MSG-05. The author is settled by the caller. */
static void say(const struct srv_request *request)
{
	struct srv_core *core = request->core;
	struct srv_endpoint *author = request->endpoint, *member, *next;
	struct c2w_message message = *request->message;
	struct srv_parcel *parcel;

	message.command = C2W_NEW_MESSAGE;
	message.command_text = (struct c2w_str){ "", 0 };
	parcel = srv_parcel_new(&core->pool, &message);
	DL_FOREACH_SAFE(author->room->members, member, next) {
		srv_deliver(core, member, parcel, member == author, request->now);
		if (member != author)
			srv_endpoint_settle(core, member);
	}
	srv_parcel_release(&core->pool, parcel);
}

/* ---- the table of section 4 ------------------------------------------------------------------ */

/* An empty cell: the request is discarded. */
static const struct srv_cell {
	enum c2w_param error;                              /* always this one; else */
	int (*check)(const struct srv_request *request);   /* this decides; else nothing is to be checked; */
	void (*act)(const struct srv_request *request);    /* and without an error, this is done */
} cells[SRV_STATES][C2W_FAMILIES] = {
	[SRV_DISCONNECTED] = {
		[C2W_CONNECTION] = { .check = check_connection, .act = connect_user },
		[C2W_USER_LIST] = { 0 },                                                /* LST-05 */
		[C2W_MOVIE_LIST] = { 0 },                                               /* LST-05 */
		[C2W_ENTER_MOVIE] = { .error = C2W_PARAM_not_connected_ },              /* ENT-04 */
		[C2W_LEAVE_SESSION] = { .error = C2W_PARAM_no_session_ },               /* LEA-03 */
		[C2W_CHAT] = { 0 },                                                     /* MSG-07 */
	},
	[SRV_MAIN_ROOM] = {
		[C2W_CONNECTION] = { .error = C2W_PARAM_already_connected_ },           /* CON-05 */
		[C2W_USER_LIST] = { .act = list_users },
		[C2W_MOVIE_LIST] = { .act = list_movies },
		[C2W_ENTER_MOVIE] = { .check = check_title, .act = enter_movie },
		[C2W_LEAVE_SESSION] = { .act = disconnect_user },
		[C2W_CHAT] = { .check = check_text, .act = say },
	},
	[SRV_MOVIE_ROOM] = {
		[C2W_CONNECTION] = { .error = C2W_PARAM_already_connected_ },           /* CON-05 */
		[C2W_USER_LIST] = { .act = list_users },                                /* LST-04 */
		[C2W_MOVIE_LIST] = { .act = list_movies },                              /* LST-04 */
		[C2W_ENTER_MOVIE] = { .error = C2W_PARAM_already_in_movie_ },           /* ENT-03 */
		[C2W_LEAVE_SESSION] = { .act = leave_movie },
		[C2W_CHAT] = { .check = check_text, .act = say },
	},
};

/* ---- what comes in --------------------------------------------------------------------------- */

static void process(struct srv_core *core, const struct srv_way *way, struct srv_endpoint *endpoint,
                    const struct c2w_message *message, int64_t now)
{
	enum c2w_family family = c2w_command_info(message->command)->family;
	const struct srv_cell *cell = &cells[endpoint ? endpoint->state : SRV_DISCONNECTED][family];
	struct srv_request request = { core, endpoint, message, now };
	int error = cell->error ? (int)cell->error : cell->check ? cell->check(&request) : cell->act ? SRV_NO_ERROR : SRV_DISCARD;

	error = core->policy.verdict(core, endpoint, message, error);
	if (error == SRV_DISCARD) {
		srv_note(core, way, true, "discarded, not for this state or text", message->data);
		return;
	}
	if (!request.endpoint)
		request.endpoint = srv_endpoint_new(core, way);
	request.endpoint->way.local = way->local; /* TRN-04 */
	srv_processed(core, request.endpoint, message->time);
	if (error != SRV_NO_ERROR)
		refuse(&request, error);
	else if (cell->act)
		cell->act(&request);
	srv_endpoint_settle(core, request.endpoint);
}

static void receive_request(struct srv_core *core, const struct srv_way *way, struct srv_endpoint *endpoint,
                            const struct c2w_message *message, int64_t now)
{
	bool session = endpoint && endpoint->state != SRV_DISCONNECTED;

	if (session && message->command != C2W_CONNECTION_REQUEST && !c2w_str_equal(message->user, srv_name(endpoint))) { /* NAM-01 */
		srv_note(core, way, true, "discarded, the name is another's", message->user);
	} else if (endpoint && srv_repeat(core, endpoint, way, message)) { /* REL-11, REL-12 */
		srv_note(core, way, true, "answered again", message->user);
		srv_endpoint_settle(core, endpoint);
	} else if (session && core->policy.stale(core, endpoint, message)) { /* REL-11 */
		srv_note(core, way, true, "discarded, its TIME does not grow", message->time_text);
	} else {
		process(core, way, endpoint, message, now);
	}
}

void srv_core_receive(struct srv_core *core, const struct srv_way *way, const char *octets, size_t length, int64_t now)
{
	size_t max = (size_t)core->settings.params.max_request;
	struct c2w_message message;
	enum c2w_err err = c2w_message_parse(&message, octets, length, max); /* FMT-05, FMT-07 */
	struct srv_endpoint *endpoint;

	if (err || c2w_command_info(message.command)->sender == C2W_SERVER) { /* FMT-06 */
		srv_note(core, way, true, err ? c2w_err_text(err) : "only servers send it", (struct c2w_str){ octets, length });
		return;
	}
	endpoint = srv_endpoint_find(core, way);
	if (c2w_command_info(message.command)->beat != C2W_ACK) {
		receive_request(core, way, endpoint, &message, now);
	} else if (endpoint) {
		srv_acked(core, endpoint, &message, now);
		srv_endpoint_settle(core, endpoint);
	}
}

void srv_core_closed(struct srv_core *core, const struct srv_way *way) /* TRN-06 */
{
	struct srv_endpoint *endpoint = srv_endpoint_find(core, way);

	if (!endpoint)
		return;
	srv_note(core, way, false, "closed its connection", srv_name(endpoint));
	srv_endpoint_forget(core, endpoint);
}

/* ---- the core itself ------------------------------------------------------------------------- */

bool srv_core_has_session(const struct srv_core *core, const struct srv_way *way)
{
	const struct srv_endpoint *endpoint = srv_endpoint_find(core, way);

	return endpoint && endpoint->state != SRV_DISCONNECTED;
}

size_t srv_core_users(const struct srv_core *core)
{
	return core->users;
}

size_t srv_core_endpoints(const struct srv_core *core)
{
	return HASH_COUNT(core->endpoints);
}

static void make_rooms(struct srv_core *core)
{
	const struct srv_settings *settings = &core->settings;
	size_t length = 0;
	char *to;

	core->rooms = srv_allocate((settings->movie_count + 1) * sizeof(*core->rooms));
	core->rooms[0].title = c2w_str_of(settings->params.main_room);
	for (size_t i = 0; i < settings->movie_count; i++) {
		struct srv_room *room = &core->rooms[i + 1];

		room->title = settings->movies[i].title;
		room->stream = settings->movies[i].stream;
		HASH_ADD_KEYPTR(hh, core->titles, room->title.at, room->title.length, room);
		length += room->title.length + strlen(settings->params.list_separator);
	}
	core->movie_list = to = srv_allocate(length + 1);
	for (size_t i = 0; i < settings->movie_count; i++) {
		if (i)
			to = append(to, c2w_str_of(settings->params.list_separator));
		to = append(to, settings->movies[i].title);
	}
	core->movie_list_length = (size_t)(to - core->movie_list);
}

static size_t at_most(size_t wanted, size_t most)
{
	return wanted < most ? wanted : most;
}

struct srv_core *srv_core_new(const struct srv_settings *settings, const struct srv_carrier *carrier)
{
	struct srv_core *core = malloc(sizeof(*core));

	if (!core)
		abort();
	memset(core, 0, offsetof(struct srv_core, scratch));
	core->settings = *settings;
	core->policy = srv_policy_complete(settings->policy);
	core->carrier = *carrier;
	core->settings.max_users = at_most(settings->max_users, srv_core_users_that_fit(settings->movies, settings->movie_count));
	make_rooms(core);
	return core;
}

void srv_core_free(struct srv_core *core)
{
	struct srv_endpoint *endpoint, *next;

	if (!core)
		return;
	HASH_ITER(hh, core->endpoints, endpoint, next)
		srv_endpoint_forget(core, endpoint);
	while ((endpoint = core->spare)) {
		core->spare = endpoint->next;
		free(endpoint);
	}
	for (struct srv_waiting *waiting; (waiting = core->spare_waiting);) {
		core->spare_waiting = waiting->next;
		free(waiting);
	}
	HASH_CLEAR(hh, core->titles);
	srv_pool_free(&core->pool);
	free(core->rooms);
	free(core->movie_list);
	free(core);
}
