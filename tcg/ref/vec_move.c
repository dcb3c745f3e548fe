// SPDX-License-Identifier: MIT
//
// Reference semantics: vector moves and permutations, and scalars that enter or leave a vector.
#include "tcg/ref/internal.h"

/* The bits of a scalar operand of type `type`. */
static uint64_t scalar_bits(const V128 *v, unsigned type)
{
    return type == IR_I32 || type == IR_F32 ? v->s[0] : v->d[0];
}

REF_FN(vlow)
{
    *d = (V128){ .d = { a->d[0], 0 } };
}

REF_FN(vzext)
{
    *d = (V128){ .d = { scalar_bits(a, ctl->arg_type), 0 } };
}

REF_FN(vtrunc)
{
    *d = ctl->type == IR_V128 ? *a : (V128){ .d = { scalar_bits(a, ctl->type), 0 } };
}

REF_FN(vget)
{
    unsigned es = ref_esize(ctl), lane = ctl->imm & 0xff;
    uint64_t x = ctl->imm & IR_LANE_SIGNED ? (uint64_t)ref_lane_s(a, es, lane)
                                           : ref_lane_u(a, es, lane);
    *d = (V128){ .d = { ctl->type == IR_I32 ? (uint32_t)x : x, 0 } };
}

REF_FN(vset)
{
    V128 r = *a;
    ref_lane_set(&r, ref_esize(ctl), ctl->imm & 0xff, scalar_bits(b, ctl->arg_type));
    *d = r;
}

REF_FN(vins)
{
    V128 r = *a;
    unsigned es = ref_esize(ctl);
    ref_lane_set(&r, es, ctl->imm & 0xff, ref_lane_u(b, es, ctl->imm >> 8 & 0xff));
    *d = r;
}

static void fill(V128 *d, unsigned es, uint64_t x)
{
    for (unsigned i = 0; i < ref_lane_count(es); i++) {
        ref_lane_set(d, es, i, x);
    }
}

REF_FN(vdup)
{
    fill(d, ref_esize(ctl), scalar_bits(a, ctl->arg_type));
}

REF_FN(vdupl)
{
    fill(d, ref_esize(ctl), ref_lane_u(a, ref_esize(ctl), ctl->imm & 0xff));
}

/* Result lane i is lane `index` of `from`. */
#define PERMUTE(name, from, index)                                                        \
    REF_FN(name)                                                                          \
    {                                                                                     \
        unsigned es = ref_esize(ctl), n = ref_lane_count(es);                             \
        V128 r;                                                                           \
        for (unsigned i = 0; i < n; i++) {                                                \
            ref_lane_set(&r, es, i, ref_lane_u(from, es, index));                         \
        }                                                                                 \
        *d = r;                                                                           \
    }

PERMUTE(vzip1, i % 2 ? b : a, i / 2)
PERMUTE(vzip2, i % 2 ? b : a, n / 2 + i / 2)
PERMUTE(vuzp1, i < n / 2 ? a : b, 2 * i % n)
PERMUTE(vuzp2, i < n / 2 ? a : b, 2 * i % n + 1)
PERMUTE(vtrn1, i % 2 ? b : a, i & ~1u)
PERMUTE(vtrn2, i % 2 ? b : a, i | 1)

REF_FN(vrev)
{
    unsigned es = ref_esize(ctl), n = ref_lane_count(es);
    unsigned group = (ctl->imm & 31) >> es; /* lanes; a power of two */
    V128 r;

    for (unsigned i = 0; i < n; i++) {
        ref_lane_set(&r, es, i, ref_lane_u(a, es, group ? i ^ (group - 1) : i));
    }
    *d = r;
}

REF_FN(vext)
{
    V128 r;
    for (unsigned i = 0; i < 16; i++) {
        unsigned at = i + (ctl->imm & 31);
        r.b[i] = at < 16 ? a->b[at] : at < 32 ? b->b[at - 16] : 0;
    }
    *d = r;
}

REF_FN(vtbl)
{
    V128 r;
    for (unsigned i = 0; i < 16; i++) {
        r.b[i] = b->b[i] < 16 ? a->b[b->b[i]] : 0;
    }
    *d = r;
}

REF_FN(vtbx)
{
    V128 r;
    for (unsigned i = 0; i < 16; i++) {
        uint8_t at = (uint8_t)(c->b[i] - ctl->imm);
        r.b[i] = at < 16 ? b->b[at] : a->b[i];
    }
    *d = r;
}

REF_FN(vhigh)
{
    *d = (V128){ .d = { a->d[1], 0 } };
}

REF_FN(vcat)
{
    *d = (V128){ .d = { a->d[0], b->d[0] } };
}
