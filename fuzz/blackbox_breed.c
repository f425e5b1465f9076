/* Generation and mutation of programs, see blackbox_breed.h. Every result has been mended. */
#include "fuzz/blackbox_breed_inside.h"

uint64_t fz_roll(struct fz_breeder *breeder)
{
	uint64_t x = breeder->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	breeder->random = x;
	return x * UINT64_C(2685821657736338717);
}

unsigned fz_below(struct fz_breeder *breeder, unsigned limit)
{
	return (unsigned)((fz_roll(breeder) >> 33) % limit);
}

bool fz_one_in(struct fz_breeder *breeder, unsigned n)
{
	return fz_below(breeder, n) == 0;
}

/* Three are enough for most things. */
uint8_t fz_somebody(struct fz_breeder *breeder)
{
	return (uint8_t)fz_below(breeder, fz_one_in(breeder, 20) ? FZ_CAST : FZ_FEW);
}

/* ---- programs ------------------------------------------------------------------------------- */

void fz_mend_bred(const struct fz_breeder *breeder, struct fz_program *program)
{
	fz_program_mend(program, breeder->udp, breeder->tcp, breeder->movies);
}

/* Where the client would be, were all its steps sensible: -1 outside, 0 in the main room, 1 in a movie's. */
static struct fz_step sensible_step(struct fz_breeder *breeder, unsigned client, int *place)
{
	static const enum c2w_command inside[] = {
		C2W_USER_LIST_REQUEST, C2W_MOVIE_LIST_REQUEST, C2W_SEND_MESSAGE_REQUEST, C2W_SEND_MESSAGE_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_ENTER_MOVIE_REQUEST, C2W_LEAVE_SESSION_REQUEST,
	};
	struct fz_step step;

	if (*place < 0) {
		*place = 0;
		return fz_request_step(breeder, client, C2W_CONNECTION_REQUEST);
	}
	step = fz_request_step(breeder, client, PICK(breeder, inside));
	if (step.command == C2W_ENTER_MOVIE_REQUEST && step.data == FZ_DATA_MOVIE)
		*place = 1;
	if (step.command == C2W_LEAVE_SESSION_REQUEST)
		--*place;
	return step;
}

void fz_generate(struct fz_breeder *breeder, struct fz_program *program)
{
	unsigned cast = 1 + fz_below(breeder, fz_one_in(breeder, 20) ? FZ_CAST : FZ_FEW), length = 3 + fz_below(breeder, FZ_STEPS - 6), oddity = 2 + fz_below(breeder, 8);
	bool by_clock = fz_one_in(breeder, 6), slow = fz_one_in(breeder, 3);
	uint64_t clock = (fz_one_in(breeder, 2) ? 7 : slow ? UINT64_C(4294967296) : 4294967290) * 1000000;
	int places[FZ_CAST];

	*program = (struct fz_program){ 0 };
	for (unsigned i = 0; i < FZ_CAST; i++) {
		program->tcp[i] = i > 0 && !fz_one_in(breeder, 4) ? program->tcp[0] : fz_one_in(breeder, 2);
		places[i] = -1;
	}
	if (fz_one_in(breeder, 3))
		fz_any_game(breeder, program);
	for (unsigned i = 0; i < length; i++) {
		unsigned client = fz_below(breeder, cast);
		struct fz_step step = fz_one_in(breeder, oddity) ? fz_any_step(breeder, client) : sensible_step(breeder, client, &places[client]);

		if (by_clock && step.action == FZ_SEND && step.time == FZ_TIME_FRESH)
			fz_clock_steps(breeder, program, step, &clock, slow);
		else if (step.action == FZ_SEND && fz_one_in(breeder, 16))
			fz_repeated_steps(breeder, program, step);
		else
			fz_program_add(program, &step);
	}
	fz_mend_bred(breeder, program);
}

static void insert(struct fz_program *program, unsigned at, const struct fz_step *step)
{
	if (program->count == FZ_STEPS)
		return;
	memmove(&program->steps[at + 1], &program->steps[at], (program->count - at) * sizeof(program->steps[0]));
	program->steps[at] = *step;
	program->count++;
}

static void twist_step(struct fz_breeder *breeder, struct fz_step *step)
{
	switch (fz_below(breeder, 7)) {
	case 0:
		step->await = !step->await;
		return;
	case 1:
		step->joined = !step->joined;
		return;
	case 2:
		step->pieces = (uint16_t)fz_below(breeder, 60);
		return;
	case 3:
		step->client = fz_somebody(breeder);
		return;
	case 4:
		fz_twist_text(breeder, step->action == FZ_OCTETS || fz_one_in(breeder, 2) ? &step->data_text : step->time == FZ_TIME_TEXT ? &step->time_text : &step->user_text);
		return;
	default:
		fz_twist_field(breeder, step);
		return;
	}
}

static void change(struct fz_breeder *breeder, struct fz_program *program, const struct fz_program *other)
{
	unsigned at = fz_below(breeder, program->count + 1), from;
	struct fz_step step;

	switch (fz_below(breeder, 8)) {
	case 0:
		fz_program_remove(program, at, 1 + fz_below(breeder, 3));
		return;
	case 1:
	case 2:
		step = fz_any_step(breeder, fz_somebody(breeder));
		insert(program, at, &step);
		return;
	case 3:
		if (at < program->count) {
			step = program->steps[at];
			insert(program, fz_below(breeder, program->count + 1), &step);
		}
		return;
	case 4:
		if (at + 1 < program->count) {
			step = program->steps[at];
			program->steps[at] = program->steps[at + 1];
			program->steps[at + 1] = step;
		}
		return;
	case 5:
		for (from = other != NULL && other->count > 0 ? fz_below(breeder, other->count) : 0; other != NULL && from < other->count; from++)
			insert(program, at++, &other->steps[from]);
		return;
	case 6:
		program->tcp[fz_somebody(breeder)] ^= true;
		return;
	default:
		if (at < program->count)
			twist_step(breeder, &program->steps[at]);
		return;
	}
}

/* Waits show new behaviour and would be inherited by more and more of the corpus: where they are dear, most are not. */
static void thin_waits(struct fz_breeder *breeder, struct fz_program *program)
{
	for (unsigned i = program->count; i-- > 0;)
		if (program->steps[i].action == FZ_WAIT && fz_below(breeder, 50) >= breeder->waits)
			fz_program_remove(program, i, 1);
}

void fz_mutate(struct fz_breeder *breeder, struct fz_program *program, const struct fz_program *other)
{
	unsigned changes = 1 + fz_below(breeder, 4);

	for (unsigned i = 0; i < changes; i++)
		change(breeder, program, other);
	thin_waits(breeder, program);
	fz_mend_bred(breeder, program);
	if (program->count == 0)
		fz_generate(breeder, program);
}
