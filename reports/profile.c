/* -D and profile files, see profile.h. For the programs. Owns nothing between calls. */
#include "reports/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/text.h"

static struct c2w_str trimmed(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n", *at) != NULL)
		at++;
	while (at < end && strchr(" \t\r\n", end[-1]) != NULL)
		end--;
	return (struct c2w_str){ at, (size_t)(end - at) };
}

char *rp_define(struct c2w_params *params, const char *text)
{
	const char *end = text + strlen(text), *equals = strchr(text, '=');
	struct c2w_str name = trimmed(text, equals != NULL ? equals : end);
	struct c2w_str value = equals != NULL ? trimmed(equals + 1, end) : C2W_STR("");
	int param = c2w_param_find(name);

	if (param < 0)
		return rp_string("%.*s: there is no parameter of this name", (int)name.length, name.at);
	if (equals == NULL)
		return rp_string("%.*s: it takes NAME=VALUE", (int)name.length, name.at);
	if (c2w_params_set(params, name, value) != C2W_OK)
		return rp_string("%.*s=%.*s: it takes %s", (int)name.length, name.at, (int)value.length, value.at,
		                c2w_param_shape(c2w_param_info((enum c2w_param)param)->kind));
	return NULL;
}

static char *define_line(struct c2w_params *params, const char *file, unsigned number, char *line)
{
	char *wrong, *where;

	line[strcspn(line, "#")] = '\0';
	wrong = trimmed(line, line + strlen(line)).length == 0 ? NULL : rp_define(params, line);
	if (wrong == NULL)
		return NULL;
	where = rp_string("%s:%u: %s", file, number, wrong);
	free(wrong);
	return where;
}

char *rp_profile_read(struct c2w_params *params, const char *file)
{
	FILE *from = fopen(file, "re");
	char *line = NULL, *wrong = NULL;
	size_t size = 0;

	if (from == NULL)
		return rp_string("%s: %s", file, strerror(errno));
	for (unsigned number = 1; wrong == NULL && getline(&line, &size, from) >= 0; number++)
		wrong = define_line(params, file, number, line);
	if (wrong == NULL && ferror(from))
		wrong = rp_string("%s: it cannot be read", file);
	free(line);
	fclose(from);
	return wrong;
}
