/* The table of faults: see faults.h.
 * For main_faulty.c, the selftest and unit tests.
 * Constant data. */
#include "server/faults.h"

#include <string.h>

#include "server/faults_inside.h"

#define SRV_FAULT(id, name, transports, rules, sentence) extern const struct srv_hooks srv_hooks_##id;
#include "server/faults.def"
#undef SRV_FAULT

static const struct srv_hooks *const hooks[SRV_FAULTS] = {
#define SRV_FAULT(id, name, transports, rules, sentence) [SRV_FAULT_##id] = &srv_hooks_##id,
#include "server/faults.def"
#undef SRV_FAULT
};

static const struct srv_fault_info infos[SRV_FAULTS] = {
#define SRV_FAULT(id, name, transports, rules, sentence) [SRV_FAULT_##id] = { name, C2W_ON_##transports, rules, sentence },
#include "server/faults.def"
#undef SRV_FAULT
};

const struct srv_fault_info *srv_fault_info(enum srv_fault fault)
{
	return &infos[fault];
}

int srv_fault_find(const char *name)
{
	for (int fault = 0; fault < SRV_FAULTS; fault++) {
		if (strcmp(infos[fault].name, name) == 0)
			return fault;
	}
	return -1;
}

bool srv_fault_breaks(enum srv_fault fault, enum c2w_rule rule)
{
	const char *id = c2w_rule_info(rule)->id, *at = strstr(infos[fault].rules, id);

	return at && (at[strlen(id)] == ' ' || at[strlen(id)] == '\0');
}

const struct srv_policy *srv_fault_policy(enum srv_fault fault)
{
	return &hooks[fault]->policy;
}
