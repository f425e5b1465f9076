/* A network of this process's own: a loopback interface and nothing else, in which it may capture without being root. For main.c.
 * Changes the process for good, and what it starts from then on; owns nothing. */
#ifndef HX_ISOLATE_H
#define HX_ISOLATE_H

/* Before there is any thread, socket or child. User and groups stay what they are, and a program that is started has no rights that it had
 * not before. 0 or -errno: the system does not permit it. */
int hx_isolate(void);

#endif
