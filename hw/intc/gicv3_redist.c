// SPDX-License-Identifier: MIT
//
// A redistributor of the GICv3: its registers (Arm IHI 0069, chapter 12.11), in two frames:
// RD_base, which describes it and lets it sleep, and SGI_base, the SGIs and PPIs of its CPU.
//
// Without LPIs the registers of their tables are reserved.
#include "hw/intc/gicv3_internal.h"

#define SGI 0x10000 /* SGI_base */

/* ---- RD_base ---------------------------------------------------------------------------- */

/* No LPIs; affinity, number, and whether it is the last one of its row. */
static uint64_t typer_read(Device *dev, unsigned index)
{
    const Gicv3Redist *r = gicv3_redist(dev);
    uint64_t last = r->index + 1 == r->gic->num_cpus;
    return (uint64_t)r->affinity << 32 | r->index << 8 | last << 4;
}

/* It falls asleep and wakes at once. */
static uint64_t waker_read(Device *dev, unsigned index)
{
    uint32_t waker = gicv3_redist(dev)->waker;
    return waker & GICR_WAKER_SLEEP ? waker | GICR_WAKER_ASLEEP : waker;
}

static void waker_write(Device *dev, unsigned index, uint64_t value)
{
    gicv3_redist(dev)->waker = value & GICR_WAKER_SLEEP;
    gicv3_cpu_update(gicv3_redist(dev));
}

/* ---- SGI_base --------------------------------------------------------------------------- */

static void bits_change(Device *dev, uint32_t *word, uint32_t set, uint32_t clear)
{
    *word = (*word & ~clear) | set;
    gicv3_cpu_update(gicv3_redist(dev));
}

static uint64_t igroup_read(Device *dev, unsigned index)
{
    return gicv3_redist(dev)->group1;
}

static void igroup_write(Device *dev, unsigned index, uint64_t value)
{
    bits_change(dev, &gicv3_redist(dev)->group1, (uint32_t)value, UINT32_MAX);
}

static uint64_t enable_read(Device *dev, unsigned index)
{
    return gicv3_redist(dev)->enabled;
}

static void isenable_write(Device *dev, unsigned index, uint64_t value)
{
    bits_change(dev, &gicv3_redist(dev)->enabled, (uint32_t)value, 0);
}

static void icenable_write(Device *dev, unsigned index, uint64_t value)
{
    bits_change(dev, &gicv3_redist(dev)->enabled, 0, (uint32_t)value);
}

static uint64_t pending_read(Device *dev, unsigned index)
{
    return gicv3_private_pending(gicv3_redist(dev));
}

static void ispend_write(Device *dev, unsigned index, uint64_t value)
{
    bits_change(dev, &gicv3_redist(dev)->latched, (uint32_t)value, 0);
}

static void icpend_write(Device *dev, unsigned index, uint64_t value)
{
    bits_change(dev, &gicv3_redist(dev)->latched, 0, (uint32_t)value);
}

static uint64_t active_read(Device *dev, unsigned index)
{
    return gicv3_redist(dev)->active;
}

static void isactive_write(Device *dev, unsigned index, uint64_t value)
{
    bits_change(dev, &gicv3_redist(dev)->active, (uint32_t)value, 0);
}

static void icactive_write(Device *dev, unsigned index, uint64_t value)
{
    bits_change(dev, &gicv3_redist(dev)->active, 0, (uint32_t)value);
}

static uint64_t ipriority_read(Device *dev, unsigned id)
{
    return gicv3_redist(dev)->priority[id];
}

static void ipriority_write(Device *dev, unsigned id, uint64_t value)
{
    gicv3_redist(dev)->priority[id] = value & GICV3_PRIORITY_MASK;
    gicv3_cpu_update(gicv3_redist(dev));
}

/* SGIs are edge-triggered, which cannot be changed. */
static uint64_t icfg_read(Device *dev, unsigned index)
{
    return gicv3_icfg_spread(gicv3_redist(dev)->edge >> (16 * index));
}

static void icfg_write(Device *dev, unsigned index, uint64_t value)
{
    if (index == 1)
        bits_change(dev, &gicv3_redist(dev)->edge, gicv3_icfg_gather((uint32_t)value) << 16,
                    0xffff0000u);
}

#define UNUSED .ignores_writes = true

const RegDesc gicv3_redist_table[] = {
    { 0x0000, 4, "GICR_CTLR", UNUSED, .help = "no LPIs to enable, never a write under way" },
    { 0x0004, 4, "GICR_IIDR", .reset = GICV3_IIDR },
    { 0x0008, 8, "GICR_TYPER", .read = typer_read, .help = "affinity; last; no LPIs" },
    { 0x0010, 4, "GICR_STATUSR", UNUSED, .help = "errors are not reported here" },
    { 0x0014, 4, "GICR_WAKER", .read = waker_read, .write = waker_write,
      .help = "asleep it forwards nothing" },
    { 0xffd0, 4, "GICR_PIDR4", .reset = 0x44 },
    { 0xffe0, 4, "GICR_PIDR0", .reset = 0x93 },
    { 0xffe4, 4, "GICR_PIDR1", .reset = 0xb4 },
    { 0xffe8, 4, "GICR_PIDR2", .reset = 0x3b, .help = "architecture version 3" },
    { 0xffec, 4, "GICR_PIDR3", .reset = 0x00 },
    { 0xfff0, 4, "GICR_CIDR0", .reset = 0x0d },
    { 0xfff4, 4, "GICR_CIDR1", .reset = 0xf0 },
    { 0xfff8, 4, "GICR_CIDR2", .reset = 0x05 },
    { 0xfffc, 4, "GICR_CIDR3", .reset = 0xb1 },
    { SGI + 0x080, 4, "GICR_IGROUPR0", .read = igroup_read, .write = igroup_write },
    { SGI + 0x100, 4, "GICR_ISENABLER0", .read = enable_read, .write = isenable_write },
    { SGI + 0x180, 4, "GICR_ICENABLER0", .read = enable_read, .write = icenable_write },
    { SGI + 0x200, 4, "GICR_ISPENDR0", .read = pending_read, .write = ispend_write },
    { SGI + 0x280, 4, "GICR_ICPENDR0", .read = pending_read, .write = icpend_write },
    { SGI + 0x300, 4, "GICR_ISACTIVER0", .read = active_read, .write = isactive_write },
    { SGI + 0x380, 4, "GICR_ICACTIVER0", .read = active_read, .write = icactive_write },
    { SGI + 0x400, 1, "GICR_IPRIORITYR", .count = GICV3_PRIVATE, .read = ipriority_read,
      .write = ipriority_write },
    { SGI + 0xc00, 4, "GICR_ICFGR", .count = 2, .read = icfg_read, .write = icfg_write },
    { SGI + 0xd00, 4, "GICR_IGRPMODR0", UNUSED, .help = "one Security state" },
    { SGI + 0xe00, 4, "GICR_NSACR", UNUSED, .help = "one Security state" },
};
const size_t gicv3_redist_table_count = ARRAY_SIZE(gicv3_redist_table);
