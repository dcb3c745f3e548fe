// SPDX-License-Identifier: MIT
//
// The GDB server (-gdb, -s): a debugger on another terminal sees the machine's vCPUs as the threads
// of one process. Protocol: GDB manual, appendix E. One debugger at a time.
//
// Everything runs on the main-loop thread, but the word that a vCPU stopped, which is only noted
// and posted. Whoever changes whether the machine runs tells the server.
#ifndef GDB_GDB_H
#define GDB_GDB_H

#include <stdbool.h>
#include <stdio.h>
#include "accel/accel.h"
#include "hw/core/machine.h"
#include "util/error.h"

typedef struct GdbServer GdbServer;

/* What the server needs of the program around it. */
typedef struct GdbHost {
    Machine *machine;
    Accel *accel;
    bool (*running)(void *opaque);
    /* At once; the server hears of it by gdb_server_run_changed(), as of any other change. */
    void (*set_running)(void *opaque, bool running);
    void (*run_monitor)(void *opaque, const char *line, FILE *out); /* `monitor LINE` */
    void *opaque;
} GdbHost;

/* Listen at `where`: tcp::PORT (this computer only), tcp:HOST:PORT or unix:PATH. */
GdbServer *gdb_server_create(const GdbHost *host, const char *where, Error **err);
/* A debugger that is there loses its connection. The engine is paused, or gone with `accel`. */
void gdb_server_destroy(GdbServer *s);

/* The machine was stopped, or runs now. NULL is no server. */
void gdb_server_run_changed(GdbServer *s, bool running);
/* The machine is about to end for good. */
void gdb_server_exiting(GdbServer *s, int status);

#endif
