// SPDX-License-Identifier: MIT
//
// virtio memory balloon (virtio 1.2, section 5.5). Pages that the driver puts into the balloon, or
// reports as free, are given back to the host; they read as zeros when the guest uses them again.
//
// The driver may take a page back at any time: deflating needs no work of ours. Requests are served
// on the thread of the vCPU that notifies, as the driver waits for them anyway.
//
// Free page hinting, which serves migration only, is not offered. Where it is not, Linux gives page
// reporting the index after the statistics, the specification one more: both are taken.
#include "hw/virtio/virtio_balloon.h"

#include <inttypes.h>
#include <stdlib.h>
#include "hw/core/machine.h"
#include "util/bitops.h"

/* Feature bits */
enum {
    BALLOON_F_STATS_VQ = 1,
    BALLOON_F_DEFLATE_ON_OOM = 2,
    BALLOON_F_PAGE_POISON = 4,
    BALLOON_F_PAGE_REPORTING = 5,
};

enum { QUEUE_INFLATE, QUEUE_DEFLATE, QUEUE_STATS, QUEUE_REPORT, QUEUE_COUNT = 5 };

/* Configuration space: offsets */
enum {
    CONFIG_NUM_PAGES = 0, /* that the host would like to have */
    CONFIG_ACTUAL = 4,    /* that the balloon holds; the driver writes it */
    CONFIG_POISON = 12,   /* with what the guest fills free pages; the driver writes it */
    CONFIG_BYTES = 16,
};

#define PAGE_BITS 12 /* the protocol's, whatever the guest's is */
#define QUEUE_SIZE 128u
#define PAGES_AT_ONCE 256u
#define INFLATE_BYTES_MAX (UINT64_C(1) << 20) /* of one request; Linux makes 1 KiB */

typedef struct BalloonStat {
    uint16_t tag;
    uint64_t value;
} __attribute__((packed)) BalloonStat;

static VirtioBalloon *balloon(VirtioDevice *v)
{
    return (VirtioBalloon *)v;
}

static MemorySpace *space_of(VirtioBalloon *b)
{
    return &b->v.dev.machine->memory;
}

/* ---- pages ------------------------------------------------------------------------------ */

static int compare_pages(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Neighbours go together: drivers name single pages, mostly out of long runs. */
static void discard_pages(VirtioBalloon *b, uint32_t *pages, size_t count)
{
    qsort(pages, count, sizeof(*pages), compare_pages);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && pages[end] - pages[end - 1] <= 1; end++)
            continue;
        memory_discard(space_of(b), (Hwaddr)pages[i] << PAGE_BITS,
                       ((uint64_t)pages[end - 1] - pages[i] + 1) << PAGE_BITS);
    }
}

static uint32_t serve_inflate(VirtioBalloon *b, const VirtChain *c)
{
    uint32_t pages[PAGES_AT_ONCE];
    size_t n;
    if (c->out_bytes > INFLATE_BYTES_MAX) {
        virtio_break(&b->v, "%" PRIu64 " bytes of page numbers in one request", c->out_bytes);
        return 0;
    }
    for (uint64_t at = 0; (n = virtchain_read(c, at, pages, sizeof(pages))); at += n)
        discard_pages(b, pages, n / sizeof(*pages));
    return 0;
}

static uint32_t serve_deflate(VirtioBalloon *b, const VirtChain *c)
{
    return 0;
}

/* A guest that fills its free pages with something else than zeros wants to find that again. */
static bool may_report(VirtioBalloon *b)
{
    return !virtio_has_feature(&b->v, BALLOON_F_PAGE_POISON) ||
           virtio_config_get(&b->v, CONFIG_POISON, 4) == 0;
}

/* The segments themselves are the free pages. */
static uint32_t serve_report(VirtioBalloon *b, const VirtChain *c)
{
    unsigned end = c->out_count + c->in_count;
    for (unsigned i = c->out_count; i < end && may_report(b); i++)
        memory_discard(space_of(b), c->gpa[i], c->iov[i].iov_len);
    return 0;
}

typedef uint32_t ServeFn(VirtioBalloon *b, const VirtChain *c);

static void serve_queue(VirtioBalloon *b, unsigned queue, VirtChain *c, ServeFn *serve)
{
    VirtQueue *vq = &b->v.queues[queue];
    pthread_mutex_lock(&vq->lock);
    do {
        virtqueue_silence_locked(vq);
        while (virtqueue_pop_locked(vq, c))
            virtqueue_push_locked(vq, c, serve(b, c));
        virtqueue_publish_locked(vq);
    } while (!virtqueue_listen_locked(vq) && virtio_runs(&b->v));
    pthread_mutex_unlock(&vq->lock);
}

/* ---- statistics ------------------------------------------------------------------------- */

static VirtQueue *stats_queue(VirtioBalloon *b)
{
    return &b->v.queues[QUEUE_STATS];
}

static void read_stats_locked(VirtioBalloon *b)
{
    BalloonStat s;
    for (uint64_t at = 0; virtchain_read(&b->stats, at, &s, sizeof(s)) == sizeof(s) &&
         at < 64 * sizeof(s); at += sizeof(s)) {
        if (s.tag >= BALLOON_STATS)
            continue;
        b->stats_known[s.tag] = true;
        b->stats_value[s.tag] = s.value;
    }
}

static void arm_poll(VirtioBalloon *b)
{
    if (b->polling_seconds)
        timer_arm(&b->poll, vclock_now_ns(b->poll.clock) + b->polling_seconds * NS_PER_SECOND);
}

/* One buffer goes to and fro: the driver sends it back filled when we return it. */
static void take_stats_locked(VirtioBalloon *b)
{
    VirtQueue *vq = stats_queue(b);
    do {
        if (!b->stats_held && virtqueue_pop_locked(vq, &b->stats)) {
            b->stats_held = true;
            read_stats_locked(b);
            arm_poll(b);
        }
    } while (!virtqueue_listen_locked(vq) && !b->stats_held && virtio_runs(&b->v));
}

static void take_stats(VirtioBalloon *b)
{
    pthread_mutex_lock(&stats_queue(b)->lock);
    take_stats_locked(b);
    pthread_mutex_unlock(&stats_queue(b)->lock);
}

static void poll_fired(void *opaque)
{
    VirtioBalloon *b = opaque;
    VirtQueue *vq = stats_queue(b);
    pthread_mutex_lock(&vq->lock);
    if (b->stats_held && virtio_runs(&b->v)) {
        b->stats_held = false;
        virtqueue_push_locked(vq, &b->stats, 0);
        virtqueue_publish_locked(vq);
        take_stats_locked(b);
    }
    pthread_mutex_unlock(&vq->lock);
}

/* ---- virtio ----------------------------------------------------------------------------- */

static void balloon_notify(VirtioDevice *v, unsigned queue)
{
    VirtioBalloon *b = balloon(v);
    if (queue == QUEUE_INFLATE)
        serve_queue(b, queue, &b->inflate, serve_inflate);
    else if (queue == QUEUE_DEFLATE)
        serve_queue(b, queue, &b->deflate, serve_deflate);
    else if (queue == QUEUE_STATS)
        take_stats(b);
    else
        serve_queue(b, queue, &b->report[queue - QUEUE_REPORT], serve_report);
}

static bool balloon_write_config(VirtioDevice *v, unsigned offset, uint8_t value)
{
    if (offset < CONFIG_ACTUAL || (offset >= CONFIG_ACTUAL + 4 && offset < CONFIG_POISON))
        return false;
    virtio_config_put(v, offset, value, 1);
    return true;
}

static void balloon_reset(VirtioDevice *v)
{
    VirtioBalloon *b = balloon(v);
    virtio_config_put(v, CONFIG_ACTUAL, 0, 4);
    virtio_config_put(v, CONFIG_POISON, 0, 4);
    pthread_mutex_lock(&stats_queue(b)->lock);
    timer_cancel(&b->poll);
    b->stats_held = false;
    for (unsigned i = 0; i < BALLOON_STATS; i++)
        b->stats_known[i] = false;
    pthread_mutex_unlock(&stats_queue(b)->lock);
}

static const VirtioClass balloon_class = {
    .device_id = 5,
    .notify = balloon_notify,
    .reset = balloon_reset,
    .write_config = balloon_write_config,
};

/* ---- the user's end --------------------------------------------------------------------- */

static uint64_t ram_bytes(const VirtioBalloon *b)
{
    return b->v.dev.machine->config.ram_bytes;
}

void virtio_balloon_set_target(VirtioBalloon *b, uint64_t bytes)
{
    uint64_t lent = ram_bytes(b) - MIN(bytes, ram_bytes(b));
    virtio_config_change(&b->v, CONFIG_NUM_PAGES, lent >> PAGE_BITS, 4);
}

void virtio_balloon_print(VirtioBalloon *b, FILE *out)
{
    static const struct {
        const char *name;
        bool bytes; /* shown in KiB */
    } rows[BALLOON_STATS] = {
        { "swapped in", true },       { "swapped out", true },    { "major faults", false },
        { "minor faults", false },    { "free", true },           { "total", true },
        { "available", true },        { "disk caches", true },    { "huge pages given", false },
        { "huge pages refused", false },
    };
    pthread_mutex_lock(&b->v.dev.parent->lock);
    uint64_t held = virtio_config_get(&b->v, CONFIG_ACTUAL, 4) << PAGE_BITS;
    pthread_mutex_unlock(&b->v.dev.parent->lock);
    fprintf(out, "balloon: actual=%" PRIu64 "\n", (ram_bytes(b) - MIN(held, ram_bytes(b))) >> 20);
    pthread_mutex_lock(&stats_queue(b)->lock);
    for (unsigned i = 0; i < BALLOON_STATS; i++)
        if (b->stats_known[i])
            fprintf(out, "  %s: %" PRIu64 "%s\n", rows[i].name,
                    rows[i].bytes ? b->stats_value[i] >> 10 : b->stats_value[i],
                    rows[i].bytes ? " KiB" : "");
    pthread_mutex_unlock(&stats_queue(b)->lock);
}

/* ---- the device ------------------------------------------------------------------------- */

static bool virtio_balloon_realize(Device *dev, Error **err)
{
    VirtioBalloon *b = (VirtioBalloon *)dev;
    for (const Device *d = dev->machine->devices; d; d = d->next)
        if (d->type == dev->type && d != dev)
            return error_set(err, "there is one '%s' already; a machine has one balloon",
                             dev->type->name);
    const uint32_t sizes[QUEUE_COUNT] = { QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE,
                                          QUEUE_SIZE };
    uint64_t features = BIT(BALLOON_F_STATS_VQ) |
                        (b->deflate_on_oom ? BIT(BALLOON_F_DEFLATE_ON_OOM) : 0) |
                        (b->page_poison ? BIT(BALLOON_F_PAGE_POISON) : 0) |
                        (b->free_page_reporting ? BIT(BALLOON_F_PAGE_REPORTING) : 0);
    timer_init(&b->poll, dev->machine->clock, poll_fired, b);
    b->v.config_bytes = CONFIG_BYTES;
    return virtio_init(&b->v, &balloon_class, features, sizes,
                       b->free_page_reporting ? QUEUE_COUNT : QUEUE_REPORT, err);
}

static void virtio_balloon_destroy(Device *dev)
{
    VirtioBalloon *b = (VirtioBalloon *)dev;
    if (b->poll.clock)
        timer_cancel(&b->poll);
    virtio_cleanup(&b->v);
    virtchain_free(&b->inflate);
    virtchain_free(&b->deflate);
    virtchain_free(&b->stats);
    virtchain_free(&b->report[0]);
    virtchain_free(&b->report[1]);
}

static const Property virtio_balloon_properties[] = {
    { "deflate-on-oom", PROP_BOOL, offsetof(VirtioBalloon, deflate_on_oom), "off",
      "let the guest take memory back before it kills a process" },
    { "free-page-reporting", PROP_BOOL, offsetof(VirtioBalloon, free_page_reporting), "off",
      "give memory that the guest does not use back to the host" },
    { "page-poison", PROP_BOOL, offsetof(VirtioBalloon, page_poison), "on",
      "let the guest say with what it fills free pages" },
    { "guest-stats-polling-interval", PROP_UINT32, offsetof(VirtioBalloon, polling_seconds), "0",
      "seconds between statistics for 'info balloon'; 0: only when the driver starts" },
    VIRTIO_PROPERTIES,
    { 0 },
};

const DeviceType virtio_balloon_type = {
    .name = "virtio-balloon-device",
    .help = "memory that the guest lends to the host",
    .bus = "virtio-bus",
    .user_creatable = true,
    .size = sizeof(VirtioBalloon),
    .properties = virtio_balloon_properties,
    .realize = virtio_balloon_realize,
    .destroy = virtio_balloon_destroy,
};
