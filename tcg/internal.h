// SPDX-License-Identifier: MIT
//
// Inside of tcg/: what a backend provides, and the structures that context.c and the backends
// share. Not visible outside of tcg/ and its tests.
//
// context.c implements the public functions of backend.h: it keeps the lists of links, threads
// and counters, and calls the backend for what depends on the host. Metadata (TcgCode, TcgSlot,
// a backend's records) is bump-allocated from one address range per context, so that 32-bit
// offsets name it. Like the code buffer it is in pieces, each of which is forgotten as a whole.
#ifndef TCG_INTERNAL_H
#define TCG_INTERNAL_H

#include <stdatomic.h>
#include "tcg/backend.h"

/* One exit_pc of a unit. Links are changed under the engine's translation lock; `target` is also
 * read by running vCPUs. */
struct TcgSlot {
    TcgCode *owner;
    TcgCode *_Atomic target;     /* NULL: not linked */
    TcgSlot *next, **prev_next;  /* in the target's list of incoming links */
    Vaddr pc;                    /* the guest pc it goes to */
    uint64_t unlinked_epoch;     /* see tcg_link(): when it lost a guarded link */
    uint8_t *jump_rw;            /* x86: the rel32 of the jump */
    uint8_t *guard_rw;           /* x86: the imm32 of the guard, NULL: same page */
    uint32_t stub_rel;           /* x86: rel32 that leads to the stub */
    bool same_page;              /* IR_EXIT_SAME_PAGE */
};

struct TcgCode {
    TcgContext *ctx;
    const void *entry;           /* what jump caches hold; never NULL */
    const uint8_t *bytes;        /* host code, NULL for the interpreter */
    size_t len;
    size_t main_len;             /* of len: before what stands out of line */
    void *opaque;
    TcgSlot *incoming;
    TcgSlot *slots;              /* slot_count of them */
    uint32_t slot_count;
    uint32_t page_id;            /* see tcg_code_set_page() */
    uint32_t piece;              /* of the buffer */
    bool dead;                   /* unlinked for good */
    void *backend;               /* the interpreter's copy of the unit */
};

/* One backend. All functions are called through context.c with the locking that backend.h says.
 * Those marked [optional] may be NULL. */
typedef struct TcgBackend {
    const char *name;
    bool (*context_init)(TcgContext *ctx, Error **err);   /* fills ctx->impl, sets code_first */
    void (*context_fini)(TcgContext *ctx);
    bool (*thread_init)(TcgThread *t);                    /* fills t->impl */
    void (*thread_fini)(TcgThread *t);
    /* NULL when full. Allocates with tcg_meta_alloc(); sets entry, bytes, len, slots. */
    TcgCode *(*compile)(TcgContext *ctx, IrUnit *u);
    /* `part` is a copy of `ctx` that compile() can be called with beside it: give it an impl of its
     * own, and take it away again. [optional, both] */
    bool (*part_init)(TcgContext *part, const TcgContext *ctx);
    void (*part_fini)(TcgContext *part);
    /* compile() has the bytes of the buffer from `first` up to `end` from now on. */
    void (*use)(TcgContext *ctx, size_t first, size_t end);
    size_t (*position)(const TcgContext *ctx); /* where it goes on */
    TcgExit (*enter)(TcgThread *t, const void *entry);
    /* Make the slot's jump go to `target`, or to its stub when NULL. [optional] */
    void (*patch)(TcgContext *ctx, TcgSlot *slot, TcgCode *target);
    void (*sync_state)(TcgThread *t);
    /* sync_state() was done. Makes enter() return `reason`. */
    void (*unwind)(TcgThread *t, IrExitReason reason) __attribute__((noreturn));
} TcgBackend;

extern const TcgBackend tcg_backend_x86_64;
extern const TcgBackend tcg_backend_interp;

struct TcgThread {
    TcgContext *ctx;
    void *env;
    void *impl;                  /* the backend's */
    TcgThread *next;             /* in ctx->threads */
    _Atomic uint64_t epoch;      /* ctx->epoch at tcg_enter(); UINT64_MAX outside */
};

/* Bytes of a piece. */
typedef struct TcgUsed {
    _Atomic size_t code, meta;
    size_t meta_touched; /* that the host has */
} TcgUsed;

struct TcgContext {
    TcgConfig config;
    const TcgBackend *backend;
    void *impl;                  /* the backend's */
    TcgThread *threads;          /* guarded by the engine's translation lock */
    _Atomic uint64_t epoch;      /* counts events after which guarded slots must wait */
    uint8_t *meta;               /* address range of the metadata */
    size_t meta_size;
    const uint8_t *code;         /* the buffer, where it is executed */
    size_t code_first;           /* before it is the backend's own code */
    uint32_t piece_count;
    size_t piece_bytes, meta_piece_bytes; /* of each */
    TcgUsed *used;               /* by piece */
    uint32_t piece;              /* that is being filled; piece_count: none */
    size_t meta_used, meta_limit; /* its metadata: what is next, and the end */
    uint64_t flushes;
};

struct TcgCompiler {
    TcgContext *ctx;
    TcgContext part;             /* the same address ranges, and a piece of its own */
    uint64_t flushes;            /* of ctx, when it got that */
};

/* Zeroed, aligned to 16; NULL when the piece is used up. */
void *tcg_meta_alloc(TcgContext *ctx, size_t bytes);

static inline uint32_t tcg_meta_offset(const TcgContext *ctx, const void *p)
{
    return (uint32_t)((const uint8_t *)p - ctx->meta);
}

static inline void *tcg_meta_at(const TcgContext *ctx, uint32_t offset)
{
    return ctx->meta + offset;
}

#endif
