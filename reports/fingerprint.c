/* How a target repeats what nobody acks, in words: what was seen, what the profile says, which option to give. For the terminal and
 * whatever else tells it. Strings are the caller's (free). */
#include <stdlib.h>
#include <string.h>

#include "reports/result.h"

static const int64_t ms = 1000000;

/* The roundest time within 3 % of it, as -D takes it: "5s", "300ms". */
static void put_round(FILE *to, int64_t time)
{
	static const int64_t steps[] = { 1000, 500, 100, 50, 10, 1 };
	int64_t rounded = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int64_t step = steps[i] * ms;

		rounded = (time + step / 2) / step * step;
		if (llabs(rounded - time) * 100 <= 3 * time)
			break;
	}
	if (rounded % (1000 * ms) == 0 && rounded > 0)
		fprintf(to, "%llds", (long long)(rounded / (1000 * ms)));
	else
		fprintf(to, "%lldms", (long long)(rounded / ms > 0 ? rounded / ms : 1));
}

static void put_seconds(FILE *to, int64_t time)
{
	fprintf(to, "%.*f s", time < 10000 * ms ? 2 : 1, (double)time / 1e9);
}

static const char *times(int64_t count)
{
	return count == 1 ? "time" : "times";
}

static bool is_back_off(const struct rp_fingerprint *print)
{
	return print->factor > 0 && llabs(print->factor - 1000) > 150;
}

static void put_pace(FILE *to, const struct rp_fingerprint *print)
{
	if (is_back_off(print)) {
		fputs(" after", to);
		for (size_t i = 0; i < print->intervals_count && i < 6; i++)
			fprintf(to, "%s %.2f", i > 0 ? "," : "", (double)print->intervals[i] / 1e9);
		fprintf(to, "%s s, each %.1f times the one before", print->intervals_count > 6 ? " …" : "", (double)print->factor / 1000);
		return;
	}
	fputs(print->intervals_count == 1 ? " after " : " every ", to);
	put_seconds(to, print->median);
	if (print->most - print->least >= 10 * ms) {
		fputs(" (", to);
		put_seconds(to, print->least);
		fputs(" to ", to);
		put_seconds(to, print->most);
		fputc(')', to);
	}
}

static void put_end(FILE *to, const struct rp_fingerprint *print)
{
	switch (print->stop) {
	case RP_STOP_UNWATCHED:
		break;
	case RP_STOP_SESSION:
		fputs(", then no more; the session ended", to);
		break;
	case RP_STOP_COUNT:
		fputs(", then no more; the session did not end", to);
		break;
	case RP_STOP_ACK:
		fputs(" and would go on: only an ack stopped it", to);
		break;
	case RP_STOP_NEVER:
		fputs(" and on and on: not even an ack stopped it", to);
		break;
	case RP_STOP_UNSEEN:
		fputs("; more may come, it was watched for ", to);
		put_seconds(to, print->watched);
		break;
	case RP_STOPS:
		break;
	}
}

static char *closed(FILE *to, char **text)
{
	if (fclose(to) != 0)
		abort();
	return *text;
}

char *rp_fingerprint_seen(const struct rp_fingerprint *print)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		abort();
	if (print->stop == RP_STOP_UNWATCHED) {
		fputs(print->reason != NULL ? print->reason : "nothing: nobody watched", to);
	} else if (print->intervals_count == 0) {
		fputs("never within ", to);
		put_seconds(to, print->watched);
		fputs(print->stop == RP_STOP_SESSION ? "; the session ended" : print->stop == RP_STOP_UNSEEN ? ", when the watch ended" : "", to);
	} else {
		fprintf(to, "%zu %s", print->intervals_count, times((int64_t)print->intervals_count));
		put_pace(to, print);
		put_end(to, print);
	}
	return closed(to, &text);
}

char *rp_fingerprint_profile(const struct rp_result *result)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		abort();
	fprintf(to, "%lld %s every ", (long long)result->params.max_retransmits, times(result->params.max_retransmits));
	put_round(to, result->params.rto);
	fputs(", then the session ends", to);
	return closed(to, &text);
}

static bool has_another_pace(const struct rp_result *result)
{
	const struct rp_fingerprint *print = &result->target.fingerprint;
	int64_t rto = result->params.rto;

	return print->median < rto - rto / 1000 * result->params.rto_tolerance.early || print->median > rto + rto / 1000 * result->params.rto_tolerance.late;
}

/* What may be a matter of parameters, and what no parameter makes right. */
static void put_options(FILE *to, const struct rp_result *result)
{
	const struct rp_fingerprint *print = &result->target.fingerprint;
	bool counted = print->stop == RP_STOP_SESSION || print->stop == RP_STOP_COUNT;
	bool rto = has_another_pace(result), count = counted && (int64_t)print->intervals_count != result->params.max_retransmits;

	if (!rto && !count)
		return;
	fputs("If your class was told so, say ", to);
	if (rto) {
		fputs("-D rto=", to);
		put_round(to, print->median);
	}
	if (count)
		fprintf(to, "%s-D max-retransmits=%zu", rto ? " " : "", print->intervals_count);
	fputs(rto && !counted ? " -D max-retransmits=N" : "", to);
	fputs(" (or auto).", to);
}

char *rp_fingerprint_advice(const struct rp_result *result)
{
	const struct rp_fingerprint *print = &result->target.fingerprint;
	char *text = NULL;
	size_t size;
	FILE *to;

	if (!rp_fingerprint_differs(result))
		return NULL;
	to = open_memstream(&text, &size);
	if (to == NULL)
		abort();
	if (print->intervals_count == 0)
		fputs("What is not acked must be sent again (REL-04). If your class was told a longer time than that, say it: -D rto=…", to);
	else if (is_back_off(print))
		fputs("No option makes that right: the pace is to be a steady one (REL-05).", to);
	else if (print->stop == RP_STOP_ACK || print->stop == RP_STOP_NEVER)
		fputs("No option makes that right: there is to be an end (REL-06).", to);
	else
		put_options(to, result);
	closed(to, &text);
	if (*text != '\0')
		return text;
	free(text);
	return NULL;
}
