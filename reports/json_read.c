/* Reads the result file back into the same result. Called by c2w-report and the fuzzers. jansson does the syntax; a cursor with a sticky
 * error reads field by field, since a file may be anybody's: after the first error every getter gives a harmless value. The result owns what is
 * read; the caller owns the error text. */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/result.h"
#include "reports/text.h"

/* ---- the cursor ----------------------------------------------------------------------------- */

struct reader {
	struct rp_result *result;
	const char *file;
	char *error;
	const char *part[2]; /* where we are: "scenarios", "findings" … */
	ptrdiff_t index[2];  /* NO_INDEX in an object */
	unsigned depth;
};

enum { NO_INDEX = -1 };

__attribute__((format(printf, 3, 4)))
static void refuse(struct reader *reader, const char *key, const char *format, ...)
{
	va_list arguments;
	char *what = NULL, where[128] = "";
	size_t used = 0;

	if (reader->error != NULL)
		return;
	for (unsigned i = 0; i < reader->depth; i++)
		used += (size_t)(reader->index[i] == NO_INDEX ?
			snprintf(where + used, sizeof(where) - used, "%s.", reader->part[i]) :
			snprintf(where + used, sizeof(where) - used, "%s[%td].", reader->part[i], reader->index[i]));
	va_start(arguments, format);
	if (vasprintf(&what, format, arguments) < 0 ||
	    asprintf(&reader->error, "%s: %s%s: %s", reader->file, where, key, what) < 0)
		abort();
	va_end(arguments);
	free(what);
}

static void enter(struct reader *reader, const char *part)
{
	reader->part[reader->depth] = part;
	reader->index[reader->depth++] = NO_INDEX;
}

static void leave(struct reader *reader)
{
	reader->depth--;
}

static const json_t *get(struct reader *reader, const json_t *object, const char *key, json_type type, const char *shape)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		refuse(reader, key, "is missing");
	else if (json_typeof(value) != type)
		refuse(reader, key, "must be %s", shape);
	else
		return value;
	return NULL;
}

static const json_t *get_object(struct reader *reader, const json_t *object, const char *key)
{
	return get(reader, object, key, JSON_OBJECT, "an object");
}

static const json_t *get_array(struct reader *reader, const json_t *object, const char *key)
{
	return get(reader, object, key, JSON_ARRAY, "an array");
}

static const char *get_string(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = get(reader, object, key, JSON_STRING, "a string");

	return value == NULL ? "" : json_string_value(value);
}

/* A string, or null or nothing at all: NULL. */
static char *get_text(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL || json_is_null(value))
		return NULL;
	return rp_text(reader->result, "%s", get_string(reader, object, key));
}

static int64_t get_number(struct reader *reader, const json_t *object, const char *key, int64_t least, int64_t most)
{
	const json_t *value = json_object_get(object, key);
	int64_t number;

	if (value == NULL)
		return 0;
	if (!json_is_integer(value)) {
		refuse(reader, key, "must be an integer");
		return 0;
	}
	number = json_integer_value(value);
	if (number >= least && number <= most)
		return number;
	refuse(reader, key, "is out of range");
	return 0;
}

static int64_t get_time(struct reader *reader, const json_t *object, const char *key)
{
	return get_number(reader, object, key, INT64_MIN / 4, INT64_MAX / 4);
}

static bool get_bool(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (value != NULL && !json_is_boolean(value))
		refuse(reader, key, "must be true or false");
	return json_is_true(value);
}

static uint64_t get_seed(struct reader *reader, const json_t *object)
{
	const char *text = get_string(reader, object, "seed");
	unsigned long long seed;
	char *end;

	errno = 0;
	seed = strtoull(text, &end, 10);
	if (text[strspn(text, "0123456789")] != '\0' || end == text || errno != 0)
		refuse(reader, "seed", "must be a whole number below 2^64, as a string");
	return seed;
}

/* One of `count` names, by its index. */
static unsigned get_name(struct reader *reader, const json_t *object, const char *key, const char *(*name)(unsigned), unsigned count)
{
	const char *text = get_string(reader, object, key);

	for (unsigned i = 0; i < count; i++)
		if (strcmp(text, name(i)) == 0)
			return i;
	refuse(reader, key, "\"%.40s\" is unknown", text);
	return 0;
}

static const char *name_of_verdict(unsigned index)
{
	return rp_verdict_name((enum rp_verdict)index);
}

static const char *name_of_overall(unsigned index)
{
	return rp_overall_name((enum rp_overall)index);
}

static const char *name_of_transport(unsigned index)
{
	return rp_transport_name((enum rp_transport)index);
}

static const char *name_of_direction(unsigned index)
{
	return index == 0 ? "sent" : "received";
}

static const char *name_of_stop(unsigned index)
{
	return rp_stop_name((enum rp_stop)index);
}

static enum rp_verdict get_verdict(struct reader *reader, const json_t *object)
{
	return (enum rp_verdict)get_name(reader, object, "verdict", name_of_verdict, RP_VERDICTS);
}

static enum c2w_rule find_rule(struct reader *reader, const char *key, const char *id)
{
	enum c2w_rule rule = c2w_rule_find(c2w_str_of(id));

	if (rule == C2W_NO_RULE)
		refuse(reader, key, "there is no rule \"%.40s\"", id);
	return rule;
}

/* ---- the parts of a result -------------------------------------------------------------------- */

static void read_tool(struct reader *reader, const json_t *root)
{
	const json_t *tool = get_object(reader, root, "tool");

	enter(reader, "tool");
	reader->result->tool = get_text(reader, tool, "name");
	reader->result->version = get_text(reader, tool, "version");
	reader->result->command = get_text(reader, tool, "command");
	leave(reader);
}

static void read_transports(struct reader *reader, const json_t *object, const char *key, bool *udp, bool *tcp)
{
	const json_t *array = get_array(reader, object, key), *transport;
	size_t i;

	json_array_foreach(array, i, transport) {
		const char *name = json_is_string(transport) ? json_string_value(transport) : "";

		if (strcmp(name, "udp") == 0)
			*udp = true;
		else if (strcmp(name, "tcp") == 0)
			*tcp = true;
		else
			refuse(reader, key, "holds something that is neither \"udp\" nor \"tcp\"");
	}
}

static void read_output(struct reader *reader, const json_t *object)
{
	char *text = get_text(reader, object, "output"), *octets;
	size_t length;

	if (text == NULL)
		return;
	if (!rp_unescape(text, &octets, &length)) {
		refuse(reader, "output", "has a bad escape");
		return;
	}
	reader->result->target.output = rp_text(reader->result, "%s", octets);
	free(octets);
}

/* What follows from the intervals is computed again. */
static void read_intervals(struct reader *reader, const json_t *array)
{
	int64_t intervals[RP_MAX_INTERVALS];
	const json_t *entry;
	size_t i;

	if (json_array_size(array) > RP_MAX_INTERVALS) {
		refuse(reader, "intervals_ns", "holds more than %d of them", RP_MAX_INTERVALS);
		return;
	}
	json_array_foreach(array, i, entry) {
		intervals[i] = json_integer_value(entry);
		if (!json_is_integer(entry) || intervals[i] < 0 || intervals[i] > INT64_MAX / 4)
			refuse(reader, "intervals_ns", "holds something that is no time");
	}
	if (reader->error == NULL)
		rp_fingerprint_set(reader->result, intervals, json_array_size(array));
}

static void read_fingerprint(struct reader *reader, const json_t *target)
{
	struct rp_fingerprint *print = &reader->result->target.fingerprint;
	const json_t *object = json_object_get(target, "retransmission");

	if (object == NULL)
		return;
	object = get_object(reader, target, "retransmission");
	enter(reader, "retransmission");
	print->stop = (enum rp_stop)get_name(reader, object, "stop", name_of_stop, RP_STOPS);
	print->reason = get_text(reader, object, "reason");
	print->watched = get_time(reader, object, "watched_ns");
	print->adopted = get_bool(reader, object, "adopted");
	read_intervals(reader, get_array(reader, object, "intervals_ns"));
	leave(reader);
}

static const char *name_of_capture(unsigned index)
{
	return rp_capture_kind((enum rp_capture)(index + 1));
}

static enum rp_capture read_capture(struct reader *reader, const json_t *target)
{
	const json_t *value = json_object_get(target, "capture");

	if (value == NULL || json_is_null(value))
		return RP_NO_CAPTURE;
	return (enum rp_capture)(get_name(reader, target, "capture", name_of_capture, RP_CAPTURES - 1) + 1);
}

static void read_target(struct reader *reader, const json_t *root)
{
	struct rp_target *target = &reader->result->target;
	const json_t *object = get_object(reader, root, "target");

	enter(reader, "target");
	read_transports(reader, object, "transports", &target->udp, &target->tcp);
	read_transports(reader, object, "left_out", &target->udp_left_out, &target->tcp_left_out);
	target->address = get_text(reader, object, "address");
	target->launch = get_text(reader, object, "launch");
	target->simulated = get_bool(reader, object, "simulated");
	target->started = get_time(reader, object, "started_ns");
	target->round_trip = get_time(reader, object, "round_trip_ns");
	target->restarts = (unsigned)get_number(reader, object, "restarts", 0, UINT32_MAX);
	target->lost_after = get_text(reader, object, "lost_after");
	target->capture = read_capture(reader, object);
	read_output(reader, object);
	read_fingerprint(reader, object);
	leave(reader);
}

static void read_parameters(struct reader *reader, const json_t *root)
{
	const json_t *object = get_object(reader, root, "parameters");

	enter(reader, "parameters");
	for (unsigned i = 0; i < C2W_PARAMS; i++) {
		const char *name = c2w_param_info((enum c2w_param)i)->name, *text;

		if (json_object_get(object, name) == NULL)
			continue;
		text = get_string(reader, object, name);
		if (c2w_params_set(&reader->result->params, c2w_str_of(name), c2w_str_of(text)) != C2W_OK)
			refuse(reader, name, "cannot be \"%.40s\"", text);
	}
	leave(reader);
}

static void read_finding(struct reader *reader, struct rp_scenario *scenario, const json_t *object)
{
	enum c2w_rule rule = find_rule(reader, "rule", get_string(reader, object, "rule"));
	enum rp_verdict verdict = get_verdict(reader, object);
	struct rp_finding *finding;

	if (verdict > RP_WARN)
		refuse(reader, "verdict", "cannot be \"%s\" for a finding", rp_verdict_name(verdict));
	if (reader->error != NULL)
		return;
	finding = rp_finding_add(reader->result, scenario, rule, verdict);
	finding->file = get_text(reader, object, "file");
	finding->line = (unsigned)get_number(reader, object, "line", 0, UINT32_MAX);
	finding->what = get_text(reader, object, "what");
	finding->expected = get_text(reader, object, "expected");
	finding->got = get_text(reader, object, "got");
	finding->at = get_time(reader, object, "at_ns");
}

static const char *name_of_end(unsigned index)
{
	static const char *const names[] = { [RP_GOES_ON] = "no", [RP_FIN] = "fin", [RP_RST] = "rst" };

	return names[index];
}

static void read_event(struct reader *reader, struct rp_scenario *scenario, const json_t *object)
{
	struct rp_event event = {
		.at = get_time(reader, object, "at_ns"), .client = rp_text(reader->result, "%s", get_string(reader, object, "client")), .note = get_text(reader, object, "note"),
		.path = get_text(reader, object, "path"), .cut = (size_t)get_number(reader, object, "cut", 0, INT64_MAX),
		.received = get_name(reader, object, "direction", name_of_direction, 2) == 1,
		.tcp = get_name(reader, object, "transport", name_of_transport, 2) == RP_TCP,
	};
	char *text = get_text(reader, object, "octets"), *octets = NULL;

	if (json_object_get(object, "end") != NULL)
		event.end = (enum rp_end)get_name(reader, object, "end", name_of_end, RP_RST + 1);
	if (text != NULL && !rp_unescape(text, &octets, &event.length))
		refuse(reader, "octets", "has a bad escape");
	event.octets = octets;
	if (reader->error == NULL)
		rp_event_copy(reader->result, scenario, &event);
	free(octets);
}

static void read_proves(struct reader *reader, struct rp_scenario *scenario, const json_t *array)
{
	size_t count = json_array_size(array), i;
	enum c2w_rule rules[C2W_RULES];
	const json_t *id;

	if (count > C2W_RULES) {
		refuse(reader, "proves", "names more rules than there are");
		return;
	}
	json_array_foreach(array, i, id)
		rules[i] = find_rule(reader, "proves", json_is_string(id) ? json_string_value(id) : "");
	rp_proves_set(reader->result, scenario, rules, count);
}

static void read_lists(struct reader *reader, struct rp_scenario *scenario, const json_t *object)
{
	const json_t *findings = get_array(reader, object, "findings"), *timeline = get_array(reader, object, "timeline"), *entry;
	size_t i;

	read_proves(reader, scenario, get_array(reader, object, "proves"));
	enter(reader, "findings");
	json_array_foreach(findings, i, entry) {
		reader->index[1] = (ptrdiff_t)i;
		read_finding(reader, scenario, entry);
	}
	leave(reader);
	enter(reader, "timeline");
	json_array_foreach(timeline, i, entry) {
		reader->index[1] = (ptrdiff_t)i;
		read_event(reader, scenario, entry);
	}
	leave(reader);
}

static void read_scenario(struct reader *reader, const json_t *object)
{
	struct rp_scenario *scenario = rp_scenario_add(reader->result, get_string(reader, object, "id"));

	reader->result->timeline_cost = 0; /* the file's size is the bound here */
	scenario->title = get_text(reader, object, "title");
	scenario->file = get_text(reader, object, "file");
	scenario->transport = (enum rp_transport)get_name(reader, object, "transport", name_of_transport, RP_MIXED + 1);
	scenario->verdict = get_verdict(reader, object);
	scenario->flaky = get_bool(reader, object, "flaky");
	scenario->company_only = get_bool(reader, object, "company_only");
	scenario->expected = get_bool(reader, object, "expected");
	scenario->completed = get_bool(reader, object, "completed");
	scenario->reason = get_text(reader, object, "reason");
	scenario->began = get_time(reader, object, "began_ns");
	scenario->duration = get_time(reader, object, "duration_ns");
	scenario->seed = get_seed(reader, object);
	scenario->repeat = get_text(reader, object, "repeat");
	scenario->pcap = get_text(reader, object, "pcap");
	read_lists(reader, scenario, object);
	scenario->timeline_left_out += (size_t)get_number(reader, object, "timeline_left_out", 0, INT64_MAX / 2);
}

static void read_scenarios(struct reader *reader, const json_t *array)
{
	const json_t *entry;
	size_t i;

	enter(reader, "scenarios");
	json_array_foreach(array, i, entry) {
		reader->index[0] = (ptrdiff_t)i;
		if (reader->error == NULL)
			read_scenario(reader, entry);
	}
	leave(reader);
}

/* The rules' verdicts are the file's; which scenarios tested them has been drawn from the scenarios. */
static void read_rules(struct reader *reader, const json_t *array)
{
	const json_t *entry;
	size_t i;

	for (i = 0; i < C2W_RULES; i++)
		reader->result->rules[i].verdict = RP_UNTESTED;
	enter(reader, "rules");
	json_array_foreach(array, i, entry) {
		reader->index[0] = (ptrdiff_t)i;
		reader->result->rules[find_rule(reader, "id", get_string(reader, entry, "id"))].verdict = get_verdict(reader, entry);
	}
	leave(reader);
}

static void read_expectation(struct reader *reader, const json_t *root)
{
	const json_t *object = json_object_get(root, "expectation"), *surprises, *entry;
	size_t i;

	if (object == NULL || json_is_null(object))
		return;
	object = get_object(reader, root, "expectation");
	enter(reader, "expectation");
	reader->result->expectation.file = rp_text(reader->result, "%s", get_string(reader, object, "file"));
	surprises = get_array(reader, object, "surprises");
	json_array_foreach(surprises, i, entry) {
		if (!json_is_string(entry))
			refuse(reader, "surprises", "holds something that is no string");
		else
			rp_surprise_add(reader->result, json_string_value(entry));
	}
	leave(reader);
}

static void read_result(struct reader *reader, const json_t *root)
{
	struct rp_result *result = reader->result;

	if (strcmp(get_string(reader, root, "schema"), RP_RESULT_SCHEMA) != 0)
		refuse(reader, "schema", "\"%.40s\" is not \"%s\": this is no result file that can be read here",
		       get_string(reader, root, "schema"), RP_RESULT_SCHEMA);
	read_tool(reader, root);
	read_target(reader, root);
	read_parameters(reader, root);
	result->seed = get_seed(reader, root);
	result->duration = get_time(reader, root, "duration_ns");
	result->critical_path = get_time(reader, root, "critical_path_ns");
	result->warnings_fail = get_bool(reader, root, "warnings_fail");
	read_expectation(reader, root);
	read_scenarios(reader, get_array(reader, root, "scenarios"));
	if (reader->error != NULL)
		return;
	rp_result_conclude(result);
	read_rules(reader, get_array(reader, root, "rules"));
	result->verdict = (enum rp_overall)get_name(reader, root, "verdict", name_of_overall, RP_UNDECIDED + 1);
	result->verdict_reason = get_text(reader, root, "verdict_reason");
}

/* ---- the file ----------------------------------------------------------------------------- */

struct source {
	FILE *file;
	size_t taken;
	bool too_long;
};

static size_t source_read(void *buffer, size_t size, void *context)
{
	struct source *source = context;
	size_t got = fread(buffer, 1, size, source->file);

	source->taken += got;
	source->too_long = source->taken > RP_MAX_FILE;
	return source->too_long || ferror(source->file) ? (size_t)-1 : got;
}

static json_t *load(const char *file, char **error)
{
	struct source source = { .file = fopen(file, "re") };
	struct stat about;
	json_error_t bad;
	json_t *root = NULL;

	if (source.file == NULL || fstat(fileno(source.file), &about) != 0) {
		*error = rp_string("%s: cannot be read: %s", file, strerror(errno));
	} else if (S_ISDIR(about.st_mode)) {
		*error = rp_string("%s: is a directory, not a result file", file);
	} else if (about.st_size <= RP_MAX_FILE) {
		root = json_load_callback(source_read, &source, JSON_REJECT_DUPLICATES, &bad);
		if (root == NULL && ferror(source.file))
			*error = rp_string("%s: cannot be read: %s", file, strerror(errno));
		else if (root == NULL && !source.too_long)
			*error = rp_string("%s:%d:%d: no result file, its JSON is broken: %s", file, bad.line, bad.column, bad.text);
	} else {
		source.too_long = true;
	}
	if (source.too_long)
		*error = rp_string("%s: longer than %d MiB, refused", file, RP_MAX_FILE / 1024 / 1024);
	if (source.file != NULL)
		fclose(source.file);
	return root;
}

struct rp_result *rp_json_read(const char *file, char **error)
{
	struct reader reader = { .file = file };
	json_t *root = load(file, &reader.error);

	if (root == NULL) {
		*error = rp_shown_text(reader.error);
		free(reader.error);
		return NULL;
	}
	reader.result = rp_result_new();
	if (json_is_object(root))
		read_result(&reader, root);
	else
		refuse(&reader, "schema", "is missing");
	json_decref(root);
	if (reader.error == NULL)
		return reader.result;
	rp_result_free(reader.result);
	*error = rp_shown_text(reader.error);
	free(reader.error);
	return NULL;
}
