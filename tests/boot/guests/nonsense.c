// SPDX-License-Identifier: MIT
/*
 * A guest that behaves as badly as it can: it touches what is not there, writes random values into
 * every device of the "virt" board, and hands virtqueues to devices that point nowhere, at devices,
 * at themselves, in circles.  It must get its exceptions and come to its end; the emulator must
 * live.  The random numbers are fixed, so that a failure can be repeated.
 *
 * Runs at EL1 with the MMU off.  Its own memory (0x40200000 on) is never offered to a device.
 */
#include <stdint.h>

#define UART 0x09000000u
#define SCRATCH 0x44000000u // RAM that nobody owns: 16 MiB for rings and buffers
#define SCRATCH_SIZE 0x01000000u
#define ROUNDS 40

volatile uint64_t exceptions;

static uint64_t state = 20260101;

static uint32_t random32(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static void write8(uint64_t at, uint8_t v) { *(volatile uint8_t *)at = v; }
static void write16(uint64_t at, uint16_t v) { *(volatile uint16_t *)at = v; }
static void write32(uint64_t at, uint32_t v) { *(volatile uint32_t *)at = v; }
static void write64(uint64_t at, uint64_t v) { *(volatile uint64_t *)at = v; }
static uint32_t read32(uint64_t at) { return *(volatile uint32_t *)at; }

static void print(const char *text)
{
    while (*text) {
        write32(UART, (uint8_t)*text++);
    }
}

static void print_number(uint64_t value)
{
    char text[21];
    int at = 20;
    text[at] = 0;
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    print(text + at);
}

/* --- what is not there --- */

static void touch_nothing(void)
{
    static const uint64_t places[] = {
        0x0b000000, 0x20000000, 0x3fffffff8, 0x60000000000, 0xffffffffff00, 0x09100000, 0x08100000,
    };
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        (void)read32(places[i]);
        write32(places[i], 1);
        write64(places[i], 1);
        write8(places[i] + 3, 1);
    }
    // Unaligned, across the end of a device and of RAM.
    (void)*(volatile uint64_t *)(uintptr_t)0x09000ffc;
    (void)*(volatile uint64_t *)(uintptr_t)0x5ffffffc;
    // Instructions that are none.
    __asm__ volatile(".inst 0x00000000");
    __asm__ volatile(".inst 0xffffffff");
    __asm__ volatile("brk #7\n svc #1\n smc #0\n");
}

/* --- every device --- */

static const struct {
    uint32_t base, size;
} devices[] = {
    {0x08000000, 0x1000}, // interrupt distributor
    {0x08010000, 0x1000}, // its processor interface
    {0x09000000, 0x1000}, // PL011
    {0x09010000, 0x1000}, // PL031
    {0x09020000, 0x18},   // fw_cfg
    {0x09030000, 0x1000}, // PL061
    {0x0a000000, 0x4000}, // virtio-mmio, 32 of them
};

static void write_nonsense(int count)
{
    for (int i = 0; i < count; i++) {
        unsigned d = random32() % (sizeof devices / sizeof *devices);
        uint64_t at = devices[d].base + random32() % devices[d].size;
        uint32_t value = random32();
        if (devices[d].base == 0x09020000 && at >= 0x09020010) {
            continue; // the DMA address of fw_cfg has a turn of its own
        }
        switch (random32() % 8) {
        case 0: write8(at, (uint8_t)value); break;
        case 1: write16(at & ~1u, (uint16_t)value); break;
        case 2: write64(at & ~7u, (uint64_t)value << 32 | random32()); break;
        case 3: (void)*(volatile uint8_t *)at; break;
        case 4: (void)*(volatile uint64_t *)(at & ~7u); break;
        case 5: (void)read32(at & ~3u); break;
        default: write32(at & ~3u, random32() % 4 ? value % 64 : value); break;
        }
    }
}

/* An address that a device should not be given; some are harmless scratch. */
static uint64_t bad_address(void)
{
    switch (random32() % 8) {
    case 0: return 0;
    case 1: return ~0ull - random32() % 64;
    case 2: return 0x0a000000 + random32() % 0x4000;
    case 3: return 0x09000000;
    case 4: return 0x60000000 - random32() % 32; // the end of 512 MiB
    case 5: return (uint64_t)random32() << 32 | random32();
    default: return SCRATCH + random32() % SCRATCH_SIZE;
    }
}

static void fw_cfg_nonsense(void)
{
    for (int i = 0; i < 50; i++) {
        uint64_t block = SCRATCH + (random32() % 4096) * 16;
        uint32_t control = random32() % 32 | random32() << 16;
        write32(block, __builtin_bswap32(control));
        write32(block + 4, __builtin_bswap32(random32() % (random32() % 16 ? 1024 : 1u << 20)));
        write64(block + 8, __builtin_bswap64(bad_address()));
        uint64_t address = random32() % 4 ? block : bad_address();
        write32(0x09020010, __builtin_bswap32((uint32_t)(address >> 32)));
        write32(0x09020014, __builtin_bswap32((uint32_t)address));
    }
}

/* --- virtqueues --- */

static uint64_t own_memory_guard(uint64_t address)
{
    // Long lengths must not reach from below into this program.
    return address < SCRATCH && address >= 0x40000000u ? SCRATCH : address;
}

static void fill_rings(uint64_t ring, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t d = ring + i * 16;
        write64(d, own_memory_guard(bad_address()));
        write32(d + 8, random32() % 4 ? random32() % 4096 : random32());
        write16(d + 12, (uint16_t)(random32() % 8)); // next, write, indirect
        write16(d + 14, (uint16_t)(random32() % 4 ? random32() % count : random32()));
    }
    uint64_t available = ring + 0x2000;
    write16(available, 0);
    for (unsigned i = 0; i < count; i++) {
        write16(available + 4 + 2 * i, (uint16_t)(random32() % 4 ? random32() % count : random32()));
    }
    write16(available + 2, (uint16_t)(random32() % 4 ? random32() % count : random32()));
}

static void abuse_queue(uint64_t base)
{
    unsigned count = 1u << random32() % 9;
    uint64_t ring = SCRATCH + (random32() % 256) * 0x4000;
    fill_rings(ring, count);
    write32(base + 0x070, 0);
    write32(base + 0x070, 1);
    write32(base + 0x070, 3);
    // Mostly what is offered, so that the device goes on to its queues.
    for (uint32_t word = 0; word < 2; word++) {
        write32(base + 0x014, word);
        uint32_t offered = read32(base + 0x010);
        write32(base + 0x024, word);
        write32(base + 0x020, random32() % 16 ? offered : random32());
    }
    write32(base + 0x070, 11);
    for (uint32_t queue = 0; queue < 2; queue++) {
        int wild = random32() % 8 == 0;
        write32(base + 0x030, random32() % 16 ? queue : random32());
        write32(base + 0x038, random32() % 16 ? count : random32());
        for (uint32_t i = 0; i < 3; i++) {
            uint64_t address = wild ? own_memory_guard(bad_address()) : ring + i * 0x2000;
            write32(base + 0x080 + i * 0x10, (uint32_t)address);
            write32(base + 0x084 + i * 0x10, (uint32_t)(address >> 32));
        }
        write32(base + 0x044, 1);
    }
    write32(base + 0x070, 15);
    for (uint32_t i = 0; i < 4; i++) {
        write32(base + 0x050, random32() % 8 ? i & 1 : random32());
    }
    (void)read32(base + 0x060);
    write32(base + 0x064, random32());
}

void guest_main(void);

void guest_main(void)
{
    print("nonsense begins\n");
    touch_nothing();
    uint64_t first = exceptions;
    print("exceptions: ");
    print_number(first);
    print("\n");
    for (int round = 0; round < ROUNDS; round++) {
        write_nonsense(500);
        fw_cfg_nonsense();
        for (uint64_t base = 0x0a000000; base < 0x0a004000; base += 0x200) {
            int present = read32(base + 0x008) != 0;
            for (int i = 0; i < (present ? 16 : 1); i++) {
                abuse_queue(base);
            }
        }
    }
    // The UART may have been switched off or set to loop back.
    for (int i = 0; i < 1000; i++) {
        (void)read32(UART);
    }
    write32(UART + 0x30, 0);
    write32(UART + 0x24, 1);
    write32(UART + 0x28, 0);
    write32(UART + 0x2c, 0x70);
    write32(UART + 0x30, 0x301);
    print("\nsurvived, exceptions: ");
    print_number(exceptions);
    print("\n");
}
