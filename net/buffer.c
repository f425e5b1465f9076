/* See net/buffer.h: the output buffer of a TCP connection, real or simulated.
 * Called by net/ alone. The memory is the buffer's, until it is drained or released. */
#include "net/buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 4096, KEPT_WHEN_DRAINED = 16384 };

static int grow(struct net_buffer *buffer, size_t need)
{
	size_t capacity = buffer->capacity ? buffer->capacity : SMALLEST;

	while (capacity < need && capacity <= SIZE_MAX / 2)
		capacity *= 2;
	char *octets = capacity < need ? NULL : malloc(capacity);
	if (!octets)
		return -ENOMEM;
	if (buffer->length)
		memcpy(octets, net_buffer_front(buffer), buffer->length);
	free(buffer->octets);
	*buffer = (struct net_buffer){ octets, 0, buffer->length, capacity };
	return 0;
}

int net_buffer_append(struct net_buffer *buffer, const char *octets, size_t length)
{
	if (length == 0)
		return 0;
	if (length > SIZE_MAX / 4)
		return -ENOMEM;
	if (length > buffer->capacity - buffer->start - buffer->length) {
		/* Moving is only worth it when it frees at least half: so it stays linear. */
		if (buffer->length + length <= buffer->capacity / 2) {
			memmove(buffer->octets, net_buffer_front(buffer), buffer->length);
			buffer->start = 0;
		} else {
			int error = grow(buffer, buffer->length + length);

			if (error)
				return error;
		}
	}
	memcpy(buffer->octets + buffer->start + buffer->length, octets, length);
	buffer->length += length;
	return 0;
}

void net_buffer_take(struct net_buffer *buffer, size_t length)
{
	buffer->start += length;
	buffer->length -= length;
	if (buffer->length)
		return;
	buffer->start = 0;
	if (buffer->capacity > KEPT_WHEN_DRAINED)
		net_buffer_release(buffer);
}

void net_buffer_release(struct net_buffer *buffer)
{
	free(buffer->octets);
	*buffer = (struct net_buffer){ 0 };
}
