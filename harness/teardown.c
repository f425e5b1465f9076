/* A scenario leaves no trace: each of its endpoints leaves until the server says that it has no session, then the last
 * one looks at the user list. Called by engine.c and, for what arrives, by peer.c. Owns nothing.
 * Also after a failure and ^C; bounded in time, so that a mute target ends it, too. */
#include "harness/run.h"

enum { TRIES = 8, TRIES_WHEN_GONE = 3, MAX_FAREWELLS = 3 };
static const int64_t PAUSE = 100 * INT64_C(1000000), PATIENCE = 2000 * INT64_C(1000000);

static int64_t pause_between(const struct hx_run *run)
{
	int64_t pause = 4 * run->target->round_trip;
	return pause > PAUSE ? pause : PAUSE;
}

/* The session's, or the one that a session may just be granted to. */
static struct c2w_str name_of(const struct hx_endpoint *endpoint)
{
	const struct hx_buffer *name = endpoint->session.length > 0 ? &endpoint->session : &endpoint->asked;
	return name->length > 0 && name->length <= C2W_MAX_USER ? hx_buffer_str(name) : c2w_str_of(endpoint->client->user);
}

static void ask(struct hx_endpoint *endpoint, enum c2w_command command)
{
	struct hx_run *run = endpoint->run;
	char time[C2W_MAX_TIME_TEXT + 1], octets[C2W_MAX_USER + 256];
	hx_fresh_time(run, endpoint, time);
	struct c2w_message request = { .time_text = c2w_str_of(time), .command = command };
	request.user = name_of(endpoint);
	long length = c2w_message_format(octets, sizeof(octets), &request);
	endpoint->tries = 0;
	if (length > 0)
		hx_transmit(endpoint, octets, (size_t)length, "teardown");
}

static void left(struct hx_endpoint *endpoint)
{
	endpoint->leaving = HX_LEFT;
	if (endpoint->tcp)
		hx_endpoint_close(endpoint, false);
}

static bool can_leave(const struct hx_endpoint *endpoint)
{
	bool open = endpoint->udp != NULL || (endpoint->link != NULL && endpoint->connected && !endpoint->ended);
	return open && endpoint->knocked && endpoint->out.held == 0;
}

void hx_teardown_begin(struct hx_run *run)
{
	bool asked = false;
	run->phase = HX_TEARDOWN;
	run->teardown_until = net_now(run->net) + PATIENCE + 10 * pause_between(run);
	for (struct hx_endpoint *e = run->endpoints; e != NULL; e = e->next) {
		if (e->udp != NULL)
			net_udp_read(e->udp, true);
		if (e->link != NULL)
			net_tcp_read(e->link, true);
		asked = asked || can_leave(e);
		if (can_leave(e) && e->state != HX_DISCONNECTED && e == e->client->endpoint)
			run->witness = e;
	}
	for (struct hx_endpoint *e = run->endpoints; e != NULL; e = e->next) {
		if (!can_leave(e)) {
			left(e);
		} else if (e != run->witness) {
			e->leaving = HX_LEAVING;
			ask(e, C2W_LEAVE_SESSION_REQUEST);
		}
	}
	run->unproved = run->unproved && asked;
	hx_teardown_due(run);
}

struct looker {
	struct hx_run *run;
	const struct hx_endpoint *witness;
};

static void see(void *context, struct c2w_str name, struct c2w_str room)
{
	struct looker *looker = context;
	(void)room;
	if (c2w_str_equal(name, hx_buffer_str(&looker->witness->session)) || !hx_name_is_ours(looker->run, name))
		return;
	looker->run->outcome.left_behind = true;
	hx_note(looker->run, looker->witness->client, looker->witness->tcp,
	        hx_print(looker->run->arena, "still in the user list after it left: %s", hx_escape(looker->run, name)));
}

bool hx_teardown_received(struct hx_endpoint *endpoint, const struct hx_item *item)
{
	if (!item->from_server || item->repetition || item->message.time != endpoint->request_message.time)
		return false;
	if (endpoint->leaving == HX_LOOKING && item->message.command == C2W_USER_LIST_RESPONSE) {
		hx_each_entry(endpoint->run->params, &item->message, see, &(struct looker){ endpoint->run, endpoint });
		endpoint->leaving = HX_LEAVING;
		ask(endpoint, C2W_LEAVE_SESSION_REQUEST);
	} else if (endpoint->leaving == HX_LEAVING && item->message.command == C2W_LEAVE_SESSION_ERROR) {
		left(endpoint);
	} else if (endpoint->leaving == HX_LEAVING && item->message.command == C2W_LEAVE_SESSION_GRANTED) {
		if (++endpoint->farewells == MAX_FAREWELLS)
			left(endpoint);
		else
			ask(endpoint, C2W_LEAVE_SESSION_REQUEST);
	} else {
		return false;
	}
	endpoint->run->unproved = false;
	return true;
}

static void try_again(struct hx_endpoint *endpoint)
{
	bool gone = endpoint->farewells > 0 && endpoint->state == HX_DISCONNECTED;
	if (endpoint->leaving == HX_LOOKING && endpoint->tries >= TRIES_WHEN_GONE && !endpoint->ended) {
		endpoint->leaving = HX_LEAVING; /* no list: it may have no session any more */
		ask(endpoint, C2W_LEAVE_SESSION_REQUEST);
		return;
	}
	if (endpoint->ended || endpoint->tries >= (gone ? TRIES_WHEN_GONE : TRIES))
		left(endpoint);
	else if (endpoint->tries++ > 0 && !endpoint->tcp)
		hx_transmit(endpoint, endpoint->request.at, endpoint->request.length, "teardown, repeated");
}

static bool others_left(const struct hx_run *run)
{
	for (const struct hx_endpoint *e = run->endpoints; e != NULL; e = e->next)
		if (e != run->witness && e->leaving == HX_LEAVING)
			return false;
	return true;
}

void hx_teardown_due(struct hx_run *run)
{
	for (struct hx_endpoint *e = run->endpoints; e != NULL; e = e->next)
		if (e->leaving == HX_LEAVING || e->leaving == HX_LOOKING)
			try_again(e);
	net_timer_at(run->step_timer, net_now(run->net) + pause_between(run));
}

bool hx_teardown_over(struct hx_run *run)
{
	if (net_now(run->net) >= run->teardown_until)
		return true;
	if (!others_left(run))
		return false;
	if (run->witness != NULL && run->witness->leaving == HX_STAYS) {
		run->witness->leaving = HX_LOOKING;
		ask(run->witness, C2W_USER_LIST_REQUEST);
	}
	return run->witness == NULL || run->witness->leaving == HX_LEFT;
}
