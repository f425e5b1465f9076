/* Programs of c2w-fuzz: mending and printing, see blackbox_step.h. Pure but for the stream that is printed to. */
#include "fuzz/blackbox_step.h"

#include "protocol/rules.h"

const char *const fz_known_names[FZ_CAST] = { "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi" };

bool fz_sends(const struct fz_step *step)
{
	return step->action == FZ_SEND || step->action == FZ_OCTETS || step->action == FZ_SAME;
}

bool fz_takes_part(const struct fz_program *program, unsigned client)
{
	for (unsigned i = 0; i < program->count; i++)
		if (program->steps[i].action != FZ_WAIT && program->steps[i].client == client)
			return true;
	return false;
}

size_t fz_text_length(const struct fz_text *text)
{
	return (size_t)text->length * text->times;
}

struct fz_text fz_text_of(struct c2w_str octets)
{
	struct fz_text text = { .length = (uint8_t)(octets.length < FZ_LITERAL ? octets.length : FZ_LITERAL), .times = 1 };

	if (text.length > 0)
		memcpy(text.octets, octets.at, text.length);
	return text;
}

void fz_program_add(struct fz_program *program, const struct fz_step *step)
{
	if (program->count < FZ_STEPS)
		program->steps[program->count++] = *step;
}

void fz_program_remove(struct fz_program *program, unsigned first, unsigned count)
{
	if (first >= program->count)
		return;
	if (count > program->count - first)
		count = program->count - first;
	memmove(&program->steps[first], &program->steps[first + count], (program->count - first - count) * sizeof(program->steps[0]));
	program->count -= count;
}

/* ---- mending -------------------------------------------------------------------------------- */

struct use { /* what a client has done so far */
	bool tcp, closed, mute, asked, holds, deaf;
};

static void mend_text(struct fz_text *text)
{
	if (text->length > FZ_LITERAL)
		text->length = FZ_LITERAL;
	if (text->times == 0 || text->length == 0)
		text->times = 1;
	if (text->length > 0 && fz_text_length(text) > FZ_TIMES)
		text->times = (uint16_t)(FZ_TIMES / text->length);
}

static void mend_fields(struct fz_step *step, const struct use *use, unsigned movies)
{
	mend_text(&step->word);
	mend_text(&step->time_text);
	mend_text(&step->user_text);
	mend_text(&step->before);
	mend_text(&step->data_text);
	step->other %= FZ_CAST;
	if (step->command == C2W_NO_COMMAND && step->word.length == 0)
		step->word = fz_text_of(C2W_STR("X"));
	if (!use->asked && (step->time == FZ_TIME_LAST || step->time == FZ_TIME_EARLIER))
		step->time = FZ_TIME_FRESH;
	if (step->data == FZ_DATA_MOVIE && (step->movie == 0 || step->movie > movies))
		step->data = FZ_DATA_TEXT;
	if (!use->tcp || step->joined)
		step->pieces = 0;
	step->await = step->await && !step->joined;
}

static bool is_request(const struct fz_step *step)
{
	return step->action == FZ_SEND && step->command != C2W_NO_COMMAND && c2w_command_info(step->command)->beat == C2W_REQUEST;
}

/* False: it cannot be done here. */
static bool mend_step(struct fz_step *step, struct use *use, unsigned movies)
{
	if (step->action == FZ_OPEN ? !use->closed : use->closed)
		return false;
	mend_fields(step, use, movies);
	switch (step->action) {
	case FZ_SEND:
	case FZ_OCTETS:
		use->asked |= is_request(step) && !use->mute;
		return !use->mute && (step->action == FZ_SEND || step->data_text.length > 0);
	case FZ_SAME:
		return use->asked && !use->mute;
	case FZ_HOLD:
	case FZ_RESUME: {
		bool changes = use->holds != (step->action == FZ_HOLD);

		use->holds = step->action == FZ_HOLD;
		return changes;
	}
	case FZ_OPEN:
		*use = (struct use){ .tcp = use->tcp, .holds = use->holds };
		return true;
	case FZ_CLOSE:
		use->closed = true;
		return true;
	case FZ_RESET:
		use->closed = use->tcp;
		return use->tcp;
	case FZ_HALF_CLOSE: {
		bool can = use->tcp && !use->mute;

		use->mute |= can;
		return can;
	}
	case FZ_STOP_READING:
	case FZ_READ_AGAIN: {
		bool changes = use->deaf != (step->action == FZ_STOP_READING);

		use->deaf = step->action == FZ_STOP_READING;
		return changes;
	}
	case FZ_WAIT:
	case FZ_ACTIONS:
		break;
	}
	return false;
}

static bool mend_any(struct fz_step *step, struct use use[FZ_CAST], unsigned movies)
{
	step->client %= FZ_CAST;
	if (step->action == FZ_WAIT) {
		step->wait = step->wait > 2000 ? 2000 : step->wait;
		return step->wait > 0;
	}
	return mend_step(step, &use[step->client], movies);
}

static bool joins(const struct fz_program *program, unsigned i)
{
	const struct fz_step *step = &program->steps[i], *next = step + 1;

	return fz_sends(step) && i + 1 < program->count && fz_sends(next) && next->client == step->client;
}

void fz_program_mend(struct fz_program *program, bool udp, bool tcp, unsigned movies)
{
	struct use use[FZ_CAST] = { 0 };
	unsigned kept = 0;

	for (unsigned c = 0; c < FZ_CAST; c++)
		use[c].tcp = program->tcp[c] = udp && tcp ? program->tcp[c] : tcp;
	for (unsigned i = 0; i < program->count; i++) {
		struct fz_step step = program->steps[i];

		if (mend_any(&step, use, movies))
			program->steps[kept++] = step;
	}
	program->count = kept;
	for (unsigned i = 0; i < program->count; i++) {
		struct fz_step *step = &program->steps[i];
		bool before = i > 0 && program->steps[i - 1].joined;

		if (step->user == FZ_USER_OTHER && !fz_takes_part(program, step->other)) {
			step->user = FZ_USER_TEXT;
			step->user_text = fz_text_of(C2W_STR("nobody"));
		}
		step->joined = step->joined && joins(program, i);
		if (before || step->joined)
			step->pieces = 0;
		step->await = step->await && !step->joined && !before;
	}
}

/* ---- printing ------------------------------------------------------------------------------- */

void fz_text_print(struct c2w_str octets, FILE *to)
{
	fputc('"', to);
	for (size_t i = 0; i < octets.length; i++) {
		unsigned char octet = (unsigned char)octets.at[i];

		if (octet == '"' || octet == '\\')
			fprintf(to, "\\%c", octet);
		else if (octet == '\r' || octet == '\n')
			fputs(octet == '\r' ? "\\r" : "\\n", to);
		else if (octet < 0x20 || octet > 0x7e)
			fprintf(to, "\\x%02x", octet);
		else
			fputc(octet, to);
	}
	fputc('"', to);
}

static void print_text(const struct fz_text *text, FILE *to)
{
	fz_text_print((struct c2w_str){ text->octets, text->length }, to);
	if (text->times > 1)
		fprintf(to, " * %u", text->times);
}

static void print_command(const struct fz_step *step, FILE *to)
{
	if (step->command == C2W_NO_COMMAND) {
		fputs("command ", to);
		print_text(&step->word, to);
	} else {
		fputs(c2w_command_info(step->command)->name, to);
		if (c2w_command_info(step->command)->digits > 0)
			fprintf(to, " %u", step->code);
	}
}

static void print_time(const struct fz_step *step, FILE *to)
{
	switch (step->time) {
	case FZ_TIME_FRESH:
		return;
	case FZ_TIME_LAST:
		fprintf(to, " time time(%s)", fz_known_names[step->client]);
		return;
	case FZ_TIME_EARLIER:
		fprintf(to, " time earlier(%s)", fz_known_names[step->client]);
		return;
	case FZ_TIME_TEXT:
		fputs(" time ", to);
		print_text(&step->time_text, to);
		return;
	}
}

static void print_user(const struct fz_step *step, FILE *to)
{
	if (step->user == FZ_USER_OTHER)
		fprintf(to, step->miscased_user ? " user miscased($%s)" : " user $%s", fz_known_names[step->other]);
	if (step->user == FZ_USER_OTHER && step->command != C2W_NO_COMMAND && step->word.length > 0) {
		fputs(" + ", to);
		print_text(&step->word, to);
	}
	if (step->user == FZ_USER_TEXT) {
		fputs(" user ", to);
		print_text(&step->user_text, to);
	}
}

static void print_data(const struct fz_step *step, FILE *to)
{
	if (step->data != FZ_DATA_NONE)
		fputs(" data ", to);
	if (step->data == FZ_DATA_MOVIE && step->before.length > 0) {
		print_text(&step->before, to);
		fputs(" + ", to);
	}
	if (step->data == FZ_DATA_MOVIE)
		fprintf(to, step->miscased_title ? "miscased(movie(%u))" : "movie(%u)", step->movie);
	if (step->data == FZ_DATA_MOVIE && step->data_text.length > 0)
		fputs(" + ", to);
	if (step->data == FZ_DATA_TEXT || (step->data == FZ_DATA_MOVIE && step->data_text.length > 0))
		print_text(&step->data_text, to);
}

static void print_sending(const struct fz_step *step, FILE *to)
{
	if (step->action == FZ_SAME) {
		fputs("the same", to);
	} else if (step->action == FZ_OCTETS) {
		fputs("octets ", to);
		print_text(&step->data_text, to);
		if (step->user == FZ_USER_OTHER) {
			fprintf(to, " + $%s + ", fz_known_names[step->other]);
			print_text(&step->word, to);
		}
	} else {
		print_command(step, to);
		print_time(step, to);
		print_user(step, to);
		print_data(step, to);
	}
	if (step->pieces > 0)
		fprintf(to, " in pieces of %u", step->pieces);
}

static const char *const verbs[FZ_ACTIONS] = {
	[FZ_HOLD] = "holds acks", [FZ_RESUME] = "resumes acks", [FZ_OPEN] = "opens", [FZ_CLOSE] = "closes", [FZ_HALF_CLOSE] = "half-closes",
	[FZ_RESET] = "resets", [FZ_STOP_READING] = "stops reading", [FZ_READ_AGAIN] = "reads again",
};

static void print_line(const struct fz_step *step, bool in_batch, bool awaited, FILE *to)
{
	if (step->action == FZ_WAIT) {
		fprintf(to, "wait %u.%03u * $rto\n", step->wait / 1000u, step->wait % 1000u);
		return;
	}
	if (!fz_sends(step)) {
		fprintf(to, "%s %s\n", fz_known_names[step->client], verbs[step->action]);
		return;
	}
	if (!in_batch)
		fprintf(to, step->joined ? "%s > batch {\n" : "%s > ", fz_known_names[step->client]);
	if (in_batch || step->joined)
		fputc('\t', to);
	print_sending(step, to);
	fputs(awaited ? " # awaited\n" : "\n", to);
	if (in_batch && !step->joined)
		fputs("}\n", to);
}

void fz_step_print(const struct fz_step *step, bool in_batch, FILE *to)
{
	print_line(step, in_batch, false, to);
}

void fz_program_print(const struct fz_program *program, FILE *to)
{
	for (unsigned i = 0; i < program->count; i++)
		print_line(&program->steps[i], i > 0 && program->steps[i - 1].joined, program->steps[i].await, to);
}

void fz_program_print_cast(const struct fz_program *program, bool honest, bool honest_tcp, FILE *to)
{
	unsigned transports = honest ? (honest_tcp ? C2W_ON_TCP : C2W_ON_UDP) : 0;
	const char *between = "cast  ";

	for (unsigned i = 0; i < FZ_CAST; i++)
		transports |= !fz_takes_part(program, i) ? 0 : program->tcp[i] ? C2W_ON_TCP : C2W_ON_UDP;
	if (transports != C2W_ON_BOTH)
		fprintf(to, "over   %s\n", transports == C2W_ON_TCP ? "tcp" : "udp");
	for (unsigned i = 0; i <= FZ_CAST; i++) {
		bool tcp = i == FZ_CAST ? honest_tcp : program->tcp[i];

		if (i == FZ_CAST ? !honest : !fz_takes_part(program, i))
			continue;
		fprintf(to, "%s %s", between, i == FZ_CAST ? "honest" : fz_known_names[i]);
		if (transports == C2W_ON_BOTH)
			fprintf(to, " over %s", tcp ? "tcp" : "udp");
		between = transports == C2W_ON_BOTH ? "," : "";
	}
	fputs("\n\n", to);
}
