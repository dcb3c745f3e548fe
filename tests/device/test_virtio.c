// SPDX-License-Identifier: MIT
//
// The MMIO transport and split virtqueues, seen by a driver; the entropy device is the simplest
// thing behind them. Drivers of nonsense break the device, never the emulator.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hw/virtio/virtio_rng.h"
#include "util/bitops.h"
#include "virtio_rig.h"

static void open_rng(Rig *r, uint64_t features)
{
    rig_open(r);
    rig_plug(r, &virtio_rng_type, NULL);
    rig_start(r, features);
}

static const uint64_t ring_features = BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_EVENT_IDX);

/* ---- registers -------------------------------------------------------------------------- */

Test(virtio, an_empty_slot_has_device_0)
{
    Rig r;
    rig_open(&r);
    cr_assert_eq(rig_reg(&r, R_MAGIC), 0x74726976);
    cr_assert_eq(rig_reg(&r, R_VERSION), 2);
    cr_assert_eq(rig_reg(&r, R_DEVICE_ID), 0);
    for (uint32_t offset = 0; offset < 0x200; offset += 4)
        rig_set_reg(&r, offset, 0xffffffff);
    for (uint32_t offset = 0; offset < 0x200; offset += 4)
        rig_reg(&r, offset);
    rig_close(&r);
}

Test(virtio, a_device_shows_what_it_is)
{
    Rig r;
    rig_open(&r);
    rig_plug(&r, &virtio_rng_type, NULL);
    cr_assert_eq(rig_reg(&r, R_DEVICE_ID), 4);
    cr_assert_eq(rig_offered(&r), BIT(VIRTIO_F_VERSION_1) | ring_features);
    rig_set_reg(&r, R_QUEUE_SEL, 0);
    cr_assert_eq(rig_reg(&r, R_QUEUE_NUM_MAX), 16);
    rig_set_reg(&r, R_QUEUE_SEL, 1);
    cr_assert_eq(rig_reg(&r, R_QUEUE_NUM_MAX), 0);
    rig_close(&r);
}

static uint32_t try_features(Rig *r, uint64_t features)
{
    rig_set_reg(r, R_STATUS, 0);
    rig_set_reg(r, R_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        rig_set_reg(r, R_DRIVER_FEATURES_SEL, i);
        rig_set_reg(r, R_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
    }
    rig_set_reg(r, R_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    return rig_reg(r, R_STATUS) & VIRTIO_FEATURES_OK;
}

Test(virtio, features_are_checked)
{
    Rig r;
    rig_open(&r);
    rig_plug(&r, &virtio_rng_type, NULL);
    cr_assert(!try_features(&r, 0), "version 1 is a must");
    cr_assert(!try_features(&r, BIT(VIRTIO_F_VERSION_1) | BIT(5)), "this was not offered");
    cr_assert(try_features(&r, BIT(VIRTIO_F_VERSION_1)));
    rig_close(&r);
}

Test(virtio, queues_that_make_no_sense_do_not_open)
{
    static const struct {
        uint32_t size;
        uint64_t desc, avail, used;
    } rows[] = {
        { 3, BENCH_RAM, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000 },
        { 0, BENCH_RAM, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000 },
        { 32, BENCH_RAM, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000 }, /* 16 is the most */
        { 8, BENCH_RAM + 8, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000 },
        { 8, BENCH_RAM, BENCH_RAM + 0x1001, BENCH_RAM + 0x2000 },
        { 8, BENCH_RAM, BENCH_RAM + 0x1000, BENCH_RAM + 0x2002 },
        { 8, 0, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000 },
        { 8, BENCH_RAM + BENCH_RAM_BYTES - 64, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000 },
        { 8, UINT64_MAX & ~15ull, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000 },
        { 8, BENCH_RAM, RIG_BASE, BENCH_RAM + 0x2000 },
    };
    Rig r;
    rig_open(&r);
    rig_plug(&r, &virtio_rng_type, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_assert(try_features(&r, BIT(VIRTIO_F_VERSION_1)));
        rig_set_reg(&r, R_QUEUE_SEL, 0);
        rig_set_reg(&r, R_QUEUE_NUM, rows[i].size);
        for (unsigned h = 0; h < 2; h++) {
            rig_set_reg(&r, R_QUEUE_DESC + 4 * h, (uint32_t)(rows[i].desc >> (32 * h)));
            rig_set_reg(&r, R_QUEUE_DRIVER + 4 * h, (uint32_t)(rows[i].avail >> (32 * h)));
            rig_set_reg(&r, R_QUEUE_DEVICE + 4 * h, (uint32_t)(rows[i].used >> (32 * h)));
        }
        rig_set_reg(&r, R_QUEUE_READY, 1);
        cr_assert_eq(rig_reg(&r, R_QUEUE_READY), 0, "row %zu", i);
    }
    rig_close(&r);
}

Test(virtio, the_order_of_the_handshake_is_enforced)
{
    Rig r;
    rig_open(&r);
    rig_plug(&r, &virtio_rng_type, NULL);
    rig_setup_queue(&r, 0);
    rig_set_reg(&r, R_QUEUE_READY, 1);
    cr_assert_eq(rig_reg(&r, R_QUEUE_READY), 0, "not before FEATURES_OK");
    rig_set_reg(&r, R_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK);
    cr_assert_eq(rig_reg(&r, R_STATUS) & VIRTIO_DRIVER_OK, 0);
    rig_close(&r);
}

/* ---- a queue at work -------------------------------------------------------------------- */

/* Bytes that are not zero: the chance that 256 random bytes have fewer than 128 is nil. */
static unsigned non_zero(const uint8_t *p, unsigned len)
{
    unsigned n = 0;
    for (unsigned i = 0; i < len; i++)
        n += p[i] != 0;
    return n;
}

Test(virtio, requests_come_back_with_an_interrupt)
{
    Rig r;
    open_rng(&r, 0);
    uint64_t buf = rig_alloc(&r, 512);
    const RigSeg segs[] = { { buf, 256, true }, { buf + 256, 256, true } };
    for (int i = 0; i < 100; i++) {
        memset(rig_host(&r, buf), 0, 512);
        VirtqUsedElem e = rig_run(&r, 0, segs, 2);
        cr_assert_eq(e.len, 512);
        cr_assert_gt(non_zero(rig_host(&r, buf), 512), 256);
        cr_assert(rig_irq(&r));
        cr_assert_eq(rig_reg(&r, R_INTERRUPT_STATUS), VIRTIO_INT_QUEUE);
        rig_set_reg(&r, R_INTERRUPT_ACK, VIRTIO_INT_QUEUE);
        cr_assert(!rig_irq(&r));
    }
    rig_close(&r);
}

Test(virtio, the_driver_can_suppress_interrupts)
{
    Rig r;
    open_rng(&r, 0);
    uint64_t buf = rig_alloc(&r, 16);
    r.q[0].avail->flags = 1;
    rig_run(&r, 0, &(RigSeg){ buf, 16, true }, 1);
    cr_assert(!rig_irq(&r));
    rig_close(&r);
}

Test(virtio, event_indices_suppress_both_ways)
{
    Rig r;
    open_rng(&r, ring_features);
    RigQueue *q = &r.q[0];
    _Atomic uint16_t *used_event = &q->avail->ring[RIG_SIZE];
    _Atomic uint16_t *avail_event = (_Atomic uint16_t *)&q->used->ring[RIG_SIZE];
    uint64_t buf = rig_alloc(&r, 16);
    *used_event = 2; /* an interrupt when the third is there */
    rig_run(&r, 0, &(RigSeg){ buf, 16, true }, 1);
    cr_assert(rig_irq(&r), "the first time there is nothing to compare with");
    rig_set_reg(&r, R_INTERRUPT_ACK, 3);
    rig_run(&r, 0, &(RigSeg){ buf, 16, true }, 1);
    cr_assert(!rig_irq(&r));
    rig_run(&r, 0, &(RigSeg){ buf, 16, true }, 1);
    cr_assert(rig_irq(&r));
    cr_assert_eq(*avail_event, 3, "the device asks to hear of the fourth");
    rig_close(&r);
}

Test(virtio, indirect_tables)
{
    Rig r;
    open_rng(&r, ring_features);
    uint64_t table = rig_alloc(&r, 64), buf = rig_alloc(&r, 64);
    VirtqDesc *t = rig_host(&r, table);
    t[0] = (VirtqDesc){ buf, 16, VIRTQ_DESC_WRITE | VIRTQ_DESC_NEXT, 2 };
    t[2] = (VirtqDesc){ buf + 16, 32, VIRTQ_DESC_WRITE, 0 };
    r.q[0].desc[3] = (VirtqDesc){ table, 64, VIRTQ_DESC_INDIRECT, 0 };
    rig_avail(&r, 0, 3);
    rig_kick(&r, 0);
    VirtqUsedElem e = rig_wait(&r, 0);
    cr_assert_eq(e.id, 3);
    cr_assert_eq(e.len, 48);
    rig_close(&r);
}

Test(virtio, a_direct_chain_may_end_in_an_indirect_table)
{
    Rig r;
    open_rng(&r, ring_features);
    uint64_t table = rig_alloc(&r, 16), buf = rig_alloc(&r, 64);
    *(VirtqDesc *)rig_host(&r, table) = (VirtqDesc){ buf, 16, VIRTQ_DESC_WRITE, 0 };
    r.q[0].desc[0] = (VirtqDesc){ buf + 16, 16, VIRTQ_DESC_WRITE | VIRTQ_DESC_NEXT, 1 };
    r.q[0].desc[1] = (VirtqDesc){ table, 16, VIRTQ_DESC_INDIRECT, 0 };
    rig_avail(&r, 0, 0);
    rig_kick(&r, 0);
    cr_assert_eq(rig_wait(&r, 0).len, 32);
    rig_close(&r);
}

Test(virtio, a_rate_limit_makes_requests_wait)
{
    Rig r;
    rig_open(&r);
    rig_plug(&r, &virtio_rng_type, "max-bytes=32", "period=20", NULL);
    rig_start(&r, 0);
    uint64_t buf = rig_alloc(&r, 256);
    cr_assert_eq(rig_run(&r, 0, &(RigSeg){ buf, 100, true }, 1).len, 32);
    rig_add(&r, 0, &(RigSeg){ buf, 10, true }, 1);
    rig_kick(&r, 0);
    cr_assert(!rig_has_used(&r, 0));
    bench_run_ms(&r.bench, 50);
    cr_assert_eq(rig_wait(&r, 0).len, 10);
    rig_close(&r);
}

/* ---- nonsense --------------------------------------------------------------------------- */

enum { NOTHING_THERE = 0x1000 };

typedef struct BadChain {
    const char *name;
    VirtqDesc desc[3];
    VirtqDesc table[2]; /* at TABLE */
    bool no_indirect;   /* not negotiated */
} BadChain;

#define BUF (BENCH_RAM + 0x40000)
#define TABLE (BENCH_RAM + 0x50000)
enum { N = VIRTQ_DESC_NEXT, W = VIRTQ_DESC_WRITE, I = VIRTQ_DESC_INDIRECT };

static const BadChain bad_chains[] = {
    { "loop of one", { { BUF, 16, N | W, 0 } }, { { 0 } }, false },
    { "loop of two", { { BUF, 16, N | W, 1 }, { BUF, 16, N | W, 0 } }, { { 0 } }, false },
    { "next beyond the table", { { BUF, 16, N | W, RIG_SIZE } }, { { 0 } }, false },
    { "next far away", { { BUF, 16, N | W, 65535 } }, { { 0 } }, false },
    { "nothing there", { { NOTHING_THERE, 16, W, 0 } }, { { 0 } }, false },
    { "a device there", { { RIG_BASE, 16, W, 0 } }, { { 0 } }, false },
    { "beyond the end of memory", { { BENCH_RAM + BENCH_RAM_BYTES - 8, 16, W, 0 } }, { { 0 } },
      false },
    { "address wraps", { { UINT64_MAX - 7, 16, W, 0 } }, { { 0 } }, false },
    { "length of 4 GiB", { { BUF, UINT32_MAX, W, 0 } }, { { 0 } }, false },
    { "read after write", { { BUF, 16, W | N, 1 }, { BUF, 16, 0, 0 } }, { { 0 } }, false },
    { "indirect, not negotiated", { { TABLE, 32, I, 0 } }, { { BUF, 16, W, 0 } }, true },
    { "indirect of length 0", { { TABLE, 0, I, 0 } }, { { 0 } }, false },
    { "indirect of odd length", { { TABLE, 17, I, 0 } }, { { BUF, 16, W, 0 } }, false },
    { "indirect nowhere", { { NOTHING_THERE, 32, I, 0 } }, { { 0 } }, false },
    { "indirect at the end", { { UINT64_MAX - 15, 32, I, 0 } }, { { 0 } }, false },
    { "indirect in indirect", { { TABLE, 32, I, 0 } }, { { TABLE, 32, I, 0 } }, false },
    { "indirect with next", { { TABLE, 32, I | N, 1 } }, { { BUF, 16, W, 0 } }, false },
    { "indirect loops", { { TABLE, 32, I, 0 } }, { { BUF, 16, W | N, 1 }, { BUF, 16, W | N, 0 } },
      false },
    { "indirect next beyond", { { TABLE, 32, I, 0 } }, { { BUF, 16, W | N, 2 } }, false },
};

static void check_recovers(Rig *r)
{
    rig_start(r, 0);
    cr_assert(!rig_is_broken(r));
    cr_assert_eq(rig_run(r, 0, &(RigSeg){ BUF, 16, true }, 1).len, 16);
}

Test(virtio, chains_of_nonsense_break_the_device_until_reset)
{
    Rig r;
    rig_open(&r);
    rig_plug(&r, &virtio_rng_type, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(bad_chains); i++) {
        const BadChain *bad = &bad_chains[i];
        rig_start(&r, bad->no_indirect ? 0 : ring_features);
        memcpy(r.q[0].desc, bad->desc, sizeof(bad->desc));
        memcpy(rig_host(&r, TABLE), bad->table, sizeof(bad->table));
        rig_avail(&r, 0, 0);
        rig_kick(&r, 0);
        cr_assert(rig_is_broken(&r), "%s", bad->name);
        cr_assert(rig_reg(&r, R_INTERRUPT_STATUS) & VIRTIO_INT_CONFIG, "%s", bad->name);
        cr_assert(!rig_has_used(&r, 0), "%s", bad->name);
        rig_kick(&r, 0);
        check_recovers(&r);
    }
    rig_close(&r);
}

Test(virtio, an_available_ring_of_nonsense_breaks_the_device)
{
    Rig r;
    open_rng(&r, 0);
    r.q[0].desc[0] = (VirtqDesc){ BUF, 16, W, 0 };
    atomic_store(&r.q[0].avail->idx, RIG_SIZE + 1);
    rig_kick(&r, 0);
    cr_assert(rig_is_broken(&r), "more requests than entries");
    check_recovers(&r);
    rig_avail(&r, 0, RIG_SIZE);
    rig_kick(&r, 0);
    cr_assert(rig_is_broken(&r), "a head beyond the table");
    check_recovers(&r);
    rig_kick(&r, 7);
    rig_kick(&r, 0xffffffff);
    rig_close(&r);
}

Test(virtio, rings_of_random_bytes_do_no_harm)
{
    Rig r;
    rig_open(&r);
    rig_plug(&r, &virtio_rng_type, NULL);
    srand(3);
    for (int i = 0; i < 300; i++) {
        rig_start(&r, i & 1 ? ring_features : 0);
        uint8_t *p = (uint8_t *)r.q[0].desc;
        for (unsigned k = 0; k < RIG_SIZE * sizeof(VirtqDesc); k++)
            p[k] = (uint8_t)rand();
        for (unsigned k = 0; k < RIG_SIZE; k++) {
            if (rand() & 1)
                r.q[0].desc[k].addr = BENCH_RAM + (uint64_t)rand() % BENCH_RAM_BYTES;
            if (rand() & 1)
                r.q[0].desc[k].len = (uint32_t)rand() % 4096;
            r.q[0].desc[k].next %= 2 * RIG_SIZE;
            r.q[0].desc[k].flags &= 7;
        }
        for (int k = 0; k < 5; k++)
            rig_avail(&r, 0, (uint16_t)(rand() % (RIG_SIZE + 2)));
        rig_kick(&r, 0);
    }
    check_recovers(&r);
    rig_close(&r);
}

Test(virtio, registers_of_random_values_do_no_harm)
{
    Rig r;
    rig_open(&r);
    rig_plug(&r, &virtio_rng_type, NULL);
    srand(4);
    for (int i = 0; i < 20000; i++) {
        uint32_t offset = (uint32_t)rand() % 0x200;
        unsigned size = 1u << rand() % 4;
        offset &= ~(size - 1);
        if (rand() & 1)
            bench_write(&r.bench, RIG_BASE + offset, size, (uint64_t)rand() >> rand() % 31);
        else
            bench_read(&r.bench, RIG_BASE + offset, size);
    }
    check_recovers(&r);
    rig_close(&r);
}
