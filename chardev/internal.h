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

typedef struct ChardevKind {
    const char *name; /* "stdio" of -serial stdio, or "file" of -serial file:PATH */
    const char *help;
    bool takes_argument;
    bool (*open)(Chardev *chr, const char *argument, Error **err);
    void (*close)(Chardev *chr);
    /* Under `lock`. NULL: drops everything. */
    size_t (*write)(Chardev *chr, const uint8_t *buf, size_t len);
    /* The frontend has room again; NULL: nothing to do. */
    void (*accept_input)(Chardev *chr);
    /* The frontend attached: report the current state by an event. */
    void (*attached)(Chardev *chr);
} ChardevKind;

struct Chardev {
    const ChardevKind *kind;
    MainLoop *loop;
    char *id, *label;
    ChardevHandlers handlers;
    pthread_mutex_t lock;
    void *state; /* the kind's own */
};

extern const ChardevKind chardev_stdio, chardev_file, chardev_pty, chardev_unix, chardev_null;

Chardev *chardev_new(MainLoop *loop, const ChardevKind *kind, const char *id, Error **err);
void chardev_free(Chardev *chr);
void chardev_set_label(Chardev *chr, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* To the frontend, if there is one. Main-loop thread. */
size_t chardev_room(const Chardev *chr);
void chardev_deliver(Chardev *chr, const uint8_t *buf, size_t len);
void chardev_event(Chardev *chr, ChardevEvent event);

/* A pair of host descriptors with buffering: what stdio, pty and sockets have in common. */
typedef struct FdStream FdStream;
FdStream *fdstream_create(Chardev *chr, int in_fd, int out_fd, void (*hangup)(Chardev *chr),
                          Error **err);
void fdstream_destroy(FdStream *s); /* closes nothing */
size_t fdstream_write(FdStream *s, const uint8_t *buf, size_t len);
void fdstream_accept_input(FdStream *s);

/* Switch a terminal to raw input; a guardian process puts it back when this process is gone,
 * however it ends. NULL without an Error when `fd` is no terminal. */
typedef struct TerminalGuard TerminalGuard;
bool terminal_make_raw(int fd, bool keep_signals, TerminalGuard **out, Error **err) MUST_CHECK;
void terminal_restore(TerminalGuard *g);

#endif
