/* Claims, digest, inputs: see fuzz.h.
 * For fuzz/ only.
 * Owns the digest. */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static const uint64_t fnv_start = UINT64_C(14695981039346656037), fnv_prime = UINT64_C(1099511628211);
static uint64_t digest = fnv_start;

bool fz_verbose;
void (*fz_summary)(void);
void (*fz_at_refuted)(void);

void fz_refuted(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: refuted: %s\n", file, line, condition);
	if (fz_at_refuted)
		fz_at_refuted();
	abort();
}

void fz_saw(const void *octets, size_t length)
{
	const uint8_t *at = octets;

	for (size_t i = 0; i < length; i++)
		digest = (digest ^ at[i]) * fnv_prime;
}

void fz_saw_number(uint64_t number)
{
	fz_saw(&number, sizeof(number));
}

uint64_t fz_digest(void)
{
	uint64_t seen = digest;

	digest = fnv_start;
	return seen;
}

uint8_t fz_octet(struct fz_input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

struct c2w_str fz_octets(struct fz_input *input, size_t most)
{
	size_t length = most < input->left ? most : input->left;
	struct c2w_str taken = { (const char *)input->at, length };

	if (length > 0)
		input->at += length;
	input->left -= length;
	return taken;
}

char *fz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

uint64_t fz_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}
