// SPDX-License-Identifier: MIT
/*
 * What the guest programs of scripts/bench share: the clock, random numbers, a checksum, the line
 * that the harness reads, and a main program for tables of benchmarks.  The same programs are
 * compiled for the host, to compare with.
 */
#ifndef TESTS_PERF_BENCH_H
#define TESTS_PERF_BENCH_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Upper bits of a linear congruential generator (Knuth's MMIX). */
static inline uint32_t bench_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* The checksum must be the same on every machine. */
static inline void bench_report(const char *name, double seconds, uint64_t checksum)
{
    printf("bench %s %.6f %016" PRIx64 "\n", name, seconds, checksum);
    fflush(stdout);
}

/* For hosts without the instructions that a benchmark is about. */
static inline void bench_report_missing(const char *name, const char *what)
{
    printf("bench %s lacks %s\n", name, what);
    fflush(stdout);
}

typedef struct Bench {
    const char *name;
    uint64_t (*run)(void); // returns the checksum
    const char *(*lacks)(void); // NULL, or tells the instructions that are not there
    int repeats;                // the median of so many counts; 0 is 1
} Bench;

enum { BENCH_REPEATS_MAX = 15 };

static inline int bench_compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median seconds; all repeats must agree on the checksum, or it is wrong. */
static inline double bench_measure(const Bench *b, uint64_t *checksum)
{
    double seconds[BENCH_REPEATS_MAX];
    int repeats = b->repeats ? b->repeats : 1;
    for (int n = 0; n < repeats; n++) {
        double started = bench_now();
        uint64_t sum = b->run();
        seconds[n] = bench_now() - started;
        *checksum = n && sum != *checksum ? ~*checksum : sum;
    }
    qsort(seconds, (size_t)repeats, sizeof *seconds, bench_compare_times);
    return seconds[repeats / 2];
}

/* Run those of the table that the arguments name; returns main's status. */
static inline int bench_main(const Bench *table, size_t count, int argc, char **argv)
{
    for (int a = 1; a < argc; a++) {
        size_t i = 0;
        while (i < count && strcmp(table[i].name, argv[a])) {
            i++;
        }
        if (i == count) {
            fprintf(stderr, "%s: no benchmark called %s\n", argv[0], argv[a]);
            return 1;
        }
        const char *lacks = table[i].lacks ? table[i].lacks() : NULL;
        if (lacks) {
            bench_report_missing(argv[a], lacks);
            continue;
        }
        uint64_t sum = 0;
        double seconds = bench_measure(&table[i], &sum);
        bench_report(argv[a], seconds, sum);
    }
    return 0;
}

#define BENCH_MAIN(table)                                              \
    int main(int argc, char **argv)                                    \
    {                                                                  \
        return bench_main(table, sizeof table / sizeof *table, argc, argv); \
    }

#endif
