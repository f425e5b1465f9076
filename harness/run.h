/* A run from the inside: shared by engine.c, steps.c, peer.c (endpoints), match.c (expectations), value.c
 * (expressions) and teardown.c; nobody else includes it. Everything lives in the run's arena or is
 * freed by hx_run_free(); items of an inbox come from a pool. */
#ifndef HX_RUN_H
#define HX_RUN_H

#include "harness/arena.h"
#include "harness/engine.h"
#include "judge/judge.h"
#include "protocol/frame.h"

enum {
	HX_MAX_FRAMES = 4 * HX_MAX_DEPTH, /* loops and calls nested */
	HX_MAX_INBOX = 4096,              /* messages waiting for the script, all clients together */
	HX_MAX_OCTETS_RECEIVED = 64 << 20,
	HX_MAX_STRING = 16 << 20,
	HX_MAX_ALLOWED = 32,
	HX_CHAT_HISTORY = 32,
	HX_ITEM_INLINE = 512,
	HX_TIME_HISTORY = 32,
	HX_MAX_GROUP = 4 * HX_MAX_CAST,
};

/* ---- values ------------------------------------------------------------------------------- */

struct hx_value {
	enum hx_type type;
	struct c2w_str octets;
	double number;   /* durations in ns */
	unsigned client; /* HX_CLIENT: cast index */
};

/* ---- what was sent and received ------------------------------------------------------------ */

struct hx_buffer {
	char *at;
	size_t length, room;
};

struct hx_chat {                   /* a SEND_MESSAGE_REQUEST of a client */
	struct hx_buffer octets;
	struct c2w_message message;    /* into octets */
};

struct hx_item {
	struct hx_item *prev, *next;
	struct hx_endpoint *endpoint;
	int64_t at;
	struct c2w_message message;    /* into octets */
	enum c2w_err err;
	int64_t before;                /* of struct jd_reading */
	bool repetition, from_server, stranger, surplus;
	size_t length;
	char *octets;                  /* in space, or malloc'd where longer */
	char space[HX_ITEM_INLINE];
};

enum hx_state { HX_DISCONNECTED, HX_IN_MAIN_ROOM, HX_IN_MOVIE_ROOM };

struct hx_endpoint {
	struct hx_endpoint *next;      /* all of the run */
	struct hx_run *run;
	struct hx_client *client;
	char path[2 * NET_ADDR_TEXT];  /* its address and the target's, for the record; "": not asked for yet */
	unsigned number;               /* the judge's; beyond its bound: not judged */
	bool tcp;
	struct net_udp *udp;
	struct net_tcp *link;
	bool connected, ended;         /* TCP */
	enum net_end how;
	struct c2w_framer in, out;     /* TCP: what comes, what goes; one buffer each */
	enum hx_state state;           /* as the answers say */
	struct hx_buffer session;      /* the user name that was asked for when it was granted */
	struct hx_buffer asked;        /* that of the last CONNECTION_REQUEST */
	bool knocked;                  /* a CONNECTION_REQUEST, or octets that may hold one, were sent */
	bool nonsense;                 /* the last thing sent was no well-formed message */
	int64_t time_floor;            /* us: the greatest TIME sent */
	int64_t times[HX_TIME_HISTORY];       /* us: the TIMEs of its last requests, a ring */
	unsigned times_count;
	struct hx_buffer request;      /* the last request, for repetition */
	struct c2w_message request_message; /* parsed from it */
	bool request_open;             /* not answered yet */
	bool request_once;             /* the script forbids repeating it */
	int64_t request_at;            /* its newest transmission */
	int64_t asked_at;              /* its newest transmission by the script: `within` counts from there */
	unsigned request_repeats;      /* by us, as REL-01 says */
	struct net_timer *repeat;
	bool repeating;
	struct hx_buffer pieces;       /* octets still to be sent piece by piece */
	size_t piece_first, piece, pieces_sent;
	int64_t piece_gap;
	struct net_timer *piece_due;
	enum { HX_STAYS, HX_LEAVING, HX_LOOKING, HX_LEFT } leaving; /* teardown */
	unsigned farewells;            /* sessions and rooms left so far */
	unsigned tries;                /* of the present request of teardown */
};

struct hx_allowed {                /* may get … */
	const struct hx_step *step;
	struct hx_value *variables;
};

struct hx_client {
	struct hx_run *run;
	unsigned index;
	const char *name;              /* in the script */
	char user[C2W_MAX_USER_NAME + 1];
	bool tcp;
	bool holds_acks;
	bool may_repeat;
	struct hx_endpoint *endpoint;  /* the present one; NULL before its first use */
	struct hx_item *inbox;         /* not taken by the script yet */
	struct hx_item *last;          /* the message last taken, for `the same` */
	int64_t last_at;               /* arrival of its newest transmission */
	struct hx_chat chats[HX_CHAT_HISTORY]; /* a ring: chat_count % HX_CHAT_HISTORY is the oldest */
	unsigned chat_count;
	struct hx_buffer answers[C2W_FAMILIES]; /* the last message received of each family: what an ack refers to */
	struct hx_allowed allowed[HX_MAX_ALLOWED];
	unsigned allowed_count;
	const struct hx_step *silence; /* the last silence claimed: watched until teardown's end */
	enum c2w_rule silence_rule;
	int64_t silence_time;          /* us: the last TIME made before it was claimed */
};

/* ---- the run ------------------------------------------------------------------------------ */

enum hx_frame_kind { HX_FRAME_BODY, HX_FRAME_REPEAT, HX_FRAME_FOR, HX_FRAME_CALL };

struct hx_frame {
	enum hx_frame_kind kind;
	const struct hx_step *owner;   /* the loop or the call; NULL at the bottom */
	const struct hx_step *step;    /* the present one */
	struct hx_value *variables;
	unsigned turn, turns;
	bool entered;                  /* the present step has begun */
};

enum hx_phase { HX_SCRIPT, HX_TEARDOWN, HX_DONE };
enum hx_progress { HX_NEXT, HX_BLOCKED, HX_ENDED };

struct hx_run {
	struct hx_run_options options;
	const struct hx_scenario *scenario;
	struct hx_target *target;
	const struct c2w_params *params;
	struct net *net;
	struct hx_arena *arena;
	struct jd *jd;
	unsigned jd_endpoints;
	struct hx_client *clients;
	unsigned client_count;
	struct hx_endpoint *endpoints;
	unsigned endpoint_count;
	struct hx_frame frames[HX_MAX_FRAMES];
	unsigned depth;
	enum hx_phase phase;
	bool step_due;                 /* the step's deadline has passed */
	int64_t step_began;
	struct net_timer *step_timer, *limit_timer, *finish_timer;
	bool finishing;
	bool step_fresh;               /* this is its first turn */
	bool yielding;                 /* gives the loop a turn between steps that do not wait */
	unsigned progress;             /* of the present step: repetitions seen; a sentinel sent */
	int64_t sentinel;              /* its TIME, us */
	bool small_window;             /* somebody stops reading in this scenario */
	const char *reason;            /* why it could not be judged; NULL */
	bool completed;                /* the script ran to its end */
	bool contradicted;             /* a list did not say what the script takes for granted from there on */
	bool unproved;                 /* nothing was heard since a silence was awaited: it may be that nobody is there any more */
	const struct hx_step *member;  /* of `together`, the one that is judged; NULL outside */
	bool group[HX_MAX_GROUP];      /* which members of `together` are met */
	struct hx_item *pool;
	unsigned waiting;              /* items in all inboxes */
	size_t received;
	char composed[2048];           /* the message being sent, where it fits */
	unsigned clock_steps;          /* seen before the run */
	int64_t time_last;             /* us: TIMEs of this run grow strictly */
	unsigned time_count;
	uint64_t random;
	struct c2w_str names[16];      /* name(n): one per place */
	struct hx_place name_places[16];
	unsigned name_count;
	int64_t teardown_until;
	struct hx_endpoint *witness;
	struct hx_outcome outcome;
};

/* value.c — expressions. Octets live in the arena, the suite or the run. */
struct hx_value hx_eval(struct hx_run *run, const struct hx_expr *expr);
struct c2w_str hx_eval_octets(struct hx_run *run, const struct hx_expr *expr); /* a client: its user name; a number: its digits */
int64_t hx_eval_whole(struct hx_run *run, const struct hx_expr *expr);         /* counts, and durations in ns; not below 0 */
struct hx_client *hx_eval_client(struct hx_run *run, const struct hx_expr *expr);
/* A fresh TIME above all that the endpoint sent, as text in to (NUL-terminated). Returns it in us. */
int64_t hx_fresh_time(struct hx_run *run, const struct hx_endpoint *endpoint, char to[C2W_MAX_TIME_TEXT + 1]);
/* A user name of exactly `length` octets that nobody has, around `stem`. */
void hx_make_name(struct hx_target *target, const char *stem, size_t length, char *to);
size_t hx_name_tail(const struct hx_target *target); /* octets that make the next name unique */
bool hx_name_is_ours(const struct hx_run *run, struct c2w_str user);                  /* of this scenario's cast */
bool hx_name_is_of_a_run(struct c2w_str user); /* of any: it is made as hx_make_name() makes them */
bool hx_name_is_of_this_run(const struct hx_target *target, struct c2w_str user);      /* of any scenario: it has the nonce */

/* peer.c — endpoints: open, send, receive, acknowledge, repeat. */
struct hx_endpoint *hx_endpoint_of(struct hx_client *client); /* opened at its first use; NULL: cannot be had (noted) */
struct hx_endpoint *hx_endpoint_open(struct hx_client *client, bool tcp);
void hx_endpoint_close(struct hx_endpoint *endpoint, bool reset); /* the socket; the struct stays */
void hx_endpoint_free(struct hx_endpoint *endpoint);
void hx_buffer_set(struct hx_buffer *buffer, const char *octets, size_t length);
struct c2w_str hx_buffer_str(const struct hx_buffer *buffer);
/* Octets from the endpoint, now: noted in timeline and judge, and a request among them remembered as its last one. */
void hx_transmit(struct hx_endpoint *endpoint, const char *octets, size_t length, const char *note);
/* TCP, the same in pieces, each a segment: the first of `first` octets, the others of `size`, `gap` ns apart.
 * Done when pieces_sent == pieces.length. */
void hx_transmit_pieces(struct hx_endpoint *endpoint, const char *octets, size_t length, size_t first, size_t size, int64_t gap);
bool hx_sent_time(const struct hx_endpoint *endpoint, int64_t time); /* is it the TIME of one of its last requests? */
void hx_repeat_while_waiting(struct hx_endpoint *endpoint); /* REL-01 from now until it is answered or hx_repeat_stop() */
void hx_repeat_stop(struct hx_run *run);
void hx_acknowledge(struct hx_endpoint *endpoint, const struct hx_item *item);
void hx_item_free(struct hx_run *run, struct hx_item *item);
void hx_note(struct hx_run *run, const struct hx_client *client, bool tcp, const char *note);
/* TCP: the server (received) or the script has ended the connection. */
void hx_record_end(struct hx_endpoint *endpoint, int64_t at, bool received, bool reset, const char *note);

/* match.c — expectations. */
/* Takes from the client's inbox what answers one of the step's patterns. HX_NEXT: taken (field findings noted); HX_BLOCKED: not there
 * yet; HX_ENDED: the answer is another one than any pattern says (finding noted). */
enum hx_progress hx_match(struct hx_run *run, const struct hx_step *step, struct hx_client *client);
/* An answer to somebody else's request, in another scenario of this run: neither its TIME nor its USER_NAME is of this endpoint. */
bool hx_for_another(const struct hx_item *item);
/* The same, but in another run, whose client had the port before. */
bool hx_for_another_run(const struct hx_item *item);
/* Neither is of anybody in this run: taken for the answer, since nothing else can be meant, but then it proves nothing (see conclude()).
 * The judges, who see one endpoint, say nothing of those. */
void hx_judge_origin(const struct hx_item *item);
/* The first thing in the inbox that a silence forbids; NULL: none. repetitions_from: repetitions that came then or later count, too;
 * INT64_MAX: none do. earlier: only answers to what was sent before the silence was claimed. A text that comes once more under
 * a TIME that is nobody's breaks FMT-02, and no other silence than that of MSG-04. */
struct hx_item *hx_forbidden(struct hx_run *run, struct hx_client *client, enum c2w_rule rule, int64_t repetitions_from, bool earlier);
bool hx_time_is_of_a_text(const struct hx_run *run, const struct hx_chat *but, int64_t time); /* sent by one of the cast; `but` apart, NULL: none apart */
void hx_take(struct hx_client *client, struct hx_item *item);
bool hx_same_exchange(const struct hx_item *a, const struct hx_item *b); /* one answer, sent twice? by command, TIME and USER_NAME */
/* Scenario notation of what a step expects, in the arena. */
const char *hx_expectation_text(struct hx_run *run, const struct hx_step *step, const struct hx_client *client);
/* The entries of a list response: calls entry(context, user or title, room) for each; room is empty in movie lists. False: an entry without separator. */
bool hx_each_entry(const struct c2w_params *params, const struct c2w_message *message, void (*entry)(void *context, struct c2w_str name, struct c2w_str room), void *context);

/* engine.c — findings and the end. */
enum c2w_rule hx_rule_of(const struct hx_run *run, const struct hx_step *step);
/* False: it was not noted, since the rule binds no server or the same was noted before. */
bool hx_find(struct hx_run *run, enum c2w_rule rule, bool inconclusive, const char *what, const char *expected, const char *got);
void hx_find_octets(struct hx_run *run, enum c2w_rule rule, const char *what, struct c2w_str expected, struct c2w_str got);
const char *hx_escape(struct hx_run *run, struct c2w_str octets); /* in the arena */
void hx_script_end(struct hx_run *run); /* whatever comes next in the script is not played */
void hx_run_advance(struct hx_run *run);

/* steps.c */
typedef enum hx_progress hx_play(struct hx_run *run, const struct hx_step *step, struct hx_client *client);
extern hx_play *const hx_plays[]; /* by enum hx_op; NULL: a step that holds steps */
/* As long as a client of REL-01 waits for its answer, and never so short that a slow answer is called none. */
int64_t hx_patience(const struct hx_run *run);
/* What comes after a silence was claimed and answers something from before it, breaks it too. */
void hx_judge_silences(struct hx_run *run);
void hx_forget_inbox(struct hx_client *client);

/* teardown.c */
void hx_teardown_begin(struct hx_run *run);
/* True: it answers a request of the teardown, and is nothing that a silence forbids. */
bool hx_teardown_received(struct hx_endpoint *endpoint, const struct hx_item *item);
void hx_teardown_due(struct hx_run *run); /* repeats what is not answered; arms the step timer again */
bool hx_teardown_over(struct hx_run *run);   /* sets the witness looking when the others have left */

#endif
