// SPDX-License-Identifier: MIT
//
// AES and carry-less products by the host's instructions. A round of AES-NI is SubBytes,
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
