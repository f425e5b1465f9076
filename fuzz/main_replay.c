/* The plain driver of a fuzz target: gives it every file named, and every file in every folder named, twice each.
 *   replay-TARGET [-v] FILE|FOLDER...        -v: the target tells what it does, where it can
 * Fails if the second time is not like the first (determinism), if there was no file at all, or by the target's abort or a sanitizer,
 * with the file's name before it. Owns the octets while the target looks at them: exactly as many as there are. */
#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

static char present[4096];

/* Whatever ends the program: the input it was at is what one wants to know. */
static void say_present(void)
{
	if (*present)
		fprintf(stderr, "replay: it was at %s\n", present);
}

void __asan_on_error(void);
void __asan_on_error(void)
{
	say_present();
}

static uint8_t *read_file(const char *path, size_t *size)
{
	FILE *from = fopen(path, "re");
	struct stat status;
	uint8_t *octets;

	if (!from || fstat(fileno(from), &status) < 0)
		return NULL;
	*size = (size_t)status.st_size;
	octets = malloc(*size + (*size == 0));
	if (!octets)
		abort();
	if (fread(octets, 1, *size, from) != *size) {
		free(octets);
		octets = NULL;
	}
	fclose(from);
	return octets;
}

static bool replay(const char *path)
{
	uint64_t seen[2];
	size_t size;
	uint8_t *octets = read_file(path, &size);

	if (!octets) {
		fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		return false;
	}
	snprintf(present, sizeof(present), "%s", path);
	fz_digest();
	for (int i = 0; i < 2; i++) {
		LLVMFuzzerTestOneInput(octets, size);
		seen[i] = fz_digest();
	}
	*present = '\0';
	free(octets);
	if (seen[0] != seen[1])
		fprintf(stderr, "replay: %s: the second time is not like the first\n", path);
	return seen[0] == seen[1];
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int main(int argc, char **argv)
{
	unsigned files = 0, bad = 0;
	FTS *tree;

	fz_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	if (argc < 2 + fz_verbose) {
		fprintf(stderr, "usage: %s [-v] FILE|FOLDER...\n", argv[0]);
		return 2;
	}
	tree = fts_open(argv + 1 + fz_verbose, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	for (FTSENT *entry; tree && (entry = fts_read(tree));) {
		if (entry->fts_info != FTS_F && entry->fts_info != FTS_NS)
			continue;
		files++;
		bad += !replay(entry->fts_path);
	}
	if (tree)
		fts_close(tree);
	if (files == 0)
		fprintf(stderr, "replay: %s: no file there\n", argv[1 + fz_verbose]);
	else
		printf("%u inputs, %u bad\n", files, bad);
	if (fz_summary)
		fz_summary();
	return files == 0 || bad > 0;
}
