/* The language of the session target: what happens to a server, six octets a step, and what mutates them.
 * For session.c, targets, seeds and the simulator. Pure but for the steps' own clients; nothing is allocated.
 * Every octet means something in every place: any input is a sequence of steps. */
#ifndef FZ_STEPS_H
#define FZ_STEPS_H

#include "fuzz/fuzz.h"
#include "protocol/message.h"

enum {
	FZ_UDP_CLIENTS = 5, FZ_TCP_CLIENTS = 3, FZ_CLIENTS = FZ_UDP_CLIENTS + FZ_TCP_CLIENTS, /* UDP first */
	FZ_MOVIES = 3,
	FZ_MOST_STEPS = 64,
	FZ_KEPT = 8,              /* answers that a client remembers, to ack them */
	FZ_MAX_TEXT = 40, FZ_MAX_REQUEST = 400, FZ_MAX_BACKLOG = 600, /* small, so that limits are met */
	FZ_MOST_OCTETS = 512,     /* of a message that a step sends */
};

extern const char *const fz_titles[FZ_MOVIES];
extern const char *const fz_names[FZ_CLIENTS];

enum fz_op {
	FZ_OP_REQUEST,   /* of the family .what */
	FZ_OP_ACK,       /* of the .what-th newest answer that was not acked yet */
	FZ_OP_ACK_ANY,   /* of the family .what, whether there is an answer or not */
	FZ_OP_AGAIN,     /* the last request, octet for octet */
	FZ_OP_WAIT,      /* as long as .what says */
	FZ_OP_CLOSE,     /* TCP: the connection ends, by a reset where .what is odd; its next message comes over a new one */
	FZ_OP_DAMAGED,   /* a request of the family .data, spoilt as .what says at .time */
	FZ_OP_STALL,     /* TCP: from now on so many octets wait for it */
	FZ_OPS
};

enum fz_user { FZ_OWN, FZ_NEIGHBOUR, FZ_OTHER_CASE, FZ_NO_USER, FZ_LONGEST_USER, FZ_USER_TOO_LONG, FZ_BAD_USER, FZ_HUGE_USER, FZ_NATURAL,
	FZ_WITH_POINT, FZ_NEIGHBOURS_CASE, FZ_MAIN_AS_USER, FZ_USERS };
enum fz_time { FZ_NEXT, FZ_SAME, FZ_OTHER_DIGITS, FZ_EARLIER, FZ_BY_A_HAIR, FZ_ZERO, FZ_GREATEST, FZ_NEIGHBOURS, FZ_TIMES };
enum fz_data {
	FZ_FIRST, FZ_SECOND, FZ_THIRD, FZ_EMPTY, FZ_MAIN, FZ_LONGEST_TEXT, FZ_TEXT_TOO_LONG, FZ_PIPES, FZ_UTF8, FZ_LONGEST_REQUEST,
	FZ_REQUEST_TOO_LONG, FZ_ONE_OCTET, FZ_BLANKS, FZ_NO_BREAK_SPACE, FZ_MARKUP, FZ_TITLE_IN_OTHER_CASE, FZ_DATAS
};
enum fz_wait { FZ_A_MOMENT, FZ_HALF_RTO, FZ_ALMOST_RTO, FZ_RTO, FZ_UNTIL_DUE, FZ_LONG, FZ_LONGER, FZ_WAITS };
enum fz_damage {
	FZ_NO_CRLF, FZ_ONLY_LF, FZ_FLIPPED, FZ_NUL, FZ_NO_PIPE, FZ_LOWER_CASE, FZ_TWO_BLANKS, FZ_CR_INSIDE, FZ_LONG_TIME, FZ_BEHIND_CRLF,
	FZ_NO_UTF8, FZ_SERVERS_COMMAND, FZ_UNKNOWN_COMMAND, FZ_NOTHING, FZ_CRLF_ALONE, FZ_CUT, FZ_NO_BLANK, FZ_LONG_USER,
	FZ_DAMAGES
};

struct fz_step { uint8_t op, who, what, user, time, data; };

/* An answer that a client has got. */
struct fz_got {
	enum c2w_family family;
	int64_t time;                       /* us */
	uint8_t user_length, time_length;
	char user[C2W_MAX_USER];            /* of NEW_MESSAGE: the author */
	char time_text[C2W_MAX_TIME_TEXT];
};

/* What a client knows: enough to say the right thing next, and the wrong one. */
struct fz_client {
	int64_t time;                       /* us: the TIME of its last request */
	size_t name_length, last_length;
	char name[C2W_MAX_USER];            /* that of its last CONNECTION_REQUEST */
	char last[FZ_MOST_OCTETS];          /* its last request */
	struct fz_got got[FZ_KEPT];         /* the newest last */
	unsigned got_count;
};

void fz_clients_init(struct fz_client clients[FZ_CLIENTS]);

/* The octets that a step makes its client send; 0: none. The client remembers what it sent. */
size_t fz_step_octets(const struct fz_step *step, struct fz_client clients[FZ_CLIENTS], char to[FZ_MOST_OCTETS]);
/* What came to a client. */
void fz_client_got(struct fz_client *client, const struct c2w_message *message);

static inline unsigned fz_who(const struct fz_step *step)
{
	return step->who % FZ_CLIENTS;
}

static inline enum fz_op fz_op(const struct fz_step *step)
{
	return (enum fz_op)(step->op % FZ_OPS);
}

/* An input is one octet of settings, then the steps; a last incomplete one is left out. */
unsigned fz_steps_read(const uint8_t *data, size_t size, struct fz_step steps[FZ_MOST_STEPS]);

/* As LLVMFuzzerCustomMutator and LLVMFuzzerCustomCrossOver, on whole steps and on fields. */
size_t fz_steps_mutate(uint8_t *data, size_t size, size_t most, uint64_t seed);
size_t fz_steps_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *to, size_t most, uint64_t seed);

#endif
