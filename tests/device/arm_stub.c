// SPDX-License-Identifier: MIT
//
// Stands for target/arm in tests of boards: a CPU that has registers and executes nothing.
#include <stdlib.h>
#include "target/arm/cpu.h"

static void stub_reset(VCPU *cpu)
{
    arm_cpu(cpu)->regs.pc = 0;
}

static void stub_set_pc(VCPU *cpu, Vaddr pc)
{
    arm_cpu(cpu)->regs.pc = pc;
}

static void stub_destroy(VCPU *cpu)
{
    vcpu_fini(cpu);
    free(arm_cpu(cpu));
}

static const CpuOps stub_ops = {
    .arch = "aarch64", .reset = stub_reset, .set_pc = stub_set_pc, .destroy = stub_destroy,
};

ArmCpu *arm_cpu_create(const char *model_spec, uint32_t index, MemorySpace *memory,
                       VirtClock *clock, RunState *run, Log *log, Error **err)
{
    ArmCpu *cpu = calloc(1, sizeof(*cpu));
    if (!cpu || !vcpu_init(&cpu->vcpu, &stub_ops, index, memory, clock, run, log, err)) {
        free(cpu);
        return NULL;
    }
    cpu->mpidr = UINT64_C(1) << 31 | (index & 15) | (uint64_t)(index >> 4) << 8;
    return cpu;
}

void arm_cpu_set_irq(void *opaque, unsigned n, bool level)
{
    ArmCpu *cpu = opaque;
    if (level)
        atomic_fetch_or(&cpu->irq_levels, 1u << n);
    else
        atomic_fetch_and(&cpu->irq_levels, ~(1u << n));
}

const char *arm_cpu_compatible(const ArmCpu *cpu)
{
    return "arm,armv8";
}

bool arm_cpu_has_pmu(const ArmCpu *cpu)
{
    return true;
}

void arm_cpu_power_on(ArmCpu *cpu, uint64_t entry, uint64_t context)
{
    cpu->vcpu.powered_off = false;
    cpu->regs.pc = entry;
    cpu->regs.x[0] = context;
}
