/* The packets of a run, captured or made, see main_pcap.h. For harness/main.c.
 * Names come from scenario ids, which are paths of ours: what is no letter, digit, point, dash or underscore becomes a dash. */
#include "harness/main_pcap.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "pcap/packet.h"
#include "pcap/source.h"
#include "pcap/writer.h"

enum { MAX_CONNECTIONS = 512, PIECES = 64, MAX_OPEN = 200, SLACK = 1000000 /* ns: two clocks */ };

static const size_t NOBODY = SIZE_MAX;

struct connections {
	struct pc_connection at[MAX_CONNECTIONS];
	unsigned count;
};

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* With --repeat there are several of one name. */
static unsigned turn_of(const struct rp_result *result, const struct rp_scenario *scenario)
{
	unsigned turn = 1;

	for (const struct rp_scenario *other = result->scenarios; other < scenario; other++)
		turn += other->transport == scenario->transport && strcmp(other->id, scenario->id) == 0;
	return turn;
}

static char *file_of(struct rp_result *result, const char *folder, const struct rp_scenario *scenario)
{
	unsigned turn = turn_of(result, scenario);
	char *id = rp_text(result, "%s", scenario->id), again[16] = "";

	for (char *at = id; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && strchr("._-", *at) == NULL)
			*at = '-';
	if (turn > 1)
		snprintf(again, sizeof(again), ".%u", turn);
	return rp_text(result, "%s/%s.%s%s.pcap", folder, id, rp_transport_name(scenario->transport), again);
}

static bool read_path(const char *path, struct net_addr *client, struct net_addr *server)
{
	const char *arrow = path == NULL ? NULL : strstr(path, " > ");
	char text[NET_ADDR_TEXT];

	if (arrow == NULL || (size_t)(arrow - path) >= sizeof(text))
		return false;
	memcpy(text, path, (size_t)(arrow - path));
	text[arrow - path] = '\0';
	return net_addr_parse(client, text) == 0 && net_addr_parse(server, arrow + 3) == 0;
}

static struct pc_connection *connection_of(struct connections *connections, const struct net_addr *client, const struct net_addr *server)
{
	struct pc_connection *connection;

	for (unsigned i = 0; i < connections->count; i++)
		if (net_addr_equal(&connections->at[i].client, client))
			return &connections->at[i];
	if (connections->count == MAX_CONNECTIONS)
		return NULL;
	connection = &connections->at[connections->count++];
	*connection = (struct pc_connection){ .client = *client, .server = *server };
	return connection;
}

static void write_event(FILE *to, struct connections *connections, int64_t start, const struct rp_event *event)
{
	const struct c2w_str octets = { event->octets, event->octets == NULL ? 0 : event->length };
	struct net_addr client, server;
	struct pc_connection *connection;

	if (!read_path(event->path, &client, &server))
		return;
	if (!event->tcp) {
		if (event->octets != NULL)
			pc_write_datagram(to, start + event->at, event->received ? &server : &client, event->received ? &client : &server, octets);
		return;
	}
	connection = connection_of(connections, &client, &server);
	if (connection == NULL)
		return;
	pc_write_octets(to, connection, start + event->at, event->received, octets);
	if (event->end != RP_GOES_ON)
		pc_write_end(to, connection, start + event->at, event->received, event->end == RP_RST);
}

/* Every scenario ends its connections. */
static void write_ends(FILE *to, struct connections *connections, int64_t at)
{
	for (unsigned i = 0; i < connections->count; i++) {
		pc_write_end(to, &connections->at[i], at, false, false);
		pc_write_end(to, &connections->at[i], at, true, false);
	}
}

void packets_synthesise(FILE *to, const struct rp_scenario *scenario, int64_t start)
{
	struct connections *connections = must(calloc(1, sizeof(*connections)));
	int64_t last = start;

	pc_write_header(to);
	for (size_t i = 0; i < scenario->timeline_count; i++) {
		write_event(to, connections, start, &scenario->timeline[i]);
		last = start + scenario->timeline[i].at;
	}
	write_ends(to, connections, last);
	free(connections);
}

static int write_file(const struct rp_scenario *scenario, int64_t start, const char *file)
{
	FILE *to = fopen(file, "we");
	int error;

	if (to == NULL)
		return -errno;
	packets_synthesise(to, scenario, start);
	error = ferror(to) ? -EIO : 0;
	if (fclose(to) != 0 && error == 0)
		error = -errno;
	return error;
}

/* A flood beyond all bounds: what is there is true, but it is not all. */
static void remark(struct rp_result *result, struct rp_scenario *scenario)
{
	if (scenario->timeline_left_out > 0)
		scenario->reason = rp_text(result, "%s%sIts packets are not all in its file: there were too many.",
		                           scenario->reason == NULL ? "" : scenario->reason, scenario->reason == NULL ? "" : " ");
}

static int synthesise_all(struct rp_result *result, const char *folder)
{
	int error = 0;

	result->target.capture = RP_SYNTHESISED;
	for (size_t i = 0; i < result->scenarios_count && error == 0; i++) {
		struct rp_scenario *scenario = &result->scenarios[i];
		char *file = file_of(result, folder, scenario);

		if (scenario->timeline_count == 0)
			continue;
		error = write_file(scenario, result->target.started, file);
		if (error == 0)
			scenario->pcap = file;
		remark(result, scenario);
	}
	return error;
}

/* ---- captured packets, sorted by scenario ------------------------------------------------------------ */

/* The kernel gives a port again, and at the same time to connections with several servers: an endpoint is one scenario's from what it is
 * first known to have said there until another one's. A connection is from its SYN on. */
struct use {
	size_t scenario;
	int64_t from;               /* ns since 1970 */
	struct use *next;           /* a later one first */
};

struct endpoint {
	struct { struct net_addr client, server; } key; /* UDP: server all zero, as answers may come from anywhere */
	struct use *uses;
	const struct use *connection; /* TCP: the present one */
	UT_hash_handle hh;
};

struct piece {                      /* an IP datagram whose first fragment told where it belongs */
	struct net_addr from, to;
	uint32_t id;
	size_t scenario;
};

struct sorting {
	struct rp_result *result;
	const char *folder;
	struct pc_source *source;
	struct endpoint *endpoints;
	struct pc_copy **copies;    /* a scenario each; NULL: not open */
	unsigned open;
	struct piece pieces[PIECES];
	unsigned next_piece;
	int error;
};

static struct endpoint *endpoint_of(struct sorting *sorting, const struct net_addr *client, const struct net_addr *server, bool tcp)
{
	struct endpoint *endpoint, probe = { .key.client = *client };

	if (tcp)
		probe.key.server = *server;
	HASH_FIND(hh, sorting->endpoints, &probe.key, sizeof(probe.key), endpoint);
	return endpoint;
}

static void note_use(struct sorting *sorting, size_t scenario, const struct rp_event *event)
{
	struct net_addr client, server;
	struct endpoint *endpoint;
	struct use *use, **place;

	if (!read_path(event->path, &client, &server))
		return;
	endpoint = endpoint_of(sorting, &client, &server, event->tcp);
	if (endpoint == NULL) {
		endpoint = must(calloc(1, sizeof(*endpoint)));
		endpoint->key.client = client;
		if (event->tcp)
			endpoint->key.server = server;
		HASH_ADD(hh, sorting->endpoints, key, sizeof(endpoint->key), endpoint);
	}
	for (use = endpoint->uses; use != NULL; use = use->next)
		if (use->scenario == scenario)
			return;
	use = must(calloc(1, sizeof(*use)));
	use->scenario = scenario;
	use->from = sorting->result->target.started + event->at - SLACK;
	for (place = &endpoint->uses; *place != NULL && (*place)->from > use->from; place = &(*place)->next)
		continue;
	use->next = *place;
	*place = use;
}

static void note_uses(struct sorting *sorting)
{
	for (size_t i = 0; i < sorting->result->scenarios_count; i++) {
		const struct rp_scenario *scenario = &sorting->result->scenarios[i];

		for (size_t k = 0; k < scenario->timeline_count; k++)
			note_use(sorting, i, &scenario->timeline[k]);
	}
}

/* A connection that begins belongs to who says something in it next. */
static void note_connection(struct endpoint *endpoint, const struct pc_packet *packet)
{
	if (!packet->syn || packet->acks)
		return;
	endpoint->connection = NULL;
	for (const struct use *use = endpoint->uses; use != NULL && use->from + 2 * SLACK >= packet->at; use = use->next)
		endpoint->connection = use;
}

static size_t scenario_of(struct sorting *sorting, const struct pc_packet *packet)
{
	struct endpoint *endpoint = endpoint_of(sorting, &packet->from, &packet->to, packet->tcp);
	const struct use *use;

	if (endpoint == NULL)
		endpoint = endpoint_of(sorting, &packet->to, &packet->from, packet->tcp);
	if (endpoint == NULL)
		return NOBODY;
	note_connection(endpoint, packet);
	use = endpoint->connection;
	if (!packet->tcp)
		for (use = endpoint->uses; use != NULL && use->from > packet->at;)
			use = use->next;
	return use == NULL ? NOBODY : use->scenario;
}

/* Only the first fragment has ports. */
static size_t scenario_of_fragment(struct sorting *sorting, const struct pc_ip *ip, const struct pc_packet *packet)
{
	size_t scenario;

	for (unsigned i = 0; i < PIECES && ip->offset > 0; i++) {
		const struct piece *piece = &sorting->pieces[i];

		if (piece->id == ip->id && net_addr_equal(&piece->from, &ip->from) && net_addr_equal(&piece->to, &ip->to))
			return piece->scenario;
	}
	if (ip->offset > 0)
		return NOBODY;
	scenario = scenario_of(sorting, packet);
	sorting->pieces[sorting->next_piece++ % PIECES] = (struct piece){ ip->from, ip->to, ip->id, scenario };
	return scenario;
}

static size_t owner_of(struct sorting *sorting, const struct pc_frame *frame)
{
	struct pc_packet packet = { .at = frame->at };
	struct pc_ip ip;

	switch (pc_ip_read(&ip, pc_source_link(sorting->source), frame->octets, frame->length)) {
	case PC_FRAGMENT:
		if (ip.offset == 0)
			pc_packet_read(&packet, &ip);
		return scenario_of_fragment(sorting, &ip, &packet);
	case PC_DATAGRAM:
		return pc_packet_read(&packet, &ip) == PC_DATAGRAM ? scenario_of(sorting, &packet) : NOBODY;
	case PC_OTHER:
	case PC_BROKEN:
		break;
	}
	return NOBODY;
}

static void close_copies(struct sorting *sorting)
{
	for (size_t i = 0; i < sorting->result->scenarios_count; i++) {
		if (!pc_copy_close(sorting->copies[i]))
			sorting->error = -EIO;
		sorting->copies[i] = NULL;
	}
	sorting->open = 0;
}

static struct pc_copy *copy_of(struct sorting *sorting, size_t index)
{
	struct rp_scenario *scenario = &sorting->result->scenarios[index];
	bool again = scenario->pcap != NULL;

	if (sorting->copies[index] != NULL)
		return sorting->copies[index];
	if (sorting->open == MAX_OPEN)
		close_copies(sorting);
	if (!again)
		scenario->pcap = file_of(sorting->result, sorting->folder, scenario);
	sorting->copies[index] = pc_copy_open(sorting->source, scenario->pcap, again);
	if (sorting->copies[index] == NULL)
		sorting->error = errno != 0 ? -errno : -EIO;
	else
		sorting->open++;
	return sorting->copies[index];
}

static void sort_frames(struct sorting *sorting)
{
	struct pc_frame frame;

	while (sorting->error == 0 && pc_source_next(sorting->source, &frame) > 0) {
		size_t scenario = owner_of(sorting, &frame);
		struct pc_copy *copy = scenario == NOBODY ? NULL : copy_of(sorting, scenario);

		if (copy != NULL)
			pc_copy_frame(copy, &frame);
	}
	close_copies(sorting);
}

static void sorting_free(struct sorting *sorting)
{
	struct endpoint *endpoint, *next;

	HASH_ITER(hh, sorting->endpoints, endpoint, next) {
		HASH_DEL(sorting->endpoints, endpoint);
		for (struct use *use = endpoint->uses, *later; use != NULL; use = later) {
			later = use->next;
			free(use);
		}
		free(endpoint);
	}
	pc_source_close(sorting->source);
	free(sorting->copies);
}

/* Is there a capture of every scenario that said something? */
static bool is_complete(const struct rp_result *result)
{
	for (size_t i = 0; i < result->scenarios_count; i++)
		if (result->scenarios[i].timeline_count > 0 && result->scenarios[i].pcap == NULL)
			return false;
	return true;
}

static bool sort_all(struct rp_result *result, const char *folder, const char *capture, int *error)
{
	struct sorting sorting = { .result = result, .folder = folder };
	char *why = NULL;

	sorting.source = pc_source_file(capture, &why);
	free(why);
	if (sorting.source == NULL)
		return false;
	sorting.copies = must(calloc(result->scenarios_count + 1, sizeof(struct pc_copy *)));
	note_uses(&sorting);
	sort_frames(&sorting);
	*error = sorting.error;
	sorting_free(&sorting);
	result->target.capture = RP_CAPTURED;
	return is_complete(result);
}

/* ---- the run ---------------------------------------------------------------------------------------------- */

struct packets {
	const char *folder;
	char *capture;              /* the file that holds all until it is sorted */
	struct pc_recorder *recorder;
	bool watched;
	char *why;                  /* there is no recorder; malloc */
};

struct packets *packets_new(const char *folder, int *error)
{
	struct packets *packets;
	struct stat about;

	if (mkdir(folder, 0777) != 0 && (*error = -errno, stat(folder, &about) != 0 || !S_ISDIR(about.st_mode)))
		return NULL;
	packets = must(calloc(1, sizeof(*packets)));
	if (asprintf(&packets->capture, "%s/.run-%ld.pcap", folder, (long)getpid()) < 0)
		abort();
	packets->folder = folder;
	return packets;
}

void packets_watch(struct packets *packets, const struct net_addr *target, bool all)
{
	char name[NET_INTERFACE], filter[64];

	if (packets->watched || !net_interface_towards(name, target))
		return;
	packets->watched = true;
	snprintf(filter, sizeof(filter), "port %u or ip[6:2] & 0x1fff != 0", target->port);
	packets->recorder = pc_recorder_start(name, all ? NULL : filter, packets->capture, &packets->why);
}

const char *packets_why(const struct packets *packets)
{
	return packets->why;
}

int packets_write(struct packets *packets, struct rp_result *result)
{
	bool recorded = packets->recorder != NULL, captured = recorded && pc_recorder_stop(packets->recorder);
	int error = 0;

	packets->recorder = NULL;
	captured = captured && sort_all(result, packets->folder, packets->capture, &error);
	if (recorded && !captured)
		packets->why = must(strdup("some are missing in the capture"));
	if (!captured)
		error = synthesise_all(result, packets->folder);
	rp_timelines_trim(result);
	return error;
}

void packets_free(struct packets *packets)
{
	if (packets == NULL)
		return;
	if (packets->recorder != NULL)
		pc_recorder_stop(packets->recorder);
	unlink(packets->capture);
	free(packets->capture);
	free(packets->why);
	free(packets);
}
