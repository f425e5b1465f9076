/* Messages to clients: formatted once, shared by all who get them, freed with the last reference.
 * For the core's parts only. A parcel belongs to those who hold references; a freed one to the pool. */
#include <stdlib.h>

#include "server/inside.h"

static unsigned class_of(size_t size)
{
	unsigned class = 0;

	while (class < SRV_SIZE_CLASSES && size > (size_t)SRV_SMALLEST_PARCEL << class)
		class++;
	return class;
}

static struct srv_parcel *take(struct srv_pool *pool, size_t size)
{
	unsigned class = class_of(size);
	struct srv_parcel *parcel;

	if (class == SRV_SIZE_CLASSES) {
		parcel = srv_allocate(sizeof(*parcel) + size);
	} else if (pool->free[class]) {
		parcel = pool->free[class];
		pool->free[class] = parcel->next;
		pool->count[class]--;
	} else {
		parcel = srv_allocate(sizeof(*parcel) + ((size_t)SRV_SMALLEST_PARCEL << class));
	}
	parcel->size_class = class;
	parcel->references = 1;
	return parcel;
}

struct srv_parcel *srv_parcel_new(struct srv_pool *pool, const struct c2w_message *message)
{
	size_t head = message->time_text.length + C2W_MAX_COMMAND + sizeof(": ||\r\n");
	size_t size = head + message->user.length + message->data.length;
	struct srv_parcel *parcel = take(pool, size);
	long length = c2w_message_format(parcel->octets, size, message);

	parcel->length = (size_t)length;
	parcel->sent.command = message->command;
	parcel->sent.family = c2w_command_info(message->command)->family;
	parcel->sent.time = message->time;
	parcel->sent.user = (struct c2w_str){
		parcel->octets + length - 2 - (long)message->data.length - 1 - (long)message->user.length, message->user.length
	};
	return parcel;
}

void srv_parcel_release(struct srv_pool *pool, struct srv_parcel *parcel)
{
	unsigned class = parcel->size_class;

	if (--parcel->references)
		return;
	if (class == SRV_SIZE_CLASSES || pool->count[class] == SRV_POOLED) {
		free(parcel);
		return;
	}
	parcel->next = pool->free[class];
	pool->free[class] = parcel;
	pool->count[class]++;
}

void srv_pool_free(struct srv_pool *pool)
{
	for (unsigned class = 0; class < SRV_SIZE_CLASSES; class++) {
		for (struct srv_parcel *parcel; (parcel = pool->free[class]);) {
			pool->free[class] = parcel->next;
			free(parcel);
		}
	}
}
