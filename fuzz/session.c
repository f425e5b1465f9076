/* A session core and whoever watches it: see session.h.
 * For targets/session.c and the simulator.
 * Everything belongs to the one struct fz_session. It, judge and model are kept from session to session, since they are large; the core, its
 * endpoints and each message to it are made anew, where a sanitizer watches their bounds. */
#include "fuzz/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "fuzz/model.h"
#include "judge/judge.h"
#include "net/sim.h"
#include "protocol/frame.h"
#include "reports/result.h"
#include "server/core.h"

enum { MOST_OUTPUTS = 64, POOL = 1 << 14 /* octets; of one event */ };

static const int64_t RTO = 1000000000, MOMENT = 1000000, TICK = 1000; /* ns */

struct watched {
	struct srv_way way;
	bool open;                      /* model and judge have been told */
	bool spoke;                     /* in this session: who never did the core cannot know */
	bool stalled;                   /* it does not read: TCP */
	size_t waits;                   /* what the kernel has not taken then */
	bool dropped;                   /* by the core, in this event */
};

struct fz_session {
	struct srv_settings settings;
	struct srv_core *core;
	const struct srv_policy *policy;  /* of a known-bad server; NULL: the right one */
	const struct srv_filter *filter;  /* its; NULL: none */
	void *filtered;                   /* the filter's own */
	struct net *net;                  /* for a fault that has a socket: nobody is at its other end */
	struct jd *jd;                  /* kept */
	struct fz_model *model;         /* kept */
	int64_t now;
	uintptr_t connections;          /* made so far: each has a name of its own */
	struct watched watched[FZ_CLIENTS];
	struct fz_client clients[FZ_CLIENTS];
	struct fz_output outputs[MOST_OUTPUTS]; /* of this event */
	unsigned output_count;
	size_t pooled;
	char pool[POOL];
};

static struct fz_session only; /* one at a time */

/* Cleared and read by libFuzzer at every input: new behaviour keeps it. */
__attribute__((used, section("__libfuzzer_extra_counters"))) static uint8_t counters[FZ_MODEL_CELLS];
static bool ever[FZ_MODEL_CELLS];

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

static void tell(const struct fz_session *s, unsigned client, const char *what, const char *octets, size_t length)
{
	char *shown;

	if (!fz_verbose)
		return;
	shown = rp_escape(octets, length);
	printf("%10.6f %-5s %s %s\n", (double)s->now / 1e9, fz_names[client], what, shown);
	fflush(stdout);
	free(shown);
}

static struct fz_output *add_output(struct fz_session *s, unsigned client)
{
	struct fz_output *output = &s->outputs[s->output_count++];

	FZ_CLAIM(client < FZ_CLIENTS && s->output_count <= MOST_OUTPUTS);
	*output = (struct fz_output){ .endpoint = client, .at = s->now };
	fz_saw_number(client);
	return output;
}

static size_t carrier_send(void *context, const struct srv_way *way, const char *octets, size_t length)
{
	struct fz_session *s = context;
	unsigned client = client_of(way);
	struct watched *w = &s->watched[client];
	struct fz_output *output = add_output(s, client);
	struct c2w_message message;

	FZ_CLAIM(memcmp(way, &w->way, sizeof(*way)) == 0 && !w->dropped); /* TRN-04 */
	FZ_CLAIM(length <= POOL - s->pooled);
	output->octets = memcpy(s->pool + s->pooled, octets, length);
	output->length = length;
	s->pooled += length;
	fz_saw(octets, length);
	tell(s, client, "<", octets, length);
	FZ_CLAIM(c2w_message_parse(&message, output->octets, length, C2W_MAX_TO_CLIENT) == C2W_OK); /* FMT-01 */
	FZ_CLAIM(c2w_command_info(message.command)->sender == C2W_SERVER);
	jd_received(s->jd, client, s->now, octets, length);
	if (message.command == C2W_USER_LIST_RESPONSE)
		check_user_list(message.data);
	fz_client_got(&s->clients[client], &message);
	w->waits += w->stalled ? length : 0;
	return w->waits;
}

static void carrier_drop(void *context, const struct srv_way *way, bool reset)
{
	struct fz_session *s = context;
	struct watched *w = &s->watched[client_of(way)];

	FZ_CLAIM(reset && way->connection && w->waits > FZ_MAX_BACKLOG); /* ROB-03 */
	w->dropped = true;
	add_output(s, client_of(way))->closed = true;
	tell(s, client_of(way), "dropped", "", 0);
}

static void carrier_note(void *context, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	(void)context;
	(void)way;
	(void)detail;
	FZ_CLAIM(*what && octets.at);
}

/* ---- the core, or what stands before it ---------------------------------------------------------------- */

static void core_receive(struct fz_session *s, const struct srv_way *way, const char *octets, size_t length)
{
	if (s->filter)
		s->filter->receive(s->filtered, way, octets, length, s->now);
	else
		srv_core_receive(s->core, way, octets, length, s->now);
}

static void core_closed(struct fz_session *s, const struct srv_way *way, bool reset)
{
	if (s->filter)
		s->filter->closed(s->filtered, way, reset);
	else
		srv_core_closed(s->core, way);
}

static int64_t core_due(const struct fz_session *s)
{
	return s->filter ? s->filter->due(s->filtered) : srv_core_due(s->core);
}

static void core_run(struct fz_session *s)
{
	if (s->filter)
		s->filter->run(s->filtered, s->now);
	else
		srv_core_run(s->core, s->now);
}

static void begin_core(struct fz_session *s, struct srv_carrier carrier)
{
	struct srv_settings settings = s->settings;

	s->filter = s->policy ? s->policy->filter : NULL;
	settings.policy = s->policy;
	if (s->filter)
		settings.filter = s->filtered = s->filter->open(&settings, &carrier, s->net);
	s->core = srv_core_new(&settings, &carrier);
	if (s->filter)
		s->filter->begin(s->filtered, s->core);
}

static void end_core(struct fz_session *s)
{
	srv_core_free(s->core);
	s->core = NULL;
	if (s->filter)
		s->filter->close(s->filtered);
}

const char *fz_session_policy(const struct srv_policy *policy)
{
	static const struct net_sim_options perfect = { 0 };

	if (policy && policy->frame)
		return "it cuts streams, and a session is made of whole messages";
	if (policy && policy->tcp_port)
		return "it listens elsewhere, and a session has no ports";
	only.policy = policy;
	if (policy && !only.net)
		only.net = net_sim_new(&perfect);
	return NULL;
}

/* ---- one event ---------------------------------------------------------------------------------------- */

static void begin_event(struct fz_session *s)
{
	s->output_count = 0;
	s->pooled = 0;
}

static void close_connection(struct fz_session *s, unsigned client)
{
	struct watched *w = &s->watched[client];

	jd_close(s->jd, client, s->now);
	w->open = w->stalled = w->dropped = false;
	w->waits = 0;
	s->clients[client].got_count = 0;
}

/* Whether the model knows where a client is: nothing waits for an ack whose want might have ended its session by now (REL-08). */
static bool certain(const struct fz_session *s, unsigned client)
{
	return !fz_model_lost(s->model) && fz_model_worlds(s->model) == 1 && !fz_model_owed(s->model, client) &&
	       fz_model_waiting(s->model, client) == 0;
}

/* What must hold between two events. */
static void check_bounds(struct fz_session *s)
{
	size_t sessions = 0;

	for (unsigned i = 0; i < FZ_CLIENTS; i++) {
		bool session = s->watched[i].spoke && srv_core_has_session(s->core, &s->watched[i].way);

		FZ_CLAIM(!session || !s->watched[i].dropped);
		if (s->watched[i].dropped)
			close_connection(s, i);
		FZ_CLAIM(!certain(s, i) || session == (fz_model_state(s->model, i) != FZ_DISCONNECTED));
		sessions += session;
	}
	FZ_CLAIM(srv_core_users(s->core) == sessions && sessions <= s->settings.max_users);
	FZ_CLAIM(srv_core_endpoints(s->core) <= FZ_CLIENTS);
	FZ_CLAIM(srv_core_pending(s->core) <= 2 * FZ_UDP_CLIENTS); /* REL-14 */
	fz_saw_number(srv_core_users(s->core));
	fz_saw_number((uint64_t)core_due(s));
}

/* The end of an event: what the model says to it. */
static void compare(struct fz_session *s, const char *disagreement)
{
	unsigned cell = fz_model_cell(s->model);

	if (disagreement) {
		fprintf(stderr, "the model: %s\n", disagreement);
		fz_refuted(__FILE__, __LINE__, "core and model agree");
	}
	FZ_CLAIM(ever[cell] || !fz_model_cell_elsewhere(cell));
	counters[cell] = 1;
	ever[cell] = true;
	check_bounds(s);
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
	begin_event(s);
	compare(s, fz_model_open(s->model, client, on_tcp(client), s->now, NULL, 0));
}

static void send_octets(struct fz_session *s, unsigned client, const char *octets, size_t length)
{
	char *copy = fz_text((const uint8_t *)octets, length); /* just as long as it is */

	open_client(s, client);
	begin_event(s);
	s->watched[client].spoke = true;
	tell(s, client, ">", octets, length);
	jd_sent(s->jd, client, s->now, copy, length);
	core_receive(s, &s->watched[client].way, copy, length);
	compare(s, fz_model_receive(s->model, client, copy, length, s->now, s->outputs, s->output_count));
	free(copy);
}

/* A stream's messages are what a framer gives: none without a CRLF, none with one inside, none too long. */
static bool frames(const char *octets, size_t length)
{
	return length >= 2 && length <= FZ_MAX_REQUEST && c2w_through_crlf((struct c2w_str){ octets, length }, '\0') == length;
}

static void end_connection(struct fz_session *s, unsigned client, bool reset)
{
	struct watched *w = &s->watched[client];

	if (!on_tcp(client) || !w->open)
		return;
	begin_event(s);
	tell(s, client, reset ? "resets" : "closes", "", 0);
	core_closed(s, &w->way, reset);
	FZ_CLAIM(!srv_core_has_session(s->core, &w->way)); /* TRN-06 */
	compare(s, fz_model_ended(s->model, client, s->now, s->outputs, s->output_count));
	close_connection(s, client);
}

static void stall(struct fz_session *s, unsigned client, bool on)
{
	struct watched *w = &s->watched[client];

	if (!on_tcp(client) || !w->open || w->stalled == on)
		return;
	w->stalled = on;
	w->waits = 0;
	tell(s, client, on ? "stops reading" : "reads again", "", 0);
	fz_model_reads(s->model, client, !on);
}

/* ---- time -------------------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Whatever is due until then, by the core's or the model's timetable, each at its time. Where nothing is due nothing happens. */
static void pass(struct fz_session *s, int64_t until)
{
	for (;;) {
		int64_t core = core_due(s), model = fz_model_due(s->model);

		if (earlier(core, model) > until)
			break;
		s->now = later(s->now, earlier(core, model));
		if (core > s->now && model <= s->now)
			s->now = earlier(until, core); /* the model waits for the end of a tolerance */
		begin_event(s);
		if (core <= s->now)
			core_run(s);
		compare(s, fz_model_time(s->model, s->now, s->outputs, s->output_count));
		if (core > s->now && s->now >= until)
			break;
	}
	s->now = until;
}

static int64_t how_long(const struct fz_session *s, enum fz_wait wait)
{
	int64_t due = core_due(s);

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

	pass(s, s->now + TICK);
	switch (fz_op(step)) {
	case FZ_OP_WAIT: pass(s, s->now + how_long(s, (enum fz_wait)(step->what % FZ_WAITS))); break;
	case FZ_OP_CLOSE: end_connection(s, client, step->what % 2 == 1); break;
	case FZ_OP_STALL: stall(s, client, step->what % 2 == 0); break;
	case FZ_OP_REQUEST: case FZ_OP_ACK: case FZ_OP_ACK_ANY: case FZ_OP_AGAIN: case FZ_OP_DAMAGED: case FZ_OPS:
		length = fz_step_octets(step, s->clients, octets);
		if (on_tcp(client) ? frames(octets, length) : length > 0 || fz_op(step) == FZ_OP_DAMAGED)
			send_octets(s, client, octets, length);
		break;
	}
}

static bool counts(unsigned cell)
{
	return fz_model_cell_possible(cell) && !fz_model_cell_elsewhere(cell);
}

struct fz_coverage fz_session_coverage(void)
{
	struct fz_coverage coverage = { 0 };

	for (unsigned i = 0; i < FZ_MODEL_CELLS; i++) {
		coverage.total += counts(i);
		coverage.seen += counts(i) && ever[i];
	}
	return coverage;
}

void fz_session_print_missing(void)
{
	char name[128];

	for (unsigned i = 0; i < FZ_MODEL_CELLS; i++)
		if (counts(i) && !ever[i])
			printf("  not seen: %s\n", fz_model_cell_name(i, name, sizeof(name)));
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

static void begin_judge(struct fz_session *s)
{
	struct jd_options options = { .params = s->settings.params, .found = judge_found };

	if (s->jd)
		jd_reset(s->jd, &options);
	else
		s->jd = jd_new(&options, FZ_CLIENTS);
	FZ_CLAIM(s->jd);
}

static void begin_model(struct fz_session *s)
{
	const struct srv_settings *settings = &s->settings;
	struct fz_settings same = { .params = settings->params, .movie_count = FZ_MOVIES };

	same.params.capacity = (int64_t)settings->max_users;
	same.params.room_capacity = settings->max_room ? (int64_t)settings->max_room : C2W_UNKNOWN_CAPACITY;
	memcpy(same.movies, fz_titles, sizeof(fz_titles));
	if (s->model)
		fz_model_reset(s->model, &same);
	else
		s->model = fz_model_new(&same);
	FZ_CLAIM(s->model);
}

struct fz_session *fz_session_begin(uint8_t settings)
{
	struct fz_session *s = &only;
	struct srv_carrier carrier = { .context = s, .send = carrier_send, .drop = carrier_drop, .note = carrier_note };

	FZ_CLAIM(!s->core);
	s->now = RTO;
	s->connections = 0;
	s->settings = settings_of(settings);
	begin_core(s, carrier);
	begin_judge(s);
	begin_model(s);
	memset(s->watched, 0, sizeof(s->watched));
	for (unsigned i = 0; i < FZ_CLIENTS; i++)
		set_way(&s->watched[i].way, i);
	for (unsigned i = 0; i < FZ_UDP_CLIENTS; i++)
		open_client(s, i);
	fz_clients_init(s->clients);
	return s;
}

void fz_session_end(struct fz_session *s)
{
	for (unsigned i = FZ_UDP_CLIENTS; i < FZ_CLIENTS; i++)
		end_connection(s, i, false);
	pass(s, s->now + 10 * RTO);
	FZ_CLAIM(srv_core_pending(s->core) == 0); /* REL-08: whoever does not ack is gone by now */
	end_core(s);
}
