/* Where frames come from: a capture file (pcap or pcapng, nanoseconds), or an interface, through libpcap.
 * For the programs of pcap/. A source owns its handle; a frame's octets are valid until the next call. */
#ifndef PC_SOURCE_H
#define PC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pc_source;

struct pc_frame {
	int64_t at;         /* ns since 1970 */
	uint64_t number;    /* from 1 */
	const char *octets;
	size_t length;      /* captured */
};

/* "-" is standard input. NULL: *error (caller frees) says why. */
struct pc_source *pc_source_file(const char *file, char **error);
/* The interface, all of it that the filter (a pcap-filter expression, NULL for none) lets through. Nothing promiscuous. */
struct pc_source *pc_source_live(const char *interface, const char *filter, char **error);
void pc_source_close(struct pc_source *source);

int pc_source_link(const struct pc_source *source);         /* a DLT_ value */
const char *pc_source_link_name(const struct pc_source *source);
/* 1 a frame, 0 the end, -1 an error: see pc_source_error(). A live source returns 0 when it is stopped. */
int pc_source_next(struct pc_source *source, struct pc_frame *frame);
const char *pc_source_error(struct pc_source *source);
void pc_source_stop(struct pc_source *source);              /* may be called in a signal handler */
uint64_t pc_source_dropped(struct pc_source *source);       /* live: packets that the kernel had no room for */

#endif
