/* What faults are made of: a gate between network and core, and the hooks a fault hangs into it.
 * For faults*.c only. The gate belongs to its service; what a hook gets is valid during the call.
 * Faults may look into the core and move its parts; the core knows nothing of them. */
#ifndef SRV_FAULTS_INSIDE_H
#define SRV_FAULTS_INSIDE_H

#include "protocol/rules.h"
#include "server/inside.h"

struct srv_gate;

/* Why an answer is sent again: the timer, or a repeated request. */
enum srv_turn { SRV_BY_TIMER, SRV_REPEATED };

/* One message that passes the gate. A hook may change way and message; texts for it come from srv_gate_text(). */
struct srv_passing {
	struct srv_gate *gate;
	struct srv_way way;
	struct srv_endpoint *endpoint; /* as it is when the hook is called; NULL: the core does not know it */
	struct c2w_message message;
	struct c2w_str octets;         /* malformed: as it came; what the hook puts here is received instead */
	enum c2w_err err;              /* malformed: why */
	enum srv_turn turn;            /* again */
};

struct srv_hooks {
	struct srv_policy policy;                     /* its filter is srv_gate_filter, its verdict srv_gate_verdict */
	void (*begin)(struct srv_gate *gate);
	enum c2w_command request_of, answer_of;       /* request, after, hold; answer, again, wire: for these only. C2W_NO_COMMAND: for all */
	unsigned only;                                /* C2W_ON_…: they work there only; 0: everywhere */
	bool (*request)(struct srv_passing *passing); /* before the core gets it, acks too; false: it does not */
	void (*after)(struct srv_passing *passing);   /* after the core got it */
	bool (*hold)(struct srv_passing *passing);    /* a request: true as long as the core is not to get it yet */
	bool (*malformed)(struct srv_passing *passing); /* true: octets is to be received now */
	int (*judge)(struct srv_passing *passing, int error); /* the policy's verdict */
	bool (*answer)(struct srv_passing *passing);  /* before it leaves for the first time; false: it does not */
	bool (*again)(struct srv_passing *passing);   /* before it leaves again, as it was sent before; false: it does not */
	void (*wire)(struct srv_passing *passing, char *octets, size_t *length); /* the octets that leave; room for as many again */
	bool (*closed)(struct srv_passing *passing, bool reset); /* false: the core is not told */
	void (*alarm)(struct srv_gate *gate);         /* at gate->alarm */
};

/* Something a fault remembers. */
struct srv_memo {
	struct srv_memo *prev, *next;
	struct srv_way way;
	int64_t at;
	unsigned count;
	size_t length;
	char text[];
};

struct srv_gone {
	struct srv_way way;
	UT_hash_handle hh;
};

struct srv_later {
	struct srv_later *prev, *next;
	int64_t at;
	bool in;                       /* to the core; else to the peer */
	struct srv_way way;
	size_t length;
	char octets[];
};

/* An answer whose TIME or USER_NAME was changed: its ack is changed back. */
struct srv_translation {
	struct srv_way way;
	enum c2w_family family;
	char time[C2W_MAX_TIME_TEXT], wire_time[64], user[C2W_MAX_USER], wire_user[C2W_MAX_USER];
	size_t time_length, wire_time_length, user_length, wire_user_length;
};

enum { SRV_TRANSLATIONS = 64, SRV_EDIT = 1 << 18, SRV_MEMOS = 4096, SRV_SENT = 256 };

struct srv_gate {
	const struct srv_hooks *hooks;
	struct srv_core *core;
	struct srv_carrier carrier;    /* the real one */
	struct net *net;
	struct net_udp *udp;           /* a fault's own socket, or NULL */
	int64_t now;
	struct srv_later *later;       /* the first to come first */
	struct srv_later *held;        /* requests that wait, in their order */
	struct srv_memo *memos;        /* the youngest first */
	struct srv_gone *gone;         /* hash by way: connections that ended, to which nothing can be sent any more */
	struct srv_memo *sent;         /* answers: what the core sent, and behind it (from octet `count` on) what left */
	unsigned memo_count, sent_count;
	unsigned count;                /* a fault's own */
	int64_t at;                    /* a fault's own */
	int64_t alarm;                 /* 0: none */
	struct srv_way way;            /* a fault's own */
	struct srv_waiting *aside, **aside_end; /* a queue that a fault put aside while a request is processed */
	struct srv_translation translations[SRV_TRANSLATIONS];
	unsigned translated;
	size_t edited;                 /* octets of edit in use; they last as long as one message passes */
	char edit[SRV_EDIT], in[SRV_EDIT], out[SRV_EDIT];
};

#define SRV_SLICE(str) (int)(str).length, (str).at

extern const struct srv_filter srv_gate_filter;
int srv_gate_verdict(const struct srv_core *core, const struct srv_endpoint *endpoint, const struct c2w_message *request, int error);

/* Text that lasts until the message has passed. */
struct c2w_str srv_gate_text(struct srv_gate *gate, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *srv_gate_room(struct srv_gate *gate, size_t size);
/* To the core (in) or the peer, at that time; past the hooks. */
void srv_gate_later(struct srv_gate *gate, int64_t at, bool in, const struct srv_way *way, struct c2w_str octets);
/* A message of the fault's own making, sent at once, past the hooks. */
void srv_gate_forge(struct srv_gate *gate, const struct srv_way *way, const char *command, const struct c2w_message *like, struct c2w_str data);
/* The core is made to believe that the recipient acked this NEW_MESSAGE. */
void srv_gate_ack_text(struct srv_gate *gate, const struct srv_endpoint *recipient, const struct c2w_message *text);
/* Remembers; the oldest are forgotten. way may be NULL. */
struct srv_memo *srv_gate_note(struct srv_gate *gate, const struct srv_way *way, struct c2w_str text);
struct srv_memo *srv_gate_recall(struct srv_gate *gate, const struct srv_way *way, const struct c2w_str *text); /* NULL: any */

static inline bool srv_is(const struct srv_passing *passing, enum c2w_command command)
{
	return passing->message.command == command;
}

static inline bool srv_has_session(const struct srv_endpoint *endpoint)
{
	return endpoint && endpoint->state != SRV_DISCONNECTED;
}

static inline bool srv_in_movie(const struct srv_endpoint *endpoint)
{
	return endpoint && endpoint->state == SRV_MOVIE_ROOM;
}

static inline bool srv_same_way(const struct srv_way *a, const struct srv_way *b)
{
	return memcmp(a, b, SRV_WAY_KEY) == 0;
}

static inline struct srv_gate *srv_gate_of(const struct srv_core *core)
{
	return core->settings.filter;
}

/* The hooks of one fault, with what they all have. */
#define FAULT(id, ...) \
	extern const struct srv_hooks srv_hooks_##id; \
	const struct srv_hooks srv_hooks_##id = { .policy.filter = &srv_gate_filter, .policy.verdict = srv_gate_verdict, __VA_ARGS__ }

#endif
