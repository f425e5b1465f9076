/* What a right server answers, see blackbox_guess.h. Pure. */
#include "fuzz/blackbox_guess.h"

enum { NO_ERROR = -1, SAME = FZ_PLACES, DOWN };

struct cell {
	enum c2w_command answer;  /* C2W_NO_COMMAND: it is discarded */
	int error;
	enum c2w_rule rule;
	int next;                 /* a place, SAME, DOWN */
};

#define SILENCE { C2W_NO_COMMAND, NO_ERROR, C2W_NO_RULE, SAME }

/* Section 4, for requests that are well-formed, new, and under the right name. */
static const struct cell cells[FZ_PLACES][C2W_FAMILIES] = {
	[FZ_OUTSIDE] = {
		[C2W_CONNECTION] = { C2W_CONNECTION_GRANTED, NO_ERROR, C2W_CON_01, FZ_MAIN_ROOM },
		[C2W_USER_LIST] = SILENCE,
		[C2W_MOVIE_LIST] = SILENCE,
		[C2W_ENTER_MOVIE] = { C2W_ENTER_MOVIE_ERROR, C2W_PARAM_not_connected_, C2W_ENT_04, SAME },
		[C2W_LEAVE_SESSION] = { C2W_LEAVE_SESSION_ERROR, C2W_PARAM_no_session_, C2W_LEA_03, SAME },
		[C2W_CHAT] = SILENCE,
	},
	[FZ_MAIN_ROOM] = {
		[C2W_CONNECTION] = { C2W_CONNECTION_ERROR, C2W_PARAM_already_connected_, C2W_CON_05, SAME },
		[C2W_USER_LIST] = { C2W_USER_LIST_RESPONSE, NO_ERROR, C2W_LST_01, SAME },
		[C2W_MOVIE_LIST] = { C2W_MOVIE_LIST_RESPONSE, NO_ERROR, C2W_LST_02, SAME },
		[C2W_ENTER_MOVIE] = { C2W_ENTER_MOVIE_GRANTED, NO_ERROR, C2W_ENT_01, FZ_MOVIE_ROOM },
		[C2W_LEAVE_SESSION] = { C2W_LEAVE_SESSION_GRANTED, NO_ERROR, C2W_LEA_02, FZ_OUTSIDE },
		[C2W_CHAT] = { C2W_NEW_MESSAGE, NO_ERROR, C2W_MSG_01, SAME },
	},
	[FZ_MOVIE_ROOM] = {
		[C2W_CONNECTION] = { C2W_CONNECTION_ERROR, C2W_PARAM_already_connected_, C2W_CON_05, SAME },
		[C2W_USER_LIST] = { C2W_USER_LIST_RESPONSE, NO_ERROR, C2W_LST_04, SAME },
		[C2W_MOVIE_LIST] = { C2W_MOVIE_LIST_RESPONSE, NO_ERROR, C2W_LST_04, SAME },
		[C2W_ENTER_MOVIE] = { C2W_ENTER_MOVIE_ERROR, C2W_PARAM_already_in_movie_, C2W_ENT_03, SAME },
		[C2W_LEAVE_SESSION] = { C2W_LEAVE_SESSION_GRANTED, NO_ERROR, C2W_LEA_01, FZ_MAIN_ROOM },
		[C2W_CHAT] = { C2W_NEW_MESSAGE, NO_ERROR, C2W_MSG_01, SAME },
	},
};

void fz_guess_init(struct fz_guess *guess)
{
	*guess = (struct fz_guess){ .processed = -1, .sure = -1, .least = INT64_MAX, .greatest = -1 };
}

static unsigned movie_of(const struct fz_world *world, struct c2w_str title)
{
	for (unsigned i = 0; i < world->title_count; i++)
		if (c2w_str_equal(title, c2w_str_of(world->titles[i])))
			return i + 1;
	return 0;
}

/* The parts of the table that depend on the data and the name. */
static struct cell cell_of(const struct fz_guess *guess, const struct fz_world *world, const struct c2w_message *message)
{
	static const struct cell silence = SILENCE;
	enum c2w_family family = c2w_command_info(message->command)->family;

	if (family == C2W_CONNECTION && guess->place == FZ_OUTSIDE && !c2w_user_name_valid(message->user))
		return (struct cell){ C2W_CONNECTION_ERROR, C2W_PARAM_name_invalid_, C2W_CON_03, SAME };
	if (family == C2W_ENTER_MOVIE && guess->place == FZ_MAIN_ROOM && movie_of(world, message->data) == 0)
		return (struct cell){ C2W_ENTER_MOVIE_ERROR, C2W_PARAM_no_such_movie_, C2W_ENT_02, SAME };
	if (family == C2W_CHAT && (message->data.length == 0 || message->data.length > (size_t)world->params->max_text))
		return silence;
	return cells[guess->place][family];
}

static struct fz_answer perhaps(struct fz_guess *guess, enum c2w_family family, bool moves)
{
	guess->murky[family] = true;
	guess->lost |= moves;
	return (struct fz_answer){ .due = FZ_PERHAPS, .family = family, .error = NO_ERROR };
}

bool fz_moves(enum c2w_family family)
{
	return family == C2W_CONNECTION || family == C2W_ENTER_MOVIE || family == C2W_LEAVE_SESSION;
}

static struct fz_answer nothing_due(enum c2w_family family)
{
	return (struct fz_answer){ .due = FZ_NOTHING, .family = family, .error = NO_ERROR };
}

/* In a session a TIME that is not greater: a repetition may bring a copy of its answer, and anything else nothing (REL-11). Without one only
 * a repetition is special: it may be executed anew (REL-12). */
static bool is_stale(const struct fz_guess *guess, const struct c2w_message *message)
{
	return guess->place == FZ_OUTSIDE ? message->time == guess->processed : message->time <= guess->processed;
}

static struct fz_answer stale(struct fz_guess *guess, const struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;

	if (guess->place == FZ_OUTSIDE)
		return perhaps(guess, family, family == C2W_CONNECTION);
	if (message->time == guess->processed && family == guess->family)
		return perhaps(guess, family, false);
	return message->time > guess->sure ? perhaps(guess, family, fz_moves(family)) : nothing_due(family);
}

static struct fz_answer take_cell(struct fz_guess *guess, const struct fz_world *world, const struct c2w_message *message, struct cell cell)
{
	struct fz_answer answer = { FZ_NOTHING, c2w_command_info(message->command)->family, cell.answer, cell.error, cell.rule, false };

	if (cell.answer == C2W_NO_COMMAND)
		return answer;
	guess->processed = message->time;
	guess->family = answer.family;
	if (c2w_rule_info(cell.rule)->level == C2W_MUST)
		guess->sure = message->time;
	if (cell.next == FZ_MOVIE_ROOM)
		guess->movie = movie_of(world, message->data);
	if (cell.next != SAME)
		guess->place = (enum fz_place)cell.next;
	answer.due = guess->murky[answer.family] ? FZ_PERHAPS : FZ_DUE;
	return answer;
}

/* Whoever has another name than its own is not followed any further. */
static struct fz_answer login(struct fz_guess *guess, const struct fz_world *world, bool own, enum fz_name name, const struct c2w_message *message)
{
	static const struct cell taken = { C2W_CONNECTION_ERROR, C2W_PARAM_name_taken_, C2W_CON_02, SAME };
	struct fz_answer answer;

	if (name == FZ_NAME_TAKEN)
		return take_cell(guess, world, message, taken);
	if (name == FZ_NAME_UNKNOWN)
		return perhaps(guess, C2W_CONNECTION, true);
	answer = take_cell(guess, world, message, cells[FZ_OUTSIDE][C2W_CONNECTION]);
	answer.anybodys = name == FZ_NAME_ANYBODYS;
	if (!own)
		guess->lost = guess->murky[C2W_CONNECTION] = true;
	return answer;
}

static struct fz_answer requested(struct fz_guess *guess, const struct fz_world *world, struct c2w_str user, enum fz_name name, bool fresh, const struct c2w_message *message)
{
	enum c2w_family family = c2w_command_info(message->command)->family;
	bool own = c2w_str_equal(message->user, user), inside = guess->place != FZ_OUTSIDE;

	if (guess->lost)
		return perhaps(guess, family, fz_moves(family));
	if (inside && !own && family != C2W_CONNECTION) /* NAM-01 */
		return nothing_due(family);
	if (is_stale(guess, message))
		return stale(guess, message);
	if (!fresh) /* what answers it may be octet for octet what came before */
		return perhaps(guess, family, fz_moves(family));
	if (!inside && family == C2W_CONNECTION && c2w_user_name_valid(message->user))
		return login(guess, world, own, name, message);
	return take_cell(guess, world, message, cell_of(guess, world, message));
}

struct fz_answer fz_guess_sent(struct fz_guess *guess, const struct fz_world *world, struct c2w_str user, enum fz_name name, struct c2w_str octets)
{
	struct c2w_message message;
	bool fresh;

	if (c2w_message_parse(&message, octets.at, octets.length, (size_t)world->params->max_request) != C2W_OK)
		return nothing_due(C2W_CHAT);
	if (c2w_command_info(message.command)->beat != C2W_REQUEST)
		return nothing_due(C2W_CHAT);
	fresh = message.time > guess->greatest || message.time < guess->least;
	if (message.time > guess->greatest)
		guess->greatest = message.time;
	if (message.time < guess->least)
		guess->least = message.time;
	return requested(guess, world, user, name, fresh, &message);
}

static int64_t code_of(const struct c2w_params *params, int error)
{
	return *(const int64_t *)((const char *)params + c2w_param_info((enum c2w_param)error)->offset);
}

bool fz_answer_declines(const struct fz_answer *answer, const struct fz_world *world, const struct c2w_message *message)
{
	if (answer->command == C2W_CONNECTION_GRANTED && message->command == C2W_CONNECTION_ERROR)
		return c2w_code_fits(world->params->server_full, message->code) || (answer->anybodys && c2w_code_fits(world->params->name_taken, message->code));
	return answer->command == C2W_ENTER_MOVIE_GRANTED && message->command == C2W_ENTER_MOVIE_ERROR && c2w_code_fits(world->params->room_full, message->code);
}

bool fz_answer_fits(const struct fz_answer *answer, const struct fz_world *world, const struct c2w_message *message)
{
	if (answer->command != message->command)
		return false;
	return answer->error == NO_ERROR || c2w_code_fits(code_of(world->params, answer->error), message->code);
}
