// SPDX-License-Identifier: MIT
//
// AES, SHA and carry-less products by the host's instructions. A round of AES-NI is SubBytes,
// ShiftRows, MixColumns and an xor with the key; Arm's steps are put together from such rounds
// with a key of zero, the inverse ones undone where they are too much (FIPS 197, 5.3.5).
#include "tcg/x86_64/emit_vec.h"

void emit_vaes(TcgEmit *e, const IrInsn *in)
{
    if (!e->host.aes) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    if (in->op == IR_OP_VAESIMC) {
        simd_rr(e, X_AESIMC, d, a);
        return;
    }
    simd_zero(e, XMM15);
    simd_rrr(e, in->op == IR_OP_VAESENC ? X_AESENCLAST : X_AESDECLAST, d, a, XMM15);
}

/* MixColumns: undo SubBytes and ShiftRows, then a whole round. */
void emit_vaesmc(TcgEmit *e, const IrInsn *in)
{
    if (!e->host.aes) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    simd_zero(e, XMM15);
    simd_rrr(e, X_AESDECLAST, d, a, XMM15);
    simd_rrr(e, X_AESENC, d, d, XMM15);
}

void emit_vpmull64(TcgEmit *e, const IrInsn *in)
{
    if (!e->host.pclmul) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    simd_rrr_i8(e, X_PCLMULQDQ, d, a, b, 0);
}

/* ---- SHA-1 ---- */

/* d = lanes of a rotated left by n. d is not a. XMM15 is lost. */
static void rotate32(TcgEmit *e, Reg d, Reg a, unsigned n)
{
    simd_shift_i8(e, X_PSHIFTD, SHR, XMM15, a, (uint8_t)(32 - n));
    simd_shift_i8(e, X_PSHIFTD, SHL, d, a, (uint8_t)n);
    simd_rrr(e, X_POR, d, d, XMM15);
}

void emit_vsha1h(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    rotate32(e, d, a, 30);
    simd_rrr_i8(e, X_INSERTPS, d, d, d, 0x0e);
}

/* The host has a in the top lane, adds the round's constant itself, and wants e added to the
 * first word. */
void emit_vsha1(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0 };
    enum { REVERSED = 0x1b };

    if (!e->host.sha) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), c = ra_use(e, in->arg[2]);
    Reg d = ra_def(e);

    simd_rrr_i8(e, X_INSERTPS, XMM14, b, b, 0x0e);
    simd_rrr(e, X_PADDD, XMM14, XMM14, c);
    simd_rrm(e, X_PADDD, XMM14, XMM14, pool_all32(e, 0 - k[in->imm & 3]));
    simd_rr_i8(e, X_PSHUFD, XMM14, XMM14, REVERSED);
    simd_rr_i8(e, X_PSHUFD, d, a, REVERSED);
    asm_rr_i8(e, X_SHA1RNDS4, d, XMM14, in->imm & 3);
    simd_rr_i8(e, X_PSHUFD, d, d, REVERSED);
}

void emit_vsha1su0(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), c = ra_use(e, in->arg[2]);
    Reg d = ra_def(e);

    simd_rrr_i8(e, X_PALIGNR, d, b, a, 8);
    simd_rrr(e, X_PXOR, d, d, a);
    simd_rrr(e, X_PXOR, d, d, c);
}

/* The last word takes the first new one, rotated once more. */
void emit_vsha1su1(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    simd_shift_i8(e, X_PSHIFTQ, SHR_BYTES, XMM14, b, 4);
    simd_rrr(e, X_PXOR, XMM14, XMM14, a);
    rotate32(e, d, XMM14, 1);
    simd_shift_i8(e, X_PSHIFTQ, SHL_BYTES, XMM15, d, 12);
    simd_shift_i8(e, X_PSHIFTD, SHL, XMM14, XMM15, 1);
    simd_shift_i8(e, X_PSHIFTD, SHR, XMM15, XMM15, 31);
    simd_rrr(e, X_PXOR, d, d, XMM14);
    simd_rrr(e, X_PXOR, d, d, XMM15);
}

/* ---- SHA-256 ---- */

/* Four rounds as twice two. The host's halves of the state are feba and hgdc, from lane 0. */
void emit_vsha256h(TcgEmit *e, const IrInsn *in)
{
    enum { LOW = 0x11, HIGH = 0xbb }; /* lanes 1 0 1 0 and 3 2 3 2 of two vectors */
    bool part2 = in->imm & 1;

    if (!e->host.sha) {
        emit_ref(e, in);
        return;
    }
    ra_claim(e, XMM0); /* words and constants, by definition of the instruction */
    Reg abcd = ra_use(e, in->arg[part2]), efgh = ra_use(e, in->arg[!part2]);
    Reg w = ra_use(e, in->arg[2]), d = ra_def(e);

    simd_rrr_i8(e, X_SHUFPS, XMM14, efgh, abcd, HIGH);
    simd_rrr_i8(e, X_SHUFPS, XMM15, efgh, abcd, LOW);
    simd_mov(e, XMM0, w);
    asm_rr(e, X_SHA256RNDS2, XMM14, XMM15); /* XMM14 is feba now, XMM15 hgdc */
    simd_rr_i8(e, X_PSHUFD, XMM0, w, 0x0e);
    asm_rr(e, X_SHA256RNDS2, XMM15, XMM14);
    simd_rrr_i8(e, X_SHUFPS, d, XMM15, XMM14, part2 ? LOW : HIGH);
}

void emit_vsha256su0(TcgEmit *e, const IrInsn *in)
{
    if (!e->host.sha) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    simd_mov(e, d, a);
    asm_rr(e, X_SHA256MSG1, d, b);
}

void emit_vsha256su1(TcgEmit *e, const IrInsn *in)
{
    if (!e->host.sha) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), c = ra_use(e, in->arg[2]);
    Reg d = ra_def(e);

    simd_rrr_i8(e, X_PALIGNR, d, c, b, 4);
    simd_rrr(e, X_PADDD, d, d, a);
    asm_rr(e, X_SHA256MSG2, d, c);
}
