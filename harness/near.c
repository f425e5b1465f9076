/* Edit distances, see near.h. For select.c and expect.c.
 * Pure; keeps nothing. */
#include "harness/near.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COMPARED = 64 };

/* How many octets must be put in, taken out or changed (Levenshtein), of the first MAX_COMPARED; capitals are as good as small letters. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[MAX_COMPARED + 1];
	size_t width = strnlen(b, MAX_COMPARED);

	for (unsigned j = 0; j <= width; j++)
		row[j] = j;
	for (unsigned i = 0; i < MAX_COMPARED && a[i] != '\0'; i++) {
		unsigned corner = row[0];

		row[0] = i + 1;
		for (unsigned j = 0; j < width; j++) {
			unsigned change = corner + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));
			unsigned least = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;

			corner = row[j + 1];
			row[j + 1] = change < least ? change : least;
		}
	}
	return row[width];
}

void hx_near_offer(struct hx_near *near, const char *candidate)
{
	unsigned far = distance(near->word, candidate);
	unsigned place = near->count;

	if (far > strlen(near->word) / 3 + 1)
		return;
	for (unsigned i = 0; i < near->count; i++)
		if (strcmp(near->at[i], candidate) == 0)
			return;
	while (place > 0 && near->distance[place - 1] > far)
		place--;
	if (place == HX_MAX_NEAR)
		return;
	if (near->count < HX_MAX_NEAR)
		near->count++;
	for (unsigned i = near->count - 1; i > place; i--) {
		near->at[i] = near->at[i - 1];
		near->distance[i] = near->distance[i - 1];
	}
	near->at[place] = candidate;
	near->distance[place] = far;
}

void hx_near_tell(const struct hx_near *near, char *to, size_t size)
{
	int length = 0;

	*to = '\0';
	for (unsigned i = 0; i < near->count; i++)
		length += snprintf(to + length, size - (size_t)length, "%s%.200s", i == 0 ? "; near it: " : ", ", near->at[i]);
}
