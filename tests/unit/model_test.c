/* Tests fuzz/model.c: what PROTOCOL.md allows is accepted, what it forbids is refused with the rule it breaks.
 * Run by tests/unit. Each test has one model, made by start() and freed by stop(); nothing else is owned.
 * Outputs are written "0 5.0: CONNECTION_GRANTED|alice|" (endpoint, message; CRLF is added), "0 closed" or, sent by a timer,
 * "@1000 0 5.0: ..." (ms). Times are ms since the beginning; YES() and NO() speak of an event's outputs, NULL being none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fuzz/model.h"

enum { UDP = false, TCP = true, MAX_OUTPUTS = 16, MAX_OCTETS = 5000 };
#define MS INT64_C(1000000)

static struct fz_settings settings;
static struct fz_model *model;
static int64_t now;
static bool ever_visited[FZ_MODEL_CELLS];

/* ---- the little language ------------------------------------------------------------------------------------------- */

static size_t read_outputs(const char *const *texts, struct fz_output *outputs)
{
	static char octets[MAX_OUTPUTS][MAX_OCTETS];
	size_t count = 0;

	for (; texts[count]; count++) {
		const char *text = texts[count];
		char *end = NULL;

		assert_true(count < MAX_OUTPUTS);
		outputs[count] = (struct fz_output){ .at = now };
		if (*text == '@') {
			outputs[count].at = strtoll(text + 1, &end, 10) * MS;
			text = end + 1;
		}
		outputs[count].endpoint = (unsigned)strtoul(text, &end, 10);
		outputs[count].closed = strcmp(end, " closed") == 0;
		outputs[count].length = (size_t)snprintf(octets[count], MAX_OCTETS, "%s\r\n", end + 1);
		outputs[count].octets = octets[count];
	}
	return count;
}

/* message: what the endpoint sends; "open", "end" or NULL (time) for the other events. */
static const char *step(unsigned endpoint, const char *message, const char *const *texts)
{
	struct fz_output outputs[MAX_OUTPUTS];
	size_t count = read_outputs(texts, outputs);
	char octets[MAX_OCTETS];
	int length;

	if (!message)
		return fz_model_time(model, now, outputs, count);
	if (strcmp(message, "end") == 0)
		return fz_model_ended(model, endpoint, now, outputs, count);
	if (strcmp(message, "open") == 0)
		return fz_model_open(model, endpoint, TCP, now, outputs, count);
	length = snprintf(octets, sizeof octets, "%s\r\n", message);
	return fz_model_receive(model, endpoint, octets, (size_t)length, now, outputs, count);
}

static void yes(unsigned endpoint, const char *message, const char *const *texts, int line)
{
	const char *why = step(endpoint, message, texts);

	if (why)
		fail_msg("line %d: refused: %s", line, why);
	assert_false(fz_model_lost(model));
}

static void no(const char *rule, unsigned endpoint, const char *message, const char *const *texts, int line)
{
	const char *why = step(endpoint, message, texts);

	if (!why || strncmp(why, rule, strlen(rule)) != 0)
		fail_msg("line %d: %s expected: %s", line, rule, why ? why : "accepted");
}

#define OUTPUTS(...) (const char *const[]){ __VA_ARGS__, NULL }
#define YES(endpoint, message, ...) yes(endpoint, message, OUTPUTS(__VA_ARGS__), __LINE__)
#define NO(rule, endpoint, message, ...) no(rule, endpoint, message, OUTPUTS(__VA_ARGS__), __LINE__)
/* Time passes up to `ms`. A refused one must not move the clock: the next event may be earlier. */
#define TIME(ms, ...) (now = (ms) * MS, yes(0, NULL, OUTPUTS(__VA_ARGS__), __LINE__))
#define LATE(rule, ms, ...) (now = (ms) * MS, no(rule, 0, NULL, OUTPUTS(__VA_ARGS__), __LINE__))

static void start(void)
{
	memset(&settings, 0, sizeof settings);
	c2w_params_init(&settings.params);
	settings.movies[settings.movie_count++] = "Metropolis";
	settings.movies[settings.movie_count++] = "M, a city";
	now = 0;
	model = fz_model_new(&settings);
	assert_non_null(model);
}

static void restart(void)
{
	fz_model_free(model);
	now = 0;
	model = fz_model_new(&settings);
	assert_non_null(model);
}

static void stop(void)
{
	char name[128];

	for (unsigned cell = 0; cell < FZ_MODEL_CELLS; cell++) {
		ever_visited[cell] = ever_visited[cell] || fz_model_visited(model, cell);
		if (fz_model_visited(model, cell) && !fz_model_cell_possible(cell))
			fail_msg("%s: taken for impossible", fz_model_cell_name(cell, name, sizeof name));
	}
	fz_model_free(model);
}

static void open_endpoint(unsigned endpoint, bool tcp)
{
	assert_null(fz_model_open(model, endpoint, tcp, now, NULL, 0));
}

/* Any exchange that is granted and acked, with a TIME. */
static void exchange(unsigned endpoint, const char *name, const char *time, const char *request, const char *data, const char *answer,
	const char *answer_data, const char *ack)
{
	char message[300], output[300];

	snprintf(message, sizeof message, "%s: %s|%s|%s", time, request, name, data);
	snprintf(output, sizeof output, "%u %s: %s|%s|%s", endpoint, time, answer, name, answer_data);
	YES(endpoint, message, output);
	snprintf(message, sizeof message, "%s: %s|%s|", time, ack, name);
	YES(endpoint, message, NULL);
}

static void join(unsigned endpoint, bool tcp, const char *name)
{
	open_endpoint(endpoint, tcp);
	exchange(endpoint, name, "1", "CONNECTION_REQUEST", "", "CONNECTION_GRANTED", "", "CONNECTION_RESPONSE_ACK");
}

static void enter(unsigned endpoint, const char *name, const char *movie)
{
	exchange(endpoint, name, "2", "ENTER_MOVIE_REQUEST", movie, "ENTER_MOVIE_GRANTED", "127.0.0.1:5004", "ENTER_MOVIE_RESPONSE_ACK");
}

/* Alice in the state given, bob in the main room, carol in Metropolis. */
static void people(bool tcp, enum fz_state state)
{
	join(1, tcp, "bob");
	join(2, tcp, "carol");
	enter(2, "carol", "Metropolis");
	if (state == FZ_DISCONNECTED)
		open_endpoint(0, tcp);
	else
		join(0, tcp, "alice");
	if (state == FZ_MOVIE_ROOM)
		enter(0, "alice", "Metropolis");
	assert_int_equal(fz_model_worlds(model), 1);
	assert_int_equal(fz_model_state(model, 0), state);
}

static void scene(bool tcp, enum fz_state state)
{
	start();
	people(tcp, state);
}

/* ---- section 7 ----------------------------------------------------------------------------------------------------- */

static void ladder_of_a_movie_room(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		start();
		open_endpoint(0, tcp);
		YES(0, "10.0: CONNECTION_REQUEST|alice|", "0 10.0: CONNECTION_GRANTED|alice|");
		YES(0, "10.0: CONNECTION_RESPONSE_ACK|alice|", NULL);
		YES(0, "11.0: MOVIE_LIST_REQUEST|alice|", "0 11.0: MOVIE_LIST_RESPONSE|alice|Metropolis|M, a city");
		YES(0, "11.0: MOVIE_LIST_RESPONSE_ACK|alice|", NULL);
		YES(0, "12.0: ENTER_MOVIE_REQUEST|alice|Metropolis", "0 12.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004");
		assert_true(fz_model_owed(model, 0));
		YES(0, "12.0: ENTER_MOVIE_RESPONSE_ACK|alice|", NULL);
		assert_false(fz_model_owed(model, 0));
		assert_int_equal(fz_model_due(model), INT64_MAX);
		TIME(100000, NULL);
		assert_int_equal(fz_model_users(model), 1);
		assert_int_equal(fz_model_movie(model, 0), 0);
		assert_true(c2w_str_equal(fz_model_name(model, 0), C2W_STR("alice")));
		stop();
	}
}

static void ladder_of_a_text_with_a_loss(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	join(1, UDP, "bob");
	YES(0, "13.0: SEND_MESSAGE_REQUEST|alice|hi", "0 13.0: NEW_MESSAGE|alice|hi", "1 13.0: NEW_MESSAGE|alice|hi");
	assert_int_equal(fz_model_texts(model), 1);
	YES(0, "13.0: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
	assert_int_equal(fz_model_waiting(model, 0), 0);
	assert_int_equal(fz_model_waiting(model, 1), 1);
	assert_int_equal(fz_model_due(model), 1000 * MS);
	TIME(1000, "@1000 1 13.0: NEW_MESSAGE|alice|hi");
	YES(1, "13.0: NEW_MESSAGE_RESPONSE_ACK|bob|alice", NULL);
	assert_int_equal(fz_model_due(model), INT64_MAX);
	TIME(100000, NULL);
	assert_int_equal(fz_model_users(model), 2);
	stop();
}

/* ---- section 4: the table ------------------------------------------------------------------------------------------ */

static const struct row {
	enum fz_state state;
	const char *request;
	const char *right[4];      /* outputs */
	enum fz_state after;
	const char *wrong[12][3];  /* a rule, and one or two outputs (none: nothing sent) that break it */
} rows[] = {
	{ FZ_DISCONNECTED, "5: CONNECTION_REQUEST|alice|", { "0 5: CONNECTION_GRANTED|alice|" }, FZ_MAIN_ROOM,
		{ { "CON-01" }, { "CON-01", "0 5: CONNECTION_ERROR_1001|alice|" }, { "FMT-02", "0 5.0: CONNECTION_GRANTED|alice|" },
			{ "FMT-03", "0 5: CONNECTION_GRANTED|Alice|" }, { "FMT-09", "0 5: CONNECTION_GRANTED|alice|x" },
			{ "CON-01", "1 5: CONNECTION_GRANTED|alice|" },
			{ "CON-01", "0 5: CONNECTION_GRANTED|alice|", "0 5: CONNECTION_GRANTED|alice|" },
			{ "FMT-01", "0 5: CONNECTION_REQUEST|alice|" }, { "FMT-01", "0 5:CONNECTION_GRANTED|alice|" },
			{ "TRN-04", "0 5: CONNECTION_GRANTED|alice|", "1 5: CONNECTION_GRANTED|alice|" } } },
	{ FZ_DISCONNECTED, "5: CONNECTION_REQUEST|bob|", { "0 5: CONNECTION_ERROR_1001|bob|taken" }, FZ_DISCONNECTED,
		{ { "CON-02" }, { "CON-02", "0 5: CONNECTION_GRANTED|bob|" }, { "CON-02", "0 5: CONNECTION_ERROR_1002|bob|" } } },
	{ FZ_DISCONNECTED, "5: CONNECTION_REQUEST|a b|", { "0 5: CONNECTION_ERROR_1002|a b|" }, FZ_DISCONNECTED,
		{ { "CON-03" }, { "CON-03", "0 5: CONNECTION_GRANTED|a b|" }, { "FMT-03", "0 5: CONNECTION_ERROR_1002||" } } },
	{ FZ_DISCONNECTED, "5: USER_LIST_REQUEST|alice|", { NULL }, FZ_DISCONNECTED,
		{ { "LST-05", "0 5: USER_LIST_RESPONSE|alice|bob,MAIN_ROOM|carol,Metropolis" } } },
	{ FZ_DISCONNECTED, "5: MOVIE_LIST_REQUEST|bob|", { NULL }, FZ_DISCONNECTED,
		{ { "LST-05", "0 5: MOVIE_LIST_RESPONSE|bob|Metropolis|M, a city" } } },
	{ FZ_DISCONNECTED, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", { "0 5: ENTER_MOVIE_ERROR_2001|alice|" }, FZ_DISCONNECTED,
		{ { "ENT-04" }, { "ENT-04", "0 5: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004" }, { "ENT-04", "0 5: ENTER_MOVIE_ERROR_2002|alice|" } } },
	{ FZ_DISCONNECTED, "5: ENTER_MOVIE_REQUEST||none", { "0 5: ENTER_MOVIE_ERROR_2001||" }, FZ_DISCONNECTED,
		{ { "ENT-04", "0 5: ENTER_MOVIE_ERROR_2002||" } } },
	{ FZ_DISCONNECTED, "5: LEAVE_SESSION_REQUEST|bob|", { "0 5: LEAVE_SESSION_ERROR_1|bob|who?" }, FZ_DISCONNECTED,
		{ { "LEA-03" }, { "LEA-03", "0 5: LEAVE_SESSION_GRANTED|bob|" }, { "LEA-03", "0 5: LEAVE_SESSION_ERROR_2|bob|" } } },
	{ FZ_DISCONNECTED, "5: SEND_MESSAGE_REQUEST|alice|hi", { NULL }, FZ_DISCONNECTED,
		{ { "MSG-07", "1 5: NEW_MESSAGE|alice|hi" }, { "MSG-07", "0 5: NEW_MESSAGE|alice|hi" } } },

	{ FZ_MAIN_ROOM, "5: CONNECTION_REQUEST|alice|", { "0 5: CONNECTION_ERROR_1004|alice|" }, FZ_MAIN_ROOM,
		{ { "CON-05" }, { "CON-05", "0 5: CONNECTION_GRANTED|alice|" }, { "CON-05", "0 5: CONNECTION_ERROR_1001|alice|" } } },
	{ FZ_MAIN_ROOM, "5: CONNECTION_REQUEST||", { "0 5: CONNECTION_ERROR_1004||" }, FZ_MAIN_ROOM,
		{ { "CON-05", "0 5: CONNECTION_ERROR_1002||" }, { "FMT-03", "0 5: CONNECTION_ERROR_1004|alice|" } } },
	{ FZ_MAIN_ROOM, "5: USER_LIST_REQUEST|alice|ignored",
		{ "0 5: USER_LIST_RESPONSE|alice|carol,Metropolis|alice,MAIN_ROOM|bob,MAIN_ROOM" }, FZ_MAIN_ROOM,
		{ { "LST-01" }, { "LST-01", "0 5: USER_LIST_RESPONSE|alice|" }, { "LST-01", "0 5: USER_LIST_RESPONSE|alice|bob,MAIN_ROOM|carol,Metropolis" },
			{ "LST-01", "0 5: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM|carol,MAIN_ROOM" },
			{ "LST-01", "0 5: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM|carol,Metropolis|" },
			{ "LST-01", "0 5: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM|bob,MAIN_ROOM|carol,Metropolis" },
			{ "LST-01", "0 5: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM|carol,Metropolis|dan,MAIN_ROOM" },
			{ "LST-01", "0 5: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM bob,MAIN_ROOM|carol,Metropolis" },
			{ "LST-01", "0 5: MOVIE_LIST_RESPONSE|alice|Metropolis|M, a city" } } },
	{ FZ_MAIN_ROOM, "5: MOVIE_LIST_REQUEST|alice|", { "0 5: MOVIE_LIST_RESPONSE|alice|M, a city|Metropolis" }, FZ_MAIN_ROOM,
		{ { "LST-02" }, { "LST-02", "0 5: MOVIE_LIST_RESPONSE|alice|Metropolis" },
			{ "LST-02", "0 5: MOVIE_LIST_RESPONSE|alice|Metropolis|Metropolis" },
			{ "LST-02", "0 5: MOVIE_LIST_RESPONSE|alice|Metropolis|M, a city|x" }, { "LST-02", "0 5: MOVIE_LIST_RESPONSE|alice|" } } },
	{ FZ_MAIN_ROOM, "5: ENTER_MOVIE_REQUEST|alice|M, a city", { "0 5: ENTER_MOVIE_GRANTED|alice|[2001:db8::7]:5004" }, FZ_MOVIE_ROOM,
		{ { "ENT-01" }, { "ENT-01", "0 5: ENTER_MOVIE_ERROR_2002|alice|" }, { "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|" },
			{ "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|localhost:5004" }, { "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|127.0.0.1:0" },
			{ "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|127.0.0.1:65536" }, { "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|127.0.0.1" },
			{ "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|2001:db8::7:5004" }, { "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|[127.0.0.1]:5004" },
			{ "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004 " }, { "ENT-06", "0 5: ENTER_MOVIE_GRANTED|alice|:5004" } } },
	{ FZ_MAIN_ROOM, "5: ENTER_MOVIE_REQUEST|alice|metropolis", { "0 5: ENTER_MOVIE_ERROR_2002|alice|" }, FZ_MAIN_ROOM,
		{ { "ENT-02" }, { "ENT-02", "0 5: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004" }, { "ENT-02", "0 5: ENTER_MOVIE_ERROR_2004|alice|" } } },
	{ FZ_MAIN_ROOM, "5: ENTER_MOVIE_REQUEST|alice|", { "0 5: ENTER_MOVIE_ERROR_2002|alice|" }, FZ_MAIN_ROOM, { { "ENT-02" } } },
	{ FZ_MAIN_ROOM, "5: LEAVE_SESSION_REQUEST|alice|", { "0 5: LEAVE_SESSION_GRANTED|alice|" }, FZ_DISCONNECTED,
		{ { "LEA-02" }, { "LEA-02", "0 5: LEAVE_SESSION_ERROR_1|alice|" }, { "FMT-09", "0 5: LEAVE_SESSION_GRANTED|alice|bye" } } },
	{ FZ_MAIN_ROOM, "5: SEND_MESSAGE_REQUEST|alice| a|b: c ", { "1 5: NEW_MESSAGE|alice| a|b: c ", "0 5: NEW_MESSAGE|alice| a|b: c " }, FZ_MAIN_ROOM,
		{ { "MSG-01" }, { "MSG-01", "0 5: NEW_MESSAGE|alice| a|b: c " }, { "MSG-01", "1 5: NEW_MESSAGE|alice| a|b: c " },
			{ "MSG-03", "0 5: NEW_MESSAGE|alice|a|b: c ", "1 5: NEW_MESSAGE|alice| a|b: c " },
			{ "MSG-03", "0 5: NEW_MESSAGE|alice| a|b: c ", "1 5: NEW_MESSAGE|alice| a" },
			{ "FMT-02", "0 5.00: NEW_MESSAGE|alice| a|b: c ", "1 5: NEW_MESSAGE|alice| a|b: c " },
			{ "FMT-03", "0 5: NEW_MESSAGE|alice| a|b: c ", "1 5: NEW_MESSAGE|bob| a|b: c " } } },
	{ FZ_MAIN_ROOM, "5: SEND_MESSAGE_REQUEST|alice|hi", { "0 5: NEW_MESSAGE|alice|hi", "1 5: NEW_MESSAGE|alice|hi" }, FZ_MAIN_ROOM, { { NULL } } },
	{ FZ_MAIN_ROOM, "5: SEND_MESSAGE_REQUEST|alice|", { NULL }, FZ_MAIN_ROOM,
		{ { "MSG-06", "0 5: NEW_MESSAGE|alice|" }, { "MSG-06", "0 5: NEW_MESSAGE|alice|", "1 5: NEW_MESSAGE|alice|" } } },

	{ FZ_MOVIE_ROOM, "5: CONNECTION_REQUEST|bob|", { "0 5: CONNECTION_ERROR_1004|bob|" }, FZ_MOVIE_ROOM,
		{ { "CON-05" }, { "CON-05", "0 5: CONNECTION_ERROR_1001|bob|" }, { "CON-05", "0 5: CONNECTION_GRANTED|bob|" } } },
	{ FZ_MOVIE_ROOM, "5: USER_LIST_REQUEST|alice|", { "0 5: USER_LIST_RESPONSE|alice|alice,Metropolis|bob,MAIN_ROOM|carol,Metropolis" }, FZ_MOVIE_ROOM,
		{ { "LST-01", "0 5: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM|carol,Metropolis" } } },
	{ FZ_MOVIE_ROOM, "5: USER_LIST_REQUEST|alice|", { NULL }, FZ_MOVIE_ROOM, { { NULL } } }, /* LST-04 */
	{ FZ_MOVIE_ROOM, "5: MOVIE_LIST_REQUEST|alice|", { "0 5: MOVIE_LIST_RESPONSE|alice|Metropolis|M, a city" }, FZ_MOVIE_ROOM,
		{ { "LST-02", "0 5: MOVIE_LIST_RESPONSE|alice|Metropolis" } } },
	{ FZ_MOVIE_ROOM, "5: MOVIE_LIST_REQUEST|alice|", { NULL }, FZ_MOVIE_ROOM, { { NULL } } },
	{ FZ_MOVIE_ROOM, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", { "0 5: ENTER_MOVIE_ERROR_2003|alice|" }, FZ_MOVIE_ROOM,
		{ { "ENT-03" }, { "ENT-03", "0 5: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004" } } },
	{ FZ_MOVIE_ROOM, "5: ENTER_MOVIE_REQUEST|alice|none", { "0 5: ENTER_MOVIE_ERROR_2003|alice|" }, FZ_MOVIE_ROOM,
		{ { "ENT-03", "0 5: ENTER_MOVIE_ERROR_2002|alice|" } } },
	{ FZ_MOVIE_ROOM, "5: LEAVE_SESSION_REQUEST|alice|", { "0 5: LEAVE_SESSION_GRANTED|alice|" }, FZ_MAIN_ROOM,
		{ { "LEA-01" }, { "LEA-01", "0 5: LEAVE_SESSION_ERROR_1|alice|" } } },
	{ FZ_MOVIE_ROOM, "5: SEND_MESSAGE_REQUEST|alice|hi", { "2 5: NEW_MESSAGE|alice|hi", "0 5: NEW_MESSAGE|alice|hi" }, FZ_MOVIE_ROOM,
		{ { "MSG-01", "0 5: NEW_MESSAGE|alice|hi" }, { "MSG-01", "0 5: NEW_MESSAGE|alice|hi", "1 5: NEW_MESSAGE|alice|hi" } } },
};

static void every_cell_of_the_table(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		const struct row *row = &rows[i / 2];

		scene(i % 2, row->state);
		for (size_t k = 0; k < 12 && row->wrong[k][0]; k++)
			NO(row->wrong[k][0], 0, row->request, row->wrong[k][1], row->wrong[k][2]);
		yes(0, row->request, row->right, (int)(i / 2));
		assert_int_equal(fz_model_state(model, 0), row->after);
		stop();
	}
}

/* Outsiders, and second copies. */
static void a_text_goes_to_its_room_alone(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		scene(tcp, FZ_MAIN_ROOM);
		open_endpoint(3, tcp);
		NO("MSG-02", 0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "1 5: NEW_MESSAGE|alice|hi", "2 5: NEW_MESSAGE|alice|hi");
		NO("MSG-02", 0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "1 5: NEW_MESSAGE|alice|hi", "3 5: NEW_MESSAGE|alice|hi");
		NO("MSG-04", 0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "1 5: NEW_MESSAGE|alice|hi", "1 5: NEW_MESSAGE|alice|hi");
		NO("MSG-01", 0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "1 closed");
		YES(0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "1 5: NEW_MESSAGE|alice|hi");
		assert_int_equal(fz_model_texts(model), 1);
		stop();
	}
}

static void rooms_of_two_movies_are_two(void **unused)
{
	(void)unused;
	scene(TCP, FZ_MOVIE_ROOM);
	enter(1, "bob", "M, a city");
	NO("MSG-02", 0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "2 5: NEW_MESSAGE|alice|hi", "1 5: NEW_MESSAGE|alice|hi");
	YES(0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "2 5: NEW_MESSAGE|alice|hi");
	YES(1, "5: SEND_MESSAGE_REQUEST|bob|hi", "1 5: NEW_MESSAGE|bob|hi");
	YES(0, "6: USER_LIST_REQUEST|alice|", "0 6: USER_LIST_RESPONSE|alice|bob,M, a city|alice,Metropolis|carol,Metropolis");
	stop();
}

/* Whoever comes back from a movie, by LEA-01 or in a second session, is in the main room like everybody. */
static void back_in_the_main_room(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		scene(tcp, FZ_MOVIE_ROOM);
		YES(0, "5: LEAVE_SESSION_REQUEST|alice|", "0 5: LEAVE_SESSION_GRANTED|alice|");
		assert_int_equal(fz_model_movie(model, 0), -1);
		NO("MSG-01", 0, "6: SEND_MESSAGE_REQUEST|alice|hi", "0 6: NEW_MESSAGE|alice|hi");
		YES(0, "6: SEND_MESSAGE_REQUEST|alice|hi", "0 6: NEW_MESSAGE|alice|hi", "1 6: NEW_MESSAGE|alice|hi");
		YES(0, "7: LEAVE_SESSION_REQUEST|alice|", "0 7: LEAVE_SESSION_GRANTED|alice|");
		assert_int_equal(fz_model_name(model, 0).length, 0);
		stop();
	}
	scene(UDP, FZ_MOVIE_ROOM);
	YES(0, "5: ENTER_MOVIE_REQUEST|alice|x", "0 5: ENTER_MOVIE_ERROR_2003|alice|");
	TIME(3000, "@1000 0 5: ENTER_MOVIE_ERROR_2003|alice|", "@2000 0 5: ENTER_MOVIE_ERROR_2003|alice|", "@3000 0 5: ENTER_MOVIE_ERROR_2003|alice|");
	TIME(5000, NULL);
	assert_int_equal(fz_model_movie(model, 0), -1);
	assert_int_equal(fz_model_name(model, 0).length, 0);
	YES(0, "6: CONNECTION_REQUEST|alice|", "0 6: CONNECTION_GRANTED|alice|");
	YES(0, "7: SEND_MESSAGE_REQUEST|alice|hi", "0 7: NEW_MESSAGE|alice|hi", "1 7: NEW_MESSAGE|alice|hi");
	stop();
}

/* ENT-06 at its edges. */
static void streams(void **unused)
{
	static const char *const right[] = { "1.2.3.4:1", "1.2.3.4:65535", "[::]:9", "[::ffff:1.2.3.4]:19", "255.255.255.255:5004" };
	static const char *const wrong[] = { "", ":", ":1", "1:1", "1.2.3.4", "1.2.3.4:", "1.2.3.4:/", "1.2.3.4:5x", "1.2.3.4:+5", "1.2.3:5",
		"1.2.3.256:5", "1.2.3.4:00", "1.2.3.4:123456", "1.2.3.4:4294967297", "[::]", "[::]:0", "[::]:65536", "::1:5", "[]:5", "[:5", "]:5",
		"[::1:5", "::1]:5", "[fe80::1%lo]:5", "[1.2.3.4]:5", "localhost:5", " 1.2.3.4:5", "1.2.3.4:5 ",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:5" };
	char output[200];

	(void)unused;
	for (unsigned i = 0; i < sizeof right / sizeof *right; i++) {
		scene(UDP, FZ_MAIN_ROOM);
		for (unsigned k = 0; k < sizeof wrong / sizeof *wrong; k++) {
			snprintf(output, sizeof output, "0 5: ENTER_MOVIE_GRANTED|alice|%s", wrong[k]);
			NO("ENT-06", 0, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", output);
		}
		snprintf(output, sizeof output, "0 5: ENTER_MOVIE_GRANTED|alice|%s", right[i]);
		YES(0, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", output);
		stop();
	}
}

/* MSG-06: 1024 octets are a text, 1025 are none. */
static void the_longest_text(void **unused)
{
	char data[1026], request[1200], output[1200];

	(void)unused;
	start();
	join(0, UDP, "alice");
	for (int length = 1024; length < 1026; length++) {
		memset(data, 'x', sizeof data);
		snprintf(request, sizeof request, "%d: SEND_MESSAGE_REQUEST|alice|%.*s", length, length, data);
		snprintf(output, sizeof output, "0 %d: NEW_MESSAGE|alice|%.*s", length, length, data);
		if (length == 1024) {
			YES(0, request, output);
			YES(0, "1024: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
		} else {
			NO("MSG-06", 0, request, output);
			YES(0, request, NULL);
		}
	}
	stop();
}

static void names(void **unused)
{
	static const char *const wrong[] = { "", "a b", "a,b", "\xC3\xA4", "012345678901234567890123456789012", "a/b", "~" };
	static const char *const right[] = { "Alice", "alice", "A.b_C-9", "01234567890123456789012345678901", "-" };
	char request[128], output[128];

	(void)unused;
	start();
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		open_endpoint(0, UDP);
		snprintf(request, sizeof request, "%u: CONNECTION_REQUEST|%s|", i, wrong[i]);
		snprintf(output, sizeof output, "0 %u: CONNECTION_GRANTED|%s|", i, wrong[i]);
		NO("CON-03", 0, request, output);
		snprintf(output, sizeof output, "0 %u: CONNECTION_ERROR_1002|%s|", i, wrong[i]);
		YES(0, request, output);
	}
	for (unsigned i = 0; i < sizeof right / sizeof *right; i++) /* FMT-08 */
		join(1 + i, UDP, right[i]);
	assert_int_equal(fz_model_users(model), sizeof right / sizeof *right);
	stop();
}

static void a_full_server(void **unused)
{
	(void)unused;
	for (int i = 0; i < 4; i++) {
		bool known = i / 2, tcp = i % 2;

		start();
		settings.params.capacity = known ? 1 : C2W_UNKNOWN_CAPACITY;
		settings.params.room_capacity = known ? 1 : C2W_UNKNOWN_CAPACITY;
		restart();
		open_endpoint(0, tcp);
		NO("CON-0", 0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_ERROR_1003|alice|"); /* nobody is there */
		join(0, tcp, "alice");
		open_endpoint(1, tcp);
		if (known)
			NO("CON-04", 1, "1: CONNECTION_REQUEST|bob|", "1 1: CONNECTION_GRANTED|bob|");
		NO("CON-0", 1, "1: CONNECTION_REQUEST|bob|", NULL);
		YES(1, "1: CONNECTION_REQUEST|bob|", "1 1: CONNECTION_ERROR_1003|bob|");
		YES(1, "1: CONNECTION_RESPONSE_ACK|bob|", NULL);
		assert_int_equal(fz_model_users(model), 1);
		YES(0, "2: LEAVE_SESSION_REQUEST|alice|", "0 2: LEAVE_SESSION_GRANTED|alice|"); /* CON-06 */
		YES(1, "2: CONNECTION_REQUEST|alice|", "1 2: CONNECTION_GRANTED|alice|");
		stop();
	}
}

static void a_full_room(void **unused)
{
	(void)unused;
	for (int known = 0; known < 2; known++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			start();
			settings.params.room_capacity = known ? 1 : C2W_UNKNOWN_CAPACITY;
			restart();
			join(0, tcp, "alice");
			join(1, tcp, "bob");
			NO("ENT-01", 0, "2: ENTER_MOVIE_REQUEST|alice|Metropolis", "0 2: ENTER_MOVIE_ERROR_2004|alice|");
			enter(0, "alice", "Metropolis");
			if (known)
				NO("ENT-05", 1, "2: ENTER_MOVIE_REQUEST|bob|Metropolis", "1 2: ENTER_MOVIE_GRANTED|bob|1.2.3.4:5");
			YES(1, "2: ENTER_MOVIE_REQUEST|bob|Metropolis", "1 2: ENTER_MOVIE_ERROR_2004|bob|");
			YES(1, "3: ENTER_MOVIE_REQUEST|bob|M, a city", "1 3: ENTER_MOVIE_GRANTED|bob|1.2.3.4:5");
			stop();
		}
	}
}

/* Section 9: any code, but one and the same. */
static void codes_of_its_own(void **unused)
{
	(void)unused;
	start();
	settings.params.no_such_movie = C2W_ANY;
	settings.params.already_connected = C2W_ANY;
	settings.params.stream = C2W_ANY;
	restart();
	join(0, UDP, "alice");
	YES(0, "2: ENTER_MOVIE_REQUEST|alice|x", "0 2: ENTER_MOVIE_ERROR_0000|alice|");
	NO("ENT-02", 0, "3: ENTER_MOVIE_REQUEST|alice|x", "0 3: ENTER_MOVIE_ERROR_0001|alice|");
	YES(0, "3: ENTER_MOVIE_REQUEST|alice|x", "0 3: ENTER_MOVIE_ERROR_0000|alice|");
	YES(0, "4: CONNECTION_REQUEST|alice|x", "0 4: CONNECTION_ERROR_0001|alice|");
	YES(0, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", "0 5: ENTER_MOVIE_GRANTED|alice|somewhere");
	stop();
}

static void separators_of_its_own(void **unused)
{
	(void)unused;
	start();
	c2w_params_set(&settings.params, C2W_STR("list-separator"), C2W_STR(", "));
	c2w_params_set(&settings.params, C2W_STR("entry-separator"), C2W_STR(" in "));
	c2w_params_set(&settings.params, C2W_STR("main-room"), C2W_STR("hall"));
	settings.movies[settings.movie_count++] = "M";
	settings.movies[settings.movie_count++] = "a city";
	restart();
	join(0, TCP, "alice");
	join(1, TCP, "bob");
	enter(1, "bob", "Metropolis");
	YES(0, "2: USER_LIST_REQUEST|alice|", "0 2: USER_LIST_RESPONSE|alice|bob in Metropolis, alice in hall");
	NO("LST-01", 0, "3: USER_LIST_REQUEST|alice|", "0 3: USER_LIST_RESPONSE|alice|bob in Metropolis,alice in hall");
	YES(0, "3: MOVIE_LIST_REQUEST|alice|", "0 3: MOVIE_LIST_RESPONSE|alice|M, a city, M, a city, Metropolis");
	NO("LST-02", 0, "4: MOVIE_LIST_REQUEST|alice|", "0 4: MOVIE_LIST_RESPONSE|alice|M, a city, M, a city, a city");
	stop();
}

static void no_movies(void **unused)
{
	(void)unused;
	start();
	settings.movie_count = 0;
	restart();
	join(0, UDP, "alice");
	NO("LST-02", 0, "2: MOVIE_LIST_REQUEST|alice|", "0 2: MOVIE_LIST_RESPONSE|alice|Metropolis");
	YES(0, "2: MOVIE_LIST_REQUEST|alice|", "0 2: MOVIE_LIST_RESPONSE|alice|");
	stop();
}

/* CON-01, CON-06, LEA-02: a second session, of another name and with a lower TIME. */
static void second_sessions(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		start();
		join(0, tcp, "alice");
		YES(0, "9: LEAVE_SESSION_REQUEST|alice|", "0 9: LEAVE_SESSION_GRANTED|alice|");
		assert_int_equal(fz_model_users(model), 0);
		YES(0, "9: LEAVE_SESSION_RESPONSE_ACK|alice|", NULL);
		NO("CON-01", 0, "0.5: CONNECTION_REQUEST|alice|", NULL);
		YES(0, "0.5: CONNECTION_REQUEST|ali|", "0 0.5: CONNECTION_GRANTED|ali|");
		open_endpoint(1, tcp);
		YES(1, "1: CONNECTION_REQUEST|alice|", "1 1: CONNECTION_GRANTED|alice|");
		YES(1, "1: CONNECTION_RESPONSE_ACK|alice|", NULL);
		YES(0, "0.6: USER_LIST_REQUEST|ali|", "0 0.6: USER_LIST_RESPONSE|ali|ali,MAIN_ROOM|alice,MAIN_ROOM");
		YES(0, "0.6: USER_LIST_RESPONSE_ACK|ali|", NULL);
		YES(0, "0.60: LEAVE_SESSION_REQUEST|ali|", NULL); /* REL-11 */
		TIME(50000, NULL);
		assert_int_equal(fz_model_users(model), 2);
		stop();
	}
}

/* LST-03 */
static void lists_show_what_holds(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	open_endpoint(1, UDP);
	YES(1, "1: CONNECTION_REQUEST|bob|", "1 1: CONNECTION_GRANTED|bob|"); /* not acked yet */
	NO("LST-01", 0, "2: USER_LIST_REQUEST|alice|", "0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	YES(0, "2: USER_LIST_REQUEST|alice|", "0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM");
	YES(1, "2: LEAVE_SESSION_REQUEST|bob|", "1 2: LEAVE_SESSION_GRANTED|bob|");
	NO("LST-01", 0, "3: USER_LIST_REQUEST|alice|", "0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM");
	YES(0, "3: USER_LIST_REQUEST|alice|", "0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	stop();
}

/* ---- sections 1 and 2 ---------------------------------------------------------------------------------------------- */

static void what_is_no_request_does_nothing(void **unused)
{
	static const char *const wrong[][2] = {
		{ "FMT-05", "5:SEND_MESSAGE_REQUEST|alice|hi" }, { "FMT-05", "x: SEND_MESSAGE_REQUEST|alice|hi" },
		{ "FMT-05", "5: SEND_MESSAGE_REQUEST|alice" }, { "FMT-05", "5: SEND_MESSAGE_REQUEST|alice|hi\xFF" },
		{ "FMT-05", "5: SEND_MESSAGE_REQUEST|alice|hi\r\n" }, { "FMT-05", "5: SEND_MESSAGE_REQUEST|alice|hi\r" },
		{ "FMT-05", "5: send_message_request|alice|hi" }, { "FMT-06", "5: SEND|alice|hi" }, { "FMT-06", "5: NEW_MESSAGE|alice|hi" },
		{ "FMT-06", "5: CONNECTION_GRANTED|alice|" }, { "FMT-06", "5: CONNECTION_ERROR_1001|alice|" },
		{ "NAM-01", "5: SEND_MESSAGE_REQUEST|bob|hi" }, { "NAM-01", "5: SEND_MESSAGE_REQUEST|Alice|hi" },
		{ "NAM-01", "5: LEAVE_SESSION_REQUEST||" }, { "NAM-01", "5: USER_LIST_REQUEST|bob|" }, { "NAM-01", "5: MOVIE_LIST_REQUEST|bob|" },
		{ "NAM-01", "5: ENTER_MOVIE_REQUEST|bob|Metropolis" },
	};

	(void)unused;
	for (int i = 0; i < 6; i++) {
		scene(i % 2, (enum fz_state)(i / 2));
		for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
			if (i / 2 == FZ_DISCONNECTED && strcmp(wrong[k][0], "NAM-01") == 0)
				continue;
			NO(wrong[k][0], 0, wrong[k][1], "0 5: NEW_MESSAGE|alice|hi");
			NO(wrong[k][0], 0, wrong[k][1], "1 5: NEW_MESSAGE|alice|hi");
			NO(wrong[k][0], 0, wrong[k][1], "0 5: LEAVE_SESSION_ERROR_1|alice|");
			YES(0, wrong[k][1], NULL);
			if (i % 2)
				NO("TRN-05", 0, wrong[k][1], "0 closed");
		}
		assert_int_equal(fz_model_state(model, 0), i / 2);
		stop();
	}
}

static void too_long_a_message(void **unused)
{
	char message[4200];
	struct fz_output closed = { .endpoint = 0, .closed = true };

	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		for (int state = 0; state < 3; state++) {
			scene(tcp, (enum fz_state)state);
			memset(message, 'x', sizeof message);
			memcpy(message, "5: SEND_MESSAGE_REQUEST|alice|", 30);
			memcpy(message + 4095, "\r\n", 2);
			memcpy(message + 4094, "\r\n", 2);
			assert_null(fz_model_receive(model, 0, message, 4096, 0, NULL, 0)); /* MSG-06, MSG-07 */
			message[4094] = 'x';
			message[4095] = '\r';
			message[4096] = '\n';
			if (tcp) {
				assert_non_null(fz_model_receive(model, 0, message, 4096, 0, NULL, 0));
				assert_null(fz_model_receive(model, 0, message, 4096, 0, &closed, 1));
				assert_int_equal(fz_model_users(model), 2);
			} else {
				assert_null(fz_model_receive(model, 0, message, 4097, 0, NULL, 0));
				assert_int_equal(fz_model_users(model), state == FZ_DISCONNECTED ? 2 : 3);
			}
			stop();
		}
	}
}

/* TRN-06 */
static void a_connection_ends(void **unused)
{
	(void)unused;
	for (int state = 0; state < 3; state++) {
		scene(TCP, (enum fz_state)state);
		YES(0, "end", "0 closed");
		assert_int_equal(fz_model_users(model), 2);
		YES(1, "3: USER_LIST_REQUEST|bob|", "1 3: USER_LIST_RESPONSE|bob|bob,MAIN_ROOM|carol,Metropolis");
		YES(1, "4: SEND_MESSAGE_REQUEST|bob|hi", "1 4: NEW_MESSAGE|bob|hi");
		join(0, TCP, "alice");
		YES(0, "open", NULL); /* another one in its place */
		assert_int_equal(fz_model_users(model), 2);
		NO("TRN-06", 0, "end", "1 4: NEW_MESSAGE|bob|hi");
		YES(0, "end", NULL);
		YES(0, "1: CONNECTION_REQUEST|alice|", NULL); /* nobody is there */
		stop();
	}
}

/* ROB-01: nobody else's connection; ROB-04: a silent one without a session, or one of too many. */
static void connections_closed_by_the_server(void **unused)
{
	(void)unused;
	scene(TCP, FZ_DISCONNECTED);
	NO("ROB-01", 0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|", "1 closed");
	NO("ROB-01", 3, "open", "1 closed");
	YES(3, "open", "3 closed");
	YES(3, "open", "0 closed");
	YES(0, "open", NULL);
	now = 1000 * MS;
	YES(0, "5: USER_LIST_REQUEST|alice|", NULL);
	LATE("REL-16", 30999, "@30999 0 closed");
	LATE("REL-16", 31000, "@31000 1 closed");
	TIME(31000, "@31000 0 closed");
	assert_int_equal(fz_model_users(model), 2);
	YES(0, "6: CONNECTION_REQUEST|alice|", NULL); /* nobody is there */
	fz_model_reads(model, 0, false);
	TIME(40000, NULL);
	YES(0, "open", NULL); /* silent, and not reading, from here on anew */
	LATE("REL-16", 69999, "@69999 0 closed");
	YES(0, "6: CONNECTION_REQUEST|alice|", "0 6: CONNECTION_GRANTED|alice|");
	LATE("REL-16", 200000, "@200000 0 closed");
	stop();
}

/* ---- section 5 ----------------------------------------------------------------------------------------------------- */

/* REL-05, REL-06, REL-08 and ROB-05: four transmissions, then the end. */
static void a_response_never_acked(void **unused)
{
	(void)unused;
	start();
	join(1, UDP, "bob");
	open_endpoint(0, UDP);
	YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
	assert_int_equal(fz_model_due(model), 1000 * MS);
	LATE("REL-05", 899, "@899 0 1: CONNECTION_GRANTED|alice|");
	LATE("REL-04", 1000, "@1000 0 1.0: CONNECTION_GRANTED|alice|");
	LATE("REL-07", 1000, "@1000 1 1: CONNECTION_GRANTED|alice|");
	TIME(1100, "@900 0 1: CONNECTION_GRANTED|alice|");
	LATE("REL-05", 2151, "@2151 0 1: CONNECTION_GRANTED|alice|");
	LATE("REL-06", 2151, NULL);
	stop();
}

static void transmissions_are_counted(void **unused)
{
	(void)unused;
	start();
	join(1, UDP, "bob");
	open_endpoint(0, UDP);
	YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
	TIME(900, "@900 0 1: CONNECTION_GRANTED|alice|");
	TIME(2150, "@2150 0 1: CONNECTION_GRANTED|alice|");
	LATE("REL-06", 3150, "@3150 0 1: CONNECTION_GRANTED|alice|", "@3150 0 1: CONNECTION_GRANTED|alice|");
	TIME(3150, "@3150 0 1: CONNECTION_GRANTED|alice|");
	assert_int_equal(fz_model_due(model), 4150 * MS);
	LATE("REL-06", 4150, "@4150 0 1: CONNECTION_GRANTED|alice|");
	YES(1, "2: USER_LIST_REQUEST|bob|", "1 2: USER_LIST_RESPONSE|bob|bob,MAIN_ROOM"); /* dead already */
	YES(1, "2: USER_LIST_RESPONSE_ACK|bob|", NULL);
	assert_int_equal(fz_model_users(model), 1);
	assert_int_equal(fz_model_worlds(model), 1);
	TIME(60000, NULL);
	YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|"); /* anew */
	assert_int_equal(fz_model_users(model), 2);
	stop();
}

/* REL-08 with its tolerance: both are right within it, none of the two outside. */
static void death_has_a_window(void **unused)
{
	static const struct {
		int64_t at;
		bool alive, dead;
	} cases[] = { { 3899, true, false }, { 3900, true, true }, { 4000, true, true }, { 4250, true, true }, { 4251, false, true } };

	(void)unused;
	for (unsigned i = 0; i < 5; i++) {
		for (int dead = 0; dead < 2; dead++) {
			const char *list = dead ? "1 2: USER_LIST_RESPONSE|bob|bob,MAIN_ROOM" : "1 2: USER_LIST_RESPONSE|bob|bob,MAIN_ROOM|alice,MAIN_ROOM";

			start();
			join(1, UDP, "bob");
			open_endpoint(0, UDP);
			YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
			TIME(3000, "@1000 0 1: CONNECTION_GRANTED|alice|", "@2000 0 1: CONNECTION_GRANTED|alice|", "@3000 0 1: CONNECTION_GRANTED|alice|");
			now = cases[i].at * MS;
			if (dead ? cases[i].dead : cases[i].alive)
				YES(1, "2: USER_LIST_REQUEST|bob|", list);
			else
				NO("LST-01", 1, "2: USER_LIST_REQUEST|bob|", list);
			stop();
		}
	}
}

/* What is not seen for certain is followed both ways, and what is seen later decides. */
static void the_dead_leave_name_and_room(void **unused)
{
	(void)unused;
	start();
	join(1, UDP, "bob");
	open_endpoint(0, UDP);
	open_endpoint(2, UDP);
	YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
	TIME(3000, "@1000 0 1: CONNECTION_GRANTED|alice|", "@2000 0 1: CONNECTION_GRANTED|alice|", "@3000 0 1: CONNECTION_GRANTED|alice|");
	now = 3950 * MS;
	YES(1, "2: MOVIE_LIST_REQUEST|bob|", "1 2: MOVIE_LIST_RESPONSE|bob|Metropolis|M, a city");
	YES(1, "2: MOVIE_LIST_RESPONSE_ACK|bob|", NULL);
	assert_int_equal(fz_model_worlds(model), 2);
	assert_int_equal(fz_model_users(model), 2); /* likelier */
	YES(2, "1: CONNECTION_REQUEST|alice|", "2 1: CONNECTION_GRANTED|alice|");
	assert_int_equal(fz_model_worlds(model), 1);
	assert_int_equal(fz_model_state(model, 0), FZ_DISCONNECTED);
	NO("CON-02", 0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", NULL);
	YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_ERROR_1001|alice|");
	stop();
}

/* The other way round: an ack within the tolerance, and alice lives. */
static void an_ack_at_the_last_moment(void **unused)
{
	(void)unused;
	start();
	open_endpoint(0, UDP);
	YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
	TIME(3000, "@1000 0 1: CONNECTION_GRANTED|alice|", "@2000 0 1: CONNECTION_GRANTED|alice|", "@3000 0 1: CONNECTION_GRANTED|alice|");
	now = 4100 * MS;
	YES(0, "1: CONNECTION_RESPONSE_ACK|alice|", NULL);
	assert_int_equal(fz_model_worlds(model), 2);
	YES(0, "2: USER_LIST_REQUEST|alice|", "0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	assert_int_equal(fz_model_worlds(model), 1);
	assert_int_equal(fz_model_users(model), 1);
	stop();
}

/* REL-08: the first message to get there ends the other one too. */
static void one_message_given_up_is_enough(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", "0 2: NEW_MESSAGE|alice|hi");
	TIME(500, NULL);
	YES(0, "3: USER_LIST_REQUEST|alice|", "0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	TIME(1500, "@1000 0 2: NEW_MESSAGE|alice|hi", "@1500 0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	TIME(3500, "@2000 0 2: NEW_MESSAGE|alice|hi", "@2500 0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "@3000 0 2: NEW_MESSAGE|alice|hi",
		"@3500 0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	TIME(4251, NULL);
	assert_int_equal(fz_model_users(model), 0);
	LATE("REL-07", 4500, "@4500 0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	TIME(60000, NULL);
	stop();
}

/* REL-08 in a movie room, and for an endpoint without a session: that is only forgotten, and REL-12 may hold or not. */
static void given_up_in_each_state(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	enter(0, "alice", "Metropolis");
	YES(0, "3: USER_LIST_REQUEST|alice|", "0 3: USER_LIST_RESPONSE|alice|alice,Metropolis");
	for (int ms = 1000; ms <= 3000; ms += 1000) {
		char output[100];

		snprintf(output, sizeof output, "@%d 0 3: USER_LIST_RESPONSE|alice|alice,Metropolis", ms);
		TIME(ms, output);
	}
	TIME(4251, NULL);
	assert_int_equal(fz_model_users(model), 0);
	YES(0, "4: LEAVE_SESSION_REQUEST|alice|", "0 4: LEAVE_SESSION_ERROR_1|alice|no");
	TIME(7251, "@5251 0 4: LEAVE_SESSION_ERROR_1|alice|no", "@6251 0 4: LEAVE_SESSION_ERROR_1|alice|no", "@7251 0 4: LEAVE_SESSION_ERROR_1|alice|no");
	TIME(9000, NULL);
	LATE("REL-06", 9000, "@9000 0 4: LEAVE_SESSION_ERROR_1|alice|no");
	NO("LEA-03", 0, "4: LEAVE_SESSION_REQUEST|alice|", NULL);
	YES(0, "4: LEAVE_SESSION_REQUEST|alice|", "0 4: LEAVE_SESSION_ERROR_1|alice|no");
	assert_int_equal(fz_model_worlds(model), 2); /* anew, or the old one once more */
	TIME(20000, "@10000 0 4: LEAVE_SESSION_ERROR_1|alice|no", "@11000 0 4: LEAVE_SESSION_ERROR_1|alice|no",
		"@12000 0 4: LEAVE_SESSION_ERROR_1|alice|no");
	assert_int_equal(fz_model_worlds(model), 1);
	YES(0, "4: LEAVE_SESSION_REQUEST|alice|", "0 4: LEAVE_SESSION_ERROR_1|alice|other reason");
	assert_int_equal(fz_model_worlds(model), 1);
	YES(0, "4: LEAVE_SESSION_RESPONSE_ACK|alice|", NULL);
	TIME(60000, NULL);
	stop();
}

/* REL-07, REL-09 */
static void which_acks_count(void **unused)
{
	static const char *const others[] = {
		"1: USER_LIST_RESPONSE_ACK|alice|", "1.1: CONNECTION_RESPONSE_ACK|alice|", "1: CONNECTION_RESPONSE_ACK|Alice|",
		"1: CONNECTION_RESPONSE_ACK||", "1: NEW_MESSAGE_RESPONSE_ACK|alice|alice", "1: MOVIE_LIST_RESPONSE_ACK|alice|",
		"1: ENTER_MOVIE_RESPONSE_ACK|alice|", "1: LEAVE_SESSION_RESPONSE_ACK|alice|", "1: CONNECTION_RESPONSE_ACK|bob|",
	};

	(void)unused;
	start();
	join(1, UDP, "bob");
	open_endpoint(0, UDP);
	YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
	for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
		YES(0, others[i], NULL);
	YES(1, "1: CONNECTION_RESPONSE_ACK|alice|", NULL);
	TIME(1000, "@1000 0 1: CONNECTION_GRANTED|alice|");
	NO("REL-09", 0, "1.1: CONNECTION_RESPONSE_ACK|alice|", "0 1: CONNECTION_GRANTED|alice|");
	YES(0, "01.00: CONNECTION_RESPONSE_ACK|alice|whatever", NULL);
	YES(0, "1: CONNECTION_RESPONSE_ACK|alice|", NULL);
	LATE("REL-07", 2000, "@2000 0 1: CONNECTION_GRANTED|alice|");
	TIME(60000, NULL);
	assert_int_equal(fz_model_users(model), 2);
	stop();
}

/* REL-09: where nothing is unacked there is nothing to ack, in no state. */
static void acks_of_nothing(void **unused)
{
	static const char *const acks[] = { "CONNECTION_RESPONSE_ACK", "USER_LIST_RESPONSE_ACK", "MOVIE_LIST_RESPONSE_ACK",
		"ENTER_MOVIE_RESPONSE_ACK", "LEAVE_SESSION_RESPONSE_ACK", "NEW_MESSAGE_RESPONSE_ACK" };

	(void)unused;
	for (int i = 0; i < 6; i++) {
		scene(i % 2, (enum fz_state)(i / 2));
		for (unsigned k = 0; k < 12; k++) {
			char ack[64];

			snprintf(ack, sizeof ack, "%u: %s|alice|alice", 1 + k / 6, acks[k % 6]);
			YES(0, ack, NULL);
			NO("REL-09", 0, ack, "0 1: CONNECTION_GRANTED|alice|");
		}
		assert_int_equal(fz_model_due(model), INT64_MAX);
		assert_int_equal(fz_model_worlds(model), 1);
		stop();
	}
}

/* CON-05: the ack of ERROR 1004 carries the name that was asked for (NAM-01 lets it pass). */
static void the_ack_of_a_second_connection(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	YES(0, "2: CONNECTION_REQUEST|bob|", "0 2: CONNECTION_ERROR_1004|bob|");
	YES(0, "2: CONNECTION_RESPONSE_ACK|alice|", NULL);
	TIME(1000, "@1000 0 2: CONNECTION_ERROR_1004|bob|");
	YES(0, "2: CONNECTION_RESPONSE_ACK|bob|", NULL);
	TIME(60000, NULL);
	assert_int_equal(fz_model_users(model), 1);
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", NULL); /* REL-11: 2 was the last */
	YES(0, "3: SEND_MESSAGE_REQUEST|alice|hi", "0 3: NEW_MESSAGE|alice|hi");
	stop();
}

static void acks_of_a_new_message(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	join(1, UDP, "bob");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", "0 2: NEW_MESSAGE|alice|hi", "1 2: NEW_MESSAGE|alice|hi");
	YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
	YES(1, "2.1: NEW_MESSAGE_RESPONSE_ACK|bob|alice", NULL);
	YES(1, "2: USER_LIST_RESPONSE_ACK|bob|alice", NULL);
	YES(0, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", NULL);
	assert_int_equal(fz_model_waiting(model, 0) + fz_model_waiting(model, 1), 2);
	YES(0, "2.0: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
	YES(1, "2.000: NEW_MESSAGE_RESPONSE_ACK|bob|alice", NULL);
	YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", NULL);
	assert_int_equal(fz_model_waiting(model, 0) + fz_model_waiting(model, 1), 0);
	TIME(60000, NULL);
	stop();
}

/* REL-10: an ack that names another author counts, or not; what the server does next shows which. */
static void an_ack_with_another_author(void **unused)
{
	(void)unused;
	for (int counts = 0; counts < 2; counts++) {
		start();
		join(0, UDP, "alice");
		join(1, UDP, "bob");
		YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", "0 2: NEW_MESSAGE|alice|hi", "1 2: NEW_MESSAGE|alice|hi");
		YES(0, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
		YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|", NULL);
		assert_int_equal(fz_model_worlds(model), 2);
		if (counts)
			YES(0, "3: SEND_MESSAGE_REQUEST|alice|ho", "0 3: NEW_MESSAGE|alice|ho", "1 3: NEW_MESSAGE|alice|ho");
		else
			TIME(1000, "@1000 1 2: NEW_MESSAGE|alice|hi");
		assert_int_equal(fz_model_worlds(model), 1);
		assert_int_equal(fz_model_waiting(model, 1), 1);
		stop();
	}
	start();
	join(0, TCP, "alice");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", "0 2: NEW_MESSAGE|alice|hi");
	YES(0, "2: NEW_MESSAGE_RESPONSE_ACK|alice|bob", NULL);
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", NULL);
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", NULL);
	NO("REL-11", 0, "2: SEND_MESSAGE_REQUEST|alice|hi", "0 2: NEW_MESSAGE|alice|ho");
	stop();
}

/* REL-11: repeated while unacked, once more or nothing when acked, discarded when old. Data is not compared. */
static void repetitions_in_a_session(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		start();
		open_endpoint(0, tcp);
		YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
		NO("REL-11", 0, "1: CONNECTION_REQUEST|alice|", NULL);
		NO("REL-11", 0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_ERROR_1004|alice|");
		NO("FMT-02", 0, "1.0: CONNECTION_REQUEST|alice|", "0 1.0: CONNECTION_GRANTED|alice|");
		NO("REL-11", 0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|", "0 1: CONNECTION_GRANTED|alice|");
		YES(0, "1.0: CONNECTION_REQUEST|alice|x", "0 1: CONNECTION_GRANTED|alice|");
		YES(0, "1: CONNECTION_REQUEST|bob|", NULL);
		YES(0, "0.9: CONNECTION_REQUEST|alice|", NULL);
		NO("REL-11", 0, "0.9: CONNECTION_REQUEST|alice|", "0 0.9: CONNECTION_ERROR_1004|alice|");
		NO("REL-11", 0, "1: USER_LIST_REQUEST|alice|", "0 1: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
		YES(0, "1: USER_LIST_REQUEST|alice|", NULL);
		YES(0, "1: LEAVE_SESSION_REQUEST|alice|", NULL);
		YES(0, "1: CONNECTION_RESPONSE_ACK|alice|", NULL);
		YES(0, "1: CONNECTION_REQUEST|alice|", NULL);
		YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
		NO("REL-11", 0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|", "0 1: CONNECTION_GRANTED|alice|");
		NO("REL-11", 0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|x");

		YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", "0 2: NEW_MESSAGE|alice|hi");
		YES(0, "2: SEND_MESSAGE_REQUEST|alice|", "0 2: NEW_MESSAGE|alice|hi"); /* before MSG-06 */
		NO("REL-11", 0, "2: SEND_MESSAGE_REQUEST|alice|ho", "0 2: NEW_MESSAGE|alice|ho");
		YES(0, "2: SEND_MESSAGE_REQUEST|alice|ho", "0 2: NEW_MESSAGE|alice|hi");
		YES(0, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
		YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", NULL);
		YES(0, "2: SEND_MESSAGE_REQUEST|alice|hi", "0 2: NEW_MESSAGE|alice|hi");
		assert_int_equal(fz_model_texts(model), 1);

		YES(0, "2.0: ENTER_MOVIE_REQUEST|alice|Metropolis", NULL);
		stop();
	}
}

/* Every request repeated in every room, unacked and acked, and an older one. */
static void repetitions_of_every_request(void **unused)
{
	static const struct {
		const char *request, *response, *ack;
		enum fz_state state;
	} all[] = {
		{ "5: CONNECTION_REQUEST|x|", "0 5: CONNECTION_ERROR_1004|x|", "5: CONNECTION_RESPONSE_ACK|x|", FZ_MAIN_ROOM },
		{ "5: CONNECTION_REQUEST|x|", "0 5: CONNECTION_ERROR_1004|x|", "5: CONNECTION_RESPONSE_ACK|x|", FZ_MOVIE_ROOM },
		{ "5: USER_LIST_REQUEST|alice|", "0 5: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM|carol,Metropolis",
			"5: USER_LIST_RESPONSE_ACK|alice|", FZ_MAIN_ROOM },
		{ "5: USER_LIST_REQUEST|alice|", "0 5: USER_LIST_RESPONSE|alice|alice,Metropolis|bob,MAIN_ROOM|carol,Metropolis",
			"5: USER_LIST_RESPONSE_ACK|alice|", FZ_MOVIE_ROOM },
		{ "5: MOVIE_LIST_REQUEST|alice|", "0 5: MOVIE_LIST_RESPONSE|alice|Metropolis|M, a city", "5: MOVIE_LIST_RESPONSE_ACK|alice|", FZ_MAIN_ROOM },
		{ "5: MOVIE_LIST_REQUEST|alice|", "0 5: MOVIE_LIST_RESPONSE|alice|Metropolis|M, a city", "5: MOVIE_LIST_RESPONSE_ACK|alice|", FZ_MOVIE_ROOM },
		{ "5: ENTER_MOVIE_REQUEST|alice|x", "0 5: ENTER_MOVIE_ERROR_2002|alice|", "5: ENTER_MOVIE_RESPONSE_ACK|alice|", FZ_MAIN_ROOM },
		{ "5: ENTER_MOVIE_REQUEST|alice|x", "0 5: ENTER_MOVIE_ERROR_2003|alice|", "5: ENTER_MOVIE_RESPONSE_ACK|alice|", FZ_MOVIE_ROOM },
		{ "5: LEAVE_SESSION_REQUEST|alice|", "0 5: LEAVE_SESSION_GRANTED|alice|", "5: LEAVE_SESSION_RESPONSE_ACK|alice|", FZ_MOVIE_ROOM },
	};
	static const char *const requests[] = { "CONNECTION_REQUEST", "USER_LIST_REQUEST", "MOVIE_LIST_REQUEST", "ENTER_MOVIE_REQUEST",
		"LEAVE_SESSION_REQUEST", "SEND_MESSAGE_REQUEST" };

	(void)unused;
	for (size_t i = 0; i < 2 * sizeof all / sizeof *all; i++) {
		scene(i % 2, all[i / 2].state);
		YES(0, all[i / 2].request, all[i / 2].response);
		NO("REL-11", 0, all[i / 2].request, NULL);
		YES(0, all[i / 2].request, all[i / 2].response);
		YES(0, all[i / 2].ack, NULL);
		YES(0, all[i / 2].ack, NULL);
		YES(0, all[i / 2].request, NULL);
		YES(0, all[i / 2].request, all[i / 2].response);
		for (unsigned k = 0; k < 6; k++) {
			char old[64];

			snprintf(old, sizeof old, "4: %s|alice|Metropolis", requests[k]);
			YES(0, old, NULL);
		}
		stop();
	}
}

/* REL-11 over the two rooms, where LEA-01 takes to the main room and ENT-01 to the movie's. */
static void repeated_moves_do_not_move(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		scene(tcp, FZ_MAIN_ROOM);
		YES(0, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", "0 5: ENTER_MOVIE_GRANTED|alice|1.2.3.4:5");
		NO("REL-11", 0, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", "0 5: ENTER_MOVIE_ERROR_2003|alice|");
		YES(0, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", "0 5: ENTER_MOVIE_GRANTED|alice|1.2.3.4:5");
		YES(0, "5: ENTER_MOVIE_RESPONSE_ACK|alice|", NULL);
		YES(0, "5: ENTER_MOVIE_REQUEST|alice|Metropolis", NULL);
		YES(0, "6: LEAVE_SESSION_REQUEST|alice|", "0 6: LEAVE_SESSION_GRANTED|alice|");
		YES(0, "6: LEAVE_SESSION_REQUEST|alice|", "0 6: LEAVE_SESSION_GRANTED|alice|");
		assert_int_equal(fz_model_state(model, 0), FZ_MAIN_ROOM);
		YES(0, "6: LEAVE_SESSION_RESPONSE_ACK|alice|", NULL);
		YES(0, "6: LEAVE_SESSION_REQUEST|alice|", NULL);
		YES(0, "6: LEAVE_SESSION_REQUEST|alice|", "0 6: LEAVE_SESSION_GRANTED|alice|");
		assert_int_equal(fz_model_state(model, 0), FZ_MAIN_ROOM);
		stop();
	}
}

static void send_repeated_in_a_movie_room(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		scene(tcp, FZ_MOVIE_ROOM);
		YES(0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "2 5: NEW_MESSAGE|alice|hi");
		NO("REL-11", 0, "5: SEND_MESSAGE_REQUEST|alice|hi", NULL);
		NO("MSG-04", 0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi", "2 5: NEW_MESSAGE|alice|hi");
		YES(0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi");
		YES(2, "5: NEW_MESSAGE_RESPONSE_ACK|carol|alice", NULL);
		YES(0, "5: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
		YES(0, "5: SEND_MESSAGE_REQUEST|alice|hi", NULL);
		YES(0, "5: SEND_MESSAGE_REQUEST|alice|hi", "0 5: NEW_MESSAGE|alice|hi");
		YES(0, "4: SEND_MESSAGE_REQUEST|alice|hi", NULL);
		YES(0, "4: CONNECTION_REQUEST|alice|hi", NULL);
		stop();
	}
}

/* REL-12: UDP repeats; TCP may do what section 4 says; acked, there is nothing to repeat. */
static void repetitions_without_a_session(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		start();
		join(0, tcp, "alice");
		YES(0, "5: LEAVE_SESSION_REQUEST|alice|", "0 5: LEAVE_SESSION_GRANTED|alice|");
		NO("REL-12", 0, "5: LEAVE_SESSION_REQUEST|alice|", NULL);
		if (!tcp)
			NO("REL-12", 0, "5: LEAVE_SESSION_REQUEST|alice|", "0 5: LEAVE_SESSION_ERROR_1|alice|");
		YES(0, "5.0: LEAVE_SESSION_REQUEST|alice|x", "0 5: LEAVE_SESSION_GRANTED|alice|");
		YES(0, "5: LEAVE_SESSION_RESPONSE_ACK|alice|", NULL);
		NO("LEA-03", 0, "5: LEAVE_SESSION_REQUEST|alice|", "0 5: LEAVE_SESSION_GRANTED|alice|");
		YES(0, "5: LEAVE_SESSION_REQUEST|alice|", "0 5: LEAVE_SESSION_ERROR_1|alice|");
		YES(0, "5: LEAVE_SESSION_REQUEST|alice|", "0 5: LEAVE_SESSION_ERROR_1|alice|");
		YES(0, "4: LEAVE_SESSION_REQUEST|alice|", "0 4: LEAVE_SESSION_ERROR_1|alice|"); /* older, but no repetition */
		YES(0, "4: ENTER_MOVIE_REQUEST|alice|x", "0 4: ENTER_MOVIE_ERROR_2001|alice|a");
		YES(0, "4: ENTER_MOVIE_REQUEST|alice|x", "0 4: ENTER_MOVIE_ERROR_2001|alice|a");
		if (tcp)
			YES(0, "4: ENTER_MOVIE_REQUEST|alice|x", "0 4: ENTER_MOVIE_ERROR_2001|alice|b");
		YES(0, "4: CONNECTION_REQUEST|a b|x", "0 4: CONNECTION_ERROR_1002|a b|");
		YES(0, "4: CONNECTION_REQUEST|a b|x", "0 4: CONNECTION_ERROR_1002|a b|");
		YES(0, "4: CONNECTION_RESPONSE_ACK|a b|", NULL);
		YES(0, "4: ENTER_MOVIE_REQUEST|alice|x", "0 4: ENTER_MOVIE_ERROR_2001|alice|a");
		YES(0, "4: ENTER_MOVIE_RESPONSE_ACK|alice|", NULL);
		stop();
	}
}

/* REL-12 again: alice's name is free by now, but on UDP the repetition opens nothing. */
static void a_repeated_refusal(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		start();
		join(0, tcp, "alice");
		open_endpoint(1, tcp);
		YES(1, "1: CONNECTION_REQUEST|alice|", "1 1: CONNECTION_ERROR_1001|alice|taken");
		YES(0, "2: LEAVE_SESSION_REQUEST|alice|", "0 2: LEAVE_SESSION_GRANTED|alice|");
		YES(1, "1: CONNECTION_REQUEST|alice|", "1 1: CONNECTION_ERROR_1001|alice|taken");
		if (tcp)
			YES(1, "1: CONNECTION_REQUEST|alice|", "1 1: CONNECTION_GRANTED|alice|");
		else
			NO("REL-12", 1, "1: CONNECTION_REQUEST|alice|", "1 1: CONNECTION_GRANTED|alice|");
		assert_int_equal(fz_model_users(model), tcp);
		stop();
	}
}

/* REL-13, and REL-18: a copy on request moves nothing. */
static void the_next_request_acks_the_response(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	YES(0, "2: USER_LIST_REQUEST|alice|", "0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	TIME(500, NULL);
	YES(0, "2: USER_LIST_REQUEST|alice|", "0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	assert_int_equal(fz_model_due(model), 1000 * MS);
	LATE("REL-06", 1251, NULL);
	stop();

	start();
	join(0, UDP, "alice");
	YES(0, "2: USER_LIST_REQUEST|alice|", "0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	TIME(500, NULL);
	YES(0, "2: USER_LIST_REQUEST|alice|", "0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	TIME(1000, "@1000 0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	YES(0, "3: SEND_MESSAGE_REQUEST|alice|hi", "0 3: NEW_MESSAGE|alice|hi");
	LATE("REL-07", 2000, "@2000 0 2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	YES(0, "4: MOVIE_LIST_REQUEST|alice|", "0 4: MOVIE_LIST_RESPONSE|alice|Metropolis|M, a city");
	YES(0, "4: MOVIE_LIST_RESPONSE_ACK|alice|", NULL);
	TIME(2100, "@2100 0 3: NEW_MESSAGE|alice|hi"); /* only its ack ends a NEW_MESSAGE */
	LATE("REL-06", 3400, NULL);
	stop();
}

/* REL-14, REL-15 and MSG-05 */
static void one_text_at_a_time(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	join(1, UDP, "bob");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|a", "0 2: NEW_MESSAGE|alice|a", "1 2: NEW_MESSAGE|alice|a");
	YES(0, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
	NO("REL-14", 0, "3: SEND_MESSAGE_REQUEST|alice|b", "0 3: NEW_MESSAGE|alice|b", "1 3: NEW_MESSAGE|alice|b");
	YES(0, "3: SEND_MESSAGE_REQUEST|alice|b", "0 3: NEW_MESSAGE|alice|b");
	YES(1, "2: SEND_MESSAGE_REQUEST|bob|c", NULL); /* alice's b and bob's own a are unacked */
	assert_int_equal(fz_model_waiting(model, 1), 3);
	assert_int_equal(fz_model_waiting(model, 0), 2);
	YES(1, "2: SEND_MESSAGE_REQUEST|bob|c", NULL); /* REL-11: its response waits */
	NO("REL-14", 1, "2: SEND_MESSAGE_REQUEST|bob|c", "1 2: NEW_MESSAGE|bob|c");
	LATE("REL-14", 1000, "@1000 1 3: NEW_MESSAGE|alice|b");
	NO("MSG-02", 1, "3: SEND_MESSAGE_REQUEST|bob|d", "2 3: NEW_MESSAGE|bob|d");
	stop();
}

static void waiting_texts_are_sent_in_their_order(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	join(1, UDP, "bob");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|a", "0 2: NEW_MESSAGE|alice|a", "1 2: NEW_MESSAGE|alice|a");
	YES(0, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
	YES(0, "3: SEND_MESSAGE_REQUEST|alice|b", "0 3: NEW_MESSAGE|alice|b");
	YES(0, "3: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
	YES(1, "2: SEND_MESSAGE_REQUEST|bob|c", "0 2: NEW_MESSAGE|bob|c");
	NO("REL-14", 1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", NULL);
	NO("REL-14", 1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "0 9: NEW_MESSAGE|bob|c");
	NO("FMT-0", 1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "1 2: NEW_MESSAGE|bob|c");
	YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|bob", NULL); /* REL-10: c was not sent yet */
	YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "1 3: NEW_MESSAGE|alice|b");
	TIME(1000, "@1000 0 2: NEW_MESSAGE|bob|c", "@1000 1 3: NEW_MESSAGE|alice|b");
	YES(1, "3: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "1 2: NEW_MESSAGE|bob|c");
	YES(1, "2: SEND_MESSAGE_REQUEST|bob|c", "1 2: NEW_MESSAGE|bob|c"); /* sent now */
	YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|bob", NULL);
	YES(1, "2: SEND_MESSAGE_REQUEST|bob|c", NULL);
	TIME(2000, "@2000 0 2: NEW_MESSAGE|bob|c");
	stop();
}

/* The same in a movie room, until ROB-03 ends it. */
static void texts_wait_in_a_movie_room(void **unused)
{
	(void)unused;
	start();
	settings.params.max_backlog = 60;
	restart();
	join(0, UDP, "alice");
	enter(0, "alice", "Metropolis");
	YES(0, "3: SEND_MESSAGE_REQUEST|alice|a", "0 3: NEW_MESSAGE|alice|a"); /* 25 octets */
	YES(0, "4: SEND_MESSAGE_REQUEST|alice|b", NULL);
	YES(0, "4: SEND_MESSAGE_REQUEST|alice|b", NULL);
	NO("REL-14", 0, "4: SEND_MESSAGE_REQUEST|alice|b", "0 4: NEW_MESSAGE|alice|b");
	YES(0, "5: SEND_MESSAGE_REQUEST|alice|c", NULL);
	assert_int_equal(fz_model_worlds(model), 1);
	assert_int_equal(fz_model_users(model), 0);
	TIME(60000, NULL);
	stop();
}

/* REL-14: responses do not wait for a NEW_MESSAGE. */
static void responses_do_not_wait(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|a", "0 2: NEW_MESSAGE|alice|a");
	NO("LST-02", 0, "3: MOVIE_LIST_REQUEST|alice|", NULL);
	YES(0, "3: MOVIE_LIST_REQUEST|alice|", "0 3: MOVIE_LIST_RESPONSE|alice|Metropolis|M, a city");
	stop();
}

/* MSG-08: what was sent may be repeated or not, what waits may be dropped or not; what comes shows which. */
static void texts_of_a_room_left(void **unused)
{
	(void)unused;
	for (int kind = 0; kind < 6; kind++) {
		start();
		join(0, UDP, "alice");
		join(1, UDP, "bob");
		YES(0, "2: SEND_MESSAGE_REQUEST|alice|a", "0 2: NEW_MESSAGE|alice|a", "1 2: NEW_MESSAGE|alice|a");
		YES(0, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
		YES(0, "3: SEND_MESSAGE_REQUEST|alice|b", "0 3: NEW_MESSAGE|alice|b");
		YES(0, "3: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
		if (kind == 0) { /* a given up, b sent at once */
			YES(1, "4: ENTER_MOVIE_REQUEST|bob|Metropolis", "1 3: NEW_MESSAGE|alice|b", "1 4: ENTER_MOVIE_GRANTED|bob|1.2.3.4:5");
			assert_int_equal(fz_model_worlds(model), 1);
			stop();
			continue;
		}
		YES(1, "4: ENTER_MOVIE_REQUEST|bob|Metropolis", "1 4: ENTER_MOVIE_GRANTED|bob|1.2.3.4:5");
		YES(1, "4: ENTER_MOVIE_RESPONSE_ACK|bob|", NULL);
		assert_int_equal(fz_model_worlds(model), 3);
		if (kind == 1) { /* a goes on, then b */
			YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "1 3: NEW_MESSAGE|alice|b");
			assert_int_equal(fz_model_worlds(model), 1);
		} else if (kind == 2) { /* a goes on, b was dropped */
			TIME(1000, "@1000 1 2: NEW_MESSAGE|alice|a");
			assert_int_equal(fz_model_worlds(model), 2);
			YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", NULL);
			assert_int_equal(fz_model_worlds(model), 1);
		} else if (kind == 3) { /* both dropped */
			TIME(60000, NULL);
			assert_int_equal(fz_model_worlds(model), 1);
			assert_int_equal(fz_model_waiting(model, 1), 0);
			assert_int_equal(fz_model_users(model), 2);
		} else if (kind == 4) { /* the new room's text need not wait */
			YES(1, "5: SEND_MESSAGE_REQUEST|bob|c", "1 5: NEW_MESSAGE|bob|c");
			assert_int_equal(fz_model_worlds(model), 1);
			LATE("REL-07", 1000, "@1000 1 2: NEW_MESSAGE|alice|a");
		} else { /* nor will it come before b */
			YES(1, "5: SEND_MESSAGE_REQUEST|bob|c", NULL);
			YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "1 3: NEW_MESSAGE|alice|b");
			NO("REL-14", 1, "3: NEW_MESSAGE_RESPONSE_ACK|bob|alice", NULL);
			YES(1, "3: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "1 5: NEW_MESSAGE|bob|c");
		}
		stop();
	}
}

/* With the session ends all that waited (MSG-08), the response that says so apart. */
static void a_session_takes_its_texts_with_it(void **unused)
{
	(void)unused;
	start();
	join(0, UDP, "alice");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|a", "0 2: NEW_MESSAGE|alice|a");
	YES(0, "3: LEAVE_SESSION_REQUEST|alice|", "0 3: LEAVE_SESSION_GRANTED|alice|");
	assert_int_equal(fz_model_worlds(model), 1);
	LATE("REL-07", 1000, "@1000 0 2: NEW_MESSAGE|alice|a", "@1000 0 3: LEAVE_SESSION_GRANTED|alice|");
	TIME(1000, "@1000 0 3: LEAVE_SESSION_GRANTED|alice|");
	YES(0, "3: LEAVE_SESSION_RESPONSE_ACK|alice|", NULL);
	TIME(60000, NULL);
	stop();
}

/* REL-16 */
static void tcp_waits_for_nothing(void **unused)
{
	(void)unused;
	start();
	join(0, TCP, "alice");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|a", "0 2: NEW_MESSAGE|alice|a");
	NO("MSG-01", 0, "3: SEND_MESSAGE_REQUEST|alice|b", NULL);
	YES(0, "3: SEND_MESSAGE_REQUEST|alice|b", "0 3: NEW_MESSAGE|alice|b");
	assert_int_equal(fz_model_due(model), INT64_MAX);
	LATE("REL-16", 1000, "@1000 0 3: NEW_MESSAGE|alice|b");
	TIME(60000, NULL);
	assert_int_equal(fz_model_users(model), 1);
	NO("REL-11", 0, "3: SEND_MESSAGE_REQUEST|alice|b", NULL); /* still unacked */
	YES(0, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);  /* not the last one's */
	NO("REL-11", 0, "3: SEND_MESSAGE_REQUEST|alice|b", NULL);
	YES(0, "3: NEW_MESSAGE_RESPONSE_ACK|alice|alice", NULL);
	YES(0, "3: SEND_MESSAGE_REQUEST|alice|b", NULL);
	stop();
}

static void mixed_transports(void **unused)
{
	(void)unused;
	start();
	join(0, TCP, "alice");
	join(1, UDP, "bob");
	YES(0, "2: SEND_MESSAGE_REQUEST|alice|a", "0 2: NEW_MESSAGE|alice|a", "1 2: NEW_MESSAGE|alice|a");
	YES(0, "3: SEND_MESSAGE_REQUEST|alice|b", "0 3: NEW_MESSAGE|alice|b");
	TIME(1000, "@1000 1 2: NEW_MESSAGE|alice|a");
	YES(1, "2: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "1 3: NEW_MESSAGE|alice|b");
	stop();
}

static void other_numbers(void **unused)
{
	(void)unused;
	start();
	settings.params.rto = 200 * MS;
	settings.params.max_retransmits = 0;
	settings.params.rto_tolerance = (struct c2w_tolerance){ .early = 0, .late = 500 };
	restart();
	open_endpoint(0, UDP);
	YES(0, "1: CONNECTION_REQUEST|alice|", "0 1: CONNECTION_GRANTED|alice|");
	assert_int_equal(fz_model_due(model), 200 * MS);
	LATE("REL-06", 200, "@200 0 1: CONNECTION_GRANTED|alice|");
	assert_int_equal(fz_model_due(model), 300 * MS);
	TIME(301, NULL);
	assert_int_equal(fz_model_users(model), 0);
	assert_int_equal(fz_model_due(model), INT64_MAX);
	stop();
}

/* ---- section 6 ----------------------------------------------------------------------------------------------------- */

/* Bob acks nothing; alice goes on talking. NEW_MESSAGE "nn: NEW_MESSAGE|alice|xxxxx…" of 100 octets each. */
static void talk(unsigned from, unsigned to)
{
	char request[200], output[200], ack[64];

	for (unsigned i = from; i < to; i++) {
		int head = snprintf(request, sizeof request, "%u: NEW_MESSAGE|alice|", i);

		snprintf(output, sizeof output, "%.*s%0*d", head, request, 98 - head, 0);
		snprintf(ack, sizeof ack, "%u: NEW_MESSAGE_RESPONSE_ACK|alice|alice", i);
		snprintf(request, sizeof request, "%u: SEND_MESSAGE_REQUEST|alice|%0*d", i, 98 - head, 0);
		head = snprintf(NULL, 0, "%s", output);
		assert_int_equal(head, 98);
		memmove(output + 2, output, sizeof output - 2);
		memcpy(output, "0 ", 2);
		if (i == 10) {
			char bobs[200];

			snprintf(bobs, sizeof bobs, "1%s", output + 1);
			YES(0, request, output, bobs);
		} else {
			YES(0, request, output);
		}
		YES(0, ack, NULL);
	}
}

static void a_udp_recipient_too_slow(void **unused)
{
	(void)unused;
	start();
	settings.params.max_backlog = 2000;
	restart();
	join(0, UDP, "alice");
	join(1, UDP, "bob");
	talk(10, 14); /* 400 octets: below a quarter */
	assert_int_equal(fz_model_worlds(model), 1);
	NO("LST-01", 0, "14: USER_LIST_REQUEST|alice|", "0 14: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	talk(14, 30); /* 2000 octets: either */
	assert_true(fz_model_worlds(model) > 1);
	YES(0, "30: USER_LIST_REQUEST|alice|", "0 30: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM");
	assert_int_equal(fz_model_worlds(model), 1);
	assert_int_equal(fz_model_waiting(model, 1), 20);
	YES(0, "30: USER_LIST_RESPONSE_ACK|alice|", NULL);
	talk(31, 32); /* 2100: dropped */
	assert_int_equal(fz_model_worlds(model), 1);
	NO("LST-01", 0, "33: USER_LIST_REQUEST|alice|", "0 33: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM");
	YES(0, "33: USER_LIST_REQUEST|alice|", "0 33: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	stop();
}

static void a_tcp_peer_that_does_not_read(void **unused)
{
	(void)unused;
	for (int movie = 0; movie < 2; movie++) {
		start();
		settings.params.max_backlog = 400;
		restart();
		join(0, TCP, "alice");
		join(1, TCP, "bob");
		if (movie) {
			enter(0, "alice", "Metropolis");
			enter(1, "bob", "Metropolis");
		}
		fz_model_reads(model, 1, false);
		NO("MSG-01", 0, "3: SEND_MESSAGE_REQUEST|alice|hi", "0 3: NEW_MESSAGE|alice|hi", "1 closed");
		for (int i = 10; i < 22; i++) { /* 29 octets each */
			char texts[3][64];

			snprintf(texts[0], 64, "%d: SEND_MESSAGE_REQUEST|alice|hi123", i);
			snprintf(texts[1], 64, "0 %d: NEW_MESSAGE|alice|hi123", i);
			snprintf(texts[2], 64, "1 %d: NEW_MESSAGE|alice|hi123", i);
			YES(0, texts[0], texts[1], texts[2]);
		}
		YES(0, "22: SEND_MESSAGE_REQUEST|alice|hi123", "0 22: NEW_MESSAGE|alice|hi123", "1 22: NEW_MESSAGE|alice|hi123");
		NO("ROB-03", 0, "24: SEND_MESSAGE_REQUEST|alice|hi123", "0 24: NEW_MESSAGE|alice|hi123", "1 24: NEW_MESSAGE|alice|hi123");
		fz_model_reads(model, 1, true);
		YES(0, "24: SEND_MESSAGE_REQUEST|alice|hi123", "0 24: NEW_MESSAGE|alice|hi123", "1 24: NEW_MESSAGE|alice|hi123");
		fz_model_reads(model, 1, false);
		for (int i = 30; i < 34; i++) {
			char texts[3][64];

			snprintf(texts[0], 64, "%d: SEND_MESSAGE_REQUEST|alice|hi123", i);
			snprintf(texts[1], 64, "0 %d: NEW_MESSAGE|alice|hi123", i);
			snprintf(texts[2], 64, "1 %d: NEW_MESSAGE|alice|hi123", i);
			YES(0, texts[0], texts[1], texts[2]);
		}
		YES(0, "40: SEND_MESSAGE_REQUEST|alice|hi123", "0 40: NEW_MESSAGE|alice|hi123", "1 closed");
		YES(0, "41: SEND_MESSAGE_REQUEST|alice|hi123", "0 41: NEW_MESSAGE|alice|hi123");
		assert_int_equal(fz_model_users(model), 1);
		stop();
	}
}

/* ROB-03: more than max-backlog, not just that much. */
static void exactly_max_backlog(void **unused)
{
	(void)unused;
	for (int more = 0; more < 2; more++) {
		start();
		settings.params.max_backlog = 54 - more;
		restart();
		join(0, TCP, "alice");
		join(1, TCP, "bob");
		fz_model_reads(model, 1, false);
		YES(0, "3: SEND_MESSAGE_REQUEST|alice|1234", "0 3: NEW_MESSAGE|alice|1234", "1 3: NEW_MESSAGE|alice|1234"); /* 27 octets */
		if (more)
			NO("ROB-03", 0, "4: SEND_MESSAGE_REQUEST|alice|1234", "0 4: NEW_MESSAGE|alice|1234", "1 4: NEW_MESSAGE|alice|1234");
		else
			YES(0, "4: SEND_MESSAGE_REQUEST|alice|1234", "0 4: NEW_MESSAGE|alice|1234", "1 4: NEW_MESSAGE|alice|1234");
		stop();
	}
}

/* A list can be what is too much, too. */
static void a_requester_that_does_not_read(void **unused)
{
	(void)unused;
	start();
	settings.params.max_backlog = 40;
	restart();
	join(0, TCP, "alice");
	fz_model_reads(model, 0, false);
	NO("ROB-03", 0, "3: USER_LIST_REQUEST|alice|", "0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	YES(0, "3: USER_LIST_REQUEST|alice|", "0 3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "0 closed");
	stop();
}

static void dropped_in_any_state(void **unused)
{
	static const char *const requests[] = { "5: CONNECTION_REQUEST|alice|", "5: ENTER_MOVIE_REQUEST|alice|x", "5: LEAVE_SESSION_REQUEST|alice|",
		"5: USER_LIST_REQUEST|alice|", "5: MOVIE_LIST_REQUEST|alice|", "5: SEND_MESSAGE_REQUEST|alice|hi" };

	(void)unused;
	for (int state = 0; state < 3; state++) {
		for (int i = 0; i < (state == FZ_DISCONNECTED ? 3 : 6); i++) {
			start();
			settings.params.max_backlog = 4;
			restart();
			people(TCP, (enum fz_state)state);
			fz_model_reads(model, 1, true);
			fz_model_reads(model, 0, false);
			if (i == 5)
				YES(0, requests[i], "0 closed", state == FZ_MAIN_ROOM ? "1 5: NEW_MESSAGE|alice|hi" : "2 5: NEW_MESSAGE|alice|hi");
			else
				YES(0, requests[i], "0 closed");
			assert_int_equal(fz_model_users(model), 2);
			YES(0, requests[i], NULL);
			stop();
		}
	}
}

/* Worlds that came to the same are one: a peer that repeats does not lose the model. */
static void many_repetitions(void **unused)
{
	(void)unused;
	for (int tcp = 0; tcp < 2; tcp++) {
		start();
		join(0, tcp, "alice");
		YES(0, "5: LEAVE_SESSION_REQUEST|alice|", "0 5: LEAVE_SESSION_GRANTED|alice|");
		YES(0, "6: LEAVE_SESSION_REQUEST|alice|", "0 6: LEAVE_SESSION_ERROR_1|alice|");
		for (int i = 0; i < 300; i++) {
			YES(0, "6: LEAVE_SESSION_REQUEST|alice|", "0 6: LEAVE_SESSION_ERROR_1|alice|");
			assert_int_equal(fz_model_worlds(model), 1);
		}
		stop();
	}
}

/* ROB-04: beyond the bound the oldest stranger may be forgotten, or not. */
static void strangers_forgotten(void **unused)
{
	(void)unused;
	for (int forgotten = 0; forgotten < 2; forgotten++) {
		start();
		settings.max_strangers = 1;
		restart();
		open_endpoint(0, UDP);
		open_endpoint(1, UDP);
		YES(0, "1: LEAVE_SESSION_REQUEST|alice|", "0 1: LEAVE_SESSION_ERROR_1|alice|a");
		assert_int_equal(fz_model_worlds(model), 1);
		YES(1, "1: LEAVE_SESSION_REQUEST|bob|", "1 1: LEAVE_SESSION_ERROR_1|bob|a");
		assert_int_equal(fz_model_worlds(model), 2);
		if (forgotten)
			TIME(1000, "@1000 1 1: LEAVE_SESSION_ERROR_1|bob|a");
		else
			TIME(1000, "@1000 1 1: LEAVE_SESSION_ERROR_1|bob|a", "@1000 0 1: LEAVE_SESSION_ERROR_1|alice|a");
		TIME(1251, NULL);
		assert_int_equal(fz_model_worlds(model), 1);
		if (!forgotten)
			NO("REL-12", 0, "1: LEAVE_SESSION_REQUEST|alice|", "0 1: LEAVE_SESSION_ERROR_1|alice|b");
		YES(0, "1: LEAVE_SESSION_REQUEST|alice|", forgotten ? "0 1: LEAVE_SESSION_ERROR_1|alice|b" : "0 1: LEAVE_SESSION_ERROR_1|alice|a");
		stop();
	}
}

/* Of two, it is the one heard longest ago; and a session that ended makes a stranger as well. */
static void the_oldest_stranger(void **unused)
{
	(void)unused;
	start();
	settings.max_strangers = 1;
	restart();
	join(1, UDP, "bob");
	open_endpoint(0, UDP);
	YES(1, "3: LEAVE_SESSION_REQUEST|bob|", "1 3: LEAVE_SESSION_GRANTED|bob|");
	join(2, UDP, "carol");
	YES(2, "3: LEAVE_SESSION_REQUEST|carol|", "2 3: LEAVE_SESSION_GRANTED|carol|");
	assert_int_equal(fz_model_worlds(model), 2);
	LATE("REL-06", 1251, "@1000 1 3: LEAVE_SESSION_GRANTED|bob|"); /* carol's must come */
	TIME(1251, "@1000 2 3: LEAVE_SESSION_GRANTED|carol|");          /* bob's need not */
	assert_int_equal(fz_model_worlds(model), 1);
	stop();
}

/* ---- the model itself ---------------------------------------------------------------------------------------------- */

/* Beyond a ceiling it accepts, and says that it does so. */
static void a_lost_model_says_so(void **unused)
{
	char request[64];

	(void)unused;
	start();
	join(0, UDP, "alice");
	for (int i = 0; i <= FZ_MAX_WAITING; i++) {
		char output[64];

		snprintf(request, sizeof request, "%d: SEND_MESSAGE_REQUEST|alice|a", i + 2);
		snprintf(output, sizeof output, "0 %d: NEW_MESSAGE|alice|a", i + 2);
		assert_false(fz_model_lost(model));
		assert_null(step(0, request, i == 0 ? OUTPUTS(output) : OUTPUTS(NULL)));
	}
	assert_true(fz_model_lost(model));
	assert_null(step(0, "1000: USER_LIST_REQUEST|alice|", OUTPUTS("1 7: NEW_MESSAGE|x|y")));
	stop();
}

/* The table of possible cells and the tests above: neither has what the other lacks. */
static void every_possible_cell_was_visited(void **unused)
{
	char name[128];
	unsigned possible = 0, missing = 0;

	(void)unused;
	for (unsigned cell = 0; cell < FZ_MODEL_CELLS; cell++) {
		possible += fz_model_cell_possible(cell);
		if (fz_model_cell_possible(cell) && !ever_visited[cell]) {
			missing++;
			print_message("never visited: %s\n", fz_model_cell_name(cell, name, sizeof name));
		}
	}
	print_message("%u cells possible, %u never visited\n", possible, missing);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ladder_of_a_movie_room),
		cmocka_unit_test(ladder_of_a_text_with_a_loss),
		cmocka_unit_test(every_cell_of_the_table),
		cmocka_unit_test(a_text_goes_to_its_room_alone),
		cmocka_unit_test(rooms_of_two_movies_are_two),
		cmocka_unit_test(back_in_the_main_room),
		cmocka_unit_test(streams),
		cmocka_unit_test(the_longest_text),
		cmocka_unit_test(names),
		cmocka_unit_test(a_full_server),
		cmocka_unit_test(a_full_room),
		cmocka_unit_test(codes_of_its_own),
		cmocka_unit_test(separators_of_its_own),
		cmocka_unit_test(no_movies),
		cmocka_unit_test(second_sessions),
		cmocka_unit_test(lists_show_what_holds),
		cmocka_unit_test(what_is_no_request_does_nothing),
		cmocka_unit_test(too_long_a_message),
		cmocka_unit_test(a_connection_ends),
		cmocka_unit_test(connections_closed_by_the_server),
		cmocka_unit_test(a_response_never_acked),
		cmocka_unit_test(transmissions_are_counted),
		cmocka_unit_test(death_has_a_window),
		cmocka_unit_test(the_dead_leave_name_and_room),
		cmocka_unit_test(an_ack_at_the_last_moment),
		cmocka_unit_test(one_message_given_up_is_enough),
		cmocka_unit_test(given_up_in_each_state),
		cmocka_unit_test(which_acks_count),
		cmocka_unit_test(acks_of_nothing),
		cmocka_unit_test(the_ack_of_a_second_connection),
		cmocka_unit_test(acks_of_a_new_message),
		cmocka_unit_test(an_ack_with_another_author),
		cmocka_unit_test(repetitions_in_a_session),
		cmocka_unit_test(repetitions_of_every_request),
		cmocka_unit_test(repeated_moves_do_not_move),
		cmocka_unit_test(send_repeated_in_a_movie_room),
		cmocka_unit_test(repetitions_without_a_session),
		cmocka_unit_test(a_repeated_refusal),
		cmocka_unit_test(the_next_request_acks_the_response),
		cmocka_unit_test(one_text_at_a_time),
		cmocka_unit_test(waiting_texts_are_sent_in_their_order),
		cmocka_unit_test(texts_wait_in_a_movie_room),
		cmocka_unit_test(responses_do_not_wait),
		cmocka_unit_test(texts_of_a_room_left),
		cmocka_unit_test(a_session_takes_its_texts_with_it),
		cmocka_unit_test(tcp_waits_for_nothing),
		cmocka_unit_test(mixed_transports),
		cmocka_unit_test(other_numbers),
		cmocka_unit_test(a_udp_recipient_too_slow),
		cmocka_unit_test(a_tcp_peer_that_does_not_read),
		cmocka_unit_test(exactly_max_backlog),
		cmocka_unit_test(a_requester_that_does_not_read),
		cmocka_unit_test(dropped_in_any_state),
		cmocka_unit_test(strangers_forgotten),
		cmocka_unit_test(many_repetitions),
		cmocka_unit_test(the_oldest_stranger),
		cmocka_unit_test(a_lost_model_says_so),
		cmocka_unit_test(every_possible_cell_was_visited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
