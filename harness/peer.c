/* The endpoints of a cast: sockets opened, octets sent and received, acks, repetitions as REL-01 says.
 * Called by the engine and by the loop of its net. What is received goes through the judge into the inbox of
 * its client; items of an inbox are pooled, and freed when the script has taken them or the run ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "harness/run.h"

enum { STREAM_OUT_MAX = 128 << 10 };

/* ---- buffers and items ---------------------------------------------------------------------- */

void hx_buffer_set(struct hx_buffer *buffer, const char *octets, size_t length)
{
	if (length > buffer->room) {
		free(buffer->at);
		buffer->room = length < 128 ? 128 : length;
		buffer->at = malloc(buffer->room);
		if (buffer->at == NULL)
			abort();
	}
	if (length > 0)
		memcpy(buffer->at, octets, length);
	buffer->length = length;
}

struct c2w_str hx_buffer_str(const struct hx_buffer *buffer)
{
	return (struct c2w_str){ buffer->at, buffer->length };
}

static void rebase(struct c2w_str *slice, const char *from, const char *to)
{
	if (slice->at != NULL && slice->length > 0)
		slice->at = to + (slice->at - from);
}

static void rebase_message(struct c2w_message *message, const char *from, const char *to)
{
	rebase(&message->time_text, from, to);
	rebase(&message->command_text, from, to);
	rebase(&message->user, from, to);
	rebase(&message->data, from, to);
}

static struct hx_item *item_new(struct hx_run *run, const char *octets, size_t length)
{
	struct hx_item *item = run->pool;
	if (item != NULL)
		run->pool = item->next;
	else if ((item = malloc(sizeof(*item))) == NULL)
		abort();
	item->octets = length <= sizeof(item->space) ? item->space : malloc(length);
	if (item->octets == NULL)
		abort();
	memcpy(item->octets, octets, length);
	item->length = length;
	item->prev = item->next = NULL;
	return item;
}

void hx_item_free(struct hx_run *run, struct hx_item *item)
{
	if (item == NULL)
		return;
	if (item->octets != item->space)
		free(item->octets);
	item->next = run->pool;
	run->pool = item;
}

void hx_note(struct hx_run *run, const struct hx_client *client, bool tcp, const char *note)
{
	rp_event_add(run->options.result, run->options.record, net_now(run->net) - run->options.run_start, client->name, true, tcp,
	             NULL, 0, note);
}

static char *path_of(struct hx_endpoint *endpoint)
{
	struct net_addr local = { 0 };
	char here[NET_ADDR_TEXT], there[NET_ADDR_TEXT];
	if (endpoint->path[0] == '\0') {
		if (endpoint->link != NULL)
			net_tcp_local(endpoint->link, &local);
		else if (endpoint->udp != NULL)
			net_udp_local(endpoint->udp, &local);
		net_addr_source(&local, &endpoint->run->target->address);
		if (local.port > 0)
			snprintf(endpoint->path, sizeof(endpoint->path), "%s > %s", net_addr_format(&local, here),
			         net_addr_format(&endpoint->run->target->address, there));
	}
	return endpoint->path[0] != '\0' ? endpoint->path : NULL;
}

static void record(struct hx_endpoint *endpoint, struct rp_event *event)
{
	struct hx_run *run = endpoint->run;
	event->at -= run->options.run_start;
	event->client = (char *)(uintptr_t)endpoint->client->name; /* all of it is copied */
	event->tcp = endpoint->tcp;
	event->path = path_of(endpoint);
	rp_event_copy(run->options.result, run->options.record, event);
}

static void record_octets(struct hx_endpoint *endpoint, int64_t at, bool received, const char *octets, size_t length, const char *note)
{
	record(endpoint, &(struct rp_event){ .at = at, .received = received, .octets = (char *)(uintptr_t)octets, .length = length, .note = (char *)(uintptr_t)note });
}

void hx_record_end(struct hx_endpoint *endpoint, int64_t at, bool received, bool reset, const char *note)
{
	record(endpoint, &(struct rp_event){ .at = at, .received = received, .end = reset ? RP_RST : RP_FIN, .note = (char *)(uintptr_t)note });
}

/* ---- sending -------------------------------------------------------------------------------- */

static void remember_request(struct hx_endpoint *endpoint, const char *octets, size_t length, const struct c2w_message *message)
{
	struct hx_client *client = endpoint->client;
	const struct c2w_message *before = &endpoint->request_message;
	bool repeated = endpoint->request.length > 0 && before->command == message->command && before->time == message->time &&
	                c2w_str_equal(before->user, message->user);
	endpoint->request_at = endpoint->asked_at = net_now(endpoint->run->net);
	if (octets != endpoint->request.at)
		hx_buffer_set(&endpoint->request, octets, length);
	endpoint->request_message = *message;
	rebase_message(&endpoint->request_message, octets, endpoint->request.at);
	if (repeated)
		return;
	endpoint->times[endpoint->times_count++ % HX_TIME_HISTORY] = message->time;
	if (message->command == C2W_CONNECTION_REQUEST)
		hx_buffer_set(&endpoint->asked, message->user.at, message->user.length);
	endpoint->request_open = true;
	endpoint->request_once = false;
	endpoint->request_repeats = 0;
	if (message->command != C2W_SEND_MESSAGE_REQUEST)
		return;
	struct hx_chat *chat = &client->chats[client->chat_count++ % HX_CHAT_HISTORY];
	hx_buffer_set(&chat->octets, octets, length);
	chat->message = *message;
	rebase_message(&chat->message, octets, chat->octets.at);
}

bool hx_sent_time(const struct hx_endpoint *endpoint, int64_t time)
{
	for (unsigned i = 0; i < HX_TIME_HISTORY && i < endpoint->times_count; i++)
		if (endpoint->times[i] == time)
			return true;
	return false;
}

static void note_message(struct hx_endpoint *endpoint, const char *octets, size_t length)
{
	struct hx_run *run = endpoint->run;
	struct c2w_message message;
	if (endpoint->number < run->jd_endpoints)
		jd_sent(run->jd, endpoint->number, net_now(run->net), octets, length);
	enum c2w_err err = c2w_message_parse(&message, octets, length, 0);
	bool known = err == C2W_OK && message.command != C2W_NO_COMMAND;
	endpoint->nonsense = !known;
	if (memmem(octets, length, "CONNECTION_REQUEST", 18) != NULL)
		endpoint->knocked = true;
	if (!known || c2w_command_info(message.command)->beat != C2W_REQUEST)
		return;
	if (message.time > endpoint->time_floor)
		endpoint->time_floor = message.time;
	remember_request(endpoint, octets, length, &message);
}

/* TCP: judged and remembered message by message, however the script cuts the stream. */
static void note_stream(struct hx_endpoint *endpoint, const char *octets, size_t length)
{
	struct c2w_str input = { octets, length }, message;
	enum c2w_err err;
	while ((err = c2w_framer_next(&endpoint->out, &input, &message)) == C2W_OK)
		note_message(endpoint, message.at, message.length);
	if (err != C2W_ERR_TOO_LONG)
		return;
	if (endpoint->number < endpoint->run->jd_endpoints)
		jd_sent(endpoint->run->jd, endpoint->number, net_now(endpoint->run->net), octets, length);
	endpoint->nonsense = true;
	c2w_framer_init(&endpoint->out, endpoint->out.buffer, endpoint->out.size);
}

static void put(struct hx_endpoint *endpoint, const char *octets, size_t length)
{
	if (endpoint->tcp) {
		if (endpoint->link == NULL || net_tcp_send(endpoint->link, octets, length) < 0)
			return;
		note_stream(endpoint, octets, length);
	} else if (endpoint->udp != NULL) {
		net_udp_send(endpoint->udp, &endpoint->run->target->address, NULL, octets, length);
		note_message(endpoint, octets, length);
	}
}

static void record_sent(struct hx_endpoint *endpoint, const char *octets, size_t length, const char *note)
{
	record_octets(endpoint, net_now(endpoint->run->net), false, octets, length, note);
}

void hx_transmit(struct hx_endpoint *endpoint, const char *octets, size_t length, const char *note)
{
	record_sent(endpoint, octets, length, note);
	put(endpoint, octets, length);
}

static void next_piece(void *context)
{
	struct hx_endpoint *endpoint = context;
	size_t left = endpoint->pieces.length - endpoint->pieces_sent;
	size_t wanted = endpoint->pieces_sent == 0 ? endpoint->piece_first : endpoint->piece;
	size_t size = left < wanted ? left : wanted;
	put(endpoint, endpoint->pieces.at + endpoint->pieces_sent, size);
	if (endpoint->link != NULL)
		net_tcp_push(endpoint->link);
	endpoint->pieces_sent += size;
	if (endpoint->pieces_sent < endpoint->pieces.length)
		net_timer_at(endpoint->piece_due, net_now(endpoint->run->net) + endpoint->piece_gap);
	else
		hx_run_advance(endpoint->run);
}

void hx_transmit_pieces(struct hx_endpoint *endpoint, const char *octets, size_t length, size_t first, size_t size, int64_t gap)
{
	record_sent(endpoint, octets, length, hx_print(endpoint->run->arena, "in pieces of %zu octets, then %zu each", first, size));
	hx_buffer_set(&endpoint->pieces, octets, length);
	endpoint->pieces_sent = 0;
	endpoint->piece_first = first > 0 ? first : 1;
	endpoint->piece = size > 0 ? size : 1;
	endpoint->piece_gap = gap;
	if (endpoint->piece_due == NULL)
		endpoint->piece_due = net_timer_new(endpoint->run->net, next_piece, endpoint);
	net_timer_at(endpoint->piece_due, net_now(endpoint->run->net));
}

/* REL-01: octet for octet, every rto, at most max-retransmits times; over UDP, where things get lost. */
static void repeat_request(void *context)
{
	struct hx_endpoint *endpoint = context;
	struct hx_run *run = endpoint->run;
	if (!endpoint->request_open || endpoint->udp == NULL || endpoint->request_repeats >= run->params->max_retransmits)
		return;
	int64_t asked_at = endpoint->asked_at;
	endpoint->request_repeats++;
	hx_transmit(endpoint, endpoint->request.at, endpoint->request.length, "repeated: no answer yet (REL-01)");
	endpoint->asked_at = asked_at;
	net_timer_at(endpoint->repeat, net_now(run->net) + run->params->rto);
}

void hx_repeat_while_waiting(struct hx_endpoint *endpoint)
{
	if (endpoint->tcp || !endpoint->request_open || endpoint->request_once)
		return;
	if (endpoint->repeat == NULL)
		endpoint->repeat = net_timer_new(endpoint->run->net, repeat_request, endpoint);
	endpoint->repeating = true;
	net_timer_at(endpoint->repeat, endpoint->request_at + endpoint->run->params->rto);
}

void hx_repeat_stop(struct hx_run *run)
{
	for (struct hx_endpoint *e = run->endpoints; e != NULL; e = e->next) {
		if (e->repeating)
			net_timer_stop(e->repeat);
		e->repeating = false;
	}
}

/* ---- acknowledging (REL-02) ----------------------------------------------------------------- */

static void send_ack(struct hx_endpoint *endpoint, enum c2w_command command, struct c2w_str time, struct c2w_str user, struct c2w_str data)
{
	struct c2w_message ack = { .time_text = time, .command = command, .user = user, .data = data };
	char octets[1024];
	long length = c2w_message_format(octets, sizeof(octets), &ack);
	if (length > 0)
		hx_transmit(endpoint, octets, (size_t)length, NULL);
}

/* An answer whose TIME or USER_NAME is wrong is acked as it stands and as it should have stood, so that this one mistake
 * of the target is charged to its own rule only (a wrong ack is ignored: REL-09). */
void hx_acknowledge(struct hx_endpoint *endpoint, const struct hx_item *item)
{
	const struct c2w_message *message = &item->message;
	enum c2w_family family = c2w_command_info(message->command)->family;
	enum c2w_command command = c2w_command_of(family, C2W_ACK);
	const struct c2w_message *request = &endpoint->request_message;
	if (message->time_text.length > C2W_MAX_COMMAND || message->user.length > C2W_MAX_USER)
		return;
	if (endpoint->out.held > 0)
		return; /* TCP, half a message is on its way: an ack here would become a part of it */
	if (family == C2W_CHAT) {
		struct c2w_str self = endpoint->session.length > 0 ? hx_buffer_str(&endpoint->session) : c2w_str_of(endpoint->client->user);
		send_ack(endpoint, command, message->time_text, self, message->user);
		return;
	}
	send_ack(endpoint, command, message->time_text, message->user, C2W_STR(""));
	bool ours = endpoint->request.length > 0 && c2w_command_info(request->command)->family == family && !item->repetition && !item->stranger;
	if (ours && (message->time != request->time || !c2w_str_equal(message->user, request->user)))
		send_ack(endpoint, command, request->time_text, request->user, C2W_STR(""));
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* An answer moves the state once: a copy of it does not, whether or not the target has sent it for a request of its own. */
static bool is_copy(const struct hx_endpoint *endpoint, const struct hx_item *item)
{
	const struct c2w_message *request = &endpoint->request_message;
	bool last = endpoint->request.length > 0 && request->time == item->message.time &&
	            c2w_command_info(request->command)->family == c2w_command_info(item->message.command)->family;
	return last ? !endpoint->request_open : item->repetition;
}

static void follow_state(struct hx_endpoint *endpoint, const struct c2w_message *message)
{
	if (message->command == C2W_CONNECTION_GRANTED) {
		endpoint->state = HX_IN_MAIN_ROOM;
		hx_buffer_set(&endpoint->session, endpoint->asked.at, endpoint->asked.length);
	} else if (message->command == C2W_ENTER_MOVIE_GRANTED) {
		endpoint->state = HX_IN_MOVIE_ROOM;
	} else if (message->command == C2W_LEAVE_SESSION_GRANTED) {
		endpoint->state = endpoint->state == HX_IN_MOVIE_ROOM ? HX_IN_MAIN_ROOM : HX_DISCONNECTED;
	}
}

static void follow_request(struct hx_endpoint *endpoint, const struct c2w_message *message, int64_t at)
{
	struct hx_run *run = endpoint->run;
	enum c2w_family family = c2w_command_info(message->command)->family;
	if (!endpoint->request_open || c2w_command_info(endpoint->request_message.command)->family != family)
		return;
	if (family == C2W_CHAT && message->time != endpoint->request_message.time &&
	    !c2w_str_equal(message->user, endpoint->request_message.user))
		return;
	endpoint->request_open = false;
	int64_t took = at - endpoint->request_at;
	if (took > run->outcome.slowest)
		run->outcome.slowest = took;
	if (endpoint->request_repeats > 0 || (!endpoint->tcp && took > run->params->rto * 8 / 10))
		run->outcome.loss = true;
}

static struct jd_reading read_message(struct hx_endpoint *endpoint, const char *octets, size_t length, int64_t at)
{
	struct hx_run *run = endpoint->run;
	if (endpoint->number < run->jd_endpoints) {
		jd_received(run->jd, endpoint->number, at, octets, length);
		return *jd_last(run->jd);
	}
	struct jd_reading reading = { .before = -1 };
	reading.err = c2w_message_parse(&reading.message, octets, length, C2W_MAX_TO_CLIENT);
	reading.from_server = reading.message.command != C2W_NO_COMMAND && c2w_command_info(reading.message.command)->sender == C2W_SERVER;
	return reading;
}

static void keep(struct hx_endpoint *endpoint, struct hx_item *item)
{
	struct hx_run *run = endpoint->run;
	if (endpoint != endpoint->client->endpoint || (run->phase == HX_TEARDOWN && endpoint->client->silence == NULL)) {
		hx_item_free(run, item);
		return;
	}
	if (++run->waiting > HX_MAX_INBOX) {
		run->waiting--;
		hx_item_free(run, item);
		hx_find(run, run->scenario->proves[0], false, "the target floods: thousands of messages that nothing asked for", NULL, NULL);
		hx_script_end(run);
		return;
	}
	DL_APPEND(endpoint->client->inbox, item);
}

static bool over_bound(struct hx_run *run, size_t length)
{
	run->received += length;
	if (run->received <= HX_MAX_OCTETS_RECEIVED)
		return false;
	if (run->phase == HX_SCRIPT) {
		hx_find(run, run->scenario->proves[0], false, "the target sends without end: more than 64 MiB in one scenario", NULL, NULL);
		hx_script_end(run);
	}
	return true;
}

/* A text by somebody who is no client of this run, nor can it be one of ours with a wrong author, or anything for another run: it is acked at once even if acks are held, for as
 * long as it is unacked nothing of ours comes (REL-14). */
static bool from_outside(const struct hx_item *item)
{
	const struct hx_run *run = item->endpoint->run;
	return item->stranger && !hx_name_is_of_this_run(run->target, item->message.user) && !hx_time_is_of_a_text(run, NULL, item->message.time);
}

static void heard_server(struct hx_endpoint *endpoint, const struct hx_item *item, int64_t at)
{
	struct hx_client *client = endpoint->client;
	bool outside = from_outside(item), present = endpoint == client->endpoint;
	if (!outside && !is_copy(endpoint, item))
		follow_state(endpoint, &item->message);
	if (!outside && !item->repetition)
		follow_request(endpoint, &item->message, at);
	if (!outside)
		hx_buffer_set(&client->answers[c2w_command_info(item->message.command)->family], item->octets, item->length);
	if (endpoint->run->phase == HX_TEARDOWN || (present && (outside || !client->holds_acks)))
		hx_acknowledge(endpoint, item);
}

static void received(struct hx_endpoint *endpoint, const char *octets, size_t length, int64_t at)
{
	struct hx_run *run = endpoint->run;
	run->outcome.mute = false;
	if (run->phase == HX_DONE || over_bound(run, length))
		return;
	record_octets(endpoint, at, true, octets, length, NULL);
	struct jd_reading reading = read_message(endpoint, octets, length, at);
	struct hx_item *item = item_new(run, octets, length);
	item->endpoint = endpoint;
	item->at = at;
	item->message = reading.message;
	rebase_message(&item->message, octets, item->octets);
	item->err = reading.err;
	item->repetition = reading.repetition;
	item->before = reading.before;
	item->from_server = reading.from_server;
	item->stranger = reading.stranger || hx_for_another_run(item);
	item->surplus = reading.surplus;
	if (item->from_server)
		heard_server(endpoint, item, at);
	if (run->phase == HX_TEARDOWN && hx_teardown_received(endpoint, item))
		hx_item_free(run, item);
	else
		keep(endpoint, item);
}

/* TRN-04: an answer comes from where the request was sent to. What is no answer of ours is somebody else's. */
static bool from_elsewhere(struct hx_endpoint *endpoint, const struct net_datagram *datagram)
{
	struct hx_run *run = endpoint->run;
	if (net_addr_equal(&datagram->peer, &run->target->address))
		return false;
	struct c2w_message message;
	char text[NET_ADDR_TEXT], wanted[NET_ADDR_TEXT];
	c2w_message_parse(&message, datagram->octets, datagram->length, 0);
	bool ours = endpoint->request.length > 0 && message.time_text.length > 0 &&
	            c2w_str_equal(message.time_text, endpoint->request_message.time_text);
	if (ours)
		hx_find(run, C2W_TRN_04, false, "the answer comes from another address or port than the request was sent to",
		        net_addr_format(&run->target->address, wanted), net_addr_format(&datagram->peer, text));
	return !ours;
}

static void udp_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct hx_endpoint *endpoint = context;
	for (size_t i = 0; i < count && endpoint->udp != NULL; i++)
		if (!from_elsewhere(endpoint, &datagrams[i]))
			received(endpoint, datagrams[i].octets, datagrams[i].length, datagrams[i].at);
	hx_run_advance(endpoint->run);
}

static void udp_refused(void *context, const struct net_addr *peer, int error, int64_t at)
{
	struct hx_endpoint *endpoint = context;
	(void)at;
	if (!net_addr_equal(peer, &endpoint->run->target->address))
		return;
	hx_note(endpoint->run, endpoint->client, false, hx_print(endpoint->run->arena, "datagram refused: %s", net_error_text(-error)));
	endpoint->ended = true;
	endpoint->how = NET_END_REFUSED;
	hx_run_advance(endpoint->run);
}

static void tcp_connected(void *context)
{
	struct hx_endpoint *endpoint = context;
	endpoint->connected = true;
	hx_run_advance(endpoint->run);
}

static void tcp_received(void *context, const char *octets, size_t length, int64_t at)
{
	struct hx_endpoint *endpoint = context;
	struct hx_run *run = endpoint->run;
	struct c2w_str input = { octets, length }, message;
	enum c2w_err err = C2W_ERR_MORE;
	while (run->phase != HX_DONE && (err = c2w_framer_next(&endpoint->in, &input, &message)) == C2W_OK)
		received(endpoint, message.at, message.length, at);
	if (err == C2W_ERR_TOO_LONG && !endpoint->ended) {
		hx_find_octets(run, C2W_FMT_07, "65507 octets without a CR LF", C2W_STR(""), (struct c2w_str){ endpoint->in.buffer, 64 });
		hx_note(run, endpoint->client, true, "65507 octets without a CR LF: connection given up");
		endpoint->ended = true;
		endpoint->how = NET_END_ERROR;
		net_tcp_read(endpoint->link, false);
		hx_script_end(run);
	}
	hx_run_advance(run);
}

static const char *end_text(enum net_end how)
{
	switch (how) {
	case NET_END_FIN:
		return "closed by the server (FIN)";
	case NET_END_RESET:
		return "closed by the server (RST)";
	case NET_END_REFUSED:
		return "connection refused";
	case NET_END_UNREACHABLE:
		return "host unreachable";
	case NET_END_ERROR:
		return "connection broken";
	}
	return "";
}

static void tcp_ended(void *context, enum net_end how, int error, int64_t at)
{
	struct hx_endpoint *endpoint = context;
	struct hx_run *run = endpoint->run;
	(void)error;
	if (endpoint->ended)
		return;
	if (endpoint->in.held > 0 && how == NET_END_FIN)
		received(endpoint, endpoint->in.buffer, endpoint->in.held, at);
	endpoint->ended = true;
	endpoint->how = how;
	if (endpoint->connected && endpoint->number < run->jd_endpoints)
		jd_close(run->jd, endpoint->number, at);
	if (how == NET_END_FIN || how == NET_END_RESET)
		hx_record_end(endpoint, at, true, how == NET_END_RESET, end_text(how));
	else
		hx_note(run, endpoint->client, true, end_text(how));
	hx_run_advance(run);
}

/* ---- opening and closing -------------------------------------------------------------------- */

static const struct net_udp_events udp_events = { .received = udp_received, .refused = udp_refused };
static const struct net_tcp_events tcp_events = { .connected = tcp_connected, .received = tcp_received, .ended = tcp_ended };

static int open_udp(struct hx_endpoint *endpoint)
{
	struct net_addr local = { .family = endpoint->run->target->address.family };
	return net_udp_open(endpoint->run->net, &local, &udp_events, endpoint, &endpoint->udp);
}

static int open_tcp(struct hx_endpoint *endpoint)
{
	struct hx_run *run = endpoint->run;
	char *in = malloc(C2W_MAX_TO_CLIENT), *out = malloc(STREAM_OUT_MAX);
	if (in == NULL || out == NULL)
		abort();
	c2w_framer_init(&endpoint->in, in, C2W_MAX_TO_CLIENT);
	c2w_framer_init(&endpoint->out, out, STREAM_OUT_MAX);
	int err = net_tcp_connect(run->net, &run->target->address, &tcp_events, endpoint, &endpoint->link);
	if (err >= 0 && run->small_window)
		net_tcp_small_window(endpoint->link);
	return err;
}

struct hx_endpoint *hx_endpoint_open(struct hx_client *client, bool tcp)
{
	struct hx_run *run = client->run;
	struct hx_endpoint *endpoint = calloc(1, sizeof(*endpoint));
	if (endpoint == NULL)
		abort();
	endpoint->run = run;
	endpoint->client = client;
	endpoint->tcp = tcp;
	endpoint->number = run->endpoint_count++;
	if (endpoint->number < run->jd_endpoints)
		jd_open(run->jd, endpoint->number, tcp, net_now(run->net));
	endpoint->next = run->endpoints;
	run->endpoints = endpoint;
	client->endpoint = endpoint;
	client->tcp = tcp;
	int err = tcp ? open_tcp(endpoint) : open_udp(endpoint);
	if (err < 0) {
		endpoint->ended = true;
		endpoint->how = NET_END_ERROR;
		hx_note(run, client, tcp, hx_print(run->arena, "cannot open a socket: %s", net_error_text(err)));
	}
	return endpoint;
}

struct hx_endpoint *hx_endpoint_of(struct hx_client *client)
{
	return client->endpoint != NULL ? client->endpoint : hx_endpoint_open(client, client->tcp);
}

void hx_endpoint_close(struct hx_endpoint *endpoint, bool reset)
{
	if (endpoint->link != NULL && reset)
		net_tcp_reset(endpoint->link);
	else if (endpoint->link != NULL)
		net_tcp_close(endpoint->link);
	if (endpoint->udp != NULL)
		net_udp_close(endpoint->udp);
	if (endpoint->link != NULL && endpoint->number < endpoint->run->jd_endpoints && !endpoint->ended)
		jd_close(endpoint->run->jd, endpoint->number, net_now(endpoint->run->net));
	endpoint->link = NULL;
	endpoint->udp = NULL;
	endpoint->ended = true;
}

void hx_endpoint_free(struct hx_endpoint *endpoint)
{
	hx_endpoint_close(endpoint, false);
	net_timer_free(endpoint->repeat);
	net_timer_free(endpoint->piece_due);
	free(endpoint->in.buffer);
	free(endpoint->out.buffer);
	free(endpoint->session.at);
	free(endpoint->asked.at);
	free(endpoint->request.at);
	free(endpoint->pieces.at);
	free(endpoint);
}
