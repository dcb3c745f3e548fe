// SPDX-License-Identifier: MIT
//
// What the engine does for a debugger: breakpoints, watchpoints, holding and stepping of vCPUs;
// contract in accel/accel.h.
//
// Breakpoints are known to the translator: no unit has an instruction at a breakpoint, but those
// of single steps, so that a vCPU comes to its loop there (current_unit()). Pages with watchpoints
// are kept out of the fast path of loads and stores.
//
// Everything here is changed while all vCPUs are stopped, and read by them without a lock.
#include "accel/tcg/engine.h"

#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

static TcgEngine *engine_of(Accel *a)
{
    return container_of(a, TcgEngine, accel);
}

/* ---- stopping --------------------------------------------------------------------------- */

void engine_debug_stop(AccelCpu *ac, AccelStop why, const AccelWatch *watch)
{
    VCPU *cpu = ac->cpu;
    const AccelDebugger *d = &ac->engine->debug.debugger;
    if (ac->mode == ACCEL_HOLD)
        return; /* a step that met a watchpoint has stopped already */
    AccelStopEvent event = { .cpu = cpu, .why = why };
    if (watch)
        event.watch = *watch;
    pthread_mutex_lock(&cpu->lock);
    ac->mode = ACCEL_HOLD;
    cpu->stop = true;
    pthread_mutex_unlock(&cpu->lock);
    if (d->stopped)
        d->stopped(d->opaque, &event);
}

static void set_debugger(Accel *a, const AccelDebugger *debugger)
{
    engine_of(a)->debug.debugger = debugger ? *debugger : (AccelDebugger){ 0 };
}

static void set_mode(Accel *a, VCPU *cpu, AccelRunMode mode)
{
    pthread_mutex_lock(&cpu->lock);
    cpu->accel->mode = mode;
    pthread_mutex_unlock(&cpu->lock);
}

/* ---- breakpoints ------------------------------------------------------------------------ */

bool engine_breakpoint_at(const TcgEngine *e, Vaddr pc)
{
    for (size_t i = 0; i < e->debug.breakpoint_count; i++)
        if (e->debug.breakpoints[i] == pc)
            return true;
    return false;
}

uint32_t engine_bytes_to_breakpoint(const TcgEngine *e, Vaddr pc, uint32_t bytes)
{
    for (size_t i = 0; i < e->debug.breakpoint_count; i++) {
        Vaddr at = e->debug.breakpoints[i];
        if (at != pc && at - pc < bytes && !(at & bit_mask(e->pc_shift)))
            bytes = (uint32_t)(at - pc);
    }
    return bytes;
}

/* Where a breakpoint goes, units may stay: they are only shorter than they could be. */
static bool set_breakpoints(Accel *a, const Vaddr *at, size_t count, Error **err)
{
    TcgEngine *e = engine_of(a);
    Vaddr *copy = count ? malloc(count * sizeof(*copy)) : NULL;
    if (count && !copy)
        return error_set(err, "out of memory for %zu breakpoints", count);
    if (count)
        memcpy(copy, at, count * sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        if (!engine_breakpoint_at(e, at[i]))
            unit_invalidate_pc(e, at[i]);
    free(e->debug.breakpoints);
    e->debug.breakpoints = copy;
    e->debug.breakpoint_count = count;
    return true;
}

/* ---- watchpoints ------------------------------------------------------------------------ */

static bool overlap(Vaddr a, uint64_t a_len, Vaddr b, uint64_t b_len)
{
    return a - b < b_len || b - a < a_len;
}

const AccelWatch *engine_find_watch(TcgEngine *e, VCPU *cpu, Vaddr addr, unsigned size, bool read,
                                    bool write)
{
    addr = cpu->ops->canonical(cpu, addr);
    for (size_t i = 0; i < e->debug.watch_count; i++) {
        const AccelWatch *w = &e->debug.watches[i];
        if (((read && w->read) || (write && w->write)) && overlap(addr, size, w->addr, w->len))
            return w;
    }
    return NULL;
}

bool engine_page_watched(const TcgEngine *e, VCPU *cpu, Vaddr va)
{
    Vaddr page = cpu->ops->canonical(cpu, va) & ~bit_mask(GUEST_PAGE_BITS);
    for (size_t i = 0; i < e->debug.watch_count; i++)
        if (overlap(page, GUEST_PAGE_SIZE, e->debug.watches[i].addr, e->debug.watches[i].len))
            return true;
    return false;
}

static bool set_watchpoints(Accel *a, const AccelWatch *watches, size_t count, Error **err)
{
    TcgEngine *e = engine_of(a);
    AccelWatch *copy = count ? malloc(count * sizeof(*copy)) : NULL;
    if (count && !copy)
        return error_set(err, "out of memory for %zu watchpoints", count);
    if (count)
        memcpy(copy, watches, count * sizeof(*copy));
    free(e->debug.watches);
    e->debug.watches = copy;
    e->debug.watch_count = count;
    for (uint32_t i = 0; i < e->cpu_count; i++)
        tlb_flush_all(e->cpus[i]->cpu->tlb);
    return true;
}

/* ---- life ------------------------------------------------------------------------------- */

void engine_init_debug(TcgEngine *e)
{
    e->accel.set_debugger = set_debugger;
    e->accel.set_breakpoints = set_breakpoints;
    e->accel.set_watchpoints = set_watchpoints;
    e->accel.set_mode = set_mode;
}

void engine_fini_debug(TcgEngine *e)
{
    free(e->debug.breakpoints);
    free(e->debug.watches);
}
