// SPDX-License-Identifier: MIT
//
// Translation tables of any content, walked for any address under any controls. What a walk grants
// must be sound: a page of the mapping that holds the address, the same again from the TLB behind
// it, and the place that a debugger is told.
//
// The input gives TCR, TTBR0, TTBR1 (into the RAM), MAIR, SCTLR, PSTATE; then descriptors: a place
// in RAM and a value that is mostly a table, block or page in RAM; and then addresses.
#include <string.h>
#include "target/arm/internal.h"
#include "tests/fuzz/cpu.h"
#include "tests/fuzz/fuzz.h"
#include "util/bitops.h"

#define DESCRIPTORS_MAX 48
#define ADDRESSES_MAX 24

static void set_controls(ArmCpu *cpu, FuzzInput *in)
{
    cpu->tcr_el1 = fuzz_take(in, 8);
    cpu->ttbr0_el1 = FUZZ_RAM | fuzz_byte(in) % 16 << 12 | fuzz_take(in, 2) << 48;
    cpu->ttbr1_el1 = FUZZ_RAM | fuzz_byte(in) % 16 << 12 | fuzz_take(in, 2) << 48;
    cpu->mair_el1 = fuzz_take(in, 8);
    cpu->sctlr_el1 = fuzz_take(in, 4) ^ (0x30d00800 | SCTLR_M);
    uint8_t state = fuzz_byte(in);
    arm_pstate_set(cpu, state & 1 ? 0 : 5);
    cpu->pan = state >> 1 & 1;
    cpu->uao = state >> 2 & 1;
}

static void write_descriptors(FuzzCpu *c, FuzzInput *in)
{
    unsigned count = fuzz_byte(in) % DESCRIPTORS_MAX;
    for (unsigned i = 0; i < count; i++) {
        uint64_t at = fuzz_take(in, 2) * 8 % FUZZ_RAM_BYTES, how = fuzz_byte(in);
        uint64_t value = how < 0x20 ? fuzz_take(in, 8)
                                    : FUZZ_RAM + (how % (FUZZ_RAM_BYTES >> 12) << 12) +
                                          (fuzz_take(in, 2) << 50) + fuzz_take(in, 2) % 4096;
        memcpy(c->ram.host + at, &value, 8);
    }
}

static Vaddr take_address(FuzzInput *in)
{
    uint8_t how = fuzz_byte(in);
    uint64_t low = fuzz_take(in, 4) << (how & 31);
    return how & 0x80 ? fuzz_take(in, 8) : how & 0x40 ? low | UINT64_MAX << (39 + (how & 15)) : low;
}

/* AT, which may raise. */
static void translate_address(FuzzCpu *c, Vaddr va, unsigned op)
{
    if (setjmp(c->exception) == 0)
        arm_address_translate(c->cpu, va, op);
}

static void check_walk(FuzzCpu *c, Vaddr va, MmuAccess access, bool unprivileged)
{
    VCPU *cpu = &c->cpu->vcpu;
    TlbFill fill = { 0 }, again;
    TlbKey key;
    Hwaddr gpa;
    if (!cpu->ops->walk(cpu, va, access, unprivileged, &fill)) {
        cpu->ops->raise_mmu(cpu, va, access, unprivileged, MMU_WALK_FAULT);
        return;
    }
    static const uint8_t need[] = { TLB_READ, TLB_WRITE, TLB_EXEC };
    fuzz_must((fill.prot & need[access]) && !(fill.gpa & (GUEST_PAGE_SIZE - 1)) &&
              fill.size_log2 >= GUEST_PAGE_BITS && fill.size_log2 < 64, "a sound walk", NULL);
    cpu->ops->bank_key(cpu, unprivileged, &key);
    tlb_l2_insert(cpu->tlb, &key, va, &fill);
    fuzz_must(tlb_l2_find(cpu->tlb, &key, va, &again) && again.gpa == fill.gpa &&
              again.prot == fill.prot, "the same from the TLB", NULL);
    fuzz_must(cpu->ops->debug_translate(cpu, va, &gpa) &&
              align_down(gpa, GUEST_PAGE_SIZE) == fill.gpa, "the debugger's translation", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FuzzCpu c;
    FuzzInput in = { data, size };
    if (!c.cpu)
        fuzz_cpu_open(&c, NULL, NULL);
    fuzz_cpu_reset(&c);
    set_controls(c.cpu, &in);
    write_descriptors(&c, &in);
    for (unsigned i = 0; i < ADDRESSES_MAX && in.left; i++) {
        uint8_t what = fuzz_byte(&in);
        Vaddr va = take_address(&in);
        if (what % 8 == 7)
            arm_tlbi(c.cpu, what >> 3 & 7, false, va >> 12);
        else if (what % 8 == 6)
            translate_address(&c, va, what >> 3 & (AT_EL0 | AT_WRITE | AT_PAN));
        else
            check_walk(&c, va, what % 3, what & 8);
    }
    return 0;
}
