// SPDX-License-Identifier: MIT
//
// Character devices on descriptors that stay: standard input and output, files, pseudo-terminals.
#include "chardev/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

typedef struct StreamState {
    FdStream *stream;
    TerminalGuard *guard;
    int fd, peer_fd; /* to close, or -1 */
} StreamState;

static bool state_new(Chardev *chr, Error **err)
{
    StreamState *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, "out of memory for a character device");
    s->fd = s->peer_fd = -1;
    chr->state = s;
    return true;
}

static void stream_close(Chardev *chr)
{
    StreamState *s = chr->state;
    fdstream_destroy(s->stream);
    terminal_restore(s->guard);
    if (s->fd >= 0)
        close(s->fd);
    if (s->peer_fd >= 0)
        close(s->peer_fd);
    free(s);
}

static size_t stream_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    StreamState *s = chr->state;
    return fdstream_write(s->stream, buf, len);
}

static void stream_accept_input(Chardev *chr)
{
    StreamState *s = chr->state;
    fdstream_accept_input(s->stream);
}

static void stream_attached(Chardev *chr)
{
    chardev_event(chr, CHARDEV_OPENED);
}

static bool stdio_open(Chardev *chr, const char *argument, Error **err)
{
    (void)argument;
    if (!state_new(chr, err))
        return false;
    StreamState *s = chr->state;
    bool keep_signals = !chr->id || strcmp(chr->id, "mux");
    if (!terminal_make_raw(STDIN_FILENO, keep_signals, &s->guard, err))
        goto fail;
    s->stream = fdstream_create(chr, STDIN_FILENO, STDOUT_FILENO, NULL, err);
    if (s->stream)
        return true;
fail:
    stream_close(chr);
    return false;
}

static bool file_open(Chardev *chr, const char *path, Error **err)
{
    if (!state_new(chr, err))
        return false;
    StreamState *s = chr->state;
    s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s->fd < 0) {
        error_set_errno(err, errno, "cannot write the character device's file '%s'", path);
        goto fail;
    }
    chardev_set_label(chr, "file:%s", path);
    s->stream = fdstream_create(chr, -1, s->fd, NULL, err);
    if (s->stream)
        return true;
fail:
    stream_close(chr);
    return false;
}

/* The other end stays open here too: without it a pty without a reader is in permanent hang-up. */
static bool pty_open(Chardev *chr, const char *argument, Error **err)
{
    char name[128];
    struct termios raw;
    (void)argument;
    if (!state_new(chr, err))
        return false;
    StreamState *s = chr->state;
    if (openpty(&s->fd, &s->peer_fd, name, NULL, NULL) < 0) {
        error_set_errno(err, errno, "cannot open a pseudo-terminal");
        goto fail;
    }
    tcgetattr(s->peer_fd, &raw);
    cfmakeraw(&raw);
    tcsetattr(s->peer_fd, TCSANOW, &raw);
    chardev_set_label(chr, "pty:%s", name);
    s->stream = fdstream_create(chr, s->fd, s->fd, NULL, err);
    if (s->stream)
        return true;
fail:
    stream_close(chr);
    return false;
}

#define STREAM_OPS .close = stream_close, .write = stream_write, \
    .accept_input = stream_accept_input, .attached = stream_attached

const ChardevKind chardev_stdio = {
    .name = "stdio", .help = "this terminal", .open = stdio_open, STREAM_OPS
};
const ChardevKind chardev_file = {
    .name = "file", .help = "a file that takes the output", .takes_argument = true,
    .open = file_open, STREAM_OPS
};
const ChardevKind chardev_pty = {
    .name = "pty", .help = "a new pseudo-terminal", .open = pty_open, STREAM_OPS
};
