// SPDX-License-Identifier: MIT
//
// Where control comes from: the predecessors of blocks, and the loops that they make.
//
// A loop is natural: all ways into its body lead through its head. What is reached by other ways
// too has no loop here, and misses what is done for loops.
#include "tcg/x86_64/loops.h"
#include <string.h>
#include "tcg/ir_arena.h"

static void *zeroed(IrUnit *u, size_t count, size_t size)
{
    return memset(ir_arena_alloc(u->arena, count * size), 0, count * size);
}

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

static void note_preds(RaFlow *f, RegAlloc *ra, IrUnit *u)
{
    uint32_t edges = 0;
    f->preds = ir_arena_alloc(u->arena, u->block_count * 2 * sizeof f->preds[0]);
    f->first_pred = zeroed(u, u->block_count, sizeof f->first_pred[0]);
    for (uint32_t n = 0; n < ra->norder; n++) {
        uint32_t to[2], b = ra->order[n];
        unsigned k = ra_successors(u, b, to);
        while (k-- > 0) {
            f->preds[edges] = (RaPred){ b, f->first_pred[to[k]] };
            f->first_pred[to[k]] = ++edges;
        }
    }
}

/* Add to `body` all blocks from which `from` is reached without passing `head`. False: the entry is
 * among them, so that `head` does not head them. */
static bool walk_back(const RaFlow *f, IrUnit *u, uint64_t *body, uint32_t from, uint32_t head)
{
    uint32_t *stack = ir_arena_alloc(u->arena, u->block_count * sizeof stack[0]);
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
        for (uint32_t edge = f->first_pred[b]; edge; edge = f->preds[edge - 1].next) {
            uint32_t pred = f->preds[edge - 1].from;
            if (!bit_get(body, pred)) {
                bit_set(body, pred);
                stack[depth++] = pred;
            }
        }
    }
    return true;
}

static void find_loop(RaFlow *f, IrUnit *u, uint32_t head)
{
    RaLoop *loop = zeroed(u, 1, sizeof *loop);
    uint64_t *body = zeroed(u, f->block_words, sizeof body[0]);
    loop->head = head;
    loop->body = zeroed(u, f->block_words, sizeof body[0]);
    for (uint32_t edge = f->first_pred[head]; edge; edge = f->preds[edge - 1].next) {
        memset(body, 0, f->block_words * sizeof body[0]);
        if (walk_back(f, u, body, f->preds[edge - 1].from, head)) {
            for (uint32_t w = 0; w < f->block_words; w++) {
                loop->body[w] |= body[w];
            }
        }
    }
    if (!bit_get(loop->body, head)) {
        return;
    }
    for (uint32_t w = 0; w < f->block_words; w++) {
        loop->size += (unsigned)__builtin_popcountll(loop->body[w]);
    }
    loop->next = f->loops;
    f->loops = loop;
    for (uint32_t b = 0; b < u->block_count; b++) {
        f->depth[b] += bit_get(loop->body, b) && f->depth[b] < 4;
    }
}

const RaLoop *ra_innermost_loop(const RegAlloc *ra, uint32_t block)
{
    const RaLoop *best = NULL;
    for (const RaLoop *l = ra->flow->loops; l; l = l->next) {
        if (bit_get(l->body, block) && (!best || l->size < best->size)) {
            best = l;
        }
    }
    return best;
}

void ra_find_loops(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    IrUnit *u = e->unit;
    uint32_t merges = 0;
    for (uint32_t n = 1; n < ra->norder; n++) {
        merges += ra->blocks[ra->order[n]].parent < 0;
    }
    ra->flow = NULL;
    if (!merges) {
        return;
    }
    RaFlow *f = ra->flow = zeroed(u, 1, sizeof *f);
    f->block_words = (u->block_count + 63) / 64;
    f->depth = zeroed(u, u->block_count, 1);
    note_preds(f, ra, u);
    for (uint32_t n = 1; n < ra->norder; n++) {
        if (ra->blocks[ra->order[n]].parent < 0) {
            find_loop(f, u, ra->order[n]);
        }
    }
}
