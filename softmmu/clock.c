// SPDX-License-Identifier: MIT
//
// Virtual time and its timers; contract in clock.h.
//
// While running, now = host monotonic + offset; while stopped, now = `frozen`. The two are read
// without a lock under a sequence counter. Timers stand in a binary heap under `lock`; a timerfd
// in the main loop is set to the earliest.
#include "softmmu/clock.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "softmmu/mainloop.h"
#include "util/bitops.h"
#include "util/clock.h"

struct VirtClock {
    atomic_uint sequence; /* odd while the three below change */
    atomic_bool running;
    _Atomic int64_t offset_ns, frozen_ns;

    pthread_mutex_t lock;
    Timer **heap;
    int count, capacity;
    int64_t programmed_ns; /* what the timerfd is set to, INT64_MAX: nothing */
    int timer_fd;
    LoopWatch *watch;
};

int64_t vclock_now_ns(const VirtClock *clock)
{
    VirtClock *c = (VirtClock *)clock;
    for (;;) {
        unsigned before = atomic_load(&c->sequence);
        int64_t now = atomic_load(&c->running) ? host_clock_ns() + atomic_load(&c->offset_ns)
                                               : atomic_load(&c->frozen_ns);
        if (!(before & 1) && atomic_load(&c->sequence) == before)
            return now;
    }
}

/* ---- the heap, under the lock ----------------------------------------------------------- */

static void heap_place(VirtClock *c, int i, Timer *t)
{
    c->heap[i] = t;
    t->heap_index = i;
}

static void heap_up(VirtClock *c, int i, Timer *t)
{
    for (; i && c->heap[(i - 1) / 2]->deadline_ns > t->deadline_ns; i = (i - 1) / 2)
        heap_place(c, i, c->heap[(i - 1) / 2]);
    heap_place(c, i, t);
}

static void heap_down(VirtClock *c, int i, Timer *t)
{
    for (int child; (child = 2 * i + 1) < c->count; i = child) {
        if (child + 1 < c->count && c->heap[child + 1]->deadline_ns < c->heap[child]->deadline_ns)
            child++;
        if (c->heap[child]->deadline_ns >= t->deadline_ns)
            break;
        heap_place(c, i, c->heap[child]);
    }
    heap_place(c, i, t);
}

static void heap_remove(VirtClock *c, Timer *t)
{
    int i = t->heap_index;
    Timer *last = c->heap[--c->count];
    t->heap_index = -1;
    if (last == t)
        return;
    if (i && c->heap[(i - 1) / 2]->deadline_ns > last->deadline_ns)
        heap_up(c, i, last);
    else
        heap_down(c, i, last);
}

static void heap_insert(VirtClock *c, Timer *t)
{
    if (c->count == c->capacity) {
        int capacity = c->capacity ? c->capacity * 2 : 32;
        Timer **grown = realloc(c->heap, (size_t)capacity * sizeof(Timer *));
        assert(grown);
        c->heap = grown;
        c->capacity = capacity;
    }
    heap_up(c, c->count++, t);
}

/* Set the timerfd to the earliest deadline, when the clock runs. A deadline that moved later
 * costs one idle wake-up instead of a system call at every move: guests re-arm far more often
 * than their timers fire. */
static void program_locked(VirtClock *c)
{
    if (!c->count || !atomic_load(&c->running))
        return;
    int64_t when = MAX(c->heap[0]->deadline_ns - atomic_load(&c->offset_ns), 1);
    if (when >= c->programmed_ns)
        return;
    c->programmed_ns = when;
    struct itimerspec spec = {
        .it_value = { .tv_sec = when / NS_PER_SECOND, .tv_nsec = when % NS_PER_SECOND },
    };
    timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Fire the earliest timer; the lock is given up meanwhile. */
static void fire_first_locked(VirtClock *c)
{
    Timer *t = c->heap[0];
    void (*fire)(void *) = t->fire;
    void *arg = t->opaque;
    heap_remove(c, t);
    pthread_mutex_unlock(&c->lock);
    fire(arg);
    pthread_mutex_lock(&c->lock);
}

static void clock_ready(void *opaque, uint32_t events)
{
    VirtClock *c = opaque;
    uint64_t count;
    (void)events;
    while (read(c->timer_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    pthread_mutex_lock(&c->lock);
    c->programmed_ns = INT64_MAX;
    while (c->count && atomic_load(&c->running) &&
           c->heap[0]->deadline_ns <= vclock_now_ns(c))
        fire_first_locked(c);
    program_locked(c);
    pthread_mutex_unlock(&c->lock);
}

/* ---- life and control ------------------------------------------------------------------- */

VirtClock *vclock_create(MainLoop *loop, Error **err)
{
    VirtClock *c = calloc(1, sizeof(*c));
    if (!c) {
        error_set(err, "out of memory for the virtual clock");
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->programmed_ns = INT64_MAX;
    c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->timer_fd < 0) {
        error_set_errno(err, errno, "cannot create the virtual clock's timer");
        goto free_clock;
    }
    c->watch = mainloop_watch(loop, c->timer_fd, EPOLLIN, clock_ready, c, err);
    if (c->watch)
        return c;
    close(c->timer_fd);
free_clock:
    pthread_mutex_destroy(&c->lock);
    free(c);
    return NULL;
}

void vclock_destroy(VirtClock *c)
{
    if (!c)
        return;
    mainloop_unwatch(c->watch);
    close(c->timer_fd);
    free(c->heap);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void vclock_start(VirtClock *c)
{
    pthread_mutex_lock(&c->lock);
    if (!atomic_load(&c->running)) {
        atomic_fetch_add(&c->sequence, 1);
        atomic_store(&c->offset_ns, atomic_load(&c->frozen_ns) - host_clock_ns());
        atomic_store(&c->running, true);
        atomic_fetch_add(&c->sequence, 1);
        program_locked(c);
    }
    pthread_mutex_unlock(&c->lock);
}

void vclock_stop(VirtClock *c)
{
    pthread_mutex_lock(&c->lock);
    if (atomic_load(&c->running)) {
        atomic_fetch_add(&c->sequence, 1);
        atomic_store(&c->frozen_ns, host_clock_ns() + atomic_load(&c->offset_ns));
        atomic_store(&c->running, false);
        atomic_fetch_add(&c->sequence, 1);
        program_locked(c);
    }
    pthread_mutex_unlock(&c->lock);
}

int64_t vclock_deadline_ns(VirtClock *c)
{
    pthread_mutex_lock(&c->lock);
    int64_t deadline = c->count ? c->heap[0]->deadline_ns : -1;
    pthread_mutex_unlock(&c->lock);
    return deadline;
}

static void set_frozen_locked(VirtClock *c, int64_t ns)
{
    assert(!atomic_load(&c->running));
    if (ns <= atomic_load(&c->frozen_ns))
        return;
    atomic_fetch_add(&c->sequence, 1);
    atomic_store(&c->frozen_ns, ns);
    atomic_fetch_add(&c->sequence, 1);
}

void vclock_advance(VirtClock *c, int64_t to_ns)
{
    pthread_mutex_lock(&c->lock);
    while (c->count && c->heap[0]->deadline_ns <= to_ns) {
        set_frozen_locked(c, c->heap[0]->deadline_ns);
        fire_first_locked(c);
    }
    set_frozen_locked(c, to_ns);
    pthread_mutex_unlock(&c->lock);
}

void timer_init(Timer *t, VirtClock *clock, void (*fire)(void *opaque), void *opaque)
{
    *t = (Timer){ .clock = clock, .fire = fire, .opaque = opaque, .heap_index = -1 };
}

void timer_arm(Timer *t, int64_t deadline_ns)
{
    VirtClock *c = t->clock;
    pthread_mutex_lock(&c->lock);
    if (t->heap_index >= 0)
        heap_remove(c, t);
    t->deadline_ns = deadline_ns;
    heap_insert(c, t);
    program_locked(c);
    pthread_mutex_unlock(&c->lock);
}

void timer_cancel(Timer *t)
{
    VirtClock *c = t->clock;
    pthread_mutex_lock(&c->lock);
    if (t->heap_index >= 0) {
        heap_remove(c, t);
        program_locked(c);
    }
    pthread_mutex_unlock(&c->lock);
}

bool timer_armed(const Timer *t)
{
    return t->heap_index >= 0;
}
