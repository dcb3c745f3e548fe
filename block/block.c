// SPDX-License-Identifier: MIT
//
// The request queue of a disk and the threads that serve it; contract in block.h.
//
// One worker serves the queue as long as it does not have to wait. Before a worker waits for the
// host's disk (block_begin_wait()), it lets another one, started on demand, take over: so a flush
// does not hold up reads, and requests that the page cache answers do not pay for more threads.
// Requests may therefore finish in any order; a flush covers what finished before it was handed
// over, which is what disks promise.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "block/internal.h"
#include "util/bitops.h"
#include "util/suggest.h"

/* ---- worker threads --------------------------------------------------------------------- */

static bool range_is_good(const BlockBackend *b, uint64_t offset, uint64_t len)
{
    return len <= b->size_bytes && offset <= b->size_bytes - len;
}

static bool is_zero(const struct iovec *iov, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const char *p = iov[i].iov_base;
        size_t len = iov[i].iov_len;
        if (len && (*p || memcmp(p, p + 1, len - 1) != 0))
            return false;
    }
    return true;
}

static int write_data(BlockBackend *b, const BlockRequest *req)
{
    if (b->detect_zeroes && is_zero(req->iov, req->iov_count))
        return b->format->write_zeroes(b, req->offset, req->len, b->detect_zeroes_unmap);
    return b->format->write(b, req->iov, req->iov_count, req->offset, req->len);
}

static int perform(BlockBackend *b, const BlockRequest *req)
{
    const BlockFormat *f = b->format;
    if (req->op == BLOCK_FLUSH)
        return b->read_only || b->cache->ignore_flush ? 0 : f->flush(b);
    if (!range_is_good(b, req->offset, req->len))
        return EINVAL;
    if (req->op == BLOCK_READ)
        return f->read(b, req->iov, req->iov_count, req->offset, req->len);
    if (b->read_only)
        return EROFS;
    switch (req->op) {
    case BLOCK_WRITE:
        return write_data(b, req);
    case BLOCK_DISCARD:
        return b->discard ? f->discard(b, req->offset, req->len) : 0;
    case BLOCK_WRITE_ZEROES:
        return f->write_zeroes(b, req->offset, req->len, req->unmap && b->discard);
    default:
        return ENOTSUP;
    }
}

/* A disk of the host that fails or is full: the guest sees I/O errors, the user hears why, once
 * for each cause. */
static void report(BlockBackend *b, const BlockRequest *req, int error)
{
    static const char *const verbs[] = { "reading", "writing", "flushing", "discarding",
                                         "writing zeroes" };
    if (error == EINVAL || error == EROFS || atomic_exchange(&b->reported, error) == error)
        return;
    fprintf(stderr, "dragoman: disk '%s': %s failed: %s%s\n", b->path, verbs[req->op],
            strerror(error), error == ENOSPC ? "; make room, the guest sees I/O errors" : "");
}

static void *worker(void *opaque);

/* Threads of ours take no signals: those are the main thread's. */
static bool start_thread(BlockBackend *b)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&b->threads[b->thread_count], NULL, worker, b);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    b->thread_count += e == 0;
    return e == 0;
}

/* Have a worker serve the queue, unless one does. */
static void wake_locked(BlockBackend *b)
{
    if (b->running || !b->head)
        return;
    if (b->idle) {
        b->idle--;
        b->running++;
        b->wakeups++;
        pthread_cond_signal(&b->work);
    } else if (b->thread_count < BLOCK_THREADS_MAX && start_thread(b)) {
        b->running++;
    }
}

void block_begin_wait(BlockBackend *b)
{
    pthread_mutex_lock(&b->lock);
    b->running--;
    wake_locked(b);
    pthread_mutex_unlock(&b->lock);
}

void block_end_wait(BlockBackend *b)
{
    pthread_mutex_lock(&b->lock);
    b->running++;
    pthread_mutex_unlock(&b->lock);
}

static BlockRequest *pop_locked(BlockBackend *b)
{
    BlockRequest *req = b->head;
    if (req) {
        b->head = req->next;
        if (!b->head)
            b->tail = &b->head;
    }
    return req;
}

static void serve_queue_locked(BlockBackend *b)
{
    for (BlockRequest *req; (req = pop_locked(b));) {
        pthread_mutex_unlock(&b->lock);
        int error = perform(b, req);
        if (error)
            report(b, req, error);
        req->done(req, error); /* `req` is the device's again */
        pthread_mutex_lock(&b->lock);
        if (--b->in_flight == 0)
            pthread_cond_broadcast(&b->drained);
    }
}

static void *worker(void *opaque)
{
    BlockBackend *b = opaque;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        serve_queue_locked(b);
        b->running--;
        b->idle++;
        while (!b->wakeups && !b->stopping)
            pthread_cond_wait(&b->work, &b->lock);
        if (!b->wakeups)
            break;
        b->wakeups--;
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

void block_submit(BlockBackend *b, BlockRequest *req)
{
    req->next = NULL;
    pthread_mutex_lock(&b->lock);
    *b->tail = req;
    b->tail = &req->next;
    b->in_flight++;
    wake_locked(b);
    pthread_mutex_unlock(&b->lock);
}

bool block_read_now(BlockBackend *b, const struct iovec *iov, unsigned iov_count, uint64_t offset,
                    uint64_t len)
{
    return b->format->read_now && range_is_good(b, offset, len) &&
           b->format->read_now(b, iov, iov_count, offset, len);
}

void block_drain(BlockBackend *b)
{
    pthread_mutex_lock(&b->lock);
    while (b->in_flight)
        pthread_cond_wait(&b->drained, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

/* ---- opening and closing ---------------------------------------------------------------- */

static const CacheMode cache_modes[] = {
    { .name = "writeback" },
    { .name = "none", .direct = true },
    { .name = "unsafe", .ignore_flush = true },
    { .name = "writethrough", .sync = true },
    { .name = "directsync", .direct = true, .sync = true },
};

static const CacheMode *find_cache_mode(const char *name, const char *path, Error **err)
{
    Suggest s = suggest_start(name);
    for (size_t i = 0; i < ARRAY_SIZE(cache_modes); i++) {
        if (strcmp(cache_modes[i].name, name) == 0)
            return &cache_modes[i];
        suggest_offer(&s, cache_modes[i].name);
    }
    error_set(err, "disk '%s': cache='%s' is unknown%s", path, name,
              s.best ? suggest_text(&s)
                     : "; use writeback, none, unsafe, writethrough or directsync");
    return NULL;
}

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void free_backend(BlockBackend *b)
{
    if (b->format)
        b->format->close(b);
    pthread_cond_destroy(&b->work);
    pthread_cond_destroy(&b->drained);
    pthread_mutex_destroy(&b->lock);
    free(b->id);
    free(b->path);
    free(b->user);
    free(b);
}

BlockBackend *block_open(const BlockOptions *opt, Error **err)
{
    if (!opt->file || !*opt->file) {
        error_set(err, "a disk needs a file; write file=PATH");
        return NULL;
    }
    const CacheMode *cache = find_cache_mode(opt->cache ? opt->cache : "writeback", opt->file, err);
    if (!cache)
        return NULL;
    BlockBackend *b = calloc(1, sizeof(*b));
    if (!b) {
        error_set(err, "out of memory for disk '%s'", opt->file);
        return NULL;
    }
    b->fd = b->direct_fd = -1;
    b->cache = cache;
    b->discard = opt->discard;
    b->detect_zeroes = opt->detect_zeroes || opt->detect_zeroes_unmap;
    b->detect_zeroes_unmap = opt->detect_zeroes_unmap;
    b->tail = &b->head;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->work, NULL);
    pthread_cond_init(&b->drained, NULL);
    b->id = copy_text(opt->id);
    b->path = copy_text(opt->file);
    b->read_only = opt->read_only;
    if ((!b->id && opt->id) || !b->path) {
        error_set(err, "out of memory for disk '%s'", opt->file);
    } else if (raw_open(b, opt, err) && (!opt->snapshot || overlay_create(b, err))) {
        return b;
    }
    free_backend(b);
    return NULL;
}

void block_close(BlockBackend *b)
{
    if (!b)
        return;
    block_drain(b);
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    pthread_cond_broadcast(&b->work);
    pthread_mutex_unlock(&b->lock);
    for (unsigned i = 0; i < b->thread_count; i++)
        pthread_join(b->threads[i], NULL);
    if (!b->read_only && !b->cache->ignore_flush) {
        b->running = 1; /* as if a worker flushed */
        b->format->flush(b);
    }
    free_backend(b);
}

/* ---- asking and claiming ---------------------------------------------------------------- */

void block_print(const BlockBackend *b, FILE *out)
{
    fprintf(out, "%s: %s (%s%s%s)\n", b->id, b->path, b->format->name,
            b->read_only ? ", read-only" : "", b->overlay ? ", snapshot" : "");
    if (b->user)
        fprintf(out, "    Attached to:      %s\n", b->user);
    fprintf(out, "    Cache mode:       %s%s%s\n", b->cache->sync ? "writethrough" : "writeback",
            b->cache->direct ? ", direct" : "", b->cache->ignore_flush ? ", ignore flushes" : "");
}

const char *block_id(const BlockBackend *b)
{
    return b->id;
}

uint64_t block_size(const BlockBackend *b)
{
    return b->size_bytes;
}

bool block_read_only(const BlockBackend *b)
{
    return b->read_only;
}

bool block_claim(BlockBackend *b, const char *user, Error **err)
{
    if (b->user)
        return error_set(err, "drive '%s' is used by '%s' already; give '%s' a -drive of its own",
                         b->id ? b->id : b->path, b->user, user);
    b->user = strdup(user);
    return b->user || error_set(err, "out of memory for disk '%s'", b->path);
}

void block_release(BlockBackend *b)
{
    free(b->user);
    b->user = NULL;
}
