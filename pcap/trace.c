/* From frames to sessions to judges, see trace.h. For the programs of pcap/.
 * A session has a slot in its server's table, whose index is its endpoint at the judge; all are found by one hash of both addresses. */
#include "pcap/trace.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "judge/client.h"
#include "judge/table.h"
#include "pcap/chance.h"
#include "pcap/fragments.h"
#include "pcap/stream.h"
#include "protocol/frame.h"

enum { OUR_NAMES = 4096, OPENINGS = 1024, ROOM_UP = 128 << 10, C2W_PORT = 1950 };

struct key {
	struct net_addr client, server;
	uint64_t tcp;
};

struct session {
	struct pc_session view;       /* first: a callback's session is this */
	struct key key;
	UT_hash_handle hh;
	struct session *prev, *next;  /* of its server's, by their last packet; over ones first */
	bool over;                    /* TCP: both sides have ended it */
	unsigned number;
	struct server *server;
	int64_t last_at;
	struct jd_client client;
	struct pc_stream up, down;
	struct c2w_framer up_framer, down_framer;
	bool up_lost, down_lost;      /* after a gap: the rest of a message comes first */
	bool presumed;                /* that it had no session when it asked for one: an answer will tell */
};

struct server {
	struct net_addr address;
	int64_t last_at;
	struct pc_trace *trace;
	struct jd *jd;
	struct jd_client_names names;
	uint64_t ours[OUR_NAMES];     /* hashes: whose requests are all in the capture */
	unsigned count;               /* slots ever used */
	struct session *in_use, *free; /* free: by `next` */
	struct session sessions[PC_SESSIONS];
};

/* A connection that began before anybody knew that it would carry C2W. */
struct opening {
	struct key key;               /* client: who sent the SYN */
	uint32_t seq;
};

struct pc_trace {
	struct pc_trace_options options;
	struct pc_fragments *fragments;
	struct session *by_key;
	struct server *servers[PC_SERVERS]; /* NULL: free */
	struct opening openings[OPENINGS];
	unsigned next_opening;
	struct pc_packet packet;      /* the present one */
	struct session *present;      /* whose message is being judged */
	struct pc_counts counts;
	bool forgot;                  /* some session that was not over, or a whole server, was given up */
	bool tested[2][C2W_RULES], undecided[2]; /* over UDP, over TCP; see jd_reading */
};

/* ---- what the judges say -------------------------------------------------------------------------- */

/* Rules that one message breaks by itself, whatever came before. */
static bool by_itself(enum c2w_rule rule)
{
	return rule == C2W_FMT_01 || rule == C2W_FMT_07 || rule == C2W_FMT_09 || rule == C2W_TRN_02 || rule == C2W_ENT_06;
}

static void found(void *context, const struct jd_finding *finding)
{
	struct server *server = context;
	struct pc_trace *trace = server->trace;
	struct session *session = &server->sessions[finding->endpoint];

	if (((session->view.late || session->view.gap) && !by_itself(finding->rule)) || trace->options.found == NULL)
		return;
	trace->options.found(trace->options.context, &session->view, trace->packet.number, finding);
}

/* Texts of others are strangers': a part of what they sent is unknown. */
static bool is_ours(void *context, struct c2w_str user)
{
	const struct server *server = context;
	uint64_t hash = jd_hash(user);

	return server->ours[hash % OUR_NAMES] == hash;
}

static struct jd_options judging(struct server *server)
{
	return (struct jd_options){
		.params = server->trace->options.params, .one_way = server->trace->options.latency, .found = found, .context = server, .ours = is_ours,
	};
}

static void tell(struct pc_trace *trace, struct session *session, const struct pc_event *event)
{
	if (trace->options.event != NULL)
		trace->options.event(trace->options.context, &session->view, event);
}

static void note(struct pc_trace *trace, struct session *session, bool received, const char *text)
{
	tell(trace, session, &(struct pc_event){ .at = trace->packet.at, .packet = trace->packet.number, .received = received, .note = text });
}

/* ---- sessions --------------------------------------------------------------------------------------- */

static void forget_name(struct session *session)
{
	uint64_t hash = jd_hash(c2w_str_of(session->view.user));

	if (session->server->ours[hash % OUR_NAMES] == hash)
		session->server->ours[hash % OUR_NAMES] = 0;
}

static void session_close(struct session *session)
{
	struct pc_trace *trace = session->server->trace;

	jd_close(session->server->jd, session->number, session->last_at);
	if (trace->options.closed != NULL)
		trace->options.closed(trace->options.context, &session->view);
	HASH_DEL(trace->by_key, session);
	pc_stream_clear(&session->up);
	pc_stream_clear(&session->down);
	free(session->up_framer.buffer);
	free(session->down_framer.buffer);
	session->up_framer.buffer = session->down_framer.buffer = NULL;
	DL_DELETE(session->server->in_use, session);
	session->next = session->server->free;
	session->server->free = session;
}

/* The one silent longest, unless there is one that is over. */
static void forget_one(struct server *server)
{
	server->trace->forgot = server->trace->forgot || !server->in_use->over;
	server->trace->counts.forgotten += !server->in_use->over;
	session_close(server->in_use);
}

static struct session *slot_of(struct server *server)
{
	struct session *session;

	if (server->free == NULL && server->count == server->trace->options.sessions)
		forget_one(server);
	session = server->free;
	if (session == NULL)
		return &server->sessions[server->count++];
	server->free = session->next;
	return session;
}

static bool one_host(const struct key *key)
{
	struct net_addr client = key->client;

	client.port = key->server.port;
	return net_addr_equal(&client, &key->server) || net_addr_is_loopback(&key->client);
}

static struct session *session_open(struct server *server, const struct key *key, bool late)
{
	struct pc_trace *trace = server->trace;
	struct session *session = slot_of(server);

	*session = (struct session){
		.view = { .id = ++trace->counts.sessions, .client = key->client, .server = key->server, .tcp = key->tcp != 0, .late = late },
		.key = *key, .number = (unsigned)(session - server->sessions), .server = server, .last_at = trace->packet.at,
		.presumed = key->tcp == 0 && (!trace->options.complete || trace->forgot),
	};
	trace->counts.late += late;
	if (key->tcp) {
		c2w_framer_init(&session->up_framer, malloc(ROOM_UP), ROOM_UP);
		c2w_framer_init(&session->down_framer, malloc(C2W_MAX_TO_CLIENT), C2W_MAX_TO_CLIENT);
		if (session->up_framer.buffer == NULL || session->down_framer.buffer == NULL)
			abort();
		session->up_lost = session->down_lost = late;
	}
	DL_APPEND(server->in_use, session);
	HASH_ADD(hh, trace->by_key, key, sizeof(session->key), session);
	jd_open(server->jd, session->number, session->view.tcp, trace->packet.at);
	if (late)
		jd_unseen(server->jd, session->number);
	jd_client_open(&session->client, session->number, session->view.tcp, one_host(key));
	if (trace->options.opened != NULL)
		trace->options.opened(trace->options.context, &session->view);
	return session;
}

/* ---- what is said ------------------------------------------------------------------------------------- */

static bool is_judged(const struct session *session)
{
	return !session->view.late && !session->view.gap;
}

static void lose(struct session *session)
{
	session->view.gap = true;
	jd_unseen(session->server->jd, session->number);
	forget_name(session);
}

/* A session that begins anew within the capture is known from then on. */
static void note_name(struct session *session, const struct c2w_message *message)
{
	size_t length = message->user.length < PC_MAX_NAME - 1 ? message->user.length : PC_MAX_NAME - 1;
	uint64_t hash = jd_hash(message->user);

	if (!session->view.tcp && !is_judged(session)) {
		jd_open(session->server->jd, session->number, false, session->last_at);
		jd_client_open(&session->client, session->number, false, session->client.lossless);
		session->view.late = session->view.gap = false;
		session->presumed = true;
	}
	memcpy(session->view.user, message->user.at, length);
	session->view.user[length] = '\0';
	if (is_judged(session) && c2w_user_name_valid(message->user))
		session->server->ours[hash % OUR_NAMES] = hash;
}

/* It had a session already, of before the capture, as nobody knows whom. */
static void note_refusal(struct session *session, const struct c2w_message *message)
{
	if (!session->presumed || c2w_command_info(message->command)->family != C2W_CONNECTION)
		return;
	session->presumed = false;
	if (message->command != C2W_CONNECTION_ERROR || !c2w_code_fits(session->server->trace->options.params.already_connected, message->code))
		return;
	lose(session);
	session->view.late = true;
	session->view.gap = false;
}

static unsigned chances_of_sent(const struct session *session, enum c2w_err err, const struct c2w_message *message)
{
	if (err != C2W_OK || c2w_command_info(message->command)->sender != C2W_CLIENT)
		return 0;
	if (c2w_command_info(message->command)->beat == C2W_ACK)
		return PC_ACK;
	return PC_REQUEST | (session->client.request.known && session->client.request.time == message->time ? PC_REQUEST_AGAIN : 0);
}

static void client_says(struct pc_trace *trace, struct session *session, struct c2w_str octets)
{
	const struct jd_options options = judging(session->server);
	struct c2w_message message;
	enum c2w_err err = c2w_message_parse(&message, octets.at, octets.length, (size_t)options.params.max_request);
	unsigned chances = chances_of_sent(session, err, &message);

	trace->counts.messages++;
	if (message.command == C2W_CONNECTION_REQUEST && err == C2W_OK)
		note_name(session, &message);
	tell(trace, session, &(struct pc_event){ trace->packet.at, trace->packet.number, false, octets, NULL, err, &message });
	jd_sent(session->server->jd, session->number, trace->packet.at, octets.at, octets.length);
	if (!is_judged(session))
		return;
	pc_chance_mark(trace->tested[session->view.tcp], chances, session->view.tcp);
	if (chances != 0)
		jd_client_sent(&session->client, &options, &session->server->names, trace->packet.at, &message, octets);
}

static void server_says(struct pc_trace *trace, struct session *session, struct c2w_str octets)
{
	const struct jd_options options = judging(session->server);
	struct c2w_message message;
	enum c2w_err err = c2w_message_parse(&message, octets.at, octets.length, C2W_MAX_TO_CLIENT);
	const struct jd_reading *reading = jd_last(session->server->jd);

	trace->counts.messages++;
	if (err == C2W_OK)
		note_refusal(session, &message);
	tell(trace, session, &(struct pc_event){ trace->packet.at, trace->packet.number, true, octets, NULL, err, &message });
	jd_received(session->server->jd, session->number, trace->packet.at, octets.at, octets.length);
	if (!is_judged(session))
		return;
	pc_chance_mark(trace->tested[session->view.tcp], pc_chance_of(reading), session->view.tcp);
	trace->undecided[session->view.tcp] |= reading->undecided;
	if (reading->err == C2W_OK && reading->from_server)
		jd_client_received(&session->client, &options, &session->server->names, trace->packet.at, &message, octets);
}

/* ---- TCP ------------------------------------------------------------------------------------------------ */

/* What is left of a message whose beginning is unknown is passed over. */
static bool find_start(bool *lost, struct c2w_str *octets)
{
	size_t through;

	if (!*lost)
		return true;
	through = c2w_through_crlf(*octets, '\0');
	octets->at += through;
	octets->length -= through;
	*lost = through == 0;
	return !*lost;
}

static void up_octets(void *context, const struct pc_packet *packet, struct c2w_str octets)
{
	struct session *session = context;
	struct pc_trace *trace = session->server->trace;
	struct c2w_str message, all = octets;
	enum c2w_err err;

	(void)packet;
	if (!find_start(&session->up_lost, &octets))
		return;
	while ((err = c2w_framer_next(&session->up_framer, &octets, &message)) == C2W_OK)
		client_says(trace, session, message);
	if (err != C2W_ERR_TOO_LONG)
		return;
	jd_sent(session->server->jd, session->number, trace->packet.at, all.at, all.length);
	c2w_framer_init(&session->up_framer, session->up_framer.buffer, ROOM_UP);
	note(trace, session, false, "octets without end: no CR LF");
}

static void down_octets(void *context, const struct pc_packet *packet, struct c2w_str octets)
{
	static const struct c2w_str none = { "", 0 };
	struct session *session = context;
	struct pc_trace *trace = session->server->trace;
	struct c2w_str message;
	enum c2w_err err;

	if (!find_start(&session->down_lost, &octets))
		return;
	while ((err = c2w_framer_next(&session->down_framer, &octets, &message)) == C2W_OK)
		server_says(trace, session, message);
	if (err != C2W_ERR_TOO_LONG)
		return;
	found(session->server, &(struct jd_finding){ C2W_FMT_07, session->number, packet->at, false, "65507 octets without a CR LF", none, none });
	c2w_framer_init(&session->down_framer, session->down_framer.buffer, C2W_MAX_TO_CLIENT);
	session->down_lost = true;
}

static void gap(struct session *session, struct c2w_framer *framer, bool *lost, bool received)
{
	struct pc_trace *trace = session->server->trace;

	trace->counts.gaps++;
	framer->held = 0;
	*lost = true;
	lose(session);
	note(trace, session, received, "packets are missing here");
}

static void up_gap(void *context, const struct pc_packet *packet)
{
	struct session *session = context;

	(void)packet;
	gap(session, &session->up_framer, &session->up_lost, false);
}

static void down_gap(void *context, const struct pc_packet *packet)
{
	struct session *session = context;

	(void)packet;
	gap(session, &session->down_framer, &session->down_lost, true);
}

/* TRN-03: a server that ends in order ends behind a message. */
static void down_ended(struct pc_trace *trace, struct session *session, bool reset)
{
	struct c2w_framer *framer = &session->down_framer;

	if (!reset && framer->held > 0 && !session->down_lost && !session->up.ended)
		server_says(trace, session, (struct c2w_str){ framer->buffer, framer->held });
	framer->held = 0;
	note(trace, session, true, reset ? "closed by the server (RST)" : "closed by the server (FIN)");
}

/* Its slot is the next to be used again. */
static void session_over(struct session *session)
{
	session->over = true;
	jd_close(session->server->jd, session->number, session->last_at);
	DL_DELETE(session->server->in_use, session);
	DL_PREPEND(session->server->in_use, session);
}

static void take_segment(struct pc_trace *trace, struct session *session, bool received)
{
	const struct pc_packet *packet = &trace->packet;
	struct pc_stream *stream = received ? &session->down : &session->up;
	bool ended = stream->ended;
	const struct pc_stream_sink sink = { received ? down_octets : up_octets, received ? down_gap : up_gap, session };

	pc_stream_acknowledge(received ? &session->up : &session->down, packet);
	if (packet->missing > 0)
		trace->counts.cut++;
	pc_stream_segment(stream, packet, &sink);
	if (packet->reset)
		stream->ended = true;
	if (!ended && stream->ended && received && session->up_framer.held > 0)
		note(trace, session, false, "octets without end: no CR LF");
	if (!ended && stream->ended && received)
		down_ended(trace, session, packet->reset);
	else if (!ended && stream->ended)
		note(trace, session, false, packet->reset ? "closed by the client (RST)" : "closed by the client (FIN)");
	if (packet->reset || (session->up.ended && session->down.ended))
		session_over(session);
}

/* ---- UDP ------------------------------------------------------------------------------------------------- */

static void take_datagram(struct pc_trace *trace, struct session *session, bool received)
{
	if (trace->packet.missing > 0) {
		trace->counts.cut++;
		lose(session);
		note(trace, session, received, "a datagram that was not captured whole");
	} else if (received) {
		server_says(trace, session, trace->packet.payload);
	} else {
		client_says(trace, session, trace->packet.payload);
	}
}

/* TRN-04: the answer to what this endpoint asked last, from somewhere else. */
static void judge_stray(struct pc_trace *trace, const struct c2w_message *message)
{
	const struct pc_packet *packet = &trace->packet;
	enum c2w_family family = c2w_command_info(message->command)->family;
	char from[NET_ADDR_TEXT], asked[NET_ADDR_TEXT];

	for (struct session *session = trace->by_key; session != NULL; session = session->hh.next) {
		if (session->view.tcp || !is_judged(session) || !net_addr_equal(&session->view.client, &packet->to))
			continue;
		if (!session->client.request.known || session->client.request.answered || session->client.request.family != family ||
		    session->client.request.time != message->time)
			continue;
		net_addr_format(&packet->from, from);
		net_addr_format(&session->view.server, asked);
		found(session->server, &(struct jd_finding){
			C2W_TRN_04, session->number, packet->at, false, "the answer comes from another address or port than the request was sent to",
			c2w_str_of(asked), c2w_str_of(from),
		});
		return;
	}
}

/* ---- who is who -------------------------------------------------------------------------------------------- */

static bool wanted(const struct pc_trace *trace, const struct net_addr *server)
{
	const struct net_addr *only = &trace->options.server;

	return (only->port == 0 || only->port == server->port) &&
	       (only->family == 0 || (only->family == server->family && memcmp(only->octets, server->octets, sizeof(only->octets)) == 0));
}

static struct server *server_known(struct pc_trace *trace, const struct net_addr *address)
{
	for (unsigned i = 0; i < PC_SERVERS; i++)
		if (trace->servers[i] != NULL && net_addr_equal(&trace->servers[i]->address, address))
			return trace->servers[i];
	return NULL;
}

static void server_close(struct server **place)
{
	struct server *server = *place;

	*place = NULL;
	if (server == NULL)
		return;
	while (server->in_use != NULL)
		session_close(server->in_use);
	jd_free(server->jd);
	free(server);
}

static struct server *server_add(struct pc_trace *trace, const struct net_addr *address)
{
	struct server **place = &trace->servers[0];
	struct jd_options options;

	for (unsigned i = 0; i < PC_SERVERS && *place != NULL; i++)
		if (trace->servers[i] == NULL || trace->servers[i]->last_at < (*place)->last_at)
			place = &trace->servers[i];
	trace->counts.servers_forgotten += *place != NULL;
	trace->forgot = trace->forgot || *place != NULL;
	server_close(place);
	*place = calloc(1, sizeof(**place)); /* pages of sessions that never come are never touched */
	if (*place == NULL)
		abort();
	(*place)->address = *address;
	(*place)->trace = trace;
	options = judging(*place);
	(*place)->jd = jd_new(&options, trace->options.sessions);
	if ((*place)->jd == NULL)
		abort();
	trace->counts.servers++;
	return *place;
}

/* Does it begin like a message? By whom, then. */
static bool reads_as(const struct pc_packet *packet, struct c2w_message *message)
{
	c2w_message_parse(message, packet->payload.at, packet->payload.length, 0);
	return message->command != C2W_NO_COMMAND && message->time >= 0;
}

static bool is_port(const struct pc_trace *trace, const struct net_addr *address)
{
	uint16_t port = trace->options.server.port > 0 ? trace->options.server.port : C2W_PORT;

	return address->port == port && wanted(trace, address);
}

/* 1: the packet goes to a server, -1: it comes from one, 0: it is not C2W. */
static int direction(struct pc_trace *trace)
{
	const struct pc_packet *packet = &trace->packet;
	struct c2w_message message;
	bool up = is_port(trace, &packet->to) || server_known(trace, &packet->to) != NULL;
	bool down = is_port(trace, &packet->from) || server_known(trace, &packet->from) != NULL;

	if (up != down)
		return up ? 1 : -1;
	if (!reads_as(packet, &message))
		return 0;
	if (c2w_command_info(message.command)->sender == C2W_CLIENT) /* anybody may play the server, and clients of FMT-06 do */
		return wanted(trace, &packet->to);
	if (!packet->tcp)
		judge_stray(trace, &message);
	return 0;
}

static struct key key_of(const struct net_addr *client, const struct net_addr *server, bool tcp)
{
	return (struct key){ *client, *server, tcp };
}

static struct session *find(struct pc_trace *trace, const struct key *key)
{
	struct session *session;

	HASH_FIND(hh, trace->by_key, key, sizeof(*key), session);
	return session;
}

static void remember_opening(struct pc_trace *trace)
{
	trace->openings[trace->next_opening++ % OPENINGS] =
		(struct opening){ key_of(&trace->packet.from, &trace->packet.to, true), trace->packet.seq };
}

static bool opened_before(const struct pc_trace *trace, const struct key *key)
{
	for (unsigned i = 0; i < OPENINGS; i++)
		if (trace->openings[i].key.tcp && memcmp(&trace->openings[i].key, key, sizeof(*key)) == 0 &&
		    trace->openings[i].seq + 1 == trace->packet.seq)
			return true;
	return false;
}

/* Did all of it happen within the capture? */
static bool is_late(const struct pc_trace *trace, const struct key *key, bool up)
{
	const struct pc_packet *packet = &trace->packet;
	struct c2w_message message;

	if (trace->options.complete && !trace->forgot)
		return false;
	if (packet->tcp)
		return !(up && (packet->syn || opened_before(trace, key)));
	return !(up && reads_as(packet, &message) && message.command == C2W_CONNECTION_REQUEST);
}

static struct session *begin(struct pc_trace *trace, bool *up)
{
	const struct pc_packet *packet = &trace->packet;
	int where = direction(trace);
	struct server *server;
	struct key key;

	if (where == 0) {
		if (packet->tcp && packet->syn && !packet->acks)
			remember_opening(trace);
		return NULL;
	}
	*up = where > 0;
	key = *up ? key_of(&packet->from, &packet->to, packet->tcp) : key_of(&packet->to, &packet->from, packet->tcp);
	if (packet->tcp && (packet->reset || (packet->payload.length == 0 && !packet->syn)))
		return NULL; /* the end of something that is over */
	server = server_known(trace, &key.server);
	if (server == NULL)
		server = server_add(trace, &key.server);
	return session_open(server, &key, is_late(trace, &key, *up));
}

/* A connection with the same two ports begins. */
static bool begins_anew(const struct session *session, const struct pc_packet *packet)
{
	return packet->tcp && packet->syn && !packet->acks && session->up.begun && packet->seq != session->up.first;
}

static void take_packet(struct pc_trace *trace)
{
	const struct pc_packet *packet = &trace->packet;
	struct key sent = key_of(&packet->from, &packet->to, packet->tcp), got = key_of(&packet->to, &packet->from, packet->tcp);
	struct session *session = find(trace, &sent);
	bool up = session != NULL;

	if (session == NULL)
		session = find(trace, &got);
	if (session != NULL && up && begins_anew(session, packet)) {
		session_close(session);
		session = NULL;
	}
	if (session == NULL)
		session = begin(trace, &up);
	if (session == NULL)
		return;
	session->last_at = session->server->last_at = packet->at;
	if (!session->over) {
		DL_DELETE(session->server->in_use, session);
		DL_APPEND(session->server->in_use, session);
	}
	if (packet->tcp)
		take_segment(trace, session, !up);
	else
		take_datagram(trace, session, !up);
}

/* ---- frames --------------------------------------------------------------------------------------------------- */

void pc_trace_frame(struct pc_trace *trace, int link, int64_t at, uint64_t number, const char *octets, size_t length)
{
	struct pc_ip ip;
	enum pc_kind kind = pc_ip_read(&ip, link, octets, length);

	trace->counts.frames++;
	if (kind == PC_FRAGMENT)
		kind = pc_fragments_add(trace->fragments, &ip) ? PC_DATAGRAM : PC_OTHER;
	trace->packet = (struct pc_packet){ .at = at, .number = number };
	if (kind == PC_DATAGRAM)
		kind = pc_packet_read(&trace->packet, &ip);
	if (kind == PC_DATAGRAM)
		take_packet(trace);
	trace->counts.broken += kind == PC_BROKEN;
}

void pc_trace_missing(struct pc_trace *trace)
{
	for (struct session *session = trace->by_key; session != NULL; session = session->hh.next)
		lose(session);
}

void pc_trace_end(struct pc_trace *trace)
{
	for (unsigned i = 0; i < PC_SERVERS; i++)
		server_close(&trace->servers[i]);
	trace->forgot = false;
}

struct pc_trace *pc_trace_new(const struct pc_trace_options *options)
{
	struct pc_trace *trace = calloc(1, sizeof(*trace));

	if (trace == NULL)
		return NULL;
	trace->options = *options;
	if (options->sessions == 0 || options->sessions > PC_SESSIONS)
		trace->options.sessions = PC_SESSIONS;
	trace->fragments = pc_fragments_new();
	if (trace->fragments != NULL)
		return trace;
	free(trace);
	return NULL;
}

void pc_trace_free(struct pc_trace *trace)
{
	if (trace == NULL)
		return;
	trace->options.closed = NULL;
	pc_trace_end(trace);
	pc_fragments_free(trace->fragments);
	free(trace);
}

struct pc_counts pc_trace_counts(const struct pc_trace *trace)
{
	struct pc_counts counts = trace->counts;

	counts.fragments_lost = pc_fragments_lost(trace->fragments);
	return counts;
}

bool pc_trace_tested(const struct pc_trace *trace, bool tcp, enum c2w_rule rule)
{
	return trace->tested[tcp][rule] && !(trace->undecided[tcp] && pc_chance_of_echo(rule));
}
