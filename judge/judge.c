/* The always-on judges: where events come in and findings begin. See judge/judge.h.
 * For harness, fuzz and pcap. One allocation, made by jd_new() and freed by jd_free(). */
#include <stdlib.h>

#include "judge/state.h"

/* What may be under way on both sides, and a quarter of an rto: far from the next retransmission. */
static int64_t slack_of(const struct jd_options *options)
{
	const struct c2w_params *params = &options->params;

	return 2 * options->one_way + (params->rto == C2W_AUTO ? params->answer_within / 2 : params->rto / 4);
}

void jd_reset(struct jd *jd, const struct jd_options *options)
{
	size_t request = (size_t)options->params.max_request;
	unsigned endpoints = jd->endpoint_count;
	char *buffers;

	jd->options = *options;
	jd->seq = 0;
	jd->slack = slack_of(options);
	jd->loss = jd->disorder = jd->opaque = jd->segmented = jd->titles_known = false;
	memset(jd->acks, 0, sizeof(jd->acks));
	jd->reading = (struct jd_reading){ .err = C2W_ERR_MORE };
	jd->keep = (struct jd_keep){ .octets = jd->kept };
	jd_index_init(&jd->text_index, JD_TEXTS, jd->text_heads, jd->text_next, jd->text_keys);
	jd->forgotten_text = -1;
	jd->text_octets = 0;
	jd->largest = 0;
	buffers = (char *)&jd->endpoints[endpoints];
	for (unsigned i = 0; i < endpoints; i++) {
		jd->endpoints[i].opened = false;
		jd->endpoints[i].framer.buffer = buffers + i * request;
	}
}

struct jd *jd_new(const struct jd_options *options, unsigned endpoints)
{
	size_t request = (size_t)options->params.max_request;
	struct jd *jd;

	if (endpoints > JD_NOBODY || request > SIZE_MAX / 2 / (JD_NOBODY + 1u))
		return NULL;
	jd = malloc(sizeof(*jd) + endpoints * (sizeof(jd->endpoints[0]) + request));
	if (!jd)
		return NULL;
	jd->endpoint_count = endpoints;
	jd_reset(jd, options);
	return jd;
}

void jd_free(struct jd *jd)
{
	free(jd);
}

static bool knows(const struct jd *jd, unsigned endpoint)
{
	return endpoint < jd->endpoint_count && jd->endpoints[endpoint].opened;
}

void jd_open(struct jd *jd, unsigned endpoint, bool tcp, int64_t at)
{
	(void)at;
	if (endpoint >= jd->endpoint_count)
		return;
	jd->seq++;
	jd_endpoint_reset(jd, endpoint, tcp);
}

/* What was sent stays known: its answers may come to others yet (TRN-04). */
void jd_close(struct jd *jd, unsigned endpoint, int64_t at)
{
	(void)at;
	if (knows(jd, endpoint))
		jd->endpoints[endpoint].framer.held = 0;
}

void jd_unseen(struct jd *jd, unsigned endpoint)
{
	if (knows(jd, endpoint))
		jd->endpoints[endpoint].opaque = true;
}

void jd_sent(struct jd *jd, unsigned endpoint, int64_t at, const char *octets, size_t length)
{
	if (knows(jd, endpoint) && length > 0)
		jd_sent_octets(jd, endpoint, at, (struct c2w_str){ octets, length });
}

/* ---- what comes ----------------------------------------------------------------------------- */

static bool is_stranger(const struct jd *jd, const struct c2w_message *message)
{
	const struct jd_options *options = &jd->options;

	return message->command == C2W_NEW_MESSAGE && options->ours && !options->ours(options->context, message->user);
}

static void read_message(struct jd *jd, struct c2w_str octets)
{
	struct jd_reading *reading = &jd->reading;

	*reading = (struct jd_reading){ .before = -1 };
	reading->err = c2w_message_parse(&reading->message, octets.at, octets.length, C2W_MAX_TO_CLIENT);
	if (reading->message.command != C2W_NO_COMMAND)
		reading->from_server = c2w_command_info(reading->message.command)->sender == C2W_SERVER;
	reading->stranger = is_stranger(jd, &reading->message);
}

static int64_t last_time(const struct jd_arrival *arrival)
{
	const struct c2w_message *message = arrival->message;
	const struct jd_record *latest = jd_record_find(arrival->endpoint, c2w_command_info(message->command)->family, message->time, arrival->user);

	return latest ? latest->last_at : -1;
}

void jd_received(struct jd *jd, unsigned endpoint, int64_t at, const char *octets, size_t length)
{
	struct c2w_str all = { octets, length };
	struct jd_reading *reading = &jd->reading;
	struct jd_arrival arrival;

	jd->seq++;
	read_message(jd, all);
	if (!knows(jd, endpoint))
		return;
	if (length > jd->largest)
		jd->largest = length;
	arrival = (struct jd_arrival){
		jd, &jd->endpoints[endpoint], endpoint, at, &reading->message, all, jd_hash(all), jd_hash(reading->message.user),
	};
	if (reading->err == C2W_OK && reading->from_server)
		reading->before = last_time(&arrival);
	if (reading->err != C2W_OK || !reading->from_server)
		jd_form_broken(&arrival, reading->err);
	else if (reading->message.command == C2W_NEW_MESSAGE)
		reading->repetition = jd_chat(&arrival, reading->stranger);
	else
		reading->repetition = jd_answer(&arrival);
}

const struct jd_reading *jd_last(const struct jd *jd)
{
	return &jd->reading;
}
