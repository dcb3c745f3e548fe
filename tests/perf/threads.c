// SPDX-License-Identifier: MIT
/*
 * The same work shared out to one, two or four threads: pieces that know nothing of each other, and
 * pieces that meet at atomic counters and a lock.  On several processors a disturbance of one holds
 * up all: the median of some repeats counts.
 *
 * usage: threads NAME...      prints: bench NAME SECONDS CHECKSUM
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bench.h"

enum { THREADS_MAX = 4, PIECES = 64, PIECE_BYTES = 4096, PIECE_ROUNDS = 300, MEETINGS = 800000,
       COUNTERS = 64, LOCKED_EVERY = 64 };

typedef struct Work {
    uint64_t (*piece)(struct Work *w, int number);
    atomic_int next;          // piece
    atomic_uint_fast64_t sum; // of what the pieces say
    atomic_uint_fast64_t counters[COUNTERS];
    pthread_mutex_t lock;
    uint64_t guarded;
} Work;

/* Sorts and hashes memory of its own. */
static uint64_t piece_alone(Work *w, int number)
{
    (void)w;
    uint8_t data[PIECE_BYTES];
    uint64_t seed = (uint64_t)number, sum = BENCH_HASH_START;
    for (int round = 0; round < PIECE_ROUNDS; round++) {
        uint32_t counts[256] = {0};
        for (int i = 0; i < PIECE_BYTES; i++) {
            data[i] = (uint8_t)bench_random(&seed);
            counts[data[i]]++;
        }
        for (int value = 0, at = 0; value < 256; value++) {
            for (uint32_t n = 0; n < counts[value]; n++) {
                data[at++] = (uint8_t)value;
            }
        }
        sum = bench_hash(sum, data, PIECE_BYTES);
    }
    return sum;
}

static uint64_t piece_meeting(Work *w, int number)
{
    uint64_t seed = (uint64_t)number, own = 0;
    for (int i = 0; i < MEETINGS; i++) {
        uint32_t r = bench_random(&seed);
        atomic_fetch_add(&w->counters[r % COUNTERS], r);
        own += r;
        if (i % LOCKED_EVERY == 0) {
            pthread_mutex_lock(&w->lock);
            w->guarded += r;
            pthread_mutex_unlock(&w->lock);
        }
    }
    return own;
}

static void *take_pieces(void *arg)
{
    Work *w = arg;
    for (int n; (n = atomic_fetch_add(&w->next, 1)) < PIECES;) {
        atomic_fetch_add(&w->sum, w->piece(w, n));
    }
    return NULL;
}

static uint64_t share_out(uint64_t (*piece)(Work *w, int number), int threads)
{
    Work w = {.piece = piece, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t others[THREADS_MAX];
    for (int i = 1; i < threads; i++) {
        if (pthread_create(&others[i], NULL, take_pieces, &w)) {
            abort();
        }
    }
    take_pieces(&w);
    for (int i = 1; i < threads; i++) {
        pthread_join(others[i], NULL);
    }
    uint64_t sum = w.sum + w.guarded;
    for (int i = 0; i < COUNTERS; i++) {
        sum = sum * 31 + w.counters[i];
    }
    return sum;
}

static uint64_t bench_threads1(void) { return share_out(piece_alone, 1); }
static uint64_t bench_threads2(void) { return share_out(piece_alone, 2); }
static uint64_t bench_threads4(void) { return share_out(piece_alone, 4); }
static uint64_t bench_locks1(void) { return share_out(piece_meeting, 1); }
static uint64_t bench_locks2(void) { return share_out(piece_meeting, 2); }
static uint64_t bench_locks4(void) { return share_out(piece_meeting, 4); }

enum { REPEATS = 7 };

static const Bench benches[] = {
    {"threads1", bench_threads1, NULL, REPEATS}, {"threads2", bench_threads2, NULL, REPEATS},
    {"threads4", bench_threads4, NULL, REPEATS}, {"locks1", bench_locks1, NULL, REPEATS},
    {"locks2", bench_locks2, NULL, REPEATS},     {"locks4", bench_locks4, NULL, REPEATS},
};

BENCH_MAIN(benches)
