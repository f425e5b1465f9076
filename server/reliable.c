/* What section 5 of PROTOCOL.md asks for: responses and NEW_MESSAGEs sent until acked, requests executed at most once.
 * For the core's parts only. Every pending message waits equally long, so the timetable is a list in order of due time: adding
 * at its end, taking from its front and removing cost the same however many there are. */
#include <stdlib.h>
#include <utlist.h>

#include "server/inside.h"

enum { SRV_RUN_MAX = 512 };

/* ---- the timetable -------------------------------------------------------------------------- */

static void unschedule(struct srv_core *core, struct srv_sending *sending)
{
	if (!sending->timed)
		return;
	sending->timed = false;
	DL_DELETE(core->timetable, sending);
	core->pending--;
}

static void schedule(struct srv_core *core, struct srv_sending *sending, int64_t now)
{
	struct srv_sending *before = core->timetable ? core->timetable->prev : NULL;

	sending->due = core->policy.due(core, sending, now);
	while (before && before->due > sending->due)
		before = before == core->timetable ? NULL : before->prev;
	DL_APPEND_ELEM(core->timetable, before, sending);
	sending->timed = true;
	core->pending++;
}

int64_t srv_core_due(const struct srv_core *core)
{
	return core->timetable ? core->timetable->due : INT64_MAX;
}

size_t srv_core_pending(const struct srv_core *core)
{
	return core->pending;
}

/* ---- sending -------------------------------------------------------------------------------- */

static void transmit(struct srv_core *core, struct srv_endpoint *endpoint, const struct srv_parcel *parcel)
{
	size_t waits = core->carrier.send(core->carrier.context, &endpoint->way, parcel->octets, parcel->length);

	if (waits > (size_t)core->settings.params.max_backlog) /* ROB-03, TCP */
		endpoint->over = true;
}

static void stop(struct srv_core *core, struct srv_sending *sending)
{
	unschedule(core, sending);
	if (sending->parcel)
		srv_parcel_release(&core->pool, sending->parcel);
	sending->parcel = NULL;
}

static void start(struct srv_core *core, struct srv_sending *sending, struct srv_parcel *parcel, int64_t now)
{
	stop(core, sending);
	sending->parcel = parcel;
	sending->transmissions = 1;
	transmit(core, sending->endpoint, parcel);
	if (!srv_on_tcp(sending->endpoint)) /* REL-16 */
		schedule(core, sending, now);
}

/* ---- responses ------------------------------------------------------------------------------ */

void srv_processed(struct srv_core *core, struct srv_endpoint *endpoint, int64_t time)
{
	endpoint->last = time;
	srv_drop_response(core, endpoint);
}

void srv_respond(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_parcel *parcel, int64_t now)
{
	start(core, &endpoint->response, parcel, now);
}

void srv_drop_response(struct srv_core *core, struct srv_endpoint *endpoint)
{
	stop(core, &endpoint->response);
}

bool srv_repeat(struct srv_core *core, struct srv_endpoint *endpoint, const struct srv_way *way, const struct c2w_message *request)
{
	bool chat = request->command == C2W_SEND_MESSAGE_REQUEST;
	const struct srv_sending *sending = chat ? &endpoint->delivery : &endpoint->response;

	if (!sending->parcel || (chat && request->time != endpoint->last) ||
	    !core->policy.repeats(core, sending, request))
		return false;
	endpoint->way.local = way->local; /* TRN-04 */
	transmit(core, endpoint, sending->parcel); /* REL-18: neither counted nor scheduled */
	return true;
}

/* ---- deliveries ----------------------------------------------------------------------------- */

static struct srv_parcel *keep(struct srv_parcel *parcel)
{
	parcel->references++;
	return parcel;
}

static void wait_for_ack(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_parcel *parcel) /* REL-14 */
{
	struct srv_waiting *waiting = core->spare_waiting;

	if (waiting)
		core->spare_waiting = waiting->next;
	else
		waiting = srv_allocate(sizeof(*waiting));
	*waiting = (struct srv_waiting){ .parcel = keep(parcel) };
	*endpoint->end = waiting;
	endpoint->end = &waiting->next;
}

/* Takes the first that waits, with its reference; NULL: none. */
static struct srv_parcel *take_waiting(struct srv_core *core, struct srv_endpoint *endpoint)
{
	struct srv_waiting *waiting = endpoint->first;

	if (!waiting)
		return NULL;
	endpoint->first = waiting->next;
	if (!endpoint->first)
		endpoint->end = &endpoint->first;
	waiting->next = core->spare_waiting;
	core->spare_waiting = waiting;
	return waiting->parcel;
}

static void deliver_on_udp(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_parcel *parcel, int64_t now)
{
	endpoint->backlog += parcel->length;
	if (endpoint->backlog > (size_t)core->settings.params.max_backlog) /* ROB-03 */
		endpoint->over = true;
	else if (endpoint->delivery.parcel)
		wait_for_ack(core, endpoint, parcel);
	else
		start(core, &endpoint->delivery, keep(parcel), now);
}

void srv_deliver(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_parcel *parcel, bool author, int64_t now)
{
	if (!srv_on_tcp(endpoint))
		deliver_on_udp(core, endpoint, parcel, now);
	else if (author) /* kept for REL-11 */
		start(core, &endpoint->delivery, keep(parcel), now);
	else
		transmit(core, endpoint, parcel);
}

void srv_drop_waiting(struct srv_core *core, struct srv_endpoint *endpoint)
{
	struct srv_parcel *parcel;

	while ((parcel = take_waiting(core, endpoint))) {
		endpoint->backlog -= parcel->length;
		srv_parcel_release(&core->pool, parcel);
	}
}

void srv_drop_deliveries(struct srv_core *core, struct srv_endpoint *endpoint)
{
	srv_drop_waiting(core, endpoint);
	stop(core, &endpoint->delivery);
	endpoint->backlog = 0;
}

/* ---- the end of a message: its ack, or none ---------------------------------------------------- */

/* Acked, or given up: after a delivery comes the next. */
static void finish(struct srv_core *core, struct srv_sending *sending, int64_t now)
{
	struct srv_endpoint *endpoint = sending->endpoint;
	struct srv_parcel *parcel;

	if (sending == &endpoint->delivery && !srv_on_tcp(endpoint))
		endpoint->backlog -= sending->parcel->length;
	stop(core, sending);
	if (sending == &endpoint->delivery && (parcel = take_waiting(core, endpoint)))
		start(core, sending, parcel, now);
}

void srv_acked(struct srv_core *core, struct srv_endpoint *endpoint, const struct c2w_message *ack, int64_t now)
{
	bool chat = ack->command == C2W_NEW_MESSAGE_RESPONSE_ACK;
	struct srv_sending *sending = chat ? &endpoint->delivery : &endpoint->response;

	if (sending->parcel && core->policy.acks(core, sending, ack)) /* REL-09 */
		finish(core, sending, now); /* REL-07 */
}

/* REL-08 */
static void give_up(struct srv_core *core, struct srv_sending *sending, int64_t now)
{
	struct srv_endpoint *endpoint = sending->endpoint;

	if (!core->policy.dead(core, sending)) {
		finish(core, sending, now);
		srv_endpoint_settle(core, endpoint);
		return;
	}
	srv_note(core, &endpoint->way, endpoint->state == SRV_DISCONNECTED, "gave up, no ack from", srv_name(endpoint));
	srv_endpoint_forget(core, endpoint);
}

void srv_core_run(struct srv_core *core, int64_t now)
{
	struct srv_sending *sending;

	for (unsigned n = 0; n < SRV_RUN_MAX && (sending = core->timetable) && sending->due <= now; n++) {
		if (core->policy.last(core, sending)) {
			give_up(core, sending, now);
			continue;
		}
		unschedule(core, sending);
		sending->transmissions++;
		transmit(core, sending->endpoint, sending->parcel); /* REL-04 */
		schedule(core, sending, now);
	}
}
