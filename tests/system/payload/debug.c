// SPDX-License-Identifier: MIT
// Self-hosted debug: breakpoints (Arm ARM D2.8), watchpoints (D2.9), software step (D2.11), and
// what enables them (D2.4). Cases run with debug exceptions enabled as the test says; handlers run
// with PSTATE.D set, which masks those of EL1.
#include "payload.h"

enum { SS = 1, KDE = 1 << 13, MDE = 1 << 15 };
enum { ENABLED = 1, EL1 = 1 << 1, EL0 = 2 << 1, LINKED = 1 << 20 };
enum { LOAD = 1 << 3, STORE = 2 << 3, BOTH = LOAD | STORE };
#define BAS(bits) ((uint64_t)(bits) << 5)
#define SSC(n) ((uint64_t)(n) << 14)
#define HMC (1 << 13)
#define LBN(n) ((uint64_t)(n) << 16)
#define TYPE(n) ((uint64_t)(n) << 20)
#define MASK(n) ((uint64_t)(n) << 24)
#define WORD BAS(15)

enum { EL0T = 0, EL1H_D_CLEAR = 0x1c5, EL1H_D_SET = 0x3c5, STEP = 1 << 21 };

#define SET_PAIR(kind, n, value, control) \
    case n: \
        SYSREG_WRITE(dbg##kind##vr##n##_el1, value); \
        SYSREG_WRITE(dbg##kind##cr##n##_el1, control); \
        break

static void set_breakpoint(unsigned n, uint64_t value, uint64_t control)
{
    switch (n) {
        SET_PAIR(b, 0, value, control);
        SET_PAIR(b, 1, value, control);
        SET_PAIR(b, 2, value, control);
        SET_PAIR(b, 3, value, control);
        SET_PAIR(b, 4, value, control);
        SET_PAIR(b, 5, value, control);
    }
}

static void set_watchpoint(unsigned n, uint64_t value, uint64_t control)
{
    switch (n) {
        SET_PAIR(w, 0, value, control);
        SET_PAIR(w, 1, value, control);
        SET_PAIR(w, 2, value, control);
        SET_PAIR(w, 3, value, control);
    }
}

static void run_at(const char *name, char *code, uint64_t spsr, uint64_t x0, const char *where)
{
    uint64_t pc = (uint64_t)code + ALIAS;
    run_case(pc, spsr, x0, STACK);
    put_text("debug ");
    tell(name, spsr & 15 ? 1 : 0, where, pc);
}

#define AT(name, spsr, x0, where) \
    do { extern char case_##name[]; run_at(#name, case_##name, spsr, x0, where); } while (0)

// All states that a case may run in.
static void everywhere(const char *name, char *code, uint64_t x0, const char *where)
{
    run_at(name, code, EL0T, x0, where);
    run_at(name, code, EL1H_D_CLEAR, x0, where);
    run_at(name, code, EL1H_D_SET, x0, where);
}

extern char case_steps[], case_ldr[], case_str[], case_ldp[], case_stp[], case_ldrb[];
#define SECOND ((uint64_t)case_steps + ALIAS + 4) // of the instructions of case_steps
#define ADDRESS_ANY (ENABLED | EL0 | EL1 | WORD)

// D2.4: MDSCR_EL1, PSTATE.D, the OS Lock
static void enabling(void)
{
    static const struct { const char *name; uint64_t mdscr; } settings[] = {
        { "off", 0 }, { "MDE", MDE }, { "KDE", KDE }, { "MDE, KDE", MDE | KDE },
    };
    for (unsigned i = 0; i < 4; i++) {
        SYSREG_WRITE(mdscr_el1, settings[i].mdscr);
        set_breakpoint(0, SECOND, ADDRESS_ANY);
        everywhere("steps", case_steps, 0, settings[i].name);
        set_breakpoint(0, 0, 0);
        set_watchpoint(0, PAGES, ENABLED | EL0 | EL1 | BOTH | BAS(255));
        everywhere("ldr", case_ldr, PAGES, settings[i].name);
        set_watchpoint(0, 0, 0);
    }
    set_breakpoint(0, SECOND, ADDRESS_ANY);
    SYSREG_WRITE(oslar_el1, 1);
    put_hex("debug oslsr ", SYSREG_READ(oslsr_el1));
    put('\n');
    everywhere("steps", case_steps, 0, "locked");
    AT(brk, EL0T, 0, "locked");
    SYSREG_WRITE(oslar_el1, 0);
    AT(steps, EL0T, 0, "unlocked");
    set_breakpoint(0, 0, 0);
}

// D2.8: every breakpoint, and the fields of DBGBCR<n>_EL1
static void breakpoints(void)
{
    for (unsigned n = 0; n < 6; n++) {
        set_breakpoint(n, SECOND, ADDRESS_ANY);
        AT(steps, EL0T, n, "each breakpoint");
        set_breakpoint(n, SECOND, ADDRESS_ANY & ~(uint64_t)ENABLED);
        AT(steps, EL0T, n, "disabled");
        set_breakpoint(n, 0, 0);
    }
    for (unsigned levels = 0; levels < 4; levels++) {
        set_breakpoint(1, SECOND, ENABLED | WORD | levels << 1);
        put_hex("levels ", levels);
        put(' ');
        everywhere("steps", case_steps, 0, "PMC");
    }
    for (unsigned security = 0; security < 4; security++) {
        set_breakpoint(1, SECOND, ADDRESS_ANY | SSC(security));
        put_hex("security ", security);
        put(' ');
        everywhere("steps", case_steps, 0, "SSC");
    }
    set_breakpoint(1, SECOND, ADDRESS_ANY & ~WORD);
    AT(steps, EL0T, 0, "BAS 0");
    set_breakpoint(1, SECOND + 256, ADDRESS_ANY);
    AT(steps, EL0T, 0, "64 instructions on");
    set_breakpoint(1, SECOND | 1ul << 40, ADDRESS_ANY);
    AT(steps, EL0T, 0, "far away");
    set_breakpoint(1, SECOND - 4, ADDRESS_ANY);
    run_case(SECOND - 4, 1 << 20, 0, STACK);
    tell("debug steps", 0, "before an illegal state", SECOND - 4);
    set_breakpoint(1, PAGES + 5 * 0x1000, ADDRESS_ANY);
    AT(br, EL0T, PAGES + 5 * 0x1000, "behind an instruction abort");
    set_breakpoint(1, 0, 0);
}

// D2.8.3: context IDs, and breakpoints linked to them
static void contexts(void)
{
    static const struct { const char *name; unsigned number, type; } links[] = {
        { "linked", 4, 3 }, { "linked", 5, 3 }, { "no context", 3, 3 }, { "not for links", 4, 2 },
        { "an address", 4, 1 }, { "not there", 9, 3 },
    };
    for (unsigned id = 1; id < 3; id++) {
        SYSREG_WRITE(contextidr_el1, id);
        for (unsigned n = 0; n < 6; n += 4) {
            set_breakpoint(n, 2, ENABLED | EL0 | WORD | TYPE(2));
            AT(steps, EL0T, n, id == 2 ? "same context" : "other context");
            AT(steps, EL1H_D_CLEAR, n, "context, level");
            set_breakpoint(n, 0, 0);
        }
        for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
            set_breakpoint(links[i].number, 2, ENABLED | EL0 | EL1 | WORD | TYPE(links[i].type));
            set_breakpoint(1, SECOND, ADDRESS_ANY | TYPE(1) | LBN(links[i].number));
            set_watchpoint(1, PAGES, ENABLED | EL0 | BOTH | BAS(255) | LINKED |
                           LBN(links[i].number));
            if (links[i].type == 3)
                AT(steps, EL0T, id, links[i].name);
            AT(ldr, EL0T, PAGES, links[i].name);
            set_breakpoint(links[i].number, 0, 0);
        }
        set_breakpoint(1, 0, 0);
        set_watchpoint(1, 0, 0);
    }
    SYSREG_WRITE(contextidr_el1, 0);
}

static void accesses(uint64_t va, const char *where)
{
    AT(ldr, EL0T, va, where);
    AT(str, EL0T, va, where);
    AT(ldrb, EL0T, va, where);
    AT(ldp, EL0T, va, where);
    AT(stp, EL0T, va, where);
    AT(ldtr, EL1H_D_CLEAR, va, where);
    AT(sttr, EL1H_D_CLEAR, va, where);
    AT(ldxr, EL0T, va & ~7ul, where);
    AT(ldxr_stxr, EL0T, va & ~7ul, where);
    AT(ldr_q, EL0T, va, where);
    if (SYSREG_READ(id_aa64isar0_el1) >> 20 & 15) {
        AT(cas, EL0T, va & ~7ul, where);
        AT(ldadd, EL0T, va & ~7ul, where);
        AT(stadd, EL0T, va & ~7ul, where);
    }
}

// D2.9: every watchpoint, and the fields of DBGWCR<n>_EL1
static void watchpoints(void)
{
    uint64_t any = ENABLED | EL0 | EL1 | BOTH;
    for (unsigned n = 0; n < 4; n++) {
        set_watchpoint(n, PAGES + 8, any | BAS(255));
        AT(ldr, EL0T, PAGES + 8, "each watchpoint");
        AT(ldr, EL0T, PAGES, "before it");
        AT(ldr, EL0T, PAGES + 16, "behind it");
        AT(ldr, EL0T, PAGES + 4, "into it");
        AT(ldr, EL0T, PAGES + 15, "out of it");
        AT(ldr, EL0T, PAGES + 8 | 0x55ul << 56, "tagged");
        set_watchpoint(n, 0, 0);
    }
    for (unsigned kind = 0; kind < 4; kind++) {
        set_watchpoint(0, PAGES, ENABLED | EL0 | EL1 | BAS(255) | kind << 3);
        put_hex("kind ", kind);
        put(' ');
        accesses(PAGES, "LSC");
    }
    for (unsigned levels = 0; levels < 4; levels++) {
        set_watchpoint(0, PAGES, ENABLED | BOTH | BAS(255) | levels << 1);
        put_hex("levels ", levels);
        put(' ');
        everywhere("ldr", case_ldr, PAGES, "PAC");
        AT(ldtr, EL1H_D_CLEAR, PAGES, "PAC");
        AT(sttr, EL1H_D_CLEAR, PAGES, "PAC");
    }
    for (unsigned byte = 0; byte < 8; byte++) {
        set_watchpoint(0, PAGES + 8, any | BAS(1 << byte));
        put_hex("byte ", byte);
        put(' ');
        accesses(PAGES + 8, "BAS");
        AT(ldrb, EL0T, PAGES + 8 + byte, "BAS");
        AT(ldr, EL0T, PAGES + 3, "BAS");
    }
    set_watchpoint(0, PAGES + 12, any | BAS(15));
    accesses(PAGES + 8, "word");
    AT(ldrb, EL0T, PAGES + 11, "below the word");
    AT(ldrb, EL0T, PAGES + 12, "the word");
    set_watchpoint(0, PAGES + 12, any | BAS(6));
    AT(ldrb, EL0T, PAGES + 12, "bytes of the word");
    AT(ldrb, EL0T, PAGES + 13, "bytes of the word");
    AT(ldrb, EL0T, PAGES + 15, "bytes of the word");
    set_watchpoint(0, PAGES, any | BAS(0));
    AT(ldr, EL0T, PAGES, "BAS 0");
    for (unsigned log2 = 3; log2 < 32; log2 += 3) {
        uint64_t base = (PAGES + 0x100) & ~((1ul << log2) - 1);
        set_watchpoint(0, base, any | BAS(255) | MASK(log2));
        put_hex("log2 ", log2);
        put(' ');
        AT(ldr, EL0T, PAGES + 0x100, "MASK");
        AT(ldr, EL0T, PAGES + 0x1f9, "MASK");
        AT(ldr, EL0T, PAGES + 0xfc, "MASK");
    }
    set_watchpoint(0, PAGES + 0x128, any | BAS(255));
    *(volatile uint64_t *)(SCRATCH + 0x100) = 0x1234;
    AT(dc_zva, EL0T, PAGES + 0x110, "not allowed");
    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) | 1 << 14);
    AT(dc_zva, EL0T, PAGES + 0x110, "over a watched word");
    put_hex("debug dc_zva left ", *(volatile uint64_t *)(SCRATCH + 0x100));
    put('\n');
    AT(dc_zva, EL0T, PAGES + 0x140, "behind it");
    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) & ~(uint64_t)(1 << 14));
    set_watchpoint(0, PAGES + 0xff8, any | BAS(255));
    AT(ldr, EL0T, PAGES + 0xffc, "crossing pages");
    set_watchpoint(0, PAGES + 0x1000, any | BAS(255));
    AT(ldr, EL0T, PAGES + 0xffc, "crossing pages");
    set_watchpoint(0, PAGES + 5 * 0x1000, any | BAS(255));
    AT(ldr, EL0T, PAGES + 5 * 0x1000, "behind a data abort");
    set_watchpoint(0, PAGES + 0x1000, any | BAS(255));
    AT(str, EL0T, PAGES + 0x1000, "behind a data abort");
    AT(ldr, EL0T, PAGES + 0x2000, "an alias");
    set_watchpoint(0, 0, 0);
}

// D2.11: exclusives, the state machine at EL1, breakpoints under it, priority
static void step_further(void)
{
    static const struct { const char *name; uint64_t spsr; } states[] = {
        { "EL0", EL0T }, { "EL1", EL1H_D_CLEAR }, { "EL1, masked", EL1H_D_SET },
    };
    SYSREG_WRITE(mdscr_el1, SS | KDE | MDE);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t spsr = states[i].spsr;
        AT(steps, spsr | STEP, PAGES, states[i].name);
        AT(steps, spsr, PAGES, states[i].name);
        AT(ldxr, spsr | STEP, PAGES, states[i].name);
        AT(ldaxr, spsr | STEP, PAGES, states[i].name);
        AT(ldxp, spsr | STEP, PAGES, states[i].name);
        AT(ldxr, spsr | STEP, PAGES + 5 * 0x1000, states[i].name);
        AT(ldr_post, spsr | STEP, PAGES, states[i].name);
        AT(brk, spsr | STEP, PAGES, states[i].name);
        AT(svc, spsr | STEP, PAGES, states[i].name);
        AT(udf, spsr | STEP, PAGES, states[i].name);
        AT(br, spsr | STEP, SECOND, states[i].name);
        AT(step_branch, spsr | STEP, SECOND, states[i].name);
        set_breakpoint(0, SECOND - 4, ADDRESS_ANY);
        AT(steps, spsr | STEP, 0, "step and breakpoint");
        AT(steps, spsr, 0, "pending step and breakpoint");
        set_breakpoint(0, 0, 0);
        set_watchpoint(0, PAGES, ENABLED | EL0 | EL1 | BOTH | BAS(255));
        AT(ldr, spsr | STEP, PAGES, "step and watchpoint");
        set_watchpoint(0, 0, 0);
    }
    AT(daifclr_d, EL1H_D_SET, 0, "unmasking");
    AT(daifset_d, EL1H_D_CLEAR | STEP, 0, "masking");
    AT(eret_to, EL1H_D_SET | STEP, SECOND, "by an exception return");
    run_case(PAGES + 5 * 0x1000, EL0T, 0, STACK);
    tell("debug none", 0, "pending step before an instruction abort", PAGES + 5 * 0x1000);
    SYSREG_WRITE(mdscr_el1, 0);
}

static void registers(void)
{
    set_breakpoint(0, 0xffff123456789abc, ENABLED | EL0 | EL1 | WORD | TYPE(1) | LBN(5));
    set_watchpoint(3, 0xffff12345678ffff,
                   ENABLED | EL1 | STORE | BAS(0x5a) | LINKED | LBN(4) | MASK(31));
    put_hex("debug registers ", SYSREG_READ(dbgbvr0_el1));
    put_hex(" ", SYSREG_READ(dbgbcr0_el1));
    put_hex(" ", SYSREG_READ(dbgwvr3_el1));
    put_hex(" ", SYSREG_READ(dbgwcr3_el1));
    set_breakpoint(0, 0, 0);
    set_watchpoint(3, 0, 0);
    put_hex(" features ", SYSREG_READ(id_aa64dfr0_el1) & 0xf0f0f00f);
    put_hex(" mdccsr ", SYSREG_READ(mdccsr_el0));
    put('\n');
    AT(claim, EL1H_D_SET, 0, "");
    AT(mrs_bvr6, EL1H_D_SET, 0, "");
    AT(mrs_wvr4, EL1H_D_SET, 0, "");
    AT(mrs_bvr0, EL0T, 0, "");
}

void debug_tests(void)
{
    SYSREG_WRITE(oslar_el1, 0);
    registers();
    enabling();
    SYSREG_WRITE(mdscr_el1, MDE | KDE);
    breakpoints();
    contexts();
    watchpoints();
    SYSREG_WRITE(mdscr_el1, 0);
    step_further();
}
