// SPDX-License-Identifier: MIT
//
// Variables in registers where control flow joins: which, before code is emitted.
//
// A block with several predecessors (a merge) would begin with every variable in memory. Here each
// gets a list of variables that are worth a register there: those that the loop around it uses
// most, or, outside of loops, those that are read on. A value stands for each at the merge's
// begin; the jumps that lead there (edges) bring the variable's content to where the merge expects
// it, which the first edge emitted decides (regalloc.c). An edge is a block that ends in `jump`:
// a branch that could go to a merge directly gets one of its own.
//
// Liveness of variables is that of `get`: what faults and exits see is the snapshots' affair.
#include <stdlib.h>
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/x86_64/loops.h"

/* The others are for what one instruction needs. */
#define MERGE_GPRS 9u
#define MERGE_XMMS 11u
/* As long as there are so many of these left, also what is only not to be stored. */
#define MERGE_SPARE 3u

typedef struct Plan {
    TcgEmit *e;
    RegAlloc *ra;
    IrUnit *u;
    uint32_t nvars, var_words;
    uint64_t *use, *def, *live; /* by block, var_words each */
    uint16_t *accesses;     /* by block, nvars each */
} Plan;

static void *zeroed(Plan *p, size_t count, size_t size)
{
    return memset(ir_arena_alloc(p->u->arena, count * size), 0, count * size);
}

/* ---- what blocks do with variables ---- */

static void note_accesses(Plan *p, uint32_t b)
{
    const IrBlock *block = p->u->blocks[b];
    uint64_t *use = p->use + b * p->var_words, *def = p->def + b * p->var_words;
    uint16_t *accesses = p->accesses + b * p->nvars;
    for (uint32_t n = 0; n < block->count; n++) {
        const IrInsn *i = &block->insns[n];
        if (i->op != IR_OP_GET && i->op != IR_OP_SET) {
            continue;
        }
        uint32_t var = (uint32_t)i->imm;
        accesses[var] += accesses[var] < UINT16_MAX;
        if (i->op == IR_OP_SET) {
            bit_set(def, var);
        } else if (!bit_get(def, var)) {
            bit_set(use, var);
        }
    }
}

static void find_live(Plan *p)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t n = p->ra->norder; n-- > 0;) {
            uint32_t to[2], b = p->ra->order[n];
            unsigned succs = ra_successors(p->u, b, to);
            for (uint32_t w = 0; w < p->var_words; w++) {
                uint64_t out = 0;
                for (unsigned k = 0; k < succs; k++) {
                    out |= p->live[to[k] * p->var_words + w];
                }
                uint32_t at = b * p->var_words + w;
                uint64_t in = p->use[at] | (out & ~p->def[at]);
                changed |= in != p->live[at];
                p->live[at] = in;
            }
        }
    }
}

/* ---- choice ---- */

typedef struct Candidate {
    uint32_t var;
    uint64_t score;
    bool set;  /* in the loop */
    bool live; /* somebody reads it */
} Candidate;

static int by_score(const void *a, const void *b)
{
    const Candidate *x = a, *y = b;
    if (x->live != y->live) {
        return x->live ? -1 : 1;
    }
    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return x->var < y->var ? -1 : 1;
}

/* What a register at `block` saves, about: 0: nothing. */
static Candidate judge(const Plan *p, uint32_t block, const RaLoop *loop, uint32_t var)
{
    Candidate c = { .var = var, .live = bit_get(p->live + block * p->var_words, var) };
    for (uint32_t b = 0; b < p->u->block_count; b++) {
        if (loop && bit_get(loop->body, b)) {
            c.score += (uint64_t)p->accesses[b * p->nvars + var] << 3 * p->ra->flow->depth[b];
            c.set |= bit_get(p->def + b * p->var_words, var);
        } else if (!loop) {
            c.score += p->accesses[b * p->nvars + var];
        }
    }
    bool flags = ir_var_type(p->u, var) == IR_I32; /* most likely: stored as easily as moved */
    if (c.live) {
        c.score *= 4;
    } else if (!c.set || flags) {
        c.score = 0; /* only not to store what is overwritten before anybody reads it */
    } else {
        c.score = MIN(c.score, UINT64_C(1) << 3 * p->ra->flow->depth[block]);
    }
    return c;
}

static void plan_merge(Plan *p, uint32_t block)
{
    const RaLoop *loop = ra_innermost_loop(p->ra, block);
    Candidate *all = ir_arena_alloc(p->u->arena, p->nvars * sizeof all[0]);
    uint32_t count = 0, left[2] = { MERGE_GPRS, MERGE_XMMS };
    for (uint32_t var = 0; var < p->nvars; var++) {
        if (var != p->u->globals->pc) {
            all[count] = judge(p, block, loop, var);
            count += all[count].score != 0;
        }
    }
    qsort(all, count, sizeof all[0], by_score);
    RaMerge *m = zeroed(p, 1, sizeof *m + MIN(count, MERGE_GPRS + MERGE_XMMS) * sizeof m->vars[0]);
    m->block = block;
    m->is_head = loop && loop->head == block;
    for (uint32_t n = 0; n < count; n++) {
        bool xmm = type_is_xmm(ir_var_type(p->u, all[n].var));
        if (left[xmm] > (all[n].live ? 0 : MERGE_SPARE)) {
            left[xmm]--;
            m->vars[m->count++] = (RaMergeVar){ .var = all[n].var, .reg = REG_NONE,
                                                .dirty = all[n].set };
        }
    }
    p->ra->blocks[block].merge = m;
}

void ra_plan_merges(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    IrUnit *u = e->unit;
    if (!ra->flow) {
        return;
    }
    Plan p = { .e = e, .ra = ra, .u = u, .nvars = ra->nvars };
    p.var_words = (p.nvars + 63) / 64;
    p.use = zeroed(&p, u->block_count * p.var_words, 8);
    p.def = zeroed(&p, u->block_count * p.var_words, 8);
    p.live = zeroed(&p, u->block_count * p.var_words, 8);
    p.accesses = zeroed(&p, u->block_count * p.nvars, sizeof p.accesses[0]);
    for (uint32_t n = 0; n < ra->norder; n++) {
        note_accesses(&p, ra->order[n]);
    }
    find_live(&p);
    for (uint32_t n = 1; n < ra->norder; n++) {
        if (ra->blocks[ra->order[n]].parent < 0) {
            plan_merge(&p, ra->order[n]);
        }
    }
}
