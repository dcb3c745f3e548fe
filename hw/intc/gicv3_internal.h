// SPDX-License-Identifier: MIT
//
// What distributor, redistributors and CPU interfaces of the GICv3 share.
#ifndef HW_INTC_GICV3_INTERNAL_H
#define HW_INTC_GICV3_INTERNAL_H

#include "hw/intc/gicv3.h"
#include "util/bitops.h"

enum {
    GICD_CTLR_GROUPS = 3,   /* EnableGrp0, EnableGrp1: bit n is group n */
    GICD_CTLR_ARE = 1 << 4, /* affinity routing */
    GICD_CTLR_DS = 1 << 6,  /* one Security state */
};
enum { GICR_WAKER_SLEEP = 1 << 1, GICR_WAKER_ASLEEP = 1 << 2 };
#define GICD_IROUTER_ANY (UINT64_C(1) << 31) /* Interrupt_Routing_Mode */

enum {
    GICV3_ID_SPURIOUS = 1023,
    GICV3_ID_SPECIAL = 1020,    /* from here on */
    GICV3_PRIORITY_MASK = 0xf8, /* 32 levels */
    GICV3_PRIORITY_IDLE = 0xff,
    GICV3_MIN_BPR0 = 2,         /* finest split of group priority that 32 levels have */
    GICV3_MIN_BPR1 = 3,
};

enum { GICV3_IIDR = 0x0000043b }; /* Arm; no product of theirs, so that no erratum is assumed */

extern const RegDesc gicv3_dist_table[], gicv3_redist_table[];
extern const size_t gicv3_dist_table_count, gicv3_redist_table_count;

static inline Gicv3 *gicv3(Device *dev)
{
    return (Gicv3 *)dev;
}

static inline Gicv3Redist *gicv3_redist(Device *dev)
{
    return (Gicv3Redist *)dev;
}

static inline uint32_t gicv3_words(const Gicv3 *g)
{
    return g->num_lines / 32;
}

static const Gicv3Candidate gicv3_none = { GICV3_ID_SPURIOUS, GICV3_PRIORITY_IDLE, 0 };

/* The interrupts of word `w` of a set that go to a better candidate of their group replace it.
 * Of equal priorities the lowest INTID goes first (implementation's choice). */
static inline void gicv3_consider(Gicv3Candidate best[], uint32_t word, unsigned w,
                                  uint32_t group1, const uint8_t *priority)
{
    for (; word; word &= word - 1) {
        unsigned bit = (unsigned)__builtin_ctz(word), group = group1 >> bit & 1;
        unsigned id = w * 32 + bit;
        if (priority[id] < best[group].priority)
            best[group] = (Gicv3Candidate){ (uint16_t)id, priority[id], (uint8_t)group };
    }
}

/* Interrupts that are pending, by latch or by the level of their line. */
static inline uint32_t gicv3_spi_pending(const Gicv3 *g, unsigned w)
{
    return g->latched[w] | (g->level[w] & ~g->edge[w]);
}

static inline uint32_t gicv3_private_pending(const Gicv3Redist *r)
{
    return r->latched | (r->level & ~r->edge);
}

/* Two bits an interrupt in GICx_ICFGR, the upper one of which means edge-triggered; and back. */
uint32_t gicv3_icfg_spread(uint32_t edges);
uint32_t gicv3_icfg_gather(uint32_t value);

/* Tell the CPUs to which one SPI goes, or all CPUs, what waits for them. The caller holds the
 * distributor's lock and no redistributor's. */
void gicv3_spi_changed(Gicv3 *g, unsigned id);
void gicv3_spis_changed(Gicv3 *g);
/* GICD_IROUTER of `id` changed. The same locks. */
void gicv3_route_changed(Gicv3 *g, unsigned id);

/* Recompute the outputs. The caller holds the redistributor's lock. */
void gicv3_cpu_update(Gicv3Redist *r);
void gicv3_cpu_reset_locked(Gicv3Redist *r);

#endif
