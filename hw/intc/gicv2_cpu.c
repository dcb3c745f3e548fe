// SPDX-License-Identifier: MIT
//
// The CPU interfaces of the GICv2 (Arm IHI 0048B, chapter 3 on priorities, chapter 4.4 on
// registers): which interrupt is signalled, acknowledging and ending it.
//
// The running priority is kept as a set of active group priorities for each group (GICC_APR0 and
// GICC_NSAPR0): acknowledging sets a bit, ending an interrupt clears the highest-priority one.
#include "hw/intc/gicv2_internal.h"

/* The highest-priority pending interrupt of a CPU. */
typedef struct Candidate {
    unsigned id; /* GIC_ID_SPURIOUS: none */
    uint8_t priority;
    bool group1;
} Candidate;

static uint8_t priority_of(const Gicv2 *g, uint32_t cpu, unsigned id)
{
    return id < GICV2_PRIVATE ? g->cpus[cpu].priority[id] : g->priority[id];
}

/* Pending, enabled, not active, forwarded to this CPU by the distributor. */
static uint32_t deliverable_word(Gicv2 *g, uint32_t cpu, unsigned w)
{
    uint32_t word = gic_pending_word(g, cpu, w);
    if (!word)
        return 0;
    word &= *gic_word(&g->enabled, cpu, w) & ~*gic_word(&g->active, cpu, w);
    if (w)
        word &= g->cpus[cpu].targeted[w];
    uint32_t group1 = *gic_word(&g->group1, cpu, w);
    if (!(g->dist_ctlr & GICD_CTLR_GROUP0))
        word &= group1;
    if (!(g->dist_ctlr & GICD_CTLR_GROUP1))
        word &= ~group1;
    return word;
}

/* Of equal priorities the lowest INTID goes first (implementation's choice). */
static Candidate highest_pending(Gicv2 *g, uint32_t cpu)
{
    Candidate best = { .id = GIC_ID_SPURIOUS, .priority = GIC_PRIORITY_IDLE };
    for (unsigned w = 0; w < gic_words(g); w++) {
        for (uint32_t word = deliverable_word(g, cpu, w); word; word &= word - 1) {
            unsigned id = w * 32 + (unsigned)__builtin_ctz(word);
            uint8_t priority = priority_of(g, cpu, id);
            if (priority < best.priority)
                best = (Candidate){ .id = id, .priority = priority };
        }
    }
    if (best.id != GIC_ID_SPURIOUS)
        best.group1 = gic_test(&g->group1, cpu, best.id);
    return best;
}

static uint8_t running_priority(const GicCpuInterface *c)
{
    uint32_t active = c->active_priorities[0] | c->active_priorities[1];
    return active ? (uint8_t)(__builtin_ctz(active) << 3) : GIC_PRIORITY_IDLE;
}

/* The part of a priority that decides on preemption (section 3.3.3). */
static uint8_t group_priority(const GicCpuInterface *c, const Candidate *i)
{
    bool own_split = i->group1 && !(c->ctlr & GICC_CTLR_CBPR);
    unsigned point = own_split ? c->abpr - 1 : c->bpr;
    return (uint8_t)(i->priority & (0xffu << (point + 1)));
}

/* Is it enough for this CPU: enabled here, above the mask, above what is running. */
static bool is_signalled(const GicCpuInterface *c, const Candidate *i)
{
    uint32_t enable = i->group1 ? GICC_CTLR_GROUP1 : GICC_CTLR_GROUP0;
    return i->id != GIC_ID_SPURIOUS && (c->ctlr & enable) && i->priority < c->pmr &&
           group_priority(c, i) < running_priority(c);
}

void gicv2_update_cpu(Gicv2 *g, uint32_t cpu)
{
    const GicCpuInterface *c = &g->cpus[cpu];
    Candidate best = { .id = GIC_ID_SPURIOUS };
    if (c->ctlr & (GICC_CTLR_GROUP0 | GICC_CTLR_GROUP1))
        best = highest_pending(g, cpu);
    bool signal = is_signalled(c, &best);
    bool as_fiq = !best.group1 && (c->ctlr & GICC_CTLR_FIQEN);
    irq_set(&g->irq[cpu], signal && !as_fiq);
    irq_set(&g->fiq[cpu], signal && as_fiq);
}

/* ---- acknowledge and end ---------------------------------------------------------------- */

/* The INTID as registers show it: an SGI with the CPU it came from. */
static uint32_t id_with_source(const GicCpuInterface *c, unsigned id)
{
    if (id >= GICV2_SGIS || !c->sgi_sources[id])
        return id;
    return id | (uint32_t)__builtin_ctz(c->sgi_sources[id]) << 10;
}

static uint32_t acknowledge(Gicv2 *g, uint32_t cpu, const Candidate *i)
{
    GicCpuInterface *c = &g->cpus[cpu];
    uint32_t result = id_with_source(c, i->id), bit = 1u << (i->id % 32);
    c->active_priorities[i->group1] |= 1u << (group_priority(c, i) >> 3);
    *gic_word(&g->active, cpu, i->id / 32) |= bit;
    if (i->id < GICV2_SGIS) {
        gicv2_sgi_clear(g, cpu, i->id, (uint8_t)BIT(result >> 10));
    } else {
        *gic_word(&g->latched, cpu, i->id / 32) &= ~bit;
        /* a level interrupt of several targets is gone for the others too */
        if (i->id >= GICV2_PRIVATE)
            gicv2_update(g);
        else
            gicv2_update_cpu(g, cpu);
    }
    return result;
}

static void drop_priority(GicCpuInterface *c, bool group1)
{
    c->active_priorities[group1] &= c->active_priorities[group1] - 1;
}

static void deactivate(Gicv2 *g, uint32_t cpu, unsigned id)
{
    *gic_word(&g->active, cpu, id / 32) &= ~(1u << (id % 32));
    if (id < GICV2_PRIVATE)
        gicv2_update_cpu(g, cpu);
    else
        gicv2_update(g);
}

static void end_interrupt(Device *dev, uint64_t value)
{
    Gicv2 *g = gicv2(dev);
    uint32_t cpu = gic_requester(g);
    GicCpuInterface *c = &g->cpus[cpu];
    unsigned id = value & 0x3ff;
    if (id >= g->num_lines) {
        if (id < 1020)
            device_guest_error(dev, "end of interrupt %u, which does not exist", id);
        return;
    }
    drop_priority(c, gic_test(&g->group1, cpu, id));
    if (!(c->ctlr & GICC_CTLR_EOIMODE))
        deactivate(g, cpu, id);
    else
        gicv2_update_cpu(g, cpu);
}

/* ---- registers -------------------------------------------------------------------------- */

static GicCpuInterface *requester(Device *dev)
{
    return &gicv2(dev)->cpus[gic_requester(gicv2(dev))];
}

static void update_requester(Device *dev)
{
    gicv2_update_cpu(gicv2(dev), gic_requester(gicv2(dev)));
}

static uint64_t ctlr_read(Device *dev, unsigned index)
{
    return requester(dev)->ctlr;
}

static void ctlr_write(Device *dev, unsigned index, uint64_t value)
{
    requester(dev)->ctlr = value & GICC_CTLR_MASK;
    update_requester(dev);
}

static uint64_t pmr_read(Device *dev, unsigned index)
{
    return requester(dev)->pmr;
}

static void pmr_write(Device *dev, unsigned index, uint64_t value)
{
    requester(dev)->pmr = value & GIC_PRIORITY_MASK;
    update_requester(dev);
}

static uint64_t bpr_read(Device *dev, unsigned index)
{
    return requester(dev)->bpr;
}

static void bpr_write(Device *dev, unsigned index, uint64_t value)
{
    requester(dev)->bpr = MAX((uint32_t)value & 7, GIC_MIN_BPR);
    update_requester(dev);
}

static uint64_t abpr_read(Device *dev, unsigned index)
{
    return requester(dev)->abpr;
}

static void abpr_write(Device *dev, unsigned index, uint64_t value)
{
    requester(dev)->abpr = MAX((uint32_t)value & 7, GIC_MIN_ABPR);
    update_requester(dev);
}

static uint64_t iar_read(Device *dev, unsigned index)
{
    Gicv2 *g = gicv2(dev);
    uint32_t cpu = gic_requester(g);
    Candidate best = highest_pending(g, cpu);
    if (!is_signalled(&g->cpus[cpu], &best))
        return GIC_ID_SPURIOUS;
    if (best.group1 && !(g->cpus[cpu].ctlr & GICC_CTLR_ACKCTL))
        return GIC_ID_GROUP1;
    return acknowledge(g, cpu, &best);
}

static uint64_t aiar_read(Device *dev, unsigned index)
{
    Gicv2 *g = gicv2(dev);
    uint32_t cpu = gic_requester(g);
    Candidate best = highest_pending(g, cpu);
    if (!is_signalled(&g->cpus[cpu], &best) || !best.group1)
        return GIC_ID_SPURIOUS;
    return acknowledge(g, cpu, &best);
}

static void eoir_write(Device *dev, unsigned index, uint64_t value)
{
    end_interrupt(dev, value);
}

static void dir_write(Device *dev, unsigned index, uint64_t value)
{
    Gicv2 *g = gicv2(dev);
    uint32_t cpu = gic_requester(g);
    unsigned id = value & 0x3ff;
    if (!(g->cpus[cpu].ctlr & GICC_CTLR_EOIMODE))
        device_guest_error(dev, "GICC_DIR written while GICC_CTLR.EOImode is 0");
    else if (id < g->num_lines)
        deactivate(g, cpu, id);
}

static uint64_t rpr_read(Device *dev, unsigned index)
{
    return running_priority(requester(dev));
}

/* Not masked by priority: what would come next (section 4.4.7). */
static uint64_t hppir_read(Device *dev, unsigned index)
{
    Gicv2 *g = gicv2(dev);
    uint32_t cpu = gic_requester(g);
    Candidate best = highest_pending(g, cpu);
    if (best.group1 && !(g->cpus[cpu].ctlr & GICC_CTLR_ACKCTL))
        return GIC_ID_GROUP1;
    return id_with_source(&g->cpus[cpu], best.id);
}

static uint64_t ahppir_read(Device *dev, unsigned index)
{
    Gicv2 *g = gicv2(dev);
    uint32_t cpu = gic_requester(g);
    Candidate best = highest_pending(g, cpu);
    return best.group1 ? id_with_source(&g->cpus[cpu], best.id) : GIC_ID_SPURIOUS;
}

static uint64_t apr_read(Device *dev, unsigned index)
{
    return index ? 0 : requester(dev)->active_priorities[0];
}

static void apr_write(Device *dev, unsigned index, uint64_t value)
{
    if (index == 0)
        requester(dev)->active_priorities[0] = (uint32_t)value;
    update_requester(dev);
}

static uint64_t nsapr_read(Device *dev, unsigned index)
{
    return index ? 0 : requester(dev)->active_priorities[1];
}

static void nsapr_write(Device *dev, unsigned index, uint64_t value)
{
    if (index == 0)
        requester(dev)->active_priorities[1] = (uint32_t)value;
    update_requester(dev);
}

const RegDesc gicv2_cpu_table[] = {
    { 0x0000, 4, "GICC_CTLR", .read = ctlr_read, .write = ctlr_write,
      .help = "enables of both groups, AckCtl, FIQEn, CBPR, EOImode" },
    { 0x0004, 4, "GICC_PMR", .read = pmr_read, .write = pmr_write, .help = "priority mask" },
    { 0x0008, 4, "GICC_BPR", .read = bpr_read, .write = bpr_write, .help = "binary point" },
    { 0x000c, 4, "GICC_IAR", .read = iar_read, .ignores_writes = true, .help = "acknowledge" },
    { 0x0010, 4, "GICC_EOIR", .write = eoir_write, .help = "end of interrupt" },
    { 0x0014, 4, "GICC_RPR", .read = rpr_read, .help = "running priority" },
    { 0x0018, 4, "GICC_HPPIR", .read = hppir_read, .help = "highest-priority pending interrupt" },
    { 0x001c, 4, "GICC_ABPR", .read = abpr_read, .write = abpr_write,
      .help = "binary point of group 1" },
    { 0x0020, 4, "GICC_AIAR", .read = aiar_read, .help = "acknowledge group 1" },
    { 0x0024, 4, "GICC_AEOIR", .write = eoir_write, .help = "end of interrupt of group 1" },
    { 0x0028, 4, "GICC_AHPPIR", .read = ahppir_read, .help = "highest pending of group 1" },
    { 0x00d0, 4, "GICC_APR", .count = 4, .read = apr_read, .write = apr_write,
      .help = "active priorities of group 0" },
    { 0x00e0, 4, "GICC_NSAPR", .count = 4, .read = nsapr_read, .write = nsapr_write,
      .help = "active priorities of group 1" },
    { 0x00fc, 4, "GICC_IIDR", .reset = 0x0202143b, .help = "GIC-400 r0p1, architecture 2, Arm" },
    { 0x1000, 4, "GICC_DIR", .write = dir_write, .help = "deactivate" },
};
const size_t gicv2_cpu_table_count = ARRAY_SIZE(gicv2_cpu_table);
