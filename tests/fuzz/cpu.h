// SPDX-License-Identifier: MIT
//
// One Arm CPU on a flat piece of RAM, for fuzzers of the translator and of the MMU. No threads: the
// fuzzer says when a unit runs.
#ifndef TESTS_FUZZ_CPU_H
#define TESTS_FUZZ_CPU_H

#include <setjmp.h>
#include "accel/accel.h"
#include "target/arm/cpu.h"

#define FUZZ_RAM UINT64_C(0x40000000)
#define FUZZ_RAM_BYTES UINT64_C(0x10000)

typedef struct FuzzCpu {
    MainLoop *loop;
    VirtClock *clock;
    RunState run;
    MemoryRegion root, ram;
    MemorySpace memory;
    ArmCpu *cpu;
    VCPU *peers[1];
    Accel *accel;      /* NULL: none was asked for */
    jmp_buf exception; /* without an engine: where helpers go that raise one */
} FuzzCpu;

/* `backend`: of the translation engine ("interp", "jit"), or NULL for no engine; `tier2`: its
 * option of that name. */
void fuzz_cpu_open(FuzzCpu *c, const char *backend, const char *tier2);
/* RAM is zeroed, registers are those after reset. */
void fuzz_cpu_reset(FuzzCpu *c);

/* Translate and enter one unit at the pc, and deliver the exception that ends it. False: WFI, or
 * the translation buffer is full. */
bool fuzz_cpu_run_unit(FuzzCpu *c);
/* Forget all translations. */
void fuzz_cpu_flush(FuzzCpu *c);

#endif
