// SPDX-License-Identifier: MIT
//
// What register allocation must know beforehand, in three linear passes over a unit:
//
// 1. Order. Blocks are emitted so that a block with a single predecessor comes after it, and
//    directly after it if possible: it inherits the allocator's state. Others are roots, which
//    begin with every variable in memory, but for those that merge.c chose.
// 2. Copies. Along the order, operands are replaced by the values that they are copies of: mov,
//    get of a variable whose content is known, truncations (an i32 is the low half of a register),
//    extensions of values that are already extended. Such instructions emit nothing. Here also
//    arithmetic and the flags of the same operands are brought together.
// 3. Next uses, backwards: for each operand the position of the value's next use after the
//    instruction, 0 if there is none; for each block with a parent the values that it needs.
//    Instructions whose result nobody needs are removed.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/x86_64/loops.h"

#define NEAR 24u /* instructions that one is looked for among */

/* ---- 1. order ---- */

static const IrInsn *terminator(const IrUnit *u, uint32_t block)
{
    const IrBlock *b = u->blocks[block];
    return &b->insns[b->count - 1];
}

unsigned ra_successors(const IrUnit *u, uint32_t block, uint32_t out[2])
{
    const IrInsn *in = terminator(u, block);
    switch (in->op) {
    case IR_OP_JUMP:
        out[0] = (uint32_t)in->imm;
        return 1;
    case IR_OP_BRC:
    case IR_OP_BRF:
    case IR_OP_BR:
        out[0] = IR_THEN(in->imm);
        out[1] = IR_ELSE(in->imm);
        return 2;
    default:
        return 0;
    }
}

/* The end of a loop is better left by a jump than closed by one. */
static bool leads_back(const RegAlloc *ra, const IrUnit *u, uint32_t block)
{
    const IrInsn *in = terminator(u, block);
    return in->op == IR_OP_JUMP && ra->blocks[in->imm].placed && ra->blocks[in->imm].preds > 1;
}

static void order_blocks(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    const IrUnit *u = e->unit;
    memset(ra->blocks, 0, u->block_count * sizeof ra->blocks[0]);
    ra->blocks[0].preds = 2; /* always a root */
    for (uint32_t b = 0; b < u->block_count; b++) {
        uint32_t to[2];
        unsigned n = u->blocks[b]->count ? ra_successors(u, b, to) : 0;
        for (unsigned k = 0; k < n; k++) {
            ra->blocks[to[k]].preds++;
        }
    }
    /* A stack of blocks to place; the fall-through is on top. Each edge pushes once. */
    uint32_t *stack = ra->order + u->block_count;
    uint32_t depth = 0;
    ra->norder = 0;
    stack[depth++] = 0;
    while (depth) {
        uint32_t b = stack[--depth];
        RaBlock *rb = &ra->blocks[b];
        if (rb->placed) {
            continue;
        }
        rb->placed = true;
        ra->order[ra->norder++] = b;
        uint32_t to[2];
        unsigned n = ra_successors(u, b, to);
        if (n == 2 && leads_back(ra, u, to[0])) {
            uint32_t back = to[0];
            to[0] = to[1];
            to[1] = back;
        }
        for (unsigned k = 0; k < n; k++) {
            RaBlock *succ = &ra->blocks[to[k]];
            if (!succ->placed) {
                succ->parent = succ->preds == 1 ? (int32_t)b : -1;
                stack[depth++] = to[k];
            }
        }
    }
    ra->blocks[0].parent = -1;
}

/* ---- 2. copies ---- */

struct RaMapped {
    IrRef ref;
    uint32_t generation;
};

struct RaUndo {
    uint32_t var;
    struct RaMapped old;
};

static void map_set(RegAlloc *ra, uint32_t var, IrRef ref, uint32_t generation)
{
    if (ra->nundo == ra->cap_undo) {
        ra->cap_undo = ra->cap_undo ? ra->cap_undo * 2 : 256;
        ra->undo = realloc(ra->undo, ra->cap_undo * sizeof ra->undo[0]);
        assert(ra->undo);
    }
    ra->undo[ra->nundo++] = (struct RaUndo){ var, ra->map[var] };
    ra->map[var] = (struct RaMapped){ ref, generation };
}

/* Of a load of `bytes` (log2) into a register of type T. */
static unsigned load_zero_above(unsigned type, unsigned bytes_log2)
{
    if (type != IR_V128) {
        return type == IR_F32 ? ZERO_ABOVE_32 | ZERO_ABOVE_64 : ZERO_ABOVE_64;
    }
    return bytes_log2 > 3 ? 0 : bytes_log2 == 3 ? ZERO_ABOVE_64 : ZERO_ABOVE_64 | ZERO_ABOVE_32;
}

/* What emitters promise about the register bits above a result in an XMM register. */
unsigned emit_value_zero_above(const TcgEmit *e, const IrInsn *in)
{
    switch (in->op) {
    case IR_OP_GET:
        return load_zero_above(in->type, 4);
    case IR_OP_LD:
        return load_zero_above(in->type, ir_mem_size_log2(in->sub));
    case IR_OP_LDENV:
        return load_zero_above(in->type, in->sub);
    case IR_OP_BITS_F32:
        return ZERO_ABOVE_32 | ZERO_ABOVE_64;
    case IR_OP_BITS_F64:
    case IR_OP_VLOW:
    case IR_OP_VHIGH:
        return ZERO_ABOVE_64;
    case IR_OP_VZEXT: {
        IrType x = ir_ref_type(e->unit, in->arg[0]);
        return x == IR_I32 || x == IR_F32 ? ZERO_ABOVE_32 | ZERO_ABOVE_64 : ZERO_ABOVE_64;
    }
    default:
        return emit_fp_zero_above(e, in);
    }
}

/* The value or constant that the result of `in` is a copy of, or IR_NONE. */
static IrRef copy_of(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    IrUnit *u = e->unit;
    IrRef a = ra_canonical(ra, in->arg[0]);
    bool is_const = ir_is_const(a);
    switch (in->op) {
    case IR_OP_MOV:
        return a;
    case IR_OP_TRUNC:
        return is_const ? ir_const(u, IR_I32, (uint32_t)ir_const_get(u, a)->lo, 0) : a;
    case IR_OP_ZEXT:
        if (is_const) {
            return ir_const(u, IR_I64, (uint32_t)ir_const_get(u, a)->lo, 0);
        }
        return ra->values[a].type == IR_I32 ? a : IR_NONE;
    case IR_OP_VTRUNC:
        return type_is_xmm(in->type) && !is_const ? a : IR_NONE;
    case IR_OP_VLOW:
        return !is_const && ra->values[a].zero_above & ZERO_ABOVE_64 ? a : IR_NONE;
    case IR_OP_VZEXT: {
        IrType x = ir_ref_type(u, in->arg[0]);
        unsigned need = x == IR_F32 ? ZERO_ABOVE_32 : ZERO_ABOVE_64;
        return type_is_xmm(x) && !is_const && ra->values[a].zero_above & need ? a : IR_NONE;
    }
    default:
        return IR_NONE;
    }
}

static IrOp flags_partner(unsigned nzcv_op)
{
    switch (nzcv_op) {
    case IR_OP_NZCV_ADD: return IR_OP_ADD;
    case IR_OP_NZCV_SUB: return IR_OP_SUB;
    case IR_OP_NZCV_AND: return IR_OP_AND;
    case IR_OP_NZCV_ADC: return IR_OP_ADC;
    case IR_OP_NZCV_SBC: return IR_OP_SBC;
    default: return IR_OP_COUNT;
    }
}

/* Does `in` neither emit code nor matter for host flags? */
static bool is_quiet(const RegAlloc *ra, const IrInsn *in)
{
    return in->op == IR_OP_SET || in->op == IR_OP_INSN_START ||
           (in->dst && ra->values[in->dst].alias);
}

static bool same_operands(const RegAlloc *ra, const IrInsn *x, const IrInsn *y)
{
    for (unsigned k = 0; k < 3; k++) {
        if (ra_canonical(ra, x->arg[k]) != ra_canonical(ra, y->arg[k])) {
            return false;
        }
    }
    return x->type == y->type;
}

/* Fuse the flags at `i` with arithmetic on the same operands: that comes first, is marked by
 * sub = 1 (it must be done by an instruction that sets flags), and the flags, marked by sub = 1
 * and its distance in imm, need no code and no operands. */
static void fuse_flags(RegAlloc *ra, IrBlock *b, uint32_t i)
{
    IrInsn *flags = &b->insns[i];
    IrOp partner = flags_partner(flags->op);
    flags->sub = 0;
    for (uint32_t k = i; k-- > 0;) {
        IrInsn *in = &b->insns[k];
        if (in->op == partner && !ra->values[in->dst].alias && same_operands(ra, in, flags)) {
            in->sub = 1;
            flags->sub = 1;
            flags->imm = i - k;
            return;
        }
        if (!is_quiet(ra, in)) {
            break;
        }
    }
    /* The arithmetic may follow: operands are defined before the flags, so it can go first. */
    for (uint32_t k = i + 1; k < b->count && k < i + 4; k++) {
        IrInsn in = b->insns[k];
        if (in.op == partner && same_operands(ra, &in, flags)) {
            memmove(&b->insns[i + 1], &b->insns[i], (k - i) * sizeof in);
            in.sub = 1;
            b->insns[i] = in;
            b->insns[i + 1].sub = 1;
            b->insns[i + 1].imm = 1;
            return;
        }
        if (in.op != IR_OP_SET) {
            break;
        }
    }
}

/* A high half right behind the low half of the same product: one multiplication gives both. Both are
 * marked by sub = 1, and by their distance in imm. */
static void fuse_product(const RegAlloc *ra, IrBlock *b, uint32_t i)
{
    IrInsn *high = &b->insns[i];
    if ((high->op != IR_OP_MULHU && high->op != IR_OP_MULHS) || high->type != IR_I64) {
        return;
    }
    for (uint32_t k = i; k-- > 0;) {
        IrInsn *low = &b->insns[k];
        if (low->op == IR_OP_MUL && !ra->values[low->dst].alias && same_operands(ra, low, high) &&
            !ir_is_const(low->arg[0]) && !ir_is_const(low->arg[1])) {
            low->sub = high->sub = 1;
            low->imm = high->imm = i - k;
            return;
        }
        if (!is_quiet(ra, low)) {
            return;
        }
    }
}

/* The condition on flags of a - b (or of a & b, for the tests) that is comparison `cc`. */
static int condition_of(unsigned cc)
{
    static const int8_t cond[IR_CC_COUNT] = {
        [IR_EQ] = IR_COND_EQ,  [IR_NE] = IR_COND_NE,  [IR_LT] = IR_COND_LT,
        [IR_GE] = IR_COND_GE,  [IR_LE] = IR_COND_LE,  [IR_GT] = IR_COND_GT,
        [IR_LTU] = IR_COND_CC, [IR_GEU] = IR_COND_CS, [IR_LEU] = IR_COND_LS,
        [IR_GTU] = IR_COND_HI, [IR_TSTEQ] = IR_COND_EQ, [IR_TSTNE] = IR_COND_NE,
    };
    return cond[cc];
}

/* Do the flags that `f` computes decide the comparison of `in`? */
static bool flags_decide(const TcgEmit *e, const IrInsn *f, const IrInsn *in)
{
    const RegAlloc *ra = e->ra;
    bool test = in->sub == IR_TSTEQ || in->sub == IR_TSTNE;
    IrRef a = ra_canonical(ra, in->arg[0]), b = ra_canonical(ra, in->arg[1]);
    IrRef fa = ra_canonical(ra, f->arg[0]), fb = ra_canonical(ra, f->arg[1]);
    if (f->type != in->type) {
        return false;
    }
    if (f->op == IR_OP_NZCV_SUB) {
        return !test && a == fa && b == fb;
    }
    if (f->op != IR_OP_NZCV_AND) {
        return false;
    }
    /* a & a against 0: signed comparisons, for V is clear. */
    return test ? a == fa && b == fb
                : a == fa && a == fb && in->sub < IR_LTU && ir_is_const(b) &&
                  ir_const_get(e->unit, b)->lo == 0;
}

/* A comparison whose flags have just been computed is a condition on these. */
static void fuse_compare(const TcgEmit *e, IrBlock *b, uint32_t i)
{
    IrInsn *in = &b->insns[i];
    if (in->op != IR_OP_BRC && in->op != IR_OP_SELC && in->op != IR_OP_SETC) {
        return;
    }
    for (uint32_t k = i; k-- > 0;) {
        const IrInsn *f = &b->insns[k];
        if (flags_decide(e, f, in)) {
            in->op = in->op == IR_OP_BRC ? IR_OP_BRF : in->op == IR_OP_SELC ? IR_OP_SELF
                                                                             : IR_OP_SETF;
            in->sub = (uint16_t)condition_of(in->sub);
            in->arg[0] = f->dst;
            if (in->op == IR_OP_SELF) {
                in->arg[1] = in->arg[2];
                in->arg[2] = in->arg[3];
                in->arg[3] = IR_NONE;
            } else {
                in->arg[1] = IR_NONE;
            }
            return;
        }
        if (!is_quiet(e->ra, f) && f->op != IR_OP_GET) { /* a get is a plain load at most */
            return;
        }
    }
}

/* The instruction before `i` in the block whose result is `v`, if it is not far. */
static const IrInsn *near_definition(const RegAlloc *ra, const IrBlock *b, uint32_t i, IrRef v)
{
    v = ra_canonical(ra, v);
    for (uint32_t k = i; !ir_is_const(v) && k-- > 0 && i - k < NEAR;) {
        if (b->insns[k].dst == v) {
            return &b->insns[k];
        }
    }
    return NULL;
}

static bool is_increment(const RegAlloc *ra, const IrUnit *u, const IrInsn *in, IrRef x)
{
    return in && in->op == IR_OP_ADD && !ra->values[in->dst].alias &&
           ra_canonical(ra, in->arg[0]) == ra_canonical(ra, x) && ir_is_const(in->arg[1]) &&
           ir_const_get(u, in->arg[1])->lo == 1;
}

/* One more if the carry is set, by flags that are integer's: an addition with carry. */
static void fuse_increment(const TcgEmit *e, IrBlock *b, uint32_t i)
{
    const RegAlloc *ra = e->ra;
    IrUnit *u = e->unit;
    IrInsn *in = &b->insns[i];
    if (in->op != IR_OP_SELF || type_is_xmm(in->type) || (in->sub & ~1u) != IR_COND_CS) {
        return;
    }
    IrRef more = in->arg[in->sub == IR_COND_CS ? 1 : 2], x = in->arg[in->sub == IR_COND_CS ? 2 : 1];
    const IrInsn *sum = near_definition(ra, b, i, more);
    const IrInsn *flags = near_definition(ra, b, i, in->arg[0]);
    if (is_increment(ra, u, sum, x) && sum->type == in->type && flags &&
        flags->op >= IR_OP_NZCV_ADD && flags->op <= IR_OP_NZCV_SBC) {
        *in = (IrInsn){ .op = IR_OP_ADC, .type = in->type, .dst = in->dst,
                        .arg = { x, ir_const(u, in->type, 0, 0), in->arg[0] } };
    }
}

/* The sum with something shifted left by up to three: `imm` of the addition. */
static void fuse_scaled(const RegAlloc *ra, const IrUnit *u, IrBlock *b, uint32_t i)
{
    IrInsn *in = &b->insns[i];
    if (in->op != IR_OP_ADD || in->sub || ra->values[in->dst].alias || ir_is_const(in->arg[1])) {
        return;
    }
    for (unsigned k = 2; k-- > 0;) {
        const IrInsn *shift = near_definition(ra, b, i, in->arg[k]);
        if (shift && shift->op == IR_OP_SHL && shift->type == in->type &&
            !ir_is_const(shift->arg[0]) && ir_is_const(shift->arg[1]) &&
            ir_const_get(u, shift->arg[1])->lo - 1 < 3) {
            IrRef base = in->arg[!k];
            if (ir_is_const(base)) {
                return;
            }
            in->imm = ir_const_get(u, shift->arg[1])->lo;
            in->arg[1] = shift->arg[0];
            in->arg[0] = base;
            return;
        }
    }
}

static void fuse_insn(const TcgEmit *e, IrBlock *b, uint32_t i)
{
    if (!leaves_out(e, TCG_NO_CARRY_SUMS)) {
        fuse_increment(e, b, i);
    }
    if (flags_partner(b->insns[i].op) != IR_OP_COUNT && !leaves_out(e, TCG_NO_FUSED_FLAGS)) {
        fuse_flags(e->ra, b, i);
    }
    if (!leaves_out(e, TCG_NO_FUSED_COMPARISONS)) {
        fuse_compare(e, b, i);
    }
    if (!leaves_out(e, TCG_NO_WIDE_PRODUCTS)) {
        fuse_product(e->ra, b, i);
    }
}

static void resolve_insn(TcgEmit *e, IrInsn *in, uint32_t generation)
{
    RegAlloc *ra = e->ra;
    for (unsigned k = 0; k < IR_MAX_ARGS && in->arg[k]; k++) {
        IrRef r = ra_canonical(ra, in->arg[k]);
        if (ir_is_const(r)) {
            in->arg[k] = r; /* its own type is right; other copies keep the operand's type */
        }
    }
    switch (in->op) {
    case IR_OP_GET:
        if (ra->map[in->imm].ref && ra->map[in->imm].generation == generation) {
            ra->values[in->dst].alias = ra->map[in->imm].ref;
        } else {
            map_set(ra, in->imm, in->dst, generation);
        }
        break;
    case IR_OP_SET:
        map_set(ra, in->imm, ra_canonical(ra, in->arg[0]), generation);
        break;
    case IR_OP_INSN_START:
        if (e->unit->globals->pc < ra->nvars) {
            map_set(ra, e->unit->globals->pc, IR_NONE, generation);
        }
        break;
    case IR_OP_CALL:
        if (((const IrHelper *)(uintptr_t)in->imm)->flags & IR_HELPER_WRITES) {
            for (uint32_t v = 0; v < e->unit->globals->count; v++) {
                if (ra->map[v].ref && ra->map[v].generation == generation) {
                    map_set(ra, v, IR_NONE, generation);
                }
            }
        }
        break;
    default:
        break;
    }
    if (in->dst && !ra->values[in->dst].alias) {
        IrRef copy = copy_of(e, in);
        ra->values[in->dst].alias = copy;
        if (!copy && type_is_xmm(e->unit->value_types[in->dst])) {
            ra->values[in->dst].zero_above = emit_value_zero_above(e, in);
        }
    }
}

/* A merge's variables are values of their own. */
static void begin_merge(TcgEmit *e, RaMerge *m, uint32_t generation)
{
    for (uint32_t n = 0; n < m->count; n++) {
        RaMergeVar *v = &m->vars[n];
        v->value = ra_value_new(e, ir_var_type(e->unit, v->var));
        map_set(e->ra, v->var, v->value, generation);
    }
}

/* What the variables of the merge that `block` jumps to are at its end. */
static void note_edge(TcgEmit *e, uint32_t block)
{
    RegAlloc *ra = e->ra;
    RaBlock *rb = &ra->blocks[block];
    const IrInsn *last = terminator(e->unit, block);
    const RaMerge *m = last->op == IR_OP_JUMP ? ra->blocks[last->imm].merge : NULL;
    if (!m) {
        return;
    }
    rb->edge = ir_arena_alloc(e->unit->arena, m->count * sizeof rb->edge[0]);
    for (uint32_t n = 0; n < m->count; n++) {
        const struct RaMapped *known = &ra->map[m->vars[n].var];
        IrRef r = rb->edge[n] = known->generation == rb->generation ? known->ref : IR_NONE;
        if (r && !ir_is_const(r)) {
            ra->values[r].want = &m->vars[n];
        }
    }
    for (uint32_t var = 0; var < e->unit->globals->count; var++) {
        const struct RaMapped *known = &ra->map[var];
        if (known->ref && known->generation == rb->generation &&
            ir_var_type(e->unit, var) == IR_I32 && !leaves_out(e, TCG_NO_LOOP_FLAGS)) {
            ra_note_edge_flags(e, block, var, known->ref);
        }
    }
}

static void resolve_copies(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    uint32_t next_generation = 1;
    memset(ra->map, 0, ra->nvars * sizeof ra->map[0]);
    ra->nundo = 0;
    ra->guarded_var = NO_VAR;
    for (uint32_t n = 0; n < ra->norder; n++) {
        RaBlock *rb = &ra->blocks[ra->order[n]];
        IrBlock *b = e->unit->blocks[ra->order[n]];
        if (rb->parent >= 0) {
            rb->generation = ra->blocks[rb->parent].generation;
            while (ra->nundo > ra->blocks[rb->parent].undo) {
                struct RaUndo *undo = &ra->undo[--ra->nundo];
                ra->map[undo->var] = undo->old;
            }
        } else {
            rb->generation = next_generation++;
            if (rb->merge) {
                begin_merge(e, rb->merge, rb->generation);
            }
        }
        for (uint32_t i = 0; i < b->count; i++) {
            fuse_insn(e, b, i);
            resolve_insn(e, &b->insns[i], rb->generation);
        }
        note_edge(e, ra->order[n]);
        rb->undo = ra->nundo;
    }
}

static void scale_sums(TcgEmit *e)
{
    for (uint32_t n = 0; n < e->ra->norder; n++) {
        IrBlock *b = e->unit->blocks[e->ra->order[n]];
        for (uint32_t i = 0; i < b->count; i++) {
            fuse_scaled(e->ra, e->unit, b, i);
        }
    }
}

/* ---- 3. next uses ---- */

static void touch(RegAlloc *ra, IrRef v, uint32_t position)
{
    RaValue *val = &ra->values[v];
    if (!val->next_use) {
        ra->touched[ra->ntouched++] = v; /* may repeat; there is room for one per operand */
    }
    val->next_use = position;
}

/* Nothing but the result makes the instruction worth doing. */
static bool is_removable(const IrInsn *in)
{
    if (in->op == X86_OP_PROBE) {
        return true;
    }
    if (in->op == IR_OP_CALL) {
        return ((const IrHelper *)(uintptr_t)in->imm)->flags & IR_HELPER_PURE;
    }
    unsigned effects = ir_op_info[in->op].effects;
    return effects == IR_EFFECT_PURE || effects == IR_EFFECT_RO;
}

/* Position `position` of the instruction; entries are written downwards from ra->use_at. */
static void next_uses_insn(TcgEmit *e, IrBlock *b, uint32_t i, uint32_t position)
{
    RegAlloc *ra = e->ra;
    IrInsn *in = &b->insns[i];
    unsigned nargs = ra_nargs(in);
    uint32_t *out = ra->uses + (ra->use_at -= 1 + nargs);
    memset(out, 0, (1 + nargs) * sizeof *out);
    if (in->dst) {
        RaValue *d = &ra->values[in->dst];
        if (d->alias) {
            return;
        }
        out[0] = d->next_use;
        d->next_use = 0;
        bool follows = (flags_partner(in->op) != IR_OP_COUNT || in->op == IR_OP_MULHU ||
                        in->op == IR_OP_MULHS) && in->sub;
        if (!out[0] && is_removable(in) && (follows || !ra_has_follower(in))) {
            if (follows) {
                b->insns[i - in->imm].sub = 0;
            }
            return;
        }
        if (follows) {
            return;
        }
    }
    for (unsigned k = 0; k < nargs; k++) {
        IrRef r = ra_canonical(ra, in->arg[k]);
        out[1 + k] = ir_is_const(r) ? 0 : ra->values[r].next_use;
    }
    for (unsigned k = 0; k < nargs; k++) {
        IrRef r = ra_canonical(ra, in->arg[k]);
        if (!ir_is_const(r)) {
            unsigned bytes = ir_type_size(ir_ref_type(e->unit, in->arg[k]));
            ra->values[r].need = (uint8_t)MAX(ra->values[r].need, bytes);
            touch(ra, r, position);
        }
    }
}

/* The end of `block` wants what it brings to a merge. */
static void next_uses_edge(TcgEmit *e, uint32_t block, uint32_t position)
{
    RegAlloc *ra = e->ra;
    const RaMerge *m = ra->blocks[terminator(e->unit, block)->imm].merge;
    for (uint32_t n = 0; n < m->count; n++) {
        IrRef r = ra->blocks[block].edge[n];
        if (r && !ir_is_const(r)) {
            ra->values[r].need = (uint8_t)ir_type_size(IR_V128);
            touch(ra, r, position);
        }
    }
}

static bool live_reserve(RegAlloc *ra, uint32_t more)
{
    if (ra->nlive + more > ra->cap_live) {
        ra->cap_live = (ra->nlive + more) * 2;
        RaLive *p = realloc(ra->live, ra->cap_live * sizeof *p);
        if (!p) {
            return false;
        }
        ra->live = p;
    }
    return true;
}

/* At the end of a block: what its heirs need. */
static void live_out(TcgEmit *e, uint32_t block)
{
    RegAlloc *ra = e->ra;
    uint32_t to[2];
    unsigned n = ra_successors(e->unit, block, to);
    for (unsigned k = 0; k < n; k++) {
        const RaBlock *succ = &ra->blocks[to[k]];
        if (succ->parent != (int32_t)block) {
            continue;
        }
        for (uint32_t i = 0; i < succ->live_in_count; i++) {
            const RaLive *l = &ra->live[succ->live_in + i];
            uint32_t now = ra->values[l->value].next_use;
            if (!now || l->next_use < now) {
                touch(ra, l->value, l->next_use);
            }
        }
    }
}

static bool next_uses(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    uint32_t position = 1;
    ra->nuses = 0;
    for (uint32_t n = 0; n < ra->norder; n++) {
        const IrBlock *b = e->unit->blocks[ra->order[n]];
        position += b->count;
        for (uint32_t i = 0; i < b->count; i++) {
            ra->nuses += 1 + ra_nargs(&b->insns[i]);
        }
    }
    if (e->failed || !ra_reserve_uses(ra)) {
        return false;
    }
    ra->nlive = 0;
    ra->use_at = ra->nuses;
    for (uint32_t n = ra->norder; n-- > 0;) {
        uint32_t id = ra->order[n];
        RaBlock *rb = &ra->blocks[id];
        IrBlock *b = e->unit->blocks[id];
        ra->ntouched = 0;
        live_out(e, id);
        if (rb->edge) {
            next_uses_edge(e, id, position - 1);
        }
        for (uint32_t i = b->count; i-- > 0;) {
            next_uses_insn(e, b, i, --position);
        }
        if (!live_reserve(ra, ra->ntouched)) {
            return false;
        }
        rb->live_in = ra->nlive;
        for (uint32_t i = 0; i < ra->ntouched; i++) {
            RaValue *v = &ra->values[ra->touched[i]];
            if (v->next_use) {
                ra->live[ra->nlive++] = (RaLive){ ra->touched[i], v->next_use };
                v->next_use = 0;
            }
        }
        rb->live_in_count = ra->nlive - rb->live_in;
    }
    assert(ra->use_at == 0);
    return true;
}

bool ra_analyse(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    order_blocks(e);
    ra_find_loops(e);
    if (!leaves_out(e, TCG_NO_MERGE_REGISTERS)) {
        ra_plan_merges(e);
    }
    resolve_copies(e);
    if (!leaves_out(e, TCG_NO_SHARED_CHECKS)) {
        share_checks(e);
    }
    if (!leaves_out(e, TCG_NO_SCALED_SUMS)) {
        scale_sums(e);
    }
    ra->seen = NULL;
    if (!leaves_out(e, TCG_NO_UNSEEN)) {
        ra_find_seen(e);
    }
    ra_plan_loop_flags(e);
    return next_uses(e);
}
