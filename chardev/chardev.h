// SPDX-License-Identifier: MIT
//
// Host ends of character devices: stdio, file, socket, pty, pipe, tty, ringbuf, null, testdev, and
// the mux by which several frontends share one of them.
//
// A frontend (a UART, a port of virtio-serial, the monitor) claims a character device, then
// attaches with handlers that run on the main-loop thread. Input is offered only while
// can_receive() says there is room; the frontend calls chardev_accept_input() when room appears.
// Output is accepted at once or counted short, never blocks a vCPU; after a short count
// writable() tells when to go on.
#ifndef CHARDEV_CHARDEV_H
#define CHARDEV_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "softmmu/mainloop.h"
#include "util/error.h"

typedef struct Chardev Chardev;

typedef enum ChardevEvent {
    CHARDEV_OPENED, /* somebody listens */
    CHARDEV_CLOSED, /* nobody does; output is dropped */
    CHARDEV_BREAK,
    CHARDEV_RESIZED, /* see chardev_size() */
} ChardevEvent;

typedef struct ChardevHandlers {
    size_t (*can_receive)(void *opaque); /* bytes */
    void (*receive)(void *opaque, const uint8_t *buf, size_t len);
    void (*event)(void *opaque, ChardevEvent event); /* may be NULL */
    void *opaque;
    void (*writable)(void *opaque); /* may be NULL */
    /* On a mux: silent, and without keys, until the user switches to it. */
    bool background;
} ChardevHandlers;

/* What character devices need of the program; outlives them. */
typedef struct ChardevHost {
    MainLoop *loop;
    void (*quit)(void *opaque, int status); /* Ctrl-A x, or a command of testdev */
    void *opaque;
    bool stdio_taken; /* by one of them */
} ChardevHost;

/* From the text of -chardev: KIND,id=ID[,option=value...]. */
bool chardev_create(ChardevHost *host, const char *spec, Chardev **out, Error **err) MUST_CHECK;
/* From the text of -serial: stdio, file:PATH, unix:PATH[,server=on][,wait=off], tcp:HOST:PORT[,...],
 * telnet:HOST:PORT[,...], pipe:PATH, pty, null, /dev/TTY, "mon:" before any of them for a mux, none
 * (gives NULL without an Error). `id` may be NULL. */
bool chardev_open(ChardevHost *host, const char *id, const char *spec, Chardev **out,
                  Error **err) MUST_CHECK;
void chardev_print_kinds(FILE *out); /* of -chardev */
void chardev_print_texts(FILE *out); /* of -serial */
/* The options of one kind. */
bool chardev_print_options(const char *kind, FILE *out, Error **err) MUST_CHECK;
void chardev_close(Chardev *chr); /* restores terminal settings */
const char *chardev_id(const Chardev *chr);
const char *chardev_label(const Chardev *chr); /* "pty:/dev/pts/3" for messages */
bool chardev_is_mux(const Chardev *chr);

/* Take it for `user` (a name for messages). Gives the device to attach to: that one, or an end of
 * the mux. NULL with an Error when it is in use. */
Chardev *chardev_claim(Chardev *chr, const char *user, Error **err);
void chardev_release(Chardev *claimed); /* detaches; NULL is ignored */

void chardev_attach(Chardev *claimed, const ChardevHandlers *handlers); /* NULL: detach */
/* Any thread. Bytes taken (the rest may be offered again later, or dropped). */
size_t chardev_write(Chardev *chr, const void *buf, size_t len);
void chardev_accept_input(Chardev *chr); /* any thread */
/* The window of the terminal; false: not known. Main-loop thread. */
bool chardev_size(const Chardev *chr, uint16_t *cols, uint16_t *rows);

/* What was written to a ring buffer, oldest first; SIZE_MAX with an Error if `chr` is none. */
size_t chardev_ringbuf_read(Chardev *chr, uint8_t *buf, size_t len, Error **err);

#endif
