/* Tests server/movies.c: the movies inside, files of titles and what is wrong with them, streams (ENT-06).
 * Run by tests/unit; owns what it loads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "server/movies.h"

static char complaints[65536];

static void complain(void *context, const char *text)
{
	(void)context;
	strncat(complaints, text, sizeof(complaints) - strlen(complaints) - 2);
	strcat(complaints, "\n");
}

static char **load(const char *octets, size_t length)
{
	FILE *from = fmemopen((void *)(uintptr_t)octets, length, "r");
	char **titles;

	complaints[0] = '\0';
	titles = srv_movies_load(from, "file", complain, NULL);
	fclose(from);
	return titles;
}

static void movies_inside_are_movies(void **state)
{
	bool comma = false, accent = false;
	size_t count;
	struct srv_movie *movies = srv_movies_with_streams(srv_movies_inside, &count);

	(void)state;
	assert_true(count >= 8);
	for (size_t i = 0; i < count; i++) {
		assert_true(c2w_title_valid(movies[i].title, C2W_STR("MAIN_ROOM")));
		assert_true(c2w_stream_valid(movies[i].stream)); /* ENT-06 */
		comma = comma || memchr(movies[i].title.at, ',', movies[i].title.length);
		accent = accent || strstr(srv_movies_inside[i], "\xc3\xa9");
		for (size_t j = 0; j < i; j++)
			assert_false(c2w_str_equal(movies[i].title, movies[j].title));
	}
	assert_true(comma && accent);
	assert_true(srv_core_users_that_fit(movies, count) >= 1000);
	free(movies);
}

static void a_file_has_a_title_a_line(void **state)
{
	static const char file[] = "M\r\n\n Metropolis \r\nGood Bye, Lenin!";
	char **titles = load(file, sizeof(file) - 1);

	(void)state;
	assert_non_null(titles);
	assert_string_equal(titles[0], "M");
	assert_string_equal(titles[1], " Metropolis ");
	assert_string_equal(titles[2], "Good Bye, Lenin!");
	assert_null(titles[3]);
	srv_movies_free(titles);
}

static void every_mistake_is_told_with_its_line(void **state)
{
	static const char file[] = "M\n\xff\nM\nMAIN_ROOM\na|b\nN\0N\n"
	                           "1234567890123456789012345678901234567890123456789012345678901234\n"
	                           "12345678901234567890123456789012345678901234567890123456789012345\n";

	(void)state;
	assert_null(load(file, sizeof(file) - 1));
	assert_string_equal(complaints, "file:2: a title is valid UTF-8\n"
	                                "file:3: the same title as in line 1\n"
	                                "file:4: MAIN_ROOM is the name of the main room\n"
	                                "file:5: a title has no pipe, no NUL and no CR in it\n"
	                                "file:6: a title has no pipe, no NUL and no CR in it\n"
	                                "file:8: a title has 64 octets at most\n");
}

static void too_many_are_too_many(void **state) /* FMT-07 */
{
	char *file = malloc(1 << 20), *to = file;
	size_t count;
	char **titles;

	(void)state;
	for (unsigned i = 0; i < 1005; i++)
		to += sprintf(to, "%064u\n", i);
	titles = load(file, (size_t)(to - file));
	assert_non_null(titles);
	free(srv_movies_with_streams((const char *const *)titles, &count));
	assert_int_equal(count, 1005);
	srv_movies_free(titles);
	for (unsigned i = 1005; i < 1010; i++)
		to += sprintf(to, "%064u\n", i);
	assert_null(load(file, (size_t)(to - file)));
	assert_non_null(strstr(complaints, "too many movies"));
	free(file);
}

static void an_empty_file_is_an_empty_list(void **state)
{
	char **titles = load("\n", 1);

	(void)state;
	assert_non_null(titles);
	assert_null(titles[0]);
	srv_movies_free(titles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(movies_inside_are_movies),
		cmocka_unit_test(a_file_has_a_title_a_line),
		cmocka_unit_test(every_mistake_is_told_with_its_line),
		cmocka_unit_test(too_many_are_too_many),
		cmocka_unit_test(an_empty_file_is_an_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
