// SPDX-License-Identifier: MIT
//
// Encoder of x86-64 instructions, see asm.h. Nothing here checks for room: the compiler keeps a
// margin in front of the end of the buffer.
#include "tcg/x86_64/asm.h"
#include <assert.h>
#include <string.h>
#include "tcg/x86_64/x86.h"

/* ---- bytes ---- */

void asm_u8(TcgEmit *e, uint8_t v)
{
    *e->p++ = v;
}

void asm_u32(TcgEmit *e, uint32_t v)
{
    memcpy(e->p, &v, 4);
    e->p += 4;
}

void asm_u64(TcgEmit *e, uint64_t v)
{
    memcpy(e->p, &v, 8);
    e->p += 8;
}

/* ---- pieces of an instruction ----
 *
 * They go through a local pointer, which the compiler can keep in a register: a byte written
 * through e->p might change e->p for all it knows. */

static inline uint8_t *put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
    return p + 4;
}

static inline uint8_t *put_modrm_rr(uint8_t *p, unsigned reg, unsigned rm)
{
    *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
    return p;
}

static void pool_fix(TcgEmit *e, uint8_t *disp, uint32_t index, unsigned trailing)
{
    X86Context *x = e->x;
    if (x->nfixes == MAX_FIXES) {
        e->failed = true; /* absurdly many constants: not in one unit */
        return;
    }
    x->fixes[x->nfixes++] = (PoolFix){ .disp = disp, .index = index, .trailing = trailing };
}

/* ModRM, SIB and displacement. `trailing`: bytes of immediate that follow. */
static inline uint8_t *put_modrm_mem(TcgEmit *e, uint8_t *p, unsigned reg, const Mem *m,
                                     unsigned trailing)
{
    reg = (reg & 7) << 3;
    if (m->pool) {
        *p++ = (uint8_t)(reg | 5);
        pool_fix(e, p, m->pool - 1, trailing);
        return put32(p, 0);
    }
    if (m->base == REG_NONE) {
        *p++ = (uint8_t)(reg | 4);
        *p++ = (uint8_t)(m->scale << 6 | (m->index & 7) << 3 | 5);
        return put32(p, (uint32_t)m->disp);
    }
    unsigned base = m->base & 7;
    unsigned mod = m->disp == 0 && base != RBP ? 0 : m->disp == (int8_t)m->disp ? 1 : 2;
    if (m->index != REG_NONE) {
        *p++ = (uint8_t)(mod << 6 | reg | 4);
        *p++ = (uint8_t)(m->scale << 6 | (m->index & 7) << 3 | base);
    } else {
        *p++ = (uint8_t)(mod << 6 | reg | base);
        if (base == RSP) {
            *p++ = 0x24;
        }
    }
    if (mod == 1) {
        *p++ = (uint8_t)m->disp;
    } else if (mod == 2) {
        p = put32(p, (uint32_t)m->disp);
    }
    return p;
}

/* Prefixes and opcode; r, x, b are the register numbers that REX extends. */
static inline uint8_t *put_legacy(uint8_t *p, uint32_t op, unsigned r, unsigned x, unsigned b,
                                  bool need_rex)
{
    static const uint8_t prefix[4] = { 0, 0x66, 0xf3, 0xf2 };
    unsigned pp = op >> X_PP_SHIFT & 3, map = op >> X_MAP_SHIFT & 3;
    if (pp) {
        *p++ = prefix[pp];
    }
    unsigned rex = (op & X_W ? 8 : 0) | (r >> 1 & 4) | (x >> 2 & 2) | (b >> 3 & 1);
    if (rex || need_rex) {
        *p++ = (uint8_t)(0x40 | rex);
    }
    if (map) {
        *p++ = 0x0f;
        if (map > 1) {
            *p++ = map == 2 ? 0x38 : 0x3a;
        }
    }
    *p++ = (uint8_t)op;
    return p;
}

static void legacy_op(TcgEmit *e, uint32_t op, unsigned r, unsigned x, unsigned b, bool need_rex)
{
    e->p = put_legacy(e->p, op, r, x, b, need_rex);
}

static inline unsigned mem_x(const Mem *m)
{
    return m->index == REG_NONE ? 0 : m->index & 15;
}

static inline unsigned mem_b_reg(const Mem *m)
{
    return m->base == REG_NONE ? 0 : m->base & 15;
}

static inline bool byte_rex(uint32_t op, unsigned reg)
{
    return op & X_B && (reg & 15) >= 4;
}

static inline void op_rr(TcgEmit *e, uint32_t op, unsigned reg, Reg rm)
{
    uint8_t *p = put_legacy(e->p, op, reg & 15, 0, rm & 15,
                            byte_rex(op, reg) || (op & X_BRM && (rm & 15) >= 4));
    e->p = put_modrm_rr(p, reg, rm);
}

static inline void op_rm(TcgEmit *e, uint32_t op, unsigned reg, const Mem *m, unsigned trailing)
{
    uint8_t *p = put_legacy(e->p, op, reg & 15, mem_x(m), mem_b_reg(m), byte_rex(op, reg));
    e->p = put_modrm_mem(e, p, reg, m, trailing);
}

static inline uint8_t *put_vex(uint8_t *p, uint32_t op, unsigned r, unsigned vvvv, unsigned x,
                               unsigned b)
{
    unsigned pp = op >> X_PP_SHIFT & 3, map = op >> X_MAP_SHIFT & 3;
    unsigned low = (vvvv == REG_NONE ? 15 : ~vvvv & 15) << 3 | (op & X_L ? 4 : 0) | pp;
    if (map == 1 && !(op & X_W) && x < 8 && b < 8) {
        *p++ = 0xc5;
        *p++ = (uint8_t)((r < 8 ? 0x80 : 0) | low);
    } else {
        *p++ = 0xc4;
        *p++ = (uint8_t)((r < 8 ? 0x80 : 0) | (x < 8 ? 0x40 : 0) | (b < 8 ? 0x20 : 0) | map);
        *p++ = (uint8_t)((op & X_W ? 0x80 : 0) | low);
    }
    *p++ = (uint8_t)op;
    return p;
}

static void vex_rm(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, const Mem *m,
                   unsigned trailing)
{
    uint8_t *p = put_vex(e->p, op, reg & 15, vvvv, mem_x(m), mem_b_reg(m));
    e->p = put_modrm_mem(e, p, reg, m, trailing);
}

/* ---- legacy and VEX forms ---- */

void asm_rr(TcgEmit *e, uint32_t op, unsigned reg, Reg rm)
{
    op_rr(e, op, reg, rm);
}

void asm_rm(TcgEmit *e, uint32_t op, unsigned reg, Mem m)
{
    op_rm(e, op, reg, &m, 0);
}

void asm_rr_i8(TcgEmit *e, uint32_t op, unsigned reg, Reg rm, uint8_t imm)
{
    op_rr(e, op, reg, rm);
    asm_u8(e, imm);
}

void asm_rm_i8(TcgEmit *e, uint32_t op, unsigned reg, Mem m, uint8_t imm)
{
    op_rm(e, op, reg, &m, 1);
    asm_u8(e, imm);
}

void asm_rr_i32(TcgEmit *e, uint32_t op, unsigned reg, Reg rm, uint32_t imm)
{
    op_rr(e, op, reg, rm);
    asm_u32(e, imm);
}

void asm_rm_i32(TcgEmit *e, uint32_t op, unsigned reg, Mem m, uint32_t imm)
{
    op_rm(e, op, reg, &m, 4);
    asm_u32(e, imm);
}

void asm_rm_i16(TcgEmit *e, uint32_t op, unsigned reg, Mem m, uint16_t imm)
{
    op_rm(e, op, reg, &m, 2);
    asm_u8(e, imm & 0xff);
    asm_u8(e, imm >> 8);
}

void asm_vex_rr(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, Reg rm)
{
    e->p = put_modrm_rr(put_vex(e->p, op, reg & 15, vvvv, 0, rm & 15), reg, rm);
}

void asm_vex_rm(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, Mem m)
{
    vex_rm(e, op, reg, vvvv, &m, 0);
}

void asm_vex_rr_i8(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, Reg rm, uint8_t imm)
{
    asm_vex_rr(e, op, reg, vvvv, rm);
    asm_u8(e, imm);
}

void asm_vex_rm_i8(TcgEmit *e, uint32_t op, unsigned reg, Reg vvvv, Mem m, uint8_t imm)
{
    vex_rm(e, op, reg, vvvv, &m, 1);
    asm_u8(e, imm);
}

/* ---- common integer instructions ---- */

void asm_mov_rr(TcgEmit *e, uint32_t w, Reg d, Reg s)
{
    asm_rr(e, w | 0x8b, d, s);
}

void asm_mov_ri(TcgEmit *e, Reg d, uint64_t imm)
{
    if (imm <= UINT32_MAX) {
        legacy_op(e, 0xb8 | (d & 7), 0, 0, d, false);
        asm_u32(e, (uint32_t)imm);
    } else if ((int64_t)imm == (int32_t)imm) {
        asm_rr_i32(e, X_W | 0xc7, 0, d, (uint32_t)imm);
    } else {
        int64_t rel = (int64_t)(imm - (uintptr_t)(rx_of(e, e->p) + 7));
        if (rel == (int32_t)rel) { /* lea d, [rip + rel] */
            legacy_op(e, X_W | 0x8d, d, 0, 0, false);
            asm_u8(e, (d & 7) << 3 | 5);
            asm_u32(e, (uint32_t)rel);
        } else {
            legacy_op(e, X_W | 0xb8 | (d & 7), 0, 0, d, false);
            asm_u64(e, imm);
        }
    }
}

void asm_mov_rm(TcgEmit *e, uint32_t w, Reg d, Mem m)
{
    asm_rm(e, w | 0x8b, d, m);
}

void asm_mov_mr(TcgEmit *e, uint32_t w, Mem m, Reg s)
{
    asm_rm(e, w | 0x89, s, m);
}

void asm_lea(TcgEmit *e, uint32_t w, Reg d, Mem m)
{
    asm_rm(e, w | 0x8d, d, m);
}

void asm_alu_rr(TcgEmit *e, unsigned alu, uint32_t w, Reg d, Reg s)
{
    asm_rr(e, w | alu << 3 | 3, d, s);
}

void asm_alu_rm(TcgEmit *e, unsigned alu, uint32_t w, Reg d, Mem m)
{
    asm_rm(e, w | alu << 3 | 3, d, m);
}

void asm_alu_ri(TcgEmit *e, unsigned alu, uint32_t w, Reg d, int32_t imm)
{
    if (imm == (int8_t)imm) {
        asm_rr_i8(e, w | 0x83, alu, d, (uint8_t)imm);
    } else if (d == RAX) {
        legacy_op(e, w | alu << 3 | 5, 0, 0, 0, false);
        asm_u32(e, (uint32_t)imm);
    } else {
        asm_rr_i32(e, w | 0x81, alu, d, (uint32_t)imm);
    }
}

void asm_alu_mi(TcgEmit *e, unsigned alu, uint32_t w, Mem m, int32_t imm)
{
    if (imm == (int8_t)imm) {
        asm_rm_i8(e, w | 0x83, alu, m, (uint8_t)imm);
    } else {
        asm_rm_i32(e, w | 0x81, alu, m, (uint32_t)imm);
    }
}

void asm_test_rr(TcgEmit *e, uint32_t w, Reg a, Reg b)
{
    asm_rr(e, w | 0x85, b, a);
}

void asm_test_ri(TcgEmit *e, uint32_t w, Reg a, int32_t imm)
{
    if (imm >= 0 && imm <= 0x7f) {
        asm_rr_i8(e, X_BRM | 0xf6, 0, a, (uint8_t)imm);
    } else {
        asm_rr_i32(e, (imm >= 0 ? 0 : w) | 0xf7, 0, a, (uint32_t)imm);
    }
}

void asm_shift_ri(TcgEmit *e, unsigned shift, uint32_t w, Reg d, unsigned count)
{
    if (count == 1) {
        asm_rr(e, w | 0xd1, shift, d);
    } else {
        asm_rr_i8(e, w | 0xc1, shift, d, count);
    }
}

void asm_shift_cl(TcgEmit *e, unsigned shift, uint32_t w, Reg d)
{
    asm_rr(e, w | 0xd3, shift, d);
}

void asm_setcc(TcgEmit *e, unsigned cc, Reg d)
{
    asm_rr(e, X_BRM | X_0F | 0x90 | cc, 0, d);
}

void asm_cmov(TcgEmit *e, unsigned cc, uint32_t w, Reg d, Reg s)
{
    asm_rr(e, w | X_0F | 0x40 | cc, d, s);
}

void asm_movzx8(TcgEmit *e, Reg d, Reg s)
{
    asm_rr(e, X_BRM | X_0F | 0xb6, d, s);
}

/* ---- jumps ---- */

uint8_t *asm_jcc8(TcgEmit *e, unsigned cc)
{
    asm_u8(e, 0x70 | cc);
    asm_u8(e, 0);
    return e->p - 1;
}

uint8_t *asm_jmp8(TcgEmit *e)
{
    asm_u8(e, 0xeb);
    asm_u8(e, 0);
    return e->p - 1;
}

void asm_bind8(TcgEmit *e, uint8_t *label)
{
    ptrdiff_t d = e->p - (label + 1);
    assert(d >= 0 && d < 128);
    *label = (uint8_t)d;
}

uint8_t *asm_jcc32(TcgEmit *e, unsigned cc)
{
    asm_u8(e, 0x0f);
    asm_u8(e, 0x80 | cc);
    asm_u32(e, 0);
    return e->p - 4;
}

uint8_t *asm_jmp32(TcgEmit *e)
{
    asm_u8(e, 0xe9);
    asm_u32(e, 0);
    return e->p - 4;
}

static void set_rel32(uint8_t *label, const uint8_t *target)
{
    int32_t rel = (int32_t)(target - (label + 4));
    memcpy(label, &rel, 4);
}

void asm_bind32(TcgEmit *e, uint8_t *label)
{
    set_rel32(label, e->p);
}

void asm_jcc_to(TcgEmit *e, unsigned cc, const uint8_t *rw_target)
{
    set_rel32(asm_jcc32(e, cc), rw_target);
}

void asm_jmp_to(TcgEmit *e, const uint8_t *rw_target)
{
    set_rel32(asm_jmp32(e), rw_target);
}

void asm_call_abs(TcgEmit *e, const void *fn)
{
    int64_t rel = (int64_t)((uintptr_t)fn - (uintptr_t)(rx_of(e, e->p) + 5));
    if (rel == (int32_t)rel) {
        asm_u8(e, 0xe8);
        asm_u32(e, (uint32_t)rel);
    } else {
        asm_mov_ri(e, RAX, (uintptr_t)fn);
        asm_rr(e, 0xff, 2, RAX);
    }
}

/* ---- SSE or AVX ---- */

void simd_rr(TcgEmit *e, uint32_t op, Reg d, Reg s)
{
    if (e->host.avx) {
        asm_vex_rr(e, op, d, REG_NONE, s);
    } else {
        asm_rr(e, op, d, s);
    }
}

void simd_rm(TcgEmit *e, uint32_t op, Reg d, Mem m)
{
    if (e->host.avx) {
        asm_vex_rm(e, op, d, REG_NONE, m);
    } else {
        asm_rm(e, op, d, m);
    }
}

void simd_rr_i8(TcgEmit *e, uint32_t op, Reg d, Reg s, uint8_t imm)
{
    simd_rr(e, op, d, s);
    asm_u8(e, imm);
}

/* Without AVX: d = a, with b kept. Returns where b is then. */
static Reg two_operand(TcgEmit *e, Reg d, Reg a, Reg b)
{
    if (d == b && d != a) {
        assert(a != XMM15);
        simd_mov(e, XMM15, b);
        b = XMM15;
    }
    simd_mov(e, d, a);
    return b;
}

void simd_rrr(TcgEmit *e, uint32_t op, Reg d, Reg a, Reg b)
{
    if (e->host.avx) {
        asm_vex_rr(e, op, d, a & 15, b);
    } else {
        b = two_operand(e, d, a, b);
        asm_rr(e, op, d, b);
    }
}

void simd_rrr_i8(TcgEmit *e, uint32_t op, Reg d, Reg a, Reg b, uint8_t imm)
{
    simd_rrr(e, op, d, a, b);
    asm_u8(e, imm);
}

void simd_rrm(TcgEmit *e, uint32_t op, Reg d, Reg a, Mem m)
{
    if (e->host.avx) {
        asm_vex_rm(e, op, d, a & 15, m);
    } else {
        simd_mov(e, d, a);
        asm_rm(e, op, d, m);
    }
}

void simd_shift_i8(TcgEmit *e, uint32_t op, unsigned digit, Reg d, Reg s, uint8_t imm)
{
    if (e->host.avx) {
        asm_vex_rr(e, op, digit, d & 15, s);
    } else {
        simd_mov(e, d, s);
        asm_rr(e, op, digit, d);
    }
    asm_u8(e, imm);
}

void simd_mov(TcgEmit *e, Reg d, Reg s)
{
    if (d != s) {
        simd_rr(e, X_0F | 0x28, d, s); /* movaps */
    }
}

void simd_load(TcgEmit *e, unsigned bytes, Reg d, Mem m)
{
    /* movss, movsd, movups */
    simd_rm(e, (bytes == 4 ? X_F3 : bytes == 8 ? X_F2 : 0) | X_0F | 0x10, d, m);
}

void simd_store(TcgEmit *e, unsigned bytes, Mem m, Reg s)
{
    simd_rm(e, (bytes == 4 ? X_F3 : bytes == 8 ? X_F2 : 0) | X_0F | 0x11, s, m);
}

void simd_from_gpr(TcgEmit *e, uint32_t w, Reg d, Reg s)
{
    simd_rr(e, w | X_66 | X_0F | 0x6e, d, s);
}

void simd_to_gpr(TcgEmit *e, uint32_t w, Reg d, Reg s)
{
    simd_rr(e, w | X_66 | X_0F | 0x7e, s, d);
}

void simd_zero(TcgEmit *e, Reg d)
{
    simd_rrr(e, X_0F | 0x57, d, d, d); /* xorps */
}
