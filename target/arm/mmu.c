// SPDX-License-Identifier: MIT
//
// Stage 1 of the EL1&0 translation regime with granules of 4K, 16K and 64K. Arm ARM D8: D8.2
// (address ranges, tables), D8.3 (descriptors), D8.4 (permissions), D8.5 (access flag and dirty
// state by hardware), D8.15 (faults). The contiguous bit is a hint, which nothing is made of.
#include "target/arm/internal.h"
#include "target/arm/pmu.h"

#include "util/bitops.h"

#define ADDRESS_BITS 48   /* of virtual addresses, and the most of physical ones */

#define TCR_A1 BIT(22)
#define TCR_AS BIT(36)
#define TCR_TBI0 BIT(37)
#define TCR_TBI1 BIT(38)
#define TCR_E0PD0 BIT(55)
#define TCR_E0PD1 BIT(56)
#define TCR_HA BIT(39)
#define TCR_HD BIT(40)
#define TCR_HPD0 BIT(41)
#define TCR_HPD1 BIT(42)
#define TCR_TBID0 BIT(51)
#define TCR_TBID1 BIT(52)
#define TCR_EPD0 BIT(7)
#define TCR_EPD1 BIT(23)

/* Regime numbers for TlbKey: everything that a walk's result depends on besides the ASID. */
enum { REGIME_EL1 = 1 << 0, REGIME_MMU = 1 << 1, REGIME_PAN = 1 << 2 };

/* Descriptor bits, D8.3. */
#define DESC_VALID BIT(0)
#define DESC_TABLE BIT(1) /* below the last level; a page in it */
#define DESC_AP1 BIT(6)   /* EL0 may access */
#define DESC_AP2 BIT(7)   /* read-only */
#define DESC_AF BIT(10)
#define DESC_NG BIT(11)
#define DESC_GP BIT(50)
#define DESC_DBM BIT(51)  /* with DESC_AP2: writable, but clean */
#define DESC_PXN BIT(53)
#define DESC_UXN BIT(54)
#define DESC_PXN_TABLE BIT(59)
#define DESC_UXN_TABLE BIT(60)
#define DESC_AP_TABLE_NO_EL0 BIT(61)
#define DESC_AP_TABLE_RO BIT(62)

/* The half of the address space that an address lies in. */
typedef struct Half {
    unsigned size_bits;  /* 64 - TxSZ */
    unsigned page_bits;  /* of the granule */
    bool disabled;
    bool el0_disabled;   /* E0PD: EL0 has no access, whatever the tables say */
    bool tbi, tbi_fetch; /* the top byte is ignored: in data accesses, in fetches */
    bool hpd;            /* attributes in table descriptors are ignored */
    uint64_t ttbr;
} Half;

/* ID_AA64MMFR0_EL1.TGranN: all ones is "not there" for 4K and 64K, zero for 16K. */
static bool has_granule(const ArmModel *m, unsigned page_bits)
{
    switch (page_bits) {
    case 12: return arm_id_field(m->id_aa64mmfr0, 28) != 15;
    case 14: return arm_id_field(m->id_aa64mmfr0, 20) != 0;
    case 16: return arm_id_field(m->id_aa64mmfr0, 24) != 15;
    default: return false;
    }
}

/* TCR_EL1.TG0 and TG1. What is reserved or not there is taken as a granule that is. */
static unsigned granule_bits(const ArmCpu *cpu, bool high)
{
    static const uint8_t tg0[4] = { 12, 16, 14, 0 }, tg1[4] = { 0, 14, 12, 16 };
    unsigned bits = high ? tg1[bits_get(cpu->tcr_el1, 30, 2)] : tg0[bits_get(cpu->tcr_el1, 14, 2)];
    for (unsigned other = 12; !has_granule(cpu->model, bits); other += 2)
        bits = other;
    return bits;
}

static Half half_of(const ArmCpu *cpu, Vaddr va)
{
    uint64_t tcr = cpu->tcr_el1;
    const ArmModel *m = cpu->model;
    bool high = va & BIT(55), tbi = tcr & (high ? TCR_TBI1 : TCR_TBI0);
    bool tbid = (tcr & (high ? TCR_TBID1 : TCR_TBID0)) && m->has[ARM_FEAT_PAUTH];
    return (Half){
        .size_bits = 64 - bits_get(tcr, high ? 16 : 0, 6),
        .page_bits = granule_bits(cpu, high),
        .disabled = tcr & (high ? TCR_EPD1 : TCR_EPD0),
        .el0_disabled = (tcr & (high ? TCR_E0PD1 : TCR_E0PD0)) &&
                        arm_has(cpu, ARM_FEAT_E0PD),
        .tbi = tbi,
        .tbi_fetch = tbi && !tbid,
        .hpd = (tcr & (high ? TCR_HPD1 : TCR_HPD0)) && arm_has(cpu, ARM_FEAT_HPDS),
        .ttbr = high ? cpu->ttbr1_el1 : cpu->ttbr0_el1,
    };
}

/* D8.2.4: a size outside these bounds faults at level 0. */
static bool size_is_valid(const ArmCpu *cpu, const Half *h)
{
    unsigned least = !arm_has(cpu, ARM_FEAT_TTST) ? 25 : h->page_bits == 16 ? 17 : 16;
    return h->size_bits >= least && h->size_bits <= ADDRESS_BITS;
}

uint32_t arm_asid(const ArmCpu *cpu)
{
    uint64_t ttbr = cpu->tcr_el1 & TCR_A1 ? cpu->ttbr1_el1 : cpu->ttbr0_el1;
    return ttbr >> 48 & (cpu->tcr_el1 & TCR_AS ? 0xffff : 0xff);
}

/* A kernel sees little but global mappings: banks of EL1 serve all ASIDs, under a number that is
 * none. The exceptions (user memory without PAN, an identity map) are noted in el1_local and
 * dropped when the ASID changes. This ends with the first non-global mapping of the upper half:
 * kernels that hide from user space by separate tables (KPTI) have no others. */
#define ASID_OF_EL1(pan) (0x10000u + ((pan) != 0))

static void drop_el1_local(ArmCpu *cpu)
{
    for (unsigned pan = 0; pan < 2; pan++)
        if (cpu->el1_local >> pan & 1)
            tlb_flush_asid(cpu->vcpu.tlb, ASID_OF_EL1(pan));
    cpu->el1_local = 0;
}

void arm_asid_changed(ArmCpu *cpu)
{
    if (cpu->el1_local)
        drop_el1_local(cpu);
}

void arm_bank_key(VCPU *vcpu, bool unprivileged, TlbKey *key)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    bool el1 = cpu->el && !unprivileged, mmu = cpu->sctlr_el1 & SCTLR_M;
    if (!cpu->el)
        cpu->user_flags = arm_unit_flags(vcpu);
    *key = (TlbKey){
        .regime = (el1 ? REGIME_EL1 : 0) | (mmu ? REGIME_MMU : 0) |
                  (el1 && cpu->pan ? REGIME_PAN : 0),
        .asid = !mmu ? 0 : el1 && !cpu->el1_by_asid ? ASID_OF_EL1(cpu->pan) : arm_asid(cpu),
        /* LDTR and STTR share the bank of user code, though nothing is fetched through it */
        .flags = el1 ? arm_unit_flags(vcpu) : cpu->user_flags,
    };
}

Vaddr arm_canonical(VCPU *vcpu, Vaddr va)
{
    const ArmCpu *cpu = arm_cpu(vcpu);
    return half_of(cpu, va).tbi ? (Vaddr)sign_extend(va, 56) : va;
}

Vaddr arm_canonical_pc(ArmCpu *cpu, Vaddr pc)
{
    return half_of(cpu, pc).tbi_fetch ? (Vaddr)sign_extend(pc, 56) : pc;
}

/* ---- the walk --------------------------------------------------------------------------- */

/* On whose behalf a walk is made: what it may do to the descriptors. */
typedef enum WalkFor {
    WALK_ACCESS,      /* sets the access flag and makes clean pages dirty */
    WALK_MAINTENANCE, /* cache maintenance, AT: sets the access flag only */
    WALK_DEBUG,       /* changes nothing, and needs no access flag */
} WalkFor;

/* What is asked, and what the tables said on the way down. */
typedef struct Walk {
    ArmCpu *cpu;
    Vaddr va;
    MmuAccess access;
    bool privileged, pan;
    WalkFor purpose;
    bool set_access_flag, set_dirty; /* by hardware: TCR_EL1.HA, HD */
    unsigned pa_bits, page_bits;
    uint64_t table_attributes; /* of all tables passed, or'ed */
    unsigned level;
    uint64_t leaf; /* the descriptor that ended a successful walk */
} Walk;

static bool refuse(Walk *w, uint32_t fsc)
{
    w->cpu->walk_fsc = fsc;
    return false;
}

/* The output size: what TCR_EL1.IPS asks for, within what the CPU has. */
static unsigned output_bits(const ArmCpu *cpu)
{
    static const uint8_t sizes[8] = { 32, 36, 40, 42, 44, 48, 48, 48 };
    return MIN(sizes[bits_get(cpu->tcr_el1, 32, 3)],
               sizes[bits_get(cpu->model->id_aa64mmfr0, 0, 3)]);
}

/* D8.4: the permissions of a leaf at the privilege of the access. A page that is clean but may be
 * made dirty by hardware is writable in every respect. */
static uint8_t leaf_permissions(const Walk *w, uint64_t desc)
{
    uint64_t tables = w->table_attributes, sctlr = w->cpu->sctlr_el1;
    bool read_only = (desc & DESC_AP2) && !(w->set_dirty && (desc & DESC_DBM));
    bool el0 = (desc & DESC_AP1) && !(tables & DESC_AP_TABLE_NO_EL0);
    bool write = !read_only && !(tables & DESC_AP_TABLE_RO);
    bool wxn = sctlr & SCTLR_WXN;
    bool uxn = (desc & DESC_UXN) || (tables & DESC_UXN_TABLE) || (wxn && el0 && write);
    uint8_t prot = 0;
    if (!w->privileged) /* execution does not need read permission */
        return (el0 ? TLB_READ : 0) | (el0 && write ? TLB_WRITE : 0) | (uxn ? 0 : TLB_EXEC);
    bool epan = (sctlr & SCTLR_EPAN) && arm_has(w->cpu, ARM_FEAT_PAN3);
    if (!(w->pan && (el0 || (epan && !uxn))))
        prot = TLB_READ | (write ? TLB_WRITE : 0);
    /* what EL0 may write, EL1 never executes */
    bool xn = (desc & DESC_PXN) || (tables & DESC_PXN_TABLE) || (wxn && write) || (el0 && write);
    return prot | (xn ? 0 : TLB_EXEC);
}

static bool memory_is_device(const ArmCpu *cpu, uint64_t desc)
{
    return !(cpu->mair_el1 >> (8 * bits_get(desc, 2, 3)) & 0xf0);
}

/* Bits of the virtual address below those that index the table of a level. */
static unsigned level_shift(const Walk *w, unsigned level)
{
    return w->page_bits + (w->page_bits - 3) * (3 - level);
}

/* The descriptor as hardware leaves it after the access (D8.5); permissions were checked. */
static uint64_t updated_descriptor(const Walk *w, uint64_t desc)
{
    if (w->purpose == WALK_DEBUG)
        return desc;
    if (w->set_access_flag)
        desc |= DESC_AF;
    if (w->set_dirty && (desc & DESC_DBM) && w->access == MMU_WRITE && w->purpose == WALK_ACCESS)
        desc &= ~DESC_AP2;
    return desc;
}

typedef enum LeafResult { LEAF_REFUSED, LEAF_DONE, LEAF_CHANGED } LeafResult;

/* LEAF_CHANGED: somebody wrote the descriptor at `at` meanwhile. */
static LeafResult finish_leaf(Walk *w, Hwaddr at, uint64_t desc, TlbFill *fill)
{
    static const uint8_t need[] = { [MMU_READ] = TLB_READ, [MMU_WRITE] = TLB_WRITE,
                                    [MMU_FETCH] = TLB_EXEC };
    unsigned size_log2 = level_shift(w, w->level);
    uint64_t base = desc & bit_mask(ADDRESS_BITS) & ~bit_mask(size_log2), found = desc;
    if (base >> w->pa_bits)
        return refuse(w, FSC_ADDRESS_SIZE + w->level);
    if (!(desc & DESC_AF) && !w->set_access_flag && w->purpose != WALK_DEBUG)
        return refuse(w, FSC_ACCESS_FLAG + w->level);
    uint8_t prot = leaf_permissions(w, desc);
    if (!(prot & need[w->access]))
        return refuse(w, FSC_PERMISSION + w->level);
    w->leaf = updated_descriptor(w, desc);
    if (w->leaf != desc) {
        if (memory_exchange(w->cpu->vcpu.memory, at, &found, w->leaf) != MEM_OK)
            return refuse(w, FSC_ATOMIC_UPDATE);
        if (found != desc)
            return LEAF_CHANGED;
    }
    if ((w->leaf & (DESC_DBM | DESC_AP2)) == (DESC_DBM | DESC_AP2))
        prot &= ~TLB_WRITE; /* still clean: the first write comes here again */
    *fill = (TlbFill){
        .gpa = base | (w->va & bit_mask(size_log2) & ~bit_mask(GUEST_PAGE_BITS)),
        .prot = prot,
        .size_log2 = size_log2,
        .global = !(desc & DESC_NG),
        .device = memory_is_device(w->cpu, desc),
        .guarded = (desc & DESC_GP) && arm_has(w->cpu, ARM_FEAT_BTI),
    };
    return LEAF_DONE;
}

/* Tables are looked for in memory only: a device there is as good as nothing. */
static bool load_descriptor(Walk *w, Hwaddr at, uint64_t *desc)
{
    const _Atomic uint64_t *host = memory_host(w->cpu->vcpu.memory, at, 8, false);
    if (!host)
        return refuse(w, FSC_EXTERNAL_WALK + w->level);
    *desc = atomic_load_explicit(host, memory_order_relaxed);
    return true;
}

static bool is_block(const Walk *w, uint64_t desc)
{
    return !(desc & DESC_TABLE) && (w->level == 2 || (w->level == 1 && w->page_bits == 12));
}

/* From the descriptor at `at` on to the next table, or to the end. */
static bool walk_entry(Walk *w, Hwaddr at, Hwaddr *table, TlbFill *fill, bool *done)
{
    uint64_t desc;
    LeafResult leaf;
    do {
        if (!load_descriptor(w, at, &desc))
            return false;
        *done = is_block(w, desc) || w->level == 3;
        if (!(desc & DESC_VALID) || (!(desc & DESC_TABLE) && !is_block(w, desc)))
            return refuse(w, FSC_TRANSLATION + w->level);
        leaf = *done ? finish_leaf(w, at, desc, fill) : LEAF_DONE;
    } while (leaf == LEAF_CHANGED);
    if (*done)
        return leaf == LEAF_DONE;
    w->table_attributes |= desc;
    *table = desc & bit_mask(ADDRESS_BITS) & ~bit_mask(w->page_bits);
    return !(*table >> w->pa_bits) || refuse(w, FSC_ADDRESS_SIZE + w->level);
}

static bool walk_tables(Walk *w, const Half *h, TlbFill *fill)
{
    unsigned stride = h->page_bits - 3;
    unsigned levels = (h->size_bits - h->page_bits + stride - 1) / stride;
    w->level = 4 - levels;
    unsigned bits = h->size_bits - level_shift(w, w->level); /* of the first index */
    Hwaddr table = h->ttbr & bit_mask(ADDRESS_BITS) & ~UINT64_C(1) & ~bit_mask(bits + 3);
    if (table >> w->pa_bits)
        return refuse(w, FSC_ADDRESS_SIZE);
    for (bool done = false;; w->level++, bits = stride) {
        Hwaddr at = table + bits_get(w->va, level_shift(w, w->level), bits) * 8;
        if (!walk_entry(w, at, &table, fill, &done))
            return false;
        if (done)
            return true;
        if (h->hpd)
            w->table_attributes = 0;
    }
}

/* With the MMU off addresses are physical; a size beyond the CPU's is an address size fault. */
static bool walk_flat(Walk *w, TlbFill *fill)
{
    static const uint8_t sizes[8] = { 32, 36, 40, 42, 44, 48, 48, 48 };
    Vaddr va = arm_canonical(&w->cpu->vcpu, w->va);
    if (va >> sizes[bits_get(w->cpu->model->id_aa64mmfr0, 0, 3)])
        return refuse(w, FSC_ADDRESS_SIZE);
    *fill = (TlbFill){ .gpa = va & ~bit_mask(12), .prot = TLB_READ | TLB_WRITE | TLB_EXEC,
                       .size_log2 = 12, .global = true };
    return true;
}

static bool walk(Walk *w, TlbFill *fill)
{
    ArmCpu *cpu = w->cpu;
    if (!(cpu->sctlr_el1 & SCTLR_M))
        return walk_flat(w, fill);
    Half h = half_of(cpu, w->va);
    if (!size_is_valid(cpu, &h))
        return refuse(w, FSC_TRANSLATION);
    unsigned top = (w->access == MMU_FETCH ? h.tbi_fetch : h.tbi) ? 56 : 64;
    int64_t high = sign_extend(w->va, top) >> h.size_bits;
    if (high != (w->va & BIT(55) ? -1 : 0) || h.disabled || (h.el0_disabled && !w->privileged))
        return refuse(w, FSC_TRANSLATION);
    w->set_access_flag = (cpu->tcr_el1 & TCR_HA) && arm_has(cpu, ARM_FEAT_HAF);
    w->set_dirty = w->set_access_flag && (cpu->tcr_el1 & TCR_HD) && arm_has(cpu, ARM_FEAT_HAFDBS);
    w->pa_bits = output_bits(cpu);
    w->page_bits = h.page_bits;
    return walk_tables(w, &h, fill);
}

bool arm_walk(VCPU *vcpu, Vaddr va, MmuAccess access, bool unprivileged, TlbFill *fill)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    Walk w = { .cpu = cpu, .va = va, .access = access, .privileged = cpu->el && !unprivileged,
               .pan = cpu->pan };
    bool ok = walk(&w, fill);
    arm_pmu_event(cpu, access == MMU_FETCH ? PMU_L1I_TLB_REFILL : PMU_L1D_TLB_REFILL);
    if (ok && w.privileged && !fill->global && !cpu->el1_by_asid) {
        cpu->el1_local |= 1u << (w.pan != 0);
        cpu->el1_by_asid |= va >> 55 & 1;
    }
    if (log_on(vcpu->log, LOG_MMU)) {
        static const char *const names[] = { "read", "write", "fetch" };
        FILE *out = log_begin(vcpu->log);
        fprintf(out, "cpu %u: walk 0x%016llx %s EL%u: ", vcpu->index, (unsigned long long)va,
                names[access], cpu->el && !unprivileged);
        if (ok)
            fprintf(out, "0x%llx prot %u%s\n", (unsigned long long)fill->gpa, fill->prot,
                    fill->global ? " global" : "");
        else
            fprintf(out, "fault status 0x%x\n", cpu->walk_fsc);
        log_end(vcpu->log);
    }
    return ok;
}

bool arm_debug_translate(VCPU *vcpu, Vaddr va, Hwaddr *gpa)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    uint32_t fsc = cpu->walk_fsc;
    Walk w = { .cpu = cpu, .va = va, .access = MMU_READ, .privileged = true,
               .purpose = WALK_DEBUG };
    TlbFill fill;
    bool ok = walk(&w, &fill);
    cpu->walk_fsc = fsc;
    if (ok)
        *gpa = fill.gpa | (va & bit_mask(GUEST_PAGE_BITS));
    return ok;
}

/* PSTATE.PAN is no matter here (D8.4.3). */
bool arm_may_maintain(ArmCpu *cpu, Vaddr va, bool write)
{
    Walk w = { .cpu = cpu, .va = va, .access = write ? MMU_WRITE : MMU_READ,
               .privileged = cpu->el, .purpose = WALK_MAINTENANCE };
    const TlbEntry *e = tlb_entry(cpu->vcpu.bank, va);
    uint64_t tag = write ? e->tag_write : e->tag_read;
    TlbFill fill;
    return (tag & ~(uint64_t)(TLB_MMIO | TLB_NOTDIRTY)) == (va & ~bit_mask(GUEST_PAGE_BITS)) ||
           walk(&w, &fill);
}

/* PAR_EL1.ATTR and SH, D24.2.137: what is no memory, or not cacheable at all, is outer shareable. */
static uint64_t par_attributes(const ArmCpu *cpu, uint64_t leaf)
{
    uint64_t attr = cpu->mair_el1 >> (8 * bits_get(leaf, 2, 3)) & 0xff;
    uint64_t shareable = !(attr & 0xf0) || attr == 0x44 ? 2 : bits_get(leaf, 8, 2);
    return attr << 56 | shareable << 7;
}

void arm_address_translate(ArmCpu *cpu, Vaddr va, unsigned op)
{
    Walk w = { .cpu = cpu, .va = va, .access = op & AT_WRITE ? MMU_WRITE : MMU_READ,
               .privileged = !(op & AT_EL0), .pan = (op & AT_PAN) && cpu->pan,
               .purpose = WALK_MAINTENANCE };
    TlbFill fill;
    if (walk(&w, &fill)) {
        bool flat = !(cpu->sctlr_el1 & SCTLR_M);
        cpu->par_el1 = fill.gpa | BIT(11) | BIT(9) | (flat ? 2 << 7 : par_attributes(cpu, w.leaf));
    } else if ((cpu->walk_fsc & ~3u) == FSC_EXTERNAL_WALK) {
        arm_raise_data_abort_exit(cpu, va, cpu->walk_fsc, ISS_WNR | ISS_CM);
    } else {
        cpu->par_el1 = BIT(11) | cpu->walk_fsc << 1 | 1;
    }
}

/* ---- TLBI (C5.5) ------------------------------------------------------------------------ */

/* C5.5, TLBI RVAE1: (NUM + 1) << (5 * SCALE + 1) pages of the size TG from BaseADDR on. */
static void tlbi_range(ArmCpu *cpu, uint64_t op, uint64_t operand)
{
    enum { MANY = 64 };
    unsigned tg = bits_get(operand, 46, 2), page_bits = 10 + 2 * tg;
    uint64_t pages = (bits_get(operand, 39, 5) + 1) << (5 * bits_get(operand, 44, 2) + 1);
    Vaddr va = sign_extend((operand & bit_mask(37)) << page_bits, 37 + page_bits);
    bool any_asid = (op & 2) || cpu->el1_local;
    if (!tg)
        return;
    if (pages > MANY) {
        tlb_flush_all(cpu->vcpu.tlb);
        return;
    }
    for (; pages--; va += BIT(page_bits))
        tlb_flush_page(cpu->vcpu.tlb, va, page_bits, operand >> 48, any_asid);
}

static void tlbi_work(VCPU *vcpu, uint64_t op, uint64_t operand)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    if (op & ARM_TLBI_RANGE) {
        tlbi_range(cpu, op, operand);
        return;
    }
    uint32_t asid = operand >> 48;
    Vaddr va = sign_extend((operand & bit_mask(44)) << GUEST_PAGE_BITS, 56);
    unsigned page_bits = half_of(cpu, va).page_bits;
    switch (op & 3) { /* bit 2: the last level only */
    case 0: tlb_flush_all(vcpu->tlb); break;
    case 1: tlb_flush_page(vcpu->tlb, va, page_bits, asid, cpu->el1_local != 0); break;
    case 2:
        tlb_flush_asid(vcpu->tlb, asid);
        drop_el1_local(cpu);
        break;
    case 3: tlb_flush_page(vcpu->tlb, va, page_bits, 0, true); break;
    }
}

static void tlbi_all(VCPU *vcpu)
{
    tlb_flush_all(vcpu->tlb);
}

static const VcpuFlush tlbi_flush = { tlbi_work, tlbi_all };

void arm_tlbi(ArmCpu *cpu, unsigned op, bool broadcast, uint64_t operand)
{
    VCPU *vcpu = &cpu->vcpu;
    if (!(cpu->tcr_el1 & TCR_AS))
        operand &= bit_mask(56);
    log_print(vcpu->log, LOG_MMU, "cpu %u: TLBI op2 %u 0x%llx%s\n", vcpu->index, op,
              (unsigned long long)operand, broadcast ? " to all" : "");
    tlbi_work(vcpu, op, operand);
    if (broadcast && vcpu->peer_count > 1) {
        vcpu_queue_flush_others(vcpu, &tlbi_flush, op, operand);
        cpu->tlbi_pending = 1;
    }
}

#define DC_ZVA_INSN 0xd50b7420u

/* DC ZVA stores to its block from the beginning on, but what faults is the address in its register
 * (FAR_EL1, D24.2.40). */
static Vaddr fault_address(ArmCpu *cpu, Vaddr va, MmuAccess access)
{
    Hwaddr gpa;
    uint64_t insn;
    if (access != MMU_WRITE || !arm_debug_translate(&cpu->vcpu, cpu->regs.pc, &gpa) ||
        memory_load(cpu->vcpu.memory, gpa, 4, &insn) != MEM_OK || insn >> 5 != DC_ZVA_INSN >> 5)
        return va;
    return (insn & 31) == 31 ? 0 : cpu->regs.x[insn & 31];
}

void arm_raise_mmu(VCPU *vcpu, Vaddr va, MmuAccess access, bool unprivileged, MmuError error)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    uint32_t fsc = error == MMU_ALIGNMENT ? FSC_ALIGNMENT
                   : error == MMU_EXTERNAL ? FSC_EXTERNAL : cpu->walk_fsc;
    uint32_t same_el = cpu->el != 0;
    va = fault_address(cpu, va, access);
    (void)unprivileged; /* LDTR is taken from, and to, EL1 */
    if (access == MMU_FETCH && arm_step_enabled(cpu, cpu->el, cpu->daif) && !cpu->ss)
        arm_raise(cpu, arm_step_esr(cpu), cpu->regs.pc); /* comes before all others */
    else if (access == MMU_FETCH && error == MMU_ALIGNMENT)
        arm_raise_far(cpu, ESR(EC_PC_ALIGN, 0), va, cpu->regs.pc);
    else if (access == MMU_FETCH)
        arm_raise_far(cpu, ESR(EC_INSN_ABORT_LOWER + same_el, fsc), va, cpu->regs.pc);
    else
        arm_raise_far(cpu, ESR(EC_DATA_ABORT_LOWER + same_el,
                               fsc | (access == MMU_WRITE ? 1u << 6 : 0)), va, cpu->regs.pc);
}
