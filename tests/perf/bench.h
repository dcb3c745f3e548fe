// SPDX-License-Identifier: MIT
/*
 * What the guest programs of scripts/bench share: the clock, a checksum, and the line that the
 * harness reads.  The same programs are compiled for the host, to compare with.
 */
#ifndef TESTS_PERF_BENCH_H
#define TESTS_PERF_BENCH_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* Seconds of the monotonic clock. */
static inline double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* FNV-1a, 64 bits. */
#define BENCH_HASH_START 0xcbf29ce484222325u

static inline uint64_t bench_hash(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

/* The checksum must be the same on every machine. */
static inline void bench_report(const char *name, double seconds, uint64_t checksum)
{
    printf("bench %s %.6f %016" PRIx64 "\n", name, seconds, checksum);
    fflush(stdout);
}

#endif
