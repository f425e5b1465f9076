/* The ladder of ladder.h. Times are ms since the scenario began; what all TIMEs of the messages shown have in front in
 * common is left out; so is the CR LF of a message that ends with it. Where the columns don't fit, names stand in their place. */
#include "reports/ladder.h"

#include <stdlib.h>
#include <string.h>

#include "reports/text.h"

enum {
	MAX_COLUMNS = 16,        /* more clients than that: names in their place */
	TIME_WIDTH = 8,
	NARROW = 6, WIDE = 10,   /* of a client's column */
	NAME_WIDTH = 10,         /* where names stand instead of columns */
	LEAST_TEXT = 26,
	LONG_GAP = 100 * 1000 * 1000, /* ns: worth a line of its own */
	LEAST_PREFIX = 6, LEAST_TIME = 4,
};

struct ladder {
	const struct rp_scenario *scenario;
	const struct rp_ladder_options *options;
	FILE *to;
	const struct rp_event *first, *end;
	const char *clients[MAX_COLUMNS];
	unsigned client_count;   /* 0: names instead of columns */
	unsigned column;         /* width of a client's */
	unsigned left_out;       /* octets of every TIME */
	bool mixed;              /* UDP and TCP */
};

static const struct rp_event *window_end(const struct rp_scenario *scenario, int64_t until)
{
	size_t end = scenario->timeline_count;

	while (end > 0 && scenario->timeline[end - 1].at > until)
		end--;
	return scenario->timeline + (end > 0 ? end : scenario->timeline_count);
}

/* Octets of the TIME in front of a message; 0: there is none. */
static unsigned time_length(const struct rp_event *event)
{
	unsigned length = 0;

	while (length < event->length && length <= C2W_MAX_TIME_TEXT &&
	       ((event->octets[length] >= '0' && event->octets[length] <= '9') || event->octets[length] == '.'))
		length++;
	return length < event->length && event->octets[length] == ':' ? length : 0;
}

static unsigned common_prefix(const struct ladder *ladder)
{
	const struct rp_event *model = NULL;
	unsigned common = 0;

	for (const struct rp_event *event = ladder->first; event < ladder->end; event++) {
		unsigned length = time_length(event), same = 0;

		if (length == 0)
			continue;
		if (model == NULL) {
			model = event;
			common = length;
		}
		while (same < common && same + LEAST_TIME < length && model->octets[same] == event->octets[same])
			same++;
		common = same;
	}
	return common < LEAST_PREFIX ? 0 : common;
}

static bool is_in(const struct ladder *ladder, const char *client)
{
	for (const struct rp_event *event = ladder->first; event < ladder->end; event++)
		if (strcmp(event->client, client) == 0)
			return true;
	return false;
}

/* The clients of the messages shown, in the order in which the scenario brought them in. */
static void clients_find(struct ladder *ladder)
{
	for (const struct rp_event *event = ladder->scenario->timeline; event < ladder->end; event++) {
		unsigned i = 0;

		while (i < ladder->client_count && strcmp(ladder->clients[i], event->client) != 0)
			i++;
		if (i < ladder->client_count || !is_in(ladder, event->client))
			continue;
		if (i == MAX_COLUMNS) {
			ladder->client_count = 0;
			return;
		}
		ladder->clients[ladder->client_count++] = event->client;
	}
}

static bool is_mixed(const struct ladder *ladder)
{
	for (const struct rp_event *event = ladder->first; event < ladder->end; event++)
		if (event->tcp != ladder->first->tcp)
			return true;
	return false;
}

/* What stands beside the arrow: the message, and a note in parentheses. The caller frees it. */
static char *event_text(const struct ladder *ladder, const struct rp_event *event)
{
	size_t length = event->length, skipped = 0;
	bool whole = length >= 2 && memcmp(event->octets + length - 2, "\r\n", 2) == 0 && event->cut == 0;
	char *text = NULL, *shown, *note = rp_shown_text(event->note == NULL ? "" : event->note);
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		abort();
	if (ladder->left_out > 0 && time_length(event) > 0)
		skipped = ladder->left_out;
	length -= whole ? 2 : 0;
	if (length - skipped > 8 * (size_t)ladder->options->width) {
		shown = rp_shown_octets(event->octets + skipped, 8 * (size_t)ladder->options->width);
		whole = true;
	} else {
		shown = rp_shown_octets(length == 0 ? "" : event->octets + skipped, length - skipped);
	}
	fprintf(to, "%s%s", skipped > 0 ? "…" : "", shown);
	if (event->octets != NULL && !whole)
		fputs(event->length == 0 ? "(empty)" : " (no CR LF)", to);
	if (*note != '\0')
		fprintf(to, "%s(%s)", event->octets == NULL ? "" : " ", note);
	if (fclose(to) != 0)
		abort();
	free(shown);
	free(note);
	return text;
}

/* The column of a client's line; of the server's for index client_count. */
static unsigned lifeline(const struct ladder *ladder, unsigned index)
{
	return index * ladder->column + (ladder->column - 1) / 2;
}

static unsigned text_width(const struct ladder *ladder)
{
	unsigned before = ladder->options->indent + 1 + TIME_WIDTH + 1;

	before += ladder->client_count > 0 ? lifeline(ladder, ladder->client_count) + 3 : NAME_WIDTH + 5;
	return ladder->options->width > before + LEAST_TEXT / 2 ? ladder->options->width - before : LEAST_TEXT / 2;
}

/* The widest columns that leave room for the longest text; names instead where even the narrow ones don't leave the least. */
static void columns_choose(struct ladder *ladder)
{
	unsigned longest = LEAST_TEXT;

	for (const struct rp_event *event = ladder->first; event < ladder->end; event++) {
		char *text = event_text(ladder, event);
		unsigned columns = rp_columns(text);

		longest = columns > longest ? columns : longest;
		free(text);
	}
	for (ladder->column = WIDE; ladder->column > NARROW && text_width(ladder) < longest;)
		ladder->column--;
	if (text_width(ladder) < LEAST_TEXT)
		ladder->client_count = 0;
}

/* Each name around its line. */
static void header_write(const struct ladder *ladder)
{
	fprintf(ladder->to, "%*s%*s ", (int)ladder->options->indent + 1, "", TIME_WIDTH, "ms");
	for (unsigned i = 0; i < ladder->client_count; i++) {
		char *name = rp_shown_text(ladder->clients[i]);
		unsigned columns = rp_columns(name), room = ladder->column - 1, left;

		columns = columns < room ? columns : room;
		left = (room - columns) / 2;
		rp_put_many(ladder->to, " ", left);
		rp_put_padded(ladder->to, name, columns);
		rp_put_many(ladder->to, " ", ladder->column - left - columns);
		free(name);
	}
	fprintf(ladder->to, "%s%s\n", ladder->column > NARROW && ladder->client_count > 0 ? " server" : "server",
		ladder->mixed ? "  (--- over UDP, === over TCP)" : "");
}

/* The lifelines, with `at` on each; an arrow between client and server over them where event is not NULL. */
static void lifelines_write(const struct ladder *ladder, char at, const struct rp_event *event)
{
	char row[(MAX_COLUMNS + 1) * WIDE];
	unsigned server = lifeline(ladder, ladder->client_count);

	memset(row, ' ', server);
	for (unsigned i = 0; i <= ladder->client_count; i++)
		row[lifeline(ladder, i)] = at;
	row[server + 1] = '\0';
	for (unsigned i = 0; event != NULL && i < ladder->client_count; i++) {
		unsigned from = lifeline(ladder, i);

		if (strcmp(ladder->clients[i], event->client) != 0)
			continue;
		if (event->octets == NULL) {
			row[from] = '*';
			continue;
		}
		memset(row + from + 1, event->tcp ? '=' : '-', server - from - 1);
		row[event->received ? from + 1 : server - 1] = event->received ? '<' : '>';
	}
	fputs(row, ladder->to);
}

static void name_write(const struct ladder *ladder, const struct rp_event *event)
{
	char *name = rp_shown_text(event->client);

	rp_put_padded(ladder->to, name, NAME_WIDTH);
	fputs(event->octets == NULL ? " * " : event->received ? " <-" : " ->", ladder->to);
	free(name);
}

static void gap_write(const struct ladder *ladder, int64_t ns, const char *what)
{
	fprintf(ladder->to, "%*s", (int)ladder->options->indent + 1 + TIME_WIDTH + 1, "");
	if (ladder->client_count > 0)
		lifelines_write(ladder, ':', NULL);
	fprintf(ladder->to, "  (%s%.1f ms)\n", what, (double)ns / 1e6);
}

static void event_write(const struct ladder *ladder, const struct rp_event *event)
{
	bool mark = event == ladder->options->offender;
	char *text = event_text(ladder, event);

	fprintf(ladder->to, "%*s%s%c%*.1f ", (int)ladder->options->indent, "", rp_style(ladder->options->colour && mark, RP_BAD),
		mark ? '>' : ' ', TIME_WIDTH, (double)(event->at - ladder->scenario->began) / 1e6);
	if (ladder->client_count > 0)
		lifelines_write(ladder, '|', event);
	else
		name_write(ladder, event);
	fputs("  ", ladder->to);
	rp_put_cut(ladder->to, text, text_width(ladder));
	fprintf(ladder->to, "%s\n", rp_style(ladder->options->colour && mark, RP_PLAIN));
	free(text);
}

void rp_ladder_write(const struct rp_scenario *scenario, FILE *to, const struct rp_ladder_options *options)
{
	struct ladder ladder = { .scenario = scenario, .options = options, .to = to };
	size_t before;

	if (scenario->timeline_count == 0)
		return;
	ladder.end = window_end(scenario, options->until);
	before = (size_t)(ladder.end - scenario->timeline);
	ladder.first = scenario->timeline + (options->rows > 0 && before > options->rows ? before - options->rows : 0);
	clients_find(&ladder);
	ladder.mixed = is_mixed(&ladder);
	ladder.left_out = common_prefix(&ladder);
	columns_choose(&ladder);
	header_write(&ladder);
	if (ladder.first > scenario->timeline)
		fprintf(to, "%*s(%zu earlier messages not shown)\n", (int)options->indent + 1, "", (size_t)(ladder.first - scenario->timeline));
	for (const struct rp_event *event = ladder.first; event < ladder.end; event++) {
		if (event > ladder.first && event->at - event[-1].at >= LONG_GAP)
			gap_write(&ladder, event->at - event[-1].at, "");
		event_write(&ladder, event);
	}
	if (options->until != INT64_MAX && options->until - ladder.end[-1].at >= LONG_GAP)
		gap_write(&ladder, options->until - ladder.end[-1].at, "then nothing for ");
}
