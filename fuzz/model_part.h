/* What the files of the model share: a world, and one event tried in it. Nobody else includes this.
 * model.c keeps the worlds and tries the events; model_rules.c says what the document demands, with model_world.c (sessions, and what was sent),
 * model_answers.c (what a server sends), model_requests.c (section 4) and model_time.c (section 5); model_cells.c counts.
 * A world is plain data, copied and compared as such; its slices point into what the model keeps. */
#ifndef FUZZ_MODEL_PART_H
#define FUZZ_MODEL_PART_H

#include "fuzz/model.h"

enum { FZ_MAX_OUTPUTS = 2048, FZ_MAX_CHOICES = 64, FZ_MAX_MARKS = 64, FZ_MAX_WHY = 512, FZ_NO_TEXT = -1 };

enum fz_event {
	FZ_ON_OPEN, FZ_ON_END, FZ_ON_TIME, FZ_ON_TOO_LONG, FZ_ON_MALFORMED, FZ_ON_WRONG_COMMAND,
	FZ_ON_CONNECTION, FZ_ON_USER_LIST, FZ_ON_MOVIE_LIST, FZ_ON_ENTER, FZ_ON_LEAVE, FZ_ON_SEND,
	FZ_ON_CONNECTION_ACK, FZ_ON_USER_LIST_ACK, FZ_ON_MOVIE_LIST_ACK, FZ_ON_ENTER_ACK, FZ_ON_LEAVE_ACK, FZ_ON_NEW_MESSAGE_ACK,
	FZ_EVENTS_
};

enum fz_outcome {
	FZ_DISCARDED, FZ_FOREIGN, FZ_STALE, FZ_REPEATED_WAITS, FZ_REPEATED_SILENT, FZ_REPEATED_COPY,
	FZ_GRANTED, FZ_LISTED, FZ_DELIVERED,
	FZ_ERROR_NAME_TAKEN, FZ_ERROR_NAME_INVALID, FZ_ERROR_SERVER_FULL, FZ_ERROR_ALREADY_CONNECTED, FZ_ERROR_NOT_CONNECTED,
	FZ_ERROR_NO_SUCH_MOVIE, FZ_ERROR_ALREADY_IN_MOVIE, FZ_ERROR_ROOM_FULL, FZ_ERROR_NO_SESSION,
	FZ_ACK_COUNTED, FZ_ACK_SENDS_NEXT, FZ_ACK_IGNORED,
	FZ_RETRANSMITTED, FZ_DEAD, FZ_DROPPED, FZ_CLOSED, FZ_ENDED, FZ_OPENED,
	FZ_OUTCOMES_
};

enum { FZ_ERRORS = FZ_ERROR_NO_SESSION - FZ_ERROR_NAME_TAKEN + 1 };

/* A text accepted, and the NEW_MESSAGE it goes out as. */
struct fz_text {
	struct c2w_str octets, author;
	int64_t us;
};

/* How it stands with the response to the last request processed from an endpoint. */
enum fz_standing {
	FZ_NONE,
	FZ_WAITS,    /* REL-14: a NEW_MESSAGE behind another */
	FZ_UNACKED,  /* sent */
	FZ_ACKED,
	FZ_GIVEN_UP  /* REL-08, without a session */
};

struct fz_response {
	enum fz_standing standing;
	enum fz_command request; /* what was processed: command, TIME, USER_NAME */
	int64_t us;
	struct c2w_str user, octets;
	int64_t text;       /* of a SEND_MESSAGE_REQUEST, or FZ_NO_TEXT */
	int64_t sent;       /* transmissions by REL-04; on UDP, and not for a text: that is its delivery's */
	int64_t last_at;
	uint64_t event;     /* the number of the event it belongs to */
};

struct fz_endpoint {
	bool open, tcp, stalled;
	enum fz_state state;
	int64_t movie;             /* -1: none */
	struct c2w_str name;
	struct fz_response response;
	/* UDP: NEW_MESSAGEs not acked, the oldest first. That one was sent, the others wait (REL-14). */
	uint16_t queue[FZ_MAX_WAITING];
	uint64_t waiting;
	int64_t sent, last_at;     /* of the first */
	uint64_t unread;           /* TCP: octets sent while it reads nothing */
	int64_t heard_at;          /* TCP: ROB-04 */
};

/* Only the endpoints in use are copied and compared. */
struct fz_world {
	uint64_t texts;            /* accepted; first, since worlds are compared without it */
	uint64_t codes[FZ_ERRORS]; /* learnt where the parameter is `any`: code + 1, 0 before */
	struct fz_endpoint endpoints[FZ_MAX_ENDPOINTS];
};

/* The choices that one try of an event made, so that the next try makes others. */
struct fz_path {
	unsigned choices[FZ_MAX_CHOICES], limits[FZ_MAX_CHOICES], known, depth;
};

/* One event, tried in one world along one path. */
struct fz_try {
	struct fz_model *model;
	const struct fz_settings *set;
	struct fz_world *world;       /* a copy: the try's own */
	unsigned endpoints;           /* of it in use: the first so many */
	struct fz_path *path;
	int64_t now;
	unsigned from;                /* the endpoint it is about */
	enum fz_event event;
	const struct fz_fields *fields; /* of a message */
	const struct fz_output *outputs;
	size_t count;
	const struct fz_fields *read; /* the outputs' fields */
	bool *taken;                  /* explained: one for each output */
	size_t taken_count;
	enum fz_state before;         /* of the endpoint, at the event */
	const char *discarded;        /* the rule by which nothing may happen, or NULL */
	const char *rule;             /* by which it was answered */
	int64_t text;                 /* accepted in this event */
	bool failed;
	char why[FZ_MAX_WHY];
	unsigned marks[FZ_MAX_MARKS], mark_count;
};

/* model.c */
unsigned fz_choose(struct fz_try *try, unsigned choices);  /* one of 0 … choices - 1, by and by each of them; the likely one is 0 */
void fz_fail(struct fz_try *try, const char *rule, unsigned endpoint, const char *what, struct c2w_str shown); /* the first counts */
const struct fz_text *fz_text_at(const struct fz_try *try, int64_t text);
int64_t fz_text_of_event(struct fz_try *try);              /* the NEW_MESSAGE made of the event's SEND_MESSAGE_REQUEST */
void fz_lose(struct fz_try *try);                          /* a ceiling was met */
uint64_t fz_event_number(const struct fz_try *try);

/* Something sent over UDP that waits for its ack. */
struct fz_pending {
	int64_t *sent, *last_at;
	struct c2w_str octets;
};

/* model_world.c */
static inline struct fz_endpoint *fz_at(struct fz_try *try, unsigned endpoint)
{
	return &try->world->endpoints[endpoint];
}

static inline bool fz_has_session(const struct fz_endpoint *peer)
{
	return peer->state != FZ_DISCONNECTED;
}

static inline struct c2w_str fz_octets_of(const struct fz_output *output)
{
	return output->closed ? C2W_STR("(closed)") : (struct c2w_str){ output->octets, output->length };
}

void fz_forget_response(struct fz_endpoint *peer);
void fz_end_session(struct fz_endpoint *peer);             /* CON-06, MSG-08, REL-06 */
void fz_close_connection(struct fz_endpoint *peer);
void fz_die(struct fz_endpoint *peer);                     /* REL-08, ROB-03 */
unsigned fz_users_in(struct fz_try *try, int64_t movie);
unsigned fz_users_of(struct fz_try *try);
bool fz_is_name_held(struct fz_try *try, struct c2w_str name);
int64_t fz_movie_of(const struct fz_settings *set, struct c2w_str title); /* its number, -1: none of that title */
void fz_take(struct fz_try *try, size_t output);           /* the output is explained */
bool fz_take_closing(struct fz_try *try, unsigned endpoint); /* whether its connection was closed */
/* An output to the endpoint that is (not) a NEW_MESSAGE and that nothing explains yet; the count of outputs if there is none. */
size_t fz_find_output(const struct fz_try *try, unsigned endpoint, bool new_message);
/* ROB-03, TCP: whether the connection was closed in the place of `more` octets for it, as it may. */
bool fz_was_dropped(struct fz_try *try, unsigned endpoint, size_t more);
/* The message must have been sent to the endpoint, octet for octet: otherwise it fails by `missing`, or `data_rule` where other data came. */
void fz_expect_message(struct fz_try *try, unsigned endpoint, struct c2w_str octets, const char *missing, const char *data_rule);

/* model_answers.c */
void fz_send_first(struct fz_try *try, unsigned endpoint, const char *missing); /* UDP: the first text of the queue goes out */
void fz_drop_first(struct fz_endpoint *peer);
void fz_deliver(struct fz_try *try, unsigned endpoint, int64_t text);
void fz_leave_room(struct fz_try *try, unsigned endpoint); /* MSG-08 */
void fz_forget_stranger(struct fz_try *try);               /* ROB-04 */
void fz_set_response(struct fz_try *try, struct c2w_str octets); /* the event's request was processed: REL-13 */
/* Takes the response to the event's request: `command`, its TIME and USER_NAME (FMT-02, FMT-03), the code of an error; the data is
 * the caller's to judge. NULL: there is none, or a wrong one. */
const struct fz_output *fz_answer(struct fz_try *try, enum fz_command command, enum fz_outcome outcome, const char *rule, struct fz_fields *got);
bool fz_grant(struct fz_try *try, enum fz_command command, const char *rule); /* GRANTED without data; whether it was given */
void fz_refuse(struct fz_try *try, enum fz_command command, enum fz_outcome error, const char *rule); /* with any reason */
void fz_discard(struct fz_try *try, const char *rule, enum fz_outcome outcome); /* nothing may be sent now but what time brings */

/* model_requests.c */
void fz_judge_request(struct fz_try *try);

/* model_time.c */
unsigned fz_pending_of(struct fz_try *try, struct fz_endpoint *peer, struct fz_pending pending[2]); /* how many */
void fz_settle(struct fz_try *try, int64_t when);          /* every deadline before `when` was kept, or the endpoint was dead by then */
void fz_bury_perhaps(struct fz_try *try, unsigned endpoint); /* REL-08 has a tolerance: within it the endpoint is dead, or not yet */
void fz_judge_retransmission(struct fz_try *try, size_t output); /* what a timer sent: REL-05, REL-06 */
/* When the next transmission (or REL-08) of the endpoint is due: the least of nominal times after `now`, or of ends of tolerance. */
int64_t fz_endpoint_due(const struct fz_settings *set, const struct fz_endpoint *endpoint, int64_t now);

/* model_rules.c: the event in the world; try->failed where the document does not allow it. */
void fz_judge_open(struct fz_try *try, bool tcp);
void fz_judge_receive(struct fz_try *try);
void fz_judge_ended(struct fz_try *try);
void fz_judge_time(struct fz_try *try);

/* model_cells.c */
void fz_mark(struct fz_try *try, bool tcp, enum fz_state state, enum fz_event event, enum fz_outcome outcome);

#endif
