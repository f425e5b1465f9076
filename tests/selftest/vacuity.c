/* The whole suite against targets that are no servers, or stop being one after N messages: mute, echo, garbage and the like, in virtual time.
 *   vacuity [--suite FOLDER] [--verbose] [BEHAVIOUR...]
 * Fails if such a target conforms, if a scenario passes that was not over when it turned, if one that was never a server keeps a rule,
 * or if a run does not end. Who answers whatever is asked does keep some rules; they are named. The sanity gate is off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/rehearse.h"
#include "server/core.h"
#include "server/policy.h"

enum { WORKERS = 2, PATIENCE = 20, FLOOD = 20, UNDER_WAY = 100000 /* ns: what was sent before the turn arrives within that */ };

/* Stands in front of the reference core: lets `left` messages through, then answers in its stead. */
struct vacuous {
	const struct behaviour *behaviour;
	unsigned left;
	bool from_the_start;
	struct srv_carrier carrier;
	struct srv_core *core;
	int64_t turned;                     /* when; 0: not yet */
	uint64_t random;
	char said[C2W_FAMILIES][4096];      /* the last good answer of each family */
	size_t said_length[C2W_FAMILIES];
};

struct behaviour {
	const char *name;
	void (*answer)(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request);
};

static void send_octets(struct vacuous *v, const struct srv_way *way, const char *octets, size_t length)
{
	v->carrier.send(v->carrier.context, way, octets, length);
}

static void send_text(struct vacuous *v, const struct srv_way *way, const char *text)
{
	send_octets(v, way, text, strlen(text));
}

static void send_answer(struct vacuous *v, const struct srv_way *way, const struct c2w_message *request, enum c2w_command command, const char *data)
{
	struct c2w_message answer = { .time_text = request->time_text, .command = command, .user = request->user, .data = c2w_str_of(data) };
	char octets[C2W_MAX_TO_CLIENT];
	long length = c2w_message_format(octets, sizeof(octets), &answer);

	if (length > 0)
		send_octets(v, way, octets, (size_t)length);
}

static bool is_request(const struct c2w_message *message)
{
	return message->command && c2w_command_info(message->command)->beat == C2W_REQUEST;
}

/* ---- what they do ------------------------------------------------------------------------------ */

static void mute(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	(void)v;
	(void)way;
	(void)octets;
	(void)request;
}

static void echo(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	(void)request;
	send_octets(v, way, octets.at, octets.length);
}

static void garbage(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	char random[200];

	(void)octets;
	(void)request;
	for (size_t i = 0; i < sizeof(random); i++) {
		v->random = v->random * UINT64_C(6364136223846793005) + 1;
		random[i] = (char)(v->random >> 56);
	}
	send_octets(v, way, random, sizeof(random));
}

static void hang_up(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	(void)octets;
	(void)request;
	if (way->connection)
		v->carrier.drop(v->carrier.context, way, false);
}

static void flood(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	(void)octets;
	for (int i = 0; is_request(request) && i < FLOOD; i++)
		send_text(v, way, "1.0: NEW_MESSAGE|nobody|come in\r\n");
}

static void fixed(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	(void)octets;
	if (is_request(request))
		send_text(v, way, "1.0: CONNECTION_GRANTED|alice|\r\n");
}

/* The same answer to every request; only TIME and USER_NAME are right. */
static void one_command(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	(void)octets;
	if (is_request(request))
		send_answer(v, way, request, C2W_CONNECTION_GRANTED, "");
}

/* Each answer is what was answered to a request of that kind before the turn, TIME and all. */
static void replay(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	static const char *const recorded[C2W_FAMILIES] = {
		[C2W_CONNECTION] = "10.0: CONNECTION_GRANTED|alice|\r\n", [C2W_USER_LIST] = "11.0: USER_LIST_RESPONSE|alice|alice,MAIN_ROOM\r\n",
		[C2W_MOVIE_LIST] = "12.0: MOVIE_LIST_RESPONSE|alice|Metropolis|M\r\n", [C2W_ENTER_MOVIE] = "13.0: ENTER_MOVIE_GRANTED|alice|127.0.0.1:5004\r\n",
		[C2W_LEAVE_SESSION] = "15.0: LEAVE_SESSION_GRANTED|alice|\r\n", [C2W_CHAT] = "14.0: NEW_MESSAGE|alice|hi\r\n",
	};
	enum c2w_family family = c2w_command_info(request->command)->family;

	(void)octets;
	if (!is_request(request))
		return;
	if (v->said_length[family])
		send_octets(v, way, v->said[family], v->said_length[family]);
	else
		send_text(v, way, recorded[family]);
}

/* Yes to every request, once; with the data that the asker wants to see. */
static void grant(struct vacuous *v, const struct srv_way *way, struct c2w_str octets, const struct c2w_message *request)
{
	static const char *const data[C2W_FAMILIES] = {
		[C2W_CONNECTION] = "", [C2W_USER_LIST] = "alice,MAIN_ROOM", [C2W_MOVIE_LIST] = "Metropolis|M|Rashomon",
		[C2W_ENTER_MOVIE] = "127.0.0.1:5004", [C2W_LEAVE_SESSION] = "", [C2W_CHAT] = "hi",
	};
	enum c2w_family family = c2w_command_info(request->command)->family;

	(void)octets;
	if (is_request(request))
		send_answer(v, way, request, c2w_command_of(family, C2W_RESPONSE), data[family]);
}

static const struct behaviour behaviours[] = {
	{ "mute", mute }, { "echo", echo }, { "garbage", garbage }, { "closes", hang_up }, { "floods", flood },
	{ "fixed-reply", fixed }, { "one-command", one_command }, { "replays", replay }, { "grants-everything", grant },
};
enum { BEHAVIOURS = sizeof(behaviours) / sizeof(*behaviours) };

/* After so many messages it turns. */
static const unsigned turns[] = { 0, 1, 2, 3, 5, 8, 20, 50, 100, 200, 400, 800, 1600, 3200 };
enum { TURNS = sizeof(turns) / sizeof(*turns) };

/* ---- between the network and the core ------------------------------------------------------------ */

static struct vacuous target_of_this_run;

static size_t remember(void *context, const struct srv_way *way, const char *octets, size_t length)
{
	struct vacuous *v = context;
	struct c2w_message message;

	if (c2w_message_parse(&message, octets, length, 0) == C2W_OK && length <= sizeof(v->said[0])) {
		enum c2w_family family = c2w_command_info(message.command)->family;

		memcpy(v->said[family], octets, length);
		v->said_length[family] = length;
	}
	return v->carrier.send(v->carrier.context, way, octets, length);
}

static void drop(void *context, const struct srv_way *way, bool reset)
{
	struct vacuous *v = context;

	v->carrier.drop(v->carrier.context, way, reset);
}

static void note(void *context, const struct srv_way *way, bool detail, const char *what, struct c2w_str octets)
{
	struct vacuous *v = context;

	v->carrier.note(v->carrier.context, way, detail, what, octets);
}

static void *open_filter(const struct srv_settings *settings, struct srv_carrier *carrier, struct net *net)
{
	struct vacuous *v = &target_of_this_run;

	(void)settings;
	(void)net;
	v->carrier = *carrier;
	*carrier = (struct srv_carrier){ .context = v, .send = remember, .drop = drop, .note = note };
	return v;
}

static void begin(void *filter, struct srv_core *core)
{
	struct vacuous *v = filter;

	v->core = core;
}

static void receive(void *filter, const struct srv_way *way, const char *octets, size_t length, int64_t now)
{
	struct vacuous *v = filter;
	struct c2w_message request;

	if (v->left > 0) {
		v->left--;
		srv_core_receive(v->core, way, octets, length, now);
		return;
	}
	if (!v->turned)
		v->turned = now;
	c2w_message_parse(&request, octets, length, 0);
	v->behaviour->answer(v, way, (struct c2w_str){ octets, length }, &request);
}

static void closed(void *filter, const struct srv_way *way, bool reset)
{
	struct vacuous *v = filter;

	(void)reset;
	srv_core_closed(v->core, way);
}

static int64_t due(void *filter)
{
	struct vacuous *v = filter;

	return v->turned ? INT64_MAX : srv_core_due(v->core);
}

static void run(void *filter, int64_t now)
{
	struct vacuous *v = filter;

	if (!v->turned)
		srv_core_run(v->core, now);
}

static void close_filter(void *filter)
{
	(void)filter;
}

static const struct srv_filter filter = {
	.open = open_filter, .begin = begin, .receive = receive, .closed = closed, .due = due, .run = run, .close = close_filter,
};
static const struct srv_policy policy = { .filter = &filter };

/* ---- a run ------------------------------------------------------------------------------------------ */

struct plan {
	struct hx_suite *suite;
	struct hx_pick *picks;
	unsigned pick_count;
	bool left_out[C2W_RULES];
	bool verbose;
};

/* When the script ended: with the first message of the teardown. */
static int64_t end_of(const struct rp_scenario *scenario)
{
	for (size_t i = 0; i < scenario->timeline_count; i++)
		if (scenario->timeline[i].note && strcmp(scenario->timeline[i].note, "teardown") == 0)
			return scenario->timeline[i].at;
	return scenario->began + scenario->duration;
}

/* What passes, or what else is wrong; 1, for the count. */
static unsigned complain_of(const char *what)
{
	printf("    NOT OK: %s\n", what);
	return 1;
}

/* Everything that is wrong with what was said of such a target. */
static unsigned look_at(const struct rp_result *result, const struct vacuous *v, int64_t start)
{
	int64_t turned = v->turned ? v->turned - start : INT64_MAX;
	unsigned wrong = 0;

	if (!v->turned)
		wrong += complain_of("it never turned");
	if (result->verdict == RP_CONFORMS)
		wrong += complain_of("it conforms");
	for (size_t i = 0; i < result->scenarios_count; i++) {
		const struct rp_scenario *scenario = &result->scenarios[i];

		if (scenario->verdict == RP_PASS && end_of(scenario) >= turned + UNDER_WAY)
			wrong += complain_of(scenario->id);
	}
	for (int rule = 1; rule < C2W_RULES; rule++)
		if (result->rules[rule].verdict == RP_PASS && v->from_the_start)
			wrong += complain_of(c2w_rule_info((enum c2w_rule)rule)->id);
	return wrong;
}

static unsigned judge(const struct plan *plan, const struct behaviour *behaviour, unsigned after, unsigned transport)
{
	struct vacuous *v = &target_of_this_run;
	struct srv_options server;
	struct hx_target target = { 0 };
	struct rp_result *result = rp_result_new();
	struct hx_schedule_options options = {
		.picks = plan->picks, .pick_count = plan->pick_count, .result = result, .left_out = plan->left_out, .transports = transport,
	};
	unsigned wrong;

	*v = (struct vacuous){ .behaviour = behaviour, .left = after, .from_the_start = after == 0, .random = 22 };
	c2w_params_init(&target.params);
	srv_options_init(&server);
	server.log = SRV_LOG_QUIET;
	server.policy = &policy;
	server.udp = (transport & C2W_ON_UDP) != 0;
	server.tcp = (transport & C2W_ON_TCP) != 0;
	fz_rehearse(&options, &target, &server);
	wrong = look_at(result, v, options.run_start);
	if (plan->verbose)
		rp_terminal_write(result, stdout, &(struct rp_terminal_options){ .width = 150 });
	rp_result_free(result);
	return wrong;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

static unsigned failed, passed;

static void wait_for_one(void)
{
	int status;

	if (wait(&status) < 0)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		passed++;
	else
		failed++;
	if (WIFSIGNALED(status))
		printf("NOT OK   one did not end (signal %d)\n", WTERMSIG(status));
}

static void judge_in_process(const struct plan *plan, const struct behaviour *behaviour, unsigned after, unsigned transport)
{
	fflush(stdout);
	if (fork() != 0)
		return;
	alarm(PATIENCE);
	printf("%-18s after %4u messages over %s\n", behaviour->name, after, transport == C2W_ON_UDP ? "UDP" : "TCP");
	exit(judge(plan, behaviour, after, transport) != 0);
}

static void complain(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "vacuity: %s\n", text);
}

static bool make_plan(struct plan *plan, const char *folder)
{
	struct hx_selection selection = { .level = C2W_SHOULD, .origins = "SIP", .transports = C2W_ON_BOTH };

	if (hx_suite_load(&plan->suite, &folder, 1, complain, NULL) != 0)
		return false;
	hx_select_rules(&selection, plan->left_out);
	return hx_select(plan->suite, &selection, &plan->picks, &plan->pick_count, complain, NULL) == 0;
}

static bool chosen(const char *name, char **words)
{
	bool any = false;

	for (; *words; words++, any = true)
		if (strcmp(name, *words) == 0)
			return true;
	return !any;
}

int main(int argc, char **argv)
{
	const char *folder = "scenarios";
	struct plan plan = { 0 };
	int running = 0;

	(void)argc;
	for (argv++; *argv && strncmp(*argv, "--", 2) == 0; argv++) {
		if (strcmp(*argv, "--verbose") == 0)
			plan.verbose = true;
		else if (strcmp(*argv, "--suite") == 0 && argv[1])
			folder = *++argv;
		else
			return 2;
	}
	if (!make_plan(&plan, folder))
		return 2;
	for (int i = 0; i < BEHAVIOURS * TURNS * 2; i++) {
		if (!chosen(behaviours[i / TURNS / 2].name, argv))
			continue;
		for (; running >= WORKERS; running--)
			wait_for_one();
		judge_in_process(&plan, &behaviours[i / TURNS / 2], turns[i / 2 % TURNS], i % 2 ? C2W_ON_TCP : C2W_ON_UDP);
		running++;
	}
	while (running-- > 0)
		wait_for_one();
	printf("vacuity: %u passed, %u failed\n", passed, failed);
	free(plan.picks);
	hx_suite_free(plan.suite);
	return failed > 0 || passed == 0;
}
