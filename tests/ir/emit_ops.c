// SPDX-License-Identifier: MIT
//
// The x86-64 emitters of floating-point and vector opcodes, each alone, against their reference
// functions: random operands, every size, mode and immediate, with and without AVX and the other
// extensions, results bit for bit and sticky flags too.
//
// A register allocator made for this test stands in for the real one: it hands out registers at
// random, lets results share a register with operands whenever an emitter allows it, and has
// operands in memory at odd addresses. It also checks what emit.h demands: operands are not
// written, and still there when a fix-up reads them.
//
//   emit_ops [--seed N] [--rounds N] [--ops NAME]   test
//   emit_ops --table                                print what is not inline, for docs/
#include <assert.h>
#include <cpuid.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xmmintrin.h>
#include "tcg/ref/ref.h"
#include "tcg/x86_64/regalloc.h"
#include "util/bitops.h"

#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_FLAGS 0x3du /* without "denormal operand", which no guest sees */
#define CODE_BYTES 65536u
#define FRAME_POOL 64u

/* What generated code reads and writes; R13 points here. */
typedef struct Frame {
    V128 pool[FRAME_POOL];
    V128 in[3];        /* operands, whole registers */
    V128 out;
    V128 after[3];     /* operand registers at the end */
    V128 at_fixup[3];  /* at the fix-up */
    uint64_t fixed;    /* the fix-up was entered */
    uint8_t pad;
    V128 odd[3] __attribute__((packed)); /* operands again, misaligned */
} Frame;

typedef struct Case {
    IrInsn insn;
    IrInsn next;       /* a branch, which may look at the flags that insn makes */
    IrType arg_type[3];
    unsigned nargs;
    Reg arg[3];        /* register of the operand, REG_NONE: never asked for */
    bool arg_mem[3];   /* it was read from memory */
    Reg def;
    Reg fixup_arg[3];
    bool is_ref;       /* went by its reference function altogether */
    bool has_fixup;
    uint32_t used;     /* registers handed out */
    bool done;
} Case;

static Case cur;
static X86Context ctx;
static Frame *frame;
static uint64_t rng_state = 1;

static uint64_t rng(void)
{
    uint64_t z = rng_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* ---- the allocator of this test ---- */

static bool type_in_xmm(IrType t)
{
    return t >= IR_F32;
}

static Reg fresh(bool xmm)
{
    static const uint8_t gprs[] = { RDX, RBX, RSI, RDI, R8, R9, R10, R11, R12, R14, R15 };
    for (;;) {
        Reg r = xmm ? (Reg)(XMM0 + rng() % 14) : gprs[rng() % ARRAY_SIZE(gprs)];
        if (!(cur.used & 1u << r)) {
            cur.used |= 1u << r;
            return r;
        }
    }
}

static Mem frame_mem(size_t offset)
{
    return mem_b(R13, (int32_t)offset);
}

static unsigned arg_number(IrRef r)
{
    for (unsigned i = 0; i < cur.nargs; i++) {
        if (cur.insn.arg[i] == r) {
            return i;
        }
    }
    assert(!"not an operand");
    return 0;
}

/* All operands are loaded before the first instruction, as if they had been there. */
Reg ra_use(TcgEmit *e, IrRef r)
{
    unsigned i = arg_number(r);
    assert(!cur.done);
    if (cur.arg[i] == REG_NONE) { /* constants too: random_operands() puts them there */
        cur.arg[i] = fresh(type_in_xmm(cur.arg_type[i]));
        if (reg_is_xmm(cur.arg[i])) {
            simd_load(e, 16, cur.arg[i], frame_mem(offsetof(Frame, in[0]) + 16 * i));
        } else {
            asm_mov_rm(e, X_W, cur.arg[i], frame_mem(offsetof(Frame, in[0]) + 16 * i));
        }
    }
    return cur.arg[i];
}

bool ra_use_mem(TcgEmit *e, IrRef r, Mem *m)
{
    unsigned i = arg_number(r);
    if (cur.arg[i] != REG_NONE || rng() & 1) {
        return false;
    }
    cur.arg_mem[i] = true;
    *m = frame_mem(offsetof(Frame, odd[0]) + 16 * i);
    return true;
}

Reg ra_temp_gpr(TcgEmit *e)
{
    return fresh(false);
}

Reg ra_temp_xmm(TcgEmit *e)
{
    return fresh(true);
}

void ra_claim(TcgEmit *e, Reg r)
{
    assert(!(cur.used & 1u << r));
    cur.used |= 1u << r;
}

void ra_done(TcgEmit *e)
{
    cur.done = true;
}

static bool result_in_xmm(void)
{
    const IrOpInfo *info = &ir_op_info[cur.insn.op];
    return info->result == IR_KIND_T ? type_in_xmm((IrType)cur.insn.type)
                                     : info->result >= IR_KIND_F32;
}

Reg ra_def(TcgEmit *e)
{
    if (cur.done && rng() & 1) {
        Reg r = cur.arg[rng() % cur.nargs];
        if (r != REG_NONE && reg_is_xmm(r) == result_in_xmm()) {
            return cur.def = r;
        }
    }
    return cur.def = fresh(result_in_xmm());
}

Reg ra_def_hint(TcgEmit *e, IrRef r)
{
    assert(cur.done);
    return ra_def(e);
}

Reg ra_def_over(TcgEmit *e, IrRef r)
{
    Reg a = ra_use(e, r);
    cur.done = true;
    simd_mov(e, cur.def = fresh(result_in_xmm()), a);
    return cur.def;
}

/* The value of the flags; nobody looks at them in the host's own. */
void flags_set(TcgEmit *e, uint8_t kind)
{
    fcmp_to_rax(e, kind == FLAGS_FCMP_SWAPPED);
    asm_mov_rr(e, 0, cur.def = fresh(false), RAX);
}

Mem emit_pool(TcgEmit *e, uint64_t lo, uint64_t hi)
{
    assert(ctx.npool < FRAME_POOL);
    frame->pool[ctx.npool] = (V128){ .d = { lo, hi } };
    return (Mem){ .base = REG_NONE, .index = REG_NONE, .pool = ++ctx.npool };
}

const uint8_t *rx_of(const TcgEmit *e, const uint8_t *rw)
{
    return rw;
}

void emit_ref(TcgEmit *e, const IrInsn *in)
{
    cur.is_ref = true;
    cur.def = fresh(result_in_xmm());
}

static void store_reg(TcgEmit *e, Reg r, size_t offset)
{
    if (r == REG_NONE) {
        return;
    }
    if (reg_is_xmm(r)) {
        simd_store(e, 16, frame_mem(offset), r);
    } else {
        asm_mov_mr(e, X_W, frame_mem(offset), r);
    }
}

/* Note that it is entered, and what it would compute from. */
void emit_ref_if(TcgEmit *e, const IrInsn *in, unsigned cc, Reg d, Reg a, Reg b, Reg c)
{
    const Reg args[3] = { a, b, c };
    uint8_t *skip = asm_jcc32(e, cc ^ 1);

    assert(d == cur.def && !cur.done);
    cur.has_fixup = true;
    for (unsigned i = 0; i < 3; i++) {
        assert((args[i] != REG_NONE) == (i < cur.nargs) && args[i] != d);
        store_reg(e, args[i], offsetof(Frame, at_fixup[0]) + 16 * i);
    }
    asm_rm_i32(e, X_W | 0xc7, 0, frame_mem(offsetof(Frame, fixed)), 1);
    asm_bind32(e, skip);
}

EmitOol *emit_ool(TcgEmit *e, unsigned cc, void (*fn)(TcgEmit *e, EmitOol *o))
{
    abort();
}

void emit_ool_resume(TcgEmit *e, EmitOol *o)
{
}

/* ---- random operands ---- */

static uint64_t random_fp(bool dbl)
{
    static const uint64_t special[] = {
        0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x3ff0000000000000, 0x3fe0000000000000,
        0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff0000000000001, 0x7ff8000000000000,
        0x7ff8000000001234, 0x7ff4000000000000, 0x43e0000000000000, 0x43f0000000000000,
        0x41e0000000000000, 0x41f0000000000000, 0x41dfffffffc00000, 0x41efffffffe00000,
        0x41dfffffffe00000, 0x41efffffffd00000, 0xc1e0000000100000, 0xc1e0000000080000,
        0x43dfffffffffffff, 0x43efffffffffffff, 0x36a0000000000000, 0x380fffffffffffff,
        0x47efffffefffffff, 0x3ff8000000000000, 0x3fdfffffffffffff,
    };
    static const uint32_t special32[] = {
        0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x3f000000, 0x7f7fffff, 0x7f800000, 0x7f800001,
        0x7fc00000, 0x7fc01234, 0x7fa00000, 0x5f000000, 0x5f800000, 0x4f000000, 0x4f800000,
        0x4effffff, 0x4f7fffff, 0x3fc00000, 0x40200000, 0xcf000000, 0xcf000001, 0x5effffff,
        0x5f7fffff, 0x3effffff,
    };
    uint64_t r = rng(), sign = dbl ? r & BIT(63) : r & BIT(31);
    switch (r >> 32 & 7) {
    case 0:
    case 1:
        return sign ^ (dbl ? special[r % ARRAY_SIZE(special)]
                           : special32[r % ARRAY_SIZE(special32)]);
    case 2:
    case 3: {
        double v = (double)(int64_t)(rng() >> (r >> 40 & 63)) / 4;
        float f = (float)v;
        uint64_t out = 0;
        memcpy(&out, dbl ? (void *)&v : (void *)&f, dbl ? 8 : 4);
        return out ^ sign;
    }
    case 4:
        return sign | (rng() & (dbl ? bit_mask(54) : bit_mask(25)));
    case 5:
    case 6: /* about one */
        return dbl ? sign | (0x3c0 + (r >> 40 & 0x7f)) << 52 | (rng() & (rng() << 32) & bit_mask(52))
                   : sign | (0x60 + (r >> 40 & 0x3f)) << 23 | (rng() & (rng() << 12) & bit_mask(23));
    default:
        return dbl ? rng() : (uint32_t)rng();
    }
}

static V128 random_fp_vector(bool dbl, bool ordinary)
{
    V128 v;
    for (unsigned i = 0; i < (dbl ? 2 : 4); i++) {
        uint64_t x;
        do {
            x = random_fp(dbl);
        } while (ordinary && (x >> (dbl ? 52 : 23) & (dbl ? 0x7ff : 0xff)) == (dbl ? 0x7ff : 0xff));
        if (dbl) {
            v.d[i] = x;
        } else {
            v.s[i] = (uint32_t)x;
        }
    }
    return v;
}

/* Lanes near the ends of their range, small, or anything. */
static V128 random_vector(unsigned esize)
{
    V128 v = { .d = { rng(), rng() } };
    unsigned kind = rng() % 4, bits = 8u << esize;
    for (unsigned i = 0; i < 16u >> esize; i++) {
        uint64_t r = rng(), x = r >> 8;
        switch (kind == 3 ? r & 3 : kind) {
        case 0: x = (r & 4 ? BIT(bits - 1) : 0) + (r >> 8) % 5 - 2; break;
        case 1: x = (r >> 8) % (2 * bits + 3) - bits - 1; break;
        default: break;
        }
        memcpy(&v.b[i << esize], &x, 1u << esize);
    }
    return v;
}

/* ---- one case ---- */

static bool is_fp_op(const IrInsn *in)
{
    return ir_op_info[in->op].effects == IR_EFFECT_FP;
}

static IrType type_of_kind(unsigned kind, IrType t)
{
    static const IrType any[] = { IR_I32, IR_I64, IR_F32, IR_F64 };
    switch (kind) {
    case IR_KIND_T: return t;
    case IR_KIND_ANY_INT: return any[rng() % 2];
    case IR_KIND_ANY_FLT: return any[2 + rng() % 2];
    case IR_KIND_ANY_SCALAR: return any[rng() % 4];
    default: return (IrType)kind;
    }
}

static uint64_t random_imm(const IrInsn *in)
{
    const IrOpInfo *info = &ir_op_info[in->op];
    unsigned lanes = 16u >> (in->sub & 3), bits = 8u << (in->sub & 3);
    switch (info->imm) {
    case IR_IMM_SIGNAL: case IR_IMM_EXACT: case IR_IMM_SIGNED: case IR_IMM_ROUND:
        return rng() & 1;
    case IR_IMM_LANE:
        return rng() % lanes | (in->op == IR_OP_VGET && rng() & 1 ? IR_LANE_SIGNED : 0);
    case IR_IMM_LANEPAIR: return IR_LANES(rng() % lanes, rng() % lanes);
    case IR_IMM_LANES: return rng() & 1 ? lanes : 1 + rng() % lanes;
    case IR_IMM_LANESMODE:
        return IR_LANES_MODE(rng() & 1 ? lanes : 1 + rng() % lanes, rng() % 6, rng() & 1);
    case IR_IMM_SHIFT: return in->op == IR_OP_VSHLI ? rng() % bits : 1 + rng() % bits;
    case IR_IMM_BYTES: return rng() % 16;
    case IR_IMM_GROUP: return UINT64_C(1) << (in->sub + 1 + rng() % (3 - in->sub));
    case IR_IMM_BASE: return rng() & 1 ? rng() % 4 * 16 : rng() & 0xff;
    case IR_IMM_KIND: return rng() % (info->imm_max + 1);
    default: return 0;
    }
}

static IrType random_type(const IrOpInfo *info)
{
    if (!info->types) {
        return IR_VOID;
    }
    for (;;) {
        IrType t = (IrType)(rng() % IR_TYPE_COUNT);
        if (info->types >> t & 1) {
            return t;
        }
    }
}

static const IrGlobal no_globals[1];
static const IrGlobals globals = { no_globals, 0, 0 };

/* A value, or the second operand of a vector operation a constant: anything, or all lanes the
 * same small number. */
static IrRef random_operand(TcgEmit *e, unsigned i)
{
    if (i == 0 || cur.arg_type[i] != IR_V128 || is_fp_op(&cur.insn) || rng() % 4) {
        return ir_value_new(e->unit, cur.arg_type[i]);
    }
    V128 v = { .d = { rng(), rng() } };
    if (rng() & 1) {
        uint64_t n = rng() % (8u << (cur.insn.sub & 3));
        for (unsigned k = 0; k < 16u >> (cur.insn.sub & 3); k++) {
            memcpy(&v.b[k << (cur.insn.sub & 3)], &n, 1u << (cur.insn.sub & 3));
        }
    }
    return ir_const(e->unit, IR_V128, v.d[0], v.d[1]);
}

static void make_case(TcgEmit *e, IrOp op, int esize)
{
    const IrOpInfo *info = &ir_op_info[op];

    memset(&cur, 0, sizeof(cur));
    memset(cur.arg, REG_NONE, sizeof(cur.arg));
    ir_unit_reset(e->unit);
    e->unit->nan_rule = (IrNanRule)(rng() % 8 == 0 ? IR_NAN_ARM_DEFAULT : IR_NAN_ARM);
    cur.nargs = info->nargs;
    do {
        IrType t = random_type(info);
        cur.insn = (IrInsn){ .op = (uint8_t)op, .type = (uint8_t)t };
        cur.insn.sub = (uint16_t)(info->sub == IR_SUB_ESIZE ? (unsigned)esize
                                  : info->sub == IR_SUB_ROUND ? rng() % 6 : 0);
        cur.insn.imm = random_imm(&cur.insn);
    } while (op == IR_OP_VGET && cur.insn.sub == 3 && cur.insn.type == IR_I32);
    for (unsigned i = 0; i < cur.nargs; i++) {
        cur.arg_type[i] = type_of_kind(info->args[i], (IrType)cur.insn.type);
        cur.insn.arg[i] = i && cur.arg_type[i] == cur.arg_type[0] && rng() % 8 == 0
                              ? cur.insn.arg[0] : random_operand(e, i);
    }
    cur.insn.dst = ir_value_new(e->unit, IR_I32);
    cur.next = (IrInsn){ .op = IR_OP_BRF, .sub = rng() % 15, .arg = { cur.insn.dst } };
}

static const EmitEntry *entry_of(IrOp op)
{
    return emit_fp_table[op].fn ? &emit_fp_table[op] : &emit_vec_table[op];
}

/* The code between its prologue and epilogue; false without any. */
static bool compile(TcgEmit *e)
{
    const EmitEntry *entry = entry_of((IrOp)cur.insn.op);
    static const uint8_t saved[] = { RBX, RBP, R12, R13, R14, R15 };

    if (!entry->fn) {
        return false;
    }
    e->p = e->start;
    ctx.npool = ctx.nfixes = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(saved); i++) {
        asm_rr(e, 0xff, 6, saved[i]); /* push */
    }
    asm_mov_rr(e, X_W, R13, RDI);
    entry->fn(e, &cur.insn);
    if (cur.is_ref) {
        return false;
    }
    for (unsigned i = 0; i < cur.nargs; i++) {
        store_reg(e, cur.arg[i] == cur.def ? REG_NONE : cur.arg[i],
                  offsetof(Frame, after[0]) + 16 * i);
    }
    store_reg(e, cur.def, offsetof(Frame, out));
    for (unsigned i = ARRAY_SIZE(saved); i-- > 0;) {
        asm_rr(e, 0x8f, 0, saved[i]); /* pop */
    }
    asm_u8(e, 0xc3);
    assert(e->p < e->limit);
    for (unsigned i = 0; i < ctx.nfixes; i++) {
        const PoolFix *f = &ctx.fixes[i];
        int64_t rel = (uint8_t *)&frame->pool[f->index] - (f->disp + 4 + f->trailing);
        int32_t rel32 = (int32_t)rel;
        assert(rel == rel32);
        memcpy(f->disp, &rel32, 4);
    }
    return true;
}

static void random_operands(const IrUnit *u)
{
    const IrInsn *in = &cur.insn;
    bool dbl = in->type == IR_F64 || cur.arg_type[0] == IR_F64 || in->sub == 3;
    bool ordinary = rng() & 1;

    if (in->op == IR_OP_VFCVT_F64 || in->op == IR_OP_VFCVT_F32) {
        dbl = in->op == IR_OP_VFCVT_F32;
    } else if (cur.arg_type[0] == IR_F32) {
        dbl = false;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (is_fp_op(in) && type_in_xmm(cur.arg_type[i]) && in->op != IR_OP_VITOF) {
            frame->in[i] = random_fp_vector(dbl, ordinary);
        } else {
            frame->in[i] = random_vector(in->sub & 3);
        }
        if (ir_is_const(in->arg[i])) {
            const IrConst *c = ir_const_get(u, in->arg[i]);
            frame->in[i] = (V128){ .d = { c->lo, c->hi } };
        }
        /* what is above a scalar, and above the lanes that count, may be anything */
        for (unsigned k = 0; k < i; k++) {
            if (in->arg[k] == in->arg[i]) {
                frame->in[i] = frame->in[k];
            }
        }
        frame->odd[i] = frame->in[i];
        frame->after[i] = frame->at_fixup[i] = frame->in[i];
    }
}

/* How much of a register the value of this type is. */
static unsigned type_bytes(IrType t)
{
    return t == IR_I32 || t == IR_F32 ? 4 : t == IR_V128 ? 16 : 8;
}

static IrType result_type(void)
{
    const IrOpInfo *info = &ir_op_info[cur.insn.op];
    return info->result == IR_KIND_T ? (IrType)cur.insn.type : (IrType)info->result;
}

static void fail(const TcgEmit *e, const char *what, const V128 *want, unsigned mxcsr,
                 unsigned flags, unsigned want_flags)
{
    const IrInsn *in = &cur.insn;
    printf("%s.%s sub %u imm %#" PRIx64 " rule %u mxcsr %x%s%s: %s\n", ir_op_info[in->op].name,
           ir_type_name((IrType)in->type), in->sub, in->imm, e->unit->nan_rule, mxcsr,
           e->host.avx ? "" : " noavx", frame->fixed ? " (fixed)" : "", what);
    for (unsigned i = 0; i < cur.nargs; i++) {
        printf("  arg%u.%s %016" PRIx64 ":%016" PRIx64 " in %u%s\n", i,
               ir_type_name(cur.arg_type[i]), frame->in[i].d[1], frame->in[i].d[0], cur.arg[i],
               cur.arg_mem[i] ? " (memory)" : "");
    }
    printf("  got  %016" PRIx64 ":%016" PRIx64 " flags %x in %u\n", frame->out.d[1],
           frame->out.d[0], flags, cur.def);
    printf("  want %016" PRIx64 ":%016" PRIx64 " flags %x\n  code ", want->d[1], want->d[0],
           want_flags);
    for (const uint8_t *p = e->start; p < e->p; p++) {
        printf("%02x", *p);
    }
    printf("\n");
}

static unsigned random_mxcsr(void)
{
    return MXCSR_DEFAULT | (rng() & 3) << 13 | (rng() % 4 == 0 ? 0x8040 : 0);
}

/* Run the code once and compare. */
static bool try_operands(TcgEmit *e)
{
    const IrInsn *in = &cur.insn;
    IrRefCtl ctl = { .imm = in->imm, .sub = in->sub, .type = in->type,
                     .arg_type = (uint8_t)cur.arg_type[in->op == IR_OP_VSET ? 1 : 0],
                     .nan_rule = (uint8_t)e->unit->nan_rule };
    unsigned mxcsr = random_mxcsr();
    V128 want;

    random_operands(e->unit);
    frame->fixed = 0;
    memset(&frame->out, 0, sizeof(frame->out));
    _mm_setcsr(mxcsr);
    ((void (*)(Frame *))(uintptr_t)e->start)(frame);
    unsigned flags = _mm_getcsr() & MXCSR_FLAGS;
    _mm_setcsr(mxcsr);
    ir_ref_fns[in->op](&want, &frame->in[0], &frame->in[1], &frame->in[2], &ctl);
    unsigned want_flags = _mm_getcsr() & MXCSR_FLAGS;
    _mm_setcsr(MXCSR_DEFAULT);

    IrType t = result_type();
    /* an i32 in a general register is zero-extended; flags have bits that nobody looks at */
    size_t bytes = t == IR_I32 ? 8 : type_bytes(t);
    if (in->op == IR_OP_NZCV_FCMP) {
        frame->out.d[0] &= IR_NZCV_MASK;
    }
    const char *what = NULL;
    if (frame->fixed ? (flags & ~want_flags) != 0 : flags != want_flags) {
        what = "sticky flags";
    } else if (!frame->fixed && memcmp(&frame->out, &want, bytes)) {
        what = "result";
    } else if (frame->fixed && memcmp(frame->at_fixup, frame->in, sizeof(frame->in))) {
        for (unsigned i = 0; i < cur.nargs; i++) {
            if (memcmp(&frame->at_fixup[i], &frame->in[i], type_bytes(cur.arg_type[i]))) {
                what = "operands are gone at the fix-up";
            }
        }
    }
    for (unsigned i = 0; i < cur.nargs; i++) {
        if (memcmp(&frame->after[i], &frame->in[i], type_bytes(cur.arg_type[i]))) {
            what = "operand was written";
        }
    }
    if (what) {
        fail(e, what, &want, mxcsr, flags, want_flags);
    }
    return !what;
}

typedef struct HostKind {
    const char *name;
    TcgHost host;
} HostKind;

static const HostKind hosts[] = {
    { "AVX2", { true, true, true, true, true, true, true, true, true, false, false, true } },
    { "SSE4.1", { 0 } },
};

/* CPUID, SHA being missing from what the compiler knows to ask for. */
static bool host_runs(const HostKind *h)
{
    unsigned a, b = 0, c, d;
    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    return !h->host.avx || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                            __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
                            b & bit_SHA);
}

static bool test_op(TcgEmit *e, IrOp op, int esize, unsigned rounds)
{
    for (unsigned h = 0; h < ARRAY_SIZE(hosts); h++) {
        if (!host_runs(&hosts[h])) {
            continue;
        }
        e->host = hosts[h].host;
        for (unsigned n = 0; n < rounds; n++) {
            make_case(e, op, esize);
            bool has_code = compile(e);
            for (unsigned k = 0; has_code && k < 20; k++) {
                if (!try_operands(e)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* Whether all, some or none of random cases are inline. Three lanes of four do not count: no
 * guest asks for them. */
static const char *coverage(TcgEmit *e, IrOp op, int esize, const HostKind *h)
{
    unsigned direct = 0, total = 0;
    unsigned imm = ir_op_info[op].imm;
    e->host = h->host;
    while (total < 300) {
        make_case(e, op, esize);
        bool counts_lanes = imm == IR_IMM_LANES || imm == IR_IMM_LANESMODE;
        if (!counts_lanes || IR_LANES_COUNT(cur.insn.imm) != 3) {
            total++;
            direct += compile(e);
        }
    }
    return direct == total ? "inline" : direct ? "partly" : "function";
}

/* The rows of docs/x86-64-vector.md: what is not inline everywhere. */
static void print_table(TcgEmit *e, const IrOp *ops, unsigned nops)
{
    static const char *const bits[] = { "8", "16", "32", "64" };
    printf("| opcode | lanes | %s | %s |\n|---|---|---|---|\n", hosts[0].name, hosts[1].name);
    for (unsigned i = 0; i < nops; i++) {
        const IrOpInfo *info = &ir_op_info[ops[i]];
        bool sized = info->sub == IR_SUB_ESIZE;
        for (int es = sized ? info->sub_min : 0; es <= (sized ? info->sub_max : 0); es++) {
            const char *best = coverage(e, ops[i], es, &hosts[0]);
            const char *least = coverage(e, ops[i], es, &hosts[1]);
            if (strcmp(best, "inline") || strcmp(least, "inline")) {
                printf("| `%s` | %s | %s | %s |\n", info->name, sized ? bits[es] : "", best, least);
            }
        }
    }
}

static bool test_all(TcgEmit *e, const IrOp *ops, unsigned nops, unsigned rounds, const char *only)
{
    bool ok = true;
    for (unsigned i = 0; i < nops; i++) {
        const IrOpInfo *info = &ir_op_info[ops[i]];
        bool sized = info->sub == IR_SUB_ESIZE;
        for (int es = sized ? info->sub_min : 0; es <= (sized ? info->sub_max : 0); es++) {
            if (!only || !strcmp(only, info->name)) {
                ok = test_op(e, ops[i], es, rounds) && ok;
            }
        }
    }
    return ok;
}

int main(int argc, char **argv)
{
    TcgEmit e = { .x = &ctx, .unit = ir_unit_create(&globals) };
    unsigned rounds = 300, nops = 0;
    const char *only = NULL;
    bool table = false;
    IrOp ops[IR_OP_COUNT];

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--table")) {
            table = true;
        } else if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
            rng_state = strtoull(argv[++i], NULL, 0);
        } else if (!strcmp(argv[i], "--rounds") && i + 1 < argc) {
            rounds = (unsigned)strtoul(argv[++i], NULL, 0);
        } else if (!strcmp(argv[i], "--ops") && i + 1 < argc) {
            only = argv[++i];
        } else {
            fprintf(stderr, "usage: emit_ops [--seed N] [--rounds N] [--ops NAME] | --table\n");
            return 2;
        }
    }
    e.start = mmap(NULL, CODE_BYTES + sizeof(Frame), PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (e.start == MAP_FAILED) {
        printf("skipped: no memory may be both writable and executable here\n");
        return 77;
    }
    e.limit = e.start + CODE_BYTES;
    frame = (Frame *)e.limit;
    e.ra = calloc(1, sizeof(*e.ra));
    e.ra->values = calloc(8, sizeof(*e.ra->values)); /* no value stands for another */
    ctx.fixes = calloc(MAX_FIXES, sizeof(*ctx.fixes));
    for (int op = 0; op < IR_OP_COUNT; op++) {
        if (ir_ref_fns[op]) {
            ops[nops++] = (IrOp)op;
        }
    }
    if (table) {
        print_table(&e, ops, nops);
        return 0;
    }
    bool ok = test_all(&e, ops, nops, rounds, only);
    printf("%s\n", ok ? "all emitters agree with their reference functions" : "FAILED");
    return ok ? 0 : 1;
}
