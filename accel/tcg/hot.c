// SPDX-License-Identifier: MIT
//
// Which code is hot: samples of the vCPU threads' program counters, taken by a timer on their own
// CPU time. Translated code knows nothing of it, and so pays nothing.
//
// The signal's handler notes where it interrupted translated code and asks the vCPU to come out of
// it; its loop then finds the unit, and has a region made of it when it was met often enough, and when
// it has been seen where indirect branches lead there (branch.c).
#include "accel/tcg/engine.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>
#include "util/bitops.h"

#define SAMPLE_NS 1000000 /* of CPU time; hosts have their own, coarser idea */
#define RING 16u
#define HEAT_ENOUGH 2
#define HEAT_MUCH 8     /* enough even if the process is another one just now */
#define HEAT_DONE UINT8_MAX
#define WAITING 8u      /* regions, for what indirect branches do */

/* By these a unit is found again, if it is still there. */
typedef struct HotPlace {
    RamAddr ram;
    Vaddr pc;
    uint64_t flags;
} HotPlace;

struct HotCpu {
    timer_t timer;
    VCPU *cpu;
    atomic_uint produced;
    unsigned consumed;
    uintptr_t ring[RING]; /* host program counters */
    HotPlace waiting[WAITING];
    unsigned waiting_count;
};

static void take_sample(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    HotCpu *h = info->si_code == SI_TIMER ? info->si_value.sival_ptr : NULL;
    if (!h || !atomic_load_explicit(&h->cpu->in_guest, memory_order_relaxed))
        return;
    unsigned n = atomic_load_explicit(&h->produced, memory_order_relaxed);
    h->ring[n % RING] = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
    atomic_store_explicit(&h->produced, n + 1, memory_order_relaxed);
    atomic_store_explicit(&h->cpu->exit_request, 1, memory_order_relaxed);
}

/* What indirect branches do has been observed for as long as it takes. */
static void make_waiting_locked(AccelCpu *ac)
{
    HotCpu *h = ac->hot;
    for (unsigned n = 0; n < h->waiting_count; n++) {
        const HotPlace *p = &h->waiting[n];
        Unit *u = unit_find(ac->engine, p->ram, p->pc, p->flags);
        if (u && u->tier == 1 && !background_ask_locked(ac, u))
            u->heat = 0; /* again by its samples */
    }
    h->waiting_count = 0;
}

static void make_soon_locked(AccelCpu *ac, Unit *u)
{
    HotCpu *h = ac->hot;
    u->heat = HEAT_DONE;
    h->waiting[h->waiting_count++] = (HotPlace){ u->ram, u->pc, u->flags };
    engine_observe_branches(ac);
}

void engine_hot_poll(AccelCpu *ac)
{
    HotCpu *h = ac->hot;
    if (ac->engine->tier2 == TIER2_ALWAYS)
        engine_observe_branches(ac);
    if (!h || ac->observed_exits)
        return;
    if (h->waiting_count) {
        pthread_mutex_lock(&ac->engine->lock);
        make_waiting_locked(ac);
        pthread_mutex_unlock(&ac->engine->lock);
    }
    if (atomic_load_explicit(&h->produced, memory_order_relaxed) == h->consumed)
        return;
    TcgEngine *e = ac->engine;
    pthread_mutex_lock(&e->lock);
    unsigned to = atomic_load_explicit(&h->produced, memory_order_relaxed);
    for (unsigned n = MAX(h->consumed, to - MIN(to, RING)); n != to && h->waiting_count < WAITING; n++) {
        Unit *u = unit_of_host_locked(e, h->ring[n % RING]);
        if (!u || u->tier != 1 || atomic_load(&u->dead) || u->heat == HEAT_DONE)
            continue;
        u->heat++;
        if (u->heat >= HEAT_MUCH || (u->heat >= HEAT_ENOUGH && region_is_here(ac, u)))
            make_soon_locked(ac, u);
    }
    h->consumed = to;
    pthread_mutex_unlock(&e->lock);
}

void engine_hot_thread(AccelCpu *ac)
{
    TcgEngine *e = ac->engine;
    struct sigaction action = { .sa_sigaction = take_sample, .sa_flags = SA_SIGINFO | SA_RESTART };
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = ENGINE_SIGNAL_HOT };
    clockid_t clock;
    sigaddset(&action.sa_mask, ENGINE_SIGNAL_PROFILE);
    if (e->tier2 != TIER2_AUTO || e->config.interpreter)
        return;
    HotCpu *h = calloc(1, sizeof(*h));
    if (!h)
        return;
    h->cpu = ac->cpu;
    event.sigev_value.sival_ptr = h;
    event._sigev_un._tid = ac->cpu->thread_id;
    const struct timespec period = { .tv_nsec = SAMPLE_NS };
    if (sigaction(ENGINE_SIGNAL_HOT, &action, NULL) || pthread_getcpuclockid(pthread_self(), &clock) ||
        timer_create(clock, &event, &h->timer)) {
        free(h); /* there is no second tier then, which `info jit` shows */
        return;
    }
    ac->hot = h;
    timer_settime(h->timer, 0, &(struct itimerspec){ period, period }, NULL);
}

void engine_hot_end(AccelCpu *ac)
{
    if (!ac->hot)
        return;
    sigset_t set; /* what is still pending must not find the memory gone */
    sigemptyset(&set);
    sigaddset(&set, ENGINE_SIGNAL_HOT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    timer_delete(ac->hot->timer);
    free(ac->hot);
    ac->hot = NULL;
}
