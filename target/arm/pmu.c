// SPDX-License-Identifier: MIT
//
// PMUv3 (Arm ARM D13); contract in pmu.h. A cycle is an instruction here: the processor has no
// pipeline to speak of, and so counts are the same at every run. Time that is spent waiting for an
// interrupt has no cycles, as on a processor that stops its clock there.
//
// There is neither EL2 nor EL3: the filters of these levels, and MDCR_EL2, are not there.
#include "target/arm/pmu.h"

#include "target/arm/internal.h"
#include "util/bitops.h"

enum { /* PMCR_EL0 */
    PMCR_E = 1 << 0, PMCR_P = 1 << 1, PMCR_C = 1 << 2, PMCR_D = 1 << 3, PMCR_X = 1 << 4,
    PMCR_DP = 1 << 5, PMCR_LC = 1 << 6,
    PMCR_WRITABLE = PMCR_E | PMCR_D | PMCR_X | PMCR_DP | PMCR_LC,
};
enum { USER_EN = 1 << 0, USER_SW = 1 << 1, USER_CR = 1 << 2, USER_ER = 1 << 3 }; /* PMUSERENR_EL0 */
enum { CYCLES_BIT = 31, CYCLES_PER_TICK_D = 64, SEL_CYCLES = 31 };

#define FILTER_EL1 BIT(31) /* PMEVTYPER<n>_EL0.P: do not count at EL1 */
#define FILTER_EL0 BIT(30)
#define FILTERS (FILTER_EL1 | FILTER_EL0)

/* What PMCEID0_EL0 and PMCEID1_EL0 announce besides what Armv8.1 wants to be there. */
#define EVENT(n) BIT((n) & 31)
#define EVENTS_LOW \
    (EVENT(PMU_SW_INCR) | EVENT(PMU_L1I_TLB_REFILL) | EVENT(PMU_L1D_TLB_REFILL) | \
     EVENT(PMU_INST_RETIRED) | EVENT(PMU_EXC_TAKEN) | EVENT(PMU_EXC_RETURN) | \
     EVENT(PMU_CID_WRITE_RETIRED) | EVENT(PMU_CPU_CYCLES) | EVENT(PMU_TTBR_WRITE_RETIRED) | \
     EVENT(PMU_CHAIN))
#define EVENTS_HIGH EVENT(PMU_BR_RETIRED)
#define EVENTS_STALL (EVENT(0x23) | EVENT(0x24)) /* STALL_FRONTEND, _BACKEND: never happen */

/* ---- counters ---------------------------------------------------------------------------- */

/* The bit of a counter in PMCNTEN, PMOVS and PMINTEN. */
static uint64_t counter_bit(unsigned n)
{
    return BIT(n == ARM_PMU_CYCLES ? CYCLES_BIT : n);
}

static uint64_t all_counters(void)
{
    return bit_mask(ARM_PMU_CYCLES) | counter_bit(ARM_PMU_CYCLES);
}

static uint64_t event_mask(const ArmCpu *cpu)
{
    return arm_has(cpu, ARM_FEAT_PMUV3P1) ? 0xffff : 0x3ff;
}

static unsigned event_of(const ArmCpu *cpu, unsigned n)
{
    return n == ARM_PMU_CYCLES ? PMU_CPU_CYCLES : cpu->pmu.type[n] & event_mask(cpu);
}

static bool is_counting(const ArmCpu *cpu, unsigned n, unsigned el)
{
    const ArmPmu *p = &cpu->pmu;
    return (p->pmcr & PMCR_E) && (p->enabled & counter_bit(n)) &&
           !(p->type[n] & (el ? FILTER_EL1 : FILTER_EL0));
}

static void update_line(ArmCpu *cpu)
{
    ArmPmu *p = &cpu->pmu;
    irq_set(&p->out, (p->pmcr & PMCR_E) && (p->overflows & p->interrupts));
}

/* What a counter counts up to. */
static uint64_t last_value(const ArmCpu *cpu, unsigned n)
{
    return n == ARM_PMU_CYCLES && (cpu->pmu.pmcr & PMCR_LC) ? UINT64_MAX : UINT32_MAX;
}

/* An even counter's overflow is an event for its neighbour. */
static void add(ArmCpu *cpu, unsigned n, uint64_t amount)
{
    ArmPmu *p = &cpu->pmu;
    uint64_t last = last_value(cpu, n), room = last - (p->count[n] & last);
    p->count[n] += amount;
    if (n != ARM_PMU_CYCLES)
        p->count[n] &= last;
    if (amount <= room)
        return;
    p->overflows |= counter_bit(n);
    if (n % 2 == 0 && n != ARM_PMU_CYCLES && event_of(cpu, n + 1) == PMU_CHAIN &&
        is_counting(cpu, n + 1, cpu->el))
        add(cpu, n + 1, 1);
}

/* How much of what translated code counted is the counter's. */
static uint64_t amount_for(ArmCpu *cpu, unsigned n, uint64_t insns, uint64_t branches)
{
    ArmPmu *p = &cpu->pmu;
    unsigned event = event_of(cpu, n);
    if (event == PMU_BR_RETIRED)
        return branches;
    if (event != PMU_INST_RETIRED && event != PMU_CPU_CYCLES)
        return 0;
    if (n != ARM_PMU_CYCLES || (p->pmcr & (PMCR_D | PMCR_LC)) != PMCR_D)
        return insns;
    p->cycles_rest += insns;
    uint64_t ticks = p->cycles_rest / CYCLES_PER_TICK_D;
    p->cycles_rest %= CYCLES_PER_TICK_D;
    return ticks;
}

static bool counts_code(const ArmCpu *cpu, unsigned n)
{
    unsigned event = event_of(cpu, n);
    return event == PMU_BR_RETIRED || event == PMU_INST_RETIRED || event == PMU_CPU_CYCLES;
}

void arm_pmu_set_limit(ArmCpu *cpu)
{
    ArmPmu *p = &cpu->pmu;
    p->limit = UINT64_MAX;
    for (unsigned n = 0; n <= ARM_PMU_CYCLES; n++) {
        bool chained = n + 1 < ARM_PMU_CYCLES && event_of(cpu, n + 1) == PMU_CHAIN;
        uint64_t last = last_value(cpu, n);
        if (is_counting(cpu, n, cpu->el) && counts_code(cpu, n) &&
            (chained || (p->interrupts & counter_bit(n))))
            p->limit = MIN(p->limit - 1, last - (p->count[n] & last)) + 1;
    }
}

void arm_pmu_fold(ArmCpu *cpu)
{
    ArmPmu *p = &cpu->pmu;
    uint64_t insns = p->insns, branches = p->branches;
    p->insns = p->branches = 0;
    for (unsigned n = 0; n <= ARM_PMU_CYCLES; n++)
        if (is_counting(cpu, n, cpu->el))
            add(cpu, n, amount_for(cpu, n, insns, branches));
    arm_pmu_set_limit(cpu);
    update_line(cpu);
}

static void count_some(ArmCpu *cpu, unsigned event, uint64_t which)
{
    for (unsigned n = 0; n < ARM_PMU_CYCLES; n++)
        if ((which >> n & 1) && event_of(cpu, n) == event && is_counting(cpu, n, cpu->el))
            add(cpu, n, 1);
    update_line(cpu);
}

void arm_pmu_count(ArmCpu *cpu, unsigned event)
{
    count_some(cpu, event, UINT64_MAX);
}

/* After a change of what is counted. */
static void reconfigure(ArmCpu *cpu)
{
    ArmPmu *p = &cpu->pmu;
    p->active = (p->pmcr & PMCR_E) && p->enabled;
    p->code_levels = 0;
    for (unsigned n = 0; n <= ARM_PMU_CYCLES; n++)
        for (unsigned el = 0; el < 2; el++)
            if (is_counting(cpu, n, el) && counts_code(cpu, n))
                p->code_levels |= 1u << el;
    arm_pmu_set_limit(cpu);
    update_line(cpu);
}

/* ---- registers --------------------------------------------------------------------------- */

/* The counter that PMSELR_EL0 selects; -1: none. */
static int selected(const ArmCpu *cpu)
{
    uint64_t n = cpu->pmu.selr;
    return n == SEL_CYCLES ? ARM_PMU_CYCLES : n < ARM_PMU_CYCLES ? (int)n : -1;
}

static uint64_t read_selected(ArmCpu *cpu, unsigned base)
{
    int n = selected(cpu);
    if (n < 0 || (n == ARM_PMU_CYCLES && base == PMU_PMEVCNTR))
        return 0;
    return arm_pmu_read(cpu, base + (unsigned)n);
}

uint64_t arm_pmu_read(ArmCpu *cpu, unsigned reg)
{
    ArmPmu *p = &cpu->pmu;
    arm_pmu_fold(cpu);
    switch (reg) {
    case PMU_PMCR: return p->pmcr;
    case PMU_PMCNTENSET:
    case PMU_PMCNTENCLR: return p->enabled;
    case PMU_PMOVSSET:
    case PMU_PMOVSCLR: return p->overflows;
    case PMU_PMINTENSET:
    case PMU_PMINTENCLR: return p->interrupts;
    case PMU_PMSELR: return p->selr;
    case PMU_PMCEID0: return EVENTS_LOW;
    case PMU_PMCEID1: return EVENTS_HIGH | (arm_has(cpu, ARM_FEAT_PMUV3P1) ? EVENTS_STALL : 0);
    case PMU_PMUSERENR: return p->userenr;
    case PMU_PMXEVCNTR: return read_selected(cpu, PMU_PMEVCNTR);
    case PMU_PMXEVTYPER: return read_selected(cpu, PMU_PMEVTYPER);
    default: break;
    }
    if (reg >= PMU_PMEVTYPER)
        return p->type[reg - PMU_PMEVTYPER];
    return reg >= PMU_PMEVCNTR ? p->count[reg - PMU_PMEVCNTR] : 0;
}

static void write_pmcr(ArmCpu *cpu, uint64_t value)
{
    ArmPmu *p = &cpu->pmu;
    p->pmcr = (p->pmcr & ~(uint64_t)PMCR_WRITABLE) | (value & PMCR_WRITABLE);
    for (unsigned n = 0; n < ARM_PMU_CYCLES && (value & PMCR_P); n++)
        p->count[n] = 0;
    if (value & PMCR_C)
        p->count[ARM_PMU_CYCLES] = p->cycles_rest = 0;
}

static void write_selected(ArmCpu *cpu, unsigned base, uint64_t value)
{
    int n = selected(cpu);
    if (n >= 0 && (n != ARM_PMU_CYCLES || base != PMU_PMEVCNTR))
        arm_pmu_write(cpu, base + (unsigned)n, value);
}

static void write_of_counter(ArmCpu *cpu, unsigned reg, uint64_t value)
{
    ArmPmu *p = &cpu->pmu;
    if (reg >= PMU_PMEVTYPER) {
        unsigned n = reg - PMU_PMEVTYPER;
        p->type[n] = value & (FILTERS | (n == ARM_PMU_CYCLES ? 0 : event_mask(cpu)));
    } else if (reg >= PMU_PMEVCNTR) {
        unsigned n = reg - PMU_PMEVCNTR;
        p->count[n] = n == ARM_PMU_CYCLES ? value : (uint32_t)value;
    }
}

void arm_pmu_write(ArmCpu *cpu, unsigned reg, uint64_t value)
{
    ArmPmu *p = &cpu->pmu;
    uint64_t bits = value & all_counters();
    arm_pmu_fold(cpu);
    switch (reg) {
    case PMU_PMCR: write_pmcr(cpu, value); break;
    case PMU_PMCNTENSET: p->enabled |= bits; break;
    case PMU_PMCNTENCLR: p->enabled &= ~bits; break;
    case PMU_PMOVSSET: p->overflows |= bits; break;
    case PMU_PMOVSCLR: p->overflows &= ~bits; break;
    case PMU_PMINTENSET: p->interrupts |= bits; break;
    case PMU_PMINTENCLR: p->interrupts &= ~bits; break;
    case PMU_PMSELR: p->selr = value & 31; break;
    case PMU_PMSWINC: count_some(cpu, PMU_SW_INCR, value); break;
    case PMU_PMUSERENR: p->userenr = value & 15; break;
    case PMU_PMXEVCNTR: write_selected(cpu, PMU_PMEVCNTR, value); break;
    case PMU_PMXEVTYPER: write_selected(cpu, PMU_PMEVTYPER, value); break;
    default: write_of_counter(cpu, reg, value); break;
    }
    reconfigure(cpu);
}

bool arm_pmu_allowed(const ArmCpu *cpu, unsigned reg, bool is_read)
{
    uint64_t need = USER_EN;
    if (reg == PMU_PMUSERENR)
        return true;
    if (reg == PMU_PMSWINC)
        need |= USER_SW;
    else if (reg == PMU_PMSELR)
        need |= USER_ER;
    else if (reg == PMU_PMEVCNTR + ARM_PMU_CYCLES && is_read)
        need |= USER_CR;
    else if (is_read && (reg == PMU_PMXEVCNTR ||
                         (reg >= PMU_PMEVCNTR && reg < PMU_PMEVCNTR + ARM_PMU_CYCLES)))
        need |= USER_ER;
    return cpu->pmu.userenr & need;
}

void arm_pmu_reset(ArmCpu *cpu)
{
    IrqLine out = cpu->pmu.out;
    cpu->pmu = (ArmPmu){ .out = out, .pmcr = cpu->model->pmcr };
    reconfigure(cpu);
}
