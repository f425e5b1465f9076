/* The sanity exchange over one transport: is the target there, and does it say CONNECTION_GRANTED? What it teaches
 * about movies and the round trip goes into the target (titles: malloc, replaced when a list comes).
 * For schedule.c. Event-driven; the greeter owns its result and is freed by hx_greet_free(), at the earliest in done(). */
#ifndef HX_GREET_H
#define HX_GREET_H

#include "harness/schedule.h"

enum hx_welcome {
	HX_WELCOME,    /* CONNECTION_GRANTED was recognised; findings there may be all the same */
	HX_ODD,        /* it answers, but that was not among it */
	HX_MUTE,       /* not one octet came */
	HX_ABSENT,     /* TCP: nobody listens */
};

struct hx_greeter;

struct hx_greet_options {
	const struct hx_player *player;
	struct net *net;
	struct hx_target *target;
	enum rp_transport transport; /* RP_UDP or RP_TCP */
	int64_t run_start;
	uint64_t seed;
	const bool *left_out;
	void (*done)(void *context, struct hx_greeter *greeter);
	void *context;
};

struct hx_greeter *hx_greet(const struct hx_greet_options *options);
void hx_greet_stop(struct hx_greeter *greeter, const char *reason); /* done() still comes */
void hx_greet_free(struct hx_greeter *greeter);                     /* NULL is fine */

/* After done(). */
enum hx_welcome hx_greet_welcome(const struct hx_greeter *greeter);
bool hx_greet_full(const struct hx_greeter *greeter);              /* it had no room for one user */
int64_t hx_greet_duration(const struct hx_greeter *greeter);
const struct rp_scenario *hx_greet_record(const struct hx_greeter *greeter);

#endif
