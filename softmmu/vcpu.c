// SPDX-License-Identifier: MIT
//
// The vCPU base: kicks, queued work, the wait of a shootdown; contract in vcpu.h.
//
// Ordering of a shootdown: the sender queues work (work_pending is raised) and then looks at
// in_guest; the vCPU sets in_guest and then looks at work_pending. Both are sequentially
// consistent, so either the sender waits or the vCPU drains before it enters.
#include "softmmu/vcpu.h"

#include <sched.h>

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

static void announce_locked(VCPU *cpu)
{
    atomic_fetch_add(&cpu->work_pending, 1);
    atomic_store(&cpu->exit_request, 1);
    pthread_cond_signal(&cpu->wake);
}

/* One flush of everything for what waits: work_pending never passes through 0 meanwhile. */
static void coalesce_locked(VCPU *cpu)
{
    VcpuQueue *q = &cpu->work;
    uint32_t dropped = q->count;
    q->count = 0;
    q->flush_all = true;
    announce_locked(cpu);
    atomic_fetch_sub(&cpu->work_pending, dropped);
}

void vcpu_queue_flush(VCPU *cpu, void (*fn)(VCPU *, uint64_t, uint64_t), uint64_t a, uint64_t b)
{
    VcpuQueue *q = &cpu->work;
    pthread_mutex_lock(&cpu->lock);
    if (!q->flush_all && q->count == VCPU_WORK_MAX)
        coalesce_locked(cpu);
    if (!q->flush_all) {
        q->ring[(q->first + q->count++) % VCPU_WORK_MAX] = (VcpuWork){ fn, a, b };
        announce_locked(cpu);
    }
    pthread_mutex_unlock(&cpu->lock);
}

void vcpu_queue_flush_others(VCPU *cpu, void (*fn)(VCPU *, uint64_t, uint64_t), uint64_t a,
                             uint64_t b)
{
    for (uint32_t i = 0; i < cpu->peer_count; i++)
        if (cpu->peers[i] != cpu)
            vcpu_queue_flush(cpu->peers[i], fn, a, b);
}

void vcpu_queue_start(VCPU *cpu, void (*fn)(VCPU *, uint64_t, uint64_t), uint64_t a, uint64_t b)
{
    pthread_mutex_lock(&cpu->lock);
    if (!cpu->work.start.fn)
        announce_locked(cpu);
    cpu->work.start = (VcpuWork){ fn, a, b };
    pthread_mutex_unlock(&cpu->lock);
}

static void flush_all_work(VCPU *cpu, uint64_t a, uint64_t b)
{
    (void)a;
    (void)b;
    tlb_flush_all(cpu->tlb);
}

/* The caller saw work_pending: only this thread takes from the queue, so there is something. */
static VcpuWork take_work(VCPU *cpu)
{
    VcpuQueue *q = &cpu->work;
    VcpuWork w = { .fn = flush_all_work };
    pthread_mutex_lock(&cpu->lock);
    if (q->flush_all) {
        q->flush_all = false;
    } else if (q->count) {
        w = q->ring[q->first];
        q->first = (q->first + 1) % VCPU_WORK_MAX;
        q->count--;
    } else {
        w = q->start;
        q->start.fn = NULL;
    }
    pthread_mutex_unlock(&cpu->lock);
    return w;
}

void vcpu_drain_work(VCPU *cpu)
{
    while (atomic_load(&cpu->work_pending)) {
        VcpuWork w = take_work(cpu);
        w.fn(cpu, w.a, w.b);
        atomic_fetch_sub(&cpu->work_pending, 1);
    }
}

void vcpu_wait_others(VCPU *cpu)
{
    for (uint32_t i = 0; i < cpu->peer_count; i++) {
        VCPU *peer = cpu->peers[i];
        while (peer != cpu && atomic_load(&peer->work_pending) && atomic_load(&peer->in_guest)) {
            vcpu_drain_work(cpu);
            sched_yield();
        }
    }
}

void vcpu_update_banks(VCPU *cpu)
{
    TlbKey key;
    cpu->ops->bank_key(cpu, false, &key);
    cpu->bank = tlb_bank(cpu->tlb, &key);
    cpu->ops->bank_key(cpu, true, &key);
    cpu->bank_unpriv = tlb_bank(cpu->tlb, &key);
}
