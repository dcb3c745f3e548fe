// SPDX-License-Identifier: MIT
//
// The text monitor: a line editor and a command table on a character device. What the commands
// do is given by the caller (cli/commands.c), so that the monitor knows no device and no engine.
// Everything runs on the main-loop thread.
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <stdbool.h>
#include <stdio.h>
#include "chardev/chardev.h"
#include "util/error.h"

typedef struct Monitor Monitor;

/* One command. `args` is what follows the name, without leading blanks; output goes to `out`.
 * A row without run() is a command of QEMU's that is not here: `help` says what to do instead. The
 * monitor itself answers help and "info history" (which has a row for `help` to list). */
typedef struct MonitorCommand {
    const char *name;  /* "quit", or two words: "info registers" */
    const char *alias; /* "q", or NULL */
    const char *args;  /* for the help text: "/FORMAT ADDRESS", or "" */
    const char *help;
    void (*run)(void *opaque, const char *args, FILE *out);
} MonitorCommand;

/* `commands` ends with name NULL; `opaque` is handed to each. */
Monitor *monitor_create(Chardev *chr, const MonitorCommand *commands, void *opaque, Error **err);
void monitor_destroy(Monitor *mon);

/* Carry out one line and write its output to `out` (used by the monitor itself and by tests). */
void monitor_run_line(const MonitorCommand *commands, void *opaque, const char *line, FILE *out);

#endif
