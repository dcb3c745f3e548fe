// SPDX-License-Identifier: MIT
//
// Inside of tcg/: what a backend provides, and the structures that context.c and the backends
// share. Not visible outside of tcg/ and its tests.
//
// context.c implements the public functions of backend.h: it keeps the lists of links, threads
// and counters, and calls the backend for what depends on the host. Metadata (TcgCode, TcgSlot,
// a backend's records) is bump-allocated from one address range per context, so that 32-bit
// offsets name it, and forgotten as a whole by tcg_flush().
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
    bool dead;                   /* unlinked for good */
    void *backend;               /* the interpreter's copy of the unit */
};

/* One backend. All functions are called through context.c with the locking that backend.h says.
 * Those marked [optional] may be NULL. */
typedef struct TcgBackend {
    const char *name;
    bool (*context_init)(TcgContext *ctx, Error **err);   /* fills ctx->impl */
    void (*context_fini)(TcgContext *ctx);
    bool (*thread_init)(TcgThread *t);                    /* fills t->impl */
    void (*thread_fini)(TcgThread *t);
    /* NULL when full. Allocates with tcg_meta_alloc(); sets entry, bytes, len, slots. */
    TcgCode *(*compile)(TcgContext *ctx, IrUnit *u);
    /* `part` is a copy of `ctx` that compile() can be called with beside it: give it an impl of its
     * own, and take it away again. [optional, both] */
    bool (*part_init)(TcgContext *part, const TcgContext *ctx);
    void (*part_fini)(TcgContext *part);
    /* The next `bytes` of ctx's code are part's, and all that it has. False: there are not so many.
     * [optional] */
    bool (*set_aside)(TcgContext *part, TcgContext *ctx, size_t bytes);
    TcgExit (*enter)(TcgThread *t, const void *entry);
    /* Make the slot's jump go to `target`, or to its stub when NULL. [optional] */
    void (*patch)(TcgContext *ctx, TcgSlot *slot, TcgCode *target);
    /* All code is forgotten. Called before the metadata goes. */
    void (*flush)(TcgContext *ctx);
    size_t (*buffer_used)(const TcgContext *ctx);
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

struct TcgContext {
    TcgConfig config;
    const TcgBackend *backend;
    void *impl;                  /* the backend's */
    TcgThread *threads;          /* guarded by the engine's translation lock */
    _Atomic uint64_t epoch;      /* counts events after which guarded slots must wait */
    uint8_t *meta;               /* address range of the metadata */
    size_t meta_used, meta_size;
    uint64_t flushes;
};

struct TcgCompiler {
    TcgContext *ctx;
    TcgContext part;             /* the same address ranges; `used` and `size` are of its piece */
    uint64_t flushes;            /* of ctx, when it got that */
};

/* Zeroed, aligned to 16; NULL when the range is used up. */
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
