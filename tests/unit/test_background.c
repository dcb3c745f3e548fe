// SPDX-License-Identifier: MIT
// Regions from planning to publication, step by step and by the thread that makes them. The CPU does
// not run: its code is translated as if it came by.
#include <criterion/criterion.h>

#include <unistd.h>
#include "tests/unit/loops.h"
#include "util/bitops.h"

enum { LOOPS = 20 };

typedef struct Rig {
    Loops loops;
    TcgEngine *e;
    AccelCpu *ac;
    TcgCompiler *compiler;
    IrUnit *ir;
} Rig;

static void set_up(Rig *r)
{
    loops_create(&r->loops, LOOPS, NULL, 0);
    r->e = r->loops.e;
    r->ac = r->loops.ac;
    r->ir = ir_unit_create(r->e->ops->globals);
    r->compiler = tcg_compiler_create(r->e->ctx);
    cr_assert(r->ir && r->compiler);
}

static void tear_down(Rig *r)
{
    tcg_compiler_destroy(r->compiler);
    ir_unit_destroy(r->ir);
    loops_destroy(&r->loops);
}

static Unit *unit_of_loop(Rig *r, unsigned n)
{
    Unit *u = loops_translate(&r->loops, n);
    cr_assert(u);
    return u;
}

static RegionJob *plan(Rig *r, Unit *u)
{
    pthread_mutex_lock(&r->e->lock);
    RegionJob *job = region_plan_locked(r->ac, u);
    pthread_mutex_unlock(&r->e->lock);
    cr_assert(job);
    return job;
}

static TcgCode *compile(Rig *r, RegionJob *job)
{
    if (tcg_compiler_free(r->compiler) < 0.1)
        cr_assert(piece_go_on_aside_locked(r->e, r->compiler));
    region_translate(job, r->ir);
    tcg_optimise(r->ir, r->e->passes);
    TcgCode *code = tcg_compiler_compile(r->compiler, r->ir);
    cr_assert(code);
    return code;
}

static bool publish(Rig *r, RegionJob *job, TcgCode *code)
{
    pthread_mutex_lock(&r->e->lock);
    bool published = region_publish_locked(job, code, r->ir);
    region_free_locked(r->e, job);
    pthread_mutex_unlock(&r->e->lock);
    return published;
}

/* ---- steps ------------------------------------------------------------------------------ */

Test(background, a_region_takes_the_place_of_the_unit_at_its_head)
{
    Rig r;
    set_up(&r);
    Unit *old = unit_of_loop(&r, 0);
    RegionJob *job = plan(&r, old);
    cr_expect(!atomic_load(&old->dead), "it runs until the region is there");
    cr_expect(publish(&r, job, compile(&r, job)));
    Unit *new = unit_of_loop(&r, 0);
    size_t bytes;
    uintptr_t code = (uintptr_t)tcg_code_bytes(new->code, &bytes);
    cr_expect_eq(new->tier, 2);
    cr_expect(atomic_load(&old->dead));
    cr_expect_eq(new->span.bytes, LOOP_INSNS * 4);
    cr_expect_eq(unit_of_host_locked(r.e, code + bytes - 1), new);
    tear_down(&r);
}

Test(background, units_are_found_by_their_code_wherever_it_was_compiled)
{
    Rig r;
    set_up(&r);
    size_t bytes;
    for (unsigned n = 0; n < LOOPS; n++) {
        Unit *u = unit_of_loop(&r, n);
        if (n % 3 == 0) {
            RegionJob *job = plan(&r, u);
            cr_expect(publish(&r, job, compile(&r, job)));
        }
    }
    for (unsigned n = 0; n < LOOPS; n++) {
        Unit *u = unit_of_loop(&r, n);
        cr_expect_eq(u->tier, n % 3 ? 1 : 2);
        cr_expect_eq(unit_of_host_locked(r.e, (uintptr_t)tcg_code_bytes(u->code, &bytes)), u);
    }
    tear_down(&r);
}

Test(background, a_store_to_its_code_meanwhile_ends_it)
{
    Rig r;
    set_up(&r);
    for (unsigned when = 0; when < 2; when++) {
        Unit *u = unit_of_loop(&r, 0);
        RamAddr at = u->ram + LOOP_INSNS * 4 - 1;
        RegionJob *job = plan(&r, u);
        TcgCode *code = when ? compile(&r, job) : NULL;
        unit_invalidate_range(r.e, NULL, at, 1);
        cr_expect(atomic_load(&job->unit.dead));
        cr_expect(!unit_covers(r.e, at, 1), "nobody has it any more");
        cr_expect(!publish(&r, job, when ? code : compile(&r, job)));
        cr_expect_eq(unit_of_loop(&r, 0)->tier, 1);
    }
    cr_expect_eq(r.e->stats.overwritten, 2);
    tear_down(&r);
}

Test(background, a_store_to_its_code_is_seen_though_no_other_unit_is_left)
{
    Rig r;
    set_up(&r);
    Unit *u = unit_of_loop(&r, 0);
    RegionJob *job = plan(&r, u);
    pthread_mutex_lock(&r.e->lock);
    unit_end_locked(r.e, u);
    pthread_mutex_unlock(&r.e->lock);
    cr_expect(unit_covers(r.e, job->unit.span.first, 1));
    unit_invalidate_range(r.e, NULL, job->unit.span.first, 1);
    cr_expect(!publish(&r, job, compile(&r, job)));
    tear_down(&r);
}

Test(background, a_store_beside_its_code_does_not_matter)
{
    Rig r;
    set_up(&r);
    Unit *u = unit_of_loop(&r, 0);
    RegionJob *job = plan(&r, u);
    unit_invalidate_range(r.e, NULL, job->unit.span.first + LOOP_BYTES, GUEST_PAGE_SIZE / 2);
    cr_expect(publish(&r, job, compile(&r, job)));
    unit_invalidate_range(r.e, NULL, u->ram, 1);
    cr_expect_eq(unit_of_loop(&r, 0)->tier, 1, "a published one is ended like any other");
    tear_down(&r);
}

/* ---- the thread ------------------------------------------------------------------------- */

static void start(Rig *r)
{
    Error *err = NULL;
    set_up(r);
    cr_assert(background_start(r->e, &err));
}

static bool ask(Rig *r, unsigned n)
{
    return background_ask_locked(r->ac, unit_of_loop(r, n));
}

static void wait_until_idle(Rig *r)
{
    Background *b = &r->e->background;
    pthread_mutex_lock(&r->e->lock);
    while (b->first || b->current) {
        pthread_mutex_unlock(&r->e->lock);
        usleep(1000);
        pthread_mutex_lock(&r->e->lock);
    }
    pthread_mutex_unlock(&r->e->lock);
}

static void translate_all(Rig *r)
{
    for (unsigned n = 0; n < LOOPS; n++) /* not under the lock */
        unit_of_loop(r, n);
}

Test(background, the_thread_makes_what_it_is_asked_for, .timeout = 60)
{
    Rig r;
    start(&r);
    translate_all(&r);
    pthread_mutex_lock(&r.e->lock);
    cr_expect(ask(&r, 0) && ask(&r, 1) && ask(&r, 2));
    cr_expect(ask(&r, 1), "once is enough");
    cr_expect_eq(r.e->background.waiting, 3);
    pthread_mutex_unlock(&r.e->lock);
    wait_until_idle(&r);
    for (unsigned n = 0; n < LOOPS; n++)
        cr_expect_eq(unit_of_loop(&r, n)->tier, n < 3 ? 2 : 1);
    cr_expect_eq(r.e->stats.arrived, 3);
    tear_down(&r);
}

Test(background, the_queue_is_bounded, .timeout = 60)
{
    Rig r;
    unsigned taken = 0;
    start(&r);
    translate_all(&r);
    pthread_mutex_lock(&r.e->lock);
    while (taken < LOOPS && ask(&r, taken))
        taken++;
    pthread_mutex_unlock(&r.e->lock);
    cr_expect_lt(taken, LOOPS);
    cr_expect_eq(r.e->stats.refused, 1);
    wait_until_idle(&r);
    cr_expect_eq(r.e->stats.arrived, taken);
    tear_down(&r);
}

Test(background, what_is_overwritten_in_the_queue_does_not_arrive, .timeout = 60)
{
    Rig r;
    start(&r);
    translate_all(&r);
    pthread_mutex_lock(&r.e->lock);
    cr_expect(ask(&r, 0) && ask(&r, 1) && ask(&r, 2));
    RamAddr at = r.e->background.first->next->unit.ram;
    pthread_mutex_unlock(&r.e->lock);
    unit_invalidate_range(r.e, NULL, at, 4); /* or it has arrived by now, and goes again */
    wait_until_idle(&r);
    cr_expect_eq(unit_of_loop(&r, 0)->tier, 2);
    cr_expect_eq(unit_of_loop(&r, 1)->tier, 1);
    cr_expect_eq(unit_of_loop(&r, 2)->tier, 2);
    tear_down(&r);
}

/* As a flush of the code buffer does. */
static void flush(Rig *r)
{
    background_hold(r->e);
    pthread_mutex_lock(&r->e->lock);
    cr_expect(!r->e->background.first && !r->e->background.current);
    piece_forget_all(r->e);
    pthread_mutex_unlock(&r->e->lock);
    unit_of_loop(r, 0);
    pthread_mutex_lock(&r->e->lock);
    cr_expect(!ask(r, 0), "nothing is taken on meanwhile");
    pthread_mutex_unlock(&r->e->lock);
    background_go_on(r->e);
}

Test(background, a_flush_drops_everything_and_the_thread_goes_on, .timeout = 60)
{
    Rig r;
    start(&r);
    for (unsigned round = 0; round < 50; round++) {
        translate_all(&r);
        pthread_mutex_lock(&r.e->lock);
        for (unsigned n = 0; n < 10; n++)
            cr_expect(ask(&r, n));
        pthread_mutex_unlock(&r.e->lock);
        usleep(round * 50); /* at another point of its work each time */
        flush(&r);
    }
    const EngineStats *s = &r.e->stats;
    cr_expect_eq(s->asked, 500);
    cr_expect_eq(s->arrived + s->cancelled, s->asked);
    translate_all(&r);
    pthread_mutex_lock(&r.e->lock);
    cr_expect(ask(&r, 3));
    pthread_mutex_unlock(&r.e->lock);
    wait_until_idle(&r);
    cr_expect_eq(unit_of_loop(&r, 3)->tier, 2);
    tear_down(&r);
}

Test(background, what_was_dropped_may_be_asked_for_again, .timeout = 60)
{
    Rig r;
    start(&r);
    translate_all(&r);
    Unit *u = unit_of_loop(&r, 5);
    pthread_mutex_lock(&r.e->lock);
    u->heat = UINT8_MAX; /* done, as far as its samples go */
    cr_expect(ask(&r, 5));
    pthread_mutex_unlock(&r.e->lock);
    background_hold(r.e);
    cr_expect(atomic_load(&u->dead) || u->heat == 0);
    background_go_on(r.e);
    tear_down(&r);
}

Test(background, the_end_may_come_at_any_time, .timeout = 60)
{
    for (unsigned round = 0; round < 20; round++) {
        Rig r;
        start(&r);
        translate_all(&r);
        pthread_mutex_lock(&r.e->lock);
        cr_expect(ask(&r, 0) && ask(&r, 1));
        pthread_mutex_unlock(&r.e->lock);
        usleep(round * 50);
        tear_down(&r);
    }
}
