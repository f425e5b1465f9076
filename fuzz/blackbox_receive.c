/* Endpoints, and what comes to them: every message is shown to the judge, acked, and met with what is due.
 * For blackbox_play.c and its siblings; called by the net. Octets are lent; what a peer sends is bounded by the net
 * (64 KiB a datagram) and by MAX_RECEIVED. */
#include "fuzz/blackbox_play_inside.h"

#include <assert.h>
#include <stdlib.h>

enum { MAX_RECEIVED = 16 << 20 };

static void keep_answer(struct fz_party *party, const struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;

	if (message->time_text.length > C2W_MAX_TIME_TEXT || message->user.length > C2W_MAX_USER)
		return;
	memcpy(party->answers[family].time, message->time_text.at, message->time_text.length);
	party->answers[family].time[message->time_text.length] = '\0';
	memcpy(party->answers[family].user, message->user.at, message->user.length);
	party->answers[family].user[message->user.length] = '\0';
	if (message->command == C2W_CONNECTION_GRANTED || message->command == C2W_LEAVE_SESSION_GRANTED)
		party->inside = message->command == C2W_CONNECTION_GRANTED;
	if (message->command != C2W_CONNECTION_GRANTED)
		return;
	memcpy(party->session, party->answers[family].user, sizeof(party->session));
	if (party->open && !party->mute && strcmp(party->session, party->user) == 0)
		party->gone_at = 0;
}

/* An answer that nobody waited for, to what was taken to be granted. */
static bool may_decline(const struct c2w_params *params, const struct c2w_message *message)
{
	if (message->command == C2W_CONNECTION_ERROR)
		return c2w_code_fits(params->server_full, message->code) || c2w_code_fits(params->name_taken, message->code);
	return message->command == C2W_ENTER_MOVIE_ERROR && c2w_code_fits(params->room_full, message->code);
}

static void another_answer(struct fz_party *party, const struct fz_expected *expected, const struct c2w_message *message, struct c2w_str octets)
{
	const char *wanted = c2w_command_info(expected->answer.command)->name;
	const struct c2w_command_info *info = c2w_command_info(message->command);
	char what[160], code[16] = "";

	if (fz_answer_declines(&expected->answer, party->play->options.world, message)) {
		fz_lose_track(party);
		return;
	}
	party->guess.lost = true;
	party->play->moves++;
	if (info->digits > 0)
		snprintf(code, sizeof(code), " %u", message->code);
	snprintf(what, sizeof(what), "%s%s came instead of %s%s", info->name, code, wanted, expected->haunted ? " for the name of somebody who has gone" : "");
	fz_find(party->play, FZ_VIOLATION, expected->answer.rule, what, fz_escaped(c2w_str_of(wanted)), fz_escaped(octets));
	fz_stop(party->play);
}

static void measure(struct fz_party *party, const struct c2w_message *message, int64_t at)
{
	int64_t took = at - party->request_at;

	if (message->time == party->request_us && took > 0 && (party->play->round_trip == 0 || took < party->play->round_trip))
		party->play->round_trip = took;
}

/* Only of texts that are waited for: others wait for acks, or for who reads again. */
static void measure_text(struct fz_play *play, const struct fz_expected *text, int64_t at)
{
	int64_t took = at - play->awaiting_since;

	if (text->asked && !text->queued && took > play->text_trip)
		play->text_trip = took;
}

/* MSG-03: it came, but says something else. The judge may have told already. */
static void take_changed(struct fz_party *party, const struct c2w_message *message, struct c2w_str octets)
{
	struct fz_expected *text = fz_match_changed(party, message);
	bool told = false;

	if (text == NULL)
		return;
	text->met = true;
	for (unsigned i = 0; i < party->play->finding_count; i++)
		told |= party->play->findings[i].rule == C2W_MSG_03;
	if (!told)
		fz_find(party->play, FZ_VIOLATION, C2W_MSG_03, "a text arrives as another", fz_escaped((struct c2w_str){ text->text, text->text_length }), fz_escaped(octets));
}

static void answered(struct fz_party *party, const struct jd_reading *reading, struct c2w_str octets)
{
	struct fz_play *play = party->play;
	const struct c2w_message *message = &reading->message;
	struct fz_expected *expected;

	if (message->command == C2W_NEW_MESSAGE)
		party->texted = true;
	if (!reading->stranger)
		fz_came_again(party, message);
	if (reading->stranger || reading->repetition)
		return;
	if (message->time == party->moving && message->command != C2W_NEW_MESSAGE)
		party->moving = -1;
	if (message->time == party->moved && message->command != C2W_NEW_MESSAGE)
		party->moved = -1;
	if (fz_is_fence(party, message)) {
		fz_fence_answered(party, message->time);
		return;
	}
	if (message->command == C2W_NEW_MESSAGE && fz_forbidden(party, message))
		fz_find(play, FZ_VIOLATION, party->guess.place == FZ_OUTSIDE ? C2W_MSG_07 : C2W_MSG_02, "a text reaches somebody who was not in its author's room", NULL, fz_escaped(octets));
	expected = fz_match(party, message);
	if (expected == NULL && may_decline(play->options.world->params, message))
		fz_lose_track(party);
	if (expected == NULL && message->command == C2W_NEW_MESSAGE)
		take_changed(party, message, octets);
	if (expected == NULL)
		return;
	if (fz_too_soon(play, expected, message))
		return;
	if (fz_overtakes(play, expected))
		fz_find(play, FZ_VIOLATION, C2W_MSG_05, "a text comes before another that was processed before it", NULL, fz_escaped(octets));
	expected->met = true;
	if (message->command == C2W_NEW_MESSAGE)
		measure_text(play, expected, net_now(play->options.net));
	if (message->command == C2W_USER_LIST_RESPONSE && expected->time == message->time)
		fz_check_list(party, expected, message);
	if (!fz_answer_fits(&expected->answer, play->options.world, message))
		another_answer(party, expected, message, octets);
}

static void message_received(struct fz_party *party, struct c2w_str octets, int64_t at)
{
	struct fz_play *play = party->play;
	struct jd_reading reading;

	if (play->phase == OVER || (play->received += octets.length) > MAX_RECEIVED)
		return;
	play->heard = true;
	fz_note(party, true, octets);
	jd_received(play->jd, party->index, at, octets.at, octets.length);
	reading = *jd_last(play->jd);
	fz_seen(party, fz_answer_of(&reading));
	if (party->index == HONEST) /* whatever it is: somebody is there */
		fz_fence_answered(party, party->fence);
	if (reading.err != C2W_OK || !reading.from_server)
		return;
	measure(party, &reading.message, at);
	keep_answer(party, &reading.message);
	party->last_us = reading.message.time;
	fz_acknowledge(party, &reading.message, reading.stranger);
	if (play->options.answered != NULL)
		play->options.answered(play->options.context, party->tcp, &reading.message);
	answered(party, &reading, octets);
}

/* TRN-04. Only what holds one of our names can be meant: else it was sent to whoever had the port before. True: it is. */
static bool from_elsewhere(const struct fz_party *party, struct c2w_str octets)
{
	struct c2w_message message;

	if (c2w_message_parse(&message, octets.at, octets.length, 0) != C2W_OK || memmem(message.user.at, message.user.length, party->play->options.tail, strlen(party->play->options.tail)) == NULL)
		return false;
	fz_find(party->play, FZ_VIOLATION, C2W_TRN_04, "it comes from another address or port than the request went to", NULL, fz_escaped(octets));
	return true;
}

static void datagrams_received(void *context, const struct net_datagram *datagrams, size_t count)
{
	struct fz_party *party = context;

	for (size_t i = 0; i < count; i++) {
		struct c2w_str octets = { datagrams[i].octets, datagrams[i].length };

		if (net_addr_equal(&datagrams[i].peer, &party->play->options.address) || from_elsewhere(party, octets))
			message_received(party, octets, datagrams[i].at);
	}
	fz_advance(party->play);
}

static void datagram_refused(void *context, const struct net_addr *peer, int error, int64_t at)
{
	struct fz_party *party = context;

	(void)peer, (void)error, (void)at;
	party->play->refused = true;
	fz_stop(party->play);
	fz_advance(party->play);
}

static void link_connected(void *context)
{
	struct fz_party *party = context;

	party->connected = true;
	party->play->heard = true;
	fz_advance(party->play);
}

static void octets_received(void *context, const char *octets, size_t length, int64_t at)
{
	struct fz_party *party = context;
	struct c2w_str input = { octets, length }, message;
	enum c2w_err err;

	while ((err = c2w_framer_next(&party->in, &input, &message)) == C2W_OK)
		message_received(party, message, at);
	if (err == C2W_ERR_TOO_LONG)
		message_received(party, message, at);
	fz_advance(party->play);
}

/* Only after a message that is too long (TRN-05) and after our own FIN may it end a connection. */
static void link_ended(void *context, enum net_end end, int error, int64_t at)
{
	struct fz_party *party = context;
	struct fz_play *play = party->play;

	(void)error, (void)at;
	party->ended = true;
	if (!party->connected && end != NET_END_FIN)
		play->refused = true;
	if (!party->connected)
		fz_stop(play);
	fz_advance(play);
}

/* ---- endpoints ------------------------------------------------------------------------------ */

static void open_link(struct fz_party *party)
{
	static const struct net_tcp_events events = { .connected = link_connected, .received = octets_received, .ended = link_ended };
	const struct fz_play_options *options = &party->play->options;
	size_t out = (size_t)options->world->params->max_request;

	if (party->buffers == NULL)
		party->buffers = malloc(out + C2W_MAX_TO_CLIENT);
	assert(party->buffers != NULL);
	c2w_framer_init(&party->out, party->buffers, out);
	c2w_framer_init(&party->in, party->buffers + out, C2W_MAX_TO_CLIENT);
	if (net_tcp_connect(options->net, &options->address, &events, party, &party->link) < 0) {
		party->link = NULL;
		party->ended = true;
	}
}

static void open_socket(struct fz_party *party)
{
	static const struct net_udp_events events = { .received = datagrams_received, .refused = datagram_refused };
	const struct fz_play_options *options = &party->play->options;
	struct net_addr local = { .family = options->address.family };

	party->connected = true;
	if (net_udp_open(options->net, &local, &events, party, &party->udp) < 0) {
		party->udp = NULL;
		party->ended = true;
	}
}

void fz_open_party(struct fz_party *party)
{
	party->open = true;
	party->connected = party->ended = party->mute = party->deaf = party->over = party->nonsense = party->inside = false;
	party->request_length = 0;
	party->held_us = party->last_us = party->acked_us = party->moved = -1;
	party->acked_by_hand = false;
	party->farewells = 0;
	party->moving = party->tcp ? -1 : party->moving;
	fz_guess_init(&party->guess);
	party->guess.lost = party->claimed;
	party->play->moves++;
	jd_open(party->play->jd, party->index, party->tcp, net_now(party->play->options.net));
	party->tcp ? open_link(party) : open_socket(party);
	if (party->ended)
		fz_stop(party->play);
}

void fz_close_party(struct fz_party *party, bool reset)
{
	if (party->udp != NULL) {
		net_flush(party->play->options.net);
		net_udp_close(party->udp);
	}
	if (party->link != NULL && reset)
		net_tcp_reset(party->link);
	else if (party->link != NULL)
		net_tcp_close(party->link);
	party->play->moves++;
	if (party->open)
		jd_close(party->play->jd, party->index, net_now(party->play->options.net));
	party->udp = NULL;
	party->link = NULL;
	party->open = false;
}

void fz_set_reading(const struct fz_party *party, bool on)
{
	if (party->udp != NULL)
		net_udp_read(party->udp, on);
	if (party->link != NULL)
		net_tcp_read(party->link, on);
}
