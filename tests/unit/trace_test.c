/* From frames to messages: link layers, IP, fragments, streams that lose, repeat and reorder, who is the server, what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/dlt.h>

#include "pcap/stream.h"
#include "pcap/trace.h"
#include "pcap/writer.h"

enum { MAX_PACKETS = 400, FILE_HEADER = 24, HEADER = 16 };

struct packets {
	char *file;
	size_t size;
	FILE *to;
	struct { const char *at; size_t length; } at[MAX_PACKETS];
	unsigned count;
};

struct world {
	struct pc_trace *trace;
	char heard[8192];           /* the messages, one behind the other */
	unsigned messages, findings, notes;
	enum c2w_rule rule;
	struct pc_session last;
};

static const struct net_addr client = { .octets = { 10, 0, 0, 2 }, .port = 40000, .family = 4 };
static const struct net_addr server = { .octets = { 10, 0, 0, 1 }, .port = 1950, .family = 4 };

static void packets_begin(struct packets *packets)
{
	memset(packets, 0, sizeof(*packets));
	packets->to = open_memstream(&packets->file, &packets->size);
	assert_non_null(packets->to);
	pc_write_header(packets->to);
}

static void packets_end(struct packets *packets)
{
	fclose(packets->to);
	for (size_t at = FILE_HEADER; at + HEADER <= packets->size;) {
		uint32_t header[4];
		memcpy(header, packets->file + at, sizeof(header));
		assert_true(packets->count < MAX_PACKETS);
		packets->at[packets->count].at = packets->file + at + HEADER;
		packets->at[packets->count++].length = header[2];
		at += HEADER + header[2];
	}
}

static void heard(void *context, struct pc_session *session, const struct pc_event *event)
{
	struct world *world = context;
	world->last = *session;
	if (event->message == NULL) {
		world->notes++;
		return;
	}
	world->messages++;
	assert_true(strlen(world->heard) + event->octets.length < sizeof(world->heard));
	strncat(world->heard, event->octets.at, event->octets.length);
}

static void found(void *context, struct pc_session *session, uint64_t packet, const struct jd_finding *finding)
{
	struct world *world = context;
	(void)session, (void)packet;
	world->findings += !finding->suspicion;
	world->rule = finding->rule;
}

static struct world *world_of(bool complete)
{
	struct world *world = calloc(1, sizeof(*world));
	struct pc_trace_options options = { .complete = complete, .latency = 5000000, .event = heard, .found = found };
	assert_non_null(world);
	options.context = world;
	c2w_params_init(&options.params);
	world->trace = pc_trace_new(&options);
	assert_non_null(world->trace);
	return world;
}

static struct world *world_new(void)
{
	return world_of(false);
}

static void world_free(struct world *world)
{
	pc_trace_free(world->trace);
	free(world);
}

static void feed(struct world *world, int link, const char *octets, size_t length)
{
	static uint64_t number;
	char *copy = malloc(length + 1); /* so that reading behind it is noticed */
	memcpy(copy, octets, length);
	number++;
	pc_trace_frame(world->trace, link, (int64_t)number * 1000, number, copy, length);
	free(copy);
}

static void feed_all(struct world *world, const struct packets *packets)
{
	for (unsigned i = 0; i < packets->count; i++)
		feed(world, DLT_RAW, packets->at[i].at, packets->at[i].length);
}

static struct c2w_str str(const char *text)
{
	return c2w_str_of(text);
}

/* ---- link layers ------------------------------------------------------------------------------- */

static const char hello[] = "1: CONNECTION_REQUEST|a|\r\n";

static void one_datagram(struct packets *packets)
{
	packets_begin(packets);
	pc_write_datagram(packets->to, 1, &client, &server, str(hello));
	packets_end(packets);
}

static void every_link(void **state)
{
	static const struct { int link; const char *header; size_t length; } links[] = {
		{ DLT_RAW, "", 0 }, { DLT_IPV4, "", 0 }, { DLT_NULL, "\2\0\0\0", 4 }, { DLT_LOOP, "\0\0\0\2", 4 },
		{ DLT_EN10MB, "\0\0\0\0\0\0\0\0\0\0\0\0\x08\0", 14 }, { DLT_EN10MB, "\0\0\0\0\0\0\0\0\0\0\0\0\x81\0\0\5\x08\0", 18 },
		{ DLT_EN10MB, "\0\0\0\0\0\0\0\0\0\0\0\0\x88\xa8\0\5\x81\0\0\6\x08\0", 22 },
		{ DLT_LINUX_SLL, "\0\0\0\1\0\6\0\0\0\0\0\0\0\0\x08\0", 16 }, { DLT_LINUX_SLL2, "\x08\0\0\0\0\0\0\1\0\1\0\6\0\0\0\0\0\0\0\0", 20 },
	};
	struct packets packets;
	(void)state;
	one_datagram(&packets);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct world *world = world_new();
		char frame[256];
		memcpy(frame, links[i].header, links[i].length);
		memcpy(frame + links[i].length, packets.at[0].at, packets.at[0].length);
		memcpy(frame + links[i].length + packets.at[0].length, "padding", 7); /* as Ethernet has */
		assert_true(pc_link_known(links[i].link));
		feed(world, links[i].link, frame, links[i].length + packets.at[0].length + 7);
		assert_string_equal(world->heard, hello);
		for (size_t cut = 0; cut < links[i].length + packets.at[0].length; cut++)
			feed(world, links[i].link, frame, cut);
		assert_int_equal(world->messages, 1);
		world_free(world);
	}
	assert_false(pc_link_known(DLT_IEEE802_11));
	free(packets.file);
}

static void ipv6(void **state)
{
	const struct net_addr from = { .octets = { 0x20, 1, [15] = 2 }, .port = 5, .family = 6 }, to = { .octets = { 0x20, 1, [15] = 1 }, .port = 1950, .family = 6 };
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	packets_begin(&packets);
	pc_write_datagram(packets.to, 1, &from, &to, str(hello));
	packets_end(&packets);
	feed_all(world, &packets);
	assert_string_equal(world->heard, hello);
	assert_true(net_addr_equal(&world->last.server, &to));
	world_free(world);
	free(packets.file);
}

/* ---- fragments ----------------------------------------------------------------------------------- */

static size_t fragment(char *to, const char *packet, size_t from, size_t length, bool more)
{
	unsigned field = (unsigned)from / 8 | (more ? 0x2000 : 0);
	memcpy(to, packet, 20);
	to[2] = (char)((20 + length) >> 8);
	to[3] = (char)(20 + length);
	to[6] = (char)(field >> 8);
	to[7] = (char)field;
	memcpy(to + 20, packet + 20 + from, length);
	return 20 + length;
}

static void fragments_in_any_order(void **state)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 } };
	struct packets packets;
	(void)state;
	one_datagram(&packets);
	for (size_t i = 0; i < 3; i++) {
		struct world *world = world_new();
		for (unsigned k = 0; k < 3; k++) {
			unsigned part = orders[i][k];
			char frame[128];
			size_t length = fragment(frame, packets.at[0].at, part * 16, part < 2 ? 16 : packets.at[0].length - 20 - 32, part < 2);
			feed(world, DLT_RAW, frame, length);
			feed(world, DLT_RAW, frame, length); /* once more */
		}
		assert_string_equal(world->heard, hello);
		world_free(world);
	}
	free(packets.file);
}

/* None is ever whole: bounded, and counted. */
static void fragments_without_end(void **state)
{
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	one_datagram(&packets);
	for (unsigned i = 0; i < 1000; i++) {
		char frame[128];
		size_t length = fragment(frame, packets.at[0].at, 0, 16, true);
		frame[4] = (char)(i >> 8);
		frame[5] = (char)i;
		feed(world, DLT_RAW, frame, length);
	}
	assert_int_equal(world->messages, 0);
	assert_int_equal(pc_trace_counts(world->trace).fragments_lost, 1000);
	world_free(world);
	free(packets.file);
}

/* ---- streams --------------------------------------------------------------------------------------- */

static const char *const lines[] = {
	"1: CONNECTION_REQUEST|a|\r\n", "2: USER_LIST_REQUEST|a|\r\n", "3: MOVIE_LIST_REQUEST|a|\r\n", "4: LEAVE_SESSION_REQUEST|a|\r\n",
};
static const char all_lines[] = "1: CONNECTION_REQUEST|a|\r\n2: USER_LIST_REQUEST|a|\r\n3: MOVIE_LIST_REQUEST|a|\r\n4: LEAVE_SESSION_REQUEST|a|\r\n";

/* 0-2 handshake; then a segment and its ack, four times. */
static void a_stream(struct packets *packets)
{
	struct pc_connection connection = { .client = client, .server = server };
	packets_begin(packets);
	for (unsigned i = 0; i < 4; i++)
		pc_write_octets(packets->to, &connection, 1, false, str(lines[i]));
	packets_end(packets);
	assert_int_equal(packets->count, 11);
}

static void play(struct world *world, const struct packets *packets, const unsigned *order, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		feed(world, DLT_RAW, packets->at[order[i]].at, packets->at[order[i]].length);
}

static void segments_reordered_and_repeated(void **state)
{
	static const unsigned order[] = { 0, 1, 2, 9, 5, 3, 3, 7, 5, 9 };
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	a_stream(&packets);
	play(world, &packets, order, 10);
	assert_string_equal(world->heard, all_lines);
	assert_int_equal(pc_trace_counts(world->trace).gaps, 0);
	assert_false(world->last.gap || world->last.late);
	world_free(world);
	free(packets.file);
}

/* The receiver acknowledged what is not there. */
static void a_segment_is_missing(void **state)
{
	static const unsigned order[] = { 0, 1, 2, 3, 4, 6, 7, 8, 9, 10 };
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	a_stream(&packets);
	play(world, &packets, order, 10);
	assert_int_equal(pc_trace_counts(world->trace).gaps, 1);
	assert_non_null(strstr(world->heard, lines[0]));
	assert_null(strstr(world->heard, lines[1]));
	assert_non_null(strstr(world->heard, lines[3]));
	assert_true(world->last.gap);
	assert_int_equal(world->findings, 0);
	world_free(world);
	free(packets.file);
}

static void begun_before_the_capture(void **state)
{
	static const unsigned order[] = { 5, 6, 7, 8, 9, 10 };
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	a_stream(&packets);
	play(world, &packets, order, 6);
	assert_true(world->last.late);
	assert_int_equal(pc_trace_counts(world->trace).late, 1);
	assert_null(strstr(world->heard, lines[1])); /* it may be the end of something */
	assert_non_null(strstr(world->heard, lines[2]));
	world_free(world);
	free(packets.file);
}

static void take(void *context, const struct pc_packet *packet, struct c2w_str octets)
{
	size_t *taken = context;
	(void)packet;
	*taken += octets.length;
}

static void gap(void *context, const struct pc_packet *packet)
{
	size_t *taken = context;
	(void)packet;
	*taken += 1000000;
}

/* Sequence numbers turn over, and what waits for a hole is bounded. */
static void a_hole_is_not_waited_for_without_end(void **state)
{
	static char octets[8192];
	size_t taken = 0;
	const struct pc_stream_sink sink = { take, gap, &taken };
	struct pc_stream stream = { 0 };
	struct pc_packet packet = { .tcp = true, .syn = true, .seq = 0xfffff000 };
	(void)state;
	pc_stream_segment(&stream, &packet, &sink);
	packet = (struct pc_packet){ .tcp = true, .seq = 0xfffff001, .payload = { octets, sizeof(octets) } };
	pc_stream_segment(&stream, &packet, &sink);
	assert_int_equal(taken, 8192);
	for (unsigned i = 0; i < 32; i++) {
		packet.seq = 0xfffff001 + 8192 + 1 + 8192 * i;
		pc_stream_segment(&stream, &packet, &sink);
		assert_int_equal(taken, 8192);
	}
	packet.seq += 8192;
	pc_stream_segment(&stream, &packet, &sink);
	assert_int_equal(taken, 8192 + 1000000 + 33 * 8192);
	pc_stream_clear(&stream);
}

/* ---- sessions ---------------------------------------------------------------------------------------- */

static void a_server_is_recognised_on_any_port(void **state)
{
	struct net_addr elsewhere = server;
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	elsewhere.port = 7777;
	packets_begin(&packets);
	pc_write_datagram(packets.to, 1, &client, &elsewhere, str("nothing of ours"));
	pc_write_datagram(packets.to, 2, &client, &elsewhere, str(hello));
	pc_write_datagram(packets.to, 3, &elsewhere, &client, str("1: CONNECTION_GRANTED|a|\r\n"));
	packets_end(&packets);
	feed_all(world, &packets);
	assert_int_equal(world->messages, 2);
	assert_int_equal(world->findings, 0);
	assert_true(net_addr_equal(&world->last.server, &elsewhere));
	assert_string_equal(world->last.user, "a");
	world_free(world);
	free(packets.file);
}

static void mistakes_are_found(void **state)
{
	struct net_addr elsewhere = server;
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	elsewhere.port = 1951;
	packets_begin(&packets);
	pc_write_datagram(packets.to, 1, &client, &server, str(hello));
	pc_write_datagram(packets.to, 2, &server, &client, str("1.0: CONNECTION_GRANTED|a|\r\n"));
	packets_end(&packets);
	feed_all(world, &packets);
	assert_int_equal(world->findings, 1);
	assert_int_equal(world->rule, C2W_FMT_02);
	free(packets.file);
	packets_begin(&packets);
	pc_write_datagram(packets.to, 1, &client, &server, str("9: USER_LIST_REQUEST|a|\r\n"));
	pc_write_datagram(packets.to, 2, &elsewhere, &client, str("9: USER_LIST_RESPONSE|a|a,MAIN_ROOM\r\n"));
	packets_end(&packets);
	feed_all(world, &packets);
	assert_int_equal(world->rule, C2W_TRN_04);
	world_free(world);
	free(packets.file);
}

/* A lists request from an endpoint whose login was not seen may well be answered. */
static void late_sessions_are_judged_by_form(void **state)
{
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	packets_begin(&packets);
	pc_write_datagram(packets.to, 1, &client, &server, str("9: USER_LIST_REQUEST|a|\r\n"));
	pc_write_datagram(packets.to, 2, &server, &client, str("9: USER_LIST_RESPONSE|a|a,MAIN_ROOM\r\n"));
	pc_write_datagram(packets.to, 3, &server, &client, str("8: NEW_MESSAGE|b|who?\r\n"));
	packets_end(&packets);
	feed_all(world, &packets);
	assert_int_equal(world->messages, 3);
	assert_int_equal(world->findings, 0);
	free(packets.file);
	packets_begin(&packets);
	pc_write_datagram(packets.to, 4, &server, &client, str("8: NEW_MESSAGE|b|who?"));
	packets_end(&packets);
	feed_all(world, &packets);
	assert_int_equal(world->findings, 1);
	assert_int_equal(world->rule, C2W_TRN_02);
	world_free(world);
	free(packets.file);
}

/* CON-05 of somebody whose session is not in the capture: whoever he was, he may go on. */
static void who_has_a_session_already_began_late(void **state)
{
	static const struct { bool down; const char *octets; } said[] = {
		{ false, "7: CONNECTION_REQUEST|no name|\r\n" }, { true, "7: CONNECTION_ERROR_1004|no name|\r\n" },
		{ false, "8: USER_LIST_REQUEST|a|\r\n" }, { true, "8: USER_LIST_RESPONSE|a|a,MAIN_ROOM\r\n" },
	};
	struct world *world = world_new();
	struct packets packets;
	(void)state;
	packets_begin(&packets);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		pc_write_datagram(packets.to, 1, said[i].down ? &server : &client, said[i].down ? &client : &server, str(said[i].octets));
	packets_end(&packets);
	feed_all(world, &packets);
	assert_int_equal(world->messages, 4);
	assert_int_equal(world->findings, 0);
	assert_true(world->last.late);
	world_free(world);
	free(packets.file);
}

/* More servers than there is room for: of none is anything guessed, though the capture is said to be complete. */
static void servers_without_end(void **state)
{
	static const char *const said[] = { "7: CONNECTION_GRANTED|a|\r\n", "8: USER_LIST_RESPONSE|a|a,MAIN_ROOM\r\n" };
	struct world *world = world_of(true);
	struct packets packets;
	(void)state;
	packets_begin(&packets);
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < 2 * PC_SERVERS; i++) {
			struct net_addr at = server;
			at.octets[3] = (uint8_t)(100 + i);
			pc_write_datagram(packets.to, 1, &client, &at, str(turn == 0 ? "7: CONNECTION_REQUEST|a|\r\n" : "8: USER_LIST_REQUEST|a|\r\n"));
			pc_write_datagram(packets.to, 1, &at, &client, str(said[turn]));
		}
	packets_end(&packets);
	feed_all(world, &packets);
	assert_int_equal(pc_trace_counts(world->trace).servers_forgotten, 3 * PC_SERVERS);
	assert_int_equal(world->findings, 0);
	world_free(world);
	free(packets.file);
}

/* Ten thousand endpoints: bounded, and what is forgotten is not taken for something that never was. */
static void endpoints_without_end(void **state)
{
	struct world *world = world_new();
	struct packets packets;
	struct net_addr from = client;
	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		from.port = (uint16_t)(1 + i % 5000);
		from.octets[3] = (uint8_t)(2 + i / 5000 % 2);
		packets_begin(&packets);
		pc_write_datagram(packets.to, 1, &from, &server, str(i % 3 == 0 ? "5: MOVIE_LIST_REQUEST|a|\r\n" : hello));
		packets_end(&packets);
		world->heard[0] = '\0';
		feed_all(world, &packets);
		free(packets.file);
	}
	assert_int_equal(pc_trace_counts(world->trace).sessions, 10000);
	assert_int_equal(pc_trace_counts(world->trace).forgotten, 10000 - PC_SESSIONS);
	assert_int_equal(world->findings, 0);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(fragments_in_any_order),
		cmocka_unit_test(fragments_without_end),
		cmocka_unit_test(segments_reordered_and_repeated),
		cmocka_unit_test(a_segment_is_missing),
		cmocka_unit_test(begun_before_the_capture),
		cmocka_unit_test(a_hole_is_not_waited_for_without_end),
		cmocka_unit_test(a_server_is_recognised_on_any_port),
		cmocka_unit_test(mistakes_are_found),
		cmocka_unit_test(late_sessions_are_judged_by_form),
		cmocka_unit_test(who_has_a_session_already_began_late),
		cmocka_unit_test(servers_without_end),
		cmocka_unit_test(endpoints_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
