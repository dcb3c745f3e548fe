// SPDX-License-Identifier: MIT
//
// Variables that nobody will look at before they are set again.
//
// Whoever faults, leaves the unit or calls a helper that looks sees all globals, and `get` its
// variable. What is not seen on any path from where a block begins need not be in memory there, nor
// be computed: mostly flags, which are set again before the next access. What holds at the begin of
// each block is found backwards until nothing changes; within blocks the next instructions tell.
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/x86_64/regalloc.h"
#include "util/bitops.h"

#define LOOK_AHEAD 24u /* instructions; behind them everything counts as seen */

static bool sees_globals(const IrInsn *in)
{
    if (in->op >= IR_OP_COUNT) { /* this backend's own neither fault nor leave */
        return false;
    }
    if (in->op == IR_OP_CALL) {
        return ((const IrHelper *)(uintptr_t)in->imm)->flags &
               (IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FAULT);
    }
    switch (ir_op_info[in->op].effects) {
    case IR_EFFECT_FAULT:
        return true;
    case IR_EFFECT_END:
        return in->op != IR_OP_JUMP && in->op != IR_OP_BRC && in->op != IR_OP_BRF &&
               in->op != IR_OP_BR;
    default:
        return false;
    }
}

static uint64_t *seen_of(const RegAlloc *ra, uint32_t block)
{
    return ra->seen + block * ((ra->nvars + 63) / 64);
}

/* What is seen from before `in`, if `seen` is from behind it. */
static void step_back(const IrUnit *u, const IrInsn *in, uint64_t *seen)
{
    uint64_t pc = u->globals->pc;
    if (in->op == IR_OP_SET) {
        seen[in->imm / 64] &= ~BIT(in->imm % 64);
    } else if (in->op == IR_OP_GET) {
        seen[in->imm / 64] |= BIT(in->imm % 64);
    } else if (in->op == IR_OP_INSN_START && pc < u->globals->count) {
        seen[pc / 64] &= ~BIT(pc % 64);
    } else if (sees_globals(in)) {
        uint32_t count = u->globals->count;
        memset(seen, 0xff, count / 64 * sizeof seen[0]);
        if (count % 64) {
            seen[count / 64] |= bit_mask(count % 64);
        }
    }
}

void ra_find_seen(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    const IrUnit *u = e->unit;
    uint32_t words = (ra->nvars + 63) / 64;
    size_t bytes = words * sizeof ra->seen[0];
    ra->seen = memset(ir_arena_alloc(u->arena, u->block_count * bytes), 0, u->block_count * bytes);
    uint64_t *seen = ir_arena_alloc(u->arena, bytes);
    bool joins = false; /* else successors come later, and once will do */
    for (uint32_t n = 1; n < ra->norder; n++) {
        joins |= ra->blocks[ra->order[n]].parent < 0;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t n = ra->norder; n-- > 0;) {
            uint32_t to[2], id = ra->order[n];
            const IrBlock *b = u->blocks[id];
            memset(seen, 0, bytes);
            for (unsigned k = ra_successors(u, id, to); k-- > 0;) {
                for (uint32_t w = 0; w < words; w++) {
                    seen[w] |= seen_of(ra, to[k])[w];
                }
            }
            for (uint32_t i = b->count; i-- > 0;) {
                step_back(u, &b->insns[i], seen);
            }
            changed |= joins && memcmp(seen, seen_of(ra, id), bytes) != 0;
            memcpy(seen_of(ra, id), seen, bytes);
        }
    }
}

bool ra_is_seen(const RegAlloc *ra, uint32_t block, uint32_t var)
{
    return !ra->seen || seen_of(ra, block)[var / 64] >> (var % 64) & 1;
}

bool ra_is_seen_from(const TcgEmit *e, const IrInsn *in, uint32_t block, uint32_t var)
{
    const IrBlock *b = e->unit->blocks[block];
    const IrInsn *end = b->insns + b->count;
    for (unsigned n = 0; in < end && n < LOOK_AHEAD; n++, in++) {
        if ((in->op == IR_OP_GET && in->imm == var) || sees_globals(in)) {
            return true;
        }
        if (in->op == IR_OP_SET && in->imm == var) {
            return false;
        }
    }
    if (in < end) {
        return true;
    }
    uint32_t to[2];
    for (unsigned k = ra_successors(e->unit, block, to); k-- > 0;) {
        if (ra_is_seen(e->ra, to[k], var)) {
            return true;
        }
    }
    return false;
}
