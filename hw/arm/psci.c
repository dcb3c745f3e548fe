// SPDX-License-Identifier: MIT
//
// PSCI 1.1 (Arm DEN 0022D). A call runs on the calling CPU's thread, between two of its
// instructions. Function numbers with bit 30 pass 64-bit arguments, those without 32-bit ones.
//
// Whether a CPU is on is decided by an exchange on `on[]`, so that of two CPU_ON calls for one CPU
// exactly one succeeds; the vCPU's own flag follows on its thread.
#include "hw/arm/psci.h"

#include <assert.h>
#include "target/arm/cpu.h"
#include "util/bitops.h"

enum { /* return values, section 5.2.2 */
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_ALREADY_ON = -4,
    PSCI_INVALID_ADDRESS = -9,
};

enum { PSCI_VERSION_1_1 = 0x00010001, AFFINITY_ON = 0, AFFINITY_OFF = 1, NO_TRUSTED_OS = 2 };

#define SMC64 (1u << 30)
#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

typedef struct PsciCall {
    Psci *psci;
    ArmCpu *cpu;
    uint64_t arg[3];
} PsciCall;

/* ---- functions, in the order of chapter 5 ----------------------------------------------- */

static int64_t psci_version(PsciCall *c)
{
    return PSCI_VERSION_1_1;
}

/* Standby and power-down alike are waiting for an interrupt: nothing would be saved by more. */
static int64_t cpu_suspend(PsciCall *c)
{
    VCPU *cpu = &c->cpu->vcpu;
    pthread_mutex_lock(&cpu->lock);
    cpu->halted = true;
    pthread_mutex_unlock(&cpu->lock);
    vcpu_kick(cpu);
    return PSCI_SUCCESS;
}

static void stop_cpu(ArmCpu *arm)
{
    VCPU *cpu = &arm->vcpu;
    pthread_mutex_lock(&cpu->lock);
    cpu->powered_off = true;
    pthread_mutex_unlock(&cpu->lock);
    vcpu_kick(cpu);
}

static int64_t cpu_off(PsciCall *c)
{
    stop_cpu(c->cpu);
    atomic_store(&c->psci->on[c->cpu->vcpu.index], false);
    return PSCI_SUCCESS; /* nobody sees it */
}

/* The bits of `target` that are no affinity have to be zero (5.1.4). */
static ArmCpu *find_cpu(Psci *p, uint64_t target)
{
    for (uint32_t i = 0; i < p->machine->cpu_count; i++) {
        ArmCpu *cpu = arm_cpu(p->machine->cpus[i]);
        if ((cpu->mpidr & MPIDR_AFFINITY) == target)
            return cpu;
    }
    return NULL;
}

static int64_t cpu_on(PsciCall *c)
{
    ArmCpu *target = find_cpu(c->psci, c->arg[0]);
    if (!target)
        return PSCI_INVALID_PARAMETERS;
    if (c->arg[1] & 3)
        return PSCI_INVALID_ADDRESS;
    if (atomic_exchange(&c->psci->on[target->vcpu.index], true))
        return PSCI_ALREADY_ON;
    arm_cpu_power_on(target, c->arg[1], c->arg[2]);
    return PSCI_SUCCESS;
}

/* Of a CPU, or of all that are the same from this level of affinity on: on if one of them is. */
static int64_t affinity_info(PsciCall *c)
{
    const Psci *p = c->psci;
    uint64_t target = c->arg[0], level = c->arg[1];
    int64_t result = PSCI_INVALID_PARAMETERS;
    if (level > 3 || (target & ~MPIDR_AFFINITY))
        return result;
    uint64_t mask = MPIDR_AFFINITY & ~bit_mask(8 * level);
    for (uint32_t i = 0; i < p->machine->cpu_count; i++) {
        if ((arm_cpu(p->machine->cpus[i])->mpidr ^ target) & mask)
            continue;
        if (atomic_load(&p->on[i]))
            return AFFINITY_ON;
        result = AFFINITY_OFF;
    }
    return result;
}

static int64_t migrate_info_type(PsciCall *c)
{
    return NO_TRUSTED_OS;
}

/* The caller runs no further instruction; the main loop does the rest. */
static int64_t end_run(PsciCall *c, RunRequest request)
{
    stop_cpu(c->cpu);
    runstate_request(&c->psci->machine->run, request);
    return PSCI_SUCCESS;
}

static int64_t system_off(PsciCall *c)
{
    return end_run(c, RUN_REQUEST_SHUTDOWN);
}

static int64_t system_reset(PsciCall *c)
{
    return end_run(c, RUN_REQUEST_RESET);
}

/* Type 0 is a warm reset, those with bit 31 are the vendor's own, of which there are none. */
static int64_t system_reset2(PsciCall *c)
{
    return c->arg[0] == 0 ? system_reset(c) : PSCI_INVALID_PARAMETERS;
}

static int64_t features(PsciCall *c);

static const struct {
    uint32_t function; /* of the 32-bit form */
    bool has_64;       /* there is a form with 64-bit arguments too */
    int64_t (*call)(PsciCall *c);
} functions[] = {
    { 0x84000000, false, psci_version },
    { 0x84000001, true, cpu_suspend },
    { 0x84000002, false, cpu_off },
    { 0x84000003, true, cpu_on },
    { 0x84000004, true, affinity_info },
    { 0x84000006, false, migrate_info_type },
    { 0x84000008, false, system_off },
    { 0x84000009, false, system_reset },
    { 0x8400000a, false, features },
    { 0x84000012, true, system_reset2 },
};

/* The row of a function number, or -1. */
static int find_function(uint32_t function)
{
    for (unsigned i = 0; i < ARRAY_SIZE(functions); i++)
        if (functions[i].function == function ||
            (functions[i].has_64 && (functions[i].function | SMC64) == function))
            return (int)i;
    return -1;
}

static int64_t features(PsciCall *c)
{
    return find_function((uint32_t)c->arg[0]) >= 0 ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

bool psci_call(struct ArmCpu *cpu, void *opaque)
{
    uint64_t *x = cpu->regs.x;
    uint32_t function = (uint32_t)x[0];
    int row = find_function(function);
    if (row < 0) {
        x[0] = (uint64_t)PSCI_NOT_SUPPORTED;
        return true;
    }
    PsciCall c = { .psci = opaque, .cpu = cpu, .arg = { x[1], x[2], x[3] } };
    for (unsigned i = 0; i < ARRAY_SIZE(c.arg) && !(function & SMC64); i++)
        c.arg[i] = (uint32_t)c.arg[i];
    x[0] = (uint64_t)functions[row].call(&c);
    return true;
}

/* ---- power at reset --------------------------------------------------------------------- */

void psci_init(Psci *p, Machine *m)
{
    assert(m->board->max_cpus <= PSCI_MAX_CPUS);
    p->machine = m;
}

void psci_reset(Psci *p)
{
    for (uint32_t i = 0; i < p->machine->cpu_count; i++) {
        VCPU *cpu = p->machine->cpus[i];
        pthread_mutex_lock(&cpu->lock);
        cpu->halted = false;
        cpu->powered_off = i > 0;
        pthread_mutex_unlock(&cpu->lock);
        atomic_store(&p->on[i], i == 0);
    }
}
