// SPDX-License-Identifier: MIT
//
// Inside of util/fpu: numbers taken apart, independent of their format. Operations unpack, compute
// on FpParts as if with unbounded range, and let fp_pack() round once.
//
// Invariants of FpParts: a NORMAL number is frac * 2^(exp - 127) with bit 127 of frac set
// (denormals are normalised on the way in). Of an operand all fraction bits are exact; of a
// result bit 0 may be sticky, that is, stand for any non-zero tail below it. The fraction field
// of a NaN sits under bit 127, its quiet bit at 126, whatever the format: converting a NaN needs
// nothing but packing.
#ifndef UTIL_FPU_PARTS_H
#define UTIL_FPU_PARTS_H

#include "util/fpu/softfloat.h"

typedef unsigned __int128 FpFrac;

#define FP_FRAC_TOP ((FpFrac)1 << 127)
#define FP_FRAC_QUIET ((FpFrac)1 << 126)

typedef enum FpClass {
    FP_CLASS_ZERO,
    FP_CLASS_NORMAL,
    FP_CLASS_INF,
    FP_CLASS_QNAN, /* the NaNs are the last two: see fp_is_nan */
    FP_CLASS_SNAN,
} FpClass;

typedef struct FpParts {
    FpFrac frac;
    int32_t exp;
    FpClass cls;
    bool sign;
} FpParts;

/* Which mode bits flush a format's denormals. */
typedef enum FpFlush {
    FP_FLUSH_FZ,
    FP_FLUSH_FZ16,
    FP_FLUSH_NEVER,
} FpFlush;

typedef struct FpFormat {
    uint8_t exp_bits;
    uint8_t frac_bits; /* stored ones; the integer bit is implicit */
    int16_t bias;
    FpFlush flush;
    bool no_special;   /* the top exponent is an ordinary one: no infinities, no NaNs (AHP) */
} FpFormat;

extern const FpFormat fp_format_f16;
extern const FpFormat fp_format_f32;
extern const FpFormat fp_format_f64;

static inline bool fp_is_nan(const FpParts *p)
{
    return p->cls >= FP_CLASS_QNAN;
}

static inline void fp_raise(FpStatus *s, unsigned flags)
{
    s->flags |= (uint8_t)flags;
}

/* `v >> n` with bit 0 set if a one was shifted out. */
FpFrac fp_shift_right_sticky(FpFrac v, unsigned n);

/* Whether to add one to a truncated magnitude whose lost part is `half` (0.5) and `rest`. */
bool fp_rounds_up(FpRounding rounding, bool sign, bool odd, bool half, bool rest);

FpParts fp_zero(bool sign);
FpParts fp_infinity(bool sign);
/* `significand` * 2^exp */
FpParts fp_number(bool sign, uint64_t significand, int32_t exp);

/* The operand `bits` of format `f`; flushes denormals as `s` says. [FPUnpack] */
FpParts fp_unpack(const FpFormat *f, uint64_t bits, FpStatus *s);
/* Rounds to format `f`; raises OVERFLOW, UNDERFLOW, INEXACT. [FPRound] */
uint64_t fp_pack(const FpFormat *f, FpParts p, FpRounding rounding, FpStatus *s);

/* The default NaN, raising INVALID. */
FpParts fp_invalid(FpStatus *s);
/* The NaN result of an operation with these operands, one of them a NaN. [FPProcessNaNs] */
FpParts fp_process_nan(FpParts a, FpStatus *s);
FpParts fp_process_nans(FpParts a, FpParts b, FpStatus *s);
/* For a * b + c. [FPProcessNaNs3 and the invalid product that follows it in FPMulAdd] */
FpParts fp_process_nans_muladd(FpParts a, FpParts b, FpParts c, FpStatus *s);

/*
 * |a| * 2^scale rounded to an integer; what does not fit in 127 bits gives 2^127. Sets `*inexact`.
 * `a` is zero, normal or infinite.
 */
FpFrac fp_round_magnitude(FpParts a, int32_t scale, FpRounding rounding, bool *inexact);

#endif
