// SPDX-License-Identifier: MIT
//
// The distributor of the GICv2: its registers (Arm IHI 0048B, chapter 4.3). Registers of
// interrupts that do not exist are there, read as zero and ignore writes; so do those of the
// private interrupts that cannot be set.
//
// Hooks run with the lock of what they concern: the distributor's, or for word 0 and what else is
// banked that of the asking CPU's interface; the hook of GICD_SGIR with none.
#include "hw/intc/gicv2_internal.h"

/* SGIs are always enabled, edge-triggered, and made pending by GICD_SGIR and its kin only. */
static uint32_t settable(const Gicv2 *g, unsigned w)
{
    if (w >= gic_words(g))
        return 0;
    return w ? UINT32_MAX : ~(uint32_t)bit_mask(GICV2_SGIS);
}

static uint64_t bits_read(Device *dev, GicBits *bits, unsigned w)
{
    Gicv2 *g = gicv2(dev);
    return w < gic_words(g) ? *gic_word(bits, gic_requester(g), w) : 0;
}

/* A change to word `w`: shared words may concern every CPU. */
static void word_changed(Gicv2 *g, unsigned w)
{
    if (w)
        gicv2_update(g);
    else
        gicv2_update_cpu(g, gic_requester(g));
}

static void bits_change(Device *dev, GicBits *bits, unsigned w, uint32_t set, uint32_t clear)
{
    Gicv2 *g = gicv2(dev);
    if (w >= gic_words(g))
        return;
    uint32_t *word = gic_word(bits, gic_requester(g), w);
    *word = (*word & ~clear) | set;
    word_changed(g, w);
}

static void ctlr_wrote(Device *dev, unsigned index)
{
    gicv2_update(gicv2(dev));
}

static uint64_t typer_read(Device *dev, unsigned index)
{
    const Gicv2 *g = gicv2(dev);
    return (g->num_lines / 32 - 1) | (g->num_cpus - 1) << 5;
}

static uint64_t igroup_read(Device *dev, unsigned w)
{
    return bits_read(dev, &gicv2(dev)->group1, w);
}

static void igroup_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, &gicv2(dev)->group1, w, (uint32_t)value, UINT32_MAX);
}

static uint64_t enable_read(Device *dev, unsigned w)
{
    return bits_read(dev, &gicv2(dev)->enabled, w);
}

static void isenable_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, &gicv2(dev)->enabled, w, (uint32_t)value & settable(gicv2(dev), w), 0);
}

static void icenable_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, &gicv2(dev)->enabled, w, 0, (uint32_t)value & settable(gicv2(dev), w));
}

static uint64_t pending_read(Device *dev, unsigned w)
{
    Gicv2 *g = gicv2(dev);
    return w < gic_words(g) ? gic_pending_word(g, gic_requester(g), w) : 0;
}

static void ispend_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, &gicv2(dev)->latched, w, (uint32_t)value & settable(gicv2(dev), w), 0);
}

static void icpend_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, &gicv2(dev)->latched, w, 0, (uint32_t)value & settable(gicv2(dev), w));
}

static uint64_t active_read(Device *dev, unsigned w)
{
    return bits_read(dev, &gicv2(dev)->active, w);
}

static void isactive_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, &gicv2(dev)->active, w, (uint32_t)value, 0);
}

static void icactive_write(Device *dev, unsigned w, uint64_t value)
{
    bits_change(dev, &gicv2(dev)->active, w, 0, (uint32_t)value);
}

static uint64_t ipriority_read(Device *dev, unsigned id)
{
    Gicv2 *g = gicv2(dev);
    if (id < GICV2_PRIVATE)
        return g->cpus[gic_requester(g)].priority[id];
    return id < g->num_lines ? g->priority[id] : 0;
}

static void ipriority_write(Device *dev, unsigned id, uint64_t value)
{
    Gicv2 *g = gicv2(dev);
    uint8_t priority = value & GIC_PRIORITY_MASK;
    if (id < GICV2_PRIVATE)
        g->cpus[gic_requester(g)].priority[id] = priority;
    else if (id < g->num_lines)
        g->priority[id] = priority;
    word_changed(g, id / 32);
}

static uint64_t itargets_read(Device *dev, unsigned id)
{
    Gicv2 *g = gicv2(dev);
    if (g->num_cpus == 1 || id >= g->num_lines)
        return 0;
    return id < GICV2_PRIVATE ? BIT(gic_requester(g)) : g->targets[id];
}

static void itargets_write(Device *dev, unsigned id, uint64_t value)
{
    Gicv2 *g = gicv2(dev);
    if (g->num_cpus == 1 || id < GICV2_PRIVATE || id >= g->num_lines)
        return;
    g->targets[id] = value & bit_mask(g->num_cpus);
    uint32_t bit = 1u << (id % 32);
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++) {
        uint32_t *word = &g->cpus[cpu].targeted[id / 32];
        *word = g->targets[id] >> cpu & 1 ? *word | bit : *word & ~bit;
    }
    gicv2_update(g);
}

/* Two bits an interrupt: the upper one is 1 for edge-triggered, the lower one is unused. */
static uint64_t icfg_read(Device *dev, unsigned index)
{
    uint64_t edges = bits_read(dev, &gicv2(dev)->edge, index / 2) >> (16 * (index % 2));
    uint64_t value = 0;
    for (unsigned i = 0; i < 16; i++)
        value |= (edges >> i & 1) << (2 * i + 1);
    return value;
}

static void icfg_write(Device *dev, unsigned index, uint64_t value)
{
    uint32_t edges = 0, half = 16 * (index % 2);
    for (unsigned i = 0; i < 16; i++)
        edges |= (uint32_t)(value >> (2 * i + 1) & 1) << i;
    uint32_t may = settable(gicv2(dev), index / 2) & 0xffffu << half;
    bits_change(dev, &gicv2(dev)->edge, index / 2, edges << half & may, may);
}

static void sgir_write(Device *dev, unsigned index, uint64_t value)
{
    enum { LISTED, ALL_OTHERS, SELF };
    Gicv2 *g = gicv2(dev);
    uint32_t me = gic_requester(g);
    uint64_t targets;
    switch (bits_get(value, 24, 2)) {
    case LISTED:
        targets = bits_get(value, 16, 8);
        break;
    case ALL_OTHERS:
        targets = ~BIT(me);
        break;
    case SELF:
        targets = BIT(me);
        break;
    default:
        device_guest_error(dev, "GICD_SGIR written with the reserved target filter 3");
        return;
    }
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++) {
        if (!(targets >> cpu & 1))
            continue;
        gic_lock_cpu(g, cpu);
        gicv2_sgi_set(g, cpu, value & 0xf, (uint8_t)BIT(me));
        gic_unlock_cpu(g, cpu);
    }
}

static uint64_t pendsgi_read(Device *dev, unsigned id)
{
    Gicv2 *g = gicv2(dev);
    return g->cpus[gic_requester(g)].sgi_sources[id];
}

static void cpendsgi_write(Device *dev, unsigned id, uint64_t value)
{
    gicv2_sgi_clear(gicv2(dev), gic_requester(gicv2(dev)), id, (uint8_t)value);
}

static void spendsgi_write(Device *dev, unsigned id, uint64_t value)
{
    Gicv2 *g = gicv2(dev);
    gicv2_sgi_set(g, gic_requester(g), id, (uint8_t)(value & bit_mask(g->num_cpus)));
}

const RegDesc gicv2_dist_table[] = {
    { 0x000, 4, "GICD_CTLR", REG_AT(Gicv2, dist_ctlr), .wrote = ctlr_wrote,
      .write_mask = GICD_CTLR_GROUP0 | GICD_CTLR_GROUP1, .help = "forward groups 0 and 1" },
    { 0x004, 4, "GICD_TYPER", .read = typer_read, .help = "how many interrupts and CPUs" },
    { 0x008, 4, "GICD_IIDR", .reset = 0x0200143b, .help = "GIC-400 r0p1, Arm" },
    { 0x080, 4, "GICD_IGROUPR", .count = 32, .read = igroup_read, .write = igroup_write },
    { 0x100, 4, "GICD_ISENABLER", .count = 32, .read = enable_read, .write = isenable_write },
    { 0x180, 4, "GICD_ICENABLER", .count = 32, .read = enable_read, .write = icenable_write },
    { 0x200, 4, "GICD_ISPENDR", .count = 32, .read = pending_read, .write = ispend_write },
    { 0x280, 4, "GICD_ICPENDR", .count = 32, .read = pending_read, .write = icpend_write },
    { 0x300, 4, "GICD_ISACTIVER", .count = 32, .read = active_read, .write = isactive_write },
    { 0x380, 4, "GICD_ICACTIVER", .count = 32, .read = active_read, .write = icactive_write },
    { 0x400, 1, "GICD_IPRIORITYR", .count = 1020, .read = ipriority_read,
      .write = ipriority_write },
    { 0x800, 1, "GICD_ITARGETSR", .count = 1020, .read = itargets_read, .write = itargets_write },
    { 0xc00, 4, "GICD_ICFGR", .count = 64, .read = icfg_read, .write = icfg_write },
    { 0xf00, 4, "GICD_SGIR", .write = sgir_write, .help = "send a software interrupt" },
    { 0xf10, 1, "GICD_CPENDSGIR", .count = 16, .read = pendsgi_read, .write = cpendsgi_write },
    { 0xf20, 1, "GICD_SPENDSGIR", .count = 16, .read = pendsgi_read, .write = spendsgi_write },
    { 0xfd0, 4, "GICD_PIDR4", .reset = 0x04 },
    { 0xfe0, 4, "GICD_PIDR0", .reset = 0x90 },
    { 0xfe4, 4, "GICD_PIDR1", .reset = 0xb4 },
    { 0xfe8, 4, "GICD_PIDR2", .reset = 0x2b, .help = "architecture version 2" },
    { 0xfec, 4, "GICD_PIDR3", .reset = 0x00 },
    { 0xff0, 4, "GICD_CIDR0", .reset = 0x0d },
    { 0xff4, 4, "GICD_CIDR1", .reset = 0xf0 },
    { 0xff8, 4, "GICD_CIDR2", .reset = 0x05 },
    { 0xffc, 4, "GICD_CIDR3", .reset = 0xb1 },
};
const size_t gicv2_dist_table_count = ARRAY_SIZE(gicv2_dist_table);
