// SPDX-License-Identifier: MIT
//
// Encoding of x86-64 instructions (AMD64 manual volume 3; Intel SDM volume 2): legacy and VEX
// forms of register, memory and immediate operands. Registers are numbered in one space,
// RAX..R15 then XMM0..XMM15, so that an allocator's answer is an encoder's operand.
//
// An instruction is named by a word X_...: the opcode byte, its map, mandatory prefix and W.
#ifndef TCG_X86_64_ASM_H
#define TCG_X86_64_ASM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7,
    XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
    REG_COUNT,
    REG_NONE = 0xff
};

typedef uint8_t Reg;

static inline bool reg_is_xmm(Reg r)
{
    return r >= XMM0;
}

/* The opcode word: byte | map | prefix | flags. */
enum {
    X_0F = 1 << 8, X_0F38 = 2 << 8, X_0F3A = 3 << 8, X_MAP_SHIFT = 8,
    X_66 = 1 << 10, X_F3 = 2 << 10, X_F2 = 3 << 10, X_PP_SHIFT = 10,
    X_W = 1 << 12,   /* 64-bit operation (REX.W, VEX.W) */
    X_B = 1 << 13,   /* the register operand is a byte: SIL, DIL need REX */
    X_BRM = 1 << 14, /* the r/m operand, when a register, is a byte */
    X_L = 1 << 15,   /* VEX.L: 256 bits */
};

/* Host conditions, as encoded in jcc, setcc, cmovcc; x ^ 1 is the negation. */
enum {
    CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE,
    CC_LE, CC_G
};

/* A memory operand. base or index may be REG_NONE; `pool` != 0: constant pool - 1 (16 bytes). */
typedef struct Mem {
    Reg base, index;
    uint8_t scale; /* log2 */
    int32_t disp;
    uint32_t pool;
} Mem;

static inline Mem mem_b(Reg base, int32_t disp)
{
    return (Mem){ .base = base, .index = REG_NONE, .disp = disp };
}

static inline Mem mem_bi(Reg base, Reg index, unsigned scale_log2, int32_t disp)
{
    return (Mem){ .base = base, .index = index, .scale = scale_log2, .disp = disp };
}

typedef struct TcgEmit TcgEmit;

/* ---- raw bytes ---- */
void asm_u8(TcgEmit *e, uint8_t v);
void asm_u32(TcgEmit *e, uint32_t v);
void asm_u64(TcgEmit *e, uint64_t v);

/* ---- legacy encodings: `reg` is the ModRM.reg operand (or the /digit), rm the other ---- */
void asm_rr(TcgEmit *e, uint32_t op, unsigned reg, Reg rm);
void asm_rm(TcgEmit *e, uint32_t op, unsigned reg, Mem m);
void asm_rr_i8(TcgEmit *e, uint32_t op, unsigned reg, Reg rm, uint8_t imm);
void asm_rm_i8(TcgEmit *e, uint32_t op, unsigned reg, Mem m, uint8_t imm);
void asm_rr_i32(TcgEmit *e, uint32_t op, unsigned reg, Reg rm, uint32_t imm);
void asm_rm_i32(TcgEmit *e, uint32_t op, unsigned reg, Mem m, uint32_t imm);
void asm_rm_i16(TcgEmit *e, uint32_t op, unsigned reg, Mem m, uint16_t imm);

/* ---- VEX encodings: vvvv is the second operand (REG_NONE: unused) ---- */
void asm_vex_rr(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, Reg rm);
void asm_vex_rm(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, Mem m);
void asm_vex_rr_i8(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, Reg rm, uint8_t imm);
void asm_vex_rm_i8(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, Mem m, uint8_t imm);

/* ---- common integer instructions; `w` is X_W for 64 bits or 0 ---- */
void asm_mov_rr(TcgEmit *e, uint32_t w, Reg d, Reg s);
void asm_mov_ri(TcgEmit *e, Reg d, uint64_t imm);       /* shortest; destroys flags never */
void asm_mov_rm(TcgEmit *e, uint32_t w, Reg d, Mem m);  /* load 8 or 4 bytes */
void asm_mov_mr(TcgEmit *e, uint32_t w, Mem m, Reg s);  /* store 8 or 4 bytes */
void asm_lea(TcgEmit *e, uint32_t w, Reg d, Mem m);

/* The eight two-operand operations, numbered as their /digit. */
enum { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
void asm_alu_rr(TcgEmit *e, unsigned alu, uint32_t w, Reg d, Reg s);
void asm_alu_rm(TcgEmit *e, unsigned alu, uint32_t w, Reg d, Mem m);
void asm_alu_ri(TcgEmit *e, unsigned alu, uint32_t w, Reg d, int32_t imm);
void asm_alu_mi(TcgEmit *e, unsigned alu, uint32_t w, Mem m, int32_t imm);
void asm_test_rr(TcgEmit *e, uint32_t w, Reg a, Reg b);
void asm_test_ri(TcgEmit *e, uint32_t w, Reg a, int32_t imm);
enum { SHIFT_ROL, SHIFT_ROR, SHIFT_RCL, SHIFT_RCR, SHIFT_SHL, SHIFT_SHR, SHIFT_SAR = 7 };
void asm_shift_ri(TcgEmit *e, unsigned shift, uint32_t w, Reg d, unsigned count);
void asm_shift_cl(TcgEmit *e, unsigned shift, uint32_t w, Reg d);
void asm_setcc(TcgEmit *e, unsigned cc, Reg d);         /* the low byte of d */
void asm_cmov(TcgEmit *e, unsigned cc, uint32_t w, Reg d, Reg s);
void asm_movzx8(TcgEmit *e, Reg d, Reg s);

/* ---- jumps ---- */
/* A forward jump inside one instruction's code: returns a label for asm_bind(). */
uint8_t *asm_jcc8(TcgEmit *e, unsigned cc);             /* within 127 bytes */
uint8_t *asm_jmp8(TcgEmit *e);
void asm_bind8(TcgEmit *e, uint8_t *label);             /* the jump goes here */
uint8_t *asm_jcc32(TcgEmit *e, unsigned cc);
uint8_t *asm_jmp32(TcgEmit *e);
void asm_bind32(TcgEmit *e, uint8_t *label);
void asm_jcc_to(TcgEmit *e, unsigned cc, const uint8_t *rw_target);
void asm_jmp_to(TcgEmit *e, const uint8_t *rw_target);
void asm_call_abs(TcgEmit *e, const void *fn);          /* direct if in reach, else by rax */

/* ---- SSE or AVX, whichever the host has; op without X_W unless the instruction wants it ---- */
/* d = op(s): pabsb, pshufd, sqrtpd, ... (the VEX form has no vvvv) */
void simd_rr(TcgEmit *e, uint32_t op, Reg d, Reg s);
void simd_rm(TcgEmit *e, uint32_t op, Reg d, Mem m);
void simd_rr_i8(TcgEmit *e, uint32_t op, Reg d, Reg s, uint8_t imm);
/* d = op(a, b). Without AVX d becomes a copy of a first; d == b != a goes by way of XMM15. */
void simd_rrr(TcgEmit *e, uint32_t op, Reg d, Reg a, Reg b);
void simd_rrr_i8(TcgEmit *e, uint32_t op, Reg d, Reg a, Reg b, uint8_t imm);
/* d = op(a, memory). Without AVX the memory must be 16-byte aligned (constants are). */
void simd_rrm(TcgEmit *e, uint32_t op, Reg d, Reg a, Mem m);
/* d = d shifted by an immediate: psllw and friends, `digit` as in the manual. */
void simd_shift_i8(TcgEmit *e, uint32_t op, unsigned digit, Reg d, Reg s, uint8_t imm);
void simd_mov(TcgEmit *e, Reg d, Reg s);                /* all 128 bits; nothing when d == s */
void simd_load(TcgEmit *e, unsigned bytes, Reg d, Mem m);  /* 4, 8, 16; upper part zero */
void simd_store(TcgEmit *e, unsigned bytes, Mem m, Reg s); /* 4, 8, 16 */
void simd_from_gpr(TcgEmit *e, uint32_t w, Reg d, Reg s);  /* movd, movq; upper part zero */
void simd_to_gpr(TcgEmit *e, uint32_t w, Reg d, Reg s);
void simd_zero(TcgEmit *e, Reg d);

#endif
