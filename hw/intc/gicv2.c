// SPDX-License-Identifier: MIT
//
// GICv2 (Arm IHI 0048B): inputs, SGIs, life of the device. The registers of the distributor
// (chapter 4.3) are in gicv2_dist.c, the CPU interfaces (chapters 3 and 4.4) in gicv2_cpu.c.
//
// An interrupt is pending when it is latched (by an edge, a write of GICD_ISPENDR or an SGI), or
// when it is level-sensitive and its line is high; so a level that stays high becomes pending anew
// as soon as it is no longer active, with nothing to remember. Every change recomputes the outputs
// of the CPUs it concerns.
#include "hw/intc/gicv2.h"

#include <string.h>
#include "hw/intc/gic_print.h"
#include "hw/intc/gicv2_internal.h"

void gicv2_update(Gicv2 *g)
{
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++)
        gicv2_update_cpu(g, cpu);
}

/* The line of an interrupt changed; word and bit as `cpu` sees them. */
static void line_changed(Gicv2 *g, uint32_t cpu, unsigned id, bool level)
{
    uint32_t bit = 1u << (id % 32);
    uint32_t *levels = gic_word(&g->level, cpu, id / 32);
    bool rose = level && !(*levels & bit);
    *levels = level ? *levels | bit : *levels & ~bit;
    if (rose && gic_test(&g->edge, cpu, id))
        *gic_word(&g->latched, cpu, id / 32) |= bit;
}

void gicv2_set_spi(void *opaque, unsigned spi, bool level)
{
    Gicv2 *g = opaque;
    unsigned id = spi + GICV2_PRIVATE;
    assert(id < g->num_lines);
    pthread_mutex_lock(&g->dev.lock);
    line_changed(g, 0, id, level);
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++)
        if (g->cpus[cpu].targeted[id / 32] >> (id % 32) & 1)
            gicv2_update_cpu(g, cpu);
    pthread_mutex_unlock(&g->dev.lock);
}

void gicv2_set_ppi(void *opaque, unsigned n, bool level)
{
    Gicv2 *g = opaque;
    uint32_t cpu = n / GICV2_PRIVATE;
    unsigned id = n % GICV2_PRIVATE;
    assert(cpu < g->num_cpus && id >= GICV2_SGIS);
    pthread_mutex_lock(&g->dev.lock);
    line_changed(g, cpu, id, level);
    gicv2_update_cpu(g, cpu);
    pthread_mutex_unlock(&g->dev.lock);
}

void gicv2_sgi_set(Gicv2 *g, uint32_t cpu, unsigned id, uint8_t sources)
{
    g->cpus[cpu].sgi_sources[id] |= sources;
    if (g->cpus[cpu].sgi_sources[id])
        g->latched.private[cpu] |= 1u << id;
    gicv2_update_cpu(g, cpu);
}

void gicv2_sgi_clear(Gicv2 *g, uint32_t cpu, unsigned id, uint8_t sources)
{
    g->cpus[cpu].sgi_sources[id] &= (uint8_t)~sources;
    if (!g->cpus[cpu].sgi_sources[id])
        g->latched.private[cpu] &= ~(1u << id);
    gicv2_update_cpu(g, cpu);
}

/* ---- device ----------------------------------------------------------------------------- */

static uint32_t always_cpu0(void *opaque)
{
    return 0;
}

static bool gicv2_realize(Device *dev, Error **err)
{
    Gicv2 *g = gicv2(dev);
    if (g->num_cpus < 1 || g->num_cpus > GICV2_MAX_CPUS)
        return error_set(err, "GICv2 serves 1 to %d CPUs, not %u", GICV2_MAX_CPUS, g->num_cpus);
    if (g->num_lines < 64 || g->num_lines > GICV2_MAX_LINES || g->num_lines % 32)
        return error_set(err, "this GICv2 has 64 to %d interrupts, by 32, not %u", GICV2_MAX_LINES,
                         g->num_lines);
    if (!g->current_cpu)
        g->current_cpu = always_cpu0;
    regs_init(&g->dist_regs, gicv2_dist_table, gicv2_dist_table_count, dev);
    regs_init(&g->cpu_regs, gicv2_cpu_table, gicv2_cpu_table_count, dev);
    memory_region_init_mmio(&g->dist, "gicv2-dist", 0x1000, &reg_bank_ops, &g->dist_regs,
                            &dev->lock);
    memory_region_init_mmio(&g->cpu, "gicv2-cpu", 0x2000, &reg_bank_ops, &g->cpu_regs,
                            &dev->lock);
    return true;
}

/* Lines keep their level: it is the devices' that drive them. */
static void gicv2_reset(Device *dev)
{
    Gicv2 *g = gicv2(dev);
    pthread_mutex_lock(&dev->lock);
    g->dist_ctlr = 0;
    g->enabled = g->latched = g->active = g->group1 = g->edge = (GicBits){ 0 };
    memset(g->priority, 0, sizeof(g->priority));
    memset(g->targets, 0, sizeof(g->targets));
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++) {
        g->enabled.private[cpu] = g->edge.private[cpu] = bit_mask(GICV2_SGIS);
        GicCpuInterface *c = &g->cpus[cpu];
        *c = (GicCpuInterface){ .bpr = GIC_MIN_BPR, .abpr = GIC_MIN_ABPR };
        /* with one CPU there are no target registers and everything goes to it */
        if (g->num_cpus == 1)
            memset(c->targeted, 0xff, sizeof(c->targeted));
    }
    gicv2_update(g);
    pthread_mutex_unlock(&dev->lock);
}

static const Property gicv2_properties[] = {
    { "num-cpu", PROP_UINT32, offsetof(Gicv2, num_cpus), "1", "CPU interfaces, 1 to 8" },
    { "num-irq", PROP_UINT32, offsetof(Gicv2, num_lines), "288", "interrupts, SGIs and PPIs too" },
    { 0 },
};

static void print_word(Gicv2 *g, uint32_t cpu, unsigned w, FILE *out)
{
    const GicWord word = {
        .first = w * 32, .enabled = *gic_word(&g->enabled, cpu, w),
        .pending = gic_pending_word(g, cpu, w), .active = *gic_word(&g->active, cpu, w),
        .level = *gic_word(&g->level, cpu, w), .edge = *gic_word(&g->edge, cpu, w),
        .priority = w ? &g->priority[w * 32] : g->cpus[cpu].priority,
    };
    gic_print_word(&word, out);
}

static void gicv2_print(Device *dev, FILE *out)
{
    Gicv2 *g = gicv2(dev);
    pthread_mutex_lock(&dev->lock);
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++) {
        fprintf(out, "GICv2, CPU %u:\n", cpu);
        print_word(g, cpu, 0, out);
    }
    fprintf(out, "GICv2, shared:\n");
    for (unsigned w = 1; w < gic_words(g); w++)
        print_word(g, 0, w, out);
    pthread_mutex_unlock(&dev->lock);
}

/* The shared interrupts, then the private ones of each CPU. */
static bool gicv2_set_input(Device *dev, unsigned n, bool level)
{
    Gicv2 *g = (Gicv2 *)dev;
    unsigned spis = g->num_lines - GICV2_PRIVATE;
    if (n < spis)
        gicv2_set_spi(g, n, level);
    else if (n - spis < g->num_cpus * GICV2_PRIVATE && (n - spis) % GICV2_PRIVATE >= GICV2_SGIS)
        gicv2_set_ppi(g, n - spis, level);
    else
        return false;
    return true;
}

const DeviceType gicv2_type = {
    .name = "arm_gic",
    .help = "Arm Generic Interrupt Controller version 2",
    .bus = "system-bus",
    .set_input = gicv2_set_input,
    .size = sizeof(Gicv2),
    .properties = gicv2_properties,
    .realize = gicv2_realize,
    .reset = gicv2_reset,
    .print_interrupts = gicv2_print,
};
