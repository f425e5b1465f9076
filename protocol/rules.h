/* The rules of PROTOCOL.md as a table. Pure, constant data; callable from anywhere. */
#ifndef C2W_RULES_H
#define C2W_RULES_H

#include "protocol/message.h"

enum c2w_level { C2W_MUST, C2W_SHOULD, C2W_MAY };
enum c2w_origin { C2W_SLIDES = 'S', C2W_IMPLIED = 'I', C2W_PROFILE = 'P' };
enum c2w_binds { C2W_BINDS_SERVER, C2W_BINDS_CLIENT };
enum { C2W_ON_UDP = 1, C2W_ON_TCP = 2, C2W_ON_BOTH = 3 };

enum c2w_rule {
	C2W_NO_RULE = 0,
#define C2W_RULE(area, number, level, origin, binds, transports, sentence, unseen) C2W_##area##_##number,
#include "protocol/rules.def"
#undef C2W_RULE
	C2W_RULES
};

struct c2w_rule_info {
	const char *id;        /* "MSG-01" */
	const char *area;      /* "MSG" */
	enum c2w_level level;
	enum c2w_origin origin;
	enum c2w_binds binds;
	unsigned transports;   /* C2W_ON_…: where it applies */
	const char *sentence;
	const char *unseen;    /* why no test can see it from outside; NULL where one can */
};

const struct c2w_rule_info *c2w_rule_info(enum c2w_rule rule); /* not C2W_NO_RULE */
enum c2w_rule c2w_rule_find(struct c2w_str id);                /* "MSG-01"; C2W_NO_RULE if unknown */
const char *c2w_level_name(enum c2w_level level);              /* "MUST" */

/* The areas in the order of PROTOCOL.md; index from 0, NULL past the last. */
const char *c2w_area_name(unsigned index);   /* "TRN" */
const char *c2w_area_title(unsigned index);  /* "Transport" */

#endif
