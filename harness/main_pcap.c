/* The packets of a run, see main_pcap.h. For harness/main.c.
 * Names come from scenario ids, which are paths of ours: what is no letter, digit, point, dash or underscore becomes a dash. */
#include "harness/main_pcap.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pcap/writer.h"

enum { MAX_CONNECTIONS = 512 };

struct connections {
	struct pc_connection at[MAX_CONNECTIONS];
	unsigned count;
};

int pcap_prepare(const char *folder)
{
	struct stat about;

	if (mkdir(folder, 0777) == 0 || (stat(folder, &about) == 0 && S_ISDIR(about.st_mode)))
		return 0;
	return -errno;
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

void pcap_write_scenario(FILE *to, const struct rp_scenario *scenario, int64_t start)
{
	struct connections *connections = calloc(1, sizeof(*connections));
	int64_t last = start;

	if (connections == NULL)
		abort();
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
	pcap_write_scenario(to, scenario, start);
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

int pcap_synthesise(struct rp_result *result, const char *folder)
{
	int error = 0;

	result->target.capture = rp_text(result, "synthesised");
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
	rp_timelines_trim(result);
	return error;
}
