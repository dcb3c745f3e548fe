// SPDX-License-Identifier: MIT
// Performance monitors (Arm ARM D13): what the registers keep, what EL0 may reach (PMUSERENR_EL0),
// counting of instructions exactly, filters, overflow and its interrupt.
#include "payload.h"

enum { E = 1, P = 2, C = 4, LC = 64 };
enum {
    SW_INCR = 0, INST_RETIRED = 8, EXC_TAKEN = 9, EXC_RETURN = 10, CPU_CYCLES = 0x11, CHAIN = 0x1e,
    BR_RETIRED = 0x21
};
#define NOT_EL1 (1ul << 31)
#define NOT_EL0 (1ul << 30)
#define CYCLES (1ul << 31)
#define GICD_ISPENDR0 ((volatile uint32_t *)0x08000200)
#define PPI 23

static void say(const char *what, uint64_t value)
{
    put_text("pmu ");
    put_text(what);
    put_hex(" ", value);
    put('\n');
}

static void write_event(unsigned n, uint64_t type)
{
    SYSREG_WRITE(pmselr_el0, n);
    SYSREG_WRITE(pmxevtyper_el0, type);
}

static void reset(void)
{
    SYSREG_WRITE(pmcr_el0, P | C | LC);
    SYSREG_WRITE(pmcntenclr_el0, -1ul);
    SYSREG_WRITE(pmintenclr_el1, -1ul);
    SYSREG_WRITE(pmovsclr_el0, -1ul);
    SYSREG_WRITE(pmccfiltr_el0, 0);
    for (unsigned n = 0; n < 6; n++)
        write_event(n, 0);
}

// Counts 3 + 2 * rounds instructions, with the one that ends it; `rounds` of them are branches.
static void count_loop(uint64_t rounds)
{
    __asm__ volatile(".balign 64\nmsr pmcr_el0, %1\nisb\nmov x1, %0\n1: subs x1, x1, #1\nb.ne 1b\n"
                     "msr pmcr_el0, %2\nisb"
                     : : "r"(rounds), "r"((uint64_t)E | LC), "r"((uint64_t)LC) : "x1", "cc");
}

static void registers(void)
{
    say("pmcr", SYSREG_READ(pmcr_el0) & 0xf87f);
    SYSREG_WRITE(pmcntenset_el0, -1ul);
    SYSREG_WRITE(pmintenset_el1, -1ul);
    SYSREG_WRITE(pmovsset_el0, -1ul);
    say("enabled", SYSREG_READ(pmcntenclr_el0));
    say("interrupts", SYSREG_READ(pmintenclr_el1));
    say("overflows", SYSREG_READ(pmovsclr_el0));
    SYSREG_WRITE(pmcntenclr_el0, 5);
    SYSREG_WRITE(pmintenclr_el1, 5);
    SYSREG_WRITE(pmovsclr_el0, 5);
    say("enabled", SYSREG_READ(pmcntenset_el0));
    say("interrupts", SYSREG_READ(pmintenset_el1));
    say("overflows", SYSREG_READ(pmovsset_el0));
    SYSREG_WRITE(pmuserenr_el0, -1ul);
    say("user", SYSREG_READ(pmuserenr_el0));
    SYSREG_WRITE(pmuserenr_el0, 0);
    SYSREG_WRITE(pmselr_el0, -1ul);
    say("select", SYSREG_READ(pmselr_el0));
    SYSREG_WRITE(pmxevtyper_el0, NOT_EL0);
    say("filter of cycles", SYSREG_READ(pmccfiltr_el0));
    say("the same", SYSREG_READ(pmxevtyper_el0));
    SYSREG_WRITE(pmccfiltr_el0, 0);
    SYSREG_WRITE(pmselr_el0, 3);
    SYSREG_WRITE(pmxevcntr_el0, 0x123456789);
    SYSREG_WRITE(pmxevtyper_el0, NOT_EL1 | INST_RETIRED);
    say("counter", SYSREG_READ(pmevcntr3_el0));
    say("type", SYSREG_READ(pmevtyper3_el0));
    SYSREG_WRITE(pmccntr_el0, 0xfedcba9876543210);
    say("cycles", SYSREG_READ(pmccntr_el0));
    SYSREG_WRITE(pmcr_el0, P | LC);
    say("cleared", SYSREG_READ(pmevcntr3_el0));
    say("cycles", SYSREG_READ(pmccntr_el0));
    SYSREG_WRITE(pmcr_el0, C | LC);
    say("cycles cleared", SYSREG_READ(pmccntr_el0));
    say("events", SYSREG_READ(pmceid0_el0) & (1 << SW_INCR | 1 << INST_RETIRED | 1 << CPU_CYCLES));
}

static void counting(void)
{
    for (uint64_t rounds = 1; rounds < 100000; rounds *= 7) {
        reset();
        write_event(0, INST_RETIRED);
        write_event(1, CPU_CYCLES | NOT_EL0);
        write_event(2, INST_RETIRED | NOT_EL1);
        write_event(3, INST_RETIRED);
        write_event(4, SW_INCR);
        SYSREG_WRITE(pmcntenset_el0, 1 | 2 | 4 | 16 | CYCLES);
        count_loop(rounds);
        put_hex("pmu loop ", SYSREG_READ(pmevcntr0_el0));
        put_hex(" at EL1 ", SYSREG_READ(pmevcntr1_el0));
        put_hex(" at EL0 ", SYSREG_READ(pmevcntr2_el0));
        put_hex(" disabled ", SYSREG_READ(pmevcntr3_el0));
        put_hex(" cycles ", SYSREG_READ(pmccntr_el0));
        put_hex(" software ", SYSREG_READ(pmevcntr4_el0));
        put('\n');
    }
}

static void software_events(void)
{
    reset();
    write_event(2, SW_INCR);
    SYSREG_WRITE(pmcntenset_el0, 4 | 8);
    SYSREG_WRITE(pmswinc_el0, 4);
    say("not enabled", SYSREG_READ(pmevcntr2_el0));
    SYSREG_WRITE(pmcr_el0, E | LC);
    SYSREG_WRITE(pmswinc_el0, 4 | 1);
    SYSREG_WRITE(pmswinc_el0, 4 | 8);
    SYSREG_WRITE(pmswinc_el0, 8);
    say("software", SYSREG_READ(pmevcntr2_el0));
    SYSREG_WRITE(pmevcntr2_el0, 0xffffffff);
    SYSREG_WRITE(pmswinc_el0, 4);
    say("wrapped", SYSREG_READ(pmevcntr2_el0));
    say("overflow", SYSREG_READ(pmovsclr_el0));
}

static uint64_t pending(void)
{
    __asm__ volatile("isb");
    return *GICD_ISPENDR0 >> PPI & 1;
}

static void overflows(void)
{
    reset();
    write_event(0, INST_RETIRED);
    SYSREG_WRITE(pmevcntr0_el0, 0xffffffff - 1000);
    SYSREG_WRITE(pmccntr_el0, -1000ul);
    SYSREG_WRITE(pmcntenset_el0, 1 | CYCLES);
    count_loop(100);
    say("no overflow", SYSREG_READ(pmovsclr_el0));
    say("no interrupt", pending());
    SYSREG_WRITE(pmintenset_el1, 1);
    SYSREG_WRITE(pmcr_el0, E | LC);
    count_loop(2000);
    say("overflow", SYSREG_READ(pmovsclr_el0));
    SYSREG_WRITE(pmcr_el0, E | LC);
    say("interrupt", pending());
    SYSREG_WRITE(pmovsclr_el0, 1);
    say("cleared", pending());
    SYSREG_WRITE(pmovsset_el0, CYCLES);
    say("not for this one", pending());
    SYSREG_WRITE(pmintenset_el1, CYCLES);
    say("for this one", pending());
    SYSREG_WRITE(pmcr_el0, LC);
    say("nothing is enabled", pending());
    SYSREG_WRITE(pmcr_el0, E);
    SYSREG_WRITE(pmovsclr_el0, CYCLES);
    SYSREG_WRITE(pmccntr_el0, 0xffffff00);
    SYSREG_WRITE(pmcntenclr_el0, 1);
    __asm__ volatile("mov x1, #1000\n1: subs x1, x1, #1\nb.ne 1b" : : : "x1", "cc");
    SYSREG_WRITE(pmcr_el0, 0);
    say("32-bit cycles", SYSREG_READ(pmovsclr_el0));
    reset();
}

// Events that the reference does not have; each line says "right".
static void check(const char *what, bool right)
{
    put_text("pmu event ");
    put_text(what);
    put_text(right ? ": right\n" : ": wrong\n");
}

static void events(void)
{
    extern char case_steps[];
    reset();
    write_event(0, BR_RETIRED);
    write_event(1, EXC_TAKEN);
    write_event(2, EXC_RETURN);
    write_event(3, INST_RETIRED | NOT_EL1);
    write_event(4, INST_RETIRED);
    write_event(5, CHAIN);
    SYSREG_WRITE(pmcntenset_el0, 0x3f);
    SYSREG_WRITE(pmevcntr4_el0, 0xffffff80);
    count_loop(1000);
    check("branches", SYSREG_READ(pmevcntr0_el0) == 1000);
    check("chain", SYSREG_READ(pmevcntr5_el0) == 1);
    check("chained", SYSREG_READ(pmevcntr4_el0) == 2003 - 128);
    check("no exceptions", !SYSREG_READ(pmevcntr1_el0) && !SYSREG_READ(pmevcntr2_el0));
    SYSREG_WRITE(pmcr_el0, E | LC);
    for (unsigned i = 0; i < 5; i++)
        run_case((uint64_t)case_steps + ALIAS, 0, 0, STACK);
    SYSREG_WRITE(pmcr_el0, LC);
    check("exceptions", SYSREG_READ(pmevcntr1_el0) == 5);
    check("returns", SYSREG_READ(pmevcntr2_el0) == 5);
    check("instructions of EL0", SYSREG_READ(pmevcntr3_el0) == 5 * 4);
    reset();
}

static void from_el0(void)
{
    for (unsigned user = 0; user < 16; user = user ? user * 2 : 1) {
        SYSREG_WRITE(pmuserenr_el0, user);
        put_hex("user ", user);
        put_text("\n");
        RUN(mrs_pmcr, 0, 0, "");
        RUN(msr_pmcr, 0, 0, "");
        RUN(mrs_pmcntenset, 0, 0, "");
        RUN(msr_pmovsclr, 0, 0, "");
        RUN(mrs_pmselr, 0, 0, "");
        RUN(msr_pmselr, 0, 0, "");
        RUN(msr_pmswinc, 0, 0, "");
        RUN(mrs_pmceid0, 0, 0, "");
        RUN(mrs_pmccntr, 0, 0, "");
        RUN(msr_pmccntr, 0, 0, "");
        RUN(mrs_pmxevcntr, 0, 0, "");
        RUN(msr_pmxevcntr, 0, 0, "");
        RUN(mrs_pmevcntr2, 0, 0, "");
        RUN(msr_pmevcntr2, 0, 0, "");
        RUN(mrs_pmevtyper2, 0, 0, "");
        RUN(mrs_pmuserenr, 0, 0, "");
        RUN(msr_pmuserenr, 0, 0, "");
        RUN(mrs_pmintenset, 0, 0, "");
    }
    SYSREG_WRITE(pmuserenr_el0, 0);
    RUN_BOTH(mrs_pmevcntr6, 0, "");
}

void pmu_tests(void)
{
    registers();
    reset();
    counting();
    software_events();
    overflows();
    from_el0();
    events();
}
