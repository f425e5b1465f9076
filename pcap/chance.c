/* Chances to break a rule, see chance.h. For trace.c.
 * A rule stands here only where the judges would certainly notice one way to break it. */
#include "pcap/chance.h"

static const struct {
	enum c2w_rule rule;
	unsigned chances;
} table[] = {
	{ C2W_TRN_02, PC_ANSWER | PC_TEXT }, { C2W_TRN_03, PC_ANSWER | PC_TEXT }, { C2W_TRN_04, PC_ANSWER },
	{ C2W_FMT_01, PC_ANSWER | PC_TEXT }, { C2W_FMT_02, PC_ANSWER | PC_TEXT }, { C2W_FMT_03, PC_ANSWER | PC_TEXT },
	{ C2W_FMT_04, PC_TEXT_WITH_PIPE }, { C2W_FMT_05, PC_MALFORMED }, { C2W_FMT_06, PC_UNKNOWN }, { C2W_FMT_07, PC_TOO_LONG },
	{ C2W_FMT_09, PC_NO_DATA }, { C2W_LST_01, PC_USER_LIST }, { C2W_LST_02, PC_MOVIE_LIST }, { C2W_ENT_06, PC_STREAM },
	{ C2W_MSG_02, PC_TEXT }, { C2W_MSG_03, PC_TEXT }, { C2W_MSG_04, PC_TEXT }, { C2W_REL_04, PC_REPEATED },
	{ C2W_REL_16, PC_ANSWER | PC_TEXT }, { C2W_REL_01, PC_REQUEST_AGAIN }, { C2W_REL_02, PC_ACK }, { C2W_REL_03, PC_REQUEST },
};

void pc_chance_mark(bool tested[C2W_RULES], unsigned chances, bool tcp)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].chances & chances && c2w_rule_info(table[i].rule)->transports & (tcp ? C2W_ON_TCP : C2W_ON_UDP))
			tested[table[i].rule] = true;
}

unsigned pc_chance_of(const struct jd_reading *reading)
{
	const struct c2w_message *message = &reading->message;
	const struct c2w_command_info *info;
	unsigned chances;

	if (reading->err != C2W_OK || !reading->from_server)
		return 0;
	info = c2w_command_info(message->command);
	chances = reading->repetition ? PC_REPEATED : 0;
	if (message->command == C2W_NEW_MESSAGE) {
		if (reading->stranger)
			return chances;
		return chances | PC_TEXT | (memchr(message->data.at, '|', message->data.length) != NULL ? PC_TEXT_WITH_PIPE : 0);
	}
	chances |= PC_ANSWER | (info->data ? 0 : PC_NO_DATA);
	if (message->command == C2W_USER_LIST_RESPONSE)
		chances |= PC_USER_LIST;
	if (message->command == C2W_MOVIE_LIST_RESPONSE)
		chances |= PC_MOVIE_LIST;
	return chances | (message->command == C2W_ENTER_MOVIE_GRANTED ? PC_STREAM : 0);
}
