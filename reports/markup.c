/* Text as HTML, see markup.h. Style and script are hand-written, in reports/html/, without any library; the build makes C of them
 * (scripts/embed), with the hashes by which the Content-Security-Policy allows them and nothing else. Owns nothing. */
#include "reports/markup.h"

#include <stdlib.h>
#include <string.h>

#include <c2w_html.inc>
#include "reports/text.h"

enum { MOST_CELLS = 4000 /* of one text */, BEFORE = 60 /* cells in front of the first difference */ };

void rp_html_shown(FILE *to, const char *shown, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		switch (shown[i]) {
		case '&': fputs("&amp;", to); break;
		case '<': fputs("&lt;", to); break;
		case '>': fputs("&gt;", to); break;
		case '"': fputs("&quot;", to); break;
		case '\'': fputs("&#39;", to); break;
		default: putc(shown[i], to);
		}
	}
}

void rp_html_text(FILE *to, const char *text)
{
	char *shown;
	size_t fits;

	if (text == NULL)
		return;
	shown = rp_shown_text(text);
	fits = rp_fit(shown, MOST_CELLS);
	rp_html_shown(to, shown, fits);
	fputs(shown[fits] != '\0' ? "…" : "", to);
	free(shown);
}

/* A cell of more than one octet that begins with a backslash stands for an octet that cannot be seen. */
static void put_cell(FILE *to, const char *cell, size_t length, const char *element)
{
	bool invisible = *cell == '\\' && length > 1 && cell[1] != '\\';

	if (element != NULL)
		fprintf(to, "<%s>", element);
	if (invisible)
		fputs("<i>", to);
	rp_html_shown(to, cell, length);
	if (invisible)
		fputs("</i>", to);
	if (element != NULL)
		fprintf(to, "</%s>", element);
}

/* The cells of a shown text; the one at `mark` in a <mark>. Returns whether all were written. */
static bool put_cells(FILE *to, const char *shown, unsigned cells, const char *mark)
{
	size_t length;
	unsigned columns;

	for (; (length = rp_cell(shown, &columns)) > 0 && cells > 0; shown += length, cells--)
		put_cell(to, shown, length, shown == mark ? "mark" : NULL);
	if (length > 0)
		fprintf(to, "<span class=\"cut\">… %zu more</span>", strlen(shown));
	return length == 0;
}

void rp_html_octets(FILE *to, const char *text, unsigned cells)
{
	char *shown = rp_shown_text(text);

	put_cells(to, shown, cells == 0 ? MOST_CELLS : cells, NULL);
	free(shown);
}

void rp_html_base64(FILE *to, const char *octets, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		unsigned group = 0;

		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (i + k < length ? (unsigned char)octets[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			putc(i + k <= length ? digits[group >> (18 - 6 * k) & 63] : '=', to);
	}
}

/* Where to begin so that not more than BEFORE cells stand in front of `at`. */
static size_t beginning(const char *shown, size_t at)
{
	size_t begin = 0, back = 0;
	unsigned columns, cells = 0;

	for (size_t i = 0; i < at; i += rp_cell(shown + i, &columns))
		cells++;
	for (; back + BEFORE < cells && cells > 2 * BEFORE; back++)
		begin += rp_cell(shown + begin, &columns);
	return begin;
}

static void put_side(FILE *to, const char *label, const char *shown, size_t begin, size_t mark)
{
	fprintf(to, "<tr><th scope=\"row\">%s</th><td><code>%s", label, begin > 0 ? "<span class=\"cut\">…</span>" : "");
	if (put_cells(to, shown + begin, MOST_CELLS, mark == SIZE_MAX ? NULL : shown + mark) && mark != SIZE_MAX && shown[mark] == '\0')
		fputs("<mark class=\"end\" title=\"it ends here\">∎</mark>", to);
	fputs("</code></td></tr>", to);
}

void rp_html_comparison(FILE *to, const char *expected, const char *got)
{
	char *wanted = expected == NULL ? NULL : rp_shown_text(expected), *found = got == NULL ? NULL : rp_shown_text(got);
	bool comparable = wanted != NULL && found != NULL && rp_comparable(wanted, found);
	size_t mark = comparable ? rp_difference(wanted, found) : SIZE_MAX;
	size_t begin = comparable ? beginning(wanted, mark) : 0;

	if (wanted != NULL || found != NULL)
		fputs("<table class=\"compare\">", to);
	if (wanted != NULL)
		put_side(to, "expected", wanted, begin, mark);
	if (found != NULL)
		put_side(to, "got", found, begin, mark);
	if (wanted != NULL || found != NULL)
		fputs("</table>\n", to);
	free(wanted);
	free(found);
}

void rp_html_chip(FILE *to, enum rp_verdict verdict)
{
	const char *name = rp_verdict_name(verdict);

	fprintf(to, "<span class=\"chip %s\">%s</span>", name, name);
}

/* ---- the page ----------------------------------------------------------------------------- */

void rp_html_begin(FILE *to, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", to);
	fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '" RP_CSS_HASH "'; script-src '" RP_JS_HASH
	      "'; base-uri 'none'; form-action 'none'\">\n", to);
	fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"c2w-report " C2W_VERSION
	      "; hand-written, no library\">\n<title>", to);
	rp_html_text(to, title);
	fputs("</title>\n<style>", to);
	fwrite(rp_css, 1, sizeof(rp_css), to);
	fputs("</style>\n</head>\n<body>\n<a class=\"jump\" href=\"#main\">Skip to the report</a>\n", to);
}

void rp_html_end(FILE *to)
{
	fputs("<script>", to);
	fwrite(rp_js, 1, sizeof(rp_js), to);
	fputs("</script>\n</body>\n</html>\n", to);
}

void rp_html_controls(FILE *to)
{
	static const enum rp_verdict order[] = { RP_FAIL, RP_WARN, RP_INCONCLUSIVE, RP_PASS, RP_SKIP, RP_UNTESTED };

	fputs("<form class=\"controls\" role=\"search\" hidden>"
	      "<label>Search <input type=\"search\" id=\"search\" placeholder=\"rule, scenario, word\" title=\"press / to come here\"></label>"
	      "<fieldset><legend>Show</legend>", to);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		fprintf(to, "<label class=\"chip %s\"><input type=\"checkbox\" name=\"verdict\" value=\"%s\" checked> %s</label>",
			rp_verdict_name(order[i]), rp_verdict_name(order[i]), rp_verdict_name(order[i]));
	fputs("</fieldset><span class=\"buttons\"><button type=\"button\" id=\"unfold\">Unfold all</button>"
	      "<button type=\"button\" id=\"theme\">Theme: system</button></span>"
	      "<output id=\"shown\" aria-live=\"polite\"></output></form>\n", to);
}
