/* The always-on judges: they see every octet that a set of endpoints sends and receives and find what certainly breaks
 * a rule, scripted or not. Pure: no sockets, no clock, no stdio, no scenarios; events come in with their time, findings go out by callback.
 * For harness, fuzz (simulation) and pcap (captures). All memory is one allocation of jd_new(), bounded and freed by jd_free().
 *
 * What cannot be decided is not said. Clients may break any rule; a network may lose, repeat and reorder datagrams. No answer
 * is taken for the truth about where a user is: that a server contradicts itself is for scenarios to find, which know which rule
 * they are about. What falls out of the tables (256 requests and 1024 messages an endpoint, 1024 texts) is forgotten. */
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
	int64_t one_way;           /* ns: the most that a datagram takes to reach the server */
	void (*found)(void *context, const struct jd_finding *finding);
	void *context;
	/* Tells whether a user name is one of this set's (its texts must be known); others are strangers, whose
	 * texts are checked for their form only. NULL: all are ours. */
	bool (*ours)(void *context, struct c2w_str user);
};

/* For endpoints 0 … endpoints-1; events of others are only read. NULL without memory. */
struct jd *jd_new(const struct jd_options *options, unsigned endpoints);
void jd_free(struct jd *jd);
/* Forgets all, as if it were new. options: with the same max_request. */
void jd_reset(struct jd *jd, const struct jd_options *options);

/* An endpoint begins (a UDP socket, a connection) or begins anew. tcp: what it is. */
void jd_open(struct jd *jd, unsigned endpoint, bool tcp, int64_t at);
/* The endpoint ended: by the peer or by us. */
void jd_close(struct jd *jd, unsigned endpoint, int64_t at);
/* For those who watch only: the endpoint did things that were not seen. Until it is opened again it is judged by the form of what comes,
 * and nothing it sends is taken for forbidden. */
void jd_unseen(struct jd *jd, unsigned endpoint);
/* One datagram (UDP), or the octets of one write (TCP), valid or not, in the order of sending and before anything that came
 * later. A stream is cut into messages here. Where it is not written message by message, a wrong echo is not judged: a server may have cut it wrongly. */
void jd_sent(struct jd *jd, unsigned endpoint, int64_t at, const char *octets, size_t length);
/* One datagram (UDP), or one message cut from the stream, CRLF included. What is left of a stream that the server ended in order (FIN) is
 * given, too, without its CRLF (TRN-03); not what a reset or a close of ours cut off. */
void jd_received(struct jd *jd, unsigned endpoint, int64_t at, const char *octets, size_t length);

/* What the judge makes of a received message, for the engine's first stage of matching: find the answer by endpoint and
 * command, then judge its fields. Filled by the last jd_received(). */
struct jd_reading {
	enum c2w_err err;          /* C2W_OK, or what is wrong with it */
	struct c2w_message message; /* into the octets given to jd_received() */
	bool repetition;           /* the same response or NEW_MESSAGE has been received before by this endpoint, and no new answer was due */
	int64_t before;            /* ns: when the endpoint had a response or NEW_MESSAGE of that family, TIME and USER_NAME last; -1: never, as far as is remembered */
	bool from_server;          /* a command that servers send was recognised */
	bool stranger;             /* a NEW_MESSAGE by somebody who is not ours */
	bool surplus;              /* a NEW_MESSAGE with a TIME that is nobody's, which its author has said no more often than it came here before */
	bool undecided;            /* it fits nothing that was asked or said, and too little is known to say what is wrong with it */
};
const struct jd_reading *jd_last(const struct jd *jd);

#endif
