/* The always-on judges: they see every octet that a set of endpoints sends and receives and find what breaks a
 * rule, scripted or not. Pure: no sockets, no clock, no stdio, no scenarios; events come in with their time, findings go out by callback.
 * For harness, fuzz (simulation) and pcap (captures). All memory comes from the caller-given allocator-free, bounded tables of struct jd. */
#ifndef JD_JUDGE_H
#define JD_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/message.h"
#include "protocol/params.h"
#include "protocol/rules.h"

struct jd;

/* What one finding says. The strings are slices valid during the callback only. */
struct jd_finding {
	enum c2w_rule rule;
	unsigned endpoint;         /* where it was seen */
	int64_t at;                /* ns, the event's time */
	bool suspicion;            /* about pace or loss: only worth repeating the run for, never a verdict by itself */
	const char *what;          /* one sentence for people, static or valid during the callback: "TIME is not echoed octet for octet" */
	struct c2w_str expected;   /* octets, empty where there is no one expectation */
	struct c2w_str got;        /* octets */
};

struct jd_options {
	struct c2w_params params;
	int64_t one_way;           /* ns: what an ack may take to reach the server (REL-07) */
	void (*found)(void *context, const struct jd_finding *finding);
	void *context;
	/* Tells whether a user name is one of this set's (its texts must be known); others are strangers, whose
	 * texts are checked for their form only. NULL: all are ours. */
	bool (*ours)(void *context, struct c2w_str user);
};

/* At most `endpoints` endpoints (0 … endpoints-1) and a bounded number of exchanges each; what falls out of the bound is not judged. */
struct jd *jd_new(const struct jd_options *options, unsigned endpoints);
void jd_free(struct jd *jd);

/* An endpoint begins (a UDP socket, a connection) or begins anew. tcp: what it is. */
void jd_open(struct jd *jd, unsigned endpoint, bool tcp, int64_t at);
/* The endpoint ended: by the peer or by us. */
void jd_close(struct jd *jd, unsigned endpoint, int64_t at);
/* One message, datagram or run of octets sent by the endpoint, valid or not. */
void jd_sent(struct jd *jd, unsigned endpoint, int64_t at, const char *octets, size_t length);
/* One datagram (UDP), or one message cut from the stream, CRLF included (TCP; the last one of a stream may lack it). */
void jd_received(struct jd *jd, unsigned endpoint, int64_t at, const char *octets, size_t length);

/* What the judge makes of a received message, for the engine's first stage of matching: find the answer by endpoint and
 * command, then judge its fields. Filled by the last jd_received(). */
struct jd_reading {
	enum c2w_err err;          /* C2W_OK, or what is wrong with it */
	struct c2w_message message; /* into the octets given to jd_received() */
	bool repetition;           /* the same response or NEW_MESSAGE has been received before by this endpoint */
	bool from_server;          /* a command that servers send was recognised */
	bool stranger;             /* a NEW_MESSAGE by somebody who is not ours */
};
const struct jd_reading *jd_last(const struct jd *jd);

#endif
