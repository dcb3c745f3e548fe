// SPDX-License-Identifier: MIT
//
// What the emitters of integer, flag, memory and control opcodes share.
#ifndef TCG_X86_64_INTEGER_H
#define TCG_X86_64_INTEGER_H

#include "tcg/x86_64/regalloc.h"

typedef enum OperandKind { OPERAND_REG, OPERAND_IMM, OPERAND_MEM } OperandKind;

/* The right operand of a two-operand instruction. */
typedef struct Operand {
    OperandKind kind;
    Reg reg;
    int32_t imm;
    Mem mem;
} Operand;

/* Host flags hold something that is still needed. */
bool flags_busy(const TcgEmit *e);
/* For emitters without EMIT_FLAGS, where they change flags after all: before their operands. */
void flags_clobber(TcgEmit *e);
Operand operand_use(TcgEmit *e, unsigned type, IrRef r);
/* d = select(cc in host flags, yes, no) */
void emit_select(TcgEmit *e, const IrInsn *in, unsigned cc, IrRef yes, IrRef no);

void emit_flagged(TcgEmit *e, const IrInsn *in);
void emit_adc(TcgEmit *e, const IrInsn *in);
void emit_nzcv(TcgEmit *e, const IrInsn *in);
void emit_nzcv_carry(TcgEmit *e, const IrInsn *in);
void emit_nzcv_pack(TcgEmit *e, const IrInsn *in);
void emit_nzcv_unpack(TcgEmit *e, const IrInsn *in);
void emit_setf(TcgEmit *e, const IrInsn *in);
void emit_self(TcgEmit *e, const IrInsn *in);

/* bits.c */
void emit_extr(TcgEmit *e, const IrInsn *in);
void emit_clz(TcgEmit *e, const IrInsn *in);
void emit_ctz(TcgEmit *e, const IrInsn *in);
void emit_popcnt(TcgEmit *e, const IrInsn *in);
void emit_bswap(TcgEmit *e, const IrInsn *in);
void emit_bitrev(TcgEmit *e, const IrInsn *in);
void emit_extu(TcgEmit *e, const IrInsn *in);
void emit_exts(TcgEmit *e, const IrInsn *in);
void emit_deposit(TcgEmit *e, const IrInsn *in);
void emit_crc32(TcgEmit *e, const IrInsn *in);

static inline uint32_t width_flag(const IrInsn *in)
{
    return in->type == IR_I64 ? X_W : 0;
}

static inline unsigned width_bits(const IrInsn *in)
{
    return in->type == IR_I64 ? 64 : 32;
}

#endif
