// SPDX-License-Identifier: MIT
// The payload as a bare image for the arm `virt` board: identity map, PL011 output, PSCI power
// off. Runs at EL1 on SP_EL0, so that a sequence may do to SP what it likes; exceptions are
// taken on SP_EL1 (bare.S). run.py appends the blob to the image.
#include "payload.h"

#define UART 0x09000000ul

static uint64_t table1[512] __attribute__((aligned(4096)));
static uint64_t table2[512] __attribute__((aligned(4096)));

static volatile uint32_t *uart(unsigned offset)
{
    return (volatile uint32_t *)(UART + offset);
}

void platform_write(const char *text, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        while (*uart(0x18) & 0x20) {        // FR.TXFF
        }
        *uart(0) = (uint8_t)text[i];
    }
}

_Noreturn void platform_exit(int status)
{
    register uint64_t x0 __asm__("x0") = 0x84000008;        // SYSTEM_OFF
    __asm__ volatile("hvc #0" : "+r"(x0) : : "memory");
    for (;;) {
    }
}

// Block descriptors: AF, inner shareable; attribute 0 device, 1 normal write-back.
static void enable_mmu(void)
{
    enum { BLOCK = 1, TABLE = 3, NORMAL = 1 << 2, EL0 = 1 << 6, SHARED = 3 << 8, ACCESSED = 1 << 10 };

    table1[0] = BLOCK | ACCESSED;
    table1[1] = (uint64_t)table2 | TABLE;
    for (uint64_t i = 0; i < 512; i++) {
        uint64_t address = 0x40000000 + (i << 21);
        // LDTR and STTR need memory that EL0 may touch; code must not be writable by EL0
        uint64_t el0 = address == SCRATCH_BASE ? EL0 : 0;
        table2[i] = address | BLOCK | NORMAL | SHARED | ACCESSED | el0;
        if (address == SCRATCH_BASE + SCRATCH_SIZE) {
            table2[i] = 0;                  // a hole: accesses that fault
        }
    }
    // 39 bits, write-back, 4K, EPD1; T1SZ too, by which pointers of the upper half are signed
    uint64_t tcr = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 25 << 16;
    uint64_t sctlr = 0x30d00800 | 1 << 12 | 1 << 2 | 1;         // I, C, M
    __asm__ volatile("msr mair_el1, %0\n"
                     "msr tcr_el1, %1\n"
                     "msr ttbr0_el1, %2\n"
                     "dsb ish\n"
                     "isb\n"
                     "tlbi vmalle1\n"
                     "ic iallu\n"
                     "dsb ish\n"
                     "isb\n"
                     "msr sctlr_el1, %3\n"
                     "isb\n"
                     : : "r"(0xff00ul), "r"(tcr), "r"(table1), "r"(sctlr) : "memory");
}

// Pointer authentication, where it is: keys that are the same everywhere.
static void enable_pauth(void)
{
    uint64_t isar1, sctlr;
    __asm__("mrs %0, id_aa64isar1_el1" : "=r"(isar1));
    if (!(isar1 & 0xff0)) {
        return;
    }
#define KEY(name, value) \
    __asm__ volatile("msr " name ", %0" : : "r"(0x9e3779b97f4a7c15ul * (value)))
    KEY("s3_0_c2_c1_0", 1);
    KEY("s3_0_c2_c1_1", 3);
    KEY("s3_0_c2_c1_2", 5);
    KEY("s3_0_c2_c1_3", 7);
    KEY("s3_0_c2_c2_0", 9);
    KEY("s3_0_c2_c2_1", 11);
    KEY("s3_0_c2_c2_2", 13);
    KEY("s3_0_c2_c2_3", 15);
    KEY("s3_0_c2_c3_0", 17);
    KEY("s3_0_c2_c3_1", 19);
    __asm__("mrs %0, sctlr_el1" : "=r"(sctlr));
    sctlr |= 1u << 31 | 1 << 30 | 1 << 27 | 1 << 13;    // EnIA, EnIB, EnDA, EnDB
    __asm__ volatile("msr sctlr_el1, %0\nisb" : : "r"(sctlr) : "memory");
}

void platform_init(void)
{
    enable_mmu();
    enable_pauth();
    *uart(0x2c) = 0x70;                     // LCRH: 8 bits, FIFO
    *uart(0x30) = 0x301;                    // CR: enabled
}

// From the vector: the PC to return to.
uint64_t bare_exception(uint64_t pc, uint64_t esr)
{
    enum Event e = EVENT_OTHER;

    switch (esr >> 26) {
    case 0x00:
    case 0x18:                              // system register access
        e = EVENT_UNDEFINED;
        break;
    case 0x25:
        e = (esr & 0x3f) == 0x21 ? EVENT_ALIGNMENT : EVENT_DATA_ABORT;
        break;
    case 0x26:
        e = EVENT_ALIGNMENT;
        break;
    case 0x3c:
        e = EVENT_BREAKPOINT;
        break;
    }
    return note_event(pc, e);
}
