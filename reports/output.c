/* Temporary beside, renamed at the end, see output.h. For c2w-conform and c2w-report.
 * Owns its stream and names. */
#include "reports/output.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rp_output {
	FILE *stream;
	char *file, *temporary; /* temporary NULL: written as it stands */
};

/* Whether it is what standard output is, whatever that is: /dev/stdout, or the file it was redirected to. */
static bool is_standard_output(const struct stat *file)
{
	struct stat standard;

	return fstat(STDOUT_FILENO, &standard) == 0 && file->st_dev == standard.st_dev && file->st_ino == standard.st_ino;
}

/* NULL where it is to be written beside and renamed; also where it cannot be opened, errno is set then. */
static FILE *open_special(const char *file, bool *special)
{
	struct stat status;

	*special = stat(file, &status) == 0 && (!S_ISREG(status.st_mode) || is_standard_output(&status));
	if (!*special)
		return NULL;
	if (is_standard_output(&status))
		return fdopen(dup(STDOUT_FILENO), "w");
	return fopen(file, "we");
}

/* As fopen() would make it: mkstemp() gives it to its owner alone. */
static int open_beside(const char *file, char **temporary)
{
	mode_t mask = umask(0);
	int descriptor;

	umask(mask);
	if (asprintf(temporary, "%s.XXXXXX", file) < 0)
		abort();
	descriptor = mkstemp(*temporary);
	if (descriptor >= 0)
		fchmod(descriptor, 0666 & ~mask);
	return descriptor;
}

/* Where a link leads, so that it stays one. */
static char *real_name(const char *file)
{
	char *name = realpath(file, NULL);

	if (name == NULL)
		name = strdup(file);
	assert(name != NULL);
	return name;
}

struct rp_output *rp_output_open(const char *file)
{
	struct rp_output *output = calloc(1, sizeof(*output));
	bool special;
	int descriptor;

	assert(output != NULL);
	output->stream = open_special(file, &special);
	output->file = real_name(file);
	if (!special) {
		descriptor = open_beside(output->file, &output->temporary);
		output->stream = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
	}
	if (output->stream != NULL)
		return output;
	descriptor = errno;
	free(output->temporary);
	free(output->file);
	free(output);
	errno = descriptor;
	return NULL;
}

FILE *rp_output_stream(struct rp_output *output)
{
	return output->stream;
}

void rp_output_abandon(struct rp_output *output)
{
	if (output == NULL)
		return;
	if (output->stream != NULL)
		fclose(output->stream);
	if (output->temporary != NULL)
		unlink(output->temporary);
	free(output->temporary);
	free(output->file);
	free(output);
}

/* The stream forgot what went wrong; one more octet, of a file that nobody will see, meets it again. */
static int lost_error(const struct rp_output *output)
{
	return output->temporary != NULL && write(fileno(output->stream), "", 1) < 0 ? -errno : -EIO;
}

int rp_output_commit(struct rp_output *output)
{
	int error = ferror(output->stream) ? lost_error(output) : 0;

	if (fclose(output->stream) != 0 && error == 0)
		error = -errno;
	output->stream = NULL;
	if (error == 0 && output->temporary != NULL) {
		if (rename(output->temporary, output->file) == 0) {
			free(output->temporary);
			output->temporary = NULL;
		} else {
			error = -errno;
		}
	}
	rp_output_abandon(output);
	return error;
}
