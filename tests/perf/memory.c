// SPDX-License-Identifier: MIT
/*
 * Copies of memory of several sizes, and atomic operations on it.
 *
 * usage: memory NAME...      prints: bench NAME SECONDS CHECKSUM
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static uint64_t bench_memcpy(void)
{
    enum { SIZE = 1 << 20 };
    static const int sizes[] = {16, 100, 1000, 4096, SIZE};
    char *from = malloc(SIZE), *to = malloc(SIZE);
    memset(from, 5, SIZE);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int size = sizes[s], count = size < 1000 ? 2000000 : (1 << 29) / size;
        for (int i = 0; i < count; i++) {
            memcpy(to, from + (i & 15) % (SIZE - size + 1), (size_t)size);
            __asm__ volatile("" : : "r"(to) : "memory");
        }
    }
    uint64_t sum = bench_hash(BENCH_HASH_START, to, SIZE);
    free(from);
    free(to);
    return sum;
}

static uint64_t bench_atomics(void)
{
    uint64_t counter = 0, guard = 0;
    for (int i = 0; i < 10000000; i++) {
        __atomic_fetch_add(&counter, 3, __ATOMIC_SEQ_CST);
        uint64_t expected = guard;
        __atomic_compare_exchange_n(&guard, &expected, expected + counter, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
    }
    return guard;
}

static const Bench benches[] = {
    {"memcpy", bench_memcpy, NULL},
    {"atomics", bench_atomics, NULL},
};

BENCH_MAIN(benches)
