// SPDX-License-Identifier: MIT
//
// Virtual time and its timers; contract in clock.h.
//
// While running, now = host monotonic + offset; while stopped, now = `frozen`. The two are read
// without a lock under a sequence counter. Timers stand in binary heaps, dealt out over a few shards,
// so that CPUs that set their own timers seldom meet at a lock; a timerfd of the shard in the main
// loop is set to its earliest.
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

enum { SHARDS = 16 };

struct ClockShard {
    VirtClock *clock;
    pthread_mutex_t lock;
    Timer **heap;
    int count, capacity;
    int64_t programmed_ns; /* what the timerfd is set to, INT64_MAX: nothing */
    int timer_fd;
    LoopWatch *watch;
};

struct VirtClock {
    atomic_uint sequence; /* odd while the three below change */
    atomic_bool running;
    _Atomic int64_t offset_ns, frozen_ns;
    pthread_mutex_t control; /* of starting and stopping; before a shard's lock */
    atomic_uint timers;      /* ever made */
    ClockShard shards[SHARDS];
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

static void heap_place(ClockShard *s, int i, Timer *t)
{
    s->heap[i] = t;
    t->heap_index = i;
}

static void heap_up(ClockShard *s, int i, Timer *t)
{
    for (; i && s->heap[(i - 1) / 2]->deadline_ns > t->deadline_ns; i = (i - 1) / 2)
        heap_place(s, i, s->heap[(i - 1) / 2]);
    heap_place(s, i, t);
}

static void heap_down(ClockShard *s, int i, Timer *t)
{
    for (int child; (child = 2 * i + 1) < s->count; i = child) {
        if (child + 1 < s->count && s->heap[child + 1]->deadline_ns < s->heap[child]->deadline_ns)
            child++;
        if (s->heap[child]->deadline_ns >= t->deadline_ns)
            break;
        heap_place(s, i, s->heap[child]);
    }
    heap_place(s, i, t);
}

static void heap_remove(ClockShard *s, Timer *t)
{
    int i = t->heap_index;
    Timer *last = s->heap[--s->count];
    t->heap_index = -1;
    if (last == t)
        return;
    if (i && s->heap[(i - 1) / 2]->deadline_ns > last->deadline_ns)
        heap_up(s, i, last);
    else
        heap_down(s, i, last);
}

static void heap_insert(ClockShard *s, Timer *t)
{
    if (s->count == s->capacity) {
        int capacity = s->capacity ? s->capacity * 2 : 32;
        Timer **grown = realloc(s->heap, (size_t)capacity * sizeof(Timer *));
        assert(grown);
        s->heap = grown;
        s->capacity = capacity;
    }
    heap_up(s, s->count++, t);
}

/* A deadline as the host's clock has it. One at the end of time stays there: guests that want no
 * timer set it so. */
static int64_t on_host_clock(int64_t deadline_ns, int64_t offset_ns)
{
    int64_t when;
    return __builtin_sub_overflow(deadline_ns, offset_ns, &when) ? INT64_MAX : MAX(when, 1);
}

/* Set the timerfd to the earliest deadline, when the clock runs. A deadline that moved later
 * costs one idle wake-up instead of a system call at every move: guests re-arm far more often
 * than their timers fire. */
static void program_locked(ClockShard *s)
{
    if (!s->count || !atomic_load(&s->clock->running))
        return;
    int64_t when = on_host_clock(s->heap[0]->deadline_ns, atomic_load(&s->clock->offset_ns));
    if (when >= s->programmed_ns)
        return;
    s->programmed_ns = when;
    struct itimerspec spec = {
        .it_value = { .tv_sec = when / NS_PER_SECOND, .tv_nsec = when % NS_PER_SECOND },
    };
    timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Fire the earliest timer; the lock is given up meanwhile. */
static void fire_first_locked(ClockShard *s)
{
    Timer *t = s->heap[0];
    void (*fire)(void *) = t->fire;
    void *arg = t->opaque;
    heap_remove(s, t);
    pthread_mutex_unlock(&s->lock);
    fire(arg);
    pthread_mutex_lock(&s->lock);
}

static void clock_ready(void *opaque, uint32_t events)
{
    ClockShard *s = opaque;
    uint64_t count;
    (void)events;
    while (read(s->timer_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    pthread_mutex_lock(&s->lock);
    s->programmed_ns = INT64_MAX;
    while (s->count && atomic_load(&s->clock->running) &&
           s->heap[0]->deadline_ns <= vclock_now_ns(s->clock))
        fire_first_locked(s);
    program_locked(s);
    pthread_mutex_unlock(&s->lock);
}

/* ---- life and control ------------------------------------------------------------------- */

static bool shard_init(ClockShard *s, VirtClock *c, MainLoop *loop, Error **err)
{
    s->clock = c;
    s->programmed_ns = INT64_MAX;
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (s->timer_fd < 0)
        return error_set_errno(err, errno, "cannot create the virtual clock's timer");
    s->watch = mainloop_watch(loop, s->timer_fd, EPOLLIN, clock_ready, s, err);
    return s->watch;
}

VirtClock *vclock_create(MainLoop *loop, Error **err)
{
    VirtClock *c = calloc(1, sizeof(*c));
    if (!c) {
        error_set(err, "out of memory for the virtual clock");
        return NULL;
    }
    pthread_mutex_init(&c->control, NULL);
    for (unsigned i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&c->shards[i].lock, NULL);
        c->shards[i].timer_fd = -1;
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        if (!shard_init(&c->shards[i], c, loop, err)) {
            vclock_destroy(c);
            return NULL;
        }
    }
    return c;
}

void vclock_destroy(VirtClock *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        ClockShard *s = &c->shards[i];
        if (s->watch)
            mainloop_unwatch(s->watch);
        if (s->timer_fd >= 0)
            close(s->timer_fd);
        free(s->heap);
        pthread_mutex_destroy(&s->lock);
    }
    pthread_mutex_destroy(&c->control);
    free(c);
}

void vclock_start(VirtClock *c)
{
    pthread_mutex_lock(&c->control);
    if (!atomic_load(&c->running)) {
        atomic_fetch_add(&c->sequence, 1);
        atomic_store(&c->offset_ns, atomic_load(&c->frozen_ns) - host_clock_ns());
        atomic_store(&c->running, true);
        atomic_fetch_add(&c->sequence, 1);
        for (unsigned i = 0; i < SHARDS; i++) {
            pthread_mutex_lock(&c->shards[i].lock);
            program_locked(&c->shards[i]);
            pthread_mutex_unlock(&c->shards[i].lock);
        }
    }
    pthread_mutex_unlock(&c->control);
}

void vclock_stop(VirtClock *c)
{
    pthread_mutex_lock(&c->control);
    if (atomic_load(&c->running)) {
        atomic_fetch_add(&c->sequence, 1);
        atomic_store(&c->frozen_ns, host_clock_ns() + atomic_load(&c->offset_ns));
        atomic_store(&c->running, false);
        atomic_fetch_add(&c->sequence, 1);
    }
    pthread_mutex_unlock(&c->control);
}

/* ---- setting forward ---------------------------------------------------------------------- */

/* The shard whose timer fires next, and when; NULL: none is armed. */
static ClockShard *earliest_shard(VirtClock *c, int64_t *deadline_ns)
{
    ClockShard *found = NULL;
    for (unsigned i = 0; i < SHARDS; i++) {
        ClockShard *s = &c->shards[i];
        pthread_mutex_lock(&s->lock);
        if (s->count && (!found || s->heap[0]->deadline_ns < *deadline_ns)) {
            found = s;
            *deadline_ns = s->heap[0]->deadline_ns;
        }
        pthread_mutex_unlock(&s->lock);
    }
    return found;
}

int64_t vclock_deadline_ns(VirtClock *c)
{
    int64_t deadline;
    return earliest_shard(c, &deadline) ? deadline : -1;
}

static void set_frozen(VirtClock *c, int64_t ns)
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
    int64_t deadline;
    for (ClockShard *s; (s = earliest_shard(c, &deadline)) && deadline <= to_ns;) {
        set_frozen(c, deadline);
        pthread_mutex_lock(&s->lock);
        if (s->count && s->heap[0]->deadline_ns <= deadline)
            fire_first_locked(s);
        pthread_mutex_unlock(&s->lock);
    }
    set_frozen(c, to_ns);
}

/* ---- timers ------------------------------------------------------------------------------- */

void timer_init(Timer *t, VirtClock *clock, void (*fire)(void *opaque), void *opaque)
{
    unsigned n = atomic_fetch_add(&clock->timers, 1);
    *t = (Timer){ .clock = clock, .shard = &clock->shards[n % SHARDS], .fire = fire,
                  .opaque = opaque, .heap_index = -1 };
}

void timer_arm(Timer *t, int64_t deadline_ns)
{
    ClockShard *s = t->shard;
    pthread_mutex_lock(&s->lock);
    if (t->heap_index >= 0)
        heap_remove(s, t);
    t->deadline_ns = deadline_ns;
    heap_insert(s, t);
    program_locked(s);
    pthread_mutex_unlock(&s->lock);
}

void timer_cancel(Timer *t)
{
    ClockShard *s = t->shard;
    pthread_mutex_lock(&s->lock);
    if (t->heap_index >= 0) {
        heap_remove(s, t);
        program_locked(s);
    }
    pthread_mutex_unlock(&s->lock);
}

bool timer_armed(const Timer *t)
{
    return t->heap_index >= 0;
}
