// SPDX-License-Identifier: MIT
//
// Host ends of character devices: stdio, file, unix socket, pty, null, mux of serial and monitor.
//
// A frontend (a UART, the monitor) attaches with handlers that run on the main-loop thread.
// Input is offered only while can_receive() says there is room; the frontend calls
// chardev_accept_input() when room appears. Output is accepted at once or counted short, never
// blocks a vCPU.
#ifndef CHARDEV_CHARDEV_H
#define CHARDEV_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "softmmu/mainloop.h"
#include "util/error.h"

typedef struct Chardev Chardev;

typedef enum ChardevEvent { CHARDEV_OPENED, CHARDEV_CLOSED, CHARDEV_BREAK } ChardevEvent;

typedef struct ChardevHandlers {
    size_t (*can_receive)(void *opaque); /* bytes */
    void (*receive)(void *opaque, const uint8_t *buf, size_t len);
    void (*event)(void *opaque, ChardevEvent event); /* may be NULL */
    void *opaque;
} ChardevHandlers;

/* From the text of -serial: stdio, file:PATH, unix:PATH[,server=on][,wait=off], pty, null, none
 * (gives NULL without an Error). `id` may be NULL; with "mux" a terminal's Ctrl-C is input. */
bool chardev_open(MainLoop *loop, const char *id, const char *spec, Chardev **out,
                  Error **err) MUST_CHECK;
void chardev_print_help(FILE *out); /* the kinds */
void chardev_close(Chardev *chr); /* restores terminal settings */
const char *chardev_id(const Chardev *chr);
const char *chardev_label(const Chardev *chr); /* "pty:/dev/pts/3" for messages */

void chardev_attach(Chardev *chr, const ChardevHandlers *handlers);
/* Any thread. Bytes taken (the rest may be offered again later, or dropped). */
size_t chardev_write(Chardev *chr, const void *buf, size_t len);
void chardev_accept_input(Chardev *chr);

/* Two frontends on one terminal (mon:stdio, -nographic): Ctrl-A c switches between them, Ctrl-A x
 * calls `quit`, Ctrl-A h prints help, Ctrl-A b sends a break, Ctrl-A Ctrl-A sends Ctrl-A. */
typedef struct ChardevMux {
    Chardev *guest, *monitor; /* attach to these */
} ChardevMux;
bool chardev_open_mux(MainLoop *loop, Chardev *terminal, void (*quit)(void *opaque), void *opaque,
                      ChardevMux *out, Error **err) MUST_CHECK;

#endif
