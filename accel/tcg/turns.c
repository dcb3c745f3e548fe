// SPDX-License-Identifier: MIT
//
// thread=single: one vCPU executes at a time, each in its turn. The threads stay, since devices and
// other vCPUs need them; who has the turn enters translated code, the others wait. A turn ends when
// the vCPU has nothing to do, or when another has waited for a time slice.
//
// Turns::lock is taken under a vCPU's lock, never the reverse.
#include "accel/tcg/engine.h"

#include <errno.h>
#include <time.h>

#define SLICE_NS 10000000L

bool engine_take_turn(AccelCpu *ac)
{
    Turns *t = &ac->engine->turns;
    if (!t->enabled)
        return true;
    pthread_mutex_lock(&t->lock);
    if (!t->holder) {
        t->holder = ac;
        atomic_store(&t->over, false);
    }
    ac->waits_for_turn = t->holder != ac;
    bool mine = !ac->waits_for_turn;
    pthread_mutex_unlock(&t->lock);
    return mine;
}

bool engine_in_turns(AccelCpu *ac)
{
    Turns *t = &ac->engine->turns;
    if (!t->enabled)
        return false;
    pthread_mutex_lock(&t->lock);
    bool in = t->holder == ac || ac->waits_for_turn;
    pthread_mutex_unlock(&t->lock);
    return in;
}

static AccelCpu *next_waiting_locked(const AccelCpu *ac)
{
    const TcgEngine *e = ac->engine;
    for (uint32_t i = 1; i < e->cpu_count; i++) {
        AccelCpu *other = e->cpus[(ac->cpu->index + i) % e->cpu_count];
        if (other->waits_for_turn)
            return other;
    }
    return NULL;
}

void engine_end_turn(AccelCpu *ac)
{
    Turns *t = &ac->engine->turns;
    AccelCpu *next = NULL;
    if (!t->enabled)
        return;
    pthread_mutex_lock(&t->lock);
    ac->waits_for_turn = false;
    if (t->holder == ac) {
        next = t->holder = next_waiting_locked(ac);
        atomic_store(&t->over, false);
    }
    if (next)
        next->waits_for_turn = false;
    pthread_mutex_unlock(&t->lock);
    if (next)
        vcpu_kick(next->cpu);
}

bool engine_offer_turn(AccelCpu *ac)
{
    Turns *t = &ac->engine->turns;
    if (!t->enabled)
        return false;
    pthread_mutex_lock(&t->lock);
    bool wanted = next_waiting_locked(ac);
    if (wanted)
        atomic_store(&t->over, true);
    pthread_mutex_unlock(&t->lock);
    return wanted;
}

bool engine_turn_is_over(AccelCpu *ac)
{
    return ac->engine->turns.enabled && atomic_load(&ac->engine->turns.over);
}

void engine_wait_for_turn(AccelCpu *ac)
{
    Turns *t = &ac->engine->turns;
    VCPU *cpu = ac->cpu;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SLICE_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (pthread_cond_timedwait(&cpu->wake, &cpu->lock, &until) != ETIMEDOUT)
        return;
    pthread_mutex_unlock(&cpu->lock);
    pthread_mutex_lock(&t->lock);
    VCPU *holder = t->holder && t->holder != ac ? t->holder->cpu : NULL;
    atomic_store(&t->over, holder != NULL);
    pthread_mutex_unlock(&t->lock);
    if (holder)
        vcpu_kick(holder);
    pthread_mutex_lock(&cpu->lock);
}
