// SPDX-License-Identifier: MIT
//
// The list of opcodes that have a reference function, and what those functions share: access to
// lanes. Lane numbers beyond the vector are reduced, so that every function is total.
#ifndef TCG_REF_INTERNAL_H
#define TCG_REF_INTERNAL_H

#include <string.h>
#include "tcg/ref/ref.h"
#include "util/bitops.h"

/* X(enum, name) for IR_OP_enum, which ref_name() defines. */
#define REF_OPS(X) \
    X(NZCV_FCMP, nzcv_fcmp) \
    X(FADD, fadd) \
    X(FSUB, fsub) \
    X(FMUL, fmul) \
    X(FDIV, fdiv) \
    X(FSQRT, fsqrt) \
    X(FMADD, fmadd) \
    X(FNEG, fneg) \
    X(FABS, fabs) \
    X(FMIN, fmin) \
    X(FMAX, fmax) \
    X(FMINNM, fminnm) \
    X(FMAXNM, fmaxnm) \
    X(FROUND, fround) \
    X(FCVT_F64, fcvt_f64) \
    X(FCVT_F32, fcvt_f32) \
    X(FTOI, ftoi) \
    X(ITOF, itof) \
    X(VLOW, vlow) \
    X(VZEXT, vzext) \
    X(VTRUNC, vtrunc) \
    X(VGET, vget) \
    X(VSET, vset) \
    X(VINS, vins) \
    X(VDUP, vdup) \
    X(VDUPL, vdupl) \
    X(VAND, vand) \
    X(VOR, vor) \
    X(VXOR, vxor) \
    X(VANDN, vandn) \
    X(VORN, vorn) \
    X(VNOT, vnot) \
    X(VBSL, vbsl) \
    X(VADD, vadd) \
    X(VSUB, vsub) \
    X(VMUL, vmul) \
    X(VNEG, vneg) \
    X(VABS, vabs) \
    X(VSMIN, vsmin) \
    X(VSMAX, vsmax) \
    X(VUMIN, vumin) \
    X(VUMAX, vumax) \
    X(VSQADD, vsqadd) \
    X(VUQADD, vuqadd) \
    X(VSQSUB, vsqsub) \
    X(VUQSUB, vuqsub) \
    X(VSQDMULH, vsqdmulh) \
    X(VSHADD, vshadd) \
    X(VUHADD, vuhadd) \
    X(VSRHADD, vsrhadd) \
    X(VURHADD, vurhadd) \
    X(VSHSUB, vshsub) \
    X(VUHSUB, vuhsub) \
    X(VSABD, vsabd) \
    X(VUABD, vuabd) \
    X(VCMPEQ, vcmpeq) \
    X(VCMPGT, vcmpgt) \
    X(VCMPGE, vcmpge) \
    X(VCMPHI, vcmphi) \
    X(VCMPHS, vcmphs) \
    X(VTST, vtst) \
    X(VSHLI, vshli) \
    X(VSHRI, vshri) \
    X(VSARI, vsari) \
    X(VRSHRI, vrshri) \
    X(VRSARI, vrsari) \
    X(VSSHL, vsshl) \
    X(VUSHL, vushl) \
    X(VSRSHL, vsrshl) \
    X(VURSHL, vurshl) \
    X(VSQSHL, vsqshl) \
    X(VUQSHL, vuqshl) \
    X(VSQSHLU, vsqshlu) \
    X(VZIP1, vzip1) \
    X(VZIP2, vzip2) \
    X(VUZP1, vuzp1) \
    X(VUZP2, vuzp2) \
    X(VTRN1, vtrn1) \
    X(VTRN2, vtrn2) \
    X(VEXT, vext) \
    X(VREV, vrev) \
    X(VTBL, vtbl) \
    X(VTBX, vtbx) \
    X(VUXTL, vuxtl) \
    X(VSXTL, vsxtl) \
    X(VHIGH, vhigh) \
    X(VCAT, vcat) \
    X(VXTN, vxtn) \
    X(VSQXTN, vsqxtn) \
    X(VUQXTN, vuqxtn) \
    X(VSQXTUN, vsqxtun) \
    X(VDOT, vdot) \
    X(VSMULL, vsmull) \
    X(VUMULL, vumull) \
    X(VPMUL, vpmul) \
    X(VPMULL8, vpmull8) \
    X(VPMULL64, vpmull64) \
    X(VADDP, vaddp) \
    X(VSMAXP, vsmaxp) \
    X(VSMINP, vsminp) \
    X(VUMAXP, vumaxp) \
    X(VUMINP, vuminp) \
    X(VSADDLP, vsaddlp) \
    X(VUADDLP, vuaddlp) \
    X(VCLZ, vclz) \
    X(VCLS, vcls) \
    X(VPOPCNT, vpopcnt) \
    X(VBITREV, vbitrev) \
    X(VTEST, vtest) \
    X(VFADD, vfadd) \
    X(VFSUB, vfsub) \
    X(VFMUL, vfmul) \
    X(VFDIV, vfdiv) \
    X(VFSQRT, vfsqrt) \
    X(VFMADD, vfmadd) \
    X(VFMIN, vfmin) \
    X(VFMAX, vfmax) \
    X(VFMINNM, vfminnm) \
    X(VFMAXNM, vfmaxnm) \
    X(VFNEG, vfneg) \
    X(VFABS, vfabs) \
    X(VFCMPEQ, vfcmpeq) \
    X(VFCMPGE, vfcmpge) \
    X(VFCMPGT, vfcmpgt) \
    X(VFROUND, vfround) \
    X(VFTOI, vftoi) \
    X(VITOF, vitof) \
    X(VFCVT_F64, vfcvt_f64) \
    X(VFCVT_F32, vfcvt_f32) \
    X(VAESENC, vaesenc) \
    X(VAESDEC, vaesdec) \
    X(VAESMC, vaesmc) \
    X(VAESIMC, vaesimc) \
    X(VSHA1H, vsha1h) \
    X(VSHA1, vsha1) \
    X(VSHA1SU0, vsha1su0) \
    X(VSHA1SU1, vsha1su1) \
    X(VSHA256H, vsha256h) \
    X(VSHA256SU0, vsha256su0) \
    X(VSHA256SU1, vsha256su1)

#define REF_DECLARE(op, name) IrRefFn ref_##name;
REF_OPS(REF_DECLARE)

/* The definition of ref_NAME(): a, b, c are the operands, ctl the rest; *d is free to write only
 * when nothing more is read. */
#define REF_FN(name)                                                                      \
    void ref_##name(V128 *d, const V128 *a, const V128 *b, const V128 *c, const IrRefCtl *ctl)

/* log2 of a lane's bytes. */
static inline unsigned ref_esize(const IrRefCtl *ctl)
{
    return ctl->sub & 3;
}

static inline unsigned ref_lane_count(unsigned esize)
{
    return 16u >> esize;
}

static inline unsigned ref_lane_bits(unsigned esize)
{
    return 8u << esize;
}

static inline uint64_t ref_lane_u(const V128 *v, unsigned esize, unsigned lane)
{
    switch (esize) {
    case 0: return v->b[lane & 15];
    case 1: return v->h[lane & 7];
    case 2: return v->s[lane & 3];
    default: return v->d[lane & 1];
    }
}

static inline int64_t ref_lane_s(const V128 *v, unsigned esize, unsigned lane)
{
    return sign_extend(ref_lane_u(v, esize, lane), ref_lane_bits(esize));
}

/* The low bits of `value` become the lane. */
static inline void ref_lane_set(V128 *v, unsigned esize, unsigned lane, uint64_t value)
{
    switch (esize) {
    case 0: v->b[lane & 15] = (uint8_t)value; break;
    case 1: v->h[lane & 7] = (uint16_t)value; break;
    case 2: v->s[lane & 3] = (uint32_t)value; break;
    default: v->d[lane & 1] = value; break;
    }
}

/* Bounds of the integers of a lane. */
static inline int64_t ref_lane_min(unsigned bits)
{
    return (int64_t)(UINT64_MAX << (bits - 1));
}

static inline int64_t ref_lane_max(unsigned bits)
{
    return ~ref_lane_min(bits);
}

typedef __int128 RefWide; /* holds any sum, product, or rounded shift of lanes */

static inline uint64_t ref_saturate_s(RefWide v, unsigned bits)
{
    return v < ref_lane_min(bits) ? (uint64_t)ref_lane_min(bits)
         : v > ref_lane_max(bits) ? (uint64_t)ref_lane_max(bits) : (uint64_t)v;
}

static inline uint64_t ref_saturate_u(RefWide v, unsigned bits)
{
    return v < 0 ? 0 : v > (RefWide)bit_mask(bits) ? bit_mask(bits) : (uint64_t)v;
}

#endif
