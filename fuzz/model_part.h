/* What the files of the model share: a world, and one event tried in it. Nobody else includes this.
 * model.c keeps the worlds and tries the events, model_rules.c says what the document demands, model_cells.c counts.
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

/* model_rules.c: the event in the world; try->failed where the document does not allow it. */
void fz_judge_open(struct fz_try *try, bool tcp);
void fz_judge_receive(struct fz_try *try);
void fz_judge_ended(struct fz_try *try);
void fz_judge_time(struct fz_try *try);
/* When the next transmission (or REL-08) of the endpoint is due: the least of nominal times after `now`, or of ends of tolerance. */
int64_t fz_endpoint_due(const struct fz_settings *set, const struct fz_endpoint *endpoint, int64_t now);

/* model_cells.c */
void fz_mark(struct fz_try *try, bool tcp, enum fz_state state, enum fz_event event, enum fz_outcome outcome);

#endif
