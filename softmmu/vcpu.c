// SPDX-License-Identifier: MIT
//
// The vCPU base: kicks, queued work, the wait of a shootdown; contract in vcpu.h.
//
// Ordering of a shootdown: the sender queues work (work_pending is raised) and then looks at
// in_guest; the vCPU sets in_guest and then looks at work_pending. Both are sequentially
// consistent, so either the sender waits or the vCPU drains before it enters.
#include "softmmu/vcpu.h"

#include <assert.h>

bool vcpu_init(VCPU *cpu, const CpuOps *ops, uint32_t index, MemorySpace *memory,
               VirtClock *clock, RunState *run, Log *log, Error **err)
{
    *cpu = (VCPU){ .ops = ops, .index = index, .memory = memory, .clock = clock, .run = run,
                   .log = log, .stop = true, .guest_mxcsr = 0x1f80, .host_mxcsr = 0x1f80 };
    cpu->tlb = tlb_create();
    if (!cpu->tlb)
        return error_set(err, "out of memory for the TLB of CPU %u", index);
    pthread_mutex_init(&cpu->lock, NULL);
    pthread_cond_init(&cpu->wake, NULL);
    pthread_cond_init(&cpu->paused, NULL);
    return true;
}

void vcpu_fini(VCPU *cpu)
{
    if (!cpu->tlb)
        return;
    tlb_destroy(cpu->tlb);
    cpu->tlb = NULL;
    pthread_cond_destroy(&cpu->paused);
    pthread_cond_destroy(&cpu->wake);
    pthread_mutex_destroy(&cpu->lock);
}

void vcpu_kick(VCPU *cpu)
{
    atomic_store(&cpu->exit_request, 1);
    pthread_mutex_lock(&cpu->lock);
    pthread_cond_signal(&cpu->wake);
    pthread_mutex_unlock(&cpu->lock);
}

/* ---- queued work ------------------------------------------------------------------------ */

/* A vCPU that sleeps is left asleep: it does what is queued before it runs, and invalidations come
 * by the thousand. */
static void announce_locked(VCPU *cpu)
{
    atomic_fetch_add(&cpu->work_pending, 1);
    atomic_store(&cpu->exit_request, 1);
    if (atomic_load(&cpu->waiting))
        pthread_cond_signal(&cpu->wake);
}

static bool all_queued_locked(const VcpuQueue *q, const VcpuFlush *kind)
{
    for (uint32_t i = 0; i < q->all_count; i++)
        if (q->all[i] == kind)
            return true;
    return false;
}

/* work_pending never passes through 0 meanwhile: what was asked for is still to be done. */
static void coalesce_locked(VCPU *cpu)
{
    VcpuQueue *q = &cpu->queue;
    for (uint32_t i = 0; i < q->count; i++) {
        const VcpuFlush *kind = q->ring[i].kind;
        if (all_queued_locked(q, kind))
            continue;
        assert(q->all_count < VCPU_FLUSH_KINDS_MAX);
        q->all[q->all_count++] = kind;
        announce_locked(cpu);
    }
    atomic_fetch_sub(&cpu->work_pending, q->count);
    q->count = q->first = 0;
}

void vcpu_queue_flush(VCPU *cpu, const VcpuFlush *kind, uint64_t a, uint64_t b)
{
    VcpuQueue *q = &cpu->queue;
    pthread_mutex_lock(&cpu->lock);
    if (q->count == VCPU_FLUSHES_MAX)
        coalesce_locked(cpu);
    if (!all_queued_locked(q, kind)) {
        uint32_t i = (q->first + q->count++) % VCPU_FLUSHES_MAX;
        q->ring[i].kind = kind;
        q->ring[i].a = a;
        q->ring[i].b = b;
        announce_locked(cpu);
    }
    pthread_mutex_unlock(&cpu->lock);
}

void vcpu_queue_flush_others(VCPU *cpu, const VcpuFlush *kind, uint64_t a, uint64_t b)
{
    for (uint32_t i = 0; i < cpu->peer_count; i++)
        if (cpu->peers[i] != cpu)
            vcpu_queue_flush(cpu->peers[i], kind, a, b);
}

void vcpu_queue_start(VCPU *cpu, void (*fn)(VCPU *, uint64_t, uint64_t), uint64_t a, uint64_t b)
{
    VcpuQueue *q = &cpu->queue;
    pthread_mutex_lock(&cpu->lock);
    if (!q->start.fn)
        announce_locked(cpu);
    q->start.fn = fn;
    q->start.a = a;
    q->start.b = b;
    pthread_cond_signal(&cpu->wake);
    pthread_mutex_unlock(&cpu->lock);
}

/* Do one thing. The caller saw work_pending, and only this thread takes from the queue: there is
 * something. */
static void serve_queue(VCPU *cpu)
{
    VcpuQueue *q = &cpu->queue;
    void (*fn)(VCPU *, uint64_t, uint64_t) = NULL;
    void (*all)(VCPU *) = NULL;
    uint64_t a = 0, b = 0;
    pthread_mutex_lock(&cpu->lock);
    if (q->all_count) {
        all = q->all[--q->all_count]->all;
    } else if (q->count) {
        fn = q->ring[q->first].kind->one;
        a = q->ring[q->first].a;
        b = q->ring[q->first].b;
        q->first = (q->first + 1) % VCPU_FLUSHES_MAX;
        q->count--;
    } else {
        fn = q->start.fn;
        a = q->start.a;
        b = q->start.b;
        q->start.fn = NULL;
    }
    pthread_mutex_unlock(&cpu->lock);
    if (all)
        all(cpu);
    else
        fn(cpu, a, b);
}

/* Those that wait in vcpu_wait_others() look again. */
static void wake_waiting_peers(const VCPU *cpu)
{
    for (uint32_t i = 0; i < cpu->peer_count; i++) {
        VCPU *peer = cpu->peers[i];
        if (!atomic_load(&peer->waiting))
            continue;
        pthread_mutex_lock(&peer->lock);
        pthread_cond_signal(&peer->wake);
        pthread_mutex_unlock(&peer->lock);
    }
}

void vcpu_drain_work(VCPU *cpu)
{
    if (!atomic_load(&cpu->work_pending))
        return;
    do
        serve_queue(cpu);
    while (atomic_fetch_sub(&cpu->work_pending, 1) > 1);
    wake_waiting_peers(cpu);
}

/* ---- the wait of a shootdown -------------------------------------------------------------- */

static bool others_lag(const VCPU *cpu)
{
    for (uint32_t i = 0; i < cpu->peer_count; i++) {
        const VCPU *peer = cpu->peers[i];
        if (peer != cpu && atomic_load(&peer->work_pending) && atomic_load(&peer->in_guest))
            return true;
    }
    return false;
}

/* Another vCPU that runs answers within a microsecond; one that the host has put aside needs the
 * processor, perhaps this one: then waiting must not take it. */
#define WAIT_SPINS 1000

void vcpu_wait_others(VCPU *cpu)
{
    for (int i = 0; i < WAIT_SPINS; i++) {
        if (!others_lag(cpu))
            return;
        vcpu_drain_work(cpu);
    }
    atomic_store(&cpu->waiting, true);
    while (others_lag(cpu)) {
        vcpu_drain_work(cpu);
        pthread_mutex_lock(&cpu->lock);
        if (others_lag(cpu) && !atomic_load(&cpu->work_pending))
            pthread_cond_wait(&cpu->wake, &cpu->lock);
        pthread_mutex_unlock(&cpu->lock);
    }
    atomic_store(&cpu->waiting, false);
}

void vcpu_update_banks(VCPU *cpu)
{
    TlbKey key;
    cpu->ops->bank_key(cpu, false, &key);
    cpu->bank = tlb_bank(cpu->tlb, &key);
    cpu->ops->bank_key(cpu, true, &key);
    cpu->bank_unpriv = tlb_bank(cpu->tlb, &key);
}
