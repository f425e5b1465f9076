/* Tests server/core.c and its parts, with a recording carrier and in virtual time: every cell of the state table, the order of errors,
 * and the rules of sections 4 to 6 of PROTOCOL.md that need no network.
 * Run by tests/unit; each test owns its core. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "server/inside.h"

#define MS INT64_C(1000000)

enum who { ALICE, BOB, CAROL, DAVE, TESS, TOM, CLIENTS, TCP = TESS }; /* Tess and Tom are on TCP */
enum { RECORDED = 1 << 17 };

static const struct srv_movie movies[] = {
	{ { "M", 1 }, { "127.0.0.1:5004", 14 } },
	{ { "Good Bye, Lenin!", 16 }, { "127.0.0.1:5005", 14 } },
};

struct fixture {
	struct srv_core *core;
	int64_t now;
	char got[CLIENTS][RECORDED]; /* what each client got since it was last looked at; LF for CR LF */
	size_t length[CLIENTS];
	size_t count;                /* messages sent to anybody */
	size_t waits[CLIENTS];       /* what the kernel has not taken: TCP */
	bool dropped[CLIENTS];
	uint16_t from_port;          /* of the last message */
};

static char connections[CLIENTS];

static struct srv_way way_of(enum who who)
{
	struct srv_way way = { .connection = who >= TCP ? &connections[who] : NULL };

	way.peer.family = way.local.family = 4;
	way.peer.octets[0] = way.local.octets[0] = 127;
	way.peer.port = (uint16_t)(4000 + who);
	way.local.port = 1950;
	return way;
}

static enum who client_of(const struct srv_way *way)
{
	enum who who = (enum who)(way->peer.port - 4000);

	return who < CLIENTS ? who : DAVE;
}

/* ---- the carrier ---------------------------------------------------------------------------- */

static size_t record(void *context, const struct srv_way *way, const char *octets, size_t length)
{
	struct fixture *f = context;
	enum who who = client_of(way);

	assert_true(length >= 2 && length <= C2W_MAX_TO_CLIENT && memcmp(octets + length - 2, "\r\n", 2) == 0);
	assert_true(f->length[who] + length < RECORDED);
	memcpy(f->got[who] + f->length[who], octets, length - 2);
	f->length[who] += length - 2;
	f->got[who][f->length[who]++] = '\n';
	f->got[who][f->length[who]] = '\0';
	f->count++;
	f->from_port = way->local.port;
	return f->waits[who];
}

static void drop(void *context, const struct srv_way *way, bool reset)
{
	struct fixture *f = context;

	assert_true(reset);
	f->dropped[client_of(way)] = true;
}

static void note(void *context, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	(void)context;
	(void)detail;
	assert_non_null(way);
	assert_non_null(what);
	assert_non_null(octets.at);
}

static struct srv_settings settings(void)
{
	struct srv_settings settings = {
		.movies = movies, .movie_count = 2, .max_users = 100, .max_endpoints = 8,
	};

	c2w_params_init(&settings.params);
	return settings;
}

static void begin(struct fixture *f, const struct srv_settings *with)
{
	const struct srv_carrier carrier = { .context = f, .send = record, .drop = drop, .note = note };

	f->core = srv_core_new(with, &carrier);
	f->now = 1000 * MS;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct srv_settings standard = settings();

	assert_non_null(f);
	begin(f, &standard);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	srv_core_free(f->core);
	free(f);
	return 0;
}

static void set_up_with(struct fixture *f, const struct srv_settings *with)
{
	srv_core_free(f->core);
	begin(f, with);
}

/* ---- a small language ----------------------------------------------------------------------- */

static void send_raw(struct fixture *f, enum who who, const char *octets, size_t length)
{
	struct srv_way way = way_of(who);

	srv_core_receive(f->core, &way, octets, length, f->now);
}

/* `who` sends text and CR LF. */
static void says(struct fixture *f, enum who who, const char *text)
{
	char octets[8192];
	int length = snprintf(octets, sizeof(octets), "%s\r\n", text);

	send_raw(f, who, octets, (size_t)length);
}

/* Exactly this, and nothing else, has come to `who` since the last look. */
static void got_at(struct fixture *f, enum who who, const char *text, int line)
{
	if (strcmp(f->got[who], text) != 0)
		print_message("line %d: client %d got \"%s\" instead of \"%s\"\n", line, who, f->got[who], text);
	assert_true(strcmp(f->got[who], text) == 0);
	f->length[who] = 0;
	f->got[who][0] = '\0';
}
#define got(f, who, text) got_at(f, who, text, __LINE__)

static void nobody_got_at(struct fixture *f, int line)
{
	for (enum who who = 0; who < CLIENTS; who++)
		got_at(f, who, "", line);
}
#define nobody_got(f) nobody_got_at(f, __LINE__)

static void passes(struct fixture *f, int64_t ms)
{
	int64_t until = f->now + ms * MS;

	while (srv_core_due(f->core) <= until) {
		f->now = srv_core_due(f->core) > f->now ? srv_core_due(f->core) : f->now;
		srv_core_run(f->core, f->now);
	}
	f->now = until;
}

static const char *const names[CLIENTS] = { "alice", "bob", "carol", "dave", "tess", "tom" };

static void says_as(struct fixture *f, enum who who, unsigned time, const char *command, const char *data)
{
	char text[4096];

	snprintf(text, sizeof(text), "%u: %s|%s|%s", time, command, names[who], data);
	says(f, who, text);
}

/* TIME 1. */
static void connects(struct fixture *f, enum who who)
{
	char answer[64];

	says_as(f, who, 1, "CONNECTION_REQUEST", "");
	snprintf(answer, sizeof(answer), "1: CONNECTION_GRANTED|%s|\n", names[who]);
	got(f, who, answer);
	says_as(f, who, 1, "CONNECTION_RESPONSE_ACK", "");
}

/* TIME 2. */
static void enters(struct fixture *f, enum who who, const char *title, const char *stream)
{
	char answer[128];

	says_as(f, who, 2, "ENTER_MOVIE_REQUEST", title);
	snprintf(answer, sizeof(answer), "2: ENTER_MOVIE_GRANTED|%s|%s\n", names[who], stream);
	got(f, who, answer);
	says_as(f, who, 2, "ENTER_MOVIE_RESPONSE_ACK", "");
}

static bool lists(struct fixture *f, enum who asker, unsigned time, const char *entry)
{
	bool listed;

	says_as(f, asker, time, "USER_LIST_REQUEST", "");
	listed = strstr(f->got[asker], entry) != NULL;
	f->length[asker] = 0;
	f->got[asker][0] = '\0';
	says_as(f, asker, time, "USER_LIST_RESPONSE_ACK", "");
	return listed;
}

/* ---- the table of section 4, cell by cell ---------------------------------------------------- */

static void disconnected_cells(void **state)
{
	struct fixture *f = *state;
	static const enum who both[] = { ALICE, TESS };

	for (size_t i = 0; i < 2; i++) {
		enum who who = both[i];

		says(f, who, "1.50: USER_LIST_REQUEST|a|"); /* LST-05 */
		says(f, who, "2: MOVIE_LIST_REQUEST|a|");
		says(f, who, "3: SEND_MESSAGE_REQUEST|a|hi"); /* MSG-07 */
		nobody_got(f);
		says(f, who, "4.50: ENTER_MOVIE_REQUEST|a b|M"); /* ENT-04 */
		got(f, who, "4.50: ENTER_MOVIE_ERROR_2001|a b|\n");
		says(f, who, "3: LEAVE_SESSION_REQUEST||"); /* LEA-03 */
		got(f, who, "3: LEAVE_SESSION_ERROR_1||\n");
		says(f, who, "0: CONNECTION_REQUEST|a|ignored"); /* CON-01, FMT-09 */
		got(f, who, "0: CONNECTION_GRANTED|a|\n");
		says(f, who, "5: LEAVE_SESSION_REQUEST|a|");
		got(f, who, "5: LEAVE_SESSION_GRANTED|a|\n");
	}
}

static void main_room_cells(void **state)
{
	struct fixture *f = *state;
	static const enum who both[] = { ALICE, TESS };

	for (size_t i = 0; i < 2; i++) {
		enum who who = both[i];

		says(f, who, "1: CONNECTION_REQUEST|a|");
		got(f, who, "1: CONNECTION_GRANTED|a|\n");
		says(f, who, "2: CONNECTION_REQUEST|b b|"); /* CON-05 */
		got(f, who, "2: CONNECTION_ERROR_1004|b b|\n");
		says(f, who, "3: USER_LIST_REQUEST|a|x");
		got(f, who, "3: USER_LIST_RESPONSE|a|a,MAIN_ROOM\n");
		says(f, who, "4: MOVIE_LIST_REQUEST|a|x");
		got(f, who, "4: MOVIE_LIST_RESPONSE|a|M|Good Bye, Lenin!\n");
		says(f, who, "5: ENTER_MOVIE_REQUEST|a|m"); /* ENT-02 */
		got(f, who, "5: ENTER_MOVIE_ERROR_2002|a|\n");
		says(f, who, "6: ENTER_MOVIE_REQUEST|a|");
		got(f, who, "6: ENTER_MOVIE_ERROR_2002|a|\n");
		says(f, who, "7: ENTER_MOVIE_REQUEST|a|MAIN_ROOM");
		got(f, who, "7: ENTER_MOVIE_ERROR_2002|a|\n");
		says(f, who, "8: SEND_MESSAGE_REQUEST|a| x | y: \xc3\xa9 ");
		got(f, who, "8: NEW_MESSAGE|a| x | y: \xc3\xa9 \n");
		says(f, who, "9: LEAVE_SESSION_REQUEST|a|"); /* LEA-02 */
		got(f, who, "9: LEAVE_SESSION_GRANTED|a|\n");
		says(f, who, "10: ENTER_MOVIE_REQUEST|a|M");
		got(f, who, "10: ENTER_MOVIE_ERROR_2001|a|\n");
	}
}

static void movie_room_cells(void **state)
{
	struct fixture *f = *state;
	static const enum who both[] = { ALICE, TESS };

	for (size_t i = 0; i < 2; i++) {
		enum who who = both[i];

		says(f, who, "1: CONNECTION_REQUEST|a|");
		got(f, who, "1: CONNECTION_GRANTED|a|\n");
		says(f, who, "2: ENTER_MOVIE_REQUEST|a|Good Bye, Lenin!");
		got(f, who, "2: ENTER_MOVIE_GRANTED|a|127.0.0.1:5005\n");
		says(f, who, "3: CONNECTION_REQUEST|a|");
		got(f, who, "3: CONNECTION_ERROR_1004|a|\n");
		says(f, who, "4: USER_LIST_REQUEST|a|"); /* LST-04, LST-01 */
		got(f, who, "4: USER_LIST_RESPONSE|a|a,Good Bye, Lenin!\n");
		says(f, who, "5: MOVIE_LIST_REQUEST|a|");
		got(f, who, "5: MOVIE_LIST_RESPONSE|a|M|Good Bye, Lenin!\n");
		says(f, who, "6: ENTER_MOVIE_REQUEST|a|Good Bye, Lenin!"); /* ENT-03 */
		got(f, who, "6: ENTER_MOVIE_ERROR_2003|a|\n");
		says(f, who, "7: ENTER_MOVIE_REQUEST|a|no such");
		got(f, who, "7: ENTER_MOVIE_ERROR_2003|a|\n");
		says(f, who, "8: SEND_MESSAGE_REQUEST|a|hi");
		got(f, who, "8: NEW_MESSAGE|a|hi\n");
		says(f, who, "9: LEAVE_SESSION_REQUEST|a|"); /* LEA-01 */
		got(f, who, "9: LEAVE_SESSION_GRANTED|a|\n");
		says(f, who, "10: USER_LIST_REQUEST|a|");
		got(f, who, "10: USER_LIST_RESPONSE|a|a,MAIN_ROOM\n");
		says(f, who, "11: LEAVE_SESSION_REQUEST|a|");
		got(f, who, "11: LEAVE_SESSION_GRANTED|a|\n");
	}
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void names_are_checked(void **state)
{
	struct fixture *f = *state;

	connects(f, BOB);
	says(f, ALICE, "1: CONNECTION_REQUEST|bob|"); /* CON-02 */
	got(f, ALICE, "1: CONNECTION_ERROR_1001|bob|\n");
	says(f, ALICE, "2: CONNECTION_REQUEST||"); /* CON-03 */
	got(f, ALICE, "2: CONNECTION_ERROR_1002||\n");
	says(f, ALICE, "3: CONNECTION_REQUEST|a2345678901234567890123456789012x|");
	got(f, ALICE, "3: CONNECTION_ERROR_1002|a2345678901234567890123456789012x|\n");
	says(f, ALICE, "4: CONNECTION_REQUEST|\xc3\xa9|");
	got(f, ALICE, "4: CONNECTION_ERROR_1002|\xc3\xa9|\n");
	says(f, ALICE, "5: CONNECTION_REQUEST|Bob|"); /* FMT-08 */
	got(f, ALICE, "5: CONNECTION_GRANTED|Bob|\n");
	says(f, CAROL, "5: CONNECTION_REQUEST|a2345678901234567890123456789012|");
	got(f, CAROL, "5: CONNECTION_GRANTED|a2345678901234567890123456789012|\n");
	got(f, BOB, "");
}

static void errors_come_in_order(void **state)
{
	struct fixture *f = *state;
	struct srv_settings small = settings();

	small.max_users = 1;
	set_up_with(f, &small);
	connects(f, BOB);
	says(f, ALICE, "1: CONNECTION_REQUEST|b b|"); /* 1002 before 1003 */
	got(f, ALICE, "1: CONNECTION_ERROR_1002|b b|\n");
	says(f, ALICE, "2: CONNECTION_REQUEST|bob|"); /* 1001 before 1003 */
	got(f, ALICE, "2: CONNECTION_ERROR_1001|bob|\n");
	says(f, ALICE, "3: CONNECTION_REQUEST|alice|"); /* CON-04 */
	got(f, ALICE, "3: CONNECTION_ERROR_1003|alice|\n");
	says(f, BOB, "3: CONNECTION_REQUEST|b b|"); /* 1004 before 1002 */
	got(f, BOB, "3: CONNECTION_ERROR_1004|b b|\n");
	says(f, BOB, "4: LEAVE_SESSION_REQUEST|bob|");
	got(f, BOB, "4: LEAVE_SESSION_GRANTED|bob|\n");
	says(f, ALICE, "4: CONNECTION_REQUEST|alice|");
	got(f, ALICE, "4: CONNECTION_GRANTED|alice|\n");
}

static void rooms_can_be_full(void **state)
{
	struct fixture *f = *state;
	struct srv_settings small = settings();

	small.max_room = 1;
	set_up_with(f, &small);
	connects(f, ALICE);
	connects(f, BOB);
	enters(f, ALICE, "M", "127.0.0.1:5004");
	says(f, BOB, "2: ENTER_MOVIE_REQUEST|bob|M"); /* ENT-05 */
	got(f, BOB, "2: ENTER_MOVIE_ERROR_2004|bob|\n");
	says(f, BOB, "3: ENTER_MOVIE_REQUEST|bob|N"); /* 2002 before 2004 */
	got(f, BOB, "3: ENTER_MOVIE_ERROR_2002|bob|\n");
	says(f, ALICE, "3: ENTER_MOVIE_REQUEST|alice|M"); /* 2003 before 2004 */
	got(f, ALICE, "3: ENTER_MOVIE_ERROR_2003|alice|\n");
	says(f, ALICE, "4: LEAVE_SESSION_REQUEST|alice|");
	got(f, ALICE, "4: LEAVE_SESSION_GRANTED|alice|\n");
	says(f, BOB, "4: ENTER_MOVIE_REQUEST|bob|M");
	got(f, BOB, "4: ENTER_MOVIE_GRANTED|bob|127.0.0.1:5004\n");
}

static void names_are_free_again(void **state) /* CON-06 */
{
	struct fixture *f = *state;
	struct srv_way tess = way_of(TESS);

	says(f, TESS, "1: CONNECTION_REQUEST|a|");
	got(f, TESS, "1: CONNECTION_GRANTED|a|\n");
	srv_core_closed(f->core, &tess); /* TRN-06 */
	says(f, ALICE, "1: CONNECTION_REQUEST|a|");
	got(f, ALICE, "1: CONNECTION_GRANTED|a|\n");
	passes(f, 4100); /* REL-08 */
	f->length[ALICE] = 0;
	says(f, BOB, "1: CONNECTION_REQUEST|a|");
	got(f, BOB, "1: CONNECTION_GRANTED|a|\n");
	says(f, BOB, "2: LEAVE_SESSION_REQUEST|a|");
	got(f, BOB, "2: LEAVE_SESSION_GRANTED|a|\n");
	says(f, TOM, "1: CONNECTION_REQUEST|a|");
	got(f, TOM, "1: CONNECTION_GRANTED|a|\n");
	assert_int_equal(srv_core_users(f->core), 1);
}

/* ---- what is discarded ----------------------------------------------------------------------- */

static void garbage_is_discarded(void **state) /* FMT-05, FMT-06 */
{
	struct fixture *f = *state;
	static const char *const bad[] = {
		"", "\r", "x", "2:USER_LIST_REQUEST|alice|", "2:  USER_LIST_REQUEST|alice|", "2 : USER_LIST_REQUEST|alice|",
		"2.: USER_LIST_REQUEST|alice|", ".2: USER_LIST_REQUEST|alice|", "-2: USER_LIST_REQUEST|alice|", "2e1: USER_LIST_REQUEST|alice|",
		"20000000000: USER_LIST_REQUEST|alice|", "2.0000001: USER_LIST_REQUEST|alice|", " 2: USER_LIST_REQUEST|alice|",
		"2: USER_LIST_REQUEST|alice", "2: USER_LIST_REQUEST alice", "2: USER_LIST_REQUEST|alice|\r", "2: USER_LIST_REQUEST|alice|\n",
		"2: USER_LIST_REQUEST|alice|\r\n", "2: USER_LIST_REQUEST|alice|\xff", "2: USER_LIST_REQUEST|alice|\xc3",
		"2: user_list_request|alice|", "2: USER_LIST|alice|", "2: USER_LIST_RESPONSE|alice|", "2: NEW_MESSAGE|alice|hi",
		"2: CONNECTION_GRANTED|alice|", "2: CONNECTION_ERROR_1001|alice|", "2: LEAVE_SESSION_ERROR_1|alice|",
	};

	connects(f, ALICE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		says(f, ALICE, bad[i]);
	send_raw(f, ALICE, "2: USER_LIST_REQUEST|alice|\0\r\n", 30);
	send_raw(f, ALICE, "2: USER_LIST_REQUEST|alice|\n", 28);
	send_raw(f, ALICE, "", 0);
	nobody_got(f);
	says(f, ALICE, "2: USER_LIST_REQUEST|alice|"); /* and none of them set a TIME */
	got(f, ALICE, "2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\n");
}

static void long_requests_are_discarded(void **state) /* FMT-07 */
{
	struct fixture *f = *state;
	char request[4200];
	int head;

	connects(f, ALICE);
	for (int over = 1; over >= 0; over--) {
		memset(request, 'x', sizeof(request));
		head = snprintf(request, sizeof(request), "2: USER_LIST_REQUEST|alice|");
		request[head] = 'x';
		memcpy(request + 4096 + over - 2, "\r\n", 2);
		send_raw(f, ALICE, request, (size_t)(4096 + over));
		got(f, ALICE, over ? "" : "2: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\n");
	}
}

static void texts_have_limits(void **state) /* MSG-06 */
{
	struct fixture *f = *state;
	char text[1026], answer[1100];

	connects(f, ALICE);
	says_as(f, ALICE, 2, "SEND_MESSAGE_REQUEST", "");
	memset(text, 'x', sizeof(text));
	text[1025] = '\0';
	says_as(f, ALICE, 3, "SEND_MESSAGE_REQUEST", text);
	nobody_got(f);
	text[1024] = '\0';
	says_as(f, ALICE, 2, "SEND_MESSAGE_REQUEST", text); /* what is discarded sets no TIME */
	snprintf(answer, sizeof(answer), "2: NEW_MESSAGE|alice|%s\n", text);
	got(f, ALICE, answer);
}

static void nobody_acts_for_another(void **state) /* NAM-01 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	connects(f, BOB);
	says(f, ALICE, "2: SEND_MESSAGE_REQUEST|bob|hi");
	says(f, ALICE, "3: USER_LIST_REQUEST|Alice|");
	says(f, ALICE, "4: LEAVE_SESSION_REQUEST|bob|");
	says(f, ALICE, "5: ENTER_MOVIE_REQUEST||M");
	nobody_got(f);
	says(f, BOB, "2: SEND_MESSAGE_REQUEST|bob|hi");
	got(f, ALICE, "2: NEW_MESSAGE|bob|hi\n");
	got(f, BOB, "2: NEW_MESSAGE|bob|hi\n");
	says(f, ALICE, "2: NEW_MESSAGE_RESPONSE_ACK|bob|bob"); /* her own is not acked by this, nor is his */
	passes(f, 1000);
	got(f, ALICE, "2: NEW_MESSAGE|bob|hi\n");
	got(f, BOB, "2: NEW_MESSAGE|bob|hi\n");
}

/* ---- rooms and chat -------------------------------------------------------------------------- */

static void a_text_stays_in_its_room(void **state) /* MSG-01, MSG-02 */
{
	struct fixture *f = *state;

	for (enum who who = ALICE; who <= TOM; who++)
		connects(f, who);
	enters(f, ALICE, "M", "127.0.0.1:5004");
	enters(f, TESS, "M", "127.0.0.1:5004");
	enters(f, BOB, "Good Bye, Lenin!", "127.0.0.1:5005");
	says(f, ALICE, "3.50: SEND_MESSAGE_REQUEST|alice|in M");
	got(f, ALICE, "3.50: NEW_MESSAGE|alice|in M\n");
	got(f, TESS, "3.50: NEW_MESSAGE|alice|in M\n");
	nobody_got(f);
	says(f, TOM, "3: SEND_MESSAGE_REQUEST|tom|in main");
	got(f, TOM, "3: NEW_MESSAGE|tom|in main\n");
	got(f, CAROL, "3: NEW_MESSAGE|tom|in main\n");
	got(f, DAVE, "3: NEW_MESSAGE|tom|in main\n");
	nobody_got(f);
	says(f, TESS, "3: LEAVE_SESSION_REQUEST|tess|");
	got(f, TESS, "3: LEAVE_SESSION_GRANTED|tess|\n");
	says(f, TESS, "4: SEND_MESSAGE_REQUEST|tess|back");
	got(f, TESS, "4: NEW_MESSAGE|tess|back\n");
	got(f, TOM, "4: NEW_MESSAGE|tess|back\n");
	nobody_got(f); /* Carol and Dave have not acked Tom's: REL-14; he is on TCP: REL-16 */
}

static void recipients_get_one_at_a_time(void **state) /* REL-14, REL-15, MSG-05, MSG-04 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	connects(f, BOB);
	connects(f, TESS);
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|same");
	says(f, TESS, "3: SEND_MESSAGE_REQUEST|tess|same");
	says(f, ALICE, "4: SEND_MESSAGE_REQUEST|alice|last");
	got(f, TESS, "2: NEW_MESSAGE|tess|same\n3: NEW_MESSAGE|tess|same\n4: NEW_MESSAGE|alice|last\n");
	got(f, ALICE, "2: NEW_MESSAGE|tess|same\n");
	got(f, BOB, "2: NEW_MESSAGE|tess|same\n");
	says(f, BOB, "2: NEW_MESSAGE_RESPONSE_ACK|bob|tess");
	got(f, BOB, "3: NEW_MESSAGE|tess|same\n");
	says(f, BOB, "2: NEW_MESSAGE_RESPONSE_ACK|bob|tess"); /* REL-09: a second one acks nothing */
	says(f, ALICE, "4: SEND_MESSAGE_REQUEST|alice|last"); /* REL-11: its response still waits */
	nobody_got(f);
	says(f, BOB, "3.0: NEW_MESSAGE_RESPONSE_ACK|bob|tess");
	got(f, BOB, "4: NEW_MESSAGE|alice|last\n");
	says(f, ALICE, "5: USER_LIST_REQUEST|alice|"); /* other responses do not wait */
	got(f, ALICE, "5: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM|bob,MAIN_ROOM|tess,MAIN_ROOM\n");
}

static void leaving_drops_what_waits(void **state) /* MSG-08 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	connects(f, TESS);
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|one");
	says(f, TESS, "3: SEND_MESSAGE_REQUEST|tess|two");
	got(f, ALICE, "2: NEW_MESSAGE|tess|one\n");
	enters(f, ALICE, "M", "127.0.0.1:5004");
	says(f, ALICE, "2: NEW_MESSAGE_RESPONSE_ACK|alice|tess");
	got(f, ALICE, "");
	says(f, ALICE, "3: SEND_MESSAGE_REQUEST|alice|mine");
	got(f, ALICE, "3: NEW_MESSAGE|alice|mine\n");
}

/* ---- retransmission -------------------------------------------------------------------------- */

static void responses_are_sent_until_given_up(void **state) /* REL-04, REL-05, REL-06, REL-08, ROB-05 */
{
	struct fixture *f = *state;

	connects(f, BOB);
	says(f, ALICE, "1.0: CONNECTION_REQUEST|alice|");
	for (unsigned i = 0; i < 4; i++) {
		got(f, ALICE, "1.0: CONNECTION_GRANTED|alice|\n");
		passes(f, 999);
		got(f, ALICE, "");
		assert_true(lists(f, BOB, 2 + i, "alice,MAIN_ROOM"));
		passes(f, 1);
	}
	got(f, ALICE, "");
	assert_false(lists(f, BOB, 6, "alice"));
	passes(f, 10000);
	nobody_got(f);
	assert_int_equal(srv_core_endpoints(f->core), 1);
	assert_int_equal(srv_core_pending(f->core), 0);
}

static void errors_are_sent_until_given_up(void **state)
{
	struct fixture *f = *state;

	says(f, ALICE, "1: LEAVE_SESSION_REQUEST|alice|");
	passes(f, 20000);
	got(f, ALICE, "1: LEAVE_SESSION_ERROR_1|alice|\n1: LEAVE_SESSION_ERROR_1|alice|\n1: LEAVE_SESSION_ERROR_1|alice|\n"
	              "1: LEAVE_SESSION_ERROR_1|alice|\n");
	assert_int_equal(srv_core_endpoints(f->core), 0);
}

static void the_first_given_up_ends_the_session(void **state) /* REL-08 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	connects(f, TESS);
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|one");
	passes(f, 500);
	says(f, TESS, "3: SEND_MESSAGE_REQUEST|tess|two");
	says(f, ALICE, "2: USER_LIST_REQUEST|alice|");
	passes(f, 3499);
	assert_true(lists(f, TESS, 4, "alice"));
	passes(f, 1);
	assert_false(lists(f, TESS, 5, "alice"));
	f->length[ALICE] = 0;
	f->got[ALICE][0] = '\0';
	passes(f, 10000);
	got(f, ALICE, "");
}

static void what_is_due_at_once_keeps_its_order(void **state) /* REL-05 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	says(f, ALICE, "2: SEND_MESSAGE_REQUEST|alice|hi");
	says(f, ALICE, "3: MOVIE_LIST_REQUEST|alice|");
	for (unsigned i = 0; i < 3; i++) {
		got(f, ALICE, "2: NEW_MESSAGE|alice|hi\n3: MOVIE_LIST_RESPONSE|alice|M|Good Bye, Lenin!\n");
		passes(f, 1000);
	}
}

/* A policy that waits longer for some answers than for others: 3 s for ALICE's, 2 s for BOB's, 1 s for CAROL's. */
static int64_t by_client(const struct srv_core *core, const struct srv_sending *sending, int64_t now)
{
	(void)core;
	return now + (CAROL + 1 - client_of(&sending->endpoint->way)) * 1000 * MS;
}

static void the_timetable_is_in_order(void **state)
{
	struct fixture *f = *state;
	static const struct srv_policy policy = { .due = by_client };
	static const enum who orders[][3] = { { ALICE, BOB, CAROL }, { BOB, ALICE, CAROL }, { ALICE, CAROL, BOB } };
	struct srv_settings with = settings();

	with.policy = &policy;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		set_up_with(f, &with);
		memset(f->length, 0, sizeof(f->length));
		memset(f->got, 0, sizeof(f->got));
		for (size_t n = 0; n < 3; n++) {
			says_as(f, orders[i][n], 1, "LEAVE_SESSION_REQUEST", "");
			f->length[orders[i][n]] = 0;
			f->got[orders[i][n]][0] = '\0';
		}
		passes(f, 1000);
		got(f, CAROL, "1: LEAVE_SESSION_ERROR_1|carol|\n");
		nobody_got(f);
		says_as(f, CAROL, 1, "LEAVE_SESSION_RESPONSE_ACK", "");
		passes(f, 1000);
		got(f, BOB, "1: LEAVE_SESSION_ERROR_1|bob|\n");
		nobody_got(f);
		passes(f, 1000);
		got(f, ALICE, "1: LEAVE_SESSION_ERROR_1|alice|\n");
	}
}

static void acks_stop_it(void **state) /* REL-07, REL-09 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	says(f, ALICE, "2.50: USER_LIST_REQUEST|alice|");
	says(f, BOB, "2.50: USER_LIST_RESPONSE_ACK|alice|");    /* another endpoint */
	says(f, ALICE, "2.50: MOVIE_LIST_RESPONSE_ACK|alice|"); /* another family */
	says(f, ALICE, "2.51: USER_LIST_RESPONSE_ACK|alice|");  /* another TIME */
	says(f, ALICE, "2.50: USER_LIST_RESPONSE_ACK|bob|");    /* another name */
	got(f, ALICE, "2.50: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\n");
	passes(f, 1000);
	got(f, ALICE, "2.50: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\n");
	says(f, ALICE, "2.5: USER_LIST_RESPONSE_ACK|alice|x");
	passes(f, 10000);
	got(f, ALICE, "");
	assert_true(lists(f, ALICE, 3, "alice"));
}

static void acks_of_texts_name_the_author(void **state) /* REL-10 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	connects(f, TESS);
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|hi");
	says(f, ALICE, "2: NEW_MESSAGE_RESPONSE_ACK|alice|");
	says(f, ALICE, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice");
	says(f, ALICE, "2: NEW_MESSAGE_RESPONSE_ACK|tess|tess");
	passes(f, 1000);
	got(f, ALICE, "2: NEW_MESSAGE|tess|hi\n2: NEW_MESSAGE|tess|hi\n");
	says(f, ALICE, "2: NEW_MESSAGE_RESPONSE_ACK|alice|tess");
	passes(f, 10000);
	got(f, ALICE, "");
}

static void the_error_for_a_session_is_acked_by_its_own_name(void **state) /* CON-05, NAM-01 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	says(f, ALICE, "2: CONNECTION_REQUEST|bob|");
	got(f, ALICE, "2: CONNECTION_ERROR_1004|bob|\n");
	says(f, ALICE, "2: CONNECTION_RESPONSE_ACK|alice|");
	passes(f, 1000);
	got(f, ALICE, "2: CONNECTION_ERROR_1004|bob|\n");
	says(f, ALICE, "2: CONNECTION_RESPONSE_ACK|bob|");
	passes(f, 10000);
	got(f, ALICE, "");
	assert_true(lists(f, ALICE, 3, "alice"));
}

static void a_further_request_acks(void **state) /* REL-13 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	says(f, ALICE, "2: SEND_MESSAGE_REQUEST|alice|hi");
	says(f, ALICE, "3: USER_LIST_REQUEST|alice|");
	says(f, ALICE, "4: MOVIE_LIST_REQUEST|alice|");
	f->length[ALICE] = 0;
	says(f, ALICE, "4: MOVIE_LIST_RESPONSE_ACK|alice|");
	passes(f, 1000);
	got(f, ALICE, "2: NEW_MESSAGE|alice|hi\n"); /* only its ack ends it */
	says(f, ALICE, "2: SEND_MESSAGE_REQUEST|alice|hi"); /* not the last request any more */
	got(f, ALICE, "");
	says(f, ALICE, "2: NEW_MESSAGE_RESPONSE_ACK|alice|alice");
	says(f, ALICE, "5: MOVIE_LIST_REQUEST|alice|");
	says(f, ALICE, "6: SEND_MESSAGE_REQUEST|alice|hi");
	says(f, ALICE, "6: NEW_MESSAGE_RESPONSE_ACK|alice|alice");
	f->length[ALICE] = 0;
	f->got[ALICE][0] = '\0';
	passes(f, 10000);
	got(f, ALICE, "");
}

/* ---- at most once ---------------------------------------------------------------------------- */

static void repetitions_are_answered_again(void **state) /* REL-11, REL-18, FMT-02 */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	says(f, ALICE, "7.50: ENTER_MOVIE_REQUEST|alice|M");
	got(f, ALICE, "7.50: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004\n");
	passes(f, 600);
	says(f, ALICE, "7.5: ENTER_MOVIE_REQUEST|alice|other"); /* the same TIME, and data is not compared */
	got(f, ALICE, "7.50: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004\n");
	passes(f, 400); /* the schedule is as it was */
	got(f, ALICE, "7.50: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004\n");
	says(f, ALICE, "7.50: LEAVE_SESSION_REQUEST|alice|"); /* not greater, no repetition */
	says(f, ALICE, "7.4999: LEAVE_SESSION_REQUEST|alice|");
	says(f, ALICE, "6: ENTER_MOVIE_REQUEST|alice|M");
	says(f, ALICE, "7.5: CONNECTION_REQUEST|alice|");
	got(f, ALICE, "");
	passes(f, 3000);
	got(f, ALICE, "7.50: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004\n7.50: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004\n");
	assert_int_equal(srv_core_users(f->core), 0); /* three retransmissions, the repetition not counted */
}

static void a_text_is_said_once(void **state) /* REL-11, MSG-04 */
{
	struct fixture *f = *state;
	static const enum who both[] = { ALICE, TESS };

	connects(f, ALICE);
	connects(f, TESS);
	connects(f, TOM);
	for (size_t i = 0; i < 2; i++) {
		enum who who = both[i];
		char text[64];

		says_as(f, who, 5, "SEND_MESSAGE_REQUEST", "hi");
		snprintf(text, sizeof(text), "5: NEW_MESSAGE|%s|hi\n", names[who]);
		got(f, who, text);
		got(f, TOM, text);
		f->length[ALICE] = f->length[TESS] = 0;
		f->got[ALICE][0] = f->got[TESS][0] = '\0';
		says_as(f, who, 5, "SEND_MESSAGE_REQUEST", "hi");
		got(f, who, text);
		says_as(f, who, 5, "SEND_MESSAGE_REQUEST", ""); /* before MSG-06 */
		got(f, who, text);
		nobody_got(f);
		says_as(f, who, 5, "NEW_MESSAGE_RESPONSE_ACK", names[who]);
		says_as(f, who, 5, "SEND_MESSAGE_REQUEST", "hi");
		nobody_got(f);
	}
}

static void microseconds_count(void **state) /* REL-11: exact TIMEs */
{
	struct fixture *f = *state;

	says(f, ALICE, "9999999999.999998: CONNECTION_REQUEST|alice|");
	says(f, ALICE, "9999999999.999999: USER_LIST_REQUEST|alice|");
	got(f, ALICE, "9999999999.999998: CONNECTION_GRANTED|alice|\n9999999999.999999: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\n");
}

static void without_a_session_too(void **state) /* REL-12 */
{
	struct fixture *f = *state;

	connects(f, BOB);
	says(f, ALICE, "5: CONNECTION_REQUEST|bob|");
	got(f, ALICE, "5: CONNECTION_ERROR_1001|bob|\n");
	says(f, BOB, "5: LEAVE_SESSION_REQUEST|bob|");
	says(f, ALICE, "5.0: CONNECTION_REQUEST|bob|"); /* the name is free now, but this is a repetition */
	got(f, ALICE, "5: CONNECTION_ERROR_1001|bob|\n");
	says(f, BOB, "5: LEAVE_SESSION_REQUEST|bob|");
	got(f, BOB, "5: LEAVE_SESSION_GRANTED|bob|\n5: LEAVE_SESSION_GRANTED|bob|\n");
	says(f, BOB, "5: LEAVE_SESSION_RESPONSE_ACK|bob|");
	says(f, BOB, "5: LEAVE_SESSION_REQUEST|bob|");
	got(f, BOB, "5: LEAVE_SESSION_ERROR_1|bob|\n");
	says(f, ALICE, "4: CONNECTION_REQUEST|bob|"); /* another request */
	got(f, ALICE, "4: CONNECTION_GRANTED|bob|\n");
}

static void a_new_session_begins_anew(void **state) /* CON-01: whatever its TIME */
{
	struct fixture *f = *state;

	connects(f, ALICE);
	says(f, ALICE, "9: SEND_MESSAGE_REQUEST|alice|hi");
	says(f, ALICE, "10: LEAVE_SESSION_REQUEST|alice|");
	says(f, ALICE, "2: CONNECTION_REQUEST|alice|");
	got(f, ALICE, "9: NEW_MESSAGE|alice|hi\n10: LEAVE_SESSION_GRANTED|alice|\n2: CONNECTION_GRANTED|alice|\n");
	says(f, ALICE, "2: CONNECTION_RESPONSE_ACK|alice|");
	says(f, ALICE, "3: USER_LIST_REQUEST|alice|");
	got(f, ALICE, "3: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\n");
	says(f, ALICE, "3: USER_LIST_RESPONSE_ACK|alice|");
	passes(f, 10000);
	got(f, ALICE, ""); /* the text of the session before is gone */
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static void nothing_is_timed_on_tcp(void **state) /* REL-16 */
{
	struct fixture *f = *state;

	says(f, TESS, "1: CONNECTION_REQUEST|tess|");
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|hi");
	assert_true(srv_core_due(f->core) == INT64_MAX);
	passes(f, 60000);
	got(f, TESS, "1: CONNECTION_GRANTED|tess|\n2: NEW_MESSAGE|tess|hi\n");
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|hi");
	got(f, TESS, "2: NEW_MESSAGE|tess|hi\n");
	says(f, TESS, "3: USER_LIST_REQUEST|tess|");
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|hi");
	says(f, TESS, "3: USER_LIST_REQUEST|tess|");
	got(f, TESS, "3: USER_LIST_RESPONSE|tess|tess,MAIN_ROOM\n3: USER_LIST_RESPONSE|tess|tess,MAIN_ROOM\n");
}

static void the_connection_outlives_the_session(void **state) /* LEA-02 */
{
	struct fixture *f = *state;

	connects(f, TESS);
	says(f, TESS, "2: LEAVE_SESSION_REQUEST|tess|");
	got(f, TESS, "2: LEAVE_SESSION_GRANTED|tess|\n");
	assert_false(f->dropped[TESS]);
	connects(f, TESS);
	assert_int_equal(srv_core_endpoints(f->core), 1);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void who_does_not_ack_is_dropped(void **state) /* ROB-03, UDP */
{
	struct fixture *f = *state;
	char text[1025] = "";
	size_t octets = 0;
	unsigned time = 2;

	connects(f, ALICE);
	connects(f, TESS);
	memset(text, 'x', 1024);
	while (srv_core_users(f->core) == 2) {
		says_as(f, TESS, time++, "SEND_MESSAGE_REQUEST", text);
		octets += f->length[TESS] + 1;
		f->length[TESS] = 0;
	}
	assert_in_range(octets, (1 << 20) + 1, (1 << 20) + 1100);
	assert_false(lists(f, TESS, time, "alice"));
}

static void the_backlog_is_counted_to_the_octet(void **state) /* ROB-03, UDP */
{
	struct fixture *f = *state;
	struct srv_settings small = settings();

	small.params.max_backlog = 2 * (int64_t)strlen("2: NEW_MESSAGE|tess|xy\r\n");
	set_up_with(f, &small);
	connects(f, ALICE);
	connects(f, TESS);
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|xy");
	says(f, TESS, "3: SEND_MESSAGE_REQUEST|tess|xy");
	assert_int_equal(srv_core_users(f->core), 2);
	says(f, ALICE, "2: LEAVE_SESSION_REQUEST|alice|"); /* what waits is for this session: the next begins with nothing */
	says(f, ALICE, "3: CONNECTION_REQUEST|alice|");
	says(f, TESS, "4: SEND_MESSAGE_REQUEST|tess|xy");
	says(f, TESS, "5: SEND_MESSAGE_REQUEST|tess|xy");
	assert_int_equal(srv_core_users(f->core), 2);
	says(f, TESS, "6: SEND_MESSAGE_REQUEST|tess|x");
	assert_int_equal(srv_core_users(f->core), 1);
}

static void who_acks_is_kept(void **state) /* ROB-03: what was acked waits no more */
{
	struct fixture *f = *state;
	char text[1025] = "", ack[64];

	connects(f, ALICE);
	connects(f, TESS);
	memset(text, 'x', 1024);
	for (unsigned time = 2; time < 3000; time++) {
		says_as(f, TESS, time, "SEND_MESSAGE_REQUEST", text);
		snprintf(ack, sizeof(ack), "%u: NEW_MESSAGE_RESPONSE_ACK|alice|tess", time);
		says(f, ALICE, ack);
		f->length[TESS] = f->length[ALICE] = 0;
	}
	assert_int_equal(srv_core_users(f->core), 2);
}

static void who_does_not_read_is_dropped(void **state) /* ROB-03, TCP */
{
	struct fixture *f = *state;

	connects(f, TESS);
	connects(f, TOM);
	f->waits[TOM] = 1 << 20;
	says(f, TESS, "2: SEND_MESSAGE_REQUEST|tess|one");
	assert_false(f->dropped[TOM]);
	f->waits[TOM]++;
	says(f, TESS, "3: SEND_MESSAGE_REQUEST|tess|two");
	assert_true(f->dropped[TOM]);
	assert_false(lists(f, TESS, 4, "tom"));
	f->waits[TESS] = 1 << 21;
	says(f, TESS, "5: SEND_MESSAGE_REQUEST|tess|to herself");
	assert_true(f->dropped[TESS]);
	assert_int_equal(srv_core_endpoints(f->core), 0);
}

static void who_only_asks_again_is_dropped(void **state) /* ROB-03, TCP: REL-11 is no way around it */
{
	struct fixture *f = *state;

	connects(f, TESS);
	says(f, TESS, "2: USER_LIST_REQUEST|tess|");
	f->waits[TESS] = 1 << 21;
	says(f, TESS, "2: USER_LIST_REQUEST|tess|");
	assert_true(f->dropped[TESS]);
	assert_int_equal(srv_core_endpoints(f->core), 0);
}

static void strangers_are_forgotten(void **state) /* ROB-04 */
{
	struct fixture *f = *state;
	struct srv_way way = way_of(DAVE);
	char request[] = "1: LEAVE_SESSION_REQUEST|x|\r\n";

	says(f, ALICE, "1: LEAVE_SESSION_REQUEST|x|");
	for (uint16_t i = 0; i < 1000; i++) {
		way.peer.port = (uint16_t)(5000 + i);
		srv_core_receive(f->core, &way, request, strlen(request), f->now);
		assert_in_range(srv_core_endpoints(f->core), 1, 8);
	}
	passes(f, 10000);
	got(f, ALICE, "1: LEAVE_SESSION_ERROR_1|x|\n");
	assert_int_equal(f->count, 1001 + 8 * 3);
	assert_int_equal(srv_core_endpoints(f->core), 0);
}

static void answered_strangers_leave_no_trace(void **state) /* ROB-04, REL-16 */
{
	struct fixture *f = *state;

	for (unsigned time = 1; time < 20; time++) {
		says_as(f, ALICE, time, "LEAVE_SESSION_REQUEST", "");
		assert_int_equal(srv_core_endpoints(f->core), 1);
		says_as(f, ALICE, time, "LEAVE_SESSION_RESPONSE_ACK", "");
		assert_int_equal(srv_core_endpoints(f->core), 0);
	}
	says_as(f, TESS, 1, "LEAVE_SESSION_REQUEST", "");
	assert_int_equal(srv_core_endpoints(f->core), 0);
}

static void the_stranger_heard_last_stays_longest(void **state) /* ROB-04: by repeating, too */
{
	struct fixture *f = *state;
	struct srv_settings small = settings();

	small.max_endpoints = 2;
	set_up_with(f, &small);
	says_as(f, ALICE, 1, "LEAVE_SESSION_REQUEST", "");
	says_as(f, BOB, 1, "LEAVE_SESSION_REQUEST", "");
	says_as(f, ALICE, 1, "LEAVE_SESSION_REQUEST", "");
	got(f, ALICE, "1: LEAVE_SESSION_ERROR_1|alice|\n1: LEAVE_SESSION_ERROR_1|alice|\n");
	says_as(f, CAROL, 1, "LEAVE_SESSION_REQUEST", "");
	got(f, BOB, "1: LEAVE_SESSION_ERROR_1|bob|\n");
	passes(f, 1000);
	got(f, ALICE, "1: LEAVE_SESSION_ERROR_1|alice|\n");
	got(f, BOB, "");
}

static void every_list_fits(void **state) /* FMT-07 */
{
	struct fixture *f = *state;
	char title[65], request[128];
	struct srv_movie long_movie = { { title, 64 }, { "127.0.0.1:1", 11 } };
	struct srv_settings many = settings();
	struct srv_way way = way_of(ALICE);
	size_t fit = srv_core_users_that_fit(&long_movie, 1);

	memset(title, 'x', 64);
	title[64] = '\0';
	many.movies = &long_movie;
	many.movie_count = 1;
	many.max_users = 100000;
	set_up_with(f, &many);
	for (unsigned i = 0; i <= fit; i++) { /* the last one finds it full */
		way.peer.port = (uint16_t)(5000 + i);
		snprintf(request, sizeof(request), "1: CONNECTION_REQUEST|%032u|\r\n", i);
		srv_core_receive(f->core, &way, request, strlen(request), f->now);
		snprintf(request, sizeof(request), "2: ENTER_MOVIE_REQUEST|%032u|%s\r\n", i, title);
		srv_core_receive(f->core, &way, request, strlen(request), f->now);
		f->length[DAVE] = 0;
	}
	assert_int_equal(srv_core_users(f->core), fit);
	way.peer.port = 5000;
	snprintf(request, sizeof(request), "9999999999.999999: USER_LIST_REQUEST|%032u|\r\n", 0);
	srv_core_receive(f->core, &way, request, strlen(request), f->now);
	assert_in_range(f->length[DAVE], C2W_MAX_TO_CLIENT - 200, C2W_MAX_TO_CLIENT); /* which record() checked */
}

static void the_movie_list_has_a_limit(void **state)
{
	enum { COUNT = 1100 };
	static struct srv_movie some[COUNT];
	static char title[64];

	(void)state;
	memset(title, 'x', sizeof(title));
	for (size_t i = 0; i < COUNT; i++)
		some[i].title = (struct c2w_str){ title, sizeof(title) };
	assert_int_equal(srv_core_users_that_fit(some, COUNT), 0);
	assert_true(srv_core_users_that_fit(some, COUNT - 100) > 500);
}

/* Room for the data: what is left beside the longest TIME, MOVIE_LIST_RESPONSE and the longest name. */
static void the_limits_are_exact(void **state) /* FMT-07 */
{
	enum { ROOM = C2W_MAX_TO_CLIENT - 17 - (int)sizeof(": MOVIE_LIST_RESPONSE||\r\n") + 1 - 32, TITLE = 60, COUNT = ROOM / TITLE };
	static struct srv_movie some[COUNT + 1];
	static char title[2 * TITLE];
	const struct srv_movie two[] = { { .title = { title, 50 } }, { .title = { title, 40 } } };

	(void)state;
	memset(title, 'x', sizeof(title));
	for (size_t i = 0; i < COUNT; i++)
		some[i].title = (struct c2w_str){ title, TITLE - 1 }; /* and a separator */
	some[COUNT].title = (struct c2w_str){ title, ROOM % TITLE - 1 };
	assert_int_equal(srv_core_users_that_fit(some, COUNT + 1), ROOM / (32 + 1 + TITLE - 1 + 1));
	some[COUNT].title.length++;
	assert_int_equal(srv_core_users_that_fit(some, COUNT + 1), 0);
	assert_int_equal(srv_core_users_that_fit(NULL, 0), ROOM / (32 + 1 + 9 + 1)); /* all in MAIN_ROOM */
	assert_int_equal(srv_core_users_that_fit(two, 2), ROOM / (32 + 1 + 50 + 1));
}

static void there_may_be_no_movies(void **state)
{
	struct fixture *f = *state;
	struct srv_settings none = settings();

	none.movie_count = 0;
	set_up_with(f, &none);
	connects(f, ALICE);
	says(f, ALICE, "2: MOVIE_LIST_REQUEST|alice|");
	got(f, ALICE, "2: MOVIE_LIST_RESPONSE|alice|\n");
	says(f, ALICE, "3: ENTER_MOVIE_REQUEST|alice|");
	got(f, ALICE, "3: ENTER_MOVIE_ERROR_2002|alice|\n");
}

static void ten_thousand_wait(void **state) /* each in its turn, at most 512 a call */
{
	struct fixture *f = *state;
	struct srv_settings many = settings();
	struct srv_way way = way_of(ALICE);
	char request[] = "1: LEAVE_SESSION_REQUEST|x|\r\n";
	size_t before;

	many.max_endpoints = 10000;
	set_up_with(f, &many);
	for (unsigned i = 0; i < 10000; i++) {
		way.peer.port = (uint16_t)(5000 + i);
		srv_core_receive(f->core, &way, request, strlen(request), f->now);
		f->length[DAVE] = 0;
	}
	assert_int_equal(srv_core_pending(f->core), 10000);
	f->now += 1000 * MS;
	before = f->count;
	srv_core_run(f->core, f->now);
	assert_int_equal(f->count - before, 512);
	f->length[DAVE] = 0;
	for (unsigned i = 0; i < 100 && srv_core_due(f->core) <= f->now; i++) {
		srv_core_run(f->core, f->now);
		f->length[DAVE] = 0;
	}
	assert_int_equal(f->count - before, 10000);
}

static void freed_parcels_are_used_again(void **state) /* by size, and a limited number is kept */
{
	enum { MANY = SRV_POOLED + 2 };
	struct srv_parcel **parcels = calloc(MANY, sizeof(*parcels)), *big;
	static char text[1000];
	struct srv_pool pool = { .count = { 0 } };
	struct c2w_message message = { .time_text = { "1", 1 }, .command = C2W_NEW_MESSAGE, .user = { "a", 1 } };

	(void)state;
	assert_non_null(parcels);
	for (size_t i = 0; i < MANY; i++)
		parcels[i] = srv_parcel_new(&pool, &message);
	for (size_t i = 0; i < MANY; i++)
		srv_parcel_release(&pool, parcels[i]);
	assert_int_equal(pool.count[0], SRV_POOLED);
	for (size_t i = SRV_POOLED; i-- > 0;)
		assert_ptr_equal(srv_parcel_new(&pool, &message), parcels[i]);
	assert_int_equal(pool.count[0], 0);
	message.data = (struct c2w_str){ text, sizeof(text) };
	big = srv_parcel_new(&pool, &message);
	assert_int_equal(big->sent.command, C2W_NEW_MESSAGE);
	srv_parcel_release(&pool, big);
	assert_int_equal(pool.count[0], 0); /* it is no small one */
	assert_ptr_equal(srv_parcel_new(&pool, &message), big);
	srv_parcel_release(&pool, big);
	for (size_t i = 0; i < SRV_POOLED; i++)
		srv_parcel_release(&pool, parcels[i]);
	srv_pool_free(&pool);
	free(parcels);
}

static void answers_leave_from_where_they_were_asked(void **state) /* TRN-04 */
{
	struct fixture *f = *state;
	struct srv_way way = way_of(ALICE);
	const char *request = "1: CONNECTION_REQUEST|alice|\r\n";

	way.local.port = 2000;
	srv_core_receive(f->core, &way, request, strlen(request), f->now);
	assert_int_equal(f->from_port, 2000);
	passes(f, 1000);
	assert_int_equal(f->from_port, 2000);
	way.local.port = 2500; /* the same request, elsewhere */
	srv_core_receive(f->core, &way, request, strlen(request), f->now);
	assert_int_equal(f->from_port, 2500);
	way.local.port = 3000; /* the same endpoint, asking elsewhere */
	request = "2: USER_LIST_REQUEST|alice|\r\n";
	srv_core_receive(f->core, &way, request, strlen(request), f->now);
	assert_int_equal(f->from_port, 3000);
	assert_int_equal(srv_core_endpoints(f->core), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(disconnected_cells),
		TEST(main_room_cells),
		TEST(movie_room_cells),
		TEST(names_are_checked),
		TEST(errors_come_in_order),
		TEST(rooms_can_be_full),
		TEST(names_are_free_again),
		TEST(garbage_is_discarded),
		TEST(long_requests_are_discarded),
		TEST(texts_have_limits),
		TEST(nobody_acts_for_another),
		TEST(a_text_stays_in_its_room),
		TEST(recipients_get_one_at_a_time),
		TEST(leaving_drops_what_waits),
		TEST(responses_are_sent_until_given_up),
		TEST(errors_are_sent_until_given_up),
		TEST(the_first_given_up_ends_the_session),
		TEST(what_is_due_at_once_keeps_its_order),
		TEST(the_timetable_is_in_order),
		TEST(acks_stop_it),
		TEST(acks_of_texts_name_the_author),
		TEST(the_error_for_a_session_is_acked_by_its_own_name),
		TEST(a_further_request_acks),
		TEST(repetitions_are_answered_again),
		TEST(a_text_is_said_once),
		TEST(microseconds_count),
		TEST(without_a_session_too),
		TEST(a_new_session_begins_anew),
		TEST(nothing_is_timed_on_tcp),
		TEST(the_connection_outlives_the_session),
		TEST(who_does_not_ack_is_dropped),
		TEST(the_backlog_is_counted_to_the_octet),
		TEST(who_acks_is_kept),
		TEST(who_does_not_read_is_dropped),
		TEST(who_only_asks_again_is_dropped),
		TEST(strangers_are_forgotten),
		TEST(answered_strangers_leave_no_trace),
		TEST(the_stranger_heard_last_stays_longest),
		TEST(every_list_fits),
		TEST(the_movie_list_has_a_limit),
		TEST(the_limits_are_exact),
		TEST(there_may_be_no_movies),
		TEST(ten_thousand_wait),
		TEST(freed_parcels_are_used_again),
		TEST(answers_leave_from_where_they_were_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
