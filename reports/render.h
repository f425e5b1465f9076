/* The renderings of one result into a file, as a table: what c2w-report and c2w-conform offer as options. Each shows the same totals.
 * Everything of a target is escaped as text.h says, then as the format wants it. The writers leave errors to the stream. */
#ifndef RP_RENDER_H
#define RP_RENDER_H

#include "reports/result.h"

enum rp_format { RP_HTML, RP_JUNIT, RP_TAP, RP_MARKDOWN, RP_CSV, RP_CTRF, RP_GRADESCOPE, RP_GITHUB, RP_FORMATS };

struct rp_rendering {
	const char *name;            /* of the option: "junit" */
	const char *what;            /* for --help */
	void (*write)(const struct rp_result *result, FILE *to);
};

extern const struct rp_rendering rp_renderings[RP_FORMATS];

/* Into a file that appears whole or not at all; 0 or -errno. */
int rp_render(enum rp_format format, const struct rp_result *result, const char *file);

void rp_html_write(const struct rp_result *result, FILE *to);       /* one file, at most RP_MAX_HTML octets; html.c */
void rp_junit_write(const struct rp_result *result, FILE *to);
void rp_tap_write(const struct rp_result *result, FILE *to);        /* TAP 14 */
void rp_markdown_write(const struct rp_result *result, FILE *to);   /* at most RP_MAX_MARKDOWN octets */
void rp_csv_write(const struct rp_result *result, FILE *to);        /* RFC 4180, a line for each scenario */
void rp_ctrf_write(const struct rp_result *result, FILE *to);
void rp_gradescope_write(const struct rp_result *result, FILE *to); /* results.json of its autograder */
void rp_github_write(const struct rp_result *result, FILE *to);     /* workflow commands, at most RP_MAX_ANNOTATIONS */

/* Without its first line, for several results in one table. */
void rp_csv_lines_write(const struct rp_result *result, FILE *to);

enum { RP_MAX_HTML = 5 * 1024 * 1024, RP_MAX_MARKDOWN = 1000 * 1000, RP_MAX_ANNOTATIONS = 10 };

#endif
