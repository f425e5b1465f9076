/* Tests judge/: each rule it finds broken, and next to it what a server may do and must not be blamed for.
 * Run by tests/unit; owns what it allocates. A test is a ladder of lines, a millisecond apart:
 *   "0 udp"     endpoint 0 opens (or "0 tcp");    "+1000"  so many milliseconds pass
 *   "0> …"      it sends this message (CRLF is added; "0>> …": these octets as they are)
 *   "0< …"      it receives it, and it is new to it; "0<= …": it is a repetition; "0<< …": these octets as they are
 *   "! MSG-02"  the line before made this finding; "? REL-05": this suspicion. Every other one fails the test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "judge/judge.h"
#include "judge/timing.h"
#include "protocol/frame.h"

enum { ENDPOINTS = 20, MOST = 64, ROOM = 70000 };

static const int64_t MS = 1000000;

struct bench {
	struct jd *jd;
	int64_t now;
	struct { enum c2w_rule rule; bool suspicion, taken; } found[MOST];
	unsigned count;
	unsigned total;
	char expected[256];
};

static bool is_ours(void *context, struct c2w_str user)
{
	(void)context;
	return !memmem(user.at, user.length, "stranger", 8);
}

static void found(void *context, const struct jd_finding *finding)
{
	struct bench *bench = context;

	bench->total++;
	if (bench->count == MOST)
		return;
	bench->found[bench->count].rule = finding->rule;
	bench->found[bench->count].suspicion = finding->suspicion;
	bench->found[bench->count++].taken = false;
	snprintf(bench->expected, sizeof(bench->expected), "%.*s", (int)finding->expected.length, finding->expected.at);
	assert_true(finding->what[0] != '\0');
}

static struct bench *bench_new(const char *parameter, const char *value)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct jd_options options = { .one_way = MS / 10, .found = found, .context = bench, .ours = is_ours };

	assert_non_null(bench);
	c2w_params_init(&options.params);
	if (parameter)
		assert_int_equal(c2w_params_set(&options.params, c2w_str_of(parameter), c2w_str_of(value)), C2W_OK);
	bench->jd = jd_new(&options, ENDPOINTS);
	assert_non_null(bench->jd);
	bench->now = 1000 * MS;
	return bench;
}

static void bench_free(struct bench *bench)
{
	jd_free(bench->jd);
	free(bench);
}

static void assert_quiet(const struct bench *bench, const char *line)
{
	for (unsigned i = 0; i < bench->count; i++)
		if (!bench->found[i].taken)
			fail_msg("unexpected %s %s before: %s", bench->found[i].suspicion ? "suspicion" : "finding",
			         c2w_rule_info(bench->found[i].rule)->id, line);
}

static void assert_found(struct bench *bench, const char *id, bool suspicion)
{
	for (unsigned i = 0; i < bench->count; i++)
		if (!bench->found[i].taken && bench->found[i].suspicion == suspicion &&
		    strcmp(c2w_rule_info(bench->found[i].rule)->id, id) == 0) {
			bench->found[i].taken = true;
			return;
		}
	assert_quiet(bench, "the line after it");
	fail_msg("no %s %s", suspicion ? "suspicion" : "finding", id);
}

/* Copies text without its NUL; returns what is behind it. */
static char *put(char *to, const char *text)
{
	struct c2w_str octets = c2w_str_of(text);

	memcpy(to, octets.at, octets.length);
	return to + octets.length;
}

static void give(struct bench *bench, unsigned endpoint, const char *line)
{
	char octets[ROOM];
	bool received = *line == '<', raw = line[1] == *line, repetition = line[1] == '=';
	const char *text = line + 1 + (raw || repetition);
	size_t length;

	text += *text == ' ';
	length = strlen(text);
	assert_true(length + 2 < ROOM);
	put(put(octets, text), "\r\n");
	length += raw ? 0 : 2;
	bench->now += MS;
	if (!received) {
		jd_sent(bench->jd, endpoint, bench->now, octets, length);
		return;
	}
	jd_received(bench->jd, endpoint, bench->now, octets, length);
	if (jd_last(bench->jd)->repetition != repetition)
		fail_msg("%sa repetition: %u%s", repetition ? "not " : "", endpoint, line);
}

static void step(struct bench *bench, const char *line)
{
	unsigned endpoint;
	char *behind;

	if (*line == '!' || *line == '?') {
		assert_found(bench, line + 2, *line == '?');
		return;
	}
	assert_quiet(bench, line);
	bench->count = 0;
	if (*line == '+') {
		bench->now += strtol(line + 1, NULL, 10) * MS;
		return;
	}
	endpoint = (unsigned)strtoul(line, &behind, 10);
	assert_ptr_not_equal(behind, line);
	line = behind;
	if (strcmp(line, " udp") == 0 || strcmp(line, " tcp") == 0)
		jd_open(bench->jd, endpoint, line[1] == 't', bench->now);
	else if (strcmp(line, " closes") == 0)
		jd_close(bench->jd, endpoint, bench->now);
	else
		give(bench, endpoint, line);
}

static void play(struct bench *bench, const char *const *lines)
{
	for (; *lines; lines++)
		step(bench, *lines);
	assert_quiet(bench, "the end");
}

#define LADDER(...) ladder(NULL, NULL, (const char *const[]){ __VA_ARGS__, NULL })
#define LADDER_WITH(name, value, ...) ladder(name, value, (const char *const[]){ __VA_ARGS__, NULL })

static void ladder(const char *parameter, const char *value, const char *const *lines)
{
	struct bench *bench = bench_new(parameter, value);

	play(bench, lines);
	bench_free(bench);
}

/* n: endpoint, t: transport, who connects with TIME 1.0 and acks. */
#define CONNECTS(n, t, who) \
	#n " " #t, #n "> 1.0: CONNECTION_REQUEST|" who "|", #n "< 1.0: CONNECTION_GRANTED|" who "|", #n "> 1.0: CONNECTION_RESPONSE_ACK|" who "|"
#define ENTERS(n, who, title) \
	#n "> 2.0: ENTER_MOVIE_REQUEST|" who "|" title, #n "< 2.0: ENTER_MOVIE_GRANTED|" who "|127.0.0.1:5004", \
	#n "> 2.0: ENTER_MOVIE_RESPONSE_ACK|" who "|"

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): CONNECTS and ENTERS join strings on purpose. */

/* ---- what a right server does ------------------------------------------------------------------ */

static void the_ladders_of_the_protocol_are_silent(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"),
	       "0> 11.0: MOVIE_LIST_REQUEST|alice|", "0< 11.0: MOVIE_LIST_RESPONSE|alice|Metropolis|M", "0> 11.0: MOVIE_LIST_RESPONSE_ACK|alice|",
	       "0> 12.0: ENTER_MOVIE_REQUEST|alice|Metropolis", "0< 12.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004",
	       "0> 12.0: ENTER_MOVIE_RESPONSE_ACK|alice|",
	       "1> 12.0: ENTER_MOVIE_REQUEST|bob|Metropolis", "1< 12.0: ENTER_MOVIE_GRANTED|bob|[2001:db8::7]:5004",
	       "0> 13.0: SEND_MESSAGE_REQUEST|alice|hi | there: x", "0< 13.0: NEW_MESSAGE|alice|hi | there: x", "1< 13.0: NEW_MESSAGE|alice|hi | there: x",
	       "0> 13.0: NEW_MESSAGE_RESPONSE_ACK|alice|alice",
	       "0> 14.0: USER_LIST_REQUEST|alice|", "0< 14.0: USER_LIST_RESPONSE|alice|bob,Metropolis|alice,Metropolis",
	       "0> 15.0: LEAVE_SESSION_REQUEST|alice|", "0< 15.0: LEAVE_SESSION_GRANTED|alice|", "0> 15.0: LEAVE_SESSION_RESPONSE_ACK|alice|",
	       "0> 16.0: USER_LIST_REQUEST|alice|", "0< 16.0: USER_LIST_RESPONSE|alice|bob,Metropolis|alice,MAIN_ROOM",
	       "0> 17.0: LEAVE_SESSION_REQUEST|alice|", "0< 17.0: LEAVE_SESSION_GRANTED|alice|", "0> 17.0: LEAVE_SESSION_RESPONSE_ACK|alice|",
	       "0> 18.0: LEAVE_SESSION_REQUEST|alice|", "0< 18.0: LEAVE_SESSION_ERROR_1|alice|nobody is here");
}

static void retransmissions_are_silent(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|",
	       "+1100", "0<= 1.50: CONNECTION_GRANTED|alice|", "+950", "0<= 1.50: CONNECTION_GRANTED|alice|");
}

static void copies_for_repeated_requests_are_silent(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"),
	       "0> 2.0: USER_LIST_REQUEST|alice|", "0> 2.0: USER_LIST_REQUEST|alice|", "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM",
	       "0<= 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM", "0> 2.0: USER_LIST_RESPONSE_ACK|alice|",
	       "0> 2.0: USER_LIST_REQUEST|alice|", "0<= 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM",
	       "1> 2.0: USER_LIST_REQUEST|bob|", "1> 2.00: USER_LIST_REQUEST|bob|", "1< 2.0: USER_LIST_RESPONSE|bob|alice,MAIN_ROOM|bob,MAIN_ROOM",
	       "1<= 2.0: USER_LIST_RESPONSE|bob|alice,MAIN_ROOM|bob,MAIN_ROOM",
	       "1> 3.0: SEND_MESSAGE_REQUEST|bob|x", "1> 3.0: SEND_MESSAGE_REQUEST|bob|y", "1< 3.0: NEW_MESSAGE|bob|x", "0< 3.0: NEW_MESSAGE|bob|x",
	       "1<= 3.0: NEW_MESSAGE|bob|x");
}

static void strangers_are_checked_for_form_only(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), "0< 7.50: NEW_MESSAGE|a-stranger|hi", "0< 7.50: NEW_MESSAGE|b-stranger|hi", "0<= 7.50: NEW_MESSAGE|b-stranger|hi",
	       "0< 7.50: NEW_MESSAGE|a stranger|hi", "! FMT-03");
}

/* ---- form ---------------------------------------------------------------------------------- */

static void grammar_and_direction(void **state)
{
	(void)state;
	LADDER("0 tcp", "0> 1.0: CONNECTION_REQUEST|alice|",
	       "0< 1.0 CONNECTION_GRANTED|alice|", "! FMT-01",
	       "0< 1.0: CONNECTION_GRANTED|alice", "! FMT-01",
	       "0< 1.0: CONNECTION_ERROR_12|alice|", "! FMT-01",
	       "0< 1.0: CONNECTION_REQUEST|alice|", "! FMT-01",
	       "0< 1.0: CONNECTION_GRANTED|ali\377ce|", "! FMT-01",
	       "0< 1.0: CONNECTION_ERROR_1001|alice|a\rb", "! FMT-01");
}

static void a_datagram_is_one_message(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0<< 1.0: CONNECTION_GRANTED|alice|", "! TRN-02",
	       "0<< 1.0: CONNECTION_GRANTED|alice|\n",
	       "0<< 1.0: CONNECTION_GRANTED|alice|\r\n1.0: CONNECTION_GRANTED|alice|\r\n", "! TRN-02");
	LADDER("0 tcp", "0> 1.0: CONNECTION_REQUEST|alice|", "0<< 1.0: CONNECTION_GRANTED|alice|", "! TRN-03");
}

static void what_follows_an_over_long_request_is_not_judged(void **state)
{
	static char line[6000];

	(void)state;
	memset(put(line, "0>> "), 'x', 5000);
	LADDER("0 tcp", "0> 1.0: CONNECTION_REQUEST|alice|", line, "0<< 1.0: CONNECTION_GRA");
	LADDER("0 tcp", line, "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|");
}

static void a_message_to_a_client_has_65507_octets_at_most(void **state)
{
	static char octets[ROOM];
	struct bench *bench = bench_new(NULL, NULL);
	char *reason = put(octets, "1.0: CONNECTION_ERROR_1001|alice|");

	(void)state;
	step(bench, "0 udp");
	step(bench, "0> 1.0: CONNECTION_REQUEST|alice|");
	memset(reason, 'x', (size_t)(octets + 65505 - reason));
	put(octets + 65505, "\r\n");
	jd_received(bench->jd, 0, bench->now, octets, 65507);
	assert_quiet(bench, "the longer one");
	put(octets + 65505, "x\r\n");
	jd_received(bench->jd, 0, bench->now, octets, 65508);
	assert_found(bench, "FMT-07", false);
	bench_free(bench);
}

static void data_where_there_is_none(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|welcome", "! FMT-09");
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: LEAVE_SESSION_REQUEST|alice|bye", "0< 2.0: LEAVE_SESSION_GRANTED|alice|bye", "! FMT-09");
}

static void user_lists(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: USER_LIST_REQUEST|alice|", "0< 2.0: USER_LIST_RESPONSE|alice|", "! LST-01",
	       "0> 3.0: USER_LIST_REQUEST|alice|", "0< 3.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob", "! LST-01",
	       "0> 4.0: USER_LIST_REQUEST|alice|", "0< 4.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|b b,MAIN_ROOM", "! LST-01",
	       "0> 5.0: USER_LIST_REQUEST|alice|", "0< 5.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|alice,MAIN_ROOM", "! LST-01",
	       "0> 6.0: USER_LIST_REQUEST|alice|", "0< 6.0: USER_LIST_RESPONSE|alice|bob,MAIN_ROOM", "! LST-01",
	       "0> 7.0: USER_LIST_REQUEST|alice|", "0< 7.0: USER_LIST_RESPONSE|alice|alice,Metropolis", "! LST-01",
	       "0> 8.0: USER_LIST_REQUEST|alice|", "0< 8.0: USER_LIST_RESPONSE|alice|bob,Rear Window, 1954|alice,MAIN_ROOM");
	LADDER_WITH("list-separator", ";;", CONNECTS(0, tcp, "alice"), "0> 2.0: USER_LIST_REQUEST|alice|",
	            "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM;;bob,M;1", "0> 3.0: USER_LIST_REQUEST|alice|",
	            "0< 3.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,M", "! LST-01");
	LADDER_WITH("main-room", "lobby", CONNECTS(0, tcp, "alice"), "0> 2.0: USER_LIST_REQUEST|alice|",
	            "0< 2.0: USER_LIST_RESPONSE|alice|alice,lobby|bob,MAIN_ROOM");
}

static void who_never_entered_a_room_is_in_the_main_room(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), "0> 3.0: USER_LIST_REQUEST|alice|", "0< 3.0: USER_LIST_RESPONSE|alice|alice,M", "! LST-01");
	LADDER(CONNECTS(0, udp, "alice"), ENTERS(0, "alice", "M"), "0> 3.0: USER_LIST_REQUEST|alice|", "0< 3.0: USER_LIST_RESPONSE|alice|alice,M");
	/* overtaken by a request that moves it */
	LADDER(CONNECTS(0, udp, "alice"), "0> 3.0: USER_LIST_REQUEST|alice|", "0> 4.0: ENTER_MOVIE_REQUEST|alice|M",
	       "0< 3.0: USER_LIST_RESPONSE|alice|alice,M", "0< 4.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004");
}

static void movie_lists(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: MOVIE_LIST_REQUEST|alice|", "0< 2.0: MOVIE_LIST_RESPONSE|alice|M|M", "! LST-02",
	       "0> 3.0: MOVIE_LIST_REQUEST|alice|", "0< 3.0: MOVIE_LIST_RESPONSE|alice|M|", "! LST-02",
	       "0> 4.0: MOVIE_LIST_REQUEST|alice|", "0< 4.0: MOVIE_LIST_RESPONSE|alice|M|MAIN_ROOM", "! LST-02",
	       "0> 5.0: MOVIE_LIST_REQUEST|alice|", "0< 5.0: MOVIE_LIST_RESPONSE|alice|M|N",
	       "1> 6.0: MOVIE_LIST_REQUEST|bob|", "1< 6.0: MOVIE_LIST_RESPONSE|bob|N|M",
	       "1> 7.0: MOVIE_LIST_REQUEST|bob|", "1< 7.0: MOVIE_LIST_RESPONSE|bob|N|O", "! LST-02",
	       "1> 8.0: MOVIE_LIST_REQUEST|bob|", "1< 8.0: MOVIE_LIST_RESPONSE|bob|", "! LST-02");
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: MOVIE_LIST_REQUEST|alice|", "0< 2.0: MOVIE_LIST_RESPONSE|alice|",
	       "0> 3.0: MOVIE_LIST_REQUEST|alice|", "0< 3.0: MOVIE_LIST_RESPONSE|alice|");
}

static void a_long_list_of_movies(void **state)
{
	static char octets[ROOM];
	struct bench *bench = bench_new(NULL, NULL);
	size_t length = 0;

	(void)state;
	play(bench, (const char *const[]){ CONNECTS(0, tcp, "alice"), "0> 2.0: MOVIE_LIST_REQUEST|alice|", NULL });
	length = (size_t)sprintf(octets, "2.0: MOVIE_LIST_RESPONSE|alice|0");
	for (unsigned i = 1; length < 65490; i++)
		length += (size_t)sprintf(octets + length, "|%x", i);
	put(octets + length, "\r\n");
	jd_received(bench->jd, 0, bench->now, octets, length + 2);
	assert_quiet(bench, "the one with a title twice");
	step(bench, "0> 3.0: MOVIE_LIST_REQUEST|alice|");
	octets[0] = '3';
	put(octets + length, "|0\r\n");
	jd_received(bench->jd, 0, bench->now, octets, length + 4);
	assert_found(bench, "LST-02", false);
	bench_free(bench);
}

static void streams(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: ENTER_MOVIE_REQUEST|alice|M", "0< 2.0: ENTER_MOVIE_GRANTED|alice|localhost:5004", "! ENT-06");
	LADDER_WITH("stream", "any", CONNECTS(0, tcp, "alice"), "0> 2.0: ENTER_MOVIE_REQUEST|alice|M", "0< 2.0: ENTER_MOVIE_GRANTED|alice|localhost:5004");
}

/* ---- echo ---------------------------------------------------------------------------------- */

static void time_is_echoed_octet_for_octet(void **state)
{
	struct bench *bench = bench_new(NULL, NULL);

	(void)state;
	play(bench, (const char *const[]){ "0 udp", "0> 7.50: CONNECTION_REQUEST|alice|", "0< 7.5: CONNECTION_GRANTED|alice|", "! FMT-02", NULL });
	assert_string_equal(bench->expected, "7.50");
	bench_free(bench);
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: USER_LIST_REQUEST|alice|", "0< 1511367000.125: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! FMT-02",
	       "0> 3.0: USER_LIST_REQUEST|alice|", "0< 3.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM",
	       "0> 4.0: MOVIE_LIST_REQUEST|alice|", "0< x: MOVIE_LIST_RESPONSE|alice|M", "! FMT-01", "! FMT-02");
	LADDER("0 tcp", "0< 4.0: CONNECTION_GRANTED|alice|", "! FMT-02");
	LADDER("0 tcp", "0< 4.0: CONNECTION_GRANTED|a-stranger|"); /* meant for an earlier owner of the port */
}

static void a_time_written_twice_may_be_echoed_either_way(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 7.50: CONNECTION_REQUEST|alice|", "0> 7.5: CONNECTION_REQUEST|alice|", "0< 7.5: CONNECTION_GRANTED|alice|",
	       "0<= 7.5: CONNECTION_GRANTED|alice|");
}

static void user_is_echoed_octet_for_octet(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 7.50: CONNECTION_REQUEST|alice|", "0< 7.50: CONNECTION_GRANTED|Alice|", "! FMT-03");
	LADDER("0 udp", "0> 7.50: CONNECTION_REQUEST|alice|", "0< 7.51: CONNECTION_GRANTED||", "! FMT-02", "! FMT-03");
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST||", "0< 1.0: CONNECTION_ERROR_1002||no name");
	LADDER("0 udp", "0> 9.0: CONNECTION_REQUEST||", "0< 9.0: CONNECTION_ERROR_1002||no name", "0> 9.0: CONNECTION_RESPONSE_ACK||",
	       "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|", "0> 1.0: CONNECTION_RESPONSE_ACK|alice|",
	       "0> 9.0: CONNECTION_REQUEST||", "0< 9.0: CONNECTION_ERROR_1004||one session is enough"); /* CON-05 comes first */
}

static void a_user_too_long_is_not_the_requests(void **state)
{
	static char line[400];

	(void)state;
	memset(put(line, "0< 7.50: CONNECTION_GRANTED|"), 'x', 256);
	put(line + strlen(line), "|");
	LADDER("0 udp", "0> 7.50: CONNECTION_REQUEST|alice|", line, "! FMT-01", "! FMT-03");
}

static void an_answer_goes_where_the_request_came_from(void **state)
{
	(void)state;
	LADDER("0 udp", "1 udp", "0> 2.0: CONNECTION_REQUEST|alice|", "1< 2.0: CONNECTION_GRANTED|alice|", "! TRN-04");
	LADDER(CONNECTS(0, tcp, "alice"), "1 tcp", "1> 2.0: LEAVE_SESSION_REQUEST|alice|", "0< 2.0: LEAVE_SESSION_ERROR_1|alice|", "! TRN-04");
	/* a stale TIME of the same user's earlier endpoint is no stray */
	LADDER(CONNECTS(0, tcp, "alice"), "0 closes", "1 tcp", "1> 5.0: CONNECTION_REQUEST|alice|", "1< 1.0: CONNECTION_GRANTED|alice|", "! FMT-02");
}

static void what_must_be_discarded_is_not_answered(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: user_list_request|alice|", "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! FMT-06",
	       "0> 3.0:  USER_LIST_REQUEST|alice|", "0< 3.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! FMT-05",
	       "0>> 4.0: USER_LIST_REQUEST|alice|", "0< 4.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! FMT-05",
	       "0>> 5.0: USER_LIST_REQUEST|alice|\r\n6.0: MOVIE_LIST_REQUEST|alice|\r\n", "0< 6.0: MOVIE_LIST_RESPONSE|alice|M", "! FMT-05",
	       "0> x7: USER_LIST_REQUEST|alice|", "0< x7: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! FMT-01", "! FMT-05",
	       "0> 8.0: NEW_MESSAGE|alice|hi", "0< 8.0: NEW_MESSAGE|alice|hi", "! FMT-06");
	/* nor what is left of it where its beginning is skipped, or was lost */
	LADDER(CONNECTS(0, udp, "alice"), "0>  12.0: USER_LIST_REQUEST|alice|", "0< 12.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! FMT-05");
	LADDER("0 tcp", "0>> 9.5:", "0>> 2.0: CONNECTION_REQUEST|alice|\r\n", "0< 2.0: CONNECTION_GRANTED|alice|", "! FMT-05");
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "0> x2.0: SEND_MESSAGE_REQUEST|alice|hello", "1< 2.0: NEW_MESSAGE|alice|hello", "! FMT-05");
	/* the same request came well-formed, too */
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: user_list_request|alice|", "0> 2.0: USER_LIST_REQUEST|alice|",
	       "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
}

static void a_longer_datagram_than_max_request_is_not_answered(void **state)
{
	static char line[5000];

	(void)state;
	strcpy(line, "0> 2.0: USER_LIST_REQUEST|alice|");
	memset(line + strlen(line), 'x', 4097 - 2 - strlen(line + 3));
	LADDER(CONNECTS(0, udp, "alice"), line, "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! FMT-07");
	line[strlen(line) - 1] = '\0';
	LADDER(CONNECTS(0, udp, "alice"), line, "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
}

static void what_a_bad_reader_may_make_of_junk_is_not_judged(void **state)
{
	(void)state;
	/* of a malformed message, or of a stream cut anywhere */
	LADDER("0 tcp", "0>> 1", "0>> 2.0: CONNECTION_REQUEST|alice|\r\n", "0< 2.0: CONNECTION_GRANTED|alice|");
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0:  SEND_MESSAGE_REQUEST|alice|a", "0> 2.0: SEND_MESSAGE_REQUEST|alice|b",
	       "1< 2.0: NEW_MESSAGE|alice|a", "! FMT-05", "1< 2.0: NEW_MESSAGE|alice|b");
	/* so many texts under one TIME that not all are remembered: one of them, and no junk that says the same */
	LADDER("0 tcp", "0> 9: SEND_MESSAGE_REQUEST|alice|a", "0> 9: SEND_MESSAGE_REQUEST|alice|b", "0> 9: SEND_MESSAGE_REQUEST|alice|c",
	       "0> 9: SEND_MESSAGE_REQUEST|alice|d", "0> 9: UNKNOWN|alice|e", "0> 8: CONNECTION_REQUEST|alice|", "0< 8: CONNECTION_GRANTED|alice|",
	       "0> 9: SEND_MESSAGE_REQUEST|alice|e", "0< 9: NEW_MESSAGE|alice|e");
}

#define CHAT CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), CONNECTS(2, udp, "mallory")

static void junk_excuses_what_may_be_made_of_it_only(void **state)
{
	(void)state;
	LADDER(CHAT, "2> 8.5: NONSENSE|mallory|hi", "0> 2.0: SEND_MESSAGE_REQUEST|alice|hello", "1< 9.0: NEW_MESSAGE|alice|hello", "! FMT-02");
	LADDER(CHAT, "0> 8.5: NONSENSE|alice|hi", "0> 2.0: SEND_MESSAGE_REQUEST|alice|hello", "1< 9.0: NEW_MESSAGE|alice|hello", "! FMT-02");
	LADDER(CHAT, "2> 8.5: NONSENSE|mallory|hi", "0> 2.0: SEND_MESSAGE_REQUEST|alice|hello", "1< 2.0: NEW_MESSAGE|bob|hello", "! FMT-03");
	LADDER(CHAT, "2> 8.5: NONSENSE|mallory|hi", "1< 9.0: NEW_MESSAGE|alice|alice has come", "! MSG-02");
	/* its TIME, its text, its author's name or the name of who sent it */
	LADDER(CHAT, "2> 8.5: NONSENSE|mallory|hi", "0> 2.0: SEND_MESSAGE_REQUEST|alice|hello", "1< 8.5: NEW_MESSAGE|alice|hello");
	LADDER(CHAT, "2> 8.5: NONSENSE|mallory|hello!", "0> 2.0: SEND_MESSAGE_REQUEST|alice|hello", "1< 9.0: NEW_MESSAGE|alice|hello");
	LADDER(CHAT, "2>> a\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng\r\nh\r\nsay hello\r\n", "0> 2.0: SEND_MESSAGE_REQUEST|alice|hello", "1< 9.0: NEW_MESSAGE|alice|hello");
	LADDER(CHAT, "2> 8.5: NONSENSE|alice|hi", "1< 9.0: NEW_MESSAGE|alice|whatever");
	LADDER(CHAT, "0> 8.5: NONSENSE||hi", "1< 9.0: NEW_MESSAGE|alice|whatever");
}

/* ---- states ---------------------------------------------------------------------------------- */

static void the_table_of_states(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 1.0: USER_LIST_REQUEST|alice|", "0< 1.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! LST-05");
	LADDER("0 udp", "0> 1.0: ENTER_MOVIE_REQUEST|alice|M", "0< 1.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:1", "! ENT-04");
	LADDER("0 udp", "0> 1.0: ENTER_MOVIE_REQUEST|alice|M", "0< 1.0: ENTER_MOVIE_ERROR_2002|alice|", "! ENT-04");
	LADDER("0 udp", "0> 1.0: LEAVE_SESSION_REQUEST|alice|", "0< 1.0: LEAVE_SESSION_GRANTED|alice|", "! LEA-03");
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|a b|", "0< 1.0: CONNECTION_GRANTED|a b|", "! CON-03");
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|a b|", "0< 1.0: CONNECTION_ERROR_1001|a b|", "! CON-03");
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: ENTER_MOVIE_REQUEST|alice|", "0< 2.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:1", "! ENT-02",
	       "0> 3.0: LEAVE_SESSION_REQUEST|alice|", "0< 3.0: LEAVE_SESSION_GRANTED|alice|", "0> 4.0: ENTER_MOVIE_REQUEST|alice|MAIN_ROOM",
	       "0< 4.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:1", "! ENT-02");
	/* what was malformed may have been taken for a CONNECTION_REQUEST: that is another rule */
	LADDER("0 tcp", "0> x: CONNECTION_REQUEST|alice|", "0> 1.0: USER_LIST_REQUEST|alice|", "0< 1.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	/* UDP: overtaken */
	LADDER("0 udp", "0> 2.0: USER_LIST_REQUEST|alice|", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|",
	       "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
}

static void codes_set_to_any_are_taken(void **state)
{
	(void)state;
	LADDER_WITH("name-invalid", "any", "0 udp", "0> 1.0: CONNECTION_REQUEST|a b|", "0< 1.0: CONNECTION_ERROR_1001|a b|");
	LADDER_WITH("not-connected", "any", "0 udp", "0> 1.0: ENTER_MOVIE_REQUEST|ab|M", "0< 1.0: ENTER_MOVIE_ERROR_9999|ab|");
	LADDER_WITH("no-session", "any", "0 udp", "0> 1.0: LEAVE_SESSION_REQUEST|ab|", "0< 1.0: LEAVE_SESSION_ERROR_9|ab|");
}

static void right_errors_are_silent(void **state)
{
	(void)state;
	LADDER("0 tcp", "0> 1.0: CONNECTION_REQUEST|ab|", "0< 1.0: CONNECTION_ERROR_1001|ab|", "0> 2.0: CONNECTION_REQUEST|ab|", "0< 2.0: CONNECTION_ERROR_1003|ab|",
	       "0> 3.0: ENTER_MOVIE_REQUEST|ab|M", "0< 3.0: ENTER_MOVIE_ERROR_2001|ab|", "0> 4.0: LEAVE_SESSION_REQUEST|ab|", "0< 4.0: LEAVE_SESSION_ERROR_1|ab|",
	       "0> 5.0: CONNECTION_REQUEST|ab|", "0< 5.0: CONNECTION_GRANTED|ab|", "0> 6.0: CONNECTION_REQUEST|x y|", "0< 6.0: CONNECTION_ERROR_1004|x y|",
	       "0> 7.0: ENTER_MOVIE_REQUEST|ab|N", "0< 7.0: ENTER_MOVIE_ERROR_2002|ab|", "0> 8.0: ENTER_MOVIE_REQUEST|ab|M", "0< 8.0: ENTER_MOVIE_GRANTED|ab|127.0.0.1:1",
	       "0> 9.0: ENTER_MOVIE_REQUEST|ab|M", "0< 9.0: ENTER_MOVIE_ERROR_2003|ab|");
}

static void a_udp_session_may_have_ended_unseen(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: ENTER_MOVIE_REQUEST|alice|M", "0< 2.0: ENTER_MOVIE_ERROR_2001|alice|",
	       "0> 3.0: CONNECTION_REQUEST|alice|", "0< 3.0: CONNECTION_GRANTED|alice|");
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_GRANTED|alice|");
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: LEAVE_SESSION_REQUEST|alice|", "0< 2.0: LEAVE_SESSION_ERROR_1|alice|");
}

static void nobody_asks_for_somebody_else(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: USER_LIST_REQUEST|bob|", "0< 2.0: USER_LIST_RESPONSE|bob|bob,MAIN_ROOM|alice,MAIN_ROOM", "! NAM-01");
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: LEAVE_SESSION_REQUEST|bob|", "0< 2.0: LEAVE_SESSION_GRANTED|bob|", "! NAM-01");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|bob|hi", "1< 2.0: NEW_MESSAGE|bob|hi", "! NAM-01");
}

static void a_name_that_was_never_asked_for_is_not_answered_as_another(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: USER_LIST_REQUEST|bob|", "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "! NAM-01");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|bob|hi", "1< 2.0: NEW_MESSAGE|alice|hi", "! NAM-01");
	/* it asked for both names, and has one of them */
	LADDER("0 tcp", "0> 1.0: CONNECTION_REQUEST|bob|", "0< 1.0: CONNECTION_ERROR_1001|bob|", "0> 2.0: CONNECTION_REQUEST|alice|",
	       "0< 2.0: CONNECTION_GRANTED|alice|", "0> 3.0: USER_LIST_REQUEST|bob|", "0< 3.0: USER_LIST_RESPONSE|bob|alice,MAIN_ROOM");
}

static void pipelined_requests_are_silent(void **state)
{
	(void)state;
	LADDER("0 tcp", "0> 1.0: CONNECTION_REQUEST|alice|", "0> 2.0: USER_LIST_REQUEST|alice|", "0> 3.0: ENTER_MOVIE_REQUEST|alice|M",
	       "0> 4.0: SEND_MESSAGE_REQUEST|alice|hi", "0> 5.0: LEAVE_SESSION_REQUEST|alice|", "0> 6.0: LEAVE_SESSION_REQUEST|alice|",
	       "0> 7.0: CONNECTION_REQUEST|bob|", "0< 1.0: CONNECTION_GRANTED|alice|", "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM",
	       "0< 3.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:1", "0< 4.0: NEW_MESSAGE|alice|hi", "0< 5.0: LEAVE_SESSION_GRANTED|alice|",
	       "0< 6.0: LEAVE_SESSION_GRANTED|alice|", "0< 7.0: CONNECTION_GRANTED|bob|", "0> 8.0: USER_LIST_REQUEST|bob|",
	       "0< 8.0: USER_LIST_RESPONSE|bob|bob,MAIN_ROOM");
	LADDER("0 tcp", "0>> 1.0: CONNECTION_REQ", "0>> UEST|alice|\r", "0>> \n2.0: USER_LIST_REQUEST|alice|\r\n3.0: LEAVE", "0< 1.0: CONNECTION_GRANTED|alice|",
	       "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
}

/* ---- at most once ------------------------------------------------------------------------------ */

static void too_old_a_request_is_not_executed(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), "0> 5.0: USER_LIST_REQUEST|alice|", "0< 5.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM",
	       "0> 4.0: MOVIE_LIST_REQUEST|alice|", "0< 4.0: MOVIE_LIST_RESPONSE|alice|M", "! REL-11",
	       "0> 5.0: SEND_MESSAGE_REQUEST|alice|x", "0< 5.0: NEW_MESSAGE|alice|x", "! REL-11");
	/* another session begins anew, whatever its TIME */
	LADDER(CONNECTS(0, tcp, "alice"), "0> 5.0: LEAVE_SESSION_REQUEST|alice|", "0< 5.0: LEAVE_SESSION_GRANTED|alice|",
	       "0> 0.5: CONNECTION_REQUEST|alice|", "0< 0.5: CONNECTION_GRANTED|alice|", "0> 0.6: USER_LIST_REQUEST|alice|",
	       "0< 0.6: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
}

static void a_repetition_gets_the_same_answer(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: ENTER_MOVIE_REQUEST|alice|M", "0< 2.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:1", "0> 2.0: ENTER_MOVIE_REQUEST|alice|M",
	       "0<= 2.0: ENTER_MOVIE_ERROR_2003|alice|", "! REL-11");
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: USER_LIST_REQUEST|alice|", "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM",
	       "0> 2.0: USER_LIST_REQUEST|alice|", "0<= 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM", "! REL-11");
	LADDER("0 udp", "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_ERROR_1001|alice|", "0> 2.0: CONNECTION_REQUEST|alice|",
	       "0<= 2.0: CONNECTION_GRANTED|alice|", "! REL-12");
}

static void without_a_session_a_repetition_may_be_answered_anew(void **state)
{
	(void)state;
	/* acked */
	LADDER("0 udp", "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_ERROR_1001|alice|", "0> 2.0: CONNECTION_RESPONSE_ACK|alice|",
	       "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_GRANTED|alice|");
	/* REL-12: TCP may do either */
	LADDER("0 tcp", "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_ERROR_1001|alice|", "0> 2.0: CONNECTION_REQUEST|alice|",
	       "0< 2.0: CONNECTION_GRANTED|alice|");
	/* superseded, REL-13 */
	LADDER("0 udp", "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_ERROR_1001|alice|", "0> 3.0: LEAVE_SESSION_REQUEST|alice|",
	       "0< 3.0: LEAVE_SESSION_ERROR_1|alice|", "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_GRANTED|alice|");
	/* given up, and forgotten */
	LADDER("0 udp", "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_ERROR_1001|alice|", "+5000", "0> 2.0: CONNECTION_REQUEST|alice|",
	       "0< 2.0: CONNECTION_GRANTED|alice|");
	/* left, then the same again: a network's copy of the request */
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: LEAVE_SESSION_REQUEST|alice|", "0< 2.0: LEAVE_SESSION_GRANTED|alice|", "0> 2.0: LEAVE_SESSION_RESPONSE_ACK|alice|",
	       "0< 2.0: LEAVE_SESSION_ERROR_1|alice|");
	/* a session with the TIME of the one before */
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: LEAVE_SESSION_REQUEST|alice|", "0< 2.0: LEAVE_SESSION_GRANTED|alice|",
	       "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|", "0> 2.0: LEAVE_SESSION_REQUEST|alice|", "0< 2.0: LEAVE_SESSION_GRANTED|alice|");
}

static void families_are_exchanges_of_their_own(void **state)
{
	(void)state;
	LADDER("0 tcp", "0> 2.0: LEAVE_SESSION_REQUEST|alice|", "0< 2.0: LEAVE_SESSION_ERROR_1|alice|", "0> 2.0: ENTER_MOVIE_REQUEST|alice|M",
	       "0< 2.0: ENTER_MOVIE_ERROR_2001|alice|", "0> 2.0: CONNECTION_REQUEST|alice|", "0< 2.0: CONNECTION_GRANTED|alice|");
}

/* ---- retransmissions ------------------------------------------------------------------------------ */

static void again_means_octet_for_octet(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.5: CONNECTION_GRANTED|alice|", "! REL-04",
	       "+999", "0<= 1.5: CONNECTION_GRANTED|alice|");
	LADDER("0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_ERROR_1001|alice|a", "+999", "0<= 1.50: CONNECTION_ERROR_1001|alice|b", "! REL-04");
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, udp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0< 2.0: NEW_MESSAGE|alice|x",
	       "1< 2.0: NEW_MESSAGE|alice|x", "+999", "1<= 2.0: NEW_MESSAGE|alice|x ", "! REL-04");
}

static void not_more_than_max_retransmits(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|",
	       "+999", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|", "! REL-06");
	LADDER_WITH("max-retransmits", "auto", "0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_GRANTED|alice|", "+999",
	            "0<= 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999",
	            "0<= 1.50: CONNECTION_GRANTED|alice|");
	/* copies for repeated requests do not count: REL-18 */
	LADDER("0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_GRANTED|alice|", "+500", "0> 1.50: CONNECTION_REQUEST|alice|",
	       "0<= 1.50: CONNECTION_GRANTED|alice|", "+497", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|",
	       "+500", "0> 1.50: CONNECTION_REQUEST|alice|", "0<= 1.50: CONNECTION_GRANTED|alice|", "+497", "0<= 1.50: CONNECTION_GRANTED|alice|");
	/* whom so many texts wait for may have been dropped, unseen: then its repetition opens another session. ROB-03 */
	LADDER_WITH("max-backlog", "200", "0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_GRANTED|alice|", CONNECTS(1, tcp, "bob"),
	            "1> 2: SEND_MESSAGE_REQUEST|bob|x", "0< 2: NEW_MESSAGE|bob|x", "1< 2: NEW_MESSAGE|bob|x", "1> 3: SEND_MESSAGE_REQUEST|bob|x",
	            "1< 3: NEW_MESSAGE|bob|x", "+990", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999",
	            "0<= 1.50: CONNECTION_GRANTED|alice|", "+100", "0> 1.50: CONNECTION_REQUEST|alice|", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999",
	            "0<= 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|", "+999", "0<= 1.50: CONNECTION_GRANTED|alice|");
	/* one datagram that the network delivers twice is a doubt */
	LADDER_WITH("max-retransmits", "0", "0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_GRANTED|alice|",
	            "0<= 1.50: CONNECTION_GRANTED|alice|", "? REL-06", "? REL-05");
}

static void pace_is_a_suspicion(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 1.50: CONNECTION_REQUEST|alice|", "0< 1.50: CONNECTION_GRANTED|alice|", "+500", "0<= 1.50: CONNECTION_GRANTED|alice|", "? REL-05");
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.0: USER_LIST_REQUEST|alice|", "+600", "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "? REL-17");
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "+600", "0< 2.0: NEW_MESSAGE|alice|x", "? REL-17");
	/* it may have waited for another's ack: REL-14 */
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "1> 1.5: SEND_MESSAGE_REQUEST|bob|x", "0< 1.5: NEW_MESSAGE|bob|x",
	       "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "+600", "0> 1.5: NEW_MESSAGE_RESPONSE_ACK|alice|bob", "0< 2.0: NEW_MESSAGE|alice|x");
}

static void nothing_comes_after_its_ack(void **state)
{
	(void)state;
	/* one message: its acks may all have been lost */
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|", "0> 1.0: CONNECTION_RESPONSE_ACK|alice|", "+999",
	       "0<= 1.0: CONNECTION_GRANTED|alice|", "? REL-07", "0> 1.0: CONNECTION_RESPONSE_ACK|alice|", "+999", "0<= 1.0: CONNECTION_GRANTED|alice|",
	       "0> 1.0: CONNECTION_RESPONSE_ACK|alice|", "+999", "0<= 1.0: CONNECTION_GRANTED|alice|");
	/* two messages, two acks each */
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, udp, "bob"), "+999", "0<= 1.0: CONNECTION_GRANTED|alice|", "? REL-07", "1<= 1.0: CONNECTION_GRANTED|bob|",
	       "? REL-07", "0> 1.0: CONNECTION_RESPONSE_ACK|alice|", "1> 1.0: CONNECTION_RESPONSE_ACK|bob|", "+999", "0<= 1.0: CONNECTION_GRANTED|alice|",
	       "1<= 1.0: CONNECTION_GRANTED|bob|", "! REL-07");
	/* most acks arrive: two of one message were lost */
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, udp, "bob"), CONNECTS(2, udp, "carol"), "+999", "0<= 1.0: CONNECTION_GRANTED|alice|", "? REL-07",
	       "0> 1.0: CONNECTION_RESPONSE_ACK|alice|", "+999", "0<= 1.0: CONNECTION_GRANTED|alice|", "0> 1.0: CONNECTION_RESPONSE_ACK|alice|", "+999",
	       "0<= 1.0: CONNECTION_GRANTED|alice|");
	/* wrong acks, and one that is on its way */
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|", "0> 1.0: CONNECTION_RESPONSE_ACK|bob|",
	       "0> 1.1: CONNECTION_RESPONSE_ACK|alice|", "0> 1.0: USER_LIST_RESPONSE_ACK|alice|", "0>> 1.0: CONNECTION_RESPONSE_ACK|alice|\r\n\r\n", "+990",
	       "0<= 1.0: CONNECTION_GRANTED|alice|", "+990", "0> 1.00: CONNECTION_RESPONSE_ACK|alice|", "0<= 1.0: CONNECTION_GRANTED|alice|");
	/* the request was repeated after the ack: REL-11 allows one more copy */
	LADDER(CONNECTS(0, udp, "alice"), "+999", "0> 1.0: CONNECTION_REQUEST|alice|", "0<= 1.0: CONNECTION_GRANTED|alice|");
}

static void a_later_text_shows_that_the_ack_arrived(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, udp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "1< 2.0: NEW_MESSAGE|alice|x",
	       "1> 2.0: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "0< 2.0: NEW_MESSAGE|alice|x", "0> 2.0: NEW_MESSAGE_RESPONSE_ACK|alice|alice",
	       "0> 3.0: SEND_MESSAGE_REQUEST|alice|y", "1< 3.0: NEW_MESSAGE|alice|y", "+990", "1<= 2.0: NEW_MESSAGE|alice|x", "! REL-07");
}

static void a_further_request_acks_the_earlier_response(void **state)
{
	(void)state;
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|", "0> 2.0: USER_LIST_REQUEST|alice|",
	       "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "+990", "0<= 1.0: CONNECTION_GRANTED|alice|", "! REL-13");
	/* not answered: it may have been lost; acked: that is another rule */
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|", "0> 1.0: CONNECTION_RESPONSE_ACK|alice|",
	       "0> 2.0: USER_LIST_REQUEST|alice|", "0< 2.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", "+990", "0<= 1.0: CONNECTION_GRANTED|alice|", "? REL-07");
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|", "0> 2.0: USER_LIST_REQUEST|alice|", "+990",
	       "0<= 1.0: CONNECTION_GRANTED|alice|");
}

static void signs_of_a_bad_network_are_heeded(void **state)
{
	(void)state;
	/* an answer that came with the second transmission: acks may be lost, too */
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "+999", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|",
	       "0> 2.0: MOVIE_LIST_REQUEST|alice|", "0< 2.0: MOVIE_LIST_RESPONSE|alice|", "0> 2.0: MOVIE_LIST_RESPONSE_ACK|alice|", "+999",
	       "0<= 2.0: MOVIE_LIST_RESPONSE|alice|", "? REL-07", "0> 2.0: MOVIE_LIST_RESPONSE_ACK|alice|", "+999", "0<= 2.0: MOVIE_LIST_RESPONSE|alice|",
	       "0> 2.0: MOVIE_LIST_RESPONSE_ACK|alice|", "+999", "0<= 2.0: MOVIE_LIST_RESPONSE|alice|");
	/* datagrams come twice: requests may, too, and be answered twice where there is no session */
	LADDER("0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|", "0<= 1.0: CONNECTION_GRANTED|alice|", "? REL-05",
	       "0> 2.0: LEAVE_SESSION_REQUEST|alice|", "0< 2.0: LEAVE_SESSION_GRANTED|alice|", "0> 2.0: LEAVE_SESSION_RESPONSE_ACK|alice|",
	       "0< 2.0: LEAVE_SESSION_ERROR_1|alice|");
}

static void tcp_repeats_nothing_by_itself(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), "+999", "0<= 1.0: CONNECTION_GRANTED|alice|", "! REL-16");
	LADDER(CONNECTS(0, tcp, "alice"), "0> 1.0: CONNECTION_REQUEST|alice|", "0<= 1.0: CONNECTION_GRANTED|alice|", "0<= 1.0: CONNECTION_GRANTED|alice|", "! REL-11");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0< 2.0: NEW_MESSAGE|alice|x", "1< 2.0: NEW_MESSAGE|alice|x",
	       "+999", "1<= 2.0: NEW_MESSAGE|alice|x", "! REL-16");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0< 2.0: NEW_MESSAGE|alice|x", "1< 2.0: NEW_MESSAGE|alice|x",
	       "1<= 2.0: NEW_MESSAGE|alice|x", "! MSG-04");
}

/* ---- texts ---------------------------------------------------------------------------------------- */

static void a_repeated_request_delivers_its_text_to_its_author_only(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), CONNECTS(2, udp, "carol"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x",
	       "0< 2.0: NEW_MESSAGE|alice|x", "1< 2.0: NEW_MESSAGE|alice|x", "2< 2.0: NEW_MESSAGE|alice|x", "2> 2.0: NEW_MESSAGE_RESPONSE_ACK|carol|alice",
	       "+500", "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0<= 2.0: NEW_MESSAGE|alice|x", "1<= 2.0: NEW_MESSAGE|alice|x", "! MSG-04",
	       "2<= 2.0: NEW_MESSAGE|alice|x", "! MSG-04");
}

static void a_text_that_came_again_at_once_may_be_the_networks_doing(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, udp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "1< 2.0: NEW_MESSAGE|alice|x",
	       "1> 2.0: NEW_MESSAGE_RESPONSE_ACK|bob|alice", "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "1<= 2.0: NEW_MESSAGE|alice|x", "? MSG-04");
}

static void texts_arrive_as_they_were_sent(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice| x|y ", "0< 2.0: NEW_MESSAGE|alice| x|y ",
	       "1< 2.0: NEW_MESSAGE|alice|x|y", "! MSG-03",
	       "0> 3.00: SEND_MESSAGE_REQUEST|alice|z", "1< 3.0: NEW_MESSAGE|alice|z", "! FMT-02",
	       "0> 4.0: SEND_MESSAGE_REQUEST|alice|own clock", "1< 1511367000.0: NEW_MESSAGE|alice|own clock", "! FMT-02",
	       "0> 5.0: SEND_MESSAGE_REQUEST|alice|who", "1< 5.0: NEW_MESSAGE|bob|who", "! FMT-03",
	       "1< 9.0: NEW_MESSAGE|bob|nobody said that", "! MSG-02");
}

/* What a server makes of TIME that writes its own, or cuts it: FMT-02, and nothing else. */
static void a_time_that_is_nobodys_is_all_that_is_wrong(void **state)
{
	(void)state;
	/* the same words at what becomes the same TIME */
	LADDER(CONNECTS(0, tcp, "alice"), "0> 2.25: SEND_MESSAGE_REQUEST|alice|x", "0< 2: NEW_MESSAGE|alice|x", "! FMT-02", "0> 2.75: SEND_MESSAGE_REQUEST|alice|x",
	       "0< 2: NEW_MESSAGE|alice|x", "0<= 2: NEW_MESSAGE|alice|x");
	LADDER(CONNECTS(0, udp, "alice"), "0> 2.25: SEND_MESSAGE_REQUEST|alice|x", "0< 2: NEW_MESSAGE|alice|x", "! FMT-02", "0> 2: NEW_MESSAGE_RESPONSE_ACK|alice|alice",
	       "0> 2.75: SEND_MESSAGE_REQUEST|alice|x", "0< 2: NEW_MESSAGE|alice|x");
	/* a TIME that another text has */
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2: SEND_MESSAGE_REQUEST|alice|x", "0< 2: NEW_MESSAGE|alice|x", "1< 2: NEW_MESSAGE|alice|x",
	       "0> 2: NEW_MESSAGE_RESPONSE_ACK|alice|alice", "0> 2.5: SEND_MESSAGE_REQUEST|alice|y", "0< 2: NEW_MESSAGE|alice|y", "! FMT-02",
	       "1< 2: NEW_MESSAGE|alice|y", "! FMT-02");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0> 2.5: SEND_MESSAGE_REQUEST|alice|y",
	       "1< 2: NEW_MESSAGE|alice|y", "! FMT-02", "1< 2: NEW_MESSAGE|alice|x");
	/* before its ack it is the first text that was spoilt; and one whose TIME is right has another text */
	LADDER(CONNECTS(0, udp, "alice"), "0> 2: SEND_MESSAGE_REQUEST|alice|x", "0< 2: NEW_MESSAGE|alice|x", "0> 2.5: SEND_MESSAGE_REQUEST|alice|y",
	       "0<= 2: NEW_MESSAGE|alice|y", "! REL-04");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0> 2.5: SEND_MESSAGE_REQUEST|alice|y",
	       "1< 2.0: NEW_MESSAGE|alice|y", "! MSG-03");
	/* the recipient's name besides */
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "1> 2.0: SEND_MESSAGE_REQUEST|bob|before", "1< 2.0: NEW_MESSAGE|bob|before",
	       "0> 2.5: SEND_MESSAGE_REQUEST|alice|who", "1< 9.0: NEW_MESSAGE|bob|who", "! FMT-02", "! FMT-03");
}

static void what_comes_once_more_under_no_texts_time_is_told(void **state)
{
	struct bench *bench = bench_new(NULL, NULL);

	(void)state;
	play(bench, (const char *const[]){ CONNECTS(0, tcp, "alice"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0< 9.0: NEW_MESSAGE|alice|x", "! FMT-02", NULL });
	assert_false(jd_last(bench->jd)->surplus);
	play(bench, (const char *const[]){ "0< 9.1: NEW_MESSAGE|alice|x", "! FMT-02", NULL });
	assert_true(jd_last(bench->jd)->surplus);
	play(bench, (const char *const[]){ "0> 3.0: SEND_MESSAGE_REQUEST|alice|x", "0> 4.0: SEND_MESSAGE_REQUEST|alice|x", "0< 9.2: NEW_MESSAGE|alice|x", "! FMT-02", NULL });
	assert_false(jd_last(bench->jd)->surplus);
	bench_free(bench);
}

static void empty_and_long_texts(void **state)
{
	static char sent[1200], got[1200];

	(void)state;
	strcpy(sent, "0> 3.0: SEND_MESSAGE_REQUEST|alice|");
	strcpy(got, "1< 3.0: NEW_MESSAGE|alice|");
	memset(sent + strlen(sent), 'x', 1025);
	memset(got + strlen(got), 'x', 1025);
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|", "1< 2.0: NEW_MESSAGE|alice|", "! MSG-06", sent, got, "! MSG-06");
	sent[strlen(sent) - 1] = got[strlen(got) - 1] = '\0';
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), sent, got);
}

static void one_time_and_two_texts(void **state)
{
	(void)state;
	/* whichever came first */
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, udp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0> 2.0: SEND_MESSAGE_REQUEST|alice|y",
	       "1< 2.0: NEW_MESSAGE|alice|y", "0< 2.0: NEW_MESSAGE|alice|y", "0<= 2.0: NEW_MESSAGE|alice|y");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "0> 2.0: SEND_MESSAGE_REQUEST|alice|y",
	       "1< 2.0: NEW_MESSAGE|alice|x", "1< 2.0: NEW_MESSAGE|alice|y", "! REL-11");
	/* two sessions of one name */
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "1< 2.0: NEW_MESSAGE|alice|x", "0< 2.0: NEW_MESSAGE|alice|x",
	       "0 closes", "2 tcp", "2> 1.5: CONNECTION_REQUEST|alice|", "2< 1.5: CONNECTION_GRANTED|alice|", "2> 2.0: SEND_MESSAGE_REQUEST|alice|y",
	       "1< 2.0: NEW_MESSAGE|alice|y", "2< 2.0: NEW_MESSAGE|alice|y", "2> 2.0: SEND_MESSAGE_REQUEST|alice|x");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "1< 2.0: NEW_MESSAGE|alice|x",
	       "0 closes", "2 tcp", "2> 1.5: CONNECTION_REQUEST|alice|", "2< 1.5: CONNECTION_GRANTED|alice|", "2> 2.0: SEND_MESSAGE_REQUEST|alice|x",
	       "1< 2.0: NEW_MESSAGE|alice|x", "2< 2.0: NEW_MESSAGE|alice|x");
}

static void texts_go_from_sessions_to_sessions(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), "1 udp", "0> 3.0: SEND_MESSAGE_REQUEST|alice|x", "1< 3.0: NEW_MESSAGE|alice|x", "! MSG-02");
	/* who came later */
	LADDER(CONNECTS(0, udp, "alice"), "0> 3.0: SEND_MESSAGE_REQUEST|alice|x", "0< 3.0: NEW_MESSAGE|alice|x", CONNECTS(1, udp, "bob"),
	       "1< 3.0: NEW_MESSAGE|alice|x", "! MSG-02");
	LADDER("0 udp", CONNECTS(1, udp, "bob"), "0> 3.0: SEND_MESSAGE_REQUEST|alice|x", "1< 3.0: NEW_MESSAGE|alice|x", "! MSG-07");
}

static void who_moves_meanwhile_may_get_it(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, udp, "bob"), "1> 2.0: ENTER_MOVIE_REQUEST|bob|M", "0> 3.0: SEND_MESSAGE_REQUEST|alice|x",
	       "1< 2.0: ENTER_MOVIE_GRANTED|bob|127.0.0.1:5004", "1< 3.0: NEW_MESSAGE|alice|x");
	LADDER(CONNECTS(0, udp, "alice"), "1 udp", "0> 3.0: SEND_MESSAGE_REQUEST|alice|x", "1> 1.0: CONNECTION_REQUEST|bob|", "1< 3.0: NEW_MESSAGE|alice|x",
	       "1< 1.0: CONNECTION_GRANTED|bob|");
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, udp, "bob"), "0> 3.0: SEND_MESSAGE_REQUEST|alice|x", "1> 2.0: LEAVE_SESSION_REQUEST|bob|",
	       "1< 2.0: LEAVE_SESSION_GRANTED|bob|", "1< 3.0: NEW_MESSAGE|alice|x");
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, udp, "bob"), ENTERS(1, "bob", "M"), "0> 2.0: ENTER_MOVIE_REQUEST|alice|M", "0> 3.0: SEND_MESSAGE_REQUEST|alice|x",
	       "1< 3.0: NEW_MESSAGE|alice|x");
}

static void one_unacked_new_message(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "1> 2.0: SEND_MESSAGE_REQUEST|bob|x", "1> 3.0: SEND_MESSAGE_REQUEST|bob|y", "0< 2.0: NEW_MESSAGE|bob|x",
	       "0< 3.0: NEW_MESSAGE|bob|y", "! REL-14");
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "1> 2.0: SEND_MESSAGE_REQUEST|bob|x", "1> 3.0: SEND_MESSAGE_REQUEST|bob|y", "0< 2.0: NEW_MESSAGE|bob|x",
	       "0> 2.0: NEW_MESSAGE_RESPONSE_ACK|alice|bob", "0< 3.0: NEW_MESSAGE|bob|y");
	/* an ack that a lenient server takes, and one sent before the message came */
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "1> 2.0: SEND_MESSAGE_REQUEST|bob|x", "1> 3.0: SEND_MESSAGE_REQUEST|bob|y",
	       "1> 4.0: SEND_MESSAGE_REQUEST|bob|z", "0< 2.0: NEW_MESSAGE|bob|x", "0> 2.0: NEW_MESSAGE_RESPONSE_ACK|alice|carol",
	       "0> 3.0: NEW_MESSAGE_RESPONSE_ACK|alice|bob", "0< 3.0: NEW_MESSAGE|bob|y", "0< 4.0: NEW_MESSAGE|bob|z");
	/* who left the room may not get that one again, so the next room's need not wait: MSG-08 */
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "1> 2.0: SEND_MESSAGE_REQUEST|bob|x", "0< 2.0: NEW_MESSAGE|bob|x",
	       "0> 3.0: ENTER_MOVIE_REQUEST|alice|M", "0< 3.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004", "0> 4.0: SEND_MESSAGE_REQUEST|alice|y", "0< 4.0: NEW_MESSAGE|alice|y");
	/* TCP waits for no ack; another session begins anew */
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), "1> 2.0: SEND_MESSAGE_REQUEST|bob|x", "1> 3.0: SEND_MESSAGE_REQUEST|bob|y", "0< 2.0: NEW_MESSAGE|bob|x",
	       "0< 3.0: NEW_MESSAGE|bob|y");
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "1> 2.0: SEND_MESSAGE_REQUEST|bob|x", "0< 2.0: NEW_MESSAGE|bob|x", "0> 5.0: LEAVE_SESSION_REQUEST|alice|",
	       "0< 5.0: LEAVE_SESSION_GRANTED|alice|", "0> 6.0: CONNECTION_REQUEST|alice|", "0< 6.0: CONNECTION_GRANTED|alice|",
	       "1> 3.0: SEND_MESSAGE_REQUEST|bob|y", "0< 3.0: NEW_MESSAGE|bob|y");
}

static void one_order_for_a_room(void **state)
{
	(void)state;
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), CONNECTS(2, tcp, "carol"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "1> 2.0: SEND_MESSAGE_REQUEST|bob|y",
	       "0< 2.0: NEW_MESSAGE|alice|x", "0< 2.0: NEW_MESSAGE|bob|y", "1< 2.0: NEW_MESSAGE|bob|y", "2< 2.0: NEW_MESSAGE|alice|x", "2< 2.0: NEW_MESSAGE|bob|y",
	       "1< 2.0: NEW_MESSAGE|alice|x", "! MSG-05");
	LADDER(CONNECTS(0, udp, "alice"), CONNECTS(1, tcp, "bob"), "0> 2.0: SEND_MESSAGE_REQUEST|alice|x", "1> 2.0: SEND_MESSAGE_REQUEST|bob|y", "1< 2.0: NEW_MESSAGE|bob|y",
	       "1< 2.0: NEW_MESSAGE|alice|x", "0< 2.0: NEW_MESSAGE|alice|x", "0> 2.0: NEW_MESSAGE_RESPONSE_ACK|alice|alice", "0< 2.0: NEW_MESSAGE|bob|y", "! MSG-05");
	/* who moved in between may have been in two rooms */
	LADDER(CONNECTS(0, tcp, "alice"), CONNECTS(1, tcp, "bob"), CONNECTS(2, tcp, "carol"), "2> 1.5: ENTER_MOVIE_REQUEST|carol|M",
	       "0> 3.0: SEND_MESSAGE_REQUEST|alice|x", "1> 3.0: SEND_MESSAGE_REQUEST|bob|y", "0< 3.0: NEW_MESSAGE|alice|x", "0< 3.0: NEW_MESSAGE|bob|y",
	       "2< 3.0: NEW_MESSAGE|bob|y", "2< 3.0: NEW_MESSAGE|alice|x");
}

/* NOLINTEND(bugprone-suspicious-missing-comma) */

/* ---- bounds ------------------------------------------------------------------------------------- */

static void floods_are_bounded(void **state)
{
	struct bench *bench = bench_new(NULL, NULL);
	char line[128];

	(void)state;
	play(bench, (const char *const[]){ CONNECTS(0, udp, "alice"), NULL });
	for (unsigned i = 0; i < 20000; i++) {
		int length = snprintf(line, sizeof(line), "%u.0: USER_LIST_RESPONSE|x%u|\r\n", i, i);

		jd_received(bench->jd, 0, bench->now, line, (size_t)length);
		length = snprintf(line, sizeof(line), "%u.0: NEW_MESSAGE|x%u|%u\r\n", i, i, i);
		jd_received(bench->jd, 0, bench->now, line, (size_t)length);
		jd_received(bench->jd, 0, bench->now, line, (size_t)(i % 64));
	}
	assert_in_range(bench->total, 3, 8 * C2W_RULES);
	bench_free(bench);
}

static void thousands_of_requests_are_remembered_as_far_as_they_fit(void **state)
{
	struct bench *bench = bench_new(NULL, NULL);
	char line[128];

	(void)state;
	play(bench, (const char *const[]){ CONNECTS(0, tcp, "alice"), NULL });
	for (unsigned i = 10; i < 3000; i++) {
		snprintf(line, sizeof(line), "0> %u.0: USER_LIST_REQUEST|alice|", i);
		step(bench, line);
		snprintf(line, sizeof(line), "0> %u.5: SEND_MESSAGE_REQUEST|alice|%u", i, i);
		step(bench, line);
	}
	for (unsigned i = 10; i < 3000; i++) {
		bench->now = 0; /* pace is not the point */
		snprintf(line, sizeof(line), "0< %u.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM", i);
		step(bench, line);
		snprintf(line, sizeof(line), "0< %u.5: NEW_MESSAGE|alice|%u", i, i);
		step(bench, line);
	}
	step(bench, "0< 3000.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM");
	step(bench, "! FMT-02");
	bench_free(bench);
}

static void endpoints_nobody_opened_are_only_read(void **state)
{
	struct bench *bench = bench_new(NULL, NULL);
	struct c2w_str message = C2W_STR("1.0: CONNECTION_GRANTED|alice|x\r\n");

	(void)state;
	jd_received(bench->jd, 3, 0, message.at, message.length);
	jd_received(bench->jd, ENDPOINTS, 0, message.at, message.length);
	jd_sent(bench->jd, ENDPOINTS, 0, message.at, message.length);
	jd_open(bench->jd, ENDPOINTS, true, 0);
	jd_close(bench->jd, ENDPOINTS, 0);
	assert_int_equal(bench->total, 0);
	assert_int_equal(jd_last(bench->jd)->err, C2W_OK);
	assert_true(jd_last(bench->jd)->from_server);
	bench_free(bench);
}

static void a_finding_is_reported_once(void **state)
{
	struct bench *bench = bench_new(NULL, NULL);

	(void)state;
	play(bench, (const char *const[]){ "0 udp", "0> 1.0: CONNECTION_REQUEST|alice|", "0< 1.0: CONNECTION_GRANTED|alice|x", "! FMT-09",
	                                   "0> 1.0: CONNECTION_REQUEST|alice|", "0<= 1.0: CONNECTION_GRANTED|alice|x", NULL });
	assert_int_equal(bench->total, 1);
	bench_free(bench);
}

/* ---- timing ------------------------------------------------------------------------------------- */

static void the_window_of_an_interval(void **state)
{
	struct c2w_params params;
	struct jd_window window;

	(void)state;
	c2w_params_init(&params);
	window = jd_interval_window(&params);
	assert_int_equal(window.earliest, 900 * MS);
	assert_int_equal(window.latest, 1250 * MS);
	assert_true(jd_interval_fits(&params, 900 * MS, 0));
	assert_false(jd_interval_fits(&params, 900 * MS - 1, 0));
	assert_true(jd_interval_fits(&params, 900 * MS - 1, 1));
	assert_true(jd_interval_fits(&params, 1250 * MS, 0));
	assert_false(jd_interval_fits(&params, 1250 * MS + 1, 0));
	assert_true(jd_interval_fits(&params, 1250 * MS + 1, 1));
	params.rto = C2W_AUTO;
	assert_true(jd_interval_fits(&params, 1, 0));
}

static void a_fingerprint(void **state)
{
	struct jd_fingerprint steady = { 0 }, doubling = { 0 };

	(void)state;
	assert_int_equal(jd_fingerprint_median(&steady), 0);
	assert_int_equal(jd_fingerprint_backoff(&steady), 0);
	for (unsigned i = 0; i < 100; i++) {
		jd_fingerprint_begin(&steady);
		for (unsigned j = 0; j < 1 + i % 3; j++)
			jd_fingerprint_add(&steady, 1000 + (int64_t)i);
	}
	assert_int_equal(jd_fingerprint_count(&steady), 3);
	assert_int_equal(jd_fingerprint_backoff(&steady), 1000);
	assert_in_range(jd_fingerprint_median(&steady), 1000, 1032);
	jd_fingerprint_begin(&doubling);
	for (int64_t interval = 100; interval < 1000; interval *= 2)
		jd_fingerprint_add(&doubling, interval);
	assert_int_equal(jd_fingerprint_backoff(&doubling), 2000);
	assert_int_equal(jd_fingerprint_spread(&doubling), 700);
	assert_int_equal(jd_fingerprint_median(&doubling), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ladders_of_the_protocol_are_silent),
		cmocka_unit_test(retransmissions_are_silent),
		cmocka_unit_test(copies_for_repeated_requests_are_silent),
		cmocka_unit_test(strangers_are_checked_for_form_only),
		cmocka_unit_test(grammar_and_direction),
		cmocka_unit_test(a_datagram_is_one_message),
		cmocka_unit_test(what_follows_an_over_long_request_is_not_judged),
		cmocka_unit_test(a_message_to_a_client_has_65507_octets_at_most),
		cmocka_unit_test(data_where_there_is_none),
		cmocka_unit_test(user_lists),
		cmocka_unit_test(who_never_entered_a_room_is_in_the_main_room),
		cmocka_unit_test(movie_lists),
		cmocka_unit_test(a_long_list_of_movies),
		cmocka_unit_test(streams),
		cmocka_unit_test(time_is_echoed_octet_for_octet),
		cmocka_unit_test(a_time_written_twice_may_be_echoed_either_way),
		cmocka_unit_test(user_is_echoed_octet_for_octet),
		cmocka_unit_test(a_user_too_long_is_not_the_requests),
		cmocka_unit_test(an_answer_goes_where_the_request_came_from),
		cmocka_unit_test(what_must_be_discarded_is_not_answered),
		cmocka_unit_test(a_longer_datagram_than_max_request_is_not_answered),
		cmocka_unit_test(what_a_bad_reader_may_make_of_junk_is_not_judged),
		cmocka_unit_test(junk_excuses_what_may_be_made_of_it_only),
		cmocka_unit_test(the_table_of_states),
		cmocka_unit_test(codes_set_to_any_are_taken),
		cmocka_unit_test(right_errors_are_silent),
		cmocka_unit_test(a_udp_session_may_have_ended_unseen),
		cmocka_unit_test(nobody_asks_for_somebody_else),
		cmocka_unit_test(a_name_that_was_never_asked_for_is_not_answered_as_another),
		cmocka_unit_test(pipelined_requests_are_silent),
		cmocka_unit_test(too_old_a_request_is_not_executed),
		cmocka_unit_test(a_repetition_gets_the_same_answer),
		cmocka_unit_test(without_a_session_a_repetition_may_be_answered_anew),
		cmocka_unit_test(families_are_exchanges_of_their_own),
		cmocka_unit_test(again_means_octet_for_octet),
		cmocka_unit_test(not_more_than_max_retransmits),
		cmocka_unit_test(pace_is_a_suspicion),
		cmocka_unit_test(nothing_comes_after_its_ack),
		cmocka_unit_test(a_later_text_shows_that_the_ack_arrived),
		cmocka_unit_test(a_further_request_acks_the_earlier_response),
		cmocka_unit_test(signs_of_a_bad_network_are_heeded),
		cmocka_unit_test(tcp_repeats_nothing_by_itself),
		cmocka_unit_test(a_repeated_request_delivers_its_text_to_its_author_only),
		cmocka_unit_test(a_text_that_came_again_at_once_may_be_the_networks_doing),
		cmocka_unit_test(texts_arrive_as_they_were_sent),
		cmocka_unit_test(a_time_that_is_nobodys_is_all_that_is_wrong),
		cmocka_unit_test(what_comes_once_more_under_no_texts_time_is_told),
		cmocka_unit_test(empty_and_long_texts),
		cmocka_unit_test(one_time_and_two_texts),
		cmocka_unit_test(texts_go_from_sessions_to_sessions),
		cmocka_unit_test(who_moves_meanwhile_may_get_it),
		cmocka_unit_test(one_unacked_new_message),
		cmocka_unit_test(one_order_for_a_room),
		cmocka_unit_test(floods_are_bounded),
		cmocka_unit_test(thousands_of_requests_are_remembered_as_far_as_they_fit),
		cmocka_unit_test(endpoints_nobody_opened_are_only_read),
		cmocka_unit_test(a_finding_is_reported_once),
		cmocka_unit_test(the_window_of_an_interval),
		cmocka_unit_test(a_fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
