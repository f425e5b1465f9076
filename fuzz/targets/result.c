/* Goal: whatever a result holds, every rendering of it is valid: JSON that reads back as the same result, terminal text that moves no cursor, HTML,
 * XML, JSON and lines in which nothing of a target is more than text.
 * Input: a result file, which begins with "{"; anything else is what a hostile target sent: pieces between NULs become the octets and
 * the texts of a result made from them. Called by the fuzzer's driver only; owns the results and what is rendered of them. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "fuzz/rendered.h"
#include "protocol/message.h"
#include "reports/result.h"

enum { MOST_PIECES = 40 };

struct text { char *at; size_t length; };

static FILE *open_text(struct text *text)
{
	FILE *to = open_memstream(&text->at, &text->length);

	if (!to)
		abort();
	return to;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* rp_json_read() takes a file: one in memory, the same each time. */
static struct rp_result *from_json(const char *octets, size_t length, char **error)
{
	static char name[32];
	static int file = -1;

	if (file < 0) {
		file = memfd_create("result", MFD_CLOEXEC);
		snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
	}
	if (ftruncate(file, 0) < 0 || pwrite(file, octets, length, 0) != (ssize_t)length)
		abort();
	return rp_json_read(name, error);
}

static struct text to_json(const struct rp_result *result)
{
	struct text text = { 0 };
	FILE *to = open_text(&text);

	FZ_CLAIM(rp_json_write(result, to) == 0);
	fclose(to);
	return text;
}

/* Valid, and read back it is the same once more. */
static void check_json(const struct rp_result *result)
{
	struct text first = to_json(result), second;
	char *error = NULL;
	struct rp_result *again = from_json(first.at, first.length, &error);

	FZ_CLAIM(again && !error);
	second = to_json(again);
	FZ_CLAIM(first.length == second.length && memcmp(first.at, second.at, first.length) == 0);
	fz_saw(first.at, first.length);
	rp_result_free(again);
	free(first.at);
	free(second.at);
}

/* ---- the terminal ---------------------------------------------------------------------------- */

/* What stands behind an ESC: only what rp_style() writes, digits and ";" between "[" and "m". */
static const char *past_style(const char *at)
{
	FZ_CLAIM(*at == '[');
	at += 1 + strspn(at + 1, "0123456789;");
	FZ_CLAIM(*at == 'm');
	return at;
}

static void check_shown(const char *text, size_t length, bool colour)
{
	fz_rendered_clean(text, length, colour ? "\n\x1B" : "\n");
	for (const char *at = text; colour && (at = strchr(at, 0x1B)); at++)
		at = past_style(at + 1);
	fz_saw(text, length);
}

/* One kind an input, whichever its size says. */
static void check_terminal(const struct rp_result *result, size_t size)
{
	static const struct rp_terminal_options kinds[] = {
		{ .colour = true, .width = 80 }, { .width = 40, .verbose = true }, { .width = 20, .quiet = true }, { .width = 200 },
	};
	const struct rp_terminal_options *kind = &kinds[size % (sizeof(kinds) / sizeof(*kinds))];
	char *line = rp_summary_line(result);
	struct text text = { 0 };
	FILE *to = open_text(&text);

	rp_terminal_write(result, to, kind);
	fclose(to);
	check_shown(text.at, text.length, kind->colour);
	free(text.at);
	check_shown(line, strlen(line), false);
	FZ_CLAIM(!strchr(line, '\n'));
	free(line);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* One format an input, as above; the page, which is long, for one in sixteen. */
static void check_format(const struct rp_result *result, size_t size)
{
	enum rp_format format = size % 16 == 0 ? RP_HTML : (enum rp_format)(RP_JUNIT + size % (RP_FORMATS - RP_JUNIT));
	struct text text = { 0 };
	FILE *to = open_text(&text);

	rp_renderings[format].write(result, to);
	fclose(to);
	fz_rendered_check(format, result, text.at, text.length);
	fz_saw(text.at, text.length);
	free(text.at);
}

/* ---- results --------------------------------------------------------------------------------- */

static void check_octets(const char *octets, size_t length)
{
	char *escaped = rp_escape(octets, length), *back = NULL;
	size_t back_length = 0;

	FZ_CLAIM(rp_unescape(escaped, &back, &back_length));
	FZ_CLAIM(back_length == length && memcmp(back, octets, length) == 0);
	free(escaped);
	free(back);
}

static struct rp_result *read_result(const uint8_t *data, size_t size)
{
	char *error = NULL;
	struct rp_result *result = from_json((const char *)data, size, &error);

	FZ_CLAIM((result == NULL) == (error != NULL));
	if (error)
		fz_saw(error, strlen(error));
	free(error);
	return result;
}

/* What the harness would have noted of a target that says these things. The kind is what a piece is used for. */
static void note_piece(struct rp_result *result, struct rp_scenario *scenario, unsigned kind, const char *octets, size_t length)
{
	char *escaped = rp_escape(octets, length);
	enum c2w_rule rule = (enum c2w_rule)(1 + length % (C2W_RULES - 1));
	struct rp_finding *finding;

	switch (kind % 4) {
	case 0:
		rp_event_add(result, scenario, (int64_t)length * 1000, "alice", true, kind & 4, octets, length, NULL);
		break;
	case 1:
		finding = rp_finding_add(result, scenario, rule, kind & 4 ? RP_FAIL : RP_WARN);
		finding->what = rp_text(result, "%.*s", (int)length, octets);
		finding->expected = rp_text(result, "%s", escaped);
		finding->got = kind & 8 ? rp_text(result, "%s", escaped) : NULL;
		break;
	case 2:
		rp_event_add(result, scenario, (int64_t)length, escaped, false, kind & 4, NULL, 0, octets);
		break;
	default:
		scenario->reason = rp_text(result, "%.*s", (int)length, octets);
		result->target.output = rp_text(result, "%.*s", (int)length, octets);
		scenario->verdict = (enum rp_verdict)(length % RP_VERDICTS);
		if (kind & 4)
			scenario->title = scenario->repeat = scenario->pcap = result->target.address = result->command = scenario->reason;
		if (kind & 8)
			scenario->id = scenario->file = result->verdict_reason = scenario->reason;
	}
	free(escaped);
}

static struct rp_result *make_result(const uint8_t *data, size_t size)
{
	static const enum c2w_rule proved[] = { C2W_CON_01, C2W_MSG_01 };
	struct rp_result *result = rp_result_new();
	struct rp_scenario *scenario = rp_scenario_add(result, "area/CON-01-hostile");
	struct fz_input input = { data, size };

	rp_proves_set(result, scenario, proved, 2);
	for (unsigned i = 0; input.left > 0 && i < MOST_PIECES; i++) {
		unsigned kind = fz_octet(&input);
		const void *stop = input.left ? memchr(input.at, '\0', input.left) : NULL;
		struct c2w_str piece = fz_octets(&input, stop ? (size_t)((const uint8_t *)stop - input.at) : input.left);
		char *text = fz_text((const uint8_t *)piece.at, piece.length);

		fz_octet(&input);
		check_octets(text, piece.length);
		note_piece(result, scenario, kind, text, piece.length);
		free(text);
	}
	rp_result_conclude(result);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_result *result = size > 0 && *data == '{' ? read_result(data, size) : make_result(data, size);

	if (!result)
		return 0;
	check_json(result);
	check_terminal(result, size);
	check_format(result, size);
	rp_result_free(result);
	return 0;
}
