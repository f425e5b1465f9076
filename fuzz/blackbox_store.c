/* Files of the black-box fuzzer, see blackbox_store.h. */
#include "fuzz/blackbox_store.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PATH = 4096 };

static const char *const kinds[] = { [FZ_VIOLATION] = "violation", [FZ_HANG] = "hang", [FZ_DEATH] = "death", [FZ_LEAK] = "leak" };

/* ---- the corpus ----------------------------------------------------------------------------- */

static bool is_scenario(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && strcmp(name + length - 4, ".c2w") == 0;
}

static bool load(struct fz_hunt *hunt, const char *path)
{
	struct fz_program program;
	FILE *from = fopen(path, "re");
	bool loaded = from != NULL && fz_program_read(&program, from);

	if (from != NULL)
		fclose(from);
	if (loaded) {
		program.origin = path;
		fz_hunt_seed(hunt, &program);
	}
	return loaded;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int make_folder(const char *folder)
{
	struct stat found;

	if (mkdir(folder, 0777) == 0)
		return 0;
	if (errno != EEXIST || stat(folder, &found) < 0)
		return -errno;
	return S_ISDIR(found.st_mode) ? 0 : -ENOTDIR;
}

int fz_corpus_load(struct fz_hunt *hunt, const char *folder, void (*unreadable)(void *context, const char *path), void *context)
{
	char *copy = strdup(folder), *paths[] = { copy, NULL };
	int loaded = make_folder(folder);
	FTSENT *entry;
	FTS *tree = loaded == 0 ? fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name) : NULL;

	while (tree != NULL && (entry = fts_read(tree)) != NULL) {
		if (entry->fts_info != FTS_F || !is_scenario(entry->fts_name))
			continue;
		if (load(hunt, entry->fts_path))
			loaded++;
		else
			unreadable(context, entry->fts_path);
	}
	if (tree != NULL)
		fts_close(tree);
	free(copy);
	return loaded;
}

static int write_file(const char *path, const char *text, size_t length)
{
	FILE *to = fopen(path, "we");
	bool written;
	int error;

	if (to == NULL)
		return -errno;
	written = fwrite(text, 1, length, to) == length;
	if (fclose(to) == 0 && written)
		return 0;
	error = errno;
	unlink(path); /* half a scenario would be read again */
	return error > 0 ? -error : -EIO;
}

int fz_corpus_keep(const char *folder, const struct fz_program *program)
{
	char path[MAX_PATH], *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int error;

	if (to == NULL)
		return -errno;
	fputs("scenario \"An input of c2w-fuzz\"\nproves ROB-01\n", to);
	fz_program_print_cast(program, false, false, to);
	fz_program_print(program, to);
	fclose(to);
	snprintf(path, sizeof(path), "%s/%016llx.c2w", folder, (unsigned long long)fz_hash(0, text, size));
	error = write_file(path, text, size);
	free(text);
	return error;
}

/* ---- findings ------------------------------------------------------------------------------- */

int fz_findings_prepare(const char *folder)
{
	int error = make_folder(folder);

	return error < 0 ? error : access(folder, W_OK | X_OK) < 0 ? -errno : 0;
}

static int save_suspects(const char *stem, const struct fz_report *report)
{
	char folder[MAX_PATH + 16];
	int error;

	snprintf(folder, sizeof(folder), "%s.suspects", stem);
	error = make_folder(folder);
	for (unsigned i = 0; error == 0 && i < report->suspect_count; i++)
		error = fz_corpus_keep(folder, &report->suspects[i]);
	return error;
}

static int write_beside(const char *stem, const char *end, const char *text)
{
	char path[MAX_PATH + 16];

	snprintf(path, sizeof(path), "%s.%s", stem, end);
	return write_file(path, text, strlen(text));
}

int fz_finding_save(const char *folder, const struct fz_report *report, const char *output, char *name, size_t size)
{
	char stem[MAX_PATH], again[16] = "";
	int error = make_folder(folder);

	for (unsigned hunt = 2; snprintf(stem, sizeof(stem), "%.4000s/%s%03u-%s%s", folder, report->certain ? "" : "once-", report->number, c2w_rule_info(report->finding.rule)->id, again),
	     snprintf(name, size, "%s.c2w", stem), access(name, F_OK) == 0; hunt++)
		snprintf(again, sizeof(again), ".%u", hunt);
	error = error < 0 ? error : write_beside(stem, "c2w", report->script);
	error = error < 0 ? error : write_beside(stem, "octets", report->octets);
	if (error == 0 && output[0] != '\0')
		error = write_beside(stem, "output", output);
	if (error == 0 && report->certain && !report->reproduced)
		error = save_suspects(stem, report);
	return error;
}

/* What is no UTF-8 is left out: a path, or a line of the server's. */
static void set_text(json_t *object, const char *key, const char *text)
{
	json_t *value = text != NULL ? json_string(text) : NULL;

	if (value != NULL)
		json_object_set_new(object, key, value);
}

json_t *fz_finding_json(const struct fz_report *report, const char *name)
{
	json_t *object = json_object();

	set_text(object, "rule", c2w_rule_info(report->finding.rule)->id);
	set_text(object, "kind", kinds[report->finding.kind]);
	set_text(object, "what", report->finding.what);
	set_text(object, "expected", report->finding.expected);
	set_text(object, "got", report->finding.got);
	set_text(object, "scenario", name);
	set_text(object, "origin", report->program->origin);
	json_object_set_new(object, "reproduced", json_boolean(report->reproduced));
	json_object_set_new(object, "steps", json_integer(report->program->count));
	json_object_set_new(object, "executions", json_integer((json_int_t)report->executions));
	json_object_set_new(object, "after_ns", json_integer(report->after));
	return object;
}

json_t *fz_result_json(const struct fz_hunt_counts *counts, const char *target, uint64_t seed, json_t *findings, json_t *doubted)
{
	json_t *object = json_object();

	set_text(object, "schema", "c2w-fuzz/1");
	set_text(object, "version", C2W_VERSION);
	set_text(object, "target", target);
	json_object_set_new(object, "seed", json_integer((json_int_t)seed));
	json_object_set_new(object, "udp", json_boolean(counts->udp));
	json_object_set_new(object, "tcp", json_boolean(counts->tcp));
	json_object_set_new(object, "lost", json_boolean(counts->unreachable));
	json_object_set_new(object, "executions", json_integer((json_int_t)counts->executions));
	json_object_set_new(object, "messages", json_integer((json_int_t)counts->messages));
	json_object_set_new(object, "states", json_integer((json_int_t)counts->states));
	json_object_set_new(object, "transitions", json_integer((json_int_t)counts->transitions));
	json_object_set_new(object, "kept", json_integer(counts->kept));
	json_object_set_new(object, "duration_ns", json_integer(counts->elapsed));
	json_object_set_new(object, "findings", findings);
	json_object_set_new(object, "seen_once", doubted);
	return object;
}

/* ---- what a process group uses -------------------------------------------------------------- */

static bool read_proc(const char *pid, const char *name, char *to, size_t size)
{
	char path[64];
	size_t length;
	FILE *from;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	from = fopen(path, "re");
	if (from == NULL)
		return false;
	length = fread(to, 1, size - 1, from);
	fclose(from);
	to[length] = '\0';
	return true;
}

/* Behind the name, which may hold anything: ") S PARENT GROUP". */
static bool is_of_group(const char *pid, pid_t group)
{
	char text[512], *at;

	if (!read_proc(pid, "stat", text, sizeof(text)) || (at = strrchr(text, ')')) == NULL || strlen(at) < 5)
		return false;
	strtol(at + 4, &at, 10);
	return strtol(at, NULL, 10) == group;
}

/* Pages: all, then those that are there. */
static void add_memory(const char *pid, struct fz_usage *usage)
{
	char text[128], *at;

	if (!read_proc(pid, "statm", text, sizeof(text)))
		return;
	strtoul(text, &at, 10);
	usage->memory += strtoul(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void add_descriptors(const char *pid, struct fz_usage *usage)
{
	char path[64];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL)
		usage->descriptors += entry->d_name[0] != '.';
	if (folder != NULL)
		closedir(folder);
}

bool fz_usage_of(pid_t group, struct fz_usage *usage)
{
	DIR *all = group > 0 ? opendir("/proc") : NULL;
	struct dirent *entry;

	*usage = (struct fz_usage){ 0 };
	while (all != NULL && (entry = readdir(all)) != NULL) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !is_of_group(entry->d_name, group))
			continue;
		add_memory(entry->d_name, usage);
		add_descriptors(entry->d_name, usage);
	}
	if (all != NULL)
		closedir(all);
	return usage->memory > 0;
}
