/* The measurer: a few UDP endpoints connect, leave the GRANTED unacked and note when it comes again; then they leave. See measure.h.
 * Owns its sockets and timers. */
#include "harness/measure.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/time.h"

enum { MAX_COPIES = 64, REQUESTS = 4 };

static const int64_t second = 1000000000;

struct witness {
	struct hx_measurer *measurer;
	struct net_udp *udp;
	struct net_timer *timer;
	char name[C2W_MAX_USER_NAME + 1];
	int64_t time;               /* us: TIME of the last request */
	unsigned requests;          /* sent so far */
	int64_t copies[MAX_COPIES]; /* arrivals of the GRANTED */
	unsigned count, late;       /* of copies; of those after the ack */
	int64_t listened;           /* ns from the first copy on */
	enum rp_stop stop;
	enum { ASKING, LISTENING, ACKED, LEAVING, GONE } state;
};

struct hx_measurer {
	struct hx_measure_options options;
	struct witness witnesses[HX_WITNESSES];
	unsigned left;
	struct net_timer *end; /* done() frees the measurer: it comes from here, not from a witness */
};

static struct net *net_of(const struct witness *witness)
{
	return witness->measurer->options.target->net;
}

/* text: the message is an ack of it; NULL: it is an exchange of the witness's own. */
static void say_about(struct witness *witness, enum c2w_command command, const struct c2w_message *text)
{
	struct c2w_message message = { .command = command, .user = c2w_str_of(witness->name) };
	char time[C2W_MAX_TIME_TEXT], octets[512];
	long length;

	if (text != NULL) {
		message.time_text = text->time_text;
		message.data = text->user;
	} else {
		message.time_text = (struct c2w_str){ time, c2w_time_format(time, witness->time, 6) };
	}
	length = c2w_message_format(octets, sizeof(octets), &message);
	assert(length > 0);
	net_udp_send(witness->udp, &witness->measurer->options.target->address, NULL, octets, (size_t)length);
}

static void say(struct witness *witness, enum c2w_command command)
{
	say_about(witness, command, NULL);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* The one that saw most; of several, one whose end is known. A lost copy counts less. */
static const struct witness *best_of(const struct hx_measurer *measurer)
{
	const struct witness *best = &measurer->witnesses[0];

	for (unsigned i = 1; i < HX_WITNESSES; i++) {
		const struct witness *other = &measurer->witnesses[i];

		if (other->count > best->count || (other->count == best->count && best->stop == RP_STOP_UNSEEN && other->stop != RP_STOP_UNSEEN))
			best = other;
	}
	return best;
}

static int64_t median(const struct hx_measurer *measurer)
{
	int64_t intervals[HX_WITNESSES * MAX_COPIES];
	size_t count = 0;

	for (unsigned i = 0; i < HX_WITNESSES; i++)
		for (unsigned j = 1; j < measurer->witnesses[i].count; j++)
			intervals[count++] = measurer->witnesses[i].copies[j] - measurer->witnesses[i].copies[j - 1];
	qsort(intervals, count, sizeof(intervals[0]), compare);
	return intervals[count / 2];
}

static const char *evaluate(struct hx_measurer *measurer)
{
	const struct witness *best = best_of(measurer);

	if (best->count < 2)
		return "rto cannot be measured: the target does not repeat a CONNECTION_GRANTED that is not acked.";
	if (measurer->options.max_retransmits && best->count > measurer->options.limit)
		return "max-retransmits cannot be measured: the target repeats a CONNECTION_GRANTED again and again.";
	if (measurer->options.rto)
		measurer->options.target->params.rto = median(measurer);
	if (measurer->options.max_retransmits)
		measurer->options.target->params.max_retransmits = best->count - 1;
	return NULL;
}

static void gone(struct witness *witness)
{
	struct hx_measurer *measurer = witness->measurer;

	if (witness->state == GONE)
		return;
	witness->state = GONE;
	net_timer_stop(witness->timer);
	if (--measurer->left == 0)
		net_timer_at(measurer->end, net_now(net_of(witness)));
}

static void end(void *context)
{
	struct hx_measurer *measurer = context;

	measurer->options.done(measurer->options.context, evaluate(measurer));
}

/* ---- asking, listening, leaving -------------------------------------------------------------------- */

/* How long to wait for another copy: half as long again as a back-off like that of the last two intervals would take; after one
 * interval nothing is known of that yet. */
static int64_t patience(const struct witness *witness)
{
	const int64_t *last = &witness->copies[witness->count - 1];
	int64_t interval, before, growth;

	if (witness->count < 2)
		return witness->measurer->options.patience;
	interval = last[0] - last[-1];
	if (witness->count < 3)
		return 3 * interval + second / 5;
	before = last[-1] - last[-2];
	growth = before > 0 && interval > before ? interval * 16 / before : 16; /* sixteenths */
	return interval / 16 * (growth < 128 ? growth : 128) * 3 / 2 + second / 5;
}

static int64_t now(const struct witness *witness)
{
	return net_now(net_of(witness));
}

static void leave(struct witness *witness)
{
	if (witness->count > 0)
		witness->listened = now(witness) - witness->copies[0];
	witness->state = LEAVING;
	witness->requests = 1;
	witness->time++;
	say(witness, C2W_LEAVE_SESSION_REQUEST);
	net_timer_at(witness->timer, now(witness) + second);
}

static void due(void *context)
{
	struct witness *witness = context;

	switch (witness->state) {
	case LISTENING:
		witness->stop = RP_STOP_COUNT; /* or SESSION: the answer to the LEAVE tells */
		leave(witness);
		return;
	case ACKED:
		witness->stop = witness->late > 0 ? RP_STOP_NEVER : RP_STOP_ACK;
		leave(witness);
		return;
	case ASKING:
	case LEAVING:
	case GONE:
		break;
	}
	if (witness->requests++ == REQUESTS) {
		gone(witness);
		return;
	}
	say(witness, witness->state == ASKING ? C2W_CONNECTION_REQUEST : C2W_LEAVE_SESSION_REQUEST);
	net_timer_at(witness->timer, now(witness) + second);
}

/* It was repeated so often that only an ack can end it. */
static void ack(struct witness *witness)
{
	witness->state = ACKED;
	say(witness, C2W_CONNECTION_RESPONSE_ACK);
	net_timer_at(witness->timer, now(witness) + patience(witness));
}

static void heard_granted(struct witness *witness, int64_t at)
{
	if (witness->state == ACKED && at - witness->copies[witness->count - 1] > second / 10)
		witness->late++;
	if (witness->state == ASKING)
		witness->state = LISTENING;
	if (witness->state != LISTENING || witness->count == MAX_COPIES)
		return;
	if (witness->requests > 1) { /* REL-18: a repeated request gets copies that are no retransmissions */
		leave(witness);
		return;
	}
	witness->copies[witness->count++] = at;
	if (witness->count > witness->measurer->options.limit)
		ack(witness);
	else
		net_timer_at(witness->timer, now(witness) + patience(witness));
}

static void heard_left(struct witness *witness, const struct c2w_message *message)
{
	if (witness->stop == RP_STOP_COUNT && message->command == C2W_LEAVE_SESSION_ERROR)
		witness->stop = RP_STOP_SESSION;
	say(witness, C2W_LEAVE_SESSION_RESPONSE_ACK);
	gone(witness);
}

static void heard(struct witness *witness, const struct net_datagram *datagram)
{
	struct c2w_message message;

	if (c2w_message_parse(&message, datagram->octets, datagram->length, 0) != C2W_OK)
		return;
	if (message.command == C2W_NEW_MESSAGE)
		say_about(witness, C2W_NEW_MESSAGE_RESPONSE_ACK, &message);
	if (message.time != witness->time)
		return;
	if (message.command == C2W_CONNECTION_GRANTED)
		heard_granted(witness, datagram->at);
	else if (witness->state == LEAVING && c2w_command_info(message.command)->family == C2W_LEAVE_SESSION)
		heard_left(witness, &message);
}

static void received(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct witness *witness = context;

	for (size_t i = 0; i < count && witness->state != GONE; i++)
		heard(witness, &datagrams[i]);
}

/* ---- outside ----------------------------------------------------------------------------------------- */

static void begin(struct hx_measurer *measurer, unsigned index)
{
	static const struct net_udp_events events = { .received = received };
	struct hx_target *target = measurer->options.target;
	struct witness *witness = &measurer->witnesses[index];
	struct net_addr any = { .family = target->address.family };

	witness->measurer = measurer;
	witness->stop = RP_STOP_UNSEEN;
	witness->timer = net_timer_new(target->net, due, witness);
	witness->time = (net_now(target->net) + net_wall_offset(target->net)) / 1000;
	snprintf(witness->name, sizeof(witness->name), "measure-%s%u", target->nonce, ++target->names);
	if (net_udp_open(target->net, &any, &events, witness, &witness->udp) < 0)
		witness->udp = NULL;
	else
		say(witness, C2W_CONNECTION_REQUEST);
	witness->requests = witness->udp != NULL ? 1 : REQUESTS;
	net_timer_at(witness->timer, net_now(target->net) + second);
}

struct hx_measurer *hx_measure(const struct hx_measure_options *options)
{
	struct hx_measurer *measurer = calloc(1, sizeof(*measurer));

	assert(measurer != NULL);
	measurer->options = *options;
	measurer->left = HX_WITNESSES;
	measurer->end = net_timer_new(options->target->net, end, measurer);
	for (unsigned i = 0; i < HX_WITNESSES; i++)
		begin(measurer, i);
	return measurer;
}

void hx_measure_free(struct hx_measurer *measurer)
{
	if (measurer == NULL)
		return;
	for (unsigned i = 0; i < HX_WITNESSES; i++) {
		net_timer_free(measurer->witnesses[i].timer);
		if (measurer->witnesses[i].udp != NULL)
			net_udp_close(measurer->witnesses[i].udp);
	}
	net_timer_free(measurer->end);
	free(measurer);
}

void hx_measure_end(struct hx_measurer *measurer)
{
	for (unsigned i = 0; i < HX_WITNESSES; i++)
		if (measurer->witnesses[i].state < LEAVING && measurer->witnesses[i].udp != NULL)
			leave(&measurer->witnesses[i]);
}

void hx_measure_thin(struct hx_measurer *measurer)
{
	const struct witness *best = best_of(measurer);

	for (unsigned i = 0; i < HX_WITNESSES; i++)
		if (&measurer->witnesses[i] != best && measurer->witnesses[i].state < LEAVING && measurer->witnesses[i].udp != NULL)
			leave(&measurer->witnesses[i]);
}

void hx_measure_tell(const struct hx_measurer *measurer, struct rp_result *result)
{
	const struct witness *best = best_of(measurer);
	struct rp_fingerprint *print = &result->target.fingerprint;
	int64_t intervals[MAX_COPIES];

	for (unsigned i = 1; i < best->count; i++)
		intervals[i - 1] = best->copies[i] - best->copies[i - 1];
	rp_fingerprint_set(result, intervals, best->count > 0 ? best->count - 1 : 0);
	print->stop = best->count > 0 ? best->stop : RP_STOP_UNWATCHED;
	print->watched = best->count == 0 ? 0 : best->state < LEAVING ? now(best) - best->copies[0] : best->listened;
}
