// SPDX-License-Identifier: MIT
//
// Character devices on stream sockets, unix and TCP. A client connects when it is opened, or with
// reconnect= again and again; a server (server=on) has one peer at a time, and with wait=on, the
// default, waits for the first one before the guest starts.
//
// Without a peer output is dropped, as on a line with nothing plugged in. A server without a host
// listens to this computer only.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>
#include "chardev/internal.h"

typedef struct SocketState {
    /* options */
    bool server, wait, telnet, nodelay;
    uint64_t reconnect_ms; /* 0: never */

    struct addrinfo *addresses, unix_info; /* those of TCP are getaddrinfo()'s */
    struct sockaddr_un unix_addr;
    const struct addrinfo *next; /* the one to try next, when reconnecting */
    int listen_fd, fd, timer_fd; /* -1: none */
    LoopWatch *listener, *connecting, *timer;
    FdStream *stream;
    TelnetState telnet_state;
} SocketState;

static bool is_unix(const SocketState *s)
{
    return s->addresses == &s->unix_info;
}

/* ---- a peer comes and goes -------------------------------------------------------------- */

static void arm_reconnect(SocketState *s)
{
    struct itimerspec when = { .it_value = { .tv_sec = (time_t)(s->reconnect_ms / 1000),
                                             .tv_nsec = (long)(s->reconnect_ms % 1000) * 1000000 } };
    timerfd_settime(s->timer_fd, 0, &when, NULL);
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
    chardev_writable(chr); /* what waits for the peer is dropped now */
    if (s->listener)
        mainloop_watch_set(s->listener, EPOLLIN);
    if (s->reconnect_ms)
        arm_reconnect(s);
}

/* Called while the stream is on the stack: take it down afterwards. */
static void hangup(Chardev *chr)
{
    mainloop_post(chr->loop, disconnect, chr);
}

static size_t strip_telnet(Chardev *chr, uint8_t *buf, size_t len)
{
    return telnet_strip(&((SocketState *)chr->state)->telnet_state, chr, buf, len);
}

static bool connected(Chardev *chr, int fd, Error **err)
{
    SocketState *s = chr->state;
    int one = 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (s->nodelay && !is_unix(s))
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    FdStream *stream = fdstream_create(chr, fd, fd, hangup, err);
    if (!stream) {
        close(fd);
        return false;
    }
    s->fd = fd;
    s->telnet_state = TELNET_DATA;
    if (s->telnet) {
        fdstream_set_filter(stream, strip_telnet);
        telnet_greet(stream);
    }
    pthread_mutex_lock(&chr->lock);
    s->stream = stream;
    pthread_mutex_unlock(&chr->lock);
    if (s->listener)
        mainloop_watch_set(s->listener, 0);
    chardev_event(chr, CHARDEV_OPENED);
    fdstream_accept_input(stream);
    return true;
}

/* ---- server ----------------------------------------------------------------------------- */

static void accept_ready(void *opaque, uint32_t events)
{
    Chardev *chr = opaque;
    SocketState *s = chr->state;
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

/* A socket file that nobody listens on is left over. False: somebody does. */
static bool clear_path(const SocketState *s)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool in_use = connect(probe, s->addresses->ai_addr, s->addresses->ai_addrlen) == 0;
    if (!in_use && errno == ECONNREFUSED && is_socket(s->unix_addr.sun_path))
        unlink(s->unix_addr.sun_path);
    close(probe);
    return !in_use;
}

/* 0 or an errno value. */
static int bind_to(SocketState *s, const struct addrinfo *a)
{
    int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (!is_unix(s))
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0) {
        s->listen_fd = fd;
        return 0;
    }
    int e = errno;
    close(fd);
    return e;
}

static bool start_server(Chardev *chr, Error **err)
{
    SocketState *s = chr->state;
    int e = is_unix(s) && !clear_path(s) ? EADDRINUSE : -1;
    for (const struct addrinfo *a = s->addresses; a && e && e != EADDRINUSE; a = a->ai_next)
        e = bind_to(s, a);
    if (e)
        return error_set(err, "cannot listen on '%s': %s; choose another address or path",
                         chardev_label(chr), e == EADDRINUSE ? "it is in use" : strerror(e));
    s->listener = mainloop_watch(chr->loop, s->listen_fd, EPOLLIN, accept_ready, chr, err);
    if (!s->listener || !s->wait)
        return s->listener;
    fprintf(stderr, "dragoman: waiting for a connection to %s\n", chardev_label(chr));
    int peer = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    return peer >= 0 ? connected(chr, peer, err)
                     : error_set_errno(err, errno, "cannot accept on '%s'", chardev_label(chr));
}

/* ---- client ----------------------------------------------------------------------------- */

static bool connect_once(Chardev *chr, Error **err)
{
    const SocketState *s = chr->state;
    int e = ENOENT;
    for (const struct addrinfo *a = s->addresses; a; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            return connected(chr, fd, err);
        e = errno;
        if (fd >= 0)
            close(fd);
    }
    return error_set(err, "cannot connect to '%s': %s; is its server running? (',server=on' makes "
                     "this side listen)", chardev_label(chr), strerror(e));
}

static void finish_connect(Chardev *chr, int fd, int error)
{
    SocketState *s = chr->state;
    if (!error && connected(chr, fd, NULL))
        return;
    if (error && fd >= 0)
        close(fd);
    arm_reconnect(s);
}

static void connect_ready(void *opaque, uint32_t events)
{
    Chardev *chr = opaque;
    SocketState *s = chr->state;
    int error = 0, fd = s->fd;
    socklen_t len = sizeof(error);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    mainloop_unwatch(s->connecting);
    s->connecting = NULL;
    s->fd = -1;
    finish_connect(chr, fd, error);
}

/* One attempt that does not wait, at the next of the addresses. */
static void try_connect(Chardev *chr)
{
    SocketState *s = chr->state;
    const struct addrinfo *a = s->next ? s->next : s->addresses;
    s->next = a->ai_next;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 || connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? errno : 0;
    if (error == EINPROGRESS) {
        s->connecting = mainloop_watch(chr->loop, fd, EPOLLOUT, connect_ready, chr, NULL);
        s->fd = s->connecting ? fd : -1;
    }
    if (!s->connecting)
        finish_connect(chr, fd, error);
}

static void reconnect_due(void *opaque, uint32_t events)
{
    Chardev *chr = opaque;
    SocketState *s = chr->state;
    uint64_t count;
    if (read(s->timer_fd, &count, sizeof(count)) == sizeof(count) && s->fd < 0)
        try_connect(chr);
}

static bool start_client(Chardev *chr, Error **err)
{
    SocketState *s = chr->state;
    if (!s->reconnect_ms)
        return connect_once(chr, err);
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (s->timer_fd < 0)
        return error_set_errno(err, errno, "cannot create a timer");
    s->timer = mainloop_watch(chr->loop, s->timer_fd, EPOLLIN, reconnect_due, chr, err);
    if (!s->timer)
        return false;
    try_connect(chr);
    return true;
}

/* ---- options ---------------------------------------------------------------------------- */

static bool take_reconnect(SocketState *s, Keyval *o, Error **err)
{
    static const struct {
        const char *name;
        unsigned ms;
    } units[] = { { "reconnect", 1000 }, { "reconnect-ms", 1 } };
    for (int i = 0; i < 2; i++) {
        const char *text = keyval_take(o, units[i].name);
        char *end;
        unsigned long n = text ? strtoul(text, &end, 10) : 0;
        if (text && (end == text || *end || *text == '-' || n > 1000000))
            return error_set(err, "%s=%s is not a number up to 1000000", units[i].name, text);
        if (text)
            s->reconnect_ms = (uint64_t)n * units[i].ms;
    }
    return true;
}

static bool take_switches(SocketState *s, Keyval *o, Error **err)
{
    bool nowait = false, delay = true;
    s->wait = true;
    bool wait_given = keyval_take(o, "wait") || keyval_take(o, "nowait");
    if (!keyval_take_bool(o, "server", &s->server, err) ||
        !keyval_take_bool(o, "wait", &s->wait, err) ||
        !keyval_take_bool(o, "nowait", &nowait, err) ||
        !keyval_take_bool(o, "telnet", &s->telnet, err) ||
        !keyval_take_bool(o, "nodelay", &s->nodelay, err) ||
        !keyval_take_bool(o, "delay", &delay, err) || !take_reconnect(s, o, err))
        return false;
    s->wait &= !nowait;
    s->nodelay |= !delay;
    if (s->server && s->reconnect_ms)
        return error_set(err, "a socket that listens cannot reconnect; leave out reconnect or "
                         "server=on");
    return s->server || !wait_given ||
           error_set(err, "a socket that connects has nothing to wait for; leave out wait, or add "
                     "server=on");
}

static bool set_unix(Chardev *chr, const char *path, Error **err)
{
    SocketState *s = chr->state;
    if (strlen(path) >= sizeof(s->unix_addr.sun_path))
        return error_set(err, "the unix socket's path '%s' is longer than %zu bytes; choose a "
                         "shorter one", path, sizeof(s->unix_addr.sun_path) - 1);
    s->unix_addr.sun_family = AF_UNIX;
    strcpy(s->unix_addr.sun_path, path);
    s->unix_info = (struct addrinfo){ .ai_family = AF_UNIX,
                                      .ai_addr = (struct sockaddr *)&s->unix_addr,
                                      .ai_addrlen = sizeof(s->unix_addr) };
    s->addresses = &s->unix_info;
    chardev_set_label(chr, "unix:%s", path);
    return true;
}

static bool set_tcp(Chardev *chr, const char *host, const char *port, Keyval *o, Error **err)
{
    SocketState *s = chr->state;
    bool ipv4 = true, ipv6 = true;
    if (!keyval_take_bool(o, "ipv4", &ipv4, err) || !keyval_take_bool(o, "ipv6", &ipv6, err))
        return false;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_family = !ipv6 ? AF_INET : !ipv4 ? AF_INET6 : AF_UNSPEC };
    char *end;
    if (strtoul(port, &end, 10) > UINT16_MAX && !*end) /* which getaddrinfo() cuts to 16 bits */
        return error_set(err, "'%s' is no port; write a number up to %d", port, UINT16_MAX);
    if (!host || !*host)
        host = ipv4 ? "127.0.0.1" : "::1";
    int e = getaddrinfo(host, port, &hints, &s->addresses);
    chardev_set_label(chr, "%s:%s:%s", s->telnet ? "telnet" : "tcp", host, port);
    return e == 0 || error_set(err, "'%s:%s' is no address: %s", host, port, gai_strerror(e));
}

static bool set_address(Chardev *chr, Keyval *o, Error **err)
{
    const char *path = keyval_take(o, "path"), *host = keyval_take(o, "host");
    const char *port = keyval_take(o, "port");
    if (path && (host || port))
        return error_set(err, "a socket has either a path or a host and port; leave one out");
    if (path && *path)
        return set_unix(chr, path, err);
    if (port && *port)
        return set_tcp(chr, host, port, o, err);
    return error_set(err, "a socket needs an address; write path=FILE, or host=HOST,port=PORT");
}

/* ---- the device ------------------------------------------------------------------------- */

static void socket_close(Chardev *chr)
{
    SocketState *s = chr->state;
    const int fds[] = { s->fd, s->timer_fd, s->listen_fd };
    fdstream_destroy(s->stream);
    mainloop_unwatch(s->listener);
    mainloop_unwatch(s->connecting);
    mainloop_unwatch(s->timer);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (is_unix(s) && s->listen_fd >= 0)
        unlink(s->unix_addr.sun_path);
    if (s->addresses && !is_unix(s))
        freeaddrinfo(s->addresses);
    free(s);
}

static bool socket_open(Chardev *chr, Keyval *options, Error **err)
{
    SocketState *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, "out of memory for a character device");
    s->listen_fd = s->fd = s->timer_fd = -1;
    chr->state = s;
    if (take_switches(s, options, err) && set_address(chr, options, err) &&
        (s->server ? start_server(chr, err) : start_client(chr, err)))
        return true;
    socket_close(chr);
    return false;
}

static size_t socket_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    SocketState *s = chr->state;
    if (!s->stream)
        return len;
    return s->telnet ? telnet_write(s->stream, buf, len) : fdstream_write(s->stream, buf, len);
}

static void socket_accept_input(Chardev *chr)
{
    SocketState *s = chr->state;
    pthread_mutex_lock(&chr->lock); /* the stream may go meanwhile */
    if (s->stream)
        fdstream_accept_input(s->stream);
    pthread_mutex_unlock(&chr->lock);
}

static void socket_attached(Chardev *chr)
{
    SocketState *s = chr->state;
    chardev_event(chr, s->stream ? CHARDEV_OPENED : CHARDEV_CLOSED);
}

static const char *const socket_options[] = {
    "path", "host", "port", "server", "wait", "nowait", "telnet", "nodelay", "delay", "reconnect",
    "reconnect-ms", "ipv4", "ipv6", NULL
};

const ChardevKind chardev_socket = {
    .name = "socket", .help = "a unix or TCP connection", .options = socket_options,
    .open = socket_open, .close = socket_close, .write = socket_write,
    .accept_input = socket_accept_input, .attached = socket_attached,
};
