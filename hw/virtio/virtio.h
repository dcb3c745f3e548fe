// SPDX-License-Identifier: MIT
//
// What a virtio device is, however it is attached (virtio 1.2, chapter 2): a transport drives the
// VirtioDevice through the functions below, the device's kind is its VirtioClass.
//
// Order of a device's life: virtio_init() in realize, virtio_cleanup() in destroy. The driver
// negotiates features, opens queues, and sets DRIVER_OK; from then on notify() comes.
//
// Locks: the transport's lock guards features and the set-up of queues, each queue has its own;
// `status` is atomic, because a queue may break the device at any time.
#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H

#include <stdatomic.h>
#include <stdint.h>
#include "hw/core/device.h"
#include "hw/virtio/virtqueue.h"

typedef struct VirtioDevice VirtioDevice;

/* Bits of the device status. */
enum {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

/* Feature bits that belong to no kind of device (chapter 6). */
enum { VIRTIO_F_INDIRECT_DESC = 28, VIRTIO_F_EVENT_IDX = 29, VIRTIO_F_VERSION_1 = 32 };

/* Causes of an interrupt, as bits of the transport's interrupt status. */
enum { VIRTIO_INT_QUEUE = 1, VIRTIO_INT_CONFIG = 2 };

typedef struct VirtioClass {
    uint32_t device_id; /* chapter 5 */
    /* The driver made requests available. On a vCPU's thread, no lock held. */
    void (*notify)(VirtioDevice *v, unsigned queue);
    /* Return when nothing of this device is under way; all queues are closed. May be NULL. */
    void (*stop)(VirtioDevice *v);
    /* The device starts anew (transport's lock held). May be NULL. */
    void (*reset)(VirtioDevice *v);
    /* The driver writes byte `offset` of the configuration space (transport's lock held); false:
     * it is read-only. NULL: all of it is. */
    bool (*write_config)(VirtioDevice *v, unsigned offset, uint8_t value);
} VirtioClass;

#define VIRTIO_CONFIG_MAX 64u

struct VirtioDevice {
    Device dev;
    const VirtioClass *ops;
    VirtQueue *queues;
    unsigned queue_count;
    bool indirect_desc, event_idx; /* properties of every kind */
    uint64_t offered;  /* features */
    uint64_t features; /* accepted by the driver */
    atomic_uint status;
    uint8_t config[VIRTIO_CONFIG_MAX]; /* the configuration space, little-endian */
    unsigned config_bytes;
    atomic_uint config_generation;
    /* the transport's */
    void (*interrupt)(void *opaque, uint32_t causes);
    void *interrupt_opaque;
};

/* ---- for devices ------------------------------------------------------------------------ */

/* Rows for the properties of every kind. */
#define VIRTIO_PROPERTIES \
    { "indirect_desc", PROP_BOOL, offsetof(VirtioDevice, indirect_desc), "on", \
      "let a request of many segments take one place of its queue" }, \
    { "event_idx", PROP_BOOL, offsetof(VirtioDevice, event_idx), "on", \
      "let either end say when it wants to be told" }
/* A size of queues that the user chose: a power of two, `min` at least. */
bool virtio_check_queue_size(const VirtioDevice *v, uint32_t size, uint32_t min,
                             Error **err) MUST_CHECK;
/* `features`: of the kind; those of the queues are added. `sizes`: of the queues, at most. */
bool virtio_init(VirtioDevice *v, const VirtioClass *ops, uint64_t features,
                 const uint32_t *sizes, unsigned queue_count, Error **err) MUST_CHECK;
/* Stops the device and frees what virtio_init() made; harmless without it. */
void virtio_cleanup(VirtioDevice *v);
/* A mistake of the driver after which the device cannot go on: NEEDS_RESET. Any thread. */
void virtio_break(VirtioDevice *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
void virtio_config_put(VirtioDevice *v, unsigned offset, uint64_t value, unsigned size);
uint64_t virtio_config_get(const VirtioDevice *v, unsigned offset, unsigned size);
/* Change the configuration of a device that is plugged in, and tell the driver; takes the
 * transport's lock. */
void virtio_config_change(VirtioDevice *v, unsigned offset, uint64_t value, unsigned size);
static inline bool virtio_has_feature(const VirtioDevice *v, unsigned bit)
{
    return v->features >> bit & 1;
}
/* The driver is ready and the device not broken. */
static inline bool virtio_runs(const VirtioDevice *v)
{
    unsigned s = atomic_load_explicit(&v->status, memory_order_acquire);
    return (s & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET)) == VIRTIO_DRIVER_OK;
}

/* ---- for transports --------------------------------------------------------------------- */

void virtio_set_status(VirtioDevice *v, uint32_t status); /* 0: reset */
void virtio_reset(VirtioDevice *v);
/* One word of 32 feature bits, of those that the driver accepts. */
void virtio_set_features(VirtioDevice *v, unsigned word, uint32_t bits);
void virtio_notify(VirtioDevice *v, uint32_t queue); /* without the transport's lock */
/* NULL if there is no such queue. */
VirtQueue *virtio_queue(VirtioDevice *v, uint32_t index);
/* Open or close a queue. */
void virtio_set_queue_ready(VirtioDevice *v, VirtQueue *vq, bool ready);

#endif
