// SPDX-License-Identifier: MIT
/*
 * What several processors see of each other: power states by PSCI, events, atomic counts, litmus
 * programs of the memory model (Arm ARM B2.3), broadcast TLB maintenance (D8.14), and code that one
 * patches while another runs it (B2.2.5, B2.7.4).  Each test says "NAME: ok" or what was wrong;
 * the end is "N failed".  The number of processors is found by asking PSCI.
 */
#include <stdbool.h>
#include <stdint.h>

#define UART 0x09000000u
#define CPUS_MAX 8u
#ifndef SCALE
#define SCALE 1 /* rounds of those tests in which processors wait for each other */
#endif
#define STACK_BYTES 8192 /* secondary.S */

volatile uint64_t exceptions;
uint8_t cpu_stacks[CPUS_MAX][STACK_BYTES] __attribute__((aligned(16)));
void secondary_entry(void);
_Noreturn void secondary_main(uint64_t index);

static unsigned cpu_count, failures;

#define MRS(reg) ({ uint64_t v_; __asm__ volatile("mrs %0, " #reg : "=r"(v_)); v_; })
#define MSR(reg, v) __asm__ volatile("msr " #reg ", %0\n isb" : : "r"((uint64_t)(v)) : "memory")
#define OP(text) __asm__ volatile(text : : : "memory")

/* --- console --- */

static void print(const char *text)
{
    while (*text)
        *(volatile uint32_t *)(uint64_t)UART = (uint8_t)*text++;
}

static void print_number(uint64_t value)
{
    char text[21];
    int at = 20;
    text[at] = 0;
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    print(text + at);
}

/* `wrong` is 0, or the count of what was wrong. */
static void report(const char *name, uint64_t wrong)
{
    print(name);
    if (!wrong) {
        print(": ok\n");
        return;
    }
    print(": WRONG ");
    print_number(wrong);
    print("\n");
    failures++;
}

/* --- accesses --- */

static uint32_t load(volatile uint32_t *p) { return *p; }
static void store(volatile uint32_t *p, uint32_t v) { *p = v; }

static uint32_t load_acquire(volatile uint32_t *p)
{
    uint32_t v;
    __asm__ volatile("ldar %w0, [%1]" : "=r"(v) : "r"(p) : "memory");
    return v;
}

static void store_release(volatile uint32_t *p, uint32_t v)
{
    __asm__ volatile("stlr %w0, [%1]" : : "r"(v), "r"(p) : "memory");
}

static uint64_t random_state = 88172645463325252;

static uint32_t random32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static void wait_until(volatile uint32_t *p, uint32_t v)
{
    while (load_acquire(p) != v)
        OP("yield");
}

/* --- PSCI (Arm DEN 0022) --- */

enum {
    PSCI_VERSION = 0x84000000, PSCI_CPU_SUSPEND = 0xc4000001, PSCI_CPU_OFF = 0x84000002,
    PSCI_CPU_ON = 0xc4000003, PSCI_AFFINITY_INFO = 0xc4000004, PSCI_MIGRATE_INFO_TYPE = 0x84000006,
    PSCI_SYSTEM_OFF = 0x84000008, PSCI_SYSTEM_RESET = 0x84000009, PSCI_FEATURES = 0x8400000a,
    PSCI_SYSTEM_RESET2 = 0xc4000012,
};

static int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function, x1 __asm__("x1") = a, x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    return (int64_t)x0;
}

static uint64_t affinity(unsigned cpu)
{
    return (cpu & 15) | (uint64_t)(cpu >> 4) << 8;
}

/* --- work for all processors --- */

static volatile uint32_t job_number, jobs_done;
static void (*volatile job)(unsigned cpu);

static void enable_mmu(void);

_Noreturn void secondary_main(uint64_t index)
{
    uint32_t seen = load_acquire(&job_number);
    enable_mmu();
    __atomic_fetch_add(&jobs_done, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        while (load_acquire(&job_number) == seen)
            OP("yield");
        seen++;
        job((unsigned)index);
        __atomic_fetch_add(&jobs_done, 1, __ATOMIC_SEQ_CST);
    }
}

static void on_all(void (*work)(unsigned cpu))
{
    job = work;
    store(&jobs_done, 0);
    store_release(&job_number, job_number + 1);
    work(0);
    wait_until(&jobs_done, cpu_count - 1);
}

static int64_t start(unsigned cpu)
{
    return psci(PSCI_CPU_ON, affinity(cpu), (uint64_t)secondary_entry, cpu);
}

static void start_all(void)
{
    for (cpu_count = 1; cpu_count < CPUS_MAX && start(cpu_count) == 0; cpu_count++)
        wait_until(&jobs_done, cpu_count);
    print_number(cpu_count);
    print(" processors\n");
}

/* --- power --- */

static void turn_off(unsigned cpu)
{
    if (cpu)
        psci(PSCI_CPU_OFF, 0, 0, 0);
}

/* All others go off and come back, forty times. */
static void test_power(void)
{
    uint64_t wrong = 0;
    for (unsigned round = 0; round < 40; round++) {
        job = turn_off;
        store_release(&job_number, job_number + 1);
        for (unsigned cpu = 1; cpu < cpu_count; cpu++) {
            while (psci(PSCI_AFFINITY_INFO, affinity(cpu), 0, 0) == 0)
                OP("yield");
            wrong += psci(PSCI_AFFINITY_INFO, affinity(cpu), 0, 0) != 1;
        }
        store(&jobs_done, 0);
        for (unsigned cpu = 1; cpu < cpu_count; cpu++)
            wrong += start(cpu) != 0;
        wait_until(&jobs_done, cpu_count - 1);
        wrong += cpu_count > 1 && start(1) != -4; /* ALREADY_ON */
    }
    report("CPU_OFF and CPU_ON", wrong);
}

static void test_psci(void)
{
    static const struct { uint64_t function; int64_t a, b, wanted; } calls[] = {
        { PSCI_VERSION, 0, 0, 0x10001 }, { PSCI_MIGRATE_INFO_TYPE, 0, 0, 2 },
        { PSCI_FEATURES, (uint32_t)PSCI_CPU_SUSPEND, 0, 0 }, { PSCI_FEATURES, PSCI_CPU_OFF, 0, 0 },
        { PSCI_FEATURES, (uint32_t)PSCI_CPU_ON, 0, 0 }, { PSCI_FEATURES, PSCI_FEATURES, 0, 0 },
        { PSCI_FEATURES, (uint32_t)PSCI_SYSTEM_RESET2, 0, 0 }, { PSCI_FEATURES, 0x8400007f, 0, -1 },
        { 0x8400007f, 0, 0, -1 }, { PSCI_CPU_ON, 0xff, 0, -2 }, { PSCI_AFFINITY_INFO, 0xff, 0, -2 },
        { PSCI_AFFINITY_INFO, 0, 7, -2 }, { PSCI_AFFINITY_INFO, 0, 0, 0 }, { PSCI_CPU_ON, 0, 0, -4 },
        { PSCI_SYSTEM_RESET2, 1, 0, -2 },
    };
    uint64_t wrong = 0;
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (psci(calls[i].function, (uint64_t)calls[i].a, (uint64_t)calls[i].b, 0) != calls[i].wanted)
            wrong = wrong * 100 + i + 1;
    report("PSCI calls (rows that differ)", wrong);
}

/* The timer's line wakes although interrupts are masked. */
static void test_suspend(void)
{
    uint64_t wrong = 0, ticks = MRS(cntfrq_el0) / 1000;
    for (unsigned i = 0; i < 10; i++) {
        uint64_t before = MRS(cntvct_el0);
        MSR(cntv_tval_el0, ticks);
        MSR(cntv_ctl_el0, 1);
        wrong += psci(PSCI_CPU_SUSPEND, 0, 0, 0) != 0;
        wrong += MRS(cntvct_el0) - before < ticks;
        MSR(cntv_ctl_el0, 0);
    }
    report("CPU_SUSPEND", wrong);
}

/* GICv2 (Arm IHI 0048): the virtual timer's interrupt of this processor reaches it. */
static void enable_timer_interrupt(void)
{
    *(volatile uint32_t *)0x08000000 = 1;      /* GICD_CTLR */
    *(volatile uint32_t *)0x08000100 = 1 << 27; /* GICD_ISENABLER0 */
    *(volatile uint32_t *)0x08010004 = 0xff;   /* GICC_PMR */
    *(volatile uint32_t *)0x08010000 = 1;      /* GICC_CTLR */
}

/* --- events --- */

static volatile uint32_t ball;

/* Each waits for its turn in WFE and passes the ball on with SEV. */
static void pass_ball(unsigned cpu)
{
    for (uint32_t round = 0; round < 300; round++) {
        uint32_t mine = round * cpu_count + cpu;
        while (load_acquire(&ball) != mine)
            OP("wfe");
        store(&ball, mine + 1);
        OP("dsb ishst\n sev");
    }
}

/* The same without SEV: the store clears the waiting monitor. */
static void pass_ball_by_monitor(unsigned cpu)
{
    for (uint32_t round = 0; round < 300; round++) {
        uint32_t mine = round * cpu_count + cpu, v;
        OP("sevl");
        do {
            OP("wfe");
            __asm__ volatile("ldaxr %w0, [%1]" : "=r"(v) : "r"(&ball) : "memory");
        } while (v != mine);
        store_release(&ball, mine + 1);
    }
}

static void test_events(void)
{
    uint64_t begin = MRS(cntvct_el0), second = MRS(cntfrq_el0);
    ball = 0;
    on_all(pass_ball);
    report("WFE and SEV", ball != 300 * cpu_count);
    ball = 0;
    on_all(pass_ball_by_monitor);
    report("WFE on a monitor", ball != 300 * cpu_count);
    print("  milliseconds: ");
    print_number((MRS(cntvct_el0) - begin) * 1000 / second);
    print("\n");
}

/* Events of the counter come with its bit 14: on average, WFE waits for one. */
static void test_event_stream(void)
{
    MSR(cntkctl_el1, 14 << 4 | 1 << 2);
    OP("sevl\n wfe"); /* the event register is clear now */
    uint64_t begin = MRS(cntvct_el0);
    for (unsigned i = 0; i < 40; i++)
        OP("wfe");
    uint64_t periods = (MRS(cntvct_el0) - begin) >> 15;
    MSR(cntkctl_el1, 0);
    report("event stream", periods < 10);
}

/* An exception return is an event (Arm ARM D1.7.1): what a handler did is not slept through. */
static void test_event_of_return(void)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < 20; i++) {
        OP("sevl\n wfe"); /* the event register is clear now */
        uint64_t begin = MRS(cntvct_el0), spsr = MRS(daif) | 5, elr;
        __asm__ volatile("adr %0, 1f\n msr elr_el1, %0\n msr spsr_el1, %1\n eret\n 1: wfe"
                         : "=&r"(elr) : "r"(spsr) : "memory", "cc");
        uint64_t ticks = MRS(cntvct_el0) - begin;
        least = ticks < least ? ticks : least;
    }
    report("event of an exception return", least > MRS(cntfrq_el0) / 1000);
}

/* --- atomic counts --- */

enum { COUNTS = 20000 };
static volatile uint64_t counters[8] __attribute__((aligned(64)));
static volatile uint64_t wide[2] __attribute__((aligned(16)));
static volatile uint32_t spin_lock;

static void count_exclusive(volatile uint64_t *p)
{
    uint64_t v;
    uint32_t failed;
    __asm__ volatile("1: ldxr %0, [%2]\n add %0, %0, #1\n stxr %w1, %0, [%2]\n cbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed) : "r"(p) : "memory");
}

static void count_exclusive_byte(volatile uint64_t *p)
{
    uint32_t v, failed;
    __asm__ volatile("1: ldaxrb %w0, [%2]\n add %w0, %w0, #1\n stlxrb %w1, %w0, [%2]\n cbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed) : "r"(p) : "memory");
}

static void count_pair(void)
{
    uint64_t lo, hi;
    uint32_t failed;
    __asm__ volatile("1: ldxp %0, %1, [%3]\n add %0, %0, #1\n sub %1, %1, #1\n"
                     "stxp %w2, %0, %1, [%3]\n cbnz %w2, 1b"
                     : "=&r"(lo), "=&r"(hi), "=&r"(failed) : "r"(wide) : "memory");
}

/* FEAT_LSE */
static void count_lse(volatile uint64_t *p)
{
    uint64_t one = 1, old = *p, seen;
    __asm__ volatile(".arch armv8.1-a\n ldadd %0, %0, [%1]" : "+r"(one) : "r"(p) : "memory");
    one = 1;
    __asm__ volatile(".arch armv8.1-a\n stadd %w0, [%1]" : : "r"(one), "r"(p + 1) : "memory");
    do {
        old = p[2];
        seen = old;
        __asm__ volatile(".arch armv8.1-a\n casal %0, %1, [%2]"
                         : "+r"(seen) : "r"(old + 1), "r"(p + 2) : "memory");
    } while (seen != old);
}

static void count_locked(void)
{
    uint32_t v, failed;
    __asm__ volatile("sevl\n1: wfe\n2: ldaxr %w0, [%2]\n cbnz %w0, 1b\n stxr %w1, %w3, [%2]\n cbnz %w1, 2b"
                     : "=&r"(v), "=&r"(failed) : "r"(&spin_lock), "r"(1) : "memory");
    counters[5]++;
    store_release(&spin_lock, 0);
}

static bool has_lse(void)
{
    return MRS(id_aa64isar0_el1) >> 20 & 15;
}

static void count(unsigned cpu)
{
    bool lse = has_lse();
    (void)cpu;
    for (unsigned i = 0; i < COUNTS; i++) {
        count_exclusive(&counters[0]);
        count_exclusive_byte(&counters[1]);
        count_pair();
        if (lse)
            count_lse(&counters[2]);
        count_locked();
    }
}

static void test_counts(void)
{
    uint64_t all = (uint64_t)COUNTS * cpu_count;
    on_all(count);
    report("exclusives", all - counters[0]);
    report("exclusive bytes", (uint8_t)(all - counters[1]));
    report("exclusive pairs", wide[0] != all || wide[1] != -all);
    report("spin lock", all - counters[5]);
    if (has_lse())
        report("atomic instructions", counters[2] != all || counters[3] != all || counters[4] != all);
}

/* --- litmus programs --- */

enum { CELLS = 2048, PASSES = 12 };

typedef struct Cell {
    volatile uint32_t x, pad0[15], y, pad1[15];
    uint32_t r[4], pad2[12];
} Cell;

static Cell cells[CELLS] __attribute__((aligned(64)));

typedef struct Litmus {
    const char *name;
    void (*thread[2])(Cell *c);
    bool (*forbidden)(const Cell *c);
} Litmus;

static const Litmus *litmus;

#define THREAD(name, ...) static void name(Cell *c) { __VA_ARGS__ }
#define DMB(kind) OP("dmb ish" kind)

THREAD(write_x_y_dmb, { store(&c->x, 1); DMB("st"); store(&c->y, 1); })
THREAD(read_y_x_dmb, { c->r[0] = load(&c->y); DMB("ld"); c->r[1] = load(&c->x); })
THREAD(write_x_y_release, { store(&c->x, 1); store_release(&c->y, 1); })
THREAD(read_y_x_acquire, { c->r[0] = load_acquire(&c->y); c->r[1] = load(&c->x); })
THREAD(read_y_x_address, {
    c->r[0] = load(&c->y);
    uint64_t zero;
    __asm__ volatile("eor %0, %1, %1" : "=r"(zero) : "r"((uint64_t)c->r[0]));
    c->r[1] = load(&c->x + zero);
})
THREAD(store_x_load_y_dmb, { store(&c->x, 1); DMB(""); c->r[0] = load(&c->y); })
THREAD(store_y_load_x_dmb, { store(&c->y, 1); DMB(""); c->r[1] = load(&c->x); })
THREAD(store_x_load_y_ra, { store_release(&c->x, 1); c->r[0] = load_acquire(&c->y); })
THREAD(store_y_load_x_ra, { store_release(&c->y, 1); c->r[1] = load_acquire(&c->x); })
THREAD(load_x_store_y_dmb, { c->r[0] = load(&c->x); DMB(""); store(&c->y, 1); })
THREAD(load_y_store_x_dmb, { c->r[1] = load(&c->y); DMB(""); store(&c->x, 1); })
THREAD(load_x_store_y_ra, { c->r[0] = load_acquire(&c->x); store_release(&c->y, 1); })
THREAD(load_y_store_x_ra, { c->r[1] = load_acquire(&c->y); store_release(&c->x, 1); })
THREAD(write_x_twice, { store(&c->x, 1); store(&c->x, 2); })
THREAD(read_x_twice, { c->r[0] = load(&c->x); c->r[1] = load(&c->x); })
/* An atomic without order between a store and a load orders nothing: DMB does. */
THREAD(swap_x_load_y_dmb, {
    uint32_t old, failed;
    __asm__ volatile("1: ldxr %w0, [%2]\n stxr %w1, %w3, [%2]\n cbnz %w1, 1b"
                     : "=&r"(old), "=&r"(failed) : "r"(&c->x), "r"(1) : "memory");
    DMB("");
    c->r[0] = load(&c->y);
})

static bool both_zero(const Cell *c) { return !c->r[0] && !c->r[1]; }
static bool both_one(const Cell *c) { return c->r[0] && c->r[1]; }
static bool seen_and_missed(const Cell *c) { return c->r[0] && !c->r[1]; }
static bool backwards(const Cell *c) { return c->r[0] > c->r[1]; }

static const Litmus tests[] = {
    { "MP+dmb.st+dmb.ld", { write_x_y_dmb, read_y_x_dmb }, seen_and_missed },
    { "MP+rel+acq", { write_x_y_release, read_y_x_acquire }, seen_and_missed },
    { "MP+dmb.st+addr", { write_x_y_dmb, read_y_x_address }, seen_and_missed },
    { "SB+dmbs", { store_x_load_y_dmb, store_y_load_x_dmb }, both_zero },
    { "SB+rel+acqs", { store_x_load_y_ra, store_y_load_x_ra }, both_zero },
    { "SB+swap.dmb+dmb", { swap_x_load_y_dmb, store_y_load_x_dmb }, both_zero },
    { "LB+dmbs", { load_x_store_y_dmb, load_y_store_x_dmb }, both_one },
    { "LB+acq+rels", { load_x_store_y_ra, load_y_store_x_ra }, both_one },
    { "CoRR", { write_x_twice, read_x_twice }, backwards },
};

static volatile uint32_t ready[2];

/* Processors in pairs would disturb each other's cells: two run it, the others run elsewhere. */
static void run_litmus(unsigned cpu)
{
    if (cpu > 1)
        return;
    store_release(&ready[cpu], 1);
    wait_until(&ready[!cpu], 1);
    for (unsigned i = 0; i < CELLS; i++)
        litmus->thread[cpu](&cells[i]);
}

static void test_litmus(const Litmus *t)
{
    uint64_t wrong = 0;
    litmus = t;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        for (unsigned i = 0; i < CELLS; i++)
            cells[i] = (Cell){ 0 };
        ready[0] = ready[1] = 0;
        on_all(run_litmus);
        for (unsigned i = 0; i < CELLS; i++)
            wrong += t->forbidden(&cells[i]);
    }
    report(t->name, wrong);
}

/* --- translation tables: an identity map, and one page that moves --- */

#define PAGE_FLAGS 0x707ul /* inner shareable, AF, index 1, page or table */
#define NOT_GLOBAL 0x800ul
#define MOVING 0x80000000ul
#define TLBI(op, operand) __asm__ volatile("tlbi " op ", %0" : : "r"((uint64_t)(operand)) : "memory")

static uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096)));
static volatile uint64_t level3[512] __attribute__((aligned(4096)));
static volatile uint32_t frames[2][1024] __attribute__((aligned(4096)));

static void enable_mmu(void)
{
    MSR(mair_el1, 0xff04);
    MSR(tcr_el1, 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 25 << 16 | 2ul << 30 | 2ul << 32);
    MSR(ttbr0_el1, level1);
    OP("dsb ish\n tlbi vmalle1\n dsb ish\n isb");
    MSR(sctlr_el1, 0x30d00800 | 1 << 12 | 1 << 2 | 1);
}

static void make_tables(void)
{
    level1[0] = 0x401;
    level1[1] = 0x40000705;
    level1[2] = (uint64_t)level2 | 3;
    level2[0] = (uint64_t)level3 | 3;
    for (unsigned f = 0; f < 2; f++)
        for (unsigned i = 0; i < 1024; i++)
            frames[f][i] = f;
    enable_mmu();
}

static volatile uint32_t moves, move_seen[CPUS_MAX];
static uint64_t stale[CPUS_MAX];
enum { MOVES = 150 * SCALE };

static void tlbi_somehow(unsigned how)
{
    switch (how % 5) {
    case 0: TLBI("vaae1is", MOVING >> 12); break;
    case 1: TLBI("vae1is", MOVING >> 12); break;
    case 2: TLBI("vaale1is", MOVING >> 12); break;
    case 3: OP("tlbi vmalle1is"); break;
    case 4: TLBI("aside1is", 0); break;
    }
}

/* Break before make: from the DSB on nobody sees the old page. */
static void move_page(uint32_t n)
{
    level3[0] = 0;
    OP("dsb ishst");
    tlbi_somehow(n);
    OP("dsb ish");
    bool global = (n + 1) % 5 != 4 && n & 8; /* TLBI ASIDE1IS leaves those alone */
    level3[0] = (uint64_t)frames[n & 1] | PAGE_FLAGS | (global ? 0 : NOT_GLOBAL);
    OP("dsb ishst\n isb");
    store_release(&moves, n);
}

static void follow_page(unsigned cpu)
{
    volatile uint32_t *at = (volatile uint32_t *)MOVING;
    if (cpu == 0) {
        for (uint32_t n = 1; n <= MOVES; n++) {
            move_page(n);
            for (unsigned other = 1; other < cpu_count; other++)
                wait_until(&move_seen[other], n);
        }
        return;
    }
    for (uint32_t n = 1; n <= MOVES; n++) {
        while (load_acquire(&moves) != n)
            (void)at[n & 1023]; /* may fault, which is counted and skipped */
        stale[cpu] += at[n * 7 & 1023] != (n & 1);
        store_release(&move_seen[cpu], n);
    }
}

static void test_tlbi(void)
{
    uint64_t wrong = 0;
    level3[0] = (uint64_t)frames[0] | PAGE_FLAGS;
    OP("dsb ish\n isb");
    on_all(follow_page);
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
        wrong += stale[cpu];
    report("broadcast TLBI", wrong);
}

/* --- code that is patched while others run it --- */

enum { CODE_PAGES = 48, PATCHES = 300 * SCALE, TLB_STRIDE = 4 << 20 };
static uint32_t *const code = (uint32_t *)0x50000000;
static volatile uint32_t patches, patch_seen[CPUS_MAX];
static uint64_t old_code[CPUS_MAX];

#define INSN_NOP 0xd503201fu
#define INSN_B_3 0x14000003u /* B . + 12 */

static uint32_t *code_at(uint32_t n)
{
    return code + n % CODE_PAGES * 1024 + n % 60 * 16;
}

/* 1 as it is, 2 when the NOP has become a branch: a static key. */
static void write_function(uint32_t *at)
{
    static const uint32_t words[] = { INSN_NOP, 0x52800020, 0xd65f03c0, 0x52800040, 0xd65f03c0 };
    for (unsigned i = 0; i < 5; i++)
        ((volatile uint32_t *)at)[i] = words[i];
}

/* The sequence of B2.7.4; CTR_EL0.DIC and IDC spare parts of it. */
static void make_visible(void *at, bool by_ctr)
{
    uint64_t ctr = by_ctr ? MRS(ctr_el0) : 0;
    if (!(ctr >> 28 & 1))
        __asm__ volatile("dc cvau, %0" : : "r"(at) : "memory");
    OP("dsb ish");
    if (!(ctr >> 29 & 1)) {
        __asm__ volatile("ic ivau, %0" : : "r"(at) : "memory");
        OP("dsb ish");
    }
    OP("isb");
}

static uint32_t call(uint32_t *at)
{
    return ((uint32_t (*)(void))at)();
}

/* The store stands in the middle of a long stretch without a branch, slowed down by reads of a
 * device: a translator that stops processors at branches only cannot stop this one meanwhile. Half
 * the time the page's entry in a small TLB goes right after the store. */
static void patch(uint32_t n)
{
    volatile uint32_t *at = code_at(n), *other = n & 1 ? at + TLB_STRIDE / 4 : at + 8;
    uint32_t ignored;
    for (uint32_t delay = random32() % 20000; delay; delay--)
        OP("");
    __asm__ volatile(".rept 60\n ldr %w0, [%4]\n .endr\n str %w1, [%2]\n str %w1, [%3]\n"
                     ".rept 30\n ldr %w0, [%4]\n .endr"
                     : "=&r"(ignored) : "r"(INSN_B_3), "r"(at), "r"(other), "r"((uint64_t)UART + 0x18)
                     : "memory");
    make_visible((void *)at, n & 2);
    store_release(&patches, 2 * n + 1);
}

static void patch_and_run(unsigned cpu)
{
    if (cpu == 0) {
        for (uint32_t n = 1; n <= PATCHES; n++) {
            write_function(code_at(n));
            make_visible(code_at(n), n & 4);
            store_release(&patches, 2 * n);
            patch(n);
            for (unsigned other = 1; other < cpu_count; other++)
                wait_until(&patch_seen[other], n);
        }
        return;
    }
    for (uint32_t n = 1; n <= PATCHES; n++) {
        while (load_acquire(&patches) < 2 * n)
            OP("yield");
        OP("isb");
        while (load_acquire(&patches) == 2 * n)
            old_code[cpu] += call(code_at(n)) - 1 > 1; /* either is right */
        OP("isb");
        old_code[cpu] += call(code_at(n)) != 2;
        store_release(&patch_seen[cpu], n);
    }
}

static void test_patching(void)
{
    uint64_t wrong = 0;
    on_all(patch_and_run);
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
        wrong += old_code[cpu];
    report("patched code", wrong);
}

void guest_main(void)
{
    make_tables();
    start_all();
    test_psci();
    enable_timer_interrupt();
    test_suspend();
    test_event_stream();
    test_event_of_return();
    test_power();
    test_events();
    test_counts();
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]) && cpu_count > 1; i++)
        test_litmus(&tests[i]);
    test_tlbi();
    test_patching();
    print_number(failures);
    print(" failed\n");
}
