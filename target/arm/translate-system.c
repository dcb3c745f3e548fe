// SPDX-License-Identifier: MIT
//
// A64 hints, barriers, PSTATE access, system registers and system instructions (Arm ARM C4.1,
// C5). The registers themselves are rows of sysregs.c; here stands how each kind of row becomes
// code.
//
// A write that changes the mode bits or the bank is done by a helper that selects the bank
// anew; the unit then ends with IR_EXIT_RELOAD. Unmasking interrupts looks at the input lines and
// leaves only if one is up: a line that rises later requests an exit by itself.
#include "target/arm/helpers.h"
#include "target/arm/internal.h"
#include "target/arm/sysregs.h"
#include "target/arm/translate.h"

#define OFF(field) offsetof(ArmCpu, field)

/* ---- hints and barriers ------------------------------------------------------------------- */

bool a64_trans_NOP(DisasContext *s, const struct a64_none *a)
{
    return true;
}

bool a64_trans_HINT(DisasContext *s, const struct a64_hint *a)
{
    return true;
}

bool a64_trans_BTI(DisasContext *s, const struct a64_bti *a)
{
    return true;
}

bool a64_trans_YIELD(DisasContext *s, const struct a64_none *a)
{
    gen_exit_reason(s, s->pc + 4, IR_REASON_YIELD);
    return true;
}

bool a64_trans_WFE(DisasContext *s, const struct a64_none *a)
{
    if (s->el == 0 && !(s->flags & UNIT_NTWE))
        gen_raise(s, ESR(EC_WFX, ISS_CV_AL | 1));
    else
        gen_exit_reason(s, s->pc + 4, IR_REASON_WFE);
    return true;
}

bool a64_trans_WFI(DisasContext *s, const struct a64_none *a)
{
    if (s->el == 0 && !(s->flags & UNIT_NTWI))
        gen_raise(s, ESR(EC_WFX, ISS_CV_AL));
    else
        gen_exit_reason(s, s->pc + 4, IR_REASON_WFI);
    return true;
}

bool a64_trans_SEV(DisasContext *s, const struct a64_none *a)
{
    ir_call0(&s->b, &helper_send_event);
    return true;
}

bool a64_trans_SEVL(DisasContext *s, const struct a64_none *a)
{
    ir_stenv(&s->b, IR_I32, ir_imm32(&s->b, 1), 2, OFF(event));
    return true;
}

bool a64_trans_CLREX(DisasContext *s, const struct a64_barrier *a)
{
    ir_set(&s->b, IR_I64, ir_imm64(&s->b, UINT64_MAX), ARM_G_EXCL_ADDR);
    return true;
}

bool a64_trans_DMB(DisasContext *s, const struct a64_barrier *a)
{
    static const uint8_t fences[4] = { IR_FENCE_FULL, IR_FENCE_LOAD, IR_FENCE_STORE,
                                       IR_FENCE_FULL };
    ir_fence(&s->b, fences[a->crm & 3]);
    return true;
}

bool a64_trans_DSB(DisasContext *s, const struct a64_barrier *a)
{
    ir_fence(&s->b, IR_FENCE_FULL);
    IrRef pending = ir_or(&s->b, IR_I32, ir_ldenv(&s->b, IR_I32, 2, OFF(tlbi_pending)),
                          ir_ldenv(&s->b, IR_I32, 2, OFF(vcpu.exit_request)));
    gen_cold_if(s, IR_I32, pending, ir_imm32(&s->b, 0), IR_NE, COLD_DSB, s->pc + 4);
    return true;
}

bool a64_trans_ISB(DisasContext *s, const struct a64_barrier *a)
{
    gen_exit_to(s, s->pc + 4, IR_EXIT_RELOAD);
    return true;
}

bool a64_trans_SB(DisasContext *s, const struct a64_barrier *a)
{
    return true;
}

/* ---- PSTATE ------------------------------------------------------------------------------- */

/* PSTATE.DAIF was written: go on, or leave for an interrupt or for software step. */
static void daif_written(DisasContext *s)
{
    IrRef levels = ir_ldenv(&s->b, IR_I32, 2, OFF(irq_levels));
    gen_cold_if(s, IR_I32, levels, ir_imm32(&s->b, 0), IR_NE, COLD_RESYNC, s->pc + 4);
    if (s->flags & UNIT_DEBUG_D)
        gen_exit_reason(s, s->pc + 4, IR_REASON_RESYNC);
}

/* MSR (immediate) and MSR DAIF at EL0 need SCTLR_EL1.UMA. */
static bool daif_allowed(DisasContext *s, unsigned imm, unsigned op2)
{
    if (s->el || (s->flags & UNIT_UMA))
        return true;
    gen_raise(s, ESR(EC_SYSREG, ISS_SYSREG(0, 3, 4, imm, op2, 31, false)));
    return false;
}

bool a64_trans_MSR_DAIFSet(DisasContext *s, const struct a64_pstate *a)
{
    if (!daif_allowed(s, a->imm, 6))
        return true;
    IrRef v = ir_ldenv(&s->b, IR_I32, 2, OFF(daif));
    ir_stenv(&s->b, IR_I32, ir_or(&s->b, IR_I32, v, ir_imm32(&s->b, a->imm << 6)), 2, OFF(daif));
    if (s->flags & UNIT_DEBUG_D)
        gen_exit_reason(s, s->pc + 4, IR_REASON_RESYNC);
    return true;
}

bool a64_trans_MSR_DAIFClr(DisasContext *s, const struct a64_pstate *a)
{
    if (!daif_allowed(s, a->imm, 7))
        return true;
    IrRef v = ir_ldenv(&s->b, IR_I32, 2, OFF(daif));
    v = ir_and(&s->b, IR_I32, v, ir_imm32(&s->b, ~(a->imm << 6)));
    ir_stenv(&s->b, IR_I32, v, 2, OFF(daif));
    daif_written(s);
    return true;
}

bool a64_trans_MSR_SPSel(DisasContext *s, const struct a64_pstate *a)
{
    if (s->el == 0)
        return false;
    ir_callv(&s->b, &helper_set_spsel, ir_imm32(&s->b, a->imm & 1));
    gen_exit_to(s, s->pc + 4, IR_EXIT_RELOAD);
    return true;
}

bool a64_trans_MSR_PAN(DisasContext *s, const struct a64_pstate *a)
{
    if (s->el == 0)
        return false;
    ir_callv(&s->b, &helper_set_pan, ir_imm32(&s->b, a->imm & 1));
    gen_exit_to(s, s->pc + 4, IR_EXIT_RELOAD);
    return true;
}

bool a64_trans_MSR_UAO(DisasContext *s, const struct a64_pstate *a)
{
    if (s->el == 0)
        return false;
    ir_stenv(&s->b, IR_I32, ir_imm32(&s->b, a->imm & 1), 2, OFF(uao));
    ir_call0(&s->b, &helper_update_banks);
    gen_exit_to(s, s->pc + 4, IR_EXIT_RELOAD);
    return true;
}

bool a64_trans_MSR_SSBS(DisasContext *s, const struct a64_pstate *a)
{
    ir_stenv(&s->b, IR_I32, ir_imm32(&s->b, (a->imm & 1) << 12), 2, OFF(ssbs));
    return true;
}

/* ---- system registers --------------------------------------------------------------------- */

static IrRef row_number(DisasContext *s, const SysReg *r)
{
    return ir_imm32(&s->b, sysreg_number(r));
}

/* Where FEAT_IDST has EL0 trapped, not UNDEFINED (D17.3.2). */
static bool in_feature_space(const struct a64_sysreg *a)
{
    return a->op0 == 3 && a->crn == 0 && a->crm <= 7 && (a->op1 <= 1 || a->op1 == 3);
}

/* The row for an access from this level. NULL: UNDEFINED, or *trapped and the trap is emitted. */
static const SysReg *row_for(DisasContext *s, const struct a64_sysreg *a, bool is_read,
                             bool *trapped)
{
    unsigned id = SYSREG_ID(a->op0, a->op1, a->crn, a->crm, a->op2);
    const SysReg *r = sysreg_find(s->cpu, id);
    *trapped = false;
    uint32_t trap = ESR(EC_SYSREG, ISS_SYSREG(a->op0, a->op1, a->crn, a->crm, a->op2, a->rt,
                                              is_read));
    if (s->el == 0 && is_read && in_feature_space(a) && !(r && r->access & SYSREG_R0) &&
        arm_has(s->cpu, ARM_FEAT_IDST)) {
        gen_raise(s, trap);
        *trapped = true;
        return NULL;
    }
    if (!r) {
        log_print(s->cpu->vcpu.log, LOG_UNIMP, "%s of system register S%d_%d_C%d_C%d_%d at "
                  "0x%llx: undefined\n", is_read ? "read" : "write", a->op0, a->op1, a->crn,
                  a->crm, a->op2, (unsigned long long)s->pc);
        return NULL;
    }
    unsigned need = s->el ? (is_read ? SYSREG_R1 : SYSREG_W1) : (is_read ? SYSREG_R0 : SYSREG_W0);
    if (!(r->access & need))
        return NULL;
    if (s->el == 0 && r->el0_gate && !(s->flags & r->el0_gate)) {
        gen_raise(s, trap);
        *trapped = true;
        return NULL;
    }
    if (s->el == 0 && r->el0_allowed)
        ir_callv(&s->b, &helper_el0_check, row_number(s, r), ir_imm32(&s->b, trap));
    return r;
}

static bool sp_el0_allowed(const DisasContext *s)
{
    return s->flags & UNIT_SPSEL;
}

/* The value of a row, i64. IR_NONE: UNDEFINED. */
static IrRef row_read(DisasContext *s, const SysReg *r)
{
    IrBuilder *b = &s->b;
    switch (r->kind) {
    case SYSREG_STORAGE:
        return ir_ldenv(b, IR_I64, r->bytes == 8 ? 3 : 2, r->offset);
    case SYSREG_CONST:
        return ir_imm64(b, r->reset);
    case SYSREG_MODEL:
        return ir_imm64(b, sysreg_model_value(s->cpu, r));
    case SYSREG_NZCV:
        return ir_zext(b, ir_nzcv_unpack(b, nzcv_get(s)));
    case SYSREG_DAIF:
        return ir_ldenv(b, IR_I64, 2, OFF(daif));
    case SYSREG_CURRENTEL:
        return ir_imm64(b, s->el << 2);
    case SYSREG_SPSEL:
        return ir_imm64(b, s->flags & UNIT_SPSEL ? 1 : 0);
    case SYSREG_SP_EL0:
        return sp_el0_allowed(s) ? ir_ldenv(b, IR_I64, 3, OFF(sp_el[0])) : IR_NONE;
    case SYSREG_FPCR:
        return ir_ldenv(b, IR_I64, 2, OFF(fpcr));
    case SYSREG_FPSR:
        return ir_call0(b, &helper_fpsr_read);
    case SYSREG_COUNTER:
        return ir_call0(b, &helper_counter);
    case SYSREG_RANDOM:
        return ir_call0(b, &helper_random);
    default:
        return ir_callv(b, &helper_sysreg_read, row_number(s, r));
    }
}

static void storage_write(DisasContext *s, const SysReg *r, IrRef v)
{
    if (r->mask != UINT64_MAX)
        v = ir_and(&s->b, IR_I64, v, ir_imm64(&s->b, r->mask));
    ir_stenv(&s->b, IR_I64, v, r->bytes == 8 ? 3 : 2, r->offset);
}

static bool is_fp(const SysReg *r)
{
    return r->kind == SYSREG_FPCR || r->kind == SYSREG_FPSR;
}

/* An access to the performance monitors finds itself counted. */
static void count_access(DisasContext *s, const SysReg *r)
{
    if (r->feature != ARM_FEAT_PMU)
        return;
    gen_count(s, 1);
    s->uncounted--; /* what leaves after it counts one more */
}

bool a64_trans_MRS(DisasContext *s, const struct a64_sysreg *a)
{
    bool trapped;
    const SysReg *r = row_for(s, a, true, &trapped);
    if (!r)
        return trapped;
    if (is_fp(r) && !fp_access_check(s))
        return true;
    count_access(s, r);
    IrRef v = row_read(s, r);
    if (v == IR_NONE)
        return false;
    reg_set(s, true, a->rt, v);
    return true;
}

/* Kinds that are written without a hook. False: UNDEFINED. */
static bool row_write(DisasContext *s, const SysReg *r, IrRef v)
{
    IrBuilder *b = &s->b;
    switch (r->kind) {
    case SYSREG_STORAGE:
        if (r->write)
            break;
        storage_write(s, r, v);
        return true;
    case SYSREG_CONST:
        return true;
    case SYSREG_NZCV:
        nzcv_set(s, ir_nzcv_pack(b, ir_trunc(b, v)));
        return true;
    case SYSREG_DAIF:
        ir_stenv(b, IR_I64, ir_and(b, IR_I64, v, ir_imm64(b, 0x3c0)), 2, OFF(daif));
        daif_written(s);
        return true;
    case SYSREG_SPSEL:
        ir_callv(b, &helper_set_spsel, ir_and(b, IR_I32, ir_trunc(b, v), ir_imm32(b, 1)));
        return true;
    case SYSREG_SP_EL0:
        if (sp_el0_allowed(s))
            ir_stenv(b, IR_I64, v, 3, OFF(sp_el[0]));
        return sp_el0_allowed(s);
    case SYSREG_FPCR:
        ir_callv(b, &helper_fpcr_write, ir_trunc(b, v));
        return true;
    case SYSREG_FPSR:
        ir_callv(b, &helper_fpsr_write, ir_trunc(b, v));
        return true;
    default:
        break;
    }
    ir_callv(b, &helper_sysreg_write, row_number(s, r), v);
    return true;
}

bool a64_trans_MSR_reg(DisasContext *s, const struct a64_sysreg *a)
{
    bool trapped;
    const SysReg *r = row_for(s, a, false, &trapped);
    if (!r)
        return trapped;
    if (is_fp(r) && !fp_access_check(s))
        return true;
    count_access(s, r);
    if (!row_write(s, r, reg_get(s, true, a->rt)))
        return false;
    if (s->ended)
        return true;
    if (r->flags & SYSREG_IRQ)
        gen_exit_reason(s, s->pc + 4, IR_REASON_RESYNC);
    else if (r->flags & SYSREG_MODE)
        gen_exit_to(s, s->pc + 4, IR_EXIT_RELOAD);
    return true;
}

/* ---- system instructions ------------------------------------------------------------------ */

static void dc_zva(DisasContext *s, IrRef va)
{
    IrRef line = ir_and(&s->b, IR_I64, va, ir_imm64(&s->b, ~(uint64_t)(IR_BLOCK_BYTES - 1)));
    IrRef zero = ir_imm128(&s->b, 0, 0);
    for (unsigned i = 0; i < IR_BLOCK_BYTES; i += 16)
        ir_st(&s->b, IR_V128, line, zero, 4 | IR_MEM_BLOCK, i);
}

bool a64_trans_SYS(DisasContext *s, const struct a64_sys *a)
{
    const struct a64_sysreg as_reg = { .op0 = 1, .op1 = a->op1, .crn = a->crn, .crm = a->crm,
                                       .op2 = a->op2, .rt = a->rt };
    bool trapped;
    const SysReg *r = row_for(s, &as_reg, false, &trapped);
    if (!r)
        return trapped;
    IrRef v = reg_get(s, true, a->rt);
    switch (r->kind) {
    case SYSREG_DC_ZVA:
        dc_zva(s, v);
        break;
    case SYSREG_MAINTAIN_VA:
        ir_callv(&s->b, &helper_maintain, row_number(s, r), v);
        break;
    case SYSREG_AT:
        ir_callv(&s->b, &helper_at, row_number(s, r), v);
        break;
    case SYSREG_TLBI:
        ir_callv(&s->b, &helper_tlbi, row_number(s, r), v);
        break;
    default:
        break; /* SYSREG_NOP */
    }
    return true;
}
