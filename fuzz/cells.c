/* Cells as counters, and which of them the rules allow: see cells.h.
 * For session.c and targets.
 * Static data. */
#include "fuzz/cells.h"

#include <stdint.h>
#include <stdio.h>

/* Cleared and read by libFuzzer at every input. */
__attribute__((used, section("__libfuzzer_extra_counters"))) static uint8_t counters[FZ_STATES][2][FZ_EVENTS][FZ_OUTCOMES];
static bool ever[FZ_STATES][2][FZ_EVENTS][FZ_OUTCOMES];

#define OF(family, age) [FZ_ON_REQUEST + C2W_##family * FZ_AGES + FZ_##age]
#define ACK(family) [FZ_ON_ACK + C2W_##family]
#define MAY(outcome) (1u << FZ_##outcome)
#define NEVER MAY(SILENCE)
#define REPEATED (MAY(COPY) | MAY(SILENCE))             /* REL-11: whether its answer was acked or not */
#define LOGIN (MAY(ANSWER) | MAY(ERROR_1) | MAY(ERROR_2) | MAY(ERROR_3) | MAY(END))
#define REFUSED (MAY(ERROR_1) | MAY(END))               /* TCP: ROB-03 ends whoever is answered */
#define NAMED (MAY(ANSWER) | MAY(SILENCE))              /* NAM-01: another's name is discarded */
#define ENTER (NAMED | MAY(ERROR_2) | MAY(ERROR_4))
#define CHAT (MAY(TEXT) | MAY(SILENCE) | MAY(END))      /* MSG-06, NAM-01, REL-14; ROB-03 */

/* In a session a repeated CONNECTION_REQUEST is a repetition or older (REL-11), never a new one (CON-05). */
#define IN_SESSION \
	OF(CONNECTION, NEWER) = MAY(ERROR_4) | MAY(END), OF(CONNECTION, EQUAL) = REPEATED | MAY(END), OF(CONNECTION, OLDER) = NEVER, \
	OF(USER_LIST, NEWER) = NAMED | MAY(END), OF(USER_LIST, EQUAL) = REPEATED | MAY(END), OF(USER_LIST, OLDER) = NEVER, \
	OF(MOVIE_LIST, NEWER) = NAMED | MAY(END), OF(MOVIE_LIST, EQUAL) = REPEATED | MAY(END), OF(MOVIE_LIST, OLDER) = NEVER, \
	OF(ENTER_MOVIE, EQUAL) = REPEATED | MAY(END), OF(ENTER_MOVIE, OLDER) = NEVER, \
	OF(LEAVE_SESSION, NEWER) = NAMED | MAY(END), OF(LEAVE_SESSION, EQUAL) = REPEATED | MAY(END), OF(LEAVE_SESSION, OLDER) = NEVER, \
	OF(CHAT, NEWER) = CHAT, OF(CHAT, EQUAL) = REPEATED | MAY(END), OF(CHAT, OLDER) = NEVER, \
	ACK(CONNECTION) = NEVER, ACK(USER_LIST) = NEVER, ACK(MOVIE_LIST) = NEVER, ACK(ENTER_MOVIE) = NEVER, ACK(LEAVE_SESSION) = NEVER, \
	ACK(CHAT) = NEVER | MAY(TEXT), \
	[FZ_ON_MALFORMED] = NEVER, [FZ_ON_CLOSE] = MAY(END), [FZ_ON_TIMER] = MAY(COPY) | MAY(END)

static const unsigned allowed[FZ_STATES][FZ_EVENTS] = {
	[FZ_DISCONNECTED] = {
		OF(CONNECTION, NEWER) = LOGIN, OF(CONNECTION, EQUAL) = LOGIN | MAY(COPY), OF(CONNECTION, OLDER) = LOGIN, /* REL-12 */
		OF(USER_LIST, NEWER) = NEVER, OF(USER_LIST, EQUAL) = NEVER, OF(USER_LIST, OLDER) = NEVER,
		OF(MOVIE_LIST, NEWER) = NEVER, OF(MOVIE_LIST, EQUAL) = NEVER, OF(MOVIE_LIST, OLDER) = NEVER,
		OF(ENTER_MOVIE, NEWER) = REFUSED, OF(ENTER_MOVIE, EQUAL) = REFUSED | MAY(COPY), OF(ENTER_MOVIE, OLDER) = REFUSED,
		OF(LEAVE_SESSION, NEWER) = REFUSED, OF(LEAVE_SESSION, EQUAL) = REFUSED | MAY(COPY), OF(LEAVE_SESSION, OLDER) = REFUSED,
		OF(CHAT, NEWER) = NEVER, OF(CHAT, EQUAL) = NEVER, OF(CHAT, OLDER) = NEVER,
		ACK(CONNECTION) = NEVER, ACK(USER_LIST) = NEVER, ACK(MOVIE_LIST) = NEVER, ACK(ENTER_MOVIE) = NEVER, ACK(LEAVE_SESSION) = NEVER,
		ACK(CHAT) = NEVER,
		[FZ_ON_MALFORMED] = NEVER, [FZ_ON_CLOSE] = NEVER, [FZ_ON_TIMER] = MAY(COPY) | MAY(END),
	},
	[FZ_MAIN_ROOM] = { IN_SESSION, OF(ENTER_MOVIE, NEWER) = ENTER | MAY(END) },
	[FZ_MOVIE_ROOM] = { IN_SESSION, OF(ENTER_MOVIE, NEWER) = MAY(ERROR_3) | MAY(SILENCE) | MAY(END) },
};

/* Over TCP nothing is repeated by a timer; over UDP nothing is closed, and only a text too many ends a session at once (ROB-03). */
static bool possible(enum fz_state state, bool tcp, enum fz_event event, enum fz_outcome outcome)
{
	bool text = event >= FZ_ON_REQUEST + C2W_CHAT * FZ_AGES && event < FZ_ON_REQUEST + (C2W_CHAT + 1) * FZ_AGES;

	if (!(allowed[state][event] & 1u << outcome) || (tcp ? event == FZ_ON_TIMER : event == FZ_ON_CLOSE))
		return false;
	if (outcome == FZ_END && event < FZ_ON_ACK)
		return tcp || (text && event % FZ_AGES == FZ_NEWER);
	return !(outcome == FZ_TEXT && event == FZ_ON_ACK + C2W_CHAT && tcp); /* REL-16: nothing waits */
}

bool fz_cell(enum fz_state state, bool tcp, enum fz_event event, enum fz_outcome outcome)
{
	uint8_t *counter = &counters[state][tcp][event][outcome];

	*counter = 1;
	ever[state][tcp][event][outcome] = true;
	return possible(state, tcp, event, outcome);
}

struct fz_coverage fz_cells_seen(void)
{
	struct fz_coverage coverage = { 0 };

	for (unsigned i = 0; i < FZ_STATES * 2 * FZ_EVENTS * FZ_OUTCOMES; i++) {
		enum fz_outcome outcome = (enum fz_outcome)(i % FZ_OUTCOMES);
		enum fz_event event = (enum fz_event)(i / FZ_OUTCOMES % FZ_EVENTS);
		bool tcp = i / FZ_OUTCOMES / FZ_EVENTS % 2;
		enum fz_state state = (enum fz_state)(i / FZ_OUTCOMES / FZ_EVENTS / 2);

		coverage.total += possible(state, tcp, event, outcome);
		coverage.seen += possible(state, tcp, event, outcome) && ever[state][tcp][event][outcome];
	}
	return coverage;
}

const char *fz_event_name(enum fz_event event, char to[64])
{
	static const char *const ages[] = { "newer", "equal", "older" }, *const others[] = { "malformed", "close", "timer" };

	if (event < FZ_ON_ACK)
		snprintf(to, 64, "%s, %s", c2w_command_info(c2w_command_of((enum c2w_family)(event / FZ_AGES), C2W_REQUEST))->name, ages[event % FZ_AGES]);
	else if (event < FZ_ON_MALFORMED)
		snprintf(to, 64, "%s", c2w_command_info(c2w_command_of((enum c2w_family)(event - FZ_ON_ACK), C2W_ACK))->name);
	else
		snprintf(to, 64, "%s", others[event - FZ_ON_MALFORMED]);
	return to;
}
