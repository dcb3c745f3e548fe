// SPDX-License-Identifier: MIT
//
// Host instructions for bit fields, counting, byte and bit reversal, and CRCs.
#include "tcg/x86_64/integer.h"
#include "util/bitops.h"

/* d = x shifted, in place over operand 0 if it dies. */
static Reg over(TcgEmit *e, const IrInsn *in)
{
    return ra_def_over(e, in->arg[0]);
}

void emit_extr(TcgEmit *e, const IrInsn *in)
{
    unsigned lsb = (unsigned)in->imm & (width_bits(in) - 1);
    uint32_t w = width_flag(in);
    Reg high = ra_use(e, in->arg[0]);
    Reg d = ra_def_over(e, in->arg[1]);
    if (lsb) {
        asm_rr_i8(e, w | X_0F | 0xac, high, d, (uint8_t)lsb); /* shrd */
    } else {
        asm_mov_rr(e, w, d, d);
    }
}

/* ---- counting ---- */

/* d = leading zeros of s */
static void count_leading(TcgEmit *e, uint32_t w, Reg d, Reg s)
{
    if (e->host.bmi) {
        asm_rr(e, w | X_F3 | X_0F | 0xbd, d, s); /* lzcnt */
        return;
    }
    unsigned bits = w ? 64 : 32;
    asm_rr(e, w | X_0F | 0xbd, RCX, s); /* bsr; ZF when s is 0 */
    asm_mov_ri(e, d, 2 * bits - 1);
    asm_cmov(e, CC_NE, 0, d, RCX);
    asm_alu_ri(e, ALU_XOR, 0, d, (int32_t)bits - 1);
}

void emit_clz(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    Reg x = ra_use(e, in->arg[0]);
    ra_done(e);
    Reg d = ra_def(e);
    if (in->op == IR_OP_CLZ) {
        if (x == d && !e->host.bmi) {
            asm_mov_rr(e, w, RAX, x);
            x = RAX;
        }
        count_leading(e, w, d, x);
        return;
    }
    asm_mov_rr(e, w, RAX, x);
    asm_shift_ri(e, SHIFT_SAR, w, RAX, 1);
    asm_alu_rr(e, ALU_XOR, w, RAX, x);
    count_leading(e, w, d, RAX);
    asm_alu_ri(e, ALU_SUB, 0, d, 1);
}

void emit_ctz(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    Reg x = ra_use(e, in->arg[0]);
    ra_done(e);
    Reg d = ra_def(e);
    if (e->host.bmi) {
        asm_rr(e, w | X_F3 | X_0F | 0xbc, d, x); /* tzcnt */
        return;
    }
    asm_rr(e, w | X_0F | 0xbc, RCX, x);
    asm_mov_ri(e, d, width_bits(in));
    asm_cmov(e, CC_NE, 0, d, RCX);
}

void emit_popcnt(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    Reg x = ra_use(e, in->arg[0]);
    if (e->host.popcnt) {
        ra_done(e);
        asm_rr(e, w | X_F3 | X_0F | 0xb8, ra_def(e), x);
        return;
    }
    Reg d = ra_def(e);
    asm_mov_rr(e, w, RAX, x);
    asm_mov_ri(e, d, 0);
    asm_test_rr(e, w, RAX, RAX);
    uint8_t *none = asm_jcc8(e, CC_E);
    uint8_t *loop = e->p;
    asm_alu_ri(e, ALU_ADD, 0, d, 1);
    asm_lea(e, w, RCX, mem_b(RAX, -1));
    asm_alu_rr(e, ALU_AND, w, RAX, RCX); /* clears the lowest one */
    asm_jcc_to(e, CC_NE, loop);
    asm_bind8(e, none);
}

/* ---- reversal ---- */

static void byte_swap(TcgEmit *e, uint32_t w, Reg d)
{
    asm_u8(e, 0x40 | (w ? 8 : 0) | (d >= R8));
    asm_u8(e, 0x0f);
    asm_u8(e, 0xc8 | (d & 7));
}

/* Exchange neighbouring groups of `shift` bits: d = (d & mask) << shift | d >> shift & mask. */
static void swap_groups(TcgEmit *e, uint32_t w, Reg d, unsigned shift, uint64_t mask)
{
    asm_mov_ri(e, RCX, w ? mask : (uint32_t)mask);
    asm_mov_rr(e, w, RAX, d);
    asm_shift_ri(e, SHIFT_SHR, w, RAX, shift);
    asm_alu_rr(e, ALU_AND, w, RAX, RCX);
    asm_alu_rr(e, ALU_AND, w, d, RCX);
    asm_shift_ri(e, SHIFT_SHL, w, d, shift);
    asm_alu_rr(e, ALU_OR, w, d, RAX);
}

void emit_bswap(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    Reg d = over(e, in);
    if (in->op == IR_OP_BSWAP16) {
        swap_groups(e, w, d, 8, UINT64_C(0x00ff00ff00ff00ff));
        return;
    }
    byte_swap(e, w, d);
    if (in->op == IR_OP_BSWAP32 && w) {
        asm_shift_ri(e, SHIFT_ROR, w, d, 32);
    }
}

void emit_bitrev(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = width_flag(in);
    Reg d = over(e, in);
    byte_swap(e, w, d);
    swap_groups(e, w, d, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    swap_groups(e, w, d, 2, UINT64_C(0x3333333333333333));
    swap_groups(e, w, d, 1, UINT64_C(0x5555555555555555));
}

/* ---- fields ---- */

void emit_extu(TcgEmit *e, const IrInsn *in)
{
    unsigned pos = IR_POS(in->imm), len = IR_LEN(in->imm), bits = width_bits(in);
    uint32_t w = width_flag(in);
    if (pos == 0 && (len == 8 || len == 16 || len == 32)) {
        Reg x = ra_use(e, in->arg[0]);
        ra_done(e);
        Reg d = ra_def_hint(e, in->arg[0]);
        if (len == 32) {
            asm_mov_rr(e, 0, d, x);
        } else {
            asm_rr(e, len == 8 ? X_BRM | X_0F | 0xb6 : X_0F | 0xb7, d, x);
        }
        return;
    }
    flags_clobber(e);
    Reg d = over(e, in);
    if (pos + len >= bits) {
        if (pos) {
            asm_shift_ri(e, SHIFT_SHR, w, d, pos);
        } else {
            asm_mov_rr(e, w, d, d);
        }
    } else if (len < 32) {
        if (pos) {
            asm_shift_ri(e, SHIFT_SHR, w, d, pos);
        }
        asm_alu_ri(e, ALU_AND, 0, d, (int32_t)bit_mask(len));
    } else {
        asm_shift_ri(e, SHIFT_SHL, w, d, bits - len - pos);
        asm_shift_ri(e, SHIFT_SHR, w, d, bits - len);
    }
}

void emit_exts(TcgEmit *e, const IrInsn *in)
{
    unsigned pos = IR_POS(in->imm), len = IR_LEN(in->imm), bits = width_bits(in);
    uint32_t w = width_flag(in);
    if (pos == 0 && (len == 8 || len == 16 || (len == 32 && w))) {
        Reg x = ra_use(e, in->arg[0]);
        ra_done(e);
        Reg d = ra_def_hint(e, in->arg[0]);
        asm_rr(e, len == 32 ? w | 0x63 : len == 8 ? w | X_BRM | X_0F | 0xbe : w | X_0F | 0xbf, d,
               x);
        return;
    }
    flags_clobber(e);
    Reg d = over(e, in);
    if (pos + len < bits) {
        asm_shift_ri(e, SHIFT_SHL, w, d, bits - len - pos);
    }
    if (len < bits) {
        asm_shift_ri(e, SHIFT_SAR, w, d, bits - len);
    } else {
        asm_mov_rr(e, w, d, d);
    }
}

void emit_deposit(TcgEmit *e, const IrInsn *in)
{
    unsigned pos = IR_POS(in->imm), len = IR_LEN(in->imm), bits = width_bits(in);
    uint32_t w = width_flag(in);
    uint64_t field;
    if (len >= bits) {
        Reg d = ra_def_over(e, in->arg[1]);
        asm_mov_rr(e, w, d, d);
        return;
    }
    uint64_t keep = ~(bit_mask(len) << pos);
    if (bits == 32) {
        keep = (uint32_t)keep;
    }
    bool is_const = emit_const(e, in->arg[1], &field);
    Reg y = is_const ? REG_NONE : ra_use(e, in->arg[1]);
    Reg d = over(e, in);
    if (!is_const && pos == 0 && (len == 8 || len == 16)) {
        asm_rr(e, len == 8 ? X_B | X_BRM | 0x8a : X_66 | 0x8b, d, y);
        if (!w) {
            asm_mov_rr(e, 0, d, d);
        }
        return;
    }
    if ((int64_t)keep == (int32_t)keep || bits == 32) {
        asm_alu_ri(e, ALU_AND, w, d, (int32_t)keep);
    } else {
        asm_mov_ri(e, RCX, keep);
        asm_alu_rr(e, ALU_AND, w, d, RCX);
    }
    if (is_const) {
        field = (field & bit_mask(len)) << pos;
        if (field == 0) {
            return;
        }
        if ((int64_t)field == (int32_t)field || bits == 32) {
            asm_alu_ri(e, ALU_OR, w, d, (int32_t)field);
            return;
        }
        asm_mov_ri(e, RAX, field);
    } else {
        asm_mov_rr(e, w, RAX, y);
        asm_shift_ri(e, SHIFT_SHL, w, RAX, bits - len);
        if (bits - len - pos) {
            asm_shift_ri(e, SHIFT_SHR, w, RAX, bits - len - pos);
        }
    }
    asm_alu_rr(e, ALU_OR, w, d, RAX);
}

/* ---- checksums ---- */

void emit_crc32(TcgEmit *e, const IrInsn *in)
{
    if (in->op == IR_OP_CRC32 || !e->host.sse42) {
        emit_ref(e, in);
        return;
    }
    Reg y = ra_use(e, in->arg[1]);
    Reg d = over(e, in);
    switch (in->sub) {
    case 0:
        asm_rr(e, X_BRM | X_F2 | X_0F38 | 0xf0, d, y);
        break;
    case 1:
        asm_u8(e, 0x66);
        asm_rr(e, X_F2 | X_0F38 | 0xf1, d, y);
        break;
    default:
        asm_rr(e, (in->sub == 3 ? X_W : 0) | X_F2 | X_0F38 | 0xf1, d, y);
        break;
    }
}
