/* Reads programs from scenario text, line by line: the suite's scenarios, c2w-fuzz's corpus and its findings. What such a program cannot
 * have is skipped: exchanges that are not known here, loops, expectations beyond that something is awaited. Owns nothing. */
#include "fuzz/blackbox_step.h"

#include <ctype.h>
#include <stdlib.h>

enum { MAX_LINE = 8192, MAX_CAST_NAME = 12 };

struct reader {
	const char *at;
	char cast[FZ_CAST][MAX_CAST_NAME + 1];
	unsigned cast_count;
	struct fz_program *program;
	int batch;                     /* the client whose batch is open, or -1 */
};

/* ---- words ---------------------------------------------------------------------------------- */

static void skip_blanks(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\t')
		reader->at++;
}

/* Letters, digits, _ and -; $ in front of a variable. */
static struct c2w_str peek(struct reader *reader)
{
	const char *end;

	skip_blanks(reader);
	end = reader->at + (*reader->at == '$');
	while (isalnum((unsigned char)*end) || *end == '_' || *end == '-')
		end++;
	return (struct c2w_str){ reader->at, (size_t)(end - reader->at) };
}

static bool take(struct reader *reader, const char *word)
{
	struct c2w_str next = peek(reader);

	if (!c2w_str_equal(next, c2w_str_of(word)))
		return false;
	reader->at += next.length;
	return true;
}

static bool take_sign(struct reader *reader, char sign)
{
	skip_blanks(reader);
	if (*reader->at != sign)
		return false;
	reader->at++;
	return true;
}

static bool take_number(struct reader *reader, double *number)
{
	char *end;

	skip_blanks(reader);
	if (!isdigit((unsigned char)*reader->at))
		return false;
	*number = strtod(reader->at, &end);
	reader->at = end;
	return true;
}

static int client_named(const struct reader *reader, struct c2w_str word)
{
	if (word.length > 0 && word.at[0] == '$')
		word = (struct c2w_str){ word.at + 1, word.length - 1 };
	for (unsigned i = 0; i < reader->cast_count; i++)
		if (c2w_str_equal(word, c2w_str_of(reader->cast[i])))
			return (int)i;
	return -1;
}

/* ---- texts ---------------------------------------------------------------------------------- */

static int hex_digit(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0' : isxdigit((unsigned char)digit) ? tolower((unsigned char)digit) - 'a' + 10 : -1;
}

/* Behind the backslash. */
static char unescape(struct reader *reader)
{
	char escape = *reader->at != '\0' ? *reader->at++ : '\\';

	switch (escape) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '0':
		return '\0';
	case 'x': {
		int high = hex_digit(reader->at[0]), low = high < 0 ? -1 : hex_digit(reader->at[1]);

		if (low < 0)
			return 'x';
		reader->at += 2;
		return (char)(high * 16 + low);
	}
	default:
		return escape;
	}
}

static bool take_text(struct reader *reader, struct fz_text *text)
{
	double times;

	if (!take_sign(reader, '"'))
		return false;
	*text = (struct fz_text){ .times = 1 };
	while (*reader->at != '\0' && *reader->at != '"') {
		char octet = *reader->at++;

		if (octet == '\\')
			octet = unescape(reader);
		if (text->length < FZ_LITERAL)
			text->octets[text->length++] = octet;
	}
	take_sign(reader, '"');
	if (take_sign(reader, '*') && take_number(reader, &times))
		text->times = (uint16_t)(times < FZ_TIMES ? times : FZ_TIMES);
	return true;
}

/* ---- sending -------------------------------------------------------------------------------- */

static bool take_time(struct reader *reader, struct fz_step *step)
{
	step->time = FZ_TIME_TEXT;
	if (take(reader, "time"))
		step->time = FZ_TIME_LAST;
	else if (take(reader, "earlier"))
		step->time = FZ_TIME_EARLIER;
	else
		return take_text(reader, &step->time_text);
	return take_sign(reader, '(') && client_named(reader, peek(reader)) >= 0 && (reader->at = strchr(reader->at, ')')) != NULL && *reader->at++ == ')';
}

static bool take_user(struct reader *reader, struct fz_step *step)
{
	int other;

	step->miscased_user = take(reader, "miscased") && take_sign(reader, '(');
	other = client_named(reader, peek(reader));
	step->user = other >= 0 ? FZ_USER_OTHER : FZ_USER_TEXT;
	if (other < 0)
		return take_text(reader, &step->user_text);
	step->other = (uint8_t)other;
	reader->at += peek(reader).length;
	if (step->miscased_user && !take_sign(reader, ')'))
		return false;
	return !take_sign(reader, '+') || take_text(reader, &step->word);
}

/* Behind the first text: a name, and another text. */
static bool take_frame(struct reader *reader, struct fz_step *step)
{
	int other;

	if (!take_sign(reader, '+'))
		return true;
	other = client_named(reader, peek(reader));
	reader->at += peek(reader).length;
	if (other < 0 || !take_sign(reader, '+') || !take_text(reader, &step->word))
		return false;
	step->user = FZ_USER_OTHER;
	step->other = (uint8_t)other;
	return true;
}

/* A movie by its number; a variable is one, most likely: the first. */
static bool take_movie(struct reader *reader, struct fz_step *step)
{
	double number = 1;

	if (peek(reader).length == 0)
		return false;
	step->miscased_title = take(reader, "miscased") && take_sign(reader, '(');
	if (take(reader, "movie")) {
		if (!take_sign(reader, '(') || !take_number(reader, &number) || !take_sign(reader, ')'))
			return false;
	} else {
		reader->at += peek(reader).length;
	}
	if (step->miscased_title && !take_sign(reader, ')'))
		return false;
	step->data = FZ_DATA_MOVIE;
	step->movie = (uint8_t)(number < 1 || number > 255 ? 1 : number);
	return true;
}

/* A text, or a movie, and texts around it. */
static bool take_data(struct reader *reader, struct fz_step *step)
{
	bool text = take_text(reader, &step->data_text);

	if (text)
		step->data = FZ_DATA_TEXT;
	if (text && !take_sign(reader, '+'))
		return true;
	if (text) {
		step->before = step->data_text;
		step->data_text = (struct fz_text){ .times = 1 };
	}
	if (!take_movie(reader, step))
		return text;
	if (take_sign(reader, '+'))
		take_text(reader, &step->data_text);
	return true;
}

static bool take_segments(struct reader *reader, struct fz_step *step)
{
	double size;

	if (take(reader, "in") ? !take(reader, "pieces") || !take(reader, "of") : !take(reader, "cut") || !take(reader, "at"))
		return false;
	if (!take_number(reader, &size))
		return false;
	step->pieces = (uint16_t)(size < 60000 ? size : 60000);
	return true;
}

static void take_fields(struct reader *reader, struct fz_step *step)
{
	for (;;) {
		skip_blanks(reader);
		if (*reader->at == '\0' || *reader->at == '#' || *reader->at == '[')
			return;
		if (take(reader, "once"))
			continue;
		if (take(reader, "time") ? take_time(reader, step) : take(reader, "user") ? take_user(reader, step) : take_segments(reader, step))
			continue;
		take(reader, "data");
		if (step->action != FZ_SEND || !take_data(reader, step))
			return;
	}
}

static bool take_command(struct reader *reader, struct fz_step *step)
{
	struct c2w_str word = peek(reader);
	double code;

	for (unsigned command = 1; command < C2W_COMMANDS; command++)
		if (c2w_str_equal(word, c2w_str_of(c2w_command_info((enum c2w_command)command)->name)))
			step->command = (enum c2w_command)command;
	if (step->command == C2W_NO_COMMAND)
		return take(reader, "command") && take_text(reader, &step->word);
	reader->at += word.length;
	if (c2w_command_info(step->command)->digits > 0 && take_number(reader, &code))
		step->code = code < 9999 ? (unsigned)code : 9999;
	return true;
}

static bool take_message(struct reader *reader, struct fz_step *step)
{
	step->action = FZ_SEND;
	if (take(reader, "octets")) {
		step->action = FZ_OCTETS;
		if (!take_text(reader, &step->data_text) || !take_frame(reader, step))
			return false;
	} else if (take(reader, "the")) {
		step->action = FZ_SAME;
		if (!take(reader, "same"))
			return false;
	} else if (!take_command(reader, step)) {
		return false;
	}
	take_fields(reader, step);
	step->await = strstr(reader->at, "# awaited") != NULL;
	return true;
}

static void sends(struct reader *reader, unsigned client)
{
	struct fz_step step = { .client = (uint8_t)client };

	if (take(reader, "batch"))
		reader->batch = (int)client;
	else if (take_message(reader, &step))
		fz_program_add(reader->program, &step);
}

/* What somebody gets is what that client's last request was waited for. */
static void awaits(struct reader *reader, unsigned client)
{
	for (unsigned i = reader->program->count; i-- > 0;) {
		struct fz_step *step = &reader->program->steps[i];

		if (step->client == client && step->action == FZ_SEND) {
			step->await = true;
			return;
		}
	}
}

/* ---- lines ---------------------------------------------------------------------------------- */

static const struct {
	const char *first, *second;
	enum fz_action action;
	enum c2w_command command;
} doings[] = {
	{ "holds", "acks", FZ_HOLD, C2W_NO_COMMAND },         { "resumes", "acks", FZ_RESUME, C2W_NO_COMMAND },
	{ "opens", "", FZ_OPEN, C2W_NO_COMMAND },             { "closes", "", FZ_CLOSE, C2W_NO_COMMAND },
	{ "half-closes", "", FZ_HALF_CLOSE, C2W_NO_COMMAND }, { "resets", "", FZ_RESET, C2W_NO_COMMAND },
	{ "stops", "reading", FZ_STOP_READING, C2W_NO_COMMAND }, { "reads", "again", FZ_READ_AGAIN, C2W_NO_COMMAND },
	{ "connects", "", FZ_SEND, C2W_CONNECTION_REQUEST },  { "connect", "", FZ_SEND, C2W_CONNECTION_REQUEST },
	{ "enters", "", FZ_SEND, C2W_ENTER_MOVIE_REQUEST },   { "enter", "", FZ_SEND, C2W_ENTER_MOVIE_REQUEST },
	{ "leaves", "", FZ_SEND, C2W_LEAVE_SESSION_REQUEST }, { "leave", "", FZ_SEND, C2W_LEAVE_SESSION_REQUEST },
	{ "hold", "acks", FZ_HOLD, C2W_NO_COMMAND },
};

static void does(struct reader *reader, unsigned client)
{
	for (size_t i = 0; i < sizeof(doings) / sizeof(doings[0]); i++) {
		struct fz_step step = { .action = doings[i].action, .command = doings[i].command, .client = (uint8_t)client, .await = true };

		if (!take(reader, doings[i].first))
			continue;
		if (doings[i].command == C2W_ENTER_MOVIE_REQUEST)
			take_data(reader, &step);
		fz_program_add(reader->program, &step);
		return;
	}
}

static void one_client(struct reader *reader, unsigned client)
{
	if (take_sign(reader, '>'))
		sends(reader, client);
	else if (take_sign(reader, '<'))
		awaits(reader, client);
	else
		does(reader, client);
}

static void read_cast(struct reader *reader)
{
	struct c2w_str word;

	while ((word = peek(reader)).length > 0) {
		reader->at += word.length;
		if (c2w_str_equal(word, C2W_STR("over"))) {
			if (reader->cast_count > 0 && reader->cast_count <= FZ_CAST)
				reader->program->tcp[reader->cast_count - 1] = c2w_str_equal(peek(reader), C2W_STR("tcp"));
			reader->at += peek(reader).length;
		} else if (reader->cast_count < FZ_CAST && word.length <= MAX_CAST_NAME) {
			memcpy(reader->cast[reader->cast_count], word.at, word.length);
			reader->cast[reader->cast_count++][word.length] = '\0';
		}
		take_sign(reader, ',');
	}
}

static void read_wait(struct reader *reader)
{
	struct fz_step step = { .action = FZ_WAIT };
	double number = 1;

	if (take_number(reader, &number) && strncmp(reader->at, "ms", 2) == 0)
		number /= 1000;
	if (take(reader, "$answer-within"))
		number = 0.5;
	step.wait = (uint16_t)(number * 1000 < 2000 ? number * 1000 : 2000);
	fz_program_add(reader->program, &step);
}

/* A line of a batch: joined to the one before. */
static void read_batch(struct reader *reader)
{
	struct fz_step step = { .client = (uint8_t)reader->batch, .joined = true };

	if (take_sign(reader, '}')) {
		reader->batch = -1;
		if (reader->program->count > 0)
			reader->program->steps[reader->program->count - 1].joined = false;
	} else if (take_message(reader, &step)) {
		fz_program_add(reader->program, &step);
	}
}

static void read_line(struct reader *reader)
{
	int client;
	bool all;

	if (reader->batch >= 0) {
		read_batch(reader);
	} else if (take(reader, "cast")) {
		read_cast(reader);
	} else if (take(reader, "over")) {
		for (unsigned i = 0; i < FZ_CAST; i++)
			reader->program->tcp[i] = c2w_str_equal(peek(reader), C2W_STR("tcp"));
	} else if (take(reader, "wait")) {
		read_wait(reader);
	} else {
		all = c2w_str_equal(peek(reader), C2W_STR("all"));
		client = client_named(reader, peek(reader));
		reader->at += peek(reader).length;
		for (unsigned i = 0; i < reader->cast_count; i++) {
			struct reader copy = *reader;

			if (all || (int)i == client) {
				one_client(&copy, i);
				reader->batch = copy.batch;
			}
		}
	}
}

bool fz_program_read(struct fz_program *program, FILE *from)
{
	struct reader reader = { .program = program, .batch = -1 };
	char line[MAX_LINE];

	*program = (struct fz_program){ 0 };
	while (fgets(line, sizeof(line), from) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		reader.at = line;
		read_line(&reader);
	}
	return program->count > 0;
}
