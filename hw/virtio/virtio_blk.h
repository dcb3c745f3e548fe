// SPDX-License-Identifier: MIT
//
// The virtio block device.
#ifndef HW_VIRTIO_VIRTIO_BLK_H
#define HW_VIRTIO_VIRTIO_BLK_H

#include "block/block.h"
#include "hw/virtio/virtio.h"

#define VIRTIO_BLK_QUEUES_MAX 16u

struct BlkRequest;

typedef struct VirtioBlk {
    VirtioDevice v;
    /* properties */
    BlockBackend *drive;
    char *serial;
    uint32_t logical_block_size, physical_block_size; /* bytes; physical 0: as logical */
    uint32_t min_io_size, opt_io_size;                /* bytes; 0: no advice */
    uint32_t queue_count, queue_size;
    bool discard, write_zeroes;

    bool claimed;
    uint64_t capacity_bytes;
    struct BlkRequest *idle[VIRTIO_BLK_QUEUES_MAX]; /* for reuse; under the queue's lock */
} VirtioBlk;

extern const DeviceType virtio_blk_type;

#endif
