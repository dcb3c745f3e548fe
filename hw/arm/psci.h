// SPDX-License-Identifier: MIT
//
// Power State Coordination Interface, version 1.1 (Arm DEN 0022): switching CPUs and the system on
// and off, by the guest's HVC calls (SMC Calling Convention, Arm DEN 0028).
#ifndef HW_ARM_PSCI_H
#define HW_ARM_PSCI_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "hw/core/machine.h"

enum { PSCI_MAX_CPUS = 64 };

struct ArmCpu;

typedef struct Psci {
    Machine *machine;
    atomic_bool on[PSCI_MAX_CPUS]; /* by CPU index; true from the moment that CPU_ON succeeds */
} Psci;

void psci_init(Psci *p, Machine *m);
/* CPU 0 on, all others off: the CPUs' states are set accordingly. vCPUs are paused. */
void psci_reset(Psci *p);

/* ArmCpu.hvc, with a Psci as opaque: handles every call, unknown ones get NOT_SUPPORTED. */
bool psci_call(struct ArmCpu *cpu, void *opaque);

#endif
