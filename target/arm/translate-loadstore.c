// SPDX-License-Identifier: MIT
//
// A64 loads and stores (Arm ARM C4.1, C6.2), of general registers and of whole FP and vector
// registers; the structure loads and stores of Advanced SIMD are elsewhere.
//
// Exclusives: the local monitor is an address and the value that was loaded from it. A store
// exclusive compares the address and then swaps if memory still holds that value.
#include "target/arm/helpers.h"
#include "target/arm/translate.h"

/* ---- exclusive ---------------------------------------------------------------------------- */

static IrRef pair_make(DisasContext *s, IrRef lo, IrRef hi)
{
    return ir_vcat(&s->b, IR_V128, ir_vzext(&s->b, IR_V128, lo), ir_vzext(&s->b, IR_V128, hi));
}

static IrRef pair_half(DisasContext *s, IrRef pair, unsigned lane)
{
    return ir_vget(&s->b, IR_I64, pair, 3, lane);
}

/* Words: two registers in one doubleword. */
static IrRef words_make(DisasContext *s, IrRef lo, IrRef hi)
{
    return ir_deposit(&s->b, IR_I64, lo, hi, IR_POSLEN(32, 32));
}

static IrRef words_half(DisasContext *s, IrRef words, unsigned n)
{
    return ir_extu(&s->b, IR_I64, words, IR_POSLEN(32 * n, 32));
}

/* The local monitor covers 1 << size_log2 bytes at `base` from now on. */
static void set_monitor(DisasContext *s, IrRef base, unsigned size_log2)
{
    ir_set(&s->b, IR_I64, base, ARM_G_EXCL_ADDR);
    ir_stenv(&s->b, IR_I32, ir_imm32(&s->b, 1u << size_log2), 2, offsetof(ArmCpu, excl_bytes));
}

bool a64_trans_LDXR(DisasContext *s, const struct a64_excl *a)
{
    unsigned memop = memop_aligned(a->size) | (a->ord ? IR_MEM_ACQUIRE : 0);
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    s->exclusive = true;
    IrRef v = ir_ld(&s->b, IR_I64, base, memop, 0);
    set_monitor(s, base, a->size);
    ir_set(&s->b, IR_I64, v, ARM_G_EXCL_LO);
    reg_set(s, true, a->rt, v);
    return true;
}

bool a64_trans_LDXP(DisasContext *s, const struct a64_excl *a)
{
    unsigned memop = memop_aligned(a->size + 1) | (a->ord ? IR_MEM_ACQUIRE : 0);
    bool wide = a->size == 3;
    IrRef base = mem_base(s, a->rn), lo, hi;
    if (base == IR_NONE)
        return true;
    s->exclusive = true;
    IrRef v = ir_ld(&s->b, wide ? IR_V128 : IR_I64, base, memop, 0);
    if (wide) {
        lo = pair_half(s, v, 0);
        hi = pair_half(s, v, 1);
        ir_set(&s->b, IR_I64, lo, ARM_G_EXCL_LO);
        ir_set(&s->b, IR_I64, hi, ARM_G_EXCL_HI);
    } else {
        lo = words_half(s, v, 0);
        hi = words_half(s, v, 1);
        ir_set(&s->b, IR_I64, v, ARM_G_EXCL_LO);
    }
    set_monitor(s, base, a->size + 1);
    reg_set(s, true, a->rt, lo);
    reg_set(s, true, a->rt2, hi);
    return true;
}

/* Swap the doubleword or less at `base`: 0 when it held the monitor's value, else 1. */
static IrRef excl_store(DisasContext *s, IrRef base, IrRef v, unsigned memop)
{
    IrRef expected = ir_get(&s->b, IR_I64, ARM_G_EXCL_LO);
    IrRef old = ir_cas(&s->b, IR_I64, base, expected, v, memop);
    return ir_setc(&s->b, IR_I64, old, expected, IR_NE);
}

static IrRef excl_store_pair(DisasContext *s, IrRef base, IrRef v, unsigned memop)
{
    IrRef expected = pair_make(s, ir_get(&s->b, IR_I64, ARM_G_EXCL_LO),
                               ir_get(&s->b, IR_I64, ARM_G_EXCL_HI));
    IrRef old = ir_cas(&s->b, IR_V128, base, expected, v, memop);
    IrRef differs = ir_vtest(&s->b, ir_vxor(&s->b, IR_V128, old, expected));
    return ir_setc(&s->b, IR_I64, differs, ir_imm64(&s->b, 0), IR_NE);
}

/* `v` is v128 for a pair of doublewords. */
static bool store_exclusive(DisasContext *s, const struct a64_excl *a, unsigned size, IrRef v)
{
    unsigned memop = memop_aligned(size) | IR_MEM_STORE | (a->ord ? IR_MEM_RELEASE : 0);
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    uint32_t try = ir_block_create(&s->b), done = ir_block_create(&s->b);
    uint32_t fail = ir_block_create(&s->b);
    ir_brc(&s->b, IR_I64, base, ir_get(&s->b, IR_I64, ARM_G_EXCL_ADDR), IR_NE,
           IR_TARGETS(fail, try));
    ir_block_begin(&s->b, try);
    reg_set(s, false, a->rs, size == 4 ? excl_store_pair(s, base, v, memop)
                                       : excl_store(s, base, v, memop));
    ir_jump(&s->b, done);
    ir_block_begin(&s->b, fail);
    reg_set(s, false, a->rs, ir_imm32(&s->b, 1));
    ir_jump(&s->b, done);
    ir_block_begin(&s->b, done);
    ir_set(&s->b, IR_I64, ir_imm64(&s->b, UINT64_MAX), ARM_G_EXCL_ADDR);
    return true;
}

bool a64_trans_STXR(DisasContext *s, const struct a64_excl *a)
{
    return store_exclusive(s, a, a->size, reg_get(s, true, a->rt));
}

bool a64_trans_STXP(DisasContext *s, const struct a64_excl *a)
{
    IrRef lo = reg_get(s, true, a->rt), hi = reg_get(s, true, a->rt2);
    return store_exclusive(s, a, a->size + 1,
                           a->size == 3 ? pair_make(s, lo, hi) : words_make(s, lo, hi));
}

/* ---- ordered ------------------------------------------------------------------------------ */

static bool load_acquire(DisasContext *s, const struct a64_ldst_ord *a)
{
    IrRef base = mem_base(s, a->rn);
    if (base != IR_NONE)
        reg_set(s, true, a->rt,
                ir_ld(&s->b, IR_I64, base, memop_aligned(a->size) | IR_MEM_ACQUIRE, 0));
    return true;
}

static bool store_release(DisasContext *s, const struct a64_ldst_ord *a)
{
    IrRef base = mem_base(s, a->rn);
    if (base != IR_NONE)
        ir_st(&s->b, IR_I64, base, reg_get(s, true, a->rt),
              memop_aligned(a->size) | IR_MEM_RELEASE, 0);
    return true;
}

bool a64_trans_LDAR(DisasContext *s, const struct a64_ldst_ord *a)
{
    return load_acquire(s, a);
}

bool a64_trans_STLR(DisasContext *s, const struct a64_ldst_ord *a)
{
    return store_release(s, a);
}

/* Limited ordering regions: one region, all memory. */
bool a64_trans_LDLAR(DisasContext *s, const struct a64_ldst_ord *a)
{
    return load_acquire(s, a);
}

bool a64_trans_STLLR(DisasContext *s, const struct a64_ldst_ord *a)
{
    return store_release(s, a);
}

bool a64_trans_LDAPR(DisasContext *s, const struct a64_ldst_ord *a)
{
    return load_acquire(s, a);
}

/* ---- atomics ------------------------------------------------------------------------------ */

static unsigned atomic_memop(const struct a64_atomic *a, unsigned size)
{
    return memop_aligned(size) | (a->acq ? IR_MEM_ACQUIRE : 0) | (a->rel ? IR_MEM_RELEASE : 0);
}

static bool atomic_op(DisasContext *s, const struct a64_atomic *a, IrRmw op)
{
    bool wide = a->size == 3;
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    IrRef old = ir_rmw(&s->b, sf_type(wide), base, reg_get(s, wide, a->rs),
                       atomic_memop(a, a->size), op);
    reg_set(s, wide, a->rt, old);
    return true;
}

bool a64_trans_LDADD(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_ADD);
}

bool a64_trans_LDCLR(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_ANDN);
}

bool a64_trans_LDEOR(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_XOR);
}

bool a64_trans_LDSET(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_OR);
}

bool a64_trans_LDSMAX(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_SMAX);
}

bool a64_trans_LDSMIN(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_SMIN);
}

bool a64_trans_LDUMAX(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_UMAX);
}

bool a64_trans_LDUMIN(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_UMIN);
}

bool a64_trans_SWP(DisasContext *s, const struct a64_atomic *a)
{
    return atomic_op(s, a, IR_RMW_XCHG);
}

bool a64_trans_CAS(DisasContext *s, const struct a64_atomic *a)
{
    bool wide = a->size == 3;
    IrType t = sf_type(wide);
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    IrRef expected = reg_get(s, wide, a->rs);
    if (a->size < 2)
        expected = ir_extu(&s->b, t, expected, IR_POSLEN(0, 8u << a->size));
    IrRef old = ir_cas(&s->b, t, base, expected, reg_get(s, wide, a->rt),
                       atomic_memop(a, a->size));
    reg_set(s, wide, a->rs, old);
    return true;
}

bool a64_trans_CASP(DisasContext *s, const struct a64_atomic *a)
{
    bool wide = a->size == 3;
    unsigned memop = atomic_memop(a, a->size + 1);
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    IrRef s0 = reg_get(s, true, a->rs), s1 = reg_get(s, true, a->rs + 1);
    IrRef t0 = reg_get(s, true, a->rt), t1 = reg_get(s, true, a->rt + 1);
    if (wide) {
        IrRef old = ir_cas(&s->b, IR_V128, base, pair_make(s, s0, s1), pair_make(s, t0, t1),
                           memop);
        s0 = pair_half(s, old, 0);
        s1 = pair_half(s, old, 1);
    } else {
        IrRef old = ir_cas(&s->b, IR_I64, base, words_make(s, s0, s1), words_make(s, t0, t1),
                           memop);
        s0 = words_half(s, old, 0);
        s1 = words_half(s, old, 1);
    }
    reg_set(s, true, a->rs, s0);
    reg_set(s, true, a->rs + 1, s1);
    return true;
}

/* ---- one register ------------------------------------------------------------------------- */

/* A load of 1 << size bytes, extended; the value to put in a 64-bit register. */
static IrRef load_signed(DisasContext *s, bool sf, IrRef addr, unsigned memop, int64_t disp)
{
    IrRef v = ir_ld(&s->b, sf_type(sf), addr, memop | IR_MEM_SIGN, disp);
    return sf ? v : ir_zext(&s->b, v);
}

/* FP and vector registers: memory type by log2 of the bytes. */
static IrType simd_type(unsigned size)
{
    static const uint8_t types[] = { IR_I32, IR_I32, IR_F32, IR_F64, IR_V128 };
    return types[size];
}

static void simd_load(DisasContext *s, unsigned rt, unsigned size, IrRef v)
{
    if (size == 4)
        vreg_set(s, rt, v);
    else
        freg_set(s, rt, v);
}

static IrRef simd_value(DisasContext *s, unsigned rt, unsigned size)
{
    return size == 4 ? vreg_get(s, rt) : freg_get(s, simd_type(size), rt);
}

typedef enum RegKind { REG_ZERO_EXTENDED, REG_SIGNED, REG_SIMD } RegKind;

static void load_one(DisasContext *s, RegKind kind, bool sf, unsigned rt, unsigned memop,
                     IrRef addr, int64_t disp)
{
    unsigned size = ir_mem_size_log2(memop);
    if (kind == REG_SIMD)
        simd_load(s, rt, size, ir_ld(&s->b, simd_type(size), addr, memop, disp));
    else if (kind == REG_SIGNED)
        reg_set(s, true, rt, load_signed(s, sf, addr, memop, disp));
    else
        reg_set(s, true, rt, ir_ld(&s->b, IR_I64, addr, memop, disp));
}

static void store_one(DisasContext *s, RegKind kind, unsigned rt, unsigned memop, IrRef addr,
                      int64_t disp)
{
    unsigned size = ir_mem_size_log2(memop);
    if (kind == REG_SIMD)
        ir_st(&s->b, simd_type(size), addr, simd_value(s, rt, size), memop, disp);
    else
        ir_st(&s->b, IR_I64, addr, reg_get(s, true, rt), memop, disp);
}

static bool load_imm(DisasContext *s, const struct a64_ldst_imm *a, RegKind kind, unsigned flags)
{
    if (kind == REG_SIMD && !fp_access_check(s))
        return true;
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    load_one(s, kind, a->sf, a->rt, memop_plain(s, a->size) | flags, base, a->post ? 0 : a->imm);
    if (a->w)
        reg_move_sp(s, a->rn, base, a->imm);
    return true;
}

static bool store_imm(DisasContext *s, const struct a64_ldst_imm *a, RegKind kind, unsigned flags)
{
    if (kind == REG_SIMD && !fp_access_check(s))
        return true;
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    store_one(s, kind, a->rt, memop_plain(s, a->size) | flags, base, a->post ? 0 : a->imm);
    if (a->w)
        reg_move_sp(s, a->rn, base, a->imm);
    return true;
}

bool a64_trans_STR_imm(DisasContext *s, const struct a64_ldst_imm *a)
{
    return store_imm(s, a, REG_ZERO_EXTENDED, 0);
}

bool a64_trans_LDR_imm(DisasContext *s, const struct a64_ldst_imm *a)
{
    return load_imm(s, a, REG_ZERO_EXTENDED, 0);
}

bool a64_trans_LDRS_imm(DisasContext *s, const struct a64_ldst_imm *a)
{
    return load_imm(s, a, REG_SIGNED, 0);
}

bool a64_trans_PRFM_imm(DisasContext *s, const struct a64_ldst_imm *a)
{
    return true;
}

bool a64_trans_STUR(DisasContext *s, const struct a64_ldst_imm *a)
{
    return store_imm(s, a, REG_ZERO_EXTENDED, 0);
}

bool a64_trans_LDUR(DisasContext *s, const struct a64_ldst_imm *a)
{
    return load_imm(s, a, REG_ZERO_EXTENDED, 0);
}

bool a64_trans_LDURS(DisasContext *s, const struct a64_ldst_imm *a)
{
    return load_imm(s, a, REG_SIGNED, 0);
}

bool a64_trans_PRFUM(DisasContext *s, const struct a64_ldst_imm *a)
{
    return true;
}

static unsigned unprivileged(const DisasContext *s)
{
    return s->el && !(s->flags & UNIT_UAO) ? IR_MEM_UNPRIV : 0;
}

bool a64_trans_STTR(DisasContext *s, const struct a64_ldst_imm *a)
{
    return store_imm(s, a, REG_ZERO_EXTENDED, unprivileged(s));
}

bool a64_trans_LDTR(DisasContext *s, const struct a64_ldst_imm *a)
{
    return load_imm(s, a, REG_ZERO_EXTENDED, unprivileged(s));
}

bool a64_trans_LDTRS(DisasContext *s, const struct a64_ldst_imm *a)
{
    return load_imm(s, a, REG_SIGNED, unprivileged(s));
}

bool a64_trans_STR_imm_simd(DisasContext *s, const struct a64_ldst_imm *a)
{
    return store_imm(s, a, REG_SIMD, 0);
}

bool a64_trans_LDR_imm_simd(DisasContext *s, const struct a64_ldst_imm *a)
{
    return load_imm(s, a, REG_SIMD, 0);
}

bool a64_trans_STUR_simd(DisasContext *s, const struct a64_ldst_imm *a)
{
    return store_imm(s, a, REG_SIMD, 0);
}

bool a64_trans_LDUR_simd(DisasContext *s, const struct a64_ldst_imm *a)
{
    return load_imm(s, a, REG_SIMD, 0);
}

/* ---- one register, ordered, unscaled (LRCPC2) ---------------------------------------------- */

bool a64_trans_STLUR(DisasContext *s, const struct a64_ldst_ordi *a)
{
    IrRef base = mem_base(s, a->rn);
    if (base != IR_NONE)
        store_one(s, REG_ZERO_EXTENDED, a->rt, memop_aligned(a->size) | IR_MEM_RELEASE, base,
                  a->imm);
    return true;
}

bool a64_trans_LDAPUR(DisasContext *s, const struct a64_ldst_ordi *a)
{
    IrRef base = mem_base(s, a->rn);
    if (base != IR_NONE)
        load_one(s, REG_ZERO_EXTENDED, true, a->rt, memop_aligned(a->size) | IR_MEM_ACQUIRE,
                 base, a->imm);
    return true;
}

bool a64_trans_LDAPURS(DisasContext *s, const struct a64_ldst_ordi *a)
{
    IrRef base = mem_base(s, a->rn);
    if (base != IR_NONE)
        load_one(s, REG_SIGNED, a->sf, a->rt, memop_aligned(a->size) | IR_MEM_ACQUIRE, base,
                 a->imm);
    return true;
}

/* ---- register offset ---------------------------------------------------------------------- */

/* IR_NONE: an exception was emitted. */
static IrRef address_reg(DisasContext *s, const struct a64_ldst_reg *a)
{
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return IR_NONE;
    return ir_add(&s->b, IR_I64, base, mem_extend(s, a->rm, a->option, a->s ? a->size : 0));
}

static bool load_reg(DisasContext *s, const struct a64_ldst_reg *a, RegKind kind)
{
    if (kind == REG_SIMD && !fp_access_check(s))
        return true;
    IrRef addr = address_reg(s, a);
    if (addr != IR_NONE)
        load_one(s, kind, a->sf, a->rt, memop_plain(s, a->size), addr, 0);
    return true;
}

static bool store_reg(DisasContext *s, const struct a64_ldst_reg *a, RegKind kind)
{
    if (kind == REG_SIMD && !fp_access_check(s))
        return true;
    IrRef addr = address_reg(s, a);
    if (addr != IR_NONE)
        store_one(s, kind, a->rt, memop_plain(s, a->size), addr, 0);
    return true;
}

bool a64_trans_STR_reg(DisasContext *s, const struct a64_ldst_reg *a)
{
    return store_reg(s, a, REG_ZERO_EXTENDED);
}

bool a64_trans_LDR_reg(DisasContext *s, const struct a64_ldst_reg *a)
{
    return load_reg(s, a, REG_ZERO_EXTENDED);
}

bool a64_trans_LDRS_reg(DisasContext *s, const struct a64_ldst_reg *a)
{
    return load_reg(s, a, REG_SIGNED);
}

bool a64_trans_PRFM_reg(DisasContext *s, const struct a64_ldst_reg *a)
{
    return true;
}

bool a64_trans_STR_reg_simd(DisasContext *s, const struct a64_ldst_reg *a)
{
    return store_reg(s, a, REG_SIMD);
}

bool a64_trans_LDR_reg_simd(DisasContext *s, const struct a64_ldst_reg *a)
{
    return load_reg(s, a, REG_SIMD);
}

/* ---- literal ------------------------------------------------------------------------------ */

static bool load_literal(DisasContext *s, const struct a64_ldlit *a, RegKind kind)
{
    if (kind == REG_SIMD && !fp_access_check(s))
        return true;
    load_one(s, kind, true, a->rt, memop_plain(s, a->size), ir_imm64(&s->b, s->pc + a->imm), 0);
    return true;
}

bool a64_trans_LDR_lit(DisasContext *s, const struct a64_ldlit *a)
{
    return load_literal(s, a, REG_ZERO_EXTENDED);
}

bool a64_trans_LDRSW_lit(DisasContext *s, const struct a64_ldlit *a)
{
    return load_literal(s, a, REG_SIGNED);
}

bool a64_trans_PRFM_lit(DisasContext *s, const struct a64_ldlit *a)
{
    return true;
}

bool a64_trans_LDR_lit_simd(DisasContext *s, const struct a64_ldlit *a)
{
    return load_literal(s, a, REG_SIMD);
}

/* ---- pairs -------------------------------------------------------------------------------- */

static bool load_pair(DisasContext *s, const struct a64_ldstp *a, bool is_signed)
{
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    unsigned memop = memop_plain(s, a->size) | (is_signed ? IR_MEM_SIGN : 0);
    int64_t disp = a->post ? 0 : a->imm;
    IrRef v = ir_ld(&s->b, IR_I64, base, memop, disp);
    IrRef v2 = ir_ld(&s->b, IR_I64, base, memop, disp + (1 << a->size));
    reg_set(s, true, a->rt, v);
    reg_set(s, true, a->rt2, v2);
    if (a->w)
        reg_move_sp(s, a->rn, base, a->imm);
    return true;
}

static bool store_pair(DisasContext *s, const struct a64_ldstp *a, RegKind kind)
{
    if (kind == REG_SIMD && !fp_access_check(s))
        return true;
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    unsigned memop = memop_plain(s, a->size);
    int64_t disp = a->post ? 0 : a->imm;
    store_one(s, kind, a->rt, memop, base, disp);
    store_one(s, kind, a->rt2, memop, base, disp + (1 << a->size));
    if (a->w)
        reg_move_sp(s, a->rn, base, a->imm);
    return true;
}

static bool load_pair_simd(DisasContext *s, const struct a64_ldstp *a)
{
    if (!fp_access_check(s))
        return true;
    IrRef base = mem_base(s, a->rn);
    if (base == IR_NONE)
        return true;
    unsigned memop = memop_plain(s, a->size);
    int64_t disp = a->post ? 0 : a->imm;
    IrRef v = ir_ld(&s->b, simd_type(a->size), base, memop, disp);
    IrRef v2 = ir_ld(&s->b, simd_type(a->size), base, memop, disp + (1 << a->size));
    simd_load(s, a->rt, a->size, v);
    simd_load(s, a->rt2, a->size, v2);
    if (a->w)
        reg_move_sp(s, a->rn, base, a->imm);
    return true;
}

bool a64_trans_STP(DisasContext *s, const struct a64_ldstp *a)
{
    return store_pair(s, a, REG_ZERO_EXTENDED);
}

bool a64_trans_LDP(DisasContext *s, const struct a64_ldstp *a)
{
    return load_pair(s, a, false);
}

bool a64_trans_LDPSW(DisasContext *s, const struct a64_ldstp *a)
{
    return load_pair(s, a, true);
}

bool a64_trans_STNP(DisasContext *s, const struct a64_ldstp *a)
{
    return store_pair(s, a, REG_ZERO_EXTENDED);
}

bool a64_trans_LDNP(DisasContext *s, const struct a64_ldstp *a)
{
    return load_pair(s, a, false);
}

bool a64_trans_STP_simd(DisasContext *s, const struct a64_ldstp *a)
{
    return store_pair(s, a, REG_SIMD);
}

bool a64_trans_LDP_simd(DisasContext *s, const struct a64_ldstp *a)
{
    return load_pair_simd(s, a);
}

bool a64_trans_STNP_simd(DisasContext *s, const struct a64_ldstp *a)
{
    return store_pair(s, a, REG_SIMD);
}

bool a64_trans_LDNP_simd(DisasContext *s, const struct a64_ldstp *a)
{
    return load_pair_simd(s, a);
}
