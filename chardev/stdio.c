// SPDX-License-Identifier: MIT
//
// The character device on standard input and output: raw while it is a terminal, whose window's
// size the frontend learns (SIGWINCH, which all threads block, comes by a descriptor).
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include "chardev/internal.h"

typedef struct StdioState {
    FdStream *stream;
    TerminalGuard *guard;
    int resize_fd; /* or -1 */
    LoopWatch *resize;
} StdioState;

static void stdio_close(Chardev *chr)
{
    StdioState *s = chr->state;
    fdstream_destroy(s->stream);
    terminal_restore(s->guard);
    mainloop_unwatch(s->resize);
    if (s->resize_fd >= 0)
        close(s->resize_fd);
    chr->host->stdio_taken = false;
    free(s);
}

static void look_at_window(Chardev *chr)
{
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0)
        chardev_set_size(chr, w.ws_col, w.ws_row);
}

static void window_changed(void *opaque, uint32_t events)
{
    Chardev *chr = opaque;
    StdioState *s = chr->state;
    struct signalfd_siginfo info;
    if (read(s->resize_fd, &info, sizeof(info)) == sizeof(info))
        look_at_window(chr);
}

static bool watch_window(Chardev *chr, Error **err)
{
    StdioState *s = chr->state;
    sigset_t set;
    if (!isatty(STDOUT_FILENO))
        return true;
    look_at_window(chr);
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    s->resize_fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (s->resize_fd >= 0)
        s->resize = mainloop_watch(chr->loop, s->resize_fd, EPOLLIN, window_changed, chr, err);
    return s->resize_fd < 0 || s->resize;
}

static bool stdio_open(Chardev *chr, Keyval *options, Error **err)
{
    bool keep_signals = true;
    if (!keyval_take_bool(options, "signal", &keep_signals, err))
        return false;
    if (chr->host->stdio_taken)
        return error_set(err, "this terminal is taken already; use '-serial mon:stdio' to share it "
                         "between serial line and monitor");
    StdioState *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, "out of memory for a character device");
    s->resize_fd = -1;
    chr->state = s;
    chr->host->stdio_taken = true;
    if (terminal_make_raw(STDIN_FILENO, keep_signals, &s->guard, err) && watch_window(chr, err))
        s->stream = fdstream_create(chr, STDIN_FILENO, STDOUT_FILENO, NULL, err);
    if (s->stream)
        return true;
    stdio_close(chr);
    return false;
}

static size_t stdio_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    return fdstream_write(((StdioState *)chr->state)->stream, buf, len);
}

static void stdio_accept_input(Chardev *chr)
{
    fdstream_accept_input(((StdioState *)chr->state)->stream);
}

static const char *const stdio_options[] = { "signal", NULL };

const ChardevKind chardev_stdio = {
    .name = "stdio", .help = "this terminal", .options = stdio_options, .open = stdio_open,
    .close = stdio_close, .write = stdio_write, .accept_input = stdio_accept_input,
};
