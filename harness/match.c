/* Expectations against what has arrived, in two stages: find the answer by endpoint and command, then judge each field
 * against the field's own rule and go on. Called by engine.c only; texts it makes live in the run's arena.
 * TIME and USER_NAME echoes, grammar and repetitions are the always-on judges' business; not said again here. */
#include <string.h>
#include <utlist.h>

#include "harness/run.h"

static enum c2w_family family_of(enum c2w_command command)
{
	return c2w_command_info(command)->family;
}

static bool code_fits(struct hx_run *run, const struct hx_pattern *pattern, unsigned code)
{
	if (pattern->code == NULL)
		return true;
	double wanted = hx_eval(run, pattern->code).number;
	return c2w_code_fits(wanted < 0 ? C2W_ANY : (int64_t)wanted, code);
}

static bool command_fits(struct hx_run *run, const struct hx_pattern *pattern, const struct hx_item *item)
{
	return item->message.command == pattern->command && code_fits(run, pattern, item->message.code);
}

/* ---- chat: which NEW_MESSAGE is meant --------------------------------------------------------- */

/* The author's request with this text (NULL: the last one). */
static const struct hx_chat *chat_of(const struct hx_client *author, const struct c2w_str *text)
{
	unsigned kept = author->chat_count < HX_CHAT_HISTORY ? author->chat_count : HX_CHAT_HISTORY;
	for (unsigned i = 1; i <= kept; i++) {
		const struct hx_chat *chat = &author->chats[(author->chat_count - i) % HX_CHAT_HISTORY];
		if (text == NULL || c2w_str_equal(chat->message.data, *text))
			return chat;
	}
	return NULL;
}

bool hx_time_is_of_a_text(const struct hx_run *run, const struct hx_chat *but, int64_t time)
{
	for (unsigned c = 0; c < run->client_count; c++) {
		const struct hx_client *client = &run->clients[c];
		if (client->chat_count > HX_CHAT_HISTORY && time <= client->chats[client->chat_count % HX_CHAT_HISTORY].message.time)
			return true; /* of one that is kept no more, by all appearances */
		for (unsigned i = 0; i < HX_CHAT_HISTORY && i < client->chat_count; i++)
			if (&client->chats[i] != but && client->chats[i].message.time == time)
				return true;
	}
	return false;
}

struct wanted_chat {
	const struct hx_chat *request;
	struct c2w_str author, text;
};

static struct wanted_chat wanted_chat(struct hx_run *run, const struct hx_pattern *pattern, const struct hx_client *client)
{
	const struct hx_client *author = pattern->by != NULL ? hx_eval_client(run, pattern->by) : NULL;
	struct wanted_chat wanted = { .author = c2w_str_of(author != NULL ? author->user : client->user) };
	struct c2w_str text = { 0 };
	if (pattern->data != NULL)
		text = hx_eval_octets(run, pattern->data);
	if (author != NULL)
		wanted.request = chat_of(author, pattern->data != NULL ? &text : NULL);
	if (wanted.request != NULL)
		wanted.author = wanted.request->message.user;
	wanted.text = pattern->data == NULL && wanted.request != NULL ? wanted.request->message.data : text;
	if (pattern->user != NULL)
		wanted.author = hx_eval_octets(run, pattern->user);
	return wanted;
}

/* Has its author said this? */
static bool known_text(const struct hx_run *run, const struct c2w_message *message)
{
	for (unsigned c = 0; c < run->client_count; c++) {
		const struct hx_client *client = &run->clients[c];
		for (unsigned i = 0; i < HX_CHAT_HISTORY && i < client->chat_count; i++)
			if (c2w_str_equal(client->chats[i].message.user, message->user) && c2w_str_equal(client->chats[i].message.data, message->data))
				return true;
	}
	return false;
}

/* 3: author and text are right; 2: the TIME is; 1: the author or the text is, and the TIME is nobody's; 0: another message. */
static int chat_likeness(const struct hx_run *run, const struct wanted_chat *wanted, const struct hx_item *item)
{
	const struct c2w_message *message = &item->message;
	bool author = c2w_str_equal(message->user, wanted->author), text = c2w_str_equal(message->data, wanted->text);
	if (author && text)
		return item->surplus ? 0 : 3;
	if (wanted->request == NULL)
		return 0;
	if (item->stranger && (!text || hx_name_is_of_this_run(run->target, message->user)))
		return 0; /* another scenario's: a TIME and a text can be equal by chance */
	if (message->time == wanted->request->message.time && (author || text || !hx_time_is_of_a_text(run, wanted->request, message->time)))
		return 2;
	bool meant = author ? !known_text(run, message) : text && hx_name_is_ours(run, message->user);
	return meant && !hx_time_is_of_a_text(run, NULL, message->time) ? 1 : 0;
}

static struct hx_item *find_chat(struct hx_run *run, const struct hx_pattern *pattern, struct hx_client *client)
{
	struct hx_item *item, *best = NULL;
	int likeness = 0;
	struct wanted_chat wanted = wanted_chat(run, pattern, client);
	DL_FOREACH(client->inbox, item) {
		if (item->repetition || item->message.command != C2W_NEW_MESSAGE)
			continue;
		int now = pattern->by == NULL && pattern->data_any && !item->stranger ? 3 : chat_likeness(run, &wanted, item);
		if (now > likeness) {
			best = item;
			likeness = now;
		}
	}
	return best;
}

/* ---- responses -------------------------------------------------------------------------------- */

/* The TIME of no request of this endpoint, and a USER_NAME that it never gave. */
static bool foreign(const struct hx_item *item)
{
	const struct hx_endpoint *endpoint = item->endpoint;
	const struct c2w_str given[] = {
		c2w_str_of(endpoint->client->user), hx_buffer_str(&endpoint->session), hx_buffer_str(&endpoint->asked), endpoint->request_message.user,
	};
	bool ours = hx_sent_time(endpoint, item->message.time);
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		ours = ours || c2w_str_equal(item->message.user, given[i]);
	return !ours;
}

bool hx_for_another(const struct hx_item *item)
{
	return foreign(item) && hx_name_is_of_this_run(item->endpoint->run->target, item->message.user);
}

bool hx_for_another_run(const struct hx_item *item)
{
	return foreign(item) && hx_name_is_of_a_run(item->message.user) && !hx_name_is_of_this_run(item->endpoint->run->target, item->message.user);
}

static struct hx_item *find_response(const struct hx_pattern *pattern, const struct hx_client *client)
{
	struct hx_item *item;
	DL_FOREACH(client->inbox, item) {
		if (!item->repetition && item->from_server && family_of(item->message.command) == family_of(pattern->command) && !hx_for_another(item) && !item->stranger)
			return item;
	}
	return NULL;
}

/* ---- lists ------------------------------------------------------------------------------------ */

bool hx_each_entry(const struct c2w_params *params, const struct c2w_message *message,
                   void (*entry)(void *context, struct c2w_str name, struct c2w_str room), void *context)
{
	struct c2w_str between = c2w_str_of(params->list_separator), inside = c2w_str_of(params->entry_separator);
	const char *at = message->data.at, *end = at + message->data.length;
	bool users = message->command == C2W_USER_LIST_RESPONSE, whole = true;
	while (message->data.length > 0) {
		const char *stop = memmem(at, (size_t)(end - at), between.at, between.length);
		struct c2w_str name = { at, (size_t)((stop != NULL ? stop : end) - at) }, room = { at, 0 };
		const char *split = users ? memmem(name.at, name.length, inside.at, inside.length) : NULL;
		if (split != NULL) {
			room = (struct c2w_str){ split + inside.length, (size_t)(name.at + name.length - split) - inside.length };
			name.length = (size_t)(split - name.at);
		}
		whole = whole && (!users || split != NULL);
		entry(context, name, room);
		if (stop == NULL)
			break;
		at = stop + between.length;
	}
	return whole;
}

struct looked_up {
	struct c2w_str name, room;
	bool any_room;
	unsigned found, in_room;
};

static void look_up(void *context, struct c2w_str name, struct c2w_str room)
{
	struct looked_up *entry = context;
	if (!c2w_str_equal(name, entry->name))
		return;
	entry->found++;
	if (entry->any_room || c2w_str_equal(room, entry->room))
		entry->in_room++;
}

static void judge_listing(struct hx_run *run, const struct hx_step *step, const struct hx_listing *listing, const struct hx_item *item)
{
	enum c2w_rule own = item->message.command == C2W_USER_LIST_RESPONSE ? C2W_LST_01 : C2W_LST_02;
	enum c2w_rule rule = step->rule != C2W_NO_RULE ? step->rule : own;
	struct looked_up entry = { .name = hx_eval_octets(run, listing->entry), .any_room = listing->room == NULL };
	if (listing->room != NULL)
		entry.room = hx_eval_octets(run, listing->room);
	hx_each_entry(run->params, &item->message, look_up, &entry);
	bool there = entry.in_room > 0;
	if (there != listing->negated)
		return;
	run->contradicted = true;
	const char *name = hx_escape(run, entry.name), *room = entry.any_room ? "" : hx_escape(run, entry.room);
	const char *in = entry.any_room ? "" : " in ";
	const char *expected = hx_print(run->arena, "a list %s %s%s%s", listing->negated ? "without" : "with", name, in, room);
	const char *what = listing->negated ? "the list names somebody or something it must not"
	                   : entry.found > 0 ? "the list names the user in another room"
	                                     : "the list does not name somebody or something it must";
	hx_find(run, rule, false, what, expected, hx_escape(run, (struct c2w_str){ item->octets, item->length }));
}

/* ---- fields ----------------------------------------------------------------------------------- */

static const char *as_it_should(struct hx_run *run, const struct hx_item *item, struct c2w_str time, struct c2w_str user, struct c2w_str data)
{
	return hx_print(run->arena, "%s: %s|%s|%s\\r\\n", hx_escape(run, time), hx_escape(run, item->message.command_text),
	                hx_escape(run, user), hx_escape(run, data));
}

static void judge_field(struct hx_run *run, enum c2w_rule rule, const char *what, const struct hx_item *item,
                        struct c2w_str wanted, struct c2w_str got)
{
	const struct c2w_message *m = &item->message;
	if (c2w_str_equal(wanted, got))
		return;
	struct c2w_str time = got.at == m->time_text.at ? wanted : m->time_text;
	struct c2w_str user = got.at == m->user.at && rule == C2W_FMT_03 ? wanted : m->user;
	struct c2w_str data = rule != C2W_FMT_02 && rule != C2W_FMT_03 ? wanted : m->data;
	hx_find(run, rule, false, what, as_it_should(run, item, time, user, data), hx_escape(run, (struct c2w_str){ item->octets, item->length }));
}

void hx_judge_origin(const struct hx_item *item)
{
	const struct hx_endpoint *endpoint = item->endpoint;
	if (!foreign(item) || !c2w_user_name_valid(item->message.user))
		return;
	judge_field(endpoint->run, C2W_FMT_02, "TIME is not that of any request", item, endpoint->request_message.time_text, item->message.time_text);
	judge_field(endpoint->run, C2W_FMT_03, "USER_NAME is nobody's who asked", item, endpoint->request_message.user, item->message.user);
}

static void judge_chat(struct hx_run *run, const struct hx_step *step, const struct hx_pattern *pattern, const struct wanted_chat *wanted,
                       const struct hx_item *item)
{
	enum c2w_rule text_rule = step->rule != C2W_NO_RULE && pattern->data != NULL ? step->rule : C2W_MSG_03;
	if (text_rule != C2W_MSG_03 && text_rule != C2W_FMT_04)
		text_rule = C2W_MSG_03;
	if (!pattern->data_any)
		judge_field(run, text_rule, "the text is not the one that was sent, octet for octet", item, wanted->text, item->message.data);
	if (item->stranger || pattern->user != NULL)
		judge_field(run, C2W_FMT_03, "the author is not the one who sent the text", item, wanted->author, item->message.user);
}

static void judge_fields(struct hx_run *run, const struct hx_step *step, const struct hx_pattern *pattern, const struct wanted_chat *chat, const struct hx_item *item)
{
	if (pattern->time != NULL)
		judge_field(run, C2W_FMT_02, "TIME is not the expected one, octet for octet", item, hx_eval_octets(run, pattern->time), item->message.time_text);
	if (pattern->command == C2W_NEW_MESSAGE)
		judge_chat(run, step, pattern, chat, item);
	else if (pattern->user != NULL)
		judge_field(run, C2W_FMT_03, "USER_NAME is not the expected one, octet for octet", item, hx_eval_octets(run, pattern->user), item->message.user);
	if (pattern->command != C2W_NEW_MESSAGE && pattern->data != NULL)
		judge_field(run, hx_rule_of(run, step), "the data is not the expected one", item, hx_eval_octets(run, pattern->data), item->message.data);
	for (const struct hx_listing *l = pattern->listing; l != NULL; l = l->next)
		judge_listing(run, step, l, item);
	if (pattern->capture >= 0)
		run->frames[run->depth - 1].variables[pattern->capture] = (struct hx_value){
			.type = HX_OCTETS,
			.octets = { hx_copy(run->arena, item->message.data.at, item->message.data.length), item->message.data.length },
		};
}

/* ---- taking ----------------------------------------------------------------------------------- */

bool hx_same_exchange(const struct hx_item *a, const struct hx_item *b)
{
	return a->message.command == b->message.command && a->message.time == b->message.time &&
	       c2w_str_equal(a->message.user, b->message.user);
}

void hx_take(struct hx_client *client, struct hx_item *item)
{
	struct hx_run *run = client->run;
	struct hx_item *other, *spare;
	run->unproved = false;
	DL_DELETE(client->inbox, item);
	run->waiting--;
	hx_item_free(run, client->last);
	client->last = item;
	client->last_at = item->at;
	DL_FOREACH_SAFE(client->inbox, other, spare) {
		if (other->repetition && !hx_same_exchange(other, item)) {
			DL_DELETE(client->inbox, other);
			run->waiting--;
			hx_item_free(run, other);
		}
	}
}

/* It has no room for this user, and that is not what the scenario is about. */
static bool says_full(const struct hx_run *run, const struct hx_item *item)
{
	const struct c2w_params *params = run->params;
	bool room = item->message.command == C2W_ENTER_MOVIE_ERROR && params->room_capacity != C2W_UNKNOWN_CAPACITY; /* else it is no limit that is known */
	int64_t code = room ? params->room_full : params->server_full;
	bool full = (room || item->message.command == C2W_CONNECTION_ERROR) && code != C2W_ANY && c2w_code_fits(code, item->message.code);
	for (unsigned i = 0; i < run->scenario->proves_count; i++)
		full = full && run->scenario->proves[i] != (room ? C2W_ENT_05 : C2W_CON_04);
	return full;
}

/* It is what the scenario asks for, among others. */
static bool expects_full(const struct hx_pattern *pattern)
{
	return pattern->code != NULL && pattern->code->kind == HX_PARAMETER &&
	       (pattern->code->index == C2W_PARAM_server_full_ || pattern->code->index == C2W_PARAM_room_full_);
}

static enum hx_progress wrong_answer(struct hx_run *run, const struct hx_step *step, struct hx_client *client, struct hx_item *item)
{
	bool full = says_full(run, item);
	if (full)
		run->outcome.refused = true;
	hx_find(run, hx_rule_of(run, step), full, full ? "the server says that it, or the room, is full" : "another answer than expected",
	        hx_expectation_text(run, step, client), hx_escape(run, (struct c2w_str){ item->octets, item->length }));
	hx_take(client, item);
	return HX_ENDED;
}

enum hx_progress hx_match(struct hx_run *run, const struct hx_step *step, struct hx_client *client)
{
	struct hx_item *stray = NULL;
	for (const struct hx_pattern *pattern = step->patterns; pattern != NULL; pattern = pattern->next) {
		bool chat = pattern->command == C2W_NEW_MESSAGE;
		struct hx_item *item = chat ? find_chat(run, pattern, client) : find_response(pattern, client);
		if (item == NULL)
			continue;
		if (!command_fits(run, pattern, item) || (says_full(run, item) && !expects_full(pattern))) {
			stray = item;
			continue;
		}
		struct wanted_chat wanted = { 0 };
		if (chat)
			wanted = wanted_chat(run, pattern, client);
		else
			hx_judge_origin(item);
		judge_fields(run, step, pattern, &wanted, item);
		hx_take(client, item);
		return HX_NEXT;
	}
	return stray != NULL ? wrong_answer(run, step, client, stray) : HX_BLOCKED;
}

static bool one_allows(struct hx_run *run, const struct hx_pattern *pattern, const struct hx_client *client, const struct hx_item *item)
{
	if (!command_fits(run, pattern, item))
		return false;
	if (pattern->command != C2W_NEW_MESSAGE || pattern->data_any)
		return true;
	struct wanted_chat wanted = wanted_chat(run, pattern, client);
	return chat_likeness(run, &wanted, item) > 0;
}

/* A permission is read with the variables of the place where it was given. */
static bool is_allowed(struct hx_run *run, const struct hx_client *client, const struct hx_item *item)
{
	struct hx_frame *frame = &run->frames[run->depth - 1];
	struct hx_value *variables = frame->variables;
	bool allowed = false;
	for (unsigned i = 0; i < client->allowed_count && !allowed; i++) {
		frame->variables = client->allowed[i].variables;
		for (const struct hx_pattern *p = client->allowed[i].step->patterns; p != NULL && !allowed; p = p->next)
			allowed = one_allows(run, p, client, item);
	}
	frame->variables = variables;
	return allowed;
}

/* Was what this answers sent only after the silence was claimed? Its TIME is a fresh one then. */
static bool answers_later(const struct hx_run *run, const struct hx_client *client, const struct hx_item *item)
{
	return item->message.time > client->silence_time && item->message.time <= run->time_last;
}

struct hx_item *hx_forbidden(struct hx_run *run, struct hx_client *client, enum c2w_rule rule, int64_t repetitions_from, bool earlier)
{
	struct hx_item *item;
	DL_FOREACH(client->inbox, item) {
		if (item->stranger || (item->repetition && (client->may_repeat || item->at < repetitions_from)))
			continue;
		if (item->surplus && repetitions_from == INT64_MAX && rule != C2W_MSG_04)
			continue;
		if (!is_allowed(run, client, item) && (!earlier || !answers_later(run, client, item)))
			return item;
	}
	return NULL;
}

/* ---- words ------------------------------------------------------------------------------------ */

static const char *pattern_text(struct hx_run *run, const struct hx_pattern *pattern, const struct hx_client *client)
{
	const char *name = c2w_command_info(pattern->command)->name;
	if (pattern->command == C2W_NEW_MESSAGE) {
		struct wanted_chat wanted = wanted_chat(run, pattern, client);
		return hx_print(run->arena, "%s|%s|%s", name, hx_escape(run, wanted.author), pattern->data_any ? "..." : hx_escape(run, wanted.text));
	}
	if (pattern->code == NULL)
		return c2w_command_info(pattern->command)->beat == C2W_ERROR_RESPONSE ? hx_print(run->arena, "%s_...", name) : name;
	double code = hx_eval(run, pattern->code).number;
	unsigned digits = c2w_command_info(pattern->command)->digits;
	return code < 0 ? hx_print(run->arena, "%s_...", name) : hx_print(run->arena, "%s_%0*.0f", name, (int)digits, code);
}

const char *hx_expectation_text(struct hx_run *run, const struct hx_step *step, const struct hx_client *client)
{
	const char *text = hx_print(run->arena, "%s < ", client->name);
	for (const struct hx_pattern *p = step->patterns; p != NULL; p = p->next)
		text = hx_print(run->arena, "%s%s%s", text, pattern_text(run, p, client), p->next != NULL ? " or " : "");
	if (step->op == HX_SAME && client->last != NULL)
		text = hx_print(run->arena, "%s%s", text, hx_escape(run, (struct c2w_str){ client->last->octets, client->last->length }));
	if (step->op == HX_END)
		text = hx_print(run->arena, "%send of the connection (FIN or RST)", text);
	return text;
}
