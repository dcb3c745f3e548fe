// SPDX-License-Identifier: MIT
//
// The options of `-netdev user`, parsed: names, meaning and defaults are QEMU's.
#ifndef NET_SLIRP_H
#define NET_SLIRP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"
#include "util/keyval.h"

/* One hostfwd: a port of the host that leads to one of the guest. */
typedef struct HostForward {
    const char *text;     /* as the user wrote it; lives as long as the Keyval */
    bool udp;
    struct in_addr host_addr, guest_addr; /* 0.0.0.0: any, and the first DHCP lease */
    uint16_t host_port, guest_port;
} HostForward;

typedef struct SlirpOptions {
    bool ipv4, ipv6, restricted;
    struct in_addr net, mask, host, dns, dhcp_start;
    struct in6_addr prefix6, host6, dns6;
    uint8_t prefix6_bits;
    /* texts live as long as the Keyval; NULL: not given */
    const char *hostname, *domain, *bootfile, *tftp, *tftp_server_name;
    const char **dns_search; /* ends with NULL; owned */
    HostForward *forwards;   /* owned */
    unsigned forward_count;
} SlirpOptions;

/* Takes everything that remains in `kv`. */
bool slirp_options_parse(SlirpOptions *o, Keyval *kv, Error **err) MUST_CHECK;
void slirp_options_free(SlirpOptions *o);

#endif
