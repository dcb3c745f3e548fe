// SPDX-License-Identifier: MIT
//
// Generic Interrupt Controller, architecture version 3 (Arm IHI 0069): a distributor, and for each
// CPU a redistributor with the CPU interface that the CPU's system registers reach. One Security
// state (GICD_CTLR.DS is 1), affinity routing always, no LPIs and no ITS (GICD_TYPER.LPIS and
// GICR_TYPER.PLPIS are 0).
//
// Inputs: shared peripheral interrupts through gicv3_set_spi(), private ones through
//   gicv3_set_ppi(). Lines are level; what is edge-triggered the guest says in GICx_ICFGR.
// Outputs: irq (group 1) and fiq (group 0) of each redistributor.
// Windows: `mmio` of the distributor (GICD) and of each redistributor (GICR: RD_base and SGI_base);
//   the board maps the latter one behind the other, in the order of the CPUs.
//
// Locks: the distributor's dev.lock guards the shared interrupts, each redistributor's dev.lock its
// CPU's private interrupts and CPU interface, so that a CPU's timers and SGIs meet no common lock.
// Order: a device's, the distributor's, one redistributor's, a CPU's.
#ifndef HW_INTC_GICV3_H
#define HW_INTC_GICV3_H

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/regs.h"

enum {
    GICV3_MAX_CPUS = 64,
    GICV3_MAX_LINES = 288,
    GICV3_WORDS = GICV3_MAX_LINES / 32,
    GICV3_PRIVATE = 32, /* SGIs 0-15, PPIs 16-31 */
    GICV3_SGIS = 16,
    GICV3_CLUSTER = 16, /* CPUs that one SGI register write reaches: Aff0 is 0 to 15 */
    GICV3_GROUPS = 2,
};

/* An interrupt that waits to be signalled. */
typedef struct Gicv3Candidate {
    uint16_t id; /* GICV3_ID_SPURIOUS: none */
    uint8_t priority;
    uint8_t group;
} Gicv3Candidate;

struct Gicv3;

/* One bit for each interrupt, as in the registers. */
typedef struct Gicv3Redist {
    Device dev;
    struct Gicv3 *gic;
    uint32_t index;    /* number of its CPU */
    uint32_t affinity; /* Aff3.Aff2.Aff1.Aff0; realize numbers by clusters, boards may differ */
    MemoryRegion mmio;
    RegBank regs;
    IrqLine irq, fiq;

    /* SGIs and PPIs */
    uint32_t enabled, latched, level, active, group1, edge;
    uint8_t priority[GICV3_PRIVATE];
    uint32_t waker;

    /* what the distributor tells: groups it forwards, and of each group its best SPI for us */
    uint32_t forwarded;
    Gicv3Candidate spi[GICV3_GROUPS];

    /* the CPU interface; arrays are by group */
    uint32_t ctlr, pmr;
    uint32_t binary_point[GICV3_GROUPS], group_enable[GICV3_GROUPS];
    uint32_t active_priorities[GICV3_GROUPS]; /* ICC_AP0R0, ICC_AP1R0; bit n: priority 8n */
} Gicv3Redist;

typedef struct Gicv3 {
    Device dev;
    uint32_t num_cpus, num_lines; /* properties */
    MemoryRegion mmio;
    RegBank regs;
    Gicv3Redist *redist[GICV3_MAX_CPUS]; /* devices of their own, made by realize */

    /* shared interrupts; word 0 is unused, so that indices are those of the registers */
    uint32_t ctlr;
    uint32_t enabled[GICV3_WORDS], latched[GICV3_WORDS], level[GICV3_WORDS], active[GICV3_WORDS];
    uint32_t group1[GICV3_WORDS], edge[GICV3_WORDS];
    uint8_t priority[GICV3_MAX_LINES];
    uint64_t route[GICV3_MAX_LINES]; /* GICD_IROUTER */
    uint32_t targeted[GICV3_MAX_CPUS][GICV3_WORDS]; /* the same turned round */
} Gicv3;

extern const DeviceType gicv3_type, gicv3_redist_type;

/* Bytes that one redistributor takes in the address space. */
#define GICV3_REDIST_BYTES 0x20000

/* Listeners for IrqLine; opaque is the Gicv3. Any thread. */
void gicv3_set_spi(void *opaque, unsigned spi, bool level); /* INTID - 32 */
void gicv3_set_ppi(void *opaque, unsigned n, bool level);   /* cpu * 32 + INTID (16..31) */

/* The system registers of a CPU interface (chapter 12.2); opaque is the CPU's Gicv3Redist. `reg` is
 * their encoding, op0:op1:CRn:CRm:op2 in 2, 3, 4, 4 and 3 bits; others read as zero. On the
 * thread of the CPU. */
uint64_t gicv3_cpu_read(void *opaque, unsigned reg);
void gicv3_cpu_write(void *opaque, unsigned reg, uint64_t value);
/* The CPU is reset: its interface is. */
void gicv3_cpu_reset(void *opaque);

#endif
