// SPDX-License-Identifier: MIT
//
// The parts of the builder that are not generated: its cursor, and calls.
#include "tcg/builder.h"

void ir_builder_init(IrBuilder *b, IrUnit *u)
{
    *b = (IrBuilder){ .unit = u };
    ir_block_begin(b, ir_block_new(u));
}

uint32_t ir_block_create(IrBuilder *b)
{
    return ir_block_new(b->unit);
}

void ir_block_begin(IrBuilder *b, uint32_t block)
{
    assert(block < b->unit->block_count);
    b->block = block;
    b->in_block = true;
}

IrRef ir_call_args(IrBuilder *b, const IrHelper *h, unsigned n, const IrRef *args)
{
    assert(n == h->nargs);
    IrInsn *i = ir_build_insn(b, IR_OP_CALL, h->ret, 0, (uintptr_t)h);
    for (unsigned k = 0; k < n; k++) {
        i->arg[k] = args[k];
    }
    return h->ret == IR_VOID ? IR_NONE : (i->dst = ir_build_value(b, h->ret));
}
