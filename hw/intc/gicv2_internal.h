// SPDX-License-Identifier: MIT
//
// What the two halves of the GICv2 share. Callers hold dev.lock.
#ifndef HW_INTC_GICV2_INTERNAL_H
#define HW_INTC_GICV2_INTERNAL_H

#include "hw/intc/gicv2.h"
#include "util/bitops.h"

enum {
    GICD_CTLR_GROUP0 = 1 << 0,
    GICD_CTLR_GROUP1 = 1 << 1,
};

enum {
    GICC_CTLR_GROUP0 = 1 << 0,
    GICC_CTLR_GROUP1 = 1 << 1,
    GICC_CTLR_ACKCTL = 1 << 2,  /* GICC_IAR acknowledges group 1 too */
    GICC_CTLR_FIQEN = 1 << 3,   /* group 0 is signalled as FIQ */
    GICC_CTLR_CBPR = 1 << 4,    /* GICC_BPR serves both groups */
    GICC_CTLR_EOIMODE = 1 << 9, /* GICC_EOIR drops the priority only */
    GICC_CTLR_MASK = 0x3ff,
};

enum {
    GIC_ID_GROUP1 = 1022,   /* the pending interrupt is in group 1: ask GICC_AIAR */
    GIC_ID_SPURIOUS = 1023,
    GIC_PRIORITY_MASK = 0xf8, /* 32 levels */
    GIC_PRIORITY_IDLE = 0xff,
    GIC_MIN_BPR = 2,          /* finest split of group priority that 32 levels have */
    GIC_MIN_ABPR = 3,
};

extern const RegDesc gicv2_dist_table[], gicv2_cpu_table[];
extern const size_t gicv2_dist_table_count, gicv2_cpu_table_count;

static inline Gicv2 *gicv2(Device *dev)
{
    return (Gicv2 *)dev;
}

static inline uint32_t gic_requester(const Gicv2 *g)
{
    return g->current_cpu(g->current_cpu_opaque);
}

/* Word `w` of a set as CPU `cpu` sees it. */
static inline uint32_t *gic_word(GicBits *bits, uint32_t cpu, unsigned w)
{
    return w ? &bits->shared[w] : &bits->private[cpu];
}

static inline bool gic_test(GicBits *bits, uint32_t cpu, unsigned id)
{
    return *gic_word(bits, cpu, id / 32) >> (id % 32) & 1;
}

static inline unsigned gic_words(const Gicv2 *g)
{
    return g->num_lines / 32;
}

/* Interrupts that are pending, whether by latch, by SGI or by the level of their line. */
static inline uint32_t gic_pending_word(Gicv2 *g, uint32_t cpu, unsigned w)
{
    return *gic_word(&g->latched, cpu, w) |
           (*gic_word(&g->level, cpu, w) & ~*gic_word(&g->edge, cpu, w));
}

static const GicCandidate gic_none = { GIC_ID_SPURIOUS, GIC_PRIORITY_IDLE, false };

static inline void gic_lock_cpu(Gicv2 *g, uint32_t cpu)
{
    pthread_mutex_lock(&g->cpus[cpu].lock);
}

static inline void gic_unlock_cpu(Gicv2 *g, uint32_t cpu)
{
    pthread_mutex_unlock(&g->cpus[cpu].lock);
}

/* Recompute the outputs of a CPU. The caller holds its interface's lock. */
void gicv2_update_cpu(Gicv2 *g, uint32_t cpu);
/* Tell a CPU, or all, what of the shared interrupts waits for them, and recompute its outputs. The
 * caller holds the distributor's lock and no interface's. */
void gicv2_forward(Gicv2 *g, uint32_t cpu);
void gicv2_update(Gicv2 *g);
/* Make an SGI pending at `cpu` from `source`; withdraw those of a set of sources. The caller holds
 * the lock of that CPU's interface. */
void gicv2_sgi_set(Gicv2 *g, uint32_t cpu, unsigned id, uint8_t sources);
void gicv2_sgi_clear(Gicv2 *g, uint32_t cpu, unsigned id, uint8_t sources);

#endif
