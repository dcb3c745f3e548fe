// SPDX-License-Identifier: MIT
//
// The intermediate representation: a typed control-flow graph of one translation unit.
//
// A unit holds blocks; a block holds instructions and ends with exactly one terminator. Values
// (%n) are defined once and used only in their own block, or in blocks of the same extended
// basic block (a chain of single predecessors). Whatever lives longer is a variable: a global
// (guest state at a fixed offset of the CPU structure, described by the guest once) or a local
// of the unit. `get` reads a variable, `set` writes it; passes and the register allocator turn
// these into register moves or nothing.
//
// Constants are operands, not instructions: an IrRef with IR_CONST set indexes the unit's pool.
// The opcodes with their operands, effects and exact meaning stand in opcodes.def.
//
// Exceptions are precise by construction: at an instruction with the effect `fault` the values
// that the variables have are known to the backend, and its slow path writes the dirty ones and
// the pc of the last insn_start back to memory before the engine raises anything.
#ifndef TCG_IR_H
#define TCG_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "tcg/ir_opcodes.h" /* generated: enum IrOp, ir_op_info[] */
#include "tcg/switches.h"
#include "util/error.h"
#include "util/types.h"

typedef enum IrType {
    IR_VOID,
    IR_I32,
    IR_I64,
    IR_I128,
    IR_F32,
    IR_F64,
    IR_F80,
    IR_V64,
    IR_V128,
    IR_V256,
    IR_TYPE_COUNT
} IrType;

/* A value, or a constant of the pool, or IR_NONE. */
typedef uint32_t IrRef;
#define IR_NONE 0u
#define IR_CONST 0x80000000u

static inline bool ir_is_const(IrRef r)
{
    return r & IR_CONST;
}

/* Integer comparisons (`cc`). The order is asserted: x ^ 1 is the negation. */
typedef enum IrCc {
    IR_EQ, IR_NE,
    IR_LT, IR_GE,   /* signed */
    IR_LE, IR_GT,
    IR_LTU, IR_GEU, /* unsigned */
    IR_LEU, IR_GTU,
    IR_TSTEQ, IR_TSTNE, /* (a & b) == 0, != 0 */
    IR_CC_COUNT
} IrCc;

/* Conditions on NZCV (`cond`), numbered as in the Arm ARM C1.2.4; x ^ 1 is the negation. */
typedef enum IrCond {
    IR_COND_EQ, IR_COND_NE, IR_COND_CS, IR_COND_CC, IR_COND_MI, IR_COND_PL, IR_COND_VS,
    IR_COND_VC, IR_COND_HI, IR_COND_LS, IR_COND_GE, IR_COND_LT, IR_COND_GT, IR_COND_LE,
    IR_COND_AL
} IrCond;

/* Bits of the flags form, see opcodes.def. */
#define IR_NZCV_N 0x8000u
#define IR_NZCV_Z 0x4000u
#define IR_NZCV_NOT_C 0x0100u
#define IR_NZCV_V 0x0001u
#define IR_NZCV_MASK (IR_NZCV_N | IR_NZCV_Z | IR_NZCV_NOT_C | IR_NZCV_V)

/* Rounding (`round`); IR_ROUND_CURRENT is the guest's mode in the host's control register. */
typedef enum IrRound {
    IR_ROUND_NEAREST, IR_ROUND_UP, IR_ROUND_DOWN, IR_ROUND_ZERO, IR_ROUND_AWAY, IR_ROUND_CURRENT
} IrRound;

/* `memop`, the sub field of guest memory accesses. */
enum {
    IR_MEM_SIZE_MASK = 7,        /* log2 of the bytes, 0..4 */
    IR_MEM_SIGN = 1 << 3,        /* sign-extend a load to T */
    IR_MEM_ALIGN_SHIFT = 4,      /* log2 of the required alignment, 0: none */
    IR_MEM_ALIGN_MASK = 7 << 4,
    IR_MEM_UNPRIV = 1 << 7,      /* through the unprivileged bank (LDTR, STTR) */
    IR_MEM_ACQUIRE = 1 << 8,
    IR_MEM_RELEASE = 1 << 9,     /* sequentially consistent with later acquires (STLR) */
    IR_MEM_ATOMIC_ALIGN = 1 << 10, /* misalignment is an error even where plain accesses may be */
    IR_MEM_STORE = 1 << 11,      /* a compare-and-swap that stands for a store: not a read, too */
    IR_MEM_BLOCK = 1 << 12,      /* part of a block of IR_BLOCK_BYTES: an alignment error in device
                                  * memory; a watchpoint is met by all of it at once */
};
#define IR_BLOCK_BYTES 64u
#define IR_MEM_ALIGN(log2) ((log2) << IR_MEM_ALIGN_SHIFT)

static inline unsigned ir_mem_size_log2(unsigned memop)
{
    return memop & IR_MEM_SIZE_MASK;
}

static inline unsigned ir_mem_align_log2(unsigned memop)
{
    return (memop & IR_MEM_ALIGN_MASK) >> IR_MEM_ALIGN_SHIFT;
}

typedef enum IrRmw {
    IR_RMW_XCHG, IR_RMW_ADD, IR_RMW_ANDN, IR_RMW_XOR, IR_RMW_OR,
    IR_RMW_SMAX, IR_RMW_SMIN, IR_RMW_UMAX, IR_RMW_UMIN, IR_RMW_COUNT
} IrRmw;

typedef enum IrFence {
    IR_FENCE_FULL, /* DMB SY/ISH, DSB */
    IR_FENCE_LOAD, /* earlier loads before later accesses */
    IR_FENCE_STORE /* earlier stores before later stores */
} IrFence;

/* `exit` of exit_pc and exit_reg: bits. */
enum {
    IR_EXIT_POLL = 1 << 0,    /* look for an exit request first (backward and indirect branches) */
    IR_EXIT_CALL = 1 << 1,    /* a call: the shadow return stack may push pc + 4 of this insn */
    IR_EXIT_RETURN = 1 << 2,  /* a return */
    IR_EXIT_RELOAD = 1 << 3,  /* the bank may have changed: load it anew */
    IR_EXIT_SAME_PAGE = 1 << 4, /* exit_pc: the target lies in the unit's own page: no guard */
};

/* Why translated code returns to the engine. Each has a counter in `info jit`. */
typedef enum IrExitReason {
    IR_REASON_CHAIN,     /* exit_pc without a successor yet: the slot is to be filled */
    IR_REASON_LOOKUP,    /* exit_reg or a guard missed */
    IR_REASON_REQUEST,   /* somebody asked the vCPU to stop: interrupt, kick, debugger */
    IR_REASON_RESYNC,    /* state changed that selects translations (system registers, flags) */
    IR_REASON_WFI,       /* wait for interrupt */
    IR_REASON_EXCEPTION, /* a helper raised an exception (by unwinding) */
    IR_REASON_YIELD,     /* hint to let others run */
    IR_REASON_WFE,       /* wait for event, not for long */
    IR_REASON_COUNT
} IrExitReason;

/* imm of extu, exts, deposit. */
#define IR_POSLEN(pos, len) ((uint64_t)(pos) | (uint64_t)(len) << 8)
#define IR_POS(imm) ((unsigned)((imm) & 0xff))
#define IR_LEN(imm) ((unsigned)((imm) >> 8 & 0xff))
/* imm of brc, brf, br. */
#define IR_TARGETS(then, els) ((uint64_t)(then) | (uint64_t)(els) << 32)
#define IR_THEN(imm) ((uint32_t)(imm))
#define IR_ELSE(imm) ((uint32_t)((imm) >> 32))
/* imm of vget: lane | IR_LANE_SIGNED; of vins: destination and source lane. */
#define IR_LANE_SIGNED 0x100u
#define IR_LANES(dst, src) ((uint64_t)(dst) | (uint64_t)(src) << 8)
/* imm of vfround, vftoi, vitof: how many lanes, an IrRound, and `exact` or `signed`. */
#define IR_LANES_MODE(lanes, mode, flag) \
    ((uint64_t)(lanes) | (uint64_t)(mode) << 8 | (uint64_t)(flag) << 16)
#define IR_LANES_COUNT(imm) ((unsigned)((imm) & 0xff))
#define IR_LANES_ROUND(imm) ((IrRound)((imm) >> 8 & 0xff))
#define IR_LANES_FLAG(imm) ((bool)((imm) >> 16 & 1))

#define IR_MAX_ARGS 6

typedef struct IrInsn {
    uint8_t op;   /* IrOp */
    uint8_t type; /* IrType T */
    uint16_t sub;
    IrRef dst;    /* IR_NONE when there is no result */
    IrRef arg[IR_MAX_ARGS];
    uint64_t imm;
} IrInsn;

/* A C function that translated code calls. Arguments are passed in host integer registers
 * (i32, i64) or, for f32 and f64, as their bits in integer registers. v128 goes by way of
 * envptr. The result is void, i32 or i64. With IR_HELPER_ENV the CPU structure comes first. */
typedef struct IrHelper {
    const char *name;
    void (*fn)(void); /* cast from its own type */
    uint8_t ret;      /* IrType */
    uint8_t nargs;    /* without the CPU structure */
    uint8_t args[IR_MAX_ARGS];
    uint8_t flags;
} IrHelper;

enum {
    IR_HELPER_ENV = 1 << 0,   /* first C argument is the CPU structure */
    IR_HELPER_PURE = 1 << 1,  /* no effect, result depends on arguments only */
    IR_HELPER_READS = 1 << 2, /* reads globals: dirty ones are written back before */
    IR_HELPER_WRITES = 1 << 3, /* writes globals: cached ones are stale afterwards */
    IR_HELPER_FAULT = 1 << 4, /* may raise: state and pc are exact in memory before the call */
    IR_HELPER_FLUSH = 1 << 5, /* may flush the TLB or change mappings */
};

/* A piece of guest state at a fixed offset of the CPU structure. */
typedef struct IrGlobal {
    const char *name; /* as in the text form: @x0 */
    uint8_t type;     /* IrType */
    uint32_t offset;  /* bytes from the CPU structure */
} IrGlobal;

/* The guest's variables; the table lives as long as the guest type. */
typedef struct IrGlobals {
    const IrGlobal *table;
    uint32_t count;
    uint32_t pc; /* index of the program counter */
} IrGlobals;

typedef struct IrConst {
    uint8_t type;
    uint64_t lo, hi; /* raw bits; i32 and f32 zero-extended */
} IrConst;

typedef struct IrBlock {
    IrInsn *insns;
    uint32_t count, capacity;
    uint32_t id;
} IrBlock;

/* How the FP instructions of a unit treat NaN results. */
typedef enum IrNanRule {
    IR_NAN_ARM,         /* signalling first, default NaN positive */
    IR_NAN_ARM_DEFAULT, /* FPCR.DN: any NaN result is the default NaN */
    IR_NAN_X86,
} IrNanRule;

typedef struct IrUnit {
    const IrGlobals *globals;
    IrBlock **blocks; /* blocks[0] is the entry */
    uint32_t block_count, block_capacity;
    uint8_t *value_types; /* IrType of %n; [0] unused */
    uint32_t value_count, value_capacity;
    IrConst *consts;
    uint32_t const_count, const_capacity;
    uint8_t *local_types; /* local n is variable globals->count + n */
    uint32_t local_count, local_capacity;
    Vaddr guest_pc;       /* of the first instruction */
    uint32_t guest_bytes, guest_insns;
    IrNanRule nan_rule;
    uint32_t without;     /* TCG_NO_*: what its maker leaves out; kept when it is reset */
    struct IrArena *arena;
} IrUnit;

/* A unit without blocks. NULL when out of memory. A unit may be reset and used again, which
 * keeps its memory. */
IrUnit *ir_unit_create(const IrGlobals *globals);
void ir_unit_reset(IrUnit *u);
void ir_unit_destroy(IrUnit *u);

uint32_t ir_block_new(IrUnit *u);                /* returns its id */
uint32_t ir_local_new(IrUnit *u, IrType type);   /* returns its variable number */
IrRef ir_const(IrUnit *u, IrType type, uint64_t lo, uint64_t hi); /* shared when equal */
IrRef ir_value_new(IrUnit *u, IrType type);
IrInsn *ir_insn_append(IrUnit *u, uint32_t block, const IrInsn *insn);

/* Room for more instructions, more values (the builder's slow path). */
void ir_block_grow(IrUnit *u, IrBlock *block);
void ir_values_grow(IrUnit *u);

static inline const IrConst *ir_const_get(const IrUnit *u, IrRef r)
{
    return &u->consts[r & ~IR_CONST];
}

static inline IrType ir_ref_type(const IrUnit *u, IrRef r)
{
    return ir_is_const(r) ? u->consts[r & ~IR_CONST].type : u->value_types[r];
}

static inline bool ir_var_is_global(const IrUnit *u, uint64_t var)
{
    return var < u->globals->count;
}

static inline IrType ir_var_type(const IrUnit *u, uint64_t var)
{
    return ir_var_is_global(u, var) ? u->globals->table[var].type
                                    : u->local_types[var - u->globals->count];
}

const char *ir_type_name(IrType type);
unsigned ir_type_size(IrType type); /* bytes */

/* The text form, which ir_parse() reads back to the same unit. `helpers` (ends with NULL; may be
 * NULL) resolves names in `call`. */
void ir_print(const IrUnit *u, FILE *out);
bool ir_parse(IrUnit *u, const char *text, const IrHelper *const *helpers, Error **err) MUST_CHECK;

/* Check types, single definition before use, terminators, targets, ranges of sub and imm.
 * False with a message that names block and instruction. */
bool ir_verify(const IrUnit *u, Error **err) MUST_CHECK;

#endif
