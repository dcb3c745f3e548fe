// SPDX-License-Identifier: MIT
//
// Self-hosted debug: breakpoints, watchpoints, and when debug exceptions are taken. Arm ARM D2.4
// (enabling), D2.8 (breakpoints), D2.9 (watchpoints), D2.11 (software step, with translate.c).
// EL1 is the highest level, Non-secure, and the one that debug exceptions are taken to.
//
// Nothing of this costs while it is off. Breakpoints: a mode bit selects translations that look
// before each instruction at a filter of places, and call here if that has the place. Watchpoints:
// their pages are kept out of the fast path of loads and stores, and the engine asks here about
// each access to one. Context IDs, masks and links are compared only then.
//
// Reserved values of control registers (CONSTRAINED UNPREDICTABLE): a reserved breakpoint type, a
// reserved address mask and a link to a breakpoint of the wrong type match nothing; HMC is ignored;
// SSC picks the security state in every combination.
#include "target/arm/internal.h"
#include "util/bitops.h"

/* The fields of DBGBCR<n>_EL1 and DBGWCR<n>_EL1 that are the same. */
#define CR_ENABLED BIT(0)
#define CR_EL1 BIT(1) /* PMC and PAC: the levels that match */
#define CR_EL0 BIT(2)
#define CR_SSC(cr) ((unsigned)bits_get(cr, 14, 2))
#define CR_LINK(cr) ((unsigned)bits_get(cr, 16, 4))
#define SSC_SECURE_ONLY 2

#define BCR_TYPE(cr) ((unsigned)bits_get(cr, 20, 4))
#define BCR_FIRST_BYTE BIT(5) /* BAS: of the word; the others are for T32 */
enum { BT_ADDRESS, BT_ADDRESS_LINKED, BT_CONTEXT, BT_CONTEXT_LINKED };

#define WCR_LOAD BIT(3)
#define WCR_STORE BIT(4)
#define WCR_BAS(cr) ((unsigned)bits_get(cr, 5, 8))
#define WCR_LINKED BIT(20)
#define WCR_MASK(cr) ((unsigned)bits_get(cr, 24, 5))

#define DFR0_BRPS 12
#define DFR0_WRPS 20
#define DFR0_CTX_CMPS 28

unsigned arm_breakpoint_count(const ArmCpu *cpu)
{
    return arm_id_field(cpu->model->id_aa64dfr0, DFR0_BRPS) + 1;
}

unsigned arm_watchpoint_count(const ArmCpu *cpu)
{
    return arm_id_field(cpu->model->id_aa64dfr0, DFR0_WRPS) + 1;
}

/* The last breakpoints compare context IDs. */
static bool compares_contexts(const ArmCpu *cpu, unsigned n)
{
    unsigned count = arm_id_field(cpu->model->id_aa64dfr0, DFR0_CTX_CMPS) + 1;
    return n < arm_breakpoint_count(cpu) && n + count >= arm_breakpoint_count(cpu);
}

/* ---- enabling ---------------------------------------------------------------------------- */

bool arm_debug_enabled(const ArmCpu *cpu, uint32_t el, uint64_t daif)
{
    if ((cpu->oslsr_el1 & OSLSR_LOCKED) || (cpu->osdlr_el1 & 1))
        return false;
    return el == 0 || ((cpu->mdscr_el1 & MDSCR_KDE) && !(daif & DAIF_D));
}

bool arm_step_enabled(const ArmCpu *cpu, uint32_t el, uint64_t daif)
{
    return (cpu->mdscr_el1 & MDSCR_SS) && arm_debug_enabled(cpu, el, daif);
}

uint32_t arm_step_esr(const ArmCpu *cpu)
{
    return ESR(cpu->el ? EC_STEP : EC_STEP_LOWER, FSC_DEBUG | cpu->step_iss);
}

bool arm_breakpoints_active(const ArmCpu *cpu)
{
    return cpu->breakpoint_places && (cpu->mdscr_el1 & MDSCR_MDE) &&
           arm_debug_enabled(cpu, cpu->el, cpu->daif);
}

/* ---- what both have ---------------------------------------------------------------------- */

static bool state_matches(uint64_t cr, unsigned el)
{
    return (cr & (el ? CR_EL1 : CR_EL0)) && CR_SSC(cr) != SSC_SECURE_ONLY;
}

static bool context_matches(const ArmCpu *cpu, unsigned n)
{
    return (uint32_t)cpu->dbgbvr[n] == (uint32_t)cpu->contextidr_el1;
}

static bool link_matches(const ArmCpu *cpu, unsigned n)
{
    return compares_contexts(cpu, n) && (cpu->dbgbcr[n] & CR_ENABLED) &&
           BCR_TYPE(cpu->dbgbcr[n]) == BT_CONTEXT_LINKED && context_matches(cpu, n);
}

/* ---- breakpoints ------------------------------------------------------------------------- */

static Vaddr breakpoint_address(const ArmCpu *cpu, unsigned n)
{
    return sign_extend(cpu->dbgbvr[n], 49) & ~UINT64_C(3);
}

static uint64_t place_bit(Vaddr pc)
{
    return BIT(pc >> 2 & 63);
}

/* Where breakpoint `n` may match. */
static uint64_t places_of(const ArmCpu *cpu, unsigned n)
{
    if (!(cpu->dbgbcr[n] & CR_ENABLED))
        return 0;
    switch (BCR_TYPE(cpu->dbgbcr[n])) {
    case BT_ADDRESS:
    case BT_ADDRESS_LINKED: return place_bit(breakpoint_address(cpu, n));
    case BT_CONTEXT: return compares_contexts(cpu, n) ? UINT64_MAX : 0;
    default: return 0;
    }
}

void arm_breakpoints_changed(ArmCpu *cpu)
{
    cpu->breakpoint_places = 0;
    for (unsigned n = 0; n < arm_breakpoint_count(cpu); n++)
        cpu->breakpoint_places |= places_of(cpu, n);
}

static bool breakpoint_matches(const ArmCpu *cpu, unsigned n, Vaddr pc)
{
    uint64_t cr = cpu->dbgbcr[n];
    if (!(places_of(cpu, n) & place_bit(pc)) || !state_matches(cr, cpu->el))
        return false;
    if (BCR_TYPE(cr) == BT_CONTEXT)
        return context_matches(cpu, n);
    return breakpoint_address(cpu, n) == pc && (cr & BCR_FIRST_BYTE) &&
           (BCR_TYPE(cr) == BT_ADDRESS || link_matches(cpu, CR_LINK(cr)));
}

void arm_check_breakpoints(ArmCpu *cpu)
{
    for (unsigned n = 0; n < arm_breakpoint_count(cpu); n++)
        if (breakpoint_matches(cpu, n, cpu->regs.pc))
            arm_raise_exit(cpu, ESR(cpu->el ? EC_BREAKPOINT : EC_BREAKPOINT_LOWER, FSC_DEBUG),
                           cpu->regs.pc);
}

/* ---- watchpoints ------------------------------------------------------------------------- */

/* The bytes that a watchpoint may watch; without BAS all of them. */
typedef struct WatchRange {
    Vaddr first;
    uint64_t bytes; /* 0: none */
} WatchRange;

static WatchRange watch_range(const ArmCpu *cpu, unsigned n)
{
    uint64_t cr = cpu->dbgwcr[n], address = sign_extend(cpu->dbgwvr[n], 49);
    unsigned mask = WCR_MASK(cr), log2 = mask ? mask : address & 4 ? 2 : 3;
    if (!(cr & CR_ENABLED) || mask == 1 || mask == 2)
        return (WatchRange){ 0 };
    return (WatchRange){ address & ~bit_mask(log2), BIT(log2) };
}

/* The first of the watched bytes that the access touches. */
static bool touches(const ArmCpu *cpu, unsigned n, Vaddr addr, unsigned size, Vaddr *at)
{
    WatchRange r = watch_range(cpu, n);
    for (*at = addr; *at - addr < size; ++*at)
        if (*at - r.first < r.bytes && WCR_BAS(cpu->dbgwcr[n]) >> ((*at - r.first) & 7) & 1)
            return true;
    return false;
}

static bool watchpoint_matches(const ArmCpu *cpu, unsigned n, const WatchAccess *a, Vaddr *at)
{
    uint64_t cr = cpu->dbgwcr[n];
    unsigned el = a->unprivileged ? 0 : cpu->el;
    return (((cr & WCR_LOAD) && a->read) || ((cr & WCR_STORE) && a->write)) &&
           state_matches(cr, el) && touches(cpu, n, a->addr, a->size, at) &&
           (!(cr & WCR_LINKED) || link_matches(cpu, CR_LINK(cr)));
}

void arm_watchpoints_changed(ArmCpu *cpu)
{
    bool before = cpu->vcpu.watches, now = false;
    for (unsigned n = 0; n < arm_watchpoint_count(cpu); n++)
        now |= watch_range(cpu, n).bytes != 0;
    cpu->vcpu.watches = now;
    if (before || now)
        tlb_flush_all(cpu->vcpu.tlb);
}

bool arm_page_watched(VCPU *vcpu, Vaddr va)
{
    const ArmCpu *cpu = arm_cpu(vcpu);
    Vaddr page = arm_canonical(vcpu, va) & ~bit_mask(GUEST_PAGE_BITS);
    for (unsigned n = 0; n < arm_watchpoint_count(cpu); n++) {
        WatchRange r = watch_range(cpu, n);
        if (r.first - page < GUEST_PAGE_SIZE ? r.bytes : page - r.first < r.bytes)
            return true;
    }
    return false;
}

static bool find_watchpoint(const ArmCpu *cpu, const WatchAccess *a, Vaddr *at)
{
    for (unsigned n = 0; n < arm_watchpoint_count(cpu); n++)
        if (watchpoint_matches(cpu, n, a, at))
            return true;
    return false;
}

bool arm_watch_hit(VCPU *vcpu, const WatchAccess *access)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    WatchAccess load = *access, any;
    Vaddr at;
    if (!(cpu->mdscr_el1 & MDSCR_MDE) || !arm_debug_enabled(cpu, cpu->el, cpu->daif))
        return false;
    load.addr = arm_canonical(vcpu, access->addr);
    any = load;
    load.write = false;
    /* what reads and writes counts as a write if its reading alone would not have been caught */
    bool by_load = find_watchpoint(cpu, &load, &at);
    if (!by_load && !find_watchpoint(cpu, &any, &at))
        return false;
    vcpu_sync_state(vcpu);
    arm_raise_far(cpu, ESR(cpu->el ? EC_WATCHPOINT : EC_WATCHPOINT_LOWER,
                           FSC_DEBUG | (by_load ? 0 : ISS_WNR)),
                  access->addr + (at - any.addr), cpu->regs.pc);
    return true;
}
