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
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "softmmu/vcpu.h"
#include "util/error.h"

typedef struct Accel Accel;
struct Symbols;

/* Options of `-accel NAME,option=value,...`, already split. */
typedef struct AccelOption {
    const char *name, *value;
} AccelOption;

typedef struct AccelType {
    const char *name; /* "tcg" */
    const char *help;
    /* Executes nothing, and virtual time stands still unless somebody sets it (vclock_advance()). */
    bool passive;
    const char *const *options; /* names that `options` may have, ends with NULL */
    const char *(*option_help)(const char *option); /* NULL, or says NULL: nothing */
    /* NULL when this engine can run here, else a sentence that says why not. */
    const char *(*unavailable)(void);
    Accel *(*create)(MemorySpace *memory, Log *log, const AccelOption *options, unsigned count,
                     Error **err);
} AccelType;

/* ---- debugging -------------------------------------------------------------------------- */

/* How a vCPU goes on at the next resume(). */
typedef enum AccelRunMode {
    ACCEL_RUN,
    ACCEL_STEP, /* one instruction, or the taking of its exception; no interrupt is taken */
    ACCEL_HOLD, /* stays where it is */
} AccelRunMode;

typedef enum AccelStop {
    ACCEL_STOP_STEP,
    ACCEL_STOP_BREAKPOINT, /* pc is that of a breakpoint; its instruction was not executed */
    ACCEL_STOP_WATCHPOINT, /* the instruction at pc is about to make the access */
} AccelStop;

/* Accesses that stop a vCPU. Addresses are virtual, in whatever address space is current. */
typedef struct AccelWatch {
    Vaddr addr;
    uint64_t len;
    bool read, write;
} AccelWatch;

typedef struct AccelStopEvent {
    VCPU *cpu;
    AccelStop why;
    AccelWatch watch; /* ACCEL_STOP_WATCHPOINT: the one that was hit */
} AccelStopEvent;

/* Whom to tell that a vCPU stopped. Called on the vCPU's thread, which then waits in mode
 * ACCEL_HOLD; the others run on until somebody pauses them. */
typedef struct AccelDebugger {
    void (*stopped)(void *opaque, const AccelStopEvent *event);
    void *opaque;
} AccelDebugger;

struct Accel {
    const AccelType *type;
    void (*destroy)(Accel *a);
    /* Attach a vCPU (before start). */
    bool (*add_cpu)(Accel *a, VCPU *cpu, Error **err);
    bool (*start)(Accel *a, Error **err); /* threads exist, all stopped */
    void (*pause)(Accel *a);
    void (*resume)(Accel *a);
    void (*print_stats)(Accel *a, FILE *out); /* `info jit` */
    /* Names for what it logs and prints; the caller's. Before start() or while paused. NULL: it
     * prints none. */
    void (*set_symbols)(Accel *a, struct Symbols *symbols);
    bool wants_symbols; /* from the start: an option of the engine's needs them */
    /* The items of the log were changed; while paused. NULL: it looks at them each time. */
    void (*log_changed)(Accel *a);
    /* Find out where time goes, for print_stats(); while paused. NULL: it cannot. */
    bool (*set_profile)(Accel *a, bool on, Error **err);

    /* For a debugger. All of these while paused; without breakpoints and watchpoints nothing
     * runs slower. The lists are copied and replace those before; empty ones always do. */
    void (*set_debugger)(Accel *a, const AccelDebugger *debugger); /* NULL: none */
    bool (*set_breakpoints)(Accel *a, const Vaddr *at, size_t count, Error **err);
    bool (*set_watchpoints)(Accel *a, const AccelWatch *watches, size_t count, Error **err);
    void (*set_mode)(Accel *a, VCPU *cpu, AccelRunMode mode);
};

/* All engines of this build, ends with NULL. */
extern const AccelType *const accel_types[];

#endif
