/* Shrinking, see blackbox_shrink.h: steps go in halves, quarters and one by one; then each that is left is made plainer. */
#include "fuzz/blackbox_shrink.h"

/* Each makes one thing plainer; false: it is plain already. */
static bool plain_pieces(struct fz_step *step)
{
	bool was = step->pieces > 0;

	step->pieces = 0;
	return was;
}

static bool plain_joined(struct fz_step *step)
{
	bool was = step->joined;

	step->joined = false;
	return was;
}

static bool plain_await(struct fz_step *step)
{
	bool was = step->action == FZ_SEND && !step->await;

	step->await = true;
	return was;
}

static bool plain_time(struct fz_step *step)
{
	bool was = step->time != FZ_TIME_FRESH;

	step->time = FZ_TIME_FRESH;
	return was;
}

static bool plain_user(struct fz_step *step)
{
	bool was = step->user != FZ_USER_OWN;

	step->user = FZ_USER_OWN;
	return was;
}

static bool no_data(struct fz_step *step)
{
	bool was = step->action == FZ_SEND && step->data != FZ_DATA_NONE;

	step->data = step->action == FZ_SEND ? FZ_DATA_NONE : step->data;
	return was;
}

static bool short_data(struct fz_step *step)
{
	static const struct fz_text hi = { .octets = "hi", .length = 2, .times = 1 };
	bool was = step->action == FZ_SEND && step->data == FZ_DATA_TEXT && (step->data_text.length != 2 || step->data_text.times != 1);

	if (was)
		step->data_text = hi;
	return was;
}

static bool fewer_times(struct fz_step *step)
{
	bool was = step->data_text.times > 1;

	step->data_text.times /= 2;
	return was;
}

static bool half_text(struct fz_step *step)
{
	bool was = step->data_text.length > 1;

	step->data_text.length /= 2;
	return was;
}

static bool first_client(struct fz_step *step)
{
	bool was = step->client != 0;

	step->client = 0;
	return was;
}

static bool shorter_wait(struct fz_step *step)
{
	bool was = step->action == FZ_WAIT && step->wait > 300;

	step->wait = (uint16_t)(was ? step->wait - 300 : step->wait);
	return was;
}

static bool (*const ways[])(struct fz_step *step) = {
	plain_pieces, plain_joined, plain_await, plain_time, plain_user, no_data, short_data, fewer_times, half_text, first_client, shorter_wait,
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

void fz_shrink_begin(struct fz_shrinker *shrinker, const struct fz_program *program, bool udp, bool tcp, unsigned movies)
{
	*shrinker = (struct fz_shrinker){ .best = *program, .chunk = program->count / 2, .udp = udp, .tcp = tcp, .movies = movies };
}

static bool removal(struct fz_shrinker *shrinker, struct fz_program *proposal)
{
	while (shrinker->chunk > 0 && shrinker->at >= shrinker->best.count) {
		shrinker->at = 0;
		shrinker->chunk = shrinker->chunk > 1 ? shrinker->chunk / 2 : shrinker->better ? 1 : 0;
		shrinker->better = false;
	}
	if (shrinker->chunk == 0)
		return false;
	fz_program_remove(proposal, shrinker->at, shrinker->chunk);
	return true;
}

/* All over one transport, then step by step. */
static bool plainer(struct fz_shrinker *shrinker, struct fz_program *proposal)
{
	if (shrinker->way < 2 && proposal->tcp[0] == proposal->tcp[1] && proposal->tcp[1] == proposal->tcp[2])
		shrinker->way = 2;
	if (shrinker->way < 2) {
		for (unsigned i = 0; i < FZ_CAST; i++)
			proposal->tcp[i] = shrinker->way == 1;
		return true;
	}
	for (; shrinker->way < 2 + WAYS; shrinker->way++, shrinker->at = 0)
		for (; shrinker->at < proposal->count; shrinker->at++)
			if (ways[shrinker->way - 2](&proposal->steps[shrinker->at]))
				return true;
	return false;
}

bool fz_shrink_next(struct fz_shrinker *shrinker, struct fz_program *proposal)
{
	*proposal = shrinker->best;
	if (!removal(shrinker, proposal) && !plainer(shrinker, proposal))
		return false;
	fz_program_mend(proposal, shrinker->udp, shrinker->tcp, shrinker->movies);
	return true;
}

/* The next proposal starts from here: where a removal helped, the steps behind it have moved up. */
void fz_shrink_tell(struct fz_shrinker *shrinker, const struct fz_program *proposal, bool shows)
{
	bool removing = shrinker->chunk > 0;

	if (shows) {
		shrinker->best = *proposal;
		shrinker->better = true;
	}
	if (removing && !shows)
		shrinker->at += shrinker->chunk;
	else if (!removing && shrinker->way < 2)
		shrinker->way = shows ? 2 : shrinker->way + 1;
	else if (!removing)
		shrinker->at++;
}
