/* The suite's own texts, inside the program: what its scenarios share, and some of them.
 * For targets only, which run where the tree is not.
 * Constant data. */
#ifndef FZ_SCRIPTS_H
#define FZ_SCRIPTS_H

/* The exchanges of the lib.c2w files, but for those that bear the same name. */
extern const char fz_library[];

/* Scenarios that between them use what the engine can do. */
extern const char *const fz_scripts[];
extern const unsigned fz_script_count;

#endif
