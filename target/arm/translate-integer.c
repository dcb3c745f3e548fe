// SPDX-License-Identifier: MIT
//
// A64 data processing, immediate and register (Arm ARM C4.1, C6.2). One function for each
// instruction of decode/a64-integer.decode, in its order.
#include "target/arm/translate.h"

/* ---- PC-relative -------------------------------------------------------------------------- */

bool a64_trans_ADR(DisasContext *s, const struct a64_pcrel *a)
{
    reg_set(s, true, a->rd, ir_imm64(&s->b, s->pc + a->imm));
    return true;
}

bool a64_trans_ADRP(DisasContext *s, const struct a64_pcrel *a)
{
    reg_set(s, true, a->rd, ir_imm64(&s->b, align_down(s->pc, 4096) + a->imm));
    return true;
}

/* ---- add and subtract --------------------------------------------------------------------- */

/* Rd := Rn + or - y, with flags if asked for. */
static void add_sub(DisasContext *s, bool sf, bool sub, bool flags, unsigned rd, IrRef x, IrRef y)
{
    IrType t = sf_type(sf);
    if (flags)
        nzcv_set(s, sub ? ir_nzcv_sub(&s->b, t, x, y) : ir_nzcv_add(&s->b, t, x, y));
    if (!flags || rd != 31) /* CMP and CMN have no result */
        reg_set(s, sf, rd, sub ? ir_sub(&s->b, t, x, y) : ir_add(&s->b, t, x, y));
}

static bool add_sub_imm(DisasContext *s, const struct a64_addsub_imm *a, bool sub)
{
    int64_t imm = (int64_t)a->imm << (a->sh ? 12 : 0);
    IrRef x = reg_get_sp(s, a->sf, a->rn);
    if (!imm)
        reg_set_sp(s, a->sf, a->rd, x);
    else if (a->sf && a->rn == a->rd)
        reg_move_sp(s, a->rd, x, sub ? -imm : imm);
    else
        reg_set_sp(s, a->sf, a->rd, ir_add(&s->b, sf_type(a->sf), x,
                                           ir_imm(&s->b, sf_type(a->sf), sub ? -imm : imm)));
    return true;
}

static bool adds_subs_imm(DisasContext *s, const struct a64_addsub_imm *a, bool sub)
{
    IrRef y = ir_imm(&s->b, sf_type(a->sf), (uint64_t)a->imm << (a->sh ? 12 : 0));
    add_sub(s, a->sf, sub, true, a->rd, reg_get_sp(s, a->sf, a->rn), y);
    return true;
}

bool a64_trans_ADD_imm(DisasContext *s, const struct a64_addsub_imm *a)
{
    return add_sub_imm(s, a, false);
}

bool a64_trans_ADDS_imm(DisasContext *s, const struct a64_addsub_imm *a)
{
    return adds_subs_imm(s, a, false);
}

bool a64_trans_SUB_imm(DisasContext *s, const struct a64_addsub_imm *a)
{
    return add_sub_imm(s, a, true);
}

bool a64_trans_SUBS_imm(DisasContext *s, const struct a64_addsub_imm *a)
{
    return adds_subs_imm(s, a, true);
}

/* ---- logical, immediate ------------------------------------------------------------------- */

/* DecodeBitMasks (Arm ARM J1.3.5): a run of ones, rotated, repeated. False: reserved. */
static bool logic_mask(const struct a64_logic_imm *a, uint64_t *mask)
{
    unsigned pattern = a->n << 6 | (~a->imms & 0x3f);
    if (pattern < 2)
        return false;
    unsigned width = 1u << (31 - __builtin_clz(pattern));
    unsigned ones = a->imms & (width - 1), rotate = a->immr & (width - 1);
    if (ones == width - 1)
        return false;
    uint64_t v = bit_mask(ones + 1);
    if (rotate)
        v = (v >> rotate | v << (width - rotate)) & bit_mask(width);
    for (; width < 64; width *= 2)
        v |= v << width;
    *mask = a->sf ? v : (uint32_t)v;
    return true;
}

typedef IrRef BinaryOp(IrBuilder *b, IrType type, IrRef x, IrRef y);

static bool logic_imm(DisasContext *s, const struct a64_logic_imm *a, BinaryOp *op)
{
    uint64_t mask;
    IrType t = sf_type(a->sf);
    if (!logic_mask(a, &mask))
        return false;
    IrRef y = ir_imm(&s->b, t, mask);
    reg_set_sp(s, a->sf, a->rd, op(&s->b, t, reg_get(s, a->sf, a->rn), y));
    return true;
}

bool a64_trans_AND_imm(DisasContext *s, const struct a64_logic_imm *a)
{
    uint64_t mask;
    bool written = s->sp_written, done = logic_imm(s, a, ir_and);
    if (done && logic_mask(a, &mask) && !(mask & 15))
        s->sp_written = written; /* SP, if it is that, was aligned by it */
    return done;
}

bool a64_trans_ORR_imm(DisasContext *s, const struct a64_logic_imm *a)
{
    return logic_imm(s, a, ir_or);
}

bool a64_trans_EOR_imm(DisasContext *s, const struct a64_logic_imm *a)
{
    return logic_imm(s, a, ir_xor);
}

static void and_flags(DisasContext *s, bool sf, unsigned rd, IrRef x, IrRef y)
{
    IrType t = sf_type(sf);
    nzcv_set(s, ir_nzcv_and(&s->b, t, x, y));
    if (rd != 31) /* TST has no result */
        reg_set(s, sf, rd, ir_and(&s->b, t, x, y));
}

bool a64_trans_ANDS_imm(DisasContext *s, const struct a64_logic_imm *a)
{
    uint64_t mask;
    if (!logic_mask(a, &mask))
        return false;
    and_flags(s, a->sf, a->rd, reg_get(s, a->sf, a->rn), ir_imm(&s->b, sf_type(a->sf), mask));
    return true;
}

/* ---- move wide ---------------------------------------------------------------------------- */

bool a64_trans_MOVN(DisasContext *s, const struct a64_movw *a)
{
    reg_set(s, a->sf, a->rd, ir_imm(&s->b, sf_type(a->sf), ~((uint64_t)a->imm << 16 * a->hw)));
    return true;
}

bool a64_trans_MOVZ(DisasContext *s, const struct a64_movw *a)
{
    reg_set(s, a->sf, a->rd, ir_imm(&s->b, sf_type(a->sf), (uint64_t)a->imm << 16 * a->hw));
    return true;
}

bool a64_trans_MOVK(DisasContext *s, const struct a64_movw *a)
{
    IrType t = sf_type(a->sf);
    reg_set(s, a->sf, a->rd, ir_deposit(&s->b, t, reg_get(s, a->sf, a->rd),
                                        ir_imm(&s->b, t, a->imm), IR_POSLEN(16 * a->hw, 16)));
    return true;
}

/* ---- bit fields --------------------------------------------------------------------------- */

static bool field_move(DisasContext *s, const struct a64_bitfield *a, bool is_signed)
{
    IrType t = sf_type(a->sf);
    unsigned width = a->sf ? 64 : 32;
    IrRef v = reg_get(s, a->sf, a->rn);
    if (a->imms >= a->immr) { /* extract to the bottom */
        uint64_t field = IR_POSLEN(a->immr, a->imms - a->immr + 1);
        v = is_signed ? ir_exts(&s->b, t, v, field) : ir_extu(&s->b, t, v, field);
    } else { /* insert into zeros, or into the sign */
        unsigned shift = width - a->immr, len = a->imms + 1;
        if (shift + len < width)
            v = is_signed ? ir_exts(&s->b, t, v, IR_POSLEN(0, len))
                          : ir_extu(&s->b, t, v, IR_POSLEN(0, len));
        v = ir_shl(&s->b, t, v, ir_imm(&s->b, t, shift));
    }
    reg_set(s, a->sf, a->rd, v);
    return true;
}

bool a64_trans_SBFM(DisasContext *s, const struct a64_bitfield *a)
{
    return field_move(s, a, true);
}

bool a64_trans_UBFM(DisasContext *s, const struct a64_bitfield *a)
{
    return field_move(s, a, false);
}

bool a64_trans_BFM(DisasContext *s, const struct a64_bitfield *a)
{
    IrType t = sf_type(a->sf);
    unsigned width = a->sf ? 64 : 32;
    IrRef v = reg_get(s, a->sf, a->rn), old = reg_get(s, a->sf, a->rd);
    unsigned pos = 0, len = a->imms + 1;
    if (a->imms < a->immr) {
        pos = width - a->immr;
    } else if (a->immr) {
        len = a->imms - a->immr + 1;
        v = ir_shr(&s->b, t, v, ir_imm(&s->b, t, a->immr));
    }
    if (len < width)
        v = ir_deposit(&s->b, t, old, v, IR_POSLEN(pos, len));
    reg_set(s, a->sf, a->rd, v);
    return true;
}

bool a64_trans_EXTR(DisasContext *s, const struct a64_extract *a)
{
    IrType t = sf_type(a->sf);
    IrRef lo = reg_get(s, a->sf, a->rm);
    if (a->rm == a->rn && a->imm)
        lo = ir_ror(&s->b, t, lo, ir_imm(&s->b, t, a->imm));
    else if (a->imm)
        lo = ir_extr(&s->b, t, reg_get(s, a->sf, a->rn), lo, a->imm);
    reg_set(s, a->sf, a->rd, lo);
    return true;
}

/* ---- shifted and extended operands -------------------------------------------------------- */

static IrRef shifted_get(DisasContext *s, const struct a64_rrr_shift *a)
{
    static BinaryOp *const shifts[4] = { ir_shl, ir_shr, ir_sar, ir_ror };
    IrType t = sf_type(a->sf);
    IrRef v = reg_get(s, a->sf, a->rm);
    return a->amount ? shifts[a->type](&s->b, t, v, ir_imm(&s->b, t, a->amount)) : v;
}

static IrRef extended_get(DisasContext *s, const struct a64_rrr_ext *a)
{
    IrType t = sf_type(a->sf);
    IrRef v = reg_get(s, a->sf, a->rm);
    unsigned len = 8u << (a->option & 3);
    if (len < (a->sf ? 64 : 32))
        v = a->option & 4 ? ir_exts(&s->b, t, v, IR_POSLEN(0, len))
                          : ir_extu(&s->b, t, v, IR_POSLEN(0, len));
    return a->amount ? ir_shl(&s->b, t, v, ir_imm(&s->b, t, a->amount)) : v;
}

/* ---- logical, shifted register ------------------------------------------------------------ */

static bool logic_shift(DisasContext *s, const struct a64_rrr_shift *a, BinaryOp *op)
{
    IrRef y = shifted_get(s, a);
    reg_set(s, a->sf, a->rd, op(&s->b, sf_type(a->sf), reg_get(s, a->sf, a->rn), y));
    return true;
}

bool a64_trans_AND_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    return logic_shift(s, a, ir_and);
}

bool a64_trans_BIC_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    return logic_shift(s, a, ir_andn);
}

bool a64_trans_ORR_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    if (a->rn != 31)
        return logic_shift(s, a, ir_or);
    reg_set(s, a->sf, a->rd, shifted_get(s, a)); /* MOV */
    return true;
}

bool a64_trans_ORN_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    if (a->rn != 31)
        return logic_shift(s, a, ir_orn);
    reg_set(s, a->sf, a->rd, ir_not(&s->b, sf_type(a->sf), shifted_get(s, a))); /* MVN */
    return true;
}

bool a64_trans_EOR_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    return logic_shift(s, a, ir_xor);
}

static IrRef xor_not(IrBuilder *b, IrType t, IrRef x, IrRef y)
{
    return ir_not(b, t, ir_xor(b, t, x, y));
}

bool a64_trans_EON_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    return logic_shift(s, a, xor_not);
}

bool a64_trans_ANDS_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    IrRef x = reg_get(s, a->sf, a->rn);
    and_flags(s, a->sf, a->rd, x, shifted_get(s, a));
    return true;
}

bool a64_trans_BICS_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    IrRef y = ir_not(&s->b, sf_type(a->sf), shifted_get(s, a));
    and_flags(s, a->sf, a->rd, reg_get(s, a->sf, a->rn), y);
    return true;
}

/* ---- add and subtract, shifted and extended register -------------------------------------- */

static bool add_sub_shift(DisasContext *s, const struct a64_rrr_shift *a, bool sub, bool flags)
{
    IrRef y = shifted_get(s, a);
    if (sub && !flags && a->rn == 31)
        reg_set(s, a->sf, a->rd, ir_neg(&s->b, sf_type(a->sf), y));
    else
        add_sub(s, a->sf, sub, flags, a->rd, reg_get(s, a->sf, a->rn), y);
    return true;
}

bool a64_trans_ADD_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    return add_sub_shift(s, a, false, false);
}

bool a64_trans_ADDS_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    return add_sub_shift(s, a, false, true);
}

bool a64_trans_SUB_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    return add_sub_shift(s, a, true, false);
}

bool a64_trans_SUBS_shift(DisasContext *s, const struct a64_rrr_shift *a)
{
    return add_sub_shift(s, a, true, true);
}

bool a64_trans_ADD_ext(DisasContext *s, const struct a64_rrr_ext *a)
{
    IrRef y = extended_get(s, a);
    reg_set_sp(s, a->sf, a->rd,
               ir_add(&s->b, sf_type(a->sf), reg_get_sp(s, a->sf, a->rn), y));
    return true;
}

bool a64_trans_ADDS_ext(DisasContext *s, const struct a64_rrr_ext *a)
{
    IrRef y = extended_get(s, a);
    add_sub(s, a->sf, false, true, a->rd, reg_get_sp(s, a->sf, a->rn), y);
    return true;
}

bool a64_trans_SUB_ext(DisasContext *s, const struct a64_rrr_ext *a)
{
    IrRef y = extended_get(s, a);
    reg_set_sp(s, a->sf, a->rd,
               ir_sub(&s->b, sf_type(a->sf), reg_get_sp(s, a->sf, a->rn), y));
    return true;
}

bool a64_trans_SUBS_ext(DisasContext *s, const struct a64_rrr_ext *a)
{
    IrRef y = extended_get(s, a);
    add_sub(s, a->sf, true, true, a->rd, reg_get_sp(s, a->sf, a->rn), y);
    return true;
}

/* ---- with carry --------------------------------------------------------------------------- */

static bool add_sub_carry(DisasContext *s, const struct a64_rrr *a, bool sub, bool flags)
{
    IrType t = sf_type(a->sf);
    IrRef x = reg_get(s, a->sf, a->rn), y = reg_get(s, a->sf, a->rm), c = nzcv_get(s);
    IrRef sum = sub ? ir_sbc(&s->b, t, x, y, c) : ir_adc(&s->b, t, x, y, c);
    if (flags)
        nzcv_set(s, sub ? ir_nzcv_sbc(&s->b, t, x, y, c) : ir_nzcv_adc(&s->b, t, x, y, c));
    reg_set(s, a->sf, a->rd, sum);
    return true;
}

bool a64_trans_ADC(DisasContext *s, const struct a64_rrr *a)
{
    return add_sub_carry(s, a, false, false);
}

bool a64_trans_ADCS(DisasContext *s, const struct a64_rrr *a)
{
    return add_sub_carry(s, a, false, true);
}

bool a64_trans_SBC(DisasContext *s, const struct a64_rrr *a)
{
    return add_sub_carry(s, a, true, false);
}

bool a64_trans_SBCS(DisasContext *s, const struct a64_rrr *a)
{
    return add_sub_carry(s, a, true, true);
}

/* ---- conditional -------------------------------------------------------------------------- */

static void cond_compare(DisasContext *s, bool sf, bool sub, unsigned rn, IrRef y, unsigned cond,
                         unsigned nzcv)
{
    IrType t = sf_type(sf);
    IrRef x = reg_get(s, sf, rn);
    IrRef flags = sub ? ir_nzcv_sub(&s->b, t, x, y) : ir_nzcv_add(&s->b, t, x, y);
    if (cond < IR_COND_AL)
        flags = ir_self(&s->b, IR_I32, nzcv_get(s), flags, nzcv_const(s, nzcv), cond);
    nzcv_set(s, flags);
}

bool a64_trans_CCMN_reg(DisasContext *s, const struct a64_ccmp_reg *a)
{
    cond_compare(s, a->sf, false, a->rn, reg_get(s, a->sf, a->rm), a->cond, a->nzcv);
    return true;
}

bool a64_trans_CCMP_reg(DisasContext *s, const struct a64_ccmp_reg *a)
{
    cond_compare(s, a->sf, true, a->rn, reg_get(s, a->sf, a->rm), a->cond, a->nzcv);
    return true;
}

bool a64_trans_CCMN_imm(DisasContext *s, const struct a64_ccmp_imm *a)
{
    IrRef y = ir_imm(&s->b, sf_type(a->sf), a->imm);
    cond_compare(s, a->sf, false, a->rn, y, a->cond, a->nzcv);
    return true;
}

bool a64_trans_CCMP_imm(DisasContext *s, const struct a64_ccmp_imm *a)
{
    IrRef y = ir_imm(&s->b, sf_type(a->sf), a->imm);
    cond_compare(s, a->sf, true, a->rn, y, a->cond, a->nzcv);
    return true;
}

/* Rd := cond ? Rn : y. */
static bool cond_select(DisasContext *s, const struct a64_csel *a, IrRef y)
{
    IrRef x = reg_get(s, a->sf, a->rn);
    if (a->cond < IR_COND_AL)
        x = ir_self(&s->b, sf_type(a->sf), nzcv_get(s), x, y, a->cond);
    reg_set(s, a->sf, a->rd, x);
    return true;
}

/* CSET, CSETM: 1 when the condition fails. */
static bool cond_is_set(const struct a64_csel *a)
{
    return a->rn == 31 && a->rm == 31 && a->cond < IR_COND_AL;
}

static IrRef cond_fails(DisasContext *s, const struct a64_csel *a)
{
    IrRef v = ir_setf(&s->b, nzcv_get(s), a->cond ^ 1);
    return a->sf ? ir_zext(&s->b, v) : v;
}

bool a64_trans_CSEL(DisasContext *s, const struct a64_csel *a)
{
    return cond_select(s, a, reg_get(s, a->sf, a->rm));
}

bool a64_trans_CSINC(DisasContext *s, const struct a64_csel *a)
{
    IrType t = sf_type(a->sf);
    if (cond_is_set(a)) {
        reg_set(s, a->sf, a->rd, cond_fails(s, a));
        return true;
    }
    return cond_select(s, a, ir_add(&s->b, t, reg_get(s, a->sf, a->rm), ir_imm(&s->b, t, 1)));
}

bool a64_trans_CSINV(DisasContext *s, const struct a64_csel *a)
{
    IrType t = sf_type(a->sf);
    if (cond_is_set(a)) {
        reg_set(s, a->sf, a->rd, ir_neg(&s->b, t, cond_fails(s, a)));
        return true;
    }
    return cond_select(s, a, ir_not(&s->b, t, reg_get(s, a->sf, a->rm)));
}

bool a64_trans_CSNEG(DisasContext *s, const struct a64_csel *a)
{
    return cond_select(s, a, ir_neg(&s->b, sf_type(a->sf), reg_get(s, a->sf, a->rm)));
}

/* ---- two sources -------------------------------------------------------------------------- */

static bool two_source(DisasContext *s, const struct a64_rrr *a, BinaryOp *op)
{
    IrRef x = reg_get(s, a->sf, a->rn), y = reg_get(s, a->sf, a->rm);
    reg_set(s, a->sf, a->rd, op(&s->b, sf_type(a->sf), x, y));
    return true;
}

bool a64_trans_UDIV(DisasContext *s, const struct a64_rrr *a)
{
    return two_source(s, a, ir_divu);
}

bool a64_trans_SDIV(DisasContext *s, const struct a64_rrr *a)
{
    return two_source(s, a, ir_divs);
}

bool a64_trans_LSLV(DisasContext *s, const struct a64_rrr *a)
{
    return two_source(s, a, ir_shl);
}

bool a64_trans_LSRV(DisasContext *s, const struct a64_rrr *a)
{
    return two_source(s, a, ir_shr);
}

bool a64_trans_ASRV(DisasContext *s, const struct a64_rrr *a)
{
    return two_source(s, a, ir_sar);
}

bool a64_trans_RORV(DisasContext *s, const struct a64_rrr *a)
{
    return two_source(s, a, ir_ror);
}

bool a64_trans_CRC32(DisasContext *s, const struct a64_crc32 *a)
{
    IrRef x = reg_get(s, false, a->rn), y = reg_get(s, true, a->rm);
    reg_set(s, false, a->rd, ir_crc32(&s->b, x, y, a->size));
    return true;
}

bool a64_trans_CRC32C(DisasContext *s, const struct a64_crc32 *a)
{
    IrRef x = reg_get(s, false, a->rn), y = reg_get(s, true, a->rm);
    reg_set(s, false, a->rd, ir_crc32c(&s->b, x, y, a->size));
    return true;
}

/* ---- one source --------------------------------------------------------------------------- */

typedef IrRef UnaryOp(IrBuilder *b, IrType type, IrRef x);

static bool one_source(DisasContext *s, const struct a64_rr *a, UnaryOp *op)
{
    reg_set(s, a->sf, a->rd, op(&s->b, sf_type(a->sf), reg_get(s, a->sf, a->rn)));
    return true;
}

bool a64_trans_RBIT(DisasContext *s, const struct a64_rr *a)
{
    return one_source(s, a, ir_bitrev);
}

bool a64_trans_REV16(DisasContext *s, const struct a64_rr *a)
{
    return one_source(s, a, ir_bswap16);
}

bool a64_trans_REV32(DisasContext *s, const struct a64_rr *a)
{
    return one_source(s, a, ir_bswap32);
}

bool a64_trans_REV(DisasContext *s, const struct a64_rr *a)
{
    return one_source(s, a, ir_bswap);
}

bool a64_trans_CLZ(DisasContext *s, const struct a64_rr *a)
{
    return one_source(s, a, ir_clz);
}

bool a64_trans_CLS(DisasContext *s, const struct a64_rr *a)
{
    return one_source(s, a, ir_cls);
}

/* ---- three sources ------------------------------------------------------------------------ */

static bool mul_add(DisasContext *s, const struct a64_rrrr *a, IrRef x, IrRef y, bool sub)
{
    IrType t = sf_type(a->sf);
    IrRef product = ir_mul(&s->b, t, x, y);
    if (a->ra == 31) {
        product = sub ? ir_neg(&s->b, t, product) : product;
    } else {
        IrRef z = reg_get(s, a->sf, a->ra);
        product = sub ? ir_sub(&s->b, t, z, product) : ir_add(&s->b, t, z, product);
    }
    reg_set(s, a->sf, a->rd, product);
    return true;
}

static IrRef long_get(DisasContext *s, unsigned n, bool is_signed)
{
    IrRef v = reg_get(s, true, n);
    return is_signed ? ir_exts(&s->b, IR_I64, v, IR_POSLEN(0, 32))
                     : ir_extu(&s->b, IR_I64, v, IR_POSLEN(0, 32));
}

static bool mul_add_same(DisasContext *s, const struct a64_rrrr *a, bool sub)
{
    IrRef x = reg_get(s, a->sf, a->rn), y = reg_get(s, a->sf, a->rm);
    return mul_add(s, a, x, y, sub);
}

static bool mul_add_long(DisasContext *s, const struct a64_rrrr *a, bool is_signed, bool sub)
{
    IrRef x = long_get(s, a->rn, is_signed), y = long_get(s, a->rm, is_signed);
    return mul_add(s, a, x, y, sub);
}

bool a64_trans_MADD(DisasContext *s, const struct a64_rrrr *a)
{
    return mul_add_same(s, a, false);
}

bool a64_trans_MSUB(DisasContext *s, const struct a64_rrrr *a)
{
    return mul_add_same(s, a, true);
}

bool a64_trans_SMADDL(DisasContext *s, const struct a64_rrrr *a)
{
    return mul_add_long(s, a, true, false);
}

bool a64_trans_SMSUBL(DisasContext *s, const struct a64_rrrr *a)
{
    return mul_add_long(s, a, true, true);
}

bool a64_trans_UMADDL(DisasContext *s, const struct a64_rrrr *a)
{
    return mul_add_long(s, a, false, false);
}

bool a64_trans_UMSUBL(DisasContext *s, const struct a64_rrrr *a)
{
    return mul_add_long(s, a, false, true);
}

bool a64_trans_SMULH(DisasContext *s, const struct a64_rrr *a)
{
    return two_source(s, a, ir_mulhs);
}

bool a64_trans_UMULH(DisasContext *s, const struct a64_rrr *a)
{
    return two_source(s, a, ir_mulhu);
}

/* ---- flag manipulation -------------------------------------------------------------------- */

/* Bit `from` of v, moved to bit `to`. */
static IrRef bit_moved(DisasContext *s, IrRef v, unsigned from, unsigned to)
{
    v = ir_extu(&s->b, IR_I32, v, IR_POSLEN(from, 1));
    return to ? ir_shl(&s->b, IR_I32, v, ir_imm32(&s->b, to)) : v;
}

bool a64_trans_RMIF(DisasContext *s, const struct a64_rmif *a)
{
    IrBuilder *b = &s->b;
    uint32_t mask = (a->mask & 8 ? IR_NZCV_N : 0) | (a->mask & 4 ? IR_NZCV_Z : 0) |
                    (a->mask & 2 ? IR_NZCV_NOT_C : 0) | (a->mask & 1 ? IR_NZCV_V : 0);
    IrRef v = ir_ror(b, IR_I64, reg_get(s, true, a->rn), ir_imm64(b, a->imm));
    IrRef new = ir_nzcv_pack(b, ir_shl(b, IR_I32, ir_trunc(b, v), ir_imm32(b, 28)));
    new = ir_and(b, IR_I32, new, ir_imm32(b, mask));
    nzcv_set(s, ir_or(b, IR_I32, ir_and(b, IR_I32, nzcv_get(s), ir_imm32(b, ~mask)), new));
    return true;
}

/* N and Z of the low `width` bits, V where the bit above differs from the top one, C stays. */
static bool set_flags_of(DisasContext *s, const struct a64_setf *a, unsigned width)
{
    IrBuilder *b = &s->b;
    IrRef x = reg_get(s, false, a->rn);
    IrRef top = ir_shl(b, IR_I32, x, ir_imm32(b, 32 - width));
    IrRef nz = ir_and(b, IR_I32, ir_nzcv_and(b, IR_I32, top, top),
                      ir_imm32(b, IR_NZCV_N | IR_NZCV_Z));
    IrRef v = ir_xor(b, IR_I32, bit_moved(s, x, width, 0), bit_moved(s, x, width - 1, 0));
    IrRef c = ir_and(b, IR_I32, nzcv_get(s), ir_imm32(b, IR_NZCV_NOT_C));
    nzcv_set(s, ir_or(b, IR_I32, ir_or(b, IR_I32, nz, v), c));
    return true;
}

bool a64_trans_SETF8(DisasContext *s, const struct a64_setf *a)
{
    return set_flags_of(s, a, 8);
}

bool a64_trans_SETF16(DisasContext *s, const struct a64_setf *a)
{
    return set_flags_of(s, a, 16);
}

bool a64_trans_CFINV(DisasContext *s, const struct a64_none *a)
{
    nzcv_set(s, ir_xor(&s->b, IR_I32, nzcv_get(s), ir_imm32(&s->b, IR_NZCV_NOT_C)));
    return true;
}

/* N := !C & !Z, Z := Z & C, C := C | Z, V := !C & Z */
bool a64_trans_XAFLAG(DisasContext *s, const struct a64_none *a)
{
    IrBuilder *b = &s->b;
    IrRef flags = ir_nzcv_unpack(b, nzcv_get(s));
    IrRef z = bit_moved(s, flags, 30, 0), c = bit_moved(s, flags, 29, 0);
    IrRef c_or_z = ir_or(b, IR_I32, c, z);
    IrRef n = ir_xor(b, IR_I32, c_or_z, ir_imm32(b, 1));
    IrRef out = ir_shl(b, IR_I32, n, ir_imm32(b, 31));
    out = ir_or(b, IR_I32, out, bit_moved(s, ir_and(b, IR_I32, z, c), 0, 30));
    out = ir_or(b, IR_I32, out, bit_moved(s, c_or_z, 0, 29));
    out = ir_or(b, IR_I32, out, bit_moved(s, ir_andn(b, IR_I32, z, c), 0, 28));
    nzcv_set(s, ir_nzcv_pack(b, out));
    return true;
}

/* N := 0, Z := Z | V, C := C & !V, V := 0 */
bool a64_trans_AXFLAG(DisasContext *s, const struct a64_none *a)
{
    IrBuilder *b = &s->b;
    IrRef flags = ir_nzcv_unpack(b, nzcv_get(s));
    IrRef z = bit_moved(s, flags, 30, 0), c = bit_moved(s, flags, 29, 0);
    IrRef v = bit_moved(s, flags, 28, 0);
    IrRef out = bit_moved(s, ir_or(b, IR_I32, z, v), 0, 30);
    out = ir_or(b, IR_I32, out, bit_moved(s, ir_andn(b, IR_I32, c, v), 0, 29));
    nzcv_set(s, ir_nzcv_pack(b, out));
    return true;
}
