// SPDX-License-Identifier: MIT
//
// Soft-float: IEEE 754-2008 binary16, binary32 and binary64 arithmetic on raw bit patterns,
// bit-exact to the Arm architecture's shared/functions/float pseudocode (Arm ARM, DDI 0487, J1).
//
// Translated code computes with host instructions; it comes here for what the host does not
// give: half precision, flush-to-zero with Arm's flags, NaN selection, reciprocal estimates,
// rounding to odd. Rules in which architectures differ (sign of the default NaN, choice among NaN
// operands, where tininess is detected) are fields of FpStatus, never of the host or of a global.
//
// Every function takes its operands as bits and an FpStatus that the caller owns; it reads the
// modes, and ORs what happened into `flags`. There is no other state. Functions are total: any
// bit pattern is a legal operand.
#ifndef UTIL_FPU_SOFTFLOAT_H
#define UTIL_FPU_SOFTFLOAT_H

#include <stdbool.h>
#include <stdint.h>

/* Rounding; the first four are the encoding of FPCR.RMode. */
typedef enum FpRounding {
    FP_ROUND_NEAREST_EVEN = 0,
    FP_ROUND_PLUS_INF = 1,
    FP_ROUND_MINUS_INF = 2,
    FP_ROUND_ZERO = 3,
    FP_ROUND_NEAREST_AWAY = 4,
    FP_ROUND_ODD = 5, /* truncate, then set the last bit if inexact (FCVTXN) */
} FpRounding;

/* Exception flags at their place in Arm's FPSR. */
enum {
    FP_FLAG_INVALID = 1 << 0,      /* IOC */
    FP_FLAG_DIVBYZERO = 1 << 1,    /* DZC */
    FP_FLAG_OVERFLOW = 1 << 2,     /* OFC */
    FP_FLAG_UNDERFLOW = 1 << 3,    /* UFC */
    FP_FLAG_INEXACT = 1 << 4,      /* IXC */
    FP_FLAG_INPUT_DENORMAL = 1 << 7, /* IDC */
};

/* Which NaN an operation with several NaN operands returns (quieted). */
typedef enum FpNanRule {
    /*
     * Signalling NaNs before quiet ones, each in operand order; the addend of a fused
     * multiply-add comes first. inf * 0 + quiet NaN is invalid and gives the default NaN.
     */
    FP_NAN_ARM,
    /* The first operand that is a NaN; inf * 0 + NaN is that NaN, and raises nothing of itself. */
    FP_NAN_SSE,
} FpNanRule;

typedef struct FpStatus {
    uint8_t rounding;      /* FpRounding of operations that take no mode of their own */
    uint8_t nan_rule;      /* FpNanRule */
    bool default_nan;      /* every NaN result is the default NaN (FPCR.DN) */
    bool default_nan_negative; /* sign of the default NaN: set for x86 */
    bool tininess_before;  /* detect underflow before rounding (Arm) rather than after (SSE) */
    bool flush_inputs;     /* f32, f64: denormal operands are zeros (FPCR.FZ, MXCSR.DAZ) */
    bool flush_outputs;    /* f32, f64: tiny results become zeros (FPCR.FZ, MXCSR.FTZ) */
    bool flush_f16;        /* f16: both of them, except in conversions (FPCR.FZ16) */
    bool flush_input_silent;   /* a flushed operand raises no INPUT_DENORMAL (SSE) */
    bool flush_output_inexact; /* a flushed result is also inexact (SSE) */
    bool ahp;              /* conversions use Arm's alternative half precision (FPCR.AHP) */
    uint8_t flags;         /* FP_FLAG_*, accumulated */
} FpStatus;

/* The architectural reset state: FPCR = 0. */
#define FP_STATUS_ARM ((FpStatus){ .tininess_before = true })
/* SSE with MXCSR = 0x1f80. */
#define FP_STATUS_SSE ((FpStatus){ .nan_rule = FP_NAN_SSE, .default_nan_negative = true, \
                                   .flush_input_silent = true, .flush_output_inexact = true })

typedef enum FpOrder {
    FP_LESS = -1,
    FP_EQUAL = 0,
    FP_GREATER = 1,
    FP_UNORDERED = 2,
} FpOrder;

/*
 * The operations of one format: `f` is f16, f32 or f64, `Bits` the type of its bits. In brackets
 * the function of the Arm pseudocode.
 *
 * Arithmetic:
 *   add, sub, mul, div, sqrt    [FPAdd FPSub FPMul FPDiv FPSqrt]
 *   muladd(a, b, c)             a * b + c with one rounding [FPMulAdd(c, a, b)]. Negated forms:
 *                               the caller flips the signs of the operands, as Arm does.
 *   mulx                        [FPMulX] mul, but inf * 0 = +-2
 *   recps, rsqrts               [FPRecipStepFused] 2 - a * b, [FPRSqrtStepFused] (3 - a * b) / 2
 *   recpe, rsqrte, recpx        [FPRecipEstimate FPRSqrtEstimate FPRecpX]
 *   max, min, maxnm, minnm      [FPMax FPMin FPMaxNum FPMinNum]
 *   compare, compare_signal     the first is invalid only for signalling NaNs, the second for
 *                               all [FPCompare]
 *   round_int(a, rounding, exact)   to an integral value; raises INEXACT only if `exact`
 *                               [FPRoundInt]
 *
 * Conversions; `fbits` (0..64) is the number of fraction bits of the fixed-point side:
 *   to_i16 ... to_u64(a, fbits, rounding, s)   saturating and then INVALID; NaN gives 0
 *                               [FPToFixed]
 *   from_i64, from_u64(v, fbits, s)   also for narrower integers, whose values they contain
 *                               [FixedToFP]
 */
#define FP_DECLARE_FORMAT(f, Bits)                                                        \
    Bits f##_add(Bits a, Bits b, FpStatus *s);                                            \
    Bits f##_sub(Bits a, Bits b, FpStatus *s);                                            \
    Bits f##_mul(Bits a, Bits b, FpStatus *s);                                            \
    Bits f##_div(Bits a, Bits b, FpStatus *s);                                            \
    Bits f##_sqrt(Bits a, FpStatus *s);                                                   \
    Bits f##_muladd(Bits a, Bits b, Bits c, FpStatus *s);                                 \
    Bits f##_mulx(Bits a, Bits b, FpStatus *s);                                           \
    Bits f##_recps(Bits a, Bits b, FpStatus *s);                                          \
    Bits f##_rsqrts(Bits a, Bits b, FpStatus *s);                                         \
    Bits f##_recpe(Bits a, FpStatus *s);                                                  \
    Bits f##_rsqrte(Bits a, FpStatus *s);                                                 \
    Bits f##_recpx(Bits a, FpStatus *s);                                                  \
    Bits f##_max(Bits a, Bits b, FpStatus *s);                                            \
    Bits f##_min(Bits a, Bits b, FpStatus *s);                                            \
    Bits f##_maxnm(Bits a, Bits b, FpStatus *s);                                          \
    Bits f##_minnm(Bits a, Bits b, FpStatus *s);                                          \
    FpOrder f##_compare(Bits a, Bits b, FpStatus *s);                                     \
    FpOrder f##_compare_signal(Bits a, Bits b, FpStatus *s);                              \
    Bits f##_round_int(Bits a, FpRounding rounding, bool exact, FpStatus *s);             \
    int16_t f##_to_i16(Bits a, unsigned fbits, FpRounding rounding, FpStatus *s);         \
    int32_t f##_to_i32(Bits a, unsigned fbits, FpRounding rounding, FpStatus *s);         \
    int64_t f##_to_i64(Bits a, unsigned fbits, FpRounding rounding, FpStatus *s);         \
    uint16_t f##_to_u16(Bits a, unsigned fbits, FpRounding rounding, FpStatus *s);        \
    uint32_t f##_to_u32(Bits a, unsigned fbits, FpRounding rounding, FpStatus *s);        \
    uint64_t f##_to_u64(Bits a, unsigned fbits, FpRounding rounding, FpStatus *s);        \
    Bits f##_from_i64(int64_t v, unsigned fbits, FpStatus *s);                            \
    Bits f##_from_u64(uint64_t v, unsigned fbits, FpStatus *s);

FP_DECLARE_FORMAT(f16, uint16_t)
FP_DECLARE_FORMAT(f32, uint32_t)
FP_DECLARE_FORMAT(f64, uint64_t)

/*
 * Conversions between formats [FPConvert]. The f16 side is alternative half precision when
 * s->ahp, and is never flushed; the other side obeys flush_inputs and flush_outputs.
 */
uint32_t f16_to_f32(uint16_t a, FpStatus *s);
uint64_t f16_to_f64(uint16_t a, FpStatus *s);
uint16_t f32_to_f16(uint32_t a, FpStatus *s);
uint64_t f32_to_f64(uint32_t a, FpStatus *s);
uint16_t f64_to_f16(uint64_t a, FpStatus *s);
uint32_t f64_to_f32(uint64_t a, FpStatus *s);
/* FCVTXN: rounds to odd whatever s->rounding is. */
uint32_t f64_to_f32_odd(uint64_t a, FpStatus *s);

/*
 * FRINT32*, FRINT64* [FPRoundIntN]: to an integral value that fits a signed integer of `bits` (32
 * or 64); NaN and what does not fit give -2^(bits-1) and INVALID.
 */
uint32_t f32_round_int_n(uint32_t a, FpRounding rounding, unsigned bits, FpStatus *s);
uint64_t f64_round_int_n(uint64_t a, FpRounding rounding, unsigned bits, FpStatus *s);

/*
 * FJCVTZS [FPToFixedJS]: truncates and keeps the low 32 bits. `*exact` tells whether the result
 * has the operand's value (the instruction's Z flag; false for minus zero).
 */
int32_t f64_to_i32_js(uint64_t a, bool *exact, FpStatus *s);

/* To BFloat16, in mode s->rounding [FPConvertBF]. */
uint16_t f32_to_bf16(uint32_t a, FpStatus *s);

/*
 * addend + a0 * b0 + a1 * b1 of single precision and two pairs of BFloat16 numbers (the first in the
 * low half), rounded to odd at every step, without modes and flags [BFDotAdd with FPCR.EBF clear].
 */
uint32_t bf16_dot_add(uint32_t addend, uint32_t a, uint32_t b);

/* URECPE, URSQRTE [UnsignedRecipEstimate, UnsignedRSqrtEstimate]; no flags, no modes. */
uint32_t u32_recpe(uint32_t a);
uint32_t u32_rsqrte(uint32_t a);

#endif
