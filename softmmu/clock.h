// SPDX-License-Identifier: MIT
//
// Virtual time: nanoseconds that pass while the machine runs and stand still while it is
// stopped. Timers fire on the main-loop thread, never early, in order of their deadlines (while the
// clock runs, as exactly as the host's timers do).
//
// vclock_now_ns() takes no lock. Arming and cancelling take a lock that a timer shares with few
// others and may be done by any thread. A callback runs without that lock held and may arm its timer anew. After
// timer_cancel() returns the callback may still be running on the main-loop thread; owners guard
// their state with their device lock and look at it again.
#ifndef SOFTMMU_CLOCK_H
#define SOFTMMU_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"

#define NS_PER_SECOND INT64_C(1000000000)

typedef struct VirtClock VirtClock;

typedef struct ClockShard ClockShard;

typedef struct Timer {
    VirtClock *clock;
    ClockShard *shard; /* where it stands while armed */
    void (*fire)(void *opaque);
    void *opaque;
    int64_t deadline_ns; /* valid while armed */
    int heap_index;      /* -1: not armed */
} Timer;

struct MainLoop;

/* A stopped clock at 0 whose timers fire from `loop`. */
VirtClock *vclock_create(struct MainLoop *loop, Error **err);
void vclock_destroy(VirtClock *clock);
int64_t vclock_now_ns(const VirtClock *clock);
void vclock_start(VirtClock *clock);
void vclock_stop(VirtClock *clock);

/* Of the timer that fires next; -1: none is armed. */
int64_t vclock_deadline_ns(VirtClock *clock);
/* Set a stopped clock forward to `to_ns` (an earlier time is ignored): timers that are due fire in
 * order, each at its time. On the main-loop thread. */
void vclock_advance(VirtClock *clock, int64_t to_ns);

void timer_init(Timer *t, VirtClock *clock, void (*fire)(void *opaque), void *opaque);
/* Fire once virtual time reaches `deadline_ns` (replaces an earlier deadline). */
void timer_arm(Timer *t, int64_t deadline_ns);
void timer_cancel(Timer *t);
bool timer_armed(const Timer *t);

#endif
