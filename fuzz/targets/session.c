/* Goal: whatever happens to a server, in whatever order, the session core does what sections 3 to 6 of PROTOCOL.md say: the model, written
 * from the document alone, agrees after every event, no always-on judge objects, nothing grows beyond its bound. Input: one octet of settings,
 * then steps of six octets (fuzz/steps.h). Mutation and cross-over work on steps and their fields; the model's cells count as coverage.
 * Called by the fuzzer's driver only; a session belongs to one call. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/mishaps.h"
#include "fuzz/session.h"
#include "server/faults.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *to, size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
	return fz_steps_mutate(data, size, most, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *to, size_t most, unsigned seed)
{
	return fz_steps_cross(a, a_size, b, b_size, to, most, seed);
}

static void say_coverage(void)
{
	struct fz_coverage cells = fz_session_coverage();

	printf("specification coverage: %u of %u cells (transport x state x event x outcome)\n", cells.seen, cells.total);
	if (fz_verbose)
		fz_session_print_missing();
}

/* C2W_FAULT=NAME puts a known-bad server in the middle, to see how soon it is found: fuzz/power. */
static void set_fault(void)
{
	const char *name = getenv("C2W_FAULT"), *why = "unknown";
	int fault = name ? srv_fault_find(name) : -1;

	if (!name)
		return;
	if (fault >= 0)
		why = fz_session_policy(srv_fault_policy((enum srv_fault)fault));
	else if (fz_mishap(name))
		why = fz_session_policy(fz_mishap(name));
	if (!why)
		return;
	fprintf(stderr, "session: %s: %s\n", name, why);
	exit(fault < 0 ? 2 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fz_step steps[FZ_MOST_STEPS];
	unsigned count = fz_steps_read(data, size, steps);
	struct fz_session *session;

	if (!fz_summary)
		set_fault();
	fz_summary = say_coverage;
	session = fz_session_begin(size > 0 ? *data : 0);
	for (unsigned i = 0; i < count; i++)
		fz_session_step(session, &steps[i]);
	fz_session_end(session);
	return 0;
}
