// SPDX-License-Identifier: MIT
//
// virtio entropy device (virtio 1.2, section 5.4): random bytes of the host's kernel. With
// max-bytes and period, requests that come when the period's bytes are used up wait for the next
// period.
#include "hw/virtio/virtio_rng.h"

#include <errno.h>
#include <sys/random.h>
#include "hw/core/machine.h"
#include "util/bitops.h"

/* Of one answer: the driver may get less than it asked for, and a vCPU waits for it. */
#define ANSWER_BYTES_MAX UINT64_C(65536)

static VirtioRng *rng(VirtioDevice *v)
{
    return (VirtioRng *)v;
}

static bool fill(void *buf, size_t len)
{
    while (len) {
        ssize_t n = getrandom(buf, len, 0);
        if (n < 0 && errno != EINTR)
            return false;
        n = MAX(n, 0);
        buf = (char *)buf + n;
        len -= (size_t)n;
    }
    return true;
}

static uint32_t answer(VirtioRng *r, uint64_t limit)
{
    const struct iovec *iov = virtchain_in(&r->chain);
    uint64_t left = MIN(r->chain.in_bytes, limit), done = 0;
    for (unsigned i = 0; i < r->chain.in_count && left; i++) {
        size_t n = MIN(iov[i].iov_len, left);
        if (!fill(iov[i].iov_base, n))
            break;
        done += n;
        left -= n;
    }
    return (uint32_t)done;
}

static bool is_limited(const VirtioRng *r)
{
    return r->max_bytes;
}

/* The bytes of this period are used up. */
static void wait_for_refill(VirtioRng *r)
{
    if (!timer_armed(&r->refill))
        timer_arm(&r->refill, vclock_now_ns(r->refill.clock) + r->period_ms * INT64_C(1000000));
}

static void serve(VirtioDevice *v)
{
    VirtioRng *r = rng(v);
    VirtQueue *vq = &v->queues[0];
    pthread_mutex_lock(&vq->lock);
    do {
        virtqueue_silence_locked(vq);
        while (!is_limited(r) || r->quota_bytes) {
            if (!virtqueue_pop_locked(vq, &r->chain))
                break;
            uint64_t limit = is_limited(r) ? MIN(r->quota_bytes, ANSWER_BYTES_MAX)
                                           : ANSWER_BYTES_MAX;
            uint32_t n = answer(r, limit);
            r->quota_bytes -= is_limited(r) ? n : 0;
            virtqueue_push_locked(vq, &r->chain, n);
        }
        virtqueue_publish_locked(vq);
        if (is_limited(r) && !r->quota_bytes) {
            wait_for_refill(r);
            break;
        }
    } while (!virtqueue_listen_locked(vq) && virtio_runs(v));
    pthread_mutex_unlock(&vq->lock);
}

static void rng_notify(VirtioDevice *v, unsigned queue)
{
    serve(v);
}

static void refill_fired(void *opaque)
{
    VirtioRng *r = opaque;
    VirtQueue *vq = &r->v.queues[0];
    pthread_mutex_lock(&vq->lock);
    r->quota_bytes = r->max_bytes;
    pthread_mutex_unlock(&vq->lock);
    if (virtio_runs(&r->v))
        serve(&r->v);
}

static void rng_reset(VirtioDevice *v)
{
    VirtioRng *r = rng(v);
    pthread_mutex_lock(&v->queues[0].lock);
    timer_cancel(&r->refill);
    r->quota_bytes = r->max_bytes;
    pthread_mutex_unlock(&v->queues[0].lock);
}

#define QUEUE_SIZE 16u

static const VirtioClass rng_class = { .device_id = 4, .notify = rng_notify, .reset = rng_reset };

static bool virtio_rng_realize(Device *dev, Error **err)
{
    VirtioRng *r = (VirtioRng *)dev;
    if (r->period_ms == 0)
        return error_set(err, "device '%s': period must be 1 millisecond or more",
                         dev->type->name);
    timer_init(&r->refill, dev->machine->clock, refill_fired, r);
    r->quota_bytes = r->max_bytes;
    return virtio_init(&r->v, &rng_class, 0, (const uint32_t[]){ QUEUE_SIZE }, 1, err);
}

static void virtio_rng_destroy(Device *dev)
{
    VirtioRng *r = (VirtioRng *)dev;
    if (r->refill.clock)
        timer_cancel(&r->refill);
    virtio_cleanup(&r->v);
    virtchain_free(&r->chain);
}

static const Property virtio_rng_properties[] = {
    { "max-bytes", PROP_SIZE, offsetof(VirtioRng, max_bytes), "0",
      "random bytes that the guest gets in a period; 0 for no limit" },
    { "period", PROP_UINT32, offsetof(VirtioRng, period_ms), "65536", "milliseconds" },
    VIRTIO_PROPERTIES,
    { 0 },
};

const DeviceType virtio_rng_type = {
    .name = "virtio-rng-device",
    .help = "random numbers of the host",
    .bus = "virtio-bus",
    .user_creatable = true,
    .size = sizeof(VirtioRng),
    .properties = virtio_rng_properties,
    .realize = virtio_rng_realize,
    .destroy = virtio_rng_destroy,
};
