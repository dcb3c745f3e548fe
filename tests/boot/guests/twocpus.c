// SPDX-License-Identifier: MIT
//
// A guest for the debugger: two CPUs count, each in a variable of its own, for ever.

unsigned long exceptions;
volatile unsigned long counts[2];

void guest_main(void);
void first(void);
void second(void);

__attribute__((noipa)) void first(void)
{
    for (;;)
        ++counts[0];
}

__attribute__((noipa)) void second(void)
{
    for (;;)
        ++counts[1];
}

void guest_main(void)
{
    register unsigned long x0 __asm__("x0") = 0xc4000003; /* PSCI CPU_ON */
    register unsigned long x1 __asm__("x1") = 1;
    register void (*x2)(void) __asm__("x2") = second;
    register unsigned long x3 __asm__("x3") = 0;
    __asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3) : "memory");
    while (!counts[1])
        continue;
    first();
}
