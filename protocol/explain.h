/* What --explain and the reports say about a rule beside its sentence. Pure, constant data; callable from anywhere. */
#ifndef C2W_EXPLAIN_H
#define C2W_EXPLAIN_H

#include "protocol/rules.h"

/* Texts for people: why and breaks are paragraphs without line breaks. example is lines, each ended by \n and at most 100 columns:
 * the cast, then a message a line behind the lifelines, or a remark in parentheses. A line that begins with X is what a broken
 * server sends; with ~ in its second column, what does not match the grammar. */
struct c2w_explanation {
	const char *why;     /* the rule is there */
	const char *breaks;  /* how a server typically breaks it */
	const char *example;
};

const struct c2w_explanation *c2w_rule_explanation(enum c2w_rule rule); /* not C2W_NO_RULE */

#endif
