// SPDX-License-Identifier: MIT
//
// Flags that the end of a loop leaves to its next iteration without computing them.
//
// The flags that a loop's last comparison gave are mostly seen by nobody but a fault in the next
// iteration, before it compares again. If what they come from is in registers at the loop's head
// (RaMergeVar) or constant, the head notes a recipe (flags.c). It holds only on edges that compared
// last what it says. The others, like the way into the loop, bring the variable to memory. Which was
// the case, the frame's guard slot tells whoever wants to know: each edge sets it.
#include "tcg/ir_arena.h"
#include "tcg/x86_64/regalloc.h"

/* The instruction of `block`, or of those that it continues, whose result is `v`. */
static const IrInsn *definition(const TcgEmit *e, uint32_t block, IrRef v)
{
    for (int32_t b = (int32_t)block; b >= 0; b = e->ra->blocks[b].parent) {
        const IrBlock *at = e->unit->blocks[b];
        for (uint32_t i = at->count; i-- > 0;) {
            if (at->insns[i].dst == v) {
                return &at->insns[i];
            }
        }
    }
    return NULL;
}

/* `v` at the end of `block`, as the head of the loop will know it; else IR_NONE. */
static IrRef at_head(const TcgEmit *e, uint32_t block, const RaMerge *m, IrRef v)
{
    if (ir_is_const(v)) {
        return v;
    }
    for (uint32_t n = 0; v && n < m->count; n++) {
        const RaMergeVar *var = &m->vars[n];
        /* What is neither set nor seen in the loop is not brought there. */
        if (e->ra->blocks[block].edge[n] == v && ir_var_type(e->unit, var->var) == IR_I64 &&
            (var->dirty || ra_is_seen(e->ra, m->block, var->var))) {
            return var->value;
        }
    }
    return IR_NONE;
}

/* Does the edge from `block` leave flags that `*out` gives at the head? */
static bool edge_recipe(const TcgEmit *e, uint32_t block, const RaMerge *m, RaRecipe *out)
{
    const RegAlloc *ra = e->ra;
    IrRef v = ra->blocks[block].edge_flags;
    const IrInsn *in = v ? definition(e, block, v) : NULL;
    if (!in || in->op < IR_OP_NZCV_ADD || in->op > IR_OP_NZCV_AND) {
        return false;
    }
    IrRef a = at_head(e, block, m, ra_canonical(ra, in->arg[0]));
    IrRef b = at_head(e, block, m, ra_canonical(ra, in->arg[1]));
    IrRef result = at_head(e, block, m, in->sub ? (in - in->imm)->dst : IR_NONE);
    bool is_and = in->op == IR_OP_NZCV_AND, is_sub = in->op == IR_OP_NZCV_SUB;
    *out = (RaRecipe){ .a = a, .b = b, .type = in->type };
    out->form = is_and ? RECIPE_AND : is_sub ? RECIPE_SUB : RECIPE_ADD;
    if (a && b) {
        return true;
    }
    out->a = result;
    if (is_and) {
        out->b = result;
    } else {
        out->form = is_sub ? RECIPE_SUB_RESULT : RECIPE_ADD_RESULT;
    }
    return out->a && out->b;
}

static bool same_recipe(const RaRecipe *x, const RaRecipe *y)
{
    return x->a == y->a && x->b == y->b && x->form == y->form && x->type == y->type;
}

static RaMerge *merge_of_edge(const TcgEmit *e, uint32_t block)
{
    const IrBlock *b = e->unit->blocks[block];
    return e->ra->blocks[block].edge ? e->ra->blocks[b->insns[b->count - 1].imm].merge : NULL;
}

static bool has_guarded(const TcgEmit *e, const RaMerge *m)
{
    for (uint32_t n = 0; n < m->count; n++) {
        if (m->vars[n].var == e->ra->guarded_var) {
            return true;
        }
    }
    return false;
}

void ra_note_edge_flags(TcgEmit *e, uint32_t block, uint32_t var, IrRef content)
{
    RegAlloc *ra = e->ra;
    const IrInsn *in = ir_is_const(content) ? NULL : definition(e, block, content);
    if (in && in->op >= IR_OP_NZCV_ADD && in->op <= IR_OP_NZCV_AND &&
        (ra->guarded_var == NO_VAR || ra->guarded_var == var)) {
        ra->guarded_var = var;
        ra->blocks[block].edge_flags = content;
    }
}

/* Until they are set anew, are the flags of the head wanted by faults and ways out only? Whoever else
 * wants them, a call or where control flow joins, would have to test the guard. */
static bool is_seldom_wanted(const TcgEmit *e, uint32_t head)
{
    const RegAlloc *ra = e->ra;
    const IrUnit *u = e->unit;
    uint32_t *stack = ir_arena_alloc(u->arena, (u->block_count + 1) * sizeof stack[0]), depth = 0;
    stack[depth++] = head;
    while (depth) { /* a tree: who is followed has one predecessor */
        const IrBlock *b = u->blocks[stack[--depth]];
        uint32_t id = stack[depth], i = 0, to[2];
        for (; i < b->count && !(b->insns[i].op == IR_OP_SET && b->insns[i].imm == ra->guarded_var);
             i++) {
            const IrInsn *in = &b->insns[i];
            if (in->op == IR_OP_CALL || (in->op == IR_OP_GET && in->imm == ra->guarded_var)) {
                return false;
            }
        }
        unsigned n = i < b->count ? 0 : ra_successors(u, id, to);
        while (n-- > 0) {
            if (ra->blocks[to[n]].parent == (int32_t)id) {
                stack[depth++] = to[n];
            } else if (ra_is_seen(ra, to[n], ra->guarded_var)) {
                return false;
            }
        }
    }
    return true;
}

void ra_plan_loop_flags(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    if (ra->guarded_var == NO_VAR || ra->fixed_slots >= FRAME_SLOTS) {
        ra->guarded_var = NO_VAR;
        return;
    }
    ra->guard_slot = ra->fixed_slots++;
    for (uint32_t n = 0; n < ra->norder; n++) {
        RaMerge *m = merge_of_edge(e, ra->order[n]), *own = ra->blocks[ra->order[n]].merge;
        if (own) {
            own->passed = true;
        }
        RaRecipe recipe;
        if (m && m->passed && m->is_head && !m->flags.flags && !has_guarded(e, m) &&
            edge_recipe(e, ra->order[n], m, &recipe) &&
            ra_is_seen(ra, m->block, ra->guarded_var) && is_seldom_wanted(e, m->block)) {
            m->flags = recipe;
            m->flags.flags = ra_value_new(e, IR_I32);
            m->flags.guarded = true;
        }
    }
    for (uint32_t n = 0; n < ra->norder; n++) {
        const RaMerge *m = merge_of_edge(e, ra->order[n]);
        RaRecipe recipe;
        ra->blocks[ra->order[n]].leaves_recipe = m && m->flags.flags &&
            edge_recipe(e, ra->order[n], m, &recipe) && same_recipe(&recipe, &m->flags);
    }
}
