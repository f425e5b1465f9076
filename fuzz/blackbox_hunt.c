/* The hunt, see blackbox_hunt.h. One task at a time: greeting the target, fuzzing it, or looking into what was found with
 * nothing else running. Called by its user and from the loop; plays are freed from its timer, never from their own calls. */
#include "fuzz/blackbox_hunt.h"

#include <assert.h>
#include <stdlib.h>

#include "fuzz/blackbox_breed.h"
#include "fuzz/blackbox_set.h"
#include "fuzz/blackbox_shrink.h"

enum {
	MAX_LANES = 16, MAX_CORPUS = 4096, RECENT = 16, MAX_CASES = 32, MAX_KNOWN = 256, MAX_TITLES = 64, TRIES = 3, MAX_SHRINKS = 400,
	DOUBLINGS = 24, LEAST_DESCRIPTORS = 64, LEAK_RUNS = 64, LEAK_ROUNDS = 3, LEAST_LEAK = 256, ALARM_EVERY = 64
};

static const int64_t SECOND = 1000000000;
static const int64_t settle_for = 20 * INT64_C(1000000);       /* a crash is noticed a little later */
static const int64_t revive_every = 200 * INT64_C(1000000), revive_within = 5 * INT64_C(1000000000);
static const int64_t leak_within = 3 * INT64_C(1000000000), look_within = 30 * INT64_C(1000000000);
static const int64_t shrink_within = 20 * INT64_C(1000000000);

enum task { GREET_UDP, GREET_TCP, FUZZ, CONFIRM, SHRINK, WRITE, OVER };

struct lane {
	struct fz_hunt *hunt;
	struct fz_play *play;
	struct fz_program program;
	bool busy, finished, fresh;    /* finished: to be looked at by turn(); fresh: it showed something new */
};

/* Something to be looked into: what it shows, and the programs that may be to blame, likeliest first. */
struct suspect_case {
	struct fz_finding finding;
	struct fz_program *suspects;
	unsigned suspect_count, suspect, tries;
	uint64_t executions;
	int64_t after;
};

struct fz_hunt {
	struct fz_hunt_options options;
	struct fz_world world;
	char *titles[MAX_TITLES];
	struct fz_breeder breeder;
	struct fz_set states, transitions;
	struct fz_program *corpus;
	unsigned corpus_count, seeds_played;
	struct fz_program recent[RECENT];
	uint64_t recent_count;
	struct lane lanes[MAX_LANES];
	enum task task;
	struct net_timer *timer;
	int64_t began, not_before, round_trip;
	uint64_t executions, messages, names;
	bool offered_udp, offered_tcp, unreachable, stopping;
	/* The server. */
	bool down, starting, knocking; /* it is gone or hangs; a launched one is being started; another is asked whether it is there again */
	bool wants_fresh;              /* the next play gets a server that was just started */
	int64_t down_since;
	bool trial_died;
	char trial_why[160];
	/* What was found. */
	struct suspect_case cases[MAX_CASES];
	unsigned case_count;
	struct { enum c2w_rule rule; char what[160]; } known[MAX_KNOWN];
	unsigned known_count, reported;
	struct fz_shrinker shrinker;
	struct fz_program trial;
	unsigned shrinks, write_tries;
	int64_t look_until, shrink_until;
	bool reproduced, again;
	FILE *script, *events;
	char *script_text, *events_text;
	size_t script_size, events_size;
	/* Leaks. */
	uint64_t memory[DOUBLINGS], descriptors[DOUBLINGS]; /* after 128 executions, twice as many, … */
	unsigned doublings, leak_runs;
	uint64_t up_since;             /* executions before the server was started */
	struct fz_usage leak_mark;
	int64_t leak_until;
};

static void play_done(void *context, struct fz_play *play);

static void turn_soon(struct fz_hunt *hunt)
{
	net_timer_at(hunt->timer, net_now(hunt->options.net));
}

/* ---- coverage ------------------------------------------------------------------------------- */

static void play_seen(void *context, uint64_t transition, uint64_t state)
{
	struct lane *lane = context;

	fz_set_add(&lane->hunt->states, state);
	lane->fresh |= fz_set_add(&lane->hunt->transitions, transition);
}

static void keep(struct fz_hunt *hunt, const struct fz_program *program)
{
	if (hunt->corpus_count < MAX_CORPUS)
		hunt->corpus[hunt->corpus_count++] = *program;
	else
		hunt->corpus[fz_below(&hunt->breeder, MAX_CORPUS)] = *program;
	if (hunt->options.kept != NULL)
		hunt->options.kept(hunt->options.context, program);
}

static void breed(struct fz_hunt *hunt, struct fz_program *program)
{
	const struct fz_program *other;

	if (hunt->seeds_played < hunt->corpus_count && hunt->recent_count == hunt->seeds_played) {
		*program = hunt->corpus[hunt->seeds_played++];
		fz_program_mend(program, hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
		return;
	}
	if (hunt->corpus_count == 0 || fz_below(&hunt->breeder, 4) == 0) {
		fz_generate(&hunt->breeder, program);
		return;
	}
	*program = hunt->corpus[fz_below(&hunt->breeder, hunt->corpus_count)];
	other = &hunt->corpus[fz_below(&hunt->breeder, hunt->corpus_count)];
	fz_mutate(&hunt->breeder, program, other);
}

/* ---- cases ---------------------------------------------------------------------------------- */

static bool is_known(const struct fz_hunt *hunt, const struct fz_finding *finding)
{
	for (unsigned i = 0; i < hunt->known_count; i++)
		if (hunt->known[i].rule == finding->rule && strcmp(hunt->known[i].what, finding->what) == 0)
			return true;
	return hunt->known_count == MAX_KNOWN;
}

static void make_known(struct fz_hunt *hunt, const struct fz_finding *finding)
{
	if (hunt->known_count == MAX_KNOWN || is_known(hunt, finding))
		return;
	hunt->known[hunt->known_count].rule = finding->rule;
	memcpy(hunt->known[hunt->known_count++].what, finding->what, sizeof(finding->what));
}

static char *copy(const char *text)
{
	char *made = text != NULL ? strdup(text) : NULL;

	assert(text == NULL || made != NULL);
	return made;
}

/* One that is known already is no case. */
static struct suspect_case *open_case(struct fz_hunt *hunt, const struct fz_finding *finding)
{
	struct suspect_case *made = &hunt->cases[hunt->case_count];

	if (is_known(hunt, finding) || hunt->case_count == MAX_CASES)
		return NULL;
	make_known(hunt, finding);
	hunt->case_count++;
	*made = (struct suspect_case){ .finding = *finding, .executions = hunt->executions, .after = net_now(hunt->options.net) - hunt->began };
	made->finding.expected = copy(finding->expected);
	made->finding.got = copy(finding->got);
	made->suspects = calloc(RECENT + MAX_LANES, sizeof(*made->suspects));
	assert(made->suspects != NULL);
	return made;
}

static void close_case(struct fz_hunt *hunt)
{
	struct suspect_case *closed = &hunt->cases[0];

	free(closed->suspects);
	free(closed->finding.expected);
	free(closed->finding.got);
	hunt->case_count--;
	memmove(&hunt->cases[0], &hunt->cases[1], hunt->case_count * sizeof(hunt->cases[0]));
}

/* Whoever was playing, then whoever had played, the latest first. */
static void suspect_all(struct fz_hunt *hunt, struct suspect_case *made)
{
	for (unsigned i = 0; i < hunt->options.lanes; i++)
		if (hunt->lanes[i].busy)
			made->suspects[made->suspect_count++] = hunt->lanes[i].program;
	for (uint64_t i = 0; i < RECENT && i < hunt->recent_count; i++)
		made->suspects[made->suspect_count++] = hunt->recent[(hunt->recent_count - 1 - i) % RECENT];
}

static void found(struct fz_hunt *hunt, const struct fz_finding *finding, const struct fz_program *program)
{
	struct suspect_case *made = open_case(hunt, finding);

	if (made != NULL)
		made->suspects[made->suspect_count++] = *program;
}

static void found_by_somebody(struct fz_hunt *hunt, enum fz_kind kind, enum c2w_rule rule, const char *what)
{
	struct fz_finding finding = { .kind = kind, .rule = rule };
	struct suspect_case *made;

	snprintf(finding.what, sizeof(finding.what), "%s", what);
	made = open_case(hunt, &finding);
	if (made != NULL)
		suspect_all(hunt, made);
}

/* ---- the server ----------------------------------------------------------------------------- */

static void goes_down(struct fz_hunt *hunt)
{
	if (!hunt->down)
		hunt->down_since = net_now(hunt->options.net);
	hunt->down = true;
}

static void drop_plays(struct fz_hunt *hunt)
{
	for (unsigned i = 0; i < hunt->options.lanes; i++) {
		fz_play_free(hunt->lanes[i].play);
		hunt->lanes[i].play = NULL;
		hunt->lanes[i].busy = hunt->lanes[i].finished = false;
	}
}

static bool looking_into(const struct fz_hunt *hunt)
{
	return hunt->task == CONFIRM || hunt->task == SHRINK || hunt->task == WRITE;
}

/* In a trial it is the answer; while fuzzing it is a case. */
static void dies(struct fz_hunt *hunt, const char *why)
{
	goes_down(hunt);
	if (looking_into(hunt)) {
		hunt->trial_died = true;
		snprintf(hunt->trial_why, sizeof(hunt->trial_why), "%s", why);
	} else if (hunt->task == FUZZ) {
		found_by_somebody(hunt, FZ_DEATH, C2W_ROB_01, why);
		drop_plays(hunt);
	}
	if (!hunt->starting)
		turn_soon(hunt);
}

static void look_for_alarm(struct fz_hunt *hunt)
{
	char line[160];

	if (hunt->options.alarm == NULL || !hunt->options.alarm(hunt->options.context, line, sizeof(line)))
		return;
	if (looking_into(hunt)) {
		hunt->trial_died = true;
		snprintf(hunt->trial_why, sizeof(hunt->trial_why), "%s", line);
	} else {
		found_by_somebody(hunt, FZ_DEATH, C2W_ROB_01, line);
	}
}

/* ---- plays ---------------------------------------------------------------------------------- */

static void titles_heard(void *context, bool tcp, const struct c2w_message *message)
{
	struct lane *lane = context;
	struct fz_hunt *hunt = lane->hunt;
	const char *separator = hunt->options.params.list_separator;
	struct c2w_str list = message->data;

	(void)tcp;
	if (message->command != C2W_MOVIE_LIST_RESPONSE || hunt->world.title_count > 0)
		return;
	while (list.length > 0 && hunt->world.title_count < MAX_TITLES) {
		const char *end = memmem(list.at, list.length, separator, strlen(separator));
		size_t length = end != NULL ? (size_t)(end - list.at) : list.length, taken = length + (end != NULL ? strlen(separator) : 0);

		if (c2w_title_valid((struct c2w_str){ list.at, length }, c2w_str_of(hunt->options.params.main_room)))
			hunt->titles[hunt->world.title_count++] = strndup(list.at, length);
		list = (struct c2w_str){ list.at + taken, list.length - taken };
	}
}

/* What is not seen in an answer is seen by an honest client afterwards. */
static enum c2w_rule last_word(const struct fz_finding *finding)
{
	return finding->kind == FZ_DEATH ? C2W_ROB_01 : finding->kind == FZ_HANG ? C2W_ROB_02 : C2W_NO_RULE;
}

static void start(struct fz_hunt *hunt, struct lane *lane, bool writing)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char tail[24];
	size_t length = (size_t)snprintf(tail, sizeof(tail), "%.8s", hunt->options.nonce);
	bool greeting = hunt->task == GREET_UDP || hunt->task == GREET_TCP;
	struct fz_play_options options = {
		.net = hunt->options.net, .address = hunt->options.address, .world = &hunt->world, .program = &lane->program, .tail = tail,
		.honest_tcp = hunt->task == GREET_TCP || (!greeting && !hunt->offered_udp), .round_trip = hunt->round_trip,
		.script = writing ? hunt->script : NULL, .octets = writing ? hunt->events : NULL,
		.seen = play_seen, .answered = greeting ? titles_heard : NULL, .done = play_done, .context = lane,
	};

	for (uint64_t serial = ++hunt->names; serial > 0 && length < 16; serial /= 36)
		tail[length++] = digits[serial % 36];
	tail[length] = '\0';
	lane->busy = true;
	lane->fresh = lane->finished = false;
	lane->play = fz_play_start(&options);
}

static void play_done(void *context, struct fz_play *play)
{
	struct lane *lane = context;

	(void)play;
	lane->finished = true;
	turn_soon(lane->hunt);
}

static void account(struct fz_hunt *hunt, const struct fz_play *play)
{
	int64_t trip = fz_play_round_trip(play);
	unsigned messages = fz_play_messages(play);

	hunt->messages += messages;
	if (trip > 0 && (hunt->round_trip == 0 || trip < hunt->round_trip))
		hunt->round_trip = trip;
	if (hunt->options.rate > 0) {
		int64_t now = net_now(hunt->options.net);

		hunt->not_before = (hunt->not_before > now ? hunt->not_before : now) + (int64_t)messages * SECOND / hunt->options.rate;
	}
}

static void settle(struct fz_hunt *hunt, struct lane *lane)
{
	account(hunt, lane->play);
	fz_play_free(lane->play);
	lane->play = NULL;
	lane->busy = lane->finished = false;
}

/* ---- greeting ------------------------------------------------------------------------------- */

static void greet(struct fz_hunt *hunt, bool tcp)
{
	static const enum c2w_command commands[] = { C2W_CONNECTION_REQUEST, C2W_MOVIE_LIST_REQUEST };
	struct fz_program *program = &hunt->lanes[0].program;

	*program = (struct fz_program){ .tcp = { tcp, tcp, tcp } };
	for (unsigned i = 0; i < 2; i++)
		fz_program_add(program, &(struct fz_step){ .action = FZ_SEND, .command = commands[i], .await = true });
	hunt->task = tcp ? GREET_TCP : GREET_UDP;
	start(hunt, &hunt->lanes[0], false);
}

static void begin_fuzzing(struct fz_hunt *hunt)
{
	hunt->breeder.udp = hunt->offered_udp;
	hunt->breeder.tcp = hunt->offered_tcp;
	hunt->breeder.movies = hunt->world.title_count;
	hunt->unreachable = !hunt->offered_udp && !hunt->offered_tcp;
	hunt->task = hunt->unreachable ? OVER : FUZZ;
}

static void greeted(struct fz_hunt *hunt)
{
	struct lane *lane = &hunt->lanes[0];
	bool there = !fz_play_refused(lane->play) && !fz_play_unheard(lane->play), tcp = hunt->task == GREET_TCP;

	settle(hunt, lane);
	*(tcp ? &hunt->offered_tcp : &hunt->offered_udp) = there;
	if (!tcp && hunt->options.tcp)
		greet(hunt, true);
	else
		begin_fuzzing(hunt);
}

/* ---- fuzzing -------------------------------------------------------------------------------- */

static bool time_is_up(const struct fz_hunt *hunt)
{
	const struct fz_hunt_options *options = &hunt->options;

	return hunt->stopping || (options->count > 0 && hunt->executions >= options->count) ||
	       (options->time > 0 && net_now(options->net) - hunt->began >= options->time);
}

static uint64_t gain(const uint64_t *marks, unsigned doubling)
{
	return marks[doubling] > marks[doubling - 1] ? marks[doubling] - marks[doubling - 1] : 0;
}

/* What grows with every execution gains twice as much with each doubling of their number; what is bounded does not. */
static bool grows(const uint64_t *marks, unsigned doubling, uint64_t least)
{
	uint64_t now = gain(marks, doubling), before = gain(marks, doubling - 1), first = gain(marks, doubling - 2);

	return now >= least && 2 * now >= 3 * before && 2 * before >= 3 * first;
}

static void look_for_leaks(struct fz_hunt *hunt)
{
	unsigned doubling = hunt->doublings;
	struct fz_usage now;

	if (hunt->options.usage == NULL || hunt->executions - hunt->up_since < UINT64_C(128) << doubling || doubling == DOUBLINGS ||
	    !hunt->options.usage(hunt->options.context, &now))
		return;
	hunt->memory[doubling] = now.memory;
	hunt->descriptors[doubling] = now.descriptors;
	hunt->doublings++;
	if (doubling < 3)
		return;
	if (grows(hunt->descriptors, doubling, LEAST_DESCRIPTORS))
		found_by_somebody(hunt, FZ_LEAK, C2W_ROB_04, "file descriptors leak");
	if (grows(hunt->memory, doubling, doubling >= 7 ? 4 << 20 : 16 << 20))
		found_by_somebody(hunt, FZ_LEAK, C2W_ROB_04, "memory leaks");
}

/* Who sees that nobody is served any more need not be who brought it about. */
static void hangs(struct fz_hunt *hunt, const struct fz_finding *finding)
{
	found_by_somebody(hunt, FZ_HANG, finding->rule, finding->what);
	goes_down(hunt);
}

static void harvest(struct fz_hunt *hunt, struct lane *lane)
{
	unsigned count;
	const struct fz_finding *findings = fz_play_findings(lane->play, &count);
	bool refused = fz_play_refused(lane->play);

	hunt->executions++;
	hunt->recent[hunt->recent_count++ % RECENT] = lane->program;
	if (lane->fresh)
		keep(hunt, &lane->program);
	for (unsigned i = 0; i < count; i++) {
		if (findings[i].kind == FZ_HANG)
			hangs(hunt, &findings[i]);
		else
			found(hunt, &findings[i], &lane->program);
	}
	settle(hunt, lane);
	if (refused && hunt->options.restart == NULL && !hunt->down)
		dies(hunt, "nobody listens there any more");
}

static void begin_looking(struct fz_hunt *hunt);

static void fuzz(struct fz_hunt *hunt)
{
	bool enough = time_is_up(hunt) || hunt->case_count > 0 || hunt->down;
	unsigned busy = 0;

	for (unsigned i = 0; i < hunt->options.lanes; i++) {
		struct lane *lane = &hunt->lanes[i];

		if (lane->finished)
			harvest(hunt, lane);
		enough |= hunt->case_count > 0 || hunt->down || time_is_up(hunt);
		if (!lane->busy && !enough && net_now(hunt->options.net) >= hunt->not_before) {
			breed(hunt, &lane->program);
			start(hunt, lane, false);
		}
		busy += lane->busy;
	}
	if (hunt->executions % ALARM_EVERY == 0)
		look_for_alarm(hunt);
	look_for_leaks(hunt);
	if (busy == 0 && hunt->case_count > 0)
		begin_looking(hunt);
	else if (busy == 0 && time_is_up(hunt))
		hunt->task = OVER;
	else if (busy < hunt->options.lanes && hunt->not_before > net_now(hunt->options.net))
		net_timer_at(hunt->timer, hunt->not_before);
}

/* ---- looking into it ------------------------------------------------------------------------ */

static void try(struct fz_hunt *hunt, const struct fz_program *program, bool writing)
{
	hunt->trial_died = false;
	hunt->lanes[0].program = *program;
	start(hunt, &hunt->lanes[0], writing);
}

static bool shows_leak(struct fz_hunt *hunt)
{
	struct fz_usage now;
	bool descriptors = strstr(hunt->cases[0].finding.what, "descriptors") != NULL;

	if (!hunt->options.usage(hunt->options.context, &now))
		return false;
	bool grew = descriptors ? now.descriptors >= hunt->leak_mark.descriptors + LEAK_RUNS / 2 : now.memory >= hunt->leak_mark.memory + LEAK_RUNS * LEAST_LEAK;
	hunt->leak_mark = now;
	return grew;
}

/* A leak shows in many runs: the first round is not counted, each of the others must grow. False: it has to run on. */
static bool leak_decided(struct fz_hunt *hunt, bool *shows)
{
	if (hunt->leak_runs == 0)
		hunt->leak_until = net_now(hunt->options.net) + leak_within;
	*shows = false;
	if (net_now(hunt->options.net) > hunt->leak_until)
		return true;
	if (++hunt->leak_runs % LEAK_RUNS != 0)
		return false;
	*shows = shows_leak(hunt) || hunt->leak_runs == LEAK_RUNS;
	return !*shows || hunt->leak_runs == LEAK_RUNS * (LEAK_ROUNDS + 1);
}

static bool shows_finding(struct fz_hunt *hunt)
{
	const struct fz_finding *wanted = &hunt->cases[0].finding, *findings;
	unsigned count;

	if (wanted->kind == FZ_DEATH)
		return hunt->trial_died || (hunt->options.restart == NULL && fz_play_refused(hunt->lanes[0].play));
	findings = fz_play_findings(hunt->lanes[0].play, &count);
	for (unsigned i = 0; i < count; i++)
		if (findings[i].rule == wanted->rule && strcmp(findings[i].what, wanted->what) == 0)
			return true;
	return false;
}

static void take_new_findings(struct fz_hunt *hunt)
{
	unsigned count;
	const struct fz_finding *findings = fz_play_findings(hunt->lanes[0].play, &count);

	for (unsigned i = 0; i < count; i++) {
		found(hunt, &findings[i], &hunt->lanes[0].program);
		if (findings[i].kind == FZ_HANG)
			goes_down(hunt);
	}
	if (fz_play_refused(hunt->lanes[0].play))
		goes_down(hunt);
}

static bool needs_fresh(const struct fz_hunt *hunt)
{
	enum fz_kind kind = hunt->cases[0].finding.kind;

	return hunt->options.restart != NULL && (kind == FZ_LEAK || (hunt->task == CONFIRM && kind != FZ_HANG));
}

static void begin_shrinking(struct fz_hunt *hunt, const struct fz_program *program)
{
	hunt->task = SHRINK;
	hunt->shrinks = 0;
	hunt->again = false;
	hunt->shrink_until = net_now(hunt->options.net) + shrink_within;
	fz_shrink_begin(&hunt->shrinker, program, hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
}

static void close_streams(struct fz_hunt *hunt)
{
	if (hunt->script != NULL)
		fclose(hunt->script);
	if (hunt->events != NULL)
		fclose(hunt->events);
	hunt->script = hunt->events = NULL;
	free(hunt->script_text);
	free(hunt->events_text);
	hunt->script_text = hunt->events_text = NULL;
}

static void begin_writing(struct fz_hunt *hunt)
{
	hunt->task = WRITE;
	close_streams(hunt);
	hunt->script = open_memstream(&hunt->script_text, &hunt->script_size);
	hunt->events = open_memstream(&hunt->events_text, &hunt->events_size);
	assert(hunt->script != NULL && hunt->events != NULL);
	hunt->leak_runs = 0;
}

/* A rule that does not apply over one of the transports cannot be what the scenario proves; it is charged all the same. */
static enum c2w_rule provable(const struct fz_hunt *hunt, const struct fz_finding *finding)
{
	const struct fz_program *program = &hunt->shrinker.best;

	for (unsigned i = 0; i < FZ_CAST; i++)
		if (fz_takes_part(program, i) && !(c2w_rule_info(finding->rule)->transports & (program->tcp[i] ? C2W_ON_TCP : C2W_ON_UDP)))
			return C2W_ROB_01;
	return c2w_rule_info(finding->rule)->unseen != NULL ? C2W_ROB_01 : finding->rule;
}

static char *whole_script(const struct fz_hunt *hunt, const struct fz_finding *finding)
{
	bool honest = last_word(finding) != C2W_NO_RULE;
	char *text = NULL, *what = strdup(finding->what);
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	assert(to != NULL && what != NULL);
	for (char *at = what; *at != '\0'; at++)
		*at = *at == '"' || *at == '\\' || (unsigned char)*at < ' ' ? '\'' : *at;
	fprintf(to, "# Found by c2w-fuzz %s with seed %llu%s.\n", C2W_VERSION, (unsigned long long)hunt->options.seed, hunt->reproduced ? "" : "; it did not show again");
	if (finding->expected != NULL)
		fprintf(to, "# expected  %s\n", finding->expected);
	if (finding->got != NULL)
		fprintf(to, "# got       %s\n", finding->got);
	fprintf(to, "scenario \"Not again: %s\"\nproves %s\n", what, c2w_rule_info(provable(hunt, finding))->id);
	fz_program_print_cast(&hunt->shrinker.best, honest, !hunt->offered_udp, to);
	fputs(hunt->script_text, to);
	if (honest)
		fprintf(to, "honest > ENTER_MOVIE_REQUEST \"?\"\nhonest < ENTER_MOVIE_ERROR not-connected [%s]\n", c2w_rule_info(last_word(finding))->id);
	fclose(to);
	free(what);
	return text;
}

static void report(struct fz_hunt *hunt)
{
	struct suspect_case *closed = &hunt->cases[0];
	struct fz_report made = {
		.finding = closed->finding, .number = ++hunt->reported, .reproduced = hunt->reproduced, .program = &hunt->shrinker.best,
		.executions = closed->executions, .after = closed->after,
	};
	char *script;

	fflush(hunt->script);
	fflush(hunt->events);
	script = whole_script(hunt, &closed->finding);
	made.script = script;
	made.octets = hunt->events_text;
	hunt->options.found(hunt->options.context, &made);
	free(script);
	close_streams(hunt);
	close_case(hunt);
	hunt->reproduced = false;
	hunt->task = FUZZ; /* or the next case, then */
}

static void confirmed(struct fz_hunt *hunt, bool shows)
{
	struct suspect_case *open = &hunt->cases[0];

	if (shows) {
		hunt->reproduced = true;
		begin_shrinking(hunt, &open->suspects[open->suspect]);
		return;
	}
	open->tries++;
	if (net_now(hunt->options.net) > hunt->look_until)
		open->suspect = open->suspect_count;
	else if (open->finding.kind != FZ_VIOLATION || open->tries >= TRIES) {
		open->suspect++;
		open->tries = 0;
	}
	if (open->suspect < open->suspect_count)
		return;
	hunt->reproduced = false;
	fz_shrink_begin(&hunt->shrinker, &open->suspects[0], hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
	begin_writing(hunt);
}

static void written(struct fz_hunt *hunt, bool shows)
{
	if (shows || !hunt->reproduced || ++hunt->write_tries >= TRIES) {
		hunt->write_tries = 0;
		report(hunt);
	} else {
		begin_writing(hunt);
	}
}

static void trial_over(struct fz_hunt *hunt)
{
	bool shows;

	look_for_alarm(hunt);
	if (hunt->cases[0].finding.kind == FZ_LEAK && hunt->task != WRITE) {
		if (!leak_decided(hunt, &shows)) {
			settle(hunt, &hunt->lanes[0]);
			try(hunt, &hunt->trial, false);
			return;
		}
	} else {
		shows = shows_finding(hunt);
	}
	take_new_findings(hunt);
	settle(hunt, &hunt->lanes[0]);
	hunt->leak_runs = 0;
	if (hunt->task == CONFIRM) {
		confirmed(hunt, shows);
	} else if (hunt->task == SHRINK) {
		hunt->shrinks++;
		hunt->again = shows && !hunt->again; /* what shows once may have been luck */
		if (!hunt->again)
			fz_shrink_tell(&hunt->shrinker, &hunt->trial, shows);
	} else {
		written(hunt, shows);
	}
	hunt->wants_fresh = looking_into(hunt) && hunt->case_count > 0 && needs_fresh(hunt);
}

static void begin_looking(struct fz_hunt *hunt)
{
	hunt->task = CONFIRM;
	hunt->look_until = net_now(hunt->options.net) + look_within;
	hunt->wants_fresh = needs_fresh(hunt);
}

static bool shrink_further(struct fz_hunt *hunt)
{
	unsigned limit = hunt->cases[0].finding.kind == FZ_LEAK ? MAX_SHRINKS / 8 : MAX_SHRINKS;

	if (hunt->shrinks >= limit || net_now(hunt->options.net) >= hunt->shrink_until || hunt->stopping)
		return false;
	return hunt->again || fz_shrink_next(&hunt->shrinker, &hunt->trial);
}

static void next_trial(struct fz_hunt *hunt)
{
	const struct suspect_case *open = &hunt->cases[0];

	if (hunt->task == SHRINK && !shrink_further(hunt))
		begin_writing(hunt);
	if (hunt->task == CONFIRM)
		hunt->trial = open->suspects[open->suspect];
	if (hunt->task == WRITE)
		hunt->trial = hunt->shrinker.best;
	try(hunt, &hunt->trial, hunt->task == WRITE);
}

/* ---- one thing after the other --------------------------------------------------------------- */

/* Is somebody there again, in a server that is not ours? */
static void knock(struct fz_hunt *hunt)
{
	struct lane *lane = &hunt->lanes[0];

	if (hunt->knocking) {
		hunt->knocking = false;
		hunt->down = fz_play_refused(lane->play) || fz_play_unheard(lane->play);
		settle(hunt, lane);
		if (hunt->down)
			net_timer_at(hunt->timer, net_now(hunt->options.net) + revive_every);
		else
			turn_soon(hunt);
		return;
	}
	hunt->knocking = true;
	lane->program = (struct fz_program){ .tcp = { !hunt->offered_udp } };
	fz_program_add(&lane->program, &(struct fz_step){ .action = FZ_SEND, .command = C2W_LEAVE_SESSION_REQUEST, .await = true });
	start(hunt, lane, false);
}

/* It does not come back: what was found is told as it is. */
static void give_up(struct fz_hunt *hunt)
{
	hunt->unreachable = true;
	hunt->stopping = true;
	while (hunt->case_count > 0) {
		if (hunt->task != WRITE || hunt->script == NULL) {
			fz_shrink_begin(&hunt->shrinker, &hunt->cases[0].suspects[0], hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
			begin_writing(hunt);
			fz_program_print(&hunt->shrinker.best, hunt->script);
		}
		report(hunt);
	}
	hunt->task = OVER;
}

static void revive(struct fz_hunt *hunt)
{
	int64_t now = net_now(hunt->options.net);

	if (hunt->options.restart != NULL) {
		hunt->starting = true;
		hunt->down = true;
		hunt->wants_fresh = false;
		hunt->options.restart(hunt->options.context);
	} else if (!hunt->knocking && now - hunt->down_since >= revive_within) {
		give_up(hunt);
		turn_soon(hunt);
	} else if (!hunt->knocking || hunt->lanes[0].finished) {
		knock(hunt);
	}
}

static void finish(struct fz_hunt *hunt)
{
	if (hunt->task == OVER && hunt->options.over != NULL) {
		void (*over)(void *context) = hunt->options.over;

		hunt->options.over = NULL;
		over(hunt->options.context);
	}
}

static bool needs_server(const struct fz_hunt *hunt)
{
	if (hunt->task == OVER)
		return false;
	return hunt->down ? hunt->case_count > 0 || !time_is_up(hunt) : hunt->wants_fresh;
}

/* In a trial for a death the end of the process may be seen a moment after the end of the play. */
static bool still_settling(struct fz_hunt *hunt)
{
	struct lane *lane = &hunt->lanes[0];

	if (hunt->cases[0].finding.kind != FZ_DEATH || hunt->trial_died || hunt->options.restart == NULL || lane->fresh)
		return false;
	lane->fresh = true; /* once */
	net_timer_at(hunt->timer, net_now(hunt->options.net) + settle_for);
	return true;
}

/* True: there is more to do at once. */
static bool turn_fuzzing(struct fz_hunt *hunt)
{
	bool busy = false;

	fuzz(hunt);
	for (unsigned i = 0; i < hunt->options.lanes; i++)
		busy |= hunt->lanes[i].busy;
	if (busy || hunt->task != FUZZ)
		return hunt->task != FUZZ;
	if (hunt->down && needs_server(hunt))
		revive(hunt);
	return false;
}

static bool turn_looking(struct fz_hunt *hunt)
{
	struct lane *lane = &hunt->lanes[0];

	if (lane->busy && !lane->finished && !hunt->trial_died)
		return false;
	if (lane->busy && lane->finished && still_settling(hunt))
		return false;
	if (lane->busy) {
		trial_over(hunt);
		return !lane->busy;
	}
	if (hunt->down || hunt->wants_fresh)
		revive(hunt);
	else
		next_trial(hunt);
	return false;
}

static void turn(void *context)
{
	struct fz_hunt *hunt = context;
	bool more = true;

	while (more && !hunt->starting) {
		more = false;
		if (hunt->knocking)
			revive(hunt);
		else if (hunt->task == FUZZ)
			more = turn_fuzzing(hunt);
		else if (looking_into(hunt))
			more = turn_looking(hunt);
		else if (hunt->task != OVER && hunt->lanes[0].finished)
			greeted(hunt), more = true;
	}
	finish(hunt);
}

/* ---- outside -------------------------------------------------------------------------------- */

struct fz_hunt *fz_hunt_new(const struct fz_hunt_options *options)
{
	struct fz_hunt *hunt = calloc(1, sizeof(*hunt));

	assert(hunt != NULL);
	hunt->options = *options;
	if (hunt->options.lanes < 1 || hunt->options.lanes > MAX_LANES)
		hunt->options.lanes = hunt->options.lanes < 1 ? 1 : MAX_LANES;
	hunt->world = (struct fz_world){ &hunt->options.params, (const char *const *)hunt->titles, 0 };
	hunt->breeder = (struct fz_breeder){ .random = options->seed * UINT64_C(0x9e3779b97f4a7c15) | 1, .waits = options->waits };
	hunt->corpus = calloc(MAX_CORPUS, sizeof(*hunt->corpus));
	assert(hunt->corpus != NULL);
	hunt->timer = net_timer_new(options->net, turn, hunt);
	for (unsigned i = 0; i < MAX_LANES; i++)
		hunt->lanes[i].hunt = hunt;
	return hunt;
}

void fz_hunt_seed(struct fz_hunt *hunt, const struct fz_program *program)
{
	if (hunt->corpus_count < MAX_CORPUS)
		hunt->corpus[hunt->corpus_count++] = *program;
}

void fz_hunt_start(struct fz_hunt *hunt)
{
	hunt->began = net_now(hunt->options.net);
	greet(hunt, !hunt->options.udp);
}

void fz_hunt_up(struct fz_hunt *hunt, const struct net_addr *address)
{
	hunt->options.address = *address;
	hunt->starting = hunt->down = false;
	hunt->up_since = hunt->executions;
	hunt->doublings = 0;
	turn_soon(hunt);
}

void fz_hunt_died(struct fz_hunt *hunt, const char *why)
{
	dies(hunt, why);
}

void fz_hunt_stop(struct fz_hunt *hunt)
{
	hunt->stopping = true;
	turn_soon(hunt);
}

struct fz_hunt_counts fz_hunt_counts(const struct fz_hunt *hunt)
{
	return (struct fz_hunt_counts){
		.executions = hunt->executions, .messages = hunt->messages, .states = hunt->states.count, .transitions = hunt->transitions.count,
		.kept = hunt->corpus_count, .findings = hunt->reported + hunt->case_count, .elapsed = net_now(hunt->options.net) - hunt->began,
		.unreachable = hunt->unreachable, .udp = hunt->offered_udp, .tcp = hunt->offered_tcp,
	};
}

void fz_hunt_free(struct fz_hunt *hunt)
{
	if (hunt == NULL)
		return;
	drop_plays(hunt);
	while (hunt->case_count > 0)
		close_case(hunt);
	close_streams(hunt);
	net_timer_free(hunt->timer);
	fz_set_free(&hunt->states);
	fz_set_free(&hunt->transitions);
	for (unsigned i = 0; i < hunt->world.title_count; i++)
		free(hunt->titles[i]);
	free(hunt->corpus);
	free(hunt);
}
