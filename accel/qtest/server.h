// SPDX-License-Identifier: MIT
//
// The server of the qtest protocol (-qtest): lines of text that access guest memory and devices,
// raise and lower interrupt lines, tell of their changes, and move virtual time. The protocol is
// QEMU's (docs/devel/testing/qtest there); docs/qtest.md says what there is.
//
// Everything runs on the main-loop thread but the news of interrupt lines, which any thread brings.
#ifndef ACCEL_QTEST_SERVER_H
#define ACCEL_QTEST_SERVER_H

#include "chardev/chardev.h"
#include "hw/core/machine.h"

typedef struct QtestServer QtestServer;

/* Serve whoever is at the other end of `chr`, which is the machine's. `log_path`: a file, "none",
 * or NULL for standard error. `clock`: virtual time may be moved (nothing executes). */
QtestServer *qtest_server_create(Machine *m, Chardev *chr, const char *log_path, bool clock,
                                 Error **err);
/* After the machine, whose devices talk to it to their end. NULL is ignored. */
void qtest_server_destroy(QtestServer *s);

/* Carry out one line, which is changed. */
void qtest_server_run_line(QtestServer *s, char *line);

#endif
