// SPDX-License-Identifier: MIT
//
// Slow paths: the records that translated code names when it takes one, and what is done then.
//
// Out of line stands only `mov eax, record; jmp thunk`. The thunk puts all registers into the
// frame's image and calls x86_slow(), which finds in the record where operands are and where the
// result goes. A record of something that can fault has a snapshot: the variables whose memory is
// behind, and where their values are. It is applied only if somebody asks for exact state.
#include "tcg/x86_64/integer.h"
#include <assert.h>
#include <string.h>
#include "tcg/eval.h"
#include "tcg/ref/ref.h"
#include "tcg/x86_64/thunks.h"
#include "util/bitops.h"

/* ---- while compiling ---- */

SlowRecord *slow_record_new(TcgEmit *e, SlowKind kind, bool snapshot)
{
    uint32_t n = snapshot ? ra_snapshot_count(e) : 0;
    SlowRecord *rec = tcg_meta_alloc(e->ctx, sizeof *rec + n * sizeof rec->snap[0]);
    if (!rec) {
        e->failed = true;
        return &e->x->no_record;
    }
    rec->kind = kind;
    rec->op = e->insn->op;
    rec->type = e->insn->type;
    rec->sub = e->insn->sub;
    rec->imm = e->insn->imm;
    rec->nan_rule = e->unit->nan_rule;
    if (snapshot) {
        rec->nsnap = ra_snapshot(e, rec->snap);
    }
    return rec;
}

/* Where operand `r` is: `reg`, or, if that is REG_NONE, it must be a constant or absent. */
Loc slow_loc(TcgEmit *e, IrRef r, Reg reg)
{
    if (r == IR_NONE) {
        return (Loc){ .kind = LOC_NONE };
    }
    unsigned type = ir_ref_type(e->unit, r);
    if (reg != REG_NONE) {
        return (Loc){ .kind = LOC_REG, .type = (uint8_t)type, .reg = reg };
    }
    return ra_loc(e, r, type);
}

void emit_goto_slow(TcgEmit *e, const SlowRecord *rec)
{
    asm_mov_ri(e, RAX, rec == &e->x->no_record ? 0 : tcg_meta_offset(e->ctx, rec));
    asm_jmp_to(e, codebuf_rw(&e->x->cb, e->x->slow));
}

void ool_slow(TcgEmit *e, EmitOol *o)
{
    SlowRecord *rec = (SlowRecord *)(uintptr_t)o->arg[0];
    rec->resume = rx_of(e, o->resume);
    emit_goto_slow(e, rec);
}

void emit_ref(TcgEmit *e, const IrInsn *in)
{
    Reg regs[3] = { REG_NONE, REG_NONE, REG_NONE };
    for (unsigned k = 0; k < 3 && in->arg[k]; k++) {
        if (!ir_is_const(ra_canonical(e->ra, in->arg[k]))) {
            regs[k] = ra_use(e, in->arg[k]);
        }
    }
    SlowRecord *rec = slow_record_new(e, SLOW_REF, false);
    for (unsigned k = 0; k < 3; k++) {
        rec->arg[k] = slow_loc(e, in->arg[k], regs[k]);
    }
    ra_done(e);
    rec->dst = slow_loc(e, in->dst, ra_def(e));
    emit_goto_slow(e, rec);
    rec->resume = rx_of(e, e->p);
}

void emit_ref_if(TcgEmit *e, const IrInsn *in, unsigned cc, Reg d, Reg a, Reg b, Reg c)
{
    SlowRecord *rec = slow_record_new(e, SLOW_REF, false);
    rec->op = in->op;
    rec->type = in->type;
    rec->sub = in->sub;
    rec->imm = in->imm;
    Reg regs[3] = { a, b, c };
    for (unsigned k = 0; k < 3; k++) {
        rec->arg[k] = slow_loc(e, in->arg[k], regs[k]);
    }
    rec->dst = slow_loc(e, in->dst, d);
    emit_ool(e, cc, ool_slow)->arg[0] = (uintptr_t)rec;
}

/* ---- while running ---- */

static void loc_read(const X86Frame *f, const Loc *loc, V128 *out);

/* In the form of opcodes.def. */
static uint32_t flags_read(const X86Frame *f, const FlagsLoc *loc)
{
    V128 a, b;
    IrOp op = IR_OP_NZCV_SUB;
    if (loc->guard && !f->slots[loc->guard - 1].s[0]) {
        uint32_t flags;
        memcpy(&flags, (const uint8_t *)f->thread->env + loc->offset, sizeof flags);
        return flags;
    }
    loc_read(f, &loc->a, &a);
    loc_read(f, &loc->b, &b);
    switch (loc->form) {
    case RECIPE_SUB_RESULT: a.d[0] += b.d[0]; break;
    case RECIPE_ADD_RESULT: a.d[0] -= b.d[0]; op = IR_OP_NZCV_ADD; break;
    case RECIPE_ADD: op = IR_OP_NZCV_ADD; break;
    case RECIPE_AND: op = IR_OP_NZCV_AND; break;
    default: break;
    }
    if (loc->type == IR_I32) {
        a.d[0] = a.s[0];
        b.d[0] = b.s[0];
    }
    return (uint32_t)ir_eval_int(op, loc->type, 0, 0, a.d[0], b.d[0], 0, 0);
}

static void loc_read(const X86Frame *f, const Loc *loc, V128 *out)
{
    const TcgThread *t = f->thread;
    *out = (V128){ 0 };
    switch (loc->kind) {
    case LOC_REG:
        if (reg_is_xmm(loc->reg)) {
            *out = f->xmm[loc->reg - XMM0];
        } else {
            out->d[0] = f->gpr[loc->reg];
        }
        break;
    case LOC_SLOT:
        *out = f->slots[loc->v];
        break;
    case LOC_LOCAL:
        memcpy(out, &f->slots[loc->v], ir_type_size(loc->reg));
        break;
    case LOC_CONST:
        *out = *(const V128 *)tcg_meta_at(t->ctx, (uint32_t)loc->v);
        break;
    case LOC_IMM:
        out->d[0] = (uint64_t)(int64_t)loc->v;
        break;
    case LOC_FLAGS:
        out->s[0] = flags_read(f, tcg_meta_at(t->ctx, (uint32_t)loc->v));
        break;
    case LOC_ENV:
        memcpy(out, (const uint8_t *)t->env + loc->v, ir_type_size(loc->reg));
        break;
    default:
        break;
    }
}

/* Results fill the register: i32 with zeros above, and xmm as a whole. */
static void loc_write(X86Frame *f, const Loc *loc, const V128 *v)
{
    assert(loc->kind == LOC_REG);
    if (!reg_is_xmm(loc->reg)) {
        f->gpr[loc->reg] = loc->type == IR_I32 ? v->s[0] : v->d[0];
    } else {
        V128 whole = { 0 };
        memcpy(&whole, v, ir_type_size(loc->type));
        f->xmm[loc->reg - XMM0] = whole;
    }
}

static void mask_to(V128 *v, unsigned size_log2)
{
    if (size_log2 < 4) {
        v->d[1] = 0;
        v->d[0] &= bit_mask(8u << size_log2);
    }
}

/* The access was done after all: memory gets back what translated code believes it to hold, for
 * values may live in the memory of variables that are dirty. */
static void undo_sync(const X86Thread *xt, const SlowRecord *rec)
{
    for (uint32_t i = 0; i < rec->nsnap; i++) {
        const SnapEntry *s = &rec->snap[i];
        memcpy((uint8_t *)xt->frame->thread->env + s->offset, &xt->undo->old[i],
               ir_type_size(s->loc.type));
    }
}

static void slow_access(X86Frame *f, const SlowRecord *rec)
{
    TcgThread *t = f->thread;
    X86Thread *xt = t->impl;
    unsigned size = ir_mem_size_log2(rec->sub);
    TcgSlowAccess a = { .kind = rec->access, .memop = rec->sub, .rmw = rec->rmw };
    V128 base;
    loc_read(f, &rec->arg[0], &base);
    a.addr = base.d[0] + rec->imm;
    loc_read(f, &rec->arg[1], &a.data);
    loc_read(f, &rec->arg[2], &a.data2);
    mask_to(&a.data, size);
    mask_to(&a.data2, size);
    X86Undo undo;
    xt->record = rec;
    xt->undo = &undo;
    t->ctx->config.ops.slow_access(t->env, &a);
    if (!xt->record) {
        undo_sync(xt, rec);
    }
    xt->record = NULL;
    for (unsigned r = rec->clear_regs; r; r &= r - 1) {
        f->gpr[__builtin_ctz(r)] = 0;
    }
    for (unsigned k = 0; k < rec->nclear_slots; k++) {
        f->slots[rec->clear_slots[k]].d[0] = 0;
    }
    const StreamSlots *s = &rec->streams;
    for (unsigned k = 0; k < s->rising + s->falling; k++) {
        f->slots[s->first + k].d[0] = k < s->rising ? 0 : UINT64_MAX;
    }
    if (rec->access == TCG_STORE) {
        return;
    }
    mask_to(&a.data, size);
    if (rec->sub & IR_MEM_SIGN && size < 3) {
        a.data.d[0] = (uint64_t)sign_extend(a.data.d[0], 8u << size);
    }
    loc_write(f, &rec->dst, &a.data);
}

static uint32_t crc_bits(uint32_t crc, uint64_t data, unsigned bits, uint32_t poly)
{
    crc ^= (uint32_t)(bits < 32 ? data & bit_mask(bits) : data);
    uint32_t high = bits == 64 ? (uint32_t)(data >> 32) : 0;
    for (unsigned k = 0; k < bits; k++) {
        if (k == 32) {
            crc ^= high;
        }
        crc = crc & 1 ? crc >> 1 ^ poly : crc >> 1;
    }
    return crc;
}

static void slow_ref(X86Frame *f, const SlowRecord *rec)
{
    V128 arg[3], d = { 0 };
    for (unsigned k = 0; k < 3; k++) {
        loc_read(f, &rec->arg[k], &arg[k]);
    }
    if (rec->op == IR_OP_CRC32 || rec->op == IR_OP_CRC32C) {
        d.s[0] = crc_bits(arg[0].s[0], arg[1].d[0], 8u << rec->sub,
                          rec->op == IR_OP_CRC32 ? 0xedb88320u : 0x82f63b78u);
    } else {
        const IrOpInfo *info = &ir_op_info[rec->op];
        unsigned x = 0; /* the operand whose kind is open, else the first */
        for (unsigned k = 0; k < info->nargs; k++) {
            if (info->args[k] >= IR_KIND_ANY_INT && info->args[k] <= IR_KIND_ANY_SCALAR) {
                x = k;
            }
        }
        IrRefCtl ctl = { .imm = rec->imm, .sub = rec->sub, .type = rec->type,
                         .arg_type = rec->arg[x].type, .nan_rule = rec->nan_rule };
        ir_ref_fns[rec->op](&d, &arg[0], &arg[1], &arg[2], &ctl);
    }
    loc_write(f, &rec->dst, &d);
}

const uint8_t *x86_slow(X86Frame *f, uint32_t offset)
{
    TcgThread *t = f->thread;
    X86Thread *xt = t->impl;
    const SlowRecord *rec = tcg_meta_at(t->ctx, offset);
    switch (rec->kind) {
    case SLOW_ACCESS:
        slow_access(f, rec);
        break;
    case SLOW_REF:
        slow_ref(f, rec);
        break;
    case SLOW_EXIT:
        xt->record = rec;
        xt->undo = NULL;
        x86_sync_state(t);
        memcpy((uint8_t *)t->env + t->ctx->config.layout.env_pc, &rec->imm, 8);
        x86_unwind(t, rec->access);
    }
    return rec->resume;
}

void x86_sync_state(TcgThread *t)
{
    X86Thread *xt = t->impl;
    const SlowRecord *rec = xt->record;
    if (!rec) {
        return;
    }
    xt->record = NULL;
    /* All is read before anything is written: values may be in other variables' memory. */
    X86Undo now;
    assert(rec->nsnap <= ARRAY_SIZE(now.old) && "more variables than any guest has");
    for (uint32_t i = 0; i < rec->nsnap; i++) {
        const SnapEntry *s = &rec->snap[i];
        loc_read(xt->frame, &s->loc, &now.old[i]);
        if (xt->undo) {
            memcpy(&xt->undo->old[i], (uint8_t *)t->env + s->offset, ir_type_size(s->loc.type));
        }
    }
    for (uint32_t i = 0; i < rec->nsnap; i++) {
        const SnapEntry *s = &rec->snap[i];
        memcpy((uint8_t *)t->env + s->offset, &now.old[i], ir_type_size(s->loc.type));
    }
}
