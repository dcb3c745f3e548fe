// SPDX-License-Identifier: MIT
// The console of a payload, what cases took, and its end.
#include "payload.h"

#define UART 0x09000000ul

void put(char c)
{
    volatile uint32_t *uart = (volatile uint32_t *)UART;
    while (uart[6] & 0x20) {
    }
    uart[0] = (uint8_t)c;
}

void put_text(const char *s)
{
    while (*s)
        put(*s++);
}

void put_hex(const char *name, uint64_t v)
{
    put_text(name);
    int digits = 1;
    while (digits < 16 && v >> (4 * digits))
        digits++;
    while (digits--)
        put("0123456789abcdef"[v >> (4 * digits) & 15]);
}

_Noreturn void power_off(void)
{
    register uint64_t x0 __asm__("x0") = 0x84000008; // SYSTEM_OFF
    __asm__ volatile("hvc #0" : "+r"(x0) : : "memory");
    for (;;) {
    }
}

void tell(const char *name, unsigned el, const char *where, uint64_t pc)
{
    uint32_t ec = taken_state.esr >> 26;
    bool has_far = ec == 0x20 || ec == 0x21 || ec == 0x22 || ec == 0x24 || ec == 0x25 ||
                   ec == 0x34 || ec == 0x35;
    put_text(name);
    put_text(el ? " el1 " : " el0 ");
    put_text(where);
    put_hex(": vector ", taken_state.vector);
    put_hex(" esr ", taken_state.esr);
    if (has_far)
        put_hex(" far ", taken_state.far);
    put_hex(" elr +", taken_state.elr - pc);
    put_hex(" spsr ", taken_state.spsr);
    put('\n');
}

void run(const char *name, char *code, unsigned el, uint64_t x0, const char *where)
{
    uint64_t pc = (uint64_t)code + ALIAS;
    run_case(pc, el ? 0x3c5 : 0, x0, STACK);
    tell(name, el, where, pc);
}
