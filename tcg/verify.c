// SPDX-License-Identifier: MIT
//
// The verifier: what tcg/ir.h and opcodes.def demand of a unit. Debug builds run it after the
// guest's translation and after every pass.
//
// A value may be used after its definition in its own block, and in the blocks below it in the
// same extended basic block, that is where the chain of only predecessors leads back to it.
#include <inttypes.h>
#include <string.h>
#include "tcg/ir_arena.h"
#include "tcg/text.h"
#include "util/bitops.h"

#define NO_BLOCK UINT32_MAX

typedef struct Verifier {
    const IrUnit *u;
    uint32_t block, index;
    const IrInsn *insn;
    uint32_t *def_block;   /* by value: where it is defined, or NO_BLOCK */
    uint32_t *only_pred;   /* by block: its only predecessor, or NO_BLOCK */
    uint32_t *pred_count;
    Error **err;
} Verifier;

static bool bad(Verifier *v, const char *what)
{
    return error_set(v->err, "block %" PRIu32 ", instruction %" PRIu32 " (%s): %s", v->block,
                     v->index, v->insn ? ir_op_info[v->insn->op].name : "none", what);
}

static bool check(Verifier *v, bool ok, const char *what)
{
    return ok || bad(v, what);
}

/* ---- control flow ---- */

static void add_edge(Verifier *v, uint32_t from, uint32_t to)
{
    if (to < v->u->block_count && v->pred_count[to]++ == 0) {
        v->only_pred[to] = from;
    } else if (to < v->u->block_count && v->only_pred[to] != from) {
        v->only_pred[to] = NO_BLOCK;
    }
}

static void find_predecessors(Verifier *v)
{
    const IrUnit *u = v->u;
    for (uint32_t n = 0; n < u->block_count; n++) {
        v->only_pred[n] = NO_BLOCK;
        v->pred_count[n] = n == 0; /* the entry is entered from outside */
    }
    for (uint32_t n = 0; n < u->block_count; n++) {
        const IrBlock *b = u->blocks[n];
        if (!b->count) {
            continue;
        }
        const IrInsn *last = &b->insns[b->count - 1];
        if (last->op >= IR_OP_COUNT) {
            continue;
        }
        if (ir_op_info[last->op].imm == IR_IMM_TARGET) {
            add_edge(v, n, last->imm);
        } else if (ir_op_info[last->op].imm == IR_IMM_TARGETS) {
            add_edge(v, n, IR_THEN(last->imm));
            if (IR_ELSE(last->imm) != IR_THEN(last->imm)) {
                add_edge(v, n, IR_ELSE(last->imm));
            }
        }
    }
}

/* Whether value `r`, defined in block `def`, is available in the current block. Within the block
 * itself definitions are seen in order, so that having a def_block is enough. */
static bool reaches(Verifier *v, uint32_t def)
{
    uint32_t at = v->block;
    for (uint32_t steps = 0; at != NO_BLOCK && steps <= v->u->block_count; steps++) {
        if (at == def) {
            return true;
        }
        at = v->only_pred[at];
    }
    return false;
}

/* ---- operands ---- */

static bool check_const(Verifier *v, IrRef r)
{
    if ((r & ~IR_CONST) >= v->u->const_count) {
        return bad(v, "constant out of range");
    }
    const IrConst *c = ir_const_get(v->u, r);
    bool narrow = ir_type_size(c->type) == 4;
    return check(v, (!narrow || c->lo <= UINT32_MAX) && (c->type == IR_V128 || !c->hi),
                 "constant has bits above its type");
}

static bool kind_matches(IrKind kind, IrType type)
{
    switch (kind) {
    case IR_KIND_ANY_INT: return type == IR_I32 || type == IR_I64;
    case IR_KIND_ANY_FLT: return type == IR_F32 || type == IR_F64;
    case IR_KIND_ANY_SCALAR:
        return type == IR_I32 || type == IR_I64 || type == IR_F32 || type == IR_F64;
    default: return false;
    }
}

static bool check_arg(Verifier *v, unsigned n)
{
    const IrInsn *i = v->insn;
    IrRef r = i->arg[n];
    if (ir_is_const(r)) {
        if (!check_const(v, r)) {
            return false;
        }
    } else if (r == IR_NONE || r >= v->u->value_count) {
        return bad(v, "operand missing or out of range");
    } else if (v->def_block[r] == NO_BLOCK || !reaches(v, v->def_block[r])) {
        return bad(v, "operand used where it is not defined");
    }
    IrType type = ir_ref_type(v->u, r), want = ir_arg_type(i, n);
    bool ok = want == IR_VOID ? kind_matches(ir_op_info[i->op].args[n], type) : type == want;
    return check(v, ok, "operand of the wrong type");
}

static bool check_args(Verifier *v)
{
    unsigned n = ir_arg_count(v->insn);
    for (unsigned k = 0; k < n; k++) {
        if (!check_arg(v, k)) {
            return false;
        }
    }
    for (unsigned k = n; k < IR_MAX_ARGS; k++) {
        if (v->insn->arg[k] != IR_NONE) {
            return bad(v, "more operands than the opcode has");
        }
    }
    return true;
}

static bool check_result(Verifier *v)
{
    const IrInsn *i = v->insn;
    IrType type = ir_result_type(i);
    if (type == IR_VOID) {
        return check(v, i->dst == IR_NONE, "result where the opcode has none");
    }
    if (i->dst == IR_NONE || ir_is_const(i->dst) || i->dst >= v->u->value_count) {
        return bad(v, "result missing or out of range");
    }
    if (v->def_block[i->dst] != NO_BLOCK) {
        return bad(v, "value defined twice");
    }
    v->def_block[i->dst] = v->block;
    return check(v, v->u->value_types[i->dst] == type, "result of the wrong type");
}

/* ---- sub and imm ---- */

/* Bytes 1 << size into or out of T. */
static bool size_fits(IrType type, unsigned size, bool sign)
{
    switch (type) {
    case IR_I32: return size <= 2;
    case IR_I64: return size <= 3;
    case IR_F32: return size == 2 && !sign;
    case IR_F64: return size == 3 && !sign;
    default: return size <= 4 && !sign;
    }
}

static bool check_memop(Verifier *v)
{
    const IrInsn *i = v->insn;
    bool sign = i->sub & IR_MEM_SIGN;
    bool fits = size_fits(i->type, ir_mem_size_log2(i->sub), sign);
    return check(v, fits, "size does not fit the type") &&
           check(v, ir_mem_align_log2(i->sub) <= 4, "alignment above 16 bytes") &&
           check(v, !sign || i->op == IR_OP_LD, "only loads extend the sign") &&
           check(v, i->sub < 2 * IR_MEM_BLOCK, "unknown flag of a memory access");
}

static bool check_sub(Verifier *v)
{
    const IrInsn *i = v->insn;
    const IrOpInfo *info = &ir_op_info[i->op];
    const char *what = "sub out of range";
    switch ((IrSubKind)info->sub) {
    case IR_SUB_NONE: return check(v, i->sub == 0, what);
    case IR_SUB_CC: return check(v, i->sub < IR_CC_COUNT, what);
    case IR_SUB_COND: return check(v, i->sub <= IR_COND_AL, what);
    case IR_SUB_MEMOP: return check_memop(v);
    case IR_SUB_ROUND: return check(v, i->sub <= IR_ROUND_CURRENT, what);
    case IR_SUB_FENCE: return check(v, i->sub <= IR_FENCE_STORE, what);
    case IR_SUB_EXIT: return check(v, i->sub < 2 * IR_EXIT_SAME_PAGE, what);
    case IR_SUB_REASON: return check(v, i->sub < IR_REASON_COUNT, what);
    case IR_SUB_ESIZE:
        if (i->op == IR_OP_VDUP || i->op == IR_OP_VSET) {
            IrRef scalar = i->arg[i->op == IR_OP_VSET];
            if (ir_type_size(ir_ref_type(v->u, scalar)) < 1u << i->sub) {
                return bad(v, "lane larger than the operand");
            }
        }
        if (i->op == IR_OP_LDENV || i->op == IR_OP_STENV) {
            return check(v, size_fits(i->type, i->sub, false), "size does not fit the type");
        }
        return check(v, i->sub >= info->sub_min && i->sub <= info->sub_max, what);
    }
    return bad(v, what);
}

static bool check_var(Verifier *v)
{
    const IrUnit *u = v->u;
    uint64_t var = v->insn->imm;
    return check(v, var < (uint64_t)u->globals->count + u->local_count, "variable out of range") &&
           check(v, ir_var_type(u, var) == v->insn->type, "variable of another type");
}

/* ldenv and stenv must keep off the globals, whose place in memory may be stale. */
static bool check_offset(Verifier *v)
{
    const IrGlobals *g = v->u->globals;
    if (v->insn->op == IR_OP_ENVPTR) {
        return true;
    }
    uint64_t start = v->insn->imm, end = start + (1u << v->insn->sub);
    for (uint32_t n = 0; n < g->count; n++) {
        const IrGlobal *at = &g->table[n];
        if (start < at->offset + ir_type_size(at->type) && at->offset < end) {
            return bad(v, "access to the place of a global");
        }
    }
    return true;
}

static unsigned type_bits(const IrInsn *i)
{
    return ir_type_size(i->type) * 8;
}

static bool check_lanes(Verifier *v, IrImmKind kind)
{
    const IrInsn *i = v->insn;
    uint64_t imm = i->imm, lanes = 16u >> i->sub, bits = 8u << i->sub;
    const char *what = "imm out of range";
    switch (kind) {
    case IR_IMM_LANE:
        if (i->op == IR_OP_VGET) {
            imm &= ~(uint64_t)IR_LANE_SIGNED;
            what = "lane out of range or larger than the result";
            return check(v, imm < lanes && bits <= type_bits(i), what);
        }
        return check(v, imm < lanes, what);
    case IR_IMM_LANEPAIR:
        return check(v, IR_POS(imm) < lanes && IR_LEN(imm) < lanes && !(imm >> 16), what);
    case IR_IMM_LANES: return check(v, imm >= 1 && imm <= lanes, what);
    case IR_IMM_LANESMODE:
        return check(v, IR_LANES_COUNT(imm) >= 1 && IR_LANES_COUNT(imm) <= lanes &&
                            IR_LANES_ROUND(imm) <= IR_ROUND_CURRENT && imm >> 17 == 0, what);
    case IR_IMM_GROUP:
        return check(v, is_power_of_2(imm) && imm <= 8 && imm > (1u << i->sub), what);
    default: /* shift */
        if (i->op == IR_OP_VSHLI) {
            return check(v, imm < bits, what);
        }
        return check(v, imm >= 1 && imm <= bits, what);
    }
}

static bool check_imm(Verifier *v)
{
    const IrInsn *i = v->insn;
    const IrOpInfo *info = &ir_op_info[i->op];
    const char *what = "imm out of range";
    uint32_t blocks = v->u->block_count;
    switch ((IrImmKind)info->imm) {
    case IR_IMM_NONE: return check(v, i->imm == 0, what);
    case IR_IMM_VAR: return check_var(v);
    case IR_IMM_OFFSET: return check_offset(v);
    case IR_IMM_PC:
    case IR_IMM_DISP: return true;
    case IR_IMM_HELPER: return true; /* looked at before the operands */
    case IR_IMM_LSB: return check(v, i->imm < type_bits(i), what);
    case IR_IMM_POSLEN:
        return check(v, IR_LEN(i->imm) >= 1 && IR_POS(i->imm) + IR_LEN(i->imm) <= type_bits(i) &&
                            !(i->imm >> 16), "field outside the type");
    case IR_IMM_RMW: return check(v, i->imm < IR_RMW_COUNT, what);
    case IR_IMM_TARGET: return check(v, i->imm < blocks, "no such block");
    case IR_IMM_TARGETS:
        return check(v, IR_THEN(i->imm) < blocks && IR_ELSE(i->imm) < blocks, "no such block");
    case IR_IMM_SIGNAL:
    case IR_IMM_EXACT:
    case IR_IMM_SIGNED:
    case IR_IMM_ROUND: return check(v, i->imm <= 1, what);
    case IR_IMM_BYTES: return check(v, i->imm <= 15, what);
    case IR_IMM_BASE: return check(v, i->imm <= 255, what);
    case IR_IMM_KIND: return check(v, i->imm <= info->imm_max, what);
    case IR_IMM_LANE:
    case IR_IMM_LANEPAIR:
    case IR_IMM_LANES:
    case IR_IMM_LANESMODE:
    case IR_IMM_SHIFT:
    case IR_IMM_GROUP: return check_lanes(v, info->imm);
    }
    return bad(v, what);
}

/* ---- instructions and blocks ---- */

static bool check_call(Verifier *v)
{
    const IrHelper *h = ir_insn_helper(v->insn);
    return check(v, h != NULL && h->fn != NULL, "no helper") &&
           check(v, h->nargs <= IR_MAX_ARGS, "helper with too many operands") &&
           check(v, v->insn->type == h->ret, "result type differs from the helper's") &&
           check(v, h->ret == IR_VOID || h->ret == IR_I32 || h->ret == IR_I64,
                 "helpers return nothing, i32 or i64");
}

static bool check_insn(Verifier *v, bool last)
{
    const IrInsn *i = v->insn;
    if (i->op >= IR_OP_COUNT) {
        v->insn = NULL;
        return bad(v, "unknown opcode");
    }
    const IrOpInfo *info = &ir_op_info[i->op];
    bool typed = info->types ? i->type < IR_TYPE_COUNT && info->types >> i->type & 1
                             : i->type == IR_VOID;
    if (i->op == IR_OP_CALL) {
        typed = true;
    }
    return check(v, typed, "type that the opcode cannot have") &&
           check(v, (info->effects == IR_EFFECT_END) == last,
                 last ? "block does not end with a terminator" : "terminator inside the block") &&
           (i->op != IR_OP_CALL || check_call(v)) && check_args(v) && check_sub(v) &&
           check_imm(v) && check_result(v);
}

static bool check_block(Verifier *v)
{
    const IrBlock *b = v->u->blocks[v->block];
    v->index = 0;
    v->insn = NULL;
    if (!b->count) {
        return bad(v, "empty block");
    }
    for (uint32_t n = 0; n < b->count; n++) {
        v->index = n;
        v->insn = &b->insns[n];
        if (!check_insn(v, n + 1 == b->count)) {
            return false;
        }
    }
    return true;
}

/* The first block to check of those above `block` by only predecessors. Where the chain returns
 * to itself (unreachable code) its lowest block is as good a top as any. */
static uint32_t chain_top(const Verifier *v, uint32_t block, const uint8_t *done)
{
    uint32_t top = block, steps = 0;
    for (uint32_t up = v->only_pred[top]; up != NO_BLOCK && !done[up]; up = v->only_pred[top]) {
        top = up;
        if (++steps > v->u->block_count) {
            break;
        }
    }
    if (steps <= v->u->block_count) {
        return top;
    }
    for (uint32_t at = v->only_pred[top], start = top; at != start; at = v->only_pred[at]) {
        top = MIN(top, at);
    }
    return top;
}

/* Blocks are checked so that the only predecessor of each comes first: definitions are then
 * known when uses are seen. */
static bool check_chain(Verifier *v, uint32_t block, uint8_t *done)
{
    while (!done[block]) {
        v->block = chain_top(v, block, done);
        done[v->block] = 1;
        if (!check_block(v)) {
            return false;
        }
    }
    return true;
}

static bool check_blocks(Verifier *v, uint8_t *done)
{
    memset(done, 0, v->u->block_count);
    for (uint32_t n = 0; n < v->u->block_count; n++) {
        if (!check_chain(v, n, done)) {
            return false;
        }
    }
    return true;
}

bool ir_verify(const IrUnit *u, Error **err)
{
    Verifier v = { .u = u, .err = err };
    if (!u->block_count) {
        return bad(&v, "a unit has at least one block");
    }
    size_t mark = ir_arena_mark(u->arena);
    v.def_block = ir_arena_alloc(u->arena, u->value_count * sizeof v.def_block[0]);
    v.only_pred = ir_arena_alloc(u->arena, u->block_count * sizeof v.only_pred[0]);
    v.pred_count = ir_arena_alloc(u->arena, u->block_count * sizeof v.pred_count[0]);
    memset(v.def_block, 0xff, u->value_count * sizeof v.def_block[0]);
    find_predecessors(&v);
    bool ok = check_blocks(&v, ir_arena_alloc(u->arena, u->block_count));
    ir_arena_release(u->arena, mark);
    return ok;
}
