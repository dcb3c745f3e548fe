// SPDX-License-Identifier: MIT
//
// The forward pass. In one walk over each extended basic block, parents first, it
//   - replaces operands by what earlier instructions were found equal to,
//   - folds (fold.c),
//   - replaces a `get` by the value that the variable is known to have, drops a `set` of the
//     value that it has already,
//   - drops a pure instruction that was computed before (a small table, two places for each; a
//     collision only loses an opportunity).
// What is known is undone when the walk returns to a parent, by a log. The instructions are
// copied into new arrays, since folding may insert some.
//
// The pc variable is left alone: insn_start changes it too.
#include <assert.h>
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/opt/fold.h"
#include "tcg/text.h"

#define MAX_CSE_SLOTS 2048u

typedef struct Undo {
    IrRef *where, old;
} Undo;

typedef struct Forward {
    Fold fold;
    unsigned passes;
    IrRef *same;  /* by value: what it was found equal to, or 0 */
    IrRef *known; /* by variable: the value it has, or IR_NONE */
    IrRef *cse;   /* by hash: a value, or IR_NONE */
    uint32_t cse_mask, var_count;
    Undo *undo;
    uint32_t undo_count, undo_capacity;
    IrInsn *out; /* of the current block */
    uint32_t out_count, out_capacity;
    bool edges_gone; /* a branch became a jump */
    const IrInsn *fp_barrier; /* floating point before this may have had another mode */
    uint32_t *first_child, *next_sibling; /* the extended basic blocks as trees */
} Forward;

/* ---- memory ---- */

static void *zeroed(IrUnit *u, uint32_t count, size_t size)
{
    return memset(ir_arena_alloc(u->arena, count * size), 0, count * size);
}

static void *grown(IrUnit *u, void *old, uint32_t count, uint32_t capacity, size_t size)
{
    return memcpy(ir_arena_alloc(u->arena, capacity * size), old, count * size);
}

/* Store that is undone when the walk leaves the block. */
static void assign(Forward *w, IrRef *where, IrRef value)
{
    if (w->undo_count == w->undo_capacity) {
        w->undo_capacity *= 2;
        w->undo = grown(w->fold.u, w->undo, w->undo_count, w->undo_capacity, sizeof w->undo[0]);
    }
    w->undo[w->undo_count++] = (Undo){ where, *where };
    *where = value;
}

static void undo_to(Forward *w, uint32_t mark)
{
    while (w->undo_count > mark) {
        Undo *e = &w->undo[--w->undo_count];
        *e->where = e->old;
    }
}

static const IrInsn *append(Forward *w, const IrInsn *i)
{
    if (w->out_count == w->out_capacity) {
        w->out_capacity *= 2;
        w->out = grown(w->fold.u, w->out, w->out_count, w->out_capacity, sizeof w->out[0]);
        w->fp_barrier = w->out + w->out_count; /* older definitions are in the old copy */
    }
    IrInsn *o = &w->out[w->out_count++];
    *o = *i;
    if (i->dst != IR_NONE) {
        w->fold.def[i->dst] = o;
    }
    return o;
}

/* ---- variables ---- */

static bool is_tracked(const Forward *w, uint64_t var)
{
    return var != w->fold.u->globals->pc;
}

static void forget_globals(Forward *w)
{
    for (uint32_t v = 0; v < w->fold.u->globals->count; v++) {
        if (w->known[v] != IR_NONE) {
            assign(w, &w->known[v], IR_NONE);
        }
    }
}

static void see_call(Forward *w, const IrInsn *i)
{
    unsigned flags = ir_insn_helper(i)->flags;
    if (flags & IR_HELPER_WRITES) {
        forget_globals(w);
    }
    if (!(flags & IR_HELPER_PURE)) {
        w->fp_barrier = w->out + w->out_count;
    }
}

/* ---- common subexpressions ---- */

static bool can_share(const IrInsn *i)
{
    switch ((IrEffect)ir_op_info[i->op].effects) {
    case IR_EFFECT_PURE:
    case IR_EFFECT_FP: return true;
    case IR_EFFECT_RW:
        return i->op == IR_OP_CALL && i->dst != IR_NONE &&
               ir_insn_helper(i)->flags & IR_HELPER_PURE;
    default: return false;
    }
}

static uint32_t hash_insn(const IrInsn *i)
{
    uint64_t h = i->op | (uint64_t)i->type << 8 | (uint64_t)i->sub << 16;
    h = (h ^ i->imm << 7) * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned k = 0; k < IR_MAX_ARGS && i->arg[k]; k++) {
        h = (h ^ i->arg[k]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h >> 32;
}

static bool is_same(const Forward *w, const IrInsn *a, const IrInsn *b)
{
    if (a->op != b->op || a->type != b->type || a->sub != b->sub || a->imm != b->imm ||
        memcmp(a->arg, b->arg, sizeof a->arg)) {
        return false;
    }
    return ir_op_info[a->op].effects != IR_EFFECT_FP || a >= w->fp_barrier;
}

/* An earlier value equal to that of `i`, or IR_NONE; then it is remembered. */
static IrRef find_same(Forward *w, const IrInsn *i)
{
    uint32_t at = hash_insn(i) & w->cse_mask;
    for (unsigned k = 0; k < 2; k++) {
        IrRef old = w->cse[at ^ k];
        if (old != IR_NONE && is_same(w, w->fold.def[old], i)) {
            return old;
        }
    }
    assign(w, &w->cse[w->cse[at] == IR_NONE ? at : at ^ 1], i->dst);
    return IR_NONE;
}

/* ---- instructions ---- */

/* What TCG_PASS_COPY knows of `i`: a value to use instead (IR_NONE: none); *drop: there is
 * nothing to do at all. */
static IrRef copy_insn(Forward *w, const IrInsn *i, bool *drop)
{
    *drop = false;
    switch (i->op) {
    case IR_OP_MOV: return i->arg[0];
    case IR_OP_GET:
        if (!is_tracked(w, i->imm)) {
            return IR_NONE;
        }
        if (w->known[i->imm] != IR_NONE) {
            return w->known[i->imm];
        }
        assign(w, &w->known[i->imm], i->dst);
        return IR_NONE;
    case IR_OP_SET:
        if (is_tracked(w, i->imm)) {
            *drop = w->known[i->imm] == i->arg[0];
            assign(w, &w->known[i->imm], i->arg[0]);
        }
        return IR_NONE;
    default: return can_share(i) ? find_same(w, i) : IR_NONE;
    }
}

/* Fold, share and append `i`, whose operands are final. Returns its value. */
static IrRef process(Forward *w, IrInsn *i)
{
    if (w->passes & TCG_PASS_FOLD && fold_insn(&w->fold, i) == FOLD_REF) {
        return w->fold.result;
    }
    if (w->passes & TCG_PASS_COPY) {
        bool drop;
        IrRef same = copy_insn(w, i, &drop);
        if (same != IR_NONE || drop) {
            return same;
        }
    }
    append(w, i);
    if (i->op == IR_OP_CALL) {
        see_call(w, i);
    }
    return i->dst;
}

IrRef fold_emit(Fold *f, IrInsn *i)
{
    Forward *w = (Forward *)f; /* its first member */
    IrRef old = f->result;
    i->dst = ir_value_new(f->u, ir_result_type(i));
    f->emit_left--;
    IrRef r = process(w, i);
    f->result = old;
    return r;
}

static void walk_insn(Forward *w, const IrInsn *old)
{
    IrInsn i = *old;
    for (unsigned k = 0; k < IR_MAX_ARGS && i.arg[k]; k++) {
        if (!ir_is_const(i.arg[k]) && w->same[i.arg[k]]) {
            i.arg[k] = w->same[i.arg[k]];
            w->fold.uses[ir_is_const(i.arg[k]) ? 0 : i.arg[k]]++;
        }
    }
    IrRef r = process(w, &i);
    w->edges_gone |= i.op == IR_OP_JUMP && old->op != IR_OP_JUMP;
    if (old->dst != IR_NONE && r != old->dst) {
        w->same[old->dst] = r;
    }
}

/* ---- blocks ---- */

static void walk_block(Forward *w, uint32_t n)
{
    IrBlock *b = w->fold.u->blocks[n];
    w->out_capacity = b->count + 16;
    w->out_count = 0;
    w->out = ir_arena_alloc(w->fold.u->arena, w->out_capacity * sizeof w->out[0]);
    w->fp_barrier = w->out;
    for (uint32_t k = 0; k < b->count; k++) {
        walk_insn(w, &b->insns[k]);
    }
    b->insns = w->out;
    b->count = w->out_count;
    b->capacity = w->out_capacity;
}

/* The blocks under `n`, each with what is known at the end of its parent. */
static void walk_tree(Forward *w, uint32_t n)
{
    walk_block(w, n);
    for (uint32_t c = w->first_child[n]; c != OPT_NONE; c = w->next_sibling[c]) {
        uint32_t mark = w->undo_count;
        walk_tree(w, c);
        undo_to(w, mark);
    }
}

void opt_only_preds(const IrUnit *u, uint32_t *only_pred)
{
    enum { SEVERAL = UINT32_MAX - 1 };
    for (uint32_t n = 0; n < u->block_count; n++) {
        only_pred[n] = n ? OPT_NONE : (uint32_t)SEVERAL; /* the entry is entered from outside */
    }
    for (uint32_t n = 0; n < u->block_count; n++) {
        const IrInsn *last = &u->blocks[n]->insns[u->blocks[n]->count - 1];
        IrImmKind kind = ir_op_info[last->op].imm;
        uint32_t to[2] = { IR_THEN(last->imm), IR_ELSE(last->imm) };
        unsigned count = kind == IR_IMM_TARGET ? 1 : kind != IR_IMM_TARGETS ? 0
                                                 : to[0] == to[1] ? 1 : 2;
        for (unsigned k = 0; k < count; k++) {
            uint32_t *p = &only_pred[to[k]];
            *p = *p == OPT_NONE ? n : (uint32_t)SEVERAL;
        }
    }
    for (uint32_t n = 0; n < u->block_count; n++) {
        only_pred[n] = only_pred[n] == SEVERAL ? OPT_NONE : only_pred[n];
    }
}

/* Children of each block; *only_pred is consumed. */
static void plant_trees(Forward *w, uint32_t *only_pred)
{
    uint32_t blocks = w->fold.u->block_count;
    memset(w->first_child, 0xff, blocks * sizeof w->first_child[0]);
    for (uint32_t n = blocks; n-- > 0;) {
        if (only_pred[n] != OPT_NONE) {
            w->next_sibling[n] = w->first_child[only_pred[n]];
            w->first_child[only_pred[n]] = n;
        }
    }
}

static void count_uses(const IrUnit *u, uint32_t *uses)
{
    for (uint32_t b = 0; b < u->block_count; b++) {
        const IrBlock *block = u->blocks[b];
        for (uint32_t n = 0; n < block->count; n++) {
            const IrInsn *i = &block->insns[n];
            for (unsigned k = 0; k < IR_MAX_ARGS && i->arg[k]; k++) {
                uses[ir_is_const(i->arg[k]) ? 0 : i->arg[k]]++;
            }
        }
    }
}

static uint32_t cse_slots(const IrUnit *u)
{
    uint32_t slots = 16;
    while (slots < MAX_CSE_SLOTS && slots < u->value_count * 4) {
        slots *= 2;
    }
    return slots;
}

static void prepare(Forward *w, IrUnit *u, unsigned passes)
{
    uint32_t extra = u->value_count / 2 + 16, values = u->value_count + extra;
    uint32_t slots = cse_slots(u);
    w->passes = passes;
    w->fold.emit_left = extra;
    w->fold.def = zeroed(u, values, sizeof w->fold.def[0]);
    w->fold.uses = zeroed(u, values, sizeof w->fold.uses[0]);
    count_uses(u, w->fold.uses);
    w->same = zeroed(u, values, sizeof w->same[0]);
    w->cse = ir_arena_alloc(u->arena, slots * sizeof w->cse[0]);
    w->cse_mask = slots - 1;
    w->var_count = u->globals->count + u->local_count;
    w->known = ir_arena_alloc(u->arena, w->var_count * sizeof w->known[0]);
    w->undo_capacity = 256;
    w->undo = ir_arena_alloc(u->arena, w->undo_capacity * sizeof w->undo[0]);
    w->first_child = ir_arena_alloc(u->arena, u->block_count * sizeof w->first_child[0]);
    w->next_sibling = ir_arena_alloc(u->arena, u->block_count * sizeof w->next_sibling[0]);
}

void opt_forward(IrUnit *u, unsigned passes, uint32_t *hits)
{
    Forward state = { .fold = { .u = u, .hits = hits } };
    Forward *w = &state;
    prepare(w, u, passes);
    uint32_t *only_pred = ir_arena_alloc(u->arena, u->block_count * sizeof only_pred[0]);
    opt_only_preds(u, only_pred);
    plant_trees(w, only_pred);
    for (uint32_t n = 0; n < u->block_count; n++) {
        if (only_pred[n] == OPT_NONE) {
            memset(w->known, 0, w->var_count * sizeof w->known[0]);
            memset(w->cse, 0, (w->cse_mask + 1) * sizeof w->cse[0]);
            w->undo_count = 0;
            walk_tree(w, n);
        }
    }
    if (w->edges_gone) {
        opt_unreachable(u);
    }
}
