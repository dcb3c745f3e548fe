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
#include "tcg/x86_64/regalloc.h"
#include "util/bitops.h"

/* The others are for what one instruction needs. */
#define MERGE_GPRS 9u
#define MERGE_XMMS 11u
/* As long as there are so many of these left, also what is only not to be stored. */
#define MERGE_SPARE 3u

typedef struct Loop {
    uint32_t head;
    uint64_t *body; /* bit per block */
    struct Loop *next;
} Loop;

typedef struct Plan {
    TcgEmit *e;
    RegAlloc *ra;
    IrUnit *u;
    uint32_t nvars, var_words, block_words;
    uint32_t (*preds)[2];   /* list of edges: from, next + 1 */
    uint32_t *first_pred;   /* by block: index of an edge + 1 */
    uint64_t *use, *def, *live; /* by block, var_words each */
    uint16_t *accesses;     /* by block, nvars each */
    uint8_t *depth;         /* loops around a block */
    Loop *loops;
} Plan;

static void *zeroed(Plan *p, size_t count, size_t size)
{
    return memset(ir_arena_alloc(p->u->arena, count * size), 0, count * size);
}

static bool bit_get(const uint64_t *bits, uint32_t n)
{
    return bits[n / 64] >> (n % 64) & 1;
}

static void bit_set(uint64_t *bits, uint32_t n)
{
    bits[n / 64] |= BIT(n % 64);
}

/* ---- edges ---- */

void ra_split_edges(TcgEmit *e)
{
    IrUnit *u = e->unit;
    uint32_t count = u->block_count;
    uint32_t *preds = ir_arena_alloc(u->arena, count * sizeof preds[0]);
    memset(preds, 0, count * sizeof preds[0]);
    preds[0] = 1; /* from outside */
    for (uint32_t b = 0; b < count; b++) {
        uint32_t to[2];
        unsigned n = u->blocks[b]->count ? ra_successors(u, b, to) : 0;
        for (unsigned k = 0; k < n; k++) {
            preds[to[k]]++;
        }
    }
    for (uint32_t b = 0; b < count; b++) {
        uint32_t to[2];
        if (!u->blocks[b]->count || ra_successors(u, b, to) < 2) {
            continue;
        }
        for (unsigned k = 0; k < 2; k++) {
            if (preds[to[k]] > 1) {
                uint32_t edge = ir_block_new(u);
                ir_insn_append(u, edge, &(IrInsn){ .op = IR_OP_JUMP, .imm = to[k] });
                to[k] = edge;
            }
        }
        IrBlock *block = u->blocks[b];
        block->insns[block->count - 1].imm = IR_TARGETS(to[0], to[1]);
    }
}

/* ---- what blocks do with variables ---- */

static void note_preds(Plan *p)
{
    uint32_t count = p->u->block_count, edges = 0;
    p->preds = ir_arena_alloc(p->u->arena, count * 2 * sizeof p->preds[0]);
    p->first_pred = zeroed(p, count, sizeof p->first_pred[0]);
    for (uint32_t n = 0; n < p->ra->norder; n++) {
        uint32_t to[2], b = p->ra->order[n];
        unsigned k = ra_successors(p->u, b, to);
        while (k-- > 0) {
            p->preds[edges][0] = b;
            p->preds[edges][1] = p->first_pred[to[k]];
            p->first_pred[to[k]] = ++edges;
        }
    }
}

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

/* ---- loops ---- */

/* Add to `body` all blocks from which `from` is reached without passing `head`. False: the entry is
 * among them, so that `head` does not head them. */
static bool walk_back(Plan *p, uint64_t *body, uint32_t from, uint32_t head)
{
    uint32_t *stack = ir_arena_alloc(p->u->arena, p->u->block_count * sizeof stack[0]);
    uint32_t depth = 0;
    bit_set(body, head);
    if (!bit_get(body, from)) {
        bit_set(body, from);
        stack[depth++] = from;
    }
    while (depth) {
        uint32_t b = stack[--depth];
        if (b == 0) {
            return false;
        }
        for (uint32_t edge = p->first_pred[b]; edge; edge = p->preds[edge - 1][1]) {
            uint32_t pred = p->preds[edge - 1][0];
            if (!bit_get(body, pred)) {
                bit_set(body, pred);
                stack[depth++] = pred;
            }
        }
    }
    return true;
}

static void find_loop(Plan *p, uint32_t head)
{
    Loop *loop = zeroed(p, 1, sizeof *loop);
    uint64_t *body = zeroed(p, p->block_words, sizeof body[0]);
    loop->head = head;
    loop->body = zeroed(p, p->block_words, sizeof body[0]);
    for (uint32_t edge = p->first_pred[head]; edge; edge = p->preds[edge - 1][1]) {
        memset(body, 0, p->block_words * sizeof body[0]);
        if (walk_back(p, body, p->preds[edge - 1][0], head)) {
            for (uint32_t w = 0; w < p->block_words; w++) {
                loop->body[w] |= body[w];
            }
        }
    }
    if (!bit_get(loop->body, head)) {
        return;
    }
    loop->next = p->loops;
    p->loops = loop;
    for (uint32_t b = 0; b < p->u->block_count; b++) {
        p->depth[b] += bit_get(loop->body, b) && p->depth[b] < 4;
    }
}

static unsigned body_size(const Plan *p, const Loop *loop)
{
    unsigned n = 0;
    for (uint32_t w = 0; w < p->block_words; w++) {
        n += (unsigned)__builtin_popcountll(loop->body[w]);
    }
    return n;
}

static const Loop *innermost(const Plan *p, uint32_t block)
{
    const Loop *best = NULL;
    for (const Loop *l = p->loops; l; l = l->next) {
        if (bit_get(l->body, block) && (!best || body_size(p, l) < body_size(p, best))) {
            best = l;
        }
    }
    return best;
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
static Candidate judge(const Plan *p, uint32_t block, const Loop *loop, uint32_t var)
{
    Candidate c = { .var = var, .live = bit_get(p->live + block * p->var_words, var) };
    for (uint32_t b = 0; b < p->u->block_count; b++) {
        if (loop && bit_get(loop->body, b)) {
            c.score += (uint64_t)p->accesses[b * p->nvars + var] << 3 * p->depth[b];
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
        c.score = MIN(c.score, UINT64_C(1) << 3 * p->depth[block]);
    }
    return c;
}

static void plan_merge(Plan *p, uint32_t block)
{
    const Loop *loop = innermost(p, block);
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
    uint32_t merges = 0;
    for (uint32_t n = 1; n < ra->norder; n++) {
        merges += ra->blocks[ra->order[n]].parent < 0;
    }
    if (!merges) {
        return;
    }
    Plan p = { .e = e, .ra = ra, .u = u, .nvars = ra->nvars };
    p.var_words = (p.nvars + 63) / 64;
    p.block_words = (u->block_count + 63) / 64;
    p.use = zeroed(&p, u->block_count * p.var_words, 8);
    p.def = zeroed(&p, u->block_count * p.var_words, 8);
    p.live = zeroed(&p, u->block_count * p.var_words, 8);
    p.accesses = zeroed(&p, u->block_count * p.nvars, sizeof p.accesses[0]);
    p.depth = zeroed(&p, u->block_count, 1);
    note_preds(&p);
    for (uint32_t n = 0; n < ra->norder; n++) {
        note_accesses(&p, ra->order[n]);
    }
    find_live(&p);
    for (uint32_t n = 1; n < ra->norder; n++) {
        if (ra->blocks[ra->order[n]].parent < 0) {
            find_loop(&p, ra->order[n]);
        }
    }
    for (uint32_t n = 1; n < ra->norder; n++) {
        if (ra->blocks[ra->order[n]].parent < 0) {
            plan_merge(&p, ra->order[n]);
        }
    }
}
