/* What the files that make programs share: chances, fields and steps made up, and games. Nobody else includes this. */
#ifndef FZ_BLACKBOX_BREED_INSIDE_H
#define FZ_BLACKBOX_BREED_INSIDE_H

#include "fuzz/blackbox_breed.h"

enum { FZ_FEW = 3 /* clients are enough for most things */ };

#define COUNT(array) (unsigned)(sizeof(array) / sizeof((array)[0]))
#define PICK(breeder, table) (table)[fz_below(breeder, COUNT(table))]
#define T(literal, n) { .octets = literal, .length = sizeof(literal) - 1, .times = (n) }

static const enum c2w_command fz_requests[] = {
	C2W_CONNECTION_REQUEST, C2W_USER_LIST_REQUEST, C2W_MOVIE_LIST_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_LEAVE_SESSION_REQUEST, C2W_SEND_MESSAGE_REQUEST,
};

/* breed.c */
bool fz_one_in(struct fz_breeder *breeder, unsigned n);
uint8_t fz_somebody(struct fz_breeder *breeder);   /* a client, mostly one of the first few */
void fz_mend_bred(const struct fz_breeder *breeder, struct fz_program *program);

/* made.c: single steps and their fields, right or at the edges of the grammar. */
struct fz_text fz_odd_text(struct fz_breeder *breeder);
struct fz_text fz_odd_name(struct fz_breeder *breeder);
struct fz_text fz_odd_time(struct fz_breeder *breeder);
void fz_twist_text(struct fz_breeder *breeder, struct fz_text *text);
void fz_twist_field(struct fz_breeder *breeder, struct fz_step *step);
struct fz_step fz_request_step(struct fz_breeder *breeder, unsigned client, enum c2w_command command);
struct fz_step fz_any_step(struct fz_breeder *breeder, unsigned client);

/* games.c: steps in an order that matters; added at the end. */
void fz_clock_steps(struct fz_breeder *breeder, struct fz_program *program, struct fz_step step, uint64_t *clock, bool slow);
void fz_repeated_steps(struct fz_breeder *breeder, struct fz_program *program, struct fz_step step);
void fz_any_game(struct fz_breeder *breeder, struct fz_program *program);

#endif
