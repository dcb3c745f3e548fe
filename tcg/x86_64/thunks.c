// SPDX-License-Identifier: MIT
//
// The ways into and out of translated code, generated once per context at the start of the code
// buffer, and the C functions that they call.
//
//   enter   C function: saves the callee's registers, makes the frame, jumps to a unit
//   leave   jumped to with the result in RAX: undoes it
//   slow    jumped to with a record in EAX: all registers to the frame's image and back
//   chain   jumped to with a slot in EAX, by an exit_pc that is not linked or whose guard missed
//   lookup  jumped to with a guest pc in RCX, by an exit_reg that missed the jump cache
#include "tcg/x86_64/thunks.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

static_assert(sizeof(X86Frame) % 16 == 0, "the stack stays aligned");

static const Reg callee_saved[] = { RBP, RBX, R12, R13, R14, R15 };
static const Reg image_gprs[] = { RCX, RDX, RBX, RSI, RDI, R8, R9, R10, R11, R12, R14, R15 };

static Mem frame_gpr(Reg r)
{
    return mem_b(RSP, (int32_t)(offsetof(X86Frame, gpr) + r * sizeof(uint64_t)));
}

static Mem frame_xmm(Reg r)
{
    return mem_b(RSP, (int32_t)(offsetof(X86Frame, xmm) + (r - XMM0) * sizeof(V128)));
}

static const uint8_t *begin(TcgEmit *e)
{
    while ((uintptr_t)e->p & 15) {
        asm_u8(e, 0xcc);
    }
    return rx_of(e, e->p);
}

static void push_pop(TcgEmit *e, Reg r, bool push)
{
    if (r >= R8) {
        asm_u8(e, 0x41);
    }
    asm_u8(e, (push ? 0x50 : 0x58) | (r & 7));
}

static const uint8_t *make_enter(TcgEmit *e)
{
    const uint8_t *at = begin(e);
    for (unsigned k = 0; k < ARRAY_SIZE(callee_saved); k++) {
        push_pop(e, callee_saved[k], true);
    }
    /* Six registers and the return address: 8 more make 16-byte alignment. */
    asm_alu_ri(e, ALU_SUB, X_W, RSP, (int32_t)sizeof(X86Frame) + 8);
    asm_mov_mr(e, X_W, mem_b(RSP, offsetof(X86Frame, thread)), RCX);
    asm_mov_rm(e, X_W, RAX, mem_b(RCX, offsetof(TcgThread, impl)));
    asm_mov_mr(e, X_W, mem_b(RAX, offsetof(X86Thread, frame)), RSP);
    asm_mov_rr(e, X_W, RBP, RDI);
    asm_mov_rr(e, X_W, R13, RSI);
    asm_rr(e, 0xff, 4, RDX);
    return at;
}

static const uint8_t *make_leave(TcgEmit *e)
{
    const uint8_t *at = begin(e);
    asm_alu_ri(e, ALU_ADD, X_W, RSP, (int32_t)sizeof(X86Frame) + 8);
    for (unsigned k = ARRAY_SIZE(callee_saved); k-- > 0;) {
        push_pop(e, callee_saved[k], false);
    }
    asm_u8(e, 0xc3);
    return at;
}

static const uint8_t *make_leave_to(TcgEmit *e, const uint8_t *leave)
{
    const uint8_t *at = begin(e);
    asm_mov_rr(e, X_W, RSP, RDI);
    asm_mov_rr(e, X_W, RAX, RSI);
    asm_jmp_to(e, codebuf_rw(&e->x->cb, leave));
    return at;
}

static const uint8_t *make_slow(TcgEmit *e)
{
    const uint8_t *at = begin(e);
    for (unsigned k = 0; k < ARRAY_SIZE(image_gprs); k++) {
        asm_mov_mr(e, X_W, frame_gpr(image_gprs[k]), image_gprs[k]);
    }
    for (Reg r = XMM0; r <= XMM15; r++) {
        simd_store(e, 16, frame_xmm(r), r);
    }
    asm_mov_rr(e, X_W, RDI, RSP);
    asm_mov_rr(e, 0, RSI, RAX);
    asm_call_abs(e, (const void *)(uintptr_t)x86_slow);
    for (unsigned k = 0; k < ARRAY_SIZE(image_gprs); k++) {
        asm_mov_rm(e, X_W, image_gprs[k], frame_gpr(image_gprs[k]));
    }
    for (Reg r = XMM0; r <= XMM15; r++) {
        simd_load(e, 16, r, frame_xmm(r));
    }
    asm_rr(e, 0xff, 4, RAX);
    return at;
}

/* Call `fn` with the frame and `arg`, go where it says. */
static const uint8_t *make_go_on(TcgEmit *e, const void *fn, Reg arg)
{
    const uint8_t *at = begin(e);
    asm_mov_rr(e, X_W, RDI, RSP);
    asm_mov_rr(e, X_W, RSI, arg);
    asm_call_abs(e, fn);
    asm_mov_rm(e, X_W, R13, env_mem(e->layout->env_bank));
    asm_test_rr(e, X_W, RAX, RAX);
    uint8_t *out = asm_jcc8(e, CC_E);
    asm_rr(e, 0xff, 4, RAX);
    asm_bind8(e, out);
    asm_mov_rr(e, X_W, RAX, RDX);
    asm_jmp_to(e, codebuf_rw(&e->x->cb, e->x->leave));
    return at;
}

void x86_thunks_init(TcgEmit *e)
{
    X86Context *x = e->x;
    const uint8_t *p = make_enter(e);
    memcpy(&x->enter, &p, sizeof p);
    x->leave = make_leave(e);
    p = make_leave_to(e, x->leave);
    memcpy(&x->leave_to, &p, sizeof p);
    x->slow = make_slow(e);
    x->chain = make_go_on(e, (const void *)(uintptr_t)x86_chain, RAX);
    x->lookup = make_go_on(e, (const void *)(uintptr_t)x86_lookup, RCX);
}

/* ---- called by the thunks ---- */

static GoOn go_to_pc(TcgThread *t, Vaddr pc)
{
    const void *code = t->ctx->config.ops.lookup(t->env, pc);
    return (GoOn){ code, LEAVE_RESULT(IR_REASON_LOOKUP, 0) };
}

GoOn x86_chain(X86Frame *f, uint32_t slot_offset)
{
    TcgThread *t = f->thread;
    const TcgSlot *slot = tcg_meta_at(t->ctx, slot_offset);
    memcpy((uint8_t *)t->env + t->ctx->config.layout.env_pc, &slot->pc, 8);
    if (!atomic_load_explicit(&slot->target, memory_order_acquire)) {
        return (GoOn){ NULL, LEAVE_RESULT(IR_REASON_CHAIN, slot_offset) };
    }
    return go_to_pc(t, slot->pc);
}

GoOn x86_lookup(X86Frame *f, uint64_t pc)
{
    TcgThread *t = f->thread;
    memcpy((uint8_t *)t->env + t->ctx->config.layout.env_pc, &pc, 8);
    return go_to_pc(t, pc);
}

/* ---- entering and leaving from C ---- */

TcgExit x86_enter(TcgThread *t, const void *entry)
{
    X86Context *x = t->ctx->impl;
    uint8_t *env = t->env;
    void *bank;
    memcpy(&bank, env + t->ctx->config.layout.env_bank, sizeof bank);
    uint64_t r = x->enter(env + ENV_BIAS, bank, entry, t);
    IrExitReason reason = r & 0xff;
    void *what = r >> 8 ? tcg_meta_at(t->ctx, (uint32_t)(r >> 8)) : NULL;
    return (TcgExit){ .reason = reason, .slot = reason == IR_REASON_CHAIN ? what : NULL,
                      .branch = reason == IR_REASON_REQUEST ? what : NULL };
}

void x86_unwind(TcgThread *t, IrExitReason reason)
{
    X86Context *x = t->ctx->impl;
    X86Thread *xt = t->impl;
    xt->record = NULL;
    x->leave_to(xt->frame, LEAVE_RESULT(reason, 0));
}
