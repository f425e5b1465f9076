/* Goal: whatever a capture holds, c2w-trace comes to an end within its bounds, and reads the same each time.
 * Input: a capture file, pcap or pcapng; or, unless it begins like one, octet 0 the link type and whether the capture is said to be complete, then
 * frames, two octets of length before each, each in a block of its own. Called by the fuzzer's driver only; owns its trace. */
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "pcap/source.h"
#include "pcap/trace.h"

static const int links[] = { DLT_RAW, DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_LOOP, DLT_IPV4, DLT_IEEE802_11 };

enum { SESSIONS = 6 };

struct watch {
	uint64_t open, messages, findings;
};

static void opened(void *context, struct pc_session *session)
{
	struct watch *watch = context;

	watch->open++;
	session->data = watch;
	FZ_CLAIM(watch->open <= (uint64_t)PC_SERVERS * SESSIONS);
	fz_saw_number(session->id);
}

static void closed(void *context, struct pc_session *session)
{
	struct watch *watch = context;

	FZ_CLAIM(session->data == watch && watch->open > 0);
	watch->open--;
}

static void event(void *context, struct pc_session *session, const struct pc_event *event)
{
	struct watch *watch = context;
	struct c2w_message message;

	FZ_CLAIM(session->data == watch);
	FZ_CLAIM((event->message == NULL) == (event->note != NULL));
	if (event->message == NULL)
		return;
	watch->messages++;
	c2w_message_parse(&message, event->octets.at, event->octets.length, 0);
	FZ_CLAIM(message.command == event->message->command && message.time == event->message->time);
	FZ_CLAIM(!session->tcp || event->octets.length <= 128 << 10);
	fz_saw(event->octets.at, event->octets.length);
}

static void found(void *context, struct pc_session *session, uint64_t packet, const struct jd_finding *finding)
{
	struct watch *watch = context;

	FZ_CLAIM(session->data == watch && packet > 0 && finding->rule != C2W_NO_RULE);
	watch->findings++;
	fz_saw_number(finding->rule);
}

/* By the first octets of every kind that libpcap reads. */
static bool is_file(const uint8_t *data, size_t size)
{
	static const uint8_t magics[][4] = {
		{ 0xa1, 0xb2, 0xc3, 0xd4 }, { 0xd4, 0xc3, 0xb2, 0xa1 }, { 0xa1, 0xb2, 0x3c, 0x4d }, { 0x4d, 0x3c, 0xb2, 0xa1 },
		{ 0xa1, 0xb2, 0xcd, 0x34 }, { 0x34, 0xcd, 0xb2, 0xa1 }, { 0x0a, 0x0d, 0x0d, 0x0a },
	};

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]) && size >= sizeof(magics[0]); i++)
		if (memcmp(data, magics[i], sizeof(magics[i])) == 0)
			return true;
	return false;
}

static uint64_t read_file(struct pc_trace *trace, const uint8_t *data, size_t size)
{
	FILE *stream = fmemopen((void *)(uintptr_t)data, size, "r");
	char *error = NULL;
	struct pc_source *source;
	struct pc_frame frame;
	uint64_t number = 0;

	FZ_CLAIM(stream != NULL);
	source = pc_source_stream(stream, &error);
	FZ_CLAIM((source == NULL) == (error != NULL));
	if (source == NULL)
		fclose(stream);
	while (source != NULL && pc_source_next(source, &frame) > 0) {
		number++;
		FZ_CLAIM(frame.number == number);
		pc_trace_frame(trace, pc_source_link(source), frame.at, frame.number, frame.octets, frame.length);
	}
	pc_source_close(source);
	free(error);
	return number;
}

static uint64_t read_frames(struct pc_trace *trace, uint8_t how, struct fz_input *input)
{
	uint64_t number = 0;

	while (input->left > 0) {
		size_t length = fz_octet(input);
		struct c2w_str frame = fz_octets(input, length << 8 | fz_octet(input));
		char *copy = fz_text((const uint8_t *)frame.at, frame.length);

		number++;
		pc_trace_frame(trace, links[how & 7], (int64_t)number * 100000000, number, copy, frame.length);
		free(copy);
	}
	return number;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool file = is_file(data, size);
	struct fz_input input = { data, size };
	struct watch watch = { 0 };
	struct pc_trace_options options = { .sessions = SESSIONS, .latency = 5000000, .opened = opened, .closed = closed, .event = event, .found = found, .context = &watch };
	uint8_t how = file ? 0 : fz_octet(&input);
	struct pc_trace *trace;
	uint64_t number;

	c2w_params_init(&options.params);
	options.complete = (how & 8) != 0;
	trace = pc_trace_new(&options);
	FZ_CLAIM(trace != NULL);
	number = file ? read_file(trace, data, size) : read_frames(trace, how, &input);
	pc_trace_end(trace);
	FZ_CLAIM(watch.open == 0);
	FZ_CLAIM(pc_trace_counts(trace).frames == number && pc_trace_counts(trace).messages == watch.messages);
	fz_saw_number(watch.findings);
	pc_trace_free(trace);
	return 0;
}
