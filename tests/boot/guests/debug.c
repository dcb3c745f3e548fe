// SPDX-License-Identifier: MIT
//
// A guest for the debugger: a call, a loop, an exception, and variables to look at.

extern unsigned long exceptions;
unsigned long exceptions, watched, unwatched;

__attribute__((noinline)) unsigned long add_up(unsigned long n)
{
    unsigned long sum = 0;
    for (unsigned long i = 1; i <= n; i++) {
        sum += i;
        __asm__ volatile("" : "+r"(sum));
    }
    return sum;
}

__attribute__((noinline)) void take_exception(void)
{
    /* the handler skips an instruction */
    __asm__ volatile(".globl the_svc\nthe_svc: svc #0\nnop\n.globl behind_svc\nbehind_svc: nop");
}

void guest_main(void);
void guest_main(void)
{
    *(volatile unsigned long *)&unwatched = 1;
    unsigned long sum = add_up(100);
    *(volatile unsigned long *)&unwatched = 2;
    *(volatile unsigned long *)&watched = sum;
    take_exception();
    *(volatile unsigned long *)&watched += 1;
}
