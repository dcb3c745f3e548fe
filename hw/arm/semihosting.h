// SPDX-License-Identifier: MIT
//
// Semihosting (Arm "Semihosting for AArch32 and AArch64", version 2.0): services that a program
// without an operating system asks of the host by HLT #0xF000, with the operation's number in W0
// and its parameters in memory at X1. Off unless the user switches it on (MachineConfig).
//
// Calls come on the vCPUs' threads; `lock` inside guards files and console input.
#ifndef HW_ARM_SEMIHOSTING_H
#define HW_ARM_SEMIHOSTING_H

#include "hw/core/machine.h"

typedef struct Semihosting Semihosting;
struct ArmCpu;

/* As m->config.semihosting says. */
Semihosting *semihosting_create(Machine *m, Error **err);
void semihosting_destroy(Semihosting *s); /* NULL is ignored */
/* Closes the guest's files. */
void semihosting_reset(Semihosting *s);
/* Memory that is free for the guest's heap and stack (SYS_HEAPINFO). */
void semihosting_set_heap(Semihosting *s, Hwaddr base, Hwaddr limit);

/* ArmCpu.semihost, with a Semihosting as opaque. */
bool semihosting_call(struct ArmCpu *cpu, void *opaque);

#endif
