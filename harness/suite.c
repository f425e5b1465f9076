/* Loading scenarios: finds files and the libraries they use, reads, parses and checks them. See script.h.
 * For main functions and tests. A suite and all that belongs to it live in one arena; with a single error there is none. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/check.h"

enum { MAX_FILE = 1 << 20, MAX_FILES = 10000, MAX_UP = 16 };

static const char library_name[] = "lib.c2w", ending[] = ".c2w";

/* A folder and the exchanges that its scenarios know. */
struct folder {
	const char *root, *path;
	struct hx_scope scope;     /* of its lib.c2w, if it has one */
	const struct hx_scope *known; /* &scope, or that of an outer folder; NULL: none */
	struct folder *next;
};

struct file {
	const char *real;
	struct file *next;
};

struct loader {
	struct hx_arena *arena;
	struct hx_complaints *complaints;
	struct folder *folders;
	struct file *files;        /* loaded, each once */
	struct hx_script *scripts; /* with a good or bad scenario */
	unsigned count;
};

static void loader_init(struct loader *loader, void (*error)(void *context, const char *text), void *context)
{
	*loader = (struct loader){ .arena = hx_arena_new() };
	loader->complaints = hx_complaints_new(loader->arena, error, context);
}

static void complain_of_path(struct loader *loader, const char *path, const char *words)
{
	hx_complain(loader->complaints, (struct hx_place){ .file = path }, "%s", words);
}

/* ---- paths ---------------------------------------------------------------------------------- */

static const char *join(struct loader *loader, const char *folder, const char *name)
{
	return strcmp(folder, ".") == 0 ? name : hx_print(loader->arena, "%s/%s", folder, name);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "a/b" is in "a", "a" in ".", "." in "..", ".." in "../..". */
static const char *parent_of(struct loader *loader, const char *path)
{
	const char *base = base_of(path);

	if (strcmp(path, ".") == 0)
		return "..";
	if (strcmp(base, "..") == 0 || strcmp(base, ".") == 0)
		return hx_print(loader->arena, "%s/..", path);
	if (base == path)
		return ".";
	return base == path + 1 ? "/" : hx_copy(loader->arena, path, (size_t)(base - path) - 1);
}

static const char *without_slashes(struct loader *loader, const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	return hx_copy(loader->arena, path, length);
}

static bool has_library(struct loader *loader, const char *folder)
{
	return access(join(loader, folder, library_name), F_OK) == 0;
}

/* The folder that ids are told from: the nearest with a library, or further out while the next has one, too. */
static const char *root_of(struct loader *loader, const char *folder)
{
	const char *root = folder, *outer;

	for (unsigned i = 0; i < MAX_UP && !has_library(loader, root); i++)
		root = parent_of(loader, root);
	if (!has_library(loader, root))
		return folder;
	for (unsigned i = 0; i < MAX_UP; i++, root = outer) {
		outer = parent_of(loader, root);
		if (strcmp(outer, root) == 0 || !has_library(loader, outer))
			break;
	}
	return root;
}

/* The path below the root without its ending. */
static const char *id_of(struct loader *loader, const char *root, const char *path)
{
	const char *base = base_of(path), *name = hx_copy(loader->arena, base, strlen(base) - strlen(ending));
	char *outer = realpath(root, NULL), *inner = realpath(parent_of(loader, path), NULL);
	size_t length = outer ? strlen(outer) : 0;
	const char *id = name;

	if (outer && inner && strncmp(inner, outer, length) == 0 && inner[length] == '/')
		id = hx_print(loader->arena, "%s/%s", inner + length + 1, name);
	free(outer);
	free(inner);
	return id;
}

static bool has_ending(const char *path)
{
	size_t length = strlen(base_of(path));

	return length > strlen(ending) && strcmp(path + strlen(path) - strlen(ending), ending) == 0;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* No other kind of file: a pipe could keep us waiting. */
static int open_file(struct loader *loader, const char *path, struct stat *status)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, status) < 0) {
		complain_of_path(loader, path, hx_print(loader->arena, "cannot be read: %s", strerror(errno)));
	} else if (!S_ISREG(status->st_mode)) {
		complain_of_path(loader, path, "cannot be read: not a file");
	} else if (status->st_size > MAX_FILE) {
		complain_of_path(loader, path, "longer than 1 MiB");
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct hx_source *read_source(struct loader *loader, const char *path)
{
	struct hx_source *source = NULL;
	struct stat status;
	int fd = open_file(loader, path, &status);
	char *text;
	ssize_t octets;

	if (fd < 0)
		return NULL;
	text = malloc((size_t)status.st_size + 1);
	if (!text)
		abort();
	octets = read(fd, text, (size_t)status.st_size);
	if (octets < 0)
		complain_of_path(loader, path, hx_print(loader->arena, "cannot be read: %s", strerror(errno)));
	else
		source = hx_source_add(loader->complaints, path, text, (size_t)octets);
	free(text);
	close(fd);
	return source;
}

/* ---- libraries ------------------------------------------------------------------------------ */

static void load_library(struct loader *loader, struct folder *folder, struct hx_source *source)
{
	folder->scope.outer = folder->known;
	folder->scope.source = source;
	folder->scope.definitions = hx_parse(loader->arena, loader->complaints, source, true)->definitions;
	folder->known = &folder->scope;
	hx_check_exchanges(loader->arena, loader->complaints, &folder->scope);
}

/* The folder with its library loaded, and those of the folders around it up to the root. */
static struct folder *enter_folder(struct loader *loader, const char *root, const char *path)
{
	struct folder *folder = loader->folders;
	struct hx_source *source;

	while (folder && (strcmp(folder->root, root) != 0 || strcmp(folder->path, path) != 0))
		folder = folder->next;
	if (folder)
		return folder;
	folder = hx_alloc(loader->arena, sizeof(*folder));
	folder->root = root;
	folder->path = path;
	if (strcmp(path, root) != 0 && strcmp(path, "/") != 0)
		folder->known = enter_folder(loader, root, parent_of(loader, path))->known;
	folder->next = loader->folders;
	loader->folders = folder;
	source = has_library(loader, path) ? read_source(loader, join(loader, path, library_name)) : NULL;
	if (source)
		load_library(loader, folder, source);
	return folder;
}

/* ---- scenarios ------------------------------------------------------------------------------ */

static const char *area_of(struct loader *loader, const char *id)
{
	const char *slash = strchr(id, '/');

	return slash ? hx_copy(loader->arena, id, (size_t)(slash - id)) : "";
}

static void check_id(struct loader *loader, const char *path, const char *id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";

	if (id[strspn(id, allowed)] != '\0')
		complain_of_path(loader, path, "a scenario's path has letters, digits and . _ - only: it is the scenario's id");
}

static void add_scenario(struct loader *loader, struct hx_source *source, const struct hx_scope *known, const char *id)
{
	struct hx_script *script = hx_parse(loader->arena, loader->complaints, source, false);
	struct hx_scope scope = { .source = source, .definitions = script->definitions, .outer = known };

	hx_check_exchanges(loader->arena, loader->complaints, &scope);
	if (!script->scenario) {
		if (source->complaints == 0)
			complain_of_path(loader, source->file, "no scenario in this file");
		return;
	}
	script->scenario->id = id;
	script->scenario->area = area_of(loader, id);
	hx_check_scenario(loader->arena, loader->complaints, &scope, script);
	script->next = loader->scripts;
	loader->scripts = script;
	loader->count++;
}

/* A file named twice, directly or by its folder, is loaded once. */
static bool is_new(struct loader *loader, const char *path)
{
	char *real = realpath(path, NULL);
	const char *name = hx_print(loader->arena, "%s", real ? real : path);
	struct file *file;

	free(real);
	for (file = loader->files; file; file = file->next)
		if (strcmp(file->real, name) == 0)
			return false;
	file = hx_alloc(loader->arena, sizeof(*file));
	file->real = name;
	file->next = loader->files;
	loader->files = file;
	return true;
}

static void load_file(struct loader *loader, const char *root, const char *path)
{
	const struct folder *folder = enter_folder(loader, root, parent_of(loader, path));
	struct hx_source *source;
	const char *id;

	if (strcmp(base_of(path), library_name) == 0 || !is_new(loader, path))
		return;
	if (loader->count == MAX_FILES) {
		complain_of_path(loader, path, "more than 10000 scenarios");
		return;
	}
	source = read_source(loader, path);
	if (!source)
		return;
	id = id_of(loader, root, path);
	check_id(loader, path, id);
	add_scenario(loader, source, folder->known, id);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static unsigned load_entry(struct loader *loader, FTS *tree, FTSENT *entry, const char *root)
{
	bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

	if (hidden || entry->fts_level > HX_MAX_DEPTH) {
		fts_set(tree, entry, FTS_SKIP);
		return 0;
	}
	if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
		complain_of_path(loader, hx_print(loader->arena, "%s", entry->fts_path),
		                 hx_print(loader->arena, "cannot be read: %s", strerror(entry->fts_errno)));
	if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP || !has_ending(entry->fts_name))
		return 0;
	load_file(loader, root, hx_print(loader->arena, "%s", entry->fts_path));
	return 1;
}

static void load_folder(struct loader *loader, const char *path)
{
	char *paths[] = { hx_print(loader->arena, "%s", path), NULL };
	FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	const char *root = root_of(loader, path);
	unsigned found = 0;

	if (!tree)
		abort();
	for (FTSENT *entry = fts_read(tree); entry; entry = fts_read(tree))
		found += load_entry(loader, tree, entry, root);
	fts_close(tree);
	if (found == 0)
		complain_of_path(loader, path, "no scenario in this folder");
}

static void load_path(struct loader *loader, const char *given)
{
	const char *path = without_slashes(loader, given);
	struct stat status;

	if (stat(path, &status) < 0)
		complain_of_path(loader, path, hx_print(loader->arena, "cannot be read: %s", strerror(errno)));
	else if (S_ISDIR(status.st_mode))
		load_folder(loader, path);
	else if (!has_ending(path))
		complain_of_path(loader, path, "not a scenario: its name does not end in .c2w");
	else
		load_file(loader, root_of(loader, parent_of(loader, path)), path);
}

/* ---- suites --------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	return strcmp((*(const struct hx_scenario *const *)a)->id, (*(const struct hx_scenario *const *)b)->id);
}

static void check_ids(struct loader *loader, const struct hx_suite *suite)
{
	for (unsigned i = 1; i < suite->count; i++)
		if (strcmp(suite->scenarios[i - 1]->id, suite->scenarios[i]->id) == 0)
			complain_of_path(loader, suite->scenarios[i]->file,
			                 hx_print(loader->arena, "has the id of %s: %s", suite->scenarios[i - 1]->file, suite->scenarios[i]->id));
}

static unsigned finish(struct loader *loader, struct hx_suite **suite)
{
	struct hx_suite *whole = hx_alloc(loader->arena, sizeof(*whole));
	unsigned errors;

	whole->arena = loader->arena;
	whole->scenarios = hx_alloc(loader->arena, (loader->count + 1) * sizeof(*whole->scenarios));
	for (const struct hx_script *script = loader->scripts; script; script = script->next)
		whole->scenarios[whole->count++] = script->scenario;
	qsort(whole->scenarios, whole->count, sizeof(*whole->scenarios), by_id);
	check_ids(loader, whole);
	hx_complaints_say(loader->complaints);
	errors = hx_complaints_count(loader->complaints);
	*suite = errors == 0 ? whole : NULL;
	if (errors > 0)
		hx_arena_free(loader->arena);
	return errors;
}

unsigned hx_suite_load(struct hx_suite **suite, const char *const *paths, unsigned path_count,
                       void (*error)(void *context, const char *text), void *context)
{
	struct loader loader;

	loader_init(&loader, error, context);
	for (unsigned i = 0; i < path_count; i++)
		load_path(&loader, paths[i]);
	return finish(&loader, suite);
}

unsigned hx_suite_parse(struct hx_suite **suite, const char *file, const char *text, const char *lib,
                        void (*error)(void *context, const char *text), void *context)
{
	struct loader loader;
	struct folder folder = { .root = "" };
	struct hx_source *source;
	const char *id;

	loader_init(&loader, error, context);
	if (lib)
		load_library(&loader, &folder, hx_source_add(loader.complaints, library_name, lib, strlen(lib)));
	source = hx_source_add(loader.complaints, file, text, strlen(text));
	id = hx_copy(loader.arena, file, strlen(file) - (has_ending(file) ? strlen(ending) : 0));
	add_scenario(&loader, source, folder.known, id);
	return finish(&loader, suite);
}

void hx_suite_free(struct hx_suite *suite)
{
	if (suite)
		hx_arena_free(suite->arena);
}
