/* Drawings for the HTML report. Colours and fonts are the style sheet's; everything of a target is text through markup.h. */
#ifndef RP_SVG_H
#define RP_SVG_H

#include "reports/result.h"

/* The window of a timeline that is drawn and listed: up to a little behind the worst finding. */
struct rp_window { size_t first, end; };
struct rp_window rp_window_of(const struct rp_scenario *scenario);

/* The scenario's messages to time: a line for each client, the server at the right. Messages that findings call wrong are marked, findings
 * about what did not come stand at their time; where a message was repeated, the times at which it was due are shaded. */
void rp_svg_ladder(FILE *to, const struct rp_scenario *scenario, const struct c2w_params *params);

/* The intervals of the target's retransmissions over the window in which each is due. */
void rp_svg_fingerprint(FILE *to, const struct rp_fingerprint *fingerprint, const struct c2w_params *params);

#endif
