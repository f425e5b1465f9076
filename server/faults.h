/* Switchable mistakes, each a policy for srv_options: what a server gets wrong that breaks certain rules and no other.
 * For main_faulty.c, the selftest and unit tests; the released server is linked without them.
 * Constant data; a fault's memory belongs to the service that was given it. */
#ifndef SRV_FAULTS_H
#define SRV_FAULTS_H

#include "protocol/rules.h"
#include "server/serve.h"

enum srv_fault {
#define SRV_FAULT(id, name, transports, rules, sentence) SRV_FAULT_##id,
#include "server/faults.def"
#undef SRV_FAULT
	SRV_FAULTS
};

struct srv_fault_info {
	const char *name;
	unsigned transports;  /* C2W_ON_…: where it shows */
	const char *rules;    /* every rule it can break, separated by blanks; those it is about come first */
	const char *sentence;
};

const struct srv_fault_info *srv_fault_info(enum srv_fault fault);
int srv_fault_find(const char *name);                            /* an enum srv_fault, or -1 */
bool srv_fault_breaks(enum srv_fault fault, enum c2w_rule rule); /* is the rule among its rules */
/* For srv_options.policy. */
const struct srv_policy *srv_fault_policy(enum srv_fault fault);

#endif
