// SPDX-License-Identifier: MIT
// Litmus tests of the memory model (Arm ARM B2.3) and of atomics, as a Linux program.
//
// A pattern is a few threads that each make two or three accesses to cells that start at zero, and
// an outcome that the architecture forbids.  As in the usual litmus runners every thread goes over
// a long row of fresh cells, from a common start, so that the threads overtake each other; then all
// results are looked at.  "litmus SECONDS" goes round all patterns for that long and prints for
// each how often it ran and how often the forbidden outcome came, and for the patterns without
// ordering how often weak outcomes were seen, which says whether the threads met at all.
// The status is 1 if anything forbidden happened.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

enum {
    ROW = 4096,             // cells of one round
    MAX_THREADS = 4,
    COUNTED = 20000,        // additions a thread makes in one round of a counter test
    SPINS = 100000,         // how long a thread waits for the others, who may lack a processor
};

// Two locations and what was read, each location on a cache line of its own.
typedef struct Cell {
    _Alignas(64) uint64_t x;
    _Alignas(64) uint64_t y;
    _Alignas(64) uint64_t read[MAX_THREADS][2];
} Cell;

static inline void store(uint64_t *p, uint64_t v)
{
    __asm__ volatile("str %1, [%0]" : : "r"(p), "r"(v) : "memory");
}

static inline void store_release(uint64_t *p, uint64_t v)
{
    __asm__ volatile("stlr %1, [%0]" : : "r"(p), "r"(v) : "memory");
}

static inline uint64_t load(uint64_t *p)
{
    uint64_t v;
    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(p) : "memory");
    return v;
}

static inline uint64_t load_acquire(uint64_t *p)
{
    uint64_t v;
    __asm__ volatile("ldar %0, [%1]" : "=r"(v) : "r"(p) : "memory");
    return v;
}

static inline uint64_t load_acquire_pc(uint64_t *p)
{
    uint64_t v;
    __asm__ volatile(".arch_extension rcpc\n\tldapr %0, [%1]" : "=r"(v) : "r"(p) : "memory");
    return v;
}

// A load whose address depends on `on`.
static inline uint64_t load_dependent(uint64_t *p, uint64_t on)
{
    uint64_t v;
    __asm__ volatile("eor %0, %2, %2\n\tldr %0, [%1, %0]" : "=&r"(v) : "r"(p), "r"(on) : "memory");
    return v;
}

// A store whose value depends on `on`.
static inline void store_dependent(uint64_t *p, uint64_t v, uint64_t on)
{
    uint64_t zero;
    __asm__ volatile("eor %0, %3, %3\n\tadd %0, %0, %2\n\tstr %0, [%1]"
                     : "=&r"(zero) : "r"(p), "r"(v), "r"(on) : "memory");
}

static inline uint64_t swap_acquire_release(uint64_t *p, uint64_t v)
{
    uint64_t old;
    __asm__ volatile(".arch_extension lse\n\tswpal %1, %0, [%2]"
                     : "=r"(old) : "r"(v), "r"(p) : "memory");
    return old;
}

static inline void full(void) { __asm__ volatile("dmb ish" : : : "memory"); }
static inline void loads(void) { __asm__ volatile("dmb ishld" : : : "memory"); }
static inline void stores(void) { __asm__ volatile("dmb ishst" : : : "memory"); }

// --- Patterns: what each thread does to one cell ------------------------------------------------

// Message passing: data in x, flag in y.
static void mp_relaxed(Cell *c, int thread)
{
    if (thread == 0) {
        store(&c->x, 1);
        store(&c->y, 1);
    } else {
        c->read[1][0] = load(&c->y);
        c->read[1][1] = load(&c->x);
    }
}

static void mp_dmb(Cell *c, int thread)
{
    if (thread == 0) {
        store(&c->x, 1);
        stores();
        store(&c->y, 1);
    } else {
        c->read[1][0] = load(&c->y);
        loads();
        c->read[1][1] = load(&c->x);
    }
}

static void mp_release_acquire(Cell *c, int thread)
{
    if (thread == 0) {
        store(&c->x, 1);
        store_release(&c->y, 1);
    } else {
        c->read[1][0] = load_acquire(&c->y);
        c->read[1][1] = load(&c->x);
    }
}

static void mp_release_acquire_pc(Cell *c, int thread)
{
    if (thread == 0) {
        store(&c->x, 1);
        store_release(&c->y, 1);
    } else {
        c->read[1][0] = load_acquire_pc(&c->y);
        c->read[1][1] = load(&c->x);
    }
}

static void mp_address_dependency(Cell *c, int thread)
{
    if (thread == 0) {
        store(&c->x, 1);
        full();
        store(&c->y, 1);
    } else {
        c->read[1][0] = load(&c->y);
        c->read[1][1] = load_dependent(&c->x, c->read[1][0]);
    }
}

static bool mp_forbidden(const Cell *c)
{
    return c->read[1][0] == 1 && c->read[1][1] == 0;
}

// Store buffering: each stores to its own and reads the other's.
static void sb_relaxed(Cell *c, int thread)
{
    store(thread ? &c->y : &c->x, 1);
    c->read[thread][0] = load(thread ? &c->x : &c->y);
}

static void sb_dmb(Cell *c, int thread)
{
    store(thread ? &c->y : &c->x, 1);
    full();
    c->read[thread][0] = load(thread ? &c->x : &c->y);
}

static void sb_release_acquire(Cell *c, int thread)
{
    store_release(thread ? &c->y : &c->x, 1);
    c->read[thread][0] = load_acquire(thread ? &c->x : &c->y);
}

static void sb_swap(Cell *c, int thread)
{
    swap_acquire_release(thread ? &c->y : &c->x, 1);
    c->read[thread][0] = load_acquire(thread ? &c->x : &c->y);
}

static bool sb_forbidden(const Cell *c)
{
    return c->read[0][0] == 0 && c->read[1][0] == 0;
}

// Load buffering: each reads the other's and stores its own.
static void lb_dependency(Cell *c, int thread)
{
    uint64_t got = load(thread ? &c->y : &c->x);
    store_dependent(thread ? &c->x : &c->y, 1, got);
    c->read[thread][0] = got;
}

static bool lb_forbidden(const Cell *c)
{
    return c->read[0][0] == 1 && c->read[1][0] == 1;
}

// Coherence of one location: two reads never go back in time.
static void corr(Cell *c, int thread)
{
    if (thread == 0) {
        store(&c->x, 1);
    } else {
        c->read[1][0] = load(&c->x);
        c->read[1][1] = load(&c->x);
    }
}

// Independent reads of independent writes: all agree on the order of two writes.
static void iriw(Cell *c, int thread)
{
    switch (thread) {
    case 0:
        store(&c->x, 1);
        break;
    case 1:
        store(&c->y, 1);
        break;
    case 2:
        c->read[2][0] = load_acquire(&c->x);
        c->read[2][1] = load(&c->y);
        break;
    default:
        c->read[3][0] = load_acquire(&c->y);
        c->read[3][1] = load(&c->x);
        break;
    }
}

static bool iriw_forbidden(const Cell *c)
{
    return c->read[2][0] == 1 && c->read[2][1] == 0 && c->read[3][0] == 1 && c->read[3][1] == 0;
}

// Write to read causality: a third thread that hears of a write sees it.
static void wrc(Cell *c, int thread)
{
    switch (thread) {
    case 0:
        store(&c->x, 1);
        break;
    case 1:
        c->read[0][0] = load(&c->x);
        full();
        store(&c->y, c->read[0][0]);
        break;
    default:
        c->read[1][0] = load_acquire(&c->y);
        c->read[1][1] = load(&c->x);
        break;
    }
}

typedef struct Pattern {
    const char *name;
    int threads;
    void (*act)(Cell *c, int thread);
    bool (*outcome)(const Cell *c);
    bool allowed;           // the outcome may happen: counted, not judged
    unsigned long needs;    // AT_HWCAP bits
} Pattern;

static const Pattern patterns[] = {
    {"MP", 2, mp_relaxed, mp_forbidden, true, 0},
    {"MP+dmb.st+dmb.ld", 2, mp_dmb, mp_forbidden, false, 0},
    {"MP+stlr+ldar", 2, mp_release_acquire, mp_forbidden, false, 0},
    {"MP+stlr+ldapr", 2, mp_release_acquire_pc, mp_forbidden, false, HWCAP_LRCPC},
    {"MP+dmb+addr", 2, mp_address_dependency, mp_forbidden, false, 0},
    {"SB", 2, sb_relaxed, sb_forbidden, true, 0},
    {"SB+dmbs", 2, sb_dmb, sb_forbidden, false, 0},
    {"SB+stlr+ldar", 2, sb_release_acquire, sb_forbidden, false, 0},
    {"SB+swpal+ldar", 2, sb_swap, sb_forbidden, false, HWCAP_ATOMICS},
    {"LB+datas", 2, lb_dependency, lb_forbidden, false, 0},
    {"CoRR", 2, corr, mp_forbidden, false, 0},
    {"WRC+dmb+ldar", 3, wrc, mp_forbidden, false, 0},
    {"IRIW+ldars", 4, iriw, iriw_forbidden, false, 0},
};

// --- Counters: what several threads do to one place, and what must come of it -------------------

typedef struct Shared {
    _Alignas(64) uint64_t counter;
    _Alignas(64) uint64_t lock;
    _Alignas(16) uint64_t pair[2];
} Shared;

static void add_exclusive(Shared *s)
{
    uint64_t v;
    uint32_t failed;
    __asm__ volatile("1: ldxr %0, [%2]\n\tadd %0, %0, #1\n\tstxr %w1, %0, [%2]\n\tcbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed) : "r"(&s->counter) : "memory");
}

static void add_atomic(Shared *s)
{
    __asm__ volatile(".arch_extension lse\n\tstadd %0, [%1]"
                     : : "r"(1ul), "r"(&s->counter) : "memory");
}

static void add_compare_and_swap(Shared *s)
{
    uint64_t old = load(&s->counter), seen;
    for (;; old = seen) {
        seen = old;
        __asm__ volatile(".arch_extension lse\n\tcasal %0, %1, [%2]"
                         : "+r"(seen) : "r"(old + 1), "r"(&s->counter) : "memory");
        if (seen == old) {
            return;
        }
    }
}

// Both halves advance together, or never.
static void add_pair_exclusive(Shared *s)
{
    uint64_t low, high;
    uint32_t failed;
    __asm__ volatile("1: ldxp %0, %1, [%3]\n\tadd %0, %0, #1\n\tadd %1, %1, #1\n\t"
                     "stxp %w2, %0, %1, [%3]\n\tcbnz %w2, 1b"
                     : "=&r"(low), "=&r"(high), "=&r"(failed) : "r"(s->pair) : "memory");
    if (low == high) {
        add_exclusive(s);
    }
}

// A spin lock that waits for events, as kernels have it, around a plain addition.
static void add_locked(Shared *s)
{
    uint64_t v;
    uint32_t failed;
    __asm__ volatile("sevl\n1: wfe\n2: ldaxr %0, [%2]\n\tcbnz %0, 1b\n\t"
                     "stxr %w1, %3, [%2]\n\tcbnz %w1, 2b"
                     : "=&r"(v), "=&r"(failed) : "r"(&s->lock), "r"(1ul) : "memory");
    store(&s->counter, load(&s->counter) + 1);
    store_release(&s->lock, 0);
}

typedef struct Counter {
    const char *name;
    void (*add)(Shared *s);
    unsigned long needs;
} Counter;

static const Counter counters[] = {
    {"ldxr+stxr", add_exclusive, 0},
    {"stadd", add_atomic, HWCAP_ATOMICS},
    {"casal", add_compare_and_swap, HWCAP_ATOMICS},
    {"ldxp+stxp", add_pair_exclusive, 0},
    {"ldaxr+wfe lock", add_locked, 0},
};

// --- Running ------------------------------------------------------------------------------------

typedef struct Round {
    pthread_barrier_t start;
    atomic_int running;
    int threads;
    const Pattern *pattern;
    const Counter *counter;
    Cell *row;
    Shared shared;
} Round;

typedef struct Worker {
    Round *round;
    int thread;
} Worker;

static void *work(void *argument)
{
    const Worker *worker = argument;
    Round *round = worker->round;

    // The barrier wakes one after the other; this lets them go together.
    pthread_barrier_wait(&round->start);
    atomic_fetch_add(&round->running, 1);
    for (int i = 0; i < SPINS && atomic_load(&round->running) < round->threads; i++) {
    }
    if (round->counter) {
        for (int i = 0; i < COUNTED; i++) {
            round->counter->add(&round->shared);
        }
    } else {
        for (int i = 0; i < ROW; i++) {
            round->pattern->act(&round->row[i], worker->thread);
        }
    }
    return NULL;
}

static void run_round(Round *round, int threads)
{
    pthread_t ids[MAX_THREADS];
    Worker workers[MAX_THREADS];

    pthread_barrier_init(&round->start, NULL, (unsigned)threads);
    atomic_store(&round->running, 0);
    round->threads = threads;
    for (int i = 0; i < threads; i++) {
        workers[i] = (Worker){round, i};
        if (pthread_create(&ids[i], NULL, work, &workers[i]) != 0) {
            perror("litmus: pthread_create");
            exit(2);
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    pthread_barrier_destroy(&round->start);
}

static uint64_t run_pattern(Round *round, const Pattern *pattern)
{
    uint64_t seen = 0;

    memset(round->row, 0, ROW * sizeof(Cell));
    round->pattern = pattern;
    round->counter = NULL;
    run_round(round, pattern->threads);
    for (int i = 0; i < ROW; i++) {
        seen += pattern->outcome(&round->row[i]);
    }
    return seen;
}

// The number of additions that were lost.
static uint64_t run_counter(Round *round, const Counter *counter)
{
    round->counter = counter;
    round->shared = (Shared){0};
    run_round(round, MAX_THREADS);
    return (uint64_t)MAX_THREADS * COUNTED - round->shared.counter;
}

int main(int argc, char **argv)
{
    enum { PATTERNS = sizeof(patterns) / sizeof(*patterns),
           COUNTERS = sizeof(counters) / sizeof(*counters) };
    uint64_t seen[PATTERNS + COUNTERS] = {0}, rounds = 0;
    const unsigned long has = getauxval(AT_HWCAP);
    const time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
    Round round = {.row = aligned_alloc(64, ROW * sizeof(Cell))};
    bool good = true;

    if (!round.row) {
        perror("litmus");
        return 2;
    }
    do {
        for (size_t i = 0; i < PATTERNS; i++) {
            if ((patterns[i].needs & ~has) == 0) {
                seen[i] += run_pattern(&round, &patterns[i]);
            }
        }
        for (size_t i = 0; i < COUNTERS; i++) {
            if ((counters[i].needs & ~has) == 0) {
                seen[PATTERNS + i] += run_counter(&round, &counters[i]);
            }
        }
        rounds++;
    } while (time(NULL) < end);
    for (size_t i = 0; i < PATTERNS; i++) {
        printf("litmus: %-18s %s %lu of %lu\n", patterns[i].name,
               patterns[i].allowed ? "weak outcomes" : "FORBIDDEN", (unsigned long)seen[i],
               (unsigned long)(rounds * ROW));
        good &= patterns[i].allowed || seen[i] == 0;
    }
    for (size_t i = 0; i < COUNTERS; i++) {
        printf("litmus: %-18s lost %lu of %lu\n", counters[i].name,
               (unsigned long)seen[PATTERNS + i],
               (unsigned long)(rounds * MAX_THREADS * COUNTED));
        good &= seen[PATTERNS + i] == 0;
    }
    printf("litmus: %s\n", good ? "the memory model holds" : "THE MEMORY MODEL IS BROKEN");
    return good ? 0 : 1;
}
