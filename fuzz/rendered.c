/* The claims of rendered.h, a function each format. libxml2 and jansson read XML and JSON; the HTML page is read by a small reader that knows
 * what markup is ours. For targets/result.c. Owns what it parses while it does. */
#include "fuzz/rendered.h"

#include <ctype.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "protocol/message.h"
#include "reports/find.h"

enum { DEPTH = 64, NAME = 24, CSV_FIELDS = 14 };

void fz_rendered_clean(const char *text, size_t length, const char *controls)
{
	FZ_CLAIM(strlen(text) == length);
	FZ_CLAIM(c2w_utf8_valid(c2w_str_of(text)));
	for (const char *at = text; *at != '\0'; at++) {
		unsigned char octet = (unsigned char)*at;

		FZ_CLAIM((octet >= ' ' && octet != 0x7F) || strchr(controls, octet) != NULL);
		FZ_CLAIM(octet != 0xC2 || (unsigned char)at[1] >= 0xA0); /* C1 */
	}
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* ---- HTML: every tag is one of ours, every attribute quoted and harmless, everything closed in its order --------------------- */

struct tag {
	char name[NAME];
	bool closes, alone;
};

static bool is_listed(const char *name, const char *const list[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

#define LISTED(name, list) is_listed((name), (list), sizeof(list) / sizeof((list)[0]))

static void take_name(const char **at, char name[NAME])
{
	size_t length = 0;

	while (isalnum((unsigned char)**at) || **at == '-') {
		FZ_CLAIM(length + 1 < NAME);
		name[length++] = *(*at)++;
	}
	name[length] = '\0';
	FZ_CLAIM(length > 0);
}

static void check_value(const char *name, const char *value, size_t length)
{
	static const char packets[] = "data:application/vnd.tcpdump.pcap;base64,";

	FZ_CLAIM(memchr(value, '<', length) == NULL && memchr(value, '>', length) == NULL);
	if (strcmp(name, "href") == 0)
		FZ_CLAIM(*value == '#' || begins(value, packets));
}

/* name="value", or the name alone. */
static void take_attribute(const char **at)
{
	static const char *const names[] = {
		"lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "datetime", "aria-label", "aria-live", "scope", "colspan",
		"data-verdict", "data-filter", "data-octets", "data-totals", "open", "hidden", "type", "role", "placeholder", "title", "value", "checked",
		"download", "tabindex", "width", "height", "viewBox", "d", "x", "y",
	};
	char name[NAME];
	size_t length;

	take_name(at, name);
	FZ_CLAIM(LISTED(name, names));
	if (**at != '=')
		return;
	FZ_CLAIM((*at)[1] == '"');
	*at += 2;
	length = strcspn(*at, "\"");
	FZ_CLAIM((*at)[length] == '"');
	check_value(name, *at, length);
	*at += length + 1;
}

/* Behind a "<". */
static struct tag take_tag(const char **at)
{
	static const char *const names[] = {
		"html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "time", "b", "ul", "li", "nav", "main", "form", "label",
		"input", "fieldset", "legend", "span", "button", "output", "section", "article", "details", "summary", "pre", "table", "thead", "tbody", "tr",
		"th", "td", "code", "i", "mark", "div", "svg", "path", "text", "g", "rect", "script",
	};
	static const char *const empty[] = { "meta", "input" };
	struct tag tag = { .closes = **at == '/' };

	*at += tag.closes;
	take_name(at, tag.name);
	FZ_CLAIM(LISTED(tag.name, names));
	while (**at == ' ') {
		(*at)++;
		take_attribute(at);
	}
	tag.alone = **at == '/' || LISTED(tag.name, empty);
	*at += **at == '/';
	FZ_CLAIM(**at == '>');
	(*at)++;
	return tag;
}

/* The page's own style and script hold no markup: their end is the first that looks so. */
static void skip_own(const char **at, const char *name)
{
	const char *end = strstr(*at, strcmp(name, "style") == 0 ? "</style>\n</head>" : "</script>\n</body>");

	FZ_CLAIM(end != NULL && strstr(*at, "</") == end);
	*at = end;
}

static void check_html(const char *text, size_t length)
{
	static const char doctype[] = "<!DOCTYPE html>\n";
	char open[DEPTH][NAME];
	unsigned depth = 0, scripts = 0, styles = 0;

	FZ_CLAIM(length <= RP_MAX_HTML && begins(text, doctype));
	for (const char *at = text + sizeof(doctype) - 1; *at != '\0';) {
		struct tag tag;

		if (*at++ != '<')
			continue;
		tag = take_tag(&at);
		scripts += !tag.closes && strcmp(tag.name, "script") == 0;
		styles += !tag.closes && strcmp(tag.name, "style") == 0;
		if (tag.closes) {
			FZ_CLAIM(depth > 0 && strcmp(open[depth - 1], tag.name) == 0);
			depth--;
		} else if (!tag.alone) {
			FZ_CLAIM(depth < DEPTH);
			memcpy(open[depth++], tag.name, NAME);
			if (strcmp(tag.name, "script") == 0 || strcmp(tag.name, "style") == 0)
				skip_own(&at, tag.name);
		}
	}
	FZ_CLAIM(depth == 0 && scripts == 1 && styles == 1);
}

/* ---- XML and JSON ----------------------------------------------------------------------------------------------------------- */

static size_t count_cases(const xmlNode *node)
{
	size_t count = 0;

	for (; node != NULL; node = node->next)
		count += xmlStrEqual(node->name, BAD_CAST "testcase") ? 1 : count_cases(node->children);
	return count;
}

static void check_junit(const struct rp_result *result, const char *text, size_t length)
{
	xmlDocPtr document = xmlReadMemory(text, (int)length, "junit.xml", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

	FZ_CLAIM(document != NULL);
	FZ_CLAIM(count_cases(xmlDocGetRootElement(document)) == rp_cases_count(result).total);
	xmlFreeDoc(document);
}

static void check_json(const char *text, size_t length)
{
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);

	FZ_CLAIM(json_is_object(root));
	json_decref(root);
}

/* ---- lines ------------------------------------------------------------------------------------------------------------------- */

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	FZ_CLAIM(*line == '\n');
	return line + 1;
}

static void check_tap(const struct rp_result *result, const char *text)
{
	size_t points = 0;

	FZ_CLAIM(begins(text, "TAP version 14\n1.."));
	for (const char *line = next_line(next_line(text)); *line != '\0'; line = next_line(line)) {
		bool point = begins(line, "ok ") || begins(line, "not ok ");

		FZ_CLAIM(point || begins(line, "  ") || begins(line, "# "));
		points += point;
	}
	FZ_CLAIM(points == rp_cases_count(result).total);
}

static void check_github(const char *text)
{
	size_t annotations = 0;

	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		if (begins(line, "::")) {
			FZ_CLAIM(begins(line, "::error ") || begins(line, "::warning ") || begins(line, "::notice "));
			annotations++;
		} else {
			FZ_CLAIM(*next_line(line) == '\0' && strstr(line, "##[") != line); /* the totals */
		}
	}
	FZ_CLAIM(annotations <= RP_MAX_ANNOTATIONS);
}

/* How many octets a field has; a quote in it is doubled. */
static size_t csv_field(const char *at)
{
	size_t length = 0;

	if (*at != '"')
		return strcspn(at, ",\r");
	for (length = 1; at[length] != '"' || at[length + 1] == '"'; length += at[length] == '"' ? 2 : 1)
		FZ_CLAIM(at[length] != '\0');
	return length + 1;
}

static void check_csv(const struct rp_result *result, const char *text)
{
	size_t lines = 0, fields = 0;

	while (*text != '\0') {
		FZ_CLAIM(*text != '"' || strchr("=+-@", text[1]) == NULL);
		text += csv_field(text);
		fields++;
		if (*text == ',') {
			text++;
			continue;
		}
		FZ_CLAIM(begins(text, "\r\n") && fields == CSV_FIELDS);
		text += 2;
		fields = 0;
		lines++;
	}
	FZ_CLAIM(lines == result->scenarios_count + 1);
}

/* ---- Markdown: what stands in no fence holds no markup but ours ---------------------------------------------------------------- */

static void check_prose(const char *line)
{
	static const char *const ours[] = { "<details>", "</details>", "<summary>", "</summary>", "<!-- -->" };

	for (size_t i = 0; line[i] != '\n'; i++) {
		bool known = line[i] != '<' || (i > 0 && line[i - 1] == '\\');

		for (size_t k = 0; k < sizeof(ours) / sizeof(ours[0]) && !known; k++)
			known = begins(line + i, ours[k]);
		FZ_CLAIM(known);
	}
}

static void check_markdown(const char *text, size_t length)
{
	size_t fence = 0;

	FZ_CLAIM(length <= RP_MAX_MARKDOWN);
	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		size_t ticks = strspn(line, "`");

		if (fence == 0 && ticks >= 3)
			fence = ticks;
		else if (fence > 0 && ticks >= fence && line[ticks] == '\n')
			fence = 0;
		else if (fence == 0)
			check_prose(line);
	}
	FZ_CLAIM(fence == 0);
}

/* ---- outside -------------------------------------------------------------------------------------------------------------------- */

void fz_rendered_check(enum rp_format format, const struct rp_result *result, const char *text, size_t length)
{
	fz_rendered_clean(text, length, format == RP_HTML ? "\n\t" : format == RP_CSV ? "\r\n" : "\n");
	switch (format) {
	case RP_HTML: check_html(text, length); break;
	case RP_JUNIT: check_junit(result, text, length); break;
	case RP_TAP: check_tap(result, text); break;
	case RP_MARKDOWN: check_markdown(text, length); break;
	case RP_CSV: check_csv(result, text); break;
	case RP_CTRF:
	case RP_GRADESCOPE: check_json(text, length); break;
	case RP_GITHUB: check_github(text); break;
	case RP_FORMATS: break;
	}
}
