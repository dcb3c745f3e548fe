// SPDX-License-Identifier: MIT
//
// The interpreter as a backend (`-accel tcg,backend=interp`): units are copied into a compact
// form and executed by interp.c. A raised exception unwinds by longjmp to tcg_enter(). Guest
// state is exact at any time, since nothing of it is kept outside of the CPU structure.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "tcg/interp/interp.h"
#include "tcg/text.h"
#include "util/bitops.h"

/* ---- life ---- */

static bool context_init(TcgContext *ctx, Error **err)
{
    InterpContext *c = calloc(1, sizeof *c);
    if (!c) {
        return error_set(err, "out of memory for the interpreter");
    }
    c->size = ctx->config.buffer_bytes;
    c->code = mmap(NULL, c->size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c->code == MAP_FAILED) {
        free(c);
        return error_set(err, "cannot reserve %zu bytes for translated code; give a smaller "
                         "tb-size", ctx->config.buffer_bytes);
    }
    ctx->impl = c;
    return true;
}

static void context_fini(TcgContext *ctx)
{
    InterpContext *c = ctx->impl;
    munmap(c->code, c->size);
    interp_calls_free(c);
    free(c);
}

static bool thread_init(TcgThread *t)
{
    t->impl = calloc(1, sizeof(InterpThread));
    return t->impl != NULL;
}

static void thread_fini(TcgThread *t)
{
    InterpThread *it = t->impl;
    free(it->frame);
    free(it);
}

static void flush(TcgContext *ctx)
{
    InterpContext *c = ctx->impl;
    c->used = 0;
}

static size_t buffer_used(const TcgContext *ctx)
{
    const InterpContext *c = ctx->impl;
    return c->used;
}

static void *code_alloc(InterpContext *c, size_t bytes)
{
    bytes = align_up(bytes, 16);
    if (bytes > c->size - c->used) {
        return NULL;
    }
    void *p = c->code + c->used;
    c->used += bytes;
    return p;
}

/* ---- compiling ---- */

typedef struct Compiler {
    InterpContext *c;
    const IrUnit *u;
    uint32_t *block_start; /* by block: index of its first instruction */
    TcgCode *code;
    InterpInsn *out;
} Compiler;

static uint16_t operand(IrRef r)
{
    assert((r & ~IR_CONST) < INTERP_CONST && "unit too large for the interpreter");
    return (r & (INTERP_CONST - 1)) | (ir_is_const(r) ? INTERP_CONST : 0);
}

static void compile_var(const Compiler *k, InterpInsn *o, const IrInsn *i)
{
    if (ir_var_is_global(k->u, i->imm)) {
        const IrGlobal *g = &k->u->globals->table[i->imm];
        o->sub = ir_type_size(g->type);
        o->imm = g->offset;
    } else {
        o->op = i->op == IR_OP_GET ? INTERP_GET_LOCAL : INTERP_SET_LOCAL;
        o->imm = k->u->value_count + (i->imm - k->u->globals->count);
    }
}

static void compile_slot(Compiler *k, InterpInsn *o, const IrInsn *i)
{
    TcgSlot *slot = &k->code->slots[k->code->slot_count];
    slot->owner = k->code;
    slot->pc = i->imm;
    o->arg[0] = k->code->slot_count++;
}

static bool compile_insn(Compiler *k, InterpInsn *o, const IrInsn *i)
{
    unsigned n = ir_arg_count(i);
    *o = (InterpInsn){ .op = i->op, .type = i->type, .sub = i->sub, .imm = i->imm };
    o->dst = operand(i->dst);
    for (unsigned a = 0; a < n && a < 3; a++) {
        o->arg[a] = operand(i->arg[a]);
    }
    for (unsigned a = 3; a < n && a < 5; a++) {
        o->more[a - 3] = operand(i->arg[a]);
    }
    switch (i->op) {
    case IR_OP_GET:
    case IR_OP_SET: compile_var(k, o, i); break;
    case IR_OP_JUMP: o->imm = k->block_start[i->imm]; break;
    case IR_OP_BR:
    case IR_OP_BRC:
    case IR_OP_BRF:
        o->imm = IR_TARGETS(k->block_start[IR_THEN(i->imm)], k->block_start[IR_ELSE(i->imm)]);
        break;
    case IR_OP_EXIT_PC: compile_slot(k, o, i); break;
    case IR_OP_CALL:
        o->call = interp_call_prepare(k->c, ir_insn_helper(i));
        o->sub = n == 6 ? operand(i->arg[5]) : 0;
        return o->call != NULL;
    default: /* the operand whose type the reference functions ask for */
        if (n && n <= 3) {
            IrRef r = i->arg[i->op == IR_OP_VSET];
            o->more[0] = ir_ref_type(k->u, r);
        }
        break;
    }
    return true;
}

static bool compile_insns(Compiler *k)
{
    InterpInsn *o = k->out;
    for (uint32_t b = 0; b < k->u->block_count; b++) {
        const IrBlock *block = k->u->blocks[b];
        for (uint32_t n = 0; n < block->count; n++) {
            if (!compile_insn(k, o++, &block->insns[n])) {
                return false;
            }
        }
    }
    return true;
}

/* Number of instructions; fills block_start and counts exits. */
static uint32_t survey(Compiler *k, uint32_t *exits)
{
    uint32_t count = 0;
    *exits = 0;
    for (uint32_t b = 0; b < k->u->block_count; b++) {
        const IrBlock *block = k->u->blocks[b];
        k->block_start[b] = count;
        count += block->count;
        *exits += block->insns[block->count - 1].op == IR_OP_EXIT_PC;
    }
    return count;
}

static TcgCode *compile_unit(TcgContext *ctx, Compiler *k)
{
    const IrUnit *u = k->u;
    uint32_t exits, insns = survey(k, &exits);
    InterpUnit *unit = code_alloc(k->c, sizeof *unit + insns * sizeof unit->insns[0]);
    V128 *consts = code_alloc(k->c, u->const_count * sizeof *consts);
    TcgCode *code = tcg_meta_alloc(ctx, sizeof *code);
    TcgSlot *slots = tcg_meta_alloc(ctx, exits * sizeof *slots);
    if (!unit || !consts || !code || !slots) {
        return NULL;
    }
    for (uint32_t n = 0; n < u->const_count; n++) {
        consts[n] = (V128){ .d = { u->consts[n].lo, u->consts[n].hi } };
    }
    *unit = (InterpUnit){ .code = code, .consts = consts, .nan_rule = u->nan_rule,
                          .frame_slots = u->value_count + u->local_count };
    *code = (TcgCode){ .ctx = ctx, .entry = code, .slots = slots, .backend = unit };
    k->code = code;
    k->out = unit->insns;
    return compile_insns(k) ? code : NULL;
}

static TcgCode *compile(TcgContext *ctx, IrUnit *u)
{
    Compiler k = { .c = ctx->impl, .u = u };
    k.block_start = malloc(u->block_count * sizeof k.block_start[0]);
    TcgCode *code = k.block_start ? compile_unit(ctx, &k) : NULL;
    free(k.block_start);
    return code;
}

/* ---- running ---- */

static TcgExit enter(TcgThread *t, const void *entry)
{
    InterpThread *it = t->impl;
    if (_setjmp(it->unwind)) {
        return (TcgExit){ .reason = it->reason };
    }
    return interp_run(t, ((const TcgCode *)entry)->backend);
}

static void sync_state(TcgThread *t)
{
}

__attribute__((noreturn)) static void unwind(TcgThread *t, IrExitReason reason)
{
    InterpThread *it = t->impl;
    it->reason = reason;
    _longjmp(it->unwind, 1);
}

const TcgBackend tcg_backend_interp = {
    .name = "interp",
    .context_init = context_init,
    .context_fini = context_fini,
    .thread_init = thread_init,
    .thread_fini = thread_fini,
    .compile = compile,
    .enter = enter,
    .flush = flush,
    .buffer_used = buffer_used,
    .sync_state = sync_state,
    .unwind = unwind,
};
