// SPDX-License-Identifier: MIT
//
// Room in the code buffer. It is in pieces, each filled by one compiler after the other; when none is
// empty any more, the code of that which has been full for the longest time goes, and only that.
//
// That is done ahead and bit by bit, so that nobody waits for it. While the second half of a piece is
// being filled, the units of the victim are retired: no table has them any more, nothing is linked to
// them, and each vCPU is asked to take them off its jump caches. A vCPU that is in their code may stay
// there: it comes out at its next poll, and their bytes are still what they were. The piece is
// cleared when the next one is wanted, which is long after every vCPU has been out of translated code:
// each counts its outings, so that this is seen without asking. If one has not, or if code is
// made faster than given up, the caller waits in an exclusive section (loop.c), where all are out.
//
// What was found before a piece was cleared (a unit, a slot, a branch) may be gone: `generation` is
// another one then.
#include "accel/tcg/engine.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"
#include "util/clock.h"

#define RETIRED_AT_ONCE 512u /* units: a fraction of a millisecond under the lock */
/* So much of a piece is free when the first unit of the victim is retired, and when the last. */
#define FREE_AT_FIRST 0.5
#define FREE_AT_LAST 0.1

/* ---- units of a piece ------------------------------------------------------------------- */

static Unit *new_unit(UnitStore *store)
{
    if (store->used == store->count * SLAB_UNITS) {
        Unit **slabs = realloc(store->slabs, (store->count + 1) * sizeof(*slabs));
        if (!slabs)
            return NULL;
        store->slabs = slabs;
        slabs[store->count] = aligned_alloc(64, SLAB_UNITS * sizeof(Unit));
        if (!slabs[store->count])
            return NULL;
        store->count++;
    }
    return unit_at(store, store->used++);
}

Unit *piece_new_unit_locked(TcgEngine *e, const TcgCode *code)
{
    return new_unit(&e->pieces[tcg_code_piece(code)].units);
}

Unit *unit_of_host_locked(TcgEngine *e, uintptr_t at)
{
    uint32_t piece = tcg_piece_at(e->ctx, at);
    if (piece == e->piece_count)
        return NULL;
    const UnitStore *store = &e->pieces[piece].units;
    size_t low = 0, high = store->used, bytes;
    while (low < high) { /* the first whose code is beyond */
        size_t mid = low + (high - low) / 2;
        if ((uintptr_t)tcg_code_bytes(unit_at(store, mid)->code, &bytes) > at)
            high = mid;
        else
            low = mid + 1;
    }
    if (!low)
        return NULL;
    Unit *u = unit_at(store, low - 1);
    return at - (uintptr_t)tcg_code_bytes(u->code, &bytes) < bytes ? u : NULL;
}

static void free_spans(Unit *u)
{
    free(u->more);
    u->more = NULL;
    u->more_count = 0;
}

/* ---- giving up -------------------------------------------------------------------------- */

static void note_step(TcgEngine *e, int64_t start_ns)
{
    uint64_t ns = (uint64_t)(host_clock_ns() - start_ns);
    e->stats.longest_evict_ns = MAX(e->stats.longest_evict_ns, ns);
}

static void remove_jumps_work(VCPU *cpu, uint64_t first, uint64_t bytes)
{
    tlb_remove_jumps_to(cpu->tlb, first, bytes);
}

static void remove_all_jumps(VCPU *cpu)
{
    tlb_flush_jumps(cpu->tlb);
}

static const VcpuFlush remove_jumps_flush = { remove_jumps_work, remove_all_jumps };

static void leave_pages(TcgEngine *e, Unit *u)
{
    for (uint32_t n = 0; n <= u->more_count; n++)
        if (unit_span(u, n)->unit) /* else swept already */
            unit_sweep_page_locked(e, unit_span(u, n)->first);
    free_spans(u);
}

/* All have been asked to leave it, and those that are outside do as they are asked before they come
 * in again: so whoever is outside now, or comes out once more, is done with it. */
static void note_outings(TcgEngine *e)
{
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        AccelCpu *ac = e->cpus[i];
        uint32_t now = atomic_load(&ac->outings);
        ac->outings_then = atomic_load(&ac->cpu->in_guest) ? now : now - 1;
    }
}

static bool all_were_out(const TcgEngine *e)
{
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        const AccelCpu *ac = e->cpus[i];
        if (atomic_load(&ac->cpu->in_guest) && atomic_load(&ac->outings) == ac->outings_then)
            return false;
    }
    return true;
}

/* The next `count` units of it. */
static void retire(TcgEngine *e, Piece *p, size_t count)
{
    const UnitStore *store = &p->units;
    size_t first = p->retired, end = MIN(first + count, store->used);
    int64_t start_ns = host_clock_ns();
    if (first < end) {
        for (size_t n = first; n < end; n++) {
            Unit *u = unit_at(store, n);
            if (atomic_load(&u->dead))
                continue;
            unit_bury_locked(e, u);
            e->stats.evicted_units++;
        }
        /* first, or a store to these pages could go unheard before its vCPU is told to come out */
        uintptr_t from = (uintptr_t)unit_at(store, first)->entry;
        uintptr_t last = (uintptr_t)unit_at(store, end - 1)->entry;
        for (uint32_t i = 0; i < e->cpu_count; i++)
            vcpu_queue_flush(e->cpus[i]->cpu, &remove_jumps_flush, from, last - from + 1);
        for (size_t n = first; n < end; n++)
            leave_pages(e, unit_at(store, n));
        p->retired = end;
    }
    if (end == store->used)
        note_outings(e);
    note_step(e, start_ns);
}

static bool is_retired(const Piece *p)
{
    return p->retired == p->units.used;
}

static void wait_for_searches(const TcgEngine *e)
{
    for (uint32_t i = 0; i < e->cpu_count; i++)
        while (atomic_load(&e->cpus[i]->searching))
            sched_yield();
}

/* Nobody is in its code or gets there. */
static void clear(TcgEngine *e, uint32_t n)
{
    Piece *p = &e->pieces[n];
    int64_t start_ns = host_clock_ns();
    e->generation++;
    wait_for_searches(e); /* begun before its units were retired */
    engine_profile_settle_locked(e);
    tcg_piece_clear(e->ctx, n);
    p->units.used = p->retired = 0;
    p->state = PIECE_EMPTY;
    e->empty_pieces++;
    e->stats.evicted_pieces++;
    note_step(e, start_ns);
}

/* ---- going on --------------------------------------------------------------------------- */

/* Full for the longest time; NULL: none is full. */
static Piece *choose_victim(TcgEngine *e)
{
    if (e->victim < e->piece_count)
        return &e->pieces[e->victim];
    for (uint32_t n = 0; n < e->piece_count; n++) {
        const Piece *p = &e->pieces[n];
        if (p->state == PIECE_FULL && (e->victim == e->piece_count ||
                                       p->filled < e->pieces[e->victim].filled))
            e->victim = n;
    }
    return e->victim < e->piece_count ? &e->pieces[e->victim] : NULL;
}

void piece_prepare_next_locked(TcgEngine *e)
{
    if (e->empty_pieces)
        return;
    double left = tcg_piece_free(e->ctx);
    Piece *p = left < FREE_AT_FIRST ? choose_victim(e) : NULL;
    if (!p || is_retired(p))
        return;
    double part = (FREE_AT_FIRST - left) / (FREE_AT_FIRST - FREE_AT_LAST);
    size_t due = (size_t)(MIN(part, 1.0) * (double)p->units.used);
    if (due == p->units.used || due >= p->retired + RETIRED_AT_ONCE)
        retire(e, p, RETIRED_AT_ONCE);
}

/* PIECES_MAX: there is none now. */
static uint32_t take(TcgEngine *e, size_t retired_at_once)
{
    Piece *p = e->empty_pieces ? NULL : choose_victim(e);
    if (p && !is_retired(p))
        retire(e, p, retired_at_once);
    if (p && is_retired(p) && all_were_out(e)) {
        clear(e, e->victim);
        e->victim = e->piece_count;
    }
    for (uint32_t n = 0; n < e->piece_count; n++) {
        if (e->pieces[n].state == PIECE_EMPTY) {
            e->empty_pieces--;
            e->pieces[n].state = PIECE_FILLING;
            return n;
        }
    }
    return PIECES_MAX;
}

static void leave(TcgEngine *e, uint32_t piece)
{
    e->pieces[piece].state = PIECE_FULL;
    e->pieces[piece].filled = ++e->last_filled;
}

bool piece_go_on_locked(TcgEngine *e)
{
    uint32_t next = take(e, SIZE_MAX / 2);
    if (next == PIECES_MAX)
        return false;
    leave(e, tcg_piece(e->ctx));
    tcg_piece_use(e->ctx, next);
    return true;
}

bool piece_go_on_aside_locked(TcgEngine *e, TcgCompiler *c)
{
    uint32_t next = take(e, RETIRED_AT_ONCE), last = tcg_compiler_piece(c);
    if (next == PIECES_MAX)
        return false;
    if (last < e->piece_count)
        leave(e, last);
    tcg_compiler_use(c, next);
    return true;
}

/* ---- all of it -------------------------------------------------------------------------- */

static void fill_first(TcgEngine *e)
{
    e->pieces[tcg_piece(e->ctx)].state = PIECE_FILLING;
    e->empty_pieces = e->piece_count - 1;
    e->victim = e->piece_count;
}

void piece_init(TcgEngine *e)
{
    e->piece_count = tcg_piece_count(e->ctx);
    fill_first(e);
}

static void free_units(UnitStore *store)
{
    for (size_t n = 0; n < store->used; n++)
        free_spans(unit_at(store, n));
    for (size_t i = 0; i < store->count; i++)
        free(store->slabs[i]);
    free(store->slabs);
}

void piece_fini(TcgEngine *e)
{
    for (uint32_t n = 0; n < e->piece_count; n++)
        free_units(&e->pieces[n].units);
}

void piece_forget_all(TcgEngine *e)
{
    engine_profile_settle_locked(e);
    tcg_flush(e->ctx);
    unit_forget_all(e);
    e->generation++;
    wait_for_searches(e);
    for (uint32_t n = 0; n < e->piece_count; n++) {
        free_units(&e->pieces[n].units);
        e->pieces[n] = (Piece){ 0 };
    }
    for (uint32_t i = 0; i < e->cpu_count; i++)
        tlb_flush_jumps(e->cpus[i]->cpu->tlb);
    fill_first(e);
}
