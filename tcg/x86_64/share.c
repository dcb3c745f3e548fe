// SPDX-License-Identifier: MIT
//
// Accesses through the same base share one TLB check.
//
// Groups are found along extended basic blocks, after copies have been resolved: loads or stores with
// the same base value whose bytes all lie within SPAN_BYTES. In front of a group's first access
// stands an X86_OP_PROBE of the whole range; its result becomes one more operand of each access, so
// that the register allocator treats it like any value. A group ends at anything that may change
// mappings. Loads and stores share: what may be written may be read, and what is read and written on
// one path mostly may be written when it is read.
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/x86_64/streams.h"

#define SPAN_BYTES 256
#define OPEN_GROUPS 4u    /* that are looked at for one more */

typedef struct Group {
    IrRef base;
    bool write;
    int64_t lo, hi;       /* bytes from the base */
    uint32_t block, first, count; /* where the first access is; how many there are */
    IrRef addend;         /* when the group gets one */
    const RaStream *stream; /* of its first access, or of its probe; or NULL */
    struct Group *next;   /* of all */
} Group;

/* The groups that an access may join: the ring's last ones. */
typedef struct OpenGroups {
    Group *group[OPEN_GROUPS];
    uint32_t count;       /* ever opened since the last end */
} OpenGroups;

typedef struct Sharing {
    TcgEmit *e;
    uint32_t block;       /* that is looked at */
    OpenGroups open;
    OpenGroups *at_end;   /* by block */
    Group ***of;          /* by block and instruction: its group; NULL: the block has none */
    uint32_t *probes;     /* by block: how many are to be inserted */
    Group *groups;        /* all */
} Sharing;

static bool is_candidate(const TcgEmit *e, const IrInsn *in)
{
    return (in->op == IR_OP_LD || in->op == IR_OP_ST) &&
           !(in->sub & (IR_MEM_UNPRIV | IR_MEM_ALIGN_MASK | IR_MEM_ATOMIC_ALIGN |
                        IR_MEM_RELEASE)) &&
           !ir_is_const(ra_canonical(e->ra, in->arg[0])) &&
           (int64_t)in->imm == (int16_t)in->imm;
}

bool may_change_mappings(const IrInsn *in)
{
    return in->op == IR_OP_CALL &&
           !(((const IrHelper *)(uintptr_t)in->imm)->flags & IR_HELPER_PURE);
}

static void *zeroed(const Sharing *s, size_t count, size_t size)
{
    return memset(ir_arena_alloc(s->e->unit->arena, count * size), 0, count * size);
}

static Group *join_or_open(Sharing *s, const IrInsn *in, uint32_t index)
{
    IrRef base = ra_canonical(s->e->ra, in->arg[0]);
    bool write = in->op == IR_OP_ST;
    int64_t lo = (int64_t)in->imm, hi = lo + (1 << ir_mem_size_log2(in->sub));
    for (unsigned k = 0; k < OPEN_GROUPS && k < s->open.count; k++) {
        Group *g = s->open.group[k];
        int64_t joined_lo = MIN(lo, g->lo), joined_hi = MAX(hi, g->hi);
        if (g->base == base && joined_hi - joined_lo <= SPAN_BYTES) {
            g->write |= write;
            g->lo = joined_lo;
            g->hi = joined_hi;
            s->probes[g->block] += ++g->count == 2;
            return g;
        }
    }
    Group *g = ir_arena_alloc(s->e->unit->arena, sizeof *g);
    *g = (Group){ .base = base, .write = write, .lo = lo, .hi = hi, .block = s->block,
                  .first = index, .count = 1, .next = s->groups };
    s->groups = g;
    s->open.group[s->open.count++ % OPEN_GROUPS] = g;
    return g;
}

static void find_groups(Sharing *s)
{
    const IrBlock *b = s->e->unit->blocks[s->block];
    int32_t parent = s->e->ra->blocks[s->block].parent;
    bool inherits = parent >= 0 && !leaves_out(s->e, TCG_NO_SHARED_ACROSS_BLOCKS);
    s->open = inherits ? s->at_end[parent] : (OpenGroups){ .count = 0 };
    for (uint32_t i = 0; i < b->count; i++) {
        const IrInsn *in = &b->insns[i];
        if (is_candidate(s->e, in)) {
            if (!s->of[s->block]) {
                s->of[s->block] = zeroed(s, b->count, sizeof(Group *));
            }
            s->of[s->block][i] = join_or_open(s, in, i);
        } else if (may_change_mappings(in)) {
            s->open.count = 0;
        }
    }
    s->at_end[s->block] = s->open;
}

static IrInsn probe_of(Sharing *s, Group *g)
{
    g->addend = ra_value_new(s->e, IR_I64);
    return (IrInsn){
        .op = X86_OP_PROBE, .type = IR_I64, .dst = g->addend, .arg = { g->base },
        .sub = (uint16_t)((g->hi - g->lo) | (g->write ? X86_PROBE_WRITE : 0)),
        .imm = (uint64_t)g->lo,
    };
}

/* The block with probes in front of shared groups, and with addends as operands. */
static void rewrite_block(Sharing *s, uint32_t block)
{
    IrUnit *u = s->e->unit;
    IrBlock *b = u->blocks[block];
    Group **of = s->of[block];
    uint32_t capacity = b->count + s->probes[block];
    IrInsn *to = ir_arena_alloc(u->arena, capacity * sizeof *to), *p = to;
    const RaStream **streams = zeroed(s, capacity, sizeof streams[0]);
    for (uint32_t i = 0; i < b->count; i++) {
        Group *g = of[i];
        bool shared = g && g->count >= 2;
        if (g && g->block == block && g->first == i) {
            streams[p - to] = g->stream;
            if (shared) {
                *p++ = probe_of(s, g);
            }
        }
        *p = b->insns[i];
        if (shared) {
            p->arg[p->op == IR_OP_LD ? 1 : 2] = g->addend;
        }
        p++;
    }
    s->e->ra->blocks[block].streams = streams;
    b->insns = to;
    b->capacity = capacity;
    b->count = (uint32_t)(p - to);
}

void share_checks(TcgEmit *e)
{
    const RegAlloc *ra = e->ra;
    Sharing s = { .e = e };
    uint32_t accesses = 0, blocks = e->unit->block_count;
    for (uint32_t n = 0; n < ra->norder; n++) {
        const IrBlock *b = e->unit->blocks[ra->order[n]];
        for (uint32_t i = 0; i < b->count; i++) {
            accesses += is_candidate(e, &b->insns[i]);
        }
    }
    Streams *streams = accesses ? streams_new(e) : NULL;
    if (accesses < 2 && !streams) {
        return;
    }
    s.at_end = zeroed(&s, blocks, sizeof s.at_end[0]);
    s.of = zeroed(&s, blocks, sizeof s.of[0]);
    s.probes = zeroed(&s, blocks, sizeof s.probes[0]);
    for (uint32_t n = 0; n < ra->norder; n++) {
        s.block = ra->order[n];
        find_groups(&s);
    }
    for (Group *g = s.groups; streams && g; g = g->next) {
        g->stream = stream_new(streams, g->block, g->base);
    }
    for (uint32_t n = 0; n < ra->norder && !e->failed; n++) {
        if (s.of[ra->order[n]]) {
            rewrite_block(&s, ra->order[n]);
        }
    }
    if (streams) {
        streams_place(streams);
    }
}
