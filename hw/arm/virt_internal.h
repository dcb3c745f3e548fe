// SPDX-License-Identifier: MIT
//
// What the wiring of the virt board and its device tree share: places and numbers.
#ifndef HW_ARM_VIRT_INTERNAL_H
#define HW_ARM_VIRT_INTERNAL_H

#include "hw/arm/boot.h"
#include "hw/arm/psci.h"
#include "hw/core/sysbus.h"
#include "hw/gpio/pl061.h"
#include "hw/intc/gicv2.h"
#include "hw/intc/gicv3.h"
#include "hw/nvram/fw_cfg.h"

#define VIRT_MAX_CPUS GICV3_MAX_CPUS
#define VIRT_RAM_BASE UINT64_C(0x40000000)
#define VIRT_RAM_MAX (UINT64_C(255) << 30) /* as far as the space for 256 GiB of PCI windows */

enum VirtPlace {
    VIRT_GIC_DIST,
    VIRT_GIC_CPU,    /* version 2 */
    VIRT_GIC_REDIST, /* version 3: room for 123 of GICV3_REDIST_BYTES */
    VIRT_UART0,
    VIRT_UART1,
    VIRT_RTC,
    VIRT_FW_CFG,
    VIRT_GPIO,
    VIRT_VIRTIO, /* the first of VIRT_VIRTIO_COUNT, `size` apart, with consecutive interrupts */
    VIRT_PLACES
};

typedef struct VirtMapEntry {
    Hwaddr base;
    uint64_t size;
    int spi; /* -1: none */
} VirtMapEntry;

extern const VirtMapEntry virt_map[VIRT_PLACES];

enum {
    VIRT_VIRTIO_COUNT = 32,
    VIRT_LINES = 288,      /* interrupts of the GIC */
    VIRT_POWER_KEY_PIN = 3,
    /* private interrupts (PPI n is INTID 16 + n) */
    VIRT_PPI_TIMER_SECURE = 13,
    VIRT_PPI_TIMER_PHYS = 14,
    VIRT_PPI_TIMER_VIRT = 11,
    VIRT_PPI_TIMER_HYP = 10,
    VIRT_PPI_PMU = 7,
};

typedef enum VirtGic { VIRT_GICV2, VIRT_GICV3 } VirtGic;

typedef struct VirtBoard {
    /* properties */
    char *gic_version, *dumpdtb;
    bool randomness, secure, virtualization, mte, highmem, acpi;

    MemoryRegion ram;
    VirtGic gic;
    Device *gic_dev;
    void (*set_spi)(void *gic_dev, unsigned spi, bool level);
    Pl061 *gpio;
    FwCfg *fw_cfg;
    unsigned virtio_count; /* transports that this build has: all or none */
    Timer power_key;       /* releases it */
    bool has_uart1;        /* a second -serial was given */
    Psci psci;
    struct Semihosting *semihosting; /* or NULL */
    ArmBoot boot;
} VirtBoard;

/* The device tree, malloc'ed; /chosen has only what the board itself knows. NULL with an Error. */
void *virt_fdt_create(const Machine *m, const VirtBoard *b, Error **err);

#endif
