/* Whose turn it is to connect. A server takes connections from a queue with room for a few: six after listen() with 5, two with 1.
 * What finds it full is dropped, said again after a second, or many, and looks like an answer that does not come. So a peer gets no
 * third connection while there are two that it may not have taken yet. It has taken the one that it says something over, and those before it.
 * For net/real.c and net/real_tcp.c, in the loop's thread; owns nothing but its timer. */
#include "net/real_net.h"

enum { UNTAKEN = 2 };

static const int64_t taken_within = 20000000; /* where it says nothing */

static void come(struct real_pace *pace);

static void slot_remove(struct real_pace *pace, unsigned at)
{
	pace->count--;
	for (unsigned i = at; i < pace->count; i++)
		pace->slots[i] = pace->slots[i + 1];
}

static struct real_slot *slot_of(struct real_pace *pace, const struct real_turn *turn)
{
	for (unsigned i = 0; i < pace->count; i++)
		if (pace->slots[i].turn == turn)
			return &pace->slots[i];
	return NULL;
}

static bool take(struct real_pace *pace, const struct real_turn *turn)
{
	unsigned untaken = 0;

	for (unsigned i = 0; i < pace->count; i++)
		untaken += net_addr_equal(&pace->slots[i].peer, turn->peer);
	if (untaken >= UNTAKEN || pace->count == REAL_SLOTS)
		return false;
	pace->slots[pace->count++] = (struct real_slot){ turn, *turn->peer, INT64_MAX };
	return true;
}

static void due(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	come(context);
}

/* Those whose turn it is now; and when to look again. */
static void come(struct real_pace *pace)
{
	int64_t now = real_now(), next = INT64_MAX;
	struct real_turn *turn, *spare;

	for (unsigned i = pace->count; i-- > 0;)
		if (pace->slots[i].until <= now)
			slot_remove(pace, i);
	for (turn = TAILQ_FIRST(&pace->waiting); turn; turn = spare) {
		spare = TAILQ_NEXT(turn, entry);
		if (!take(pace, turn))
			continue;
		TAILQ_REMOVE(&pace->waiting, turn, entry);
		turn->waits = false;
		real_due_add(pace->real, turn->due);
	}
	for (unsigned i = 0; i < pace->count; i++)
		next = pace->slots[i].until < next ? pace->slots[i].until : next;
	if (TAILQ_EMPTY(&pace->waiting) || next == INT64_MAX)
		return;
	event_add(&pace->due, &(struct timeval){ .tv_usec = (next - now) / 1000 + 1 });
}

void real_pace_init(struct real_pace *pace, struct real_net *real)
{
	pace->real = real;
	TAILQ_INIT(&pace->waiting);
	evtimer_assign(&pace->due, real->base, due, pace);
}

bool real_turn_ask(struct real_pace *pace, struct real_turn *turn)
{
	if (turn->waits || slot_of(pace, turn))
		return !turn->waits;
	turn->waits = !take(pace, turn);
	if (!turn->waits)
		return true;
	TAILQ_INSERT_TAIL(&pace->waiting, turn, entry);
	come(pace);
	return slot_of(pace, turn) != NULL;
}

void real_turn_connected(struct real_pace *pace, const struct real_turn *turn)
{
	struct real_slot *slot = slot_of(pace, turn);

	if (slot)
		slot->until = real_now() + taken_within;
	come(pace);
}

void real_turn_heard(struct real_pace *pace, const struct real_turn *turn)
{
	struct real_slot *slot = slot_of(pace, turn);

	if (!slot)
		return;
	for (unsigned i = (unsigned)(slot - pace->slots) + 1; i-- > 0;)
		if (net_addr_equal(&pace->slots[i].peer, turn->peer))
			slot_remove(pace, i);
	come(pace);
}

void real_turn_over(struct real_pace *pace, struct real_turn *turn)
{
	struct real_slot *slot = slot_of(pace, turn);

	if (turn->waits)
		TAILQ_REMOVE(&pace->waiting, turn, entry);
	turn->waits = false;
	if (!slot)
		return;
	slot->turn = NULL;
	if (slot->until == INT64_MAX)
		slot->until = real_now() + taken_within;
	come(pace);
}
