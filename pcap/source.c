/* libpcap, see source.h. For the programs of pcap/.
 * A source is one malloc()ed struct around a pcap_t. */
#include "pcap/source.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SNAPLEN = 262144, BUFFER = 16 << 20, TIMEOUT_MS = 50, NS = 1000000000 };

struct pc_source {
	pcap_t *handle;
	uint64_t number;
	bool live;
	volatile int stopped;
};

static char *text(const char *what)
{
	char *copy = strdup(what);

	if (copy == NULL)
		abort();
	return copy;
}

static struct pc_source *source_new(pcap_t *handle, bool live)
{
	struct pc_source *source = calloc(1, sizeof(*source));

	if (source == NULL)
		abort();
	source->handle = handle;
	source->live = live;
	return source;
}

struct pc_source *pc_source_file(const char *file, char **error)
{
	char message[PCAP_ERRBUF_SIZE] = "";
	FILE *stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	pcap_t *handle;

	if (stream == NULL) {
		*error = text(strerror(errno));
		return NULL;
	}
	handle = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, message);
	if (handle != NULL)
		return source_new(handle, false);
	if (stream != stdin)
		fclose(stream);
	*error = text(message);
	return NULL;
}

static bool filter_set(pcap_t *handle, const char *filter)
{
	struct bpf_program program;
	bool set;

	if (filter == NULL)
		return true;
	if (pcap_compile(handle, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return false;
	set = pcap_setfilter(handle, &program) == 0;
	pcap_freecode(&program);
	return set;
}

struct pc_source *pc_source_live(const char *interface, const char *filter, char **error)
{
	char message[PCAP_ERRBUF_SIZE] = "";
	pcap_t *handle = pcap_create(interface, message);
	int status;

	if (handle == NULL) {
		*error = text(message);
		return NULL;
	}
	pcap_set_snaplen(handle, SNAPLEN);
	pcap_set_timeout(handle, TIMEOUT_MS);
	pcap_set_buffer_size(handle, BUFFER);
	pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(handle);
	if (status >= 0 && filter_set(handle, filter))
		return source_new(handle, true);
	*error = text(*pcap_geterr(handle) != '\0' ? pcap_geterr(handle) : pcap_statustostr(status));
	pcap_close(handle);
	return NULL;
}

void pc_source_close(struct pc_source *source)
{
	if (source == NULL)
		return;
	pcap_close(source->handle);
	free(source);
}

int pc_source_link(const struct pc_source *source)
{
	return pcap_datalink(source->handle);
}

const char *pc_source_link_name(const struct pc_source *source)
{
	const char *name = pcap_datalink_val_to_description(pcap_datalink(source->handle));

	return name != NULL ? name : "unknown";
}

int pc_source_next(struct pc_source *source, struct pc_frame *frame)
{
	struct pcap_pkthdr *header;
	const u_char *octets;
	int got;

	do {
		got = pcap_next_ex(source->handle, &header, &octets);
	} while (got == 0 && !source->stopped);
	if (got == PCAP_ERROR_BREAK || got == 0)
		return 0;
	if (got < 0)
		return -1;
	*frame = (struct pc_frame){
		.at = (int64_t)header->ts.tv_sec * NS + (pcap_get_tstamp_precision(source->handle) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000) * (int64_t)header->ts.tv_usec,
		.number = ++source->number, .octets = (const char *)octets, .length = header->caplen,
	};
	return 1;
}

const char *pc_source_error(struct pc_source *source)
{
	return pcap_geterr(source->handle);
}

void pc_source_stop(struct pc_source *source)
{
	source->stopped = 1;
	pcap_breakloop(source->handle);
}

uint64_t pc_source_dropped(struct pc_source *source)
{
	struct pcap_stat stat;

	return source->live && pcap_stats(source->handle, &stat) == 0 ? stat.ps_drop : 0;
}
