/* The wiring of a rehearsal, see rehearse.h. Everything belongs to the call. */
#include "fuzz/rehearse.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "net/sim.h"

static void over(void *context)
{
	net_stop(context);
}

void fz_rehearse(struct hx_schedule_options *options, struct hx_target *target, const struct srv_options *server)
{
	struct net *net = net_sim_new(&(struct net_sim_options){ .seed = 1 });
	struct hx_target *targets[] = { target };
	struct hx_schedule *schedule;
	struct srv_service *service;

	target->net = net;
	target->address = (struct net_addr){ .octets = { 127, 0, 0, 1 }, .port = 1950, .family = 4 };
	target->udp = target->tcp = true;
	memcpy(target->nonce, "maker", sizeof("maker"));
	options->net = options->context = net;
	options->targets = targets;
	options->lanes = options->repeat = 1;
	options->seed = 1;
	options->no_gate = true;
	options->run_start = net_now(net);
	options->events.over = over;
	FZ_CLAIM(srv_serve(net, &target->address, server, &service) == 0);
	schedule = hx_schedule_new(options);
	hx_schedule_start(schedule);
	net_run(net);
	hx_schedule_free(schedule);
	srv_service_free(service);
	net_free(net);
	for (unsigned i = 0; i < target->title_count; i++)
		free(target->titles[i]);
	free(target->titles);
}
