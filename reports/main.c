/* c2w-report: reads saved results, writes other renderings of them. Nothing calls in here.
 * Owns the results for as long as the program runs. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "reports/bundle.h"
#include "reports/diff.h"
#include "reports/matrix.h"
#include "reports/output.h"
#include "reports/render.h"
#include "reports/result.h"
#include "reports/text.h"

const char *argp_program_version = "c2w-report " C2W_VERSION;

enum { EXIT_FINE, EXIT_WORSE, EXIT_USAGE };
enum { KEY_FORMAT = 256, KEY_DIFF = KEY_FORMAT + RP_FORMATS, KEY_BUNDLE, KEY_ONLY };
enum { MAX_RESULTS = 10000, MAX_COLUMNS = 1000 };

struct report {
	const char *outputs[RP_FORMATS]; /* NULL: not wanted */
	const char *bundle, *only;
	bool diff, quiet, verbose;
	char **files;
	unsigned count;
};

static const char documentation[] =
	"Renders results that c2w-conform --json has saved; without an option for a terminal.\v"
	"Of several results --html makes a matrix that links to a page for each, in a folder beside it, and --csv one table.\n"
	"Ends with 0, with 1 if --diff finds something newly broken, with 2 if a result cannot be read or a report not be written.";

static void complain(const char *what, const char *why)
{
	fprintf(stderr, "c2w-report: %s: %s\n", what, why);
}

/* ---- options ------------------------------------------------------------------------------ */

/* The table's formats, then the rest. */
static const struct argp_option *options(void)
{
	static const struct argp_option others[] = {
		{ "diff", KEY_DIFF, NULL, 0, "Compare two results, the old one first", 2 },
		{ "bundle", KEY_BUNDLE, "FILE", 0, "Gather what an appeal needs in a .tar.gz: result, scenarios, seeds, captures, commands", 2 },
		{ "only", KEY_ONLY, "ID", 0, "With --bundle: scenarios with this in their id, else all that do not pass", 2 },
		{ "quiet", 'q', NULL, 0, "For a terminal: failures in brief and the last line only", 3 },
		{ "verbose", 'v', NULL, 0, "For a terminal: everything", 3 },
		{ 0 },
	};
	static struct argp_option table[RP_FORMATS + sizeof(others) / sizeof(others[0])];

	for (int i = 0; i < RP_FORMATS; i++)
		table[i] = (struct argp_option){ rp_renderings[i].name, KEY_FORMAT + i, "FILE", 0, rp_renderings[i].what, 1 };
	memcpy(table + RP_FORMATS, others, sizeof(others));
	return table;
}

static void check(struct argp_state *state, const struct report *report)
{
	if (report->count == 0)
		argp_failure(state, EXIT_USAGE, 0, "there is nothing to render: name a result file");
	if (report->diff && report->count != 2)
		argp_failure(state, EXIT_USAGE, 0, "--diff: it takes two results, the old one and the new one");
	if (report->bundle != NULL && report->count != 1)
		argp_failure(state, EXIT_USAGE, 0, "--bundle: it takes one result");
	if (report->only != NULL && report->bundle == NULL)
		argp_failure(state, EXIT_USAGE, 0, "--only: it goes with --bundle");
	for (int i = 0; i < RP_FORMATS && !report->diff; i++)
		if (report->outputs[i] != NULL && report->count > 1 && i != RP_HTML && i != RP_CSV)
			argp_failure(state, EXIT_USAGE, 0, "--%s: it takes one result; several go with --html and --csv", rp_renderings[i].name);
	if (report->quiet && report->verbose)
		argp_failure(state, EXIT_USAGE, 0, "--quiet and --verbose: one or the other");
}

static void add_file(struct argp_state *state, struct report *report, char *file)
{
	if (report->count == MAX_RESULTS)
		argp_failure(state, EXIT_USAGE, 0, "more than %d results", MAX_RESULTS);
	report->files = reallocarray(report->files, report->count + 1, sizeof(*report->files));
	if (report->files == NULL)
		abort();
	report->files[report->count++] = file;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct report *report = state->input;

	if (key >= KEY_FORMAT && key < KEY_FORMAT + RP_FORMATS) {
		report->outputs[key - KEY_FORMAT] = value;
		return 0;
	}
	switch (key) {
	case KEY_DIFF: report->diff = true; return 0;
	case KEY_BUNDLE: report->bundle = value; return 0;
	case KEY_ONLY: report->only = value; return 0;
	case 'q': report->quiet = true; return 0;
	case 'v': report->verbose = true; return 0;
	case ARGP_KEY_ARG: add_file(state, report, value); return 0;
	case ARGP_KEY_END: check(state, report); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* ---- rendering ---------------------------------------------------------------------------- */

static struct rp_result *read_result(const char *file)
{
	char *error;
	struct rp_result *result = rp_json_read(file, &error);

	if (result != NULL)
		return result;
	fprintf(stderr, "c2w-report: %s\n", error);
	free(error);
	return NULL;
}

static bool wrote(const char *file, int error)
{
	if (error != 0)
		complain(file, strerror(-error));
	return error == 0;
}

static void show(const struct report *report, const struct rp_result *result)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM"), *columns = getenv("COLUMNS");
	bool terminal = isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
	struct rp_terminal_options terminal_options = {
		.colour = terminal && (no_colour == NULL || *no_colour == '\0'), .quiet = report->quiet, .verbose = report->verbose,
	};
	unsigned long wanted = columns != NULL ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		terminal_options.width = size.ws_col;
	else if (wanted <= MAX_COLUMNS)
		terminal_options.width = (unsigned)wanted;
	rp_terminal_write(result, stdout, &terminal_options);
}

static bool wants_files(const struct report *report)
{
	for (int i = 0; i < RP_FORMATS; i++)
		if (report->outputs[i] != NULL)
			return true;
	return report->bundle != NULL;
}

static int render_one(const struct report *report)
{
	struct rp_result *result = read_result(report->files[0]);
	bool fine = result != NULL;

	if (!fine)
		return EXIT_USAGE;
	for (int i = 0; i < RP_FORMATS; i++)
		if (report->outputs[i] != NULL)
			fine = wrote(report->outputs[i], rp_render((enum rp_format)i, result, report->outputs[i])) && fine;
	if (report->bundle != NULL)
		fine = wrote(report->bundle, rp_bundle_write(result, report->files[0], report->only, report->bundle)) && fine;
	if (!wants_files(report))
		show(report, result);
	rp_result_free(result);
	return fine ? EXIT_FINE : EXIT_USAGE;
}

static int compare(const struct report *report)
{
	struct rp_result *old = read_result(report->files[0]), *new = read_result(report->files[1]);
	int code = EXIT_USAGE;

	if (old != NULL && new != NULL)
		code = rp_diff_write(old, new, stdout) > 0 ? EXIT_WORSE : EXIT_FINE;
	rp_result_free(old);
	rp_result_free(new);
	return code;
}

/* One result at a time is in memory, however many there are. Every file is read before an output gets its name. */
static int render_several(const struct report *report)
{
	struct rp_output *csv = NULL;
	struct rp_matrix *matrix = report->outputs[RP_HTML] == NULL ? NULL : rp_matrix_new(report->outputs[RP_HTML]);
	bool fine = true;
	int error;

	if (report->outputs[RP_CSV] != NULL && (csv = rp_output_open(report->outputs[RP_CSV])) == NULL)
		fine = wrote(report->outputs[RP_CSV], -errno);
	for (unsigned i = 0; i < report->count && fine; i++) {
		struct rp_result *result = read_result(report->files[i]);

		fine = result != NULL;
		if (fine && csv != NULL)
			(i == 0 ? rp_csv_write : rp_csv_lines_write)(result, rp_output_stream(csv));
		if (fine && matrix != NULL)
			fine = wrote(report->outputs[RP_HTML], rp_matrix_add(matrix, result, report->files[i]));
		if (fine && !wants_files(report))
			show(report, result);
		rp_result_free(result);
	}
	if (matrix != NULL) {
		error = fine ? rp_matrix_commit(matrix) : rp_matrix_abandon(matrix);
		fine = wrote(report->outputs[RP_HTML], error) && fine;
	}
	if (!fine)
		rp_output_abandon(csv);
	else if (csv != NULL)
		fine = wrote(report->outputs[RP_CSV], rp_output_commit(csv));
	return fine ? EXIT_FINE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct report report = { 0 };
	const struct argp argp = { .options = options(), .parser = parse, .args_doc = "RESULT.json...", .doc = documentation };
	int code;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &report);
	if (report.diff)
		code = compare(&report);
	else
		code = report.count == 1 ? render_one(&report) : render_several(&report);
	free(report.files);
	if (fflush(stdout) != 0 && code == EXIT_FINE) {
		complain("standard output", strerror(errno));
		code = EXIT_USAGE;
	}
	return code;
}
