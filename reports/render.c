/* The table of the renderings, see render.h. For c2w-conform and c2w-report.
 * Owns nothing. */
#include "reports/render.h"

#include <errno.h>

#include "reports/output.h"

const struct rp_rendering rp_renderings[RP_FORMATS] = {
	[RP_HTML] = { "html", "a page for people, whole in one file", rp_html_write },
	[RP_JUNIT] = { "junit", "JUnit's XML, for Jenkins, GitLab and others", rp_junit_write },
	[RP_TAP] = { "tap", "TAP 14", rp_tap_write },
	[RP_MARKDOWN] = { "markdown", "Markdown, short, as for a job's summary", rp_markdown_write },
	[RP_CSV] = { "csv", "a table, a line for each scenario", rp_csv_write },
	[RP_CTRF] = { "ctrf", "CTRF's JSON", rp_ctrf_write },
	[RP_GRADESCOPE] = { "gradescope", "results.json of a Gradescope autograder", rp_gradescope_write },
	[RP_GITHUB] = { "github", "annotations as GitHub's workflow commands", rp_github_write },
};

int rp_render(enum rp_format format, const struct rp_result *result, const char *file)
{
	struct rp_output *output = rp_output_open(file);

	if (output == NULL)
		return -errno;
	rp_renderings[format].write(result, rp_output_stream(output));
	return rp_output_commit(output);
}
