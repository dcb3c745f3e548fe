// SPDX-License-Identifier: MIT
//
// The log behind `-d ITEM,...` and `-D FILE`. One Log belongs to one Machine; it is handed to
// whatever may log, and there is none in a global. Writing is serialised by a lock inside, one
// call is one unbroken piece of output.
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "util/error.h"

typedef enum LogItem {
    LOG_IN_ASM = 1u << 0,       /* guest instructions of each translated unit */
    LOG_OP = 1u << 1,           /* IR before optimisation */
    LOG_OP_OPT = 1u << 2,       /* IR after optimisation */
    LOG_OUT_ASM = 1u << 3,      /* host code */
    LOG_INT = 1u << 4,          /* interrupts and exceptions */
    LOG_EXEC = 1u << 5,         /* a line for each unit entered from the loop */
    LOG_UNIMP = 1u << 6,        /* use of something not implemented */
    LOG_GUEST_ERRORS = 1u << 7, /* mistakes of the guest */
    LOG_CPU = 1u << 8,          /* registers before each unit (with exec) */
    LOG_NOCHAIN = 1u << 9,      /* do not chain units, so that exec sees every one */
    LOG_MMU = 1u << 10,         /* table walks and TLB maintenance */
    LOG_FPU = 1u << 11,         /* FP registers in LOG_CPU, too */
} LogItem;

typedef struct Log Log;

typedef struct LogItemName {
    LogItem item;
    const char *name;
    const char *help;
} LogItemName;

/* Rows end with name == NULL; `-d help` prints them. */
extern const LogItemName log_item_names[];

/* A log that writes to stderr and has no item on. NULL when out of memory. */
Log *log_create(void);
void log_destroy(Log *log);

/* Parse "in_asm,int,..." and switch these on. */
bool log_enable(Log *log, const char *items, Error **err) MUST_CHECK;

/* As log_enable(), but switch all others off; "none": all of them. */
bool log_replace(Log *log, const char *items, Error **err) MUST_CHECK;
void log_print_items(FILE *out); /* the text of `-d help` */

/* Write to the file of that name from now on (truncated). */
bool log_open(Log *log, const char *path, Error **err) MUST_CHECK;

/* Restrict address-bound items to "START+LEN,START..END,START-LEN" (numbers as in C). */
bool log_set_filter(Log *log, const char *ranges, Error **err) MUST_CHECK;

/* True when some item of `items` is on. Cheap: one load. `log` may be NULL. */
bool log_on(const Log *log, unsigned items);

/* As log_on(), and `vaddr` passes the filter. */
bool log_on_at(const Log *log, unsigned items, uint64_t vaddr);

/* Print if some item of `items` is on. */
void log_print(Log *log, unsigned items, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Lock the log and return its stream, for output of several lines; log_end() unlocks. */
FILE *log_begin(Log *log);
void log_end(Log *log);

#endif
