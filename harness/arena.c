/* A small arena: blocks in a list, the newest first; a piece is cut from the newest, or gets a block of its own.
 * See arena.h. The arena owns every block; a piece is never given back alone. */
#include "harness/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct block {
	struct block *next;
	size_t size, used;
	max_align_t octets[];
};

struct hx_arena {
	struct block *blocks;
};

static void *zeroed(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		abort();
	return memory;
}

static struct block *block_new(struct hx_arena *arena, size_t size)
{
	struct block *block = zeroed(sizeof(*block) + size);

	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

struct hx_arena *hx_arena_new(void)
{
	return zeroed(sizeof(struct hx_arena));
}

void hx_arena_free(struct hx_arena *arena)
{
	struct block *block = arena ? arena->blocks : NULL;

	while (block) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
	free(arena);
}

void *hx_alloc(struct hx_arena *arena, size_t size)
{
	const size_t unit = sizeof(max_align_t);
	struct block *block = arena->blocks;
	void *piece;

	if (size > SIZE_MAX / 2)
		abort();
	size = (size + unit - 1) / unit * unit;
	if (!block || block->size - block->used < size)
		block = block_new(arena, size > BLOCK_SIZE ? size : BLOCK_SIZE);
	piece = (char *)block->octets + block->used;
	block->used += size;
	return piece;
}

char *hx_copy(struct hx_arena *arena, const char *octets, size_t length)
{
	char *copy = hx_alloc(arena, length + 1);

	if (length > 0)
		memcpy(copy, octets, length);
	return copy;
}

char *hx_print(struct hx_arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		abort();
	text = hx_alloc(arena, (size_t)length + 1);
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}
