/* What the parts of the core share: its structures, and what each part offers the others.
 * For core.c (requests and states), reliable.c (acks, repetition, deliveries), endpoints.c (who there is), parcel.c, policy.c, faults and tests only.
 * Everything belongs to one struct srv_core. */
#ifndef SRV_INSIDE_H
#define SRV_INSIDE_H

#include <uthash.h>

#include "server/core.h"

/* ---- parcel.c: messages to clients, formatted once, counted by reference -------------------- */

/* What acks and repetitions are compared with. */
struct srv_sent {
	enum c2w_family family;
	enum c2w_command command;
	int64_t time;
	struct c2w_str user; /* of NEW_MESSAGE: the author */
};

struct srv_parcel {
	struct srv_parcel *next;  /* while it lies in the pool */
	unsigned references;
	unsigned size_class;
	struct srv_sent sent;     /* user points into octets */
	size_t length;
	char octets[];
};

enum { SRV_SIZE_CLASSES = 6, SRV_SMALLEST_PARCEL = 128, SRV_POOLED = 4096 };

/* Parcels of 128 octets to 4 KiB that were freed, some of each size, so that the hot path needs no malloc. */
struct srv_pool {
	struct srv_parcel *free[SRV_SIZE_CLASSES];
	unsigned count[SRV_SIZE_CLASSES];
};

/* With one reference, the caller's. Never NULL. */
struct srv_parcel *srv_parcel_new(struct srv_pool *pool, const struct c2w_message *message);
void srv_parcel_release(struct srv_pool *pool, struct srv_parcel *parcel);
void srv_pool_free(struct srv_pool *pool);

/* ---- endpoints, sessions, rooms ------------------------------------------------------------- */

enum srv_state { SRV_DISCONNECTED, SRV_MAIN_ROOM, SRV_MOVIE_ROOM, SRV_STATES };

/* A message under way to an endpoint and not acked yet. */
struct srv_sending {
	struct srv_parcel *parcel;       /* NULL: none */
	struct srv_endpoint *endpoint;
	unsigned transmissions;
	int64_t due;                     /* when it is looked at again */
	bool timed;                      /* it is in the timetable: UDP */
	struct srv_sending *prev, *next; /* in the timetable */
};

struct srv_waiting {
	struct srv_parcel *parcel;
	struct srv_waiting *next;
};

struct srv_room {
	struct c2w_str title, stream;
	struct srv_endpoint *members;
	size_t count;
	UT_hash_handle hh;
};

struct srv_endpoint {
	struct srv_way way;
	enum srv_state state;
	struct srv_room *room;             /* NULL without a session */
	char name[C2W_MAX_USER];           /* room for whatever a message carries: who may have it is the policy's decision */
	size_t name_length;                /* 0 without a session */
	int64_t last;                      /* TIME of its last request processed in this session: REL-11 */
	struct srv_sending response;       /* REL-13: one at a time */
	struct srv_sending delivery;       /* the unacked NEW_MESSAGE: REL-14. TCP: the one that answers the last request */
	struct srv_waiting *first, **end;  /* texts that wait for that one's ack */
	size_t backlog;                    /* octets of delivery and of what waits: ROB-03 */
	bool over;                         /* too many octets wait for it: to be dropped */
	bool listed;                       /* among the strangers */
	struct srv_endpoint *prev, *next;  /* in its room, among the strangers, or in the pool */
	UT_hash_handle hh, hh_name;
};

struct srv_core {
	struct srv_settings settings;
	struct srv_policy policy;
	struct srv_carrier carrier;
	struct srv_endpoint *endpoints;    /* hash by way */
	struct srv_endpoint *names;        /* hash by name: the sessions */
	struct srv_endpoint *strangers;    /* UDP endpoints without a session, the oldest first: ROB-04 */
	struct srv_endpoint *spare;        /* pool */
	size_t users, stranger_count, pending;
	struct srv_sending *timetable;     /* by due time, the first to come first */
	struct srv_waiting *spare_waiting; /* pool */
	struct srv_pool pool;
	struct srv_room *rooms;            /* [0]: the main room */
	struct srv_room *titles;           /* hash by title */
	char *movie_list;                  /* the data of every MOVIE_LIST_RESPONSE: LST-02 */
	size_t movie_list_length;
	char scratch[C2W_MAX_TO_CLIENT];   /* where lists are written; last, since it is never cleared */
};

static inline struct c2w_str srv_name(const struct srv_endpoint *endpoint)
{
	return (struct c2w_str){ endpoint->name, endpoint->name_length };
}

static inline bool srv_on_tcp(const struct srv_endpoint *endpoint)
{
	return endpoint->way.connection != NULL;
}

static inline void srv_note(struct srv_core *core, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	core->carrier.note(core->carrier.context, way, detail, what, octets);
}

/* ---- endpoints.c ---------------------------------------------------------------------------- */

struct srv_endpoint *srv_endpoint_find(const struct srv_core *core, const struct srv_way *way); /* or NULL */
struct srv_endpoint *srv_endpoint_new(struct srv_core *core, const struct srv_way *way);        /* DISCONNECTED; never NULL */
void srv_endpoint_forget(struct srv_core *core, struct srv_endpoint *endpoint);                 /* its session ends, too */
/* After anything that happened to it: drops it if too much waits for it (ROB-03), keeps it as long as there is a reason to. */
void srv_endpoint_settle(struct srv_core *core, struct srv_endpoint *endpoint);
/* Aborts if there is no memory. */
void *srv_allocate(size_t size);

struct srv_endpoint *srv_session_find(const struct srv_core *core, struct c2w_str name); /* or NULL */
void srv_session_begin(struct srv_core *core, struct srv_endpoint *endpoint, struct c2w_str name);
void srv_session_move(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_room *room);
void srv_session_end(struct srv_core *core, struct srv_endpoint *endpoint);
struct srv_room *srv_room_find(const struct srv_core *core, struct c2w_str title); /* a movie's, or NULL */

/* ---- reliable.c ----------------------------------------------------------------------------- */

/* A request is processed: its TIME counts, the response to the one before needs no ack any more (REL-13). */
void srv_processed(struct srv_core *core, struct srv_endpoint *endpoint, int64_t time);
/* Sends a response and keeps it until its ack. Takes the caller's reference. */
void srv_respond(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_parcel *parcel, int64_t now);
/* Sends a NEW_MESSAGE, now or when its turn comes. */
void srv_deliver(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_parcel *parcel, bool author, int64_t now);
/* Repeats the response if the request is a repetition of what that answers: REL-11, REL-12. */
bool srv_repeat(struct srv_core *core, struct srv_endpoint *endpoint, const struct srv_way *way, const struct c2w_message *request);
void srv_acked(struct srv_core *core, struct srv_endpoint *endpoint, const struct c2w_message *ack, int64_t now);
void srv_drop_waiting(struct srv_core *core, struct srv_endpoint *endpoint);  /* MSG-08 */
void srv_drop_deliveries(struct srv_core *core, struct srv_endpoint *endpoint);
void srv_drop_response(struct srv_core *core, struct srv_endpoint *endpoint);

#endif
