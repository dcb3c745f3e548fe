// SPDX-License-Identifier: MIT
//
// Translating A64 to IR: what all translate-*.c share.
//
// a64_decode() (generated from decode/) calls a64_trans_NAME(s, a) for one instruction. Such a
// function emits IR at s->b and returns true; it returns false, with nothing emitted, when the
// encoding is unallocated. An instruction whose check refuses it (fp_access_check()) has had its
// exception emitted and returns true at once. Only branches and the gen_exit_*() and gen_raise_*()
// functions end the unit (s->ended).
//
// Conventions: registers are read and written through the accessors below. 32-bit operations use
// i32 IR types and zero-extend on the way back. An instruction makes all its accesses that may
// fault before it writes any register; write-back of a base comes last. FP and vector registers
// are v128 globals; a scalar is lane 0 and writing one clears the rest.
#ifndef TARGET_ARM_TRANSLATE_H
#define TARGET_ARM_TRANSLATE_H

#include "target/arm/cpu.h"
#include "target/arm/decode/a64_decode.h" /* generated */
#include "target/arm/internal.h"
#include "tcg/builder.h"
#include "util/bitops.h"

/* The variables of the IR: numbers for ir_get() and ir_set(). */
typedef enum ArmGlobal {
    ARM_G_X0 = 0, /* to X30 */
    ARM_G_SP = 31,
    ARM_G_PC,
    ARM_G_NZCV, /* in the IR's flags form */
    ARM_G_QC,   /* not 0 once an instruction saturated */
    ARM_G_EXCL_ADDR,
    ARM_G_EXCL_LO,
    ARM_G_EXCL_HI,
    ARM_G_V0, /* to V31 */
    ARM_G_COUNT = ARM_G_V0 + 32
} ArmGlobal;

extern const IrGlobals arm_ir_globals;

/* Mode bits that select translations (CpuOps.unit_flags). */
enum {
    UNIT_EL1 = 1 << 0,
    UNIT_FP_TRAP = 1 << 1,       /* CPACR_EL1.FPEN refuses FP and SIMD here */
    UNIT_ALIGN = 1 << 2,         /* unaligned accesses fault: SCTLR_EL1.A, or the MMU is off */
    UNIT_SP_CHECK = 1 << 3,      /* SCTLR_EL1.SA, SA0 */
    UNIT_SP_MISALIGNED = 1 << 4, /* and SP is misaligned now (EL0) */
    UNIT_SPSEL = 1 << 5,         /* EL1 on SP_EL1 */
    UNIT_STEP = 1 << 6,          /* software step is active (MDSCR_EL1.SS) */
    UNIT_STEP_SS = 1 << 7,       /* and not pending: one instruction to go */
    UNIT_DEBUG_D = 1 << 8,       /* PSTATE.D decides about debug exceptions */
    UNIT_ILLEGAL = 1 << 9,       /* PSTATE.IL */
    UNIT_FPCR_DN = 1 << 10,
    UNIT_FPCR_FZ = 1 << 11,
    UNIT_FPCR_FZ16 = 1 << 12,
    UNIT_RMODE_SHIFT = 14,       /* FPCR.RMode, two bits */
    /* SCTLR_EL1 bits that let EL0 do something; set at EL1 */
    UNIT_UCI = 1 << 16,
    UNIT_UCT = 1 << 17,
    UNIT_DZE = 1 << 18,
    UNIT_UMA = 1 << 19,
    UNIT_NTWI = 1 << 20,
    UNIT_NTWE = 1 << 21,
    UNIT_EL0VCT = 1 << 22,       /* CNTKCTL_EL1.EL0VCTEN and EL0PCTEN */
    UNIT_EL0PCT = 1 << 23,
    UNIT_EL0VT = 1 << 24,        /* EL0VTEN, EL0PTEN */
    UNIT_EL0PT = 1 << 25,
    UNIT_PAC_IA = 1 << 26,       /* SCTLR_EL1.EnIA and so on: signing is on; by PAUTH_IA */
    UNIT_PAC_IB = 1 << 27,
    UNIT_PAC_DA = 1 << 28,
    UNIT_PAC_DB = 1 << 29,
    UNIT_EL0_ALL = UNIT_UCI | UNIT_UCT | UNIT_DZE | UNIT_UMA | UNIT_NTWI | UNIT_NTWE |
                   UNIT_EL0VCT | UNIT_EL0PCT | UNIT_EL0VT | UNIT_EL0PT,
};

#define UNIT_BREAKPOINTS BIT(32) /* breakpoints may match: look before each instruction */
#define UNIT_STRICT_PACSP BIT(34) /* SCTLR_EL1.BT0, BT1: PACIASP is no target of BR from any register */
#define UNIT_UAO BIT(35) /* LDTR and STTR are as LDR and STR */
#define UNIT_PMU BIT(33)         /* count instructions and branches */
#define UNIT_FP_SOFT BIT(36)     /* an FP operand was out of the ordinary: translate-simd.c */

/* Code out of line, emitted when the unit is complete. */
typedef enum ColdKind {
    COLD_RESYNC,   /* return to the engine's loop, to go on at `pc` */
    COLD_DSB,      /* wait for other CPUs' invalidations, then go on */
    COLD_SP_FAULT, /* raise the SP alignment fault of the instruction at `pc` */
    COLD_BRANCH_TARGET, /* raise that the instruction at `pc` is no target of an indirect branch */
    COLD_FP_SOFT,  /* do the instruction at `pc`, and what follows, by soft-float */
    COLD_PAUTH,    /* do `pauth` by the helper, then go on, if its register is not the pc */
} ColdKind;

/* A pointer authentication that translated code could not do in line. */
typedef struct PauthInsn {
    uint8_t op;       /* PAUTH_* */
    uint8_t from, to; /* variables of the IR; to ARM_G_COUNT: nowhere */
    uint8_t modifier; /* variable, or ARM_G_COUNT: zero */
} PauthInsn;

typedef struct ColdExit {
    ColdKind kind;
    uint32_t uncounted;
    uint32_t block, insn; /* the branch whose `then` target is to be filled in */
    Vaddr pc;
    PauthInsn pauth;
} ColdExit;

#define MAX_COLD_EXITS 256
#define MAX_SIDE_EXITS 4

typedef struct ArmRegion ArmRegion;

typedef struct DisasContext {
    IrBuilder b;
    ArmRegion *region; /* being translated, or NULL */
    const ArmCpu *cpu; /* for what does not change: model, log */
    uint64_t features; /* bit A64Feature */
    uint64_t flags;    /* UNIT_* */
    Vaddr pc;          /* of this instruction */
    Vaddr unit_pc;     /* of the first one */
    uint32_t word;     /* its encoding */
    unsigned el;
    bool fp_soft;      /* single and double arithmetic goes through soft helpers */
    bool fp_flushes;   /* FPCR.FZ: operands are looked at before inline arithmetic */
    bool fp_default_nan; /* FPCR.DN; the unit's nan_rule says so too */
    unsigned rmode;    /* FPCR.RMode: 0 RN, 1 RP, 2 RM, 3 RZ; the host's control register agrees */
    bool sp_aligned;   /* needs no check (again) in this unit */
    bool sp_written;   /* this instruction wrote SP with who knows what */
    bool exclusive;    /* this instruction is a load exclusive (software step tells) */
    bool ended;        /* a terminator of the unit has been emitted */
    unsigned side_exits; /* conditional branches behind which the unit went on */
    uint32_t uncounted; /* UNIT_PMU: instructions completed on this way that are not counted yet */
    unsigned cold_count;
    ColdExit cold[MAX_COLD_EXITS];
} DisasContext;

static inline IrType sf_type(bool sf)
{
    return sf ? IR_I64 : IR_I32;
}

/* ---- general registers; 31 is XZR --------------------------------------------------------- */

static inline IrRef reg_get(DisasContext *s, bool sf, unsigned n)
{
    if (n == 31)
        return ir_imm(&s->b, sf_type(sf), 0);
    IrRef v = ir_get(&s->b, IR_I64, ARM_G_X0 + n);
    return sf ? v : ir_trunc(&s->b, v);
}

/* `v` has the type that sf says. */
static inline void reg_set(DisasContext *s, bool sf, unsigned n, IrRef v)
{
    if (n != 31)
        ir_set(&s->b, IR_I64, sf ? v : ir_zext(&s->b, v), ARM_G_X0 + n);
}

/* ---- general registers; 31 is SP ---------------------------------------------------------- */

static inline IrRef reg_get_sp(DisasContext *s, bool sf, unsigned n)
{
    IrRef v = ir_get(&s->b, IR_I64, ARM_G_X0 + n); /* ARM_G_SP is 31 */
    return sf ? v : ir_trunc(&s->b, v);
}

static inline void reg_set_sp(DisasContext *s, bool sf, unsigned n, IrRef v)
{
    s->sp_written |= n == 31;
    ir_set(&s->b, IR_I64, sf ? v : ir_zext(&s->b, v), ARM_G_X0 + n);
}

/* Rn := base + offset, where base was Rn: no new check when SP moves by a multiple of 16. */
static inline void reg_move_sp(DisasContext *s, unsigned n, IrRef base, int64_t offset)
{
    bool written = s->sp_written;
    reg_set_sp(s, true, n, ir_add(&s->b, IR_I64, base, ir_imm64(&s->b, offset)));
    if (!(offset & 15))
        s->sp_written = written;
}

/* ---- FP and vector registers -------------------------------------------------------------- */

/* True when FP and SIMD may be used here; else the trap has been emitted: return true. To be
 * called after the last chance to return false and before anything is emitted. */
static inline bool fp_access_check(DisasContext *s);

static inline IrRef vreg_get(DisasContext *s, unsigned n)
{
    return ir_get(&s->b, IR_V128, ARM_G_V0 + n);
}

static inline void vreg_set(DisasContext *s, unsigned n, IrRef v)
{
    ir_set(&s->b, IR_V128, v, ARM_G_V0 + n);
}

/* As vreg_set(), for instructions with a Q bit: bits 127..64 become 0 when q is 0. */
static inline void vreg_set_q(DisasContext *s, bool q, unsigned n, IrRef v)
{
    vreg_set(s, n, q ? v : ir_vlow(&s->b, IR_V128, v));
}

/* Lane 0 as f32, f64, i32 or i64. */
static inline IrRef freg_get(DisasContext *s, IrType type, unsigned n)
{
    return ir_vtrunc(&s->b, type, vreg_get(s, n));
}

/* A scalar of any of these types; the rest of the register becomes 0. */
static inline void freg_set(DisasContext *s, unsigned n, IrRef v)
{
    vreg_set(s, n, ir_vzext(&s->b, IR_V128, v));
}

/* ---- flags -------------------------------------------------------------------------------- */

static inline IrRef nzcv_get(DisasContext *s)
{
    return ir_get(&s->b, IR_I32, ARM_G_NZCV);
}

static inline void nzcv_set(DisasContext *s, IrRef flags)
{
    ir_set(&s->b, IR_I32, flags, ARM_G_NZCV);
}

/* The flags form of NZCV given as in an instruction (N is bit 3). */
static inline IrRef nzcv_const(DisasContext *s, unsigned nzcv)
{
    return ir_imm32(&s->b, (nzcv & 8 ? IR_NZCV_N : 0) | (nzcv & 4 ? IR_NZCV_Z : 0) |
                               (nzcv & 2 ? 0 : IR_NZCV_NOT_C) | (nzcv & 1 ? IR_NZCV_V : 0));
}

/* ---- memory ------------------------------------------------------------------------------- */

/* The memop of a plain access of 1 << size_log2 bytes; or in IR_MEM_SIGN and others. */
static inline unsigned memop_plain(const DisasContext *s, unsigned size_log2)
{
    return size_log2 | (s->flags & UNIT_ALIGN ? IR_MEM_ALIGN(size_log2) : 0);
}

/* Of an ordered or atomic access, which must be aligned. */
static inline unsigned memop_aligned(unsigned size_log2)
{
    return size_log2 | IR_MEM_ALIGN(size_log2);
}

/* The base register of a load or store, 31 being SP. IR_NONE: SP is misaligned and the exception
 * has been emitted: return true. */
IrRef mem_base(DisasContext *s, unsigned rn);

/* The offset of register-offset forms: Xm or extended Wm (option 2 UXTW, 3 LSL, 6 SXTW, 7 SXTX),
 * shifted left. */
IrRef mem_extend(DisasContext *s, unsigned rm, unsigned option, unsigned shift);

/* ---- leaving; each ends the unit ----------------------------------------------------------- */

void gen_exit_to(DisasContext *s, Vaddr target, unsigned exit_bits); /* adds POLL, SAME_PAGE */
void gen_exit_reg(DisasContext *s, IrRef target, unsigned exit_bits);
/* For UNIT_PMU: count what was completed on this way, and `more`. */
void gen_count(DisasContext *s, unsigned more);
void gen_exit_reason(DisasContext *s, Vaddr pc, IrExitReason reason);
/* Synchronous exception with this ESR_EL1, to be returned to at this instruction. */
void gen_raise(DisasContext *s, uint32_t esr);
void gen_raise_undefined(DisasContext *s);

/* translate.c, for it and for regions: what surrounds the instructions, and one of them. */
void arm_translate_begin(DisasContext *s, const ArmCpu *cpu, IrUnit *unit, Vaddr pc,
                         uint64_t flags);
void arm_translate_begin_block(DisasContext *s, Vaddr pc);
void arm_translate_insn(DisasContext *s, const uint8_t *code);
void arm_translate_end(DisasContext *s); /* what stands out of line */

/* translate-region.c: go to, or call, `target` within the region that is translated; false: it is not
 * part of one. */
bool region_goto(DisasContext *s, Vaddr target);
bool region_call(DisasContext *s, Vaddr target);
/* Go where a call within the region came from, if `target` is there; what follows is for others. */
void region_return(DisasContext *s, IrRef target);

/* Go to where a BR or BLR mostly leads, within the region; what follows is for the rest. */
void region_branch(DisasContext *s, IrRef target, bool link);

/* translate-branch.c: may the BR or BLR that is translated lead to this instruction, in a page that is
 * guarded if its own is? */
bool may_land(const DisasContext *s, uint32_t word, bool link);

/* translate-branch.c, for guarded pages: the instruction at s->pc, the first of the unit, faults if it
 * was reached by an indirect branch that it is no target of. */
void gen_landing_check(DisasContext *s);
/* A BR or BLR to `target` by register `rn`. */
void gen_branch_record(DisasContext *s, IrRef target, unsigned rn, bool link);
/* ERET to `target`. */
void gen_eret(DisasContext *s, IrRef target);

/* Leave out of line when (x cc y); x, y are i32 or i64 as `type` says. Goes on in a new block. The
 * result is there to be completed. */
ColdExit *gen_cold_if(DisasContext *s, IrType type, IrRef x, IrRef y, IrCc cc, ColdKind kind, Vaddr pc);

/* translate-pauth.c: the code of a COLD_PAUTH. */
void gen_pauth_cold(DisasContext *s, const ColdExit *c);

/* The exception of an FP or SIMD instruction where CPACR_EL1.FPEN refuses it. */
void gen_fp_trap(DisasContext *s);

static inline bool fp_access_check(DisasContext *s)
{
    if (!(s->flags & UNIT_FP_TRAP))
        return true;
    gen_fp_trap(s);
    return false;
}

#endif
