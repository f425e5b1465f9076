/* The archive of bundle.h. libarchive does the format; names in it are ours, a scenario's id only counts as text. For c2w-report.
 * Owns the archive while it writes. */
#include "reports/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/find.h"
#include "reports/output.h"
#include "reports/render.h"
#include "reports/text.h"

enum { LARGEST_CAPTURE = 64 * 1024 * 1024, LONGEST_ID = 80, TEXT_WIDTH = 100 };

struct bundle {
	struct archive *archive;
	const struct rp_result *result;
	int error;                 /* sticky */
};

static void add_octets(struct bundle *bundle, const char *name, const char *octets, size_t length)
{
	struct archive_entry *entry = archive_entry_new();

	if (entry == NULL)
		abort();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (int64_t)length);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, (time_t)(bundle->result->target.started / 1000000000), 0);
	if (bundle->error == 0 && (archive_write_header(bundle->archive, entry) != ARCHIVE_OK ||
	                           archive_write_data(bundle->archive, octets, length) != (la_ssize_t)length))
		bundle->error = -EIO;
	archive_entry_free(entry);
}

/* Frees the text. */
static void add_text(struct bundle *bundle, const char *name, char *text)
{
	add_octets(bundle, name, text, strlen(text));
	free(text);
}

/* Whether it was there: a regular file of at most `most` octets. */
static bool add_file(struct bundle *bundle, const char *name, const char *path, size_t most)
{
	FILE *file = fopen(path, "re");
	struct stat about;
	size_t length;
	char *octets;

	if (file == NULL)
		return false;
	if (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode) || (uintmax_t)about.st_size > most) {
		fclose(file);
		return false;
	}
	octets = malloc((size_t)about.st_size + 1);
	if (octets == NULL)
		abort();
	length = fread(octets, 1, (size_t)about.st_size, file);
	fclose(file);
	add_octets(bundle, name, octets, length);
	free(octets);
	return true;
}

static void add_report(struct bundle *bundle)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (to == NULL)
		abort();
	rp_html_write(bundle->result, to);
	if (fclose(to) != 0)
		abort();
	add_octets(bundle, "appeal/report.html", text, length);
	free(text);
}

/* ---- one scenario ------------------------------------------------------------------------- */

/* "appeal/012-chat-MSG-02-x-udp/": nothing of an id but letters, digits and dashes gets into a path. */
static char *folder_of(const struct rp_scenario *scenario, size_t index)
{
	char id[LONGEST_ID + 1];
	size_t i;

	for (i = 0; i < LONGEST_ID && scenario->id[i] != '\0'; i++)
		id[i] = (scenario->id[i] >= '0' && scenario->id[i] <= '9') ||
			((scenario->id[i] | 0x20) >= 'a' && (scenario->id[i] | 0x20) <= 'z') ? scenario->id[i] : '-';
	id[i] = '\0';
	return rp_string("appeal/%03zu-%s-%s", index, id, rp_transport_name(scenario->transport));
}

static void add_part(struct bundle *bundle, const char *folder, const char *part, const char *text)
{
	char *name = rp_string("%s/%s", folder, part);

	if (text != NULL)
		add_octets(bundle, name, text, strlen(text));
	free(name);
}

static void add_capture(struct bundle *bundle, const char *folder, const char *capture)
{
	const char *dot = capture == NULL ? NULL : strrchr(capture, '.');
	bool pcapng = dot != NULL && strcmp(dot, ".pcapng") == 0;
	char *name;

	if (dot == NULL || (!pcapng && strcmp(dot, ".pcap") != 0))
		return;
	name = rp_string("%s/capture%s", folder, pcapng ? ".pcapng" : ".pcap");
	if (!add_file(bundle, name, capture, LARGEST_CAPTURE))
		add_part(bundle, folder, "capture.txt", "The capture is not there any more.\n");
	free(name);
}

static char *command_text(const struct rp_scenario *scenario)
{
	char *command = rp_shown_text(scenario->repeat == NULL ? "no command was recorded" : scenario->repeat);
	char *text = rp_string("%s\n", command);

	free(command);
	return text;
}

static void add_scenario(struct bundle *bundle, size_t index)
{
	const struct rp_scenario *scenario = &bundle->result->scenarios[index];
	char *folder = folder_of(scenario, index), *text = rp_scenario_text(scenario, TEXT_WIDTH, 0), *command = command_text(scenario);
	char *source = scenario->file == NULL ? NULL : rp_source_read(scenario->file), seed[32];

	snprintf(seed, sizeof(seed), "%llu\n", (unsigned long long)scenario->seed);
	add_part(bundle, folder, "explanation.txt", text);
	add_part(bundle, folder, "command.txt", command);
	add_part(bundle, folder, "seed.txt", seed);
	add_part(bundle, folder, source != NULL ? "scenario.c2w" : "scenario.txt", source != NULL ? source : "The scenario's file is not there any more.\n");
	add_capture(bundle, folder, scenario->pcap);
	free(folder);
	free(text);
	free(command);
	free(source);
}

static bool is_meant(const struct rp_scenario *scenario, const char *only)
{
	if (only != NULL)
		return strstr(scenario->id, only) != NULL;
	return scenario->verdict == RP_FAIL || scenario->verdict == RP_WARN || scenario->verdict == RP_INCONCLUSIVE;
}

/* ---- the archive -------------------------------------------------------------------------- */

static void add_readme(struct bundle *bundle, size_t count)
{
	char *line = rp_summary_line(bundle->result), *command = rp_shown_text(bundle->result->command == NULL ? "" : bundle->result->command);
	char *target = rp_shown_text(bundle->result->target.address == NULL ? "" : bundle->result->target.address), started[RP_TIME_TEXT];

	rp_time_text(bundle->result->target.started, started);
	add_text(bundle, "appeal/README.txt", rp_string("%s\n\ntarget   %s\nstarted  %s\ncommand  %s\nseed     %llu\n\n"
		"result.json is the whole result, report.html its report. Of %zu scenarios there is a folder with\n"
		"the script, its seed, the command that repeats it, a capture if there was one, and what was found.\n",
		line, target, started, command, (unsigned long long)bundle->result->seed, count));
	free(line);
	free(command);
	free(target);
}

static void add_all(struct bundle *bundle, const char *source, const char *only, size_t count)
{
	add_readme(bundle, count);
	if (!add_file(bundle, "appeal/result.json", source, RP_MAX_FILE) && bundle->error == 0)
		bundle->error = -EIO;
	add_report(bundle);
	for (size_t i = 0; i < bundle->result->scenarios_count; i++)
		if (is_meant(&bundle->result->scenarios[i], only))
			add_scenario(bundle, i);
}

static int write_archive(const struct rp_result *result, const char *source, const char *only, size_t count, FILE *to)
{
	struct bundle bundle = { .archive = archive_write_new(), .result = result };

	if (bundle.archive == NULL)
		abort();
	if (archive_write_set_format_pax_restricted(bundle.archive) != ARCHIVE_OK || archive_write_add_filter_gzip(bundle.archive) != ARCHIVE_OK ||
	    archive_write_open_FILE(bundle.archive, to) != ARCHIVE_OK)
		bundle.error = -EIO;
	add_all(&bundle, source, only, count);
	if (archive_write_close(bundle.archive) != ARCHIVE_OK && bundle.error == 0)
		bundle.error = -EIO;
	archive_write_free(bundle.archive);
	return bundle.error;
}

int rp_bundle_write(const struct rp_result *result, const char *source, const char *only, const char *file)
{
	struct rp_output *output;
	size_t count = 0;
	int error;

	for (size_t i = 0; i < result->scenarios_count; i++)
		count += is_meant(&result->scenarios[i], only);
	if (count == 0 && only != NULL)
		return -ENOENT;
	output = rp_output_open(file);
	if (output == NULL)
		return -errno;
	error = write_archive(result, source, only, count, rp_output_stream(output));
	if (error == 0)
		return rp_output_commit(output);
	rp_output_abandon(output);
	return error;
}
