/* The movies a server offers: see movies.h.
 * For serve.c and the command line.
 * What is loaded is one allocation a line and one for the list, all the caller's. */
#include "server/movies.h"

#include <stdlib.h>
#include <uthash.h>

enum { SRV_STREAM_PORT = 5004, SRV_STREAM_TEXT = 24, SRV_MAX_MOVIES = 32768 };

const char *const srv_movies_inside[] = {
	"2001: A Space Odyssey", "Amélie", "Casablanca", "Good Bye, Lenin!", "M", "Metropolis", "Playtime", "Rashomon", NULL,
};

struct title {
	char *text;
	size_t line;
	UT_hash_handle hh;
};

struct loading {
	const char *file;
	size_t line, octets;     /* of the movie list so far */
	struct title *titles;    /* hash by text, in order of the file */
	bool failed;
	void (*complain)(void *context, const char *text);
	void *context;
};

static void complain(struct loading *loading, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), "%s:%zu: %s", loading->file, loading->line, what);
	loading->complain(loading->context, text);
	loading->failed = true;
}

static const char *fault_of(struct loading *loading, struct c2w_str title)
{
	static char duplicate[64];
	struct title *earlier;

	if (!c2w_utf8_valid(title))
		return "a title is valid UTF-8";
	if (title.length > C2W_MAX_TITLE)
		return "a title has 64 octets at most";
	if (c2w_str_equal(title, C2W_STR("MAIN_ROOM")))
		return "MAIN_ROOM is the name of the main room";
	if (!c2w_title_valid(title, C2W_STR("MAIN_ROOM")))
		return "a title has no pipe, no NUL and no CR in it";
	HASH_FIND(hh, loading->titles, title.at, title.length, earlier);
	if (earlier) {
		snprintf(duplicate, sizeof(duplicate), "the same title as in line %zu", earlier->line);
		return duplicate;
	}
	if (HASH_COUNT(loading->titles) == SRV_MAX_MOVIES || loading->octets + title.length + 1 > C2W_MAX_TO_CLIENT - 128)
		return "too many movies for one list";
	return NULL;
}

static void add(struct loading *loading, struct c2w_str text)
{
	const char *fault = fault_of(loading, text);
	struct title *title;

	if (fault) {
		complain(loading, fault);
		return;
	}
	title = calloc(1, sizeof(*title));
	if (!title || !(title->text = strndup(text.at, text.length)))
		abort();
	title->line = loading->line;
	loading->octets += text.length + 1;
	HASH_ADD_KEYPTR(hh, loading->titles, title->text, text.length, title);
}

/* The texts go into a list, or are freed with the rest. */
static char **finish(struct loading *loading)
{
	char **list = calloc(HASH_COUNT(loading->titles) + 1, sizeof(*list)), **to = list;
	struct title *title, *next;

	if (!list)
		abort();
	HASH_ITER(hh, loading->titles, title, next) {
		HASH_DELETE(hh, loading->titles, title);
		*to++ = title->text;
		free(title);
	}
	if (!loading->failed)
		return list;
	srv_movies_free(list);
	return NULL;
}

char **srv_movies_load(FILE *from, const char *file, void (*complain_to)(void *context, const char *text), void *context)
{
	struct loading loading = { .file = file, .complain = complain_to, .context = context };
	char *line = NULL;
	size_t size = 0;

	for (ssize_t length; (length = getline(&line, &size, from)) >= 0;) {
		struct c2w_str text = { line, (size_t)length };

		loading.line++;
		if (text.length && text.at[text.length - 1] == '\n')
			text.length--;
		if (text.length && text.at[text.length - 1] == '\r')
			text.length--;
		if (text.length)
			add(&loading, text);
	}
	if (ferror(from))
		complain(&loading, "cannot be read");
	free(line);
	return finish(&loading);
}

void srv_movies_free(char **titles)
{
	if (!titles)
		return;
	for (char **title = titles; *title; title++)
		free(*title);
	free(titles);
}

struct srv_movie *srv_movies_with_streams(const char *const *titles, size_t *count)
{
	struct srv_movie *movies;
	char *text;

	for (*count = 0; titles[*count]; ++*count)
		;
	movies = calloc(*count + 1, sizeof(*movies) + SRV_STREAM_TEXT);
	if (!movies)
		abort();
	text = (char *)(movies + *count + 1);
	for (size_t i = 0; i < *count; i++, text += SRV_STREAM_TEXT) {
		int length = snprintf(text, SRV_STREAM_TEXT, "127.0.0.1:%zu", SRV_STREAM_PORT + i % SRV_MAX_MOVIES); /* ENT-06 */

		movies[i] = (struct srv_movie){ c2w_str_of(titles[i]), { text, (size_t)length } };
	}
	return movies;
}
