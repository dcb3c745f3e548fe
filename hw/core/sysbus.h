// SPDX-License-Identifier: MIT
//
// The usual shape of a device on the system bus: one window of registers and one interrupt line.
// Such a device's struct begins with a SysbusDevice; its realize() fills in `mmio`, and a board
// maps and connects it without knowing more.
#ifndef HW_CORE_SYSBUS_H
#define HW_CORE_SYSBUS_H

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "softmmu/memory.h"

typedef struct SysbusDevice {
    Device dev;
    MemoryRegion mmio;
    IrqLine irq;
} SysbusDevice;

#endif
