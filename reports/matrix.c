/* The matrix of matrix.h. The targets' pages wait in a temporary folder until all of them are there.
 * For c2w-report. Owns its rows. */
#include "reports/matrix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/markup.h"
#include "reports/output.h"
#include "reports/render.h"
#include "reports/text.h"

struct target {
	char *label, *address;
	unsigned page;
	enum rp_overall verdict;
	enum rp_verdict rules[C2W_RULES];
	size_t counts[RP_VERDICTS];
};

struct rp_matrix {
	const char *file;
	char *folder, *temporary; /* of the pages; temporary NULL: not made yet */
	struct target *targets;
	unsigned count;
};

static const char letters[RP_VERDICTS] = {
	[RP_FAIL] = 'F', [RP_INCONCLUSIVE] = 'I', [RP_WARN] = 'W', [RP_PASS] = 'P', [RP_SKIP] = 'S', [RP_UNTESTED] = 'U',
};

struct rp_matrix *rp_matrix_new(const char *file)
{
	struct rp_matrix *matrix = calloc(1, sizeof(*matrix));
	size_t length = strlen(file);

	if (matrix == NULL)
		abort();
	length -= length > 5 && strcmp(file + length - 5, ".html") == 0 ? 5 : 0;
	matrix->file = file;
	matrix->folder = rp_string("%.*s.files", (int)length, file);
	return matrix;
}

/* ---- adding ------------------------------------------------------------------------------- */

/* As mkdir() would make it. */
static int make_temporary(struct rp_matrix *matrix)
{
	char *name;
	mode_t mask;

	if (matrix->temporary != NULL)
		return 0;
	name = rp_string("%s.XXXXXX", matrix->folder);
	if (mkdtemp(name) == NULL) {
		free(name);
		return -errno;
	}
	mask = umask(0);
	umask(mask);
	chmod(name, 0777 & ~mask);
	matrix->temporary = name;
	return 0;
}

/* "alice" of "results/alice.json". */
static char *label_of(const char *source)
{
	const char *slash = strrchr(source, '/');
	const char *base = slash == NULL ? source : slash + 1;
	size_t length = strlen(base);

	return rp_string("%.*s", (int)(length > 5 && strcmp(base + length - 5, ".json") == 0 ? length - 5 : length), base);
}

static void keep(struct target *target, const struct rp_result *result, const char *source)
{
	struct rp_counts counts = rp_count(result);

	target->label = label_of(source);
	target->address = rp_string("%s", result->target.address == NULL ? "" : result->target.address);
	target->verdict = result->verdict;
	memcpy(target->counts, counts.rules, sizeof(target->counts));
	for (unsigned i = 0; i < C2W_RULES; i++)
		target->rules[i] = result->rules[i].verdict;
}

int rp_matrix_add(struct rp_matrix *matrix, const struct rp_result *result, const char *source)
{
	int error = make_temporary(matrix);
	char *page;

	if (error != 0)
		return error;
	matrix->targets = reallocarray(matrix->targets, matrix->count + 1, sizeof(*matrix->targets));
	if (matrix->targets == NULL)
		abort();
	matrix->targets[matrix->count] = (struct target){ .page = matrix->count + 1 };
	keep(&matrix->targets[matrix->count++], result, source);
	page = rp_string("%s/%04u.html", matrix->temporary, matrix->count);
	error = rp_render(RP_HTML, result, page);
	free(page);
	return error;
}

/* ---- the page ----------------------------------------------------------------------------- */

static int by_badness(const void *a, const void *b)
{
	static const int ranks[] = { [RP_UNREACHABLE] = 0, [RP_VIOLATES] = 1, [RP_UNDECIDED] = 2, [RP_CONFORMS] = 3 };
	const struct target *one = a, *other = b;
	int order = ranks[one->verdict] - ranks[other->verdict];

	for (unsigned i = 0; order == 0 && i < RP_UNTESTED; i++)
		if (one->counts[i] != other->counts[i])
			order = one->counts[i] > other->counts[i] ? -1 : 1;
	return order != 0 ? order : one->page < other->page ? -1 : 1;
}

static enum rp_verdict overall_verdict(enum rp_overall verdict)
{
	static const enum rp_verdict verdicts[] = {
		[RP_CONFORMS] = RP_PASS, [RP_VIOLATES] = RP_FAIL, [RP_UNREACHABLE] = RP_FAIL, [RP_UNDECIDED] = RP_INCONCLUSIVE,
	};

	return verdicts[verdict];
}

/* The folder's name as a URL relative to the page: everything but the harmless as %XX. */
static void put_link(FILE *to, const char *folder, unsigned page)
{
	const char *slash = strrchr(folder, '/');

	for (const char *at = slash == NULL ? folder : slash + 1; *at != '\0'; at++) {
		if ((*at >= '0' && *at <= '9') || ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') || strchr("._-", *at) != NULL)
			putc(*at, to);
		else
			fprintf(to, "%%%02X", (unsigned)(unsigned char)*at);
	}
	fprintf(to, "/%04u.html", page);
}

static void put_target(FILE *to, const struct rp_matrix *matrix, const struct target *target)
{
	fprintf(to, "<tr data-filter data-verdict=\"%s\"><th scope=\"row\"><a href=\"", rp_verdict_name(overall_verdict(target->verdict)));
	put_link(to, matrix->folder, target->page);
	fputs("\">", to);
	rp_html_text(to, target->label);
	fputs("</a> <span class=\"level\">", to);
	rp_html_text(to, target->address);
	fprintf(to, "</span></th><td class=\"%c\">%s</td><td class=\"num\">%zu</td>", letters[overall_verdict(target->verdict)],
		rp_overall_name(target->verdict), target->counts[RP_FAIL]);
	for (unsigned i = 1; i < C2W_RULES; i++) {
		char letter = letters[target->rules[i]];

		if (!rp_rule_counts((enum c2w_rule)i))
			continue;
		fprintf(to, "<td class=\"%c\"><a href=\"", letter);
		put_link(to, matrix->folder, target->page);
		fprintf(to, "#r-%s\">%c</a></td>", c2w_rule_info((enum c2w_rule)i)->id, letter);
	}
	fputs("</tr>\n", to);
}

static void put_totals(FILE *to, const struct rp_matrix *matrix)
{
	static const enum rp_overall order[] = { RP_VIOLATES, RP_UNREACHABLE, RP_UNDECIDED, RP_CONFORMS };

	fprintf(to, "<p class=\"scenarios\">%u targets:", matrix->count);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		unsigned count = 0;

		for (unsigned k = 0; k < matrix->count; k++)
			count += matrix->targets[k].verdict == order[i];
		fprintf(to, " %u %s%s", count, rp_overall_name(order[i]), i == 3 ? "" : ",");
	}
	fputs("</p>\n", to);
}

/* How many targets break each rule. */
static void put_breakers(FILE *to, const struct rp_matrix *matrix)
{
	fputs("<tr><th scope=\"row\">targets that break it</th><td></td><td></td>", to);
	for (unsigned i = 1; i < C2W_RULES; i++) {
		unsigned count = 0;

		for (unsigned k = 0; k < matrix->count; k++)
			count += matrix->targets[k].rules[i] == RP_FAIL;
		if (rp_rule_counts((enum c2w_rule)i))
			fprintf(to, "<td>%u</td>", count);
	}
	fputs("</tr>\n", to);
}

static void put_head(FILE *to, const struct rp_matrix *matrix)
{
	fputs("<div class=\"box\" tabindex=\"0\" role=\"group\" aria-label=\"matrix\"><table class=\"matrix\"><thead><tr><th scope=\"col\">target</th>"
	      "<th scope=\"col\">verdict</th><th scope=\"col\">broken</th>", to);
	for (unsigned i = 1; i < C2W_RULES; i++)
		if (rp_rule_counts((enum c2w_rule)i)) {
			fputs("<th scope=\"col\"><abbr title=\"", to);
			rp_html_text(to, c2w_rule_info((enum c2w_rule)i)->sentence);
			fprintf(to, "\">%s</abbr></th>", c2w_rule_info((enum c2w_rule)i)->id);
		}
	fputs("</tr></thead><tbody>\n", to);
	put_breakers(to, matrix);
}

static void put_page(FILE *to, const struct rp_matrix *matrix)
{
	rp_html_begin(to, "C2W/22 conformance");
	fprintf(to, "<header><h1>C2W/22 conformance of %u targets</h1>\n", matrix->count);
	put_totals(to, matrix);
	fputs("</header>\n<main id=\"main\">\n", to);
	rp_html_controls(to);
	fputs("<p class=\"legend\">Each cell leads to the rule in the target's report. F fail, W warn (a SHOULD), I inconclusive, P pass, S skip, "
	      "U untested.</p>\n", to);
	put_head(to, matrix);
	for (unsigned i = 0; i < matrix->count; i++)
		put_target(to, matrix, &matrix->targets[i]);
	fputs("</tbody></table></div>\n</main>\n", to);
	rp_html_end(to);
}

/* ---- the end ------------------------------------------------------------------------------ */

static int move_page(const struct rp_matrix *matrix, unsigned page)
{
	char *from = rp_string("%s/%04u.html", matrix->temporary, page), *to = rp_string("%s/%04u.html", matrix->folder, page);
	int error = rename(from, to) == 0 ? 0 : -errno;

	free(from);
	free(to);
	return error;
}

static int move_pages(const struct rp_matrix *matrix)
{
	int error = mkdir(matrix->folder, 0777) == 0 || errno == EEXIST ? 0 : -errno;

	for (unsigned i = 0; i < matrix->count && error == 0; i++)
		error = move_page(matrix, matrix->targets[i].page);
	return error;
}

static int write_page(struct rp_matrix *matrix)
{
	struct rp_output *output = rp_output_open(matrix->file);
	int error;

	if (output == NULL)
		return -errno;
	qsort(matrix->targets, matrix->count, sizeof(*matrix->targets), by_badness);
	put_page(rp_output_stream(output), matrix);
	error = move_pages(matrix);
	if (error == 0)
		return rp_output_commit(output);
	rp_output_abandon(output);
	return error;
}

int rp_matrix_abandon(struct rp_matrix *matrix)
{
	for (unsigned i = 0; i < matrix->count; i++) {
		char *page = rp_string("%s/%04u.html", matrix->temporary, matrix->targets[i].page);

		unlink(page);
		free(page);
		free(matrix->targets[i].label);
		free(matrix->targets[i].address);
	}
	if (matrix->temporary != NULL)
		rmdir(matrix->temporary);
	free(matrix->temporary);
	free(matrix->folder);
	free(matrix->targets);
	free(matrix);
	return 0;
}

int rp_matrix_commit(struct rp_matrix *matrix)
{
	int error = write_page(matrix);

	rp_matrix_abandon(matrix);
	return error;
}
