// SPDX-License-Identifier: MIT
//
// The distributor of the GICv3: its registers (Arm IHI 0069, chapter 12.9). They concern shared
// interrupts; those of private ones, word 0, are in the redistributors, and here, as affinity
// routing demands, read as zero and ignore writes. So do those of interrupts that do not exist.
#include "hw/intc/gicv3_internal.h"

static bool exists(const Gicv3 *g, unsigned w)
{
    return w > 0 && w < gicv3_words(g);
}

static bool id_exists(const Gicv3 *g, unsigned id)
{
    return id >= GICV3_PRIVATE && id < g->num_lines;
}

static uint64_t bits_read(Device *dev, const uint32_t *bits, unsigned w)
{
    return exists(gicv3(dev), w) ? bits[w] : 0;
}

static void bits_change(Device *dev, uint32_t *bits, unsigned w, uint32_t set, uint32_t clear)
{
    Gicv3 *g = gicv3(dev);
    if (!exists(g, w))
        return;
    bits[w] = (bits[w] & ~clear) | set;
    gicv3_spis_changed(g);
}

static uint64_t ctlr_read(Device *dev, unsigned index)
{
    return gicv3(dev)->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS;
}

static void ctlr_write(Device *dev, unsigned index, uint64_t value)
{
    gicv3(dev)->ctlr = value & GICD_CTLR_GROUPS;
    gicv3_spis_changed(gicv3(dev));
}

/* No LPIs, no message-based SPIs, no extended SPIs; ten bits of INTID; Aff3 may be other than 0;
 * SPIs may be routed to any CPU. */
static uint64_t typer_read(Device *dev, unsigned index)
{
    return (gicv3_words(gicv3(dev)) - 1) | 9 << 19 | 1 << 24;
}

static uint64_t igroup_read(Device *dev, unsigned w)
{
    return bits_read(dev, gicv3(dev)->group1, w);
}

static void igroup_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, gicv3(dev)->group1, w, (uint32_t)value, UINT32_MAX);
}

static uint64_t enable_read(Device *dev, unsigned w)
{
    return bits_read(dev, gicv3(dev)->enabled, w);
}

static void isenable_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, gicv3(dev)->enabled, w, (uint32_t)value, 0);
}

static void icenable_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, gicv3(dev)->enabled, w, 0, (uint32_t)value);
}

static uint64_t pending_read(Device *dev, unsigned w)
{
    return exists(gicv3(dev), w) ? gicv3_spi_pending(gicv3(dev), w) : 0;
}

static void ispend_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, gicv3(dev)->latched, w, (uint32_t)value, 0);
}

static void icpend_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, gicv3(dev)->latched, w, 0, (uint32_t)value);
}

static uint64_t active_read(Device *dev, unsigned w)
{
    return bits_read(dev, gicv3(dev)->active, w);
}

static void isactive_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, gicv3(dev)->active, w, (uint32_t)value, 0);
}

static void icactive_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, gicv3(dev)->active, w, 0, (uint32_t)value);
}

static uint64_t ipriority_read(Device *dev, unsigned id)
{
    return id_exists(gicv3(dev), id) ? gicv3(dev)->priority[id] : 0;
}

static void ipriority_write(Device *dev, unsigned id, uint64_t value)
{
    Gicv3 *g = gicv3(dev);
    if (!id_exists(g, id))
        return;
    g->priority[id] = value & GICV3_PRIORITY_MASK;
    gicv3_spi_changed(g, id);
}

static uint64_t icfg_read(Device *dev, unsigned index)
{
    return gicv3_icfg_spread((uint32_t)bits_read(dev, gicv3(dev)->edge, index / 2) >>
                             (16 * (index % 2)));
}

static void icfg_write(Device *dev, unsigned index, uint64_t value)
{
    unsigned half = 16 * (index % 2);
    bits_change(dev, gicv3(dev)->edge, index / 2, gicv3_icfg_gather((uint32_t)value) << half,
                0xffffu << half);
}

/* 64-bit registers that may be written by halves: a row of words. */
static uint64_t irouter_read(Device *dev, unsigned index)
{
    unsigned id = GICV3_PRIVATE + index / 2;
    return id_exists(gicv3(dev), id) ? (uint32_t)(gicv3(dev)->route[id] >> 32 * (index % 2)) : 0;
}

static void irouter_write(Device *dev, unsigned index, uint64_t value)
{
    Gicv3 *g = gicv3(dev);
    unsigned id = GICV3_PRIVATE + index / 2;
    if (!id_exists(g, id))
        return;
    uint64_t low = g->route[id] & UINT32_MAX, high = g->route[id] >> 32;
    if (index % 2)
        high = value & 0xff;
    else
        low = value & (GICD_IROUTER_ANY | 0xffffff);
    g->route[id] = high << 32 | low;
    gicv3_route_changed(g, id);
    gicv3_spis_changed(g); /* for the CPUs that it went to, too */
}

#define UNUSED .ignores_writes = true

const RegDesc gicv3_dist_table[] = {
    { 0x0000, 4, "GICD_CTLR", .read = ctlr_read, .write = ctlr_write,
      .help = "forward groups 0 and 1" },
    { 0x0004, 4, "GICD_TYPER", .read = typer_read, .help = "how many interrupts, which features" },
    { 0x0008, 4, "GICD_IIDR", .reset = GICV3_IIDR },
    { 0x000c, 4, "GICD_TYPER2", UNUSED },
    { 0x0010, 4, "GICD_STATUSR", UNUSED, .help = "errors are not reported here" },
    { 0x0080, 4, "GICD_IGROUPR", .count = 32, .read = igroup_read, .write = igroup_write },
    { 0x0100, 4, "GICD_ISENABLER", .count = 32, .read = enable_read, .write = isenable_write },
    { 0x0180, 4, "GICD_ICENABLER", .count = 32, .read = enable_read, .write = icenable_write },
    { 0x0200, 4, "GICD_ISPENDR", .count = 32, .read = pending_read, .write = ispend_write },
    { 0x0280, 4, "GICD_ICPENDR", .count = 32, .read = pending_read, .write = icpend_write },
    { 0x0300, 4, "GICD_ISACTIVER", .count = 32, .read = active_read, .write = isactive_write },
    { 0x0380, 4, "GICD_ICACTIVER", .count = 32, .read = active_read, .write = icactive_write },
    { 0x0400, 1, "GICD_IPRIORITYR", .count = 1020, .read = ipriority_read,
      .write = ipriority_write },
    { 0x0800, 1, "GICD_ITARGETSR", .count = 1020, UNUSED, .help = "GICD_IROUTER is in force" },
    { 0x0c00, 4, "GICD_ICFGR", .count = 64, .read = icfg_read, .write = icfg_write },
    { 0x0d00, 4, "GICD_IGRPMODR", .count = 32, UNUSED, .help = "one Security state" },
    { 0x0e00, 4, "GICD_NSACR", .count = 64, UNUSED, .help = "one Security state" },
    { 0x0f00, 4, "GICD_SGIR", UNUSED, .help = "ICC_SGInR_EL1 are in force" },
    { 0x0f10, 1, "GICD_CPENDSGIR", .count = 16, UNUSED },
    { 0x0f20, 1, "GICD_SPENDSGIR", .count = 16, UNUSED },
    { 0x6100, 4, "GICD_IROUTER", .count = 2 * 988, .read = irouter_read, .write = irouter_write,
      .help = "of INTID 32 and up, 64 bits each" },
    { 0xffd0, 4, "GICD_PIDR4", .reset = 0x44 },
    { 0xffe0, 4, "GICD_PIDR0", .reset = 0x92 },
    { 0xffe4, 4, "GICD_PIDR1", .reset = 0xb4 },
    { 0xffe8, 4, "GICD_PIDR2", .reset = 0x3b, .help = "architecture version 3" },
    { 0xffec, 4, "GICD_PIDR3", .reset = 0x00 },
    { 0xfff0, 4, "GICD_CIDR0", .reset = 0x0d },
    { 0xfff4, 4, "GICD_CIDR1", .reset = 0xf0 },
    { 0xfff8, 4, "GICD_CIDR2", .reset = 0x05 },
    { 0xfffc, 4, "GICD_CIDR3", .reset = 0xb1 },
};
const size_t gicv3_dist_table_count = ARRAY_SIZE(gicv3_dist_table);
