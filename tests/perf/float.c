// SPDX-License-Identifier: MIT
/*
 * Scalar double-precision programs.  To be compiled without contraction to fused operations, which
 * would make results differ between machines.
 *
 * usage: float NAME...      prints: bench NAME SECONDS CHECKSUM
 */
#include <math.h>

#include "bench.h"

static uint64_t bench_mandelbrot(void)
{
    uint64_t inside = 0;
    for (int y = 0; y < 600; y++) {
        for (int x = 0; x < 600; x++) {
            double cr = x / 240.0 - 2, ci = y / 300.0 - 1, zr = 0, zi = 0;
            int n = 0;
            while (n < 200 && zr * zr + zi * zi < 4) {
                double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
                n++;
            }
            inside += (uint64_t)n;
        }
    }
    return inside;
}

/* Bodies that attract each other: square roots and divisions. */
static uint64_t bench_bodies(void)
{
    enum { BODIES = 24, STEPS = 12000 };
    static struct {
        double x[3], v[3], mass;
    } b[BODIES];
    uint64_t seed = 9;
    for (int i = 0; i < BODIES; i++) {
        b[i].mass = 1 + bench_random(&seed) % 1000 / 1000.0;
        for (int k = 0; k < 3; k++) {
            b[i].x[k] = bench_random(&seed) % 1000000 / 1e4;
        }
    }
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < BODIES; i++) {
            for (int j = i + 1; j < BODIES; j++) {
                double d[3], square = 0.01;
                for (int k = 0; k < 3; k++) {
                    d[k] = b[i].x[k] - b[j].x[k];
                    square += d[k] * d[k];
                }
                double pull = 0.001 / (square * sqrt(square));
                for (int k = 0; k < 3; k++) {
                    b[i].v[k] -= d[k] * b[j].mass * pull;
                    b[j].v[k] += d[k] * b[i].mass * pull;
                }
            }
        }
        for (int i = 0; i < 3 * BODIES; i++) {
            b[i / 3].x[i % 3] += 0.001 * b[i / 3].v[i % 3];
        }
    }
    return bench_hash(BENCH_HASH_START, b, sizeof b);
}

static const Bench benches[] = {
    {"mandelbrot", bench_mandelbrot, NULL},
    {"bodies", bench_bodies, NULL},
};

BENCH_MAIN(benches)
