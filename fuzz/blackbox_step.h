/* An input of c2w-fuzz: a few clients and a short list of what they do; as values, and as scenario text that can be read back.
 * For fuzz/blackbox_*.c and main_fuzz.c. A program is a plain value of bounded size, copied freely.
 * Whatever its bytes are, fz_program_mend() makes it one that can be played and printed. */
#ifndef FZ_BLACKBOX_STEP_H
#define FZ_BLACKBOX_STEP_H

#include <stdio.h>

#include "protocol/message.h"

enum { FZ_CAST = 8, FZ_STEPS = 24, FZ_LITERAL = 48, FZ_TIMES = 8192 /* octets of one field at most, repeated */ };

extern const char *const fz_known_names[FZ_CAST]; /* alice, bob, carol, … */

/* Octets, repeated: "ab" * 512. */
struct fz_text {
	char octets[FZ_LITERAL];
	uint8_t length;
	uint16_t times;
};

enum fz_action {
	FZ_SEND, FZ_OCTETS, FZ_SAME, FZ_HOLD, FZ_RESUME, FZ_WAIT, FZ_OPEN, FZ_CLOSE, FZ_HALF_CLOSE, FZ_RESET, FZ_STOP_READING, FZ_READ_AGAIN,
	FZ_ACTIONS
};
enum fz_time { FZ_TIME_FRESH, FZ_TIME_LAST, FZ_TIME_EARLIER, FZ_TIME_TEXT };
enum fz_user { FZ_USER_OWN, FZ_USER_OTHER, FZ_USER_TEXT };
enum fz_data { FZ_DATA_NONE, FZ_DATA_TEXT, FZ_DATA_MOVIE };

struct fz_step {
	enum fz_action action;
	uint8_t client;
	bool await;             /* FZ_SEND, FZ_SAME: what answers is waited for before the next step */
	bool joined;            /* in one segment with the next step, or back to back over UDP */
	uint16_t pieces;        /* TCP: octets a segment; 0: one */
	enum c2w_command command; /* FZ_SEND; C2W_NO_COMMAND: word */
	unsigned code;          /* of an error command */
	enum fz_time time;
	enum fz_user user;
	enum fz_data data;
	uint8_t other;          /* FZ_USER_OTHER: whose name; with a command word is what follows it */
	uint8_t movie;          /* FZ_DATA_MOVIE: from 1; between before and data_text */
	bool miscased_user, miscased_title; /* FZ_USER_OTHER, FZ_DATA_MOVIE: small letters for capitals and the other way round */
	uint16_t wait;          /* FZ_WAIT: per mille of rto */
	struct fz_text word, time_text, user_text, before, data_text; /* FZ_OCTETS: data_text; with FZ_USER_OTHER that, the name, word */
};

struct fz_program {
	bool tcp[FZ_CAST];
	unsigned count;
	struct fz_step steps[FZ_STEPS];
	const char *origin;   /* the file it comes from, the hunt's; NULL: it was bred */
};

bool fz_sends(const struct fz_step *step); /* FZ_SEND, FZ_OCTETS, FZ_SAME */
bool fz_takes_part(const struct fz_program *program, unsigned client);
size_t fz_text_length(const struct fz_text *text);
struct fz_text fz_text_of(struct c2w_str octets); /* cut at FZ_LITERAL */
void fz_program_add(struct fz_program *program, const struct fz_step *step); /* nothing where it is full */
void fz_program_remove(struct fz_program *program, unsigned first, unsigned count);

/* Takes out what no client can do: use of a closed endpoint, segments over UDP, a repetition of nothing. udp, tcp: what there is. */
void fz_program_mend(struct fz_program *program, bool udp, bool tcp, unsigned movies);

/* One step as a scenario says it, with the lines that begin and end a batch. in_batch: the step before is joined to it. */
void fz_step_print(const struct fz_step *step, bool in_batch, FILE *to);
/* All of them, none awaited; what a program awaits is told by a comment, for fz_program_read(). */
void fz_program_print(const struct fz_program *program, FILE *to);
/* The lines of a scenario's head that say who takes part and over what. honest: there is one client more. */
void fz_program_print_cast(const struct fz_program *program, bool honest, bool honest_tcp, FILE *to);
void fz_text_print(struct c2w_str octets, FILE *to); /* as a quoted text of the language */

/* Reads from a scenario what such a program can have, and skips the rest. False: nothing of it could be read. */
bool fz_program_read(struct fz_program *program, FILE *from);

#endif
