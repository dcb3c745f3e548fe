// SPDX-License-Identifier: MIT
//
// See gen.h. Blocks only branch forward, but for loops that count a local of their own down, so
// that every program ends. The operand table drives the choice: whatever opcodes.def gains is
// generated without a change here, unless its operands have a meaning of their own.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "tests/ir/gen.h"
#include "tcg/text.h"
#include "util/bitops.h"

#define MAX_BLOCKS 12
#define MAX_POOL 64
#define MAX_LOCALS 6
#define POOL_FLAGS IR_TYPE_COUNT /* the pool of nzcv values, which are i32 */

typedef struct Pool {
    IrRef refs[MAX_POOL];
    unsigned count;
} Pool;

typedef struct Pools {
    Pool of[IR_TYPE_COUNT + 1]; /* by type, then flags */
} Pools;

typedef struct Gen {
    IrUnit *u;
    uint64_t random;
    unsigned kinds;
    uint32_t block;
    Pools pools;
    Pools at_end[MAX_BLOCKS]; /* values available at each block's end */
    uint32_t only_pred[MAX_BLOCKS];
    uint32_t preds[MAX_BLOCKS];
    IrRef address;       /* a recent one, of address_block: several accesses share a base */
    uint32_t address_block;
    IrRef address_at_end[MAX_BLOCKS];
    uint32_t counters, locals; /* variables: loop counters first, then one of flags, then others */
    uint32_t walkers;    /* the last locals: addresses, which move on as they are used */
    uint32_t moves;      /* how often yet */
    bool falling;        /* mostly, and not up */
    bool dirty;          /* many variables are set at the ends of blocks */
    bool shy;            /* the guest's flags are read by nobody, and set at the ends of loops only */
    uint8_t ops[IR_OP_COUNT];
    unsigned op_count;
} Gen;

static uint32_t pick(Gen *g, uint32_t n)
{
    return (rig_random(&g->random) >> 16) % n;
}

static bool chance(Gen *g, uint32_t one_in)
{
    return pick(g, one_in) == 0;
}

/* ---- which opcodes ---- */

static unsigned op_kind(IrOp op)
{
    if (op >= IR_OP_VLOW) {
        return op == IR_OP_VFNEG || op == IR_OP_VFABS || ir_op_info[op].effects == IR_EFFECT_FP
                   ? GEN_VEC | GEN_FP : GEN_VEC;
    }
    if ((op >= IR_OP_FADD && op < IR_OP_VLOW) || op == IR_OP_NZCV_FCMP ||
        (op >= IR_OP_BITS_F32 && op <= IR_OP_BITS_I64)) {
        return GEN_FP;
    }
    switch (op) {
    case IR_OP_LD:
    case IR_OP_ST:
    case IR_OP_RMW:
    case IR_OP_CAS:
    case IR_OP_FENCE: return GEN_MEM;
    case IR_OP_CALL: return GEN_CALL;
    case IR_OP_GUARD_PAGE:
    case IR_OP_POLL: return GEN_FLOW;
    default: return GEN_INT;
    }
}

static void choose_ops(Gen *g)
{
    for (int op = 0; op < IR_OP_COUNT; op++) {
        unsigned need = op_kind(op);
        if (ir_op_info[op].effects != IR_EFFECT_END && (need & g->kinds) == need) {
            g->ops[g->op_count++] = op;
        }
    }
}

static bool type_enabled(const Gen *g, IrType t)
{
    switch (t) {
    case IR_F32:
    case IR_F64: return g->kinds & GEN_FP;
    case IR_V128: return g->kinds & GEN_VEC;
    default: return true;
    }
}

/* One of the types in the mask; IR_VOID when there is none. */
static IrType pick_type(Gen *g, uint32_t mask)
{
    IrType list[IR_TYPE_COUNT];
    unsigned n = 0;
    for (int t = IR_I32; t < IR_TYPE_COUNT; t++) {
        if (mask >> t & 1 && type_enabled(g, t)) {
            list[n++] = t;
        }
    }
    return n ? list[pick(g, n)] : IR_VOID;
}

static uint32_t kind_types(IrKind kind)
{
    switch (kind) {
    case IR_KIND_ANY_INT: return 1 << IR_I32 | 1 << IR_I64;
    case IR_KIND_ANY_FLT: return 1 << IR_F32 | 1 << IR_F64;
    default: return 1 << IR_I32 | 1 << IR_I64 | 1 << IR_F32 | 1 << IR_F64;
    }
}

/* ---- operands ---- */

static uint64_t any_number(Gen *g, IrType t)
{
    static const uint64_t ints[] = { 0, 1, 2, 4, 8, 31, 63, 0xff, 0xffff, 0x7fffffff, 0x80000000,
                                     0xffffffff, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX };
    static const uint32_t f32s[] = { 0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
                                     0xff800000, 0x7fc00001, 0xffa00001, 1, 0x807fffff,
                                     0x00800000, 0x7f7fffff, 0x4effffff, 0xcf000000,
                                     0x3effffff, 0x4f7fffff };
    static const uint64_t f64s[] = {
        0, UINT64_C(1) << 63, UINT64_C(0x3ff0000000000000), UINT64_C(0xbfe0000000000000),
        UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000), UINT64_C(0x7ff8000000000001),
        UINT64_C(0xfff4000000000001), 1, UINT64_C(0x800fffffffffffff),
        UINT64_C(0x7fefffffffffffff), UINT64_C(0x41dfffffffc00000), UINT64_C(0xc1e0000000000000),
        UINT64_C(0x43e0000000000000), UINT64_C(0x36a0000000000000), UINT64_C(0x3810000000000000),
    };
    uint64_t r = rig_random(&g->random);
    if (chance(g, 3)) {
        return r >> pick(g, 64);
    }
    switch (t) {
    case IR_F32: return f32s[r % ARRAY_SIZE(f32s)];
    case IR_F64: return f64s[r % ARRAY_SIZE(f64s)];
    default: return ints[r % ARRAY_SIZE(ints)];
    }
}

static IrRef any_const(Gen *g, IrType t)
{
    uint64_t lo = any_number(g, t), hi = 0;
    if (t == IR_V128) {
        static const IrType lanes[] = { IR_I64, IR_F32, IR_F64 };
        IrType lane = lanes[pick(g, 3)];
        lo = any_number(g, lane);
        hi = chance(g, 4) ? lo : any_number(g, lane);
        if (lane == IR_F32) {
            lo = (uint32_t)lo | any_number(g, lane) << 32;
            hi = (uint32_t)hi | any_number(g, lane) << 32;
        }
    } else if (ir_type_size(t) == 4) {
        lo = (uint32_t)lo;
    }
    return ir_const(g->u, t, lo, hi);
}

static void pool_add(Gen *g, unsigned pool, IrRef r)
{
    Pool *p = &g->pools.of[pool];
    if (p->count < MAX_POOL) {
        p->refs[p->count++] = r;
    } else {
        p->refs[pick(g, MAX_POOL)] = r;
    }
}

static IrInsn *emit(Gen *g, IrInsn i)
{
    return ir_insn_append(g->u, g->block, &i);
}

/* Emit an instruction with a result, which is added to no pool. */
static IrRef emit_value(Gen *g, IrInsn i)
{
    i.dst = ir_value_new(g->u, ir_result_type(&i));
    emit(g, i);
    return i.dst;
}

static uint64_t global_of(Gen *g, IrType t)
{
    for (;;) {
        uint32_t n = pick(g, rig_globals.count);
        if (rig_globals.table[n].type == t && n != rig_globals.pc &&
            strcmp(rig_globals.table[n].name, "nzcv")) {
            return n;
        }
    }
}

static uint64_t nzcv_var(void)
{
    uint64_t n = 0;
    while (strcmp(rig_globals.table[n].name, "nzcv")) {
        n++;
    }
    return n;
}

/* The guest's flags, or a local that has some, too. */
static uint64_t flags_var(Gen *g)
{
    return g->shy || chance(g, 3) ? rig_globals.count + g->counters : nzcv_var();
}

static IrRef any_flags(Gen *g)
{
    Pool *p = &g->pools.of[POOL_FLAGS];
    if (p->count && !chance(g, 5)) {
        return p->refs[pick(g, p->count)];
    }
    if (chance(g, 8)) {
        return ir_const(g->u, IR_I32, rig_random(&g->random) & IR_NZCV_MASK, 0);
    }
    IrRef r = emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = IR_I32, .imm = flags_var(g) });
    pool_add(g, POOL_FLAGS, r);
    return r;
}

static IrRef any_value(Gen *g, IrType t)
{
    Pool *p = &g->pools.of[t];
    if (p->count && !chance(g, 4)) { /* the newer the likelier */
        uint32_t a = pick(g, p->count), b = pick(g, p->count);
        return p->refs[MAX(a, b)];
    }
    if (chance(g, 2)) {
        return any_const(g, t);
    }
    IrRef r = emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = t, .imm = global_of(g, t) });
    pool_add(g, t, r);
    return r;
}

static uint64_t walker_var(Gen *g)
{
    return rig_globals.count + g->locals - 1 - pick(g, g->walkers);
}

/* As guests walk through arrays: the content of a walker, or an element by index from there. */
static IrRef walker_address(Gen *g)
{
    IrRef w = emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = IR_I64, .imm = walker_var(g) });
    if (!chance(g, 3)) {
        return w;
    }
    IrRef n = emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = IR_I64,
                                      .imm = rig_globals.count + pick(g, g->counters) });
    IrRef offset = emit_value(g, (IrInsn){ .op = IR_OP_SHL, .type = IR_I64,
                                           .arg = { n, ir_const(g->u, IR_I64, pick(g, 10), 0) } });
    return emit_value(g, (IrInsn){ .op = chance(g, 2) ? IR_OP_ADD : IR_OP_SUB, .type = IR_I64,
                                   .arg = { w, offset } });
}

static void move_walker(Gen *g)
{
    static const uint64_t steps[] = { 1, 8, 8, 8, 16, 64, 513, 4000, 4096, 4097, 0 };
    uint64_t var = walker_var(g);
    IrRef step = ir_const(g->u, IR_I64, steps[pick(g, ARRAY_SIZE(steps))], 0);
    IrRef w = emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = IR_I64, .imm = var });
    bool falls = chance(g, 8) ? !g->falling : g->falling;
    IrRef sum = emit_value(g, (IrInsn){ .op = falls ? IR_OP_SUB : IR_OP_ADD, .type = IR_I64,
                                        .arg = { w, step } });
    emit(g, (IrInsn){ .op = IR_OP_SET, .type = IR_I64, .imm = var, .arg = { sum } });
}

/* An address that mostly lies in the rig's memory. */
static IrRef fresh_address(Gen *g)
{
    static const uint64_t masks[] = { 0xff8, 0xff0, 0xfff, 0x1ff8, 0x4ff0, 0x7fc, 0x3fff };
    if (chance(g, 24)) {
        return any_value(g, IR_I64);
    }
    uint64_t page = chance(g, 3) ? pick(g, RIG_PAGES) : 0;
    Pool *p = &g->pools.of[IR_I64];
    if (!p->count || chance(g, 4)) {
        return ir_const(g->u, IR_I64, RIG_BASE + (page << RIG_PAGE_BITS) + pick(g, 4096), 0);
    }
    IrRef mask = ir_const(g->u, IR_I64, masks[pick(g, ARRAY_SIZE(masks))], 0);
    IrRef low = emit_value(g, (IrInsn){ .op = IR_OP_AND, .type = IR_I64,
                                        .arg = { any_value(g, IR_I64), mask } });
    IrRef base = ir_const(g->u, IR_I64, RIG_BASE + (page << RIG_PAGE_BITS), 0);
    return emit_value(g, (IrInsn){ .op = IR_OP_ADD, .type = IR_I64, .arg = { low, base } });
}

static IrRef any_address(Gen *g)
{
    if (!g->address || g->address_block != g->block || chance(g, 3)) {
        g->address = fresh_address(g);
        g->address_block = g->block;
    }
    return g->address;
}

/* ---- sub and imm ---- */

static unsigned type_size_log2(IrType t)
{
    return __builtin_ctz(ir_type_size(t));
}

static uint16_t any_memop(Gen *g, const IrInsn *i)
{
    unsigned max = type_size_log2(i->type), sub = pick(g, max + 1);
    bool atomic = i->op == IR_OP_RMW || i->op == IR_OP_CAS;
    if (i->type == IR_F32 || i->type == IR_F64 || chance(g, 2)) {
        sub = max;
    }
    if (i->op == IR_OP_LD && (i->type == IR_I32 || i->type == IR_I64) && chance(g, 3)) {
        sub |= IR_MEM_SIGN;
    }
    unsigned size = ir_mem_size_log2(sub);
    if (atomic || chance(g, 6)) {
        sub |= IR_MEM_ALIGN(size);
    }
    sub |= chance(g, 8) ? IR_MEM_UNPRIV : 0;
    sub |= (i->op == IR_OP_LD || atomic) && chance(g, 6) ? IR_MEM_ACQUIRE : 0;
    sub |= (i->op == IR_OP_ST || atomic) && chance(g, 6) ? IR_MEM_RELEASE : 0;
    return sub;
}

static uint16_t any_esize(Gen *g, const IrInsn *i)
{
    const IrOpInfo *info = &ir_op_info[i->op];
    if (i->op == IR_OP_LDENV || i->op == IR_OP_STENV) {
        unsigned max = type_size_log2(i->type);
        return i->type == IR_F32 || i->type == IR_F64 ? max : pick(g, max + 1);
    }
    unsigned max = info->sub_max;
    if (i->op == IR_OP_VGET) {
        max = type_size_log2(i->type);
    } else if (i->op == IR_OP_VDUP || i->op == IR_OP_VSET) {
        max = type_size_log2(ir_ref_type(g->u, i->arg[i->op == IR_OP_VSET]));
    }
    return info->sub_min + pick(g, max - info->sub_min + 1);
}

static uint16_t any_sub(Gen *g, const IrInsn *i)
{
    switch ((IrSubKind)ir_op_info[i->op].sub) {
    case IR_SUB_CC: return pick(g, IR_CC_COUNT);
    case IR_SUB_COND: return pick(g, IR_COND_AL + !pick(g, 8));
    case IR_SUB_MEMOP: return any_memop(g, i);
    case IR_SUB_ESIZE: return any_esize(g, i);
    case IR_SUB_ROUND: return pick(g, IR_ROUND_CURRENT + 1);
    case IR_SUB_FENCE: return pick(g, IR_FENCE_STORE + 1);
    case IR_SUB_EXIT: return chance(g, 3) ? IR_EXIT_POLL : 0;
    default: return 0;
    }
}

static uint64_t any_imm(Gen *g, const IrInsn *i)
{
    unsigned bits = ir_type_size(i->type) * 8, lane_bits = 8u << (i->sub & 7);
    unsigned lanes = 16u >> (i->sub & 7), pos;
    switch ((IrImmKind)ir_op_info[i->op].imm) {
    case IR_IMM_OFFSET:
        if (i->op == IR_OP_ENVPTR) {
            return offsetof(RigEnv, raw) + 16 * pick(g, RIG_RAW_BYTES / 16);
        }
        return offsetof(RigEnv, raw) + pick(g, RIG_RAW_BYTES - 16);
    case IR_IMM_PC: return 0x1000 + 4 * pick(g, 4096);
    case IR_IMM_LSB: return pick(g, bits);
    case IR_IMM_POSLEN: pos = pick(g, bits); return IR_POSLEN(pos, 1 + pick(g, bits - pos));
    case IR_IMM_DISP: return chance(g, 2) ? 0 : (uint64_t)(int64_t)((int)pick(g, 96) - 48);
    case IR_IMM_RMW: return pick(g, IR_RMW_COUNT);
    case IR_IMM_SIGNAL:
    case IR_IMM_EXACT:
    case IR_IMM_SIGNED:
    case IR_IMM_ROUND: return pick(g, 2);
    case IR_IMM_LANE:
        return pick(g, lanes) | (i->op == IR_OP_VGET && chance(g, 2) ? IR_LANE_SIGNED : 0);
    case IR_IMM_LANEPAIR: return IR_LANES(pick(g, lanes), pick(g, lanes));
    case IR_IMM_LANES: return chance(g, 2) ? lanes : 1 + pick(g, lanes);
    case IR_IMM_LANESMODE:
        return IR_LANES_MODE(chance(g, 2) ? lanes : 1 + pick(g, lanes),
                             i->op == IR_OP_VITOF ? IR_ROUND_CURRENT
                                                  : pick(g, IR_ROUND_CURRENT + 1), pick(g, 2));
    case IR_IMM_SHIFT:
        return i->op == IR_OP_VSHLI ? pick(g, lane_bits) : 1 + pick(g, lane_bits);
    case IR_IMM_BYTES: return pick(g, 16);
    case IR_IMM_GROUP: return UINT64_C(2) << (i->sub + pick(g, 3 - i->sub));
    case IR_IMM_BASE: return 16 * pick(g, 4);
    case IR_IMM_KIND: return pick(g, ir_op_info[i->op].imm_max + 1);
    default: return 0;
    }
}

/* ---- instructions ---- */

static void gen_var(Gen *g, IrOp op)
{
    IrInsn i = { .op = op };
    bool flags = chance(g, 4);
    if (flags) {
        i.type = IR_I32;
        i.imm = flags_var(g);
    } else if (g->locals - g->walkers > g->counters + 1 && chance(g, 3)) {
        i.imm = rig_globals.count + g->counters + 1 +
                pick(g, g->locals - g->walkers - g->counters - 1);
        i.type = ir_var_type(g->u, i.imm);
    } else {
        i.type = pick_type(g, ir_op_info[op].types);
        i.imm = global_of(g, i.type);
    }
    if (op == IR_OP_SET) {
        i.arg[0] = flags ? any_flags(g) : any_value(g, i.type);
        emit(g, i);
    } else {
        IrRef r = emit_value(g, i);
        pool_add(g, flags ? (unsigned)POOL_FLAGS : i.type, r);
    }
}

static void gen_call(Gen *g)
{
    unsigned n = 0;
    while (rig_helpers[n]) {
        n++;
    }
    const IrHelper *h = rig_helpers[pick(g, n)];
    IrInsn i = { .op = IR_OP_CALL, .type = h->ret, .imm = (uintptr_t)h };
    for (unsigned k = 0; k < h->nargs; k++) {
        i.arg[k] = any_value(g, h->args[k]);
    }
    if (!strcmp(h->name, "vector")) {
        i.arg[0] = emit_value(g, (IrInsn){ .op = IR_OP_ENVPTR,
                                           .imm = offsetof(RigEnv, raw) + 16 * pick(g, 4) });
    }
    if (h->ret == IR_VOID) {
        emit(g, i);
    } else {
        pool_add(g, h->ret, emit_value(g, i));
    }
}

/* vtest is used as a test only; envptr differs from host to host. */
static void gen_vtest(Gen *g)
{
    IrRef t = emit_value(g, (IrInsn){ .op = IR_OP_VTEST, .arg = { any_value(g, IR_V128) } });
    IrRef zero = ir_const(g->u, IR_I64, 0, 0);
    pool_add(g, IR_I32, emit_value(g, (IrInsn){ .op = IR_OP_SETC, .type = IR_I64,
                                                .sub = pick(g, 2), .arg = { t, zero } }));
}

static bool takes_flags(IrOp op, unsigned arg)
{
    switch (op) {
    case IR_OP_NZCV_ADC:
    case IR_OP_NZCV_SBC:
    case IR_OP_ADC:
    case IR_OP_SBC: return arg == 2;
    case IR_OP_SETF:
    case IR_OP_SELF:
    case IR_OP_BRF:
    case IR_OP_NZCV_UNPACK: return arg == 0;
    default: return false;
    }
}

static bool makes_flags(IrOp op)
{
    return op >= IR_OP_NZCV_ADD && op <= IR_OP_NZCV_PACK && op != IR_OP_ADC && op != IR_OP_SBC &&
           op != IR_OP_SETF && op != IR_OP_SELF;
}

static IrRef any_operand(Gen *g, const IrInsn *i, unsigned n)
{
    bool mem = op_kind(i->op) == GEN_MEM;
    if (takes_flags(i->op, n)) {
        return any_flags(g);
    }
    if (mem && n == 0) {
        return any_address(g);
    }
    IrType t = ir_arg_type(i, n);
    if (t == IR_VOID) {
        t = pick_type(g, kind_types(ir_op_info[i->op].args[n]));
    }
    return any_value(g, t);
}

/* A select between flags: conditional compares. */
static void gen_select_flags(Gen *g, IrOp op)
{
    IrInsn i = { .op = op, .type = IR_I32, .sub = op == IR_OP_SELF ? pick(g, 15) : 0 };
    i.arg[0] = op == IR_OP_SELF ? any_flags(g) : any_value(g, IR_I32);
    i.arg[1] = any_flags(g);
    i.arg[2] = any_flags(g);
    pool_add(g, POOL_FLAGS, emit_value(g, i));
}

/* Operations that backends do together: the halves of a product, a result and its flags. */
static void gen_partner(Gen *g, const IrInsn *i)
{
    static const struct {
        uint8_t op, partner;
    } pairs[] = {
        { IR_OP_MULHU, IR_OP_MUL }, { IR_OP_MULHS, IR_OP_MUL }, { IR_OP_NZCV_ADD, IR_OP_ADD },
        { IR_OP_NZCV_SUB, IR_OP_SUB }, { IR_OP_NZCV_AND, IR_OP_AND }, { IR_OP_NZCV_ADC, IR_OP_ADC },
        { IR_OP_NZCV_SBC, IR_OP_SBC },
    };
    for (unsigned n = 0; n < ARRAY_SIZE(pairs); n++) {
        if (pairs[n].op == i->op && chance(g, 2)) {
            IrInsn partner = *i;
            partner.op = pairs[n].partner;
            pool_add(g, i->type, emit_value(g, partner));
        }
    }
}

static void gen_table_op(Gen *g, IrOp op)
{
    const IrOpInfo *info = &ir_op_info[op];
    IrInsn i = { .op = op };
    if ((op == IR_OP_SELF || op == IR_OP_SEL) && chance(g, 3)) {
        gen_select_flags(g, op);
        return;
    }
    if (info->types) {
        i.type = pick_type(g, info->types);
        if (i.type == IR_VOID) {
            return;
        }
    }
    for (unsigned n = 0; n < info->nargs; n++) {
        i.arg[n] = any_operand(g, &i, n);
    }
    if (op == IR_OP_CAS && i.type != IR_I32 && i.type != IR_I64) {
        i.type = IR_I64;
        i.arg[1] = any_value(g, IR_I64);
        i.arg[2] = any_value(g, IR_I64);
    }
    i.sub = any_sub(g, &i);
    i.imm = any_imm(g, &i);
    IrType result = ir_result_type(&i);
    gen_partner(g, &i);
    if (result == IR_VOID) {
        emit(g, i);
    } else {
        IrRef r = emit_value(g, i);
        pool_add(g, makes_flags(op) ? (unsigned)POOL_FLAGS : result, r);
    }
}

/* More values at a time than there are registers. */
static void gen_pressure(Gen *g)
{
    IrRef v[16];
    unsigned n = 8 + pick(g, 9);
    for (unsigned k = 0; k < n; k++) {
        v[k] = emit_value(g, (IrInsn){ .op = IR_OP_ADD, .type = IR_I64,
                                       .arg = { any_value(g, IR_I64), any_value(g, IR_I64) } });
    }
    for (unsigned k = 1; k < n; k++) {
        v[k] = emit_value(g, (IrInsn){ .op = IR_OP_XOR, .type = IR_I64,
                                       .arg = { v[k - 1], v[k] } });
    }
    pool_add(g, IR_I64, v[n - 1]);
}

/* What compilers make of a carry (CINC) and of an array's element. */
static void gen_idiom(Gen *g, IrRef flags)
{
    IrType t = chance(g, 2) ? IR_I32 : IR_I64;
    IrRef x = any_value(g, t), y = any_value(g, t);
    IrRef one = ir_const(g->u, t, 1, 0), shift = ir_const(g->u, t, pick(g, 5), 0);
    if (chance(g, 2)) {
        IrRef more = emit_value(g, (IrInsn){ .op = IR_OP_ADD, .type = t, .arg = { x, one } });
        IrInsn i = { .op = IR_OP_SELF, .type = t, .sub = IR_COND_CS, .arg = { flags, more, x } };
        if (chance(g, 2)) {
            i = (IrInsn){ .op = IR_OP_SELF, .type = t, .sub = IR_COND_CC, .arg = { flags, x, more } };
        }
        pool_add(g, t, emit_value(g, i));
        return;
    }
    IrRef z = emit_value(g, (IrInsn){ .op = IR_OP_SHL, .type = t, .arg = { y, shift } });
    IrInsn sum = { .op = IR_OP_ADD, .type = t, .arg = { x, z } };
    pool_add(g, t, emit_value(g, sum));
    if (chance(g, 4)) {
        pool_add(g, t, z);
    }
}

/* Flags that are wanted again behind what needs the host's flags, registers, or exact state. */
static void gen_kept_flags(Gen *g)
{
    static const uint8_t ops[] = { IR_OP_NZCV_SUB, IR_OP_NZCV_ADD, IR_OP_NZCV_AND };
    IrType t = chance(g, 2) ? IR_I32 : IR_I64;
    IrRef a = any_value(g, t), b = any_value(g, t);
    IrInsn i = { .op = ops[pick(g, ARRAY_SIZE(ops))], .type = t, .arg = { a, b } };
    IrRef f = emit_value(g, i);
    gen_partner(g, &i);
    if (!chance(g, 3)) {
        emit(g, (IrInsn){ .op = IR_OP_SET, .type = IR_I32, .imm = flags_var(g), .arg = { f } });
    }
    pool_add(g, t, emit_value(g, (IrInsn){ .op = IR_OP_XOR, .type = t, .arg = { a, b } }));
    switch (pick(g, 4)) {
    case 0:
        if (g->kinds & GEN_CALL) {
            gen_call(g);
        }
        break;
    case 1:
        gen_pressure(g);
        break;
    case 2:
        if (g->kinds & GEN_MEM) {
            gen_table_op(g, chance(g, 2) ? IR_OP_LD : IR_OP_ST);
        }
        break;
    default:
        break;
    }
    pool_add(g, IR_I32, emit_value(g, (IrInsn){ .op = IR_OP_SETF, .sub = pick(g, IR_COND_AL),
                                                .arg = { f } }));
    gen_idiom(g, f);
    pool_add(g, POOL_FLAGS, f);
}

static void gen_insn(Gen *g)
{
    if (g->kinds & GEN_INT && chance(g, 24)) {
        if (chance(g, 3)) {
            gen_pressure(g);
        } else if (chance(g, 2)) {
            gen_kept_flags(g);
        } else {
            gen_idiom(g, any_flags(g));
        }
        return;
    }
    if (chance(g, 4)) {
        gen_var(g, chance(g, 3) ? IR_OP_GET : IR_OP_SET);
        return;
    }
    IrOp op = g->ops[pick(g, g->op_count)];
    if (chance(g, 5) && g->kinds & GEN_MEM) { /* rarer in the table than in guests */
        op = chance(g, 2) ? IR_OP_LD : IR_OP_ST;
    }
    switch (op) {
    case IR_OP_GET:
    case IR_OP_SET: gen_var(g, op); break;
    case IR_OP_CALL: gen_call(g); break;
    case IR_OP_VTEST: gen_vtest(g); break;
    case IR_OP_ENVPTR: break;
    default: gen_table_op(g, op); break;
    }
}

/* ---- blocks ---- */

static void note_edge(Gen *g, uint32_t to)
{
    g->only_pred[to] = g->preds[to]++ ? UINT32_MAX : g->block;
}

/* Make the newest values seen: else most would never reach the state that is compared. */
static void gen_sinks(Gen *g)
{
    uint32_t next[IR_TYPE_COUNT] = { 0 };
    for (uint64_t var = 0; var < rig_globals.count; var++) {
        bool flags = var == nzcv_var();
        if (flags && g->shy) {
            continue;
        }
        IrType t = rig_globals.table[var].type;
        Pool *p = &g->pools.of[flags ? (unsigned)POOL_FLAGS : t];
        uint32_t n = flags ? 0 : next[t]++;
        if (var != rig_globals.pc && n < p->count) {
            emit(g, (IrInsn){ .op = IR_OP_SET, .type = t, .imm = var,
                              .arg = { p->refs[p->count - 1 - n] } });
        }
    }
}

static void gen_exit(Gen *g)
{
    if (!chance(g, 3)) {
        gen_sinks(g);
    }
    IrInsn i = { .op = IR_OP_EXIT_PC };
    switch (pick(g, 3)) {
    case 0:
        i.sub = any_sub(g, &i);
        i.imm = any_imm(g, &i);
        break;
    case 1:
        i.op = IR_OP_EXIT_REG;
        i.arg[0] = any_value(g, IR_I64);
        i.sub = any_sub(g, &i);
        break;
    default:
        emit(g, (IrInsn){ .op = IR_OP_SET, .type = IR_I64, .imm = rig_globals.pc,
                          .arg = { any_value(g, IR_I64) } });
        i.op = IR_OP_EXIT;
        i.sub = pick(g, 2) ? IR_REASON_RESYNC : IR_REASON_WFI;
        break;
    }
    emit(g, i);
}

/* Much that lives on in variables: what joins, loops and faults have to get right. */
static void gen_dirty(Gen *g)
{
    for (unsigned n = 4 + pick(g, 12); n; n--) {
        gen_var(g, IR_OP_SET);
    }
}

/* A block that leads to `to` by way of what may leave instead, as guests' backward branches do. */
static uint32_t gen_edge(Gen *g, uint32_t to)
{
    uint32_t here = g->block;
    IrInsn poll = { .op = IR_OP_POLL };
    g->block = ir_block_new(g->u);
    if (chance(g, 4)) {
        IrInsn guard = { .op = IR_OP_GUARD_PAGE, .arg = { ir_const(g->u, IR_I32, 0, 0) } };
        guard.imm = any_imm(g, &guard);
        emit(g, guard);
    }
    poll.imm = any_imm(g, &poll);
    emit(g, poll);
    emit(g, (IrInsn){ .op = IR_OP_JUMP, .imm = to });
    g->block = here;
    return g->u->block_count - 1;
}

/* What the end of a guest's loop does: step a variable, and compare it, before or after. */
static void gen_loop_flags(Gen *g)
{
    static const uint16_t ops[] = { IR_OP_NZCV_SUB, IR_OP_NZCV_SUB, IR_OP_NZCV_ADD, IR_OP_NZCV_AND };
    static const uint16_t partners[] = { IR_OP_SUB, IR_OP_SUB, IR_OP_ADD, IR_OP_AND };
    unsigned n = pick(g, 4);
    IrType t = chance(g, 3) ? IR_I32 : IR_I64;
    uint64_t var = global_of(g, IR_I64);
    IrRef x = emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = IR_I64, .imm = var });
    IrRef limit = chance(g, 2) ? any_const(g, IR_I64)
                               : emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = IR_I64,
                                                         .imm = global_of(g, IR_I64) });
    if (t == IR_I32) {
        x = emit_value(g, (IrInsn){ .op = IR_OP_TRUNC, .type = t, .arg = { x } });
        limit = emit_value(g, (IrInsn){ .op = IR_OP_TRUNC, .type = t, .arg = { limit } });
    }
    IrRef step = chance(g, 2) ? limit : ir_const(g->u, t, 1, 0);
    IrInsn sum = { .op = partners[n], .type = t, .arg = { x, step } };
    IrRef next = chance(g, 4) ? x : emit_value(g, sum), whole = next;
    if (t == IR_I32) {
        whole = emit_value(g, (IrInsn){ .op = IR_OP_ZEXT, .type = IR_I64, .arg = { next } });
    }
    emit(g, (IrInsn){ .op = IR_OP_SET, .type = IR_I64, .imm = var, .arg = { whole } });
    IrRef flags = emit_value(g, (IrInsn){ .op = ops[n], .type = t,
                                          .arg = { chance(g, 2) ? x : next, limit } });
    emit(g, (IrInsn){ .op = IR_OP_SET, .type = IR_I32, .imm = nzcv_var(), .arg = { flags } });
}

/* An access that faults when a loop counter has come to some number. */
static void gen_trap(Gen *g)
{
    uint64_t var = rig_globals.count + pick(g, g->counters);
    IrRef at = ir_const(g->u, IR_I64, 1 + pick(g, 3), 0), shift = ir_const(g->u, IR_I64, 24, 0);
    IrRef c = emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = IR_I64, .imm = var });
    c = emit_value(g, (IrInsn){ .op = IR_OP_SETC, .type = IR_I64, .sub = IR_EQ, .arg = { c, at } });
    c = emit_value(g, (IrInsn){ .op = IR_OP_ZEXT, .type = IR_I64, .arg = { c } });
    c = emit_value(g, (IrInsn){ .op = IR_OP_SHL, .type = IR_I64, .arg = { c, shift } });
    IrInsn ld = { .op = IR_OP_LD, .type = IR_I64, .sub = 3, .imm = RIG_BASE, .arg = { c } };
    pool_add(g, IR_I64, emit_value(g, ld));
}

/* Count counter `n` down; to `then` while it is above 0. */
static void gen_back_edge(Gen *g, uint32_t counter, uint32_t head, uint32_t next)
{
    uint64_t var = rig_globals.count + counter;
    IrRef one = ir_const(g->u, IR_I64, 1, 0), zero = ir_const(g->u, IR_I64, 0, 0);
    if (chance(g, 2)) {
        head = gen_edge(g, head);
    }
    if (chance(g, 2)) {
        gen_loop_flags(g);
    }
    IrRef c = emit_value(g, (IrInsn){ .op = IR_OP_GET, .type = IR_I64, .imm = var });
    IrRef d = emit_value(g, (IrInsn){ .op = IR_OP_SUB, .type = IR_I64, .arg = { c, one } });
    emit(g, (IrInsn){ .op = IR_OP_SET, .type = IR_I64, .imm = var, .arg = { d } });
    emit(g, (IrInsn){ .op = IR_OP_BRC, .type = IR_I64, .sub = IR_GT, .arg = { d, zero },
                      .imm = IR_TARGETS(head, next) });
    note_edge(g, next);
}

static void gen_branch(Gen *g, uint32_t blocks)
{
    uint32_t left = blocks - g->block - 1;
    uint32_t then = g->block + 1 + pick(g, left), els = g->block + 1 + pick(g, left);
    IrInsn i = { .imm = IR_TARGETS(then, els) };
    switch (pick(g, 4)) {
    case 0:
        i.op = IR_OP_JUMP;
        i.imm = then;
        break;
    case 1:
        i.op = IR_OP_BRC;
        i.type = chance(g, 2) ? IR_I32 : IR_I64;
        i.sub = pick(g, IR_CC_COUNT);
        i.arg[0] = any_value(g, i.type);
        i.arg[1] = any_value(g, i.type);
        break;
    case 2:
        i.op = IR_OP_BRF;
        i.sub = pick(g, IR_COND_AL);
        i.arg[0] = any_flags(g);
        break;
    default:
        i.op = IR_OP_BR;
        i.arg[0] = any_value(g, IR_I32);
        break;
    }
    emit(g, i);
    note_edge(g, then);
    if (i.op != IR_OP_JUMP) {
        note_edge(g, els);
    }
}

/* The entry gives every local a value. */
static void gen_local(Gen *g, uint32_t n)
{
    uint64_t var = rig_globals.count + n;
    IrType t = ir_var_type(g->u, var);
    uint32_t turns = g->walkers && n == 0 ? 40 : 3;
    uint64_t page = pick(g, RIG_PAGES) << RIG_PAGE_BITS, in_page = chance(g, 3) ? 0 : 4000;
    IrRef v = n < g->counters ? ir_const(g->u, t, 1 + pick(g, turns), 0)
              : n >= g->locals - g->walkers
                  ? ir_const(g->u, t, RIG_BASE + page + in_page + pick(g, 192), 0)
              : n == g->counters ? ir_const(g->u, t, IR_NZCV_MASK & rig_random(&g->random), 0)
                                 : any_value(g, t);
    emit(g, (IrInsn){ .op = IR_OP_SET, .type = t, .imm = var, .arg = { v } });
}

static void gen_locals(Gen *g)
{
    for (uint32_t n = 0; n < g->locals; n++) {
        gen_local(g, n);
    }
}

static void begin_block(Gen *g)
{
    bool inherit = g->block && g->preds[g->block] == 1 && g->only_pred[g->block] < g->block;
    memset(&g->pools, 0, sizeof g->pools);
    if (inherit) {
        g->pools = g->at_end[g->only_pred[g->block]];
        g->address = g->address_at_end[g->only_pred[g->block]];
        g->address_block = g->block;
    }
    if (g->block == 0) {
        gen_locals(g);
    }
}

static void end_block(Gen *g)
{
    g->at_end[g->block] = g->pools;
    g->address_at_end[g->block] = g->address_block == g->block ? g->address : IR_NONE;
}

static void gen_body(Gen *g, unsigned size)
{
    for (unsigned n = 0; n < size; n++) {
        if (n % 4 == 0) {
            emit(g, (IrInsn){ .op = IR_OP_INSN_START, .imm = 0x4000 + g->block * 256 + n });
        }
        gen_insn(g);
    }
}

static void gen_block(Gen *g, uint32_t blocks, unsigned size, const uint32_t *loop_head)
{
    begin_block(g);
    if (g->kinds & GEN_MEM && g->preds[g->block] > 1 && chance(g, 3)) {
        gen_trap(g);
    }
    gen_body(g, size);
    uint32_t next = g->block + 1;
    if (g->dirty && chance(g, 2)) {
        gen_dirty(g);
    }
    if (next == blocks) {
        gen_exit(g);
    } else if (loop_head[g->block] != UINT32_MAX) {
        gen_back_edge(g, g->block % g->counters, loop_head[g->block], next);
    } else if (chance(g, 8)) {
        gen_exit(g);
    } else {
        gen_branch(g, blocks);
    }
    end_block(g);
}

/* ---- walks ---- */

/* An access by a walker's content, or by an element's index from there. */
static void gen_walker_access(Gen *g)
{
    static const IrType types[] = { IR_I64, IR_I64, IR_I32, IR_V128, IR_F64 };
    IrInsn i = { .op = chance(g, 2) ? IR_OP_LD : IR_OP_ST, .type = types[pick(g, ARRAY_SIZE(types))],
                 .arg = { walker_address(g) }, .imm = chance(g, 2) ? 0 : 8 * pick(g, 40) - 160 };
    i.sub = chance(g, 8) ? any_memop(g, &i) : type_size_log2(i.type);
    if (i.op == IR_OP_ST) {
        i.arg[1] = any_value(g, i.type);
        emit(g, i);
    } else {
        pool_add(g, i.type, emit_value(g, i));
    }
}

/* A turn of a loop goes this way or that, over accesses that mostly walk one way. */
static void gen_walk_block(Gen *g, unsigned size)
{
    begin_block(g);
    for (unsigned n = 0; n < size; n++) {
        switch (pick(g, 6)) {
        case 0: gen_body(g, 1); break;
        case 1: gen_var(g, chance(g, 2) ? IR_OP_GET : IR_OP_SET); break;
        default: gen_walker_access(g); break;
        }
        if (g->moves && chance(g, 4)) {
            g->moves--;
            move_walker(g);
        }
    }
}

static void end_walk_block(Gen *g, IrInsn branch, uint32_t then, uint32_t els)
{
    branch.imm = branch.op == IR_OP_JUMP ? then : IR_TARGETS(then, els);
    emit(g, branch);
    note_edge(g, then);
    if (branch.op != IR_OP_JUMP) {
        note_edge(g, els);
    }
    end_block(g);
    g->block++;
}

/* Entry; head, two ways and where they join, which loops; the loop again, with other walkers; end.
 * The two ways may also be a cycle, which is entered at both. */
static void gen_walk(Gen *g, unsigned size)
{
    enum { ENTRY, HEAD, THEN, ELSE, JOIN, AGAIN, END, BLOCKS };
    const IrInsn jump = { .op = IR_OP_JUMP };
    bool cycle = chance(g, 4);
    unsigned way_size = cycle && chance(g, 2) ? 2 : size; /* few accesses: it may go far */
    for (uint32_t n = 0; n < BLOCKS; n++) {
        ir_block_new(g->u);
    }
    g->preds[HEAD] = 2;
    g->preds[THEN] = g->preds[ELSE] = cycle ? 2 : 0;
    g->moves = cycle && chance(g, 2) ? 0 : pick(g, 4);
    g->falling = chance(g, 2);
    begin_block(g);
    end_walk_block(g, jump, HEAD, 0);
    gen_walk_block(g, 1 + pick(g, size));
    IrInsn any_way = { .op = IR_OP_BRC, .type = IR_I64, .sub = pick(g, IR_CC_COUNT),
                       .arg = { any_value(g, IR_I64), any_value(g, IR_I64) } };
    end_walk_block(g, !cycle && chance(g, 2) ? jump : any_way, THEN, ELSE);
    gen_walk_block(g, pick(g, way_size));
    end_walk_block(g, jump, cycle ? ELSE : JOIN, 0);
    gen_walk_block(g, pick(g, way_size));
    if (cycle) {
        move_walker(g);
        gen_back_edge(g, pick(g, 2), THEN, JOIN);
        end_block(g);
        g->block++;
    } else {
        end_walk_block(g, jump, JOIN, 0);
    }
    gen_walk_block(g, pick(g, size));
    gen_back_edge(g, 0, HEAD, AGAIN);
    end_block(g);
    g->block++;
    begin_block(g);
    for (uint32_t n = 0; n < g->locals; n++) {
        if (n == 0 || (n >= g->locals - g->walkers && chance(g, 2))) {
            gen_local(g, n);
        }
    }
    if (chance(g, 2)) {
        gen_back_edge(g, 1, HEAD, END);
    } else {
        emit(g, (IrInsn){ .op = IR_OP_JUMP, .imm = END });
        note_edge(g, END);
    }
    end_block(g);
    g->block++;
    begin_block(g);
    gen_exit(g);
}

/* A loop counter may serve several back edges: it only ever falls. */
static void plan_loops(Gen *g, uint32_t blocks, uint32_t *loop_head)
{
    for (uint32_t n = 0; n < blocks; n++) {
        loop_head[n] = UINT32_MAX;
        if (n > 0 && n + 1 < blocks && chance(g, 4)) {
            loop_head[n] = 1 + pick(g, n);
            g->preds[loop_head[n]] += 2; /* two is enough to be nobody's only predecessor */
        }
    }
}

void gen_program(IrUnit *u, uint64_t seed, unsigned kinds, unsigned size)
{
    Gen *g = calloc(1, sizeof *g);
    assert(g);
    g->u = u;
    g->random = seed;
    g->kinds = kinds;
    choose_ops(g);
    uint32_t blocks = kinds & GEN_FLOW && !chance(g, 3) ? 2 + pick(g, MAX_BLOCKS - 2) : 1;
    uint32_t loop_head[MAX_BLOCKS];
    plan_loops(g, blocks, loop_head);
    g->counters = 2;
    g->locals = g->counters + 1 + pick(g, MAX_LOCALS - g->counters);
    g->walkers = kinds & GEN_MEM && kinds & GEN_FLOW && g->locals > g->counters + 2 && chance(g, 3)
                     ? 1 + pick(g, 2) : 0;
    g->dirty = chance(g, 2);
    g->shy = chance(g, 2);
    for (uint32_t n = 0; n < g->locals; n++) {
        IrType t = pick_type(g, 1 << IR_I32 | 1 << IR_I64 | 1 << IR_F64 | 1 << IR_V128);
        bool number = n < g->counters || n >= g->locals - g->walkers;
        ir_local_new(u, number ? IR_I64 : n == g->counters ? IR_I32 : t);
    }
    u->guest_pc = 0x4000;
    u->nan_rule = chance(g, 3) ? IR_NAN_ARM_DEFAULT : IR_NAN_ARM;
    if (g->walkers) {
        gen_walk(g, 1 + size / 8);
        free(g);
        return;
    }
    for (uint32_t n = 0; n < blocks; n++) {
        ir_block_new(u);
    }
    for (g->block = 0; g->block < blocks; g->block++) {
        gen_block(g, blocks, MAX(size / blocks, 1), loop_head);
    }
    free(g);
}

bool gen_parse_kinds(const char *text, unsigned *kinds)
{
    static const struct {
        const char *name;
        unsigned kinds;
    } names[] = {
        { "int", GEN_INT }, { "mem", GEN_MEM },   { "fp", GEN_FP },   { "vec", GEN_VEC },
        { "call", GEN_CALL }, { "flow", GEN_FLOW }, { "all", GEN_ALL },
    };
    *kinds = 0;
    while (*text) {
        size_t len = strcspn(text, ",");
        unsigned found = 0;
        for (unsigned n = 0; n < ARRAY_SIZE(names); n++) {
            if (strlen(names[n].name) == len && !strncmp(names[n].name, text, len)) {
                found = names[n].kinds;
            }
        }
        if (!found) {
            return false;
        }
        *kinds |= found;
        text += len + (text[len] == ',');
    }
    return *kinds != 0;
}
