/* Types of expressions. See check_types.h.
 * Called by check.c. A parameter of an exchange has the type that its first telling use wants. */
#include "harness/check_types.h"

static struct hx_expr *writable(const struct hx_expr *expr)
{
	return (struct hx_expr *)expr; /* the tree is constant only once it is checked */
}

static unsigned bit(int type)
{
	return type < 0 ? 0 : 1u << type;
}

static const char *describe(struct hx_checker *checker, unsigned want)
{
	static const char *const names[] = {
		[HX_OCTETS] = "octets", [HX_NUMBER] = "a number", [HX_DURATION] = "a duration", [HX_CLIENT] = "a client"
	};
	const char *text = "";

	for (unsigned type = HX_OCTETS; type <= HX_CLIENT; type++)
		if (want & 1u << type)
			text = hx_print(checker->arena, "%s%s%s", text, *text ? " or " : "", names[type]);
	return text;
}

/* What one would have to write instead. */
static const char *hint(struct hx_checker *checker, const struct hx_expr *expr, int type, unsigned want)
{
	if (expr->kind == HX_CAST && checker->scenario && want == HX_WANT_CLIENT)
		return hx_print(checker->arena, "; $%s is her user name, %s the client", checker->scenario->cast[expr->index].name,
		                checker->scenario->cast[expr->index].name);
	if (type == HX_NUMBER && want == HX_WANT_OCTETS)
		return "; decimal(…) writes a number as octets";
	return type == HX_NUMBER && want == HX_WANT_DURATION ? "; durations have units: 200ms, 1s" : "";
}

/* The type that expr has where `want` is wanted: a client stands for her user name where octets are. */
static int settle(struct hx_checker *checker, const struct hx_expr *expr, int type, unsigned want)
{
	if (type == HX_CLIENT && !(want & HX_WANT_CLIENT) && want & HX_WANT_OCTETS)
		type = HX_OCTETS;
	if (type >= 0 && !(want & bit(type))) {
		hx_complain(checker->complaints, expr->place, "expected %s, this is %s%s", describe(checker, want),
		            describe(checker, bit(type)), hint(checker, expr, type, want));
		return -1;
	}
	if (type >= 0)
		writable(expr)->type = (enum hx_type)type;
	return type;
}

/* ---- leaves --------------------------------------------------------------------------------- */

static int type_of_variable(struct hx_checker *checker, unsigned slot, unsigned want)
{
	int *type = &checker->types[slot];

	if (*type == HX_OCTETS && checker->soft[slot] && want == HX_WANT_CLIENT)
		*type = HX_CLIENT;
	if (*type >= 0 || want == HX_WANT_ANY)
		return *type;
	if (want & HX_WANT_OCTETS)
		*type = HX_OCTETS;
	else if (want & HX_WANT_NUMBER)
		*type = HX_NUMBER;
	else
		*type = want & HX_WANT_DURATION ? HX_DURATION : HX_CLIENT;
	checker->soft[slot] = *type == HX_OCTETS;
	return *type;
}

static bool capacity_missing(const struct hx_checker *checker, enum c2w_param param)
{
	const struct hx_scenario *scenario = checker->scenario;

	if (param == C2W_PARAM_capacity_)
		return !scenario || !scenario->needs.capacity;
	return param == C2W_PARAM_room_capacity_ && (!scenario || !scenario->needs.room_capacity);
}

static int type_of_parameter(struct hx_checker *checker, const struct hx_expr *expr)
{
	const struct c2w_param_info *info = c2w_param_info((enum c2w_param)expr->index);

	switch (info->kind) {
	case C2W_PARAM_AUTO_DURATION:
	case C2W_PARAM_DURATION:
		return HX_DURATION;
	case C2W_PARAM_COUNT:
	case C2W_PARAM_AUTO_COUNT:
	case C2W_PARAM_OCTETS:
		return HX_NUMBER;
	case C2W_PARAM_TEXT:
		return HX_OCTETS;
	case C2W_PARAM_CAPACITY:
		if (capacity_missing(checker, (enum c2w_param)expr->index))
			hx_complain(checker->complaints, expr->place, "$%s is unknown unless the scenario `needs %s`", info->name, info->name);
		return HX_NUMBER;
	case C2W_PARAM_CODE:
		hx_complain(checker->complaints, expr->place, "$%s may be any code; it stands behind an error command only", info->name);
		return -1;
	case C2W_PARAM_TOLERANCE:
	case C2W_PARAM_CHECKED:
		hx_complain(checker->complaints, expr->place, "$%s has no value to compute with", info->name);
		return -1;
	}
	return -1;
}

static int type_of_member(struct hx_checker *checker, const struct hx_expr *expr)
{
	checker->used[expr->index] = true;
	return (int)expr->type;
}

/* ---- operators ------------------------------------------------------------------------------ */

/* A parameter of an exchange that nothing told the type of yet: the other operand tells. */
static bool untold(const struct hx_checker *checker, const struct hx_expr *expr)
{
	return expr && expr->kind == HX_VARIABLE && checker->types[expr->index] < 0;
}

static unsigned narrow(unsigned possible, unsigned want)
{
	return possible & want ? possible & want : possible;
}

/* a + b, a - b: both of one type. */
static int type_of_sum(struct hx_checker *checker, const struct hx_expr *expr, unsigned possible)
{
	bool right_first = untold(checker, expr->left);
	const struct hx_expr *first = right_first ? expr->right : expr->left;
	const struct hx_expr *second = right_first ? expr->left : expr->right;
	int type = hx_check_expr(checker, first, possible);

	hx_check_expr(checker, second, type < 0 ? possible : bit(type));
	return type;
}

/* "x" * 3, 2 * $rto, $rto * 2, 2 * 3 */
static int type_of_product(struct hx_checker *checker, const struct hx_expr *expr, unsigned want)
{
	unsigned possible = want == HX_WANT_OCTETS ? HX_WANT_OCTETS : HX_WANT_OCTETS | HX_WANT_NUMBER | HX_WANT_DURATION;
	int left = hx_check_expr(checker, expr->left, possible);
	int right = hx_check_expr(checker, expr->right, left == HX_NUMBER ? HX_WANT_NUMBER | HX_WANT_DURATION : HX_WANT_NUMBER);

	return left == HX_NUMBER ? right : left;
}

/* 6 / 2, $rto / 2, $rto / 10ms */
static int type_of_quotient(struct hx_checker *checker, const struct hx_expr *expr)
{
	int left = hx_check_expr(checker, expr->left, HX_WANT_NUMBER | HX_WANT_DURATION);
	int right = hx_check_expr(checker, expr->right, left == HX_DURATION ? HX_WANT_NUMBER | HX_WANT_DURATION : HX_WANT_NUMBER);

	return right == HX_DURATION ? HX_NUMBER : left;
}

static int type_of_function(struct hx_checker *checker, const struct hx_expr *expr, unsigned argument, enum hx_type type)
{
	hx_check_expr(checker, expr->left, argument);
	return (int)type;
}

static int type_of_title(struct hx_checker *checker, const struct hx_expr *expr)
{
	const struct hx_expr *number = expr->left;

	hx_check_expr(checker, number, HX_WANT_NUMBER);
	hx_check_count(checker, number, 1, 1000);
	if (number && number->kind == HX_LITERAL_NUMBER && number->number <= 1000 && checker->movies < (unsigned)number->number)
		checker->movies = (unsigned)number->number;
	return HX_OCTETS;
}

static int type_of_name(struct hx_checker *checker, const struct hx_expr *expr)
{
	hx_check_expr(checker, expr->left, HX_WANT_NUMBER);
	hx_check_count(checker, expr->left, 1, C2W_MAX_USER);
	return HX_OCTETS;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static int type_of(struct hx_checker *checker, const struct hx_expr *expr, unsigned want)
{
	switch (expr->kind) {
	case HX_LITERAL_OCTETS:
	case HX_LITERAL_NUMBER:
	case HX_MOVIE:
		return (int)expr->type;
	case HX_VARIABLE:
		return type_of_variable(checker, expr->index, want);
	case HX_PARAMETER:
		return type_of_parameter(checker, expr);
	case HX_CAST:
		return type_of_member(checker, expr);
	case HX_JOIN:
		return type_of_sum(checker, expr, narrow(HX_WANT_OCTETS | HX_WANT_NUMBER | HX_WANT_DURATION, want));
	case HX_MINUS:
		return type_of_sum(checker, expr, HX_WANT_NUMBER | HX_WANT_DURATION);
	case HX_TIMES:
		return type_of_product(checker, expr, want);
	case HX_DIVIDED:
		return type_of_quotient(checker, expr);
	case HX_NAME:
		return type_of_name(checker, expr);
	case HX_TITLE:
		return type_of_title(checker, expr);
	case HX_TITLES:
		checker->movies = checker->movies > 0 ? checker->movies : 1;
		return HX_NUMBER;
	case HX_RANDOM:
	case HX_DECIMAL:
		return type_of_function(checker, expr, HX_WANT_NUMBER, HX_OCTETS);
	case HX_TIME_OF:
	case HX_EARLIER:
		return type_of_function(checker, expr, HX_WANT_CLIENT, HX_OCTETS);
	case HX_LENGTH:
		return type_of_function(checker, expr, HX_WANT_OCTETS, HX_NUMBER);
	case HX_MISCASED:
	case HX_UNLISTED:
		return type_of_function(checker, expr, HX_WANT_OCTETS, HX_OCTETS);
	}
	return -1;
}

int hx_check_expr(struct hx_checker *checker, const struct hx_expr *expr, unsigned want)
{
	return expr ? settle(checker, expr, type_of(checker, expr, want), want) : -1;
}

void hx_check_count(struct hx_checker *checker, const struct hx_expr *expr, double least, double most)
{
	double number = expr ? expr->number : 0;

	if (!expr || expr->kind != HX_LITERAL_NUMBER || expr->type != HX_NUMBER)
		return;
	if (number < least || number > most || number > (double)(uint64_t)number)
		hx_complain(checker->complaints, expr->place, "expected a whole number from %.0f to %.0f", least, most);
}
