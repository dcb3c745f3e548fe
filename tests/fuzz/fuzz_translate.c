// SPDX-License-Identifier: MIT
//
// Any words as A64 instructions: decoder, translator, optimiser, and both backends, which must
// leave the same registers and memory. At most UNITS_MAX units are run from the first word on, then
// the next ones from where that ended, with the words repeated all over memory, so that branches
// and exception vectors find code, too.
//
// The first bytes choose the exception level and whether units are regions (tier2=always), and give
// the registers.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "target/arm/internal.h"
#include "tcg/ir.h"
#include "tests/fuzz/cpu.h"
#include "tests/fuzz/fuzz.h"
#include "util/bitops.h"

#define CODE_BYTES 0x2000u
#define UNITS_MAX 12
#define INPUTS_UNTIL_FLUSH 64

static void set_up(FuzzCpu *c, const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    fuzz_cpu_reset(c);
    ArmCpu *cpu = c->cpu;
    uint8_t how = fuzz_byte(&in);
    uint64_t seed = fuzz_take(&in, 4);
    for (unsigned i = 0; i < 31; i++) /* some point into memory, some are small */
        cpu->regs.x[i] = i & 1 ? FUZZ_RAM + 0x4000 + (seed >> i & 0x1f8)
                               : (seed * (i + 1)) >> (i & 30);
    for (unsigned i = 0; i < 32; i++)
        cpu->regs.v[i].d[0] = cpu->regs.v[i].d[1] = seed << 32 ^ (i * UINT64_C(0x3ff0123456789abc));
    cpu->sp_el[0] = cpu->sp_el[1] = cpu->regs.sp = FUZZ_RAM + 0x8000;
    cpu->vbar_el1 = FUZZ_RAM + 0x800;
    cpu->cpacr_el1 = how & 2 ? 0 : 3 << 20;
    if (how & 1)
        arm_pstate_set(cpu, 0); /* EL0 */
    if (in.left >= 4)
        for (uint32_t at = 0; at + 4 <= CODE_BYTES; at += 4)
            memcpy(c->ram.host + at, in.at + at % (in.left & ~(size_t)3), 4);
    cpu->vcpu.ops->set_pc(&cpu->vcpu, FUZZ_RAM);
}

static void run(FuzzCpu *c)
{
    for (unsigned i = 0; i < UNITS_MAX && fuzz_cpu_run_unit(c); i++)
        continue;
}

static void compare(const FuzzCpu *a, const FuzzCpu *b)
{
    const ArmCpu *x = a->cpu, *y = b->cpu;
    if (memcmp(a->ram.host, b->ram.host, FUZZ_RAM_BYTES) == 0 &&
        memcmp(&x->regs, &y->regs, offsetof(ArmCpu, regs.nzcv)) == 0 &&
        memcmp(x->regs.v, y->regs.v, sizeof(x->regs.v)) == 0 && x->esr_el1 == y->esr_el1 &&
        (x->regs.nzcv & IR_NZCV_MASK) == (y->regs.nzcv & IR_NZCV_MASK) && x->far_el1 == y->far_el1)
        return;
    for (const FuzzCpu *c = a;; c = b) {
        c->cpu->vcpu.ops->dump(&c->cpu->vcpu, stderr, true);
        if (c == b)
            break;
    }
    fuzz_must(false, "agreement of the two backends", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FuzzCpu cpus[2][2]; /* by tier, by backend */
    static unsigned inputs;
    for (unsigned n = 0; n < 4 && !inputs; n++)
        fuzz_cpu_open(&cpus[n / 2][n % 2], n % 2 ? "jit" : "interp", n / 2 ? "always" : "off");
    for (unsigned n = 0; n < 4 && inputs % INPUTS_UNTIL_FLUSH == 0; n++)
        fuzz_cpu_flush(&cpus[n / 2][n % 2]);
    inputs++;
    FuzzCpu *tier = cpus[size && data[0] & 4 ? 1 : 0];
    for (unsigned n = 0; n < 2; n++) {
        set_up(&tier[n], data, size);
        run(&tier[n]);
    }
    compare(&tier[0], &tier[1]);
    return 0;
}
