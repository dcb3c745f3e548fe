// SPDX-License-Identifier: MIT
//
// The A64 scalar floating-point instructions that util/fpu implements, one row each:
//     OP(name, operand width, "instruction", the same through softfloat.h)
// Instructions read d0, d1, d2 or x0 (= d0) and write d3 or x3; the expressions read a, b, c and
// the status s. Included twice: by the program that executes the instructions under
// qemu-aarch64 (fpu_oracle_a64.c) and by the test that compares (test_fpu_a64.c).
#ifndef TESTS_UNIT_FPU_OPS_H
#define TESTS_UNIT_FPU_OPS_H

#define FPU_NEG(w, x) ((x) ^ (uint64_t)1 << ((w) - 1))
#define FPU_ABS(w, x) ((x) & ~((uint64_t)1 << ((w) - 1)))

/* r: register letter, f: softfloat prefix, w: width */
#define FPU_ARITH_OPS(OP, r, f, w)                                                             \
    OP(fadd_##r, w, "fadd " #r "3, " #r "0, " #r "1", f##_add(a, b, s))                        \
    OP(fsub_##r, w, "fsub " #r "3, " #r "0, " #r "1", f##_sub(a, b, s))                        \
    OP(fmul_##r, w, "fmul " #r "3, " #r "0, " #r "1", f##_mul(a, b, s))                        \
    OP(fnmul_##r, w, "fnmul " #r "3, " #r "0, " #r "1", FPU_NEG(w, f##_mul(a, b, s)))          \
    OP(fmulx_##r, w, "fmulx " #r "3, " #r "0, " #r "1", f##_mulx(a, b, s))                     \
    OP(fdiv_##r, w, "fdiv " #r "3, " #r "0, " #r "1", f##_div(a, b, s))                        \
    OP(fabd_##r, w, "fabd " #r "3, " #r "0, " #r "1", FPU_ABS(w, f##_sub(a, b, s)))            \
    OP(fsqrt_##r, w, "fsqrt " #r "3, " #r "0", f##_sqrt(a, s))                                 \
    OP(fmadd_##r, w, "fmadd " #r "3, " #r "0, " #r "1, " #r "2", f##_muladd(a, b, c, s))       \
    OP(fmsub_##r, w, "fmsub " #r "3, " #r "0, " #r "1, " #r "2",                               \
       f##_muladd(FPU_NEG(w, a), b, c, s))                                                     \
    OP(fnmadd_##r, w, "fnmadd " #r "3, " #r "0, " #r "1, " #r "2",                             \
       f##_muladd(FPU_NEG(w, a), b, FPU_NEG(w, c), s))                                         \
    OP(fnmsub_##r, w, "fnmsub " #r "3, " #r "0, " #r "1, " #r "2",                             \
       f##_muladd(a, b, FPU_NEG(w, c), s))                                                     \
    OP(frecps_##r, w, "frecps " #r "3, " #r "0, " #r "1", f##_recps(a, b, s))                  \
    OP(frsqrts_##r, w, "frsqrts " #r "3, " #r "0, " #r "1", f##_rsqrts(a, b, s))               \
    OP(frecpe_##r, w, "frecpe " #r "3, " #r "0", f##_recpe(a, s))                              \
    OP(frsqrte_##r, w, "frsqrte " #r "3, " #r "0", f##_rsqrte(a, s))                           \
    OP(frecpx_##r, w, "frecpx " #r "3, " #r "0", f##_recpx(a, s))                              \
    OP(fmax_##r, w, "fmax " #r "3, " #r "0, " #r "1", f##_max(a, b, s))                        \
    OP(fmin_##r, w, "fmin " #r "3, " #r "0, " #r "1", f##_min(a, b, s))                        \
    OP(fmaxnm_##r, w, "fmaxnm " #r "3, " #r "0, " #r "1", f##_maxnm(a, b, s))                  \
    OP(fminnm_##r, w, "fminnm " #r "3, " #r "0, " #r "1", f##_minnm(a, b, s))                  \
    OP(fcmp_##r, w, "fcmp " #r "0, " #r "1\nmrs x3, nzcv", fpu_nzcv(f##_compare(a, b, s)))     \
    OP(fcmpe_##r, w, "fcmpe " #r "0, " #r "1\nmrs x3, nzcv",                                   \
       fpu_nzcv(f##_compare_signal(a, b, s)))

#define FPU_ROUND_OPS(OP, r, f, w)                                                             \
    OP(frintn_##r, w, "frintn " #r "3, " #r "0",                                               \
       f##_round_int(a, FP_ROUND_NEAREST_EVEN, false, s))                                      \
    OP(frintp_##r, w, "frintp " #r "3, " #r "0", f##_round_int(a, FP_ROUND_PLUS_INF, false, s)) \
    OP(frintm_##r, w, "frintm " #r "3, " #r "0",                                               \
       f##_round_int(a, FP_ROUND_MINUS_INF, false, s))                                         \
    OP(frintz_##r, w, "frintz " #r "3, " #r "0", f##_round_int(a, FP_ROUND_ZERO, false, s))    \
    OP(frinta_##r, w, "frinta " #r "3, " #r "0",                                               \
       f##_round_int(a, FP_ROUND_NEAREST_AWAY, false, s))                                      \
    OP(frinti_##r, w, "frinti " #r "3, " #r "0", f##_round_int(a, s->rounding, false, s))      \
    OP(frintx_##r, w, "frintx " #r "3, " #r "0", f##_round_int(a, s->rounding, true, s))

#define FPU_ROUND_N_OPS(OP, r, f, w)                                                           \
    OP(frint32z_##r, w, "frint32z " #r "3, " #r "0",                                           \
       f##_round_int_n(a, FP_ROUND_ZERO, 32, s))                                               \
    OP(frint32x_##r, w, "frint32x " #r "3, " #r "0", f##_round_int_n(a, s->rounding, 32, s))   \
    OP(frint64z_##r, w, "frint64z " #r "3, " #r "0",                                           \
       f##_round_int_n(a, FP_ROUND_ZERO, 64, s))                                               \
    OP(frint64x_##r, w, "frint64x " #r "3, " #r "0", f##_round_int_n(a, s->rounding, 64, s))

/* x: w or x register, n: integer width */
#define FPU_TO_INT_OPS(OP, r, f, w, x, n)                                                      \
    OP(fcvtns_##x##r, w, "fcvtns " #x "3, " #r "0",                                            \
       (uint##n##_t)f##_to_i##n(a, 0, FP_ROUND_NEAREST_EVEN, s))                               \
    OP(fcvtps_##x##r, w, "fcvtps " #x "3, " #r "0",                                            \
       (uint##n##_t)f##_to_i##n(a, 0, FP_ROUND_PLUS_INF, s))                                   \
    OP(fcvtms_##x##r, w, "fcvtms " #x "3, " #r "0",                                            \
       (uint##n##_t)f##_to_i##n(a, 0, FP_ROUND_MINUS_INF, s))                                  \
    OP(fcvtas_##x##r, w, "fcvtas " #x "3, " #r "0",                                            \
       (uint##n##_t)f##_to_i##n(a, 0, FP_ROUND_NEAREST_AWAY, s))                               \
    OP(fcvtzs_##x##r, w, "fcvtzs " #x "3, " #r "0",                                            \
       (uint##n##_t)f##_to_i##n(a, 0, FP_ROUND_ZERO, s))                                       \
    OP(fcvtzs7_##x##r, w, "fcvtzs " #x "3, " #r "0, #7",                                       \
       (uint##n##_t)f##_to_i##n(a, 7, FP_ROUND_ZERO, s))                                       \
    OP(fcvtnu_##x##r, w, "fcvtnu " #x "3, " #r "0",                                            \
       f##_to_u##n(a, 0, FP_ROUND_NEAREST_EVEN, s))                                            \
    OP(fcvtpu_##x##r, w, "fcvtpu " #x "3, " #r "0", f##_to_u##n(a, 0, FP_ROUND_PLUS_INF, s))   \
    OP(fcvtmu_##x##r, w, "fcvtmu " #x "3, " #r "0", f##_to_u##n(a, 0, FP_ROUND_MINUS_INF, s))  \
    OP(fcvtau_##x##r, w, "fcvtau " #x "3, " #r "0",                                            \
       f##_to_u##n(a, 0, FP_ROUND_NEAREST_AWAY, s))                                            \
    OP(fcvtzu_##x##r, w, "fcvtzu " #x "3, " #r "0", f##_to_u##n(a, 0, FP_ROUND_ZERO, s))       \
    OP(fcvtzu##n##_##x##r, w, "fcvtzu " #x "3, " #r "0, #" #n,                                 \
       f##_to_u##n(a, n, FP_ROUND_ZERO, s))

#define FPU_FROM_INT_OPS(OP, r, f)                                                             \
    OP(scvtf_##r##x, 0, "scvtf " #r "3, x0", f##_from_i64((int64_t)a, 0, s))                   \
    OP(ucvtf_##r##x, 0, "ucvtf " #r "3, x0", f##_from_u64(a, 0, s))                            \
    OP(scvtf_##r##w, 0, "scvtf " #r "3, w0", f##_from_i64((int32_t)a, 0, s))                   \
    OP(ucvtf_##r##w, 0, "ucvtf " #r "3, w0", f##_from_u64((uint32_t)a, 0, s))                  \
    OP(scvtf9_##r##x, 0, "scvtf " #r "3, x0, #9", f##_from_i64((int64_t)a, 9, s))              \
    OP(ucvtf64_##r##x, 0, "ucvtf " #r "3, x0, #64", f##_from_u64(a, 64, s))

#define FPU_FORMAT_OPS(OP, r, f, width)         \
    FPU_ARITH_OPS(OP, r, f, width)              \
    FPU_ROUND_OPS(OP, r, f, width)              \
    FPU_TO_INT_OPS(OP, r, f, width, w, 32)      \
    FPU_TO_INT_OPS(OP, r, f, width, x, 64)      \
    FPU_FROM_INT_OPS(OP, r, f)

#define FPU_OPS(OP)                                                                            \
    FPU_FORMAT_OPS(OP, h, f16, 16)                                                             \
    FPU_FORMAT_OPS(OP, s, f32, 32)                                                             \
    FPU_FORMAT_OPS(OP, d, f64, 64)                                                             \
    FPU_ROUND_N_OPS(OP, s, f32, 32)                                                            \
    FPU_ROUND_N_OPS(OP, d, f64, 64)                                                            \
    OP(fcvt_sh, 16, "fcvt s3, h0", f16_to_f32(a, s))                                           \
    OP(fcvt_dh, 16, "fcvt d3, h0", f16_to_f64(a, s))                                           \
    OP(fcvt_hs, 32, "fcvt h3, s0", f32_to_f16(a, s))                                           \
    OP(fcvt_ds, 32, "fcvt d3, s0", f32_to_f64(a, s))                                           \
    OP(fcvt_hd, 64, "fcvt h3, d0", f64_to_f16(a, s))                                           \
    OP(fcvt_sd, 64, "fcvt s3, d0", f64_to_f32(a, s))                                           \
    OP(fcvtxn, 64, "fcvtxn s3, d0", f64_to_f32_odd(a, s))                                      \
    OP(fcvtzs_h16, 16, "fcvtzs h3, h0", (uint16_t)f16_to_i16(a, 0, FP_ROUND_ZERO, s))          \
    OP(fcvtau_h16, 16, "fcvtau h3, h0", f16_to_u16(a, 0, FP_ROUND_NEAREST_AWAY, s))            \
    OP(fjcvtzs, 64, "fjcvtzs w3, d0", fpu_fjcvtzs(a, s))                                       \
    OP(fjcvtzs_z, 64, "fjcvtzs w3, d0\nmrs x3, nzcv", fpu_fjcvtzs_nzcv(a, s))                  \
    OP(urecpe, 0, "dup v0.2s, v0.s[0]\nurecpe v3.2s, v0.2s\nmov s3, v3.s[0]", u32_recpe(a))    \
    OP(ursqrte, 0, "dup v0.2s, v0.s[0]\nursqrte v3.2s, v0.2s\nmov s3, v3.s[0]", u32_rsqrte(a))

/* What passes between the two programs: requests in, answers out, in the host's byte order. */
typedef struct FpuRequest {
    uint64_t op; /* row of FPU_OPS */
    uint64_t fpcr;
    uint64_t a, b, c;
} FpuRequest;

typedef struct FpuAnswer {
    uint64_t result;
    uint64_t fpsr;
} FpuAnswer;

#endif
