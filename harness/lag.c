/* Heartbeat and canary, see lag.h. Both write into one ring; the canary through a pipe that is read at each beat.
 * Owns its timer, its child and the pipe. */
#include "harness/lag.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RING = 4096 };

static const int64_t beat = 5000000, least = 1000000;

/* Something was due at `due` and happened at `at`. */
struct spell { int64_t due, at; };

struct hx_lag {
	struct net *net;
	struct net_timer *timer;
	int64_t next;               /* when the heartbeat is due; 0: it does not beat */
	struct spell ring[RING];
	unsigned count;             /* ever; the ring holds the last RING */
	struct spell forgotten;     /* from the first to the last that fell out */
	int64_t forgotten_worst;
	pid_t canary;
	int pipe;                   /* -1: none */
};

static void remember(struct hx_lag *lag, const struct spell *spell)
{
	struct spell *place = &lag->ring[lag->count % RING];

	if (spell->at - spell->due < least)
		return;
	if (lag->count++ >= RING) {
		lag->forgotten.at = place->at;
		if (place->at - place->due > lag->forgotten_worst)
			lag->forgotten_worst = place->at - place->due;
	}
	*place = *spell;
}

/* ---- the canary ------------------------------------------------------------------------------- */

static int64_t nanoseconds(const struct timespec *time)
{
	return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

/* Sleeps and says when it was woken late. A full pipe loses that: then there is news enough. */
static void chirp(int to)
{
	struct timespec time;
	struct spell spell;

	clock_gettime(CLOCK_MONOTONIC, &time);
	for (spell.at = nanoseconds(&time);;) {
		spell.due = spell.at + beat;
		time = (struct timespec){ .tv_sec = spell.due / 1000000000, .tv_nsec = spell.due % 1000000000 };
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) != 0)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &time);
		spell.at = nanoseconds(&time);
		if (spell.at - spell.due >= least && write(to, &spell, sizeof(spell)) < 0 && errno == EPIPE)
			_exit(0);
	}
}

static void start_canary(struct hx_lag *lag)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	lag->canary = fork();
	if (lag->canary == 0) {
		signal(SIGINT, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			chirp(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (lag->canary < 0)
		close(ends[0]);
	else
		lag->pipe = ends[0];
}

static void listen_to_canary(struct hx_lag *lag)
{
	struct spell spells[64];
	ssize_t length;

	while (lag->pipe >= 0 && (length = read(lag->pipe, spells, sizeof(spells))) > 0)
		for (size_t i = 0; i < (size_t)length / sizeof(spells[0]); i++)
			remember(lag, &spells[i]);
}

/* ---- the heartbeat ------------------------------------------------------------------------------ */

static void beats(void *context)
{
	struct hx_lag *lag = context;
	struct spell spell = { .due = lag->next, .at = net_now(lag->net) };

	remember(lag, &spell);
	listen_to_canary(lag);
	lag->next = spell.at + beat;
	net_timer_at(lag->timer, lag->next);
}

struct hx_lag *hx_lag_new(bool with_canary)
{
	struct hx_lag *lag = calloc(1, sizeof(*lag));

	assert(lag != NULL);
	lag->pipe = -1;
	if (with_canary)
		start_canary(lag);
	return lag;
}

void hx_lag_start(struct hx_lag *lag, struct net *net)
{
	lag->net = net;
	lag->timer = net_timer_new(net, beats, lag);
	lag->next = net_now(net) + beat;
	net_timer_at(lag->timer, lag->next);
}

void hx_lag_free(struct hx_lag *lag)
{
	if (lag == NULL)
		return;
	if (lag->canary > 0) {
		kill(lag->canary, SIGKILL);
		waitpid(lag->canary, NULL, 0);
	}
	if (lag->pipe >= 0)
		close(lag->pipe);
	net_timer_free(lag->timer);
	free(lag);
}

static bool overlaps(const struct spell *spell, int64_t since, int64_t until)
{
	return spell->due <= until && spell->at >= since;
}

int64_t hx_lag_worst(void *context, int64_t since, int64_t until)
{
	struct hx_lag *lag = context;
	struct spell now = { .due = lag->next, .at = lag->net != NULL ? net_now(lag->net) : 0 };
	unsigned held = lag->count < RING ? lag->count : RING;
	int64_t worst = 0;

	listen_to_canary(lag);
	if (lag->next > 0 && now.at - now.due >= least && overlaps(&now, since, until))
		worst = now.at - now.due;
	for (unsigned i = 0; i < held; i++)
		if (overlaps(&lag->ring[i], since, until) && lag->ring[i].at - lag->ring[i].due > worst)
			worst = lag->ring[i].at - lag->ring[i].due;
	if (lag->count > RING && since <= lag->forgotten.at && lag->forgotten_worst > worst)
		worst = lag->forgotten_worst;
	return worst;
}
