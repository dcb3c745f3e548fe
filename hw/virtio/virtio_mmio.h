// SPDX-License-Identifier: MIT
//
// virtio over MMIO: a window of 0x200 bytes of registers, one interrupt, one place for a device.
#ifndef HW_VIRTIO_VIRTIO_MMIO_H
#define HW_VIRTIO_VIRTIO_MMIO_H

#include "hw/core/regs.h"
#include "hw/core/sysbus.h"
#include "hw/virtio/virtio.h"

typedef struct VirtioMmio {
    SysbusDevice bus;
    RegBank regs;
    VirtioDevice *vdev; /* what is plugged in, or NULL */
    uint32_t device_features_sel, driver_features_sel, queue_sel;

    pthread_mutex_t irq_lock; /* guards what follows, and the line's level */
    uint32_t interrupt_status;
} VirtioMmio;

extern const DeviceType virtio_mmio_type;

#endif
