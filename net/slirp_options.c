// SPDX-License-Identifier: MIT
//
// The text of `-netdev user,...`; contract in slirp.h. Addresses that are not given follow from
// the network: host .2, name server .3, first DHCP lease .15.
#include "net/slirp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

const char *const slirp_option_names[] = {
    "hostfwd", "net", "host", "dns", "dhcpstart", "hostname", "restrict", "ipv4", "ipv6",
    "ipv6-net", "ipv6-prefix", "ipv6-prefixlen", "ipv6-host", "ipv6-dns", "dnssearch",
    "domainname", "tftp", "bootfile", "tftp-server-name", "id", NULL
};

/* Options of QEMU's that we refuse, with the reason. */
static const struct {
    const char *key, *why;
} refused_options[] = {
    { "guestfwd", "a service for the guest can listen on the host, at 10.0.2.2" },
    { "smb", "let the guest use a server on the host, at 10.0.2.2" },
    { "smbserver", "let the guest use a server on the host, at 10.0.2.2" },
};

static bool check_refused(const Keyval *kv, Error **err)
{
    for (size_t i = 0; i < kv->count; i++)
        for (size_t r = 0; r < ARRAY_SIZE(refused_options); r++)
            if (strcmp(kv->pairs[i].key, refused_options[r].key) == 0)
                return error_set(err, "-netdev user: '%s' is not supported; %s",
                                 refused_options[r].key, refused_options[r].why);
    return true;
}

/* ---- addresses -------------------------------------------------------------------------- */

static struct in_addr addr_from(uint32_t host_order)
{
    return (struct in_addr){ htonl(host_order) };
}

/* "10.0.2.0/24", "10.0.2.0/255.255.255.0", or without a mask: by the class of the address. */
static bool parse_net(SlirpOptions *o, const char *text, Error **err)
{
    char addr[32];
    const char *slash = strchr(text, '/');
    int len = slash ? (int)(slash - text) : (int)strlen(text);
    snprintf(addr, sizeof(addr), "%.*s", len, text);
    bool good = len < (int)sizeof(addr) && inet_aton(addr, &o->net);
    uint32_t first = ntohl(o->net.s_addr);
    if (good && !slash) {
        o->mask = addr_from(!(first >> 31) ? 0xff000000
                            : first >> 30 == 2 ? 0xffff0000 : 0xffffff00);
    } else if (good) {
        char *end;
        unsigned long bits = strtoul(slash + 1, &end, 10);
        if (*end == '\0' && end != slash + 1 && bits >= 4 && bits <= 30)
            o->mask = addr_from(~(uint32_t)0 << (32 - bits));
        else
            good = strchr(slash + 1, '.') && inet_aton(slash + 1, &o->mask);
    }
    uint32_t hosts = ~ntohl(o->mask.s_addr);
    if (!good || (hosts & (hosts + 1)) || hosts < 3)
        return error_set(err, "-netdev user: net='%s' is no network; write it as 10.0.2.0/24",
                         text);
    o->net.s_addr &= o->mask.s_addr;
    return true;
}

/* An option that is an address within the network; `number` is its default there. */
static bool take_addr(SlirpOptions *o, Keyval *kv, const char *key, uint32_t number,
                      struct in_addr *addr, Error **err)
{
    const char *text = keyval_take(kv, key);
    uint32_t hosts = ~ntohl(o->mask.s_addr);
    *addr = addr_from(ntohl(o->net.s_addr) | (number & hosts));
    if (!text)
        return true;
    if (!inet_aton(text, addr))
        return error_set(err, "-netdev user: %s='%s' is no IPv4 address", key, text);
    if ((addr->s_addr & o->mask.s_addr) != o->net.s_addr) {
        char net[INET_ADDRSTRLEN];
        inet_ntop(AF_INET, &o->net, net, sizeof(net));
        return error_set(err, "-netdev user: %s=%s is outside of the network %s; choose another "
                         "address, or another net=", key, text, net);
    }
    return true;
}

static bool parse_ipv4(SlirpOptions *o, Keyval *kv, Error **err)
{
    const char *net = keyval_take(kv, "net");
    if (!parse_net(o, net ? net : "10.0.2.0/24", err) ||
        !take_addr(o, kv, "host", 2, &o->host, err) ||
        !take_addr(o, kv, "dns", 3, &o->dns, err) ||
        !take_addr(o, kv, "dhcpstart", 15, &o->dhcp_start, err))
        return false;
    if (o->host.s_addr == o->dns.s_addr || o->host.s_addr == o->dhcp_start.s_addr ||
        o->dns.s_addr == o->dhcp_start.s_addr)
        return error_set(err, "-netdev user: host, dns and dhcpstart must be three addresses");
    return true;
}

static bool take_addr6(Keyval *kv, const char *key, const char *initial, struct in6_addr *addr,
                       Error **err)
{
    const char *text = keyval_take(kv, key);
    if (inet_pton(AF_INET6, text ? text : initial, addr) != 1)
        return error_set(err, "-netdev user: %s='%s' is no IPv6 address", key, text);
    return true;
}

/* The address `number` of the IPv6 network, as text. */
static const char *addr6_text(const SlirpOptions *o, uint8_t number, char *buf, size_t len)
{
    struct in6_addr a = o->prefix6;
    a.s6_addr[15] = number;
    return inet_ntop(AF_INET6, &a, buf, (socklen_t)len);
}

static bool parse_ipv6(SlirpOptions *o, Keyval *kv, Error **err)
{
    char net[64] = "fec0::", buf[INET6_ADDRSTRLEN];
    const char *text = keyval_take(kv, "ipv6-net"), *bits = NULL;
    if (text) {
        snprintf(net, sizeof(net), "%s", text);
        char *slash = strchr(net, '/');
        if (slash) {
            *slash = '\0';
            bits = slash + 1;
        }
    }
    const char *bits_text = keyval_take(kv, "ipv6-prefixlen");
    if (bits_text)
        bits = bits_text;
    char *end = NULL;
    unsigned long n = bits ? strtoul(bits, &end, 10) : 64;
    if (bits && (*end || end == bits || n > 126))
        return error_set(err, "-netdev user: IPv6 prefix length '%s' is not a number up to 126",
                         bits);
    o->prefix6_bits = (uint8_t)n;
    return take_addr6(kv, "ipv6-prefix", net, &o->prefix6, err) &&
           take_addr6(kv, "ipv6-host", addr6_text(o, 2, buf, sizeof(buf)), &o->host6, err) &&
           take_addr6(kv, "ipv6-dns", addr6_text(o, 3, buf, sizeof(buf)), &o->dns6, err);
}

/* ---- hostfwd ---------------------------------------------------------------------------- */

static bool forward_error(const char *text, const char *what, Error **err)
{
    return error_set(err, "hostfwd='%s': %s; write it as tcp:127.0.0.1:2222-:22 (a port of the "
                     "host, then one of the guest)", text, what);
}

/* "[ADDR]:PORT" */
static bool parse_endpoint(const char *p, size_t len, struct in_addr *addr, uint16_t *port,
                           unsigned long lowest_port)
{
    char buf[64], *end;
    if (len >= sizeof(buf))
        return false;
    memcpy(buf, p, len);
    buf[len] = '\0';
    char *colon = strrchr(buf, ':');
    if (!colon || colon[1] < '0' || colon[1] > '9')
        return false;
    *colon = '\0';
    unsigned long n = strtoul(colon + 1, &end, 10);
    if (*end || n < lowest_port || n > 65535)
        return false;
    *port = (uint16_t)n;
    *addr = (struct in_addr){ INADDR_ANY };
    return !*buf || inet_aton(buf, addr);
}

/* "[tcp|udp]:[hostaddr]:hostport-[guestaddr]:guestport" */
static bool parse_forward(HostForward *f, const char *text, Error **err)
{
    *f = (HostForward){ .text = text };
    const char *p = strchr(text, ':');
    size_t len = p ? (size_t)(p - text) : 0;
    if (!p)
        return forward_error(text, "there is no ':' in it", err);
    f->udp = len == 3 && strncmp(text, "udp", 3) == 0;
    if (len && !f->udp && (len != 3 || strncmp(text, "tcp", 3) != 0))
        return forward_error(text, "the protocol is neither tcp nor udp", err);
    const char *dash = strchr(++p, '-');
    if (!dash)
        return forward_error(text, "there is no '-' between host and guest", err);
    if (!parse_endpoint(p, (size_t)(dash - p), &f->host_addr, &f->host_port, 0))
        return forward_error(text, "the host's side is not [ADDRESS]:PORT", err);
    if (!parse_endpoint(dash + 1, strlen(dash + 1), &f->guest_addr, &f->guest_port, 1))
        return forward_error(text, "the guest's side is not [ADDRESS]:PORT", err);
    return true;
}

/* ---- lists ------------------------------------------------------------------------------ */

/* The options that may stand several times. */
static bool parse_lists(SlirpOptions *o, Keyval *kv, Error **err)
{
    o->forwards = calloc(kv->count + 1, sizeof(*o->forwards));
    o->dns_search = calloc(kv->count + 1, sizeof(*o->dns_search));
    if (!o->forwards || !o->dns_search)
        return error_set(err, "out of memory for -netdev user");
    unsigned searches = 0;
    for (size_t i = 0; i < kv->count; i++) {
        KeyvalPair *p = &kv->pairs[i];
        if (strcmp(p->key, "hostfwd") == 0) {
            p->used = true;
            if (!parse_forward(&o->forwards[o->forward_count++], p->value, err))
                return false;
        } else if (strcmp(p->key, "dnssearch") == 0) {
            p->used = true;
            o->dns_search[searches++] = p->value;
        }
    }
    return true;
}

bool slirp_options_parse(SlirpOptions *o, Keyval *kv, Error **err)
{
    *o = (SlirpOptions){ .ipv4 = true, .ipv6 = true };
    bool has4 = false, has6 = false;
    for (size_t i = 0; i < kv->count; i++) {
        has4 |= strcmp(kv->pairs[i].key, "ipv4") == 0;
        has6 |= strcmp(kv->pairs[i].key, "ipv6") == 0;
    }
    if (!check_refused(kv, err) || !keyval_take_bool(kv, "ipv4", &o->ipv4, err) ||
        !keyval_take_bool(kv, "ipv6", &o->ipv6, err) ||
        !keyval_take_bool(kv, "restrict", &o->restricted, err))
        return false;
    /* one of the two switched on alone means that the other is off */
    if (has4 && o->ipv4 && !has6)
        o->ipv6 = false;
    if (has6 && o->ipv6 && !has4)
        o->ipv4 = false;
    if (!o->ipv4 && !o->ipv6)
        return error_set(err, "-netdev user: ipv4 and ipv6 are both off; leave one of them on");
    o->hostname = keyval_take(kv, "hostname");
    o->domain = keyval_take(kv, "domainname");
    o->bootfile = keyval_take(kv, "bootfile");
    o->tftp = keyval_take(kv, "tftp");
    o->tftp_server_name = keyval_take(kv, "tftp-server-name");
    return parse_ipv4(o, kv, err) && parse_ipv6(o, kv, err) && parse_lists(o, kv, err) &&
           keyval_check_used(kv, "-netdev user", slirp_option_names, err);
}

void slirp_options_free(SlirpOptions *o)
{
    free(o->forwards);
    free(o->dns_search);
}
