/* Who there is: endpoints with and without a session, names, rooms.
 * For the core's parts only. Endpoints belong to the core and go back to its pool; without a session an endpoint lives as long
 * as a response of its waits for an ack, and the oldest are forgotten when there are too many (ROB-04). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "server/inside.h"

void *srv_allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory) {
		perror("out of memory");
		abort();
	}
	return memory;
}

/* ---- endpoints ------------------------------------------------------------------------------ */

struct srv_endpoint *srv_endpoint_find(const struct srv_core *core, const struct srv_way *way)
{
	struct srv_endpoint *endpoint;

	HASH_FIND(hh, core->endpoints, way, SRV_WAY_KEY, endpoint);
	return endpoint;
}

struct srv_endpoint *srv_endpoint_new(struct srv_core *core, const struct srv_way *way)
{
	struct srv_endpoint *endpoint = core->spare;

	if (endpoint)
		core->spare = endpoint->next;
	else
		endpoint = srv_allocate(sizeof(*endpoint));
	memset(endpoint, 0, sizeof(*endpoint));
	endpoint->way = *way;
	endpoint->response.endpoint = endpoint->delivery.endpoint = endpoint;
	endpoint->end = &endpoint->first;
	HASH_ADD(hh, core->endpoints, way, SRV_WAY_KEY, endpoint);
	return endpoint;
}

static void unlist(struct srv_core *core, struct srv_endpoint *endpoint)
{
	if (!endpoint->listed)
		return;
	endpoint->listed = false;
	DL_DELETE(core->strangers, endpoint);
	core->stranger_count--;
}

void srv_endpoint_forget(struct srv_core *core, struct srv_endpoint *endpoint)
{
	srv_session_end(core, endpoint);
	srv_drop_response(core, endpoint);
	unlist(core, endpoint);
	HASH_DELETE(hh, core->endpoints, endpoint);
	endpoint->next = core->spare;
	core->spare = endpoint;
}

static void drop(struct srv_core *core, struct srv_endpoint *endpoint) /* ROB-03 */
{
	struct srv_way way = endpoint->way;

	srv_note(core, &way, false, "dropped, too much waits for", srv_name(endpoint));
	srv_endpoint_forget(core, endpoint);
	if (way.connection)
		core->carrier.drop(core->carrier.context, &way, true);
}

static void list(struct srv_core *core, struct srv_endpoint *endpoint) /* ROB-04: as the youngest */
{
	unlist(core, endpoint);
	if (core->stranger_count >= core->settings.max_endpoints)
		srv_endpoint_forget(core, core->strangers);
	endpoint->listed = true;
	DL_APPEND(core->strangers, endpoint);
	core->stranger_count++;
}

void srv_endpoint_settle(struct srv_core *core, struct srv_endpoint *endpoint)
{
	if (endpoint->over)
		drop(core, endpoint);
	else if (endpoint->state != SRV_DISCONNECTED)
		unlist(core, endpoint);
	else if (srv_on_tcp(endpoint) || !endpoint->response.parcel)
		srv_endpoint_forget(core, endpoint);
	else
		list(core, endpoint);
}

/* ---- sessions and rooms --------------------------------------------------------------------- */

struct srv_room *srv_room_find(const struct srv_core *core, struct c2w_str title)
{
	struct srv_room *room;

	HASH_FIND(hh, core->titles, title.at, title.length, room);
	return room;
}

struct srv_endpoint *srv_session_find(const struct srv_core *core, struct c2w_str name)
{
	struct srv_endpoint *endpoint;

	HASH_FIND(hh_name, core->names, name.at, name.length, endpoint);
	return endpoint;
}

/* The one place that sets a state: it follows from the room. */
static void set_room(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_room *room)
{
	if (endpoint->room) {
		DL_DELETE(endpoint->room->members, endpoint);
		endpoint->room->count--;
	}
	endpoint->room = room;
	endpoint->state = !room ? SRV_DISCONNECTED : room == core->rooms ? SRV_MAIN_ROOM : SRV_MOVIE_ROOM;
	if (room) {
		DL_APPEND(room->members, endpoint);
		room->count++;
	}
}

void srv_session_begin(struct srv_core *core, struct srv_endpoint *endpoint, struct c2w_str name)
{
	unlist(core, endpoint);
	memcpy(endpoint->name, name.at, name.length);
	endpoint->name_length = name.length;
	HASH_ADD(hh_name, core->names, name, name.length, endpoint);
	core->users++;
	set_room(core, endpoint, core->rooms);
}

void srv_session_move(struct srv_core *core, struct srv_endpoint *endpoint, struct srv_room *room)
{
	assert(endpoint);
	srv_drop_waiting(core, endpoint); /* MSG-08 */
	set_room(core, endpoint, room);
}

void srv_session_end(struct srv_core *core, struct srv_endpoint *endpoint)
{
	assert(endpoint);
	if (endpoint->state == SRV_DISCONNECTED)
		return;
	srv_drop_deliveries(core, endpoint);
	HASH_DELETE(hh_name, core->names, endpoint); /* CON-06 */
	endpoint->name_length = 0;
	core->users--;
	set_room(core, endpoint, NULL);
}
