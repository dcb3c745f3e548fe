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
#include "tcg/ir_arena.h"
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
    ctx->code = c->code;
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

static void use(TcgContext *ctx, size_t first, size_t end)
{
    InterpContext *c = ctx->impl;
    c->used = first;
    c->limit = end;
}

static size_t position(const TcgContext *ctx)
{
    const InterpContext *c = ctx->impl;
    return c->used;
}

static void *code_alloc(InterpContext *c, size_t bytes)
{
    bytes = align_up(bytes, 16);
    if (bytes > c->limit - c->used) {
        return NULL;
    }
    void *p = c->code + c->used;
    c->used += bytes;
    return p;
}

/* ---- slots of the frame ---- */

#define NO_SLOT UINT32_MAX
#define EVERYWHERE UINT32_MAX /* as a last use: in another block than the definition */

typedef struct Compiler {
    InterpContext *c;
    const IrUnit *u;
    uint32_t *block_start; /* by block: index of its first instruction */
    uint32_t *last_use;    /* by value: index of an instruction, or EVERYWHERE */
    uint32_t *slot;        /* by value */
    uint32_t *free_slots, free_count, slot_count;
    uint32_t index;        /* of the instruction being compiled */
    TcgCode *code;
    InterpInsn *out;
} Compiler;

static uint32_t new_slot(Compiler *k)
{
    return k->free_count ? k->free_slots[--k->free_count] : k->slot_count++;
}

/* Locals have the first slots; then come values that are used in other blocks, for good. All
 * others share what is left, from definition to last use. */
static void survey_values(Compiler *k)
{
    const IrUnit *u = k->u;
    uint32_t index = 0;
    k->slot_count = u->local_count;
    for (uint32_t v = 0; v < u->value_count; v++) {
        k->slot[v] = NO_SLOT;
        k->last_use[v] = EVERYWHERE;
    }
    for (uint32_t b = 0; b < u->block_count; b++) {
        const IrBlock *block = u->blocks[b];
        for (uint32_t n = 0; n < block->count; n++, index++) {
            const IrInsn *i = &block->insns[n];
            for (unsigned a = 0; a < IR_MAX_ARGS && i->arg[a]; a++) {
                if (ir_is_const(i->arg[a])) {
                    continue;
                }
                uint32_t *last = &k->last_use[i->arg[a]];
                /* not defined in this block: its definition is up the tree, or comes later */
                bool here = *last != EVERYWHERE && *last >= k->block_start[b];
                *last = here ? index : EVERYWHERE;
                if (!here && k->slot[i->arg[a]] == NO_SLOT) {
                    k->slot[i->arg[a]] = k->slot_count++;
                }
            }
            if (i->dst != IR_NONE && k->slot[i->dst] == NO_SLOT) {
                k->last_use[i->dst] = index;
            }
        }
    }
}

static uint16_t operand(const Compiler *k, IrRef r)
{
    uint32_t n = ir_is_const(r) ? r & ~IR_CONST : k->slot[r];
    assert(n < INTERP_CONST && "unit too large for the interpreter");
    return n | (ir_is_const(r) ? INTERP_CONST : 0);
}

/* Slots of operands that are used for the last time are free for the result. */
static void release_operands(Compiler *k, const IrInsn *i)
{
    for (unsigned a = 0; a < IR_MAX_ARGS && i->arg[a]; a++) {
        if (!ir_is_const(i->arg[a]) && k->last_use[i->arg[a]] == k->index) {
            k->free_slots[k->free_count++] = k->slot[i->arg[a]];
            k->last_use[i->arg[a]] = EVERYWHERE; /* once, though it may be used twice here */
        }
    }
}

static uint16_t define(Compiler *k, IrRef dst)
{
    if (dst == IR_NONE) {
        return 0;
    }
    if (k->slot[dst] == NO_SLOT) {
        k->slot[dst] = new_slot(k);
        if (k->last_use[dst] == k->index) { /* never used */
            k->free_slots[k->free_count++] = k->slot[dst];
        }
    }
    return operand(k, dst);
}

/* ---- compiling ---- */

static void compile_var(const Compiler *k, InterpInsn *o, const IrInsn *i)
{
    if (ir_var_is_global(k->u, i->imm)) {
        const IrGlobal *g = &k->u->globals->table[i->imm];
        o->sub = ir_type_size(g->type);
        o->imm = g->offset;
    } else {
        o->op = i->op == IR_OP_GET ? INTERP_GET_LOCAL : INTERP_SET_LOCAL;
        o->imm = i->imm - k->u->globals->count;
    }
}

static void compile_slot(Compiler *k, InterpInsn *o, const IrInsn *i)
{
    TcgSlot *slot = &k->code->slots[k->code->slot_count];
    slot->owner = k->code;
    slot->pc = i->imm;
    slot->same_page = i->sub & IR_EXIT_SAME_PAGE;
    o->imm = i->imm;
    memcpy(o->arg, &k->code->slot_count, sizeof k->code->slot_count);
    k->code->slot_count++;
}

static void compile_operands(Compiler *k, InterpInsn *o, const IrInsn *i)
{
    unsigned n = ir_arg_count(i);
    for (unsigned a = 0; a < n && a < 3; a++) {
        o->arg[a] = operand(k, i->arg[a]);
    }
    for (unsigned a = 3; a < n && a < 5; a++) {
        o->more[a - 3] = operand(k, i->arg[a]);
    }
    if (n == 6) {
        o->sub = operand(k, i->arg[5]);
    } else if (n && n <= 3) { /* the operand whose type the reference functions ask for */
        o->more[0] = ir_ref_type(k->u, i->arg[i->op == IR_OP_VSET]);
    }
    release_operands(k, i);
    o->dst = define(k, i->dst);
}

static bool compile_insn(Compiler *k, InterpInsn *o, const IrInsn *i)
{
    *o = (InterpInsn){ .op = i->op, .type = i->type, .sub = i->sub, .imm = i->imm };
    compile_operands(k, o, i);
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
        return o->call != NULL;
    default: break;
    }
    return true;
}

static bool compile_insns(Compiler *k)
{
    for (uint32_t b = 0; b < k->u->block_count; b++) {
        const IrBlock *block = k->u->blocks[b];
        for (uint32_t n = 0; n < block->count; n++, k->index++) {
            if (!compile_insn(k, &k->out[k->index], &block->insns[n])) {
                return false;
            }
        }
    }
    return true;
}

/* Number of instructions; fills block_start and counts exits. */
static uint32_t survey_blocks(Compiler *k, uint32_t *exits)
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
    uint32_t exits, insns = survey_blocks(k, &exits);
    survey_values(k);
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
    *code = (TcgCode){ .ctx = ctx, .entry = code, .slots = slots, .backend = unit };
    k->code = code;
    k->out = unit->insns;
    bool ok = compile_insns(k);
    *unit = (InterpUnit){ .code = code, .consts = consts, .nan_rule = u->nan_rule,
                          .frame_slots = k->slot_count };
    return ok ? code : NULL;
}

static TcgCode *compile(TcgContext *ctx, IrUnit *u)
{
    Compiler k = { .c = ctx->impl, .u = u };
    size_t mark = ir_arena_mark(u->arena);
    k.block_start = ir_arena_alloc(u->arena, u->block_count * sizeof k.block_start[0]);
    k.last_use = ir_arena_alloc(u->arena, u->value_count * sizeof k.last_use[0]);
    k.slot = ir_arena_alloc(u->arena, u->value_count * sizeof k.slot[0]);
    k.free_slots = ir_arena_alloc(u->arena, u->value_count * sizeof k.free_slots[0]);
    TcgCode *code = compile_unit(ctx, &k);
    ir_arena_release(u->arena, mark);
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
    .use = use,
    .position = position,
    .sync_state = sync_state,
    .unwind = unwind,
};
