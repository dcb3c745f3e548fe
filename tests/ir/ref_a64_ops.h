// SPDX-License-Identifier: MIT
//
// Which A64 instruction does what a vector opcode says: X(opcode, sub, imm, instructions), with
// the operands in v16, v17, v18, zero in v31 and the result in v19. Read by the test on the host
// and by the program that runs the instructions under qemu-aarch64.
#ifndef TESTS_IR_REF_A64_OPS_H
#define TESTS_IR_REF_A64_OPS_H

#include <stdint.h>

typedef struct RefRequest {
    uint64_t op;      /* row of REF_A64_OPS */
    uint64_t pad;
    uint64_t v[3][2]; /* operands */
} RefRequest;

typedef struct RefAnswer {
    uint64_t v[2];
} RefAnswer;

/* One row of operands of the same size, or several sizes. */
#define TWO(X, op, es, imm, i, t) X(op, es, imm, i " v19." t ", v16." t ", v17." t)
#define ONE(X, op, es, imm, i, t) X(op, es, imm, i " v19." t ", v16." t)
#define TWO_BHS(X, op, imm, i) \
    TWO(X, op, 0, imm, i, "16b") TWO(X, op, 1, imm, i, "8h") TWO(X, op, 2, imm, i, "4s")
#define TWO_BHSD(X, op, imm, i) TWO_BHS(X, op, imm, i) TWO(X, op, 3, imm, i, "2d")
#define ONE_BHS(X, op, i) \
    ONE(X, op, 0, 0, i, "16b") ONE(X, op, 1, 0, i, "8h") ONE(X, op, 2, 0, i, "4s")
#define ONE_BHSD(X, op, i) ONE_BHS(X, op, i) ONE(X, op, 3, 0, i, "2d")
/* Shifts by n. */
#define SHIFT(X, op, es, n, i, t) X(op, es, n, i " v19." t ", v16." t ", #" #n)
#define SHIFTS(X, op, i) \
    SHIFT(X, op, 0, 1, i, "16b") SHIFT(X, op, 0, 5, i, "16b") SHIFT(X, op, 0, 7, i, "16b") \
    SHIFT(X, op, 1, 1, i, "8h") SHIFT(X, op, 1, 9, i, "8h") SHIFT(X, op, 1, 15, i, "8h") \
    SHIFT(X, op, 2, 1, i, "4s") SHIFT(X, op, 2, 17, i, "4s") SHIFT(X, op, 2, 31, i, "4s") \
    SHIFT(X, op, 3, 1, i, "2d") SHIFT(X, op, 3, 32, i, "2d") SHIFT(X, op, 3, 63, i, "2d")
#define RIGHT_SHIFTS(X, op, i) \
    SHIFTS(X, op, i) SHIFT(X, op, 0, 8, i, "16b") SHIFT(X, op, 1, 16, i, "8h") \
    SHIFT(X, op, 2, 32, i, "4s") SHIFT(X, op, 3, 64, i, "2d")
/* Results of double and half width. */
#define WIDEN1(X, op, es, i, to, from) X(op, es, 0, i " v19." to ", v16." from)
#define WIDEN2(X, op, es, i, to, from) X(op, es, 0, i " v19." to ", v16." from ", v17." from)
#define NARROW(X, op, i) \
    WIDEN1(X, op, 1, i, "8b", "8h") WIDEN1(X, op, 2, i, "4h", "4s") WIDEN1(X, op, 3, i, "2s", "2d")
#define LONG1(X, op, i) \
    WIDEN1(X, op, 0, i, "8h", "8b") WIDEN1(X, op, 1, i, "4s", "4h") WIDEN1(X, op, 2, i, "2d", "2s")
#define LONG2(X, op, i) \
    WIDEN2(X, op, 0, i, "8h", "8b") WIDEN2(X, op, 1, i, "4s", "4h") WIDEN2(X, op, 2, i, "2d", "2s")
#define PAIRWISE_LONG(X, op, i) \
    WIDEN1(X, op, 0, i, "8h", "16b") WIDEN1(X, op, 1, i, "4s", "8h") \
    WIDEN1(X, op, 2, i, "2d", "4s")
/* Instructions that add to their destination, the third operand. */
#define ADD_TO(X, op, imm, i) X(op, 0, imm, "mov v19.16b, v18.16b\n " i)
/* Instructions whose destination is their first operand. */
#define OVER(X, op, imm, i) X(op, 0, imm, "mov v19.16b, v16.16b\n " i)

#define REF_A64_OPS(X) \
    TWO(X, VAND, 0, 0, "and", "16b") TWO(X, VOR, 0, 0, "orr", "16b") \
    TWO(X, VXOR, 0, 0, "eor", "16b") TWO(X, VANDN, 0, 0, "bic", "16b") \
    TWO(X, VORN, 0, 0, "orn", "16b") ONE(X, VNOT, 0, 0, "mvn", "16b") \
    OVER(X, VBSL, 0, "bsl v19.16b, v17.16b, v18.16b") \
    TWO_BHSD(X, VADD, 0, "add") TWO_BHSD(X, VSUB, 0, "sub") TWO_BHS(X, VMUL, 0, "mul") \
    ONE_BHSD(X, VNEG, "neg") ONE_BHSD(X, VABS, "abs") \
    TWO_BHS(X, VSMIN, 0, "smin") TWO_BHS(X, VSMAX, 0, "smax") \
    TWO_BHS(X, VUMIN, 0, "umin") TWO_BHS(X, VUMAX, 0, "umax") \
    TWO_BHSD(X, VSQADD, 0, "sqadd") TWO_BHSD(X, VUQADD, 0, "uqadd") \
    TWO_BHSD(X, VSQSUB, 0, "sqsub") TWO_BHSD(X, VUQSUB, 0, "uqsub") \
    TWO(X, VSQDMULH, 1, 0, "sqdmulh", "8h") TWO(X, VSQDMULH, 2, 0, "sqdmulh", "4s") \
    TWO(X, VSQDMULH, 1, 1, "sqrdmulh", "8h") TWO(X, VSQDMULH, 2, 1, "sqrdmulh", "4s") \
    TWO_BHS(X, VSHADD, 0, "shadd") TWO_BHS(X, VUHADD, 0, "uhadd") \
    TWO_BHS(X, VSRHADD, 0, "srhadd") TWO_BHS(X, VURHADD, 0, "urhadd") \
    TWO_BHS(X, VSHSUB, 0, "shsub") TWO_BHS(X, VUHSUB, 0, "uhsub") \
    TWO_BHS(X, VSABD, 0, "sabd") TWO_BHS(X, VUABD, 0, "uabd") \
    TWO_BHSD(X, VCMPEQ, 0, "cmeq") TWO_BHSD(X, VCMPGT, 0, "cmgt") TWO_BHSD(X, VCMPGE, 0, "cmge") \
    TWO_BHSD(X, VCMPHI, 0, "cmhi") TWO_BHSD(X, VCMPHS, 0, "cmhs") TWO_BHSD(X, VTST, 0, "cmtst") \
    SHIFTS(X, VSHLI, "shl") RIGHT_SHIFTS(X, VSHRI, "ushr") RIGHT_SHIFTS(X, VSARI, "sshr") \
    RIGHT_SHIFTS(X, VRSHRI, "urshr") RIGHT_SHIFTS(X, VRSARI, "srshr") \
    TWO_BHSD(X, VSSHL, 0, "sshl") TWO_BHSD(X, VUSHL, 0, "ushl") \
    TWO_BHSD(X, VSRSHL, 0, "srshl") TWO_BHSD(X, VURSHL, 0, "urshl") \
    TWO_BHSD(X, VSQSHL, 0, "sqshl") TWO_BHSD(X, VUQSHL, 0, "uqshl") \
    TWO_BHSD(X, VSQSHL, 1, "sqrshl") TWO_BHSD(X, VUQSHL, 1, "uqrshl") \
    SHIFTS(X, VSQSHLU, "sqshlu") /* the count is put into the second operand */ \
    TWO_BHSD(X, VZIP1, 0, "zip1") TWO_BHSD(X, VZIP2, 0, "zip2") \
    TWO_BHSD(X, VUZP1, 0, "uzp1") TWO_BHSD(X, VUZP2, 0, "uzp2") \
    TWO_BHSD(X, VTRN1, 0, "trn1") TWO_BHSD(X, VTRN2, 0, "trn2") \
    X(VEXT, 0, 0, "ext v19.16b, v16.16b, v17.16b, #0") \
    X(VEXT, 0, 5, "ext v19.16b, v16.16b, v17.16b, #5") \
    X(VEXT, 0, 15, "ext v19.16b, v16.16b, v17.16b, #15") \
    ONE(X, VREV, 0, 2, "rev16", "16b") ONE(X, VREV, 0, 4, "rev32", "16b") \
    ONE(X, VREV, 1, 4, "rev32", "8h") ONE(X, VREV, 0, 8, "rev64", "16b") \
    ONE(X, VREV, 1, 8, "rev64", "8h") ONE(X, VREV, 2, 8, "rev64", "4s") \
    X(VTBL, 0, 0, "tbl v19.16b, {v16.16b}, v17.16b") \
    OVER(X, VTBX, 0, "tbx v19.16b, {v17.16b}, v18.16b") \
    X(VINS, 0, 0x30f, "mov v19.16b, v16.16b\n mov v19.b[15], v17.b[3]") \
    X(VINS, 1, 0x701, "mov v19.16b, v16.16b\n mov v19.h[1], v17.h[7]") \
    X(VINS, 2, 0x102, "mov v19.16b, v16.16b\n mov v19.s[2], v17.s[1]") \
    X(VINS, 3, 0x100, "mov v19.16b, v16.16b\n mov v19.d[0], v17.d[1]") \
    X(VDUPL, 0, 13, "dup v19.16b, v16.b[13]") X(VDUPL, 1, 6, "dup v19.8h, v16.h[6]") \
    X(VDUPL, 2, 3, "dup v19.4s, v16.s[3]") X(VDUPL, 3, 1, "dup v19.2d, v16.d[1]") \
    X(VLOW, 0, 0, "mov v19.8b, v16.8b") X(VHIGH, 0, 0, "mov d19, v16.d[1]") \
    X(VCAT, 0, 0, "mov v19.16b, v16.16b\n mov v19.d[1], v17.d[0]") \
    LONG1(X, VUXTL, "uxtl") LONG1(X, VSXTL, "sxtl") \
    NARROW(X, VXTN, "xtn") NARROW(X, VSQXTN, "sqxtn") NARROW(X, VUQXTN, "uqxtn") \
    NARROW(X, VSQXTUN, "sqxtun") LONG2(X, VSMULL, "smull") LONG2(X, VUMULL, "umull") \
    ADD_TO(X, VDOT, 0, "udot v19.4s, v16.16b, v17.16b") \
    ADD_TO(X, VDOT, 1, "usdot v19.4s, v17.16b, v16.16b") \
    ADD_TO(X, VDOT, 2, "usdot v19.4s, v16.16b, v17.16b") \
    ADD_TO(X, VDOT, 3, "sdot v19.4s, v16.16b, v17.16b") \
    TWO(X, VPMUL, 0, 0, "pmul", "16b") X(VPMULL8, 0, 0, "pmull v19.8h, v16.8b, v17.8b") \
    X(VPMULL64, 0, 0, "pmull v19.1q, v16.1d, v17.1d") \
    TWO_BHSD(X, VADDP, 0, "addp") TWO_BHS(X, VSMAXP, 0, "smaxp") TWO_BHS(X, VSMINP, 0, "sminp") \
    TWO_BHS(X, VUMAXP, 0, "umaxp") TWO_BHS(X, VUMINP, 0, "uminp") \
    PAIRWISE_LONG(X, VSADDLP, "saddlp") PAIRWISE_LONG(X, VUADDLP, "uaddlp") \
    ONE_BHS(X, VCLZ, "clz") ONE_BHS(X, VCLS, "cls") ONE(X, VPOPCNT, 0, 0, "cnt", "16b") \
    ONE(X, VBITREV, 0, 0, "rbit", "16b") \
    ONE(X, VFNEG, 2, 0, "fneg", "4s") ONE(X, VFNEG, 3, 0, "fneg", "2d") \
    ONE(X, VFABS, 2, 0, "fabs", "4s") ONE(X, VFABS, 3, 0, "fabs", "2d") \
    TWO(X, VFCMPEQ, 2, 4, "fcmeq", "4s") TWO(X, VFCMPEQ, 3, 2, "fcmeq", "2d") \
    TWO(X, VFCMPGE, 2, 4, "fcmge", "4s") TWO(X, VFCMPGE, 3, 2, "fcmge", "2d") \
    TWO(X, VFCMPGT, 2, 4, "fcmgt", "4s") TWO(X, VFCMPGT, 2, 2, "fcmgt", "2s") \
    OVER(X, VAESENC, 0, "aese v19.16b, v31.16b") OVER(X, VAESDEC, 0, "aesd v19.16b, v31.16b") \
    ONE(X, VAESMC, 0, 0, "aesmc", "16b") ONE(X, VAESIMC, 0, 0, "aesimc", "16b") \
    X(VSHA1H, 0, 0, "sha1h s19, s16") OVER(X, VSHA1, 0, "sha1c q19, s17, v18.4s") \
    OVER(X, VSHA1, 1, "sha1p q19, s17, v18.4s") OVER(X, VSHA1, 2, "sha1m q19, s17, v18.4s") \
    OVER(X, VSHA1SU0, 0, "sha1su0 v19.4s, v17.4s, v18.4s") \
    OVER(X, VSHA1SU1, 0, "sha1su1 v19.4s, v17.4s") \
    OVER(X, VSHA256H, 0, "sha256h q19, q17, v18.4s") \
    OVER(X, VSHA256H, 1, "sha256h2 q19, q17, v18.4s") \
    OVER(X, VSHA256SU0, 0, "sha256su0 v19.4s, v17.4s") \
    OVER(X, VSHA256SU1, 0, "sha256su1 v19.4s, v17.4s, v18.4s")

#endif
