/* The result model: what a run found, as values. Every report is a rendering of one of these; a saved one can be rendered
 * again without a target. The harness fills it, the renderers read it. A result owns everything in it (rp_result_free frees
 * all); strings given to rp_* functions are copied, strings put into it directly come from rp_text(). */
#ifndef RP_RESULT_H
#define RP_RESULT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/params.h"
#include "protocol/rules.h"

/* In the order "worst first" that a rule takes from several scenarios. */
enum rp_verdict { RP_FAIL, RP_INCONCLUSIVE, RP_WARN, RP_PASS, RP_SKIP, RP_UNTESTED, RP_VERDICTS };
enum rp_overall { RP_CONFORMS, RP_VIOLATES, RP_UNREACHABLE, RP_UNDECIDED /* "inconclusive" */ };
enum rp_transport { RP_UDP, RP_TCP, RP_MIXED };

const char *rp_verdict_name(enum rp_verdict verdict);
const char *rp_overall_name(enum rp_overall overall);
const char *rp_transport_name(enum rp_transport transport);

struct rp_finding {
	enum c2w_rule rule;
	enum rp_verdict verdict;     /* RP_FAIL, RP_WARN or RP_INCONCLUSIVE */
	char *file;                  /* of the scenario step; NULL: an always-on judge outside any step */
	unsigned line;               /* 1-based; 0: none */
	char *what;                  /* one sentence: what is wrong */
	char *expected, *got;        /* scenario notation, already escaped (the file's `octets` form); may be NULL */
	int64_t at;                  /* ns since the run's start */
};

enum rp_end { RP_GOES_ON, RP_FIN, RP_RST };

struct rp_event {
	int64_t at;                  /* ns since the run's start */
	char *client;                /* cast name */
	bool received;               /* false: sent */
	bool tcp;
	char *octets; size_t length; /* raw; NULL where the event is a note only */
	size_t cut;                  /* octets that were behind these and are not kept */
	char *path;                  /* "127.0.0.1:40312 > 127.0.0.1:1950": the client's address, the server's; NULL: unknown */
	enum rp_end end;             /* TCP: whoever sent this has ended the connection with it */
	char *note;                  /* "connection closed by the server (FIN)", "acked automatically"; may be NULL */
};

struct rp_scenario {
	char *id, *title, *file;
	enum rp_transport transport;
	enum rp_verdict verdict;
	bool flaky;                  /* failed, then passed */
	bool company_only;           /* failed in company, passed alone */
	bool expected;               /* it failed for just what the file of known failures lists */
	bool completed;              /* the script ran to its end: what it proves and nothing found wrong, holds */
	char *reason;                /* of skip and inconclusive, and remarks; may be NULL */
	int64_t began, duration;     /* ns since the run's start; ns */
	enum c2w_rule *proves; size_t proves_count;
	struct rp_finding *findings; size_t findings_count;
	struct rp_event *timeline; size_t timeline_count;
	size_t timeline_left_out;    /* events beyond the bound */
	size_t timeline_head, timeline_cost; /* result.c's own: events never dropped; octets spent */
	char *repeat;                /* the command that repeats it */
	char *pcap;                  /* the file with its packets; or NULL */
	uint64_t seed;
};

struct rp_rule {
	enum c2w_rule rule;
	enum rp_verdict verdict;
	size_t *scenarios; size_t scenarios_count; /* indices of those that tested it */
};

/* What the packets of a run are: those that passed, or made of the timelines. */
enum rp_capture { RP_NO_CAPTURE, RP_CAPTURED, RP_SYNTHESISED, RP_CAPTURES };

const char *rp_capture_kind(enum rp_capture capture); /* NULL for RP_NO_CAPTURE */

/* How the target repeats a response that nobody acks: a CONNECTION_GRANTED over UDP, left alone beside the suite. What somebody
 * whose class was told other numbers than the profile's needs to see. */
enum rp_stop {
	RP_STOP_UNWATCHED,           /* nothing is known: `reason` says why */
	RP_STOP_SESSION,             /* by itself, and the session ended with it, as REL-08 says */
	RP_STOP_COUNT,               /* by itself; the session goes on */
	RP_STOP_ACK,                 /* not by itself, but when it was acked */
	RP_STOP_NEVER,               /* not by itself, nor when it was acked */
	RP_STOP_UNSEEN,              /* it may yet come again: the run ended before */
	RP_STOPS
};

const char *rp_stop_name(enum rp_stop stop);

struct rp_fingerprint {
	enum rp_stop stop;
	char *reason;                /* of RP_STOP_UNWATCHED: a sentence; else NULL */
	int64_t *intervals;          /* ns, from each transmission to the next, in their order: one message's */
	size_t intervals_count;      /* the retransmissions seen; 0: none */
	int64_t median, least, most; /* ns, of those; 0 where there are none */
	int64_t factor;              /* per mille: how an interval grows over the one before, 1000 for a steady pace; 0: under two of them */
	int64_t watched;             /* ns, from the first transmission on */
	bool adopted;                /* rto or max-retransmits was `auto`: the parameters are what it says */
};

struct rp_target {
	char *address;               /* "127.0.0.1:1950"; "simulated" */
	char *launch;                /* the command, or NULL */
	bool udp, tcp;               /* offered */
	bool udp_left_out, tcp_left_out; /* not asked for (--transport), not seen in a capture: whether it is offered is unknown */
	bool simulated;
	int64_t started;             /* wall clock, ns since 1970 */
	int64_t round_trip;          /* ns, as measured; 0 unknown */
	char *lost_after;            /* id of the scenario after which it stopped answering; or NULL */
	char *output;                /* the end of a launched server's output; or NULL */
	enum rp_capture capture;     /* what the scenarios' packets are */
	unsigned restarts;
	struct rp_fingerprint fingerprint; /* over UDP */
};

/* The file of known failures, and what of it did not come true. */
struct rp_expectation {
	char *file;                  /* NULL: none was given */
	char **surprises; size_t surprises_count; /* a line each: FILE:LINE, what is different, what to change there */
};

struct rp_result {
	char *tool, *version;        /* what made it: "c2w-conform", "1.0" */
	struct rp_target target;
	struct c2w_params params;
	struct rp_expectation expectation;
	bool warnings_fail;          /* a SHOULD that is not followed violates, too */
	enum rp_overall verdict;     /* whatever was expected, see rp_outcome() */
	char *verdict_reason;        /* one sentence; for unreachable and inconclusive always */
	char *command;               /* the command line of the run */
	uint64_t seed;
	int64_t duration;            /* ns */
	int64_t critical_path;       /* ns; 0: not computed */
	struct rp_scenario *scenarios; size_t scenarios_count;
	struct rp_rule rules[C2W_RULES]; /* index: enum c2w_rule, [0] unused */
	struct rp_chunk *memory;     /* result.c's own: of rp_text() */
	struct rp_finding spare;     /* result.c's own: see rp_finding_add() */
	size_t timeline_cost;        /* result.c's own: octets spent on all timelines */
	bool whole_timelines;        /* nothing is dropped up to RP_MAX_WHOLE, until rp_timelines_trim() */
};

enum {
	RP_MAX_FINDINGS = 256,             /* of a scenario */
	RP_MAX_INTERVALS = 256,            /* of a fingerprint that is read */
	RP_MAX_EVENTS = 2000,              /* of a scenario */
	RP_HEAD_EVENTS = 200,              /* the first, which are never dropped */
	RP_EVENT_COST = 64,                /* what an event costs besides its octets */
	RP_MAX_EVENT = 65536,              /* octets kept of one event */
	RP_MAX_TIMELINE = 256 * 1024,      /* cost of one scenario's timeline */
	RP_MAX_TIMELINES = 16 * 1024 * 1024, /* cost of all; beyond it each has RP_SMALL_TIMELINE */
	RP_SMALL_TIMELINE = 16 * 1024,
	RP_MAX_WHOLE = 512 * 1024 * 1024,  /* cost of all timelines, where they are to be whole */
};

/* Starts with the default parameters, verdict "inconclusive". Out of memory ends the program, here and below. */
struct rp_result *rp_result_new(void);
void rp_result_free(struct rp_result *result);

/* Each adds and returns one, valid until the next addition to the same array. All strings NULL, a scenario's verdict
 * "inconclusive" until it is set. */
struct rp_scenario *rp_scenario_add(struct rp_result *result, const char *id);
/* Beyond RP_MAX_FINDINGS only the first of a rule and verdict is kept: what is returned for another is thrown away. */
struct rp_finding *rp_finding_add(struct rp_result *result, struct rp_scenario *scenario, enum c2w_rule rule, enum rp_verdict verdict);
void rp_proves_set(struct rp_result *result, struct rp_scenario *scenario, const enum c2w_rule *rules, size_t count);
/* Kept in the order of `at`. Bounded as above: beyond that the oldest but the first are dropped, several at a time. */
void rp_event_add(struct rp_result *result, struct rp_scenario *scenario, int64_t at, const char *client, bool received, bool tcp,
                  const char *octets, size_t length, const char *note);
/* The same with all that an event has; what it points to is copied. */
void rp_event_copy(struct rp_result *result, struct rp_scenario *scenario, const struct rp_event *event);
/* Bounds the timelines as they are without whole_timelines, which ends. */
void rp_timelines_trim(struct rp_result *result);
/* Sets the fingerprint's intervals to a copy of these, and what is computed from them. */
void rp_fingerprint_set(struct rp_result *result, const int64_t *intervals, size_t count);
/* It was seen to be something else than the parameters say; what was not watched for long enough was not seen. */
bool rp_fingerprint_differs(const struct rp_result *result);
/* In words, caller frees: "4 times every 5.00 s, then no more; the session ended" (or the reason why nothing was seen); what the
 * parameters say in the same manner; which options make them agree, or that none does (NULL: nothing to say). */
char *rp_fingerprint_seen(const struct rp_fingerprint *print);
char *rp_fingerprint_profile(const struct rp_result *result);
char *rp_fingerprint_advice(const struct rp_result *result);
void rp_surprise_add(struct rp_result *result, const char *text); /* copied */
/* A string that lives as long as the result. */
char *rp_text(struct rp_result *result, const char *format, ...) __attribute__((format(printf, 2, 3), nonnull(2)));
/* Forgets the scenario's findings and timeline, for its second try. */
void rp_scenario_clear(struct rp_result *result, struct rp_scenario *scenario);

/* The worst that the scenario's findings say of the rule; RP_UNTESTED: there is none. */
enum rp_verdict rp_scenario_found(const struct rp_scenario *scenario, enum c2w_rule rule);

/* Computes rules[] and the overall verdict from the scenarios (unless it is RP_UNREACHABLE already; a verdict_reason that is
 * there stays). A rule takes the worst of what the scenarios say of it: a finding, in any scenario, says fail, warn or
 * inconclusive. Without one, a scenario that proves the rule says pass if it passed or was completed, skip if it was skipped,
 * inconclusive if it was inconclusive, and nothing if it failed on the way. No MUST tested at all is inconclusive. */
void rp_result_conclude(struct rp_result *result);

/* What the run comes to when known failures are taken as they are, and what the exit code says: the verdict, but RP_CONFORMS (or
 * RP_UNDECIDED) where all that failed was expected, and RP_VIOLATES where something was expected that did not come true. */
enum rp_overall rp_outcome(const struct rp_result *result);

/* Rules that count: those that bind servers and can be seen from outside. */
struct rp_counts { size_t scenarios[RP_VERDICTS]; size_t rules[RP_VERDICTS]; size_t rules_total; };
struct rp_counts rp_count(const struct rp_result *result);
bool rp_rule_counts(enum c2w_rule rule);

/* What to mend first: smaller is earlier. What ends the server (ROB-01), since anything else may be broken by that; then logging in, lists, rooms, chat,
 * timing, robustness; the rules' own order within. */
unsigned rp_mending_rank(enum c2w_rule rule);

/* Octets as the result file writes them: printable ASCII stands for itself, the rest is \r \n \t \\ or \xHH. Lossless.
 * NUL-terminated; caller frees. */
char *rp_escape(const char *octets, size_t length);
/* The reverse, into caller-freed octets; false on a bad escape. */
bool rp_unescape(const char *text, char **octets, size_t *length);

/* ---- renderings --------------------------------------------------------------------------- */

#define RP_RESULT_SCHEMA "c2w-result/1"
/* The result file of DESIGN "Fixed interfaces", schema reports/c2w-result-1.schema.json. 0 or -errno. */
int rp_json_write(const struct rp_result *result, FILE *to);
/* Reads what rp_json_write() wrote: the same result again, its verdicts as the file has them. NULL on bad input (truncated, another
 * schema, a wrong type, more than RP_MAX_FILE octets); *error (escaped; caller frees) says where and what. Unknown keys are ignored. */
enum { RP_MAX_FILE = 128 * 1024 * 1024 };
struct rp_result *rp_json_read(const char *file, char **error);

struct rp_terminal_options { bool colour; unsigned width; bool verbose, quiet, chosen; };
/* Every octet of a target is escaped: nothing here can move a cursor. Failures first, ordered by what to mend first.
 * width: columns, 0 for 80. quiet: the failures in brief and the last line. verbose: nothing counted instead of shown.
 * chosen: some scenarios only were to run, so the rules that none of them tests are counted. */
void rp_terminal_write(const struct rp_result *result, FILE *to, const struct rp_terminal_options *options);
/* The last line: "violates: 3 of 71 rules broken, 66 kept, 2 not tested". Caller frees. */
char *rp_summary_line(const struct rp_result *result);

#endif
