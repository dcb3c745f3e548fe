// SPDX-License-Identifier: MIT
//
// Inside of the x86-64 backend: the context, the stack frame of translated code, and the records
// that slow paths read.
//
// Register use: RBP = env + 128 (so that the first 256 bytes of the CPU structure are reached
// with a disp8), R13 = current bank, RSP = X86Frame. RAX, RCX, XMM14 and XMM15 are scratch
// inside one instruction; all other registers belong to the allocator.
#ifndef TCG_X86_64_X86_H
#define TCG_X86_64_X86_H

#include "tcg/codebuf.h"
#include "tcg/x86_64/emit.h"

#define ENV_BIAS 128
#define FRAME_SLOTS 4096u

/* What RSP points at in translated code. Aligned to 16 + 0 (calls push 8). */
typedef struct X86Frame {
    V128 slots[FRAME_SLOTS]; /* spilled values and locals */
    uint64_t gpr[16];        /* register image while a slow path runs */
    V128 xmm[32];
    TcgThread *thread;
    uint64_t pad;
} X86Frame;

/* The memory of a snapshot's variables. */
typedef struct X86Undo {
    V128 old[256];
} X86Undo;

/* thread->impl */
typedef struct X86Thread {
    X86Frame *frame;                /* RSP inside translated code */
    const struct SlowRecord *record; /* slow path that runs and has not been synced */
    X86Undo *undo;                   /* where syncing keeps what it overwrites */
} X86Thread;

/* Where an operand of a slow path is. */
typedef enum LocKind {
    LOC_NONE, LOC_REG, LOC_SLOT, LOC_LOCAL, LOC_CONST, LOC_IMM, LOC_ENV, LOC_FLAGS
} LocKind;

typedef struct Loc {
    uint8_t kind;
    uint8_t type; /* IrType */
    Reg reg;      /* LOC_ENV, LOC_LOCAL: the type to read instead */
    int32_t v;    /* slot number; value (LOC_IMM, sign-extended); offset of a V128 or a FlagsLoc in
                   * the metadata; offset in env */
} Loc;

/* Flags that nobody has computed: how, see flags.c. */
typedef struct FlagsLoc {
    uint8_t form; /* RecipeForm */
    uint8_t type;
    Loc a, b;
    uint32_t guard;  /* 0: none; else a slot's number + 1: if that is 0, */
    uint32_t offset; /* the flags are in env there */
} FlagsLoc;

/* A variable whose value memory does not have. */
typedef struct SnapEntry {
    uint32_t offset; /* in env */
    Loc loc;         /* type: of the variable */
} SnapEntry;

#define X86_MAX_SHARED 8u /* addends at a time */

/* The slots of the frame that a unit's streams have (streams.c): rising ones, then falling ones. */
typedef struct StreamSlots {
    uint16_t first, rising, falling;
} StreamSlots;

typedef enum SlowKind { SLOW_ACCESS, SLOW_REF, SLOW_EXIT } SlowKind;

typedef struct SlowRecord {
    uint8_t kind;   /* SlowKind */
    uint8_t access; /* TcgAccess, or IrExitReason for SLOW_EXIT */
    uint8_t op;     /* SLOW_REF: IrOp */
    uint8_t type;   /* IrType T of the instruction */
    uint8_t nan_rule;
    uint8_t rmw;
    uint16_t sub;   /* memop, or sub of the instruction */
    uint32_t nsnap;
    Loc arg[3];     /* access: address, data, data2 */
    Loc dst;
    uint64_t imm;   /* displacement, or imm of the instruction */
    const uint8_t *resume;
    uint16_t clear_regs;    /* shared addends to clear, see memory.c: general registers, slots */
    uint8_t nclear_slots;
    int16_t clear_slots[X86_MAX_SHARED];
    StreamSlots streams;    /* to end */
    SnapEntry snap[];
} SlowRecord;

/* A use of a pool constant whose address is not known yet. */
typedef struct PoolFix {
    uint8_t *disp;   /* the disp32, writable view */
    uint32_t index;
    uint8_t trailing; /* immediate bytes after the disp32 */
} PoolFix;

#define MAX_OOLS 65536u
#define MAX_FIXES 65536u
#define MAX_POOL 16384u

#define GUARD_NEVER UINT32_MAX /* the engine gives no such page id */

struct X86Context {
    CodeBuf cb;
    TcgHost host;
    size_t thunks_end;         /* code starts here */
    /* Thunks, executable view. */
    uint64_t (*enter)(void *env_biased, void *bank, const void *entry, TcgThread *t);
    void (*leave_to)(X86Frame *frame, uint64_t result) __attribute__((noreturn));
    const uint8_t *leave;      /* jump: result in RAX */
    const uint8_t *slow;       /* jump: record in EAX */
    const uint8_t *chain;      /* jump: slot in EAX */
    const uint8_t *lookup;     /* jump: pc in RCX */
    /* Scratch of a compilation, kept between them. */
    RegAlloc *ra;
    EmitOol *ools;             /* fixed sizes: pointers into them stay good */
    PoolFix *fixes;
    V128 *pool;
    uint32_t nools, nfixes, npool;
    struct BlockJump *jumps;
    uint32_t njumps, cap_jumps;
    TcgCode *code;             /* being compiled */
    SlowRecord no_record;      /* when there is no room for one */
};

/* Result of `enter`: reason | slot offset << 8. */
#define LEAVE_RESULT(reason, slot_offset) ((uint64_t)(reason) | (uint64_t)(slot_offset) << 8)

/* ---- thunks.c ---- */
void x86_thunks_init(TcgEmit *e);
TcgExit x86_enter(TcgThread *t, const void *entry);
void x86_sync_state(TcgThread *t);
void x86_unwind(TcgThread *t, IrExitReason reason) __attribute__((noreturn));

/* ---- emitters outside of tables ---- */
Mem env_mem(uint32_t offset);
Mem slot_mem(uint32_t slot);
const uint8_t *rx_of(const TcgEmit *e, const uint8_t *rw);
/* memory.c */
void emit_ld(TcgEmit *e, const IrInsn *in);
void emit_st(TcgEmit *e, const IrInsn *in);
void emit_rmw(TcgEmit *e, const IrInsn *in);
void emit_cas(TcgEmit *e, const IrInsn *in);
void emit_fence(TcgEmit *e, const IrInsn *in);
void emit_probe(TcgEmit *e, const IrInsn *in);
/* slow.c */
SlowRecord *slow_record_new(TcgEmit *e, SlowKind kind, bool snapshot);
Loc slow_loc(TcgEmit *e, IrRef r, Reg reg);
void emit_goto_slow(TcgEmit *e, const SlowRecord *rec);
void ool_slow(TcgEmit *e, EmitOol *o); /* arg[0]: the record */
/* control.c */
void emit_call(TcgEmit *e, const IrInsn *in);
void emit_exit_pc(TcgEmit *e, const IrInsn *in);
void align_rel32(TcgEmit *e, unsigned ahead); /* what is `ahead` bytes on can be patched */
void emit_exit_reg(TcgEmit *e, const IrInsn *in);
void emit_exit(TcgEmit *e, const IrInsn *in);
void emit_poll(TcgEmit *e, const IrInsn *in);
void emit_guard_page(TcgEmit *e, const IrInsn *in);
void x86_patch(TcgContext *ctx, TcgSlot *slot, TcgCode *target);

#endif
