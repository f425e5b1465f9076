/* Which rules a message puts to the test, for one who only watches: what the judges look at when they see it. For trace.c. */
#ifndef PC_CHANCE_H
#define PC_CHANCE_H

#include "judge/judge.h"

/* What was seen. */
enum pc_chance {
	PC_ANSWER = 1 << 0,          /* a response in the grammar */
	PC_TEXT = 1 << 1,            /* a NEW_MESSAGE in the grammar, of an author whose requests are seen */
	PC_TEXT_WITH_PIPE = 1 << 2,
	PC_STREAM = 1 << 3,          /* where a movie is streamed */
	PC_REQUEST = 1 << 4,
	PC_REQUEST_AGAIN = 1 << 5,
	PC_ACK = 1 << 6,
};

/* Marks the rules that these put to the test over this transport. */
void pc_chance_mark(bool tested[C2W_RULES], unsigned chances, bool tcp);
/* Is it one of those that say whose, and of what, an answer is? What fits nothing may break it. */
bool pc_chance_of_echo(enum c2w_rule rule);
/* What a message from the server is a chance for. */
unsigned pc_chance_of(const struct jd_reading *reading);

#endif
