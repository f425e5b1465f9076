/* The command line of c2w-conform (argp) and profile files. For main.c.
 * Strings point into argv or into memory that lives as long as the program. Errors end the program with 2, as
 * `c2w-conform: what: why` on stderr. */
#ifndef HX_OPTIONS_H
#define HX_OPTIONS_H

#include "harness/select.h"
#include "net/link.h"
#include "reports/render.h"

enum hx_mode { HX_RUN, HX_LIST, HX_COVERAGE, HX_EXPLAIN, HX_CHECK };

struct hx_options {
	const char *program;            /* as it was called */
	enum hx_mode mode;
	enum c2w_rule explain;
	/* The target. */
	const char *target, *launch;
	struct net_addr address;        /* of --target; family 0: none */
	bool simulate;
	unsigned transports;            /* C2W_ON_… */
	bool transports_given;
	struct c2w_params params;       /* C2W_AUTO where asked for */
	unsigned jobs;
	bool allow_load, isolate;
	/* What runs. */
	struct hx_words only, skip, paths;
	enum c2w_level level;
	const char *origins;
	unsigned shard, shards, repeat;
	bool last_failed, shuffle, no_sanity;
	int64_t timeout, max_time;      /* ns; 0: none */
	bool seed_given;
	uint64_t seed;
	/* What comes out. */
	const char *json, *events, *expect, *pcap; /* NULL: none */
	const char *reports[RP_FORMATS];    /* the files; NULL: none */
	bool quiet, verbose, fail_on_warn;
};

void hx_options_parse(struct hx_options *options, int argc, char **argv);

/* The target's options, quoted for a shell, as the command that repeats a run begins; malloc. */
char *hx_options_repeat(const struct hx_options *options);
/* The whole command line, quoted; malloc. */
char *hx_options_command(int argc, char **argv);

#endif
