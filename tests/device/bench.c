// SPDX-License-Identifier: MIT
//
// The work bench for one device; see bench.h.
#include "bench.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

void bench_open(Bench *b)
{
    Error *err = NULL;
    *b = (Bench){ .log = log_create() };
    b->m = machine_create(b->log, &err);
    cr_assert(b->m, "%s", err ? error_text(err) : "");
    cr_assert(memory_region_init_ram(&b->ram, &b->m->memory, "ram", BENCH_RAM_BYTES, false, &err));
    memory_region_add(&b->m->system, BENCH_RAM, &b->ram, 0);
}

void bench_close(Bench *b)
{
    machine_destroy(b->m);
    memory_region_destroy(&b->ram);
    log_destroy(b->log);
}

Device *bench_device(Bench *b, const DeviceType *type, ...)
{
    Error *err = NULL;
    Device *dev = device_create(b->m, type, NULL, &err);
    cr_assert(dev, "%s", err ? error_text(err) : "");
    va_list ap;
    va_start(ap, type);
    for (const char *option; (option = va_arg(ap, const char *));) {
        char name[64];
        const char *value = strchr(option, '=');
        snprintf(name, sizeof(name), "%.*s", (int)(value - option), option);
        cr_assert(device_set(dev, name, value + 1, &err), "%s", err ? error_text(err) : "");
    }
    va_end(ap);
    cr_assert(device_realize(dev, &err), "%s", err ? error_text(err) : "");
    return dev;
}

void bench_map(Bench *b, uint64_t addr, MemoryRegion *mr)
{
    memory_region_add(&b->m->system, addr, mr, 0);
}

void bench_ready(Bench *b)
{
    Error *err = NULL;
    cr_assert(memory_space_commit(&b->m->memory, &err));
    for (Device *d = b->m->devices; d; d = d->next)
        device_reset(d);
}

uint64_t bench_read(Bench *b, uint64_t addr, unsigned size)
{
    uint64_t value = 0;
    MemoryResult r = memory_load(&b->m->memory, addr, size, &value);
    cr_assert(r == MEM_OK, "read at 0x%llx", (unsigned long long)addr);
    return value;
}

void bench_write(Bench *b, uint64_t addr, unsigned size, uint64_t value)
{
    MemoryResult r = memory_store(&b->m->memory, addr, size, value);
    cr_assert(r == MEM_OK, "write at 0x%llx", (unsigned long long)addr);
}

static void quit(void *opaque)
{
    mainloop_quit(opaque);
}

void bench_run_ms(Bench *b, int64_t ms)
{
    Timer end;
    timer_init(&end, b->m->clock, quit, b->m->loop);
    vclock_start(b->m->clock);
    timer_arm(&end, vclock_now_ns(b->m->clock) + ms * 1000000);
    mainloop_run(b->m->loop);
    vclock_stop(b->m->clock);
}
