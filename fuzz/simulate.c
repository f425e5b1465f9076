/* Correct clients, a bad network, and what must hold: see simulate.h.
 * For main_simulate.c. The inside of the server is read to know who was in a room when a text was accepted, for nothing else.
 * Everything belongs to the struct world of one run. */
#include "fuzz/simulate.h"

#include <stdarg.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "net/sim.h"
#include "protocol/frame.h"
#include "protocol/time.h"
#include "server/faults_inside.h"
#include "server/policy.h"
#include "server/serve.h"

enum { ROOM = 512, MOST_LINES = 400, PERCENT = 100, US_IN_MS = 1000 };

static const int64_t MS = 1000000, RTO = 1000000000; /* ns */

/* What a client believes. UNSURE: a request of its was never answered, or it knows better than the server. */
enum belief { OUT, IN_MAIN, IN_MOVIE, UNSURE };

struct due { unsigned author, number; bool optional, received; };

struct person {
	struct world *world;
	unsigned index;
	bool tcp;
	struct net_udp *udp;
	struct net_tcp *link;
	struct net_addr local;
	struct c2w_framer framer;
	char *stream;
	struct net_timer *turn, *repeat;
	enum belief belief;
	int64_t settled;                 /* since when it is sure of that */
	bool given_up;                   /* REL-08: the server took it for dead */
	bool held;                       /* a session of its, of an earlier endpoint, may still have its name */
	bool fades;                      /* acks nothing any more once it is answered */
	bool silent;
	bool cut;                        /* its connection: the next message comes over another one */
	unsigned said;                   /* texts so far */
	int64_t time;                    /* us */
	char request[ROOM];
	size_t length;
	enum c2w_family family;
	unsigned movie;                  /* the one that it is in, or asked for last: movie(1), movie(2) */
	bool open;                       /* not answered yet */
	unsigned tries;
	int64_t asked;                   /* when it was sent first */
	struct due *dues;                /* texts the server accepted while it was in the room */
	size_t due_count, due_room, due_at;
	bool left;                       /* at the end: it has gone */
};

struct world {
	struct fz_simulation *run;
	struct net *net;
	struct net_addr server;
	struct srv_service *service;
	struct srv_hooks hooks;          /* a fault's, with our policy in front; else that alone */
	int (*verdict)(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request, int error);
	bool (*dead)(struct srv_core *core, const struct srv_sending *sending);
	uint64_t random;
	bool resting;                    /* nobody does anything of itself */
	bool ending;
	unsigned lines;                  /* of the scenario */
	bool told;                       /* in it: the violation */
	struct person people[FZ_MOST_PEOPLE];
};

static struct world *present; /* policies have no context of their own */

static void take_turn(void *context);

static void violate(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void violate(struct world *w, const char *format, ...)
{
	va_list arguments;

	if (*w->run->violation)
		return;
	va_start(arguments, format);
	vsnprintf(w->run->violation, sizeof(w->run->violation), format, arguments);
	va_end(arguments);
}

static bool chance(struct world *w, unsigned percent)
{
	return (fz_random(&w->random) >> 20) % PERCENT < percent;
}

static int64_t pause_of(struct world *w, int64_t most)
{
	return (int64_t)((fz_random(&w->random) >> 20) % (uint64_t)most);
}

static const char *name_of(const struct person *p)
{
	static char names[FZ_MOST_PEOPLE][8];

	snprintf(names[p->index], sizeof(names[0]), "p%u", p->index);
	return names[p->index];
}

/* ---- the run as a scenario ------------------------------------------------------------------------- */

static void line(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(struct world *w, const char *format, ...)
{
	va_list arguments;

	if (!w->run->scenario || w->told || (w->ending && !w->run->leaving) || ++w->lines > MOST_LINES)
		return;
	va_start(arguments, format);
	vfprintf(w->run->scenario, format, arguments);
	va_end(arguments);
	fputc('\n', w->run->scenario);
	w->told = *w->run->violation != '\0';
}

static bool takes_part(const struct fz_simulation *run, unsigned who)
{
	for (size_t i = 0; i < run->act_count; i++)
		if (run->acts[i].who == who)
			return true;
	return !run->acts;
}

static void begin_scenario(struct world *w)
{
	unsigned over[2] = { 0 }; /* UDP, TCP: how many take part */
	bool mixed, first = true;

	if (!w->run->scenario)
		return;
	for (unsigned i = 0; i < w->run->clients; i++)
		over[w->people[i].tcp] += takes_part(w->run, i);
	mixed = over[0] && over[1];
	fprintf(w->run->scenario, "scenario \"Found by c2w-simulate: %s\"\nproves %s\n%scast  ", w->run->reason, w->run->proves,
	        mixed ? "" : over[1] ? "over   tcp\n" : "over   udp\n");
	for (unsigned i = 0; i < w->run->clients; i++)
		if (takes_part(w->run, i))
			fprintf(w->run->scenario, "%s %s%s", mixed && !first ? "," : "", name_of(&w->people[i]),
			        !mixed ? "" : w->people[i].tcp ? " over tcp" : " over udp"), first = false;
	fputs("\n\n", w->run->scenario);
}

/* ---- what the server decides --------------------------------------------------------------------------- */

static struct person *person_at(const struct srv_way *way)
{
	for (unsigned i = 0; i < present->run->clients; i++)
		if (present->people[i].tcp == (way->connection != NULL) && net_addr_equal(&present->people[i].local, &way->peer))
			return &present->people[i];
	return NULL;
}

static void make_optional(struct person *p)
{
	for (size_t i = p->due_at; i < p->due_count; i++)
		p->dues[i].optional = true;
}

static void expect(struct person *p, unsigned author, unsigned number)
{
	if (p->due_count == p->due_room) {
		p->due_room = p->due_room ? 2 * p->due_room : 64;
		p->dues = realloc(p->dues, p->due_room * sizeof(*p->dues));
		if (!p->dues)
			abort();
	}
	p->dues[p->due_count++] = (struct due){ .author = author, .number = number };
}

static bool read_text(struct c2w_str data, unsigned *author, unsigned *number)
{
	char text[32] = "", *end;

	if (data.length == 0 || data.length >= sizeof(text))
		return false;
	memcpy(text, data.at, data.length);
	*author = (unsigned)strtoul(text, &end, 10);
	if (*end++ != '.')
		return false;
	*number = (unsigned)strtoul(end, &end, 10);
	return *end == '\0';
}

/* REL-11: once; MSG-01: to everybody in the room, now. */
static void text_accepted(const struct srv_endpoint *endpoint, const struct c2w_message *request)
{
	struct person *author = person_at(&endpoint->way), *p;
	unsigned number, who;

	if (!read_text(request->data, &who, &number) || !author || who != author->index)
		return;
	if (number < author->said && author->due_count && author->dues[author->due_count - 1].author == who &&
	    author->dues[author->due_count - 1].number >= number)
		violate(present, "REL-11: text %u.%u of %s was executed twice", who, number, name_of(author));
	present->run->texts++;
	for (const struct srv_endpoint *member = endpoint->room->members; member; member = member->next)
		if ((p = person_at(&member->way)))
			expect(p, who, number);
}

static int tap_verdict(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request, int error)
{
	struct person *p = endpoint ? person_at(&endpoint->way) : NULL;

	error = present->verdict(core, endpoint, request, error);
	if (error != SRV_NO_ERROR)
		return error;
	if (endpoint && endpoint->room && request->command == C2W_SEND_MESSAGE_REQUEST)
		text_accepted(endpoint, request);
	else if (p && (request->command == C2W_ENTER_MOVIE_REQUEST || request->command == C2W_LEAVE_SESSION_REQUEST))
		make_optional(p); /* MSG-08 */
	return error;
}

static bool tap_dead(struct srv_core *core, const struct srv_sending *sending)
{
	struct person *p = person_at(&sending->endpoint->way);
	bool dead = present->dead(core, sending);

	if (p && dead && sending->endpoint->state != SRV_DISCONNECTED) {
		p->given_up = true;
		make_optional(p);
		present->run->given_up++;
	}
	return dead;
}

/* ---- sending --------------------------------------------------------------------------------------------- */

static void transmit(struct person *p, const char *octets, size_t length)
{
	if (p->tcp && p->link)
		net_tcp_send(p->link, octets, length);
	else if (p->udp)
		net_udp_send(p->udp, &p->world->server, NULL, octets, length);
}

static void acknowledge(struct person *p, const struct c2w_message *message) /* REL-02 */
{
	bool chat = message->command == C2W_NEW_MESSAGE;
	struct c2w_message ack = {
		.time_text = message->time_text, .command = c2w_command_of(c2w_command_info(message->command)->family, C2W_ACK),
		.user = chat ? c2w_str_of(name_of(p)) : message->user, .data = chat ? message->user : C2W_STR(""),
	};
	char octets[ROOM];
	long length = c2w_message_format(octets, sizeof(octets), &ack);

	if (!p->silent && length > 0)
		transmit(p, octets, (size_t)length);
}

static void believe(struct person *p, enum belief belief)
{
	p->belief = belief;
	p->settled = net_now(p->world->net);
}

static void next_turn(struct person *p, int64_t pause)
{
	net_timer_at(p->turn, net_now(p->world->net) + pause);
}

static void write_request(struct person *p, const char *command, const char *data)
{
	const char *pieces = p->tcp && p->world->run->pieces ? " in pieces of 1" : "";

	if (p->family == C2W_ENTER_MOVIE)
		line(p->world, "%s > %s movie(%u)%s", name_of(p), command, p->movie, pieces);
	else
		line(p->world, *data ? "%s > %s \"%s\"%s" : "%s > %s%s%s", name_of(p), command, data, pieces);
}

static void ask(struct person *p, enum c2w_family family, const char *data)
{
	struct c2w_message message = { .command = c2w_command_of(family, C2W_REQUEST), .user = c2w_str_of(name_of(p)), .data = c2w_str_of(data) };
	char text[C2W_MAX_TIME_TEXT];
	int64_t now = net_now(p->world->net);

	p->time = p->time + 1 > now / US_IN_MS ? p->time + 1 : now / US_IN_MS; /* REL-03 */
	message.time_text = (struct c2w_str){ text, c2w_time_format(text, p->time, 6) };
	p->length = (size_t)c2w_message_format(p->request, sizeof(p->request), &message);
	p->family = family;
	p->open = true;
	p->tries = 1;
	p->asked = now;
	p->world->run->requests++;
	if (family == C2W_ENTER_MOVIE)
		p->movie = data[1] ? 2 : 1;
	write_request(p, c2w_command_info(message.command)->name, data);
	transmit(p, p->request, p->length);
	net_timer_at(p->repeat, now + (p->tcp ? 20 * RTO : RTO));
}

/* The rule by which a request is granted. */
static const char *due_rule(const struct person *p)
{
	switch (p->family) {
	case C2W_CONNECTION: return "CON-01";
	case C2W_USER_LIST: return "LST-01";
	case C2W_MOVIE_LIST: return "LST-02";
	case C2W_ENTER_MOVIE: return "ENT-01";
	case C2W_LEAVE_SESSION: return p->belief == IN_MOVIE ? "LEA-01" : "LEA-02";
	case C2W_CHAT: case C2W_FAMILIES: break;
	}
	return "MSG-01";
}

/* breach: that it does not come. */
static void write_text(const struct person *p, unsigned author, unsigned number, bool breach)
{
	line(p->world, breach ? "%s < NEW_MESSAGE by p%u \"%u.%u\" [%s]" : "%s < NEW_MESSAGE by p%u \"%u.%u\"", name_of(p), author, author, number,
	     p->world->run->proves);
}

/* After a violation: what was due instead; if nothing was, nothing. */
static void write_due(const struct person *p)
{
	const char *rule = p->world->run->proves;

	if (!p->open)
		line(p->world, "%s gets nothing [%s]", name_of(p), rule);
	else if (p->family == C2W_CHAT)
		write_text(p, p->index, p->said - 1, true);
	else
		line(p->world, "%s < %s [%s]", name_of(p), c2w_command_info(c2w_command_of(p->family, C2W_RESPONSE))->name, rule);
}

static void repeat(void *context) /* REL-01 */
{
	struct person *p = context;

	if (!p->open)
		return;
	if (p->tcp) {
		violate(p->world, "%s: %s, over TCP, got no answer to %.*s", due_rule(p), name_of(p), (int)p->length - 2, p->request);
		write_due(p);
	}
	if (p->tcp || p->tries == 4) {
		p->open = false;
		believe(p, UNSURE);
		next_turn(p, RTO);
		return;
	}
	p->tries++;
	transmit(p, p->request, p->length);
	net_timer_at(p->repeat, net_now(p->world->net) + RTO);
}

/* ---- receiving ------------------------------------------------------------------------------------------- */

/* MSG-04, MSG-05, MSG-02: the next that is due, or one that came before. */
static void check_text(struct person *p, const struct c2w_message *message)
{
	unsigned author, number;
	size_t at = p->due_at;

	if (!read_text(message->data, &author, &number)) {
		violate(p->world, "MSG-03: %s got a text that nobody wrote", name_of(p));
		write_due(p);
		return;
	}
	while (at < p->due_count && (p->dues[at].author != author || p->dues[at].number != number)) {
		if (!p->dues[at].optional)
			break;
		at++;
	}
	if (at < p->due_count && p->dues[at].author == author && p->dues[at].number == number) {
		p->dues[at].received = true;
		p->due_at = at + 1;
		p->world->run->deliveries++;
		return;
	}
	for (size_t i = p->due_at; i-- > 0;)
		if (p->dues[i].author == author && p->dues[i].number == number && p->dues[i].received && !p->tcp)
			return; /* repeated */
	if (at < p->due_count) {
		violate(p->world, "MSG-05: %s got text %u.%u while %u.%u was due", name_of(p), author, number, p->dues[at].author, p->dues[at].number);
		write_text(p, p->dues[at].author, p->dues[at].number, true);
	} else {
		violate(p->world, "MSG-02: %s got text %u.%u, which was not for it", name_of(p), author, number);
		line(p->world, "%s gets nothing [%s]", name_of(p), p->world->run->proves);
	}
}

static const struct c2w_str *entry_of(struct c2w_str list, const char *name, struct c2w_str *room)
{
	size_t length = strlen(name);

	for (const char *at = list.at, *end = list.at + list.length; at < end;) {
		const char *bar = memchr(at, '|', (size_t)(end - at)), *stop = bar ? bar : end;

		if ((size_t)(stop - at) > length && at[length] == ',' && memcmp(at, name, length) == 0) {
			*room = (struct c2w_str){ at + length + 1, (size_t)(stop - at) - length - 1 };
			return room;
		}
		at = bar ? bar + 1 : end;
	}
	return NULL;
}

/* Whether q knew its state all the while that p waited for its list. */
static bool is_sure(const struct person *p, const struct person *q)
{
	bool moving = q->open && q != p && q->family != C2W_CHAT && q->family != C2W_USER_LIST && q->family != C2W_MOVIE_LIST;

	return q->belief != UNSURE && q->settled < p->asked && !moving && !q->given_up && !q->held;
}

/* LST-01, LST-03: whoever is sure of its state since before the request was made is listed so. */
static void check_list(struct person *p, struct c2w_str list)
{
	struct world *w = p->world;

	w->run->lists++;
	for (unsigned i = 0; i < w->run->clients; i++) {
		const struct person *q = &w->people[i];
		struct c2w_str room;
		bool listed = entry_of(list, name_of(q), &room) != NULL;

		if (!is_sure(p, q))
			continue;
		if (listed != (q->belief != OUT))
			violate(w, "LST-03: the list that %s got %s %s, which %s", name_of(p), listed ? "names" : "does not name", name_of(q),
			        q->belief == OUT ? "has no session" : "has a session");
		else if (listed && (q->belief == IN_MAIN) != c2w_str_equal(room, C2W_STR("MAIN_ROOM")))
			violate(w, "LST-01: the list that %s got has %s in another room", name_of(p), name_of(q));
	}
}

/* Who is there, then who is not. */
static void write_list(const struct person *p, bool breach)
{
	struct world *w = p->world;
	bool any = false, none = false;
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	FZ_CLAIM(to);
	for (unsigned away = 0; away < 2; away++)
		for (unsigned i = 0; i < w->run->clients; i++) {
			const struct person *q = &w->people[i];

			if (!takes_part(w->run, i) || !is_sure(p, q) || (q->belief == OUT) != away)
				continue;
			fprintf(to, "%s%s%s", any ? "," : "", away && !none ? " not" : "", !any || (away && !none) ? " listing " : " ");
			fprintf(to, q->belief == IN_MOVIE ? "%s in movie(%u)" : away ? "%s" : "%s in $main-room", name_of(q), q->movie);
			none = none || away;
			any = true;
		}
	fclose(to);
	line(w, breach ? "%s < USER_LIST_RESPONSE%s [%s]" : "%s < USER_LIST_RESPONSE%s", name_of(p), text, w->run->proves);
	free(text);
}

static void refused(struct person *p, unsigned code)
{
	bool taken = code == 1001 && p->family == C2W_CONNECTION;

	if (p->belief != UNSURE && !p->given_up && !(taken && p->held))
		violate(p->world, "%s: %s got error %u to %.*s, wrongly", due_rule(p), name_of(p), code, (int)p->length - 2, p->request);
	believe(p, code == 1 || code == 2001 || taken ? OUT : UNSURE); /* 1004 and 2003: it is somewhere */
	if (code == 1 || code == 2001)
		p->given_up = false;
}

static void granted(struct person *p, const struct c2w_message *message)
{
	switch (p->family) {
	case C2W_CONNECTION:
		p->given_up = p->held = false;
		p->world->run->sessions++;
		believe(p, IN_MAIN);
		break;
	case C2W_ENTER_MOVIE:
		believe(p, IN_MOVIE);
		break;
	case C2W_LEAVE_SESSION:
		believe(p, p->belief == IN_MOVIE ? IN_MAIN : p->belief == IN_MAIN ? OUT : UNSURE);
		break;
	case C2W_USER_LIST:
		check_list(p, message->data);
		break;
	case C2W_MOVIE_LIST: case C2W_CHAT: case C2W_FAMILIES:
		break;
	}
}

static void write_answer(const struct person *p, const struct c2w_command_info *info, const struct c2w_message *message, bool breach)
{
	if (info->beat == C2W_ERROR_RESPONSE)
		line(p->world, "%s < %s %u", name_of(p), info->name, message->code);
	else if (info->family == C2W_CHAT)
		write_text(p, p->index, p->said - 1, false);
	else if (info->family == C2W_USER_LIST)
		write_list(p, breach);
	else
		line(p->world, "%s < %s", name_of(p), info->name);
}

static void answered(struct person *p, const struct c2w_message *message)
{
	const struct c2w_command_info *info = c2w_command_info(message->command);
	bool before = p->world->run->violation[0] != '\0', breach;

	net_timer_stop(p->repeat);
	if (info->beat == C2W_ERROR_RESPONSE)
		refused(p, message->code);
	else
		granted(p, message);
	breach = !before && p->world->run->violation[0] != '\0';
	if (breach && info->beat == C2W_ERROR_RESPONSE)
		write_due(p);
	else
		write_answer(p, info, message, breach);
	p->open = false;
	p->silent = p->fades;
	next_turn(p, p->silent ? 8 * RTO : p->belief == OUT ? RTO / 2 : pause_of(p->world, 400 * MS));
}

static void got(struct person *p, const char *octets, size_t length)
{
	struct world *w = p->world;
	struct c2w_message message;
	enum c2w_err err = c2w_message_parse(&message, octets, length, C2W_MAX_TO_CLIENT);
	unsigned author, number;

	fz_saw(octets, length);
	fz_saw_number((uint64_t)net_now(w->net));
	if (err != C2W_OK || c2w_command_info(message.command)->sender == C2W_CLIENT) {
		violate(w, "FMT-01: %s got what no server sends", name_of(p));
		write_due(p);
		return;
	}
	if (message.command == C2W_NEW_MESSAGE)
		check_text(p, &message);
	if (p->open && c2w_command_info(message.command)->family == p->family && message.time == p->time &&
	    (p->family != C2W_CHAT || c2w_str_equal(message.user, c2w_str_of(name_of(p)))))
		answered(p, &message);
	else if (message.command == C2W_NEW_MESSAGE && !p->silent && !*w->run->violation && read_text(message.data, &author, &number))
		write_text(p, author, number, false);
	acknowledge(p, &message);
}

static void udp_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	for (size_t i = 0; i < count; i++)
		got(context, datagrams[i].octets, datagrams[i].length);
}

static void tcp_received(void *context, const char *octets, size_t length, int64_t at)
{
	struct person *p = context;
	struct c2w_str input = { octets, length }, message;

	(void)at;
	while (c2w_framer_next(&p->framer, &input, &message) == C2W_OK)
		got(p, message.at, message.length);
}

static void tcp_ended(void *context, enum net_end how, int error, int64_t at)
{
	struct person *p = context;

	(void)how;
	(void)error;
	(void)at;
	p->cut = p->belief == OUT && !p->open; /* ROB-04: it was silent */
	if (p->cut)
		return;
	violate(p->world, "TRN-05: the server closed the connection of %s", name_of(p));
	write_due(p);
}

/* ---- a client's life --------------------------------------------------------------------------------------- */

static void open_endpoint(struct person *p)
{
	static const struct net_udp_events udp = { .received = udp_received };
	static const struct net_tcp_events tcp = { .received = tcp_received, .ended = tcp_ended };
	struct net_addr any;

	FZ_CLAIM(net_addr_parse(&any, "127.0.0.1:0") == 0);
	c2w_framer_init(&p->framer, p->stream, C2W_MAX_TO_CLIENT);
	if (p->tcp) {
		FZ_CLAIM(net_tcp_connect(p->world->net, &p->world->server, &tcp, p, &p->link) == 0);
		net_tcp_local(p->link, &p->local);
	} else {
		FZ_CLAIM(net_udp_open(p->world->net, &any, &udp, p, &p->udp) == 0);
		net_udp_local(p->udp, &p->local);
	}
}

static bool resets(const struct person *p)
{
	return p->link && chance(p->world, 50);
}

static void close_endpoint(struct person *p, bool reset)
{
	if (p->link && reset)
		net_tcp_reset(p->link);
	else if (p->link)
		net_tcp_close(p->link);
	if (p->udp)
		net_udp_close(p->udp);
	p->link = NULL;
	p->udp = NULL;
	p->cut = false;
	make_optional(p);
}

/* From another endpoint; what the old one leaves behind ends by TRN-06 or REL-08. */
static void begin_anew(struct person *p)
{
	bool reset = resets(p);

	line(p->world, reset ? "%s resets" : "%s closes", name_of(p));
	line(p->world, "%s opens", name_of(p));
	if (p->silent)
		line(p->world, "%s resumes acks", name_of(p));
	p->held = p->belief != OUT || p->held;
	p->fades = p->silent = false;
	close_endpoint(p, reset);
	open_endpoint(p);
	believe(p, OUT);
	p->given_up = false;
	next_turn(p, RTO / 2);
}

static void say(struct person *p)
{
	char text[32];

	snprintf(text, sizeof(text), "%u.%u", p->index, p->said++);
	ask(p, C2W_CHAT, text);
}

/* Goes away without a word: a connection is cut, a datagram's sender acks nothing any more. */
static void vanish(struct person *p)
{
	if (p->tcp) {
		begin_anew(p);
		return;
	}
	p->fades = true;
	line(p->world, "%s holds acks", name_of(p));
	ask(p, C2W_USER_LIST, "");
}

static enum fz_deed choose_in_session(struct person *p)
{
	unsigned dice = (unsigned)pause_of(p->world, PERCENT);

	if (dice < 45)
		return FZ_SAYS;
	if (dice < 60)
		return FZ_ASKS_FOR_USERS;
	if (dice < 65)
		return FZ_ASKS_FOR_MOVIES;
	if (dice >= 98)
		return FZ_VANISHES;
	if (dice < 75 || p->belief == IN_MOVIE)
		return FZ_LEAVES;
	return chance(p->world, 70) ? FZ_ENTERS : FZ_ENTERS_ANOTHER;
}

static enum fz_deed choose(struct person *p)
{
	switch (p->belief) {
	case OUT: return FZ_CONNECTS;
	case UNSURE: return FZ_LEAVES;
	case IN_MAIN: case IN_MOVIE: break;
	}
	return choose_in_session(p);
}

static bool is_right(const struct person *p, enum fz_deed deed)
{
	switch (deed) {
	case FZ_CONNECTS: return p->belief == OUT;
	case FZ_LEAVES: return p->belief != OUT;
	case FZ_ENTERS: case FZ_ENTERS_ANOTHER: return p->belief == IN_MAIN;
	case FZ_SAYS: case FZ_ASKS_FOR_USERS: case FZ_ASKS_FOR_MOVIES: case FZ_VANISHES: break;
	}
	return p->belief == IN_MAIN || p->belief == IN_MOVIE;
}

static void act(struct person *p, enum fz_deed deed)
{
	struct fz_simulation *run = p->world->run;

	if (p->cut) {
		close_endpoint(p, resets(p));
		open_endpoint(p);
	}
	if (run->record && run->recorded < run->record_room)
		run->record[run->recorded++] = (struct fz_act){ p->index, deed };
	switch (deed) {
	case FZ_CONNECTS: ask(p, C2W_CONNECTION, ""); break;
	case FZ_SAYS: say(p); break;
	case FZ_ASKS_FOR_USERS: ask(p, C2W_USER_LIST, ""); break;
	case FZ_ASKS_FOR_MOVIES: ask(p, C2W_MOVIE_LIST, ""); break;
	case FZ_ENTERS: ask(p, C2W_ENTER_MOVIE, "M"); break;
	case FZ_ENTERS_ANOTHER: ask(p, C2W_ENTER_MOVIE, "Metropolis"); break;
	case FZ_LEAVES: ask(p, C2W_LEAVE_SESSION, ""); break;
	case FZ_VANISHES: vanish(p); break;
	}
}

static void take_turn(void *context)
{
	struct person *p = context;
	struct world *w = p->world;

	if (*w->run->violation || p->left)
		return;
	if (p->silent)
		begin_anew(p);
	else if (w->resting)
		next_turn(p, RTO / 2);
	else if (w->ending && p->belief == OUT && !p->held)
		p->left = true;
	else if (w->ending && p->belief != OUT)
		ask(p, C2W_LEAVE_SESSION, "");
	else
		act(p, choose(p));
}

/* ---- the run ------------------------------------------------------------------------------------------------ */

static void begin(struct world *w)
{
	struct srv_options options;

	present = w;
	if (w->run->policy)
		w->hooks = *(const struct srv_hooks *)(const void *)w->run->policy;
	w->hooks.policy = srv_policy_complete(w->run->policy);
	w->verdict = w->hooks.policy.verdict;
	w->dead = w->hooks.policy.dead;
	w->hooks.policy.verdict = tap_verdict;
	w->hooks.policy.dead = tap_dead;
	srv_options_init(&options);
	options.log = SRV_LOG_QUIET;
	options.policy = &w->hooks.policy;
	FZ_CLAIM(net_addr_parse(&w->server, "127.0.0.1:1950") == 0);
	FZ_CLAIM(srv_serve(w->net, &w->server, &options, &w->service) == 0);
	for (unsigned i = 0; i < w->run->clients; i++) {
		struct person *p = &w->people[i];

		p->world = w;
		p->index = i;
		p->tcp = fz_on_tcp(i);
		p->stream = malloc(C2W_MAX_TO_CLIENT);
		p->turn = net_timer_new(w->net, take_turn, p);
		p->repeat = net_timer_new(w->net, repeat, p);
		FZ_CLAIM(p->stream);
		open_endpoint(p);
		next_turn(p, pause_of(w, RTO));
	}
}

static bool all_left(const struct world *w)
{
	for (unsigned i = 0; i < w->run->clients; i++)
		if (!w->people[i].left)
			return false;
	return true;
}

/* MSG-01: what was accepted for whoever stayed has come. */
static void check_delivered(struct world *w, struct person *p)
{
	size_t at = p->due_at;

	while (at < p->due_count && p->dues[at].optional)
		at++;
	if (at == p->due_count || *w->run->violation)
		return;
	violate(w, "MSG-01: %s stayed and never got text %u.%u", name_of(p), p->dues[at].author, p->dues[at].number);
	if (w->run->scenario)
		fprintf(w->run->scenario, "%s < NEW_MESSAGE by p%u \"%u.%u\" [%s]\n", name_of(p), p->dues[at].author, p->dues[at].author,
		        p->dues[at].number, w->run->proves);
}

/* Who began anew may have its name again, soon on TCP, after REL-08 on UDP. */
static void write_return(struct world *w, const struct person *p)
{
	const char *name = name_of(p);

	if (w->run->scenario && !p->left && p->held)
		fprintf(w->run->scenario, "%s%s > CONNECTION_REQUEST\n%s < CONNECTION_GRANTED\n", p->tcp ? "" : "wait 6 * $rto\n", name, name);
}

/* CON-06: when all have left, nothing is left. */
static void check_nothing_left(struct world *w)
{
	struct srv_counts counts = srv_service_counts(w->service);

	for (unsigned i = 0; i < w->run->clients && !*w->run->violation; i++)
		write_return(w, &w->people[i]);
	if (!all_left(w))
		violate(w, "CON-06: not everybody could leave in the end");
	if (counts.users || counts.pending)
		violate(w, "CON-06: %zu users and %zu messages are left behind", counts.users, counts.pending);
}

static void play_by_chance(struct world *w)
{
	while (!*w->run->violation && w->run->requests < w->run->steps)
		net_sim_run_until(w->net, net_now(w->net) + RTO / 10);
}

/* One act after the other: an answer comes, or is given up. */
static void play_acts(struct world *w)
{
	w->resting = true;
	for (size_t i = 0; i < w->run->act_count && !*w->run->violation; i++) {
		struct person *p = &w->people[w->run->acts[i].who];

		if (p->silent || !is_right(p, w->run->acts[i].deed))
			continue;
		act(p, w->run->acts[i].deed);
		do
			net_sim_run_until(w->net, net_now(w->net) + RTO / 10);
		while (p->open && !*w->run->violation);
	}
}

static void play(struct world *w)
{
	static const struct net_sim_options perfect = { 0 };
	int64_t until;

	if (w->run->acts)
		play_acts(w);
	else
		play_by_chance(w);
	net_sim_change(w->net, &perfect);
	w->resting = true;
	net_sim_run_until(w->net, net_now(w->net) + 10 * RTO); /* by then all is delivered, or its recipient given up */
	for (unsigned i = 0; i < w->run->clients; i++)
		check_delivered(w, &w->people[i]);
	w->resting = false;
	w->ending = true;
	until = net_now(w->net) + 60 * RTO;
	while (!*w->run->violation && !all_left(w) && net_now(w->net) < until)
		net_sim_run_until(w->net, net_now(w->net) + RTO);
	net_sim_run_until(w->net, net_now(w->net) + 8 * RTO);
	check_nothing_left(w);
	w->run->seconds = (double)net_now(w->net) / 1e9;
}

static void end(struct world *w)
{
	srv_service_free(w->service);
	net_free(w->net);
	for (unsigned i = 0; i < w->run->clients; i++) {
		free(w->people[i].stream);
		free(w->people[i].dues);
	}
	free(w);
	present = NULL;
}

void fz_simulate(struct fz_simulation *run)
{
	struct world *w = calloc(1, sizeof(*w));
	struct net_sim_options bad = { .seed = run->seed, .latency = 5 * MS, .jitter = 5 * MS, .loss = run->loss, .duplicate = run->loss / 3,
		.reorder = run->loss / 3, .cut = 0.3, .partial = 0.1 };

	FZ_CLAIM(w && run->clients > 0 && run->clients <= FZ_MOST_PEOPLE);
	run->recorded = 0;
	run->requests = run->texts = run->deliveries = run->sessions = run->given_up = run->lists = 0;
	*run->violation = '\0';
	fz_digest();
	w->run = run;
	w->random = run->seed * 2 + 1;
	w->net = net_sim_new(&bad);
	begin(w);
	begin_scenario(w);
	play(w);
	end(w);
	run->digest = fz_digest();
}
