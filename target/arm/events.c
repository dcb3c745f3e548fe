// SPDX-License-Identifier: MIT
//
// WFE and SEV. Arm ARM D1.7.1 (wait for event), B2.12 (exclusive monitors), D12.1.4 (event stream
// of the virtual counter).
//
// A CPU that waits has the event register clear, and wakes at SEV, an interrupt that it would take,
// an event of the counter, or when its exclusive monitor is cleared. The monitor is a value to be
// compared (translate-loadstore.c), so that nobody tells this CPU about a store: it looks at the
// place. It does so often at first, because what spins in WFE waits for a short critical section,
// then lets other threads run, which may be those of the other CPUs, then sleeps. Waking too early is
// allowed, so no wait is long.
#include "target/arm/internal.h"

#include <sched.h>
#include <time.h>
#include "util/bitops.h"
#include "util/clock.h"

enum { CNTKCTL_EVNTEN = 1 << 2, CNTKCTL_EVNTDIR = 1 << 3, CNTKCTL_EVNTI_SHIFT = 4 };
enum { LOOKS_SPINNING = 64, LOOKS_YIELDING = 16 };
#define NAP_NS 50000          /* while a place in memory is watched */
#define LONGEST_NS 2000000

/* ---- the event register ------------------------------------------------------------------ */

void arm_send_event(ArmCpu *cpu)
{
    for (uint32_t i = 0; i < MAX(cpu->vcpu.peer_count, 1); i++) {
        ArmCpu *other = cpu->vcpu.peer_count ? arm_cpu(cpu->vcpu.peers[i]) : cpu;
        atomic_store(&other->event, 1);
        if (!atomic_load(&other->event_awaited))
            continue;
        pthread_mutex_lock(&other->vcpu.lock);
        pthread_cond_signal(&other->vcpu.wake);
        pthread_mutex_unlock(&other->vcpu.lock);
    }
}

/* ---- the event stream -------------------------------------------------------------------- */

typedef struct EventStream {
    bool enabled;
    unsigned bit;    /* of the counter, whose transitions are the events */
    uint64_t offset; /* added to the count makes them carries out of that bit */
} EventStream;

static EventStream event_stream(const ArmCpu *cpu)
{
    uint64_t ctl = cpu->cntkctl_el1;
    unsigned bit = ctl >> CNTKCTL_EVNTI_SHIFT & 15;
    return (EventStream){ ctl & CNTKCTL_EVNTEN, bit, ctl & CNTKCTL_EVNTDIR ? 0 : BIT(bit) };
}

/* Whether the stream had events since it was asked last. */
static bool stream_had_event(ArmCpu *cpu, const EventStream *s)
{
    uint64_t events = (arm_count(cpu) + s->offset) >> (s->bit + 1);
    bool had = s->enabled && events != cpu->events_seen;
    cpu->events_seen = events;
    return had;
}

/* How long it is until the next event. */
static int64_t stream_wait_ns(const ArmCpu *cpu, const EventStream *s)
{
    uint64_t left = BIT(s->bit + 1) - ((arm_count(cpu) + s->offset) & bit_mask(s->bit + 1));
    return s->enabled ? (int64_t)(left * NS_PER_SECOND / ARM_CNTFRQ_HZ) : LONGEST_NS;
}

/* ---- the exclusive monitor ---------------------------------------------------------------- */

/* The bytes that the local monitor covers, if they can be looked at; else NULL. */
static const void *monitored_bytes(const ArmCpu *cpu)
{
    Vaddr va = cpu->regs.excl_addr;
    const TlbEntry *e = tlb_entry(cpu->vcpu.bank, va);
    return va != UINT64_MAX && e->tag_read == (va & ~bit_mask(GUEST_PAGE_BITS))
               ? (const void *)(uintptr_t)(va + e->addend) : NULL;
}

/* Another CPU may be storing there. */
static bool monitor_is_lost(const ArmCpu *cpu, const void *host)
{
    switch (host ? cpu->excl_bytes : 0) {
    case 1: return __atomic_load_n((const uint8_t *)host, __ATOMIC_ACQUIRE) != cpu->regs.excl_lo;
    case 2: return __atomic_load_n((const uint16_t *)host, __ATOMIC_ACQUIRE) != cpu->regs.excl_lo;
    case 4: return __atomic_load_n((const uint32_t *)host, __ATOMIC_ACQUIRE) != cpu->regs.excl_lo;
    case 8: return __atomic_load_n((const uint64_t *)host, __ATOMIC_ACQUIRE) != cpu->regs.excl_lo;
    default: return false;
    }
}

/* ---- waiting ------------------------------------------------------------------------------ */

static bool must_wake(ArmCpu *cpu, const void *monitored)
{
    return atomic_load(&cpu->event) || atomic_load(&cpu->vcpu.exit_request) ||
           arm_interrupt_ready(&cpu->vcpu) || monitor_is_lost(cpu, monitored);
}

/* Until somebody signals or `until_ns` of the host's clock. */
static void nap(ArmCpu *cpu, const void *monitored, int64_t until_ns)
{
    VCPU *vcpu = &cpu->vcpu;
    struct timespec until = { until_ns / NS_PER_SECOND, until_ns % NS_PER_SECOND };
    pthread_mutex_lock(&vcpu->lock);
    atomic_store(&cpu->event_awaited, true);
    if (!must_wake(cpu, monitored))
        pthread_cond_clockwait(&vcpu->wake, &vcpu->lock, CLOCK_MONOTONIC, &until);
    atomic_store(&cpu->event_awaited, false);
    pthread_mutex_unlock(&vcpu->lock);
}

void arm_wait_for_event(VCPU *vcpu)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    EventStream stream = event_stream(cpu);
    const void *monitored = monitored_bytes(cpu);
    bool event = stream_had_event(cpu, &stream);
    int64_t end_ns = host_clock_ns() + MIN(stream_wait_ns(cpu, &stream), LONGEST_NS);
    for (unsigned looks = 0; !event && !must_wake(cpu, monitored); looks++) {
        int64_t now_ns = host_clock_ns();
        if (now_ns >= end_ns)
            break;
        if (monitored && looks < LOOKS_SPINNING)
            continue;
        if (monitored && looks < LOOKS_SPINNING + LOOKS_YIELDING)
            sched_yield();
        else
            nap(cpu, monitored, monitored ? MIN(now_ns + NAP_NS, end_ns) : end_ns);
    }
    atomic_store(&cpu->event, 0);
}
