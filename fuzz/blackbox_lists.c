/* User lists: what they must say of the cast, as far as it is known where everybody is and nobody moves meanwhile.
 * For blackbox_play.c and its siblings. Owns nothing. */
#include "fuzz/blackbox_play_inside.h"

void fz_expect_list(struct fz_play *play, struct fz_expected *expected)
{
	expected->moves = play->moves;
	for (unsigned i = 0; i < FZ_CAST; i++) {
		const struct fz_party *party = &play->parties[i];

		if (party->open && fz_settled(party))
			expected->listed[i] = party->guess.place == FZ_OUTSIDE ? FZ_NOT_LISTED : FZ_LISTED;
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

	if (how == FZ_NOT_LISTED)
		return room.at != NULL ? "a user without a session is listed" : NULL;
	if (how == FZ_LISTED && room.at == NULL)
		return "a user with a session is not listed";
	return how == FZ_LISTED && !c2w_str_equal(room, room_of(party)) ? "a user is listed in another room" : NULL;
}

void fz_check_list(struct fz_party *party, const struct fz_expected *expected, const struct c2w_message *message)
{
	struct fz_play *play = party->play;

	if (expected->moves != play->moves)
		return;
	for (unsigned i = 0; i < FZ_CAST; i++) {
		const char *what = wrong_about(&play->parties[i], expected->listed[i], message->data);

		if (what != NULL)
			fz_find(play, FZ_VIOLATION, expected->listed[i] == FZ_LISTED ? C2W_LST_01 : C2W_LST_03, what, fz_escaped(c2w_str_of(play->parties[i].user)),
			        fz_escaped(message->data));
	}
}
