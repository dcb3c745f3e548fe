// SPDX-License-Identifier: MIT
//
// What stands between the translator and an engine: code is compiled from IR, entered, chained,
// thrown away. Backends: x86-64 machine code, and the interpreter, which defines the IR.
//
// tcg/ knows no guest, MMU or device. The engine hands over a TcgLayout (where in the CPU
// structure things stand that fast paths touch) and TcgOps (what to call when a fast path does
// not suffice).
//
// Threads: one TcgContext is shared by the vCPUs of a machine. tcg_compile(), tcg_link(),
// tcg_unlink() and tcg_flush() are called under the engine's translation lock; tcg_enter() by
// any vCPU at any time. Patching of jumps is atomic with respect to running code. A TcgCompiler
// compiles without the lock.
//
// Memory: the code buffer is mapped twice, writable and executable; no page is both.
#ifndef TCG_BACKEND_H
#define TCG_BACKEND_H

#include "tcg/ir.h"
#include "tcg/switches.h"

/* Software TLB as the fast path sees it (softmmu/tlb.h owns the types; the numbers are checked
 * against it by static assertions in accel/tcg). For an access to A of S bytes the entry is
 *   E = bank + tlb_offset + ((A >> page_bits) & (2^tlb_bits - 1)) * 2^entry_bits
 * and it may be done at host address A + E.addend when
 *   ((A + S - 1) & -2^page_bits) == E.tag      for unaligned-tolerant accesses, or
 *   (A & (-2^page_bits | 2^align - 1)) == E.tag  for those with an alignment.
 * An entry that must not hit (invalid, MMIO, not-dirty) has low bits set in its tag.
 *
 * Jump cache: entry J = bank + jump_offset + ((PC >> pc_shift) & (2^jump_bits - 1)) * 16 holds the
 * guest pc (8 bytes) and the host code address (8 bytes); valid for this bank by construction.
 *
 * Code pages: entry C = bank + code_page_offset + ((PC >> page_bits) & (2^code_page_bits - 1)) * 4
 * holds a uint32_t that says what code stands at PC's page in this bank: the id that the engine
 * gave (tcg_code_set_page()) to all code of one guest page translated from one physical page in
 * one mode, or 0. Direct jumps between pages are guarded by it. */
typedef struct TcgLayout {
    uint32_t env_bank;         /* offset in env of the pointer to the current bank */
    uint32_t env_bank_unpriv;  /* offset in env of the pointer to the unprivileged bank */
    uint32_t env_exit_request; /* offset in env of an int32_t, not 0: leave at the next poll */
    uint32_t env_pc;           /* offset in env of the guest pc */
    uint32_t page_bits, tlb_bits, entry_bits;
    uint32_t tlb_offset;       /* in the bank */
    uint32_t tag_read, tag_write, addend; /* in the entry */
    uint32_t jump_offset;      /* in the bank */
    uint32_t jump_bits, pc_shift;
    uint32_t code_page_offset; /* in the bank */
    uint32_t code_page_bits;
} TcgLayout;

typedef enum TcgAccess { TCG_LOAD, TCG_STORE, TCG_RMW, TCG_CAS } TcgAccess;

/* A guest access that missed the fast path. `memop` as in ir.h. Load: result in *data
 * (zero-extended; the backend extends). Store: *data is the value. Rmw: *data is the operand, on
 * return the old value. Cas: *data expected, *data2 new, on return *data is the old value. */
typedef struct TcgSlowAccess {
    TcgAccess kind;
    uint32_t memop;
    IrRmw rmw;
    Vaddr addr;
    V128 data, data2;
} TcgSlowAccess;

typedef struct TcgContext TcgContext;
typedef struct TcgCode TcgCode;   /* the host code of one unit */

typedef struct TcgOps {
    /* Perform the access, or raise the guest's exception by way of tcg_unwind(). Guest state in
     * memory is NOT exact on entry; tcg_sync_state(ctx, env) makes it exact (pc included) and
     * must be called before anything that looks at it. */
    void (*slow_access)(void *env, TcgSlowAccess *access);
    /* Translated code at `pc` is wanted in env's current bank, which the jump cache or the code
     * page entry lacked. Returns the entry to go on at, or NULL to leave with IR_REASON_LOOKUP.
     * Must not translate or raise; a hash look-up that refills both. */
    const void *(*lookup)(void *env, Vaddr pc);
} TcgOps;

typedef struct TcgConfig {
    TcgLayout layout;
    TcgOps ops;
    const IrGlobals *globals;  /* may be NULL and given per unit */
    size_t buffer_bytes;       /* code buffer (-accel tcg,tb-size=) */
    uint32_t pieces;           /* of it, at most; 0: it is one. See tcg_piece_use() */
    bool interpreter;          /* backend=interp */
    bool no_chain;
    uint32_t without;          /* TCG_NO_* of switches.h: what is left out */
    bool no_avx2, no_bmi, no_fma; /* pretend the host lacks these (tests) */
    bool only_x86_64_v3;       /* use what this level has, AVX2, BMI, FMA, and no more (tests) */
} TcgConfig;

TcgContext *tcg_context_create(const TcgConfig *config, Error **err) MUST_CHECK;
void tcg_context_destroy(TcgContext *ctx);

/* Per-vCPU part: save areas and slow-path bookkeeping. `env` is the CPU structure. All threads are
 * made before anything is compiled: code made while there is one need not lock its atomics. */
typedef struct TcgThread TcgThread;
TcgThread *tcg_thread_create(TcgContext *ctx, void *env);
void tcg_thread_destroy(TcgThread *t);

/* Optimise in place (folding, copy propagation, dead code and flags). `passes` is a mask of
 * TCG_PASS_*, ~0u for all. In debug builds the verifier runs after each. */
enum {
    TCG_PASS_COPY = 1 << 0,   /* forward gets and copies, common subexpressions */
    TCG_PASS_FOLD = 1 << 1,   /* the rule table */
    TCG_PASS_DEAD = 1 << 2,   /* unused values, overwritten sets (flags among them) */
    TCG_PASS_JOIN = 1 << 3,   /* blocks that only one jump leads to */
    TCG_PASS_ALL = ~0
};
void tcg_optimise(IrUnit *u, unsigned passes);
/* All passes but those in the mask of TCG_NO_*. */
unsigned tcg_passes(uint32_t without);

/* Compile. NULL when the piece of the buffer that is being filled has no room for it: the caller
 * goes on in another one, or tcg_flush()es. The unit may be reset or freed afterwards. */
TcgCode *tcg_compile(TcgContext *ctx, IrUnit *u);

/* Compiles on a thread of its own while others hold the lock: it has its own tables, and its own
 * piece of the buffer. What it makes is code like any other. */
typedef struct TcgCompiler TcgCompiler;
/* NULL: out of memory, or the backend has none. It has no piece yet. */
TcgCompiler *tcg_compiler_create(TcgContext *ctx);
void tcg_compiler_destroy(TcgCompiler *c);
/* Without the lock; there must be no tcg_flush() since tcg_compiler_use(). NULL: the unit is too
 * large. */
TcgCode *tcg_compiler_compile(TcgCompiler *c, IrUnit *u);

/* The code buffer is in pieces of the same size, each with the metadata of its code. The context
 * fills one of them at a time, at first number 0, and each compiler another one. Whose turn a piece
 * is, and when its code goes, is the engine's business. All under the lock. */
uint32_t tcg_piece_count(const TcgContext *ctx);
/* Go on in this piece, which is empty and nobody else's. */
void tcg_piece_use(TcgContext *ctx, uint32_t piece);
void tcg_compiler_use(TcgCompiler *c, uint32_t piece);
/* The piece that is being filled; tcg_piece_count(): none. */
uint32_t tcg_piece(const TcgContext *ctx);
uint32_t tcg_compiler_piece(const TcgCompiler *c); /* none also after a tcg_flush() */
/* How much of the piece is still free, from 1 to 0. */
double tcg_piece_free(const TcgContext *ctx);
double tcg_compiler_free(const TcgCompiler *c); /* 0: it has none */
/* Forget its code, all of which was tcg_unlink()ed; no vCPU is in it or can get there. */
void tcg_piece_clear(TcgContext *ctx, uint32_t piece);
uint32_t tcg_code_piece(const TcgCode *code);
/* That has the host address `at`; tcg_piece_count(): none. */
uint32_t tcg_piece_at(const TcgContext *ctx, uintptr_t at);

/* What to store in a jump cache and hand back from TcgOps.lookup. */
const void *tcg_code_entry(const TcgCode *code);
/* Host bytes, for disassembly and statistics (interp: NULL, 0). */
const void *tcg_code_bytes(const TcgCode *code, size_t *len);
/* Free form data of the engine (its unit descriptor). */
void tcg_code_set_opaque(TcgCode *code, void *opaque);
void *tcg_code_opaque(const TcgCode *code);

/* One way out by exit_pc. */
typedef struct TcgSlot TcgSlot;

/* One way out by exit_reg, if it looks for requests: an indirect branch of the guest, but no return. */
typedef struct TcgBranch {
    TcgCode *code; /* that it is part of */
    Vaddr pc;      /* of the guest's branch */
} TcgBranch;

typedef struct TcgExit {
    IrExitReason reason;
    TcgSlot *slot; /* IR_REASON_CHAIN: where to link, else NULL */
    const TcgBranch *branch; /* IR_REASON_REQUEST: if that was seen by one, else NULL */
} TcgExit;

/* Run translated code from `entry` until it leaves. env's pc is exact on return. */
TcgExit tcg_enter(TcgThread *t, const void *entry);

/* What banks hold in their code page entry for code's guest page where code is valid; not 0.
 * Without it only exits with IR_EXIT_SAME_PAGE are linked to it; and those of code with an id only
 * to code with the same. */
void tcg_code_set_page(TcgCode *code, uint32_t id);

/* Make exit `slot` go to `code` from now on. For slots without IR_EXIT_SAME_PAGE the generated
 * guard compares the bank's code page entry with code's page id, so that the link holds only in
 * banks where the pc maps to this very code. */
void tcg_link(TcgContext *ctx, TcgSlot *slot, TcgCode *code);
/* Undo all links into `code`, and forget code's own; its bytes stay until its piece is cleared. */
void tcg_unlink(TcgContext *ctx, TcgCode *code);
/* The unit the slot belongs to. */
TcgCode *tcg_slot_code(const TcgSlot *slot);

/* Drop all code; the context goes on in piece 0. No vCPU may be inside translated code. */
void tcg_flush(TcgContext *ctx);
size_t tcg_buffer_used(const TcgContext *ctx);
size_t tcg_buffer_size(const TcgContext *ctx);

/* From a slow access or helper: write back what the translated code holds in host registers, so
 * that guest state in env is exact as of the current instruction. Idempotent. */
void tcg_sync_state(TcgThread *t);
/* From a slow access or a helper with IR_HELPER_FAULT: abandon the translated code; tcg_enter()
 * returns with `reason`. Calls tcg_sync_state() first. */
void tcg_unwind(TcgThread *t, IrExitReason reason) __attribute__((noreturn));

#endif
