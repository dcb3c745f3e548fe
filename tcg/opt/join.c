// SPDX-License-Identifier: MIT
//
// A block that one jump leads to, and nothing else, becomes the end of the block that jumps: what
// looks at one block at a time then sees both. Regions are full of such: the parts of a function
// around a call that was taken in, or code before and after the target of a branch that is not part
// of the region.
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/opt/opt.h"

static const IrInsn *last_of(const IrBlock *b)
{
    return &b->insns[b->count - 1];
}

static void count_preds(const IrUnit *u, uint32_t *preds)
{
    memset(preds, 0, u->block_count * sizeof preds[0]);
    preds[0] = 1; /* from outside */
    for (uint32_t n = 0; n < u->block_count; n++) {
        const IrInsn *last = last_of(u->blocks[n]);
        IrImmKind kind = ir_op_info[last->op].imm;
        if (kind == IR_IMM_TARGET || kind == IR_IMM_TARGETS) {
            preds[IR_THEN(last->imm)]++;
        }
        if (kind == IR_IMM_TARGETS) {
            preds[IR_ELSE(last->imm)]++;
        }
    }
}

/* `tail` in place of the jump at the end of `b`. */
static void append(IrUnit *u, IrBlock *b, const IrBlock *tail)
{
    uint32_t count = b->count - 1 + tail->count;
    IrInsn *insns = ir_arena_alloc(u->arena, count * sizeof insns[0]);
    memcpy(insns, b->insns, (b->count - 1) * sizeof insns[0]);
    memcpy(insns + b->count - 1, tail->insns, tail->count * sizeof insns[0]);
    b->insns = insns;
    b->count = b->capacity = count;
}

void opt_join(IrUnit *u)
{
    uint32_t *preds = ir_arena_alloc(u->arena, u->block_count * sizeof preds[0]);
    bool joined = false;
    count_preds(u, preds);
    for (uint32_t n = 0; n < u->block_count; n++) {
        IrBlock *b = u->blocks[n];
        while (last_of(b)->op == IR_OP_JUMP) {
            uint32_t to = (uint32_t)last_of(b)->imm;
            if (to == n || preds[to] != 1) {
                break;
            }
            append(u, b, u->blocks[to]);
            preds[to] = 0; /* no more: it is nobody's target now */
            joined = true;
        }
    }
    if (joined) {
        opt_unreachable(u);
    }
}
