/* What libpcap sees on the loopback interface: one line a datagram, for comparing times of arrival.
 *   bench-capture PORT SECONDS      prints `ready`, then `NANOSECONDS SOURCE-PORT DESTINATION-PORT HEX` of UDP datagrams of that
 * port, until SIGTERM or the time is over. IPv4 on Linux's loopback (Ethernet framing). */
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pcap_t *handle;
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static unsigned short16(const u_char *at)
{
	return (unsigned)(at[0] << 8 | at[1]);
}

static void packet(u_char *user, const struct pcap_pkthdr *header, const u_char *octets)
{
	enum { ETHERNET = 14, UDP = 8 };
	(void)user;
	if (header->caplen < ETHERNET + 20 + UDP)
		return;
	const u_char *ip = octets + ETHERNET, *udp = ip + (size_t)(ip[0] & 15) * 4;
	unsigned length = short16(udp + 4) - UDP;
	if (udp + UDP + length > octets + header->caplen)
		return;
	printf("%lld%09ld %u %u ", (long long)header->ts.tv_sec, (long)header->ts.tv_usec, short16(udp), short16(udp + 2));
	for (unsigned i = 0; i < length; i++)
		printf("%02x", udp[UDP + i]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE] = "", filter[64];
	struct bpf_program program;
	if (argc != 3) {
		fprintf(stderr, "usage: bench-capture PORT SECONDS\n");
		return 2;
	}
	handle = pcap_create("lo", error);
	snprintf(filter, sizeof(filter), "udp and port %lu", strtoul(argv[1], NULL, 10));
	if (handle == NULL || pcap_set_snaplen(handle, 65535) != 0 || pcap_set_timeout(handle, 50) != 0 ||
	    pcap_set_buffer_size(handle, 32 << 20) != 0 || pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO) != 0 ||
	    pcap_activate(handle) < 0 || pcap_compile(handle, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0 ||
	    pcap_setfilter(handle, &program) != 0) {
		fprintf(stderr, "bench-capture: lo: %s%s\n", error, handle != NULL ? pcap_geterr(handle) : "");
		return 1;
	}
	signal(SIGTERM, stop);
	signal(SIGALRM, stop);
	alarm((unsigned)strtoul(argv[2], NULL, 10));
	puts("ready");
	fflush(stdout);
	while (!stopped && pcap_dispatch(handle, -1, packet, NULL) >= 0)
		continue;
	pcap_freecode(&program);
	pcap_close(handle);
	return 0;
}
