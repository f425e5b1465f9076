/* Several results as one page: targets × rules, the worst first, verdicts only; each cell is a link into the target's own page, in a folder
 * beside it ("class.html": "class.files/0001.html"). For c2w-report. Owns what is not committed yet. */
#ifndef RP_MATRIX_H
#define RP_MATRIX_H

#include "reports/result.h"

struct rp_matrix;

struct rp_matrix *rp_matrix_new(const char *file);
/* Writes the target's page; nothing of the result is kept but verdicts. `source`: the result's file, whose name labels the row. 0 or -errno. */
int rp_matrix_add(struct rp_matrix *matrix, const struct rp_result *result, const char *source);
/* Puts the pages into the folder and writes the matrix. 0 or -errno. Frees it. */
int rp_matrix_commit(struct rp_matrix *matrix);
int rp_matrix_abandon(struct rp_matrix *matrix); /* 0: leaves nothing */

#endif
