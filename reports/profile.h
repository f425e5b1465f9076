/* Parameters as people give them: -D and profile files. For the programs. What is wrong comes back as a sentence that the caller frees. */
#ifndef RP_PROFILE_H
#define RP_PROFILE_H

#include "protocol/params.h"

/* NAME = VALUE. NULL, or what is wrong: "rto=x: it takes a duration as …". */
char *rp_define(struct c2w_params *params, const char *text);
/* A file of such lines; # begins a comment. NULL, or what is wrong first: "FILE:LINE: rto=x: it takes …". */
char *rp_profile_read(struct c2w_params *params, const char *file);

#endif
