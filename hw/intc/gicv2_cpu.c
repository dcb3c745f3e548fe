// SPDX-License-Identifier: MIT
//
// The CPU interfaces of the GICv2 (Arm IHI 0048B, chapter 3 on priorities, chapter 4.4 on
// registers): which interrupt is signalled, acknowledging and ending it.
//
// The running priority is kept as a set of active group priorities for each group (GICC_APR0 and
// GICC_NSAPR0): acknowledging sets a bit, ending an interrupt clears the highest-priority one.
// Hooks of registers run with the lock of the asking CPU's interface, but for those that
// acknowledge and end: a CPU that deals with its private interrupts takes its own lock only, for a
// shared one the distributor's comes first.
#include "hw/intc/gicv2_internal.h"

/* ---- what waits -------------------------------------------------------------------------- */

/* The interrupts of a word that are in groups which the distributor forwards. */
static uint32_t in_groups(uint32_t word, uint32_t group1, uint32_t dist_ctlr)
{
    return word & ((dist_ctlr & GICD_CTLR_GROUP0 ? ~group1 : 0) |
                   (dist_ctlr & GICD_CTLR_GROUP1 ? group1 : 0));
}

/* Those of word `w` that are better than *best replace it. Of equal priorities the lowest INTID
 * goes first (implementation's choice). */
static void consider(GicCandidate *best, uint32_t word, unsigned w, uint32_t group1,
                     const uint8_t *priority)
{
    for (; word; word &= word - 1) {
        unsigned bit = (unsigned)__builtin_ctz(word);
        if (priority[bit] < best->priority)
            *best = (GicCandidate){ (uint16_t)(w * 32 + bit), priority[bit], group1 >> bit & 1 };
    }
}

void gicv2_forward(Gicv2 *g, uint32_t cpu)
{
    GicCpuInterface *c = &g->cpus[cpu];
    GicCandidate best = gic_none;
    for (unsigned w = 1; w < gic_words(g); w++) {
        uint32_t word = gic_pending_word(g, cpu, w) & g->enabled.shared[w] &
                        ~g->active.shared[w] & c->targeted[w];
        consider(&best, in_groups(word, g->group1.shared[w], g->dist_ctlr), w,
                 g->group1.shared[w], &g->priority[w * 32]);
    }
    gic_lock_cpu(g, cpu);
    c->forwarded = g->dist_ctlr;
    c->spi = best;
    gicv2_update_cpu(g, cpu);
    gic_unlock_cpu(g, cpu);
}

static GicCandidate highest_pending(Gicv2 *g, uint32_t cpu)
{
    const GicCpuInterface *c = &g->cpus[cpu];
    GicCandidate best = gic_none;
    uint32_t word = gic_pending_word(g, cpu, 0) & g->enabled.private[cpu] & ~g->active.private[cpu];
    uint32_t group1 = g->group1.private[cpu];
    consider(&best, in_groups(word, group1, c->forwarded), 0, group1, c->priority);
    return c->spi.priority < best.priority ? c->spi : best;
}

static uint8_t running_priority(const GicCpuInterface *c)
{
    uint32_t active = c->active_priorities[0] | c->active_priorities[1];
    return active ? (uint8_t)(__builtin_ctz(active) << 3) : GIC_PRIORITY_IDLE;
}

/* The part of a priority that decides on preemption (section 3.3.3). */
static uint8_t group_priority(const GicCpuInterface *c, const GicCandidate *i)
{
    bool own_split = i->group1 && !(c->ctlr & GICC_CTLR_CBPR);
    unsigned point = own_split ? c->abpr - 1 : c->bpr;
    return (uint8_t)(i->priority & (0xffu << (point + 1)));
}

/* Is it enough for this CPU: enabled here, above the mask, above what is running. */
static bool is_signalled(const GicCpuInterface *c, const GicCandidate *i)
{
    uint32_t enable = i->group1 ? GICC_CTLR_GROUP1 : GICC_CTLR_GROUP0;
    return i->id != GIC_ID_SPURIOUS && (c->ctlr & enable) && i->priority < c->pmr &&
           group_priority(c, i) < running_priority(c);
}

void gicv2_update_cpu(Gicv2 *g, uint32_t cpu)
{
    const GicCpuInterface *c = &g->cpus[cpu];
    GicCandidate best = gic_none;
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

/* With the lock of the CPU, and for a shared interrupt also that of the distributor. */
static uint32_t acknowledge(Gicv2 *g, uint32_t cpu, const GicCandidate *i)
{
    GicCpuInterface *c = &g->cpus[cpu];
    uint32_t result = id_with_source(c, i->id), bit = 1u << (i->id % 32);
    c->active_priorities[i->group1] |= 1u << (group_priority(c, i) >> 3);
    *gic_word(&g->active, cpu, i->id / 32) |= bit;
    if (i->id < GICV2_SGIS) {
        gicv2_sgi_clear(g, cpu, i->id, (uint8_t)BIT(result >> 10));
    } else {
        *gic_word(&g->latched, cpu, i->id / 32) &= ~bit;
        gicv2_update_cpu(g, cpu);
    }
    return result;
}

/* Acknowledge what is signalled, by GICC_IAR or its alias for group 1; a shared interrupt only when
 * the distributor's lock is held, else *is_shared tells that it must be. */
static uint32_t take(Gicv2 *g, uint32_t cpu, bool alias, bool dist_locked, bool *is_shared)
{
    const GicCpuInterface *c = &g->cpus[cpu];
    uint32_t result = GIC_ID_SPURIOUS;
    gic_lock_cpu(g, cpu);
    GicCandidate best = highest_pending(g, cpu);
    bool mine = alias ? best.group1 : !best.group1 || (c->ctlr & GICC_CTLR_ACKCTL);
    bool signalled = is_signalled(c, &best);
    *is_shared = signalled && mine && best.id >= GICV2_PRIVATE;
    if (signalled && !mine && !alias)
        result = GIC_ID_GROUP1;
    else if (signalled && mine && (dist_locked || !*is_shared))
        result = acknowledge(g, cpu, &best);
    gic_unlock_cpu(g, cpu);
    return result;
}

static uint64_t acknowledge_read(Device *dev, bool alias)
{
    Gicv2 *g = gicv2(dev);
    uint32_t cpu = gic_requester(g);
    bool is_shared;
    uint32_t result = take(g, cpu, alias, false, &is_shared);
    if (!is_shared)
        return result;
    pthread_mutex_lock(&dev->lock);
    result = take(g, cpu, alias, true, &is_shared); /* another CPU may have been faster */
    if (is_shared)
        gicv2_update(g); /* it is gone for its other targets too */
    pthread_mutex_unlock(&dev->lock);
    return result;
}

/* With the locks that the interrupt's word has. */
static void deactivate(Gicv2 *g, uint32_t cpu, unsigned id)
{
    *gic_word(&g->active, cpu, id / 32) &= ~(1u << (id % 32));
    if (id < GICV2_PRIVATE)
        gicv2_update_cpu(g, cpu);
    else
        gicv2_update(g);
}

/* Drop the running priority. True: the interrupt is to be deactivated too. */
static bool drop_priority(Gicv2 *g, uint32_t cpu, bool group1)
{
    GicCpuInterface *c = &g->cpus[cpu];
    c->active_priorities[group1] &= c->active_priorities[group1] - 1;
    gicv2_update_cpu(g, cpu);
    return !(c->ctlr & GICC_CTLR_EOIMODE);
}

static void end_private(Gicv2 *g, uint32_t cpu, unsigned id)
{
    gic_lock_cpu(g, cpu);
    if (drop_priority(g, cpu, gic_test(&g->group1, cpu, id)))
        deactivate(g, cpu, id);
    gic_unlock_cpu(g, cpu);
}

static void end_shared(Gicv2 *g, uint32_t cpu, unsigned id)
{
    pthread_mutex_lock(&g->dev.lock);
    gic_lock_cpu(g, cpu);
    bool both = drop_priority(g, cpu, gic_test(&g->group1, cpu, id));
    gic_unlock_cpu(g, cpu);
    if (both)
        deactivate(g, cpu, id);
    pthread_mutex_unlock(&g->dev.lock);
}

static void end_interrupt(Device *dev, uint64_t value)
{
    Gicv2 *g = gicv2(dev);
    unsigned id = value & 0x3ff;
    if (id < GICV2_PRIVATE)
        end_private(g, gic_requester(g), id);
    else if (id < g->num_lines)
        end_shared(g, gic_requester(g), id);
    else if (id < 1020)
        device_guest_error(dev, "end of interrupt %u, which does not exist", id);
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
    return acknowledge_read(dev, false);
}

static uint64_t aiar_read(Device *dev, unsigned index)
{
    return acknowledge_read(dev, true);
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
    pthread_mutex_t *lock = id < GICV2_PRIVATE ? &g->cpus[cpu].lock : &dev->lock;
    if (!(g->cpus[cpu].ctlr & GICC_CTLR_EOIMODE)) { /* written by this thread only */
        device_guest_error(dev, "GICC_DIR written while GICC_CTLR.EOImode is 0");
    } else if (id < g->num_lines) {
        pthread_mutex_lock(lock);
        deactivate(g, cpu, id);
        pthread_mutex_unlock(lock);
    }
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
    GicCandidate best = highest_pending(g, cpu);
    if (best.group1 && !(g->cpus[cpu].ctlr & GICC_CTLR_ACKCTL))
        return GIC_ID_GROUP1;
    return id_with_source(&g->cpus[cpu], best.id);
}

static uint64_t ahppir_read(Device *dev, unsigned index)
{
    Gicv2 *g = gicv2(dev);
    uint32_t cpu = gic_requester(g);
    GicCandidate best = highest_pending(g, cpu);
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
