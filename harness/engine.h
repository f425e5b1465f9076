/* The engine: plays one scenario against a target over a net, judges it, leaves no trace.
 * For harness/schedule.c, fuzz and tests. Event-driven on the loop of its net: many runs go on side by side; a run owns its
 * endpoints and an arena, and gives both back when done() has been called. No process, no file, no clock of its own. */
#ifndef HX_ENGINE_H
#define HX_ENGINE_H

#include "harness/script.h"
#include "net/link.h"
#include "reports/result.h"

/* One server under test. Filled by the scheduler, read by runs; titles and round_trip come from the sanity exchange. */
struct hx_target {
	struct net *net;
	struct net_addr address;
	bool udp, tcp;                  /* what it offers (assumed before the sanity exchange) */
	struct c2w_params params;       /* no C2W_AUTO left in rto and max_retransmits */
	char **titles; unsigned title_count; /* of its MOVIE_LIST_RESPONSE; owned by the target, malloc */
	int64_t round_trip;             /* ns; the smallest seen */
	char nonce[6];                  /* 5 characters of the run in every user name: not of the seed */
	unsigned names;                 /* a counter: makes user names unique */
	/* The worst delay (ns) of this process, the host or the target's side in a span of time; NULL: none ever. */
	int64_t (*lag)(void *context, int64_t since, int64_t until);
	void *lag_context;
};

struct hx_run;

/* What the scheduler wants to know of a run besides its record. */
struct hx_outcome {
	bool refused;      /* set-up met `server-full` (CON-04) though the scenario is not about that: try again alone */
	bool mute;         /* not one octet came from the target, or every connection was refused */
	bool loss;         /* signs of loss or reordering over UDP: a request had to be repeated, or an ack was overtaken */
	unsigned excusable; /* findings that one lost datagram would explain: something came late, or once too few */
	bool noise;        /* clock step, or a lag that a timing window is not several times wider than */
	bool suspicion;    /* an always-on judge suspects something about pace */
	bool left_behind;  /* after teardown the target still knows one of our users */
	int64_t slowest;   /* ns: the slowest answer */
	int64_t script_end;/* net_now() when the script itself ended (teardown comes after) */
};

struct hx_run_options {
	const struct hx_scenario *scenario;
	struct hx_target *target;
	enum rp_transport transport;
	struct c2w_str leases[HX_MAX_LEASES];     /* titles; as many as scenario->leases */
	uint64_t seed;
	struct rp_result *result;
	struct rp_scenario *record;               /* verdict, reason, findings, timeline go here; times count from run_start */
	int64_t run_start;                        /* net_now() at the start of the whole run */
	/* Comes once, from the loop, when the script and the teardown are over; the run is freed by hx_run_free() then or later. */
	void (*done)(void *context, struct hx_run *run, const struct hx_outcome *outcome);
	void *context;
};

/* Starts at once; the first messages leave before it returns. Never NULL. */
struct hx_run *hx_run_start(const struct hx_run_options *options);
/* Ends the script (^C, --max-time) with the given reason as inconclusive; teardown still happens, then done(). */
void hx_run_stop(struct hx_run *run, const char *reason);
void hx_run_free(struct hx_run *run);

/* Numbers and parameters, with + - * between: what a scenario needs of the profile. */
double hx_number_of(const struct c2w_params *params, const struct hx_expr *expr);

/* The exchange that runs first and last: CONNECTION_GRANTED recognised, the movie list learned if there is one,
 * left again. Parsed once, lives as long as the program. */
const struct hx_scenario *hx_sanity_scenario(void);

#endif
