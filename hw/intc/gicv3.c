// SPDX-License-Identifier: MIT
//
// GICv3 (Arm IHI 0069): inputs, forwarding of shared interrupts, life of the devices. Registers of
// the distributor (chapter 12.9) are in gicv3_dist.c, those of the redistributors (12.11) in
// gicv3_redist.c, the CPU interfaces (12.2) in gicv3_cpu.c.
//
// An interrupt is pending when it is latched (by an edge, a write of GICx_ISPENDR or an SGI), or
// when it is level-sensitive and its line is high. For shared interrupts the distributor
// tells every CPU the best one of each group that it may take; an interrupt that is routed to
// any CPU is offered to all, and the first to acknowledge it takes it.
#include "hw/intc/gicv3.h"

#include <string.h>
#include "hw/intc/gic_print.h"
#include "hw/intc/gicv3_internal.h"

/* ---- forwarding ------------------------------------------------------------------------- */

static void forward(Gicv3 *g, uint32_t cpu)
{
    Gicv3Candidate best[GICV3_GROUPS] = { gicv3_none, gicv3_none };
    for (unsigned w = 1; w < gicv3_words(g); w++) {
        uint32_t word = gicv3_spi_pending(g, w) & g->enabled[w] & ~g->active[w];
        gicv3_consider(best, word & g->targeted[cpu][w], w, g->group1[w], g->priority);
    }
    Gicv3Redist *r = g->redist[cpu];
    pthread_mutex_lock(&r->dev.lock);
    r->forwarded = g->ctlr & GICD_CTLR_GROUPS;
    memcpy(r->spi, best, sizeof(best));
    gicv3_cpu_update(r);
    pthread_mutex_unlock(&r->dev.lock);
}

void gicv3_spis_changed(Gicv3 *g)
{
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++)
        forward(g, cpu);
}

void gicv3_spi_changed(Gicv3 *g, unsigned id)
{
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++)
        if (g->targeted[cpu][id / 32] >> (id % 32) & 1)
            forward(g, cpu);
}

/* Aff3 is in bits 39..32 of GICD_IROUTER, the others are in 23..0. An affinity that no CPU has
 * keeps the interrupt pending. */
void gicv3_route_changed(Gicv3 *g, unsigned id)
{
    uint64_t route = g->route[id];
    uint32_t affinity = (uint32_t)(route >> 32) << 24 | (route & 0xffffff);
    uint32_t bit = 1u << (id % 32);
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++) {
        uint32_t *word = &g->targeted[cpu][id / 32];
        bool is_target = (route & GICD_IROUTER_ANY) || g->redist[cpu]->affinity == affinity;
        *word = is_target ? *word | bit : *word & ~bit;
    }
}

/* ---- inputs ----------------------------------------------------------------------------- */

/* The line of the interrupt with this bit changed. */
static void line_changed(uint32_t *levels, uint32_t *latched, uint32_t edge, uint32_t bit,
                         bool level)
{
    if (level && !(*levels & bit) && (edge & bit))
        *latched |= bit;
    *levels = level ? *levels | bit : *levels & ~bit;
}

void gicv3_set_spi(void *opaque, unsigned spi, bool level)
{
    Gicv3 *g = opaque;
    unsigned id = spi + GICV3_PRIVATE, w = id / 32;
    assert(id < g->num_lines);
    pthread_mutex_lock(&g->dev.lock);
    line_changed(&g->level[w], &g->latched[w], g->edge[w], 1u << (id % 32), level);
    gicv3_spi_changed(g, id);
    pthread_mutex_unlock(&g->dev.lock);
}

void gicv3_set_ppi(void *opaque, unsigned n, bool level)
{
    Gicv3 *g = opaque;
    unsigned id = n % GICV3_PRIVATE;
    assert(n / GICV3_PRIVATE < g->num_cpus && id >= GICV3_SGIS);
    Gicv3Redist *r = g->redist[n / GICV3_PRIVATE];
    pthread_mutex_lock(&r->dev.lock);
    line_changed(&r->level, &r->latched, r->edge, 1u << id, level);
    gicv3_cpu_update(r);
    pthread_mutex_unlock(&r->dev.lock);
}

uint32_t gicv3_icfg_spread(uint32_t edges)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 16; i++)
        value |= (edges >> i & 1) << (2 * i + 1);
    return value;
}

uint32_t gicv3_icfg_gather(uint32_t value)
{
    uint32_t edges = 0;
    for (unsigned i = 0; i < 16; i++)
        edges |= (value >> (2 * i + 1) & 1) << i;
    return edges;
}

/* ---- devices ---------------------------------------------------------------------------- */

static bool create_redist(Gicv3 *g, uint32_t index, Error **err)
{
    Device *dev = device_create(g->dev.machine, &gicv3_redist_type, NULL, err);
    if (!dev)
        return false;
    Gicv3Redist *r = g->redist[index] = gicv3_redist(dev);
    dev->parent = &g->dev;
    r->gic = g;
    r->index = index;
    r->affinity = index % GICV3_CLUSTER | index / GICV3_CLUSTER << 8;
    return device_realize(dev, err);
}

static bool gicv3_realize(Device *dev, Error **err)
{
    Gicv3 *g = gicv3(dev);
    if (g->num_cpus < 1 || g->num_cpus > GICV3_MAX_CPUS)
        return error_set(err, "this GICv3 serves 1 to %d CPUs, not %u", GICV3_MAX_CPUS,
                         g->num_cpus);
    if (g->num_lines < 64 || g->num_lines > GICV3_MAX_LINES || g->num_lines % 32)
        return error_set(err, "this GICv3 has 64 to %d interrupts, by 32, not %u",
                         GICV3_MAX_LINES, g->num_lines);
    for (uint32_t i = 0; i < g->num_cpus; i++)
        if (!create_redist(g, i, err))
            return false;
    regs_init(&g->regs, gicv3_dist_table, gicv3_dist_table_count, dev);
    memory_region_init_mmio(&g->mmio, "gicv3-dist", 0x10000, &reg_bank_ops, &g->regs, &dev->lock);
    return true;
}

/* Lines keep their level: it is the devices' that drive them. */
static void gicv3_reset(Device *dev)
{
    Gicv3 *g = gicv3(dev);
    pthread_mutex_lock(&dev->lock);
    g->ctlr = 0;
    memset(g->enabled, 0, sizeof(g->enabled));
    memset(g->latched, 0, sizeof(g->latched));
    memset(g->active, 0, sizeof(g->active));
    memset(g->group1, 0, sizeof(g->group1));
    memset(g->edge, 0, sizeof(g->edge));
    memset(g->priority, 0, sizeof(g->priority));
    memset(g->route, 0, sizeof(g->route));
    for (unsigned id = GICV3_PRIVATE; id < g->num_lines; id++)
        gicv3_route_changed(g, id);
    gicv3_spis_changed(g);
    pthread_mutex_unlock(&dev->lock);
}

static bool redist_realize(Device *dev, Error **err)
{
    Gicv3Redist *r = gicv3_redist(dev);
    if (!r->gic)
        return error_set(err, "a redistributor belongs to an interrupt controller; use arm-gicv3");
    regs_init(&r->regs, gicv3_redist_table, gicv3_redist_table_count, dev);
    memory_region_init_mmio(&r->mmio, "gicv3-redist", GICV3_REDIST_BYTES, &reg_bank_ops, &r->regs,
                            &dev->lock);
    return true;
}

static void redist_reset(Device *dev)
{
    Gicv3Redist *r = gicv3_redist(dev);
    pthread_mutex_lock(&dev->lock);
    r->enabled = r->latched = r->active = r->group1 = 0;
    r->edge = (uint32_t)bit_mask(GICV3_SGIS);
    memset(r->priority, 0, sizeof(r->priority));
    r->waker = GICR_WAKER_SLEEP;
    r->forwarded = 0;
    r->spi[0] = r->spi[1] = gicv3_none;
    gicv3_cpu_reset_locked(r);
    pthread_mutex_unlock(&dev->lock);
}

static const Property gicv3_properties[] = {
    { "num-cpu", PROP_UINT32, offsetof(Gicv3, num_cpus), "1", "redistributors, 1 to 64" },
    { "num-irq", PROP_UINT32, offsetof(Gicv3, num_lines), "288", "interrupts, SGIs and PPIs too" },
    { 0 },
};

static void gicv3_print(Device *dev, FILE *out)
{
    Gicv3 *g = gicv3(dev);
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++) {
        Gicv3Redist *r = g->redist[cpu];
        fprintf(out, "GICv3, CPU %u:\n", cpu);
        pthread_mutex_lock(&r->dev.lock);
        const GicWord word = { 0, r->enabled, gicv3_private_pending(r), r->active, r->level,
                               r->edge, r->priority };
        gic_print_word(&word, out);
        pthread_mutex_unlock(&r->dev.lock);
    }
    fprintf(out, "GICv3, shared:\n");
    pthread_mutex_lock(&dev->lock);
    for (unsigned w = 1; w < gicv3_words(g); w++) {
        const GicWord word = { w * 32, g->enabled[w], gicv3_spi_pending(g, w), g->active[w],
                               g->level[w], g->edge[w], &g->priority[w * 32] };
        gic_print_word(&word, out);
    }
    pthread_mutex_unlock(&dev->lock);
}

/* The shared interrupts, then the private ones of each CPU. */
static bool gicv3_set_input(Device *dev, unsigned n, bool level)
{
    Gicv3 *g = (Gicv3 *)dev;
    unsigned spis = g->num_lines - GICV3_PRIVATE;
    if (n < spis)
        gicv3_set_spi(g, n, level);
    else if (n - spis < g->num_cpus * GICV3_PRIVATE && (n - spis) % GICV3_PRIVATE >= GICV3_SGIS)
        gicv3_set_ppi(g, n - spis, level);
    else
        return false;
    return true;
}

const DeviceType gicv3_type = {
    .name = "arm-gicv3",
    .help = "Arm Generic Interrupt Controller version 3",
    .bus = "system-bus",
    .set_input = gicv3_set_input,
    .size = sizeof(Gicv3),
    .properties = gicv3_properties,
    .realize = gicv3_realize,
    .reset = gicv3_reset,
    .print_interrupts = gicv3_print,
};

const DeviceType gicv3_redist_type = {
    .name = "arm-gicv3-redist",
    .help = "redistributor and CPU interface of a GICv3",
    .bus = "system-bus",
    .size = sizeof(Gicv3Redist),
    .realize = redist_realize,
    .reset = redist_reset,
};
