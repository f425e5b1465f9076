/* Servers that die or leak: see mishaps.h.
 * For the session target and what measures it.
 * They are hooks as those of faults.def; what one frees or forgets is what it is about. */
#include "fuzz/mishaps.h"

#include <stdlib.h>

#include "server/faults_inside.h"

static char *volatile stale; /* the compiler is not to see through it */

/* One more LEAVE_SESSION_REQUEST after that which left the movie room: the room is freed by then. */
static bool leaves_twice(struct srv_passing *p)
{
	struct srv_memo *memo = srv_gate_recall(p->gate, &p->way, NULL);

	if (srv_in_movie(p->endpoint)) {
		srv_gate_note(p->gate, &p->way, C2W_STR("left"));
	} else if (memo && srv_has_session(p->endpoint)) {
		stale = malloc(1);
		free(stale);
		*stale = 0;
	}
	return true;
}

FAULT(use_after_the_second_leave, .request_of = C2W_LEAVE_SESSION_REQUEST, .request = leaves_twice);

/* A name as long as names may be overruns its buffer by its NUL. */
static bool copies_a_name(struct srv_passing *p)
{
	char *copy = srv_allocate(C2W_MAX_USER_NAME);

	for (size_t i = 0; i < p->message.user.length && i < C2W_MAX_USER_NAME; i++)
		copy[i] = p->message.user.at[i];
	stale = copy;
	if (p->message.user.length == C2W_MAX_USER_NAME)
		stale[p->message.user.length] = '\0';
	free(copy);
	return true;
}

FAULT(longest_name_overruns, .request_of = C2W_CONNECTION_REQUEST, .request = copies_a_name);

/* What a full room refuses is never freed. */
static bool forgets_to_free(struct srv_passing *p)
{
	if (p->message.code == 2004)
		stale = malloc(p->message.user.length + 1);
	stale = NULL;
	return true;
}

FAULT(full_room_leaks, .answer_of = C2W_ENTER_MOVIE_ERROR, .answer = forgets_to_free);

/* A text is sent again whose author is gone: nobody thought of that. */
static bool looks_for_the_author(struct srv_passing *p)
{
	stale = p->gate->edit;
	*stale = srv_session_find(p->gate->core, p->message.user)->name[0];
	return true;
}

FAULT(repeated_text_without_author, .answer_of = C2W_NEW_MESSAGE, .again = looks_for_the_author);

static const struct {
	const char *name;
	const struct srv_hooks *hooks;
} mishaps[] = {
	{ "use-after-the-second-leave", &srv_hooks_use_after_the_second_leave },
	{ "longest-name-overruns", &srv_hooks_longest_name_overruns },
	{ "full-room-leaks", &srv_hooks_full_room_leaks },
	{ "repeated-text-without-author", &srv_hooks_repeated_text_without_author },
};

const struct srv_policy *fz_mishap(const char *name)
{
	for (unsigned i = 0; i < sizeof(mishaps) / sizeof(*mishaps); i++)
		if (strcmp(mishaps[i].name, name) == 0)
			return &mishaps[i].hooks->policy;
	return NULL;
}
