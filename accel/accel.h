// SPDX-License-Identifier: MIT
//
// An engine: what makes a vCPU run. Boards and devices do not know which one it is.
//
// vcpu threads are the engine's business: accel_start() makes them, each waits stopped until
// accel_resume(). Pausing is complete when accel_pause() returns: no vCPU executes, all state is
// exact in memory.
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "softmmu/vcpu.h"
#include "util/error.h"

typedef struct Accel Accel;

/* Options of `-accel NAME,option=value,...`, already split. */
typedef struct AccelOption {
    const char *name, *value;
} AccelOption;

typedef struct AccelType {
    const char *name; /* "tcg" */
    const char *help;
    const char *const *options; /* names that `options` may have, ends with NULL */
    /* NULL when this engine can run here, else a sentence that says why not. */
    const char *(*unavailable)(void);
    Accel *(*create)(MemorySpace *memory, Log *log, const AccelOption *options, unsigned count,
                     Error **err);
} AccelType;

struct Accel {
    const AccelType *type;
    void (*destroy)(Accel *a);
    /* Attach a vCPU (before start). */
    bool (*add_cpu)(Accel *a, VCPU *cpu, Error **err);
    bool (*start)(Accel *a, Error **err); /* threads exist, all stopped */
    void (*pause)(Accel *a);
    void (*resume)(Accel *a);
    void (*print_stats)(Accel *a, FILE *out); /* `info jit` */
};

/* All engines of this build, ends with NULL. */
extern const AccelType *const accel_types[];

#endif
