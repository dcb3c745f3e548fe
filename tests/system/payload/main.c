// SPDX-License-Identifier: MIT
// Exceptions, faults and traps at EL0 and EL1: each case runs until it takes an exception, and
// a line says which (vector, ESR, FAR where it means something, place, SPSR). run.py compares
// the lines with those of another emulator.
#include "payload.h"


// ---- tables

#define PLAIN (PAGE | NORMAL | SHARED | AF)

static uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096)));
static uint64_t level3[512] __attribute__((aligned(4096)));

static const struct { const char *name; uint64_t desc; } pages[] = {
    { "user-rw", SCRATCH | PLAIN | USER | NG },
    { "user-ro", SCRATCH | PLAIN | USER | READ_ONLY },
    { "kernel-rw", SCRATCH | PLAIN },
    { "kernel-ro", SCRATCH | PLAIN | READ_ONLY },
    { "no-af", (SCRATCH | PLAIN | USER) & ~(uint64_t)AF },
    { "invalid", 0 },
    { "device", SCRATCH | PAGE | AF | USER },
    { "address-size", 1ul << 44 | PLAIN | USER },
    { "user-rw-uxn", SCRATCH | PLAIN | USER | UXN },
    { "user-ro-pxn", SCRATCH | PLAIN | USER | READ_ONLY | PXN },
    { "kernel-ro-pxn-uxn", SCRATCH | PLAIN | READ_ONLY | PXN | UXN },
    { "hole", HOLE | PLAIN | USER },
    { "reserved", (SCRATCH | PLAIN | USER) & ~(uint64_t)TABLE },
};
#define PAGE_COUNT (sizeof(pages) / sizeof(pages[0]))

static const struct { const char *name; uint64_t va; } places[] = {
    { "level1-invalid", 0xc0000000 },
    { "level1-no-af", 0x100000000 },
    { "level1-address-size", 0x140000000 },
    { "level2-invalid", 0x90200000 },
    { "level2-no-af", 0x90400000 },
    { "level2-table-in-hole", 0x90600000 },
    { "level2-table-address-size", 0x90800000 },
    { "aptable-read-only", 0x90a00000 },
    { "aptable-no-el0", 0x90c00000 },
    { "xntable", 0x90e09000 },
    { "beyond-39-bits", 0x8000000000 },
    { "beyond-48-bits", 0x0001000000000000 },
    { "upper-half", 0xffffffc000000000 },
    { "tagged", 0x5500000090000000 },
};
#define IN_HOLE 5 // an external abort, which AT takes
#define PLACE_COUNT (sizeof(places) / sizeof(places[0]))

static void make_tables(void)
{
    uint64_t block = VALID | AF, normal = VALID | NORMAL | SHARED | AF;
    level1[0] = block;
    level1[1] = 0x40000000 | normal;
    level1[2] = (uint64_t)level2 | PAGE;
    level1[4] = (SCRATCH & ~0x3ffffffful) | (normal & ~(uint64_t)AF);
    level1[5] = 1ul << 44 | normal;
    level2[32] = 0x44000000 | normal | USER | READ_ONLY;
    level2[128] = (uint64_t)level3 | PAGE;
    level2[130] = SCRATCH | VALID | NORMAL | USER;
    level2[131] = HOLE | PAGE;
    level2[132] = 1ul << 44 | PAGE;
    level2[133] = (uint64_t)level3 | PAGE | 1ul << 62;
    level2[134] = (uint64_t)level3 | PAGE | 1ul << 61;
    level2[135] = (uint64_t)level3 | PAGE | 3ul << 59;
    for (unsigned i = 0; i < PAGE_COUNT; i++)
        level3[i] = pages[i].desc;
}

static uint64_t sctlr_on;

static void enable_mmu(void)
{
    SYSREG_WRITE(mair_el1, 0xff04);
    // 39 bits below, nothing above; 4K; 44-bit output; TBI0
    SYSREG_WRITE(tcr_el1, 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 25 << 16 | 2ul << 30 | 4ul << 32 | 1ul << 37);
    SYSREG_WRITE(ttbr0_el1, level1);
    __asm__ volatile("dsb ish\ntlbi vmalle1\nic iallu\ndsb ish\nisb" : : : "memory");
    sctlr_on = SCTLR_ON;
    SYSREG_WRITE(sctlr_el1, sctlr_on);
}

// ---- running

static void accesses(uint64_t va, const char *where)
{
    RUN_BOTH(ldr, va + 8, where);
    RUN_BOTH(str, va + 8, where);
    RUN_BOTH(ldtr, va, where);
    RUN_BOTH(sttr, va, where);
    RUN_BOTH(ldxr, va + 16, where);
    RUN_BOTH(stlr, va + 16, where);
    RUN_BOTH(br, va + 0x100, where);
}

static void at(const char *where, uint64_t va)
{
    put_text("at ");
    put_text(where);
    __asm__ volatile("at s1e1r, %0\nisb" : : "r"(va));
    put_hex(" e1r ", SYSREG_READ(par_el1));
    __asm__ volatile("at s1e1w, %0\nisb" : : "r"(va));
    put_hex(" e1w ", SYSREG_READ(par_el1));
    __asm__ volatile("at s1e0r, %0\nisb" : : "r"(va));
    put_hex(" e0r ", SYSREG_READ(par_el1));
    __asm__ volatile("at s1e0w, %0\nisb" : : "r"(va));
    put_hex(" e0w ", SYSREG_READ(par_el1));
    put('\n');
}

static void alignment(const char *where, uint64_t va)
{
    RUN_BOTH(ldr, va + 1, where);
    RUN_BOTH(str, va + 4, where);
    RUN_BOTH(ldp, va + 4, where);
    RUN_BOTH(ldxr, va + 4, where);
    RUN_BOTH(ldaxr, va + 2, where);
    RUN_BOTH(ldxp, va + 8, where);
    RUN_BOTH(ldar, va + 1, where);
    RUN_BOTH(stlr, va + 4, where);
    RUN_BOTH(ldr_q, va + 8, where);
    RUN_BOTH(ldr_s, va + 2, where);
}

static void crossing(void)
{
    uint64_t into_invalid = PAGES + 5 * 0x1000 - 4, from_invalid = PAGES + 6 * 0x1000 - 4;
    uint64_t into_kernel = PAGES + 2 * 0x1000 - 4;
    RUN_BOTH(ldr, into_kernel, "crossing into kernel-rw");
    RUN_BOTH(str, into_kernel, "crossing into kernel-rw");
    RUN_BOTH(ldp, into_kernel - 4, "crossing into kernel-rw");
    RUN_BOTH(stp, into_kernel - 4, "crossing into kernel-rw");
    RUN_BOTH(ldr, into_invalid, "crossing no-af to invalid");
    RUN_BOTH(ldr, from_invalid, "crossing invalid to device");
}

static void system_instructions(const char *where)
{
    RUN_BOTH(mrs_ctr, 0, where);
    RUN_BOTH(mrs_dczid, 0, where);
    RUN_BOTH(mrs_daif, 0, where);
    RUN(msr_daif, 0, 0, where);
    RUN(daifset, 0, 0, where);
    RUN(daifclr, 0, 0, where);
    RUN(wfe, 0, 0, where);
    RUN_BOTH(dc_zva, PAGES, where);
    RUN_BOTH(dc_cvac, PAGES, where);
    RUN_BOTH(dc_cvau, PAGES, where);
    RUN_BOTH(dc_civac, PAGES, where);
    RUN(dc_ivac, 0, PAGES, where);
    RUN(dc_isw, 0, 0, where);
    RUN(ic_iallu, 0, 0, where);
    RUN(tlbi, 0, 0, where);
    RUN(at, 0, 0, where);
}

static void counters(const char *where)
{
    RUN_BOTH(mrs_cntvct, 0, where);
    RUN_BOTH(mrs_cntpct, 0, where);
    RUN_BOTH(mrs_cntfrq, 0, where);
    RUN_BOTH(mrs_cntv_ctl, 0, where);
    RUN(msr_cntp_tval, 0, 0x7fffffff, where);
}

static void floating_point(const char *where)
{
    RUN_BOTH(fmov, 0, where);
    RUN_BOTH(mrs_fpcr, 0, where);
    RUN_BOTH(ldr_q, PAGES, where);
    RUN_BOTH(ldr_s, PAGES + 5 * 0x1000, where);
}

static void others(void)
{
    RUN_BOTH(svc, 0, "");
    RUN_BOTH(brk, 0, "");
    RUN_BOTH(hlt, 0, "");
    RUN_BOTH(udf, 0, "");
    RUN_BOTH(unallocated, 0, "");
    RUN(smc, 0, 0, "");
    RUN(eret, 0, 0, "");
    RUN_BOTH(mrs_midr, 0, "");
    RUN_BOTH(mrs_isar1, 0, "");
    RUN_BOTH(mrs_reserved_id, 0, "");
    RUN_BOTH(msr_midr, 0, "");
    RUN_BOTH(msr_tpidrro, 0, "");
    RUN_BOTH(mrs_tpidrro, 0, "");
    RUN_BOTH(mrs_nzcv, 0, "");
    RUN_BOTH(mrs_currentel, 0, "");
    RUN_BOTH(mrs_sp_el0, 0, "");
    RUN_BOTH(s1_impl, 0, "");
    RUN_BOTH(sys_unknown, 0, "");
    RUN_BOTH(sysl, 0, "");
    RUN_BOTH(br, 0x84000002, "misaligned");
    RUN_BOTH(br, 0x5500000084000000 + 2, "misaligned, tagged");
}

// The mode of SPSR is not one to return to; PSTATE.IL in SPSR.
static void illegal_returns(void)
{
    static const uint64_t spsrs[] = { 0x3c1, 0x3c8, 0x3cd, 0x1d3, 0x3c2, 0x3c7, 1 << 20, 1 << 20 | 0x3c5 };
    extern char case_nop[];
    for (unsigned i = 0; i < sizeof(spsrs) / sizeof(spsrs[0]); i++) {
        run_case((uint64_t)case_nop + ALIAS, spsrs[i], 0, STACK);
        put_hex("spsr ", spsrs[i]);
        tell(" illegal", 1, "", (uint64_t)case_nop + ALIAS);
    }
}

static void stack_alignment(const char *where)
{
    extern char case_sp_ldr[], case_sp_stp[], case_sp_add[], case_nop[];
    static char *const cases[] = { case_sp_ldr, case_sp_stp, case_sp_add, case_nop };
    static const char *const names[] = { "sp_ldr", "sp_stp", "sp_add", "sp_unused" };
    for (unsigned i = 0; i < 4; i++)
        for (unsigned offset = 0; offset < 16; offset += 8)
            for (unsigned mode = 0; mode < 8; mode += 4) { // EL0t, EL1t
                run_case((uint64_t)cases[i] + ALIAS, mode | 0x3c0, 0, STACK + offset);
                put_hex("offset ", offset);
                put(' ');
                tell(names[i], mode, where, (uint64_t)cases[i] + ALIAS);
            }
    RUN(sp_move_ldr, 0, PAGES + 0x108, where);
    RUN(sp_move_ldr, 0, PAGES + 0x110, where);
}

static void steps(void)
{
    extern char case_steps[], case_step_branch[], case_step_svc[], case_ldr_post[];
    static char *const cases[] = { case_steps, case_step_branch, case_step_svc, case_ldr_post };
    static const char *const names[] = { "steps", "step_branch", "step_svc", "step_ldr" };
    SYSREG_WRITE(oslar_el1, 0);
    SYSREG_WRITE(mdscr_el1, 1);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t pc = (uint64_t)cases[i] + ALIAS, at = pc;
        for (unsigned n = 0; n < 3; n++) {
            run_case(at, 1 << 21, i == 3 && n == 1 ? PAGES + 5 * 0x1000 : PAGES, STACK);
            tell(names[i], 0, "stepping", pc);
            at = taken_state.elr;
        }
        run_case(pc, 0, PAGES, STACK);
        tell(names[i], 0, "pending", pc);
    }
    SYSREG_WRITE(mdscr_el1, 0);
}

void system_main(void)
{
    make_tables();
    SYSREG_WRITE(cpacr_el1, 3 << 20);
    enable_mmu();
    for (unsigned i = 0; i < PAGE_COUNT; i++) {
        accesses(PAGES + i * 0x1000, pages[i].name);
        at(pages[i].name, PAGES + i * 0x1000);
    }
    for (unsigned i = 0; i < PLACE_COUNT; i++) {
        accesses(places[i].va, places[i].name);
        if (i == IN_HOLE)
            RUN(at, 1, places[i].va, places[i].name);
        else
            at(places[i].name, places[i].va);
    }
    alignment("normal", PAGES);
    alignment("device", PAGES + 6 * 0x1000);
    alignment("invalid", PAGES + 5 * 0x1000);
    SYSREG_WRITE(sctlr_el1, sctlr_on | 2);
    alignment("normal, A", PAGES);
    crossing();
    SYSREG_WRITE(sctlr_el1, sctlr_on);
    crossing();
    system_instructions("nothing allowed");
    SYSREG_WRITE(sctlr_el1, sctlr_on | 1 << 9 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 18 | 1 << 26);
    system_instructions("all allowed");
    SYSREG_WRITE(sctlr_el1, sctlr_on);
    RUN(wfi, 0, 0, "trapped");
    RUN(dc_zva, 0, PAGES + 5 * 0x1000, "not allowed, invalid");
    RUN(dc_zva, 1, PAGES + 5 * 0x1000, "invalid");
    RUN(dc_zva, 1, PAGES + 3 * 0x1000, "read-only");
    counters("nothing allowed");
    SYSREG_WRITE(cntkctl_el1, 2);
    counters("EL0VCTEN");
    SYSREG_WRITE(cntkctl_el1, 1);
    counters("EL0PCTEN");
    SYSREG_WRITE(cntkctl_el1, 0x303);
    counters("all allowed");
    SYSREG_WRITE(cpacr_el1, 0);
    floating_point("FPEN 0");
    SYSREG_WRITE(cpacr_el1, 1 << 20);
    floating_point("FPEN 1");
    SYSREG_WRITE(cpacr_el1, 2 << 20);
    floating_point("FPEN 2");
    SYSREG_WRITE(cpacr_el1, 3 << 20);
    floating_point("FPEN 3");
    others();
    illegal_returns();
    stack_alignment("unchecked");
    SYSREG_WRITE(sctlr_el1, sctlr_on | 1 << 4);
    stack_alignment("SA0");
    SYSREG_WRITE(sctlr_el1, sctlr_on | 1 << 3);
    stack_alignment("SA");
    SYSREG_WRITE(sctlr_el1, sctlr_on);
    steps();
    debug_tests();
    pmu_tests();
    put_text("end\n");
    power_off();
}
