// SPDX-License-Identifier: MIT
// A guest that waits for a timer which never fires: its compare value is as far away as it can be.
#include <stdint.h>

volatile uint64_t exceptions;

void guest_main(void)
{
    __asm__ volatile("msr cntv_cval_el0, %0\n msr cntv_ctl_el0, %1\n isb"
                     : : "r"(UINT64_MAX), "r"(UINT64_C(1)));
    *(volatile uint32_t *)0x09000000u = '+';
    for (;;)
        __asm__ volatile("wfi");
}
