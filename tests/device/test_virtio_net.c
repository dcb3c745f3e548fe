// SPDX-License-Identifier: MIT
//
// The virtio network device between a driver and a backend of the test: frames both ways, merged
// receive buffers, checksums, the control queue, and nonsense.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "hw/virtio/virtio_net.h"
#include "net/internal.h"
#include "util/bitops.h"
#include "virtio_rig.h"

enum { F_CSUM = 0, F_GUEST_CSUM = 1, F_MAC = 5, F_HOST_TSO4 = 11, F_MRG_RXBUF = 15, F_CTRL_VQ = 17 };
enum { RX, TX, CTRL };
enum { HEADER = 12 };

typedef struct NetRig {
    Rig r;
    NetBackend *net;
    uint8_t sent[70000]; /* the last frame, and how many there were */
    size_t sent_len;
    unsigned sent_count, kicked;
} NetRig;

static void fake_send(NetBackend *n, const struct iovec *iov, unsigned iov_count)
{
    NetRig *b = n->state;
    b->sent_len = 0;
    b->sent_count++;
    for (unsigned i = 0; i < iov_count; i++) {
        memcpy(b->sent + b->sent_len, iov[i].iov_base, iov[i].iov_len);
        b->sent_len += iov[i].iov_len;
    }
}

static void fake_kick(NetBackend *n)
{
    ((NetRig *)n->state)->kicked++;
    while (net_pull(n))
        continue;
}

static void fake_close(NetBackend *n)
{
}

static const NetType fake_type = { .name = "fake", .close = fake_close, .send = fake_send,
                                   .kick = fake_kick };

static NetBackend *fake_backend(NetRig *b, const char *id)
{
    NetBackend *n = calloc(1, sizeof(*n));
    net_init_common(n, strdup(id), NULL);
    n->type = &fake_type;
    n->state = b;
    return n;
}

static void open_net(NetRig *b, uint64_t features)
{
    Error *err = NULL;
    *b = (NetRig){ 0 };
    rig_open(&b->r);
    b->net = fake_backend(b, "n0");
    cr_assert(machine_add_netdev(b->r.bench.m, b->net, &err));
    rig_plug(&b->r, &virtio_net_type, "netdev=n0", NULL);
    rig_start(&b->r, features);
}

static void close_net(NetRig *b)
{
    rig_close(&b->r);
}

static void fill(uint8_t *p, size_t len, uint8_t seed)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(seed + i * 11);
}

/* ---- identity --------------------------------------------------------------------------- */

Test(virtio_net, configuration)
{
    static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
    NetRig b;
    open_net(&b, BIT(F_MAC));
    cr_assert_eq(rig_reg(&b.r, R_DEVICE_ID), 1);
    for (unsigned i = 0; i < 6; i++)
        cr_assert_eq(bench_read(&b.r.bench, RIG_BASE + R_CONFIG + i, 1), mac[i]);
    cr_assert_eq(bench_read(&b.r.bench, RIG_BASE + R_CONFIG + 6, 2), 1, "the link is up");
    close_net(&b);
}

Test(virtio_net, addresses_count_up)
{
    Error *err = NULL;
    NetRig b;
    open_net(&b, 0);
    Device *transport = bench_device(&b.r.bench, &virtio_mmio_type, NULL);
    NetBackend *other = fake_backend(&b, "n1");
    cr_assert(machine_add_netdev(b.r.bench.m, other, &err));
    Device *dev = device_create(b.r.bench.m, &virtio_net_type, NULL, &err);
    cr_assert(device_attach(transport, dev, &err));
    device_set_ptr(dev, "netdev", other);
    cr_assert(device_realize(dev, &err));
    cr_assert_eq(((VirtioNet *)dev)->mac[5], 0x57);
    close_net(&b);
}

/* ---- to the guest ----------------------------------------------------------------------- */

Test(virtio_net, a_frame_arrives)
{
    NetRig b;
    uint8_t frame[1514];
    open_net(&b, BIT(F_GUEST_CSUM));
    cr_assert_geq(b.kicked, 1, "the backend hears that the device is ready");
    fill(frame, sizeof(frame), 1);
    cr_assert(!net_deliver(b.net, frame, sizeof(frame)), "there is no buffer yet");
    uint64_t buf = rig_alloc(&b.r, 1600);
    rig_add(&b.r, RX, &(RigSeg){ buf, 1600, true }, 1);
    unsigned kicked = b.kicked;
    rig_kick(&b.r, RX);
    cr_assert_eq(b.kicked, kicked + 1);
    cr_assert(net_deliver(b.net, frame, sizeof(frame)));
    cr_assert_eq(rig_wait(&b.r, RX).len, HEADER + sizeof(frame));
    const uint8_t *got = rig_host(&b.r, buf);
    cr_assert_eq(got[0], 2, "DATA_VALID");
    cr_assert_eq(got[10] | got[11] << 8, 1, "one buffer");
    cr_assert_eq(memcmp(got + HEADER, frame, sizeof(frame)), 0);
    cr_assert(rig_irq(&b.r));
    cr_assert(!net_deliver(b.net, frame, sizeof(frame)), "the buffer is used up");
    close_net(&b);
}

Test(virtio_net, a_frame_may_fill_several_buffers)
{
    NetRig b;
    uint8_t frame[1514], got[2000];
    uint64_t buf[4];
    open_net(&b, BIT(F_MRG_RXBUF));
    fill(frame, sizeof(frame), 2);
    for (int i = 0; i < 4; i++) {
        buf[i] = rig_alloc(&b.r, 512);
        rig_add(&b.r, RX, &(RigSeg){ buf[i], 512, true }, 1);
    }
    cr_assert(net_deliver(b.net, frame, sizeof(frame)));
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        VirtqUsedElem e = rig_wait(&b.r, RX);
        memcpy(got + len, rig_host(&b.r, buf[i]), e.len);
        len += e.len;
    }
    cr_assert(!rig_has_used(&b.r, RX));
    cr_assert_eq(len, HEADER + sizeof(frame));
    cr_assert_eq(got[10], 3);
    cr_assert_eq(memcmp(got + HEADER, frame, sizeof(frame)), 0);
    /* one of 512 bytes is left: a large frame is lost, the buffer is not */
    net_deliver(b.net, frame, sizeof(frame));
    cr_assert(!rig_has_used(&b.r, RX));
    cr_assert(net_deliver(b.net, frame, 400));
    VirtqUsedElem last = rig_wait(&b.r, RX);
    cr_assert_eq(last.id, 3);
    cr_assert_eq(last.len, HEADER + 400);
    close_net(&b);
}

Test(virtio_net, frames_before_the_driver_are_forgotten)
{
    NetRig b;
    uint8_t frame[64] = { 0 };
    open_net(&b, 0);
    rig_set_reg(&b.r, R_STATUS, 0);
    cr_assert(net_deliver(b.net, frame, sizeof(frame)));
    close_net(&b);
}

Test(virtio_net, a_buffer_without_room_for_the_header_breaks_the_device)
{
    NetRig b;
    uint8_t frame[64] = { 0 };
    open_net(&b, 0);
    rig_add(&b.r, RX, &(RigSeg){ rig_alloc(&b.r, 16), 11, true }, 1);
    net_deliver(b.net, frame, sizeof(frame));
    cr_assert(rig_is_broken(&b.r));
    close_net(&b);
}

/* ---- from the guest --------------------------------------------------------------------- */

Test(virtio_net, a_frame_leaves)
{
    NetRig b;
    open_net(&b, 0);
    uint64_t buf = rig_alloc(&b.r, 2000);
    uint8_t *p = rig_host(&b.r, buf);
    memset(p, 0, HEADER);
    fill(p + HEADER, 1000, 3);
    const RigSeg segs[] = { { buf, 10, false }, { buf + 10, 90, false },
                            { buf + 100, HEADER + 900, false } };
    for (unsigned i = 1; i <= 20; i++) {
        cr_assert_eq(rig_run(&b.r, TX, segs, 3).len, 0);
        cr_assert_eq(b.sent_count, i);
        cr_assert_eq(b.sent_len, 1000);
        cr_assert_eq(memcmp(b.sent, p + HEADER, 1000), 0);
    }
    close_net(&b);
}

/* The checksum as RFC 1071 writes it down. */
static uint16_t slow_checksum(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

Test(virtio_net, checksums_are_filled_in)
{
    NetRig b;
    open_net(&b, BIT(F_CSUM));
    for (unsigned len = 60; len < 1515; len += 97) {
        uint64_t buf = rig_alloc(&b.r, HEADER + len);
        uint8_t *p = rig_host(&b.r, buf), want[1600];
        fill(p + HEADER, len, (uint8_t)len);
        memcpy(want, p + HEADER, len);
        uint8_t header[HEADER] = { 1, 0, 0, 0, 0, 0, 34, 0, 16, 0 };
        memcpy(p, header, HEADER);
        uint16_t sum = slow_checksum(want + 34, len - 34);
        want[50] = (uint8_t)(sum >> 8);
        want[51] = (uint8_t)sum;
        rig_run(&b.r, TX, &(RigSeg){ buf, HEADER + len, false }, 1);
        cr_assert_eq(b.sent_len, len);
        cr_assert_eq(memcmp(b.sent, want, len), 0, "length %u", len);
    }
    close_net(&b);
}

/* A frame with IPv4 and TCP headers of 20 bytes each, whose lengths and sums are wrong. */
static void fill_tcp(uint8_t *frame, uint32_t len)
{
    fill(frame, len, 9);
    memcpy(frame + 12, "\x08\x00\x45", 3);
    frame[14 + 9] = 6;
}

Test(virtio_net, a_large_segment_leaves_in_one_piece)
{
    enum { LEN = 30001, TCP = 14 + 20 };
    static uint8_t pseudo[12 + LEN - TCP];
    NetRig b;
    open_net(&b, BIT(F_CSUM) | BIT(F_HOST_TSO4));
    uint64_t buf = rig_alloc(&b.r, HEADER + LEN);
    uint8_t *p = rig_host(&b.r, buf);
    fill_tcp(p + HEADER, LEN);
    memcpy(p, (const uint8_t[HEADER]){ 1, 1, 54, 0, 0xb4, 5, TCP, 0, 16, 0 }, HEADER);
    rig_run(&b.r, TX, &(RigSeg){ buf, HEADER + LEN, false }, 1);
    const uint8_t *ip = b.sent + 14;
    cr_assert_eq(b.sent_len, LEN);
    cr_assert_eq(ip[2] << 8 | ip[3], LEN - 14);
    cr_assert_eq(slow_checksum(ip, 20), 0);
    memcpy(pseudo, ip + 12, 8);
    pseudo[9] = 6;
    pseudo[10] = (LEN - TCP) >> 8;
    pseudo[11] = (LEN - TCP) & 0xff;
    memcpy(pseudo + 12, b.sent + TCP, LEN - TCP);
    cr_assert_eq(slow_checksum(pseudo, sizeof(pseudo)), 0);
    cr_assert_eq(memcmp(b.sent + TCP + 20, p + HEADER + TCP + 20, LEN - TCP - 20), 0);
    close_net(&b);
}

Test(virtio_net, large_segments_that_are_none_are_dropped)
{
    static const uint8_t headers[][HEADER] = {
        { 1, 4, 54, 0, 0xb4, 5, 34, 0, 16, 0 },  /* IPv6 */
        { 1, 1, 54, 0, 0xb4, 5, 33, 0, 16, 0 },  /* not where TCP begins */
        { 1, 1, 54, 0, 0xb4, 5, 34, 0, 6, 0 },   /* the place of UDP's sum */
        { 1, 1, 54, 0, 0xb4, 5, 0, 0, 16, 0 },
        { 1, 1, 54, 0, 0xb4, 5, 250, 0, 16, 0 }, /* beyond the end */
    };
    NetRig b;
    open_net(&b, BIT(F_CSUM) | BIT(F_HOST_TSO4));
    uint64_t buf = rig_alloc(&b.r, HEADER + 200);
    uint8_t *p = rig_host(&b.r, buf);
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        fill_tcp(p + HEADER, 200);
        memcpy(p, headers[i], HEADER);
        rig_run(&b.r, TX, &(RigSeg){ buf, HEADER + 200, false }, 1);
        cr_assert_eq(b.sent_count, 0, "row %zu", i);
    }
    rig_start(&b.r, BIT(F_CSUM));
    memcpy(p, (const uint8_t[HEADER]){ 1, 1, 54, 0, 0xb4, 5, 34, 0, 16, 0 }, HEADER);
    rig_run(&b.r, TX, &(RigSeg){ buf, HEADER + 200, false }, 1);
    cr_assert_eq(b.sent_count, 0, "not negotiated");
    close_net(&b);
}

Test(virtio_net, frames_of_nonsense_are_dropped)
{
    NetRig b;
    open_net(&b, BIT(F_CSUM));
    uint64_t buf = rig_alloc(&b.r, 2000);
    uint8_t *p = rig_host(&b.r, buf);
    rig_run(&b.r, TX, &(RigSeg){ buf, 11, false }, 1);
    rig_run(&b.r, TX, &(RigSeg){ buf, 12, false }, 1);
    rig_run(&b.r, TX, &(RigSeg){ buf, 100, true }, 1);
    static const uint16_t places[][2] = { { 100, 0 }, { 99, 0 }, { 0, 99 }, { 65535, 65535 },
                                          { 50, 49 } };
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        memset(p, 0, HEADER);
        p[0] = 1;
        memcpy(p + 6, &places[i][0], 2);
        memcpy(p + 8, &places[i][1], 2);
        rig_run(&b.r, TX, &(RigSeg){ buf, HEADER + 100, false }, 1);
    }
    cr_assert_eq(b.sent_count, 0);
    cr_assert(!rig_is_broken(&b.r));
    close_net(&b);
}

Test(virtio_net, rings_of_nonsense_do_no_harm)
{
    NetRig b;
    uint8_t frame[1514];
    open_net(&b, BIT(F_MRG_RXBUF) | BIT(F_CSUM) | BIT(F_CTRL_VQ));
    uint64_t buf = rig_alloc(&b.r, 65536);
    fill(rig_host(&b.r, buf), 65536, 1);
    fill(frame, sizeof(frame), 2);
    srand(12);
    for (int i = 0; i < 5000; i++) {
        unsigned q = (unsigned)rand() % 3, count = 1 + (unsigned)rand() % 4;
        RigSeg segs[4];
        for (unsigned s = 0; s < count; s++)
            segs[s] = (RigSeg){ buf + (uint64_t)rand() % 60000, (uint32_t)rand() % 2000,
                                rand() % 3 > (int)q };
        if (rand() % 50 == 0)
            segs[0].gpa <<= rand() % 40;
        rig_add(&b.r, q, segs, count);
        rig_kick(&b.r, q);
        net_deliver(b.net, frame, (size_t)rand() % sizeof(frame));
        if (rig_is_broken(&b.r) || rand() % 20 == 0)
            rig_start(&b.r, BIT(F_MRG_RXBUF) | BIT(F_CSUM) | BIT(F_CTRL_VQ));
    }
    close_net(&b);
}

/* ---- control queue ---------------------------------------------------------------------- */

static uint8_t command(NetRig *b, const void *bytes, uint32_t len)
{
    uint64_t cmd = rig_alloc(&b->r, 256), ack = rig_alloc(&b->r, 1);
    memcpy(rig_host(&b->r, cmd), bytes, len);
    *(uint8_t *)rig_host(&b->r, ack) = 0xaa;
    const RigSeg segs[] = { { cmd, len, false }, { ack, 1, true } };
    cr_assert_eq(rig_run(&b->r, CTRL, segs, 2).len, 1);
    return *(uint8_t *)rig_host(&b->r, ack);
}

Test(virtio_net, commands)
{
    NetRig b;
    open_net(&b, BIT(F_CTRL_VQ));
    cr_assert_eq(command(&b, "\0\0\1", 3), 0, "promiscuous");
    cr_assert_eq(command(&b, "\0\1\1", 3), 0, "all multicast");
    cr_assert_eq(command(&b, "\0\7\1", 3), 1);
    cr_assert_eq(command(&b, "\0", 1), 1);
    cr_assert_eq(command(&b, "\1\0\0\0\0\0\1\0\0\0\1\2\3\4\5\6", 16), 0, "a table of one");
    cr_assert_eq(command(&b, "\1\0\0\0\0\0\2\0\0\0\1\2\3\4\5\6", 16), 1, "cut short");
    cr_assert_eq(command(&b, "\1\0\xff\xff\xff\xff\0\0\0\0", 10), 1);
    cr_assert_eq(command(&b, "\1\1\2\4\6\10\12\14", 8), 0, "the address");
    cr_assert_eq(bench_read(&b.r.bench, RIG_BASE + R_CONFIG + 5, 1), 12);
    cr_assert_eq(command(&b, "\7\0\0", 3), 1);
    rig_set_reg(&b.r, R_STATUS, 0);
    cr_assert_eq(bench_read(&b.r.bench, RIG_BASE + R_CONFIG + 5, 1), 0x56, "back after a reset");
    close_net(&b);
}
