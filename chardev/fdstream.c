// SPDX-License-Identifier: MIT
//
// Buffered bytes over a pair of host descriptors.
//
// Output: as much as the descriptor takes without blocking is written at once, the rest waits in
// a bounded buffer that the main loop empties. Descriptors that are not in non-blocking mode are
// left so, because standard output may be shared with other processes: poll(2) is asked before
// each write of at most PIPE_BUF bytes.
// Input: read only while the frontend has room. Descriptors that epoll refuses (regular files,
// /dev/null) are always ready and are pumped by posted work.
#include "chardev/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "util/bitops.h"

#define OUT_BUFFER_BYTES (256 * 1024)
#define IN_BUFFER_BYTES (64 * 1024)
#define PUMP_READS 16

struct FdStream {
    Chardev *chr;
    int in_fd, out_fd;
    LoopWatch *in, *out; /* `out` on a duplicate, since one epoll set takes a descriptor once */
    int out_dup;
    bool always_ready, at_end;
    bool out_nonblocking;
    pthread_mutex_t reading_lock;
    bool reading; /* under reading_lock: the frontend resumes from its own threads */
    atomic_bool posted;
    void (*hangup)(Chardev *chr);
    size_t (*filter)(Chardev *chr, uint8_t *buf, size_t len); /* or NULL */
    /* Under the chardev's lock: */
    bool starved;   /* the frontend wants to write more */
    size_t pending; /* bytes in `buffer` */
    uint8_t buffer[OUT_BUFFER_BYTES];
    uint8_t in_buffer[IN_BUFFER_BYTES];
};

static void set_reading(FdStream *s, bool on)
{
    pthread_mutex_lock(&s->reading_lock);
    if (s->in && s->reading != on)
        mainloop_watch_set(s->in, on ? EPOLLIN : 0);
    s->reading = on;
    pthread_mutex_unlock(&s->reading_lock);
}

/* One read; false when there is nothing more to do now. */
static bool read_some(FdStream *s)
{
    size_t room = MIN(chardev_room(s->chr), sizeof(s->in_buffer));
    if (!room || s->at_end) {
        set_reading(s, false);
        /* room may have appeared, and been announced, before we stopped */
        if (!s->at_end && chardev_room(s->chr))
            set_reading(s, true);
        return false;
    }
    ssize_t n = read(s->in_fd, s->in_buffer, room);
    if (n > 0) {
        size_t len = s->filter ? s->filter(s->chr, s->in_buffer, (size_t)n) : (size_t)n;
        chardev_deliver(s->chr, s->in_buffer, len);
        return true;
    }
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    s->at_end = true;
    set_reading(s, false);
    if (s->hangup)
        s->hangup(s->chr);
    return false;
}

static void in_ready(void *opaque, uint32_t events)
{
    (void)events;
    read_some(opaque);
}

/* Some, so that the main loop comes to its other work. */
static void pump(void *opaque)
{
    FdStream *s = opaque;
    int reads = 0;
    atomic_store(&s->posted, false);
    while (reads < PUMP_READS && read_some(s))
        reads++;
    if (reads == PUMP_READS)
        fdstream_accept_input(s);
}

void fdstream_accept_input(FdStream *s)
{
    if (s->at_end || s->in_fd < 0)
        return;
    if (s->always_ready) {
        if (!atomic_exchange(&s->posted, true))
            mainloop_post(s->chr->loop, pump, s);
    } else {
        set_reading(s, true);
    }
}

static bool takes_output(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, 0) > 0 && p.revents & (POLLOUT | POLLERR | POLLHUP);
}

static size_t write_now(const FdStream *s, const uint8_t *buf, size_t len)
{
    size_t done = 0;
    while (done < len) {
        if (!s->out_nonblocking && !takes_output(s->out_fd))
            break;
        size_t piece = s->out_nonblocking ? len - done : MIN(len - done, (size_t)PIPE_BUF);
        ssize_t n = write(s->out_fd, buf + done, piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return len; /* nobody listens any more: drop */
        if (n < 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static void flush_buffer(FdStream *s)
{
    size_t n = write_now(s, s->buffer, s->pending);
    memmove(s->buffer, s->buffer + n, s->pending - n);
    s->pending -= n;
}

static void out_ready(void *opaque, uint32_t events)
{
    FdStream *s = opaque;
    pthread_mutex_lock(&s->chr->lock);
    flush_buffer(s);
    if (events & EPOLLHUP)
        s->pending = 0; /* nobody is there to take it, though a pseudo-terminal does not say so */
    bool more = s->pending, tell = s->starved && s->pending <= OUT_BUFFER_BYTES / 2;
    s->starved &= !tell;
    pthread_mutex_unlock(&s->chr->lock);
    mainloop_watch_set(s->out, more ? EPOLLOUT : 0);
    if (tell)
        chardev_writable(s->chr);
}

static void start_output(void *opaque)
{
    FdStream *s = opaque;
    if (s->out)
        mainloop_watch_set(s->out, EPOLLOUT);
}

size_t fdstream_write(FdStream *s, const uint8_t *buf, size_t len)
{
    size_t done = s->pending ? 0 : write_now(s, buf, len);
    if (done == len)
        return len;
    if (!s->pending && s->out)
        mainloop_post(s->chr->loop, start_output, s);
    size_t n = MIN(len - done, OUT_BUFFER_BYTES - s->pending);
    memcpy(s->buffer + s->pending, buf + done, n);
    s->pending += n;
    s->starved |= done + n < len;
    return done + n;
}

size_t fdstream_room(FdStream *s)
{
    size_t room = OUT_BUFFER_BYTES - s->pending;
    s->starved |= room < 2;
    return room;
}

void fdstream_set_filter(FdStream *s, size_t (*filter)(Chardev *chr, uint8_t *buf, size_t len))
{
    s->filter = filter;
}

/* What epoll refuses, as a file, is always ready: that is no error, and *watch is NULL. */
static bool watch(FdStream *s, int fd, uint32_t events, void (*ready)(void *, uint32_t),
                  LoopWatch **watch, Error **err)
{
    Error *refused = NULL;
    *watch = mainloop_watch(s->chr->loop, fd, events, ready, s, &refused);
    bool ok = *watch || errno == EPERM || error_set(err, "%s", error_text(refused));
    error_free(refused);
    if (*watch)
        mainloop_watch_set(*watch, 0);
    return ok;
}

static bool watch_both(FdStream *s, Error **err)
{
    if (s->in_fd >= 0 && !watch(s, s->in_fd, EPOLLIN, in_ready, &s->in, err))
        return false;
    s->always_ready = s->in_fd >= 0 && !s->in;
    return watch(s, s->out_dup, EPOLLOUT, out_ready, &s->out, err);
}

FdStream *fdstream_create(Chardev *chr, int in_fd, int out_fd, void (*hangup)(Chardev *chr),
                          Error **err)
{
    FdStream *s = calloc(1, sizeof(*s));
    if (!s) {
        error_set(err, "out of memory for a character device");
        return NULL;
    }
    s->chr = chr;
    s->in_fd = in_fd;
    s->out_fd = out_fd;
    s->hangup = hangup;
    s->out_nonblocking = fcntl(out_fd, F_GETFL) & O_NONBLOCK;
    pthread_mutex_init(&s->reading_lock, NULL);
    s->out_dup = dup(out_fd);
    bool ok = s->out_dup >= 0 ||
              error_set_errno(err, errno, "cannot duplicate a character device's descriptor");
    if (ok && watch_both(s, err))
        return s;
    fdstream_destroy(s);
    return NULL;
}

void fdstream_destroy(FdStream *s)
{
    if (!s)
        return;
    /* what is left gets a last, bounded chance */
    for (int tries = 0; s->pending && tries < 100; tries++) {
        struct pollfd p = { .fd = s->out_fd, .events = POLLOUT };
        poll(&p, 1, 10);
        flush_buffer(s);
    }
    mainloop_unwatch(s->in);
    mainloop_unwatch(s->out);
    mainloop_unpost(s->chr->loop, s);
    if (s->out_dup >= 0)
        close(s->out_dup);
    pthread_mutex_destroy(&s->reading_lock);
    free(s);
}
