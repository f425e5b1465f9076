/* Octets that end right in front of a page nobody may touch: reading one too many ends the test.
 * For unit tests. guard_new() owns the pages, guard_free() gives them back. */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
	char *pages, *end; /* end: the first octet that must not be touched */
	size_t size;
};

/* Room for `size` octets in front of the guard page. */
static inline struct guard guard_new(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
	struct guard guard = { .size = room + page };

	guard.pages = mmap(NULL, guard.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(guard.pages, MAP_FAILED);
	guard.end = guard.pages + room;
	assert_int_equal(mprotect(guard.end, page, PROT_NONE), 0);
	return guard;
}

/* Copies octets so that the last one is the last that may be read; returns the first. */
static inline char *guard_flush(const struct guard *guard, const void *octets, size_t length)
{
	return memcpy(guard->end - length, octets, length);
}

static inline void guard_free(struct guard *guard)
{
	munmap(guard->pages, guard->size);
}

#endif
