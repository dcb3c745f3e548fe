// SPDX-License-Identifier: MIT
//
// Character devices on unix sockets: `unix:PATH` connects, `unix:PATH,server=on` listens for one
// peer at a time (wait=on, the default, waits for the first one before the guest starts).
#include "chardev/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct SocketState {
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int listen_fd, fd; /* -1: none */
    LoopWatch *listener;
    FdStream *stream;
} SocketState;

typedef struct SocketOptions {
    bool server, wait;
} SocketOptions;

static bool parse_option(const char *text, size_t len, SocketOptions *o, Error **err)
{
    static const struct {
        const char *text;
        bool sets_server, value;
    } rows[] = {
        { "server=on", true, true }, { "server", true, true }, { "server=off", true, false },
        { "wait=on", false, true }, { "wait=off", false, false }, { "nowait", false, false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strlen(rows[i].text) != len || memcmp(rows[i].text, text, len))
            continue;
        *(rows[i].sets_server ? &o->server : &o->wait) = rows[i].value;
        return true;
    }
    return error_set(err, "unknown option '%.*s' of a unix socket; known are server=on|off and "
                     "wait=on|off", (int)len, text);
}

static void disconnect(void *opaque)
{
    Chardev *chr = opaque;
    SocketState *s = chr->state;
    if (s->fd < 0)
        return;
    pthread_mutex_lock(&chr->lock);
    FdStream *old = s->stream;
    s->stream = NULL;
    pthread_mutex_unlock(&chr->lock);
    fdstream_destroy(old);
    close(s->fd);
    s->fd = -1;
    chardev_event(chr, CHARDEV_CLOSED);
    if (s->listener)
        mainloop_watch_set(s->listener, EPOLLIN);
}

/* Called while the stream is on the stack: take it down afterwards. */
static void hangup(Chardev *chr)
{
    mainloop_post(chr->loop, disconnect, chr);
}

static bool connected(Chardev *chr, int fd, Error **err)
{
    SocketState *s = chr->state;
    FdStream *stream = fdstream_create(chr, fd, fd, hangup, err);
    if (!stream) {
        close(fd);
        return false;
    }
    s->fd = fd;
    pthread_mutex_lock(&chr->lock);
    s->stream = stream;
    pthread_mutex_unlock(&chr->lock);
    if (s->listener)
        mainloop_watch_set(s->listener, 0);
    chardev_event(chr, CHARDEV_OPENED);
    fdstream_accept_input(stream);
    return true;
}

static void accept_ready(void *opaque, uint32_t events)
{
    Chardev *chr = opaque;
    SocketState *s = chr->state;
    (void)events;
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        (void)!connected(chr, fd, NULL);
}

/* Another kind of file of that name is somebody's data. */
static bool is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool listen_at(Chardev *chr, int fd, const struct sockaddr_un *addr, bool wait,
                      Error **err)
{
    SocketState *s = chr->state;
    /* a socket file that nobody listens on is left over and is replaced */
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool in_use = connect(probe, (const struct sockaddr *)addr, sizeof(*addr)) == 0;
    if (!in_use && errno == ECONNREFUSED && is_socket(addr->sun_path))
        unlink(addr->sun_path);
    close(probe);
    if (in_use || bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ||
        listen(fd, 1) < 0)
        return error_set(err, "cannot listen on the unix socket '%s': %s; choose another path",
                         addr->sun_path, in_use ? "it is in use" : strerror(errno));
    s->listen_fd = fd;
    s->listener = mainloop_watch(chr->loop, fd, EPOLLIN, accept_ready, chr, err);
    if (!s->listener)
        return false;
    if (!wait)
        return true;
    fprintf(stderr, "dragoman: waiting for a connection to unix:%s\n", addr->sun_path);
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    return peer >= 0 ? connected(chr, peer, err)
                     : error_set_errno(err, errno, "cannot accept on '%s'", addr->sun_path);
}

static void unix_close(Chardev *chr)
{
    SocketState *s = chr->state;
    fdstream_destroy(s->stream);
    mainloop_unwatch(s->listener);
    if (s->fd >= 0)
        close(s->fd);
    if (s->listen_fd >= 0) {
        close(s->listen_fd);
        unlink(s->path);
    }
    free(s);
}

static bool unix_start(Chardev *chr, const char *argument, Error **err)
{
    SocketState *s = chr->state;
    SocketOptions o = { .server = false, .wait = true };
    size_t len = strcspn(argument, ",");
    if (len >= sizeof(s->path))
        return error_set(err, "the unix socket's path '%.*s' is longer than %zu bytes; choose a "
                         "shorter one", (int)len, argument, sizeof(s->path) - 1);
    memcpy(s->path, argument, len);
    for (const char *p = argument + len; *p;) {
        size_t n = strcspn(++p, ",");
        if (!parse_option(p, n, &o, err))
            return false;
        p += n;
    }
    chardev_set_label(chr, "unix:%s", s->path);
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    memcpy(addr.sun_path, s->path, sizeof(addr.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot create a unix socket");
    if (o.server) {
        if (listen_at(chr, fd, &addr, o.wait, err))
            return true;
    } else if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
        return connected(chr, fd, err);
    } else {
        error_set_errno(err, errno, "cannot connect to the unix socket '%s'; is its server "
                        "running? (',server=on' makes this side listen)", s->path);
    }
    if (s->listen_fd != fd)
        close(fd);
    return false;
}

static bool unix_open(Chardev *chr, const char *argument, Error **err)
{
    SocketState *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, "out of memory for a character device");
    s->listen_fd = s->fd = -1;
    chr->state = s;
    if (unix_start(chr, argument, err))
        return true;
    unix_close(chr);
    return false;
}

/* Without a peer output is dropped, as on a line with nothing plugged in. */
static size_t unix_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    SocketState *s = chr->state;
    return s->stream ? fdstream_write(s->stream, buf, len) : len;
}

static void unix_accept_input(Chardev *chr)
{
    SocketState *s = chr->state;
    if (s->stream)
        fdstream_accept_input(s->stream);
}

static void unix_attached(Chardev *chr)
{
    SocketState *s = chr->state;
    if (s->stream)
        chardev_event(chr, CHARDEV_OPENED);
}

const ChardevKind chardev_unix = {
    .name = "unix", .help = "a unix socket", .takes_argument = true, .open = unix_open,
    .close = unix_close, .write = unix_write, .accept_input = unix_accept_input,
    .attached = unix_attached,
};
