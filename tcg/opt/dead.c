// SPDX-License-Identifier: MIT
//
// The backward pass: instructions whose result nobody uses and that have no effect, and sets of
// variables that are overwritten before anything sees them.
//
// Globals are seen by whatever may leave the unit or look at the CPU structure: faulting
// accesses, polls, exits, calls that read, write or fault; and at the end of every block, since
// others may follow. Locals are seen by `get` and at the ends of blocks that stay in the unit.
// The pc is a global like others here; insn_start does not count as a set of it.
//
// Blocks are walked from the last to the first, so that uses in later blocks of an extended
// basic block are gone before their definitions are looked at.
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/opt/opt.h"
#include "tcg/text.h"

typedef struct Dead {
    IrUnit *u;
    uint32_t *uses; /* by value */
    uint32_t *set;  /* by variable: the age in which a later set was passed */
    uint32_t global_age, local_age; /* a variable's later set counts when from the current age */
} Dead;

static void count_uses(Dead *d)
{
    for (uint32_t b = 0; b < d->u->block_count; b++) {
        const IrBlock *block = d->u->blocks[b];
        for (uint32_t n = 0; n < block->count; n++) {
            const IrInsn *i = &block->insns[n];
            for (unsigned k = 0; k < IR_MAX_ARGS && i->arg[k]; k++) {
                d->uses[ir_is_const(i->arg[k]) ? 0 : i->arg[k]]++;
            }
        }
    }
}

static bool has_no_effect(const IrInsn *i)
{
    switch ((IrEffect)ir_op_info[i->op].effects) {
    case IR_EFFECT_PURE:
    case IR_EFFECT_RO: return true;
    case IR_EFFECT_RW: return i->op == IR_OP_CALL && ir_insn_helper(i)->flags & IR_HELPER_PURE;
    default: return false;
    }
}

/* Everything that has been set later is set too late for those before. */
static void see_globals(Dead *d)
{
    d->global_age += 2;
}

static void see_locals(Dead *d)
{
    d->local_age += 2;
}

static uint32_t age(const Dead *d, uint64_t var)
{
    return ir_var_is_global(d->u, var) ? d->global_age : d->local_age;
}

static void see_call(Dead *d, const IrInsn *i)
{
    if (ir_insn_helper(i)->flags & (IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FAULT)) {
        see_globals(d);
    }
}

static void see_end(Dead *d, const IrInsn *i)
{
    IrImmKind kind = ir_op_info[i->op].imm;
    see_globals(d);
    if (kind == IR_IMM_TARGET || kind == IR_IMM_TARGETS) {
        see_locals(d);
    } else { /* the unit is left: as if all locals were set anew */
        for (uint32_t n = 0; n < d->u->local_count; n++) {
            d->set[d->u->globals->count + n] = d->local_age;
        }
    }
}

/* Whether `i` can go, seen from below; notes what it does to variables. */
static bool is_dead(Dead *d, const IrInsn *i)
{
    if (i->op == IR_OP_SET) {
        if (d->set[i->imm] == age(d, i->imm)) {
            return true;
        }
        d->set[i->imm] = age(d, i->imm);
        return false;
    }
    if (i->dst != IR_NONE && d->uses[i->dst] == 0 && has_no_effect(i)) {
        return true;
    }
    switch ((IrEffect)ir_op_info[i->op].effects) {
    case IR_EFFECT_FAULT: see_globals(d); break;
    case IR_EFFECT_END: see_end(d, i); break;
    default: break;
    }
    if (i->op == IR_OP_GET) {
        d->set[i->imm] = 0;
    } else if (i->op == IR_OP_CALL) {
        see_call(d, i);
    }
    return false;
}

/* Survivors move to the end of the block's array, which then starts later. */
static void walk_block(Dead *d, IrBlock *b)
{
    uint32_t keep = b->count;
    see_globals(d);
    see_locals(d);
    for (uint32_t n = b->count; n-- > 0;) {
        const IrInsn *i = &b->insns[n];
        if (!is_dead(d, i)) {
            if (--keep != n) {
                b->insns[keep] = *i;
            }
            continue;
        }
        for (unsigned k = 0; k < IR_MAX_ARGS && i->arg[k]; k++) {
            d->uses[ir_is_const(i->arg[k]) ? 0 : i->arg[k]]--;
        }
    }
    b->insns += keep;
    b->count -= keep;
    b->capacity -= keep;
}

void opt_dead(IrUnit *u)
{
    size_t mark = ir_arena_mark(u->arena);
    uint32_t vars = u->globals->count + u->local_count;
    Dead d = { .u = u, .global_age = 1, .local_age = 1 };
    d.uses = ir_arena_alloc(u->arena, u->value_count * sizeof d.uses[0]);
    d.set = ir_arena_alloc(u->arena, vars * sizeof d.set[0]);
    memset(d.uses, 0, u->value_count * sizeof d.uses[0]);
    memset(d.set, 0, vars * sizeof d.set[0]);
    count_uses(&d);
    for (uint32_t n = u->block_count; n-- > 0;) {
        walk_block(&d, u->blocks[n]);
    }
    ir_arena_release(u->arena, mark);
}
