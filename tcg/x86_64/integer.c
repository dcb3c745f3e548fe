// SPDX-License-Identifier: MIT
//
// Host instructions for integer arithmetic, comparison and moves between types.
//
// Operations of type i32 use 32-bit instructions, which leave the upper half of the register
// zero. BMI2 forms are preferred where they exist: they take three operands and leave the
// flags alone.
#include "tcg/x86_64/integer.h"

/* ---- operands ---- */

bool emit_imm32(const TcgEmit *e, unsigned type, IrRef r, int32_t *imm)
{
    uint64_t v;
    if (!emit_const(e, r, &v)) {
        return false;
    }
    *imm = (int32_t)v;
    return type == IR_I32 || (int64_t)v == *imm;
}

Operand operand_use(TcgEmit *e, unsigned type, IrRef r)
{
    Operand o = { .kind = OPERAND_IMM };
    if (emit_imm32(e, type, r, &o.imm)) {
        return o;
    }
    o.kind = OPERAND_MEM;
    if (ra_use_mem(e, r, &o.mem)) {
        return o;
    }
    o.kind = OPERAND_REG;
    o.reg = ra_use(e, r);
    return o;
}

static void alu(TcgEmit *e, unsigned op, uint32_t w, Reg d, const Operand *y)
{
    switch (y->kind) {
    case OPERAND_IMM: asm_alu_ri(e, op, w, d, y->imm); break;
    case OPERAND_MEM: asm_alu_rm(e, op, w, d, y->mem); break;
    default: asm_alu_rr(e, op, w, d, y->reg); break;
    }
}

bool flags_busy(const TcgEmit *e)
{
    const RegAlloc *ra = e->ra;
    IrRef v = ra->s.flags_ref;
    return v && (ra->values[v].next_use || ra->values[v].ndirty);
}

void flags_clobber(TcgEmit *e)
{
    flags_save(e);
    e->ra->s.flags_ref = IR_NONE;
}

/* ---- arithmetic ---- */

static void emit_add(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    if (in->sub) {
        emit_flagged(e, in);
        return;
    }
    if (in->op == IR_OP_ADD && in->imm) { /* see fuse_scaled() */
        Reg x = ra_use(e, in->arg[0]), y = ra_use(e, in->arg[1]);
        ra_done(e);
        asm_lea(e, w, ra_def(e), mem_bi(x, y, (unsigned)in->imm, 0));
        return;
    }
    Operand y = { .kind = OPERAND_IMM };
    if (!emit_imm32(e, in->type, in->arg[1], &y.imm)) {
        y.kind = OPERAND_REG;
        y.reg = ra_use(e, in->arg[1]);
    } else if (in->op == IR_OP_SUB) {
        y.imm = (int32_t)-(uint32_t)y.imm; /* INT32_MIN of i64: see emit_sub() */
    }
    Reg x = ra_use(e, in->arg[0]);
    if (ra_dies(e, in->arg[0]) && !flags_busy(e)) {
        e->ra->s.flags_ref = IR_NONE;
        alu(e, ALU_ADD, w, ra_def_over(e, in->arg[0]), &y);
        return;
    }
    ra_done(e);
    Reg d = ra_def(e);
    asm_lea(e, w, d, y.kind == OPERAND_IMM ? mem_b(x, y.imm) : mem_bi(x, y.reg, 0, 0));
}

static void emit_sub(TcgEmit *e, const IrInsn *in)
{
    int32_t imm;
    if (in->sub) {
        emit_flagged(e, in);
        return;
    }
    if (emit_imm32(e, in->type, in->arg[1], &imm) && imm != INT32_MIN) {
        emit_add(e, in);
        return;
    }
    flags_clobber(e);
    Operand y = operand_use(e, in->type, in->arg[1]);
    alu(e, ALU_SUB, width_flag(in), ra_def_over(e, in->arg[0]), &y);
}

/* Both halves: the result of the mulhu or mulhs that follows, too. */
static void emit_mul_wide(TcgEmit *e, const IrInsn *in)
{
    bool is_signed = in[in->imm].op == IR_OP_MULHS;
    ra_claim(e, RDX);
    Reg x = ra_use(e, in->arg[0]), y = ra_use(e, in->arg[1]);
    ra_done(e);
    Reg d = ra_dst_used(e) ? ra_def(e) : RAX;
    Reg high = ra_def_early(e, in[in->imm].dst);
    if (e->host.bmi && !is_signed) {
        asm_mov_rr(e, X_W, RDX, x);
        asm_vex_rr(e, X_W | X_F2 | X_0F38 | 0xf6, high, d, y); /* mulx */
        return;
    }
    asm_mov_rr(e, X_W, RAX, x);
    asm_rr(e, X_W | 0xf7, is_signed ? 5 : 4, y);
    asm_mov_rr(e, X_W, high, RDX);
    if (d != RAX) {
        asm_mov_rr(e, X_W, d, RAX);
    }
}

static void emit_mul(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    int32_t imm;
    if (in->sub) {
        emit_mul_wide(e, in);
        return;
    }
    if (emit_imm32(e, in->type, in->arg[1], &imm)) {
        Reg x = ra_use(e, in->arg[0]);
        ra_done(e);
        asm_rr_i32(e, w | 0x69, ra_def(e), x, (uint32_t)imm);
        return;
    }
    Operand y = operand_use(e, in->type, in->arg[1]);
    Reg d = ra_def_over(e, in->arg[0]);
    if (y.kind == OPERAND_MEM) {
        asm_rm(e, w | X_0F | 0xaf, d, y.mem);
    } else {
        asm_rr(e, w | X_0F | 0xaf, d, y.reg);
    }
}

static void emit_mulh(TcgEmit *e, const IrInsn *in)
{
    ra_claim(e, RDX);
    Reg y = ra_use(e, in->arg[1]);
    ra_load_to(e, in->arg[0], RAX);
    asm_rr(e, width_flag(in) | 0xf7, in->op == IR_OP_MULHU ? 4 : 5, y);
    ra_done(e);
    ra_def_fixed(e, RDX);
}

static void emit_div(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    bool is_signed = in->op == IR_OP_DIVS;
    uint8_t *minus = NULL, *end2 = NULL;
    ra_claim(e, RDX);
    Reg y = ra_use(e, in->arg[1]);
    ra_load_to(e, in->arg[0], RAX);
    asm_test_rr(e, w, y, y);
    uint8_t *zero = asm_jcc8(e, CC_E);
    if (is_signed) {
        asm_alu_ri(e, ALU_CMP, w, y, -1);
        minus = asm_jcc8(e, CC_E);
        asm_u8(e, w ? 0x48 : 0x90); /* cqo or cdq */
        asm_u8(e, 0x99);
        asm_rr(e, w | 0xf7, 7, y);
    } else {
        asm_alu_rr(e, ALU_XOR, 0, RDX, RDX);
        asm_rr(e, w | 0xf7, 6, y);
    }
    uint8_t *end = asm_jmp8(e);
    if (is_signed) {
        asm_bind8(e, minus);
        asm_rr(e, w | 0xf7, 3, RAX); /* MIN / -1 is MIN */
        end2 = asm_jmp8(e);
    }
    asm_bind8(e, zero);
    asm_alu_rr(e, ALU_XOR, 0, RAX, RAX);
    asm_bind8(e, end);
    if (end2) {
        asm_bind8(e, end2);
    }
    ra_done(e);
    asm_mov_rr(e, w, ra_def_fixed(e, RDX), RAX);
}

static void emit_neg(TcgEmit *e, const IrInsn *in)
{
    asm_rr(e, width_flag(in) | 0xf7, 3, ra_def_over(e, in->arg[0]));
}

static void emit_not(TcgEmit *e, const IrInsn *in)
{
    asm_rr(e, width_flag(in) | 0xf7, 2, ra_def_over(e, in->arg[0]));
}

/* ---- logic ---- */

static void emit_and(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    uint64_t mask;
    if (in->sub) {
        emit_flagged(e, in);
        return;
    }
    if (emit_const(e, in->arg[1], &mask)) {
        if (mask == 0xff || mask == 0xffff || (w && mask == UINT32_MAX)) {
            Reg x = ra_use(e, in->arg[0]);
            ra_done(e);
            Reg d = ra_def_hint(e, in->arg[0]);
            if (mask == UINT32_MAX) {
                asm_mov_rr(e, 0, d, x);
            } else {
                asm_rr(e, mask == 0xff ? X_BRM | X_0F | 0xb6 : X_0F | 0xb7, d, x);
            }
            return;
        }
        flags_clobber(e);
        if (mask <= UINT32_MAX) { /* a 32-bit operation clears the upper half */
            asm_alu_ri(e, ALU_AND, 0, ra_def_over(e, in->arg[0]), (int32_t)mask);
            return;
        }
    }
    flags_clobber(e);
    Operand y = operand_use(e, in->type, in->arg[1]);
    alu(e, ALU_AND, w, ra_def_over(e, in->arg[0]), &y);
}

static void emit_or_xor(TcgEmit *e, const IrInsn *in)
{
    Operand y = operand_use(e, in->type, in->arg[1]);
    alu(e, in->op == IR_OP_OR ? ALU_OR : ALU_XOR, width_flag(in), ra_def_over(e, in->arg[0]), &y);
}

static void emit_andn_orn(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    int32_t imm;
    if (in->op == IR_OP_ANDN && e->host.bmi && !emit_imm32(e, in->type, in->arg[1], &imm)) {
        flags_clobber(e);
        Reg x = ra_use(e, in->arg[0]), y = ra_use(e, in->arg[1]);
        ra_done(e);
        asm_vex_rr(e, w | X_0F38 | 0xf2, ra_def(e), y, x);
        return;
    }
    unsigned op = in->op == IR_OP_ANDN ? ALU_AND : ALU_OR;
    flags_clobber(e);
    if (emit_imm32(e, in->type, in->arg[1], &imm)) {
        asm_alu_ri(e, op, w, ra_def_over(e, in->arg[0]), ~imm);
        return;
    }
    Reg y = ra_use(e, in->arg[1]);
    Reg d = ra_def_over(e, in->arg[0]);
    asm_mov_rr(e, w, RAX, y);
    asm_rr(e, w | 0xf7, 2, RAX);
    asm_alu_rr(e, op, w, d, RAX);
}

/* ---- shifts ---- */

static void emit_shift(TcgEmit *e, const IrInsn *in)
{
    static const struct {
        uint8_t digit;
        uint16_t bmi_prefix;
    } kinds[] = {
        [IR_OP_SHL - IR_OP_SHL] = { SHIFT_SHL, X_66 },
        [IR_OP_SHR - IR_OP_SHL] = { SHIFT_SHR, X_F2 },
        [IR_OP_SAR - IR_OP_SHL] = { SHIFT_SAR, X_F3 },
        [IR_OP_ROR - IR_OP_SHL] = { SHIFT_ROR, 0 },
    };
    unsigned kind = in->op - IR_OP_SHL, bits = width_bits(in);
    uint32_t w = width_flag(in);
    uint64_t count;
    if (emit_const(e, in->arg[1], &count)) {
        count &= bits - 1;
        if (in->op == IR_OP_ROR && e->host.bmi) {
            Reg x = ra_use(e, in->arg[0]);
            ra_done(e);
            asm_vex_rr_i8(e, w | X_F2 | X_0F3A | 0xf0, ra_def_hint(e, in->arg[0]), REG_NONE, x,
                          (uint8_t)count);
            return;
        }
        if (e->host.bmi && in->op != IR_OP_ROR && count && flags_busy(e)) {
            Reg x = ra_use(e, in->arg[0]);
            ra_done(e);
            Reg d = ra_def_hint(e, in->arg[0]);
            asm_mov_ri(e, RCX, count);
            asm_vex_rr(e, w | kinds[kind].bmi_prefix | X_0F38 | 0xf7, d, RCX, x);
            return;
        }
        flags_clobber(e);
        Reg d = ra_def_over(e, in->arg[0]);
        if (count) {
            asm_shift_ri(e, kinds[kind].digit, w, d, (unsigned)count);
        } else {
            asm_mov_rr(e, w, d, d);
        }
        return;
    }
    if (e->host.bmi && in->op != IR_OP_ROR) {
        Reg x = ra_use(e, in->arg[0]), y = ra_use(e, in->arg[1]);
        ra_done(e);
        asm_vex_rr(e, w | kinds[kind].bmi_prefix | X_0F38 | 0xf7, ra_def(e), y, x);
        return;
    }
    flags_clobber(e);
    Reg y = ra_use(e, in->arg[1]);
    Reg d = ra_def_over(e, in->arg[0]);
    asm_mov_rr(e, 0, RCX, y);
    asm_shift_cl(e, kinds[kind].digit, w, d);
}

/* ---- comparison and selection ---- */

/* The condition with operands exchanged. */
static unsigned swapped_cc(unsigned cc)
{
    static const uint8_t swap[IR_CC_COUNT] = {
        [IR_EQ] = IR_EQ,   [IR_NE] = IR_NE,   [IR_LT] = IR_GT,   [IR_GE] = IR_LE,
        [IR_LE] = IR_GE,   [IR_GT] = IR_LT,   [IR_LTU] = IR_GTU, [IR_GEU] = IR_LEU,
        [IR_LEU] = IR_GEU, [IR_GTU] = IR_LTU, [IR_TSTEQ] = IR_TSTEQ, [IR_TSTNE] = IR_TSTNE,
    };
    return swap[cc];
}

unsigned emit_compare(TcgEmit *e, const IrInsn *in)
{
    static const uint8_t host[IR_CC_COUNT] = {
        [IR_EQ] = CC_E, [IR_NE] = CC_NE, [IR_LT] = CC_L, [IR_GE] = CC_GE, [IR_LE] = CC_LE,
        [IR_GT] = CC_G, [IR_LTU] = CC_B, [IR_GEU] = CC_AE, [IR_LEU] = CC_BE, [IR_GTU] = CC_A,
        [IR_TSTEQ] = CC_E, [IR_TSTNE] = CC_NE,
    };
    uint32_t w = width_flag(in);
    unsigned cc = in->sub;
    IrRef a = in->arg[0], b = in->arg[1];
    if (ir_is_const(a) && !ir_is_const(b)) {
        IrRef t = a;
        a = b;
        b = t;
        cc = swapped_cc(cc);
    }
    Mem m;
    int32_t imm;
    bool test = cc == IR_TSTEQ || cc == IR_TSTNE;
    if (emit_imm32(e, in->type, b, &imm) && !test && imm && ra_use_mem(e, a, &m)) {
        asm_alu_mi(e, ALU_CMP, w, m, imm);
        return host[cc];
    }
    Operand y = operand_use(e, in->type, b);
    Reg x = ra_use(e, a);
    if (test) {
        if (y.kind == OPERAND_IMM) {
            asm_test_ri(e, w, x, y.imm);
        } else if (y.kind == OPERAND_MEM) {
            asm_rm(e, w | 0x85, x, y.mem);
        } else {
            asm_test_rr(e, w, x, y.reg);
        }
    } else if (y.kind == OPERAND_IMM && y.imm == 0) {
        asm_test_rr(e, w, x, x);
    } else {
        alu(e, ALU_CMP, w, x, &y);
    }
    return host[cc];
}

static void emit_setc(TcgEmit *e, const IrInsn *in)
{
    unsigned cc = emit_compare(e, in);
    ra_done(e);
    Reg d = ra_def(e);
    asm_setcc(e, cc, RAX);
    asm_movzx8(e, d, RAX);
}

static void emit_sel(TcgEmit *e, const IrInsn *in)
{
    Reg c = ra_use(e, in->arg[0]);
    asm_test_rr(e, 0, c, c);
    emit_select(e, in, CC_NE, in->arg[1], in->arg[2]);
}

static void emit_selc(TcgEmit *e, const IrInsn *in)
{
    unsigned cc = emit_compare(e, in);
    emit_select(e, in, cc, in->arg[2], in->arg[3]);
}

/* ---- between types ---- */

static void emit_zext(TcgEmit *e, const IrInsn *in)
{
    Reg x = ra_use(e, in->arg[0]);
    ra_done(e);
    asm_mov_rr(e, 0, ra_def_hint(e, in->arg[0]), x);
}

static void emit_sext(TcgEmit *e, const IrInsn *in)
{
    Reg x = ra_use(e, in->arg[0]);
    ra_done(e);
    asm_rr(e, X_W | 0x63, ra_def_hint(e, in->arg[0]), x);
}

static void emit_bits(TcgEmit *e, const IrInsn *in)
{
    Reg x = ra_use(e, in->arg[0]);
    ra_done(e);
    Reg d = ra_def(e);
    uint32_t w = in->op == IR_OP_BITS_F64 || in->op == IR_OP_BITS_I64 ? X_W : 0;
    if (reg_is_xmm(d)) {
        simd_from_gpr(e, w, d, x);
    } else {
        simd_to_gpr(e, w, d, x);
    }
}

/* ---- the CPU structure ---- */

static void emit_ldenv(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t loads[] = { X_0F | 0xb6, X_0F | 0xb7, 0x8b, X_W | 0x8b };
    Reg d = ra_def(e);
    Mem m = env_mem((uint32_t)in->imm);
    if (reg_is_xmm(d)) {
        if (in->sub < 2) {
            asm_rm(e, loads[in->sub], RAX, m);
            simd_from_gpr(e, 0, d, RAX);
        } else {
            simd_load(e, 1u << in->sub, d, m);
        }
    } else {
        asm_rm(e, loads[in->sub & 3], d, m);
    }
}

static void emit_stenv(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t stores[] = { X_B | 0x88, X_66 | 0x89, 0x89, X_W | 0x89 };
    Mem m = env_mem((uint32_t)in->imm);
    int32_t imm;
    if (!type_is_xmm(in->type) && emit_imm32(e, in->type, in->arg[0], &imm)) {
        switch (in->sub) {
        case 0: asm_rm_i8(e, 0xc6, 0, m, (uint8_t)imm); break;
        case 1: asm_rm_i16(e, X_66 | 0xc7, 0, m, (uint16_t)imm); break;
        case 2: asm_rm_i32(e, 0xc7, 0, m, (uint32_t)imm); break;
        default: asm_rm_i32(e, X_W | 0xc7, 0, m, (uint32_t)imm); break;
        }
        return;
    }
    Reg x = ra_use(e, in->arg[0]);
    if (!reg_is_xmm(x)) {
        asm_rm(e, stores[in->sub & 3], x, m);
    } else if (in->sub >= 2) {
        simd_store(e, 1u << in->sub, m, x);
    } else {
        simd_to_gpr(e, 0, RAX, x);
        asm_rm(e, stores[in->sub], RAX, m);
    }
}

static void emit_envptr(TcgEmit *e, const IrInsn *in)
{
    asm_lea(e, X_W, ra_def(e), env_mem((uint32_t)in->imm));
}

#define F EMIT_FLAGS

const EmitEntry emit_integer_table[IR_OP_COUNT] = {
    [IR_OP_LDENV] = { emit_ldenv, 0 },
    [IR_OP_STENV] = { emit_stenv, 0 },
    [IR_OP_ENVPTR] = { emit_envptr, 0 },
    [IR_OP_ADD] = { emit_add, 0 },
    [IR_OP_SUB] = { emit_sub, 0 },
    [IR_OP_MUL] = { emit_mul, F },
    [IR_OP_MULHU] = { emit_mulh, F },
    [IR_OP_MULHS] = { emit_mulh, F },
    [IR_OP_DIVU] = { emit_div, F },
    [IR_OP_DIVS] = { emit_div, F },
    [IR_OP_NEG] = { emit_neg, F },
    [IR_OP_AND] = { emit_and, 0 },
    [IR_OP_OR] = { emit_or_xor, F },
    [IR_OP_XOR] = { emit_or_xor, F },
    [IR_OP_ANDN] = { emit_andn_orn, 0 },
    [IR_OP_ORN] = { emit_andn_orn, 0 },
    [IR_OP_NOT] = { emit_not, 0 },
    [IR_OP_SHL] = { emit_shift, 0 },
    [IR_OP_SHR] = { emit_shift, 0 },
    [IR_OP_SAR] = { emit_shift, 0 },
    [IR_OP_ROR] = { emit_shift, 0 },
    [IR_OP_EXTR] = { emit_extr, F },
    [IR_OP_CLZ] = { emit_clz, F },
    [IR_OP_CLS] = { emit_clz, F },
    [IR_OP_CTZ] = { emit_ctz, F },
    [IR_OP_POPCNT] = { emit_popcnt, F },
    [IR_OP_BSWAP] = { emit_bswap, 0 },
    [IR_OP_BSWAP16] = { emit_bswap, F },
    [IR_OP_BSWAP32] = { emit_bswap, F },
    [IR_OP_BITREV] = { emit_bitrev, F },
    [IR_OP_EXTU] = { emit_extu, 0 },
    [IR_OP_EXTS] = { emit_exts, 0 },
    [IR_OP_DEPOSIT] = { emit_deposit, F },
    [IR_OP_CRC32] = { emit_crc32, F },
    [IR_OP_CRC32C] = { emit_crc32, F },
    [IR_OP_ZEXT] = { emit_zext, 0 },
    [IR_OP_SEXT] = { emit_sext, 0 },
    [IR_OP_BITS_F32] = { emit_bits, 0 },
    [IR_OP_BITS_F64] = { emit_bits, 0 },
    [IR_OP_BITS_I32] = { emit_bits, 0 },
    [IR_OP_BITS_I64] = { emit_bits, 0 },
    [IR_OP_SETC] = { emit_setc, F },
    [IR_OP_SEL] = { emit_sel, F },
    [IR_OP_SELC] = { emit_selc, F },
    [IR_OP_NZCV_ADD] = { emit_nzcv, F },
    [IR_OP_NZCV_SUB] = { emit_nzcv, F },
    [IR_OP_NZCV_AND] = { emit_nzcv, F },
    [IR_OP_NZCV_ADC] = { emit_nzcv_carry, F },
    [IR_OP_NZCV_SBC] = { emit_nzcv_carry, F },
    [IR_OP_ADC] = { emit_adc, F },
    [IR_OP_SBC] = { emit_adc, F },
    [IR_OP_SETF] = { emit_setf, 0 },
    [IR_OP_SELF] = { emit_self, 0 },
    [IR_OP_NZCV_PACK] = { emit_nzcv_pack, F },
    [IR_OP_NZCV_UNPACK] = { emit_nzcv_unpack, F },
    [IR_OP_LD] = { emit_ld, F },
    [IR_OP_ST] = { emit_st, F },
    [IR_OP_RMW] = { emit_rmw, F },
    [IR_OP_CAS] = { emit_cas, F },
    [IR_OP_FENCE] = { emit_fence, F },
    [IR_OP_EXIT_PC] = { emit_exit_pc, 0 },
    [IR_OP_EXIT_REG] = { emit_exit_reg, 0 },
    [IR_OP_EXIT] = { emit_exit, 0 },
    [IR_OP_POLL] = { emit_poll, F },
    [IR_OP_GUARD_PAGE] = { emit_guard_page, F },
    [IR_OP_CALL] = { emit_call, F },
};
