/* The session core in virtual time, step by step, compared with the model (fuzz/model.h) and watched by the always-on judges.
 * For targets/session.c and the simulator. Deterministic: time passes by steps only.
 * A session owns its core, its judge and what was sent; fz_session_end() gives all back. */
#ifndef FZ_SESSION_H
#define FZ_SESSION_H

#include "fuzz/steps.h"

struct fz_session;
struct srv_policy;

/* Whose core it is from now on: a known-bad one, which model and judges are to find; NULL: the right one.
 * Returns why a session cannot show it, or NULL. */
const char *fz_session_policy(const struct srv_policy *policy);

/* settings: how many users, how many in a room, how many retransmissions. Never NULL. */
struct fz_session *fz_session_begin(uint8_t settings);
void fz_session_step(struct fz_session *session, const struct fz_step *step);
/* Lets time pass until nothing is under way any more, looks whether anything is left, frees it. */
void fz_session_end(struct fz_session *session);

/* Specification coverage so far: cells of the model (transport x state x event x outcome) seen in any session, of those possible. */
struct fz_coverage { unsigned seen, total; };
struct fz_coverage fz_session_coverage(void);
void fz_session_print_missing(void); /* those not seen, on stdout */

#endif
