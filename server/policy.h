/* The decisions of the server, each a question with one right answer: what PROTOCOL.md says, as functions.
 * For the core and serve.c, which ask, and for faults.c, which answers some of them wrongly.
 * Constant data; nobody owns anything. Only faults.c looks through the pointers for more than the question needs. */
#ifndef SRV_POLICY_H
#define SRV_POLICY_H

#include "protocol/frame.h"

struct net;
struct srv_core;
struct srv_carrier;
struct srv_endpoint;
struct srv_sending;
struct srv_settings;
struct srv_way;

/* Stands between the network and the core: sees, changes, drops and adds what goes in and out. */
struct srv_filter {
	/* Before the core is made: may put itself in the place of *carrier. What it returns is the first argument of the rest. */
	void *(*open)(const struct srv_settings *settings, struct srv_carrier *carrier, struct net *net);
	void (*begin)(void *filter, struct srv_core *core); /* the core is there */
	/* As the srv_core_ functions of the same names. */
	void (*receive)(void *filter, const struct srv_way *way, const char *octets, size_t length, int64_t now);
	void (*closed)(void *filter, const struct srv_way *way, bool reset);
	int64_t (*due)(void *filter);
	void (*run)(void *filter, int64_t now);
	void (*close)(void *filter); /* the core is gone */
};

/* A member that is NULL or 0 is answered rightly. */
struct srv_policy {
	/* When a message that has just been sent is looked at again: REL-05, REL-08. */
	int64_t (*due)(const struct srv_core *core, const struct srv_sending *sending, int64_t now);
	/* Was that its last transmission: REL-06. */
	bool (*last)(const struct srv_core *core, const struct srv_sending *sending);
	/* It was, and no ack came. Is the endpoint taken for dead, or only this message given up: REL-08. */
	bool (*dead)(struct srv_core *core, const struct srv_sending *sending);
	/* Is the request a repetition of the one that `sending` answers: REL-11, REL-12. */
	bool (*repeats)(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *request);
	/* Is a request too old to be executed in its session: REL-11. */
	bool (*stale)(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request);
	/* Does the ack, which came from the endpoint that `sending` went to, count for it: REL-09, REL-10. */
	bool (*acks)(const struct srv_core *core, const struct srv_sending *sending, const struct c2w_message *ack);
	/* The last word on a request of the table of section 4: an error's parameter, SRV_NO_ERROR or SRV_DISCARD (core.h). endpoint: NULL if unknown. */
	int (*verdict)(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request, int error);
	/* Cuts a stream: TRN-03, TRN-05. */
	enum c2w_err (*frame)(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message);
	int tcp_port;              /* added to the port for TCP: TRN-01 */
	const struct srv_filter *filter;
};

/* policy with the right answers where it has none; NULL: all of them. */
struct srv_policy srv_policy_complete(const struct srv_policy *policy);

#endif
