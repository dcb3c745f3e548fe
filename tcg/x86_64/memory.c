// SPDX-License-Identifier: MIT
//
// Guest memory: the software TLB's fast path in line, all else by a slow-path record.
//
// For an access of S bytes at A the fast path computes the entry's offset from A in RAX and, in
// RCX, what its tag must be: (A + S - 1) & -page where any alignment will do, so that an access
// over the end of the page misses, or A & (-page | alignment - 1), so that a misaligned one does.
// Then RAX becomes the entry's addend and the access is made at RAX + A.
//
// x86 loads have acquire and stores have release semantics; only a store that later acquires must
// not overtake (IR_MEM_RELEASE) needs an xchg. Operands stay in their registers until the slow
// path has read them, and a fault leaves everything as it was. Everything is allocated before the
// check: what stands between its jump and the end is skipped by the slow path.
#include <assert.h>
#include "tcg/x86_64/integer.h"

/* An access whose check has been emitted. */
typedef struct Access {
    SlowRecord *rec;
    EmitOol *ool;
    Mem mem; /* host memory */
} Access;

static unsigned required_align(const IrInsn *in)
{
    unsigned align = ir_mem_align_log2(in->sub), size = ir_mem_size_log2(in->sub);
    if (in->op == IR_OP_CAS && size == 4) {
        return 4; /* cmpxchg16b faults when misaligned */
    }
    if (in->sub & IR_MEM_ATOMIC_ALIGN && align < size) {
        return size;
    }
    return align;
}

/* The check. Operands are in registers; `rec` has its snapshot. Clobbers RAX, RCX. */
static void emit_check(TcgEmit *e, const IrInsn *in, Reg base, bool write, Access *a)
{
    const TcgLayout *l = e->layout;
    unsigned size = 1u << ir_mem_size_log2(in->sub), align = required_align(in);
    unsigned shift = l->page_bits - l->entry_bits;
    int64_t disp = in->op == IR_OP_LD || in->op == IR_OP_ST ? (int64_t)in->imm : 0;
    assert(disp == (int32_t)disp);
    uint32_t tag = l->tlb_offset + (write ? l->tag_write : l->tag_read);
    int32_t index_mask = (int32_t)(((1u << l->tlb_bits) - 1) << l->entry_bits);
    int32_t page_mask = -(1 << l->page_bits);
    Reg from = base;
    if (disp) {
        asm_lea(e, X_W, RCX, mem_b(base, (int32_t)disp));
        from = RCX;
    }
    if (e->host.bmi) {
        asm_vex_rr_i8(e, X_F2 | X_0F3A | 0xf0, RAX, REG_NONE, from, (uint8_t)shift); /* rorx */
    } else {
        asm_mov_rr(e, 0, RAX, from);
        asm_shift_ri(e, SHIFT_SHR, 0, RAX, shift);
    }
    asm_alu_ri(e, ALU_AND, 0, RAX, index_mask);
    if (align < ir_mem_size_log2(in->sub) && size > 1) {
        /* Misaligned accesses inside a page are let through, unless a smaller alignment is asked
         * for: then those go by the slow path if they are in the page's last bytes. */
        if (align) {
            int32_t keep = page_mask | ((1 << align) - 1);
            asm_lea(e, X_W, RCX, mem_b(base, (int32_t)disp + (int32_t)size - (1 << align)));
            asm_alu_ri(e, ALU_AND, X_W, RCX, keep);
        } else {
            asm_lea(e, X_W, RCX, mem_b(base, (int32_t)disp + (int32_t)size - 1));
            asm_alu_ri(e, ALU_AND, X_W, RCX, page_mask);
        }
    } else {
        if (!disp) {
            asm_mov_rr(e, X_W, RCX, base);
        }
        asm_alu_ri(e, ALU_AND, X_W, RCX, page_mask | ((1 << align) - 1));
    }
    Reg bank = R13;
    if (in->sub & IR_MEM_UNPRIV) {
        asm_alu_rm(e, ALU_ADD, X_W, RAX, env_mem(l->env_bank_unpriv));
        bank = REG_NONE;
    }
    Mem entry = bank == REG_NONE ? mem_b(RAX, (int32_t)tag) : mem_bi(R13, RAX, 0, (int32_t)tag);
    asm_alu_rm(e, ALU_CMP, X_W, RCX, entry);
    a->ool = emit_ool(e, CC_NE, ool_slow);
    a->ool->arg[0] = (uintptr_t)a->rec;
    entry.disp = (int32_t)(l->tlb_offset + l->addend);
    asm_mov_rm(e, X_W, RAX, entry);
    a->mem = mem_bi(RAX, base, 0, (int32_t)disp);
}

static SlowRecord *access_record(TcgEmit *e, const IrInsn *in, TcgAccess kind)
{
    SlowRecord *rec = slow_record_new(e, SLOW_ACCESS, true);
    rec->access = kind;
    rec->type = in->type;
    rec->sub = in->sub;
    rec->imm = kind == TCG_LOAD || kind == TCG_STORE ? in->imm : 0;
    return rec;
}

static void full_fence(TcgEmit *e)
{
    asm_u8(e, 0xf0); /* lock or dword [rsp - 8], 0: cheaper than mfence */
    asm_alu_mi(e, ALU_OR, 0, mem_b(RSP, -8), 0);
}

/* ---- loads and stores ---- */

void emit_ld(TcgEmit *e, const IrInsn *in)
{
    /* [size][sign]: sign extension to 64 bits; to 32 bits without X_W */
    static const uint32_t loads[4][2] = {
        { X_0F | 0xb6, X_W | X_0F | 0xbe }, { X_0F | 0xb7, X_W | X_0F | 0xbf },
        { 0x8b, X_W | 0x63 }, { X_W | 0x8b, X_W | 0x8b },
    };
    Access a;
    unsigned size = ir_mem_size_log2(in->sub);
    Reg base = ra_use(e, in->arg[0]);
    a.rec = access_record(e, in, TCG_LOAD);
    a.rec->arg[0] = slow_loc(e, in->arg[0], base);
    ra_done(e);
    Reg d = ra_def(e);
    a.rec->dst = slow_loc(e, in->dst, d);
    emit_check(e, in, base, false, &a);
    if (reg_is_xmm(d)) {
        if (size < 2) {
            asm_rm(e, loads[size][0], RAX, a.mem);
            simd_from_gpr(e, 0, d, RAX);
        } else {
            simd_load(e, 1u << size, d, a.mem);
        }
    } else {
        uint32_t op = loads[size & 3][in->sub & IR_MEM_SIGN ? 1 : 0];
        if (in->type == IR_I32) {
            op = size == 2 ? 0x8b : op & ~(uint32_t)X_W;
        }
        asm_rm(e, op, d, a.mem);
    }
    a.ool->resume = e->p;
}

void emit_st(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t stores[] = { X_B | 0x88, X_66 | 0x89, 0x89, X_W | 0x89 };
    Access a;
    unsigned size = ir_mem_size_log2(in->sub);
    int32_t imm;
    bool release = in->sub & IR_MEM_RELEASE;
    bool immediate = !type_is_xmm(in->type) && !release &&
                     emit_imm32(e, size == 3 ? IR_I64 : IR_I32, in->arg[1], &imm);
    Reg base = ra_use(e, in->arg[0]);
    Reg v = immediate ? REG_NONE : ra_use(e, in->arg[1]);
    a.rec = access_record(e, in, TCG_STORE);
    a.rec->arg[0] = slow_loc(e, in->arg[0], base);
    a.rec->arg[1] = slow_loc(e, in->arg[1], v);
    emit_check(e, in, base, true, &a);
    if (immediate) {
        switch (size) {
        case 0: asm_rm_i8(e, 0xc6, 0, a.mem, (uint8_t)imm); break;
        case 1: asm_rm_i16(e, X_66 | 0xc7, 0, a.mem, (uint16_t)imm); break;
        case 2: asm_rm_i32(e, 0xc7, 0, a.mem, (uint32_t)imm); break;
        default: asm_rm_i32(e, X_W | 0xc7, 0, a.mem, (uint32_t)imm); break;
        }
    } else if (reg_is_xmm(v) && size >= 2) {
        simd_store(e, 1u << size, a.mem, v);
        if (release) {
            full_fence(e);
        }
    } else {
        if (reg_is_xmm(v)) {
            simd_to_gpr(e, 0, RCX, v);
            v = RCX;
        }
        if (release) {
            asm_mov_rr(e, X_W, RCX, v);
            asm_rm(e, size == 0 ? X_B | 0x86 : stores[size] - 0x89 + 0x87, RCX, a.mem); /* xchg */
        } else {
            asm_rm(e, stores[size], v, a.mem);
        }
    }
    a.ool->resume = e->p;
}

/* ---- atomics ---- */

/* The operation of a read-modify-write: d = old (RAX) op v, in `size` bytes. */
static void rmw_combine(TcgEmit *e, unsigned kind, unsigned size, uint32_t w, Reg d, Reg v)
{
    static const uint8_t keep_old[] = { /* condition on cmp old, v under which old stays */
        [IR_RMW_SMAX] = CC_GE, [IR_RMW_SMIN] = CC_LE, [IR_RMW_UMAX] = CC_AE, [IR_RMW_UMIN] = CC_BE,
    };
    switch (kind) {
    case IR_RMW_ANDN:
        asm_mov_rr(e, w, d, v);
        asm_rr(e, w | 0xf7, 2, d);
        asm_alu_rr(e, ALU_AND, w, d, RAX);
        break;
    case IR_RMW_XOR:
    case IR_RMW_OR:
        asm_mov_rr(e, w, d, v);
        asm_alu_rr(e, kind == IR_RMW_OR ? ALU_OR : ALU_XOR, w, d, RAX);
        break;
    default:
        asm_mov_rr(e, w, d, v);
        if (size == 0) {
            asm_rr(e, X_B | X_BRM | 0x3a, RAX, v);
        } else {
            asm_rr(e, (size == 1 ? X_66 : w) | 0x3b, RAX, v);
        }
        asm_cmov(e, keep_old[kind], w, d, RAX);
        break;
    }
}

/* Old value in `r`, of `size` bytes, zero-extended into d. */
static void zero_extend(TcgEmit *e, unsigned size, Reg d, Reg r)
{
    static const uint32_t op[] = { X_BRM | X_0F | 0xb6, X_0F | 0xb7, 0x8b, X_W | 0x8b };
    asm_rr(e, op[size], d, r);
}

static uint32_t sized(unsigned size, uint32_t byte_op)
{
    return size == 0 ? X_B | byte_op : (size == 1 ? X_66 : size == 3 ? X_W : 0) | (byte_op + 1);
}

void emit_rmw(TcgEmit *e, const IrInsn *in)
{
    Access a;
    unsigned size = ir_mem_size_log2(in->sub), kind = (unsigned)in->imm;
    uint32_t w = size == 3 ? X_W : 0;
    bool simple = kind == IR_RMW_XCHG || kind == IR_RMW_ADD;
    Reg base = ra_use(e, in->arg[0]), v = ra_use(e, in->arg[1]);
    Reg t = simple ? REG_NONE : ra_temp_gpr(e);
    a.rec = access_record(e, in, TCG_RMW);
    a.rec->rmw = (uint8_t)kind;
    a.rec->arg[0] = slow_loc(e, in->arg[0], base);
    a.rec->arg[1] = slow_loc(e, in->arg[1], v);
    ra_done(e);
    Reg d = ra_def(e);
    a.rec->dst = slow_loc(e, in->dst, d);
    emit_check(e, in, base, true, &a);
    if (simple) {
        asm_mov_rr(e, X_W, RCX, v);
        if (kind == IR_RMW_ADD) {
            asm_u8(e, 0xf0);
            asm_rm(e, X_0F | sized(size, 0xc0), RCX, a.mem); /* xadd */
        } else {
            asm_rm(e, sized(size, 0x86), RCX, a.mem);
        }
        zero_extend(e, size, d, RCX);
    } else {
        asm_lea(e, X_W, RCX, a.mem);
        asm_rm(e, sized(size, 0x8a), RAX, mem_b(RCX, 0));
        uint8_t *again = e->p;
        rmw_combine(e, kind, size, w, t, v);
        asm_u8(e, 0xf0);
        asm_rm(e, X_0F | sized(size, 0xb0), t, mem_b(RCX, 0)); /* cmpxchg */
        asm_jcc_to(e, CC_NE, again);
        zero_extend(e, size, d, RAX);
    }
    a.ool->resume = e->p;
}

static void cas128(TcgEmit *e, const IrInsn *in)
{
    Access a;
    ra_claim(e, RDX);
    ra_claim(e, RBX);
    Reg base = ra_use(e, in->arg[0]);
    Reg expect = ra_use(e, in->arg[1]), new = ra_use(e, in->arg[2]);
    Reg t = ra_temp_gpr(e);
    a.rec = access_record(e, in, TCG_CAS);
    a.rec->arg[0] = slow_loc(e, in->arg[0], base);
    a.rec->arg[1] = slow_loc(e, in->arg[1], expect);
    a.rec->arg[2] = slow_loc(e, in->arg[2], new);
    ra_done(e);
    Reg d = ra_def(e);
    a.rec->dst = slow_loc(e, in->dst, d);
    emit_check(e, in, base, true, &a);
    asm_lea(e, X_W, t, a.mem);
    simd_to_gpr(e, X_W, RAX, expect);
    if (e->host.avx) {
        asm_vex_rr_i8(e, X_W | X_66 | X_0F3A | 0x16, expect, REG_NONE, RDX, 1); /* pextrq */
        asm_vex_rr_i8(e, X_W | X_66 | X_0F3A | 0x16, new, REG_NONE, RCX, 1);
    } else {
        asm_rr_i8(e, X_W | X_66 | X_0F3A | 0x16, expect, RDX, 1);
        asm_rr_i8(e, X_W | X_66 | X_0F3A | 0x16, new, RCX, 1);
    }
    simd_to_gpr(e, X_W, RBX, new);
    asm_u8(e, 0xf0);
    asm_rm(e, X_W | X_0F | 0xc7, 1, mem_b(t, 0)); /* cmpxchg16b */
    simd_from_gpr(e, X_W, d, RAX);
    if (e->host.avx) {
        asm_vex_rr_i8(e, X_W | X_66 | X_0F3A | 0x22, d, d & 15, RDX, 1); /* pinsrq */
    } else {
        asm_rr_i8(e, X_W | X_66 | X_0F3A | 0x22, d, RDX, 1);
    }
    a.ool->resume = e->p;
}

/* f32 and f64 operands go through general registers. */
static void to_gpr(TcgEmit *e, unsigned type, Reg d, Reg s)
{
    if (reg_is_xmm(s)) {
        simd_to_gpr(e, type == IR_F64 || type == IR_V128 ? X_W : 0, d, s);
    } else {
        asm_mov_rr(e, X_W, d, s);
    }
}

void emit_cas(TcgEmit *e, const IrInsn *in)
{
    Access a;
    unsigned size = ir_mem_size_log2(in->sub);
    if (size == 4) {
        cas128(e, in);
        return;
    }
    Reg base = ra_use(e, in->arg[0]);
    Reg expect = ra_use(e, in->arg[1]), new = ra_use(e, in->arg[2]);
    Reg t = ra_temp_gpr(e);
    a.rec = access_record(e, in, TCG_CAS);
    a.rec->arg[0] = slow_loc(e, in->arg[0], base);
    a.rec->arg[1] = slow_loc(e, in->arg[1], expect);
    a.rec->arg[2] = slow_loc(e, in->arg[2], new);
    ra_done(e);
    Reg d = ra_def(e);
    a.rec->dst = slow_loc(e, in->dst, d);
    emit_check(e, in, base, true, &a);
    asm_lea(e, X_W, RCX, a.mem);
    to_gpr(e, in->type, t, new);
    to_gpr(e, in->type, RAX, expect);
    asm_u8(e, 0xf0);
    asm_rm(e, X_0F | sized(size, 0xb0), t, mem_b(RCX, 0));
    if (reg_is_xmm(d)) {
        zero_extend(e, size, RAX, RAX);
        simd_from_gpr(e, size == 3 ? X_W : 0, d, RAX);
    } else {
        zero_extend(e, size, d, RAX);
    }
    a.ool->resume = e->p;
}

void emit_fence(TcgEmit *e, const IrInsn *in)
{
    if (in->sub == IR_FENCE_FULL) {
        full_fence(e);
    }
}
