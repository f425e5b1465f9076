/* Keeps a launched server: starts its command in a process group of its own, waits until it answers, keeps the end of what it prints,
 * notices its death at once, and ends the whole group. For main.c, real networks only.
 * Event-driven on the loop of net; a keeper owns its processes, and ends them when it is freed. */
#ifndef HX_KEEPER_H
#define HX_KEEPER_H

#include <sys/types.h>

#include "net/link.h"

enum { HX_KEPT_OUTPUT = 65536 /* octets of output that are kept: the last */ };

struct hx_keeper;

struct hx_keeper_options {
	struct net *net;                 /* net_real_new() */
	const char *command;             /* for sh -c; {host} and {port} are replaced */
	struct net_addr address;         /* where it is to be; port 0: any that is free for UDP and TCP, the same at every start */
	int64_t patience;                /* ns until it must answer; 0: 10 s */
	void (*up)(void *context, const struct net_addr *address);  /* it answers there: where it was told to, or where its `ready HOST:PORT` says */
	void (*died)(void *context, const char *why);               /* after up(): a clause, "it was killed by signal 11 (Segmentation fault)" */
	void (*failed)(void *context, const char *why);             /* instead of up(): it ended, or never answered; a clause */
	void *context;
};

/* Copies the options. NULL, with *error set (-errno): no port is free there. */
struct hx_keeper *hx_keeper_new(const struct hx_keeper_options *options, int *error);
/* Starts the command; what still runs of it is ended first. One of up() and failed() follows, from the loop. */
void hx_keeper_start(struct hx_keeper *keeper);
/* SIGTERM to the group, SIGKILL half a second later; waits for it. No callback comes any more. NULL is fine. */
void hx_keeper_free(struct hx_keeper *keeper);
/* The same at once, without the half second: for a second ^C. */
void hx_keeper_kill(struct hx_keeper *keeper);

/* The end of its output, of all its starts: raw octets, valid until the loop runs on. */
const char *hx_keeper_output(struct hx_keeper *keeper, size_t *length);
/* How many octets it printed, ever. */
size_t hx_keeper_printed(const struct hx_keeper *keeper);
/* The process group of what runs now; 0: nothing does. */
pid_t hx_keeper_group(const struct hx_keeper *keeper);

#endif
