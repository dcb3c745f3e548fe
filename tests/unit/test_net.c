// SPDX-License-Identifier: MIT
//
// User networking without a guest: options and their errors, and a host made of frames that asks
// for an address and accepts a forwarded TCP connection.
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "net/net.h"

/* ---- options ---------------------------------------------------------------------------- */

static void expect_refused(const char *spec, const char *mention)
{
    Error *err = NULL;
    NetBackend *n = net_open(spec, NULL, &err);
    cr_assert_null(n, "%s was accepted", spec);
    cr_assert_not_null(err);
    cr_assert_not_null(strstr(error_text(err), mention), "%s: '%s' does not mention '%s'", spec,
                       error_text(err), mention);
    error_free(err);
}

Test(net, mistakes_in_options_are_named)
{
    static const struct {
        const char *spec, *mention;
    } rows[] = {
        { "usr,id=a", "did you mean 'user'" },
        { "tap,id=a", "use 'user'" },
        { "user", "needs an id" },
        { "user,id=a,hostfw=tcp::1-:2", "did you mean 'hostfwd'" },
        { "user,id=a,hostfwd=nonsense", "nonsense" },
        { "user,id=a,hostfwd=tcp::99999-:22", "host's side" },
        { "user,id=a,hostfwd=tcp::2222-:0", "guest's side" },
        { "user,id=a,hostfwd=sctp::2222-:22", "neither tcp nor udp" },
        { "user,id=a,net=10.0.2.0/33", "net='10.0.2.0/33'" },
        { "user,id=a,net=10.0.2.0/255.0.255.0", "no network" },
        { "user,id=a,host=192.168.1.1", "outside" },
        { "user,id=a,dns=10.0.2.2", "three addresses" },
        { "user,id=a,ipv4=off,ipv6=off", "both off" },
        { "user,id=a,restrict=maybe", "restrict=maybe" },
        { "user,id=a,guestfwd=tcp:10.0.2.100:80-cmd:x", "guestfwd" },
        { "user,id=a,tftp=/nonexistent/folder", "tftp" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_refused(rows[i].spec, rows[i].mention);
}

static int listen_anywhere(uint16_t *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(bind(fd, (struct sockaddr *)&a, len) == 0 && listen(fd, 1) == 0);
    cr_assert(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    *port = ntohs(a.sin_port);
    return fd;
}

Test(net, a_port_in_use_is_named)
{
    char spec[80], text[8];
    uint16_t port;
    int fd = listen_anywhere(&port);
    snprintf(text, sizeof(text), "%u", port);
    snprintf(spec, sizeof(spec), "user,id=a,hostfwd=tcp:127.0.0.1:%u-:22", port);
    expect_refused(spec, text);
    expect_refused(spec, "in use");
    close(fd);
}

Test(net, one_device_claims_a_network)
{
    Error *err = NULL;
    NetBackend *n = net_open("user,id=n0", NULL, &err);
    cr_assert_not_null(n, "%s", err ? error_text(err) : "");
    cr_assert_str_eq(net_id(n), "n0");
    cr_assert(net_claim(n, "first", &err));
    cr_assert(!net_claim(n, "second", &err));
    cr_assert_not_null(strstr(error_text(err), "first"));
    error_free(err);
    net_close(n);
}

/* ---- a host of frames ------------------------------------------------------------------- */

typedef struct Peer {
    NetBackend *net;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool deaf;             /* cannot receive */
    const uint8_t *to_send; /* NULL: nothing */
    size_t to_send_len;
    unsigned count;
    size_t len[64];
    uint8_t frames[64][1600];
} Peer;

static const uint8_t guest_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static bool peer_can_receive(void *opaque)
{
    Peer *p = opaque;
    pthread_mutex_lock(&p->lock);
    bool can = !p->deaf && p->count < 64;
    pthread_mutex_unlock(&p->lock);
    return can;
}

static void peer_receive(void *opaque, const uint8_t *frame, size_t len)
{
    Peer *p = opaque;
    cr_assert_leq(len, 1600);
    pthread_mutex_lock(&p->lock);
    memcpy(p->frames[p->count], frame, len);
    p->len[p->count++] = len;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static bool peer_transmit(void *opaque)
{
    Peer *p = opaque;
    pthread_mutex_lock(&p->lock);
    uint8_t *frame = (uint8_t *)p->to_send;
    size_t len = p->to_send_len;
    pthread_mutex_unlock(&p->lock);
    if (!frame)
        return false;
    struct iovec iov[2] = { { frame, 10 }, { frame + 10, len - 10 } };
    net_send(p->net, iov, 2);
    pthread_mutex_lock(&p->lock);
    p->to_send = NULL;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return false;
}

static void peer_open(Peer *p, const char *spec)
{
    Error *err = NULL;
    *p = (Peer){ .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    p->net = net_open(spec, NULL, &err);
    cr_assert_not_null(p->net, "%s", err ? error_text(err) : "");
    net_attach(p->net, &(NetReceiver){ peer_can_receive, peer_receive, peer_transmit, p });
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}

static void peer_send(Peer *p, const uint8_t *frame, size_t len)
{
    pthread_mutex_lock(&p->lock);
    p->to_send = frame;
    p->to_send_len = len;
    net_kick(p->net);
    while (p->to_send)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

typedef bool (*FrameTest)(const uint8_t *frame, size_t len);

/* Take the first frame that passes `test`, and forget those before it. */
static size_t peer_expect(Peer *p, FrameTest test, uint8_t *frame)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    size_t found = 0;
    pthread_mutex_lock(&p->lock);
    while (!found) {
        for (unsigned i = 0; i < p->count && !found; i++) {
            const uint8_t *f = p->frames[i];
            if (test(f, p->len[i])) {
                found = p->len[i];
                memcpy(frame, f, found);
                memmove(p->frames[0], p->frames[i + 1], (p->count - i - 1) * 1600);
                memmove(p->len, p->len + i + 1, (p->count - i - 1) * sizeof(p->len[0]));
                p->count -= i + 1;
            }
        }
        if (!found)
            cr_assert_eq(pthread_cond_timedwait(&p->changed, &p->lock, &until), 0,
                         "no such frame within 10 s");
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}

static uint16_t inet_sum(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += get16(p + i);
    if (len & 1)
        sum += (uint32_t)p[len - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_ip(uint8_t *f, uint8_t protocol, uint32_t from, uint32_t to, size_t payload)
{
    uint8_t *ip = f + 14;
    memset(f, 0xff, 6);
    memcpy(f + 6, guest_mac, 6);
    put16(f + 12, 0x0800);
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, (uint16_t)(20 + payload));
    ip[8] = 64;
    ip[9] = protocol;
    put32(ip + 12, from);
    put32(ip + 16, to);
    put16(ip + 10, inet_sum(ip, 20, 0));
}

/* ---- DHCP ------------------------------------------------------------------------------- */

static bool is_dhcp_reply(const uint8_t *f, size_t len)
{
    return len > 14 + 20 + 8 + 240 && get16(f + 12) == 0x0800 && f[14 + 9] == 17 &&
           get16(f + 34 + 2) == 68;
}

static size_t dhcp_discover(uint8_t *f)
{
    size_t udp_len = 8 + 240 + 4;
    memset(f, 0, 400);
    put_ip(f, 17, 0, 0xffffffff, udp_len);
    uint8_t *udp = f + 34, *bootp = udp + 8;
    put16(udp, 68);
    put16(udp + 2, 67);
    put16(udp + 4, (uint16_t)udp_len);
    bootp[0] = 1; /* request, Ethernet, 6 bytes */
    bootp[1] = 1;
    bootp[2] = 6;
    put32(bootp + 4, 0x12345678);
    memcpy(bootp + 28, guest_mac, 6);
    put32(bootp + 236, 0x63825363);
    memcpy(bootp + 240, "\x35\x01\x01\xff", 4); /* DISCOVER */
    return 34 + udp_len;
}

Test(net, dhcp_offers_the_first_lease)
{
    Peer p;
    uint8_t f[1600];
    peer_open(&p, "user,id=n0");
    peer_send(&p, f, dhcp_discover(f));
    peer_expect(&p, is_dhcp_reply, f);
    cr_assert_eq(get32(f + 42 + 4), 0x12345678);
    cr_assert_eq(get32(f + 42 + 16), 0x0a00020f, "10.0.2.15 is offered");
    cr_assert_eq(get32(f + 14 + 12), 0x0a000202, "by 10.0.2.2");
    net_close(p.net);
}

Test(net, the_network_can_be_chosen)
{
    Peer p;
    uint8_t f[1600];
    peer_open(&p, "user,id=n0,net=192.168.76.0/24,dhcpstart=192.168.76.9");
    peer_send(&p, f, dhcp_discover(f));
    peer_expect(&p, is_dhcp_reply, f);
    cr_assert_eq(get32(f + 42 + 16), 0xc0a84c09);
    net_close(p.net);
}

Test(net, frames_wait_for_a_device_without_room)
{
    Peer p;
    uint8_t f[1600];
    peer_open(&p, "user,id=n0");
    p.deaf = true;
    peer_send(&p, f, dhcp_discover(f));
    usleep(100000);
    cr_assert_eq(p.count, 0);
    pthread_mutex_lock(&p.lock);
    p.deaf = false;
    pthread_mutex_unlock(&p.lock);
    net_kick(p.net);
    peer_expect(&p, is_dhcp_reply, f);
    net_close(p.net);
}

Test(net, frames_of_nonsense_do_no_harm)
{
    Peer p;
    uint8_t f[1600];
    peer_open(&p, "user,id=n0");
    srand(1);
    for (int i = 0; i < 2000; i++) {
        size_t len = 11 + (size_t)rand() % 200;
        for (size_t k = 0; k < len; k++)
            f[k] = (uint8_t)rand();
        if (i & 1)
            put16(f + 12, i & 2 ? 0x0800 : 0x86dd);
        peer_send(&p, f, len);
    }
    peer_send(&p, f, dhcp_discover(f));
    peer_expect(&p, is_dhcp_reply, f);
    net_close(p.net);
}

/* ---- a forwarded connection ------------------------------------------------------------- */

static bool is_arp_request(const uint8_t *f, size_t len)
{
    return len >= 42 && get16(f + 12) == 0x0806 && get16(f + 20) == 1 &&
           get32(f + 38) == 0x0a00020f;
}

static bool is_tcp_syn(const uint8_t *f, size_t len)
{
    return len >= 54 && get16(f + 12) == 0x0800 && f[14 + 9] == 6 && (f[34 + 13] & 0x12) == 0x02;
}

static bool is_arp_request_or_syn(const uint8_t *f, size_t len)
{
    return is_arp_request(f, len) || is_tcp_syn(f, len);
}

static void answer_arp(Peer *p, const uint8_t *request)
{
    uint8_t f[42];
    memcpy(f, request, sizeof(f));
    memcpy(f, request + 6, 6);
    memcpy(f + 6, guest_mac, 6);
    put16(f + 20, 2);
    memcpy(f + 22, guest_mac, 6);
    memcpy(f + 28, request + 38, 4);
    memcpy(f + 32, request + 22, 10);
    peer_send(p, f, sizeof(f));
}

static void send_tcp(Peer *p, const uint8_t *to, uint8_t flags, uint32_t seq, const char *data)
{
    uint8_t f[200];
    size_t len = strlen(data), tcp_len = 20 + len;
    put_ip(f, 6, get32(to + 14 + 16), get32(to + 14 + 12), tcp_len);
    uint8_t *tcp = f + 34;
    memset(tcp, 0, 20);
    put16(tcp, get16(to + 34 + 2));
    put16(tcp + 2, get16(to + 34));
    put32(tcp + 4, seq);
    put32(tcp + 8, get32(to + 34 + 4) + 1);
    tcp[12] = 0x50;
    tcp[13] = flags;
    put16(tcp + 14, 65535);
    memcpy(tcp + 20, data, len);
    uint32_t pseudo = 6 + (uint32_t)tcp_len + get16(f + 26) + get16(f + 28) + get16(f + 30) +
                      get16(f + 32);
    put16(tcp + 16, inet_sum(tcp, tcp_len, pseudo));
    peer_send(p, f, 34 + tcp_len);
}

static uint16_t free_port(void)
{
    uint16_t port;
    close(listen_anywhere(&port));
    return port;
}

Test(net, hostfwd_leads_to_the_guest)
{
    Peer p;
    uint8_t f[1600], syn[1600];
    char spec[80], buf[16] = "";
    uint16_t port = free_port();
    snprintf(spec, sizeof(spec), "user,id=n0,hostfwd=tcp:127.0.0.1:%u-:22", port);
    peer_open(&p, spec);
    peer_send(&p, f, dhcp_discover(f));
    peer_expect(&p, is_dhcp_reply, f);

    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    while (!is_tcp_syn(syn, peer_expect(&p, is_arp_request_or_syn, syn)))
        answer_arp(&p, syn);
    cr_assert_eq(get16(syn + 34 + 2), 22);
    send_tcp(&p, syn, 0x12, 1000, "");
    send_tcp(&p, syn, 0x18, 1001, "hello");
    struct pollfd pfd = { fd, POLLIN, 0 };
    cr_assert_eq(poll(&pfd, 1, 10000), 1);
    cr_assert_eq(read(fd, buf, sizeof(buf)), 5);
    cr_assert_str_eq(buf, "hello");
    close(fd);
    net_close(p.net);
}
