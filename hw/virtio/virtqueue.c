// SPDX-License-Identifier: MIT
//
// Split virtqueues, the device's end (virtio 1.2, section 2.7); contract and locks in virtqueue.h.
//
// Order of memory accesses: the available index is loaded with acquire before the entries behind
// it; the used index is stored with release after them. Where both sides first write one word and
// then look at another (interrupt suppression, notification suppression), a full fence stands
// between.
#include "hw/virtio/virtqueue.h"

#include <stdlib.h>
#include <string.h>
#include "hw/core/machine.h"
#include "hw/virtio/virtio.h"
#include "util/bitops.h"

/* `flags` of the rings */
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

#define CHAIN_BYTES_MAX (UINT64_C(1) << 32)

static MemorySpace *space_of(const VirtQueue *vq)
{
    return &vq->vdev->dev.machine->memory;
}

/* ---- life ------------------------------------------------------------------------------- */

void virtqueue_init(VirtQueue *vq, VirtioDevice *vdev, unsigned index, uint32_t max_size)
{
    assert(is_power_of_2(max_size) && max_size <= VIRTQ_SIZE_MAX);
    *vq = (VirtQueue){ .vdev = vdev, .index = index, .max_size = max_size, .size = max_size };
    pthread_mutex_init(&vq->lock, NULL);
}

void virtqueue_destroy(VirtQueue *vq)
{
    pthread_mutex_destroy(&vq->lock);
}

void virtqueue_reset(VirtQueue *vq)
{
    pthread_mutex_lock(&vq->lock);
    vq->open = false;
    vq->size = vq->max_size;
    vq->desc_gpa = vq->avail_gpa = vq->used_gpa = 0;
    pthread_mutex_unlock(&vq->lock);
}

static void *map_part(VirtQueue *vq, const char *what, uint64_t gpa, uint64_t align, uint64_t len,
                      bool write)
{
    void *host = gpa % align ? NULL : memory_host(space_of(vq), gpa, len, write);
    if (!host)
        device_guest_error(&vq->vdev->dev, "queue %u: %s at 0x%llx is %s", vq->index, what,
                           (unsigned long long)gpa, gpa % align ? "misaligned" : "not in memory");
    return host;
}

bool virtqueue_open(VirtQueue *vq)
{
    uint64_t n = vq->size;
    if (!is_power_of_2(n) || n > vq->max_size) {
        device_guest_error(&vq->vdev->dev, "queue %u: size %u is no power of two up to %u",
                           vq->index, vq->size, vq->max_size);
        return false;
    }
    const VirtqDesc *desc = map_part(vq, "descriptor table", vq->desc_gpa, 16, 16 * n, false);
    VirtqAvail *avail = map_part(vq, "available ring", vq->avail_gpa, 2, 6 + 2 * n, false);
    VirtqUsed *used = map_part(vq, "used ring", vq->used_gpa, 4, 6 + 8 * n, true);
    if (!desc || !avail || !used)
        return false;
    pthread_mutex_lock(&vq->lock);
    vq->desc = desc;
    vq->avail = avail;
    vq->used = used;
    vq->next_avail = vq->next_used = vq->unpublished = vq->signalled = 0;
    vq->signalled_valid = false;
    vq->event_idx = virtio_has_feature(vq->vdev, VIRTIO_F_EVENT_IDX);
    vq->open = true;
    pthread_mutex_unlock(&vq->lock);
    return true;
}

void virtqueue_close(VirtQueue *vq)
{
    pthread_mutex_lock(&vq->lock);
    vq->open = false;
    pthread_mutex_unlock(&vq->lock);
}

/* ---- chains ----------------------------------------------------------------------------- */

void virtchain_free(VirtChain *c)
{
    free(c->iov);
    free(c->gpa);
    *c = (VirtChain){ 0 };
}

static bool chain_reserve(VirtChain *c, unsigned count)
{
    if (count <= c->capacity)
        return true;
    unsigned capacity = MAX(16u, 2 * c->capacity);
    struct iovec *iov = realloc(c->iov, capacity * sizeof(*iov));
    if (iov)
        c->iov = iov;
    Hwaddr *gpa = realloc(c->gpa, capacity * sizeof(*gpa));
    if (gpa)
        c->gpa = gpa;
    if (!iov || !gpa)
        return false;
    c->capacity = capacity;
    return true;
}

static bool bad_chain(VirtQueue *vq, const VirtChain *c, const char *what, uint64_t value)
{
    virtio_break(vq->vdev, "queue %u, request %u: %s (0x%llx)", vq->index, c->head, what,
                 (unsigned long long)value);
    return false;
}

static bool chain_add(VirtQueue *vq, VirtChain *c, const VirtqDesc *d)
{
    bool in = d->flags & VIRTQ_DESC_WRITE;
    unsigned n = c->out_count + c->in_count;
    if (!in && c->in_count)
        return bad_chain(vq, c, "a segment to read follows one to write", d->addr);
    if (d->len == 0)
        return true;
    if (n == VIRTQ_CHAIN_MAX)
        return bad_chain(vq, c, "too many segments", n);
    void *host = memory_host(space_of(vq), d->addr, d->len, in);
    if (!host)
        return bad_chain(vq, c, "a segment is not in memory", d->addr);
    if (!chain_reserve(c, n + 1))
        return bad_chain(vq, c, "the host is out of memory for its segments", n);
    c->iov[n] = (struct iovec){ host, d->len };
    c->gpa[n] = d->addr;
    *(in ? &c->in_count : &c->out_count) += 1;
    *(in ? &c->in_bytes : &c->out_bytes) += d->len;
    if (c->out_bytes + c->in_bytes > CHAIN_BYTES_MAX)
        return bad_chain(vq, c, "more than 4 GiB", c->out_bytes + c->in_bytes);
    return true;
}

/* A table of descriptors: the queue's own, or an indirect one. */
typedef struct Table {
    const VirtqDesc *desc;
    uint32_t size;
    bool indirect;
} Table;

/* The descriptor `d` stands for a table of its own. */
static bool enter_indirect(VirtQueue *vq, const VirtChain *c, const VirtqDesc *d, Table *t)
{
    if (!virtio_has_feature(vq->vdev, VIRTIO_F_INDIRECT_DESC))
        return bad_chain(vq, c, "indirect descriptors were not negotiated", d->addr);
    if (t->indirect)
        return bad_chain(vq, c, "an indirect table within an indirect table", d->addr);
    if (d->flags & VIRTQ_DESC_NEXT)
        return bad_chain(vq, c, "an indirect descriptor with a next one", d->next);
    if (d->len == 0 || d->len % sizeof(VirtqDesc))
        return bad_chain(vq, c, "the length of an indirect table", d->len);
    const void *host = memory_host(space_of(vq), d->addr, d->len, false);
    if (!host)
        return bad_chain(vq, c, "an indirect table is not in memory", d->addr);
    *t = (Table){ host, d->len / (uint32_t)sizeof(VirtqDesc), true };
    return true;
}

/* The driver may scribble over a descriptor while we look: look once. */
static VirtqDesc fetch(const VirtqDesc *at)
{
    VirtqDesc d;
    memcpy(&d, at, sizeof(d));
    __asm__ volatile("" : "+m"(d));
    return d;
}

static bool chain_walk(VirtQueue *vq, VirtChain *c)
{
    Table t = { vq->desc, vq->size, false };
    uint32_t i = c->head, steps = 0;
    for (;;) {
        if (i >= t.size)
            return bad_chain(vq, c, "a descriptor beyond its table", i);
        if (steps++ == t.size)
            return bad_chain(vq, c, "a chain that loops", i);
        VirtqDesc d = fetch(&t.desc[i]);
        if (d.flags & VIRTQ_DESC_INDIRECT) {
            if (!enter_indirect(vq, c, &d, &t))
                return false;
            i = steps = 0;
            continue;
        }
        if (!chain_add(vq, c, &d))
            return false;
        if (!(d.flags & VIRTQ_DESC_NEXT))
            return true;
        i = d.next;
    }
}

bool virtqueue_empty_locked(const VirtQueue *vq)
{
    return !vq->open ||
           atomic_load_explicit(&vq->avail->idx, memory_order_acquire) == vq->next_avail;
}

bool virtqueue_pop_locked(VirtQueue *vq, VirtChain *c)
{
    if (!vq->open || !virtio_runs(vq->vdev))
        return false;
    uint16_t idx = atomic_load_explicit(&vq->avail->idx, memory_order_acquire);
    uint16_t waiting = (uint16_t)(idx - vq->next_avail);
    if (!waiting)
        return false;
    c->head = atomic_load_explicit(&vq->avail->ring[vq->next_avail % vq->size],
                                   memory_order_relaxed);
    c->out_count = c->in_count = 0;
    c->out_bytes = c->in_bytes = 0;
    if (waiting > vq->size)
        return bad_chain(vq, c, "the available index ran away", idx);
    if (!chain_walk(vq, c))
        return false;
    vq->next_avail++;
    return true;
}

/* ---- giving back ------------------------------------------------------------------------ */

/* Translated code may lie where the device wrote. */
static void tell_written(VirtQueue *vq, const VirtChain *c, uint64_t written)
{
    for (unsigned i = c->out_count; i < c->out_count + c->in_count && written; i++) {
        uint64_t len = MIN(written, c->iov[i].iov_len);
        memory_written(space_of(vq), c->gpa[i], len);
        written -= len;
    }
}

void virtqueue_push_locked(VirtQueue *vq, const VirtChain *c, uint32_t written)
{
    tell_written(vq, c, written);
    if (!vq->open)
        return;
    unsigned at = (uint16_t)(vq->next_used + vq->unpublished) % vq->size;
    vq->used->ring[at] = (VirtqUsedElem){ c->head, written };
    vq->unpublished++;
}

void virtqueue_rollback_locked(VirtQueue *vq, unsigned count)
{
    vq->next_avail = (uint16_t)(vq->next_avail - count);
    vq->unpublished = 0;
}

static _Atomic uint16_t *used_event(const VirtQueue *vq)
{
    return &vq->avail->ring[vq->size];
}

static _Atomic uint16_t *avail_event(const VirtQueue *vq)
{
    return (_Atomic uint16_t *)&vq->used->ring[vq->size];
}

/* Section 2.7.7.2: interrupt when the index passes the one that the driver named. */
static bool driver_wants_interrupt(VirtQueue *vq)
{
    if (!vq->event_idx)
        return !(atomic_load_explicit(&vq->avail->flags, memory_order_relaxed) &
                 AVAIL_NO_INTERRUPT);
    uint16_t before = vq->signalled, now = vq->next_used;
    bool valid = vq->signalled_valid;
    vq->signalled = now;
    vq->signalled_valid = true;
    uint16_t event = atomic_load_explicit(used_event(vq), memory_order_relaxed);
    return !valid || (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

void virtqueue_publish_locked(VirtQueue *vq)
{
    if (!vq->open || !vq->unpublished)
        return;
    vq->next_used = (uint16_t)(vq->next_used + vq->unpublished);
    vq->unpublished = 0;
    atomic_store_explicit(&vq->used->idx, vq->next_used, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (driver_wants_interrupt(vq))
        vq->vdev->interrupt(vq->vdev->interrupt_opaque, VIRTIO_INT_QUEUE);
}

void virtqueue_silence_locked(VirtQueue *vq)
{
    /* with event indices the old one, once passed, is silence enough */
    if (vq->open && !vq->event_idx)
        atomic_store_explicit(&vq->used->flags, USED_NO_NOTIFY, memory_order_relaxed);
}

bool virtqueue_listen_locked(VirtQueue *vq)
{
    if (!vq->open)
        return true;
    if (vq->event_idx)
        atomic_store_explicit(avail_event(vq), vq->next_avail, memory_order_relaxed);
    else
        atomic_store_explicit(&vq->used->flags, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    return virtqueue_empty_locked(vq);
}

/* ---- bytes of a chain ------------------------------------------------------------------- */

static size_t copy_segments(const struct iovec *iov, unsigned count, uint64_t offset, void *buf,
                            size_t len, bool into)
{
    size_t done = 0;
    for (unsigned i = 0; i < count && done < len; i++) {
        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        size_t n = MIN(len - done, iov[i].iov_len - offset);
        char *at = (char *)iov[i].iov_base + offset;
        memcpy(into ? at : (char *)buf + done, into ? (char *)buf + done : at, n);
        done += n;
        offset = 0;
    }
    return done;
}

size_t virtchain_read(const VirtChain *c, uint64_t offset, void *buf, size_t len)
{
    return copy_segments(c->iov, c->out_count, offset, buf, len, false);
}

size_t virtchain_write(const VirtChain *c, uint64_t offset, const void *buf, size_t len)
{
    return copy_segments(virtchain_in(c), c->in_count, offset, (void *)buf, len, true);
}

void iov_cut_front(struct iovec **iov, unsigned *count, uint64_t bytes)
{
    while (bytes) {
        struct iovec *first = *iov;
        size_t n = MIN(bytes, first->iov_len);
        first->iov_base = (char *)first->iov_base + n;
        first->iov_len -= n;
        bytes -= n;
        if (!first->iov_len) {
            ++*iov;
            --*count;
        }
    }
}
