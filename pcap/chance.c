/* Chances to break a rule, see chance.h. For trace.c.
 * A rule stands here only if whoever breaks it there is noticed: `make selftest` holds it against every known-bad server. Of most
 * rules an observer sees some breaches only (what never came, what was executed): those it finds, and says nothing where it finds none. */
#include "pcap/chance.h"

static const struct {
	enum c2w_rule rule;
	unsigned chances;
} table[] = {
	{ C2W_TRN_02, PC_ANSWER | PC_TEXT }, { C2W_FMT_01, PC_ANSWER | PC_TEXT }, { C2W_FMT_02, PC_ANSWER | PC_TEXT },
	{ C2W_FMT_03, PC_ANSWER | PC_TEXT }, { C2W_FMT_04, PC_TEXT_WITH_PIPE }, { C2W_ENT_06, PC_STREAM },
	{ C2W_REL_01, PC_REQUEST_AGAIN }, { C2W_REL_02, PC_ACK }, { C2W_REL_03, PC_REQUEST },
};

void pc_chance_mark(bool tested[C2W_RULES], unsigned chances, bool tcp)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].chances & chances && c2w_rule_info(table[i].rule)->transports & (tcp ? C2W_ON_TCP : C2W_ON_UDP))
			tested[table[i].rule] = true;
}

bool pc_chance_of_echo(enum c2w_rule rule)
{
	return rule == C2W_FMT_02 || rule == C2W_FMT_03 || rule == C2W_FMT_04;
}

unsigned pc_chance_of(const struct jd_reading *reading)
{
	const struct c2w_message *message = &reading->message;

	if (reading->err != C2W_OK || !reading->from_server || reading->stranger)
		return 0;
	if (message->command == C2W_NEW_MESSAGE)
		return PC_TEXT | (memchr(message->data.at, '|', message->data.length) != NULL ? PC_TEXT_WITH_PIPE : 0);
	return PC_ANSWER | (message->command == C2W_ENTER_MOVIE_GRANTED ? PC_STREAM : 0);
}
