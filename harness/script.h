/* A scenario as the engine runs it: the tree the parser builds and the checker has approved.
 * Written by harness/parse.c and check.c, read by engine.c and schedule.c. Everything in a struct hx_suite belongs to its arena
 * and is constant after loading. Grammar and meaning: docs/SCENARIOS.md. */
#ifndef HX_SCRIPT_H
#define HX_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/message.h"
#include "protocol/params.h"
#include "protocol/rules.h"

enum { HX_MAX_CAST = 64, HX_MAX_VARIABLES = 64, HX_MAX_DEPTH = 16, HX_MAX_LEASES = 4, HX_MAX_TITLES = 100 };

struct hx_place {
	const char *file;
	unsigned line, column; /* 1-based; column in octets */
};

/* ---- expressions -------------------------------------------------------------------------- */

enum hx_type { HX_OCTETS, HX_NUMBER, HX_DURATION /* ns */, HX_CLIENT /* as octets: its user name */ };

enum hx_expr_kind {
	HX_LITERAL_OCTETS,   /* "text\r\n", hex "00ff" */
	HX_LITERAL_NUMBER,   /* 3, 0.8, and durations: 200ms, 2s */
	HX_VARIABLE,         /* $movie, $i; .variable */
	HX_PARAMETER,        /* $rto, $max-text: section 9; .parameter */
	HX_CAST,             /* alice (a client) or $alice (her user name as octets); .client */
	HX_JOIN,             /* a + b on octets: concatenation; on numbers, durations: sum */
	HX_MINUS, HX_TIMES,  /* "x" * 1024 repeats octets; 2 * $rto; 3 * 4 */
	HX_DIVIDED,
	HX_NAME,             /* name(32): a user name of that many octets that nobody has, the same at every evaluation of this place in one run; .left */
	HX_RANDOM,           /* random(64): so many seeded printable octets, no pipe; .left */
	HX_MOVIE,            /* my movie: a room leased to this scenario; .lease (0-based, one per occurrence) */
	HX_TITLE,            /* movie(1): the n-th title of the target's list, leased to nobody; .left */
	HX_TITLES,           /* movies: how many titles the target lists, HX_MAX_TITLES at most */
	HX_TIME_OF,          /* time(alice): TIME, as text, of alice's last request; .client_expr in .left */
	HX_EARLIER,          /* earlier(alice): a TIME below that of her last request */
	HX_LENGTH,           /* length("x"): octets */
	HX_UNLISTED,         /* unlisted($movie + " "): with ? behind it where that is a title of the target; .left */
	HX_MISCASED,         /* miscased($movie): its letters in the other case; never a title of the target; .left */
	HX_DECIMAL,          /* decimal($i): a number as decimal octets; .left */
};

/* .type is what the place wants: where a HX_VARIABLE or HX_CAST is a client and octets are wanted, the type is HX_OCTETS
 * and the value is her user name. An argument of HX_CALL has the type of its parameter. */
struct hx_expr {
	enum hx_expr_kind kind;
	enum hx_type type;
	struct hx_place place;
	struct c2w_str octets;       /* HX_LITERAL_OCTETS */
	double number;               /* HX_LITERAL_NUMBER; durations in ns */
	unsigned index;              /* variable slot, enum c2w_param, cast index, or lease */
	const struct hx_expr *left, *right;
};

/* ---- messages, sent and expected ---------------------------------------------------------- */

struct hx_outgoing {             /* COMMAND {field}, octets EXPR, or: the same */
	enum { HX_SEND_MESSAGE, HX_SEND_OCTETS, HX_SEND_SAME } kind;
	enum c2w_command command;    /* C2W_NO_COMMAND where command_text says it */
	const struct hx_expr *command_text; /* command "connection_request"; else NULL */
	unsigned code;               /* of an error command sent by a client that misbehaves */
	const struct hx_expr *time, *user, *data; /* NULL: the default */
	const struct hx_expr *octets;             /* HX_SEND_OCTETS */
	struct hx_place place;
	const struct hx_outgoing *next; /* in a batch */
};

struct hx_listing {              /* listing alice in $movie */
	bool negated;                /* not listing … */
	const struct hx_expr *entry; /* a client (user list), or octets (a title, or any user name) */
	const struct hx_expr *room;  /* octets; NULL: any room */
	const struct hx_listing *next;
};

struct hx_pattern {              /* one alternative of an expectation */
	enum c2w_command command;    /* server commands only */
	const struct hx_expr *code;  /* of an error: HX_PARAMETER (name-taken) or a number; NULL: any code */
	const struct hx_expr *by;    /* NEW_MESSAGE: the author (client); also its TIME, its text unless given */
	const struct hx_expr *time, *user, *data; /* NULL: as the rules say (FMT-02, FMT-03, FMT-09) */
	bool data_any;               /* data any */
	const struct hx_listing *listing;
	int capture;                 /* as $x: variable slot of the data; -1 none */
	struct hx_place place;
	const struct hx_pattern *next; /* or … */
};

/* ---- steps -------------------------------------------------------------------------------- */

enum hx_op {
	HX_SEND,         /* who > … */
	HX_EXPECT,       /* who < COMMAND … */
	HX_MAYBE,        /* who may get COMMAND …: allowed from now on, not awaited */
	HX_SAME,         /* who < the same [N times] [every D]: repetitions of the last message taken */
	HX_MAYBE_SAME,   /* who may get the same: repetitions are allowed from now on (REL-11's free choice) */
	HX_END,          /* who < end: the server closes the connection, FIN or RST */
	HX_SILENCE,      /* who gets nothing [for D]; without D proved by a sentinel */
	HX_TOGETHER,     /* together { expectations in any order } */
	HX_HOLD_ACKS, HX_RESUME_ACKS,
	HX_WAIT,         /* wait D */
	HX_LET,          /* let x = EXPR */
	HX_REPEAT,       /* repeat N [as i] { … } */
	HX_FOR,          /* for x in EXPR, EXPR { … }; for who in alice, bob { … } */
	HX_CALL,         /* an exchange: carol enters $movie */
	HX_OPEN,         /* who opens [over udp|tcp]: a new endpoint (after close, or instead of the present one, which stays open unread) */
	HX_CLOSE,        /* who closes: FIN (TCP), socket closed (UDP: kept until teardown, as ports are not reused) */
	HX_SHUTDOWN,     /* who half-closes */
	HX_RESET,        /* who resets */
	HX_STOP_READING, HX_READ_AGAIN,
};

struct hx_exchange;

struct hx_step {
	enum hx_op op;
	struct hx_place place;
	const struct hx_expr *who;       /* a client; NULL for together, wait, let, repeat, for. `all connect` is as many steps */
	enum c2w_rule rule;              /* [MSG-02]; C2W_NO_RULE: the default of the op, else the scenario's first proven rule */
	/* HX_SEND */
	const struct hx_outgoing *outgoing;
	bool batch;                      /* several messages: one TCP segment, or datagrams back to back */
	bool once;                       /* not repeated by the engine (REL-01 is what the scenario is about) */
	const struct hx_expr *pieces;    /* TCP: in pieces of N octets, each a segment; NULL: one */
	const struct hx_expr *cut;       /* TCP: cut at octet N */
	const struct hx_expr *every;     /* between the pieces; and HX_SAME: between the repetitions */
	/* HX_EXPECT, HX_MAYBE */
	const struct hx_pattern *patterns;
	const struct hx_expr *within;    /* NULL: as long as a client of REL-01 waits */
	/* HX_SAME: count, every; HX_SILENCE, HX_WAIT: duration; HX_REPEAT: count; HX_LET: values[0]; HX_FOR: values[] */
	const struct hx_expr *count, *duration;
	const struct hx_expr *const *values; unsigned value_count;
	int variable;                    /* HX_LET, HX_REPEAT … as, HX_FOR: the slot; -1 none */
	const struct hx_step *body;      /* HX_TOGETHER, HX_REPEAT, HX_FOR */
	const struct hx_exchange *exchange; /* HX_CALL: values[] are the arguments, [0] is who */
	int transport;                   /* HX_OPEN: -1 as before, else C2W_ON_UDP or C2W_ON_TCP */
	const struct hx_step *next;
};

/* exchange $who enters $movie { … }: its parameters are variables 0 … of its own frame. */
struct hx_exchange {
	struct hx_place place;
	unsigned parameter_count, variable_count;
	const struct hx_step *body;
	const char *pattern;             /* "$who enters $movie", for messages */
};

/* ---- scenarios ---------------------------------------------------------------------------- */

enum hx_main_room { HX_MAIN_FREE, HX_MAIN_SHARED, HX_MAIN_EXCLUSIVE };

struct hx_member { const char *name; int transport; /* C2W_ON_…, or -1: the run's */ };

/* $max-text >= 64, 1000 >= $max-text: a parameter on one side; on the other numbers and parameters, with + - * between. */
struct hx_bound { const struct hx_expr *more, *less; const struct hx_bound *next; };

struct hx_needs {
	unsigned movies;                 /* at least so many titles (the leases of `my movie` counted in) */
	bool capacity, room_capacity;    /* the profile must give them */
	bool both;                       /* UDP and TCP (mixed casts too) */
	bool load;                       /* floods: loopback, or --allow-load */
	const struct hx_bound *bounds;   /* what the profile must keep to */
};

struct hx_scenario {
	const char *id;                  /* "chat/MSG-02-other-room-hears-nothing" */
	const char *title, *file, *area; /* area: the folder, "chat" */
	unsigned line;
	const char *const *lines; unsigned line_count; /* the source, for reports */
	enum c2w_rule *proves; unsigned proves_count;
	struct hx_needs needs;
	unsigned over;                   /* C2W_ON_…: runs once on each; 0: mixed, one run */
	struct hx_member *cast; unsigned cast_count;
	bool alone;
	enum hx_main_room main_room;     /* derived: exclusive if a text is sent in MAIN_ROOM; shared if somebody there must hear
	                                    no stranger (holds acks, gets nothing, stops reading, waits); else free */
	unsigned leases;                 /* occurrences of `my movie` */
	int64_t limit;                   /* ns: the overall deadline; 0: the default of 60 s */
	unsigned variable_count;
	const struct hx_step *steps;
};

struct hx_suite {
	const struct hx_scenario **scenarios; /* ordered by id */
	unsigned count;
	struct hx_arena *arena;               /* owns all of it */
};

/* Loads files and folders (recursively, *.c2w). The root of a path is the folder given, or that of the file given; if it has no
 * lib.c2w, the nearest parent that has one; and further out while the next parent has one, too. Every lib.c2w between the root and a
 * scenario brings its exchanges. The id is the path below the root, without .c2w. A file named twice is loaded once.
 * Every error of every file goes to error() as file:line:column: message, the line, a caret; the number of them is
 * returned (0: *suite is whole; else it is NULL). */
unsigned hx_suite_load(struct hx_suite **suite, const char *const *paths, unsigned path_count, void (*error)(void *context, const char *text), void *context);
/* One scenario from a string (tests, the sanity exchange); lib: text of exchanges or NULL. */
unsigned hx_suite_parse(struct hx_suite **suite, const char *file, const char *text, const char *lib, void (*error)(void *context, const char *text), void *context);
void hx_suite_free(struct hx_suite *suite);

#endif
