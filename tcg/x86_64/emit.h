// SPDX-License-Identifier: MIT
//
// How the emitters of opcodes work together with register allocation and slow paths.
//
// One function per opcode turns e->insn into host code. It runs in this order:
//
//   1. ra_claim() of fixed registers that it needs (RDX for mul and div), if any;
//   2. ra_use() of its operands: each is in a register from now on, until the end of the
//      instruction. Constants are loaded into a register too unless the emitter looks first
//      (emit_const());
//   3. ra_temp_gpr(), ra_temp_xmm() for scratch beyond RAX, RCX, XMM14 and XMM15, which are
//      always free (simd_rrr() may use XMM15 without AVX, asm_call_abs() RAX);
//   4. either ra_def() first, when the result must not share a register with any operand
//      (result written before operands were read for the last time, or a fix-up reads them), or
//      ra_done() and then ra_def() when it may;
//   5. the instructions.
//
// Operand registers must not be written, except the one that ra_def_over() hands back.
//
// Values: i32 in a general register has upper bits zero (every emitter of an i32 result writes
// the whole 64-bit register by a 32-bit operation), though an operand of type i32 may carry
// anything above bit 31. f32 and f64 operands may carry anything above; emit_value_zero_above() in
// analyse.c says which bits above a result are known to be zero. v128 uses all 128 bits.
//
// Flags: host flags may hold the flags of an earlier nzcv_*. An opcode whose emitter changes
// host flags must say so in emit_table (EMIT_FLAGS); before it runs, live flags are saved. One that
// only may change them calls flags_clobber() (integer.h) when it does.
#ifndef TCG_X86_64_EMIT_H
#define TCG_X86_64_EMIT_H

#include "tcg/internal.h"
#include "tcg/x86_64/asm.h"

/* What the host can do (minus what TcgConfig.no_* hides). SSE4.1 is always there. */
typedef struct TcgHost {
    bool avx;    /* VEX forms of SSE and AVX2 */
    bool bmi;    /* BMI1 and BMI2, LZCNT */
    bool fma;    /* FMA3 */
    bool popcnt, sse42, pclmul, aes, sha, movbe;
    bool avx512; /* F, BW, DQ, VL: EVEX forms of 128-bit operations */
    bool gfni, f16c;
} TcgHost;

typedef struct RegAlloc RegAlloc;
typedef struct EmitOol EmitOol;
typedef struct X86Context X86Context;
struct SlowRecord;

/* The state of one compilation. Members that emitters may use are commented. */
struct TcgEmit {
    uint8_t *p;            /* where the next byte goes (writable view) */
    uint8_t *start, *limit;
    TcgHost host;          /* host features */
    IrUnit *unit;          /* unit->nan_rule, types */
    const IrInsn *insn;    /* being emitted */
    TcgContext *ctx;
    X86Context *x;
    RegAlloc *ra;
    const TcgLayout *layout;
    bool uniprocessor;     /* there is one vCPU: atomics need not be locked */
    bool failed;           /* out of space: give up quietly */
};

typedef void EmitFn(TcgEmit *e, const IrInsn *in);

/* ---- operands ---- */
/* The constant's value (low 64 bits; i32 zero-extended) if `r` is one. */
static inline bool emit_const(const TcgEmit *e, IrRef r, uint64_t *v)
{
    if (!ir_is_const(r)) {
        return false;
    }
    *v = ir_const_get(e->unit, r)->lo;
    return true;
}

Reg ra_use(TcgEmit *e, IrRef r);       /* the operand's register */
Reg ra_temp_gpr(TcgEmit *e);           /* until the end of this instruction */
Reg ra_temp_xmm(TcgEmit *e);
void ra_claim(TcgEmit *e, Reg r);      /* r becomes a temporary of this instruction */
void ra_done(TcgEmit *e);              /* operands that die here give their registers back */
Reg ra_def(TcgEmit *e);                /* a register for e->insn->dst */
/* As ra_done() and ra_def(), but the result starts as a copy of operand `r` in the same
 * register: the operand's own if it dies here, else a copy was emitted. Operands other than `r`
 * never share that register. */
Reg ra_def_over(TcgEmit *e, IrRef r);
/* As ra_done() and ra_def(), but without the copy: the operand's register is preferred. */
Reg ra_def_hint(TcgEmit *e, IrRef r);
/* If operand `r` is in memory and not in a register, gives the memory operand (so that it is not
 * loaded); else false. Only for last or only uses in this instruction. */
bool ra_use_mem(TcgEmit *e, IrRef r, Mem *m);

/* A 16-byte constant in memory, rip-relative. */
Mem emit_pool(TcgEmit *e, uint64_t lo, uint64_t hi);

/* ---- reference functions (tcg/ref/ref.h) ---- */
/* The whole opcode by its reference function: operands and result by way of the register
 * allocator. Slow but always right: what opcodes without an emitter do. */
void emit_ref(TcgEmit *e, const IrInsn *in);
/* Out of line: when host condition `cc` holds now, compute `in` again by its reference function
 * into register `d` (its result), reading operands from a, b, c (REG_NONE: absent; operands that
 * are constants are found by themselves). Execution goes on after this point. Live host flags
 * are lost. The operand registers must still hold the operands: use ra_def() before ra_done(). */
void emit_ref_if(TcgEmit *e, const IrInsn *in, unsigned cc, Reg d, Reg a, Reg b, Reg c);

/* ---- code out of line ---- */
/* Between the jump and the point of return no ra_*() may be called: it might emit code that the
 * way out of line leaves out. */
/* When `cc` holds (CC_ALWAYS: always), go to code that `fn` emits after the unit's main code.
 * It ends by emit_ool_resume(). Registers are as at this point; nothing may be allocated. */
#define CC_ALWAYS 16
#define CC_NONE 17 /* no jump: the emitter makes its own */
struct EmitOol {
    void (*fn)(TcgEmit *e, EmitOol *o);
    uint8_t *jump;         /* the rel32 that leads here */
    uint8_t *resume;       /* right after the jump, unless changed */
    const IrInsn *insn;
    uint64_t arg[4];
};
EmitOol *emit_ool(TcgEmit *e, unsigned cc, void (*fn)(TcgEmit *e, EmitOol *o));
void emit_ool_resume(TcgEmit *e, EmitOol *o);

/* ---- table of emitters ---- */
enum {
    EMIT_FLAGS = 1 << 0, /* changes host flags */
};
typedef struct EmitEntry {
    EmitFn *fn;
    uint8_t flags;
} EmitEntry;

/* By IrOp: each file of emitters gives the rows of its opcodes; NULL fn where it has none. */
extern const EmitEntry emit_integer_table[IR_OP_COUNT];
extern const EmitEntry emit_fp_table[IR_OP_COUNT];
extern const EmitEntry emit_vec_table[IR_OP_COUNT];

#endif
