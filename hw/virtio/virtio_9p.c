// SPDX-License-Identifier: MIT
//
// virtio 9P transport (device 9 of virtio 1.2, whose chapter is empty: one queue, a message in the
// segments that the device reads, room for the answer in the others; the configuration space has
// the length[2] of the mount tag, and the tag).
//
// Threads of the device take messages from the ring and answer them, in any order. A vCPU that
// notifies only wakes one. A FLUSH that names a message under way is answered right behind it, by
// the thread that serves that message. The queue's lock guards the lists of messages.
#include "hw/virtio/virtio_9p.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "hw/core/machine.h"
#include "hw/virtio/p9.h"
#include "util/bitops.h"

enum { P9_F_MOUNT_TAG = 0 };

#define QUEUE_SIZE 128u
#define TAG_BYTES_MAX 31u

typedef struct P9Request {
    VirtChain chain;
    uint16_t tag;
    bool is_flush;
    struct P9Request *flushes; /* to be answered after this one */
    struct P9Request *next;    /* in the list of those under way, or of those kept for reuse */
} P9Request;

static Virtio9p *virtio_9p(VirtioDevice *v)
{
    return (Virtio9p *)v;
}

static VirtQueue *queue_of(Virtio9p *d)
{
    return &d->v.queues[0];
}

/* ---- messages --------------------------------------------------------------------------- */

static void keep_locked(Virtio9p *d, P9Request *r)
{
    r->next = d->spare;
    d->spare = r;
}

static P9Request *new_request_locked(Virtio9p *d)
{
    P9Request *r = d->spare;
    if (r)
        d->spare = r->next;
    else
        r = calloc(1, sizeof(*r));
    return r;
}

/* A FLUSH waits behind the message that it names, if that is under way and no FLUSH itself. */
static bool park_flush_locked(Virtio9p *d, P9Request *r, uint16_t old_tag)
{
    P9Request *old = d->running;
    while (old && (old->tag != old_tag || old->is_flush))
        old = old->next;
    if (!old)
        return false;
    r->flushes = old->flushes;
    old->flushes = r;
    return true;
}

/* The next message to serve, or NULL. */
static P9Request *take_locked(Virtio9p *d)
{
    uint8_t head[P9_HEADER_BYTES + 2];
    for (;;) {
        P9Request *r = new_request_locked(d);
        if (!r) {
            virtio_break(&d->v, "the host is out of memory for a message");
            return NULL;
        }
        if (!virtqueue_pop_locked(queue_of(d), &r->chain)) {
            keep_locked(d, r);
            return NULL;
        }
        memset(head, 0, sizeof(head));
        virtchain_read(&r->chain, 0, head, sizeof(head));
        r->tag = (uint16_t)(head[5] | head[6] << 8);
        r->is_flush = head[4] == P9_FLUSH;
        r->flushes = NULL;
        if (!r->is_flush || !park_flush_locked(d, r, (uint16_t)(head[7] | head[8] << 8)))
            return r;
    }
}

static void answer_locked(Virtio9p *d, P9Request *r, P9Room *room)
{
    VirtQueue *vq = queue_of(d);
    pthread_mutex_unlock(&vq->lock);
    uint32_t written = p9_server_answer(d->server, &r->chain, room);
    pthread_mutex_lock(&vq->lock);
    if (!written)
        virtio_break(&d->v, "message of %llu bytes, %llu for the answer: it makes no sense",
                     (unsigned long long)r->chain.out_bytes,
                     (unsigned long long)r->chain.in_bytes);
    else
        virtqueue_push_locked(vq, &r->chain, written);
}

static void serve_locked(Virtio9p *d, P9Request *r, P9Room *room)
{
    r->next = d->running;
    d->running = r;
    answer_locked(d, r, room);
    for (P9Request *flush; (flush = r->flushes);) {
        r->flushes = flush->flushes;
        answer_locked(d, flush, room);
        keep_locked(d, flush);
    }
    P9Request **at = &d->running;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    virtqueue_publish_locked(queue_of(d));
    keep_locked(d, r);
}

/* ---- threads ---------------------------------------------------------------------------- */

static void *worker(void *opaque);

/* Threads of ours take no signals: those are the main thread's. */
static bool start_thread_locked(Virtio9p *d)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&d->threads[d->thread_count], NULL, worker, d);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    d->thread_count += e == 0;
    return e == 0;
}

/* Have one more thread look at the ring, unless all do. */
static void wake_locked(Virtio9p *d)
{
    if (d->waiting > d->wakeups) {
        d->wakeups++;
        pthread_cond_signal(&d->work);
    } else if (d->thread_count < VIRTIO_9P_THREADS_MAX && !start_thread_locked(d) &&
               !d->thread_count) {
        virtio_break(&d->v, "the host has no thread for it");
    }
}

static void serve_ring_locked(Virtio9p *d, P9Room *room)
{
    VirtQueue *vq = queue_of(d);
    do {
        virtqueue_silence_locked(vq);
        for (P9Request *r; (r = take_locked(d));) {
            if (!virtqueue_empty_locked(vq))
                wake_locked(d);
            serve_locked(d, r, room);
        }
    } while (!virtqueue_listen_locked(vq) && virtio_runs(&d->v));
}

static void *worker(void *opaque)
{
    Virtio9p *d = opaque;
    VirtQueue *vq = queue_of(d);
    P9Room *room = malloc(sizeof(*room));
    pthread_mutex_lock(&vq->lock);
    if (!room)
        virtio_break(&d->v, "the host is out of memory for its messages");
    while (!d->stopping) {
        if (room)
            serve_ring_locked(d, room);
        d->waiting++;
        if (!d->running)
            pthread_cond_broadcast(&d->drained);
        while (!d->wakeups && !d->stopping)
            pthread_cond_wait(&d->work, &vq->lock);
        d->wakeups -= d->wakeups > 0;
        d->waiting--;
    }
    pthread_mutex_unlock(&vq->lock);
    free(room);
    return NULL;
}

/* ---- virtio ----------------------------------------------------------------------------- */

static void p9_notify(VirtioDevice *v, unsigned queue)
{
    Virtio9p *d = virtio_9p(v);
    pthread_mutex_lock(&queue_of(d)->lock);
    wake_locked(d);
    pthread_mutex_unlock(&queue_of(d)->lock);
}

static void p9_stop(VirtioDevice *v)
{
    Virtio9p *d = virtio_9p(v);
    pthread_mutex_lock(&queue_of(d)->lock);
    while (d->running)
        pthread_cond_wait(&d->drained, &queue_of(d)->lock);
    pthread_mutex_unlock(&queue_of(d)->lock);
}

static void p9_reset(VirtioDevice *v)
{
    p9_server_reset(virtio_9p(v)->server);
}

static const VirtioClass p9_class = { .device_id = 9, .notify = p9_notify, .stop = p9_stop,
                                      .reset = p9_reset };

/* ---- the device ------------------------------------------------------------------------- */

static bool check_tag(const Virtio9p *d, Error **err)
{
    const Device *dev = &d->v.dev;
    const char *name = dev->type->name;
    if (!d->mount_tag || !*d->mount_tag)
        return error_set(err, "device '%s' needs a mount_tag, by which the guest names the folder",
                         name);
    if (strlen(d->mount_tag) > TAG_BYTES_MAX)
        return error_set(err, "device '%s': mount_tag is longer than %u characters", name,
                         TAG_BYTES_MAX);
    for (const Device *o = dev->machine->devices; o; o = o->next)
        if (o != dev && o->type == dev->type &&
            !strcmp(((const Virtio9p *)o)->mount_tag, d->mount_tag))
            return error_set(err, "there are two shared folders with mount_tag '%s'; give one "
                             "another", d->mount_tag);
    return true;
}

static bool virtio_9p_realize(Device *dev, Error **err)
{
    Virtio9p *d = (Virtio9p *)dev;
    if (!d->fsdev)
        return error_set(err, "device '%s' needs a folder; give it fsdev=ID, the id of a -fsdev",
                         dev->type->name);
    if (!check_tag(d, err))
        return false;
    d->server = p9_server_create(d->fsdev, err);
    if (!d->server)
        return false;
    pthread_cond_init(&d->work, NULL);
    pthread_cond_init(&d->drained, NULL);
    size_t len = strlen(d->mount_tag);
    virtio_config_put(&d->v, 0, len, 2);
    memcpy(d->v.config + 2, d->mount_tag, len);
    d->v.config_bytes = (unsigned)(2 + len);
    return virtio_init(&d->v, &p9_class, BIT(P9_F_MOUNT_TAG), (const uint32_t[]){ QUEUE_SIZE }, 1,
                       err);
}

static void stop_threads(Virtio9p *d)
{
    if (!d->v.queues)
        return;
    virtqueue_close(queue_of(d));
    pthread_mutex_lock(&queue_of(d)->lock);
    d->stopping = true;
    pthread_cond_broadcast(&d->work);
    pthread_mutex_unlock(&queue_of(d)->lock);
    for (unsigned i = 0; i < d->thread_count; i++)
        pthread_join(d->threads[i], NULL);
}

static void virtio_9p_destroy(Device *dev)
{
    Virtio9p *d = (Virtio9p *)dev;
    stop_threads(d);
    virtio_cleanup(&d->v);
    if (d->server) {
        pthread_cond_destroy(&d->work);
        pthread_cond_destroy(&d->drained);
    }
    p9_server_destroy(d->server);
    for (P9Request *r; (r = d->spare);) {
        d->spare = r->next;
        virtchain_free(&r->chain);
        free(r);
    }
}

static const Property virtio_9p_properties[] = {
    { "fsdev", PROP_FSDEV, offsetof(Virtio9p, fsdev), NULL, "the folder" },
    { "mount_tag", PROP_STRING, offsetof(Virtio9p, mount_tag), NULL,
      "the name by which the guest mounts it" },
    VIRTIO_PROPERTIES,
    { 0 },
};

const DeviceType virtio_9p_type = {
    .name = "virtio-9p-device",
    .help = "a folder of the host, shared with the guest",
    .bus = "virtio-bus",
    .user_creatable = true,
    .size = sizeof(Virtio9p),
    .properties = virtio_9p_properties,
    .realize = virtio_9p_realize,
    .destroy = virtio_9p_destroy,
};
