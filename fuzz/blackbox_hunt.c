/* The hunt, see blackbox_hunt.h. One task at a time: greeting the target, fuzzing it, or looking into what was found with
 * nothing else running. Called by its user and from the loop; plays are freed from its timer, never from their own calls. */
#include "fuzz/blackbox_hunt_inside.h"

#include <assert.h>
#include <stdlib.h>

enum { MAX_CORPUS = 4096 };

static const int64_t quiet_every = 5 * INT64_C(1000000000), first_quiet = 3 * INT64_C(1000000000);
static const int64_t begin_within = 2 * INT64_C(1000000000), settle_for = 50 * INT64_C(1000000);
static const int64_t word_within = 200 * INT64_C(1000000);

static void play_done(void *context, struct fz_play *play);

void fz_turn_soon(struct fz_hunt *hunt)
{
	net_timer_at(hunt->timer, net_now(hunt->options.net));
}

/* ---- coverage, and the next input -------------------------------------------------------------- */

static void play_seen(void *context, uint64_t transition, uint64_t state)
{
	struct fz_lane *lane = context;

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

/* Others' texts, requests and moves blur what waiting shows. */
static bool needs_quiet(const struct fz_hunt *hunt)
{
	return hunt->options.waits > 0 && !hunt->options.replay && net_now(hunt->options.net) >= hunt->quiet_at;
}

static unsigned busy_lanes(const struct fz_hunt *hunt)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < hunt->options.lanes; i++)
		busy += hunt->lanes[i].busy;
	return busy;
}

/* Three of eight lanes may wait, which costs nobody else anything. */
static bool has_time(const struct fz_hunt *hunt)
{
	unsigned patient = 0;

	for (unsigned i = 0; i < hunt->options.lanes; i++)
		patient += hunt->lanes[i].busy && hunt->lanes[i].patient;
	return hunt->options.waits > 0 && 8 * (patient + 1) <= 3 * hunt->options.lanes;
}

static void breed(struct fz_hunt *hunt, struct fz_lane *lane)
{
	struct fz_program *program = &lane->program;
	const struct fz_program *other;

	lane->patient = false;
	if (hunt->options.replay) {
		*program = hunt->corpus[hunt->seeds_played++ % hunt->corpus_count];
		fz_program_mend(program, hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
		return;
	}
	if (hunt->seeds_played < hunt->corpus_count && hunt->recent_count == hunt->seeds_played) {
		*program = hunt->corpus[hunt->seeds_played++];
		fz_program_mend(program, hunt->offered_udp, hunt->offered_tcp, hunt->world.title_count);
		return;
	}
	hunt->quiet = needs_quiet(hunt);
	lane->patient = hunt->quiet || (has_time(hunt) && fz_below(&hunt->breeder, 16) == 0);
	if (lane->patient) {
		fz_generate_patient(&hunt->breeder, program, hunt->quiet);
		return;
	}
	if (hunt->corpus_count == 0 || fz_below(&hunt->breeder, 4) == 0) {
		fz_generate(&hunt->breeder, program);
		return;
	}
	*program = hunt->corpus[fz_below(&hunt->breeder, hunt->corpus_count)];
	program->origin = NULL;
	other = &hunt->corpus[fz_below(&hunt->breeder, hunt->corpus_count)];
	fz_mutate(&hunt->breeder, program, other);
}

void fz_drop_plays(struct fz_hunt *hunt)
{
	for (unsigned i = 0; i < hunt->options.lanes; i++) {
		fz_play_free(hunt->lanes[i].play);
		hunt->lanes[i].play = NULL;
		hunt->lanes[i].busy = hunt->lanes[i].finished = false;
	}
	hunt->quiet = false;
}

bool fz_looking_into(const struct fz_hunt *hunt)
{
	return hunt->task == CONFIRM || hunt->task == SHRINK || hunt->task == WRITE;
}

/* ---- plays ---------------------------------------------------------------------------------- */

static void titles_heard(void *context, bool tcp, const struct c2w_message *message)
{
	struct fz_lane *lane = context;
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

/* Whether somebody died is asked at once: others may start it again soon. A leak takes many runs, whatever they are answered.
 * With everything that does not show again more lanes take their time, 1, 3, 7 and all: the server, or what is between, is
 * not what the quick ones take it for. */
static bool is_patient(const struct fz_hunt *hunt, const struct fz_lane *lane)
{
	enum fz_kind kind;

	if (hunt->task == FUZZ)
		return lane < hunt->lanes + hunt->patient;
	kind = hunt->cases[0].finding.kind;
	return (hunt->task == CONFIRM || hunt->task == WRITE || hunt->careful) && kind != FZ_DEATH && kind != FZ_LEAK;
}

/* Unlike all others. Where a case is looked into names are as long as those that c2w-conform will play its scenario with: what
 * shows at one length of a message, or of a segment, must show there, too. */
static void make_tail(struct fz_hunt *hunt, char tail[24])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	bool as_conform = fz_looking_into(hunt);
	uint64_t serial = ++hunt->names + (as_conform ? strtoull(hunt->options.nonce, NULL, 36) : 0);
	size_t length = as_conform ? 0 : (size_t)snprintf(tail, 24, "%.8s", hunt->options.nonce);

	for (; as_conform ? length < 5 : serial > 0 && length < 16; serial /= 36)
		tail[length++] = digits[serial % 36];
	tail[length] = '\0';
}

void fz_lane_start(struct fz_hunt *hunt, struct fz_lane *lane, bool writing)
{
	char tail[24];
	bool greeting = hunt->task == GREET_UDP || hunt->task == GREET_TCP;
	struct fz_play_options options = {
		.net = hunt->options.net, .address = hunt->options.address, .world = &hunt->world, .program = &lane->program, .tail = tail,
		.honest_tcp = hunt->task == GREET_TCP || (!greeting && !hunt->offered_udp), .patient = is_patient(hunt, lane),
		.round_trip = hunt->round_trip, .text_trip = hunt->text_trip,
		.told = writing ? hunt->cases[0].finding.rule : C2W_NO_RULE, .script = writing ? hunt->script : NULL, .octets = writing ? hunt->events : NULL,
		.seen = play_seen, .answered = greeting ? titles_heard : NULL, .done = play_done, .context = lane,
	};

	make_tail(hunt, tail);
	lane->busy = true;
	lane->fresh = lane->finished = false;
	lane->play = fz_play_start(&options);
}

static void play_done(void *context, struct fz_play *play)
{
	struct fz_lane *lane = context;

	(void)play;
	lane->finished = true;
	fz_turn_soon(lane->hunt);
}

static void account(struct fz_hunt *hunt, const struct fz_play *play)
{
	int64_t trip = fz_play_round_trip(play), text = fz_play_text_trip(play);
	unsigned messages = fz_play_messages(play);

	hunt->messages += messages;
	if (trip > 0) /* as it is now, with all that is in flight: nobody is asked again sooner */
		hunt->round_trip = hunt->round_trip == 0 ? trip : hunt->round_trip + (trip - hunt->round_trip) / 8;
	if (text > hunt->text_trip)
		hunt->text_trip = text;
	else if (text > 0)
		hunt->text_trip += (text - hunt->text_trip) / 8;
	if (hunt->options.rate > 0) {
		int64_t now = net_now(hunt->options.net);

		hunt->not_before = (hunt->not_before > now ? hunt->not_before : now) + (int64_t)messages * FZ_SECOND / hunt->options.rate;
	}
}

static void end_quiet(struct fz_hunt *hunt)
{
	if (hunt->quiet)
		hunt->quiet_at = net_now(hunt->options.net) + quiet_every + (net_now(hunt->options.net) - hunt->began) / 16; /* rarer and rarer */
	hunt->quiet = false;
}

void fz_lane_settle(struct fz_hunt *hunt, struct fz_lane *lane)
{
	account(hunt, lane->play);
	fz_play_free(lane->play);
	lane->play = NULL;
	lane->busy = lane->finished = false;
	end_quiet(hunt);
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
	hunt->word_awaited = false;
	fz_lane_start(hunt, &hunt->lanes[0], false);
}

static void begin_fuzzing(struct fz_hunt *hunt)
{
	hunt->breeder.udp = hunt->offered_udp;
	hunt->breeder.tcp = hunt->offered_tcp;
	hunt->breeder.movies = hunt->world.title_count;
	hunt->breeder.titles = hunt->world.titles;
	hunt->unreachable = !hunt->offered_udp && !hunt->offered_tcp;
	hunt->task = hunt->unreachable ? OVER : FUZZ;
}

/* A launched server that refuses may just have ended: its keeper says so a little later. */
static bool is_word_due(struct fz_hunt *hunt)
{
	if (hunt->options.restart == NULL || hunt->down || hunt->word_awaited || !fz_play_refused(hunt->lanes[0].play))
		return false;
	hunt->word_awaited = true;
	net_timer_at(hunt->timer, net_now(hunt->options.net) + word_within);
	return true;
}

static void greeted(struct fz_hunt *hunt)
{
	struct fz_lane *lane = &hunt->lanes[0];
	bool died = !lane->busy; /* of that: it is looked into */
	bool there = died || (!fz_play_refused(lane->play) && !fz_play_unheard(lane->play)), tcp = hunt->task == GREET_TCP;

	if (!died)
		fz_lane_settle(hunt, lane);
	*(tcp ? &hunt->offered_tcp : &hunt->offered_udp) = there;
	if (!tcp && hunt->options.tcp && !died)
		greet(hunt, true);
	else
		begin_fuzzing(hunt);
}

/* ---- fuzzing -------------------------------------------------------------------------------- */

bool fz_time_is_up(const struct fz_hunt *hunt)
{
	const struct fz_hunt_options *options = &hunt->options;

	if (options->replay && (hunt->corpus_count == 0 || (options->count == 0 && options->time == 0 && hunt->seeds_played >= hunt->corpus_count)))
		return true;
	return hunt->stopping || (options->count > 0 && hunt->executions >= options->count) ||
	       (options->time > 0 && net_now(options->net) - hunt->began >= options->time);
}

/* What was seen before is looked into, but only if that begins soon. */
static bool is_overtime(const struct fz_hunt *hunt)
{
	return hunt->options.time > 0 && net_now(hunt->options.net) - hunt->began >= hunt->options.time + begin_within;
}

/* Who sees that nobody is served any more need not be who brought it about. */
static void hangs(struct fz_hunt *hunt, const struct fz_finding *finding)
{
	fz_found_by_somebody(hunt, FZ_HANG, finding->rule, finding->what);
	hunt->doubtful |= !hunt->down;
	fz_goes_down(hunt);
}

static void harvest(struct fz_hunt *hunt, struct fz_lane *lane)
{
	unsigned count;
	const struct fz_finding *findings = fz_play_findings(lane->play, &count);
	bool refused = fz_play_refused(lane->play);

	hunt->executions++;
	if (!refused || !fz_play_unheard(lane->play)) /* else it came too late to be to blame */
		hunt->recent[hunt->recent_count++ % RECENT] = lane->program;
	if (lane->fresh && !hunt->options.replay)
		keep(hunt, &lane->program);
	for (unsigned i = 0; i < count; i++) {
		if (findings[i].kind == FZ_HANG)
			hangs(hunt, &findings[i]);
		else
			fz_found(hunt, &findings[i], &lane->program);
	}
	fz_lane_settle(hunt, lane);
	if (refused && hunt->options.restart == NULL && !hunt->down)
		fz_hunt_died(hunt, "nobody listens there any more");
}

/* That a launched server has died may be noticed a moment after its connections ended. */
static bool may_have_died(const struct fz_hunt *hunt)
{
	const struct fz_case *first = &hunt->cases[0];

	return hunt->options.restart != NULL && first->finding.closed && net_now(hunt->options.net) - hunt->began < first->after + settle_for;
}

static void fuzz(struct fz_hunt *hunt)
{
	bool enough = fz_time_is_up(hunt) || hunt->case_count > 0 || hunt->down;
	unsigned busy = 0;

	for (unsigned i = 0; i < hunt->options.lanes; i++) {
		struct fz_lane *lane = &hunt->lanes[i];

		if (lane->finished)
			harvest(hunt, lane);
		enough |= hunt->case_count > 0 || hunt->down || fz_time_is_up(hunt);
		if (!lane->busy && !enough && !hunt->quiet && (!needs_quiet(hunt) || busy_lanes(hunt) == 0) && net_now(hunt->options.net) >= hunt->not_before) {
			breed(hunt, lane);
			fz_lane_start(hunt, lane, false);
		}
		if (lane->busy && lane->patient && enough) { /* nobody waits for it */
			lane->patient = false;
			fz_play_cut_short(lane->play);
		}
		busy += lane->busy;
	}
	fz_look_for_alarm(hunt);
	fz_look_for_leaks(hunt);
	if (busy == 0 && is_overtime(hunt))
		fz_drop_doubtful(hunt);
	if (busy == 0 && hunt->case_count > 0 && may_have_died(hunt))
		net_timer_at(hunt->timer, hunt->began + hunt->cases[0].after + settle_for);
	else if (busy == 0 && hunt->case_count > 0)
		fz_begin_looking(hunt);
	else if (busy == 0 && fz_time_is_up(hunt))
		hunt->task = OVER;
	else if (busy < hunt->options.lanes && hunt->not_before > net_now(hunt->options.net))
		net_timer_at(hunt->timer, hunt->not_before);
}

static void finish(struct fz_hunt *hunt)
{
	if (hunt->task == OVER && hunt->options.over != NULL) {
		void (*over)(void *context) = hunt->options.over;

		hunt->options.over = NULL;
		over(hunt->options.context);
	}
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
	if (hunt->down && fz_needs_server(hunt))
		fz_revive(hunt);
	return false;
}

static void turn(void *context)
{
	struct fz_hunt *hunt = context;
	bool more = true;

	while (more && !hunt->starting) {
		more = false;
		if (hunt->knocking)
			fz_revive(hunt);
		else if (hunt->task == FUZZ)
			more = turn_fuzzing(hunt);
		else if (fz_looking_into(hunt))
			more = fz_turn_looking(hunt);
		else if (hunt->task != OVER && (hunt->down || (hunt->lanes[0].finished && !is_word_due(hunt))))
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
	struct fz_program *seed = &hunt->corpus[hunt->corpus_count];

	if (hunt->corpus_count == MAX_CORPUS)
		return;
	hunt->corpus_count++;
	*seed = *program;
	if (program->origin == NULL)
		return;
	hunt->origins = realloc(hunt->origins, (hunt->origin_count + 1) * sizeof(*hunt->origins));
	assert(hunt->origins != NULL);
	seed->origin = hunt->origins[hunt->origin_count++] = strdup(program->origin);
}

void fz_hunt_start(struct fz_hunt *hunt)
{
	hunt->began = net_now(hunt->options.net);
	hunt->quiet_at = hunt->began + first_quiet;
	greet(hunt, !hunt->options.udp);
}

void fz_hunt_up(struct fz_hunt *hunt, const struct net_addr *address)
{
	hunt->options.address = *address;
	hunt->starting = hunt->down = false;
	hunt->up_since = hunt->executions;
	hunt->doublings = 0;
	fz_turn_soon(hunt);
}

void fz_hunt_died(struct fz_hunt *hunt, const char *why)
{
	if (hunt->task == FUZZ)
		fz_drop_closed(hunt);
	fz_dies(hunt, why);
}

void fz_hunt_stop(struct fz_hunt *hunt)
{
	hunt->stopping = true;
	fz_turn_soon(hunt);
}

struct fz_hunt_counts fz_hunt_counts(const struct fz_hunt *hunt)
{
	return (struct fz_hunt_counts){
		.executions = hunt->executions, .messages = hunt->messages, .states = hunt->states.count, .transitions = hunt->transitions.count,
		.kept = hunt->corpus_count, .findings = hunt->reported - hunt->doubted, .doubted = hunt->doubted, .dropped = hunt->dropped, .open = hunt->case_count,
		.elapsed = net_now(hunt->options.net) - hunt->began,
		.unreachable = hunt->unreachable, .udp = hunt->offered_udp, .tcp = hunt->offered_tcp,
	};
}

void fz_hunt_free(struct fz_hunt *hunt)
{
	if (hunt == NULL)
		return;
	fz_drop_plays(hunt);
	while (hunt->case_count > 0)
		fz_close_case(hunt);
	fz_close_streams(hunt);
	net_timer_free(hunt->timer);
	fz_set_free(&hunt->states);
	fz_set_free(&hunt->transitions);
	for (unsigned i = 0; i < hunt->world.title_count; i++)
		free(hunt->titles[i]);
	for (unsigned i = 0; i < hunt->origin_count; i++)
		free(hunt->origins[i]);
	free(hunt->origins);
	free(hunt->corpus);
	free(hunt);
}
