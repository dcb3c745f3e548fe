// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD structure loads and stores (Arm ARM C4.1, "Advanced SIMD load/store multiple
// structures", "single structure", and their post-indexed forms).
//
// Multiple structures are a flat run of bytes in memory: moved in pieces of 16 bytes (the last one
// may be 8), which are interleaved in registers. All loads come before the first register
// is written, so that a fault leaves everything as it was.
#include "target/arm/translate-simd.h"

#define MAX_REGS 4

static unsigned reg_number(unsigned rt, unsigned i)
{
    return (rt + i) % 32;
}

/* The base moves by Xm, or by the size of the transfer. */
static void post_index(DisasContext *s, bool post, unsigned rm, unsigned rn, IrRef base,
                       unsigned bytes)
{
    if (post && rm == 31) {
        reg_move_sp(s, rn, base, bytes);
    } else if (post) {
        reg_set_sp(s, true, rn, ir_add(&s->b, IR_I64, base, reg_get(s, true, rm)));
    }
}

/* ---- Multiple structures */

/* `1 << size_log2` bytes of elements of size esz, which must be aligned if anything must. */
static unsigned piece_memop(const DisasContext *s, unsigned size_log2, unsigned esz)
{
    return size_log2 | (s->flags & UNIT_ALIGN ? IR_MEM_ALIGN(esz) : 0);
}

static IrRef load_piece(DisasContext *s, IrRef base, unsigned esz, unsigned offset,
                        unsigned bytes)
{
    if (bytes >= 16) {
        return ir_ld(&s->b, IR_V128, base, piece_memop(s, 4, esz), offset);
    }
    return ir_vzext(&s->b, IR_V128,
                    ir_ld(&s->b, IR_F64, base, piece_memop(s, 3, esz), offset));
}

static void store_piece(DisasContext *s, IrRef base, unsigned esz, unsigned offset,
                        unsigned bytes, IrRef v)
{
    if (bytes >= 16) {
        ir_st(&s->b, IR_V128, base, v, piece_memop(s, 4, esz), offset);
    } else {
        ir_st(&s->b, IR_F64, base, ir_vtrunc(&s->b, IR_F64, v), piece_memop(s, 3, esz), offset);
    }
}

/* LD1: registers one after the other. */
static bool load_plain(DisasContext *s, const struct a64_ldst_mult *a, IrRef base)
{
    unsigned bytes = a->q ? 16 : 8, regs = a->regs;
    IrRef v[MAX_REGS];
    for (unsigned i = 0; i < regs; i++) {
        v[i] = load_piece(s, base, a->esz, i * bytes, bytes);
    }
    for (unsigned i = 0; i < regs; i++) {
        vreg_set(s, reg_number(a->rt, i), v[i]);
    }
    return true;
}

static bool store_plain(DisasContext *s, const struct a64_ldst_mult *a, IrRef base)
{
    unsigned bytes = a->q ? 16 : 8, regs = a->regs;
    for (unsigned i = 0; i < regs; i++) {
        store_piece(s, base, a->esz, i * bytes, bytes, vreg_get(s, reg_number(a->rt, i)));
    }
    return true;
}

static void unzip(DisasContext *s, unsigned esz, IrRef x, IrRef y, IrRef *even, IrRef *odd)
{
    *even = simd_op2(s, IR_OP_VUZP1, esz, x, y);
    *odd = simd_op2(s, IR_OP_VUZP2, esz, x, y);
}

static void zip(DisasContext *s, unsigned esz, IrRef x, IrRef y, IrRef *low, IrRef *high)
{
    *low = simd_op2(s, IR_OP_VZIP1, esz, x, y);
    *high = simd_op2(s, IR_OP_VZIP2, esz, x, y);
}

/* The bytes of t[0..n-1] that `index` names, 16 to a table; zero for others. */
static IrRef look_up(DisasContext *s, const IrRef *t, unsigned n, const V128 *index)
{
    IrRef i = ir_imm128(&s->b, index->d[0], index->d[1]);
    IrRef v = ir_vtbl(&s->b, IR_V128, t[0], i);
    for (unsigned k = 1; k < n; k++) {
        v = ir_vtbx(&s->b, IR_V128, v, t[k], i, 16 * k);
    }
    return v;
}

/* Register r takes every third element from the r-th. */
static void deinterleave3(DisasContext *s, unsigned esz, bool q, const IrRef *piece, IrRef *v)
{
    for (unsigned r = 0; r < 3; r++) {
        V128 index = { .d = { UINT64_MAX, UINT64_MAX } };
        for (unsigned i = 0; i < (q ? 16 : 8); i++) {
            index.b[i] = (uint8_t)((((i >> esz) * 3 + r) << esz) + (i & bit_mask(esz)));
        }
        v[r] = look_up(s, piece, q ? 3 : 2, &index);
    }
}

static void interleave3(DisasContext *s, unsigned esz, bool q, const IrRef *v, IrRef *piece)
{
    for (unsigned k = 0; k < (q ? 3 : 2); k++) {
        V128 index;
        for (unsigned i = 0; i < 16; i++) {
            unsigned element = (16 * k + i) >> esz;
            index.b[i] = (uint8_t)(16 * (element % 3) + ((element / 3) << esz) +
                                   (i & bit_mask(esz)));
        }
        piece[k] = look_up(s, v, 3, &index);
    }
}

/* 64-bit forms have half as many pieces; what is computed from the missing ones is cut off. */
static void deinterleave(DisasContext *s, unsigned regs, unsigned esz, bool q, IrRef *piece,
                         IrRef *v)
{
    if (regs == 3) {
        deinterleave3(s, esz, q, piece, v);
    } else if (regs == 2) {
        unzip(s, esz, piece[0], q ? piece[1] : piece[0], &v[0], &v[1]);
    } else {
        IrRef even[2], odd[2];
        unzip(s, esz, piece[0], piece[1], &even[0], &odd[0]);
        even[1] = even[0];
        odd[1] = odd[0];
        if (q) {
            unzip(s, esz, piece[2], piece[3], &even[1], &odd[1]);
        }
        unzip(s, esz, even[0], even[1], &v[0], &v[2]);
        unzip(s, esz, odd[0], odd[1], &v[1], &v[3]);
    }
}

static void interleave(DisasContext *s, unsigned regs, unsigned esz, bool q, const IrRef *v,
                       IrRef *piece)
{
    if (regs == 3) {
        interleave3(s, esz, q, v, piece);
    } else if (regs == 2) {
        zip(s, esz, v[0], v[1], &piece[0], &piece[1]);
    } else {
        IrRef even[2], odd[2];
        zip(s, esz, v[0], v[2], &even[0], &even[1]);
        zip(s, esz, v[1], v[3], &odd[0], &odd[1]);
        zip(s, esz, even[0], odd[0], &piece[0], &piece[1]);
        if (q) {
            zip(s, esz, even[1], odd[1], &piece[2], &piece[3]);
        }
    }
}

static bool load_interleaved(DisasContext *s, const struct a64_ldst_mult *a, IrRef base)
{
    unsigned regs = a->regs, bytes = regs * (a->q ? 16 : 8);
    IrRef piece[MAX_REGS] = { 0 }, v[MAX_REGS];
    for (unsigned i = 0; 16 * i < bytes; i++) {
        piece[i] = load_piece(s, base, a->esz, 16 * i, bytes - 16 * i);
    }
    deinterleave(s, regs, a->esz, a->q, piece, v);
    for (unsigned i = 0; i < regs; i++) {
        vreg_set_q(s, a->q, reg_number(a->rt, i), v[i]);
    }
    return true;
}

static bool store_interleaved(DisasContext *s, const struct a64_ldst_mult *a, IrRef base)
{
    unsigned regs = a->regs, bytes = regs * (a->q ? 16 : 8);
    IrRef piece[MAX_REGS] = { 0 }, v[MAX_REGS];
    for (unsigned i = 0; i < regs; i++) {
        v[i] = vreg_get(s, reg_number(a->rt, i));
    }
    interleave(s, regs, a->esz, a->q, v, piece);
    for (unsigned i = 0; 16 * i < bytes; i++) {
        store_piece(s, base, a->esz, 16 * i, bytes - 16 * i, piece[i]);
    }
    return true;
}

static bool multiple(DisasContext *s, const struct a64_ldst_mult *a,
                     bool (*transfer)(DisasContext *, const struct a64_ldst_mult *, IrRef))
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef base = mem_base(s, a->rn);
    if (base != IR_NONE) {
        transfer(s, a, base);
        post_index(s, a->post, a->rm, a->rn, base, a->regs * (a->q ? 16 : 8));
    }
    return true;
}

#define MULTIPLE(name, transfer)                                                          \
    bool a64_trans_##name##_mult(DisasContext *s, const struct a64_ldst_mult *a)          \
    {                                                                                     \
        return multiple(s, a, transfer);                                                  \
    }

MULTIPLE(LD1, load_plain)
MULTIPLE(LD2, load_interleaved)
MULTIPLE(LD3, load_interleaved)
MULTIPLE(LD4, load_interleaved)
MULTIPLE(ST1, store_plain)
MULTIPLE(ST2, store_interleaved)
MULTIPLE(ST3, store_interleaved)
MULTIPLE(ST4, store_interleaved)

/* ---- One structure, to or from one lane */

static bool lane(DisasContext *s, const struct a64_ldst_lane *a, unsigned regs, bool load)
{
    IrType type = sf_type(a->esz == 3);
    unsigned memop = memop_plain(s, a->esz);
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef base = mem_base(s, a->rn), v[MAX_REGS];
    if (base == IR_NONE) {
        return true;
    }
    for (unsigned i = 0; load && i < regs; i++) {
        v[i] = ir_ld(&s->b, type, base, memop, (int64_t)i << a->esz);
    }
    for (unsigned i = 0; i < regs; i++) {
        unsigned n = reg_number(a->rt, i);
        IrRef old = vreg_get(s, n);
        if (load) {
            vreg_set(s, n, ir_vset(&s->b, IR_V128, old, v[i], a->esz, a->idx));
        } else {
            ir_st(&s->b, type, base, ir_vget(&s->b, type, old, a->esz, a->idx), memop,
                  (int64_t)i << a->esz);
        }
    }
    post_index(s, a->post, a->rm, a->rn, base, regs << a->esz);
    return true;
}

#define LANE(n)                                                                           \
    bool a64_trans_LD##n##_lane(DisasContext *s, const struct a64_ldst_lane *a)           \
    {                                                                                     \
        return lane(s, a, n, true);                                                       \
    }                                                                                     \
    bool a64_trans_ST##n##_lane(DisasContext *s, const struct a64_ldst_lane *a)           \
    {                                                                                     \
        return lane(s, a, n, false);                                                      \
    }

LANE(1)
LANE(2)
LANE(3)
LANE(4)

/* ---- One structure, to all lanes */

static bool replicate(DisasContext *s, const struct a64_ldst_repl *a, unsigned regs)
{
    IrType type = sf_type(a->esz == 3);
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef base = mem_base(s, a->rn), v[MAX_REGS];
    if (base == IR_NONE) {
        return true;
    }
    for (unsigned i = 0; i < regs; i++) {
        v[i] = ir_ld(&s->b, type, base, memop_plain(s, a->esz), (int64_t)i << a->esz);
    }
    for (unsigned i = 0; i < regs; i++) {
        vreg_set_q(s, a->q, reg_number(a->rt, i), ir_vdup(&s->b, IR_V128, v[i], a->esz));
    }
    post_index(s, a->post, a->rm, a->rn, base, regs << a->esz);
    return true;
}

#define REPLICATE(n)                                                                      \
    bool a64_trans_LD##n##R(DisasContext *s, const struct a64_ldst_repl *a)               \
    {                                                                                     \
        return replicate(s, a, n);                                                        \
    }

REPLICATE(1)
REPLICATE(2)
REPLICATE(3)
REPLICATE(4)
