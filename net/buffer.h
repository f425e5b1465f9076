/* Octets that wait for room to be written: appended at the end, taken from the front.
 * For net/ alone: a buffer of a connection belongs to it. All zero is an empty buffer; doubles as it grows,
 * gives its memory back when it is drained, and allocates nothing per message in between. */
#ifndef NET_BUFFER_H
#define NET_BUFFER_H

#include <stddef.h>

struct net_buffer {
	char *octets;
	size_t start, length, capacity;
};

/* 0, or -ENOMEM and nothing appended. */
int net_buffer_append(struct net_buffer *buffer, const char *octets, size_t length);
static inline const char *net_buffer_front(const struct net_buffer *buffer)
{
	return buffer->octets + buffer->start;
}
void net_buffer_take(struct net_buffer *buffer, size_t length);
void net_buffer_release(struct net_buffer *buffer); /* empty again, without memory */

#endif
