/* The archive of bundle.h. libarchive does the format; names in it are ours, a scenario's id only counts as text. For c2w-report.
 * Owns the archive while it writes. */
#include "reports/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void note_failure(struct bundle *bundle)
{
	int error = archive_errno(bundle->archive);

	if (bundle->error == 0)
		bundle->error = error > 0 ? -error : -EIO;
}

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
		note_failure(bundle);
	archive_entry_free(entry);
}

/* Frees the text. */
static void add_text(struct bundle *bundle, const char *name, char *text)
{
	add_octets(bundle, name, text, strlen(text));
	free(text);
}

static void add_result(struct bundle *bundle, const char *source)
{
	size_t length;
	char *octets = rp_file_read(source, RP_MAX_FILE, &length);

	if (octets != NULL)
		add_octets(bundle, "appeal/result.json", octets, length);
	else if (bundle->error == 0)
		bundle->error = -EIO;
	free(octets);
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

static void add_packets(struct bundle *bundle, const char *folder, const struct rp_scenario *scenario)
{
	char *name = rp_string("%s/packets.pcap", folder), *octets;
	size_t length;

	octets = rp_capture_read(scenario, LARGEST_CAPTURE, &length);
	if (octets != NULL)
		add_octets(bundle, name, octets, length);
	else if (scenario->pcap != NULL)
		add_part(bundle, folder, "packets.txt", "The file with its packets is not there any more, or is no capture.\n");
	free(octets);
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
	char *folder = folder_of(scenario, index), *text = rp_scenario_text(bundle->result, scenario, TEXT_WIDTH, 0), *command = command_text(scenario);
	char *source = scenario->file == NULL ? NULL : rp_source_read(scenario->file), seed[32];

	snprintf(seed, sizeof(seed), "%llu\n", (unsigned long long)scenario->seed);
	add_part(bundle, folder, "explanation.txt", text);
	add_part(bundle, folder, "command.txt", command);
	add_part(bundle, folder, "seed.txt", seed);
	add_part(bundle, folder, source != NULL ? "scenario.c2w" : "scenario.txt", source != NULL ? source : "The scenario's file is not there any more.\n");
	add_packets(bundle, folder, scenario);
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
		"the script, its seed, the command that repeats it, its %s (where the run wrote them), and what was found.\n",
		line, target, started, command, (unsigned long long)bundle->result->seed, count, rp_packets_title(bundle->result)));
	free(line);
	free(command);
	free(target);
}

static void add_all(struct bundle *bundle, const char *source, const char *only, size_t count)
{
	add_readme(bundle, count);
	add_result(bundle, source);
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
		note_failure(&bundle);
	add_all(&bundle, source, only, count);
	if (archive_write_close(bundle.archive) != ARCHIVE_OK)
		note_failure(&bundle);
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
