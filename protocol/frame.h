/* Cuts a TCP stream into messages at CRLF, whatever its segmentation (TRN-03), bounded (TRN-05).
 * Pure; the caller owns the buffer, whose size is the longest message allowed, CRLF included.
 * A message that lies whole in the octets pushed is handed out from there, without a copy. */
#ifndef C2W_FRAME_H
#define C2W_FRAME_H

#include "protocol/message.h"

struct c2w_framer {
	char *buffer;
	size_t size;    /* octets the longest message may have, CRLF included */
	size_t held;    /* octets of an unfinished message in buffer */
};

void c2w_framer_init(struct c2w_framer *framer, char *buffer, size_t size);

/* Takes octets from the front of *input and advances it. Returns
 * C2W_OK            *message is the next message, CRLF included; valid until the next call;
 * C2W_ERR_MORE      *input is used up, the message is not complete; *message is what there is of it;
 * C2W_ERR_TOO_LONG  `size` octets hold no CRLF (TRN-05), *message is those; for good: the framer says so from now on.
 * Call it until it no longer returns C2W_OK. */
enum c2w_err c2w_framer_next(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message);

/* How many octets go up to and with the first CRLF; 0: there is none. before: the octet in front of them, or NUL. */
size_t c2w_through_crlf(struct c2w_str octets, char before);

#endif
