// SPDX-License-Identifier: MIT
//
// A64 scalar floating point (Arm ARM C4.1, "Data Processing -- Scalar Floating-Point and Advanced
// SIMD"; C7.2). esz is log2 of the format's bytes: 1 half, 2 single, 3 double.
#include "target/arm/translate-simd.h"

/* ---- One source */

typedef struct a64_rr_e OneSource;

static bool one_source(DisasContext *s, const OneSource *a, ArmFpDesc d)
{
    if (fp_access_check(s)) {
        d.esz = a->esz;
        fp_set(s, a->esz, a->rd, fp_scalar(s, d, fp_get(s, a->esz, a->rn), IR_NONE, IR_NONE));
    }
    return true;
}

#define ROUND(name, op_, mode_, exact)                                                    \
    bool a64_trans_##name(DisasContext *s, const OneSource *a)                            \
    {                                                                                     \
        return one_source(s, a, (ArmFpDesc){ .op = (op_), .mode = (mode_), .flag = (exact) }); \
    }

ROUND(FSQRT_s, ARM_FP_SQRT, 0, false)
ROUND(FRINTN_s, ARM_FP_ROUND, FP_ROUND_NEAREST_EVEN, false)
ROUND(FRINTP_s, ARM_FP_ROUND, FP_ROUND_PLUS_INF, false)
ROUND(FRINTM_s, ARM_FP_ROUND, FP_ROUND_MINUS_INF, false)
ROUND(FRINTZ_s, ARM_FP_ROUND, FP_ROUND_ZERO, false)
ROUND(FRINTA_s, ARM_FP_ROUND, FP_ROUND_NEAREST_AWAY, false)
ROUND(FRINTX_s, ARM_FP_ROUND, ARM_FP_MODE_CURRENT, true)
ROUND(FRINTI_s, ARM_FP_ROUND, ARM_FP_MODE_CURRENT, false)
ROUND(FRINT32Z_s, ARM_FP_ROUND_INT32, FP_ROUND_ZERO, true)
ROUND(FRINT32X_s, ARM_FP_ROUND_INT32, ARM_FP_MODE_CURRENT, true)
ROUND(FRINT64Z_s, ARM_FP_ROUND_INT64, FP_ROUND_ZERO, true)
ROUND(FRINT64X_s, ARM_FP_ROUND_INT64, ARM_FP_MODE_CURRENT, true)

bool a64_trans_FMOV_s(DisasContext *s, const OneSource *a)
{
    if (fp_access_check(s)) {
        fp_set(s, a->esz, a->rd, fp_get(s, a->esz, a->rn));
    }
    return true;
}

bool a64_trans_FABS_s(DisasContext *s, const OneSource *a)
{
    if (fp_access_check(s)) {
        fp_set(s, a->esz, a->rd, fp_abs(s, a->esz, fp_get(s, a->esz, a->rn)));
    }
    return true;
}

bool a64_trans_FNEG_s(DisasContext *s, const OneSource *a)
{
    if (fp_access_check(s)) {
        fp_set(s, a->esz, a->rd, fp_neg(s, a->esz, fp_get(s, a->esz, a->rn)));
    }
    return true;
}

bool a64_trans_FCVT(DisasContext *s, const struct a64_fcvt *a)
{
    ArmFpDesc d = { .op = ARM_FP_CONVERT, .esz = a->esz, .to = a->to };
    if (fp_access_check(s)) {
        fp_set(s, a->to, a->rd, fp_scalar(s, d, fp_get(s, a->esz, a->rn), IR_NONE, IR_NONE));
    }
    return true;
}

bool a64_trans_BFCVT(DisasContext *s, const OneSource *a)
{
    ArmFpDesc d = { .op = ARM_FP_CONVERT_BF16, .esz = 2, .to = 1 };
    if (fp_access_check(s)) {
        fp_set(s, 1, a->rd, fp_scalar(s, d, fp_get(s, 2, a->rn), IR_NONE, IR_NONE));
    }
    return true;
}

/* ---- Two sources */

static IrRef two_source_value(DisasContext *s, const struct a64_rrr_e *a, ArmFpOp op)
{
    IrRef x = fp_get(s, a->esz, a->rn), y = fp_get(s, a->esz, a->rm);
    return fp_scalar(s, (ArmFpDesc){ .op = op, .esz = a->esz }, x, y, IR_NONE);
}

#define TWO_SOURCE(name, op)                                                              \
    bool a64_trans_##name(DisasContext *s, const struct a64_rrr_e *a)                     \
    {                                                                                     \
        if (fp_access_check(s)) {                                                         \
            fp_set(s, a->esz, a->rd, two_source_value(s, a, op));                         \
        }                                                                                 \
        return true;                                                                      \
    }

TWO_SOURCE(FMUL_s, ARM_FP_MUL)
TWO_SOURCE(FDIV_s, ARM_FP_DIV)
TWO_SOURCE(FADD_s, ARM_FP_ADD)
TWO_SOURCE(FSUB_s, ARM_FP_SUB)
TWO_SOURCE(FMAX_s, ARM_FP_MAX)
TWO_SOURCE(FMIN_s, ARM_FP_MIN)
TWO_SOURCE(FMAXNM_s, ARM_FP_MAXNM)
TWO_SOURCE(FMINNM_s, ARM_FP_MINNM)

bool a64_trans_FNMUL_s(DisasContext *s, const struct a64_rrr_e *a)
{
    if (fp_access_check(s)) {
        fp_set(s, a->esz, a->rd, fp_neg(s, a->esz, two_source_value(s, a, ARM_FP_MUL)));
    }
    return true;
}

/* ---- Three sources: +-Ra +- Rn * Rm */

static bool three_source(DisasContext *s, const struct a64_rrrr_e *a, bool neg_addend,
                         bool neg_product)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef n = fp_get(s, a->esz, a->rn), m = fp_get(s, a->esz, a->rm);
    IrRef addend = fp_get(s, a->esz, a->ra);
    n = neg_product ? fp_neg(s, a->esz, n) : n;
    addend = neg_addend ? fp_neg(s, a->esz, addend) : addend;
    ArmFpDesc d = { .op = ARM_FP_MULADD, .esz = a->esz };
    fp_set(s, a->esz, a->rd, fp_scalar(s, d, n, m, addend));
    return true;
}

bool a64_trans_FMADD(DisasContext *s, const struct a64_rrrr_e *a)
{
    return three_source(s, a, false, false);
}

bool a64_trans_FMSUB(DisasContext *s, const struct a64_rrrr_e *a)
{
    return three_source(s, a, false, true);
}

bool a64_trans_FNMADD(DisasContext *s, const struct a64_rrrr_e *a)
{
    return three_source(s, a, true, true);
}

bool a64_trans_FNMSUB(DisasContext *s, const struct a64_rrrr_e *a)
{
    return three_source(s, a, true, false);
}

/* ---- Comparison, selection */

static bool compare(DisasContext *s, ArmFpOp op, unsigned esz, unsigned rn, IrRef other)
{
    ArmFpDesc d = { .op = op, .esz = esz };
    nzcv_set(s, fp_scalar(s, d, fp_get(s, esz, rn), other, IR_NONE));
    return true;
}

bool a64_trans_FCMP(DisasContext *s, const struct a64_fcmp *a)
{
    return !fp_access_check(s) ||
           compare(s, ARM_FP_FLAGS, a->esz, a->rn, fp_get(s, a->esz, a->rm));
}

bool a64_trans_FCMPE(DisasContext *s, const struct a64_fcmp *a)
{
    return !fp_access_check(s) ||
           compare(s, ARM_FP_FLAGS_SIGNAL, a->esz, a->rn, fp_get(s, a->esz, a->rm));
}

bool a64_trans_FCMP_zero(DisasContext *s, const struct a64_fcmp_zero *a)
{
    return !fp_access_check(s) || compare(s, ARM_FP_FLAGS, a->esz, a->rn, fp_const_zero(s, a->esz));
}

bool a64_trans_FCMPE_zero(DisasContext *s, const struct a64_fcmp_zero *a)
{
    return !fp_access_check(s) ||
           compare(s, ARM_FP_FLAGS_SIGNAL, a->esz, a->rn, fp_const_zero(s, a->esz));
}

static IrCond fp_cond(unsigned cond)
{
    return cond == 15 ? IR_COND_AL : (IrCond)cond;
}

static IrRef fp_select(DisasContext *s, unsigned esz, IrRef flags, IrCond cond, IrRef x, IrRef y)
{
    return ir_self(&s->b, esz == 2 ? IR_F32 : esz == 3 ? IR_F64 : IR_I64, flags, x, y, cond);
}

/* Without the condition, zero is compared with zero, which raises no flag. */
static bool conditional_compare(DisasContext *s, const struct a64_fccmp *a, ArmFpOp op)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrCond cond = fp_cond(a->cond);
    IrRef flags = nzcv_get(s), zero = fp_const_zero(s, a->esz);
    IrRef n = fp_select(s, a->esz, flags, cond, fp_get(s, a->esz, a->rn), zero);
    IrRef m = fp_select(s, a->esz, flags, cond, fp_get(s, a->esz, a->rm), zero);
    IrRef r = fp_scalar(s, (ArmFpDesc){ .op = op, .esz = a->esz }, n, m, IR_NONE);
    nzcv_set(s, ir_self(&s->b, IR_I32, flags, r, nzcv_const(s, a->nzcv), cond));
    return true;
}

bool a64_trans_FCCMP(DisasContext *s, const struct a64_fccmp *a)
{
    return conditional_compare(s, a, ARM_FP_FLAGS);
}

bool a64_trans_FCCMPE(DisasContext *s, const struct a64_fccmp *a)
{
    return conditional_compare(s, a, ARM_FP_FLAGS_SIGNAL);
}

bool a64_trans_FCSEL(DisasContext *s, const struct a64_fcsel *a)
{
    if (fp_access_check(s)) {
        IrRef n = fp_get(s, a->esz, a->rn), m = fp_get(s, a->esz, a->rm);
        fp_set(s, a->esz, a->rd, fp_select(s, a->esz, nzcv_get(s), fp_cond(a->cond), n, m));
    }
    return true;
}

/* VFPExpandImm: sign, three-bit exponent, four-bit fraction. */
bool a64_trans_FMOV_imm(DisasContext *s, const struct a64_fmov_imm *a)
{
    static const struct {
        unsigned bits, exponent;
    } format[] = { [1] = { 16, 5 }, [2] = { 32, 8 }, [3] = { 64, 11 } };
    unsigned bits = format[a->esz].bits, exponent = format[a->esz].exponent;
    uint64_t high = bit_mask(exponent - 3) << 2; /* the replicated bit of the exponent */
    uint64_t e = (a->imm & 0x40 ? high : high + 4) | (a->imm >> 4 & 3);
    uint64_t v = (uint64_t)(a->imm >> 7) << (bits - 1) | e << (bits - 1 - exponent) |
                 (uint64_t)(a->imm & 15) << (bits - 5 - exponent);
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, ir_imm128(&s->b, v, 0));
    }
    return true;
}

/* ---- To and from general registers */

static bool to_general(DisasContext *s, const struct a64_fcvt_int *a, FpRounding mode,
                       bool is_signed)
{
    ArmFpDesc d = { .op = ARM_FP_TO_INT, .esz = a->esz, .to = a->sf ? 3 : 2, .mode = mode,
                    .flag = is_signed };
    if (fp_access_check(s)) {
        reg_set(s, a->sf, a->rd, fp_scalar(s, d, fp_get(s, a->esz, a->rn), IR_NONE, IR_NONE));
    }
    return true;
}

#define TO_GENERAL(letter, mode)                                                          \
    bool a64_trans_FCVT##letter##S_gen(DisasContext *s, const struct a64_fcvt_int *a)     \
    {                                                                                     \
        return to_general(s, a, mode, true);                                              \
    }                                                                                     \
    bool a64_trans_FCVT##letter##U_gen(DisasContext *s, const struct a64_fcvt_int *a)     \
    {                                                                                     \
        return to_general(s, a, mode, false);                                             \
    }

TO_GENERAL(N, FP_ROUND_NEAREST_EVEN)
TO_GENERAL(P, FP_ROUND_PLUS_INF)
TO_GENERAL(M, FP_ROUND_MINUS_INF)
TO_GENERAL(Z, FP_ROUND_ZERO)
TO_GENERAL(A, FP_ROUND_NEAREST_AWAY)

static bool from_general(DisasContext *s, bool sf, unsigned esz, unsigned fbits, bool is_signed,
                         unsigned rn, unsigned rd)
{
    ArmFpDesc d = { .op = ARM_FP_FROM_INT, .esz = sf ? 3 : 2, .to = esz, .fbits = fbits,
                    .flag = is_signed };
    if (fp_access_check(s)) {
        fp_set(s, esz, rd, fp_scalar(s, d, reg_get(s, sf, rn), IR_NONE, IR_NONE));
    }
    return true;
}

bool a64_trans_SCVTF_gen(DisasContext *s, const struct a64_fcvt_int *a)
{
    return from_general(s, a->sf, a->esz, 0, true, a->rn, a->rd);
}

bool a64_trans_UCVTF_gen(DisasContext *s, const struct a64_fcvt_int *a)
{
    return from_general(s, a->sf, a->esz, 0, false, a->rn, a->rd);
}

bool a64_trans_SCVTF_fix(DisasContext *s, const struct a64_fcvt_fix *a)
{
    return from_general(s, a->sf, a->esz, a->fbits, true, a->rn, a->rd);
}

bool a64_trans_UCVTF_fix(DisasContext *s, const struct a64_fcvt_fix *a)
{
    return from_general(s, a->sf, a->esz, a->fbits, false, a->rn, a->rd);
}

static bool to_fixed(DisasContext *s, const struct a64_fcvt_fix *a, bool is_signed)
{
    ArmFpDesc d = { .op = ARM_FP_TO_INT, .esz = a->esz, .to = a->sf ? 3 : 2,
                    .mode = FP_ROUND_ZERO, .fbits = a->fbits, .flag = is_signed };
    if (fp_access_check(s)) {
        reg_set(s, a->sf, a->rd, fp_scalar(s, d, fp_get(s, a->esz, a->rn), IR_NONE, IR_NONE));
    }
    return true;
}

bool a64_trans_FCVTZS_fix(DisasContext *s, const struct a64_fcvt_fix *a)
{
    return to_fixed(s, a, true);
}

bool a64_trans_FCVTZU_fix(DisasContext *s, const struct a64_fcvt_fix *a)
{
    return to_fixed(s, a, false);
}

/* Z is set when the value survived, the other flags are cleared. */
bool a64_trans_FJCVTZS(DisasContext *s, const struct a64_fcvt_int *a)
{
    ArmFpDesc d = { .op = ARM_FP_TO_INT_JS, .esz = 3 };
    if (fp_access_check(s)) {
        IrRef r = fp_scalar(s, d, fp_get(s, 3, a->rn), IR_NONE, IR_NONE);
        IrRef exact = ir_trunc(&s->b, ir_shr(&s->b, IR_I64, r, ir_imm64(&s->b, 32)));
        nzcv_set(s, ir_sel(&s->b, IR_I32, exact, nzcv_const(s, 4), nzcv_const(s, 0)));
        reg_set(s, false, a->rd, ir_trunc(&s->b, r));
    }
    return true;
}

/* Moves of bits; half precision to a general register is zero-extended. */
bool a64_trans_FMOV_to_gen(DisasContext *s, const struct a64_fcvt_int *a)
{
    if (fp_access_check(s)) {
        IrRef v = vreg_get(s, a->rn);
        IrType type = sf_type(a->sf);
        reg_set(s, a->sf, a->rd, a->esz == 1 ? ir_vget(&s->b, type, v, 1, 0)
                                             : ir_vtrunc(&s->b, type, v));
    }
    return true;
}

bool a64_trans_FMOV_from_gen(DisasContext *s, const struct a64_fcvt_int *a)
{
    if (fp_access_check(s)) {
        IrRef v = reg_get(s, a->sf, a->rn);
        freg_set(s, a->rd, a->esz == 1 ? ir_extu(&s->b, sf_type(a->sf), v, IR_POSLEN(0, 16)) : v);
    }
    return true;
}

bool a64_trans_FMOV_top_to_gen(DisasContext *s, const struct a64_fcvt_int *a)
{
    if (fp_access_check(s)) {
        reg_set(s, true, a->rd, ir_vget(&s->b, IR_I64, vreg_get(s, a->rn), 3, 1));
    }
    return true;
}

bool a64_trans_FMOV_top_from_gen(DisasContext *s, const struct a64_fcvt_int *a)
{
    if (fp_access_check(s)) {
        IrRef v = vreg_get(s, a->rd), x = reg_get(s, true, a->rn);
        vreg_set(s, a->rd, ir_vset(&s->b, IR_V128, v, x, 3, 1));
    }
    return true;
}
