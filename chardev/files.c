// SPDX-License-Identifier: MIT
//
// Character devices on files that are opened once: regular files, named pipes, serial ports of the
// host.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "chardev/internal.h"

typedef struct FileState {
    FdStream *stream;
    int fd, other_fd; /* to close, or -1 */
} FileState;

static void file_close(Chardev *chr)
{
    FileState *s = chr->state;
    fdstream_destroy(s->stream);
    if (s->fd >= 0)
        close(s->fd);
    if (s->other_fd >= 0)
        close(s->other_fd);
    free(s);
}

static size_t file_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    return fdstream_write(((FileState *)chr->state)->stream, buf, len);
}

static void file_accept_input(Chardev *chr)
{
    fdstream_accept_input(((FileState *)chr->state)->stream);
}

/* `start` opens the descriptors. */
static bool open_with(Chardev *chr, Keyval *options, Error **err,
                      bool (*start)(Chardev *chr, FileState *s, Keyval *options, Error **err))
{
    FileState *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, "out of memory for a character device");
    s->fd = s->other_fd = -1;
    chr->state = s;
    if (start(chr, s, options, err))
        return true;
    file_close(chr);
    return false;
}

static const char *take_path(const Chardev *chr, Keyval *options, Error **err)
{
    const char *path = keyval_take(options, "path");
    if (path && *path)
        return path;
    error_set(err, "character device '%s' needs a path; write path=FILE", chr->kind->name);
    return NULL;
}

static bool stream(Chardev *chr, FileState *s, int in_fd, int out_fd, Error **err)
{
    s->stream = fdstream_create(chr, in_fd, out_fd, NULL, err);
    return s->stream;
}

/* ---- regular files ---------------------------------------------------------------------- */

static bool start_file(Chardev *chr, FileState *s, Keyval *options, Error **err)
{
    bool append = false;
    const char *path = take_path(chr, options, err), *input = keyval_take(options, "input-path");
    if (!path || !keyval_take_bool(options, "append", &append, err))
        return false;
    s->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | (append ? O_APPEND : O_TRUNC),
                 0666);
    if (s->fd < 0)
        return error_set_errno(err, errno, "cannot write the character device's file '%s'", path);
    if (input && (s->other_fd = open(input, O_RDONLY | O_CLOEXEC)) < 0)
        return error_set_errno(err, errno, "cannot read the character device's input '%s'", input);
    chardev_set_label(chr, "file:%s", path);
    return stream(chr, s, s->other_fd, s->fd, err);
}

static bool file_open(Chardev *chr, Keyval *options, Error **err)
{
    return open_with(chr, options, err, start_file);
}

/* ---- named pipes ------------------------------------------------------------------------ */

/* Read and write, so that neither opening waits for the other side nor its going is the end. */
static int open_pipe(const char *path, const char *suffix)
{
    char full[4096];
    if ((size_t)snprintf(full, sizeof(full), "%s%s", path, suffix) >= sizeof(full)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(full, O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

static bool start_pipe(Chardev *chr, FileState *s, Keyval *options, Error **err)
{
    const char *path = take_path(chr, options, err);
    if (!path)
        return false;
    s->fd = open_pipe(path, ".out");
    s->other_fd = open_pipe(path, ".in");
    chardev_set_label(chr, "pipe:%s", path);
    if (s->fd >= 0 && s->other_fd >= 0)
        return stream(chr, s, s->other_fd, s->fd, err);
    if (s->fd < 0)
        s->fd = open_pipe(path, "");
    if (s->fd < 0)
        return error_set_errno(err, errno, "cannot open the pipes '%s.in' and '%s.out'; make them "
                               "with mkfifo", path, path);
    return stream(chr, s, s->fd, s->fd, err);
}

static bool pipe_open(Chardev *chr, Keyval *options, Error **err)
{
    return open_with(chr, options, err, start_pipe);
}

/* ---- serial ports of the host ----------------------------------------------------------- */

static bool start_serial(Chardev *chr, FileState *s, Keyval *options, Error **err)
{
    struct termios t;
    const char *path = take_path(chr, options, err);
    if (!path)
        return false;
    s->fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0)
        return error_set_errno(err, errno, "cannot open the serial port '%s'", path);
    if (tcgetattr(s->fd, &t) < 0)
        return error_set(err, "'%s' is no serial port; give a terminal device", path);
    cfmakeraw(&t);
    cfsetspeed(&t, B115200);
    tcsetattr(s->fd, TCSANOW, &t);
    chardev_set_label(chr, "serial:%s", path);
    return stream(chr, s, s->fd, s->fd, err);
}

static bool serial_open(Chardev *chr, Keyval *options, Error **err)
{
    return open_with(chr, options, err, start_serial);
}

/* ---- kinds ------------------------------------------------------------------------------ */

static const char *const file_options[] = { "path", "append", "input-path", NULL };
static const char *const path_options[] = { "path", NULL };

#define FILE_OPS .close = file_close, .write = file_write, .accept_input = file_accept_input

const ChardevKind chardev_file = {
    .name = "file", .help = "a file that takes the output, another that is the input",
    .options = file_options, .open = file_open, FILE_OPS
};
const ChardevKind chardev_pipe = {
    .name = "pipe", .help = "named pipes PATH.in and PATH.out, or PATH for both",
    .options = path_options, .open = pipe_open, FILE_OPS
};
const ChardevKind chardev_serial = {
    .name = "serial", .alias = "tty", .help = "a serial port of this computer",
    .options = path_options, .open = serial_open, FILE_OPS
};
