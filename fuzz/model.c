/* The worlds of the model: each event is tried in each of them, along each path of choices that the document leaves.
 * Called by fuzzers and tests through fuzz/model.h. A model owns its worlds and every octet it has to remember.
 * The rules themselves are in model_rules.c. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/model_part.h"

enum { CHUNK = 1 << 16, MOST_WORLDS = 2 * FZ_MAX_WORLDS + 1 /* before and after an event, and the one it is tried in */ };

/* What is remembered, one after the other. */
struct chunk {
	struct chunk *next;
	size_t used, size;
	char octets[];
};

struct fz_model {
	struct fz_settings set;
	struct fz_world *worlds[FZ_MAX_WORLDS], *after[FZ_MAX_WORLDS];
	unsigned count, after_count;
	struct fz_world *spare[MOST_WORLDS];
	unsigned spare_count;
	unsigned endpoints;     /* in use: the first so many */
	struct fz_text texts[FZ_MAX_TEXTS];
	unsigned text_count;
	int64_t text;           /* the one this event made, or FZ_NO_TEXT */
	int64_t now;
	uint64_t events;
	struct chunk *kept;     /* the newest first */
	size_t kept_octets;
	struct fz_fields fields;
	struct fz_output outputs[FZ_MAX_OUTPUTS];
	struct fz_fields read[FZ_MAX_OUTPUTS];
	bool taken[FZ_MAX_OUTPUTS];
	bool lost;
	unsigned cell;
	bool visited[FZ_MODEL_CELLS];
	char why[FZ_MAX_WHY];
	struct fz_try try;
};

/* ---- what the rules ask for ---------------------------------------------------------------------------------------- */

unsigned fz_choose(struct fz_try *try, unsigned choices)
{
	struct fz_path *path = try->path;

	if (try->failed)
		return 0;
	if (path->depth == FZ_MAX_CHOICES) {
		fz_lose(try);
		return 0;
	}
	if (path->depth == path->known) {
		path->choices[path->known] = 0;
		path->limits[path->known] = choices;
		path->known++;
	}
	return path->choices[path->depth++];
}

/* The next path: the last choice that has an alternative takes it, and what came after it is open again. */
static bool next_path(struct fz_path *path)
{
	while (path->known > 0 && path->choices[path->known - 1] + 1 == path->limits[path->known - 1])
		path->known--;
	if (path->known == 0)
		return false;
	path->choices[path->known - 1]++;
	return true;
}

/* What peers sent may hold anything: it is shown escaped, and cut. */
static void escape(struct c2w_str text, char *to, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < text.length && used + 8 < size; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c == '\r' || c == '\n')
			used += (size_t)snprintf(to + used, size - used, "\\%c", c == '\r' ? 'r' : 'n');
		else if (c >= ' ' && c <= '~' && c != '\\')
			to[used++] = (char)c;
		else
			used += (size_t)snprintf(to + used, size - used, "\\x%02X", c);
	}
	to[used] = '\0';
}

void fz_fail(struct fz_try *try, const char *rule, unsigned endpoint, const char *what, struct c2w_str shown)
{
	char text[300];

	if (try->failed)
		return;
	escape(shown, text, sizeof text);
	snprintf(try->why, sizeof try->why, "%s: endpoint %u: %s%s%s", rule, endpoint, what, shown.length > 0 ? ": " : "", text);
	try->failed = true;
}

void fz_lose(struct fz_try *try)
{
	try->model->lost = true;
}

const struct fz_text *fz_text_at(const struct fz_try *try, int64_t text)
{
	return &try->model->texts[text];
}

uint64_t fz_event_number(const struct fz_try *try)
{
	return try->model->events;
}

static struct chunk *add_chunk(struct fz_model *model, size_t least)
{
	size_t size = least > CHUNK ? least : CHUNK;
	struct chunk *chunk = model->kept_octets + least <= FZ_MAX_KEPT ? malloc(sizeof *chunk + size) : NULL;

	if (!chunk) {
		model->lost = true;
		return NULL;
	}
	*chunk = (struct chunk){ .next = model->kept, .size = size };
	model->kept = chunk;
	return chunk;
}

/* Room for so many octets and a NUL. */
static char *keep(struct fz_model *model, size_t length)
{
	struct chunk *chunk = model->kept;
	char *room;

	if (!chunk || chunk->size - chunk->used <= length)
		chunk = add_chunk(model, length + 1);
	if (!chunk)
		return NULL;
	room = chunk->octets + chunk->used;
	chunk->used += length + 1;
	model->kept_octets += length;
	return room;
}

/* The first chunk is kept: an event or two fit into it. */
static void forget_kept(struct fz_model *model, bool all)
{
	while (model->kept && (all || model->kept->next)) {
		struct chunk *next = model->kept->next;

		free(model->kept);
		model->kept = next;
	}
	if (model->kept)
		model->kept->used = 0;
	model->kept_octets = 0;
}

/* FMT-02, FMT-03, MSG-03: TIME, author and text of the request, octet for octet. */
int64_t fz_text_of_event(struct fz_try *try)
{
	struct fz_model *model = try->model;
	struct c2w_str time = try->fields->time, user = try->fields->user, data = try->fields->data;
	struct fz_text *text = &model->texts[model->text_count];
	static const char word[] = ": NEW_MESSAGE|";
	size_t length = time.length + strlen(word) + user.length + 1 + data.length + 2;
	char *octets;

	if (model->text != FZ_NO_TEXT)
		return model->text;
	octets = model->text_count < FZ_MAX_TEXTS ? keep(model, length) : NULL;
	if (!octets) {
		model->lost = true;
		return FZ_NO_TEXT;
	}
	snprintf(octets, length + 1, "%.*s%s%.*s|%.*s\r\n", (int)time.length, time.at, word, (int)user.length, user.at, (int)data.length, data.at);
	text->octets = (struct c2w_str){ octets, length };
	text->author = user;
	text->us = try->fields->us;
	model->text = model->text_count++;
	return model->text;
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

/* Octets of a world up to the last endpoint in use. */
static size_t world_size(const struct fz_model *model)
{
	return offsetof(struct fz_world, endpoints) + model->endpoints * sizeof(struct fz_endpoint);
}

static struct fz_world *new_world(struct fz_model *model)
{
	return model->spare_count > 0 ? model->spare[--model->spare_count] : malloc(sizeof(struct fz_world));
}

static struct fz_world *copy_world(struct fz_model *model, const struct fz_world *world)
{
	struct fz_world *copy = new_world(model);

	if (copy)
		memcpy(copy, world, world_size(model));
	return copy;
}

static void spare_world(struct fz_model *model, struct fz_world *world)
{
	model->spare[model->spare_count++] = world;
}

static void spare_worlds(struct fz_model *model, struct fz_world **worlds, unsigned *count)
{
	while (*count > 0)
		spare_world(model, worlds[--*count]);
}

static const struct fz_endpoint nobody = { .movie = -1, .response.text = FZ_NO_TEXT };

/* From now on the endpoint is in use, and those before it. */
static void use_endpoint(struct fz_model *model, unsigned endpoint)
{
	assert(endpoint < FZ_MAX_ENDPOINTS);
	for (; model->endpoints <= endpoint; model->endpoints++)
		for (unsigned i = 0; i < model->count; i++)
			memcpy(&model->worlds[i]->endpoints[model->endpoints], &nobody, sizeof nobody);
}

void fz_model_reset(struct fz_model *model, const struct fz_settings *settings)
{
	assert(settings->params.rto > 0 && settings->params.max_retransmits >= 0 && settings->movie_count <= FZ_MAX_MOVIES);
	spare_worlds(model, model->worlds + 1, &(unsigned){ model->count - 1 });
	model->count = 1;
	memset(model->worlds[0], 0, offsetof(struct fz_world, endpoints));
	forget_kept(model, false);
	memset(model->visited, 0, sizeof model->visited);
	model->set = *settings;
	model->now = INT64_MIN;
	model->endpoints = model->text_count = model->cell = 0;
	model->events = 0;
	model->lost = false;
}

/* The large tables need not be cleared: what is in use of them is counted. */
struct fz_model *fz_model_new(const struct fz_settings *settings)
{
	struct fz_model *model = malloc(sizeof *model);
	struct fz_world *world = malloc(sizeof *world);

	if (!model || !world) {
		free(model);
		free(world);
		return NULL;
	}
	model->worlds[0] = world;
	model->count = 1;
	model->after_count = model->spare_count = 0;
	model->kept = NULL;
	fz_model_reset(model, settings);
	return model;
}

void fz_model_free(struct fz_model *model)
{
	if (!model)
		return;
	spare_worlds(model, model->worlds, &model->count);
	while (model->spare_count > 0)
		free(model->spare[--model->spare_count]);
	forget_kept(model, true);
	free(model);
}

/* ---- an event ------------------------------------------------------------------------------------------------------ */

/* FMT-01, FMT-07: whatever a server sends is a message that servers send. It is read here, once. */
static bool check_form(struct fz_try *try)
{
	for (size_t i = 0; i < try->count && !try->failed; i++) {
		const struct fz_output *output = &try->outputs[i];
		struct c2w_str octets = { output->octets, output->length };
		struct fz_fields *fields = &try->model->read[i];

		if (output->closed)
			continue;
		if (output->length > 65507)
			fz_fail(try, "FMT-07", output->endpoint, "more than 65507 octets", octets);
		else if (!fz_is_message(output->octets, output->length, fields))
			fz_fail(try, "FMT-01", output->endpoint, "no message", octets);
		else if (fz_command_beat(fields->command) != FZ_RESPONSE)
			fz_fail(try, "FMT-01", output->endpoint, "no command that servers send", octets);
	}
	return !try->failed;
}

static void judge(struct fz_try *try, bool tcp)
{
	switch (try->event) {
	case FZ_ON_OPEN: fz_judge_open(try, tcp); break;
	case FZ_ON_END: fz_judge_ended(try); break;
	case FZ_ON_TIME: fz_judge_time(try); break;
	case FZ_ON_TOO_LONG: case FZ_ON_MALFORMED: case FZ_ON_WRONG_COMMAND:
	case FZ_ON_CONNECTION: case FZ_ON_USER_LIST: case FZ_ON_MOVIE_LIST: case FZ_ON_ENTER: case FZ_ON_LEAVE: case FZ_ON_SEND:
	case FZ_ON_CONNECTION_ACK: case FZ_ON_USER_LIST_ACK: case FZ_ON_MOVIE_LIST_ACK: case FZ_ON_ENTER_ACK: case FZ_ON_LEAVE_ACK:
	case FZ_ON_NEW_MESSAGE_ACK: fz_judge_receive(try); break;
	case FZ_EVENTS_: assert(false);
	}
}

/* A world that is there already is the same world. */
static void add_world(struct fz_model *model, struct fz_world *world)
{
	for (unsigned i = 0; i < model->after_count; i++) {
		if (memcmp(model->after[i]->codes, world->codes, world_size(model) - offsetof(struct fz_world, codes)) == 0) {
			spare_world(model, world);
			return;
		}
	}
	if (model->after_count == FZ_MAX_WORLDS) {
		model->lost = true;
		spare_world(model, world);
		return;
	}
	model->after[model->after_count++] = world;
}

/* Only the likeliest of the worlds left says what happened. */
static void count_cells(struct fz_model *model, const struct fz_try *try)
{
	for (unsigned i = 0; i < try->mark_count; i++) {
		model->visited[try->marks[i]] = true;
		model->cell = try->marks[i];
	}
}

/* Prepares the next try of the same event: nothing taken, nothing judged. */
static void reset(struct fz_try *try, struct fz_world *world, struct fz_path *path)
{
	try->world = world;
	try->path = path;
	path->depth = 0;
	memset(try->taken, 0, try->count * sizeof *try->taken);
	try->taken_count = 0;
	try->before = FZ_DISCONNECTED;
	try->discarded = NULL;
	try->rule = NULL;
	try->text = FZ_NO_TEXT;
	try->failed = false;
	try->mark_count = 0;
}

/* Along every path in one world. *best: outputs explained by the try that came furthest; its reason is in model->why. */
static void try_world(struct fz_model *model, const struct fz_world *world, bool tcp, unsigned *paths, long *best)
{
	struct fz_try *try = &model->try;
	struct fz_path path = { .known = 0 };

	do {
		struct fz_world *copy = ++*paths > FZ_MAX_PATHS ? NULL : copy_world(model, world);

		if (!copy) {
			model->lost = true;
			return;
		}
		reset(try, copy, &path);
		judge(try, tcp);
		if (!try->failed) {
			if (model->after_count == 0)
				count_cells(model, try);
			add_world(model, copy);
			continue;
		}
		spare_world(model, copy);
		if ((long)try->taken_count > *best) {
			*best = (long)try->taken_count;
			memcpy(model->why, try->why, sizeof model->why);
		}
	} while (next_path(&path));
}

static const char *happen(struct fz_model *model, enum fz_event event, unsigned from, bool tcp, int64_t now,
	const struct fz_output *outputs, size_t count)
{
	struct fz_try *try = &model->try;
	unsigned paths = 0;
	long best = -1;

	assert(now >= model->now);
	model->lost = model->lost || count > FZ_MAX_OUTPUTS;
	if (model->lost)
		return NULL;
	use_endpoint(model, from);
	for (size_t i = 0; i < count; i++)
		use_endpoint(model, outputs[i].endpoint);
	*try = (struct fz_try){ .model = model, .set = &model->set, .endpoints = model->endpoints, .now = now, .from = from, .event = event,
		.outputs = outputs, .count = count, .read = model->read, .taken = model->taken };
	try->fields = event >= FZ_ON_CONNECTION ? &model->fields : NULL;
	model->now = now;
	model->events++;
	model->text = FZ_NO_TEXT;
	if (!check_form(try)) {
		memcpy(model->why, try->why, sizeof model->why);
		return model->why;
	}
	for (unsigned i = 0; i < model->count; i++)
		try_world(model, model->worlds[i], tcp, &paths, &best);
	if (model->after_count == 0)
		return model->lost ? NULL : model->why;
	spare_worlds(model, model->worlds, &model->count);
	memcpy(model->worlds, model->after, model->after_count * sizeof *model->after);
	model->count = model->after_count;
	model->after_count = 0;
	return NULL;
}

const char *fz_model_open(struct fz_model *model, unsigned endpoint, bool tcp, int64_t now, const struct fz_output *outputs, size_t count)
{
	return happen(model, FZ_ON_OPEN, endpoint, tcp, now, outputs, count);
}

const char *fz_model_ended(struct fz_model *model, unsigned endpoint, int64_t now, const struct fz_output *outputs, size_t count)
{
	return happen(model, FZ_ON_END, endpoint, true, now, outputs, count);
}

const char *fz_model_time(struct fz_model *model, int64_t now, const struct fz_output *outputs, size_t count)
{
	return happen(model, FZ_ON_TIME, 0, false, now, outputs, count);
}

static const struct fz_endpoint *likeliest(const struct fz_model *model, unsigned endpoint)
{
	assert(endpoint < FZ_MAX_ENDPOINTS);
	return endpoint < model->endpoints ? &model->worlds[0]->endpoints[endpoint] : &nobody;
}

static enum fz_event event_of(enum fz_command command)
{
	static const struct {
		enum fz_command command;
		enum fz_event event;
	} events[] = {
		{ FZ_CONNECTION_REQUEST, FZ_ON_CONNECTION }, { FZ_CONNECTION_RESPONSE_ACK, FZ_ON_CONNECTION_ACK },
		{ FZ_USER_LIST_REQUEST, FZ_ON_USER_LIST }, { FZ_USER_LIST_RESPONSE_ACK, FZ_ON_USER_LIST_ACK },
		{ FZ_MOVIE_LIST_REQUEST, FZ_ON_MOVIE_LIST }, { FZ_MOVIE_LIST_RESPONSE_ACK, FZ_ON_MOVIE_LIST_ACK },
		{ FZ_ENTER_MOVIE_REQUEST, FZ_ON_ENTER }, { FZ_ENTER_MOVIE_RESPONSE_ACK, FZ_ON_ENTER_ACK },
		{ FZ_LEAVE_SESSION_REQUEST, FZ_ON_LEAVE }, { FZ_LEAVE_SESSION_RESPONSE_ACK, FZ_ON_LEAVE_ACK },
		{ FZ_SEND_MESSAGE_REQUEST, FZ_ON_SEND }, { FZ_NEW_MESSAGE_RESPONSE_ACK, FZ_ON_NEW_MESSAGE_ACK },
	};

	for (unsigned i = 0; i < sizeof events / sizeof *events; i++)
		if (events[i].command == command)
			return events[i].event;
	return FZ_ON_WRONG_COMMAND; /* FMT-06 */
}

/* FMT-07, TRN-05: of max-request octets the last two may be the CRLF. */
static bool is_too_long(const struct fz_model *model, bool tcp, const char *octets, size_t length)
{
	size_t most = (size_t)model->set.params.max_request;

	if (length > most)
		return true;
	return tcp && length == most && (length < 2 || memcmp(octets + length - 2, "\r\n", 2) != 0);
}

static struct c2w_str keep_copy(struct fz_model *model, const char *octets, size_t length)
{
	char *copy = keep(model, length);

	if (!copy)
		return C2W_STR("");
	memcpy(copy, octets, length);
	return (struct c2w_str){ copy, length };
}

/* A request and what answers it have to be remembered: both are copied. */
static const struct fz_output *keep_exchange(struct fz_model *model, const char *octets, size_t length, const struct fz_output *outputs, size_t count)
{
	struct c2w_str copy = keep_copy(model, octets, length), *const slices[] = { &model->fields.time, &model->fields.word, &model->fields.user,
		&model->fields.data };

	for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
		slices[i]->at = copy.at + (slices[i]->at - octets);
	for (size_t i = 0; i < count && i < FZ_MAX_OUTPUTS; i++) {
		model->outputs[i] = outputs[i];
		if (outputs[i].closed)
			continue;
		copy = keep_copy(model, outputs[i].octets, outputs[i].length);
		model->outputs[i].octets = copy.at;
		model->outputs[i].length = copy.length;
	}
	return model->outputs;
}

const char *fz_model_receive(struct fz_model *model, unsigned endpoint, const char *octets, size_t length, int64_t now,
	const struct fz_output *outputs, size_t count)
{
	bool tcp = likeliest(model, endpoint)->tcp;
	enum fz_event event = FZ_ON_MALFORMED;

	if (is_too_long(model, tcp, octets, length))
		event = FZ_ON_TOO_LONG;
	else if (fz_is_message(octets, length, &model->fields))
		event = event_of(model->fields.command);
	if (event >= FZ_ON_CONNECTION && fz_command_beat(model->fields.command) == FZ_REQUEST && !model->lost)
		outputs = keep_exchange(model, octets, length, outputs, count);
	return happen(model, event, endpoint, tcp, now, outputs, count);
}

void fz_model_reads(struct fz_model *model, unsigned endpoint, bool reads)
{
	use_endpoint(model, endpoint);
	for (unsigned i = 0; i < model->count; i++) {
		struct fz_endpoint *peer = &model->worlds[i]->endpoints[endpoint];

		peer->stalled = !reads;
		if (reads)
			peer->unread = 0;
	}
}

/* ---- queries ------------------------------------------------------------------------------------------------------- */

int64_t fz_model_due(const struct fz_model *model)
{
	int64_t due = INT64_MAX;

	for (unsigned i = 0; i < model->count; i++) {
		for (unsigned k = 0; k < model->endpoints; k++) {
			int64_t next = fz_endpoint_due(&model->set, &model->worlds[i]->endpoints[k], model->now);

			due = next < due ? next : due;
		}
	}
	return due;
}

unsigned fz_model_worlds(const struct fz_model *model)
{
	return model->count;
}

bool fz_model_lost(const struct fz_model *model)
{
	return model->lost;
}

unsigned fz_model_users(const struct fz_model *model)
{
	unsigned users = 0;

	for (unsigned i = 0; i < model->endpoints; i++)
		users += likeliest(model, i)->state != FZ_DISCONNECTED;
	return users;
}

enum fz_state fz_model_state(const struct fz_model *model, unsigned endpoint)
{
	return likeliest(model, endpoint)->state;
}

struct c2w_str fz_model_name(const struct fz_model *model, unsigned endpoint)
{
	return likeliest(model, endpoint)->name;
}

int fz_model_movie(const struct fz_model *model, unsigned endpoint)
{
	return (int)likeliest(model, endpoint)->movie;
}

unsigned fz_model_waiting(const struct fz_model *model, unsigned endpoint)
{
	return (unsigned)likeliest(model, endpoint)->waiting;
}

bool fz_model_owed(const struct fz_model *model, unsigned endpoint)
{
	const struct fz_response *response = &likeliest(model, endpoint)->response;

	return response->standing == FZ_UNACKED && response->text == FZ_NO_TEXT;
}

unsigned fz_model_texts(const struct fz_model *model)
{
	return (unsigned)model->worlds[0]->texts;
}

unsigned fz_model_cell(const struct fz_model *model)
{
	return model->cell;
}

bool fz_model_visited(const struct fz_model *model, unsigned cell)
{
	return cell < FZ_MODEL_CELLS && model->visited[cell];
}
