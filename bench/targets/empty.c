/* A fuzz target that does nothing: what an engine costs by itself.
 * For bench/run.
 * Owns nothing. */
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
	return 0;
}
