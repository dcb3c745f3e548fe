// SPDX-License-Identifier: MIT
//
// Calls of helpers, ways out of a unit, and the patching of direct exits.
//
// exit_pc ends in `jmp rel32`, which leads to its stub until it is linked; where a branch has
// nothing else to do, the branch is that jump. If the target may be in another page, a guard stands
// before it: the code page entry of the target pc in the current bank must be the page id of the
// code that the jump leads to. Neither the rel32 nor the guard's imm32 straddles eight bytes, and
// each is stored with one instruction, so that other vCPUs see old or new; an unlinked guard never
// matches.
#include <assert.h>
#include <string.h>
#include "tcg/x86_64/integer.h"

/* ---- calls ---- */

static const Reg call_regs[] = { RDI, RSI, RDX, RCX, R8, R9 };

/* Where arguments come from, found before live values move away from caller-saved registers. */
typedef struct CallArg {
    Reg reg; /* REG_NONE: a constant */
    IrRef ref;
} CallArg;

static void pass_arguments(TcgEmit *e, const IrHelper *h, const CallArg *args)
{
    RaMove moves[IR_MAX_ARGS];
    unsigned n = 0, first = h->flags & IR_HELPER_ENV ? 1 : 0;
    for (unsigned k = 0; k < h->nargs; k++) {
        if (args[k].reg != REG_NONE && !reg_is_xmm(args[k].reg)) {
            moves[n++] = (RaMove){ .to = call_regs[first + k], .from = args[k].reg, .type = IR_I64 };
        }
    }
    ra_parallel_moves(e, moves, n);
    for (unsigned k = 0; k < h->nargs; k++) {
        Reg to = call_regs[first + k];
        if (args[k].reg == REG_NONE) {
            ra_load_to(e, args[k].ref, to);
        } else if (reg_is_xmm(args[k].reg)) {
            simd_to_gpr(e, h->args[k] == IR_F32 ? 0 : X_W, to, args[k].reg);
        }
    }
    if (first) {
        asm_lea(e, X_W, RDI, mem_b(RBP, -ENV_BIAS));
    }
}

void emit_call(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    const IrHelper *h = (const IrHelper *)(uintptr_t)in->imm;
    CallArg args[IR_MAX_ARGS];
    assert(h->nargs + (h->flags & IR_HELPER_ENV ? 1u : 0u) <= 6);
    if (h->flags & (IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FAULT)) {
        ra_flush(e, false, NO_VAR);
    }
    for (unsigned k = 0; k < h->nargs; k++) {
        bool is_const = ir_is_const(ra_canonical(ra, in->arg[k]));
        args[k] = (CallArg){ is_const ? REG_NONE : ra_use(e, in->arg[k]), in->arg[k] };
    }
    uint32_t sources = 0;
    for (unsigned k = 0; k < h->nargs; k++) {
        sources |= args[k].reg == REG_NONE ? 0 : 1u << args[k].reg;
    }
    ra_before_call(e, h->flags & IR_HELPER_WRITES, sources);
    pass_arguments(e, h, args);
    asm_call_abs(e, (const void *)(uintptr_t)h->fn);
    ra->s.flags_ref = IR_NONE; /* ra_flush() may have put others there */
    if (in->dst) {
        asm_mov_rr(e, h->ret == IR_I64 ? X_W : 0, ra_def(e), RAX);
    }
}

/* ---- leaving ---- */

static Mem pc_mem(const TcgEmit *e)
{
    return env_mem(e->layout->env_pc);
}

static void store_pc(TcgEmit *e, uint64_t pc)
{
    if ((int64_t)pc == (int32_t)pc) {
        asm_rm_i32(e, X_W | 0xc7, 0, pc_mem(e), (uint32_t)pc);
    } else {
        asm_mov_ri(e, RAX, pc);
        asm_mov_mr(e, X_W, pc_mem(e), RAX);
    }
}

static void leave(TcgEmit *e, IrExitReason reason, uint32_t meta)
{
    asm_mov_ri(e, RAX, LEAVE_RESULT(reason, meta));
    asm_jmp_to(e, codebuf_rw(&e->x->cb, e->x->leave));
}

/* The pc variable's index, which exits store themselves. */
static uint32_t pc_var(const TcgEmit *e)
{
    return e->unit->globals->pc;
}

#define NO_BRANCH UINT64_C(1) /* no instruction of a guest has this address */

/* Of the instruction that is translated. */
static Vaddr guest_pc(const TcgEmit *e)
{
    uint32_t var = pc_var(e);
    IrRef pc = var < e->unit->globals->count ? e->ra->vars[var].cur : IR_NONE;
    return ir_is_const(pc) ? ir_const_get(e->unit, pc)->lo : NO_BRANCH;
}

static void ool_request_pc(TcgEmit *e, EmitOol *o)
{
    store_pc(e, o->arg[0]);
    leave(e, IR_REASON_REQUEST, 0);
}

/* arg[0] is the register, arg[1] the guest's branch. */
static void ool_request_reg(TcgEmit *e, EmitOol *o)
{
    TcgBranch *branch = o->arg[1] == NO_BRANCH ? NULL : tcg_meta_alloc(e->ctx, sizeof *branch);
    if (branch) {
        *branch = (TcgBranch){ e->x->code, o->arg[1] };
    }
    asm_mov_mr(e, X_W, pc_mem(e), (Reg)o->arg[0]);
    leave(e, IR_REASON_REQUEST, branch ? tcg_meta_offset(e->ctx, branch) : 0);
}

static EmitOol *emit_poll_check(TcgEmit *e, void (*fn)(TcgEmit *e, EmitOol *o), uint64_t arg)
{
    asm_alu_mi(e, ALU_CMP, 0, env_mem(e->layout->env_exit_request), 0);
    EmitOol *o = emit_ool(e, CC_NE, fn);
    o->arg[0] = arg;
    return o;
}

/* No-ops until the four bytes at e->p + ahead are inside of eight aligned ones. */
void align_rel32(TcgEmit *e, unsigned ahead)
{
    static const uint8_t nops[4][3] = { { 0 }, { 0x90 }, { 0x66, 0x90 }, { 0x0f, 0x1f, 0x00 } };
    unsigned at = ((uintptr_t)e->p + ahead) & 7, n = at > 4 ? 8 - at : 0;
    for (unsigned k = 0; k < n; k++) {
        asm_u8(e, nops[n][k]);
    }
}

/* The stub of an exit: arg[0] is its slot, arg[1] the address of the jump's rel32. */
static void ool_exit_stub(TcgEmit *e, EmitOol *o)
{
    TcgSlot *slot = (TcgSlot *)(uintptr_t)o->arg[0];
    slot->stub_rel = (uint32_t)(e->p - (slot->jump_rw + 4));
    memcpy(slot->jump_rw, &slot->stub_rel, 4);
    asm_mov_ri(e, RAX, tcg_meta_offset(e->ctx, slot));
    asm_jmp_to(e, codebuf_rw(&e->x->cb, e->x->chain));
}

/* Displacement from the bank. */
static uint32_t code_page_entry(const TcgEmit *e, Vaddr pc)
{
    const TcgLayout *l = e->layout;
    uint64_t index = (pc >> l->page_bits) & ((UINT64_C(1) << l->code_page_bits) - 1);
    return (uint32_t)(l->code_page_offset + index * 4);
}

static void reload_bank(TcgEmit *e, const IrInsn *in)
{
    if (in->sub & IR_EXIT_RELOAD) {
        asm_mov_rm(e, X_W, R13, env_mem(e->layout->env_bank));
    }
}

void emit_exit_pc(TcgEmit *e, const IrInsn *in)
{
    ra_flush(e, false, pc_var(e));
    ra_forget_dirty(e);
    if (in->sub & IR_EXIT_POLL) {
        emit_poll_check(e, ool_request_pc, in->imm);
    }
    reload_bank(e, in);
    TcgCode *code = e->x->code;
    TcgSlot *slot = &code->slots[code->slot_count++];
    *slot = (TcgSlot){ .owner = code, .pc = in->imm, .same_page = in->sub & IR_EXIT_SAME_PAGE };
    slot->jump_rw = e->ra->blocks[e->ra->block].exit_jump;
    if (slot->jump_rw) {
        emit_ool(e, CC_NONE, ool_exit_stub)->arg[0] = (uintptr_t)slot;
        return;
    }
    EmitOol *miss = NULL;
    if (!(in->sub & IR_EXIT_SAME_PAGE)) {
        align_rel32(e, 7);
        asm_u8(e, 0x41); /* cmp dword [r13 + disp32], imm32: always this length */
        asm_u8(e, 0x81);
        asm_u8(e, 0xbd);
        asm_u32(e, code_page_entry(e, in->imm));
        slot->guard_rw = e->p;
        asm_u32(e, GUARD_NEVER);
        miss = emit_ool(e, CC_NE, ool_exit_stub);
    }
    align_rel32(e, 1);
    slot->jump_rw = asm_jmp32(e);
    if (!miss) {
        miss = emit_ool(e, CC_NONE, ool_exit_stub);
    }
    miss->arg[0] = (uintptr_t)slot;
}

static void ool_lookup(TcgEmit *e, EmitOol *o)
{
    asm_mov_rr(e, X_W, RCX, (Reg)o->arg[0]);
    asm_jmp_to(e, codebuf_rw(&e->x->cb, e->x->lookup));
}

void emit_exit_reg(TcgEmit *e, const IrInsn *in)
{
    const TcgLayout *l = e->layout;
    /* Where returns and exceptions lead is of no use to anybody. */
    Vaddr branch_pc = in->sub & (IR_EXIT_RETURN | IR_EXIT_RELOAD) ? NO_BRANCH : guest_pc(e);
    Reg pc = ra_use(e, in->arg[0]);
    ra_flush(e, false, pc_var(e));
    ra_forget_dirty(e);
    if (in->sub & IR_EXIT_POLL) {
        emit_poll_check(e, ool_request_reg, pc)->arg[1] = branch_pc;
    }
    reload_bank(e, in);
    /* Entries are 16 bytes: (pc >> pc_shift) * 16, of which the address does what it can. */
    unsigned scale = l->pc_shift ? 4 - l->pc_shift : 3;
    assert(l->pc_shift <= 4);
    asm_mov_rr(e, 0, RAX, pc);
    if (!l->pc_shift) {
        asm_shift_ri(e, SHIFT_SHL, 0, RAX, 1);
    }
    asm_alu_ri(e, ALU_AND, 0, RAX, (int32_t)(((1u << l->jump_bits) - 1) << (4 - scale)));
    asm_alu_rm(e, ALU_CMP, X_W, pc, mem_bi(R13, RAX, scale, (int32_t)l->jump_offset));
    emit_ool(e, CC_NE, ool_lookup)->arg[0] = pc;
    asm_rm(e, 0xff, 4, mem_bi(R13, RAX, scale, (int32_t)l->jump_offset + 8));
}

void emit_exit(TcgEmit *e, const IrInsn *in)
{
    ra_flush(e, false, NO_VAR);
    ra_forget_dirty(e);
    leave(e, in->sub, 0);
}

void emit_poll(TcgEmit *e, const IrInsn *in)
{
    SlowRecord *rec = slow_record_new(e, SLOW_EXIT, true);
    rec->access = IR_REASON_REQUEST;
    emit_poll_check(e, ool_slow, (uintptr_t)rec);
}

void emit_guard_page(TcgEmit *e, const IrInsn *in)
{
    Mem entry = mem_b(R13, (int32_t)code_page_entry(e, in->imm));
    int32_t id;
    bool imm = emit_imm32(e, IR_I32, in->arg[0], &id);
    Reg r = imm ? REG_NONE : ra_use(e, in->arg[0]);
    SlowRecord *rec = slow_record_new(e, SLOW_EXIT, true);
    rec->access = IR_REASON_LOOKUP;
    if (imm) {
        asm_alu_mi(e, ALU_CMP, 0, entry, id);
    } else {
        asm_alu_rm(e, ALU_CMP, 0, r, entry);
    }
    emit_ool(e, CC_NE, ool_slow)->arg[0] = (uintptr_t)rec;
}

/* ---- patching ---- */

static void store32(uint8_t *p, uint32_t v)
{
    assert(((uintptr_t)p & 7) <= 4);
    __atomic_store_n((uint32_t *)(void *)p, v, __ATOMIC_RELEASE);
}

void x86_patch(TcgContext *ctx, TcgSlot *slot, TcgCode *target)
{
    X86Context *x = ctx->impl;
    if (target) {
        const uint8_t *from = codebuf_rx(&x->cb, slot->jump_rw) + 4;
        store32(slot->jump_rw, (uint32_t)((const uint8_t *)target->entry - from));
        if (slot->guard_rw) { /* after the jump */
            store32(slot->guard_rw, target->page_id);
        }
    } else {
        if (slot->guard_rw) { /* before the jump */
            store32(slot->guard_rw, GUARD_NEVER);
        }
        store32(slot->jump_rw, slot->stub_rel);
    }
}
