/* What one message says by itself: grammar, direction, the end of a datagram, data where there is none, a stream.
 * For judge/ only; see judge/state.h. Keeps nothing. */
#include "judge/state.h"

static const struct c2w_str none = { "", 0 };

/* Who reads slowly may be dropped in the middle of a message (ROB-03). Not where no more than this can ever have waited for it. */
static bool may_be_dropped(const struct jd_arrival *arrival)
{
	const struct jd *jd = arrival->jd;
	uint64_t waiting = jd->text_octets + arrival->endpoint->exchange_index.made * (jd->largest + 128);

	return arrival->endpoint->opaque || waiting >= (uint64_t)jd->options.params.max_backlog / 64; /* TRN-05, ROB-03 */
}

static enum c2w_rule rule_of(const struct jd_arrival *arrival, enum c2w_err err)
{
	bool tcp = arrival->endpoint->tcp;

	if (err == C2W_ERR_NO_CRLF && tcp)
		return may_be_dropped(arrival) ? C2W_NO_RULE : C2W_TRN_03;
	if (err == C2W_ERR_NO_CRLF || (err == C2W_ERR_AFTER_CRLF && !tcp))
		return C2W_TRN_02;
	return err == C2W_ERR_TOO_LONG ? C2W_FMT_07 : C2W_FMT_01;
}

void jd_form_broken(const struct jd_arrival *arrival, enum c2w_err err)
{
	enum c2w_rule rule = err == C2W_OK ? C2W_FMT_01 : rule_of(arrival, err);
	const char *what = err == C2W_OK ? "it is a command that only clients send" : c2w_err_text(err);

	if (rule != C2W_NO_RULE) /* one finding for each kind of mistake */
		jd_report(arrival->jd, arrival->number, arrival->at, rule, (uint64_t)(int64_t)err, what, none, arrival->octets);
	if (err == C2W_ERR_TIME)
		jd_echo_time(arrival);
	if (err == C2W_ERR_USER)
		jd_echo_user(arrival);
}

void jd_form_data(const struct jd_arrival *arrival, struct jd_exchange *exchange)
{
	const struct c2w_message *message = arrival->message;

	if (!c2w_command_info(message->command)->data && message->data.length > 0)
		jd_find(arrival, C2W_FMT_09, "this command carries no data, but some was sent", none, message->data);
	if (message->command == C2W_ENTER_MOVIE_GRANTED && arrival->jd->options.params.stream != C2W_ANY && !c2w_stream_valid(message->data))
		jd_find(arrival, C2W_ENT_06, "the data is no stream: a literal IP address, a colon, a port from 1 to 65535", none, message->data);
	if (message->command == C2W_USER_LIST_RESPONSE)
		jd_form_users(arrival, exchange);
	if (message->command == C2W_MOVIE_LIST_RESPONSE)
		jd_form_movies(arrival);
}
