// SPDX-License-Identifier: MIT
// A Linux program that makes one system call over and over, at a place with a name.
#include <sys/syscall.h>

int main(void)
{
    for (;;) {
        register long number __asm__("x8") = SYS_getppid;
        register long result __asm__("x0");
        __asm__ volatile(".global the_svc, behind_svc\nthe_svc: svc #0\nbehind_svc:"
                         : "=r"(result) : "r"(number) : "memory");
    }
}
