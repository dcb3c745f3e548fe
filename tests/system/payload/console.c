// SPDX-License-Identifier: MIT
// The console of a payload, and its end.
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
