/* Follows every session in a stream of frames, shows it to the judges and hands on what they find. Knows no file and no report.
 * For the programs of pcap/ and for tests. All memory belongs to the struct pc_trace and is bounded whatever the length of the capture:
 * PC_SERVERS servers, PC_SESSIONS sessions each; beyond that the one silent longest is forgotten. */
#ifndef PC_TRACE_H
#define PC_TRACE_H

#include "judge/judge.h"
#include "pcap/packet.h"

enum { PC_SERVERS = 16, PC_SESSIONS = 1024, PC_MAX_NAME = 64 };

/* One client's endpoint at one server, as far as it is known. */
struct pc_session {
	uint64_t id;                /* from 1 */
	struct net_addr client, server;
	bool tcp;
	bool late;                  /* it began before the capture: its messages are judged by their form only */
	bool gap;                   /* something of it is missing: from then on as if it were late */
	char user[PC_MAX_NAME];     /* what it asked for a session as, last; "" before. Not escaped, NUL-terminated, maybe cut */
	void *data;                 /* the caller's own, set in opened() */
};

/* One message, one datagram, or an event without octets. */
struct pc_event {
	int64_t at;                 /* ns since 1970 */
	uint64_t packet;            /* the frame that completed it */
	bool received;              /* by the client */
	struct c2w_str octets;      /* empty: `note` says what happened */
	const char *note;
	enum c2w_err err;           /* C2W_OK, or what is wrong with it */
	const struct c2w_message *message; /* NULL for a note */
};

struct pc_trace_options {
	struct c2w_params params;
	struct net_addr server;     /* judge this one only; family 0: whoever uses the port, or, with port 0, whatever is recognised */
	bool complete;              /* the capture is said to hold all since the servers' start: nobody is late */
	unsigned sessions;          /* at one server, PC_SESSIONS at most; 0: those */
	int64_t latency;            /* ns: the most that a datagram takes from the observer to either side, where they are not on one host */
	/* All may be NULL. What is handed over lives during the callback; a session's struct until closed(). */
	void (*opened)(void *context, struct pc_session *session);
	void (*closed)(void *context, struct pc_session *session);
	void (*event)(void *context, struct pc_session *session, const struct pc_event *event);
	void (*found)(void *context, struct pc_session *session, uint64_t packet, const struct jd_finding *finding);
	void *context;
};

struct pc_counts {
	uint64_t frames, messages;  /* messages: of C2W, in either direction */
	uint64_t broken;            /* frames whose headers contradict themselves, or are cut off */
	uint64_t cut;               /* datagrams that were not captured whole */
	uint64_t gaps;              /* holes in TCP streams */
	uint64_t fragments_lost;    /* datagrams of which fragments are missing */
	uint64_t sessions, late;    /* sessions, and those that began before the capture */
	uint64_t forgotten;         /* sessions given up for want of room */
	uint64_t servers, servers_forgotten;
};

struct pc_trace *pc_trace_new(const struct pc_trace_options *options); /* NULL without memory */
void pc_trace_free(struct pc_trace *trace);

/* A frame of this link type (DLT_…). Times need not grow. */
void pc_trace_frame(struct pc_trace *trace, int link, int64_t at, uint64_t number, const char *octets, size_t length);
/* Packets are missing here, nobody knows which: nothing that is under way is judged any more. */
void pc_trace_missing(struct pc_trace *trace);
/* The capture ends: every session is closed. What comes next is another capture. */
void pc_trace_end(struct pc_trace *trace);

struct pc_counts pc_trace_counts(const struct pc_trace *trace);
/* Rules that something in the capture, over this transport, was a test of: where nothing was found they were kept there. */
bool pc_trace_tested(const struct pc_trace *trace, bool tcp, enum c2w_rule rule);

#endif
