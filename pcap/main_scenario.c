/* From packets to a script, see main_scenario.h. For pcap/main.c.
 * Names become the cast's, TIMEs the engine's, titles movie(n); what the server said becomes expectations. What a client of REL-01 and REL-02 does
 * by itself is left to the engine: acks, and repetitions before the answer came; so are the server's retransmissions, and all pauses. */
#include "pcap/main_scenario.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EVENTS = 4000, MAX_OCTETS = 512 * 1024, MAX_CAST = 64, MAX_TITLES = 16 };

struct saying {
	uint64_t session;
	bool received;
	const char *note;           /* static */
	char *octets;
	struct c2w_message message; /* into octets */
	enum c2w_err err;
};

struct member {
	char user[PC_MAX_NAME];     /* "": it never said one */
	bool tcp, late;
	bool odd_times;             /* they do not grow, so that they matter as they are */
	bool renamed;               /* asked for a session under other names, too */
	char address[NET_ADDR_TEXT];
};

struct endpoint {
	uint64_t session;
	unsigned member;
	bool tcp;
	int64_t time;               /* of its last request; -1: none */
};

struct scenario {
	struct c2w_params params;
	struct saying sayings[MAX_EVENTS];
	unsigned count;
	size_t octets;
	bool cut;
	struct member cast[MAX_CAST];
	unsigned cast_count;
	struct endpoint endpoints[MAX_CAST * 4];
	unsigned endpoint_count;
};

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

struct scenario *scenario_new(const struct c2w_params *params)
{
	struct scenario *scenario = must(calloc(1, sizeof(*scenario)));

	scenario->params = *params;
	return scenario;
}

void scenario_free(struct scenario *scenario)
{
	if (scenario == NULL)
		return;
	for (unsigned i = 0; i < scenario->count; i++)
		free(scenario->sayings[i].octets);
	free(scenario);
}

/* ---- who is who ------------------------------------------------------------------------------------ */

static struct endpoint *endpoint_of(const struct scenario *scenario, uint64_t session)
{
	for (unsigned i = 0; i < scenario->endpoint_count; i++)
		if (scenario->endpoints[i].session == session)
			return (struct endpoint *)&scenario->endpoints[i];
	return NULL;
}

static int member_called(const struct scenario *scenario, struct c2w_str user)
{
	for (unsigned i = 0; i < scenario->cast_count; i++)
		if (user.length > 0 && c2w_str_equal(user, c2w_str_of(scenario->cast[i].user)))
			return (int)i;
	return -1;
}

/* The first endpoint of a user, or another one of his, or one that has no name yet. */
static struct endpoint *note_endpoint(struct scenario *scenario, const struct pc_session *session)
{
	struct endpoint *endpoint = endpoint_of(scenario, session->id);
	int member = member_called(scenario, c2w_str_of(session->user));

	if (endpoint == NULL) {
		if (scenario->endpoint_count == MAX_CAST * 4 || (member < 0 && scenario->cast_count == MAX_CAST))
			return NULL;
		endpoint = &scenario->endpoints[scenario->endpoint_count++];
		*endpoint = (struct endpoint){ .session = session->id, .tcp = session->tcp, .time = -1 };
		if (member < 0) {
			member = (int)scenario->cast_count++;
			scenario->cast[member].tcp = session->tcp;
			scenario->cast[member].late = session->late;
			net_addr_format(&session->client, scenario->cast[member].address);
		}
		endpoint->member = (unsigned)member;
	}
	if (scenario->cast[endpoint->member].user[0] == '\0' && member < 0 && c2w_user_name_valid(c2w_str_of(session->user)))
		memcpy(scenario->cast[endpoint->member].user, session->user, PC_MAX_NAME);
	return endpoint;
}

static bool is_request(const struct saying *saying)
{
	return saying->octets != NULL && !saying->received && saying->err == C2W_OK && c2w_command_info(saying->message.command)->sender == C2W_CLIENT &&
	       c2w_command_info(saying->message.command)->beat == C2W_REQUEST;
}

static bool same_octets(const struct saying *a, const struct saying *b)
{
	return strcmp(a->octets, b->octets) == 0;
}

static const struct saying *request_before(const struct scenario *scenario, const struct saying *saying)
{
	for (const struct saying *before = saying; before-- > scenario->sayings;)
		if (before->session == saying->session && is_request(before))
			return before;
	return NULL;
}

/* Something else with no greater TIME than the request before: the engine's own TIMEs would not do. */
static void note_time(struct scenario *scenario, const struct saying *saying)
{
	struct endpoint *endpoint = endpoint_of(scenario, saying->session);
	const struct saying *before = is_request(saying) ? request_before(scenario, saying) : NULL;

	if (before != NULL && saying->message.time <= endpoint->time && !same_octets(before, saying))
		scenario->cast[endpoint->member].odd_times = true;
	if (is_request(saying) && saying->message.time > endpoint->time)
		endpoint->time = saying->message.time;
}

/* Who asks under a second name, too, is not always the one whom a list calls by the first. */
static void note_name(struct scenario *scenario, const struct saying *saying)
{
	struct member *member = &scenario->cast[endpoint_of(scenario, saying->session)->member];

	if (is_request(saying) && saying->message.command == C2W_CONNECTION_REQUEST && !c2w_str_equal(saying->message.user, c2w_str_of(member->user)))
		member->renamed = true;
}

void scenario_event(struct scenario *scenario, struct pc_session *session, const struct pc_event *event)
{
	struct saying *saying;

	if (scenario->count == MAX_EVENTS || scenario->octets + event->octets.length > MAX_OCTETS || note_endpoint(scenario, session) == NULL) {
		scenario->cut = true;
		return;
	}
	saying = &scenario->sayings[scenario->count++];
	*saying = (struct saying){ .session = session->id, .received = event->received, .note = event->note };
	if (event->message == NULL)
		return;
	saying->octets = must(malloc(event->octets.length + 1));
	memcpy(saying->octets, event->octets.at, event->octets.length);
	saying->octets[event->octets.length] = '\0';
	scenario->octets += event->octets.length;
	saying->err = c2w_message_parse(&saying->message, saying->octets, event->octets.length, 0);
	if (!event->received)
		saying->err = event->err; /* by what a server takes */
	if (saying->err != C2W_OK)
		saying->message.data = (struct c2w_str){ saying->octets, event->octets.length };
	note_time(scenario, saying);
	note_name(scenario, saying);
}

/* ---- what cannot be played again ---------------------------------------------------------------------- */

static bool by_client(const struct saying *saying, enum c2w_beat beat)
{
	const struct c2w_command_info *info;

	if (saying->octets == NULL || saying->received || saying->err != C2W_OK)
		return false;
	info = c2w_command_info(saying->message.command);
	return info->sender == C2W_CLIENT && info->beat == beat;
}

static bool from_server(const struct saying *saying)
{
	return saying->octets != NULL && saying->received && saying->err == C2W_OK && c2w_command_info(saying->message.command)->sender == C2W_SERVER;
}

static bool is_ack_of(const struct saying *ack, const struct saying *answer)
{
	return by_client(ack, C2W_ACK) && ack->session == answer->session && ack->message.time == answer->message.time &&
	       c2w_command_info(ack->message.command)->family == c2w_command_info(answer->message.command)->family;
}

/* The engine acks at once: what came again by a timer, or was asked for once more before its ack, would not. */
static bool was_withheld(const struct scenario *scenario, const struct saying *answer)
{
	const struct saying *end = scenario->sayings + scenario->count;

	for (const struct saying *later = answer + 1; later < end && !is_ack_of(later, answer); later++)
		if (later->session == answer->session &&
		    ((from_server(later) && same_octets(later, answer)) ||
		     (by_client(later, C2W_REQUEST) && later->message.time == answer->message.time &&
		      c2w_command_info(later->message.command)->family == c2w_command_info(answer->message.command)->family)))
			return true;
	return false;
}

static bool is_invented(const struct scenario *scenario, const struct saying *ack)
{
	for (const struct saying *before = scenario->sayings; before < ack; before++)
		if (from_server(before) && is_ack_of(ack, before) && c2w_str_equal(ack->message.time_text, before->message.time_text))
			return false;
	return true;
}

/* An answer for the first time, and not to what its client asked last. */
static bool is_overtaken(const struct scenario *scenario, const struct saying *answer)
{
	const struct saying *asked;

	if (!from_server(answer) || c2w_command_info(answer->message.command)->family == C2W_CHAT)
		return false;
	for (const struct saying *before = scenario->sayings; before < answer; before++)
		if (before->session == answer->session && from_server(before) && same_octets(before, answer))
			return false;
	asked = request_before(scenario, answer);
	return asked != NULL && asked->message.time > answer->message.time;
}

static bool is_too_long(const struct scenario *scenario, const struct saying *saying)
{
	return by_client(saying, C2W_REQUEST) && strlen(saying->octets) > (size_t)scenario->params.max_request / 2;
}

/* A list, or a refusal: left out, it is not missed. */
static bool changes_nothing(const struct scenario *scenario, const struct saying *request)
{
	const struct c2w_command_info *asked = c2w_command_info(request->message.command), *got;

	if (!is_request(request) || asked->family == C2W_USER_LIST || asked->family == C2W_MOVIE_LIST)
		return is_request(request);
	for (const struct saying *later = request + 1; later < scenario->sayings + scenario->count; later++) {
		if (later->session != request->session || !from_server(later) || later->message.time != request->message.time)
			continue;
		got = c2w_command_info(later->message.command);
		if (got->family == asked->family)
			return got->beat == C2W_ERROR_RESPONSE;
	}
	return false;
}

/* An earlier endpoint of a name goes on while a later one is there. */
static bool speaks_beside(const struct scenario *scenario, const struct saying *saying)
{
	const struct endpoint *endpoint = endpoint_of(scenario, saying->session), *other;

	if (saying->octets == NULL || saying->received || by_client(saying, C2W_ACK) || changes_nothing(scenario, saying))
		return false;
	for (const struct saying *before = scenario->sayings; before < saying; before++) {
		other = endpoint_of(scenario, before->session);
		if (other->member == endpoint->member && other > endpoint && before->octets != NULL && !before->received)
			return true;
	}
	return false;
}

const char *scenario_why_not(const struct scenario *scenario)
{
	for (unsigned i = 0; i < scenario->count; i++) {
		const struct saying *saying = &scenario->sayings[i];

		if (from_server(saying) && was_withheld(scenario, saying))
			return "a client did not ack what it got, or asked again before it did: of a scenario the engine acks everything at once";
		if (by_client(saying, C2W_ACK) && is_invented(scenario, saying))
			return "a client acked what it had not got: of a scenario the engine acks what comes";
		if (saying->octets == NULL && strncmp(saying->note, "octets without end", 18) == 0)
			return "a client sent octets without a CR LF, whose number is not kept";
		if (is_overtaken(scenario, saying))
			return "a client asked several things at once, without waiting for answers";
		if (speaks_beside(scenario, saying))
			return "two endpoints spoke by turns under one name: in a scenario the earlier one of a client is not read any more";
		if (is_too_long(scenario, saying))
			return "a request was so long that its length matters, and with other names it has another";
	}
	return NULL;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

struct writer {
	const struct scenario *scenario;
	FILE *to;
	const struct endpoint *present[MAX_CAST]; /* of each member; the last one it had */
	bool closed[MAX_CAST];                    /* that one is */
	bool used[MAX_CAST], wrote_text[MAX_CAST];
	const struct saying *asked[MAX_CAST];     /* its last request that was written */
	bool answered[MAX_CAST];                  /* that one was */
	const struct saying *again[MAX_CAST];     /* it was sent once more: its answer may come once more */
	struct c2w_str titles[MAX_TITLES];        /* that were entered */
	unsigned title_count;
};

static void put_quoted(FILE *to, struct c2w_str octets)
{
	putc('"', to);
	for (size_t i = 0; i < octets.length; i++) {
		unsigned char octet = (unsigned char)octets.at[i];

		if (octet == '"' || octet == '\\')
			fprintf(to, "\\%c", octet);
		else if (octet >= ' ' && octet < 0x7f)
			putc(octet, to);
		else
			fprintf(to, "\\x%02X", octet);
	}
	putc('"', to);
}

static void find_titles(struct writer *writer)
{
	const struct scenario *scenario = writer->scenario;

	for (unsigned i = 0; i < scenario->count && writer->title_count < MAX_TITLES; i++) {
		const struct saying *asked = &scenario->sayings[i];
		unsigned k = 0;
		bool granted = false;

		if (!is_request(asked) || asked->message.command != C2W_ENTER_MOVIE_REQUEST)
			continue;
		for (unsigned n = i + 1; n < scenario->count && !granted; n++)
			granted = scenario->sayings[n].octets != NULL && scenario->sayings[n].session == asked->session &&
			          scenario->sayings[n].message.command == C2W_ENTER_MOVIE_GRANTED && scenario->sayings[n].message.time == asked->message.time;
		while (k < writer->title_count && !c2w_str_equal(writer->titles[k], asked->message.data))
			k++;
		if (granted && k == writer->title_count)
			writer->titles[writer->title_count++] = asked->message.data;
	}
}

static void put_title(const struct writer *writer, struct c2w_str title)
{
	for (unsigned i = 0; i < writer->title_count; i++)
		if (c2w_str_equal(writer->titles[i], title)) {
			fprintf(writer->to, "$title%u", i + 1);
			return;
		}
	put_quoted(writer->to, title);
}

static void put_user(const struct writer *writer, unsigned member, struct c2w_str user)
{
	int other = member_called(writer->scenario, user);

	if (other == (int)member)
		return;
	fputs(" user ", writer->to);
	if (other >= 0)
		fprintf(writer->to, "$user%d", other + 1);
	else
		put_quoted(writer->to, user);
}

static void put_request(struct writer *writer, unsigned member, const struct saying *saying)
{
	const struct c2w_command_info *info = c2w_command_info(saying->message.command);

	fprintf(writer->to, "user%u > %s", member + 1, info->name);
	if (saying->message.command == C2W_ENTER_MOVIE_REQUEST) {
		putc(' ', writer->to);
		put_title(writer, saying->message.data);
	} else if (saying->message.data.length > 0) {
		putc(' ', writer->to);
		put_quoted(writer->to, saying->message.data);
	}
	put_user(writer, member, saying->message.user);
	if (writer->scenario->cast[member].odd_times) {
		fputs(" time ", writer->to);
		put_quoted(writer->to, saying->message.time_text);
	}
	putc('\n', writer->to);
	writer->asked[member] = saying;
	writer->answered[member] = false;
	writer->again[member] = NULL;
	writer->wrote_text[member] |= saying->message.command == C2W_SEND_MESSAGE_REQUEST;
}

static void put_sent(struct writer *writer, unsigned member, const struct saying *saying)
{
	if (is_request(saying)) {
		if (writer->asked[member] == NULL || !same_octets(writer->asked[member], saying)) {
			put_request(writer, member, saying);
		} else if (writer->answered[member]) {
			fprintf(writer->to, "user%u > the same\n", member + 1);
			writer->again[member] = saying;
		}
	} else if (saying->err != C2W_OK || c2w_command_info(saying->message.command)->sender != C2W_CLIENT) {
		fprintf(writer->to, "user%u > octets ", member + 1);
		put_quoted(writer->to, (struct c2w_str){ saying->octets, saying->err != C2W_OK ? saying->message.data.length : strlen(saying->octets) });
		putc('\n', writer->to);
	}
}

/* Who of the cast is there, and in which room. */
static void put_listing(const struct writer *writer, struct c2w_str list)
{
	const char *main_room = writer->scenario->params.main_room;
	const char *word = " listing";

	for (size_t at = 0; at < list.length;) {
		const char *end = memchr(list.at + at, '|', list.length - at);
		struct c2w_str entry = { list.at + at, end == NULL ? list.length - at : (size_t)(end - list.at) - at }, name = entry;
		const char *comma = memchr(entry.at, ',', entry.length);
		int member;

		if (comma != NULL)
			name.length = (size_t)(comma - entry.at);
		member = member_called(writer->scenario, name);
		if (member >= 0 && !writer->scenario->cast[member].renamed) {
			fprintf(writer->to, "%s user%d", word, member + 1);
			if (comma != NULL && c2w_str_equal((struct c2w_str){ comma + 1, entry.length - name.length - 1 }, c2w_str_of(main_room)))
				fputs(" in $main-room", writer->to);
			word = ",";
		}
		at += entry.length + 1;
	}
}

static bool put_text(const struct writer *writer, unsigned member, const struct saying *saying)
{
	int author = member_called(writer->scenario, saying->message.user);

	if (author < 0 || !writer->wrote_text[author])
		return false; /* a stranger's: nobody of the cast will say it again */
	fprintf(writer->to, "user%u < NEW_MESSAGE by user%d ", member + 1, author + 1);
	put_quoted(writer->to, saying->message.data);
	putc('\n', writer->to);
	return true;
}

static bool came_before(const struct scenario *scenario, const struct saying *saying)
{
	for (const struct saying *before = scenario->sayings; before < saying; before++)
		if (before->octets != NULL && before->received && before->session == saying->session && same_octets(before, saying))
			return true;
	return false;
}

static void put_received(struct writer *writer, unsigned member, const struct saying *saying)
{
	const struct c2w_command_info *info;
	const struct saying *asked = writer->asked[member];

	if (saying->err != C2W_OK || (info = c2w_command_info(saying->message.command))->sender != C2W_SERVER)
		return; /* the judges will say it */
	if (came_before(writer->scenario, saying)) {
		if (writer->again[member] != NULL && info->family != C2W_CHAT)
			fprintf(writer->to, "user%u < the same\n", member + 1);
		writer->again[member] = NULL;
		return;
	}
	if (info->family == C2W_CHAT) {
		if (put_text(writer, member, saying) && asked != NULL && asked->message.command == C2W_SEND_MESSAGE_REQUEST)
			writer->answered[member] = true;
		return;
	}
	if (asked == NULL || c2w_command_info(asked->message.command)->family != info->family)
		return;
	fprintf(writer->to, "user%u < %s", member + 1, info->name);
	if (info->digits > 0)
		fprintf(writer->to, " %u", saying->message.code);
	if (saying->message.command == C2W_USER_LIST_RESPONSE)
		put_listing(writer, saying->message.data);
	putc('\n', writer->to);
	writer->answered[member] = true;
}

static void put_end(struct writer *writer, unsigned member, const struct saying *saying)
{
	bool by_client = strncmp(saying->note, "closed by the client", 20) == 0;

	if (!writer->used[member] || (!by_client && strncmp(saying->note, "closed by the server", 20) != 0))
		return;
	if (by_client)
		fprintf(writer->to, "user%u %s\n", member + 1, strstr(saying->note, "RST") != NULL ? "resets" : "closes");
	else
		fprintf(writer->to, "user%u < end\n", member + 1);
	writer->closed[member] = true;
	writer->asked[member] = NULL;
}

/* A session that began before the capture begins here; a user's next endpoint is opened. False: it is over, or an earlier one, which is not
 * read any more, or it has not said anything yet. */
static bool begin(struct writer *writer, const struct endpoint *endpoint, bool says_something)
{
	unsigned member = endpoint->member;
	const struct endpoint *present = writer->present[member];

	if (present == endpoint)
		return !writer->closed[member];
	if (!says_something || (present != NULL && present > endpoint))
		return false;
	if (present != NULL)
		fprintf(writer->to, "user%u opens over %s\n", member + 1, endpoint->tcp ? "tcp" : "udp");
	else if (writer->scenario->cast[member].late)
		fprintf(writer->to, "user%u > CONNECTION_REQUEST    # it had a session when the capture began\nuser%u < CONNECTION_GRANTED\n",
		        member + 1, member + 1);
	writer->present[member] = endpoint;
	writer->closed[member] = false;
	writer->used[member] = true;
	writer->asked[member] = NULL;
	return true;
}

/* Acks are the engine's. */
static bool will_be_written(const struct saying *saying)
{
	return saying->octets != NULL && !saying->received &&
	       (is_request(saying) || saying->err != C2W_OK || c2w_command_info(saying->message.command)->sender != C2W_CLIENT);
}

static void put_steps(struct writer *writer)
{
	for (unsigned i = 0; i < writer->scenario->count; i++) {
		const struct saying *saying = &writer->scenario->sayings[i];
		const struct endpoint *endpoint = endpoint_of(writer->scenario, saying->session);

		if (!begin(writer, endpoint, will_be_written(saying)))
			continue;
		if (saying->octets == NULL)
			put_end(writer, endpoint->member, saying);
		else if (saying->received)
			put_received(writer, endpoint->member, saying);
		else
			put_sent(writer, endpoint->member, saying);
	}
}

/* What a pass of this proves, as far as it can be told: the exchanges that it goes through. */
static void put_proves(const struct writer *writer)
{
	static const struct { enum c2w_command command; enum c2w_rule rule; } table[] = {
		{ C2W_CONNECTION_GRANTED, C2W_CON_01 }, { C2W_USER_LIST_RESPONSE, C2W_LST_01 }, { C2W_MOVIE_LIST_RESPONSE, C2W_LST_02 },
		{ C2W_ENTER_MOVIE_GRANTED, C2W_ENT_01 }, { C2W_NEW_MESSAGE, C2W_MSG_01 },
	};

	fputs("proves   FMT-02 FMT-03", writer->to);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (unsigned k = 0; k < writer->scenario->count; k++)
			if (writer->scenario->sayings[k].octets != NULL && writer->scenario->sayings[k].message.command == table[i].command) {
				fprintf(writer->to, " %s", c2w_rule_info(table[i].rule)->id);
				break;
			}
	putc('\n', writer->to);
}

static void put_cast(const struct writer *writer, FILE *to)
{
	const struct scenario *scenario = writer->scenario;
	bool udp = false, tcp = false;
	const char *comma = "";

	for (unsigned i = 0; i < scenario->cast_count; i++) {
		udp = udp || (writer->used[i] && !scenario->cast[i].tcp);
		tcp = tcp || (writer->used[i] && scenario->cast[i].tcp);
	}
	if (!udp || !tcp)
		fprintf(to, "over     %s\n", tcp ? "tcp" : "udp");
	fputs("cast    ", to);
	for (unsigned i = 0; i < scenario->cast_count; i++) {
		if (!writer->used[i])
			continue;
		fprintf(to, "%s user%u", comma, i + 1);
		if (udp && tcp)
			fprintf(to, " over %s", scenario->cast[i].tcp ? "tcp" : "udp");
		comma = udp && tcp ? "," : "";
	}
	fputs("\n\n", to);
	for (unsigned i = 0; i < scenario->cast_count; i++) {
		if (!writer->used[i])
			continue;
		fprintf(to, "# user%u was ", i + 1);
		put_quoted(to, c2w_str_of(scenario->cast[i].user));
		fprintf(to, " at %s\n", scenario->cast[i].address);
	}
}

static bool is_used(const struct writer *writer)
{
	for (unsigned i = 0; i < writer->scenario->cast_count; i++)
		if (writer->used[i])
			return true;
	return false;
}

bool scenario_write(const struct scenario *scenario, FILE *to)
{
	struct writer *writer = must(calloc(1, sizeof(*writer)));
	char *steps = NULL;
	size_t length;
	bool used;

	writer->scenario = scenario;
	writer->to = must(open_memstream(&steps, &length));
	find_titles(writer);
	put_steps(writer);
	fclose(writer->to);
	used = is_used(writer);
	writer->to = to;
	fputs("scenario \"What was captured, once more\"\n", to);
	put_proves(writer);
	put_cast(writer, to);
	if (scenario->cut)
		fputs("# The capture goes on; this is its beginning.\n", to);
	for (unsigned i = 0; i < writer->title_count; i++) {
		fprintf(to, "let title%u = movie(%u)    # ", i + 1, i + 1);
		put_quoted(to, writer->titles[i]);
		putc('\n', to);
	}
	fprintf(to, "\n%s", steps);
	free(steps);
	free(writer);
	return used;
}
