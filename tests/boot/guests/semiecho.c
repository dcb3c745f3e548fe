// SPDX-License-Identifier: MIT
//
// A guest that writes what it reads from the semihosting console in capitals, up to a full stop.

unsigned long exceptions;

enum { SYS_WRITEC = 3, SYS_READC = 7 };

void guest_main(void);

static long call(unsigned operation, const void *block)
{
    register unsigned long x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = block;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return (long)x0;
}

void guest_main(void)
{
    char c;
    do {
        c = (char)call(SYS_READC, 0);
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        call(SYS_WRITEC, &c);
    } while (c != '.');
}
