// SPDX-License-Identifier: MIT
//
// The engine without execution; see qtest_accel.h. What others ask of an engine is granted and has
// no effect: CPUs are always paused.
#include "accel/qtest/qtest_accel.h"

#include <stdlib.h>

static void qtest_destroy(Accel *a)
{
    free(a);
}

static bool qtest_add_cpu(Accel *a, VCPU *cpu, Error **err)
{
    vcpu_update_banks(cpu);
    return true;
}

static bool qtest_start(Accel *a, Error **err)
{
    return true;
}

static void qtest_nothing(Accel *a)
{
}

static void qtest_print_stats(Accel *a, FILE *out)
{
    fputs("this engine (-accel qtest) translates nothing\n", out);
}

static void qtest_set_debugger(Accel *a, const AccelDebugger *debugger)
{
}

static bool qtest_set_breakpoints(Accel *a, const Vaddr *at, size_t count, Error **err)
{
    return true;
}

static bool qtest_set_watchpoints(Accel *a, const AccelWatch *watches, size_t count, Error **err)
{
    return true;
}

static void qtest_set_mode(Accel *a, VCPU *cpu, AccelRunMode mode)
{
}

static Accel *qtest_create(MemorySpace *memory, Log *log, const AccelOption *options,
                           unsigned count, Error **err)
{
    Accel *a = malloc(sizeof(*a));
    if (!a) {
        error_set(err, "out of memory for the engine");
        return NULL;
    }
    *a = (Accel){
        .type = &qtest_accel_type, .destroy = qtest_destroy, .add_cpu = qtest_add_cpu,
        .start = qtest_start, .pause = qtest_nothing, .resume = qtest_nothing,
        .print_stats = qtest_print_stats, .set_debugger = qtest_set_debugger,
        .set_breakpoints = qtest_set_breakpoints, .set_watchpoints = qtest_set_watchpoints,
        .set_mode = qtest_set_mode,
    };
    return a;
}

static const char *const no_options[] = { NULL };

const AccelType qtest_accel_type = {
    .name = "qtest",
    .help = "executes nothing: devices and virtual time are driven by -qtest",
    .passive = true,
    .options = no_options,
    .create = qtest_create,
};
