/* Expressions of a scenario as values, and the names and TIMEs that a run makes.
 * Called by the engine's other files only. Octets live in the run's arena, in the suite, or in a client;
 * nothing here is freed before the run is. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run.h"
#include "protocol/time.h"

static struct hx_value number_value(enum hx_type type, double number)
{
	return (struct hx_value){ .type = type, .number = number };
}

static struct hx_value octets_value(struct c2w_str octets)
{
	return (struct hx_value){ .type = HX_OCTETS, .octets = octets };
}

static struct hx_value parameter_value(const struct c2w_params *params, enum c2w_param param)
{
	const struct c2w_param_info *info = c2w_param_info(param);
	const char *field = (const char *)params + info->offset;
	int64_t number = 0;
	switch (info->kind) {
	case C2W_PARAM_TEXT:
		return octets_value(c2w_str_of(field));
	case C2W_PARAM_TOLERANCE:
		return number_value(HX_NUMBER, 0);
	case C2W_PARAM_AUTO_DURATION:
	case C2W_PARAM_DURATION:
		memcpy(&number, field, sizeof(number));
		return number_value(HX_DURATION, (double)number);
	case C2W_PARAM_COUNT:
	case C2W_PARAM_AUTO_COUNT:
	case C2W_PARAM_OCTETS:
	case C2W_PARAM_CODE:
	case C2W_PARAM_CHECKED:
	case C2W_PARAM_CAPACITY:
		memcpy(&number, field, sizeof(number));
		return number_value(HX_NUMBER, (double)number);
	}
	return number_value(HX_NUMBER, 0);
}

static struct hx_value join(struct hx_run *run, const struct hx_value *a, struct hx_value b)
{
	if (a->type != HX_OCTETS && a->type != HX_CLIENT)
		return number_value(a->type == HX_DURATION ? HX_DURATION : b.type, a->number + b.number);
	size_t length = a->octets.length + b.octets.length;
	char *to = hx_alloc(run->arena, length + 1);
	memcpy(to, a->octets.at, a->octets.length);
	memcpy(to + a->octets.length, b.octets.at, b.octets.length);
	return octets_value((struct c2w_str){ to, length });
}

static struct hx_value times(struct hx_run *run, struct hx_value a, struct hx_value b)
{
	if (b.type == HX_OCTETS) {
		struct hx_value swap = a;
		a = b;
		b = swap;
	}
	if (a.type != HX_OCTETS)
		return number_value(a.type == HX_DURATION || b.type == HX_DURATION ? HX_DURATION : HX_NUMBER, a.number * b.number);
	size_t count = b.number > 0 ? (size_t)b.number : 0;
	if (a.octets.length > 0 && count > HX_MAX_STRING / a.octets.length)
		count = HX_MAX_STRING / a.octets.length;
	char *to = hx_alloc(run->arena, a.octets.length * count + 1);
	for (size_t i = 0; i < count && a.octets.length > 0; i++)
		memcpy(to + i * a.octets.length, a.octets.at, a.octets.length);
	return octets_value((struct c2w_str){ to, a.octets.length * count });
}

static struct hx_value quotient(struct hx_value a, struct hx_value b)
{
	double number = fpclassify(b.number) == FP_ZERO ? 0 : a.number / b.number;
	return number_value(a.type == HX_DURATION && b.type != HX_DURATION ? HX_DURATION : HX_NUMBER, number);
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static struct hx_value random_octets(struct hx_run *run, int64_t length)
{
	size_t count = length > HX_MAX_STRING ? HX_MAX_STRING : (size_t)length;
	char *to = hx_alloc(run->arena, count + 1);
	for (size_t i = 0; i < count; i++) {
		to[i] = (char)(' ' + next_random(&run->random) % ('~' - ' ' + 1));
		if (to[i] == '|')
			to[i] = '!';
	}
	return octets_value((struct c2w_str){ to, count });
}

static bool same_place(const struct hx_place *a, const struct hx_place *b)
{
	return a->line == b->line && a->column == b->column && strcmp(a->file, b->file) == 0;
}

static struct hx_value unused_name(struct hx_run *run, const struct hx_expr *expr, int64_t length)
{
	for (unsigned i = 0; i < run->name_count; i++)
		if (same_place(&run->name_places[i], &expr->place) && run->names[i].length == (size_t)length)
			return octets_value(run->names[i]);
	size_t octets = length > HX_MAX_STRING ? HX_MAX_STRING : (size_t)length;
	char *to = hx_alloc(run->arena, octets + 1);
	hx_make_name(run->target, "n", octets, to);
	struct c2w_str name = { to, octets };
	if (run->name_count < sizeof(run->names) / sizeof(run->names[0])) {
		run->name_places[run->name_count] = expr->place;
		run->names[run->name_count++] = name;
	}
	return octets_value(name);
}

static struct hx_value time_of(struct hx_run *run, const struct hx_client *client, int64_t step)
{
	const struct hx_endpoint *endpoint = client->endpoint;
	if (endpoint == NULL || endpoint->request.length == 0)
		return octets_value(C2W_STR("0"));
	struct c2w_str text = endpoint->request_message.time_text;
	if (step == 0)
		return octets_value((struct c2w_str){ hx_copy(run->arena, text.at, text.length), text.length });
	char *to = hx_alloc(run->arena, C2W_MAX_TIME_TEXT + 1);
	int64_t us = endpoint->request_message.time + step;
	return octets_value((struct c2w_str){ to, c2w_time_format(to, us < 0 ? 0 : us, C2W_MAX_TIME_FRACTION) });
}

static struct hx_value title(struct hx_run *run, int64_t number)
{
	const struct hx_target *target = run->target;
	if (number < 1 || (uint64_t)number > target->title_count)
		return octets_value(C2W_STR(""));
	return octets_value(c2w_str_of(target->titles[number - 1]));
}

static bool is_title(const struct hx_target *target, struct c2w_str octets)
{
	for (unsigned i = 0; i < target->title_count; i++)
		if (c2w_str_equal(c2w_str_of(target->titles[i]), octets))
			return true;
	return false;
}

/* Where it is a title, there are question marks behind it. In the other case, letters beyond ASCII stay as they are. */
static struct hx_value unlisted(struct hx_run *run, struct c2w_str octets, bool miscased)
{
	char *to = hx_alloc(run->arena, octets.length + run->target->title_count + 1);
	struct c2w_str other = { to, octets.length };
	for (size_t i = 0; i < octets.length; i++) {
		bool letter = (octets.at[i] | ' ') >= 'a' && (octets.at[i] | ' ') <= 'z';
		to[i] = (char)(letter && miscased ? octets.at[i] ^ ' ' : octets.at[i]);
	}
	while (is_title(run->target, other))
		to[other.length++] = '?';
	return octets_value(other);
}

static struct hx_value client_value(const struct hx_run *run, unsigned index, enum hx_type type)
{
	struct c2w_str user = c2w_str_of(run->clients[index].user);
	return (struct hx_value){ .type = type, .octets = user, .client = index };
}

struct hx_value hx_eval(struct hx_run *run, const struct hx_expr *expr)
{
	const struct hx_frame *frame = &run->frames[run->depth - 1];
	struct hx_value left;
	switch (expr->kind) {
	case HX_LITERAL_OCTETS:
		return octets_value(expr->octets);
	case HX_LITERAL_NUMBER:
		return number_value(expr->type, expr->number);
	case HX_VARIABLE:
		return frame->variables[expr->index];
	case HX_PARAMETER:
		return parameter_value(run->params, (enum c2w_param)expr->index);
	case HX_CAST:
		return client_value(run, expr->index, expr->type);
	case HX_JOIN:
		left = hx_eval(run, expr->left);
		return join(run, &left, hx_eval(run, expr->right));
	case HX_MINUS:
		left = hx_eval(run, expr->left);
		left.number -= hx_eval(run, expr->right).number;
		return left;
	case HX_TIMES:
		return times(run, hx_eval(run, expr->left), hx_eval(run, expr->right));
	case HX_DIVIDED:
		return quotient(hx_eval(run, expr->left), hx_eval(run, expr->right));
	case HX_NAME:
		return unused_name(run, expr, hx_eval_whole(run, expr->left));
	case HX_RANDOM:
		return random_octets(run, hx_eval_whole(run, expr->left));
	case HX_MOVIE:
		return octets_value(run->options.leases[expr->index]);
	case HX_TITLES:
		return number_value(HX_NUMBER, run->target->title_count < HX_MAX_TITLES ? run->target->title_count : HX_MAX_TITLES);
	case HX_TITLE:
		return title(run, hx_eval_whole(run, expr->left));
	case HX_TIME_OF:
		return time_of(run, hx_eval_client(run, expr->left), 0);
	case HX_EARLIER:
		return time_of(run, hx_eval_client(run, expr->left), -1);
	case HX_MISCASED:
	case HX_UNLISTED:
		return unlisted(run, hx_eval_octets(run, expr->left), expr->kind == HX_MISCASED);
	case HX_DECIMAL:
		return octets_value(hx_eval_octets(run, expr->left));
	case HX_LENGTH:
		return number_value(HX_NUMBER, (double)hx_eval_octets(run, expr->left).length);
	}
	return number_value(HX_NUMBER, 0);
}

double hx_number_of(const struct c2w_params *params, const struct hx_expr *expr)
{
	double left, right;

	if (expr->kind == HX_PARAMETER)
		return parameter_value(params, (enum c2w_param)expr->index).number;
	if (expr->left == NULL)
		return expr->number;
	left = hx_number_of(params, expr->left);
	right = hx_number_of(params, expr->right);
	return expr->kind == HX_TIMES ? left * right : expr->kind == HX_MINUS ? left - right : left + right;
}

struct c2w_str hx_eval_octets(struct hx_run *run, const struct hx_expr *expr)
{
	struct hx_value value = hx_eval(run, expr);
	if (value.type == HX_OCTETS || value.type == HX_CLIENT)
		return value.octets;
	char *text = hx_print(run->arena, "%.0f", value.number);
	return c2w_str_of(text);
}

int64_t hx_eval_whole(struct hx_run *run, const struct hx_expr *expr)
{
	double number = hx_eval(run, expr).number;
	return number > 0 ? llround(number) : 0;
}

struct hx_client *hx_eval_client(struct hx_run *run, const struct hx_expr *expr)
{
	return &run->clients[hx_eval(run, expr).client];
}

int64_t hx_fresh_time(struct hx_run *run, const struct hx_endpoint *endpoint, char to[C2W_MAX_TIME_TEXT + 1])
{
	static const int64_t greatest = INT64_C(9999999999999999);
	/* Three digits as most clients write them, six now and then: both must come back as they are (FMT-02). */
	unsigned fraction = run->time_count++ % 4 == 3 ? 6 : 3;
	int64_t unit = fraction == 6 ? 1 : 1000;
	int64_t now = (net_now(run->net) + net_wall_offset(run->net)) / 1000;
	int64_t floor = run->time_last > endpoint->time_floor ? run->time_last : endpoint->time_floor;
	int64_t us = now > floor ? now : floor + 1;
	us = (us + unit - 1) / unit * unit;
	if (us > greatest)
		us = greatest;
	if (us < greatest - 1000000)
		run->time_last = us;
	to[c2w_time_format(to, us, fraction)] = '\0';
	return us;
}

/* stem "-" nonce serial: the serial in base 36, so that 32 octets last for billions of runs. */
size_t hx_name_tail(const struct hx_target *target)
{
	size_t digits = 0;
	for (unsigned serial = target->names + 1; serial > 0; serial /= 36)
		digits++;
	return 1 + strlen(target->nonce) + digits;
}

void hx_make_name(struct hx_target *target, const char *stem, size_t length, char *to)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	size_t tail = hx_name_tail(target), at = length, stem_length = strlen(stem), nonce = strlen(target->nonce);
	for (unsigned serial = ++target->names; serial > 0 && at > 0; serial /= 36)
		to[--at] = digits[serial % 36];
	for (size_t i = nonce; i > 0 && at > 0; i--)
		to[--at] = target->nonce[i - 1];
	if (at > 0 && length > tail)
		to[--at] = '-';
	for (size_t i = 0; i < at; i++)
		to[i] = i < stem_length ? stem[i] : 'x';
	to[length] = '\0';
}

bool hx_name_is_of_this_run(const struct hx_target *target, struct c2w_str user)
{
	return memmem(user.at, user.length, target->nonce, strlen(target->nonce)) != NULL;
}

bool hx_name_is_of_a_run(struct c2w_str user)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	size_t tail = 0;
	while (tail < user.length && memchr(digits, user.at[user.length - 1 - tail], 36) != NULL)
		tail++;
	return tail >= 6 && tail < user.length && user.at[user.length - 1 - tail] == '-';
}

bool hx_name_is_ours(const struct hx_run *run, struct c2w_str user)
{
	for (unsigned i = 0; i < run->client_count; i++)
		if (c2w_str_equal(user, c2w_str_of(run->clients[i].user)))
			return true;
	for (unsigned i = 0; i < run->name_count; i++)
		if (c2w_str_equal(user, run->names[i]))
			return true;
	for (const struct hx_endpoint *e = run->endpoints; e != NULL; e = e->next)
		if (e->session.length > 0 && c2w_str_equal(user, (struct c2w_str){ e->session.at, e->session.length }))
			return true;
	return false;
}
