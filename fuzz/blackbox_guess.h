/* What a right server makes of what one endpoint sends: section 4 of PROTOCOL.md as a table, with an honest "perhaps".
 * For the black-box fuzzer: it knows what is due, so that silence and wrong answers are seen, and where its clients are.
 * Pure; a guess is a plain value. */
#ifndef FZ_BLACKBOX_GUESS_H
#define FZ_BLACKBOX_GUESS_H

#include "protocol/params.h"
#include "protocol/rules.h"

enum fz_place { FZ_OUTSIDE, FZ_MAIN_ROOM, FZ_MOVIE_ROOM, FZ_PLACES };
/* What is known of the name that is asked for: nothing, and not of who asks either; that somebody may have it or not. */
enum fz_name { FZ_NAME_UNKNOWN, FZ_NAME_ANYBODYS, FZ_NAME_FREE, FZ_NAME_TAKEN };
enum fz_due { FZ_NOTHING, FZ_DUE, FZ_PERHAPS };

struct fz_guess {
	bool lost;                    /* nobody knows where it is */
	enum fz_place place;
	unsigned movie;               /* FZ_MOVIE_ROOM: from 1 */
	bool murky[C2W_FAMILIES];     /* answers of this family may be outstanding, or not: none is asked for any more */
	int64_t processed;            /* us: TIME of the last request processed; -1: none */
	int64_t sure;                 /* us: of the last that certainly was: LST-04 */
	enum c2w_family family;       /* of that */
	int64_t least, greatest;      /* us: of all that were sent */
};

struct fz_world {
	const struct c2w_params *params;
	const char *const *titles;
	unsigned title_count;
};

struct fz_answer {
	enum fz_due due;
	enum c2w_family family;
	enum c2w_command command;     /* FZ_DUE */
	int error;                    /* enum c2w_param of an error's code, or -1 */
	enum c2w_rule rule;           /* that it is this one */
	bool anybodys;                /* CONNECTION_GRANTED: or name-taken */
};

bool fz_moves(enum c2w_family family); /* may such a request change where its sender is? */
void fz_guess_init(struct fz_guess *guess);
/* One message as it was sent, whole; user: the name of its client; name: of the one that is asked for. Moves the guess on. */
struct fz_answer fz_guess_sent(struct fz_guess *guess, const struct fz_world *world, struct c2w_str user, enum fz_name name, struct c2w_str octets);
/* CON-02, CON-04, ENT-05: somebody else has the name, or there is no room. Allowed where it would be granted. */
bool fz_answer_declines(const struct fz_answer *answer, const struct fz_world *world, const struct c2w_message *message);
bool fz_answer_fits(const struct fz_answer *answer, const struct fz_world *world, const struct c2w_message *message);

#endif
