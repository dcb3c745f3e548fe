// SPDX-License-Identifier: MIT
//
// Every window of registers on the board: reads and writes of any size at any place, while virtual
// time passes. The windows are those of the memory map, so that a new device is fuzzed at once.
//
// The first byte chooses the interrupt controller; then each access is a byte of what to do, one
// for the window, two of offset, and a value.
#include "tests/fuzz/fuzz.h"

#define ACCESSES_MAX 256

/* The n-th window of registers, counted round and round. */
static const FlatRange *window(const Machine *m, unsigned n)
{
    const FlatView *v = atomic_load(&m->memory.view);
    const FlatRange *found[256];
    unsigned count = 0;
    for (size_t i = 0; i < v->count && count < 256; i++)
        if (v->ranges[i].region->kind == MEM_MMIO)
            found[count++] = &v->ranges[i];
    return found[n % count];
}

static void access_window(Machine *m, FuzzInput *in, uint8_t what)
{
    const FlatRange *w = window(m, fuzz_byte(in));
    uint64_t offset = fuzz_take(in, 2), value;
    unsigned size = 1u << (what & 3);
    Hwaddr gpa = w->first + offset % (w->last - w->first + 1);
    if (what & 4)
        (void)memory_load(&m->memory, gpa, size, &value);
    else
        (void)memory_store(&m->memory, gpa, size, fuzz_take(in, size));
}

static void pass_time(Machine *m, FuzzInput *in)
{
    vclock_advance(m->clock, vclock_now_ns(m->clock) + (int64_t)(fuzz_take(in, 4) << 4));
    fuzz_poll(m);
}

static Machine *board(bool gicv3)
{
    static FuzzKept kept[2];
    if (!fuzz_board_reuse(&kept[gicv3]))
        kept[gicv3].m = fuzz_board_create(&(FuzzBoard){
            .gic_version = gicv3 ? "3" : "2",
            .devices = { "virtio-rng-device" },
        });
    return kept[gicv3].m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    Machine *m = board(fuzz_byte(&in) & 1);
    for (unsigned i = 0; in.left && i < ACCESSES_MAX; i++) {
        uint8_t what = fuzz_byte(&in);
        if (what >> 5 == 0)
            pass_time(m, &in);
        else if (what == 0x20)
            machine_reset(m);
        else
            access_window(m, &in, what);
    }
    return 0;
}
