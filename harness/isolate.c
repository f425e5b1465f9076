/* Namespaces of our own, see isolate.h. For main.c. Root needs one for the network only; others own the network through a user namespace.
 * In that one they keep their user and group, so whatever they execute loses the capabilities again. Owns nothing. */
#include "harness/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int put(const char *file, const char *text)
{
	int to = open(file, O_WRONLY | O_CLOEXEC), error = 0;

	if (to < 0)
		return -errno;
	if (write(to, text, strlen(text)) < 0)
		error = -errno;
	close(to);
	return error;
}

/* Each to itself: `id id 1`. */
static int keep_identity(unsigned user, unsigned group)
{
	char users[32], groups[32];
	int error;

	snprintf(users, sizeof(users), "%u %u 1", user, user);
	snprintf(groups, sizeof(groups), "%u %u 1", group, group);
	error = put("/proc/self/setgroups", "deny");
	if (error == 0)
		error = put("/proc/self/uid_map", users);
	return error == 0 ? put("/proc/self/gid_map", groups) : error;
}

static int loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int to = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (to < 0)
		return -errno;
	if (ioctl(to, SIOCSIFFLAGS, &request) < 0)
		error = -errno;
	close(to);
	return error;
}

int hx_isolate(void)
{
	unsigned user = geteuid(), group = getegid();
	int error = 0;

	if (unshare(CLONE_NEWNET) < 0)
		error = unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ? -errno : keep_identity(user, group);
	return error == 0 ? loopback_up() : error;
}
