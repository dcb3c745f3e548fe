// SPDX-License-Identifier: MIT
//
// The integer opcodes as arithmetic: what the interpreter executes and what constant folding
// computes is this one definition. Operands and results are 64-bit; an i32 is zero-extended.
// Meanings: opcodes.def. Always inlined, so that a constant opcode costs no dispatch.
#ifndef TCG_EVAL_H
#define TCG_EVAL_H

#include "tcg/ir.h"

#define IR_EVAL_INLINE static inline __attribute__((always_inline))

IR_EVAL_INLINE uint64_t ir_eval_width(bool wide, uint64_t v)
{
    return wide ? v : (uint32_t)v;
}

IR_EVAL_INLINE int64_t ir_eval_signed(bool wide, uint64_t v)
{
    return wide ? (int64_t)v : (int32_t)v;
}

/* ---- comparison and flags ---- */

IR_EVAL_INLINE bool ir_eval_cc(IrCc cc, bool wide, uint64_t a, uint64_t b)
{
    int64_t sa = ir_eval_signed(wide, a), sb = ir_eval_signed(wide, b);
    switch (cc) {
    case IR_EQ: return a == b;
    case IR_NE: return a != b;
    case IR_LT: return sa < sb;
    case IR_GE: return sa >= sb;
    case IR_LE: return sa <= sb;
    case IR_GT: return sa > sb;
    case IR_LTU: return a < b;
    case IR_GEU: return a >= b;
    case IR_LEU: return a <= b;
    case IR_GTU: return a > b;
    case IR_TSTEQ: return (a & b) == 0;
    case IR_TSTNE: return (a & b) != 0;
    case IR_CC_COUNT: break;
    }
    return false;
}

IR_EVAL_INLINE uint64_t ir_eval_flags(bool n, bool z, bool c, bool v)
{
    return (n ? IR_NZCV_N : 0) | (z ? IR_NZCV_Z : 0) | (c ? 0 : IR_NZCV_NOT_C) |
           (v ? IR_NZCV_V : 0);
}

IR_EVAL_INLINE bool ir_eval_carry(uint64_t flags)
{
    return !(flags & IR_NZCV_NOT_C);
}

/* Flags of a + b + carry. */
IR_EVAL_INLINE uint64_t ir_eval_add_flags(bool wide, uint64_t a, uint64_t b, bool carry)
{
    unsigned top = wide ? 63 : 31;
    unsigned __int128 sum = (unsigned __int128)a + b + carry;
    uint64_t r = ir_eval_width(wide, sum);
    return ir_eval_flags(r >> top & 1, r == 0, (sum >> top >> 1) & 1,
                         (~(a ^ b) & (a ^ r)) >> top & 1);
}

IR_EVAL_INLINE uint64_t ir_eval_and_flags(bool wide, uint64_t a, uint64_t b)
{
    uint64_t r = a & b;
    return ir_eval_flags(r >> (wide ? 63 : 31) & 1, r == 0, false, false);
}

IR_EVAL_INLINE bool ir_eval_cond(IrCond cond, uint64_t flags)
{
    bool n = flags & IR_NZCV_N, z = flags & IR_NZCV_Z, c = ir_eval_carry(flags);
    bool v = flags & IR_NZCV_V;
    switch (cond) {
    case IR_COND_EQ: return z;
    case IR_COND_NE: return !z;
    case IR_COND_CS: return c;
    case IR_COND_CC: return !c;
    case IR_COND_MI: return n;
    case IR_COND_PL: return !n;
    case IR_COND_VS: return v;
    case IR_COND_VC: return !v;
    case IR_COND_HI: return c && !z;
    case IR_COND_LS: return !c || z;
    case IR_COND_GE: return n == v;
    case IR_COND_LT: return n != v;
    case IR_COND_GT: return !z && n == v;
    case IR_COND_LE: return z || n != v;
    case IR_COND_AL: return true;
    }
    return true;
}

IR_EVAL_INLINE uint64_t ir_eval_pack(uint64_t a)
{
    return ir_eval_flags(a >> 31 & 1, a >> 30 & 1, a >> 29 & 1, a >> 28 & 1);
}

IR_EVAL_INLINE uint64_t ir_eval_unpack(uint64_t f)
{
    return (uint64_t)!!(f & IR_NZCV_N) << 31 | (uint64_t)!!(f & IR_NZCV_Z) << 30 |
           (uint64_t)ir_eval_carry(f) << 29 | (uint64_t)!!(f & IR_NZCV_V) << 28;
}

/* ---- arithmetic ---- */

IR_EVAL_INLINE uint64_t ir_eval_mulh(bool wide, bool is_signed, uint64_t a, uint64_t b)
{
    if (is_signed) {
        __int128 p = (__int128)ir_eval_signed(wide, a) * ir_eval_signed(wide, b);
        return ir_eval_width(wide, p >> (wide ? 64 : 32));
    }
    return (unsigned __int128)a * b >> (wide ? 64 : 32);
}

IR_EVAL_INLINE uint64_t ir_eval_divs(bool wide, uint64_t a, uint64_t b)
{
    int64_t sa = ir_eval_signed(wide, a), sb = ir_eval_signed(wide, b);
    if (sb == 0) {
        return 0;
    }
    /* also avoids the overflow of MIN / -1 */
    return ir_eval_width(wide, sb == -1 ? 0 - (uint64_t)sa : (uint64_t)(sa / sb));
}

IR_EVAL_INLINE uint64_t ir_eval_ror(bool wide, uint64_t a, unsigned n)
{
    unsigned bits = wide ? 64 : 32;
    n &= bits - 1;
    return n ? ir_eval_width(wide, a >> n | a << (bits - n)) : a;
}

IR_EVAL_INLINE uint64_t ir_eval_extr(bool wide, uint64_t high, uint64_t low, unsigned lsb)
{
    return lsb ? ir_eval_width(wide, low >> lsb | high << ((wide ? 64 : 32) - lsb)) : low;
}

IR_EVAL_INLINE uint64_t ir_eval_clz(bool wide, uint64_t a)
{
    unsigned bits = wide ? 64 : 32;
    return a ? (uint64_t)__builtin_clzll(a) - (64 - bits) : bits;
}

IR_EVAL_INLINE uint64_t ir_eval_cls(bool wide, uint64_t a)
{
    int64_t s = ir_eval_signed(wide, a);
    return ir_eval_clz(wide, ir_eval_width(wide, s ^ s >> 1)) - 1;
}

IR_EVAL_INLINE uint64_t ir_eval_swap_within(uint64_t a, uint64_t mask, unsigned shift)
{
    return (a & mask) << shift | (a >> shift & mask);
}

IR_EVAL_INLINE uint64_t ir_eval_bitrev(bool wide, uint64_t a)
{
    a = ir_eval_swap_within(a, UINT64_C(0x5555555555555555), 1);
    a = ir_eval_swap_within(a, UINT64_C(0x3333333333333333), 2);
    a = ir_eval_swap_within(a, UINT64_C(0x0f0f0f0f0f0f0f0f), 4);
    a = __builtin_bswap64(a);
    return wide ? a : a >> 32;
}

IR_EVAL_INLINE uint64_t ir_eval_bswap32(uint64_t a)
{
    return (uint64_t)__builtin_bswap32(a >> 32) << 32 | __builtin_bswap32(a);
}

IR_EVAL_INLINE uint64_t ir_eval_ones(unsigned len)
{
    return len >= 64 ? UINT64_MAX : (UINT64_C(1) << len) - 1;
}

IR_EVAL_INLINE uint64_t ir_eval_exts(bool wide, uint64_t a, uint64_t imm)
{
    unsigned up = 64 - IR_LEN(imm);
    return ir_eval_width(wide, (int64_t)(a >> IR_POS(imm) << up) >> up);
}

IR_EVAL_INLINE uint64_t ir_eval_deposit(bool wide, uint64_t a, uint64_t b, uint64_t imm)
{
    uint64_t mask = ir_eval_ones(IR_LEN(imm)) << IR_POS(imm);
    return ir_eval_width(wide, (a & ~mask) | (b << IR_POS(imm) & mask));
}

IR_EVAL_INLINE uint64_t ir_eval_crc(uint32_t crc, uint64_t data, unsigned bytes, uint32_t poly)
{
    for (unsigned n = 0; n < bytes * 8; n++) {
        uint32_t bit = (crc ^ (uint32_t)(data >> n)) & 1;
        crc = crc >> 1 ^ (bit ? poly : 0);
    }
    return crc;
}

/* ---- opcodes ---- */

/* Whether ir_eval_int() knows `op` (for sel and self: with an integer type). */
static inline bool ir_eval_knows(IrOp op)
{
    return (op >= IR_OP_ADD && op <= IR_OP_SEXT) ||
           (op >= IR_OP_SETC && op <= IR_OP_NZCV_UNPACK && op != IR_OP_NZCV_FCMP);
}

/* The result of `op`, which ir_eval_knows(), with the fields of its instruction. */
IR_EVAL_INLINE uint64_t ir_eval_int(IrOp op, IrType type, unsigned sub, uint64_t imm, uint64_t a,
                                    uint64_t b, uint64_t c, uint64_t d)
{
    bool w = type == IR_I64;
    unsigned mod = w ? 63 : 31;
    switch (op) {
    case IR_OP_ADD: return ir_eval_width(w, a + b);
    case IR_OP_SUB: return ir_eval_width(w, a - b);
    case IR_OP_MUL: return ir_eval_width(w, a * b);
    case IR_OP_MULHU: return ir_eval_mulh(w, false, a, b);
    case IR_OP_MULHS: return ir_eval_mulh(w, true, a, b);
    case IR_OP_DIVU: return b ? a / b : 0;
    case IR_OP_DIVS: return ir_eval_divs(w, a, b);
    case IR_OP_NEG: return ir_eval_width(w, 0 - a);
    case IR_OP_AND: return a & b;
    case IR_OP_OR: return a | b;
    case IR_OP_XOR: return a ^ b;
    case IR_OP_ANDN: return a & ~b;
    case IR_OP_ORN: return ir_eval_width(w, a | ~b);
    case IR_OP_NOT: return ir_eval_width(w, ~a);
    case IR_OP_SHL: return ir_eval_width(w, a << (b & mod));
    case IR_OP_SHR: return a >> (b & mod);
    case IR_OP_SAR: return ir_eval_width(w, ir_eval_signed(w, a) >> (b & mod));
    case IR_OP_ROR: return ir_eval_ror(w, a, b & mod);
    case IR_OP_EXTR: return ir_eval_extr(w, a, b, imm);
    case IR_OP_CLZ: return ir_eval_clz(w, a);
    case IR_OP_CLS: return ir_eval_cls(w, a);
    case IR_OP_CTZ: return a ? (uint64_t)__builtin_ctzll(a) : mod + 1;
    case IR_OP_POPCNT: return __builtin_popcountll(a);
    case IR_OP_BSWAP: return w ? __builtin_bswap64(a) : __builtin_bswap32(a);
    case IR_OP_BSWAP16: return ir_eval_swap_within(a, UINT64_C(0x00ff00ff00ff00ff), 8);
    case IR_OP_BSWAP32: return ir_eval_width(w, ir_eval_bswap32(a));
    case IR_OP_BITREV: return ir_eval_bitrev(w, a);
    case IR_OP_EXTU: return a >> IR_POS(imm) & ir_eval_ones(IR_LEN(imm));
    case IR_OP_EXTS: return ir_eval_exts(w, a, imm);
    case IR_OP_DEPOSIT: return ir_eval_deposit(w, a, b, imm);
    case IR_OP_CRC32: return ir_eval_crc(a, b, 1u << sub, 0xedb88320);
    case IR_OP_CRC32C: return ir_eval_crc(a, b, 1u << sub, 0x82f63b78);
    case IR_OP_TRUNC: return (uint32_t)a;
    case IR_OP_ZEXT: return a;
    case IR_OP_SEXT: return (int64_t)(int32_t)a;
    case IR_OP_SETC: return ir_eval_cc(sub, w, a, b);
    case IR_OP_SEL: return a ? b : c;
    case IR_OP_SELC: return ir_eval_cc(sub, w, a, b) ? c : d;
    case IR_OP_NZCV_ADD: return ir_eval_add_flags(w, a, b, false);
    case IR_OP_NZCV_SUB: return ir_eval_add_flags(w, a, ir_eval_width(w, ~b), true);
    case IR_OP_NZCV_AND: return ir_eval_and_flags(w, a, b);
    case IR_OP_NZCV_ADC: return ir_eval_add_flags(w, a, b, ir_eval_carry(c));
    case IR_OP_NZCV_SBC: return ir_eval_add_flags(w, a, ir_eval_width(w, ~b), ir_eval_carry(c));
    case IR_OP_ADC: return ir_eval_width(w, a + b + ir_eval_carry(c));
    case IR_OP_SBC: return ir_eval_width(w, a - b - !ir_eval_carry(c));
    case IR_OP_SETF: return ir_eval_cond(sub, a);
    case IR_OP_SELF: return ir_eval_cond(sub, a) ? b : c;
    case IR_OP_NZCV_PACK: return ir_eval_pack(a);
    case IR_OP_NZCV_UNPACK: return ir_eval_unpack(a);
    default: return 0;
    }
}

/* ---- atomics ---- */

/* What a read-modify-write of `bits` stores; bits above them are anything. */
static inline uint64_t ir_eval_rmw(IrRmw op, unsigned bits, uint64_t old, uint64_t v)
{
    unsigned up = 64 - bits;
    int64_t so = (int64_t)(old << up), sv = (int64_t)(v << up);
    uint64_t uo = old << up, uv = v << up;
    switch (op) {
    case IR_RMW_XCHG: return v;
    case IR_RMW_ADD: return old + v;
    case IR_RMW_ANDN: return old & ~v;
    case IR_RMW_XOR: return old ^ v;
    case IR_RMW_OR: return old | v;
    case IR_RMW_SMAX: return so > sv ? old : v;
    case IR_RMW_SMIN: return so < sv ? old : v;
    case IR_RMW_UMAX: return uo > uv ? old : v;
    case IR_RMW_UMIN: return uo < uv ? old : v;
    case IR_RMW_COUNT: break;
    }
    return v;
}

#endif
