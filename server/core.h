/* The session core: who is connected, in which room, and what is still to be acked. Sections 4 to 6 of PROTOCOL.md.
 * No sockets, no clock, no stdio: messages and `now` come in by calls, octets go out through the carrier. Single-threaded.
 * A core owns its endpoints, sessions and messages, all bounded by its settings; it aborts if there is no memory. */
#ifndef SRV_CORE_H
#define SRV_CORE_H

#include "net/link.h"
#include "protocol/message.h"
#include "protocol/params.h"
#include "server/policy.h"

struct srv_core;

/* An endpoint and the way to it. connection and peer are its identity; everything in it is a value, padding-free. */
struct srv_way {
	void *connection;      /* TCP: what the carrier calls it; UDP: NULL */
	struct net_addr peer;
	struct net_addr local; /* UDP: the address the peer asked at, from which it is answered (TRN-04) */
};

enum { SRV_WAY_KEY = offsetof(struct srv_way, local) }; /* octets that identify the endpoint */

/* What carries the core's messages. Nothing here may call the core back. */
struct srv_carrier {
	void *context;
	/* Sends one message. Returns the octets that wait for this peer beyond what the kernel holds (ROB-03); 0 on UDP. */
	size_t (*send)(void *context, const struct srv_way *way, const char *octets, size_t length);
	/* TCP: closes the connection; the core has forgotten it already (ROB-03). reset: what it has not taken yet is lost. */
	void (*drop)(void *context, const struct srv_way *way, bool reset);
	/* Something for the log; octets are a peer's. detail: of interest only where everything is. */
	void (*note)(void *context, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets);
};

struct srv_movie { struct c2w_str title, stream; };

struct srv_settings {
	struct c2w_params params;       /* rto, max_retransmits, max_text, max_backlog, main_room, and every error's code */
	const struct srv_movie *movies; /* they and their strings outlive the core */
	size_t movie_count;
	size_t max_users;               /* no more than srv_core_users_that_fit() count (FMT-07) */
	size_t max_room;                /* users in a movie room; 0: no limit */
	size_t max_endpoints;           /* UDP endpoints without a session; at least 1 (ROB-04) */
	const struct srv_policy *policy; /* copied and completed; NULL: right */
	void *filter;                   /* what policy->filter opened; NULL: none */
};

/* What the table says of a request, besides the enum c2w_param of an error's code. */
enum { SRV_NO_ERROR = -1, SRV_DISCARD = -2 };

/* How many users a server with these movies may have so that every user list fits in one message (FMT-07); 0: the
 * movie list itself does not fit. */
size_t srv_core_users_that_fit(const struct srv_movie *movies, size_t movie_count);

/* settings and carrier are copied. Never NULL. */
struct srv_core *srv_core_new(const struct srv_settings *settings, const struct srv_carrier *carrier);
void srv_core_free(struct srv_core *core); /* sends nothing */

/* One datagram, or one message cut from a stream. now: ns, never less than in an earlier call. */
void srv_core_receive(struct srv_core *core, const struct srv_way *way, const char *octets, size_t length, int64_t now);
/* TCP: the peer's connection ended (TRN-06), or is about to be closed. Unknown ones are fine. */
void srv_core_closed(struct srv_core *core, const struct srv_way *way);

/* When srv_core_run() is to be called next; INT64_MAX: not before something else happens. */
int64_t srv_core_due(const struct srv_core *core);
/* Sends again what is due and gives up what was never acked. At most 512 messages a call (ROB-02): what is left is due at once. */
void srv_core_run(struct srv_core *core, int64_t now);

bool srv_core_has_session(const struct srv_core *core, const struct srv_way *way);
size_t srv_core_users(const struct srv_core *core);
size_t srv_core_endpoints(const struct srv_core *core); /* with and without a session */
size_t srv_core_pending(const struct srv_core *core);   /* messages that wait for a retransmission */

#endif
