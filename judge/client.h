/* The judge of clients, for those who only watch: REL-01 to REL-03 from what an endpoint sends and what comes to it.
 * Pure as judge.h is. A struct jd_client is a plain value of its caller, one an endpoint, constant in size; what falls out of it is not
 * judged. What a network may have done is not blamed on the client: say `lossless` only where nothing can be lost between the observer
 * and the client (the same host, or TCP). */
#ifndef JD_CLIENT_H
#define JD_CLIENT_H

#include "judge/judge.h"

enum { JD_CLIENT_DUE = 16, JD_CLIENT_NAMES = 1024, JD_CLIENT_KINDS = 8 };

/* The TIMEs of names over their sessions, of all clients of one server. All zero to begin with. */
struct jd_client_names {
	struct { uint64_t name; int64_t time; } at[JD_CLIENT_NAMES];
};

struct jd_client {
	unsigned number;            /* the endpoint, for findings */
	bool tcp, lossless;
	struct {
		bool known, answered;
		enum c2w_family family;
		int64_t time, first_at, last_at, answered_at;
		uint64_t user, octets;  /* hashes */
		unsigned transmissions;
	} request;                  /* the last one */
	int64_t greatest;           /* TIME so far; -1: none */
	uint64_t session;           /* hash of the name it was granted; 0: none */
	struct {
		enum c2w_family family;
		int64_t time, at;
		uint64_t user;          /* hash: the response's, or the author's */
		unsigned copies, acks;  /* copies 0: free */
	} due[JD_CLIENT_DUE];       /* what came, a ring */
	unsigned next_due;
	uint8_t reported[JD_CLIENT_KINDS];
};

void jd_client_open(struct jd_client *client, unsigned number, bool tcp, bool lossless);
/* A message as it was sent, in the grammar and by a command of clients; what is neither is not the clients' rules' business. */
void jd_client_sent(struct jd_client *client, const struct jd_options *options, struct jd_client_names *names, int64_t at,
                    const struct c2w_message *message, struct c2w_str octets);
/* A message as it came, in the grammar and by a command of servers. */
void jd_client_received(struct jd_client *client, const struct jd_options *options, struct jd_client_names *names, int64_t at,
                        const struct c2w_message *message, struct c2w_str octets);

#endif
