/* The gate between network and core, where faults hang: see faults_inside.h.
 * For serve.c, through the filter of a fault's policy, and for faults*.c.
 * A gate belongs to the service that opened it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "protocol/time.h"
#include "server/faults_inside.h"

/* ---- what faults ask for --------------------------------------------------------------------- */

char *srv_gate_room(struct srv_gate *gate, size_t size)
{
	char *room = gate->edit + gate->edited;

	if (size > SRV_EDIT - gate->edited)
		abort();
	gate->edited += size;
	return room;
}

struct c2w_str srv_gate_text(struct srv_gate *gate, const char *format, ...)
{
	char *room = gate->edit + gate->edited;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(room, SRV_EDIT - gate->edited, format, arguments);
	va_end(arguments);
	return (struct c2w_str){ srv_gate_room(gate, (size_t)length + 1), (size_t)length };
}

void srv_gate_later(struct srv_gate *gate, int64_t at, bool in, const struct srv_way *way, struct c2w_str octets)
{
	struct srv_later *later = srv_allocate(sizeof(*later) + octets.length), *before = gate->later ? gate->later->prev : NULL;

	later->at = at;
	later->in = in;
	later->way = *way;
	later->length = octets.length;
	memcpy(later->octets, octets.at, octets.length);
	while (before && before->at > at)
		before = before == gate->later ? NULL : before->prev;
	DL_APPEND_ELEM(gate->later, before, later);
}

static struct c2w_str write_message(char *to, const struct c2w_message *message)
{
	long length = c2w_message_format(to, SRV_EDIT / 2, message);

	return (struct c2w_str){ to, length < 0 ? 0 : (size_t)length };
}

static struct srv_memo *memo_of(struct srv_memo *memo, const struct srv_way *way, const struct c2w_str *text)
{
	for (; memo; memo = memo->next) {
		if ((!way || srv_same_way(way, &memo->way)) &&
		    (!text || c2w_str_equal(*text, (struct c2w_str){ memo->text, memo->length })))
			return memo;
	}
	return NULL;
}

static size_t leave(struct srv_gate *gate, const struct srv_way *way, struct c2w_str octets)
{
	struct srv_gone *gone = NULL;

	if (way->connection)
		HASH_FIND(hh, gate->gone, way, SRV_WAY_KEY, gone);
	if (gone)
		return 0;
	return gate->carrier.send(gate->carrier.context, way, octets.at, octets.length);
}

void srv_gate_forge(struct srv_gate *gate, const struct srv_way *way, const char *command, const struct c2w_message *like, struct c2w_str data)
{
	struct c2w_message message = *like;
	size_t edited = gate->edited;

	message.command_text = c2w_str_of(command);
	message.data = data;
	leave(gate, way, write_message(srv_gate_room(gate, SRV_EDIT / 2), &message));
	gate->edited = edited;
}

void srv_gate_ack_text(struct srv_gate *gate, const struct srv_endpoint *recipient, const struct c2w_message *text)
{
	struct c2w_str ack = srv_gate_text(gate, "%.*s: NEW_MESSAGE_RESPONSE_ACK|%.*s|%.*s\r\n", SRV_SLICE(text->time_text),
	                                   SRV_SLICE(srv_name(recipient)), SRV_SLICE(text->user));

	srv_gate_later(gate, gate->now, true, &recipient->way, ack);
}

/* The youngest comes first; beyond `most` the oldest is forgotten. */
static void remember(struct srv_memo **memos, unsigned *count, unsigned most, struct srv_memo *memo)
{
	struct srv_memo *oldest;

	DL_PREPEND(*memos, memo);
	if (++*count <= most)
		return;
	oldest = (*memos)->prev;
	DL_DELETE(*memos, oldest);
	free(oldest);
	--*count;
}

static void forget_all(struct srv_memo *memo)
{
	for (struct srv_memo *next; memo; memo = next) {
		next = memo->next;
		free(memo);
	}
}

static void forget_gone(struct srv_gate *gate)
{
	struct srv_gone *gone, *next;

	HASH_ITER(hh, gate->gone, gone, next) {
		HASH_DELETE(hh, gate->gone, gone);
		free(gone);
	}
}

static struct srv_memo *new_memo(const struct srv_gate *gate, const struct srv_way *way, struct c2w_str text)
{
	struct srv_memo *memo = srv_allocate(sizeof(*memo) + text.length);

	if (way)
		memo->way = *way;
	memo->at = gate->now;
	memo->length = text.length;
	memcpy(memo->text, text.at, text.length);
	return memo;
}

struct srv_memo *srv_gate_note(struct srv_gate *gate, const struct srv_way *way, struct c2w_str text)
{
	struct srv_memo *memo = new_memo(gate, way, text);

	remember(&gate->memos, &gate->memo_count, SRV_MEMOS, memo);
	return memo;
}

struct srv_memo *srv_gate_recall(struct srv_gate *gate, const struct srv_way *way, const struct c2w_str *text)
{
	return memo_of(gate->memos, way, text);
}

static void note_gone(struct srv_gate *gate, const struct srv_way *way)
{
	struct srv_gone *gone = srv_allocate(sizeof(*gone));

	gone->way = *way;
	HASH_ADD(hh, gate->gone, way, SRV_WAY_KEY, gone);
}

/* ---- acks of answers whose TIME or USER_NAME was changed ---------------------------------------- */

static size_t keep(char *to, size_t size, struct c2w_str text)
{
	size_t length = text.length < size ? text.length : size;

	memcpy(to, text.at, length);
	return length;
}

static void remember_translation(struct srv_gate *gate, const struct srv_way *way, const struct c2w_message *was,
                                 const struct c2w_message *is)
{
	struct srv_translation *t = &gate->translations[gate->translated++ % SRV_TRANSLATIONS];

	t->way = *way;
	t->family = c2w_command_info(was->command)->family;
	t->time_length = keep(t->time, sizeof(t->time), was->time_text);
	t->wire_time_length = keep(t->wire_time, sizeof(t->wire_time), is->time_text);
	t->user_length = keep(t->user, sizeof(t->user), was->user);
	t->wire_user_length = keep(t->wire_user, sizeof(t->wire_user), is->user);
}

static bool translates(const struct srv_translation *t, const struct srv_passing *p)
{
	struct c2w_str user = { t->wire_user, t->wire_user_length };
	int64_t time;

	return srv_same_way(&t->way, &p->way) && t->family == c2w_command_info(p->message.command)->family &&
	       c2w_time_parse((struct c2w_str){ t->wire_time, t->wire_time_length }, &time) == C2W_OK && time == p->message.time &&
	       c2w_str_equal(user, t->family == C2W_CHAT ? p->message.data : p->message.user);
}

static void translate_ack(struct srv_passing *p)
{
	unsigned count = p->gate->translated < SRV_TRANSLATIONS ? p->gate->translated : SRV_TRANSLATIONS;

	for (unsigned i = 1; i <= count; i++) {
		const struct srv_translation *t = &p->gate->translations[(p->gate->translated - i) % SRV_TRANSLATIONS];

		if (!translates(t, p))
			continue;
		p->message.time_text = srv_gate_text(p->gate, "%.*s", (int)t->time_length, t->time);
		*(t->family == C2W_CHAT ? &p->message.data : &p->message.user) =
			srv_gate_text(p->gate, "%.*s", (int)t->user_length, t->user);
		return;
	}
}

/* ---- in --------------------------------------------------------------------------------------- */

static bool concerns(const struct srv_passing *p, enum c2w_command command)
{
	unsigned transport = p->way.connection ? C2W_ON_TCP : C2W_ON_UDP;

	return (!p->gate->hooks->only || p->gate->hooks->only & transport) && (!command || command == p->message.command);
}

static bool changed(const struct c2w_message *was, const struct c2w_message *is)
{
	return !c2w_str_equal(was->time_text, is->time_text) || !c2w_str_equal(was->command_text, is->command_text) ||
	       !c2w_str_equal(was->user, is->user) || !c2w_str_equal(was->data, is->data);
}

static bool is_held(const struct srv_gate *gate, const struct srv_way *way)
{
	for (const struct srv_later *held = gate->held; held; held = held->next) {
		if (srv_same_way(&held->way, way))
			return true;
	}
	return false;
}

static bool hold(struct srv_passing *p, struct c2w_str octets)
{
	struct srv_gate *gate = p->gate;
	struct srv_later *held;

	if (!gate->hooks->hold || c2w_command_info(p->message.command)->beat != C2W_REQUEST ||
	    !(is_held(gate, &p->way) || (concerns(p, gate->hooks->request_of) && gate->hooks->hold(p))))
		return false;
	held = srv_allocate(sizeof(*held) + octets.length);
	held->way = p->way;
	held->length = octets.length;
	memcpy(held->octets, octets.at, octets.length);
	DL_APPEND(gate->held, held);
	return true;
}

static void take_in(struct srv_passing *p, struct c2w_str octets)
{
	struct srv_gate *gate = p->gate;
	struct c2w_message was = p->message;

	if (c2w_command_info(p->message.command)->beat == C2W_ACK)
		translate_ack(p);
	if (gate->hooks->request && concerns(p, gate->hooks->request_of) && !gate->hooks->request(p))
		return;
	if (changed(&was, &p->message))
		octets = write_message(gate->in, &p->message);
	if (hold(p, octets))
		return;
	srv_core_receive(gate->core, &p->way, octets.at, octets.length, gate->now);
	p->endpoint = srv_endpoint_find(gate->core, &p->way);
	if (gate->hooks->after && concerns(p, gate->hooks->request_of))
		gate->hooks->after(p);
}

static void release_held(struct srv_gate *gate)
{
	struct srv_later *held, *next;

	DL_FOREACH_SAFE(gate->held, held, next) {
		struct srv_passing p = { .gate = gate, .way = held->way, .endpoint = srv_endpoint_find(gate->core, &held->way) };

		c2w_message_parse(&p.message, held->octets, held->length, 0);
		if (gate->hooks->hold(&p))
			continue;
		DL_DELETE(gate->held, held);
		srv_core_receive(gate->core, &held->way, held->octets, held->length, gate->now);
		free(held);
	}
}

static void receive(void *filter, const struct srv_way *way, const char *octets, size_t length, int64_t now)
{
	struct srv_gate *gate = filter;
	struct srv_passing p = { .gate = gate, .way = *way, .endpoint = srv_endpoint_find(gate->core, way), .octets = { octets, length } };
	size_t max = (size_t)gate->core->settings.params.max_request;

	gate->now = now;
	gate->edited = 0;
	p.err = c2w_message_parse(&p.message, octets, length, max);
	if (p.err && gate->hooks->malformed && concerns(&p, C2W_NO_COMMAND) && gate->hooks->malformed(&p))
		p.err = c2w_message_parse(&p.message, p.octets.at, p.octets.length, 0);
	if (p.err)
		srv_core_receive(gate->core, &p.way, p.octets.at, p.octets.length, now);
	else
		take_in(&p, p.octets);
	release_held(gate);
}

/* What waits for a connection, or came from it, ends with it. */
static void forget_list(struct srv_later **list, const struct srv_way *way)
{
	struct srv_later *later, *next;

	DL_FOREACH_SAFE(*list, later, next) {
		if (!srv_same_way(&later->way, way))
			continue;
		DL_DELETE(*list, later);
		free(later);
	}
}

static void closed(void *filter, const struct srv_way *way, bool reset)
{
	struct srv_gate *gate = filter;
	struct srv_passing p = { .gate = gate, .way = *way, .endpoint = srv_endpoint_find(gate->core, way) };

	gate->edited = 0;
	if (!gate->hooks->closed || gate->hooks->closed(&p, reset))
		srv_core_closed(gate->core, way);
	forget_list(&gate->later, way);
	forget_list(&gate->held, way);
	note_gone(gate, way);
}

/* ---- out -------------------------------------------------------------------------------------- */

static enum srv_turn turn_of(const struct srv_passing *p)
{
	const struct srv_sending *sending;

	if (!p->endpoint)
		return SRV_REPEATED;
	sending = p->message.command == C2W_NEW_MESSAGE ? &p->endpoint->delivery : &p->endpoint->response;
	return !sending->timed && sending->transmissions > 1 ? SRV_BY_TIMER : SRV_REPEATED;
}

/* What left when the core sent this before; empty: it did not. */
static struct c2w_str sent_before(const struct srv_gate *gate, const struct srv_way *way, struct c2w_str octets)
{
	for (const struct srv_memo *memo = gate->sent; memo; memo = memo->next) {
		if (srv_same_way(&memo->way, way) && c2w_str_equal(octets, (struct c2w_str){ memo->text, memo->count }))
			return (struct c2w_str){ memo->text + memo->count, memo->length - memo->count };
	}
	return C2W_STR("");
}

static void note_sent(struct srv_gate *gate, const struct srv_way *way, struct c2w_str octets, struct c2w_str left)
{
	char *both = srv_gate_room(gate, octets.length + left.length);
	struct srv_memo *memo;

	memcpy(both, octets.at, octets.length);
	memcpy(both + octets.length, left.at, left.length);
	memo = new_memo(gate, way, (struct c2w_str){ both, octets.length + left.length });
	memo->count = (unsigned)octets.length;
	remember(&gate->sent, &gate->sent_count, SRV_SENT, memo);
}

/* The hooks: true, and what is to leave in gate->out, or false. */
static bool change(struct srv_passing *p, struct c2w_str octets, size_t *length)
{
	struct srv_gate *gate = p->gate;
	struct srv_way way = p->way;
	struct c2w_str before = sent_before(gate, &way, octets);
	struct c2w_message was = p->message;

	if (before.length) {
		c2w_message_parse(&p->message, before.at, before.length, 0);
		was = p->message;
		p->turn = turn_of(p);
	}
	if (before.length ? gate->hooks->again && !gate->hooks->again(p) : gate->hooks->answer && !gate->hooks->answer(p))
		return false;
	if (!c2w_str_equal(was.time_text, p->message.time_text) || !c2w_str_equal(was.user, p->message.user))
		remember_translation(gate, &way, &was, &p->message);
	*length = write_message(gate->out, &p->message).length;
	if (!before.length)
		note_sent(gate, &way, octets, (struct c2w_str){ gate->out, *length });
	return true;
}

static size_t send_out(void *context, const struct srv_way *way, const char *octets, size_t length)
{
	struct srv_gate *gate = context;
	struct srv_passing p = { .gate = gate, .way = *way, .endpoint = srv_endpoint_find(gate->core, way) };
	size_t edited = gate->edited;
	bool leaves;

	if (c2w_message_parse(&p.message, octets, length, 0) || !concerns(&p, gate->hooks->answer_of))
		return leave(gate, way, (struct c2w_str){ octets, length });
	leaves = change(&p, (struct c2w_str){ octets, length }, &length);
	if (leaves && gate->hooks->wire)
		gate->hooks->wire(&p, gate->out, &length);
	gate->edited = edited;
	if (!leaves)
		return 0;
	return leave(gate, &p.way, (struct c2w_str){ gate->out, length });
}

static void drop(void *context, const struct srv_way *way, bool reset)
{
	struct srv_gate *gate = context;

	gate->carrier.drop(gate->carrier.context, way, reset);
}

static void note(void *context, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	struct srv_gate *gate = context;

	gate->carrier.note(gate->carrier.context, way, detail, what, octets);
}

int srv_gate_verdict(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request, int error)
{
	struct srv_gate *gate = srv_gate_of(core);
	struct srv_passing p = { .gate = gate, .message = *request };

	if (!gate->hooks->judge)
		return error;
	p.endpoint = endpoint ? srv_endpoint_find(core, &endpoint->way) : NULL;
	return gate->hooks->judge(&p, error);
}

/* ---- time ------------------------------------------------------------------------------------- */

static int64_t due(void *filter)
{
	const struct srv_gate *gate = filter;
	int64_t first = srv_core_due(gate->core);

	if (gate->later && gate->later->at < first)
		first = gate->later->at;
	return gate->alarm && gate->alarm < first ? gate->alarm : first;
}

static void run_later(struct srv_gate *gate)
{
	struct srv_later *later = gate->later;

	DL_DELETE(gate->later, later);
	gate->edited = 0;
	if (later->in)
		srv_core_receive(gate->core, &later->way, later->octets, later->length, gate->now);
	else
		leave(gate, &later->way, (struct c2w_str){ later->octets, later->length });
	free(later);
}

static void run(void *filter, int64_t now)
{
	struct srv_gate *gate = filter;

	gate->now = now;
	gate->edited = 0;
	while (gate->later && gate->later->at <= now)
		run_later(gate);
	if (gate->alarm && gate->alarm <= now) {
		gate->alarm = 0;
		gate->hooks->alarm(gate);
	}
	srv_core_run(gate->core, now);
	release_held(gate);
}

/* ---- opening and closing ------------------------------------------------------------------------ */

static void *open_gate(const struct srv_settings *settings, struct srv_carrier *carrier, struct net *net)
{
	struct srv_gate *gate = srv_allocate(sizeof(*gate));

	gate->hooks = (const struct srv_hooks *)settings->policy; /* its first member */
	gate->carrier = *carrier;
	gate->net = net;
	*carrier = (struct srv_carrier){ .context = gate, .send = send_out, .drop = drop, .note = note };
	return gate;
}

static void begin(void *filter, struct srv_core *core)
{
	struct srv_gate *gate = filter;

	gate->core = core;
	if (gate->hooks->begin)
		gate->hooks->begin(gate);
}

static void close_gate(void *filter)
{
	struct srv_gate *gate = filter;
	struct srv_later *later, *next;

	DL_FOREACH_SAFE(gate->later, later, next)
		free(later);
	DL_FOREACH_SAFE(gate->held, later, next)
		free(later);
	forget_all(gate->memos);
	forget_gone(gate);
	forget_all(gate->sent);
	if (gate->udp)
		net_udp_close(gate->udp);
	free(gate);
}

const struct srv_filter srv_gate_filter = {
	.open = open_gate,
	.begin = begin,
	.receive = receive,
	.closed = closed,
	.due = due,
	.run = run,
	.close = close_gate,
};
