/* A session core and whoever watches it: see session.h.
 * For targets/session.c and the simulator. The core's inside is read to name the cell a step is in, for nothing else.
 * Everything belongs to struct fz_session, apart from the judge. */
#include "fuzz/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "fuzz/cells.h"
#include "judge/judge.h"
#include "server/inside.h"

enum {
	MOST_OUTPUTS = 64, POOL = 1 << 14, /* of one step */
	STALL = 200,                        /* octets: what one unit of FZ_STALL means */
};

static const int64_t RTO = 1000000000, MOMENT = 1000000, TICK = 1000; /* ns */

struct output {
	unsigned client;
	size_t at, length;
};

struct watched {
	struct srv_way way;
	bool open;                      /* the judge has been told */
	size_t waits;                   /* what the kernel has not taken: FZ_STALL */
	bool dropped;                   /* by the core, in this step */
	unsigned sent;                  /* to it, in this step */
	enum fz_outcome outcome;        /* of this step, for it */
	bool copy;                      /* the octets of the last one once more */
	char response[FZ_MOST_OCTETS], text[FZ_MOST_OCTETS]; /* the last that came */
	size_t response_length, text_length;
};

struct fz_session {
	struct srv_settings settings;
	struct srv_core *core;
	struct jd *jd;                  /* kept between sessions: it is large */
	int64_t now;
	uintptr_t connections;          /* made so far: each has a name of its own */
	struct watched watched[FZ_CLIENTS];
	struct fz_client clients[FZ_CLIENTS];
	struct output outputs[MOST_OUTPUTS];
	unsigned output_count;
	size_t pooled;
	char pool[POOL];
};

static bool on_tcp(unsigned client)
{
	return client >= FZ_UDP_CLIENTS;
}

static unsigned client_of(const struct srv_way *way)
{
	return way->peer.port - 4000u;
}

/* ---- what comes out of the core -------------------------------------------------------------------- */

static void judge_found(void *context, const struct jd_finding *finding)
{
	(void)context;
	if (finding->suspicion)
		return;
	fprintf(stderr, "%s: %s\n  expected %.*s\n  got      %.*s\n", c2w_rule_info(finding->rule)->id, finding->what,
	        (int)finding->expected.length, finding->expected.at, (int)finding->got.length, finding->got.at);
	fz_refuted(__FILE__, __LINE__, "an always-on judge finds the core wrong");
}

static enum fz_outcome outcome_of(const struct c2w_message *message)
{
	const struct c2w_command_info *info = c2w_command_info(message->command);

	if (info->beat == C2W_ERROR_RESPONSE)
		return (enum fz_outcome)(FZ_ERROR_1 + (message->code == 1 ? 0 : message->code % 1000 - 1));
	return info->family == C2W_CHAT ? FZ_TEXT : FZ_ANSWER;
}

/* LST-01: nobody is named twice. */
static void check_user_list(struct c2w_str data)
{
	struct c2w_str names[FZ_CLIENTS];
	unsigned count = 0;

	for (const char *at = data.at, *end = data.at + data.length; at < end;) {
		const char *comma = memchr(at, ',', (size_t)(end - at)), *bar;
		struct c2w_str name;

		FZ_CLAIM(comma && count < FZ_CLIENTS);
		name = (struct c2w_str){ at, (size_t)(comma - at) };
		FZ_CLAIM(c2w_user_name_valid(name));
		for (unsigned i = 0; i < count; i++)
			FZ_CLAIM(!c2w_str_equal(names[i], name));
		names[count++] = name;
		bar = memchr(comma, '|', (size_t)(end - comma));
		at = bar ? bar + 1 : end;
	}
	FZ_CLAIM(count > 0);
}

static void keep(char *to, size_t *to_length, const char *octets, size_t length)
{
	FZ_CLAIM(length <= FZ_MOST_OCTETS);
	memcpy(to, octets, length);
	*to_length = length;
}

static void note_output(struct fz_session *s, unsigned client, const char *octets, size_t length)
{
	FZ_CLAIM(s->output_count < MOST_OUTPUTS && length <= POOL - s->pooled);
	s->outputs[s->output_count++] = (struct output){ client, s->pooled, length };
	memcpy(s->pool + s->pooled, octets, length);
	s->pooled += length;
	fz_saw_number(client);
	fz_saw(octets, length);
}

static size_t carrier_send(void *context, const struct srv_way *way, const char *octets, size_t length)
{
	struct fz_session *s = context;
	unsigned client = client_of(way);
	struct watched *w = &s->watched[client];
	struct c2w_message message;
	bool text, copy;

	FZ_CLAIM(client < FZ_CLIENTS && memcmp(way, &w->way, sizeof(*way)) == 0 && !w->dropped); /* TRN-04 */
	FZ_CLAIM(c2w_message_parse(&message, octets, length, C2W_MAX_TO_CLIENT) == C2W_OK);
	FZ_CLAIM(c2w_command_info(message.command)->sender == C2W_SERVER);
	jd_received(s->jd, client, s->now, octets, length);
	if (message.command == C2W_USER_LIST_RESPONSE)
		check_user_list(message.data);
	text = message.command == C2W_NEW_MESSAGE;
	copy = jd_last(s->jd)->repetition || c2w_str_equal((struct c2w_str){ octets, length },
	       text ? (struct c2w_str){ w->text, w->text_length }
	            	       : (struct c2w_str){ w->response, w->response_length });
	if (text)
		keep(w->text, &w->text_length, octets, length);
	else
		keep(w->response, &w->response_length, octets, length);
	if (w->sent++ == 0) {
		w->outcome = outcome_of(&message);
		w->copy = copy;
	}
	fz_client_got(&s->clients[client], &message);
	note_output(s, client, octets, length);
	return on_tcp(client) ? w->waits : 0;
}

static void close_connection(struct fz_session *s, unsigned client)
{
	struct watched *w = &s->watched[client];

	if (w->open)
		jd_close(s->jd, client, s->now);
	w->open = false;
	w->waits = 0;
	w->response_length = w->text_length = 0;
	s->clients[client].got_count = 0;
}

static void carrier_drop(void *context, const struct srv_way *way, bool reset)
{
	struct fz_session *s = context;
	struct watched *w = &s->watched[client_of(way)];

	FZ_CLAIM(reset && way->connection && w->waits > FZ_MAX_BACKLOG); /* ROB-03 */
	w->dropped = true;
}

static void carrier_note(void *context, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	(void)context;
	(void)way;
	(void)detail;
	FZ_CLAIM(*what && octets.at);
}

/* ---- one step --------------------------------------------------------------------------------------- */

static void begin_step(struct fz_session *s)
{
	s->now += TICK;
	s->output_count = 0;
	s->pooled = 0;
	for (unsigned i = 0; i < FZ_CLIENTS; i++) {
		s->watched[i].sent = 0;
		s->watched[i].outcome = FZ_SILENCE;
		s->watched[i].copy = false;
		s->watched[i].dropped = false;
	}
}

/* What must hold between two steps. */
static void check_bounds(struct fz_session *s)
{
	size_t sessions = 0;

	for (unsigned i = 0; i < FZ_CLIENTS; i++) {
		if (s->watched[i].dropped) {
			FZ_CLAIM(!srv_core_has_session(s->core, &s->watched[i].way));
			close_connection(s, i);
		}
		sessions += srv_core_has_session(s->core, &s->watched[i].way);
	}
	FZ_CLAIM(srv_core_users(s->core) == sessions && sessions <= s->settings.max_users);
	FZ_CLAIM(srv_core_endpoints(s->core) <= FZ_CLIENTS);
	FZ_CLAIM(srv_core_pending(s->core) <= 2 * FZ_UDP_CLIENTS); /* REL-14 */
	fz_saw_number(srv_core_users(s->core));
	fz_saw_number((uint64_t)srv_core_due(s->core));
}

static enum fz_state state_of(const struct srv_endpoint *endpoint)
{
	return endpoint ? (enum fz_state)endpoint->state : FZ_DISCONNECTED;
}

static enum fz_event event_of(const struct srv_endpoint *endpoint, const char *octets, size_t length)
{
	struct c2w_message message;
	unsigned family;

	if (c2w_message_parse(&message, octets, length, FZ_MAX_REQUEST) != C2W_OK || c2w_command_info(message.command)->sender == C2W_SERVER)
		return FZ_ON_MALFORMED;
	family = c2w_command_info(message.command)->family;
	if (c2w_command_info(message.command)->beat == C2W_ACK)
		return (enum fz_event)(FZ_ON_ACK + family);
	return (enum fz_event)(FZ_ON_REQUEST + family * FZ_AGES +
	                       (!endpoint || message.time > endpoint->last ? FZ_NEWER : message.time == endpoint->last ? FZ_EQUAL : FZ_OLDER));
}

static void claim_cell(enum fz_state state, unsigned client, enum fz_event event, enum fz_outcome outcome)
{
	char name[64];

	if (fz_cell(state, on_tcp(client), event, outcome))
		return;
	fprintf(stderr, "in state %d over %s, upon %s: outcome %d\n", state, on_tcp(client) ? "TCP" : "UDP", fz_event_name(event, name), outcome);
	fz_refuted(__FILE__, __LINE__, "a cell that no rule allows");
}

static void open_client(struct fz_session *s, unsigned client)
{
	struct watched *w = &s->watched[client];

	if (w->open)
		return;
	w->open = true;
	if (on_tcp(client))
		w->way.connection = (void *)(++s->connections);
	jd_open(s->jd, client, on_tcp(client), s->now);
}

static void send_octets(struct fz_session *s, unsigned client, const char *octets, size_t length)
{
	struct watched *w = &s->watched[client];
	const struct srv_endpoint *endpoint;
	enum fz_state state;
	enum fz_event event;
	char *copy;

	open_client(s, client);
	endpoint = srv_endpoint_find(s->core, &w->way);
	state = state_of(endpoint);
	event = event_of(endpoint, octets, length);
	copy = fz_text((const uint8_t *)octets, length); /* just as long as it is */
	jd_sent(s->jd, client, s->now, copy, length);
	srv_core_receive(s->core, &w->way, copy, length, s->now);
	free(copy);
	if (w->dropped || (state != FZ_DISCONNECTED && !srv_core_has_session(s->core, &w->way) && w->outcome != FZ_ANSWER))
		w->outcome = FZ_END;
	else if (w->copy && event < FZ_ON_ACK && event % FZ_AGES == FZ_EQUAL)
		w->outcome = FZ_COPY;
	claim_cell(state, client, event, w->outcome);
}

/* A stream's messages are what a framer gives: none without a CRLF, none with one inside, none too long. */
static bool frames(const char *octets, size_t length)
{
	return length >= 2 && length <= FZ_MAX_REQUEST && c2w_through_crlf((struct c2w_str){ octets, length }, '\0') == length;
}

static void end_connection(struct fz_session *s, unsigned client)
{
	struct watched *w = &s->watched[client];
	enum fz_state state;

	if (!on_tcp(client) || !w->open)
		return;
	state = state_of(srv_endpoint_find(s->core, &w->way));
	srv_core_closed(s->core, &w->way);
	FZ_CLAIM(!srv_core_has_session(s->core, &w->way)); /* TRN-06 */
	claim_cell(state, client, FZ_ON_CLOSE, state == FZ_DISCONNECTED ? FZ_SILENCE : FZ_END);
	close_connection(s, client);
}

/* ---- time -------------------------------------------------------------------------------------------- */

static void run_due(struct fz_session *s)
{
	enum fz_state states[FZ_CLIENTS];
	bool known[FZ_CLIENTS];

	begin_step(s);
	for (unsigned i = 0; i < FZ_CLIENTS; i++) {
		const struct srv_endpoint *endpoint = srv_endpoint_find(s->core, &s->watched[i].way);

		known[i] = endpoint != NULL;
		states[i] = state_of(endpoint);
	}
	srv_core_run(s->core, s->now);
	for (unsigned i = 0; i < FZ_CLIENTS; i++) {
		bool gone = known[i] && !srv_endpoint_find(s->core, &s->watched[i].way);

		if (gone || s->watched[i].sent > 0)
			claim_cell(states[i], i, FZ_ON_TIMER, gone ? FZ_END : s->watched[i].copy ? FZ_COPY : s->watched[i].outcome);
	}
	check_bounds(s);
}

static void pass(struct fz_session *s, int64_t until)
{
	int64_t due;

	while ((due = srv_core_due(s->core)) <= until) {
		if (due - TICK > s->now)
			s->now = due - TICK;
		run_due(s);
	}
	if (until > s->now)
		s->now = until;
}

static int64_t how_long(const struct fz_session *s, enum fz_wait wait)
{
	int64_t due = srv_core_due(s->core);

	switch (wait) {
	case FZ_HALF_RTO: return RTO / 2;
	case FZ_ALMOST_RTO: return RTO - MOMENT;
	case FZ_RTO: return RTO;
	case FZ_UNTIL_DUE: return due == INT64_MAX || due < s->now ? 0 : due - s->now;
	case FZ_LONG: return 2 * RTO;
	case FZ_LONGER: return 5 * RTO;
	case FZ_A_MOMENT: case FZ_WAITS: break;
	}
	return MOMENT;
}

void fz_session_step(struct fz_session *s, const struct fz_step *step)
{
	unsigned client = fz_who(step);
	char octets[FZ_MOST_OCTETS];
	size_t length;

	begin_step(s);
	switch (fz_op(step)) {
	case FZ_WAIT: pass(s, s->now + how_long(s, (enum fz_wait)(step->what % FZ_WAITS))); break;
	case FZ_CLOSE: end_connection(s, client); break;
	case FZ_STALL: s->watched[client].waits = on_tcp(client) && s->watched[client].open ? step->what % 8u * STALL : 0; break;
	case FZ_REQUEST: case FZ_ACK: case FZ_ACK_ANY: case FZ_AGAIN: case FZ_DAMAGED: case FZ_OPS:
		length = fz_step_octets(step, s->clients, octets);
		if (on_tcp(client) ? frames(octets, length) : length > 0 || fz_op(step) == FZ_DAMAGED)
			send_octets(s, client, octets, length);
		break;
	}
	check_bounds(s);
}

/* ---- beginning and end ---------------------------------------------------------------------------------- */

static const struct srv_movie movies[FZ_MOVIES] = {
	{ C2W_STR_INIT("M"), C2W_STR_INIT("127.0.0.1:5004") },
	{ C2W_STR_INIT("Am\xC3\xA9lie"), C2W_STR_INIT("127.0.0.1:5005") },
	{ C2W_STR_INIT("Good Bye, Lenin!"), C2W_STR_INIT("[::1]:5006") },
};

static struct srv_settings settings_of(uint8_t octet)
{
	static const size_t users[] = { 100, 3, 1, 2 }, rooms[] = { 0, 1, 2, 0 };
	static const int64_t retransmits[] = { 3, 1, 0, 2 };
	struct srv_settings settings = {
		.movies = movies, .movie_count = FZ_MOVIES, .max_users = users[octet & 3], .max_room = rooms[octet >> 2 & 3],
		.max_endpoints = 100, /* ROB-04 leaves the bound open; it is not met here */
	};

	c2w_params_init(&settings.params);
	settings.params.rto = RTO;
	settings.params.max_retransmits = retransmits[octet >> 4 & 3];
	settings.params.max_request = FZ_MAX_REQUEST;
	settings.params.max_text = FZ_MAX_TEXT;
	settings.params.max_backlog = FZ_MAX_BACKLOG;
	return settings;
}

static void set_way(struct srv_way *way, unsigned client)
{
	way->peer.family = way->local.family = 4;
	way->peer.octets[0] = way->local.octets[0] = 127;
	way->peer.port = (uint16_t)(4000 + client);
	way->local.port = 1950;
}

static struct jd *judge_for(const struct jd_options *options)
{
	static struct jd *kept;

	if (!kept)
		kept = jd_new(options, FZ_CLIENTS);
	else
		jd_reset(kept, options);
	FZ_CLAIM(kept);
	return kept;
}

struct fz_session *fz_session_begin(uint8_t settings)
{
	struct fz_session *s = calloc(1, sizeof(*s));
	struct jd_options judge = { .found = judge_found };
	struct srv_carrier carrier = { .context = s, .send = carrier_send, .drop = carrier_drop, .note = carrier_note };

	if (!s)
		abort();
	s->now = RTO;
	s->settings = settings_of(settings);
	s->core = srv_core_new(&s->settings, &carrier);
	judge.params = s->settings.params;
	s->jd = judge_for(&judge);
	for (unsigned i = 0; i < FZ_CLIENTS; i++)
		set_way(&s->watched[i].way, i);
	fz_clients_init(s->clients);
	return s;
}

void fz_session_end(struct fz_session *s)
{
	for (unsigned i = FZ_UDP_CLIENTS; i < FZ_CLIENTS; i++)
		end_connection(s, i);
	pass(s, s->now + 10 * RTO);
	FZ_CLAIM(srv_core_pending(s->core) == 0); /* REL-08: whoever does not ack is gone by now */
	srv_core_free(s->core);
	free(s);
}
