// SPDX-License-Identifier: MIT
//
// Floating point out of line: FPCR and FPSR, and the operations that translated code does not do
// with host instructions, computed by the soft-float of util/fpu.
//
// Where flags live. Inline instructions collect them in the host's control register, soft-float
// in ArmCpu.fpsr, saturation in regs.qc; FPSR is the union. The host's register is the guest's
// while translated code and its helpers run, and in VCPU.guest_mxcsr otherwise: so functions are
// for helpers, or for a vCPU that does not run, as they say.
#ifndef TARGET_ARM_FP_HELPERS_H
#define TARGET_ARM_FP_HELPERS_H

#include <stdint.h>
#include "target/arm/cpu.h"
#include "tcg/ir.h"
#include "util/fpu/softfloat.h"

/* FPCR (Arm ARM C5.2.8). */
enum {
    ARM_FPCR_FZ16 = 1 << 19,
    ARM_FPCR_RMODE_SHIFT = 22, /* two bits, FpRounding */
    ARM_FPCR_FZ = 1 << 24,
    ARM_FPCR_DN = 1 << 25,
    ARM_FPCR_AHP = 1 << 26,
};
/* FPSR (C5.2.9). */
enum {
    ARM_FPSR_FLAGS = 0x9f, /* IOC DZC OFC UFC IXC, IDC */
    ARM_FPSR_QC = 1 << 27,
};

/* FPSR of a vCPU outside of translated code. */
uint32_t arm_fpsr_peek(const ArmCpu *cpu);
/* FPSR as the guest reads it, for a helper. Reads regs.qc: IR_HELPER_READS. */
uint64_t arm_fpsr_read(ArmCpu *cpu);
/* For a helper. Writes regs.qc: IR_HELPER_WRITES. */
void arm_fpsr_write(ArmCpu *cpu, uint64_t value);
/* For a helper. Bits that are not implemented are ignored. Selects translations
 * (CpuOps.unit_flags). */
void arm_fpcr_write(ArmCpu *cpu, uint64_t value);
/* Both registers of a stopped vCPU, from any thread. */
void arm_fp_write_stopped(ArmCpu *cpu, uint64_t fpcr, uint64_t fpsr);
/* Both registers become zero; outside of translated code. */
void arm_fp_reset(ArmCpu *cpu);

/* Operations on one value or lane. The operand size is esz (1 half, 2 single, 3 double). */
typedef enum ArmFpOp {
    ARM_FP_ADD, ARM_FP_SUB, ARM_FP_MUL, ARM_FP_DIV, ARM_FP_MULX,
    ARM_FP_MAX, ARM_FP_MIN, ARM_FP_MAXNM, ARM_FP_MINNM,
    ARM_FP_MULADD,   /* a * b + c */
    ARM_FP_SQRT,
    ARM_FP_RECPS, ARM_FP_RSQRTS, ARM_FP_RECPE, ARM_FP_RSQRTE, ARM_FP_RECPX,
    ARM_FP_CMPEQ, ARM_FP_CMPGE, ARM_FP_CMPGT, /* all ones when it holds; GE and GT signal */
    ARM_FP_FLAGS, ARM_FP_FLAGS_SIGNAL,        /* NZCV in the IR's form (FCMP, FCMPE) */
    ARM_FP_ROUND,    /* mode, flag: exact */
    ARM_FP_TO_INT,   /* mode, flag: signed, fbits, to: size of the integer */
    ARM_FP_FROM_INT, /* flag: signed, fbits; esz: size of the integer, to: of the result */
    ARM_FP_CONVERT,  /* to */
    ARM_FP_CONVERT_ODD, /* f64 to f32, rounded to odd (FCVTXN) */
    ARM_FP_CONVERT_BF16, /* f32 to BFloat16 */
    ARM_FP_ROUND_INT32, ARM_FP_ROUND_INT64, /* mode, flag: exact (FRINT32X ...) */
    ARM_FP_RECPE_U32, ARM_FP_RSQRTE_U32,
    ARM_FP_TO_INT_JS, /* f64 to 32 bits as FJCVTZS; bit 32: the value is the same */
    ARM_FP_OP_COUNT
} ArmFpOp;

#define ARM_FP_MODE_CURRENT 7 /* that of FPCR; else an FpRounding */

/* What a helper is told, packed into 32 bits. */
typedef struct ArmFpDesc {
    uint8_t op;     /* ArmFpOp */
    uint8_t esz;    /* log2 of an operand's bytes */
    uint8_t to;     /* of the result's, for conversions; else esz */
    uint8_t lanes;  /* of vectors, 1..16; those above become zero */
    uint8_t mode;
    uint8_t fbits;  /* 0..64 */
    bool flag;
} ArmFpDesc;

static inline uint32_t arm_fp_desc_pack(ArmFpDesc d)
{
    return (uint32_t)d.op | (uint32_t)d.esz << 8 | (uint32_t)d.to << 10 |
           (uint32_t)d.lanes << 12 | (uint32_t)d.mode << 17 | (uint32_t)d.fbits << 20 |
           (uint32_t)d.flag << 27;
}

static inline ArmFpDesc arm_fp_desc_unpack(uint32_t v)
{
    return (ArmFpDesc){ .op = v & 0xff, .esz = v >> 8 & 3, .to = v >> 10 & 3,
                        .lanes = v >> 12 & 31, .mode = v >> 17 & 7, .fbits = v >> 20 & 127,
                        .flag = v >> 27 & 1 };
}

/* i64 arm_fp_scalar(env, i32 desc, i64 a, i64 b, i64 c): bits in, bits out, zeros above. */
extern const IrHelper arm_fp_scalar;
/* void arm_fp_vector(env, i32 desc): simd_scratch[0] = op(simd_scratch[0], [1], [2]) by lane. */
extern const IrHelper arm_fp_vector;

#endif
