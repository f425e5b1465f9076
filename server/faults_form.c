/* Mistakes with the form of messages: what is sent (FMT-01 to FMT-03, FMT-09), what is accepted (FMT-04 to FMT-08).
 * For the gate only: see faults_inside.h.
 * Owns nothing. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/faults_inside.h"

/* ---- what leaves: octets ------------------------------------------------------------------------ */

static void double_datagram(struct srv_passing *p, char *octets, size_t *length)
{
	(void)p;
	memcpy(octets + *length, octets, *length);
	*length *= 2;
}
FAULT(datagram_twice, .only = C2W_ON_UDP, .answer_of = C2W_USER_LIST_RESPONSE, .wire = double_datagram);

static void add_nul(struct srv_passing *p, char *octets, size_t *length)
{
	(void)p;
	octets[(*length)++] = '\0';
}
FAULT(nul_behind_crlf, .only = C2W_ON_UDP, .wire = add_nul);

static void cut_crlf(struct srv_passing *p, char *octets, size_t *length)
{
	(void)p;
	(void)octets;
	*length -= 2;
}
FAULT(datagram_without_crlf, .only = C2W_ON_UDP, .answer_of = C2W_NEW_MESSAGE, .wire = cut_crlf);

static void cut_cr(struct srv_passing *p, char *octets, size_t *length)
{
	(void)p;
	octets[--*length - 1] = '\n';
}
FAULT(datagram_with_lf, .only = C2W_ON_UDP, .wire = cut_cr);

static void add_crlf(struct srv_passing *p, char *octets, size_t *length)
{
	(void)p;
	memcpy(octets + *length, "\r\n", 2);
	*length += 2;
}
FAULT(empty_line_after_a_list, .only = C2W_ON_TCP, .answer_of = C2W_MOVIE_LIST_RESPONSE, .wire = add_crlf);

static void cut_last_pipe(struct srv_passing *p, char *octets, size_t *length)
{
	(void)p;
	memcpy(octets + *length - 3, "\r\n", 2);
	--*length;
}
FAULT(pipe_missing, .answer_of = C2W_LEAVE_SESSION_GRANTED, .wire = cut_last_pipe);

static void double_blank(struct srv_passing *p, char *octets, size_t *length)
{
	size_t head = p->message.time_text.length + 1;

	memmove(octets + head + 1, octets + head, *length - head);
	++*length;
}
FAULT(blank_twice, .answer_of = C2W_ENTER_MOVIE_GRANTED, .wire = double_blank);

/* ---- what leaves: fields ------------------------------------------------------------------------ */

static struct c2w_str mapped(struct srv_gate *gate, struct c2w_str text, int (*map)(int))
{
	char *to = srv_gate_room(gate, text.length);

	for (size_t i = 0; i < text.length; i++)
		to[i] = (char)map((unsigned char)text.at[i]);
	return (struct c2w_str){ to, text.length };
}

static bool small_command(struct srv_passing *p)
{
	p->message.command_text = mapped(p->gate, p->message.command_text, tolower);
	return true;
}
FAULT(small_letters, .answer_of = C2W_MOVIE_LIST_RESPONSE, .answer = small_command);

static bool cut_code(struct srv_passing *p)
{
	p->message.command_text = C2W_STR("CONNECTION_ERROR");
	return true;
}
FAULT(code_missing, .answer_of = C2W_CONNECTION_ERROR, .answer = cut_code);

static bool short_code(struct srv_passing *p)
{
	if (p->message.code == 2004)
		p->message.command_text.length--;
	return true;
}
FAULT(code_of_three_digits, .answer_of = C2W_ENTER_MOVIE_ERROR, .answer = short_code);

static struct c2w_str without_zeros(struct c2w_str time)
{
	if (!memchr(time.at, '.', time.length))
		return time;
	while (time.at[time.length - 1] == '0')
		time.length--;
	if (time.at[time.length - 1] == '.')
		time.length--;
	return time;
}

static bool time_like_float(struct srv_passing *p)
{
	p->message.time_text = without_zeros(p->message.time_text);
	return true;
}
FAULT(time_as_float, .answer = time_like_float);

static bool cut_fraction(struct srv_passing *p)
{
	const char *point = memchr(p->message.time_text.at, '.', p->message.time_text.length);

	if (point)
		p->message.time_text.length = (size_t)(point - p->message.time_text.at);
	return true;
}
FAULT(time_in_seconds, .answer_of = C2W_MOVIE_LIST_RESPONSE, .answer = cut_fraction);
FAULT(texts_time_in_seconds, .answer_of = C2W_NEW_MESSAGE, .answer = cut_fraction);

static bool six_digits(struct srv_passing *p)
{
	int64_t time = p->message.time;

	p->message.time_text = srv_gate_text(p->gate, "%lld.%06lld", (long long)(time / 1000000), (long long)(time % 1000000));
	return true;
}
FAULT(texts_time_with_six_digits, .answer_of = C2W_NEW_MESSAGE, .answer = six_digits);

static bool an_hour_later(struct srv_passing *p)
{
	int64_t time = p->message.time + INT64_C(3600000000);

	if (time < INT64_C(10000000000000000))
		p->message.time_text = srv_gate_text(p->gate, "%lld.%06lld", (long long)(time / 1000000), (long long)(time % 1000000));
	return true;
}
FAULT(time_an_hour_later, .answer_of = C2W_ENTER_MOVIE_GRANTED, .answer = an_hour_later);

static bool note_time(struct srv_passing *p)
{
	srv_gate_note(p->gate, &p->way, p->message.time_text);
	return true;
}

static bool time_of_repetition(struct srv_passing *p)
{
	const struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);

	if (p->turn == SRV_REPEATED && memo)
		p->message.time_text = (struct c2w_str){ memo->text, memo->length };
	return true;
}
FAULT(time_of_the_repetition, .only = C2W_ON_UDP, .request = note_time, .again = time_of_repetition);

static bool from_server(struct srv_passing *p)
{
	p->message.user = C2W_STR("server");
	return true;
}
FAULT(user_is_server, .answer_of = C2W_MOVIE_LIST_RESPONSE, .answer = from_server);

static bool name_of_session(struct srv_passing *p)
{
	if (p->endpoint && p->endpoint->name_length)
		p->message.user = srv_name(p->endpoint);
	return true;
}
FAULT(error_names_the_session, .answer_of = C2W_CONNECTION_ERROR, .answer = name_of_session);
FAULT(text_names_the_recipient, .answer_of = C2W_NEW_MESSAGE, .answer = name_of_session);

static bool cut_user(struct srv_passing *p)
{
	if (p->message.user.length > C2W_MAX_USER_NAME)
		p->message.user.length = C2W_MAX_USER_NAME;
	return true;
}
FAULT(user_cut_at_32, .answer = cut_user);

static bool small_user(struct srv_passing *p)
{
	p->message.user = mapped(p->gate, p->message.user, tolower);
	return true;
}
FAULT(user_in_small_letters, .answer = small_user);

static bool note_user(struct srv_passing *p)
{
	srv_gate_note(p->gate, NULL, p->message.user);
	return true;
}

static bool last_user(struct srv_passing *p)
{
	const struct srv_memo *memo = srv_gate_recall(p->gate, NULL, NULL);

	if (p->turn == SRV_BY_TIMER && memo)
		p->message.user = (struct c2w_str){ memo->text, memo->length };
	return true;
}
FAULT(last_user_is_global, .only = C2W_ON_UDP, .request = note_user, .again = last_user);

static bool welcome(struct srv_passing *p)
{
	p->message.data = C2W_STR("welcome");
	return true;
}
FAULT(granted_says_welcome, .answer_of = C2W_CONNECTION_GRANTED, .answer = welcome);
FAULT(left_with_reason, .answer_of = C2W_LEAVE_SESSION_GRANTED, .answer = welcome);

/* ---- what is accepted --------------------------------------------------------------------------- */

static const char *find(struct c2w_str in, char octet)
{
	return in.length ? memchr(in.at, octet, in.length) : NULL;
}

/* Everything up to `at`, something, and the rest but `skip` octets of it: received instead. */
static bool mend(struct srv_passing *p, const char *at, const char *insert, size_t skip)
{
	struct c2w_str head = { p->octets.at, (size_t)(at - p->octets.at) };
	struct c2w_str rest = { at + skip, p->octets.length - head.length - skip };
	size_t length = head.length + strlen(insert) + rest.length;
	char *to = srv_gate_room(p->gate, length);

	memcpy(to, head.at, head.length);
	memcpy(to + head.length, insert, strlen(insert));
	memcpy(to + head.length + strlen(insert), rest.at, rest.length);
	p->octets = (struct c2w_str){ to, length };
	return true;
}

static bool drop_blank(struct srv_passing *p)
{
	const char *colon = find(p->octets, ':');

	return p->err == C2W_ERR_NO_BLANK && colon && colon[1] == ' ' && mend(p, colon + 1, "", 1);
}
FAULT(two_blanks_accepted, .malformed = drop_blank);

static bool add_blank(struct srv_passing *p)
{
	const char *colon = find(p->octets, ':');

	return p->err == C2W_ERR_NO_BLANK && colon && colon[1] != ' ' && mend(p, colon + 1, " ", 0);
}
FAULT(no_blank_accepted, .malformed = add_blank);

static const char *end_of(const struct srv_passing *p)
{
	return p->octets.at + p->octets.length;
}

static bool add_pipe(struct srv_passing *p)
{
	return p->err == C2W_ERR_NO_PIPE && p->octets.length > 2 && mend(p, end_of(p) - 2, "|", 0);
}
FAULT(missing_pipe_accepted, .malformed = add_pipe);

static bool end_lf(struct srv_passing *p)
{
	return p->err == C2W_ERR_NO_CRLF && p->octets.length && end_of(p)[-1] == '\n' && mend(p, end_of(p) - 1, "\r\n", 1);
}
FAULT(lf_accepted, .only = C2W_ON_UDP, .malformed = end_lf);

static bool end_bare(struct srv_passing *p)
{
	return p->err == C2W_ERR_NO_CRLF && p->octets.length && end_of(p)[-1] != '\n' && mend(p, end_of(p), "\r\n", 0);
}
FAULT(no_crlf_accepted, .only = C2W_ON_UDP, .malformed = end_bare);

static int to_ascii(int octet)
{
	return octet < 0x80 ? octet : '?';
}

static bool latin(struct srv_passing *p)
{
	p->octets = mapped(p->gate, p->octets, to_ascii);
	return p->err == C2W_ERR_UTF8;
}
FAULT(bad_utf8_accepted, .malformed = latin);

static bool cut_at_nul(struct srv_passing *p)
{
	const char *nul = find(p->octets, '\0');

	return p->err == C2W_ERR_NUL && nul && mend(p, nul, "\r\n", (size_t)(end_of(p) - nul));
}
FAULT(nul_ends_the_string, .malformed = cut_at_nul);

static int no_line_end(int octet)
{
	return octet == '\r' || octet == '\n' ? ' ' : octet;
}

static bool flatten(struct srv_passing *p)
{
	struct c2w_str flat = mapped(p->gate, p->octets, no_line_end);

	p->octets = flat;
	return p->err == C2W_ERR_CR_OR_LF && mend(p, end_of(p) - 2, "\r\n", 2);
}
FAULT(lf_inside_accepted, .malformed = flatten);

static bool any_number(struct srv_passing *p)
{
	const char *colon = find(p->octets, ':');
	char number[64], *end;
	double seconds;

	if (p->err != C2W_ERR_TIME || !colon || colon - p->octets.at >= (long)sizeof(number))
		return false;
	memcpy(number, p->octets.at, (size_t)(colon - p->octets.at));
	number[colon - p->octets.at] = '\0';
	seconds = strtod(number, &end);
	if (end == number || *end || !(seconds >= 0 && seconds < 1e10))
		return false;
	snprintf(number, sizeof(number), "%.6f", seconds);
	p->octets = (struct c2w_str){ colon, (size_t)(end_of(p) - colon) };
	return mend(p, colon, number, 0);
}
FAULT(any_number_accepted, .malformed = any_number);

static bool cut_time(struct srv_passing *p)
{
	const char *colon = find(p->octets, ':');
	size_t digits = 0;

	while (digits < p->octets.length && isdigit((unsigned char)p->octets.at[digits]))
		digits++;
	return p->err == C2W_ERR_TIME && colon && p->octets.at + digits == colon && digits > C2W_MAX_TIME_DIGITS &&
	       mend(p, p->octets.at + C2W_MAX_TIME_DIGITS, "", digits - C2W_MAX_TIME_DIGITS);
}
FAULT(long_time_accepted, .malformed = cut_time);

static bool cut_rest(struct srv_passing *p)
{
	const char *lf = find(p->octets, '\n');

	if (p->err != C2W_ERR_AFTER_CRLF || !lf)
		return false;
	p->octets.length = (size_t)(lf + 1 - p->octets.at);
	return true;
}
FAULT(octets_behind_accepted, .only = C2W_ON_UDP, .malformed = cut_rest);

static bool cut_long_user(struct srv_passing *p)
{
	const char *first = find(p->octets, '|'), *second;

	if (p->err != C2W_ERR_USER || !first)
		return false;
	second = find((struct c2w_str){ first + 1, (size_t)(end_of(p) - first - 1) }, '|');
	return second && second - first - 1 > C2W_MAX_USER &&
	       mend(p, first + 1 + C2W_MAX_USER, "", (size_t)(second - first - 1 - C2W_MAX_USER));
}
FAULT(long_user_accepted, .malformed = cut_long_user);

/* ---- what is malformed does something all the same ------------------------------------------------- */

static bool answer_malformed(struct srv_passing *p)
{
	struct c2w_message like = { .time_text = C2W_STR("0"), .user = C2W_STR("") };

	srv_gate_forge(p->gate, &p->way, "CONNECTION_ERROR_1002", &like, C2W_STR("malformed"));
	return false;
}
FAULT(malformed_is_answered, .malformed = answer_malformed);

static bool end_session(struct srv_passing *p)
{
	if (p->endpoint)
		srv_endpoint_forget(p->gate->core, p->endpoint);
	return false;
}
FAULT(malformed_ends_the_session, .malformed = end_session);

static bool end_neighbour(struct srv_passing *p)
{
	struct srv_endpoint *other = p->endpoint ? p->endpoint->hh_name.next : NULL;

	if (other && p->endpoint->name_length)
		srv_endpoint_forget(p->gate->core, other);
	return false;
}
FAULT(malformed_ends_a_neighbour, .malformed = end_neighbour);

static bool ack_by_garbage(struct srv_passing *p)
{
	if (p->endpoint) {
		srv_drop_response(p->gate->core, p->endpoint);
		srv_endpoint_settle(p->gate->core, p->endpoint);
	}
	return false;
}
FAULT(malformed_acks, .only = C2W_ON_UDP, .malformed = ack_by_garbage);

static bool set_time(struct srv_passing *p)
{
	if (p->endpoint && p->err == C2W_ERR_UNKNOWN && p->message.time > p->endpoint->last)
		p->endpoint->last = p->message.time;
	return false;
}
FAULT(unknown_sets_time, .malformed = set_time);

static bool hang_up(struct srv_passing *p)
{
	if (p->endpoint)
		srv_endpoint_forget(p->gate->core, p->endpoint);
	p->gate->carrier.drop(p->gate->carrier.context, &p->way, false);
	return false;
}
FAULT(malformed_closes_connection, .only = C2W_ON_TCP, .malformed = hang_up);

/* ---- commands ----------------------------------------------------------------------------------- */

static bool receive_as(struct srv_passing *p, const char *command)
{
	const char *blank = find(p->octets, ' '), *pipe = find(p->octets, '|');

	return blank && pipe > blank && mend(p, blank + 1, command, (size_t)(pipe - blank - 1));
}

static bool any_case(struct srv_passing *p)
{
	const char *blank = find(p->octets, ' '), *pipe = find(p->octets, '|');
	struct c2w_str large;

	if ((p->err != C2W_ERR_COMMAND && p->err != C2W_ERR_UNKNOWN) || !blank || pipe <= blank)
		return false;
	large = mapped(p->gate, (struct c2w_str){ blank + 1, (size_t)(pipe - blank - 1) }, toupper);
	return receive_as(p, srv_gate_text(p->gate, "%.*s", SRV_SLICE(large)).at);
}
FAULT(commands_in_any_case, .malformed = any_case);

static bool longer_command(struct srv_passing *p)
{
	if (p->err != C2W_ERR_UNKNOWN)
		return false;
	for (enum c2w_command command = 1; command < C2W_COMMANDS; command++) {
		struct c2w_str name = c2w_str_of(c2w_command_info(command)->name), text = p->message.command_text;

		if (c2w_command_info(command)->sender == C2W_CLIENT && text.length > name.length &&
		    memcmp(text.at, name.at, name.length) == 0)
			return receive_as(p, name.at);
	}
	return false;
}
FAULT(command_by_its_beginning, .malformed = longer_command);

static bool answer_unknown(struct srv_passing *p)
{
	if (p->err == C2W_ERR_UNKNOWN)
		srv_gate_forge(p->gate, &p->way, "LEAVE_SESSION_ERROR_9", &p->message, C2W_STR("unknown command"));
	return false;
}
FAULT(unknown_is_answered, .malformed = answer_unknown);

static bool relay(struct srv_passing *p)
{
	p->message.command_text = C2W_STR("SEND_MESSAGE_REQUEST");
	return true;
}
FAULT(new_message_is_relayed, .request_of = C2W_NEW_MESSAGE, .request = relay);

/* ---- sizes -------------------------------------------------------------------------------------- */

static bool below_4096(struct srv_passing *p)
{
	return p->octets.length < (size_t)p->gate->core->settings.params.max_request;
}
FAULT(longest_request_discarded, .request = below_4096);

static bool below_1024(struct srv_passing *p)
{
	return p->octets.length <= 1024;
}
FAULT(requests_over_1024_discarded, .request = below_1024);

static bool too_long(struct srv_passing *p)
{
	struct c2w_message message;

	if (p->err != C2W_ERR_TOO_LONG || c2w_message_parse(&message, p->octets.at, p->octets.length, 0))
		return false;
	p->octets = srv_gate_text(p->gate, "%.*s: %.*s|%.*s|%.*s\r\n", SRV_SLICE(message.time_text), SRV_SLICE(message.command_text),
	                          SRV_SLICE(message.user), message.data.length < 64 ? (int)message.data.length : 64, message.data.at);
	return true;
}
FAULT(long_datagrams_accepted, .only = C2W_ON_UDP, .malformed = too_long);

static bool cut_list(struct srv_passing *p, size_t length)
{
	if (p->message.data.length <= length)
		return true;
	while (length && p->message.data.at[length] != '|')
		length--;
	p->message.data.length = length;
	return true;
}

static bool cut_at_256(struct srv_passing *p)
{
	return cut_list(p, 256);
}
FAULT(long_user_list_cut, .answer_of = C2W_USER_LIST_RESPONSE, .answer = cut_at_256);

static bool cut_at_4000(struct srv_passing *p)
{
	return cut_list(p, 4000);
}
FAULT(user_list_cut_at_4000, .answer_of = C2W_USER_LIST_RESPONSE, .answer = cut_at_4000);

static bool no_data(struct srv_passing *p)
{
	return !p->message.data.length;
}
FAULT(data_of_a_list_request_refused, .request_of = C2W_USER_LIST_REQUEST, .request = no_data);
FAULT(data_of_a_leave_request_refused, .request_of = C2W_LEAVE_SESSION_REQUEST, .request = no_data);
FAULT(data_of_an_ack_refused, .only = C2W_ON_UDP, .request_of = C2W_USER_LIST_RESPONSE_ACK, .request = no_data);

/* ---- pipes and texts: FMT-04, MSG-03 --------------------------------------------------------------- */

static bool cut_at_pipe(struct srv_passing *p)
{
	const char *pipe = find(p->message.data, '|');

	if (pipe)
		p->message.data.length = (size_t)(pipe - p->message.data.at);
	return true;
}
FAULT(text_cut_at_pipe, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = cut_at_pipe);

static bool behind_last_pipe(struct srv_passing *p)
{
	const char *pipe = p->message.data.length ? memrchr(p->message.data.at, '|', p->message.data.length) : NULL;

	if (pipe)
		p->message.data = (struct c2w_str){ pipe + 1, (size_t)(p->message.data.at + p->message.data.length - pipe - 1) };
	return true;
}
FAULT(text_behind_last_pipe, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = behind_last_pipe);

static bool without_pipe(struct srv_passing *p)
{
	return !find(p->message.data, '|');
}
FAULT(text_with_pipe_discarded, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = without_pipe);

static struct c2w_str stripped(struct c2w_str text)
{
	while (text.length && text.at[0] == ' ')
		text = (struct c2w_str){ text.at + 1, text.length - 1 };
	while (text.length && text.at[text.length - 1] == ' ')
		text.length--;
	return text;
}

static bool strip(struct srv_passing *p)
{
	p->message.data = stripped(p->message.data);
	return true;
}
FAULT(text_stripped, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = strip);

static bool collapse(struct srv_passing *p)
{
	char *to = srv_gate_room(p->gate, p->message.data.length);
	size_t length = 0;

	for (size_t i = 0; i < p->message.data.length; i++) {
		if (i == 0 || p->message.data.at[i] != ' ' || p->message.data.at[i - 1] != ' ')
			to[length++] = p->message.data.at[i];
	}
	p->message.data = (struct c2w_str){ to, length };
	return true;
}
FAULT(blanks_collapsed, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = collapse);

static bool cut_at_colon(struct srv_passing *p)
{
	const char *colon = find(p->message.data, ':');

	if (colon)
		p->message.data.length = (size_t)(colon - p->message.data.at);
	return true;
}
FAULT(text_cut_at_colon, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = cut_at_colon);

static bool ascii_only(struct srv_passing *p)
{
	p->message.data = mapped(p->gate, p->message.data, to_ascii);
	return true;
}
FAULT(text_in_ascii, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = ascii_only);

static int no_emoji(int octet)
{
	return octet >= 0xf0 ? '?' : octet;
}

/* A character beyond the first plane is four octets, of which the first begins with 1111. */
static bool three_octets(struct srv_passing *p)
{
	struct c2w_str text = mapped(p->gate, p->message.data, no_emoji);
	char *to = srv_gate_room(p->gate, text.length);
	size_t length = 0;

	for (size_t i = 0; i < text.length; i++) {
		to[length++] = text.at[i];
		if ((unsigned char)p->message.data.at[i] >= 0xf0)
			i += 3;
	}
	p->message.data = (struct c2w_str){ to, length };
	return true;
}
FAULT(emoji_lost, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = three_octets);

static bool cut_255(struct srv_passing *p)
{
	size_t length = 255;

	if (p->message.data.length <= length)
		return true;
	while (length && ((unsigned char)p->message.data.at[length] & 0xc0) == 0x80)
		length--;
	p->message.data.length = length;
	return true;
}
FAULT(text_cut_at_255, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = cut_255);

static bool cut_1023(struct srv_passing *p)
{
	if (p->message.data.length == (size_t)p->gate->core->settings.params.max_text)
		p->message.data.length--;
	return true;
}
FAULT(longest_text_loses_an_octet, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = cut_1023);

static bool second_capital(struct srv_passing *p)
{
	if (p->gate->count++ % 2)
		p->message.data = mapped(p->gate, p->message.data, toupper);
	return true;
}
FAULT(every_second_text_in_capitals, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = second_capital);

static bool as_html(struct srv_passing *p)
{
	char *to = srv_gate_room(p->gate, 5 * p->message.data.length);
	size_t length = 0;

	for (size_t i = 0; i < p->message.data.length; i++) {
		const char *with = p->message.data.at[i] == '<' ? "&lt;" : p->message.data.at[i] == '&' ? "&amp;" : NULL;

		if (with) {
			memcpy(to + length, with, strlen(with));
			length += strlen(with);
		} else {
			to[length++] = p->message.data.at[i];
		}
	}
	p->message.data = (struct c2w_str){ to, length };
	return true;
}
FAULT(text_as_html, .request_of = C2W_SEND_MESSAGE_REQUEST, .request = as_html);
