// SPDX-License-Identifier: MIT
//
// The generic timers of EL1: physical and virtual. Arm ARM D12. The count is derived from the
// virtual clock; an armed timer is a Timer of that clock, which raises the output line from the
// main-loop thread. `lock` of each timer guards its two registers between that thread and the
// vCPU's.
#include "target/arm/internal.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

static uint64_t muldiv(uint64_t a, uint64_t b, uint64_t c)
{
    unsigned __int128 r = (unsigned __int128)a * b / c;
    return r > INT64_MAX ? INT64_MAX : (uint64_t)r;
}

uint64_t arm_count(const ArmCpu *cpu)
{
    return muldiv((uint64_t)vclock_now_ns(cpu->vcpu.clock), ARM_CNTFRQ_HZ, NS_PER_SECOND);
}

/* The first nanosecond at which the count has reached `count`. */
static int64_t count_to_ns(uint64_t count)
{
    unsigned __int128 ns = ((unsigned __int128)count * NS_PER_SECOND + ARM_CNTFRQ_HZ - 1) /
                           ARM_CNTFRQ_HZ;
    return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static bool condition_met(const ArmTimer *t)
{
    return arm_count(t->cpu) >= t->cval;
}

/* Level of the line, and the next moment at which it may change. */
static void update_locked(ArmTimer *t)
{
    bool enabled = t->ctl & CTL_ENABLE, met = enabled && condition_met(t);
    if (enabled && !met)
        timer_arm(&t->timer, count_to_ns(t->cval));
    else
        timer_cancel(&t->timer);
    irq_set(&t->out, met && !(t->ctl & CTL_IMASK));
}

static void fire(void *opaque)
{
    ArmTimer *t = opaque;
    pthread_mutex_lock(&t->lock);
    update_locked(t);
    pthread_mutex_unlock(&t->lock);
}

bool arm_timers_create(ArmCpu *cpu, Error **err)
{
    (void)err;
    for (int i = 0; i < ARM_TIMER_COUNT; i++) {
        ArmTimer *t = &cpu->timers[i];
        t->cpu = cpu;
        pthread_mutex_init(&t->lock, NULL);
        timer_init(&t->timer, cpu->vcpu.clock, fire, t);
    }
    return true;
}

void arm_timers_destroy(ArmCpu *cpu)
{
    for (int i = 0; i < ARM_TIMER_COUNT; i++) {
        timer_cancel(&cpu->timers[i].timer);
        pthread_mutex_destroy(&cpu->timers[i].lock);
    }
}

static void set(ArmTimer *t, uint64_t cval, uint64_t ctl)
{
    pthread_mutex_lock(&t->lock);
    t->cval = cval;
    t->ctl = ctl & (CTL_ENABLE | CTL_IMASK);
    update_locked(t);
    pthread_mutex_unlock(&t->lock);
}

void arm_timers_reset(ArmCpu *cpu)
{
    for (int i = 0; i < ARM_TIMER_COUNT; i++)
        set(&cpu->timers[i], 0, 0);
}

uint64_t arm_timer_read_ctl(ArmCpu *cpu, ArmTimerId id)
{
    ArmTimer *t = &cpu->timers[id];
    bool met = (t->ctl & CTL_ENABLE) && condition_met(t);
    return t->ctl | (met ? CTL_ISTATUS : 0);
}

void arm_timer_write_ctl(ArmCpu *cpu, ArmTimerId id, uint64_t value)
{
    set(&cpu->timers[id], cpu->timers[id].cval, value);
}

uint64_t arm_timer_read_cval(ArmCpu *cpu, ArmTimerId id)
{
    return cpu->timers[id].cval;
}

void arm_timer_write_cval(ArmCpu *cpu, ArmTimerId id, uint64_t value)
{
    set(&cpu->timers[id], value, cpu->timers[id].ctl);
}

uint64_t arm_timer_read_tval(ArmCpu *cpu, ArmTimerId id)
{
    return (uint32_t)(cpu->timers[id].cval - arm_count(cpu));
}

void arm_timer_write_tval(ArmCpu *cpu, ArmTimerId id, uint64_t value)
{
    arm_timer_write_cval(cpu, id, arm_count(cpu) + (uint64_t)(int64_t)(int32_t)value);
}
