/* Where frames come from: a capture file (pcap or pcapng, nanoseconds), or an interface, through libpcap.
 * For the programs of pcap/. A source owns its handle; a frame's octets are valid until the next call. */
#ifndef PC_SOURCE_H
#define PC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pc_source;

struct pc_frame {
	int64_t at;         /* ns since 1970 */
	uint64_t number;    /* from 1 */
	const char *octets;
	size_t length;      /* captured */
	size_t whole;       /* as long as it was */
};

/* "-" is standard input. NULL: *error (caller frees) says why. */
struct pc_source *pc_source_file(const char *file, char **error);
/* The same of an open stream, which is the source's from then on; where there is none, the caller's. */
struct pc_source *pc_source_stream(FILE *stream, char **error);
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

/* A capture file of a source's link type, with nanoseconds. NULL if it cannot be written. again: more of one that was closed. */
struct pc_copy;
struct pc_copy *pc_copy_open(struct pc_source *source, const char *file, bool again);
void pc_copy_frame(struct pc_copy *copy, const struct pc_frame *frame);
bool pc_copy_close(struct pc_copy *copy);                   /* was all of it written? NULL is fine */

/* A thread that copies all that passes an interface (as pc_source_live()) into a file, until it is stopped. */
struct pc_recorder;
struct pc_recorder *pc_recorder_start(const char *interface, const char *filter, const char *file, char **error);
/* Waits for what is under way; false if something is missing. Frees it. */
bool pc_recorder_stop(struct pc_recorder *recorder);

#endif
