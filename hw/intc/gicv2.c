// SPDX-License-Identifier: MIT
//
// GICv2 (Arm IHI 0048B): inputs, SGIs, life of the device. The registers of the distributor
// (chapter 4.3) are in gicv2_dist.c, the CPU interfaces (chapters 3 and 4.4) in gicv2_cpu.c.
//
// An interrupt is pending when it is latched (by an edge, a write of GICD_ISPENDR or an SGI), or
// when it is level-sensitive and its line is high; so a level that stays high becomes pending anew
// as soon as it is no longer active, with nothing to remember. Every change recomputes the outputs
// of the CPUs it concerns; of the shared interrupts the distributor tells each CPU the best one
// that it may take.
#include "hw/intc/gicv2.h"

#include <string.h>
#include "hw/intc/gic_print.h"
#include "hw/intc/gicv2_internal.h"

void gicv2_update(Gicv2 *g)
{
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++)
        gicv2_forward(g, cpu);
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
            gicv2_forward(g, cpu);
    pthread_mutex_unlock(&g->dev.lock);
}

void gicv2_set_ppi(void *opaque, unsigned n, bool level)
{
    Gicv2 *g = opaque;
    uint32_t cpu = n / GICV2_PRIVATE;
    unsigned id = n % GICV2_PRIVATE;
    assert(cpu < g->num_cpus && id >= GICV2_SGIS);
    gic_lock_cpu(g, cpu);
    line_changed(g, cpu, id, level);
    gicv2_update_cpu(g, cpu);
    gic_unlock_cpu(g, cpu);
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

/* ---- windows ---------------------------------------------------------------------------- */

/* Who locks for the registers of a word: the window, for a word of the distributor or for one of
 * the CPU that asks, or its hooks. */
typedef enum Guard { GUARD_DIST, GUARD_CPU, GUARD_HOOKS } Guard;

typedef struct GuardRange {
    uint16_t first, last;
    Guard guard;
} GuardRange;

static Guard dist_guard(Hwaddr offset)
{
    static const GuardRange ranges[] = {
        { 0x080, 0x083, GUARD_CPU }, { 0x100, 0x103, GUARD_CPU }, { 0x180, 0x183, GUARD_CPU },
        { 0x200, 0x203, GUARD_CPU }, { 0x280, 0x283, GUARD_CPU }, { 0x300, 0x303, GUARD_CPU },
        { 0x380, 0x383, GUARD_CPU }, { 0x400, 0x41f, GUARD_CPU }, { 0x800, 0x81f, GUARD_CPU },
        { 0xc00, 0xc07, GUARD_CPU }, { 0xf00, 0xf03, GUARD_HOOKS }, { 0xf10, 0xf2f, GUARD_CPU },
    };
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        if (offset >= ranges[i].first && offset <= ranges[i].last)
            return ranges[i].guard;
    return GUARD_DIST;
}

/* Acknowledging and ending may concern a shared interrupt. */
static Guard cpu_guard(Hwaddr offset)
{
    switch (offset & ~(Hwaddr)3) {
    case 0x000c: case 0x0010: case 0x0020: case 0x0024: case 0x1000: return GUARD_HOOKS;
    default: return GUARD_CPU;
    }
}

/* NULL: none. */
static pthread_mutex_t *lock_for(const GicFrame *f, Hwaddr offset)
{
    Gicv2 *g = f->gic;
    switch (f->is_dist ? dist_guard(offset) : cpu_guard(offset)) {
    case GUARD_DIST: return &g->dev.lock;
    case GUARD_CPU: return &g->cpus[gic_requester(g)].lock;
    default: return NULL;
    }
}

/* An access to at most one aligned word. */
static uint64_t word_access(const GicFrame *f, Hwaddr offset, unsigned size, bool write,
                            uint64_t value)
{
    pthread_mutex_t *lock = lock_for(f, offset);
    if (lock)
        pthread_mutex_lock(lock);
    if (write)
        regs_write(&f->regs, offset, value, size);
    else
        value = regs_read(&f->regs, offset, size);
    if (lock)
        pthread_mutex_unlock(lock);
    return value;
}

static unsigned in_word(Hwaddr offset, unsigned left)
{
    return MIN(left, 4 - (unsigned)(offset & 3));
}

static uint64_t frame_read(void *opaque, Hwaddr offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned done = 0, n; done < size; done += n) {
        n = in_word(offset + done, size - done);
        value |= word_access(opaque, offset + done, n, false, 0) << (8 * done);
    }
    return value;
}

static void frame_write(void *opaque, Hwaddr offset, uint64_t value, unsigned size)
{
    for (unsigned done = 0, n; done < size; done += n) {
        n = in_word(offset + done, size - done);
        word_access(opaque, offset + done, n, true, value >> (8 * done) & bit_mask(8 * n));
    }
}

static const MemoryOps frame_ops = { frame_read, frame_write, 1, 4 };

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
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++)
        pthread_mutex_init(&g->cpus[cpu].lock, NULL);
    g->dist_frame = (GicFrame){ .gic = g, .is_dist = true };
    g->cpu_frame = (GicFrame){ .gic = g };
    regs_init(&g->dist_frame.regs, gicv2_dist_table, gicv2_dist_table_count, dev);
    regs_init(&g->cpu_frame.regs, gicv2_cpu_table, gicv2_cpu_table_count, dev);
    memory_region_init_mmio(&g->dist, "gicv2-dist", 0x1000, &frame_ops, &g->dist_frame, NULL);
    memory_region_init_mmio(&g->cpu, "gicv2-cpu", 0x2000, &frame_ops, &g->cpu_frame, NULL);
    return true;
}

static void gicv2_destroy(Device *dev)
{
    Gicv2 *g = gicv2(dev);
    for (uint32_t cpu = 0; cpu < g->num_cpus && g->dist_frame.gic; cpu++)
        pthread_mutex_destroy(&g->cpus[cpu].lock);
}

static void reset_cpu(Gicv2 *g, uint32_t cpu)
{
    GicCpuInterface *c = &g->cpus[cpu];
    gic_lock_cpu(g, cpu);
    g->enabled.private[cpu] = g->edge.private[cpu] = bit_mask(GICV2_SGIS);
    g->latched.private[cpu] = g->active.private[cpu] = g->group1.private[cpu] = 0;
    memset(c->sgi_sources, 0, sizeof(c->sgi_sources));
    memset(c->priority, 0, sizeof(c->priority));
    c->ctlr = c->pmr = c->active_priorities[0] = c->active_priorities[1] = 0;
    c->bpr = GIC_MIN_BPR;
    c->abpr = GIC_MIN_ABPR;
    gic_unlock_cpu(g, cpu);
    /* with one CPU there are no target registers and everything goes to it */
    memset(c->targeted, g->num_cpus == 1 ? 0xff : 0, sizeof(c->targeted));
}

static void clear_shared(GicBits *bits)
{
    memset(bits->shared, 0, sizeof(bits->shared));
}

/* Lines keep their level: it is the devices' that drive them. */
static void gicv2_reset(Device *dev)
{
    Gicv2 *g = gicv2(dev);
    pthread_mutex_lock(&dev->lock);
    g->dist_ctlr = 0;
    clear_shared(&g->enabled);
    clear_shared(&g->latched);
    clear_shared(&g->active);
    clear_shared(&g->group1);
    clear_shared(&g->edge);
    memset(g->priority, 0, sizeof(g->priority));
    memset(g->targets, 0, sizeof(g->targets));
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++)
        reset_cpu(g, cpu);
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
    for (uint32_t cpu = 0; cpu < g->num_cpus; cpu++) {
        fprintf(out, "GICv2, CPU %u:\n", cpu);
        gic_lock_cpu(g, cpu);
        print_word(g, cpu, 0, out);
        gic_unlock_cpu(g, cpu);
    }
    pthread_mutex_lock(&dev->lock);
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
    .destroy = gicv2_destroy,
    .print_interrupts = gicv2_print,
};
