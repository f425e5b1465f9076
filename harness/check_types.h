/* Types of expressions: what each place wants, what each expression is.
 * Between check.c and check_types.c only. Types are written into the tree; nothing is allocated beyond messages. */
#ifndef HX_CHECK_TYPES_H
#define HX_CHECK_TYPES_H

#include "harness/check.h"

/* What a place takes: a bit for each enum hx_type. */
enum {
	HX_WANT_OCTETS = 1 << HX_OCTETS,
	HX_WANT_NUMBER = 1 << HX_NUMBER,
	HX_WANT_DURATION = 1 << HX_DURATION,
	HX_WANT_CLIENT = 1 << HX_CLIENT,
	HX_WANT_ANY = HX_WANT_OCTETS | HX_WANT_NUMBER | HX_WANT_DURATION | HX_WANT_CLIENT,
};

struct hx_checker {
	struct hx_arena *arena;
	struct hx_complaints *complaints;
	const struct hx_scope *scope;
	struct hx_scenario *scenario;        /* NULL in an exchange */
	unsigned movies;                     /* the greatest n of movie(n) */
	unsigned calls;                      /* exchanges being checked, one within the other */
	bool used[HX_MAX_CAST];              /* named in some step */
	int *types;                          /* of the variables: enum hx_type, -1 while nothing tells */
	bool soft[HX_MAX_VARIABLES];         /* taken for octets because a place wants octets; a client would do as well */
};

/* Complains unless expr is of a type that is wanted; a parameter of an exchange whose type nothing told takes one that is.
 * Returns the type, -1 where there is none. expr may be NULL: what is broken was complained of. */
int hx_check_expr(struct hx_checker *checker, const struct hx_expr *expr, unsigned want);
/* A number that, where it is written down, is whole and from least to most. */
void hx_check_count(struct hx_checker *checker, const struct hx_expr *expr, double least, double most);

#endif
