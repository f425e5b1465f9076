/* REL-01 to REL-03 as an observer sees them kept or broken, see judge/client.h.
 * For pcap; keeps everything in the caller's structs. Allowances always favour the client. */
#include "judge/client.h"

#include "judge/table.h"
#include "judge/timing.h"

enum kind { OTHER_OCTETS, AFTER_ANSWER, TOO_OFTEN, PACE, NOT_REPEATED, NOT_ACKED, TWO_AT_ONCE, NO_GREATER_TIME };
enum { OF_A_KIND = 4 }; /* findings of one kind at one endpoint */

static const struct { enum c2w_rule rule; const char *what; } kinds[JD_CLIENT_KINDS] = {
	[OTHER_OCTETS] = { C2W_REL_01, "the client repeated its request, but not octet for octet" },
	[AFTER_ANSWER] = { C2W_REL_01, "the client repeated a request whose response had come" },
	[TOO_OFTEN] = { C2W_REL_01, "the client repeated its request more than max-retransmits times" },
	[PACE] = { C2W_REL_01, "the client repeated its request, but not after rto" },
	[NOT_REPEATED] = { C2W_REL_01, "the client did not repeat its request though no response had come within rto" },
	[NOT_ACKED] = { C2W_REL_02, "what came was not acked each time" },
	[TWO_AT_ONCE] = { C2W_REL_03, "the client made a further request before the one before was answered" },
	[NO_GREATER_TIME] = { C2W_REL_03, "the TIME of a request is not greater than that of an earlier one" },
};

static void find(struct jd_client *client, const struct jd_options *options, enum kind kind, int64_t at, struct c2w_str got)
{
	if (client->reported[kind] == OF_A_KIND || !options->found)
		return;
	client->reported[kind]++;
	options->found(options->context, &(struct jd_finding){
		.rule = kinds[kind].rule, .endpoint = client->number, .at = at, .what = kinds[kind].what, .expected = C2W_STR(""), .got = got,
	});
}

void jd_client_open(struct jd_client *client, unsigned number, bool tcp, bool lossless)
{
	*client = (struct jd_client){ .number = number, .tcp = tcp, .lossless = lossless || tcp, .greatest = -1 };
}

/* ---- REL-01 ------------------------------------------------------------------------------------- */

static bool repeats(const struct jd_client *client, const struct c2w_message *message, uint64_t user)
{
	return client->request.known && client->request.family == c2w_command_info(message->command)->family &&
	       client->request.time == message->time && client->request.user == user;
}

static void judge_repetition(struct jd_client *client, const struct jd_options *options, int64_t at, struct c2w_str octets)
{
	const struct c2w_params *params = &options->params;
	int64_t interval = at - client->request.last_at, allowance = 2 * options->one_way;

	if (client->tcp || (!client->lossless && interval < jd_interval_window(params).earliest / 2)) /* a copy of the network's own */
		return;
	if (jd_hash(octets) != client->request.octets)
		find(client, options, OTHER_OCTETS, at, octets);
	if (client->request.answered && at > client->request.answered_at + allowance)
		find(client, options, AFTER_ANSWER, at, octets);
	else if (!client->request.answered && !jd_interval_fits(params, interval, allowance))
		find(client, options, PACE, at, octets);
	if (params->max_retransmits != C2W_AUTO && client->request.transmissions > (uint64_t)params->max_retransmits)
		find(client, options, TOO_OFTEN, at, octets);
}

/* ---- REL-03 ------------------------------------------------------------------------------------- */

/* A request that a server discards is given up some time: only what was hardly under way is not yet. */
static void judge_turn(struct jd_client *client, const struct jd_options *options, int64_t at, struct c2w_str octets)
{
	const struct c2w_params *params = &options->params;
	struct jd_window window = jd_interval_window(params);
	int64_t allowance = 2 * options->one_way;

	if (!client->request.known || client->request.answered)
		return;
	if (at - client->request.first_at < (client->tcp ? params->answer_within : window.earliest) - allowance)
		find(client, options, TWO_AT_ONCE, at, octets);
	else if (!client->tcp && params->max_retransmits != C2W_AUTO && client->request.transmissions <= (uint64_t)params->max_retransmits &&
	         !jd_interval_fits(params, at - client->request.last_at, allowance) && at - client->request.last_at > window.latest)
		find(client, options, NOT_REPEATED, at, octets);
}

static int64_t *time_of(struct jd_client_names *names, uint64_t name, bool make)
{
	size_t slot = name % JD_CLIENT_NAMES;

	if (names->at[slot].name != name) {
		if (!make)
			return NULL;
		names->at[slot].name = name;
		names->at[slot].time = -1;
	}
	return &names->at[slot].time;
}

static void note_request(struct jd_client *client, struct jd_client_names *names, int64_t at, const struct c2w_message *message, uint64_t user)
{
	client->request.known = true;
	client->request.answered = false;
	client->request.family = c2w_command_info(message->command)->family;
	client->request.time = message->time;
	client->request.user = user;
	client->request.first_at = at;
	client->request.transmissions = 0;
	if (message->time > client->greatest)
		client->greatest = message->time;
	if (user == client->session && message->time > *time_of(names, user, true))
		*time_of(names, user, true) = message->time;
}

/* ---- REL-02 ------------------------------------------------------------------------------------- */

/* Of what came over a network that loses datagrams, only that nothing of it was acked, ever, can be held against the client. */
static bool acks_enough(const struct jd_client *client, const struct jd_options *options, unsigned i)
{
	if (client->lossless)
		return client->due[i].acks >= client->due[i].copies;
	return client->due[i].acks > 0 || options->params.max_retransmits == C2W_AUTO || client->due[i].copies <= options->params.max_retransmits;
}

/* The client is alive and had the time. */
static void judge_acks(struct jd_client *client, const struct jd_options *options, int64_t at, struct c2w_str octets)
{
	for (unsigned i = 0; i < JD_CLIENT_DUE; i++) {
		if (client->due[i].copies == 0 || at - client->due[i].at <= options->params.answer_within + 2 * options->one_way)
			continue;
		if (!acks_enough(client, options, i))
			find(client, options, NOT_ACKED, at, octets);
		else if (client->due[i].acks < client->due[i].copies)
			continue;
		client->due[i].copies = 0;
	}
}

static void note_ack(struct jd_client *client, const struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;
	uint64_t user = jd_hash(family == C2W_CHAT ? message->data : message->user);

	for (unsigned i = 0; i < JD_CLIENT_DUE; i++)
		if (client->due[i].copies > 0 && client->due[i].family == family && client->due[i].time == message->time && client->due[i].user == user)
			client->due[i].acks++;
}

static void note_due(struct jd_client *client, enum c2w_family family, int64_t time, uint64_t user, int64_t at)
{
	unsigned i;

	for (i = 0; i < JD_CLIENT_DUE; i++)
		if (client->due[i].copies > 0 && client->due[i].family == family && client->due[i].time == time && client->due[i].user == user)
			break;
	if (i == JD_CLIENT_DUE) {
		i = client->next_due++ % JD_CLIENT_DUE;
		client->due[i].copies = client->due[i].acks = 0;
		client->due[i].family = family;
		client->due[i].time = time;
		client->due[i].user = user;
	}
	client->due[i].copies++;
	client->due[i].at = at;
}

/* ---- all together -------------------------------------------------------------------------------- */

void jd_client_sent(struct jd_client *client, const struct jd_options *options, struct jd_client_names *names, int64_t at,
                    const struct c2w_message *message, struct c2w_str octets)
{
	uint64_t user = jd_hash(message->user);

	if (c2w_command_info(message->command)->beat == C2W_ACK) {
		note_ack(client, message);
		judge_acks(client, options, at, octets);
		return;
	}
	judge_acks(client, options, at, octets);
	if (repeats(client, message, user)) {
		judge_repetition(client, options, at, octets);
	} else {
		judge_turn(client, options, at, octets);
		if (message->time <= client->greatest)
			find(client, options, NO_GREATER_TIME, at, octets);
		note_request(client, names, at, message, user);
		client->request.octets = jd_hash(octets);
	}
	client->request.last_at = at;
	client->request.transmissions++;
}

/* REL-03: over the sessions of a name, too. */
static void note_session(struct jd_client *client, const struct jd_options *options, struct jd_client_names *names, int64_t at,
                         const struct c2w_message *message, struct c2w_str octets)
{
	int64_t *before;

	if (message->command == C2W_LEAVE_SESSION_GRANTED) /* perhaps of a room only: then it is less that is judged */
		client->session = 0;
	if (message->command != C2W_CONNECTION_GRANTED)
		return;
	client->session = client->request.user;
	before = time_of(names, client->session, false);
	if (before != NULL && *before >= message->time)
		find(client, options, NO_GREATER_TIME, at, octets);
	*time_of(names, client->session, true) = message->time;
}

void jd_client_received(struct jd_client *client, const struct jd_options *options, struct jd_client_names *names, int64_t at,
                        const struct c2w_message *message, struct c2w_str octets)
{
	enum c2w_family family = c2w_command_info(message->command)->family;
	uint64_t user = jd_hash(message->user);
	bool answers = client->request.known && client->request.family == family && client->request.time == message->time && client->request.user == user;

	if (answers && !client->request.answered) {
		client->request.answered = true;
		client->request.answered_at = at;
		note_session(client, options, names, at, message, octets);
	}
	if (answers || family == C2W_CHAT)
		note_due(client, family, message->time, user, at);
}
