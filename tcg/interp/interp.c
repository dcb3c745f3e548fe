// SPDX-License-Identifier: MIT
//
// The interpreter's main loop: the executable definition of the IR. One case for each opcode
// that is not arithmetic; integer arithmetic is tcg/eval.h, floating point and vectors are
// tcg/ref/. Values live in a frame of 16-byte slots, integers zero-extended; globals always live
// in the CPU structure, and so does the pc, from insn_start on.
#include <stdlib.h>
#include <string.h>
#include "tcg/eval.h"
#include "tcg/interp/interp.h"
#include "tcg/ref/ref.h"

/* ---- guest state ---- */

static inline void copy_sized(void *to, const void *from, unsigned bytes)
{
    switch (bytes) {
    case 1: memcpy(to, from, 1); break;
    case 2: memcpy(to, from, 2); break;
    case 4: memcpy(to, from, 4); break;
    case 8: memcpy(to, from, 8); break;
    default: memcpy(to, from, 16); break;
    }
}

static inline void load_env(Interp *s, const InterpInsn *i, unsigned bytes)
{
    V128 *d = interp_slot(s, i->dst);
    *d = (V128){ .d = { 0, 0 } };
    copy_sized(d, s->env + i->imm, bytes);
}

static inline void set_pc(Interp *s, Vaddr pc)
{
    memcpy(s->env + s->config->layout.env_pc, &pc, sizeof pc);
}

static inline bool exit_requested(const Interp *s)
{
    const int32_t *flag = (const int32_t *)(s->env + s->config->layout.env_exit_request);
    return __atomic_load_n(flag, __ATOMIC_RELAXED) != 0;
}

/* ---- from unit to unit ---- */

/* Go on at `entry` (a jump cache's content). */
static bool enter_unit(Interp *s, const void *entry)
{
    const InterpUnit *u = ((const TcgCode *)entry)->backend;
    InterpThread *it = s->thread->impl;
    if (u->frame_slots > it->frame_slots) {
        V128 *frame = aligned_alloc(16, u->frame_slots * sizeof *frame);
        if (!frame) {
            return false;
        }
        free(it->frame);
        it->frame = frame;
        it->frame_slots = u->frame_slots;
    }
    s->unit = u;
    s->base[0] = it->frame;
    s->base[1] = u->consts;
    s->at = u->insns;
    return true;
}

/* What the bank's jump cache has for `pc`, or NULL. */
static const void *jump_cache(const Interp *s, Vaddr pc)
{
    const TcgLayout *l = &s->config->layout;
    uint64_t entry[2];
    uint8_t *bank;
    if (!l->jump_bits) {
        return NULL;
    }
    memcpy(&bank, s->env + l->env_bank, sizeof bank);
    uint64_t index = (pc >> l->pc_shift) & ((UINT64_C(1) << l->jump_bits) - 1);
    memcpy(entry, bank + l->jump_offset + index * sizeof entry, sizeof entry);
    return entry[0] == pc ? (const void *)(uintptr_t)entry[1] : NULL;
}

/* What code the current bank has at the page of `pc`. */
static uint32_t code_page(const Interp *s, Vaddr pc)
{
    const TcgLayout *l = &s->config->layout;
    const uint8_t *bank;
    uint32_t id;
    memcpy(&bank, s->env + l->env_bank, sizeof bank);
    uint64_t index = (pc >> l->page_bits) & ((UINT64_C(1) << l->code_page_bits) - 1);
    memcpy(&id, bank + l->code_page_offset + index * sizeof id, sizeof id);
    return id;
}

static const void *find_entry(const Interp *s, Vaddr pc)
{
    const void *entry = jump_cache(s, pc);
    return entry ? entry : s->config->ops.lookup(s->env, pc);
}

/* Leave for guest `pc`. True: execution goes on in another unit. Else *out says why not. */
static bool go_to(Interp *s, Vaddr pc, unsigned flags, TcgSlot *slot, TcgExit *out)
{
    set_pc(s, pc);
    out->slot = NULL;
    if (flags & IR_EXIT_POLL && exit_requested(s)) {
        out->reason = IR_REASON_REQUEST;
        return false;
    }
    TcgCode *target = slot ? atomic_load_explicit(&slot->target, memory_order_acquire) : NULL;
    if (slot && !target) {
        out->reason = IR_REASON_CHAIN;
        out->slot = slot;
        return false;
    }
    out->reason = IR_REASON_LOOKUP;
    if (s->config->no_chain) {
        return false;
    }
    if (target && (flags & IR_EXIT_SAME_PAGE || jump_cache(s, pc) == target->entry)) {
        return enter_unit(s, target->entry);
    }
    const void *entry = find_entry(s, pc);
    return entry && enter_unit(s, entry);
}

/* ---- opcodes ---- */

static inline uint64_t scalar(const Interp *s, uint16_t r)
{
    return interp_operand(s, r)->d[0];
}

static inline void branch(Interp *s, const InterpInsn *i, bool taken)
{
    s->at = s->unit->insns + (taken ? IR_THEN(i->imm) : IR_ELSE(i->imm));
}

/* Of exit_pc; its index stands in place of operands. */
static inline TcgSlot *exit_slot(const Interp *s, const InterpInsn *i)
{
    uint32_t n;
    memcpy(&n, i->arg, sizeof n);
    return &s->unit->code->slots[n];
}

/* Floating point and vectors. */
static void run_ref(Interp *s, const InterpInsn *i)
{
    const IrRefCtl ctl = { .imm = i->imm, .sub = i->sub, .type = i->type, .arg_type = i->more[0],
                           .nan_rule = s->unit->nan_rule };
    V128 d = { .d = { 0, 0 } };
    ir_ref_fns[i->op](&d, interp_operand(s, i->arg[0]), interp_operand(s, i->arg[1]),
                      interp_operand(s, i->arg[2]), &ctl);
    *interp_slot(s, i->dst) = d;
}

static void fence(IrFence kind)
{
    switch (kind) {
    case IR_FENCE_FULL: __atomic_thread_fence(__ATOMIC_SEQ_CST); break;
    case IR_FENCE_LOAD: __atomic_thread_fence(__ATOMIC_ACQUIRE); break;
    case IR_FENCE_STORE: __atomic_thread_fence(__ATOMIC_RELEASE); break;
    }
}

#define INT1(OP) \
    case OP: interp_slot(s, i->dst)->d[0] = \
        ir_eval_int(OP, i->type, i->sub, i->imm, scalar(s, i->arg[0]), 0, 0, 0); break;
#define INT2(OP) \
    case OP: interp_slot(s, i->dst)->d[0] = \
        ir_eval_int(OP, i->type, i->sub, i->imm, scalar(s, i->arg[0]), scalar(s, i->arg[1]), \
                    0, 0); break;
#define INT4(OP) \
    case OP: interp_slot(s, i->dst)->d[0] = \
        ir_eval_int(OP, i->type, i->sub, i->imm, scalar(s, i->arg[0]), scalar(s, i->arg[1]), \
                    scalar(s, i->arg[2]), scalar(s, i->more[0])); break;

/* The common instructions. False for those that run_other() knows. */
static inline bool run_insn(Interp *s, const InterpInsn *i)
{
    switch (i->op) {
    case IR_OP_MOV:
    case IR_OP_BITS_F32:
    case IR_OP_BITS_F64:
    case IR_OP_BITS_I32:
    case IR_OP_BITS_I64:
        *interp_slot(s, i->dst) = *interp_operand(s, i->arg[0]);
        break;
    case INTERP_GET_LOCAL: *interp_slot(s, i->dst) = *interp_slot(s, i->imm); break;
    case INTERP_SET_LOCAL: *interp_slot(s, i->imm) = *interp_operand(s, i->arg[0]); break;
    case IR_OP_GET: load_env(s, i, i->sub); break;
    case IR_OP_SET: copy_sized(s->env + i->imm, interp_operand(s, i->arg[0]), i->sub); break;
    case IR_OP_LDENV: load_env(s, i, 1u << i->sub); break;
    case IR_OP_STENV:
        copy_sized(s->env + i->imm, interp_operand(s, i->arg[0]), 1u << i->sub);
        break;
    case IR_OP_ENVPTR: interp_slot(s, i->dst)->d[0] = (uintptr_t)s->env + i->imm; break;
    case IR_OP_INSN_START: set_pc(s, i->imm); break;
    case IR_OP_SEL:
        *interp_slot(s, i->dst) = *interp_operand(s, i->arg[scalar(s, i->arg[0]) ? 1 : 2]);
        break;
    case IR_OP_SELF:
        *interp_slot(s, i->dst) =
            *interp_operand(s, i->arg[ir_eval_cond(i->sub, scalar(s, i->arg[0])) ? 1 : 2]);
        break;
    INT2(IR_OP_ADD) INT2(IR_OP_SUB) INT2(IR_OP_MUL) INT2(IR_OP_MULHU) INT2(IR_OP_MULHS)
    INT2(IR_OP_DIVU) INT2(IR_OP_DIVS) INT1(IR_OP_NEG) INT2(IR_OP_AND) INT2(IR_OP_OR)
    INT2(IR_OP_XOR) INT2(IR_OP_ANDN) INT2(IR_OP_ORN) INT1(IR_OP_NOT) INT2(IR_OP_SHL)
    INT2(IR_OP_SHR) INT2(IR_OP_SAR) INT2(IR_OP_ROR) INT2(IR_OP_EXTR) INT1(IR_OP_CLZ)
    INT1(IR_OP_CLS) INT1(IR_OP_CTZ) INT1(IR_OP_POPCNT) INT1(IR_OP_BSWAP) INT1(IR_OP_BSWAP16)
    INT1(IR_OP_BSWAP32) INT1(IR_OP_BITREV) INT1(IR_OP_EXTU) INT1(IR_OP_EXTS)
    INT2(IR_OP_DEPOSIT) INT2(IR_OP_CRC32) INT2(IR_OP_CRC32C) INT1(IR_OP_TRUNC) INT1(IR_OP_ZEXT)
    INT1(IR_OP_SEXT) INT2(IR_OP_SETC) INT4(IR_OP_SELC) INT2(IR_OP_NZCV_ADD)
    INT2(IR_OP_NZCV_SUB) INT2(IR_OP_NZCV_AND) INT4(IR_OP_NZCV_ADC) INT4(IR_OP_NZCV_SBC)
    INT4(IR_OP_ADC) INT4(IR_OP_SBC) INT1(IR_OP_SETF) INT1(IR_OP_NZCV_PACK)
    INT1(IR_OP_NZCV_UNPACK)
    case IR_OP_LD: interp_load(s, i); break;
    case IR_OP_ST: interp_store(s, i); break;
    case IR_OP_RMW: interp_rmw(s, i); break;
    case IR_OP_CAS: interp_cas(s, i); break;
    case IR_OP_JUMP: branch(s, i, true); break;
    case IR_OP_BR: branch(s, i, scalar(s, i->arg[0])); break;
    case IR_OP_BRF: branch(s, i, ir_eval_cond(i->sub, scalar(s, i->arg[0]))); break;
    case IR_OP_BRC:
        branch(s, i, ir_eval_cc(i->sub, i->type == IR_I64, scalar(s, i->arg[0]),
                                scalar(s, i->arg[1])));
        break;
    default: return false;
    }
    return true;
}

/* Exits, calls, floating point and vectors. False: leave translated code, *out says why. */
static bool run_other(Interp *s, const InterpInsn *i, TcgExit *out)
{
    switch (i->op) {
    case IR_OP_EXIT_PC: return go_to(s, i->imm, i->sub, exit_slot(s, i), out);
    case IR_OP_EXIT_REG: return go_to(s, scalar(s, i->arg[0]), i->sub, NULL, out);
    case IR_OP_EXIT: *out = (TcgExit){ .reason = i->sub }; return false;
    case IR_OP_POLL:
        if (exit_requested(s)) {
            set_pc(s, i->imm);
            *out = (TcgExit){ .reason = IR_REASON_REQUEST };
            return false;
        }
        return true;
    case IR_OP_GUARD_PAGE:
        if (code_page(s, i->imm) != scalar(s, i->arg[0])) {
            set_pc(s, i->imm);
            *out = (TcgExit){ .reason = IR_REASON_LOOKUP };
            return false;
        }
        return true;
    case IR_OP_FENCE: fence(i->sub); return true;
    case IR_OP_CALL: interp_call(s, i); return true;
    default: run_ref(s, i); return true;
    }
}

TcgExit interp_run(TcgThread *t, const InterpUnit *unit)
{
    Interp state = { .env = t->env, .config = &t->ctx->config, .thread = t };
    Interp *s = &state;
    TcgExit out = { .reason = IR_REASON_LOOKUP };
    bool go = enter_unit(s, unit->code);
    while (go) {
        const InterpInsn *i = s->at++;
        if (!run_insn(s, i)) {
            go = run_other(s, i, &out);
        }
    }
    return out;
}
