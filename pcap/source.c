/* libpcap, see source.h. For the programs of pcap/.
 * A source is one malloc()ed struct around a pcap_t. */
#include "pcap/source.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SNAPLEN = 262144, BUFFER = 16 << 20, TIMEOUT_MS = 50, NS = 1000000000 };
static const int64_t MAX_SECONDS = INT64_MAX / NS / 2;

struct pc_source {
	pcap_t *handle;
	uint64_t number;
	bool live;
	atomic_bool stopped;
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

struct pc_source *pc_source_stream(FILE *stream, char **error)
{
	char message[PCAP_ERRBUF_SIZE] = "";
	pcap_t *handle = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, message);

	if (handle != NULL)
		return source_new(handle, false);
	*error = text(message);
	return NULL;
}

struct pc_source *pc_source_file(const char *file, char **error)
{
	FILE *stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	struct pc_source *source;

	if (stream == NULL) {
		*error = text(strerror(errno));
		return NULL;
	}
	source = pc_source_stream(stream, error);
	if (source == NULL && stream != stdin)
		fclose(stream);
	return source;
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

/* ns since the epoch. A file may claim any time: one of another geological age is as good as the last that leaves room to reckon. */
static int64_t time_of(struct pc_source *source, const struct timeval *at)
{
	int64_t unit = pcap_get_tstamp_precision(source->handle) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1000;
	int64_t seconds = at->tv_sec > MAX_SECONDS ? MAX_SECONDS : at->tv_sec < -MAX_SECONDS ? -MAX_SECONDS : at->tv_sec;
	int64_t rest = at->tv_usec > NS ? NS : at->tv_usec < -NS ? -NS : at->tv_usec;

	return seconds * NS + rest * unit;
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
		.at = time_of(source, &header->ts),
		.number = ++source->number, .octets = (const char *)octets, .length = header->caplen, .whole = header->len,
	};
	return 1;
}

const char *pc_source_error(struct pc_source *source)
{
	return pcap_geterr(source->handle);
}

void pc_source_stop(struct pc_source *source)
{
	source->stopped = true;
	pcap_breakloop(source->handle);
}

uint64_t pc_source_dropped(struct pc_source *source)
{
	struct pcap_stat stat;

	return source->live && pcap_stats(source->handle, &stat) == 0 ? stat.ps_drop : 0;
}

/* ---- copies --------------------------------------------------------------------------------------- */

struct pc_copy {
	pcap_dumper_t *dumper;
};

struct pc_copy *pc_copy_open(struct pc_source *source, const char *file, bool again)
{
	struct pc_copy *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		abort();
	copy->dumper = again ? pcap_dump_open_append(source->handle, file) : pcap_dump_open(source->handle, file);
	if (copy->dumper != NULL)
		return copy;
	free(copy);
	return NULL;
}

void pc_copy_frame(struct pc_copy *copy, const struct pc_frame *frame)
{
	const struct pcap_pkthdr header = {
		.ts = { .tv_sec = frame->at / NS, .tv_usec = frame->at % NS }, .caplen = (bpf_u_int32)frame->length, .len = (bpf_u_int32)frame->whole,
	};

	pcap_dump((u_char *)copy->dumper, &header, (const u_char *)frame->octets);
}

bool pc_copy_close(struct pc_copy *copy)
{
	bool whole = true;

	if (copy == NULL)
		return true;
	whole = pcap_dump_flush(copy->dumper) == 0;
	pcap_dump_close(copy->dumper);
	free(copy);
	return whole;
}

/* ---- recording ------------------------------------------------------------------------------------- */

struct pc_recorder {
	struct pc_source *source;
	struct pc_copy *copy;
	pthread_t thread;
};

static void *record(void *context)
{
	struct pc_recorder *recorder = context;
	struct pc_frame frame;

	while (pc_source_next(recorder->source, &frame) > 0)
		pc_copy_frame(recorder->copy, &frame);
	return NULL;
}

static void recorder_free(struct pc_recorder *recorder)
{
	pc_source_close(recorder->source);
	free(recorder);
}

struct pc_recorder *pc_recorder_start(const char *interface, const char *filter, const char *file, char **error)
{
	struct pc_recorder *recorder = calloc(1, sizeof(*recorder));

	if (recorder == NULL)
		abort();
	recorder->source = pc_source_live(interface, filter, error);
	if (recorder->source != NULL && (recorder->copy = pc_copy_open(recorder->source, file, false)) == NULL)
		*error = text(pc_source_error(recorder->source));
	if (recorder->copy != NULL && pthread_create(&recorder->thread, NULL, record, recorder) == 0)
		return recorder;
	if (recorder->copy != NULL)
		*error = text("no thread for it");
	pc_copy_close(recorder->copy);
	recorder_free(recorder);
	return NULL;
}

bool pc_recorder_stop(struct pc_recorder *recorder)
{
	bool whole;

	usleep(4 * TIMEOUT_MS * 1000); /* the kernel hands over what it has */
	pc_source_stop(recorder->source);
	pthread_join(recorder->thread, NULL);
	whole = pc_source_dropped(recorder->source) == 0;
	whole = pc_copy_close(recorder->copy) && whole;
	recorder_free(recorder);
	return whole;
}
