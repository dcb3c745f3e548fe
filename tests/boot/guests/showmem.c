// SPDX-License-Identifier: MIT
// Prints what -device loader put into memory: 16 bytes at each of three places, in hexadecimal.
#include <stdint.h>

static void put(char c)
{
    *(volatile uint32_t *)0x09000000 = (uint8_t)c;
}

unsigned long exceptions;

void guest_main(void)
{
    static const uintptr_t places[] = { 0x48000000, 0x48001000, 0x48002000 };
    for (int i = 0; i < 3; i++) {
        const volatile uint8_t *p = (const volatile uint8_t *)places[i];
        for (int b = 0; b < 16; b++) {
            put("0123456789abcdef"[p[b] >> 4]);
            put("0123456789abcdef"[p[b] & 15]);
        }
        put('\n');
    }
}
