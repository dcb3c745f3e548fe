// SPDX-License-Identifier: MIT
//
// The thread that makes regions, so that no vCPU waits for one: neither the one whose code was found
// hot nor another that wants to translate something meanwhile.
//
// A vCPU plans a region (region.c), which takes microseconds, and puts it into a bounded queue. The
// thread translates and compiles without the translation lock, into a piece of the code buffer of its
// own (TcgCompiler), and takes the lock again for publication. vCPUs run on: the
// unit that the region replaces is unlinked, and who comes to its address finds the region.
//
// What was overwritten while it waited or was under way is known by its unit, which is dead then. A
// pause of the machine (behind which everything may be another) drops all that there is
// (background_hold()) and waits until the thread has put its work down. It waits for nothing but the
// lock, so whoever waits for it must not hold that.
//
// It has the priority of all: what it does is short, and with a lower one a pause would wait for it
// long where the host's processors have other things to do.
#include "accel/tcg/engine.h"

#include "util/clock.h"

#define WAITING_MAX 16
#define LEAST_FREE 0.05 /* of its piece */

/* ---- the queue -------------------------------------------------------------------------- */

static bool is_head_of(const RegionJob *job, const Unit *u)
{
    return job->unit.ram == u->ram && job->unit.pc == u->pc && job->unit.flags == u->flags &&
           !atomic_load(&job->unit.dead);
}

/* Two units of one loop may be hot before its region is there. */
static bool is_under_way(const Background *b, const Unit *u)
{
    if (b->current && is_head_of(b->current, u))
        return true;
    for (const RegionJob *job = b->first; job; job = job->next)
        if (is_head_of(job, u))
            return true;
    return false;
}

static void append(Background *b, RegionJob *job)
{
    if (b->last)
        b->last->next = job;
    else
        b->first = job;
    b->last = job;
    b->waiting++;
}

static RegionJob *take_first(Background *b)
{
    RegionJob *job = b->first;
    b->first = job->next;
    if (!b->first)
        b->last = NULL;
    b->waiting--;
    return job;
}

bool background_ask_locked(AccelCpu *ac, Unit *u)
{
    TcgEngine *e = ac->engine;
    Background *b = &e->background;
    if (!b->started || unit_is_logged(e)) { /* the log has things in their order */
        region_make_locked(ac, u);
        return true;
    }
    if (b->holds || b->waiting == WAITING_MAX) {
        e->stats.refused++;
        return false;
    }
    RegionJob *job = region_plan_locked(ac, u);
    if (!job)
        return true;
    if (is_under_way(b, &job->unit)) {
        region_free_locked(e, job);
        return true;
    }
    job->asked_ns = host_clock_ns();
    e->stats.asked++;
    append(b, job);
    pthread_cond_signal(&b->wake);
    return true;
}

/* The unit that was hot may be so again. */
static void forget_heat_locked(TcgEngine *e, const RegionJob *job)
{
    Unit *asked = unit_find(e, job->asked_ram, job->asked_pc, job->unit.flags);
    if (asked && asked->tier == 1)
        asked->heat = 0;
}

static void cancel_locked(TcgEngine *e, RegionJob *job)
{
    forget_heat_locked(e, job);
    if (!atomic_exchange(&job->unit.dead, true)) {
        unit_unwatch_locked(e, &job->unit);
        e->stats.cancelled++;
    }
}

void background_hold(TcgEngine *e)
{
    Background *b = &e->background;
    pthread_mutex_lock(&e->lock);
    b->holds++;
    while (b->first) {
        RegionJob *job = take_first(b);
        cancel_locked(e, job);
        region_free_locked(e, job);
    }
    if (b->current)
        cancel_locked(e, b->current);
    while (b->current)
        pthread_cond_wait(&b->done, &e->lock);
    pthread_mutex_unlock(&e->lock);
}

void background_go_on(TcgEngine *e)
{
    pthread_mutex_lock(&e->lock);
    e->background.holds--;
    pthread_mutex_unlock(&e->lock);
}

/* ---- the thread ------------------------------------------------------------------------- */

static bool is_wanted(const RegionJob *job)
{
    return !atomic_load(&job->unit.dead);
}

/* Under the lock, before each: is there a piece of the code buffer with room? */
static bool has_room_locked(TcgEngine *e)
{
    Background *b = &e->background;
    if (!b->is_full && tcg_compiler_free(b->compiler) >= LEAST_FREE)
        return true;
    if (!piece_go_on_aside_locked(e, b->compiler))
        return false;
    b->is_full = false;
    return true;
}

/* NULL: it is not wanted any more, or too large. */
static TcgCode *make(TcgEngine *e, RegionJob *job)
{
    Background *b = &e->background;
    if (!is_wanted(job))
        return NULL;
    region_translate(job, b->ir);
    if (!is_wanted(job))
        return NULL;
    tcg_optimise(b->ir, e->passes);
    return is_wanted(job) ? tcg_compiler_compile(b->compiler, b->ir) : NULL;
}

/* `code` may be NULL; had_room: not because of that. */
static void finish_locked(TcgEngine *e, RegionJob *job, TcgCode *code, bool had_room)
{
    bool wanted = is_wanted(job);
    if (region_publish_locked(job, code, e->background.ir)) {
        e->stats.arrived++;
        e->stats.waited_ns += host_clock_ns() - job->asked_ns;
    } else if (wanted && had_room) {
        e->stats.region_failures++;
    } else {
        e->stats.refused += wanted;
        forget_heat_locked(e, job);
    }
    region_free_locked(e, job);
}

static void *run(void *opaque)
{
    TcgEngine *e = opaque;
    Background *b = &e->background;
    pthread_setname_np(pthread_self(), "regions/TCG");
    pthread_mutex_lock(&e->lock);
    while (!b->quit) {
        if (!b->first) {
            pthread_cond_wait(&b->wake, &e->lock);
            continue;
        }
        RegionJob *job = b->current = take_first(b);
        bool room = has_room_locked(e);
        pthread_mutex_unlock(&e->lock);
        int64_t start_ns = host_clock_ns();
        TcgCode *code = room ? make(e, job) : NULL;
        int64_t ns = host_clock_ns() - start_ns;
        pthread_mutex_lock(&e->lock);
        e->stats.region_ns += ns;
        /* what did not fit into the rest of a piece may have the next one */
        b->is_full = room && !code && is_wanted(job) && tcg_compiler_free(b->compiler) < 0.5;
        finish_locked(e, job, code, room && !b->is_full);
        b->current = NULL;
        pthread_cond_broadcast(&b->done);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

bool background_start(TcgEngine *e, Error **err)
{
    Background *b = &e->background;
    if (e->tier2 != TIER2_AUTO || e->config.interpreter || (e->config.without & TCG_NO_BACKGROUND))
        return true;
    b->ir = ir_unit_create(e->ops->globals);
    b->compiler = tcg_compiler_create(e->ctx);
    if (!b->ir || !b->compiler)
        return error_set(err, "out of memory for the second tier; -accel tcg,tier2=off does without");
    b->ir->without = e->config.without;
    int r = pthread_create(&b->thread, NULL, run, e);
    if (r)
        return error_set_errno(err, r, "cannot start the thread of the second tier");
    b->started = true;
    return true;
}

void background_end(TcgEngine *e)
{
    Background *b = &e->background;
    if (b->started) {
        background_hold(e);
        pthread_mutex_lock(&e->lock);
        b->quit = true;
        pthread_cond_signal(&b->wake);
        pthread_mutex_unlock(&e->lock);
        pthread_join(b->thread, NULL);
        b->started = false;
    }
    tcg_compiler_destroy(b->compiler);
    if (b->ir)
        ir_unit_destroy(b->ir);
}
