/* Finds the CRLF that ends a message, in one run of octets or across several.
 * For whoever reads a TCP stream; see protocol/frame.h. The caller owns buffer and octets. */
#include "protocol/frame.h"

size_t c2w_through_crlf(struct c2w_str octets, char before)
{
	for (size_t from = 0; from < octets.length;) {
		const char *at = memchr(octets.at + from, '\n', octets.length - from);

		if (!at)
			return 0;
		from = (size_t)(at - octets.at) + 1;
		if ((from > 1 ? at[-1] : before) == '\r')
			return from;
	}
	return 0;
}

void c2w_framer_init(struct c2w_framer *framer, char *buffer, size_t size)
{
	framer->buffer = buffer;
	framer->size = size;
	framer->held = 0;
}

static void hold(struct c2w_framer *framer, const char *octets, size_t length)
{
	if (length > 0)
		memcpy(framer->buffer + framer->held, octets, length);
	framer->held += length;
}

enum c2w_err c2w_framer_next(struct c2w_framer *framer, struct c2w_str *input, struct c2w_str *message)
{
	size_t room = framer->size - framer->held;
	struct c2w_str taken = { input->at, input->length < room ? input->length : room };
	char before = framer->held > 0 ? framer->buffer[framer->held - 1] : '\0';
	size_t through = c2w_through_crlf(taken, before);

	if (through > 0)
		taken.length = through;
	if (taken.length > 0)
		*input = (struct c2w_str){ input->at + taken.length, input->length - taken.length };
	*message = taken;
	if (through > 0 && framer->held == 0)
		return C2W_OK;
	hold(framer, taken.at, taken.length);
	*message = (struct c2w_str){ framer->buffer, framer->held };
	if (through == 0)
		return framer->held == framer->size ? C2W_ERR_TOO_LONG : C2W_ERR_MORE; /* TRN-05 */
	framer->held = 0;
	return C2W_OK;
}
