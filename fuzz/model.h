/* What PROTOCOL.md (sections 3 to 6) allows a server to do: an acceptor, written from the document alone.
 * The tester tells every event and all that the server sent in reaction; the model says whether the document allows it.
 * For differential tests; share no code with server/ or judge/. fz_model_new() owns everything, texts returned included. */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include "fuzz/recogniser.h"
#include "protocol/params.h"

/* Where the document leaves a choice that cannot be seen at once (is an endpoint silent for 1.1 rto dead yet?), the model
 * follows every possibility as a world of its own, and drops those that what it sees later contradicts. A disagreement
 * means that no world is left. Beyond the ceilings below the model is lost: it accepts everything from then on and says so. */
enum {
	FZ_MAX_ENDPOINTS = 16,
	FZ_MAX_MOVIES = 32,
	FZ_MAX_WAITING = 64,      /* NEW_MESSAGEs not yet acked, for each endpoint */
	FZ_MAX_TEXTS = 8192,
	FZ_MAX_WORLDS = 128,
	FZ_MAX_PATHS = 4096,      /* tried for one event */
	FZ_MAX_KEPT = 64 << 20    /* octets */
};

struct fz_settings {
	struct c2w_params params;    /* rto and max_retransmits in numbers; capacities may be unknown, codes `any` */
	const char *movies[FZ_MAX_MOVIES]; /* titles; kept by the caller as long as the model lives */
	unsigned movie_count;
	/* ROB-04: endpoints without a session that a server remembers at least; 0: all of them. */
	unsigned max_strangers;
};

struct fz_output {
	unsigned endpoint;   /* whom it went to */
	const char *octets;  /* one message, CRLF included */
	size_t length;
	bool closed;         /* the server dropped the connection instead; octets are not looked at */
	int64_t at;          /* ns; fz_model_time() alone reads it */
};

struct fz_model;

struct fz_model *fz_model_new(const struct fz_settings *settings); /* NULL: out of memory */
void fz_model_free(struct fz_model *model);
/* Forgets all, as if it were new: for whoever needs thousands a second. */
void fz_model_reset(struct fz_model *model, const struct fz_settings *settings);

/* Events, in the order of their times (ns, of any epoch, never backwards). Each returns NULL where the document allows the
 * outputs, or a text, with the id of the rule in front ("MSG-02: ..."), which the next call overwrites. After a disagreement
 * everything is as it was before the event. Outputs are everything the server sent, in order, nothing left out. The server is expected
 * to react to an event before the next one: what only time makes it send belongs to fz_model_time(). */

/* A UDP peer appears, or a TCP connection is accepted. The same number again: another connection, the former one being gone. */
const char *fz_model_open(struct fz_model *model, unsigned endpoint, bool tcp, int64_t now, const struct fz_output *outputs, size_t count);
/* One datagram (of any octets), or what a TCP stream is cut into: everything up to and with the next CRLF, or
 * max-request octets without one (a shorter piece without CRLF is no event). */
const char *fz_model_receive(struct fz_model *model, unsigned endpoint, const char *octets, size_t length, int64_t now,
	const struct fz_output *outputs, size_t count);
/* A TCP peer ended its connection. */
const char *fz_model_ended(struct fz_model *model, unsigned endpoint, int64_t now, const struct fz_output *outputs, size_t count);
/* Time passed up to now; each output has the time `at` which it was sent, not before the last event and not after now. */
const char *fz_model_time(struct fz_model *model, int64_t now, const struct fz_output *outputs, size_t count);

/* ROB-03: whether a TCP peer reads. While it does not, what is sent to it adds up (the kernel holds nothing). */
void fz_model_reads(struct fz_model *model, unsigned endpoint, bool reads);

/* The earliest time at which something is due by the document, nominally (after one rto, not at an end of the tolerance);
 * if that is past already and nothing came, when the tolerance ends. INT64_MAX: nothing is due. */
int64_t fz_model_due(const struct fz_model *model);

/* Queries: about the likeliest world. fz_model_worlds() == 1: it is the only one, and what they say is certain. */
enum fz_state { FZ_DISCONNECTED, FZ_MAIN_ROOM, FZ_MOVIE_ROOM, FZ_STATES };
unsigned fz_model_worlds(const struct fz_model *model);
bool fz_model_lost(const struct fz_model *model);
unsigned fz_model_users(const struct fz_model *model);
enum fz_state fz_model_state(const struct fz_model *model, unsigned endpoint);
struct c2w_str fz_model_name(const struct fz_model *model, unsigned endpoint); /* empty without a session */
int fz_model_movie(const struct fz_model *model, unsigned endpoint);           /* index of the movie it watches, or -1 */
unsigned fz_model_waiting(const struct fz_model *model, unsigned endpoint);    /* UDP: NEW_MESSAGEs not acked, the sent one included */
bool fz_model_owed(const struct fz_model *model, unsigned endpoint);           /* a response (no NEW_MESSAGE) is unacked */
unsigned fz_model_texts(const struct fz_model *model);                         /* texts accepted since the beginning */

/* Specification coverage: cells of transport x state x event x outcome. Those that the document makes possible are few. */
enum { FZ_TRANSPORTS = 2, FZ_EVENTS = 18, FZ_OUTCOMES = 27, FZ_MODEL_CELLS = FZ_TRANSPORTS * FZ_STATES * FZ_EVENTS * FZ_OUTCOMES };
unsigned fz_model_cell(const struct fz_model *model);      /* what happened last, in the last event in which anything did */
bool fz_model_visited(const struct fz_model *model, unsigned cell); /* in any event so far */
bool fz_model_cell_possible(unsigned cell);
/* Possible, but never of our session core: it decides otherwise, or another part decides. */
bool fz_model_cell_elsewhere(unsigned cell);
/* "UDP MAIN_ROOM USER_LIST_REQUEST: response". Writes at most `size` octets, NUL included; returns to. */
const char *fz_model_cell_name(unsigned cell, char *to, size_t size);

#endif
