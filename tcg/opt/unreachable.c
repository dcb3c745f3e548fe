// SPDX-License-Identifier: MIT
//
// Blocks that no path from the entry leads to any more are taken out of the unit, the others are
// numbered anew. Runs only where folding decided a branch.
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/opt/opt.h"

/* Targets of a terminator; returns how many. */
static unsigned targets(const IrInsn *last, uint32_t to[2])
{
    to[0] = IR_THEN(last->imm);
    to[1] = IR_ELSE(last->imm);
    switch ((IrImmKind)ir_op_info[last->op].imm) {
    case IR_IMM_TARGET: return 1;
    case IR_IMM_TARGETS: return 2;
    default: return 0;
    }
}

static IrInsn *terminator(const IrUnit *u, uint32_t n)
{
    return &u->blocks[n]->insns[u->blocks[n]->count - 1];
}

static void mark_reachable(const IrUnit *u, uint32_t *new_id, uint32_t *work)
{
    uint32_t count = 0, to[2];
    memset(new_id, 0xff, u->block_count * sizeof new_id[0]);
    new_id[0] = 0;
    work[count++] = 0;
    while (count) {
        unsigned n = targets(terminator(u, work[--count]), to);
        for (unsigned k = 0; k < n; k++) {
            if (new_id[to[k]] == OPT_NONE) {
                new_id[to[k]] = 0;
                work[count++] = to[k];
            }
        }
    }
}

void opt_unreachable(IrUnit *u)
{
    size_t mark = ir_arena_mark(u->arena);
    uint32_t *new_id = ir_arena_alloc(u->arena, u->block_count * sizeof new_id[0]);
    uint32_t *work = ir_arena_alloc(u->arena, u->block_count * sizeof work[0]);
    uint32_t count = 0, to[2];
    mark_reachable(u, new_id, work);
    for (uint32_t n = 0; n < u->block_count; n++) {
        if (new_id[n] != OPT_NONE) {
            u->blocks[n]->id = new_id[n] = count;
            u->blocks[count++] = u->blocks[n];
        }
    }
    u->block_count = count;
    for (uint32_t n = 0; n < count; n++) {
        IrInsn *last = terminator(u, n);
        unsigned k = targets(last, to);
        if (k) {
            last->imm = k == 1 ? new_id[to[0]] : IR_TARGETS(new_id[to[0]], new_id[to[1]]);
        }
    }
    ir_arena_release(u->arena, mark);
}
