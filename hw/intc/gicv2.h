// SPDX-License-Identifier: MIT
//
// Generic Interrupt Controller, architecture version 2 (Arm IHI 0048B): the distributor, and a CPU
// interface for each of up to eight CPUs. Without the Security Extensions, with both groups.
//
// Inputs: shared peripheral interrupts through gicv2_set_spi(), private ones through
//   gicv2_set_ppi(). Lines are level; what is edge-triggered the guest says in GICD_ICFGR.
// Outputs: irq[] and fiq[], one pair for each CPU.
// Windows: `dist` (GICD) and `cpu` (GICC, banked: which CPU asks, `current_cpu` tells).
//
// Locks: dev.lock, the distributor's, guards the shared interrupts; each CPU interface's `lock` its
// CPU's private interrupts and registers, so that a CPU's timers and SGIs meet no common lock.
// Order: a device's, the distributor's, one interface's, a CPU's.
#ifndef HW_INTC_GICV2_H
#define HW_INTC_GICV2_H

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/regs.h"

enum {
    GICV2_MAX_CPUS = 8,
    GICV2_MAX_LINES = 288,
    GICV2_WORDS = GICV2_MAX_LINES / 32,
    GICV2_PRIVATE = 32, /* SGIs 0-15, PPIs 16-31 */
    GICV2_SGIS = 16,
};

/* One bit for each interrupt; word 0 of a set is private to a CPU, the others are shared. */
typedef struct GicBits {
    uint32_t private[GICV2_MAX_CPUS];
    uint32_t shared[GICV2_WORDS]; /* [0] unused, so that indices are those of the registers */
} GicBits;

/* An interrupt that waits to be signalled. */
typedef struct GicCandidate {
    uint16_t id; /* GIC_ID_SPURIOUS: none */
    uint8_t priority;
    bool group1;
} GicCandidate;

typedef struct GicCpuInterface {
    pthread_mutex_t lock;
    uint32_t forwarded;  /* what the distributor tells: its GICD_CTLR, */
    GicCandidate spi;    /* and the best shared interrupt for this CPU */
    uint32_t ctlr, pmr, bpr, abpr;
    uint32_t active_priorities[2]; /* GICC_APR0, GICC_NSAPR0: by group; bit n: priority 8n */
    uint8_t sgi_sources[GICV2_SGIS]; /* CPUs whose SGI is pending here */
    uint8_t priority[GICV2_PRIVATE];
    /* GICD_ITARGETSR turned round, under the distributor's lock; [0] unused */
    uint32_t targeted[GICV2_WORDS];
} GicCpuInterface;

/* A window of registers, which have different locks. */
typedef struct GicFrame {
    RegBank regs;
    struct Gicv2 *gic;
    bool is_dist;
} GicFrame;

typedef struct Gicv2 {
    Device dev;
    uint32_t num_cpus, num_lines; /* properties */
    MemoryRegion dist, cpu;
    IrqLine irq[GICV2_MAX_CPUS], fiq[GICV2_MAX_CPUS];
    uint32_t (*current_cpu)(void *opaque); /* index of the CPU that is accessing a register */
    void *current_cpu_opaque;

    GicFrame dist_frame, cpu_frame;
    uint32_t dist_ctlr;
    GicBits enabled, latched, level, active, group1, edge;
    uint8_t priority[GICV2_MAX_LINES], targets[GICV2_MAX_LINES];
    GicCpuInterface cpus[GICV2_MAX_CPUS];
} Gicv2;

extern const DeviceType gicv2_type;

/* Listeners for IrqLine; opaque is the Gicv2. Any thread. */
void gicv2_set_spi(void *opaque, unsigned spi, bool level);  /* INTID - 32 */
void gicv2_set_ppi(void *opaque, unsigned n, bool level);    /* cpu * 32 + INTID (16..31) */

#endif
