/* A scenario against two servers, see proof.h: suite, schedule, engine and server as c2w-conform --simulate has them.
 * Everything belongs to the call. */
#include "fuzz/proof.h"

#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "harness/schedule.h"
#include "net/sim.h"
#include "server/serve.h"

static void ignore(void *context, const char *text)
{
	(void)context, (void)text;
}

static void over(void *context)
{
	net_stop(context);
}

/* What a run says of it, as an exit code does. */
static enum rp_overall verdict_of(const struct hx_pick *picks, unsigned count, const struct srv_policy *policy)
{
	static const bool nothing_left_out[C2W_RULES];
	struct net *net = net_sim_new(NULL);
	struct hx_target target = { .net = net, .address = { .octets = { 127, 0, 0, 1 }, .port = 1950, .family = 4 }, .udp = true, .tcp = true, .nonce = "maker" };
	struct hx_target *targets[] = { &target };
	struct rp_result *result = rp_result_new();
	struct hx_schedule_options options = {
		.net = net, .targets = targets, .lanes = 1, .picks = picks, .pick_count = count, .result = result, .run_start = net_now(net),
		.left_out = nothing_left_out, .transports = C2W_ON_BOTH, .no_gate = true, .seed = 1, .events = { .over = over }, .context = net,
	};
	struct hx_schedule *schedule;
	struct srv_service *service;
	struct srv_options server;
	enum rp_overall verdict;

	c2w_params_init(&target.params);
	srv_options_init(&server);
	server.log = SRV_LOG_QUIET;
	server.policy = policy;
	FZ_CLAIM(srv_serve(net, &target.address, &server, &service) == 0);
	schedule = hx_schedule_new(&options);
	hx_schedule_start(schedule);
	net_run(net);
	verdict = rp_outcome(result);
	hx_schedule_free(schedule);
	rp_result_free(result);
	srv_service_free(service);
	net_free(net);
	for (unsigned i = 0; i < target.title_count; i++)
		free(target.titles[i]);
	free(target.titles);
	return verdict;
}

enum fz_proof fz_prove(const char *scenario, const struct srv_policy *policy)
{
	const struct hx_selection selection = { .level = C2W_MAY, .origins = "SIP", .transports = C2W_ON_BOTH };
	enum fz_proof proof = FZ_FAILED_BY_RIGHT;
	struct hx_suite *suite = NULL;
	struct hx_pick *picks;
	unsigned count;

	if (hx_suite_parse(&suite, "found.c2w", scenario, NULL, ignore, NULL) == 0) {
		FZ_CLAIM(hx_select(suite, &selection, &picks, &count, ignore, NULL) == 0);
		if (policy == NULL || verdict_of(picks, count, NULL) == RP_CONFORMS)
			proof = verdict_of(picks, count, policy) == RP_VIOLATES ? FZ_PROVED : FZ_PASSED_BY_BOTH;
		free(picks);
	}
	hx_suite_free(suite);
	return proof;
}
