// SPDX-License-Identifier: MIT
//
// The vCPU thread: waits while stopped, off or idle; drains queued work; takes interrupts; finds
// or makes the unit at the pc; enters it; acts on why it came back.
//
// Exclusive sections (room in the code buffer that cannot wait) need every vCPU outside translated code.
// A vCPU announces itself by `in_guest` before it looks at `exclusive_pending`, and the section
// does the reverse, so one of the two sees the other.
#include "accel/tcg/engine.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include <xmmintrin.h>
#include "util/bitops.h"
#include "util/clock.h"

/* ---- exclusive sections ----------------------------------------------------------------- */

void engine_exclusive_begin(TcgEngine *e, VCPU *self)
{
    pthread_mutex_lock(&e->exclusive_lock);
    while (atomic_load(&e->exclusive_pending))
        pthread_cond_wait(&e->exclusive_cond, &e->exclusive_lock);
    atomic_store(&e->exclusive_pending, true);
    for (uint32_t i = 0; i < e->cpu_count; i++) {
        VCPU *cpu = e->cpus[i]->cpu;
        while (cpu != self && atomic_load(&cpu->in_guest)) {
            vcpu_kick(cpu);
            pthread_cond_wait(&e->exclusive_cond, &e->exclusive_lock);
        }
    }
    pthread_mutex_unlock(&e->exclusive_lock);
}

void engine_exclusive_end(TcgEngine *e)
{
    pthread_mutex_lock(&e->exclusive_lock);
    atomic_store(&e->exclusive_pending, false);
    pthread_cond_broadcast(&e->exclusive_cond);
    pthread_mutex_unlock(&e->exclusive_lock);
}

static void guest_leave(TcgEngine *e, VCPU *cpu)
{
    AccelCpu *ac = cpu->accel;
    uint32_t outings = atomic_load_explicit(&ac->outings, memory_order_relaxed);
    atomic_store_explicit(&ac->outings, outings + 1, memory_order_release);
    atomic_store(&cpu->in_guest, false);
    if (atomic_load(&e->exclusive_pending)) {
        pthread_mutex_lock(&e->exclusive_lock);
        pthread_cond_broadcast(&e->exclusive_cond);
        pthread_mutex_unlock(&e->exclusive_lock);
    }
}

/* False: what the caller found when the code buffer's generation was `generation` may be gone, or be
 * about to go; or there is an exclusive section. */
static bool guest_enter(TcgEngine *e, VCPU *cpu, uint64_t generation)
{
    atomic_store(&cpu->in_guest, true);
    if (!atomic_load(&e->exclusive_pending) && !atomic_load(&cpu->work_pending) &&
        atomic_load(&e->generation) == generation)
        return true;
    guest_leave(e, cpu);
    pthread_mutex_lock(&e->exclusive_lock);
    while (atomic_load(&e->exclusive_pending))
        pthread_cond_wait(&e->exclusive_cond, &e->exclusive_lock);
    pthread_mutex_unlock(&e->exclusive_lock);
    return false;
}

bool engine_wants_no_chain(const TcgEngine *e)
{
    return log_on(e->log, LOG_NOCHAIN) || (e->config.without & TCG_NO_CHAINING);
}

void engine_log_changed(Accel *a)
{
    TcgEngine *e = container_of(a, TcgEngine, accel);
    bool no_chain = engine_wants_no_chain(e);
    if (!e->ctx || e->config.no_chain == no_chain)
        return;
    e->config.no_chain = no_chain;
    pthread_mutex_lock(&e->lock);
    piece_forget_all(e);
    pthread_mutex_unlock(&e->lock);
}

/* In the rare case that room is wanted before every vCPU has come out of what is given up for it. */
static void make_room(AccelCpu *ac)
{
    TcgEngine *e = ac->engine;
    int64_t start_ns = host_clock_ns();
    engine_exclusive_begin(e, ac->cpu);
    pthread_mutex_lock(&e->lock);
    /* Nobody was quicker? Nor is there one that looks as if it were inside, since guest_enter() is
     * about to turn it away: else once more. */
    if (tcg_piece_free(e->ctx) < 0.5 && piece_go_on_locked(e)) {
        e->stats.halts++;
        e->stats.longest_evict_ns = MAX(e->stats.longest_evict_ns,
                                        (uint64_t)(host_clock_ns() - start_ns));
    }
    pthread_mutex_unlock(&e->lock);
    engine_exclusive_end(e);
}

/* ---- finding code ----------------------------------------------------------------------- */

const void *engine_lookup(void *env, Vaddr pc)
{
    VCPU *cpu = vcpu_from_env(env);
    AccelCpu *ac = cpu->accel;
    FetchPlace place;
    ac->lookups++;
    if ((pc & bit_mask(cpu->ops->insn_align_log2)) || !engine_fetch_cached(cpu, pc, &place))
        return NULL;
    Unit *u = unit_find(ac->engine, place.ram, pc, place.flags);
    if (!u || ac->engine->config.no_chain)
        return NULL;
    ac->lookup_hits++;
    tlb_enter_jump(cpu->bank, pc, ac->engine->pc_shift, place.size_log2, u->entry,
                   u->span.code_page);
    return u->entry;
}

/* The unit at the CPU's pc. NULL: an exception was delivered, a breakpoint was met, or room had to
 * be made in the buffer; look at everything again. Breakpoints need no other check than this one, because
 * no unit runs over them or begins at them. */
static Unit *current_unit(AccelCpu *ac, FetchPlace *place)
{
    VCPU *cpu = ac->cpu;
    Vaddr pc = cpu->ops->get_pc(cpu);
    if (ac->engine->debug.breakpoint_count && engine_breakpoint_at(ac->engine, pc)) {
        engine_debug_stop(ac, ACCEL_STOP_BREAKPOINT, NULL);
        return NULL;
    }
    if (!engine_fetch_page(cpu, pc, place)) {
        cpu->ops->deliver(cpu);
        return NULL;
    }
    Unit *u = unit_get(ac, place->ram, pc, place->flags, place->host);
    if (!u)
        make_room(ac);
    return u;
}

static void link_exit(AccelCpu *ac, TcgSlot *slot, uint64_t generation, Unit *to)
{
    TcgEngine *e = ac->engine;
    pthread_mutex_lock(&e->lock);
    if (generation == e->generation && !atomic_load(&to->dead)) {
        Unit *from = tcg_code_opaque(tcg_slot_code(slot));
        if (from && !atomic_load(&from->dead)) {
            tcg_link(e->ctx, slot, to->code);
            ac->links++;
        }
    }
    pthread_mutex_unlock(&e->lock);
}

/* ---- running ---------------------------------------------------------------------------- */

static void log_entry(AccelCpu *ac, const Unit *u)
{
    TcgEngine *e = ac->engine;
    if (!log_on_at(e->log, LOG_EXEC | LOG_CPU, u->pc))
        return;
    char name[128];
    engine_describe(e, u->pc, name, sizeof(name));
    FILE *out = log_begin(e->log);
    if (log_on(e->log, LOG_EXEC))
        fprintf(out, "Trace %u: %p [%016llx/%016llx/%08llx/00000000] %s\n", ac->cpu->index,
                u->entry, 0ull, (unsigned long long)u->pc, (unsigned long long)u->flags, name);
    if (log_on(e->log, LOG_CPU))
        ac->cpu->ops->dump(ac->cpu, out, log_on(e->log, LOG_FPU));
    log_end(e->log);
}

static TcgExit enter_unit(AccelCpu *ac, const Unit *u)
{
    VCPU *cpu = ac->cpu;
    cpu->host_mxcsr = _mm_getcsr();
    _mm_setcsr(cpu->guest_mxcsr);
    TcgExit exit = tcg_enter(ac->thread, u->entry);
    cpu->guest_mxcsr = _mm_getcsr();
    _mm_setcsr(cpu->host_mxcsr);
    return exit;
}

static void handle_exit(VCPU *cpu, IrExitReason reason)
{
    switch (reason) {
    case IR_REASON_EXCEPTION:
        cpu->ops->deliver(cpu);
        break;
    case IR_REASON_WFI:
        pthread_mutex_lock(&cpu->lock);
        cpu->halted = true;
        pthread_mutex_unlock(&cpu->lock);
        break;
    case IR_REASON_WFE:
        if (!engine_offer_turn(cpu->accel))
            cpu->ops->wait_for_event(cpu);
        break;
    case IR_REASON_YIELD: /* the one that is waited for may have no host processor */
        if (!engine_offer_turn(cpu->accel) && cpu->peer_count > 1)
            sched_yield();
        break;
    default:
        break;
    }
}

/* One instruction for the debugger, by a unit of its own that nothing is linked to. The request
 * to exit makes an indirect branch come back, too. Interrupts are held off, or no step would get
 * out of a handler. */
static void step(AccelCpu *ac)
{
    VCPU *cpu = ac->cpu;
    FetchPlace place;
    Vaddr pc = cpu->ops->get_pc(cpu);
    uint64_t generation = ac->engine->generation;
    if (!engine_fetch_page(cpu, pc, &place)) {
        cpu->ops->deliver(cpu);
        engine_debug_stop(ac, ACCEL_STOP_STEP, NULL);
        return;
    }
    Unit *u = unit_get(ac, place.ram, pc, place.flags | UNIT_FLAG_ONE_INSN, place.host);
    if (!u) {
        make_room(ac);
        return;
    }
    if (!guest_enter(ac->engine, cpu, generation))
        return;
    log_entry(ac, u);
    atomic_store(&cpu->exit_request, 1);
    TcgExit exit = enter_unit(ac, u);
    guest_leave(ac->engine, cpu);
    ac->exits[exit.reason]++;
    handle_exit(cpu, exit.reason);
    engine_debug_stop(ac, ACCEL_STOP_STEP, NULL);
}

/* Run until the thread has to wait or end. */
static void run(AccelCpu *ac)
{
    VCPU *cpu = ac->cpu;
    TcgEngine *e = ac->engine;
    TcgSlot *slot = NULL;
    uint64_t slot_generation = 0;
    for (;;) {
        atomic_store(&cpu->exit_request, 0);
        vcpu_drain_work(cpu);
        /* pages that become code from now on are read after this vCPU's stores so far */
        tlb_forget_gone(cpu->tlb);
        /* whoever set this saw us in guest code, and had queued its request: it is done */
        atomic_store(&ac->may_write_unseen, false);
        if (cpu->stop || cpu->quit || cpu->halted || cpu->powered_off || engine_turn_is_over(ac))
            return;
        if (ac->mode == ACCEL_STEP) {
            vcpu_update_banks(cpu);
            step(ac);
            continue;
        }
        if (cpu->ops->interrupt_ready(cpu)) {
            cpu->ops->take_interrupt(cpu);
            slot = NULL;
        }
        vcpu_update_banks(cpu);
        engine_hot_poll(ac);
        FetchPlace place;
        uint64_t generation = e->generation;
        Unit *u = current_unit(ac, &place);
        if (!u) {
            slot = NULL;
            continue;
        }
        if (slot && !e->config.no_chain)
            link_exit(ac, slot, slot_generation, u);
        slot = NULL;
        if (!guest_enter(e, cpu, generation))
            continue;
        if (!e->config.no_chain) /* not before: nobody takes the unit away now */
            tlb_enter_jump(cpu->bank, u->pc, e->pc_shift, place.size_log2, u->entry,
                           u->span.code_page);
        log_entry(ac, u);
        if (ac->observed_exits) {
            ac->observed_exits--;
            atomic_store(&cpu->exit_request, 1);
        }
        TcgExit exit = enter_unit(ac, u);
        guest_leave(e, cpu);
        if (exit.branch)
            engine_note_branch(ac, exit.branch, generation);
        engine_profile_poll(ac);
        ac->exits[exit.reason]++;
        slot = exit.reason == IR_REASON_CHAIN ? exit.slot : NULL;
        slot_generation = generation;
        handle_exit(cpu, exit.reason);
    }
}

/* Under the lock: true when the vCPU may run, false when the thread is to end. */
static bool wait_until_runnable(AccelCpu *ac)
{
    VCPU *cpu = ac->cpu;
    pthread_mutex_lock(&cpu->lock);
    while (!cpu->quit) {
        if (atomic_load(&cpu->work_pending)) {
            pthread_mutex_unlock(&cpu->lock);
            vcpu_drain_work(cpu);
            pthread_mutex_lock(&cpu->lock);
            pthread_cond_signal(&cpu->paused);
            continue;
        }
        if (!cpu->stop && cpu->halted && cpu->ops->has_work(cpu))
            cpu->halted = false;
        if (!cpu->stop && !cpu->halted && !cpu->powered_off) {
            if (engine_take_turn(ac))
                break;
            engine_wait_for_turn(ac);
            continue;
        }
        if (engine_in_turns(ac)) {
            pthread_mutex_unlock(&cpu->lock);
            engine_end_turn(ac);
            pthread_mutex_lock(&cpu->lock);
            continue;
        }
        if (cpu->stop && !cpu->stopped) {
            cpu->stopped = true;
            pthread_cond_signal(&cpu->paused);
        }
        pthread_cond_wait(&cpu->wake, &cpu->lock);
    }
    bool go = !cpu->quit;
    pthread_mutex_unlock(&cpu->lock);
    return go;
}

void *engine_cpu_thread(void *opaque)
{
    AccelCpu *ac = opaque;
    char name[16];
    snprintf(name, sizeof(name), "CPU %u/TCG", ac->cpu->index);
    pthread_setname_np(pthread_self(), name);
    ac->cpu->thread_id = gettid();
    engine_profile_thread(ac);
    engine_hot_thread(ac);
    while (wait_until_runnable(ac)) {
        run(ac);
        engine_end_turn(ac);
    }
    engine_end_turn(ac);
    engine_hot_end(ac);
    return NULL;
}
