// SPDX-License-Identifier: MIT
//
// The GICv2 as software sees it (Arm IHI 0048B).
#include <criterion/criterion.h>
#include "bench.h"
#include "hw/intc/gicv2.h"

enum {
    D = 0x08000000, /* distributor */
    CTLR = D, TYPER = D + 4, IGROUPR = D + 0x80, ISENABLER = D + 0x100, ICENABLER = D + 0x180,
    ISPENDR = D + 0x200, ICPENDR = D + 0x280, ISACTIVER = D + 0x300, ICACTIVER = D + 0x380,
    IPRIORITYR = D + 0x400, ITARGETSR = D + 0x800, ICFGR = D + 0xc00, SGIR = D + 0xf00,
    CPENDSGIR = D + 0xf10, SPENDSGIR = D + 0xf20,
    C = 0x08010000, /* CPU interface */
    C_CTLR = C, C_PMR = C + 4, C_BPR = C + 8, C_IAR = C + 0xc, C_EOIR = C + 0x10, C_RPR = C + 0x14,
    C_HPPIR = C + 0x18, C_AIAR = C + 0x20, C_AEOIR = C + 0x24, C_APR = C + 0xd0, C_IIDR = C + 0xfc,
    C_DIR = C + 0x1000,
    SPURIOUS = 1023,
};

typedef struct Rig {
    Bench bench;
    Gicv2 *gic;
    uint32_t cpu; /* that accesses registers */
    bool irq[GICV2_MAX_CPUS], fiq[GICV2_MAX_CPUS];
} Rig;

static uint32_t rig_cpu(void *opaque)
{
    return ((Rig *)opaque)->cpu;
}

static void set_level(void *opaque, unsigned n, bool level)
{
    ((bool *)opaque)[n] = level;
}

/* All groups and CPUs enabled, all priorities let through, SPIs 32-63 enabled at 0xa0 to CPU 0. */
static void rig_open(Rig *r, const char *cpus)
{
    *r = (Rig){ 0 };
    Bench *b = &r->bench;
    bench_open(b);
    r->gic = (Gicv2 *)bench_device(b, &gicv2_type, cpus, "num-irq=288", NULL);
    r->gic->current_cpu = rig_cpu;
    r->gic->current_cpu_opaque = r;
    for (unsigned i = 0; i < r->gic->num_cpus; i++) {
        irq_connect(&r->gic->irq[i], set_level, r->irq, i);
        irq_connect(&r->gic->fiq[i], set_level, r->fiq, i);
    }
    bench_map(b, D, &r->gic->dist);
    bench_map(b, C, &r->gic->cpu);
    bench_ready(b);
    w32(b, CTLR, 3);
    w32(b, ISENABLER + 4, ~0u);
    for (unsigned id = 32; id < 64; id += 4) {
        w32(b, IPRIORITYR + id, 0xa0a0a0a0);
        w32(b, ITARGETSR + id, 0x01010101);
    }
    for (r->cpu = 0; r->cpu < r->gic->num_cpus; r->cpu++) {
        w32(b, C_PMR, 0xff);
        w32(b, C_CTLR, 1);
        w32(b, ISENABLER, ~0u);
    }
    r->cpu = 0;
}

static void rig_close(Rig *r)
{
    bench_close(&r->bench);
}

Test(gicv2, identifies_itself)
{
    Rig r;
    rig_open(&r, "num-cpu=4");
    cr_expect_eq(r32(&r.bench, TYPER), (4 - 1) << 5 | (288 / 32 - 1));
    cr_expect_eq(r32(&r.bench, C_IIDR), 0x0202143b);
    cr_expect_eq(r32(&r.bench, D + 0xfe8) >> 4 & 0xf, 2, "architecture revision in PIDR2");
    cr_expect_eq(r32(&r.bench, ISENABLER) & 0xffff, 0xffff, "SGIs are always enabled");
    rig_close(&r);
}

Test(gicv2, level_interrupt_pends_anew_after_its_end_while_the_line_is_high)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    gicv2_set_spi(r.gic, 1, true);
    cr_expect(r.irq[0]);
    cr_expect_eq(r32(b, C_IAR), 33);
    cr_expect_not(r.irq[0], "active interrupts are not signalled");
    cr_expect_eq(r32(b, ISACTIVER + 4), 1 << 1);
    cr_expect_eq(r32(b, ISPENDR + 4), 1 << 1, "the line is still high");
    cr_expect_eq(r32(b, C_IAR), SPURIOUS);
    w32(b, C_EOIR, 33);
    cr_expect(r.irq[0]);
    cr_expect_eq(r32(b, C_IAR), 33);
    gicv2_set_spi(r.gic, 1, false);
    w32(b, C_EOIR, 33);
    cr_expect_not(r.irq[0]);
    rig_close(&r);
}

Test(gicv2, edge_interrupt_is_latched)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, ICFGR + 8, 2 << (2 * 3)); /* INTID 35 */
    cr_expect_eq(r32(b, ICFGR + 8), 2 << (2 * 3));
    gicv2_set_spi(r.gic, 3, true);
    gicv2_set_spi(r.gic, 3, false);
    cr_expect(r.irq[0], "remembered after the line fell");
    cr_expect_eq(r32(b, C_IAR), 35);
    gicv2_set_spi(r.gic, 3, true);
    cr_expect_not(r.irq[0], "pending and active");
    w32(b, C_EOIR, 35);
    cr_expect(r.irq[0], "the second edge");
    cr_expect_eq(r32(b, C_IAR), 35);
    w32(b, C_EOIR, 35);
    cr_expect_not(r.irq[0], "a level that stays high is no third edge");
    rig_close(&r);
}

Test(gicv2, higher_priority_preempts_and_the_lower_one_resumes)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    bench_write(b, IPRIORITYR + 40, 1, 0x80);
    bench_write(b, IPRIORITYR + 41, 1, 0x40);
    gicv2_set_spi(r.gic, 8, true);
    cr_expect_eq(r32(b, C_IAR), 40);
    cr_expect_eq(r32(b, C_RPR), 0x80);
    gicv2_set_spi(r.gic, 5, true); /* priority 0xa0: waits */
    cr_expect_not(r.irq[0]);
    gicv2_set_spi(r.gic, 9, true);
    cr_expect(r.irq[0]);
    cr_expect_eq(r32(b, C_IAR), 41);
    cr_expect_eq(r32(b, C_RPR), 0x40);
    gicv2_set_spi(r.gic, 9, false);
    w32(b, C_EOIR, 41);
    cr_expect_eq(r32(b, C_RPR), 0x80);
    cr_expect_not(r.irq[0]);
    gicv2_set_spi(r.gic, 8, false);
    w32(b, C_EOIR, 40);
    cr_expect_eq(r32(b, C_RPR), 0xff);
    cr_expect_eq(r32(b, C_IAR), 37);
    rig_close(&r);
}

Test(gicv2, binary_point_groups_priorities)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, C_BPR, 6); /* only bit 7 preempts */
    bench_write(b, IPRIORITYR + 40, 1, 0x60);
    bench_write(b, IPRIORITYR + 41, 1, 0x10);
    gicv2_set_spi(r.gic, 8, true);
    cr_expect_eq(r32(b, C_IAR), 40);
    gicv2_set_spi(r.gic, 9, true);
    cr_expect_not(r.irq[0], "same group priority");
    w32(b, C_EOIR, 40);
    cr_expect_eq(r32(b, C_IAR), 41, "but the sub-priority decides who is first");
    w32(b, C_BPR, 0);
    cr_expect_eq(r32(b, C_BPR), 2, "finer than 32 levels there is not");
    rig_close(&r);
}

Test(gicv2, priority_mask_and_enables_hold_back)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, C_PMR, 0xa0);
    gicv2_set_spi(r.gic, 0, true);
    cr_expect_not(r.irq[0], "priority must be above the mask");
    cr_expect_eq(r32(b, C_IAR), SPURIOUS);
    cr_expect_eq(r32(b, C_HPPIR), 32, "pending all the same");
    w32(b, C_PMR, 0xff);
    cr_expect(r.irq[0]);
    cr_expect_eq(r32(b, C_PMR), 0xf8, "five bits of priority");
    w32(b, ICENABLER + 4, 1);
    cr_expect_not(r.irq[0]);
    w32(b, ISENABLER + 4, 1);
    w32(b, CTLR, 0);
    cr_expect_not(r.irq[0]);
    w32(b, CTLR, 1);
    w32(b, C_CTLR, 0);
    cr_expect_not(r.irq[0]);
    cr_expect_eq(r32(b, C_IAR), SPURIOUS);
    rig_close(&r);
}

Test(gicv2, sgis_carry_their_source_and_queue_by_source)
{
    Rig r;
    rig_open(&r, "num-cpu=4");
    Bench *b = &r.bench;
    r.cpu = 1;
    w32(b, SGIR, 1u << 24 | 5); /* to all but itself */
    r.cpu = 3;
    w32(b, SGIR, 1u << 16 | 5); /* to CPU 0 */
    cr_expect(r.irq[0] && !r.irq[1] && r.irq[2] && r.irq[3]);
    r.cpu = 0;
    cr_expect_eq(bench_read(b, SPENDSGIR + 5, 1), 1 << 1 | 1 << 3);
    cr_expect_eq(r32(b, C_IAR), 1u << 10 | 5);
    cr_expect_not(r.irq[0], "the same SGI is active");
    w32(b, C_EOIR, 1u << 10 | 5);
    cr_expect(r.irq[0]);
    cr_expect_eq(r32(b, C_IAR), 3u << 10 | 5);
    w32(b, C_EOIR, 3u << 10 | 5);
    cr_expect_not(r.irq[0]);
    r.cpu = 2;
    bench_write(b, CPENDSGIR + 5, 1, 0xff);
    cr_expect_not(r.irq[2]);
    r.cpu = 0;
    w32(b, SGIR, 2u << 24 | 15); /* to itself */
    cr_expect_eq(r32(b, C_IAR), 15);
    rig_close(&r);
}

Test(gicv2, targets_choose_the_cpus)
{
    Rig r;
    rig_open(&r, "num-cpu=2");
    Bench *b = &r.bench;
    cr_expect_eq(r32(b, ITARGETSR), 0x01010101, "private interrupts: the reader itself");
    bench_write(b, ITARGETSR + 36, 1, 0xff);
    cr_expect_eq(bench_read(b, ITARGETSR + 36, 1), 3, "as many as there are");
    gicv2_set_spi(r.gic, 4, true);
    cr_expect(r.irq[0] && r.irq[1]);
    cr_expect_eq(r32(b, C_IAR), 36);
    cr_expect_not(r.irq[1], "one of them takes it");
    gicv2_set_spi(r.gic, 4, false);
    r.cpu = 1;
    w32(b, C_EOIR, 36); /* wrong CPU: of an SPI there is one active state only */
    r.cpu = 0;
    bench_write(b, ITARGETSR + 36, 1, 2);
    gicv2_set_spi(r.gic, 4, true);
    cr_expect(!r.irq[0] && r.irq[1]);
    rig_close(&r);
}

Test(gicv2, with_one_cpu_everything_goes_to_it)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    bench_write(&r.bench, ITARGETSR + 36, 1, 0);
    cr_expect_eq(bench_read(&r.bench, ITARGETSR + 36, 1), 0);
    gicv2_set_spi(r.gic, 4, true);
    cr_expect(r.irq[0]);
    rig_close(&r);
}

Test(gicv2, ppis_are_private)
{
    Rig r;
    rig_open(&r, "num-cpu=2");
    gicv2_set_ppi(r.gic, 1 * 32 + 27, true);
    cr_expect(!r.irq[0] && r.irq[1]);
    r.cpu = 1;
    cr_expect_eq(r32(&r.bench, C_IAR), 27);
    cr_expect_eq(r32(&r.bench, ISACTIVER), 1u << 27);
    r.cpu = 0;
    cr_expect_eq(r32(&r.bench, ISACTIVER), 0);
    rig_close(&r);
}

Test(gicv2, eoimode_splits_priority_drop_and_deactivation)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, C_CTLR, 1 | 1 << 9);
    gicv2_set_spi(r.gic, 0, true);
    cr_expect_eq(r32(b, C_IAR), 32);
    w32(b, C_EOIR, 32);
    cr_expect_eq(r32(b, C_RPR), 0xff, "the priority is dropped");
    cr_expect_eq(r32(b, ISACTIVER + 4), 1, "it is active still");
    gicv2_set_spi(r.gic, 1, true);
    cr_expect_eq(r32(b, C_IAR), 33, "another of the same priority may come");
    w32(b, C_EOIR, 33);
    w32(b, C_DIR, 32);
    cr_expect(r.irq[0], "the level is still high");
    rig_close(&r);
}

Test(gicv2, software_sets_and_clears_pending_and_active)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, ISPENDR + 4, 1 << 7);
    cr_expect(r.irq[0]);
    w32(b, ICPENDR + 4, 1 << 7);
    cr_expect_not(r.irq[0]);
    gicv2_set_spi(r.gic, 7, true);
    w32(b, ICPENDR + 4, 1 << 7);
    cr_expect(r.irq[0], "a level cannot be cleared away");
    w32(b, ISACTIVER + 4, 1 << 7);
    cr_expect_not(r.irq[0]);
    w32(b, ICACTIVER + 4, 1 << 7);
    cr_expect(r.irq[0]);
    w32(b, ISPENDR, 0xffff);
    cr_expect_eq(r32(b, ISPENDR) & 0xffff, 0, "SGIs are not set pending this way");
    rig_close(&r);
}

Test(gicv2, group_0_may_be_fiq_and_group_1_has_its_own_acknowledge)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, IGROUPR + 4, 1 << 1); /* INTID 33 */
    w32(b, C_CTLR, 1 | 2 | 1 << 3);
    gicv2_set_spi(r.gic, 0, true);
    cr_expect(r.fiq[0] && !r.irq[0]);
    cr_expect_eq(r32(b, C_AIAR), SPURIOUS);
    cr_expect_eq(r32(b, C_IAR), 32);
    gicv2_set_spi(r.gic, 0, false);
    w32(b, C_EOIR, 32);
    gicv2_set_spi(r.gic, 1, true);
    cr_expect(!r.fiq[0] && r.irq[0]);
    cr_expect_eq(r32(b, C_IAR), 1022);
    cr_expect_eq(r32(b, C_AIAR), 33);
    w32(b, C_AEOIR, 33);
    w32(b, C_CTLR, 1 | 2 | 1 << 2);
    cr_expect_eq(r32(b, C_IAR), 33, "AckCtl");
    rig_close(&r);
}

Test(gicv2, nonsense_does_no_harm)
{
    Rig r;
    rig_open(&r, "num-cpu=2");
    Bench *b = &r.bench;
    for (uint32_t offset = 0; offset < 0x1000; offset += 4) {
        w32(b, D + offset, ~0u);
        r32(b, D + offset);
    }
    for (uint32_t offset = 0; offset < 0x2000; offset += 4) {
        w32(b, C + offset, ~0u);
        r32(b, C + offset);
    }
    for (uint32_t id = 0; id < 1024; id++)
        w32(b, C_EOIR, id);
    for (uint32_t offset = 0; offset < 0x1000; offset++)
        bench_write(b, D + offset, 1, 0xff);
    rig_close(&r);
}

/* Another CPU is held up in the distributor: that is no matter to timers, SGIs and banked
 * registers. */
Test(gicv2, private_interrupts_meet_no_common_lock, .timeout = 10)
{
    Rig r;
    rig_open(&r, "num-cpu=2");
    Bench *b = &r.bench;
    r.cpu = 1;
    pthread_mutex_lock(&r.gic->dev.lock);
    w32(b, IPRIORITYR + 24, 0x80000000);
    w32(b, ISENABLER, 1u << 27);
    gicv2_set_ppi(r.gic, 1 * 32 + 27, true);
    cr_expect(r.irq[1]);
    cr_expect_eq(r32(b, C_IAR), 27);
    gicv2_set_ppi(r.gic, 1 * 32 + 27, false);
    w32(b, C_EOIR, 27);
    cr_expect_not(r.irq[1]);
    w32(b, SGIR, 1 << 24 | 3); /* to the other one */
    cr_expect(r.irq[0]);
    r.cpu = 0;
    cr_expect_eq(r32(b, C_IAR), 3 | 1 << 10);
    w32(b, C_EOIR, 3 | 1 << 10);
    cr_expect_eq(r32(b, C_RPR), 0xff);
    pthread_mutex_unlock(&r.gic->dev.lock);
    rig_close(&r);
}
