// SPDX-License-Identifier: MIT
// Room in the code buffer: which code goes when there is no more, and when.
#include <criterion/criterion.h>

#include <unistd.h>
#include "tcg/internal.h"
#include "tests/unit/loops.h"
#include "util/bitops.h"

enum { LOOPS = 100000 }; /* several times what fits into the smallest buffer */

static const AccelOption smallest = { .name = "tb-size", .value = "1" };

static void set_up(Loops *l)
{
    loops_create(l, LOOPS, &smallest, 1);
    cr_assert_geq(l->e->piece_count, 4);
}

static Unit *find(Loops *l, unsigned n)
{
    FetchPlace place = loops_place(l, n);
    return unit_find(l->e, place.ram, MACHINE_ENTRY + n * LOOP_BYTES, place.flags);
}

/* As the CPU's thread does between units. */
static Unit *translate(Loops *l, unsigned n)
{
    Unit *u = loops_translate(l, n);
    vcpu_drain_work(&l->m.cpu->vcpu);
    return u;
}

/* From loop `n` on until `pieces` pieces were cleared. Returns the first that was not translated. */
static unsigned translate_until(Loops *l, unsigned n, uint64_t pieces)
{
    for (; l->e->stats.evicted_pieces < pieces; n++) {
        cr_assert_lt(n, LOOPS);
        cr_assert(translate(l, n));
    }
    return n;
}

/* How many of the loops before `end` are there; those must be the last ones. */
static unsigned count_last(Loops *l, unsigned end)
{
    unsigned first = end;
    while (first && find(l, first - 1))
        first--;
    for (unsigned n = 0; n < first; n++)
        cr_assert(!find(l, n), "loop %u of %u", n, end);
    return end - first;
}

Test(piece, the_oldest_code_goes_and_only_that)
{
    Loops l;
    set_up(&l);
    unsigned end = translate_until(&l, 0, 1);
    unsigned filled = end, there = count_last(&l, end);
    cr_expect_gt(there, filled / 2);
    cr_expect_lt(there, filled);
    /* it goes on like that, as long as there is something to translate */
    end = translate_until(&l, end, 3 * l.e->piece_count);
    there = count_last(&l, end);
    cr_expect_gt(there, filled / 2);
    cr_expect_eq(l.e->stats.halts, 0);
    cr_expect_geq(l.e->stats.evicted_units + there, end);
    cr_expect_leq(tcg_buffer_used(l.e->ctx), tcg_buffer_size(l.e->ctx));
    loops_destroy(&l);
}

Test(piece, host_addresses_lead_to_the_unit_that_has_them_now)
{
    Loops l;
    size_t bytes;
    set_up(&l);
    unsigned end = translate_until(&l, 0, 3);
    for (unsigned n = end - count_last(&l, end); n < end; n++) {
        Unit *u = find(&l, n);
        uintptr_t at = (uintptr_t)tcg_code_bytes(u->code, &bytes);
        cr_assert_eq(unit_of_host_locked(l.e, at), u);
        cr_assert_eq(unit_of_host_locked(l.e, at + bytes - 1), u);
    }
    loops_destroy(&l);
}

Test(piece, pages_without_code_are_data_again)
{
    Loops l;
    set_up(&l);
    cr_assert(translate(&l, 0));
    RamAddr ram = loops_place(&l, 0).ram;
    cr_expect(unit_covers(l.e, ram, LOOP_INSNS * 4));
    translate_until(&l, 1, 2);
    cr_expect(!unit_covers(l.e, ram, GUEST_PAGE_SIZE));
    cr_expect_null(l.e->pages[ram >> GUEST_PAGE_BITS].spans);
    loops_destroy(&l);
}

/* Few enough that none takes the place of another in the cache. */
Test(piece, jump_caches_lead_to_no_code_that_is_given_up)
{
    Loops l;
    set_up(&l);
    VCPU *cpu = &l.m.cpu->vcpu;
    unsigned entered = 0, there = 0;
    for (unsigned n = 0; l.e->stats.evicted_pieces < 3; n++) {
        const Unit *u = translate(&l, n);
        cr_assert(u);
        if (n % 97)
            continue;
        tlb_enter_jump(cpu->bank, u->pc, l.e->pc_shift, GUEST_PAGE_BITS, u->entry, u->span.code_page);
        entered++;
        there = 0;
        for (unsigned old = 0; old <= n; old += 97) {
            const void *code = tlb_jump_find(cpu->bank, MACHINE_ENTRY + old * LOOP_BYTES, l.e->pc_shift);
            u = find(&l, old);
            cr_assert_eq(code, u ? u->entry : NULL, "loop %u of %u", old, n);
            there += u != NULL;
        }
    }
    cr_expect(there && there < entered, "%u of %u", there, entered);
    loops_destroy(&l);
}

/* What it finds now it may still hold when it looks at the generation. */
Test(piece, who_found_something_before_is_told)
{
    Loops l;
    set_up(&l);
    uint64_t before = l.e->generation;
    for (unsigned n = 0; l.e->empty_pieces; n++)
        cr_assert(translate(&l, n));
    cr_expect_eq(l.e->generation, before, "nothing is gone yet");
    translate_until(&l, 0, 1);
    cr_expect_gt(l.e->generation, before);
    loops_destroy(&l);
}

Test(piece, nothing_is_cleared_while_a_vcpu_may_be_in_it)
{
    Loops l;
    set_up(&l);
    VCPU *cpu = &l.m.cpu->vcpu;
    atomic_store(&l.ac->outings, 5);
    atomic_store(&cpu->in_guest, true); /* and so it stays, like one that waits in a helper */
    unsigned n = 0;
    while (n < LOOPS && translate(&l, n))
        n++;
    cr_assert_lt(n, LOOPS, "there was room for everything");
    cr_expect_eq(l.e->stats.evicted_pieces, 0);
    cr_expect(!translate(&l, n));
    /* it was out for a moment, after it had been asked */
    atomic_fetch_add(&l.ac->outings, 1);
    cr_expect(translate(&l, n));
    cr_expect_eq(l.e->stats.evicted_pieces, 1);
    atomic_store(&cpu->in_guest, false);
    translate_until(&l, n + 1, 3);
    loops_destroy(&l);
}

Test(piece, who_was_outside_when_it_was_given_up_is_not_waited_for)
{
    Loops l;
    set_up(&l);
    const Piece *victim = &l.e->pieces[0];
    unsigned n = 0;
    while (!victim->retired || victim->retired < victim->units.used)
        cr_assert(translate(&l, n++));
    cr_assert_eq(l.e->stats.evicted_pieces, 0);
    atomic_store(&l.m.cpu->vcpu.in_guest, true);
    translate_until(&l, n, 1);
    atomic_store(&l.m.cpu->vcpu.in_guest, false);
    loops_destroy(&l);
}

/* Linked from code that is newer, and older. */
Test(piece, links_end_with_either_side)
{
    Loops l;
    set_up(&l);
    unsigned end = translate_until(&l, 0, 1);
    for (unsigned n = 0; n < 200; n++) {
        unsigned last = end + n;
        const Unit *u = translate(&l, last), *neighbour = find(&l, last - 1 - n % 50);
        cr_assert(u && neighbour);
        tcg_link(l.e->ctx, &u->code->slots[0], neighbour->code);
        tcg_link(l.e->ctx, &neighbour->code->slots[0], u->code);
    }
    unsigned links = 0;
    end = translate_until(&l, end + 200, 2);
    for (uint64_t pieces = 3; pieces < l.e->piece_count + 3; pieces++) {
        end = translate_until(&l, end, pieces);
        for (unsigned n = end - count_last(&l, end); n < end; n++) {
            const TcgCode *to = atomic_load(&find(&l, n)->code->slots[0].target);
            links += to != NULL;
            cr_assert(!to || !to->dead, "loop %u of %u", n, end);
        }
    }
    cr_expect_gt(links, 100);
    loops_destroy(&l);
}

Test(piece, a_compiler_has_a_piece_of_its_own)
{
    Loops l;
    set_up(&l);
    TcgCompiler *c = tcg_compiler_create(l.e->ctx);
    cr_assert(c);
    cr_expect_eq(tcg_compiler_free(c), 0);
    cr_expect(piece_go_on_aside_locked(l.e, c));
    cr_expect_neq(tcg_compiler_piece(c), tcg_piece(l.e->ctx));
    uint32_t mine = tcg_compiler_piece(c);
    unsigned end = translate_until(&l, 0, 2 * l.e->piece_count);
    cr_expect_eq(l.e->pieces[mine].state, PIECE_FILLING);
    cr_expect_gt(tcg_compiler_free(c), 0.9);
    /* what it leaves is the newest of all */
    while (!piece_go_on_aside_locked(l.e, c))
        vcpu_drain_work(&l.m.cpu->vcpu);
    cr_expect_neq(tcg_compiler_piece(c), mine);
    cr_expect_eq(l.e->pieces[mine].filled, l.e->last_filled);
    translate_until(&l, end, 3 * l.e->piece_count);
    piece_forget_all(l.e);
    cr_expect_eq(tcg_compiler_free(c), 0, "and has none after all was forgotten");
    tcg_compiler_destroy(c);
    loops_destroy(&l);
}

/* ---- with others at the same time ------------------------------------------------------- */

typedef struct Watcher {
    Loops *l;
    const Unit *u;
    atomic_bool ready;
    bool was_watched;
} Watcher;

/* The vCPU cannot be asked for anything meanwhile. */
static void *watch(void *opaque)
{
    Watcher *w = opaque;
    pthread_mutex_lock(&w->l->m.cpu->vcpu.lock);
    atomic_store(&w->ready, true);
    while (!atomic_load(&w->u->dead))
        usleep(100);
    usleep(20000);
    w->was_watched = unit_covers(w->l->e, w->u->ram, 1);
    pthread_mutex_unlock(&w->l->m.cpu->vcpu.lock);
    return NULL;
}

/* It could write to the code unheard, and then branch to what it was. */
Test(piece, code_is_watched_until_vcpus_are_asked_to_leave_it)
{
    Loops l;
    set_up(&l);
    pthread_t thread;
    Watcher w = { .l = &l, .u = translate(&l, 0) };
    cr_assert_eq(pthread_create(&thread, NULL, watch, &w), 0);
    while (!atomic_load(&w.ready))
        usleep(100);
    for (unsigned n = 1; !atomic_load(&w.u->dead); n++)
        cr_assert(loops_translate(&l, n));
    pthread_join(thread, NULL);
    cr_expect(w.was_watched);
    cr_expect(!unit_covers(l.e, w.u->ram, 1));
    loops_destroy(&l);
}

typedef struct Search {
    const Loops *l;
    uint64_t generation;
    size_t used;
    bool untouched;
} Search;

static void *search(void *opaque)
{
    Search *s = opaque;
    while (s->l->e->generation == s->generation)
        usleep(100);
    usleep(10000);
    s->untouched = tcg_buffer_used(s->l->e->ctx) == s->used;
    atomic_store(&s->l->ac->searching, false);
    return NULL;
}

Test(piece, nothing_is_cleared_while_somebody_searches_among_its_units)
{
    Loops l;
    set_up(&l);
    pthread_t thread;
    for (unsigned n = 0; l.e->empty_pieces; n++)
        cr_assert(translate(&l, n));
    Search s = { &l, l.e->generation, tcg_buffer_used(l.e->ctx), false };
    atomic_store(&l.ac->searching, true);
    cr_assert_eq(pthread_create(&thread, NULL, search, &s), 0);
    cr_expect(piece_go_on_locked(l.e));
    pthread_join(thread, NULL);
    cr_expect(s.untouched);
    cr_expect_eq(l.e->stats.evicted_pieces, 1);
    loops_destroy(&l);
}

/* Loops that end at once, and lead to the next one. The last waits for the end of it all. */
static void write_chain(Loops *l)
{
    for (unsigned n = 0; n < LOOPS; n++) {
        const uint32_t branch = 0x14000000 | (n + 1 < LOOPS ? LOOP_BYTES / 4 : 0);
        memcpy(memory_host(&l->m.memory, MACHINE_ENTRY + n * LOOP_BYTES, 4, true), &branch, 4);
    }
}

typedef struct Visitor {
    TcgEngine *e;
    AccelCpu *ac;
    TcgCompiler *compiler;
    atomic_bool done;
    unsigned visits;
} Visitor;

static void leave_guest(Visitor *v)
{
    atomic_fetch_add(&v->ac->outings, 1);
    atomic_store(&v->ac->cpu->in_guest, false);
    pthread_mutex_lock(&v->e->exclusive_lock);
    pthread_cond_broadcast(&v->e->exclusive_cond);
    pthread_mutex_unlock(&v->e->exclusive_lock);
}

/* A vCPU that stays in translated code until there is an exclusive section, and is put aside by the
 * host on its way in again, where it would see that there is one. And a compiler that is quicker: the
 * piece that all have come out of is its own. */
static void *visit(void *opaque)
{
    Visitor *v = opaque;
    while (!atomic_load(&v->done)) {
        atomic_store(&v->ac->cpu->in_guest, true);
        while (!atomic_load(&v->e->exclusive_pending) && !atomic_load(&v->done))
            usleep(10);
        atomic_fetch_add(&v->ac->outings, 1);
        pthread_mutex_lock(&v->e->lock);
        piece_go_on_aside_locked(v->e, v->compiler);
        pthread_mutex_unlock(&v->e->lock);
        leave_guest(v);
        usleep(20 + 40 * (v->visits++ % 16));
        atomic_store(&v->ac->cpu->in_guest, true);
        usleep(1000);
        leave_guest(v);
    }
    return NULL;
}

static void wait_for_unit(Loops *l, const FetchPlace *place, Vaddr pc)
{
    bool found = false;
    for (; !found; usleep(1000)) {
        pthread_mutex_lock(&l->e->lock);
        found = unit_find(l->e, place->ram, pc, place->flags);
        pthread_mutex_unlock(&l->e->lock);
    }
}

Test(piece, room_is_made_while_others_look_in)
{
    Loops l;
    Error *err = NULL;
    set_up(&l);
    write_chain(&l);
    Machine *m = &l.m;
    ArmCpu *other = arm_cpu_create("max", 1, &m->memory, m->clock, &m->run, m->log, &err);
    cr_assert(other && m->accel->add_cpu(m->accel, &other->vcpu, &err));
    Visitor v = { .e = l.e, .ac = other->vcpu.accel,
                  .compiler = tcg_compiler_create(l.e->ctx) };
    FetchPlace last = loops_place(&l, LOOPS - 1);
    pthread_t thread;
    other->vcpu.powered_off = true;
    cr_assert(v.compiler && m->accel->start(m->accel, &err));
    cr_assert_eq(pthread_create(&thread, NULL, visit, &v), 0);
    m->accel->resume(m->accel);
    wait_for_unit(&l, &last, MACHINE_ENTRY + (LOOPS - 1) * LOOP_BYTES);
    atomic_store(&v.done, true);
    pthread_join(thread, NULL);
    cr_expect_gt(l.e->stats.halts, 0);
    tcg_compiler_destroy(v.compiler);
    loops_destroy(&l);
}
