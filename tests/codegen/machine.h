// SPDX-License-Identifier: MIT
//
// One Arm CPU with RAM only, whose memory is an image of A64 code: what codegen.c asks questions
// of. The code runs at EL0 as a program under an operating system does, with the MMU on. Each SVC
// comes to `called`, on the vCPU's thread, with exact state, and goes on behind it.
#ifndef TESTS_CODEGEN_MACHINE_H
#define TESTS_CODEGEN_MACHINE_H

#include "accel/tcg/engine.h"
#include "target/arm/cpu.h"

#define MACHINE_ENTRY UINT64_C(0x40200000) /* where the image is, and begins */

typedef struct Machine {
    Log *log;
    MainLoop *loop;
    VirtClock *clock;
    RunState run;
    MemoryRegion root, ram;
    MemorySpace memory;
    ArmCpu *cpu;
    VCPU *peers[1];
    Accel *accel;
    TcgEngine *engine;
    uint64_t image_bytes;
    bool regions; /* the caller makes them */
    void (*called)(struct Machine *m);
    unsigned calls;
} Machine;

/* What distinguishes machines. */
typedef struct MachineSetup {
    const char *image;          /* a flat file */
    const AccelOption *options; /* of the engine */
    unsigned option_count;
    bool chained;               /* direct branches are linked */
} MachineSetup;

/* False with *err set: the host is not able to. Any other trouble ends the program. */
bool machine_create(Machine *m, const MachineSetup *setup, Error **err) MUST_CHECK;
/* Until somebody ends the process. */
_Noreturn void machine_run(Machine *m);
_Noreturn void machine_fail(const char *what, const Error *err);

#endif
