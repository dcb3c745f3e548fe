// SPDX-License-Identifier: MIT
//
// Split virtqueues (virtio 1.2, section 2.7), the device's end: with indirect descriptors and
// event indices.
//
// Nothing that the driver writes is believed. A descriptor is copied, then checked; a chain that
// makes no sense breaks the device (virtio_break()), and then no queue yields anything until the
// driver resets it.
//
// `lock` guards a queue. The transport's lock is never taken under it, so completions of a backend
// and accesses of a vCPU to the registers do not wait for each other. Functions that end in
// _locked want it held.
#ifndef HW_VIRTIO_VIRTQUEUE_H
#define HW_VIRTIO_VIRTQUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "util/error.h"
#include "util/types.h"

struct VirtioDevice;

#define VIRTQ_SIZE_MAX 1024u  /* entries; a power of two */
#define VIRTQ_CHAIN_MAX 1024u /* segments of one chain */

/* The layout in guest memory. */
typedef struct VirtqDesc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
} VirtqDesc;

enum { VIRTQ_DESC_NEXT = 1, VIRTQ_DESC_WRITE = 2, VIRTQ_DESC_INDIRECT = 4 };

typedef struct VirtqAvail {
    _Atomic uint16_t flags, idx;
    _Atomic uint16_t ring[]; /* one more: used_event */
} VirtqAvail;

typedef struct VirtqUsedElem {
    uint32_t id, len;
} VirtqUsedElem;

typedef struct VirtqUsed {
    _Atomic uint16_t flags, idx;
    VirtqUsedElem ring[]; /* then avail_event */
} VirtqUsed;

typedef struct VirtQueue {
    struct VirtioDevice *vdev;
    unsigned index;
    pthread_mutex_t lock;

    /* What the driver set up; written by the transport while the queue is closed. */
    uint32_t max_size, size;
    uint64_t desc_gpa, avail_gpa, used_gpa;

    bool open;
    bool event_idx;        /* negotiated */
    const VirtqDesc *desc; /* host pointers, while open */
    VirtqAvail *avail;
    VirtqUsed *used;
    uint16_t next_avail;   /* the next entry of the available ring to take */
    uint16_t next_used;    /* the used index that the driver sees */
    uint16_t unpublished;  /* entries filled after it */
    uint16_t signalled;    /* the used index at the last thought about an interrupt */
    bool signalled_valid;
} VirtQueue;

/* One request: the segments that the device reads, then those that it writes. The arrays belong to
 * the chain and are kept for the next use. */
typedef struct VirtChain {
    uint16_t head;
    unsigned out_count, in_count;
    uint64_t out_bytes, in_bytes;
    struct iovec *iov; /* out, then in */
    Hwaddr *gpa;       /* of each segment */
    unsigned capacity;
} VirtChain;

void virtqueue_init(VirtQueue *vq, struct VirtioDevice *vdev, unsigned index, uint32_t max_size);
void virtqueue_destroy(VirtQueue *vq);
/* Back to the state after power-on. */
void virtqueue_reset(VirtQueue *vq);
/* Take what the driver set up into use. False: it makes no sense (a line in the log says why). */
bool virtqueue_open(VirtQueue *vq) MUST_CHECK;
/* From now on nothing comes out, and what is pushed is forgotten. */
void virtqueue_close(VirtQueue *vq);

/* Take the next request. False when there is none, the queue is closed or the device broken. */
bool virtqueue_pop_locked(VirtQueue *vq, VirtChain *c) MUST_CHECK;
/* Give a request back: `written` bytes of its in segments were filled, from the first on. The
 * driver sees it after virtqueue_publish_locked(). */
void virtqueue_push_locked(VirtQueue *vq, const VirtChain *c, uint32_t written);
/* Undo the last `count` pops, and every push since the last publish. */
void virtqueue_rollback_locked(VirtQueue *vq, unsigned count);
/* Show the driver what was pushed; interrupts it if it wants that. */
void virtqueue_publish_locked(VirtQueue *vq);
bool virtqueue_empty_locked(const VirtQueue *vq);
/* Tell the driver that notifications are of no use for now. */
void virtqueue_silence_locked(VirtQueue *vq);
/* Ask for notifications. False: there are requests already. */
bool virtqueue_listen_locked(VirtQueue *vq) MUST_CHECK;

/* Copy from the out segments, or into the in segments, from byte `offset` on; the number of bytes
 * that there were. */
size_t virtchain_read(const VirtChain *c, uint64_t offset, void *buf, size_t len);
size_t virtchain_write(const VirtChain *c, uint64_t offset, const void *buf, size_t len);
static inline struct iovec *virtchain_in(const VirtChain *c)
{
    return c->iov ? c->iov + c->out_count : NULL;
}
/* Cut bytes off the front of a list of segments, which has as many. */
void iov_cut_front(struct iovec **iov, unsigned *count, uint64_t bytes);
void virtchain_free(VirtChain *c);

#endif
