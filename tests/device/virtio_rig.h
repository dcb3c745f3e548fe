// SPDX-License-Identifier: MIT
//
// A driver of virtio devices for tests: a work bench with one MMIO transport, whose registers are
// accessed as a CPU does, and rings in its RAM.
#ifndef TESTS_DEVICE_VIRTIO_RIG_H
#define TESTS_DEVICE_VIRTIO_RIG_H

#include "bench.h"
#include "hw/virtio/virtio_mmio.h"

#define RIG_BASE 0x0a000000u
#define RIG_QUEUES 8
#define RIG_SIZE 16u /* entries of each queue */

/* Offsets of registers */
enum {
    R_MAGIC = 0x000, R_VERSION = 0x004, R_DEVICE_ID = 0x008, R_DEVICE_FEATURES = 0x010,
    R_DEVICE_FEATURES_SEL = 0x014, R_DRIVER_FEATURES = 0x020, R_DRIVER_FEATURES_SEL = 0x024,
    R_QUEUE_SEL = 0x030, R_QUEUE_NUM_MAX = 0x034, R_QUEUE_NUM = 0x038, R_QUEUE_READY = 0x044,
    R_QUEUE_NOTIFY = 0x050, R_INTERRUPT_STATUS = 0x060, R_INTERRUPT_ACK = 0x064, R_STATUS = 0x070,
    R_QUEUE_DESC = 0x080, R_QUEUE_DRIVER = 0x090, R_QUEUE_DEVICE = 0x0a0,
    R_CONFIG_GENERATION = 0x0fc, R_CONFIG = 0x100,
};

typedef struct RigQueue {
    uint64_t gpa;        /* descriptors, then the rings */
    VirtqDesc *desc;
    VirtqAvail *avail;
    VirtqUsed *used;
    unsigned next_desc;  /* descriptors are taken in turn */
    uint16_t seen;       /* of the used ring */
} RigQueue;

typedef struct Rig {
    Bench bench;
    VirtioMmio *t;
    Device *dev;
    RigQueue q[RIG_QUEUES];
    uint64_t next_buffer;
} Rig;

/* A segment of a request: `len` bytes at `gpa`. */
typedef struct RigSeg {
    uint64_t gpa;
    uint32_t len;
    bool in; /* the device writes it */
} RigSeg;

/* A bench with the transport; then plug(), then start(). */
void rig_open(Rig *r);
void rig_close(Rig *r);
/* Plug a device in; properties as "name=value" until NULL. */
void rig_plug(Rig *r, const DeviceType *type, ...);
/* Negotiate VERSION_1 and `features` (those that are offered are asserted), open all queues. */
void rig_start(Rig *r, uint64_t features);
uint64_t rig_offered(Rig *r);
uint32_t rig_reg(Rig *r, uint32_t offset);
void rig_set_reg(Rig *r, uint32_t offset, uint32_t value);
/* Set up one queue without making it ready. */
void rig_setup_queue(Rig *r, unsigned q);

uint64_t rig_alloc(Rig *r, uint32_t len); /* bytes of guest memory */
void *rig_host(Rig *r, uint64_t gpa);
/* Write descriptors of a request and make it available, without notifying; its head. */
uint16_t rig_add(Rig *r, unsigned q, const RigSeg *segs, unsigned count);
/* Make the descriptor available as it is. */
void rig_avail(Rig *r, unsigned q, uint16_t head);
void rig_kick(Rig *r, unsigned q);
bool rig_has_used(Rig *r, unsigned q);
/* Wait for the next entry of the used ring; fails the test after some seconds. */
VirtqUsedElem rig_wait(Rig *r, unsigned q);
/* Add, notify, wait. */
VirtqUsedElem rig_run(Rig *r, unsigned q, const RigSeg *segs, unsigned count);
bool rig_irq(const Rig *r);
/* The device says that it needs a reset. */
bool rig_is_broken(Rig *r);

#endif
