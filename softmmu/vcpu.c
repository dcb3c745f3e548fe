// SPDX-License-Identifier: MIT
//
// The vCPU base: kicks, queued work, the wait of a shootdown; contract in vcpu.h.
//
// Ordering of a shootdown: the sender queues work (work_pending is raised) and then looks at
// in_guest; the vCPU sets in_guest and then looks at work_pending. Both are sequentially
// consistent, so either the sender waits or the vCPU drains before it enters.
#include "softmmu/vcpu.h"

#include <sched.h>
#include <stdlib.h>

bool vcpu_init(VCPU *cpu, const CpuOps *ops, uint32_t index, MemorySpace *memory,
               VirtClock *clock, RunState *run, Log *log, Error **err)
{
    *cpu = (VCPU){ .ops = ops, .index = index, .memory = memory, .clock = clock, .run = run,
                   .log = log, .stop = true, .guest_mxcsr = 0x1f80, .host_mxcsr = 0x1f80 };
    cpu->work_tail = &cpu->work;
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
    for (VcpuWork *w; (w = cpu->work);) {
        cpu->work = w->next;
        free(w);
    }
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

void vcpu_queue_work(VCPU *cpu, void (*fn)(VCPU *, uint64_t, uint64_t), uint64_t a, uint64_t b)
{
    VcpuWork *w = malloc(sizeof(*w));
    if (!w)
        abort(); /* the host has no 40 bytes left: losing an invalidation would be worse */
    *w = (VcpuWork){ .fn = fn, .a = a, .b = b };
    pthread_mutex_lock(&cpu->lock);
    *cpu->work_tail = w;
    cpu->work_tail = &w->next;
    atomic_fetch_add(&cpu->work_pending, 1);
    atomic_store(&cpu->exit_request, 1);
    pthread_cond_signal(&cpu->wake);
    pthread_mutex_unlock(&cpu->lock);
}

void vcpu_queue_work_others(VCPU *cpu, void (*fn)(VCPU *, uint64_t, uint64_t), uint64_t a,
                            uint64_t b)
{
    for (uint32_t i = 0; i < cpu->peer_count; i++)
        if (cpu->peers[i] != cpu)
            vcpu_queue_work(cpu->peers[i], fn, a, b);
}

void vcpu_drain_work(VCPU *cpu)
{
    while (atomic_load(&cpu->work_pending)) {
        pthread_mutex_lock(&cpu->lock);
        VcpuWork *w = cpu->work;
        cpu->work = w->next;
        if (!cpu->work)
            cpu->work_tail = &cpu->work;
        pthread_mutex_unlock(&cpu->lock);
        w->fn(cpu, w->a, w->b);
        free(w);
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
