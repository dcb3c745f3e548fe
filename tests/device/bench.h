// SPDX-License-Identifier: MIT
//
// A work bench for one device: a machine without board or CPUs, on whose bus the device lies, and
// probes for lines. Accesses go through guest memory, as a CPU's do.
#ifndef TESTS_DEVICE_BENCH_H
#define TESTS_DEVICE_BENCH_H

#include <stdint.h>
#include "hw/core/machine.h"

/* Addresses at which tests map things. */
#define BENCH_RAM 0x40000000u
#define BENCH_RAM_BYTES 0x100000u

typedef struct Bench {
    Log *log;
    Machine *m;
    MemoryRegion ram;
} Bench;

void bench_open(Bench *b);
void bench_close(Bench *b);
/* Create a device; properties as "name=value" until NULL. Fails the test when it cannot be. */
Device *bench_device(Bench *b, const DeviceType *type, ...);
void bench_map(Bench *b, uint64_t addr, MemoryRegion *mr);
/* Publish the map; reset all devices. */
void bench_ready(Bench *b);

uint64_t bench_read(Bench *b, uint64_t addr, unsigned size);
void bench_write(Bench *b, uint64_t addr, unsigned size, uint64_t value);
static inline uint32_t r32(Bench *b, uint64_t addr)
{
    return (uint32_t)bench_read(b, addr, 4);
}
static inline void w32(Bench *b, uint64_t addr, uint32_t value)
{
    bench_write(b, addr, 4, value);
}
/* Let virtual time pass and the main loop run. */
void bench_run_ms(Bench *b, int64_t ms);

#endif
