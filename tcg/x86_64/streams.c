// SPDX-License-Identifier: MIT
//
// Which accesses of loops need no TLB check each time: those whose address moves one way.
//
// A stream belongs to an access, or to a group that shares a check (share.c). It remembers, in the
// frame, the addend of the page where the base was last, and how far the base may go in that page.
// A base that only grows (or only falls, or stays) cannot come back to what lies before, so that
// one comparison with that limit is all of the check. Whoever enters the loop sets limits that let
// nothing pass, and so does a slow path, which may change mappings; calls may, too, so that loops
// with any have no streams. Other CPUs' invalidations wait until this one has left the loop.
//
// How a variable moves: all of a loop's settings of it are its own content plus a constant, and all
// constants have one sign. A body without cycles in it runs each block once at most, so a
// variable moves no further than the largest of them in one turn.
//
// The limit must not be passed by wrapping round, so: a moving base is looked at in every turn (the
// access stands on all ways to the loop's end), it moves by STEP_MAX at most, and memory.c
// gives no limit that is near to 0 or to 2^64. A base that never moves may be looked at any time.
#include "tcg/x86_64/streams.h"
#include <string.h>
#include "tcg/ir_arena.h"

#define STREAMS_MAX 48u
#define STEP_MAX 4096 /* STREAM_MARGIN of memory.c is more than twice that, and a page */
#define TREE_DEPTH 6u

/* How something moves from one turn of a loop to the next. */
typedef enum Course { UNKNOWN, FIXED, RISING, FALLING } Course;

typedef struct Motion {
    Course course;
    uint32_t step; /* at most */
} Motion;

/* A loop's settings of a variable: `root` + lowest .. root + highest. */
typedef struct Settings {
    uint32_t count;
    bool wild;
    IrRef root;
    int64_t lowest, highest;
} Settings;

typedef struct LoopInfo {
    const RaLoop *loop;
    bool innermost;
    bool has_calls;
    Settings *vars;   /* by variable */
    RaStream *rising, *falling;
    struct LoopInfo *next;
} LoopInfo;

struct Streams {
    TcgEmit *e;
    const IrInsn **def; /* by value; NULL: unknown, or a variable's content at a merge */
    uint32_t *content;  /* by value: the variable whose content it is, or NO_VAR */
    uint32_t value_count;
    LoopInfo *loops;
    uint32_t count;
};

static void *zeroed(const Streams *s, size_t count, size_t size)
{
    return memset(ir_arena_alloc(s->e->unit->arena, count * size), 0, count * size);
}

/* ---- what values are ---- */

static void note_values(Streams *s)
{
    const RegAlloc *ra = s->e->ra;
    const IrUnit *u = s->e->unit;
    s->value_count = u->value_count;
    s->def = zeroed(s, s->value_count, sizeof s->def[0]);
    s->content = ir_arena_alloc(u->arena, s->value_count * sizeof s->content[0]);
    memset(s->content, 0xff, s->value_count * sizeof s->content[0]);
    for (uint32_t n = 0; n < ra->norder; n++) {
        const RaMerge *m = ra->blocks[ra->order[n]].merge;
        const IrBlock *b = u->blocks[ra->order[n]];
        for (uint32_t k = 0; m && k < m->count; k++) {
            s->content[m->vars[k].value] = m->vars[k].var;
        }
        for (uint32_t i = 0; i < b->count; i++) {
            const IrInsn *in = &b->insns[i];
            if (in->dst && !ra->values[in->dst].alias) {
                s->def[in->dst] = in;
                if (in->op == IR_OP_GET) {
                    s->content[in->dst] = (uint32_t)in->imm;
                }
            }
        }
    }
}

/* r is *rest + *addend, if that is known to be the case; the constant added or subtracted last. */
static bool split_sum(const Streams *s, IrRef r, IrRef *rest, int64_t *addend)
{
    const IrInsn *in = ir_is_const(r) ? NULL : s->def[r];
    uint64_t c;
    if (!in || (in->op != IR_OP_ADD && in->op != IR_OP_SUB) || in->type != IR_I64) {
        return false;
    }
    IrRef a = ra_canonical(s->e->ra, in->arg[0]), b = ra_canonical(s->e->ra, in->arg[1]);
    if (emit_const(s->e, b, &c)) {
        *rest = a;
    } else if (in->op == IR_OP_ADD && emit_const(s->e, a, &c)) {
        *rest = b;
    } else {
        return false;
    }
    *addend = (int64_t)(in->op == IR_OP_SUB ? 0 - c : c);
    return true;
}

static void note_setting(Streams *s, LoopInfo *l, const IrInsn *in)
{
    Settings *v = &l->vars[in->imm];
    IrRef root = ra_canonical(s->e->ra, in->arg[0]), rest;
    int64_t sum = 0, addend;
    for (unsigned n = 0; n < TREE_DEPTH && split_sum(s, root, &rest, &addend); n++) {
        if (addend > STEP_MAX || addend < -STEP_MAX) {
            break;
        }
        root = rest;
        sum += addend;
    }
    v->wild |= sum > STEP_MAX || sum < -STEP_MAX || ir_is_const(root) || s->content[root] != in->imm || (v->count && v->root != root);
    v->lowest = v->count ? MIN(v->lowest, sum) : sum;
    v->highest = v->count ? MAX(v->highest, sum) : sum;
    v->root = root;
    v->count++;
}

static Motion motion_of_var(const LoopInfo *l, uint32_t var)
{
    const Settings *v = &l->vars[var];
    if (!v->count) {
        return (Motion){ FIXED, 0 };
    }
    if (v->wild) {
        return (Motion){ UNKNOWN, 0 };
    }
    if (!v->lowest && !v->highest) {
        return (Motion){ FIXED, 0 };
    }
    if (!l->innermost || (v->lowest < 0 && v->highest > 0)) {
        return (Motion){ UNKNOWN, 0 };
    }
    return v->highest > 0 ? (Motion){ RISING, (uint32_t)v->highest }
                          : (Motion){ FALLING, (uint32_t)-v->lowest };
}

static Motion sum_of(Motion a, Motion b)
{
    bool apart = a.course != b.course && a.course != FIXED && b.course != FIXED;
    if (a.course == UNKNOWN || b.course == UNKNOWN || apart || a.step + b.step > STEP_MAX) {
        return (Motion){ UNKNOWN, 0 };
    }
    return (Motion){ a.course == FIXED ? b.course : a.course, a.step + b.step };
}

static Motion negated(Motion m)
{
    m.course = m.course == RISING ? FALLING : m.course == FALLING ? RISING : m.course;
    return m;
}

static Motion shifted(Motion m, uint64_t by)
{
    if (m.course == RISING || m.course == FALLING) {
        if (by > 16 || m.step << by > STEP_MAX) {
            return (Motion){ UNKNOWN, 0 };
        }
        m.step <<= by;
    }
    return m;
}

static Motion motion_of(const Streams *s, const LoopInfo *l, IrRef r, unsigned depth)
{
    const RegAlloc *ra = s->e->ra;
    const Motion unknown = { UNKNOWN, 0 }, fixed = { FIXED, 0 };
    r = ra_canonical(ra, r);
    if (ir_is_const(r)) {
        return fixed;
    }
    if (r >= s->value_count || depth == TREE_DEPTH) {
        return unknown;
    }
    uint32_t var = s->content[r];
    if (var != NO_VAR) {
        /* With several settings, only what all of them start from is known to go one way. */
        Motion m = motion_of_var(l, var);
        bool sure = m.course == FIXED || l->vars[var].count < 2 || l->vars[var].root == r;
        return sure ? m : unknown;
    }
    const IrInsn *in = s->def[r];
    if (!in || ir_op_info[in->op].effects != IR_EFFECT_PURE) {
        return unknown;
    }
    Motion args[IR_MAX_ARGS];
    unsigned nargs = ra_nargs(in);
    bool all_fixed = nargs > 0;
    for (unsigned k = 0; k < nargs; k++) {
        args[k] = motion_of(s, l, in->arg[k], depth + 1);
        all_fixed &= args[k].course == FIXED;
    }
    if (all_fixed) {
        return fixed;
    }
    uint64_t by;
    switch (in->type == IR_I64 ? in->op : IR_OP_COUNT) {
    case IR_OP_ADD:
        return sum_of(args[0], args[1]);
    case IR_OP_SUB:
        return sum_of(args[0], negated(args[1]));
    case IR_OP_SHL:
        return emit_const(s->e, ra_canonical(ra, in->arg[1]), &by) ? shifted(args[0], by) : unknown;
    default:
        return unknown;
    }
}

/* ---- loops ---- */

/* Can its blocks be put in an order in which each way leads forward, but for those to the head? Else
 * there is a cycle within, which need not be a loop that anybody knows: it may have no head. */
static bool is_innermost(const Streams *s, const RaLoop *loop)
{
    const RaFlow *f = s->e->ra->flow;
    uint32_t *preds = zeroed(s, s->e->unit->block_count, sizeof preds[0]);
    uint32_t *stack = ir_arena_alloc(s->e->unit->arena, loop->size * sizeof stack[0]);
    uint32_t depth = 0, ordered = 0;
    for (uint32_t b = 0; b < s->e->unit->block_count; b++) {
        for (uint32_t edge = bit_get(loop->body, b) ? f->first_pred[b] : 0; edge;
             edge = f->preds[edge - 1].next) {
            preds[b]++;
        }
    }
    stack[depth++] = loop->head;
    while (depth) {
        uint32_t to[2];
        unsigned n = ra_successors(s->e->unit, stack[--depth], to);
        ordered++;
        while (n-- > 0) {
            if (to[n] != loop->head && bit_get(loop->body, to[n]) && --preds[to[n]] == 0) {
                stack[depth++] = to[n];
            }
        }
    }
    return ordered == loop->size;
}

static void add_loop(Streams *s, const RaLoop *loop)
{
    const RegAlloc *ra = s->e->ra;
    LoopInfo *l = zeroed(s, 1, sizeof *l);
    l->loop = loop;
    l->innermost = is_innermost(s, loop);
    l->vars = zeroed(s, ra->nvars, sizeof l->vars[0]);
    for (uint32_t n = 0; n < ra->norder; n++) {
        const IrBlock *b = s->e->unit->blocks[ra->order[n]];
        for (uint32_t i = 0; bit_get(loop->body, ra->order[n]) && i < b->count; i++) {
            l->has_calls |= may_change_mappings(&b->insns[i]);
            if (b->insns[i].op == IR_OP_SET) {
                note_setting(s, l, &b->insns[i]);
            }
        }
    }
    l->next = s->loops;
    s->loops = l;
}

Streams *streams_new(TcgEmit *e)
{
    const RegAlloc *ra = e->ra;
    if (!ra->flow || !ra->flow->loops || leaves_out(e, TCG_NO_STREAMS) ||
        e->unit->local_count + STREAMS_MAX > FRAME_SLOTS / 2) {
        return NULL;
    }
    Streams *s = ir_arena_alloc(e->unit->arena, sizeof *s);
    *s = (Streams){ .e = e };
    note_values(s);
    for (const RaLoop *loop = ra->flow->loops; loop; loop = loop->next) {
        add_loop(s, loop);
    }
    return s;
}

/* No turn of the loop, which has no cycle in it, leaves `block` out. */
static bool is_always_passed(const Streams *s, const RaLoop *loop, uint32_t block)
{
    const RaFlow *f = s->e->ra->flow;
    uint64_t *seen = zeroed(s, f->block_words, sizeof seen[0]);
    uint32_t *stack = ir_arena_alloc(s->e->unit->arena, (loop->size + 1) * sizeof stack[0]);
    uint32_t depth = 0;
    if (block == loop->head) {
        return true;
    }
    stack[depth++] = loop->head;
    bit_set(seen, loop->head);
    while (depth) {
        uint32_t to[2];
        unsigned n = ra_successors(s->e->unit, stack[--depth], to);
        while (n-- > 0) {
            if (to[n] == loop->head) {
                return false;
            }
            if (to[n] != block && bit_get(loop->body, to[n]) && !bit_get(seen, to[n])) {
                bit_set(seen, to[n]);
                stack[depth++] = to[n];
            }
        }
    }
    return true;
}

/* What does not move is looked at once for the largest loop in which that is so. */
static LoopInfo *loop_for(const Streams *s, uint32_t block, IrRef base, Motion *motion)
{
    LoopInfo *best = NULL;
    for (LoopInfo *l = s->loops; l; l = l->next) {
        if (l->has_calls || !bit_get(l->loop->body, block)) {
            continue;
        }
        Motion m = motion_of(s, l, base, 0);
        bool moves = m.course == RISING || m.course == FALLING;
        if (m.course == UNKNOWN || (moves && !is_always_passed(s, l->loop, block))) {
            continue;
        }
        if (!best || l->loop->size > best->loop->size) {
            best = l;
            *motion = m;
        }
    }
    return best;
}

const RaStream *stream_new(Streams *s, uint32_t block, IrRef base)
{
    Motion motion;
    LoopInfo *l = s && s->count < STREAMS_MAX ? loop_for(s, block, base, &motion) : NULL;
    if (!l) {
        return NULL;
    }
    s->count++;
    RaStream *stream = zeroed(s, 1, sizeof *stream);
    RaStream **list = motion.course == FALLING ? &l->falling : &l->rising;
    stream->falls = motion.course == FALLING;
    stream->next = *list;
    *list = stream;
    return stream;
}

/* ---- where they begin ---- */

static void begin_on_edge(Streams *s, uint32_t from, const RaStream *first)
{
    IrBlock *b = s->e->unit->blocks[from];
    IrInsn *to = ir_arena_alloc(s->e->unit->arena, (b->count + 1) * sizeof *to);
    uint32_t at = b->count - 1;
    at -= at > 0 && b->insns[at - 1].op == IR_OP_POLL; /* which belongs to the jump */
    memcpy(to, b->insns, at * sizeof *to);
    to[at] = (IrInsn){ .op = X86_OP_BEGIN_STREAMS, .imm = (uintptr_t)first };
    memcpy(to + at + 1, b->insns + at, (b->count - at) * sizeof *to);
    b->insns = to;
    b->capacity = ++b->count;
}

static uint32_t give_slots(RaStream *list, uint32_t slot)
{
    for (; list; list = list->next) {
        list->slot = slot++;
    }
    return slot;
}

void streams_place(Streams *s)
{
    RegAlloc *ra = s->e->ra;
    const RaFlow *f = ra->flow;
    uint32_t slot = ra->streams.first = ra->fixed_slots;
    for (LoopInfo *l = s->loops; l; l = l->next) {
        slot = give_slots(l->rising, slot);
    }
    ra->streams.rising = slot - ra->streams.first;
    for (LoopInfo *l = s->loops; l; l = l->next) {
        slot = give_slots(l->falling, slot);
    }
    ra->streams.falling = slot - ra->streams.first - ra->streams.rising;
    ra->fixed_slots = slot;
    for (LoopInfo *l = s->loops; l; l = l->next) {
        RaStream **end = &l->rising;
        while (*end) {
            end = &(*end)->next;
        }
        *end = l->falling;
        for (uint32_t edge = f->first_pred[l->loop->head]; l->rising && edge;
             edge = f->preds[edge - 1].next) {
            if (!bit_get(l->loop->body, f->preds[edge - 1].from)) {
                begin_on_edge(s, f->preds[edge - 1].from, l->rising);
            }
        }
    }
}
