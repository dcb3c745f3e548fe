// SPDX-License-Identifier: MIT
//
// Inside the character devices: the common part and the table of a kind.
//
// `lock` guards the output side, which any thread uses. The input side (handlers, watch) belongs
// to the main-loop thread.
#ifndef CHARDEV_INTERNAL_H
#define CHARDEV_INTERNAL_H

#include <pthread.h>
#include "chardev/chardev.h"
#include "util/keyval.h"

typedef struct ChardevKind {
    const char *name;  /* as in -chardev */
    const char *alias; /* or NULL */
    const char *help;
    const char *const *options; /* names that `options` of open() may have; NULL: none */
    bool (*open)(Chardev *chr, Keyval *options, Error **err);
    void (*close)(Chardev *chr);
    /* Under `lock`. NULL: drops everything. */
    size_t (*write)(Chardev *chr, const uint8_t *buf, size_t len);
    /* The frontend has room again; NULL: nothing to do. */
    void (*accept_input)(Chardev *chr);
    /* The frontend attached: report the current state by an event. NULL: it is always open. */
    void (*attached)(Chardev *chr);
    /* Give an end of a mux; NULL: it has one user at most. */
    Chardev *(*claim)(Chardev *chr, const char *user, Error **err);
    void (*release)(Chardev *chr); /* of an end */
} ChardevKind;

struct Chardev {
    const ChardevKind *kind;
    ChardevHost *host;
    MainLoop *loop;
    char *id, *label;
    char *user; /* who claimed it, or NULL */
    ChardevHandlers handlers;
    pthread_mutex_t lock;
    int log_fd; /* logfile=, or -1 */
    uint16_t cols, rows; /* 0: not known */
    void *state; /* the kind's own */
};

extern const ChardevKind chardev_stdio, chardev_file, chardev_pipe, chardev_pty, chardev_serial,
                         chardev_socket, chardev_ringbuf, chardev_testdev, chardev_null;

Chardev *chardev_new(ChardevHost *host, const ChardevKind *kind, const char *id, Error **err);
void chardev_free(Chardev *chr);
void chardev_set_label(Chardev *chr, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* To the frontend, if there is one. Main-loop thread. */
size_t chardev_room(const Chardev *chr);
void chardev_deliver(Chardev *chr, const uint8_t *buf, size_t len);
void chardev_event(Chardev *chr, ChardevEvent event);
void chardev_writable(Chardev *chr);
void chardev_set_size(Chardev *chr, uint16_t cols, uint16_t rows);

/* Share `terminal`, which the mux owns from then on. On failure it still belongs to the caller. */
Chardev *chardev_open_mux(Chardev *terminal, const char *id, Error **err);

/* A pair of host descriptors with buffering: what stdio, pty and sockets have in common. */
typedef struct FdStream FdStream;
FdStream *fdstream_create(Chardev *chr, int in_fd, int out_fd, void (*hangup)(Chardev *chr),
                          Error **err);
void fdstream_destroy(FdStream *s); /* closes nothing */
/* Change what was read before it is delivered; returns its new length. */
void fdstream_set_filter(FdStream *s, size_t (*filter)(Chardev *chr, uint8_t *buf, size_t len));
size_t fdstream_write(FdStream *s, const uint8_t *buf, size_t len);
void fdstream_accept_input(FdStream *s);
/* Bytes that fdstream_write() takes for certain; when there is none, writable() will tell. */
size_t fdstream_room(FdStream *s);

/* Where the input of a telnet connection is between data and commands. */
typedef enum TelnetState {
    TELNET_DATA, TELNET_COMMAND, TELNET_OPTION, TELNET_SUB, TELNET_SUB_COMMAND
} TelnetState;
void telnet_greet(FdStream *s);
/* Take commands out of the input; returns the length of what is left. */
size_t telnet_strip(TelnetState *t, Chardev *chr, uint8_t *buf, size_t len);
size_t telnet_write(FdStream *s, const uint8_t *buf, size_t len);

/* Switch a terminal to raw input; a guardian process puts it back when this process is gone,
 * however it ends. NULL without an Error when `fd` is no terminal. */
typedef struct TerminalGuard TerminalGuard;
bool terminal_make_raw(int fd, bool keep_signals, TerminalGuard **out, Error **err) MUST_CHECK;
void terminal_restore(TerminalGuard *g);

#endif
