// SPDX-License-Identifier: MIT
//
// The character device on a new pseudo-terminal. We have the master's end; whoever opens the other
// one, by the name that is told, is the peer. Without a peer output is dropped: the guest goes on.
//
// The kernel says that the last peer is gone (reading fails), but not that one is there again, so
// that is looked after LOOK_MS by a timer. Output of the meantime goes straight to the terminal.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>
#include "chardev/internal.h"

enum { LOOK_MS = 100 };

typedef struct PtyState {
    int fd, timer_fd; /* fd: the master */
    LoopWatch *timer;
    FdStream *stream; /* under the chardev's lock: while somebody is there */
} PtyState;

/* ---- a peer comes and goes -------------------------------------------------------------- */

static void look_again(const PtyState *s, bool on)
{
    const struct timespec period = { .tv_nsec = on ? LOOK_MS * 1000000L : 0 };
    timerfd_settime(s->timer_fd, 0, &(struct itimerspec){ period, period }, NULL);
}

static void set_stream(Chardev *chr, FdStream *stream)
{
    PtyState *s = chr->state;
    pthread_mutex_lock(&chr->lock);
    s->stream = stream;
    pthread_mutex_unlock(&chr->lock);
    look_again(s, !stream);
    chardev_event(chr, stream ? CHARDEV_OPENED : CHARDEV_CLOSED);
}

static void disconnect(void *opaque)
{
    Chardev *chr = opaque;
    PtyState *s = chr->state;
    FdStream *old = s->stream;
    if (!old)
        return;
    set_stream(chr, NULL);
    fdstream_destroy(old);
    chardev_writable(chr); /* what waits for the peer is dropped now */
}

/* Called while the stream is on the stack: take it down afterwards. */
static void hangup(Chardev *chr)
{
    mainloop_post(chr->loop, disconnect, chr);
}

static bool somebody_is_there(const PtyState *s)
{
    struct pollfd p = { .fd = s->fd };
    return poll(&p, 1, 0) == 0; /* else it is POLLHUP */
}

static void look(void *opaque, uint32_t events)
{
    Chardev *chr = opaque;
    PtyState *s = chr->state;
    uint64_t count;
    if (read(s->timer_fd, &count, sizeof(count)) != sizeof(count) || s->stream ||
        !somebody_is_there(s))
        return;
    FdStream *stream = fdstream_create(chr, s->fd, s->fd, hangup, NULL);
    if (!stream)
        return;
    set_stream(chr, stream);
    fdstream_accept_input(stream);
}

/* ---- the device ------------------------------------------------------------------------- */

static void pty_close(Chardev *chr)
{
    PtyState *s = chr->state;
    fdstream_destroy(s->stream);
    mainloop_unwatch(s->timer);
    if (s->timer_fd >= 0)
        close(s->timer_fd);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

static bool start(Chardev *chr, PtyState *s, Error **err)
{
    char name[128];
    struct termios raw;
    int peer;
    if (openpty(&s->fd, &peer, name, NULL, NULL) < 0)
        return error_set_errno(err, errno, "cannot open a pseudo-terminal");
    tcgetattr(peer, &raw);
    cfmakeraw(&raw);
    tcsetattr(peer, TCSANOW, &raw); /* stays after the close */
    close(peer);
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
    fcntl(s->fd, F_SETFD, FD_CLOEXEC);
    chardev_set_label(chr, "pty:%s", name);
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (s->timer_fd < 0)
        return error_set_errno(err, errno, "cannot create a timer");
    s->timer = mainloop_watch(chr->loop, s->timer_fd, EPOLLIN, look, chr, err);
    if (s->timer)
        look_again(s, true);
    return s->timer;
}

static bool pty_open(Chardev *chr, Keyval *options, Error **err)
{
    PtyState *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, "out of memory for a character device");
    s->fd = s->timer_fd = -1;
    chr->state = s;
    if (start(chr, s, err))
        return true;
    pty_close(chr);
    return false;
}

static size_t pty_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    PtyState *s = chr->state;
    if (s->stream)
        return fdstream_write(s->stream, buf, len);
    if (somebody_is_there(s)) /* and was not noticed yet */
        (void)!write(s->fd, buf, len);
    return len;
}

static void pty_accept_input(Chardev *chr)
{
    PtyState *s = chr->state;
    pthread_mutex_lock(&chr->lock); /* the stream may go meanwhile */
    if (s->stream)
        fdstream_accept_input(s->stream);
    pthread_mutex_unlock(&chr->lock);
}

static void pty_attached(Chardev *chr)
{
    PtyState *s = chr->state;
    chardev_event(chr, s->stream ? CHARDEV_OPENED : CHARDEV_CLOSED);
}

const ChardevKind chardev_pty = {
    .name = "pty", .help = "a new pseudo-terminal", .open = pty_open, .close = pty_close,
    .write = pty_write, .accept_input = pty_accept_input, .attached = pty_attached,
};
