/* A scenario against two servers, see proof.h. Everything belongs to the call. */
#include "fuzz/proof.h"

#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "fuzz/rehearse.h"

static void ignore(void *context, const char *text)
{
	(void)context, (void)text;
}

/* What a run says of it, as an exit code does. */
static enum rp_overall verdict_of(const struct hx_pick *picks, unsigned count, const struct srv_policy *policy)
{
	static const bool nothing_left_out[C2W_RULES];
	struct rp_result *result = rp_result_new();
	struct hx_schedule_options options = {
		.picks = picks, .pick_count = count, .result = result, .left_out = nothing_left_out, .transports = C2W_ON_BOTH,
	};
	struct hx_target target = { 0 };
	struct srv_options server;
	enum rp_overall verdict;

	c2w_params_init(&target.params);
	srv_options_init(&server);
	server.log = SRV_LOG_QUIET;
	server.policy = policy;
	fz_rehearse(&options, &target, &server);
	verdict = rp_outcome(result);
	rp_result_free(result);
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
