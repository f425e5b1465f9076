/* The measurer: a few UDP endpoints connect, leave the GRANTED unacked and note when it comes again; then they leave. For schedule.c.
 * Owns its sockets and timers. */
#include "harness/measure.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/time.h"

enum { WITNESSES = 3, MAX_COPIES = 64, REQUESTS = 4 };

static const int64_t second = 1000000000;
static const int64_t longest_rto = 30000000000;

struct witness {
	struct hx_measurer *measurer;
	struct net_udp *udp;
	struct net_timer *timer;
	char name[C2W_MAX_USER_NAME + 1];
	int64_t time;               /* us: TIME of the last request */
	unsigned requests;          /* sent so far */
	int64_t copies[MAX_COPIES]; /* arrivals of the GRANTED */
	unsigned count;
	enum { ASKING, LISTENING, LEAVING, GONE } state;
};

struct hx_measurer {
	struct hx_measure_options options;
	struct witness witnesses[WITNESSES];
	unsigned left;
	struct net_timer *end; /* done() frees the measurer: it comes from here, not from a witness */
};

static struct net *net_of(const struct witness *witness)
{
	return witness->measurer->options.target->net;
}

static void say(struct witness *witness, enum c2w_command command)
{
	struct c2w_message message = { .command = command, .user = c2w_str_of(witness->name) };
	char time[C2W_MAX_TIME_TEXT], octets[256];
	long length;

	message.time_text = (struct c2w_str){ time, c2w_time_format(time, witness->time, 6) };
	length = c2w_message_format(octets, sizeof(octets), &message);
	assert(length > 0);
	net_udp_send(witness->udp, &witness->measurer->options.target->address, NULL, octets, (size_t)length);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* The median of all intervals, and the most repetitions that any of them saw: a lost one counts less. */
static const char *evaluate(struct hx_measurer *measurer)
{
	int64_t intervals[WITNESSES * MAX_COPIES];
	size_t count = 0;
	unsigned most = 0;

	for (unsigned i = 0; i < WITNESSES; i++) {
		const struct witness *witness = &measurer->witnesses[i];

		for (unsigned j = 1; j < witness->count; j++)
			intervals[count++] = witness->copies[j] - witness->copies[j - 1];
		if (witness->count > most + 1)
			most = witness->count - 1;
	}
	if (count == 0)
		return "rto cannot be measured: the target does not repeat a CONNECTION_GRANTED that is not acked.";
	qsort(intervals, count, sizeof(intervals[0]), compare);
	if (measurer->options.rto)
		measurer->options.target->params.rto = intervals[count / 2];
	if (measurer->options.max_retransmits)
		measurer->options.target->params.max_retransmits = most;
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

/* How long to wait for another copy: thrice the interval known, or the longest rto there may be. */
static int64_t patience(const struct witness *witness)
{
	if (witness->count < 2)
		return longest_rto;
	return 3 * (witness->copies[witness->count - 1] - witness->copies[witness->count - 2]) + second;
}

static void leave(struct witness *witness)
{
	witness->state = LEAVING;
	witness->requests = 1;
	witness->time++;
	say(witness, C2W_LEAVE_SESSION_REQUEST);
	net_timer_at(witness->timer, net_now(net_of(witness)) + second);
}

static void due(void *context)
{
	struct witness *witness = context;

	if (witness->state == LISTENING) {
		leave(witness);
		return;
	}
	if (witness->requests++ == REQUESTS) {
		gone(witness);
		return;
	}
	say(witness, witness->state == ASKING ? C2W_CONNECTION_REQUEST : C2W_LEAVE_SESSION_REQUEST);
	net_timer_at(witness->timer, net_now(net_of(witness)) + second);
}

static void heard_granted(struct witness *witness, int64_t at)
{
	if (witness->state == ASKING)
		witness->state = LISTENING;
	if (witness->state != LISTENING || witness->count == MAX_COPIES)
		return;
	if (witness->requests > 1) { /* REL-18: a repeated request gets copies that are no retransmissions */
		leave(witness);
		return;
	}
	witness->copies[witness->count++] = at;
	net_timer_at(witness->timer, net_now(net_of(witness)) + patience(witness));
}

static void heard(struct witness *witness, const struct net_datagram *datagram)
{
	struct c2w_message message;

	if (c2w_message_parse(&message, datagram->octets, datagram->length, 0) != C2W_OK || message.time != witness->time)
		return;
	if (message.command == C2W_CONNECTION_GRANTED)
		heard_granted(witness, datagram->at);
	if (witness->state != LEAVING || c2w_command_info(message.command)->family != C2W_LEAVE_SESSION)
		return;
	say(witness, C2W_LEAVE_SESSION_RESPONSE_ACK);
	gone(witness);
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
	measurer->left = WITNESSES;
	measurer->end = net_timer_new(options->target->net, end, measurer);
	for (unsigned i = 0; i < WITNESSES; i++)
		begin(measurer, i);
	return measurer;
}

void hx_measure_free(struct hx_measurer *measurer)
{
	if (measurer == NULL)
		return;
	for (unsigned i = 0; i < WITNESSES; i++) {
		net_timer_free(measurer->witnesses[i].timer);
		if (measurer->witnesses[i].udp != NULL)
			net_udp_close(measurer->witnesses[i].udp);
	}
	net_timer_free(measurer->end);
	free(measurer);
}
