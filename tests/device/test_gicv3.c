// SPDX-License-Identifier: MIT
//
// The GICv3 as software sees it (Arm IHI 0069): one Security state, affinity routing.
#include <criterion/criterion.h>
#include "bench.h"
#include "hw/intc/gicv3.h"

enum {
    D = 0x08000000, /* distributor */
    CTLR = D, TYPER = D + 4, IGROUPR = D + 0x80, ISENABLER = D + 0x100, ICENABLER = D + 0x180,
    ISPENDR = D + 0x200, ICPENDR = D + 0x280, ISACTIVER = D + 0x300, ICACTIVER = D + 0x380,
    IPRIORITYR = D + 0x400, ITARGETSR = D + 0x800, ICFGR = D + 0xc00, IROUTER = D + 0x6000,
    R = 0x080a0000, /* redistributors */
    R_CTLR = R, R_TYPER = R + 8, R_WAKER = R + 0x14,
    SGI = 0x10000,
    R_IGROUPR = R + SGI + 0x80, R_ISENABLER = R + SGI + 0x100, R_ICENABLER = R + SGI + 0x180,
    R_ISPENDR = R + SGI + 0x200, R_ICPENDR = R + SGI + 0x280, R_ISACTIVER = R + SGI + 0x300,
    R_ICACTIVER = R + SGI + 0x380, R_IPRIORITYR = R + SGI + 0x400, R_ICFGR = R + SGI + 0xc00,
    PIDR2 = 0xffe8,
    SPURIOUS = 1023,
    IDLE = 0xff,
};

#define ICC(crn, crm, op2) (3 << 14 | (crn) << 7 | (crm) << 3 | (op2))
enum {
    PMR = ICC(4, 6, 0), IAR0 = ICC(12, 8, 0), EOIR0 = ICC(12, 8, 1), HPPIR0 = ICC(12, 8, 2),
    BPR0 = ICC(12, 8, 3), AP0R0 = ICC(12, 8, 4), AP1R0 = ICC(12, 9, 0), DIR = ICC(12, 11, 1),
    RPR = ICC(12, 11, 3), SGI1R = ICC(12, 11, 5), ASGI1R = ICC(12, 11, 6), SGI0R = ICC(12, 11, 7),
    IAR1 = ICC(12, 12, 0), EOIR1 = ICC(12, 12, 1), HPPIR1 = ICC(12, 12, 2), BPR1 = ICC(12, 12, 3),
    C_CTLR = ICC(12, 12, 4), SRE = ICC(12, 12, 5), IGRPEN0 = ICC(12, 12, 6),
    IGRPEN1 = ICC(12, 12, 7),
};
#define CBPR 1u
#define EOIMODE 2u
#define SGI_ALL_OTHERS (UINT64_C(1) << 40)
#define ANY_CPU (UINT64_C(1) << 31)

typedef struct Rig {
    Bench bench;
    Gicv3 *gic;
    bool irq[GICV3_MAX_CPUS], fiq[GICV3_MAX_CPUS];
} Rig;

static void set_level(void *opaque, unsigned n, bool level)
{
    ((bool *)opaque)[n] = level;
}

/* The address of a redistributor's register. */
static uint64_t of(unsigned cpu, uint64_t reg)
{
    return reg + (uint64_t)cpu * GICV3_REDIST_BYTES;
}

static uint64_t icc(Rig *r, unsigned cpu, unsigned reg)
{
    return gicv3_cpu_read(r->gic->redist[cpu], reg);
}

static void set_icc(Rig *r, unsigned cpu, unsigned reg, uint64_t value)
{
    gicv3_cpu_write(r->gic->redist[cpu], reg, value);
}

static void power_on(Rig *r, const char *cpus)
{
    Bench *b = &r->bench;
    *r = (Rig){ 0 };
    bench_open(b);
    r->gic = (Gicv3 *)bench_device(b, &gicv3_type, cpus, "num-irq=288", NULL);
    bench_map(b, D, &r->gic->mmio);
    for (unsigned i = 0; i < r->gic->num_cpus; i++) {
        irq_connect(&r->gic->redist[i]->irq, set_level, r->irq, i);
        irq_connect(&r->gic->redist[i]->fiq, set_level, r->fiq, i);
        bench_map(b, of(i, R), &r->gic->redist[i]->mmio);
    }
    bench_ready(b);
}

/* Everything awake, in group 1, enabled at 0xa0, let through; SPIs 32-63 go to CPU 0. */
static void rig_open(Rig *r, const char *cpus)
{
    Bench *b = &r->bench;
    power_on(r, cpus);
    w32(b, CTLR, 3);
    w32(b, IGROUPR + 4, ~0u);
    w32(b, ISENABLER + 4, ~0u);
    for (unsigned id = 32; id < 64; id += 4)
        w32(b, IPRIORITYR + id, 0xa0a0a0a0);
    for (unsigned cpu = 0; cpu < r->gic->num_cpus; cpu++) {
        w32(b, of(cpu, R_WAKER), 0);
        w32(b, of(cpu, R_IGROUPR), ~0u);
        w32(b, of(cpu, R_ISENABLER), ~0u);
        for (unsigned id = 0; id < 32; id += 4)
            w32(b, of(cpu, R_IPRIORITYR) + id, 0xa0a0a0a0);
        set_icc(r, cpu, PMR, 0xff);
        set_icc(r, cpu, IGRPEN0, 1);
        set_icc(r, cpu, IGRPEN1, 1);
    }
}

static void rig_close(Rig *r)
{
    bench_close(&r->bench);
}

Test(gicv3, identifies_itself)
{
    Rig r;
    rig_open(&r, "num-cpu=20");
    Bench *b = &r.bench;
    cr_expect_eq(r32(b, TYPER) & 0x1f, 288 / 32 - 1);
    cr_expect_eq(r32(b, TYPER) >> 16 & 3, 0, "neither LPIs nor message-based SPIs");
    cr_expect_eq(r32(b, CTLR), 3 | 1 << 4 | 1 << 6, "affinity routing, one Security state");
    cr_expect_eq(r32(b, D + PIDR2) >> 4 & 0xf, 3, "architecture revision");
    cr_expect_eq(r32(b, R + PIDR2) >> 4 & 0xf, 3);
    for (unsigned cpu = 0; cpu < 20; cpu++) {
        uint64_t typer = bench_read(b, of(cpu, R_TYPER), 8);
        cr_expect_eq(typer >> 32, cpu % 16 | cpu / 16 << 8, "affinity");
        cr_expect_eq(typer >> 8 & 0xffff, cpu);
        cr_expect_eq(typer >> 4 & 1, cpu == 19, "Last");
        cr_expect_eq(typer & 0xf, 0, "no LPIs");
        cr_expect_eq(r32(b, of(cpu, R_TYPER) + 4), typer >> 32);
    }
    cr_expect_eq(icc(&r, 0, SRE), 7);
    cr_expect_eq(icc(&r, 0, C_CTLR), 4 << 8 | 1 << 15, "five bits of priority, Aff3");
    cr_expect_eq(r32(b, of(0, R_ICFGR)), 0xaaaaaaaa, "SGIs are edges");
    rig_close(&r);
}

Test(gicv3, is_silent_after_reset)
{
    Rig r;
    power_on(&r, "num-cpu=2");
    Bench *b = &r.bench;
    cr_expect_eq(r32(b, R_WAKER), 6, "asleep");
    gicv3_set_spi(r.gic, 0, true);
    gicv3_set_ppi(r.gic, 27, true);
    cr_expect(!r.irq[0] && !r.fiq[0]);
    cr_expect_eq(icc(&r, 0, IAR0), SPURIOUS);
    cr_expect_eq(icc(&r, 0, IAR1), SPURIOUS);
    cr_expect_eq(icc(&r, 0, RPR), IDLE);
    cr_expect_eq(icc(&r, 0, PMR), 0);
    rig_close(&r);
}

Test(gicv3, redistributor_asleep_forwards_nothing)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    gicv3_set_ppi(r.gic, 27, true);
    cr_expect(r.irq[0]);
    w32(&r.bench, R_WAKER, 2);
    cr_expect_not(r.irq[0]);
    cr_expect_eq(r32(&r.bench, R_WAKER), 6);
    w32(&r.bench, R_WAKER, 0);
    cr_expect_eq(r32(&r.bench, R_WAKER), 0);
    cr_expect(r.irq[0]);
    rig_close(&r);
}

Test(gicv3, level_interrupt_pends_anew_after_its_end_while_the_line_is_high)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    gicv3_set_spi(r.gic, 1, true);
    cr_expect(r.irq[0]);
    cr_expect_eq(icc(&r, 0, IAR1), 33);
    cr_expect_not(r.irq[0], "active interrupts are not signalled");
    cr_expect_eq(r32(b, ISACTIVER + 4), 1 << 1);
    cr_expect_eq(r32(b, ISPENDR + 4), 1 << 1, "the line is still high");
    cr_expect_eq(icc(&r, 0, IAR1), SPURIOUS);
    set_icc(&r, 0, EOIR1, 33);
    cr_expect(r.irq[0]);
    cr_expect_eq(icc(&r, 0, IAR1), 33);
    gicv3_set_spi(r.gic, 1, false);
    set_icc(&r, 0, EOIR1, 33);
    cr_expect_not(r.irq[0]);
    rig_close(&r);
}

Test(gicv3, edge_interrupts_are_latched)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, ICFGR + 8, 2 << (2 * 3)); /* INTID 35 */
    cr_expect_eq(r32(b, ICFGR + 8), 2 << (2 * 3));
    gicv3_set_spi(r.gic, 3, true);
    gicv3_set_spi(r.gic, 3, false);
    cr_expect(r.irq[0], "remembered after the line fell");
    cr_expect_eq(icc(&r, 0, IAR1), 35);
    gicv3_set_spi(r.gic, 3, true);
    cr_expect_not(r.irq[0], "pending and active");
    set_icc(&r, 0, EOIR1, 35);
    cr_expect(r.irq[0], "the second edge");
    cr_expect_eq(icc(&r, 0, IAR1), 35);
    set_icc(&r, 0, EOIR1, 35);
    cr_expect_not(r.irq[0], "a level that stays high is no third edge");
    w32(b, R_ICFGR + 4, 2u << (2 * 11)); /* PPI 27 */
    gicv3_set_ppi(r.gic, 27, true);
    gicv3_set_ppi(r.gic, 27, false);
    cr_expect_eq(icc(&r, 0, IAR1), 27);
    rig_close(&r);
}

Test(gicv3, higher_priority_preempts_and_the_lower_one_resumes)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    bench_write(b, IPRIORITYR + 40, 1, 0x80);
    bench_write(b, R_IPRIORITYR + 27, 1, 0x40);
    gicv3_set_spi(r.gic, 8, true);
    cr_expect_eq(icc(&r, 0, IAR1), 40);
    cr_expect_eq(icc(&r, 0, RPR), 0x80);
    cr_expect_eq(icc(&r, 0, AP1R0), 1u << (0x80 >> 3));
    gicv3_set_spi(r.gic, 5, true); /* priority 0xa0: waits */
    cr_expect_not(r.irq[0]);
    gicv3_set_ppi(r.gic, 27, true);
    cr_expect(r.irq[0]);
    cr_expect_eq(icc(&r, 0, IAR1), 27);
    cr_expect_eq(icc(&r, 0, RPR), 0x40);
    gicv3_set_ppi(r.gic, 27, false);
    set_icc(&r, 0, EOIR1, 27);
    cr_expect_eq(icc(&r, 0, RPR), 0x80);
    cr_expect_not(r.irq[0]);
    gicv3_set_spi(r.gic, 8, false);
    set_icc(&r, 0, EOIR1, 40);
    cr_expect_eq(icc(&r, 0, RPR), IDLE);
    cr_expect_eq(icc(&r, 0, IAR1), 37);
    rig_close(&r);
}

Test(gicv3, the_best_of_private_and_shared_goes_first)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    bench_write(&r.bench, IPRIORITYR + 36, 1, 0x20);
    gicv3_set_ppi(r.gic, 30, true);
    gicv3_set_spi(r.gic, 8, true); /* of the same priority: the lower INTID is first */
    cr_expect_eq(icc(&r, 0, HPPIR1), 30);
    gicv3_set_spi(r.gic, 4, true);
    cr_expect_eq(icc(&r, 0, HPPIR1), 36);
    cr_expect_eq(icc(&r, 0, IAR1), 36);
    rig_close(&r);
}

Test(gicv3, binary_point_groups_priorities)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    cr_expect_eq(icc(&r, 0, BPR0), 2);
    cr_expect_eq(icc(&r, 0, BPR1), 3);
    set_icc(&r, 0, BPR1, 7); /* only bit 7 preempts */
    bench_write(b, IPRIORITYR + 40, 1, 0x60);
    bench_write(b, IPRIORITYR + 41, 1, 0x10);
    gicv3_set_spi(r.gic, 8, true);
    cr_expect_eq(icc(&r, 0, IAR1), 40);
    gicv3_set_spi(r.gic, 9, true);
    cr_expect_not(r.irq[0], "same group priority");
    set_icc(&r, 0, EOIR1, 40);
    cr_expect_eq(icc(&r, 0, IAR1), 41, "but the sub-priority decides who is first");
    set_icc(&r, 0, BPR1, 0);
    cr_expect_eq(icc(&r, 0, BPR1), 3, "finer than 32 levels there is not");
    set_icc(&r, 0, C_CTLR, CBPR);
    set_icc(&r, 0, BPR0, 5);
    set_icc(&r, 0, BPR1, 7);
    cr_expect_eq(icc(&r, 0, BPR1), 6, "the common one plus one");
    rig_close(&r);
}

Test(gicv3, priority_mask_and_enables_hold_back)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    set_icc(&r, 0, PMR, 0xa0);
    gicv3_set_spi(r.gic, 0, true);
    cr_expect_not(r.irq[0], "priority must be above the mask");
    cr_expect_eq(icc(&r, 0, IAR1), SPURIOUS);
    cr_expect_eq(icc(&r, 0, HPPIR1), 32, "pending all the same");
    set_icc(&r, 0, PMR, 0xff);
    cr_expect(r.irq[0]);
    cr_expect_eq(icc(&r, 0, PMR), 0xf8, "five bits of priority");
    w32(b, ICENABLER + 4, 1);
    cr_expect_not(r.irq[0]);
    w32(b, ISENABLER + 4, 1);
    w32(b, CTLR, 1);
    cr_expect_not(r.irq[0], "group 1 is not forwarded");
    w32(b, CTLR, 2);
    cr_expect(r.irq[0]);
    set_icc(&r, 0, IGRPEN1, 0);
    cr_expect_not(r.irq[0]);
    cr_expect_eq(icc(&r, 0, IAR1), SPURIOUS);
    rig_close(&r);
}

Test(gicv3, groups_are_fiq_and_irq_with_registers_of_their_own)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, IGROUPR + 4, ~1u); /* INTID 32 is in group 0 */
    gicv3_set_spi(r.gic, 0, true);
    gicv3_set_spi(r.gic, 1, true);
    bench_write(b, IPRIORITYR + 32, 1, 0x80);
    cr_expect(r.fiq[0] && !r.irq[0]);
    cr_expect_eq(icc(&r, 0, IAR1), SPURIOUS);
    cr_expect_eq(icc(&r, 0, HPPIR1), SPURIOUS);
    cr_expect_eq(icc(&r, 0, HPPIR0), 32);
    cr_expect_eq(icc(&r, 0, IAR0), 32);
    cr_expect_eq(icc(&r, 0, AP0R0), 1u << (0x80 >> 3));
    cr_expect_eq(icc(&r, 0, AP1R0), 0);
    set_icc(&r, 0, EOIR1, 32);
    cr_expect_eq(icc(&r, 0, RPR), 0x80, "the end of the other group's");
    gicv3_set_spi(r.gic, 0, false);
    set_icc(&r, 0, EOIR0, 32);
    cr_expect_eq(icc(&r, 0, RPR), IDLE);
    cr_expect(!r.fiq[0] && r.irq[0]);
    gicv3_set_spi(r.gic, 0, true);
    set_icc(&r, 0, IGRPEN0, 0);
    cr_expect(!r.fiq[0] && r.irq[0], "a group that is off does not stand in the way");
    cr_expect_eq(icc(&r, 0, IAR1), 33);
    rig_close(&r);
}

Test(gicv3, eoimode_splits_priority_drop_and_deactivation)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    set_icc(&r, 0, C_CTLR, EOIMODE);
    gicv3_set_spi(r.gic, 0, true);
    gicv3_set_ppi(r.gic, 20, true);
    cr_expect_eq(icc(&r, 0, IAR1), 20);
    set_icc(&r, 0, EOIR1, 20);
    cr_expect_eq(icc(&r, 0, RPR), IDLE, "the priority is dropped");
    cr_expect_eq(r32(b, R_ISACTIVER), 1u << 20, "it is active still");
    cr_expect_eq(icc(&r, 0, IAR1), 32, "another of the same priority may come");
    set_icc(&r, 0, EOIR1, 32);
    cr_expect_eq(r32(b, ISACTIVER + 4), 1);
    cr_expect_not(r.irq[0]);
    set_icc(&r, 0, DIR, 20);
    cr_expect_eq(icc(&r, 0, IAR1), 20, "the level is still high");
    set_icc(&r, 0, EOIR1, 20);
    set_icc(&r, 0, DIR, 32);
    cr_expect_eq(icc(&r, 0, IAR1), 32);
    set_icc(&r, 0, EOIR1, 32);
    set_icc(&r, 0, C_CTLR, 0);
    set_icc(&r, 0, DIR, 32);
    cr_expect_eq(r32(b, ISACTIVER + 4), 1, "without EOImode there is no ICC_DIR_EL1");
    rig_close(&r);
}

Test(gicv3, sgis_go_by_affinity)
{
    Rig r;
    rig_open(&r, "num-cpu=20");
    set_icc(&r, 3, SGI1R, 5 << 24 | 0x8001); /* cluster 0: CPUs 0 and 15 */
    set_icc(&r, 3, SGI1R, 1 << 16 | 6 << 24 | 0xfff4); /* cluster 1: CPU 18, others do not exist */
    for (unsigned cpu = 0; cpu < 20; cpu++)
        cr_expect_eq(r.irq[cpu], cpu == 0 || cpu == 15 || cpu == 18, "CPU %u", cpu);
    cr_expect_eq(icc(&r, 0, IAR1), 5);
    cr_expect_eq(icc(&r, 18, IAR1), 6);
    set_icc(&r, 0, EOIR1, 5);
    cr_expect_not(r.irq[0], "an SGI is taken once");
    set_icc(&r, 15, EOIR1, 5);
    cr_expect(r.irq[15], "not acknowledged there");
    cr_expect_eq(icc(&r, 15, IAR1), 5);
    set_icc(&r, 15, EOIR1, 5);
    set_icc(&r, 18, EOIR1, 6);
    set_icc(&r, 7, SGI1R, SGI_ALL_OTHERS | 15 << 24);
    for (unsigned cpu = 0; cpu < 20; cpu++)
        cr_expect_eq(r.irq[cpu], cpu != 7);
    set_icc(&r, 7, SGI1R, UINT64_C(1) << 44 | 1 << 24 | 0x80); /* Aff0 23 */
    set_icc(&r, 7, SGI1R, UINT64_C(1) << 32 | 1 << 24 | 0x80); /* Aff2 1 */
    set_icc(&r, 7, SGI1R, UINT64_C(1) << 48 | 1 << 24 | 0x80); /* Aff3 1 */
    cr_expect_not(r.irq[7]);
    rig_close(&r);
}

Test(gicv3, sgis_arrive_in_their_group_only)
{
    Rig r;
    rig_open(&r, "num-cpu=2");
    Bench *b = &r.bench;
    w32(b, of(1, R_IGROUPR), ~2u); /* SGI 1 is in group 0 */
    set_icc(&r, 0, SGI1R, 1 << 24 | 2);
    set_icc(&r, 0, SGI0R, 2 << 24 | 2);
    set_icc(&r, 0, ASGI1R, 2 << 24 | 2);
    cr_expect(!r.irq[1] && !r.fiq[1]);
    set_icc(&r, 0, SGI0R, 1 << 24 | 2);
    cr_expect(!r.irq[1] && r.fiq[1]);
    cr_expect_eq(icc(&r, 1, IAR0), 1);
    rig_close(&r);
}

Test(gicv3, routes_choose_the_cpu)
{
    Rig r;
    rig_open(&r, "num-cpu=20");
    Bench *b = &r.bench;
    bench_write(b, IROUTER + 8 * 36, 8, 0x101); /* CPU 17 */
    cr_expect_eq(bench_read(b, IROUTER + 8 * 36, 8), 0x101);
    gicv3_set_spi(r.gic, 4, true);
    cr_expect(!r.irq[0] && r.irq[17]);
    bench_write(b, IROUTER + 8 * 36, 4, 0x2);
    cr_expect(!r.irq[17] && r.irq[2], "a pending interrupt goes along");
    w32(b, IROUTER + 8 * 36 + 4, 9); /* no CPU has that Aff3 */
    cr_expect_not(r.irq[2]);
    cr_expect_eq(r32(b, ISPENDR + 4), 1 << 4);
    bench_write(b, IROUTER + 8 * 36, 8, 0x3);
    cr_expect_eq(icc(&r, 3, IAR1), 36);
    cr_expect_eq(r32(b, ITARGETSR + 36), 0, "the registers of the GICv2 are out of use");
    rig_close(&r);
}

Test(gicv3, one_of_n_is_taken_once)
{
    Rig r;
    rig_open(&r, "num-cpu=3");
    Bench *b = &r.bench;
    bench_write(b, IROUTER + 8 * 36, 8, ANY_CPU);
    w32(b, of(0, R_WAKER), 2);
    gicv3_set_spi(r.gic, 4, true);
    cr_expect(!r.irq[0] && (r.irq[1] || r.irq[2]), "to one that is awake");
    cr_expect_eq(icc(&r, 2, IAR1), 36);
    cr_expect(!r.irq[1] && !r.irq[2]);
    cr_expect_eq(icc(&r, 1, IAR1), SPURIOUS);
    gicv3_set_spi(r.gic, 4, false);
    set_icc(&r, 2, EOIR1, 36);
    cr_expect_eq(r32(b, ISACTIVER + 4), 0);
    rig_close(&r);
}

Test(gicv3, ppis_are_private)
{
    Rig r;
    rig_open(&r, "num-cpu=2");
    gicv3_set_ppi(r.gic, 1 * 32 + 27, true);
    cr_expect(!r.irq[0] && r.irq[1]);
    cr_expect_eq(icc(&r, 1, IAR1), 27);
    cr_expect_eq(r32(&r.bench, of(1, R_ISACTIVER)), 1u << 27);
    cr_expect_eq(r32(&r.bench, of(0, R_ISACTIVER)), 0);
    cr_expect_eq(r32(&r.bench, ISACTIVER), 0, "the distributor has no private interrupts");
    rig_close(&r);
}

Test(gicv3, software_sets_and_clears_pending_and_active)
{
    Rig r;
    rig_open(&r, "num-cpu=1");
    Bench *b = &r.bench;
    w32(b, ISPENDR + 4, 1 << 7);
    cr_expect(r.irq[0]);
    w32(b, ICPENDR + 4, 1 << 7);
    cr_expect_not(r.irq[0]);
    gicv3_set_spi(r.gic, 7, true);
    w32(b, ICPENDR + 4, 1 << 7);
    cr_expect(r.irq[0], "a level cannot be cleared away");
    w32(b, ISACTIVER + 4, 1 << 7);
    cr_expect_not(r.irq[0]);
    w32(b, ICENABLER + 4, 1 << 7);
    w32(b, ICACTIVER + 4, 1 << 7);
    cr_expect_not(r.irq[0]);
    w32(b, R_ISPENDR, 1 << 3);
    cr_expect_eq(icc(&r, 0, IAR1), 3, "SGIs, too");
    cr_expect_eq(r32(b, R_ISPENDR), 0);
    w32(b, R_ICACTIVER, 1 << 3);
    cr_expect_eq(r32(b, R_ISACTIVER), 0);
    w32(b, R_ISPENDR, 1 << 4);
    w32(b, R_ICPENDR, 1 << 4);
    w32(b, R_ICENABLER, 1 << 5);
    w32(b, R_ISPENDR, 1 << 5);
    cr_expect_eq(icc(&r, 0, HPPIR1), SPURIOUS);
    rig_close(&r);
}

Test(gicv3, cpu_reset_concerns_its_interface_only)
{
    Rig r;
    rig_open(&r, "num-cpu=2");
    gicv3_set_ppi(r.gic, 27, true);
    gicv3_set_ppi(r.gic, 32 + 27, true);
    gicv3_cpu_reset(r.gic->redist[1]);
    cr_expect(r.irq[0] && !r.irq[1]);
    cr_expect_eq(icc(&r, 1, PMR), 0);
    cr_expect_eq(r32(&r.bench, of(1, R_ISENABLER)), ~0u);
    rig_close(&r);
}

Test(gicv3, nonsense_does_no_harm)
{
    Rig r;
    rig_open(&r, "num-cpu=2");
    Bench *b = &r.bench;
    for (uint32_t offset = 0; offset < 0x10000; offset += 4) {
        w32(b, D + offset, ~0u);
        r32(b, D + offset);
    }
    for (uint32_t offset = 0; offset < 2 * GICV3_REDIST_BYTES; offset += 4) {
        w32(b, R + offset, ~0u);
        r32(b, R + offset);
    }
    for (unsigned reg = 0; reg < 1u << 16; reg++) {
        set_icc(&r, 0, reg, ~UINT64_C(0));
        icc(&r, 0, reg);
    }
    for (unsigned id = 0; id < 1100; id++) {
        icc(&r, 1, IAR1);
        set_icc(&r, 1, EOIR1, id);
        set_icc(&r, 1, DIR, id);
    }
    rig_close(&r);
}
