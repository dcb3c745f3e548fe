// SPDX-License-Identifier: MIT
//
// The virtio entropy device.
#ifndef HW_VIRTIO_VIRTIO_RNG_H
#define HW_VIRTIO_VIRTIO_RNG_H

#include "hw/virtio/virtio.h"
#include "softmmu/clock.h"

typedef struct VirtioRng {
    VirtioDevice v;
    uint64_t max_bytes;  /* in a period; 0: no limit */
    uint32_t period_ms;
    /* guarded by the queue's lock */
    VirtChain chain;
    uint64_t quota_bytes;
    Timer refill;
} VirtioRng;

extern const DeviceType virtio_rng_type;

#endif
