// SPDX-License-Identifier: MIT
//
// Building IR: a cursor (unit and current block) and one typed function for each opcode.
//
// The functions ir_add(b, type, x, y), ir_ld(b, type, addr, memop, disp), ... are generated from
// opcodes.def into ir_build.h by one rule: `b`, then the type if the row's types are more than
// `none`, then the operands, then sub and imm where the row has them. Those with a result
// return it. After a terminator the builder is in no block until ir_block_begin().
#ifndef TCG_BUILDER_H
#define TCG_BUILDER_H

#include <assert.h>
#include "tcg/ir.h"

typedef struct IrBuilder {
    IrUnit *unit;
    uint32_t block;
    bool in_block;
} IrBuilder;

void ir_builder_init(IrBuilder *b, IrUnit *u); /* starts in a new entry block */

/* A new block to jump to; building goes on where it was. */
uint32_t ir_block_create(IrBuilder *b);
/* Building goes on at the end of `block`. */
void ir_block_begin(IrBuilder *b, uint32_t block);

static inline IrRef ir_imm32(IrBuilder *b, uint32_t v)
{
    return ir_const(b->unit, IR_I32, v, 0);
}

static inline IrRef ir_imm64(IrBuilder *b, uint64_t v)
{
    return ir_const(b->unit, IR_I64, v, 0);
}

static inline IrRef ir_imm128(IrBuilder *b, uint64_t lo, uint64_t hi)
{
    return ir_const(b->unit, IR_V128, lo, hi);
}

/* A constant of type i32 or i64. */
static inline IrRef ir_imm(IrBuilder *b, IrType type, uint64_t v)
{
    return ir_const(b->unit, type, type == IR_I32 ? (uint32_t)v : v, 0);
}

/* `call` with up to six operands; returns IR_NONE for helpers without result. */
IrRef ir_call_args(IrBuilder *b, const IrHelper *h, unsigned n, const IrRef *args);
#define ir_callv(b, h, ...) \
    ir_call_args((b), (h), sizeof((IrRef[]){ __VA_ARGS__ }) / sizeof(IrRef), \
                 (IrRef[]){ __VA_ARGS__ })
#define ir_call0(b, h) ir_call_args((b), (h), 0, NULL)

/* For the generated functions: a new instruction without operands and result at the cursor. */
static inline IrInsn *ir_build_insn(IrBuilder *b, IrOp op, IrType type, unsigned sub, uint64_t imm)
{
    assert(b->in_block);
    IrBlock *block = b->unit->blocks[b->block];
    if (__builtin_expect(block->count == block->capacity, 0)) {
        ir_block_grow(b->unit, block);
    }
    IrInsn *i = &block->insns[block->count++];
    *i = (IrInsn){ .op = op, .type = type, .sub = sub, .imm = imm };
    return i;
}

static inline IrRef ir_build_value(IrBuilder *b, IrType type)
{
    IrUnit *u = b->unit;
    if (__builtin_expect(u->value_count == u->value_capacity, 0)) {
        ir_values_grow(u);
    }
    u->value_types[u->value_count] = type;
    return u->value_count++;
}

#include "tcg/ir_build.h" /* generated */

#endif
