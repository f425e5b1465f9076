/* A small arena: memory that is taken piece by piece and given back at once.
 * For everybody in harness: a suite lives in one, and so does every run. Whoever made the arena owns it and all
 * that was taken from it. Nothing here returns NULL: without memory there is no judging, so it aborts. */
#ifndef HX_ARENA_H
#define HX_ARENA_H

#include <stddef.h>

struct hx_arena;

struct hx_arena *hx_arena_new(void);
void hx_arena_free(struct hx_arena *arena); /* NULL is fine */

/* Zeroed, aligned for any type. */
void *hx_alloc(struct hx_arena *arena, size_t size);
/* The octets and a NUL behind them. */
char *hx_copy(struct hx_arena *arena, const char *octets, size_t length);
char *hx_print(struct hx_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
