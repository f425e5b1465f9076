/* The drawings of svg.h. The ladder's scale: time is linear between two rows, no two rows are nearer than a line of text, and the scale is
 * chosen so that the longest gap stays short. For html.c. Owns the rows while it draws. */
#include "reports/svg.h"

#include <stdlib.h>
#include <string.h>

#include "reports/find.h"
#include "reports/markup.h"
#include "reports/text.h"

enum {
	MOST_ROWS = 120, ROWS_BEHIND = 8,        /* of the timeline; of those, behind the finding */
	MOST_CLIENTS = 24,                       /* columns; whoever comes after shares the last one */
	MOST_FINDINGS = 8,                       /* drawn as rows */
	TIME_COLUMN = 92, CLIENT_COLUMN = 84,    /* px */
	HEAD = 34, ROW = 20, GAP = 150,          /* px: above the first row; least and most between two */
	TEXT_CELLS = 120, CELL_WIDTH = 7,        /* of a message */
	MS = 1000000,
};

/* px for a ns: a second is at most this much. */
static const double most_scale = 160.0 / 1e9;

struct row {
	int64_t at;
	const struct rp_event *event;     /* or */
	const struct rp_finding *finding;
	bool wrong;
	unsigned copies;                  /* over UDP: how often the same came before, the same way */
	double y;
};

struct drawing {
	FILE *to;
	const struct rp_scenario *scenario;
	const struct c2w_params *params;
	struct row *rows;
	size_t count;
	const char *clients[MOST_CLIENTS];
	unsigned client_count, text_cells;
	double scale;
};

struct rp_window rp_window_of(const struct rp_scenario *scenario)
{
	const struct rp_finding *worst = rp_worst_finding(scenario);
	struct rp_window window = { .end = scenario->timeline_count };

	if (worst != NULL)
		while (window.end > 0 && scenario->timeline[window.end - 1].at > worst->at)
			window.end--;
	window.end = window.end + ROWS_BEHIND < scenario->timeline_count ? window.end + ROWS_BEHIND : scenario->timeline_count;
	window.first = window.end > MOST_ROWS ? window.end - MOST_ROWS : 0;
	return window;
}

/* ---- rows --------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct row *one = a, *other = b;

	if (one->at != other->at)
		return one->at < other->at ? -1 : 1;
	if (one->event != NULL && other->event != NULL)
		return one->event < other->event ? -1 : one->event > other->event;
	return (one->event == NULL) - (other->event == NULL);
}

/* The findings that call no message of the window wrong, at their time. */
static void add_findings(struct drawing *drawing, struct rp_window window)
{
	const struct rp_scenario *scenario = drawing->scenario;
	int64_t last = window.end > 0 ? scenario->timeline[window.end - 1].at : 0;
	size_t before = drawing->count;

	for (size_t i = 0; i < scenario->findings_count && drawing->count < before + MOST_FINDINGS; i++) {
		const struct rp_finding *finding = &scenario->findings[i];

		if (rp_offender(scenario, finding) == NULL)
			drawing->rows[drawing->count++] = (struct row){
				.at = finding->at > last + 60000LL * MS ? last : finding->at, .finding = finding, .wrong = true };
	}
}

static void mark_offenders(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->scenario->findings_count; i++) {
		const struct rp_event *offender = rp_offender(drawing->scenario, &drawing->scenario->findings[i]);

		for (size_t k = 0; k < drawing->count; k++)
			if (offender != NULL && drawing->rows[k].event == offender)
				drawing->rows[k].wrong = true;
	}
}

/* A datagram octet for octet as another, the same way. */
static bool is_same(const struct rp_event *a, const struct rp_event *b)
{
	return !a->tcp && !b->tcp && a->octets != NULL && b->octets != NULL && a->received == b->received && a->length == b->length &&
	       strcmp(a->client, b->client) == 0 && memcmp(a->octets, b->octets, a->length) == 0;
}

static void count_copies(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->count; i++)
		for (size_t k = 0; k < i && drawing->rows[i].event != NULL; k++)
			drawing->rows[i].copies += drawing->rows[k].event != NULL && is_same(drawing->rows[i].event, drawing->rows[k].event);
}

static void find_rows(struct drawing *drawing)
{
	struct rp_window window = rp_window_of(drawing->scenario);

	drawing->rows = calloc(window.end - window.first + MOST_FINDINGS + 1, sizeof(*drawing->rows));
	if (drawing->rows == NULL)
		abort();
	for (size_t i = window.first; i < window.end; i++) {
		const struct rp_event *event = &drawing->scenario->timeline[i];

		drawing->rows[drawing->count++] = (struct row){ .at = event->at, .event = event };
	}
	add_findings(drawing, window);
	qsort(drawing->rows, drawing->count, sizeof(*drawing->rows), by_time);
	mark_offenders(drawing);
	count_copies(drawing);
}

static void place_rows(struct drawing *drawing)
{
	double longest = 1;

	for (size_t i = 1; i < drawing->count; i++) {
		double gap = (double)(drawing->rows[i].at - drawing->rows[i - 1].at);

		longest = gap > longest ? gap : longest;
	}
	drawing->scale = GAP / longest < most_scale ? GAP / longest : most_scale;
	for (size_t i = 0; i < drawing->count; i++) {
		double gap = i == 0 ? 0 : (double)(drawing->rows[i].at - drawing->rows[i - 1].at) * drawing->scale;

		drawing->rows[i].y = i == 0 ? HEAD + ROW : drawing->rows[i - 1].y + (gap < ROW ? ROW : gap);
	}
}

static double y_of(const struct drawing *drawing, int64_t at)
{
	const struct row *rows = drawing->rows;
	size_t i = 0;
	double past;

	while (i + 1 < drawing->count && rows[i + 1].at <= at)
		i++;
	if (i + 1 < drawing->count)
		return rows[i].y + (rows[i + 1].y - rows[i].y) * (double)(at - rows[i].at) / (double)(rows[i + 1].at - rows[i].at);
	past = (double)(at - rows[i].at) * drawing->scale;
	return rows[i].y + (past > GAP ? GAP : past);
}

/* ---- columns ------------------------------------------------------------------------------ */

static unsigned column_of(const struct drawing *drawing, const char *client)
{
	unsigned i = 0;

	while (i + 1 < drawing->client_count && strcmp(drawing->clients[i], client) != 0)
		i++;
	return i;
}

static void find_clients(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->count && drawing->client_count < MOST_CLIENTS; i++) {
		const char *client = drawing->rows[i].event == NULL ? NULL : drawing->rows[i].event->client;
		unsigned column = client == NULL || drawing->client_count == 0 ? 0 : column_of(drawing, client);

		if (client != NULL && (drawing->client_count == 0 || strcmp(drawing->clients[column], client) != 0))
			drawing->clients[drawing->client_count++] = client;
	}
}

static unsigned x_of(unsigned column)
{
	return TIME_COLUMN + CLIENT_COLUMN / 2 + column * CLIENT_COLUMN;
}

static unsigned server_x(const struct drawing *drawing)
{
	return x_of(drawing->client_count);
}

/* ---- what stands beside an arrow ------------------------------------------------------------ */

/* The caller frees it. */
static char *event_text(const struct rp_event *event)
{
	bool whole = event->length >= 2 && memcmp(event->octets + event->length - 2, "\r\n", 2) == 0 && event->cut == 0;
	size_t length = event->length - (whole ? 2 : 0), kept = length < 4 * TEXT_CELLS ? length : 4 * TEXT_CELLS;
	char *shown = rp_shown_octets(kept == 0 ? "" : event->octets, kept), *note = rp_shown_text(event->note == NULL ? "" : event->note);
	const char *ending = event->octets == NULL ? "" : event->length == 0 ? "(empty)" : whole ? "" : " (no CR LF)";
	char *text = rp_string("%s%s%s%s%s", shown, kept < length ? "…" : ending, *note != '\0' ? " (" : "", note, *note != '\0' ? ")" : "");

	free(shown);
	free(note);
	return text;
}

static char *row_text(const struct row *row)
{
	char *what, *text;

	if (row->event != NULL) {
		what = event_text(row->event);
		text = row->copies > 0 ? rp_string("%s (copy %u)", what, row->copies + 1) : rp_string("%s", what);
		free(what);
		return text;
	}
	what = rp_shown_text(row->finding->what == NULL ? "" : row->finding->what);
	text = rp_string("%s: %s", c2w_rule_info(row->finding->rule)->id, what);
	free(what);
	return text;
}

static void put_text(struct drawing *drawing, const struct row *row)
{
	char *text = row_text(row);
	size_t fits = rp_fit(text, TEXT_CELLS);
	unsigned cells = rp_columns(text);

	drawing->text_cells = cells > drawing->text_cells ? cells : drawing->text_cells;
	fprintf(drawing->to, "<text class=\"m\" x=\"%u\" y=\"%.1f\">", server_x(drawing) + 14, row->y + 4);
	rp_html_shown(drawing->to, text, fits);
	fprintf(drawing->to, "%s</text>", text[fits] != '\0' ? "…" : "");
	free(text);
}

/* ---- drawing ------------------------------------------------------------------------------ */

static void put_arrow(const struct drawing *drawing, const struct row *row)
{
	unsigned client = x_of(column_of(drawing, row->event->client)), server = server_x(drawing);
	unsigned tip = row->event->received ? client : server;
	int back = row->event->received ? 8 : -8;

	if (row->event->octets == NULL) {
		fprintf(drawing->to, "<path class=\"n\" d=\"M%u %.1fl5 5l-5 5l-5 -5z\"/>", client, row->y - 5);
		return;
	}
	fprintf(drawing->to, "<path class=\"l\" d=\"M%u %.1fH%u\"/><path class=\"h\" d=\"M%u %.1fl%d -4v8z\"/>", client, row->y, server, tip, row->y, back);
}

static void put_gap(const struct drawing *drawing, const struct row *row, const struct row *before)
{
	int64_t gap = row->at - before->at;

	if (gap >= 20 * MS && row->y - before->y > ROW + 12)
		fprintf(drawing->to, "<text class=\"g\" x=\"%d\" y=\"%.1f\">+%.1f ms</text>", TIME_COLUMN - 10, (row->y + before->y) / 2 + 4, (double)gap / 1e6);
}

static void put_row(struct drawing *drawing, const struct row *row)
{
	const char *kind = row->event == NULL ? "f" : row->event->received ? "r" : "s";

	fprintf(drawing->to, "<g class=\"%s%s%s%s\">", kind, row->wrong ? " bad" : "", row->event != NULL && row->event->tcp ? " tcp" : "",
		row->copies > 0 ? " again" : "");
	fprintf(drawing->to, "<text class=\"t\" x=\"%d\" y=\"%.1f\">%.1f</text>", TIME_COLUMN - 10, row->y + 4,
		(double)(row->at - drawing->scenario->began) / 1e6);
	if (row->event != NULL)
		put_arrow(drawing, row);
	else
		fprintf(drawing->to, "<path class=\"l\" d=\"M%d %.1fH%u\"/>", TIME_COLUMN, row->y, server_x(drawing) + 8);
	put_text(drawing, row);
	fputs("</g>\n", drawing->to);
}

static bool is_ack_of(const struct rp_event *ack, const struct rp_event *event)
{
	static const char tail[] = "_ACK|";
	const char *colon = memchr(event->octets, ':', event->length);
	size_t time = colon == NULL ? 0 : (size_t)(colon - event->octets) + 1;

	return !ack->received && ack->octets != NULL && strcmp(ack->client, event->client) == 0 && time > 0 && ack->length > time &&
	       memcmp(ack->octets, event->octets, time) == 0 && memmem(ack->octets, ack->length, tail, sizeof(tail) - 1) != NULL;
}

/* Whether the message is repeated in the window, before or behind this one, and not acked until its next copy is due. */
static bool is_repeated(const struct drawing *drawing, const struct row *row, int64_t due)
{
	bool again = false;

	for (size_t i = 0; i < drawing->count; i++) {
		const struct rp_event *other = drawing->rows[i].event;

		if (other == NULL || other == row->event)
			continue;
		if (drawing->rows[i].at <= due && is_ack_of(other, row->event))
			return false;
		again = again || is_same(row->event, other);
	}
	return again;
}

static void put_due(const struct drawing *drawing, const struct row *row)
{
	const struct c2w_params *params = drawing->params;
	int64_t early = row->at + params->rto / 1000 * (1000 - params->rto_tolerance.early);
	int64_t late = row->at + params->rto / 1000 * (1000 + params->rto_tolerance.late);
	unsigned x = x_of(column_of(drawing, row->event->client));
	double top, bottom;

	if (!is_repeated(drawing, row, early) || row->copies >= params->max_retransmits)
		return;
	top = y_of(drawing, early);
	bottom = y_of(drawing, late);
	fprintf(drawing->to, "<rect class=\"due\" x=\"%u\" y=\"%.1f\" width=\"24\" height=\"%.1f\"><title>the next copy is due %.0f to %.0f ms after "
		"the last</title></rect>", x - 12, top, bottom - top + 1, (double)(early - row->at) / 1e6, (double)(late - row->at) / 1e6);
}

static void put_windows(const struct drawing *drawing)
{
	if (drawing->params->rto <= 0 || drawing->params->max_retransmits < 0)
		return;
	for (size_t i = 0; i < drawing->count; i++) {
		const struct row *row = &drawing->rows[i];

		if (row->event != NULL && row->event->received && !row->event->tcp && row->event->octets != NULL)
			put_due(drawing, row);
	}
}

static void put_lifeline(const struct drawing *drawing, unsigned x, const char *name, double bottom)
{
	fprintf(drawing->to, "<path class=\"life\" d=\"M%u %dV%.1f\"/><text class=\"who\" x=\"%u\" y=\"20\">", x, HEAD - 6, bottom, x);
	rp_html_shown(drawing->to, name, rp_fit(name, CLIENT_COLUMN / CELL_WIDTH));
	fputs("</text>", drawing->to);
}

static void put_lifelines(const struct drawing *drawing, double bottom)
{
	for (unsigned i = 0; i < drawing->client_count; i++) {
		char *name = rp_shown_text(drawing->clients[i]);

		put_lifeline(drawing, x_of(i), name, bottom);
		free(name);
	}
	put_lifeline(drawing, server_x(drawing), "server", bottom);
	fprintf(drawing->to, "<text class=\"t\" x=\"%d\" y=\"20\">ms</text>\n", TIME_COLUMN - 10);
}

static unsigned widest(const struct drawing *drawing)
{
	unsigned most = 0;

	for (size_t i = 0; i < drawing->count; i++) {
		char *text = row_text(&drawing->rows[i]);
		unsigned cells = rp_columns(text);

		most = cells > most ? cells : most;
		free(text);
	}
	return most < TEXT_CELLS ? most : TEXT_CELLS + 1;
}

static void draw(struct drawing *drawing)
{
	double bottom = drawing->rows[drawing->count - 1].y + ROW;
	unsigned width = server_x(drawing) + 24 + widest(drawing) * CELL_WIDTH + widest(drawing) / 4;

	fprintf(drawing->to, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"ladder diagram\"><svg class=\"ladder\" role=\"img\" "
		"width=\"%u\" height=\"%.0f\" viewBox=\"0 0 %u %.0f\" aria-label=\"%zu messages and findings over time; the table below says "
		"the same\">\n", width, bottom + 8, width, bottom + 8, drawing->count);
	put_windows(drawing);
	put_lifelines(drawing, bottom);
	for (size_t i = 0; i < drawing->count; i++) {
		if (i > 0)
			put_gap(drawing, &drawing->rows[i], &drawing->rows[i - 1]);
		put_row(drawing, &drawing->rows[i]);
	}
	fputs("</svg></div>\n", drawing->to);
}

void rp_svg_ladder(FILE *to, const struct rp_scenario *scenario, const struct c2w_params *params)
{
	struct drawing drawing = { .to = to, .scenario = scenario, .params = params };

	if (scenario->timeline_count == 0)
		return;
	find_rows(&drawing);
	find_clients(&drawing);
	place_rows(&drawing);
	draw(&drawing);
	free(drawing.rows);
}

/* ---- the fingerprint ---------------------------------------------------------------------- */

enum { PLOT_HEIGHT = 180, PLOT_LEFT = 76, BAR = 34, BAR_GAP = 18, MOST_BARS = 40, PLOT_TOP = 12 };

static double bar_y(double most, double ns)
{
	return PLOT_TOP + PLOT_HEIGHT * (1 - ns / most);
}

static void put_bar(FILE *to, size_t index, int64_t ns, double most, bool right)
{
	double y = bar_y(most, (double)ns);
	size_t x = PLOT_LEFT + BAR_GAP + index * (BAR + BAR_GAP);

	fprintf(to, "<rect class=\"bar%s\" x=\"%zu\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"><title>%.3f ms</title></rect>"
		"<text class=\"b\" x=\"%zu\" y=\"%.1f\">%.0f</text><text class=\"b\" x=\"%zu\" y=\"%d\">%zu</text>\n",
		right ? "" : " bad", x, y, BAR, PLOT_TOP + PLOT_HEIGHT - y, (double)ns / 1e6, x + BAR / 2, y + 14, (double)ns / 1e6,
		x + BAR / 2, PLOT_TOP + PLOT_HEIGHT + 16, index + 1);
}

void rp_svg_fingerprint(FILE *to, const struct rp_fingerprint *fingerprint, const struct c2w_params *params)
{
	size_t count = fingerprint->intervals_count < MOST_BARS ? fingerprint->intervals_count : MOST_BARS;
	double low = (double)params->rto / 1000 * (double)(1000 - params->rto_tolerance.early);
	double high = (double)params->rto / 1000 * (double)(1000 + params->rto_tolerance.late), most = params->rto > 0 ? high : 1;
	size_t width = PLOT_LEFT + (count + 1) * (BAR + BAR_GAP);

	for (size_t i = 0; i < count; i++)
		most = (double)fingerprint->intervals[i] > most ? (double)fingerprint->intervals[i] : most;
	most *= 1.1;
	fprintf(to, "<div class=\"scroll\"><svg class=\"plot\" role=\"img\" width=\"%zu\" height=\"%d\" aria-label=\"milliseconds before each "
		"retransmission, over the window in which it is due\">\n", width + 120, PLOT_HEIGHT + PLOT_TOP + 40);
	if (params->rto > 0)
		fprintf(to, "<rect class=\"due\" x=\"%d\" y=\"%.1f\" width=\"%zu\" height=\"%.1f\"/><text class=\"g\" x=\"%d\" y=\"%.1f\">%.0f ms</text>"
			"<text class=\"g\" x=\"%d\" y=\"%.1f\">%.0f ms</text>\n", PLOT_LEFT, bar_y(most, high), width - PLOT_LEFT,
			bar_y(most, low) - bar_y(most, high), PLOT_LEFT - 6, bar_y(most, high) + 4, high / 1e6, PLOT_LEFT - 6,
			bar_y(most, low) + 4, low / 1e6);
	for (size_t i = 0; i < count; i++)
		put_bar(to, i, fingerprint->intervals[i], most, params->rto <= 0 ||
			((double)fingerprint->intervals[i] >= low && (double)fingerprint->intervals[i] <= high));
	fprintf(to, "<path class=\"life\" d=\"M%d %dH%zu\"/><text class=\"b\" x=\"%zu\" y=\"%d\">retransmission</text></svg></div>\n", PLOT_LEFT,
		PLOT_TOP + PLOT_HEIGHT, width, PLOT_LEFT + (width - PLOT_LEFT) / 2, PLOT_TOP + PLOT_HEIGHT + 32);
}
