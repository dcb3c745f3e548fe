// SPDX-License-Identifier: MIT
//
// Inside the qtest server: its state, and how commands answer.
#ifndef ACCEL_QTEST_INTERNAL_H
#define ACCEL_QTEST_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include "accel/qtest/server.h"

#define QTEST_WORDS_MAX 8
#define QTEST_LINE_MAX (16u << 20) /* bytes */

/* An interrupt line that the other end wants to hear of: what it was connected to. */
typedef struct QtestTap {
    QtestServer *server;
    void (*changed)(void *opaque, unsigned n, bool level);
    void *opaque;
    unsigned line; /* its listener's number for it, or the device's own */
    unsigned number; /* by which the other end knows it */
    struct QtestTap *next;
} QtestTap;

struct QtestServer {
    Machine *machine;
    Chardev *chr;
    FILE *log; /* NULL: none */
    bool own_log, clock;
    int64_t opened_ns; /* host time */
    char *line;
    size_t len, capacity;
    QtestTap *taps;
    const Device *tapped; /* whose lines these are, NULL: nobody's */
    bool tapped_inputs;
    atomic_bool telling;  /* of the lines' changes */
    pthread_mutex_t lock; /* of what follows */
    char *out;            /* answers that the other end did not take yet */
    size_t out_len, out_capacity;
};

/* A command's words; words[count] is NULL. */
typedef struct QtestLine {
    char *words[QTEST_WORDS_MAX + 1];
    unsigned count;
} QtestLine;

typedef struct QtestCommand {
    const char *name;
    unsigned words; /* at least, with the name */
    void (*run)(QtestServer *s, const QtestLine *l);
} QtestCommand;

extern const QtestCommand qtest_memory_commands[], qtest_irq_commands[]; /* end with NULL */

/* One answer: a line, the newline is added. */
void qtest_reply(QtestServer *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* News that nobody asked for: not in the log. */
void qtest_tell(QtestServer *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A number as in C. False after a FAIL was answered. */
bool qtest_number(QtestServer *s, const char *text, uint64_t *value) MUST_CHECK;
#endif
