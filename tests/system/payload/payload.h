// SPDX-License-Identifier: MIT
// What the payloads share: the console, system registers, running a case, descriptors.
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#define ALIAS 0x40000000ul              // cases run here above where they are linked
#define PAGES 0x90000000ul              // pages of all kinds, see pages[]
#define SCRATCH 0x48000000ul            // what most of them map
#define HOLE 0x6000000000ul             // nothing is there
#define STACK (PAGES + 0x800)           // of EL0, on page 0

extern struct { uint64_t vector, esr, far, elr, spsr; } taken_state;
// Runs the code at `pc` until the next exception of any kind, which is then in taken_state.
void run_case(uint64_t pc, uint64_t spsr, uint64_t x0, uint64_t sp_el0);
_Noreturn void system_main(void);
_Noreturn void power_off(void);

#define SYSREG_READ(name) ({ uint64_t v_; __asm__ volatile("mrs %0, " #name : "=r"(v_)); v_; })
#define SYSREG_WRITE(name, v) __asm__ volatile("msr " #name ", %0\nisb" : : "r"((uint64_t)(v)) : "memory")

void put(char c);
void put_text(const char *s);
void put_hex(const char *name, uint64_t v); // name, then hexadecimal digits

// Print the exception that was taken; `el` that it was taken from, `pc` where the case began.
void tell(const char *name, unsigned el, const char *where, uint64_t pc);
// Run a case at EL0 or EL1 with this X0 and print what it took.
void run(const char *name, char *code, unsigned el, uint64_t x0, const char *where);

#define RUN(name, el, x0, where) \
    do { extern char case_##name[]; run(#name, case_##name, el, x0, where); } while (0)
#define RUN_BOTH(name, x0, where) do { RUN(name, 0, x0, where); RUN(name, 1, x0, where); } while (0)

void debug_tests(void); // debug.c
void pmu_tests(void);   // pmu.c

// Descriptors (Arm ARM D8.3)
enum {
    VALID = 1, TABLE = 2, USER = 1 << 6, READ_ONLY = 1 << 7, SHARED = 3 << 8, AF = 1 << 10, NG = 1 << 11,
    NORMAL = 1 << 2, PAGE = VALID | TABLE,
};
#define PXN (1ul << 53)
#define UXN (1ul << 54)

// SCTLR_EL1 with the MMU and caches on, and what is one in Armv8.0.
#define SCTLR_ON (0x30d00800 | 1 << 12 | 1 << 2 | 1)

#endif
