/* Several steps in an order that matters: games, and programs that wait. For blackbox_breed.c and blackbox_hunt.c. */
#include "fuzz/blackbox_breed_inside.h"

static void add(struct fz_program *program, unsigned client, enum fz_action action)
{
	fz_program_add(program, &(struct fz_step){ .action = action, .client = (uint8_t)client });
}

static void ask(struct fz_breeder *breeder, struct fz_program *program, unsigned client, enum c2w_command command, bool await)
{
	struct fz_step step = fz_request_step(breeder, client, command);

	step.await = await;
	fz_program_add(program, &step);
}

static void enter(struct fz_program *program, unsigned client, unsigned movie)
{
	const struct fz_step step = { .action = FZ_SEND, .client = (uint8_t)client, .command = C2W_ENTER_MOVIE_REQUEST, .data = FZ_DATA_MOVIE, .movie = (uint8_t)movie, .await = true };

	fz_program_add(program, &step);
}

/* So many seconds and a half, in one of the ways to write it. */
static struct fz_text half_past(struct fz_breeder *breeder, unsigned long long seconds)
{
	static const char *const forms[] = { "%llu.50", "%llu.5", "%llu.500", "%llu.500000", "0%llu.50" };
	char text[FZ_LITERAL];

	snprintf(text, sizeof(text), forms[fz_below(breeder, seconds < 1000000000 ? COUNT(forms) : COUNT(forms) - 1)], seconds);
	return fz_text_of(c2w_str_of(text));
}

/* Requests by a clock of their own, which may go very slowly; some twice, with their TIME written in another way. */
void fz_clock_steps(struct fz_breeder *breeder, struct fz_program *program, struct fz_step step, uint64_t *clock, bool slow)
{
	char text[FZ_LITERAL];

	step.time = FZ_TIME_TEXT;
	for (unsigned copies = 1 + fz_one_in(breeder, 3); copies > 0; copies--) {
		snprintf(text, sizeof(text), "%llu.%06llu", (unsigned long long)*clock / 1000000, (unsigned long long)*clock % 1000000);
		step.time_text = slow ? fz_text_of(c2w_str_of(text)) : half_past(breeder, *clock / 1000000);
		fz_program_add(program, &step);
	}
	*clock += slow ? 1 : 1000000;
}

/* A request that no session executes, nor who has none. */
static void too_early(struct fz_breeder *breeder, struct fz_program *program, unsigned client)
{
	struct fz_step list = fz_request_step(breeder, client, fz_one_in(breeder, 2) ? C2W_USER_LIST_REQUEST : C2W_MOVIE_LIST_REQUEST);

	list.time = FZ_TIME_TEXT;
	list.time_text = half_past(breeder, 7);
	fz_program_add(program, &list);
}

/* Acks held, a request, and the request again: as it was, with other data, with its TIME written in another way, or behind what is discarded. */
void fz_repeated_steps(struct fz_breeder *breeder, struct fz_program *program, struct fz_step step)
{
	unsigned way = fz_below(breeder, 4), seconds = 4000000000u + fz_below(breeder, 200000000);

	step.await = true;
	if (way >= 2) {
		step.time = FZ_TIME_TEXT;
		step.time_text = half_past(breeder, seconds);
	}
	add(program, step.client, FZ_HOLD);
	fz_program_add(program, &step);
	if (way == 0)
		step.action = FZ_SAME;
	if (way == 1) {
		step.time = FZ_TIME_LAST;
		step.data = fz_one_in(breeder, 2) ? FZ_DATA_TEXT : FZ_DATA_NONE;
		step.data_text = fz_odd_text(breeder);
	}
	if (way == 2)
		step.time_text = half_past(breeder, seconds);
	if (way == 3)
		too_early(breeder, program, step.client);
	fz_program_add(program, &step);
	if (fz_one_in(breeder, 2))
		add(program, step.client, FZ_RESUME);
}

/* ---- games: what takes several steps in their order, each with its chances ----------------------- */

/* A session, its end in any way there is, and the name asked for again: by its holder, or by somebody else. */
static void name_changes_hands(struct fz_breeder *breeder, struct fz_program *program)
{
	static const enum fz_action ends[] = { FZ_SEND, FZ_SEND, FZ_CLOSE, FZ_CLOSE, FZ_RESET, FZ_HALF_CLOSE, FZ_HALF_CLOSE };
	struct fz_step again = { .action = FZ_SEND, .command = C2W_CONNECTION_REQUEST, .await = true };
	enum fz_action end = breeder->tcp ? PICK(breeder, ends) : FZ_SEND;
	bool movie = fz_one_in(breeder, 2), other = fz_one_in(breeder, 2);

	program->tcp[0] = program->tcp[0] || end != FZ_SEND;
	if (fz_one_in(breeder, 3))
		ask(breeder, program, 2, C2W_CONNECTION_REQUEST, true);
	if (fz_one_in(breeder, 3))
		add(program, 0, FZ_HOLD);
	ask(breeder, program, 0, C2W_CONNECTION_REQUEST, !fz_one_in(breeder, 6));
	if (movie)
		enter(program, 0, 1);
	for (unsigned i = end == FZ_SEND ? 1u + movie : 0; i > 0; i--)
		ask(breeder, program, 0, C2W_LEAVE_SESSION_REQUEST, true);
	for (unsigned i = end != FZ_SEND ? fz_below(breeder, 3) : 0; i > 0; i--)
		ask(breeder, program, 0, PICK(breeder, fz_requests), false);
	if (end != FZ_SEND)
		add(program, 0, end);
	if (fz_one_in(breeder, 3))
		ask(breeder, program, 2, C2W_USER_LIST_REQUEST, true);
	if (end == FZ_HALF_CLOSE && !other)
		add(program, 0, FZ_CLOSE);
	if (end != FZ_SEND && !other)
		add(program, 0, FZ_OPEN);
	if (other) {
		again.client = 1;
		again.user = FZ_USER_OTHER;
	}
	if (fz_one_in(breeder, 2)) {
		again.time = FZ_TIME_TEXT;
		again.time_text = fz_one_in(breeder, 2) ? half_past(breeder, 7) : fz_odd_time(breeder);
	}
	fz_program_add(program, &again);
	ask(breeder, program, 0, C2W_USER_LIST_REQUEST, true);
}

static void same(struct fz_program *program, unsigned client)
{
	fz_program_add(program, &(struct fz_step){ .action = FZ_SAME, .client = (uint8_t)client, .await = true });
}

/* A name that somebody has: asked for by who has a session and who has none, again once it is free, in another case, while its holder does not ack. */
static void name_is_taken(struct fz_breeder *breeder, struct fz_program *program)
{
	struct fz_step asks = { .action = FZ_SEND, .client = 1, .command = C2W_CONNECTION_REQUEST, .user = FZ_USER_OTHER, .await = true };
	unsigned game = fz_below(breeder, 5);

	if (game == 0)
		ask(breeder, program, 1, C2W_CONNECTION_REQUEST, true);
	if (game == 1)
		add(program, 1, FZ_HOLD);
	asks.miscased_user = game == 2;
	if (game == 3)
		add(program, 0, FZ_HOLD);
	ask(breeder, program, 0, C2W_CONNECTION_REQUEST, true);
	fz_program_add(program, &asks);
	if (game == 1)
		ask(breeder, program, 0, C2W_LEAVE_SESSION_REQUEST, true);
	if (game == 1 || game == 3)
		same(program, game == 1);
}

/* Everybody has a clock, or the server's time is everybody's. */
struct talk {
	bool clocks;
	unsigned seconds[FZ_FEW];
};

static struct talk begin_talk(struct fz_breeder *breeder)
{
	struct talk talk = { .clocks = fz_one_in(breeder, 3) };

	for (unsigned i = 0; i < FZ_FEW; i++)
		talk.seconds[i] = 4000000000u + fz_below(breeder, 200000000);
	return talk;
}

static void say_something(struct fz_breeder *breeder, struct fz_program *program, unsigned client, struct talk *talk)
{
	static const struct fz_text said[] = { T("one", 1), T("two", 1), T("three", 1), T("x", 300) };
	struct fz_step step = {
		.action = FZ_SEND, .client = (uint8_t)client, .command = C2W_SEND_MESSAGE_REQUEST, .data = FZ_DATA_TEXT, .data_text = said[fz_below(breeder, COUNT(said))],
		.await = !fz_one_in(breeder, 4),
	};

	if (talk->clocks) {
		step.time = FZ_TIME_TEXT;
		step.time_text = half_past(breeder, talk->seconds[client]++);
	}
	fz_program_add(program, &step);
}

/* What no text waits for, and what makes none of them get lost. */
static void ask_meanwhile(struct fz_breeder *breeder, struct fz_program *program, unsigned client)
{
	static const enum c2w_command asked[] = { C2W_USER_LIST_REQUEST, C2W_MOVIE_LIST_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_CONNECTION_REQUEST };
	struct fz_step step = { .action = FZ_SEND, .client = (uint8_t)client, .command = PICK(breeder, asked), .await = true };

	if (step.command == C2W_ENTER_MOVIE_REQUEST) {
		step.data = FZ_DATA_TEXT;
		step.data_text = (struct fz_text)T("no such movie", 1);
	}
	fz_program_add(program, &step);
}

/* A few in one room, one of whom acks when it likes: texts wait for it, and nothing else does. */
static void texts_wait(struct fz_breeder *breeder, struct fz_program *program)
{
	struct fz_step ack = { .action = FZ_SEND, .command = C2W_NEW_MESSAGE_RESPONSE_ACK, .await = true };
	unsigned cast = 2 + fz_one_in(breeder, 2), movie = breeder->movies > 0 ? fz_below(breeder, 2) : 0, count = 2 + fz_below(breeder, 2), author = fz_below(breeder, cast);
	struct talk talk = begin_talk(breeder);

	for (unsigned i = 0; i < cast; i++) {
		ask(breeder, program, i, C2W_CONNECTION_REQUEST, true);
		if (movie > 0)
			enter(program, i, movie);
	}
	ack.client = (uint8_t)fz_below(breeder, cast);
	add(program, ack.client, FZ_HOLD);
	for (unsigned i = 0; i < count; i++)
		say_something(breeder, program, talk.clocks || fz_one_in(breeder, 3) ? fz_below(breeder, cast) : author, &talk);
	if (fz_one_in(breeder, 3))
		ask_meanwhile(breeder, program, ack.client);
	if (fz_one_in(breeder, 4))
		same(program, author);
	if (fz_one_in(breeder, 2))
		ask(breeder, program, author, C2W_LEAVE_SESSION_REQUEST, true);
	for (unsigned i = 0; i < count; i++)
		fz_program_add(program, &ack);
}

/* Names of all kinds, one after the other. */
static void odd_names(struct fz_breeder *breeder, struct fz_program *program)
{
	struct fz_step login = { .action = FZ_SEND, .command = C2W_CONNECTION_REQUEST, .user = FZ_USER_TEXT, .await = true };

	for (unsigned i = 0; i < FZ_FEW; i++) {
		login.client = (uint8_t)i;
		for (unsigned k = 1 + fz_below(breeder, 4); k > 0; k--) {
			login.user_text = fz_odd_name(breeder);
			fz_program_add(program, &login);
		}
	}
}

/* Everybody there is, in one room, so that lists get long. */
static void crowd(struct fz_breeder *breeder, struct fz_program *program)
{
	for (unsigned i = 0; i < FZ_CAST; i++) {
		ask(breeder, program, i, C2W_CONNECTION_REQUEST, true);
		if (breeder->movies > 0)
			enter(program, i, 1);
	}
	ask(breeder, program, fz_below(breeder, FZ_CAST), C2W_USER_LIST_REQUEST, true);
	for (unsigned i = 0; i < FZ_FEW; i++)
		ask(breeder, program, i, C2W_MOVIE_LIST_REQUEST, true);
	ask(breeder, program, fz_below(breeder, FZ_CAST), C2W_SEND_MESSAGE_REQUEST, true);
}

void fz_any_game(struct fz_breeder *breeder, struct fz_program *program)
{
	switch (fz_below(breeder, 9)) {
	case 0:
	case 1:
	case 2:
		name_changes_hands(breeder, program);
		return;
	case 3:
		odd_names(breeder, program);
		return;
	case 5:
		name_is_taken(breeder, program);
		return;
	case 4:
		crowd(breeder, program);
		return;
	default:
		texts_wait(breeder, program);
		return;
	}
}

static void pass(struct fz_program *program, unsigned per_mille)
{
	fz_program_add(program, &(struct fz_step){ .action = FZ_WAIT, .wait = (uint16_t)per_mille });
}

/* Time is dear: several do so at once. */
enum { SILENT = 5, SPEAKER };

enum ack_form { NO_ACK, ACK_WITH_DATA, ACK_IN_OTHER_DIGITS, ACK_FORMS };

/* A request, and what acks it. Its TIME is half past so many seconds. */
static void acked_by_hand(struct fz_breeder *breeder, struct fz_program *program, unsigned client, enum c2w_command command, enum ack_form form, unsigned seconds)
{
	struct fz_step step = fz_request_step(breeder, client, command);
	struct fz_step ack = { .action = FZ_SEND, .client = (uint8_t)client, .command = c2w_command_of(c2w_command_info(command)->family, C2W_ACK) };

	step.await = true;
	step.time = ack.time = FZ_TIME_TEXT;
	step.time_text = half_past(breeder, seconds);
	fz_program_add(program, &step);
	if (form == NO_ACK)
		return;
	ack.time_text = form == ACK_IN_OTHER_DIGITS ? half_past(breeder, seconds) : step.time_text;
	if (form == ACK_WITH_DATA && command != C2W_SEND_MESSAGE_REQUEST) {
		ack.data = FZ_DATA_TEXT;
		ack.data_text = (struct fz_text)T("hi", 1);
	}
	fz_program_add(program, &ack);
}

static void ask_for_name(struct fz_program *program, unsigned client, unsigned holder)
{
	const struct fz_step step = {
		.action = FZ_SEND, .client = (uint8_t)client, .command = C2W_CONNECTION_REQUEST, .user = FZ_USER_OTHER, .other = (uint8_t)holder, .await = true,
	};

	fz_program_add(program, &step);
}

/* REL-04, REL-07, REL-16: they do not ack, or in an odd way, all alike or each as it likes, while somebody else goes on. An ack that is not heeded
 * may have been lost; those of four hardly are. */
static void unacked(struct fz_breeder *breeder, struct fz_program *program, bool alike)
{
	unsigned seconds = 4000000000u + fz_below(breeder, 200000000), first = fz_below(breeder, COUNT(fz_requests));
	enum ack_form form = fz_one_in(breeder, 3) ? ACK_IN_OTHER_DIGITS : ACK_WITH_DATA;

	ask(breeder, program, SPEAKER, C2W_CONNECTION_REQUEST, true);
	for (unsigned i = 0; i < SILENT; i++) {
		if (!alike)
			form = fz_one_in(breeder, 2) ? NO_ACK : (enum ack_form)fz_below(breeder, ACK_FORMS);
		program->tcp[i] = program->tcp[i] && !alike;
		if (alike || !fz_one_in(breeder, 6))
			ask(breeder, program, i, C2W_CONNECTION_REQUEST, true);
		add(program, i, FZ_HOLD);
		acked_by_hand(breeder, program, i, fz_requests[(first + (alike ? 0 : i)) % COUNT(fz_requests)], form, seconds);
	}
	ask(breeder, program, SPEAKER, PICK(breeder, fz_requests), true);
	pass(program, 1300);
}

/* REL-08, REL-16: they are silent for so long that the server forgets them; over TCP it does not. */
static void silent(struct fz_breeder *breeder, struct fz_program *program)
{
	program->tcp[0] = true;
	for (unsigned i = 0; i < SILENT; i++) {
		add(program, i, FZ_HOLD);
		ask(breeder, program, i, C2W_CONNECTION_REQUEST, true);
		if (fz_one_in(breeder, 2))
			ask(breeder, program, i, PICK(breeder, fz_requests), true);
	}
	for (unsigned i = 0; i < 3; i++)
		pass(program, 1900);
	ask(breeder, program, 0, C2W_USER_LIST_REQUEST, true);
	ask_for_name(program, SPEAKER, 1);
	ask_for_name(program, 2, 2);
}

void fz_generate_patient(struct fz_breeder *breeder, struct fz_program *program, bool brief)
{
	*program = (struct fz_program){ 0 };
	for (unsigned i = 0; i < FZ_CAST; i++)
		program->tcp[i] = fz_one_in(breeder, 4);
	!brief && fz_one_in(breeder, 4) ? silent(breeder, program) : unacked(breeder, program, !brief && !fz_one_in(breeder, 3));
	fz_mend_bred(breeder, program);
}
