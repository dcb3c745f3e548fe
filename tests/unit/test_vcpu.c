// SPDX-License-Identifier: MIT
//
// Work that is queued for a vCPU: done in order, bounded, and never lost in effect.
#include <criterion/criterion.h>

#include "softmmu/vcpu.h"

typedef struct Rig {
    VCPU cpu, other;
    VCPU *peers[2];
} Rig;

/* What the functions below did, by way of the second argument. */
typedef struct Trace {
    uint64_t seen[VCPU_FLUSHES_MAX];
    unsigned count;
} Trace;

static void rig_init(Rig *r)
{
    static const CpuOps ops = { .arch = "none" };
    Error *err = NULL;
    cr_assert(vcpu_init(&r->cpu, &ops, 0, NULL, NULL, NULL, NULL, &err));
    cr_assert(vcpu_init(&r->other, &ops, 1, NULL, NULL, NULL, NULL, &err));
    r->peers[0] = &r->cpu;
    r->peers[1] = &r->other;
    r->cpu.peers = r->other.peers = r->peers;
    r->cpu.peer_count = r->other.peer_count = 2;
}

static void rig_fini(Rig *r)
{
    vcpu_fini(&r->cpu);
    vcpu_fini(&r->other);
}

static void note(VCPU *cpu, uint64_t value, uint64_t trace)
{
    Trace *t = (Trace *)(uintptr_t)trace;
    t->seen[t->count++] = value;
}

/* These say that they ran by what no vCPU without an engine uses. */
static void all_of_a(VCPU *cpu)
{
    cpu->guest_mxcsr += 1;
}

static void all_of_b(VCPU *cpu)
{
    cpu->guest_mxcsr += 0x10000;
}

static const VcpuFlush kind_a = { note, all_of_a }, kind_b = { note, all_of_b };

static unsigned all_a(const VCPU *cpu)
{
    return (cpu->guest_mxcsr - 0x1f80) & 0xffff;
}

static unsigned all_b(const VCPU *cpu)
{
    return (cpu->guest_mxcsr - 0x1f80) >> 16;
}

Test(vcpu, queued_invalidations_are_done_in_order)
{
    Rig r;
    Trace t = { .count = 0 };
    rig_init(&r);
    for (uint64_t i = 0; i < VCPU_FLUSHES_MAX; i++)
        vcpu_queue_flush(&r.cpu, i % 2 ? &kind_a : &kind_b, i, (uintptr_t)&t);
    cr_assert(atomic_load(&r.cpu.exit_request));
    vcpu_drain_work(&r.cpu);
    cr_assert_eq(t.count, VCPU_FLUSHES_MAX);
    for (uint64_t i = 0; i < VCPU_FLUSHES_MAX; i++)
        cr_assert_eq(t.seen[i], i);
    cr_assert_eq(all_a(&r.cpu) + all_b(&r.cpu), 0);
    rig_fini(&r);
}

Test(vcpu, too_many_of_a_kind_become_one_of_everything)
{
    Rig r;
    Trace t = { .count = 0 };
    rig_init(&r);
    for (uint64_t i = 0; i < 1000; i++)
        vcpu_queue_flush(&r.cpu, &kind_a, i, (uintptr_t)&t);
    cr_assert(atomic_load(&r.cpu.work_pending));
    vcpu_drain_work(&r.cpu);
    cr_assert_eq(t.count, 0);
    cr_assert_eq(all_a(&r.cpu), 1);
    cr_assert_eq(all_b(&r.cpu), 0);
    cr_assert_eq(atomic_load(&r.cpu.work_pending), 0);
    /* and then the queue is as good as new */
    vcpu_queue_flush(&r.cpu, &kind_a, 7, (uintptr_t)&t);
    vcpu_drain_work(&r.cpu);
    cr_assert_eq(t.count, 1);
    cr_assert_eq(t.seen[0], 7);
    rig_fini(&r);
}

Test(vcpu, each_kind_in_a_full_queue_is_replaced_by_its_own)
{
    Rig r;
    Trace t = { .count = 0 };
    rig_init(&r);
    vcpu_queue_flush(&r.cpu, &kind_b, 5, (uintptr_t)&t);
    for (uint64_t i = 0; i < VCPU_FLUSHES_MAX; i++)
        vcpu_queue_flush(&r.cpu, &kind_a, i, (uintptr_t)&t);
    vcpu_drain_work(&r.cpu);
    cr_assert_eq(t.count, 0);
    cr_assert_eq(all_a(&r.cpu), 1);
    cr_assert_eq(all_b(&r.cpu), 1);
    rig_fini(&r);
}

Test(vcpu, a_start_outlives_the_replacement_of_invalidations)
{
    Rig r;
    Trace start = { .count = 0 }, t = { .count = 0 };
    rig_init(&r);
    vcpu_queue_start(&r.cpu, note, 0x40080000, (uintptr_t)&start);
    for (uint64_t i = 0; i < 1000; i++)
        vcpu_queue_flush(&r.cpu, &kind_a, i, (uintptr_t)&t);
    vcpu_drain_work(&r.cpu);
    cr_assert_eq(start.count, 1);
    cr_assert_eq(start.seen[0], 0x40080000);
    cr_assert_eq(atomic_load(&r.cpu.work_pending), 0);
    rig_fini(&r);
}

Test(vcpu, others_get_what_is_queued_for_others)
{
    Rig r;
    Trace t = { .count = 0 };
    rig_init(&r);
    vcpu_queue_flush_others(&r.cpu, &kind_a, 1, (uintptr_t)&t);
    cr_assert_eq(atomic_load(&r.cpu.work_pending), 0);
    vcpu_wait_others(&r.cpu); /* the other is not in guest code: no wait */
    vcpu_drain_work(&r.other);
    cr_assert_eq(t.count, 1);
    rig_fini(&r);
}
