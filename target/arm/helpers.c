// SPDX-License-Identifier: MIT
//
// What translated code calls: exceptions, system registers, maintenance. Arithmetic helpers are
// elsewhere.
//
// A helper that changes mode or address space selects the banks anew; its unit ends with
// IR_EXIT_RELOAD. One that unmasks interrupts requests an exit if a line is up.
#include "target/arm/helpers.h"

#include <sys/random.h>
#include "target/arm/fp-helpers.h"
#include "target/arm/internal.h"
#include "target/arm/pauth.h"
#include "target/arm/pmu.h"
#include "target/arm/sysregs.h"

static ArmCpu *cpu_of(void *env)
{
    return env; /* the CPU structure begins with the hot registers */
}

#define ENV_ALL (IR_HELPER_ENV | IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FAULT)
#define HELPER(name, function, result, count, flag_bits, ...) \
    const IrHelper name = { #name, (void (*)(void))(function), result, count, { __VA_ARGS__ }, \
                            flag_bits }

/* ---- exceptions --------------------------------------------------------------------------- */

static void do_raise(void *env, uint32_t esr)
{
    ArmCpu *cpu = cpu_of(env);
    arm_raise_exit(cpu, esr, cpu->regs.pc);
}
HELPER(helper_raise, do_raise, IR_VOID, 1, ENV_ALL, IR_I32);

static uint64_t do_svc(void *env, uint32_t esr)
{
    ArmCpu *cpu = cpu_of(env);
    cpu->ss = 0; /* the instruction is complete */
    arm_raise(cpu, esr, cpu->regs.pc + 4);
    arm_deliver(&cpu->vcpu);
    vcpu_update_banks(&cpu->vcpu);
    return cpu->regs.pc;
}
HELPER(helper_svc, do_svc, IR_I64, 1, ENV_ALL, IR_I32);

static uint64_t do_eret(void *env, uint64_t target)
{
    ArmCpu *cpu = cpu_of(env);
    arm_exception_return(cpu, target); /* selects the banks, looks at interrupts */
    return cpu->regs.pc;
}
HELPER(helper_eret, do_eret, IR_I64, 1, ENV_ALL, IR_I64);

static void do_breakpoint(void *env)
{
    arm_check_breakpoints(cpu_of(env));
}
HELPER(helper_breakpoint, do_breakpoint, IR_VOID, 0, ENV_ALL, 0);

static void do_pmu_fold(void *env)
{
    arm_pmu_fold(cpu_of(env));
}
HELPER(helper_pmu_fold, do_pmu_fold, IR_VOID, 0, IR_HELPER_ENV, 0);

static void conduit(ArmCpu *cpu, bool (*call)(ArmCpu *, void *))
{
    if (call && call(cpu, cpu->conduit_opaque))
        return;
    arm_raise_exit(cpu, ESR(EC_UNKNOWN, 0), cpu->regs.pc);
}

static void do_hvc(void *env)
{
    conduit(cpu_of(env), cpu_of(env)->hvc);
}
HELPER(helper_hvc, do_hvc, IR_VOID, 0, ENV_ALL | IR_HELPER_FLUSH, 0);

static void do_semihost(void *env)
{
    ArmCpu *cpu = cpu_of(env);
    if (!cpu->semihost(cpu, cpu->semihost_opaque))
        vcpu_unwind(&cpu->vcpu, IR_REASON_RESYNC);
}
HELPER(helper_semihost, do_semihost, IR_VOID, 0, ENV_ALL | IR_HELPER_FLUSH, 0);

static void do_smc(void *env)
{
    conduit(cpu_of(env), cpu_of(env)->smc);
}
HELPER(helper_smc, do_smc, IR_VOID, 0, ENV_ALL | IR_HELPER_FLUSH, 0);

/* ---- system registers --------------------------------------------------------------------- */

static uint64_t do_sysreg_read(void *env, uint32_t n)
{
    return sysreg_read(cpu_of(env), sysreg_by_number(n));
}
HELPER(helper_sysreg_read, do_sysreg_read, IR_I64, 1, ENV_ALL, IR_I32);

static void do_sysreg_write(void *env, uint32_t n, uint64_t value)
{
    sysreg_write(cpu_of(env), sysreg_by_number(n), value);
}
HELPER(helper_sysreg_write, do_sysreg_write, IR_VOID, 2, ENV_ALL | IR_HELPER_FLUSH, IR_I32,
       IR_I64);

static void do_el0_check(void *env, uint32_t n, uint32_t esr)
{
    ArmCpu *cpu = cpu_of(env);
    const SysReg *r = sysreg_by_number(n);
    if (!r->el0_allowed(cpu, r, esr & ISS_SYSREG_READ))
        arm_raise_exit(cpu, esr, cpu->regs.pc);
}
HELPER(helper_el0_check, do_el0_check, IR_VOID, 2, ENV_ALL, IR_I32, IR_I32);

static void do_set_spsel(void *env, uint32_t spsel)
{
    ArmCpu *cpu = cpu_of(env);
    arm_spsel_set(cpu, spsel);
    vcpu_update_banks(&cpu->vcpu);
}
HELPER(helper_set_spsel, do_set_spsel, IR_VOID, 1, ENV_ALL | IR_HELPER_FLUSH, IR_I32);

static void do_set_pan(void *env, uint32_t pan)
{
    ArmCpu *cpu = cpu_of(env);
    cpu->pan = pan;
    vcpu_update_banks(&cpu->vcpu);
}
HELPER(helper_set_pan, do_set_pan, IR_VOID, 1, ENV_ALL | IR_HELPER_FLUSH, IR_I32);

static uint64_t do_counter(void *env)
{
    return arm_count(cpu_of(env));
}
HELPER(helper_counter, do_counter, IR_I64, 0, IR_HELPER_ENV, 0);

/* Z says that there was no number (C6.2, MRS of RNDR). */
static uint64_t do_random(void *env)
{
    uint64_t v = 0;
    bool there = getrandom(&v, sizeof(v), GRND_NONBLOCK) == sizeof(v);
    cpu_of(env)->regs.nzcv = arm_nzcv_unpack(there ? 0 : 1u << 30);
    return there ? v : 0;
}
HELPER(helper_random, do_random, IR_I64, 0, IR_HELPER_ENV | IR_HELPER_WRITES, 0);

static void do_fpcr_write(void *env, uint32_t v)
{
    ArmCpu *cpu = cpu_of(env);
    arm_fpcr_write(cpu, v);
    vcpu_update_banks(&cpu->vcpu);
}
HELPER(helper_fpcr_write, do_fpcr_write, IR_VOID, 1, ENV_ALL | IR_HELPER_FLUSH, IR_I32);

static uint64_t do_fpsr_read(void *env)
{
    return arm_fpsr_read(cpu_of(env));
}
HELPER(helper_fpsr_read, do_fpsr_read, IR_I64, 0, IR_HELPER_ENV | IR_HELPER_READS, 0);

static void do_fpsr_write(void *env, uint32_t v)
{
    arm_fpsr_write(cpu_of(env), v);
}
HELPER(helper_fpsr_write, do_fpsr_write, IR_VOID, 1,
       IR_HELPER_ENV | IR_HELPER_READS | IR_HELPER_WRITES, IR_I32);

/* ---- maintenance -------------------------------------------------------------------------- */

/* The faults of DC and IC by address are reported as writes with CM set. */
static void do_maintain(void *env, uint32_t n, uint64_t va)
{
    ArmCpu *cpu = cpu_of(env);
    if (!arm_may_maintain(cpu, va, sysreg_by_number(n)->index))
        arm_raise_data_abort_exit(cpu, va, cpu->walk_fsc, ISS_WNR | ISS_CM);
}
HELPER(helper_maintain, do_maintain, IR_VOID, 2, ENV_ALL, IR_I32, IR_I64);

static void do_at(void *env, uint32_t n, uint64_t va)
{
    arm_address_translate(cpu_of(env), va, sysreg_by_number(n)->index);
}
HELPER(helper_at, do_at, IR_VOID, 2, ENV_ALL, IR_I32, IR_I64);

static void do_tlbi(void *env, uint32_t n, uint64_t value)
{
    unsigned index = sysreg_by_number(n)->index;
    arm_tlbi(cpu_of(env), index & ~SYSREG_BROADCAST, index & SYSREG_BROADCAST, value);
}
HELPER(helper_tlbi, do_tlbi, IR_VOID, 2, IR_HELPER_ENV | IR_HELPER_FLUSH, IR_I32, IR_I64);

/* What others asked of this CPU comes first: if one of them is translating code that was stored
 * here just now, what it makes of it must be gone when the barrier is complete (B2.2.5). */
static void do_dsb_wait(void *env)
{
    ArmCpu *cpu = cpu_of(env);
    vcpu_drain_work(&cpu->vcpu);
    if (cpu->tlbi_pending)
        vcpu_wait_others(&cpu->vcpu);
    cpu->tlbi_pending = 0;
}
HELPER(helper_dsb_wait, do_dsb_wait, IR_VOID, 0, ENV_ALL | IR_HELPER_FLUSH, 0);

static void do_send_event(void *env)
{
    arm_send_event(cpu_of(env));
}
HELPER(helper_send_event, do_send_event, IR_VOID, 0, IR_HELPER_ENV, 0);

static void do_update_banks(void *env)
{
    vcpu_update_banks(&cpu_of(env)->vcpu);
}
HELPER(helper_update_banks, do_update_banks, IR_VOID, 0, ENV_ALL | IR_HELPER_FLUSH, 0);

const IrHelper *const arm_helpers[] = {
    &helper_raise, &helper_breakpoint, &helper_el0_check, &helper_pmu_fold,
    &helper_svc, &helper_hvc, &helper_semihost, &helper_smc, &helper_eret, &helper_sysreg_read,
    &helper_sysreg_write, &helper_set_spsel, &helper_set_pan, &helper_maintain, &helper_at,
    &helper_tlbi, &helper_dsb_wait, &helper_counter, &helper_random, &helper_fpcr_write, &helper_fpsr_read,
    &helper_fpsr_write, &helper_update_banks, &helper_send_event, &helper_pauth,
    &helper_pauth_strict, NULL
};
