// SPDX-License-Identifier: MIT
//
// Accesses of one block through the same base share one TLB check.
//
// Groups are found per block, after copies have been resolved: loads or stores with the same base
// value whose bytes all lie within SPAN_BYTES. In front of a group's first access stands an
// X86_OP_PROBE of the whole range; its result becomes one more operand of each access, so that the
// register allocator treats it like any value. A group ends at anything that may change mappings.
// Loads and stores share: what may be written may be read, and what is read and written in one block
// mostly may be written when it is read.
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/x86_64/regalloc.h"
#include "util/bitops.h"

#define SPAN_BYTES 256
#define OPEN_GROUPS 4u    /* that are looked at for one more */

typedef struct Group {
    IrRef base;
    bool write;
    int64_t lo, hi;       /* bytes from the base */
    uint32_t first, count;
    IrRef addend;         /* when the group gets one */
    struct Group *next;   /* all of the block, in order of `first` */
} Group;

typedef struct Sharing {
    TcgEmit *e;
    IrBlock *block;
    Group *open[OPEN_GROUPS];
    uint32_t nopen;       /* ever opened since the last end; the ring's next place */
    Group *first, **last;
    Group **of;           /* by instruction: its group */
    uint32_t shared;      /* groups of at least two */
} Sharing;

static bool is_candidate(const TcgEmit *e, const IrInsn *in)
{
    return (in->op == IR_OP_LD || in->op == IR_OP_ST) &&
           !(in->sub & (IR_MEM_UNPRIV | IR_MEM_ALIGN_MASK | IR_MEM_ATOMIC_ALIGN |
                        IR_MEM_RELEASE)) &&
           !ir_is_const(ra_canonical(e->ra, in->arg[0])) &&
           (int64_t)in->imm == (int16_t)in->imm;
}

static bool ends_groups(const IrInsn *in)
{
    return in->op == IR_OP_CALL &&
           !(((const IrHelper *)(uintptr_t)in->imm)->flags & IR_HELPER_PURE);
}

static void add_access(Sharing *s, uint32_t index)
{
    const IrInsn *in = &s->block->insns[index];
    IrRef base = ra_canonical(s->e->ra, in->arg[0]);
    bool write = in->op == IR_OP_ST;
    int64_t lo = (int64_t)in->imm, hi = lo + (1 << ir_mem_size_log2(in->sub));
    for (unsigned k = 0; k < OPEN_GROUPS && k < s->nopen; k++) {
        Group *g = s->open[k];
        int64_t joined_lo = MIN(lo, g->lo), joined_hi = MAX(hi, g->hi);
        if (g->base == base && joined_hi - joined_lo <= SPAN_BYTES) {
            g->write |= write;
            g->lo = joined_lo;
            g->hi = joined_hi;
            s->shared += ++g->count == 2;
            s->of[index] = g;
            return;
        }
    }
    Group *g = ir_arena_alloc(s->e->unit->arena, sizeof *g);
    *g = (Group){ .base = base, .write = write, .lo = lo, .hi = hi, .first = index, .count = 1 };
    s->open[s->nopen++ % OPEN_GROUPS] = g;
    *s->last = g;
    s->last = &g->next;
    s->of[index] = g;
}

static void add_operand(IrInsn *in, IrRef addend)
{
    in->arg[in->op == IR_OP_LD ? 1 : 2] = addend;
}

/* The block with probes in front of shared groups. */
static void insert_probes(Sharing *s)
{
    IrUnit *u = s->e->unit;
    IrBlock *b = s->block;
    IrInsn *to = ir_arena_alloc(u->arena, (b->count + s->shared) * sizeof *to);
    IrInsn *p = to;
    for (uint32_t i = 0; i < b->count; i++) {
        Group *g = s->of[i];
        if (g && g->count >= 2 && g->first == i) {
            g->addend = ra_value_new(s->e, IR_I64);
            *p++ = (IrInsn){
                .op = X86_OP_PROBE, .type = IR_I64, .dst = g->addend, .arg = { g->base },
                .sub = (uint16_t)((g->hi - g->lo) | (g->write ? X86_PROBE_WRITE : 0)),
                .imm = (uint64_t)g->lo,
            };
        }
        *p = b->insns[i];
        if (g && g->count >= 2) {
            add_operand(p, g->addend);
        }
        p++;
    }
    b->insns = to;
    b->capacity = b->count = (uint32_t)(p - to);
}

void share_checks(TcgEmit *e, IrBlock *b)
{
    uint32_t accesses = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        accesses += is_candidate(e, &b->insns[i]);
    }
    if (accesses < 2) {
        return;
    }
    Sharing s = { .e = e, .block = b };
    s.last = &s.first;
    s.of = ir_arena_alloc(e->unit->arena, b->count * sizeof s.of[0]);
    memset(s.of, 0, b->count * sizeof s.of[0]);
    for (uint32_t i = 0; i < b->count; i++) {
        const IrInsn *in = &b->insns[i];
        if (is_candidate(e, in)) {
            add_access(&s, i);
        } else if (ends_groups(in)) {
            s.nopen = 0;
        }
    }
    if (s.shared) {
        insert_probes(&s);
    }
}
