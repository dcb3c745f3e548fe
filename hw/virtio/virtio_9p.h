// SPDX-License-Identifier: MIT
//
// The virtio transport of the 9P protocol: a folder of the host in the guest.
#ifndef HW_VIRTIO_VIRTIO_9P_H
#define HW_VIRTIO_VIRTIO_9P_H

#include "fsdev/fsdev.h"
#include "hw/virtio/virtio.h"

#define VIRTIO_9P_THREADS_MAX 4u

struct P9Request;

typedef struct Virtio9p {
    VirtioDevice v;
    /* properties */
    FsDev *fsdev;
    char *mount_tag;

    struct P9Server *server;
    /* guarded by the queue's lock */
    pthread_cond_t work, drained;
    pthread_t threads[VIRTIO_9P_THREADS_MAX];
    unsigned thread_count, waiting; /* threads; those that have nothing to do */
    unsigned wakeups;               /* of those, told to look */
    struct P9Request *running, *spare;
    bool stopping;
} Virtio9p;

extern const DeviceType virtio_9p_type;

#endif
