// SPDX-License-Identifier: MIT
//
// Compilation of a unit to x86-64 machine code, and the table of functions that makes this a
// backend: analyse, then emit block by block, then what stands out of line, then constants.
#include <assert.h>
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include "tcg/x86_64/integer.h"
#include "tcg/x86_64/streams.h"
#include "util/bitops.h"

#define MARGIN_BYTES 8192u /* no instruction emits more than this */

/* A jump to a block, to be resolved when all are emitted. */
struct BlockJump {
    uint8_t *label; /* rel32 */
    uint32_t block;
};

/* ---- small services to emitters ---- */

Mem env_mem(uint32_t offset)
{
    return mem_b(RBP, (int32_t)offset - ENV_BIAS);
}

Mem slot_mem(uint32_t slot)
{
    return mem_b(RSP, (int32_t)(slot * sizeof(V128)));
}

const uint8_t *rx_of(const TcgEmit *e, const uint8_t *rw)
{
    return codebuf_rx(&e->x->cb, rw);
}

Mem emit_pool(TcgEmit *e, uint64_t lo, uint64_t hi)
{
    X86Context *x = e->x;
    for (uint32_t i = 0; i < x->npool; i++) {
        if (x->pool[i].d[0] == lo && x->pool[i].d[1] == hi) {
            return (Mem){ .base = REG_NONE, .index = REG_NONE, .pool = i + 1 };
        }
    }
    if (x->npool == MAX_POOL) {
        e->failed = true;
        x->npool--;
    }
    x->pool[x->npool] = (V128){ .d = { lo, hi } };
    return (Mem){ .base = REG_NONE, .index = REG_NONE, .pool = ++x->npool };
}

EmitOol *emit_ool(TcgEmit *e, unsigned cc, void (*fn)(TcgEmit *e, EmitOol *o))
{
    X86Context *x = e->x;
    if (x->nools == MAX_OOLS) {
        e->failed = true;
        x->nools--;
    }
    EmitOol *o = &x->ools[x->nools++];
    *o = (EmitOol){ .fn = fn, .insn = e->insn };
    if (cc != CC_NONE) {
        o->jump = cc == CC_ALWAYS ? asm_jmp32(e) : asm_jcc32(e, cc);
    }
    o->resume = e->p;
    return o;
}

void emit_ool_resume(TcgEmit *e, EmitOol *o)
{
    asm_jmp_to(e, o->resume);
}

/* ---- branches between blocks ---- */

static void jump_to_block(TcgEmit *e, uint8_t *label, uint32_t block)
{
    X86Context *x = e->x;
    if (x->njumps == x->cap_jumps) {
        uint32_t cap = x->cap_jumps ? x->cap_jumps * 2 : 256;
        struct BlockJump *p = realloc(x->jumps, cap * sizeof *p);
        if (!p) {
            e->failed = true;
            return;
        }
        x->jumps = p;
        x->cap_jumps = cap;
    }
    x->jumps[x->njumps++] = (struct BlockJump){ label, block };
}

static bool is_heir(const TcgEmit *e, uint32_t block, uint32_t parent)
{
    return e->ra->blocks[block].parent == (int32_t)parent;
}

static bool begins_with_insn_start(const TcgEmit *e, uint32_t block)
{
    return e->unit->blocks[block]->insns[0].op == IR_OP_INSN_START;
}

/* Nothing but a way out: whoever branches to two of these stores variables before. */
static bool is_plain_exit(const TcgEmit *e, uint32_t block)
{
    const IrBlock *b = e->unit->blocks[block];
    return b->insns[0].op == IR_OP_EXIT_PC ||
           (b->count == 2 && b->insns[0].op == IR_OP_INSN_START &&
            b->insns[1].op == IR_OP_EXIT_PC);
}

/* The branch itself can be the exit's jump: no poll, no guard, nothing to store. */
static bool is_direct_exit(const TcgEmit *e, uint32_t block)
{
    const IrBlock *b = e->unit->blocks[block];
    return is_plain_exit(e, block) && b->insns[b->count - 1].sub == IR_EXIT_SAME_PAGE &&
           ra_is_clean(e, e->unit->globals->pc);
}

/* Jump to `block`, which inherits from this one, when `cc` holds. */
static void branch_to_heir(TcgEmit *e, unsigned cc, uint32_t block)
{
    if (is_direct_exit(e, block)) {
        align_rel32(e, 2);
        e->ra->blocks[block].exit_jump = asm_jcc32(e, cc);
    } else {
        jump_to_block(e, asm_jcc32(e, cc), block);
    }
}

/* For two ways out, both of which set the pc. */
static void flush_but_pc(TcgEmit *e)
{
    ra_flush(e, true, e->unit->globals->pc);
    ra_forget_dirty(e);
}

static void emit_jump(TcgEmit *e, const IrInsn *in, uint32_t block, uint32_t next)
{
    uint32_t to = (uint32_t)in->imm;
    if (!is_heir(e, to, block)) {
        ra_edge(e, to, begins_with_insn_start(e, to));
    }
    if (to != next) {
        assert(!is_heir(e, to, block));
        jump_to_block(e, asm_jmp32(e), to);
    }
}

/* The condition of a conditional branch in host flags; CC_ALWAYS if it is no condition. */
static unsigned branch_condition(TcgEmit *e, const IrInsn *in)
{
    switch (in->op) {
    case IR_OP_BRC:
        return emit_compare(e, in);
    case IR_OP_BRF:
        return in->sub >= IR_COND_AL ? CC_ALWAYS : flags_condition(e, in->arg[0], in->sub);
    default: {
        Reg r = ra_use(e, in->arg[0]);
        asm_test_rr(e, 0, r, r);
        return CC_NE;
    }
    }
}

static void emit_branch(TcgEmit *e, const IrInsn *in, uint32_t block, uint32_t next)
{
    uint32_t then = IR_THEN(in->imm), els = IR_ELSE(in->imm);
    RegAlloc *ra = e->ra;
    assert(is_heir(e, then, block) && is_heir(e, els, block) && "ra_split_edges()");
    ra_forget_unseen(e, in);
    flags_prepare(e, in);
    if (is_plain_exit(e, then) && is_plain_exit(e, els)) {
        flush_but_pc(e);
    }
    bool is_flags = in->op == IR_OP_BRF;
    if (!is_flags && ra->s.flags_ref) {
        flags_save(e);
        ra->s.flags_ref = IR_NONE;
    }
    unsigned cc = branch_condition(e, in);
    ra_insn_end(e);
    if (then != next) {
        ra_state_save(e, then);
    }
    if (els != next) {
        ra_state_save(e, els);
    }
    if (cc == CC_ALWAYS) {
        jump_to_block(e, asm_jmp32(e), then);
    } else if (then == next) {
        branch_to_heir(e, cc ^ 1, els);
    } else {
        branch_to_heir(e, cc, then);
        if (els != next) {
            jump_to_block(e, asm_jmp32(e), els);
        }
    }
}

/* ---- blocks ---- */

static const EmitEntry *emitter_of(unsigned op)
{
    static const EmitEntry by_reference = { emit_ref, EMIT_FLAGS };
    static const EmitEntry probe = { emit_probe, EMIT_FLAGS };
    static const EmitEntry begin_streams = { emit_begin_streams, 0 };
    if (op >= IR_OP_COUNT) {
        return op == X86_OP_PROBE ? &probe : &begin_streams;
    }
    return emit_integer_table[op].fn ? &emit_integer_table[op]
           : emit_fp_table[op].fn    ? &emit_fp_table[op]
           : emit_vec_table[op].fn   ? &emit_vec_table[op]
                                     : &by_reference;
}

/* Nobody wants the result, and it is all that the instruction does; as in analyse.c. */
static bool is_unwanted(const TcgEmit *e, const IrInsn *in)
{
    if (!in->dst || e->ra->insn_uses[0]) {
        return false;
    }
    if (in->op == X86_OP_PROBE) {
        return true;
    }
    if (in->op == IR_OP_CALL) {
        return ((const IrHelper *)(uintptr_t)in->imm)->flags & IR_HELPER_PURE;
    }
    unsigned effects = ir_op_info[in->op].effects;
    return (effects == IR_EFFECT_PURE || effects == IR_EFFECT_RO) &&
           !ra_has_follower(in);
}

static bool is_fused_flags(const IrInsn *in)
{
    return in->op >= IR_OP_NZCV_ADD && in->op <= IR_OP_NZCV_SBC && in->sub;
}

/* A scalar above which the register is known to be zero only now. */
static bool emit_vzext_free(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    IrType x = ir_ref_type(e->unit, in->arg[0]);
    if (in->op != IR_OP_VZEXT || !type_is_xmm(x) || ir_is_const(in->arg[0])) {
        return false;
    }
    ra_use(e, in->arg[0]);
    const RaValue *v = &ra->values[ra_canonical(ra, in->arg[0])];
    if (!(v->zero_above & (x == IR_F32 ? ZERO_ABOVE_32 : ZERO_ABOVE_64))) {
        return false;
    }
    ra_def_over(e, in->arg[0]);
    return true;
}

static void emit_operation(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    const EmitEntry *entry = emitter_of(in->op);
    if (ra->s.flags_ref && in->op == IR_OP_POLL && in[1].op == IR_OP_JUMP) {
        ra_settle_flags(e, (uint32_t)in[1].imm);
    }
    ra_forget_unseen(e, in);
    flags_prepare(e, in);
    bool changes_flags = entry->flags & EMIT_FLAGS || (ra_is_arith(in->op) && in->sub);
    IrRef before = ra->s.flags_ref;
    if (changes_flags && before && flags_needs_save(e, in)) {
        flags_save(e);
    }
    if (!emit_vzext_free(e, in)) {
        entry->fn(e, in);
    }
    if (in->dst) {
        ra->values[in->dst].zero_above = (uint8_t)emit_value_zero_above(e, in);
    }
    if (changes_flags && ra->s.flags_ref == before) {
        ra->s.flags_ref = IR_NONE;
    }
    ra_insn_end(e);
}

static void emit_insn(TcgEmit *e, const IrInsn *in, uint32_t block, uint32_t next)
{
    RegAlloc *ra = e->ra;
    ra_insn_begin(e, in);
    switch (in->op) {
    case IR_OP_SET:
        ra_set(e, in);
        ra_insn_end(e);
        return;
    case IR_OP_INSN_START:
        ra_set_pc(e, in->imm);
        return;
    case IR_OP_JUMP:
        emit_jump(e, in, block, next);
        return;
    case IR_OP_BRC:
    case IR_OP_BRF:
    case IR_OP_BR:
        emit_branch(e, in, block, next);
        return;
    default:
        break;
    }
    if ((in->dst && ra->values[in->dst].alias) || is_unwanted(e, in)) {
        return;
    }
    if (in->op == IR_OP_GET) {
        ra_get(e, in);
        return;
    }
    /* As analyse.c counts, neither uses its operands. */
    if (is_fused_flags(in)) { /* no code */
        flags_set(e, ra->fused_kind);
        return;
    }
    if ((in->op == IR_OP_MULHU || in->op == IR_OP_MULHS) && in->sub) {
        ra_def_late(e);
        return;
    }
    emit_operation(e, in);
}

static void emit_blocks(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    ra->use_at = 0;
    for (uint32_t n = 0; n < ra->norder && !e->failed; n++) {
        uint32_t block = ra->order[n];
        uint32_t next = n + 1 < ra->norder ? ra->order[n + 1] : UINT32_MAX;
        RaBlock *rb = &ra->blocks[block];
        const IrBlock *b = e->unit->blocks[block];
        if (n && rb->parent == (int32_t)ra->order[n - 1]) {
            ra_block_inherit(e, block);
        } else {
            ra_block_begin(e, block);
        }
        rb->code = e->p;
        ra->block = block;
        for (uint32_t i = 0; i < b->count && !e->failed; i++) {
            emit_insn(e, &b->insns[i], block, next);
            e->failed |= e->p > e->limit || ra->slots_out;
        }
    }
}

/* ---- the rest of the unit ---- */

static void set_rel32(uint8_t *label, const uint8_t *target)
{
    int32_t rel = (int32_t)(target - (label + 4));
    memcpy(label, &rel, 4);
}

static void emit_out_of_line(TcgEmit *e)
{
    X86Context *x = e->x;
    for (uint32_t i = 0; i < x->nools && !e->failed; i++) { /* may grow on the way */
        EmitOol *o = &x->ools[i];
        if (o->jump) {
            set_rel32(o->jump, e->p);
        }
        o->fn(e, o);
        e->failed |= e->p > e->limit;
    }
}

static void emit_constants(TcgEmit *e)
{
    X86Context *x = e->x;
    if (e->failed || !x->npool) {
        return;
    }
    e->p = (uint8_t *)align_up((uintptr_t)e->p, 16);
    if (e->p + x->npool * sizeof(V128) > e->limit) {
        e->failed = true;
        return;
    }
    for (uint32_t i = 0; i < x->nfixes; i++) {
        const PoolFix *f = &x->fixes[i];
        int32_t rel = (int32_t)(e->p + f->index * sizeof(V128) - (f->disp + 4 + f->trailing));
        memcpy(f->disp, &rel, 4);
    }
    memcpy(e->p, x->pool, x->npool * sizeof(V128));
    e->p += x->npool * sizeof(V128);
}

static uint32_t count_exits(const IrUnit *u)
{
    uint32_t n = 0;
    for (uint32_t b = 0; b < u->block_count; b++) {
        const IrBlock *block = u->blocks[b];
        n += block->count && block->insns[block->count - 1].op == IR_OP_EXIT_PC;
    }
    return n;
}

static TcgCode *code_new(TcgContext *ctx, const IrUnit *u)
{
    TcgCode *code = tcg_meta_alloc(ctx, sizeof *code);
    uint32_t exits = count_exits(u);
    if (!code) {
        return NULL;
    }
    code->ctx = ctx;
    code->slots = tcg_meta_alloc(ctx, exits * sizeof(TcgSlot) + 1);
    return code->slots ? code : NULL;
}

static TcgCode *x86_compile(TcgContext *ctx, IrUnit *u)
{
    X86Context *x = ctx->impl;
    size_t meta_before = ctx->meta_used;
    codebuf_prepare(&x->cb);
    uint8_t *start = x->cb.rw + align_up(x->cb.used, 32);
    TcgEmit e = {
        .p = start, .start = start, .limit = x->cb.rw + x->cb.limit - MARGIN_BYTES,
        .host = x->host, .unit = u, .ctx = ctx, .x = x, .ra = x->ra, .layout = &ctx->config.layout,
        .uniprocessor = ctx->threads && !ctx->threads->next,
    };
    x->nools = x->nfixes = x->npool = x->njumps = 0;
    x->code = start < e.limit ? code_new(ctx, u) : NULL;
    ra_split_edges(&e);
    if (!x->code || !ra_init(&e) || !ra_analyse(&e)) {
        goto full;
    }
    emit_blocks(&e);
    size_t main_bytes = (size_t)(e.p - start);
    emit_out_of_line(&e);
    for (uint32_t i = 0; i < x->njumps && !e.failed; i++) {
        set_rel32(x->jumps[i].label, x->ra->blocks[x->jumps[i].block].code);
    }
    x->code->len = (size_t)(e.p - start);
    x->code->main_len = main_bytes;
    emit_constants(&e);
    if (e.failed) {
        goto full;
    }
    x->cb.used = (size_t)(e.p - x->cb.rw);
    x->code->entry = x->code->bytes = rx_of(&e, start);
    return x->code;

full:
    memset(ctx->meta + meta_before, 0, ctx->meta_used - meta_before);
    ctx->meta_used = meta_before;
    return NULL;
}

/* ---- the backend ---- */

static void detect_host(TcgHost *h, const TcgConfig *c)
{
    unsigned a, b, cx, d, xcr0 = 0;
    *h = (TcgHost){ 0 };
    __cpuid(1, a, b, cx, d);
    bool osxsave = cx & bit_OSXSAVE;
    if (osxsave) {
        __asm__("xgetbv" : "=a"(xcr0) : "c"(0) : "edx");
    }
    bool ymm = (xcr0 & 6) == 6, zmm = (xcr0 & 0xe6) == 0xe6;
    h->popcnt = cx & bit_POPCNT;
    h->sse42 = cx & bit_SSE4_2;
    h->pclmul = cx & bit_PCLMUL;
    h->aes = cx & bit_AES;
    h->movbe = cx & bit_MOVBE;
    bool avx = ymm && cx & bit_AVX;
    h->fma = avx && cx & bit_FMA && !c->no_fma && !c->no_avx2;
    h->f16c = avx && cx & bit_F16C && !c->no_avx2;
    __cpuid_count(7, 0, a, b, cx, d);
    h->avx = avx && b & bit_AVX2 && !c->no_avx2;
    h->sha = b & bit_SHA;
    h->gfni = cx & bit_GFNI;
    h->avx512 = zmm && h->avx && b & bit_AVX512F && b & bit_AVX512BW && b & bit_AVX512DQ &&
                b & bit_AVX512VL;
    bool bmi = b & bit_BMI && b & bit_BMI2;
    __cpuid(0x80000001, a, b, cx, d);
    h->bmi = bmi && cx & bit_LZCNT && !c->no_bmi;
}

/* The same code on every host that has this level (System V ABI, AMD64 supplement, 3.1.1). */
static bool restrict_host(TcgHost *h, Error **err)
{
    if (!h->avx || !h->bmi || !h->fma || !h->f16c || !h->movbe || !h->popcnt || !h->sse42) {
        return error_set(err, "this host lacks something of x86-64-v3 (AVX2, BMI, FMA, F16C, MOVBE)");
    }
    *h = (TcgHost){ .avx = true, .bmi = true, .fma = true, .f16c = true, .movbe = true,
                    .popcnt = true, .sse42 = true };
    return true;
}

static void tables_fini(X86Context *x)
{
    ra_free(x->ra);
    free(x->ools);
    free(x->fixes);
    free(x->pool);
    free(x->jumps);
}

/* What a compilation needs beside memory for its results. */
static bool tables_init(X86Context *x)
{
    x->jumps = NULL;
    x->cap_jumps = 0;
    x->ra = calloc(1, sizeof *x->ra);
    x->ools = calloc(MAX_OOLS, sizeof x->ools[0]);
    x->fixes = calloc(MAX_FIXES, sizeof x->fixes[0]);
    x->pool = aligned_alloc(16, MAX_POOL * sizeof x->pool[0]);
    return x->ra && x->ools && x->fixes && x->pool;
}

static void x86_context_fini(TcgContext *ctx)
{
    X86Context *x = ctx->impl;
    codebuf_fini(&x->cb);
    tables_fini(x);
    free(x);
    ctx->impl = NULL;
}

static bool x86_context_init(TcgContext *ctx, Error **err)
{
    X86Context *x = calloc(1, sizeof *x);
    if (!x) {
        return error_set(err, "out of memory for the translator");
    }
    ctx->impl = x;
    if (!tables_init(x)) {
        error_set(err, "out of memory for the translator");
        x86_context_fini(ctx);
        return false;
    }
    if (!codebuf_init(&x->cb, ctx->config.buffer_bytes, err)) {
        x86_context_fini(ctx);
        return false;
    }
    ctx->config.buffer_bytes = x->cb.size;
    detect_host(&x->host, &ctx->config);
    if (ctx->config.only_x86_64_v3 && !restrict_host(&x->host, err)) {
        x86_context_fini(ctx);
        return false;
    }
    TcgEmit e = { .p = x->cb.rw, .start = x->cb.rw, .limit = x->cb.rw + x->cb.size, .ctx = ctx,
                  .x = x, .host = x->host, .layout = &ctx->config.layout };
    x86_thunks_init(&e);
    ctx->code = x->cb.rx;
    ctx->code_first = x->thunks_end = (size_t)(e.p - x->cb.rw);
    return true;
}

/* ---- compilation beside the context's own ---- */

static void x86_part_fini(TcgContext *part)
{
    tables_fini(part->impl);
    free(part->impl);
    part->impl = NULL;
}

static bool x86_part_init(TcgContext *part, const TcgContext *ctx)
{
    X86Context *x = malloc(sizeof *x);
    if (!x) {
        return false;
    }
    part->impl = x;
    *x = *(const X86Context *)ctx->impl;
    if (!tables_init(x)) {
        x86_part_fini(part);
        return false;
    }
    return true;
}

static void x86_use(TcgContext *ctx, size_t first, size_t end)
{
    CodeBuf *cb = &((X86Context *)ctx->impl)->cb;
    cb->used = first;
    cb->limit = end;
}

static size_t x86_position(const TcgContext *ctx)
{
    return ((const X86Context *)ctx->impl)->cb.used;
}

static bool x86_thread_init(TcgThread *t)
{
    t->impl = calloc(1, sizeof(X86Thread));
    return t->impl != NULL;
}

static void x86_thread_fini(TcgThread *t)
{
    free(t->impl);
}

const TcgBackend tcg_backend_x86_64 = {
    .name = "x86-64",
    .context_init = x86_context_init,
    .context_fini = x86_context_fini,
    .thread_init = x86_thread_init,
    .thread_fini = x86_thread_fini,
    .compile = x86_compile,
    .part_init = x86_part_init,
    .part_fini = x86_part_fini,
    .use = x86_use,
    .position = x86_position,
    .enter = x86_enter,
    .patch = x86_patch,
    .sync_state = x86_sync_state,
    .unwind = x86_unwind,
};
