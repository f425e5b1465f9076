/* How steps are mutated, and what steps may come next: see steps.h.
 * For targets/session.c. Owns nothing. */
#include "fuzz/steps.h"

enum { STEP = sizeof(struct fz_step) };

static size_t below(uint64_t *random, size_t limit)
{
	return limit ? (size_t)((fz_random(random) >> 16) % limit) : 0;
}

/* Mostly what is right: a wrong field is worth more behind right ones. */
static uint8_t field(uint64_t *random, unsigned values)
{
	return (uint8_t)(below(random, 3) ? 0 : below(random, values));
}

static void new_step(struct fz_step *step, uint64_t *random)
{
	static const uint8_t ops[] = { FZ_OP_REQUEST, FZ_OP_REQUEST, FZ_OP_REQUEST, FZ_OP_REQUEST, FZ_OP_ACK, FZ_OP_ACK, FZ_OP_ACK, FZ_OP_ACK_ANY, FZ_OP_AGAIN, FZ_OP_WAIT,
		FZ_OP_WAIT, FZ_OP_CLOSE, FZ_OP_DAMAGED, FZ_OP_STALL };

	step->op = ops[below(random, sizeof(ops))];
	step->who = (uint8_t)(below(random, 2) ? below(random, 2) : below(random, FZ_CLIENTS));
	step->what = (uint8_t)below(random, step->op == FZ_OP_ACK ? 2 : step->op == FZ_OP_WAIT ? FZ_WAITS : step->op == FZ_OP_DAMAGED ? FZ_DAMAGES : C2W_FAMILIES);
	step->user = field(random, FZ_USERS);
	step->time = step->op == FZ_OP_DAMAGED ? (uint8_t)below(random, 256) : field(random, FZ_TIMES);
	step->data = field(random, FZ_DATAS);
}

static void change_field(struct fz_step *step, uint64_t *random)
{
	switch (below(random, 6)) {
	case 0: step->op = (uint8_t)below(random, FZ_OPS); break;
	case 1: step->who = (uint8_t)below(random, FZ_CLIENTS); break;
	case 2: step->what = (uint8_t)below(random, FZ_DAMAGES); break;
	case 3: step->user = (uint8_t)below(random, FZ_USERS); break;
	case 4: step->time = (uint8_t)below(random, below(random, 2) ? FZ_TIMES : 256); break;
	default: step->data = (uint8_t)below(random, FZ_DATAS); break;
	}
}

/* ---- what may come next -------------------------------------------------------------------------- */

/* Where a client is, as far as the steps so far tell without a server. */
struct place {
	unsigned room; /* 0: no session, 1: MAIN_ROOM, then the movies' */
	unsigned owed; /* acks */
};

/* What a row of new steps is like: whose they are, and how often out of 16 a step is so. */
enum often { ACKS, WRONG_USER, WRONG_TIME, WRONG_DATA, DAMAGED, REPEATED, WAITS, ANYTHING, OFTEN };
struct mood { unsigned first, clients, often[OFTEN]; };

static void follow_request(struct place *places, const struct fz_step *step)
{
	struct place *place = &places[fz_who(step)];
	enum c2w_family family = (enum c2w_family)(step->what % C2W_FAMILIES);
	unsigned movie = step->data % FZ_DATAS, room = place->room;

	if ((step->user % FZ_USERS != FZ_OWN && family != C2W_CONNECTION) || step->time % FZ_TIMES != FZ_NEXT)
		return;
	if (family == C2W_CHAT && room > 0)
		for (unsigned i = 0; i < FZ_CLIENTS; i++)
			places[i].owed += places[i].room == room;
	else if (room > 0 || family == C2W_CONNECTION)
		place->owed++;
	if (family == C2W_CONNECTION && room == 0)
		place->room = 1;
	else if (family == C2W_ENTER_MOVIE && room == 1 && movie < FZ_MOVIES)
		place->room = 2 + movie;
	else if (family == C2W_LEAVE_SESSION)
		place->room = room > 1;
}

static void follow(struct place *places, const struct fz_step *step)
{
	struct place *place = &places[fz_who(step)];

	switch (fz_op(step)) {
	case FZ_OP_REQUEST: follow_request(places, step); break;
	case FZ_OP_ACK: place->owed -= place->owed > 0; break;
	case FZ_OP_CLOSE:
		if (fz_who(step) >= FZ_UDP_CLIENTS)
			*place = (struct place){ 0 };
		break;
	case FZ_OP_WAIT:
		for (unsigned i = 0; i < FZ_UDP_CLIENTS && step->what % FZ_WAITS == FZ_LONGER; i++)
			if (places[i].owed > 0)
				places[i] = (struct place){ 0 }; /* REL-08 */
		break;
	case FZ_OP_ACK_ANY: case FZ_OP_AGAIN: case FZ_OP_DAMAGED: case FZ_OP_STALL: case FZ_OPS: break;
	}
}

static struct mood some_mood(uint64_t *random)
{
	static const uint8_t choices[OFTEN][4] = {
		[ACKS] = { 0, 8, 14, 16 }, [WRONG_USER] = { 0, 0, 1, 4 }, [WRONG_TIME] = { 0, 0, 1, 12 }, [WRONG_DATA] = { 0, 0, 1, 4 },
		[DAMAGED] = { 0, 0, 1, 4 }, [REPEATED] = { 0, 0, 1, 4 }, [WAITS] = { 0, 0, 1, 4 }, [ANYTHING] = { 0, 0, 1, 4 },
	};
	struct mood mood = { .first = (unsigned)below(random, FZ_CLIENTS) };

	mood.clients = 1 + (unsigned)below(random, 4);
	for (unsigned i = 0; i < OFTEN; i++)
		mood.often[i] = choices[i][below(random, 4)];
	return mood;
}

static bool out_of_16(unsigned often, uint64_t *random)
{
	return below(random, 16) < often;
}

static uint8_t some_family(const struct place *place, uint64_t *random)
{
	static const uint8_t weights[][C2W_FAMILIES] = { { 10, 1, 1, 1, 2, 1 }, { 1, 2, 1, 5, 3, 4 }, { 1, 2, 1, 2, 4, 6 } }; /* of 16 */
	const uint8_t *here = weights[place->room < 2 ? place->room : 2];
	size_t left = below(random, 16);
	uint8_t family = 0;

	for (; left >= here[family]; family++)
		left -= here[family];
	return family;
}

static uint8_t some_user(uint64_t *random)
{
	return (uint8_t)(below(random, 3) ? below(random, FZ_USERS) : FZ_NEIGHBOUR);
}

/* What its client may rightly do there. */
static struct fz_step right_step(uint8_t who, const struct place *place, uint64_t *random)
{
	struct fz_step step = { .op = FZ_OP_REQUEST, .who = who };

	if (place->room > 0 && who >= FZ_UDP_CLIENTS && out_of_16(1, random)) {
		step.op = below(random, 2) ? FZ_OP_CLOSE : FZ_OP_STALL;
		step.what = (uint8_t)below(random, 2);
		return step;
	}
	step.what = some_family(place, random);
	if (step.what == C2W_CONNECTION && out_of_16(4, random))
		step.user = some_user(random);
	else if ((step.what == C2W_ENTER_MOVIE || step.what == C2W_CHAT) && out_of_16(8, random))
		step.data = (uint8_t)below(random, step.what == C2W_CHAT || out_of_16(8, random) ? FZ_DATAS : FZ_MOVIES);
	return step;
}

/* The client's last request once more, or another one with its TIME. */
static void repeat_request(struct fz_step *steps, unsigned at, uint64_t *random)
{
	unsigned before = at;

	while (before > 0 && (fz_who(&steps[before - 1]) != fz_who(&steps[at]) || fz_op(&steps[before - 1]) != FZ_OP_REQUEST))
		before--;
	if (before == 0)
		return;
	steps[at] = steps[before - 1];
	steps[at].time = (uint8_t)(FZ_SAME + below(random, 2));
	if (below(random, 2))
		steps[at].data = (uint8_t)below(random, FZ_DATAS);
}

static void damage_step(struct fz_step *step, uint64_t *random)
{
	step->op = FZ_OP_DAMAGED;
	step->data = step->what;
	step->what = (uint8_t)below(random, FZ_DAMAGES);
	step->user = (uint8_t)below(random, 8);
	step->time = (uint8_t)below(random, 256);
}

static void next_step(struct fz_step *steps, unsigned at, const struct place *places, const struct mood *mood, uint64_t *random)
{
	uint8_t who = (uint8_t)((mood->first + below(random, mood->clients)) % FZ_CLIENTS);
	struct fz_step *step = &steps[at];

	*step = right_step(who, &places[who], random);
	if (places[who].owed > 0 && out_of_16(mood->often[ACKS], random))
		*step = (struct fz_step){ .op = FZ_OP_ACK, .who = who };
	if (out_of_16(mood->often[WRONG_USER], random))
		step->user = some_user(random);
	if (out_of_16(mood->often[WRONG_TIME], random))
		step->time = (uint8_t)below(random, FZ_TIMES);
	if (out_of_16(mood->often[WRONG_DATA], random))
		step->data = (uint8_t)below(random, FZ_DATAS);
	if (step->op == FZ_OP_REQUEST && out_of_16(mood->often[DAMAGED], random)) {
		damage_step(step, random);
	} else if (out_of_16(mood->often[REPEATED], random)) {
		repeat_request(steps, at, random);
	} else if (out_of_16(mood->often[WAITS], random)) {
		*step = (struct fz_step){ .op = FZ_OP_WAIT, .who = who, .what = (uint8_t)below(random, FZ_WAITS) };
	} else if (out_of_16(mood->often[ANYTHING], random)) {
		new_step(step, random);
		step->who = who;
	}
}

static void next_steps(struct fz_step *steps, unsigned at, unsigned times, uint64_t *random)
{
	struct place places[FZ_CLIENTS] = { 0 };
	struct mood mood = some_mood(random);

	for (unsigned i = 0; i < at; i++)
		follow(places, &steps[i]);
	for (unsigned i = at; i < at + times; i++) {
		next_step(steps, i, places, &mood, random);
		follow(places, &steps[i]);
	}
}

static unsigned make_room(struct fz_step *steps, unsigned count, unsigned at, unsigned *times)
{
	if (*times > FZ_MOST_STEPS - count)
		*times = FZ_MOST_STEPS - count;
	memmove(steps + at + *times, steps + at, (count - at) * sizeof(*steps));
	return count + *times;
}

static unsigned insert_new(struct fz_step *steps, unsigned count, unsigned at, unsigned times, uint64_t *random)
{
	count = make_room(steps, count, at, &times);
	next_steps(steps, at, times, random);
	return count;
}

/* A copy of `times` steps from `from`. */
static unsigned repeat(struct fz_step *steps, unsigned count, unsigned at, unsigned from, unsigned times)
{
	struct fz_step copied[FZ_MOST_STEPS];

	if (times > count - from)
		times = count - from;
	memcpy(copied, steps + from, times * sizeof(*steps));
	count = make_room(steps, count, at, &times);
	memcpy(steps + at, copied, times * sizeof(*steps));
	return count;
}

static unsigned cut_out(struct fz_step *steps, unsigned count, unsigned at, unsigned times)
{
	if (times > count - at)
		times = count - at;
	memmove(steps + at, steps + at + times, (count - at - times) * sizeof(*steps));
	return count - times;
}

static void everyone_shifts(struct fz_step *steps, unsigned count, uint64_t *random)
{
	unsigned a = (unsigned)below(random, FZ_CLIENTS), b = (unsigned)below(random, FZ_CLIENTS);

	for (unsigned i = 0; i < count; i++)
		if (fz_who(&steps[i]) == a)
			steps[i].who = (uint8_t)b;
}

static unsigned mutate_once(struct fz_step *steps, unsigned count, uint64_t *random)
{
	unsigned at = (unsigned)below(random, count), other = (unsigned)below(random, count);
	struct fz_step kept;

	switch (count ? below(random, 10) : 2) {
	case 0: case 1: return insert_new(steps, count, (unsigned)below(random, count + 1), 1 + (unsigned)below(random, 3), random);
	case 2: return insert_new(steps, count, count, 1 + (unsigned)below(random, FZ_MOST_STEPS), random);
	case 3: case 4: case 5: change_field(&steps[at], random); return count;
	case 6: return cut_out(steps, count, at, 1 + (unsigned)below(random, 3));
	case 7: return repeat(steps, count, at, other, 1 + (unsigned)below(random, 4));
	case 8:
		kept = steps[at];
		steps[at] = steps[other];
		steps[other] = kept;
		return count;
	default: everyone_shifts(steps, count, random); return count;
	}
}

static size_t write_input(uint8_t *data, size_t most, uint8_t settings, const struct fz_step *steps, unsigned count)
{
	if (most == 0)
		return 0;
	if (count > (most - 1) / STEP)
		count = (unsigned)((most - 1) / STEP);
	*data = settings;
	memcpy(data + 1, steps, count * STEP);
	return 1 + count * STEP;
}

size_t fz_steps_mutate(uint8_t *data, size_t size, size_t most, uint64_t seed)
{
	struct fz_step steps[FZ_MOST_STEPS] = { 0 };
	unsigned count = fz_steps_read(data, size, steps);
	uint8_t settings = size > 0 ? *data : 0;
	uint64_t random = seed * 2 + 1;

	fz_random(&random);
	if (size <= most && below(&random, 4) == 0) /* a larger one is to become smaller */
		count = 0;
	if (below(&random, count ? 16 : 2) == 0)
		settings = (uint8_t)below(&random, 256);
	for (size_t times = 1 + below(&random, 4); times > 0; times--)
		count = mutate_once(steps, count, &random);
	return write_input(data, most, settings, steps, count);
}

size_t fz_steps_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *to, size_t most, uint64_t seed)
{
	struct fz_step first[FZ_MOST_STEPS] = { 0 }, second[FZ_MOST_STEPS] = { 0 };
	unsigned count = fz_steps_read(a, a_size, first), more = fz_steps_read(b, b_size, second);
	uint64_t random = seed * 2 + 1;
	unsigned keep, from;

	fz_random(&random);
	keep = (unsigned)below(&random, count + 1);
	from = (unsigned)below(&random, more + 1);
	more = more - from < FZ_MOST_STEPS - keep ? more - from : FZ_MOST_STEPS - keep;
	memcpy(first + keep, second + from, more * sizeof(*second));
	return write_input(to, most, a_size > 0 ? *a : 0, first, keep + more);
}
