/* The two lists: their entries, nobody and nothing twice, the asker among the users, one set of movies.
 * For judge/ only; see judge/state.h. The hashes of one list's entries lie in jd->seen while it is read. */
#include "judge/state.h"

static const struct c2w_str none = { "", 0 };

struct cursor {
	struct c2w_str rest, separator;
	bool over;
};

static struct c2w_str text_of(const char *parameter)
{
	return c2w_str_of(parameter);
}

/* The octets in front of the separator, which is taken off, too; all of them where there is none. */
static bool cut(struct c2w_str *rest, struct c2w_str separator, struct c2w_str *front)
{
	const char *at = rest->length > 0 && separator.length > 0 ? memmem(rest->at, rest->length, separator.at, separator.length) : NULL;

	*front = *rest;
	if (!at)
		return false;
	front->length = (size_t)(at - rest->at);
	rest->at = at + separator.length;
	rest->length -= front->length + separator.length;
	return true;
}

static bool next(struct cursor *cursor, struct c2w_str *entry)
{
	if (cursor->over)
		return false;
	cursor->over = !cut(&cursor->rest, cursor->separator, entry);
	return true;
}

/* ---- nobody twice ------------------------------------------------------------------------- */

static size_t seen_begin(struct jd *jd, size_t octets)
{
	size_t size = 16;

	while (size < octets + 2 && size < JD_SEEN)
		size *= 2;
	memset(jd->seen, 0, size * sizeof(*jd->seen));
	return size - 1;
}

static bool seen_before(struct jd *jd, size_t mask, uint64_t hash)
{
	size_t at = hash & mask;

	hash |= 1;
	for (size_t probes = 0; jd->seen[at] != 0 && probes < mask; at = (at + 1) & mask, probes++)
		if (jd->seen[at] == hash)
			return true;
	jd->seen[at] = hash;
	return false;
}

/* ---- users -------------------------------------------------------------------------------- */

static bool room_valid(const struct jd *jd, struct c2w_str room)
{
	struct c2w_str main_room = text_of(jd->options.params.main_room);

	if (c2w_str_equal(room, main_room))
		return true;
	return c2w_title_valid(room, main_room);
}

/* LST-01, as far as one entry shows it. NULL: nothing is wrong. */
static const char *user_entry_fault(struct jd *jd, size_t mask, struct c2w_str entry, struct c2w_str *name, struct c2w_str *room)
{
	struct c2w_str separator = text_of(jd->options.params.entry_separator);

	*room = entry;
	if (!cut(room, separator, name))
		return "an entry of the user list has no separator between user and room";
	if (!c2w_user_name_valid(*name))
		return "an entry of the user list names a user that is no user-name";
	if (!room_valid(jd, *room))
		return "an entry of the user list names a room that is neither the main room nor a movie's title";
	if (seen_before(jd, mask, jd_hash(*name)))
		return "the user list names somebody twice";
	return NULL;
}

void jd_form_users(const struct jd_arrival *arrival, struct jd_exchange *exchange)
{
	struct jd *jd = arrival->jd;
	struct c2w_str data = arrival->message->data, entry, name, room, asker_room = none;
	struct cursor cursor = { data, text_of(jd->options.params.list_separator), false };
	size_t mask = seen_begin(jd, data.length);
	bool asker = false;

	while (next(&cursor, &entry)) {
		const char *fault = user_entry_fault(jd, mask, entry, &name, &room);

		if (fault) {
			jd_find(arrival, C2W_LST_01, fault, none, entry);
			return;
		}
		if (!c2w_str_equal(name, arrival->message->user))
			continue;
		asker = true;
		asker_room = room;
	}
	if (!exchange)
		return;
	if (!asker && exchange->in_session && jd_speaks_as(arrival->endpoint, arrival->user) && !jd_session_may_be_dead(arrival->jd, arrival->endpoint, exchange->last_at))
		jd_find(arrival, C2W_LST_01, "the asker is not in the user list", arrival->message->user, data);
	else if (asker && !arrival->endpoint->entered && arrival->endpoint->junk_count == 0 && !c2w_str_equal(asker_room, text_of(jd->options.params.main_room)))
		jd_find(arrival, C2W_LST_01, "the user list puts the asker into a room it never entered", none, asker_room);
}

/* ---- movies ------------------------------------------------------------------------------- */

static const char *title_fault(struct jd *jd, size_t mask, struct c2w_str title)
{
	if (!c2w_title_valid(title, text_of(jd->options.params.main_room)))
		return "an entry of the movie list is no title";
	return seen_before(jd, mask, jd_hash(title)) ? "the movie list names a movie twice" : NULL;
}

static void learn_titles(struct jd *jd, struct c2w_str data, size_t count, uint64_t sum)
{
	jd->titles_known = true;
	jd->title_count = count;
	jd->title_sum = sum;
	jd->title_list = jd_keep_put(&jd->keep, data);
}

void jd_form_movies(const struct jd_arrival *arrival)
{
	struct jd *jd = arrival->jd;
	struct c2w_str data = arrival->message->data, title;
	struct cursor cursor = { data, text_of(jd->options.params.list_separator), data.length == 0 };
	size_t mask = seen_begin(jd, data.length), count = 0;
	uint64_t sum = 0;

	for (; next(&cursor, &title); count++) {
		const char *fault = title_fault(jd, mask, title);

		if (fault) {
			jd_find(arrival, C2W_LST_02, fault, none, title);
			return;
		}
		sum += jd_hash(title);
	}
	if (!jd->titles_known)
		learn_titles(jd, data, count, sum);
	else if (jd->title_count != count || jd->title_sum != sum)
		jd_find(arrival, C2W_LST_02, "the movie list names other movies than before", jd_keep_get(&jd->keep, jd->title_list), data);
}
