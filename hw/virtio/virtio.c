// SPDX-License-Identifier: MIT
//
// Status, features and queues of a virtio device (virtio 1.2, chapters 2 and 3); contract and
// locks in virtio.h.
#include "hw/virtio/virtio.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

bool virtio_check_queue_size(const VirtioDevice *v, uint32_t size, uint32_t min, Error **err)
{
    return (is_power_of_2(size) && size >= min && size <= VIRTQ_SIZE_MAX) ||
           error_set(err, "device '%s': queue-size must be a power of two from %u to %u",
                     v->dev.type->name, min, VIRTQ_SIZE_MAX);
}

bool virtio_init(VirtioDevice *v, const VirtioClass *ops, uint64_t features,
                 const uint32_t *sizes, unsigned queue_count, Error **err)
{
    if (!v->interrupt)
        return error_set(err, "device '%s' is not plugged into a virtio bus", v->dev.type->name);
    v->queues = calloc(queue_count, sizeof(*v->queues));
    if (!v->queues)
        return error_set(err, "out of memory for the queues of '%s'", v->dev.type->name);
    v->ops = ops;
    v->offered = features | BIT(VIRTIO_F_VERSION_1) |
                 (v->indirect_desc ? BIT(VIRTIO_F_INDIRECT_DESC) : 0) |
                 (v->event_idx ? BIT(VIRTIO_F_EVENT_IDX) : 0);
    v->queue_count = queue_count;
    for (unsigned i = 0; i < queue_count; i++)
        virtqueue_init(&v->queues[i], v, i, sizes[i]);
    return true;
}

static void close_queues(VirtioDevice *v)
{
    for (unsigned i = 0; i < v->queue_count; i++)
        virtqueue_close(&v->queues[i]);
    if (v->ops->stop)
        v->ops->stop(v);
}

void virtio_cleanup(VirtioDevice *v)
{
    if (!v->queues)
        return;
    close_queues(v);
    for (unsigned i = 0; i < v->queue_count; i++)
        virtqueue_destroy(&v->queues[i]);
    free(v->queues);
    v->queues = NULL;
    v->queue_count = 0;
}

void virtio_reset(VirtioDevice *v)
{
    atomic_store(&v->status, 0);
    close_queues(v);
    for (unsigned i = 0; i < v->queue_count; i++)
        virtqueue_reset(&v->queues[i]);
    v->features = 0;
    if (v->ops->reset)
        v->ops->reset(v);
}

void virtio_break(VirtioDevice *v, const char *fmt, ...)
{
    char text[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (atomic_fetch_or(&v->status, VIRTIO_NEEDS_RESET) & VIRTIO_NEEDS_RESET)
        return;
    device_guest_error(&v->dev, "%s; the device needs a reset", text);
    v->interrupt(v->interrupt_opaque, VIRTIO_INT_CONFIG);
}

void virtio_config_put(VirtioDevice *v, unsigned offset, uint64_t value, unsigned size)
{
    assert(offset + size <= VIRTIO_CONFIG_MAX);
    memcpy(v->config + offset, &value, size); /* hosts are little-endian */
}

uint64_t virtio_config_get(const VirtioDevice *v, unsigned offset, unsigned size)
{
    uint64_t value = 0;
    assert(offset + size <= VIRTIO_CONFIG_MAX && size <= sizeof(value));
    memcpy(&value, v->config + offset, size);
    return value;
}

void virtio_config_change(VirtioDevice *v, unsigned offset, uint64_t value, unsigned size)
{
    pthread_mutex_lock(&v->dev.parent->lock);
    virtio_config_put(v, offset, value, size);
    atomic_fetch_add(&v->config_generation, 1);
    bool tell = virtio_runs(v);
    pthread_mutex_unlock(&v->dev.parent->lock);
    if (tell)
        v->interrupt(v->interrupt_opaque, VIRTIO_INT_CONFIG);
}

/* ---- negotiation ------------------------------------------------------------------------ */

void virtio_set_features(VirtioDevice *v, unsigned word, uint32_t bits)
{
    if (atomic_load(&v->status) & VIRTIO_FEATURES_OK) {
        device_guest_error(&v->dev, "features changed after FEATURES_OK: ignored");
        return;
    }
    if (word < 2)
        v->features = bits_set(v->features, 32 * word, 32, bits);
    else if (bits)
        device_guest_error(&v->dev, "features accepted that do not exist: ignored");
}

static bool features_are_good(VirtioDevice *v)
{
    if (v->features & ~v->offered) {
        device_guest_error(&v->dev, "driver accepts features 0x%llx that were not offered",
                           (unsigned long long)(v->features & ~v->offered));
        return false;
    }
    if (!virtio_has_feature(v, VIRTIO_F_VERSION_1)) {
        device_guest_error(&v->dev, "driver does not accept VIRTIO_F_VERSION_1");
        return false;
    }
    return true;
}

static void start(VirtioDevice *v)
{
    for (unsigned i = 0; i < v->queue_count; i++)
        if (v->queues[i].open)
            v->ops->notify(v, i);
}

void virtio_set_status(VirtioDevice *v, uint32_t status)
{
    if (status == 0) {
        virtio_reset(v);
        return;
    }
    unsigned old = atomic_load(&v->status);
    status &= 0xff & ~(uint32_t)VIRTIO_NEEDS_RESET;
    if (old & ~status & ~(unsigned)VIRTIO_NEEDS_RESET)
        device_guest_error(&v->dev, "driver clears status bits 0x%x without a reset",
                           old & ~status);
    status |= old;
    if (status & ~old & VIRTIO_FEATURES_OK && !features_are_good(v))
        status &= ~(uint32_t)(VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    if (status & ~old & VIRTIO_DRIVER_OK && !(status & VIRTIO_FEATURES_OK)) {
        device_guest_error(&v->dev, "DRIVER_OK before FEATURES_OK: ignored");
        status &= ~(uint32_t)VIRTIO_DRIVER_OK;
    }
    atomic_fetch_or(&v->status, status);
    if (status & ~old & VIRTIO_DRIVER_OK)
        start(v);
}

/* ---- queues ----------------------------------------------------------------------------- */

VirtQueue *virtio_queue(VirtioDevice *v, uint32_t index)
{
    return index < v->queue_count ? &v->queues[index] : NULL;
}

void virtio_set_queue_ready(VirtioDevice *v, VirtQueue *vq, bool ready)
{
    if (ready == vq->open)
        return;
    if (!ready) {
        virtqueue_close(vq);
        if (v->ops->stop)
            v->ops->stop(v); /* of other queues too: waits only */
    } else if (!(atomic_load(&v->status) & VIRTIO_FEATURES_OK)) {
        device_guest_error(&v->dev, "queue %u set ready before FEATURES_OK: ignored", vq->index);
    } else if (virtqueue_open(vq) && virtio_runs(v)) {
        v->ops->notify(v, vq->index);
    }
}

void virtio_notify(VirtioDevice *v, uint32_t queue)
{
    if (queue >= v->queue_count)
        device_guest_error(&v->dev, "notification of queue %u, which does not exist", queue);
    else if (virtio_runs(v))
        v->ops->notify(v, queue);
}
