// SPDX-License-Identifier: MIT
//
// Register allocation of the x86-64 backend: what analyse.c finds out before code is emitted,
// and the state that regalloc.c keeps while it is. See the heads of these files.
#ifndef TCG_X86_64_REGALLOC_H
#define TCG_X86_64_REGALLOC_H

#include "tcg/x86_64/x86.h"

#define NO_VAR UINT32_MAX
#define GPR_MASK 0x0000ffffu
#define XMM_MASK 0xffff0000u
/* rax rcx rsp rbp r13, xmm14 xmm15 are not the allocator's */
#define ALLOCATABLE_GPR ((1u << RDX) | (1u << RBX) | (1u << RSI) | (1u << RDI) | \
                         0x1f00u | (1u << R14) | (1u << R15))
#define ALLOCATABLE_XMM 0x3fff0000u
/* rdx rsi rdi r8-r11 and all xmm are the callee's in the C calling convention */
#define CALLER_SAVED ((1u << RDX) | (1u << RSI) | (1u << RDI) | 0x0f00u | XMM_MASK)

/* What is known to be zero above the value proper. */
enum { ZERO_ABOVE_32 = 1, ZERO_ABOVE_64 = 2 };

typedef struct RaValue {
    IrRef alias;        /* the value that stands for this one; 0: itself. May be a constant */
    uint32_t next_use;  /* position; 0: none */
    uint32_t home;      /* variable whose memory may hold it: if ra->mem_val[home] is it */
    uint16_t ndirty;    /* variables whose value it is and whose memory is older */
    int16_t slot;       /* of the frame, -1: none */
    Reg reg;            /* may hold it: if ra->reg_val[reg] is it */
    uint8_t type;       /* IrType of its definition */
    uint8_t zero_above; /* for f32, f64 and v128 */
    uint8_t need;       /* bytes that its uses look at */
    const struct RaMergeVar *want; /* where it is to be at the end, or NULL */
} RaValue;

/* How flags are computed again: see flags.c. */
typedef enum RecipeForm {
    RECIPE_SUB,        /* a - b */
    RECIPE_ADD,        /* a + b */
    RECIPE_AND,        /* a & b */
    RECIPE_SUB_RESULT, /* (a + b) - b: the minuend is gone, a is the difference */
    RECIPE_ADD_RESULT, /* (a - b) + b: a is the sum */
} RecipeForm;

typedef struct RaRecipe {
    IrRef flags;  /* the value; 0: no recipe */
    IrRef a, b;   /* kept alive for its sake */
    uint8_t form; /* RecipeForm */
    uint8_t type; /* of a and b */
    bool guarded; /* only if the guard slot says so; else memory has them: see loop_flags.c */
} RaRecipe;

/* A variable that is in a register where control flow joins; see merge.c. */
typedef struct RaMergeVar {
    uint32_t var;
    IrRef value;  /* what it is there */
    Reg reg;      /* REG_NONE: it is in memory after all */
    bool dirty;   /* memory may be older */
} RaMergeVar;

typedef struct RaMerge {
    bool is_head; /* of a loop */
    bool placed;  /* the first edge has decided about registers */
    bool passed;  /* while loop_flags.c goes through the blocks: edges now are those that go back */
    uint32_t block, count;
    RaRecipe flags; /* .flags: a value that stands for the guarded variable; 0: none */
    RaMergeVar vars[];
} RaMerge;

/* A block in emission order. */
typedef struct RaBlock {
    uint32_t preds;
    int32_t parent;     /* single predecessor whose state it inherits, or -1 */
    bool placed;
    uint32_t live_in, live_in_count; /* in ra->live */
    uint32_t undo;      /* analyse.c: height of the undo log at its end */
    uint32_t generation;
    uint8_t *code;      /* where it starts, when emitted */
    uint8_t *exit_jump; /* rel32 of the branch that is itself the exit; the block has no code */
    RaMerge *merge;     /* what is in registers at its begin; NULL: it has a parent, or nothing */
    const struct RaStream **streams; /* by instruction, NULL: none; or NULL, see streams.c */
    IrRef *edge;        /* of a jump to a merge: for each of its variables the content, IR_NONE:
                         * memory has it */
    IrRef edge_flags;   /* of such a jump: what the guarded variable is, if that is flags; else 0 */
    bool leaves_recipe; /* which are what the merge's recipe gives */
} RaBlock;

typedef struct RaLive {
    IrRef value;
    uint32_t next_use;
} RaLive;

#define MAX_RECIPES 2u

/* State that a successor inherits. */
typedef struct RaState {
    IrRef reg_val[REG_COUNT];
    uint64_t slots[FRAME_SLOTS / 64]; /* 1: in use */
    uint32_t nspilled;                /* height of the log of spills */
    IrRef flags_ref;
    uint8_t flags_kind;
    const IrInsn *flags_insn; /* the nzcv_* that flags_ref comes from */
    RaRecipe recipes[MAX_RECIPES];
    IrRef shared[X86_MAX_SHARED]; /* addends, see memory.c: the last ones of a ring */
    uint32_t nshared;
} RaState;

/* How host flags hold an nzcv value. */
enum { FLAGS_NONE, FLAGS_SUB, FLAGS_ADD, FLAGS_LOGIC, FLAGS_FCMP, FLAGS_FCMP_SWAPPED };

typedef struct RaVar {
    IrRef cur;     /* what the variable is now; 0: what memory has */
    IrRef mem_val; /* the value that memory holds, 0: unknown */
} RaVar;

struct RegAlloc {
    RaValue *values;
    uint32_t cap_values;
    RaBlock *blocks;
    uint32_t *order;     /* block ids in emission order */
    uint32_t norder, cap_order, cap_blocks;
    struct RaFlow *flow; /* loops.c; NULL: there are no merges */
    StreamSlots streams;
    uint32_t fixed_slots; /* of the frame: locals, streams, the guard */
    uint32_t *uses;      /* next use after the instruction, for result and operands in turn */
    uint32_t nuses, cap_uses, use_at;
    RaLive *live;
    uint32_t nlive, cap_live;
    /* analyse.c */
    struct RaUndo *undo;
    uint32_t nundo, cap_undo;
    struct RaMapped *map;
    IrRef *touched;
    uint32_t ntouched, cap_touched;
    /* Variables: current state, and saved states (one array of nvars for each saved state). */
    uint32_t nvars, cap_vars;
    RaVar *vars;
    uint64_t *dirty;     /* bit per variable */
    uint16_t *local_slot;
    uint64_t *seen;      /* by block: bit per variable, see seen.c; NULL: all are */
    RaState s;
    uint32_t free_regs, pinned, temps; /* masks */
    const uint32_t *insn_uses; /* of e->insn: [0] result, [1..] operands */
    bool done;           /* ra_done() happened */
    uint8_t fused_kind;  /* FLAGS_* that arithmetic with sub 1 left */
    uint32_t position;
    IrRef *spilled;      /* the log */
    uint32_t cap_spilled;
    /* Saved states of branches, by block id of the successor. */
    struct RaSaved *saved;
    uint32_t nsaved, cap_saved;
    bool slots_out;
    uint32_t block;               /* being emitted */
    uint32_t guarded_var, guard_slot; /* see loop_flags.c; NO_VAR: none */
};

static inline unsigned ra_nargs(const IrInsn *in)
{
    unsigned n = 0;
    while (n < IR_MAX_ARGS && in->arg[n]) {
        n++;
    }
    return n;
}

/* The value or constant that stands for `r`. */
static inline IrRef ra_canonical(const RegAlloc *ra, IrRef r)
{
    return !ir_is_const(r) && ra->values[r].alias ? ra->values[r].alias : r;
}

/* Arithmetic that an nzcv_* may be fused with. */
static inline bool ra_is_arith(unsigned op)
{
    return op == IR_OP_ADD || op == IR_OP_SUB || op == IR_OP_AND || op == IR_OP_ADC ||
           op == IR_OP_SBC;
}

/* Its flags, or its other half, are another instruction's result: see fuse_flags(), fuse_product(). */
static inline bool ra_has_follower(const IrInsn *in)
{
    return (ra_is_arith(in->op) || in->op == IR_OP_MUL) && in->sub;
}

/* Is this optimisation (TCG_NO_*) left out? */
static inline bool leaves_out(const TcgEmit *e, uint32_t what)
{
    return e->ctx->config.without & what;
}

static inline bool type_is_xmm(unsigned type)
{
    return type >= IR_F32;
}

/* Opcodes of this backend's own, see memory.c. */
enum { X86_OP_PROBE = IR_OP_COUNT, X86_OP_BEGIN_STREAMS };
#define X86_PROBE_WRITE 0x8000u

/* ---- merge.c ---- */
void ra_plan_merges(TcgEmit *e);  /* loops are known */

/* ---- share.c ---- */
void share_checks(TcgEmit *e); /* copies are resolved */
bool may_change_mappings(const IrInsn *in); /* other than by a slow path of its own */

/* ---- seen.c ---- */
void ra_find_seen(TcgEmit *e); /* nothing is inserted any more */
/* Is what `var` is where `block` begins, or before `in` of it, seen by anybody? */
bool ra_is_seen(const RegAlloc *ra, uint32_t block, uint32_t var);
bool ra_is_seen_from(const TcgEmit *e, const IrInsn *in, uint32_t block, uint32_t var);

/* ---- loop_flags.c ---- */
/* At the end of `block`, which jumps to a merge, `var` is `content`. */
void ra_note_edge_flags(TcgEmit *e, uint32_t block, uint32_t var, IrRef content);
void ra_plan_loop_flags(TcgEmit *e); /* after ra_find_seen() */

/* ---- analyse.c ---- */
/* Order blocks, resolve copies, find next uses. Changes operands of the unit in place. */
bool ra_analyse(TcgEmit *e);
/* Targets of the block's terminator; returns how many. */
unsigned ra_successors(const IrUnit *u, uint32_t block, uint32_t out[2]);
/* What emitters promise about the register bits above a result in an XMM register. */
unsigned emit_value_zero_above(const TcgEmit *e, const IrInsn *in);
unsigned emit_fp_zero_above(const TcgEmit *e, const IrInsn *in); /* emit_fp.c */

/* ---- regalloc.c ---- */
bool ra_init(TcgEmit *e);                   /* tables for e->unit; false: out of memory */
void ra_free(RegAlloc *ra);
IrRef ra_value_new(TcgEmit *e, IrType type); /* e->failed, and IR_NONE: out of memory */
bool ra_reserve_uses(RegAlloc *ra);         /* room for ra->nuses */
void ra_block_begin(TcgEmit *e, uint32_t block); /* a root, or a successor with a saved state */
/* From register to register, all at once; RAX and XMM15 break cycles. */
typedef struct RaMove {
    Reg to, from;
    uint8_t type; /* IrType */
    bool copy;    /* even if the register is the right one: an i32 must have zeros above */
} RaMove;
void ra_parallel_moves(TcgEmit *e, RaMove *m, unsigned n);
/* Flags that are in host flags only, and that an edge to `to` will want: to where it wants them. */
void ra_settle_flags(TcgEmit *e, uint32_t to);
/* At the end of e->ra->block, which jumps to the root `to`: variables go to where that wants them. */
void ra_edge(TcgEmit *e, uint32_t to, bool skip_pc);
void ra_block_inherit(TcgEmit *e, uint32_t block); /* goes on with the present state */
void ra_state_save(TcgEmit *e, uint32_t block);  /* for a later ra_block_begin(block) */
void ra_insn_begin(TcgEmit *e, const IrInsn *in);
void ra_insn_end(TcgEmit *e);
void ra_set(TcgEmit *e, const IrInsn *in);  /* the opcodes that only move values */
void ra_get(TcgEmit *e, const IrInsn *in);
void ra_set_pc(TcgEmit *e, uint64_t pc);
/* Flags that nobody sees from `in` on, which is next, are not kept for variables' sake. */
void ra_forget_unseen(TcgEmit *e, const IrInsn *in);

/* What ra_def() would have to evict goes now. For instructions that can fault: code that moves
 * things must stand before the snapshot of where they are. */
void ra_make_room(TcgEmit *e);
bool ra_dies(const TcgEmit *e, IrRef r);    /* operand r of e->insn is not needed afterwards */
bool ra_dst_used(const TcgEmit *e);
Reg ra_def_fixed(TcgEmit *e, Reg r);        /* result in r, which is claimed */
/* A register for the result of a later instruction, which emits no code: ra_def_late(). */
Reg ra_def_early(TcgEmit *e, IrRef dst);
void ra_def_late(TcgEmit *e);
bool ra_in_reg(const TcgEmit *e, IrRef v, Reg *r);
void ra_pull(TcgEmit *e, IrRef v);          /* into a register, between instructions */
void ra_load_to(TcgEmit *e, IrRef v, Reg r); /* copy of operand v into scratch or claimed r */
bool ra_is_somewhere(const TcgEmit *e, IrRef v); /* in a register or in memory */
bool ra_can_hold(const TcgEmit *e, IrRef v); /* its place is not given to another by now */
/* Operands of the recipe of `flags`, which goes, are not kept for it any more. */
void ra_drop_recipe(TcgEmit *e, IrRef flags);
bool ra_value_mem(const TcgEmit *e, IrRef v, Mem *m); /* the memory that holds v, if it is in none of
                                                       * the registers */

/* Store dirty variables: globals, and locals if asked. `skip`: a variable not to store. */
void ra_flush(TcgEmit *e, bool locals, uint32_t skip);
bool ra_is_clean(const TcgEmit *e, uint32_t skip); /* ra_flush() of globals would do nothing */
void ra_forget_dirty(TcgEmit *e);           /* at the end of the unit */
/* Values that live on leave caller-saved registers; `writes`: also the memory of globals, which
 * are unknown afterwards. Registers in the mask `arguments` keep their bits. ra_done() included. */
void ra_before_call(TcgEmit *e, bool writes, uint32_t arguments);
uint32_t ra_snapshot_count(const TcgEmit *e);
uint32_t ra_snapshot(TcgEmit *e, SnapEntry *out); /* dirty globals; how many */
Loc ra_loc(TcgEmit *e, IrRef v, unsigned type);

/* ---- flags.c ---- */
bool flags_needs_save(const TcgEmit *e, const IrInsn *in);
void flags_save(TcgEmit *e);                /* host flags are about to be lost */
void flags_keep(TcgEmit *e);                /* the same, without a recipe */
const RaRecipe *flags_recipe(const RegAlloc *ra, IrRef v); /* NULL: none */
void flags_from_recipe(TcgEmit *e, const RaRecipe *recipe); /* into host flags */
/* Before `in`: operands that are flags with a recipe only are brought to where emitters find them. */
void flags_prepare(TcgEmit *e, const IrInsn *in);
/* Flags with a guarded recipe; other live ones have been saved. */
void flags_load_guarded(TcgEmit *e, const RaRecipe *recipe, Reg r);
void flags_materialise(TcgEmit *e, IrRef v); /* into a register, between instructions */
void flags_set(TcgEmit *e, uint8_t kind);   /* they hold e->insn->dst from now on */
void flags_to_rax(TcgEmit *e);              /* lahf; seto al */
/* emit_fp.c: the value of a comparison to RAX, host flags stay as they are; and the host condition
 * that a condition on it is, or CC_NONE. */
void fcmp_to_rax(TcgEmit *e, bool swapped);
unsigned fcmp_condition(unsigned cond, bool swapped);
/* Bring the condition on flags value `ref` into host flags; the host condition. Allocates;
 * operands used before stay. *always, *never: known without looking. */
unsigned flags_condition(TcgEmit *e, IrRef ref, unsigned cond);
/* Compare for brc, setc, selc; the host condition. */
unsigned emit_compare(TcgEmit *e, const IrInsn *in);
/* `r` is a constant that fits an imm32 of an instruction of type `type`. */
bool emit_imm32(const TcgEmit *e, unsigned type, IrRef r, int32_t *imm);

#endif
