// SPDX-License-Identifier: MIT
//
// The public face of the translator's back half: contexts, threads, links, unwinding.
//
// Links. A slot (one exit_pc) is on the list of its target, so that tcg_unlink() finds all jumps
// into a unit. Everything about links happens under the engine's translation lock; running
// vCPUs only read `target` and the patched instructions.
//
// A guarded slot (its target lies in another page) looks whether the bank has the target's page
// where the link was made before the jump is taken: two instructions, between which a vCPU may be
// held up. So a
// guarded slot that lost its target must not be given another one while a vCPU that passed the
// guard for the old target may still be about to jump. Such events are numbered (ctx->epoch);
// a thread notes the number when it enters translated code, and a slot is linked again only when
// every thread inside entered after the slot was unlinked. Until then the exit is taken the slow
// way, which is always right.
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "tcg/internal.h"
#include "util/bitops.h"
#include "util/pages.h"

#define OUTSIDE UINT64_MAX
#define PIECE_BYTES_MIN (UINT64_C(128) << 10) /* or much would be lost at their ends */
#define GIVEN_BACK (UINT64_C(1) << 20) /* less is not worth the faults until it is there again */
#define TOUCHED_AT_ONCE (UINT64_C(256) << 10)
#define META_FIRST 64 /* offset 0 names nothing */

/* ---- pieces of the buffer ---- */

static bool make_pieces(TcgContext *ctx)
{
    uint64_t most = MAX(ctx->config.buffer_bytes / PIECE_BYTES_MIN, 1);
    ctx->piece_count = (uint32_t)MIN(MAX(ctx->config.pieces, 1u), most);
    ctx->piece_bytes = align_down(ctx->config.buffer_bytes / ctx->piece_count, 4096);
    ctx->meta_piece_bytes = align_down(ctx->meta_size / ctx->piece_count, 4096);
    ctx->used = calloc(ctx->piece_count, sizeof ctx->used[0]);
    return ctx->used != NULL;
}

static size_t code_begin(const TcgContext *ctx, uint32_t piece)
{
    return piece ? piece * ctx->piece_bytes : ctx->code_first;
}

static void use_piece(TcgContext *part, uint32_t piece)
{
    part->piece = piece;
    part->meta_used = piece ? piece * part->meta_piece_bytes : META_FIRST;
    part->meta_limit = (piece + 1) * part->meta_piece_bytes;
    part->backend->use(part, code_begin(part, piece), (piece + 1) * part->piece_bytes);
}

static void use_none(TcgContext *part)
{
    part->piece = part->piece_count;
    part->meta_used = part->meta_limit = 0;
    part->backend->use(part, 0, 0);
}

static double piece_free(const TcgContext *part)
{
    if (part->piece == part->piece_count) {
        return 0;
    }
    size_t code = (part->piece + 1) * part->piece_bytes - part->backend->position(part);
    size_t meta = part->meta_limit - part->meta_used;
    return MIN((double)code / (double)part->piece_bytes,
               (double)meta / (double)part->meta_piece_bytes);
}

uint32_t tcg_piece_count(const TcgContext *ctx)
{
    return ctx->piece_count;
}

void tcg_piece_use(TcgContext *ctx, uint32_t piece)
{
    use_piece(ctx, piece);
}

uint32_t tcg_piece(const TcgContext *ctx)
{
    return ctx->piece;
}

double tcg_piece_free(const TcgContext *ctx)
{
    return piece_free(ctx);
}

/* Its metadata is zero again; much of it is given back to the host. */
void tcg_piece_clear(TcgContext *ctx, uint32_t piece)
{
    TcgUsed *used = &ctx->used[piece];
    uint8_t *meta = ctx->meta + piece * ctx->meta_piece_bytes;
    size_t bytes = atomic_load_explicit(&used->meta, memory_order_relaxed);
    if (bytes < GIVEN_BACK || madvise(meta, bytes, MADV_DONTNEED)) {
        memset(meta, 0, bytes);
    } else {
        used->meta_touched = 0;
    }
    atomic_store_explicit(&used->meta, 0, memory_order_relaxed);
    atomic_store_explicit(&used->code, 0, memory_order_relaxed);
}

uint32_t tcg_code_piece(const TcgCode *code)
{
    return code->piece;
}

uint32_t tcg_piece_at(const TcgContext *ctx, uintptr_t at)
{
    size_t offset = at - (uintptr_t)ctx->code;
    return offset < ctx->piece_bytes * ctx->piece_count ? (uint32_t)(offset / ctx->piece_bytes)
                                                        : ctx->piece_count;
}

/* ---- contexts ---- */

TcgContext *tcg_context_create(const TcgConfig *config, Error **err)
{
    TcgContext *ctx = calloc(1, sizeof *ctx);
    if (!ctx) {
        error_set(err, "out of memory for the translator");
        return NULL;
    }
    ctx->config = *config;
    ctx->backend = config->interpreter ? &tcg_backend_interp : &tcg_backend_x86_64;
    /* Metadata takes about as much as code; it is only address space until used. */
    ctx->meta_size = align_up(MAX(config->buffer_bytes, UINT64_C(1) << 20) * 2, 4096);
    if (ctx->meta_size > UINT32_MAX) {
        ctx->meta_size = UINT32_MAX & ~UINT64_C(4095);
    }
    void *meta = pages_map(ctx->meta_size);
    if (!meta) {
        error_set_errno(err, errno, "cannot reserve %zu MiB for the translator; try a smaller "
                        "tb-size", ctx->meta_size >> 20);
        free(ctx);
        return NULL;
    }
    ctx->meta = meta;
    atomic_init(&ctx->epoch, 1);
    if (!ctx->backend->context_init(ctx, err)) {
        pages_unmap(ctx->meta, ctx->meta_size);
        free(ctx);
        return NULL;
    }
    if (!make_pieces(ctx)) {
        tcg_context_destroy(ctx);
        error_set(err, "out of memory for the translator");
        return NULL;
    }
    use_piece(ctx, 0);
    return ctx;
}

void tcg_context_destroy(TcgContext *ctx)
{
    if (!ctx) {
        return;
    }
    assert(!ctx->threads);
    ctx->backend->context_fini(ctx);
    pages_unmap(ctx->meta, ctx->meta_size);
    free(ctx->used);
    free(ctx);
}

/* Take faults for many pages at once, before they are come to. */
static void touch_meta(TcgContext *ctx)
{
    TcgUsed *used = &ctx->used[ctx->piece];
    size_t begin = ctx->piece * ctx->meta_piece_bytes, from = begin + used->meta_touched;
    if (ctx->meta_used > from) {
        size_t bytes = MIN(MAX(TOUCHED_AT_ONCE, ctx->meta_used - from), ctx->meta_limit - from);
        pages_touch(ctx->meta + from, bytes, true);
        used->meta_touched = from + bytes - begin;
    }
}

void *tcg_meta_alloc(TcgContext *ctx, size_t bytes)
{
    bytes = align_up(bytes, 16);
    if (bytes > ctx->meta_limit - ctx->meta_used) {
        return NULL;
    }
    void *p = ctx->meta + ctx->meta_used;
    ctx->meta_used += bytes;
    touch_meta(ctx);
    return p;
}

TcgThread *tcg_thread_create(TcgContext *ctx, void *env)
{
    TcgThread *t = aligned_alloc(64, align_up(sizeof *t, 64));
    if (!t) {
        return NULL;
    }
    *t = (TcgThread){ .ctx = ctx, .env = env };
    atomic_init(&t->epoch, OUTSIDE);
    if (!ctx->backend->thread_init(t)) {
        free(t);
        return NULL;
    }
    t->next = ctx->threads;
    ctx->threads = t;
    return t;
}

void tcg_thread_destroy(TcgThread *t)
{
    if (!t) {
        return;
    }
    TcgThread **p = &t->ctx->threads;
    while (*p != t) {
        p = &(*p)->next;
    }
    *p = t->next;
    t->ctx->backend->thread_fini(t);
    free(t);
}

/* ---- code ---- */

/* By `part`, which is the context or a part of it. */
static TcgCode *compile(TcgContext *part, TcgContext *ctx, IrUnit *u)
{
    uint32_t piece = part->piece;
    TcgCode *code = part->backend->compile(part, u);
    if (code) {
        code->ctx = ctx;
        code->piece = piece;
    }
    if (piece < ctx->piece_count) {
        TcgUsed *used = &ctx->used[piece];
        atomic_store_explicit(&used->code, part->backend->position(part) - code_begin(part, piece),
                              memory_order_relaxed);
        atomic_store_explicit(&used->meta, part->meta_used - piece * part->meta_piece_bytes,
                              memory_order_relaxed);
    }
    return code;
}

TcgCode *tcg_compile(TcgContext *ctx, IrUnit *u)
{
    return compile(ctx, ctx, u);
}

TcgCompiler *tcg_compiler_create(TcgContext *ctx)
{
    TcgCompiler *c = ctx->backend->part_init ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        return NULL;
    }
    c->ctx = ctx;
    c->part = (TcgContext){
        .config = ctx->config, .backend = ctx->backend, .meta = ctx->meta,
        .code = ctx->code, .code_first = ctx->code_first,
        .piece_count = ctx->piece_count, .used = ctx->used,
        .piece_bytes = ctx->piece_bytes, .meta_piece_bytes = ctx->meta_piece_bytes,
    };
    if (!ctx->backend->part_init(&c->part, ctx)) {
        free(c);
        return NULL;
    }
    use_none(&c->part);
    return c;
}

void tcg_compiler_destroy(TcgCompiler *c)
{
    if (c) {
        c->part.backend->part_fini(&c->part);
        free(c);
    }
}

void tcg_compiler_use(TcgCompiler *c, uint32_t piece)
{
    c->part.threads = c->ctx->threads;
    c->flushes = c->ctx->flushes;
    use_piece(&c->part, piece);
}

uint32_t tcg_compiler_piece(const TcgCompiler *c)
{
    return c->flushes == c->ctx->flushes ? c->part.piece : c->ctx->piece_count;
}

double tcg_compiler_free(const TcgCompiler *c)
{
    return c->flushes == c->ctx->flushes ? piece_free(&c->part) : 0;
}

TcgCode *tcg_compiler_compile(TcgCompiler *c, IrUnit *u)
{
    return compile(&c->part, c->ctx, u);
}

const void *tcg_code_entry(const TcgCode *code)
{
    return code->entry;
}

const void *tcg_code_bytes(const TcgCode *code, size_t *len)
{
    *len = code->len;
    return code->bytes;
}

void tcg_code_set_opaque(TcgCode *code, void *opaque)
{
    code->opaque = opaque;
}

void *tcg_code_opaque(const TcgCode *code)
{
    return code->opaque;
}

void tcg_code_set_page(TcgCode *code, uint32_t id)
{
    code->page_id = id;
}

TcgExit tcg_enter(TcgThread *t, const void *entry)
{
    TcgContext *ctx = t->ctx;
    /* Sequentially consistent: the note is visible before any guard is passed. */
    atomic_store(&t->epoch, atomic_load_explicit(&ctx->epoch, memory_order_acquire));
    TcgExit ex = ctx->backend->enter(t, entry);
    atomic_store_explicit(&t->epoch, OUTSIDE, memory_order_release);
    return ex;
}

/* ---- links ---- */

TcgCode *tcg_slot_code(const TcgSlot *slot)
{
    return slot->owner;
}

/* Take the slot off its target's list; its jump leads to the stub again. */
static void slot_unlink(TcgContext *ctx, TcgSlot *slot)
{
    atomic_store_explicit(&slot->target, NULL, memory_order_release);
    if (ctx->backend->patch) {
        ctx->backend->patch(ctx, slot, NULL);
    }
    *slot->prev_next = slot->next;
    if (slot->next) {
        slot->next->prev_next = slot->prev_next;
    }
    slot->next = NULL;
    slot->prev_next = NULL;
    if (slot->guard_rw) {
        slot->unlinked_epoch = atomic_fetch_add(&ctx->epoch, 1);
    }
}

/* No thread inside entered before the slot lost its last target. */
static bool slot_quiet(const TcgContext *ctx, const TcgSlot *slot)
{
    if (!slot->unlinked_epoch) {
        return true;
    }
    for (const TcgThread *t = ctx->threads; t; t = t->next) {
        if (atomic_load(&t->epoch) <= slot->unlinked_epoch) {
            return false;
        }
    }
    return true;
}

void tcg_link(TcgContext *ctx, TcgSlot *slot, TcgCode *code)
{
    TcgCode *old = atomic_load_explicit(&slot->target, memory_order_relaxed);
    if (slot->guard_rw && !code->page_id) {
        return;
    }
    if (slot->same_page && slot->owner->page_id && slot->owner->page_id != code->page_id) {
        return; /* the page became another one on the way out */
    }
    if (ctx->config.no_chain || code->dead || slot->owner->dead || old == code) {
        return;
    }
    if (old) {
        slot_unlink(ctx, slot);
    }
    if (!slot_quiet(ctx, slot)) {
        return;
    }
    slot->next = code->incoming;
    slot->prev_next = &code->incoming;
    if (slot->next) {
        slot->next->prev_next = &slot->next;
    }
    code->incoming = slot;
    if (ctx->backend->patch) {
        ctx->backend->patch(ctx, slot, code);
    }
    atomic_store_explicit(&slot->target, code, memory_order_release);
}

void tcg_unlink(TcgContext *ctx, TcgCode *code)
{
    code->dead = true;
    while (code->incoming) {
        slot_unlink(ctx, code->incoming);
    }
    for (uint32_t i = 0; i < code->slot_count; i++) {
        if (atomic_load_explicit(&code->slots[i].target, memory_order_relaxed)) {
            slot_unlink(ctx, &code->slots[i]);
        }
    }
}

void tcg_flush(TcgContext *ctx)
{
    for (const TcgThread *t = ctx->threads; t; t = t->next) {
        assert(atomic_load(&t->epoch) == OUTSIDE && "flush while a vCPU is in translated code");
    }
    for (uint32_t n = 0; n < ctx->piece_count; n++) {
        tcg_piece_clear(ctx, n);
    }
    use_piece(ctx, 0);
    ctx->flushes++;
}

size_t tcg_buffer_used(const TcgContext *ctx)
{
    size_t used = 0;
    for (uint32_t n = 0; n < ctx->piece_count; n++) {
        used += atomic_load_explicit(&ctx->used[n].code, memory_order_relaxed);
    }
    return used;
}

size_t tcg_buffer_size(const TcgContext *ctx)
{
    return ctx->config.buffer_bytes;
}

/* ---- exceptions ---- */

void tcg_sync_state(TcgThread *t)
{
    t->ctx->backend->sync_state(t);
}

void tcg_unwind(TcgThread *t, IrExitReason reason)
{
    tcg_sync_state(t);
    t->ctx->backend->unwind(t, reason);
}
