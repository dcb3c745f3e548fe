// SPDX-License-Identifier: MIT
//
// Stage 1 of the EL1&0 translation regime with the 4K granule. Arm ARM D8: D8.2 (address ranges),
// D8.3 (descriptors), D8.4 (permissions), D8.15 (faults). Hardware management of the access flag
// and dirty state is not implemented and not announced.
#include "target/arm/internal.h"

#include "util/bitops.h"

#define TCR_A1 BIT(22)
#define TCR_AS BIT(36)
#define TCR_TBI0 BIT(37)
#define TCR_TBI1 BIT(38)
#define TCR_E0PD0 BIT(55)
#define TCR_E0PD1 BIT(56)
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
#define DESC_PXN BIT(53)
#define DESC_UXN BIT(54)
#define DESC_PXN_TABLE BIT(59)
#define DESC_UXN_TABLE BIT(60)
#define DESC_AP_TABLE_NO_EL0 BIT(61)
#define DESC_AP_TABLE_RO BIT(62)

/* The half of the address space that an address lies in. */
typedef struct Half {
    unsigned size_bits;  /* 64 - TxSZ */
    bool tbi, disabled;
    bool el0_disabled;   /* E0PD: EL0 has no access, whatever the tables say */
    unsigned granule;    /* TGx as for TTBR0: 0 is 4K */
    uint64_t ttbr;
} Half;

static Half half_of(const ArmCpu *cpu, Vaddr va)
{
    uint64_t tcr = cpu->tcr_el1;
    static const uint8_t tg1_as_tg0[4] = { 3, 2, 0, 1 }; /* reserved, 16K, 4K, 64K */
    bool high = va & BIT(55);
    unsigned txsz = bits_get(tcr, high ? 16 : 0, 6);
    return (Half){
        .size_bits = 64 - MIN(MAX(txsz, 16u), 39u),
        .tbi = tcr & (high ? TCR_TBI1 : TCR_TBI0),
        .disabled = tcr & (high ? TCR_EPD1 : TCR_EPD0),
        .el0_disabled = (tcr & (high ? TCR_E0PD1 : TCR_E0PD0)) &&
                        arm_has(cpu, ARM_FEAT_E0PD),
        .granule = high ? tg1_as_tg0[bits_get(tcr, 30, 2)] : bits_get(tcr, 14, 2),
        .ttbr = high ? cpu->ttbr1_el1 : cpu->ttbr0_el1,
    };
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

/* ---- the walk --------------------------------------------------------------------------- */

/* What is asked, and what the tables said on the way down. */
typedef struct Walk {
    ArmCpu *cpu;
    Vaddr va;
    MmuAccess access;
    bool privileged, pan;
    unsigned pa_bits;
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

/* D8.4: the permissions of a leaf at the privilege of the access. */
static uint8_t leaf_permissions(const Walk *w, uint64_t desc)
{
    uint64_t tables = w->table_attributes;
    bool el0 = (desc & DESC_AP1) && !(tables & DESC_AP_TABLE_NO_EL0);
    bool write = !(desc & DESC_AP2) && !(tables & DESC_AP_TABLE_RO);
    bool wxn = w->cpu->sctlr_el1 & SCTLR_WXN;
    uint8_t prot = 0;
    if (!w->privileged) {
        bool xn = (desc & DESC_UXN) || (tables & DESC_UXN_TABLE) || (wxn && el0 && write);
        /* execution does not need read permission */
        return (el0 ? TLB_READ : 0) | (el0 && write ? TLB_WRITE : 0) | (xn ? 0 : TLB_EXEC);
    }
    if (!(el0 && w->pan))
        prot = TLB_READ | (write ? TLB_WRITE : 0);
    /* what EL0 may write, EL1 never executes */
    bool xn = (desc & DESC_PXN) || (tables & DESC_PXN_TABLE) || (wxn && write) || (el0 && write);
    return prot | (xn ? 0 : TLB_EXEC);
}

static bool memory_is_device(const ArmCpu *cpu, uint64_t desc)
{
    return !(cpu->mair_el1 >> (8 * bits_get(desc, 2, 3)) & 0xf0);
}

static bool finish_leaf(Walk *w, uint64_t desc, TlbFill *fill)
{
    static const uint8_t need[] = { [MMU_READ] = TLB_READ, [MMU_WRITE] = TLB_WRITE,
                                    [MMU_FETCH] = TLB_EXEC };
    unsigned size_log2 = 12 + 9 * (3 - w->level);
    uint64_t base = desc & bit_mask(48) & ~bit_mask(size_log2);
    if (base >> w->pa_bits)
        return refuse(w, FSC_ADDRESS_SIZE + w->level);
    if (!(desc & DESC_AF))
        return refuse(w, FSC_ACCESS_FLAG + w->level);
    *fill = (TlbFill){
        .gpa = base | (w->va & bit_mask(size_log2) & ~bit_mask(12)),
        .prot = leaf_permissions(w, desc),
        .size_log2 = size_log2,
        .global = !(desc & DESC_NG),
        .device = memory_is_device(w->cpu, desc),
        .guarded = (desc & DESC_GP) && arm_has(w->cpu, ARM_FEAT_BTI),
    };
    w->leaf = desc;
    if (!(fill->prot & need[w->access]))
        return refuse(w, FSC_PERMISSION + w->level);
    return true;
}

static bool walk_tables(Walk *w, const Half *h, TlbFill *fill)
{
    unsigned levels = (h->size_bits - 12 + 8) / 9;
    uint64_t table = h->ttbr & bit_mask(48) & ~UINT64_C(1);
    unsigned top_bits = h->size_bits - 12 - 9 * (levels - 1); /* of the first index */
    table &= ~bit_mask(top_bits + 3);
    if (table >> w->pa_bits)
        return refuse(w, FSC_ADDRESS_SIZE);
    for (w->level = 4 - levels;; w->level++) {
        unsigned shift = 12 + 9 * (3 - w->level);
        unsigned bits = w->level == 4 - levels ? top_bits : 9;
        uint64_t desc;
        if (memory_load(w->cpu->vcpu.memory, table + bits_get(w->va, shift, bits) * 8, 8, &desc) !=
            MEM_OK)
            return refuse(w, FSC_EXTERNAL_WALK + w->level);
        bool table_bit = desc & DESC_TABLE;
        if (!(desc & DESC_VALID) || (w->level == 3 && !table_bit) ||
            (w->level == 0 && !table_bit))
            return refuse(w, FSC_TRANSLATION + w->level);
        if (w->level == 3 || !table_bit)
            return finish_leaf(w, desc, fill);
        w->table_attributes |= desc;
        table = desc & bit_mask(48) & ~bit_mask(12);
        if (table >> w->pa_bits)
            return refuse(w, FSC_ADDRESS_SIZE + w->level);
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
    unsigned top = h.tbi ? 56 : 64;
    int64_t high = sign_extend(w->va, top) >> h.size_bits;
    if (high != (w->va & BIT(55) ? -1 : 0) || h.disabled || (h.el0_disabled && !w->privileged))
        return refuse(w, FSC_TRANSLATION);
    if (h.granule != 0) {
        log_print(cpu->vcpu.log, LOG_GUEST_ERRORS,
                  "cpu %u: translation granule is not 4K, which this CPU does not have\n",
                  cpu->vcpu.index);
        return refuse(w, FSC_TRANSLATION);
    }
    w->pa_bits = output_bits(cpu);
    return walk_tables(w, &h, fill);
}

bool arm_walk(VCPU *vcpu, Vaddr va, MmuAccess access, bool unprivileged, TlbFill *fill)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    Walk w = { .cpu = cpu, .va = va, .access = access, .privileged = cpu->el && !unprivileged,
               .pan = cpu->pan };
    bool ok = walk(&w, fill);
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
    Walk w = { .cpu = cpu, .va = va, .access = MMU_READ, .privileged = true };
    TlbFill fill;
    bool ok = walk(&w, &fill);
    cpu->walk_fsc = fsc;
    if (ok)
        *gpa = fill.gpa | (va & bit_mask(GUEST_PAGE_BITS));
    return ok;
}

bool arm_readable(ArmCpu *cpu, Vaddr va)
{
    Walk w = { .cpu = cpu, .va = va, .access = MMU_READ, .privileged = cpu->el, .pan = cpu->pan };
    const TlbEntry *e = tlb_entry(cpu->vcpu.bank, va);
    TlbFill fill;
    if ((e->tag_read & ~(uint64_t)TLB_MMIO) == (va & ~bit_mask(GUEST_PAGE_BITS)))
        return true;
    return walk(&w, &fill);
}

/* PAR_EL1, D24.2.137. */
void arm_address_translate(ArmCpu *cpu, Vaddr va, bool el0, bool write)
{
    Walk w = { .cpu = cpu, .va = va, .access = write ? MMU_WRITE : MMU_READ, .privileged = !el0 };
    TlbFill fill;
    if (walk(&w, &fill)) {
        bool flat = !(cpu->sctlr_el1 & SCTLR_M);
        uint64_t attr = flat ? 0 : cpu->mair_el1 >> (8 * bits_get(w.leaf, 2, 3)) & 0xff;
        uint64_t shareable = attr & 0xf0 ? bits_get(w.leaf, 8, 2) : 2;
        cpu->par_el1 = fill.gpa | attr << 56 | BIT(11) | BIT(9) | shareable << 7;
    } else if ((cpu->walk_fsc & ~3u) == FSC_EXTERNAL_WALK) {
        arm_raise_data_abort_exit(cpu, va, cpu->walk_fsc, ISS_WNR | ISS_CM);
    } else {
        cpu->par_el1 = BIT(11) | cpu->walk_fsc << 1 | 1;
    }
}

/* ---- TLBI (C5.5) ------------------------------------------------------------------------ */

static void tlbi_work(VCPU *vcpu, uint64_t op, uint64_t operand)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    uint32_t asid = operand >> 48;
    Vaddr va = sign_extend((operand & bit_mask(44)) << GUEST_PAGE_BITS, 56);
    switch (op & 3) { /* bit 2: the last level only */
    case 0: tlb_flush_all(vcpu->tlb); break;
    case 1: tlb_flush_page(vcpu->tlb, va, asid, cpu->el1_local != 0); break;
    case 2:
        tlb_flush_asid(vcpu->tlb, asid);
        drop_el1_local(cpu);
        break;
    case 3: tlb_flush_page(vcpu->tlb, va, 0, true); break;
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

void arm_raise_mmu(VCPU *vcpu, Vaddr va, MmuAccess access, bool unprivileged, MmuError error)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    uint32_t fsc = error == MMU_ALIGNMENT ? FSC_ALIGNMENT
                   : error == MMU_EXTERNAL ? FSC_EXTERNAL : cpu->walk_fsc;
    uint32_t same_el = cpu->el != 0;
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
