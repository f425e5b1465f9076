/* Plays one program against a server, over any net, and tells what it saw: findings, and new behaviour as numbers.
 * For blackbox_hunt.c and tests. A play owns its endpoints and its judge; done() comes from the loop, never from within a call.
 * What is due is asked for; silence is decided by a fence, a request with a known answer, never by waiting out a time-out. */
#ifndef FZ_BLACKBOX_PLAY_H
#define FZ_BLACKBOX_PLAY_H

#include "fuzz/blackbox_guess.h"
#include "fuzz/blackbox_step.h"
#include "net/link.h"

enum { FZ_FINDINGS = 8 };

enum fz_kind { FZ_VIOLATION, FZ_HANG, FZ_DEATH, FZ_LEAK };

struct fz_finding {
	enum fz_kind kind;
	enum c2w_rule rule;
	char what[160];           /* what it shows: findings with the same rule and the same words are one */
	char *expected, *got;     /* malloc'd, escaped; NULL: none */
	bool closed;              /* the server closed the connection, or ended */
};

struct fz_play;

struct fz_play_options {
	struct net *net;
	struct net_addr address;
	const struct fz_world *world;
	const struct fz_program *program; /* mended; outlives the play */
	const char *tail;                 /* makes names unique: at most 16 octets */
	bool honest_tcp;                  /* the honest client has no UDP */
	bool patient;                     /* UDP: lost or late datagrams are allowed for, at the price of time */
	int64_t round_trip;               /* ns */
	int64_t text_trip;                /* ns: what a text that is late takes through its room; 0: unknown */
	FILE *script;                     /* the steps as a scenario says them; NULL: none */
	enum c2w_rule told;               /* what the script is to show; C2W_NO_RULE: nothing in particular */
	FILE *octets;                     /* what was sent and received; NULL: none */
	void (*seen)(void *context, uint64_t transition, uint64_t state);   /* may be NULL */
	void (*answered)(void *context, bool tcp, const struct c2w_message *message); /* may be NULL */
	void (*done)(void *context, struct fz_play *play);
	void *context;
};

struct fz_play *fz_play_start(const struct fz_play_options *options);
void fz_play_cut_short(struct fz_play *play); /* it does not wait any more, and takes leave; done() comes */
void fz_play_free(struct fz_play *play); /* at any time */

const struct fz_finding *fz_play_findings(const struct fz_play *play, unsigned *count);
bool fz_play_refused(const struct fz_play *play);  /* somebody was told that nobody listens there */
bool fz_play_unheard(const struct fz_play *play);  /* not one octet came back */
unsigned fz_play_messages(const struct fz_play *play); /* sent */
int64_t fz_play_round_trip(const struct fz_play *play); /* ns, the shortest seen; 0: none */
int64_t fz_play_text_trip(const struct fz_play *play);  /* ns, the longest that a text was waited for that came; 0: none */

uint64_t fz_hash(uint64_t hash, const void *at, size_t length);

#endif
