/* User lists: what they must say of the cast, as far as it is known where everybody is and nobody moves meanwhile.
 * For blackbox_play.c and its siblings. Owns nothing. */
#include "fuzz/blackbox_play_inside.h"

void fz_expect_list(struct fz_play *play, struct fz_expected *expected)
{
	expected->moves = play->moves;
	for (unsigned i = 0; i < FZ_CAST; i++) {
		const struct fz_party *party = &play->parties[i];

		if (!party->open && party->gone_at == 0)
			continue;
		if (fz_stays_outside(party))
			expected->listed[i] = FZ_NOT_LISTED;
		else if (fz_settled(party))
			expected->listed[i] = FZ_LISTED;
		if (expected->listed[i] != FZ_NOT_LISTED || party->gone_at == 0)
			continue;
		expected->haunted = true;
		expected->haunted_by = party->gone_by;
	}
}

static struct c2w_str room_of(const struct fz_party *party)
{
	const struct fz_world *world = party->play->options.world;

	return c2w_str_of(party->guess.place == FZ_MAIN_ROOM ? world->params->main_room : world->titles[party->guess.movie - 1]);
}

static void say_who(const struct fz_play *play, const struct fz_expected *expected, enum fz_listed how, const char *before)
{
	for (unsigned i = 0; i < FZ_CAST; i++) {
		const struct fz_guess *guess = &play->parties[i].guess;

		if (expected->listed[i] != how)
			continue;
		fz_say(play, "%s%s", before, fz_known_names[i]);
		if (how == FZ_LISTED && guess->place == FZ_MAIN_ROOM)
			fz_say(play, " in $main-room");
		else if (how == FZ_LISTED)
			fz_say(play, " in movie(%u)", guess->movie);
		before = ", ";
	}
}

void fz_say_list(const struct fz_play *play, const struct fz_expected *expected)
{
	bool some = false;

	if (expected->moves != play->moves)
		return;
	for (unsigned i = 0; i < FZ_CAST; i++)
		some |= expected->listed[i] == FZ_LISTED;
	say_who(play, expected, FZ_LISTED, " listing ");
	say_who(play, expected, FZ_NOT_LISTED, some ? ", not listing " : " not listing ");
}

static struct c2w_str cut_at(struct c2w_str *rest, const char *separator)
{
	const char *end = memmem(rest->at, rest->length, separator, strlen(separator));
	struct c2w_str part = { rest->at, end != NULL ? (size_t)(end - rest->at) : rest->length };
	size_t taken = part.length + (end != NULL ? strlen(separator) : 0);

	*rest = (struct c2w_str){ rest->at + taken, rest->length - taken };
	return part;
}

/* What the list says of the name: its room; .at is NULL where it is not there. */
static struct c2w_str find_entry(const struct fz_world *world, struct c2w_str list, struct c2w_str name)
{
	while (list.length > 0) {
		struct c2w_str entry = cut_at(&list, world->params->list_separator);

		if (c2w_str_equal(cut_at(&entry, world->params->entry_separator), name))
			return entry;
	}
	return (struct c2w_str){ 0 };
}

static const char *wrong_about(const struct fz_party *party, enum fz_listed how, struct c2w_str list)
{
	struct c2w_str room = find_entry(party->play->options.world, list, c2w_str_of(party->user));

	if (how == FZ_NOT_LISTED && room.at != NULL)
		return party->gone_at != 0 ? (party->gone_by == C2W_TRN_06 ? "a user whose connection has ended is listed" : "a user who acked nothing is listed for ever") : "a user without a session is listed";
	if (how == FZ_LISTED && room.at == NULL)
		return "a user with a session is not listed";
	return how == FZ_LISTED && !c2w_str_equal(room, room_of(party)) ? "a user is listed in another room" : NULL;
}

/* The first thing, and about whom. */
const char *fz_wrong_list(const struct fz_play *play, const struct fz_expected *expected, const struct c2w_message *message, unsigned *whom)
{
	const char *what = NULL;

	for (unsigned i = 0; i < FZ_CAST && what == NULL && expected->moves == play->moves; i++) {
		what = wrong_about(&play->parties[i], expected->listed[i], message->data);
		if (whom != NULL)
			*whom = i;
	}
	return what;
}

void fz_check_list(struct fz_party *party, const struct fz_expected *expected, const struct c2w_message *message)
{
	unsigned whom = 0;
	const char *what = fz_wrong_list(party->play, expected, message, &whom);
	const struct fz_party *about = &party->play->parties[whom];
	enum c2w_rule rule = expected->listed[whom] == FZ_LISTED ? C2W_LST_01 : about->gone_at != 0 ? about->gone_by : C2W_LST_03;

	if (what != NULL)
		fz_find(party->play, FZ_VIOLATION, rule, what, fz_escaped(c2w_str_of(about->user)), fz_escaped(message->data));
}
